/* Restoring a backup: everything into a folder of our own beside the wanted one, renamed when it is
 * whole, synced and read again. See backup.h.
 *
 * Rows come in the order of their keys, so that each is appended; they are written in large
 * transactions without a sync, and synced once at the end: until the rename nobody relies on them.
 */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/key_file.h"
#include "store/backup_private.h"

#define BATCH_BYTES   (64u * 1024u * 1024u)
#define MAP_BYTES_MIN (UINT64_C(16) * 1024 * 1024)
#define MAP_BYTES_MAX (UINT64_C(1) << 40)

struct restoring {
    const struct backup_info *info;
    const struct restore_options *options;
    const char *path;  /* of the backup; borrowed */
    char to[PATH_MAX]; /* without slashes at its end */
    char temporary[PATH_MAX];
    uint8_t key[KEY_FILE_SECRET_BYTES];
    struct store *store; /* owned */
    MDB_txn *mdb;        /* owned: the batch under way */
    size_t batch_bytes;
    struct blobs *from; /* owned */
    struct blobs *blobs;
    struct fault *fault;
};

static enum err refuse(struct restoring *restoring, const char *path, const char *action)
{
    int number = errno;
    fault_set(restoring->fault, "restore.failed", path, "cannot %s: %s", action,
              strerrordesc_np(number));
    return number == ENOSPC || number == EDQUOT ? ERR_FULL : ERR_IO;
}

static enum err path_of(struct restoring *restoring, const char *name, char out[PATH_MAX])
{
    int len = snprintf(out, PATH_MAX, "%s/%s", restoring->temporary, name);
    if (len < 0 || len >= PATH_MAX) {
        fault_set(restoring->fault, "restore.path", name, "the path is too long");
        return ERR_INVALID;
    }
    return OK;
}

/* --- the store --- */

static enum err store_make(struct restoring *restoring, bool create)
{
    struct store_options options = {
        .kind = restoring->info->kind, .map_bytes = restoring->info->map_bytes, .create = create};
    char path[PATH_MAX];
    enum err error = path_of(restoring, "store", path);
    if (error == OK) {
        memcpy(options.mac_key.bytes, restoring->key, MAC_KEY_BYTES);
        memcpy(options.seal_key, restoring->key, AEAD_KEY_BYTES);
        error = store_open(path, &options, &restoring->store, restoring->fault);
    }
    crypto_wipe(&options, sizeof(options));
    return error;
}

static enum err mdb_refuse(struct restoring *restoring, int result)
{
    fault_set(restoring->fault, "restore.store", restoring->to, "cannot write the store: %s",
              mdb_strerror(result));
    return store_result(result);
}

static enum err batch_end(struct restoring *restoring)
{
    if (restoring->mdb == NULL) {
        return OK;
    }
    int result = mdb_txn_commit(restoring->mdb);
    restoring->mdb = NULL;
    restoring->batch_bytes = 0;
    return result == MDB_SUCCESS ? OK : mdb_refuse(restoring, result);
}

static enum err row_cb(void *owner, struct record_at place, struct span raw)
{
    struct restoring *restoring = owner;
    struct store *store = restoring->store;
    int result = MDB_SUCCESS;
    if (restoring->mdb == NULL) {
        result = mdb_txn_begin(store->env, NULL, 0, &restoring->mdb);
    }
    if (result == MDB_SUCCESS) {
        /* LMDB's type has no const; it does not write through them. */
        MDB_val key = {.mv_size = place.key.len};
        MDB_val value = {.mv_size = raw.len};
        unsigned append =
            place.table == STORE_META ? 0 : MDB_APPEND; /* the format's rows are there */
        memcpy(&key.mv_data, &place.key.data, sizeof(key.mv_data));
        memcpy(&value.mv_data, &raw.data, sizeof(value.mv_data));
        result = mdb_put(restoring->mdb, store->tables[place.table], &key, &value, append);
    }
    if (result != MDB_SUCCESS) {
        return mdb_refuse(restoring, result);
    }
    restoring->batch_bytes += place.key.len + raw.len;
    return restoring->batch_bytes < BATCH_BYTES ? OK : batch_end(restoring);
}

