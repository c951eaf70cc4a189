/* Office hours: hours of a working day by the calendar, make-up days included. What is not urgent
 * waits for them. Pure; any thread. */
#ifndef REFERRAL_AGENT_NOTICE_HOURS_H
#define REFERRAL_AGENT_NOTICE_HOURS_H

#include "model/calendar.h"

#define OFFICE_SPANS_MAX 8u

struct office_hours {
    struct {
        uint32_t from_minute, to_minute; /* of the day, +08:00; 0 <= from < to <= 1440 */
    } spans[OFFICE_SPANS_MAX];           /* rising, apart */
    size_t count;                        /* 0: at any time */
};

/* "08:30-12:00" behind those that are there already; ERR_INVALID, ERR_FULL. */
enum err office_hours_add(struct office_hours *hours, const char *text) MUST_CHECK;
bool office_hours_open(const struct office_hours *hours, const struct calendar *calendar,
                       uint64_t wall_ms);
/* When they begin: now when they are open. */
uint64_t office_hours_next(const struct office_hours *hours, const struct calendar *calendar,
                           uint64_t wall_ms);

#endif
