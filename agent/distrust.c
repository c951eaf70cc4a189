/* When the broker is not believed, for how long, and who ends it.
 *
 * Every alarm stops all but greetings. What the broker may have told by mistake, or what this side
 * may lack the means to judge, ends by itself when a greeting shows a log that extends all that
 * this agent knows. What only a broker that signs falsehoods can have told lasts, over restarts,
 * until this agency's administrator clears it with a reason, or, where it was about the log, until
 * its administrators say by a signed statement that the log goes on anew (recovery.c). The outbox
 * stays, and what still comes is not looked at.
 *
 * STORE_VALUE: "x/distrust/" | its instant in hexadecimal -> what it was and how it ended, as JSON;
 * the newest ones. Loop thread; it is durable before anything else is asked. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/notice/notify.h"
#include "agent/show_parts.h"
#include "base/log.h"
#include "model/instant_text.h"

#define ALARM_WAIT_MS 30000u
#define ROW_PREFIX    "x/distrust/"
#define ROWS_MAX      64u
#define ROW_BYTES_MAX 8192u
#define REASON_MAX    512u

static const struct {
    const char *name;
    bool lasts, of_log;
} kinds[DISTRUST_KIND_COUNT] = {
    [DISTRUST_UNSIGNED] = {"unsigned", false, false},
    [DISTRUST_ANSWER] = {"answer", false, false},
    [DISTRUST_UNPROVEN] = {"unproven", false, false},
    [DISTRUST_RECOVERY] = {"recovery", false, true},
    [DISTRUST_LOG_BACK] = {"log-back", false, true},
    [DISTRUST_LOG_SPLIT] = {"log-split", true, true},
    [DISTRUST_LOG_HIDDEN] = {"log-hidden", true, true},
    [DISTRUST_RECEIPT] = {"receipt", true, false},
    [DISTRUST_DELIVERY] = {"delivery", true, false},
    [DISTRUST_WITNESS] = {"witness", true, false},
    [DISTRUST_REGISTRY] = {"registry", true, false},
    [DISTRUST_RUNG_EARLY] = {"rung-early", true, false},
    [DISTRUST_RUNG_DATE] = {"rung-date", false, false},
    [DISTRUST_RUNG_MISSING] = {"rung-missing", false, false},
};

/* --- it begins --- */

static bool is_told(const struct distrust *distrust)
{
    bool told = false;

    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        told = told || strcmp(distrust->text, distrust->told[slot]) == 0;
    }
    return told;
}

static void note_later(struct distrust *distrust, const char text[AGENT_ALARM_BYTES])
{
    if (strcmp(distrust->text, text) != 0 && strcmp(distrust->later, text) != 0) {
        memcpy(distrust->later, text, AGENT_ALARM_BYTES);
        log_event(EVENT_BROKER_NOT_BELIEVED, "the broker, which is not believed, goes on: %s",
                  text);
    }
}

void agent_alarm(struct agent *agent, enum distrust_kind kind, const char *fmt, ...)
{
    struct distrust *distrust = &agent->distrust;
    char text[AGENT_ALARM_BYTES];
    va_list args;

    agent->greeted = false;
    distrust->until_ms = agent_machine_ms(agent) + ALARM_WAIT_MS;
    distrust->fits = false;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (distrust_lasts(agent)) { /* the first one stands */
        note_later(distrust, text);
        return;
    }
    memcpy(distrust->text, text, sizeof(text));
    distrust->kind = kind;
    distrust->slot = agent->answering;
    distrust->since_ms = agent_wall_ms(agent);
    distrust->evidence[0] = '\0';
    agent->caught.fresh = !is_told(distrust);
    if (kinds[kind].lasts) {
        (void)snprintf(distrust->row, sizeof(distrust->row), ROW_PREFIX "%016" PRIx64,
                       distrust->since_ms);
    }
}

/* --- rows --- */

struct ending {
    const char *by;     /* "administrator", "recovery"; NULL: it has not ended */
    const char *reason; /* empty: none */
    uint64_t at_ms;
};

