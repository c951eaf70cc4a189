/* Referrals by case, and the numbers by which people call them.
 *
 * A referral is packed by lib/model/referral; here it is bytes. Keys are ids, never names. Broker
 * and agent; durable with the commit of the transaction. */
#ifndef REFERRAL_STORE_CASES_H
#define REFERRAL_STORE_CASES_H

#include "store/store.h"

#define CASES_REFERRAL_BYTES 49152u /* of one packed referral, or of the largest matter */

struct case_key {
    struct uuid case_id;
    struct uuid referral_id; /* zero: the case itself, in the numbers index */
};

enum err cases_get(struct store_txn *txn, const struct case_key *key,
                   struct span *ret_referral) MUST_CHECK; /* ERR_NOT_FOUND */
enum err cases_put(struct store_txn *txn, const struct case_key *key,
                   struct span referral) MUST_CHECK;

/* Walks the referrals of a case, or of all (case_id NULL), from the one behind `after` (NULL: from
 * the first), in byte order of their ids. One step a call, so that a long walk may be cut into
 * short transactions: hand back the last key. ERR_NOT_FOUND at the end; ERR_CORRUPT with ret_key
 * set at a damaged one. */
enum err cases_next(struct store_txn *txn, const struct uuid *case_id, const struct case_key *after,
                    struct case_key *ret_key, struct span *ret_referral) MUST_CHECK;

/* Numbers: case, referral and register numbers, each given once. ERR_EXISTS when the number is
 * another's; giving it again to the same key is OK. 1 to LIMIT_NUMBER_BYTES - 1 bytes. */
enum err number_put(struct store_txn *txn, const char *number,
                    const struct case_key *key) MUST_CHECK;
enum err number_find(struct store_txn *txn, const char *number,
                     struct case_key *ret_key) MUST_CHECK; /* ERR_NOT_FOUND */
/* The first number behind `after` ("": from the first) that begins with `prefix`, in byte order.
 * ERR_NOT_FOUND at the end. */
enum err number_after(struct store_txn *txn, const char *prefix, const char *after,
                      char ret_number[LIMIT_NUMBER_BYTES]) MUST_CHECK;
/* A counter by name ("DB-2026"): adds one and answers it, from 1. Kept beside the numbers. */
enum err number_count(struct store_txn *txn, const char *name, uint64_t *ret_value) MUST_CHECK;

#endif
