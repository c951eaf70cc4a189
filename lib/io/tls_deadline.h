/* Ends connections whose peers do not finish the negotiation: nng never does for TLS, so whoever
 * only connects would hold a connection for ever.
 *
 * From a connection's beginning until its peer's hello has come, its descriptor is watched by one
 * thread, which shuts it down when the time is over; nng then takes it down as broken. The
 * descriptor is learnt from nng's own read (nng_compat.h). For tls_engine alone. */
#ifndef REFERRAL_IO_TLS_DEADLINE_H
#define REFERRAL_IO_TLS_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#define TLS_NEGOTIATION_MS 10000u

struct tls_deadline { /* embedded in the connection; all under the lock of tls_deadline.c */
    struct tls_deadline *next, *before;
    uint64_t due_ms; /* machine's boot clock */
    int fd;          /* -1: not known yet */
    bool watched;
};

/* False: there is no thread to watch it, and no memory for one. */
bool tls_deadline_start(struct tls_deadline *deadline);
void tls_deadline_learn(struct tls_deadline *deadline, int fd);
/* The peer has said hello, or the connection is being freed: on return its descriptor is not used
 * any more. Ended twice is fine, and so is one that never started (zeroed). */
void tls_deadline_end(struct tls_deadline *deadline);
/* Is it known that nothing will come any more? For a connection that is watched. */
bool tls_deadline_hung_up(const struct tls_deadline *deadline);
/* How many were shut down since the start. */
uint64_t tls_deadline_count(void);
/* For tests: how long a negotiation may take from now on. */
void tls_deadline_set_for_test(uint64_t wait_ms);

#endif
