/* Writing what another store's journal says. See replica.h. The state is the row 0xFF "standby" of
 * STORE_JOURNAL: version u8 | epoch 8 | applied u64 | copied u8 | target u64 | whole u8. */
#include "store/replica.h"

#include <assert.h>
#include <string.h>

#include "store/journal_private.h"

#define STATE_VERSION 1u
#define STATE_BYTES   27u

static const uint8_t state_key[] = {0xFF, 's', 't', 'a', 'n', 'd', 'b', 'y'};

static struct span state_span(void)
{
    return span_of(state_key, sizeof(state_key));
}

/* --- the state --- */

enum err replica_state_get(struct store_txn *txn, struct replica_state *ret_state)
{
    struct span value;
    enum err error = store_get(txn, STORE_JOURNAL, state_span(), &value);
    if (error != OK) {
        return error;
    }
    if (value.len != STATE_BYTES || value.data[0] != STATE_VERSION) {
        return store_corrupt(txn, STORE_JOURNAL, state_span());
    }
    memcpy(ret_state->epoch, value.data + 1, JOURNAL_EPOCH_BYTES);
    ret_state->applied = be64_get(value.data + 9);
    ret_state->copied = value.data[17] != 0;
    ret_state->target = be64_get(value.data + 18);
    ret_state->whole = value.data[26] != 0;
    return OK;
}

static enum err state_put(struct store_txn *txn, struct replica_state *state)
{
    uint8_t value[STATE_BYTES] = {STATE_VERSION};
    state->whole = state->whole || (state->copied && state->applied >= state->target);
    memcpy(value + 1, state->epoch, JOURNAL_EPOCH_BYTES);
    be64_put(value + 9, state->applied);
    value[17] = state->copied ? 1 : 0;
    be64_put(value + 18, state->target);
    value[26] = state->whole ? 1 : 0;
    return store_put(txn, STORE_JOURNAL, state_span(), span_of(value, sizeof(value)));
}

static enum err finish(struct store_txn *txn, enum err error)
{
    if (error != OK) {
        store_abort(txn);
        return error;
    }
    return store_commit(txn);
}

/* --- rows --- */

/* In a table of such a store, and under its key. */
static enum err row_check(struct store_txn *txn, struct record_at place, struct span raw)
{
    if ((unsigned)place.table >= STORE_TABLE_COUNT || place.table == STORE_JOURNAL ||
        !store_table_is_of(place.table, txn->store->kind) || place.key.len == 0 ||
        place.key.len > STORE_KEY_BYTES_MAX ||
        (place.table == STORE_META && place.key.data[0] != '=')) {
        return ERR_CORRUPT;
    }
    if (raw.data == NULL) {
        return place.table == STORE_LOG ? ERR_CORRUPT : OK; /* no leaf is ever removed */
    }
    if (place.table == STORE_LOG) {
        struct audit_entry entry = {.index = 0};
        return place.key.len == 8 ? audit_entry_check(txn, be64_get(place.key.data), raw, &entry)
                                  : ERR_CORRUPT;
    }
    struct span value;
    return record_open(txn, place, raw, NULL, &value);
}

static enum err row_write(struct store_txn *txn, struct record_at place, struct span raw)
{
    uint8_t *room = NULL;
    enum err error = row_check(txn, place, raw);
    if (error != OK) {
        return error;
    }
    if (raw.data == NULL) {
        error = store_remove(txn, place.table, place.key);
        return error == ERR_NOT_FOUND ? OK : error;
    }
    error = store_raw_reserve(txn, place, raw.len, 0, &room);
    if (error == OK) {
        memcpy(room, raw.data, raw.len);
    }
    return error;
}

static enum err rows_write(struct store_txn *txn, enum store_table table, struct span rows)
{
    enum err error = OK;
    for (size_t at = 0; error == OK && at < rows.len;) {
        if (rows.len - at < JOURNAL_ROW_BYTES) {
            return ERR_CORRUPT;
        }
        size_t key_bytes = be16_get(rows.data + at);
        size_t value_bytes = be32_get(rows.data + at + 2);
        at += JOURNAL_ROW_BYTES;
        if (key_bytes > rows.len - at || value_bytes > rows.len - at - key_bytes) {
            return ERR_CORRUPT;
        }
        struct record_at place = {table, span_of(rows.data + at, key_bytes)};
        error = row_write(txn, place, span_of(rows.data + at + key_bytes, value_bytes));
        at += key_bytes + value_bytes;
    }
    return error;
}

enum err replica_rows(struct store *store, enum store_table table, struct span rows)
{
    struct store_txn *txn = NULL;
    enum err error = store_begin(store, &txn);
    return error != OK ? error : finish(txn, rows_write(txn, table, rows));
}

