/* The agent's side of a session, and whether the broker is to be believed.
 *
 * Each request carries the size of the newest checkpoint that this agent keeps; each reply must
 * show a log that extends it. A log that became shorter, or another, is an alarm and nothing of the
 * reply is used. A reply that crossed with another one, so that it is about an older tree than the
 * one kept meanwhile, or about a newer one without a proof from there, is put aside, and what it
 * answered is asked again, alone: everything here may be asked twice. */
#include <string.h>

#include "agent/state.h"
#include "base/log.h"
#include "model/backoff.h"
#include "model/refusal.h"

#define ANSWER_MS        30000u /* for all but FETCH */
#define FETCH_GRACE_MS   15000u /* beyond the long poll itself */
#define STRANGER_WAIT_MS 10000u
#define REFUSED_WAIT_MS  30000u
#define NEXT_KEY_WAIT_MS 1000u
#define CHECKPOINT_KEY   "checkpoint"

/* Sessions that do not last: the first is asked for at once, the next ones ever later. */
static const struct backoff session_backoff = {.base_ms = 200, .max_ms = 30000};

/* What the reply must extend; of a log under trial, what it is tried with. */
static void known_of(const struct agent *agent, enum agent_slot slot, struct asking *asking)
{
    const struct trial *trial = &agent->trial;

    asking->about = slot != SLOT_SESSION    ? ASKING_OURS
                    : agent->links.asks     ? ASKING_LINKS
                    : agent->comparing.asks ? ASKING_COMPARING
                                            : ASKING_OURS;
    asking->known =
        (struct merkle_head){.size = agent->checkpoint.size, .root = agent->checkpoint.root};
    if (asking->about == ASKING_LINKS) {
        asking->known = agent->links.todo[agent->links.at];
    } else if (asking->about == ASKING_COMPARING) {
        asking->known = agent->comparing.head;
    } else if (trial->active) {
        memset(&asking->known, 0, sizeof(asking->known));
        if (trial->head_count > 0) {
            asking->known = trial->heads[trial->at];
        }
    }
}

enum err session_ask(struct agent *agent, enum agent_slot slot, struct request_head *head,
                     const struct span *payloads)
{
    struct asking *asking = &agent->askings[slot];
    size_t count = head->kind == REQUEST_SUBMIT ? head->submit.count
                   : head->kind == REQUEST_ACK  ? head->ack.count
                                                : 0;
    uint64_t timeout_ms =
        head->kind == REQUEST_FETCH ? head->fetch.wait_ms + FETCH_GRACE_MS : ANSWER_MS;
    struct buf encoded, request;
    enum err error;

    head->version = WIRE_VERSION;
    text_copy(head->agency, sizeof(head->agency), agent->setup.self->id);
    text_copy(head->broker, sizeof(head->broker), recovery_origin_asked(agent));
    if (head->kind != REQUEST_HELLO && head->kind != REQUEST_PING) {
        memcpy(head->session, agent->session, SESSION_BYTES);
        head->counter = agent->counter++;
    }
    head->time_ms = agent_wall_ms(agent);
    known_of(agent, slot, asking);
    head->known_size = asking->known.size;
    buf_init(&encoded, LIMIT_REQUEST_BYTES);
    buf_init(&request, LIMIT_REQUEST_BYTES);
    error = request_head_encode(head, &encoded);
    if (error == OK) {
        error = request_build(agent->setup.sign_key, span_buf(&encoded), payloads, count, &request);
    }
    if (error == OK) {
        asking->kind = head->kind;
        asking->asked_ms = agent_machine_ms(agent);
        asking->key = key_id_of(agent->setup.sign_key->public_key);
        memcpy(asking->session, head->session, SESSION_BYTES);
        asking->request_digest = request_digest(span_buf(&encoded));
        lie_remember(asking, span_buf(&encoded));
        error = agent->setup.ops->request(agent->setup.ctx, slot, span_buf(&request), timeout_ms);
    }
    asking->busy = error == OK;
    buf_free(&encoded);
    buf_free(&request);
    return error;
}

void session_ask_or_wait(struct agent *agent, struct request_head *head)
{
    enum err error = session_ask(agent, SLOT_SESSION, head, NULL);

    if (error != OK) {
        agent_trouble(agent, SLOT_SESSION, error);
    }
}

