/* Who said it: digests, one signature over many messages, requests, replies and envelopes.
 *
 * A signature is always over the root of an RFC 6962 tree of digests, so one signature serves a
 * whole request, and each message still proves itself alone with its path (docs/protocol.md,
 * "Signatures"). Called by agents (build requests, open replies), on the broker's nng threads
 * (request_parse, request_verify) and on its loop (replies, notices). No store, no clock. */
#ifndef REFERRAL_WIRE_ENVELOPE_H
#define REFERRAL_WIRE_ENVELOPE_H

#include "model/merkle.h"
#include "wire/codec.h"

struct digest message_digest(const struct payload *payload);
/* The same where the body's hash is known, and the body may be gone (body_rest.h). */
struct digest message_digest_by_hash(const struct payload *payload, const struct digest *body);
struct digest request_digest(struct span head);
struct digest reply_digest(struct span head);

/* Many digests under one signature. Memory is the region's and lives with it. */
struct sign_batch {
    struct merkle_batch tree;
    struct key_id key;
    uint8_t signature[SIGNATURE_BYTES];
};

/* Builds the tree over count >= 1 digests and signs its root. */
enum err sign_batch_make(const struct sign_key *key, const struct digest *digests, size_t count,
                         struct region *region, struct sign_batch *ret_batch) MUST_CHECK;
/* The proof of digest `index`; its path is the region's. */
enum err sign_batch_proof(const struct sign_batch *batch, size_t index, struct region *region,
                          struct batch_proof *ret_proof) MUST_CHECK;
/* ERR_FORGED unless the proof leads from the digest to a root signed by this key (whose id must be
 * the proof's). */
enum err batch_proof_verify(const struct batch_proof *proof, const struct digest *digest,
                            const uint8_t public_key[SIGN_PUBLIC_BYTES]) MUST_CHECK;

/* Encoded Payload bytes with the sender's proof, as stored and shown. Decoded parts borrow from
 * the bytes (payload) and the region (path). */
enum err envelope_encode(struct span payload, const struct batch_proof *proof,
                         struct buf *out) MUST_CHECK;
enum err envelope_decode(struct span bytes, struct region *region, struct span *ret_payload,
                         struct batch_proof *ret_proof, struct fault *fault) MUST_CHECK;

/* A whole signed request: head bytes (request_head_encode) and encoded payloads in their order. */
enum err request_build(const struct sign_key *key, struct span head, const struct span *payloads,
                       size_t payload_count, struct buf *out) MUST_CHECK;

struct request_message {
    struct span bytes;      /* Payload, borrowed from the request */
    struct payload payload; /* its parts, borrowed from the request */
    struct digest digest;
};

/* A request as it came. Spans borrow from the request's bytes, the rest from the region; both must
 * outlive it. */
struct request {
    struct request_head head;
    struct digest head_digest;
    const struct request_message *messages;
    size_t message_count;
    uint32_t suite;
    struct key_id key;
    uint8_t signature[SIGNATURE_BYTES];
    struct merkle_batch tree; /* leaf 0 is the head, leaf i + 1 message i */
};

/* Scans, decodes the head, splits the payloads (their headers and facts are not decoded yet),
 * hashes, and checks that the head announces the right number of payloads. Who sent it is not yet
 * known to be true. ERR_INVALID, ERR_TOO_LARGE or ERR_MEMORY: the peer's fault, see the fault. */
enum err request_parse(struct span bytes, struct region *region, struct request *ret_request,
                       struct fault *fault) MUST_CHECK;
/* ERR_FORGED unless the request's root is signed by this key. */
enum err request_verify(const struct request *request,
                        const uint8_t public_key[SIGN_PUBLIC_BYTES]) MUST_CHECK;
/* The Envelope of message `index` of a verified request, appended to `out`. */
enum err request_envelope(const struct request *request, size_t index, struct buf *out) MUST_CHECK;

/* A reply; without proof (NULL) it says who sent it to nobody: only for strangers' requests. */
enum err reply_encode(struct span head, const struct batch_proof *proof,
                      struct buf *out) MUST_CHECK;

struct reply {
    struct span head_bytes;
    struct reply_head head;
    bool authentic; /* signed by the broker, and answers the request asked about */
};

struct reply_check {
    const uint8_t (*broker_keys)[SIGN_PUBLIC_BYTES]; /* borrowed: those valid now */
    size_t broker_key_count;
    struct digest request_digest; /* of the head that was sent */
};
/* For clients. ERR_FORGED when a proof is present and wrong, or the reply answers another request;
 * an unsigned reply is opened with authentic false and means no more than "refused by somebody":
 * it is ERR_FORGED unless its code is one of 1..7 and it carries nothing else. */
enum err reply_open(struct span bytes, const struct reply_check *check, struct region *region,
                    struct reply *ret_reply, struct fault *fault) MUST_CHECK;

#endif
