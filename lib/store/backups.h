/* A daemon's own backups: what one takes with it is said by a plan from the daemon's configuration,
 * made anew for each backup, because a reload may have changed it; the work is backup_job's. Loop
 * thread; nothing here waits. See backup.h for what is durable. */
#ifndef REFERRAL_STORE_BACKUPS_H
#define REFERRAL_STORE_BACKUPS_H

#include "base/json.h"
#include "store/backup_job.h"

#define BACKUPS_FILES_MAX 6u

struct backups;

struct backups_plan {              /* borrowed during a call */
    const char *folder;            /* as configured; empty: named with each backup */
    const char *recovery_key;      /* the file of the public half; empty: no backups */
    const char *attachments;       /* the folder of blobs.h; empty: beside the store */
    const char *store;             /* its folder */
    const char *owner;             /* the broker's origin, or the agency's id */
    const char *software;          /* static */
    const struct sign_key *signer; /* copied */
    struct backup_file files[BACKUPS_FILES_MAX]; /* the first is the configuration itself */
    size_t file_count;
    unsigned keep;
    uint64_t now_ms;
};

/* Finds the last one in the plan's folder. ERR_MEMORY. */
enum err backups_new(const struct backups_plan *plan, struct backups **ret_backups) MUST_CHECK;
/* Cancels what runs. Before the store is closed. NULL allowed. */
void backups_free(struct backups *backups);

/* Could one be made to `out` (NULL: the configured folder)? The folder is named and the recovery
 * key is one. Makes nothing. */
enum err backups_check(struct backups *backups, const struct backups_plan *plan, const char *out,
                       struct fault *fault) MUST_CHECK;
/* After a good check. Answers at once. */
enum err backups_start(struct backups *backups, struct store *store,
                       const struct backups_plan *plan, const char *out,
                       struct fault *fault) MUST_CHECK;
/* Now and then: tells the journal how one ended. NULL allowed. */
void backups_turn(struct backups *backups);
bool backups_running(const struct backups *backups); /* and nobody was told how it ended */
void backups_look(struct backups *backups, struct backup_look *ret_look);
/* The member "backup" of an answer (docs/status.schema.json). */
void backups_write(struct backups *backups, const char *folder, struct json_writer *out);

#endif
