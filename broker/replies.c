/* Replies: built after the commit, from the store as it is now, signed together once.
 *
 * A receipt names a leaf; its path, record and checkpoint are read back from the log, so that the
 * same message gets the same receipt whether it was decided a moment or a year ago. */
#include <string.h>

#include "broker/registry_record.h"
#include "broker/turn.h"
#include "wire/receipt.h"

struct sending { /* what all replies of a turn share */
    struct turn *turn;
    struct store_txn *read;
    uint64_t size;       /* of the newest checkpoint; 0: the log is empty */
    struct span note;    /* the newest checkpoint */
    uint64_t known_size; /* for which `consistency` was made; 0: none yet */
    struct merkle_path consistency;
};

/* The proof that the agency's last checkpoint is a beginning of this log. Requests of one turn
 * mostly know the same size, so the last proof is kept. */
static enum err fill_consistency(struct sending *sending, struct answer *answer)
{
    struct digest *proof;
    size_t count;

    if (answer->known_size == 0 || answer->known_size >= sending->size) {
        return OK;
    }
    if (sending->known_size != answer->known_size) {
        enum err error = audit_consistency(sending->read, answer->known_size, sending->size,
                                           &sending->consistency);

        if (error != OK) {
            return error;
        }
        sending->known_size = answer->known_size;
    }
    count = sending->consistency.count;
    proof = region_take(&sending->turn->region, (count + 1) * sizeof(*proof));
    if (proof == NULL) {
        return ERR_MEMORY;
    }
    memcpy(proof, sending->consistency.hashes, count * sizeof(*proof));
    answer->head.consistency = proof;
    answer->head.consistency_count = count;
    return OK;
}

static enum err fill_receipt(struct sending *sending, const struct receipt_ref *ref,
                             struct node_set *nodes, struct shared_receipt *receipt)
{
    struct audit_receipt stored;
    enum err error;

    receipt->message_id = ref->message_id;
    if (ref->leaf == AUDIT_NONE) {
        receipt->code = ref->refusal;
        receipt->retry_after_ms = ref->retry_after_ms;
        text_copy(receipt->detail, sizeof(receipt->detail), ref->detail);
        return OK;
    }
    error = audit_receipt(sending->read, ref->leaf, &stored);
    if (error != OK) {
        return error;
    }
    receipt->leaf_index = ref->leaf;
    receipt->record = stored.entry.record;
    memcpy(receipt->salt, stored.entry.salt, SALT_BYTES);
    if (!span_equal(stored.note, sending->note)) {
        receipt->checkpoint = stored.note;
    }
    receipt->path_count = stored.path.count;
    return node_set_add(nodes, stored.path.hashes, stored.path.count, &sending->turn->region,
                        &receipt->path);
}

static enum err fill_receipts(struct sending *sending, struct answer *answer)
{
    struct region *region = &sending->turn->region;
    struct shared_receipt *receipts =
        region_take(region, (answer->ref_count + 1) * sizeof(*receipts));
    struct node_set nodes;
    enum err error;

    if (receipts == NULL) {
        return ERR_MEMORY;
    }
    error = node_set_init(&nodes, answer->ref_count * merkle_path_most(sending->size) + 1u, region);
    for (size_t i = 0; error == OK && i < answer->ref_count; i++) {
        error = fill_receipt(sending, &answer->refs[i], &nodes, &receipts[i]);
    }
    answer->head.submit.receipts = receipts;
    answer->head.submit.receipt_count = answer->ref_count;
    answer->head.submit.nodes = nodes.nodes;
    answer->head.submit.node_count = nodes.count;
    return error;
}

/* Where the log has the version of the registry that the reply carries. */
static enum err fill_registry(struct sending *sending, struct answer *answer)
{
    struct registry_leaf *leaf = &answer->head.registry.leaf;
    struct merkle_path path;
    struct audit_entry entry;
    struct digest *kept;
    enum err error =
        registry_record_leaf(sending->read, &sending->turn->broker->setup.document, &leaf->index);

    if (error != OK) {
        return error == ERR_NOT_FOUND ? OK : error;
    }
    error = audit_read(sending->read, leaf->index, &entry);
    if (error == OK) {
        error = audit_inclusion(sending->read, leaf->index, sending->size, &path);
    }
    if (error != OK) {
        return error;
    }
    kept = region_take(&sending->turn->region, (path.count + 1) * sizeof(*kept));
    if (kept == NULL) {
        return ERR_MEMORY;
    }
    memcpy(kept, path.hashes, path.count * sizeof(*kept));
    answer->head.registry.has_leaf = true;
    leaf->record = entry.record;
    memcpy(leaf->salt, entry.salt, SALT_BYTES);
    leaf->path = kept;
    leaf->path_count = path.count;
    return OK;
}

