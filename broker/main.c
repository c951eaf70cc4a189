/* referral-broker: wires the broker core to the world.
 *
 * Reads the configuration, opens the store, listens, and turns the core once per turn of the loop.
 * SIGTERM and SIGINT end it cleanly: what was answered is durable, what waits is told to come
 * again. Exit codes: 0 stopped, 1 the environment failed, 2 usage, 78 wrong configuration. */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/certificate.h"
#include "base/log.h"
#include "broker/acts.h"
#include "broker/beat.h"
#include "broker/intake.h"
#include "broker/load.h"
#include "broker/open_log.h"
#include "broker/reload.h"
#include "broker/standby.h"
#include "broker/status_server.h"
#include "broker/store_check.h"
#include "io/clock.h"
#include "io/daemon_line.h"
#include "io/fault_point.h"
#include "io/heartbeat.h"
#include "io/inherited.h"
#include "io/link.h"
#include "io/local.h"
#include "io/loop.h"
#include "io/metrics_http.h"
#include "io/sd_notify.h"
#include "store/blobs.h"
#include "store/journal.h"
#include "store/scrub.h"
#include "store/starts.h"

#define SOFTWARE       "referral-broker 0.1.0"
#define MIB            (UINT64_C(1024) * 1024)
#define FAREWELL_MS    2000u                        /* of a stop, for a standby that is there */
#define HAND_OVER_MS   30000u                       /* the same when it is to go on in our place */
#define DAMAGED_STATUS "存储损坏：只答状态，不收发" /* of a daemon without a broker */

struct daemon {
    struct loaded *loaded;        /* what the files say; owned */
    struct reload *reload;        /* owned */
    struct metrics_http *metrics; /* NULL: no port for them */
    struct store *store;
    struct blobs *blobs;
    struct broker *broker;
    struct backups *backup;
    uint64_t ready_ms;        /* machine time */
    bool lived;               /* long enough since then for the store to be no longer in doubt */
    struct store_check check; /* the daily look */
    struct standby_watch standby;       /* who follows */
    struct standby_promotion promotion; /* from standby to broker, by this process */
    struct clock clock;
    struct fault_point fault_point;
    struct sd_notify notify;
    struct inherited inherited;
    struct heartbeat heartbeat;
    struct loop *loop;
    struct loop_timer wake;
    uint64_t wake_boot_ms; /* what the core asked for, on its own clock */
    struct link_server *link;
    struct status_server *status;
    bool stuck; /* the transport is, and a new process must go on */
};

struct arrival { /* a verified request on its way from a link thread to the loop */
    struct loop_item item;
    struct daemon *daemon;
    struct intake *intake;
};

/* --- the seam --- */

static uint64_t seam_wall_ms(void *ctx)
{
    return clock_wall_ms(&((struct daemon *)ctx)->clock);
}

static uint64_t seam_boot_ms(void *ctx)
{
    return clock_boot_ms(&((struct daemon *)ctx)->clock);
}

static void seam_random(void *ctx, void *out, size_t len)
{
    (void)ctx;
    crypto_random(out, len);
}

static void seam_wake_at(void *ctx, uint64_t boot_ms)
{
    struct daemon *daemon = ctx;

    daemon->wake_boot_ms = boot_ms;
    loop_timer_set(&daemon->wake, clock_machine_at(&daemon->clock, boot_ms));
}

static void seam_reply(void *ctx, uint64_t handle, struct buf *bytes)
{
    link_reply(((struct daemon *)ctx)->link, handle, bytes);
}

static void seam_drop(void *ctx, uint64_t handle)
{
    link_drop(((struct daemon *)ctx)->link, handle);
}

static bool seam_fault(void *ctx, const char *point)
{
    return fault_point_pass(&((struct daemon *)ctx)->fault_point, point);
}

static const struct io_ops seam = {.wall_ms = seam_wall_ms,
                                   .boot_ms = seam_boot_ms,
                                   .random = seam_random,
                                   .wake_at = seam_wake_at,
                                   .reply = seam_reply,
                                   .drop = seam_drop,
                                   .fault = seam_fault};

static int64_t laboratory_offset_ms(void *ctx)
{
    return clock_both_offset_ms(&((struct daemon *)ctx)->clock);
}

static void store_point(void *owner, const char *name)
{
    (void)fault_point_pass(&((struct daemon *)owner)->fault_point, name);
}

/* --- what comes in --- */