/* --- the other records --- */

static enum err key_cb(void *owner, const uint8_t key[32])
{
    struct restoring *restoring = owner;
    char path[PATH_MAX];
    memcpy(restoring->key, key, sizeof(restoring->key));
    enum err error = path_of(restoring, "store.key", path);
    if (error == OK) {
        error = key_file_write(path, KEY_FILE_STORE, key, restoring->fault);
    }
    if (error == OK) {
        error = store_make(restoring, true);
    }
    if (error == OK && mdb_env_set_flags(restoring->store->env, MDB_NOSYNC, 1) != MDB_SUCCESS) {
        error = ERR_IO;
    }
    return error;
}

static enum err file_cb(void *owner, const char *name, struct span bytes)
{
    struct restoring *restoring = owner;
    char inside[BACKUP_NAME_BYTES + 8];
    char path[PATH_MAX];
    (void)snprintf(inside, sizeof(inside), "config/%s", name);
    enum err error = path_of(restoring, inside, path);
    char *slash = error == OK ? strrchr(path, '/') : NULL;
    if (slash != NULL) {
        *slash = '\0';
        error = folder_make(path, 0700, restoring->fault);
        *slash = '/';
    }
    return error == OK ? file_write_new(path, bytes, 0600, restoring->fault) : error;
}

static enum err blob_cb(void *owner, const struct digest *digest, uint64_t bytes)
{
    struct restoring *restoring = owner;
    uint64_t copied = 0;
    if (restoring->from == NULL) {
        return OK; /* told to do without */
    }
    enum err error = backup_blob_copy(restoring->from, restoring->blobs, digest, &copied);
    if (error == OK && copied != bytes) {
        error = ERR_CORRUPT;
    }
    if (error == ERR_NOT_FOUND || error == ERR_CORRUPT) {
        backup_blob_refuse(restoring->options->attachments, digest, error, restoring->fault);
    }
    return error;
}

static enum err blobs_begin(struct restoring *restoring)
{
    const struct blobs_options plain = {.refuse_percent = 0};
    char folder[PATH_MAX];
    if (restoring->options->attachments == NULL || restoring->info->attachments == 0) {
        return OK;
    }
    enum err error = backup_blobs_there(restoring->options->attachments, restoring->fault);
    if (error == OK) {
        error = path_of(restoring, "store-attachments", folder);
    }
    if (error == OK) {
        error =
            blobs_open(restoring->options->attachments, &plain, &restoring->from, restoring->fault);
    }
    return error == OK ? blobs_open(folder, &plain, &restoring->blobs, restoring->fault) : error;
}

/* --- before and after --- */

/* The folder in which the wanted one lies. */
static void parent_of(const char *to, char out[PATH_MAX])
{
    text_copy(out, PATH_MAX, to);
    char *slash = strrchr(out, '/');
    if (slash == NULL) {
        memcpy(out, ".", 2);
    } else {
        slash[slash == out ? 1 : 0] = '\0';
    }
}

