/* The journal: what each of the last commits changed, for a standby that follows this store.
 *
 * Written within the commit that it tells of, so that a transaction is in it exactly when it is
 * durable. A transaction is a number and the rows that it touched, each as it lies in its table
 * after it, or as removed; so applying it twice, or to a copy of rows that is newer, does no harm
 * as long as all that follow are applied too. Numbers have no gap within an epoch; an epoch ends
 * when the store was written without a journal. The oldest go when the journal is larger than it
 * may be: a standby that is further behind copies all rows anew. Broker's store; see replica.h for
 * the other side. Reading: any thread with its snapshot. */
#ifndef REFERRAL_STORE_JOURNAL_H
#define REFERRAL_STORE_JOURNAL_H

#include "store/store.h"

#define JOURNAL_EPOCH_BYTES 8u
#define JOURNAL_PART_BYTES  (128u * 1024u) /* of one row: what fits into a line of a socket */

struct journal_state {
    uint8_t epoch[JOURNAL_EPOCH_BYTES];
    uint64_t oldest; /* transaction that is still there; last + 1 when none is */
    uint64_t last;   /* 0: none in this epoch yet */
};
/* As of the last commit; on the writer's thread. ERR_NOT_FOUND: the store is written without. */
enum err store_journal_state(const struct store *store, struct journal_state *ret) MUST_CHECK;

/* Begins one in a store that was opened as a standby's copy and is one no more. */
enum err store_journal_start(struct store *store, uint64_t bytes) MUST_CHECK;

struct journal_place {
    uint64_t transaction;
    uint16_t part; /* from 0 */
};
/* Appends the part as it lies there, with its MAC; replica_part opens it. ERR_NOT_FOUND: not there,
 * or not any more. */
enum err store_journal_part(struct store_txn *txn, struct journal_place place, struct buf *out,
                            uint16_t *ret_parts) MUST_CHECK;

struct journal_from {
    enum store_table table;
    struct span after;
};
/* Rows of a table behind a key (empty: from the first), packed for replica_rows, as many as fit
 * into about `max` bytes and at least one; `next` is the last one's key. ERR_NOT_FOUND: there are
 * none behind it. For a standby's first copy: each call may see another commit. */
enum err store_rows_pack(struct store_txn *txn, struct journal_from from, size_t max,
                         struct buf *out, struct buf *next) MUST_CHECK;

#endif
