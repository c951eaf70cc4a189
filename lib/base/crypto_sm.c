/* The suite `sm`: SM2 signatures over SM3 (GB/T 32918.2, 32905), SM4 in counter mode with HMAC-SM3
 * (GB/T 32907, 15852.2), keys agreed on the curve of GB/T 32918.5. SM3 is nettle's, whose state is
 * plain bytes; SM2 and SM4 are libcrypto's. Any thread; no certified module, see docs/security.md.
 *
 * A public key is the x coordinate alone: the owner's secret is the one of the two whose point has
 * an even y. So keys have the length of the other suite's, and as points they are ordinary ones:
 * 02 and x, as `openssl` takes them. */
#include <assert.h>
#include <nettle/hmac.h>
#include <nettle/sm3.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

#include "base/crypto_sm2.h"
#include "base/crypto_suite.h"

#define SM4_KEY_BYTES 16
#define SM4_IV_BYTES  16

_Static_assert(sizeof(struct sm3_ctx) <= sizeof(struct hasher), "hasher holds nettle's");
_Static_assert(SM3_DIGEST_SIZE == DIGEST_BYTES, "SM3");

/* --- hash and MAC --- */

static void sm_hash_init(struct hasher *hasher)
{
    struct sm3_ctx state;

    sm3_init(&state);
    memcpy(hasher->state, &state, sizeof(state));
}

static void sm_hash_add(struct hasher *hasher, const void *data, size_t len)
{
    struct sm3_ctx state;

    memcpy(&state, hasher->state, sizeof(state));
    sm3_update(&state, len, data);
    memcpy(hasher->state, &state, sizeof(state));
}

static void sm_hash_end(struct hasher *hasher, uint8_t out[DIGEST_BYTES])
{
    struct sm3_ctx state;

    memcpy(&state, hasher->state, sizeof(state));
    sm3_digest(&state, DIGEST_BYTES, out);
}

/* HMAC-SM3, its first `len` bytes. */
static void hmac(const uint8_t key[32], const struct span *pieces, size_t piece_count, size_t len,
                 uint8_t *out)
{
    struct hmac_sm3_ctx state;

    hmac_sm3_set_key(&state, 32, key);
    for (size_t i = 0; i < piece_count; i++) {
        if (pieces[i].len > 0) {
            hmac_sm3_update(&state, pieces[i].len, pieces[i].data);
        }
    }
    hmac_sm3_digest(&state, len, out);
    sodium_memzero(&state, sizeof(state));
}

static void sm_mac(const uint8_t key[MAC_KEY_BYTES], const struct span *pieces, size_t piece_count,
                   uint8_t out[MAC_BYTES])
{
    hmac(key, pieces, piece_count, MAC_BYTES, out);
}

static void sm_derive(const uint8_t key[32], struct span context, uint8_t out[32])
{
    hmac(key, &context, 1, 32, out);
}

/* --- keys --- */

static void sm_sign_from_seed(struct sign_key *key)
{
    memset(key->expanded, 0, sizeof(key->expanded));
    sm2_key_from_seed(key->seed, key->expanded, key->public_key);
}

static void sm_sign(const struct sign_key *key, struct span message, uint8_t out[SIGNATURE_BYTES])
{
    sm2_sign(key->expanded, key->public_key, message, out);
}

static bool sm_verify(const uint8_t public_key[SIGN_PUBLIC_BYTES], struct span message,
                      const uint8_t signature[SIGNATURE_BYTES])
{
    uint8_t point[SM2_POINT_BYTES] = {SM2_EVEN};

    memcpy(point + 1, public_key, SIGN_PUBLIC_BYTES);
    return sm2_verify(point, message, signature);
}

static void sm_seal_from_secret(struct seal_key *key)
{
    uint8_t scalar[32];

    sm2_key_from_seed(key->secret, scalar, key->public_key);
    sodium_memzero(scalar, sizeof(scalar));
}

static bool sm_exchange(const uint8_t secret[32], const uint8_t public_key[32], uint8_t out[32])
{
    return sm2_exchange(secret, public_key, out);
}

/* --- authenticated encryption --- */

struct aead_keys {      /* secret */
    uint8_t cipher[32]; /* its first half is SM4's key, the second one the counter's start */
    uint8_t mac[32];
};

static void aead_keys_make(const struct aead *aead, struct aead_keys *ret_keys)
{
    static const uint8_t uses[2] = {1, 2};
    const struct span nonce = span_of(aead->nonce, AEAD_NONCE_BYTES);

    hmac(aead->key, (const struct span[]){span_of(&uses[0], 1), nonce}, 2, 32, ret_keys->cipher);
    hmac(aead->key, (const struct span[]){span_of(&uses[1], 1), nonce}, 2, 32, ret_keys->mac);
}

/* Over the length of the associated bytes, them, and what is encrypted. */
static void aead_tag(const struct aead_keys *keys, struct span associated, struct span bytes,
                     uint8_t out[AEAD_TAG_BYTES])
{
    uint8_t len[8];

    be64_put(len, associated.len);
    hmac(keys->mac, (const struct span[]){span_of(len, sizeof(len)), associated, bytes}, 3,
         AEAD_TAG_BYTES, out);
}

/* Counter mode: the same both ways. libcrypto fails here only without memory. */
static void sm4_ctr(const struct aead_keys *keys, struct span in, uint8_t *out)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    size_t at = 0;
    int result = context == NULL ? 0
                                 : EVP_EncryptInit_ex(context, EVP_sm4_ctr(), NULL, keys->cipher,
                                                      keys->cipher + SM4_KEY_BYTES);

    assert(result == 1);
    while (at < in.len) {
        int piece = in.len - at < (1u << 30) ? (int)(in.len - at) : 1 << 30, done = 0;

        result = EVP_EncryptUpdate(context, out + at, &done, in.data + at, piece);
        assert(result == 1 && done == piece);
        at += (size_t)done;
    }
    EVP_CIPHER_CTX_free(context);
}

static void sm_aead_seal(const struct aead *aead, struct span plain, uint8_t *out)
{
    struct aead_keys keys;

    aead_keys_make(aead, &keys);
    sm4_ctr(&keys, plain, out);
    aead_tag(&keys, aead->associated, span_of(out, plain.len), out + plain.len);
    sodium_memzero(&keys, sizeof(keys));
}

static bool sm_aead_open(const struct aead *aead, struct span sealed, uint8_t *out)
{
    const struct span bytes = span_of(sealed.data, sealed.len - AEAD_TAG_BYTES);
    struct aead_keys keys;
    uint8_t tag[AEAD_TAG_BYTES];
    bool good;

    aead_keys_make(aead, &keys);
    aead_tag(&keys, aead->associated, bytes, tag);
    good = sodium_memcmp(tag, sealed.data + bytes.len, sizeof(tag)) == 0;
    if (good) {
        sm4_ctr(&keys, bytes, out);
    }
    sodium_memzero(&keys, sizeof(keys));
    return good;
}

const struct suite suite_sm = {
    .name = "sm",
    .open = sm2_open,
    .hash_init = sm_hash_init,
    .hash_add = sm_hash_add,
    .hash_end = sm_hash_end,
    .mac = sm_mac,
    .derive = sm_derive,
    .sign_from_seed = sm_sign_from_seed,
    .sign = sm_sign,
    .verify = sm_verify,
    .seal_from_secret = sm_seal_from_secret,
    .exchange = sm_exchange,
    .aead_seal = sm_aead_seal,
    .aead_open = sm_aead_open,
};
