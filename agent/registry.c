/* The signed registry and its newer versions: each reply of the broker names the version in force
 * there, a newer one is asked for, verified against the root that is pinned, proved to be in the
 * log that the broker shows, and kept in the store before it counts. An older or unsigned one is
 * told once and changes nothing; one that is signed and not in the log is a lie of the broker. What
 * is replaced is kept in memory till the end, for pages borrow from it; versions are rare. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/state.h"
#include "base/log.h"
#include "wire/registry_leaf.h"

#define REGISTRY_KEY   "registry"
#define STATEMENTS_KEY "key-statements"
#define FILE_NAME      "the broker's registry"
#define STATEMENT_NAME "a statement about a key"
#define UNPROVEN       "registry.unproven"
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
    key_statements_free(&agent->registry.statements);
    key_statements_free(&agent->registry.fresh_ones);
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
    key_statements_mark(&agent->registry.statements, setup->keyring);
    setup->document = held->loaded.document;
    held->older = agent->registry.held;
    agent->registry.held = held;
    agent->registry.fault[0] = '\0';
}

/* --- signed anew --- */

#define RESIGNED_KEY_BYTES (1u + KEY_ID_BYTES)

/* All that it signed and the broker took, the receipts of deliveries left out, which nobody waits
 * for: each is sent once more, as after the loss of a log, and the broker takes the signature of
 * today where the message still waits. */
static enum err mark_signed_by(struct store_txn *txn, struct key_id key)
{
    struct row row = {.seq = 0};
    enum err error = row_next(txn, ROW_OUT, 0, &row);

