/* lib/model/window: the rung table of the domain word by word, windows worked out by hand on the
 * notice of 2026, lateness, the explanation of a date, and re-dating as examples and as properties
 * over thousands of random windows. Every day and rung of four years is compared in tests/oracle.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "model/window.h"
#include "shipped_calendar.h"

#define HOUR_MS UINT64_C(3600000)

/* The notice of 2027 as the tests imagine it: long holidays with make-up workdays around them. */
static const char notice_2027[] =
    "{\"year\":2027,\"papers\":[\"test\"],\"days\":["
    "{\"name\":\"元旦\",\"date\":\"2026-12-31\",\"isOffDay\":true},"
    "{\"name\":\"元旦\",\"date\":\"2027-01-01\",\"isOffDay\":true},"
    "{\"name\":\"元旦\",\"date\":\"2027-01-03\",\"isOffDay\":false},"
    "{\"name\":\"元旦\",\"date\":\"2027-01-09\",\"isOffDay\":false},"
    "{\"name\":\"元旦\",\"date\":\"2027-01-10\",\"isOffDay\":false},"
    "{\"name\":\"春节\",\"date\":\"2027-01-30\",\"isOffDay\":false},"
    "{\"name\":\"春节\",\"date\":\"2027-02-05\",\"isOffDay\":true},"
    "{\"name\":\"春节\",\"date\":\"2027-02-06\",\"isOffDay\":true},"
    "{\"name\":\"春节\",\"date\":\"2027-02-07\",\"isOffDay\":true},"
    "{\"name\":\"春节\",\"date\":\"2027-02-08\",\"isOffDay\":true},"
    "{\"name\":\"春节\",\"date\":\"2027-02-09\",\"isOffDay\":true},"
    "{\"name\":\"春节\",\"date\":\"2027-02-10\",\"isOffDay\":true},"
    "{\"name\":\"春节\",\"date\":\"2027-02-11\",\"isOffDay\":true},"
    "{\"name\":\"春节\",\"date\":\"2027-02-20\",\"isOffDay\":false}]}";

static struct calendar *calendar_with_notice(void)
{
    struct calendar *calendar = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(calendar_new(&calendar), OK);
    ck_assert_int_eq(calendar_file_add(calendar, "2026.json", &fault), OK);
    ck_assert_int_eq(calendar_load_text(calendar, "2027.json", span_text(notice_2027), &fault), OK);
    calendar_seal(calendar);
    return calendar;
}

static struct window opened(const struct calendar *calendar, enum clock_kind kind,
                            const char *arrival)
{
    struct window window;
    if (kind == CLOCK_DATED) { /* until a day that people named: three weeks later */
        window_open_dated(calendar, noon_of(arrival), day_of(arrival) + 21, &window);
        return window;
    }
    window_open(ladder_default(), calendar, kind, noon_of(arrival), &window);
    return window;
}

static uint64_t end_of(const char *date)
{
    return civil_end_ms(day_of(date));
}

/* ---- the table of the domain ---- */

#define SENDER TARGET_SENDER
#define DUE3   (TARGET_LEADER | TARGET_SENDER_LEADER | TARGET_OFFICE | TARGET_AGENDA)
#define UND1   (TARGET_OFFICE | TARGET_ADMINISTRATORS | SENDER)

