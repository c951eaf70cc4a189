/* The command `why`: why a date is what it is, and why something was refused. The contract is
 * docs/status-socket.md. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "cli/broker_parts.h"
#include "cli/days.h"

#define INDEX_DIGITS 18u /* of a leaf's index: fits 63 bits */

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
    table_cellf(&table, "  rule %s, %s", value_text(clock, "rule"), value_text(clock, "article"));
    table_cellf(&table, "  calendar %s, basis %s", value_text(clock, "calendar"),
                value_text(clock, "basis"));
    status = table_end(&table, "");
    return status == EXIT_OK ? draw_days(clock) : status;
}

static int draw_dates(const struct json_value *root)
{
    struct json_value clocks = json_member(root, "clocks");
    struct table table;
    int status;

    table_begin(&table, NULL, "l");
    table_cellf(&table, "%s%s, %s", value_text(root, "referral"), value_text(root, "matter"),
                value_text(root, "state"));
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

static int draw_refused(const struct json_value *refused)
{
    uint64_t line = value_u64(refused, "policy_line");
    char at[INSTANT_TEXT_BYTES];
    struct table table;

    output_instant(value_u64(refused, "at_ms"), at);
    table_begin(&table, NULL, "l");
    table_cellf(&table, "%s %s from %s to %s, leaf %" PRIu64 ", %s", value_text(refused, "kind"),
                value_text(refused, "number"), value_text(refused, "from"),
                value_text(refused, "to"), value_u64(refused, "leaf"), at);
    table_cellf(&table, "  %s: %s", value_text(refused, "code"), value_text(refused, "meaning"));
    table_cellf(&table, "  %s", value_text(refused, "detail"));
    table_cellf(&table, "  rule %s, %s", value_text(refused, "rule"),
                value_text(refused, "article"));
    table_cellf(&table, "  accepted is: %s", value_text(refused, "accepted"));
    table_cellf(&table, "  可以受理：%s", value_text(refused, "accepted_zh"));
    if (line != 0) {
        table_cellf(&table, "  the policy says so in line %" PRIu64, line);
    }
    table_cellf(&table, "  next: %s", value_text(refused, "next"));
    return table_end(&table, "");
}

static int draw_why(const struct json_value *root)
{
    struct json_value refused = json_member(root, "refused");

    return json_absent(&refused) ? draw_dates(root) : draw_refused(&refused);
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
    if (value_bool(root, "truncated")) {
        status = output_warn("more clocks of this matter are open than one answer explains");
    }
    return status;
}

/* Is it the index of a leaf? Decimal digits alone. */
static bool is_index(const char *word, uint64_t *ret_index)
{
    size_t digits = strspn(word, "0123456789");

    *ret_index = 0;
    for (size_t i = 0; i < digits && i < INDEX_DIGITS; i++) {
        *ret_index = *ret_index * 10 + (uint64_t)(word[i] - '0');
    }
    return digits > 0 && digits <= INDEX_DIGITS && word[digits] == '\0';
}

/* A number of a referral or matter, the index of a leaf, or the id of a message. */
static void ask_about(struct call *call, const char *word)
{
    struct uuid id;
    uint64_t leaf;

    if (is_index(word, &leaf)) {
        call_u64(call, "leaf", leaf);
    } else {
        call_text(call, uuid_parse(word, &id) == OK ? "message" : "referral", word);
    }
}

int broker_why_run(const struct invocation *invocation)
{
    struct call call;

    call_begin(&call, "why");
    ask_about(&call, invocation->arguments[0]);
    return broker_finish(&call, invocation, draw_why, judge_why);
}