static enum err write_row(const struct agent *agent, struct store_txn *txn,
                          const struct ending *ending)
{
    const struct distrust *distrust = &agent->distrust;
    struct json_writer out;
    struct buf text;
    enum err error;

    buf_init(&text, ROW_BYTES_MAX);
    json_writer_init(&out, &text);
    json_object_begin(&out);
    named_text(&out, "kind", kinds[distrust->kind].name);
    named_instant(&out, "since", distrust->since_ms);
    named_text(&out, "message", distrust->text);
    some_text(&out, "evidence", distrust->evidence);
    if (ending->by != NULL) {
        named_instant(&out, "ended", ending->at_ms);
        named_text(&out, "by", ending->by);
        some_text(&out, "reason", ending->reason);
    }
    json_object_end(&out);
    error = json_writer_end(&out);
    if (error == OK) {
        error = store_put(txn, STORE_VALUE, span_text(distrust->row), span_buf(&text));
    }
    buf_free(&text);
    return error;
}

typedef enum err row_fn(void *ctx, struct store_txn *txn, struct span key, struct span text);

static enum err each_row(struct store_txn *txn, row_fn *fn, void *ctx)
{
    struct store_cursor *cursor;
    struct span key, text;
    enum err error = store_cursor_open(txn, STORE_VALUE, span_text(ROW_PREFIX), &cursor);

    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, span_text(ROW_PREFIX), &key, &text);
    while (error == OK) {
        error = fn(ctx, txn, key, text);
        if (error == OK) {
            error = store_cursor_next(cursor, &key, &text);
        }
    }
    store_cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err count_row(void *ctx, struct store_txn *txn, struct span key, struct span text)
{
    (void)txn;
    (void)key;
    (void)text;
    (*(size_t *)ctx)++;
    return OK;
}

static enum err drop_row(void *ctx, struct store_txn *txn, struct span key, struct span text)
{
    size_t *count = ctx;

    (void)text;
    if (*count < ROWS_MAX) {
        return OK;
    }
    (*count)--;
    return store_remove(txn, STORE_VALUE, key); /* the oldest comes first */
}

static enum err add_row(const struct agent *agent, struct store_txn *txn)
{
    const struct ending none = {.by = NULL};
    size_t count = 0;
    enum err error = each_row(txn, count_row, &count);

    error = error == OK ? each_row(txn, drop_row, &count) : error;
    return error == OK ? write_row(agent, txn, &none) : error;
}

static void read_evidence(struct distrust *distrust, const struct json_value *row)
{
    struct json_value value = json_member(row, "evidence");
    struct fault fault = {.code = ""};
    const char *path = "";

    if (!json_absent(&value) && json_get_text(&value, LIE_PATH_BYTES - 1, &path, &fault) == OK) {
        text_copy(distrust->evidence, sizeof(distrust->evidence), path);
    }
}

/* What has not ended is this agent's state. */
static enum err load_row(void *ctx, struct store_txn *txn, struct span key, struct span text)
{
    struct agent *agent = ctx;
    struct distrust *distrust = &agent->distrust;
    struct fault fault = {.code = ""};
    struct json_value root, ended, value;
    const char *names[DISTRUST_KIND_COUNT + 1] = {NULL}, *word = "";
    struct json *json = NULL;
    size_t kind = 0;
    enum err error = json_open("distrust", text, &json, &fault);

    (void)txn;
    if (error != OK) {
        return error == ERR_MEMORY ? error : ERR_CORRUPT;
    }
    for (size_t i = 0; i < DISTRUST_KIND_COUNT; i++) {
        names[i] = kinds[i].name;
    }
    root = json_root(json);
    ended = json_member(&root, "ended");
    if (json_absent(&ended)) {
        value = json_member(&root, "kind");
        error = json_get_choice(&value, names, &kind, &fault);
        value = json_member(&root, "message");
        error = error == OK ? json_get_text(&value, AGENT_ALARM_BYTES - 1, &word, &fault) : error;
        text_copy(distrust->text, sizeof(distrust->text), word);
        value = json_member(&root, "since");
        error = error == OK ? json_get_text(&value, INSTANT_TEXT_BYTES, &word, &fault) : error;
        error = error == OK ? instant_parse(word, &distrust->since_ms) : error;
        distrust->kind = (enum distrust_kind)kind;
        read_evidence(distrust, &root);
        (void)snprintf(distrust->row, sizeof(distrust->row), "%.*s", (int)key.len,
                       (const char *)key.data);
    }
    json_free(json);
    return error == OK || error == ERR_MEMORY ? error : ERR_CORRUPT;
}

