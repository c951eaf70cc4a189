/* See web_hash.h: libsodium's HMAC, libcrypto's MD5. */
#include "base/web_hash.h"

#include <assert.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <string.h>

_Static_assert(WEB_SHA256_BYTES == crypto_auth_hmacsha256_BYTES, "HMAC-SHA-256");

void web_hmac_sha256(struct span key, struct span data, uint8_t out[WEB_SHA256_BYTES])
{
    crypto_auth_hmacsha256_state state;
    int result = crypto_auth_hmacsha256_init(&state, key.data, key.len);
    assert(result == 0);
    result = crypto_auth_hmacsha256_update(&state, data.data, data.len);
    assert(result == 0);
    result = crypto_auth_hmacsha256_final(&state, out);
    assert(result == 0);
    sodium_memzero(&state, sizeof(state));
}

enum err web_md5(struct span data, uint8_t out[WEB_MD5_BYTES])
{
    unsigned len = 0;
    if (EVP_Digest(data.data, data.len, out, &len, EVP_md5(), NULL) != 1) {
        return ERR_REFUSED;
    }
    assert(len == WEB_MD5_BYTES);
    return OK;
}

enum err web_percent(struct span data, struct buf *out)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-._~";
    enum err error = OK;
    for (size_t i = 0; error == OK && i < data.len; i++) {
        if (memchr(unreserved, data.data[i], sizeof(unreserved) - 1) != NULL) {
            error = buf_append(out, &data.data[i], 1);
        } else {
            error = buf_printf(out, "%%%02X", (unsigned)data.data[i]);
        }
    }
    return error;
}
