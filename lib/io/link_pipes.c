/* A chained table of fixed room: row 0 ends every chain, a free row is in the chain `free`. */
#include "io/link_pipes.h"

#include <stdlib.h>

struct link_pipe {
    uint32_t id;
    uint32_t next;
    uint64_t heard_ms;
    uint64_t deaf_until_ms;
    bool known;
    struct link_peer peer;
};

enum err link_pipes_init(struct link_pipes *pipes, size_t capacity)
{
    *pipes = (struct link_pipes){.lock = NULL};
    pipes->rows = calloc(capacity + 1, sizeof *pipes->rows);
    if (pipes->rows == NULL || nng_mtx_alloc(&pipes->lock) != 0) {
        return ERR_MEMORY;
    }
    pipes->capacity = capacity;
    for (size_t i = capacity; i > 0; i--) {
        pipes->rows[i].next = pipes->free;
        pipes->free = (uint32_t)i;
    }
    return OK;
}

void link_pipes_fini(struct link_pipes *pipes)
{
    free(pipes->rows);
    pipes->rows = NULL;
    if (pipes->lock != NULL) {
        nng_mtx_free(pipes->lock);
        pipes->lock = NULL;
    }
}

/* The link that leads to the row of this id, or to 0. */
static uint32_t *link_to(struct link_pipes *pipes, uint32_t id)
{
    uint32_t *at = &pipes->heads[id % LINK_PIPES_BUCKETS];
    while (*at != 0 && pipes->rows[*at].id != id) {
        at = &pipes->rows[*at].next;
    }
    return at;
}

bool link_pipes_add(struct link_pipes *pipes, uint32_t id, uint64_t now_ms,
                    const struct link_peer *peer)
{
    nng_mtx_lock(pipes->lock);
    uint32_t row = pipes->free;
    if (row != 0) {
        uint32_t *head = &pipes->heads[id % LINK_PIPES_BUCKETS];
        pipes->free = pipes->rows[row].next;
        pipes->rows[row] = (struct link_pipe){.id = id, .next = *head, .heard_ms = now_ms};
        if (peer != NULL) {
            pipes->rows[row].known = true;
            pipes->rows[row].peer = *peer;
        }
        *head = row;
        pipes->count++;
    }
    nng_mtx_unlock(pipes->lock);
    return row != 0;
}

bool link_pipes_heard(struct link_pipes *pipes, uint32_t id, uint64_t now_ms,
                      struct link_peer *ret_peer, bool *ret_known)
{
    bool hears = true;
    nng_mtx_lock(pipes->lock);
    uint32_t row = *link_to(pipes, id);
    if (row != 0) {
        pipes->rows[row].heard_ms = now_ms;
        hears = pipes->rows[row].deaf_until_ms <= now_ms;
        *ret_known = pipes->rows[row].known;
        *ret_peer = pipes->rows[row].peer;
    }
    nng_mtx_unlock(pipes->lock);
    return hears;
}

void link_pipes_deafen(struct link_pipes *pipes, uint32_t id, uint64_t until_ms)
{
    nng_mtx_lock(pipes->lock);
    uint32_t row = *link_to(pipes, id);
    if (row != 0) {
        pipes->rows[row].deaf_until_ms = until_ms;
    }
    nng_mtx_unlock(pipes->lock);
}

bool link_pipes_remove(struct link_pipes *pipes, uint32_t id)
{
    nng_mtx_lock(pipes->lock);
    uint32_t *at = link_to(pipes, id);
    uint32_t row = *at;
    if (row != 0) {
        *at = pipes->rows[row].next;
        pipes->rows[row].id = 0;
        pipes->rows[row].next = pipes->free;
        pipes->free = row;
        pipes->count--;
    }
    nng_mtx_unlock(pipes->lock);
    return row != 0;
}

size_t link_pipes_count(const struct link_pipes *pipes)
{
    nng_mtx_lock(pipes->lock);
    size_t count = pipes->count;
    nng_mtx_unlock(pipes->lock);
    return count;
}

/* Row by row: one that comes or goes meanwhile may be told or not. */
size_t link_pipes_list(struct link_pipes *pipes, size_t *at, uint32_t *ids, size_t most)
{
    size_t count = 0;
    nng_mtx_lock(pipes->lock);
    while (*at < pipes->capacity && count < most) {
        const struct link_pipe *row = &pipes->rows[++*at];
        if (row->id != 0) {
            ids[count++] = row->id;
        }
    }
    nng_mtx_unlock(pipes->lock);
    return count;
}

size_t link_pipes_take_idle(struct link_pipes *pipes, uint64_t before_ms, uint32_t *ids,
                            size_t most)
{
    size_t count = 0;
    nng_mtx_lock(pipes->lock);
    for (size_t i = 0; i < LINK_PIPES_BUCKETS; i++) {
        for (uint32_t row = pipes->heads[i]; row != 0; row = pipes->rows[row].next) {
            if (pipes->rows[row].heard_ms < before_ms && count < most) {
                ids[count++] = pipes->rows[row].id;
                pipes->rows[row].heard_ms = UINT64_MAX;
            }
        }
    }
    nng_mtx_unlock(pipes->lock);
    return count;
}
