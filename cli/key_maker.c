/* See key_maker.h. What is made is one table of names a folder, so that the look before and the
 * making cannot differ. */
#include "cli/key_maker.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/certificate.h"
#include "base/file.h"
#include "base/key_file.h"
#include "wire/keyring.h"

#define AUTHORITY_NAME "Referral laboratory authority"
#define AUTHORITY_DAYS 3650u
#define AGENCY_DAYS    825u /* what the strictest TLS libraries still take */
#define ROWS_START     "keys:\n"

static const char *const city_files[] = {"ca.crt", "ca.key", "public-keys.yaml", "broker.pub",
                                         NULL};
static const char *const owner_files[] = {"sign.key", "seal.key", "store.key",
                                          "tls.crt",  "tls.key",  NULL};
static const char *const own_files[] = {"sign.key", "seal.key", "store.key",    "tls.crt",
                                        "tls.key",  "ca.crt",   KEY_OWN_PUBLIC, NULL};

static enum err join(const char *folder, const char *name, char out[PATH_MAX], struct fault *fault)
{
    int len = snprintf(out, PATH_MAX, "%s/%s", folder, name);

    if (len < 0 || len >= PATH_MAX) {
        fault_set(fault, "keys.path", "--out", "the path is too long");
        return ERR_TOO_LARGE;
    }
    return OK;
}

/* ERR_EXISTS for the first name that is there already. */
static enum err check_absent(const char *folder, const char *const *names, struct fault *fault)
{
    char path[PATH_MAX];
    struct stat info;

    for (size_t i = 0; names[i] != NULL; i++) {
        enum err error = join(folder, names[i], path, fault);

        if (error != OK) {
            return error;
        }
        if (lstat(path, &info) == 0) {
            fault_set(fault, "keys.exist", path, "is there already, and keys are not overwritten");
            fault_hint(fault, "choose another folder, or move this one away; nothing was changed");
            return ERR_EXISTS;
        }
    }
    return OK;
}

static enum err write_file(const char *folder, const char *name, struct span bytes, unsigned mode,
                           struct fault *fault)
{
    char path[PATH_MAX];
    enum err error = join(folder, name, path, fault);

    return error == OK ? file_write_new(path, bytes, mode, fault) : error;
}

static enum err write_secret(const char *folder, const char *name, enum key_file_kind kind,
                             const uint8_t *secret, struct fault *fault)
{
    char path[PATH_MAX];
    enum err error = join(folder, name, path, fault);

    return error == OK ? key_file_write(path, kind, secret, fault) : error;
}

static void name_entry(struct key_entry *entry, const char *owner, enum key_use use,
                       const uint8_t public_key[32])
{
    memset(entry, 0, sizeof(*entry));
    text_copy(entry->owner, sizeof(entry->owner), owner);
    entry->use = use;
    entry->id = key_id_of(public_key);
    memcpy(entry->public_key, public_key, sizeof(entry->public_key));
    entry->to_ms = UINT64_MAX;
}

static enum err make_sign(const char *folder, const char *owner, struct key_entry *ret_entry,
                          struct fault *fault)
{
    struct sign_key key;
    enum err error;

    sign_key_new(&key);
    name_entry(ret_entry, owner, KEY_SIGN, key.public_key);
    error = write_secret(folder, "sign.key", KEY_FILE_SIGN, key.seed, fault);
    crypto_wipe(&key, sizeof(key));
    return error;
}

static enum err make_seal(const char *folder, const char *owner, struct key_entry *ret_entry,
                          struct fault *fault)
{
    struct seal_key key;
    enum err error;

    seal_key_new(&key);
    name_entry(ret_entry, owner, KEY_SEAL, key.public_key);
    error = write_secret(folder, "seal.key", KEY_FILE_SEAL, key.secret, fault);
    crypto_wipe(&key, sizeof(key));
    return error;
}

static enum err make_store(const char *folder, struct fault *fault)
{
    uint8_t secret[KEY_FILE_SECRET_BYTES];
    enum err error;

    crypto_random(secret, sizeof(secret));
    error = write_secret(folder, "store.key", KEY_FILE_STORE, secret, fault);
    crypto_wipe(secret, sizeof(secret));
    return error;
}

static enum err write_pair(const char *folder, const char *name,
                           const struct certificate_pair *pair, struct fault *fault)
{
    char key[16], certificate[16];
    enum err error;

    (void)snprintf(key, sizeof(key), "%s.key", name);
    (void)snprintf(certificate, sizeof(certificate), "%s.crt", name);
    error = write_file(folder, key, span_buf(&pair->key), 0600, fault);
    return error == OK ? write_file(folder, certificate, span_buf(&pair->certificate), 0644, fault)
                       : error;
}

static enum err make_tls(const char *folder, const struct certificate_pair *authority,
                         const char *name, uint64_t now_ms, struct fault *fault)
{
    const struct certificate_request request = {
        .name = name, .now_ms = now_ms, .days = AGENCY_DAYS};
    struct certificate_pair pair;
    enum err error;

    certificate_pair_init(&pair);
    error = certificate_issue(authority, &request, &pair, fault);
    if (error == OK) {
        error = write_pair(folder, "tls", &pair, fault);
    }
    certificate_pair_free(&pair);
    return error;
}