static void wake_cb(void *ctx)
{
    (void)ctx; /* the end of this turn of the loop turns the core */
}

/* Asks for one more turn of the loop at once. */
static void turn_soon(void *ctx)
{
    struct daemon *daemon = ctx;

    loop_timer_set(&daemon->wake, clock_machine_ms());
}

static void look_cb(void *ctx, struct heartbeat_view *ret_view)
{
    struct daemon *daemon = ctx;

    if (daemon->broker != NULL) {
        beat_look(daemon->broker, ret_view);
    } else {
        text_copy(ret_view->status, sizeof(ret_view->status), DAMAGED_STATUS);
    }
}

static void beat(struct daemon *daemon)
{
    struct heartbeat_view view;

    if (heartbeat_turned(&daemon->heartbeat, &view)) {
        log_event(EVENT_SCAN_LATE,
                  "what is due was last looked at %llu s too long ago: the service manager is told "
                  "no more that all is well, and starts a new process",
                  (unsigned long long)(view.late_ms / 1000));
    }
}

static void turn_end_cb(void *ctx)
{
    struct daemon *daemon = ctx;

    if (daemon->broker == NULL) { /* a damaged store: only to say so */
        beat(daemon);
        return;
    }
    (void)fault_point_pass(&daemon->fault_point, "broker.turn");
    broker_turn(daemon->broker);
    beat(daemon);
    if (broker_failure(daemon->broker) != OK) {
        log_event(EVENT_STORE_FAILED,
                  "the store failed (%s): stopping; nothing that was answered is lost",
                  err_text(broker_failure(daemon->broker)));
        loop_stop(daemon->loop);
        return;
    }
    if (broker_has_work(daemon->broker)) {
        turn_soon(daemon);
    }
    if (!daemon->lived && clock_machine_ms() - daemon->ready_ms > STARTS_GOOD_MS) {
        daemon->lived = true;
        starts_good(daemon->loaded->config.store);
    }
    backups_turn(daemon->backup);
    status_server_turn(daemon->status);
}

static void arrived_cb(struct loop_item *item)
{
    struct arrival *arrival = (struct arrival *)item;

    broker_take(arrival->daemon->broker, arrival->intake);
    free(arrival);
}

/* On a link thread. */
static enum link_verdict request_cb(void *ctx, const struct link_request *request,
                                    struct buf *ret_answer, struct loop_item **ret_item)
{
    struct daemon *daemon = ctx;
    struct arrival *arrival = malloc(sizeof(*arrival));

    if (arrival == NULL) {
        return LINK_DROP;
    }
    if (intake_open(broker_intake(daemon->broker), request->bytes, &arrival->intake, ret_answer) !=
        OK) {
        free(arrival);
        return ret_answer->len > 0 ? LINK_ANSWER : LINK_DROP;
    }
    arrival->intake->handle = request->handle;
    arrival->intake->pipe = request->pipe;
    intake_compare(broker_intake(daemon->broker), arrival->intake, request->peer);
    arrival->daemon = daemon;
    arrival->item.run = arrived_cb;
    *ret_item = &arrival->item;
    return LINK_HAND_OVER;
}

static void gone_cb(void *ctx, uint32_t pipe)
{
    broker_gone(((struct daemon *)ctx)->broker, pipe);
}

static void stuck_cb(void *ctx)
{
    struct daemon *daemon = ctx;

    log_event(EVENT_TRANSPORT_STUCK,
              "the transport takes no connection down any more: stopping, so that the service "
              "manager starts it anew; nothing that was answered is lost");
    daemon->stuck = true;
    loop_stop(daemon->loop);
}

static void stop_cb(void *ctx, int signal_number)
{
    struct daemon *daemon = ctx;

    log_event(EVENT_STOPPING, "stopping (signal %d)", signal_number);
    (void)sd_notify_stopping(&daemon->notify); /* the manager only watches */
    loop_stop(daemon->loop);
}

/* A certificate that ends is told and refuses nothing: the agents that know it go on till then. */
static void warn_expiry(const struct loaded *loaded)
{
    struct clock clock;

    clock_init(&clock, false);
    if (loaded->tls_expiry_ms != 0 &&
        loaded->tls_expiry_ms <
            clock_wall_ms(&clock) + CERTIFICATE_WARN_DAYS * UINT64_C(86400000)) {
        log_event(
            EVENT_CERTIFICATE_ENDS,
            "%s ends within %u days, or has ended: have the next one issued, put it there and "
            "reload (SIGHUP)",
            loaded->config.tls_certificate, CERTIFICATE_WARN_DAYS);
    }
}

