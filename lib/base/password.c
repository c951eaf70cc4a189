/* libsodium's crypto_pwhash_str with its interactive parameters: 64 MiB, two passes. */
#include "base/password.h"

#include <sodium.h>
#include <string.h>

_Static_assert(crypto_pwhash_argon2id_STRBYTES <= PASSWORD_HASH_BYTES, "a hash fits");

/* Stands for the hash that a stranger has not: of a random password that nobody knows. */
static const char nobody[PASSWORD_HASH_BYTES] =
    "$argon2id$v=19$m=65536,t=2,p=1$O7gr8TA0vCDoK+yoVE6QPQ$"
    "iljsdcHAanXSj/GWVlo0p0wmiYtRIeIdxtrE6gMwniU";

enum err password_hash(struct span password, char out[PASSWORD_HASH_BYTES])
{
    memset(out, 0, PASSWORD_HASH_BYTES);
    if (password.len > PASSWORD_BYTES_MAX) {
        return ERR_TOO_LARGE;
    }
    return crypto_pwhash_argon2id_str(out, (const char *)password.data, password.len,
                                      crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE,
                                      crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE) == 0
               ? OK
               : ERR_MEMORY;
}

bool password_matches(struct span password, const char hash[PASSWORD_HASH_BYTES])
{
    bool known = hash[0] != '\0' && memchr(hash, '\0', PASSWORD_HASH_BYTES) != NULL;
    bool fits = password.len <= PASSWORD_BYTES_MAX;
    int result = crypto_pwhash_argon2id_str_verify(
        known ? hash : nobody, (const char *)password.data, fits ? password.len : 0);

    return known && fits && result == 0;
}
