/* Attachments of backups: copied one by one between two folders of blobs.h, each named by its
 * digest and so copied once for all backups. See backup_private.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "store/backup_private.h"

#define COPY_PART "backup"

enum err backup_blobs_there(const char *folder, struct fault *fault)
{
    if (access(folder, R_OK | X_OK) == 0) {
        return OK;
    }
    int number = errno;
    fault_set(fault, "restore.attachments", folder, "cannot read the folder of the attachments: %s",
              strerrordesc_np(number));
    fault_hint(fault, "name the folder that has them, or do without attachments");
    return ERR_NOT_FOUND;
}

static enum err copy_bytes(struct blobs *from, struct blobs *to, const struct digest *digest,
                           uint64_t size)
{
    struct buf piece;
    enum err error = blobs_part_discard(to, COPY_PART);
    buf_init(&piece, LIMIT_BLOB_CHUNK_BYTES);
    for (uint64_t at = 0; error == OK && at < size; at += piece.len) {
        buf_clear(&piece);
        error = blobs_read(from, digest, at, LIMIT_BLOB_CHUNK_BYTES, &piece);
        if (error == OK && piece.len == 0) {
            error = ERR_CORRUPT;
        }
        if (error == OK) {
            error = blobs_part_append(to, COPY_PART, at, span_buf(&piece));
        }
    }
    buf_free(&piece);
    return error;
}

enum err backup_blob_copy(struct blobs *from, struct blobs *to, const struct digest *digest,
                          uint64_t *ret_bytes)
{
    uint64_t size = 0;
    uint64_t there = 0;
    struct digest found;
    enum err error = blobs_size(from, digest, &size);
    if (error != OK) {
        return error;
    }
    *ret_bytes = size;
    if (blobs_size(to, digest, &there) == OK && there == size) {
        return OK;
    }
    error = copy_bytes(from, to, digest, size);
    if (error == OK) {
        error = blobs_part_finish(to, COPY_PART, digest, &found);
    }
    enum err end = blobs_part_discard(to, COPY_PART);
    return error == ERR_FORGED ? ERR_CORRUPT : error != OK ? error : end;
}

enum err backup_blob_check(struct blobs *blobs, const struct digest *digest, uint64_t bytes)
{
    struct hasher hasher;
    struct buf piece;
    uint64_t size = 0;
    enum err error = blobs_size(blobs, digest, &size);
    if (error == OK && size != bytes) {
        error = ERR_CORRUPT;
    }
    hasher_init(&hasher);
    buf_init(&piece, LIMIT_BLOB_CHUNK_BYTES);
    for (uint64_t at = 0; error == OK && at < size; at += piece.len) {
        buf_clear(&piece);
        error = blobs_read(blobs, digest, at, LIMIT_BLOB_CHUNK_BYTES, &piece);
        if (error == OK && piece.len == 0) {
            error = ERR_CORRUPT;
        }
        hasher_add(&hasher, piece.data, piece.len);
    }
    buf_free(&piece);
    if (error == OK) {
        struct digest found = hasher_end(&hasher);
        error = digest_equal(&found, digest) ? OK : ERR_CORRUPT;
    }
    return error;
}

void backup_blob_refuse(const char *folder, const struct digest *digest, enum err error,
                        struct fault *fault)
{
    char hex[DIGEST_TEXT_BYTES];
    digest_format(digest, hex);
    fault_set(fault, "restore.attachment", folder, "the attachment %.2s/%.62s of this backup is %s",
              hex, hex + 2, error == ERR_CORRUPT ? "damaged there" : "not there");
    fault_hint(fault,
               "name a folder that has it whole, or restore without attachments; where the "
               "broker still has it, remove the damaged file: the next backup copies it anew");
}

static bool list_cb(void *owner, const char *part, const struct digest *digest)
{
    struct backup_digests *list = owner;
    if (part != NULL || list->error != OK) {
        return true;
    }
    if (list->count == list->cap) {
        size_t cap = list->cap == 0 ? 256 : list->cap * 2;
        struct digest *rows = reallocarray(list->rows, cap, sizeof(*rows));
        if (rows == NULL) {
            list->error = ERR_MEMORY;
            return true;
        }
        list->rows = rows;
        list->cap = cap;
    }
    list->rows[list->count] = *digest;
    list->count++;
    return true;
}

enum err backup_blob_list(struct blobs *blobs, struct backup_digests *ret)
{
    const struct blobs_visitor visitor = {.wants = list_cb, .owner = ret};
    uint64_t removed = 0;
    enum err error = blobs_sweep(blobs, &visitor, &removed);
    return error != OK ? error : ret->error;
}
