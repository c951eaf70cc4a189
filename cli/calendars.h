/* What the calendar commands share: the folder of calendar files, and how days are said. Main
 * thread, blocking. */
#ifndef REFERRAL_CLI_CALENDARS_H
#define REFERRAL_CLI_CALENDARS_H

#include <limits.h>

#include "cli/output.h"
#include "model/calendar.h"

struct calendars {
    char folder[PATH_MAX];
    struct calendar *calendar; /* owned */
};

/* The folder of --calendars, or the first there is of those that help names. ERR_NOT_FOUND. */
enum err calendars_find(const struct invocation *invocation, char out[PATH_MAX],
                        struct fault *fault) MUST_CHECK;
/* Finds and reads it. EXIT_OK, or the status of what was said; free the calendar either way. */
int calendars_load(const struct invocation *invocation, struct calendars *ret_loaded);

const char *calendars_reason(enum day_reason reason); /* "working", "weekend" ... static */
void answer_day(struct answer *answer, const char *name, int32_t day);
/* "layer", "source" and "notice" of a day that a row decides; else nothing. */
void answer_source(struct answer *answer, const struct calendar_day *day);
/* The days of [first, last] that are no ordinary working days, as `why` of the broker has them. */
void answer_days(struct answer *answer, const struct calendar *calendar, int32_t first,
                 int32_t last);

#endif
