/* The signed registry and its newer versions: each reply of the broker names the version in force
 * there, a newer one is asked for, verified against the root that is pinned, and kept in the store
 * before it counts. An older or unsigned one is told once and changes nothing. What is replaced is
 * kept in memory till the end, for pages borrow from it; versions are rare. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/state.h"
#include "base/log.h"

#define REGISTRY_KEY   "registry"
#define FILE_NAME      "the broker's registry"
#define REFUSED_ASK_MS 60000u

static void held_free(struct held_registry *held)
{
    if (held != NULL) {
        policy_free(held->policy);
        registry_loaded_free(&held->loaded);
        free(held->deferred_ms);
        free(held);
    }
}

void registry_end(struct agent *agent)
{
    held_free(agent->registry.fresh);
    while (agent->registry.held != NULL) {
        struct held_registry *older = agent->registry.held->older;

        held_free(agent->registry.held);
        agent->registry.held = older;
    }
}

/* --- judging --- */

/* Is it of this agency, of this broker, and nothing of what was in force is missing? */
static enum err judge(const struct agent_setup *setup, const struct held_registry *held,
                      const char *name, struct fault *fault)
{
    enum err error = registry_follows(setup->registry, held->loaded.registry, name, fault);

    if (error == OK) {
        error = keyring_follows(setup->keyring, held->loaded.keyring, name, fault);
    }
    if (error == OK &&
        strcmp(keyring_origin(setup->keyring), keyring_origin(held->loaded.keyring)) != 0) {
        fault_set(fault, "registry.origin", name, "is of the broker %s, not of %s",
                  keyring_origin(held->loaded.keyring), keyring_origin(setup->keyring));
        return ERR_REFUSED;
    }
    return error;
}

/* Reads what `held->loaded.text` has. The policy names agencies, so it is read with them. */
static enum err read_all(const struct agent_setup *setup, struct held_registry *held,
                         const char *name, struct fault *fault)
{
    struct registry_loaded *loaded = &held->loaded;
    enum err error = registry_document_open(name, span_buf(&loaded->text), &setup->document.root,
                                            &loaded->document, fault);

    if (error == OK) {
        error = registry_document_follows(&setup->document, &loaded->document, name, fault);
    }
    if (error == OK) {
        error = registry_document_read(name, &loaded->document, &loaded->registry, &loaded->keyring,
                                       fault);
    }
    if (error == OK) {
        error = judge(setup, held, name, fault);
    }
    if (error == OK) {
        error = policy_read("policy", setup->policy_text, loaded->registry, &held->policy, fault);
    }
    if (error == OK) {
        held->deferred_ms = calloc(registry_count(loaded->registry), sizeof(*held->deferred_ms));
        error = held->deferred_ms == NULL ? ERR_MEMORY : OK;
    }
    return error;
}

static enum err held_new(struct held_registry **ret_held)
{
    struct held_registry *held = calloc(1, sizeof(*held));

    if (held == NULL) {
        return ERR_MEMORY;
    }
    registry_loaded_init(&held->loaded);
    *ret_held = held;
    return OK;
}

/* --- in force --- */

static void move_deferrals(struct agent *agent, struct held_registry *held)
{
    const struct registry *before = agent->setup.registry, *after = held->loaded.registry;

    for (size_t i = 0; agent->deferred_ms != NULL && i < registry_count(after); i++) {
        const struct agency *old = registry_by_number(before, registry_at(after, i)->number);

        if (old != NULL) {
            held->deferred_ms[i] = agent->deferred_ms[old - registry_at(before, 0)];
        }
    }
    free(agent->deferred_ms);
    agent->deferred_ms = held->deferred_ms;
    held->deferred_ms = NULL;
}

static void put_in_force(struct agent *agent, struct held_registry *held)
{
    struct agent_setup *setup = &agent->setup;

    move_deferrals(agent, held);
    setup->self = registry_find(held->loaded.registry, setup->self->id);
    setup->registry = held->loaded.registry;
    setup->policy = held->policy;
    setup->keyring = held->loaded.keyring;
    setup->document = held->loaded.document;
    held->older = agent->registry.held;
    agent->registry.held = held;
    agent->registry.fault[0] = '\0';
}

/* --- at the start --- */

