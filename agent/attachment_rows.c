/* See attachment_rows.h. STORE_BLOB:
 *
 * 'd' | digest                    -> version u8 | state u8 | type u32 | plain u64 | sealed u64 |
 *                                    at u64 | since u64 | key 32 | name
 * 'w' | since u64 | digest           -> nothing: on the way
 * 'a' | since u64 | digest           -> nothing: attached, and no message names it
 * 'u' | id                        -> version u8 | type u32 | plain u64 | at u64 | key 32 | name
 * 'f' | id                           -> version u8 | at u64 | digest: an 'u' that ended
 * 'l' | row's seq u64 | material u32 -> digest */
#include "agent/attachment_rows.h"

#include <assert.h>
#include <string.h>

#define ROW_VERSION   1u
#define ROW_BYTES     (2u + 4u + 4u * 8u + AEAD_KEY_BYTES)
#define ADDING_BYTES  (1u + 4u + 2u * 8u + AEAD_KEY_BYTES)
#define ENDED_BYTES   (1u + 8u + DIGEST_BYTES)
#define KEY_BYTES_MAX (1u + 8u + DIGEST_BYTES)

struct blob_key {
    uint8_t bytes[KEY_BYTES_MAX];
    size_t len;
};

static struct span key_span(const struct blob_key *key)
{
    return span_of(key->bytes, key->len);
}

static struct blob_key key_of(char mark, const void *id, size_t len)
{
    struct blob_key key = {.bytes = {(uint8_t)mark}, .len = 1 + len};

    assert(key.len <= sizeof(key.bytes));
    memcpy(key.bytes + 1, id, len);
    return key;
}

/* Under which it waits for something; empty: for nothing. */
static struct blob_key key_of_waiting(const struct attachment_row *row)
{
    const bool unsent = row->shown.state == ATTACHMENT_ATTACHED && row->since_ms != 0;
    struct blob_key key = {.bytes = {unsent ? 'a' : 'w'}, .len = KEY_BYTES_MAX};

    if (!unsent && row->shown.state != ATTACHMENT_ON_THE_WAY) {
        key.len = 0;
        return key;
    }
    be64_put(key.bytes + 1, row->since_ms);
    memcpy(key.bytes + 9, row->shown.digest.bytes, DIGEST_BYTES);
    return key;
}

static struct blob_key key_of_link(uint64_t seq, uint32_t material)
{
    struct blob_key key = {.bytes = {'l'}, .len = 13};

    be64_put(key.bytes + 1, seq);
    be32_put(key.bytes + 9, material);
    return key;
}

/* A name fills what is left of a value. */
static enum err name_unpack(struct span value, size_t fixed, char name[LIMIT_NAME_BYTES])
{
    if (value.len <= fixed || value.len - fixed >= LIMIT_NAME_BYTES) {
        return ERR_CORRUPT;
    }
    if (value.data[0] != ROW_VERSION) {
        return ERR_VERSION;
    }
    memcpy(name, value.data + fixed, value.len - fixed);
    name[value.len - fixed] = '\0';
    return OK;
}

enum err attachment_row_get(struct store_txn *txn, const struct digest *digest,
                            struct attachment_row *ret_row)
{
    struct blob_key key = key_of('d', digest->bytes, DIGEST_BYTES);
    struct attachment_row row = {.shown = {.digest = *digest}};
    struct span value;
    enum err error = store_get(txn, STORE_BLOB, key_span(&key), &value);

    if (error == OK) {
        error = name_unpack(value, ROW_BYTES, row.shown.name);
    }
    if (error != OK) {
        return error;
    }
    row.shown.state = (enum attachment_state)value.data[1];
    row.shown.type = be32_get(value.data + 2);
    row.shown.plain_bytes = be64_get(value.data + 6);
    row.shown.sealed_bytes = be64_get(value.data + 14);
    row.shown.at_ms = be64_get(value.data + 22);
    row.since_ms = be64_get(value.data + 30);
    memcpy(row.key, value.data + 38, AEAD_KEY_BYTES);
    *ret_row = row;
    return OK;
}

static enum err stop_waiting(struct store_txn *txn, const struct digest *digest)
{
    struct attachment_row old;
    struct blob_key key;
    enum err error = attachment_row_get(txn, digest, &old);

    if (error != OK) {
        return error == ERR_NOT_FOUND ? OK : error;
    }
    crypto_wipe(old.key, sizeof(old.key));
    key = key_of_waiting(&old);
    return key.len > 0 ? store_remove(txn, STORE_BLOB, key_span(&key)) : OK;
}

