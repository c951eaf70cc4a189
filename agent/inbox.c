/* The inbox: what the broker delivers is checked in full, stored, and only then acknowledged.
 *
 * Sender's signature, place in the log, place in the stream (nothing left out, nothing twice), then
 * the body. A body that does not open or breaks the rules is answered by a signed rejection. What
 * speaks against the broker itself is an alarm, and nothing of that fetch is kept. */
#include <inttypes.h>
#include <string.h>

#include "agent/arrival.h"
#include "base/log.h"
#include "model/backoff.h"
#include "model/check.h"
#include "model/lanes.h"
#include "model/vocabulary.h"
#include "wire/receipt.h"
#include "wire/sealing.h"
#include "wire/body_rest.h"

/* An honest broker answers before anything came when it has a newer registry or asks for a sign of
 * life: now and then, never so often in a row. */
#define EARLY_MS   1000u
#define EARLY_FREE 8u
static const struct backoff early_backoff = {.base_ms = 200, .max_ms = 10000};

void inbox_fetch(struct agent *agent)
{
    struct request_head head = {.kind = REQUEST_FETCH};
    enum err error;

    head.fetch.max_count = LIMIT_FETCH_COUNT;
    head.fetch.registry_mark = agent->registry.told + agent->registry.told_statements;
    head.fetch.wait_ms = agent->alone != SLOT_FETCH ? rungs_fetch_wait_ms(agent) : 0;
    agent->fetching.waits = head.fetch.wait_ms >= EARLY_MS;
    error = session_ask(agent, SLOT_FETCH, &head, NULL);
    if (error != OK) {
        agent_trouble(agent, SLOT_FETCH, error);
    }
}

/* Nothing new, and at once, again and again: a broker that is broken or hostile is asked ever more
 * rarely. */
static void keep_pace(struct agent *agent)
{
    struct fetching *fetching = &agent->fetching;
    struct asking *asking = &agent->askings[SLOT_FETCH];
    const uint64_t now_ms = agent_machine_ms(agent);
    uint32_t random;

    if (fetching->brought || now_ms >= asking->asked_ms + EARLY_MS) {
        fetching->idle = 0;
        return;
    }
    fetching->idle += fetching->waits;
    if (fetching->idle > EARLY_FREE) {
        agent->setup.ops->random(agent->setup.ctx, &random, sizeof(random));
        asking->not_before_ms =
            now_ms + backoff_ms(&early_backoff, fetching->idle - EARLY_FREE, random);
    }
}

/* ERR_MEMORY is the environment's; everything else is the broker's. */
static enum err blame(struct arrival *arrival, enum err error, const char *what)
{
    return error == OK || error == ERR_MEMORY ? error : arrival_distrust(arrival, what);
}

/* --- is it what its sender signed, and what the log has? --- */

static enum err check_sender(struct arrival *arrival)
{
    const struct message_header *header = &arrival->message.header;
    const struct keyring *keyring = arrival->agent->setup.keyring;
    const struct key_id id = arrival->delivery->proof.key;
    bool brokers = strcmp(header->sender, BROKER_AGENCY) == 0;
    const struct key_entry *key;
    enum err error = keyring_find_past(keyring, header->sender, id,
                                       recovery_counts_ms(&arrival->facts.record), &key);

    if (error != OK) { /* handed back, and signed anew */
        error = keyring_find_past(keyring, header->sender, id, arrival->facts.record.at_ms, &key);
    }

    if (error != OK &&
        registry_revoked(arrival->agent, header->sender, header->sender_key, KEY_NOT_REVOKED)) {
        error = keyring_find(keyring, header->sender, id, agent_wall_ms(arrival->agent), &key);
    } /* signed anew, by a key of today */
    if (error != OK || key->use != KEY_SIGN) {
        return arrival_doubt(arrival, DISTRUST_UNPROVEN,
                             "its signing key is not in this agent's public keys");
    }
    if (registry_revoked(arrival->agent, header->sender, id, arrival->delivery->leaf_index)) {
        return arrival_distrust(arrival, "its signing key was revoked before it was recorded");
    }
    if (batch_proof_verify(&arrival->delivery->proof, &arrival->digest, key->public_key) != OK) {
        return arrival_distrust(arrival, "its signature is not the sender's");
    }
    if (brokers != message_kind_from_broker(header->kind)) {
        return arrival_distrust(arrival, "its kind is not one that its sender may sign");
    }
    if (header->kind == MESSAGE_DELIVERY || header->kind == MESSAGE_REJECTION) {
        return arrival_distrust(arrival, "it is a receipt, which nobody is sent");
    }
    return OK;
}

