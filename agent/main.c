/* referral-agent: wires the agent core to the world.
 *
 * Reads the configuration, opens the store, dials the broker, serves the local socket, sends
 * notices. SIGTERM and SIGINT end it: everything that was answered is durable already. Exit
 * codes: 0 stopped, 1 the environment failed, 2 usage, 78 wrong configuration. */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/beat.h"
#include "agent/reload.h"
#include "agent/web/web.h"
#include "agent/notice/sender.h"
#include "base/certificate.h"
#include "base/file.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/daemon_line.h"
#include "io/fault_point.h"
#include "io/heartbeat.h"
#include "io/inherited.h"
#include "io/link.h"
#include "io/local.h"
#include "io/loop.h"
#include "io/sd_notify.h"
#include "store/backups.h"
#include "store/blobs.h"
#include "store/scrub.h"
#include "store/starts.h"

#define SOFTWARE           "referral-agent 0.1.0"
#define EVIDENCE_FILES_MAX 99u
#define MIB                (UINT64_C(1024) * 1024)

#define DAMAGED_STATUS "存储损坏：只答状态，不收发" /* of a daemon without an agent */

struct daemon;

struct call { /* one slot of requests */
    struct daemon *daemon;
    enum agent_slot slot;
};

struct daemon {
    struct loaded *loaded; /* what the files say; owned */
    struct store *store;
    struct blobs *blobs;
    struct fault failed; /* why there is no agent, and only that is answered */
    uint64_t ready_ms;   /* machine time */
    bool lived;          /* long enough since then for the store to be no longer in doubt */
    struct backups *backups;
    struct backups_plan backups_plan; /* but for the time */
    struct agent *agent;
    struct clock clock;
    struct fault_point fault_point;
    struct sd_notify notify;
    struct inherited inherited;
    struct heartbeat heartbeat;
    struct loop *loop;
    struct loop_timer wake;
    struct link_client *link;
    struct call calls[SLOT_COUNT];
    struct local_server *local;
    struct web *web;
    struct buf proxy_secret; /* with its NUL */
    char web_url[96];
    char evidence[LIE_PATH_BYTES]; /* the newest file at the start; empty: none */
    struct sender *sender;
    uint64_t watchers[LIMIT_LOCAL_CLIENTS]; /* handles of those who watch; 0 free */
    bool stopping;
};

/* --- what the core asks of the world --- */

static uint64_t op_wall_ms(void *ctx)
{
    return clock_wall_ms(&((struct daemon *)ctx)->clock);
}

static uint64_t op_machine_ms(void *ctx)
{
    (void)ctx;
    return clock_machine_ms();
}

static void op_random(void *ctx, void *out, size_t len)
{
    (void)ctx;
    crypto_random(out, len);
}

static void op_wake_at(void *ctx, uint64_t machine_ms)
{
    loop_timer_set(&((struct daemon *)ctx)->wake, machine_ms);
}

static void replied_cb(void *ctx, enum err result, struct span reply)
{
    struct call *call = ctx;

    if (!call->daemon->stopping) {
        agent_replied(call->daemon->agent, call->slot, result, reply);
    }
}

static enum err op_request(void *ctx, enum agent_slot slot, struct span bytes, uint64_t timeout_ms)
{
    struct daemon *daemon = ctx;

    return link_client_request(daemon->link, bytes, timeout_ms, replied_cb, &daemon->calls[slot]);
}

static void op_follow_laboratory(void *ctx, int64_t offset_ms)
{
    struct daemon *daemon = ctx;

    if (offset_ms > clock_both_offset_ms(&daemon->clock) &&
        clock_set_both_offset(&daemon->clock, offset_ms) != OK) {
        log_event(EVENT_LABORATORY, "the broker's laboratory clock cannot be followed");
    }
}

static void op_event(void *ctx, struct span line)
{
    struct daemon *daemon = ctx;

    for (size_t i = 0; i < LIMIT_LOCAL_CLIENTS; i++) {
        if (daemon->watchers[i] != 0 &&
            local_reply(daemon->local, daemon->watchers[i], line) != OK) {
            daemon->watchers[i] = 0;
        }
    }
}

static void op_changed(void *ctx, const struct case_key *key)
{
    struct daemon *daemon = ctx;

    if (daemon->web != NULL) {
        web_changed(daemon->web, key);
    }
}

static enum err op_watch(void *ctx, uint64_t client)
{
    struct daemon *daemon = ctx;

