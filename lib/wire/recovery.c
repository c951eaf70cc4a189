/* The statements of a broker's later logs, and their origins. See recovery.h. */
#include "wire/recovery.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "audit.pb-c.h"
#include "wire/tables.h"

#define DOMAIN       "referral.v1.recovery"
#define SUFFIX_BYTES 11u /* "/1795682712" */

struct statement {
    uint32_t version;
    struct recovery recovery;
};

static const struct bind statement_binds[] = {
    NUMBER(1, struct statement, version),
    TEXT(2, struct statement, recovery.old_origin),
    TEXT(3, struct statement, recovery.new_origin),
    SPAN(4, struct statement, recovery.anchor, CHECKPOINT_BYTES),
    FIXED(5, struct statement, recovery.reason),
    NUMBER(6, struct statement, recovery.at_ms),
};
static const struct bind_table statement_table =
    TABLE(&referral__v1__recovery__descriptor, struct statement, statement_binds);

/* --- origins --- */

enum err recovery_origin(const char *first, uint64_t at_ms, char out[LIMIT_ORIGIN_BYTES])
{
    const uint64_t seconds = at_ms / 1000;

    if (strlen(first) + SUFFIX_BYTES >= LIMIT_ORIGIN_BYTES) {
        return ERR_TOO_LARGE;
    }
    if (seconds <= RECOVERY_EPOCH_S || seconds > RECOVERY_END_S) {
        return ERR_INVALID;
    }
    (void)snprintf(out, LIMIT_ORIGIN_BYTES, "%s/%" PRIu64, first, seconds);
    return OK;
}

/* Read by writing it again: there is one form only. */
enum err recovery_log(const char *first, const char *origin, uint64_t *ret_log)
{
    const size_t len = strlen(first);
    char again[LIMIT_ORIGIN_BYTES];
    uint64_t seconds = 0;

    *ret_log = 0;
    if (strcmp(first, origin) == 0) {
        return OK;
    }
    if (strncmp(first, origin, len) != 0 || strlen(origin) != len + SUFFIX_BYTES) {
        return ERR_NOT_FOUND;
    }
    for (const char *at = origin + len + 1; *at >= '0' && *at <= '9'; at++) {
        seconds = seconds * 10 + (uint64_t)(*at - '0');
    }
    if (recovery_origin(first, seconds * 1000, again) != OK || strcmp(again, origin) != 0) {
        return ERR_NOT_FOUND;
    }
    *ret_log = seconds;
    return OK;
}

/* --- statements --- */

static struct digest statement_digest(struct span statement)
{
    struct digest inner = crypto_digest(statement);
    struct hasher hasher;

    hasher_init(&hasher);
    hasher_add(&hasher, DOMAIN, sizeof(DOMAIN)); /* with its NUL */
    hasher_add(&hasher, inner.bytes, DIGEST_BYTES);
    return hasher_end(&hasher);
}

enum err recovery_make(const struct recovery *recovery, const struct sign_key *key, struct buf *out,
                       struct signed_recovery *ret_signed)
{
    const struct statement statement = {.version = WIRE_VERSION, .recovery = *recovery};
    struct digest digest;
    size_t from = out->len;
    enum err error = bind_encode(&statement_table, &statement, 0, out);

    if (error != OK) {
        return error;
    }
    ret_signed->statement = span_of(out->data + from, out->len - from);
    ret_signed->key = key_id_of(key->public_key);
    digest = statement_digest(ret_signed->statement);
    crypto_sign_message(key, span_of(digest.bytes, DIGEST_BYTES), ret_signed->signature);
    return OK;
}

enum err recovery_note_verify(struct span note, const struct keyring *keyring,
                              struct checkpoint *ret_checkpoint)
{
    size_t count = 0;
    const uint8_t(*keys)[SIGN_PUBLIC_BYTES] = keyring_broker_keys(keyring, &count);
    struct checkpoint claimed;
    uint64_t log;
    enum err error = checkpoint_parse(note, &claimed, NULL);

    if (error != OK) {
        return error;
    }
    if (recovery_log(keyring_origin(keyring), claimed.origin, &log) != OK) {
        return ERR_FORGED;
    }
    return checkpoint_verify(note, claimed.origin, keys, count, ret_checkpoint);
}

