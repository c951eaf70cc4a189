/* agent/web/counted: an agency's own figures, against cases counted by hand. */
#include "agent/web/counted.h"

#include <stdio.h>

#include "agent_support.h"

static struct realm realm;
static struct counted *counted;
static const struct agency *self, *other, *third;

static int32_t day(const char *text)
{
    int32_t value;

    ck_assert_int_eq(civil_parse(text, &value), OK);
    return value;
}

static uint64_t noon(const char *text)
{
    return civil_start_ms(day(text)) + DAY_MS / 2;
}

static void open_period(const char *from, const char *until)
{
    struct statistics_period period = {.as_of_ms = noon("2026-10-15")};

    ck_assert_int_eq(counted_months(from, until, &period), OK);
    ck_assert_int_eq(counted_new(realm.registry, self, period, &counted), OK);
}

static void setup(void)
{
    realm_open(&realm);
    self = registry_find(realm.registry, "civil-affairs");
    other = registry_find(realm.registry, "procuratorate");
    third = registry_find(realm.registry, "education");
    open_period("2026-07", "2026-09");
}

static void teardown(void)
{
    counted_free(counted);
    realm_close(&realm);
}

static struct statistics_referral received_on(const char *date)
{
    return (struct statistics_referral){.sender = other->number,
                                        .receiver = self->number,
                                        .state = REFERRAL_DELIVERED,
                                        .submitted_ms = noon(date),
                                        .delivered_ms = noon(date)};
}

static void add(const struct statistics_referral *row, bool mine)
{
    static unsigned count;
    struct work_item item = {.mine = mine};
    const struct work_figures figures = {.item = &item, .referral = row};

    (void)snprintf(item.number, sizeof(item.number), "JZ-2026-%04u-01", ++count % 10000);
    ck_assert_int_eq(counted_add(counted, &figures), OK);
}

static size_t place_of(const struct agency *agency)
{
    return counted->places[agency->number];
}

static uint64_t figure(enum counted_side side, size_t agency, enum statistics_figure which)
{
    return statistics_figure(counted->sides[side],
                             (struct statistics_line){agency, STATISTICS_OUTBOUND}, which);
}

START_TEST(months_are_whole_and_in_order)
{
    struct statistics_period period = {.as_of_ms = 1}, before;
    static const char *const wrong[][2] = {{"2026-09", "2026-07"},
                                           {"2026-13", "2026-13"},
                                           {"2026-00", "2026-01"},
                                           {"2026-7", "2026-09"},
                                           {"", ""},
                                           {"2026-07-01", "2026-09"},
                                           {"2026/07", "2026-09"},
                                           {"abcd-ef", "2026-09"}};

    ck_assert_int_eq(counted_months("2026-07", "2026-09", &period), OK);
    ck_assert_int_eq(period.first_day, day("2026-07-01"));
    ck_assert_int_eq(period.last_day, day("2026-09-30"));
    before = counted_before(period);
    ck_assert_int_eq(before.first_day, day("2026-04-01"));
    ck_assert_int_eq(before.last_day, day("2026-06-30"));
    ck_assert_int_eq(counted_months("2024-02", "2024-02", &period), OK);
    ck_assert_int_eq(period.last_day, day("2024-02-29"));
    before = counted_before(period);
    ck_assert_int_eq(before.first_day, day("2024-01-01"));
    ck_assert_int_eq(counted_months("2026-01", "2026-12", &period), OK);
    before = counted_before(period);
    ck_assert_int_eq(before.first_day, day("2025-01-01"));
    ck_assert_int_eq(before.last_day, day("2025-12-31"));
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        ck_assert_int_eq(counted_months(wrong[i][0], wrong[i][1], &period), ERR_INVALID);
    }
}
END_TEST

/* Five received: in time after 3 and 9 days, late after 25, open, overdue; one of the quarter
 * before, late; one of the quarter after. On-time: 2 of 3 answers and 1 overdue. */
START_TEST(what_was_received_by_hand)
{
    struct statistics_referral row = received_on("2026-07-01");

    row.state = REFERRAL_ANSWERED;
    row.final = true;
    row.answers = 1;
    row.is_signed = true;
    row.outcome = OUTCOME_GRANTED;
    row.window_days = row.whole_days = 3;
    add(&row, false);
    row.sender = third->number;
    row.window_days = row.whole_days = 9;
    row.outcome = OUTCOME_NOT_ELIGIBLE;
    add(&row, false);
    row.late = true;
    row.late_answers = 1;
    row.window_days = 25;
    add(&row, false);
    row.submitted_ms = noon("2026-06-30");
    add(&row, false);
    row = received_on("2026-09-30");
    row.due_before_ms = noon("2026-10-28");
    row.minor = true;
    add(&row, false);
    row.due_before_ms = noon("2026-10-14");
    add(&row, false);
    row.submitted_ms = noon("2026-10-01");
    add(&row, false);

    ck_assert_uint_eq(figure(COUNTED_RECEIVED, 0, FIGURE_RECEIVED), 5);
    ck_assert_uint_eq(figure(COUNTED_RECEIVED, 0, FIGURE_IN_TIME), 2);
    ck_assert_uint_eq(figure(COUNTED_RECEIVED, 0, FIGURE_LATE), 1);
    ck_assert_uint_eq(figure(COUNTED_RECEIVED, 0, FIGURE_OPEN), 1);
    ck_assert_uint_eq(figure(COUNTED_RECEIVED, 0, FIGURE_OVERDUE), 1);
    ck_assert_uint_eq(figure(COUNTED_RECEIVED, 0, FIGURE_MINORS), 2);
    ck_assert_uint_eq(figure(COUNTED_RECEIVED, 0, FIGURE_SIGNED), 3);
    ck_assert_uint_eq(figure(COUNTED_RECEIVED, place_of(other), FIGURE_RECEIVED), 3);
    ck_assert_uint_eq(figure(COUNTED_RECEIVED, place_of(third), FIGURE_RECEIVED), 2);
    ck_assert_uint_eq(figure(COUNTED_SENT, 0, FIGURE_RECEIVED), 0);
    const struct statistics_line all = {0, STATISTICS_OUTBOUND};
    ck_assert_int_eq(statistics_on_time(counted->sides[COUNTED_RECEIVED], all), 500);
    ck_assert_int_eq(statistics_quantile(counted->sides[COUNTED_RECEIVED], all, DAYS_WINDOW, 50),
                     9);
    ck_assert_int_eq(statistics_quantile(counted->sides[COUNTED_RECEIVED], all, DAYS_WINDOW, 90),
                     25);
    ck_assert_int_eq(statistics_on_time(counted->earlier[COUNTED_RECEIVED], all), 0);
    ck_assert_uint_eq(statistics_figure(counted->earlier[COUNTED_RECEIVED], all, FIGURE_RECEIVED),
                      1);
    ck_assert_uint_eq(counted->overdue_total, 1);
    ck_assert_uint_eq(counted->overdue[0].responsible, self->number);
    ck_assert(counted->overdue[0].minor);
}
END_TEST

