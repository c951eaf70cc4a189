/* Reply heads and what they carry: receipts, deliveries. */
#include <assert.h>

#include "request.pb-c.h"
#include "wire/checkpoint.h"
#include "wire/key_statement.h"
#include "wire/recovery.h"
#include "wire/tables.h"

#define RECORD_BYTES 2048u                                  /* one LeafRecord */
#define STREAM_COUNT 4u                                     /* lanes */
#define NODE_COUNT   (LIMIT_FETCH_COUNT * LIMIT_PATH_COUNT) /* nothing shared */

/* Members of the union of struct reply_head count from the union's start. */
#define REPLY_OFFSET(member)                                                                       \
    (offsetof(struct reply_head, member) - offsetof(struct reply_head, hello))
#define REPLY_MEMBER(n, bind_kind, member)                                                         \
    {                                                                                              \
        .number = (n), .kind = (bind_kind), .offset = REPLY_OFFSET(member),                        \
        .size = MEMBER_SIZE(struct reply_head, member), .max = LIMIT_CONFIG_BYTES                  \
    }
#define REPLY_ARRAY(n, bind_kind, member, count_member, most, table)                               \
    {                                                                                              \
        .number = (n), .kind = (bind_kind), .offset = REPLY_OFFSET(member),                        \
        .aux = REPLY_OFFSET(count_member), .max = (most), .sub = (table)                           \
    }

static const struct bind stream_base_binds[] = {
    NUMBER(1, struct stream_base, lane),
    NUMBER(2, struct stream_base, seq),
    ID(3, struct stream_base, hash),
};
static const struct bind_table stream_base_table =
    TABLE(&referral__v1__stream_base__descriptor, struct stream_base, stream_base_binds);

static const struct bind hello_binds[] = {
    REPLY_MEMBER(1, BIND_FIXED, hello.session),
    REPLY_MEMBER(2, BIND_NUMBER, hello.next_counter),
    REPLY_MEMBER(3, BIND_ID, hello.registry_digest),
    REPLY_MEMBER(4, BIND_ID, hello.policy_digest),
    REPLY_MEMBER(5, BIND_TEXT, hello.calendar.version),
    REPLY_ARRAY(6, BIND_MANY, hello.streams, hello.stream_count, STREAM_COUNT, &stream_base_table),
    REPLY_MEMBER(7, BIND_NUMBER, hello.calendar.leaf),
    REPLY_MEMBER(8, BIND_NUMBER, hello.calendar.since_ms),
};
static const struct bind_table hello_table =
    TABLE(&referral__v1__hello_reply__descriptor, struct reply_head, hello_binds);

static const struct bind receipt_binds[] = {
    FIXED(1, struct shared_receipt, message_id),
    NUMBER(2, struct shared_receipt, leaf_index),
    SPAN(3, struct shared_receipt, record, RECORD_BYTES),
    ID(4, struct shared_receipt, salt),
    NUMBERS(5, struct shared_receipt, path, path_count, LIMIT_PATH_COUNT),
    SPAN(6, struct shared_receipt, checkpoint, CHECKPOINT_BYTES),
    NUMBER(7, struct shared_receipt, code),
    TEXT(8, struct shared_receipt, detail),
    NUMBER(9, struct shared_receipt, retry_after_ms),
};
static const struct bind_table receipt_table =
    TABLE(&referral__v1__shared_receipt__descriptor, struct shared_receipt, receipt_binds);

static const struct bind submit_binds[] = {
    REPLY_ARRAY(1, BIND_MANY, submit.receipts, submit.receipt_count, LIMIT_BATCH_COUNT,
                &receipt_table),
    REPLY_ARRAY(2, BIND_DIGESTS, submit.nodes, submit.node_count, NODE_COUNT, NULL),
};
static const struct bind_table submit_table =
    TABLE(&referral__v1__submit_reply__descriptor, struct reply_head, submit_binds);

