/* Making backups, and keeping the newest few. See backup.h. */
#include "store/backup.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "model/instant_text.h"
#include "store/backup_private.h"

#define ROWS_LISTED 1024u /* backups of one folder that keeping looks at */

struct making {
    const struct backup_options *options; /* borrowed */
    struct sealed_writer *writer;         /* owned */
    struct backup_made made;
    enum err failed; /* of the writer, apart from the store's */
};

/* --- records out --- */

static enum err record_out(struct making *making, enum backup_type type, struct record_at place,
                           struct span value)
{
    uint8_t head[BACKUP_RECORD_BYTES];
    head[0] = (uint8_t)type;
    head[1] = (uint8_t)place.table;
    be16_put(head + 2, (uint16_t)place.key.len);
    be32_put(head + 4, (uint32_t)value.len);
    enum err error = sealed_writer_add(making->writer, span_of(head, sizeof(head)));
    if (error == OK) {
        error = sealed_writer_add(making->writer, place.key);
    }
    if (error == OK) {
        error = sealed_writer_add(making->writer, value);
    }
    making->made.info.content_bytes += sizeof(head) + place.key.len + value.len;
    if (making->options->progress != NULL) {
        atomic_store(&making->options->progress->bytes, making->made.info.content_bytes);
    }
    making->failed = making->failed == OK ? error : making->failed;
    return error;
}

static enum err row_cb(void *owner, struct record_at place, struct span raw)
{
    assert(raw.len <= BACKUP_VALUE_BYTES_MAX);
    return record_out(owner, BACKUP_ROW, place, raw);
}

static enum err key_out(struct making *making, const struct store *store)
{
    return record_out(making, BACKUP_KEY, (struct record_at){.key = {NULL, 0}},
                      span_of(store_key_bytes(store), 32));
}

static enum err file_out(struct making *making, const char *name, const char *path,
                         struct fault *fault)
{
    struct record_at place = {.key = span_text(name)};
    struct buf bytes;
    buf_init(&bytes, BACKUP_FILE_BYTES_MAX);
    assert(place.key.len > 0 && place.key.len < BACKUP_NAME_BYTES);
    enum err error = file_read(path, &bytes, fault);
    if (error == OK) {
        error = record_out(making, BACKUP_FILE, place, span_buf(&bytes));
    }
    buf_free(&bytes);
    return error;
}

/* The files of a folder, hidden ones and folders in it left out. */
static enum err folder_out(struct making *making, const struct backup_file *file, DIR *dir,
                           struct fault *fault)
{
    enum err error = OK;
    for (const struct dirent *entry = readdir(dir); error == OK && entry != NULL;
         entry = readdir(dir)) {
        char name[BACKUP_NAME_BYTES];
        char path[BACKUP_PATH_BYTES];
        struct stat info;
        int len = snprintf(name, sizeof(name), "%s/%s", file->name, entry->d_name);
        int wide = snprintf(path, sizeof(path), "%s/%s", file->path, entry->d_name);
        if (entry->d_name[0] != '.' && len > 0 && (size_t)len < sizeof(name) && wide > 0 &&
            (size_t)wide < sizeof(path) && stat(path, &info) == 0 && S_ISREG(info.st_mode)) {
            error = file_out(making, name, path, fault);
        }
    }
    return error;
}

static enum err files_out(struct making *making, struct fault *fault)
{
    enum err error = OK;
    for (size_t i = 0; error == OK && i < making->options->file_count; i++) {
        const struct backup_file *file = &making->options->files[i];
        DIR *dir = opendir(file->path);
        error = dir != NULL ? folder_out(making, file, dir, fault)
                            : file_out(making, file->name, file->path, fault);
        if (dir != NULL) {
            (void)closedir(dir);
        }
    }
    return error;
}

static enum err rows_out(struct making *making, struct store *store, struct fault *fault)
{
    struct backup_info *info = &making->made.info;
    struct store_walk walk = {
        .store = store, .row = row_cb, .owner = making, .progress = making->options->progress};
    enum err error = store_walk_run(&walk);
    info->rows = walk.rows;
    info->log_size = walk.log_size;
    info->log_root = walk.log_root;
    memcpy(info->note, walk.note, sizeof(info->note));
    if (error == ERR_CORRUPT && making->failed == OK) {
        fault_set(fault, "backup.store-damaged", store->data_path,
                  "the store is damaged (%s): no backup was made of it", walk.damage);
        fault_hint(fault, "keep the older backups; `referralctl audit verify` says more");
    }
    return error;
}

/* --- attachments --- */

struct pair {
    struct blobs *from;
    struct blobs *to;
};

