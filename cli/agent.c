/* The commands `agent ...`: what an officer's script says to its agency's own agent. The contract
 * is docs/agent-socket.md, the messages are in docs/messages.md. Personal data comes from files or
 * standard input, never from the words of the command line, and stands in no message of ours. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/nearest.h"
#include "cli/call.h"
#include "cli/input.h"
#include "cli/table.h"
#include "cli/tree.h"
#include "model/vocabulary.h"

#define PAGE_ROWS          500u /* the most that one answer has */
#define ROWS_MAX           1000000u
#define OFFICER_BYTES      256u
#define OFFICER_DEFAULT    "经办人" /* "the handling officer": a role, nobody's name */
#define STORE_WARN_PERCENT 80u

/* --- rows: of the inbox, of the outbox, of what `send` made --- */

static const char *const row_heads[] = {
    "SEQ", "AT", "KIND", "FROM", "TO", "REFERRAL", "STATE", "DUE, RUNG OR REASON", "ID"};

static void rows_begin(struct table *table)
{
    table_begin(table, row_heads, "rllllllll");
}

/* The rung of a notice, the reason of a refusal. */
static void cell_detail(struct table *table, const struct json_value *row)
{
    static const char *const names[] = {"rung",   "document_number", "due", "code",
                                        "detail", "reason",          "hint"};
    char text[512];
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = value_text(row, names[i]);

        if (value[0] != '\0' && used < sizeof(text)) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used > 0 ? " " : "",
                                     value);
        }
    }
    table_cellf(table, "%s%s%s", text, used > 0 && value_bool(row, "late") ? " " : "",
                value_bool(row, "late") ? "late" : "");
}

static void rows_add(struct table *table, const struct json_value *row)
{
    static const char *const names[] = {"at", "kind", "sender", "recipient", "referral", "state"};

    table_cell_u64(table, value_u64(row, "seq"));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        table_cell(table, value_text(row, names[i]));
    }
    cell_detail(table, row);
    table_cell(table, value_text(row, "id"));
}

static int draw_rows(const struct json_value *rows)
{
    struct table table;

    rows_begin(&table);
    for (size_t i = 0; i < json_count(rows); i++) {
        struct json_value row = json_item(rows, i);

        rows_add(&table, &row);
    }
    return table_end(&table, "no messages");
}

/* --- inbox, outbox --- */

struct listing {
    const struct invocation *invocation;
    const char *cmd;
    uint64_t after;
    uint64_t left; /* rows that are still wanted */
    bool more;     /* there are more than these */
};

/* One question; EXIT_OK leaves the answer in `call`, which the caller frees in any case. */
static int next_page(const struct listing *listing, struct call *call)
{
    call_begin(call, listing->cmd);
    call_u64(call, "after", listing->after);
    call_u64(call, "count", listing->left < PAGE_ROWS ? listing->left : PAGE_ROWS);
    return call_end(call, listing->invocation, AGENT_SOCKET);
}

/* Takes the rows of a page into the table. False when nothing follows. */
static bool take_page(struct listing *listing, const struct json_value *root, struct table *table)
{
    struct json_value rows = json_member(root, "rows");
    size_t count = json_count(&rows);

    for (size_t i = 0; i < count; i++) {
        struct json_value row = json_item(&rows, i);

        rows_add(table, &row);
        listing->after = value_u64(&row, "seq");
    }
    listing->left -= count < listing->left ? count : listing->left;
    listing->more = value_bool(root, "more") && count > 0;
    return listing->more && listing->left > 0;
}

static int list_table(struct listing *listing)
{
    struct table table;
    bool follows = true;
    int status = EXIT_OK;

    rows_begin(&table);
    while (status == EXIT_OK && follows) {
        struct call call;

        status = next_page(listing, &call);
        follows = status == EXIT_OK && take_page(listing, &call.root, &table);
        call_free(&call);
    }
    if (status != EXIT_OK) {
        table_free(&table);
        return status;
    }
    return table_end(&table, "no messages");
}

/* One page as it came, with its "more". */
static int list_json(struct listing *listing)
{
    struct call call;
    int status = next_page(listing, &call);

    if (status == EXIT_OK) {
        call_print(&call);
        listing->more = value_bool(&call.root, "more");
    }
    call_free(&call);
    return status;
}

