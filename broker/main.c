/* referral-broker: wires the broker core to the world.
 *
 * Reads the configuration, opens the store, listens, and turns the core once per turn of the loop.
 * SIGTERM and SIGINT end it cleanly: what was answered is durable, what waits is told to come
 * again. Exit codes: 0 stopped, 1 the environment failed, 2 usage, 78 wrong configuration. */
#include <argp.h>
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/certificate.h"
#include "base/file.h"
#include "base/key_file.h"
#include "base/log.h"
#include "broker/beat.h"
#include "broker/config.h"
#include "broker/intake.h"
#include "broker/status_server.h"
#include "io/calendar_folder.h"
#include "io/clock.h"
#include "io/fault_point.h"
#include "io/heartbeat.h"
#include "io/inherited.h"
#include "io/link.h"
#include "io/local.h"
#include "io/loop.h"
#include "io/sd_notify.h"
#include "store/blobs.h"

#define EXIT_CONFIGURATION 78
#define SOFTWARE           "referral-broker 0.1.0"
#define MIB                (UINT64_C(1024) * 1024)

struct daemon {
    struct broker_config config;
    struct buf registry_text, policy_text;
    struct registry *registry;
    struct policy *policy;
    struct calendar *calendar;
    struct keyring *keyring;
    struct sign_key key;
    uint8_t store_key[KEY_FILE_SECRET_BYTES];
    struct store *store;
    struct blobs *blobs;
    struct broker *broker;
    struct broker_backup *backup;
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
    beat_look(((struct daemon *)ctx)->broker, ret_view);
}

static void beat(struct daemon *daemon)
{
    struct heartbeat_view view;

    if (heartbeat_turned(&daemon->heartbeat, &view)) {
        log_error("what is due was last looked at %llu s too long ago: the service manager is told "
                  "no more that all is well, and starts a new process",
                  (unsigned long long)(view.late_ms / 1000));
    }
}

static void turn_end_cb(void *ctx)
{
    struct daemon *daemon = ctx;

    if (daemon->broker == NULL) {
        return;
    }
    (void)fault_point_pass(&daemon->fault_point, "broker.turn");
    broker_turn(daemon->broker);
    beat(daemon);
    if (broker_failure(daemon->broker) != OK) {
        log_error("the store failed (%s): stopping; nothing that was answered is lost",
                  err_text(broker_failure(daemon->broker)));
        loop_stop(daemon->loop);
        return;
    }
    if (broker_has_work(daemon->broker)) {
        turn_soon(daemon);
    }
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

    log_error("the transport takes no connection down any more: stopping, so that the service "
              "manager starts it anew; nothing that was answered is lost");
    daemon->stuck = true;
    loop_stop(daemon->loop);
}

static void stop_cb(void *ctx, int signal_number)
{
    struct daemon *daemon = ctx;

    log_info("stopping (signal %d)", signal_number);
    (void)sd_notify_stopping(&daemon->notify); /* the manager only watches */
    loop_stop(daemon->loop);
}

/* --- TLS: at the start, and anew with SIGHUP --- */

static struct link_tls tls_of(const struct broker_config *config)
{
    return (struct link_tls){.cert_file = config->tls_certificate,
                             .key_file = config->tls_key,
                             .ca_file = config->tls_authority};
}

/* A certificate that ends is told and refuses nothing: the agents that know it go on till then. */
static enum err check_pair(const struct broker_config *config, struct fault *fault)
{
    const struct certificate_files files = {config->tls_certificate, config->tls_key};
    uint64_t expiry_ms = 0;
    struct clock clock;
    enum err error = certificate_files_check(&files, &expiry_ms, fault);

    clock_init(&clock, false);
    if (error == OK &&
        expiry_ms < clock_wall_ms(&clock) + CERTIFICATE_WARN_DAYS * UINT64_C(86400000)) {
        log_warn("%s ends within %u days, or has ended: have the next one issued, put it there and "
                 "reload (SIGHUP)",
                 files.certificate, CERTIFICATE_WARN_DAYS);
    }
    return error;
}

static enum err check_tls(const struct daemon *daemon, struct fault *fault)
{
    const struct link_tls tls = tls_of(&daemon->config);
    enum err error = tls.cert_file[0] != '\0' ? link_tls_check(&tls, fault) : OK;

