/* Named places in a daemon where a crash test ends the process as a power cut would: kill -9.
 *
 * Armed by REFERRAL_FAULT="name:count" in the environment and in laboratory mode only: the process
 * kills itself at the count-th passing of that name. Otherwise a passing costs one comparison. Any
 * thread after fault_point_init. */
#ifndef REFERRAL_IO_FAULT_POINT_H
#define REFERRAL_IO_FAULT_POINT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct fault_point {
    char name[48];         /* empty: not armed */
    _Atomic uint64_t left; /* passings until the end */
};

/* Reads the environment. ERR_INVALID when the variable is set, in laboratory mode, and malformed.
 */
enum err fault_point_init(struct fault_point *point, bool laboratory,
                          struct fault *fault) MUST_CHECK;
/* Does not return at the counted passing. */
void fault_point_pass(struct fault_point *point, const char *name);

#endif