static enum err blob_out(struct making *making, const struct pair *pair,
                         const struct digest *digest)
{
    struct backup_info *info = &making->made.info;
    uint64_t bytes = 0;
    uint8_t size[8];
    enum err error = backup_blob_copy(pair->from, pair->to, digest, &bytes);
    if (error == ERR_NOT_FOUND) {
        return OK; /* collected since it was listed: no message refers to it */
    }
    if (error == OK) {
        error = blobs_touch(pair->to, digest, info->made_ms);
    }
    if (error != OK) {
        return error;
    }
    be64_put(size, bytes);
    info->attachments++;
    info->attachment_bytes += bytes;
    if (making->options->progress != NULL) {
        atomic_store(&making->options->progress->attachments, info->attachments);
    }
    if (backup_cancelled(making->options->progress)) {
        return ERR_CLOSED;
    }
    struct record_at place = {.key = span_of(digest->bytes, DIGEST_BYTES)};
    return record_out(making, BACKUP_BLOB, place, span_of(size, sizeof(size)));
}

static enum err attachments_folder(const char *folder, char out[BACKUP_PATH_BYTES],
                                   struct fault *fault)
{
    int len = snprintf(out, BACKUP_PATH_BYTES, "%s/" BACKUP_ATTACHMENTS, folder);
    if (len < 0 || (size_t)len >= BACKUP_PATH_BYTES) {
        fault_set(fault, "backup.path", folder, "the path is too long");
        return ERR_INVALID;
    }
    return OK;
}

/* After the rows: whatever a row refers to has been there before it. */
static enum err blobs_out(struct making *making, struct fault *fault)
{
    const struct blobs_options plain = {.refuse_percent = 0};
    char folder[BACKUP_PATH_BYTES];
    struct pair pair = {NULL, NULL};
    struct backup_digests list = {.error = OK};
    if (making->options->attachments == NULL) {
        return OK;
    }
    enum err error = attachments_folder(making->options->folder, folder, fault);
    if (error == OK) {
        error = blobs_open(making->options->attachments, &plain, &pair.from, fault);
    }
    if (error == OK) {
        error = blobs_open(folder, &plain, &pair.to, fault);
    }
    if (error == OK) {
        error = backup_blob_list(pair.from, &list);
    }
    for (size_t i = 0; error == OK && i < list.count; i++) {
        error = blob_out(making, &pair, &list.rows[i]);
        if (error == ERR_CORRUPT) {
            char hex[DIGEST_TEXT_BYTES];
            digest_format(&list.rows[i], hex);
            fault_set(fault, "backup.attachment-damaged", making->options->attachments,
                      "the attachment %.16s... is not what its name says: no backup was made", hex);
            fault_hint(fault, "its sender has it; remove the damaged file, then try again");
        }
    }
    free(list.rows);
    blobs_close(pair.from);
    blobs_close(pair.to);
    return error;
}

/* --- one backup --- */

static enum err foot_out(struct making *making, struct store *store, struct fault *fault)
{
    struct backup_info *info = &making->made.info;
    struct sealed_written written;
    struct buf foot;
    buf_init(&foot, SEALED_FOOT_BYTES_MAX);
    info->content_bytes += BACKUP_RECORD_BYTES + DIGEST_BYTES; /* the END that follows */
    enum err error = backup_foot_write(info, &foot);
    info->content_bytes -= BACKUP_RECORD_BYTES + DIGEST_BYTES;
    if (error == OK) {
        struct digest digest = crypto_digest(span_buf(&foot));
        error = record_out(making, BACKUP_END, (struct record_at){.key = {NULL, 0}},
                           span_of(digest.bytes, DIGEST_BYTES));
    }
    if (error == OK && store->case_keys != NULL) { /* before the backup has its name */
        error = store_case_keys_copy(store, making->options->folder, fault);
    }
    if (error == OK) {
        error = sealed_writer_finish(making->writer, span_buf(&foot), &written, fault);
    }
    if (error == OK) {
        info->file_bytes = written.bytes;
        info->file_digest = written.digest;
    }
    buf_free(&foot);
    return error;
}

static enum err path_make(struct making *making, struct store *store, struct fault *fault)
{
    char instant[INSTANT_TEXT_BYTES];
    char digits[INSTANT_TEXT_BYTES] = "";
    size_t len = 0;
    uint64_t now_ms = making->options->now_ms;
    instant_format(now_ms - now_ms % 1000, instant);
    for (const char *at = instant; *at != '\0' && *at != '+'; at++) {
        if (*at != '-' && *at != ':') {
            digits[len++] = *at;
        }
    }
    int wrote = snprintf(making->made.path, sizeof(making->made.path), "%s/%s-%s%03u" BACKUP_ENDING,
                         making->options->folder, store->kind == STORE_BROKER ? "broker" : "agent",
                         digits, (unsigned)(now_ms % 1000));
    if (wrote < 0 || (size_t)wrote >= sizeof(making->made.path)) {
        fault_set(fault, "backup.path", making->options->folder, "the path is too long");
        return ERR_INVALID;
    }
    return folder_make(making->options->folder, 0700, fault);
}

