/* What every Check suite shares: running it, and a temporary folder. For tests only. Each test
 * function runs in a process of its own. */
#ifndef REFERRAL_TESTS_SUITE_H
#define REFERRAL_TESTS_SUITE_H

#include <check.h>
#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The exit code of main. */
static inline int suite_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
