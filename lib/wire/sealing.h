/* Sealed bodies: one ciphertext, readable by the agencies named in it and by nobody else.
 *
 * Agents seal and open; the broker only checks the outside (sealed_check). Associated data is the
 * header, so a body cannot be moved to another message. Plain bodies are personal data: the region
 * of body_open is wiped with region_wipe by its owner. Any thread. */
#ifndef REFERRAL_WIRE_SEALING_H
#define REFERRAL_WIRE_SEALING_H

#include "wire/codec.h"

struct registry;

#define PADDING_CLASS_COUNT 5

struct seal_reader {
    char agency[LIMIT_AGENCY_ID_BYTES];
    uint8_t public_key[SEAL_PUBLIC_BYTES];
};

/* What is sealed to whom. Borrowed. */
struct seal_job {
    struct span header; /* encoded Header */
    const struct body *body;
    const struct seal_reader *readers; /* the recipient, the sender and all copies */
    size_t reader_count;               /* 1 .. LIMIT_READER_COUNT */
};

/* All randomness of one sealing, so that test vectors can be made. Secret. */
struct seal_entropy {
    uint8_t content_key[AEAD_KEY_BYTES];
    uint8_t nonce[AEAD_NONCE_BYTES];
    uint8_t ephemeral[LIMIT_READER_COUNT][SEAL_SECRET_BYTES];
};

/* The bytes of padding class 1 .. 5; 0 for others. */
size_t padding_bytes(uint32_t padding_class);

/* Appends SealedBody bytes. ERR_TOO_LARGE for a body beyond LIMIT_BODY_BYTES; ERR_FORGED for a
 * reader's key of low order. */
enum err body_seal(const struct seal_job *job, struct buf *out) MUST_CHECK;
enum err body_seal_with(const struct seal_job *job, const struct seal_entropy *entropy,
                        struct buf *out) MUST_CHECK;

/* Opens with one reader's key. ERR_NOT_FOUND: not sealed to this key; ERR_FORGED: changed, wrong
 * commitment, or sender, recipient, message id or case id differ from the header's; ERR_INVALID:
 * the plain body is malformed (the fault has the path, never content). */
enum err body_open(const struct payload *payload, const struct seal_key *key, struct region *region,
                   struct body *ret_body, struct fault *fault) MUST_CHECK;

/* What opens this one body, for whoever may hand it on as evidence: one of its readers. Secret.
 * ERR_NOT_FOUND, ERR_FORGED, ERR_INVALID as above. */
enum err body_key(const struct payload *payload, const struct seal_key *key, struct region *region,
                  uint8_t ret_content_key[AEAD_KEY_BYTES]) MUST_CHECK;
/* Opens with that. ERR_FORGED also for a key that the body does not commit to. */
enum err body_open_by_key(const struct payload *payload, const uint8_t content_key[AEAD_KEY_BYTES],
                          struct region *region, struct body *ret_body,
                          struct fault *fault) MUST_CHECK;

/* From outside, as the broker sees it: suite, padding, sizes, and that the sender, the recipient
 * and the agencies of `message->copies` are readers, each once and nobody else. The fault's place
 * is a path under "body". */
enum err sealed_check(struct span bytes, const struct message *message,
                      const struct registry *registry, struct region *region,
                      struct fault *fault) MUST_CHECK;

/* The plain body's bytes (Body); body_seal and body_open do this themselves. */
enum err body_encode(const struct body *body, struct buf *out) MUST_CHECK;
enum err body_decode(struct span bytes, struct region *region, struct body *ret_body,
                     struct fault *fault) MUST_CHECK;

#endif
