/* What a suite is made of. For crypto.c, crypto_intl.c and crypto_sm.c alone; see crypto.h, whose
 * functions these are, with the same lengths and meanings. */
#ifndef REFERRAL_BASE_CRYPTO_SUITE_H
#define REFERRAL_BASE_CRYPTO_SUITE_H

#include "base/crypto.h"

struct aead {
    const uint8_t *key;   /* AEAD_KEY_BYTES */
    const uint8_t *nonce; /* AEAD_NONCE_BYTES */
    struct span associated;
};

struct suite {
    const char *name;
    enum err (*open)(void); /* once, before all others */
    void (*hash_init)(struct hasher *hasher);
    void (*hash_add)(struct hasher *hasher, const void *data, size_t len);
    void (*hash_end)(struct hasher *hasher, uint8_t out[DIGEST_BYTES]);
    void (*mac)(const uint8_t key[MAC_KEY_BYTES], const struct span *pieces, size_t piece_count,
                uint8_t out[MAC_BYTES]);
    void (*derive)(const uint8_t key[32], struct span context, uint8_t out[32]);
    void (*sign_from_seed)(struct sign_key *key); /* of its seed */
    void (*sign)(const struct sign_key *key, struct span message, uint8_t out[SIGNATURE_BYTES]);
    bool (*verify)(const uint8_t public_key[SIGN_PUBLIC_BYTES], struct span message,
                   const uint8_t signature[SIGNATURE_BYTES]);
    void (*seal_from_secret)(struct seal_key *key); /* of its secret */
    bool (*exchange)(const uint8_t secret[32], const uint8_t public_key[32], uint8_t out[32]);
    /* `out` has room for plain.len + AEAD_TAG_BYTES, or for sealed.len - AEAD_TAG_BYTES. */
    void (*aead_seal)(const struct aead *aead, struct span plain, uint8_t *out);
    bool (*aead_open)(const struct aead *aead, struct span sealed, uint8_t *out);
};

extern const struct suite suite_intl, suite_sm;

#endif
