/* The outbox: what waits goes to the broker in order, and is done with when a receipt is checked.
 *
 * Of one referral one message travels at a time, so that a message that must come again later is
 * not overtaken by its successor; and what is about a case's matters travels alone in its case.
 * What is put off holds back its successors in the same way: they would be refused for good.
 * Messages that the broker cannot take now (its store or the receiver's queue is full) keep
 * waiting; whatever it decided, for or against, is final. */
#include <inttypes.h>
#include <string.h>

#include "agent/bodies.h"
#include "agent/state.h"
#include "base/log.h"
#include "model/refusal.h"
#include "wire/receipt.h"
#include "wire/body_rest.h"

#define WALK_MAX     1024u /* rows that one batch looks at once it has any */
#define PASSED_FIRST 256u  /* slots; doubled when half of them are used */

/* --- sending --- */

/* A referral or case of which a row was passed that goes before: on its way, or left waiting. */
struct passed {
    struct uuid id;
    bool used;
    bool of_matter; /* a row about the case's matters */
};

struct batch {
    struct span payloads[AGENT_BATCH_COUNT]; /* the region's */
    uint64_t seqs[AGENT_BATCH_COUNT];
    size_t count;
    size_t bytes;
    struct passed *passed; /* the region's: open addressing, at most half full */
    size_t passed_count, passed_slots;
    struct region region;
};

static struct passed *passed_find(const struct batch *batch, const struct uuid *id)
{
    size_t mask = batch->passed_slots - 1;
    size_t at = (size_t)be64_get(id->bytes + UUID_BYTES - 8) & mask;

    while (batch->passed[at].used && !uuid_equal(&batch->passed[at].id, id)) {
        at = (at + 1) & mask;
    }
    return &batch->passed[at];
}

/* Room for two more. */
static enum err passed_room(struct batch *batch)
{
    const struct passed *before = batch->passed;
    size_t slots = batch->passed_slots;

    if (before != NULL && 2 * (batch->passed_count + 2) <= slots) {
        return OK;
    }
    batch->passed_slots = slots == 0 ? PASSED_FIRST : 2 * slots;
    batch->passed = region_take(&batch->region, batch->passed_slots * sizeof(*batch->passed));
    if (batch->passed == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; before != NULL && i < slots; i++) {
        if (before[i].used) {
            *passed_find(batch, &before[i].id) = before[i];
        }
    }
    return OK;
}

static void passed_add(struct batch *batch, const struct uuid *id, bool of_matter)
{
    struct passed *passed = passed_find(batch, id);

    batch->passed_count += passed->used ? 0 : 1;
    passed->id = *id;
    passed->used = true;
    passed->of_matter = passed->of_matter || of_matter;
}

/* Does something go before it? Whether a matter may begin hangs on all of its case. */
static bool is_behind(const struct batch *batch, const struct message_header *header)
{
    const struct passed *whole_case = passed_find(batch, &header->case_id);
    bool of_matter = message_kind_of_matter(header->kind);

    return passed_find(batch, &header->referral_id)->used ||
           (whole_case->used && (of_matter || whole_case->of_matter));
}

static enum err pass(struct batch *batch, const struct message_header *header, bool *ret_behind)
{
    enum err error = passed_room(batch);

    if (error == OK) {
        *ret_behind = is_behind(batch, header);
        passed_add(batch, &header->referral_id, false);
        passed_add(batch, &header->case_id, message_kind_of_matter(header->kind));
    }
    return error;
}

static size_t place_of(const struct agent *agent, const char *id)
{
    size_t count = registry_count(agent->setup.registry);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(registry_at(agent->setup.registry, i)->id, id) == 0) {
            return i;
        }
    }
    return count;
}

static bool is_deferred(const struct agent *agent, const struct row *row)
{
    size_t place = place_of(agent, row->header.recipient);

    return place < registry_count(agent->setup.registry) && agent->deferred_ms[place] != 0;
}

/* In a store from before an erasure a message may wait that was sent then: what is left of it has
 * another digest, and is never signed. */
