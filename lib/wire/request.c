/* Requests: built by agencies with one signature, opened by the broker without copying a payload.
 * request_parse runs on nng threads for every request: one scan, one pass over the top-level fields
 * that lends spans, one hash of each part, one tree. */
#include <assert.h>
#include <string.h>

#include "request.pb-c.h"
#include "wire/batch.h"
#include "wire/envelope.h"
#include "wire/prescan.h"
#include "wire/tables.h"

struct request_frame {
    struct span head;
    const struct span *payloads;
    size_t payload_count;
    uint32_t suite;
    struct key_id key;
    uint8_t signature[SIGNATURE_BYTES];
};

static const struct bind request_binds[] = {
    SPAN(1, struct request_frame, head, LIMIT_REQUEST_BYTES),
    SPANS(2, struct request_frame, payloads, payload_count, LIMIT_BATCH_COUNT),
    NUMBER(3, struct request_frame, suite),
    FIXED(4, struct request_frame, key),
    FIXED(5, struct request_frame, signature),
};
static const struct bind_table request_table =
    TABLE(&referral__v1__request__descriptor, struct request_frame, request_binds);

enum err request_build(const struct sign_key *key, struct span head, const struct span *payloads,
                       size_t payload_count, struct buf *out)
{
    assert(key != NULL && out != NULL);
    assert(payload_count <= LIMIT_BATCH_COUNT);
    struct digest digests[LIMIT_BATCH_COUNT + 1];
    digests[0] = request_digest(head);
    for (size_t i = 0; i < payload_count; i++) {
        struct payload payload;
        enum err error = payload_split(payloads[i], &payload, NULL);
        if (error != OK) {
            return error;
        }
        digests[i + 1] = message_digest(&payload);
    }
    struct region region;
    region_init(&region, LIMIT_PARSE_BYTES(0));
    struct sign_batch batch;
    enum err error = sign_batch_make(key, digests, payload_count + 1, &region, &batch);
    if (error == OK) {
        struct request_frame frame = {.head = head,
                                      .payloads = payloads,
                                      .payload_count = payload_count,
                                      .suite = crypto_suite(),
                                      .key = batch.key};
        memcpy(frame.signature, batch.signature, SIGNATURE_BYTES);
        error = bind_encode(&request_table, &frame, 0, out);
    }
    region_free(&region);
    return error;
}

static enum err copy_exact(struct span from, void *to, size_t len)
{
    if (from.len != len) {
        return ERR_INVALID;
    }
    memcpy(to, from.data, len);
    return OK;
}

/* What the top-level fields say; payloads keep their order. */
struct parts {
    struct span head;
    struct request_message *messages;
    size_t message_count;
    struct fault *fault;
};

static enum err part_take(const struct wire_field *field, struct parts *parts,
                          struct request *request)
{
    enum err error = OK;
    switch (field->number) {
    case 1:
        parts->head = field->bytes;
        return OK;
    case 2:
        if (parts->message_count == LIMIT_BATCH_COUNT) {
            fault_set(parts->fault, "wire.value", "payloads", "more than %u", LIMIT_BATCH_COUNT);
            return ERR_TOO_LARGE;
        }
        parts->messages[parts->message_count++].bytes = field->bytes;
        return OK;
    case 3:
        request->suite = (uint32_t)field->value; /* prescan has seen that it fits */
        return OK;
    case 4:
        error = copy_exact(field->bytes, request->key.bytes, KEY_ID_BYTES);
        break;
    default:
        assert(field->number == 5);
        error = copy_exact(field->bytes, request->signature, SIGNATURE_BYTES);
    }
    if (error != OK) {
        fault_set(parts->fault, "wire.value", field->number == 4 ? "key_id" : "signature",
                  "wrong length");
    }
    return error;
}

/* How many payloads there are, without looking into them. */
static size_t payload_count_of(struct span rest)
{
    size_t count = 0;
    while (rest.len > 0) {
        struct wire_field field;
        enum err error = wire_field_next(&rest, &field);
        assert(error == OK); /* prescan has seen it */
        count += field.number == 2;
    }
    return count;
}

