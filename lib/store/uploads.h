/* Whose the blobs at the broker are: who uploaded what, who may fetch it, and what nobody refers
 * to.
 *
 * A row for each upload (a digest and the agency that sends it), one for each agency that a message
 * lets at a digest, and, for uploads that no message refers to, one in the order of their age, by
 * which they are collected. The bytes are files (blobs.h); durable with the commit of the caller's
 * transaction. Broker's store; any thread for reading, each with its transaction. */
#ifndef REFERRAL_STORE_UPLOADS_H
#define REFERRAL_STORE_UPLOADS_H

#include "store/store.h"

struct upload {
    struct digest digest;
    uint16_t agency; /* that uploads it */
    bool complete;   /* all bytes are there, synced, and have this digest */
    bool referred;   /* a message of that agency refers to it: it stays */
    uint64_t size;   /* of all sealed bytes */
    uint64_t touched_ms;
};

/* ERR_NOT_FOUND. */
enum err upload_get(struct store_txn *txn, const struct digest *digest, uint16_t agency,
                    struct upload *ret_upload) MUST_CHECK;
/* Writes the row anew, and its place among those that wait. */
enum err upload_put(struct store_txn *txn, const struct upload *upload) MUST_CHECK;
enum err upload_remove(struct store_txn *txn, const struct upload *upload) MUST_CHECK;
/* Uploads of one agency that no message refers to. */
enum err upload_waiting(struct store_txn *txn, uint16_t agency, uint64_t *ret_count) MUST_CHECK;
/* The one that was touched longest ago among those that no message refers to. ERR_NOT_FOUND. */
enum err upload_oldest(struct store_txn *txn, struct upload *ret_upload) MUST_CHECK;

/* The next digest behind `after` (NULL: the first) of which any agency has all bytes here; in the
 * order of digests. ERR_NOT_FOUND. */
enum err upload_next_complete(struct store_txn *txn, const struct digest *after,
                              struct digest *ret_digest) MUST_CHECK;

/* A message lets this agency at the bytes. */
enum err upload_allow(struct store_txn *txn, const struct digest *digest,
                      uint16_t agency) MUST_CHECK;
/* OK or ERR_NOT_FOUND. */
enum err upload_allowed(struct store_txn *txn, const struct digest *digest,
                        uint16_t agency) MUST_CHECK;
/* Does any agency have them complete? OK or ERR_NOT_FOUND. */
enum err upload_any(struct store_txn *txn, const struct digest *digest) MUST_CHECK;

#endif
