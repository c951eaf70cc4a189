/* The commands that ask a broker about referrals: what is due, the story of a case, and why a date
 * is what it is. The contract is docs/operations.md. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/call.h"
#include "cli/days.h"
#include "cli/input.h"
#include "model/lanes.h"
#include "model/vocabulary.h"
#include "model/window.h"

#define WITHIN_MAX     400u
#define WITHIN_DEFAULT 3u

typedef int (*answer_fn)(const struct json_value *root);

/* Prints the answer or draws it, then says whether it is whole, and frees the call. */
static int finish(struct call *call, const struct invocation *invocation, answer_fn draw,
                  answer_fn judge)
{
    int status = call_end(call, invocation, BROKER_SOCKET);

    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(call);
    } else if (status == EXIT_OK) {
        status = draw(&call->root);
    }
    if (status == EXIT_OK) {
        status = judge(&call->root);
    }
    call_free(call);
    return status;
}

static void cell_instant(struct table *table, uint64_t instant_ms)
{
    char text[INSTANT_TEXT_BYTES];

    output_instant(instant_ms, text);
    table_cell(table, text);
}

/* The newest rung that was raised, and how many. */
static void cell_raised(struct table *table, const struct json_value *clock)
{
    struct json_value raised = json_member(clock, "raised");
    size_t count = json_count(&raised);
    struct json_value last = json_item(&raised, count > 0 ? count - 1 : 0);
    const char *rung = "-";

    if (count > 0 && json_get_text(&last, RUNG_ID_BYTES, &rung, NULL) != OK) {
        rung = "?";
    }
    if (count > 1) {
        table_cellf(table, "%s (of %zu)", rung, count);
    } else {
        table_cell(table, rung);
    }
}

static void cell_due(struct table *table, const struct json_value *clock)
{
    table_cellf(table, "%s%s", value_text(clock, "due"),
                value_bool(clock, "provisional") ? " (暂定)" : "");
}

/* --- due --- */

static int draw_due(const struct json_value *root)
{
    static const char *const heads[] = {"DAY N",       "REFERRAL", "CLOCK", "WINDOW",
                                        "RESPONSIBLE", "STATE",    "RAISED"};
    struct json_value rows = json_member(root, "due");
    struct table table;

    table_begin(&table, heads, "lllrlll");
    for (size_t i = 0; i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);
        struct json_value clock = json_member(&row, "clock");

        cell_due(&table, &clock);
        table_cell(&table, value_text(&row, "referral"));
        table_cell(&table, value_text(&clock, "clock"));
        table_cell_u64(&table, value_u64(&clock, "window"));
        table_cell(&table, value_text(&clock, "responsible"));
        table_cell(&table, value_text(&row, "state"));
        cell_raised(&table, &clock);
    }
    return table_end(&table, "nothing is due");
}

static int judge_due(const struct json_value *root)
{
    return value_bool(root, "truncated")
               ? output_warn("more is due than one answer holds: ask for fewer days (--within)")
               : EXIT_OK;
}

int broker_due_run(const struct invocation *invocation)
{
    const struct input_range range = {.max = WITHIN_MAX, .otherwise = WITHIN_DEFAULT};
    uint64_t within;
    struct call call;
    int status = input_number(invocation, OPTION_WITHIN, range, &within);

    if (status != EXIT_OK) {
        return status;
    }
    call_begin(&call, "due");
    call_u64(&call, "within", within);
    return finish(&call, invocation, draw_due, judge_due);
}

/* --- case --- */

static int draw_clocks(const struct json_value *referral)
{
    static const char *const heads[] = {"CLOCK", "WINDOW", "DAYS",   "RESPONSIBLE",
                                        "SINCE", "DAY N",  "RAISED", "STOPPED"};
    struct json_value clocks = json_member(referral, "clocks");
    struct table table;

    table_begin(&table, heads, "lrrlllll");
    table.margin = "  ";
    for (size_t i = 0; i < json_count(&clocks); i++) {
        struct json_value clock = json_item(&clocks, i);

        table_cell(&table, value_text(&clock, "clock"));
        table_cell_u64(&table, value_u64(&clock, "window"));
        table_cell_u64(&table, value_u64(&clock, "working_days"));
        table_cell(&table, value_text(&clock, "responsible"));
        cell_instant(&table, value_u64(&clock, "start_ms"));
        cell_due(&table, &clock);
        cell_raised(&table, &clock);
        cell_instant(&table, value_u64(&clock, "stopped_ms"));
    }
    return table_end(&table, "no clock runs yet");
}

