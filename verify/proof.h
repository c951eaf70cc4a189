/* Proofs of single things, written from docs/protocol.md and shared with nobody: that a digest is
 * in a tree that a key signed, that a record is in the log. Pure; any thread. */
#ifndef REFERRAL_VERIFY_PROOF_H
#define REFERRAL_VERIFY_PROOF_H

#include "base/crypto.h"
#include "wire/codec.h"

/* SHA-256("referral.v1.message" 0 || SHA-256(header) || SHA-256(facts) || body), `body` being
 * SHA-256 of the sealed body. */
struct digest proof_message(struct span header, struct span facts, const struct digest *body);

/* The hash of a body for that: of one at rest (docs/evidence-format.md) the one that stands in it.
 * ret_rests (may be NULL): it is at rest, so that nothing here opens it. */
struct digest proof_body(struct span body, bool *ret_rests);

struct proof_path { /* RFC 6962 section 2.1.1 */
    uint64_t index, size;
    const struct digest *hashes;
    size_t count;
};
/* The root to which the path leads from a leaf hash. ERR_INVALID: another length than index and
 * size demand. */
enum err proof_root(const struct proof_path *path, const struct digest *leaf,
                    struct digest *ret_root) MUST_CHECK;

/* Is the first tree the beginning of the second one? RFC 9162 section 2.1.4.2. ERR_FORGED. */
struct proof_head {
    uint64_t size;
    struct digest root;
};
enum err proof_extends(const struct proof_head *first, const struct proof_head *second,
                       const struct digest *hashes, size_t count) MUST_CHECK;

/* Did this key sign a tree in which the digest stands? ERR_FORGED. */
enum err proof_signed(const struct batch_proof *proof, const struct digest *digest,
                      const uint8_t key[SIGN_PUBLIC_BYTES]) MUST_CHECK;

#endif
