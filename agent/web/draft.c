/* STORE_OFFICE: 'd' | officer | 0 | address -> be64 saved | JSON. Old ones are
 * removed by draft_tidy. */
#include "agent/web/draft.h"

#include <assert.h>
#include <string.h>

#include "agent/web/officer.h"
#include "base/crypto.h"

#define DRAFT_KEPT_MS   (UINT64_C(30) * 86400000)
#define DRAFT_KEY_BYTES (2u + OFFICER_NAME_BYTES + DRAFT_ADDRESS_MAX)

struct draft_key {
    uint8_t bytes[DRAFT_KEY_BYTES];
    size_t prefix_len; /* those of the officer */
    size_t len;
};

static bool key_make(const char *officer, const char *address, struct draft_key *key)
{
    size_t officer_len = strlen(officer);
    size_t address_len = strlen(address);

    assert(officer_len < OFFICER_NAME_BYTES);
    if (address_len >= DRAFT_ADDRESS_MAX) {
        return false;
    }
    key->bytes[0] = 'd';
    memcpy(key->bytes + 1, officer, officer_len + 1);
    key->prefix_len = officer_len + 2;
    memcpy(key->bytes + key->prefix_len, address, address_len);
    key->len = key->prefix_len + address_len;
    return true;
}

static struct span key_span(const struct draft_key *key)
{
    return span_of(key->bytes, key->len);
}

/* Those of one officer. */
static enum err count(struct store_txn *txn, const struct draft_key *key, size_t *ret_count)
{
    struct store_cursor *cursor;
    const struct span prefix = span_of(key->bytes, key->prefix_len);
    struct span at, row;
    enum err error = store_cursor_open(txn, STORE_OFFICE, prefix, &cursor);

    *ret_count = 0;
    if (error != OK) {
        return error;
    }
    for (error = store_cursor_seek(cursor, prefix, &at, &row); error == OK;
         error = store_cursor_next(cursor, &at, &row)) {
        (*ret_count)++;
    }
    store_cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err put(struct store_txn *txn, const struct draft_key *key, struct span json,
                    uint64_t now_ms)
{
    struct buf row;
    uint8_t saved[8];
    struct span old;
    size_t there;
    enum err error = count(txn, key, &there);

    if (error == OK && there >= DRAFT_OFFICER_MAX) {
        error = store_get(txn, STORE_OFFICE, key_span(key), &old) == OK ? OK : ERR_FULL;
    }
    if (error != OK) {
        return error;
    }
    buf_init(&row, DRAFT_BYTES_MAX + sizeof(saved));
    be64_put(saved, now_ms);
    error = buf_append(&row, saved, sizeof(saved));
    if (error == OK) {
        error = buf_append(&row, json.data, json.len);
    }
    if (error == OK) {
        error = store_put(txn, STORE_OFFICE, key_span(key), span_buf(&row));
    }
    if (row.cap > 0) {
        crypto_wipe(row.data, row.cap);
    }
    buf_free(&row);
    return error;
}

enum err draft_put(struct store *store, const char *officer, const char *address, struct span json,
                   uint64_t now_ms)
{
    struct draft_key key;
    struct store_txn *txn;
    enum err error;

    if (json.len > DRAFT_BYTES_MAX || !key_make(officer, address, &key)) {
        return ERR_TOO_LARGE;
    }
    error = store_begin(store, &txn);
    if (error != OK) {
        return error;
    }
    error = put(txn, &key, json, now_ms);
    if (error != OK) {
        store_abort(txn);
        return error;
    }
    return store_commit(txn);
}

enum err draft_get(struct store *store, const char *officer, const char *address, struct buf *json,
                   uint64_t *ret_saved_ms)
{
    struct draft_key key;
    struct store_txn *read;
    struct span row;
    enum err error;

    if (!key_make(officer, address, &key)) {
        return ERR_NOT_FOUND;
    }
    error = store_read_begin(store, &read);
    if (error != OK) {
        return error;
    }
    error = store_get(read, STORE_OFFICE, key_span(&key), &row);
    if (error == OK && row.len < 8) {
        error = ERR_CORRUPT;
    }
    if (error == OK) {
        *ret_saved_ms = be64_get(row.data);
        error = buf_append(json, row.data + 8, row.len - 8);
    }
    store_read_end(read);
    return error;
}

enum err draft_remove(struct store *store, const char *officer, const char *address)
{
    struct draft_key key;
    struct store_txn *txn;
    enum err error;

    if (!key_make(officer, address, &key)) {
        return OK;
    }
    error = store_begin(store, &txn);
    if (error != OK) {
        return error;
    }
    error = store_remove(txn, STORE_OFFICE, key_span(&key));
    if (error != OK) {
        store_abort(txn);
        return error == ERR_NOT_FOUND ? OK : error;
    }
    return store_commit(txn);
}

/* The first that is too old. */
static enum err find_old(struct store_txn *txn, uint64_t now_ms, struct draft_key *ret_key)
{
    struct store_cursor *cursor;
    const struct span all = span_text("d");
    struct span at, row;
    enum err error = store_cursor_open(txn, STORE_OFFICE, all, &cursor);

    if (error != OK) {
        return error;
    }
    for (error = store_cursor_seek(cursor, all, &at, &row); error == OK;
         error = store_cursor_next(cursor, &at, &row)) {
        if (row.len >= 8 && at.len <= DRAFT_KEY_BYTES &&
            be64_get(row.data) + DRAFT_KEPT_MS < now_ms) {
            memcpy(ret_key->bytes, at.data, at.len);
            ret_key->len = at.len;
            break;
        }
    }
    store_cursor_close(cursor);
    return error;
}

enum err draft_tidy(struct store *store, uint64_t now_ms)
{
    struct draft_key old;
    struct store_txn *txn;
    bool any = false;
    enum err error = store_begin(store, &txn);

    if (error != OK) {
        return error;
    }
    while ((error = find_old(txn, now_ms, &old)) == OK) {
        any = true;
        error = store_remove(txn, STORE_OFFICE, key_span(&old));
        if (error != OK) {
            break;
        }
    }
    if (error != ERR_NOT_FOUND || !any) {
        store_abort(txn);
        return error == ERR_NOT_FOUND ? OK : error;
    }
    return store_commit(txn);
}

enum err draft_next(struct store *store, const char *officer, const char *after,
                    char ret_address[DRAFT_ADDRESS_MAX], uint64_t *ret_saved_ms)
{
    struct draft_key key;
    struct store_cursor *cursor = NULL;
    struct store_txn *read;
    struct span at, row;
    enum err error;

    if (!key_make(officer, after, &key)) {
        return ERR_NOT_FOUND;
    }
    error = store_read_begin(store, &read);
    if (error != OK) {
        return error;
    }
    error = store_cursor_open(read, STORE_OFFICE, span_of(key.bytes, key.prefix_len), &cursor);
    if (error == OK) {
        error = store_cursor_seek(cursor, key_span(&key), &at, &row);
    }
    if (error == OK && span_equal(at, key_span(&key))) {
        error = store_cursor_next(cursor, &at, &row);
    }
    if (error == OK && (row.len < 8 || at.len - key.prefix_len >= DRAFT_ADDRESS_MAX)) {
        error = ERR_CORRUPT;
    }
    if (error == OK) {
        memcpy(ret_address, at.data + key.prefix_len, at.len - key.prefix_len);
        ret_address[at.len - key.prefix_len] = '\0';
        *ret_saved_ms = be64_get(row.data);
    }
    store_cursor_close(cursor);
    store_read_end(read);
    return error;
}
