/* How: the statement has one form only, so it is read word by word, written again from what was
 * read, and the bytes are compared. See registry_document.h. */
#include "wire/registry_document.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "model/instant_text.h"

#define FORM      "referral-registry-1\n"
#define SM_LINE   "suite sm\n" /* behind it, of that suite */
#define SIGNATURE "signature "
#define DOMAIN    "referral.v1.registry"

struct lines { /* what the signed lines say */
    uint64_t version, made_ms;
    struct digest previous, agencies, keys;
    uint64_t agencies_bytes, keys_bytes;
    uint8_t root[SIGN_PUBLIC_BYTES];
};

struct digest registry_root_fingerprint(const uint8_t public_key[SIGN_PUBLIC_BYTES])
{
    return crypto_digest(span_of(public_key, SIGN_PUBLIC_BYTES));
}

bool registry_is_document(struct span text)
{
    return text.len >= strlen(FORM) && memcmp(text.data, FORM, strlen(FORM)) == 0;
}

/* --- writing --- */

static enum err lines_write(const struct lines *lines, struct buf *out)
{
    char previous[DIGEST_TEXT_BYTES], agencies[DIGEST_TEXT_BYTES], keys[DIGEST_TEXT_BYTES];
    char root[2 * SIGN_PUBLIC_BYTES + 1], made[INSTANT_TEXT_BYTES];

    digest_format(&lines->previous, previous);
    digest_format(&lines->agencies, agencies);
    digest_format(&lines->keys, keys);
    hex_encode(span_of(lines->root, sizeof(lines->root)), root);
    instant_format(lines->made_ms, made);
    return buf_printf(out,
                      FORM "%sversion %" PRIu64 "\nmade %s\nprevious %s\nagencies %s %" PRIu64
                           "\nkeys %s %" PRIu64 "\nroot %s\n",
                      crypto_suite() == SUITE_SM ? SM_LINE : "", lines->version, made, previous,
                      agencies, lines->agencies_bytes, keys, lines->keys_bytes, root);
}

/* What the root signs: no other signed thing of the protocol begins so. */
static struct digest signed_digest(const struct digest *lines)
{
    struct hasher hasher;

    hasher_init(&hasher);
    hasher_add(&hasher, DOMAIN, sizeof(DOMAIN)); /* with its NUL */
    hasher_add(&hasher, lines->bytes, DIGEST_BYTES);
    return hasher_end(&hasher);
}

enum err registry_document_sign(const struct registry_making *making, const struct sign_key *root,
                                struct buf *out)
{
    struct lines lines = {.version = making->before != NULL ? making->before->version + 1 : 1,
                          .made_ms = making->made_ms,
                          .agencies = crypto_digest(making->agencies),
                          .keys = crypto_digest(making->keys),
                          .agencies_bytes = making->agencies.len,
                          .keys_bytes = making->keys.len};
    uint8_t signature[SIGNATURE_BYTES];
    enum err error;

    assert(out->len == 0);
    if (making->before != NULL) {
        lines.previous = making->before->digest;
    }
    memcpy(lines.root, root->public_key, sizeof(lines.root));
    error = lines_write(&lines, out);
    if (error == OK) {
        const struct digest digest = crypto_digest(span_buf(out));
        const struct digest message = signed_digest(&digest);

        crypto_sign_message(root, span_of(message.bytes, DIGEST_BYTES), signature);
        error = buf_append_text(out, SIGNATURE);
    }
    error = error == OK ? base64_encode(span_of(signature, sizeof(signature)), out) : error;
    error = error == OK ? buf_append_text(out, "\n\n") : error;
    error = error == OK ? buf_append(out, making->agencies.data, making->agencies.len) : error;
    return error == OK ? buf_append(out, making->keys.data, making->keys.len) : error;
}

/* --- reading --- */

struct cursor {
    const char *at; /* in a copy that ends with a NUL */
    bool wrong;
};

