/* Referrals and numbers. See cases.h.
 *
 * Referral: case id | referral id -> packed. Number: text -> case id | referral id. A counter lies
 * among the numbers under a name that begins with '#', which no number does. */
#include "store/cases.h"

#include <assert.h>
#include <string.h>

#include "store/store_private.h"

#define CASE_KEY_BYTES 32u

static struct span key_pack(const struct case_key *key, uint8_t out[CASE_KEY_BYTES])
{
    memcpy(out, key->case_id.bytes, UUID_BYTES);
    memcpy(out + UUID_BYTES, key->referral_id.bytes, UUID_BYTES);
    return span_of(out, CASE_KEY_BYTES);
}

static void key_unpack(const uint8_t *from, struct case_key *ret_key)
{
    memcpy(ret_key->case_id.bytes, from, UUID_BYTES);
    memcpy(ret_key->referral_id.bytes, from + UUID_BYTES, UUID_BYTES);
}

enum err cases_get(struct store_txn *txn, const struct case_key *key, struct span *ret_referral)
{
    assert(key != NULL);
    uint8_t bytes[CASE_KEY_BYTES];
    return store_get(txn, STORE_CASE, key_pack(key, bytes), ret_referral);
}

enum err cases_put(struct store_txn *txn, const struct case_key *key, struct span referral)
{
    assert(key != NULL);
    assert(referral.len > 0 && referral.len <= CASES_REFERRAL_BYTES);
    uint8_t bytes[CASE_KEY_BYTES];
    return store_put(txn, STORE_CASE, key_pack(key, bytes), referral);
}

enum err cases_next(struct store_txn *txn, const struct uuid *case_id, const struct case_key *after,
                    struct case_key *ret_key, struct span *ret_referral)
{
    assert(txn != NULL && ret_key != NULL && ret_referral != NULL);
    uint8_t from[CASE_KEY_BYTES + 1] = {0};
    size_t from_len = 0;
    if (after != NULL) {
        (void)key_pack(after, from);
        from_len = CASE_KEY_BYTES + 1; /* with a zero byte: the first key behind it */
    }
    struct span prefix = case_id != NULL ? span_of(case_id->bytes, UUID_BYTES) : span_of(NULL, 0);
    struct store_cursor *cursor = NULL;
    enum err error = store_cursor_open(txn, STORE_CASE, prefix, &cursor);
    if (error != OK) {
        return error;
    }
    struct span key;
    struct span value;
    error = store_cursor_seek(cursor, span_of(from, from_len), &key, &value);
    if ((error == OK || error == ERR_CORRUPT) && key.len != CASE_KEY_BYTES) {
        error = store_corrupt(txn, STORE_CASE, key);
    } else if (error == OK || error == ERR_CORRUPT) {
        key_unpack(key.data, ret_key);
    }
    store_cursor_close(cursor);
    if (error == OK) {
        /* The cursor's copy is gone with it: read the row for as long as the transaction. */
        error = cases_get(txn, ret_key, ret_referral);
    }
    return error;
}

static enum err number_key(const char *number, struct span *ret_key)
{
    size_t len = strnlen(number, LIMIT_NUMBER_BYTES);
    if (len == 0 || len >= LIMIT_NUMBER_BYTES || number[0] == '#') {
        return ERR_INVALID;
    }
    *ret_key = span_of(number, len);
    return OK;
}

enum err number_find(struct store_txn *txn, const char *number, struct case_key *ret_key)
{
    assert(number != NULL && ret_key != NULL);
    struct span key;
    struct span value;
    enum err error = number_key(number, &key);
    if (error != OK) {
        return ERR_NOT_FOUND; /* no such number can exist */
    }
    error = store_get(txn, STORE_NUMBER, key, &value);
    if (error == OK && value.len != CASE_KEY_BYTES) {
        return store_corrupt(txn, STORE_NUMBER, key);
    }
    if (error == OK) {
        key_unpack(value.data, ret_key);
    }
    return error;
}

enum err number_put(struct store_txn *txn, const char *number, const struct case_key *key)
{
    assert(number != NULL && key != NULL);
    struct span text;
    enum err error = number_key(number, &text);
    if (error != OK) {
        return error;
    }
    uint8_t value[CASE_KEY_BYTES];
    error = store_add(txn, STORE_NUMBER, text, key_pack(key, value));
    if (error != ERR_EXISTS) {
        return error;
    }
    struct case_key owner;
    error = number_find(txn, number, &owner);
    if (error != OK) {
        return error;
    }
    bool same = uuid_equal(&owner.case_id, &key->case_id) &&
                uuid_equal(&owner.referral_id, &key->referral_id);
    return same ? OK : ERR_EXISTS;
}

enum err number_after(struct store_txn *txn, const char *prefix, const char *after,
                      char ret_number[LIMIT_NUMBER_BYTES])
{
    assert(prefix != NULL && after != NULL && ret_number != NULL);
    char from[LIMIT_NUMBER_BYTES + 1] = "";
    size_t len = strnlen(after, LIMIT_NUMBER_BYTES - 1);
    memcpy(from, after, len);
    struct store_cursor *cursor = NULL;
    enum err error = store_cursor_open(txn, STORE_NUMBER, span_text(prefix), &cursor);
    if (error != OK) {
        return error;
    }
    struct span key;
    struct span value;
    /* With its NUL: the first key behind it. */
    error = store_cursor_seek(cursor, span_of(from, len > 0 ? len + 1 : 0), &key, &value);
    if (error == OK && (key.len == 0 || key.len >= LIMIT_NUMBER_BYTES)) {
        error = store_corrupt(txn, STORE_NUMBER, key);
    } else if (error == OK) {
        memcpy(ret_number, key.data, key.len);
        ret_number[key.len] = '\0';
    }
    store_cursor_close(cursor);
    return error;
}

enum err number_count(struct store_txn *txn, const char *name, uint64_t *ret_value)
{
    assert(name != NULL && ret_value != NULL);
    uint8_t bytes[LIMIT_NUMBER_BYTES];
    size_t len = strnlen(name, LIMIT_NUMBER_BYTES);
    if (len == 0 || len >= LIMIT_NUMBER_BYTES) {
        return ERR_INVALID;
    }
    bytes[0] = '#';
    memcpy(bytes + 1, name, len);
    struct span key = span_of(bytes, len + 1);
    struct span value;
    uint64_t count = 0;
    enum err error = store_get(txn, STORE_NUMBER, key, &value);
    if (error == OK && value.len != 8) {
        return store_corrupt(txn, STORE_NUMBER, key);
    }
    if (error == OK) {
        count = be64_get(value.data);
    } else if (error != ERR_NOT_FOUND) {
        return error;
    }
    uint8_t next[8];
    be64_put(next, count + 1);
    error = store_put(txn, STORE_NUMBER, key, span_of(next, sizeof(next)));
    if (error == OK) {
        *ret_value = count + 1;
    }
    return error;
}
