/* An agency as its agent would be: builds and signs what it sends, verifies what it gets. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/intake.h"
#include "scenario/world.h"
#include "store/audit.h"
#include "wire/sealing.h"

#define MUST(call)                                                                                 \
    do {                                                                                           \
        enum err must_error = (call);                                                              \
        if (must_error != OK) {                                                                    \
            (void)fprintf(stderr, "%s: %s\n", #call, err_text(must_error));                        \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Hands bytes to the broker as the link would, and lets it finish. */
static bool exchange(struct world *world, struct span bytes)
{
    struct intake *intake;
    struct buf refused;

    buf_clear(&world->reply);
    if (world->down) {
        return false;
    }
    world->handle++;
    buf_init(&refused, LIMIT_REQUEST_BYTES);
    if (intake_open(broker_intake(world->broker), bytes, &intake, &refused) != OK) {
        buf_free(&world->reply);
        world->reply = refused;
        return world->reply.len > 0;
    }
    buf_free(&refused);
    intake->handle = world->handle;
    intake->pipe = 1;
    broker_take(world->broker, intake);
    world_settle(world);
    return world->reply.len > 0;
}

static void open_reply(struct world *world, const struct digest *asked, struct region *region,
                       struct reply *ret_reply)
{
    struct reply_check check = {.request_digest = *asked};
    struct fault fault = {.code = ""};

    check.broker_keys = keyring_broker_keys(world->keyring, &check.broker_key_count);
    if (reply_open(span_buf(&world->reply), &check, region, ret_reply, &fault) != OK) {
        (void)fprintf(stderr, "reply: %s: %s\n", fault.place, fault.message);
        abort();
    }
    world->refusal = (enum refusal)ret_reply->head.code;
}

static bool request_once(struct world *world, struct actor *actor, struct asking *asking,
                         struct region *region, struct reply *ret_reply)
{
    struct buf bytes;
    struct digest asked;
    struct request_head *head = &asking->head;
    bool answered;

    head->version = WIRE_VERSION;
    text_copy(head->agency, sizeof(head->agency), actor->agency->id);
    text_copy(head->broker, sizeof(head->broker),
              world->down ? keyring_origin(world->keyring) : broker_origin(world->broker));
    head->time_ms = world->wall_ms;
    buf_init(&bytes, LIMIT_REQUEST_BYTES);
    MUST(request_head_encode(head, &bytes));
    asked = request_digest(span_buf(&bytes));
    buf_clear(&world->last_request);
    MUST(request_build(&actor->sign, span_buf(&bytes), asking->payloads, asking->payload_count,
                       &world->last_request));
    buf_free(&bytes);
    answered = exchange(world, span_buf(&world->last_request));
    if (answered) {
        open_reply(world, &asked, region, ret_reply);
    }
    return answered;
}

static bool greet(struct world *world, struct actor *actor)
{
    struct asking asking = {.head = {.kind = REQUEST_HELLO}};
    struct region region;
    struct reply reply;
    bool answered;

    text_copy(asking.head.hello.software, sizeof(asking.head.hello.software), "scenario");
    region_init(&region, LIMIT_PARSE_BYTES(LIMIT_REQUEST_BYTES));
    answered = request_once(world, actor, &asking, &region, &reply);
    if (answered) {
        assert(reply.authentic && reply.head.kind == REPLY_HELLO);
        memcpy(actor->session, reply.head.hello.session, SESSION_BYTES);
        actor->counter = reply.head.hello.next_counter;
    }
    region_free(&region);
    return answered;
}

bool actor_request(struct world *world, struct actor *actor, struct asking *asking,
                   struct region *region, struct reply *ret_reply)
{
    if (actor->counter == 0 && !greet(world, actor)) {
        return false;
    }
    memcpy(asking->head.session, actor->session, SESSION_BYTES);
    asking->head.counter = actor->counter++;
    return request_once(world, actor, asking, region, ret_reply);
}

