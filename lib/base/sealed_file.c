/* What the writer and the reader of sealed files compute alike. See sealed_private.h. Pure. */
#include <string.h>

#include "base/sealed_private.h"

void sealed_key(const uint8_t shared[32], struct span front_and_head, uint8_t ret_key[32])
{
    struct digest digest = crypto_digest(front_and_head);
    uint8_t context[sizeof(SEALED_KEY_DOMAIN) + DIGEST_BYTES];
    memcpy(context, SEALED_KEY_DOMAIN, sizeof(SEALED_KEY_DOMAIN));
    memcpy(context + sizeof(SEALED_KEY_DOMAIN), digest.bytes, DIGEST_BYTES);
    crypto_derive(shared, span_of(context, sizeof(context)), ret_key);
}

struct sealed_chunk_place sealed_chunk_at(uint64_t index, bool last)
{
    struct sealed_chunk_place place = {.nonce = {0}};
    be64_put(place.nonce + AEAD_NONCE_BYTES - 8, index);
    be64_put(place.associated, index);
    place.associated[8] = last ? 1 : 0;
    return place;
}

struct sealed_statement sealed_statement_of(const struct digest *digest)
{
    struct sealed_statement statement;
    memcpy(statement.bytes, SEALED_SIGN_DOMAIN, sizeof(SEALED_SIGN_DOMAIN));
    memcpy(statement.bytes + sizeof(SEALED_SIGN_DOMAIN), digest->bytes, DIGEST_BYTES);
    return statement;
}