enum err distrust_load(struct agent *agent)
{
    struct distrust *distrust = &agent->distrust;
    struct store_txn *read;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = each_row(read, load_row, agent);
    store_read_end(read);
    if (error == OK && distrust_lasts(agent)) {
        char since[INSTANT_TEXT_BYTES];

        memcpy(distrust->told[SLOT_SESSION], distrust->text, sizeof(distrust->text));
        instant_format(distrust->since_ms, since);
        log_event(EVENT_BROKER_NOT_BELIEVED,
                  "the broker is not believed since %s: %s; nothing is sent or taken until "
                  "`referralctl agent distrust clear`",
                  since, distrust->text);
    }
    return error;
}

/* --- it is told --- */

static enum err keep_and_notify(struct agent *agent, struct store_txn *txn)
{
    enum err error = distrust_lasts(agent) ? add_row(agent, txn) : OK;

    return error == OK ? notify_add(agent, txn, NULL, NULL) : error;
}

void distrust_tell(struct agent *agent)
{
    struct distrust *distrust = &agent->distrust;
    struct store_txn *txn;
    enum err error;

    if (distrust->text[0] == '\0' || is_told(distrust)) {
        return;
    }
    memcpy(distrust->told[distrust->slot], distrust->text, sizeof(distrust->text));
    log_event(EVENT_BROKER_NOT_BELIEVED,
              "the broker is not believed any more: %s; nothing is sent or taken%s; tell the "
              "administrators of the broker and of the other agencies",
              distrust->text,
              distrust_lasts(agent) ? " until `referralctl agent distrust clear`"
                                    : ", asking again every 30 s");
    events_add(agent, "alarm", NULL, NULL);
    events_tell(agent);
    error = store_begin(agent->setup.store, &txn);
    if (error == OK) {
        error = keep_and_notify(agent, txn);
        if (error == OK) {
            error = store_commit(txn);
        } else {
            store_abort(txn);
        }
    }
    if (error != OK) {
        distrust->told[distrust->slot][0] = '\0'; /* once more, when there is room */
        agent_trouble(agent, SLOT_SESSION, error);
    }
}

/* --- it ends --- */

static void believe(struct agent *agent, const char *why)
{
    struct distrust *distrust = &agent->distrust;

    log_event(EVENT_BROKER_BELIEVED, "%s: the broker is believed again", why);
    if (distrust_lasts(agent)) { /* should it come back, it is news */
        memset(distrust->told, 0, sizeof(distrust->told));
    }
    distrust->text[0] = distrust->later[0] = distrust->row[0] = distrust->evidence[0] = '\0';
    distrust->fits = false;
    distrust->until_ms = 0;
}

enum err distrust_greeted(struct agent *agent, struct store_txn *txn, bool recovered,
                          bool *ret_believed)
{
    struct distrust *distrust = &agent->distrust;

    *ret_believed = !distrust_lasts(agent) || (recovered && kinds[distrust->kind].of_log);
    if (!*ret_believed) {
        distrust->fits = true;
        distrust->until_ms = agent_machine_ms(agent) + ALARM_WAIT_MS;
    }
    if (*ret_believed && distrust_lasts(agent)) {
        const struct ending ending = {
            .by = "recovery", .reason = "", .at_ms = agent_wall_ms(agent)};

        return write_row(agent, txn, &ending);
    }
    return OK;
}