static void fill_common(const struct turn *turn, struct reply_head *head)
{
    const struct broker_setup *setup = &turn->broker->setup;

    head->time_ms = turn->now_ms;
    head->clock_held = turn->clock.hold != HOLD_NOT;
    head->registry_version = setup->document.version;
    head->key_statements = (uint32_t)turn->broker->statements.count;
    if (setup->laboratory_offset_ms != NULL) {
        head->laboratory_offset_ms = setup->laboratory_offset_ms(setup->laboratory);
    }
    if (head->code != REFUSAL_NONE) {
        head->retry_after_ms = refusal_retryable(head->code) ? 1000 : 0;
    }
}

static enum err fill(struct sending *sending, struct answer *answer)
{
    enum err error = OK;

    fill_common(sending->turn, &answer->head);
    if (sending->size > 0) {
        answer->head.checkpoint = sending->note;
        error = fill_consistency(sending, answer);
    }
    if (error == OK && answer->head.kind == REPLY_SUBMIT) {
        error = fill_receipts(sending, answer);
    }
    if (error == OK && answer->head.kind == REPLY_WITNESS) {
        error = cosignatures_fill(sending->turn, sending->read, sending->size, answer);
    }
    if (error == OK && answer->head.kind == REPLY_REGISTRY) {
        error = fill_registry(sending, answer);
    }
    return error;
}

/* Encodes all heads into one buf and notes where each begins. */
static enum err encode_heads(struct turn *turn, struct buf *bytes, size_t *starts,
                             struct digest *digests)
{
    size_t i = 0;

    for (struct answer *answer = turn->answers; answer != NULL; answer = answer->next, i++) {
        enum err error;

        starts[i] = bytes->len;
        error = reply_head_encode(&answer->head, bytes);
        if (error != OK) {
            return error;
        }
        digests[i] = reply_digest(span_of(bytes->data + starts[i], bytes->len - starts[i]));
    }
    starts[i] = bytes->len;
    return OK;
}

static enum err send_one(struct turn *turn, const struct sign_batch *batch, size_t index,
                         struct span head, uint64_t handle)
{
    struct batch_proof proof;
    struct buf bytes;
    enum err error = sign_batch_proof(batch, index, &turn->region, &proof);

    if (error != OK) {
        return error;
    }
    buf_init(&bytes, 2 * LIMIT_REQUEST_BYTES);
    error = reply_encode(head, &proof, &bytes);
    if (error == OK) {
        io_fault(&turn->broker->setup.io, "broker.before-reply");
        io_reply(&turn->broker->setup.io, handle, &bytes);
    }
    buf_free(&bytes);
    return error;
}

static enum err sign_and_send(struct turn *turn)
{
    size_t count = turn->answer_count;
    size_t *starts = region_take(&turn->region, (count + 1) * sizeof(*starts));
    struct digest *digests = region_take(&turn->region, count * sizeof(*digests));
    struct sign_batch batch;
    struct buf heads;
    size_t i = 0;
    enum err error = starts != NULL && digests != NULL ? OK : ERR_MEMORY;

    buf_init(&heads, TURN_REGION_BYTES);
    if (error == OK) {
        error = encode_heads(turn, &heads, starts, digests);
    }
    if (error == OK) {
        error = sign_batch_make(turn->broker->setup.key, digests, count, &turn->region, &batch);
    }
    for (struct answer *a = turn->answers; error == OK && a != NULL; a = a->next, i++) {
        error = send_one(turn, &batch, i,
                         span_of(heads.data + starts[i], starts[i + 1] - starts[i]), a->handle);
        a->handle = 0;
    }
    buf_free(&heads);
    return error;
}

enum err replies_send(struct turn *turn, struct store_txn *read)
{
    struct sending sending = {.turn = turn, .read = read};
    enum err error;

    if (turn->answer_count == 0) {
        return OK;
    }
    error = audit_checkpoint(read, &sending.size, &sending.note);
    if (error == ERR_NOT_FOUND) {
        error = OK;
    }
    for (struct answer *a = turn->answers; error == OK && a != NULL; a = a->next) {
        error = fill(&sending, a);
    }
    return error == OK ? sign_and_send(turn) : error;
}

void replies_give_up(struct turn *turn, enum refusal refusal)
{
    size_t count = 0;

    for (struct intake *intake = turn->taken; intake != NULL; intake = intake->next) {
        if (intake->handle != 0 &&
            turn_answer(turn, intake->handle, &intake->request.head_digest) != NULL) {
            intake->handle = 0;
        }
    }
    for (struct answer *answer = turn->answers; answer != NULL; answer = answer->next) {
        struct digest request = answer->head.request_digest;
        uint32_t code = answer->head.code != REFUSAL_NONE ? answer->head.code : refusal;

        memset(&answer->head, 0, sizeof(answer->head));
        answer->head.version = WIRE_VERSION;
        answer->head.request_digest = request;
        answer->head.code = code;
        fill_common(turn, &answer->head);
        count += answer->handle != 0;
    }
    if (count > 0 && sign_and_send(turn) != OK) {
        for (struct answer *a = turn->answers; a != NULL; a = a->next) {
            io_drop(&turn->broker->setup.io, a->handle);
        }
    }
}
