/* What the new log of a restored broker lacks is handed back to it: every message with a receipt
 * that it has not shown yet, of both directions, and the delivery receipts that were on their way.
 *
 * In batches, in the order of the rows; the broker knows what it has, so that after any break all
 * may come again. Attachments of our own messages are uploaded before the message. Nothing else is
 * sent or fetched until the broker says that it is done. Rows stay marked until the new log has
 * shown them: received ones come again in their streams, of sent ones the outbox asks for new
 * receipts. */
#include <inttypes.h>
#include <string.h>

#include "agent/state.h"
#include "base/log.h"
#include "model/refusal.h"

#define BATCH_COUNT 64u
#define AGAIN_MS    1000u /* while others are awaited */

struct batch {
    struct region region;
    struct handed_back items[BATCH_COUNT];
    struct span payloads[BATCH_COUNT]; /* of our own, which are signed anew */
    struct digest digests[BATCH_COUNT];
    size_t own[BATCH_COUNT]; /* their places among the items */
    size_t count, own_count;
    size_t bytes;
    uint64_t last; /* row */
    bool all;
};

static enum err copy(struct region *region, struct span from, struct span *ret_to)
{
    uint8_t *to = region_take(region, from.len + 1);

    if (to == NULL) {
        return ERR_MEMORY;
    }
    if (from.len > 0) {
        memcpy(to, from.data, from.len);
    }
    *ret_to = span_of(to, from.len);
    return OK;
}

static enum err add_own(struct batch *batch, struct span payload)
{
    struct payload parts;
    enum err error = payload_split(payload, &parts, NULL);

    if (error == OK) {
        batch->payloads[batch->own_count] = payload;
        batch->digests[batch->own_count] = message_digest(&parts);
        batch->own[batch->own_count] = batch->count;
        batch->own_count++;
    }
    return error;
}

static enum err add(struct store_txn *read, const struct row *row, struct batch *batch)
{
    struct handed_back *item = &batch->items[batch->count];
    struct span payload, receipt = span_of(NULL, 0);
    enum err error = row_payload(read, row, &payload);

    if (error == OK && row->state != ROW_WAITING) {
        error = row_receipt(read, row->seq, &receipt);
    }
    if (error == OK) {
        error = copy(&batch->region, receipt, &item->receipt);
    }
    if (error == OK) {
        error = copy(&batch->region, payload, &item->envelope);
    }
    if (error == OK && row->direction == ROW_OUT) {
        error = add_own(batch, item->envelope);
    }
    batch->bytes += payload.len + receipt.len + 1024;
    batch->last = row->seq;
    batch->count++;
    return error;
}

/* Until the batch is full, or the next one waits for its attachments. */
static enum err fill(struct agent *agent, struct store_txn *read, struct batch *batch)
{
    struct row row = {.seq = agent->following.after};
    enum err error = OK;

    while (error == OK && batch->count < BATCH_COUNT && batch->bytes < AGENT_BATCH_BYTES / 2) {
        enum row_body body = ROW_BODY_NONE;
        bool holds = false;

        error = row_next_marked(read, row.seq, &row);
        if (error == OK && row.direction == ROW_OUT && row.state != ROW_WAITING) {
            error = carry_holds(agent, read, row.seq, &holds);
        }
        if (holds) {
            return error;
        }
        if (error == OK) {
            error = row_body(read, &row, &body);
        }
        if (error == OK && body != ROW_BODY_ERASED) { /* marked in a copy from before */
            error = add(read, &row, batch);
        }
    }
    batch->all = error == ERR_NOT_FOUND;
    return error == ERR_NOT_FOUND ? OK : error;
}

/* One signature for all of our own. */
static enum err sign(const struct agent *agent, struct batch *batch)
{
    struct sign_batch signature;
    enum err error = OK;

