/* The keys that the caller trusts: the broker's, and the agencies' where the file has them.
 *
 * Two forms of file: one line "referral-broker-key-1 ORIGIN BASE64" (broker.pub), or the public
 * keys file of the whole city. Public keys only. Main thread; read once. */
#ifndef REFERRAL_VERIFY_KEYS_H
#define REFERRAL_VERIFY_KEYS_H

#include "note.h"

struct keyring;

struct keys {
    struct keyring *keyring; /* owned; of a one-line file the broker's key alone */
};

/* The fault says what is wrong with the file and where. */
enum err keys_load(const char *path, struct keys *ret, struct fault *fault) MUST_CHECK;
void keys_free(struct keys *keys);
bool keys_trust_broker(const struct keys *keys, const char *origin, const uint8_t key[32]);
/* ERR_NOT_FOUND: the agency's key is not at hand; ERR_FORGED: it is, and did not sign this. */
enum err keys_check_witness(const struct keys *keys, const struct witness_read *witness) MUST_CHECK;

#endif
