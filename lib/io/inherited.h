/* Listening sockets that outlive the process: clients that connect while the daemon is started anew
 * wait instead of being refused.
 *
 * The service manager hands them over at the start (LISTEN_FDS): those of a socket unit, and those
 * that the run before left with it by name (FDSTORE=1; FileDescriptorStoreMax= of the unit). When
 * the service is stopped for good, the manager closes what was left with it. Without a manager all
 * this is nothing, so a daemon calls it always. Main thread, before others begin; nothing is
 * durable. */
#ifndef REFERRAL_IO_INHERITED_H
#define REFERRAL_IO_INHERITED_H

#include <stdbool.h>
#include <stddef.h>

#include "io/sd_notify.h"

#define INHERITED_MAX        8
#define INHERITED_NAME_BYTES 32

struct inherited {
    const struct sd_notify *notify; /* borrowed; outlives it */
    struct {
        int descriptor;
        char name[INHERITED_NAME_BYTES]; /* of the socket unit, or as it was left */
    } rows[INHERITED_MAX];
    size_t count;
};

struct sockaddr;

/* Reads LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES; what is malformed or meant for another process
 * counts as absent. The descriptors are not inherited further. */
void inherited_init(struct inherited *inherited, const struct sd_notify *notify);
/* The stream socket of that name which is bound to that address: the caller's from now on. -1:
 * there is none. One of that name at another address is of an older configuration and is closed. */
int inherited_take(struct inherited *inherited, const char *name, const struct sockaddr *address,
                   size_t address_len);
/* Leaves a copy of the listening socket with the manager, for the next run. False: there is no
 * manager, or it could not be told; the caller then removes what it leaves behind. */
bool inherited_keep(const struct inherited *inherited, const char *name, int descriptor);
/* Closes what nobody took. */
void inherited_close(struct inherited *inherited);

#endif
