/* The thread of one backup, and what is remembered of it. See backup_job.h. The thread owns
 * `made`, `fault` and `error` until `ended` is set; then they are the loop's. */
#include "store/backup_job.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICENESS 10 /* messages come first */

struct backup_job {
    struct store *store; /* borrowed while it runs */
    struct backup_options options;
    char folder[BACKUP_PATH_BYTES];
    uint8_t recovery[SEAL_PUBLIC_BYTES];
    struct backup_progress progress;
    pthread_t thread;
    bool running; /* the thread is to be joined */
    bool regular;
    atomic_bool ended;
    struct backup_made made;
    struct fault fault;
    enum err error;
    struct backup_look look;
};

/* The newest of this owner; none is no failure. */
static void find_last(struct backup_job *job, const char *folder, const char *owner)
{
    struct backup_row *rows = calloc(256, sizeof(*rows));
    struct backup_listing listing = {.rows = rows, .max = rows != NULL ? 256 : 0};
    if (rows == NULL || folder[0] == '\0' || backup_list(folder, &listing, NULL) != OK) {
        free(rows);
        return;
    }
    for (size_t i = 0; !job->look.has_last && i < listing.count; i++) {
        if (strcmp(rows[i].info.owner, owner) == 0) {
            job->look.has_last = true;
            job->look.last.info = rows[i].info;
            text_copy(job->look.last.path, sizeof(job->look.last.path), folder);
            size_t len = strlen(job->look.last.path);
            text_copy(job->look.last.path + len, sizeof(job->look.last.path) - len, "/");
            text_copy(job->look.last.path + len + 1, sizeof(job->look.last.path) - len - 1,
                      rows[i].name);
        }
    }
    free(rows);
}

enum err backup_job_new(const char *folder, const char *owner, struct backup_job **ret_job)
{
    assert(strlen(folder) < BACKUP_PATH_BYTES / 2);
    struct backup_job *job = calloc(1, sizeof(*job));
    if (job == NULL) {
        return ERR_MEMORY;
    }
    find_last(job, folder, owner);
    *ret_job = job;
    return OK;
}

static void *thread_run(void *arg)
{
    struct backup_job *job = arg;
    /* A wish: at the usual priority it works as well. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
    job->error = backup_make(job->store, &job->options, &job->made, &job->fault);
    atomic_store(&job->ended, true);
    return NULL;
}

/* Takes over what an ended thread left. */
static void collect(struct backup_job *job)
{
    if (!job->running || !atomic_load(&job->ended)) {
        return;
    }
    (void)pthread_join(job->thread, NULL); /* ours, and not joined yet */
    job->running = false;
    job->look.state = job->error == OK ? BACKUP_DONE : BACKUP_FAILED;
    job->look.made = job->made;
    job->look.run_fault = job->fault;
    if (job->regular && job->error == OK) {
        job->look.has_last = true;
        job->look.last = job->made;
        job->look.failures = 0;
        job->look.fault = (struct fault){.code = ""};
    } else if (job->regular) {
        job->look.failures++;
        job->look.fault = job->fault;
    }
}

enum err backup_job_start(struct backup_job *job, struct store *store,
                          const struct backup_options *options, bool regular, struct fault *fault)
{
    collect(job);
    if (job->running) {
        fault_set(fault, "backup.running", options->folder, "a backup is being made already");
        fault_hint(fault, "wait for it: `referralctl backup show`");
        return ERR_BUSY;
    }
    job->store = store;
    job->options = *options;
    text_copy(job->folder, sizeof(job->folder), options->folder);
    memcpy(job->recovery, options->recovery, sizeof(job->recovery));
    job->options.folder = job->folder;
    job->options.recovery = job->recovery;
    job->options.progress = &job->progress;
    atomic_store(&job->progress.rows, 0);
    atomic_store(&job->progress.bytes, 0);
    atomic_store(&job->progress.attachments, 0);
    atomic_store(&job->progress.cancel, false);
    atomic_store(&job->ended, false);
    job->fault = (struct fault){.code = ""};
    job->look.run_fault = job->fault;
    job->regular = regular;
    if (pthread_create(&job->thread, NULL, thread_run, job) != 0) {
        fault_set(fault, "backup.failed", options->folder, "cannot start a thread");
        return ERR_MEMORY;
    }
    job->running = true;
    job->look.state = BACKUP_RUNNING;
    job->look.started_ms = options->now_ms;
    return OK;
}

void backup_job_look(struct backup_job *job, struct backup_look *ret_look)
{
    collect(job);
    job->look.rows = atomic_load(&job->progress.rows);
    job->look.bytes = atomic_load(&job->progress.bytes);
    job->look.attachments = atomic_load(&job->progress.attachments);
    *ret_look = job->look;
}

void backup_job_free(struct backup_job *job)
{
    if (job == NULL) {
        return;
    }
    if (job->running) {
        atomic_store(&job->progress.cancel, true);
        (void)pthread_join(job->thread, NULL);
    }
    crypto_wipe(job, sizeof(*job));
    free(job);
}