/* --- what is loaded anew --- */

static void reload_cb(void *ctx, int signal_number)
{
    struct daemon *daemon = ctx;
    struct loaded *fresh = NULL;
    uint64_t now_ms = clock_wall_ms(&daemon->clock);

    (void)signal_number;
    (void)sd_notify_reloading(&daemon->notify);
    if (daemon->broker == NULL) {
        (void)sd_notify_ready(&daemon->notify, NULL); /* nothing is in use */
        return;
    }
    if (reload_read(daemon->reload, now_ms, &fresh) == OK &&
        reload_apply(daemon->reload, now_ms, fresh) == OK) {
        warn_expiry(daemon->loaded);
        turn_soon(daemon);
    }
    (void)sd_notify_ready(&daemon->notify, NULL); /* the line stays */
}

/* --- start --- */

static enum err open_store(struct daemon *daemon, struct fault *fault)
{
    struct store_options options = {.kind = STORE_BROKER,
                                    .map_bytes = daemon->loaded->config.store_mib * MIB,
                                    .create = true,
                                    .reserve = daemon->loaded->config.store_reserve,
                                    .journal_bytes =
                                        daemon->loaded->config.standby_journal_mib * MIB,
                                    .pass_point = store_point,
                                    .owner = daemon};
    enum err error;

    memcpy(options.mac_key.bytes, daemon->loaded->store_key, sizeof(options.mac_key.bytes));
    error = starts_check(daemon->loaded->config.store, &options, fault);
    if (error == OK) {
        error = store_open(daemon->loaded->config.store, &options, &daemon->store, fault);
    }
    crypto_wipe(&options, sizeof(options));
    crypto_wipe(daemon->loaded->store_key, sizeof(daemon->loaded->store_key));
    if (error == OK && !daemon->promotion.promoted) {
        error = standby_check_start(daemon->store, daemon->loaded->config.store, fault);
    }
    return error;
}

static enum err open_blobs(struct daemon *daemon, struct fault *fault)
{
    const struct broker_config *config = &daemon->loaded->config;
    const struct blobs_options options = {.refuse_percent = (unsigned)config->attachments_percent,
                                          .pass_point = store_point,
                                          .owner = daemon};

    return blobs_open(config->attachments, &options, &daemon->blobs, fault);
}

static enum err open_broker(struct daemon *daemon, struct fault *fault)
{
    struct broker_setup setup = {.io = {.ops = &seam, .ctx = daemon},
                                 .store = daemon->store,
                                 .blobs = daemon->blobs,
                                 .registry = daemon->loaded->registry,
                                 .policy = daemon->loaded->policy,
                                 .calendar = daemon->loaded->calendar,
                                 .keyring = daemon->loaded->keyring,
                                 .key = &daemon->loaded->key,
                                 .registry_text =
                                     registry_loaded_agencies(&daemon->loaded->agencies),
                                 .document = daemon->loaded->agencies.document,
                                 .policy_text = span_buf(&daemon->loaded->policy_text),
                                 .software = SOFTWARE};

    if (daemon->loaded->config.laboratory) {
        setup.laboratory_offset_ms = laboratory_offset_ms;
        setup.laboratory = daemon;
    }
    return broker_new(&setup, &daemon->broker, fault);
}

/* The standby's copy becomes this broker's store: an act in its log, and then a journal. */
static enum err take_over(struct daemon *daemon, struct fault *fault)
{
    struct standby_promotion *promotion = &daemon->promotion;
    struct act act = {.name = promotion->lost ? "standby-promote-lost" : "standby-promote",
                      .about = "",
                      .uid = promotion->uid,
                      .role = role_name(ROLE_OF_OPERATORS),
                      .reason = span_text(promotion->reason),
                      .apply = standby_take_over,
                      .arg = promotion};
    enum err error = broker_act(daemon->broker, &act);

    if (error == OK) {
        error =
            store_journal_start(daemon->store, daemon->loaded->config.standby_journal_mib * MIB);
    }
    if (error != OK) {
        fault_set(fault, "standby.promote", daemon->loaded->config.store,
                  "the copy cannot become a broker's store: %s", err_text(error));
    } else {
        log_event(EVENT_STANDBY_PROMOTED,
                  "this standby is the broker now; start it without --standby from now on");
    }
    return error;
}

