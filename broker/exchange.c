/* Other rules for a broker that runs: registry, policy, calendar and public keys, exchanged as a
 * whole between two turns. Loop thread; the link's threads read registry and keys under a lock
 * (intake.c), so that what was in force before is free when broker_exchange returns.
 *
 * What is kept by an agency's place in the registry is moved to its new place, by its number, which
 * never changes. Nothing is durable here: the next turn writes the LEAF_CONFIGURATION. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "broker/turn.h"

struct moved { /* what is kept by place, in the new order */
    struct broker_agency *agencies;
    struct parked parked;
    size_t count;
};

static enum err make_room(const struct registry *registry, struct moved *moved)
{
    enum err error = parked_init(&moved->parked, registry_count(registry));

    moved->agencies = NULL;
    moved->count = registry_count(registry);
    if (error != OK) {
        return error;
    }
    moved->agencies = calloc(moved->count, sizeof(*moved->agencies));
    if (moved->agencies == NULL) {
        parked_free(&moved->parked);
        error = ERR_MEMORY;
    }
    return error;
}

static void move_agencies(struct broker *broker, const struct registry *registry,
                          struct moved *moved)
{
    uint8_t secret[32];

    io_random(&broker->setup.io, secret, sizeof(secret));
    for (size_t i = 0; i < moved->count; i++) {
        const struct agency *old =
            registry_by_number(broker->setup.registry, registry_at(registry, i)->number);
        struct parked_fetch fetch;

        if (old == NULL) { /* it says HELLO first */
            session_init(&moved->agencies[i].session, secret, registry_at(registry, i)->number);
            continue;
        }
        moved->agencies[i] = broker->agencies[agency_place(broker, old)];
        moved->agencies[i].dirty = true; /* a new registry is news, and may resume an agency */
        if (parked_take(&broker->parked, agency_place(broker, old), &fetch)) {
            parked_put(&moved->parked, i, &fetch);
        }
    }
    crypto_wipe(secret, sizeof(secret));
}

static void use_for_intake(struct intake_context *intake, const struct broker_rules *rules)
{
    int error = pthread_rwlock_wrlock(&intake->lock);

    assert(error == 0);
    (void)error;
    intake->registry = rules->registry;
    intake->keyring = rules->keyring;
    (void)pthread_rwlock_unlock(&intake->lock);
}

enum err broker_exchange(struct broker *broker, const struct broker_rules *rules)
{
    struct broker_setup *setup = &broker->setup;
    struct digest old_keys = keyring_digest(setup->keyring);
    struct digest new_keys = keyring_digest(rules->keyring);
    bool same = digest_equal(registry_digest(setup->registry), registry_digest(rules->registry)) &&
                digest_equal(&setup->policy->digest, &rules->policy->digest) &&
                digest_equal(&old_keys, &new_keys) &&
                digest_equal(&setup->document.digest, &rules->document.digest);
    struct moved moved;
    enum err error = make_room(rules->registry, &moved);

    if (error != OK) {
        return error;
    }
    move_agencies(broker, rules->registry, &moved);
    for (struct intake *intake = broker->pending_first; intake != NULL; intake = intake->next) {
        intake->agency = registry_by_number(rules->registry, intake->number);
        assert(intake->agency != NULL);
    }
    revocation_mark(broker, rules->keyring);
    parked_free(&broker->parked);
    free(broker->agencies);
    broker->parked = moved.parked;
    broker->agencies = moved.agencies;
    broker->agency_count = moved.count;
    setup->registry = rules->registry;
    setup->registry_text = rules->registry_text;
    setup->document = rules->document;
    setup->policy = rules->policy;
    setup->policy_text = rules->policy_text;
    setup->keyring = rules->keyring;
    use_for_intake(&broker->intake, rules);
    scheduler_use_policy(broker);
    broker_use_calendar(broker, rules->calendar);
    broker->reconfigured = broker->reconfigured || !same;
    broker->again = true;
    return OK;
}
