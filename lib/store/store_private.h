/* What the files of lib/store share: the environment, a transaction, raw records. Nobody else
 * includes it; it is the only header that knows LMDB's. See store.h for threads and durability. */
#ifndef REFERRAL_STORE_PRIVATE_H
#define REFERRAL_STORE_PRIVATE_H

#include <limits.h>
#include <lmdb.h>
#include <pthread.h>

#include "model/merkle.h"
#include "store/audit.h"
#include "store/case_keys.h"
#include "store/queue.h"
#include "store/store.h"

#define STORE_DAMAGE_BYTES   64u
#define STORE_READERS        254u
#define STORE_SCHEMA_VERSION 1u
#define STORE_SCHEMA_BYTES   21u      /* magic 16, version be32, kind */
#define STORE_SCHEMA_KEY     "schema" /* the one row without protection: how to read the rest */
#define AUDIT_CACHE_SLOTS    4096u    /* upper nodes are shared by nearly all paths */

/* One complete subtree's hash, direct-mapped by level and index. */
struct audit_slot {
    uint64_t index;
    uint32_t level; /* plus one; 0: the slot is free */
    struct digest hash;
};

/* A leaf that is not written yet: its bytes lie in audit_pending.bytes. */
struct audit_pending_leaf {
    size_t offset;
    uint32_t front_bytes; /* head, hash, nodes: before note and MAC */
    uint32_t back_bytes;  /* salt, record, envelope: after them */
    uint32_t envelope_bytes;
};

/* The leaves of the write transaction. */
struct audit_pending {
    bool begun;
    bool sealed;
    uint64_t first;              /* index of leaves[0] */
    struct merkle_frontier tree; /* with these leaves */
    struct buf bytes;
    struct audit_pending_leaf *leaves; /* owned */
    size_t count;
    size_t cap;
};

/* A stream that the write transaction touched: written once, before its commit. */
struct queue_touched {
    uint32_t id; /* recipient << 8 | lane */
    bool changed;
    struct queue_state state;
};

struct queue_cache {
    struct queue_touched *rows; /* owned */
    size_t count;
    size_t cap;
};

/* A record opened for a sealed store's caller; wiped and freed with its transaction. */
struct store_plain {
    struct store_plain *next;
    struct buf bytes;
};

/* What the write transaction touched, and what there is of the journal (journal.c). */
struct journal {
    uint64_t keep_bytes; /* 0: none is written */
    uint8_t epoch[8];
    uint64_t oldest;
    uint64_t last;
    uint64_t bytes;      /* of its rows */
    struct buf touched;  /* owned: table u8 | key bytes u16 | key, again and again */
    uint64_t next_bytes; /* these three: once the commit is durable */
    uint64_t next_oldest;
    uint64_t next_last;
};

struct store_txn {
    struct store *store; /* borrowed */
    MDB_txn *mdb;        /* owned; NULL: the writer's is not in use */
    bool writes;
    bool own_thread; /* on the thread that opened the store: may use the node cache */
    enum err failed; /* the first failure of a write: nothing of this is kept */
    struct store_plain *plain;
    char damage[STORE_DAMAGE_BYTES];
    /* A snapshot's log does not change: what its receipts ask for again and again. */
    uint64_t log_size;  /* plus one; 0: not looked up yet */
    uint64_t note_size; /* 0: none */
    struct span note;   /* the checkpoint over note_size leaves */
};

struct store {
    MDB_env *env;
    MDB_dbi tables[STORE_TABLE_COUNT];
    bool present[STORE_TABLE_COUNT];
    enum store_kind kind;
    bool reader; /* without keys */
    bool live;   /* a reader beside a running writer */
    bool reserved;
    struct mac_key mac_key;
    uint8_t seal_key[AEAD_KEY_BYTES];
    struct case_keys *case_keys; /* owned; of an agent's store; else NULL */
    _Atomic uint64_t reads;      /* rows looked for */
    int lock_fd;
    pthread_t thread; /* opened the store, and writes */
    char data_path[PATH_MAX];
    void (*pass_point)(void *owner, const char *name);
    void *owner;
    struct store_txn writer;
    /* usage, as of the last commit */
    uint64_t map_pages;
    uint64_t free_pages;
    uint64_t recount_in; /* commits until the free pages are counted again */
    unsigned used_percent;
    /* the log */
    struct merkle_frontier tree; /* committed */
    struct audit_slot *slots;    /* owned; AUDIT_CACHE_SLOTS */
    struct audit_pending pending;
    struct queue_cache streams;
    struct journal journal;
};

/* LMDB's result as ours. */
enum err store_result(int result);
void store_schema_pack(enum store_kind kind, uint8_t out[STORE_SCHEMA_BYTES]);
const char *store_table_name(enum store_table table);
bool store_table_is_of(enum store_table table, enum store_kind kind);
/* Notes the damage and answers ERR_CORRUPT. */
enum err store_corrupt(struct store_txn *txn, enum store_table table, struct span key);
/* Keeps the first failure of a write; answers `error`. */
enum err store_failed(struct store_txn *txn, enum err error);

/* Records as they lie in the table. */
enum err store_raw_get(struct store_txn *txn, enum store_table table, struct span key,
                       struct span *ret_raw) MUST_CHECK;
struct record_at { /* where a record lies */
    enum store_table table;
    struct span key;
};
/* Room for a record of `len` bytes there; to be filled before the next call. */
enum err store_raw_reserve(struct store_txn *txn, struct record_at place, size_t len,
                           unsigned flags, uint8_t **ret_room) MUST_CHECK;
