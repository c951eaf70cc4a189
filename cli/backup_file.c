/* The commands `backup ls`, `backup verify` and `restore`: about files, without a daemon. Each says
 * what it looked at and what it did not. See store/backup.h and docs/backup-format.md. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/key_file.h"
#include "cli/backup_parts.h"
#include "cli/input.h"
#include "cli/table.h"

#define LISTED_MAX 1000u

/* --- backup ls --- */

static int list_json(const struct backup_listing *listing)
{
    struct answer answer;

    answer_begin(&answer, true);
    answer_u64(&answer, "unreadable", listing->unreadable);
    json_name(&answer.json, "backups");
    json_array_begin(&answer.json);
    for (size_t i = 0; i < listing->count; i++) {
        json_object_begin(&answer.json);
        json_name(&answer.json, "name");
        json_text(&answer.json, listing->rows[i].name);
        backup_members(&answer.json, &listing->rows[i].info);
        json_object_end(&answer.json);
    }
    json_array_end(&answer.json);
    return answer_end(&answer, EXIT_OK);
}

static int list_draw(const struct backup_listing *listing)
{
    static const char *const heads[] = {"MADE", "OWNER", "LEAVES", "MIB", "FILE"};
    struct table table;

    table_begin(&table, heads, "llrrl");
    for (size_t i = 0; i < listing->count; i++) {
        char instant[INSTANT_TEXT_BYTES];

        output_instant(listing->rows[i].info.made_ms, instant);
        table_cell(&table, instant);
        table_cell(&table, listing->rows[i].info.owner);
        table_cell_u64(&table, listing->rows[i].info.log_size);
        table_cellf(&table, "%.1f", (double)listing->rows[i].info.file_bytes / (1024.0 * 1024.0));
        table_cell(&table, listing->rows[i].name);
    }
    return table_end(&table, "no backups");
}

int backup_list_run(const struct invocation *invocation)
{
    const char *folder = invocation->arguments[0];
    struct backup_row *rows = calloc(LISTED_MAX, sizeof(*rows));
    struct backup_listing listing = {.rows = rows, .max = LISTED_MAX};
    struct fault fault = {.code = ""};
    int status;

    if (rows == NULL) {
        return EXIT_FAILED;
    }
    if (backup_list(folder, &listing, &fault) != OK) {
        status = output_fault(invocation, EXIT_REFUSED, &fault);
    } else {
        status =
            invocation_has(invocation, OPTION_JSON) ? list_json(&listing) : list_draw(&listing);
        if (status == EXIT_OK && listing.unreadable > 0) {
            status = output_warn("%zu files there end in " BACKUP_ENDING
                                 " and cannot be read: `backup verify` says why",
                                 listing.unreadable);
        }
    }
    free(rows);
    return status;
}

/* --- backup verify --- */

struct opened {
    struct backup_reader *reader;
    uint8_t secret[KEY_FILE_SECRET_BYTES];
    bool has_secret;
    char attachments[PATH_MAX]; /* the folder; empty: not wanted */
};

static enum err open_backup(const struct invocation *invocation, struct opened *opened,
                            struct fault *fault)
{
    const char *secret = invocation->value[OPTION_RECOVERY_KEY];
    enum err error = OK;

    if (secret != NULL) {
        error = key_file_read(secret, KEY_FILE_RECOVERY, opened->secret, fault);
        opened->has_secret = error == OK;
    }
    if (error == OK) {
        error = backup_open(invocation->arguments[0], &opened->reader, fault);
    }
    if (error == OK && invocation->value[OPTION_KEY] != NULL) {
        error = backup_check_owner(invocation->value[OPTION_KEY],
                                   backup_reader_info(opened->reader), fault);
    }
    return error;
}

static void close_backup(struct opened *opened)
{
    backup_close(opened->reader);
    crypto_wipe(opened->secret, sizeof(opened->secret));
}

static enum err verify_work(void *ctx, struct backup_progress *progress, struct fault *fault)
{
    struct opened *opened = ctx;
    const struct verify_options options = {
        .attachments = opened->attachments[0] != '\0' ? opened->attachments : NULL,
        .progress = progress};