static const struct {
    const char *id;
    enum clock_kind kind;
    int32_t offset;
    uint32_t targets;
    bool document;
} table[] = {
    {"remind-5", CLOCK_FEEDBACK_OUTBOUND, -5, TARGET_LIAISON, false},
    {"remind-2", CLOCK_FEEDBACK_INBOUND, -2, TARGET_LIAISON, false},
    {"due-1", CLOCK_TELL_APPLICANT, 0, TARGET_LIAISON | TARGET_LEADER | SENDER, true},
    {"due-2", CLOCK_PAPERS, 3, TARGET_LIAISON | TARGET_LEADER | SENDER | TARGET_OFFICE, true},
    {"due-3", CLOCK_INFORMATION, 10, DUE3, true},
    {"due-3.1", CLOCK_FEEDBACK_OUTBOUND, 20, DUE3, true},
    {"due-3.20", CLOCK_FEEDBACK_OUTBOUND, 210, DUE3, true},
    {"undelivered-1", CLOCK_UNDELIVERED, 1, UND1, true},
    {"undelivered-2", CLOCK_UNDELIVERED, 3, UND1 | TARGET_LEADER, true},
    {"undelivered-2.1", CLOCK_UNDELIVERED, 8, UND1 | TARGET_LEADER, true},
    {"undelivered-2.20", CLOCK_UNDELIVERED, 103, UND1 | TARGET_LEADER, true},
    {"urgent-1", CLOCK_URGENT, 2, TARGET_DUTY, true},
    {"urgent-2", CLOCK_URGENT, 6, TARGET_LEADER | TARGET_OFFICE, true},
    {"unsigned-1", CLOCK_UNSIGNED, 3, TARGET_LIAISON, true},
    {"unsigned-2", CLOCK_UNSIGNED, 5, TARGET_LEADER, true},
};

START_TEST(test_table_of_rungs)
{
    enum rung rung = RUNG_COUNT;
    ck_assert_int_eq(rung_parse(table[_i].id, &rung), OK);
    ck_assert_str_eq(rung_id(rung), table[_i].id);
    ck_assert(rung_is_of(rung, table[_i].kind));
    ck_assert(rung_is_document(rung) == table[_i].document);
    ck_assert_int_eq(ladder_default()->rungs[rung].offset, table[_i].offset);
    ck_assert_uint_eq(ladder_default()->rungs[rung].targets, table[_i].targets);
}
END_TEST

START_TEST(test_ids)
{
    static const char *const wrong[] = {
        "",       "due",     "due-3.0",         "due-3.21", "due-4",    "Due-1",
        "due-1 ", "remind5", "undelivered-2.0", "due-3.",   "urgent-3", "unsigned-3"};
    enum rung rung = RUNG_DUE_1;
    enum clock_kind kind = CLOCK_PAPERS;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ck_assert_int_eq(rung_parse(wrong[i], &rung), ERR_NOT_FOUND);
        ck_assert_int_eq(clock_kind_parse(wrong[i], &kind), ERR_NOT_FOUND);
    }
    ck_assert_int_eq(rung, RUNG_DUE_1);
    ck_assert_int_eq(kind, CLOCK_PAPERS);
    struct rung_set seen = {0};
    for (unsigned i = 0; i < RUNG_COUNT; i++) {
        ck_assert_int_eq(rung_parse(rung_id((enum rung)i), &rung), OK);
        ck_assert_uint_eq(rung, i);
        ck_assert_uint_lt(strlen(rung_id(rung)), RUNG_ID_BYTES);
        ck_assert(!rung_set_has(seen, rung));
        seen = rung_set_with(seen, rung);
        ck_assert_uint_eq(rung_set_count(seen), i + 1);
    }
    for (unsigned i = 0; i < CLOCK_KIND_COUNT; i++) {
        ck_assert_int_eq(clock_kind_parse(clock_kind_id((enum clock_kind)i), &kind), OK);
        ck_assert_uint_eq(kind, i);
    }
}
END_TEST

/* A step has its rung and the repeats of it, whose ids go on with a dot; both reminders are one. */
START_TEST(test_steps)
{
    for (int i = 0; i < RUNG_COUNT; i++) {
        const char *id = rung_id((enum rung)i);
        const char *step = rung_step_id(rung_step_of((enum rung)i));
        size_t len = strlen(step);
        ck_assert_msg(strncmp(id, step, len) == 0, "%s in %s", id, step);
        ck_assert_msg(id[len] == '\0' || id[len] == '.' || i <= RUNG_REMIND_2, "%s in %s", id,
                      step);
    }
}
END_TEST