static enum err check_record(struct arrival *arrival)
{
    const struct leaf_record *record = &arrival->facts.record;
    const struct message_header *header = &arrival->message.header;
    const char *self = arrival->agent->setup.self->id;

    if (record->kind != LEAF_MESSAGE || !digest_equal(&record->message_digest, &arrival->digest) ||
        strcmp(record->actor, header->sender) != 0) {
        return arrival_distrust(arrival, "the log has another message there");
    }
    if (strcmp(record->recipient, self) != 0 || !record->has_stream) {
        return arrival_distrust(arrival, "it is not for this agency");
    }
    return OK;
}

/* Its recipient, or one of those who get a copy, which the facts say where they can be read. */
static enum err check_addressee(struct arrival *arrival)
{
    const struct agency *self = arrival->agent->setup.self;

    if (strcmp(arrival->message.header.recipient, self->id) != 0 && arrival->decoded &&
        !agency_set_has(&arrival->message.copies, self->number)) {
        return arrival_distrust(arrival, "it is not for this agency");
    }
    return OK;
}

static enum err verify(struct arrival *arrival)
{
    const struct reply_nodes nodes = {.nodes = arrival->head->fetch.nodes,
                                      .node_count = arrival->head->fetch.node_count,
                                      .checkpoint = arrival->head->checkpoint};
    struct message_header *header = &arrival->message.header;
    enum err error = payload_split(arrival->delivery->payload, &arrival->payload, NULL);

    if (error == OK) {
        error = header_decode(arrival->payload.header, arrival->region, header, NULL);
    }
    if (error != OK) {
        return blame(arrival, error, "it has no readable header");
    }
    arrival->digest = message_digest(&arrival->payload);
    error = delivery_expand(arrival->delivery, &header->message_id, &nodes, arrival->region,
                            &arrival->receipt);
    if (error == OK) {
        error = receipt_verify(&arrival->receipt, arrival->agent->setup.keyring, arrival->region,
                               &arrival->facts, NULL);
    }
    if (error != OK) {
        return blame(arrival, error, "the log does not prove it");
    }
    if (!recovery_has(arrival->agent, &arrival->facts.checkpoint)) {
        return arrival_distrust(arrival, "its receipt is of another log");
    }
    error = check_record(arrival);
    return error == OK ? check_sender(arrival) : error;
}

/* --- what a new log shows again --- */

/* The very message that we have, and at the time that we have. */
static enum err check_same(struct arrival *arrival, const struct row *known)
{
    const struct leaf_record *record = &arrival->facts.record;
    struct batch_proof proof;
    struct payload parts;
    struct digest digest;
    struct span envelope, payload;
    enum err error = row_payload(arrival->txn, known, &envelope);

    if (error == OK) {
        error = envelope_decode(envelope, arrival->region, &payload, &proof, NULL);
    }
    if (error == OK) {
        error = payload_split(payload, &parts, NULL);
    }
    if (error != OK) {
        return error;
    }
    digest = message_digest_at_rest(&parts);
    if (!digest_equal(&digest, &arrival->digest)) {
        return arrival_distrust(arrival, "the new log has another message under its id");
    }
    if (!message_kind_from_broker(known->header.kind) &&
        recovery_counts_ms(record) != known->recorded_ms) {
        return arrival_distrust(arrival, "the new log has another time for it than our receipt");
    }
    return OK;
}

/* Our receipt of it is in the log, or it wants none. */
static enum err acknowledge_shown(struct arrival *arrival, const struct row *known)
{
    struct agent *agent = arrival->agent;
    struct row receipt = {.state = ROW_ACCEPTED};
    enum err error =
        known->receipt_seq != 0 ? row_get(arrival->txn, ROW_OUT, known->receipt_seq, &receipt) : OK;

    if (error == OK && receipt.state == ROW_ACCEPTED) {
        agent->plain[agent->plain_count++] = known->position;
    } else if (error == OK) {
        agent->receipts_wait = true; /* it goes first; then this comes again */
    }
    return error;
}

/* The row has its place in the new log; what was done with it stays done. */
static enum err take_shown(struct arrival *arrival, struct row *known)
{
    struct buf bytes;
    enum err error = check_same(arrival, known);