/* One owner's folder. The broker seals nothing: a NULL seal entry. */
static enum err make_owner(const struct key_set *set, const struct certificate_pair *authority,
                           const char *owner, struct key_entry *ret_entries, struct fault *fault)
{
    bool seals = strcmp(owner, BROKER_ID) != 0;
    char folder[PATH_MAX];
    enum err error = join(set->out, owner, folder, fault);

    if (error == OK) {
        error = folder_make(folder, 0700, fault);
    }
    if (error == OK) {
        error = make_sign(folder, owner, &ret_entries[0], fault);
    }
    if (error == OK && seals) {
        error = make_seal(folder, owner, &ret_entries[1], fault);
    }
    if (error == OK) {
        error = make_store(folder, fault);
    }
    return error == OK ? make_tls(folder, authority, owner, set->now_ms, fault) : error;
}

/* The text of public-keys.yaml, read back once: what the daemons would refuse is never written. */
static enum err public_text(const char *origin, const struct key_entry *entries, size_t count,
                            struct buf *out, struct fault *fault)
{
    struct keyring *keyring = NULL;
    enum err error = keyring_write(origin, entries, count, out);

    if (error != OK) {
        fault_set(fault, "keys.memory", "", "no memory for the public keys");
        return error;
    }
    error = keyring_load_text("public-keys.yaml", span_buf(out), &keyring, fault);
    if (error == OK && strcmp(keyring_origin(keyring), origin) != 0) {
        fault_set(fault, "keys.origin", "--origin", "does not survive YAML");
        error = ERR_INVALID;
    }
    keyring_free(keyring);
    return error;
}

static enum err check_origin(const char *origin, struct fault *fault)
{
    static const uint8_t any_key[32] = {1};
    struct key_entry entry;
    struct buf text;
    enum err error;

    buf_init(&text, LIMIT_CONFIG_BYTES);
    name_entry(&entry, BROKER_ID, KEY_SIGN, any_key);
    error = public_text(origin, &entry, 1, &text, fault);
    if (error == ERR_INVALID || error == ERR_TOO_LARGE) {
        fault_set(fault, "keys.origin", "--origin",
                  "expected 1 to %u printable ASCII characters without space and +, such as "
                  "referral.example.cn/broker",
                  LIMIT_ORIGIN_BYTES - 1);
        error = ERR_INVALID;
    }
    buf_free(&text);
    return error;
}

static enum err check_set(const struct key_set *set, struct fault *fault)
{
    char folder[PATH_MAX];
    enum err error = check_origin(set->origin, fault);

    if (error == OK) {
        error = check_absent(set->out, city_files, fault);
    }
    if (error == OK) {
        error = join(set->out, BROKER_ID, folder, fault);
    }
    if (error == OK) {
        error = check_absent(folder, owner_files, fault);
    }
    for (size_t i = 0; error == OK && i < registry_count(set->registry); i++) {
        error = join(set->out, registry_at(set->registry, i)->id, folder, fault);
        if (error == OK) {
            error = check_absent(folder, owner_files, fault);
        }
    }
    return error;
}

/* "referral-broker-key-1 ORIGIN BASE64": what --key pins. */
static enum err write_pin(const struct key_set *set, const struct key_entry *broker,
                          struct fault *fault)
{
    struct buf line;
    enum err error;

    buf_init(&line, LIMIT_CONFIG_BYTES);
    error = buf_printf(&line, "referral-broker-key-1 %s ", set->origin);
    if (error == OK) {
        error = base64_encode(span_of(broker->public_key, sizeof(broker->public_key)), &line);
    }
    if (error == OK) {
        error = buf_append_text(&line, crypto_suite() == SUITE_SM ? " sm\n" : "\n");
    }
    if (error == OK) {
        error = write_file(set->out, "broker.pub", span_buf(&line), 0644, fault);
    } else {
        fault_set(fault, "keys.memory", "", "no memory for the broker's public key");
    }
    buf_free(&line);
    return error;
}

static enum err make_public(const struct key_set *set, const struct key_entry *entries,
                            size_t count, struct fault *fault)
{
    struct buf text;
    enum err error;

    buf_init(&text, LIMIT_CONFIG_BYTES);
    error = public_text(set->origin, entries, count, &text, fault);
    if (error == OK) {
        error = write_file(set->out, "public-keys.yaml", span_buf(&text), 0644, fault);
    }
    buf_free(&text);
    return error == OK ? write_pin(set, &entries[0], fault) : error;
}

static enum err make_all(const struct key_set *set, const struct certificate_pair *authority,
                         struct key_entry *entries, struct fault *fault)
{
    size_t count = 0;
    enum err error = write_pair(set->out, "ca", authority, fault);

