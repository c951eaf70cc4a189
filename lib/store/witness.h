/* What the agencies witnessed: the newest checkpoint each one countersigned, as a signed note.
 * Broker only; durable with the commit of the transaction. */
#ifndef REFERRAL_STORE_WITNESS_H
#define REFERRAL_STORE_WITNESS_H

#include "store/store.h"

#define WITNESS_NOTE_BYTES 1024u

struct witness_row {
    uint16_t agency;  /* the registry's number */
    uint64_t size;    /* leaves that it witnessed */
    struct span note; /* borrowed as store.h says */
};

/* Replaces the agency's row. */
enum err witness_put(struct store_txn *txn, const struct witness_row *row) MUST_CHECK;
enum err witness_get(struct store_txn *txn, uint16_t agency,
                     struct witness_row *ret_row) MUST_CHECK; /* ERR_NOT_FOUND */
/* The first row of an agency numbered `agency` or higher: start at 0, go on at its number + 1. */
enum err witness_next(struct store_txn *txn, uint32_t agency,
                      struct witness_row *ret_row) MUST_CHECK; /* ERR_NOT_FOUND */

#endif
