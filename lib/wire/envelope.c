/* Digests, batches, envelopes and replies; requests are in request.c. What is hashed and signed is
 * spelled out in docs/protocol.md, "Digests" and "Signatures". */
#include "wire/envelope.h"

#include <assert.h>
#include <string.h>

#include "request.pb-c.h"
#include "wire/batch.h"
#include "wire/tables.h"

/* With the NUL, which ends the domain. */
static void hasher_domain(struct hasher *hasher, const char *domain)
{
    hasher_init(hasher);
    hasher_add(hasher, domain, strlen(domain) + 1);
}

static struct digest head_digest(const char *domain, struct span head)
{
    struct hasher hasher;
    hasher_domain(&hasher, domain);
    hasher_add(&hasher, head.data, head.len);
    return hasher_end(&hasher);
}

struct digest message_digest(const struct payload *payload)
{
    assert(payload != NULL);
    struct digest body = crypto_digest(payload->body);
    return message_digest_by_hash(payload, &body);
}

struct digest message_digest_by_hash(const struct payload *payload, const struct digest *body)
{
    const struct digest parts[] = {crypto_digest(payload->header), crypto_digest(payload->facts),
                                   *body};
    struct hasher hasher;
    hasher_domain(&hasher, "referral.v1.message");
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        hasher_add(&hasher, parts[i].bytes, DIGEST_BYTES);
    }
    return hasher_end(&hasher);
}

struct digest request_digest(struct span head)
{
    return head_digest("referral.v1.request", head);
}

struct digest reply_digest(struct span head)
{
    return head_digest("referral.v1.reply", head);
}

#define BATCH_DOMAIN     "referral.v1.batch"
#define BATCH_TEXT_BYTES (sizeof(BATCH_DOMAIN) + 1 + 8 + DIGEST_BYTES)

/* The bytes under a batch's signature. */
static void batch_text(uint32_t suite, uint64_t size, const struct digest *root,
                       uint8_t out[BATCH_TEXT_BYTES])
{
    assert(suite <= UINT8_MAX);
    memcpy(out, BATCH_DOMAIN, sizeof(BATCH_DOMAIN));
    out[sizeof(BATCH_DOMAIN)] = (uint8_t)suite;
    be64_put(out + sizeof(BATCH_DOMAIN) + 1, size);
    memcpy(out + sizeof(BATCH_DOMAIN) + 9, root->bytes, DIGEST_BYTES);
}

enum err batch_tree_make(const struct digest *digests, size_t count, struct region *region,
                         struct merkle_batch *ret_tree)
{
    assert(digests != NULL && count >= 1);
    struct digest *nodes = region_take(region, merkle_batch_nodes(count) * sizeof(*nodes));
    if (nodes == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        nodes[i] = merkle_leaf_hash(span_of(digests[i].bytes, DIGEST_BYTES));
    }
    merkle_batch_build(nodes, count, ret_tree);
    return OK;
}

enum err batch_root_verify(const struct merkle_head *root, uint32_t suite,
                           const uint8_t signature[SIGNATURE_BYTES],
                           const uint8_t public_key[SIGN_PUBLIC_BYTES])
{
    if (suite != crypto_suite()) {
        return ERR_FORGED;
    }
    uint8_t text[BATCH_TEXT_BYTES];
    batch_text(suite, root->size, &root->root, text);
    return crypto_verify(public_key, span_of(text, sizeof(text)), signature);
}

enum err sign_batch_make(const struct sign_key *key, const struct digest *digests, size_t count,
                         struct region *region, struct sign_batch *ret_batch)
{
    assert(key != NULL && ret_batch != NULL);
    struct sign_batch batch = {.key = key_id_of(key->public_key)};
    enum err error = batch_tree_make(digests, count, region, &batch.tree);
    if (error != OK) {
        return error;
    }
    uint8_t text[BATCH_TEXT_BYTES];
    struct digest root = merkle_batch_root(&batch.tree);
    batch_text(crypto_suite(), count, &root, text);
    crypto_sign_message(key, span_of(text, sizeof(text)), batch.signature);
    *ret_batch = batch;
    return OK;
}

enum err sign_batch_proof(const struct sign_batch *batch, size_t index, struct region *region,
                          struct batch_proof *ret_proof)
{
    assert(batch != NULL && ret_proof != NULL);
    assert(index < batch->tree.count && batch->tree.count <= UINT32_MAX);
    struct merkle_path path;
    merkle_batch_path(&batch->tree, index, &path);
    struct digest *kept = NULL;
    if (path.count > 0) {
        kept = region_take(region, path.count * sizeof(*kept));
        if (kept == NULL) {
            return ERR_MEMORY;
        }
        memcpy(kept, path.hashes, path.count * sizeof(*kept));
    }
    struct batch_proof proof = {.suite = crypto_suite(),
                                .key = batch->key,
                                .index = (uint32_t)index,
                                .size = (uint32_t)batch->tree.count,
                                .path = kept,
                                .path_count = path.count};
    memcpy(proof.signature, batch->signature, SIGNATURE_BYTES);
    *ret_proof = proof;
    return OK;
}

