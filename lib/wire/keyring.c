/* public-keys.yaml, read by a table into one array that is searched from end to end: a few keys an
 * agency, and at most KEYRING_MAX in all. */
#include "wire/keyring.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/yaml.h"
#include "model/calendar.h"
#include "wire/checkpoint.h"
#include "wire/key_endorsement.h"
#include "wire/registry_document.h"

#define KEYRING_MAX            (16u * LIMIT_AGENCIES) /* four uses, several keys each */
#define BROKER_KEYS_MAX        16u
#define HEX_KEY_BYTES          65
#define ENDORSEMENT_TEXT_BYTES 96 /* of 64 bytes in base64, with the NUL */

struct keyring {
    char origin[LIMIT_ORIGIN_BYTES];
    struct buf text;
    struct digest digest;
    struct key_entry *entries; /* owned */
    size_t entry_count;
    uint8_t broker_keys[BROKER_KEYS_MAX][SIGN_PUBLIC_BYTES];
    size_t broker_key_count;
};

/* One item of `keys` as text. */
struct key_row {
    char owner[LIMIT_AGENCY_ID_BYTES];
    int use;
    char key[HEX_KEY_BYTES];
    char id[2 * KEY_ID_BYTES + 1];
    char from[CIVIL_TEXT_BYTES];
    char to[CIVIL_TEXT_BYTES];
    bool retired;
    char signature[ENDORSEMENT_TEXT_BYTES];
};

static const char *const use_names[] = {"sign", "seal", "tls", "root", NULL};

static const struct yaml_option row_options[] = {
    {.name = "owner",
     .type = YAML_TEXT,
     .offset = offsetof(struct key_row, owner),
     .size = LIMIT_AGENCY_ID_BYTES,
     .required = true},
    {.name = "use",
     .type = YAML_CHOICE,
     .offset = offsetof(struct key_row, use),
     .choices = use_names,
     .required = true},
    {.name = "key",
     .type = YAML_TEXT,
     .offset = offsetof(struct key_row, key),
     .size = HEX_KEY_BYTES,
     .required = true},
    {.name = "id",
     .type = YAML_TEXT,
     .offset = offsetof(struct key_row, id),
     .size = 2 * KEY_ID_BYTES + 1},
    {.name = "valid-from",
     .type = YAML_TEXT,
     .offset = offsetof(struct key_row, from),
     .size = CIVIL_TEXT_BYTES},
    {.name = "valid-to",
     .type = YAML_TEXT,
     .offset = offsetof(struct key_row, to),
     .size = CIVIL_TEXT_BYTES},
    {.name = "retired", .type = YAML_BOOL, .offset = offsetof(struct key_row, retired)},
    {.name = "root-signature",
     .type = YAML_TEXT,
     .offset = offsetof(struct key_row, signature),
     .size = ENDORSEMENT_TEXT_BYTES},
    {.name = NULL},
};

struct key_file {
    char origin[LIMIT_ORIGIN_BYTES];
    int suite; /* in the order of crypto_suite_names */
    const struct yaml_node *keys;
};

static const struct yaml_option file_options[] = {
    {.name = "origin",
     .type = YAML_TEXT,
     .offset = offsetof(struct key_file, origin),
     .size = LIMIT_ORIGIN_BYTES,
     .required = true},
    {.name = "suite",
     .type = YAML_CHOICE,
     .offset = offsetof(struct key_file, suite),
     .choices = crypto_suite_names},
    {.name = "keys",
     .type = YAML_NODE,
     .offset = offsetof(struct key_file, keys),
     .required = true},
    {.name = NULL},
};

const char *key_use_name(enum key_use use)
{
    assert(use < KEY_USE_COUNT);
    return use_names[use];
}

/* The node of a key that yaml_read has found. */
static enum err row_refuse(const struct yaml_node *row, const char *key, struct fault *fault,
                           const char *what)
{
    const struct yaml_node *node = yaml_find(row, key);
    return yaml_refuse(node != NULL ? node : row, fault, "keys.value", "%s: %s", key, what);
}

