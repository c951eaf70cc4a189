/* How: plain files, the folder's descriptor and names relative to it. Digests are taken as the
 * bytes come and kept in memory for the parts under way; a part of an earlier run is read again
 * once, at its end. See blobs.h. */
#include "store/blobs.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/limits.h"

#define HASHER_COUNT 32u /* parts under way at once: every agency's, mostly */
#define PATH_BYTES   (8u + BLOB_PART_NAME_BYTES)
#define PARTS        "parts"
#define READ_BYTES   (64u * 1024u)

_Static_assert(DIGEST_TEXT_BYTES + 1 <= PATH_BYTES, "a blob's path fits");

struct part_hasher {
    char part[BLOB_PART_NAME_BYTES]; /* empty: free */
    uint64_t bytes;                  /* that it has seen */
    struct hasher hasher;
};

struct blobs {
    int fd; /* of the folder */
    int parts_fd;
    struct blobs_options options;
    struct part_hasher hashers[HASHER_COUNT];
    size_t next_hasher; /* which is given away when all are taken */
};

static void pass(const struct blobs *blobs, const char *name)
{
    if (blobs->options.pass_point != NULL) {
        blobs->options.pass_point(blobs->options.owner, name);
    }
}

static enum err io_result(void)
{
    switch (errno) {
    case ENOENT:
        return ERR_NOT_FOUND;
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case ENOMEM:
        return ERR_MEMORY;
    default:
        return ERR_IO;
    }
}

static enum err folder_refuse(const char *folder, struct fault *fault)
{
    int number = errno;
    fault_set(fault, "blobs.failed", folder, "cannot use the folder of the attachments: %s",
              strerrordesc_np(number));
    fault_hint(fault, "check its owner and mode, and that its disk is there");
    return ERR_IO;
}

