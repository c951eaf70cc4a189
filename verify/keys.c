/* See keys.h. Called by main before the source is read, and by the checker. */
#include "keys.h"

#include <string.h>

#include "wire/keyring.h"

enum err keys_load(const char *path, struct keys *ret, struct fault *fault)
{
    return keyring_load_pin(path, &ret->keyring, fault);
}

void keys_free(struct keys *keys)
{
    keyring_free(keys->keyring);
}

bool keys_trust_broker(const struct keys *keys, const char *origin, const uint8_t key[32])
{
    const uint8_t(*known)[SIGN_PUBLIC_BYTES];
    size_t count;

    known = keyring_broker_keys(keys->keyring, &count);
    for (size_t i = 0; i < count; i++) {
        if (memcmp(known[i], key, 32) == 0) {
            return strcmp(keyring_origin(keys->keyring), origin) == 0;
        }
    }
    return false;
}

enum err keys_check_witness(const struct keys *keys, const struct witness_read *witness)
{
    size_t count = keyring_count(keys->keyring);

    for (size_t i = 0; i < count; i++) {
        const struct key_entry *entry = keyring_entry(keys->keyring, i);

        if (entry->use == KEY_SIGN && strcmp(entry->owner, witness->agency) == 0 &&
            memcmp(entry->id.bytes, witness->key.bytes, KEY_ID_BYTES) == 0) {
            return witness_check(witness, entry->public_key);
        }
    }
    return ERR_NOT_FOUND;
}
