/* See fake_broker.h. Nodes of the tree are computed anew from the leaves each time: slow, and no
 * code in common with the store's tree. */
#include "fake_broker.h"

#include <stdio.h>

#include "wire/sealing.h"

#define SESSION_FILL 0x5e

/* --- the log --- */

static enum err node_cb(void *ctx, unsigned level, uint64_t index, struct digest *ret_hash)
{
    const struct tree *tree = ctx;
    uint64_t count = UINT64_C(1) << level;
    struct merkle_batch batch;
    ck_assert_uint_le((index + 1) * count, tree->size);
    struct digest *nodes = malloc(merkle_batch_nodes(count) * sizeof(*nodes));
    ck_assert_ptr_nonnull(nodes);
    memcpy(nodes, tree->leaves + index * count, count * sizeof(*nodes));
    merkle_batch_build(nodes, count, &batch);
    *ret_hash = merkle_batch_root(&batch);
    free(nodes);
    return OK;
}

static struct merkle_reader reader_of(const struct tree *tree)
{
    struct merkle_reader reader = {.get_node = node_cb};
    memcpy(&reader.ctx, &tree, sizeof(tree)); /* only read */
    return reader;
}

struct digest tree_root(const struct tree *tree, uint64_t size)
{
    struct merkle_reader reader = reader_of(tree);
    struct digest root;
    ck_assert_int_eq(merkle_root_at(&reader, size, &root), OK);
    return root;
}

static uint64_t tree_add(struct tree *tree, struct digest leaf)
{
    ck_assert_uint_lt(tree->size, FAKE_LEAVES);
    tree->leaves[tree->size] = leaf;
    return tree->size++;
}

void tree_grow(struct tree *tree, unsigned leaves)
{
    for (unsigned i = 0; i < leaves; i++) {
        uint8_t bytes[8];
        be64_put(bytes, tree->size * 7919 + 13);
        (void)tree_add(tree, merkle_leaf_hash(span_of(bytes, sizeof(bytes))));
    }
}

/* --- life --- */

void fake_open(struct fake *fake, struct desk *desk)
{
    memset(fake, 0, sizeof(*fake));
    fake->realm = desk->realm;
    fake->desk = desk;
    fake->tree = calloc(1, sizeof(*fake->tree));
    ck_assert_ptr_nonnull(fake->tree);
    fake->now_ms = DESK_START_MS;
    region_init(&fake->region, 64u * 1024u * 1024u);
    tree_grow(fake->tree, 5);
}

void fake_close(struct fake *fake)
{
    region_free(&fake->region);
    free(fake->tree);
}

/* --- replies --- */

static struct span make_note(struct fake *fake, const struct lie *lie, const struct tree *tree,
                             uint64_t size)
{
    struct checkpoint note = {.size = size, .root = tree_root(tree, size), .time_ms = fake->now_ms};
    struct buf bytes;
    text_copy(note.origin, sizeof(note.origin), lie->origin != NULL ? lie->origin : REALM_ORIGIN);
    note.root.bytes[3] ^= lie->other_root ? 1 : 0;
    buf_init(&bytes, CHECKPOINT_BYTES);
    ck_assert_int_eq(checkpoint_make(&note,
                                     lie->note_key != NULL ? lie->note_key : &fake->realm->broker,
                                     &bytes),
                     OK);
    uint8_t *kept = region_take(&fake->region, bytes.len);
    memcpy(kept, bytes.data, bytes.len);
    struct span note_bytes = span_of(kept, bytes.len);
    buf_free(&bytes);
    return note_bytes;
}

static void prove(struct fake *fake, const struct lie *lie, const struct tree *tree,
                  struct merkle_head *heads, struct reply_head *head)
{
    struct merkle_path path = {.count = 0};
    struct merkle_reader reader = reader_of(tree);
    uint64_t known = heads[0].size, size = heads[1].size;
    if (known <= size) {
        ck_assert_int_eq(merkle_consistency(&reader, known, size, &path), OK);
    }
    if (lie->proof_cut && path.count > 0) {
        path.count--;
    }
    if (lie->proof_longer) {
        path.hashes[path.count++] = tree->leaves[0];
    }
    if (lie->proof_bent && path.count > 0) {
        path.hashes[path.count - 1].bytes[9] ^= 1;
    }
    struct digest *kept = region_take(&fake->region, path.count * sizeof(*kept) + 1);
    memcpy(kept, path.hashes, path.count * sizeof(*kept));
    head->consistency = kept;
    head->consistency_count = path.count;
}

