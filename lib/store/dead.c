/* Dead letters. See dead.h. Row: leaf u64 -> cause u8 | settled u8 | since u64 | settled leaf u64 |
 * detail. */
#include "store/dead.h"

#include <assert.h>
#include <string.h>

#include "store/store_private.h"

#define KEY_BYTES  8u
#define HEAD_BYTES 18u

enum err dead_put(struct store_txn *txn, const struct dead_row *row)
{
    uint8_t key[KEY_BYTES];
    uint8_t value[HEAD_BYTES + LIMIT_DETAIL_BYTES];
    size_t len = strnlen(row->detail, LIMIT_DETAIL_BYTES - 1);
    assert(row->cause >= DEAD_UNREADABLE && row->cause <= DEAD_HOPS);
    be64_put(key, row->leaf);
    value[0] = (uint8_t)row->cause;
    value[1] = (uint8_t)row->settled;
    be64_put(value + 2, row->since_ms);
    be64_put(value + 10, row->settled_leaf);
    memcpy(value + HEAD_BYTES, row->detail, len);
    return store_put(txn, STORE_DEAD, span_of(key, sizeof(key)), span_of(value, HEAD_BYTES + len));
}

static enum err unpack(struct store_txn *txn, struct span key, struct span value,
                       struct dead_row *ret_row)
{
    if (key.len != KEY_BYTES || value.len < HEAD_BYTES ||
        value.len >= HEAD_BYTES + LIMIT_DETAIL_BYTES || value.data[0] < DEAD_UNREADABLE ||
        value.data[0] > DEAD_HOPS || value.data[1] > DEAD_DROPPED) {
        return store_corrupt(txn, STORE_DEAD, key);
    }
    memset(ret_row, 0, sizeof(*ret_row));
    ret_row->leaf = be64_get(key.data);
    ret_row->cause = (enum dead_cause)value.data[0];
    ret_row->settled = (enum dead_settled)value.data[1];
    ret_row->since_ms = be64_get(value.data + 2);
    ret_row->settled_leaf = be64_get(value.data + 10);
    memcpy(ret_row->detail, value.data + HEAD_BYTES, value.len - HEAD_BYTES);
    return OK;
}

enum err dead_get(struct store_txn *txn, uint64_t leaf, struct dead_row *ret_row)
{
    uint8_t bytes[KEY_BYTES];
    be64_put(bytes, leaf);
    struct span key = span_of(bytes, sizeof(bytes));
    struct span value;
    enum err error = store_get(txn, STORE_DEAD, key, &value);
    return error != OK ? error : unpack(txn, key, value, ret_row);
}

enum err dead_next(struct store_txn *txn, uint64_t leaf, struct dead_row *ret_row)
{
    uint8_t from[KEY_BYTES];
    struct store_cursor *cursor = NULL;
    be64_put(from, leaf);
    enum err error = store_cursor_open(txn, STORE_DEAD, span_of(NULL, 0), &cursor);
    if (error != OK) {
        return error;
    }
    struct span key;
    struct span value;
    error = store_cursor_seek(cursor, span_of(from, sizeof(from)), &key, &value);
    if (error == OK) {
        error = unpack(txn, key, value, ret_row); /* a broker's values lie in the map */
    }
    store_cursor_close(cursor);
    return error;
}
