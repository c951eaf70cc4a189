/* The beat is a timer that only asks; the end of a turn answers. See heartbeat.h. */
#include "io/heartbeat.h"

#include <string.h>

#define STATUS_EVERY_MS 10000u

static void due_cb(void *ctx)
{
    struct heartbeat *heartbeat = ctx;
    heartbeat->owed = true;
    loop_timer_after(&heartbeat->timer, heartbeat->every_ms);
}

void heartbeat_start(struct heartbeat *heartbeat, struct loop *loop, const struct sd_notify *notify,
                     heartbeat_look_fn look, void *ctx)
{
    uint64_t half_ms = notify->watchdog_ms / 2;
    *heartbeat = (struct heartbeat){.notify = notify, .look = look, .ctx = ctx};
    heartbeat->every_ms = half_ms != 0 && half_ms < STATUS_EVERY_MS ? half_ms : STATUS_EVERY_MS;
    loop_timer_init(loop, &heartbeat->timer, due_cb, heartbeat);
    if (notify->path[0] != '\0') {
        due_cb(heartbeat);
    }
}

bool heartbeat_turned(struct heartbeat *heartbeat, struct heartbeat_view *ret_view)
{
    if (!heartbeat->owed) {
        return false;
    }
    heartbeat->owed = false;
    memset(ret_view, 0, sizeof *ret_view);
    heartbeat->look(heartbeat->ctx, ret_view);
    (void)sd_notify_status(heartbeat->notify, ret_view->status); /* lost: the next one tells */
    bool was_late = heartbeat->late;
    heartbeat->late =
        heartbeat->notify->watchdog_ms != 0 && ret_view->late_ms > heartbeat->notify->watchdog_ms;
    if (!heartbeat->late && heartbeat->notify->watchdog_ms != 0) {
        (void)sd_notify_watchdog(heartbeat->notify); /* lost: the next one comes in time */
    }
    return heartbeat->late && !was_late;
}

void heartbeat_stop(struct heartbeat *heartbeat)
{
    loop_timer_clear(&heartbeat->timer);
}
