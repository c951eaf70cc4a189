/* What an agent keeps of each message, sent or received: a small row, its payload and its receipt,
 * and the ways to find it.
 *
 * One sequence counts both directions, so that the rows of a referral have an order. A row is
 * rewritten when the broker answers; payload and receipt are written once. Everything lies sealed
 * in the agent's store (lib/store); durable with the commit of the caller's transaction. Loop
 * thread. Bodies stay sealed inside payloads: nothing here opens them. */
#ifndef REFERRAL_AGENT_ROWS_H
#define REFERRAL_AGENT_ROWS_H

#include "store/store.h"
#include "wire/codec.h"

enum row_direction { ROW_OUT = 1, ROW_IN = 2 }; /* stored */

enum row_state {                   /* stored: never renumbered */
                 ROW_WAITING = 1,  /* out: no answer of the broker yet */
                 ROW_ACCEPTED = 2, /* out: recorded, with a receipt */
                 ROW_REFUSED = 3,  /* out: refused for good, with a receipt */
                 ROW_RECEIVED = 4, /* in */
                 ROW_REJECTED =
                     5, /* in: the body could not be read; a signed rejection went back */
};

struct row {
    uint64_t seq; /* from 1 */
    enum row_direction direction;
    enum row_state state;
    uint64_t at_ms;           /* made or received, by this agent's clock */
    uint64_t recorded_ms;     /* broker time of its leaf; 0: not recorded */
    uint64_t leaf_index;      /* once recorded */
    uint64_t checkpoint_size; /* of the receipt */
    uint64_t log;   /* which of the broker's logs that is (wire/recovery.h); 0 the first */
    uint64_t order; /* among what was recorded, whatever became of the log: recovery_place */
    uint32_t code;  /* REFUSED, WAITING: enum refusal, of a broker that had no */
                    /* room; REJECTED: VOCABULARY_REJECTION */
    char detail[LIMIT_DETAIL_BYTES]; /* a field path, never content */
    struct position position;        /* in: its place in the stream */
    struct digest leaf_hash;         /* in */
    uint64_t receipt_seq;            /* in: the outbox row of our delivery receipt; 0 for notices */
    struct message_header header;
};

/* The number of the next row, in this transaction. */
enum err row_next_seq(struct store_txn *txn, uint64_t *ret_seq) MUST_CHECK;
/* Writes a new row with its payload (as sent; of a received one the whole envelope) and its index
 * entries; one that waits is put among those that wait. */
enum err row_add(struct store_txn *txn, const struct row *row, struct span payload) MUST_CHECK;
/* Rewrites a row; one that no longer waits leaves those that wait. */
enum err row_update(struct store_txn *txn, const struct row *row) MUST_CHECK;

/* ERR_NOT_FOUND, all of these. */
enum err row_get(struct store_txn *txn, enum row_direction direction, uint64_t seq,
                 struct row *ret_row) MUST_CHECK;
enum err row_next(struct store_txn *txn, enum row_direction direction, uint64_t after,
                  struct row *ret_row) MUST_CHECK;
/* The same, without the receipts that programs write: by an index, however many there are. */
enum err row_next_shown(struct store_txn *txn, enum row_direction direction, uint64_t after,
                        struct row *ret_row) MUST_CHECK;
enum err row_find(struct store_txn *txn, const struct uuid *message_id,
                  struct row *ret_row) MUST_CHECK;
/* The received message of this sender: ids are each sender's own. */
enum err row_received_from(struct store_txn *txn, const char *sender, const struct uuid *message_id,
                           struct row *ret_row) MUST_CHECK;
enum err row_of_referral(struct store_txn *txn, const struct uuid *referral_id, uint64_t after,
                         struct row *ret_row) MUST_CHECK;
enum err row_at_position(struct store_txn *txn, struct position position,
                         struct row *ret_row) MUST_CHECK;
/* Borrowed until the next write or the end of the transaction. Where the case was erased, its body
 * is what was left of it (bodies.h): header, facts and digest are as they were. */
enum err row_payload(struct store_txn *txn, const struct row *row,
                     struct span *ret_payload) MUST_CHECK;
enum row_body {
    ROW_BODY_NONE,   /* the message has none */
    ROW_BODY_PLAIN,  /* kept by a release that did not put bodies under their case's key */
    ROW_BODY_RESTS,  /* under its case's key */
    ROW_BODY_ERASED, /* that key was destroyed */
};
enum err row_body(struct store_txn *txn, const struct row *row, enum row_body *ret_body) MUST_CHECK;
/* Puts one that is ROW_BODY_PLAIN under its case's key. */
enum err row_rest_body(struct store_txn *txn, const struct row *row) MUST_CHECK;
/* What opens its body (wire/sealing.h), kept under the key of its case, so that the sealing key to
 * which it came can be destroyed when nothing under way needs it any more. Secret: wipe it.
 * ERR_NOT_FOUND: none was kept, or the case was erased. */
enum err row_put_content_key(struct store_txn *txn, const struct row *row,
                             const uint8_t content_key[AEAD_KEY_BYTES]) MUST_CHECK;
enum err row_content_key(struct store_txn *txn, const struct row *row,
                         uint8_t ret_content_key[AEAD_KEY_BYTES]) MUST_CHECK;
/* Borrowed in the same way. */
enum err row_receipt(struct store_txn *txn, uint64_t seq, struct span *ret_receipt) MUST_CHECK;
enum err row_put_receipt(struct store_txn *txn, uint64_t seq, struct span receipt) MUST_CHECK;

/* What waits for the broker: the agent's own receipts of deliveries, and everything else. */
enum row_queue { ROW_SUBMITS = 'W', ROW_RECEIPTS = 'A' };
enum row_queue row_queue_of(const struct row *row);
enum err row_waiting(struct store_txn *txn, enum row_queue queue, uint64_t after,
                     struct row *ret_row) MUST_CHECK; /* ERR_NOT_FOUND: none behind `after` */
/* Puts a row that was answered back among those that wait: the broker lost it. */
enum err row_wait_again(struct store_txn *txn, struct row *row) MUST_CHECK;

/* --- after the broker opened a new log (recovery.c) --- */

/* The row is to be handed back, and was not seen in the new log yet. */
enum err row_mark(struct store_txn *txn, const struct row *row) MUST_CHECK;
enum err row_unmark(struct store_txn *txn, uint64_t seq) MUST_CHECK; /* OK when it was not */
enum err row_is_marked(struct store_txn *txn, uint64_t seq, bool *ret_marked) MUST_CHECK;
/* Of both directions; ERR_NOT_FOUND at the end. */
enum err row_next_marked(struct store_txn *txn, uint64_t after, struct row *ret_row) MUST_CHECK;
/* A new receipt; the one before stays, as evidence, under the log that it is of. */
enum err row_supersede_receipt(struct store_txn *txn, const struct row *row,
                               struct span receipt) MUST_CHECK;
enum err row_was_superseded(struct store_txn *txn, uint64_t seq, bool *ret_was) MUST_CHECK;
/* A received row has come again at row->position. */
enum err row_put_position(struct store_txn *txn, const struct row *row) MUST_CHECK;

/* Totals by state, kept with the rows; acknowledgements of deliveries are not counted. */
enum err row_total(struct store_txn *txn, enum row_state state, uint64_t *ret_total) MUST_CHECK;
/* Messages that agencies and the broker exchange, not the receipts that programs write. */
bool row_is_shown(const struct row *row);
const char *row_state_name(enum row_state state);

#endif
