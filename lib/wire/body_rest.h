/* A message's body as it lies in a store: sealed once more under the key of its case, beside its
 * own hash. So the message's digest, and whatever was signed over it, can be checked for ever, also
 * when the case was erased and the body is gone (docs/adr/0028).
 *
 * What is at rest begins with a zero byte, which no SealedBody does (docs/protocol.md): the two are
 * never taken for each other, and a body at rest is never taken from the wire. The key is
 * store/case_keys'. Pure; any thread. */
#ifndef REFERRAL_WIRE_BODY_REST_H
#define REFERRAL_WIRE_BODY_REST_H

#include "wire/codec.h"

#define BODY_REST_HEAD_BYTES (2u + DIGEST_BYTES) /* zero, generation, hash of the body */
#define BODY_REST_MORE_BYTES (BODY_REST_HEAD_BYTES + AEAD_TAG_BYTES)

struct body_rest_key {    /* borrowed; secret */
    const uint8_t *bytes; /* AEAD_KEY_BYTES */
    uint8_t generation;
};

/* Is it at rest? Then `ret_generation` (may be NULL) is its key's. An empty body never is. */
bool body_is_at_rest(struct span body, uint8_t *ret_generation);
/* Appends the body of the payload as it is to rest; its header is bound to it. */
enum err body_rest_seal(const struct body_rest_key *key, const struct payload *payload,
                        struct buf *out) MUST_CHECK;
/* Appends the body that the sender sealed. ERR_FORGED: changed, or another key's. */
enum err body_rest_open(const struct body_rest_key *key, const struct payload *payload,
                        struct buf *out) MUST_CHECK;
/* The message's digest, whether its body is at rest or not. Never for what came from a peer. */
struct digest message_digest_at_rest(const struct payload *payload);

#endif