static enum err batch_add(struct batch *batch, const struct row *row, struct span payload)
{
    struct payload parts;
    enum err error = payload_split(payload, &parts, NULL);
    uint8_t *copy = NULL;

    if (error != OK || body_was_erased(&parts)) {
        return error;
    }
    copy = region_take(&batch->region, payload.len);
    if (copy == NULL) {
        return ERR_MEMORY;
    }
    memcpy(copy, payload.data, payload.len);
    batch->payloads[batch->count] = span_of(copy, payload.len);
    batch->seqs[batch->count] = row->seq;
    batch->count++;
    batch->bytes += payload.len;
    return OK;
}

/* In order; what is put off or has a predecessor in the batch stays for a later one. */
static enum err batch_fill(struct agent *agent, struct store_txn *read, enum row_queue queue,
                           struct batch *batch)
{
    struct row row = {.seq = 0};

    for (unsigned i = 0; batch->count < AGENT_BATCH_COUNT; i++) {
        struct span payload;
        bool behind = false, holds = false;
        enum err error = row_waiting(read, queue, row.seq, &row);

        if (error != OK || (i >= WALK_MAX && batch->count > 0)) {
            return error == ERR_NOT_FOUND ? OK : error;
        }
        if (queue == ROW_SUBMITS) {
            error = pass(batch, &row.header, &behind);
        }
        if (error == OK && queue == ROW_SUBMITS && (behind || is_deferred(agent, &row))) {
            continue;
        }
        if (error == OK && queue == ROW_SUBMITS) {
            error = carry_holds(agent, read, row.seq, &holds);
        }
        if (error == OK && holds) {
            continue; /* its attachments go first */
        }
        if (error == OK) {
            error = row_payload(read, &row, &payload);
        }
        if (error != OK || (batch->count > 0 && batch->bytes + payload.len > AGENT_BATCH_BYTES)) {
            return error;
        }
        error = batch_add(batch, &row, payload);
        if (error != OK) {
            return error;
        }
    }
    return OK;
}

static enum err batch_load(struct agent *agent, enum row_queue queue, struct batch *batch)
{
    struct store_txn *read;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error == OK) {
        error = batch_fill(agent, read, queue, batch);
        store_read_end(read);
    }
    return error;
}

/* Of what we sent and the new log of a restored broker has not shown yet, new receipts are asked
 * for: the same messages again. */
static enum err confirm_fill(struct agent *agent, struct store_txn *read, bool receipts,
                             struct batch *batch)
{
    struct row row = {.seq = 0};
    bool any = false;
    enum err error = OK;

    while (error == OK && batch->count < AGENT_BATCH_COUNT) {
        struct span payload;

        error = row_next_marked(read, row.seq, &row);
        if (error != OK || row.direction != ROW_OUT) {
            continue;
        }
        any = true;
        if (row.state == ROW_WAITING || receipts != (row_queue_of(&row) == ROW_RECEIPTS)) {
            continue;
        }
        error = row_payload(read, &row, &payload);
        if (error == OK && batch->count > 0 && batch->bytes + payload.len > AGENT_BATCH_BYTES) {
            break;
        }
        error = error == OK ? batch_add(batch, &row, payload) : error;
    }
    if (error == ERR_NOT_FOUND) {
        agent->following.confirms = any;
        error = OK;
    }
    return error;
}

static enum err batch_confirm(struct agent *agent, bool receipts, struct batch *batch)
{
    struct store_txn *read;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error == OK) {
        error = confirm_fill(agent, read, receipts, batch);
        store_read_end(read);
    }
    return error;
}

static enum err batch_send(struct agent *agent, enum agent_slot slot, struct batch *batch)
{
    struct request_head head = {.kind = REQUEST_SUBMIT};
    struct asking *asking = &agent->askings[slot];
    enum err error;

    if (slot == SLOT_ACK) {
        head.kind = REQUEST_ACK;
        head.ack.count = (uint32_t)batch->count;
        head.ack.plain = agent->plain;
        head.ack.plain_count = agent->plain_count;
    } else {
        head.submit.count = (uint32_t)batch->count;
    }
    error = session_ask(agent, slot, &head, batch->payloads);
    if (error == OK) {
        memcpy(asking->seqs, batch->seqs, sizeof(asking->seqs));
        asking->count = batch->count;
    }
    return error;
}