bool actor_replay(struct world *world)
{
    struct region region;
    struct reply reply;
    struct request request;
    struct fault fault = {.code = ""};
    bool answered;

    region_init(&region, LIMIT_PARSE_BYTES(2 * LIMIT_REQUEST_BYTES));
    MUST(request_parse(span_buf(&world->last_request), &region, &request, &fault));
    answered = exchange(world, span_buf(&world->last_request));
    if (answered) {
        open_reply(world, &request.head_digest, &region, &reply);
    }
    region_free(&region);
    return answered;
}

/* --- messages --- */

static void add_reader(struct world *world, const char *id, struct seal_reader *readers,
                       size_t *count)
{
    const struct actor *reader = world_actor(world, id);

    assert(*count < WORLD_AGENCIES);
    if (reader != NULL) { /* a stranger has no key: the broker refuses what is sent to one */
        text_copy(readers[*count].agency, sizeof(readers[*count].agency), id);
        memcpy(readers[*count].public_key, reader->seal.public_key, SEAL_PUBLIC_BYTES);
        (*count)++;
    }
}

/* The sender, the recipient, and all who get a copy. */
static size_t readers_of(struct world *world, const struct message *message,
                         struct seal_reader readers[WORLD_AGENCIES])
{
    size_t count = 0;

    add_reader(world, message->header.recipient, readers, &count);
    add_reader(world, message->header.sender, readers, &count);
    for (size_t i = 0; i < world->actor_count; i++) {
        const struct agency *agency = world->actors[i].agency;

        if (agency_set_has(&message->copies, agency->number)) {
            add_reader(world, agency->id, readers, &count);
        }
    }
    if (world->stowaway != NULL) {
        add_reader(world, world->stowaway->agency->id, readers, &count);
    }
    return count;
}

static void seal_body(struct world *world, const struct message *message, struct span header,
                      struct buf *out)
{
    const struct body_person person = {.name = "某某"};
    const struct body_outcome outcome = {.text = "同意"};
    struct body body = {.officer = "某",
                        .circumstances = "家庭困难",
                        .reasons = "符合条件",
                        .advance_reason = "急需",
                        .opinion = "同意救助",
                        .text = "说明",
                        .told_whom = "本人",
                        .told_by = "某",
                        .persons = &person,
                        .person_count = 1,
                        .outcomes = &outcome,
                        .outcome_count = 1};
    struct seal_reader readers[WORLD_AGENCIES];
    struct seal_job job = {.header = header, .body = &body, .readers = readers};

    job.reader_count = readers_of(world, message, readers);
    text_copy(body.sender, sizeof(body.sender), message->header.sender);
    text_copy(body.recipient, sizeof(body.recipient), message->header.recipient);
    body.message_id = message->header.message_id;
    body.case_id = message->header.case_id;
    MUST(body_seal(&job, out));
}

static void encode(struct world *world, const struct message *message, struct buf *payload)
{
    struct buf header, facts, body;
    struct payload parts;

    buf_init(&header, LIMIT_HEADER_BYTES);
    buf_init(&facts, LIMIT_FACTS_BYTES);
    buf_init(&body, LIMIT_ENVELOPE_BYTES);
    MUST(header_encode(&message->header, &header));
    MUST(facts_encode(message, &facts));
    if (message->body_present) {
        seal_body(world, message, span_buf(&header), &body);
    }
    parts = (struct payload){
        .header = span_buf(&header), .facts = span_buf(&facts), .body = span_buf(&body)};
    MUST(payload_encode(&parts, payload));
    buf_free(&header);
    buf_free(&facts);
    buf_free(&body);
}

/* Keeps leaf, refusal and canonical receipt of the one message that was sent. */
static void keep_receipt(struct world *world, const struct reply *reply, struct region *region)
{
    const struct shared_receipt *shared = reply->head.submit.receipts;
    struct reply_nodes nodes = {.nodes = reply->head.submit.nodes,
                                .node_count = reply->head.submit.node_count,
                                .checkpoint = reply->head.checkpoint};
    struct receipt_facts facts;
    struct receipt receipt;
    struct fault fault = {.code = ""};

    assert(reply->head.submit.receipt_count == 1);
    if (shared->code != REFUSAL_NONE) {
        world->refusal = (enum refusal)shared->code;
        text_copy(world->detail, sizeof(world->detail), shared->detail); /* nothing was recorded */
        world->last_leaf = AUDIT_NONE;
        return;
    }
    MUST(receipt_expand(shared, &nodes, region, &receipt));
    if (receipt_verify(&receipt, world->keyring, region, &facts, &fault) != OK) {
        (void)fprintf(stderr, "receipt: %s: %s\n", fault.place, fault.message);
        abort();
    }
    world->refusal = (enum refusal)facts.record.refusal;
    text_copy(world->detail, sizeof(world->detail), facts.record.detail);
    world->last_leaf = receipt.leaf_index;
    buf_clear(&world->last_receipt);
    MUST(receipt_encode(&receipt, &world->last_receipt));
}

