/* How: a date by calendar.h and a time of fixed places; parsing reads the places and accepts only
 * what formats to the same text. */
#include "model/instant_text.h"

#include <stdio.h>
#include <string.h>

#define DATE_LEN   10u
#define SECOND_LEN 19u
#define MILLI_LEN  23u

void instant_format(uint64_t instant_ms, char out[INSTANT_TEXT_BYTES])
{
    char date[CIVIL_TEXT_BYTES];
    int32_t day = civil_day_at(instant_ms);
    uint64_t of_day = (instant_ms + CIVIL_OFFSET_MS) % CIVIL_DAY_MS;
    unsigned milli = (unsigned)(of_day % 1000);
    unsigned second = (unsigned)(of_day / 1000);
    civil_format(day, date);
    int len = snprintf(out, INSTANT_TEXT_BYTES, "%sT%02u:%02u:%02u", date, second / 3600,
                       second / 60 % 60, second % 60);
    size_t at = (size_t)len;
    if (milli != 0) {
        at += (size_t)snprintf(out + at, INSTANT_TEXT_BYTES - at, ".%03u", milli);
    }
    (void)snprintf(out + at, INSTANT_TEXT_BYTES - at, "+08:00");
}

static uint64_t digits(const char *text, size_t count)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++) {
        value = value * 10 + (uint64_t)(uint8_t)(text[i] - '0') % 10;
    }
    return value;
}

enum err instant_parse(const char *text, uint64_t *ret_instant_ms)
{
    char date[CIVIL_TEXT_BYTES] = {0};
    char again[INSTANT_TEXT_BYTES];
    int32_t day = 0;
    size_t len = strnlen(text, INSTANT_TEXT_BYTES);
    if (len < SECOND_LEN || len >= INSTANT_TEXT_BYTES) {
        return ERR_INVALID;
    }
    memcpy(date, text, DATE_LEN);
    if (civil_parse(date, &day) != OK) {
        return ERR_INVALID;
    }
    uint64_t of_day =
        digits(text + 11, 2) * 3600000 + digits(text + 14, 2) * 60000 + digits(text + 17, 2) * 1000;
    if (len > MILLI_LEN && text[SECOND_LEN] == '.') {
        of_day += digits(text + SECOND_LEN + 1, 3);
    }
    uint64_t local_ms = (uint64_t)day * CIVIL_DAY_MS + of_day;
    if (local_ms < CIVIL_OFFSET_MS) {
        return ERR_INVALID;
    }
    instant_format(local_ms - CIVIL_OFFSET_MS, again);
    if (strcmp(again, text) != 0) {
        return ERR_INVALID;
    }
    *ret_instant_ms = local_ms - CIVIL_OFFSET_MS;
    return OK;
}
