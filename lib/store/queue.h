/* What waits for each receiver: one stream a receiver and lane, numbered from 1.
 *
 * A stream's numbers and the leaf hash of its newest row outlive the rows, so that a receiver can
 * tell that nothing was left out. A row refers to a leaf; the envelope is in the log. The broker's
 * write transaction only; durable with its commit. Rows leave when the receiver's receipt is in,
 * never because they were fetched. */
#ifndef REFERRAL_STORE_QUEUE_H
#define REFERRAL_STORE_QUEUE_H

#include "store/store.h"

#define QUEUE_LANES 4u

struct queue_stream {
    uint16_t recipient; /* the registry's number */
    uint8_t lane;
};

/* Where a stream stands. All zero for one that never had a row. */
struct queue_state {
    uint64_t next_seq;      /* the number of the next row, from 1 */
    struct digest previous; /* leaf hash of the newest row; zero before the first */
    uint64_t count;         /* rows that wait */
};

struct queue_item {
    struct queue_stream stream;
    uint64_t seq;
    uint64_t leaf;
    struct uuid message_id;
    uint64_t queued_ms;
    uint32_t envelope_bytes;
    bool wants_receipt; /* leaves by a signed delivery receipt; otherwise by its position */
    bool held;          /* its receiver has noted that it is held; not set by queue_put */
};

enum err queue_state(struct store_txn *txn, struct queue_stream stream,
                     struct queue_state *ret_state) MUST_CHECK;
/* Adds item->seq, which must be the state's next_seq; leaf_hash becomes `previous`. */
enum err queue_put(struct store_txn *txn, const struct queue_item *item,
                   const struct digest *leaf_hash) MUST_CHECK;
/* ERR_NOT_FOUND: it left already, or never was. */
enum err queue_get(struct store_txn *txn, struct queue_stream stream, uint64_t seq,
                   struct queue_item *ret_item) MUST_CHECK;
/* It no longer wants a signed receipt. ERR_NOT_FOUND */
enum err queue_plain(struct store_txn *txn, struct queue_stream stream, uint64_t seq) MUST_CHECK;
/* Its receiver has noted that it is held. ERR_NOT_FOUND */
enum err queue_hold(struct store_txn *txn, struct queue_stream stream, uint64_t seq) MUST_CHECK;
enum err queue_remove(struct store_txn *txn, struct queue_stream stream,
                      uint64_t seq) MUST_CHECK; /* ERR_NOT_FOUND */
/* The first row behind `seq` (0: the oldest). ERR_NOT_FOUND: none. */
enum err queue_after(struct store_txn *txn, struct queue_stream stream, uint64_t seq,
                     struct queue_item *ret_item) MUST_CHECK;
/* Rows that wait in all lanes of a receiver; ret_oldest_ms is 0 when none does, and may be NULL:
 * the count alone needs no look at a row. */
enum err queue_waiting(struct store_txn *txn, uint16_t recipient, uint64_t *ret_count,
                       uint64_t *ret_oldest_ms) MUST_CHECK;

#endif
