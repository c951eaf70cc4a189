/* The lag of a standby as its questions show it. See standby_watch.h. */
#include "broker/standby_watch.h"

void standby_watch_heard(struct standby_watch *watch, const struct standby_news *news)
{
    watch->seen_ms = news->machine_ms;
    watch->seen_at_ms = news->wall_ms;
    watch->applied = news->applied;
    watch->log_size = news->log_size;
    watch->whole_to = news->whole_to;
    watch->missing = news->missing;
    watch->copying = false;
    if (news->applied == news->last) {
        watch->level_ms = news->machine_ms;
    }
}

bool standby_watch_whole(const struct standby_watch *watch, uint64_t last)
{
    return watch->applied == last && watch->whole_to == last && !watch->copying;
}

bool standby_watch_here(const struct standby_watch *watch, uint64_t machine_ms)
{
    return watch->seen_ms != 0 && machine_ms - watch->seen_ms < STANDBY_HERE_MS;
}

uint64_t standby_watch_behind_ms(const struct standby_watch *watch, uint64_t last,
                                 uint64_t machine_ms)
{
    return watch->applied == last || watch->level_ms == 0 ? 0 : machine_ms - watch->level_ms;
}
