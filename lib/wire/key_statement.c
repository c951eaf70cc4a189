/* How: as with the signed registry, the text is read line by line, written again from what was
 * read, and the bytes are compared. See key_statement.h. */
#include "wire/key_statement.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model/instant_text.h"
#include "model/registry.h"

#define FORM      "referral-key-1\n"
#define SIGNATURE "signature "
#define DOMAIN    "referral.v1.key"
#define HEX_BYTES (2 * SIGN_PUBLIC_BYTES + 1)

static enum err lines_write(const struct key_statement *statement, struct buf *out)
{
    char key[HEX_BYTES], root[HEX_BYTES], made[INSTANT_TEXT_BYTES];

    hex_encode(span_of(statement->key, sizeof(statement->key)), key);
    hex_encode(span_of(statement->root, sizeof(statement->root)), root);
    instant_format(statement->made_ms, made);
    return buf_printf(out, FORM "owner %s\nrevoke %s\nmade %s\nroot %s\n", statement->owner, key,
                      made, root);
}

/* What the root signs: no other signed thing of the protocol begins so. */
static struct digest signed_digest(struct span lines)
{
    struct digest inner = crypto_digest(lines);
    struct hasher hasher;

    hasher_init(&hasher);
    hasher_add(&hasher, DOMAIN, sizeof(DOMAIN)); /* with its NUL */
    hasher_add(&hasher, inner.bytes, DIGEST_BYTES);
    return hasher_end(&hasher);
}

enum err key_statement_sign(const struct key_statement *statement, const struct sign_key *root,
                            struct buf *out)
{
    struct key_statement whole = *statement;
    uint8_t signature[SIGNATURE_BYTES];
    struct digest message;
    enum err error;

    assert(out->len == 0);
    memcpy(whole.root, root->public_key, sizeof(whole.root));
    error = lines_write(&whole, out);
    if (error != OK) {
        return error;
    }
    message = signed_digest(span_buf(out));
    crypto_sign_message(root, span_of(message.bytes, DIGEST_BYTES), signature);
    error = buf_append_text(out, SIGNATURE);
    error = error == OK ? base64_encode(span_of(signature, sizeof(signature)), out) : error;
    return error == OK ? buf_append_text(out, "\n") : error;
}

/* --- reading --- */

/* The rest of the line that begins with `name`, and on to the next one. */
static bool take(const char **at, const char *name, char *out, size_t size)
{
    size_t name_len = strlen(name);
    const char *end = strncmp(*at, name, name_len) == 0 ? strchr(*at + name_len, '\n') : NULL;

    if (end == NULL || (size_t)(end - *at) - name_len >= size) {
        return false;
    }
    memcpy(out, *at + name_len, (size_t)(end - *at) - name_len);
    out[(size_t)(end - *at) - name_len] = '\0';
    *at = end + 1;
    return true;
}

static bool take_lines(const char **at, struct key_statement *ret)
{
    char key[HEX_BYTES], root[HEX_BYTES], made[INSTANT_TEXT_BYTES];

    return take(at, FORM "owner ", ret->owner, sizeof(ret->owner)) &&
           take(at, "revoke ", key, sizeof(key)) && take(at, "made ", made, sizeof(made)) &&
           take(at, "root ", root, sizeof(root)) &&
           hex_decode(key, ret->key, sizeof(ret->key)) == OK &&
           hex_decode(root, ret->root, sizeof(ret->root)) == OK &&
           instant_parse(made, &ret->made_ms) == OK &&
           (agency_id_valid(ret->owner) || strcmp(ret->owner, BROKER_ID) == 0);
}

static bool take_signature(const char **at, uint8_t out[SIGNATURE_BYTES])
{
    char text[128];
    struct buf bytes;
    bool right;

    if (!take(at, SIGNATURE, text, sizeof(text)) || **at != '\0') {
        return false;
    }
    buf_init(&bytes, sizeof(text));
    right = base64_decode(span_text(text), &bytes) == OK && bytes.len == SIGNATURE_BYTES;
    if (right) {
        memcpy(out, bytes.data, SIGNATURE_BYTES);
    }
    buf_free(&bytes);
    return right;
}

static bool lines_are(const struct key_statement *statement, struct span text)
{
    struct buf again;
    bool same;

    buf_init(&again, KEY_STATEMENT_BYTES);
    same = lines_write(statement, &again) == OK && span_equal(span_buf(&again), text);
    buf_free(&again);
    return same;
}

enum err key_statement_open(const char *name, struct span text, struct key_statement *ret_statement,
                            struct fault *fault)
{
    struct key_statement statement = {.owner = ""};
    char copy[KEY_STATEMENT_BYTES + 1];
    uint8_t signature[SIGNATURE_BYTES];
    const char *at = copy;
    size_t signed_bytes;
    bool right = text.len <= KEY_STATEMENT_BYTES;

    copy[0] = '\0';
    if (right) {
        memcpy(copy, text.data, text.len);
        copy[text.len] = '\0';
        right = strlen(copy) == text.len && take_lines(&at, &statement);
    }
    signed_bytes = (size_t)(at - copy);
    if (!right || !take_signature(&at, signature) ||
        !lines_are(&statement, span_of(text.data, signed_bytes))) {
        fault_set(fault, "key.statement", name, "is no statement about a key");
        fault_hint(fault, "`referralctl keys revoke` writes one, with the agency's root key");
        return ERR_INVALID;
    }
    const struct digest message = signed_digest(span_of(text.data, signed_bytes));

