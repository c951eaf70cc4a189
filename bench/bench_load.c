/* How: see bench_load.h. A referral is one that the rules accept without a remark, with a body of
 * the smallest padding class, about 1,700 bytes with its proof. */
#include "bench_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "model/refusal.h"
#include "wire/receipt.h"
#include "wire/sealing.h"

#define TIMEOUT_MS  60000u
#define MATERIALS   5u /* the mandatory ones of Art. 7 */
#define GROUND      401u
#define EAST_8_S    28800
#define PARSE_BYTES LIMIT_PARSE_BYTES(2 * LIMIT_REQUEST_BYTES)

static uint64_t now_ms(void)
{
    struct timespec at;
    (void)clock_gettime(CLOCK_REALTIME, &at);
    return (uint64_t)at.tv_sec * 1000u + (uint64_t)at.tv_nsec / 1000000u;
}

static struct uuid new_id(void)
{
    uint8_t random[10];
    crypto_random(random, sizeof(random));
    return uuid_v7(now_ms(), random);
}

/* --- messages --- */

static const struct city_agency *agency_named(const struct city *city, const char *id)
{
    size_t i = 0;
    while (i + 1 < city->agency_count && strcmp(city->agencies[i].agency->id, id) != 0) {
        i++;
    }
    return &city->agencies[i];
}

static void seal(struct load *load, const struct message *message, struct span header,
                 struct buf *out)
{
    const struct body_person person = {.name = "某某"};
    struct body body = {.officer = "某",
                        .circumstances = "家庭困难",
                        .reasons = "符合条件",
                        .persons = &person,
                        .person_count = 1,
                        .message_id = message->header.message_id,
                        .case_id = message->header.case_id};
    struct seal_reader readers[2];
    struct seal_job job = {.header = header, .body = &body, .readers = readers, .reader_count = 2};
    const char *const ids[2] = {message->header.recipient, message->header.sender};
    text_copy(body.sender, sizeof(body.sender), message->header.sender);
    text_copy(body.recipient, sizeof(body.recipient), message->header.recipient);
    for (size_t i = 0; i < 2; i++) {
        text_copy(readers[i].agency, sizeof(readers[i].agency), ids[i]);
        memcpy(readers[i].public_key, agency_named(load->city, ids[i])->seal.public_key,
               SEAL_PUBLIC_BYTES);
    }
    city_need(load->city, body_seal(&job, out), "seal");
}

void load_encode(struct load *load, const struct message *message, struct load_message *ret_message)
{
    struct buf header, facts, body;
    buf_init(&header, LIMIT_HEADER_BYTES);
    buf_init(&facts, LIMIT_FACTS_BYTES);
    buf_init(&body, LIMIT_ENVELOPE_BYTES);
    buf_init(&ret_message->payload, LIMIT_ENVELOPE_BYTES);
    city_need(load->city, header_encode(&message->header, &header), "header");
    city_need(load->city, facts_encode(message, &facts), "facts");
    if (message->body_present) {
        seal(load, message, span_buf(&header), &body);
    }
    struct payload parts = {
        .header = span_buf(&header), .facts = span_buf(&facts), .body = span_buf(&body)};
    city_need(load->city, payload_encode(&parts, &ret_message->payload), "payload");
    ret_message->id = message->header.message_id;
    ret_message->digest = message_digest(&parts);
    buf_free(&header);
    buf_free(&facts);
    buf_free(&body);
}

static void fill_header(const struct city_agency *from, const struct agency *to, size_t number,
                        struct message_header *header)
{
    time_t local = time(NULL) + EAST_8_S;
    struct tm day;
    (void)gmtime_r(&local, &day);
    header->version = WIRE_VERSION;
    header->suite = crypto_suite();
    header->message_id = new_id();
    header->case_id = new_id();
    header->referral_id = new_id();
    header->sender_key = key_id_of(from->sign.public_key);
    header->created_ms = now_ms();
    text_copy(header->sender, sizeof(header->sender), from->agency->id);
    text_copy(header->recipient, sizeof(header->recipient), to->id);
    struct number counted = {
        .kind = NUMBER_CASE, .year = (uint32_t)day.tm_year + 1900u, .counter = (uint32_t)number};
    text_copy(counted.prefix, sizeof(counted.prefix), from->agency->prefix);
    number_format(&counted, header->case_number);
    counted.kind = NUMBER_REFERRAL;
    counted.suffix = 1;
    number_format(&counted, header->referral_number);
}

