/* How: XChaCha20-Poly1305 for each chunk. The nonce is the chunk's number and whether it is the
 * last (the STREAM construction: order, gaps and the end are authenticated), the associated data
 * is the commitment and the plain size. A key seals one attachment, so that nonces never repeat. */
#include "wire/attachment_seal.h"

#include <assert.h>
#include <string.h>

#define ASSOCIATED_BYTES (ATTACHMENT_COMMITMENT_BYTES + 8u)

enum err attachment_cipher_init(const uint8_t key[AEAD_KEY_BYTES], uint64_t plain_bytes,
                                struct attachment_cipher *ret_cipher)
{
    assert(key != NULL && ret_cipher != NULL);
    uint64_t filled = attachment_filled_bytes(plain_bytes);
    if (filled == 0) {
        return ERR_TOO_LARGE;
    }
    crypto_derive(key, span_text("referral.v1.attachment-key"), ret_cipher->chunk_key);
    crypto_derive(key, span_text("referral.v1.attachment-commitment"), ret_cipher->commitment);
    ret_cipher->plain_bytes = plain_bytes;
    ret_cipher->filled_bytes = filled;
    ret_cipher->chunk_count = (filled + ATTACHMENT_CHUNK_BYTES - 1) / ATTACHMENT_CHUNK_BYTES;
    return OK;
}

static size_t filled_of(const struct attachment_cipher *cipher, uint64_t index)
{
    uint64_t left = cipher->filled_bytes - index * ATTACHMENT_CHUNK_BYTES;
    return left < ATTACHMENT_CHUNK_BYTES ? (size_t)left : ATTACHMENT_CHUNK_BYTES;
}

struct attachment_place attachment_chunk(const struct attachment_cipher *cipher, uint64_t index)
{
    assert(index < cipher->chunk_count);
    struct attachment_place place = {.plain_offset = index * ATTACHMENT_CHUNK_BYTES};
    uint64_t left = cipher->plain_bytes - place.plain_offset;
    place.plain_bytes = left < ATTACHMENT_CHUNK_BYTES ? (size_t)left : ATTACHMENT_CHUNK_BYTES;
    place.sealed_offset =
        ATTACHMENT_COMMITMENT_BYTES + index * (ATTACHMENT_CHUNK_BYTES + AEAD_TAG_BYTES);
    place.sealed_bytes = filled_of(cipher, index) + AEAD_TAG_BYTES;
    return place;
}

static void frame(const struct attachment_cipher *cipher, uint64_t index,
                  uint8_t nonce[AEAD_NONCE_BYTES], uint8_t associated[ASSOCIATED_BYTES])
{
    memset(nonce, 0, AEAD_NONCE_BYTES);
    nonce[AEAD_NONCE_BYTES - 9] = index + 1 == cipher->chunk_count ? 1 : 0;
    be64_put(nonce + AEAD_NONCE_BYTES - 8, index);
    memcpy(associated, cipher->commitment, ATTACHMENT_COMMITMENT_BYTES);
    be64_put(associated + ATTACHMENT_COMMITMENT_BYTES, cipher->plain_bytes);
}

enum err attachment_chunk_seal(const struct attachment_cipher *cipher, uint64_t index,
                               struct span plain, struct buf *out)
{
    struct attachment_place place = attachment_chunk(cipher, index);
    uint8_t nonce[AEAD_NONCE_BYTES];
    uint8_t associated[ASSOCIATED_BYTES];
    struct buf filled;
    assert(plain.len == place.plain_bytes);
    frame(cipher, index, nonce, associated);
    if (place.sealed_bytes == plain.len + AEAD_TAG_BYTES) {
        return aead_seal(cipher->chunk_key, nonce, span_of(associated, sizeof(associated)), plain,
                         out);
    }
    buf_init(&filled, ATTACHMENT_CHUNK_BYTES);
    uint8_t *bytes = NULL;
    enum err error = buf_extend(&filled, place.sealed_bytes - AEAD_TAG_BYTES, &bytes);
    if (error == OK) {
        memset(bytes, 0, filled.len);
        memcpy(bytes, plain.data, plain.len);
        error = aead_seal(cipher->chunk_key, nonce, span_of(associated, sizeof(associated)),
                          span_buf(&filled), out);
        crypto_wipe(filled.data, filled.cap);
    }
    buf_free(&filled);
    return error;
}

enum err attachment_chunk_open(const struct attachment_cipher *cipher, uint64_t index,
                               struct span sealed, struct buf *out)
{
    struct attachment_place place = attachment_chunk(cipher, index);
    uint8_t nonce[AEAD_NONCE_BYTES];
    uint8_t associated[ASSOCIATED_BYTES];
    size_t start = out->len;
    if (sealed.len != place.sealed_bytes) {
        return ERR_FORGED;
    }
    frame(cipher, index, nonce, associated);
    enum err error =
        aead_open(cipher->chunk_key, nonce, span_of(associated, sizeof(associated)), sealed, out);
    if (error != OK) {
        return error;
    }
    for (size_t i = start + place.plain_bytes; i < out->len; i++) {
        error = out->data[i] != 0 ? ERR_FORGED : error;
    }
    if (error != OK) {
        crypto_wipe(out->data + start, out->len - start);
    }
    out->len = error == OK ? start + place.plain_bytes : start;
    return error;
}

enum err attachment_seal(const struct attachment_cipher *cipher, struct span plain, struct buf *out)
{
    assert(plain.len == cipher->plain_bytes);
    enum err error = buf_append(out, cipher->commitment, ATTACHMENT_COMMITMENT_BYTES);
    for (uint64_t i = 0; error == OK && i < cipher->chunk_count; i++) {
        struct attachment_place place = attachment_chunk(cipher, i);
        error = attachment_chunk_seal(
            cipher, i, span_of(plain.data + place.plain_offset, place.plain_bytes), out);
    }
    return error;
}

enum err attachment_open(const struct attachment_cipher *cipher, struct span sealed,
                         struct buf *out)
{
    size_t start = out->len;
    if (sealed.len != attachment_sealed_bytes(cipher->plain_bytes) ||
        !crypto_equal(sealed.data, cipher->commitment, ATTACHMENT_COMMITMENT_BYTES)) {
        return ERR_FORGED;
    }
    enum err error = OK;
    for (uint64_t i = 0; error == OK && i < cipher->chunk_count; i++) {
        struct attachment_place place = attachment_chunk(cipher, i);
        error = attachment_chunk_open(
            cipher, i, span_of(sealed.data + place.sealed_offset, place.sealed_bytes), out);
    }
    if (error != OK && out->len > start) {
        crypto_wipe(out->data + start, out->len - start);
        out->len = start;
    }
    return error;
}