struct mac record_mac(const struct store *store, enum store_table table, struct span key,
                      struct span value);
/* Checks and opens a raw record; sealed ones are opened into `plain` (appended). */
enum err record_open(struct store_txn *txn, struct record_at place, struct span raw,
                     struct buf *plain, struct span *ret_value) MUST_CHECK;
enum err record_put(struct store_txn *txn, enum store_table table, struct span key,
                    struct span value, unsigned flags) MUST_CHECK;
void record_forget_plain(struct store_txn *txn);

/* MAC and leaf hash of an entry as it lies in the table. */
enum err audit_entry_check(struct store_txn *txn, uint64_t index, struct span raw,
                           struct audit_entry *ret_entry) MUST_CHECK;
/* Where the log ends, and its frontier, at opening. */
enum err audit_load(struct store *store, struct fault *fault) MUST_CHECK;
void audit_forget_pending(struct store *store); /* after commit (published) or abort */
void audit_publish(struct store *store);
/* Writes the touched streams. */
enum err queue_flush(struct store_txn *txn) MUST_CHECK;

/* journal.c. Touching fails with ERR_FULL where a transaction touches too much. */
enum err store_journal_open(struct store *store, uint64_t keep_bytes) MUST_CHECK;
enum err store_journal_touch(struct store *store, enum store_table table,
                             struct span key) MUST_CHECK;
enum err store_journal_flush(struct store_txn *txn) MUST_CHECK;
void store_journal_publish(struct store *store);

/* keys_file.c. The store is open, and nothing else has happened yet. */
enum err store_case_keys_open(struct store *store, struct fault *fault) MUST_CHECK;
#define CASE_KEYS_META "case-keys" /* -> the file's id */
/* Which ones the rows speak of. ERR_NOT_FOUND: a store of before there were any. */
enum err store_case_keys_known(struct store *store, struct uuid *ret_id) MUST_CHECK;
/* Takes those of a restored store instead of its own, and writes the file. */
enum err store_case_keys_adopt(struct store *store, struct case_keys *keys,
                               struct fault *fault) MUST_CHECK;
const uint8_t *store_key_bytes(const struct store *store); /* 32: of its kind */
/* The file of a copy of the store in that folder. */
enum err store_case_keys_beside(struct store *store, const char *folder,
                                struct fault *fault) MUST_CHECK;
/* The copy beside a backup. ERR_NOT_FOUND, ERR_FORGED, with a fault. */
enum err store_case_keys_read_copy(const char *folder, const struct uuid *id,
                                   const uint8_t store_key[32], struct case_keys **ret_keys,
                                   struct fault *fault) MUST_CHECK;

/* files.c: the folder. */
enum err store_folder_create(const char *folder, const struct store_options *options,
                             int *ret_lock_fd, struct fault *fault) MUST_CHECK;
/* The writer's lock; ERR_BUSY names the holder. */
enum err store_lock_take(const char *folder, int *ret_lock_fd, struct fault *fault) MUST_CHECK;
/* Tells whether a writer has it; holds off writers while the descriptor is open. *ret_lock_fd is -1
 * where there is no lock file. */
enum err store_lock_share(const char *folder, bool *ret_writer, int *ret_lock_fd,
                          struct fault *fault) MUST_CHECK;
/* A new environment in `folder`, for the kind: schema and key check written and synced. */
enum err store_format(const char *folder, const struct store_options *options,
                      struct fault *fault) MUST_CHECK;

/* What the two meta pages of a data file say. */
struct pages_meta {
    uint64_t map_bytes;
    uint64_t page_bytes;
    uint64_t last_page;
    uint64_t file_bytes;
    uint64_t block_bytes; /* taken from the disk */
};
/* ERR_CORRUPT: no valid meta page; the fault names the file. */
enum err pages_read_meta(const char *data_path, struct pages_meta *ret_meta,
                         struct fault *fault) MUST_CHECK;
#define PAGES_KEY_BYTES 511u /* LMDB's */
struct pages_visit {
    void *owner;
    uint64_t map_bytes; /* that it was made with, or was given since; 0: unknown */
    /* A row of a table, borrowed; what is not OK ends the walk, but for ERR_CORRUPT. NULL: none. */
    enum err (*row)(void *owner, struct span table, struct span key, struct span value);
    void (*table)(void *owner, struct span name); /* each, before its rows; NULL allowed */
    /* A page and what it does ("is referred to twice"); the walk goes on around it. */
    void (*damage)(void *owner, uint64_t page, const char *what);
};
/* The state as of one transaction, whose pages a reader's transaction keeps from being used again.
 */
struct pages_snapshot {
    uint8_t meta[136];
};
/* ERR_BUSY: the writer has gone on; begin another transaction. */
enum err pages_snapshot(const char *data_path, uint64_t transaction,
                        struct pages_snapshot *ret_snapshot) MUST_CHECK;
/* Walks every page and row. OK also where there was damage: visit->damage was told. A snapshot is
 * for a file that somebody writes to meanwhile; NULL: nobody does. */
enum err pages_walk(const char *data_path, const struct pages_snapshot *snapshot,
                    const struct pages_visit *visit, struct fault *fault) MUST_CHECK;
/* The same without looking at rows: ERR_CORRUPT with the first damage in the fault. */
enum err pages_check(const char *data_path, struct fault *fault) MUST_CHECK;

#endif
