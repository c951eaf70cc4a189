/* See body_rest.h. At rest: 0x00 | generation u8 | hash of the body 32 | sealed body, tag 16. The
 * nonce is the beginning of that hash: one body under one key is always the same bytes, and two
 * bodies never share a nonce. */
#include "wire/body_rest.h"

#include <assert.h>
#include <string.h>

#include "wire/envelope.h"

bool body_is_at_rest(struct span body, uint8_t *ret_generation)
{
    if (body.len < BODY_REST_MORE_BYTES || body.data[0] != 0) {
        return false;
    }
    if (ret_generation != NULL) {
        *ret_generation = body.data[1];
    }
    return true;
}

/* The head, and the header: so a body at rest cannot be moved to another message. */
static enum err bind(const uint8_t *head, const struct payload *payload, struct buf *out)
{
    enum err error = buf_append(out, head, BODY_REST_HEAD_BYTES);

    return error == OK ? buf_append(out, payload->header.data, payload->header.len) : error;
}

static const uint8_t *hash_at(const uint8_t *head)
{
    return head + 2;
}

_Static_assert(AEAD_NONCE_BYTES <= DIGEST_BYTES, "a hash is long enough for a nonce");

enum err body_rest_seal(const struct body_rest_key *key, const struct payload *payload,
                        struct buf *out)
{
    const struct digest hash = crypto_digest(payload->body);
    const size_t start = out->len;
    uint8_t head[BODY_REST_HEAD_BYTES] = {0, key->generation};
    struct buf bound;
    enum err error;

    assert(payload->body.len > 0);
    memcpy(head + 2, hash.bytes, DIGEST_BYTES);
    buf_init(&bound, BODY_REST_HEAD_BYTES + LIMIT_HEADER_BYTES);
    error = bind(head, payload, &bound);
    if (error == OK) {
        error = buf_append(out, head, sizeof(head));
    }
    if (error == OK) {
        error = aead_seal(key->bytes, hash_at(head), span_buf(&bound), payload->body, out);
    }
    if (error != OK) {
        out->len = start;
    }
    buf_free(&bound);
    return error;
}

enum err body_rest_open(const struct body_rest_key *key, const struct payload *payload,
                        struct buf *out)
{
    const uint8_t *head = payload->body.data;
    struct buf bound;
    enum err error;

    assert(body_is_at_rest(payload->body, NULL));
    buf_init(&bound, BODY_REST_HEAD_BYTES + LIMIT_HEADER_BYTES);
    error = bind(head, payload, &bound);
    if (error == OK) {
        error = aead_open(
            key->bytes, hash_at(head), span_buf(&bound),
            span_of(head + BODY_REST_HEAD_BYTES, payload->body.len - BODY_REST_HEAD_BYTES), out);
    }
    buf_free(&bound);
    return error;
}

struct digest message_digest_at_rest(const struct payload *payload)
{
    struct digest hash;

    if (!body_is_at_rest(payload->body, NULL)) {
        return message_digest(payload);
    }
    memcpy(hash.bytes, hash_at(payload->body.data), DIGEST_BYTES);
    return message_digest_by_hash(payload, &hash);
}
