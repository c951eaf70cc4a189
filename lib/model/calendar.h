/* Civil dates of +08:00 and the calendar of working days (domain: Art. 9, 11 and 21).
 *
 * A calendar is data with a version: weekends, the State Council's yearly notices with their
 * make-up workdays, statutory days for a year whose notice is not out yet, and a local layer. It
 * is built once (calendar_new, calendar_add ..., calendar_seal) and then only read. It knows no
 * files and no clock; files are read by io/calendar_folder.h through model/calendar_load.h.
 *
 * Building: one thread. A sealed calendar may be read on any thread. Nothing here is durable.
 * Instants are UTC milliseconds since 1970, days are civil days of +08:00 counted from 1970-01-01
 * (day 0). Days before 1970 and after 9999 do not exist. */
#ifndef REFERRAL_MODEL_CALENDAR_H
#define REFERRAL_MODEL_CALENDAR_H

#include "base/bytes.h"

#define CIVIL_DAY_MAX    2932896 /* 9999-12-31 */
#define CIVIL_DAY_MS     UINT64_C(86400000)
#define CIVIL_OFFSET_MS  UINT64_C(28800000) /* +08:00, no summer time */
#define CIVIL_TEXT_BYTES 11                 /* "2026-02-14" with the NUL */

struct civil_date {
    int32_t year;  /* 1970 ... 9999 */
    int32_t month; /* 1 ... 12 */
    int32_t day;   /* 1 ... 31 */
};

/* The civil day that holds this instant; the last day for instants behind it. */
int32_t civil_day_at(uint64_t instant_ms);
/* 00:00 and 24:00 (+08:00) of a day as UTC instants; 00:00 of day 0 is clamped to instant 0. */
uint64_t civil_start_ms(int32_t day);
uint64_t civil_end_ms(int32_t day);
struct civil_date civil_date_of(int32_t day);
/* ERR_INVALID when there is no such date. */
enum err civil_day_of(struct civil_date date, int32_t *ret_day) MUST_CHECK;
uint32_t civil_yyyymmdd(int32_t day); /* 20260214 */
enum err civil_from_yyyymmdd(uint32_t value, int32_t *ret_day) MUST_CHECK;
/* "2026-02-14", exactly so. */
void civil_format(int32_t day, char out[CIVIL_TEXT_BYTES]);
enum err civil_parse(const char *text, int32_t *ret_day) MUST_CHECK;
int32_t civil_weekday(int32_t day); /* 1 Monday ... 7 Sunday */

#define CALENDAR_NAME_BYTES    64  /* a holiday's name, with the NUL */
#define CALENDAR_SOURCE_BYTES  256 /* who says so, and where: an address, with the NUL */
#define CALENDAR_NOTICE_BYTES  96 /* a notice's number: "国办发明电〔2022〕16号", with the NUL */
#define CALENDAR_VERSION_BYTES 64   /* "2023-2026+2027s#5e1f09ab", with the NUL */
#define CALENDAR_ROWS_MAX      4096 /* rows of all files: 30 a year for a century */
#define CALENDAR_FILES_MAX     256
#define CALENDAR_COUNT_MAX     4000 /* working days that one count may go forward or back */
/* Rows of next year's notice begin here in December; so does a provisional deadline. */
#define CALENDAR_NOTICE_MONTH 12
#define CALENDAR_NOTICE_DAY   25
/* The State Council has published each notice since 2013 by the middle of November or December. */
#define CALENDAR_ALARM_MONTH 11

/* Where rows come from. A later layer wins over an earlier one on the same day; the statutory
 * rows of a year are not used at all once its notice is there. */
enum calendar_layer {
    CALENDAR_STATUTORY, /* days off by law, for a year without a notice */
    CALENDAR_NOTICE,    /* the State Council's notice of the year */
    CALENDAR_LOCAL, /* days of the autonomous region or the league (自治区, 盟市), off or on */
    CALENDAR_LAYER_COUNT
};

struct calendar_row {
    int32_t day;
    bool off;                           /* false: a make-up workday (调休上班) */
    char name[CALENDAR_NAME_BYTES];     /* "春节" */
    char source[CALENDAR_SOURCE_BYTES]; /* of this row alone; empty: the file's */
    char notice[CALENDAR_NOTICE_BYTES]; /* likewise; a local row must have both, or its file */
};

/* One file: all rows of one layer for one notice year. */
struct calendar_file {
    int32_t year; /* the notice's year; its rows may begin on 25 December before */
    enum calendar_layer layer;
    char source[CALENDAR_SOURCE_BYTES];
    char notice[CALENDAR_NOTICE_BYTES]; /* empty where the form has none */
    const struct calendar_row *rows;    /* borrowed during the call */
    size_t row_count;
};

const char *calendar_layer_name(enum calendar_layer layer); /* "statutory" ... static */

enum day_reason {
    DAY_WORKING, /* Monday to Friday, nothing special */
    DAY_WEEKEND,
    DAY_HOLIDAY, /* off by a row; it has a name */
    DAY_MAKE_UP, /* a working Saturday or Sunday by a row; it has the holiday's name */
};

