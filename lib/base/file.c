/* Whole files and folders, for configuration, keys and exports. See file.h. Blocking. */
#include "base/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"

#define FILE_CHUNK_BYTES (64u * 1024u)

/* errno as a result and a fault about `path`. */
static enum err file_refuse(const char *path, const char *action, struct fault *fault)
{
    int number = errno;
    fault_set(fault, number == ENOENT ? "file.not-found" : "file.failed", path, "cannot %s: %s",
              action, strerrordesc_np(number));
    if (number == EACCES || number == EPERM) {
        fault_hint(fault, "check the owner and the mode of the file and of its folders");
    }
    return number == ENOENT ? ERR_NOT_FOUND : number == EEXIST ? ERR_EXISTS : ERR_IO;
}

static enum err file_refuse_large(const char *path, size_t max_bytes, struct fault *fault)
{
    fault_set(fault, "file.too-large", path, "larger than the %zu bytes that it may have",
              max_bytes);
    return ERR_TOO_LARGE;
}

/* Opens for reading; a folder is refused here, since read() would only say "is a directory". */
static enum err file_open(const char *path, int *ret_fd, struct fault *fault)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return file_refuse(path, "open the file", fault);
    }
    *ret_fd = fd;
    return OK;
}

/* One read into the buf; *ret_len is 0 at the end of the file. */
static enum err file_read_piece(int fd, struct buf *bytes, size_t *ret_len)
{
    size_t room = bytes->max - bytes->len;
    uint8_t probe = 0; /* when full, one byte more tells the end from too large */
    uint8_t *to = &probe;
    size_t want = 1;
    size_t start = bytes->len;
    if (room > 0) {
        want = room < FILE_CHUNK_BYTES ? room : FILE_CHUNK_BYTES;
        enum err error = buf_extend(bytes, want, &to);
        if (error != OK) {
            return error;
        }
    }
    ssize_t got = 0;
    do {
        got = read(fd, to, want);
    } while (got < 0 && errno == EINTR);
    bytes->len = start;
    if (got < 0) {
        return ERR_IO;
    }
    if (room == 0 && got > 0) {
        return ERR_TOO_LARGE;
    }
    bytes->len += (size_t)got;
    *ret_len = (size_t)got;
    return OK;
}

enum err file_read(const char *path, struct buf *ret_bytes, struct fault *fault)
{
    assert(path != NULL);
    assert(ret_bytes != NULL);
    int fd = -1;
    enum err error = file_open(path, &fd, fault);
    if (error != OK) {
        return error;
    }
    size_t start = ret_bytes->len;
    size_t got = 1;
    while (error == OK && got > 0) {
        error = file_read_piece(fd, ret_bytes, &got);
    }
    if (error == ERR_IO) {
        (void)file_refuse(path, "read the file", fault);
    } else if (error == ERR_TOO_LARGE) {
        (void)file_refuse_large(path, ret_bytes->max, fault);
    } else if (error != OK) {
        fault_set(fault, "file.memory", path, "no memory to read the file");
    }
    (void)close(fd);
    if (error != OK) {
        ret_bytes->len = start;
    }
    return error;
}

static enum err file_write_all(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t put = write(fd, bytes.data, bytes.len);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            return ERR_IO;
        }
        bytes.data += put;
        bytes.len -= (size_t)put;
    }
    return OK;
}

/* The folder part of a path: "." or "/" where there is none. */
static enum err file_folder(const char *path, char folder[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    if (len >= PATH_MAX) {
        return ERR_TOO_LARGE;
    }
    if (slash == NULL) {
        memcpy(folder, ".", 2);
    } else if (len == 0) {
        memcpy(folder, "/", 2);
    } else {
        memcpy(folder, path, len);
        folder[len] = '\0';
    }
    return OK;
}

/* A rename is durable only when its folder is. */
static enum err file_sync_folder(const char *path)
{
    char folder[PATH_MAX];
    if (file_folder(path, folder) != OK) {
        errno = ENAMETOOLONG;
        return ERR_IO;
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return ERR_IO;
    }
    enum err error = fsync(fd) == 0 ? OK : ERR_IO;
    int number = errno;
    (void)close(fd);
    errno = number;
    return error;
}

/* Writes and syncs the temporary file; always closes it. errno tells the failure. */
static enum err file_fill(int fd, struct span bytes, unsigned mode)
{
    enum err error = fchmod(fd, (mode_t)mode) == 0 ? OK : ERR_IO;
    if (error == OK) {
        error = file_write_all(fd, bytes);
    }
    if (error == OK && fsync(fd) != 0) {
        error = ERR_IO;
    }
    int number = errno;
    if (close(fd) != 0 && error == OK) {
        return ERR_IO;
    }
    errno = number;
    return error;
}

/* Gives the finished temporary file its name. A link never replaces. */
static enum err file_publish(const char *temporary, const char *path, bool replace)
{
    if (replace) {
        return rename(temporary, path) == 0 ? OK : ERR_IO;
    }
    if (link(temporary, path) != 0) {
        return ERR_IO;
    }
    (void)unlink(temporary);
    return OK;
}

static enum err file_write_as(const char *path, struct span bytes, unsigned mode, bool replace,
                              struct fault *fault)
{
    assert(path != NULL);
    char temporary[PATH_MAX];
    int len = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
    if (len < 0 || (size_t)len >= sizeof(temporary)) {
        errno = ENAMETOOLONG;
        return file_refuse(path, "write the file", fault);
    }
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return file_refuse(path, "make a file in this folder", fault);
    }
    enum err error = file_fill(fd, bytes, mode);
    if (error == OK) {
        error = file_publish(temporary, path, replace);
    }
    if (error != OK) {
        error = file_refuse(path, "write the file", fault);
        (void)unlink(temporary);
        return error;
    }
    if (file_sync_folder(path) != OK) {
        return file_refuse(path, "sync the folder of the file", fault);
    }
    return OK;
}

