/* Parked fetches: at most one long poll an agency waits here until a message comes for it.
 *
 * A parked fetch holds a context of the link, so the bound of one an agency is what keeps submits
 * flowing (with 11 contexts and 11 parked fetches nothing else moves). Whoever takes a row out
 * answers or drops its handle. Loop thread only; nothing is durable. */
#ifndef REFERRAL_BROKER_PARKED_H
#define REFERRAL_BROKER_PARKED_H

#include "base/bytes.h"

struct parked_fetch {
    bool used;
    uint64_t handle;        /* of the link; 0 never */
    uint32_t pipe;          /* connection, so that its loss releases the row */
    uint64_t until_boot_ms; /* answered empty then */
    uint64_t registry_mark; /* of registry and keys as the agency was told: another one is news */
    uint64_t known_size;    /* of the agency's newest checkpoint */
    uint32_t max_count;
    uint32_t max_bytes;
    struct digest request_digest;
};

struct parked {
    struct parked_fetch *rows; /* owned, one an agency, by its place in the registry */
    size_t count;
};

enum err parked_init(struct parked *parked, size_t agency_count) MUST_CHECK;
void parked_free(struct parked *parked);
/* Takes the agency's row out. False: none is parked. */
bool parked_take(struct parked *parked, size_t agency, struct parked_fetch *ret_fetch);
/* The row must be free: take it first. */
void parked_put(struct parked *parked, size_t agency, const struct parked_fetch *fetch);
/* Takes out one row of this connection. False when there is none (any more). */
bool parked_take_pipe(struct parked *parked, uint32_t pipe, struct parked_fetch *ret_fetch);
/* Takes out one row whose time has come, and says whose it was. */
bool parked_take_expired(struct parked *parked, uint64_t boot_ms, size_t *ret_agency,
                         struct parked_fetch *ret_fetch);
/* The earliest `until_boot_ms`, or UINT64_MAX. */
uint64_t parked_next(const struct parked *parked);

#endif
