/* What an operator and an auditor ask a broker besides its state: dead letters, a signed message
 * there and back, the newest leaves of the log with their reasons. Nothing is changed here. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/broker_parts.h"
#include "cli/input.h"
#include "cli/screen.h"
#include "cli/watch.h"
#include "io/number.h"

#define TAIL_MAX     200u
#define TAIL_DEFAULT 20u
#define PING_S       10u
#define PING_S_MAX   60u

/* --- dead ls, dead show --- */

static const struct {
    const char *cause, *meaning;
} causes[] = {
    {"unreadable", "the receiver could not open it"},
    {"left", "the receiver has left"},
    {"hops", "passed on as often as the policy allows"},
};

static const char *meaning_of(const char *cause)
{
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
        if (strcmp(cause, causes[i].cause) == 0) {
            return causes[i].meaning;
        }
    }
    return cause;
}

static int draw_dead(const struct json_value *root)
{
    static const char *const heads[] = {"ID",   "SINCE",  "FROM",    "TO",
                                        "KIND", "NUMBER", "SETTLED", "WHY"};
    struct json_value rows = json_member(root, "dead");
    struct table table;

    table_begin(&table, heads, "rlllllll");
    for (size_t i = 0; i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);
        const char *settled = value_text(&row, "settled");

        table_cellf(&table, "%" PRIu64, value_u64(&row, "id"));
        cell_instant(&table, value_u64(&row, "since_ms"));
        table_cell(&table, value_text(&row, "from"));
        table_cell(&table, value_text(&row, "to"));
        table_cell(&table, value_text(&row, "kind"));
        table_cell(&table, value_text(&row, "number"));
        table_cell(&table, settled[0] != '\0' ? settled : "-");
        table_cell(&table, meaning_of(value_text(&row, "cause")));
    }
    return table_end(&table, "no message is a dead letter");
}

static int judge_dead(const struct json_value *root)
{
    return value_bool(root, "truncated") ? output_warn("there are more than one answer holds")
                                         : EXIT_OK;
}

int dead_list_run(const struct invocation *invocation)
{
    struct call call;

    call_begin(&call, "dead-list");
    if (invocation_has(invocation, OPTION_ALL)) {
        json_name(&call.writer, "all");
        json_bool(&call.writer, true);
    }
    return broker_finish(&call, invocation, draw_dead, judge_dead);
}

static void row(struct table *table, const char *name, const char *value)
{
    if (value[0] != '\0') {
        table_cell(table, name);
        table_cell(table, value);
    }
}

static int draw_letter(const struct json_value *root)
{
    struct json_value letter = json_member(root, "letter");
    char since[INSTANT_TEXT_BYTES];
    struct table table;

    output_instant(value_u64(&letter, "since_ms"), since);
    table_begin(&table, NULL, "ll");
    row(&table, "why", meaning_of(value_text(&letter, "cause")));
    row(&table, "detail", value_text(root, "detail"));
    row(&table, "since", since);
    row(&table, "kind", value_text(&letter, "kind"));
    row(&table, "number", value_text(&letter, "number"));
    row(&table, "from", value_text(&letter, "from"));
    row(&table, "to", value_text(&letter, "to"));
    row(&table, "message", value_text(&letter, "message"));
    row(&table, "settled", value_text(&letter, "settled"));
    row(&table, "next", value_text(root, "next"));
    return table_end(&table, "");
}

static int judge_nothing(const struct json_value *root)
{
    (void)root;
    return EXIT_OK;
}

int dead_show_run(const struct invocation *invocation)
{
    struct fault fault = {.code = ""};
    struct call call;
    uint64_t id = 0;

    if (!number_parse(invocation->arguments[0], INT64_MAX, &id)) {
        fault_set(&fault, "usage.value", invocation->arguments[0],
                  "expected the number of a dead letter");
        fault_hint(&fault, "`referralctl dead ls` lists them");
        return output_fault(invocation, EXIT_USAGE, &fault);
    }
    call_begin(&call, "dead-show");
    call_u64(&call, "id", id);
    return broker_finish(&call, invocation, draw_letter, judge_nothing);
}

/* --- ping --- */

/* An agency that does not answer is not reached; whatever else is wrong is a refusal. */
int ping_run(const struct invocation *invocation)
{
    const struct input_range range = {.min = 1, .max = PING_S_MAX, .otherwise = PING_S};
    uint64_t seconds = 0;
    struct call call;
    int status = input_number(invocation, OPTION_TIMEOUT, range, &seconds);

    if (status != EXIT_OK) {
        return status;
    }
    call_begin(&call, "ping");
    call_text(&call, "agency", invocation->arguments[0]);
    call_u64(&call, "timeout_ms", seconds * 1000);
    call.timeout_ms += seconds * 1000;
    status = call_end(&call, invocation, BROKER_SOCKET);
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(&call);
    } else if (status == EXIT_OK) {
        printf("%s answered, signed: %" PRIu64 " ms there and back, after %" PRIu64
               " ms until it asked\n",
               invocation->arguments[0], value_u64(&call.root, "round_trip_ms"),
               value_u64(&call.root, "waited_ms"));
    } else if (status == EXIT_REFUSED && call.json != NULL &&
               strcmp(value_text(&call.root, "code"), "ping.timeout") == 0) {
        status = EXIT_UNREACHABLE;
    }
    call_free(&call);
    return status;
}

/* --- audit tail --- */

/* Newest last, as `tail` has it. */
static int draw_tail(const struct json_value *root)
{
    struct json_value leaves = json_member(root, "leaves");
    struct frame frame;
    enum err error;

    frame_begin(&frame, FRAME_COLUMNS_MAX, screen_colour());
    for (size_t i = json_count(&leaves); i > 0; i--) {
        struct json_value leaf = json_item(&leaves, i - 1);
        char position[24];

        (void)snprintf(position, sizeof(position), "%" PRIu64, value_u64(&leaf, "position"));
        frame_put_right(&frame, STYLE_PLAIN, 8, position);
        frame_put(&frame, STYLE_PLAIN, "  ");
        watch_draw_leaf(&frame, &leaf);
    }
    error = frame.error;
    if (error == OK && frame.text.len > 0) {
        (void)fwrite(frame.text.data, 1, frame.text.len, stdout); /* main asks ferror */
    } else if (error != OK) {
        fprintf(stderr, "referralctl: no memory for the leaves\n");
    }
    frame_free(&frame);
    return error == OK ? EXIT_OK : EXIT_FAILED;
}

int audit_tail_run(const struct invocation *invocation)
{
    const struct input_range range = {.min = 1, .max = TAIL_MAX, .otherwise = TAIL_DEFAULT};
    char path[CONTEXT_PATH_BYTES];
    uint64_t count = 0, size = 0;
    struct call call;
    int status = input_number(invocation, OPTION_ROWS, range, &count);

    if (status == EXIT_OK) {
        status = call_socket(invocation, BROKER_SOCKET, path);
    }
    if (status != EXIT_OK) {
        return status;
    }
    call_begin(&call, "audit-tail");
    call_u64(&call, "count", count);
    status = call_end(&call, invocation, BROKER_SOCKET);
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(&call);
    } else if (status == EXIT_OK) {
        status = draw_tail(&call.root);
    }
    size = value_u64(&call.root, "size");
    call_free(&call);
    return status == EXIT_OK && invocation_has(invocation, OPTION_FOLLOW)
               ? watch_follow_from(invocation, path, (int64_t)size - 1)
               : status;
}
