/* The region of bytes.h: blocks in a list, freed together. The budget counts whole blocks with
 * their heads, so it bounds the memory that is really held. Not shared between threads. */
#include "base/bytes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define REGION_BLOCK_MIN 1024u
#define REGION_BLOCK_MAX (64u * 1024u)
#define REGION_ALIGN     _Alignof(max_align_t)

struct region_block {
    struct region_block *next;
    size_t cap;  /* of bytes */
    size_t used; /* of bytes */
    _Alignas(max_align_t) uint8_t bytes[];
};

void region_init(struct region *region, size_t budget)
{
    assert(region != NULL);
    *region = (struct region){.budget = budget};
}

/* A block with room for `size`, larger when the budget allows: blocks grow with the region. */
static struct region_block *region_grow(struct region *region, size_t size)
{
    size_t left = region->budget - region->used;
    if (left < sizeof(struct region_block) || size > left - sizeof(struct region_block)) {
        return NULL;
    }
    size_t room = left - sizeof(struct region_block);
    size_t cap = region->used;
    cap = cap < REGION_BLOCK_MIN ? REGION_BLOCK_MIN : cap;
    cap = cap > REGION_BLOCK_MAX ? REGION_BLOCK_MAX : cap;
    cap = cap > room ? room : cap;
    cap = cap < size ? size : cap;
    struct region_block *block = calloc(1, sizeof(*block) + cap);
    if (block == NULL) {
        return NULL;
    }
    block->cap = cap;
    region->used += sizeof(*block) + cap;
    return block;
}

void *region_take(struct region *region, size_t size)
{
    assert(region != NULL);
    assert(region->used <= region->budget);
    if (size > region->budget) {
        return NULL;
    }
    size_t rounded = (size + REGION_ALIGN - 1) / REGION_ALIGN * REGION_ALIGN;
    rounded = rounded == 0 ? REGION_ALIGN : rounded;
    struct region_block *block = region->blocks;
    if (block == NULL || rounded > block->cap - block->used) {
        block = region_grow(region, rounded);
        if (block == NULL) {
            return NULL;
        }
        block->next = region->blocks;
        region->blocks = block;
    }
    void *taken = block->bytes + block->used;
    block->used += rounded;
    return taken;
}

void region_free(struct region *region)
{
    if (region == NULL) {
        return;
    }
    struct region_block *block = region->blocks;
    while (block != NULL) {
        struct region_block *next = block->next;
        free(block);
        block = next;
    }
    region_init(region, region->budget);
}

void region_wipe(struct region *region)
{
    assert(region != NULL);
    for (struct region_block *block = region->blocks; block != NULL; block = block->next) {
        explicit_bzero(block->bytes, block->cap);
    }
    region_free(region);
}