/* Validity: whole civil days of +08:00, both named days included. */
static enum err row_dates(const struct yaml_node *node, const struct key_row *row,
                          struct key_entry *entry, struct fault *fault)
{
    int32_t day = 0;
    entry->to_ms = UINT64_MAX;
    if (row->from[0] != '\0') {
        if (civil_parse(row->from, &day) != OK) {
            return row_refuse(node, "valid-from", fault, "expected a date, YYYY-MM-DD");
        }
        entry->from_ms = civil_start_ms(day);
    }
    if (row->to[0] != '\0') {
        if (civil_parse(row->to, &day) != OK) {
            return row_refuse(node, "valid-to", fault, "expected a date, YYYY-MM-DD");
        }
        entry->to_ms = civil_end_ms(day);
        if (entry->to_ms <= entry->from_ms) {
            return row_refuse(node, "valid-to", fault, "is before valid-from");
        }
    }
    return OK;
}

static enum err row_endorsement(const struct yaml_node *node, const struct key_row *row,
                                struct key_entry *entry, struct fault *fault)
{
    struct buf bytes;
    enum err error = OK;

    buf_init(&bytes, ENDORSEMENT_TEXT_BYTES);
    if (row->signature[0] != '\0' &&
        (base64_decode(span_text(row->signature), &bytes) != OK || bytes.len != SIGNATURE_BYTES)) {
        error = row_refuse(node, "root-signature", fault,
                           "expected a signature that `referralctl keys endorse` wrote");
    } else if (row->signature[0] != '\0') {
        memcpy(entry->endorsement, bytes.data, SIGNATURE_BYTES);
        entry->endorsed = true;
    }
    buf_free(&bytes);
    return error;
}

static enum err row_read(const struct yaml_node *node, struct key_entry *ret_entry,
                         struct fault *fault)
{
    struct key_row row = {0};
    enum err error = yaml_read(node, row_options, &row, fault);
    if (error != OK) {
        return error;
    }
    struct key_entry entry = {
        .use = (enum key_use)row.use, .retired = row.retired, .revoked_leaf = KEY_NOT_REVOKED};
    memcpy(entry.owner, row.owner, sizeof(entry.owner));
    if (row.owner[0] == '\0') {
        return row_refuse(node, "owner", fault, "is empty");
    }
    if (hex_decode(row.key, entry.public_key, sizeof(entry.public_key)) != OK) {
        return row_refuse(node, "key", fault, "expected 64 hexadecimal digits");
    }
    entry.id = key_id_of(entry.public_key);
    char id[2 * KEY_ID_BYTES + 1];
    hex_encode(span_of(entry.id.bytes, KEY_ID_BYTES), id);
    if (row.id[0] != '\0' && strcmp(row.id, id) != 0) {
        return row_refuse(node, "id", fault,
                          "is not the id of this key (the line may be left out)");
    }
    error = row_dates(node, &row, &entry, fault);
    error = error == OK ? row_endorsement(node, &row, &entry, fault) : error;
    if (error == OK) {
        *ret_entry = entry;
    }
    return error;
}

/* Nobody shares a key: a key id names one owner and one use. */
static bool key_taken(const struct keyring *keyring, const struct key_entry *entry)
{
    for (size_t i = 0; i < keyring->entry_count; i++) {
        if (memcmp(keyring->entries[i].public_key, entry->public_key, 32) == 0) {
            return true;
        }
    }
    return false;
}

static enum err broker_key_add(struct keyring *keyring, const struct key_entry *entry,
                               const struct yaml_node *node, struct fault *fault)
{
    if (entry->use != KEY_SIGN || strcmp(entry->owner, "broker") != 0) {
        return OK;
    }
    if (keyring->broker_key_count == BROKER_KEYS_MAX) {
        return yaml_refuse(node, fault, "keys.many", "at most %u signing keys of the broker",
                           BROKER_KEYS_MAX);
    }
    memcpy(keyring->broker_keys[keyring->broker_key_count++], entry->public_key, SIGN_PUBLIC_BYTES);
    return OK;
}

