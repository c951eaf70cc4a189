/* How: the days of 1970 to 2169 are one bitmap with a bit for a working day, filled with Mondays to
 * Fridays at birth and changed by the rows at the seal, so that a day costs one look-up. Days
 * behind it follow the week alone. Rows stay in one array, sorted at the seal by day and then by
 * layer, so that the effective row of a day is the last one of that day. */
#include "model/calendar.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "model/calendar_private.h"

/* ---- civil dates: the proleptic Gregorian calendar, counted in eras of 400 years ---- */

int32_t civil_day_at(uint64_t instant_ms)
{
    uint64_t last_ms = civil_start_ms(CIVIL_DAY_MAX);
    if (instant_ms >= last_ms) {
        return CIVIL_DAY_MAX;
    }
    return (int32_t)((instant_ms + CIVIL_OFFSET_MS) / CIVIL_DAY_MS);
}

uint64_t civil_start_ms(int32_t day)
{
    assert(day >= 0);
    uint64_t local_ms = (uint64_t)day * CIVIL_DAY_MS;
    return local_ms < CIVIL_OFFSET_MS ? 0 : local_ms - CIVIL_OFFSET_MS;
}

uint64_t civil_end_ms(int32_t day)
{
    assert(day >= 0);
    return ((uint64_t)day + 1) * CIVIL_DAY_MS - CIVIL_OFFSET_MS;
}

/* Years begin in March here, so that the leap day is the last of its year. */
struct civil_date civil_date_of(int32_t day)
{
    assert(day >= 0);
    assert(day <= CIVIL_DAY_MAX);
    int32_t since = day + 719468; /* days since 0000-03-01 */
    int32_t era = since / 146097;
    int32_t in_era = since % 146097;
    int32_t era_year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int32_t in_year = in_era - (365 * era_year + era_year / 4 - era_year / 100);
    int32_t march_month = (5 * in_year + 2) / 153;
    struct civil_date date = {
        .month = march_month < 10 ? march_month + 3 : march_month - 9,
        .day = in_year - (153 * march_month + 2) / 5 + 1,
    };
    date.year = era * 400 + era_year + (date.month <= 2 ? 1 : 0);
    return date;
}