static int list(const struct invocation *invocation, const char *cmd)
{
    const struct input_range after = {.max = INT64_MAX};
    const struct input_range count = {.min = 1, .max = ROWS_MAX, .otherwise = ROWS_MAX};
    struct listing listing = {.invocation = invocation, .cmd = cmd};
    int status = input_number(invocation, OPTION_AFTER, after, &listing.after);

    if (status == EXIT_OK) {
        status = input_number(invocation, OPTION_ROWS, count, &listing.left);
    }
    if (status != EXIT_OK) {
        return status;
    }
    status = invocation_has(invocation, OPTION_JSON) ? list_json(&listing) : list_table(&listing);
    if (status == EXIT_OK && listing.more && !invocation_has(invocation, OPTION_ROWS)) {
        status = output_warn("there are more rows: ask again with --after and the last \"seq\"");
    }
    return status;
}

int agent_inbox_run(const struct invocation *invocation)
{
    return list(invocation, "inbox");
}

int agent_outbox_run(const struct invocation *invocation)
{
    return list(invocation, "outbox");
}

/* --- show --- */

static int draw_show(const struct json_value *root)
{
    static const char *const trees[] = {"message", "referral", "matter"};
    static const char *const lists[] = {"referrals", "matters"};
    struct json_value rows = json_member(root, "rows"), erased = json_member(root, "erased");

    if (json_is_object(&erased)) {
        printf("erased %s by order %s: bodies and attachments\n", value_text(&erased, "at"),
               value_text(&erased, "order"));
    }
    for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
        struct json_value value = json_member(root, trees[i]);

        if (json_is_object(&value)) {
            tree_print(&value, 0, NULL);
        }
    }
    if (value_text(root, "case")[0] != '\0') {
        printf("%s\n", value_text(root, "case"));
    }
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        struct json_value list_of = json_member(root, lists[i]);

        if (json_count(&list_of) > 0) {
            tree_print(&list_of, 2, NULL);
        }
    }
    if (json_is_array(&rows)) {
        printf("\n");
        return draw_rows(&rows);
    }
    return EXIT_OK;
}

int agent_show_run(const struct invocation *invocation)
{
    struct call call;
    int status;

    call_begin(&call, "show");
    call_text(&call, "id", invocation->arguments[0]);
    status = call_end(&call, invocation, AGENT_SOCKET);
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(&call);
    } else if (status == EXIT_OK) {
        status = draw_show(&call.root);
    }
    call_free(&call);
    return status;
}

/* --- what sends --- */

/* A warning is told and changes no exit status: the message is on its way, and a script that took
 * it for a failure would send it twice. */
static void tell_warnings(const struct json_value *root)
{
    struct json_value warnings = json_member(root, "warnings");

    for (size_t i = 0; i < json_count(&warnings); i++) {
        struct json_value warning = json_item(&warnings, i);
        const char *text = value_text(&warning, "message"), *place = value_text(&warning, "place");

        if (json_get_text(&warning, LIMIT_TEXT_BYTES, &text, NULL) == OK) {
            place = "";
        }
        (void)output_warn("%s%s%s", place, place[0] != '\0' ? ": " : "", text);
    }
}

/* Ends and frees a `send`. */
static int sent(struct call *call, const struct invocation *invocation)
{
    struct json_value messages;
    int status = call_end(call, invocation, AGENT_SOCKET);

    if (status == EXIT_OK) {
        tell_warnings(&call->root);
        messages = json_member(&call->root, "messages");
        if (invocation_has(invocation, OPTION_JSON)) {
            call_print(call);
        } else {
            status = draw_rows(&messages);
        }
    }
    call_free(call);
    return status;
}

/* A message file, checked for its form so that a fault has its line, on one line. The agent judges
 * what it says. */
static int read_message(const struct invocation *invocation, const char *path, struct buf *message)
{
    struct fault fault = {.code = ""};
    struct json *json = NULL;
    struct json_value root;
    int status = input_file(invocation, path, message);

    if (status != EXIT_OK) {
        return status;
    }
    if (json_open(input_name(path), span_buf(message), &json, &fault) != OK) {
        fault_hint(&fault, "docs/messages.md has an example of every message");
        return output_fault(invocation, EXIT_REFUSED, &fault);
    }
    root = json_root(json);
    if (!json_is_object(&root)) {
        fault_set(&fault, "json.type", input_name(path), "expected an object: one message");
        fault_hint(&fault, "docs/messages.md has an example of every message");
        status = output_fault(invocation, EXIT_REFUSED, &fault);
    }
    json_free(json);
    for (size_t i = 0; i < message->len; i++) { /* line ends stand between tokens only */
        if (message->data[i] == '\n' || message->data[i] == '\r') {
            message->data[i] = ' ';
        }
    }
    return status;
}

