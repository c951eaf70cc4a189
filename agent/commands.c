/* The agent's socket: a table of commands, one JSON object a line each way (docs/agent-socket.md),
 * and the events for those who watch. */
#include <string.h>

#include "agent/erase.h"
#include "agent/attachment_rows.h"
#include "agent/state.h"
#include "agent/web/officer_commands.h"
#include "base/log.h"
#include "model/instant_text.h"

static void named_text(struct json_writer *out, const char *name, const char *text)
{
    json_name(out, name);
    json_text(out, text);
}

static void named_u64(struct json_writer *out, const char *name, uint64_t value)
{
    json_name(out, name);
    json_u64(out, value);
}

static void named_bool(struct json_writer *out, const char *name, bool value)
{
    json_name(out, name);
    json_bool(out, value);
}

static void named_instant(struct json_writer *out, const char *name, uint64_t instant_ms)
{
    char text[INSTANT_TEXT_BYTES];

    if (instant_ms != 0) {
        instant_format(instant_ms, text);
        named_text(out, name, text);
    }
}

/* --- status --- */

static void write_checkpoint(const struct agent *agent, struct json_writer *out)
{
    char root[DIGEST_TEXT_BYTES];

    digest_format(&agent->checkpoint.root, root);
    json_name(out, "checkpoint");
    json_object_begin(out);
    named_u64(out, "size", agent->checkpoint.size);
    if (agent->checkpoint.size > 0) {
        named_text(out, "root", root);
        named_instant(out, "time", agent->checkpoint.time_ms);
    }
    json_object_end(out);
}

static enum err write_totals(struct store_txn *read, struct json_writer *out, const char *name,
                             const enum row_state *states)
{
    enum err error = OK;

    json_name(out, name);
    json_object_begin(out);
    for (size_t i = 0; error == OK && states[i] != 0; i++) {
        uint64_t total = 0;

        error = row_total(read, states[i], &total);
        named_u64(out, row_state_name(states[i]), total);
    }
    json_object_end(out);
    return error;
}

static enum err write_stored(const struct agent *agent, struct json_writer *out)
{
    static const enum row_state sent[] = {ROW_WAITING, ROW_ACCEPTED, ROW_REFUSED, 0};
    static const enum row_state came[] = {ROW_RECEIVED, ROW_REJECTED, 0};
    struct store_txn *read;
    uint64_t on_the_way = 0;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = write_totals(read, out, "outbox", sent);
    if (error == OK) {
        error = write_totals(read, out, "inbox", came);
    }
    if (error == OK) {
        error = attachment_row_on_the_way(read, &on_the_way);
        named_u64(out, "attachments_on_the_way", on_the_way);
    }
    if (error == OK) {
        error = notify_status(agent, read, out);
    }
    store_read_end(read);
    return error;
}

static void write_backup(const struct agent *agent, struct json_writer *out)
{
    if (agent->setup.backups != NULL) {
        backups_write(agent->setup.backups, agent->setup.backups_plan->folder, out);
    }
}

static void write_calendar(const struct agent *agent, struct json_writer *out)
{
    static const char *const states[] = {[COUNTING_UNKNOWN] = "unknown",
                                         [COUNTING_SAME] = "same",
                                         [COUNTING_BEHIND] = "behind",
                                         [COUNTING_AHEAD] = "ahead"};
    const struct era *newest = eras_newest(agent);
    const char *fault = agent->counting.fault;

    named_text(out, "calendar", calendar_version(agent->setup.calendar));
    named_text(out, "calendar_state", states[counting_state(agent)]);
    if (newest != NULL) {
        named_text(out, "broker_calendar", newest->version);
        named_instant(out, "broker_calendar_since", newest->since_ms);
    }
    if (fault[0] != '\0') {
        named_text(out, "calendar_fault", fault);
    }
}

/* Once the broker's log has gone on under another origin. */
static void write_recovery(const struct agent *agent, struct json_writer *out)
{
    const struct following *following = &agent->following;

    if (following->past_count == 0) {
        return;
    }
    json_name(out, "recovery");
    json_object_begin(out);
    named_u64(out, "logs", following->past_count + 1);
    named_bool(out, "handing_back", following->handing);
    named_u64(out, "refused", following->refused);
    json_object_end(out);
}

