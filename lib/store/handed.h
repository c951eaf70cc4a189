/* What agencies hand back after their broker was restored from an old copy, until it is in the new
 * log; and what must be known of it ever after.
 *
 * An item is a message with its receipt, by its place among the leaves of all logs that were lost
 * (an ordered number that the caller makes). Items leave when they are applied; that a place was
 * handed back stays, so that nothing is applied twice. Broker's store only; durable with the commit
 * of the caller's transaction. Knows nothing of what is in the bytes. */
#ifndef REFERRAL_STORE_HANDED_H
#define REFERRAL_STORE_HANDED_H

#include "store/queue.h"

struct handed_item {
    uint64_t order; /* in which it is applied: the place that it had in its first log */
    uint64_t place; /* of the leaf that was handed back; among those of one order, too */
    bool notice;    /* the broker's own: the bytes of the message lie with the notices */
    struct span receipt;
    struct span envelope;
};

/* ERR_EXISTS: this leaf was handed back before; ERR_FORGED: another leaf was, of that place. */
enum err handed_put(struct store_txn *txn, const struct handed_item *item,
                    const struct digest *leaf_hash) MUST_CHECK;
/* The first one that is not applied; ERR_NOT_FOUND. Borrowed. */
enum err handed_first(struct store_txn *txn, struct handed_item *ret_item) MUST_CHECK;
enum err handed_remove(struct store_txn *txn, const struct handed_item *item) MUST_CHECK;
/* The first place at or behind this one that was ever handed back; ERR_NOT_FOUND. */
enum err handed_place(struct store_txn *txn, uint64_t from, uint64_t *ret_place) MUST_CHECK;

/* Delivery receipts that no log had yet: by sender and message id. Putting one again is OK. */
struct handed_receipt {
    uint16_t sender;
    struct uuid message_id;
    struct span envelope; /* borrowed */
};
enum err handed_receipt_put(struct store_txn *txn, const struct handed_receipt *receipt) MUST_CHECK;
enum err handed_receipt_first(struct store_txn *txn, struct handed_receipt *ret_receipt) MUST_CHECK;
enum err handed_receipt_remove(struct store_txn *txn,
                               const struct handed_receipt *receipt) MUST_CHECK;

/* Notices of the broker that their addressee has, and that nothing caused in the new log yet. */
struct handed_notice {
    struct uuid referral_id;
    uint16_t recipient;
    uint64_t place;
    struct span envelope; /* borrowed */
};
enum err handed_notice_put(struct store_txn *txn, const struct handed_notice *notice) MUST_CHECK;
/* The first one of the referral behind that recipient and place: begin with zeros. ERR_NOT_FOUND.
 */
enum err handed_notice_next(struct store_txn *txn, struct handed_notice *notice) MUST_CHECK;
enum err handed_notice_remove(struct store_txn *txn, const struct handed_notice *notice) MUST_CHECK;
enum err handed_notice_count(struct store_txn *txn, uint64_t *ret_count) MUST_CHECK;

/* Where a message that was queued anew waits for an addressee. */
struct handed_queued {
    uint16_t author, recipient;
    struct uuid message_id;
};
enum err handed_queued_put(struct store_txn *txn, const struct handed_queued *key,
                           struct queue_stream stream, uint64_t seq) MUST_CHECK;
enum err handed_queued_find(struct store_txn *txn, const struct handed_queued *key,
                            struct queue_stream *ret_stream, uint64_t *ret_seq) MUST_CHECK;

/* An agency has said that nothing follows (1), or is not waited for (2). */
enum err handed_all_put(struct store_txn *txn, uint16_t agency, uint8_t how) MUST_CHECK;
enum err handed_all_get(struct store_txn *txn, uint16_t agency,
                        uint8_t *ret_how) MUST_CHECK; /* 0: neither */
enum err handed_all_clear(struct store_txn *txn) MUST_CHECK;

#endif
