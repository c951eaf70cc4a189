/* Walks over a table, see store.h. Each step finds its place again by the key that it stood on, so
 * that rows may be put and removed meanwhile: LMDB's own cursors are not trusted across writes.
 * In a read transaction the step is LMDB's, which needs no search. */
#include "store/store_private.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct store_cursor {
    struct store_txn *txn; /* borrowed */
    MDB_cursor *mdb;       /* owned; NULL: the table is absent */
    enum store_table table;
    bool placed; /* `key` is where it stands */
    size_t prefix_len;
    size_t key_len;
    uint8_t prefix[STORE_KEY_BYTES_MAX];
    uint8_t key[STORE_KEY_BYTES_MAX + 1];
    struct buf plain; /* the row's value, opened; sealed stores only */
};

enum err store_cursor_open(struct store_txn *txn, enum store_table table, struct span prefix,
                           struct store_cursor **ret_cursor)
{
    assert(txn != NULL && txn->mdb != NULL);
    assert(prefix.len <= STORE_KEY_BYTES_MAX);
    struct store_cursor *cursor = calloc(1, sizeof(*cursor));
    if (cursor == NULL) {
        return ERR_MEMORY;
    }
    cursor->txn = txn;
    cursor->table = table;
    cursor->prefix_len = prefix.len;
    if (prefix.len > 0) {
        memcpy(cursor->prefix, prefix.data, prefix.len);
    }
    buf_init(&cursor->plain, STORE_VALUE_BYTES_MAX);
    if (txn->store->present[table]) {
        enum err error =
            store_result(mdb_cursor_open(txn->mdb, txn->store->tables[table], &cursor->mdb));
        if (error != OK) {
            free(cursor);
            return error;
        }
    }
    *ret_cursor = cursor;
    return OK;
}

static void plain_wipe(struct store_cursor *cursor)
{
    if (cursor->plain.data != NULL) {
        crypto_wipe(cursor->plain.data, cursor->plain.len);
    }
    buf_clear(&cursor->plain);
}

void store_cursor_close(struct store_cursor *cursor)
{
    if (cursor == NULL) {
        return;
    }
    if (cursor->mdb != NULL) {
        mdb_cursor_close(cursor->mdb);
    }
    plain_wipe(cursor);
    buf_free(&cursor->plain);
    free(cursor);
}

/* Hands out the row that LMDB found, when it is inside the prefix. */
static enum err row_give(struct store_cursor *cursor, int result, const MDB_val found[2],
                         struct span *ret_key, struct span *ret_value)
{
    if (result != MDB_SUCCESS) {
        cursor->placed = cursor->placed && result == MDB_NOTFOUND;
        enum err error = store_result(result);
        return error == ERR_CORRUPT ? store_corrupt(cursor->txn, cursor->table, span_of(NULL, 0))
                                    : error;
    }
    struct span key = span_of(found[0].mv_data, found[0].mv_size);
    if (key.len < cursor->prefix_len || key.len > STORE_KEY_BYTES_MAX ||
        memcmp(key.data, cursor->prefix, cursor->prefix_len) != 0) {
        return ERR_NOT_FOUND;
    }
    memcpy(cursor->key, key.data, key.len);
    cursor->key_len = key.len;
    cursor->placed = true;
    *ret_key = span_of(cursor->key, key.len);
    plain_wipe(cursor);
    struct span raw = span_of(found[1].mv_data, found[1].mv_size);
    if (cursor->table == STORE_LOG) {
        *ret_value = raw; /* audit.c opens these */
        return OK;
    }
    return record_open(cursor->txn, (struct record_at){cursor->table, *ret_key}, raw,
                       &cursor->plain, ret_value);
}