/* The next word behind `name `, up to the mark; "" where the text is not so. */
static void take(struct cursor *cursor, const char *name, char mark, char *out, size_t size)
{
    size_t name_len = strlen(name);
    const char *end = NULL;

    out[0] = '\0';
    if (!cursor->wrong && strncmp(cursor->at, name, name_len) == 0) {
        end = strchr(cursor->at + name_len, mark);
    }
    if (end == NULL || (size_t)(end - cursor->at) - name_len >= size) {
        cursor->wrong = true;
        return;
    }
    memcpy(out, cursor->at + name_len, (size_t)(end - cursor->at) - name_len);
    out[(size_t)(end - cursor->at) - name_len] = '\0';
    cursor->at = end + 1;
}

static void take_bytes(struct cursor *cursor, const char *name, char mark, uint8_t *out, size_t len)
{
    char text[2 * 64 + 1];

    assert(2 * len < sizeof(text));
    take(cursor, name, mark, text, sizeof(text));
    cursor->wrong = cursor->wrong || hex_decode(text, out, len) != OK;
}

static uint64_t take_number(struct cursor *cursor, const char *name)
{
    char text[16];
    uint64_t value = 0;

    take(cursor, name, '\n', text, sizeof(text));
    for (const char *at = text; *at != '\0'; at++) {
        cursor->wrong = cursor->wrong || *at < '0' || *at > '9';
        value = value * 10 + (uint64_t)(*at - '0');
    }
    return value;
}

static void take_lines(struct cursor *cursor, struct lines *ret_lines)
{
    char made[INSTANT_TEXT_BYTES];

    ret_lines->version =
        take_number(cursor, crypto_suite() == SUITE_SM ? FORM SM_LINE "version " : FORM "version ");
    take(cursor, "made ", '\n', made, sizeof(made));
    take_bytes(cursor, "previous ", '\n', ret_lines->previous.bytes, DIGEST_BYTES);
    take_bytes(cursor, "agencies ", ' ', ret_lines->agencies.bytes, DIGEST_BYTES);
    ret_lines->agencies_bytes = take_number(cursor, "");
    take_bytes(cursor, "keys ", ' ', ret_lines->keys.bytes, DIGEST_BYTES);
    ret_lines->keys_bytes = take_number(cursor, "");
    take_bytes(cursor, "root ", '\n', ret_lines->root, sizeof(ret_lines->root));
    cursor->wrong =
        cursor->wrong || instant_parse(made, &ret_lines->made_ms) != OK || ret_lines->version == 0;
}

/* Are the signed lines exactly what these values are written as? */
static bool lines_are(const struct lines *lines, struct span text)
{
    struct buf again;
    bool same;

    buf_init(&again, REGISTRY_STATEMENT_BYTES);
    same = lines_write(lines, &again) == OK && span_equal(span_buf(&again), text);
    buf_free(&again);
    return same;
}

static bool take_signature(struct cursor *cursor, uint8_t out[SIGNATURE_BYTES])
{
    char text[128];
    struct buf bytes;

    take(cursor, SIGNATURE, '\n', text, sizeof(text));
    buf_init(&bytes, sizeof(text));
    cursor->wrong = cursor->wrong || *cursor->at != '\n' ||
                    base64_decode(span_text(text), &bytes) != OK || bytes.len != SIGNATURE_BYTES;
    if (!cursor->wrong) {
        memcpy(out, bytes.data, SIGNATURE_BYTES);
        cursor->at++;
    }
    buf_free(&bytes);
    return !cursor->wrong;
}

static enum err refuse_form(const char *name, struct fault *fault)
{
    fault_set(fault, "registry.form", name, "is no signed registry");
    fault_hint(fault, "`referralctl registry sign` writes one: agencies and public keys under the "
                      "root's signature");
    return ERR_INVALID;
}

struct opening { /* what stands before the texts */
    struct lines lines;
    uint8_t signature[SIGNATURE_BYTES];
};

