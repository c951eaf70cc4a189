/* lib/model/statistics: figures worked out by hand, and over random rows what must hold of every
 * table: each received referral is in one state, the agencies add up to all, and a quantile is the
 * smallest number of days that enough answers did not exceed. */
#include "model/statistics.h"
#include "model_support.h"

#define DAY(n) civil_start_ms(20000 + (n))

static const struct statistics_period whole = {20000, 20100, UINT64_C(1736500000000)};

static struct statistics *table(size_t agencies, struct statistics_period period)
{
    struct statistics *statistics = NULL;
    ck_assert_int_eq(statistics_new(agencies, period, &statistics), OK);
    return statistics;
}

/* ---- rows ---- */

static struct referral answered(void)
{
    struct referral referral;
    memset(&referral, 0, sizeof(referral));
    referral.kind = MESSAGE_OUTBOUND_REFERRAL;
    referral.sender = 1;
    referral.receiver = 3;
    referral.state = REFERRAL_ANSWERED;
    referral.marks = MARK_SIGNED;
    referral.late = true;
    referral.late_answers = 2;
    referral.procedure_count = 1;
    referral.outcome = OUTCOME_GRANTED;
    referral.granted = 1u << 3;
    referral.raised[STEP_DUE_1] = 2;
    referral.document_count = 1;
    return referral;
}

/* Over the Spring Festival of 2026: 14 February is a make-up Saturday, 15 to 23 are off. */
START_TEST(days_are_working_days_behind_the_day_of_arrival)
{
    struct calendar *calendar = calendar_shipped(2026, false);
    struct referral referral = answered();
    struct window *window = &referral.clocks[REFERRAL_CLOCK_FEEDBACK];
    struct statistics_referral row;
    int32_t first = 0, second = 0, answer = 0;
    ck_assert_int_eq(civil_from_yyyymmdd(20260202, &first), OK);
    ck_assert_int_eq(civil_from_yyyymmdd(20260213, &second), OK);
    ck_assert_int_eq(civil_from_yyyymmdd(20260225, &answer), OK);
    referral.submitted_ms = civil_start_ms(first);
    referral.delivered_ms = civil_end_ms(first) - 1;
    *window = (struct window){.kind = CLOCK_FEEDBACK_OUTBOUND, .number = 2, .n = 20};
    window->start_ms = civil_start_ms(second);
    window->stopped_ms = civil_start_ms(answer);
    window->due_before_ms = civil_end_ms(second);
    referral.answered_ms = window->stopped_ms;
    statistics_referral_of(&referral, calendar, &row);
    ck_assert_uint_eq(row.window_days, 3); /* 14, 24, 25 February */
    ck_assert_uint_eq(row.whole_days, 12);
    ck_assert_uint_eq(row.answers, 2);
    ck_assert_uint_eq(row.late_answers, 2);
    ck_assert_uint_eq(row.due_before_ms, 0);
    ck_assert(row.final && row.late && row.is_signed && !row.inbound);
    referral.claimed_ms = civil_start_ms(second + 1); /* it counts, not the time of arrival */
    statistics_referral_of(&referral, calendar, &row);
    ck_assert_uint_eq(row.window_days, 1);
    window->stopped_ms = 0;
    referral.state = REFERRAL_DELIVERED;
    statistics_referral_of(&referral, calendar, &row);
    ck_assert(!row.final);
    ck_assert_uint_eq(row.answers, 1);
    ck_assert_uint_eq(row.due_before_ms, window->due_before_ms);
    calendar_free(calendar);
}
END_TEST

/* ---- one row, one figure ---- */

static const struct {
    struct statistics_referral row;
    enum statistics_figure figure;
} state_rows[] = {
    {{.state = REFERRAL_QUEUED}, FIGURE_UNDELIVERED},
    {{.state = REFERRAL_DELIVERED, .due_before_ms = UINT64_C(1736500000001)}, FIGURE_OPEN},
    {{.state = REFERRAL_DELIVERED, .due_before_ms = UINT64_C(1736500000000)}, FIGURE_OVERDUE},
    {{.state = REFERRAL_PROCEDURE}, FIGURE_PROCEDURE},
    {{.state = REFERRAL_ANSWERED}, FIGURE_IN_TIME},
    {{.state = REFERRAL_ANSWERED, .late = true}, FIGURE_LATE},
    {{.state = REFERRAL_WITHDRAWN, .late = true}, FIGURE_WITHDRAWN},
    {{.state = REFERRAL_RETURNED}, FIGURE_RETURNED},
};

