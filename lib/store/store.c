/* The environment and its transactions. See store.h.
 *
 * Default durability flags of LMDB: a commit writes the pages, syncs, writes the meta page, syncs.
 * No WRITEMAP (a full disk would be SIGBUS), no DUPSORT. MDB_NOTLS, so that a snapshot belongs to
 * its object and not to its thread; MDB_NORDAHEAD for writers, since what they touch is at the end
 * of the log and a 16 GiB file read ahead would push out what else the machine needs. */
#include "store/store_private.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"

#define SCHEMA_MAGIC "referral store\n" /* 15 bytes and the NUL */
#define SCHEMA_SM    0x40u              /* beside the kind: of the suite sm */
#define WRITER_FLAGS (MDB_NOTLS | MDB_NORDAHEAD)

static const char check_key[] = "key-check"; /* the schema again, protected */

bool store_table_is_of(enum store_table table, enum store_kind kind)
{
    static const uint8_t kinds[STORE_TABLE_COUNT] = {
        /* bit 0 broker, bit 1 agent */
        [STORE_META] = 3,    [STORE_LOG] = 1,    [STORE_QUEUE] = 1,  [STORE_STREAM] = 1,
        [STORE_DEDUPE] = 1,  [STORE_CASE] = 3,   [STORE_NUMBER] = 3, [STORE_DUE] = 3,
        [STORE_WITNESS] = 1, [STORE_OUTBOX] = 2, [STORE_INBOX] = 2,  [STORE_NOTICE] = 2,
        [STORE_INDEX] = 2,   [STORE_VALUE] = 2,  [STORE_BLOB] = 3,   [STORE_OFFICE] = 2,
        [STORE_JOURNAL] = 1, [STORE_REASON] = 1, [STORE_DEAD] = 1,   [STORE_RECOVERY] = 1,
    };
    return (kinds[table] & (kind == STORE_BROKER ? 1u : 2u)) != 0;
}

void store_schema_pack(enum store_kind kind, uint8_t out[STORE_SCHEMA_BYTES])
{
    memcpy(out, SCHEMA_MAGIC, 16);
    be32_put(out + 16, STORE_SCHEMA_VERSION);
    out[20] = (uint8_t)((unsigned)kind | (crypto_suite() == SUITE_SM ? SCHEMA_SM : 0));
}

static const char *kind_name(unsigned kind)
{
    return kind == STORE_BROKER ? "a broker's" : kind == STORE_AGENT ? "an agent's" : "an unknown";
}

static enum err refuse_result(struct fault *fault, const char *folder, const char *action,
                              int result)
{
    enum err error = store_result(result);
    fault_set(fault, error == ERR_CORRUPT ? "store.corrupt" : "store.failed", folder,
              "cannot %s: %s", action, mdb_strerror(result));
    if (error == ERR_CORRUPT) {
        fault_hint(fault, "the data file is damaged: restore the store from its last copy");
    }
    return error;
}

/* --- one environment --- */

struct env_options {
    uint64_t map_bytes;
    unsigned flags;
};

static enum err env_open(const char *folder, const struct env_options *options, MDB_env **ret_env,
                         struct fault *fault)
{
    MDB_env *env = NULL;
    int result = mdb_env_create(&env);
    if (result == MDB_SUCCESS) {
        result = mdb_env_set_maxdbs(env, STORE_TABLE_COUNT);
    }
    if (result == MDB_SUCCESS) {
        result = mdb_env_set_mapsize(env, (size_t)options->map_bytes);
    }
    if (result == MDB_SUCCESS) {
        result = mdb_env_set_maxreaders(env, STORE_READERS);
    }
    if (result == MDB_SUCCESS) {
    }
    if (result == MDB_SUCCESS) {
        result = mdb_env_open(env, folder, options->flags, 0600);
    }
    if (result != MDB_SUCCESS) {
        if (env != NULL) {
            mdb_env_close(env);
        }
        return refuse_result(fault, folder, "open the store", result);
    }
    *ret_env = env;
    return OK;
}

