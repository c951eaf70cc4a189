/* Protected records and raw access: each value is bound to its table and its key, so that a record
 * that was changed, or moved to another place, does not verify. See store.h.
 *
 * Broker: value || MAC over (table, key length, key, value). Agent: nonce || sealed value, with
 * (table, key) as associated data. MACs are made inside the page that LMDB reserves: no copy more
 * than the one that is needed. */
#include "store/store_private.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEALED_OVERHEAD (AEAD_NONCE_BYTES + AEAD_TAG_BYTES)

static const char *const table_names[STORE_TABLE_COUNT] = {
    [STORE_META] = "meta",     [STORE_LOG] = "log",           [STORE_QUEUE] = "queue",
    [STORE_STREAM] = "stream", [STORE_DEDUPE] = "dedupe",     [STORE_CASE] = "case",
    [STORE_NUMBER] = "number", [STORE_DUE] = "due",           [STORE_WITNESS] = "witness",
    [STORE_OUTBOX] = "outbox", [STORE_INBOX] = "inbox",       [STORE_NOTICE] = "notice",
    [STORE_INDEX] = "index",   [STORE_VALUE] = "value",       [STORE_BLOB] = "blob",
    [STORE_OFFICE] = "office", [STORE_JOURNAL] = "journal",   [STORE_REASON] = "reason",
    [STORE_DEAD] = "dead",     [STORE_RECOVERY] = "recovery",
};

const char *store_table_name(enum store_table table)
{
    assert((unsigned)table < STORE_TABLE_COUNT);
    return table_names[table];
}

enum err store_result(int result)
{
    switch (result) {
    case MDB_SUCCESS:
        return OK;
    case MDB_NOTFOUND:
        return ERR_NOT_FOUND;
    case MDB_KEYEXIST:
        return ERR_EXISTS;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case ENOMEM:
        return ERR_MEMORY;
    case MDB_READERS_FULL:
        return ERR_BUSY;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
        return ERR_CORRUPT;
    case MDB_VERSION_MISMATCH:
        return ERR_VERSION;
    default:
        return ERR_IO; /* EIO, and MDB_PANIC after a failed write of the meta page */
    }
}

enum err store_corrupt(struct store_txn *txn, enum store_table table, struct span key)
{
    struct digest digest = crypto_digest(key);
    char hex[17];
    hex_encode(span_of(digest.bytes, 8), hex);
    (void)snprintf(txn->damage, sizeof(txn->damage), "%s %s", store_table_name(table), hex);
    return ERR_CORRUPT;
}

enum err store_failed(struct store_txn *txn, enum err error)
{
    if (error != OK && txn->failed == OK) {
        txn->failed = error;
    }
    return error;
}

static MDB_val val_of(struct span span)
{
    /* LMDB's type has no const; it does not write through keys or put values. */
    MDB_val val = {.mv_size = span.len};
    memcpy(&val.mv_data, &span.data, sizeof(val.mv_data));
    return val;
}

enum err store_raw_get(struct store_txn *txn, enum store_table table, struct span key,
                       struct span *ret_raw)
{
    assert(txn != NULL && txn->mdb != NULL);
    assert(key.len > 0 && key.len <= STORE_KEY_BYTES_MAX);
    if (!txn->store->present[table]) {
        return ERR_NOT_FOUND;
    }
    atomic_fetch_add_explicit(&txn->store->reads, 1, memory_order_relaxed);
    MDB_val found = {0};
    MDB_val at = val_of(key);
    enum err error = store_result(mdb_get(txn->mdb, txn->store->tables[table], &at, &found));
    if (error == OK) {
        *ret_raw = span_of(found.mv_data, found.mv_size);
    } else if (error == ERR_CORRUPT) {
        (void)store_corrupt(txn, table, key);
    }
    return error;
}

enum err store_raw_reserve(struct store_txn *txn, struct record_at place, size_t len,
                           unsigned flags, uint8_t **ret_room)
{
    enum store_table table = place.table;
    struct span key = place.key;
    assert(txn->writes && txn->mdb != NULL);
    assert(txn->store->present[table]);
    assert(key.len > 0 && key.len <= STORE_KEY_BYTES_MAX);
    if (txn->failed != OK) {
        return txn->failed;
    }
    enum err error = store_journal_touch(txn->store, table, key);
    if (error != OK) {
        return store_failed(txn, error);
    }
    MDB_val at = val_of(key);
    MDB_val room = {.mv_size = len};
    int result = mdb_put(txn->mdb, txn->store->tables[table], &at, &room, flags | MDB_RESERVE);
    if (result == MDB_KEYEXIST) {
        return ERR_EXISTS; /* harmless: nothing was written */
    }
    if (result != MDB_SUCCESS) {
        return store_failed(txn, store_result(result));
    }
    *ret_room = room.mv_data;
    return OK;
}

