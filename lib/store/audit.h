/* The audit log: an RFC 6962 tree whose leaves are salted records, in the table STORE_LOG.
 *
 * A leaf is SHA-256(0x00 || salt || record). One entry a leaf holds record, salt, the envelope that
 * the leaf is about (if any), the hashes of the subtrees that the leaf completes, the size of the
 * tree after the commit that the leaf belongs to, and on the last entry of a commit the checkpoint
 * over that size. So the receipt of a leaf (path to that size, that checkpoint) is the same bytes
 * whenever it is asked for. Leaves about one referral are linked backwards: its trail.
 *
 * The entry's MAC covers everything but record, salt and envelope: the leaf hash binds the first
 * two, the message digest inside the record binds the third (its reader compares). Leaves of a
 * write transaction are held in memory until audit_seal_commit writes them; a transaction with
 * leaves and no seal cannot be committed. Not for judging proofs: that is lib/model/merkle. */
#ifndef REFERRAL_STORE_AUDIT_H
#define REFERRAL_STORE_AUDIT_H

#include "model/merkle.h"
#include "store/store.h"

#define AUDIT_SALT_BYTES     16u
#define AUDIT_RECORD_BYTES   8192u                          /* of one record */
#define AUDIT_ENVELOPE_BYTES (LIMIT_ENVELOPE_BYTES + 4096u) /* payload and its proof */
#define AUDIT_NOTE_BYTES     1024u                          /* of one checkpoint */
#define AUDIT_PENDING_BYTES  (64u * 1024u * 1024u) /* of the unsealed leaves of one transaction */
#define AUDIT_NONE           UINT64_MAX            /* no leaf */

struct audit_leaf {
    struct span record;             /* 1 to AUDIT_RECORD_BYTES */
    uint8_t salt[AUDIT_SALT_BYTES]; /* random */
    struct span envelope;           /* may be empty; at most AUDIT_ENVELOPE_BYTES */
    uint64_t trail;                 /* the referral's leaf before this one, or AUDIT_NONE */
};

/* Adds a leaf; copies what it is given. ERR_FULL beyond AUDIT_PENDING_BYTES: end the turn first;
 * ERR_TOO_LARGE; ERR_CORRUPT when the tree cannot be read. */
enum err audit_append(struct store_txn *txn, const struct audit_leaf *leaf, uint64_t *ret_index,
                      struct digest *ret_hash) MUST_CHECK;
/* Bytes held by the unsealed leaves: a turn ends when half of AUDIT_PENDING_BYTES is reached. */
size_t audit_pending_bytes(const struct store_txn *txn);
/* Leaves in the tree, those of this write transaction included. */
enum err audit_size(struct store_txn *txn, uint64_t *ret_size) MUST_CHECK;
/* The root over audit_size() leaves: what the checkpoint signs. Of no leaves: SHA-256 of nothing.
 */
enum err audit_root(struct store_txn *txn, struct digest *ret_root) MUST_CHECK;
/* Writes the leaves of this transaction; the last one gets the signed checkpoint. Once, after the
 * last audit_append and before store_commit. */
enum err audit_seal_commit(struct store_txn *txn, struct span note) MUST_CHECK;

/* One entry. Spans are borrowed until the next write in the transaction or its end. */
struct audit_entry {
    uint64_t index;
    uint64_t trail;       /* or AUDIT_NONE */
    uint64_t commit_size; /* leaves in the tree after its commit: the checkpoint is on the last */
    struct digest hash;
    const uint8_t *salt; /* AUDIT_SALT_BYTES */
    struct span record;
    struct span envelope; /* may be empty */
    struct span note;     /* the checkpoint, on the last of its commit; otherwise empty */
    const uint8_t *nodes; /* DIGEST_BYTES each: completed subtrees of 2, 4, 8 ... leaves */
    unsigned node_count;
    const uint8_t *envelope_mac; /* of the store; NULL: an entry of an older release */
};

/* ERR_NOT_FOUND beyond the end, and for a leaf that this transaction has not sealed yet;
 * ERR_CORRUPT when MAC or leaf hash do not fit. In a store opened for reading only the form is
 * checked, and `hash` is the stored one: the verifier recomputes it. */
enum err audit_read(struct store_txn *txn, uint64_t index,
                    struct audit_entry *ret_entry) MUST_CHECK;

/* A walk over the entries from an index on. */
struct audit_walk {
    struct store_txn *txn;       /* borrowed */
    struct store_cursor *cursor; /* owned */
    uint64_t next;
    bool placed; /* the cursor stands before `next` */
};
enum err audit_walk_open(struct store_txn *txn, uint64_t first,
                         struct audit_walk *ret_walk) MUST_CHECK;
/* ERR_NOT_FOUND at the end; ERR_CORRUPT at an entry that is damaged or missing (walk->next - 1 is
 * its index then), and the next call goes on behind it. */
enum err audit_walk_next(struct audit_walk *walk, struct audit_entry *ret_entry) MUST_CHECK;
void audit_walk_close(struct audit_walk *walk); /* may be called twice */

/* These read sealed leaves only. ERR_INVALID when index or sizes do not fit each other. */
enum err audit_root_at(struct store_txn *txn, uint64_t size, struct digest *ret_root) MUST_CHECK;
enum err audit_inclusion(struct store_txn *txn, uint64_t index, uint64_t size,
                         struct merkle_path *ret_path) MUST_CHECK;
/* From `old_size` (0: empty proof) to `size`. */
enum err audit_consistency(struct store_txn *txn, uint64_t old_size, uint64_t size,
                           struct merkle_path *ret_path) MUST_CHECK;

/* What a receipt is made of: the entry, the checkpoint of its commit and the path to its size. */
struct audit_receipt {
    struct audit_entry entry;
    struct span note;
    struct merkle_path path;
};
enum err audit_receipt(struct store_txn *txn, uint64_t index,
                       struct audit_receipt *ret_receipt) MUST_CHECK;
/* The newest checkpoint and its size; ERR_NOT_FOUND in an empty log. */
enum err audit_checkpoint(struct store_txn *txn, uint64_t *ret_size,
                          struct span *ret_note) MUST_CHECK;

#endif
