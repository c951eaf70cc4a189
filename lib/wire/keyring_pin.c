/* The pinned key of a broker, "referral-broker-key-1 ORIGIN BASE64", as a keyring. See keyring.h.
 */
#include <string.h>

#include "base/file.h"
#include "model/registry.h"
#include "wire/registry_document.h"

static enum err refuse(const char *path, struct fault *fault)
{
    fault_set(fault, "key.malformed", path,
              "expected one line \"" KEYRING_PIN_FORM
              "ORIGIN BASE64-OF-32-BYTES\", or a public keys file");
    fault_hint(fault, "`referralctl keys init` writes both: broker/broker.pub, public-keys.yaml");
    return ERR_INVALID;
}

#define SM_WORD " sm" /* behind the key of that suite */

/* A missing newline at its end is forgiven. ERR_FORGED: of another suite. */
static enum err read_line(const char *path, struct span text, char origin[LIMIT_ORIGIN_BYTES],
                          uint8_t key[SIGN_PUBLIC_BYTES], struct fault *fault)
{
    const char *from = (const char *)text.data + strlen(KEYRING_PIN_FORM);
    struct buf bytes;
    enum err error = ERR_INVALID;
    if (text.data[text.len - 1] == '\n') {
        text.len--;
    }
    bool sm = text.len > strlen(SM_WORD) &&
              memcmp(text.data + text.len - strlen(SM_WORD), SM_WORD, strlen(SM_WORD)) == 0;
    if (sm) {
        text.len -= strlen(SM_WORD);
    }
    if (crypto_claim(sm ? SUITE_SM : SUITE_INTL, path, fault) != OK) {
        return ERR_FORGED; /* and the fault says so */
    }
    const char *end = (const char *)text.data + text.len;
    const char *space = end > from ? memchr(from, ' ', (size_t)(end - from)) : NULL;
    if (space == NULL || space == from || (size_t)(space - from) >= LIMIT_ORIGIN_BYTES) {
        return ERR_INVALID;
    }
    memcpy(origin, from, (size_t)(space - from));
    origin[space - from] = '\0';
    buf_init(&bytes, 64);
    if (end - space <= 64 &&
        base64_decode(span_of(space + 1, (size_t)(end - space - 1)), &bytes) == OK &&
        bytes.len == SIGN_PUBLIC_BYTES) {
        memcpy(key, bytes.data, SIGN_PUBLIC_BYTES);
        error = OK;
    }
    buf_free(&bytes);
    return error;
}

static enum err load_line(const char *path, struct span text, struct keyring **ret_keyring,
                          struct fault *fault)
{
    char origin[LIMIT_ORIGIN_BYTES];
    struct key_entry entry = {.owner = BROKER_ID, .use = KEY_SIGN, .to_ms = UINT64_MAX};
    struct buf yaml;
    enum err error = read_line(path, text, origin, entry.public_key, fault);
    buf_init(&yaml, LIMIT_CONFIG_BYTES);
    entry.id = key_id_of(entry.public_key);
    if (error == OK) {
        error = keyring_write(origin, &entry, 1, &yaml);
    }
    if (error == OK) {
        error = keyring_load_text(path, span_buf(&yaml), ret_keyring, NULL);
    }
    buf_free(&yaml);
    return error;
}

enum err keyring_load_pin(const char *path, struct keyring **ret_keyring, struct fault *fault)
{
    struct buf text;
    buf_init(&text, REGISTRY_DOCUMENT_BYTES);
    enum err error = file_read(path, &text, fault);
    size_t form = strlen(KEYRING_PIN_FORM);
    if (error == OK && text.len > form && memcmp(text.data, KEYRING_PIN_FORM, form) == 0) {
        error = load_line(path, span_buf(&text), ret_keyring, fault);
        error = error == ERR_FORGED ? ERR_INVALID : error == OK ? OK : refuse(path, fault);
    } else if (error == OK && text.len == 0) {
        error = refuse(path, fault);
    } else if (error == OK) {
        error = keyring_load_file(path, span_buf(&text), ret_keyring, fault);
    }
    buf_free(&text);
    return error;
}