void session_greet(struct agent *agent)
{
    struct request_head head = {.kind = REQUEST_HELLO};
    struct buf note;
    enum err error = OK;

    buf_init(&note, CHECKPOINT_BYTES);
    if (!agent->trial.active) {
        error = session_note(agent, &note);
    }
    head.hello.checkpoint = span_buf(&note);
    head.hello.streams = agent->trial.active;
    text_copy(head.hello.software, sizeof(head.hello.software), agent->setup.software);
    head.hello.registry_digest = *registry_digest(agent->setup.registry);
    if (error == OK) {
        session_ask_or_wait(agent, &head);
    } else {
        agent_trouble(agent, SLOT_SESSION, error);
    }
    buf_free(&note);
}

void session_pinged(struct agent *agent, const uint8_t word[PING_BYTES])
{
    static const uint8_t none[PING_BYTES];

    if (memcmp(word, none, PING_BYTES) != 0) {
        memcpy(agent->ping, word, PING_BYTES);
        agent->pinged = true;
    }
}

/* Once: where it is lost, the broker asks again. */
void session_pong(struct agent *agent)
{
    struct request_head head = {.kind = REQUEST_PING};

    memcpy(head.ping.word, agent->ping, PING_BYTES);
    agent->pinged = false;
    session_ask_or_wait(agent, &head);
}

/* --- is it the log that we know? --- */

/* A new log must extend something that we know of the old one. */
static bool log_is_tried(struct agent *agent, const struct asking *asking,
                         const struct merkle_head *newer, const struct reply_head *head)
{
    if (asking->known.size == 0 ||
        merkle_consistency_verify(&asking->known, newer, head->consistency,
                                  head->consistency_count) == OK) {
        return true;
    }
    if (!recovery_try_next(agent)) {
        agent_alarm(agent, DISTRUST_RECOVERY,
                    "the log that the broker opened anew extends nothing that this agent has seen "
                    "up to record %llu; where its administrators confirm that their copy is older "
                    "than all of it, start once with accept-gaps",
                    (unsigned long long)asking->known.size);
    }
    return false;
}

static bool log_is_ours(struct agent *agent, const struct asking *asking,
                        const struct reply_head *head, struct checkpoint *ret_checkpoint)
{
    const struct keyring *keyring = agent->setup.keyring;
    struct merkle_head newer;
    size_t key_count;
    const uint8_t(*keys)[SIGN_PUBLIC_BYTES] = keyring_broker_keys(keyring, &key_count);

    if (head->checkpoint.len == 0) {
        memset(ret_checkpoint, 0, sizeof(*ret_checkpoint));
        if (asking->known.size != 0) {
            agent_alarm(agent, DISTRUST_LOG_BACK,
                        "the broker's log is empty; this agent has seen %llu records",
                        (unsigned long long)asking->known.size);
        }
        return asking->known.size == 0;
    }
    if (checkpoint_verify(head->checkpoint, recovery_origin_asked(agent), keys, key_count,
                          ret_checkpoint) != OK) {
        agent_alarm(agent, DISTRUST_UNPROVEN, "a checkpoint is not signed by the broker's key");
        return false;
    }
    newer = (struct merkle_head){.size = ret_checkpoint->size, .root = ret_checkpoint->root};
    if (agent->trial.active) {
        return log_is_tried(agent, asking, &newer, head);
    }
    if (ret_checkpoint->size < asking->known.size && asking->about == ASKING_COMPARING) {
        agent_alarm(agent, DISTRUST_LOG_HIDDEN,
                    "another agency was shown a log of %llu records, and this agency is shown one "
                    "of %llu",
                    (unsigned long long)asking->known.size,
                    (unsigned long long)ret_checkpoint->size);
        return false;
    }
    if (ret_checkpoint->size < asking->known.size) {
        agent_alarm(
            agent, DISTRUST_LOG_BACK, "the broker's log went back from %llu records to %llu",
            (unsigned long long)asking->known.size, (unsigned long long)ret_checkpoint->size);
        return false;
    }
    if (merkle_consistency_verify(&asking->known, &newer, head->consistency,
                                  head->consistency_count) != OK) {
        agent_alarm(agent, DISTRUST_LOG_SPLIT,
                    "the broker's log of %llu records does not extend the one seen at %llu",
                    (unsigned long long)newer.size, (unsigned long long)asking->known.size);
        return false;
    }
    return true;
}

