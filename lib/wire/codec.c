/* Request heads, payloads and batch proofs: tables and the few checks that a table cannot say. */
#include "wire/codec.h"

#include <assert.h>

#include "request.pb-c.h"
#include "message.pb-c.h"
#include "wire/checkpoint.h"
#include "wire/prescan.h"
#include "wire/receipt.h"
#include "wire/tables.h"

static const struct bind batch_proof_binds[] = {
    NUMBER(1, struct batch_proof, suite),
    FIXED(2, struct batch_proof, key),
    NUMBER(3, struct batch_proof, index),
    NUMBER(4, struct batch_proof, size),
    DIGESTS(5, struct batch_proof, path, path_count, LIMIT_PATH_COUNT),
    FIXED(6, struct batch_proof, signature),
};
const struct bind_table batch_proof_table =
    TABLE(&referral__v1__batch_proof__descriptor, struct batch_proof, batch_proof_binds);

static const struct bind payload_binds[] = {
    SPAN(1, struct payload, header, LIMIT_HEADER_BYTES),
    SPAN(2, struct payload, facts, LIMIT_FACTS_BYTES),
    SPAN(3, struct payload, body, LIMIT_ENVELOPE_BYTES),
};
const struct bind_table payload_table =
    TABLE(&referral__v1__payload__descriptor, struct payload, payload_binds);

/* The members of the unions of struct request_head stand at one offset; sub-tables count from
 * there. */
#define HEAD_NUMBER(n, member)                                                                     \
    {                                                                                              \
        .number = (n), .kind = BIND_NUMBER,                                                        \
        .offset = offsetof(struct request_head, member) - offsetof(struct request_head, hello),    \
        .size = MEMBER_SIZE(struct request_head, member)                                           \
    }

static const struct bind hello_binds[] = {
    {.number = 1,
     .kind = BIND_TEXT,
     .offset = 0,
     .size = MEMBER_SIZE(struct request_head, hello.software)},
    {.number = 2,
     .kind = BIND_ID,
     .offset = offsetof(struct request_head, hello.registry_digest) -
               offsetof(struct request_head, hello),
     .size = DIGEST_BYTES},
    {.number = 3,
     .kind = BIND_SPAN,
     .offset =
         offsetof(struct request_head, hello.checkpoint) - offsetof(struct request_head, hello),
     .max = CHECKPOINT_BYTES},
    HEAD_NUMBER(4, hello.streams),
};
static const struct bind_table hello_table =
    TABLE(&referral__v1__hello__descriptor, struct request_head, hello_binds);

static const struct bind submit_binds[] = {HEAD_NUMBER(1, submit.count)};
static const struct bind_table submit_table =
    TABLE(&referral__v1__submit__descriptor, struct request_head, submit_binds);

static const struct bind fetch_binds[] = {
    HEAD_NUMBER(1, fetch.max_count),
    HEAD_NUMBER(2, fetch.max_bytes),
    HEAD_NUMBER(3, fetch.wait_ms),
    HEAD_NUMBER(4, fetch.registry_mark),
};
static const struct bind_table fetch_table =
    TABLE(&referral__v1__fetch__descriptor, struct request_head, fetch_binds);

static const struct bind position_binds[] = {
    NUMBER(1, struct position, lane),
    NUMBER(2, struct position, stream_seq),
    NUMBER(3, struct position, held),
};
static const struct bind_table position_table =
    TABLE(&referral__v1__position__descriptor, struct position, position_binds);

static const struct bind ack_binds[] = {
    HEAD_NUMBER(1, ack.count),
    {.number = 2,
     .kind = BIND_MANY,
     .offset = offsetof(struct request_head, ack.plain) - offsetof(struct request_head, ack),
     .aux = offsetof(struct request_head, ack.plain_count) - offsetof(struct request_head, ack),
     .max = LIMIT_BATCH_COUNT,
     .sub = &position_table},
};
static const struct bind_table ack_table =
    TABLE(&referral__v1__ack__descriptor, struct request_head, ack_binds);

static const struct bind witness_binds[] = {
    NUMBER(1, struct witness, size),
    FIXED(2, struct witness, root),
    FIXED(3, struct witness, signature),
    FIXED(4, struct witness, key),
};
static const struct bind_table witness_table =
    TABLE(&referral__v1__witness__descriptor, struct witness, witness_binds);

static const struct bind blob_put_binds[] = {
    {.number = 1,
     .kind = BIND_FIXED,
     .offset =
         offsetof(struct request_head, blob_put.digest) - offsetof(struct request_head, blob_put),
     .size = DIGEST_BYTES},
    HEAD_NUMBER(2, blob_put.size),
    HEAD_NUMBER(3, blob_put.offset),
    {.number = 4,
     .kind = BIND_SPAN,
     .offset =
         offsetof(struct request_head, blob_put.data) - offsetof(struct request_head, blob_put),
     .max = LIMIT_BLOB_CHUNK_BYTES},
};
static const struct bind_table blob_put_table =
    TABLE(&referral__v1__blob_put__descriptor, struct request_head, blob_put_binds);

