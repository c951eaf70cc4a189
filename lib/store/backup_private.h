/* What making, reading and restoring backups share: the walk over a store, the records of a file,
 * and the foot. Nobody else includes it. See backup.h.
 *
 * Content: records, each type u8 | table u8 | key bytes u16 | value bytes u32 | key | value.
 *   KEY    value: the store's key                                   first, once
 *   FILE   key: a name; value: a configuration file
 *   ROW    a record as it lies in the table, with its MAC or sealed: tables in the order of their
 *          numbers, but the log first; keys ascending
 *   BLOB   key: digest; value: be64 size                            an attachment beside the file
 *   END    value: SHA-256 of the foot                               last */
#ifndef REFERRAL_STORE_BACKUP_PRIVATE_H
#define REFERRAL_STORE_BACKUP_PRIVATE_H

#include "store/backup.h"
#include "store/blobs.h"
#include "store/store_private.h"

#define BACKUP_HEAD "referral backup 1\n"

enum backup_type { /* numbers are on disk */
                   BACKUP_KEY = 1,
                   BACKUP_FILE = 2,
                   BACKUP_ROW = 3,
                   BACKUP_BLOB = 4,
                   BACKUP_END = 5,
};

#define BACKUP_RECORD_BYTES    8u                            /* before key and value */
#define BACKUP_VALUE_BYTES_MAX (STORE_VALUE_BYTES_MAX + 64u) /* a sealed row is longer */

/* --- the walk over a store, backup_walk.c --- */

struct store_walk {
    struct store *store;
    enum err (*row)(void *owner, struct record_at place, struct span raw); /* NULL: only check */
    void *owner;
    struct backup_progress *progress; /* may be NULL */
    /* results */
    uint64_t rows;
    uint64_t log_size;
    struct digest log_root;
    char note[AUDIT_NOTE_BYTES + 1]; /* of the last leaf */
    char damage[STORE_DAMAGE_BYTES];
    struct merkle_frontier tree;
};
/* Every record of the store, the log first, each checked: ERR_CORRUPT sets `damage`. */
enum err store_walk_run(struct store_walk *walk) MUST_CHECK;

/* --- the foot, backup_foot.c --- */

enum err backup_foot_write(const struct backup_info *info, struct buf *out) MUST_CHECK;
/* Of a sealed file: head and foot. ERR_INVALID: no backup's. */
enum err backup_foot_read(const struct sealed_info *sealed, const char *path,
                          struct backup_info *ret_info, struct fault *fault) MUST_CHECK;

/* --- records, backup_read.c --- */

struct backup_sink {
    enum err (*key)(void *owner, const uint8_t key[32]);
    enum err (*file)(void *owner, const char *name, struct span bytes);
    enum err (*row)(void *owner, struct record_at place, struct span raw);
    enum err (*blob)(void *owner, const struct digest *digest, uint64_t bytes);
    /* At the end: which case keys it was made with, and the store's key. Not for one of before. */
    enum err (*case_keys)(void *owner, const struct uuid *id, const uint8_t key[32]);
    void *owner;
};
/* Hands out all that is in the file, each row checked before it is handed out. */
enum err backup_read_all(struct backup_reader *reader, const uint8_t secret[SEAL_SECRET_BYTES],
                         const struct backup_sink *sink, struct backup_progress *progress,
                         struct fault *fault) MUST_CHECK;
const char *backup_reader_path(const struct backup_reader *reader);

/* --- attachments, backup_blobs.c --- */

/* A folder of attachments that is not there is not made: they are missing. ERR_NOT_FOUND. */
enum err backup_blobs_there(const char *folder, struct fault *fault) MUST_CHECK;
/* Copies one from folder to folder, its digest checked; one that is there stays. */
enum err backup_blob_copy(struct blobs *from, struct blobs *to, const struct digest *digest,
                          uint64_t *ret_bytes) MUST_CHECK;
/* Is it there, whole, and what its name says? ERR_NOT_FOUND, ERR_CORRUPT. */
enum err backup_blob_check(struct blobs *blobs, const struct digest *digest,
                           uint64_t bytes) MUST_CHECK;
void backup_blob_refuse(const char *folder, const struct digest *digest, enum err error,
                        struct fault *fault);
struct backup_digests {
    struct digest *rows; /* owned */
    size_t count;
    size_t cap;
    enum err error;
};
/* Those of a folder. */
enum err backup_blob_list(struct blobs *blobs, struct backup_digests *ret) MUST_CHECK;

bool backup_cancelled(const struct backup_progress *progress);

#endif
