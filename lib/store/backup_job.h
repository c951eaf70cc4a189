/* A backup in the background of a daemon: one at a time, on a thread of its own with a low
 * priority, so that the loop is never held up; started, looked at and cancelled from the loop
 * thread. What was made or failed last is remembered until the next one, and found again in the
 * folder after a restart. See backup.h for what is durable. */
#ifndef REFERRAL_STORE_BACKUP_JOB_H
#define REFERRAL_STORE_BACKUP_JOB_H

#include "store/backup.h"

struct backup_job;

/* `folder` (may be empty) is looked through for the last backup of `owner`. */
enum err backup_job_new(const char *folder, const char *owner,
                        struct backup_job **ret_job) MUST_CHECK;
/* Cancels what runs and waits for it. Before the store is closed. NULL allowed. */
void backup_job_free(struct backup_job *job);

/* Not `regular`: to a folder of the moment; what becomes of it changes neither `last` nor
 * `failures`. Copies the folder's name and the recovery key; all else of the options is borrowed
 * until the job is done or freed. ERR_BUSY: one is running. */
enum err backup_job_start(struct backup_job *job, struct store *store,
                          const struct backup_options *options, bool regular,
                          struct fault *fault) MUST_CHECK;

enum backup_state { BACKUP_NEVER, BACKUP_RUNNING, BACKUP_DONE, BACKUP_FAILED };

struct backup_look {
    enum backup_state state; /* of the last that was started by this process */
    uint64_t started_ms;
    uint64_t rows; /* so far */
    uint64_t bytes;
    uint64_t attachments;
    struct backup_made made; /* what it made, when it is done */
    struct fault run_fault;  /* why it failed; code "" when it did not */
    bool has_last;           /* these are of regular ones */
    struct backup_made last; /* the last good one, of an earlier process too */
    uint64_t failures;       /* since the last good one, by this process */
    struct fault fault;      /* of the last failure; code "" when there was none */
};
void backup_job_look(struct backup_job *job, struct backup_look *ret_look);

#endif
