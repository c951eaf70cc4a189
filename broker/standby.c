/* The process of a standby: loop, signals, its status socket, and its promotion. See standby.h. */
#include "broker/standby.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "broker/standby_copy.h"
#include "broker/status_parts.h"
#include "broker/status_server.h"
#include "broker/turn.h"
#include "io/local.h"
#include "io/loop.h"
#include "store/backup.h"
#include "store/replica.h"

#define WATCH_MS 1000u

struct standby {
    const struct standby_setup *setup;
    struct standby_promotion *promotion;
    struct loop *loop;
    struct local_server *local;
    struct standby_copy *copy;
    struct loop_timer tick;
    uint32_t groups[ROLE_COUNT]; /* that have roles */
    enum standby_phase phase;    /* as it was logged last */
};

static const char *const phase_names[] = {[STANDBY_CONNECTING] = "connecting",
                                          [STANDBY_COPYING] = "copying",
                                          [STANDBY_FOLLOWING] = "following",
                                          [STANDBY_STOPPED] = "stopped"};

/* --- its status socket --- */

static void write_view(const struct standby *standby, struct json_writer *out)
{
    struct standby_view view;

    standby_copy_look(standby->copy, &view);
    json_name(out, "standby");
    json_object_begin(out);
    status_text(out, "of", standby->setup->loaded->config.standby_of);
    status_text(out, "state", phase_names[view.phase]);
    status_bool(out, "whole", view.whole);
    status_bool(out, "handed_over", view.handed_over);
    status_u64(out, "applied", view.applied);
    status_u64(out, "last", view.last);
    status_u64(out, "log_size", view.log_size);
    status_u64(out, "behind_transactions", view.last > view.applied ? view.last - view.applied : 0);
    status_u64(out, "behind_leaves",
               view.primary_log_size > view.log_size ? view.primary_log_size - view.log_size : 0);
    status_u64(out, "heard_ms", view.heard_ms);
    status_u64(out, "level_ms", view.level_ms);
    status_u64(out, "attachments", view.attachments);
    status_u64(out, "attachments_missing", view.attachments_missing);
    status_text(out, "code", view.fault.code);
    status_text(out, "message", view.fault.message);
    status_text(out, "hint", view.fault.hint);
    json_object_end(out);
}

static enum err check_promotion(const struct standby *standby, bool lost, struct fault *fault)
{
    struct standby_view view;

    standby_copy_look(standby->copy, &view);
    if (!view.whole) {
        fault_set(fault, "standby.not-whole", "cmd", "this copy is not whole: no broker can start");
        fault_hint(fault, "wait until the state is following; else restore a backup");
        return ERR_REFUSED;
    }
    if (!view.handed_over && !lost) {
        fault_set(
            fault, "standby.not-handed-over", "cmd",
            "the other broker has not handed over: it may have gone on, and agencies may hold "
            "receipts that this copy lacks");
        fault_hint(fault, "there: `referralctl standby hand-over`; if it is lost for good: promote "
                          "with --lost");
        return ERR_REFUSED;
    }
    if (view.attachments_missing > 0 && !lost) {
        fault_set(fault, "standby.attachments", "cmd",
                  "%" PRIu64 " attachments of messages that agencies hold receipts of are not here",
                  view.attachments_missing);
        fault_hint(fault, "copy them from the other broker's attachments folder into this one's; "
                          "if they are lost for good: promote with --lost");
        return ERR_REFUSED;
    }
    return OK;
}

static enum err read_flag(const struct json_value *request, const char *name, bool *ret,
                          struct fault *fault)
{
    struct json_value value = json_member(request, name);

    return json_absent(&value) ? OK : json_get_bool(&value, ret, fault);
}

static enum err promote(struct standby *standby, const struct json_value *request, uint32_t uid,
                        struct json_writer *out, struct fault *fault)
{
    struct json_value value = json_member(request, "reason");
    struct standby_promotion *promotion = standby->promotion;
    const char *reason = "";
    bool lost = false, dry_run = false;
    enum err error = read_flag(request, "lost", &lost, fault);

    error = error == OK ? read_flag(request, "dry_run", &dry_run, fault) : error;
    if (error == OK && !dry_run) {
        error = json_get_text(&value, STANDBY_REASON_BYTES - 1, &reason, fault);
        if (error != OK || reason[0] == '\0') {
            error = json_refuse(&value, fault, "status.reason",
                                "a change needs a reason: a text of 1 to %u bytes",
                                STANDBY_REASON_BYTES - 1);
        }
    }
    error = error == OK ? check_promotion(standby, lost, fault) : error;
    if (error == OK && !dry_run) {
        promotion->promoted = true;
        promotion->lost = lost;
        promotion->uid = uid;
        text_copy(promotion->reason, sizeof(promotion->reason), reason);
        loop_stop(standby->loop);
    }
    status_bool(out, "dry_run", dry_run);
    return error;
}

