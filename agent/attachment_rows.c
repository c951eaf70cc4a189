/* See attachment_rows.h. STORE_BLOB:
 *
 * 'd' | digest                    -> version u8 | state u8 | type u32 | plain u64 | sealed u64 |
 *                                    at u64 | since u64; in version 1: key 32 | name
 * 'k' | digest | case id          -> secret: key 32 | name; zeros for the case: the desk's
 * 'w' | since u64 | digest           -> nothing: on the way
 * 'a' | since u64 | digest           -> nothing: attached, and no message names it
 * 'u' | id                        -> version u8 | type u32 | plain u64 | at u64 | secret of the
 *                                    desk's: key 32 | name; in version 1 not sealed
 * 'f' | id                           -> version u8 | at u64 | digest: an 'u' that ended
 * 'l' | row's seq u64 | material u32 -> digest */
#include "agent/attachment_rows.h"

#include <assert.h>
#include <string.h>

#include "agent/secrets.h"

#define ROW_VERSION   2u
#define ROW_PLAIN     1u /* of a release that kept key and name in the row */
#define ROW_BYTES     (2u + 4u + 4u * 8u)
#define ADDING_BYTES  (1u + 4u + 2u * 8u)
#define ENDED_VERSION 1u
#define ENDED_BYTES   (1u + 8u + DIGEST_BYTES)
#define SECRET_BYTES  (AEAD_KEY_BYTES + LIMIT_NAME_BYTES)
#define KEY_BYTES_MAX (1u + DIGEST_BYTES + UUID_BYTES)
#define WAITING_BYTES (1u + 8u + DIGEST_BYTES)

static const struct uuid desk = {{0}};

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
    struct blob_key key = {.bytes = {unsent ? 'a' : 'w'}, .len = WAITING_BYTES};

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

static struct blob_key key_of_secret(const struct digest *digest, const struct uuid *case_id)
{
    struct blob_key key = key_of('k', digest->bytes, DIGEST_BYTES);

    memcpy(key.bytes + key.len, case_id->bytes, UUID_BYTES);
    key.len += UUID_BYTES;
    return key;
}

/* --- key and name --- */

/* A name fills what is left. */
static enum err secret_unpack(struct span plain, uint8_t key[AEAD_KEY_BYTES],
                              char name[LIMIT_NAME_BYTES])
{
    if (plain.len <= AEAD_KEY_BYTES || plain.len - AEAD_KEY_BYTES >= LIMIT_NAME_BYTES) {
        return ERR_CORRUPT;
    }
    memcpy(key, plain.data, AEAD_KEY_BYTES);
    memcpy(name, plain.data + AEAD_KEY_BYTES, plain.len - AEAD_KEY_BYTES);
    name[plain.len - AEAD_KEY_BYTES] = '\0';
    return OK;
}

struct secret_at { /* where it is kept, and whose it is */
    const struct blob_key *place;
    const struct uuid *case_id;
};

/* ERR_NOT_FOUND: erased. */
static enum err secret_read(const struct store_txn *txn, struct secret_at at, struct span sealed,
                            uint8_t key[AEAD_KEY_BYTES], char name[LIMIT_NAME_BYTES])
{
    struct buf plain;
    enum err error;

    buf_init(&plain, SECRET_BYTES);
    error = secret_open(store_of(txn), at.case_id, key_span(at.place), sealed, &plain);
    if (error == OK) {
        error = secret_unpack(span_buf(&plain), key, name);
    }
    if (plain.data != NULL) {
        crypto_wipe(plain.data, plain.cap);
    }
    buf_free(&plain);
    return error;
}

static enum err secret_write(const struct store_txn *txn, struct secret_at at,
                             const uint8_t key[AEAD_KEY_BYTES], const char *name, struct buf *out)
{
    const struct span text = span_text(name);
    uint8_t plain[SECRET_BYTES];
    enum err error;

    assert(text.len > 0 && text.len < LIMIT_NAME_BYTES);
    memcpy(plain, key, AEAD_KEY_BYTES);
    memcpy(plain + AEAD_KEY_BYTES, text.data, text.len);
    error = secret_seal(store_of(txn), at.case_id, key_span(at.place),
                        span_of(plain, AEAD_KEY_BYTES + text.len), out);
    crypto_wipe(plain, sizeof(plain));
    return error;
}

