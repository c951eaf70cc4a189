/* Dead letters: messages that will not reach their receiver by themselves, by the leaf that queued
 * or refused them. What the message was is in that leaf; a row says why it is dead, and what became
 * of it. No row is ever removed. Broker only; durable with the commit of the transaction. */
#ifndef REFERRAL_STORE_DEAD_H
#define REFERRAL_STORE_DEAD_H

#include "store/store.h"

enum dead_cause {                      /* numbers are on disk */
                  DEAD_UNREADABLE = 1, /* its receiver's agent rejected it */
                  DEAD_LEFT = 2,       /* its receiver has left; a row only once it is settled */
                  DEAD_HOPS = 3,       /* refused: sent on too often */
};

enum dead_settled { /* numbers are on disk */
                    DEAD_OPEN = 0,
                    DEAD_RETRIED = 1, /* its sender was asked to send it again */
                    DEAD_DROPPED = 2,
};

struct dead_row {
    uint64_t leaf;
    enum dead_cause cause;
    enum dead_settled settled;
    uint64_t since_ms;
    uint64_t settled_leaf;           /* of the command; 0: none */
    char detail[LIMIT_DETAIL_BYTES]; /* codes and paths, never content */
};

/* Adds or replaces. One that is settled is found among the open no more. */
enum err dead_put(struct store_txn *txn, const struct dead_row *row) MUST_CHECK;
enum err dead_get(struct store_txn *txn, uint64_t leaf,
                  struct dead_row *ret_row) MUST_CHECK; /* ERR_NOT_FOUND */
/* The first open row of a leaf at or after `leaf`, however many are settled. ERR_NOT_FOUND. */
enum err dead_open_next(struct store_txn *txn, uint64_t leaf, struct dead_row *ret_row) MUST_CHECK;
/* The last settled row of a leaf before `leaf`. ERR_NOT_FOUND. */
enum err dead_settled_before(struct store_txn *txn, uint64_t leaf,
                             struct dead_row *ret_row) MUST_CHECK;

#endif