/* Opens the tables of the store's kind, making those that are not there when `flags` say so. */
static int tables_open(struct store *store, MDB_txn *mdb, unsigned flags)
{
    for (unsigned i = 0; i < STORE_TABLE_COUNT; i++) {
        enum store_table table = (enum store_table)i;
        if (!store_table_is_of(table, store->kind) || store->present[i]) {
            continue;
        }
        int result = mdb_dbi_open(mdb, store_table_name(table), flags, &store->tables[i]);
        if (result != MDB_SUCCESS && result != MDB_NOTFOUND) {
            return result;
        }
        store->present[i] = result == MDB_SUCCESS;
    }
    return MDB_SUCCESS;
}

static bool tables_complete(const struct store *store)
{
    for (unsigned i = 0; i < STORE_TABLE_COUNT; i++) {
        if (store_table_is_of((enum store_table)i, store->kind) && !store->present[i]) {
            return false;
        }
    }
    return true;
}

static void keys_set(struct store *store, const struct store_options *options)
{
    store->kind = options->kind;
    store->mac_key = options->mac_key;
    memcpy(store->seal_key, options->seal_key, AEAD_KEY_BYTES);
}

/* The first rows of a new store, in one transaction with its tables. */
static enum err format_rows(struct store *store)
{
    struct store_txn *txn = &store->writer;
    *txn = (struct store_txn){.store = store, .writes = true};
    int result = mdb_txn_begin(store->env, NULL, 0, &txn->mdb);
    if (result == MDB_SUCCESS) {
        result = tables_open(store, txn->mdb, MDB_CREATE);
    }
    if (result != MDB_SUCCESS) {
        mdb_txn_abort(txn->mdb);
        return store_result(result);
    }
    uint8_t schema[STORE_SCHEMA_BYTES];
    store_schema_pack(store->kind, schema);
    uint8_t *room = NULL;
    enum err error =
        store_raw_reserve(txn, (struct record_at){STORE_META, span_text(STORE_SCHEMA_KEY)},
                          STORE_SCHEMA_BYTES, 0, &room);
    if (error == OK) {
        memcpy(room, schema, STORE_SCHEMA_BYTES);
        error = record_put(txn, STORE_META, span_text(check_key),
                           span_of(schema, STORE_SCHEMA_BYTES), 0);
    }
    if (error != OK) {
        mdb_txn_abort(txn->mdb);
        return error;
    }
    return store_result(mdb_txn_commit(txn->mdb));
}

enum err store_format(const char *folder, const struct store_options *options, struct fault *fault)
{
    struct store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        fault_set(fault, "store.memory", folder, "no memory to make the store");
        return ERR_MEMORY;
    }
    keys_set(store, options);
    struct env_options env = {.map_bytes = options->map_bytes, .flags = WRITER_FLAGS};
    enum err error = env_open(folder, &env, &store->env, fault);
    if (error == OK) {
        error = format_rows(store);
        if (error != OK) {
            fault_set(fault, "store.failed", folder, "cannot make the store: %s", err_text(error));
        }
        mdb_env_close(store->env);
    }
    crypto_wipe(store, sizeof(*store));
    free(store);
    return error;
}

/* --- opening --- */

