/* See days.h. Dates are counted month by month from a table, and working days one by one: slow and
 * plain, for a few windows. */
#include "days.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

#define DAY_MS    UINT64_C(86400000)
#define OFFSET_MS UINT64_C(28800000)
#define FAR       4000 /* no count goes farther */

/* --- dates --- */

static int32_t days_of_year(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 366 : 365;
}

static int32_t days_of_month(int32_t year, int32_t month)
{
    static const int32_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return month == 2 && days_of_year(year) == 366 ? 29 : days[month - 1];
}

int32_t day_of(uint64_t instant_ms)
{
    return instant_ms / DAY_MS > DAYS_LAST ? DAYS_LAST
                                           : (int32_t)((instant_ms + OFFSET_MS) / DAY_MS);
}

uint64_t day_end_ms(int32_t day)
{
    return ((uint64_t)day + 1) * DAY_MS - OFFSET_MS;
}

uint32_t day_number(int32_t day)
{
    int32_t year = 1970, month = 1;

    for (; day >= days_of_year(year); year++) {
        day -= days_of_year(year);
    }
    for (; day >= days_of_month(year, month); month++) {
        day -= days_of_month(year, month);
    }
    return (uint32_t)(year * 10000 + month * 100 + day + 1);
}

int32_t day_of_number(uint32_t yyyymmdd)
{
    int32_t year = (int32_t)(yyyymmdd / 10000), month = (int32_t)(yyyymmdd / 100 % 100);
    int32_t day = (int32_t)(yyyymmdd % 100) - 1;

    if (year < 1970 || year > 2169 || month < 1 || month > 12 || day < 0 ||
        day >= days_of_month(year, month)) {
        return -1;
    }
    for (int32_t m = 1; m < month; m++) {
        day += days_of_month(year, m);
    }
    for (int32_t y = 1970; y < year; y++) {
        day += days_of_year(y);
    }
    return day;
}

void day_format(int32_t day, char out[DAY_TEXT_BYTES])
{
    uint32_t number = day >= 0 && day <= DAYS_LAST ? day_number(day) : 0;

    (void)snprintf(out, DAY_TEXT_BYTES, "%04u-%02u-%02u", (unsigned)(number / 10000 % 10000),
                   (unsigned)(number / 100 % 100), (unsigned)(number % 100));
}

int day_of_week(int32_t day)
{
    return (day + 3) % 7; /* 1970-01-01 was a Thursday */
}

/* --- working days --- */

const struct days_row *days_row_of(const struct days *days, int32_t day)
{
    size_t low = 0, high = days->row_count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (days->rows[middle].day < day) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < days->row_count && days->rows[low].day == day ? &days->rows[low] : NULL;
}

bool days_is_working(const struct days *days, int32_t day)
{
    const struct days_row *row = days_row_of(days, day);

    return row != NULL ? !row->off : day_of_week(day) < 5;
}

int32_t days_step(const struct days *days, int32_t day, int32_t count)
{
    int32_t way = count < 0 ? -1 : 1;

    for (int32_t left = count * way; left > 0 && left <= FAR && day + way >= 0; left--) {
        do {
            day += way;
        } while (day > 0 && !days_is_working(days, day));
    }
    return day;
}

uint32_t days_between(const struct days *days, int32_t from, int32_t to)
{
    uint32_t count = 0;

    for (int32_t day = from + 1; day <= to && day - from <= 3 * FAR; day++) {
        count += days_is_working(days, day);
    }
    return count;
}

static bool has_notice(const struct days *days, uint32_t year)
{
    for (size_t i = 0; i < days->year_count; i++) {
        if (days->years[i] == year) {
            return true;
        }
    }
    return false;
}

bool days_are_provisional(const struct days *days, int32_t from, int32_t to)
{
    for (int32_t day = from; day <= to && day - from <= 3 * FAR; day++) {
        uint32_t number = day_number(day);
        bool late = number % 10000 >= 1225;

        if (!has_notice(days, number / 10000) || (late && !has_notice(days, number / 10000 + 1))) {
            return true;
        }
    }
    return false;
}

/* --- the text --- */

struct line {
    char text[640];
    char *fields[6];
    size_t count;
};

/* The next line, its fields parted by tabs. */
static bool take_line(struct span *rest, struct line *line)
{
    const uint8_t *end = rest->len > 0 ? memchr(rest->data, '\n', rest->len) : NULL;
    size_t len = end != NULL ? (size_t)(end - rest->data) : 0;
    char *at = line->text;

    if (end == NULL || len >= sizeof line->text || memchr(rest->data, '\0', len) != NULL) {
        return false;
    }
    memcpy(line->text, rest->data, len);
    line->text[len] = '\0';
    *rest = span_of(end + 1, rest->len - len - 1);
    for (line->count = 0; at != NULL && line->count < 6; line->count++) {
        line->fields[line->count] = at;
        at = strchr(at, '\t');
        if (at != NULL) {
            *at = '\0';
            at++;
        }
    }
    return at == NULL;
}