/* What a leaf is about, in a few words. */
static void cell_leaf(struct table *table, const struct json_value *leaf)
{
    uint64_t due_before_ms = value_u64(leaf, "due_before_ms");
    char due[INSTANT_TEXT_BYTES];

    output_instant(due_before_ms, due);
    if (value_text(leaf, "kind")[0] != '\0') {
        table_cellf(table, "%s to %s", value_text(leaf, "kind"), value_text(leaf, "recipient"));
    } else if (value_text(leaf, "rung")[0] != '\0') {
        table_cellf(table, "window %" PRIu64 ": %s %s", value_u64(leaf, "window"),
                    value_text(leaf, "rung"), value_text(leaf, "document"));
    } else if (due_before_ms != 0) {
        table_cellf(table, "window %" PRIu64 " due before %s%s", value_u64(leaf, "window"), due,
                    value_bool(leaf, "late") ? ", late" : "");
    } else {
        table_cell(table, "");
    }
}

static int draw_trail(const struct json_value *referral)
{
    static const char *const heads[] = {"LEAF", "TIME", "WHAT", "BY", ""};
    struct json_value trail = json_member(referral, "trail");
    struct table table;

    table_begin(&table, heads, "rllll");
    table.margin = "  ";
    for (size_t i = 0; i < json_count(&trail); i++) {
        struct json_value leaf = json_item(&trail, i);

        table_cellf(&table, "%" PRIu64, value_u64(&leaf, "leaf"));
        cell_instant(&table, value_u64(&leaf, "at_ms"));
        table_cell(&table, value_text(&leaf, "what"));
        table_cell(&table, value_text(&leaf, "actor"));
        cell_leaf(&table, &leaf);
    }
    return table_end(&table, "no leaves");
}

static int draw_facts(const struct json_value *referral)
{
    const struct word *outcome =
        vocabulary_find(VOCABULARY_OUTCOME, (uint32_t)value_u64(referral, "outcome"));
    uint64_t lane = value_u64(referral, "lane");
    struct table table;

    table_begin(&table, NULL, "l");
    table_cellf(&table, "%s  %s from %s to %s", value_text(referral, "referral"),
                value_text(referral, "kind"), value_text(referral, "from"),
                value_text(referral, "to"));
    table_cellf(&table, "  %s%s%s, lane %s%s%s%s%s", value_text(referral, "state"),
                value_bool(referral, "signed") ? ", signed for" : "",
                value_bool(referral, "informed") ? ", applicant informed" : "",
                lane < LANE_COUNT ? lane_name((enum lane)lane) : "?",
                outcome != NULL ? ", outcome " : "", outcome != NULL ? outcome->id : "",
                value_text(referral, "register_number")[0] != '\0' ? ", register " : "",
                value_text(referral, "register_number"));
    if (value_bool(referral, "late")) {
        table_cellf(&table, "  late by %" PRIu64 " working days",
                    value_u64(referral, "lateness_days"));
    }
    if (value_u64(referral, "open_documents") > 0) {
        table_cellf(&table, "  open 督办单: %" PRIu64, value_u64(referral, "open_documents"));
    }
    return table_end(&table, "");
}

static int draw_referral(const struct json_value *referral)
{
    int status = draw_facts(referral);

    if (status == EXIT_OK) {
        status = draw_clocks(referral);
    }
    return status == EXIT_OK ? draw_trail(referral) : status;
}

struct numbered {
    const char *number; /* borrowed from the answer */
    size_t index;
};

static int by_number(const void *a, const void *b)
{
    return strcmp(((const struct numbered *)a)->number, ((const struct numbered *)b)->number);
}

/* The broker has them in the order of their ids. */
static int draw_case(const struct json_value *root)
{
    struct json_value referrals = json_member(root, "referrals");
    size_t count = json_count(&referrals);
    struct numbered *order = calloc(count + 1, sizeof(*order));
    int status = EXIT_OK;

    if (order == NULL) {
        fprintf(stderr, "referralctl: no memory to draw the case\n");
        return EXIT_FAILED;
    }
    for (size_t i = 0; i < count; i++) {
        struct json_value referral = json_item(&referrals, i);

        order[i] = (struct numbered){value_text(&referral, "referral"), i};
    }
    qsort(order, count, sizeof(*order), by_number);
    for (size_t i = 0; status == EXIT_OK && i < count; i++) {
        struct json_value referral = json_item(&referrals, order[i].index);

        printf("%s", i > 0 ? "\n" : "");
        status = draw_referral(&referral);
    }
    free(order);
    return status;
}

