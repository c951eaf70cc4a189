/* The agent core: what is started when, and one transaction for each reply.
 *
 * Order matters in one place: our receipts of deliveries go before anything that we send (the
 * broker takes an answer to a referral only after its delivery), and nothing is fetched while a
 * receipt is on its way (it would only come again). */
#include "agent/erase.h"
#include "agent/agent.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/state.h"
#include "base/log.h"
#include "model/backoff.h"
#include "wire/key_expiry.h"

#define STORE_WAIT_MS 5000u

#define UNREACHED_FIRST_MS  5000u /* a broker that restarts is back by then */
#define UNREACHED_DOUBLINGS 10u   /* then about every hour and a half */

static const struct backoff link_backoff = {.base_ms = 200, .max_ms = 10000};

enum err agent_check_key(const struct keyring *keyring, const struct agency *self,
                         const struct agent_key *key, struct fault *fault)
{
    for (size_t i = 0; i < keyring_count(keyring); i++) {
        const struct key_entry *entry = keyring_entry(keyring, i);

        if (entry->use == key->use && strcmp(entry->owner, self->id) == 0 &&
            memcmp(entry->public_key, key->public_key, 32) == 0) {
            return OK;
        }
    }
    fault_set(fault, "agent.key", key->place, "is not a %s key of \"%s\" in the public keys",
              key->use == KEY_SIGN ? "signing" : "sealing", self->id);
    fault_hint(fault, "take the pair that one `referralctl keys` command wrote for this agency");
    return ERR_INVALID;
}

static enum err check_setup(const struct agent_setup *setup, struct fault *fault)
{
    const struct agent_key own[] = {{KEY_SIGN, setup->sign_key->public_key, "sign-key"},
                                    {KEY_SEAL, setup->seal_key->public_key, "seal-key"}};
    enum err error = OK;

    for (size_t i = 0; error == OK && i < sizeof(own) / sizeof(own[0]); i++) {
        error = agent_check_key(setup->keyring, setup->self, &own[i], fault);
    }
    return error;
}

/* From now on nothing comes; a connection that breaks at once does not start the count anew. */
static void unreached(struct agent *agent)
{
    if (agent->unreached_ms == 0) {
        agent->unreached_ms = agent_wall_ms(agent);
        agent->unreached_tell_ms = agent_machine_ms(agent) + UNREACHED_FIRST_MS;
        agent->unreached_told = 0;
    }
}

enum err agent_new(const struct agent_setup *setup, struct agent **ret_agent, struct fault *fault)
{
    struct agent *agent = calloc(1, sizeof(*agent));
    enum err error;

    if (agent == NULL) {
        return ERR_MEMORY;
    }
    agent->setup = *setup;
    error = registry_start(agent, fault);
    if (error == OK) {
        error = check_setup(&agent->setup, fault);
    }
    if (error == OK) {
        error = erase_resume(agent, fault);
    }
    if (error != OK) {
        agent_free(agent);
        return error;
    }
    text_copy(agent->caught.file, sizeof(agent->caught.file),
              setup->evidence != NULL ? setup->evidence : "");
    agent->receipts_wait = true;
    agent->submits_wait = true;
    agent->alone = SLOT_COUNT;
    unreached(agent);
    buf_init(&agent->events, 4 * LIMIT_LOCAL_LINE_BYTES);
    buf_init(&agent->changes, AGENT_CHANGES_MAX * sizeof(struct case_key));
    agent->decision = malloc(sizeof(*agent->decision));
    agent->copy = malloc(sizeof(*agent->copy));
    agent->other = malloc(sizeof(*agent->other));
    agent->deferred_ms = calloc(registry_count(agent->setup.registry), sizeof(*agent->deferred_ms));
    error = agent->decision == NULL || agent->copy == NULL || agent->other == NULL ||
                    agent->deferred_ms == NULL
                ? ERR_MEMORY
                : OK;
    agent->carry.fetches = true; /* until it was looked */
    if (error == OK) {
        error = recovery_load(agent, fault);
    }
    if (error == OK) {
        error = session_load(agent, fault);
    }
    if (error == OK) {
        error = distrust_load(agent);
    }
    if (error == OK) {
        error = attachments_start(agent);
    }
    if (error == OK) {
        error = notify_new(agent, &agent->notifier);
    }
    if (error == OK) {
        error = counting_load(agent);
    }
    if (error == OK) {
        error = rungs_load(agent);
    }
    if (error == OK) {
        error = clocks_load(agent);
    }
    if (error != OK) {
        agent_free(agent);
        return error;
    }
    *ret_agent = agent;
    return OK;
}