static enum err open_statement(const char *name, struct span text, struct opening *ret_opening,
                               struct registry_document *ret_document, struct fault *fault)
{
    char copy[REGISTRY_STATEMENT_BYTES + 1];
    size_t len = text.len < REGISTRY_STATEMENT_BYTES ? text.len : REGISTRY_STATEMENT_BYTES;
    struct cursor cursor = {.at = copy};
    size_t signed_bytes;

    memcpy(copy, text.data, len);
    copy[len] = '\0';
    if (registry_is_document(text)) {
        bool sm = strncmp(copy + strlen(FORM), SM_LINE, strlen(SM_LINE)) == 0;
        enum err error = crypto_claim(sm ? SUITE_SM : SUITE_INTL, name, fault);

        if (error != OK) {
            return error;
        }
    }
    take_lines(&cursor, &ret_opening->lines);
    signed_bytes = (size_t)(cursor.at - copy);
    if (cursor.wrong || !take_signature(&cursor, ret_opening->signature) ||
        !lines_are(&ret_opening->lines, span_of(text.data, signed_bytes))) {
        return refuse_form(name, fault);
    }
    ret_document->statement = span_of(text.data, (size_t)(cursor.at - copy));
    ret_document->digest = crypto_digest(span_of(text.data, signed_bytes));
    ret_document->version = ret_opening->lines.version;
    ret_document->made_ms = ret_opening->lines.made_ms;
    ret_document->previous = ret_opening->lines.previous;
    ret_document->root = registry_root_fingerprint(ret_opening->lines.root);
    return OK;
}

static enum err check_signer(const char *name, const struct opening *opening,
                             const struct registry_document *document, const struct digest *pin,
                             struct fault *fault)
{
    const struct digest message = signed_digest(&document->digest);
    char fingerprint[DIGEST_TEXT_BYTES];

    digest_format(&document->root, fingerprint);
    if (pin != NULL && !digest_equal(pin, &document->root)) {
        fault_set(fault, "registry.root", name,
                  "version %" PRIu64 " is signed by the root %s, not by the one that is pinned",
                  document->version, fingerprint);
        fault_hint(fault, "compare `registry-root` with the fingerprint that the joint-meeting "
                          "office says by telephone; keep this file as evidence");
        return ERR_REFUSED;
    }
    if (crypto_verify(opening->lines.root, span_of(message.bytes, DIGEST_BYTES),
                      opening->signature) != OK) {
        fault_set(fault, "registry.signature", name,
                  "the signature of version %" PRIu64 " is not that of the root %s",
                  document->version, fingerprint);
        fault_hint(fault, "take the file from the joint-meeting office again");
        return ERR_FORGED;
    }
    return OK;
}

static enum err check_text(const char *name, const char *what, struct span text,
                           const struct digest *digest, struct fault *fault)
{
    const struct digest own = crypto_digest(text);

    if (digest_equal(&own, digest)) {
        return OK;
    }
    fault_set(fault, "registry.digest", name, "the text of the %s is not what was signed", what);
    fault_hint(fault, "take the file from the joint-meeting office again");
    return ERR_INVALID;
}

enum err registry_document_open(const char *name, struct span text, const struct digest *pin,
                                struct registry_document *ret_document, struct fault *fault)
{
    struct registry_document document = {.version = 0};
    struct opening opening;
    enum err error = open_statement(name, text, &opening, &document, fault);
    const struct lines *lines = &opening.lines;

    if (error != OK) {
        return error;
    }
    error = check_signer(name, &opening, &document, pin, fault);
    if (error != OK) {
        return error;
    }
    size_t rest = text.len - document.statement.len;
    if (lines->agencies_bytes > rest || rest - lines->agencies_bytes != lines->keys_bytes) {
        fault_set(fault, "registry.digest", name,
                  "the texts have not the lengths that were signed");
        fault_hint(fault, "take the file from the joint-meeting office again");
        return ERR_INVALID;
    }
    document.agencies = span_of(text.data + document.statement.len, lines->agencies_bytes);
    document.keys = span_of(document.agencies.data + lines->agencies_bytes, lines->keys_bytes);
    error = check_text(name, "agencies", document.agencies, &lines->agencies, fault);
    if (error == OK) {
        error = check_text(name, "public keys", document.keys, &lines->keys, fault);
    }
    if (error == OK) {
        *ret_document = document;
    }
    return error;
}