static void write_witnessing(const struct agent *agent, struct json_writer *out)
{
    const struct witnessing *witnessing = &agent->witnessing;

    json_name(out, "confirmed");
    json_object_begin(out);
    named_u64(out, "size", witnessing->confirmed_size);
    named_u64(out, "agencies", witnessing->agencies);
    named_u64(out, "needed", witnessing->needed);
    named_instant(out, "awaited_since", witnessing->awaited_ms);
    named_bool(out, "late", witness_is_late(agent));
    json_object_end(out);
    if (agent->caught.file[0] != '\0') {
        named_text(out, "evidence", agent->caught.file);
    }
}

static enum err answer_status(struct agent *agent, const struct json_value *request,
                              struct json_writer *out, struct fault *fault)
{
    (void)request;
    (void)fault;
    named_text(out, "software", agent->setup.software);
    named_text(out, "agency", agent->setup.self->id);
    named_text(out, "broker", agent->following.origin);
    named_bool(out, "connected", agent->connected && agent->greeted);
    if (agent->setup.broker_url != NULL) {
        named_text(out, "broker_url", agent->setup.broker_url);
        named_text(out, "broker_name", agent->setup.broker_name);
    }
    if (agent->setup.web != NULL && agent->setup.web[0] != '\0') {
        named_text(out, "web", agent->setup.web);
    }
    named_instant(out, "not_connected_since", agent->unreached_ms);
    if (agent_alarm_text(agent)[0] != '\0') {
        named_text(out, "alarm", agent_alarm_text(agent));
    }
    distrust_write(agent, out);
    named_instant(out, "time", agent_wall_ms(agent));
    named_instant(out, "broker_time", agent->broker_ms);
    named_bool(out, "clock_held", agent->clock_held);
    named_bool(out, "registry_matches", agent->registry_matches);
    named_bool(out, "policy_differs", agent->rungs.policy_differs);
    named_u64(out, "registry_version", agent->setup.document.version);
    named_text(out, "registry_fault", agent->registry.fault);
    write_calendar(agent, out);
    write_backup(agent, out);
    named_bool(out, "laboratory", agent->setup.laboratory);
    named_u64(out, "store_percent", store_used_percent(agent->setup.store));
    write_checkpoint(agent, out);
    named_u64(out, "witnessed", agent->witnessed_size);
    write_witnessing(agent, out);
    write_recovery(agent, out);
    return write_stored(agent, out);
}

/* --- send --- */

static enum err read_word(const struct json_value *request, const char *name, const char **ret_word,
                          struct fault *fault)
{
    struct json_value value = json_member(request, name);

    return json_absent(&value) ? OK : json_get_text(&value, 64, ret_word, fault);
}

static void write_made(const struct composing *composing, struct json_writer *out)
{
    const char *text = (const char *)composing->warnings.data;

    json_name(out, "messages");
    json_array_begin(out);
    for (size_t i = 0; i < composing->row_count; i++) {
        json_object_begin(out);
        show_row_members(out, &composing->rows[i], NULL);
        json_object_end(out);
    }
    json_array_end(out);
    json_name(out, "warnings");
    json_array_begin(out);
    for (size_t at = 0; at < composing->warnings.len; at += strlen(text + at) + 1) {
        json_text(out, text + at);
    }
    json_array_end(out);
}

/* In one transaction, with what the caller adds to it. */
static enum err send_durably(struct agent *agent, const struct sending *sending,
                             struct composing *composing, struct fault *fault)
{
    struct store_txn *txn;
    enum err error = store_begin(agent->setup.store, &txn);

    if (error != OK) {
        return error;
    }
    error = compose(agent, txn, composing, fault);
    if (error == OK && sending->also != NULL) {
        error = sending->also(sending->ctx, txn, composing);
    }
    if (error == OK) {
        error = store_commit(txn);
    } else {
        store_abort(txn);
    }
    return error;
}

enum err agent_send(struct agent *agent, const struct sending *sending, struct json_writer *out,
                    struct fault *fault)
{
    struct composing composing = {
        .message = sending->message, .kind = sending->kind, .referral = sending->referral};
    struct region region;
    enum err error;

    if (!store_accepts(agent->setup.store)) {
        fault_set(fault, "agent.store-full", "store", "this agent's store is nearly full");
        fault_hint(fault, "the administrator must make room: on its disk, or a larger `store-mib`");
        return ERR_FULL;
    }
    composing.message.path[0] = '\0'; /* paths as in the file: "facts.ground" */
    region_init(&region, LIMIT_PARSE_BYTES(LIMIT_JSON_BYTES));
    buf_init(&composing.warnings, LIMIT_LOCAL_LINE_BYTES);
    composing.region = &region;
    error = send_durably(agent, sending, &composing, fault);
    if (error == OK) {
        agent->submits_wait = true;
        write_made(&composing, out);
        events_tell(agent);
        agent_pump(agent);
    }
    events_forget(agent);
    buf_free(&composing.warnings);
    region_wipe(&region);
    return error;
}

