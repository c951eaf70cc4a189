/* Which cases of a store were erased, when and by which order; and the end of an erasure that was
 * begun.
 *
 * An erasure is a row first (with the leaf, or the act, that says why: one transaction of the
 * caller's), and then the end of the case's key (case_keys.h). A row whose key still exists is an
 * erasure that was killed: it is completed at the next start. Order and reason are an
 * administrator's words and name nobody. */
#ifndef REFERRAL_STORE_ERASED_H
#define REFERRAL_STORE_ERASED_H

#include "store/case_keys.h"
#include "store/store.h"

#define ERASED_ORDER_BYTES  65u  /* with the NUL */
#define ERASED_REASON_BYTES 513u /* with the NUL */

struct erased {
    struct uuid case_id;
    uint8_t generation; /* of the keys that are destroyed: this one and those before */
    uint64_t at_ms;     /* wall time */
    char order[ERASED_ORDER_BYTES];
    char reason[ERASED_REASON_BYTES];
};

enum err erased_put(struct store_txn *txn, const struct erased *erased) MUST_CHECK;
/* The newest erasure of the case; ERR_NOT_FOUND. */
enum err erased_find(struct store_txn *txn, const struct uuid *case_id,
                     struct erased *ret_erased) MUST_CHECK;
/* The one behind `erased` (all zero: the first), by case and generation; ERR_NOT_FOUND. */
enum err erased_next(struct store_txn *txn, struct erased *erased) MUST_CHECK;

/* Destroys the keys of all rows; durable on return. `ret_count` (may be NULL): how many had not
 * been. On the store's thread, outside of a transaction. */
enum err erased_complete(struct store *store, size_t *ret_count, struct fault *fault) MUST_CHECK;

#endif