static void keep_sent(struct world *world, struct actor *actor, const struct uuid *message_id)
{
    struct region region;
    struct request request;
    struct buf envelope;

    region_init(&region, LIMIT_PARSE_BYTES(2 * LIMIT_REQUEST_BYTES));
    buf_init(&envelope, 2 * LIMIT_ENVELOPE_BYTES);
    MUST(request_parse(span_buf(&world->last_request), &region, &request, NULL));
    MUST(request_envelope(&request, 0, &envelope));
    actor_keep(world, actor, message_id, span_buf(&envelope), span_buf(&world->last_receipt));
    buf_free(&envelope);
    region_free(&region);
}

bool actor_send(struct world *world, struct actor *actor, struct message *message)
{
    bool acknowledging =
        message->header.kind == MESSAGE_DELIVERY || message->header.kind == MESSAGE_REJECTION;
    struct asking asking = {.head = {.kind = acknowledging ? REQUEST_ACK : REQUEST_SUBMIT},
                            .payload_count = 1};
    struct region region;
    struct reply reply;
    struct buf payload;
    struct span bytes;
    bool answered;

    world->last_kind = message->header.kind;
    message->header.version = WIRE_VERSION;
    message->header.suite = crypto_suite();
    message->header.sender_key = key_id_of(actor->sign.public_key);
    message->header.created_ms =
        message->header.created_ms != 0 ? message->header.created_ms : world->wall_ms;
    if (acknowledging) {
        asking.head.ack.count = 1;
    } else {
        asking.head.submit.count = 1;
    }
    buf_init(&payload, LIMIT_ENVELOPE_BYTES);
    encode(world, message, &payload);
    bytes = span_buf(&payload);
    asking.payloads = &bytes;
    region_init(&region, LIMIT_PARSE_BYTES(2 * LIMIT_REQUEST_BYTES));
    answered = actor_request(world, actor, &asking, &region, &reply);
    if (answered && reply.head.kind == REPLY_SUBMIT) {
        keep_receipt(world, &reply, &region);
        if (world->keeping && world->last_leaf != AUDIT_NONE) {
            keep_sent(world, actor, &message->header.message_id);
        }
    }
    region_free(&region);
    buf_free(&payload);
    return answered;
}

/* --- fetching --- */

static void keep_fetched(struct world *world, struct actor *actor, const struct held *held,
                         const struct delivery *delivery, const struct receipt *receipt)
{
    struct buf envelope, bytes;

    buf_init(&envelope, 2 * LIMIT_ENVELOPE_BYTES);
    buf_init(&bytes, LIMIT_REQUEST_BYTES);
    MUST(envelope_encode(delivery->payload, &delivery->proof, &envelope));
    MUST(receipt_encode(receipt, &bytes));
    actor_keep(world, actor, &held->header.message_id, span_buf(&envelope), span_buf(&bytes));
    buf_free(&envelope);
    buf_free(&bytes);
}