static enum err check_role(const struct status_peer *peer, bool changes, struct fault *fault)
{
    enum role role = changes ? ROLE_OF_OPERATORS : ROLE_OF_OBSERVERS;

    if ((peer->roles & (changes ? (unsigned)ROLE_OF_OPERATORS : ROLES_ALL)) != 0) {
        return OK;
    }
    fault_set(fault, "status.role", "cmd", "this needs the role %s", role_name(role));
    fault_hint(fault,
               "ask as root or as the daemon's user, or name a group by %s in the "
               "configuration",
               role_option(role));
    return ERR_REFUSED;
}

static enum err dispatch(struct standby *standby, const struct json_value *request,
                         const struct status_peer *peer, struct json_writer *out,
                         struct fault *fault)
{
    static const char *const names[] = {"status", "standby-show", "standby-promote", NULL};
    static const char *const members[] = {"cmd", "reason", "lost", "dry_run", NULL};
    struct json_value cmd = json_member(request, "cmd");
    size_t index = 0;
    enum err error = json_get_choice(&cmd, names, &index, fault);

    error = error == OK ? check_role(peer, index == 2, fault) : error;
    error = error == OK ? json_only(request, members, fault) : error;
    if (error == OK) {
        write_view(standby, out);
    }
    return error == OK && index == 2 ? promote(standby, request, peer->uid, out, fault) : error;
}

static enum err write_frame(const struct fault *fault, enum err error, struct buf *out)
{
    struct json_writer writer;

    buf_clear(out);
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    status_u64(&writer, "schema", STATUS_SCHEMA);
    status_bool(&writer, "ok", false);
    status_text(&writer, "daemon", "standby");
    status_text(&writer, "code", fault->code[0] != '\0' ? fault->code : "standby.environment");
    status_text(&writer, "place", fault->place);
    status_text(&writer, "message", fault->message[0] != '\0' ? fault->message : err_text(error));
    status_text(&writer, "hint", fault->hint);
    json_object_end(&writer);
    return json_writer_end(&writer);
}

static enum err answer(struct standby *standby, struct span line, const struct status_peer *peer,
                       struct buf *out)
{
    struct fault fault = {.code = ""};
    struct json *json = NULL;
    struct json_writer writer;
    enum err error = json_open("status", line, &json, &fault);

    if (error == OK) {
        struct json_value request = json_root(json);

        json_writer_init(&writer, out);
        json_object_begin(&writer);
        status_u64(&writer, "schema", STATUS_SCHEMA);
        status_bool(&writer, "ok", true);
        status_text(&writer, "daemon", "standby");
        error = dispatch(standby, &request, peer, &writer, &fault);
        json_object_end(&writer);
        error = error == OK ? json_writer_end(&writer) : error;
    }
    json_free(json);
    return error == OK ? OK : write_frame(&fault, error, out);
}

static void line_cb(void *ctx, uint64_t handle, struct span line)
{
    struct standby *standby = ctx;
    const struct status_door door = {.local = standby->local,
                                     .config = &standby->setup->loaded->config,
                                     .groups = standby->groups};
    const struct status_peer peer = status_peer_of(&door, handle);
    struct buf out;

    buf_init(&out, 65536);
    if (answer(standby, line, &peer, &out) != OK ||
        local_reply(standby->local, handle, span_buf(&out)) != OK) {
        local_hang_up(standby->local, handle);
    }
    buf_free(&out);
}

/* --- the process --- */

static void stop_cb(void *ctx, int signal_number)
{
    struct standby *standby = ctx;

    log_event(EVENT_STOPPING, "stopping (signal %d)", signal_number);
    loop_stop(standby->loop);
}

static void log_phase(struct standby *standby, const struct standby_view *view)
{
    if (view->phase == standby->phase) {
        return;
    }
    standby->phase = view->phase;
    if (view->phase == STANDBY_CONNECTING || view->phase == STANDBY_STOPPED) {
        log_fault(view->phase == STANDBY_STOPPED ? EVENT_STANDBY_STOPPED : EVENT_STANDBY_CUT,
                  &view->fault);
    } else {
        log_event(EVENT_STANDBY_FOLLOWS, "%s: %" PRIu64 " leaves here", phase_names[view->phase],
                  view->log_size);
    }
}

static void tick_cb(void *ctx)
{
    struct standby *standby = ctx;
    struct standby_view view;

    standby_copy_look(standby->copy, &view);
    log_phase(standby, &view);
    (void)sd_notify_watchdog(standby->setup->notify); /* the manager only watches */
    loop_timer_after(&standby->tick, WATCH_MS);
    if (view.phase == STANDBY_STOPPED) {
        loop_stop(standby->loop);
    }
}

