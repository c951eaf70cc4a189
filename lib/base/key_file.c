/* The text form of secret key files. See key_file.h. Every copy of a secret is wiped. Blocking. */
#include "base/key_file.h"

#include <assert.h>
#include <string.h>

#include "base/crypto.h"
#include "base/file.h"

#define KEY_FILE_BYTES_MAX 128u

static const struct {
    const char *label; /* with the version of the form */
    const char *noun;
} key_kinds[KEY_FILE_KIND_COUNT] = {
    [KEY_FILE_SIGN] = {"referral-sign-key-1", "signing"},
    [KEY_FILE_SEAL] = {"referral-seal-key-1", "sealing"},
    [KEY_FILE_STORE] = {"referral-store-key-1", "store"},
    [KEY_FILE_RECOVERY] = {"referral-recovery-key-1", "recovery"},
    [KEY_FILE_ROOT] = {"referral-root-key-1", "root"},
};

#define PUBLIC_LABEL "referral-recovery-public-1 "

static void buf_wipe(struct buf *buf)
{
    if (buf->data != NULL) {
        crypto_wipe(buf->data, buf->cap);
    }
    buf_free(buf);
}

#define SM_WORD "sm " /* before the key of that suite */

static struct span suite_word(void)
{
    return crypto_suite() == SUITE_SM ? span_text(SM_WORD) : span_of(NULL, 0);
}

/* Takes the word off the text, and the suite into use. */
static enum err suite_take(struct span *text, const char *path, struct fault *fault)
{
    const size_t len = strlen(SM_WORD);
    bool sm = text->len > len && memcmp(text->data, SM_WORD, len) == 0;

    if (sm) {
        *text = span_of(text->data + len, text->len - len);
    }
    return crypto_claim(sm ? SUITE_SM : SUITE_INTL, path, fault);
}

/* "LABEL BASE64\n", "LABEL sm BASE64\n" */
static enum err key_encode(enum key_file_kind kind, const uint8_t *secret, struct buf *line)
{
    enum err error = buf_append_text(line, key_kinds[kind].label);
    if (error == OK) {
        error = buf_append(line, " ", 1);
    }
    if (error == OK) {
        error = buf_append(line, suite_word().data, suite_word().len);
    }
    if (error == OK) {
        error = base64_encode(span_of(secret, KEY_FILE_SECRET_BYTES), line);
    }
    if (error == OK) {
        error = buf_append(line, "\n", 1);
    }
    return error;
}

enum err key_file_write(const char *path, enum key_file_kind kind,
                        const uint8_t secret[KEY_FILE_SECRET_BYTES], struct fault *fault)
{
    assert(path != NULL);
    assert(kind < KEY_FILE_KIND_COUNT);
    struct buf line;
    buf_init(&line, KEY_FILE_BYTES_MAX);
    uint8_t *whole = NULL; /* taken at once: growing would leave copies behind */
    enum err error = buf_extend(&line, KEY_FILE_BYTES_MAX, &whole);
    buf_clear(&line);
    if (error == OK) {
        error = key_encode(kind, secret, &line);
    }
    if (error != OK) {
        fault_set(fault, "key.memory", path, "no memory to write the key");
    } else {
        error = file_write_new(path, span_buf(&line), 0600, fault);
    }
    if (error == ERR_EXISTS) {
        fault_hint(fault, "a key is never overwritten: move the old file away first");
    }
    buf_wipe(&line);
    return error;
}

/* Which kind a label is of; KEY_FILE_KIND_COUNT for none. */
static enum key_file_kind kind_of_label(struct span label)
{
    size_t kind = 0;
    while (kind < KEY_FILE_KIND_COUNT && !span_equal(label, span_text(key_kinds[kind].label))) {
        kind++;
    }
    return (enum key_file_kind)kind;
}