static enum err answer_send(struct agent *agent, const struct json_value *request,
                            struct json_writer *out, struct fault *fault)
{
    struct sending sending = {.message = json_member(request, "message")};
    enum err error = read_word(request, "kind", &sending.kind, fault);

    if (error == OK) {
        error = read_word(request, "referral", &sending.referral, fault);
    }
    return error == OK ? agent_send(agent, &sending, out, fault) : error;
}

/* --- lists --- */

static enum err answer_inbox(struct agent *agent, const struct json_value *request,
                             struct json_writer *out, struct fault *fault)
{
    return show_rows(agent, request, ROW_IN, out, fault);
}

static enum err answer_outbox(struct agent *agent, const struct json_value *request,
                              struct json_writer *out, struct fault *fault)
{
    return show_rows(agent, request, ROW_OUT, out, fault);
}

/* --- reload --- */

static enum err answer_reload(struct agent *agent, const struct json_value *request,
                              struct json_writer *out, struct fault *fault)
{
    enum err error = agent_reload(agent, fault);

    (void)request;
    if (error == OK) {
        write_calendar(agent, out);
    }
    return error;
}

/* --- watching, and the laboratory's clock --- */

#define LAB_OFFSET_MAX_MS (INT64_C(100) * 366 * 86400000) /* a sum of two does not overflow */

static enum err answer_watch(struct agent *agent, const struct json_value *request,
                             struct json_writer *out, struct fault *fault)
{
    enum err error = agent->setup.ops->watch(agent->setup.ctx, agent->client);

    (void)request;
    if (error != OK) {
        fault_set(fault, "agent.watchers", "cmd", "too many clients watch already");
        fault_hint(fault, "close one of them");
        return error;
    }
    named_bool(out, "watching", true);
    return OK;
}

static enum err answer_lab_clock(struct agent *agent, const struct json_value *request,
                                 struct json_writer *out, struct fault *fault)
{
    struct json_value value = json_member(request, "wall_ms");
    int64_t offset_ms = 0;
    enum err error = OK;

    if (!agent->setup.laboratory) {
        return json_refuse(request, fault, "agent.laboratory",
                           "clocks are moved in laboratory mode only");
    }
    error = json_get_i64(&value, &offset_ms, fault);
    if (error == OK && (offset_ms < -LAB_OFFSET_MAX_MS || offset_ms > LAB_OFFSET_MAX_MS ||
                        agent->setup.ops->move_wall(agent->setup.ctx, offset_ms) != OK)) {
        error = json_refuse(&value, fault, "agent.laboratory",
                            "expected an offset in milliseconds, at most 100 years");
    }
    if (error == OK) {
        named_instant(out, "time", agent_wall_ms(agent));
        agent_pump(agent); /* office hours may have begun */
    }
    return error;
}

/* --- the table --- */

static const struct {
    const char *name;
    enum err (*answer)(struct agent *, const struct json_value *, struct json_writer *,
                       struct fault *);
} commands[] = {
    {"status", answer_status},
    {"send", answer_send},
    {"inbox", answer_inbox},
    {"outbox", answer_outbox},
    {"show", show_anything},
    {"late", show_late},
    {"watch", answer_watch},
    {"metrics", figures_answer},
    {"reload", answer_reload},
    {"lab-clock", answer_lab_clock},
    {"officer-add", officer_answer_add},
    {"officer-reset", officer_answer_reset},
    {"officer-disable", officer_answer_disable},
    {"officer-enable", officer_answer_enable},
    {"officer-list", officer_answer_list},
    {"notify-test", notify_answer_test},
    {"notify-result", notify_answer_result},
    {"notify-dead", notify_answer_dead},
    {"notify-retry", notify_answer_retry},
    {"backup", backup_answer},
    {"backup-show", backup_answer_show},
    {"attach", answer_attach},
    {"attach-data", answer_attach_data},
    {"attachments", answer_attachments},
    {"attachment", answer_attachment},
    {"case-erase", erase_answer},
    {"evidence", answer_evidence},
    {"evidence-links", answer_evidence_links},
    {"checkpoint", comparing_answer_own},
    {"checkpoint-compare", comparing_answer},
    {"distrust", distrust_answer},
    {"distrust-clear", distrust_answer_clear},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static enum err dispatch(struct agent *agent, const struct json_value *request,
                         struct json_writer *out, struct fault *fault)
{
    const char *names[COMMAND_COUNT + 1];
    struct json_value cmd = json_member(request, "cmd");
    size_t index;
    enum err error;

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        names[i] = commands[i].name;
    }
    names[COMMAND_COUNT] = NULL;
    error = json_get_choice(&cmd, names, &index, fault);
    return error == OK ? commands[index].answer(agent, request, out, fault) : error;
}

