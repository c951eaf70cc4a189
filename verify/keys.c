/* See keys.h. Called by main before the source is read, and by the checker. */
#include "keys.h"

#include <string.h>

#include "base/file.h"
#include "wire/keyring.h"

#define FORM "referral-broker-key-1 "

static enum err refuse(const char *path, struct fault *fault)
{
    fault_set(fault, "key.malformed", path,
              "expected one line \"" FORM "ORIGIN BASE64-OF-32-BYTES\", or a public keys file");
    fault_hint(fault, "`referralctl keys init` writes both: broker/broker.pub, public-keys.yaml");
    return ERR_INVALID;
}

/* The one-line form; a missing newline at its end is forgiven. */
static enum err read_line(struct span text, struct keys *keys)
{
    const char *origin = (const char *)text.data + strlen(FORM), *end, *space;
    struct buf key;
    enum err error = ERR_INVALID;

    if (text.len > 0 && text.data[text.len - 1] == '\n') {
        text.len--;
    }
    end = (const char *)text.data + text.len;
    space = end > origin ? memchr(origin, ' ', (size_t)(end - origin)) : NULL;
    if (space == NULL || space == origin || (size_t)(space - origin) >= sizeof keys->origin) {
        return ERR_INVALID;
    }
    memcpy(keys->origin, origin, (size_t)(space - origin));
    buf_init(&key, 256);
    if (end - space <= 64 &&
        base64_decode(span_of(space + 1, (size_t)(end - space - 1)), &key) == OK && key.len == 32) {
        memcpy(keys->broker, key.data, 32);
        error = OK;
    }
    buf_free(&key);
    return error;
}

enum err keys_load(const char *path, struct keys *ret, struct fault *fault)
{
    struct keys keys;
    struct buf text;
    enum err error;

    memset(&keys, 0, sizeof keys);
    buf_init(&text, LIMIT_CONFIG_BYTES);
    error = file_read(path, &text, fault);
    if (error == OK && text.len > strlen(FORM) && memcmp(text.data, FORM, strlen(FORM)) == 0) {
        error = read_line(span_buf(&text), &keys) == OK ? OK : refuse(path, fault);
    } else if (error == OK && text.len == 0) {
        error = refuse(path, fault);
    } else if (error == OK) {
        error = keyring_load_text(path, span_buf(&text), &keys.keyring, fault);
    }
    buf_free(&text);
    if (error == OK) {
        *ret = keys;
    }
    return error;
}

void keys_free(struct keys *keys)
{
    keyring_free(keys->keyring);
}

bool keys_trust_broker(const struct keys *keys, const char *origin, const uint8_t key[32])
{
    const uint8_t(*known)[SIGN_PUBLIC_BYTES];
    size_t count;

    if (keys->keyring == NULL) {
        return strcmp(keys->origin, origin) == 0 && memcmp(keys->broker, key, 32) == 0;
    }
    known = keyring_broker_keys(keys->keyring, &count);
    for (size_t i = 0; i < count; i++) {
        if (memcmp(known[i], key, 32) == 0) {
            return strcmp(keyring_origin(keys->keyring), origin) == 0;
        }
    }
    return false;
}

enum err keys_check_witness(const struct keys *keys, const struct witness *witness,
                            const char *origin)
{
    size_t count = keys->keyring != NULL ? keyring_count(keys->keyring) : 0;

    for (size_t i = 0; i < count; i++) {
        const struct key_entry *entry = keyring_entry(keys->keyring, i);

        if (entry->use == KEY_SIGN && strcmp(entry->owner, witness->agency) == 0 &&
            memcmp(entry->id.bytes, witness->key.bytes, KEY_ID_BYTES) == 0) {
            return witness_check(witness, origin, entry->public_key);
        }
    }
    return ERR_NOT_FOUND;
}
