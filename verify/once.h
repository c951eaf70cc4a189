/* A set of digests with the record at which each was first seen: what must happen only once.
 * Owned memory, 40 bytes a slot, at most half full. One thread. */
#ifndef REFERRAL_VERIFY_ONCE_H
#define REFERRAL_VERIFY_ONCE_H

#include "base/bytes.h"

struct once {
    struct once_slot *slots; /* owned; a power of two, or none */
    size_t slot_count;
    size_t count;
};

void once_free(struct once *once);
/* ERR_EXISTS: seen before, at *ret_first; ERR_MEMORY. A zeroed set is empty. */
enum err once_add(struct once *once, const struct digest *what, uint64_t index,
                  uint64_t *ret_first) MUST_CHECK;

#endif