enum err attachment_row_put(struct store_txn *txn, const struct attachment_row *row)
{
    struct blob_key key = key_of('d', row->shown.digest.bytes, DIGEST_BYTES);
    struct blob_key waiting = key_of_waiting(row);
    uint8_t value[ROW_BYTES + LIMIT_NAME_BYTES];
    size_t name = strlen(row->shown.name);
    enum err error = stop_waiting(txn, &row->shown.digest);

    assert(name > 0 && name < LIMIT_NAME_BYTES);
    value[0] = ROW_VERSION;
    value[1] = (uint8_t)row->shown.state;
    be32_put(value + 2, row->shown.type);
    be64_put(value + 6, row->shown.plain_bytes);
    be64_put(value + 14, row->shown.sealed_bytes);
    be64_put(value + 22, row->shown.at_ms);
    be64_put(value + 30, row->since_ms);
    memcpy(value + 38, row->key, AEAD_KEY_BYTES);
    memcpy(value + ROW_BYTES, row->shown.name, name);
    if (error == OK) {
        error = store_put(txn, STORE_BLOB, key_span(&key), span_of(value, ROW_BYTES + name));
    }
    if (error == OK && waiting.len > 0) {
        error = store_put(txn, STORE_BLOB, key_span(&waiting), span_of(NULL, 0));
    }
    crypto_wipe(value, sizeof(value));
    return error;
}

enum err attachment_row_remove(struct store_txn *txn, const struct digest *digest)
{
    struct blob_key key = key_of('d', digest->bytes, DIGEST_BYTES);
    enum err error = stop_waiting(txn, digest);

    return error == OK ? store_remove(txn, STORE_BLOB, key_span(&key)) : error;
}

/* The first key at or behind `from` that shares its first `prefix` bytes. */
static enum err seek(struct store_txn *txn, const struct blob_key *from, size_t prefix,
                     struct blob_key *ret_key, struct digest *ret_value)
{
    struct store_cursor *cursor = NULL;
    struct span key, value;
    enum err error = store_cursor_open(txn, STORE_BLOB, span_of(from->bytes, prefix), &cursor);

    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, key_span(from), &key, &value);
    if (error == OK &&
        (key.len > KEY_BYTES_MAX || (ret_value != NULL && value.len != DIGEST_BYTES))) {
        error = ERR_CORRUPT;
    }
    if (error == OK) {
        ret_key->len = key.len;
        memcpy(ret_key->bytes, key.data, key.len);
        if (ret_value != NULL) {
            memcpy(ret_value->bytes, value.data, DIGEST_BYTES);
        }
    }
    store_cursor_close(cursor);
    return error;
}

/* The first of those that wait under this mark. */
static enum err waiting_first(struct store_txn *txn, char mark, struct attachment_row *ret_row)
{
    struct blob_key from = {.bytes = {(uint8_t)mark}, .len = 1};
    struct blob_key key;
    struct digest digest;
    enum err error = seek(txn, &from, 1, &key, NULL);

    if (error == OK && key.len != KEY_BYTES_MAX) {
        error = ERR_CORRUPT;
    }
    if (error != OK) {
        return error;
    }
    memcpy(digest.bytes, key.bytes + 9, DIGEST_BYTES);
    error = attachment_row_get(txn, &digest, ret_row);
    return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
}

enum err attachment_row_due(struct store_txn *txn, struct attachment_row *ret_row)
{
    return waiting_first(txn, 'w', ret_row);
}

enum err attachment_row_unsent(struct store_txn *txn, struct attachment_row *ret_row)
{
    return waiting_first(txn, 'a', ret_row);
}

enum err attachment_row_on_the_way(struct store_txn *txn, uint64_t *ret_count)
{
    struct store_cursor *cursor = NULL;
    struct span key, value;
    uint64_t count = 0;
    enum err error = store_cursor_open(txn, STORE_BLOB, span_of("w", 1), &cursor);

    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, span_of(NULL, 0), &key, &value);
    while (error == OK && count < 10000) { /* more is "many" */
        count++;
        error = store_cursor_next(cursor, &key, &value);
    }
    store_cursor_close(cursor);
    *ret_count = count;
    return error == ERR_NOT_FOUND ? OK : error;
}

/* --- files that are being attached --- */

enum err adding_row_get(struct store_txn *txn, const struct uuid *id, struct adding_row *ret_row)
{
    struct blob_key key = key_of('u', id->bytes, UUID_BYTES);
    struct adding_row row = {.id = *id};
    struct span value;
    enum err error = store_get(txn, STORE_BLOB, key_span(&key), &value);

