/* What a calendar counts by, packed: the days that are not as the week has them, and the years that
 * have their notice. An agent keeps so the calendars that it no longer uses, to count what was
 * recorded while the broker used them. Why a day is off is not in it: who explains a date asks the
 * calendar in use. Pure; any thread.
 *
 * How: text version | digest 32 | be16 count, be16 years | be16 count, be32 days that differ. */
#include <assert.h>

#include "model/calendar_private.h"
#include "model/pack.h"

static bool as_the_week(const struct calendar *calendar, int32_t day)
{
    return calendar_is_working_day(calendar, day) == (civil_weekday(day) <= 5);
}

static void put_years(struct pack_writer *writer, const struct calendar *calendar)
{
    uint64_t count = 0;

    for (int32_t year = BITMAP_YEAR_FIRST; year <= BITMAP_YEAR_LAST; year++) {
        count += calendar_has_notice(calendar, year);
    }
    pack_put(writer, count, 2);
    for (int32_t year = BITMAP_YEAR_FIRST; year <= BITMAP_YEAR_LAST; year++) {
        if (calendar_has_notice(calendar, year)) {
            pack_put(writer, (uint64_t)year, 2);
        }
    }
}

static void put_days(struct pack_writer *writer, const struct calendar *calendar)
{
    uint64_t count = 0;

    for (int32_t day = 0; day < BITMAP_DAYS; day++) {
        count += !as_the_week(calendar, day);
    }
    pack_put(writer, count, 2);
    for (int32_t day = 0; day < BITMAP_DAYS; day++) {
        if (!as_the_week(calendar, day)) {
            pack_put(writer, (uint64_t)day, 4);
        }
    }
}

size_t calendar_pack(const struct calendar *calendar, uint8_t out[CALENDAR_PACKED_MAX])
{
    struct pack_writer writer = {.to = out, .max = CALENDAR_PACKED_MAX};

    assert(calendar->sealed);
    pack_put_text(&writer, calendar->version);
    pack_put_bytes(&writer, calendar->digest.bytes, DIGEST_BYTES);
    put_years(&writer, calendar);
    put_days(&writer, calendar);
    return writer.len;
}

/* In rising order, each once. */
static void get_years(struct pack_reader *reader, struct calendar *calendar)
{
    uint32_t count = pack_get_max(reader, 2, BITMAP_YEARS);
    int32_t before = BITMAP_YEAR_FIRST - 1;

    for (uint32_t i = 0; i < count && !reader->bad; i++) {
        int32_t year = (int32_t)pack_get_max(reader, 2, BITMAP_YEAR_LAST);

        if (year <= before) {
            reader->bad = true;
            return;
        }
        calendar->layers[year - BITMAP_YEAR_FIRST] |= (uint8_t)(1u << CALENDAR_NOTICE);
        before = year;
    }
}

static void get_days(struct pack_reader *reader, struct calendar *calendar)
{
    uint32_t count = pack_get_max(reader, 2, CALENDAR_ROWS_MAX);
    int32_t before = -1;

    for (uint32_t i = 0; i < count && !reader->bad; i++) {
        int32_t day = (int32_t)pack_get_max(reader, 4, BITMAP_DAYS - 1);

        if (day <= before) {
            reader->bad = true;
            return;
        }
        calendar->working[day / 64] ^= UINT64_C(1) << (day % 64);
        before = day;
    }
}

enum err calendar_unpack(struct span packed, struct calendar **ret_calendar)
{
    struct pack_reader reader = {.from = packed};
    struct calendar *calendar;
    enum err error = calendar_new(&calendar);

    if (error != OK) {
        return error;
    }
    pack_get_text(&reader, calendar->version, sizeof(calendar->version));
    pack_get_bytes(&reader, calendar->digest.bytes, DIGEST_BYTES);
    get_years(&reader, calendar);
    get_days(&reader, calendar);
    if (reader.bad || reader.at != packed.len || calendar->version[0] == '\0') {
        calendar_free(calendar);
        return ERR_CORRUPT;
    }
    calendar->sealed = true;
    *ret_calendar = calendar;
    return OK;
}