void load_answer_header(const struct city_agency *own, struct message_header *header)
{
    header->refers_to = header->message_id;
    header->message_id = new_id();
    header->sender_key = key_id_of(own->sign.public_key);
    header->created_ms = now_ms();
    text_copy(header->recipient, sizeof(header->recipient), header->sender);
    text_copy(header->sender, sizeof(header->sender), own->agency->id);
}

static void prepare_one(struct load *load, const struct city_agency *from, size_t number,
                        struct load_message *ret_message)
{
    const struct city *city = load->city;
    bool outbound = from->agency->class == CLASS_PROCURATORATE;
    struct material materials[MATERIALS];
    struct message message = {.body_present = true,
                              .body_fields =
                                  BODY_OFFICER | BODY_PERSONS | BODY_CIRCUMSTANCES | BODY_REASONS};
    size_t place = outbound ? number % city->agency_count : 0;
    while ((city->agencies[place].agency->class == CLASS_PROCURATORATE) == outbound) {
        place = (place + 1) % city->agency_count;
    }
    fill_header(from, city->agencies[place].agency, number, &message.header);
    message.header.kind = outbound ? MESSAGE_OUTBOUND_REFERRAL : MESSAGE_INBOUND_REFERRAL;
    message.referral.ground = GROUND;
    message.referral.person_count = 1;
    message.referral.lead_channel = 1;
    message.referral.relation = outbound ? 0 : 1;
    memset(materials, 0, sizeof(materials));
    for (uint32_t i = 0; i < MATERIALS; i++) {
        materials[i].kind = i + 1;
        materials[i].missing_reason = 1; /* nothing is attached: a load of messages alone */
    }
    message.referral.materials = materials;
    message.referral.material_count = outbound ? MATERIALS : 0;
    load_encode(load, &message, ret_message);
}

void load_prepare(struct load *load, const struct city_agency *agency, size_t count)
{
    load->messages =
        reallocarray(load->messages, load->message_count + count, sizeof(*load->messages));
    if (load->messages == NULL) {
        city_need(load->city, ERR_MEMORY, "messages");
    }
    for (size_t i = 0; i < count; i++) {
        prepare_one(load, agency, i + 1, &load->messages[load->message_count + i]);
    }
    load->message_count += count;
}

void load_free(struct load *load)
{
    for (size_t i = 0; i < load->message_count; i++) {
        buf_free(&load->messages[i].payload);
    }
    free(load->messages);
}

/* --- requests --- */

void load_sign(struct load *load, struct load_request *request, struct request_head *head)
{
    struct city_agency *own = request->agency;
    struct span payloads[LIMIT_BATCH_COUNT];
    struct buf bytes;
    head->version = WIRE_VERSION;
    head->time_ms = now_ms();
    if (head->kind != REQUEST_HELLO) {
        memcpy(head->session, own->session, SESSION_BYTES);
        head->counter = own->counter++;
    }
    text_copy(head->agency, sizeof(head->agency), own->agency->id);
    text_copy(head->broker, sizeof(head->broker), keyring_origin(load->city->keyring));
    for (size_t i = 0; i < request->message_count; i++) {
        payloads[i] = span_buf(&request->messages[i].payload);
    }
    buf_init(&bytes, LIMIT_REQUEST_BYTES);
    buf_init(&request->bytes, LIMIT_REQUEST_BYTES);
    buf_init(&request->reply, 2 * LIMIT_REQUEST_BYTES);
    city_need(load->city, request_head_encode(head, &bytes), "head");
    request->load = load;
    request->head_digest = request_digest(span_buf(&bytes));
    city_need(load->city,
              request_build(&own->sign, span_buf(&bytes), payloads, request->message_count,
                            &request->bytes),
              "request");
    buf_free(&bytes);
}

void load_submission(struct load *load, struct load_request *request)
{
    struct request_head head = {.kind = REQUEST_SUBMIT,
                                .submit.count = (uint32_t)request->message_count};
    load_sign(load, request, &head);
}

static void answered_cb(void *ctx, enum err result, struct span reply)
{
    struct load_request *request = ctx;
    struct city *city = request->load->city;
    request->answered_at = bench_seconds();
    city_need(city, result, "request");
    city_need(city, buf_append(&request->reply, reply.data, reply.len), "reply");
    request->load->open--;
    if (request->done != NULL) {
        request->done(request, request->ctx);
    }
}

