/* The one place that knows which nng this is: 1.5.2 (Debian 12) or 1.10 (Debian 13).
 *
 * nng before 1.6 stops accepting connections for ever when a peer closes during the negotiation:
 * its send fails with EPIPE, which it takes for "the listener was closed" (nng issue 1518). The
 * cure is a sendmsg() of our own, its only send call, that answers ECONNRESET instead. A shared
 * libnng finds it because the executable defines and exports the symbol: whoever links
 * referral_io gets it (lib/io/CMakeLists.txt), and nng_compat_check proves that it is in force.
 * Later versions need none of it, and the functions here say so.
 *
 * On every version our TLS engine has to know a connection's descriptor, which nng tells nobody: a
 * readv() of our own, nng's only call for receiving, notes it. Any thread. */
#ifndef REFERRAL_IO_NNG_COMPAT_H
#define REFERRAL_IO_NNG_COMPAT_H

#include <stdbool.h>

#include "base/err.h"

/* True when this nng needs the interposer and the listeners' self-probe. */
bool nng_compat_needs_cure(void);

/* Where this thread's next readv() notes its descriptor; NULL: nowhere. */
void nng_compat_learn_fd(int *ret_fd);

/* The library at run time is of the version that this was built with, and the interposers, where
 * needed, are what the library calls. ERR_VERSION with a fault that says what to do. */
enum err nng_compat_check(struct fault *fault) MUST_CHECK;

/* Switches the interposer's cure off or on: for the one test that shows the attack. Programs never
 * call it. */
void nng_compat_disable_for_test(bool disabled);

#endif
