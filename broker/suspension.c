/* Suspended agencies: a row of STORE_META each, and a mark in memory that the turn asks.
 *
 * Who is suspended sends nothing new and fetches nothing, and lives: greetings, pings, witnesses
 * and the receipts for what it has are taken, and the clocks of what is for it go on. Whom the
 * registry suspends has no row: its next version resumes it. The row is
 * written with the leaf of the command; the mark holds for the rest of that turn already. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "broker/turn.h"

#define NAME_BYTES 32u

static void name_of(uint16_t number, char out[NAME_BYTES])
{
    (void)snprintf(out, NAME_BYTES, "suspended/%u", number);
}

enum err suspension_start(struct broker *broker, struct store_txn *read)
{
    for (size_t i = 0; i < broker->agency_count; i++) {
        char name[NAME_BYTES];
        struct span value;
        enum err error;

        name_of(registry_at(broker->setup.registry, i)->number, name);
        error = store_meta_get(read, name, &value);
        if (error != OK && error != ERR_NOT_FOUND) {
            return error;
        }
        broker->agencies[i].suspended = error == OK;
    }
    return OK;
}

struct ordered {
    size_t place;
    bool suspend;
};

static enum err apply(struct turn *turn, void *arg)
{
    const struct ordered *ordered = arg;
    struct broker_agency *agency = &turn->broker->agencies[ordered->place];
    uint8_t leaf[8];
    char name[NAME_BYTES];

    name_of(registry_at(turn->broker->setup.registry, ordered->place)->number, name);
    be64_put(leaf, turn->broker->act->leaf);
    agency->suspended = ordered->suspend;
    agency->dirty = true; /* what waited for it goes out with this turn */
    return ordered->suspend ? store_meta_put(turn->txn, name, span_of(leaf, sizeof(leaf)))
                            : store_meta_remove(turn->txn, name);
}

enum err broker_suspend(struct broker *broker, struct act *act, size_t agency, bool suspend)
{
    struct ordered ordered = {.place = agency, .suspend = suspend};
    enum err error;

    assert(broker_suspended(broker, agency) != suspend);
    act->apply = apply;
    act->arg = &ordered;
    error = broker_act(broker, act);
    if (error != OK) {
        broker->agencies[agency].suspended = !suspend;
    }
    return error;
}

bool broker_suspended(const struct broker *broker, size_t agency)
{
    assert(agency < broker->agency_count);
    return broker->agencies[agency].suspended ||
           registry_at(broker->setup.registry, agency)->suspended;
}
