/* The store: one LMDB environment in one folder, its tables, transactions and protected records.
 *
 * LMDB has no checksums, so every record is bound to its table and key: by a keyed MAC in the
 * broker's store (values readable without the key, by the offline verifier), by authenticated
 * encryption in an agent's (keys are pseudonymous ids and stay readable, values do not). A record
 * that does not verify is ERR_CORRUPT, never data.
 *
 * One writer process a folder, and in it one write transaction at a time, on the thread that opened
 * the store. Read transactions may run on any thread, each on one. Everything written is durable
 * when store_commit answers OK, and nothing of a transaction is there when it does not. What is
 * asked of queues, cases, due rows and leaves is in the headers beside this one; an agent uses this
 * one directly. The bytes of attachments are files: blobs.h. */
#ifndef REFERRAL_STORE_STORE_H
#define REFERRAL_STORE_STORE_H

#include "base/bytes.h"
#include "base/crypto.h"
#include "base/limits.h"

#define STORE_KEY_BYTES_MAX   500u /* of one record's key; LMDB allows 511 */
#define STORE_VALUE_BYTES_MAX (1024u * 1024u)

/* Map sizes. The map is whole from the start: growing it under a reader crashes. */
#define STORE_MAP_FULL_BYTES ((uint64_t)16 * 1024 * 1024 * 1024) /* a broker's, an agent's */
#define STORE_MAP_TEST_BYTES ((uint64_t)256 * 1024 * 1024)       /* demo and tests */

enum store_kind {                   /* numbers are on disk */
                  STORE_BROKER = 1, /* records readable, with a MAC */
                  STORE_AGENT = 2,  /* records sealed */
};

/* Numbers are on disk (bound into each record): never reuse one. */
enum store_table {
    STORE_META = 0,      /* both: text -> value */
    STORE_LOG = 1,       /* broker: audit.h */
    STORE_QUEUE = 2,     /* broker: queue.h */
    STORE_STREAM = 3,    /* broker: queue.h */
    STORE_DEDUPE = 4,    /* broker: dedupe.h */
    STORE_CASE = 5,      /* both: cases.h */
    STORE_NUMBER = 6,    /* both: cases.h; an agent's counters too */
    STORE_DUE = 7,       /* both: due.h */
    STORE_WITNESS = 8,   /* broker: witness.h */
    STORE_OUTBOX = 9,    /* agent */
    STORE_INBOX = 10,    /* agent */
    STORE_NOTICE = 11,   /* agent */
    STORE_INDEX = 12,    /* agent: second ways to a row */
    STORE_VALUE = 13,    /* agent: anything else by key */
    STORE_BLOB = 14,     /* both: of attachments; broker: uploads.h */
    STORE_OFFICE = 15,   /* agent: officers, their acts and drafts */
    STORE_JOURNAL = 16,  /* broker: what the last commits changed, for a standby; in no backup */
    STORE_REASON = 17,   /* broker: reasons.h */
    STORE_DEAD = 18,     /* broker: dead.h */
    STORE_RECOVERY = 19, /* broker: handed.h */
    STORE_TABLE_COUNT
};

struct store_options {
    enum store_kind kind;
    uint64_t map_bytes;     /* of a new store and of an existing one; at least what it was made with
                               is used */
    bool create;            /* make the store where there is none */
    bool reserve;           /* a new store's space is taken from the disk at once */
    uint64_t journal_bytes; /* STORE_BROKER: of the last changes, for a standby; 0: none */
    struct mac_key mac_key; /* STORE_BROKER */
    uint8_t seal_key[AEAD_KEY_BYTES]; /* STORE_AGENT */
    /* Named points ("store.before-commit", "store.after-commit", and of its case keys "-keys") for
     * crash tests; may be NULL. */
    void (*pass_point)(void *owner, const char *name);
    void *owner; /* borrowed while the store is open */
};

struct store;
struct case_keys;
struct store_txn;

/* Opens for writing; creates durably (temporary folder, sync, rename) when asked. The options may
 * be wiped after the call. The fault says what to do about ERR_NOT_FOUND  no store there, and
 * `create` is off;    ERR_EXISTS  the folder holds other files; ERR_BUSY       another process has
 * it open (its pid);  ERR_VERSION made by an unknown version; ERR_FORGED     the key is not this
 * store's;            ERR_CORRUPT damaged or truncated; ERR_INVALID    a store of the other kind;
 * ERR_FULL no disk space to reserve;  ERR_IO. An agent's new store, and one of a release that had
 * none, gets its file of case keys (case_keys.h); one that had it is not opened without, or with
 * another's: ERR_NOT_FOUND, ERR_FORGED. */
enum err store_open(const char *folder, const struct store_options *options,
                    struct store **ret_store, struct fault *fault) MUST_CHECK;
/* Opens a broker's store without its key and without writing to it, for the offline verifier:
 * records are not authenticated, every length in them is checked, and every page of the file is
 * checked before LMDB reads it. While a broker runs on the store its lock file must be writable. */
enum err store_open_reader(const char *folder, struct store **ret_store,
                           struct fault *fault) MUST_CHECK;
/* No transaction may be open. NULL allowed. */
void store_close(struct store *store);
/* After ERR_CORRUPT from anything that read the store in this folder: a fault that says nothing yet
 * says so, and what to do. */