/* The table and the length of the key: what makes the border between key and value unambiguous. */
static void record_place(enum store_table table, struct span key, uint8_t place[3])
{
    place[0] = (uint8_t)table;
    be16_put(place + 1, (uint16_t)key.len);
}

struct mac record_mac(const struct store *store, enum store_table table, struct span key,
                      struct span value)
{
    assert(key.len <= STORE_KEY_BYTES_MAX);
    uint8_t place[3];
    record_place(table, key, place);
    const struct span pieces[] = {span_of(place, sizeof(place)), key, value};
    return crypto_mac(&store->mac_key, pieces, 3);
}

static size_t record_associated(enum store_table table, struct span key,
                                uint8_t out[3 + STORE_KEY_BYTES_MAX])
{
    assert(key.len <= STORE_KEY_BYTES_MAX);
    record_place(table, key, out);
    memcpy(out + 3, key.data, key.len);
    return 3 + key.len;
}

static enum err unseal(struct store_txn *txn, enum store_table table, struct span key,
                       struct span raw, struct buf *plain)
{
    uint8_t associated[3 + STORE_KEY_BYTES_MAX];
    size_t associated_len = record_associated(table, key, associated);
    if (raw.len < SEALED_OVERHEAD) {
        return store_corrupt(txn, table, key);
    }
    struct span sealed = span_of(raw.data + AEAD_NONCE_BYTES, raw.len - AEAD_NONCE_BYTES);
    enum err error = aead_open(txn->store->seal_key, raw.data, span_of(associated, associated_len),
                               sealed, plain);
    return error == ERR_FORGED ? store_corrupt(txn, table, key) : error;
}

enum err record_open(struct store_txn *txn, struct record_at place, struct span raw,
                     struct buf *plain, struct span *ret_value)
{
    enum store_table table = place.table;
    struct span key = place.key;
    const struct store *store = txn->store;
    if (store->kind == STORE_AGENT) {
        size_t start = plain->len;
        enum err error = unseal(txn, table, key, raw, plain);
        if (error == OK) {
            *ret_value = span_of(plain->data + start, plain->len - start);
        }
        return error;
    }
    if (raw.len < MAC_BYTES) {
        return store_corrupt(txn, table, key);
    }
    struct span value = span_of(raw.data, raw.len - MAC_BYTES);
    if (!store->reader) {
        struct mac mac = record_mac(store, table, key, value);
        if (!crypto_equal(mac.bytes, raw.data + value.len, MAC_BYTES)) {
            return store_corrupt(txn, table, key);
        }
    }
    *ret_value = value;
    return OK;
}

static enum err put_sealed(struct store_txn *txn, enum store_table table, struct span key,
                           struct span value, unsigned flags)
{
    uint8_t associated[3 + STORE_KEY_BYTES_MAX];
    size_t associated_len = record_associated(table, key, associated);
    struct buf sealed;
    buf_init(&sealed, value.len + SEALED_OVERHEAD);
    uint8_t *nonce = NULL;
    enum err error = buf_extend(&sealed, AEAD_NONCE_BYTES, &nonce);
    uint8_t nonce_copy[AEAD_NONCE_BYTES];
    if (error == OK) {
        crypto_random(nonce_copy, sizeof(nonce_copy));
        memcpy(nonce, nonce_copy, sizeof(nonce_copy));
        error = aead_seal(txn->store->seal_key, nonce_copy, span_of(associated, associated_len),
                          value, &sealed);
    }
    uint8_t *room = NULL;
    if (error != OK) {
        (void)store_failed(txn, error);
    } else {
        error = store_raw_reserve(txn, (struct record_at){table, key}, sealed.len, flags, &room);
    }
    if (error == OK) {
        assert(room != NULL);
        memcpy(room, sealed.data, sealed.len);
    }
    buf_free(&sealed);
    return error;
}

enum err record_put(struct store_txn *txn, enum store_table table, struct span key,
                    struct span value, unsigned flags)
{
    assert(txn != NULL && txn->writes);
    assert(value.len <= STORE_VALUE_BYTES_MAX);
    if (txn->store->kind == STORE_AGENT) {
        return put_sealed(txn, table, key, value, flags);
    }
    struct mac mac = record_mac(txn->store, table, key, value);
    uint8_t *room = NULL;
    enum err error =
        store_raw_reserve(txn, (struct record_at){table, key}, value.len + MAC_BYTES, flags, &room);
    if (error != OK) {
        return error;
    }
    if (value.len > 0) {
        memcpy(room, value.data, value.len);
    }
    memcpy(room + value.len, mac.bytes, MAC_BYTES);
    return OK;
}

