/* The logs of one broker: when a store had to be restored from an old copy, an administrator opens
 * a new log on it. It is the same tree under another origin, and the broker's signed statement says
 * where the two part (docs/protocol.md, "Recovery"; docs/adr/0020).
 *
 * The first log has the origin of the public keys; each later one that, a slash, and the second of
 * UTC at which it was opened, so that origins have an order and none comes twice. Pure bytes: no
 * store, no clock. Any thread. */
#ifndef REFERRAL_WIRE_RECOVERY_H
#define REFERRAL_WIRE_RECOVERY_H

#include "wire/checkpoint.h"
#include "wire/codec.h"
#include "wire/keyring.h"

#define RECOVERY_STATEMENT_BYTES 1024u
#define RECOVERIES_MAX           32u /* of one broker, in all its life */

struct recovery {
    char old_origin[LIMIT_ORIGIN_BYTES];
    char new_origin[LIMIT_ORIGIN_BYTES];
    struct span anchor; /* the note, borrowed; to make a statement only */
    struct digest reason;
    uint64_t at_ms;
};

/* The origin of a log that is opened then. ERR_TOO_LARGE when the first one leaves no room. */
enum err recovery_origin(const char *first, uint64_t at_ms,
                         char out[LIMIT_ORIGIN_BYTES]) MUST_CHECK;
/* Which log of the broker has this origin: when it was opened, in seconds; 0 the first.
 * ERR_NOT_FOUND: none of them. */
enum err recovery_log(const char *first, const char *origin, uint64_t *ret_log) MUST_CHECK;

/* The place of a leaf among those of all logs of the broker. */
#define RECOVERY_LEAF_BITS 33u
#define RECOVERY_EPOCH_S   UINT64_C(1577836800) /* 2020-01-01: what lies before is refused */
#define RECOVERY_END_S     UINT64_C(3725320447) /* 2088: as far as a place can count */
static inline uint64_t recovery_place(uint64_t log, uint64_t leaf)
{
    uint64_t since = log > RECOVERY_EPOCH_S ? log - RECOVERY_EPOCH_S : 0;

    return since << RECOVERY_LEAF_BITS | leaf;
}

/* Appends the statement to `out`, and lends it. */
enum err recovery_make(const struct recovery *recovery, const struct sign_key *key, struct buf *out,
                       struct signed_recovery *ret_signed) MUST_CHECK;
/* By one of the broker's keys; from a log of it to a later one; the anchor is a checkpoint of the
 * old one. ERR_FORGED or ERR_INVALID otherwise. */
enum err recovery_verify(const struct signed_recovery *signed_recovery,
                         const struct keyring *keyring, struct recovery *ret_recovery,
                         struct checkpoint *ret_anchor) MUST_CHECK;
/* A checkpoint of whichever log of the broker. ERR_FORGED, ERR_INVALID. */
enum err recovery_note_verify(struct span note, const struct keyring *keyring,
                              struct checkpoint *ret_checkpoint) MUST_CHECK;

/* A chain of them as it is stored, the oldest first. */
enum err recovery_pack(const struct signed_recovery *signed_recovery, struct buf *out) MUST_CHECK;
/* Borrowed from `packed`. ERR_CORRUPT. */
enum err recovery_unpack(struct span packed, struct signed_recovery ret_chain[RECOVERIES_MAX],
                         size_t *ret_count) MUST_CHECK;

#endif
