/* Bodies as they lie in an agent's store: under the key of their case (wire/body_rest.h,
 * store/case_keys.h), so that erasing the case ends them wherever they lie.
 *
 * Between rows.c, which keeps payloads and envelopes, and everybody who reads them. Nothing here
 * opens what the sender sealed. Any thread that has the transaction. */
#ifndef REFERRAL_AGENT_BODIES_H
#define REFERRAL_AGENT_BODIES_H

#include "agent/rows.h"

/* What row_add is given, with its body put to rest. Appends. */
enum err bodies_rest(struct store_txn *txn, const struct row *row, struct span message,
                     struct buf *out) MUST_CHECK;
/* What row_add was given; as it lies there where the case was erased, or where it was kept by a
 * release without case keys. Lent by the transaction. */
enum err bodies_wake(struct store_txn *txn, const struct row *row, struct span kept,
                     struct span *ret_message) MUST_CHECK;
enum err bodies_look(struct store_txn *txn, const struct row *row, struct span kept,
                     enum row_body *ret_body) MUST_CHECK;
/* Was the body of this payload, as row_payload gives it, erased? */
bool body_was_erased(const struct payload *payload);

#endif
