/* Revoked keys: statements of agencies' roots, each a leaf, from which on the key signs nothing;
 * and what still waits under such a key.
 *
 * A message that was recorded before its key was revoked is valid: its place in the log counts, no
 * time that anybody names. But it was perhaps not the agency that sent it, so it is held until the
 * agency signs it anew, by sending the same message under another key, or until REVOKED_HOLD_MS
 * have gone by. What follows in its case waits with it (broker/fetch.c); all else of its lane does
 * not. Loop thread; durable with the turn. */
#ifndef REFERRAL_BROKER_REVOCATION_H
#define REFERRAL_BROKER_REVOCATION_H

#include "broker/acts.h"
#include "store/queue.h"
#include "wire/key_statement.h"

struct broker;
struct request;

/* Reads the list, and marks the keyring of broker->setup. */
enum err revocation_start(struct broker *broker, struct store_txn *read) MUST_CHECK;
/* Another keyring takes the place of it: marked alike, before anybody looks into it. */
void revocation_mark(const struct broker *broker, struct keyring *keyring);
/* Records and marks. The statement was judged. Results as broker_act. */
enum err broker_key_revoke(struct broker *broker, struct act *act,
                           const struct key_statement *statement, struct span text) MUST_CHECK;
/* How many messages wait that this key signed. */
enum err broker_key_waiting(const struct broker *broker, const struct key_statement *statement,
                            uint64_t *ret_count) MUST_CHECK;

/* REGISTRY: all statements, in the region. ERR_MEMORY */
enum err revocation_list(const struct broker *broker, struct region *region,
                         const struct recorded_statement **ret_list, size_t *ret_count) MUST_CHECK;

struct revoked_look { /* at one message that waits */
    bool held;
    uint64_t resigned_leaf; /* whose envelope goes out in place of its own; AUDIT_NONE: its own */
};
/* Looks at nothing unless some key is revoked at all. */
enum err revocation_look(const struct broker *broker, struct store_txn *read,
                         const struct queue_item *item, struct revoked_look *ret_look) MUST_CHECK;
/* The case of the message at this leaf. */
enum err revocation_case_of(struct store_txn *read, uint64_t leaf,
                            struct uuid *ret_case) MUST_CHECK;
/* The same message came again under a key that holds: where the one that was recorded at `leaf` is
 * signed by a revoked one and was not signed anew, that is recorded. */
enum err revocation_resign(struct turn *turn, const struct request *request, size_t index,
                           uint64_t leaf) MUST_CHECK;

#endif
