/* The due index: one row a referral, at the earliest instant at which anything of it falls due.
 * Ordered by time. It only says when to look; what is due then is decided from the referral.
 * Broker and agent; durable with the commit of the transaction. */
#ifndef REFERRAL_STORE_DUE_H
#define REFERRAL_STORE_DUE_H

#include "store/cases.h"

struct due_row {
    uint64_t due_ms;
    struct case_key key;
};

/* Moves a referral's row; 0 means none, on either side. The same instant twice writes nothing.
 * ERR_CORRUPT when the old row is not there. */
enum err due_move(struct store_txn *txn, const struct case_key *key, uint64_t old_ms,
                  uint64_t new_ms) MUST_CHECK;
/* The earliest row; ERR_NOT_FOUND: none. */
enum err due_first(struct store_txn *txn, struct due_row *ret_row) MUST_CHECK;
/* The first row behind this one. */
enum err due_after(struct store_txn *txn, const struct due_row *row,
                   struct due_row *ret_row) MUST_CHECK;

#endif
