/* HAND-BACK: what agencies have of a log that was lost, verified and kept until all are done.
 *
 * Each item proves itself: the sender's signature, and a receipt under a checkpoint that this
 * broker signed itself, of whichever of its logs. So an agency can hand back what is true and
 * nothing else. What is kept is durable with the answer; replay.c applies it. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "broker/turn.h"
#include "store/dedupe.h"
#include "store/handed.h"
#include "wire/receipt.h"

struct handing { /* one item on its way */
    struct turn *turn;
    const struct agency *agency; /* that hands it back */
    const struct handed_back *item;
    struct region region;
    struct span payload;
    struct batch_proof proof;
    struct payload parts;
    struct message_header header;
    struct digest digest;
    struct receipt receipt;
    struct receipt_facts facts;
    uint64_t log; /* that the receipt is of */
};

/* ERR_MEMORY is the environment's; all else is the agency's, and the answer to its item. */
static enum err faulty(enum err error, enum refusal refusal, enum refusal *ret_refusal)
{
    if (error == ERR_MEMORY) {
        return error;
    }
    *ret_refusal = error == OK ? REFUSAL_NONE : refusal;
    return OK;
}

static enum err open_envelope(struct handing *handing)
{
    enum err error = envelope_decode(handing->item->envelope, &handing->region, &handing->payload,
                                     &handing->proof, NULL);

    if (error == OK) {
        error = payload_split(handing->payload, &handing->parts, NULL);
    }
    if (error == OK) {
        error = header_decode(handing->parts.header, &handing->region, &handing->header, NULL);
    }
    if (error == OK) {
        handing->digest = message_digest(&handing->parts);
    }
    return error;
}

static enum err open_receipt(struct handing *handing)
{
    const struct keyring *keyring = handing->turn->broker->setup.keyring;
    enum err error =
        receipt_decode(handing->item->receipt, &handing->region, &handing->receipt, NULL);

    if (error == OK) {
        error = receipt_verify(&handing->receipt, keyring, &handing->region, &handing->facts, NULL);
    }
    if (error == OK) {
        error =
            recovery_log(keyring_origin(keyring), handing->facts.checkpoint.origin, &handing->log);
    }
    return error;
}

/* A key of its sender that was valid when the log took it; what an agency sent itself it signs
 * anew. */
static bool is_signed(const struct handing *handing, uint64_t at_ms)
{
    const struct keyring *keyring = handing->turn->broker->setup.keyring;
    const char *sender = handing->header.sender;
    const struct key_entry *key;
    bool own = strcmp(sender, handing->agency->id) == 0;

    if (keyring_find_past(keyring, sender, handing->proof.key, at_ms, &key) != OK &&
        (!own ||
         keyring_find(keyring, sender, handing->proof.key, handing->turn->now_ms, &key) != OK)) {
        return false;
    }
    return key->use == KEY_SIGN &&
           batch_proof_verify(&handing->proof, &handing->digest, key->public_key) == OK;
}

static bool is_of_message(const struct handing *handing)
{
    const struct leaf_record *record = &handing->facts.record;

    return (record->kind == LEAF_MESSAGE || record->kind == LEAF_REFUSED) &&
           uuid_equal(&record->message_id, &handing->header.message_id) &&
           digest_equal(&record->message_digest, &handing->digest) &&
           strcmp(record->actor, handing->header.sender) == 0;
}

static bool is_receipt(const struct message_header *header)
{
    return header->kind == MESSAGE_DELIVERY || header->kind == MESSAGE_REJECTION;
}

/* Is that very leaf in this log, or that message decided in it? Then nothing was lost. */
static enum err is_there(struct handing *handing, bool *ret_there)
{
    struct turn *turn = handing->turn;
    const struct agency *sender =
        registry_find(turn->broker->setup.registry, handing->header.sender);
    struct audit_entry entry;
    struct dedupe_row row;
    enum err error = ERR_NOT_FOUND;