static void send(struct fake *fake, enum agent_slot slot, const struct reply_head *head,
                 const struct lie *lie)
{
    struct buf bytes, reply;
    struct batch_proof proof;
    struct sign_batch batch;
    buf_init(&bytes, LIMIT_REQUEST_BYTES);
    buf_init(&reply, LIMIT_REQUEST_BYTES);
    ck_assert_int_eq(reply_head_encode(head, &bytes), OK);
    struct digest digests[2] = {{{1}}, reply_digest(span_buf(&bytes))};
    ck_assert_int_eq(sign_batch_make(lie->reply_key != NULL ? lie->reply_key : &fake->realm->broker,
                                     digests, 2, &fake->region, &batch),
                     OK);
    ck_assert_int_eq(sign_batch_proof(&batch, 1, &fake->region, &proof), OK);
    ck_assert_int_eq(reply_encode(span_buf(&bytes), lie->no_proof ? NULL : &proof, &reply), OK);
    buf_free(&bytes);
    if (lie->garbage) {
        reply.data[reply.len / 2] ^= 0xff;
        reply.len -= 3;
    }
    fake->now_ms += 10;
    desk_reply(fake->desk, slot, span_buf(&reply));
    buf_free(&reply);
}

void fake_answer(struct fake *fake, enum agent_slot slot, struct reply_head *head,
                 const struct lie *lie)
{
    static const struct lie truth;
    const struct ask *ask = &fake->desk->asks[slot];
    lie = lie == NULL ? &truth : lie;
    const struct tree *tree = lie->tree != NULL ? lie->tree : fake->tree;
    struct merkle_head heads[2] = {{.size = ask->request.head.known_size},
                                   {.size = lie->size != 0 ? lie->size : tree->size}};
    ck_assert(ask->open);
    head->version = WIRE_VERSION;
    head->request_digest = ask->request.head_digest;
    head->request_digest.bytes[0] ^= lie->other_request ? 1 : 0;
    head->time_ms = fake->now_ms;
    head->key_statements = fake->statements;
    if (!lie->no_checkpoint && head->checkpoint.len == 0) {
        head->checkpoint = make_note(fake, lie, tree, heads[1].size);
        prove(fake, lie, tree, heads, head);
    }
    send(fake, slot, head, lie);
}

void fake_refuse(struct fake *fake, enum agent_slot slot, enum refusal code, uint32_t retry_ms)
{
    struct reply_head head = {.code = code, .retry_after_ms = retry_ms};
    fake_answer(fake, slot, &head, NULL);
}

void fake_hello(struct fake *fake, const struct lie *lie)
{
    struct reply_head head = {.kind = REPLY_HELLO};
    ck_assert_int_eq(fake->desk->asks[SLOT_SESSION].request.head.kind, REQUEST_HELLO);
    memset(head.hello.session, SESSION_FILL, SESSION_BYTES);
    head.hello.next_counter = 1;
    head.hello.registry_digest = *registry_digest(fake->realm->registry);
    fake_answer(fake, SLOT_SESSION, &head, lie);
}

void fake_settle_session(struct fake *fake)
{
    const struct ask *ask = &fake->desk->asks[SLOT_SESSION];
    for (unsigned i = 0; ask->open; i++) {
        struct reply_head head = {.kind = ask->request.head.kind == REQUEST_WITNESS ? REPLY_WITNESS
                                                                                    : REPLY_NONE};
        ck_assert_uint_lt(i, 10);
        if (ask->request.head.kind == REQUEST_HELLO) {
            fake_hello(fake, NULL);
        } else {
            fake_answer(fake, SLOT_SESSION, &head, NULL);
        }
    }
}