    return error == OK && tls.cert_file[0] != '\0' ? check_pair(&daemon->config, fault) : error;
}

/* --- what is loaded anew --- */

/* A folder that cannot be read whole changes nothing: the calendar in force stays. */
static void reload_calendar(struct daemon *daemon)
{
    struct fault fault = {.code = ""};
    struct calendar *fresh = NULL;

    if (calendar_folder_load(daemon->config.calendars, &fresh, &fault) != OK) {
        log_fault(LOG_ERROR_LEVEL, &fault);
        log_error("calendar %s stays in force", calendar_version(daemon->calendar));
        return;
    }
    if (!digest_equal(calendar_digest(daemon->calendar), calendar_digest(fresh))) {
        log_info("calendar %s takes the place of %s: open windows are re-dated",
                 calendar_version(fresh), calendar_version(daemon->calendar));
    }
    broker_use_calendar(daemon->broker, fresh);
    calendar_free(daemon->calendar);
    daemon->calendar = fresh;
    turn_soon(daemon);
}

static void reload_cb(void *ctx, int signal_number)
{
    struct daemon *daemon = ctx;
    struct fault fault = {.code = ""};

    (void)signal_number;
    (void)sd_notify_reloading(&daemon->notify);
    if (check_tls(daemon, &fault) != OK || link_server_reload_tls(daemon->link, &fault) != OK) {
        log_fault(LOG_ERROR_LEVEL, &fault);
        log_error("the old certificate stays in use");
    }
    reload_calendar(daemon);
    (void)sd_notify_ready(&daemon->notify, NULL); /* the line stays */
}

/* --- start --- */

static enum err load_rules(struct daemon *daemon, struct fault *fault)
{
    const struct broker_config *config = &daemon->config;
    enum err error = file_read(config->registry, &daemon->registry_text, fault);

    if (error == OK) {
        error = registry_read(config->registry, span_buf(&daemon->registry_text), &daemon->registry,
                              fault);
    }
    if (error == OK) {
        error = file_read(config->policy, &daemon->policy_text, fault);
    }
    if (error == OK) {
        error = policy_read(config->policy, span_buf(&daemon->policy_text), daemon->registry,
                            &daemon->policy, fault);
    }
    if (error == OK) {
        error = calendar_folder_load(config->calendars, &daemon->calendar, fault);
    }
    return error;
}

static enum err load_keys(struct daemon *daemon, struct fault *fault)
{
    uint8_t seed[KEY_FILE_SECRET_BYTES];
    uint8_t recovery[KEY_FILE_SECRET_BYTES]; /* public, and only looked at */
    enum err error = keyring_load(daemon->config.public_keys, &daemon->keyring, fault);

    if (error == OK) {
        error = key_file_read(daemon->config.sign_key, KEY_FILE_SIGN, seed, fault);
    }
    if (error == OK) {
        sign_key_from_seed(seed, &daemon->key);
        error = broker_check_key(daemon->keyring, &daemon->key, fault);
    }
    crypto_wipe(seed, sizeof(seed));
    if (error == OK) {
        error = key_file_read(daemon->config.store_key, KEY_FILE_STORE, daemon->store_key, fault);
    }
    if (error == OK && daemon->config.recovery_key[0] != '\0') {
        error = key_file_read_public(daemon->config.recovery_key, recovery, fault);
    }
    return error;
}

static enum err open_store(struct daemon *daemon, struct fault *fault)
{
    struct store_options options = {.kind = STORE_BROKER,
                                    .map_bytes = daemon->config.store_mib * MIB,
                                    .create = true,
                                    .reserve = daemon->config.store_reserve,
                                    .pass_point = store_point,
                                    .owner = daemon};
    enum err error;

    memcpy(options.mac_key.bytes, daemon->store_key, sizeof(options.mac_key.bytes));
    error = store_open(daemon->config.store, &options, &daemon->store, fault);
    crypto_wipe(&options, sizeof(options));
    crypto_wipe(daemon->store_key, sizeof(daemon->store_key));
    return error;
}

static enum err open_blobs(struct daemon *daemon, struct fault *fault)
{
    struct broker_config *config = &daemon->config;
    const struct blobs_options options = {.refuse_percent = (unsigned)config->attachments_percent,
                                          .pass_point = store_point,
                                          .owner = daemon};

