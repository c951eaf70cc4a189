/* A file that is compressed, sealed to the holder of one X25519 key, and signed by who wrote it:
 * the envelope of backups (docs/backup-format.md).
 *
 * Written in one pass under a temporary name, synced, read back and compared with what was written,
 * then renamed: there is the whole file or none. Head and foot stay readable, so that anybody can
 * say what a file is and, by the signature over all of it, that not a bit of it changed; only the
 * recovery secret opens what is between. A reader has checked the signature of the whole file
 * before it hands out the first byte. What the bytes mean is the caller's (store/backup.h).
 * Blocking; any thread, an object on one. */
#ifndef REFERRAL_BASE_SEALED_FILE_H
#define REFERRAL_BASE_SEALED_FILE_H

#include "base/crypto.h"

#define SEALED_HEAD_BYTES_MAX 4096u
#define SEALED_FOOT_BYTES_MAX 4096u

#define SEALED_PART_ENDING ".part" /* of the name until it is finished */

/* --- writing --- */

struct sealed_writer;

struct sealed_writer_options {
    const char *path; /* must not exist; copied */
    struct span head;
    const uint8_t *recipient;      /* SEAL_PUBLIC_BYTES */
    const struct sign_key *signer; /* borrowed until the writer is freed */
};

/* ERR_EXISTS; ERR_INVALID for a recovery key of low order; ERR_IO, ERR_FULL, ERR_MEMORY. */
enum err sealed_writer_open(const struct sealed_writer_options *options,
                            struct sealed_writer **ret_writer, struct fault *fault) MUST_CHECK;
/* Compresses, seals and writes what fills a chunk. */
enum err sealed_writer_add(struct sealed_writer *writer, struct span bytes) MUST_CHECK;
struct sealed_written {
    uint64_t bytes;       /* of the file */
    struct digest digest; /* SHA-256 of the file: what `sha256sum` prints */
};
/* The last chunk, the foot and the signature; durable under its name, and verified, on return. */
enum err sealed_writer_finish(struct sealed_writer *writer, struct span foot,
                              struct sealed_written *ret_written, struct fault *fault) MUST_CHECK;
/* Removes what was not finished. NULL allowed. */
void sealed_writer_free(struct sealed_writer *writer);

/* --- reading --- */

struct sealed_reader;

struct sealed_info { /* spans are borrowed from the reader */
    struct span head;
    struct span foot;
    uint8_t recipient[SEAL_PUBLIC_BYTES];
    uint8_t
        signer[SIGN_PUBLIC_BYTES]; /* who signed; whether that is the right one, the caller says */
    uint64_t bytes;
    struct digest digest;
};

/* Reads the whole file once and checks its signature. ERR_NOT_FOUND; ERR_INVALID no such file;
 * ERR_VERSION; ERR_CORRUPT damaged, cut or continued; ERR_FORGED the signature does not verify. */
enum err sealed_reader_open(const char *path, struct sealed_reader **ret_reader,
                            struct fault *fault) MUST_CHECK;
/* The same without reading the content or checking the signature: for lists. `digest` is zero, and
 * nothing can be taken. */
enum err sealed_reader_peek(const char *path, struct sealed_reader **ret_reader,
                            struct fault *fault) MUST_CHECK;
const struct sealed_info *sealed_reader_info(const struct sealed_reader *reader);
/* ERR_FORGED: the secret is of another key. Once, and not after a peek. */
enum err sealed_reader_unlock(struct sealed_reader *reader, const uint8_t secret[SEAL_SECRET_BYTES],
                              struct fault *fault) MUST_CHECK;
/* Exactly `len` bytes of what was added. ERR_CLOSED: the end is here, or before them; ERR_FORGED,
 * ERR_CORRUPT: not what a writer makes. */
enum err sealed_reader_take(struct sealed_reader *reader, void *out, size_t len) MUST_CHECK;
void sealed_reader_free(struct sealed_reader *reader); /* NULL allowed */

#endif
