/* Calendar files in the holiday-cn form: JSON text into a calendar that is being built.
 *
 *     {"year": 2026, "papers": ["..."], "days": [
 *         {"name": "元旦", "date": "2026-01-01", "isOffDay": true}, ...]}
 *
 * "year" is the notice's year. "provisional": true marks the statutory days of a year without a
 * notice; of them a row with "hint": true is a projection and does not count. "local": true marks a
 * city's own layer. "$schema" and "$id" are allowed and ignored. This module reads text, never
 * files: io/calendar_folder.h does. One thread; nothing is durable. */
#ifndef REFERRAL_MODEL_CALENDAR_LOAD_H
#define REFERRAL_MODEL_CALENDAR_LOAD_H

#include "model/calendar.h"

#define CALENDAR_FILE_ROWS_MAX 400 /* a local layer may name each day of its year */

/* Adds one file's rows. ERR_INVALID with the fault's place "NAME:line:column" or
 * "NAME:days[3].date"; the calendar is as before then. `name` is the file's name. */
enum err calendar_load_text(struct calendar *calendar, const char *name, struct span text,
                            struct fault *fault) MUST_CHECK;

#endif
