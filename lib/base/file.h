/* Whole files: read within a bound, written so that a crash leaves the old or the new one.
 * For configuration, keys and exports; never for the store. Blocking; not for the loop thread of a
 * running daemon. */
#ifndef REFERRAL_BASE_FILE_H
#define REFERRAL_BASE_FILE_H

#include "base/bytes.h"

/* Appends the file's bytes. ERR_NOT_FOUND, ERR_TOO_LARGE, ERR_IO; the fault names the file. */
enum err file_read(const char *path, struct buf *ret_bytes, struct fault *fault) MUST_CHECK;
/* Temporary file beside it, fsync, rename, fsync of the folder: durable on return. */
enum err file_write(const char *path, struct span bytes, unsigned mode,
                    struct fault *fault) MUST_CHECK;
/* The same for a file that must not exist yet: ERR_EXISTS, decided by the file system. */
enum err file_write_new(const char *path, struct span bytes, unsigned mode,
                        struct fault *fault) MUST_CHECK;
/* Gives a finished, synced file of the same folder its name, which must be free; syncs the folder.
 * errno tells the failure. */
enum err file_publish_new(const char *temporary, const char *path) MUST_CHECK;
/* mkdir -p with this mode for the folders that it makes. */
enum err folder_make(const char *path, unsigned mode, struct fault *fault) MUST_CHECK;
/* Exactly `len` bytes of a secret. ERR_REFUSED for a file that group or others can reach,
 * ERR_INVALID for another length. `out` is written even on failure, and wiped then. */
enum err file_read_secret(const char *path, void *out, size_t len, struct fault *fault) MUST_CHECK;
/* The same for up to max_bytes; ERR_TOO_LARGE beyond. */
enum err file_read_secret_text(const char *path, void *out, size_t max_bytes, size_t *ret_len,
                               struct fault *fault) MUST_CHECK;

#endif