    return backup_verify(opened->reader, opened->secret, &options, fault);
}

/* Beside the file, unless another folder is named or none is wanted. */
static int choose_attachments(const struct invocation *invocation, struct opened *opened)
{
    const char *given = invocation->value[OPTION_ATTACHMENTS];
    const char *file = invocation->arguments[0], *slash = strrchr(file, '/');
    int folder = slash != NULL ? (int)(slash - file) + 1 : 0, len;

    if (invocation_has(invocation, OPTION_WITHOUT_ATTACHMENTS)) {
        return given == NULL
                   ? EXIT_OK
                   : output_misused(invocation, OPTION_ATTACHMENTS,
                                    "expected either --attachments or --without-attachments");
    }
    len = given != NULL
              ? snprintf(opened->attachments, PATH_MAX, "%s", given)
              : snprintf(opened->attachments, PATH_MAX, "%.*s" BACKUP_ATTACHMENTS, folder, file);
    if (len < 0 || len >= PATH_MAX) {
        return output_misused(invocation, OPTION_ATTACHMENTS, "the path is too long");
    }
    return EXIT_OK;
}

static int verify_done(const struct invocation *invocation, const struct opened *opened)
{
    const struct backup_info *info = backup_reader_info(opened->reader);
    bool pinned = invocation->value[OPTION_KEY] != NULL;
    int status = EXIT_OK;

    if (invocation_has(invocation, OPTION_JSON)) {
        struct answer answer;

        answer_begin(&answer, true);
        backup_members(&answer.json, info);
        answer_bool(&answer, "content_verified", opened->has_secret);
        answer_bool(&answer, "attachments_verified",
                    opened->has_secret && opened->attachments[0] != '\0');
        answer_bool(&answer, "owner_verified", pinned);
        return answer_end(&answer, EXIT_OK);
    }
    status = backup_draw(info);
    if (status == EXIT_OK) {
        printf("\nthe file is what was written: its signature is good\n%s\n%s\n",
               !opened->has_secret ? "its content was not looked at: that needs --recovery-key"
               : opened->attachments[0] != '\0'
                   ? "its content is whole: every record, the log's root, every attachment"
                   : "its content is whole: every record, and the log's root; not its attachments",
               pinned ? "it was written by its owner"
                      : "who signed it was not compared: that needs --key");
    }
    return status;
}

int backup_verify_run(const struct invocation *invocation)
{
    struct opened opened = {.reader = NULL};
    struct fault fault = {.code = ""};
    int status = choose_attachments(invocation, &opened);
    enum err error;

    if (status != EXIT_OK) {
        return status;
    }
    error = open_backup(invocation, &opened, &fault);
    if (error == OK && opened.has_secret) {
        const struct backup_work work = {
            .run = verify_work, .ctx = &opened, .info = backup_reader_info(opened.reader)};

        error = backup_work_run(invocation, &work, &fault);
    }
    status = error == OK ? verify_done(invocation, &opened)
                         : output_fault(invocation, backup_status_of(error), &fault);
    close_backup(&opened);
    return status;
}

/* --- restore --- */

struct restore {
    struct opened opened;
    struct restore_options options;
    bool older; /* than what --known-size says */
};

static enum err restore_work(void *ctx, struct backup_progress *progress, struct fault *fault)
{
    struct restore *restore = ctx;

    restore->options.progress = progress;
    if (restore->opened.attachments[0] != '\0') {
        restore->options.attachments = restore->opened.attachments;
    }
    return backup_restore(restore->opened.reader, restore->opened.secret, &restore->options, fault);
}

static void restore_json(const struct invocation *invocation, const struct restore *restore,
                         struct answer *answer)
{
    const struct backup_info *info = backup_reader_info(restore->opened.reader);

