/* Why administrators did what they did: the text of each command's reason, by the leaf of the log
 * that records the command.
 *
 * The leaf has the digest of the text, so a text that was changed is found out, and one that was
 * erased (because somebody wrote in it what must not be there) leaves the log as it is. Broker
 * only; durable with the commit of the transaction. */
#ifndef REFERRAL_STORE_REASONS_H
#define REFERRAL_STORE_REASONS_H

#include "store/store.h"

#define REASON_BYTES_MAX 500u

/* 1 to REASON_BYTES_MAX bytes; one a leaf. */
enum err reason_put(struct store_txn *txn, uint64_t leaf, struct span text) MUST_CHECK;
/* Borrowed as store.h says. ERR_NOT_FOUND: none was kept for this leaf. */
enum err reason_get(struct store_txn *txn, uint64_t leaf, struct span *ret_text) MUST_CHECK;

#endif