    if (error == OK) {
        error = name_unpack(value, ADDING_BYTES, row.name);
    }
    if (error != OK) {
        return error;
    }
    row.type = be32_get(value.data + 1);
    row.plain_bytes = be64_get(value.data + 5);
    row.at_ms = be64_get(value.data + 13);
    memcpy(row.key, value.data + 21, AEAD_KEY_BYTES);
    *ret_row = row;
    return OK;
}

enum err adding_row_put(struct store_txn *txn, const struct adding_row *row)
{
    struct blob_key key = key_of('u', row->id.bytes, UUID_BYTES);
    uint8_t value[ADDING_BYTES + LIMIT_NAME_BYTES] = {ROW_VERSION};
    size_t name = strlen(row->name);
    enum err error;

    assert(name > 0 && name < LIMIT_NAME_BYTES);
    be32_put(value + 1, row->type);
    be64_put(value + 5, row->plain_bytes);
    be64_put(value + 13, row->at_ms);
    memcpy(value + 21, row->key, AEAD_KEY_BYTES);
    memcpy(value + ADDING_BYTES, row->name, name);
    error = store_put(txn, STORE_BLOB, key_span(&key), span_of(value, ADDING_BYTES + name));
    crypto_wipe(value, sizeof(value));
    return error;
}

enum err adding_row_remove(struct store_txn *txn, const struct uuid *id)
{
    struct blob_key key = key_of('u', id->bytes, UUID_BYTES);

    return store_remove(txn, STORE_BLOB, key_span(&key));
}

/* Ids rise with the time at which they were given. */
static enum err first_id(struct store_txn *txn, char mark, struct uuid *ret_id)
{
    struct blob_key from = {.bytes = {(uint8_t)mark}, .len = 1};
    struct blob_key key;
    enum err error = seek(txn, &from, 1, &key, NULL);

    if (error == OK && key.len != 1 + UUID_BYTES) {
        error = ERR_CORRUPT;
    }
    if (error == OK) {
        memcpy(ret_id->bytes, key.bytes + 1, UUID_BYTES);
    }
    return error;
}

enum err adding_row_oldest(struct store_txn *txn, struct adding_row *ret_row)
{
    struct uuid id;
    enum err error = first_id(txn, 'u', &id);

    return error == OK ? adding_row_get(txn, &id, ret_row) : error;
}

/* --- those that ended --- */

enum err ended_row_get(struct store_txn *txn, const struct uuid *id, struct ended_row *ret_row)
{
    struct blob_key key = key_of('f', id->bytes, UUID_BYTES);
    struct span value;
    enum err error = store_get(txn, STORE_BLOB, key_span(&key), &value);

    if (error != OK) {
        return error;
    }
    if (value.len != ENDED_BYTES) {
        return ERR_CORRUPT;
    }
    if (value.data[0] != ROW_VERSION) {
        return ERR_VERSION;
    }
    ret_row->id = *id;
    ret_row->at_ms = be64_get(value.data + 1);
    memcpy(ret_row->digest.bytes, value.data + 9, DIGEST_BYTES);
    return OK;
}

enum err ended_row_put(struct store_txn *txn, const struct ended_row *row)
{
    struct blob_key key = key_of('f', row->id.bytes, UUID_BYTES);
    uint8_t value[ENDED_BYTES] = {ROW_VERSION};

    be64_put(value + 1, row->at_ms);
    memcpy(value + 9, row->digest.bytes, DIGEST_BYTES);
    return store_put(txn, STORE_BLOB, key_span(&key), span_of(value, sizeof(value)));
}

enum err ended_row_oldest(struct store_txn *txn, struct ended_row *ret_row)
{
    struct uuid id;
    enum err error = first_id(txn, 'f', &id);

    return error == OK ? ended_row_get(txn, &id, ret_row) : error;
}

enum err ended_row_remove(struct store_txn *txn, const struct uuid *id)
{
    struct blob_key key = key_of('f', id->bytes, UUID_BYTES);

    return store_remove(txn, STORE_BLOB, key_span(&key));
}

/* --- which message names which --- */

enum err attachment_link_put(struct store_txn *txn, uint64_t seq, uint32_t material,
                             const struct digest *digest)
{
    struct blob_key key = key_of_link(seq, material);

    return store_put(txn, STORE_BLOB, key_span(&key), span_of(digest->bytes, DIGEST_BYTES));
}

enum err attachment_link_next(struct store_txn *txn, uint64_t seq, uint32_t *material,
                              struct digest *ret_digest)
{
    struct blob_key from = key_of_link(seq, *material);
    struct blob_key key;
    enum err error = seek(txn, &from, 9, &key, ret_digest);

    if (error == OK && key.len != 13) {
        error = ERR_CORRUPT;
    }
    if (error == OK) {
        *material = be32_get(key.bytes + 9) + 1;
    }
    return error;
}
