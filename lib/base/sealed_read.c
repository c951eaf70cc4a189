/* Reading a sealed file: first all of it for its signature, then chunk by chunk. Every length is
 * checked against what the file holds before it is used; the frame's window is bounded. See
 * sealed_file.h. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/sealed_private.h"

#define CHUNK_BYTES_LEAST (4u + AEAD_TAG_BYTES)

struct sealed_reader {
    int fd;
    struct sealed_info info;
    uint8_t front[SEALED_FRONT_BYTES + SEALED_HEAD_BYTES_MAX];
    uint8_t foot[SEALED_FOOT_BYTES_MAX + SEALED_BACK_BYTES];
    uint64_t at;  /* of the next chunk */
    uint64_t end; /* of the chunks */
    uint64_t chunk_index;
    bool checked; /* its signature is good */
    bool unlocked;
    bool last; /* the last chunk was opened */
    bool done; /* the frame ended */
    uint8_t key[AEAD_KEY_BYTES];
    struct buf sealed;
    struct buf chunk; /* of the frame */
    size_t chunk_used;
    ZSTD_DCtx *zstd;
};

static enum err refuse(const char *path, enum err error, const char *what, struct fault *fault)
{
    static const char *const codes[ERR_COUNT] = {
        [ERR_NOT_FOUND] = "sealed.not-found", [ERR_INVALID] = "sealed.not-one",
        [ERR_VERSION] = "sealed.version",     [ERR_CORRUPT] = "sealed.damaged",
        [ERR_FORGED] = "sealed.forged",
    };
    fault_set(fault, codes[error] != NULL ? codes[error] : "sealed.failed", path, "%s", what);
    if (error == ERR_CORRUPT || error == ERR_FORGED) {
        fault_hint(fault, "use another copy of this file, or an older one; nothing was changed");
    }
    return error;
}

static enum err refuse_errno(const char *path, struct fault *fault)
{
    int number = errno;
    return refuse(path, number == ENOENT ? ERR_NOT_FOUND : ERR_IO, strerrordesc_np(number), fault);
}

/* ERR_CORRUPT when the file ends before. */
static enum err read_at(const struct sealed_reader *reader, uint64_t offset, void *out, size_t len)
{
    uint8_t *to = out;
    while (len > 0) {
        ssize_t got = pread(reader->fd, to, len, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got == 0 ? ERR_CORRUPT : ERR_IO;
        }
        to += got;
        offset += (uint64_t)got;
        len -= (size_t)got;
    }
    return OK;
}

/* --- opening --- */

static enum err front_read(struct sealed_reader *reader, const char *path, struct fault *fault)
{
    uint8_t *front = reader->front;
    enum err error = read_at(reader, 0, front, SEALED_FRONT_BYTES);
    if (error == ERR_IO) {
        return refuse_errno(path, fault);
    }
    if (error != OK || memcmp(front, SEALED_MAGIC, SEALED_MAGIC_BYTES) != 0) {
        return refuse(path, ERR_INVALID, "this is no sealed file", fault);
    }
    const unsigned suite = front[SEALED_AT_SUITE];
    if (front[SEALED_AT_VERSION] != SEALED_VERSION || suite < SUITE_INTL || suite > SUITE_SM) {
        (void)refuse(path, ERR_VERSION, "made in a form that this program does not know", fault);
        fault_hint(fault, "use the release that wrote it, or a newer one");
        return ERR_VERSION;
    }
    error = crypto_claim((enum crypto_suite)suite, path, fault);
    if (error != OK) {
        return error;
    }
    size_t head_bytes = be16_get(front + SEALED_AT_HEAD);
    if (head_bytes > SEALED_HEAD_BYTES_MAX ||
        read_at(reader, SEALED_FRONT_BYTES, front + SEALED_FRONT_BYTES, head_bytes) != OK) {
        return refuse(path, ERR_CORRUPT, "damaged at its beginning", fault);
    }
    reader->info.head = span_of(front + SEALED_FRONT_BYTES, head_bytes);
    memcpy(reader->info.recipient, front + SEALED_AT_RECIPIENT, SEAL_PUBLIC_BYTES);
    memcpy(reader->info.signer, front + SEALED_AT_SIGNER, SIGN_PUBLIC_BYTES);
    reader->at = SEALED_FRONT_BYTES + head_bytes;
    return OK;
}

