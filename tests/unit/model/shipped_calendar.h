/* The calendars that a city is shipped with, for the suites of this folder. Aborts the test when
 * they do not load. Tests run in the root of the tree; single-threaded. */
#ifndef REFERRAL_TESTS_SHIPPED_CALENDAR_H
#define REFERRAL_TESTS_SHIPPED_CALENDAR_H

#include <check.h>
#include <stdio.h>

#include "crypto_start.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/limits.h"
#include "model/calendar_load.h"

static inline enum err calendar_file_add(struct calendar *calendar, const char *name,
                                         struct fault *fault)
{
    char path[128];
    struct buf text;
    (void)snprintf(path, sizeof(path), "config/calendars/%s", name);
    buf_init(&text, LIMIT_CONFIG_BYTES);
    enum err error = file_read(path, &text, fault);
    if (error == OK) {
        error = calendar_load_text(calendar, name, span_buf(&text), fault);
    }
    buf_free(&text);
    return error;
}

/* The notices of 2023 to `last_year` and, when wanted, the statutory days of 2027; sealed. */
static inline struct calendar *calendar_shipped(int last_year, bool statutory)
{
    struct calendar *calendar = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(crypto_start(), OK);
    ck_assert_int_eq(calendar_new(&calendar), OK);
    for (int year = 2023; year <= last_year; year++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "%d.json", year);
        ck_assert_msg(calendar_file_add(calendar, name, &fault) == OK, "%s: %s", fault.place,
                      fault.message);
    }
    if (statutory) {
        ck_assert_int_eq(calendar_file_add(calendar, "2027-statutory.json", &fault), OK);
    }
    calendar_seal(calendar);
    return calendar;
}

static inline int32_t day_of(const char *text)
{
    int32_t day = -1;
    ck_assert_msg(civil_parse(text, &day) == OK, "%s", text);
    return day;
}

/* Noon of a civil day. */
static inline uint64_t noon_of(const char *text)
{
    return civil_start_ms(day_of(text)) + UINT64_C(43200000);
}

#endif