static enum err key_decode(const char *path, struct span line, enum key_file_kind kind,
                           uint8_t *ret_secret, struct fault *fault)
{
    if (line.len > 0 && line.data[line.len - 1] == '\n') {
        line.len--;
    }
    const uint8_t *space = line.len == 0 ? NULL : memchr(line.data, ' ', line.len);
    size_t label_len = space == NULL ? 0 : (size_t)(space - line.data);
    enum key_file_kind found = kind_of_label(span_of(line.data, label_len));
    if (found < KEY_FILE_KIND_COUNT && found != kind) {
        fault_set(fault, "key.kind", path, "holds a %s key where a %s key is expected",
                  key_kinds[found].noun, key_kinds[kind].noun);
        fault_hint(fault, "check which file each setting names");
        return ERR_INVALID;
    }
    struct buf secret;
    buf_init(&secret, KEY_FILE_BYTES_MAX);
    enum err error = ERR_INVALID;
    if (found == kind) {
        struct span text = span_of(space + 1, line.len - label_len - 1);
        error = suite_take(&text, path, fault);
        if (error != OK) {
            buf_wipe(&secret);
            return error;
        }
        error = base64_decode(text, &secret);
    }
    if (error == OK && secret.len != KEY_FILE_SECRET_BYTES) {
        error = ERR_INVALID;
    }
    if (error == OK) {
        memcpy(ret_secret, secret.data, KEY_FILE_SECRET_BYTES);
    } else {
        fault_set(fault, "key.form", path, "expected one line: %s and 32 bytes in base64",
                  key_kinds[kind].label);
        fault_hint(fault, "restore the file from its backup, or make new keys with "
                          "referralctl keys init");
    }
    buf_wipe(&secret);
    return error;
}

enum err key_file_read(const char *path, enum key_file_kind kind,
                       uint8_t ret_secret[KEY_FILE_SECRET_BYTES], struct fault *fault)
{
    assert(path != NULL);
    assert(kind < KEY_FILE_KIND_COUNT);
    assert(ret_secret != NULL);
    uint8_t line[KEY_FILE_BYTES_MAX];
    size_t len = 0;
    enum err error = file_read_secret_text(path, line, sizeof(line), &len, fault);
    if (error == OK) {
        error = key_decode(path, span_of(line, len), kind, ret_secret, fault);
    } else if (error == ERR_NOT_FOUND) {
        fault_hint(fault, "make keys with referralctl keys init, or correct the path");
    }
    crypto_wipe(line, sizeof(line));
    return error;
}

enum err key_file_write_public(const char *path, const uint8_t public_key[KEY_FILE_SECRET_BYTES],
                               struct fault *fault)
{
    assert(path != NULL && public_key != NULL);
    struct buf line;
    buf_init(&line, KEY_FILE_BYTES_MAX);
    enum err error = buf_append_text(&line, PUBLIC_LABEL);
    if (error == OK) {
        error = buf_append(&line, suite_word().data, suite_word().len);
    }
    if (error == OK) {
        error = base64_encode(span_of(public_key, KEY_FILE_SECRET_BYTES), &line);
    }
    if (error == OK) {
        error = buf_append(&line, "\n", 1);
    }
    if (error != OK) {
        fault_set(fault, "key.memory", path, "no memory to write the key");
    } else {
        error = file_write_new(path, span_buf(&line), 0644, fault);
    }
    if (error == ERR_EXISTS) {
        fault_hint(fault, "a key is never overwritten: move the old file away first");
    }
    buf_free(&line);
    return error;
}

enum err key_file_read_public(const char *path, uint8_t ret_public_key[KEY_FILE_SECRET_BYTES],
                              struct fault *fault)
{
    assert(path != NULL && ret_public_key != NULL);
    const size_t label_len = strlen(PUBLIC_LABEL);
    struct buf line;
    struct buf key;
    buf_init(&line, KEY_FILE_BYTES_MAX);
    buf_init(&key, KEY_FILE_BYTES_MAX);
    enum err error = file_read(path, &line, fault);
    if (error == OK) {
        size_t len = line.len > 0 && line.data[line.len - 1] == '\n' ? line.len - 1 : line.len;
        bool labelled = len > label_len && memcmp(line.data, PUBLIC_LABEL, label_len) == 0;
        struct span text = span_of(line.data + label_len, labelled ? len - label_len : 0);
        error = labelled ? suite_take(&text, path, fault) : OK;
        if (error != OK) {
            buf_free(&line);
            return error;
        }
        error = labelled ? base64_decode(text, &key) : ERR_INVALID;
        if (error != OK || key.len != KEY_FILE_SECRET_BYTES) {
            error = ERR_INVALID;
            fault_set(fault, "key.form", path,
                      "expected one line: " PUBLIC_LABEL "and 32 bytes in base64");
            fault_hint(fault, "name recovery.pub, which `referralctl keys recovery` made; the "
                              "secret stays elsewhere");
        }
    } else if (error == ERR_NOT_FOUND) {
        fault_hint(fault, "make a pair with referralctl keys recovery, or correct the path");
    }
    if (error == OK) {
        memcpy(ret_public_key, key.data, KEY_FILE_SECRET_BYTES);
    }
    buf_free(&key);
    buf_free(&line);
    return error;
}