    if (config->attachments[0] == '\0' && blobs_folder_beside(config->store, config->attachments,
                                                              sizeof(config->attachments)) != OK) {
        fault_set(fault, "config.too-long", "store", "no room for the path beside it");
        return ERR_TOO_LARGE;
    }
    return blobs_open(config->attachments, &options, &daemon->blobs, fault);
}

static enum err open_broker(struct daemon *daemon, struct fault *fault)
{
    struct broker_setup setup = {.io = {.ops = &seam, .ctx = daemon},
                                 .store = daemon->store,
                                 .blobs = daemon->blobs,
                                 .registry = daemon->registry,
                                 .policy = daemon->policy,
                                 .calendar = daemon->calendar,
                                 .keyring = daemon->keyring,
                                 .key = &daemon->key,
                                 .registry_text = span_buf(&daemon->registry_text),
                                 .policy_text = span_buf(&daemon->policy_text),
                                 .software = SOFTWARE};

    if (daemon->config.laboratory) {
        setup.laboratory_offset_ms = laboratory_offset_ms;
        setup.laboratory = daemon;
    }
    return broker_new(&setup, &daemon->broker, fault);
}

static enum err open_link(struct daemon *daemon, struct fault *fault)
{
    const struct broker_config *config = &daemon->config;
    const char *urls[CONFIG_LISTEN_MAX];
    size_t agencies = registry_count(daemon->registry);
    struct link_server_options options = {
        .urls = urls,
        .url_count = config->listen_count,
        .tls = tls_of(config),
        .laboratory = config->laboratory,
        .context_count = 2 * agencies + LIMIT_CONTEXTS_SPARE,
        .connections_max = config->connections_max != 0 ? config->connections_max
                                                        : agencies * LIMIT_CONNECTIONS_EACH,
        .on_request = request_cb,
        .on_gone = gone_cb,
        .on_stuck = stuck_cb,
        .ctx = daemon};

    for (size_t i = 0; i < config->listen_count; i++) {
        urls[i] = config->listen[i];
    }
    return link_server_open(daemon->loop, &options, fault, &daemon->link);
}

static enum err open_status(struct daemon *daemon, struct fault *fault)
{
    const struct status_server_options options = {.loop = daemon->loop,
                                                  .config = &daemon->config,
                                                  .inherited = &daemon->inherited,
                                                  .turn = turn_soon,
                                                  .ctx = daemon};

    return status_server_open(&options, fault, &daemon->status);
}

static enum err start_status(struct daemon *daemon)
{
    const struct status_context context = {.broker = daemon->broker,
                                           .backup = daemon->backup,
                                           .clock = &daemon->clock,
                                           .link = daemon->link};

    return status_server_start(daemon->status, &context);
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

/* Whatever is wrong has a next step: that of its place, or this one. */
static enum err configure(struct daemon *daemon, const char *path, struct fault *fault)
{
    enum err error = broker_config_read(path, &daemon->config, fault);

    if (error == OK) {
        error = load_rules(daemon, fault);
    }
    if (error == OK) {
        error = load_keys(daemon, fault);
    }
    if (error == OK) {
        error = check_tls(daemon, fault);
    }
    if (error != OK && fault->hint[0] == '\0') {
        fault_hint(fault, "mend this, then try --check again; the files in config/ explain each "
                          "setting");
    }
    return error;
}

static enum err start(struct daemon *daemon, struct fault *fault)
{
    enum err error;

