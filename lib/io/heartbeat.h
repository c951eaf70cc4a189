/* What a daemon tells its service manager as long as it is well: WATCHDOG=1 and one line of
 * STATUS=.
 *
 * WATCHDOG=1 leaves only at the end of a whole turn of the daemon (heartbeat_turned), so that a
 * loop that is stuck in any of its parts sends none; and only while what the daemon must do by the
 * clock is done in time: `look` says by how much it is late, and more than the manager's own
 * interval (WATCHDOG_USEC) is too late. The manager then ends the process and starts it anew. Loop
 * thread. Nothing is durable. */
#ifndef REFERRAL_IO_HEARTBEAT_H
#define REFERRAL_IO_HEARTBEAT_H

#include "io/loop.h"
#include "io/sd_notify.h"

#define HEARTBEAT_STATUS_BYTES 256

struct heartbeat_view {
    uint64_t late_ms; /* 0: in time */
    char status[HEARTBEAT_STATUS_BYTES];
};

typedef void (*heartbeat_look_fn)(void *ctx, struct heartbeat_view *ret_view);

struct heartbeat {                  /* embedded by the daemon; all fields are this module's */
    const struct sd_notify *notify; /* borrowed */
    heartbeat_look_fn look;
    void *ctx;
    struct loop_timer timer;
    uint64_t every_ms;
    bool owed; /* the time has come; the end of the turn pays */
    bool late; /* it was told of */
};

/* Begins, at once, unless there is no manager that listens. */
void heartbeat_start(struct heartbeat *heartbeat, struct loop *loop, const struct sd_notify *notify,
                     heartbeat_look_fn look, void *ctx);
/* The daemon has done all the work of a turn. True when it is found too late, once until it is in
 * time again: no beat leaves meanwhile, and the manager is going to end the process; ret_view says
 * by how much. */
bool heartbeat_turned(struct heartbeat *heartbeat, struct heartbeat_view *ret_view);
void heartbeat_stop(struct heartbeat *heartbeat); /* harmless when it never began */

#endif