static bool take_number(const char *text, size_t digits, uint32_t *ret)
{
    uint32_t value = 0;

    if (strlen(text) != digits) {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return false;
        }
        value = 10 * value + (uint32_t)(*text - '0');
    }
    *ret = value;
    return true;
}

static void hash_text(struct hasher *hasher, uint8_t mark, const char *text)
{
    uint8_t head[2] = {mark, (uint8_t)strlen(text)};

    if (text[0] != '\0') {
        hasher_add(hasher, head, sizeof head);
        hasher_add(hasher, text, strlen(text));
    }
}

static bool add_year(struct days *days, struct hasher *hasher, const char *text)
{
    uint8_t packed[5] = {'y'};
    uint32_t year;

    if (!take_number(text, 4, &year) || days->row_count > 0 ||
        days->year_count == sizeof days->years / sizeof days->years[0] ||
        (days->year_count > 0 && days->years[days->year_count - 1] >= year)) {
        return false;
    }
    days->years[days->year_count] = year;
    days->year_count++;
    be32_put(packed + 1, year);
    hasher_add(hasher, packed, sizeof packed);
    return true;
}

static bool add_day(struct days *days, struct hasher *hasher, char *const fields[6])
{
    struct days_row *row = &days->rows[days->row_count];
    uint8_t packed[7] = {'d'};
    size_t name_len = strlen(fields[3]);
    uint32_t number;

    if (days->row_count == DAYS_ROWS_MAX || !take_number(fields[1], 8, &number) ||
        (row->day = day_of_number(number)) < 0 || name_len >= sizeof row->name ||
        (days->row_count > 0 && days->rows[days->row_count - 1].day >= row->day) ||
        strlen(fields[4]) > 255 || strlen(fields[5]) > 255) {
        return false;
    }
    row->off = strcmp(fields[2], "off") == 0;
    if (!row->off && strcmp(fields[2], "on") != 0) {
        return false;
    }
    memcpy(row->name, fields[3], name_len + 1);
    days->row_count++;
    be32_put(packed + 1, number);
    packed[5] = row->off ? 1 : 0;
    packed[6] = (uint8_t)name_len;
    hasher_add(hasher, packed, sizeof packed);
    hasher_add(hasher, fields[3], name_len);
    hash_text(hasher, 's', fields[4]);
    hash_text(hasher, 'n', fields[5]);
    return true;
}

/* "2023-2026+2027s#5e1f09ab": the digits behind the mark are the first of the digest. */
static bool version_is_of(const char *version, const struct digest *digest)
{
    const char *mark = strrchr(version, '#');
    char hex[DIGEST_TEXT_BYTES];

    digest_format(digest, hex);
    return mark != NULL && strlen(mark) == 9 && memcmp(mark + 1, hex, 8) == 0;
}

static bool read_lines(struct span text, struct days *days, unsigned *line_number)
{
    static const char domain[] = "referral calendar 1"; /* with its NUL */
    struct hasher hasher;
    struct line line;

    hasher_init(&hasher);
    hasher_add(&hasher, domain, sizeof domain);
    *line_number = 1;
    if (!take_line(&text, &line) || line.count != 2 || strcmp(line.fields[0], "version") != 0 ||
        strlen(line.fields[1]) >= sizeof days->version) {
        return false;
    }
    memcpy(days->version, line.fields[1], strlen(line.fields[1]) + 1);
    while (text.len > 0) {
        ++*line_number;
        if (!take_line(&text, &line)) {
            return false;
        }
        if (line.count == 2 && strcmp(line.fields[0], "year") == 0
                ? !add_year(days, &hasher, line.fields[1])
                : line.count != 6 || strcmp(line.fields[0], "day") != 0 ||
                      !add_day(days, &hasher, line.fields)) {
            return false;
        }
    }
    days->digest = hasher_end(&hasher);
    *line_number = 1;
    return version_is_of(days->version, &days->digest);
}

enum err days_read(struct span text, struct days *ret_days, unsigned *ret_line)
{
    struct days days = {.row_count = 0};

    *ret_line = 0;
    days.rows = calloc(DAYS_ROWS_MAX + 1, sizeof *days.rows);
    if (days.rows == NULL) {
        return ERR_MEMORY;
    }
    if (!read_lines(text, &days, ret_line)) {
        days_free(&days);
        return ERR_INVALID;
    }
    *ret_days = days;
    return OK;
}

void days_free(struct days *days)
{
    free(days->rows);
    days->rows = NULL;
    days->row_count = 0;
}
