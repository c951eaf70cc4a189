/* Attachments of backups: copied one by one between two folders of blobs.h, each named by its
 * digest and so copied once for all backups. See backup_private.h. */
#include <stdlib.h>

#include "base/limits.h"
#include "store/backup_private.h"

#define COPY_PART "backup"

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