    for (size_t i = 0; i < LIMIT_LOCAL_CLIENTS; i++) {
        if (daemon->watchers[i] == 0 || daemon->watchers[i] == client) {
            daemon->watchers[i] = client;
            return OK;
        }
    }
    return ERR_FULL;
}

static enum err op_move_wall(void *ctx, int64_t offset_ms)
{
    struct daemon *daemon = ctx;

    return clock_set_wall_offset(&daemon->clock,
                                 offset_ms - (int64_t)daemon->loaded->config.laboratory_behind_ms);
}

static enum err op_load_calendar(void *ctx, struct calendar **ret_calendar, struct fault *fault)
{
    struct daemon *daemon = ctx;
    const struct link_tls tls = loaded_tls(&daemon->loaded->config);
    struct calendar *calendar = NULL;
    enum err error = reload_calendar(daemon->loaded, &calendar, fault);

    if (error == OK && daemon->link != NULL && tls.cert_file[0] != '\0') {
        error = link_client_reload_tls(daemon->link, &tls, fault);
    }
    if (error != OK) {
        calendar_free(calendar);
        return error;
    }
    *ret_calendar = calendar;
    return OK;
}

static void notified_cb(void *ctx, size_t channel, const struct notice_outcome *outcome)
{
    struct daemon *daemon = ctx;

    if (!daemon->stopping) {
        agent_notified(daemon->agent, channel, outcome);
    }
}

static enum err op_notify(void *ctx, size_t channel, const struct notice_sending *sending)
{
    return sender_start(((struct daemon *)ctx)->sender, channel, sending);
}

static void evidence_path(const struct daemon *daemon, unsigned number, char out[LIE_PATH_BYTES])
{
    (void)snprintf(out, LIE_PATH_BYTES, "%s/lie-%02u.evidence", daemon->loaded->config.evidence,
                   number);
}

/* Files are rare, and each is of weight: the folder is looked at for the next free name. */
static enum err op_keep_evidence(void *ctx, struct span file, char ret_path[LIE_PATH_BYTES])
{
    const struct daemon *daemon = ctx;
    struct fault fault = {.code = ""};
    enum err error = folder_make(daemon->loaded->config.evidence, 0700, &fault);

    for (unsigned number = 1; error == OK && number <= EVIDENCE_FILES_MAX; number++) {
        evidence_path(daemon, number, ret_path);
        error = file_write_new(ret_path, file, 0600, &fault);
        if (error != ERR_EXISTS) {
            break;
        }
        error = number < EVIDENCE_FILES_MAX ? OK : ERR_FULL;
    }
    if (error != OK) {
        ret_path[0] = '\0';
    }
    return error;
}

/* What was caught before is told until somebody moves the file away. */
static void find_evidence(struct daemon *daemon)
{
    for (unsigned number = EVIDENCE_FILES_MAX; number > 0; number--) {
        evidence_path(daemon, number, daemon->evidence);
        if (access(daemon->evidence, F_OK) == 0) {
            return;
        }
    }
    daemon->evidence[0] = '\0';
}

static const struct agent_ops ops = {.wall_ms = op_wall_ms,
                                     .machine_ms = op_machine_ms,
                                     .random = op_random,
                                     .wake_at = op_wake_at,
                                     .request = op_request,
                                     .follow_laboratory = op_follow_laboratory,
                                     .event = op_event,
                                     .changed = op_changed,
                                     .watch = op_watch,
                                     .move_wall = op_move_wall,
                                     .load_calendar = op_load_calendar,
                                     .notify = op_notify,
                                     .keep_evidence = op_keep_evidence};

/* --- what comes in --- */

static void wake_cb(void *ctx)
{
    agent_wake(((struct daemon *)ctx)->agent);
}

static void state_cb(void *ctx, bool connected)
{
    struct daemon *daemon = ctx;

    if (!daemon->stopping) {
        agent_connected(daemon->agent, connected);
    }
}

static void line_cb(void *ctx, uint64_t handle, struct span line)
{
    struct daemon *daemon = ctx;
    struct buf answer;

    enum err error;

    buf_init(&answer, 4 * LIMIT_LOCAL_LINE_BYTES);
    error = daemon->agent != NULL ? agent_answer(daemon->agent, handle, line, &answer)
                                  : agent_answer_failed(&daemon->failed, &answer);
    if (error != OK || local_reply(daemon->local, handle, span_buf(&answer)) != OK) {
        local_hang_up(daemon->local, handle);
    }
    if (answer.cap > 0) {
        crypto_wipe(answer.data, answer.cap); /* bodies may be in it */
    }
    buf_free(&answer);
}

