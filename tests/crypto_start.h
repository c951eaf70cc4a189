/* Suites and scenarios run under either suite: REFERRAL_SUITE=sm. For tests only. */
#ifndef REFERRAL_TESTS_CRYPTO_START_H
#define REFERRAL_TESTS_CRYPTO_START_H

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"

static inline enum err crypto_start(void)
{
    const char *suite = getenv("REFERRAL_SUITE");
    enum err error = crypto_init();

    if (error == OK && suite != NULL) {
        error = crypto_choose(strcmp(suite, "sm") == 0 ? SUITE_SM : SUITE_INTL);
    }
    return error;
}

#endif