enum err store_cursor_seek(struct store_cursor *cursor, struct span key, struct span *ret_key,
                           struct span *ret_value)
{
    assert(cursor != NULL);
    assert(key.len <= STORE_KEY_BYTES_MAX);
    cursor->placed = false;
    if (cursor->mdb == NULL) {
        return ERR_NOT_FOUND;
    }
    atomic_fetch_add_explicit(&cursor->txn->store->reads, 1, memory_order_relaxed);
    struct span from = key.len > 0 ? key : span_of(cursor->prefix, cursor->prefix_len);
    uint8_t start[STORE_KEY_BYTES_MAX];
    MDB_val found[2] = {{.mv_size = from.len, .mv_data = start}, {0}};
    MDB_cursor_op op = MDB_FIRST;
    if (from.len > 0) {
        memcpy(start, from.data, from.len);
        op = MDB_SET_RANGE;
    }
    int result = mdb_cursor_get(cursor->mdb, &found[0], &found[1], op);
    return row_give(cursor, result, found, ret_key, ret_value);
}

/* Stands on the first row at or behind the key it stood on; *ret_same tells which. */
static int row_return(struct store_cursor *cursor, MDB_val found[2], bool *ret_same)
{
    found[0] = (MDB_val){.mv_size = cursor->key_len, .mv_data = cursor->key};
    int result = mdb_cursor_get(cursor->mdb, &found[0], &found[1], MDB_SET_RANGE);
    *ret_same = result == MDB_SUCCESS && found[0].mv_size == cursor->key_len &&
                memcmp(found[0].mv_data, cursor->key, cursor->key_len) == 0;
    return result;
}

enum err store_cursor_next(struct store_cursor *cursor, struct span *ret_key,
                           struct span *ret_value)
{
    assert(cursor != NULL);
    if (!cursor->placed) {
        return ERR_NOT_FOUND;
    }
    MDB_val found[2] = {{0}, {0}};
    bool same = true;
    int result = MDB_SUCCESS;
    if (cursor->txn->writes) {
        result = row_return(cursor, found, &same);
    }
    if (result == MDB_SUCCESS && same) {
        result = mdb_cursor_get(cursor->mdb, &found[0], &found[1], MDB_NEXT);
    }
    return row_give(cursor, result, found, ret_key, ret_value);
}

enum err store_cursor_previous(struct store_cursor *cursor, struct span *ret_key,
                               struct span *ret_value)
{
    assert(cursor != NULL);
    if (!cursor->placed) {
        return ERR_NOT_FOUND;
    }
    MDB_val found[2] = {{0}, {0}};
    bool same = false;
    int result = row_return(cursor, found, &same);
    if (result == MDB_SUCCESS) {
        result = mdb_cursor_get(cursor->mdb, &found[0], &found[1], MDB_PREV);
    } else if (result == MDB_NOTFOUND) {
        result = mdb_cursor_get(cursor->mdb, &found[0], &found[1], MDB_LAST);
    }
    return row_give(cursor, result, found, ret_key, ret_value);
}

/* The first key behind every key with this prefix; its length, or 0 when there is none. */
static size_t prefix_end(const struct store_cursor *cursor, uint8_t end[STORE_KEY_BYTES_MAX])
{
    size_t len = cursor->prefix_len;
    memcpy(end, cursor->prefix, len);
    while (len > 0 && end[len - 1] == 0xFF) {
        len--;
    }
    if (len > 0) {
        end[len - 1]++;
    }
    return len;
}

enum err store_cursor_last(struct store_cursor *cursor, struct span *ret_key,
                           struct span *ret_value)
{
    assert(cursor != NULL);
    cursor->placed = false;
    if (cursor->mdb == NULL) {
        return ERR_NOT_FOUND;
    }
    uint8_t end[STORE_KEY_BYTES_MAX];
    size_t end_len = prefix_end(cursor, end);
    MDB_val found[2] = {{.mv_size = end_len, .mv_data = end}, {0}};
    int result = MDB_NOTFOUND;
    if (end_len > 0) {
        result = mdb_cursor_get(cursor->mdb, &found[0], &found[1], MDB_SET_RANGE);
    }
    MDB_cursor_op op = result == MDB_SUCCESS ? MDB_PREV : MDB_LAST;
    result = mdb_cursor_get(cursor->mdb, &found[0], &found[1], op);
    return row_give(cursor, result, found, ret_key, ret_value);
}