struct calendar_day {
    int32_t day;
    enum day_reason reason;
    const char *name; /* borrowed from the calendar; "" for WORKING and WEEKEND */
    /* Of the row that decides the day, borrowed likewise; without one "" and not by_row. A row may
     * also make a day what it would be anyway, as a local one that takes a holiday back. */
    bool by_row;
    enum calendar_layer layer;
    const char *source;
    const char *notice;
};

struct calendar;

enum err calendar_new(struct calendar **ret_calendar) MUST_CHECK; /* weekends only */
void calendar_free(struct calendar *calendar);                    /* NULL allowed */

/* Adds one file. Refused with ERR_INVALID, and `ret_bad_row` (may be NULL) set to the row at fault
 * or to row_count when it is the file: a row outside the year (25 December before to 31 December),
 * two rows for a day in one layer, a day off named nothing, a notice's make-up row on a Monday to
 * Friday, a statutory make-up row, a local row without source or notice number, a second notice or
 * statutory file of that year, no room. Nothing is added then. The fault's place is empty: the
 * caller knows the file. */
enum err calendar_add(struct calendar *calendar, const struct calendar_file *file,
                      size_t *ret_bad_row, struct fault *fault) MUST_CHECK;

/* Fixes the effective days and the version. No calendar_add after it; reading only after it. */
void calendar_seal(struct calendar *calendar);

/* Readers of a sealed calendar. */
const char *calendar_version(const struct calendar *calendar); /* "2023-2026+2027s#5e1f09ab" */
/* SHA-256 over the canonical rows in use: equal exactly when every day counts and reads alike. */
const struct digest *calendar_digest(const struct calendar *calendar);
/* Appends the canonical rows as lines (docs/evidence-format.md): whoever hashes them as
 * calendar_digest does gets the version's digits. ERR_INVALID: a name or source has a tab or a line
 * end in it. */
enum err calendar_write(const struct calendar *calendar, struct buf *out) MUST_CHECK;
/* calendar_pack.c: what it counts by, without the reasons. The unpacked one is sealed, owned by the
 * caller, and has the same version and digest. ERR_CORRUPT, ERR_MEMORY. */
#define CALENDAR_PACKED_MAX                                                                        \
    (CALENDAR_VERSION_BYTES + 32u + 2u + 2u * 200u + 2u + 4u * CALENDAR_ROWS_MAX)
size_t calendar_pack(const struct calendar *calendar, uint8_t out[CALENDAR_PACKED_MAX]);
enum err calendar_unpack(struct span packed, struct calendar **ret_calendar) MUST_CHECK;
bool calendar_has_notice(const struct calendar *calendar, int32_t year);
/* The source of the file that a year's days come from (notice, else statutory); "" when neither. */
const char *calendar_source(const struct calendar *calendar, int32_t year);
/* The years from the first to the last with any file; false when there is none. */
bool calendar_years(const struct calendar *calendar, int32_t *ret_first, int32_t *ret_last);

/* From 1 November on the notice of the next year is awaited: an alarm while it is not there.
 * Answers that year, or today's own when even that is not there, or 0 when nothing is missed. */
int32_t calendar_missing_year(const struct calendar *calendar, int32_t today);
/* The next day after `day` (from -1: the first of all) that counts or reads otherwise in the two,
 * its source included; false when there is none. */
bool calendar_next_change(const struct calendar *old, const struct calendar *new, int32_t day,
                          int32_t *ret_day);

bool calendar_is_working_day(const struct calendar *calendar, int32_t day); /* O(1) */
struct calendar_day calendar_day_reason(const struct calendar *calendar, int32_t day);
/* True when the day depends on a notice that is not there: it lies in such a year, or on or after
 * 25 December before it. */
bool calendar_is_provisional(const struct calendar *calendar, int32_t day);

/* The count-th working day after (count > 0) or before (count < 0) `day`; `day` itself for 0,
 * working or not. |count| <= CALENDAR_COUNT_MAX; stops at the ends of time. */
int32_t calendar_add_working_days(const struct calendar *calendar, int32_t day, int32_t count);
int32_t calendar_next_working_day(const struct calendar *calendar, int32_t day); /* after `day` */
/* Working days in (from, to]; 0 when to <= from. */
uint32_t calendar_count_working_days(const struct calendar *calendar, int32_t from, int32_t to);

struct due_date {
    int32_t day_0;          /* the arrival's civil day, never counted */
    int32_t day_n;          /* the N-th working day after it */
    uint64_t due_before_ms; /* 24:00 of day N: an answer at this instant is late */
    bool provisional; /* 暂定: a day behind day 0, up to day N, depends on a missing notice */
};

/* 1 <= n <= CALENDAR_COUNT_MAX. */
void calendar_due(const struct calendar *calendar, uint64_t arrival_ms, uint32_t n,
                  struct due_date *ret_due);

#endif
