/* Writing a sealed file: zstd's frame goes into a chunk's buffer, a full buffer is sealed and
 * written. One chunk stays behind, since only at the end it is known which is the last. See
 * sealed_file.h. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "base/file.h"
#include "base/sealed_private.h"

#define SYNC_BYTES (16u * 1024u * 1024u)

struct sealed_writer {
    char path[PATH_MAX];
    char temporary[PATH_MAX]; /* empty: nothing is to be removed */
    int fd;
    const struct sign_key *signer; /* borrowed */
    uint8_t key[AEAD_KEY_BYTES];
    ZSTD_CCtx *zstd;
    uint8_t *chunk; /* owned: SEALED_CHUNK_BYTES of the frame */
    size_t chunk_len;
    uint64_t chunk_index;
    struct buf sealed;
    struct hasher hasher; /* over all that was written */
    uint64_t unsynced;
    uint64_t bytes;
};

static enum err io_result(int number)
{
    return number == ENOSPC || number == EDQUOT ? ERR_FULL : number == EEXIST ? ERR_EXISTS : ERR_IO;
}

static enum err refuse(const struct sealed_writer *writer, const char *action, enum err error,
                       struct fault *fault)
{
    int number = errno;
    fault_set(fault, "sealed.failed", writer->path, "cannot %s: %s", action,
              error == ERR_IO || error == ERR_EXISTS ? strerrordesc_np(number) : err_text(error));
    if (error == ERR_FULL) {
        fault_hint(fault, "free space on its disk, or name another folder");
    }
    return error;
}

static enum err put(struct sealed_writer *writer, struct span bytes)
{
    hasher_add(&writer->hasher, bytes.data, bytes.len);
    writer->bytes += bytes.len;
    writer->unsynced += bytes.len;
    while (bytes.len > 0) {
        ssize_t wrote = write(writer->fd, bytes.data, bytes.len);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0) {
            return io_result(errno);
        }
        bytes = span_of(bytes.data + wrote, bytes.len - (size_t)wrote);
    }
    /* In small portions: one sync of gigabytes would hold up everybody else's on this disk. */
    if (writer->unsynced >= SYNC_BYTES) {
        writer->unsynced = 0;
        return fdatasync(writer->fd) == 0 ? OK : io_result(errno);
    }
    return OK;
}

static enum err chunk_flush(struct sealed_writer *writer, bool last)
{
    struct sealed_chunk_place place = sealed_chunk_at(writer->chunk_index, last);
    uint8_t length[4];
    buf_clear(&writer->sealed);
    enum err error =
        aead_seal(writer->key, place.nonce, span_of(place.associated, sizeof(place.associated)),
                  span_of(writer->chunk, writer->chunk_len), &writer->sealed);
    if (error != OK) {
        return error;
    }
    be32_put(length, (uint32_t)writer->sealed.len | (last ? SEALED_LAST : 0));
    error = put(writer, span_of(length, sizeof(length)));
    writer->chunk_index++;
    writer->chunk_len = 0;
    return error == OK ? put(writer, span_buf(&writer->sealed)) : error;
}

/* Feeds the frame; with `end` its last bytes, too. */
static enum err compress(struct sealed_writer *writer, struct span bytes, bool end)
{
    ZSTD_inBuffer in = {bytes.data, bytes.len, 0};
    size_t left = 1;
    enum err error = OK;
    while (error == OK && (in.pos < in.size || (end && left > 0))) {
        if (writer->chunk_len == SEALED_CHUNK_BYTES) {
            error = chunk_flush(writer, false);
        }
        ZSTD_outBuffer out = {writer->chunk, SEALED_CHUNK_BYTES, writer->chunk_len};
        left = ZSTD_compressStream2(writer->zstd, &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
        writer->chunk_len = out.pos;
        if (error == OK && ZSTD_isError(left)) {
            error = ERR_MEMORY; /* the only failure of a stream that is fed rightly */
        }
    }
    return error;
}

enum err sealed_writer_add(struct sealed_writer *writer, struct span bytes)
{
    assert(writer != NULL && writer->fd >= 0);
    return compress(writer, bytes, false);
}

/* --- opening --- */

static enum err memory_take(struct sealed_writer *writer)
{
    writer->chunk = malloc(SEALED_CHUNK_BYTES);
    writer->zstd = ZSTD_createCCtx();
    if (writer->chunk == NULL || writer->zstd == NULL ||
        ZSTD_isError(ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, SEALED_LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 0))) {
        return ERR_MEMORY;
    }
    return OK;
}