    if (error != OK) {
        return error;
    }
    buf_init(&bytes, AGENT_REGION_BYTES);
    error = receipt_encode(&arrival->receipt, &bytes);
    if (error == OK) {
        error = row_supersede_receipt(arrival->txn, known, span_buf(&bytes));
    }
    buf_free(&bytes);
    known->log = arrival->agent->following.log;
    known->leaf_index = arrival->receipt.leaf_index;
    known->checkpoint_size = arrival->facts.checkpoint.size;
    known->leaf_hash = arrival->facts.leaf_hash;
    known->position.lane = arrival->facts.record.stream.lane;
    known->position.stream_seq = arrival->facts.record.stream.seq;
    if (error == OK) {
        error = row_update(arrival->txn, known);
    }
    if (error == OK) {
        error = row_put_position(arrival->txn, known);
    }
    if (error == OK) {
        error = row_unmark(arrival->txn, known->seq);
    }
    if (error == OK) {
        error = arrival_save_stream(arrival);
    }
    return error == OK ? acknowledge_shown(arrival, known) : error;
}

/* --- a notice that was made anew, of what we were told before --- */

/* The same receipt of a delivery; it may have been signed anew since. */
static bool same_evidence(struct region *region, struct span a, struct span b)
{
    struct batch_proof proof;
    struct span first, second;

    return span_equal(a, b) ||
           (envelope_decode(a, region, &first, &proof, NULL) == OK &&
            envelope_decode(b, region, &second, &proof, NULL) == OK && span_equal(first, second));
}

static bool tells_the_same(struct region *region, const struct message *a, const struct message *b)
{
    return a->notice.task == b->notice.task && a->notice.window == b->notice.window &&
           strcmp(a->notice.rung, b->notice.rung) == 0 &&
           strcmp(a->notice.document_number, b->notice.document_number) == 0 &&
           a->notice.due_before_ms == b->notice.due_before_ms &&
           same_evidence(region, a->notice.evidence, b->notice.evidence);
}

/* Among those that the new log has not shown. ERR_NOT_FOUND */
static enum err find_told(struct arrival *arrival, struct row *ret_row)
{
    const struct message_header *header = &arrival->message.header;
    struct row row = {.seq = 0};
    enum err error = OK;

    while (error == OK) {
        bool marked = false;

        error = row_of_referral(arrival->txn, &header->referral_id, row.seq, &row);
        if (error == OK && row.direction == ROW_IN && row.header.kind == header->kind) {
            error = row_is_marked(arrival->txn, row.seq, &marked);
        }
        if (error == OK && marked) {
            struct payload payload;
            struct message told;

            error = show_open_row(arrival->txn, &row, arrival->region, &payload, &told);
            if (error == OK && tells_the_same(arrival->region, &told, &arrival->message)) {
                *ret_row = row;
                return OK;
            }
        }
    }
    return error;
}

/* The broker made a notice anew because ours came late: nobody is told twice. The row keeps the
 * notice that it has, and its receipt. */
static enum err take_told(struct arrival *arrival, bool *ret_told)
{
    struct agent *agent = arrival->agent;
    struct row row;
    enum err error = OK;

    *ret_told = false;
    if (agent->following.past_count == 0 || !arrival->decoded) {
        return OK;
    }
    error = find_told(arrival, &row);
    if (error != OK) {
        return error == ERR_NOT_FOUND ? OK : error;
    }
    *ret_told = true;
    row.leaf_hash = arrival->facts.leaf_hash;
    row.position.lane = arrival->facts.record.stream.lane;
    row.position.stream_seq = arrival->facts.record.stream.seq;
    error = row_update(arrival->txn, &row);
    if (error == OK) {
        error = row_put_position(arrival->txn, &row);
    }
    if (error == OK) {
        error = row_unmark(arrival->txn, row.seq);
    }
    if (error == OK) {
        error = arrival_save_stream(arrival);
    }
    agent->plain[agent->plain_count++] = row.position;
    return error;
}

/* What was erased is not marked, since it cannot be handed back; its sender can, and a new log
 * shows it then (recovery.c). */
static enum err was_erased_before(struct arrival *arrival, const struct row *known, bool *ret_was)
{
    enum row_body body = ROW_BODY_NONE;
    enum err error = row_body(arrival->txn, known, &body);

    *ret_was = error == OK && body == ROW_BODY_ERASED && known->log < arrival->agent->following.log;
    return error;
}

/* A message has one place; recorded a second time it would look like a new one. But a new log shows
 * again what the lost one had behind the place where the two part. */
