/* See once.h. The digests are SHA-256, so their first bytes are the hash. */
#include "once.h"

#include <stdlib.h>
#include <string.h>

struct once_slot {
    struct digest what;
    uint64_t index_plus_1; /* 0: free */
};

void once_free(struct once *once)
{
    free(once->slots);
    memset(once, 0, sizeof *once);
}

static struct once_slot *find(const struct once *once, const struct digest *what)
{
    size_t at = (size_t)be64_get(what->bytes) & (once->slot_count - 1);

    while (once->slots[at].index_plus_1 != 0 && !digest_equal(&once->slots[at].what, what)) {
        at = (at + 1) & (once->slot_count - 1);
    }
    return &once->slots[at];
}

static enum err grow(struct once *once)
{
    struct once larger = {.slot_count = once->slot_count == 0 ? 256 : 2 * once->slot_count,
                          .count = once->count};

    larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
    if (larger.slots == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < once->slot_count; i++) {
        if (once->slots[i].index_plus_1 != 0) {
            *find(&larger, &once->slots[i].what) = once->slots[i];
        }
    }
    free(once->slots);
    *once = larger;
    return OK;
}

enum err once_add(struct once *once, const struct digest *what, uint64_t index, uint64_t *ret_first)
{
    struct once_slot *slot;

    if (2 * once->count >= once->slot_count && grow(once) != OK) {
        return ERR_MEMORY;
    }
    slot = find(once, what);
    if (slot->index_plus_1 != 0) {
        *ret_first = slot->index_plus_1 - 1;
        return ERR_EXISTS;
    }
    slot->what = *what;
    slot->index_plus_1 = index + 1;
    once->count++;
    return OK;
}
