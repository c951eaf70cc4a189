/* Prints what lib/model/calendar and window answer for every arrival day of 2023 to 2026, in the
 * lines of calendar_oracle.py. For the comparison in CTest only.
 *
 * usage: calendar_dump FOLDER   (of calendar files)
 * Single-threaded; reads the folder, writes standard output; nothing is durable. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "io/calendar_folder.h"
#include "model/window.h"

#define HOUR_MS UINT64_C(3600000)

/* Arrivals at 00:00, noon and 23:59:59.999 of a day must give the same dates. */
static const uint64_t arrivals_ms[] = {0, 12 * HOUR_MS, 24 * HOUR_MS - 1};
#define ARRIVAL_COUNT (sizeof(arrivals_ms) / sizeof(arrivals_ms[0]))

static void fail(const char *what, const char *date)
{
    (void)fprintf(stderr, "calendar_dump: %s depends on the hour of arrival on %s\n", what, date);
    exit(1);
}

static void print_reason(const struct calendar *calendar, int32_t day, const char *date)
{
    static const char *const texts[] = {
        [DAY_WORKING] = "working",
        [DAY_WEEKEND] = "weekend",
        [DAY_HOLIDAY] = "holiday ",
        [DAY_MAKE_UP] = "make-up ",
    };
    struct calendar_day reason = calendar_day_reason(calendar, day);
    (void)printf("day %s %s%s\n", date, texts[reason.reason], reason.name);
}

static void print_due(const struct calendar *calendar, int32_t day, uint32_t n, const char *date)
{
    struct due_date due = {0};
    for (size_t i = 0; i < ARRIVAL_COUNT; i++) {
        struct due_date other;
        calendar_due(calendar, civil_start_ms(day) + arrivals_ms[i], n, &other);
        if (i > 0 && other.due_before_ms != due.due_before_ms) {
            fail("a due date", date);
        }
        due = other;
    }
    char text[CIVIL_TEXT_BYTES];
    civil_format(due.day_n, text);
    (void)printf("due %s %" PRIu32 " %s %" PRIu64 "%s\n", date, n, text, due.due_before_ms,
                 due.provisional ? " provisional" : "");
}

/* All rungs in the order in which rung_next answers them, each raised as it comes. */
static void print_rungs(const struct calendar *calendar, enum clock_kind kind, int32_t day,
                        const char *date)
{
    struct window window;
    enum rung rung = RUNG_COUNT;
    uint64_t due_ms = 0;
    const struct ladder *ladder = ladder_default();
    size_t hour = (size_t)day % ARRIVAL_COUNT;
    window_open(ladder, calendar, kind, civil_start_ms(day) + arrivals_ms[hour], &window);
    while (rung_next(ladder, calendar, &window, &rung, &due_ms)) {
        (void)printf("rung %s %" PRIu32 " %s %" PRIu64 "\n", date, window.n, rung_id(rung), due_ms);
        window.raised = rung_set_with(window.raised, rung);
    }
}

static void print_day(const struct calendar *calendar, int32_t day, const char *date)
{
    static const uint32_t counts[] = {1, 2, 3, 5, 7, 8, 10, 15, 18, 20, 23, 30};
    static const enum clock_kind kinds[] = {CLOCK_FEEDBACK_OUTBOUND, CLOCK_FEEDBACK_INBOUND,
                                            CLOCK_INFORMATION, CLOCK_UNDELIVERED, CLOCK_UNSIGNED};
    print_reason(calendar, day, date);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        print_due(calendar, day, counts[i], date);
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        print_rungs(calendar, kinds[i], day, date);
    }
}

static void print_lateness(const struct calendar *calendar, int32_t day, const char *date)
{
    struct due_date due;
    calendar_due(calendar, civil_start_ms(day), 10, &due);
    for (int32_t after = 0; after <= 40; after += 3) {
        int32_t answered = due.day_n + after + 1;
        char text[CIVIL_TEXT_BYTES];
        civil_format(answered, text);
        uint64_t start_ms = civil_start_ms(answered);
        struct lateness first = window_lateness(calendar, due.due_before_ms, start_ms);
        struct lateness last =
            window_lateness(calendar, due.due_before_ms, civil_end_ms(answered) - 1);
        if (first.working_days != last.working_days || !first.late || !last.late) {
            fail("lateness", text);
        }
        (void)printf("late %s %s %" PRIu32 "\n", date, text, first.working_days);
    }
}

static void print_all(const struct calendar *calendar, int32_t first, int32_t last)
{
    for (int32_t day = first; day <= last; day++) {
        char date[CIVIL_TEXT_BYTES];
        civil_format(day, date);
        print_day(calendar, day, date);
        if (civil_date_of(day).day % 9 == 1) {
            print_lateness(calendar, day, date);
        }
    }
}

int main(int argc, char **argv)
{
    struct calendar *calendar = NULL;
    struct fault fault = {.code = ""};
    int32_t first = 0;
    int32_t last = 0;
    if (argc != 2 || crypto_init() != OK) {
        (void)fprintf(stderr, "usage: calendar_dump FOLDER\n");
        return 2;
    }
    if (calendar_folder_load(argv[1], &calendar, &fault) != OK) {
        (void)fprintf(stderr, "%s: %s\n", fault.place, fault.message);
        return 1;
    }
    if (civil_parse("2023-01-01", &first) != OK || civil_parse("2026-12-31", &last) != OK) {
        return 1;
    }
    print_all(calendar, first, last);
    calendar_free(calendar);
    return 0;
}
