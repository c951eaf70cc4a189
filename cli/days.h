/* How the days of a window are drawn, for `why` and for `calendar`: one row for each day that
 * differs from an ordinary working day, with its weekday and its name. Main thread. */
#ifndef REFERRAL_CLI_DAYS_H
#define REFERRAL_CLI_DAYS_H

#include "cli/table.h"

/* "Mon" ... "Sun" of a date YYYY-MM-DD; "" when it is none. */
const char *days_weekday(const char *date);

/* Of a text that is no date: has it the form of one, so that the day is what is wrong? */
bool days_shaped(const char *text);

void days_begin(struct table *table);
/* `what` is "weekend", "holiday" or "make-up" as the broker says it, or words of the caller's. */
void days_row(struct table *table, const char *date, const char *what, const char *name);

#endif