START_TEST(a_state_is_one_figure)
{
    struct statistics *statistics = table(2, whole);
    struct statistics_referral row = state_rows[_i].row;
    row.sender = 1;
    row.receiver = 2;
    row.inbound = _i % 2 != 0;
    row.submitted_ms = DAY(5);
    struct statistics_line mine = {2, row.inbound ? STATISTICS_INBOUND : STATISTICS_OUTBOUND};
    struct statistics_line other = {2, row.inbound ? STATISTICS_OUTBOUND : STATISTICS_INBOUND};
    ck_assert_int_eq(statistics_add_referral(statistics, &row), OK);
    for (int i = FIGURE_IN_TIME; i <= FIGURE_RETURNED; i++) {
        ck_assert_uint_eq(statistics_figure(statistics, mine, (enum statistics_figure)i),
                          i == (int)state_rows[_i].figure ? 1 : 0);
    }
    ck_assert_uint_eq(statistics_figure(statistics, mine, FIGURE_SENT), 0);
    ck_assert(statistics_empty(statistics, other));
    mine.agency = 1;
    ck_assert_uint_eq(statistics_figure(statistics, mine, FIGURE_SENT), 1);
    ck_assert_uint_eq(statistics_figure(statistics, mine, FIGURE_RECEIVED), 0);
    statistics_free(statistics);
}
END_TEST

START_TEST(a_period_has_its_first_and_its_last_day)
{
    const struct {
        uint64_t submitted_ms;
        uint64_t received;
    } edges[] = {{DAY(0) - 1, 0}, {DAY(0), 1}, {DAY(101) - 1, 1}, {DAY(101), 0}};
    for (size_t i = 0; i < COUNT_OF(edges); i++) {
        struct statistics *statistics = table(1, whole);
        struct statistics_referral row = {
            .sender = 1, .receiver = 1, .submitted_ms = edges[i].submitted_ms};
        ck_assert_int_eq(statistics_add_referral(statistics, &row), OK);
        ck_assert_uint_eq(
            statistics_figure(statistics, (struct statistics_line){0, 0}, FIGURE_RECEIVED),
            edges[i].received);
        statistics_free(statistics);
    }
}
END_TEST

START_TEST(strangers_are_refused)
{
    static const struct statistics_referral rows[] = {{.sender = 0, .receiver = 1},
                                                      {.sender = 1, .receiver = 0},
                                                      {.sender = 3, .receiver = 1},
                                                      {.sender = 1, .receiver = 3}};
    static const struct statistics_duty duties[] = {{.holder = 0, .kind = DUTY_FOLLOW_UP},
                                                    {.holder = 3, .kind = DUTY_FOLLOW_UP},
                                                    {.holder = 1, .kind = DUTY_KIND_END},
                                                    {.holder = 1, .kind = DUTY_INFORMATION - 1}};
    struct statistics *statistics = table(2, whole);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ck_assert_int_eq(statistics_add_referral(statistics, &rows[i]), ERR_INVALID);
        ck_assert_int_eq(statistics_add_duty(statistics, &duties[i]), ERR_INVALID);
    }
    ck_assert(statistics_empty(statistics, (struct statistics_line){0, STATISTICS_OUTBOUND}));
    statistics_free(statistics);
}
END_TEST

/* ---- quantiles and rates ---- */

static const struct {
    uint32_t days[8];
    size_t count;
    int64_t median, p90;
} quantile_rows[] = {
    {{0}, 0, -1, -1},          {{7}, 1, 7, 7},
    {{9, 3}, 2, 3, 9},         {{20, 1, 5}, 3, 5, 20},
    {{0, 0, 0, 40}, 4, 0, 40}, {{5000, 1, 2, 3, 4, 4, 4, 9}, 8, 4, 5000},
};