static int send_file(const struct invocation *invocation, const char *path, const char *kind,
                     const char *referral)
{
    struct buf message;
    struct call call;
    int status;

    buf_init(&message, LIMIT_JSON_BYTES);
    status = read_message(invocation, path, &message);
    if (status == EXIT_OK) {
        call_begin(&call, "send");
        if (kind != NULL) {
            call_text(&call, "kind", kind);
            call_text(&call, "referral", referral);
        }
        json_name(&call.writer, "message");
        json_raw(&call.writer, span_buf(&message));
        status = sent(&call, invocation);
    }
    input_wipe(&message);
    return status;
}

int agent_send_run(const struct invocation *invocation)
{
    return send_file(invocation, invocation->arguments[0], NULL, NULL);
}

int agent_feedback_run(const struct invocation *invocation)
{
    return send_file(invocation, invocation->arguments[1], "feedback", invocation->arguments[0]);
}

/* Who acts, for body.officer: NUL-terminated in the buf. */
static int read_officer(const struct invocation *invocation, struct buf *officer)
{
    struct fault fault = {.code = ""};
    int status = EXIT_OK;

    if (!invocation_has(invocation, OPTION_OFFICER_FILE)) {
        if (buf_append(officer, OFFICER_DEFAULT, sizeof(OFFICER_DEFAULT)) == OK) {
            return EXIT_OK;
        }
        fault_set(&fault, "input.memory", "", "no memory for the message");
        return output_fault(invocation, EXIT_FAILED, &fault);
    }
    status = input_text(invocation, OPTION_OFFICER_FILE, officer);
    if (status == EXIT_OK && memchr(officer->data, '\n', officer->len) != NULL) {
        fault_set(&fault, "input.lines", input_name(invocation->value[OPTION_OFFICER_FILE]),
                  "has several lines; expected the officer's name alone");
        status = output_fault(invocation, EXIT_REFUSED, &fault);
    }
    return status;
}

int agent_sign_for_run(const struct invocation *invocation)
{
    struct buf officer;
    struct call call;
    int status;

    buf_init(&officer, OFFICER_BYTES);
    status = read_officer(invocation, &officer);
    if (status == EXIT_OK) {
        call_begin(&call, "send");
        call_text(&call, "kind", "sign-for");
        call_text(&call, "referral", invocation->arguments[0]);
        json_name(&call.writer, "message");
        json_object_begin(&call.writer);
        json_name(&call.writer, "body");
        json_object_begin(&call.writer);
        call_text(&call, "officer", (const char *)officer.data);
        json_object_end(&call.writer);
        json_object_end(&call.writer);
        status = sent(&call, invocation);
    }
    input_wipe(&officer);
    return status;
}

/* --- withdraw, reply --- */

/* A code of the vocabulary, and standard input for one file at the most. */
static int check_code(const struct invocation *invocation, enum option_id option,
                      enum vocabulary which)
{
    const char *code = invocation->value[option];
    const char *officer = invocation->value[OPTION_OFFICER_FILE];
    const char *reason = invocation->value[OPTION_REASON_FILE];
    const char *ids[VOCABULARY_IDS_MAX];
    char list[256], expected[320];

    if (vocabulary_parse(which, code) == NULL) {
        vocabulary_ids(which, ids);
        nearest_list(ids, list, sizeof(list));
        (void)snprintf(expected, sizeof(expected), "expected one of: %s", list);
        return output_misused(invocation, option, expected);
    }
    if (officer != NULL && reason != NULL && strcmp(officer, "-") == 0 &&
        strcmp(reason, "-") == 0) {
        return output_misused(invocation, OPTION_REASON_FILE,
                              "standard input cannot be both the reason and the officer");
    }
    return EXIT_OK;
}

struct coded { /* a message that is a code and perhaps its reason in words */
    const char *kind;
    enum option_id option;
    const char *fact; /* which holds the code */
    enum vocabulary which;
    const char *document; /* NULL: none */
};

