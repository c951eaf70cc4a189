/* The walk over all records of a store, for backups and for the check after a restore. See
 * backup_private.h.
 *
 * A leaf is written once and never changed, so the log needs no single snapshot: it is read in
 * steps, each with its own, until its end is near; the snapshot of the last step is the one that
 * the tables are read in. So pages that commits free meanwhile can be used again. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "store/backup_private.h"

#define LOG_STEP    2048u /* leaves of one snapshot */
#define ROUNDS_MORE 64u   /* than the log had steps when it began: a writer that outruns the walk */

bool backup_cancelled(const struct backup_progress *progress)
{
    return progress != NULL && atomic_load(&progress->cancel);
}

static enum err damaged(struct store_walk *walk, const struct store_txn *txn, enum err error)
{
    if (error == ERR_CORRUPT) {
        memcpy(walk->damage, txn->damage, sizeof(walk->damage));
    }
    return error;
}

static enum err give(struct store_walk *walk, struct record_at place, struct span raw)
{
    walk->rows++;
    if (walk->progress != NULL) {
        atomic_store(&walk->progress->rows, walk->rows);
    }
    if (backup_cancelled(walk->progress)) {
        return ERR_CLOSED;
    }
    return walk->row != NULL ? walk->row(walk->owner, place, raw) : OK;
}

static enum err leaf_take(struct store_walk *walk, struct store_txn *txn, struct span key,
                          struct span raw)
{
    struct audit_entry entry = {.index = 0};
    struct digest completed[MERKLE_LEVELS];
    if (key.len != 8 || be64_get(key.data) != walk->log_size) {
        return store_corrupt(txn, STORE_LOG, key);
    }
    enum err error = audit_entry_check(txn, walk->log_size, raw, &entry);
    if (error != OK) {
        return error;
    }
    (void)merkle_append(&walk->tree, &entry.hash, completed);
    walk->log_size++;
    memcpy(walk->note, entry.note.data != NULL ? (const char *)entry.note.data : "",
           entry.note.len);
    walk->note[entry.note.len] = '\0';
    return give(walk, (struct record_at){STORE_LOG, key}, raw);
}

/* Leaves from where the walk stands up to `end`. */
static enum err log_step(struct store_walk *walk, struct store_txn *txn, uint64_t end)
{
    uint8_t from[8];
    MDB_cursor *cursor = NULL;
    if (walk->log_size >= end) {
        return OK;
    }
    be64_put(from, walk->log_size);
    MDB_val key = {.mv_size = sizeof(from), .mv_data = from};
    MDB_val raw = {0};
    int result = mdb_cursor_open(txn->mdb, walk->store->tables[STORE_LOG], &cursor);
    if (result != MDB_SUCCESS) {
        return store_result(result);
    }
    result = mdb_cursor_get(cursor, &key, &raw, MDB_SET_RANGE);
    enum err error = OK;
    while (error == OK && walk->log_size < end) {
        if (result != MDB_SUCCESS) { /* the size said that there are more */
            error = store_corrupt(txn, STORE_LOG, span_of(from, sizeof(from)));
            break;
        }
        error = leaf_take(walk, txn, span_of(key.mv_data, key.mv_size),
                          span_of(raw.mv_data, raw.mv_size));
        result = mdb_cursor_get(cursor, &key, &raw, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return error;
}

/* Rows that the format makes anew have other names than those of store_meta_put. */
static bool row_is_kept(enum store_table table, struct span key)
{
    return table != STORE_META || (key.len > 0 && key.data[0] == '=');
}

static enum err row_take(struct store_walk *walk, struct store_txn *txn, struct record_at place,
                         struct span raw)
{
    struct buf plain;
    struct span value;
    if (!row_is_kept(place.table, place.key)) {
        return OK;
    }
    buf_init(&plain, BACKUP_VALUE_BYTES_MAX);
    enum err error = record_open(txn, place, raw, &plain, &value);
    if (plain.data != NULL) {
        crypto_wipe(plain.data, plain.len);
    }
    buf_free(&plain);
    return error == OK ? give(walk, place, raw) : error;
}

static enum err table_walk(struct store_walk *walk, struct store_txn *txn, enum store_table table)
{
    MDB_cursor *cursor = NULL;
    MDB_val key = {0};
    MDB_val raw = {0};
    int result = mdb_cursor_open(txn->mdb, walk->store->tables[table], &cursor);
    if (result != MDB_SUCCESS) {
        return store_result(result);
    }
    enum err error = OK;
    result = mdb_cursor_get(cursor, &key, &raw, MDB_FIRST);
    while (error == OK && result == MDB_SUCCESS) {
        struct span name = span_of(key.mv_data, key.mv_size);
        error =
            row_take(walk, txn, (struct record_at){table, name}, span_of(raw.mv_data, raw.mv_size));
        result = mdb_cursor_get(cursor, &key, &raw, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    if (error == OK && result != MDB_NOTFOUND) {
        error = store_result(result);
        return error == ERR_CORRUPT ? store_corrupt(txn, table, span_of(NULL, 0)) : error;
    }
    return error;
}

static enum err tables_walk(struct store_walk *walk, struct store_txn *txn)
{
    enum err error = OK;
    for (unsigned i = 0; error == OK && i < STORE_TABLE_COUNT; i++) {
        if (i != STORE_LOG && i != STORE_JOURNAL && walk->store->present[i]) {
            error = table_walk(walk, txn, (enum store_table)i);
        }
    }
    return error;
}

/* The root of the leaves seen is the store's own. */
static enum err root_check(struct store_walk *walk, struct store_txn *txn)
{
    struct digest stored;
    walk->log_root = merkle_root(&walk->tree);
    if (walk->store->kind != STORE_BROKER) {
        return OK;
    }
    enum err error = audit_root(txn, &stored);
    if (error == OK && !digest_equal(&stored, &walk->log_root)) {
        error = store_corrupt(txn, STORE_LOG, span_text("root"));
    }
    return error;
}

static enum err log_end(struct store_walk *walk, struct store_txn *txn, uint64_t *ret_size)
{
    *ret_size = 0;
    return walk->store->kind == STORE_BROKER ? audit_size(txn, ret_size) : OK;
}

/* One snapshot; *ret_last tells whether the tables were read in it. */
static enum err walk_round(struct store_walk *walk, bool last, bool *ret_last)
{
    struct store_txn *txn = NULL;
    uint64_t size = 0;
    enum err error = store_read_begin(walk->store, &txn);
    if (error != OK) {
        return error;
    }
    error = log_end(walk, txn, &size);
    last = last || size - walk->log_size <= LOG_STEP;
    if (error == OK) {
        error = log_step(walk, txn, last ? size : walk->log_size + LOG_STEP);
    }
    if (error == OK && last) {
        error = tables_walk(walk, txn);
    }
    if (error == OK && last) {
        error = root_check(walk, txn);
    }
    error = damaged(walk, txn, error);
    store_read_end(txn);
    *ret_last = last;
    return error;
}

enum err store_walk_run(struct store_walk *walk)
{
    assert(walk->store != NULL && !walk->store->reader);
    uint64_t rounds = 0;
    uint64_t rounds_most = ROUNDS_MORE;
    struct store_txn *txn = NULL;
    enum err error = store_read_begin(walk->store, &txn);
    if (error == OK) {
        uint64_t size = 0;
        error = log_end(walk, txn, &size);
        rounds_most += size / LOG_STEP;
        store_read_end(txn);
    }
    for (bool last = false; error == OK && !last; rounds++) {
        error = walk_round(walk, rounds >= rounds_most, &last);
    }
    return error;
}
