/* How: doubling with a stop at the maximum, then "equal jitter": half fixed, half random. */
#include "model/backoff.h"

#include <assert.h>

uint64_t backoff_ms(const struct backoff *backoff, uint32_t failures, uint32_t random)
{
    assert(backoff->base_ms > 0 && backoff->max_ms >= backoff->base_ms);
    uint64_t wait_ms = backoff->base_ms;
    for (uint32_t i = 1; i < failures && wait_ms < backoff->max_ms; i++) {
        wait_ms = wait_ms > backoff->max_ms / 2 ? backoff->max_ms : wait_ms * 2;
    }
    uint64_t half_ms = wait_ms / 2;
    return wait_ms - half_ms + (half_ms == 0 ? 0 : random % (half_ms + 1));
}