static enum err schema_check(const struct store *store, struct span schema, const char *folder,
                             struct fault *fault)
{
    if (schema.len != STORE_SCHEMA_BYTES || memcmp(schema.data, SCHEMA_MAGIC, 16) != 0) {
        fault_set(fault, "store.corrupt", folder, "the schema row is not a store's");
        fault_hint(fault, "restore the store from its last copy");
        return ERR_CORRUPT;
    }
    uint32_t version = be32_get(schema.data + 16);
    if (version != STORE_SCHEMA_VERSION) {
        fault_set(fault, "store.version", folder,
                  "the store has schema version %u, this program knows version %u only", version,
                  STORE_SCHEMA_VERSION);
        fault_hint(fault, "run the release that wrote it, or migrate with the release notes' "
                          "steps; nothing was changed");
        return ERR_VERSION;
    }
    const enum err suite =
        crypto_claim((schema.data[20] & SCHEMA_SM) != 0 ? SUITE_SM : SUITE_INTL, folder, fault);
    if (suite != OK) {
        return suite;
    }
    const unsigned kind = schema.data[20] & ~SCHEMA_SM;
    if (kind != (unsigned)store->kind) {
        fault_set(fault, "store.kind", folder, "this is %s store, and %s was expected",
                  kind_name(kind), kind_name(store->kind));
        fault_hint(fault, "check the store's path in the configuration");
        return ERR_INVALID;
    }
    return OK;
}

static enum err key_check(struct store_txn *txn, struct span schema, const char *folder,
                          struct fault *fault)
{
    struct span checked;
    enum err error = store_get(txn, STORE_META, span_text(check_key), &checked);
    if (error == ERR_CORRUPT) {
        fault_set(fault, "store.wrong-key", folder, "the store's key does not fit this store");
        fault_hint(fault,
                   "use the key file that was made with the store; with that key in use, the "
                   "store is damaged: restore its last copy");
        return ERR_FORGED;
    }
    if (error == ERR_NOT_FOUND || (error == OK && !span_equal(checked, schema))) {
        fault_set(fault, "store.corrupt", folder, "the schema row was changed");
        fault_hint(fault, "restore the store from its last copy");
        return ERR_CORRUPT;
    }
    return error;
}

/* Schema, then key, then the tables: an unknown store is refused before anything is written. */
static enum err check_and_open_tables(struct store *store, const char *folder, struct fault *fault)
{
    struct store_txn txn = {.store = store};
    int result = mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn.mdb);
    if (result == MDB_SUCCESS) {
        result = tables_open(store, txn.mdb, 0);
    }
    if (result != MDB_SUCCESS) {
        mdb_txn_abort(txn.mdb);
        return refuse_result(fault, folder, "read the store's tables", result);
    }
    struct span schema = span_of(NULL, 0);
    enum err error = store_raw_get(&txn, STORE_META, span_text(STORE_SCHEMA_KEY), &schema);
    if (error == OK || error == ERR_NOT_FOUND) {
        error = schema_check(store, schema, folder, fault);
    }
    if (error == OK) {
        error = key_check(&txn, schema, folder, fault);
    }
    record_forget_plain(&txn);
    /* Handles opened in a snapshot stay only when it is committed. */
    result = mdb_txn_commit(txn.mdb);
    if (error == OK && result != MDB_SUCCESS) {
        error = refuse_result(fault, folder, "read the store's tables", result);
    }
    if (error != OK || store->reader || tables_complete(store)) {
        return error;
    }
    result = mdb_txn_begin(store->env, NULL, 0, &txn.mdb);
    if (result == MDB_SUCCESS) {
        result = tables_open(store, txn.mdb, MDB_CREATE);
        if (result == MDB_SUCCESS) {
            result = mdb_txn_commit(txn.mdb);
        } else {
            mdb_txn_abort(txn.mdb);
        }
    }
    return result == MDB_SUCCESS ? OK : refuse_result(fault, folder, "make a new table", result);
}

/* --- usage --- */

