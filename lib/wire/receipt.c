/* Receipts: canonical bytes, expansion, the set of shared hashes (open addressing on the first
 * bytes of a hash, which are already random), and verification. */
#include "wire/receipt.h"

#include <assert.h>
#include <string.h>

#include "model/merkle.h"
#include "request.pb-c.h"
#include "wire/recovery.h"
#include "wire/tables.h"

static const struct bind receipt_binds[] = {
    FIXED(1, struct receipt, message_id),
    NUMBER(2, struct receipt, leaf_index),
    SPAN(3, struct receipt, record, LIMIT_HEADER_BYTES),
    FIXED(4, struct receipt, salt),
    DIGESTS(5, struct receipt, path, path_count, LIMIT_PATH_COUNT),
    SPAN(6, struct receipt, checkpoint, CHECKPOINT_BYTES),
};
static const struct bind_table receipt_table =
    TABLE(&referral__v1__receipt__descriptor, struct receipt, receipt_binds);

struct digest leaf_hash(const uint8_t salt[SALT_BYTES], struct span record)
{
    const uint8_t prefix = 0x00;
    struct hasher hasher;
    hasher_init(&hasher);
    hasher_add(&hasher, &prefix, 1);
    hasher_add(&hasher, salt, SALT_BYTES);
    hasher_add(&hasher, record.data, record.len);
    return hasher_end(&hasher);
}

enum err receipt_encode(const struct receipt *receipt, struct buf *out)
{
    return bind_encode(&receipt_table, receipt, 0, out);
}

enum err receipt_decode(struct span bytes, struct region *region, struct receipt *ret_receipt,
                        struct fault *fault)
{
    assert(ret_receipt != NULL);
    struct receipt receipt;
    struct bind_target target = {
        .region = region, .structure = &receipt, .max_fields = LIMIT_FIELD_COUNT};
    enum err error = bind_decode(&receipt_table, bytes, &target, fault);
    if (error == OK) {
        *ret_receipt = receipt;
    }
    return error;
}

static enum err path_expand(const uint32_t *indices, size_t count, const struct reply_nodes *nodes,
                            struct region *region, const struct digest **ret_path)
{
    struct digest *path = region_take(region, count * sizeof(*path));
    if (path == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        if (indices[i] >= nodes->node_count) {
            return ERR_INVALID;
        }
        path[i] = nodes->nodes[indices[i]];
    }
    *ret_path = path;
    return OK;
}

enum err receipt_expand(const struct shared_receipt *shared, const struct reply_nodes *nodes,
                        struct region *region, struct receipt *ret_receipt)
{
    assert(shared != NULL && nodes != NULL && ret_receipt != NULL);
    struct receipt receipt = {
        .message_id = shared->message_id,
        .leaf_index = shared->leaf_index,
        .record = shared->record,
        .path_count = shared->path_count,
        .checkpoint = shared->checkpoint.len > 0 ? shared->checkpoint : nodes->checkpoint,
    };
    memcpy(receipt.salt, shared->salt, SALT_BYTES);
    enum err error = path_expand(shared->path, shared->path_count, nodes, region, &receipt.path);
    if (error == OK) {
        *ret_receipt = receipt;
    }
    return error;
}

enum err delivery_expand(const struct delivery *delivery, const struct uuid *message_id,
                         const struct reply_nodes *nodes, struct region *region,
                         struct receipt *ret_receipt)
{
    assert(delivery != NULL && message_id != NULL);
    struct shared_receipt shared = {
        .message_id = *message_id,
        .leaf_index = delivery->leaf_index,
        .record = delivery->record,
        .path = delivery->path,
        .path_count = delivery->path_count,
    };
    memcpy(shared.salt, delivery->salt, SALT_BYTES);
    return receipt_expand(&shared, nodes, region, ret_receipt);
}

enum err node_set_init(struct node_set *set, size_t max, struct region *region)
{
    assert(set != NULL && max < UINT32_MAX / 4);
    size_t slot_count = 16;
    while (slot_count < 2 * max) {
        slot_count *= 2;
    }
    struct node_set made = {
        .nodes = region_take(region, max * sizeof(struct digest)),
        .max = max,
        .slots = region_take(region, slot_count * sizeof(uint32_t)),
        .slot_count = slot_count,
    };
    if (made.nodes == NULL || made.slots == NULL) {
        return ERR_MEMORY;
    }
    *set = made;
    return OK;
}

/* The index of a hash, which is added when it is new; UINT32_MAX when the set is full. At most
 * half of the slots are used, so a free one is met. */
static uint32_t node_index(struct node_set *set, const struct digest *hash)
{
    size_t at = be32_get(hash->bytes) & (set->slot_count - 1);
    while (set->slots[at] != 0) {
        uint32_t index = set->slots[at] - 1;
        if (digest_equal(&set->nodes[index], hash)) {
            return index;
        }
        at = (at + 1) & (set->slot_count - 1);
    }
    if (set->count == set->max) {
        return UINT32_MAX;
    }
    set->nodes[set->count] = *hash;
    set->slots[at] = (uint32_t)set->count + 1;
    return (uint32_t)set->count++;
}

enum err node_set_add(struct node_set *set, const struct digest *path, size_t path_count,
                      struct region *region, const uint32_t **ret_indices)
{
    assert(set != NULL && ret_indices != NULL);
    uint32_t *indices = region_take(region, path_count * sizeof(*indices));
    if (indices == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < path_count; i++) {
        indices[i] = node_index(set, &path[i]);
        if (indices[i] == UINT32_MAX) {
            return ERR_FULL;
        }
    }
    *ret_indices = indices;
    return OK;
}

enum err receipt_verify(const struct receipt *receipt, const struct keyring *keyring,
                        struct region *region, struct receipt_facts *ret_facts, struct fault *fault)
{
    assert(receipt != NULL && keyring != NULL && ret_facts != NULL);
    struct receipt_facts facts = {.leaf_hash = leaf_hash(receipt->salt, receipt->record)};
    enum err error = recovery_note_verify(receipt->checkpoint, keyring, &facts.checkpoint);
    if (error != OK) {
        fault_set(fault, "receipt.checkpoint", "checkpoint",
                  "not a checkpoint of a log of the broker");
        return error;
    }
    struct digest root;
    struct merkle_place place = {.index = receipt->leaf_index, .size = facts.checkpoint.size};
    error =
        merkle_inclusion_root(&facts.leaf_hash, place, receipt->path, receipt->path_count, &root);
    if (error != OK || !digest_equal(&root, &facts.checkpoint.root)) {
        fault_set(fault, "receipt.inclusion", "path", "does not lead to the checkpoint's root");
        return ERR_FORGED;
    }
    error = leaf_record_decode(receipt->record, region, &facts.record, fault);
    if (error != OK) {
        return error;
    }
    if (!uuid_equal(&facts.record.message_id, &receipt->message_id)) {
        fault_set(fault, "receipt.message", "message_id", "the record is of another message");
        return ERR_FORGED;
    }
    *ret_facts = facts;
    return OK;
}