/* Proofs are those of the honest log, whatever was seen. */
static void fill_seen(struct fake *fake, const struct seen *seen, const struct lie *lie,
                      struct cosignature *ret)
{
    const struct tree *shown = lie->tree != NULL ? lie->tree : fake->tree;
    const struct tree *tree = seen->tree != NULL ? seen->tree : fake->tree;
    uint64_t size = lie->size != 0 ? lie->size : shown->size;
    const struct sign_key *key = &fake->realm->sign[realm_place(fake->realm, seen->agency)];
    struct checkpoint head = {.size = seen->size, .root = tree_root(tree, seen->size)};
    struct merkle_path path = {.count = 0};
    struct merkle_reader reader = reader_of(shown);
    memset(ret, 0, sizeof(*ret));
    text_copy(head.origin, sizeof(head.origin), REALM_ORIGIN);
    text_copy(ret->agency, sizeof(ret->agency), seen->agency);
    ret->seen = (struct witness){.size = head.size, .root = head.root};
    ret->seen.key = key_id_of(key->public_key);
    witness_sign(seen->key != NULL ? seen->key : key, &head, ret->seen.signature);
    ret->seen.signature[9] ^= seen->bend_signature ? 4 : 0;
    if (seen->size < size) {
        ck_assert_int_eq(merkle_consistency(&reader, seen->size, size, &path), OK);
    }
    path.count -= seen->proof_cut && path.count > 0 ? 1 : 0;
    struct digest *kept = region_take(&fake->region, path.count * sizeof(*kept) + 1);
    memcpy(kept, path.hashes, path.count * sizeof(*kept));
    ret->consistency = kept;
    ret->consistency_count = path.count;
}

void fake_witnessed(struct fake *fake, const struct seen *seen, size_t count, const struct lie *lie)
{
    static const struct lie truth;
    struct reply_head head = {.kind = REPLY_WITNESS};
    struct cosignature *list = region_take(&fake->region, (count + 1) * sizeof(*list));
    ck_assert_int_eq(fake->desk->asks[SLOT_SESSION].request.head.kind, REQUEST_WITNESS);
    for (size_t i = 0; i < count; i++) {
        fill_seen(fake, &seen[i], lie == NULL ? &truth : lie, &list[i]);
    }
    head.witness.cosignatures = list;
    head.witness.cosignature_count = count;
    fake_answer(fake, SLOT_SESSION, &head, lie);
}

void fake_nothing(struct fake *fake, const struct lie *lie)
{
    struct reply_head head = {.kind = REPLY_FETCH};
    fake_answer(fake, SLOT_FETCH, &head, lie);
}

void fake_begin(struct fake *fake)
{
    agent_connected(fake->desk->agent, true);
    fake_settle_session(fake);
    ck_assert(fake->desk->asks[SLOT_FETCH].open);
}

/* --- the leaves of messages --- */

/* The path of a leaf as indices into nodes that are given out one after the other. */
struct nodes {
    struct digest *nodes;
    size_t count;
};

static const uint32_t *add_path(struct fake *fake, struct nodes *nodes, const struct tree *tree,
                                struct merkle_place place, size_t *ret_count)
{
    struct merkle_reader reader = reader_of(tree);
    struct merkle_path path;
    ck_assert_int_eq(merkle_inclusion(&reader, place.index, place.size, &path), OK);
    uint32_t *indices = region_take(&fake->region, path.count * sizeof(*indices) + 1);
    for (size_t i = 0; i < path.count; i++) {
        indices[i] = (uint32_t)nodes->count;
        nodes->nodes[nodes->count++] = path.hashes[i];
    }
    *ret_count = path.count;
    return indices;
}

static struct nodes nodes_for(struct fake *fake, size_t leaves)
{
    struct nodes nodes = {.count = 0};
    nodes.nodes = region_take(&fake->region, leaves * MERKLE_LEVELS * sizeof(struct digest) + 1);
    ck_assert_ptr_nonnull(nodes.nodes);
    return nodes;
}

