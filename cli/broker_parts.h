/* What the commands that ask a broker about referrals and matters share: asking, and the cells that
 * show a clock. The contract is docs/status-socket.md. Main thread. */
#ifndef REFERRAL_CLI_BROKER_PARTS_H
#define REFERRAL_CLI_BROKER_PARTS_H

#include "cli/call.h"
#include "cli/table.h"

typedef int (*answer_fn)(const struct json_value *root);

/* Prints the answer or draws it, then says whether it is whole, and frees the call. */
int broker_finish(struct call *call, const struct invocation *invocation, answer_fn draw,
                  answer_fn judge);

#define DUE_ROWS_MAX 500u /* the most that one answer of `due` has */

/* The number of the referral or matter of a row of `due`. */
const char *due_row_name(const struct json_value *row);
/* The rows of `due`, what comes next first. Answers how many. */
size_t due_rows_sort(const struct json_value *rows, struct json_value ret_sorted[DUE_ROWS_MAX]);

void cell_instant(struct table *table, uint64_t instant_ms);
/* The newest rung that was raised, and how many. */
void cell_raised(struct table *table, const struct json_value *clock);
/* Day N, and whether it is provisional. */
void cell_due(struct table *table, const struct json_value *clock);

#endif