static enum err open_link(struct daemon *daemon, struct fault *fault)
{
    const struct broker_config *config = &daemon->loaded->config;
    const char *urls[CONFIG_LISTEN_MAX];
    size_t agencies = registry_count(daemon->loaded->registry);
    struct link_server_options options = {
        .urls = urls,
        .url_count = config->listen.count,
        .tls = loaded_tls(config),
        .laboratory = config->laboratory,
        .context_count = 2 * agencies + LIMIT_CONTEXTS_SPARE,
        .connections_max = config->connections_max != 0 ? config->connections_max
                                                        : agencies * LIMIT_CONNECTIONS_EACH,
        .on_request = request_cb,
        .on_gone = gone_cb,
        .on_stuck = stuck_cb,
        .ctx = daemon};

    for (size_t i = 0; i < config->listen.count; i++) {
        urls[i] = config->listen.at[i];
    }
    return link_server_open(daemon->loop, &options, fault, &daemon->link);
}

static enum err open_status(struct daemon *daemon, struct fault *fault)
{
    const struct status_server_options options = {.loop = daemon->loop,
                                                  .config = &daemon->loaded->config,
                                                  .inherited = &daemon->inherited,
                                                  .turn = turn_soon,
                                                  .ctx = daemon};

    return status_server_open(&options, fault, &daemon->status);
}

/* Half of the spare contexts may serve agencies that a reload brings. */
static enum err open_reload(struct daemon *daemon)
{
    daemon->reload = calloc(1, sizeof(*daemon->reload));
    if (daemon->reload == NULL) {
        return ERR_MEMORY;
    }
    daemon->reload->path = daemon->loaded->config.origin.file;
    daemon->reload->loaded = daemon->loaded;
    daemon->reload->broker = daemon->broker;
    daemon->reload->link = daemon->link;
    daemon->reload->agencies_max =
        registry_count(daemon->loaded->registry) + LIMIT_CONTEXTS_SPARE / 2;
    return OK;
}

static struct status_context context_of(struct daemon *daemon)
{
    return (struct status_context){.broker = daemon->broker,
                                   .backup = daemon->backup,
                                   .reload = daemon->reload,
                                   .standby = &daemon->standby,
                                   .clock = &daemon->clock,
                                   .link = daemon->link,
                                   .check = &daemon->check};
}

static enum err write_metrics(void *ctx, struct buf *out)
{
    const struct status_context context = context_of(ctx);

    return status_metrics_text(&context, out);
}

static enum err start_status(struct daemon *daemon, struct fault *fault)
{
    const struct metrics_http_options metrics = {
        .address = daemon->loaded->config.metrics_listen, .write = write_metrics, .ctx = daemon};
    const struct status_context context = context_of(daemon);
    enum err error = OK;

    if (metrics.address[0] != '\0') {
        error = metrics_http_open(daemon->loop, &metrics, &daemon->metrics, fault);
    }
    return error == OK ? status_server_start(daemon->status, &context) : error;
}

static enum err open_loop(struct daemon *daemon, struct fault *fault)
{
    enum err error = loop_new(&daemon->loop);

    if (error == OK) {
        error = loop_on_signal(daemon->loop, SIGTERM, stop_cb, daemon);
    }
    if (error == OK) {
        error = loop_on_signal(daemon->loop, SIGINT, stop_cb, daemon);
    }
    if (error == OK) {
        error = loop_on_signal(daemon->loop, SIGHUP, reload_cb, daemon);
    }
    if (error != OK) {
        fault_set(fault, "broker.loop", "", "the event loop cannot start: %s", err_text(error));
        return error;
    }
    loop_timer_init(daemon->loop, &daemon->wake, wake_cb, daemon);
    return OK;
}

static enum err open_backups(struct daemon *daemon)
{
    struct backups_plan plan;

    broker_backup_plan(daemon->broker, &daemon->loaded->config, &plan);
    return backups_new(&plan, &daemon->backup);
}

static enum err start(struct daemon *daemon, struct fault *fault)
{
    enum err error;