void load_send(struct load_request *request, struct link_client *link)
{
    request->load->open++;
    request->sent_at = bench_seconds();
    city_need(
        request->load->city,
        link_client_request(link, span_buf(&request->bytes), TIMEOUT_MS, answered_cb, request),
        "send");
}

void load_request_free(struct load_request *request)
{
    buf_free(&request->bytes);
    buf_free(&request->reply);
}

void load_greet(struct load *load)
{
    struct city *city = load->city;
    for (size_t i = 0; i < city->agency_count; i++) {
        struct city_agency *own = &city->agencies[i];
        struct load_request request = {.agency = own};
        struct request_head head = {.kind = REQUEST_HELLO};
        struct region region;
        struct reply reply;
        text_copy(head.hello.software, sizeof(head.hello.software), "bench");
        load_sign(load, &request, &head);
        load_send(&request, own->link);
        while (load->open > 0) {
            city_turn(city);
        }
        region_init(&region, PARSE_BYTES);
        load_open(load, &request, REPLY_HELLO, &region, &reply);
        memcpy(own->session, reply.head.hello.session, SESSION_BYTES);
        own->counter = reply.head.hello.next_counter;
        region_free(&region);
        load_request_free(&request);
    }
}

/* --- replies --- */

void load_open(struct load *load, const struct load_request *request, enum reply_kind kind,
               struct region *region, struct reply *ret_reply)
{
    struct reply_check check = {.request_digest = request->head_digest};
    struct fault fault = {.code = ""};
    check.broker_keys = keyring_broker_keys(load->city->keyring, &check.broker_key_count);
    enum err error = reply_open(span_buf(&request->reply), &check, region, ret_reply, &fault);
    if (error != OK) {
        log_error("reply: %s: %s %s", err_text(error), fault.place, fault.message);
        city_abandon(load->city, EXIT_FAILURE);
    }
    if (!ret_reply->authentic || ret_reply->head.code != REFUSAL_NONE ||
        ret_reply->head.kind != kind) {
        log_error("the broker refused a request with code %u %s", ret_reply->head.code,
                  ret_reply->head.detail);
        city_abandon(load->city, EXIT_FAILURE);
    }
}

/* Remembers the root of a checkpoint, so that its signature is verified once. */
static void trust(struct load *load, struct span note)
{
    struct checkpoint checkpoint;
    size_t count;
    const uint8_t(*keys)[SIGN_PUBLIC_BYTES] = keyring_broker_keys(load->city->keyring, &count);
    if (span_equal(note, span_of(load->note, load->note_bytes))) {
        return;
    }
    city_need(
        load->city,
        checkpoint_verify(note, keyring_origin(load->city->keyring), keys, count, &checkpoint),
        "checkpoint");
    memcpy(load->note, note.data, note.len); /* a note has at most CHECKPOINT_BYTES */
    load->note_bytes = note.len;
    load->root = checkpoint.root;
    load->root_size = checkpoint.size;
}

/* The leaf lies under its checkpoint, and records this message as accepted. */
static void judge_leaf(struct load *load, const struct receipt *receipt,
                       const struct load_message *message)
{
    struct digest leaf = leaf_hash(receipt->salt, receipt->record);
    struct merkle_place place = {.index = receipt->leaf_index};
    struct leaf_record record;
    struct digest root;
    struct region region;
    struct fault fault = {.code = ""};
    trust(load, receipt->checkpoint);
    place.size = load->root_size;
    city_need(load->city,
              merkle_inclusion_root(&leaf, place, receipt->path, receipt->path_count, &root),
              "inclusion");
    region_init(&region, PARSE_BYTES);
    city_need(load->city, leaf_record_decode(receipt->record, &region, &record, &fault), "record");
    if (!digest_equal(&root, &load->root) || record.kind != LEAF_MESSAGE ||
        record.refusal != REFUSAL_NONE || !uuid_equal(&record.message_id, &message->id) ||
        !digest_equal(&record.message_digest, &message->digest)) {
        log_error("a message was not accepted: leaf kind %u, refusal %u %s", record.kind,
                  record.refusal, record.detail);
        city_abandon(load->city, EXIT_FAILURE);
    }
    region_free(&region);
}

