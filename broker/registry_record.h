/* Which version of the signed registry this broker's log has recorded last, so that none of an
 * older one is put into force by a restart, and which leaf did so first, which is shown to agencies
 * that take it. One row of the store, written with the LEAF_CONFIGURATION that names the version;
 * durable with the turn. Loop thread, and main thread at the start. */
#ifndef REFERRAL_BROKER_REGISTRY_RECORD_H
#define REFERRAL_BROKER_REGISTRY_RECORD_H

#include "store/store.h"
#include "wire/registry_document.h"

/* Of a registry that is not signed nothing is kept; of a version that is there, its first leaf. */
enum err registry_record_keep(struct store_txn *txn, const struct registry_document *document,
                              uint64_t leaf) MUST_CHECK;
/* ERR_NOT_FOUND: it is not signed, or the log does not have it yet. */
enum err registry_record_leaf(struct store_txn *txn, const struct registry_document *document,
                              uint64_t *ret_leaf) MUST_CHECK;
/* May the broker start with this one? ERR_REFUSED with a fault (registry.older, registry.fork,
 * registry.unsigned: the log has a signed one); a failure of the store. */
enum err registry_record_judge(struct store *store, const struct registry_document *document,
                               struct fault *fault) MUST_CHECK;

#endif