static void client_gone_cb(void *ctx, uint64_t handle)
{
    struct daemon *daemon = ctx;

    for (size_t i = 0; i < LIMIT_LOCAL_CLIENTS; i++) {
        if (daemon->watchers[i] == handle) {
            daemon->watchers[i] = 0;
        }
    }
}

static void look_cb(void *ctx, struct heartbeat_view *ret_view)
{
    const struct daemon *daemon = ctx;

    if (daemon->agent != NULL) {
        agent_beat_look(daemon->agent, ret_view);
    } else {
        text_copy(ret_view->status, sizeof(ret_view->status), DAMAGED_STATUS);
    }
}

static void turn_end_cb(void *ctx)
{
    struct daemon *daemon = ctx;
    struct heartbeat_view view;

    (void)fault_point_pass(&daemon->fault_point, "agent.turn");
    if (!daemon->lived && daemon->agent != NULL &&
        clock_machine_ms() - daemon->ready_ms > STARTS_GOOD_MS) {
        daemon->lived = true;
        starts_good(daemon->loaded->config.store);
    }
    backups_turn(daemon->backups);
    (void)heartbeat_turned(&daemon->heartbeat, &view); /* nothing here can be late */
    if (daemon->agent != NULL && agent_failure(daemon->agent) != OK) {
        log_event(EVENT_STORE_FAILED,
                  "the store failed (%s): stopping; nothing that was answered is lost",
                  err_text(agent_failure(daemon->agent)));
        loop_stop(daemon->loop);
    }
}

static void stop_cb(void *ctx, int signal_number)
{
    struct daemon *daemon = ctx;

    log_event(EVENT_STOPPING, "stopping (signal %d)", signal_number);
    (void)sd_notify_stopping(&daemon->notify); /* the manager only watches */
    loop_stop(daemon->loop);
}

static void reload_cb(void *ctx, int signal_number)
{
    struct daemon *daemon = ctx;
    struct fault fault = {.code = ""};

    (void)signal_number;
    (void)sd_notify_reloading(&daemon->notify);
    if (daemon->agent != NULL) {
        (void)agent_reload(daemon->agent, &fault); /* it has said what is wrong */
    }
    (void)sd_notify_ready(&daemon->notify, NULL); /* the line stays */
}

static void store_point(void *owner, const char *name)
{
    (void)fault_point_pass(&((struct daemon *)owner)->fault_point, name);
}

/* --- start --- */

/* A certificate that ends is told and refuses nothing: messages wait here as long as need be. */
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
            "restart",
            loaded->config.tls_certificate, CERTIFICATE_WARN_DAYS);
    }
}

static enum err open_store(struct daemon *daemon, struct fault *fault)
{
    struct store_options options = {.kind = STORE_AGENT,
                                    .map_bytes = daemon->loaded->config.store_mib * MIB,
                                    .create = true,
                                    .pass_point = store_point,
                                    .owner = daemon};
    enum err error;

    memcpy(options.seal_key, daemon->loaded->store_key, sizeof(options.seal_key));
    error = starts_check(daemon->loaded->config.store, &options, fault);
    if (error == OK) {
        error = store_open(daemon->loaded->config.store, &options, &daemon->store, fault);
    }
    crypto_wipe(&options, sizeof(options));
    crypto_wipe(daemon->loaded->store_key, sizeof(daemon->loaded->store_key));
    return error;
}

static enum err open_blobs(struct daemon *daemon, struct fault *fault)
{
    const struct agent_config *config = &daemon->loaded->config;
    const struct blobs_options options = {.refuse_percent = (unsigned)config->attachments_percent,
                                          .pass_point = store_point,
                                          .owner = daemon};

    return blobs_open(config->attachments, &options, &daemon->blobs, fault);
}

static enum err open_backups(struct daemon *daemon)
{
    const struct agent_config *config = &daemon->loaded->config;

