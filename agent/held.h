/* Places of messages that the broker holds. See held.c. */
#ifndef REFERRAL_AGENT_HELD_H
#define REFERRAL_AGENT_HELD_H

#include "store/store.h"

struct held_place {
    uint32_t lane;
    uint64_t seq;
    struct digest leaf_hash;
    struct uuid case_id; /* zero: of none */
    uint64_t since_ms;   /* the broker's time when it was shown as held */
    uint32_t statements; /* about keys that this agent knew then; a newer one may hold it anew */
};

struct held_before { /* places before another one, in its lane */
    bool same_case;  /* one is of its case */
    bool overdue;    /* one is held for longer than anything may be */
};

/* ERR_NOT_FOUND: nothing is held there. */
enum err held_find(struct store_txn *txn, uint32_t lane, uint64_t seq,
                   struct held_place *ret_place) MUST_CHECK;
enum err held_put(struct store_txn *txn, const struct held_place *place) MUST_CHECK;
enum err held_remove(struct store_txn *txn, uint32_t lane, uint64_t seq) MUST_CHECK;
/* Before `at`, whose since_ms and statements are those of now: who knew fewer begins anew. */
enum err held_before(struct store_txn *txn, const struct held_place *at,
                     struct held_before *ret_before) MUST_CHECK;
enum err held_forget(struct store_txn *txn, uint32_t lane) MUST_CHECK;

#endif