    clock_init(&daemon->clock, daemon->loaded->config.laboratory);
    error = fault_point_init(&daemon->fault_point, daemon->loaded->config.laboratory, fault);
    if (error == OK && daemon->loaded->config.laboratory_behind_ms != 0) {
        error = clock_set_wall_offset(&daemon->clock,
                                      -(int64_t)daemon->loaded->config.laboratory_behind_ms);
    }
    if (error == OK) {
        error = open_loop(daemon, fault);
    }
    if (error == OK) {
        error = open_status(daemon, fault); /* it may fail: before the store takes its place */
    }
    if (error == OK) {
        error = open_store(daemon, fault);
    }
    if (error == OK) {
        error = open_blobs(daemon, fault);
    }
    if (error == OK) {
        error = open_broker(daemon, fault);
    }
    if (error == OK && daemon->promotion.promoted) {
        error = take_over(daemon, fault);
    }
    if (error == OK) {
        error = open_backups(daemon);
    }
    if (error == OK) {
        error = open_link(daemon, fault);
    }
    if (error == OK) {
        error = open_reload(daemon);
    }
    return error == OK ? start_status(daemon, fault) : error;
}

/* --- stop --- */

static void hand_over_cb(void *ctx)
{
    struct daemon *daemon = ctx;

    log_event(EVENT_HANDED_OVER, "handing over to the standby: this broker stops for good");
    loop_stop(daemon->loop);
}

static void mark_handed_over(struct daemon *daemon)
{
    struct broker_clock clock;
    enum err error;

    broker_clock(daemon->broker, &clock);
    error = standby_mark_handed_over(daemon->store, clock.wall_ms);
    if (error != OK) { /* it starts again as the broker that it was */
        log_event(EVENT_STANDBY_CUT, "not handed over: the mark of it could not be written: %s",
                  err_text(error));
        daemon->standby.handing_over = false;
    }
}

static bool has_enough(const struct standby_watch *watch, uint64_t last)
{
    return watch->handing_over ? standby_watch_whole(watch, last) : watch->applied >= last;
}

/* The last commits reach a standby that is there, if it asks in time; a handed over log must. */
static void wait_for_standby(struct daemon *daemon)
{
    struct journal_state state;
    uint64_t wait_ms = daemon->standby.handing_over ? HAND_OVER_MS : FAREWELL_MS;
    uint64_t until_ms = clock_machine_ms() + wait_ms;

    if (daemon->store == NULL || store_journal_state(daemon->store, &state) != OK) {
        return;
    }
    while (standby_watch_here(&daemon->standby, clock_machine_ms()) &&
           !has_enough(&daemon->standby, state.last) && !daemon->standby.copying &&
           clock_machine_ms() < until_ms) {
        loop_turn(daemon->loop, 50);
    }
    if (daemon->standby.handing_over && !has_enough(&daemon->standby, state.last)) {
        log_event(EVENT_STANDBY_CUT,
                  "the standby did not confirm the last commits and attachments: start this "
                  "broker's machine again and copy, or promote it with --lost");
    }
}

/* The guarded order of link.h: no new request, the last turn, its replies out, the store closed,
 * then nng. Nothing after the store is closed can lose anything. */
static int stop(struct daemon *daemon)
{
    bool failed = daemon->broker != NULL && broker_failure(daemon->broker) != OK;
    int status = failed || daemon->stuck ? 1 : 0;
    enum err closed = OK;

    if (daemon->link != NULL) {
        link_server_drain(daemon->link);
        loop_run_posted(daemon->loop);
    }
    if (daemon->broker != NULL && daemon->link != NULL && !failed) {
        do {
            broker_stop(daemon->broker);
            broker_turn(daemon->broker);
        } while (broker_failure(daemon->broker) == OK && broker_has_pending(daemon->broker));
        link_server_settle(daemon->link);
        failed = broker_failure(daemon->broker) != OK;
        status = failed ? 1 : status;
    }
    if (!failed && daemon->standby.handing_over) {
        mark_handed_over(daemon);
    }
    if (!failed) {
        wait_for_standby(daemon);
    }
    status_server_close(daemon->status);
    metrics_http_close(daemon->metrics);
    backups_free(daemon->backup);
    daemon->backup = NULL;
    store_close(daemon->store);
    if (status == 0 && daemon->broker != NULL) {
        starts_good(daemon->loaded->config.store);
    }
    blobs_close(daemon->blobs);
    closed = link_server_close(daemon->link);
    if (closed != OK) {
        log_event(EVENT_TRANSPORT_SLOW, "the transport did not close in time; leaving it");
        _exit(status);
    }
    return status;
}

