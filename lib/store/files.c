/* The store's folder: made whole in a temporary folder and renamed, so that a crash leaves no store
 * or a complete one; and the lock file that keeps a second writer out. See store.h.
 *
 * The lock is flock() on "owner.lock", which the kernel lets go when the process ends, however it
 * ends. It is taken in the temporary folder already and moves along with the rename. */
#include "store/store_private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define LOCK_NAME "owner.lock"

static enum err refuse(struct fault *fault, const char *path, const char *action)
{
    int number = errno;
    fault_set(fault, "store.failed", path, "cannot %s: %s", action, strerrordesc_np(number));
    if (number == EACCES || number == EPERM || number == EROFS) {
        fault_hint(fault, "check the owner and the mode of the store's folder");
    }
    return number == ENOSPC || number == EDQUOT ? ERR_FULL : ERR_IO;
}

static enum err path_join(char out[PATH_MAX], const char *folder, const char *name,
                          struct fault *fault)
{
    int len = snprintf(out, PATH_MAX, "%s%s", folder, name);
    if (len < 0 || len >= PATH_MAX) {
        fault_set(fault, "store.failed", folder, "the path is too long");
        return ERR_INVALID;
    }
    return OK;
}

static enum err refuse_locked(int fd, const char *path, struct fault *fault)
{
    char pid[24] = "";
    ssize_t len = pread(fd, pid, sizeof(pid) - 1, 0);
    pid[len > 0 ? (size_t)len : 0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
    fault_set(fault, "store.in-use", path, "process %s writes to this store already",
              pid[0] != '\0' ? pid : "(unknown)");
    fault_hint(fault, "a store has one writer; stop that process, or choose another folder");
    return ERR_BUSY;
}

enum err store_lock_take(const char *folder, int *ret_lock_fd, struct fault *fault)
{
    char path[PATH_MAX];
    enum err error = path_join(path, folder, "/" LOCK_NAME, fault);
    if (error != OK) {
        return error;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return refuse(fault, path, "open the lock file");
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        error = errno == EWOULDBLOCK ? refuse_locked(fd, path, fault)
                                     : refuse(fault, path, "lock the store");
        (void)close(fd);
        return error;
    }
    char pid[24];
    int len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    /* The number only serves the message of a second writer. */
    (void)!ftruncate(fd, 0);
    (void)!pwrite(fd, pid, (size_t)len, 0);
    *ret_lock_fd = fd;
    return OK;
}

enum err store_lock_share(const char *folder, bool *ret_writer, int *ret_lock_fd,
                          struct fault *fault)
{
    char path[PATH_MAX];
    enum err error = path_join(path, folder, "/" LOCK_NAME, fault);
    if (error != OK) {
        return error;
    }
    *ret_writer = false;
    *ret_lock_fd = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT ? OK : refuse(fault, path, "open the lock file");
    }
    if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
        *ret_lock_fd = fd;
        return OK;
    }
    int number = errno;
    (void)close(fd);
    errno = number;
    if (number != EWOULDBLOCK) {
        return refuse(fault, path, "lock the store");
    }
    *ret_writer = true;
    return OK;
}

static enum err sync_path(const char *path, int flags, struct fault *fault)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0) {
        return refuse(fault, path, "open for syncing");
    }
    enum err error = fsync(fd) == 0 ? OK : refuse(fault, path, "sync");
    (void)close(fd);
    return error;
}

static enum err reserve_space(const char *folder, uint64_t bytes, struct fault *fault)
{
    char path[PATH_MAX];
    enum err error = path_join(path, folder, "/data.mdb", fault);
    if (error != OK) {
        return error;
    }
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return refuse(fault, path, "open the data file");
    }
    int number = posix_fallocate(fd, 0, (off_t)bytes);
    (void)close(fd);
    if (number != 0) {
        errno = number;
        error = refuse(fault, path, "reserve the store's space");
        fault_hint(fault, "%llu MiB are reserved when a store is made: free as much on this disk",
                   (unsigned long long)(bytes >> 20));
    }
    return error;
}

