/* Working days, counted a second time: from the days that an evidence file or a folder of public
 * notices lists, by the rules of docs/evidence-format.md, without the code that the programs count
 * with. A day is a number of civil days of +08:00 since 1970-01-01. Owned memory; one thread to
 * build, any to read. */
#ifndef REFERRAL_VERIFY_DAYS_H
#define REFERRAL_VERIFY_DAYS_H

#include "base/bytes.h"

#define DAYS_ROWS_MAX      4096u
#define DAYS_VERSION_BYTES 64u
#define DAYS_NAME_BYTES    64u
#define DAYS_LAST          73048 /* 2169-12-31: the last one that rows may name */
#define DAY_TEXT_BYTES     11u   /* "2026-02-14" */

struct days_row {
    int32_t day;
    bool off;
    char name[DAYS_NAME_BYTES];
};

struct days {
    struct digest digest; /* the calendar's: of all that is here */
    char version[DAYS_VERSION_BYTES];
    uint32_t years[256]; /* that have the State Council's notice, rising */
    size_t year_count;
    struct days_row *rows; /* owned; by day, one a day */
    size_t row_count;
};

/* Reads the canonical text. ERR_INVALID: not of its form, not in its order, or its rows do not have
 * the digest that the version names; `ret_line` is the line. */
enum err days_read(struct span text, struct days *ret_days, unsigned *ret_line) MUST_CHECK;
void days_free(struct days *days); /* zeroed allowed */

int32_t day_of(uint64_t instant_ms);      /* the civil day of +08:00 that holds it */
uint64_t day_end_ms(int32_t day);         /* its 24:00 */
uint32_t day_number(int32_t day);         /* 20260214 */
int32_t day_of_number(uint32_t yyyymmdd); /* -1: no such day of 1970 to 2169 */
void day_format(int32_t day, char out[DAY_TEXT_BYTES]);
int day_of_week(int32_t day); /* 0 Monday ... 6 Sunday */

/* NULL: no row decides this day. */
const struct days_row *days_row_of(const struct days *days, int32_t day);
bool days_is_working(const struct days *days, int32_t day);
/* The count-th working day behind `day`, before it for a negative count; `day` itself for 0. */
int32_t days_step(const struct days *days, int32_t day, int32_t count);
/* Working days behind `from`, up to and including `to`. */
uint32_t days_between(const struct days *days, int32_t from, int32_t to);
/* Depends a day from `from` to `to` on a notice that is not out yet? */
bool days_are_provisional(const struct days *days, int32_t from, int32_t to);

#endif
