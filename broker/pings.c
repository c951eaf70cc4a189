/* Pings: is there a living agent at the end of an agency's own connection?
 *
 * A question is a random word in the next reply to a FETCH of the agency, signed as all replies
 * are; the answer is its signed PING request with the same word. Both go through the broker's
 * turns, so that what is measured is what messages meet. One an agency at a time; nothing is
 * durable. */
#include <assert.h>
#include <string.h>

#include "broker/turn.h"

enum err broker_ping(struct broker *broker, size_t agency, uint64_t timeout_ms, uint64_t tag)
{
    struct broker_ping *ping = &broker->agencies[agency].ping;
    uint64_t boot_ms = io_boot_ms(&broker->setup.io);

    assert(agency < broker->agency_count);
    if (ping->used) {
        return ERR_BUSY;
    }
    *ping = (struct broker_ping){
        .used = true, .tag = tag, .asked_boot_ms = boot_ms, .until_boot_ms = boot_ms + timeout_ms};
    io_random(&broker->setup.io, ping->word, sizeof(ping->word));
    broker->agencies[agency].dirty = true;
    broker->again = true;
    return OK;
}

bool pings_unsent(const struct broker *broker, size_t agency)
{
    const struct broker_ping *ping = &broker->agencies[agency].ping;

    return ping->used && ping->sent_boot_ms == 0;
}

/* Said again with each reply until it is answered: one may be lost. */
void pings_ask(struct turn *turn, size_t agency, struct reply_head *head)
{
    struct broker_ping *ping = &turn->broker->agencies[agency].ping;

    if (ping->used && ping->answered_boot_ms == 0) {
        memcpy(head->fetch.ping, ping->word, sizeof(ping->word));
        ping->sent_boot_ms = turn->reading.boot_ms;
    }
}

void pings_answered(struct turn *turn, size_t agency, const uint8_t word[PING_BYTES])
{
    struct broker_ping *ping = &turn->broker->agencies[agency].ping;

    if (ping->used && ping->answered_boot_ms == 0 && ping->sent_boot_ms != 0 &&
        memcmp(ping->word, word, PING_BYTES) == 0) {
        ping->answered_boot_ms = turn->reading.boot_ms;
    }
}

bool broker_ping_take(struct broker *broker, struct ping_result *ret_result)
{
    uint64_t boot_ms = io_boot_ms(&broker->setup.io);

    for (size_t i = 0; i < broker->agency_count; i++) {
        struct broker_ping *ping = &broker->agencies[i].ping;

        if (!ping->used || (ping->answered_boot_ms == 0 && boot_ms < ping->until_boot_ms)) {
            continue;
        }
        *ret_result = (struct ping_result){.agency = i,
                                           .tag = ping->tag,
                                           .answered = ping->answered_boot_ms != 0,
                                           .sent = ping->sent_boot_ms != 0};
        if (ret_result->answered) {
            ret_result->round_trip_ms = ping->answered_boot_ms - ping->sent_boot_ms;
            ret_result->waited_ms = ping->sent_boot_ms - ping->asked_boot_ms;
        }
        ping->used = false;
        return true;
    }
    return false;
}

bool broker_pings_wait(const struct broker *broker)
{
    for (size_t i = 0; i < broker->agency_count; i++) {
        if (broker->agencies[i].ping.used) {
            return true;
        }
    }
    return false;
}
