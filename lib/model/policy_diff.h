/* What changed between two policies: one line for each value that is another, with its path in the
 * file, for `referralctl policy diff` and the leaf's explanation.
 *
 * Both are judged as they work, not as they are written: a value that was left out is its default,
 * the order of rows matters only where it changes which one decides. Pure; any thread. */
#ifndef REFERRAL_MODEL_POLICY_DIFF_H
#define REFERRAL_MODEL_POLICY_DIFF_H

#include "model/policy.h"

struct policy_change {
    const char *path;   /* "rungs.due-3.offset"; valid during the call, all of these */
    const char *before; /* "" where there was nothing */
    const char *after;  /* "" where there is nothing */
};
typedef void policy_change_cb(void *arg, const struct policy_change *change);

/* Calls `found` for each change, in the order of the file as it is now, what is gone last. Agencies
 * are named as the registry names them. ERR_MEMORY: nothing was called. */
enum err policy_diff(const struct policy *before, const struct policy *after,
                     const struct registry *registry, policy_change_cb *found,
                     void *arg) MUST_CHECK;

#endif