static void release(struct daemon *daemon)
{
    broker_free(daemon->broker);
    loop_timer_clear(&daemon->wake);
    heartbeat_stop(&daemon->heartbeat);
    inherited_close(&daemon->inherited);
    daemon->broker = NULL;
    loop_free(daemon->loop);
    loaded_free(daemon->loaded);
    free(daemon->reload);
}

static void start_store_check(struct daemon *daemon)
{
    daemon->check = (struct store_check){.loop = daemon->loop,
                                         .program = "/proc/self/exe",
                                         .config = daemon->loaded->config.origin.file,
                                         .every_ms = STORE_CHECK_EVERY_MS,
                                         .wall_ms = seam_wall_ms,
                                         .ctx = daemon};
    store_check_start(&daemon->check, STORE_CHECK_FIRST_MS);
}

static int run(struct daemon *daemon)
{
    loop_on_turn_end(daemon->loop, turn_end_cb, daemon);
    turn_soon(daemon);
    inherited_close(&daemon->inherited); /* what nobody took is of an older configuration */
    heartbeat_start(&daemon->heartbeat, daemon->loop, &daemon->notify, look_cb, daemon);
    if (daemon->loaded->config.laboratory) {
        log_event(EVENT_LABORATORY,
                  "laboratory mode: loopback only, clocks can be moved; never for real cases");
    }
    log_event(EVENT_READY, "ready: %zu agencies, calendar %s%s%s",
              registry_count(daemon->loaded->registry), calendar_version(daemon->loaded->calendar),
              daemon->loaded->config.tls_certificate[0] != '\0' ? ", TLS by " : "",
              daemon->loaded->config.tls_certificate[0] != '\0' ? link_engine_name() : "");
    daemon->ready_ms = clock_machine_ms();
    (void)sd_notify_ready(&daemon->notify, "就绪");
    start_store_check(daemon);
    loop_run(daemon->loop);
    loop_on_turn_end(daemon->loop, NULL, NULL);
    store_check_stop(&daemon->check);
    return stop(daemon);
}

/* --- command line --- */

/* The folder of the socket may be the service manager's to make at the start: no reason to refuse.
 */
static int checked(const struct daemon_line *line, const struct loaded *loaded)
{
    struct fault fault = {.code = ""};

    warn_expiry(loaded);
    if (local_path_check(loaded->config.status_socket, &fault) != OK) {
        log_fault(EVENT_SOCKET_FOLDER, &fault);
    }
    if (line->json) {
        printf("{\"ok\":true,\"agencies\":%zu,\"calendar\":\"%s\"}\n",
               registry_count(loaded->registry), calendar_version(loaded->calendar));
    } else {
        printf("%s: right: %zu agencies, calendar %s; nothing was started\n", line->config,
               registry_count(loaded->registry), calendar_version(loaded->calendar));
    }
    return 0;
}

/* Instead of running, as a child of whoever wants to know. */
static int check_store(const struct daemon_line *line, struct loaded *loaded)
{
    struct store_options options = {.kind = STORE_BROKER,
                                    .map_bytes = loaded->config.store_mib * MIB};
    struct buf text;
    int status;

    memcpy(options.mac_key.bytes, loaded->store_key, sizeof(loaded->store_key));
    buf_init(&text, LIMIT_CONFIG_BYTES);
    status = scrub_child(loaded->config.store, &options, line->json, &text);
    printf("%.*s%s", (int)text.len, text.len > 0 ? (const char *)text.data : "",
           line->json || status == SCRUB_EXIT_FAILED ? "\n" : "");
    buf_free(&text);
    crypto_wipe(&options, sizeof(options));
    return status;
}

static int refused(const struct daemon_line *line, const struct faults *faults)
{
    struct buf text;

    log_faults(EVENT_CONFIG_REFUSED, faults);
    buf_init(&text, LIMIT_CONFIG_BYTES);
    if (line->json && faults_report(faults, &text) == OK) {
        (void)fwrite(text.data, 1, text.len, stdout);
    }
    buf_free(&text);
    return DAEMON_EXIT_CONFIGURATION;
}

static int show_effective(const struct daemon_line *line, const struct loaded *loaded)
{
    const struct broker_config *config = &loaded->config;
    struct buf text;
    enum err error;

    buf_init(&text, LIMIT_CONFIG_BYTES);
    error = options_report(broker_option_table, config, &config->origin, line->json, &text);
    if (error == OK) {
        (void)fwrite(text.data, 1, text.len, stdout);
    }
    buf_free(&text);
    return error == OK ? 0 : 1;
}