/* --- what it holds --- */

/* A key names an owner of the registry, or the broker. */
static enum err check_owners(const char *name, const struct registry *registry,
                             const struct keyring *keyring, struct fault *fault)
{
    for (size_t i = 0; i < keyring_count(keyring); i++) {
        const struct key_entry *entry = keyring_entry(keyring, i);

        if (strcmp(entry->owner, BROKER_ID) != 0 && registry_find(registry, entry->owner) == NULL) {
            fault_set(fault, "registry.owner", name,
                      "a public key belongs to \"%s\", which is no agency of this registry",
                      entry->owner);
            fault_hint(fault, "add the agency's row, or correct the key's owner");
            return ERR_INVALID;
        }
    }
    return OK;
}

enum err registry_document_read(const char *name, const struct registry_document *document,
                                struct registry **ret_registry, struct keyring **ret_keyring,
                                struct fault *fault)
{
    struct registry *registry = NULL;
    struct keyring *keyring = NULL;
    enum err error = registry_read(name, document->agencies, &registry, fault);

    if (error == OK) {
        error = keyring_load_text(name, document->keys, &keyring, fault);
    }
    if (error == OK) {
        error = check_owners(name, registry, keyring, fault);
    }
    if (error != OK) {
        registry_free(registry);
        keyring_free(keyring);
        return error;
    }
    *ret_registry = registry;
    *ret_keyring = keyring;
    return OK;
}

enum err registry_document_follows(const struct registry_document *before,
                                   const struct registry_document *after, const char *name,
                                   struct fault *fault)
{
    if (before->version == 0) {
        return OK;
    }
    if (after->version == before->version && digest_equal(&after->digest, &before->digest)) {
        return ERR_EXISTS;
    }
    if (!digest_equal(&after->root, &before->root)) {
        fault_set(fault, "registry.root", name,
                  "version %" PRIu64 " is signed by another root than version %" PRIu64,
                  after->version, before->version);
        fault_hint(fault, "a new root is a ceremony: every agency pins its fingerprint first");
        return ERR_REFUSED;
    }
    if (after->version < before->version) {
        fault_set(fault, "registry.older", name,
                  "is version %" PRIu64 "; version %" PRIu64 " was in force already",
                  after->version, before->version);
        fault_hint(fault, "a registry never goes back: sign what shall hold as a new version");
        return ERR_REFUSED;
    }
    if (after->version == before->version || (after->version == before->version + 1 &&
                                              !digest_equal(&after->previous, &before->digest))) {
        fault_set(fault, "registry.fork", name,
                  "version %" PRIu64 " does not follow the version %" PRIu64 " that is in force",
                  after->version, before->version);
        fault_hint(fault, "two different versions were signed: ask the joint-meeting office which "
                          "one holds, and sign the next one with --previous of that");
        return ERR_REFUSED;
    }
    return OK;
}

/* --- files --- */

enum err registry_document_load(const char *path, const struct digest *pin, struct buf *text,
                                struct registry_document *ret_document, struct fault *fault)
{
    enum err error = file_read(path, text, fault);

    return error == OK ? registry_document_open(path, span_buf(text), pin, ret_document, fault)
                       : error;
}

enum err registry_load(const char *path, struct registry **ret_registry, struct fault *fault)
{
    struct registry_document document;
    struct buf text;
    struct span agencies;
    enum err error;

