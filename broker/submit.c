/* SUBMIT and ACK: each message of a request is looked up, decided and written, or refused; its
 * answer is always a reference to a leaf, so that the same message gets the same receipt for ever.
 * Only where nothing can be recorded now (store or queue full, too many refusals, shutting down)
 * the answer is "later", without a leaf. */
#include <string.h>

#include "broker/turn.h"
#include "store/dedupe.h"
#include "wire/sealing.h"

#define RETRY_MS 5000u

struct submission { /* one message on its way */
    struct turn *turn;
    struct intake *intake;
    const struct request_message *sent;
    size_t index; /* in the request */
    bool acknowledging;
    struct region region; /* what header and facts decode into */
    struct message message;
    struct receipt_ref *ref;
    struct queue_item item; /* that a receipt names */
    bool item_found;
};

static enum err later(struct submission *submission, enum refusal refusal)
{
    submission->ref->leaf = AUDIT_NONE;
    submission->ref->refusal = refusal;
    submission->ref->retry_after_ms = RETRY_MS;
    return OK;
}

/* One leaf for what a verified signer sent and the rules do not allow. */
static enum err record_refusal(struct submission *submission, enum refusal refusal,
                               const char *detail, uint64_t *ret_leaf)
{
    struct turn *turn = submission->turn;
    const struct message_header *header = &submission->message.header;
    struct leaf_record record;

    ledger_record(turn, LEAF_REFUSED, submission->intake->agency->id, &record);
    record.refusal = refusal;
    text_copy(record.detail, sizeof(record.detail), detail);
    record.message_id = header->message_id;
    record.message_digest = submission->sent->digest;
    record.message_kind = header->kind;
    record.case_id = header->case_id;
    record.referral_id = header->referral_id;
    turn->broker->counts.refused++;
    return ledger_append(turn, &record, span_of(NULL, 0), AUDIT_NONE, ret_leaf);
}

static enum err refuse(struct submission *submission, enum refusal refusal, const char *detail)
{
    struct turn *turn = submission->turn;
    const struct agency *agency = submission->intake->agency;
    struct session *session = &turn->broker->agencies[agency_place(turn->broker, agency)].session;
    const struct uuid *id = &submission->message.header.message_id;
    struct dedupe_row row = {.digest = submission->sent->digest};
    enum err error;

    if (!session_may_refuse(session, turn->now_ms)) {
        return later(submission, REFUSAL_RATE);
    }
    error = record_refusal(submission, refusal, detail, &row.leaf);
    submission->ref->leaf = row.leaf;
    if (error == OK && !uuid_is_zero(id)) {
        error = dedupe_add(turn->txn, agency->number, id, &row);
    }
    return error;
}

/* The id was used for another message: one leaf for each such message, and its receipt again. */
static enum err refuse_reuse(struct submission *submission)
{
    struct turn *turn = submission->turn;
    const struct agency *agency = submission->intake->agency;
    struct session *session = &turn->broker->agencies[agency_place(turn->broker, agency)].session;
    const struct uuid *id = &submission->message.header.message_id;
    struct dedupe_row row = {.digest = submission->sent->digest};
    enum err error = dedupe_find_conflict(turn->txn, agency->number, id, &row.digest, &row.leaf);

    if (error == OK) {
        submission->ref->leaf = row.leaf;
        return OK;
    }
    if (error != ERR_NOT_FOUND) {
        return error;
    }
    if (!session_may_refuse(session, turn->now_ms)) {
        return later(submission, REFUSAL_RATE);
    }
    error = record_refusal(submission, REFUSAL_ID_REUSED, "header.message_id", &row.leaf);
    if (error == OK) {
        error = dedupe_add_conflict(turn->txn, agency->number, id, &row);
    }
    submission->ref->leaf = row.leaf;
    return error;
}

/* --- what only the broker can look up --- */

static enum err number_is_foreign(struct turn *turn, const char *number,
                                  const struct case_key *owner, bool *ret_foreign)
{
    struct case_key key;
    enum err error;

    if (number == NULL || number[0] == '\0') {
        return OK;
    }
    error = number_find(turn->txn, number, &key);
    if (error == ERR_NOT_FOUND) {
        return OK;
    }
    if (error == OK && !(uuid_equal(&key.case_id, &owner->case_id) &&
                         uuid_equal(&key.referral_id, &owner->referral_id))) {
        *ret_foreign = true;
    }
    return error;
}