void store_say_damage(const char *folder, struct fault *fault);
/* An agent's; borrowed. NULL: a broker's has none, whose bodies are sealed by others. */
struct case_keys *store_case_keys(const struct store *store);
/* Writes the file again: durable on return. */
enum err store_case_keys_save(struct store *store, struct fault *fault) MUST_CHECK;
/* The copy for restoring, into the folder of the backups; any thread. */
enum err store_case_keys_copy(struct store *store, const char *folder,
                              struct fault *fault) MUST_CHECK;

/* --- transactions --- */

enum err store_begin(struct store *store, struct store_txn **ret_txn) MUST_CHECK;
/* Written and synced when OK. Whatever the result, the transaction is gone. The first failure of a
 * write inside the transaction is answered here again, and nothing is kept then. ERR_FULL: the map
 * (or the disk) is full; reading and removing go on working below LIMIT_STORE_PERCENT. */
enum err store_commit(struct store_txn *txn) MUST_CHECK;
void store_abort(struct store_txn *txn); /* NULL allowed */
/* A snapshot. Keep it short: pages freed meanwhile cannot be used again. */
enum err store_read_begin(struct store *store, struct store_txn **ret_txn) MUST_CHECK;
void store_read_end(struct store_txn *txn); /* NULL allowed */

/* --- records ---
 * Spans handed out are borrowed until the next write in the transaction or its end; so a span
 * handed out must not be given back as the value of a write. STORE_LOG is reached through audit.h
 * only. */

enum err store_get(struct store_txn *txn, enum store_table table, struct span key,
                   struct span *ret_value) MUST_CHECK; /* ERR_NOT_FOUND, ERR_CORRUPT */
enum err store_put(struct store_txn *txn, enum store_table table, struct span key,
                   struct span value) MUST_CHECK; /* replaces */
/* As store_put, ERR_EXISTS when the key is there. */
enum err store_add(struct store_txn *txn, enum store_table table, struct span key,
                   struct span value) MUST_CHECK;
enum err store_remove(struct store_txn *txn, enum store_table table,
                      struct span key) MUST_CHECK; /* ERR_NOT_FOUND */
/* Searches for a row since the store was opened: tests count by it that two answers cost the same.
 */
uint64_t store_reads(const struct store *store);
/* Which store the transaction is of. */
struct store *store_of(const struct store_txn *txn);
/* An empty buffer of at most `max` bytes that lives as long as the transaction, and is wiped then.
 */
enum err store_lend(struct store_txn *txn, size_t max, struct buf **ret_buf) MUST_CHECK;
/* Rows in a table. */
enum err store_count(struct store_txn *txn, enum store_table table, uint64_t *ret_count) MUST_CHECK;

/* A walk over the keys of a table that begin with a prefix, in byte order. Rows may be put and
 * removed between steps; the walk goes on from the key that it stood on. Key and value are borrowed
 * until the next step, the next write, or the end. */
struct store_cursor;
enum err store_cursor_open(struct store_txn *txn, enum store_table table, struct span prefix,
                           struct store_cursor **ret_cursor) MUST_CHECK;
/* The first row whose key is at or after `key` (an empty key: the first of the prefix).
 * ERR_NOT_FOUND at the end. ERR_CORRUPT: this row does not verify; ret_key is set, and the walk may
 * go on. */
enum err store_cursor_seek(struct store_cursor *cursor, struct span key, struct span *ret_key,
                           struct span *ret_value) MUST_CHECK;
enum err store_cursor_next(struct store_cursor *cursor, struct span *ret_key,
                           struct span *ret_value) MUST_CHECK;
enum err store_cursor_last(struct store_cursor *cursor, struct span *ret_key,
                           struct span *ret_value) MUST_CHECK;
enum err store_cursor_previous(struct store_cursor *cursor, struct span *ret_key,
                               struct span *ret_value) MUST_CHECK;
/* Before its transaction ends. NULL allowed. */
void store_cursor_close(struct store_cursor *cursor);

/* Meta: rows of STORE_META by a text. */
enum err store_meta_get(struct store_txn *txn, const char *name, struct span *ret_value) MUST_CHECK;
enum err store_meta_put(struct store_txn *txn, const char *name, struct span value) MUST_CHECK;
enum err store_meta_remove(struct store_txn *txn, const char *name) MUST_CHECK; /* ERR_NOT_FOUND */

/* --- state --- */

/* Pages in use of what the store can still grow to, in per cent, as of the last commit. Free pages
 * count as free. The bound is the map, or, when the space is not reserved and the disk has less
 * left, that. Cheap. New submissions are refused at LIMIT_STORE_PERCENT. */
unsigned store_used_percent(const struct store *store);
bool store_accepts(const struct store *store); /* below LIMIT_STORE_PERCENT */
/* The table and the key's digest of the transaction's last ERR_CORRUPT: "queue 3f2a9c..."; "" when
 * there was none. Ask before the transaction ends. */
const char *store_damage(const struct store_txn *txn);
/* Frees the slots of readers that died. Once an hour. */
void store_check_readers(struct store *store);
/* A consistent compacted copy into an empty folder, on any thread; holds a snapshot meanwhile. */
enum err store_copy(struct store *store, const char *folder, struct fault *fault) MUST_CHECK;

#endif