/* A buffer that lives as long as the transaction, for one opened record. */
static struct store_plain *plain_new(struct store_txn *txn, size_t max)
{
    struct store_plain *plain = calloc(1, sizeof(*plain));
    if (plain == NULL) {
        return NULL;
    }
    buf_init(&plain->bytes, max);
    plain->next = txn->plain;
    txn->plain = plain;
    return plain;
}

void record_forget_plain(struct store_txn *txn)
{
    while (txn->plain != NULL) {
        struct store_plain *plain = txn->plain;
        txn->plain = plain->next;
        if (plain->bytes.data != NULL) {
            crypto_wipe(plain->bytes.data, plain->bytes.cap);
        }
        buf_free(&plain->bytes);
        free(plain);
    }
}

enum err store_lend(struct store_txn *txn, size_t max, struct buf **ret_buf)
{
    struct store_plain *plain = plain_new(txn, max);
    if (plain == NULL) {
        return ERR_MEMORY;
    }
    *ret_buf = &plain->bytes;
    return OK;
}

struct store *store_of(const struct store_txn *txn)
{
    return txn->store;
}

enum err store_get(struct store_txn *txn, enum store_table table, struct span key,
                   struct span *ret_value)
{
    assert(table != STORE_LOG);
    assert(ret_value != NULL);
    struct span raw;
    enum err error = store_raw_get(txn, table, key, &raw);
    if (error != OK) {
        return error;
    }
    struct buf *plain = NULL;
    if (txn->store->kind == STORE_AGENT) {
        struct store_plain *block = plain_new(txn, raw.len);
        if (block == NULL) {
            return ERR_MEMORY;
        }
        plain = &block->bytes;
    }
    return record_open(txn, (struct record_at){table, key}, raw, plain, ret_value);
}

enum err store_put(struct store_txn *txn, enum store_table table, struct span key,
                   struct span value)
{
    assert(table != STORE_LOG);
    return record_put(txn, table, key, value, 0);
}

enum err store_add(struct store_txn *txn, enum store_table table, struct span key,
                   struct span value)
{
    assert(table != STORE_LOG);
    return record_put(txn, table, key, value, MDB_NOOVERWRITE);
}

enum err store_remove(struct store_txn *txn, enum store_table table, struct span key)
{
    assert(txn != NULL && txn->writes);
    assert(table != STORE_LOG);
    assert(key.len > 0 && key.len <= STORE_KEY_BYTES_MAX);
    if (txn->failed != OK) {
        return txn->failed;
    }
    enum err error = store_journal_touch(txn->store, table, key);
    if (error != OK) {
        return store_failed(txn, error);
    }
    MDB_val at = val_of(key);
    int result = mdb_del(txn->mdb, txn->store->tables[table], &at, NULL);
    if (result == MDB_NOTFOUND) {
        return ERR_NOT_FOUND;
    }
    return store_failed(txn, store_result(result));
}

uint64_t store_reads(const struct store *store)
{
    return atomic_load_explicit(&store->reads, memory_order_relaxed);
}

enum err store_count(struct store_txn *txn, enum store_table table, uint64_t *ret_count)
{
    assert(txn != NULL && txn->mdb != NULL);
    MDB_stat stat = {0};
    if (txn->store->present[table]) {
        enum err error = store_result(mdb_stat(txn->mdb, txn->store->tables[table], &stat));
        if (error != OK) {
            return error;
        }
    }
    *ret_count = stat.ms_entries;
    return OK;
}

/* Names of rows begin with '=', so that they can never be the two rows that store.c keeps. */
static enum err meta_key(const char *name, uint8_t key[STORE_KEY_BYTES_MAX], struct span *ret_key)
{
    struct span text = span_text(name);
    if (text.len == 0 || text.len >= STORE_KEY_BYTES_MAX) {
        return ERR_TOO_LARGE;
    }
    key[0] = '=';
    memcpy(key + 1, text.data, text.len);
    *ret_key = span_of(key, text.len + 1);
    return OK;
}

enum err store_meta_get(struct store_txn *txn, const char *name, struct span *ret_value)
{
    uint8_t bytes[STORE_KEY_BYTES_MAX];
    struct span key;
    enum err error = meta_key(name, bytes, &key);
    return error != OK ? error : store_get(txn, STORE_META, key, ret_value);
}

enum err store_meta_put(struct store_txn *txn, const char *name, struct span value)
{
    uint8_t bytes[STORE_KEY_BYTES_MAX];
    struct span key;
    enum err error = meta_key(name, bytes, &key);
    return error != OK ? error : store_put(txn, STORE_META, key, value);
}

enum err store_meta_remove(struct store_txn *txn, const char *name)
{
    uint8_t bytes[STORE_KEY_BYTES_MAX];
    struct span key;
    enum err error = meta_key(name, bytes, &key);
    return error != OK ? error : store_remove(txn, STORE_META, key);
}