static enum err look_up_numbers(struct submission *submission, const struct case_key *key,
                                struct decide_context *ctx)
{
    struct claimed_numbers claimed = decide_claimed_numbers(&submission->message);
    struct case_key whole_case = {.case_id = key->case_id};
    enum err error = number_is_foreign(submission->turn, claimed.referral, key, &ctx->number_taken);

    if (error == OK) {
        error = number_is_foreign(submission->turn, claimed.case_number, &whole_case,
                                  &ctx->number_taken);
    }
    if (error == OK) {
        error =
            number_is_foreign(submission->turn, claimed.register_number, key, &ctx->number_taken);
    }
    return error;
}

static enum err look_up_case(struct submission *submission, const struct case_key *key,
                             struct decide_context *ctx)
{
    char name[REFERRAL_NAME_BYTES];
    struct case_key found;
    struct span packed;
    enum err error = cases_next(submission->turn->txn, &key->case_id, NULL, &found, &packed);

    if (error == OK) {
        ctx->case_known = true;
    } else if (error != ERR_NOT_FOUND) {
        return error;
    }
    error = ledger_referral_name(&key->referral_id, name);
    if (error == OK) {
        error = number_is_foreign(submission->turn, name, key, &ctx->referral_known);
    }
    return error;
}

static enum err look_up_item(struct submission *submission, struct decide_item *item,
                             struct decide_context *ctx)
{
    const struct delivery_facts *facts = &submission->message.delivery;
    struct queue_stream stream = {.recipient = submission->intake->agency->number};
    struct audit_entry entry;
    struct leaf_record record;
    enum err error;

    if (facts->lane >= QUEUE_LANES) {
        return OK;
    }
    stream.lane = (uint8_t)facts->lane;
    error = queue_get(submission->turn->txn, stream, facts->stream_seq, &submission->item);
    if (error != OK) {
        return error == ERR_NOT_FOUND ? OK : error;
    }
    error = audit_read(submission->turn->txn, submission->item.leaf, &entry);
    if (error == OK) {
        error = leaf_record_decode(entry.record, &submission->region, &record, NULL);
    }
    if (error != OK) {
        return error;
    }
    submission->item_found = true;
    item->message_id = submission->item.message_id;
    item->case_id = record.case_id;
    item->referral_id = record.referral_id;
    item->leaf_index = submission->item.leaf;
    item->leaf_hash = entry.hash;
    ctx->item = item;
    return OK;
}

/* refers_to must be a message of this referral: one that either party sent. */
static enum err look_up_refers_to(struct submission *submission, const struct referral *before,
                                  struct decide_context *ctx)
{
    const struct uuid *id = &submission->message.header.refers_to;
    const uint16_t senders[] = {before->sender, before->receiver};
    struct dedupe_row row;

    if (uuid_is_zero(id) || ctx->item != NULL) {
        return OK;
    }
    for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
        enum err error = dedupe_find(submission->turn->txn, senders[i], id, &row);
        struct audit_entry entry;
        struct leaf_record record;

        if (error == ERR_NOT_FOUND) {
            continue;
        }
        if (error == OK) {
            error = audit_read(submission->turn->txn, row.leaf, &entry);
        }
        if (error == ERR_NOT_FOUND) {
            return OK; /* decided in this same turn: the dedupe row is witness enough */
        }
        if (error == OK) {
            error = leaf_record_decode(entry.record, &submission->region, &record, NULL);
        }
        if (error != OK) {
            return error;
        }
        ctx->refers_to_foreign =
            record.kind != LEAF_MESSAGE || !uuid_equal(&record.referral_id, &before->referral_id);
        return OK;
    }
    ctx->refers_to_foreign = true;
    return OK;
}

static enum err load(struct submission *submission, const struct case_key *key,
                     struct referral *ret_before, bool *ret_found)
{
    struct span packed;
    enum err error = cases_get(submission->turn->txn, key, &packed);

    if (error == ERR_NOT_FOUND) {
        *ret_found = false;
        return OK;
    }
    if (error == OK) {
        error = referral_unpack(packed, ret_before);
    }
    *ret_found = true;
    return error;
}

static bool is_referral(const struct message *message)
{
    return message->header.kind == MESSAGE_OUTBOUND_REFERRAL ||
           message->header.kind == MESSAGE_INBOUND_REFERRAL;
}

static enum err look_up(struct submission *submission, const struct case_key *key,
                        const struct referral *before, struct decide_item *item,
                        struct decide_context *ctx)
{
    enum err error = look_up_numbers(submission, key, ctx);

