/* Waiting longer after every failure, with jitter, so that agents do not come back in step.
 * Pure; the randomness is an argument. Any thread. */
#ifndef REFERRAL_MODEL_BACKOFF_H
#define REFERRAL_MODEL_BACKOFF_H

#include <stdint.h>

struct backoff {
    uint64_t base_ms; /* the first wait, > 0 */
    uint64_t max_ms;  /* no wait is longer, >= base_ms */
};

/* The wait after `failures` failures in a row (0 and 1: the first): base * 2^(failures-1) up to
 * the maximum, of which a half to the whole by `random`. */
uint64_t backoff_ms(const struct backoff *backoff, uint32_t failures, uint32_t random);

#endif
