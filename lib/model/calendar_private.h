/* What calendar.c and calendar_pack.c know of a calendar. Nobody else includes it. */
#ifndef REFERRAL_MODEL_CALENDAR_PRIVATE_H
#define REFERRAL_MODEL_CALENDAR_PRIVATE_H

#include "model/calendar.h"

#define BITMAP_YEAR_FIRST 1970
#define BITMAP_YEAR_LAST  2169
#define BITMAP_YEARS      (BITMAP_YEAR_LAST - BITMAP_YEAR_FIRST + 1)
#define BITMAP_DAYS       73049 /* 1970-01-01 ... 2169-12-31 */
#define BITMAP_WORDS      ((BITMAP_DAYS + 63) / 64)

struct row {
    int32_t day;
    uint16_t file; /* index into files */
    bool off;
    bool unused; /* a statutory row of a year that has its notice */
    char name[CALENDAR_NAME_BYTES];
    char source[CALENDAR_SOURCE_BYTES]; /* empty: the file's */
    char notice[CALENDAR_NOTICE_BYTES];
};

struct file {
    int32_t year;
    enum calendar_layer layer;
    char source[CALENDAR_SOURCE_BYTES];
    char notice[CALENDAR_NOTICE_BYTES];
};

struct calendar {
    uint64_t working[BITMAP_WORDS];
    uint8_t layers[BITMAP_YEARS]; /* bit per enum calendar_layer: the year has such a file */
    struct row *rows;             /* owned */
    size_t row_count;
    size_t row_cap;
    struct file *files; /* owned */
    size_t file_count;
    size_t file_cap;
    bool sealed;
    char version[CALENDAR_VERSION_BYTES];
    struct digest digest;
};

#endif
