/* Checkpoints of the audit log as C2SP signed notes, and the agencies' witness signatures.
 *
 * The broker makes one a commit; everybody else verifies. Pure bytes: no store, no clock. The exact
 * text is in docs/protocol.md. Any thread. */
#ifndef REFERRAL_WIRE_CHECKPOINT_H
#define REFERRAL_WIRE_CHECKPOINT_H

#include "base/crypto.h"
#include "base/limits.h"

#define CHECKPOINT_BYTES 512u /* the longest note */

struct checkpoint {
    char origin[LIMIT_ORIGIN_BYTES];
    uint64_t size;
    struct digest root;
    uint64_t time_ms; /* the broker's time of the commit */
};

/* An origin is 1..127 bytes of printable ASCII without space and '+'. */
bool origin_valid(const char *origin);

/* Appends the signed note; the origin must be valid (asserted). */
enum err checkpoint_make(const struct checkpoint *checkpoint, const struct sign_key *key,
                         struct buf *out) MUST_CHECK;
/* Reads a note without believing it. ERR_INVALID when it is not exactly of the form. */
enum err checkpoint_parse(struct span bytes, struct checkpoint *ret_checkpoint,
                          struct fault *fault) MUST_CHECK;
/* The same, and ERR_FORGED unless origin is this one and one of the keys signed it. */
enum err checkpoint_verify(struct span bytes, const char *origin,
                           const uint8_t (*keys)[SIGN_PUBLIC_BYTES], size_t key_count,
                           struct checkpoint *ret_checkpoint) MUST_CHECK;

/* The same of any log of that broker: its first, whose origin is `first`, or one that went on from
 * it, whose origin is that, a slash, and digits. */
enum err checkpoint_verify_any(struct span bytes, const char *first,
                               const uint8_t (*keys)[SIGN_PUBLIC_BYTES], size_t key_count,
                               struct checkpoint *ret_checkpoint) MUST_CHECK;

/* An agency's statement that it saw this tree head and found it consistent with all before. */
void witness_sign(const struct sign_key *key, const struct checkpoint *seen,
                  uint8_t out[SIGNATURE_BYTES]);
enum err witness_verify(const uint8_t public_key[SIGN_PUBLIC_BYTES], const struct checkpoint *seen,
                        const uint8_t signature[SIGNATURE_BYTES]) MUST_CHECK;

/* The same as a note, as brokers keep and export it (docs/audit-export.md). Appends. */
struct cosigned_note {
    char agency[LIMIT_AGENCY_ID_BYTES];
    struct checkpoint seen; /* no time */
    struct key_id key;
    uint8_t signature[SIGNATURE_BYTES];
};
enum err cosigned_note_write(const struct cosigned_note *note, struct buf *out) MUST_CHECK;
/* Reads one without believing it. ERR_INVALID when it is not exactly of the form. */
enum err cosigned_note_read(struct span bytes, struct cosigned_note *ret_note) MUST_CHECK;

#endif