/* All rows were taken, so the entries stand in their order. */
static enum err endorsements_check(const struct keyring *keyring, const struct yaml_node *keys,
                                   struct fault *fault)
{
    enum err result = OK;
    bool go_on = true;
    for (size_t i = 0; go_on && i < keyring->entry_count; i++) {
        enum endorsement is = key_endorsement_check(keyring->entries, keyring->entry_count, i);
        enum err error =
            is == ENDORSEMENT_FINE
                ? OK
                : row_refuse(yaml_item(keys, i), "root-signature", fault,
                             is == ENDORSEMENT_MISSING
                                 ? "this key's agency has a root, which has not signed the row; "
                                   "`referralctl keys endorse` on the agency's offline machine"
                                 : "is not that of the agency's root over this row; have the "
                                   "agency endorse it anew");
        go_on = fault_go_on(error, fault, &result);
    }
    return result;
}

static enum err rows_read(struct keyring *keyring, const struct yaml_node *keys,
                          struct fault *fault)
{
    if (!yaml_is_sequence(keys)) {
        return yaml_refuse(keys, fault, "keys.value", "expected a list of keys");
    }
    size_t count = yaml_count(keys);
    if (count == 0 || count > KEYRING_MAX) {
        return yaml_refuse(keys, fault, "keys.many", "expected 1 to %u keys", KEYRING_MAX);
    }
    keyring->entries = calloc(count, sizeof(*keyring->entries));
    if (keyring->entries == NULL) {
        return ERR_MEMORY;
    }
    enum err result = OK;
    bool go_on = true;
    for (size_t i = 0; go_on && i < count; i++) {
        const struct yaml_node *node = yaml_item(keys, i);
        struct key_entry entry = {.owner = ""};
        enum err error = row_read(node, &entry, fault);
        if (error == OK && key_taken(keyring, &entry)) {
            error = row_refuse(node, "key", fault, "stands twice");
        }
        error = error == OK ? broker_key_add(keyring, &entry, node, fault) : error;
        if (error == OK) {
            keyring->entries[keyring->entry_count++] = entry;
        }
        go_on = fault_go_on(error, fault, &result);
    }
    if (result != OK) {
        return result;
    }
    if (keyring->broker_key_count == 0) {
        return yaml_refuse(keys, fault, "keys.broker", "no signing key of the owner \"broker\"");
    }
    return endorsements_check(keyring, keys, fault);
}

static enum err document_read(struct keyring *keyring, const char *name, const struct yaml *yaml,
                              struct fault *fault)
{
    struct key_file file = {0};
    const struct yaml_node *root = yaml_root(yaml);
    enum err error = yaml_read(root, file_options, &file, fault);
    if (error != OK) {
        return error;
    }
    if (!origin_valid(file.origin)) {
        return row_refuse(root, "origin", fault, "expected printable ASCII without space and +");
    }
    memcpy(keyring->origin, file.origin, sizeof(file.origin));
    error = crypto_claim((enum crypto_suite)(SUITE_INTL + file.suite), name, fault);
    if (error != OK) {
        return error;
    }
    return rows_read(keyring, file.keys, fault);
}

static enum err rows_only(const struct yaml_node *root, struct key_entry *entries, size_t max,
                          size_t *ret_count, struct fault *fault)
{
    const struct yaml_node *keys = yaml_is_sequence(root) ? root : yaml_find(root, "keys");
    enum err result = OK;
    bool go_on = true;
    if (keys == NULL || !yaml_is_sequence(keys)) {
        return yaml_refuse(root, fault, "keys.value", "expected a list of keys");
    }
    *ret_count = yaml_count(keys);
    if (*ret_count == 0 || *ret_count > max) {
        (void)yaml_refuse(keys, fault, "keys.many", "expected 1 to %zu keys", max);
        return ERR_TOO_LARGE;
    }
    for (size_t i = 0; go_on && i < *ret_count; i++) {
        go_on = fault_go_on(row_read(yaml_item(keys, i), &entries[i], fault), fault, &result);
    }
    return result;
}

enum err key_rows_load(const char *path, struct key_entry *entries, size_t max, size_t *ret_count,
                       struct fault *fault)
{
    struct yaml *yaml = NULL;
    struct buf text;
    assert(entries != NULL && ret_count != NULL);
    buf_init(&text, LIMIT_CONFIG_BYTES);
    enum err error = file_read(path, &text, fault);
    error = error == OK ? yaml_open_text(path, span_buf(&text), &yaml, fault) : error;
    error = error == OK ? rows_only(yaml_root(yaml), entries, max, ret_count, fault) : error;
    yaml_free(yaml);
    buf_free(&text);
    return error;
}