static int judge_case(const struct json_value *root)
{
    struct json_value referrals = json_member(root, "referrals");
    int status = EXIT_OK;

    for (size_t i = 0; i < json_count(&referrals); i++) {
        struct json_value referral = json_item(&referrals, i);

        if (value_bool(&referral, "trail_truncated")) {
            status = output_warn("%s has older leaves than these: `audit export` has them all",
                                 value_text(&referral, "referral"));
        }
    }
    return status;
}

int broker_case_run(const struct invocation *invocation)
{
    struct call call;

    call_begin(&call, "case");
    call_text(&call, "id", invocation->arguments[0]);
    return finish(&call, invocation, draw_case, judge_case);
}

/* --- why --- */

static int draw_days(const struct json_value *clock)
{
    struct json_value days = json_member(clock, "days");
    const char *due = value_text(clock, "due"), *day_n = value_text(clock, "day_n");
    char last[48];
    struct table table;

    days_begin(&table);
    days_row(&table, value_text(clock, "day_0"), "day 0: arrival, not counted", "");
    for (size_t i = 0; i < json_count(&days); i++) {
        struct json_value day = json_item(&days, i);

        days_row(&table, value_text(&day, "date"), value_text(&day, "what"),
                 value_text(&day, "name"));
    }
    (void)snprintf(last, sizeof(last), "day %" PRIu64 ": the last",
                   value_u64(clock, "working_days"));
    days_row(&table, day_n, last, "");
    if (strcmp(due, day_n) != 0) {
        days_row(&table, due, "in force after a re-dating", value_text(clock, "basis"));
    }
    return table_end(&table, "");
}

static int draw_trace(const struct json_value *clock)
{
    char start[INSTANT_TEXT_BYTES], due_before[INSTANT_TEXT_BYTES];
    struct table table;
    int status;

    output_instant(value_u64(clock, "start_ms"), start);
    output_instant(value_u64(clock, "due_before_ms"), due_before);
    table_begin(&table, NULL, "l");
    table_cellf(&table, "%s, window %" PRIu64 ", %" PRIu64 " working days, %s; %s",
                value_text(clock, "clock"), value_u64(clock, "window"),
                value_u64(clock, "working_days"), value_text(clock, "responsible"),
                value_bool(clock, "open") ? "open" : "closed");
    table_cellf(&table, "  started %s, due before %s%s", start, due_before,
                value_bool(clock, "provisional") ? ", provisional (暂定)" : "");
    table_cellf(&table, "  calendar %s, basis %s", value_text(clock, "calendar"),
                value_text(clock, "basis"));
    status = table_end(&table, "");
    return status == EXIT_OK ? draw_days(clock) : status;
}

static int draw_why(const struct json_value *root)
{
    struct json_value clocks = json_member(root, "clocks");
    struct table table;
    int status;

    table_begin(&table, NULL, "l");
    table_cellf(&table, "%s, %s", value_text(root, "referral"), value_text(root, "state"));
    if (json_count(&clocks) == 0) {
        table_cell(&table, "no clock counts working days yet: it starts with the delivery receipt");
    }
    status = table_end(&table, "");
    for (size_t i = 0; status == EXIT_OK && i < json_count(&clocks); i++) {
        struct json_value clock = json_item(&clocks, i);

        printf("\n");
        status = draw_trace(&clock);
    }
    return status;
}

static int judge_why(const struct json_value *root)
{
    struct json_value clocks = json_member(root, "clocks");
    int status = EXIT_OK;

    for (size_t i = 0; i < json_count(&clocks); i++) {
        struct json_value clock = json_item(&clocks, i);

        if (value_u64(&clock, "omitted") > 0) {
            status =
                output_warn("%" PRIu64 " more days of window %" PRIu64 " are not in the answer",
                            value_u64(&clock, "omitted"), value_u64(&clock, "window"));
        }
    }
    return status;
}

int broker_why_run(const struct invocation *invocation)
{
    struct call call;

    call_begin(&call, "why");
    call_text(&call, "referral", invocation->arguments[0]);
    return finish(&call, invocation, draw_why, judge_why);
}
