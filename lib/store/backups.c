/* How: what the thread reads is copied here, and stays as it is until the backup is done. */
#include "store/backups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/key_file.h"
#include "base/log.h"
#include "store/blobs.h"

#define PATH_BYTES 528u /* a configured path, and what is put behind it */

struct backups {
    struct backup_job *job;
    bool running; /* and nobody was told how it ended */
    char owner[LIMIT_ORIGIN_BYTES];
    struct sign_key key;
    char folder[PATH_BYTES]; /* of the one that was started last */
    char attachments[PATH_BYTES];
    uint8_t recovery[KEY_FILE_SECRET_BYTES]; /* public */
    char names[BACKUPS_FILES_MAX][BACKUP_NAME_BYTES];
    char paths[BACKUPS_FILES_MAX][PATH_BYTES];
    struct backup_file files[BACKUPS_FILES_MAX];
};

enum err backups_new(const struct backups_plan *plan, struct backups **ret_backups)
{
    struct backups *backups = calloc(1, sizeof(*backups));
    enum err error;

    if (backups == NULL) {
        return ERR_MEMORY;
    }
    text_copy(backups->folder, sizeof(backups->folder), plan->folder);
    error = backup_job_new(backups->folder, plan->owner, &backups->job);
    if (error != OK) {
        free(backups);
        return error;
    }
    *ret_backups = backups;
    return OK;
}

void backups_free(struct backups *backups)
{
    if (backups != NULL) {
        backup_job_free(backups->job);
        crypto_wipe(backups, sizeof(*backups));
        free(backups);
    }
}

static enum err check_folder(const struct backups_plan *plan, const char *out, struct fault *fault)
{
    const char *configuration = plan->files[0].name;

    if (out == NULL && plan->folder[0] == '\0') {
        fault_set(fault, "backup.no-folder", "backup-folder", "no folder is configured or named");
        fault_hint(fault, "set `backup-folder` in %s, or name one: backup --out DIR",
                   configuration);
        return ERR_REFUSED;
    }
    if (out != NULL && (out[0] != '/' || strlen(out) >= PATH_BYTES - 16)) {
        fault_set(fault, "backup.folder", "out", "expected an absolute path of at most %u bytes",
                  PATH_BYTES - 17);
        return ERR_INVALID;
    }
    if (plan->recovery_key[0] == '\0') {
        fault_set(fault, "backup.no-key", "recovery-key", "no recovery key is configured");
        fault_hint(fault,
                   "make a pair with `referralctl keys recovery`, name recovery.pub as "
                   "`recovery-key` in %s, restart or reload",
                   configuration);
        return ERR_REFUSED;
    }
    return OK;
}

enum err backups_check(struct backups *backups, const struct backups_plan *plan, const char *out,
                       struct fault *fault)
{
    uint8_t recovery[KEY_FILE_SECRET_BYTES]; /* public */
    struct backup_look look;
    enum err error = check_folder(plan, out, fault);

    backup_job_look(backups->job, &look);
    if (error == OK && look.state == BACKUP_RUNNING) {
        fault_set(fault, "backup.running", backups->folder, "a backup is being made already");
        fault_hint(fault, "wait for it: `backup show`");
        return ERR_REFUSED;
    }
    return error == OK ? key_file_read_public(plan->recovery_key, recovery, fault) : error;
}

static void take_files(struct backups *backups, const struct backups_plan *plan)
{
    for (size_t i = 0; i < plan->file_count; i++) {
        text_copy(backups->names[i], BACKUP_NAME_BYTES, plan->files[i].name);
        text_copy(backups->paths[i], PATH_BYTES, plan->files[i].path);
        backups->files[i] = (struct backup_file){backups->names[i], backups->paths[i]};
    }
}

static enum err take_attachments(struct backups *backups, const struct backups_plan *plan,
                                 struct fault *fault)
{
    text_copy(backups->attachments, sizeof(backups->attachments), plan->attachments);
    if (plan->attachments[0] == '\0' && blobs_folder_beside(plan->store, backups->attachments,
                                                            sizeof(backups->attachments)) != OK) {
        fault_set(fault, "config.too-long", "store", "no room for the path beside it");
        return ERR_TOO_LARGE;
    }
    return OK;
}

