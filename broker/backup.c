/* What goes into the broker's backups. See backup.h. The configuration is copied at each start,
 * as are origin and key, since a reload may take others while the thread works. */
#include "broker/backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/key_file.h"
#include "base/log.h"
#include "store/blobs.h"
#include "wire/keyring.h"

#define FILE_COUNT 5u

struct broker_backup {
    struct backup_job *job;
    bool running; /* and nobody was told how it ended */
    struct broker_config config;
    char owner[LIMIT_ORIGIN_BYTES];
    struct sign_key key;
    char folder[CONFIG_PATH_BYTES]; /* of the one that was started last */
    char attachments[CONFIG_PATH_BYTES + 16];
    uint8_t recovery[KEY_FILE_SECRET_BYTES]; /* public */
    struct backup_file files[FILE_COUNT];
};

enum err broker_backup_new(const struct broker_config *config, const char *origin,
                           struct broker_backup **ret_backup)
{
    struct broker_backup *backup = calloc(1, sizeof(*backup));
    enum err error;

    if (backup == NULL) {
        return ERR_MEMORY;
    }
    text_copy(backup->folder, sizeof(backup->folder), config->backup_folder);
    error = backup_job_new(backup->folder, origin, &backup->job);
    if (error != OK) {
        free(backup);
        return error;
    }
    *ret_backup = backup;
    return OK;
}

void broker_backup_free(struct broker_backup *backup)
{
    if (backup != NULL) {
        backup_job_free(backup->job);
        crypto_wipe(backup, sizeof(*backup));
        free(backup);
    }
}

static enum err check_folder(const struct broker_config *config, const char *out,
                             struct fault *fault)
{
    if (out == NULL && config->backup_folder[0] == '\0') {
        fault_set(fault, "backup.no-folder", "backup-folder", "no folder is configured or named");
        fault_hint(fault, "set `backup-folder` in broker.yaml, or name one: backup --out DIR");
        return ERR_REFUSED;
    }
    if (out != NULL && (out[0] != '/' || strlen(out) >= CONFIG_PATH_BYTES)) {
        fault_set(fault, "backup.folder", "out", "expected an absolute path of at most %d bytes",
                  CONFIG_PATH_BYTES - 1);
        return ERR_INVALID;
    }
    if (config->recovery_key[0] == '\0') {
        fault_set(fault, "backup.no-key", "recovery-key", "no recovery key is configured");
        fault_hint(fault, "make a pair with `referralctl keys recovery`, name recovery.pub as "
                          "`recovery-key` in broker.yaml, restart or reload");
        return ERR_REFUSED;
    }
    return OK;
}

enum err broker_backup_check(struct broker_backup *backup, const struct broker_config *config,
                             const char *out, struct fault *fault)
{
    uint8_t recovery[KEY_FILE_SECRET_BYTES]; /* public */
    struct backup_look look;
    enum err error = check_folder(config, out, fault);

    backup_job_look(backup->job, &look);
    if (error == OK && look.state == BACKUP_RUNNING) {
        fault_set(fault, "backup.running", backup->folder, "a backup is being made already");
        fault_hint(fault, "wait for it: `referralctl backup show`");
        return ERR_REFUSED;
    }
    return error == OK ? key_file_read_public(config->recovery_key, recovery, fault) : error;
}

static void name_files(struct broker_backup *backup)
{
    const struct broker_config *config = &backup->config;
    const struct backup_file files[FILE_COUNT] = {{"broker.yaml", config->origin.file},
                                                  {"agencies.yaml", config->registry},
                                                  {"policy.yaml", config->policy},
                                                  {"public-keys.yaml", config->public_keys},
                                                  {"calendars", config->calendars}};

    memcpy(backup->files, files, sizeof(files));
}

enum err broker_backup_start(struct broker_backup *backup, const struct broker *broker,
                             const struct broker_config *config, const char *out,
                             struct fault *fault)
{
    const struct broker_setup *setup = broker_setup(broker);
    struct backup_options options = {.folder = backup->folder,
                                     .owner = backup->owner,
                                     .software = setup->software,
                                     .attachments = backup->attachments,
                                     .recovery = backup->recovery,
                                     .signer = &backup->key,
                                     .files = backup->files,
                                     .file_count = FILE_COUNT,
                                     .keep = (unsigned)config->backup_keep};
    struct broker_clock clock;
    enum err error;

    error = key_file_read_public(config->recovery_key, backup->recovery, fault);
    if (error != OK) {
        return error;
    }
    backup->config = *config;
    text_copy(backup->folder, sizeof(backup->folder), out != NULL ? out : config->backup_folder);
    broker_clock(broker, &clock);
    options.now_ms = clock.wall_ms;
    text_copy(backup->owner, sizeof(backup->owner), keyring_origin(setup->keyring));
    backup->key = *setup->key;
    name_files(backup);
    text_copy(backup->attachments, sizeof(backup->attachments), config->attachments);
    if (config->attachments[0] == '\0' && blobs_folder_beside(config->store, backup->attachments,
                                                              sizeof(backup->attachments)) != OK) {
        fault_set(fault, "config.too-long", "store", "no room for the path beside it");
        return ERR_TOO_LARGE;
    }
    error = backup_job_start(backup->job, setup->store, &options,
                             strcmp(backup->folder, config->backup_folder) == 0, fault);
    backup->running = error == OK;
    return error;
}

void broker_backup_turn(struct broker_backup *backup)
{
    struct backup_look look;

    if (backup == NULL || !backup->running) {
        return;
    }
    backup_job_look(backup->job, &look);
    backup->running = look.state == BACKUP_RUNNING;
    if (look.state == BACKUP_FAILED) {
        log_fault(EVENT_BACKUP_FAILED, &look.run_fault);
    } else if (look.state == BACKUP_DONE) {
        log_event(EVENT_BACKUP_MADE, "backup %s: %llu leaves, %llu bytes", look.made.path,
                  (unsigned long long)look.made.info.log_size,
                  (unsigned long long)look.made.info.file_bytes);
    }
}

void broker_backup_look(struct broker_backup *backup, struct backup_look *ret_look)
{
    backup_job_look(backup->job, ret_look);
}
