/* Named places in a daemon where a test makes it fail: a power cut, a hang, work left undone.
 *
 * Armed by REFERRAL_FAULT="name:count" in the environment and in laboratory mode only: the process
 * kills itself (kill -9) at the count-th passing of that name. "name:count:hang": that thread never
 * goes on. "name:count:omit": from then on the place is told to leave its work out, which only some
 * can. Otherwise a passing costs one comparison. Any thread after fault_point_init. */
#ifndef REFERRAL_IO_FAULT_POINT_H
#define REFERRAL_IO_FAULT_POINT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum fault_effect { FAULT_KILL, FAULT_HANG, FAULT_OMIT };

struct fault_point {
    char name[48]; /* empty: not armed */
    enum fault_effect effect;
    _Atomic uint64_t left; /* passings until the end */
};

/* Reads the environment. ERR_INVALID when the variable is set, in laboratory mode, and malformed.
 */
enum err fault_point_init(struct fault_point *point, bool laboratory,
                          struct fault *fault) MUST_CHECK;
/* Does not return at the counted passing of one that kills or hangs; true: leave the work out. */
bool fault_point_pass(struct fault_point *point, const char *name);

#endif
