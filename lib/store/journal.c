/* The journal's rows. See journal.h. STORE_JOURNAL:
 *
 *   transaction u64 | part u16 -> parts u16 | bytes                 (with a MAC)
 *   0xFF "epoch"               -> 8 random bytes                    (with a MAC)
 *   0xFF "standby"             -> replica.c's
 *
 * The bytes of all parts together: version u8 | log size u64 | changes. A change: table u8 | key
 * bytes u16 | value bytes u32, all ones for a removed row | key | value. Which rows a transaction
 * touches is noted as it goes; what they hold is read at its end, when it is final. */
#include "store/journal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/journal_private.h"
#include "store/replica.h"

#define ROW_KEY_BYTES 10u
#define HEAD_BYTES    9u
#define PART_HEAD     2u
#define TRIM_ROWS     256u /* removed within one commit: more than one writes, mostly */

static const uint8_t epoch_key[] = {0xFF, 'e', 'p', 'o', 'c', 'h'};

static struct span epoch_span(void)
{
    return span_of(epoch_key, sizeof(epoch_key));
}

static void row_key(uint64_t transaction, uint16_t part, uint8_t out[ROW_KEY_BYTES])
{
    be64_put(out, transaction);
    be16_put(out + 8, part);
}

/* --- within a transaction --- */

enum err store_journal_touch(struct store *store, enum store_table table, struct span key)
{
    struct journal *journal = &store->journal;
    uint8_t head[3] = {(uint8_t)table};
    if (journal->keep_bytes == 0 || table == STORE_JOURNAL) {
        return OK;
    }
    be16_put(head + 1, (uint16_t)key.len);
    enum err error = buf_append(&journal->touched, head, sizeof(head));
    if (error == OK) {
        error = buf_append(&journal->touched, key.data, key.len);
    }
    return error == ERR_TOO_LARGE ? ERR_FULL : error;
}

static enum err change_pack(struct store_txn *txn, struct record_at place, struct buf *out)
{
    uint8_t head[JOURNAL_CHANGE_BYTES] = {(uint8_t)place.table};
    struct span raw = span_of(NULL, 0);
    enum err error = store_raw_get(txn, place.table, place.key, &raw);
    bool removed = error == ERR_NOT_FOUND;
    if (error != OK && !removed) {
        return error;
    }
    be16_put(head + 1, (uint16_t)place.key.len);
    be32_put(head + 3, removed ? JOURNAL_REMOVED : (uint32_t)raw.len);
    error = buf_append(out, head, sizeof(head));
    if (error == OK) {
        error = buf_append(out, place.key.data, place.key.len);
    }
    return error == OK ? buf_append(out, raw.data, raw.len) : error;
}

static enum err changes_pack(struct store_txn *txn, struct buf *out)
{
    struct store *store = txn->store;
    struct span touched = span_buf(&store->journal.touched);
    uint8_t head[HEAD_BYTES] = {JOURNAL_VERSION};
    be64_put(head + 1, store->pending.begun ? store->pending.tree.size : store->tree.size);
    enum err error = buf_append(out, head, sizeof(head));
    for (size_t at = 0; error == OK && at < touched.len;) {
        size_t key_bytes = be16_get(touched.data + at + 1);
        struct record_at place = {(enum store_table)touched.data[at],
                                  span_of(touched.data + at + 3, key_bytes)};
        at += 3 + key_bytes;
        error = change_pack(txn, place, out);
    }
    return error == ERR_TOO_LARGE ? ERR_FULL : error;
}

static enum err part_put(struct store_txn *txn, struct journal_place place, uint16_t parts,
                         struct span bytes)
{
    uint8_t key_bytes[ROW_KEY_BYTES];
    uint8_t *room = NULL;
    size_t len = PART_HEAD + bytes.len;
    row_key(place.transaction, place.part, key_bytes);
    struct span key = span_of(key_bytes, sizeof(key_bytes));
    /* Not MDB_APPEND: the two rows behind them are larger. */
    enum err error =
        store_raw_reserve(txn, (struct record_at){STORE_JOURNAL, key}, len + MAC_BYTES, 0, &room);
    if (error != OK) {
        return error;
    }
    be16_put(room, parts);
    memcpy(room + PART_HEAD, bytes.data, bytes.len);
    struct mac mac = record_mac(txn->store, STORE_JOURNAL, key, span_of(room, len));
    memcpy(room + len, mac.bytes, MAC_BYTES);
    txn->store->journal.next_bytes += sizeof(key_bytes) + len + MAC_BYTES;
    return OK;
}