    *ret_there = false;
    if (handing->item->receipt.len > 0) {
        error = audit_read(turn->txn, handing->receipt.leaf_index, &entry);
        *ret_there = error == OK && digest_equal(&entry.hash, &handing->facts.leaf_hash);
    }
    if (!*ret_there && (error == OK || error == ERR_NOT_FOUND) && sender != NULL) {
        error = dedupe_find(turn->txn, sender->number, &handing->header.message_id, &row);
        *ret_there = error == OK && digest_equal(&row.digest, &handing->digest);
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* --- keeping --- */

/* Numbers that people hold stay given: those of documents count on behind them. */
static enum err keep_number(struct handing *handing)
{
    struct number_counter *documents = &handing->turn->documents;
    struct message message = {.header = handing->header};
    struct number number;
    enum err error;

    if (handing->header.kind != MESSAGE_ESCALATION) {
        return OK;
    }
    error = facts_decode(&handing->parts, &handing->region, &message, NULL);
    if (error == OK &&
        number_parse(NUMBER_DOCUMENT, message.notice.document_number, &number) == OK &&
        (number.year > documents->year ||
         (number.year == documents->year && number.counter > documents->last))) {
        documents->year = number.year;
        documents->last = number.counter;
    }
    return error == ERR_MEMORY ? error : OK;
}

static enum err keep_notice(struct handing *handing, uint64_t place)
{
    const struct agency *recipient =
        registry_find(handing->turn->broker->setup.registry, handing->facts.record.recipient);
    struct handed_notice notice = {.referral_id = handing->header.referral_id,
                                   .place = place,
                                   .envelope = handing->item->envelope};
    enum err error = keep_number(handing);

    if (error != OK || recipient == NULL) {
        return error;
    }
    notice.recipient = recipient->number;
    return handed_notice_put(handing->turn->txn, &notice);
}

/* What a log that was lost as well had written anew stands where it stood first. */
static uint64_t order_of(const struct handing *handing)
{
    const struct leaf_record *record = &handing->facts.record;
    const struct leaf_recovered *before = &record->recovered;

    return record->has_recovered && !before->late && before->code == 0
               ? recovery_place(before->log, before->leaf)
               : recovery_place(handing->log, handing->receipt.leaf_index);
}

static enum err keep_recorded(struct handing *handing, enum refusal *ret_refusal)
{
    struct turn *turn = handing->turn;
    struct recovering *state = &turn->recovering;
    bool notice = message_kind_from_broker(handing->header.kind);
    struct handed_item item = {.order = order_of(handing),
                               .place = recovery_place(handing->log, handing->receipt.leaf_index),
                               .notice = notice,
                               .receipt = handing->item->receipt,
                               .envelope = notice ? span_of(NULL, 0) : handing->item->envelope};
    enum err error = handed_put(turn->txn, &item, &handing->facts.leaf_hash);

    if (error == ERR_EXISTS) {
        return OK;
    }
    if (error == ERR_FORGED) {
        log_event(EVENT_HAND_BACK_REFUSED,
                  "two receipts of this broker are of leaf %" PRIu64
                  " of %s: its log was forked before it was lost; what %s holds is not applied",
                  handing->receipt.leaf_index, handing->facts.checkpoint.origin,
                  handing->agency->id);
        *ret_refusal = REFUSAL_ALREADY;
        return OK;
    }
    if (error == OK && notice) {
        error = keep_notice(handing, item.place);
    }
    turn->written += handing->item->envelope.len + handing->item->receipt.len;
    state->handed_back++;
    if (handing->log == state->old_log && handing->receipt.leaf_index >= state->to) {
        state->to = handing->receipt.leaf_index + 1;
    }
    if (handing->facts.record.at_ms > state->last_ms) {
        state->last_ms = handing->facts.record.at_ms;
    }
    turn->recovering_changed = true;
    return error;
}

/* A delivery receipt that waited at its agency when the log was lost: it names a place there. */
static enum err keep_unrecorded(struct handing *handing, enum refusal *ret_refusal)
{
    const struct handed_receipt receipt = {.sender = handing->agency->number,
                                           .message_id = handing->header.message_id,
                                           .envelope = handing->item->envelope};

    if (!is_receipt(&handing->header) || strcmp(handing->header.sender, handing->agency->id) != 0) {
        *ret_refusal = REFUSAL_KIND;
        return OK;
    }
    if (!is_signed(handing, handing->turn->now_ms)) {
        *ret_refusal = REFUSAL_SIGNATURE;
        return OK;
    }
    return handed_receipt_put(handing->turn->txn, &receipt);
}

static enum err take(struct handing *handing, enum refusal *ret_refusal)
{
    bool there = false;
    enum err error = faulty(open_envelope(handing), REFUSAL_PAYLOAD, ret_refusal);

    if (error != OK || *ret_refusal != REFUSAL_NONE) {
        return error;
    }
    if (handing->item->receipt.len > 0) {
        error = faulty(open_receipt(handing), REFUSAL_SIGNATURE, ret_refusal);
        if (error == OK && *ret_refusal == REFUSAL_NONE &&
            (!is_of_message(handing) || !is_signed(handing, handing->facts.record.at_ms))) {
            *ret_refusal = REFUSAL_SIGNATURE;
        }
    }
    if (error == OK && *ret_refusal == REFUSAL_NONE) {
        error = is_there(handing, &there);
    }
    if (error != OK || there || *ret_refusal != REFUSAL_NONE) {
        return error;
    }
    return handing->item->receipt.len > 0 ? keep_recorded(handing, ret_refusal)
                                          : keep_unrecorded(handing, ret_refusal);
}

/* --- the request --- */

/* Is anything kept that is not applied? */
static enum err is_pending(struct turn *turn, bool *ret_pending)
{
    struct handed_item item;
    struct handed_receipt receipt;
    enum err error = handed_first(turn->txn, &item);

    if (error == ERR_NOT_FOUND) {
        error = handed_receipt_first(turn->txn, &receipt);
    }
    *ret_pending = error == OK;
    return error == ERR_NOT_FOUND ? OK : error;
}

/* Said again and again, until all is applied. */
static enum err say_all(struct turn *turn, const struct intake *intake)
{
    bool pending = false;
    uint8_t how = 0;
    enum err error = handed_all_get(turn->txn, intake->agency->number, &how);

    if (error == OK && how != 1) {
        error = handed_all_put(turn->txn, intake->agency->number, 1);
    }
    if (error == OK) {
        error = is_pending(turn, &pending);
    }
    if (turn->recovering.phase == RECOVERY_OVER && pending) {
        turn->recovering.late_all = true;
        turn->recovering_changed = true;
    }
    turn->broker->again = true; /* it may be the last one */
    return error;
}

static enum err phase_of(struct turn *turn, enum hand_back_phase *ret_phase)
{
    bool pending = false;
    enum err error = is_pending(turn, &pending);

    switch (turn->recovering.phase) {
    case RECOVERY_AWAITING:
        *ret_phase = HAND_BACK_AWAITING;
        break;
    case RECOVERY_APPLYING:
        *ret_phase = HAND_BACK_APPLYING;
        break;
    case RECOVERY_NONE:
    case RECOVERY_OVER:
        *ret_phase = pending ? HAND_BACK_APPLYING : HAND_BACK_DONE;
        break;
    }
    return error;
}

enum err hand_back_handle(struct turn *turn, struct intake *intake, struct answer *answer)
{
    const struct request_head *head = &intake->request.head;
    size_t count = head->hand_back.item_count;
    uint32_t *codes = region_take(&turn->region, (count + 1) * sizeof(*codes));
    enum err error = codes != NULL ? turn_txn(turn) : ERR_MEMORY;

    for (size_t i = 0; error == OK && i < count; i++) {
        struct handing handing = {
            .turn = turn, .agency = intake->agency, .item = &head->hand_back.items[i]};
        enum refusal refusal = REFUSAL_NONE;

        region_init(&handing.region,
                    2 * LIMIT_PARSE_BYTES(handing.item->envelope.len + handing.item->receipt.len));
        error = take(&handing, &refusal);
        region_free(&handing.region);
        codes[i] = refusal;
        if (refusal != REFUSAL_NONE) {
            log_event(EVENT_HAND_BACK_REFUSED,
                      "what %s hands back does not prove itself (%s): it is not taken",
                      intake->agency->id, refusal_name(refusal));
        }
    }
    if (error == OK && head->hand_back.all) {
        error = say_all(turn, intake);
    }
    answer->head.kind = REPLY_HAND_BACK;
    answer->head.hand_back.codes = codes;
    answer->head.hand_back.code_count = count;
    return error == OK ? phase_of(turn, &answer->head.hand_back.phase) : error;
}
