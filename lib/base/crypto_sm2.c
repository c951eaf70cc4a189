/* How: numbers and points by hand for keys and the shared coordinate, EVP for signatures. See
 * crypto_sm2.h. */
#include "base/crypto_sm2.h"

#include <assert.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>
#include <string.h>

#define SCALAR_BYTES 32

static EC_GROUP *curve; /* made once, by sm2_open */

enum err sm2_open(void)
{
    if (curve == NULL) {
        curve = EC_GROUP_new_by_curve_name(NID_sm2);
    }
    ERR_clear_error();
    return curve != NULL ? OK : ERR_IO;
}

/* What libcrypto cannot refuse but for want of memory. */
static void must(int result)
{
    assert(result == 1);
}

struct numbers { /* scratch, wiped by numbers_end */
    BN_CTX *scratch;
    BIGNUM *scalar, *x, *y, *other;
    EC_POINT *point;
};

static void numbers_begin(struct numbers *numbers)
{
    numbers->scratch = BN_CTX_secure_new();
    must(numbers->scratch != NULL);
    BN_CTX_start(numbers->scratch);
    numbers->scalar = BN_CTX_get(numbers->scratch);
    numbers->x = BN_CTX_get(numbers->scratch);
    numbers->y = BN_CTX_get(numbers->scratch);
    numbers->other = BN_CTX_get(numbers->scratch);
    numbers->point = EC_POINT_new(curve);
    must(numbers->other != NULL && numbers->point != NULL);
}

static void numbers_end(struct numbers *numbers)
{
    BIGNUM *const each[] = {numbers->scalar, numbers->x, numbers->y, numbers->other};

    for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
        BN_clear(each[i]);
    }
    EC_POINT_clear_free(numbers->point);
    BN_CTX_end(numbers->scratch);
    BN_CTX_free(numbers->scratch);
    ERR_clear_error();
}

/* seed mod (n - 2) + 1, and its point; the other secret of the two when y is odd. */
static void scalar_make(struct numbers *numbers, const uint8_t seed[32])
{
    const BIGNUM *order = EC_GROUP_get0_order(curve);

    must(BN_bin2bn(seed, SCALAR_BYTES, numbers->other) != NULL);
    must(BN_copy(numbers->x, order) != NULL);
    must(BN_sub_word(numbers->x, 2));
    must(BN_nnmod(numbers->scalar, numbers->other, numbers->x, numbers->scratch));
    must(BN_add_word(numbers->scalar, 1));
    must(EC_POINT_mul(curve, numbers->point, numbers->scalar, NULL, NULL, numbers->scratch));
    must(EC_POINT_get_affine_coordinates(curve, numbers->point, numbers->x, numbers->y,
                                         numbers->scratch));
    if (BN_is_odd(numbers->y)) {
        must(BN_sub(numbers->scalar, order, numbers->scalar));
    }
}

static void number_write(const BIGNUM *number, uint8_t out[SCALAR_BYTES])
{
    must(BN_bn2binpad(number, out, SCALAR_BYTES) == SCALAR_BYTES);
}

void sm2_key_from_seed(const uint8_t seed[32], uint8_t ret_scalar[32], uint8_t ret_x[32])
{
    struct numbers numbers;

    numbers_begin(&numbers);
    scalar_make(&numbers, seed);
    number_write(numbers.scalar, ret_scalar);
    number_write(numbers.x, ret_x);
    numbers_end(&numbers);
}

bool sm2_exchange(const uint8_t seed[32], const uint8_t x[32], uint8_t out[32])
{
    uint8_t point[SM2_POINT_BYTES] = {SM2_EVEN};
    struct numbers numbers;
    bool good;

    memcpy(point + 1, x, SCALAR_BYTES);
    numbers_begin(&numbers);
    scalar_make(&numbers, seed);
    good = EC_POINT_oct2point(curve, numbers.point, point, sizeof(point), numbers.scratch) == 1;
    if (good) {
        must(EC_POINT_mul(curve, numbers.point, NULL, numbers.point, numbers.scalar,
                          numbers.scratch));
        must(EC_POINT_get_affine_coordinates(curve, numbers.point, numbers.x, NULL,
                                             numbers.scratch));
        number_write(numbers.x, out);
    }
    numbers_end(&numbers);
    return good;
}

/* --- signatures --- */