void fake_slip(struct fake *fake, enum agent_slot slot, size_t index, struct slip *ret_slip)
{
    const struct request *request = &fake->desk->asks[slot].request;
    struct message_header header;
    struct slip slip = {.record = {.version = 1, .kind = LEAF_MESSAGE, .at_ms = fake->now_ms}};
    ck_assert_uint_lt(index, request->message_count);
    ck_assert_int_eq(
        header_decode(request->messages[index].payload.header, &fake->region, &header, NULL), OK);
    text_copy(slip.record.actor, sizeof(slip.record.actor), header.sender);
    text_copy(slip.record.recipient, sizeof(slip.record.recipient), header.recipient);
    slip.record.message_id = header.message_id;
    slip.record.message_digest = request->messages[index].digest;
    slip.record.message_kind = header.kind;
    slip.record.case_id = header.case_id;
    slip.record.referral_id = header.referral_id;
    memset(slip.salt, 0x5a, SALT_BYTES);
    buf_init(&slip.bytes, LIMIT_HEADER_BYTES);
    *ret_slip = slip;
}

static void write_slip(struct fake *fake, struct slip *slip)
{
    ck_assert_int_eq(leaf_record_encode(&slip->record, &slip->bytes), OK);
    slip->leaf = tree_add(fake->tree, leaf_hash(slip->salt, span_buf(&slip->bytes)));
    if (slip->bend_record) { /* shown is another record than that in the tree */
        slip->record.at_ms += 1;
        buf_clear(&slip->bytes);
        ck_assert_int_eq(leaf_record_encode(&slip->record, &slip->bytes), OK);
    }
}

static void fill_shared(const struct slip *slip, struct shared_receipt *shared)
{
    shared->message_id = slip->record.message_id;
    if (slip->of_nobody) {
        memset(&shared->message_id, 0x77, UUID_BYTES);
    }
    shared->leaf_index = slip->leaf + slip->index_shift;
    shared->record = span_buf(&slip->bytes);
    memcpy(shared->salt, slip->salt, SALT_BYTES);
    shared->salt[0] ^= slip->bend_salt ? 1 : 0;
}