    if (error == OK && is_referral(&submission->message)) {
        error = look_up_case(submission, key, ctx);
    }
    if (error == OK && submission->acknowledging) {
        error = look_up_item(submission, item, ctx);
    }
    if (error == OK && before != NULL) {
        error = look_up_refers_to(submission, before, ctx);
    }
    return error;
}

/* --- decide and write --- */

static enum err write_accepted(struct submission *submission, const struct referral *before)
{
    struct turn *turn = submission->turn;
    const struct message_header *header = &submission->message.header;
    struct cause cause = {.header = header,
                          .digest = submission->sent->digest,
                          .item = submission->item_found ? &submission->item : NULL};
    struct dedupe_row row = {.digest = submission->sent->digest};
    struct buf envelope;
    enum err error;

    buf_init(&envelope, LIMIT_ENVELOPE_BYTES + 4096);
    error = request_envelope(&submission->intake->request, submission->index, &envelope);
    if (error == OK) {
        cause.envelope = span_buf(&envelope);
        error = ledger_apply(turn, before, &cause, &row.leaf);
    }
    if (error == OK) {
        error =
            dedupe_add(turn->txn, submission->intake->agency->number, &header->message_id, &row);
    }
    submission->ref->leaf = row.leaf;
    turn->broker->counts.messages++;
    buf_free(&envelope);
    return error;
}

static enum err decide(struct submission *submission)
{
    struct turn *turn = submission->turn;
    const struct message_header *header = &submission->message.header;
    struct case_key key = {.case_id = header->case_id, .referral_id = header->referral_id};
    struct decide_context ctx = ledger_context(turn);
    struct decision *decision = turn->broker->decision;
    struct decide_item item;
    struct referral before;
    bool found = false;
    enum err error = load(submission, &key, &before, &found);

    if (error != OK) {
        return error;
    }
    ctx.signer = submission->intake->agency->number;
    error = look_up(submission, &key, found ? &before : NULL, &item, &ctx);
    if (error != OK) {
        return error;
    }
    decide_message(&ctx, found ? &before : NULL, &submission->message, decision);
    if (decision->refusal != REFUSAL_NONE) {
        return refuse(submission, decision->refusal, decision->detail);
    }
    return write_accepted(submission, found ? &before : NULL);
}

/* --- one message --- */

/* What the header alone allows to say. REFUSAL_NONE: go on. */
static enum refusal check_header(const struct submission *submission)
{
    const struct message_header *header = &submission->message.header;
    bool receipt = header->kind == MESSAGE_DELIVERY || header->kind == MESSAGE_REJECTION;

    if (strcmp(header->sender, submission->intake->agency->id) != 0) {
        return REFUSAL_SENDER;
    }
    if (header->suite != SUITE_INTL || header->version != WIRE_VERSION) {
        return REFUSAL_PAYLOAD;
    }
    if (!message_kind_from_agency(header->kind) || receipt != submission->acknowledging) {
        return REFUSAL_KIND;
    }
    return REFUSAL_NONE;
}

/* Was it decided before? Then its receipt, or the refusal of a used id, is the answer. */
static enum err answer_known(struct submission *submission, bool *ret_known)
{
    struct dedupe_row row;
    enum err error = dedupe_find(submission->turn->txn, submission->intake->agency->number,
                                 &submission->message.header.message_id, &row);

    *ret_known = error == OK;
    if (error != OK) {
        return error == ERR_NOT_FOUND ? OK : error;
    }
    if (digest_equal(&row.digest, &submission->sent->digest)) {
        submission->ref->leaf = row.leaf;
        return OK;
    }
    return refuse_reuse(submission);
}

/* Is there room for a new submission? Acknowledgements always have it. */
static enum err check_room(struct submission *submission, enum refusal *ret_refusal)
{
    struct turn *turn = submission->turn;
    const struct agency *recipient =
        registry_find(turn->broker->setup.registry, submission->message.header.recipient);
    uint64_t waiting = 0;
    enum err error = OK;

    if (submission->acknowledging || recipient == NULL) {
        return OK;
    }
    if (!store_accepts(turn->broker->setup.store)) {
        *ret_refusal = REFUSAL_STORE_FULL;
        return OK;
    }
    error = queue_waiting(turn->txn, recipient->number, &waiting, NULL);
    if (error == OK && waiting >= LIMIT_QUEUE_COUNT) {
        *ret_refusal = REFUSAL_QUEUE_FULL;
    }
    return error;
}