enum err keyring_load_text(const char *name, struct span text, struct keyring **ret_keyring,
                           struct fault *fault)
{
    assert(name != NULL && ret_keyring != NULL);
    struct yaml *yaml = NULL;
    struct keyring *keyring = calloc(1, sizeof(*keyring));
    if (keyring == NULL) {
        return ERR_MEMORY;
    }
    buf_init(&keyring->text, LIMIT_CONFIG_BYTES);
    enum err error = yaml_open_text(name, text, &yaml, fault);
    error = error == OK ? document_read(keyring, name, yaml, fault) : error;
    error = error == OK ? buf_append(&keyring->text, text.data, text.len) : error;
    yaml_free(yaml);
    if (error != OK) {
        keyring_free(keyring);
        return error;
    }
    keyring->digest = crypto_digest(text);
    *ret_keyring = keyring;
    return OK;
}

enum err keyring_load_file(const char *path, struct span text, struct keyring **ret_keyring,
                           struct fault *fault)
{
    struct registry_document document;

    if (!registry_is_document(text)) {
        return keyring_load_text(path, text, ret_keyring, fault);
    }
    enum err error = registry_document_open(path, text, NULL, &document, fault);
    return error == OK ? keyring_load_text(path, document.keys, ret_keyring, fault) : error;
}

enum err keyring_load(const char *path, struct keyring **ret_keyring, struct fault *fault)
{
    struct buf text;
    buf_init(&text, REGISTRY_DOCUMENT_BYTES);
    enum err error = file_read(path, &text, fault);
    error = error == OK ? keyring_load_file(path, span_buf(&text), ret_keyring, fault) : error;
    buf_free(&text);
    return error;
}

void keyring_free(struct keyring *keyring)
{
    if (keyring != NULL) {
        buf_free(&keyring->text);
        free(keyring->entries);
        free(keyring);
    }
}

const char *keyring_origin(const struct keyring *keyring)
{
    assert(keyring != NULL);
    return keyring->origin;
}

struct span keyring_text(const struct keyring *keyring)
{
    assert(keyring != NULL);
    return span_buf(&keyring->text);
}

struct digest keyring_digest(const struct keyring *keyring)
{
    assert(keyring != NULL);
    return keyring->digest;
}

static bool valid_at(const struct key_entry *entry, uint64_t at_ms)
{
    return at_ms >= entry->from_ms && at_ms < entry->to_ms;
}