static void write_coded(struct call *call, const struct invocation *invocation,
                        const struct coded *coded, const char *officer, const char *text)
{
    call_text(call, "kind", coded->kind);
    call_text(call, "referral", invocation->arguments[0]);
    json_name(&call->writer, "message");
    json_object_begin(&call->writer);
    json_name(&call->writer, "facts");
    json_object_begin(&call->writer);
    call_text(call, coded->fact, invocation->value[coded->option]);
    if (coded->document != NULL) {
        call_text(call, "document_number", coded->document);
    }
    json_object_end(&call->writer);
    json_name(&call->writer, "body");
    json_object_begin(&call->writer);
    call_text(call, "officer", officer);
    if (text != NULL) {
        call_text(call, "text", text);
    }
    json_object_end(&call->writer);
    json_object_end(&call->writer);
}

/* `otherwise` is the text where no file has one; NULL: none. */
static int send_coded(const struct invocation *invocation, const struct coded *coded,
                      const char *otherwise)
{
    bool explained = invocation_has(invocation, OPTION_REASON_FILE);
    struct buf officer, text;
    struct call call;
    int status;

    buf_init(&officer, OFFICER_BYTES);
    buf_init(&text, LIMIT_TEXT_BYTES);
    status = read_officer(invocation, &officer);
    if (status == EXIT_OK && explained) {
        status = input_text(invocation, OPTION_REASON_FILE, &text);
    }
    if (status == EXIT_OK) {
        call_begin(&call, "send");
        write_coded(&call, invocation, coded, (const char *)officer.data,
                    explained ? (const char *)text.data : otherwise);
        status = sent(&call, invocation);
    }
    input_wipe(&officer);
    input_wipe(&text);
    return status;
}

int agent_withdraw_run(const struct invocation *invocation)
{
    const struct coded coded = {"withdrawal", OPTION_CODE, "reason", VOCABULARY_WITHDRAWAL, NULL};
    int status = check_code(invocation, coded.option, coded.which);

    return status == EXIT_OK ? send_coded(invocation, &coded, NULL) : status;
}

/* The text that an escalation reply must have is at least the code's name. */
int agent_reply_run(const struct invocation *invocation)
{
    const struct coded coded = {"escalation-reply", OPTION_CODE, "answer",
                                VOCABULARY_ESCALATION_ANSWER, invocation->arguments[0]};
    int status = check_code(invocation, coded.option, coded.which);

    return status == EXIT_OK
               ? send_coded(invocation, &coded,
                            vocabulary_parse(coded.which, invocation->value[OPTION_CODE])->zh)
               : status;
}

/* --- what is late or near --- */

static int draw_late(const struct json_value *root)
{
    static const char *const heads[] = {"NUMBER", "CLOCK", "N", "DUE", "", "CASE"};
    struct json_value clocks = json_member(root, "clocks");
    struct table table;

    table_begin(&table, heads, "llrlll");
    for (size_t i = 0; i < json_count(&clocks); i++) {
        struct json_value row = json_item(&clocks, i);

        table_cell(&table, value_text(&row, "number"));
        table_cell(&table, value_text(&row, "clock"));
        table_cell_u64(&table, value_u64(&row, "duty") + value_u64(&row, "window"));
        table_cell(&table, value_text(&row, "due"));
        table_cell(&table, value_bool(&row, "late") ? "late" : "");
        table_cell(&table, value_text(&row, "case_number"));
    }
    return table_end(&table, "nothing is late or near");
}

static bool any_late(const struct json_value *root)
{
    struct json_value clocks = json_member(root, "clocks");

    for (size_t i = 0; i < json_count(&clocks); i++) {
        struct json_value row = json_item(&clocks, i);

        if (value_bool(&row, "late")) {
            return true;
        }
    }
    return false;
}

int agent_late_run(const struct invocation *invocation)
{
    const struct input_range range = {.max = 400, .otherwise = 3};
    struct call call;
    uint64_t within = 0;
    int status = input_number(invocation, OPTION_WITHIN, range, &within);

    if (status != EXIT_OK) {
        return status;
    }
    call_begin(&call, "late");
    call_u64(&call, "within", within);
    status = call_end(&call, invocation, AGENT_SOCKET);
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(&call);
    } else if (status == EXIT_OK) {
        status = draw_late(&call.root);
    }
    if (status == EXIT_OK && any_late(&call.root)) {
        status = EXIT_WARNING;
    }
    call_free(&call);
    return status;
}

