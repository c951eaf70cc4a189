/* The line of `systemctl status`: whether the broker is there and believed, and what waits for it.
 * Nothing of it is personal. See beat.h. */
#include "agent/beat.h"

#include <inttypes.h>
#include <stdio.h>

#include "agent/state.h"

static uint64_t waiting_count(const struct agent *agent)
{
    struct store_txn *read;
    uint64_t waiting = 0;

    if (store_read_begin(agent->setup.store, &read) != OK) {
        return 0;
    }
    if (row_total(read, ROW_WAITING, &waiting) != OK) {
        waiting = 0;
    }
    store_read_end(read);
    return waiting;
}

void agent_beat_look(const struct agent *agent, struct heartbeat_view *ret_view)
{
    const char *broker = agent->connected && agent->greeted ? "中枢已连接" : "中枢未连接";

    if (agent_alarm_text(agent)[0] != '\0') {
        broker = "中枢不可信，收发已停（查看日志）";
    }
    ret_view->late_ms = 0;
    (void)snprintf(ret_view->status, sizeof(ret_view->status), "%s · 待发 %" PRIu64 " · 存储 %u%%",
                   broker, waiting_count(agent), store_used_percent(agent->setup.store));
}
