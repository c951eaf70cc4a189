/* Checkpoints (C2SP signed notes with one extension line) and the agencies' witness notes.
 * docs/audit-export.md has their form to the byte. Own parser; any thread. */
#ifndef REFERRAL_VERIFY_NOTE_H
#define REFERRAL_VERIFY_NOTE_H

#include "base/crypto.h"

struct tree_head {
    uint64_t size;
    uint64_t time_ms;
    struct digest root;
};

/* Reads and verifies a note of this origin and key. ERR_INVALID: not such a note, to the byte;
 * ERR_REFUSED: of another origin or key; ERR_FORGED: the signature does not verify. */
enum err note_open(struct span note, const char *origin, const uint8_t key[32],
                   struct tree_head *ret) MUST_CHECK;

/* 1 to `max` printable ASCII characters without space and '+': origins and agency ids. */
bool name_valid(struct span name, size_t max);

struct witness_read {
    char origin[128];
    char agency[32];
    uint64_t size;
    struct digest root;
    struct key_id key;
    uint8_t signature[SIGNATURE_BYTES];
};

/* Reads a witness note without judging its signature: of this origin, or of a log of that broker
 * that was opened later. ERR_INVALID; ERR_REFUSED: another origin. */
enum err witness_open(struct span note, const char *origin, struct witness_read *ret) MUST_CHECK;
/* ERR_FORGED unless this key made the signature over origin, size and root. */
enum err witness_check(const struct witness_read *witness, const uint8_t key[32]) MUST_CHECK;
/* Is it this origin, or a later log's: it, a slash, and more? */
bool origin_is_of(struct span origin, const char *first);

#endif
