/* Backups of a store: one file with every record, its key and its configuration, sealed to a
 * recovery key (base/sealed_file.h, docs/backup-format.md), beside a folder of attachments that
 * each backup adds to.
 *
 * Made while the writer goes on: the log, which only grows, is read in short snapshots, the tables
 * in one. Each record's MAC and each leaf are checked as they are read, and the log's root is
 * computed, so that a damaged store makes no backup. Durable, read back and compared on return.
 * Reading checks the file's signature before anything, and every record again. Restoring writes
 * into a folder of its own and gives it its name when all is whole. Any thread, blocking, for
 * minutes; not for a loop. */
#ifndef REFERRAL_STORE_BACKUP_H
#define REFERRAL_STORE_BACKUP_H

#include <stdatomic.h>

#include "base/sealed_file.h"
#include "store/audit.h"

#define BACKUP_ENDING         ".backup"
#define BACKUP_ATTACHMENTS    "attachments" /* the folder beside the files */
#define BACKUP_FILE_BYTES_MAX (1024u * 1024u)
#define BACKUP_NAME_BYTES     256u /* of a configuration file or of a backup, with the NUL */
#define BACKUP_PATH_BYTES     1024u

struct backup_info { /* what a backup says of itself */
    enum store_kind kind;
    char owner[LIMIT_ORIGIN_BYTES]; /* the broker's origin, or the agency's id */
    char software[48];
    uint64_t made_ms;
    uint64_t log_size; /* a broker's: leaves, their root, and the checkpoint over them */
    struct digest log_root;
    char note[AUDIT_NOTE_BYTES + 1];
    uint64_t map_bytes;
    uint64_t rows;          /* leaves included */
    uint64_t content_bytes; /* before compression */
    uint64_t attachments;
    uint64_t attachment_bytes;
    /* of the file */
    uint64_t file_bytes;
    struct digest file_digest; /* zero after backup_peek */
    uint8_t signer[SIGN_PUBLIC_BYTES];
    uint8_t recipient[SEAL_PUBLIC_BYTES];
};

struct backup_progress { /* looked at, and cancelled, from other threads */
    _Atomic uint64_t rows;
    _Atomic uint64_t bytes; /* of content */
    _Atomic uint64_t attachments;
    atomic_bool cancel;
};

/* --- making --- */

struct backup_file {
    const char *name; /* a path below config/ in a restored folder */
    const char
        *path; /* read when the backup is made; of a folder all files in it, by their names */
};

struct backup_options {
    const char *folder; /* made where there is none */
    const char *owner;
    const char *software;
    const char *attachments; /* the folder of blobs.h; NULL: none */
    const uint8_t *recovery; /* SEAL_PUBLIC_BYTES */
    const struct sign_key *signer;
    const struct backup_file *files;
    size_t file_count;
    uint64_t now_ms;
    unsigned keep;                    /* older files of the same owner go; 0: all stay */
    struct backup_progress *progress; /* may be NULL */
};

struct backup_made {
    struct backup_info info;
    char path[BACKUP_PATH_BYTES];
    uint64_t removed; /* older files */
};
/* Borrows all until it answers. ERR_CORRUPT: the store is damaged, and the fault names the record;
 * ERR_CLOSED: cancelled; ERR_FULL, ERR_IO. Nothing is left of a failed one but attachments. */
enum err backup_make(struct store *store, const struct backup_options *options,
                     struct backup_made *ret_made, struct fault *fault) MUST_CHECK;

/* --- what is in a folder --- */

struct backup_row {
    char name[BACKUP_NAME_BYTES];
    struct backup_info info;
};
struct backup_listing {
    struct backup_row *rows; /* the caller's: room for `max` */
    size_t max;
    size_t count;
    size_t unreadable; /* files with such a name that are none */
};
/* The backups of a folder, the newest `max` of them, the newest first. ERR_NOT_FOUND: no such
 * folder. */
enum err backup_list(const char *folder, struct backup_listing *listing,
                     struct fault *fault) MUST_CHECK;

/* --- reading --- */

struct backup_reader;

/* Reads all of the file once: its signature is good. Faults as in sealed_file.h, and ERR_INVALID
 * for a sealed file that is no backup. */
enum err backup_open(const char *path, struct backup_reader **ret_reader,
                     struct fault *fault) MUST_CHECK;
const struct backup_info *backup_reader_info(const struct backup_reader *reader);
void backup_close(struct backup_reader *reader); /* NULL allowed */

/* Decrypts and checks everything, its attachments in that folder (NULL: not), writes nothing. Once,
 * instead of backup_restore. ERR_NOT_FOUND, ERR_CORRUPT also for an attachment. */
struct verify_options {
    const char *attachments;
    struct backup_progress *progress; /* may be NULL */
};
enum err backup_verify(struct backup_reader *reader, const uint8_t secret[SEAL_SECRET_BYTES],
                       const struct verify_options *options, struct fault *fault) MUST_CHECK;

struct restore_options {
    const char *to;          /* an empty folder, or none yet */
    const char *attachments; /* the folder to take them from; NULL: restore without them */
    struct backup_progress *progress;
};
/* TO/store, TO/store-attachments, TO/store.key and TO/config/..., all or nothing; then reads the
 * store again from the disk and checks every record and the root. ERR_EXISTS: the folder holds
 * something; ERR_NOT_FOUND: attachments are missing; ERR_FULL: no room for what it holds. */
enum err backup_restore(struct backup_reader *reader, const uint8_t secret[SEAL_SECRET_BYTES],
                        const struct restore_options *options, struct fault *fault) MUST_CHECK;

/* Could it be restored there: the folder is empty or none, and its disk has room? Writes nothing.
 */
enum err backup_restore_check(const struct backup_reader *reader,
                              const struct restore_options *options,
                              struct fault *fault) MUST_CHECK;

/* The row of STORE_META that a restored store has until somebody deals with it: be64 log size |
 * be64 made_ms. */
#define BACKUP_RESTORED_META "restored"

#endif