START_TEST(quantiles_are_the_nearest_rank)
{
    struct statistics *statistics = table(1, whole);
    struct statistics_line line = {1, STATISTICS_INBOUND};
    for (size_t i = 0; i < quantile_rows[_i].count; i++) {
        struct statistics_referral row = {.sender = 1,
                                          .receiver = 1,
                                          .inbound = true,
                                          .state = REFERRAL_ANSWERED,
                                          .submitted_ms = DAY(1),
                                          .final = true,
                                          .window_days = quantile_rows[_i].days[i],
                                          .whole_days = quantile_rows[_i].days[i] + 1};
        ck_assert_int_eq(statistics_add_referral(statistics, &row), OK);
    }
    int64_t later = quantile_rows[_i].count > 0 ? 1 : 0;
    ck_assert_int_eq(statistics_quantile(statistics, line, DAYS_WINDOW, 50),
                     quantile_rows[_i].median);
    ck_assert_int_eq(statistics_quantile(statistics, line, DAYS_WINDOW, 90), quantile_rows[_i].p90);
    ck_assert_int_eq(statistics_quantile(statistics, line, DAYS_WHOLE, 50),
                     quantile_rows[_i].median + later);
    statistics_free(statistics);
}
END_TEST

/* Two answers in time, one late, one overdue: 2 of 4. A third in time: 3 of 5. */
START_TEST(the_rate_counts_what_is_overdue)
{
    struct statistics *statistics = table(1, whole);
    struct statistics_line line = {1, STATISTICS_OUTBOUND};
    struct statistics_referral row = {.sender = 1, .receiver = 1, .submitted_ms = DAY(1)};
    ck_assert_int_eq(statistics_on_time(statistics, line), -1);
    row.state = REFERRAL_PROCEDURE;
    row.answers = 3;
    row.late_answers = 1;
    ck_assert_int_eq(statistics_add_referral(statistics, &row), OK);
    ck_assert_int_eq(statistics_on_time(statistics, line), 666);
    row = (struct statistics_referral){.sender = 1,
                                       .receiver = 1,
                                       .submitted_ms = DAY(1),
                                       .state = REFERRAL_DELIVERED,
                                       .due_before_ms = 1};
    ck_assert_int_eq(statistics_add_referral(statistics, &row), OK);
    ck_assert_int_eq(statistics_on_time(statistics, line), 500);
    statistics_free(statistics);
}
END_TEST

/* ---- duties ---- */

static const struct {
    struct statistics_duty row;
    enum duty_figure figure; /* DUTY_FIGURE_COUNT: of no period */
} duty_rows[] = {
    {{.due_before_ms = UINT64_MAX, .due_day = 20000}, DUTY_FIGURE_OPEN},
    {{.due_before_ms = 5, .due_day = 20100}, DUTY_FIGURE_OVERDUE},
    {{.due_before_ms = 5, .due_day = 20050, .stopped_ms = 4}, DUTY_FIGURE_IN_TIME},
    {{.due_before_ms = 5, .due_day = 20050, .stopped_ms = 5}, DUTY_FIGURE_LATE},
    {{.due_before_ms = 5, .due_day = 20050, .stopped_ms = 5, .cancelled = true},
     DUTY_FIGURE_CANCELLED},
    {{.due_before_ms = 5, .due_day = 20101}, DUTY_FIGURE_COUNT},
    {{.due_before_ms = 5, .due_day = 19999}, DUTY_FIGURE_COUNT},
    {{.due_before_ms = 0, .due_day = 20050}, DUTY_FIGURE_COUNT},
};

