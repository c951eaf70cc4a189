/* The policies that this broker worked by: the text of each, with the leaf that recorded its
 * digest, so that `referralctl policy diff` can say what an administrator changed. Rows of
 * STORE_META; loop thread; durable with the turn's commit. */
#ifndef REFERRAL_BROKER_POLICIES_H
#define REFERRAL_BROKER_POLICIES_H

#include "base/bytes.h"
#include "store/store.h"

struct policy_version {
    uint64_t leaf; /* a LEAF_CONFIGURATION, the first with this policy */
    uint64_t at_ms;
    struct digest digest;
    struct span text; /* borrowed from the transaction */
};

/* Keeps the text unless one with this digest is kept. */
enum err policies_keep(struct store_txn *txn, const struct policy_version *version) MUST_CHECK;
/* The number-th from 1, oldest first; ERR_NOT_FOUND beyond the last. */
enum err policies_find(struct store_txn *txn, uint64_t number,
                       struct policy_version *ret_version) MUST_CHECK;

#endif