void agent_free(struct agent *agent)
{
    if (agent != NULL) {
        notify_free(agent->notifier);
        buf_free(&agent->events);
        buf_free(&agent->changes);
        attachments_free(agent);
        recovery_free(agent);
        links_free(agent);
        cosigned_free(agent);
        free(agent->decision);
        free(agent->copy);
        free(agent->other);
        free(agent->deferred_ms);
        for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
            buf_free(&agent->askings[slot].head);
        }
        registry_end(agent);
        calendar_free(agent->counting.loaded);
        eras_free(agent);
        free(agent);
    }
}

enum err agent_failure(const struct agent *agent)
{
    return agent->failure;
}

struct uuid agent_new_id(struct agent *agent)
{
    uint8_t random[10];

    agent->setup.ops->random(agent->setup.ctx, random, sizeof(random));
    return uuid_v7(agent_wall_ms(agent), random);
}

/* --- what goes wrong --- */

void agent_trouble(struct agent *agent, enum agent_slot slot, enum err error)
{
    struct asking *asking = &agent->askings[slot];
    uint64_t wait_ms = STORE_WAIT_MS;
    uint32_t random;

    switch (error) {
    case ERR_UNREACHABLE:
    case ERR_TIMEOUT:
    case ERR_CLOSED:
    case ERR_BUSY:
        agent->setup.ops->random(agent->setup.ctx, &random, sizeof(random));
        asking->failures++;
        wait_ms = backoff_ms(&link_backoff, asking->failures, random);
        break;
    case ERR_FULL:
    case ERR_MEMORY:
        log_event(EVENT_STORE_FULL, "the store or the memory is full (%s): trying again in %u s",
                  err_text(error), STORE_WAIT_MS / 1000);
        break;
    default:
        log_event(EVENT_STORE_FAILED, "the store failed: %s", err_text(error));
        agent->failure = error;
        break;
    }
    asking->not_before_ms = agent_machine_ms(agent) + wait_ms;
}

/* --- a broker that cannot be reached --- */

/* TLS says nothing that could be passed on: a wrong name, a foreign authority and a port that
 * nobody uses look alike here. So what to compare is named, more rarely each time. */
static void tell_unreached(struct agent *agent, uint64_t now_ms)
{
    const struct agent_setup *setup = &agent->setup;

    if (setup->broker_url == NULL || agent->unreached_ms == 0 ||
        now_ms < agent->unreached_tell_ms) {
        return;
    }
    log_event(EVENT_BROKER_SILENT,
              "nothing comes from the broker at %s under the name \"%s\" since %" PRIu64
              " s: check that `broker` is its address and it runs, that `broker-name` is in its "
              "certificate, that `tls-authority` is the city's, and that certificates and keys of "
              "both sides are of that authority; trying on, messages wait here",
              setup->broker_url, setup->broker_name,
              (agent_wall_ms(agent) - agent->unreached_ms) / 1000);
    if (agent->unreached_told < UNREACHED_DOUBLINGS) {
        agent->unreached_told++;
    }
    agent->unreached_tell_ms = now_ms + ((uint64_t)UNREACHED_FIRST_MS << agent->unreached_told);
}

/* --- what is started --- */

static bool idle(const struct agent *agent, enum agent_slot slot, uint64_t now_ms)
{
    return !agent->askings[slot].busy && agent->askings[slot].not_before_ms <= now_ms;
}

static bool may_ask(const struct agent *agent, enum agent_slot slot, uint64_t now_ms)
{
    return idle(agent, slot, now_ms) && (agent->alone == SLOT_COUNT || agent->alone == slot);
}

static void start_messages(struct agent *agent, uint64_t now_ms)
{
    if (may_ask(agent, SLOT_ACK, now_ms)) {
        outbox_send(agent, SLOT_ACK);
    }
    if (!agent->receipts_wait && agent->plain_count == 0 && !agent->askings[SLOT_ACK].busy) {
        if (agent->submits_wait && may_ask(agent, SLOT_SUBMIT, now_ms)) {
            outbox_send(agent, SLOT_SUBMIT);
        }
        if (may_ask(agent, SLOT_FETCH, now_ms)) {
            inbox_fetch(agent);
        }
    }
    if (may_ask(agent, SLOT_BLOB, now_ms)) {
        carry_start(agent);
    }
}

