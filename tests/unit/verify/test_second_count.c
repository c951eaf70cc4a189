/* verify/days and verify/ladder against lib/model: two codes that share nothing count the same
 * windows, rungs and re-datings, over random instants, lengths and calendars; and a calendar's text
 * whose days were changed is refused. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "crypto_start.h"
#include "base/crypto.h"
#include "base/file.h"
#include "io/calendar_folder.h"
#include "model/policy.h"
#include "model/window.h"
#include "verify/ladder.h"
#include "../suite.h"

#define ROUNDS (getenv("REFERRAL_LONG") != NULL ? 20000u : 1200u)

static struct calendar *calendar;
static struct days days;
static struct ladder_read ladder_again;
static uint64_t seed = 20260218;

static uint64_t next_random(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static uint64_t random_instant(void)
{
    /* 2022-06-01 to 2029: with notices, with statutory days alone, and with neither */
    return UINT64_C(1654041600000) + next_random(UINT64_C(2600) * 86400000);
}

static void load(struct calendar *from)
{
    unsigned line;
    struct buf text;

    buf_init(&text, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(calendar_write(from, &text), OK);
    ck_assert_int_eq(days_read(span_buf(&text), &days, &line), OK);
    buf_free(&text);
}

static void setup(void)
{
    struct fault fault = {.code = ""};
    struct buf text;

    ck_assert_int_eq(crypto_start(), OK);
    ck_assert_int_eq(calendar_folder_load("config/calendars", &calendar, &fault), OK);
    load(calendar);
    buf_init(&text, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(file_read("config/policy.yaml", &text, &fault), OK);
    ck_assert_int_eq(ladder_read_text(span_buf(&text), &ladder_again, &fault), OK);
    buf_free(&text);
}

static void teardown(void)
{
    days_free(&days);
    calendar_free(calendar);
}

START_TEST(test_the_days_are_the_same)
{
    for (int32_t day = 0; day < 60000; day++) {
        char one[CIVIL_TEXT_BYTES], other[DAY_TEXT_BYTES];

        ck_assert_int_eq(days_is_working(&days, day), calendar_is_working_day(calendar, day));
        ck_assert_int_eq(day_of_week(day) + 1, civil_weekday(day));
        ck_assert_uint_eq(day_number(day), civil_yyyymmdd(day));
        ck_assert_int_eq(day_of_number(civil_yyyymmdd(day)), day);
        ck_assert_uint_eq(day_end_ms(day), civil_end_ms(day));
        civil_format(day, one);
        day_format(day, other);
        ck_assert_str_eq(one, other);
    }
    ck_assert_str_eq(days.version, calendar_version(calendar));
}
END_TEST

START_TEST(test_windows_end_on_the_same_day)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t start_ms = random_instant();
        uint32_t n = 1 + (uint32_t)next_random(120);
        struct due_date due;

        calendar_due(calendar, start_ms, n, &due);
        ck_assert_uint_eq(window_counted(&days, start_ms, n), due.due_before_ms);
        ck_assert_int_eq(days_are_provisional(&days, day_of(start_ms) + 1, due.day_n),
                         due.provisional);
        ck_assert_uint_eq(days_between(&days, due.day_0, due.day_n), n);
    }
}
END_TEST

/* Each clock whose rungs are told apart by their name. */
static const enum clock_kind clocks[] = {CLOCK_FEEDBACK_OUTBOUND, CLOCK_FEEDBACK_INBOUND,
                                         CLOCK_UNDELIVERED, CLOCK_URGENT, CLOCK_UNSIGNED};

START_TEST(test_rungs_fall_due_at_the_same_time)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        enum clock_kind kind = clocks[i % COUNT_OF(clocks)];
        struct window window;

        window_open(ladder_default(), calendar, kind, random_instant(), &window);
        for (enum rung rung = 0; rung < RUNG_COUNT; rung++) {
            const struct window_read read = {window.start_ms, window.n, window.due_before_ms};
            uint64_t due_ms = 0, again_ms = 0;
            int32_t repeat = 0;
            const struct step *step = ladder_step(&ladder_again, rung_id(rung), &repeat);

            ck_assert_ptr_nonnull(step);
            if (rung_due_ms(ladder_default(), calendar, &window, rung, &due_ms)) {
                ck_assert(ladder_due(step, repeat, &days, &read, &again_ms));
                ck_assert_uint_eq(again_ms, due_ms);
            }
        }
    }
}
END_TEST