void distrust_greeted_kept(struct agent *agent)
{
    if (agent->distrust.text[0] != '\0') {
        believe(agent, distrust_lasts(agent)
                           ? "the broker's log goes on anew, from what this agent knows"
                           : "the broker's log extends what this agent knows");
    }
}

static enum err clear(struct agent *agent, const char *reason)
{
    const struct ending ending = {
        .by = "administrator", .reason = reason, .at_ms = agent_wall_ms(agent)};
    struct store_txn *txn;
    enum err error = store_begin(agent->setup.store, &txn);

    if (error != OK) {
        return error;
    }
    error = write_row(agent, txn, &ending);
    if (error == OK) {
        error = store_commit(txn);
    } else {
        store_abort(txn);
    }
    if (error == OK) {
        believe(agent, "this agency's administrator clears it");
        agent->askings[SLOT_SESSION].not_before_ms = 0;
    }
    return error;
}

/* --- the socket --- */

void distrust_write(const struct agent *agent, struct json_writer *out)
{
    const struct distrust *distrust = &agent->distrust;

    if (distrust->text[0] == '\0') {
        return;
    }
    json_name(out, "distrust");
    json_object_begin(out);
    named_text(out, "kind", kinds[distrust->kind].name);
    named_instant(out, "since", distrust->since_ms);
    named_text(out, "message", distrust->text);
    named_bool(out, "lasts", distrust_lasts(agent));
    named_bool(out, "fits_again", distrust->fits);
    some_text(out, "later", distrust->later);
    json_object_end(out);
}

static enum err print_row(void *ctx, struct store_txn *txn, struct span key, struct span text)
{
    (void)txn;
    (void)key;
    json_raw(ctx, text);
    return OK;
}

enum err distrust_answer(struct agent *agent, const struct json_value *request,
                         struct json_writer *out, struct fault *fault)
{
    struct store_txn *read;
    enum err error = store_read_begin(agent->setup.store, &read);

    (void)request;
    (void)fault;
    if (error != OK) {
        return error;
    }
    named_bool(out, "believed", agent->distrust.text[0] == '\0');
    distrust_write(agent, out);
    some_text(out, "evidence", agent->distrust.evidence);
    json_name(out, "rows");
    json_array_begin(out);
    error = each_row(read, print_row, out);
    json_array_end(out);
    store_read_end(read);
    return error;
}

static enum err read_clear(const struct json_value *request, bool *ret_dry_run,
                           const char **ret_reason, struct fault *fault)
{
    struct json_value dry_run = json_member(request, "dry_run");
    struct json_value reason = json_member(request, "reason");
    enum err error = json_absent(&dry_run) ? OK : json_get_bool(&dry_run, ret_dry_run, fault);

    if (error != OK || *ret_dry_run) {
        return error;
    }
    error = json_get_text(&reason, REASON_MAX, ret_reason, fault);
    if (error == OK && (**ret_reason == '\0' || strpbrk(*ret_reason, "\r\n\t") != NULL)) {
        return json_refuse(&reason, fault, "agent.words", "expected one line of text");
    }
    return error;
}

enum err distrust_answer_clear(struct agent *agent, const struct json_value *request,
                               struct json_writer *out, struct fault *fault)
{
    const char *reason = "";
    bool dry_run = false;
    enum err error = read_clear(request, &dry_run, &reason, fault);

    if (error != OK) {
        return error;
    }
    if (agent->distrust.text[0] == '\0') {
        fault_set(fault, "distrust.none", "broker", "the broker is believed: nothing is to clear");
        return ERR_REFUSED;
    }
    if (!distrust_lasts(agent)) {
        fault_set(fault, "distrust.passes", "broker", "this ends by itself: %s",
                  agent->distrust.text);
        fault_hint(fault, "the broker is asked every 30 s, and believed when its log fits again");
        return ERR_REFUSED;
    }
    named_bool(out, "dry_run", dry_run);
    if (!dry_run) {
        error = clear(agent, reason);
    }
    if (error == OK && !dry_run) {
        agent_pump(agent);
    }
    return error;
}