/* --- status --- */

static int judge_calendar(const struct json_value *root, int status)
{
    const char *fault = value_text(root, "calendar_fault");

    if (fault[0] != '\0') {
        status = output_warn("the folder of calendars was not taken, %s stays in use: %s",
                             value_text(root, "calendar"), fault);
    }
    if (strcmp(value_text(root, "calendar_state"), "behind") == 0) {
        status = output_warn("the broker counts by calendar %s, which is not here yet: install its "
                             "files, then `referralctl agent reload`",
                             value_text(root, "broker_calendar"));
    }
    return status;
}

static int judge_channels(const struct json_value *root)
{
    struct json_value channels = json_member(root, "channels");
    int status = EXIT_OK;

    for (size_t i = 0; i < json_count(&channels); i++) {
        struct json_value channel = json_item(&channels, i);

        if (value_u64(&channel, "waiting") > 0 && value_u64(&channel, "failures") > 0) {
            status = output_warn("%" PRIu64 " notices wait for channel \"%s\", which fails: %s",
                                 value_u64(&channel, "waiting"), value_text(&channel, "channel"),
                                 value_text(&channel, "reason"));
        }
        if (value_u64(&channel, "dead") > 0) {
            status = output_warn("%" PRIu64 " notices of channel \"%s\" were given up: "
                                 "`referralctl agent notify dead`",
                                 value_u64(&channel, "dead"), value_text(&channel, "channel"));
        }
    }
    return status;
}

/* The lights: what somebody should look at now. */
static int judge_status(const struct json_value *root)
{
    const char *alarm = value_text(root, "alarm"), *since = value_text(root, "not_connected_since");
    struct json_value distrust = json_member(root, "distrust");
    int status = EXIT_OK;

    if (alarm[0] != '\0') {
        status = output_warn(
            "ALARM: this agent no longer believes the broker: %s%s", alarm,
            value_bool(&distrust, "lasts") ? "; see `referralctl agent distrust show`" : "");
    }
    if (!value_bool(root, "connected") && !value_bool(&distrust, "lasts")) {
        status =
            output_warn("not connected to the broker at %s under the name \"%s\"%s%s; messages "
                        "wait here and leave later; what to check: docs/operations.md, \"The "
                        "agent does not connect\"",
                        value_text(root, "broker_url"), value_text(root, "broker_name"),
                        since[0] != '\0' ? " since " : "", since);
    }
    if (value_bool(root, "clock_held")) {
        status = output_warn("the broker's clock is held: reminders and escalations wait");
    }
    if (value_bool(root, "connected") && !value_bool(root, "registry_matches")) {
        status = output_warn("the broker uses another registry: compare agencies.yaml");
    }
    if (value_bool(root, "policy_differs")) {
        status = output_warn("the broker counts by another policy: compare policy.yaml; until then "
                             "nobody here sees whether what it raises is due");
    }
    status = judge_calendar(root, status);
    if (judge_channels(root) != EXIT_OK) {
        status = EXIT_WARNING;
    }
    if (value_u64(root, "store_percent") >= STORE_WARN_PERCENT) {
        status = output_warn("the store is nearly full (%" PRIu64 " %%): give it a larger "
                             "`store-mib`",
                             value_u64(root, "store_percent"));
    }
    return status;
}

int agent_status_run(const struct invocation *invocation)
{
    struct call call;
    int status;

    call_begin(&call, "status");
    status = call_end(&call, invocation, AGENT_SOCKET);
    if (status == EXIT_OK) {
        if (invocation_has(invocation, OPTION_JSON)) {
            call_print(&call);
        } else {
            tree_print(&call.root, 0, "ok");
        }
        status = judge_status(&call.root);
    }
    call_free(&call);
    return status;
}

/* --- reload --- */

int agent_reload_run(const struct invocation *invocation)
{
    struct call call;
    int status;

    call_begin(&call, "reload");
    status = call_end(&call, invocation, AGENT_SOCKET);
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(&call);
    } else if (status == EXIT_OK) {
        printf("calendar %s is in use\n", value_text(&call.root, "calendar"));
    }
    call_free(&call);
    return status;
}