/* The first calendar has no notice of 2027, the second one has an invented one. */
START_TEST(test_redating_moves_to_the_same_day)
{
    const char *const text = "{\"year\":2027,\"papers\":[\"x\"],\"days\":["
                             "{\"name\":\"春节\",\"date\":\"2027-02-10\",\"isOffDay\":true},"
                             "{\"name\":\"春节\",\"date\":\"2027-02-11\",\"isOffDay\":true},"
                             "{\"name\":\"春节\",\"date\":\"2027-02-20\",\"isOffDay\":false}]}";
    const struct calendar_candidate candidate = {.name = "2027.json", .text = span_text(text)};
    struct calendar *after;
    struct fault fault = {.code = ""};

    ck_assert_int_eq(calendar_folder_preview("config/calendars", &candidate, &after, &fault), OK);
    days_free(&days);
    load(after);
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t start_ms = UINT64_C(1796054400000) + next_random(UINT64_C(160) * 86400000);
        uint64_t now_ms = start_ms + next_random(UINT64_C(60) * 86400000);
        struct window window;
        struct window_read before;
        struct redating redating;

        window_open(ladder_default(), calendar, clocks[i % 2], start_ms, &window);
        before = (struct window_read){window.start_ms, window.n, window.due_before_ms};
        window_redate(ladder_default(), after, now_ms, &window, &redating);
        ck_assert_uint_eq(window_redated(&days, &before, now_ms), window.due_before_ms);
    }
    calendar_free(after);
}
END_TEST

START_TEST(test_a_changed_calendar_is_refused)
{
    struct days again;
    struct buf text;
    unsigned line, refused = 0;

    buf_init(&text, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(calendar_write(calendar, &text), OK);
    for (size_t bit = 0; bit < 8 * text.len; bit += 7) {
        text.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        refused += days_read(span_buf(&text), &again, &line) != OK;
        if (refused <= bit / 7) { /* only the years that the version names may read otherwise */
            ck_assert_uint_lt(bit / 8, strlen("version\t2023-2026+2027s"));
            days_free(&again);
            refused++;
        }
        text.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < text.len; len += 5) {
        ck_assert_int_ne(days_read(span_of(text.data, len), &again, &line), OK);
    }
    buf_free(&text);
}
END_TEST

START_TEST(test_a_policy_replaces_what_it_says)
{
    static const char text[] = "clocks:\n  feedback-inbound: 12\n"
                               "rungs:\n  due-3: {offset: 8, every: 4, to: [office]}\n"
                               "  remind-2: {offset: -1, to: [liaison, leader]}\n";
    struct ladder_read read;
    struct fault fault = {.code = ""};
    int32_t repeat;

    ck_assert_int_eq(ladder_read_text(span_text(text), &read, &fault), OK);
    ck_assert_uint_eq(read.outbound, 20);
    ck_assert_uint_eq(read.inbound, 12);
    ck_assert_int_eq(ladder_step(&read, "due-3.2", &repeat)->offset, 8);
    ck_assert_int_eq(repeat, 2);
    ck_assert_int_eq(ladder_step(&read, "due-3", &repeat)->every, 4);
    ck_assert_uint_eq(ladder_step(&read, "due-3", &repeat)->told, TOLD_OFFICE);
    ck_assert_int_eq(ladder_step(&read, "remind-2", &repeat)->offset, -1);
    ck_assert_ptr_null(ladder_step(&read, "due-3.21", &repeat));
    ck_assert_ptr_null(ladder_step(&read, "due-3.01", &repeat));
    ck_assert_ptr_null(ladder_step(&read, "due-1.1", &repeat));
    ck_assert_ptr_null(ladder_step(&read, "due", &repeat));
    ck_assert_int_ne(ladder_read_text(span_text("rungs: 3\n"), &read, &fault), OK);
    ck_assert_int_ne(ladder_read_text(span_text("clocks: {papers: x}\n"), &read, &fault), OK);
    ck_assert_int_ne(ladder_read_text(span_text("rungs: {due-1: {offset: 9999, to: [office]}}\n"),
                                      &read, &fault),
                     OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("second_count");
    TCase *tests = tcase_create("all");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_the_days_are_the_same);
    tcase_add_test(tests, test_windows_end_on_the_same_day);
    tcase_add_test(tests, test_rungs_fall_due_at_the_same_time);
    tcase_add_test(tests, test_redating_moves_to_the_same_day);
    tcase_add_test(tests, test_a_changed_calendar_is_refused);
    tcase_add_test(tests, test_a_policy_replaces_what_it_says);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