/* Removes the oldest row; *ret_none when no transaction is left. */
static enum err trim_one(struct store_txn *txn, MDB_cursor *cursor, bool *ret_none)
{
    struct journal *journal = &txn->store->journal;
    MDB_val key = {0};
    MDB_val raw = {0};
    int result = mdb_cursor_get(cursor, &key, &raw, MDB_FIRST);
    *ret_none = result == MDB_NOTFOUND || (result == MDB_SUCCESS && key.mv_size != ROW_KEY_BYTES);
    if (*ret_none || result != MDB_SUCCESS) {
        return *ret_none ? OK : store_failed(txn, store_result(result));
    }
    uint64_t transaction = be64_get(key.mv_data);
    if (transaction == journal->next_last) {
        *ret_none = true; /* the newest stays, however large */
        return OK;
    }
    journal->next_bytes -= key.mv_size + raw.mv_size;
    journal->next_oldest = transaction + 1; /* it is not whole any more */
    return store_failed(txn, store_result(mdb_cursor_del(cursor, 0)));
}

static enum err trim(struct store_txn *txn)
{
    const struct journal *journal = &txn->store->journal;
    MDB_cursor *cursor = NULL;
    bool none = false;
    if (journal->next_bytes <= journal->keep_bytes) {
        return OK;
    }
    int result = mdb_cursor_open(txn->mdb, txn->store->tables[STORE_JOURNAL], &cursor);
    enum err error = store_failed(txn, store_result(result));
    for (unsigned i = 0;
         error == OK && !none && i < TRIM_ROWS && journal->next_bytes > journal->keep_bytes; i++) {
        error = trim_one(txn, cursor, &none);
    }
    if (cursor != NULL) {
        mdb_cursor_close(cursor);
    }
    return error;
}

enum err store_journal_flush(struct store_txn *txn)
{
    struct journal *journal = &txn->store->journal;
    struct buf bytes;
    journal->next_bytes = journal->bytes;
    journal->next_oldest = journal->oldest;
    journal->next_last = journal->last;
    if (journal->keep_bytes == 0 || journal->touched.len == 0) {
        return OK;
    }
    journal->next_last++;
    buf_init(&bytes, JOURNAL_BYTES_MAX);
    enum err error = changes_pack(txn, &bytes);
    size_t parts = (bytes.len + JOURNAL_PART_BYTES - 1) / JOURNAL_PART_BYTES;
    assert(error != OK || (parts > 0 && parts <= UINT16_MAX));
    for (size_t i = 0; error == OK && i < parts; i++) {
        size_t at = i * JOURNAL_PART_BYTES;
        size_t len = bytes.len - at < JOURNAL_PART_BYTES ? bytes.len - at : JOURNAL_PART_BYTES;
        struct journal_place place = {journal->next_last, (uint16_t)i};
        error = part_put(txn, place, (uint16_t)parts, span_of(bytes.data + at, len));
    }
    buf_free(&bytes);
    return error == OK ? trim(txn) : error;
}

void store_journal_publish(struct store *store)
{
    struct journal *journal = &store->journal;
    journal->bytes = journal->next_bytes;
    journal->oldest = journal->next_oldest;
    journal->last = journal->next_last;
}

/* --- opening --- */