static const struct bind blob_get_binds[] = {
    {.number = 1,
     .kind = BIND_FIXED,
     .offset =
         offsetof(struct request_head, blob_get.digest) - offsetof(struct request_head, blob_get),
     .size = DIGEST_BYTES},
    HEAD_NUMBER(2, blob_get.offset),
    HEAD_NUMBER(3, blob_get.max_bytes),
};
static const struct bind_table blob_get_table =
    TABLE(&referral__v1__blob_get__descriptor, struct request_head, blob_get_binds);

static const struct bind handed_back_binds[] = {
    SPAN(1, struct handed_back, envelope, LIMIT_ENVELOPE_BYTES + 4096u),
    SPAN(2, struct handed_back, receipt, RECEIPT_BYTES),
};
static const struct bind_table handed_back_table =
    TABLE(&referral__v1__handed_back__descriptor, struct handed_back, handed_back_binds);

static const struct bind hand_back_binds[] = {
    {.number = 1,
     .kind = BIND_MANY,
     .offset =
         offsetof(struct request_head, hand_back.items) - offsetof(struct request_head, hand_back),
     .aux = offsetof(struct request_head, hand_back.item_count) -
            offsetof(struct request_head, hand_back),
     .max = LIMIT_BATCH_COUNT,
     .sub = &handed_back_table},
    HEAD_NUMBER(2, hand_back.all),
};
static const struct bind_table hand_back_table =
    TABLE(&referral__v1__hand_back__descriptor, struct request_head, hand_back_binds);

static const struct bind_table registry_table = {
    .type = &referral__v1__registry_query__descriptor,
    .size = sizeof(struct request_head),
};
static const struct bind ping_binds[] = {
    {.number = 1,
     .kind = BIND_ID,
     .offset = offsetof(struct request_head, ping.word) - offsetof(struct request_head, ping),
     .size = PING_BYTES},
};
static const struct bind_table ping_table =
    TABLE(&referral__v1__ping__descriptor, struct request_head, ping_binds);

static const struct bind head_binds[] = {
    NUMBER(1, struct request_head, version),
    TEXT(2, struct request_head, agency),
    TEXT(3, struct request_head, broker),
    ID(4, struct request_head, session),
    NUMBER(5, struct request_head, counter),
    NUMBER(6, struct request_head, time_ms),
    NUMBER(7, struct request_head, known_size),
    CHOICE(REQUEST_HELLO, struct request_head, hello, &hello_table),
    CHOICE(REQUEST_SUBMIT, struct request_head, submit, &submit_table),
    CHOICE(REQUEST_FETCH, struct request_head, fetch, &fetch_table),
    CHOICE(REQUEST_ACK, struct request_head, ack, &ack_table),
    CHOICE(REQUEST_BLOB_PUT, struct request_head, blob_put, &blob_put_table),
    CHOICE(REQUEST_BLOB_GET, struct request_head, blob_get, &blob_get_table),
    CHOICE(REQUEST_REGISTRY, struct request_head, hello, &registry_table),
    CHOICE(REQUEST_WITNESS, struct request_head, witness, &witness_table),
    CHOICE(REQUEST_PING, struct request_head, ping, &ping_table),
    CHOICE(REQUEST_HAND_BACK, struct request_head, hand_back, &hand_back_table),
};
static const struct bind_table head_table =
    TABLE(&referral__v1__request_head__descriptor, struct request_head, head_binds);

enum err request_head_decode(struct span bytes, struct region *region,
                             struct request_head *ret_head, struct fault *fault)
{
    struct request_head head;
    struct bind_target target = {
        .region = region, .structure = &head, .max_fields = LIMIT_FIELD_COUNT};
    enum err error = bind_decode(&head_table, bytes, &target, fault);
    if (error != OK) {
        return error;
    }
    if (target.which == 0) {
        fault_set(fault, "wire.value", "head", "no request in the head");
        return ERR_INVALID;
    }
    head.kind = (enum request_kind)target.which;
    *ret_head = head;
    return OK;
}

enum err request_head_encode(const struct request_head *head, struct buf *out)
{
    assert(head != NULL);
    return bind_encode(&head_table, head, (uint32_t)head->kind, out);
}

enum err payload_split(struct span bytes, struct payload *ret_payload, struct fault *fault)
{
    assert(ret_payload != NULL);
    if (bytes.len > LIMIT_ENVELOPE_BYTES) {
        fault_set(fault, "wire.value", "payload", "longer than %u bytes", LIMIT_ENVELOPE_BYTES);
        return ERR_TOO_LARGE;
    }
    enum err error = prescan(payload_table.type, bytes, payload_table.bind_count, fault);
    struct payload payload = {0};
    struct span *parts[] = {&payload.header, &payload.facts, &payload.body};
    while (error == OK && bytes.len > 0) {
        struct wire_field field;
        error = wire_field_next(&bytes, &field);
        if (error == OK) {
            assert(field.number >= 1 && field.number <= 3);
            *parts[field.number - 1] = field.bytes;
        }
    }
    if (error != OK) {
        return error;
    }
    if (payload.header.len > LIMIT_HEADER_BYTES || payload.facts.len > LIMIT_FACTS_BYTES) {
        fault_set(fault, "wire.value", payload.facts.len > LIMIT_FACTS_BYTES ? "facts" : "header",
                  "too long");
        return ERR_TOO_LARGE;
    }
    *ret_payload = payload;
    return OK;
}

enum err payload_encode(const struct payload *payload, struct buf *out)
{
    return bind_encode(&payload_table, payload, 0, out);
}