    answer_begin(answer, true);
    backup_members(&answer->json, info);
    answer_text(answer, "out", restore->options.to);
    answer_bool(answer, "restored", !invocation_has(invocation, OPTION_DRY_RUN));
    answer_bool(answer, "with_attachments",
                restore->opened.attachments[0] != '\0' || info->attachments == 0);
    answer_bool(answer, "older", restore->older);
}

static int restore_draw(const struct invocation *invocation, const struct restore *restore)
{
    const struct backup_info *info = backup_reader_info(restore->opened.reader);
    const bool agents = info->kind == STORE_AGENT;
    const char *to = restore->options.to;
    int status = backup_draw(info);

    if (status == EXIT_OK && invocation_has(invocation, OPTION_DRY_RUN)) {
        printf("\nit would be restored to %s; its content is whole; nothing was written\n", to);
    } else if (status == EXIT_OK) {
        printf("\nrestored and verified: every record, and the log's root\n  %s/store, "
               "%s/store-attachments, %s/store.key, %s/config\n",
               to, to, to, to);
        if (agents) {
            printf("  %s/store-case-keys: it has to lie beside the store, named like it\n", to);
        }
        printf(
            "next: name them in %s's configuration (`store`, `attachments`, `store-key`), bring\n"
            "its other keys, and start it; docs/operations.md, \"The %s is lost\"\n",
            agents ? "referral-agent" : "referral-broker", agents ? "agent" : "broker");
    }
    return status;
}

static int restore_done(const struct invocation *invocation, const struct restore *restore)
{
    const struct backup_info *info = backup_reader_info(restore->opened.reader);
    struct answer answer;
    int status;

    if (invocation_has(invocation, OPTION_JSON)) {
        restore_json(invocation, restore, &answer);
        status = answer_end(&answer, EXIT_OK);
    } else {
        status = restore_draw(invocation, restore);
    }
    if (status == EXIT_OK && restore->older) {
        status = output_warn("the backup is older than what is known: it has %" PRIu64
                             " leaves; the broker must open a new log "
                             "(docs/operations.md, \"The broker is lost\")",
                             info->log_size);
    }
    if (status == EXIT_OK && invocation->value[OPTION_KEY] == NULL) {
        status = output_warn("who signed the backup was not compared: anybody who knows the public "
                             "recovery key can make one; --key public-keys.yaml");
    }
    if (status == EXIT_OK && info->attachments > 0 && restore->opened.attachments[0] == '\0') {
        status = output_warn("%" PRIu64 " attachments are missing from what was restored",
                             info->attachments);
    }
    return status;
}

static enum err restore_or_try(const struct invocation *invocation, struct restore *restore,
                               struct fault *fault)
{
    struct backup_work work = {
        .run = restore_work, .ctx = restore, .info = backup_reader_info(restore->opened.reader)};

    if (invocation_has(invocation, OPTION_DRY_RUN)) {
        enum err error = backup_restore_check(restore->opened.reader, &restore->options, fault);

        if (error != OK) {
            return error;
        }
        work.run = verify_work;
        work.ctx = &restore->opened;
    }
    return backup_work_run(invocation, &work, fault);
}

int restore_run(const struct invocation *invocation)
{
    const struct input_range known_range = {.min = 0, .max = UINT64_MAX >> 1, .otherwise = 0};
    struct restore restore = {.options = {.to = invocation->value[OPTION_OUT]}};
    struct fault fault = {.code = ""};
    uint64_t known = 0;
    enum err error;
    int status = input_number(invocation, OPTION_KNOWN_SIZE, known_range, &known);

    if (status == EXIT_OK) {
        status = choose_attachments(invocation, &restore.opened);
    }
    if (status != EXIT_OK) {
        return status;
    }
    error = open_backup(invocation, &restore.opened, &fault);
    if (error == OK) {
        restore.older = known > backup_reader_info(restore.opened.reader)->log_size;
        error = restore_or_try(invocation, &restore, &fault);
    }
    status = error == OK ? restore_done(invocation, &restore)
                         : output_fault(invocation, backup_status_of(error), &fault);
    close_backup(&restore.opened);
    return status;
}