static bool is_fork(const struct agent *agent, const struct checkpoint *seen)
{
    return seen->size == agent->checkpoint.size && seen->size != 0 &&
           !digest_equal(&seen->root, &agent->checkpoint.root);
}

/* Two replies crossed: this one is about a tree that we have gone beyond, or it proves the newer
 * tree from what we knew when we asked and not from what we know now, which may be a fork. */
static bool has_crossed(const struct agent *agent, const struct asking *asking,
                        const struct checkpoint *seen)
{
    bool older = seen->size < agent->checkpoint.size;
    bool unproven =
        seen->size > agent->checkpoint.size && asking->known.size != agent->checkpoint.size;

    return older || unproven;
}

/* --- refusals of a whole request --- */

static void wait_for(struct agent *agent, enum agent_slot slot, uint64_t wait_ms)
{
    agent->askings[slot].not_before_ms = agent_machine_ms(agent) + wait_ms;
}

/* The session is not of this run of the broker, or its counters are used up by somebody else. */
static void renew_session(struct agent *agent, enum agent_slot slot)
{
    uint32_t random;

    if (slot != SLOT_SESSION && agent->greeted &&
        memcmp(agent->askings[slot].session, agent->session, SESSION_BYTES) != 0) {
        return; /* there is a newer one already: ask again under it */
    }
    agent->greeted = false;
    if (slot == SLOT_SESSION || agent->session_refusals > 0) {
        agent->setup.ops->random(agent->setup.ctx, &random, sizeof(random));
        wait_for(agent, SLOT_SESSION,
                 backoff_ms(&session_backoff, agent->session_refusals, random));
    }
    agent->session_refusals++;
}

/* The statements come with the answer to a greeting. One log after the other without end is no
 * recovery: from the second on there are waits. */
static void take_other_log(struct agent *agent, enum agent_slot slot, const struct reply_head *head)
{
    bool again = agent->trial.active;

    if (slot != SLOT_SESSION) {
        renew_session(agent, slot);
        return;
    }
    agent->greeted = false;
    agent->trial.active = false;
    recovery_told(agent, head);
    if (again) {
        renew_session(agent, slot);
    }
}

static void take_refusal(struct agent *agent, enum agent_slot slot, const struct reply_head *head)
{
    enum refusal code = (enum refusal)head->code;

    if (slot == SLOT_ACK) {
        agent->plain_count = 0; /* they come again */
    }
    if (agent->askings[slot].kind == REQUEST_WITNESS && code == REFUSAL_FACT_INVALID) {
        agent_alarm(agent, DISTRUST_LOG_SPLIT,
                    "the broker does not know the log of %llu records that it showed",
                    (unsigned long long)agent->askings[slot].known.size);
        return;
    }
    if (slot == SLOT_BLOB && code >= REFUSAL_BLOB_SIZE && code <= REFUSAL_BLOB_UNKNOWN) {
        carry_refused(agent, code);
        return;
    }
    if (code == REFUSAL_LOG_OTHER) {
        take_other_log(agent, slot, head);
        return;
    }
    if (code == REFUSAL_SESSION || code == REFUSAL_REPLAYED) {
        renew_session(agent, slot);
        return;
    }
    if (refusal_retryable(code)) {
        log_debug("the broker says %s: asking again", refusal_name(code));
        wait_for(agent, slot, agent_retry_ms(head->retry_after_ms));
        return;
    }
    log_event(EVENT_BROKER_REFUSES, "the broker refuses this agent's requests: %s (%s)",
              refusal_name(code), refusal_hint(code));
    wait_for(agent, slot, REFUSED_WAIT_MS);
}

/* The key is not taken any more, or somebody says so: the next one is this agency's, too. Where
 * neither is taken they are tried in turns. What was asked under the old one is no reason. */
static void try_next_key(struct agent *agent, enum agent_slot slot)
{
    struct agent_setup *setup = &agent->setup;
    const struct sign_key *next = setup->sign_key_next;
    const struct key_id key = key_id_of(setup->sign_key->public_key);
    char id[2 * KEY_ID_BYTES + 1];

    if (next == NULL || memcmp(key.bytes, agent->askings[slot].key.bytes, KEY_ID_BYTES) != 0) {
        return;
    }
    setup->sign_key_next = setup->sign_key;
    setup->sign_key = next;
    agent->greeted = false;
    for (unsigned i = 0; i < SLOT_COUNT; i++) {
        agent->askings[i].not_before_ms = 0;
    }
    wait_for(agent, slot, NEXT_KEY_WAIT_MS);
    hex_encode(span_of(key.bytes, KEY_ID_BYTES), id);
    log_event(EVENT_KEY_REVOKED,
              "the key %s of this agency is not taken any more: it goes on with its next one", id);
}