/* What is there of an earlier run. */
static enum err measure(struct store *store, struct store_txn *txn)
{
    struct journal *journal = &store->journal;
    MDB_cursor *cursor = NULL;
    MDB_val key = {0};
    MDB_val raw = {0};
    int result = mdb_cursor_open(txn->mdb, store->tables[STORE_JOURNAL], &cursor);
    if (result != MDB_SUCCESS) {
        return store_result(result);
    }
    result = mdb_cursor_get(cursor, &key, &raw, MDB_FIRST);
    while (result == MDB_SUCCESS && key.mv_size == ROW_KEY_BYTES) {
        uint64_t transaction = be64_get(key.mv_data);
        bool begins = be16_get((const uint8_t *)key.mv_data + 8) == 0;
        if (journal->bytes == 0) {
            journal->oldest = begins ? transaction : transaction + 1;
        }
        journal->last = transaction;
        journal->bytes += key.mv_size + raw.mv_size;
        result = mdb_cursor_get(cursor, &key, &raw, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return result == MDB_SUCCESS || result == MDB_NOTFOUND ? OK : store_result(result);
}

static enum err begin_epoch(struct store_txn *txn)
{
    struct journal *journal = &txn->store->journal;
    int result = mdb_drop(txn->mdb, txn->store->tables[STORE_JOURNAL], 0);
    if (result != MDB_SUCCESS) {
        return store_failed(txn, store_result(result));
    }
    crypto_random(journal->epoch, sizeof(journal->epoch));
    return record_put(txn, STORE_JOURNAL, epoch_span(),
                      span_of(journal->epoch, sizeof(journal->epoch)), 0);
}

/* Without a journal the next commit is in none: whoever follows it must see another epoch. */
static enum err end_epoch(struct store_txn *txn)
{
    int result = mdb_drop(txn->mdb, txn->store->tables[STORE_JOURNAL], 0);
    return store_failed(txn, store_result(result));
}

static enum err open_in(struct store *store, struct store_txn *txn, bool there)
{
    struct span epoch;
    store->journal.oldest = 1;
    if (!there) {
        return begin_epoch(txn);
    }
    enum err error = store_get(txn, STORE_JOURNAL, epoch_span(), &epoch);
    if (error != OK) {
        return error;
    }
    memcpy(store->journal.epoch, epoch.data, JOURNAL_EPOCH_BYTES);
    error = measure(store, txn);
    /* Of an empty one the numbers would begin anew. */
    return error == OK && store->journal.bytes == 0 ? begin_epoch(txn) : error;
}

/* Is there an epoch, and does the store follow another one? */
static enum err look(struct store *store, bool *ret_there, bool *ret_follows)
{
    struct store_txn *txn = NULL;
    struct replica_state state = {.applied = 0};
    struct span epoch;
    enum err error = store_read_begin(store, &txn);
    if (error != OK) {
        return error;
    }
    error = store_get(txn, STORE_JOURNAL, epoch_span(), &epoch);
    *ret_there = error == OK && epoch.len == JOURNAL_EPOCH_BYTES;
    error = error == OK || error == ERR_NOT_FOUND ? replica_state_get(txn, &state) : error;
    *ret_follows = error == OK;
    store_read_end(txn);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err store_journal_open(struct store *store, uint64_t keep_bytes)
{
    struct store_txn *txn = NULL;
    bool there = false;
    bool follows = false;
    buf_init(&store->journal.touched, JOURNAL_BYTES_MAX);
    enum err error = look(store, &there, &follows);
    if (error != OK || follows || (keep_bytes == 0 && !there)) {
        return error; /* a standby's writes are another's: they are in no journal here */
    }
    error = store_begin(store, &txn);
    if (error != OK) {
        return error;
    }
    error = keep_bytes == 0 ? end_epoch(txn) : open_in(store, txn, there);
    if (error != OK) {
        store_abort(txn);
        return error;
    }
    error = store_commit(txn);
    store->journal.keep_bytes = keep_bytes;
    return error;
}

enum err store_journal_start(struct store *store, uint64_t bytes)
{
    assert(store->journal.keep_bytes == 0);
    return store_journal_open(store, bytes);
}

/* --- reading --- */

enum err store_journal_state(const struct store *store, struct journal_state *ret)
{
    const struct journal *journal = &store->journal;
    if (journal->keep_bytes == 0) {
        return ERR_NOT_FOUND;
    }
    *ret = (struct journal_state){.oldest = journal->oldest, .last = journal->last};
    memcpy(ret->epoch, journal->epoch, sizeof(ret->epoch));
    return OK;
}

enum err store_journal_part_open(struct store_txn *txn, struct journal_place place, struct span raw,
                                 struct span *ret_bytes, uint16_t *ret_parts)
{
    uint8_t key_bytes[ROW_KEY_BYTES];
    struct span value;
    row_key(place.transaction, place.part, key_bytes);
    struct span key = span_of(key_bytes, sizeof(key_bytes));
    enum err error = record_open(txn, (struct record_at){STORE_JOURNAL, key}, raw, NULL, &value);
    if (error != OK || value.len <= PART_HEAD) {
        return error != OK ? error : store_corrupt(txn, STORE_JOURNAL, key);
    }
    *ret_parts = be16_get(value.data);
    *ret_bytes = span_of(value.data + PART_HEAD, value.len - PART_HEAD);
    return OK;
}

enum err store_journal_part(struct store_txn *txn, struct journal_place place, struct buf *out,
                            uint16_t *ret_parts)
{
    uint8_t key[ROW_KEY_BYTES];
    struct span raw;
    struct span bytes;
    row_key(place.transaction, place.part, key);
    enum err error = store_raw_get(txn, STORE_JOURNAL, span_of(key, sizeof(key)), &raw);
    if (error == OK) {
        error = store_journal_part_open(txn, place, raw, &bytes, ret_parts);
    }
    return error == OK ? buf_append(out, raw.data, raw.len) : error;
}

static enum err row_pack(const MDB_val found[2], struct buf *out)
{
    uint8_t head[JOURNAL_ROW_BYTES];
    be16_put(head, (uint16_t)found[0].mv_size);
    be32_put(head + 2, (uint32_t)found[1].mv_size);
    enum err error = buf_append(out, head, sizeof(head));
    if (error == OK) {
        error = buf_append(out, found[0].mv_data, found[0].mv_size);
    }
    return error == OK ? buf_append(out, found[1].mv_data, found[1].mv_size) : error;
}

static bool row_goes(enum store_table table, const MDB_val *key)
{
    return table != STORE_META || *(const uint8_t *)key->mv_data == '=';
}

/* The first row behind the key. */
static int row_after(MDB_cursor *cursor, struct span after, MDB_val found[2])
{
    uint8_t bytes[STORE_KEY_BYTES_MAX];
    if (after.len == 0) {
        return mdb_cursor_get(cursor, &found[0], &found[1], MDB_FIRST);
    }
    memcpy(bytes, after.data, after.len);
    found[0] = (MDB_val){.mv_size = after.len, .mv_data = bytes};
    int result = mdb_cursor_get(cursor, &found[0], &found[1], MDB_SET_RANGE);
    if (result == MDB_SUCCESS && found[0].mv_size == after.len &&
        memcmp(found[0].mv_data, after.data, after.len) == 0) {
        result = mdb_cursor_get(cursor, &found[0], &found[1], MDB_NEXT);
    }
    return result;
}

enum err store_rows_pack(struct store_txn *txn, struct journal_from from, size_t max,
                         struct buf *out, struct buf *next)
{
    MDB_cursor *cursor = NULL;
    MDB_val found[2] = {{0}, {0}};
    size_t start = out->len;
    assert(from.table != STORE_JOURNAL && from.after.len <= STORE_KEY_BYTES_MAX);
    if (!txn->store->present[from.table]) {
        return ERR_NOT_FOUND;
    }
    int result = mdb_cursor_open(txn->mdb, txn->store->tables[from.table], &cursor);
    if (result != MDB_SUCCESS) {
        return store_result(result);
    }
    enum err error = OK;
    result = row_after(cursor, from.after, found);
    while (error == OK && result == MDB_SUCCESS &&
           (out->len == start || out->len - start + found[0].mv_size + found[1].mv_size <= max)) {
        if (row_goes(from.table, &found[0])) {
            error = row_pack(found, out);
        }
        buf_clear(next);
        error = error == OK ? buf_append(next, found[0].mv_data, found[0].mv_size) : error;
        result = mdb_cursor_get(cursor, &found[0], &found[1], MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    if (error == OK && result != MDB_SUCCESS && result != MDB_NOTFOUND) {
        error = store_result(result);
    }
    return error == OK && next->len == 0 ? ERR_NOT_FOUND : error;
}
