/* A year of the calendar as iCalendar (RFC 5545), for the calendars of people's desks and phones:
 * one event for each run of days off or make-up workdays of one name, with its source. Text out
 * only; nothing reads it back. Pure; any thread. */
#ifndef REFERRAL_MODEL_CALENDAR_ICS_H
#define REFERRAL_MODEL_CALENDAR_ICS_H

#include "model/calendar.h"

/* Appends the whole file. `now_ms` is when it is made, as the form asks. Days of a year without a
 * notice are marked 暂定. ERR_INVALID for a year that is no year of the calendar's, ERR_TOO_LARGE
 * and ERR_MEMORY from the buf. */
enum err calendar_ics_write(const struct calendar *calendar, int32_t year, uint64_t now_ms,
                            struct buf *out) MUST_CHECK;

#endif
