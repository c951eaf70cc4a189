/* Clocks, numbers, fault points: the small parts of lib/io. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/fault_point.h"
#include "io/number.h"
#include "io_support.h"

#define DAY_MS (24LL * 3600 * 1000)

START_TEST(clock_outside_laboratory_refuses_every_offset)
{
    struct clock clock;
    clock_init(&clock, false);
    ck_assert_int_eq(clock_set_both_offset(&clock, 1), ERR_REFUSED);
    ck_assert_int_eq(clock_set_wall_offset(&clock, 1), ERR_REFUSED);
    ck_assert_int_eq(clock_both_offset_ms(&clock), 0);
    ck_assert_int_eq(clock_wall_offset_ms(&clock), 0);
    int64_t seconds = (int64_t)(clock_wall_ms(&clock) / 1000);
    ck_assert_int_le(llabs(seconds - (int64_t)time(NULL)), 1);
    ck_assert_uint_le(clock_machine_ms(), clock_boot_ms(&clock));
}
END_TEST

START_TEST(clock_moves_both_together_and_the_wall_alone)
{
    struct clock clock;
    clock_init(&clock, true);
    uint64_t wall_ms = clock_wall_ms(&clock);
    uint64_t boot_ms = clock_boot_ms(&clock);
    ck_assert_int_eq(clock_set_both_offset(&clock, 5 * DAY_MS), OK);
    ck_assert_uint_ge(clock_wall_ms(&clock), wall_ms + 5 * DAY_MS);
    ck_assert_uint_ge(clock_boot_ms(&clock), boot_ms + 5 * DAY_MS);
    ck_assert_uint_lt(clock_machine_ms(), boot_ms + DAY_MS);
    ck_assert_int_eq(clock_set_wall_offset(&clock, -2 * DAY_MS), OK);
    ck_assert_uint_lt(clock_wall_ms(&clock), wall_ms + 4 * DAY_MS);
    ck_assert_uint_ge(clock_wall_ms(&clock), wall_ms + 3 * DAY_MS);
    ck_assert_uint_ge(clock_boot_ms(&clock), boot_ms + 5 * DAY_MS);
}
END_TEST

START_TEST(clock_refuses_to_take_the_boot_clock_back)
{
    struct clock clock;
    clock_init(&clock, true);
    ck_assert_int_eq(clock_set_both_offset(&clock, -1), ERR_INVALID);
    ck_assert_int_eq(clock_set_both_offset(&clock, DAY_MS), OK);
    ck_assert_int_eq(clock_set_both_offset(&clock, DAY_MS - 1), ERR_INVALID);
    ck_assert_int_eq(clock_set_both_offset(&clock, INT64_MAX), ERR_INVALID);
    ck_assert_int_eq(clock_set_wall_offset(&clock, INT64_MIN), ERR_INVALID);
    ck_assert_int_eq(clock_both_offset_ms(&clock), DAY_MS);
    ck_assert_int_eq(clock_wall_offset_ms(&clock), 0);
}
END_TEST

START_TEST(clock_translates_laboratory_time_for_timers)
{
    struct clock clock;
    clock_init(&clock, true);
    ck_assert_int_eq(clock_set_both_offset(&clock, DAY_MS), OK);
    ck_assert_uint_eq(clock_machine_at(&clock, DAY_MS + 1000), 1000);
    ck_assert_uint_eq(clock_machine_at(&clock, 5), 0);
    ck_assert_uint_eq(clock_machine_at(&clock, UINT64_MAX), UINT64_MAX);
}
END_TEST

static const struct {
    const char *text;
    uint64_t max;
    bool good;
    uint64_t number;
} number_rows[] = {
    {"", 9, false, 0},
    {"-1", 9, false, 0},
    {" 1", 9, false, 0},
    {"1 ", 9, false, 0},
    {"01", 9, false, 0},
    {"0x1", 99, false, 0},
    {"10", 9, false, 0},
    {"65536", 65535, false, 0},
    {"18446744073709551616", UINT64_MAX, false, 0},
    {"99999999999999999999999", UINT64_MAX, false, 0},
    {"0", 0, true, 0},
    {"7", 9, true, 7},
    {"65535", 65535, true, 65535},
    {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
};

START_TEST(number_takes_digits_only)
{
    uint64_t number = 42;
    ck_assert_int_eq(number_parse(number_rows[_i].text, number_rows[_i].max, &number),
                     number_rows[_i].good);
    ck_assert_uint_eq(number, number_rows[_i].good ? number_rows[_i].number : 42);
}
END_TEST

/* What a process that passes "write" twice and "reply" once ends with. */
static int passing_status(const char *variable, bool laboratory)
{
    int status = 0;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct fault_point point;
        struct fault fault = {.code = ""};
        (void)setenv("REFERRAL_FAULT", variable, 1);
        if (fault_point_init(&point, laboratory, &fault) != OK) {
            _exit(strcmp(fault.code, "fault-point.malformed") == 0 ? 3 : 4);
        }
        fault_point_pass(&point, "write");
        fault_point_pass(&point, "reply");
        fault_point_pass(&point, "write");
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static const struct {
    const char *variable;
    bool laboratory;
    int status;
} fault_rows[] = {
    {"write:0", true, 3},        {"write", true, 3},          {":1", true, 3},
    {"write:x", true, 3},        {"write:-1", true, 3},       {"write:1", false, 0},
    {"write:3", true, 0},        {"other:1", true, 0},        {"", true, 0},
    {"nonsense", false, 0},      {"write:1", true, -SIGKILL}, {"write:2", true, -SIGKILL},
    {"reply:1", true, -SIGKILL},
};

START_TEST(fault_point_ends_the_process_at_the_counted_passing)
{
    ck_assert_int_eq(passing_status(fault_rows[_i].variable, fault_rows[_i].laboratory),
                     fault_rows[_i].status);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io.clock");
    TCase *tests = tcase_create("clock");
    tcase_add_test(tests, clock_outside_laboratory_refuses_every_offset);
    tcase_add_test(tests, clock_moves_both_together_and_the_wall_alone);
    tcase_add_test(tests, clock_refuses_to_take_the_boot_clock_back);
    tcase_add_test(tests, clock_translates_laboratory_time_for_timers);
    tcase_add_loop_test(tests, number_takes_digits_only, 0,
                        sizeof number_rows / sizeof number_rows[0]);
    tcase_add_loop_test(tests, fault_point_ends_the_process_at_the_counted_passing, 0,
                        sizeof fault_rows / sizeof fault_rows[0]);
    suite_add_tcase(suite, tests);
    return suite_main(suite);
}
