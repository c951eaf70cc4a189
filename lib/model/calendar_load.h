/* Calendar files in the holiday-cn form: JSON text into a calendar that is being built.
 *
 *     {"year": 2026, "papers": ["..."], "days": [
 *         {"name": "元旦", "date": "2026-01-01", "isOffDay": true}, ...]}
 *
 * "year" is the notice's year. "provisional": true marks the statutory days of a year without a
 * notice; of them a row with "hint": true is a projection and does not count. "local": true marks
 * days of the autonomous region or the league, of which each row must have "source" and "notice" (a
 * number), or the file its "papers" and "notice"; other layers may. "$schema" and "$id" are allowed
 * and ignored. This module reads text, never files: io/calendar_folder.h does. One thread; nothing
 * is durable. */
#ifndef REFERRAL_MODEL_CALENDAR_LOAD_H
#define REFERRAL_MODEL_CALENDAR_LOAD_H

#include "model/calendar.h"

#define CALENDAR_FILE_ROWS_MAX 400 /* a local layer may name each day of its year */

/* Adds one file's rows. ERR_INVALID with the fault's place "NAME:line:column" or
 * "NAME:days[3].date"; the calendar is as before then. `name` is the file's name. */
enum err calendar_load_text(struct calendar *calendar, const char *name, struct span text,
                            struct fault *fault) MUST_CHECK;

/* What a file says of itself: its year and layer. The same faults for what is read of it. */
enum err calendar_load_head(const char *name, struct span text, int32_t *ret_year,
                            enum calendar_layer *ret_layer, struct fault *fault) MUST_CHECK;

#endif