/* The first of its secrets that opens. */
static enum err find_secret(struct store_txn *txn, struct attachment_row *row)
{
    struct blob_key prefix = key_of('k', row->shown.digest.bytes, DIGEST_BYTES);
    struct store_cursor *cursor = NULL;
    struct span at, sealed;
    enum err error = store_cursor_open(txn, STORE_BLOB, key_span(&prefix), &cursor);

    if (error != OK) {
        return error;
    }
    for (error = store_cursor_seek(cursor, span_of(NULL, 0), &at, &sealed); error == OK;
         error = store_cursor_next(cursor, &at, &sealed)) {
        struct blob_key place = prefix;
        struct uuid case_id;
        enum err opened;

        if (at.len != KEY_BYTES_MAX) {
            error = ERR_CORRUPT;
            break;
        }
        memcpy(place.bytes, at.data, at.len);
        place.len = at.len;
        memcpy(case_id.bytes, at.data + 1 + DIGEST_BYTES, UUID_BYTES);
        opened = secret_read(txn, (struct secret_at){&place, &case_id}, sealed, row->key,
                             row->shown.name);
        if (opened != ERR_NOT_FOUND) {
            error = opened;
            break;
        }
    }
    store_cursor_close(cursor);
    return error;
}

enum err attachment_secret_put(struct store_txn *txn, const struct attachment_row *row,
                               const struct uuid *case_id)
{
    const struct blob_key place = key_of_secret(&row->shown.digest, case_id);
    const struct blob_key of_desk = key_of_secret(&row->shown.digest, &desk);
    struct buf sealed;
    enum err error;

    if (row->inline_key) {
        return OK; /* stays as it is, until the case is erased (erase.c) */
    }
    buf_init(&sealed, SECRET_BYTES + SECRET_MORE_BYTES);
    error =
        secret_write(txn, (struct secret_at){&place, case_id}, row->key, row->shown.name, &sealed);
    if (error == OK) {
        error = store_put(txn, STORE_BLOB, key_span(&place), span_buf(&sealed));
    }
    buf_free(&sealed);
    if (error == OK && !uuid_is_zero(case_id)) {
        error = store_remove(txn, STORE_BLOB, key_span(&of_desk));
        error = error == ERR_NOT_FOUND ? OK : error;
    }
    return error;
}

/* --- rows --- */

static enum err row_unpack(struct span value, struct attachment_row *row)
{
    if (value.len < ROW_BYTES || (value.data[0] == ROW_VERSION && value.len != ROW_BYTES)) {
        return ERR_CORRUPT;
    }
    if (value.data[0] != ROW_VERSION && value.data[0] != ROW_PLAIN) {
        return ERR_VERSION;
    }
    row->shown.state = (enum attachment_state)value.data[1];
    row->shown.type = be32_get(value.data + 2);
    row->shown.plain_bytes = be64_get(value.data + 6);
    row->shown.sealed_bytes = be64_get(value.data + 14);
    row->shown.at_ms = be64_get(value.data + 22);
    row->since_ms = be64_get(value.data + 30);
    row->inline_key = value.data[0] == ROW_PLAIN;
    return row->inline_key ? secret_unpack(span_of(value.data + ROW_BYTES, value.len - ROW_BYTES),
                                           row->key, row->shown.name)
                           : OK;
}

/* Without its secrets. */
static enum err row_load(struct store_txn *txn, const struct digest *digest,
                         struct attachment_row *row)
{
    struct blob_key key = key_of('d', digest->bytes, DIGEST_BYTES);
    struct span value;
    enum err error = store_get(txn, STORE_BLOB, key_span(&key), &value);

    *row = (struct attachment_row){.shown = {.digest = *digest}};
    return error == OK ? row_unpack(value, row) : error;
}

enum err attachment_row_get(struct store_txn *txn, const struct digest *digest,
                            struct attachment_row *ret_row)
{
    struct attachment_row row;
    enum err error = row_load(txn, digest, &row);

    if (error == OK && !row.inline_key) {
        error = find_secret(txn, &row);
        if (error == ERR_NOT_FOUND) {
            row.shown.state = ATTACHMENT_ERASED;
            error = OK;
        }
    }
    if (error == OK) {
        *ret_row = row;
    }
    crypto_wipe(&row, sizeof(row));
    return error;
}