static enum err handle_known_header(struct submission *submission)
{
    const struct payload *payload = &submission->sent->payload;
    struct fault fault = {.code = ""};
    enum refusal refusal = REFUSAL_NONE;
    bool known = false;
    enum err error = answer_known(submission, &known);

    if (error != OK || known) {
        return error;
    }
    if (submission->turn->broker->stopping) {
        return later(submission, REFUSAL_STOPPING);
    }
    refusal = check_header(submission);
    if (refusal != REFUSAL_NONE) {
        return refuse(submission, refusal, "header");
    }
    error = check_room(submission, &refusal);
    if (error != OK || refusal != REFUSAL_NONE) {
        return error != OK ? error : later(submission, refusal);
    }
    error = facts_decode(payload, &submission->region, &submission->message, &fault);
    if (error == ERR_INVALID || error == ERR_TOO_LARGE) {
        return refuse(submission, REFUSAL_PAYLOAD, fault.place);
    }
    if (error == OK && submission->message.body_present &&
        sealed_check(payload->body, &submission->message.header, &submission->region, &fault) !=
            OK) {
        return refuse(submission, REFUSAL_SEALING, fault.place);
    }
    return error != OK ? error : decide(submission);
}

static enum err handle_message(struct submission *submission)
{
    struct message_header *header = &submission->message.header;
    struct fault fault = {.code = ""};
    enum err error =
        header_decode(submission->sent->payload.header, &submission->region, header, &fault);

    if (error == ERR_INVALID || error == ERR_TOO_LARGE) {
        memset(header, 0, sizeof(*header));
        return refuse(submission, REFUSAL_PAYLOAD, fault.place);
    }
    if (error != OK) {
        return error;
    }
    submission->ref->message_id = header->message_id;
    return handle_known_header(submission);
}

static enum err handle_messages(struct turn *turn, struct intake *intake, struct answer *answer,
                                bool acknowledging)
{
    const struct request *request = &intake->request;
    enum err error = turn_txn(turn);

    answer->head.kind = REPLY_SUBMIT;
    answer->refs = region_take(&turn->region, (request->message_count + 1) * sizeof(*answer->refs));
    if (answer->refs == NULL) {
        return ERR_MEMORY;
    }
    answer->ref_count = request->message_count;
    for (size_t i = 0; error == OK && i < request->message_count; i++) {
        struct submission submission = {.turn = turn,
                                        .intake = intake,
                                        .sent = &request->messages[i],
                                        .index = i,
                                        .acknowledging = acknowledging,
                                        .ref = &answer->refs[i]};

        region_init(&submission.region, LIMIT_PARSE_BYTES(submission.sent->bytes.len));
        error = handle_message(&submission);
        region_free(&submission.region);
    }
    return error;
}

enum err submit_handle(struct turn *turn, struct intake *intake, struct answer *answer)
{
    return handle_messages(turn, intake, answer, false);
}

/* Takes what needs no signed receipt off the queue: all of the positions, or none. */
static enum err remove_plain(struct turn *turn, const struct intake *intake, struct answer *answer)
{
    const struct request_head *head = &intake->request.head;
    enum err error = turn_txn(turn);

    for (unsigned pass = 0; error == OK && pass < 2; pass++) {
        for (size_t i = 0; error == OK && i < head->ack.plain_count; i++) {
            const struct position *at = &head->ack.plain[i];
            struct queue_stream stream = {.recipient = intake->agency->number,
                                          .lane = (uint8_t)(at->lane % QUEUE_LANES)};
            struct queue_item item;

            error = at->lane < QUEUE_LANES ? queue_get(turn->txn, stream, at->stream_seq, &item)
                                           : ERR_NOT_FOUND;
            if (error == ERR_NOT_FOUND) {
                error = OK; /* gone already: an acknowledgement may come twice */
            } else if (error == OK && item.wants_receipt) {
                answer->head.code = REFUSAL_DELIVERY;
                text_copy(answer->head.detail, sizeof(answer->head.detail), "ack.plain");
                return OK;
            } else if (error == OK && pass == 1) {
                error = queue_remove(turn->txn, stream, at->stream_seq);
            }
        }
    }
    return error;
}

enum err ack_handle(struct turn *turn, struct intake *intake, struct answer *answer)
{
    enum err error = remove_plain(turn, intake, answer);

    if (error != OK || answer->head.code != REFUSAL_NONE) {
        return error;
    }
    return handle_messages(turn, intake, answer, true);
}