static bool year_is_leap(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool date_exists(struct civil_date date)
{
    static const int32_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (date.year < 1970 || date.year > 9999 || date.month < 1 || date.month > 12) {
        return false;
    }
    int32_t length = lengths[date.month - 1];
    if (date.month == 2 && year_is_leap(date.year)) {
        length = 29;
    }
    return date.day >= 1 && date.day <= length;
}

enum err civil_day_of(struct civil_date date, int32_t *ret_day)
{
    if (!date_exists(date)) {
        return ERR_INVALID;
    }
    int32_t year = date.month <= 2 ? date.year - 1 : date.year;
    int32_t era = year / 400;
    int32_t era_year = year % 400;
    int32_t march_month = date.month > 2 ? date.month - 3 : date.month + 9;
    int32_t in_year = (153 * march_month + 2) / 5 + date.day - 1;
    int32_t in_era = era_year * 365 + era_year / 4 - era_year / 100 + in_year;
    *ret_day = era * 146097 + in_era - 719468;
    return OK;
}

uint32_t civil_yyyymmdd(int32_t day)
{
    struct civil_date date = civil_date_of(day);
    return (uint32_t)(date.year * 10000 + date.month * 100 + date.day);
}

enum err civil_from_yyyymmdd(uint32_t value, int32_t *ret_day)
{
    if (value > 99991231u) {
        return ERR_INVALID;
    }
    struct civil_date date = {
        .year = (int32_t)(value / 10000),
        .month = (int32_t)(value / 100 % 100),
        .day = (int32_t)(value % 100),
    };
    return civil_day_of(date, ret_day);
}

void civil_format(int32_t day, char out[CIVIL_TEXT_BYTES])
{
    uint32_t value = civil_yyyymmdd(day);
    for (int at = CIVIL_TEXT_BYTES - 2; at >= 0; at--) {
        if (at == 4 || at == 7) {
            out[at] = '-';
            continue;
        }
        out[at] = (char)('0' + value % 10);
        value /= 10;
    }
    out[CIVIL_TEXT_BYTES - 1] = '\0';
}

enum err civil_parse(const char *text, int32_t *ret_day)
{
    uint32_t value = 0;
    for (size_t at = 0; at < CIVIL_TEXT_BYTES - 1; at++) {
        char c = text[at];
        if (at == 4 || at == 7) {
            if (c != '-') {
                return ERR_INVALID;
            }
            continue;
        }
        if (c < '0' || c > '9') {
            return ERR_INVALID;
        }
        value = value * 10 + (uint32_t)(c - '0');
    }
    if (text[CIVIL_TEXT_BYTES - 1] != '\0') {
        return ERR_INVALID;
    }
    return civil_from_yyyymmdd(value, ret_day);
}

int32_t civil_weekday(int32_t day)
{
    assert(day >= 0);
    return (day + 3) % 7 + 1; /* 1970-01-01 was a Thursday */
}

/* ---- building ---- */

static bool week_works(int32_t day)
{
    return civil_weekday(day) <= 5;
}

static void bitmap_set(struct calendar *calendar, int32_t day, bool working)
{
    uint64_t bit = UINT64_C(1) << (day % 64);
    uint64_t *word = &calendar->working[day / 64];
    *word = working ? *word | bit : *word & ~bit;
}

enum err calendar_new(struct calendar **ret_calendar)
{
    struct calendar *calendar = calloc(1, sizeof(*calendar));
    if (calendar == NULL) {
        return ERR_MEMORY;
    }
    for (int32_t day = 0; day < BITMAP_DAYS; day++) {
        bitmap_set(calendar, day, week_works(day));
    }
    *ret_calendar = calendar;
    return OK;
}

void calendar_free(struct calendar *calendar)
{
    if (calendar == NULL) {
        return;
    }
    free(calendar->rows);
    free(calendar->files);
    free(calendar);
}

const char *calendar_layer_name(enum calendar_layer layer)
{
    static const char *const names[CALENDAR_LAYER_COUNT] = {
        [CALENDAR_STATUTORY] = "statutory",
        [CALENDAR_NOTICE] = "notice",
        [CALENDAR_LOCAL] = "local",
    };
    return names[layer];
}

static bool year_has(const struct calendar *calendar, int32_t year, enum calendar_layer layer)
{
    if (year < BITMAP_YEAR_FIRST || year > BITMAP_YEAR_LAST) {
        return false;
    }
    return (calendar->layers[year - BITMAP_YEAR_FIRST] >> layer & 1) != 0;
}

/* In the days of a year that next year's notice may change. */
static bool in_late_december(struct civil_date date)
{
    return date.month == CALENDAR_NOTICE_MONTH && date.day >= CALENDAR_NOTICE_DAY;
}

/* Refuses a row that cannot belong to this file, whatever else is there. */
static enum err row_check(const struct calendar_file *file, const struct calendar_row *row,
                          struct fault *fault)
{
    char date[CIVIL_TEXT_BYTES];
    assert(row->day >= 0);
    assert(row->day <= CIVIL_DAY_MAX);
    civil_format(row->day, date);
    struct civil_date at = civil_date_of(row->day);
    if (at.year != file->year && (at.year != file->year - 1 || !in_late_december(at))) {
        fault_set(fault, "calendar.wrong-year", "",
                  "%s does not belong to the year %d: expected %d-12-25 to %d-12-31", date,
                  (int)file->year, (int)file->year - 1, (int)file->year);
        return ERR_INVALID;
    }
    if (row->name[0] == '\0') {
        fault_set(fault, "calendar.no-name", "", "%s has no name: expected the holiday's", date);
        return ERR_INVALID;
    }
    if (!row->off && file->layer == CALENDAR_STATUTORY) {
        fault_set(fault, "calendar.statutory-work", "",
                  "%s is a workday, but a statutory file holds days off only", date);
        return ERR_INVALID;
    }
    if (!row->off && file->layer == CALENDAR_NOTICE && week_works(row->day)) {
        fault_set(fault, "calendar.work-on-weekday", "",
                  "%s is a make-up workday on a Monday to Friday, which works anyway", date);
        return ERR_INVALID;
    }
    bool sourced = row->source[0] != '\0' || file->source[0] != '\0';
    bool numbered = row->notice[0] != '\0' || file->notice[0] != '\0';
    if (file->layer == CALENDAR_LOCAL && (!sourced || !numbered)) {
        fault_set(fault, "calendar.no-source", "",
                  "%s is a local day without its %s: expected \"source\" and \"notice\"", date,
                  sourced ? "notice's number" : "source");
        return ERR_INVALID;
    }
    return OK;
}

/* Refuses a second row of one layer for one day, in this file or in those before it. */
static enum err row_check_twice(const struct calendar *calendar, const struct calendar_file *file,
                                size_t index, struct fault *fault)
{
    char date[CIVIL_TEXT_BYTES];
    int32_t day = file->rows[index].day;
    civil_format(day, date);
    for (size_t i = 0; i < index; i++) {
        if (file->rows[i].day == day) {
            fault_set(fault, "calendar.twice", "", "%s is here twice", date);
            return ERR_INVALID;
        }
    }
    for (size_t i = 0; i < calendar->row_count; i++) {
        const struct row *row = &calendar->rows[i];
        const struct file *other = &calendar->files[row->file];
        if (row->day == day && other->layer == file->layer) {
            fault_set(fault, "calendar.twice", "", "%s is in the %s file of %d already", date,
                      calendar_layer_name(other->layer), (int)other->year);
            return ERR_INVALID;
        }
    }
    return OK;
}

static enum err file_check(const struct calendar *calendar, const struct calendar_file *file,
                           struct fault *fault)
{
    if (file->year <= BITMAP_YEAR_FIRST || file->year > BITMAP_YEAR_LAST) {
        fault_set(fault, "calendar.year", "", "the year is %d: expected %d to %d", (int)file->year,
                  BITMAP_YEAR_FIRST + 1, BITMAP_YEAR_LAST);
        return ERR_INVALID;
    }
    if (file->layer != CALENDAR_LOCAL && year_has(calendar, file->year, file->layer)) {
        fault_set(fault, "calendar.file-twice", "", "a second %s file for %d",
                  calendar_layer_name(file->layer), (int)file->year);
        fault_hint(fault, "keep one of the two files");
        return ERR_INVALID;
    }
    if (calendar->file_count == CALENDAR_FILES_MAX ||
        file->row_count > CALENDAR_ROWS_MAX - calendar->row_count) {
        fault_set(fault, "calendar.too-many", "", "more than %d rows or %d files",
                  CALENDAR_ROWS_MAX, CALENDAR_FILES_MAX);
        return ERR_INVALID;
    }
    return OK;
}

static enum err room_make(struct calendar *calendar, size_t more_rows)
{
    if (calendar->file_count == calendar->file_cap) {
        size_t cap = calendar->file_cap + 8;
        struct file *files = realloc(calendar->files, cap * sizeof(*files));
        if (files == NULL) {
            return ERR_MEMORY;
        }
        calendar->files = files;
        calendar->file_cap = cap;
    }
    if (calendar->row_cap - calendar->row_count < more_rows) {
        size_t cap = calendar->row_count + more_rows;
        struct row *rows = realloc(calendar->rows, cap * sizeof(*rows));
        if (rows == NULL) {
            return ERR_MEMORY;
        }
        calendar->rows = rows;
        calendar->row_cap = cap;
    }
    return OK;
}

static void file_append(struct calendar *calendar, const struct calendar_file *file)
{
    struct file *kept = &calendar->files[calendar->file_count];
    *kept = (struct file){.year = file->year, .layer = file->layer};
    memcpy(kept->source, file->source, sizeof(kept->source));
    memcpy(kept->notice, file->notice, sizeof(kept->notice));
    for (size_t i = 0; i < file->row_count; i++) {
        struct row *row = &calendar->rows[calendar->row_count++];
        *row = (struct row){
            .day = file->rows[i].day,
            .file = (uint16_t)calendar->file_count,
            .off = file->rows[i].off,
        };
        memcpy(row->name, file->rows[i].name, sizeof(row->name));
        memcpy(row->source, file->rows[i].source, sizeof(row->source));
        memcpy(row->notice, file->rows[i].notice, sizeof(row->notice));
    }
    calendar->file_count++;
    calendar->layers[file->year - BITMAP_YEAR_FIRST] |= (uint8_t)(1u << file->layer);
}

enum err calendar_add(struct calendar *calendar, const struct calendar_file *file,
                      size_t *ret_bad_row, struct fault *fault)
{
    assert(!calendar->sealed);
    assert(file->layer < CALENDAR_LAYER_COUNT);
    size_t bad_row = file->row_count;
    enum err error = file_check(calendar, file, fault);
    for (size_t i = 0; error == OK && i < file->row_count; i++) {
        error = row_check(file, &file->rows[i], fault);
        if (error == OK) {
            error = row_check_twice(calendar, file, i, fault);
        }
        if (error != OK) {
            bad_row = i;
        }
    }
    if (error != OK) {
        if (ret_bad_row != NULL) {
            *ret_bad_row = bad_row;
        }
        return error;
    }
    error = room_make(calendar, file->row_count);
    if (error == OK) {
        file_append(calendar, file);
    }
    return error;
}

/* ---- the seal ---- */

/* The order of two rows: by day; of one day those not in use first, then by layer. */
static bool row_before(const struct calendar *calendar, const struct row *a, const struct row *b)
{
    if (a->day != b->day) {
        return a->day < b->day;
    }
    if (a->unused != b->unused) {
        return a->unused;
    }
    return calendar->files[a->file].layer < calendar->files[b->file].layer;
}

/* Insertion sort: a few hundred rows that come nearly in order, once per calendar. */
static void rows_sort(struct calendar *calendar)
{
    for (size_t i = 1; i < calendar->row_count; i++) {
        struct row row = calendar->rows[i];
        size_t at = i;
        while (at > 0 && row_before(calendar, &row, &calendar->rows[at - 1])) {
            calendar->rows[at] = calendar->rows[at - 1];
            at--;
        }
        calendar->rows[at] = row;
    }
}

/* The row that decides its day: the last one of that day, when it is in use. */
static bool row_decides(const struct calendar *calendar, size_t index)
{
    const struct row *row = &calendar->rows[index];
    bool last = index + 1 == calendar->row_count || calendar->rows[index + 1].day != row->day;
    return last && !row->unused;
}

static void digest_text(struct hasher *hasher, char mark, const char *text)
{
    if (text[0] != '\0') {
        uint8_t packed[2] = {(uint8_t)mark, (uint8_t)strlen(text)};
        hasher_add(hasher, packed, sizeof(packed));
        hasher_add(hasher, text, strlen(text));
    }
}

/* Over the years with a notice and the rows that decide, each in one form with plain borders. */
static void digest_make(struct calendar *calendar)
{
    static const char domain[] = "referral calendar 1";
    struct hasher hasher;
    hasher_init(&hasher);
    hasher_add(&hasher, domain, sizeof(domain));
    for (int32_t year = BITMAP_YEAR_FIRST; year <= BITMAP_YEAR_LAST; year++) {
        if (calendar_has_notice(calendar, year)) {
            uint8_t packed[5] = {'y'};
            be32_put(packed + 1, (uint32_t)year);
            hasher_add(&hasher, packed, sizeof(packed));
        }
    }
    for (size_t i = 0; i < calendar->row_count; i++) {
        if (row_decides(calendar, i)) {
            const struct row *row = &calendar->rows[i];
            uint8_t packed[7] = {'d'};
            be32_put(packed + 1, civil_yyyymmdd(row->day));
            packed[5] = row->off ? 1 : 0;
            packed[6] = (uint8_t)strlen(row->name);
            hasher_add(&hasher, packed, sizeof(packed));
            hasher_add(&hasher, row->name, strlen(row->name));
            digest_text(&hasher, 's', row->source);
            digest_text(&hasher, 'n', row->notice);
        }
    }
    calendar->digest = hasher_end(&hasher);
}

/* Does this year's file of this layer take part? */
static bool layer_counts(const struct calendar *calendar, int32_t year, enum calendar_layer layer)
{
    if (layer == CALENDAR_STATUTORY && calendar_has_notice(calendar, year)) {
        return false;
    }
    return year_has(calendar, year, layer);
}

/* Appends as much as has room: the digest behind it tells versions apart in any case. */
static void version_append(struct calendar *calendar, const char *text)
{
    size_t used = strlen(calendar->version);
    size_t room = sizeof(calendar->version) - 1 - 9 - used; /* 9: "#5e1f09ab" */
    size_t len = strlen(text);
    if (len <= room) {
        memcpy(calendar->version + used, text, len + 1);
    }
}

/* The ranges of years that a layer counts for: "2023-2026", "+2027s". */
static void version_ranges(struct calendar *calendar, enum calendar_layer layer, const char *mark)
{
    int32_t year = BITMAP_YEAR_FIRST;
    while (year <= BITMAP_YEAR_LAST) {
        int32_t next = year;
        while (layer_counts(calendar, next, layer)) {
            next++;
        }
        if (next > year) {
            char range[48];
            char end[16] = "";
            if (next - year > 1) {
                (void)snprintf(end, sizeof(end), "-%d", (int)next - 1);
            }
            (void)snprintf(range, sizeof(range), "%s%d%s%s", calendar->version[0] ? "+" : "",
                           (int)year, end, mark);
            version_append(calendar, range);
        }
        year = next + 1;
    }
}

static void version_make(struct calendar *calendar)
{
    version_ranges(calendar, CALENDAR_NOTICE, "");
    version_ranges(calendar, CALENDAR_STATUTORY, "s");
    version_ranges(calendar, CALENDAR_LOCAL, "l");
    if (calendar->version[0] == '\0') {
        version_append(calendar, "weekends");
    }
    char hex[DIGEST_TEXT_BYTES];
    digest_format(&calendar->digest, hex);
    size_t used = strlen(calendar->version);
    calendar->version[used] = '#';
    memcpy(calendar->version + used + 1, hex, 8);
    calendar->version[used + 9] = '\0';
}

void calendar_seal(struct calendar *calendar)
{
    assert(!calendar->sealed);
    for (size_t i = 0; i < calendar->row_count; i++) {
        struct row *row = &calendar->rows[i];
        const struct file *file = &calendar->files[row->file];
        row->unused = !layer_counts(calendar, file->year, file->layer);
    }
    rows_sort(calendar);
    for (size_t i = 0; i < calendar->row_count; i++) {
        if (row_decides(calendar, i)) {
            bitmap_set(calendar, calendar->rows[i].day, !calendar->rows[i].off);
        }
    }
    digest_make(calendar);
    version_make(calendar);
    calendar->sealed = true;
}

/* ---- reading ---- */

const char *calendar_version(const struct calendar *calendar)
{
    assert(calendar->sealed);
    return calendar->version;
}

const struct digest *calendar_digest(const struct calendar *calendar)
{
    assert(calendar->sealed);
    return &calendar->digest;
}

static bool is_of_one_field(const char *text)
{
    return strpbrk(text, "\t\n") == NULL;
}

enum err calendar_write(const struct calendar *calendar, struct buf *out)
{
    enum err error = buf_printf(out, "version\t%s\n", calendar_version(calendar));
    for (int32_t year = BITMAP_YEAR_FIRST; year <= BITMAP_YEAR_LAST && error == OK; year++) {
        if (calendar_has_notice(calendar, year)) {
            error = buf_printf(out, "year\t%d\n", (int)year);
        }
    }
    for (size_t i = 0; i < calendar->row_count && error == OK; i++) {
        const struct row *row = &calendar->rows[i];
        if (!row_decides(calendar, i)) {
            continue;
        }
        if (!is_of_one_field(row->name) || !is_of_one_field(row->source) ||
            !is_of_one_field(row->notice)) {
            return ERR_INVALID;
        }
        error = buf_printf(out, "day\t%u\t%s\t%s\t%s\t%s\n", (unsigned)civil_yyyymmdd(row->day),
                           row->off ? "off" : "on", row->name, row->source, row->notice);
    }
    return error;
}

bool calendar_has_notice(const struct calendar *calendar, int32_t year)
{
    return year_has(calendar, year, CALENDAR_NOTICE);
}

const char *calendar_source(const struct calendar *calendar, int32_t year)
{
    enum calendar_layer layer =
        calendar_has_notice(calendar, year) ? CALENDAR_NOTICE : CALENDAR_STATUTORY;
    for (size_t i = 0; i < calendar->file_count; i++) {
        const struct file *file = &calendar->files[i];
        if (file->year == year && file->layer == layer) {
            return file->source;
        }
    }
    return "";
}

bool calendar_years(const struct calendar *calendar, int32_t *ret_first, int32_t *ret_last)
{
    if (calendar->file_count == 0) {
        return false;
    }
    int32_t first = calendar->files[0].year;
    int32_t last = first;
    for (size_t i = 1; i < calendar->file_count; i++) {
        int32_t year = calendar->files[i].year;
        first = year < first ? year : first;
        last = year > last ? year : last;
    }
    *ret_first = first;
    *ret_last = last;
    return true;
}

bool calendar_is_working_day(const struct calendar *calendar, int32_t day)
{
    assert(calendar->sealed);
    assert(day >= 0);
    if (day >= BITMAP_DAYS) {
        return week_works(day);
    }
    return (calendar->working[day / 64] >> (day % 64) & 1) != 0;
}

/* The row that decides a day, or NULL. */
static const struct row *row_of(const struct calendar *calendar, int32_t day)
{
    size_t low = 0;
    size_t high = calendar->row_count;
    while (low < high) { /* the first row behind this day */
        size_t middle = low + (high - low) / 2;
        if (calendar->rows[middle].day <= day) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0 || calendar->rows[low - 1].day != day || !row_decides(calendar, low - 1)) {
        return NULL;
    }
    return &calendar->rows[low - 1];
}

struct calendar_day calendar_day_reason(const struct calendar *calendar, int32_t day)
{
    assert(calendar->sealed);
    struct calendar_day result = {.day = day, .name = "", .source = "", .notice = ""};
    bool week = week_works(day);
    const struct row *row = row_of(calendar, day);
    result.reason = week ? DAY_WORKING : DAY_WEEKEND;
    if (row != NULL) {
        const struct file *file = &calendar->files[row->file];
        result.by_row = true;
        result.layer = file->layer;
        result.source = row->source[0] != '\0' ? row->source : file->source;
        result.notice = row->notice[0] != '\0' ? row->notice : file->notice;
    }
    if (row != NULL && row->off) {
        result.reason = DAY_HOLIDAY;
        result.name = row->name;
    } else if (row != NULL && !week) {
        result.reason = DAY_MAKE_UP;
        result.name = row->name;
    }
    return result;
}

bool calendar_is_provisional(const struct calendar *calendar, int32_t day)
{
    struct civil_date date = civil_date_of(day);
    if (!calendar_has_notice(calendar, date.year)) {
        return true;
    }
    return in_late_december(date) && !calendar_has_notice(calendar, date.year + 1);
}

int32_t calendar_missing_year(const struct calendar *calendar, int32_t today)
{
    struct civil_date date = civil_date_of(today);
    bool awaited = date.month >= CALENDAR_ALARM_MONTH;
    if (!calendar_has_notice(calendar, date.year)) {
        return date.year; /* long overdue */
    }
    return awaited && !calendar_has_notice(calendar, date.year + 1) ? date.year + 1 : 0;
}

/* The first row behind a day, in use or not; INT32_MAX when there is none. */
static int32_t row_day_behind(const struct calendar *calendar, int32_t day)
{
    for (size_t i = 0; i < calendar->row_count; i++) {
        if (calendar->rows[i].day > day) {
            return calendar->rows[i].day;
        }
    }
    return INT32_MAX;
}

static bool day_differs(const struct calendar *old, const struct calendar *new, int32_t day)
{
    struct calendar_day a = calendar_day_reason(old, day);
    struct calendar_day b = calendar_day_reason(new, day);
    return a.reason != b.reason || a.by_row != b.by_row || a.layer != b.layer ||
           strcmp(a.name, b.name) != 0 || strcmp(a.source, b.source) != 0 ||
           strcmp(a.notice, b.notice) != 0;
}

bool calendar_next_change(const struct calendar *old, const struct calendar *new, int32_t day,
                          int32_t *ret_day)
{
    assert(old->sealed);
    assert(new->sealed);
    while (true) { /* at most a step for each row of the two */
        int32_t a = row_day_behind(old, day);
        int32_t b = row_day_behind(new, day);
        day = a < b ? a : b;
        if (day == INT32_MAX) {
            return false;
        }
        if (day_differs(old, new, day)) {
            *ret_day = day;
            return true;
        }
    }
}

int32_t calendar_add_working_days(const struct calendar *calendar, int32_t day, int32_t count)
{
    assert(count >= -CALENDAR_COUNT_MAX);
    assert(count <= CALENDAR_COUNT_MAX);
    int32_t step = count < 0 ? -1 : 1;
    int32_t left = count < 0 ? -count : count;
    while (left > 0 && day + step >= 0 && day + step <= CIVIL_DAY_MAX) {
        day += step;
        if (calendar_is_working_day(calendar, day)) {
            left--;
        }
    }
    return day;
}

int32_t calendar_next_working_day(const struct calendar *calendar, int32_t day)
{
    return calendar_add_working_days(calendar, day, 1);
}

/* The bits of one word of the bitmap that belong to days in [first, last]. */
static uint64_t word_part(const struct calendar *calendar, int32_t word, int32_t first,
                          int32_t last)
{
    uint64_t bits = calendar->working[word];
    if (word == first / 64) {
        bits &= ~UINT64_C(0) << (first % 64);
    }
    if (word == last / 64) {
        bits &= ~UINT64_C(0) >> (63 - last % 64);
    }
    return bits;
}

uint32_t calendar_count_working_days(const struct calendar *calendar, int32_t from, int32_t to)
{
    assert(calendar->sealed);
    assert(from >= 0);
    assert(to <= CIVIL_DAY_MAX);
    uint32_t count = 0;
    int32_t first = from + 1;
    if (first < BITMAP_DAYS && first <= to) {
        int32_t last = to < BITMAP_DAYS ? to : BITMAP_DAYS - 1;
        for (int32_t word = first / 64; word <= last / 64; word++) {
            count += (uint32_t)__builtin_popcountll(word_part(calendar, word, first, last));
        }
        first = BITMAP_DAYS;
    }
    if (first <= to) { /* the week alone: whole weeks, then what remains */
        int32_t weeks = (to - first + 1) / 7;
        count += (uint32_t)weeks * 5;
        for (int32_t day = first + weeks * 7; day <= to; day++) {
            count += week_works(day) ? 1 : 0;
        }
    }
    return count;
}

/* Days from `first` to `last`: is any of them provisional? Year by year, not day by day. */
static bool any_provisional(const struct calendar *calendar, int32_t first, int32_t last)
{
    if (calendar_is_provisional(calendar, first) || calendar_is_provisional(calendar, last)) {
        return true;
    }
    int32_t last_year = civil_date_of(last).year;
    for (int32_t year = civil_date_of(first).year + 1; year < last_year; year++) {
        if (!calendar_has_notice(calendar, year)) {
            return true;
        }
    }
    return false;
}

void calendar_due(const struct calendar *calendar, uint64_t arrival_ms, uint32_t n,
                  struct due_date *ret_due)
{
    assert(n >= 1);
    assert(n <= CALENDAR_COUNT_MAX);
    int32_t day_0 = civil_day_at(arrival_ms);
    int32_t day_n = calendar_add_working_days(calendar, day_0, (int32_t)n);
    int32_t first = day_0 < day_n ? day_0 + 1 : day_n;
    *ret_due = (struct due_date){
        .day_0 = day_0,
        .day_n = day_n,
        .due_before_ms = civil_end_ms(day_n),
        .provisional = any_provisional(calendar, first, day_n),
    };
}
