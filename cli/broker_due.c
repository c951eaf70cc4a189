/* The commands about time and what it raised: what is due soon, which clock is late and who holds
 * it, which numbered documents wait; and the numbers that belong to nothing. */
#include <stdlib.h>
#include <string.h>

#include "cli/broker_parts.h"
#include "cli/input.h"

#define WITHIN_MAX     400u
#define WITHIN_DEFAULT 3u

/* --- due --- */

static int draw_due(const struct json_value *root)
{
    static const char *const heads[] = {"DAY N",       "NUMBER", "CLOCK", "WINDOW",
                                        "RESPONSIBLE", "STATE",  "RAISED"};
    static struct json_value sorted[DUE_ROWS_MAX]; /* drawn once, and too large for a stack */
    struct json_value rows = json_member(root, "due");
    size_t count = due_rows_sort(&rows, sorted);
    struct table table;

    table_begin(&table, heads, "lllrlll");
    for (size_t i = 0; i < count; i++) {
        struct json_value row = sorted[i];
        struct json_value clock = json_member(&row, "clock");

        cell_due(&table, &clock);
        table_cell(&table, due_row_name(&row));
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
    return broker_finish(&call, invocation, draw_due, judge_due);
}

/* --- late --- */

/* Its id, and what the city calls it. */
static void cell_rung(struct table *table, const struct json_value *row)
{
    const char *name = value_text(row, "rung_zh");

    table_cellf(table, "%s%s%s", value_text(row, "rung"), name[0] != '\0' ? " " : "", name);
}

static void cell_days(struct table *table, const struct json_value *row)
{
    struct json_value days = json_member(row, "late_days");

    if (json_absent(&days)) {
        table_cell(table, "-"); /* it counts from its start: undelivered, unsigned, urgent */
    } else if (value_u64(row, "late_days") == 0) {
        table_cell(table, "<1");
    } else {
        table_cell_u64(table, value_u64(row, "late_days"));
    }
}

static int draw_late(const struct json_value *root)
{
    static const char *const heads[] = {"NUMBER", "CLOCK", "HOLDER", "WAITS",  "SINCE",
                                        "DAYS",   "RUNG",  "督办单", "REPLIED"};
    struct json_value rows = json_member(root, "late");
    struct table table;

    table_begin(&table, heads, "lllllrlll");
    for (size_t i = 0; i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);
        bool document = value_text(&row, "document")[0] != '\0';

        table_cell(&table, value_text(&row, "number"));
        table_cell(&table, value_text(&row, "clock"));
        table_cell(&table, value_text(&row, "holder"));
        table_cell(&table, value_text(&row, "waiting"));
        cell_instant(&table, value_u64(&row, "since_ms"));
        cell_days(&table, &row);
        cell_rung(&table, &row);
        table_cell(&table, value_text(&row, "document"));
        table_cell(&table, !document ? "" : value_bool(&row, "replied") ? "yes" : "no");
    }
    return table_end(&table, "no clock is late");
}

static int judge_rows(const struct json_value *root)
{
    return value_bool(root, "truncated")
               ? output_warn("there are more than one answer holds; ask for one case")
               : EXIT_OK;
}

int broker_late_run(const struct invocation *invocation)
{
    struct call call;

    call_begin(&call, "late");
    if (invocation->argument_count > 0) {
        call_text(&call, "id", invocation->arguments[0]);
    }
    return broker_finish(&call, invocation, draw_late, judge_rows);
}

/* --- documents --- */

static int draw_documents(const struct json_value *root)
{
    static const char *const heads[] = {"督办单", "NUMBER", "CLOCK", "HOLDER",
                                        "RUNG",   "REPLY",  "AGENDA"};
    struct json_value rows = json_member(root, "documents");
    struct table table;

    table_begin(&table, heads, "lllllll");
    for (size_t i = 0; i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);

        table_cell(&table, value_text(&row, "document"));
        table_cell(&table, value_text(&row, "number"));
        table_cell(&table, value_text(&row, "clock"));
        table_cell(&table, value_text(&row, "holder"));
        cell_rung(&table, &row);
        table_cell(&table, value_bool(&row, "replied") ? value_text(&row, "answer") : "-");
        table_cell(&table, value_bool(&row, "agenda") ? "yes" : "");
    }
    return table_end(&table, "no document is open");
}

int broker_documents_run(const struct invocation *invocation)
{
    struct call call;

    call_begin(&call, "documents");
    return broker_finish(&call, invocation, draw_documents, judge_rows);
}

/* --- voids --- */

static int draw_voids(const struct json_value *root)
{
    static const char *const heads[] = {"AGENCY", "NUMBER", "WHY"};
    struct json_value rows = json_member(root, "voids");
    struct table table;

    table_begin(&table, heads, "lll");
    for (size_t i = 0; i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);

        table_cell(&table, value_text(&row, "agency"));
        table_cell(&table, value_text(&row, "number"));
        table_cell(&table, value_text(&row, "why"));
    }
    return table_end(&table, "no number is void");
}

static int judge_voids(const struct json_value *root)
{
    return value_bool(root, "truncated")
               ? output_warn("older refusals, or more numbers, are not in this answer")
               : EXIT_OK;
}

int broker_voids_run(const struct invocation *invocation)
{
    struct call call;

    call_begin(&call, "voids");
    return broker_finish(&call, invocation, draw_voids, judge_voids);
}
