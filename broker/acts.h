/* Acts: what an administrator has changed through the status socket.
 *
 * An act is a leaf (who, by which role, what about; the digest of the reason), the reason's text
 * beside it, and the change itself, in one transaction: broker_act runs a turn at once, so that who
 * asks is answered after the commit or is told that nothing was done. Whether the act is possible
 * is seen before, in the state as committed: nothing comes between. Loop thread, between turns
 * only. */
#ifndef REFERRAL_BROKER_ACTS_H
#define REFERRAL_BROKER_ACTS_H

#include "base/bytes.h"

struct broker;
struct turn;

struct act {
    const char *name;   /* of the command; at most 31 bytes, as the leaf has it */
    const char *about;  /* an agency's id, the leaf of a message; or "" */
    uint32_t uid;       /* of the peer */
    const char *role;   /* by which it may */
    struct span reason; /* 1 to REASON_BYTES_MAX bytes */
    /* Writes the change into the turn; an error is the environment's and gives the turn up. NULL:
     * the leaf is all. */
    enum err (*apply)(struct turn *turn, void *arg);
    void *arg;
    /* After broker_act answered OK: */
    uint64_t leaf;
    bool done;
};

/* Durable when OK; else nothing of it was done (ERR_FULL: the store is full; ERR_CLOSED: the broker
 * is stopping). */
enum err broker_act(struct broker *broker, struct act *act) MUST_CHECK;

#endif