/* What a backup of this kind left that was killed: a folder has one writer of a kind. */
static void remove_parts(const struct making *making, const struct store *store)
{
    const char *kind = store->kind == STORE_BROKER ? "broker-" : "agent-";
    DIR *dir = opendir(making->options->folder);
    for (const struct dirent *entry = dir != NULL ? readdir(dir) : NULL; entry != NULL;
         entry = readdir(dir)) {
        char path[BACKUP_PATH_BYTES];
        size_t len = strlen(entry->d_name);
        size_t ending = strlen(BACKUP_ENDING SEALED_PART_ENDING);
        int wrote = snprintf(path, sizeof(path), "%s/%s", making->options->folder, entry->d_name);
        if (strncmp(entry->d_name, kind, strlen(kind)) == 0 && len > ending &&
            strcmp(entry->d_name + len - ending, BACKUP_ENDING SEALED_PART_ENDING) == 0 &&
            wrote > 0 && (size_t)wrote < sizeof(path)) {
            (void)unlink(path); /* what stays is tried again by the next one */
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

static enum err begin(struct making *making, struct store *store, struct fault *fault)
{
    const struct backup_options *options = making->options;
    struct backup_info *info = &making->made.info;
    MDB_envinfo env;
    info->kind = store->kind;
    info->made_ms = options->now_ms;
    text_copy(info->owner, sizeof(info->owner), options->owner);
    text_copy(info->software, sizeof(info->software), options->software);
    memcpy(info->signer, options->signer->public_key, sizeof(info->signer));
    memcpy(info->recipient, options->recovery, sizeof(info->recipient));
    if (mdb_env_info(store->env, &env) == MDB_SUCCESS) {
        info->map_bytes = env.me_mapsize;
    }
    enum err error = path_make(making, store, fault);
    if (error != OK) {
        return error;
    }
    remove_parts(making, store);
    const struct sealed_writer_options file = {.path = making->made.path,
                                               .head = span_text(BACKUP_HEAD),
                                               .recipient = options->recovery,
                                               .signer = options->signer};
    return sealed_writer_open(&file, &making->writer, fault);
}

/* What no step has explained yet. */
static void explain(const struct making *making, enum err error, struct fault *fault)
{
    if (fault->code[0] == '\0' && error == ERR_CLOSED) {
        fault_set(fault, "backup.cancelled", making->made.path, "the backup was cancelled");
    } else if (fault->code[0] == '\0') {
        fault_set(fault, "backup.failed", making->made.path, "cannot make the backup: %s",
                  err_text(error));
        fault_hint(fault, error == ERR_FULL ? "free space on its disk, or name another folder"
                                            : "the older backups are untouched");
    }
}

static void keep_newest(struct making *making);

enum err backup_make(struct store *store, const struct backup_options *options,
                     struct backup_made *ret_made, struct fault *fault)
{
    assert(store != NULL && options != NULL && ret_made != NULL);
    assert(!store->reader && options->signer != NULL && options->recovery != NULL);
    struct fault own = {.code = ""};
    struct making *making = calloc(1, sizeof(*making));
    if (making == NULL) {
        fault_set(fault, "backup.failed", options->folder, "no memory");
        return ERR_MEMORY;
    }
    making->options = options;
    enum err error = begin(making, store, &own);
    if (error == OK) {
        error = key_out(making, store);
    }
    if (error == OK) {
        error = files_out(making, &own);
    }
    if (error == OK) {
        error = rows_out(making, store, &own);
    }
    if (error == OK) {
        error = blobs_out(making, &own);
    }
    if (error == OK) {
        error = foot_out(making, store, &own);
    }
    sealed_writer_free(making->writer);
    if (error == OK) {
        keep_newest(making);
        *ret_made = making->made;
    } else {
        explain(making, error, &own);
        if (fault != NULL) {
            *fault = own;
        }
    }
    free(making);
    return error;
}

/* --- what is in a folder --- */

static bool name_is_ours(const char *name)
{
    size_t len = strlen(name);
    size_t ending = strlen(BACKUP_ENDING);
    return len > ending && len < BACKUP_NAME_BYTES && name[0] != '.' &&
           strcmp(name + len - ending, BACKUP_ENDING) == 0;
}

static int newer_first(const void *a, const void *b)
{
    const struct backup_row *left = a;
    const struct backup_row *right = b;
    if (left->info.made_ms != right->info.made_ms) {
        return left->info.made_ms > right->info.made_ms ? -1 : 1;
    }
    return strcmp(right->name, left->name);
}

static enum err peek(const char *folder, const char *name, struct backup_info *ret_info)
{
    char path[BACKUP_PATH_BYTES];
    struct sealed_reader *sealed = NULL;
    int len = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof(path)) {
        return ERR_INVALID;
    }
    enum err error = sealed_reader_peek(path, &sealed, NULL);
    if (error == OK) {
        error = backup_foot_read(sealed_reader_info(sealed), path, ret_info, NULL);
    }
    sealed_reader_free(sealed);
    return error;
}

/* Full: the oldest of all that were seen gives way. */
static void listing_add(struct backup_listing *listing, const struct backup_row *row)
{
    if (listing->count < listing->max) {
        listing->rows[listing->count++] = *row;
    } else if (listing->max > 0) {
        qsort(listing->rows, listing->count, sizeof(*row), newer_first);
        if (newer_first(row, &listing->rows[listing->max - 1]) < 0) {
            listing->rows[listing->max - 1] = *row;
        }
    }
}

enum err backup_list(const char *folder, struct backup_listing *listing, struct fault *fault)
{
    DIR *dir = opendir(folder);
    listing->count = 0;
    listing->unreadable = 0;
    if (dir == NULL) {
        int number = errno;
        fault_set(fault, "backup.folder", folder, "cannot read the folder: %s",
                  strerrordesc_np(number));
        return number == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        struct backup_row row = {.name = ""};
        if (!name_is_ours(entry->d_name)) {
            continue;
        }
        if (peek(folder, entry->d_name, &row.info) != OK) {
            listing->unreadable++;
            continue;
        }
        text_copy(row.name, sizeof(row.name), entry->d_name);
        listing_add(listing, &row);
    }
    (void)closedir(dir);
    if (listing->count > 0) {
        qsort(listing->rows, listing->count, sizeof(*listing->rows), newer_first);
    }
    return OK;
}

struct oldest {
    struct blobs *blobs;
    uint64_t kept_ms; /* of the oldest backup that is kept */
};

static bool still_wanted_cb(void *owner, const char *part, const struct digest *digest)
{
    const struct oldest *oldest = owner;
    uint64_t touched_ms = 0;
    return part != NULL || blobs_touched_ms(oldest->blobs, digest, &touched_ms) != OK ||
           touched_ms >= oldest->kept_ms;
}

/* Every backup touches the attachments that it refers to: what is older than the oldest backup is
 * referred to by none. */
static void keep_attachments(const struct making *making, uint64_t kept_ms)
{
    const struct blobs_options plain = {.refuse_percent = 0};
    char folder[BACKUP_PATH_BYTES];
    struct oldest oldest = {.kept_ms = kept_ms};
    uint64_t removed = 0;
    if (making->options->attachments == NULL ||
        attachments_folder(making->options->folder, folder, NULL) != OK ||
        blobs_open(folder, &plain, &oldest.blobs, NULL) != OK) {
        return;
    }
    const struct blobs_visitor visitor = {.wants = still_wanted_cb, .owner = &oldest};
    /* What could not be removed is tried again after the next backup. */
    (void)!blobs_sweep(oldest.blobs, &visitor, &removed);
    blobs_close(oldest.blobs);
}

/* Removes this owner's backups behind the newest `keep`. The one that was just verified is the
 * first; files that cannot be read are nobody's and stay. */
static void keep_newest(struct making *making)
{
    const struct backup_options *options = making->options;
    struct backup_row *rows = calloc(ROWS_LISTED, sizeof(*rows));
    struct backup_listing listing = {.rows = rows, .max = rows != NULL ? ROWS_LISTED : 0};
    size_t own = 0;
    uint64_t kept_ms = options->now_ms;
    if (options->keep == 0 || rows == NULL || backup_list(options->folder, &listing, NULL) != OK) {
        free(rows);
        return;
    }
    for (size_t i = 0; i < listing.count; i++) {
        char path[BACKUP_PATH_BYTES];
        bool same = rows[i].info.kind == making->made.info.kind &&
                    strcmp(rows[i].info.owner, making->made.info.owner) == 0;
        own += same ? 1 : 0;
        int len = snprintf(path, sizeof(path), "%s/%s", options->folder, rows[i].name);
        if (same && own > options->keep && len > 0 && (size_t)len < sizeof(path) &&
            strcmp(path, making->made.path) != 0 && unlink(path) == 0) {
            making->made.removed++;
        } else if (rows[i].info.made_ms < kept_ms) {
            kept_ms = rows[i].info.made_ms;
        }
    }
    free(rows);
    if (listing.unreadable == 0) { /* else somebody may mend one that refers to more */
        keep_attachments(making, kept_ms);
    }
}