static void hold(struct world *world, struct actor *actor, const struct reply *reply,
                 const struct delivery *delivery, struct region *region)
{
    struct reply_nodes nodes = {.nodes = reply->head.fetch.nodes,
                                .node_count = reply->head.fetch.node_count,
                                .checkpoint = reply->head.checkpoint};
    struct held *held = &actor->held[actor->held_count];
    struct receipt_facts facts;
    struct receipt receipt;
    struct payload payload;
    struct fault fault = {.code = ""};
    struct digest digest;
    const struct key_entry *key;

    assert(actor->held_count < WORLD_HELD);
    MUST(payload_split(delivery->payload, &payload, &fault));
    MUST(header_decode(payload.header, region, &held->header, &fault));
    digest = message_digest(&payload);
    MUST(keyring_find(world->keyring, held->header.sender, delivery->proof.key, world->wall_ms,
                      &key));
    MUST(batch_proof_verify(&delivery->proof, &digest, key->public_key));
    MUST(delivery_expand(delivery, &held->header.message_id, &nodes, region, &receipt));
    MUST(receipt_verify(&receipt, world->keyring, region, &facts, &fault));
    assert(digest_equal(&facts.record.message_digest, &digest));
    held->position.lane = facts.record.stream.lane;
    held->position.stream_seq = facts.record.stream.seq;
    held->leaf_index = receipt.leaf_index;
    held->leaf_hash = facts.leaf_hash;
    held->again = actor_kept(actor, &held->header.message_id) != NULL &&
                  actor_kept(actor, &held->header.message_id)->done;
    actor->held_count++;
    keep_fetched(world, actor, held, delivery, &receipt);
}

size_t actor_fetch(struct world *world, struct actor *actor, uint32_t max)
{
    struct asking asking = {.head = {.kind = REQUEST_FETCH, .fetch = {.max_count = max}}};
    struct region region;
    struct reply reply;

    actor->held_count = 0;
    region_init(&region, LIMIT_PARSE_BYTES(2 * LIMIT_REQUEST_BYTES));
    if (actor_request(world, actor, &asking, &region, &reply) && reply.head.kind == REPLY_FETCH) {
        for (size_t i = 0; i < reply.head.fetch.delivery_count; i++) {
            hold(world, actor, &reply, &reply.head.fetch.deliveries[i], &region);
        }
    }
    region_free(&region);
    return actor->held_count;
}

/* The broker's own, and what comes again after a loss: its delivery receipt is recorded. */
static bool takes_position(const struct held *held)
{
    return strcmp(held->header.sender, BROKER_AGENCY) == 0 || held->again;
}

static void mark_done(struct actor *actor, const struct held *held)
{
    struct kept *kept = actor_kept(actor, &held->header.message_id);

    if (kept != NULL) {
        kept->done = true;
    }
}

static void acknowledge_plain(struct world *world, struct actor *actor)
{
    struct asking asking = {.head = {.kind = REQUEST_ACK}};
    struct request_head *head = &asking.head;
    struct position plain[WORLD_HELD];
    struct region region;
    struct reply reply;

    for (size_t i = 0; i < actor->held_count; i++) {
        if (takes_position(&actor->held[i])) {
            plain[head->ack.plain_count++] = actor->held[i].position;
        }
    }
    head->ack.plain = plain;
    if (head->ack.plain_count == 0) {
        return;
    }
    region_init(&region, LIMIT_PARSE_BYTES(2 * LIMIT_REQUEST_BYTES));
    if (actor_request(world, actor, &asking, &region, &reply)) {
        for (size_t i = 0; i < actor->held_count; i++) {
            if (takes_position(&actor->held[i])) {
                mark_done(actor, &actor->held[i]);
            }
        }
    }
    region_free(&region);
}

void actor_acknowledge(struct world *world, struct actor *actor)
{
    for (size_t i = 0; i < actor->held_count; i++) {
        const struct held *held = &actor->held[i];
        struct message message = {.header = held->header};
        uint8_t random[10];

        if (takes_position(held)) {
            continue;
        }
        crypto_random(random, sizeof(random));
        message.header.kind = MESSAGE_DELIVERY;
        message.header.message_id = uuid_v7(world->wall_ms, random);
        message.header.refers_to = held->header.message_id;
        message.header.created_ms = 0;
        text_copy(message.header.sender, sizeof(message.header.sender), actor->agency->id);
        text_copy(message.header.recipient, sizeof(message.header.recipient), held->header.sender);
        message.delivery.lane = held->position.lane;
        message.delivery.stream_seq = held->position.stream_seq;
        message.delivery.leaf_index = held->leaf_index;
        message.delivery.leaf_hash = held->leaf_hash;
        message.delivery.received_ms = world->wall_ms;
        if (actor_send(world, actor, &message)) {
            mark_done(actor, held);
        }
    }
    acknowledge_plain(world, actor);
}
