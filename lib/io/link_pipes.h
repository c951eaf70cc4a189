/* The connections of a link server, no more than there is room for, and when each was last heard:
 * so that one which asks nothing any more does not take its place for ever. A peer whose machine
 * lost its power leaves such a connection, and nng 1.5 leaves one where a TLS peer ends within a
 * message. Any thread. */
#ifndef REFERRAL_IO_LINK_PIPES_H
#define REFERRAL_IO_LINK_PIPES_H

#include <nng/nng.h>
#include <nng/supplemental/util/platform.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "io/link.h"

#define LINK_PIPES_BUCKETS 256u

struct link_pipe;

struct link_pipes {
    nng_mtx *lock;
    struct link_pipe *rows; /* owned */
    uint32_t heads[LINK_PIPES_BUCKETS];
    uint32_t free;
    size_t count; /* rows in use */
    size_t capacity;
};

/* Room for so many connections. ERR_MEMORY; link_pipes_fini is right after that, too. */
enum err link_pipes_init(struct link_pipes *pipes, size_t capacity) MUST_CHECK;
void link_pipes_fini(struct link_pipes *pipes); /* zeroed is allowed */

/* A connection came, asked something, went. `add` answers false when there is no room for it, and
 * `remove` when it was not there; unknown ids are ignored. `peer` is copied; NULL: nobody knows.
 * `heard` answers false while the connection is deaf, and who the peer is where that is known. */
bool link_pipes_add(struct link_pipes *pipes, uint32_t id, uint64_t now_ms,
                    const struct link_peer *peer) MUST_CHECK;
bool link_pipes_heard(struct link_pipes *pipes, uint32_t id, uint64_t now_ms,
                      struct link_peer *ret_peer, bool *ret_known);
bool link_pipes_remove(struct link_pipes *pipes, uint32_t id) MUST_CHECK;
size_t link_pipes_count(const struct link_pipes *pipes);
/* It did not read its answers: what it asks until then is thrown away. */
void link_pipes_deafen(struct link_pipes *pipes, uint32_t id, uint64_t until_ms);

/* From *at (0 first) on the ids of up to `most` connections; 0 behind the last. */
size_t link_pipes_list(struct link_pipes *pipes, size_t *at, uint32_t *ids, size_t most);

/* The ids of up to `most` connections last heard before `before_ms`; each is told once only. */
size_t link_pipes_take_idle(struct link_pipes *pipes, uint64_t before_ms, uint32_t *ids,
                            size_t most);

#endif
