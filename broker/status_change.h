/* What all changes by the status socket share: a reason is asked for, `dry_run` only shows what
 * would be, and the answer says which leaf records it. Private to broker/status_*.c; loop thread. A
 * change is durable when its answer is written. */
#ifndef REFERRAL_BROKER_STATUS_CHANGE_H
#define REFERRAL_BROKER_STATUS_CHANGE_H

#include "broker/acts.h"
#include "broker/status.h"

struct change {
    struct act act; /* filled but for what it is about and what it does */
    bool dry_run;
};

/* `reason` and `dry_run` of the request; borrowed from it. */
enum err change_read(const struct status_context *ctx, const struct json_value *request,
                     struct change *ret_change, struct fault *fault) MUST_CHECK;
/* Members `dry_run` and `leaf` (null where nothing was recorded), or the refusal of what broker_act
 * answered. */
enum err change_answer(const struct change *change, enum err error, struct json_writer *out,
                       struct fault *fault) MUST_CHECK;

#endif