void load_judge(struct load *load, const struct load_request *request)
{
    struct region region;
    struct reply reply;
    region_init(&region, PARSE_BYTES);
    load_open(load, request, REPLY_SUBMIT, &region, &reply);
    struct reply_nodes nodes = {.nodes = reply.head.submit.nodes,
                                .node_count = reply.head.submit.node_count,
                                .checkpoint = reply.head.checkpoint};
    if (reply.head.submit.receipt_count != request->message_count) {
        log_error("%zu receipts for %zu messages", reply.head.submit.receipt_count,
                  request->message_count);
        city_abandon(load->city, EXIT_FAILURE);
    }
    for (size_t i = 0; i < request->message_count; i++) {
        const struct shared_receipt *shared = &reply.head.submit.receipts[i];
        struct receipt receipt;
        if (shared->code != REFUSAL_NONE) {
            log_error("a message was refused with code %u", shared->code);
            city_abandon(load->city, EXIT_FAILURE);
        }
        city_need(load->city, receipt_expand(shared, &nodes, &region, &receipt), "receipt");
        judge_leaf(load, &receipt, &request->messages[i]);
    }
    region_free(&region);
}

void load_judge_deliveries(struct load *load, const struct load_request *request)
{
    struct region region;
    struct reply reply;
    region_init(&region, PARSE_BYTES);
    load_open(load, request, REPLY_FETCH, &region, &reply);
    struct reply_nodes nodes = {.nodes = reply.head.fetch.nodes,
                                .node_count = reply.head.fetch.node_count,
                                .checkpoint = reply.head.checkpoint};
    for (size_t i = 0; i < reply.head.fetch.delivery_count; i++) {
        const struct delivery *delivery = &reply.head.fetch.deliveries[i];
        struct load_message message;
        struct message_header header;
        struct payload payload;
        struct receipt receipt;
        struct fault fault = {.code = ""};
        city_need(load->city, payload_split(delivery->payload, &payload, &fault), "payload");
        city_need(load->city, header_decode(payload.header, &region, &header, &fault), "header");
        message.id = header.message_id;
        message.digest = message_digest(&payload);
        city_need(load->city,
                  batch_proof_verify(&delivery->proof, &message.digest,
                                     agency_named(load->city, header.sender)->sign.public_key),
                  "the sender's signature");
        city_need(load->city,
                  delivery_expand(delivery, &header.message_id, &nodes, &region, &receipt),
                  "delivery");
        judge_leaf(load, &receipt, &message);
    }
    region_free(&region);
}

/* --- running --- */

struct run {
    struct load *load;
    struct load_request *requests;
    size_t count;
    size_t next;
    double until;
};

static void send_next(struct load_request *done, void *ctx)
{
    struct run *run = ctx;
    (void)done;
    if (run->next < run->count && bench_seconds() < run->until) {
        struct load_request *request = &run->requests[run->next++];
        request->done = send_next;
        request->ctx = run;
        load_send(request, request->agency->link); /* its certificate is the signer's */
    }
}

size_t load_run(struct load *load, struct load_request *requests, size_t count, size_t in_flight,
                double *seconds)
{
    struct city *city = load->city;
    struct run run = {.load = load, .requests = requests, .count = count};
    double from = bench_seconds();
    run.until = from + (*seconds > 0 ? *seconds : 1e9);
    for (size_t i = 0; i < in_flight; i++) {
        send_next(NULL, &run);
    }
    while (load->open > 0) {
        city_turn(city);
    }
    *seconds = bench_seconds() - from;
    return run.next;
}

/* --- latency --- */

void latency_add(struct load_latency *latency, double seconds)
{
    if (latency->count == latency->cap) {
        size_t cap = latency->cap == 0 ? 1024 : 2 * latency->cap;
        double *grown = reallocarray(latency->seconds, cap, sizeof(*grown));
        if (grown == NULL) {
            abort();
        }
        latency->seconds = grown;
        latency->cap = cap;
    }
    latency->seconds[latency->count++] = seconds;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double latency_ms(struct load_latency *latency, double part)
{
    if (latency->count == 0) {
        return 0;
    }
    qsort(latency->seconds, latency->count, sizeof(*latency->seconds), compare);
    return latency->seconds[(size_t)((double)(latency->count - 1) * part)] * 1000.0;
}

void latency_free(struct load_latency *latency)
{
    free(latency->seconds);
}