START_TEST(a_duty_is_one_figure)
{
    struct statistics *statistics = table(2, whole);
    struct statistics_duty row = duty_rows[_i].row;
    row.holder = 2;
    row.kind = DUTY_FOLLOW_UP;
    ck_assert_int_eq(statistics_add_duty(statistics, &row), OK);
    bool counted = duty_rows[_i].figure != DUTY_FIGURE_COUNT;
    for (size_t agency = 0; agency <= 2; agency++) {
        uint64_t here = agency != 1 && counted ? 1 : 0;
        for (int i = 0; i < DUTY_FIGURE_COUNT; i++) {
            bool is = i == DUTY_FIGURE_DUE || i == (int)duty_rows[_i].figure;
            ck_assert_uint_eq(
                statistics_duty(statistics, agency, DUTY_FOLLOW_UP, (enum duty_figure)i),
                is ? here : 0);
        }
        ck_assert_uint_eq(statistics_duty(statistics, agency, DUTY_PROMISE, DUTY_FIGURE_DUE), 0);
    }
    statistics_free(statistics);
}
END_TEST

START_TEST(duties_of_a_matter)
{
    static struct matter matter; /* large */
    struct statistics_duty row;
    matter.duty_count = 2;
    matter.duties[1] = (struct duty){.kind = DUTY_FOLLOW_UP,
                                     .holder = 7,
                                     .cancelled = true,
                                     .window = {.due_day = 9, .due_before_ms = 8, .stopped_ms = 6}};
    ck_assert_int_eq(statistics_duty_of(&matter, 2, &row), ERR_NOT_FOUND);
    ck_assert_int_eq(statistics_duty_of(&matter, 1, &row), OK);
    ck_assert_int_eq(row.kind, DUTY_FOLLOW_UP);
    ck_assert_uint_eq(row.holder, 7);
    ck_assert(row.cancelled);
    ck_assert_int_eq(row.due_day, 9);
    ck_assert_uint_eq(row.due_before_ms, 8);
    ck_assert_uint_eq(row.stopped_ms, 6);
}
END_TEST

/* ---- names ---- */

START_TEST(every_figure_has_its_name_once)
{
    for (int i = 0; i < FIGURE_COUNT; i++) {
        const struct word *word = statistics_figure_word((enum statistics_figure)i);
        ck_assert_uint_eq(word->value, (uint32_t)i);
        for (int k = 0; k < i; k++) {
            const struct word *other = statistics_figure_word((enum statistics_figure)k);
            ck_assert_str_ne(word->id, other->id);
            ck_assert_str_ne(word->zh, other->zh);
        }
    }
    for (int set = 0; set < SET_COUNT; set++) {
        size_t count = 0;
        const struct word *words = statistics_set_words((enum statistics_set)set, &count);
        for (size_t i = 0; i < count; i++) {
            ck_assert_uint_lt(words[i].value, 64);
        }
        ck_assert_uint_gt(count, 0);
        ck_assert_uint_eq(statistics_set_word((enum statistics_set)set)->value, (uint32_t)set);
    }
    for (int step = 0; step < RUNG_STEP_COUNT; step++) {
        size_t count = 0;
        const struct word *words = statistics_set_words(SET_RUNGS, &count);
        ck_assert_str_eq(words[step].id, rung_step_id((enum rung_step)step));
    }
    for (int kind = DUTY_INFORMATION; kind < DUTY_KIND_END; kind++) {
        ck_assert_uint_eq(statistics_duty_word((enum duty_kind)kind)->value, (uint32_t)kind);
    }
}
END_TEST

/* ---- random tables ---- */

#define AGENCIES 5u
#define ROWS     400u