/* What an authentic reply says of the log; false: nothing else of it is used. */
static bool log_fits(struct agent *agent, enum agent_slot slot, const struct reply_head *head,
                     struct opened *ret_opened)
{
    const struct asking *asking = &agent->askings[slot];

    if (asking->about == ASKING_COMPARING) {
        agent->caught.other = span_of(agent->comparing.note, agent->comparing.note_bytes);
    }
    if (!log_is_ours(agent, asking, head, &ret_opened->checkpoint)) {
        return false;
    }
    agent->caught.other = span_of(NULL, 0);
    if (ret_opened->checkpoint.size >= agent->checkpoint.size) { /* not one that was overtaken */
        registry_told(agent, head);
    }
    if (agent->trial.active) {
        ret_opened->newer = true;
        return slot == SLOT_SESSION;
    }
    if (is_fork(agent, &ret_opened->checkpoint)) {
        agent_alarm(agent, DISTRUST_LOG_SPLIT, "the broker showed two logs of %llu records",
                    (unsigned long long)agent->checkpoint.size);
        return false;
    }
    if (asking->about != ASKING_OURS) { /* its proof is all that it was asked for */
        (asking->about == ASKING_LINKS ? links_take : comparing_take)(agent, head,
                                                                      &ret_opened->checkpoint);
        return false;
    }
    if (comparing_forks(agent, &ret_opened->checkpoint)) {
        agent->caught.other = span_of(agent->comparing.note, agent->comparing.note_bytes);
        agent_alarm(agent, DISTRUST_LOG_SPLIT,
                    "another agency was shown another log of %llu records",
                    (unsigned long long)ret_opened->checkpoint.size);
        return false;
    }
    if (has_crossed(agent, asking, &ret_opened->checkpoint)) {
        agent->alone = slot == SLOT_SESSION ? agent->alone : slot;
        return false;
    }
    ret_opened->newer = ret_opened->checkpoint.size > agent->checkpoint.size;
    return true;
}

bool session_open(struct agent *agent, enum agent_slot slot, struct span bytes,
                  struct region *region, struct opened *ret_opened)
{
    const struct asking *asking = &agent->askings[slot];
    struct reply_check check = {.request_digest = asking->request_digest};
    struct reply *reply = &ret_opened->reply;
    struct fault fault = {.code = ""};
    enum err error;

    check.broker_keys = keyring_broker_keys(agent->setup.keyring, &check.broker_key_count);
    error = reply_open(bytes, &check, region, reply, &fault);
    if (error == ERR_MEMORY) { /* of this machine: the region is larger than any reply needs */
        agent_trouble(agent, slot, error);
        return false;
    }
    if (error != OK) {
        agent_alarm(agent, DISTRUST_UNSIGNED, "a reply is not the broker's: %s %s", fault.place,
                    fault.message);
        return false;
    }
    if (!reply->authentic) {
        log_event(EVENT_BROKER_REFUSES,
                  "somebody at the broker's address refuses this agent's requests: %s (%s)",
                  refusal_name((enum refusal)reply->head.code),
                  refusal_hint((enum refusal)reply->head.code));
        wait_for(agent, slot, STRANGER_WAIT_MS);
        if (reply->head.code == REFUSAL_KEY_UNKNOWN) {
            try_next_key(agent, slot);
        }
        return false;
    }
    agent->caught.authentic = true;
    if (agent->setup.laboratory) {
        agent->setup.ops->follow_laboratory(agent->setup.ctx, reply->head.laboratory_offset_ms);
    }
    agent->broker_ms = reply->head.time_ms;
    agent->clock_held = reply->head.clock_held;
    if (reply->head.code != REFUSAL_NONE) {
        take_refusal(agent, slot, &reply->head);
        return false;
    }
    return log_fits(agent, slot, &reply->head, ret_opened);
}

/* --- what a session's own replies say --- */