    daemon->backups_plan =
        (struct backups_plan){.folder = config->backup_folder,
                              .recovery_key = config->recovery_key,
                              .attachments = config->attachments,
                              .store = config->store,
                              .owner = config->agency,
                              .software = SOFTWARE,
                              .signer = &daemon->loaded->sign_key,
                              .files = {{"agent.yaml", config->origin.file},
                                        {"agencies.yaml", config->registry},
                                        {"policy.yaml", config->policy},
                                        {"public-keys.yaml", config->public_keys},
                                        {"calendars", config->calendars}},
                              .file_count = 5,
                              .keep = (unsigned)config->backup_keep};
    return backups_new(&daemon->backups_plan, &daemon->backups);
}

static enum err open_agent(struct daemon *daemon, struct fault *fault)
{
    const struct agent_setup setup = {
        .ops = &ops,
        .ctx = daemon,
        .store = daemon->store,
        .blobs = daemon->blobs,
        .backups = daemon->backups,
        .backups_plan = &daemon->backups_plan,
        .self = registry_find(daemon->loaded->registry, daemon->loaded->config.agency),
        .registry = daemon->loaded->registry,
        .policy = daemon->loaded->policy,
        .calendar = daemon->loaded->calendar,
        .keyring = daemon->loaded->keyring,
        .document = daemon->loaded->agencies.document,
        .policy_text = span_buf(&daemon->loaded->policy_text),
        .sign_key = &daemon->loaded->sign_key,
        .sign_key_next = daemon->loaded->has_next ? &daemon->loaded->sign_key_next : NULL,
        .seal_key = &daemon->loaded->seal_key,
        .software = SOFTWARE,
        .web = daemon->web_url,
        .broker_url = daemon->loaded->config.broker,
        .broker_name = daemon->loaded->config.broker_name,
        .notices = daemon->loaded->config.notices,
        .evidence = daemon->evidence,
        .witness_ms = daemon->loaded->config.witness_ms,
        .accept_gaps = daemon->loaded->config.accept_gaps,
        .laboratory = daemon->loaded->config.laboratory};

    find_evidence(daemon);
    return agent_new(&setup, &daemon->agent, fault);
}

static enum err open_link(struct daemon *daemon, struct fault *fault)
{
    const struct agent_config *config = &daemon->loaded->config;
    const struct link_client_options options = {.url = config->broker,
                                                .tls = loaded_tls(config),
                                                .laboratory = config->laboratory,
                                                .context_count = SLOT_COUNT,
                                                .on_state = state_cb,
                                                .ctx = daemon};

    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        daemon->calls[slot].daemon = daemon;
        daemon->calls[slot].slot = (enum agent_slot)slot;
    }
    return link_client_open(daemon->loop, &options, fault, &daemon->link);
}

static enum err read_proxy_secret(struct daemon *daemon, struct fault *fault)
{
    enum err error = OK;

    if (daemon->loaded->config.web_proxy_secret[0] != '\0') {
        error = file_read(daemon->loaded->config.web_proxy_secret, &daemon->proxy_secret, fault);
    }
    while (daemon->proxy_secret.len > 0 &&
           daemon->proxy_secret.data[daemon->proxy_secret.len - 1] <= ' ') {
        daemon->proxy_secret.len--;
    }
    if (error == OK && daemon->loaded->config.web_proxy_secret[0] != '\0' &&
        daemon->proxy_secret.len < 16) {
        fault_set(fault, "config.web", daemon->loaded->config.web_proxy_secret,
                  "holds less than 16 characters");
        fault_hint(fault, "write a long random text into it, the same as in the proxy");
        error = ERR_INVALID;
    }
    return error == OK ? buf_append(&daemon->proxy_secret, "", 1) : error;
}

static enum err open_web(struct daemon *daemon, struct fault *fault)
{
    const struct agent_config *config = &daemon->loaded->config;
    struct web_setup setup = {.loop = daemon->loop,
                              .agent = daemon->agent,
                              .address = config->web,
                              .certificate = config->web_certificate,
                              .key = config->web_key,
                              .inherited = &daemon->inherited,
                              .proxy_header = config->web_proxy_header,
                              .demo = config->laboratory};
    enum err error;

    if (config->web[0] == '\0') {
        return OK;
    }
    error = read_proxy_secret(daemon, fault);
    if (error == OK) {
        setup.proxy_secret = (const char *)daemon->proxy_secret.data;
        error = web_open(&setup, &daemon->web, fault);
    }
    if (error == OK) {
        const char *colon = strrchr(config->web, ':');

        (void)snprintf(daemon->web_url, sizeof(daemon->web_url), "%s://%.*s:%u/",
                       config->web_certificate[0] != '\0' ? "https" : "http",
                       (int)(colon - config->web), config->web, web_port(daemon->web));
        log_event(EVENT_PAGES_OPEN, "the officers' inbox: %s", daemon->web_url);
    }
    return error;
}