static void start(struct agent *agent, uint64_t now_ms)
{
    if (!agent->greeted) {
        if (idle(agent, SLOT_SESSION, now_ms)) {
            session_greet(agent);
        }
        return;
    }
    if (agent->following.handing) {
        if (idle(agent, SLOT_SESSION, now_ms)) {
            hand_back_send(agent);
        }
        if (idle(agent, SLOT_BLOB, now_ms)) {
            carry_start(agent);
        }
        return;
    }
    start_messages(agent, now_ms);
    if (agent->alone != SLOT_COUNT && idle(agent, agent->alone, now_ms)) {
        agent->alone = SLOT_COUNT; /* it has nothing to ask any more */
        start_messages(agent, now_ms);
    }
    if (agent->pinged && idle(agent, SLOT_SESSION, now_ms)) {
        session_pong(agent);
    }
    if (registry_waits(agent, now_ms) && idle(agent, SLOT_SESSION, now_ms)) {
        registry_ask(agent);
    }
    if (links_wait(agent) && idle(agent, SLOT_SESSION, now_ms)) {
        links_ask(agent);
    }
    if (comparing_waits(agent) && idle(agent, SLOT_SESSION, now_ms)) {
        comparing_ask(agent);
    }
    if (now_ms >= witness_next_ms(agent) && idle(agent, SLOT_SESSION, now_ms)) {
        witness_ask(agent);
    }
}

static void sooner(uint64_t at_ms, uint64_t now_ms, uint64_t *next_ms)
{
    if (at_ms > now_ms && at_ms < *next_ms) {
        *next_ms = at_ms;
    }
}

static uint64_t next_wake_ms(const struct agent *agent, uint64_t now_ms)
{
    uint64_t next_ms = UINT64_MAX;

    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        if (!agent->askings[slot].busy) {
            sooner(agent->askings[slot].not_before_ms, now_ms, &next_ms);
        }
    }
    for (size_t i = 0; i < registry_count(agent->setup.registry); i++) {
        sooner(agent->deferred_ms[i], now_ms, &next_ms);
    }
    if (agent->distrust.text[0] != '\0') {
        sooner(agent->distrust.until_ms, now_ms, &next_ms);
    }
    sooner(witness_next_ms(agent), now_ms, &next_ms);
    sooner(notify_next_ms(agent, now_ms), now_ms, &next_ms);
    sooner(agent->registry.ask_at_ms, now_ms, &next_ms);
    if (agent->carry.fetches) {
        sooner(agent->carry.fetch_at_ms, now_ms, &next_ms);
    }
    sooner(agent->sweep_at_ms, now_ms, &next_ms);
    if (agent->setup.broker_url != NULL && agent->unreached_ms != 0) {
        sooner(agent->unreached_tell_ms, now_ms, &next_ms);
    }
    if (counting_waits(agent)) { /* at once, or when a failure may be over */
        uint64_t at_ms = agent->counting.step_at_ms > now_ms ? agent->counting.step_at_ms : now_ms;

        next_ms = at_ms < next_ms ? at_ms : next_ms;
    }
    return next_ms;
}

/* Recipients whose time has come. Here and not when woken: whatever comes first takes it, and the
 * next wake-up is asked for anew each time. */
static void end_deferrals(struct agent *agent, uint64_t now_ms)
{
    for (size_t i = 0; i < registry_count(agent->setup.registry); i++) {
        if (agent->deferred_ms[i] != 0 && agent->deferred_ms[i] <= now_ms) {
            agent->deferred_ms[i] = 0;
            agent->submits_wait = true;
        }
    }
}

/* Once a day. */
static void tell_keys(struct agent *agent)
{
    const uint64_t now_ms = agent_wall_ms(agent);
    const int32_t today = civil_day_at(now_ms);

    if (agent->keys_told != today) {
        const struct key_ends ends = {agent->setup.keyring, agent->setup.calendar,
                                      agent->setup.self->id, now_ms};

        agent->keys_told = today;
        key_endings_tell(&ends);
    }
}

