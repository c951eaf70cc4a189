/* The suite `intl`: libsodium. Stateless; any thread. A call whose only failures are misuse is
 * asserted.
 *
 * SHA-256 is libcrypto's, which uses the processor's own instructions where it has them: five times
 * as fast as libsodium's, and a third of the broker's work. Its low-level functions, because the
 * others allocate for every hash. */
#define OPENSSL_SUPPRESS_DEPRECATED /* those functions; OpenSSL 3 keeps them */
#include <assert.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <string.h>

#include "base/crypto_suite.h"

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct hasher), "hasher holds libcrypto's");
_Static_assert(SIGN_SEED_BYTES == crypto_sign_SEEDBYTES, "Ed25519 seed");
_Static_assert(SIGN_PUBLIC_BYTES == crypto_sign_PUBLICKEYBYTES, "Ed25519 public key");
_Static_assert(SIGNATURE_BYTES == crypto_sign_BYTES, "Ed25519 signature");
_Static_assert(sizeof(((struct sign_key *)NULL)->expanded) == crypto_sign_SECRETKEYBYTES,
               "Ed25519 secret key");
_Static_assert(SEAL_SECRET_BYTES == crypto_scalarmult_SCALARBYTES, "X25519 scalar");
_Static_assert(SEAL_PUBLIC_BYTES == crypto_scalarmult_BYTES, "X25519 point");
_Static_assert(AEAD_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "AEAD key");
_Static_assert(AEAD_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "AEAD nonce");
_Static_assert(AEAD_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "AEAD tag");
_Static_assert(DIGEST_BYTES == SHA256_DIGEST_LENGTH, "SHA-256");
_Static_assert(MAC_BYTES >= crypto_generichash_BYTES_MIN, "BLAKE2b result");

static enum err intl_open(void)
{
    return OK; /* libsodium is there for all suites */
}

/* The state is copied in and out: struct hasher is bytes, not libcrypto's type. */
static void intl_hash_init(struct hasher *hasher)
{
    SHA256_CTX state;
    int result = SHA256_Init(&state);
    assert(result == 1);
    memcpy(hasher->state, &state, sizeof(state));
}

static void intl_hash_add(struct hasher *hasher, const void *data, size_t len)
{
    SHA256_CTX state;
    memcpy(&state, hasher->state, sizeof(state));
    int result = SHA256_Update(&state, data, len);
    assert(result == 1);
    memcpy(hasher->state, &state, sizeof(state));
}

static void intl_hash_end(struct hasher *hasher, uint8_t out[DIGEST_BYTES])
{
    SHA256_CTX state;
    memcpy(&state, hasher->state, sizeof(state));
    int result = SHA256_Final(out, &state);
    assert(result == 1);
}

static void intl_mac(const uint8_t key[MAC_KEY_BYTES], const struct span *pieces,
                     size_t piece_count, uint8_t out[MAC_BYTES])
{
    crypto_generichash_state state;
    int result = crypto_generichash_init(&state, key, MAC_KEY_BYTES, MAC_BYTES);
    assert(result == 0);
    for (size_t i = 0; i < piece_count; i++) {
        if (pieces[i].len > 0) {
            result = crypto_generichash_update(&state, pieces[i].data, pieces[i].len);
            assert(result == 0);
        }
    }
    result = crypto_generichash_final(&state, out, MAC_BYTES);
    assert(result == 0);
    sodium_memzero(&state, sizeof(state));
}

static void intl_derive(const uint8_t key[32], struct span context, uint8_t out[32])
{
    int result = crypto_generichash(out, 32, context.data, context.len, key, 32);
    assert(result == 0);
}

static void intl_sign_from_seed(struct sign_key *key)
{
    int result = crypto_sign_seed_keypair(key->public_key, key->expanded, key->seed);
    assert(result == 0);
}

static void intl_sign(const struct sign_key *key, struct span message, uint8_t out[SIGNATURE_BYTES])
{
    int result = crypto_sign_detached(out, NULL, message.data, message.len, key->expanded);
    assert(result == 0);
}

static bool intl_verify(const uint8_t public_key[SIGN_PUBLIC_BYTES], struct span message,
                        const uint8_t signature[SIGNATURE_BYTES])
{
    return crypto_sign_verify_detached(signature, message.data, message.len, public_key) == 0;
}

static void intl_seal_from_secret(struct seal_key *key)
{
    int result = crypto_scalarmult_base(key->public_key, key->secret);
    assert(result == 0);
}

static bool intl_exchange(const uint8_t secret[32], const uint8_t public_key[32], uint8_t out[32])
{
    return crypto_scalarmult(out, secret, public_key) == 0;
}

static void intl_aead_seal(const struct aead *aead, struct span plain, uint8_t *out)
{
    int result = crypto_aead_xchacha20poly1305_ietf_encrypt(
        out, NULL, plain.data, plain.len, aead->associated.data, aead->associated.len, NULL,
        aead->nonce, aead->key);
    assert(result == 0);
}

static bool intl_aead_open(const struct aead *aead, struct span sealed, uint8_t *out)
{
    return crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.data, sealed.len,
                                                      aead->associated.data, aead->associated.len,
                                                      aead->nonce, aead->key) == 0;
}

const struct suite suite_intl = {
    .name = "intl",
    .open = intl_open,
    .hash_init = intl_hash_init,
    .hash_add = intl_hash_add,
    .hash_end = intl_hash_end,
    .mac = intl_mac,
    .derive = intl_derive,
    .sign_from_seed = intl_sign_from_seed,
    .sign = intl_sign,
    .verify = intl_verify,
    .seal_from_secret = intl_seal_from_secret,
    .exchange = intl_exchange,
    .aead_seal = intl_aead_seal,
    .aead_open = intl_aead_open,
};