static enum err open_local(struct daemon *daemon, struct fault *fault)
{
    const struct local_server_options options = {
        .path = daemon->loaded->config.socket,
        .inherited = &daemon->inherited,
        .inherited_name = "agent",
        .busy_line = "{\"ok\":false,\"code\":\"agent.busy\",\"place\":\"\",\"message\":"
                     "\"too many clients\",\"hint\":\"try again in a moment\"}",
        .too_long_line = "{\"ok\":false,\"code\":\"agent.line-too-long\",\"place\":\"\","
                         "\"message\":\"a line has at most 1 MiB\",\"hint\":\"\"}",
        .on_line = line_cb,
        .on_gone = client_gone_cb,
        .ctx = daemon};

    return local_server_open(daemon->loop, &options, fault, &daemon->local);
}

static enum err open_loop(struct daemon *daemon, struct fault *fault)
{
    static const struct {
        int number;
        loop_signal_fn fn;
    } signals[] = {{SIGTERM, stop_cb}, {SIGINT, stop_cb}, {SIGHUP, reload_cb}};
    enum err error = loop_new(&daemon->loop);

    for (size_t i = 0; error == OK && i < sizeof(signals) / sizeof(signals[0]); i++) {
        error = loop_on_signal(daemon->loop, signals[i].number, signals[i].fn, daemon);
    }
    if (error != OK) {
        fault_set(fault, "agent.loop", "", "the event loop cannot start: %s", err_text(error));
        return error;
    }
    loop_timer_init(daemon->loop, &daemon->wake, wake_cb, daemon);
    return OK;
}

static enum err open_sender(struct daemon *daemon, struct fault *fault)
{
    enum err error = sender_new(daemon->loop, daemon->loaded->config.notices, notified_cb, daemon,
                                &daemon->sender);

    if (error != OK) {
        fault_set(fault, "agent.sender", "", "notices cannot be sent: %s", err_text(error));
    }
    return error;
}

static enum err start(struct daemon *daemon, struct fault *fault)
{
    enum err error;

    clock_init(&daemon->clock, daemon->loaded->config.laboratory);
    error = fault_point_init(&daemon->fault_point, daemon->loaded->config.laboratory, fault);
    if (error == OK && daemon->loaded->config.laboratory) {
        error = op_move_wall(daemon, 0);
    }
    if (error == OK) {
        error = open_loop(daemon, fault);
    }
    if (error == OK) {
        error = open_sender(daemon, fault);
    }
    if (error == OK) {
        error = open_local(daemon, fault); /* it may fail: before the store takes its place */
    }
    if (error == OK) {
        error = open_store(daemon, fault);
    }
    if (error == OK) {
        error = open_blobs(daemon, fault);
    }
    if (error == OK) {
        error = open_backups(daemon);
    }
    if (error == OK) {
        error = open_agent(daemon, fault);
    }
    if (error == OK) {
        error = open_web(daemon, fault);
    }
    return error == OK ? open_link(daemon, fault) : error;
}

/* --- run and stop --- */

/* Requests under way are dropped: they are repeated after the next start. */
static int stop(struct daemon *daemon)
{
    bool failed = daemon->agent != NULL && agent_failure(daemon->agent) != OK;
    enum err closed;

    daemon->stopping = true;
    web_close(daemon->web);
    daemon->web = NULL;
    local_server_close(daemon->local);
    backups_free(daemon->backups);
    daemon->backups = NULL;
    store_close(daemon->store);
    if (!failed && daemon->agent != NULL) {
        starts_good(daemon->loaded->config.store);
    }
    blobs_close(daemon->blobs);
    daemon->store = NULL;
    closed = link_client_close(daemon->link);
    if (closed != OK) {
        log_event(EVENT_TRANSPORT_SLOW, "the transport did not close in time; leaving it");
        _exit(failed ? 1 : 0);
    }
    return failed ? 1 : 0;
}