    clock_init(&daemon->clock, daemon->config.laboratory);
    error = fault_point_init(&daemon->fault_point, daemon->config.laboratory, fault);
    if (error == OK && daemon->config.laboratory_behind_ms != 0) {
        error =
            clock_set_wall_offset(&daemon->clock, -(int64_t)daemon->config.laboratory_behind_ms);
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
    if (error == OK) {
        error =
            broker_backup_new(&daemon->config, keyring_origin(daemon->keyring), &daemon->backup);
    }
    if (error == OK) {
        error = open_link(daemon, fault);
    }
    return error == OK ? start_status(daemon) : error;
}

/* --- stop --- */

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
    }
    status_server_close(daemon->status);
    broker_backup_free(daemon->backup);
    daemon->backup = NULL;
    store_close(daemon->store);
    blobs_close(daemon->blobs);
    closed = link_server_close(daemon->link);
    if (closed != OK) {
        log_warn("the transport did not close in time; leaving it");
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
    keyring_free(daemon->keyring);
    calendar_free(daemon->calendar);
    policy_free(daemon->policy);
    registry_free(daemon->registry);
    buf_free(&daemon->registry_text);
    buf_free(&daemon->policy_text);
    crypto_wipe(&daemon->key, sizeof(daemon->key));
}

static int run(struct daemon *daemon)
{
    loop_on_turn_end(daemon->loop, turn_end_cb, daemon);
    turn_soon(daemon);
    inherited_close(&daemon->inherited); /* what nobody took is of an older configuration */
    heartbeat_start(&daemon->heartbeat, daemon->loop, &daemon->notify, look_cb, daemon);
    if (daemon->config.laboratory) {
        log_warn("laboratory mode: loopback only, clocks can be moved; never for real cases");
    }
    log_info("ready: %zu agencies, calendar %s", registry_count(daemon->registry),
             calendar_version(daemon->calendar));
    (void)sd_notify_ready(&daemon->notify, "就绪");
    loop_run(daemon->loop);
    loop_on_turn_end(daemon->loop, NULL, NULL);
    return stop(daemon);
}

/* --- command line --- */

struct arguments {
    const char *config;
    bool check;
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct arguments *arguments = state->input;

    switch (key) {
    case 'c':
        arguments->config = value;
        return 0;
    case 'k':
        arguments->check = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected argument: %s", value);
        return 0;
    case ARGP_KEY_END:
        if (arguments->config == NULL) {
            argp_error(state, "--config FILE is missing");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option argp_options[] = {
    {"config", 'c', "FILE", 0, "The configuration (see config/broker.yaml)", 0},
    {"check", 'k', NULL, 0, "Read configuration, rules and keys, say what is wrong, and end", 0},
    {0}};

static const struct argp arguments_parser = {
    .options = argp_options,
    .parser = parse_option,
    .doc = "Routes signed referrals between the agencies of a city, counts their working days and "
           "keeps an audit log.\v"
           "Examples:\n"
           "  referral-broker --config /etc/referral/broker.yaml\n"
           "  referral-broker --config broker.yaml --check\n\n"
           "Exit codes: 0 stopped, 1 the environment failed, 2 usage, 78 wrong configuration."};

/* The folder of the socket may be the service manager's to make at the start: no reason to refuse.
 */
static void checked(const struct daemon *daemon, const char *path)
{
    struct fault fault = {.code = ""};

    if (local_path_check(daemon->config.status_socket, &fault) != OK) {
        log_fault(LOG_WARN_LEVEL, &fault);
    }
    printf("%s: right: %zu agencies, calendar %s; nothing was started\n", path,
           registry_count(daemon->registry), calendar_version(daemon->calendar));
}

int main(int argc, char **argv)
{
    struct daemon daemon = {.wake_boot_ms = 0};
    struct arguments arguments = {.config = NULL};
    struct fault fault = {.code = ""};
    int status = 0;

    argp_err_exit_status = 2;
    argp_program_version = SOFTWARE;
    (void)argp_parse(&arguments_parser, argc, argv, 0, NULL, &arguments); /* exits by itself */
    log_init("referral-broker", LOG_INFO_LEVEL);
    sd_notify_init(&daemon.notify);
    inherited_init(&daemon.inherited, &daemon.notify);
    buf_init(&daemon.registry_text, LIMIT_CONFIG_BYTES);
    buf_init(&daemon.policy_text, LIMIT_CONFIG_BYTES);
    if (crypto_init() != OK) {
        log_error("libsodium cannot start");
        return 1;
    }
    if (configure(&daemon, arguments.config, &fault) != OK) {
        log_fault(LOG_ERROR_LEVEL, &fault);
        status = EXIT_CONFIGURATION;
    } else if (arguments.check) {
        checked(&daemon, arguments.config);
    } else {
        if (start(&daemon, &fault) != OK) {
            log_fault(LOG_ERROR_LEVEL, &fault);
            status = 1;
            (void)stop(&daemon);
        } else {
            status = run(&daemon);
        }
    }
    release(&daemon);
    return status;
}