    while (error == OK) {
        if (row.state == ROW_ACCEPTED && row_queue_of(&row) == ROW_SUBMITS &&
            memcmp(row.header.sender_key.bytes, key.bytes, KEY_ID_BYTES) == 0) {
            error = row_mark(txn, &row);
        }
        error = error == OK ? row_next(txn, ROW_OUT, row.seq, &row) : error;
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* Once for each key. */
static enum err resign_key(struct agent *agent, struct store_txn *txn, struct key_id key)
{
    uint8_t name[RESIGNED_KEY_BYTES] = {'k'};
    struct span there;
    enum err error;

    memcpy(name + 1, key.bytes, KEY_ID_BYTES);
    error = store_get(txn, STORE_VALUE, span_of(name, sizeof(name)), &there);
    if (error != ERR_NOT_FOUND) {
        return error;
    }
    error = mark_signed_by(txn, key);
    agent->following.confirms = true;
    agent->submits_wait = true;
    return error == OK ? store_put(txn, STORE_VALUE, span_of(name, sizeof(name)), span_text("1"))
                       : error;
}

/* Of what this agency signs with now nothing is signed anew: that takes another key first. */
static bool is_old_own(const struct agent *agent, const struct key_entry *entry)
{
    return entry->use == KEY_SIGN && key_is_revoked(entry) &&
           strcmp(entry->owner, agent->setup.self->id) == 0 &&
           memcmp(entry->public_key, agent->setup.sign_key->public_key, SIGN_PUBLIC_BYTES) != 0;
}

static enum err resign(struct agent *agent, struct store_txn *txn)
{
    enum err error = OK;

    for (size_t i = 0; error == OK && i < keyring_count(agent->setup.keyring); i++) {
        const struct key_entry *entry = keyring_entry(agent->setup.keyring, i);

        if (is_old_own(agent, entry)) {
            error = resign_key(agent, txn, entry->id);
        }
    }
    return error;
}

/* An agent that was started with its next key. */
static enum err resign_start(struct agent *agent)
{
    struct store_txn *txn;
    enum err error;

    if (agent->registry.statements.count == 0) {
        return OK;
    }
    error = store_begin(agent->setup.store, &txn);
    if (error != OK) {
        return error;
    }
    error = resign(agent, txn);
    if (error == OK) {
        return store_commit(txn);
    }
    store_abort(txn);
    return error;
}

/* --- at the start --- */

static enum err read_kept(struct agent *agent, const char *name, struct buf *text)
{
    struct store_txn *read;
    struct span kept;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = store_get(read, STORE_VALUE, span_text(name), &kept);
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

static enum err start_statements(struct agent *agent)
{
    struct key_statements *list = &agent->registry.statements;
    struct buf packed;
    enum err error;

    key_statements_init(list);
    key_statements_init(&agent->registry.fresh_ones);
    buf_init(&packed, list->packed.max);
    error = read_kept(agent, STATEMENTS_KEY, &packed);
    error = error == OK ? key_statements_load(list, span_buf(&packed)) : error;
    buf_free(&packed);
    key_statements_mark(list, agent->setup.keyring);
    return error;
}

static enum err start_document(struct agent *agent, struct fault *fault)
{
    struct held_registry *held = NULL;
    enum err error = held_new(&held);

    if (error == OK) {
        error = read_kept(agent, REGISTRY_KEY, &held->loaded.text);
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

enum err registry_start(struct agent *agent, struct fault *fault)
{
    enum err error = start_statements(agent);

    if (error == OK && agent->setup.document.version != 0) {
        error = start_document(agent, fault);
        error = error == OK ? registry_versions_start(agent) : error;
    }
    return error == OK ? resign_start(agent) : error;
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

void registry_told(struct agent *agent, const struct reply_head *head)
{
    const uint64_t version = head->registry_version;
    struct fault fault = {.code = ""};

    agent->registry.told = version;
    agent->registry.told_statements = head->key_statements;
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
    const struct following_registry *following = &agent->registry;
    const uint64_t here = agent->setup.document.version;
    bool version =
        here != 0 && (following->told > here || (following->told == here && !following->proven));

    return (version || following->told_statements > following->statements.count) &&
           now_ms >= following->ask_at_ms;
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

/* The office signed it; does the log that the broker shows in the same reply have it? One that says
 * nothing of it may be of an older release: it is refused, and no lie. */
static enum err prove(const struct opened *opened, const struct registry_document *document,
                      struct region *region, struct fault *fault)
{
    const struct reply_head *head = &opened->reply.head;
    const struct merkle_head shown = {.size = opened->checkpoint.size,
                                      .root = opened->checkpoint.root};

    if (!head->registry.has_leaf) {
        fault_set(fault, "registry.no-leaf", "registry",
                  "version %" PRIu64 " comes without the record of the broker's log that has it",
                  document->version);
        fault_hint(fault, "upgrade the broker; if it is of this release, tell its administrators");
        return ERR_FORGED;
    }
    return registry_leaf_verify(&head->registry.leaf, &shown, document, region, fault);
}

static enum err keep_proof(struct agent *agent, struct store_txn *txn,
                           const struct registry_document *document, const struct reply_head *head)
{
    agent->registry.fresh_proven = true;
    return registry_version_prove(txn, document, head);
}

/* ERR_EXISTS: it is the version in force here. */
static enum err take_document(struct agent *agent, struct store_txn *txn,
                              const struct opened *opened, struct region *region,
                              struct fault *fault)
{
    struct held_registry *held = NULL;
    enum err error = held_new(&held);

    error = error == OK ? gather(&opened->reply.head, &held->loaded.text) : error;
    error = error == OK ? read_all(&agent->setup, held, FILE_NAME, fault) : error;
    if (error == OK || error == ERR_EXISTS) {
        const enum err same = error;

        error = prove(opened, &held->loaded.document, region, fault);
        error = error == OK ? keep_proof(agent, txn, &held->loaded.document, &opened->reply.head)
                            : error;
        error = error == OK ? same : error;
    }
    if (error == OK) {
        fault->code[0] = '\0';
        error = store_put(txn, STORE_VALUE, span_text(REGISTRY_KEY), span_buf(&held->loaded.text));
    }
    if (error == OK) {
        agent->registry.fresh = held;
    } else {
        held_free(held);
    }
    return error;
}

/* --- statements about keys --- */

static bool has_statement(const struct key_statements *list, struct span text)
{
    struct recorded_statement one;
    bool found = false;

    for (size_t at = 0; !found && key_statements_next(list, &at, &one);) {
        found = span_equal(one.text, text);
    }
    return found;
}

/* Those that are here stay, whatever the broker says: a key is never un-revoked. */
static enum err copy_statements(struct agent *agent)
{
    struct recorded_statement one;
    enum err error = OK;

    key_statements_free(&agent->registry.fresh_ones);
    key_statements_init(&agent->registry.fresh_ones);
    for (size_t at = 0;
         error == OK && key_statements_next(&agent->registry.statements, &at, &one);) {
        error = key_statements_add(&agent->registry.fresh_ones, &one);
    }
    return error;
}

/* One that is not an agency's own root's is told, and the others count all the same. */
static enum err take_statement(struct agent *agent, const struct recorded_statement *one,
                               struct fault *fault)
{
    struct following_registry *following = &agent->registry;
    const struct keyring *keyring =
        following->fresh != NULL ? following->fresh->loaded.keyring : agent->setup.keyring;
    struct key_statement statement;
    enum err error;

    if (has_statement(&following->fresh_ones, one->text)) {
        return OK;
    }
    error = key_statement_open(STATEMENT_NAME, one->text, &statement, fault);
    if (error == OK) {
        error = key_statement_judge(STATEMENT_NAME, &statement, keyring, fault);
    }
    return error == OK || error == ERR_EXISTS ? key_statements_add(&following->fresh_ones, one)
                                              : ERR_FORGED;
}

/* ERR_FORGED with the fault: something of them was not taken. */
static enum err take_statements(struct agent *agent, struct store_txn *txn,
                                const struct reply_head *head, struct fault *fault)
{
    struct following_registry *following = &agent->registry;
    bool forged = false;
    enum err error = copy_statements(agent);

    for (size_t i = 0; error == OK && i < head->registry.statement_count; i++) {
        error = take_statement(agent, &head->registry.statements[i], fault);
        forged = forged || error == ERR_FORGED;
        error = error == ERR_FORGED ? OK : error;
    }
    if (error == OK && following->fresh_ones.count > following->statements.count) {
        error = store_put(txn, STORE_VALUE, span_text(STATEMENTS_KEY),
                          span_buf(&following->fresh_ones.packed));
    }
    return error == OK && forged ? ERR_FORGED : error;
}

static enum err caught(struct agent *agent, const struct fault *fault)
{
    agent_alarm(agent, DISTRUST_REGISTRY,
                "the broker answered with a registry that is not in its log: %s", fault->message);
    return ERR_FORGED;
}

enum err registry_replied(struct agent *agent, struct store_txn *txn, const struct opened *opened,
                          struct region *region)
{
    const struct reply_head *head = &opened->reply.head;
    struct fault fault = {.code = ""};
    enum err error = agent->setup.document.version != 0
                         ? take_document(agent, txn, opened, region, &fault)
                         : ERR_EXISTS;

    if (error == OK || error == ERR_EXISTS) { /* ERR_EXISTS: a reply that crossed brought it */
        error = take_statements(agent, txn, head, &fault);
    } else if (fault.code[0] != '\0' && error != ERR_MEMORY) {
        error = ERR_FORGED;
    }
    if (error == ERR_FORGED) {
        complain(agent, head->registry_version, &fault);
        error = strcmp(fault.code, UNPROVEN) == 0 ? caught(agent, &fault) : OK;
    }
    return error;
}

static void statements_kept(struct agent *agent)
{
    struct following_registry *following = &agent->registry;
    struct key_statements old = following->statements;

    if (following->fresh_ones.count <= old.count) {
        key_statements_free(&following->fresh_ones);
        return;
    }
    following->statements = following->fresh_ones;
    key_statements_init(&following->fresh_ones);
    key_statements_mark(&following->statements, agent->setup.keyring);
    log_event(EVENT_KEY_REVOKED,
              "keys that are revoked, as their agencies' roots say: %zu more, "
              "%zu in all",
              following->statements.count - old.count, following->statements.count);
    key_statements_free(&old);
}

void registry_kept(struct agent *agent, bool committed)
{
    struct held_registry *fresh = agent->registry.fresh;
    bool proven = agent->registry.fresh_proven;
    enum err error;

    agent->registry.fresh = NULL;
    agent->registry.fresh_proven = false;
    if (!committed) {
        held_free(fresh);
        key_statements_free(&agent->registry.fresh_ones);
        return;
    }
    agent->registry.proven = agent->registry.proven || proven;
    if (fresh != NULL) {
        put_in_force(agent, fresh);
        agent->registry_matches = true;
        log_event(EVENT_REGISTRY_TAKEN,
                  "version %" PRIu64 " of the registry is in force here: %zu agencies",
                  agent->setup.document.version, registry_count(agent->setup.registry));
    }
    if (agent->registry.fresh_ones.count > 0) {
        statements_kept(agent);
        error = resign_start(agent);
        if (error != OK) {
            agent_trouble(agent, SLOT_SESSION, error);
        }
    }
}

bool registry_revoked(const struct agent *agent, const char *sender, struct key_id key,
                      uint64_t leaf)
{
    for (size_t i = 0; i < keyring_count(agent->setup.keyring); i++) {
        const struct key_entry *entry = keyring_entry(agent->setup.keyring, i);

        if (memcmp(entry->id.bytes, key.bytes, KEY_ID_BYTES) == 0 &&
            strcmp(entry->owner, sender) == 0) {
            return key_is_revoked(entry) && leaf >= entry->revoked_leaf;
        }
    }
    return false;
}
