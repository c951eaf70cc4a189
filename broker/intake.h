/* Intake: from bytes to a verified request, before the broker sees it.
 *
 * Runs on the link's threads, several at once, and touches neither store nor loop: bounds, parsing,
 * hashing and the one signature check are the costly part of a request and need no order. What
 * does not verify is answered here, unsigned, because nobody knows who asked. */
#ifndef REFERRAL_BROKER_INTAKE_H
#define REFERRAL_BROKER_INTAKE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/bytes.h"
#include "io/link.h"
#include "model/refusal.h"
#include "model/registry.h"
#include "wire/envelope.h"
#include "wire/keyring.h"

struct intake_context {    /* shared by all threads */
    pthread_rwlock_t lock; /* of the two that a reload exchanges */
    const struct keyring *keyring;
    const struct registry *registry;
    _Atomic uint64_t now_ms;    /* broker time of the last turn: keys are judged by it */
    _Atomic uint64_t strangers; /* refused here since the last summary leaf */
};

struct intake {
    struct intake *next;         /* the broker's list */
    uint64_t handle;             /* of the link */
    uint32_t pipe;               /* connection */
    bool certificate_differs;    /* the connection has another agency's; see intake_compare */
    uint16_t number;             /* of the agency whose signature it is */
    const struct agency *agency; /* by it, from broker_take on */
    struct request request;      /* borrows from the bytes, which the link lends until the answer */
    struct region region;        /* owned; what the request decoded into */
};

/* Verifies the bytes. OK: `ret_intake` is the caller's (intake_free). Otherwise ERR_REFUSED with
 * the unsigned answer in `ret_answer` (may stay empty when memory is short). */
enum err intake_open(struct intake_context *ctx, struct span bytes, struct intake **ret_intake,
                     struct buf *ret_answer) MUST_CHECK;
/* Is the connection's certificate the signer's, and one that is registered, where any is? A second,
 * cheap look at who is there; the signature is the authority. `peer` NULL: nobody knows it, as
 * where another program ends TLS before the broker. */
void intake_compare(struct intake_context *ctx, struct intake *intake,
                    const struct link_peer *peer);
void intake_free(struct intake *intake); /* NULL allowed */

#endif