static const struct bind delivery_binds[] = {
    SPAN(1, struct delivery, payload, LIMIT_ENVELOPE_BYTES),
    ALWAYS(2, struct delivery, proof, &batch_proof_table),
    NUMBER(3, struct delivery, leaf_index),
    SPAN(4, struct delivery, record, RECORD_BYTES),
    FIXED(5, struct delivery, salt),
    NUMBERS(6, struct delivery, path, path_count, LIMIT_PATH_COUNT),
    NUMBER(7, struct delivery, hold),
};
static const struct bind_table delivery_table =
    TABLE(&referral__v1__delivery__descriptor, struct delivery, delivery_binds);

static const struct bind fetch_binds[] = {
    REPLY_ARRAY(1, BIND_MANY, fetch.deliveries, fetch.delivery_count, LIMIT_FETCH_COUNT,
                &delivery_table),
    REPLY_ARRAY(2, BIND_DIGESTS, fetch.nodes, fetch.node_count, NODE_COUNT, NULL),
    REPLY_MEMBER(3, BIND_NUMBER, fetch.waiting),
    REPLY_MEMBER(4, BIND_ID, fetch.ping),
    REPLY_MEMBER(5, BIND_ID, fetch.policy_digest),
    REPLY_MEMBER(6, BIND_NUMBER, fetch.policy_since_ms),
    REPLY_MEMBER(7, BIND_TEXT, fetch.calendar.version),
    REPLY_MEMBER(8, BIND_NUMBER, fetch.calendar.leaf),
    REPLY_MEMBER(9, BIND_NUMBER, fetch.calendar.since_ms),
};
static const struct bind_table fetch_table =
    TABLE(&referral__v1__fetch_reply__descriptor, struct reply_head, fetch_binds);

static const struct bind key_statement_binds[] = {
    SPAN(1, struct recorded_statement, text, KEY_STATEMENT_BYTES),
    NUMBER(2, struct recorded_statement, leaf),
};
static const struct bind_table key_statement_table =
    TABLE(&referral__v1__key_statement__descriptor, struct recorded_statement, key_statement_binds);

static const struct bind registry_leaf_binds[] = {
    NUMBER(1, struct registry_leaf, index),
    SPAN(2, struct registry_leaf, record, RECORD_BYTES),
    FIXED(3, struct registry_leaf, salt),
    DIGESTS(4, struct registry_leaf, path, path_count, LIMIT_PATH_COUNT),
};
static const struct bind_table registry_leaf_table =
    TABLE(&referral__v1__registry_leaf__descriptor, struct registry_leaf, registry_leaf_binds);

static const struct bind registry_binds[] = {
    REPLY_MEMBER(1, BIND_SPAN, registry.registry),
    REPLY_MEMBER(2, BIND_SPAN, registry.keys),
    REPLY_MEMBER(3, BIND_SPAN, registry.statement),
    REPLY_ARRAY(4, BIND_MANY, registry.statements, registry.statement_count, KEY_STATEMENTS_MAX,
                &key_statement_table),
    {.number = 5,
     .kind = BIND_ONE,
     .offset = REPLY_OFFSET(registry.leaf),
     .aux = REPLY_OFFSET(registry.has_leaf),
     .sub = &registry_leaf_table},
};
static const struct bind_table registry_table =
    TABLE(&referral__v1__registry_reply__descriptor, struct reply_head, registry_binds);

static const struct bind blob_put_binds[] = {
    REPLY_MEMBER(1, BIND_NUMBER, blob_put.have),
    REPLY_MEMBER(2, BIND_NUMBER, blob_put.complete),
};
static const struct bind_table blob_put_table =
    TABLE(&referral__v1__blob_put_reply__descriptor, struct reply_head, blob_put_binds);

static const struct bind blob_get_binds[] = {
    REPLY_MEMBER(1, BIND_NUMBER, blob_get.size),
    REPLY_MEMBER(2, BIND_SPAN, blob_get.data),
};
static const struct bind_table blob_get_table =
    TABLE(&referral__v1__blob_get_reply__descriptor, struct reply_head, blob_get_binds);