static enum err size_check(const struct backup_info *info, const char *to, struct fault *fault)
{
    char parent[PATH_MAX];
    struct statvfs disk;
    if (info->map_bytes < MAP_BYTES_MIN || info->map_bytes > MAP_BYTES_MAX ||
        info->content_bytes > info->map_bytes || info->attachment_bytes > (uint64_t)INT64_MAX / 2) {
        fault_set(fault, "restore.size", to,
                  "the backup says that it holds %" PRIu64 " bytes for a store of %" PRIu64
                  " bytes, which cannot be",
                  info->content_bytes, info->map_bytes);
        fault_hint(fault, "use another backup; nothing was written");
        return ERR_INVALID;
    }
    /* LMDB's pages are at least half full. */
    uint64_t wanted = 2 * info->content_bytes + info->attachment_bytes;
    parent_of(to, parent);
    if (statvfs(parent, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < wanted) {
        fault_set(fault, "restore.no-room", to,
                  "up to %" PRIu64 " MiB are needed, and the disk has %" PRIu64 " MiB",
                  wanted >> 20, (uint64_t)disk.f_bavail * disk.f_frsize >> 20);
        fault_hint(fault, "choose a folder on a larger disk; nothing was written");
        return ERR_FULL;
    }
    return OK;
}

/* What holds something is never touched. */
static enum err empty_check(const char *to, struct fault *fault)
{
    DIR *dir = opendir(to);
    int number = errno;
    bool empty = dir != NULL || number == ENOENT;
    for (const struct dirent *entry = dir != NULL ? readdir(dir) : NULL; entry != NULL;
         entry = readdir(dir)) {
        empty = empty && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    if (!empty) {
        fault_set(fault, "restore.not-empty", to, "is there already and is no empty folder");
        fault_hint(fault, "choose a folder that is empty or not there: a restore never writes over "
                          "anything");
    }
    return empty ? OK : ERR_EXISTS;
}

enum err backup_restore_check(const struct backup_reader *reader,
                              const struct restore_options *options, struct fault *fault)
{
    enum err error = empty_check(options->to, fault);
    return error == OK ? size_check(backup_reader_info(reader), options->to, fault) : error;
}

static enum err begin(struct restoring *restoring)
{
    const char *to = restoring->options->to;
    size_t len = strlen(to);
    while (len > 1 && to[len - 1] == '/') {
        len--;
    }
    int wrote = snprintf(restoring->to, sizeof(restoring->to), "%.*s", (int)len, to);
    int wide = snprintf(restoring->temporary, sizeof(restoring->temporary), "%s.restoring-XXXXXX",
                        restoring->to);
    if (wrote <= 0 || wide < 0 || (size_t)wide >= sizeof(restoring->temporary)) {
        restoring->temporary[0] = '\0';
        fault_set(restoring->fault, "restore.path", to, "the path is too long, or empty");
        return ERR_INVALID;
    }
    if (mkdtemp(restoring->temporary) == NULL) {
        restoring->temporary[0] = '\0';
        return refuse(restoring, to, "make a folder beside it");
    }
    return OK;
}

/* That it was restored, and from when: until somebody has compared it with what agencies hold. */
static enum err mark(struct restoring *restoring)
{
    struct store_txn *txn = NULL;
    uint8_t value[16];
    be64_put(value, restoring->info->log_size);
    be64_put(value + 8, restoring->info->made_ms);
    enum err error = store_begin(restoring->store, &txn);
    if (error != OK) {
        return error;
    }
    error = store_meta_put(txn, BACKUP_RESTORED_META, span_of(value, sizeof(value)));
    if (error != OK) {
        store_abort(txn);
        return error;
    }
    return store_commit(txn);
}

/* An agent's store opens with its own case keys only: they lie beside the backup. */
static enum err case_keys_take(struct restoring *restoring)
{
    char folder[PATH_MAX];
    struct case_keys *keys = NULL;
    struct uuid id;
    if (store_case_keys(restoring->store) == NULL) {
        return OK; /* a broker's */
    }
    enum err error = store_case_keys_known(restoring->store, &id);
    if (error != OK) {
        return error;
    }
    const struct uuid fresh = case_keys_id(store_case_keys(restoring->store));
    if (uuid_equal(&id, &fresh)) {
        return OK; /* the backup is of before there were any */
    }
    parent_of(restoring->path, folder);
    error = store_case_keys_read_copy(folder, &id, restoring->key, &keys, restoring->fault);
    return error == OK ? store_case_keys_adopt(restoring->store, keys, restoring->fault) : error;
}

static enum err store_end(struct restoring *restoring)
{
    enum err error = batch_end(restoring);
    if (error == OK) {
        error = case_keys_take(restoring);
    }
    if (error == OK) {
        error = mark(restoring);
    }
    if (error == OK && mdb_env_sync(restoring->store->env, 1) != MDB_SUCCESS) {
        error = refuse(restoring, restoring->to, "sync the store");
    }
    store_close(restoring->store);
    restoring->store = NULL;
    return error;
}

/* Opens what was written, as a daemon would, and reads all of it. */
static enum err verify(struct restoring *restoring)
{
    const struct backup_info *info = restoring->info;
    enum err error = store_make(restoring, false);
    if (error != OK) {
        return error;
    }
    struct store_walk walk = {.store = restoring->store, .progress = restoring->options->progress};
    error = store_walk_run(&walk);
    if (error == OK && (walk.rows < info->rows || walk.log_size != info->log_size ||
                        !digest_equal(&walk.log_root, &info->log_root))) {
        error = ERR_CORRUPT;
    }
    if (error == ERR_CORRUPT) {
        fault_set(restoring->fault, "restore.unlike", restoring->to,
                  "the restored store is not what was written %s", walk.damage);
        fault_hint(restoring->fault, "do not trust this disk: restore to another one");
    }
    store_close(restoring->store);
    restoring->store = NULL;
    return error;
}

static enum err sync_folder(struct restoring *restoring, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return refuse(restoring, path, "open the folder");
    }
    enum err error = fsync(fd) == 0 ? OK : refuse(restoring, path, "sync the folder");
    (void)close(fd);
    return error;
}

/* A rename takes the place of an empty folder, and of no other. */
static enum err publish(struct restoring *restoring)
{
    char parent[PATH_MAX];
    enum err error = sync_folder(restoring, restoring->temporary);
    if (error != OK) {
        return error;
    }
    if (rename(restoring->temporary, restoring->to) != 0) {
        return refuse(restoring, restoring->to, "give the restored folder its name");
    }
    restoring->temporary[0] = '\0';
    parent_of(restoring->to, parent);
    return sync_folder(restoring, parent);
}

static int remove_cb(const char *path, const struct stat *info, int type, struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path); /* what stays has a name that says what it is */
}