static void greeted(struct agent *agent, const struct reply_head *head)
{
    bool matches =
        digest_equal(&head->hello.registry_digest, registry_digest(agent->setup.registry));
    bool follows = head->registry_version > agent->setup.document.version;

    memcpy(agent->session, head->hello.session, SESSION_BYTES);
    agent->counter = head->hello.next_counter;
    agent->greeted = true;
    if (!agent->told_connected) {
        agent->told_connected = true;
        events_add(agent, "connected", NULL, NULL);
    }
    if (!matches && !follows) {
        log_event(
            EVENT_REGISTRY_DIFFERS,
            "the broker uses another registry of agencies than this agent: compare the files");
    }
    agent->registry_matches = matches;
}

/* Nothing of it is used where the broker is not believed all the same. */
static enum err hello_replied(struct agent *agent, struct store_txn *txn,
                              const struct opened *opened, struct region *region)
{
    const struct reply_head *head = &opened->reply.head;
    const bool anew = agent->trial.active;
    enum err error = anew ? recovery_accept(agent, txn, head, region) : OK;

    if (error == OK) {
        error = distrust_greeted(agent, txn, anew, &agent->welcomed);
    }
    if (error != OK || !agent->welcomed) {
        return error;
    }
    if (anew) {
        return OK; /* its places count once it is followed: the next answer names them */
    }
    return counting_told(agent, txn, &head->hello.calendar, opened->checkpoint.size);
}

enum err session_replied(struct agent *agent, struct store_txn *txn, const struct opened *opened,
                         struct region *region)
{
    const struct asking *asking = &agent->askings[SLOT_SESSION];

    if (asking->kind == REQUEST_HAND_BACK) {
        return hand_back_replied(agent, txn, opened);
    }
    if (opened->reply.head.kind != (asking->kind == REQUEST_HELLO      ? REPLY_HELLO
                                    : asking->kind == REQUEST_REGISTRY ? REPLY_REGISTRY
                                    : asking->kind == REQUEST_WITNESS  ? REPLY_WITNESS
                                                                       : REPLY_NONE)) {
        agent_alarm(agent, DISTRUST_ANSWER,
                    "the broker answered a greeting, a witness or a question for the "
                    "registry with something else");
        return ERR_FORGED;
    }
    if (asking->kind == REQUEST_REGISTRY) {
        return registry_replied(agent, txn, opened, region);
    }
    if (asking->kind == REQUEST_HELLO) {
        return hello_replied(agent, txn, opened, region);
    }
    return asking->kind == REQUEST_WITNESS ? witness_replied(agent, opened) : OK;
}

/* --- the newest checkpoint --- */

enum err session_keep(struct store_txn *txn, const struct opened *opened)
{
    if (!opened->newer) {
        return OK;
    }
    return store_put(txn, STORE_VALUE, span_text(CHECKPOINT_KEY), opened->reply.head.checkpoint);
}

void session_kept(struct agent *agent, const struct opened *opened)
{
    if (opened->newer) {
        agent->checkpoint = opened->checkpoint;
    }
    recovery_kept(agent);
    eras_kept(agent);
    if (agent->welcomed) {
        agent->welcomed = false;
        distrust_greeted_kept(agent);
        greeted(agent, &opened->reply.head);
    }
}

void session_not_kept(struct agent *agent)
{
    agent->welcomed = false;
    agent->trial.accepted = false;
    eras_not_kept(agent);
}

enum err session_note(struct agent *agent, struct buf *out)
{
    struct store_txn *read;
    struct span note;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = store_get(read, STORE_VALUE, span_text(CHECKPOINT_KEY), &note);
    if (error == OK) {
        error = buf_append(out, note.data, note.len);
    }
    store_read_end(read);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err session_load(struct agent *agent, struct fault *fault)
{
    struct store_txn *read;
    struct span note;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = store_get(read, STORE_VALUE, span_text(CHECKPOINT_KEY), &note);
    if (error == OK) {
        error = checkpoint_parse(note, &agent->checkpoint, fault);
    }
    store_read_end(read);
    if (error == OK && strcmp(agent->checkpoint.origin, agent->following.origin) != 0) {
        fault_set(fault, "agent.origin", "public-keys",
                  "this agent's store belongs to the broker %s, the public keys to %s",
                  agent->checkpoint.origin, keyring_origin(agent->setup.keyring));
        fault_hint(fault, "use the public keys of that broker, or a new store");
        return ERR_INVALID;
    }
    return error == ERR_NOT_FOUND ? OK : error;
}
