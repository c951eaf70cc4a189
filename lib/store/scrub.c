/* The look through a store. See scrub.h; pages.c walks, this judges the rows. */
#include "store/scrub.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/audit_entry.h"
#include "store/store_private.h"

#define SNAPSHOT_TRIES 100u
#define ROW_BYTES_MAX  (4u * 1024 * 1024) /* of one row, as it lies in a page */

struct scrub {
    struct scrub_report *report; /* borrowed */
    struct store *store;         /* owned: the keys; it has no environment */
    struct store_txn txn;        /* for what damages are called */
    uint64_t tables;             /* a bit each that was met */
    struct buf plain;            /* an agent's row, opened */
    uint8_t schema[STORE_SCHEMA_BYTES];
    uint64_t bad_rows;
};

static struct scrub_damage *damage_add(struct scrub *scrub)
{
    static struct scrub_damage rest; /* nobody reads it */
    struct scrub_report *report = scrub->report;
    report->damages++;
    return report->listed < SCRUB_LISTED ? &report->damage[report->listed++] : &rest;
}

static void page_damage_cb(void *owner, uint64_t page, const char *what)
{
    struct scrub_damage *damage = damage_add(owner);
    (void)snprintf(damage->where, sizeof(damage->where), "page %" PRIu64, page);
    text_copy(damage->what, sizeof(damage->what), what);
}

static void row_damage(struct scrub *scrub, const char *what)
{
    struct scrub_damage *damage = damage_add(scrub);
    text_copy(damage->where, sizeof(damage->where), scrub->txn.damage);
    text_copy(damage->what, sizeof(damage->what), what);
}

/* Leaves lie in the order of their numbers, none is missing, each is bound to its place. */
static enum err leaf_judge(struct scrub *scrub, struct span key, struct span raw)
{
    struct audit_entry entry = {.index = 0};
    struct scrub_report *report = scrub->report;
    if (key.len != 8 || be64_get(key.data) < report->log_size) {
        return store_corrupt(&scrub->txn, STORE_LOG, key);
    }
    uint64_t index = be64_get(key.data);
    bool gap = index != report->log_size;
    report->log_size = index + 1;
    enum err error = audit_entry_check(&scrub->txn, index, raw, &entry);
    if (error == OK && gap) {
        (void)store_corrupt(&scrub->txn, STORE_LOG, key);
        row_damage(scrub, "the leaves before it are missing");
    }
    return error;
}

/* The schema stands twice in `meta`: as it is, to be read without a key, and protected. */
static enum err schema_judge(struct scrub *scrub, struct span key, struct span raw)
{
    struct span schema = span_of(scrub->schema, sizeof(scrub->schema));
    return span_equal(raw, schema) ? OK : store_corrupt(&scrub->txn, STORE_META, key);
}

static enum err row_judge(struct scrub *scrub, struct record_at place, struct span raw)
{
    struct span value;
    if (place.key.len > STORE_KEY_BYTES_MAX) {
        return store_corrupt(&scrub->txn, place.table, place.key);
    }
    if (place.table == STORE_LOG) {
        return leaf_judge(scrub, place.key, raw);
    }
    if (place.table == STORE_META && span_equal(place.key, span_text(STORE_SCHEMA_KEY))) {
        return schema_judge(scrub, place.key, raw);
    }
    enum err error = record_open(&scrub->txn, place, raw, &scrub->plain, &value);
    if (scrub->plain.data != NULL) {
        crypto_wipe(scrub->plain.data, scrub->plain.len);
    }
    buf_clear(&scrub->plain);
    return error;
}

static bool table_find(const struct scrub *scrub, struct span name, enum store_table *ret_table)
{
    for (unsigned i = 0; i < STORE_TABLE_COUNT; i++) {
        if (store_table_is_of((enum store_table)i, scrub->store->kind) &&
            span_equal(name, span_text(store_table_name((enum store_table)i)))) {
            *ret_table = (enum store_table)i;
            return true;
        }
    }
    return false;
}

static enum err row_cb(void *owner, struct span name, struct span key, struct span value)
{
    struct scrub *scrub = owner;
    struct record_at place = {.key = key};
    if (!table_find(scrub, name, &place.table)) {
        return OK; /* tables_judge tells of it */
    }
    enum err error = row_judge(scrub, place, value);
    if (error == ERR_CORRUPT) {
        scrub->bad_rows++;
        row_damage(scrub, "is not the row that was written");
        return OK;
    }
    scrub->report->rows += error == OK;
    return error;
}