static enum err front_write(struct sealed_writer *writer,
                            const struct sealed_writer_options *options)
{
    uint8_t front[SEALED_FRONT_BYTES + SEALED_HEAD_BYTES_MAX] = {0};
    struct seal_key ephemeral;
    uint8_t shared[32];
    seal_key_new(&ephemeral);
    memcpy(front, SEALED_MAGIC, SEALED_MAGIC_BYTES);
    front[SEALED_AT_VERSION] = SEALED_VERSION;
    front[SEALED_AT_SUITE] = (uint8_t)crypto_suite();
    be16_put(front + SEALED_AT_HEAD, (uint16_t)options->head.len);
    memcpy(front + SEALED_AT_RECIPIENT, options->recipient, SEAL_PUBLIC_BYTES);
    memcpy(front + SEALED_AT_EPHEMERAL, ephemeral.public_key, SEAL_PUBLIC_BYTES);
    memcpy(front + SEALED_AT_SIGNER, options->signer->public_key, SIGN_PUBLIC_BYTES);
    if (options->head.len > 0) {
        memcpy(front + SEALED_FRONT_BYTES, options->head.data, options->head.len);
    }
    struct span whole = span_of(front, SEALED_FRONT_BYTES + options->head.len);
    enum err error = crypto_exchange(ephemeral.secret, options->recipient, shared);
    if (error == OK) {
        sealed_key(shared, whole, writer->key);
    }
    crypto_wipe(&ephemeral, sizeof(ephemeral));
    crypto_wipe(shared, sizeof(shared));
    return error == OK ? put(writer, whole) : ERR_INVALID;
}

static enum err file_make(struct sealed_writer *writer, const char *path)
{
    int len = snprintf(writer->path, sizeof(writer->path), "%s", path);
    int wide =
        snprintf(writer->temporary, sizeof(writer->temporary), "%s" SEALED_PART_ENDING, path);
    errno = ENAMETOOLONG;
    if (len < 0 || wide < 0 || (size_t)wide >= sizeof(writer->temporary)) {
        writer->temporary[0] = '\0';
        return ERR_IO;
    }
    errno = EEXIST;
    if (access(path, F_OK) == 0) {
        writer->temporary[0] = '\0';
        return ERR_EXISTS;
    }
    writer->fd = open(writer->temporary, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (writer->fd < 0) {
        writer->temporary[0] = '\0';
        return io_result(errno);
    }
    return OK;
}

enum err sealed_writer_open(const struct sealed_writer_options *options,
                            struct sealed_writer **ret_writer, struct fault *fault)
{
    assert(options != NULL && options->recipient != NULL && options->signer != NULL);
    assert(options->head.len <= SEALED_HEAD_BYTES_MAX);
    struct sealed_writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL) {
        fault_set(fault, "sealed.memory", options->path, "no memory to write the file");
        return ERR_MEMORY;
    }
    writer->fd = -1;
    writer->signer = options->signer;
    buf_init(&writer->sealed, SEALED_CHUNK_BYTES + AEAD_TAG_BYTES);
    hasher_init(&writer->hasher);
    enum err error = memory_take(writer);
    if (error == OK) {
        error = file_make(writer, options->path);
    }
    if (error == OK) {
        error = front_write(writer, options);
    }
    if (error != OK) {
        error = refuse(writer, "write the file", error, fault);
        if (error == ERR_INVALID) {
            fault_set(fault, "sealed.recovery-key", options->path,
                      "the recovery key is no key that can be sealed to");
        }
        sealed_writer_free(writer);
        return error;
    }
    *ret_writer = writer;
    return OK;
}

