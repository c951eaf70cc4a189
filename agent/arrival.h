/* One delivery on its way into the store. Private to inbox.c, which judges and stores it, and to
 * arrival_stream.c, which knows its place. */
#ifndef REFERRAL_AGENT_ARRIVAL_H
#define REFERRAL_AGENT_ARRIVAL_H

#include "agent/state.h"
#include "wire/receipt.h"

struct arrival { /* one delivery on its way into the store */
    struct agent *agent;
    struct store_txn *txn;
    struct region *region;
    const struct reply_head *head;
    const struct delivery *delivery;
    struct payload payload;
    struct digest digest;
    struct message message; /* header first, facts once it is known to be honest */
    bool decoded;
    struct receipt receipt;
    struct receipt_facts facts;
    struct row row;
    struct body body; /* once it is opened; the region's */
    bool was_held;    /* its place in the stream was taken before */
    bool has_key;     /* then what opens it: secret */
    uint8_t content_key[AEAD_KEY_BYTES];
};

/* The broker is not believed: ERR_FORGED. */
enum err arrival_doubt(struct arrival *arrival, enum distrust_kind kind, const char *what);
enum err arrival_distrust(struct arrival *arrival, const char *what);

/* ret_new: it continues the stream, or comes where it was held. */
enum err arrival_check_stream(struct arrival *arrival, bool *ret_new) MUST_CHECK;
/* It is held: its place is taken, and it comes again. */
enum err arrival_hold(struct arrival *arrival) MUST_CHECK;
/* What is not held must leave nothing behind that is: of its case, or for longer than anything is.
 */
enum err arrival_check_held(struct arrival *arrival) MUST_CHECK;
/* It came last in its stream, or where it was held. */
enum err arrival_save_stream(struct arrival *arrival) MUST_CHECK;

#endif