static enum err stop_waiting(struct store_txn *txn, const struct digest *digest)
{
    struct attachment_row old;
    struct blob_key key;
    enum err error = row_load(txn, digest, &old);

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
    uint8_t value[ROW_BYTES + SECRET_BYTES];
    size_t len = ROW_BYTES;
    enum err error = stop_waiting(txn, &row->shown.digest);

    assert(row->shown.state != ATTACHMENT_ERASED);
    value[0] = row->inline_key ? ROW_PLAIN : ROW_VERSION;
    value[1] = (uint8_t)row->shown.state;
    be32_put(value + 2, row->shown.type);
    be64_put(value + 6, row->shown.plain_bytes);
    be64_put(value + 14, row->shown.sealed_bytes);
    be64_put(value + 22, row->shown.at_ms);
    be64_put(value + 30, row->since_ms);
    if (row->inline_key) {
        memcpy(value + len, row->key, AEAD_KEY_BYTES);
        memcpy(value + len + AEAD_KEY_BYTES, row->shown.name, strlen(row->shown.name));
        len += AEAD_KEY_BYTES + strlen(row->shown.name);
    }
    if (error == OK) {
        error = store_put(txn, STORE_BLOB, key_span(&key), span_of(value, len));
    }
    if (error == OK && waiting.len > 0) {
        error = store_put(txn, STORE_BLOB, key_span(&waiting), span_of(NULL, 0));
    }
    crypto_wipe(value, sizeof(value));
    return error;
}

/* All secrets of a digest. */
static enum err secrets_remove(struct store_txn *txn, const struct digest *digest)
{
    const struct blob_key prefix = key_of('k', digest->bytes, DIGEST_BYTES);
    struct store_cursor *cursor = NULL;
    struct span at, sealed;
    enum err error = store_cursor_open(txn, STORE_BLOB, key_span(&prefix), &cursor);

