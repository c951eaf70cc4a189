/* The service manager's notification protocol (sd_notify(3)): readiness, status text, watchdog.
 *
 * Without NOTIFY_SOCKET everything is a silent success, so a daemon calls it always. Status and
 * watchdog never wait: a full socket loses them, and they come again. What is said once (ready,
 * reloading, stopping, keep) waits for room, 5 s at the most. Any one thread. Nothing is durable.
 * Call sd_notify_init before threads begin: it reads the environment. */
#ifndef REFERRAL_IO_SD_NOTIFY_H
#define REFERRAL_IO_SD_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct sd_notify {
    char path[108];       /* as in NOTIFY_SOCKET, "@" first for an abstract one; empty: none */
    uint64_t watchdog_ms; /* the manager's interval (keep alive at half of it); 0: none */
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID. Malformed values count as absent. */
void sd_notify_init(struct sd_notify *notify);
/* Each answers OK, also without a manager; ERR_IO when the message could not be sent. */
enum err sd_notify_ready(const struct sd_notify *notify, const char *status);
enum err sd_notify_reloading(const struct sd_notify *notify); /* later: sd_notify_ready */
enum err sd_notify_stopping(const struct sd_notify *notify);
enum err sd_notify_status(const struct sd_notify *notify, const char *status); /* one line */
enum err sd_notify_watchdog(const struct sd_notify *notify);
/* Leaves a copy of the descriptor with the manager under this name, in place of those that lie
 * there under it; false when there is no manager or it could not be told. */
bool sd_notify_keep(const struct sd_notify *notify, const char *name, int descriptor);

#endif