    if (crypto_verify(statement.root, span_of(message.bytes, DIGEST_BYTES), signature) != OK) {
        fault_set(fault, "key.signature", name, "the signature is not that of the root it names");
        fault_hint(fault, "take the file from the agency again");
        return ERR_FORGED;
    }
    statement.id = key_id_of(statement.key);
    *ret_statement = statement;
    return OK;
}

/* --- judging --- */

static const struct key_entry *find(const struct keyring *keyring, const char *owner,
                                    const uint8_t key[SIGN_PUBLIC_BYTES])
{
    for (size_t i = 0; i < keyring_count(keyring); i++) {
        const struct key_entry *entry = keyring_entry(keyring, i);

        if (memcmp(entry->public_key, key, SIGN_PUBLIC_BYTES) == 0 &&
            strcmp(entry->owner, owner) == 0) {
            return entry;
        }
    }
    return NULL;
}

enum err key_statement_judge(const char *name, const struct key_statement *statement,
                             const struct keyring *keyring, struct fault *fault)
{
    const struct key_entry *root = find(keyring, statement->owner, statement->root);
    const struct key_entry *key = find(keyring, statement->owner, statement->key);
    char id[2 * KEY_ID_BYTES + 1];

    hex_encode(span_of(statement->id.bytes, KEY_ID_BYTES), id);
    if (root == NULL || root->use != KEY_ROOT || root->retired) {
        fault_set(fault, "key.root", name, "its signer is no root of \"%s\" in the public keys",
                  statement->owner);
        fault_hint(fault, "sign with the agency's own root (`use: root` of its rows), or have the "
                          "joint-meeting office sign a registry in which the key is retired");
        return ERR_REFUSED;
    }
    if (key == NULL) {
        fault_set(fault, "key.unknown", name, "\"%s\" has no key %s", statement->owner, id);
        fault_hint(fault, "compare the id with the public keys");
        return ERR_NOT_FOUND;
    }
    if (key->use != KEY_SIGN && key->use != KEY_SEAL && key->use != KEY_TLS) {
        fault_set(fault, "key.use", name,
                  "the key %s of \"%s\" is a root, which revokes and is not "
                  "revoked",
                  id, statement->owner);
        fault_hint(fault, "a root that is lost is replaced by a new version of the registry");
        return ERR_REFUSED;
    }
    if (key_is_revoked(key)) {
        fault_set(fault, "key.revoked", name,
                  "the key %s of \"%s\" is revoked already, at leaf "
                  "%" PRIu64,
                  id, statement->owner, key->revoked_leaf);
        fault_hint(fault, "nothing needs to be done");
        return ERR_EXISTS;
    }
    return OK;
}

/* --- lists --- */

#define HEAD_BYTES 10u

void key_statements_init(struct key_statements *list)
{
    list->count = 0;
    buf_init(&list->packed, (size_t)KEY_STATEMENTS_MAX * (HEAD_BYTES + KEY_STATEMENT_BYTES));
}

void key_statements_free(struct key_statements *list)
{
    buf_free(&list->packed);
    list->count = 0;
}

enum err key_statements_add(struct key_statements *list, const struct recorded_statement *one)
{
    uint8_t *room = NULL;
    enum err error;

    assert(one->text.len <= KEY_STATEMENT_BYTES);
    if (list->count == KEY_STATEMENTS_MAX) {
        return ERR_FULL;
    }
    error = buf_extend(&list->packed, HEAD_BYTES + one->text.len, &room);
    if (error == OK) {
        be64_put(room, one->leaf);
        be16_put(room + 8, (uint16_t)one->text.len);
        memcpy(room + HEAD_BYTES, one->text.data, one->text.len);
        list->count++;
    }
    return error;
}

bool key_statements_next(const struct key_statements *list, size_t *at,
                         struct recorded_statement *ret_one)
{
    const uint8_t *head;

    if (*at >= list->packed.len) {
        return false;
    }
    head = list->packed.data + *at;
    ret_one->leaf = be64_get(head);
    ret_one->text = span_of(head + HEAD_BYTES, be16_get(head + 8));
    *at += HEAD_BYTES + ret_one->text.len;
    return true;
}

enum err key_statements_load(struct key_statements *list, struct span packed)
{
    for (size_t at = 0; at < packed.len;) {
        struct recorded_statement one;
        struct key_statement statement;
        size_t rest = packed.len - at;
        enum err error = ERR_CORRUPT;

        if (rest > HEAD_BYTES && be16_get(packed.data + at + 8) <= rest - HEAD_BYTES) {
            one.leaf = be64_get(packed.data + at);
            one.text = span_of(packed.data + at + HEAD_BYTES, be16_get(packed.data + at + 8));
            error = key_statement_open("store", one.text, &statement, NULL) == OK
                        ? key_statements_add(list, &one)
                        : ERR_CORRUPT;
        }
        if (error != OK) {
            return error;
        }
        at += HEAD_BYTES + one.text.len;
    }
    return OK;
}

void key_statements_mark(const struct key_statements *list, struct keyring *keyring)
{
    struct recorded_statement one;

    for (size_t at = 0; key_statements_next(list, &at, &one);) {
        struct key_statement statement;
        enum err error = key_statement_open("store", one.text, &statement, NULL);

        assert(error == OK); /* it was, when it was added */
        if (error == OK) {
            (void)!keyring_revoke(keyring, statement.owner, statement.id, one.leaf);
        }
    }
}
