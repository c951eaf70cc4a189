/* Sealed attachments: files in one folder beside the store, each named by the SHA-256 of its bytes,
 * and the parts of those that are still coming.
 *
 * A part grows by its end and is durable as far as it answers; it becomes a blob when its digest is
 * known to be right: synced, linked to its name, the folder synced, so that a crash leaves the
 * part, the blob or both. Whose a blob is and who refers to it are rows (uploads.h; an agent's
 * own). Nothing here opens a seal. One thread; the calls block for as long as the disk takes for
 * LIMIT_BLOB_CHUNK_BYTES, a finish of a part of an earlier run for as long as it takes to read it.
 *
 *   FOLDER/parts/NAME      FOLDER/3f/79bb7b...
 */
#ifndef REFERRAL_STORE_BLOBS_H
#define REFERRAL_STORE_BLOBS_H

#include "base/bytes.h"

struct blobs;

struct blobs_options {
    unsigned refuse_percent; /* blobs_accept says no at this share of the disk; 0: the default */
    /* Named points ("blobs.before-link", ...) for crash tests; may be NULL. */
    void (*pass_point)(void *owner, const char *name);
    void *owner; /* borrowed while the blobs are open */
};

#define BLOB_PART_NAME_BYTES 96u /* with the NUL: letters, digits, hyphens */

/* Makes the folders where there are none. The fault says what to do. */
enum err blobs_open(const char *folder, const struct blobs_options *options,
                    struct blobs **ret_blobs, struct fault *fault) MUST_CHECK;
void blobs_close(struct blobs *blobs); /* NULL allowed */
/* The folder beside a store of that path. ERR_TOO_LARGE when it does not fit into `size` bytes. */
enum err blobs_folder_beside(const char *store, char *out, size_t size) MUST_CHECK;

/* Is the disk below the share at which new attachments are refused? */
bool blobs_accept(const struct blobs *blobs);
unsigned blobs_disk_percent(const struct blobs *blobs);

/* --- parts --- */

/* What is there of it; 0: nothing. */
enum err blobs_part_bytes(struct blobs *blobs, const char *part, uint64_t *ret_bytes) MUST_CHECK;
/* Durable on return. ERR_INVALID when `offset` is not where the part ends; ERR_FULL: no room on the
 * disk, and the part is as before. */
enum err blobs_part_append(struct blobs *blobs, const char *part, uint64_t offset,
                           struct span bytes) MUST_CHECK;
/* The whole part is a blob from now on; the part stays until it is discarded. `expected` NULL:
 * whatever its digest is. ERR_FORGED: it has another digest than the one expected; the part is
 * discarded. ERR_NOT_FOUND: no such part. */
enum err blobs_part_finish(struct blobs *blobs, const char *part, const struct digest *expected,
                           struct digest *ret_digest) MUST_CHECK;
enum err blobs_part_discard(struct blobs *blobs, const char *part) MUST_CHECK; /* absent is fine */
/* Appends bytes of a part, up to its end. */
enum err blobs_part_read(struct blobs *blobs, const char *part, uint64_t offset, size_t max,
                         struct buf *out) MUST_CHECK;

/* --- blobs --- */

/* ERR_NOT_FOUND, all of these. */
enum err blobs_size(struct blobs *blobs, const struct digest *digest,
                    uint64_t *ret_bytes) MUST_CHECK;
/* Appends up to `max` bytes from `offset`; beyond the end nothing. */
enum err blobs_read(struct blobs *blobs, const struct digest *digest, uint64_t offset, size_t max,
                    struct buf *out) MUST_CHECK;
enum err blobs_remove(struct blobs *blobs, const struct digest *digest) MUST_CHECK;

/* A time kept with a blob, for who wants to know when it was last needed: backups. */
enum err blobs_touch(struct blobs *blobs, const struct digest *digest, uint64_t at_ms) MUST_CHECK;
enum err blobs_touched_ms(struct blobs *blobs, const struct digest *digest,
                          uint64_t *ret_at_ms) MUST_CHECK;

/* Walks all files, parts first. `digest` is NULL for a part, `part` for a blob. What the visitor
 * does not want is removed: what a crash left without a row. */
struct blobs_visitor {
    bool (*wants)(void *owner, const char *part, const struct digest *digest);
    void *owner;
};
enum err blobs_sweep(struct blobs *blobs, const struct blobs_visitor *visitor,
                     uint64_t *ret_removed) MUST_CHECK;

#endif