static enum err foot_read(struct sealed_reader *reader)
{
    uint64_t bytes = reader->info.bytes;
    uint8_t length[2];
    if (bytes < reader->at + CHUNK_BYTES_LEAST + SEALED_BACK_BYTES) {
        return ERR_CORRUPT;
    }
    enum err error = read_at(reader, bytes - SEALED_BACK_BYTES, length, sizeof(length));
    size_t foot_bytes = be16_get(length);
    if (error != OK || foot_bytes > SEALED_FOOT_BYTES_MAX ||
        bytes < reader->at + CHUNK_BYTES_LEAST + foot_bytes + SEALED_BACK_BYTES) {
        return error != OK ? error : ERR_CORRUPT;
    }
    reader->end = bytes - SEALED_BACK_BYTES - foot_bytes;
    reader->info.foot = span_of(reader->foot, foot_bytes);
    return read_at(reader, reader->end, reader->foot, foot_bytes + SEALED_BACK_BYTES);
}

static enum err signature_check(struct sealed_reader *reader)
{
    struct hasher hasher;
    uint64_t signed_bytes = reader->info.bytes - SIGNATURE_BYTES;
    uint8_t *piece = malloc(SEALED_CHUNK_BYTES);
    enum err error = piece != NULL ? OK : ERR_MEMORY;
    hasher_init(&hasher);
    for (uint64_t at = 0; error == OK && at < signed_bytes;) {
        uint64_t left = signed_bytes - at;
        size_t len = left < SEALED_CHUNK_BYTES ? (size_t)left : SEALED_CHUNK_BYTES;
        error = read_at(reader, at, piece, len);
        if (error == OK) {
            hasher_add(&hasher, piece, len);
        }
        at += len;
    }
    free(piece);
    if (error != OK) {
        return error;
    }
    const uint8_t *signature = reader->foot + reader->info.foot.len + 2;
    struct hasher copy = hasher;
    struct digest digest = hasher_end(&copy);
    struct sealed_statement statement = sealed_statement_of(&digest);
    hasher_add(&hasher, signature, SIGNATURE_BYTES);
    reader->info.digest = hasher_end(&hasher);
    return crypto_verify(reader->info.signer, span_of(statement.bytes, sizeof(statement.bytes)),
                         signature);
}

static enum err file_check(struct sealed_reader *reader, const char *path, bool whole,
                           struct fault *fault)
{
    struct stat info;
    /* O_NONBLOCK: a pipe that nobody writes into is opened, and refused below. */
    reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (reader->fd < 0 || fstat(reader->fd, &info) != 0) {
        return refuse_errno(path, fault);
    }
    if (!S_ISREG(info.st_mode)) {
        return refuse(path, ERR_INVALID, "this is no regular file", fault);
    }
    reader->info.bytes = (uint64_t)info.st_size;
    enum err error = front_read(reader, path, fault);
    if (error != OK) {
        return error;
    }
    error = foot_read(reader);
    if (error == OK && whole) {
        error = signature_check(reader);
    }
    if (error == ERR_IO) {
        return refuse_errno(path, fault);
    }
    return error == OK ? OK
                       : refuse(path, error,
                                error == ERR_MEMORY   ? "no memory to read the file"
                                : error == ERR_FORGED ? "its signature does not fit: damaged, cut, "
                                                        "continued, or changed by somebody"
                                                      : "damaged, or cut short",
                                fault);
}

static enum err reader_new(const char *path, bool whole, struct sealed_reader **ret_reader,
                           struct fault *fault)
{
    assert(path != NULL && ret_reader != NULL);
    struct sealed_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL) {
        return refuse(path, ERR_MEMORY, "no memory to read the file", fault);
    }
    reader->fd = -1;
    buf_init(&reader->sealed, SEALED_CHUNK_BYTES + AEAD_TAG_BYTES);
    buf_init(&reader->chunk, SEALED_CHUNK_BYTES);
    reader->checked = whole;
    enum err error = file_check(reader, path, whole, fault);
    if (error != OK) {
        sealed_reader_free(reader);
        return error;
    }
    *ret_reader = reader;
    return OK;
}

enum err sealed_reader_open(const char *path, struct sealed_reader **ret_reader,
                            struct fault *fault)
{
    return reader_new(path, true, ret_reader, fault);
}

enum err sealed_reader_peek(const char *path, struct sealed_reader **ret_reader,
                            struct fault *fault)
{
    return reader_new(path, false, ret_reader, fault);
}

const struct sealed_info *sealed_reader_info(const struct sealed_reader *reader)
{
    return &reader->info;
}

/* --- what is inside --- */