enum err backups_start(struct backups *backups, struct store *store,
                       const struct backups_plan *plan, const char *out, struct fault *fault)
{
    struct backup_options options = {.folder = backups->folder,
                                     .owner = backups->owner,
                                     .software = plan->software,
                                     .attachments = backups->attachments,
                                     .recovery = backups->recovery,
                                     .signer = &backups->key,
                                     .files = backups->files,
                                     .file_count = plan->file_count,
                                     .now_ms = plan->now_ms,
                                     .keep = plan->keep};
    enum err error = key_file_read_public(plan->recovery_key, backups->recovery, fault);

    if (error == OK) {
        error = take_attachments(backups, plan, fault);
    }
    if (error != OK) {
        return error;
    }
    text_copy(backups->folder, sizeof(backups->folder), out != NULL ? out : plan->folder);
    text_copy(backups->owner, sizeof(backups->owner), plan->owner);
    backups->key = *plan->signer;
    take_files(backups, plan);
    error = backup_job_start(backups->job, store, &options,
                             strcmp(backups->folder, plan->folder) == 0, fault);
    backups->running = error == OK;
    return error;
}

void backups_turn(struct backups *backups)
{
    struct backup_look look;

    if (backups == NULL || !backups->running) {
        return;
    }
    backup_job_look(backups->job, &look);
    backups->running = look.state == BACKUP_RUNNING;
    if (look.state == BACKUP_FAILED) {
        log_fault(EVENT_BACKUP_FAILED, &look.run_fault);
    } else if (look.state == BACKUP_DONE) {
        log_event(EVENT_BACKUP_MADE, "backup %s: %llu records, %llu bytes", look.made.path,
                  (unsigned long long)look.made.info.rows,
                  (unsigned long long)look.made.info.file_bytes);
    }
}

bool backups_running(const struct backups *backups)
{
    return backups->running;
}

void backups_look(struct backups *backups, struct backup_look *ret_look)
{
    backup_job_look(backups->job, ret_look);
}

/* --- what is shown --- */

static void named_text(struct json_writer *out, const char *name, const char *value)
{
    json_name(out, name);
    json_text(out, value);
}

static void named_u64(struct json_writer *out, const char *name, uint64_t value)
{
    json_name(out, name);
    json_u64(out, value);
}

static void write_made(const char *name, const struct backup_made *made, struct json_writer *out)
{
    json_name(out, name);
    if (made == NULL) {
        json_text(out, NULL);
        return;
    }
    json_object_begin(out);
    named_text(out, "file", made->path);
    named_u64(out, "made_ms", made->info.made_ms);
    named_u64(out, "log_size", made->info.log_size);
    named_u64(out, "rows", made->info.rows);
    named_u64(out, "content_bytes", made->info.content_bytes);
    named_u64(out, "file_bytes", made->info.file_bytes);
    named_u64(out, "attachments", made->info.attachments);
    named_u64(out, "attachment_bytes", made->info.attachment_bytes);
    json_object_end(out);
}

static void write_fault(const char *name, const struct fault *fault, struct json_writer *out)
{
    json_name(out, name);
    if (fault->code[0] == '\0') {
        json_text(out, NULL);
        return;
    }
    json_object_begin(out);
    named_text(out, "code", fault->code);
    named_text(out, "place", fault->place);
    named_text(out, "message", fault->message);
    named_text(out, "hint", fault->hint);
    json_object_end(out);
}

void backups_write(struct backups *backups, const char *folder, struct json_writer *out)
{
    static const char *const states[] = {[BACKUP_NEVER] = "never",
                                         [BACKUP_RUNNING] = "running",
                                         [BACKUP_DONE] = "done",
                                         [BACKUP_FAILED] = "failed"};
    struct backup_look look;

    json_name(out, "backup");
    if (backups == NULL) {
        json_text(out, NULL);
        return;
    }
    backup_job_look(backups->job, &look);
    json_object_begin(out);
    named_text(out, "folder", folder);
    named_text(out, "state", states[look.state]);
    named_u64(out, "started_ms", look.started_ms);
    named_u64(out, "rows", look.rows);
    named_u64(out, "bytes", look.bytes);
    named_u64(out, "attachments", look.attachments);
    write_made("made", look.state == BACKUP_DONE ? &look.made : NULL, out);
    write_fault("error", &look.run_fault, out);
    write_made("last", look.has_last ? &look.last : NULL, out);
    named_u64(out, "failures", look.failures);
    write_fault("failure", &look.fault, out);
    json_object_end(out);
}