static enum err read_kept(struct agent *agent, struct buf *text)
{
    struct store_txn *read;
    struct span kept;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = store_get(read, STORE_VALUE, span_text(REGISTRY_KEY), &kept);
    if (error == OK) {
        error = buf_append(text, kept.data, kept.len);
    }
    store_read_end(read);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* The file may be as new as what is kept, or newer: then it counts. */
static bool is_newer(const struct agent_setup *setup, const struct held_registry *held)
{
    struct registry_document kept;

    return registry_document_open(FILE_NAME, span_buf(&held->loaded.text), &setup->document.root,
                                  &kept, NULL) != OK ||
           kept.version > setup->document.version;
}

enum err registry_start(struct agent *agent, struct fault *fault)
{
    struct held_registry *held = NULL;
    enum err error;

    if (agent->setup.document.version == 0) {
        return OK;
    }
    error = held_new(&held);
    if (error == OK) {
        error = read_kept(agent, &held->loaded.text);
    }
    if (error != OK || held->loaded.text.len == 0 || !is_newer(&agent->setup, held)) {
        held_free(held);
        return error;
    }
    error = read_all(&agent->setup, held, "the registry in the store", fault);
    if (error == OK) {
        put_in_force(agent, held);
    } else {
        held_free(held);
    }
    return error;
}

/* --- while running --- */

static void complain(struct agent *agent, uint64_t version, const struct fault *fault)
{
    struct following_registry *following = &agent->registry;

    following->ask_at_ms = agent_machine_ms(agent) + REFUSED_ASK_MS;
    if (following->refused == version && following->fault[0] != '\0') {
        return; /* told already */
    }
    following->refused = version;
    (void)snprintf(following->fault, sizeof(following->fault), "%s: %s", fault->place,
                   fault->message);
    log_event(EVENT_REGISTRY_REFUSED,
              "%s (%s): the registry of version %" PRIu64 " stays in force (%s)", following->fault,
              fault->code, agent->setup.document.version, fault->hint);
}

void registry_told(struct agent *agent, uint64_t version)
{
    struct fault fault = {.code = ""};

    agent->registry.told = version;
    if (version >= agent->setup.document.version) {
        return;
    }
    if (version == 0) {
        fault_set(&fault, "registry.unsigned", FILE_NAME, "is not signed");
    } else {
        fault_set(&fault, "registry.older", FILE_NAME, "is version %" PRIu64, version);
    }
    fault_hint(&fault, "ask the administrators of the broker why it works by an older one");
    complain(agent, version, &fault);
}

bool registry_waits(const struct agent *agent, uint64_t now_ms)
{
    return agent->setup.document.version != 0 &&
           agent->registry.told > agent->setup.document.version &&
           now_ms >= agent->registry.ask_at_ms;
}

void registry_ask(struct agent *agent)
{
    struct request_head head = {.kind = REQUEST_REGISTRY};
    enum err error = session_ask(agent, SLOT_SESSION, &head, NULL);

    if (error != OK) {
        agent_trouble(agent, SLOT_SESSION, error);
    }
}

static enum err gather(const struct reply_head *head, struct buf *text)
{
    const struct span pieces[] = {head->registry.statement, head->registry.registry,
                                  head->registry.keys};
    enum err error = OK;

    for (size_t i = 0; error == OK && i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        error = buf_append(text, pieces[i].data, pieces[i].len);
    }
    return error;
}

enum err registry_replied(struct agent *agent, struct store_txn *txn, const struct reply_head *head)
{
    struct fault fault = {.code = ""};
    struct held_registry *held = NULL;
    enum err error = held_new(&held);

    error = error == OK ? gather(head, &held->loaded.text) : error;
    if (error != OK) {
        held_free(held);
        return error;
    }
    error = read_all(&agent->setup, held, FILE_NAME, &fault);
    if (error == OK) {
        error = store_put(txn, STORE_VALUE, span_text(REGISTRY_KEY), span_buf(&held->loaded.text));
        if (error == OK) {
            agent->registry.fresh = held;
            return OK;
        }
        held_free(held);
        return error;
    }
    held_free(held);
    if (error == ERR_MEMORY) {
        return error;
    }
    if (error != ERR_EXISTS) { /* a reply that crossed brought it already */
        complain(agent, head->registry_version, &fault);
    }
    return OK;
}

void registry_kept(struct agent *agent, bool committed)
{
    struct held_registry *fresh = agent->registry.fresh;

    agent->registry.fresh = NULL;
    if (fresh == NULL || !committed) {
        held_free(fresh);
        return;
    }
    put_in_force(agent, fresh);
    agent->registry_matches = true;
    log_event(EVENT_REGISTRY_TAKEN,
              "version %" PRIu64 " of the registry is in force here: %zu agencies",
              agent->setup.document.version, registry_count(agent->setup.registry));
}