static void release(struct daemon *daemon)
{
    daemon->stopping = true;
    if (daemon->loop != NULL) {
        loop_timer_clear(&daemon->wake);
        heartbeat_stop(&daemon->heartbeat);
    }
    inherited_close(&daemon->inherited);
    sender_stop(daemon->sender); /* the loop's end waits for what is under way */
    loop_free(daemon->loop);
    sender_free(daemon->sender);
    agent_free(daemon->agent);
    buf_free(&daemon->proxy_secret);
    loaded_free(daemon->loaded);
}

static int run(struct daemon *daemon)
{
    loop_on_turn_end(daemon->loop, turn_end_cb, daemon);
    inherited_close(&daemon->inherited); /* what nobody took is of an older configuration */
    heartbeat_start(&daemon->heartbeat, daemon->loop, &daemon->notify, look_cb, daemon);
    if (daemon->loaded->config.laboratory) {
        log_event(EVENT_LABORATORY,
                  "laboratory mode: the clock follows the broker's; never for real cases");
    }
    log_event(EVENT_READY, "ready: agent of %s, calendar %s%s%s", daemon->loaded->config.agency,
              calendar_version(daemon->loaded->calendar),
              daemon->loaded->config.tls_certificate[0] != '\0' ? ", TLS by " : "",
              daemon->loaded->config.tls_certificate[0] != '\0' ? link_engine_name() : "");
    daemon->ready_ms = clock_machine_ms();
    (void)sd_notify_ready(&daemon->notify, "就绪");
    agent_wake(daemon->agent); /* what needs no broker begins, and the count of one that is away */
    loop_run(daemon->loop);
    loop_on_turn_end(daemon->loop, NULL, NULL);
    return stop(daemon);
}

/* --- command line --- */

/* The folder of the socket may be the service manager's to make at the start: no reason to refuse.
 */
static int checked(const struct daemon_line *line, const struct loaded *loaded)
{
    struct fault fault = {.code = ""};

    warn_expiry(loaded);
    if (local_path_check(loaded->config.socket, &fault) != OK) {
        log_fault(EVENT_SOCKET_FOLDER, &fault);
    }
    if (line->json) {
        printf("{\"ok\":true,\"agency\":\"%s\",\"calendar\":\"%s\"}\n", loaded->config.agency,
               calendar_version(loaded->calendar));
    } else {
        printf("%s: right: agent of %s, calendar %s; nothing was started\n", line->config,
               loaded->config.agency, calendar_version(loaded->calendar));
    }
    return 0;
}

/* Instead of running, as a child of whoever wants to know. */
static int check_store(const struct daemon_line *line, struct loaded *loaded)
{
    struct store_options options = {.kind = STORE_AGENT,
                                    .map_bytes = loaded->config.store_mib * MIB};
    struct buf text;
    int status;

    memcpy(options.seal_key, loaded->store_key, sizeof(loaded->store_key));
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
    const struct agent_config *config = &loaded->config;
    struct buf text;
    enum err error;

    buf_init(&text, LIMIT_CONFIG_BYTES);
    error = options_report(agent_option_table, config, &config->origin, line->json, &text);
    if (error == OK) {
        (void)fwrite(text.data, 1, text.len, stdout);
    }
    buf_free(&text);
    return error == OK ? 0 : 1;
}

/* A store that is damaged is damaged for the next start as well: the daemon stays and says so on
 * its socket, until somebody restores the store and starts it anew. */
static int stay(struct daemon *daemon, const struct fault *fault)
{
    daemon->failed = *fault;
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
    if (error == ERR_CORRUPT && daemon->local != NULL && daemon->agent == NULL) {
        return stay(daemon, &fault);
    }
    (void)stop(daemon);
    return 1;
}

int main(int argc, char **argv)
{
    static struct faults faults;
    struct daemon daemon = {.stopping = false};
    struct daemon_line line = {
        .version = SOFTWARE,
        .about = "Sends and receives the referrals of one agency, keeps them encrypted, and checks "
                 "the broker.",
        .examples = "  referral-agent --config /etc/referral/agent.yaml\n"
                    "  referral-agent --config agent.yaml --check\n",
        .sample = "The configuration (see config/agent.yaml)"};
    int status = 0;

    daemon_line_read(&line, argc, argv);
    log_init("referral-agent", LOG_INFO_LEVEL, clock_machine_ms);
    sd_notify_init(&daemon.notify);
    inherited_init(&daemon.inherited, &daemon.notify);
    buf_init(&daemon.proxy_secret, 4096);
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
    } else {
        status = serve(&daemon);
    }
    release(&daemon);
    log_flush();
    return status;
}
