/* Attachments sealed: chunks that open one by one and cannot be changed, moved, left out, cut off
 * or continued, under a key that fits no other bytes (docs/protocol.md, section 9).
 *
 * The key is random, one for each sealing; it travels in the sealed body of the message that names
 * the digest of the sealed bytes, so that its readers are the attachment's. Holds no file: whoever
 * calls feeds chunks in their order, or any of them by its place. Any thread. */
#ifndef REFERRAL_WIRE_ATTACHMENT_SEAL_H
#define REFERRAL_WIRE_ATTACHMENT_SEAL_H

#include "base/crypto.h"
#include "model/attachment.h"

struct attachment_cipher { /* secret: wipe with crypto_wipe */
    uint8_t chunk_key[AEAD_KEY_BYTES];
    uint8_t commitment[ATTACHMENT_COMMITMENT_BYTES]; /* the first bytes of the sealed form */
    uint64_t plain_bytes;
    uint64_t filled_bytes;
    uint64_t chunk_count;
};

/* plain_bytes: 1 to LIMIT_ATTACHMENT_BYTES; ERR_TOO_LARGE otherwise. */
enum err attachment_cipher_init(const uint8_t key[AEAD_KEY_BYTES], uint64_t plain_bytes,
                                struct attachment_cipher *ret_cipher) MUST_CHECK;

struct attachment_place { /* of one chunk */
    uint64_t plain_offset;
    size_t plain_bytes; /* without what fills it up */
    uint64_t sealed_offset;
    size_t sealed_bytes;
};
/* index below chunk_count. */
struct attachment_place attachment_chunk(const struct attachment_cipher *cipher, uint64_t index);

/* Appends the sealed chunk; `plain` has exactly its bytes. Chunk 0 is preceded by the commitment,
 * which the caller writes. */
enum err attachment_chunk_seal(const struct attachment_cipher *cipher, uint64_t index,
                               struct span plain, struct buf *out) MUST_CHECK;
/* Appends the plain chunk. ERR_FORGED for anything but what attachment_chunk_seal made. */
enum err attachment_chunk_open(const struct attachment_cipher *cipher, uint64_t index,
                               struct span sealed, struct buf *out) MUST_CHECK;
/* The whole. ERR_FORGED also for a wrong commitment or length. */
enum err attachment_seal(const struct attachment_cipher *cipher, struct span plain,
                         struct buf *out) MUST_CHECK;
enum err attachment_open(const struct attachment_cipher *cipher, struct span sealed,
                         struct buf *out) MUST_CHECK;

#endif