void outbox_send(struct agent *agent, enum agent_slot slot)
{
    bool receipts = slot == SLOT_ACK;
    struct batch batch = {.count = 0};
    enum err error = OK;

    if (receipts && !agent->receipts_wait && agent->plain_count == 0 &&
        !agent->following.confirms) {
        return;
    }
    region_init(&batch.region, AGENT_REGION_BYTES);
    if (!receipts || agent->receipts_wait || agent->following.confirms) {
        error = batch_load(agent, receipts ? ROW_RECEIPTS : ROW_SUBMITS, &batch);
    }
    if (error == OK && batch.count == 0 && agent->following.confirms) {
        error = batch_confirm(agent, receipts, &batch);
    }
    if (error == OK && batch.count == 0) {
        *(receipts ? &agent->receipts_wait : &agent->submits_wait) = false;
    }
    if (error == OK && (batch.count > 0 || (receipts && agent->plain_count > 0))) {
        error = batch_send(agent, slot, &batch);
    }
    if (error != OK) {
        agent_trouble(agent, slot, error);
    }
    region_free(&batch.region);
}

/* --- receipts --- */

struct answered { /* one message of the request and what the broker says of it */
    struct agent *agent;
    struct store_txn *txn;
    struct region *region;
    const struct opened *opened;
    const struct shared_receipt *shared;
    struct row row;
};

static bool defer(struct agent *agent, const char *id, uint64_t until_ms)
{
    size_t place = place_of(agent, id);
    bool known = place < registry_count(agent->setup.registry);

    if (known) {
        agent->deferred_ms[place] = until_ms;
    }
    return known;
}

/* The officer sees what it waits for. */
static enum err keep_reason(struct answered *answered)
{
    struct row *row = &answered->row;
    const struct shared_receipt *shared = answered->shared;

    if (row->state != ROW_WAITING ||
        (row->code == shared->code && strcmp(row->detail, shared->detail) == 0)) {
        return OK;
    }
    log_event(EVENT_MESSAGE_WAITS, "the broker cannot take a message now (%s %s): it waits here",
              refusal_name((enum refusal)shared->code), shared->detail);
    row->code = shared->code;
    text_copy(row->detail, sizeof(row->detail), shared->detail);
    return row_update(answered->txn, row);
}

/* Not now: it keeps waiting. A message to several waits until all of them have room; what goes to
 * the one that has none need not be tried meanwhile. */
static enum err put_off(struct answered *answered, enum agent_slot slot)
{
    struct agent *agent = answered->agent;
    const struct shared_receipt *shared = answered->shared;
    uint64_t until_ms = agent_machine_ms(agent) + agent_retry_ms(shared->retry_after_ms);
    bool full = slot == SLOT_SUBMIT && shared->code == REFUSAL_QUEUE_FULL;

    if (full && defer(agent, answered->row.header.recipient, until_ms)) {
        (void)defer(agent, shared->detail, until_ms); /* of an older broker: names nobody */
    } else {
        agent->askings[slot].not_before_ms = until_ms;
    }
    return keep_reason(answered);
}

/* The record is of this very message, and says one thing: taken, or refused. */
static bool is_record_of(const struct answered *answered, const struct leaf_record *record,
                         const struct digest *digest)
{
    bool taken = record->kind == LEAF_MESSAGE && record->refusal == REFUSAL_NONE;
    bool refused = record->kind == LEAF_REFUSED && record->refusal != REFUSAL_NONE;

    return (taken || refused) && digest_equal(&record->message_digest, digest) &&
           uuid_equal(&record->message_id, &answered->row.header.message_id) &&
           strcmp(record->actor, answered->agent->setup.self->id) == 0;
}

/* A receipt has the checkpoint of its commit, which is no later than that of the reply. */
static bool is_of_the_log(const struct answered *answered, const struct checkpoint *checkpoint)
{
    const struct checkpoint *log = &answered->opened->checkpoint;

    if (strcmp(checkpoint->origin, log->origin) != 0) {
        return recovery_has(answered->agent, checkpoint);
    }
    return checkpoint->size < log->size ||
           (checkpoint->size == log->size && digest_equal(&checkpoint->root, &log->root));
}