void agent_pump(struct agent *agent)
{
    uint64_t now_ms = agent_machine_ms(agent);

    distrust_tell(agent);
    tell_unreached(agent, now_ms);
    tell_keys(agent);
    witness_tell(agent);
    if (agent->failure != OK) {
        return;
    }
    end_deferrals(agent, now_ms);
    if (agent->sweep_at_ms <= now_ms) {
        attachments_sweep(agent);
    }
    if (agent->counting.step_at_ms <= now_ms) {
        counting_step(agent);
    }
    if (agent->connected &&
        (agent->distrust.text[0] == '\0' || now_ms >= agent->distrust.until_ms)) {
        start(agent, now_ms);
    }
    notify_start(agent);
    agent->setup.ops->wake_at(agent->setup.ctx, next_wake_ms(agent, now_ms));
}

void agent_wake(struct agent *agent)
{
    agent_pump(agent);
}

void agent_connected(struct agent *agent, bool connected)
{
    if (agent->connected == connected) {
        return;
    }
    agent->connected = connected;
    if (!connected) {
        unreached(agent);
    }
    agent->distrust.until_ms = 0; /* another broker may be there, or a mended one */
    log_event(connected ? EVENT_CONNECTED : EVENT_DISCONNECTED, "%s",
              connected ? "connected to the broker"
                        : "no connection to the broker: what is sent waits here");
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        agent->askings[slot].not_before_ms = 0;
    }
    if (!connected && agent->told_connected) { /* "connected" is told once the broker answers */
        agent->told_connected = false;
        events_add(agent, "disconnected", NULL, NULL);
        events_tell(agent);
    }
    agent_pump(agent);
}

/* --- replies --- */

static enum err (*const handlers[SLOT_COUNT])(struct agent *, struct store_txn *,
                                              const struct opened *, struct region *) = {
    [SLOT_SESSION] = session_replied, [SLOT_SUBMIT] = submit_replied, [SLOT_ACK] = ack_replied,
    [SLOT_FETCH] = inbox_replied,     [SLOT_BLOB] = carry_replied,
};

/* All that a reply brings, and the checkpoint that vouches for it, or nothing. */
static enum err take(struct agent *agent, enum agent_slot slot, const struct opened *opened,
                     struct region *region)
{
    struct store_txn *txn;
    enum err error = store_begin(agent->setup.store, &txn);

    if (error != OK) {
        return error;
    }
    error = session_keep(txn, opened);
    if (error == OK) {
        error = handlers[slot](agent, txn, opened, region);
    }
    if (error == OK) {
        error = store_commit(txn);
    } else {
        store_abort(txn);
    }
    registry_kept(agent, error == OK);
    if (error == OK) {
        session_kept(agent, opened);
        events_tell(agent);
    } else {
        session_not_kept(agent);
    }
    events_forget(agent);
    return error;
}

/* What the reply brought is durable. */
static void taken(struct agent *agent, enum agent_slot slot)
{
    agent->askings[slot].failures = 0;
    if (slot != SLOT_SESSION) {
        agent->session_refusals = 0;
    }
    if (agent->distrust.text[0] == '\0') {
        agent->distrust.told[slot][0] = '\0'; /* should it come back, it is news */
    }
}

void agent_replied(struct agent *agent, enum agent_slot slot, enum err result, struct span bytes)
{
    struct asking *asking = &agent->askings[slot];
    struct opened opened;
    struct region region;

    asking->busy = false;
    agent->answering = slot;
    if (agent->alone == slot) {
        agent->alone = SLOT_COUNT;
    }
    if (result != OK) { /* whatever a link says of itself, it is not the store that failed */
        agent_trouble(agent, slot, result == ERR_MEMORY ? result : ERR_UNREACHABLE);
        agent_pump(agent);
        return;
    }
    agent->unreached_ms = 0;
    if (distrust_lasts(agent) && asking->kind != REQUEST_HELLO) { /* it is asked for again */
        agent_pump(agent);
        return;
    }
    agent->caught.fresh = false;
    agent->caught.authentic = false;
    agent->caught.other = span_of(NULL, 0);
    region_init(&region, AGENT_REGION_BYTES);
    bool opens = session_open(agent, slot, bytes, &region, &opened);

    rungs_heard(agent);
    if (opens) {
        enum err error = take(agent, slot, &opened, &region);

        if (error == OK) {
            taken(agent, slot);
        } else {
            agent->plain_count = slot == SLOT_FETCH ? 0 : agent->plain_count; /* not stored */
        }
        if (error != OK && error != ERR_FORGED) {
            agent_trouble(agent, slot, error);
        }
    }
    region_wipe(&region);
    if (agent->caught.fresh && agent->caught.authentic) {
        lie_keep(agent, slot, bytes);
    }
    agent_pump(agent);
}