/* --- the end --- */

static enum err back_write(struct sealed_writer *writer, struct span foot)
{
    uint8_t length[2];
    uint8_t signature[SIGNATURE_BYTES];
    be16_put(length, (uint16_t)foot.len);
    enum err error = put(writer, foot);
    if (error == OK) {
        error = put(writer, span_of(length, sizeof(length)));
    }
    if (error == OK) {
        struct hasher copy = writer->hasher;
        struct digest digest = hasher_end(&copy);
        struct sealed_statement statement = sealed_statement_of(&digest);
        crypto_sign_message(writer->signer, span_of(statement.bytes, sizeof(statement.bytes)),
                            signature);
        error = put(writer, span_of(signature, sizeof(signature)));
    }
    return error;
}

/* Reads the file back, past the page cache as far as the kernel allows it, and compares. */
static enum err read_back(struct sealed_writer *writer, const struct digest *expected)
{
    struct hasher hasher;
    ssize_t got = 0;
    uint64_t offset = 0;
    hasher_init(&hasher);
    /* Advice: the pages are clean after fsync, so that what is read comes from the disk. */
    (void)posix_fadvise(writer->fd, 0, 0, POSIX_FADV_DONTNEED);
    do {
        got = pread(writer->fd, writer->chunk, SEALED_CHUNK_BYTES, (off_t)offset);
        if (got > 0) {
            hasher_add(&hasher, writer->chunk, (size_t)got);
            offset += (uint64_t)got;
        }
    } while (got > 0 || (got < 0 && errno == EINTR));
    if (got < 0) {
        return ERR_IO;
    }
    struct digest digest = hasher_end(&hasher);
    return digest_equal(&digest, expected) ? OK : ERR_CORRUPT;
}

enum err sealed_writer_finish(struct sealed_writer *writer, struct span foot,
                              struct sealed_written *ret_written, struct fault *fault)
{
    assert(writer != NULL && writer->fd >= 0);
    assert(foot.len <= SEALED_FOOT_BYTES_MAX);
    enum err error = compress(writer, span_of(NULL, 0), true);
    if (error == OK) {
        error = chunk_flush(writer, true);
    }
    if (error == OK) {
        error = back_write(writer, foot);
    }
    if (error == OK && fsync(writer->fd) != 0) {
        error = io_result(errno);
    }
    if (error != OK) {
        return refuse(writer, "write the file", error, fault);
    }
    struct digest digest = hasher_end(&writer->hasher);
    error = read_back(writer, &digest);
    if (error == ERR_CORRUPT) {
        fault_set(fault, "sealed.unlike", writer->path,
                  "the disk gives back other bytes than were written");
        fault_hint(fault, "do not trust this disk: write to another one");
        return error;
    }
    if (error == OK) {
        error = file_publish_new(writer->temporary, writer->path);
    }
    if (error != OK) {
        return refuse(writer, "keep the file", error, fault);
    }
    writer->temporary[0] = '\0';
    *ret_written = (struct sealed_written){.bytes = writer->bytes, .digest = digest};
    return OK;
}

void sealed_writer_free(struct sealed_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    if (writer->temporary[0] != '\0') {
        (void)unlink(writer->temporary);
    }
    if (writer->fd >= 0) {
        (void)close(writer->fd);
    }
    (void)ZSTD_freeCCtx(writer->zstd);
    if (writer->chunk != NULL) {
        crypto_wipe(writer->chunk, SEALED_CHUNK_BYTES); /* of records, compressed */
        free(writer->chunk);
    }
    buf_free(&writer->sealed);
    crypto_wipe(writer->key, sizeof(writer->key));
    free(writer);
}