/* Pages in LMDB's free list: its table 0, a list of pages for each transaction that freed some. */
static uint64_t count_free_pages(struct store *store, uint64_t *ret_rows)
{
    MDB_txn *mdb = NULL;
    MDB_cursor *cursor = NULL;
    uint64_t pages = 0;
    uint64_t rows = 0;
    if (mdb_txn_begin(store->env, NULL, MDB_RDONLY, &mdb) != MDB_SUCCESS) {
        *ret_rows = 0;
        return 0; /* nothing counts as free: the careful answer */
    }
    if (mdb_cursor_open(mdb, 0, &cursor) == MDB_SUCCESS) {
        MDB_val key;
        MDB_val list;
        while (mdb_cursor_get(cursor, &key, &list, MDB_NEXT) == MDB_SUCCESS) {
            size_t count = 0;
            if (list.mv_size >= sizeof(count)) {
                memcpy(&count, list.mv_data, sizeof(count));
            }
            pages += count;
            rows++;
        }
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(mdb);
    *ret_rows = rows;
    return pages;
}

/* Pages that the store can have: the map, or less when the disk has less left. */
static uint64_t capacity_pages(const struct store *store, uint64_t page_bytes, uint64_t high_pages)
{
    struct statvfs disk;
    if (store->reserved || statvfs(store->data_path, &disk) != 0) {
        return store->map_pages;
    }
    uint64_t left = (uint64_t)disk.f_bavail * disk.f_frsize / page_bytes;
    uint64_t room = store->map_pages > high_pages ? store->map_pages - high_pages : 0;
    return high_pages + (left < room ? left : room);
}

/* The free list is walked again after as many commits as keep its cost below the commits' own. */
static void usage_update(struct store *store)
{
    MDB_envinfo info;
    MDB_stat stat;
    if (mdb_env_info(store->env, &info) != MDB_SUCCESS ||
        mdb_env_stat(store->env, &stat) != MDB_SUCCESS) {
        return; /* fails for a null environment only */
    }
    if (store->recount_in == 0) {
        uint64_t rows = 0;
        store->free_pages = count_free_pages(store, &rows);
        store->recount_in = 4 + rows / 16;
    }
    store->recount_in--;
    uint64_t high = info.me_last_pgno + 1;
    uint64_t used = high > store->free_pages ? high - store->free_pages : 0;
    uint64_t capacity = capacity_pages(store, stat.ms_psize, high);
    store->used_percent = capacity == 0 ? 100u : (unsigned)(used * 100 / capacity);
}

unsigned store_used_percent(const struct store *store)
{
    assert(store != NULL);
    return store->used_percent;
}

bool store_accepts(const struct store *store)
{
    return store_used_percent(store) < LIMIT_STORE_PERCENT;
}

/* --- life --- */

static enum err store_new(const char *folder, struct store **ret_store, struct fault *fault)
{
    struct store *store = calloc(1, sizeof(*store));
    if (store != NULL) {
        store->slots = calloc(AUDIT_CACHE_SLOTS, sizeof(*store->slots));
    }
    if (store == NULL || store->slots == NULL) {
        free(store);
        fault_set(fault, "store.memory", folder, "no memory to open the store");
        return ERR_MEMORY;
    }
    store->lock_fd = -1;
    store->thread = pthread_self();
    int len = snprintf(store->data_path, sizeof(store->data_path), "%s/data.mdb", folder);
    if (len < 0 || (size_t)len >= sizeof(store->data_path)) {
        free(store->slots);
        free(store);
        fault_set(fault, "store.failed", folder, "the path is too long");
        return ERR_INVALID;
    }
    buf_init(&store->pending.bytes, AUDIT_PENDING_BYTES);
    *ret_store = store;
    return OK;
}

/* What the data file says of itself; the file must hold every page in use. */
static enum err measure(struct store *store, uint64_t map_bytes, uint64_t *ret_map_bytes,
                        struct fault *fault)
{
    struct pages_meta meta;
    enum err error = pages_read_meta(store->data_path, &meta, fault);
    if (error != OK) {
        return error;
    }
    /* Pages at the end that a transaction took and gave back are never written: whether a short
     * file lacks pages in use, only a walk can tell. A file that a broker writes to meanwhile
     * cannot be walked. */
    bool cut = (meta.last_page + 1) * meta.page_bytes > meta.file_bytes;
    if (!store->live && (store->reader || cut)) {
        error = pages_check(store->data_path, fault);
        if (error != OK) {
            return error;
        }
    }
    uint64_t bytes = map_bytes > meta.map_bytes ? map_bytes : meta.map_bytes;
    store->map_pages = bytes / meta.page_bytes;
    store->reserved = meta.block_bytes >= bytes;
    *ret_map_bytes = bytes;
    return OK;
}

static enum err open_here(struct store *store, const char *folder, struct env_options *env,
                          struct fault *fault)
{
    enum err error = measure(store, env->map_bytes, &env->map_bytes, fault);
    if (error == OK) {
        error = env_open(folder, env, &store->env, fault);
    }
    if (error == OK) {
        error = check_and_open_tables(store, folder, fault);
    }
    if (error == OK && store->kind == STORE_BROKER && !store->reader) {
        error = audit_load(store, fault);
    }
    return error;
}

enum err store_open(const char *folder, const struct store_options *options,
                    struct store **ret_store, struct fault *fault)
{
    assert(folder != NULL && options != NULL && ret_store != NULL);
    assert(options->kind == STORE_BROKER || options->kind == STORE_AGENT);
    struct store *store = NULL;
    enum err error = store_new(folder, &store, fault);
    if (error != OK) {
        return error;
    }
    keys_set(store, options);
    if (access(store->data_path, F_OK) == 0) {
        error = store_lock_take(folder, &store->lock_fd, fault);
    } else if (options->create) {
        error = store_folder_create(folder, options, &store->lock_fd, fault);
    } else {
        fault_set(fault, "store.not-found", folder, "there is no store here");
        fault_hint(fault, "check the path; a first start makes the store");
        error = ERR_NOT_FOUND;
    }
    struct env_options env = {.map_bytes = options->map_bytes, .flags = WRITER_FLAGS};
    if (error == OK) {
        error = open_here(store, folder, &env, fault);
    }
    if (error == OK) {
        error = store_journal_open(store, options->journal_bytes);
        if (error != OK) {
            fault_set(fault, "store.failed", folder, "cannot read the journal: %s",
                      err_text(error));
        }
    }
    if (error == OK && store->kind == STORE_AGENT) {
        error = store_case_keys_open(store, fault);
    }
    if (error != OK) {
        store_close(store);
        return error;
    }
    store->pass_point = options->pass_point;
    store->owner = options->owner;
    store_check_readers(store);
    usage_update(store);
    *ret_store = store;
    return OK;
}

enum err store_open_reader(const char *folder, struct store **ret_store, struct fault *fault)
{
    assert(folder != NULL && ret_store != NULL);
    struct store *store = NULL;
    enum err error = store_new(folder, &store, fault);
    if (error != OK) {
        return error;
    }
    store->kind = STORE_BROKER;
    store->reader = true;
    if (access(store->data_path, F_OK) != 0) {
        fault_set(fault, "store.not-found", folder, "there is no store here");
        error = ERR_NOT_FOUND;
    }
    if (error == OK) {
        error = store_lock_share(folder, &store->live, &store->lock_fd, fault);
    }
    struct env_options env = {.flags = MDB_NOTLS | MDB_RDONLY | (store->live ? 0u : MDB_NOLOCK)};
    if (error == OK) {
        error = open_here(store, folder, &env, fault);
    }
    if (error != OK) {
        store_close(store);
        return error;
    }
    *ret_store = store;
    return OK;
}

void store_say_damage(const char *folder, struct fault *fault)
{
    if (fault->code[0] == '\0') {
        fault_set(fault, "store.corrupt", folder, "it holds what cannot be read");
        fault_hint(fault, "restore the store from its last copy");
    }
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    assert(store->writer.mdb == NULL);
    if (store->env != NULL) {
        mdb_env_close(store->env);
    }
    case_keys_free(store->case_keys);
    if (store->lock_fd >= 0) {
        (void)close(store->lock_fd);
    }
    buf_free(&store->pending.bytes);
    buf_free(&store->journal.touched);
    free(store->pending.leaves);
    free(store->streams.rows);
    free(store->slots);
    crypto_wipe(store, sizeof(*store));
    free(store);
}

/* --- transactions --- */

enum err store_begin(struct store *store, struct store_txn **ret_txn)
{
    assert(store != NULL && ret_txn != NULL);
    assert(!store->reader);
    assert(store->writer.mdb == NULL); /* a second one on this thread would wait for itself */
    assert(pthread_equal(store->thread, pthread_self()));
    MDB_txn *mdb = NULL;
    enum err error = store_result(mdb_txn_begin(store->env, NULL, 0, &mdb));
    if (error != OK) {
        return error;
    }
    store->writer =
        (struct store_txn){.store = store, .mdb = mdb, .writes = true, .own_thread = true};
    *ret_txn = &store->writer;
    return OK;
}

static void writer_end(struct store *store)
{
    record_forget_plain(&store->writer);
    store->writer.mdb = NULL;
    store->streams.count = 0;
    buf_clear(&store->journal.touched);
    audit_forget_pending(store);
}

void store_abort(struct store_txn *txn)
{
    if (txn == NULL) {
        return;
    }
    assert(txn->writes && txn->mdb != NULL);
    mdb_txn_abort(txn->mdb);
    writer_end(txn->store);
}

static void pass(const struct store *store, const char *name)
{
    if (store->pass_point != NULL) {
        store->pass_point(store->owner, name);
    }
}

enum err store_commit(struct store_txn *txn)
{
    assert(txn != NULL && txn->writes && txn->mdb != NULL);
    struct store *store = txn->store;
    assert(store->pending.count == 0 || store->pending.sealed || txn->failed != OK);
    enum err error = txn->failed != OK ? txn->failed : queue_flush(txn);
    if (error == OK) {
        error = store_journal_flush(txn);
    }
    if (error != OK) {
        store_abort(txn);
        return error;
    }
    pass(store, "store.before-commit");
    error = store_result(mdb_txn_commit(txn->mdb));
    pass(store, "store.after-commit");
    if (error == OK) {
        audit_publish(store);
        store_journal_publish(store);
    }
    writer_end(store);
    usage_update(store);
    return error;
}

enum err store_read_begin(struct store *store, struct store_txn **ret_txn)
{
    assert(store != NULL && ret_txn != NULL);
    struct store_txn *txn = calloc(1, sizeof(*txn));
    if (txn == NULL) {
        return ERR_MEMORY;
    }
    txn->store = store;
    txn->own_thread = pthread_equal(store->thread, pthread_self()) != 0;
    enum err error = store_result(mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn->mdb));
    if (error != OK) {
        free(txn);
        return error;
    }
    *ret_txn = txn;
    return OK;
}

void store_read_end(struct store_txn *txn)
{
    if (txn == NULL) {
        return;
    }
    assert(!txn->writes);
    mdb_txn_abort(txn->mdb);
    record_forget_plain(txn);
    free(txn);
}

const char *store_damage(const struct store_txn *txn)
{
    assert(txn != NULL);
    return txn->damage;
}

void store_check_readers(struct store *store)
{
    int dead = 0;
    /* Only frees slots of processes that are gone; what fails is tried again next time. */
    (void)mdb_reader_check(store->env, &dead);
    if (dead > 0) {
        log_debug("store: freed %d slots of readers that died", dead);
    }
}

enum err store_copy(struct store *store, const char *folder, struct fault *fault)
{
    assert(store != NULL && folder != NULL);
    int result = mdb_env_copy2(store->env, folder, MDB_CP_COMPACT);
    if (result != MDB_SUCCESS) {
        fault_set(fault, "store.copy", folder, "cannot copy the store: %s", mdb_strerror(result));
        fault_hint(fault, "the folder must exist, be empty, and have room for the store");
        return store_result(result);
    }
    return store->case_keys != NULL ? store_case_keys_beside(store, folder, fault) : OK;
}
