/* Passwords as Argon2id hashes (RFC 9106) in libsodium's text form, parameters inside.
 *
 * Each call takes some 60 ms and 64 MiB: never on the loop thread. Any thread. */
#ifndef REFERRAL_BASE_PASSWORD_H
#define REFERRAL_BASE_PASSWORD_H

#include "base/bytes.h"

#define PASSWORD_HASH_BYTES 128u /* with the NUL */
#define PASSWORD_BYTES_MAX  256u

/* ERR_MEMORY; ERR_TOO_LARGE above PASSWORD_BYTES_MAX. */
enum err password_hash(struct span password, char out[PASSWORD_HASH_BYTES]) MUST_CHECK;
/* Constant time for a given hash; an empty or foreign hash never matches and takes as long. */
bool password_matches(struct span password, const char hash[PASSWORD_HASH_BYTES]);

#endif