enum err sealed_reader_unlock(struct sealed_reader *reader, const uint8_t secret[SEAL_SECRET_BYTES],
                              struct fault *fault)
{
    assert(reader != NULL && reader->checked && !reader->unlocked);
    struct seal_key own;
    uint8_t shared[32];
    seal_key_from_secret(secret, &own);
    bool fits = memcmp(own.public_key, reader->info.recipient, SEAL_PUBLIC_BYTES) == 0;
    crypto_wipe(&own, sizeof(own));
    enum err error =
        fits ? crypto_exchange(secret, reader->front + SEALED_AT_EPHEMERAL, shared) : ERR_FORGED;
    if (error != OK) {
        fault_set(fault, "sealed.other-key", "", "this file is sealed to another recovery key");
        fault_hint(fault, "use the secret that was made with the recovery key in use when the file "
                          "was written");
        return ERR_FORGED;
    }
    sealed_key(shared, span_of(reader->front, SEALED_FRONT_BYTES + reader->info.head.len),
               reader->key);
    crypto_wipe(shared, sizeof(shared));
    reader->zstd = ZSTD_createDCtx();
    if (reader->zstd == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(
                                    reader->zstd, ZSTD_d_windowLogMax, SEALED_WINDOW_LOG))) {
        return ERR_MEMORY;
    }
    reader->unlocked = true;
    return OK;
}

static enum err chunk_read(struct sealed_reader *reader, uint32_t *ret_word)
{
    uint8_t length[4];
    uint8_t *room = NULL;
    if (reader->end - reader->at < CHUNK_BYTES_LEAST) {
        return ERR_CORRUPT;
    }
    enum err error = read_at(reader, reader->at, length, sizeof(length));
    uint32_t word = be32_get(length);
    size_t sealed_bytes = word & ~SEALED_LAST;
    if (error != OK || sealed_bytes < AEAD_TAG_BYTES ||
        sealed_bytes > SEALED_CHUNK_BYTES + AEAD_TAG_BYTES ||
        sealed_bytes > reader->end - reader->at - sizeof(length)) {
        return error != OK ? error : ERR_CORRUPT;
    }
    buf_clear(&reader->sealed);
    error = buf_extend(&reader->sealed, sealed_bytes, &room);
    if (error == OK) {
        error = read_at(reader, reader->at + sizeof(length), room, sealed_bytes);
    }
    reader->at += sizeof(length) + sealed_bytes;
    *ret_word = word;
    return error;
}

/* The last chunk ends where the foot begins, and no other does. */
static enum err chunk_next(struct sealed_reader *reader)
{
    uint32_t word = 0;
    enum err error = reader->last ? ERR_CORRUPT : chunk_read(reader, &word);
    if (error != OK) {
        return error;
    }
    bool last = (word & SEALED_LAST) != 0;
    struct sealed_chunk_place place = sealed_chunk_at(reader->chunk_index, last);
    buf_clear(&reader->chunk);
    reader->chunk_used = 0;
    reader->chunk_index++;
    reader->last = last;
    error = aead_open(reader->key, place.nonce, span_of(place.associated, sizeof(place.associated)),
                      span_buf(&reader->sealed), &reader->chunk);
    return error == OK && last != (reader->at == reader->end) ? ERR_CORRUPT : error;
}

/* The frame ended: nothing may be left of the file. */
static enum err frame_ended(struct sealed_reader *reader)
{
    reader->done = true;
    return reader->last && reader->chunk_used == reader->chunk.len ? OK : ERR_CORRUPT;
}

enum err sealed_reader_take(struct sealed_reader *reader, void *out, size_t len)
{
    assert(reader != NULL && reader->unlocked);
    ZSTD_outBuffer to = {out, len, 0};
    enum err error = OK;
    while (error == OK && to.pos < len && !reader->done) {
        if (reader->chunk_used == reader->chunk.len && !reader->last) {
            error = chunk_next(reader);
        }
        ZSTD_inBuffer from = {reader->chunk.data, reader->chunk.len, reader->chunk_used};
        size_t before = to.pos;
        size_t left = error == OK ? ZSTD_decompressStream(reader->zstd, &to, &from) : 1;
        if (error == OK && ZSTD_isError(left)) {
            error = ERR_CORRUPT;
        } else if (error == OK && left == 0) {
            reader->chunk_used = from.pos;
            error = frame_ended(reader);
        } else if (error == OK && from.pos == reader->chunk_used && to.pos == before &&
                   reader->last) {
            error = ERR_CORRUPT; /* the frame wants more than there is */
        }
        reader->chunk_used = from.pos;
    }
    return error == OK && to.pos < len ? ERR_CLOSED : error;
}

void sealed_reader_free(struct sealed_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    if (reader->fd >= 0) {
        (void)close(reader->fd);
    }
    (void)ZSTD_freeDCtx(reader->zstd);
    if (reader->chunk.data != NULL) {
        crypto_wipe(reader->chunk.data, reader->chunk.len);
    }
    buf_free(&reader->chunk);
    buf_free(&reader->sealed);
    crypto_wipe(reader->key, sizeof(reader->key));
    free(reader);
}