    buf_init(&text, REGISTRY_DOCUMENT_BYTES);
    error = file_read(path, &text, fault);
    agencies = span_buf(&text);
    if (error == OK && registry_is_document(agencies)) {
        error = registry_document_open(path, span_buf(&text), NULL, &document, fault);
        agencies = error == OK ? document.agencies : agencies;
    }
    error = error == OK ? registry_read(path, agencies, ret_registry, fault) : error;
    buf_free(&text);
    return error;
}

/* --- what a configuration names --- */

enum err registry_root_parse(const char *text, struct digest *ret_root, bool *ret_pinned)
{
    *ret_pinned = text[0] != '\0' && strcmp(text, REGISTRY_ROOT_NONE) != 0;
    return *ret_pinned ? hex_decode(text, ret_root->bytes, DIGEST_BYTES) : OK;
}

void registry_loaded_init(struct registry_loaded *loaded)
{
    *loaded = (struct registry_loaded){.registry = NULL};
    buf_init(&loaded->text, REGISTRY_DOCUMENT_BYTES);
}

void registry_loaded_free(struct registry_loaded *loaded)
{
    keyring_free(loaded->keyring);
    registry_free(loaded->registry);
    buf_free(&loaded->text);
    registry_loaded_init(loaded);
}

struct span registry_loaded_agencies(const struct registry_loaded *loaded)
{
    return loaded->document.version != 0 ? loaded->document.agencies : span_buf(&loaded->text);
}

static enum err load_pinned(const struct registry_files *files, const struct digest *root,
                            struct registry_loaded *loaded, struct fault *fault)
{
    enum err error =
        files->registry[0] != '\0' ? file_read(files->registry, &loaded->text, fault) : OK;

    if (error != OK || files->registry[0] == '\0') {
        return error;
    }
    if (strcmp(files->registry, files->public_keys) != 0) {
        fault_set(fault, "registry.files", "public-keys",
                  "is another file than `registry`: with `registry-root` both name the signed one");
        fault_hint(fault, "write the same path into both");
        return ERR_INVALID;
    }
    if (!registry_is_document(span_buf(&loaded->text))) {
        fault_set(fault, "registry.unsigned", files->registry,
                  "is not signed, and `registry-root` pins a root");
        fault_hint(fault, "take the signed registry from the joint-meeting office");
        return ERR_REFUSED;
    }
    error = registry_document_open(files->registry, span_buf(&loaded->text), root,
                                   &loaded->document, fault);
    return error == OK ? registry_document_read(files->registry, &loaded->document,
                                                &loaded->registry, &loaded->keyring, fault)
                       : error;
}

static enum err load_plain(const struct registry_files *files, struct registry_loaded *loaded,
                           struct fault *fault)
{
    enum err result = OK;
    bool go_on = true;

    if (files->registry[0] != '\0') {
        enum err error = file_read(files->registry, &loaded->text, fault);

        if (error == OK && registry_is_document(span_buf(&loaded->text))) {
            fault_set(fault, "registry.root", files->registry,
                      "is a signed registry, and no `registry-root` is pinned");
            fault_hint(fault, "write the root's fingerprint, which the joint-meeting office says "
                              "by telephone, into `registry-root`");
            error = ERR_REFUSED;
        }
        if (error == OK) {
            error =
                registry_read(files->registry, span_buf(&loaded->text), &loaded->registry, fault);
        }
        go_on = fault_go_on(error, fault, &result);
    }
    if (go_on && files->public_keys[0] != '\0') {
        (void)fault_go_on(keyring_load(files->public_keys, &loaded->keyring, fault), fault,
                          &result);
    }
    return result;
}

enum err registry_files_load(const struct registry_files *files, struct registry_loaded *ret_loaded,
                             struct fault *fault)
{
    struct digest root;
    bool pinned;
    enum err error = registry_root_parse(files->root, &root, &pinned);

    if (error != OK) {
        return OK; /* the table of options has refused that */
    }
    return pinned ? load_pinned(files, &root, ret_loaded, fault)
                  : load_plain(files, ret_loaded, fault);
}