static enum err check_once(struct arrival *arrival, bool *ret_new)
{
    const struct message_header *header = &arrival->message.header;
    bool marked = false;
    struct row known;
    enum err error = row_received_from(arrival->txn, header->sender, &header->message_id, &known);

    if (error == OK) {
        error = row_is_marked(arrival->txn, known.seq, &marked);
        if (error != OK) {
            return error;
        }
        *ret_new = false;
        /* or it waited in the copy, and has the place that it had */
        marked = marked || digest_equal(&known.leaf_hash, &arrival->facts.leaf_hash);
        if (!marked) {
            error = was_erased_before(arrival, &known, &marked);
        }
        if (error != OK) {
            return error;
        }
        return marked ? take_shown(arrival, &known)
                      : arrival_distrust(arrival, "it came before, at another place");
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* --- the body --- */

static void reject(struct arrival *arrival, uint32_t reason, const char *field)
{
    arrival->row.state = ROW_REJECTED;
    arrival->row.code = reason;
    text_copy(arrival->row.detail, sizeof(arrival->row.detail), field);
}

/* Only the path of a detail goes into a rejection: "facts.ground: is no ground" -> "facts.ground".
 */
static void reject_at(struct arrival *arrival, uint32_t reason, const char *detail)
{
    char path[LIMIT_DETAIL_BYTES];

    text_copy(path, sizeof(path), detail);
    path[strcspn(path, ": ")] = '\0';
    reject(arrival, reason, path);
}

static enum err read_body(struct arrival *arrival)
{
    struct agent *agent = arrival->agent;
    const struct check_context check = {.policy = agent->setup.policy,
                                        .registry = agent->setup.registry};
    struct check_result result;
    struct fault fault = {.code = ""};
    struct body body;
    enum err error = message_decode(&arrival->payload, arrival->region, &arrival->message, &fault);

    arrival->decoded = error == OK;
    if (error != OK) {
        reject(arrival, REJECTION_UNREADABLE, fault.place);
        return error == ERR_MEMORY ? error : OK;
    }
    if (!arrival->message.body_present) {
        reject(arrival, REJECTION_MISSING, "body");
        return OK;
    }
    error =
        body_key(&arrival->payload, agent->setup.seal_key, arrival->region, arrival->content_key);
    if (error == OK) {
        error = body_open_by_key(&arrival->payload, arrival->content_key, arrival->region, &body,
                                 &fault);
        arrival->has_key = error == OK;
    } else if (error != ERR_MEMORY) { /* says where it does not */
        error = body_open(&arrival->payload, agent->setup.seal_key, arrival->region, &body, &fault);
    }
    if (error == ERR_MEMORY) {
        return error;
    }
    if (error != OK) {
        reject(arrival, REJECTION_UNREADABLE, fault.place);
        return OK;
    }
    message_check(&check, &arrival->message, &body, &result);
    arrival->body = body;
    if (result.rejection != 0) {
        reject_at(arrival, result.rejection, result.detail);
    } else if (result.refusal != REFUSAL_NONE) {
        log_event(EVENT_POLICY_DIFFERS,
                  "the broker took %s of %s, which this agent's policy would refuse (%s): compare "
                  "the policy files",
                  message_kind_name(arrival->message.header.kind),
                  arrival->message.header.referral_number, result.detail);
    }
    return OK;
}

/* --- our signed receipt --- */

static void fill_receipt(struct arrival *arrival, struct message *receipt)
{
    struct agent *agent = arrival->agent;
    const struct message_header *about = &arrival->message.header;
    bool rejected = arrival->row.state == ROW_REJECTED;

    memset(receipt, 0, sizeof(*receipt));
    receipt->header = *about;
    receipt->header.version = WIRE_VERSION;
    receipt->header.suite = crypto_suite();
    receipt->header.kind = rejected ? MESSAGE_REJECTION : MESSAGE_DELIVERY;
    receipt->header.message_id = agent_new_id(agent);
    receipt->header.refers_to = about->message_id;
    receipt->header.created_ms = arrival->row.at_ms;
    receipt->header.sender_key = key_id_of(agent->setup.sign_key->public_key);
    text_copy(receipt->header.sender, sizeof(receipt->header.sender), agent->setup.self->id);
    text_copy(receipt->header.recipient, sizeof(receipt->header.recipient), about->sender);
    receipt->delivery.lane = arrival->row.position.lane;
    receipt->delivery.stream_seq = arrival->row.position.stream_seq;
    receipt->delivery.leaf_index = arrival->row.leaf_index;
    receipt->delivery.leaf_hash = arrival->row.leaf_hash;
    if (rejected) {
        receipt->delivery.reason = arrival->row.code;
        text_copy(receipt->delivery.field, sizeof(receipt->delivery.field), arrival->row.detail);
    } else {
        receipt->delivery.received_ms = arrival->row.at_ms;
    }
}

static enum err add_receipt(struct arrival *arrival)
{
    struct message receipt;
    struct row row = {.direction = ROW_OUT, .state = ROW_WAITING, .at_ms = arrival->row.at_ms};
    struct buf payload;
    enum err error = row_next_seq(arrival->txn, &row.seq);

    if (error != OK) {
        return error;
    }
    fill_receipt(arrival, &receipt);
    row.header = receipt.header;
    buf_init(&payload, LIMIT_ENVELOPE_BYTES);
    error = compose_payload(arrival->agent, &receipt, NULL, &payload, NULL);
    if (error == OK) {
        error = row_add(arrival->txn, &row, span_buf(&payload));
    }
    buf_free(&payload);
    arrival->row.receipt_seq = row.seq;
    arrival->agent->receipts_wait = true;
    return error;
}

/* --- into the store --- */

static enum err add_row(struct arrival *arrival)
{
    struct buf bytes;
    enum err error;

    buf_init(&bytes, AGENT_REGION_BYTES);
    error = envelope_encode(arrival->delivery->payload, &arrival->delivery->proof, &bytes);
    if (error == OK) {
        error = row_add(arrival->txn, &arrival->row, span_buf(&bytes));
    }
    if (error == OK && arrival->has_key) {
        error = row_put_content_key(arrival->txn, &arrival->row, arrival->content_key);
    }
    buf_clear(&bytes);
    if (error == OK) {
        error = receipt_encode(&arrival->receipt, &bytes);
    }
    if (error == OK) {
        error = row_put_receipt(arrival->txn, arrival->row.seq, span_buf(&bytes));
    }
    buf_free(&bytes);
    return error;
}

static enum err follow(struct arrival *arrival)
{
    const struct agency *sender =
        registry_find(arrival->agent->setup.registry, arrival->message.header.sender);
    const struct copy_input input = {.message = &arrival->message,
                                     .signer = sender != NULL ? sender->number : 0,
                                     .at_ms = arrival->row.recorded_ms,
                                     .order = arrival->row.order,
                                     .received = true,
                                     .lane = arrival->row.position.lane};
    bool brokers = message_kind_from_broker(arrival->message.header.kind);

    if (!arrival->decoded || (!brokers && sender == NULL) ||
        recovery_left_out(&arrival->facts.record)) {
        return OK;
    }
    return copy_follow(arrival->agent, arrival->txn, &input);
}

static void tell(struct arrival *arrival)
{
    struct row_extra extra = {.rung = ""};

    if (arrival->decoded) {
        show_extra_of(&arrival->message, &extra);
    }
    events_add(arrival->agent, row_state_name(arrival->row.state), &arrival->row, &extra);
}

static enum err store(struct arrival *arrival)
{
    bool brokers = message_kind_from_broker(arrival->message.header.kind);
    bool plain = brokers || recovery_left_out(&arrival->facts.record); /* nothing runs for it */
    enum err error = plain ? OK : add_receipt(arrival);

    if (error == OK) {
        error = row_next_seq(arrival->txn, &arrival->row.seq);
    }
    if (error == OK) {
        error = add_row(arrival);
    }
    if (error == OK && arrival->row.state == ROW_RECEIVED && !brokers) {
        error = carry_expect(arrival->agent, arrival->txn, arrival->row.seq, &arrival->message,
                             &arrival->body);
    }
    if (error == OK) {
        error = arrival_save_stream(arrival);
    }
    if (error == OK && brokers && arrival->decoded) {
        error =
            rungs_arrived(arrival->agent, arrival->txn, &arrival->message, &arrival->facts.record);
    }
    if (error == OK) {
        error = follow(arrival);
    }
    if (error == OK && brokers && arrival->decoded) {
        error = agenda_follow(arrival->agent, arrival->txn, &arrival->message);
    }
    if (error == OK) {
        error = notify_add(arrival->agent, arrival->txn, &arrival->row,
                           arrival->decoded ? &arrival->message : NULL);
    }
    if (error != OK) {
        return error;
    }
    if (plain) {
        arrival->agent->plain[arrival->agent->plain_count++] = arrival->row.position;
    }
    tell(arrival);
    return OK;
}

/* A notice of the broker has no body; it was signed by the broker, so it must be readable. */
static enum err read_notice(struct arrival *arrival)
{
    enum err error = message_decode(&arrival->payload, arrival->region, &arrival->message, NULL);

    arrival->decoded = error == OK;
    return error == OK || error == ERR_MEMORY
               ? error
               : arrival_doubt(arrival, DISTRUST_ANSWER, "the broker's own notice cannot be read");
}

static enum err take(struct arrival *arrival)
{
    bool is_new = false, told = false;
    enum err error = arrival->delivery->hold < HOLD_COUNT
                         ? verify(arrival)
                         : arrival_doubt(arrival, DISTRUST_ANSWER, "how it is held cannot be read");

    if (error == OK) {
        error = arrival_check_stream(arrival, &is_new);
    }
    if (error == OK && is_new && arrival->delivery->hold == HOLD_HELD) {
        return arrival_hold(arrival); /* a new log may hold what is here: others wait behind it */
    }
    if (error == OK && is_new) {
        error = check_once(arrival, &is_new);
    }
    if (error != OK || !is_new) {
        return error;
    }
    error = arrival_check_held(arrival);
    if (error != OK) {
        return error;
    }
    arrival->row.direction = ROW_IN;
    arrival->row.state = ROW_RECEIVED;
    arrival->row.at_ms = agent_wall_ms(arrival->agent);
    arrival->row.recorded_ms = recovery_counts_ms(&arrival->facts.record);
    arrival->row.leaf_index = arrival->receipt.leaf_index;
    arrival->row.log = arrival->agent->following.log;
    arrival->row.order =
        recovery_order(arrival->agent, &arrival->facts.record, arrival->receipt.leaf_index);
    arrival->row.checkpoint_size = arrival->facts.checkpoint.size;
    arrival->row.position.lane = arrival->facts.record.stream.lane;
    arrival->row.position.stream_seq = arrival->facts.record.stream.seq;
    arrival->row.leaf_hash = arrival->facts.leaf_hash;
    arrival->row.header = arrival->message.header;
    error = message_kind_from_broker(arrival->message.header.kind) ? read_notice(arrival)
                                                                   : read_body(arrival);
    if (recovery_left_out(&arrival->facts.record) && arrival->row.state == ROW_RECEIVED) {
        arrival->row.code = arrival->facts.record.recovered.code;
    }
    if (error == OK) {
        error = check_addressee(arrival);
    }
    if (error == OK && message_kind_from_broker(arrival->message.header.kind)) {
        error = take_told(arrival, &told);
    }
    return error == OK && !told ? store(arrival) : error;
}

/* Each message in a region of its own: what one sender's body grows to is not another's loss, and
 * the opened body is gone before the next one. */
static enum err take_one(struct agent *agent, struct store_txn *txn, const struct reply_head *head,
                         const struct delivery *delivery)
{
    struct region region;
    struct arrival arrival = {
        .agent = agent, .txn = txn, .region = &region, .head = head, .delivery = delivery};
    enum err error;

    region_init(&region, AGENT_REGION_BYTES);
    error = take(&arrival);
    region_wipe(&region);
    crypto_wipe(arrival.content_key, sizeof(arrival.content_key));
    return error;
}

enum err inbox_replied(struct agent *agent, struct store_txn *txn, const struct opened *opened,
                       struct region *region)
{
    const struct reply_head *head = &opened->reply.head;
    enum err error = OK;

    (void)region;
    if (head->kind != REPLY_FETCH || head->fetch.delivery_count > LIMIT_FETCH_COUNT) {
        agent_alarm(agent, DISTRUST_ANSWER, "the broker answered a fetch with something else");
        return ERR_FORGED;
    }
    session_pinged(agent, head->fetch.ping);
    agent->fetching.brought = false;
    agent->plain_count = 0;
    error = counting_told(agent, txn, &head->fetch.calendar, opened->checkpoint.size);
    for (size_t i = 0; error == OK && i < head->fetch.delivery_count; i++) {
        error = take_one(agent, txn, head, &head->fetch.deliveries[i]);
    }
    if (error == OK) {
        error = rungs_fetched(agent, txn, head);
    }
    if (error != OK) {
        agent->plain_count = 0;
    }
    keep_pace(agent);
    return error;
}