static void table_cb(void *owner, struct span name)
{
    struct scrub *scrub = owner;
    enum store_table table = STORE_META;
    if (table_find(scrub, name, &table)) {
        scrub->tables |= UINT64_C(1) << table;
    } else {
        (void)store_corrupt(&scrub->txn, STORE_META, name);
        row_damage(scrub, "a table has a name that no table of this store has");
    }
}

/* --- the whole --- */

static enum err walk(struct scrub *scrub, const struct pages_snapshot *snapshot, uint64_t map_bytes,
                     struct fault *fault)
{
    const struct pages_visit visit = {.owner = scrub,
                                      .map_bytes = map_bytes,
                                      .row = row_cb,
                                      .table = table_cb,
                                      .damage = page_damage_cb};
    enum err error = pages_walk(scrub->store->data_path, snapshot, &visit, fault);
    if (error == OK && (scrub->tables & UINT64_C(1) << STORE_META) == 0 &&
        scrub->report->damages == 0) {
        page_damage_cb(scrub, 0, "or page 1 knows no table: this is an empty data file");
    }
    if (error == OK && scrub->report->rows <= 1 && scrub->bad_rows > 0) { /* the schema verifies */
        fault_set(fault, "store.wrong-key", scrub->store->data_path,
                  "no row verifies: the key is not this store's, or nothing of it is whole");
        fault_hint(fault, "use the key file that was made with the store");
        return ERR_FORGED;
    }
    return error;
}

/* A reader's transaction keeps the pages of its state; its meta page is found by its number, which
 * a quick writer may have written over meanwhile. */
static enum err walk_live(struct scrub *scrub, const char *folder, uint64_t map_bytes,
                          struct fault *fault)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    struct pages_snapshot snapshot;
    int result = mdb_env_create(&env);
    if (result == MDB_SUCCESS) {
        result = mdb_env_open(env, folder, MDB_NOTLS | MDB_RDONLY, 0600);
    }
    enum err error = result == MDB_SUCCESS ? ERR_BUSY : store_result(result);
    for (unsigned i = 0; i < SNAPSHOT_TRIES && error == ERR_BUSY; i++) {
        mdb_txn_abort(txn);
        txn = NULL;
        result = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
        error = result != MDB_SUCCESS
                    ? store_result(result)
                    : pages_snapshot(scrub->store->data_path, mdb_txn_id(txn), &snapshot);
    }
    if (error == OK) {
        error = walk(scrub, &snapshot, map_bytes, fault);
    } else {
        fault_set(fault, "store.failed", folder, "cannot look at the store beside its daemon: %s",
                  err_text(error));
    }
    mdb_txn_abort(txn);
    mdb_env_close(env);
    return error;
}

static enum err keys_take(struct scrub *scrub, const char *folder,
                          const struct store_options *options, struct fault *fault)
{
    struct store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        fault_set(fault, "store.memory", folder, "no memory to look through the store");
        return ERR_MEMORY;
    }
    scrub->store = store;
    scrub->txn.store = store;
    store->kind = options->kind;
    store->mac_key = options->mac_key;
    memcpy(store->seal_key, options->seal_key, AEAD_KEY_BYTES);
    store_schema_pack(options->kind, scrub->schema);
    int len = snprintf(store->data_path, sizeof(store->data_path), "%s/data.mdb", folder);
    if (len < 0 || (size_t)len >= sizeof(store->data_path) || access(store->data_path, F_OK) != 0) {
        fault_set(fault, "store.not-found", folder, "there is no store here");
        fault_hint(fault, "check the path; a first start makes the store");
        return ERR_NOT_FOUND;
    }
    return OK;
}

enum err scrub_run(const char *folder, const struct store_options *options,
                   struct scrub_report *ret_report, struct fault *fault)
{
    assert(folder != NULL && options != NULL && ret_report != NULL);
    struct scrub scrub = {.report = ret_report};
    int lock_fd = -1;
    memset(ret_report, 0, sizeof(*ret_report));
    buf_init(&scrub.plain, ROW_BYTES_MAX);
    enum err error = keys_take(&scrub, folder, options, fault);
    if (error == OK) {
        error = store_lock_share(folder, &ret_report->live, &lock_fd, fault);
    }
    if (error == OK) {
        error = ret_report->live ? walk_live(&scrub, folder, options->map_bytes, fault)
                                 : walk(&scrub, NULL, options->map_bytes, fault);
    }
    if (lock_fd >= 0) {
        (void)close(lock_fd);
    }
    buf_free(&scrub.plain);
    if (scrub.store != NULL) {
        crypto_wipe(scrub.store, sizeof(*scrub.store));
        free(scrub.store);
    }
    return error;
}
