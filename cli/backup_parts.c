/* The commands' shared parts about backup files: shown, pinned, and worked on. See backup_parts.h.
 */
#include "cli/backup_parts.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/table.h"
#include "wire/checkpoint.h"
#include "wire/keyring.h"

#define MIB          (1024.0 * 1024.0)
#define SHOW_EACH_US 300000u

static const char *kind_of(const struct backup_info *info)
{
    return info->kind == STORE_BROKER ? "broker" : "agent";
}

static void named_u64(struct json_writer *json, const char *name, uint64_t value)
{
    json_name(json, name);
    json_u64(json, value);
}

static void named_text(struct json_writer *json, const char *name, const char *value)
{
    json_name(json, name);
    json_text(json, value);
}

void backup_members(struct json_writer *json, const struct backup_info *info)
{
    char text[DIGEST_TEXT_BYTES];

    named_text(json, "kind", kind_of(info));
    named_text(json, "owner", info->owner);
    named_text(json, "software", info->software);
    named_u64(json, "made_ms", info->made_ms);
    named_u64(json, "log_size", info->log_size);
    digest_format(&info->log_root, text);
    named_text(json, "log_root", text);
    named_u64(json, "rows", info->rows);
    named_u64(json, "content_bytes", info->content_bytes);
    named_u64(json, "attachments", info->attachments);
    named_u64(json, "attachment_bytes", info->attachment_bytes);
    named_u64(json, "file_bytes", info->file_bytes);
    digest_format(&info->file_digest, text);
    named_text(json, "file_sha256", text);
}

static void row(struct table *table, const char *name, const char *value)
{
    table_cell(table, name);
    table_cell(table, value);
}

int backup_draw(const struct backup_info *info)
{
    char instant[INSTANT_TEXT_BYTES], digest[DIGEST_TEXT_BYTES];
    struct table table;

    output_instant(info->made_ms, instant);
    digest_format(&info->file_digest, digest);
    table_begin(&table, NULL, "ll");
    row(&table, "of", kind_of(info));
    row(&table, info->kind == STORE_BROKER ? "origin" : "agency", info->owner);
    row(&table, "made", instant);
    row(&table, "by", info->software);
    if (info->kind == STORE_BROKER) {
        table_cell(&table, "log");
        table_cellf(&table, "%" PRIu64 " leaves", info->log_size);
    }
    table_cell(&table, "records");
    table_cellf(&table, "%" PRIu64 ", %.1f MiB; compressed and sealed %.1f MiB", info->rows,
                (double)info->content_bytes / MIB, (double)info->file_bytes / MIB);
    table_cell(&table, "attachments");
    table_cellf(&table, "%" PRIu64 ", %.1f MiB", info->attachments,
                (double)info->attachment_bytes / MIB);
    row(&table, "SHA-256", digest);
    return table_end(&table, "");
}

/* --- whose it is --- */

static bool signed_by(const struct keyring *keyring, const char *owner, const uint8_t key[32])
{
    for (size_t i = 0; i < keyring_count(keyring); i++) {
        const struct key_entry *entry = keyring_entry(keyring, i);

        if (entry->use == KEY_SIGN && strcmp(entry->owner, owner) == 0 &&
            memcmp(entry->public_key, key, sizeof(entry->public_key)) == 0) {
            return true;
        }
    }
    return false;
}

static bool checkpoint_fits(const struct keyring *keyring, const struct backup_info *info)
{
    size_t count = 0;
    const uint8_t(*keys)[SIGN_PUBLIC_BYTES] = keyring_broker_keys(keyring, &count);
    struct checkpoint checkpoint;

    if (info->log_size == 0) {
        return true;
    }
    return checkpoint_verify_any(span_text(info->note), keyring_origin(keyring), keys, count,
                                 &checkpoint) == OK &&
           checkpoint.size == info->log_size && digest_equal(&checkpoint.root, &info->log_root);
}

enum err backup_check_owner(const char *key_path, const struct backup_info *info,
                            struct fault *fault)
{
    bool broker = info->kind == STORE_BROKER;
    struct keyring *keyring = NULL;
    enum err error = keyring_load_pin(key_path, &keyring, fault);

    if (error != OK) {
        return error;
    }
    if ((broker && strcmp(info->owner, keyring_origin(keyring)) != 0) ||
        !signed_by(keyring, broker ? "broker" : info->owner, info->signer)) {
        fault_set(fault, "backup.foreign", key_path,
                  "the backup says that it is of %s %s, and no key of it there signed the file",
                  kind_of(info), info->owner);
        fault_hint(fault, "do not restore it; find out who put it there");
        error = ERR_FORGED;
    } else if (broker && !checkpoint_fits(keyring, info)) {
        fault_set(fault, "backup.foreign-log", key_path,
                  "the checkpoint in the backup is not the broker's over the log in it");
        fault_hint(fault, "do not restore it; find out who put it there");
        error = ERR_FORGED;
    }
    keyring_free(keyring);
    return error;
}

/* --- long work --- */

struct worker {
    const struct backup_work *work;
    struct backup_progress progress;
    struct fault fault;
    enum err error;
    atomic_bool done;
};

static void *worker_run(void *arg)
{
    struct worker *worker = arg;

    worker->error = worker->work->run(worker->work->ctx, &worker->progress, &worker->fault);
    atomic_store(&worker->done, true);
    return NULL;
}

static void show_until_done(struct worker *worker)
{
    while (!atomic_load(&worker->done)) {
        uint64_t bytes = atomic_load(&worker->progress.bytes);
        uint64_t all = worker->work->info->content_bytes;

        fprintf(stderr, "\r%.1f of %.1f MiB, %" PRIu64 " attachments ", (double)bytes / MIB,
                (double)all / MIB, atomic_load(&worker->progress.attachments));
        (void)fflush(stderr); /* only for people */
        (void)usleep(SHOW_EACH_US);
    }
    fprintf(stderr, "\r\033[K");
}

enum err backup_work_run(const struct invocation *invocation, const struct backup_work *work,
                         struct fault *fault)
{
    struct worker worker = {.work = work};
    bool shown = isatty(STDERR_FILENO) && !invocation_has(invocation, OPTION_QUIET) &&
                 !invocation_has(invocation, OPTION_JSON);
    pthread_t thread;

    if (!shown || pthread_create(&thread, NULL, worker_run, &worker) != 0) {
        (void)worker_run(&worker);
    } else {
        show_until_done(&worker);
        (void)pthread_join(thread, NULL); /* it was just created */
    }
    if (worker.error != OK) {
        *fault = worker.fault;
    }
    return worker.error;
}

int backup_status_of(enum err error)
{
    return error == ERR_IO || error == ERR_MEMORY || error == ERR_FULL ? EXIT_FAILED : EXIT_REFUSED;
}