void fake_receipts(struct fake *fake, enum agent_slot slot, struct slip *slips, size_t count,
                   const struct lie *lie)
{
    struct reply_head head = {.kind = REPLY_SUBMIT};
    struct shared_receipt *receipts =
        region_take(&fake->region, count * sizeof(struct shared_receipt) + 1);
    struct nodes nodes = nodes_for(fake, count);
    for (size_t i = 0; i < count; i++) {
        if (slips[i].code == 0) {
            write_slip(fake, &slips[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct slip *slip = &slips[i];
        struct merkle_place place = {.index = slip->leaf, .size = fake->tree->size};
        if (slip->code != 0) {
            receipts[i].message_id = slip->record.message_id;
            receipts[i].code = slip->code;
            receipts[i].retry_after_ms = slip->retry_ms;
            text_copy(receipts[i].detail, sizeof(receipts[i].detail),
                      slip->detail != NULL ? slip->detail : "");
            continue;
        }
        fill_shared(slip, &receipts[i]);
        receipts[i].path = add_path(fake, &nodes, fake->tree, place, &receipts[i].path_count);
        receipts[i].path_count -= slip->short_path ? 1 : 0;
        nodes.nodes[nodes.count - 1].bytes[0] ^= slip->bend_path ? 1 : 0;
    }
    head.submit.receipts = receipts;
    head.submit.receipt_count = count;
    head.submit.nodes = nodes.nodes;
    head.submit.node_count = nodes.count;
    fake_answer(fake, slot, &head, lie);
    for (size_t i = 0; i < count; i++) {
        buf_free(&slips[i].bytes);
    }
}

size_t fake_accept(struct fake *fake, enum agent_slot slot)
{
    size_t count = fake->desk->asks[slot].request.message_count;
    struct slip *slips = calloc(count + 1, sizeof(*slips)); /* too large for the stack */
    ck_assert(slips != NULL && fake->desk->asks[slot].open);
    for (size_t i = 0; i < count; i++) {
        fake_slip(fake, slot, i, &slips[i]);
    }
    fake_receipts(fake, slot, slips, count, NULL);
    free(slips);
    return count;
}

/* --- deliveries --- */

static struct uuid id_of(unsigned kind, unsigned number)
{
    uint8_t random[10] = {[6] = (uint8_t)kind};
    random[8] = (uint8_t)(number >> 8);
    random[9] = (uint8_t)number;
    return uuid_v7(DESK_START_MS, random);
}

static void fill_notice(struct message *message)
{
    message->header.kind = MESSAGE_REMINDER;
    text_copy(message->notice.rung, sizeof(message->notice.rung), "reminder");
    message->notice.window = 1;
    message->notice.roles = ROLE_LIAISON;
    text_copy(message->notice.responsible, sizeof(message->notice.responsible), "procuratorate");
}

static void fill_referral(struct parcel *parcel)
{
    struct message *message = &parcel->message;
    message->header.kind = MESSAGE_INBOUND_REFERRAL;
    message->body_fields = BODY_PERSONS | BODY_CIRCUMSTANCES | BODY_REASONS | BODY_OFFICER;
    message->referral = (struct referral_facts){.ground = 401, .relation = 1, .person_count = 1};
    message->body_present = true;
    parcel->with_body = true;
    parcel->person = (struct body_person){.name = "PERSON-NAME"};
    parcel->body.officer = "officer";
    parcel->body.circumstances = "SECRET-TEXT";
    parcel->body.reasons = "r";
}

void fake_parcel(struct fake *fake, const char *sender, struct parcel *ret_parcel)
{
    struct parcel *parcel = ret_parcel;
    struct message_header *header = &parcel->message.header;
    const struct agency *self = registry_at(fake->realm->registry, fake->desk->place);
    bool brokers = strcmp(sender, "broker") == 0;
    memset(parcel, 0, sizeof(*parcel));
    if (brokers) {
        fill_notice(&parcel->message);
        parcel->signer = &fake->realm->broker;
    } else {
        fill_referral(parcel);
        parcel->signer = &fake->realm->sign[realm_place(fake->realm, sender)];
    }
    fake->made++;
    header->version = WIRE_VERSION;
    header->suite = crypto_suite();
    header->message_id = id_of(1, fake->made);
    header->case_id = id_of(2, fake->made);
    header->referral_id = id_of(3, fake->made);
    header->created_ms = fake->now_ms;
    header->sender_key = key_id_of(parcel->signer->public_key);
    text_copy(header->sender, sizeof(header->sender), sender);
    text_copy(header->recipient, sizeof(header->recipient), self->id);
    (void)snprintf(header->case_number, sizeof(header->case_number), "JY-2026-%04u", fake->made);
    (void)snprintf(header->referral_number, sizeof(header->referral_number), "JY-2026-%04u-01",
                   fake->made);
    parcel->record = (struct leaf_record){.version = 1,
                                          .kind = LEAF_MESSAGE,
                                          .at_ms = fake->now_ms,
                                          .message_id = header->message_id,
                                          .message_kind = header->kind,
                                          .has_stream = true,
                                          .stream = {.lane = 2}};
    text_copy(parcel->record.actor, sizeof(parcel->record.actor), sender);
    text_copy(parcel->record.recipient, sizeof(parcel->record.recipient), self->id);
    buf_init(&parcel->payload, LIMIT_ENVELOPE_BYTES);
    buf_init(&parcel->record_bytes, LIMIT_HEADER_BYTES);
}

void fake_forward(struct fake *fake, const struct request_message *sent, struct parcel *ret_parcel)
{
    struct message_header *header = &ret_parcel->message.header;
    memset(ret_parcel, 0, sizeof(*ret_parcel));
    ck_assert_int_eq(header_decode(sent->payload.header, &fake->region, header, NULL), OK);
    ret_parcel->signer = &fake->realm->sign[realm_place(fake->realm, header->sender)];
    ret_parcel->record = (struct leaf_record){.version = 1,
                                              .kind = LEAF_MESSAGE,
                                              .at_ms = fake->now_ms,
                                              .message_id = header->message_id,
                                              .message_kind = header->kind,
                                              .has_stream = true,
                                              .stream = {.lane = 2}};
    memcpy(ret_parcel->record.actor, header->sender, sizeof(header->sender));
    memcpy(ret_parcel->record.recipient, header->recipient, sizeof(header->recipient));
    buf_init(&ret_parcel->payload, LIMIT_ENVELOPE_BYTES);
    buf_init(&ret_parcel->record_bytes, LIMIT_HEADER_BYTES);
    ck_assert_int_eq(buf_append(&ret_parcel->payload, sent->bytes.data, sent->bytes.len), OK);
}

static void seal(struct fake *fake, struct parcel *parcel, struct span header, struct buf *out)
{
    struct seal_reader readers[2];
    const size_t places[] = {fake->desk->place,
                             realm_place(fake->realm, parcel->message.header.sender)};
    struct body *body = &parcel->body;
    for (size_t i = 0; i < 2; i++) {
        text_copy(readers[i].agency, sizeof(readers[i].agency),
                  registry_at(fake->realm->registry, places[i])->id);
        memcpy(readers[i].public_key, fake->realm->seal[places[i]].public_key, SEAL_PUBLIC_BYTES);
    }
    memcpy(body->sender, parcel->message.header.sender, sizeof(body->sender));
    memcpy(body->recipient, parcel->message.header.recipient, sizeof(body->recipient));
    body->message_id = parcel->message.header.message_id;
    body->case_id = parcel->message.header.case_id;
    if (body->persons == NULL) {
        body->persons = &parcel->person;
        body->person_count = 1;
    }
    const struct seal_job job = {
        .header = header, .body = body, .readers = readers, .reader_count = 2};
    ck_assert_int_eq(body_seal(&job, out), OK);
}

static void write_payload(struct fake *fake, struct parcel *parcel)
{
    struct buf header, facts, body;
    buf_init(&header, LIMIT_HEADER_BYTES);
    buf_init(&facts, LIMIT_FACTS_BYTES);
    buf_init(&body, LIMIT_ENVELOPE_BYTES);
    ck_assert_int_eq(header_encode(&parcel->message.header, &header), OK);
    ck_assert_int_eq(facts_encode(&parcel->message, &facts), OK);
    if (parcel->with_body) {
        seal(fake, parcel, span_buf(&header), &body);
    }
    struct payload payload = {span_buf(&header), span_buf(&facts), span_buf(&body)};
    ck_assert_int_eq(payload_encode(&payload, &parcel->payload), OK);
    buf_free(&header);
    buf_free(&facts);
    buf_free(&body);
}

static void sign_parcel(struct fake *fake, struct parcel *parcel)
{
    struct payload payload;
    struct sign_batch batch;
    ck_assert_int_eq(payload_split(span_buf(&parcel->payload), &payload, NULL), OK);
    struct digest digests[2] = {{{9}}, message_digest(&payload)};
    ck_assert_int_eq(sign_batch_make(parcel->signer, digests, 2, &fake->region, &batch), OK);
    ck_assert_int_eq(sign_batch_proof(&batch, 1, &fake->region, &parcel->proof), OK);
    parcel->proof.signature[5] ^= parcel->bend_signature ? 1 : 0;
    if (!parcel->own_digest) {
        parcel->record.message_digest = digests[1];
    }
}

static void write_parcel(struct fake *fake, struct parcel *parcel)
{
    static const uint8_t salt[SALT_BYTES] = {0x33};
    uint32_t lane = parcel->record.stream.lane;
    if (parcel->payload.len == 0) {
        write_payload(fake, parcel);
    }
    sign_parcel(fake, parcel);
    if (!parcel->own_stream) {
        parcel->record.stream.seq = ++fake->streams[lane];
        parcel->record.stream.previous = fake->stream_hashes[lane];
    }
    ck_assert_int_eq(leaf_record_encode(&parcel->record, &parcel->record_bytes), OK);
    parcel->hash = leaf_hash(salt, span_buf(&parcel->record_bytes));
    parcel->leaf = tree_add(fake->tree, parcel->hash);
    if (!parcel->own_stream) {
        fake->stream_hashes[lane] = parcel->hash;
    }
    if (parcel->bend_payload) {
        parcel->payload.data[parcel->payload.len - 1] ^= 1;
    }
    parcel->written = true;
}

void fake_deliver(struct fake *fake, struct parcel *parcels, size_t count, const struct lie *lie)
{
    struct reply_head head = {.kind = REPLY_FETCH};
    struct delivery *deliveries = region_take(&fake->region, count * sizeof(struct delivery) + 1);
    struct nodes nodes = nodes_for(fake, count);
    for (size_t i = 0; i < count; i++) {
        if (!parcels[i].written) {
            write_parcel(fake, &parcels[i]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        struct delivery *delivery = &deliveries[i];
        uint64_t size = lie != NULL && lie->size != 0 ? lie->size : fake->tree->size;
        struct merkle_place place = {.index = parcels[i].leaf, .size = size};
        delivery->hold = parcels[i].hold;
        delivery->payload = span_buf(&parcels[i].payload);
        delivery->proof = parcels[i].proof;
        delivery->leaf_index = parcels[i].leaf + parcels[i].index_shift;
        delivery->record = span_buf(&parcels[i].record_bytes);
        delivery->salt[0] = 0x33;
        delivery->path = add_path(fake, &nodes, fake->tree, place, &delivery->path_count);
        nodes.nodes[nodes.count - 1].bytes[0] ^= parcels[i].bend_path ? 1 : 0;
    }
    head.fetch.deliveries = deliveries;
    head.fetch.delivery_count = count;
    head.fetch.nodes = nodes.nodes;
    head.fetch.node_count = nodes.count;
    fake_answer(fake, SLOT_FETCH, &head, lie);
}

void parcel_free(struct parcel *parcel)
{
    buf_free(&parcel->payload);
    buf_free(&parcel->record_bytes);
}

/* --- alarms --- */

void fake_end_hooks(struct fake *fake)
{
    struct desk *desk = fake->desk;
    while (desk->hook_runs) {
        desk_hook_end(desk, true);
    }
}

unsigned fake_asked(const struct fake *fake)
{
    unsigned count = 0;
    for (size_t slot = 0; slot < SLOT_COUNT; slot++) {
        count += fake->desk->asked[slot];
    }
    return count;
}

struct belief fake_belief(struct fake *fake)
{
    struct desk *desk = fake->desk;
    fake_end_hooks(fake);
    buf_clear(&desk->events);
    buf_clear(&desk->hooks);
    return (struct belief){.stored = desk_digest(desk), .known = desk->agent->checkpoint.size};
}

void fake_mend(struct fake *fake)
{
    fake_settle_session(fake);
    if (absent_at(desk_must(fake->desk, "{'cmd':'status'}"), "distrust")) {
        return;
    }
    desk_must(fake->desk, "{'cmd':'distrust-clear','reason':'mended'}");
    fake_settle_session(fake);
}

void fake_expect_alarm(struct fake *fake, const struct belief *before, const char *name,
                       const char *text)
{
    struct desk *desk = fake->desk;
    struct digest stored = desk_digest(desk);
    ck_assert_msg(strstr(desk_alarm(desk), text) != NULL, "%s: alarm \"%s\"", name,
                  desk_alarm(desk));
    ck_assert_msg(digest_equal(&stored, &before->stored), "%s: the store changed", name);
    ck_assert_uint_eq(desk->agent->checkpoint.size, before->known);
    ck_assert_msg(events_of(desk, "alarm") == 1, "%s: %zu events", name, events_of(desk, "alarm"));
    fake_end_hooks(fake);
    ck_assert_uint_eq(count_in(&desk->hooks, "\"event\":\"alarm\""), 1);
    for (size_t slot = 0; slot < SLOT_COUNT; slot++) {
        if (desk->asks[slot].open) {
            desk_fail(desk, (enum agent_slot)slot, ERR_CLOSED);
        }
    }
    unsigned asked = fake_asked(fake);
    desk_pass(desk, 29999);
    ck_assert_msg(fake_asked(fake) == asked, "%s: asks a broker that it does not believe", name);
    desk_pass(desk, 1);
    ck_assert(desk->asks[SLOT_SESSION].open);
    ck_assert_int_eq(desk->asks[SLOT_SESSION].request.head.kind, REQUEST_HELLO);
}
