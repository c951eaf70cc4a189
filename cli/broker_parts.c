/* See broker_parts.h. Commands hand in how they draw their answer, and how they judge it. */
#include "cli/broker_parts.h"

#include <stdlib.h>
#include <string.h>

#include "model/window.h"

int broker_finish(struct call *call, const struct invocation *invocation, answer_fn draw,
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

const char *due_row_name(const struct json_value *row)
{
    const char *referral = value_text(row, "referral");

    return referral[0] != '\0' ? referral : value_text(row, "matter");
}

static const char *day_of(const struct json_value *row)
{
    struct json_value clock = json_member(row, "clock");

    return value_text(&clock, "due");
}

static int nearer(const void *left, const void *right)
{
    const struct json_value *one = left, *other = right;
    int order = strcmp(day_of(one), day_of(other));

    return order != 0 ? order : strcmp(due_row_name(one), due_row_name(other));
}

size_t due_rows_sort(const struct json_value *rows, struct json_value ret_sorted[DUE_ROWS_MAX])
{
    size_t count = json_count(rows) < DUE_ROWS_MAX ? json_count(rows) : DUE_ROWS_MAX;

    for (size_t i = 0; i < count; i++) {
        ret_sorted[i] = json_item(rows, i);
    }
    qsort(ret_sorted, count, sizeof(ret_sorted[0]), nearer);
    return count;
}

void cell_instant(struct table *table, uint64_t instant_ms)
{
    char text[INSTANT_TEXT_BYTES];

    output_instant(instant_ms, text);
    table_cell(table, text);
}

void cell_raised(struct table *table, const struct json_value *clock)
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

void cell_due(struct table *table, const struct json_value *clock)
{
    table_cellf(table, "%s%s", value_text(clock, "due"),
                value_bool(clock, "provisional") ? " (暂定)" : "");
}