static uint32_t step(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static struct statistics_referral random_row(uint32_t *state)
{
    struct statistics_referral row = {
        .sender = (uint16_t)(step(state) % AGENCIES + 1),
        .receiver = (uint16_t)(step(state) % AGENCIES + 1),
        .inbound = step(state) % 3 == 0,
        .state = (enum referral_state)(step(state) % (REFERRAL_STATE_COUNT - 1) + 1),
        .is_signed = step(state) % 2 == 0,
        .late = step(state) % 2 == 0,
        .submitted_ms = DAY((int32_t)(step(state) % 160)) - 20 * CIVIL_DAY_MS,
        .due_before_ms = whole.as_of_ms - 100 + step(state) % 200,
        .answers = step(state) % 4,
        .window_days = step(state) % 60,
        .priority_groups = step(state),
        .outcome = (enum feedback_outcome)(step(state) % OUTCOME_COUNT),
    };
    row.final = row.state == REFERRAL_ANSWERED;
    row.late_answers = row.answers > 0 ? step(state) % (row.answers + 1) : 0;
    return row;
}

static uint64_t sum_of_states(const struct statistics *statistics, struct statistics_line line)
{
    uint64_t sum = 0;
    for (int i = FIGURE_IN_TIME; i <= FIGURE_RETURNED; i++) {
        sum += statistics_figure(statistics, line, (enum statistics_figure)i);
    }
    return sum;
}

/* By the definition: at least `percent` of a hundred are at or below it, and fewer below. */
static void check_quantile(struct statistics *statistics, const struct statistics_referral *rows,
                           struct statistics_line line, unsigned percent)
{
    int64_t found = statistics_quantile(statistics, line, DAYS_WINDOW, percent);
    size_t count = 0, below = 0, up_to = 0;
    for (size_t i = 0; i < ROWS; i++) {
        int32_t day = civil_day_at(rows[i].submitted_ms);
        bool is = rows[i].final && rows[i].inbound == (line.direction == STATISTICS_INBOUND) &&
                  (line.agency == 0 || line.agency == rows[i].receiver) && day >= whole.first_day &&
                  day <= whole.last_day;
        count += is ? 1 : 0;
        below += is && rows[i].window_days < found ? 1 : 0;
        up_to += is && rows[i].window_days <= found ? 1 : 0;
    }
    if (count == 0) {
        ck_assert_int_eq(found, -1);
        return;
    }
    ck_assert_uint_ge(100 * up_to, percent * count);
    ck_assert_uint_lt(100 * below, percent * count);
}

static void check_direction(struct statistics *statistics, const struct statistics_referral *rows,
                            enum statistics_direction direction)
{
    uint64_t sums[FIGURE_COUNT] = {0};
    for (size_t agency = 0; agency <= AGENCIES; agency++) {
        struct statistics_line line = {agency, direction};
        ck_assert_uint_eq(sum_of_states(statistics, line),
                          statistics_figure(statistics, line, FIGURE_RECEIVED));
        ck_assert_int_ge(statistics_on_time(statistics, line), -1);
        ck_assert_int_le(statistics_on_time(statistics, line), 1000);
        check_quantile(statistics, rows, line, 50);
        check_quantile(statistics, rows, line, 90);
        for (int i = 0; agency > 0 && i < FIGURE_COUNT; i++) {
            sums[i] += statistics_figure(statistics, line, (enum statistics_figure)i);
        }
    }
    for (int i = 0; i < FIGURE_COUNT; i++) {
        struct statistics_line all = {0, direction};
        ck_assert_uint_eq(sums[i], statistics_figure(statistics, all, (enum statistics_figure)i));
    }
}

START_TEST(random_tables_add_up)
{
    uint32_t state = (uint32_t)_i + 1; /* the seed */
    struct statistics_referral rows[ROWS];
    struct statistics *statistics = table(AGENCIES, whole);
    for (size_t i = 0; i < ROWS; i++) {
        rows[i] = random_row(&state);
        ck_assert_int_eq(statistics_add_referral(statistics, &rows[i]), OK);
    }
    check_direction(statistics, rows, STATISTICS_OUTBOUND);
    check_direction(statistics, rows, STATISTICS_INBOUND);
    statistics_free(statistics);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("statistics");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, days_are_working_days_behind_the_day_of_arrival);
    tcase_add_loop_test(cases, a_state_is_one_figure, 0, (int)COUNT_OF(state_rows));
    tcase_add_test(cases, a_period_has_its_first_and_its_last_day);
    tcase_add_test(cases, strangers_are_refused);
    tcase_add_loop_test(cases, quantiles_are_the_nearest_rank, 0, (int)COUNT_OF(quantile_rows));
    tcase_add_test(cases, the_rate_counts_what_is_overdue);
    tcase_add_loop_test(cases, a_duty_is_one_figure, 0, (int)COUNT_OF(duty_rows));
    tcase_add_test(cases, duties_of_a_matter);
    tcase_add_test(cases, every_figure_has_its_name_once);
    tcase_add_loop_test(cases, random_tables_add_up, 0, 40);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