    if (batch->own_count > 0) {
        error = sign_batch_make(agent->setup.sign_key, batch->digests, batch->own_count,
                                &batch->region, &signature);
    }
    for (size_t i = 0; error == OK && i < batch->own_count; i++) {
        struct batch_proof proof;
        struct buf envelope;

        buf_init(&envelope, LIMIT_ENVELOPE_BYTES + 4096);
        error = sign_batch_proof(&signature, i, &batch->region, &proof);
        if (error == OK) {
            error = envelope_encode(batch->payloads[i], &proof, &envelope);
        }
        if (error == OK) {
            error =
                copy(&batch->region, span_buf(&envelope), &batch->items[batch->own[i]].envelope);
        }
        buf_free(&envelope);
    }
    return error;
}

static enum err send(struct agent *agent, struct batch *batch)
{
    struct following *following = &agent->following;
    struct request_head head = {.kind = REQUEST_HAND_BACK};
    enum err error;

    if (batch->count == 0 && !batch->all) {
        return OK; /* an attachment is on its way */
    }
    head.hand_back.items = batch->items;
    head.hand_back.item_count = batch->count;
    head.hand_back.all = batch->all;
    error = session_ask(agent, SLOT_SESSION, &head, NULL);
    following->sent = batch->count > 0 ? batch->last : following->after;
    agent->askings[SLOT_SESSION].count = batch->count;
    following->all_said = batch->all;
    return error;
}

void hand_back_send(struct agent *agent)
{
    struct batch batch = {.count = 0};
    struct store_txn *read;
    enum err error = store_read_begin(agent->setup.store, &read);

    region_init(&batch.region, AGENT_REGION_BYTES);
    if (error == OK) {
        error = fill(agent, read, &batch);
        store_read_end(read);
    }
    if (error == OK) {
        error = sign(agent, &batch);
    }
    if (error == OK) {
        error = send(agent, &batch);
    }
    if (error != OK) {
        agent_trouble(agent, SLOT_SESSION, error);
    }
    region_free(&batch.region);
}

static void tell_refused(struct agent *agent, const struct reply_head *head)
{
    for (size_t i = 0; i < head->hand_back.code_count; i++) {
        const uint32_t code = head->hand_back.codes[i];

        if (code != REFUSAL_NONE) {
            agent->following.refused++;
            log_event(EVENT_HAND_BACK_REFUSED,
                      "the broker did not take a message that was handed back: %s",
                      refusal_name((enum refusal)code));
        }
    }
}

enum err hand_back_replied(struct agent *agent, struct store_txn *txn, const struct opened *opened)
{
    struct following *following = &agent->following;
    const struct reply_head *head = &opened->reply.head;
    enum err error = OK;

    if (head->kind != REPLY_HAND_BACK ||
        head->hand_back.code_count != agent->askings[SLOT_SESSION].count) {
        agent_alarm(agent, DISTRUST_ANSWER,
                    "the broker answered what was handed back with something else");
        return ERR_FORGED;
    }
    tell_refused(agent, head);
    following->after = following->sent;
    if (!following->all_said) {
        return OK;
    }
    if (head->hand_back.phase != HAND_BACK_DONE) {
        agent->askings[SLOT_SESSION].not_before_ms = agent_machine_ms(agent) + AGAIN_MS;
        return OK;
    }
    error = store_remove(txn, STORE_VALUE, span_text(HANDING_KEY));
    if (error == OK || error == ERR_NOT_FOUND) {
        following->handing = false; /* were the commit to fail, the next start hands back again */
        agent->receipts_wait = true;
        agent->submits_wait = true;
        log_event(EVENT_HANDED_BACK,
                  "the broker has all that was handed back: messages travel again");
        error = OK;
    }
    return error;
}

enum err hand_back_count(struct store_txn *txn, uint64_t *ret_count)
{
    struct row row = {.seq = 0};
    enum err error = OK;

    *ret_count = 0;
    while (error == OK) {
        error = row_next_marked(txn, row.seq, &row);
        *ret_count += error == OK;
    }
    return error == ERR_NOT_FOUND ? OK : error;
}
