/* A standby's store: rows that were copied from another broker's store, and the transactions of its
 * journal applied in their order (journal.h).
 *
 * Every row is checked against the store's key, which both have, before it is written. A copy of
 * all rows, made while the other goes on, is whole when the journal was applied up to where the
 * copying ended; a store that is not whole is nobody's broker. The state is a row in the
 * transaction that it tells of. On the thread that opened the store; durable when OK. */
#ifndef REFERRAL_STORE_REPLICA_H
#define REFERRAL_STORE_REPLICA_H

#include "store/journal.h"

struct replica_state {
    uint8_t epoch[JOURNAL_EPOCH_BYTES];
    uint64_t applied; /* the last transaction */
    bool copied;      /* all rows were, by the time of `target` */
    uint64_t target;
    bool whole;
};
/* ERR_NOT_FOUND: this store follows nobody. */
enum err replica_state_get(struct store_txn *txn, struct replica_state *ret_state) MUST_CHECK;

/* Empties the store and begins a copy at this transaction of the other's journal. */
enum err replica_begin(struct store *store, const uint8_t epoch[JOURNAL_EPOCH_BYTES],
                       uint64_t transaction) MUST_CHECK;
/* Rows as store_rows_pack gives them. ERR_CORRUPT: not of such a store, or not under its key. */
enum err replica_rows(struct store *store, enum store_table table, struct span rows) MUST_CHECK;
/* All rows were copied; the other's newest transaction then was `target`. */
enum err replica_copied(struct store *store, uint64_t target) MUST_CHECK;

/* Opens a part of a transaction and appends its bytes; any thread. ERR_CORRUPT: it is not under
 * this store's key, or is of another place. */
enum err replica_part(struct store *store, struct journal_place place, struct span raw,
                      struct buf *out, uint16_t *ret_parts) MUST_CHECK;
struct replica_transaction {
    uint64_t number;
    struct span bytes; /* its parts together */
};
/* Some transactions that follow each other, in one commit. ERR_INVALID: the first does not follow
 * what was applied; ERR_CORRUPT: not what a journal holds. Nothing is written then. */
enum err replica_apply(struct store *store, const struct replica_transaction *transactions,
                       size_t count) MUST_CHECK;

/* Within the caller's transaction: the store follows nobody any more. */
enum err replica_end(struct store_txn *txn) MUST_CHECK;

#endif
