/* The line of `systemctl status`: who is there, what waits, and what an administrator should know
 * first. Nothing of it is personal. See beat.h. */
#include "broker/beat.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/timekeeper.h"
#include "store/queue.h"

#define THERE_MS UINT64_C(180000) /* heard within three minutes: seven long polls */

static void FORMAT(2, 3) say(struct heartbeat_view *view, const char *format, ...)
{
    size_t used = strlen(view->status);
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(view->status + used, sizeof(view->status) - used, format, arguments);
    va_end(arguments);
}

static size_t agencies_there(const struct broker *broker, uint64_t now_ms)
{
    size_t there = 0;

    for (size_t i = 0; i < registry_count(broker_setup(broker)->registry); i++) {
        uint64_t heard_ms = broker_heard_ms(broker, i);

        there += heard_ms != 0 && heard_ms + THERE_MS >= now_ms;
    }
    return there;
}

/* Messages that wait at the broker; UINT64_MAX when the store cannot say. */
static uint64_t waiting_count(const struct broker *broker)
{
    const struct broker_setup *setup = broker_setup(broker);
    struct store_txn *read;
    uint64_t sum = 0;
    enum err error = store_read_begin(setup->store, &read);

    if (error != OK) {
        return UINT64_MAX;
    }
    for (size_t i = 0; error == OK && i < registry_count(setup->registry); i++) {
        uint64_t waiting = 0;

        error = queue_waiting(read, registry_at(setup->registry, i)->number, &waiting, NULL);
        sum += waiting;
    }
    store_read_end(read);
    return error == OK ? sum : UINT64_MAX;
}

void beat_look(const struct broker *broker, struct heartbeat_view *ret_view)
{
    const struct broker_setup *setup = broker_setup(broker);
    uint64_t waiting = waiting_count(broker);
    struct broker_clock clock;
    int32_t missing;

    broker_clock(broker, &clock);
    missing = calendar_missing_year(setup->calendar, civil_day_at(clock.broker_ms));
    ret_view->late_ms = broker_scan_late_ms(broker);
    say(ret_view, "在线 %zu/%zu 家", agencies_there(broker, clock.broker_ms),
        registry_count(setup->registry));
    if (waiting != UINT64_MAX) {
        say(ret_view, " · 队列 %" PRIu64, waiting);
    }
    say(ret_view, " · 存储 %u%%", store_used_percent(setup->store));
    if (!store_accepts(setup->store)) {
        say(ret_view, "，已满，暂不收件");
    }
    if (clock.hold != HOLD_NOT && clock.hold != HOLD_WAIT) {
        say(ret_view, " · 时钟待确认，督办暂停");
    }
    if (missing != 0) {
        say(ret_view, " · 缺 %d 年放假安排", (int)missing);
    }
    if (ret_view->late_ms > 0) {
        say(ret_view, " · 期限检查迟 %" PRIu64 " 秒", ret_view->late_ms / 1000);
    }
}
