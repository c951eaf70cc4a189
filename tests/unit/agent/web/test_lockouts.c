/* agent/web/lockouts: when a name is said to be locked and until when, whoever has it; what was
 * tried meanwhile; and that many names push out the oldest only. */
#include <stdio.h>

#include "agent/web/lockouts.h"
#include "agent/web/officer.h"
#include "unit/suite.h"

#define NOW 1000000u

static struct lockouts lockouts;

static void setup(void)
{
    lockouts_init(&lockouts);
}

static uint64_t fail_times(const char *name, unsigned times, uint64_t now_ms)
{
    uint64_t until_ms = 0;

    for (unsigned i = 0; i < times; i++) {
        until_ms = lockouts_failed(&lockouts, name, now_ms);
    }
    return until_ms;
}

START_TEST(the_fifth_locks_for_a_quarter)
{
    ck_assert_uint_eq(fail_times("gaowa", OFFICER_FAILURES_MAX - 1, NOW), 0);
    ck_assert_uint_eq(fail_times("other", 1, NOW), 0);
    ck_assert_uint_eq(fail_times("gaowa", 1, NOW), NOW + OFFICER_LOCKED_MS);
    ck_assert_uint_eq(fail_times("gaowa", 3, NOW + 5), NOW + OFFICER_LOCKED_MS);
    ck_assert_uint_eq(fail_times("gaowa", 1, NOW + OFFICER_LOCKED_MS), 0);
    ck_assert_uint_eq(fail_times("gaowa", OFFICER_FAILURES_MAX - 1, NOW + OFFICER_LOCKED_MS),
                      NOW + 2 * OFFICER_LOCKED_MS);
}
END_TEST

START_TEST(who_enters_begins_anew)
{
    ck_assert_uint_eq(fail_times("gaowa", OFFICER_FAILURES_MAX - 1, NOW), 0);
    lockouts_entered(&lockouts, "gaowa");
    lockouts_entered(&lockouts, "nobody");
    ck_assert_uint_eq(fail_times("gaowa", OFFICER_FAILURES_MAX - 1, NOW), 0);
    ck_assert_uint_ne(fail_times("gaowa", 1, NOW), 0);
    lockouts_entered(&lockouts, "gaowa"); /* its password was given anew */
    ck_assert_uint_eq(fail_times("gaowa", 1, NOW), 0);
}
END_TEST

START_TEST(many_names_push_out_the_oldest)
{
    char name[32];

    ck_assert_uint_eq(fail_times("gaowa", OFFICER_FAILURES_MAX, NOW), NOW + OFFICER_LOCKED_MS);
    for (unsigned i = 1; i < LOCKOUTS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "name-%u", i);
        ck_assert_uint_eq(fail_times(name, 1, NOW + i), 0);
    }
    ck_assert_uint_eq(fail_times("gaowa", 1, NOW + LOCKOUTS_MAX), NOW + OFFICER_LOCKED_MS);
    ck_assert_uint_eq(fail_times("one-more", 1, NOW + LOCKOUTS_MAX), 0); /* for name-1 */
    ck_assert_uint_eq(fail_times("gaowa", 1, NOW + LOCKOUTS_MAX), NOW + OFFICER_LOCKED_MS);
    ck_assert_uint_eq(fail_times("name-2", OFFICER_FAILURES_MAX - 1, NOW + LOCKOUTS_MAX),
                      NOW + LOCKOUTS_MAX + OFFICER_LOCKED_MS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lockouts");
    TCase *tests = tcase_create("lockouts");

    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, the_fifth_locks_for_a_quarter);
    tcase_add_test(tests, who_enters_begins_anew);
    tcase_add_test(tests, many_names_push_out_the_oldest);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
