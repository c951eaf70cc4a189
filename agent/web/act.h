/* Who did what: one row for each act of an officer that must be accounted for, in the agent's
 * store.
 *
 * Sending a message, opening the details of a person (with the reason), downloading an attachment,
 * exporting the ledger. Kept per referral or matter and shown on its page; never changed, never
 * removed. Holds the officer's login name and no data of an applicant. Loop thread; durable with
 * the commit of the caller's transaction. */
#ifndef REFERRAL_AGENT_WEB_ACT_H
#define REFERRAL_AGENT_WEB_ACT_H

#include "store/store.h"

enum act_kind {                 /* stored: never renumbered */
                ACT_SENT = 1,   /* a message; `message_id` */
                ACT_REVEALED,   /* the details of the persons of a message, for a reason */
                ACT_DOWNLOADED, /* an attachment */
                ACT_EXPORTED,   /* the ledger; about no referral */
                ACT_READ,       /* opened a numbered document for the first time */
                ACT_PRINTED,    /* a letter */
                ACT_HANDLED,    /* dealt with a message that was refused */
                ACT_SEEN,       /* was shown what came in answer */
                ACT_ERASED,     /* the case, by the order in `reason`; officer: the administrator */
};

struct act {
    struct uuid about; /* referral or matter; zero: none */
    uint64_t at_ms;    /* wall time */
    enum act_kind kind;
    struct uuid message_id; /* zero: none */
    char officer[33];       /* login name */
    char shown[97];         /* as the officer was called then */
    char reason[200];       /* what the officer wrote; empty: none was asked */
};

enum err act_add(struct store_txn *txn, const struct act *act) MUST_CHECK;
/* The acts about one referral or matter, oldest first; ERR_NOT_FOUND behind the last. `after` 0:
 * from the first; else what ret_position of the one before was. */
enum err act_next(struct store_txn *txn, const struct uuid *about, uint64_t after,
                  uint64_t *ret_position, struct act *ret_act) MUST_CHECK;
/* The first of this kind with this message. ERR_NOT_FOUND. */
enum err act_find(struct store_txn *txn, const struct uuid *about, enum act_kind kind,
                  const struct uuid *message_id, struct act *ret_act) MUST_CHECK;

#endif