enum err batch_proof_verify(const struct batch_proof *proof, const struct digest *digest,
                            const uint8_t public_key[SIGN_PUBLIC_BYTES])
{
    assert(proof != NULL && digest != NULL);
    struct key_id id = key_id_of(public_key);
    if (memcmp(id.bytes, proof->key.bytes, KEY_ID_BYTES) != 0) {
        return ERR_FORGED;
    }
    struct digest leaf = merkle_leaf_hash(span_of(digest->bytes, DIGEST_BYTES));
    struct merkle_head head = {.size = proof->size};
    struct merkle_place place = {.index = proof->index, .size = proof->size};
    enum err error =
        merkle_inclusion_root(&leaf, place, proof->path, proof->path_count, &head.root);
    return error != OK ? error
                       : batch_root_verify(&head, proof->suite, proof->signature, public_key);
}

struct envelope_frame {
    struct span payload;
    struct batch_proof proof;
    bool has_proof;
};

static const struct bind envelope_binds[] = {
    SPAN(1, struct envelope_frame, payload, LIMIT_ENVELOPE_BYTES),
    ONE(2, struct envelope_frame, proof, has_proof, &batch_proof_table),
};
static const struct bind_table envelope_table =
    TABLE(&referral__v1__envelope__descriptor, struct envelope_frame, envelope_binds);

/* A reply's head is bounded by the request size that clients accept. */
static const struct bind reply_binds[] = {
    SPAN(1, struct envelope_frame, payload, 4 * LIMIT_REQUEST_BYTES),
    ONE(2, struct envelope_frame, proof, has_proof, &batch_proof_table),
};
static const struct bind_table reply_table =
    TABLE(&referral__v1__reply__descriptor, struct envelope_frame, reply_binds);

enum err envelope_encode(struct span payload, const struct batch_proof *proof, struct buf *out)
{
    assert(proof != NULL);
    struct envelope_frame frame = {.payload = payload, .proof = *proof, .has_proof = true};
    return bind_encode(&envelope_table, &frame, 0, out);
}

enum err envelope_decode(struct span bytes, struct region *region, struct span *ret_payload,
                         struct batch_proof *ret_proof, struct fault *fault)
{
    assert(ret_payload != NULL && ret_proof != NULL);
    struct envelope_frame frame;
    struct bind_target target = {
        .region = region, .structure = &frame, .max_fields = LIMIT_FIELD_COUNT};
    enum err error = bind_decode(&envelope_table, bytes, &target, fault);
    if (error == OK && !frame.has_proof) {
        fault_set(fault, "wire.value", "proof", "missing");
        error = ERR_INVALID;
    }
    if (error == OK) {
        *ret_payload = frame.payload;
        *ret_proof = frame.proof;
    }
    return error;
}

enum err reply_encode(struct span head, const struct batch_proof *proof, struct buf *out)
{
    struct envelope_frame frame = {.payload = head};
    if (proof != NULL) {
        frame.proof = *proof;
        frame.has_proof = true;
    }
    return bind_encode(&reply_table, &frame, 0, out);
}

/* A stranger's answer may say no, and nothing else. */
static bool unsigned_allowed(const struct reply_head *head)
{
    return head->code >= 1 && head->code <= 7 && head->kind == REPLY_NONE &&
           head->checkpoint.len == 0 && head->consistency_count == 0;
}

static enum err reply_verify(const struct envelope_frame *frame, const struct reply_check *check)
{
    struct digest digest = reply_digest(frame->payload);
    enum err error = ERR_FORGED;
    for (size_t i = 0; i < check->broker_key_count && error != OK; i++) {
        error = batch_proof_verify(&frame->proof, &digest, check->broker_keys[i]);
    }
    return error;
}

enum err reply_open(struct span bytes, const struct reply_check *check, struct region *region,
                    struct reply *ret_reply, struct fault *fault)
{
    assert(check != NULL && ret_reply != NULL);
    struct envelope_frame frame;
    struct bind_target target = {
        .region = region, .structure = &frame, .max_fields = LIMIT_FIELD_COUNT};
    enum err error = bind_decode(&reply_table, bytes, &target, fault);
    if (error != OK) {
        return error;
    }
    if (frame.has_proof && reply_verify(&frame, check) != OK) {
        fault_set(fault, "reply.signature", "proof", "not signed by a key of the broker");
        return ERR_FORGED;
    }
    struct reply reply = {.head_bytes = frame.payload, .authentic = frame.has_proof};
    error = reply_head_decode(frame.payload, region, &reply.head, fault);
    if (error != OK) {
        return error;
    }
    if (!frame.has_proof && !unsigned_allowed(&reply.head)) {
        fault_set(fault, "reply.signature", "proof", "missing");
        return ERR_FORGED;
    }
    if (frame.has_proof && !digest_equal(&reply.head.request_digest, &check->request_digest)) {
        fault_set(fault, "reply.other", "request_digest", "answers another request");
        return ERR_FORGED;
    }
    *ret_reply = reply;
    return OK;
}
