/* What a primary knows of the standby that follows it: what it confirmed last, and since when it is
 * behind. In memory: after a restart it is known again with the standby's next question. Loop
 * thread. */
#ifndef REFERRAL_BROKER_STANDBY_WATCH_H
#define REFERRAL_BROKER_STANDBY_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#define STANDBY_HERE_MS 15000u /* a standby that asked within it is there */

struct standby_watch {
    uint64_t seen_ms;    /* machine time; 0: never */
    uint64_t seen_at_ms; /* wall time, to be shown */
    uint64_t applied;
    uint64_t log_size;       /* of the standby */
    uint64_t whole_to;       /* transaction up to which it has the attachments, too */
    uint64_t missing;        /* attachments, when it looked last */
    uint64_t level_ms;       /* machine time at which it was last level with us; 0: never */
    bool copying;            /* it makes its first copy, or a new one */
    bool handing_over;       /* this broker is to stop for good */
    void (*stop)(void *ctx); /* asks the daemon to stop */
    void *ctx;
};

struct standby_news { /* of one question */
    uint64_t machine_ms, wall_ms;
    uint64_t applied, log_size;
    uint64_t whole_to, missing; /* as above */
    uint64_t last;              /* our newest transaction */
};
void standby_watch_heard(struct standby_watch *watch, const struct standby_news *news);
/* Nothing of ours is missing there, the attachments included. */
bool standby_watch_whole(const struct standby_watch *watch, uint64_t last);
bool standby_watch_here(const struct standby_watch *watch, uint64_t machine_ms);
/* How long it has been behind: 0 when it is level. */
uint64_t standby_watch_behind_ms(const struct standby_watch *watch, uint64_t last,
                                 uint64_t machine_ms);

#endif