enum err blobs_open(const char *folder, const struct blobs_options *options,
                    struct blobs **ret_blobs, struct fault *fault)
{
    assert(folder != NULL && options != NULL && ret_blobs != NULL);
    enum err error = folder_make(folder, 0700, fault);
    struct blobs *blobs = error == OK ? calloc(1, sizeof(*blobs)) : NULL;
    if (blobs == NULL) {
        return error != OK ? error : ERR_MEMORY;
    }
    blobs->options = *options;
    blobs->parts_fd = -1;
    if (blobs->options.refuse_percent == 0) {
        blobs->options.refuse_percent = LIMIT_STORE_PERCENT;
    }
    blobs->fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (blobs->fd >= 0 && (mkdirat(blobs->fd, PARTS, 0700) == 0 || errno == EEXIST)) {
        blobs->parts_fd = openat(blobs->fd, PARTS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    if (blobs->parts_fd < 0 || fsync(blobs->fd) != 0) {
        error = folder_refuse(folder, fault);
        blobs_close(blobs);
        return error;
    }
    *ret_blobs = blobs;
    return OK;
}

enum err blobs_folder_beside(const char *store, char *out, size_t size)
{
    size_t len = strlen(store);
    while (len > 1 && store[len - 1] == '/') {
        len--;
    }
    int wrote = snprintf(out, size, "%.*s-attachments", (int)len, store);
    return wrote >= 0 && (size_t)wrote < size ? OK : ERR_TOO_LARGE;
}

void blobs_close(struct blobs *blobs)
{
    if (blobs == NULL) {
        return;
    }
    if (blobs->parts_fd >= 0) {
        (void)close(blobs->parts_fd);
    }
    if (blobs->fd >= 0) {
        (void)close(blobs->fd);
    }
    free(blobs);
}

unsigned blobs_disk_percent(const struct blobs *blobs)
{
    struct statvfs disk;
    if (fstatvfs(blobs->fd, &disk) != 0 || disk.f_blocks == 0) {
        return 100; /* the careful answer */
    }
    uint64_t used = disk.f_blocks - disk.f_bfree;
    uint64_t usable = used + disk.f_bavail; /* what is kept for root is nobody's */
    return usable == 0 ? 100u : (unsigned)(used * 100 / usable);
}

bool blobs_accept(const struct blobs *blobs)
{
    return blobs_disk_percent(blobs) < blobs->options.refuse_percent;
}

/* --- files --- */

static void part_path(const char *part, char out[PATH_BYTES])
{
    size_t len = strnlen(part, BLOB_PART_NAME_BYTES);
    assert(len > 0 && len < BLOB_PART_NAME_BYTES);
    assert(strspn(part, "abcdefghijklmnopqrstuvwxyz0123456789-") == len);
    (void)snprintf(out, PATH_BYTES, PARTS "/%s", part);
}

static void blob_path(const struct digest *digest, char out[PATH_BYTES])
{
    char hex[DIGEST_TEXT_BYTES];
    digest_format(digest, hex);
    (void)snprintf(out, PATH_BYTES, "%.2s/%s", hex, hex + 2);
}

static enum err file_bytes(const struct blobs *blobs, const char *path, uint64_t *ret_bytes)
{
    struct stat info;
    if (fstatat(blobs->fd, path, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return io_result();
    }
    *ret_bytes = (uint64_t)info.st_size;
    return S_ISREG(info.st_mode) ? OK : ERR_IO;
}

static enum err read_at(const struct blobs *blobs, const char *path, uint64_t offset, size_t max,
                        struct buf *out)
{
    int fd = openat(blobs->fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return io_result();
    }
    size_t start = out->len;
    uint8_t *to = NULL;
    enum err error = buf_extend(out, max, &to);
    size_t done = 0;
    while (error == OK && done < max) {
        ssize_t got = pread(fd, to + done, max - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            error = got < 0 ? ERR_IO : OK;
            break;
        }
        done += (size_t)got;
    }
    out->len = start + (error == OK ? done : 0);
    (void)close(fd);
    return error;
}

/* --- digests of parts --- */

static struct part_hasher *hasher_of(struct blobs *blobs, const char *part)
{
    for (size_t i = 0; i < HASHER_COUNT; i++) {
        if (strcmp(blobs->hashers[i].part, part) == 0) {
            return &blobs->hashers[i];
        }
    }
    return NULL;
}

/* The one of this part, or a fresh one for a part that begins. */
static struct part_hasher *hasher_take(struct blobs *blobs, const char *part)
{
    struct part_hasher *own = hasher_of(blobs, part);
    if (own != NULL) {
        return own;
    }
    own = hasher_of(blobs, "");
    if (own == NULL) {
        own = &blobs->hashers[blobs->next_hasher];
        blobs->next_hasher = (blobs->next_hasher + 1) % HASHER_COUNT;
    }
    text_copy(own->part, sizeof(own->part), part);
    own->bytes = 0;
    hasher_init(&own->hasher);
    return own;
}

static void hasher_forget(struct blobs *blobs, const char *part)
{
    struct part_hasher *own = hasher_of(blobs, part);
    if (own != NULL) {
        own->part[0] = '\0';
    }
}

/* Reads what the hasher has not seen, up to the end of the part. */
static enum err hasher_catch_up(struct blobs *blobs, struct part_hasher *own, uint64_t end)
{
    struct buf piece;
    enum err error = OK;
    buf_init(&piece, READ_BYTES);
    while (error == OK && own->bytes < end) {
        buf_clear(&piece);
        error = blobs_part_read(blobs, own->part, own->bytes, READ_BYTES, &piece);
        if (error == OK && piece.len == 0) {
            error = ERR_IO; /* shorter than it was a moment ago */
        }
        if (error == OK) {
            hasher_add(&own->hasher, piece.data, piece.len);
            own->bytes += piece.len;
        }
    }
    buf_free(&piece);
    return error;
}

/* --- parts --- */

enum err blobs_part_bytes(struct blobs *blobs, const char *part, uint64_t *ret_bytes)
{
    char path[PATH_BYTES];
    part_path(part, path);
    enum err error = file_bytes(blobs, path, ret_bytes);
    if (error == ERR_NOT_FOUND) {
        *ret_bytes = 0;
        return OK;
    }
    return error;
}

static enum err write_all(int fd, uint64_t offset, struct span bytes)
{
    size_t done = 0;
    while (done < bytes.len) {
        ssize_t put = pwrite(fd, bytes.data + done, bytes.len - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return io_result();
        }
        done += (size_t)put;
    }
    return fdatasync(fd) == 0 ? OK : io_result();
}

enum err blobs_part_append(struct blobs *blobs, const char *part, uint64_t offset,
                           struct span bytes)
{
    char path[PATH_BYTES];
    uint64_t end = 0;
    enum err error = blobs_part_bytes(blobs, part, &end);
    if (error != OK || offset != end) {
        return error != OK ? error : ERR_INVALID;
    }
    part_path(part, path);
    int fd = openat(blobs->fd, path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return io_result();
    }
    error = write_all(fd, offset, bytes);
    if (error == ERR_FULL && ftruncate(fd, (off_t)offset) != 0) {
        error = ERR_IO;
    }
    (void)close(fd); /* synced */
    pass(blobs, "blobs.after-append");
    if (error == OK) {
        struct part_hasher *own = hasher_take(blobs, part);
        if (own->bytes == offset) {
            hasher_add(&own->hasher, bytes.data, bytes.len);
            own->bytes += bytes.len;
        }
    }
    return error;
}

static enum err sync_at(const struct blobs *blobs, const char *path, int flags)
{
    int fd = openat(blobs->fd, path, flags | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return io_result();
    }
    enum err error = fsync(fd) == 0 ? OK : ERR_IO;
    (void)close(fd);
    return error;
}

/* A blob of that name which is shorter or longer is a damaged file: the part takes its place. */
static enum err link_at(const struct blobs *blobs, const char *from, const char *path)
{
    uint64_t own = 0;
    uint64_t there = 0;
    if (linkat(blobs->fd, from, blobs->fd, path, 0) == 0) {
        return OK;
    }
    if (errno != EEXIST) {
        return io_result();
    }
    enum err error = file_bytes(blobs, from, &own);
    error = error == OK ? file_bytes(blobs, path, &there) : error;
    if (error != OK || own == there) {
        return error;
    }
    if (unlinkat(blobs->fd, path, 0) != 0 || linkat(blobs->fd, from, blobs->fd, path, 0) != 0) {
        return io_result();
    }
    return OK;
}

/* Gives the part its second name. Both names stay, so that a crash before the row is written leaves
 * a part that is whole. */
static enum err publish(struct blobs *blobs, const char *part, const struct digest *digest)
{
    char from[PATH_BYTES];
    char path[PATH_BYTES];
    char folder[3];
    part_path(part, from);
    blob_path(digest, path);
    memcpy(folder, path, 2);
    folder[2] = '\0';
    if (mkdirat(blobs->fd, folder, 0700) != 0 && errno != EEXIST) {
        return io_result();
    }
    enum err error = sync_at(blobs, from, O_RDONLY);
    pass(blobs, "blobs.before-link");
    error = error == OK ? link_at(blobs, from, path) : error;
    if (error == OK) {
        error = sync_at(blobs, folder, O_RDONLY | O_DIRECTORY);
    }
    if (error == OK && fsync(blobs->fd) != 0) {
        error = ERR_IO;
    }
    pass(blobs, "blobs.after-link");
    return error;
}

enum err blobs_part_finish(struct blobs *blobs, const char *part, const struct digest *expected,
                           struct digest *ret_digest)
{
    char path[PATH_BYTES];
    uint64_t end = 0;
    part_path(part, path);
    enum err error = file_bytes(blobs, path, &end);
    if (error != OK) {
        return error;
    }
    struct part_hasher *own = hasher_take(blobs, part);
    error = hasher_catch_up(blobs, own, end);
    if (error != OK) {
        return error;
    }
    struct hasher copy = own->hasher;
    struct digest digest = hasher_end(&copy);
    if (expected != NULL && !digest_equal(&digest, expected)) {
        error = blobs_part_discard(blobs, part);
        return error != OK ? error : ERR_FORGED;
    }
    error = publish(blobs, part, &digest);
    if (error == OK) {
        *ret_digest = digest;
    }
    return error;
}

enum err blobs_part_discard(struct blobs *blobs, const char *part)
{
    char path[PATH_BYTES];
    part_path(part, path);
    hasher_forget(blobs, part);
    return unlinkat(blobs->fd, path, 0) == 0 || errno == ENOENT ? OK : ERR_IO;
}

enum err blobs_part_read(struct blobs *blobs, const char *part, uint64_t offset, size_t max,
                         struct buf *out)
{
    char path[PATH_BYTES];
    part_path(part, path);
    return read_at(blobs, path, offset, max, out);
}

/* --- blobs --- */

enum err blobs_size(struct blobs *blobs, const struct digest *digest, uint64_t *ret_bytes)
{
    char path[PATH_BYTES];
    blob_path(digest, path);
    return file_bytes(blobs, path, ret_bytes);
}

enum err blobs_read(struct blobs *blobs, const struct digest *digest, uint64_t offset, size_t max,
                    struct buf *out)
{
    char path[PATH_BYTES];
    blob_path(digest, path);
    return read_at(blobs, path, offset, max, out);
}

enum err blobs_remove(struct blobs *blobs, const struct digest *digest)
{
    char path[PATH_BYTES];
    blob_path(digest, path);
    return unlinkat(blobs->fd, path, 0) == 0 ? OK : io_result();
}

enum err blobs_touch(struct blobs *blobs, const struct digest *digest, uint64_t at_ms)
{
    char path[PATH_BYTES];
    struct timespec at = {.tv_sec = (time_t)(at_ms / 1000),
                          .tv_nsec = (long)(at_ms % 1000) * 1000000};
    const struct timespec both[2] = {at, at};
    blob_path(digest, path);
    return utimensat(blobs->fd, path, both, AT_SYMLINK_NOFOLLOW) == 0 ? OK : io_result();
}

enum err blobs_touched_ms(struct blobs *blobs, const struct digest *digest, uint64_t *ret_at_ms)
{
    char path[PATH_BYTES];
    struct stat info;
    blob_path(digest, path);
    if (fstatat(blobs->fd, path, &info, AT_SYMLINK_NOFOLLOW) != 0) {
        return io_result();
    }
    *ret_at_ms = (uint64_t)info.st_mtim.tv_sec * 1000 + (uint64_t)info.st_mtim.tv_nsec / 1000000;
    return OK;
}

/* --- the sweep --- */

struct sweep {
    struct blobs *blobs;
    const struct blobs_visitor *visitor;
    uint64_t removed;
};

static enum err sweep_one(struct sweep *sweep, const char *folder, const char *name)
{
    char path[PATH_BYTES];
    char hex[DIGEST_TEXT_BYTES];
    struct digest digest;
    bool part = strcmp(folder, PARTS) == 0;
    size_t most = part ? BLOB_PART_NAME_BYTES : DIGEST_TEXT_BYTES - 2;
    size_t len = strnlen(name, most);
    if (name[0] == '.' || len == most) {
        return OK; /* not ours */
    }
    if (!part) {
        (void)snprintf(hex, sizeof(hex), "%.2s%.62s", folder, name);
        if (hex_decode(hex, digest.bytes, DIGEST_BYTES) != OK) {
            return OK;
        }
    }
    if (sweep->visitor->wants(sweep->visitor->owner, part ? name : NULL, part ? NULL : &digest)) {
        return OK;
    }
    (void)snprintf(path, sizeof(path), "%.5s/%.95s", folder, name);
    if (unlinkat(sweep->blobs->fd, path, 0) != 0) {
        return errno == ENOENT ? OK : ERR_IO;
    }
    sweep->removed++;
    return OK;
}

static enum err sweep_folder(struct sweep *sweep, const char *folder)
{
    int fd = openat(sweep->blobs->fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return fd < 0 && errno == ENOENT ? OK : ERR_IO;
    }
    enum err error = OK;
    const struct dirent *entry = readdir(dir);
    while (error == OK && entry != NULL) {
        error = sweep_one(sweep, folder, entry->d_name);
        entry = readdir(dir);
    }
    (void)closedir(dir);
    return error;
}

enum err blobs_sweep(struct blobs *blobs, const struct blobs_visitor *visitor,
                     uint64_t *ret_removed)
{
    struct sweep sweep = {.blobs = blobs, .visitor = visitor};
    enum err error = sweep_folder(&sweep, PARTS);
    for (unsigned i = 0; error == OK && i < 256; i++) {
        char folder[3];
        (void)snprintf(folder, sizeof(folder), "%02x", i);
        error = sweep_folder(&sweep, folder);
    }
    *ret_removed = sweep.removed;
    return error;
}