/* The parts of a store that was half made: nobody else has the lock. */
static void clean_temporary(const char *folder)
{
    static const char *const names[] = {"/data.mdb", "/lock.mdb"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[PATH_MAX];
        if (path_join(path, folder, names[i], NULL) == OK) {
            (void)unlink(path); /* mostly it is not there */
        }
    }
}

/* The folder in which the store's folder lies. */
static enum err parent_of(const char *folder, char out[PATH_MAX], struct fault *fault)
{
    enum err error = path_join(out, folder, "", fault);
    if (error != OK) {
        return error;
    }
    size_t len = strlen(out);
    while (len > 1 && out[len - 1] == '/') {
        out[--len] = '\0';
    }
    char *slash = strrchr(out, '/');
    if (slash == NULL) {
        memcpy(out, ".", 2);
    } else if (slash == out) {
        out[1] = '\0';
    } else {
        *slash = '\0';
    }
    return OK;
}

static enum err fill_temporary(const char *temporary, const struct store_options *options,
                               struct fault *fault)
{
    char data[PATH_MAX];
    clean_temporary(temporary);
    enum err error = store_format(temporary, options, fault);
    if (error == OK && options->reserve) {
        error = reserve_space(temporary, options->map_bytes, fault);
    }
    if (error == OK) {
        error = path_join(data, temporary, "/data.mdb", fault);
    }
    if (error == OK) {
        error = sync_path(data, O_RDONLY, fault);
    }
    if (error == OK) {
        error = sync_path(temporary, O_RDONLY | O_DIRECTORY, fault);
    }
    return error;
}

static enum err move_in_place(const char *temporary, const char *folder, const char *parent,
                              struct fault *fault)
{
    if (rename(temporary, folder) != 0) {
        if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR) {
            fault_set(fault, "store.folder-used", folder, "holds other files, and no store");
            fault_hint(fault, "choose a folder that is empty or not there yet");
            return ERR_EXISTS;
        }
        return refuse(fault, folder, "move the new store in place");
    }
    return sync_path(parent, O_RDONLY | O_DIRECTORY, fault);
}

static void remove_temporary(const char *temporary)
{
    char path[PATH_MAX];
    clean_temporary(temporary);
    if (path_join(path, temporary, "/" LOCK_NAME, NULL) == OK) {
        (void)unlink(path);
    }
    (void)rmdir(temporary); /* left behind, it is used again */
}

enum err store_folder_create(const char *folder, const struct store_options *options,
                             int *ret_lock_fd, struct fault *fault)
{
    char parent[PATH_MAX];
    char temporary[PATH_MAX];
    char trimmed[PATH_MAX];
    enum err error = path_join(trimmed, folder, "", fault);
    for (size_t len = strlen(trimmed); error == OK && len > 1 && trimmed[len - 1] == '/'; len--) {
        trimmed[len - 1] = '\0';
    }
    if (error == OK) {
        error = path_join(temporary, trimmed, ".new", fault);
    }
    if (error == OK) {
        error = parent_of(folder, parent, fault);
    }
    if (error == OK) {
        error = folder_make(parent, 0700, fault);
    }
    if (error != OK) {
        return error;
    }
    if (mkdir(temporary, 0700) != 0 && errno != EEXIST) {
        return refuse(fault, temporary, "make a folder for the new store");
    }
    int lock_fd = -1;
    error = store_lock_take(temporary, &lock_fd, fault);
    if (error != OK) {
        return error;
    }
    error = fill_temporary(temporary, options, fault);
    if (error == OK) {
        error = move_in_place(temporary, trimmed, parent, fault);
    }
    if (error != OK) {
        remove_temporary(temporary);
        (void)close(lock_fd);
        return error;
    }
    *ret_lock_fd = lock_fd;
    return OK;
}
