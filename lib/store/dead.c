/* Dead letters. See dead.h. Open and settled ones lie apart, so that what is looked at often does
 * not grow with what was.
 *
 * Row: 'o' or 's' | leaf u64 -> cause u8 | settled u8 | since u64 | settled leaf u64 | detail. */
#include "store/dead.h"

#include <assert.h>
#include <string.h>

#include "store/store_private.h"

#define KEY_BYTES  9u
#define HEAD_BYTES 18u

static struct span key_pack(bool open, uint64_t leaf, uint8_t out[KEY_BYTES])
{
    out[0] = open ? 'o' : 's';
    be64_put(out + 1, leaf);
    return span_of(out, KEY_BYTES);
}

enum err dead_put(struct store_txn *txn, const struct dead_row *row)
{
    bool open = row->settled == DEAD_OPEN;
    uint8_t key[KEY_BYTES];
    uint8_t value[HEAD_BYTES + LIMIT_DETAIL_BYTES];
    size_t len = strnlen(row->detail, LIMIT_DETAIL_BYTES - 1);
    assert(row->cause >= DEAD_UNREADABLE && row->cause <= DEAD_HOPS);
    value[0] = (uint8_t)row->cause;
    value[1] = (uint8_t)row->settled;
    be64_put(value + 2, row->since_ms);
    be64_put(value + 10, row->settled_leaf);
    memcpy(value + HEAD_BYTES, row->detail, len);
    if (!open) {
        enum err error = store_remove(txn, STORE_DEAD, key_pack(true, row->leaf, key));
        if (error != OK && error != ERR_NOT_FOUND) {
            return error;
        }
    }
    return store_put(txn, STORE_DEAD, key_pack(open, row->leaf, key),
                     span_of(value, HEAD_BYTES + len));
}

static enum err unpack(struct store_txn *txn, struct span key, struct span value,
                       struct dead_row *ret_row)
{
    if (key.len != KEY_BYTES || value.len < HEAD_BYTES ||
        value.len >= HEAD_BYTES + LIMIT_DETAIL_BYTES || value.data[0] < DEAD_UNREADABLE ||
        value.data[0] > DEAD_HOPS || value.data[1] > DEAD_DROPPED ||
        (key.data[0] == 'o') != (value.data[1] == DEAD_OPEN)) {
        return store_corrupt(txn, STORE_DEAD, key);
    }
    memset(ret_row, 0, sizeof(*ret_row));
    ret_row->leaf = be64_get(key.data + 1);
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
    struct span value;
    struct span key = key_pack(true, leaf, bytes);
    enum err error = store_get(txn, STORE_DEAD, key, &value);
    if (error == ERR_NOT_FOUND) {
        key = key_pack(false, leaf, bytes);
        error = store_get(txn, STORE_DEAD, key, &value);
    }
    return error != OK ? error : unpack(txn, key, value, ret_row);
}

/* The row at or after the leaf, or the last before it, of the open or the settled. */
static enum err find(struct store_txn *txn, bool open, uint64_t leaf, struct dead_row *ret_row)
{
    uint8_t from[KEY_BYTES];
    struct store_cursor *cursor = NULL;
    struct span key = key_pack(open, leaf, from);
    struct span value;
    enum err error = store_cursor_open(txn, STORE_DEAD, span_of(from, 1), &cursor);
    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, key, &key, &value);
    if (!open) {
        error = error == OK              ? store_cursor_previous(cursor, &key, &value)
                : error == ERR_NOT_FOUND ? store_cursor_last(cursor, &key, &value)
                                         : error;
    }
    if (error == OK) {
        error = unpack(txn, key, value, ret_row); /* a broker's values lie in the map */
    }
    store_cursor_close(cursor);
    return error;
}

enum err dead_open_next(struct store_txn *txn, uint64_t leaf, struct dead_row *ret_row)
{
    return find(txn, true, leaf, ret_row);
}

enum err dead_settled_before(struct store_txn *txn, uint64_t leaf, struct dead_row *ret_row)
{
    return find(txn, false, leaf, ret_row);
}