/* NULL: no such point. `scalar` NULL: a public key. */
static EVP_PKEY *key_make(const uint8_t point[SM2_POINT_BYTES], const uint8_t *scalar)
{
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "SM2", NULL);
    BIGNUM *secret = scalar != NULL ? BN_secure_new() : NULL;
    OSSL_PARAM *parameters;
    EVP_PKEY *key = NULL;

    must(builder != NULL && context != NULL);
    must(OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "SM2", 0));
    must(
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, SM2_POINT_BYTES));
    if (scalar != NULL) {
        must(secret != NULL && BN_bin2bn(scalar, SCALAR_BYTES, secret) != NULL);
        must(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, secret));
    }
    parameters = OSSL_PARAM_BLD_to_param(builder);
    must(parameters != NULL && EVP_PKEY_fromdata_init(context) == 1);
    if (EVP_PKEY_fromdata(context, &key, scalar != NULL ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY,
                          parameters) != 1) {
        key = NULL;
    }
    OSSL_PARAM_free(parameters);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    BN_clear_free(secret);
    return key;
}

struct signing {
    EVP_PKEY_CTX *key;
    EVP_MD_CTX *digest;
};

/* With the user id, which goes into the hash before the message. */
static void signing_begin(struct signing *signing, EVP_PKEY *key)
{
    signing->key = EVP_PKEY_CTX_new(key, NULL);
    signing->digest = EVP_MD_CTX_new();
    must(signing->key != NULL && signing->digest != NULL);
    must(EVP_PKEY_CTX_set1_id(signing->key, SM2_USER_ID, (int)strlen(SM2_USER_ID)) == 1);
    EVP_MD_CTX_set_pkey_ctx(signing->digest, signing->key);
}

static void signing_end(struct signing *signing, EVP_PKEY *key)
{
    EVP_MD_CTX_free(signing->digest);
    EVP_PKEY_CTX_free(signing->key);
    EVP_PKEY_free(key);
    ERR_clear_error();
}

#define DER_BYTES 80 /* of the longest signature */

void sm2_sign(const uint8_t scalar[32], const uint8_t x[32], struct span message, uint8_t out[64])
{
    uint8_t point[SM2_POINT_BYTES] = {SM2_EVEN}, der[DER_BYTES];
    const uint8_t *at = der;
    size_t len = sizeof(der);
    struct signing signing;
    ECDSA_SIG *signature;
    EVP_PKEY *key;

    memcpy(point + 1, x, SCALAR_BYTES);
    key = key_make(point, scalar);
    must(key != NULL);
    signing_begin(&signing, key);
    must(EVP_DigestSignInit(signing.digest, NULL, EVP_sm3(), NULL, key));
    must(EVP_DigestSign(signing.digest, der, &len, message.data, message.len));
    signature = d2i_ECDSA_SIG(NULL, &at, (long)len);
    must(signature != NULL);
    number_write(ECDSA_SIG_get0_r(signature), out);
    number_write(ECDSA_SIG_get0_s(signature), out + SCALAR_BYTES);
    ECDSA_SIG_free(signature);
    signing_end(&signing, key);
}

/* The form that EVP takes; 0: no memory. */
static size_t der_make(const uint8_t signature[64], uint8_t der[DER_BYTES])
{
    ECDSA_SIG *parts = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, SCALAR_BYTES, NULL);
    BIGNUM *s = BN_bin2bn(signature + SCALAR_BYTES, SCALAR_BYTES, NULL);
    uint8_t *at = der;
    int len;

    must(parts != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(parts, r, s) == 1);
    len = i2d_ECDSA_SIG(parts, &at);
    must(len > 0 && len <= DER_BYTES);
    ECDSA_SIG_free(parts);
    return (size_t)len;
}

bool sm2_verify(const uint8_t point[SM2_POINT_BYTES], struct span message,
                const uint8_t signature[64])
{
    EVP_PKEY *key = key_make(point, NULL);
    struct signing signing;
    uint8_t der[DER_BYTES];
    size_t len;
    bool good;

    if (key == NULL) {
        ERR_clear_error();
        return false;
    }
    len = der_make(signature, der);
    signing_begin(&signing, key);
    must(EVP_DigestVerifyInit(signing.digest, NULL, EVP_sm3(), NULL, key));
    good = EVP_DigestVerify(signing.digest, der, len, message.data, message.len) == 1;
    signing_end(&signing, key);
    return good;
}