/* The receipt proves that this very message was recorded. */
static enum err check_receipt(struct answered *answered, struct span payload,
                              struct receipt *ret_receipt, struct receipt_facts *ret_facts)
{
    struct agent *agent = answered->agent;
    const struct reply_head *head = &answered->opened->reply.head;
    const struct reply_nodes nodes = {.nodes = head->submit.nodes,
                                      .node_count = head->submit.node_count,
                                      .checkpoint = head->checkpoint};
    struct fault fault = {.code = ""};
    struct payload parts;
    struct digest digest;
    enum err error = payload_split(payload, &parts, NULL);

    if (error != OK) {
        return error; /* our own bytes: the store is damaged */
    }
    digest = message_digest_at_rest(&parts);
    error = receipt_expand(answered->shared, &nodes, answered->region, ret_receipt);
    if (error == OK) {
        error =
            receipt_verify(ret_receipt, agent->setup.keyring, answered->region, ret_facts, &fault);
    }
    if (error == ERR_MEMORY) {
        return error;
    }
    if (error != OK || !is_record_of(answered, &ret_facts->record, &digest) ||
        !is_of_the_log(answered, &ret_facts->checkpoint)) {
        agent_alarm(agent, DISTRUST_RECEIPT,
                    "a receipt does not prove that message %" PRIu64 " was recorded: %s",
                    answered->row.seq, fault.message);
        return ERR_FORGED;
    }
    return OK;
}

static enum err follow(struct answered *answered)
{
    struct copy_input input = {.signer = answered->agent->setup.self->number,
                               .at_ms = answered->row.recorded_ms,
                               .order = answered->row.order};
    struct message message;
    struct payload parts;
    enum err error =
        show_open_row(answered->txn, &answered->row, answered->region, &parts, &message);

    if (error == OK) {
        input.message = &message;
        error = copy_follow(answered->agent, answered->txn, &input);
    }
    return error;
}

static enum err keep(struct answered *answered, const struct receipt *receipt,
                     const struct receipt_facts *facts)
{
    struct row *row = &answered->row;
    struct buf bytes;
    enum err error;

    row->state = facts->record.kind == LEAF_MESSAGE ? ROW_ACCEPTED : ROW_REFUSED;
    row->recorded_ms = recovery_counts_ms(&facts->record);
    row->log = answered->agent->following.log;
    row->order = recovery_order(answered->agent, &facts->record, receipt->leaf_index);
    row->leaf_index = receipt->leaf_index;
    row->checkpoint_size = facts->checkpoint.size;
    row->code = facts->record.refusal;
    text_copy(row->detail, sizeof(row->detail), facts->record.detail);
    buf_init(&bytes, LIMIT_ENVELOPE_BYTES);
    error = receipt_encode(receipt, &bytes);
    if (error == OK) {
        error = row_put_receipt(answered->txn, row->seq, span_buf(&bytes));
    }
    if (error == OK) {
        error = row_update(answered->txn, row);
    }
    buf_free(&bytes);
    return error;
}

/* --- what a new log shows again --- */

/* It must say of the message what the lost one said. */
static void compare(const struct answered *answered, const struct receipt_facts *facts)
{
    const struct row *row = &answered->row;
    bool accepted = facts->record.kind == LEAF_MESSAGE;

    if (accepted != (row->state == ROW_ACCEPTED) ||
        recovery_counts_ms(&facts->record) != row->recorded_ms) {
        log_event(EVENT_ALARM,
                  "the new log says of message %" PRIu64 " (%s) something else than the receipt of "
                  "the lost one: it is %s there; the old receipt is kept as evidence",
                  row->seq, row->header.referral_number, accepted ? "taken" : "refused");
    } else if (recovery_left_out(&facts->record)) {
        log_event(EVENT_MESSAGE_LEFT_OUT,
                  "%s of %s is in the new log, but does not fit there any more (%s)",
                  message_kind_name(row->header.kind), row->header.referral_number,
                  refusal_name((enum refusal)facts->record.recovered.code));
    }
}