static const struct bind hand_back_binds[] = {
    REPLY_MEMBER(1, BIND_NUMBER, hand_back.phase),
    REPLY_ARRAY(2, BIND_NUMBERS, hand_back.codes, hand_back.code_count, LIMIT_BATCH_COUNT, NULL),
};
static const struct bind_table hand_back_table =
    TABLE(&referral__v1__hand_back_reply__descriptor, struct reply_head, hand_back_binds);

static const struct bind cosignature_binds[] = {
    TEXT(1, struct cosignature, agency),
    NUMBER(2, struct cosignature, seen.size),
    FIXED(3, struct cosignature, seen.root),
    FIXED(4, struct cosignature, seen.signature),
    FIXED(5, struct cosignature, seen.key),
    DIGESTS(6, struct cosignature, consistency, consistency_count, LIMIT_PATH_COUNT),
};
static const struct bind_table cosignature_table =
    TABLE(&referral__v1__cosignature__descriptor, struct cosignature, cosignature_binds);

static const struct bind witness_binds[] = {
    REPLY_ARRAY(1, BIND_MANY, witness.cosignatures, witness.cosignature_count, LIMIT_COSIGNATURES,
                &cosignature_table),
};
static const struct bind_table witness_table =
    TABLE(&referral__v1__witness_reply__descriptor, struct reply_head, witness_binds);

static const struct bind head_binds[] = {
    NUMBER(1, struct reply_head, version),
    NUMBER(2, struct reply_head, code),
    TEXT(3, struct reply_head, detail),
    ID(4, struct reply_head, request_digest),
    NUMBER(5, struct reply_head, time_ms),
    NUMBER(6, struct reply_head, clock_held),
    NUMBER(7, struct reply_head, laboratory_offset_ms),
    NUMBER(8, struct reply_head, retry_after_ms),
    SPAN(9, struct reply_head, checkpoint, CHECKPOINT_BYTES),
    DIGESTS(10, struct reply_head, consistency, consistency_count, LIMIT_PATH_COUNT),
    MANY(11, struct reply_head, recoveries, recovery_count, RECOVERIES_MAX, &signed_recovery_table),
    NUMBER(12, struct reply_head, registry_version),
    NUMBER(13, struct reply_head, key_statements),
    CHOICE(REPLY_HELLO, struct reply_head, hello, &hello_table),
    CHOICE(REPLY_SUBMIT, struct reply_head, submit, &submit_table),
    CHOICE(REPLY_FETCH, struct reply_head, fetch, &fetch_table),
    CHOICE(REPLY_REGISTRY, struct reply_head, registry, &registry_table),
    CHOICE(REPLY_BLOB_PUT, struct reply_head, blob_put, &blob_put_table),
    CHOICE(REPLY_BLOB_GET, struct reply_head, blob_get, &blob_get_table),
    CHOICE(REPLY_HAND_BACK, struct reply_head, hand_back, &hand_back_table),
    CHOICE(REPLY_WITNESS, struct reply_head, witness, &witness_table),
};
static const struct bind_table head_table =
    TABLE(&referral__v1__reply_head__descriptor, struct reply_head, head_binds);

enum err reply_head_decode(struct span bytes, struct region *region, struct reply_head *ret_head,
                           struct fault *fault)
{
    assert(ret_head != NULL);
    struct reply_head head;
    struct bind_target target = {
        .region = region, .structure = &head, .max_fields = LIMIT_REPLY_FIELDS};
    enum err error = bind_decode(&head_table, bytes, &target, fault);
    if (error != OK) {
        return error;
    }
    if (head.version != WIRE_VERSION) {
        fault_set(fault, "wire.value", "version", "must be %u", WIRE_VERSION);
        return ERR_VERSION;
    }
    head.kind = (enum reply_kind)target.which;
    *ret_head = head;
    return OK;
}

enum err reply_head_encode(const struct reply_head *head, struct buf *out)
{
    assert(head != NULL);
    return bind_encode(&head_table, head, (uint32_t)head->kind, out);
}