static enum err write_refusal(const struct fault *fault, enum err error, struct buf *out)
{
    struct json_writer writer;

    buf_clear(out);
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    named_bool(&writer, "ok", false);
    named_text(&writer, "daemon", "agent");
    named_text(&writer, "code", fault->code[0] != '\0' ? fault->code : "agent.environment");
    named_text(&writer, "place", fault->place);
    named_text(&writer, "message", fault->message[0] != '\0' ? fault->message : err_text(error));
    named_text(&writer, "hint", fault->hint);
    json_object_end(&writer);
    return json_writer_end(&writer);
}

enum err agent_answer_failed(const struct fault *fault, struct buf *out)
{
    return write_refusal(fault, ERR_CORRUPT, out);
}

/* What is nobody's fault but the store's ends the process when it does not pass. */
static void note_failure(struct agent *agent, const struct fault *fault, enum err error)
{
    if (fault->code[0] == '\0' &&
        (error == ERR_IO || error == ERR_CORRUPT || error == ERR_VERSION)) {
        agent->failure = error;
    }
}

enum err agent_answer(struct agent *agent, uint64_t client, struct span line, struct buf *out)
{
    struct fault fault = {.code = ""};
    struct json *json = NULL;
    struct json_value request;
    struct json_writer writer;
    enum err error = json_open("request", line, &json, &fault);

    agent->client = client;
    if (error == OK) {
        request = json_root(json);
        json_writer_init(&writer, out);
        json_object_begin(&writer);
        named_bool(&writer, "ok", true);
        named_text(&writer, "daemon", "agent");
        error = dispatch(agent, &request, &writer, &fault);
        json_object_end(&writer);
        if (error == OK) {
            error = json_writer_end(&writer);
        }
    }
    json_free(json);
    if (error == OK) {
        return OK;
    }
    note_failure(agent, &fault, error);
    return write_refusal(&fault, error, out);
}

/* --- events --- */

void events_add(struct agent *agent, const char *name, const struct row *row,
                const struct row_extra *extra)
{
    size_t before = agent->events.len;
    struct json_writer writer;
    enum err error;

    json_writer_init(&writer, &agent->events);
    json_object_begin(&writer);
    named_text(&writer, "event", name);
    if (row != NULL) {
        show_row_members(&writer, row, extra);
    } else if (strcmp(name, "alarm") == 0) {
        named_text(&writer, "message", agent_alarm_text(agent));
    }
    json_object_end(&writer);
    error = json_writer_end(&writer);
    if (error == OK) {
        error = buf_append(&agent->events, "", 1);
    }
    if (error != OK) {
        agent->events.len = before; /* a watcher asks the lists for what it missed */
    }
}

void events_tell(struct agent *agent)
{
    const char *text = (const char *)agent->events.data;

    for (size_t at = 0; at < agent->events.len; at += strlen(text + at) + 1) {
        agent->setup.ops->event(agent->setup.ctx, span_text(text + at));
    }
    for (size_t at = 0; agent->setup.ops->changed != NULL && at < agent->changes.len;
         at += sizeof(struct case_key)) {
        struct case_key key;

        memcpy(&key, agent->changes.data + at, sizeof(key));
        agent->setup.ops->changed(agent->setup.ctx, &key);
    }
    events_forget(agent);
}

void changes_add(struct agent *agent, const struct case_key *key)
{
    if (agent->setup.ops->changed != NULL && buf_append(&agent->changes, key, sizeof(*key)) != OK) {
        log_event(EVENT_PAGE_FAILED, "a change is not shown at once: too many in one transaction");
    }
}

void events_forget(struct agent *agent)
{
    buf_clear(&agent->events);
    buf_clear(&agent->changes);
}