START_TEST(test_ladder_refusals)
{
    struct fault fault = {.code = ""};
    struct ladder ladder = *ladder_default();
    ck_assert_int_eq(ladder_check(&ladder, &fault), OK);
    ladder.rungs[RUNG_DUE_2].offset = 0; /* with due-1, not after it */
    ck_assert_int_eq(ladder_check(&ladder, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.place, "due-2");
    ladder = *ladder_default();
    ladder.rungs[RUNG_URGENT_1].offset = 0;
    ck_assert_int_eq(ladder_check(&ladder, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.place, "urgent-1");
    ladder = *ladder_default();
    ladder.rungs[RUNG_DUE_3_LAST].offset = 100000;
    ck_assert_int_eq(ladder_check(&ladder, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.place, "due-3.20");
    static const uint32_t wrong_days[] = {0, 401, UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        ladder = *ladder_default();
        ladder.days[CLOCK_PAPERS] = wrong_days[i];
        ck_assert_int_eq(ladder_check(&ladder, &fault), ERR_INVALID);
        ck_assert_str_eq(fault.place, "papers");
    }
    ladder = *ladder_default();
    ladder.days[CLOCK_URGENT] = 5;
    ck_assert_int_eq(ladder_check(&ladder, NULL), ERR_INVALID);
}
END_TEST

/* ---- one window by hand: Friday 18 September 2026, 20 working days, two holidays ---- */

static const struct {
    enum clock_kind kind;
    const char *arrival;
    enum rung rung;
    const char *day; /* NULL: no such rung */
} rung_cases[] = {
    {CLOCK_FEEDBACK_OUTBOUND, "2026-09-18", RUNG_REMIND_5, "2026-10-15"},
    {CLOCK_FEEDBACK_OUTBOUND, "2026-09-18", RUNG_REMIND_2, "2026-10-20"},
    {CLOCK_FEEDBACK_OUTBOUND, "2026-09-18", RUNG_DUE_1, "2026-10-22"},
    {CLOCK_FEEDBACK_OUTBOUND, "2026-09-18", RUNG_DUE_2, "2026-10-27"},
    {CLOCK_FEEDBACK_OUTBOUND, "2026-09-18", RUNG_DUE_3, "2026-11-05"},
    {CLOCK_FEEDBACK_INBOUND, "2026-09-18", RUNG_DUE_1, "2026-10-09"},
    {CLOCK_FEEDBACK_INBOUND, "2026-09-18", RUNG_REMIND_5, "2026-09-24"},
    {CLOCK_TELL_APPLICANT, "2026-09-18", RUNG_REMIND_5, NULL}, /* N - 5 < 1 */
    {CLOCK_TELL_APPLICANT, "2026-09-18", RUNG_REMIND_2, "2026-09-22"},
    {CLOCK_UNSIGNED, "2026-09-18", RUNG_UNSIGNED_1, "2026-09-22"},
    {CLOCK_UNSIGNED, "2026-09-18", RUNG_DUE_1, NULL},
    {CLOCK_UNDELIVERED, "2026-09-30", RUNG_UNDELIVERED_1, "2026-10-08"},
    {CLOCK_UNDELIVERED, "2026-09-30", RUNG_UNDELIVERED_2, "2026-10-10"}, /* make-up Saturday */
    {CLOCK_UNDELIVERED, "2026-09-30", RUNG_URGENT_1, NULL},
};

START_TEST(test_rungs_by_hand)
{
    struct calendar *calendar = calendar_shipped(2026, true);
    struct window window = opened(calendar, rung_cases[_i].kind, rung_cases[_i].arrival);
    uint64_t due_ms = 7;
    bool has = rung_due_ms(ladder_default(), calendar, &window, rung_cases[_i].rung, &due_ms);
    ck_assert(has == (rung_cases[_i].day != NULL));
    ck_assert_uint_eq(due_ms, has ? end_of(rung_cases[_i].day) : 7);
    calendar_free(calendar);
}
END_TEST

START_TEST(test_urgent_is_round_the_clock)
{
    struct calendar *calendar = calendar_shipped(2026, true);
    struct window window = opened(calendar, CLOCK_URGENT, "2026-10-03"); /* a holiday */
    enum rung rung = RUNG_COUNT;
    uint64_t due_ms = 0;
    ck_assert(rung_next(ladder_default(), calendar, &window, &rung, &due_ms));
    ck_assert_int_eq(rung, RUNG_URGENT_1);
    ck_assert_uint_eq(due_ms, noon_of("2026-10-03") + 2 * HOUR_MS);
    window.raised = rung_set_with(window.raised, rung);
    ck_assert(rung_next(ladder_default(), calendar, &window, &rung, &due_ms));
    ck_assert_int_eq(rung, RUNG_URGENT_2);
    ck_assert_uint_eq(due_ms, noon_of("2026-10-03") + 6 * HOUR_MS);
    window.raised = rung_set_with(window.raised, rung);
    ck_assert(!rung_next(ladder_default(), calendar, &window, &rung, &due_ms));
    calendar_free(calendar);
}
END_TEST

/* A clock until a day that people gave: rungs count from that day, whichever day it is; a reminder
 * that would come before its first working day is not sent; no calendar moves the day. */
static const struct {
    const char *given;
    uint32_t n;
    enum rung rung;
    const char *due; /* NULL: no such rung */
} dated_rows[] = {
    {"2026-03-06", 4, RUNG_REMIND_2, "2026-03-04"}, /* a Friday */
    {"2026-03-06", 4, RUNG_REMIND_5, NULL},
    {"2026-03-06", 4, RUNG_DUE_1, "2026-03-06"},
    {"2026-03-06", 4, RUNG_DUE_2, "2026-03-11"},
    {"2026-03-07", 4, RUNG_DUE_1, "2026-03-07"}, /* a Saturday stays one */
    {"2026-03-07", 4, RUNG_DUE_2, "2026-03-11"},
    {"2026-03-09", 5, RUNG_REMIND_5, NULL},
    {"2026-03-10", 6, RUNG_REMIND_5, "2026-03-03"},
    {"2026-03-02", 1, RUNG_DUE_1, "2026-03-02"}, /* the day itself */
    {"2026-03-02", 1, RUNG_REMIND_2, NULL},
    {"2026-05-06", 43, RUNG_REMIND_2, "2026-04-29"}, /* over the holiday of May */
};

START_TEST(test_dated)
{
    struct calendar *calendar = calendar_shipped(2026, true);
    struct window window;
    struct redating redating;
    uint64_t due_ms = 0;
    window_open_dated(calendar, noon_of("2026-03-02"), day_of(dated_rows[_i].given), &window);
    ck_assert_uint_eq(window.n, dated_rows[_i].n);
    ck_assert_uint_eq(window.due_before_ms, end_of(dated_rows[_i].given));
    ck_assert_int_eq(window.basis, BASIS_GIVEN);
    ck_assert(!window.provisional);
    bool there = rung_due_ms(ladder_default(), calendar, &window, dated_rows[_i].rung, &due_ms);
    ck_assert_int_eq(there, dated_rows[_i].due != NULL);
    ck_assert(!there || due_ms == end_of(dated_rows[_i].due));
    ck_assert(!rung_due_ms(ladder_default(), calendar, &window, RUNG_UNSIGNED_1, &due_ms));
    window_redate(ladder_default(), calendar, noon_of("2026-03-03"), &window, &redating);
    ck_assert(!redating.moved && !redating.settled);
    ck_assert_uint_eq(window.due_before_ms, end_of(dated_rows[_i].given));
    calendar_free(calendar);
}
END_TEST

/* Each rung of a clock comes once, in rising time; a stopped window has none. */
START_TEST(test_rungs_come_once_in_order)
{
    static const uint32_t counts[CLOCK_KIND_COUNT] = {25, 25, 24, 25, 24, 22, 2, 2, 25};
    struct calendar *calendar = calendar_shipped(2026, true);
    struct window window = opened(calendar, (enum clock_kind)_i, "2026-01-30");
    enum rung rung = RUNG_COUNT;
    uint64_t due_ms = 0;
    uint64_t before_ms = window.start_ms;
    uint32_t count = 0;
    while (rung_next(ladder_default(), calendar, &window, &rung, &due_ms)) {
        ck_assert_uint_gt(due_ms, before_ms);
        ck_assert(!rung_set_has(window.raised, rung));
        window.raised = rung_set_with(window.raised, rung);
        before_ms = due_ms;
        count++;
        ck_assert_uint_le(count, RUNG_COUNT);
    }
    ck_assert_uint_eq(count, counts[_i]);
    window.raised = (struct rung_set){0};
    window.stopped_ms = 1;
    ck_assert(!rung_next(ladder_default(), calendar, &window, &rung, &due_ms));
    calendar_free(calendar);
}
END_TEST

static const struct {
    const char *answered;
    int64_t add_ms;
    bool late;
    uint32_t days;
} late_cases[] = {
    /* due before 24:00 of Wednesday 30 September 2026, a holiday follows */
    {"2026-09-29", 0, false, 0},       {"2026-09-30", 43199999, false, 0}, /* 23:59:59.999 */
    {"2026-09-30", 43200000, true, 0}, /* 24:00: late, less than one working day */
    {"2026-10-07", 0, true, 0},        {"2026-10-08", 0, true, 1},
    {"2026-10-10", 0, true, 3}, /* a make-up Saturday counts */
    {"2026-10-11", 0, true, 3},        {"2026-10-12", -43200000, true, 4},
};

START_TEST(test_lateness)
{
    struct calendar *calendar = calendar_shipped(2026, true);
    uint64_t answered_ms = noon_of(late_cases[_i].answered) + (uint64_t)late_cases[_i].add_ms;
    struct lateness lateness = window_lateness(calendar, end_of("2026-09-30"), answered_ms);
    ck_assert(lateness.late == late_cases[_i].late);
    ck_assert_uint_eq(lateness.working_days, late_cases[_i].days);
    calendar_free(calendar);
}
END_TEST

START_TEST(test_trace)
{
    static const char *const expected[] = {
        "2026-09-19 1 ",       "2026-09-20 3 国庆节", "2026-09-25 2 中秋节", "2026-09-26 2 中秋节",
        "2026-09-27 2 中秋节", "2026-10-01 2 国庆节", "2026-10-02 2 国庆节", "2026-10-03 2 国庆节",
        "2026-10-04 2 国庆节", "2026-10-05 2 国庆节", "2026-10-06 2 国庆节", "2026-10-07 2 国庆节",
        "2026-10-10 3 国庆节", "2026-10-11 1 ",       "2026-10-17 1 ",       "2026-10-18 1 "};
    struct calendar *calendar = calendar_shipped(2026, true);
    struct window window = opened(calendar, CLOCK_FEEDBACK_OUTBOUND, "2026-09-18");
    static struct window_trace trace;
    window_trace(calendar, &window, &trace);
    ck_assert_uint_eq(trace.day_count, sizeof(expected) / sizeof(expected[0]));
    for (size_t i = 0; i < trace.day_count; i++) {
        char date[CIVIL_TEXT_BYTES];
        char line[96];
        civil_format(trace.days[i].day, date);
        (void)snprintf(line, sizeof(line), "%s %d %s", date, (int)trace.days[i].reason,
                       trace.days[i].name);
        ck_assert_str_eq(line, expected[i]);
    }
    ck_assert_int_eq(trace.day_0, day_of("2026-09-18"));
    ck_assert_int_eq(trace.day_1, day_of("2026-09-20"));
    ck_assert_int_eq(trace.day_n, day_of("2026-10-22"));
    ck_assert_int_eq(trace.due_day, trace.day_n);
    ck_assert_uint_eq(trace.due_before_ms, end_of("2026-10-22"));
    ck_assert_uint_eq(trace.n, 20);
    ck_assert_uint_eq(trace.omitted, 0);
    ck_assert(!trace.provisional);
    ck_assert_str_eq(trace.version, calendar_version(calendar));
    calendar_free(calendar);
}
END_TEST

/* What a trace shows and what it counts add up, for windows up to the longest. */
START_TEST(test_trace_adds_up)
{
    struct calendar *calendar = calendar_shipped(2026, true);
    static struct window_trace trace;
    for (uint32_t n = 1; n <= 400; n += 7) {
        struct ladder ladder = *ladder_default();
        struct window window;
        ladder.days[CLOCK_PAPERS] = n;
        window_open(&ladder, calendar, CLOCK_PAPERS, noon_of("2023-03-11"), &window);
        window_trace(calendar, &window, &trace);
        uint32_t free_days = 0;
        for (size_t i = 0; i < trace.day_count; i++) {
            free_days += trace.days[i].reason == DAY_MAKE_UP ? 0 : 1;
        }
        ck_assert_uint_eq(trace.omitted, 0);
        ck_assert_int_eq(trace.day_n - trace.day_0, (int32_t)(n + free_days));
    }
    calendar_free(calendar);
}
END_TEST

/* ---- re-dating ---- */

static const struct {
    const char *arrival; /* opened without the notice of 2027 */
    enum clock_kind kind;
    const char *now;
    const char *old_due;
    const char *new_due;
    enum window_basis basis;
} redate_cases[] = {
    /* 31 December became free, 3 January works: the same day N, no longer provisional */
    {"2026-12-10", CLOCK_FEEDBACK_INBOUND, "2026-12-15", "2026-12-24", "2026-12-24",
     BASIS_CALENDAR},
    {"2026-12-17", CLOCK_FEEDBACK_INBOUND, "2026-12-18", "2026-12-31", "2027-01-03",
     BASIS_CALENDAR},
    /* shortened, far ahead of the floor */
    {"2026-12-28", CLOCK_FEEDBACK_INBOUND, "2026-12-30", "2027-01-12", "2027-01-10",
     BASIS_CALENDAR},
};

START_TEST(test_redate_examples)
{
    struct calendar *before = calendar_shipped(2026, true);
    struct calendar *after = calendar_with_notice();
    struct window window = opened(before, redate_cases[_i].kind, redate_cases[_i].arrival);
    struct redating redating;
    ck_assert_uint_eq(window.due_before_ms, end_of(redate_cases[_i].old_due));
    window_redate(ladder_default(), after, noon_of(redate_cases[_i].now), &window, &redating);
    char text[CIVIL_TEXT_BYTES];
    civil_format(window.due_day, text);
    ck_assert_str_eq(text, redate_cases[_i].new_due);
    ck_assert_uint_eq(window.due_before_ms, end_of(redate_cases[_i].new_due));
    ck_assert_int_eq(window.basis, redate_cases[_i].basis);
    ck_assert(!window.provisional);
    ck_assert_uint_eq(redating.old_due_before_ms, end_of(redate_cases[_i].old_due));
    calendar_free(before);
    calendar_free(after);
}
END_TEST

/* Shortened from 14 to 12 January: the floor and the old date, depending on the day. */
START_TEST(test_redate_floor)
{
    static const struct {
        const char *now;
        const char *due;
        enum window_basis basis;
    } cases[] = {
        {"2027-01-04", "2027-01-12", BASIS_CALENDAR}, /* floor 6 January */
        {"2027-01-10", "2027-01-12", BASIS_CALENDAR}, /* the floor is the new date */
        {"2027-01-11", "2027-01-13", BASIS_FLOOR},
        {"2027-01-12", "2027-01-14", BASIS_FLOOR}, /* the floor is the old date */
        {"2027-01-13", "2027-01-14", BASIS_KEPT},  /* it would be later than the old date */
        {"2027-01-14", "2027-01-14", BASIS_KEPT},
        {"2027-01-20", "2027-01-14", BASIS_KEPT}, /* late already: stays late */
    };
    struct calendar *before = calendar_shipped(2026, true);
    struct calendar *after = calendar_with_notice();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct window window = opened(before, CLOCK_FEEDBACK_OUTBOUND, "2026-12-16");
        struct redating redating;
        char text[CIVIL_TEXT_BYTES];
        ck_assert_uint_eq(window.due_before_ms, end_of("2027-01-14"));
        window_redate(ladder_default(), after, noon_of(cases[i].now), &window, &redating);
        civil_format(window.due_day, text);
        ck_assert_str_eq(text, cases[i].due);
        ck_assert_int_eq(window.basis, cases[i].basis);
        ck_assert(redating.moved == (strcmp(text, "2027-01-14") != 0));
    }
    calendar_free(before);
    calendar_free(after);
}
END_TEST

/* Lengthened after due-1 was raised: it is resolved, and never raised again. */
START_TEST(test_redate_resolves)
{
    struct calendar *before = calendar_shipped(2026, true);
    struct calendar *after = calendar_with_notice();
    struct window window = opened(before, CLOCK_FEEDBACK_INBOUND, "2026-12-17");
    struct redating redating;
    enum rung rung = RUNG_COUNT;
    uint64_t due_ms = 0;
    window.raised = rung_set_with(window.raised, RUNG_REMIND_5);
    window.raised = rung_set_with(window.raised, RUNG_DUE_1);
    uint64_t now_ms = end_of("2026-12-31") + HOUR_MS;
    window_redate(ladder_default(), after, now_ms, &window, &redating);
    ck_assert_uint_eq(window.due_before_ms, end_of("2027-01-03"));
    ck_assert(redating.moved && redating.settled);
    ck_assert_uint_eq(redating.annotated.bits, window.raised.bits);
    ck_assert_uint_eq(rung_set_count(redating.resolved), 1);
    ck_assert(rung_set_has(redating.resolved, RUNG_DUE_1));
    ck_assert_uint_eq(rung_set_count(redating.skipped), 1);
    ck_assert(rung_set_has(redating.skipped, RUNG_REMIND_2));
    ck_assert(rung_next(ladder_default(), after, &window, &rung, &due_ms));
    ck_assert_int_eq(rung, RUNG_DUE_2);
    calendar_free(before);
    calendar_free(after);
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* What must hold of any re-dating, said without the formula that makes it. */
static void check_redating(const struct calendar *calendar, uint64_t now_ms,
                           const struct window *old, const struct window *new,
                           const struct redating *redating)
{
    struct due_date fresh;
    calendar_due(calendar, old->start_ms, old->n, &fresh);
    int32_t floor = civil_day_at(now_ms);
    floor = calendar_next_working_day(calendar, calendar_next_working_day(calendar, floor));
    bool taken = new->due_day == fresh.day_n;
    ck_assert(taken || new->due_day == floor || new->due_day == old->due_day);
    ck_assert(taken == (new->basis == BASIS_CALENDAR));
    ck_assert(fresh.day_n < old->due_day || taken);
    ck_assert(new->due_day <= old->due_day || taken);
    ck_assert(new->due_day >= floor || new->due_day >= old->due_day);
    ck_assert(fresh.day_n < floor || taken);
    ck_assert_uint_eq(new->due_before_ms, civil_end_ms(new->due_day));
    ck_assert(redating->moved == (new->due_day != old->due_day));
    ck_assert_uint_eq(new->raised.bits, old->raised.bits);
    ck_assert_uint_eq(new->skipped.bits, old->skipped.bits | redating->skipped.bits);
    ck_assert_uint_eq(redating->annotated.bits & ~old->raised.bits, 0);
    ck_assert_uint_eq(redating->resolved.bits & ~redating->annotated.bits, 0);
    ck_assert_uint_eq(redating->skipped.bits & old->raised.bits, 0);
    ck_assert(!redating->moved || redating->annotated.bits == old->raised.bits);
    for (unsigned r = 0; r < RUNG_COUNT; r++) {
        uint64_t due_ms = 0;
        bool has = rung_due_ms(ladder_default(), calendar, new, (enum rung)r, &due_ms);
        bool raised_ahead = has && rung_set_has(old->raised, (enum rung)r) && due_ms > now_ms;
        ck_assert(rung_set_has(redating->resolved, (enum rung)r) == raised_ahead);
        if (rung_set_has(redating->skipped, (enum rung)r)) {
            ck_assert(r <= RUNG_REMIND_2 && has && due_ms < now_ms);
        }
    }
}

static struct window random_window(const struct calendar *calendar, uint64_t *state)
{
    static const enum clock_kind kinds[] = {CLOCK_FEEDBACK_OUTBOUND, CLOCK_FEEDBACK_INBOUND,
                                            CLOCK_TELL_APPLICANT};
    struct window window;
    uint64_t start_ms =
        civil_start_ms(day_of("2026-11-10")) + next_random(state) % (80 * 24 * HOUR_MS);
    window_open(ladder_default(), calendar, kinds[next_random(state) % 3], start_ms, &window);
    enum rung rung = RUNG_COUNT;
    uint64_t due_ms = 0;
    for (uint64_t left = next_random(state) % 6; left > 0; left--) {
        ck_assert(rung_next(ladder_default(), calendar, &window, &rung, &due_ms));
        window.raised = rung_set_with(window.raised, rung);
    }
    return window;
}

START_TEST(test_redate_properties)
{
    struct calendar *calendars[2] = {calendar_shipped(2026, true), calendar_with_notice()};
    uint64_t state = 20260508;
    uint32_t moved = 0;
    uint32_t kept = 0;
    for (int round = 0; round < 20000; round++) {
        const struct calendar *before = calendars[round % 2];
        const struct calendar *after = calendars[(round + 1) % 2];
        struct window old = random_window(before, &state);
        struct window new = old;
        struct redating redating;
        uint64_t now_ms = old.start_ms + next_random(&state) % (60 * 24 * HOUR_MS);
        window_redate(ladder_default(), after, now_ms, &new, &redating);
        check_redating(after, now_ms, &old, &new, &redating);
        moved += redating.moved ? 1 : 0;
        kept += new.basis == BASIS_KEPT ? 1 : 0;
        struct window again = new;
        window_redate(ladder_default(), after, now_ms, &again, &redating);
        ck_assert(!redating.moved && !redating.settled && redating.skipped.bits == 0);
        ck_assert_int_eq(again.due_day, new.due_day);
        struct window stopped = old;
        stopped.stopped_ms = now_ms;
        window_redate(ladder_default(), after, now_ms, &stopped, &redating);
        ck_assert_uint_eq(stopped.due_before_ms, old.due_before_ms);
        ck_assert(stopped.provisional == old.provisional && redating.annotated.bits == 0);
    }
    ck_assert_uint_gt(moved, 1000);
    ck_assert_uint_gt(kept, 100);
    calendar_free(calendars[0]);
    calendar_free(calendars[1]);
}
END_TEST

static Suite *window_suite(void)
{
    Suite *suite = suite_create("window");
    TCase *rungs = tcase_create("rungs");
    tcase_add_test(rungs, test_ids);
    tcase_add_test(rungs, test_steps);
    tcase_add_test(rungs, test_ladder_refusals);
    tcase_add_loop_test(rungs, test_table_of_rungs, 0, (int)(sizeof(table) / sizeof(table[0])));
    tcase_add_loop_test(rungs, test_rungs_by_hand, 0,
                        (int)(sizeof(rung_cases) / sizeof(rung_cases[0])));
    tcase_add_test(rungs, test_urgent_is_round_the_clock);
    tcase_add_loop_test(rungs, test_dated, 0, (int)(sizeof(dated_rows) / sizeof(dated_rows[0])));
    tcase_add_loop_test(rungs, test_rungs_come_once_in_order, 0, CLOCK_KIND_COUNT);
    tcase_add_loop_test(rungs, test_lateness, 0, (int)(sizeof(late_cases) / sizeof(late_cases[0])));
    tcase_add_test(rungs, test_trace);
    tcase_add_test(rungs, test_trace_adds_up);
    suite_add_tcase(suite, rungs);
    TCase *redates = tcase_create("redates");
    tcase_set_timeout(redates, 60);
    tcase_add_loop_test(redates, test_redate_examples, 0,
                        (int)(sizeof(redate_cases) / sizeof(redate_cases[0])));
    tcase_add_test(redates, test_redate_floor);
    tcase_add_test(redates, test_redate_resolves);
    tcase_add_test(redates, test_redate_properties);
    suite_add_tcase(suite, redates);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(window_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