    if (error == OK) {
        error = make_owner(set, authority, BROKER_ID, &entries[0], fault);
        count = 1;
    }
    for (size_t i = 0; error == OK && i < registry_count(set->registry); i++) {
        error =
            make_owner(set, authority, registry_at(set->registry, i)->id, &entries[count], fault);
        count += 2;
    }
    if (error == OK) {
        error = make_public(set, entries, count, fault);
    }
    if (error != OK && fault->hint[0] == '\0') {
        fault_hint(fault, "the set is not whole: remove %s and make it again", set->out);
    }
    return error;
}

enum err key_set_make(const struct key_set *set, struct fault *fault)
{
    const struct certificate_request request = {
        .name = AUTHORITY_NAME, .now_ms = set->now_ms, .days = AUTHORITY_DAYS};
    struct certificate_pair authority;
    struct key_entry *entries;
    enum err error;

    assert(set->registry != NULL && set->origin != NULL && set->out != NULL);
    error = check_set(set, fault);
    if (error != OK) {
        return error;
    }
    entries = calloc(1 + 2 * registry_count(set->registry), sizeof(*entries));
    if (entries == NULL) {
        fault_set(fault, "keys.memory", "", "no memory for the keys");
        return ERR_MEMORY;
    }
    certificate_pair_init(&authority);
    error = certificate_authority_new(&request, &authority, fault);
    if (error == OK) {
        error = folder_make(set->out, 0700, fault);
    }
    if (error == OK) {
        error = make_all(set, &authority, entries, fault);
    }
    certificate_pair_free(&authority);
    free(entries);
    return error;
}

/* --- one agency's own, or the broker's --- */

/* The rows under `keys:` of a key file with these entries. */
static enum err public_rows(const struct key_entry *entries, size_t count, struct buf *rows,
                            struct fault *fault)
{
    struct buf text;
    enum err error;

    buf_init(&text, LIMIT_CONFIG_BYTES);
    error = keyring_write("rows", entries, count, &text);
    if (error == OK) {
        error = buf_append(&text, "", 1);
    }
    if (error == OK) {
        const char *start = strstr((const char *)text.data, ROWS_START);

        assert(start != NULL);
        error = buf_append_text(rows, start + strlen(ROWS_START));
    }
    if (error != OK) {
        fault_set(fault, "keys.memory", "", "no memory for the public keys");
    }
    buf_free(&text);
    return error;
}

static enum err read_authority(const char *folder, struct certificate_pair *pair,
                               struct fault *fault)
{
    char path[PATH_MAX];
    uint8_t *key = NULL;
    size_t len = 0;
    enum err error = join(folder, "ca.crt", path, fault);

    if (error == OK) {
        error = file_read(path, &pair->certificate, fault);
    }
    if (error == OK) {
        error = join(folder, "ca.key", path, fault);
    }
    if (error == OK) {
        error = buf_extend(&pair->key, pair->key.max, &key);
    }
    if (error == OK) {
        error = file_read_secret_text(path, key, pair->key.max, &len, fault);
        pair->key.len = len;
    }
    return error;
}

static enum err make_own_tls(const struct key_own *own, struct certificate_pair *authority,
                             struct fault *fault)
{
    enum err error = make_tls(own->out, authority, own->agency, own->now_ms, fault);

    return error == OK
               ? write_file(own->out, "ca.crt", span_buf(&authority->certificate), 0644, fault)
               : error;
}

static enum err make_own(const struct key_own *own, struct certificate_pair *authority,
                         struct buf *rows, struct fault *fault)
{
    bool seals = strcmp(own->agency, BROKER_ID) != 0;
    struct key_entry entries[2];
    enum err error = folder_make(own->out, 0700, fault);

    if (error == OK && own->authority != NULL) {
        error = make_own_tls(own, authority, fault);
    }
    if (error == OK) {
        error = make_sign(own->out, own->agency, &entries[0], fault);
    }
    if (error == OK && seals) {
        error = make_seal(own->out, own->agency, &entries[1], fault);
    }
    if (error == OK) {
        error = make_store(own->out, fault);
    }
    if (error == OK) {
        error = public_rows(entries, seals ? 2 : 1, rows, fault);
    }
    return error == OK ? write_file(own->out, KEY_OWN_PUBLIC, span_buf(rows), 0644, fault) : error;
}

enum err key_own_make(const struct key_own *own, struct buf *ret_rows, struct fault *fault)
{
    struct certificate_pair authority;
    enum err error;

    assert(own->agency != NULL && own->out != NULL);
    if (!agency_id_valid(own->agency) && strcmp(own->agency, BROKER_ID) != 0) {
        fault_set(fault, "keys.agency", "--agency",
                  "expected an agency's id as in agencies.yaml (a-z, 0-9 and \"-\", a letter "
                  "first), or " BROKER_ID);
        return ERR_INVALID;
    }
    certificate_pair_init(&authority);
    error = check_absent(own->out, own_files, fault);
    if (error == OK && own->authority != NULL) {
        error = read_authority(own->authority, &authority, fault);
    }
    if (error == OK) {
        error = make_own(own, &authority, ret_rows, fault);
    }
    certificate_pair_free(&authority);
    return error;
}
