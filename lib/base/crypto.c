/* The `intl` suite: libsodium behind crypto.h. See there. Stateless; any thread after crypto_init.
 * A call whose only failures are misuse is asserted.
 *
 * SHA-256 is libcrypto's, which uses the processor's own instructions where it has them: five times
 * as fast as libsodium's, and a third of the broker's work. Its low-level functions, because the
 * others allocate for every hash. */
#define OPENSSL_SUPPRESS_DEPRECATED /* those functions; OpenSSL 3 keeps them */
#include "base/crypto.h"

#include <assert.h>
#include <openssl/sha.h>
#include <sodium.h>
#include <string.h>

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

enum err crypto_init(void)
{
    return sodium_init() < 0 ? ERR_IO : OK;
}

void crypto_random(void *out, size_t len)
{
    randombytes_buf(out, len);
}

void crypto_wipe(void *secret, size_t len)
{
    sodium_memzero(secret, len);
}

void *crypto_secret_new(size_t size)
{
    void *secret = sodium_malloc(size);

    if (secret != NULL) {
        sodium_memzero(secret, size);
    }
    return secret;
}

void crypto_secret_free(void *secret)
{
    sodium_free(secret);
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}

/* The state is copied in and out: struct hasher is bytes, not libcrypto's type. */
void hasher_init(struct hasher *hasher)
{
    SHA256_CTX state;
    int result = SHA256_Init(&state);
    assert(result == 1);
    memcpy(hasher->state, &state, sizeof(state));
}

void hasher_add(struct hasher *hasher, const void *data, size_t len)
{
    assert(data != NULL || len == 0);
    if (len == 0) {
        return;
    }
    SHA256_CTX state;
    memcpy(&state, hasher->state, sizeof(state));
    int result = SHA256_Update(&state, data, len);
    assert(result == 1);
    memcpy(hasher->state, &state, sizeof(state));
}

struct digest hasher_end(struct hasher *hasher)
{
    SHA256_CTX state;
    memcpy(&state, hasher->state, sizeof(state));
    struct digest digest;
    int result = SHA256_Final(digest.bytes, &state);
    assert(result == 1);
    return digest;
}

struct digest crypto_sha256(struct span data)
{
    struct hasher hasher;
    hasher_init(&hasher);
    hasher_add(&hasher, data.data, data.len);
    return hasher_end(&hasher);
}

struct mac crypto_mac(const struct mac_key *key, const struct span *pieces, size_t piece_count)
{
    assert(key != NULL);
    assert(pieces != NULL || piece_count == 0);
    crypto_generichash_state state;
    int result = crypto_generichash_init(&state, key->bytes, MAC_KEY_BYTES, MAC_BYTES);
    assert(result == 0);
    for (size_t i = 0; i < piece_count; i++) {
        if (pieces[i].len > 0) {
            result = crypto_generichash_update(&state, pieces[i].data, pieces[i].len);
            assert(result == 0);
        }
    }
    struct mac mac;
    result = crypto_generichash_final(&state, mac.bytes, MAC_BYTES);
    assert(result == 0);
    sodium_memzero(&state, sizeof(state));
    return mac;
}

void crypto_derive(const uint8_t key[32], struct span context, uint8_t out[32])
{
    int result = crypto_generichash(out, 32, context.data, context.len, key, 32);
    assert(result == 0);
}

void sign_key_from_seed(const uint8_t seed[SIGN_SEED_BYTES], struct sign_key *ret_key)
{
    assert(ret_key != NULL);
    memcpy(ret_key->seed, seed, SIGN_SEED_BYTES);
    int result = crypto_sign_seed_keypair(ret_key->public_key, ret_key->expanded, ret_key->seed);
    assert(result == 0);
}

void sign_key_new(struct sign_key *ret_key)
{
    uint8_t seed[SIGN_SEED_BYTES];
    crypto_random(seed, sizeof(seed));
    sign_key_from_seed(seed, ret_key);
    crypto_wipe(seed, sizeof(seed));
}

void crypto_sign_message(const struct sign_key *key, struct span message,
                         uint8_t out[SIGNATURE_BYTES])
{
    assert(key != NULL);
    int result = crypto_sign_detached(out, NULL, message.data, message.len, key->expanded);
    assert(result == 0);
}

enum err crypto_verify(const uint8_t public_key[SIGN_PUBLIC_BYTES], struct span message,
                       const uint8_t signature[SIGNATURE_BYTES])
{
    int result = crypto_sign_verify_detached(signature, message.data, message.len, public_key);
    return result == 0 ? OK : ERR_FORGED;
}

struct key_id key_id_of(const uint8_t public_key[32])
{
    struct digest digest = crypto_sha256(span_of(public_key, 32));
    struct key_id id;
    memcpy(id.bytes, digest.bytes, KEY_ID_BYTES);
    return id;
}

void seal_key_from_secret(const uint8_t secret[SEAL_SECRET_BYTES], struct seal_key *ret_key)
{
    assert(ret_key != NULL);
    memcpy(ret_key->secret, secret, SEAL_SECRET_BYTES);
    ret_key->older = NULL;
    int result = crypto_scalarmult_base(ret_key->public_key, ret_key->secret);
    assert(result == 0);
}

void seal_key_new(struct seal_key *ret_key)
{
    uint8_t secret[SEAL_SECRET_BYTES];
    crypto_random(secret, sizeof(secret));
    seal_key_from_secret(secret, ret_key);
    crypto_wipe(secret, sizeof(secret));
}

enum err crypto_exchange(const uint8_t secret[32], const uint8_t public_key[32], uint8_t out[32])
{
    uint8_t shared[32];
    int result = crypto_scalarmult(shared, secret, public_key);
    if (result == 0) {
        memcpy(out, shared, sizeof(shared));
    }
    crypto_wipe(shared, sizeof(shared));
    return result == 0 ? OK : ERR_FORGED;
}

enum err aead_seal(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
                   struct span associated, struct span plain, struct buf *out)
{
    assert(out != NULL);
    if (plain.len > SIZE_MAX - AEAD_TAG_BYTES) {
        return ERR_TOO_LARGE;
    }
    uint8_t *to = NULL;
    enum err error = buf_extend(out, plain.len + AEAD_TAG_BYTES, &to);
    if (error != OK) {
        return error;
    }
    int result = crypto_aead_xchacha20poly1305_ietf_encrypt(
        to, NULL, plain.data, plain.len, associated.data, associated.len, NULL, nonce, key);
    assert(result == 0);
    return OK;
}

enum err aead_open(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
                   struct span associated, struct span sealed, struct buf *out)
{
    assert(out != NULL);
    if (sealed.len < AEAD_TAG_BYTES) {
        return ERR_FORGED;
    }
    size_t start = out->len;
    uint8_t *to = NULL;
    enum err error = buf_extend(out, sealed.len - AEAD_TAG_BYTES, &to);
    if (error != OK) {
        return error;
    }
    int result = crypto_aead_xchacha20poly1305_ietf_decrypt(
        to, NULL, NULL, sealed.data, sealed.len, associated.data, associated.len, nonce, key);
    if (result != 0) {
        out->len = start;
        return ERR_FORGED;
    }
    return OK;
}
