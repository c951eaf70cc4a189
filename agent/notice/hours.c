/* See hours.h. Civil days and minutes of +08:00. */
#include "agent/notice/hours.h"

#include <assert.h>
#include <string.h>

#define MINUTE_MS   60000u
#define DAY_MINUTES 1440u

/* "HH:MM" */
static bool read_minute(const char *text, uint32_t *ret_minute)
{
    static const char pattern[] = "00:00";
    uint32_t hour, minute;

    for (size_t i = 0; i < 5; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';

        if (pattern[i] == '0' ? !digit : text[i] != ':') {
            return false;
        }
    }
    hour = (uint32_t)(text[0] - '0') * 10 + (uint32_t)(text[1] - '0');
    minute = (uint32_t)(text[3] - '0') * 10 + (uint32_t)(text[4] - '0');
    *ret_minute = hour * 60 + minute;
    return minute < 60 && *ret_minute <= DAY_MINUTES;
}

enum err office_hours_add(struct office_hours *hours, const char *text)
{
    uint32_t from = 0, to = 0, least;

    if (strlen(text) != 11 || text[5] != '-' || !read_minute(text, &from) ||
        !read_minute(text + 6, &to) || from >= to) {
        return ERR_INVALID;
    }
    least = hours->count == 0 ? 0 : hours->spans[hours->count - 1].to_minute + 1;
    if (hours->count > 0 && from < least) {
        return ERR_INVALID;
    }
    if (hours->count == OFFICE_SPANS_MAX) {
        return ERR_FULL;
    }
    hours->spans[hours->count].from_minute = from;
    hours->spans[hours->count].to_minute = to;
    hours->count++;
    return OK;
}

bool office_hours_open(const struct office_hours *hours, const struct calendar *calendar,
                       uint64_t wall_ms)
{
    return office_hours_next(hours, calendar, wall_ms) == wall_ms;
}

uint64_t office_hours_next(const struct office_hours *hours, const struct calendar *calendar,
                           uint64_t wall_ms)
{
    int32_t day = civil_day_at(wall_ms);

    if (hours->count == 0) {
        return wall_ms;
    }
    if (calendar_is_working_day(calendar, day)) {
        uint64_t start_ms = civil_start_ms(day);

        for (size_t i = 0; i < hours->count; i++) {
            uint64_t from_ms = start_ms + (uint64_t)hours->spans[i].from_minute * MINUTE_MS;
            uint64_t to_ms = start_ms + (uint64_t)hours->spans[i].to_minute * MINUTE_MS;

            if (wall_ms < from_ms) {
                return from_ms;
            }
            if (wall_ms < to_ms) {
                return wall_ms;
            }
        }
    }
    return civil_start_ms(calendar_next_working_day(calendar, day)) +
           (uint64_t)hours->spans[0].from_minute * MINUTE_MS;
}