START_TEST(what_was_sent_goes_by_who_received_it)
{
    struct statistics_referral row = received_on("2026-08-01");

    row.sender = self->number;
    row.receiver = other->number;
    row.inbound = true;
    row.state = REFERRAL_QUEUED;
    add(&row, true);
    row.receiver = 60000; /* none of the registry's: left out */
    add(&row, true);
    const struct statistics_line line = {place_of(other), STATISTICS_INBOUND};
    ck_assert_uint_eq(statistics_figure(counted->sides[COUNTED_SENT], line, FIGURE_UNDELIVERED), 1);
    const struct statistics_line all = {0, STATISTICS_INBOUND};
    ck_assert_uint_eq(statistics_figure(counted->sides[COUNTED_SENT], all, FIGURE_RECEIVED), 1);
}
END_TEST

START_TEST(the_oldest_overdue_are_kept_in_order)
{
    struct statistics_referral row = received_on("2026-08-01");

    for (unsigned i = 0; i < 3 * COUNTED_OVERDUE_MAX; i++) {
        row.due_before_ms = noon("2026-09-01") + (i * 37 % (3 * COUNTED_OVERDUE_MAX)) * 1000;
        add(&row, false);
    }
    ck_assert_uint_eq(counted->overdue_total, 3 * COUNTED_OVERDUE_MAX);
    ck_assert_uint_eq(counted->overdue_count, COUNTED_OVERDUE_MAX);
    for (unsigned i = 0; i < COUNTED_OVERDUE_MAX; i++) {
        ck_assert_uint_eq(counted->overdue[i].due_before_ms, noon("2026-09-01") + i * 1000);
    }
}
END_TEST

START_TEST(duties_are_our_own_or_others)
{
    const struct work_item item = {.of_matter = true};
    const struct statistics_duty duties[] = {
        {.holder = self->number,
         .kind = DUTY_PROMISE,
         .due_day = day("2026-08-03"),
         .due_before_ms = noon("2026-08-03"),
         .stopped_ms = noon("2026-08-02")},
        {.holder = self->number,
         .kind = DUTY_PROMISE,
         .due_day = day("2026-08-03"),
         .due_before_ms = noon("2026-08-03")},
        {.holder = other->number,
         .kind = DUTY_FOLLOW_UP,
         .due_day = day("2026-09-30"),
         .due_before_ms = noon("2026-09-30"),
         .stopped_ms = noon("2026-09-01"),
         .cancelled = true},
        {.holder = other->number,
         .kind = DUTY_FOLLOW_UP,
         .due_day = day("2026-10-01"),
         .due_before_ms = noon("2026-10-01")},
    };
    const struct work_figures figures = {.item = &item, .duties = duties, .duty_count = 4};

    ck_assert_int_eq(counted_add(counted, &figures), OK);
    ck_assert_uint_eq(statistics_duty(counted->duties, COUNTED_OWN, DUTY_PROMISE, DUTY_FIGURE_DUE),
                      2);
    ck_assert_uint_eq(
        statistics_duty(counted->duties, COUNTED_OWN, DUTY_PROMISE, DUTY_FIGURE_IN_TIME), 1);
    ck_assert_uint_eq(
        statistics_duty(counted->duties, COUNTED_OWN, DUTY_PROMISE, DUTY_FIGURE_OVERDUE), 1);
    ck_assert_uint_eq(
        statistics_duty(counted->duties, COUNTED_OTHERS, DUTY_FOLLOW_UP, DUTY_FIGURE_DUE), 1);
    ck_assert_uint_eq(
        statistics_duty(counted->duties, COUNTED_OTHERS, DUTY_FOLLOW_UP, DUTY_FIGURE_CANCELLED), 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_web_counted");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, months_are_whole_and_in_order);
    tcase_add_test(all, what_was_received_by_hand);
    tcase_add_test(all, what_was_sent_goes_by_who_received_it);
    tcase_add_test(all, the_oldest_overdue_are_kept_in_order);
    tcase_add_test(all, duties_are_our_own_or_others);
    suite_add_tcase(suite, all);
    return suite_run(suite);
}