static enum err empty(struct store_txn *txn)
{
    const struct store *store = txn->store;
    enum err error = OK;
    for (unsigned i = 0; error == OK && i < STORE_TABLE_COUNT; i++) {
        if (i != STORE_META && store->present[i]) {
            error = store_failed(txn, store_result(mdb_drop(txn->mdb, store->tables[i], 0)));
        }
    }
    /* The schema's two rows stay: they say how to read the rest. */
    struct store_cursor *cursor = NULL;
    struct span key;
    struct span value;
    error = error == OK ? store_cursor_open(txn, STORE_META, span_text("="), &cursor) : error;
    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, span_of(NULL, 0), &key, &value);
    while (error == OK) {
        error = store_remove(txn, STORE_META, key);
        error = error == OK ? store_cursor_next(cursor, &key, &value) : error;
    }
    store_cursor_close(cursor);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err replica_begin(struct store *store, const uint8_t epoch[JOURNAL_EPOCH_BYTES],
                       uint64_t transaction)
{
    struct replica_state state = {.applied = transaction};
    struct store_txn *txn = NULL;
    memcpy(state.epoch, epoch, sizeof(state.epoch));
    enum err error = store_begin(store, &txn);
    if (error != OK) {
        return error;
    }
    error = empty(txn);
    return finish(txn, error == OK ? state_put(txn, &state) : error);
}

enum err replica_copied(struct store *store, uint64_t target)
{
    struct replica_state state = {.applied = 0};
    struct store_txn *txn = NULL;
    enum err error = store_begin(store, &txn);
    if (error != OK) {
        return error;
    }
    error = replica_state_get(txn, &state);
    if (error == OK) {
        state.copied = true;
        state.target = target;
        error = state_put(txn, &state);
    }
    return finish(txn, error);
}

/* --- transactions --- */

static enum err change_read(struct span bytes, size_t *at, struct record_at *place,
                            struct span *ret_raw)
{
    if (bytes.len - *at < JOURNAL_CHANGE_BYTES) {
        return ERR_CORRUPT;
    }
    const uint8_t *head = bytes.data + *at;
    size_t key_bytes = be16_get(head + 1);
    uint32_t value_word = be32_get(head + 3);
    size_t value_bytes = value_word == JOURNAL_REMOVED ? 0 : value_word;
    *at += JOURNAL_CHANGE_BYTES;
    if (key_bytes > bytes.len - *at || value_bytes > bytes.len - *at - key_bytes) {
        return ERR_CORRUPT;
    }
    *place = (struct record_at){(enum store_table)head[0], span_of(bytes.data + *at, key_bytes)};
    *ret_raw = value_word == JOURNAL_REMOVED ? span_of(NULL, 0)
                                             : span_of(bytes.data + *at + key_bytes, value_bytes);
    *at += key_bytes + value_bytes;
    return OK;
}

enum err replica_part(struct store *store, struct journal_place place, struct span raw,
                      struct buf *out, uint16_t *ret_parts)
{
    struct store_txn txn = {.store = store}; /* no snapshot: only the key is asked for */
    struct span bytes;
    enum err error = store_journal_part_open(&txn, place, raw, &bytes, ret_parts);
    return error == OK ? buf_append(out, bytes.data, bytes.len) : error;
}

static enum err apply_one(struct store_txn *txn, struct span bytes)
{
    const size_t head_bytes = 9;
    enum err error = OK;
    if (bytes.len < head_bytes || bytes.data[0] != JOURNAL_VERSION) {
        return ERR_CORRUPT;
    }
    for (size_t at = head_bytes; error == OK && at < bytes.len;) {
        struct record_at place;
        struct span raw;
        error = change_read(bytes, &at, &place, &raw);
        if (error == OK) {
            error = row_write(txn, place, raw);
        }
    }
    return error;
}

enum err replica_apply(struct store *store, const struct replica_transaction *transactions,
                       size_t count)
{
    struct replica_state state = {.applied = 0};
    struct store_txn *txn = NULL;
    enum err error = store_begin(store, &txn);
    if (error != OK) {
        return error;
    }
    error = replica_state_get(txn, &state);
    for (size_t i = 0; error == OK && i < count; i++) {
        error = transactions[i].number == state.applied + 1 ? OK : ERR_INVALID;
        if (error == OK) {
            error = apply_one(txn, transactions[i].bytes);
        }
        state.applied = transactions[i].number;
    }
    if (error == OK) {
        error = state_put(txn, &state);
    }
    return finish(txn, error);
}

enum err replica_end(struct store_txn *txn)
{
    return store_remove(txn, STORE_JOURNAL, state_span());
}
