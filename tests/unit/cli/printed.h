/* Takes what a function prints on standard output into a text. For the suites of referralctl. */
#ifndef REFERRAL_TESTS_CLI_PRINTED_H
#define REFERRAL_TESTS_CLI_PRINTED_H

#include <check.h>
#include <locale.h>
#include <stdio.h>

struct printed {
    FILE *before;
    char *text; /* valid after printed_end; owned: free */
    size_t len;
};

/* Standard output goes into memory until printed_end. */
static inline void printed_begin(struct printed *printed)
{
    ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
    printed->before = stdout;
    stdout = open_memstream(&printed->text, &printed->len);
    ck_assert_ptr_nonnull(stdout);
}

static inline void printed_end(struct printed *printed)
{
    ck_assert_int_eq(fclose(stdout), 0);
    stdout = printed->before;
}

#endif