enum err keyring_find_past(const struct keyring *keyring, const char *owner, struct key_id id,
                           uint64_t at_ms, const struct key_entry **ret_entry)
{
    assert(keyring != NULL && owner != NULL && ret_entry != NULL);
    for (size_t i = 0; i < keyring->entry_count; i++) {
        const struct key_entry *entry = &keyring->entries[i];
        if (entry->use == KEY_SIGN && memcmp(entry->id.bytes, id.bytes, KEY_ID_BYTES) == 0 &&
            strcmp(entry->owner, owner) == 0) {
            if (!valid_at(entry, at_ms)) {
                return ERR_REFUSED;
            }
            *ret_entry = entry;
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

enum err keyring_find(const struct keyring *keyring, const char *owner, struct key_id id,
                      uint64_t at_ms, const struct key_entry **ret_entry)
{
    const struct key_entry *entry = NULL;
    enum err error = keyring_find_past(keyring, owner, id, at_ms, &entry);
    if (error == OK && (entry->retired || key_is_revoked(entry))) {
        return ERR_REFUSED;
    }
    if (error == OK) {
        *ret_entry = entry;
    }
    return error;
}

void keyring_explain(const struct keyring *keyring, const char *owner, struct key_id id,
                     uint64_t at_ms, struct fault *fault)
{
    const struct key_entry *entry = NULL;
    char text[2 * KEY_ID_BYTES + 1], place[LIMIT_DETAIL_BYTES];
    for (size_t i = 0; i < keyring->entry_count; i++) {
        const struct key_entry *one = &keyring->entries[i];
        if (memcmp(one->id.bytes, id.bytes, KEY_ID_BYTES) == 0 && strcmp(one->owner, owner) == 0) {
            entry = one;
        }
    }
    hex_encode(span_of(id.bytes, KEY_ID_BYTES), text);
    if (entry != NULL && key_is_revoked(entry)) {
        (void)snprintf(place, sizeof(place), "key %s: revoked at leaf %" PRIu64, text,
                       entry->revoked_leaf);
    } else {
        (void)snprintf(place, sizeof(place), "key %s: %s", text,
                       entry == NULL            ? "unknown"
                       : entry->use != KEY_SIGN ? "not a signing key"
                       : entry->retired         ? "retired"
                       : at_ms < entry->from_ms ? "not valid yet"
                       : at_ms >= entry->to_ms  ? "expired"
                                                : "valid");
    }
    fault_set(fault, "key.refused", place, "may not sign");
}

enum err keyring_current(const struct keyring *keyring, const char *owner, enum key_use use,
                         uint64_t at_ms, const struct key_entry **ret_entry)
{
    assert(keyring != NULL && owner != NULL && ret_entry != NULL);
    const struct key_entry *newest = NULL;
    for (size_t i = 0; i < keyring->entry_count; i++) {
        const struct key_entry *entry = &keyring->entries[i];
        if (entry->use == use && !entry->retired && !key_is_revoked(entry) &&
            valid_at(entry, at_ms) && strcmp(entry->owner, owner) == 0 &&
            (newest == NULL || entry->from_ms >= newest->from_ms)) {
            newest = entry;
        }
    }
    if (newest == NULL) {
        return ERR_NOT_FOUND;
    }
    *ret_entry = newest;
    return OK;
}

bool keyring_knows(const struct keyring *keyring, const char *owner)
{
    assert(keyring != NULL && owner != NULL);
    for (size_t i = 0; i < keyring->entry_count; i++) {
        if (strcmp(keyring->entries[i].owner, owner) == 0) {
            return true;
        }
    }
    return false;
}

const uint8_t (*keyring_broker_keys(const struct keyring *keyring,
                                    size_t *ret_count))[SIGN_PUBLIC_BYTES]
{
    assert(keyring != NULL && ret_count != NULL);
    *ret_count = keyring->broker_key_count;
    return keyring->broker_keys;
}

size_t keyring_count(const struct keyring *keyring)
{
    assert(keyring != NULL);
    return keyring->entry_count;
}

const struct key_entry *keyring_entry(const struct keyring *keyring, size_t index)
{
    assert(keyring != NULL && index < keyring->entry_count);
    return &keyring->entries[index];
}

enum err keyring_revoke(struct keyring *keyring, const char *owner, struct key_id id, uint64_t leaf)
{
    for (size_t i = 0; i < keyring->entry_count; i++) {
        struct key_entry *entry = &keyring->entries[i];
        if (memcmp(entry->id.bytes, id.bytes, KEY_ID_BYTES) == 0 &&
            strcmp(entry->owner, owner) == 0) {
            entry->revoked_leaf = leaf;
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

static enum err entry_follows(const struct key_entry *before, const struct keyring *after,
                              const char *name, struct fault *fault)
{
    char id[2 * KEY_ID_BYTES + 1];
    for (size_t i = 0; i < after->entry_count; i++) {
        const struct key_entry *entry = &after->entries[i];
        if (memcmp(entry->public_key, before->public_key, sizeof(entry->public_key)) == 0 &&
            entry->use == before->use && strcmp(entry->owner, before->owner) == 0 &&
            (entry->retired || !before->retired)) {
            return OK;
        }
    }
    hex_encode(span_of(before->id.bytes, KEY_ID_BYTES), id);
    fault_set(fault, "keys.lost", name, "the key %s of \"%s\" is missing or not retired any more",
              id, before->owner);
    fault_hint(fault,
               "a key that was in force keeps its row, with `retired: true` or a `valid-to`");
    return ERR_INVALID;
}

enum err keyring_follows(const struct keyring *before, const struct keyring *after,
                         const char *name, struct fault *fault)
{
    enum err result = OK;
    bool go_on = true;
    for (size_t i = 0; go_on && i < before->entry_count; i++) {
        go_on = fault_go_on(entry_follows(&before->entries[i], after, name, fault), fault, &result);
    }
    return result;
}