    if (error != OK) {
        return error;
    }
    for (error = store_cursor_seek(cursor, span_of(NULL, 0), &at, &sealed); error == OK;
         error = store_cursor_next(cursor, &at, &sealed)) {
        error = store_remove(txn, STORE_BLOB, at);
        if (error != OK) {
            break;
        }
    }
    store_cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err attachment_row_remove(struct store_txn *txn, const struct digest *digest)
{
    struct blob_key key = key_of('d', digest->bytes, DIGEST_BYTES);
    enum err error = stop_waiting(txn, digest);

    if (error == OK) {
        error = secrets_remove(txn, digest);
    }
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

    if (error == OK && key.len != WAITING_BYTES) {
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

/* Without its secret. */
static enum err adding_unpack(struct span value, struct adding_row *row)
{
    if (value.len <= ADDING_BYTES) {
        return ERR_CORRUPT;
    }
    row->type = be32_get(value.data + 1);
    row->plain_bytes = be64_get(value.data + 5);
    row->at_ms = be64_get(value.data + 13);
    return OK;
}

enum err adding_row_get(struct store_txn *txn, const struct uuid *id, struct adding_row *ret_row)
{
    struct blob_key key = key_of('u', id->bytes, UUID_BYTES);
    struct adding_row row = {.id = *id};
    struct span value, secret;
    enum err error = store_get(txn, STORE_BLOB, key_span(&key), &value);

    if (error == OK) {
        error = adding_unpack(value, &row);
    }
    if (error != OK) {
        return error;
    }
    secret = span_of(value.data + ADDING_BYTES, value.len - ADDING_BYTES);
    error = value.data[0] == ROW_PLAIN ? secret_unpack(secret, row.key, row.name)
            : value.data[0] == ROW_VERSION
                ? secret_read(txn, (struct secret_at){&key, &desk}, secret, row.key, row.name)
                : ERR_VERSION;
    if (error == OK) {
        *ret_row = row;
    }
    crypto_wipe(&row, sizeof(row));
    return error; /* ERR_NOT_FOUND also of a backup from before an erasure: its key was let go */
}

enum err adding_row_put(struct store_txn *txn, const struct adding_row *row)
{
    struct blob_key key = key_of('u', row->id.bytes, UUID_BYTES);
    uint8_t head[ADDING_BYTES] = {ROW_VERSION};
    struct buf value;
    enum err error;

    be32_put(head + 1, row->type);
    be64_put(head + 5, row->plain_bytes);
    be64_put(head + 13, row->at_ms);
    buf_init(&value, ADDING_BYTES + SECRET_BYTES + SECRET_MORE_BYTES);
    error = buf_append(&value, head, sizeof(head));
    if (error == OK) {
        error = secret_write(txn, (struct secret_at){&key, &desk}, row->key, row->name, &value);
    }
    if (error == OK) {
        error = store_put(txn, STORE_BLOB, key_span(&key), span_buf(&value));
    }
    buf_free(&value);
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
    struct adding_row row = {.at_ms = 0};
    struct span value;
    enum err error = first_id(txn, 'u', &row.id);

    if (error == OK) {
        const struct blob_key key = key_of('u', row.id.bytes, UUID_BYTES);

        error = store_get(txn, STORE_BLOB, key_span(&key), &value);
    }
    if (error == OK) {
        error = adding_unpack(value, &row);
    }
    if (error == OK) {
        *ret_row = row;
    }
    return error;
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
    if (value.data[0] != ENDED_VERSION) {
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
    uint8_t value[ENDED_BYTES] = {ENDED_VERSION};

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

enum err attachment_link_after(struct store_txn *txn, struct link_place *place)
{
    struct blob_key from = key_of_link(place->seq, place->material);
    struct blob_key key;
    enum err error;

    if (place->seq != 0) {
        from.bytes[from.len++] = 0; /* the next key there can be */
    }
    error = seek(txn, &from, 1, &key, &place->digest);
    if (error == OK && key.len != 13) {
        error = ERR_CORRUPT;
    }
    if (error == OK) {
        place->seq = be64_get(key.bytes + 1);
        place->material = be32_get(key.bytes + 9);
    }
    return error;
}

/* --- the desk's key changes --- */

enum err attachment_unsent_next(struct store_txn *txn, struct unsent_place *place)
{
    struct blob_key from = {.bytes = {'a'}, .len = WAITING_BYTES};
    struct blob_key key;
    enum err error;

    be64_put(from.bytes + 1, place->since_ms);
    memcpy(from.bytes + 9, place->digest.bytes, DIGEST_BYTES);
    if (place->since_ms != 0) {
        from.bytes[from.len++] = 0; /* the next key there can be */
    }
    error = seek(txn, &from, 1, &key, NULL);
    if (error == OK && key.len != WAITING_BYTES) {
        error = ERR_CORRUPT;
    }
    if (error == OK) {
        place->since_ms = be64_get(key.bytes + 1);
        memcpy(place->digest.bytes, key.bytes + 9, DIGEST_BYTES);
    }
    return error;
}

static enum err renew_unsent(struct store_txn *txn)
{
    struct unsent_place place = {.since_ms = 0};
    enum err error;

    while ((error = attachment_unsent_next(txn, &place)) == OK) {
        struct attachment_row row;

        error = attachment_row_get(txn, &place.digest, &row);
        if (error == OK && row.shown.state != ATTACHMENT_ERASED) {
            row.inline_key = false;
            error = attachment_row_put(txn, &row);
            if (error == OK) {
                error = attachment_secret_put(txn, &row, &desk);
            }
        }
        crypto_wipe(&row, sizeof(row));
        if (error != OK) {
            break;
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err attachment_secrets_renew(struct store_txn *txn)
{
    struct blob_key from = {.bytes = {'u'}, .len = 1};
    struct blob_key key;
    enum err error = renew_unsent(txn);

    while (error == OK && (error = seek(txn, &from, 1, &key, NULL)) == OK) {
        struct adding_row row;
        struct uuid id;

        if (key.len != 1 + UUID_BYTES) {
            return ERR_CORRUPT;
        }
        memcpy(id.bytes, key.bytes + 1, UUID_BYTES);
        error = adding_row_get(txn, &id, &row);
        error = error == OK              ? adding_row_put(txn, &row)
                : error == ERR_NOT_FOUND ? adding_row_remove(txn, &id) /* its key was let go */
                                         : error;
        crypto_wipe(&row, sizeof(row));
        from = key;
        from.bytes[from.len++] = 0;
    }
    return error == ERR_NOT_FOUND ? OK : error;
}