static enum err keep_shown(struct answered *answered, const struct receipt *receipt,
                           const struct receipt_facts *facts)
{
    struct row *row = &answered->row;
    struct buf bytes;
    enum err error;

    compare(answered, facts);
    buf_init(&bytes, LIMIT_ENVELOPE_BYTES);
    error = receipt_encode(receipt, &bytes);
    if (error == OK) {
        error = row_supersede_receipt(answered->txn, row, span_buf(&bytes));
    }
    buf_free(&bytes);
    row->log = answered->agent->following.log;
    row->leaf_index = receipt->leaf_index;
    row->checkpoint_size = facts->checkpoint.size;
    if (error == OK) {
        error = row_update(answered->txn, row);
    }
    return error == OK ? row_unmark(answered->txn, row->seq) : error;
}

static enum err take_receipt(struct answered *answered)
{
    struct receipt_facts facts;
    struct receipt receipt;
    struct span payload;
    enum err error = row_payload(answered->txn, &answered->row, &payload);

    if (error == OK) {
        error = check_receipt(answered, payload, &receipt, &facts);
    }
    if (error == OK && answered->row.state != ROW_WAITING) {
        return keep_shown(answered, &receipt, &facts);
    }
    if (error == OK) {
        error = row_unmark(answered->txn, answered->row.seq);
    }
    if (error == OK) {
        error = keep(answered, &receipt, &facts);
    }
    if (error == OK && facts.record.kind == LEAF_MESSAGE) {
        error = follow(answered);
    }
    if (error != OK) {
        return error;
    }
    if (answered->row.state == ROW_REFUSED) {
        const struct case_key key = {.case_id = answered->row.header.case_id,
                                     .referral_id = answered->row.header.referral_id};

        changes_add(answered->agent, &key);
        log_event(EVENT_MESSAGE_RETURNED, "the broker refused %s of %s: %s (%s)",
                  message_kind_name(answered->row.header.kind),
                  answered->row.header.referral_number,
                  refusal_name((enum refusal)answered->row.code),
                  refusal_hint((enum refusal)answered->row.code));
    }
    if (row_is_shown(&answered->row)) {
        events_add(answered->agent, row_state_name(answered->row.state), &answered->row, NULL);
    }
    return OK;
}

static enum err take_answers(struct agent *agent, struct store_txn *txn, enum agent_slot slot,
                             const struct opened *opened, struct region *region)
{
    const struct asking *asking = &agent->askings[slot];
    const struct reply_head *head = &opened->reply.head;

    if (head->kind != REPLY_SUBMIT || head->submit.receipt_count != asking->count) {
        agent_alarm(agent, DISTRUST_ANSWER, "the broker answered %zu messages with %zu receipts",
                    asking->count, head->kind == REPLY_SUBMIT ? head->submit.receipt_count : 0);
        return ERR_FORGED;
    }
    for (size_t i = 0; i < asking->count; i++) {
        struct answered answered = {.agent = agent,
                                    .txn = txn,
                                    .region = region,
                                    .opened = opened,
                                    .shared = &head->submit.receipts[i]};
        enum err error = row_get(txn, ROW_OUT, asking->seqs[i], &answered.row);

        if (error == OK && answered.shared->code != REFUSAL_NONE) {
            error = put_off(&answered, slot);
        } else if (error == OK) {
            error = take_receipt(&answered);
        }
        if (error != OK) {
            return error;
        }
    }
    return OK;
}

enum err submit_replied(struct agent *agent, struct store_txn *txn, const struct opened *opened,
                        struct region *region)
{
    return take_answers(agent, txn, SLOT_SUBMIT, opened, region);
}

enum err ack_replied(struct agent *agent, struct store_txn *txn, const struct opened *opened,
                     struct region *region)
{
    enum err error = take_answers(agent, txn, SLOT_ACK, opened, region);

    if (error == OK) {
        agent->plain_count = 0; /* what was not taken comes again with the next fetch */
    }
    return error;
}