static enum err open_all(struct standby *standby, struct fault *fault)
{
    const struct local_server_options options = {.path =
                                                     standby->setup->loaded->config.status_socket,
                                                 .inherited = standby->setup->inherited,
                                                 .inherited_name = "status",
                                                 .line_max = 65536,
                                                 .on_line = line_cb,
                                                 .ctx = standby};
    enum err error = OK;

    if (standby->setup->loaded->config.standby_of[0] == '\0') {
        fault_set(fault, "config.missing", "standby-of", "--standby needs the broker to follow");
        fault_hint(fault, "name its status socket as `standby-of` in the configuration");
        return ERR_INVALID;
    }
    roles_groups(&standby->setup->loaded->config, standby->groups);
    error = loop_new(&standby->loop);
    error = error == OK ? loop_on_signal(standby->loop, SIGTERM, stop_cb, standby) : error;
    error = error == OK ? loop_on_signal(standby->loop, SIGINT, stop_cb, standby) : error;
    if (error == OK) {
        error = local_server_open(standby->loop, &options, fault, &standby->local);
    }
    if (error == OK) {
        error = standby_copy_start(standby->setup->loaded, &standby->copy);
    }
    return error;
}

int standby_run(const struct standby_setup *setup, struct standby_promotion *ret_promotion)
{
    struct standby standby = {.setup = setup, .promotion = ret_promotion, .phase = STANDBY_STOPPED};
    struct fault fault = {.code = ""};
    struct standby_view view = {.phase = STANDBY_CONNECTING};
    enum err error = open_all(&standby, &fault);

    if (error != OK && fault.code[0] == '\0') {
        fault_set(&fault, "standby.failed", "", "cannot start: %s", err_text(error));
    }
    if (error != OK) {
        log_fault(EVENT_START_FAILED, &fault);
    } else {
        loop_timer_init(standby.loop, &standby.tick, tick_cb, &standby);
        loop_timer_after(&standby.tick, WATCH_MS / 10);
        log_event(EVENT_READY, "standby of %s", setup->loaded->config.standby_of);
        (void)sd_notify_ready(setup->notify, NULL);
        loop_run(standby.loop);
        standby_copy_look(standby.copy, &view);
        log_phase(&standby, &view);
    }
    standby_copy_stop(standby.copy);
    local_server_close(standby.local);
    loop_timer_clear(&standby.tick);
    loop_free(standby.loop);
    return error != OK || view.phase == STANDBY_STOPPED ? 1 : 0;
}

/* --- taking over --- */

enum err standby_take_over(struct turn *turn, void *arg)
{
    const struct standby_promotion *promotion = arg;
    uint64_t size = 0;
    enum err error = replica_end(turn->txn);

    if (error == OK && !promotion->lost) {
        return store_meta_remove(turn->txn, STANDBY_HANDED_OVER_META);
    }
    error = error == OK ? audit_size(turn->txn, &size) : error;
    if (error == OK) { /* agencies may hold more than this: as after a restore */
        uint8_t value[16];

        be64_put(value, size);
        be64_put(value + 8, turn->now_ms);
        error = store_meta_put(turn->txn, BACKUP_RESTORED_META, span_of(value, sizeof(value)));
    }
    return error;
}

enum err standby_mark_handed_over(struct store *store, uint64_t wall_ms)
{
    uint8_t value[8];
    struct store_txn *txn = NULL;
    enum err error = store_begin(store, &txn);

    if (error != OK) {
        return error;
    }
    be64_put(value, wall_ms);
    error = store_meta_put(txn, STANDBY_HANDED_OVER_META, span_of(value, sizeof(value)));
    if (error == OK) {
        return store_commit(txn);
    }
    store_abort(txn);
    return error;
}

enum err standby_check_start(struct store *store, const char *path, struct fault *fault)
{
    struct replica_state state = {.applied = 0};
    struct store_txn *read = NULL;
    struct span mark;
    enum err error = store_read_begin(store, &read);

    if (error != OK) {
        return error;
    }
    error = replica_state_get(read, &state);
    if (error == OK) {
        fault_set(fault, "standby.copy", path,
                  "this store is a standby's copy of another broker's");
        fault_hint(fault,
                   "start it with --standby; `referralctl standby promote` makes it a broker");
        error = ERR_REFUSED;
    } else if (error == ERR_NOT_FOUND) {
        error = store_meta_get(read, STANDBY_HANDED_OVER_META, &mark);
        if (error == OK) {
            fault_set(fault, "standby.handed-over", path,
                      "this broker handed its log over to its standby");
            fault_hint(fault, "start it as the new one's standby: --standby, with an empty store");
            error = ERR_REFUSED;
        }
    }
    store_read_end(read);
    return error == ERR_NOT_FOUND ? OK : error;
}
