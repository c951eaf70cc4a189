/* Which messages were decided, by sender and message id: a message sent again gets its receipt
 * again. Also which other messages came under a used id, so that each makes one leaf and no more.
 * Broker only; durable with the commit of the transaction. */
#ifndef REFERRAL_STORE_DEDUPE_H
#define REFERRAL_STORE_DEDUPE_H

#include "store/store.h"

struct dedupe_row {
    struct digest digest; /* of the message */
    uint64_t leaf;        /* where it was decided */
};

enum err dedupe_find(struct store_txn *txn, uint16_t sender, const struct uuid *message_id,
                     struct dedupe_row *ret_row) MUST_CHECK; /* ERR_NOT_FOUND */
/* ERR_EXISTS when the id is taken. */
enum err dedupe_add(struct store_txn *txn, uint16_t sender, const struct uuid *message_id,
                    const struct dedupe_row *row) MUST_CHECK;
/* The leaf that refused this digest under a used id. ERR_NOT_FOUND */
enum err dedupe_find_conflict(struct store_txn *txn, uint16_t sender, const struct uuid *message_id,
                              const struct digest *digest, uint64_t *ret_leaf) MUST_CHECK;
enum err dedupe_add_conflict(struct store_txn *txn, uint16_t sender, const struct uuid *message_id,
                             const struct dedupe_row *row) MUST_CHECK;

#endif