static void end(struct restoring *restoring)
{
    if (restoring->mdb != NULL) {
        mdb_txn_abort(restoring->mdb);
    }
    store_close(restoring->store);
    blobs_close(restoring->from);
    blobs_close(restoring->blobs);
    if (restoring->temporary[0] != '\0') {
        (void)nftw(restoring->temporary, remove_cb, 16, FTW_DEPTH | FTW_PHYS);
    }
    crypto_wipe(restoring->key, sizeof(restoring->key));
    free(restoring);
}

enum err backup_restore(struct backup_reader *reader, const uint8_t secret[SEAL_SECRET_BYTES],
                        const struct restore_options *options, struct fault *fault)
{
    assert(reader != NULL && options != NULL && options->to != NULL);
    struct fault own = {.code = ""};
    struct restoring *restoring = calloc(1, sizeof(*restoring));
    if (restoring == NULL) {
        fault_set(fault, "restore.failed", options->to, "no memory");
        return ERR_MEMORY;
    }
    restoring->info = backup_reader_info(reader);
    restoring->options = options;
    restoring->path = backup_reader_path(reader);
    restoring->fault = &own;
    const struct backup_sink sink = {
        .key = key_cb, .file = file_cb, .row = row_cb, .blob = blob_cb, .owner = restoring};
    enum err error = backup_restore_check(reader, options, &own);
    if (error == OK) {
        error = begin(restoring);
    }
    if (error == OK) {
        error = blobs_begin(restoring);
    }
    if (error == OK) {
        error = backup_read_all(reader, secret, &sink, options->progress, &own);
    }
    if (error == OK) {
        error = store_end(restoring);
    }
    if (error == OK) {
        error = verify(restoring);
    }
    if (error == OK) {
        error = publish(restoring);
    }
    if (error != OK && own.code[0] == '\0') {
        fault_set(&own, "restore.failed", options->to, "cannot restore: %s", err_text(error));
    }
    if (error != OK && fault != NULL) {
        *fault = own;
    }
    end(restoring);
    return error;
}