/* A store that is damaged is damaged for the next start as well: the daemon stays, answers the
 * status socket with the reason and takes nothing, until somebody restores the store and starts it
 * anew. */
static int stay(struct daemon *daemon, const struct fault *fault)
{
    status_server_fail(daemon->status, fault);
    inherited_close(&daemon->inherited);
    loop_on_turn_end(daemon->loop, turn_end_cb, daemon);
    heartbeat_start(&daemon->heartbeat, daemon->loop, &daemon->notify, look_cb, daemon);
    (void)sd_notify_ready(&daemon->notify, DAMAGED_STATUS);
    loop_run(daemon->loop);
    (void)stop(daemon);
    return 1;
}

static int serve(struct daemon *daemon)
{
    struct fault fault = {.code = ""};
    enum err error;

    warn_expiry(daemon->loaded);
    error = start(daemon, &fault);
    if (error == OK) {
        return run(daemon);
    }
    if (error == ERR_CORRUPT) {
        store_say_damage(daemon->loaded->config.store, &fault);
    }
    log_fault(EVENT_START_FAILED, &fault);
    if (error == ERR_CORRUPT && daemon->status != NULL && daemon->broker == NULL) {
        return stay(daemon, &fault);
    }
    (void)stop(daemon);
    /* A store that is another role's heals by no restart. */
    return error == ERR_REFUSED ? DAEMON_EXIT_CONFIGURATION : 1;
}

/* Follows, and serves when it is promoted. */
static int follow(struct daemon *daemon)
{
    const struct standby_setup setup = {
        .loaded = daemon->loaded, .inherited = &daemon->inherited, .notify = &daemon->notify};
    int status = standby_run(&setup, &daemon->promotion);

    return daemon->promotion.promoted ? serve(daemon) : status;
}

int main(int argc, char **argv)
{
    bool standby = false;
    static struct faults faults;
    struct daemon daemon = {.wake_boot_ms = 0};
    struct open_log_request open_log = {.reason = NULL};
    const struct daemon_switch switches[] = {
        {.name = "standby",
         .help = "Follow the broker that standby-of names, ready to take its place",
         .on = &standby},
        {.name = "open-new-log",
         .help = "The store is an old copy and there is no newer one: let its log go on under a "
                 "new origin, so that agencies hand back what it lacks; then end",
         .on = &open_log.asked},
        {.name = "reason",
         .help = "Why the new log is opened; a digest of it is in the log",
         .argument = "TEXT",
         .text = &open_log.reason},
        {.name = "yes",
         .help = "Do it: without this --open-new-log only says what it would do",
         .on = &open_log.yes},
        {.name = NULL}};
    struct daemon_line line = {
        .version = SOFTWARE,
        .about = "Routes signed referrals between the agencies of a city, counts their working "
                 "days and keeps an audit log.",
        .examples = "  referral-broker --config /etc/referral/broker.yaml\n"
                    "  referral-broker --config broker.yaml --check\n"
                    "  referral-broker --config broker.yaml --open-new-log --reason 'disk lost' "
                    "--yes\n",
        .sample = "The configuration (see config/broker.yaml)",
        .switches = switches};
    int status = 0;

    daemon_line_read(&line, argc, argv);
    log_init("referral-broker", LOG_INFO_LEVEL, clock_machine_ms);
    sd_notify_init(&daemon.notify);
    inherited_init(&daemon.inherited, &daemon.notify);
    daemon.standby.stop = hand_over_cb;
    daemon.standby.ctx = &daemon;
    if (crypto_init() != OK) {
        log_event(EVENT_PROGRAM_BROKEN, "libsodium cannot start");
        return 1;
    }
    if (loaded_read(line.config, &daemon.loaded, &faults) != OK) {
        status = refused(&line, &faults);
    } else if (line.check) {
        status = checked(&line, daemon.loaded);
    } else if (line.check_store) {
        status = check_store(&line, daemon.loaded);
    } else if (line.effective) {
        status = show_effective(&line, daemon.loaded);
    } else if (open_log.asked) {
        status = open_log_run(daemon.loaded, &open_log);
    } else {
        status = standby ? follow(&daemon) : serve(&daemon);
    }
    release(&daemon);
    log_flush();
    return status;
}