/* Digests of head and payloads, and their tree. */
static enum err request_hash(const struct parts *parts, struct region *region,
                             struct request *request)
{
    struct digest digests[LIMIT_BATCH_COUNT + 1];
    request->head_digest = request_digest(parts->head);
    digests[0] = request->head_digest;
    for (size_t i = 0; i < parts->message_count; i++) {
        struct request_message *message = &parts->messages[i];
        enum err error = payload_split(message->bytes, &message->payload, parts->fault);
        if (error != OK) {
            return error;
        }
        message->digest = message_digest(&message->payload);
        digests[i + 1] = message->digest;
    }
    return batch_tree_make(digests, parts->message_count + 1, region, &request->tree);
}

/* SUBMIT and ACK say how many payloads follow; the others have none. */
static enum err request_count_check(const struct request *request, struct fault *fault)
{
    size_t announced = 0;
    if (request->head.kind == REQUEST_SUBMIT) {
        announced = request->head.submit.count;
    } else if (request->head.kind == REQUEST_ACK) {
        announced = request->head.ack.count;
    }
    if (announced != request->message_count) {
        fault_set(fault, "wire.value", "head.count", "%zu payloads announced, %zu there", announced,
                  request->message_count);
        return ERR_INVALID;
    }
    return OK;
}

enum err request_parse(struct span bytes, struct region *region, struct request *ret_request,
                       struct fault *fault)
{
    assert(region != NULL && ret_request != NULL);
    if (bytes.len > LIMIT_REQUEST_BYTES) {
        fault_set(fault, "wire.value", "", "longer than %u bytes", LIMIT_REQUEST_BYTES);
        return ERR_TOO_LARGE;
    }
    enum err error = prescan(request_table.type, bytes, LIMIT_FIELD_COUNT, fault);
    if (error != OK) {
        return error;
    }
    struct request request = {0};
    struct parts parts = {.fault = fault};
    size_t count = payload_count_of(bytes);
    parts.messages = region_take(region, count * sizeof(*parts.messages));
    if (parts.messages == NULL) {
        fault_set(fault, "wire.memory", "", "takes too much memory to parse");
        return ERR_MEMORY;
    }
    while (error == OK && bytes.len > 0) {
        struct wire_field field;
        error = wire_field_next(&bytes, &field);
        error = error == OK ? part_take(&field, &parts, &request) : error;
    }
    error = error == OK ? request_head_decode(parts.head, region, &request.head, fault) : error;
    error = error == OK ? request_hash(&parts, region, &request) : error;
    request.messages = parts.messages;
    request.message_count = parts.message_count;
    error = error == OK ? request_count_check(&request, fault) : error;
    if (error == OK) {
        *ret_request = request;
    }
    return error;
}

enum err request_verify(const struct request *request, const uint8_t public_key[SIGN_PUBLIC_BYTES])
{
    assert(request != NULL);
    struct key_id id = key_id_of(public_key);
    if (memcmp(id.bytes, request->key.bytes, KEY_ID_BYTES) != 0) {
        return ERR_FORGED;
    }
    struct merkle_head root = {.size = request->tree.count,
                               .root = merkle_batch_root(&request->tree)};
    return batch_root_verify(&root, request->suite, request->signature, public_key);
}

enum err request_envelope(const struct request *request, size_t index, struct buf *out)
{
    assert(request != NULL && index < request->message_count);
    struct merkle_path path;
    merkle_batch_path(&request->tree, index + 1, &path);
    struct batch_proof proof = {.suite = request->suite,
                                .key = request->key,
                                .index = (uint32_t)index + 1,
                                .size = (uint32_t)request->tree.count,
                                .path = path.hashes,
                                .path_count = path.count};
    memcpy(proof.signature, request->signature, SIGNATURE_BYTES);
    return envelope_encode(request->messages[index].bytes, &proof, out);
}
