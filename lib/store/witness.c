/* Witnessed checkpoints. See witness.h. Row: agency u16 -> size u64 | note. */
#include "store/witness.h"

#include <assert.h>
#include <string.h>

#include "store/store_private.h"

#define WITNESS_KEY_BYTES 2u

enum err witness_put(struct store_txn *txn, const struct witness_row *row)
{
    assert(txn != NULL && row != NULL);
    if (row->note.len == 0 || row->note.len > WITNESS_NOTE_BYTES) {
        return ERR_TOO_LARGE;
    }
    uint8_t key[WITNESS_KEY_BYTES];
    uint8_t value[8 + WITNESS_NOTE_BYTES];
    be16_put(key, row->agency);
    be64_put(value, row->size);
    memcpy(value + 8, row->note.data, row->note.len);
    return store_put(txn, STORE_WITNESS, span_of(key, sizeof(key)),
                     span_of(value, 8 + row->note.len));
}

static enum err unpack(struct store_txn *txn, struct span key, struct span value,
                       struct witness_row *ret_row)
{
    if (key.len != WITNESS_KEY_BYTES || value.len <= 8 || value.len > 8 + WITNESS_NOTE_BYTES) {
        return store_corrupt(txn, STORE_WITNESS, key);
    }
    *ret_row = (struct witness_row){
        .agency = be16_get(key.data),
        .size = be64_get(value.data),
        .note = span_of(value.data + 8, value.len - 8),
    };
    return OK;
}

enum err witness_get(struct store_txn *txn, uint16_t agency, struct witness_row *ret_row)
{
    assert(txn != NULL && ret_row != NULL);
    uint8_t bytes[WITNESS_KEY_BYTES];
    be16_put(bytes, agency);
    struct span key = span_of(bytes, sizeof(bytes));
    struct span value;
    enum err error = store_get(txn, STORE_WITNESS, key, &value);
    return error != OK ? error : unpack(txn, key, value, ret_row);
}

enum err witness_next(struct store_txn *txn, uint32_t agency, struct witness_row *ret_row)
{
    assert(txn != NULL && ret_row != NULL);
    if (agency > UINT16_MAX) {
        return ERR_NOT_FOUND;
    }
    uint8_t from[WITNESS_KEY_BYTES];
    be16_put(from, (uint16_t)agency);
    struct store_cursor *cursor = NULL;
    enum err error = store_cursor_open(txn, STORE_WITNESS, span_of(NULL, 0), &cursor);
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
