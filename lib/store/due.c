/* The due index. See due.h. Row: due ms u64 | case id | referral id -> nothing. */
#include "store/due.h"

#include <assert.h>
#include <string.h>

#include "store/store_private.h"

#define DUE_KEY_BYTES 40u

static struct span key_pack(const struct case_key *key, uint64_t due_ms, uint8_t out[DUE_KEY_BYTES])
{
    be64_put(out, due_ms);
    memcpy(out + 8, key->case_id.bytes, UUID_BYTES);
    memcpy(out + 24, key->referral_id.bytes, UUID_BYTES);
    return span_of(out, DUE_KEY_BYTES);
}

enum err due_move(struct store_txn *txn, const struct case_key *key, uint64_t old_ms,
                  uint64_t new_ms)
{
    assert(txn != NULL && txn->writes && key != NULL);
    uint8_t bytes[DUE_KEY_BYTES];
    if (old_ms == new_ms) {
        return OK;
    }
    if (old_ms != 0) {
        struct span row = key_pack(key, old_ms, bytes);
        enum err error = store_remove(txn, STORE_DUE, row);
        if (error == ERR_NOT_FOUND) {
            return store_failed(txn, store_corrupt(txn, STORE_DUE, row));
        }
        if (error != OK) {
            return error;
        }
    }
    if (new_ms == 0) {
        return OK;
    }
    return store_put(txn, STORE_DUE, key_pack(key, new_ms, bytes), span_of(NULL, 0));
}

/* The first row at or behind a key. */
static enum err seek(struct store_txn *txn, struct span from, struct due_row *ret_row)
{
    struct store_cursor *cursor = NULL;
    enum err error = store_cursor_open(txn, STORE_DUE, span_of(NULL, 0), &cursor);
    if (error != OK) {
        return error;
    }
    struct span key;
    struct span value;
    error = store_cursor_seek(cursor, from, &key, &value);
    if (error == OK && key.len != DUE_KEY_BYTES) {
        error = store_corrupt(txn, STORE_DUE, key);
    }
    if (error == OK) {
        ret_row->due_ms = be64_get(key.data);
        memcpy(ret_row->key.case_id.bytes, key.data + 8, UUID_BYTES);
        memcpy(ret_row->key.referral_id.bytes, key.data + 24, UUID_BYTES);
    }
    store_cursor_close(cursor);
    return error;
}

enum err due_first(struct store_txn *txn, struct due_row *ret_row)
{
    assert(txn != NULL && ret_row != NULL);
    return seek(txn, span_of(NULL, 0), ret_row);
}

enum err due_after(struct store_txn *txn, const struct due_row *row, struct due_row *ret_row)
{
    assert(txn != NULL && row != NULL && ret_row != NULL);
    uint8_t from[DUE_KEY_BYTES + 1]; /* with a zero byte: the first key behind it */
    (void)key_pack(&row->key, row->due_ms, from);
    from[DUE_KEY_BYTES] = 0;
    return seek(txn, span_of(from, sizeof(from)), ret_row);
}