enum err file_publish_new(const char *temporary, const char *path)
{
    enum err error = file_publish(temporary, path, false);
    return error == OK ? file_sync_folder(path) : errno == EEXIST ? ERR_EXISTS : error;
}

enum err file_write(const char *path, struct span bytes, unsigned mode, struct fault *fault)
{
    return file_write_as(path, bytes, mode, true, fault);
}

enum err file_write_new(const char *path, struct span bytes, unsigned mode, struct fault *fault)
{
    return file_write_as(path, bytes, mode, false, fault);
}

/* Makes one folder; one that is there already is fine. */
static enum err folder_make_one(const char *path, unsigned mode, struct fault *fault)
{
    struct stat info;
    if (mkdir(path, (mode_t)mode) == 0) {
        return OK;
    }
    if (errno != EEXIST) {
        return file_refuse(path, "make the folder", fault);
    }
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
        fault_set(fault, "file.not-a-folder", path, "exists and is not a folder");
        return ERR_EXISTS;
    }
    return OK;
}

enum err folder_make(const char *path, unsigned mode, struct fault *fault)
{
    assert(path != NULL);
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof(part)) {
        fault_set(fault, "file.failed", path, "a folder's path has 1 to %d bytes", PATH_MAX - 1);
        return ERR_INVALID;
    }
    memcpy(part, path, len + 1);
    for (size_t i = 1; i < len; i++) {
        if (part[i] != '/') {
            continue;
        }
        part[i] = '\0';
        enum err error = folder_make_one(part, mode, fault);
        part[i] = '/';
        if (error != OK) {
            return error;
        }
    }
    return folder_make_one(part, mode, fault);
}

/* Whether somebody besides the owner may read or change the file. A credential that the service
 * manager hands to an ordinary user is root's, and shows the mask of its access list as the
 * permission of root's own group. */
static bool secret_is_exposed(const struct stat *info)
{
    mode_t exposed = info->st_mode & (mode_t)(S_IRWXG | S_IRWXO);
    if (info->st_uid == 0 && info->st_gid == 0 && geteuid() != 0) {
        exposed &= (mode_t) ~(mode_t)S_IRGRP;
    }
    return exposed != 0;
}

static enum err secret_check(const char *path, int fd, struct fault *fault)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return file_refuse(path, "examine the file", fault);
    }
    if (!S_ISREG(info.st_mode)) {
        fault_set(fault, "file.not-a-file", path, "a secret is kept in a regular file");
        return ERR_REFUSED;
    }
    if (secret_is_exposed(&info)) {
        fault_set(fault, "file.exposed", path, "mode %04o lets others than the owner at a secret",
                  (unsigned)(info.st_mode & 07777));
        fault_hint(fault, "chmod 600 %s; if it was exposed for long, make a new key", path);
        return ERR_REFUSED;
    }
    return OK;
}

/* Reads all of a checked secret file into `out`; *ret_len is at most max_bytes + 1. */
static enum err secret_read_all(int fd, uint8_t *out, size_t max_bytes, size_t *ret_len)
{
    size_t len = 0;
    while (len <= max_bytes) {
        uint8_t probe = 0;
        bool full = len == max_bytes;
        ssize_t got = read(fd, full ? &probe : out + len, full ? 1 : max_bytes - len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return ERR_IO;
        }
        if (got == 0) {
            break;
        }
        len += (size_t)got;
    }
    *ret_len = len;
    return OK;
}

enum err file_read_secret(const char *path, void *out, size_t len, struct fault *fault)
{
    size_t got = 0;
    enum err error = file_read_secret_text(path, out, len, &got, fault);
    if (error == OK && got != len) {
        fault_set(fault, "file.length", path, "%zu bytes where a secret of %zu bytes was expected",
                  got, len);
        crypto_wipe(out, len);
        return ERR_INVALID;
    }
    return error;
}

enum err file_read_secret_text(const char *path, void *out, size_t max_bytes, size_t *ret_len,
                               struct fault *fault)
{
    assert(path != NULL);
    assert(out != NULL);
    int fd = -1;
    enum err error = file_open(path, &fd, fault);
    if (error != OK) {
        return error;
    }
    size_t len = 0;
    error = secret_check(path, fd, fault);
    if (error == OK) {
        error = secret_read_all(fd, out, max_bytes, &len);
        if (error != OK) {
            error = file_refuse(path, "read the file", fault);
        } else if (len > max_bytes) {
            error = file_refuse_large(path, max_bytes, fault);
        }
        if (error != OK) {
            crypto_wipe(out, max_bytes);
        }
    }
    (void)close(fd);
    if (error == OK) {
        *ret_len = len;
    }
    return error;
}
