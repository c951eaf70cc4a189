/* The suite in use, and what is the same in all of them. See crypto.h.
 *
 * Random bytes, comparison and memory for secrets are libsodium's whatever the suite. */
#include "base/crypto.h"

#include <assert.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>

#include "base/crypto_suite.h"

static const struct suite *const suites[] = {[SUITE_INTL] = &suite_intl, [SUITE_SM] = &suite_sm};

/* Chosen before other threads are there, and read only afterwards. */
static const struct suite *in_use = &suite_intl;
static enum crypto_suite number_in_use = SUITE_INTL;
static bool chosen;

enum err crypto_init(void)
{
    return sodium_init() < 0 ? ERR_IO : OK;
}

enum err crypto_choose(enum crypto_suite suite)
{
    assert(suite == SUITE_INTL || suite == SUITE_SM);
    if (chosen && suite != number_in_use) {
        return ERR_REFUSED;
    }
    if (!chosen) {
        enum err error = suites[suite]->open();

        if (error != OK) {
            return error;
        }
        in_use = suites[suite];
        number_in_use = suite;
        chosen = true;
    }
    return OK;
}

enum err crypto_claim(enum crypto_suite suite, const char *place, struct fault *fault)
{
    enum err error = crypto_choose(suite);

    if (error == ERR_REFUSED) {
        fault_set(fault, "suite.differs", place, "is of the suite %s; the suite in use is %s",
                  crypto_suite_name(suite), crypto_suite_name(number_in_use));
        fault_hint(fault, "a city has one suite: take the file that was made for it, or correct "
                          "`suite`");
        return ERR_INVALID;
    }
    if (error != OK) {
        fault_set(fault, "suite.missing", place, "the suite %s is not in this libcrypto",
                  crypto_suite_name(suite));
        fault_hint(fault, "install a libcrypto with SM2, SM3 and SM4");
    }
    return error;
}

enum crypto_suite crypto_suite(void)
{
    return number_in_use;
}

const char *const crypto_suite_names[] = {"intl", "sm", NULL};

const char *crypto_suite_name(enum crypto_suite suite)
{
    assert(suite == SUITE_INTL || suite == SUITE_SM);
    return suites[suite]->name;
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

void hasher_init(struct hasher *hasher)
{
    in_use->hash_init(hasher);
}

void hasher_add(struct hasher *hasher, const void *data, size_t len)
{
    assert(data != NULL || len == 0);
    if (len > 0) {
        in_use->hash_add(hasher, data, len);
    }
}

struct digest hasher_end(struct hasher *hasher)
{
    struct digest digest;

    in_use->hash_end(hasher, digest.bytes);
    return digest;
}

struct digest crypto_digest(struct span data)
{
    struct hasher hasher;

    hasher_init(&hasher);
    hasher_add(&hasher, data.data, data.len);
    return hasher_end(&hasher);
}

struct mac crypto_mac(const struct mac_key *key, const struct span *pieces, size_t piece_count)
{
    struct mac mac;

    assert(key != NULL);
    assert(pieces != NULL || piece_count == 0);
    in_use->mac(key->bytes, pieces, piece_count, mac.bytes);
    return mac;
}

void crypto_derive(const uint8_t key[32], struct span context, uint8_t out[32])
{
    in_use->derive(key, context, out);
}

void sign_key_from_seed(const uint8_t seed[SIGN_SEED_BYTES], struct sign_key *ret_key)
{
    assert(ret_key != NULL);
    memcpy(ret_key->seed, seed, SIGN_SEED_BYTES);
    in_use->sign_from_seed(ret_key);
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
    in_use->sign(key, message, out);
}

enum err crypto_verify(const uint8_t public_key[SIGN_PUBLIC_BYTES], struct span message,
                       const uint8_t signature[SIGNATURE_BYTES])
{
    return in_use->verify(public_key, message, signature) ? OK : ERR_FORGED;
}

struct key_id key_id_of(const uint8_t public_key[32])
{
    struct digest digest = crypto_digest(span_of(public_key, 32));
    struct key_id id;

    memcpy(id.bytes, digest.bytes, KEY_ID_BYTES);
    return id;
}

void seal_key_from_secret(const uint8_t secret[SEAL_SECRET_BYTES], struct seal_key *ret_key)
{
    assert(ret_key != NULL);
    memcpy(ret_key->secret, secret, SEAL_SECRET_BYTES);
    ret_key->older = NULL;
    in_use->seal_from_secret(ret_key);
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
    bool good = in_use->exchange(secret, public_key, shared);

    if (good) {
        memcpy(out, shared, sizeof(shared));
    }
    crypto_wipe(shared, sizeof(shared));
    return good ? OK : ERR_FORGED;
}

enum err aead_seal(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
                   struct span associated, struct span plain, struct buf *out)
{
    const struct aead aead = {key, nonce, associated};
    uint8_t *to = NULL;
    enum err error;

    assert(out != NULL);
    if (plain.len > SIZE_MAX - AEAD_TAG_BYTES) {
        return ERR_TOO_LARGE;
    }
    error = buf_extend(out, plain.len + AEAD_TAG_BYTES, &to);
    if (error == OK) {
        in_use->aead_seal(&aead, plain, to);
    }
    return error;
}

enum err aead_open(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
                   struct span associated, struct span sealed, struct buf *out)
{
    const struct aead aead = {key, nonce, associated};
    uint8_t *to = NULL;
    size_t start;
    enum err error;

    assert(out != NULL);
    if (sealed.len < AEAD_TAG_BYTES) {
        return ERR_FORGED;
    }
    start = out->len;
    error = buf_extend(out, sealed.len - AEAD_TAG_BYTES, &to);
    if (error == OK && !in_use->aead_open(&aead, sealed, to)) {
        out->len = start;
        error = ERR_FORGED;
    }
    return error;
}