static bool is_signed(const struct signed_recovery *signed_recovery, const struct keyring *keyring)
{
    const struct digest digest = statement_digest(signed_recovery->statement);
    size_t count = 0;
    const uint8_t(*keys)[SIGN_PUBLIC_BYTES] = keyring_broker_keys(keyring, &count);

    for (size_t i = 0; i < count; i++) {
        const struct key_id id = key_id_of(keys[i]);

        if (memcmp(id.bytes, signed_recovery->key.bytes, KEY_ID_BYTES) == 0 &&
            crypto_verify(keys[i], span_of(digest.bytes, DIGEST_BYTES),
                          signed_recovery->signature) == OK) {
            return true;
        }
    }
    return false;
}

enum err recovery_verify(const struct signed_recovery *signed_recovery,
                         const struct keyring *keyring, struct recovery *ret_recovery,
                         struct checkpoint *ret_anchor)
{
    struct statement statement;
    struct region region;
    struct bind_target target = {
        .region = &region, .structure = &statement, .max_fields = LIMIT_FIELD_COUNT};
    uint64_t old_log, new_log;
    enum err error;

    if (!is_signed(signed_recovery, keyring)) {
        return ERR_FORGED;
    }
    region_init(&region, LIMIT_PARSE_BYTES(signed_recovery->statement.len));
    error = bind_decode(&statement_table, signed_recovery->statement, &target, NULL);
    if (error == OK && statement.version != WIRE_VERSION) {
        error = ERR_INVALID;
    }
    if (error == OK) {
        error = recovery_note_verify(statement.recovery.anchor, keyring, ret_anchor);
    }
    if (error == OK &&
        (recovery_log(keyring_origin(keyring), statement.recovery.old_origin, &old_log) != OK ||
         recovery_log(keyring_origin(keyring), statement.recovery.new_origin, &new_log) != OK ||
         new_log <= old_log || strcmp(ret_anchor->origin, statement.recovery.old_origin) != 0)) {
        error = ERR_INVALID;
    }
    if (error == OK) {
        *ret_recovery = statement.recovery;
        ret_recovery->anchor = span_of(NULL, 0); /* it was the region's */
    }
    region_free(&region);
    return error;
}

/* --- chains: statement bytes u16 | statement | key id | signature, for each --- */

#define CHAIN_FIXED_BYTES (2u + KEY_ID_BYTES + SIGNATURE_BYTES)

enum err recovery_pack(const struct signed_recovery *signed_recovery, struct buf *out)
{
    uint8_t len[2];
    enum err error;

    assert(signed_recovery->statement.len <= RECOVERY_STATEMENT_BYTES);
    be16_put(len, (uint16_t)signed_recovery->statement.len);
    error = buf_append(out, len, sizeof(len));
    if (error == OK) {
        error = buf_append(out, signed_recovery->statement.data, signed_recovery->statement.len);
    }
    if (error == OK) {
        error = buf_append(out, signed_recovery->key.bytes, KEY_ID_BYTES);
    }
    return error == OK ? buf_append(out, signed_recovery->signature, SIGNATURE_BYTES) : error;
}

enum err recovery_unpack(struct span packed, struct signed_recovery ret_chain[RECOVERIES_MAX],
                         size_t *ret_count)
{
    size_t count = 0;

    while (packed.len > 0) {
        struct signed_recovery *one = &ret_chain[count];
        const uint8_t *at = packed.data + 2;
        size_t len = packed.len >= 2 ? be16_get(packed.data) : 0;

        if (count == RECOVERIES_MAX || packed.len < CHAIN_FIXED_BYTES ||
            len > packed.len - CHAIN_FIXED_BYTES) {
            return ERR_CORRUPT;
        }
        one->statement = span_of(at, len);
        memcpy(one->key.bytes, at + len, KEY_ID_BYTES);
        memcpy(one->signature, at + len + KEY_ID_BYTES, SIGNATURE_BYTES);
        packed =
            span_of(packed.data + CHAIN_FIXED_BYTES + len, packed.len - CHAIN_FIXED_BYTES - len);
        count++;
    }
    *ret_count = count;
    return OK;
}
