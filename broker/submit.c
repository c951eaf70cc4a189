/* SUBMIT and ACK: each message of a request is looked up, decided and written, or refused; its
 * answer is always a reference to a leaf, so that the same message gets the same receipt for ever.
 * Only where nothing can be recorded now (store or queue full, too many refusals, shutting down)
 * the answer is "later", without a leaf. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "broker/letters.h"
#include "base/log.h"
#include "broker/turn.h"
#include "model/vocabulary.h"
#include "store/dedupe.h"
#include "store/handed.h"
#include "wire/sealing.h"

#define RETRY_MS 5000u

struct submission { /* one message on its way */
    struct turn *turn;
    const struct agency *signer;
    struct payload payload;
    struct digest digest;
    const struct request *request; /* that brings it, */
    size_t index;                  /* there; */
    struct span envelope;          /* or, of a lost log, as it was kept */
    bool acknowledging;
    struct region region; /* what header and facts decode into */
    struct message message;
    struct receipt_ref *ref;
};

static enum err later(struct submission *submission, enum refusal refusal)
{
    submission->ref->leaf = AUDIT_NONE;
    submission->ref->refusal = refusal;
    submission->ref->retry_after_ms = RETRY_MS;
    return OK;
}

static void log_refused(const struct submission *submission, enum refusal refusal,
                        const char *detail)
{
    const struct message_header *header = &submission->message.header;
    char case_id[UUID_TEXT_BYTES];
    const struct log_subject subject = {
        .case_id = case_id, .agency = submission->signer->id, .code = refusal_name(refusal)};

    uuid_format(&header->case_id, case_id);
    log_about(EVENT_MESSAGE_REFUSED, &subject, "refused %s of %s: %s %s",
              message_kind_name(header->kind), submission->signer->id, refusal_name(refusal),
              detail);
}

/* One leaf for what a verified signer sent and the rules do not allow. */
static enum err record_refusal(struct submission *submission, enum refusal refusal,
                               const char *detail, uint64_t *ret_leaf)
{
    struct turn *turn = submission->turn;
    const struct message_header *header = &submission->message.header;
    struct leaf_record record;

    ledger_record(turn, LEAF_REFUSED, submission->signer->id, &record);
    record.refusal = refusal;
    text_copy(record.detail, sizeof(record.detail), detail);
    record.message_id = header->message_id;
    record.message_digest = submission->digest;
    record.message_kind = header->kind;
    record.case_id = header->case_id;
    record.referral_id = header->referral_id;
    text_copy(record.recipient, sizeof(record.recipient), header->recipient);
    text_copy(record.referral_number, sizeof(record.referral_number), header->referral_number);
    turn->broker->counts.refused++;
    log_refused(submission, refusal, detail);
    return ledger_append(turn, &record, span_of(NULL, 0), AUDIT_NONE, ret_leaf);
}

/* --- what a lost log had taken, and what does not fit any more --- */

/* To whoever it was addressed: nobody has to acknowledge what nothing runs for. */
static enum err keep_for(struct submission *submission, struct leaf_record *record,
                         const struct agency *addressee)
{
    struct turn *turn = submission->turn;
    const struct stream_entry entry = {
        .stream = {.recipient = addressee->number, .lane = turn->replaying.lane},
        .envelope = submission->envelope,
        .trail = AUDIT_NONE};
    uint64_t leaf;
    enum err error = ledger_queue(turn, record, &entry, &leaf);

    if (error == OK && submission->ref->leaf == AUDIT_NONE) {
        submission->ref->leaf = leaf;
    }
    return error;
}

static enum err keep_for_all(struct submission *submission, struct leaf_record *record)
{
    const struct registry *registry = submission->turn->broker->setup.registry;
    const struct message *message = &submission->message;
    enum err error = OK;

    for (size_t i = 0; error == OK && i < registry_count(registry); i++) {
        const struct agency *agency = registry_at(registry, i);

        if (agency->class != CLASS_ASSOCIATE &&
            (strcmp(agency->id, message->header.recipient) == 0 ||
             agency_set_has(&message->copies, agency->number))) {
            error = keep_for(submission, record, agency);
        }
    }
    return error;
}

/* What it acknowledges has arrived, whatever became of the receipt. */
static enum err keep_receipt(struct submission *submission)
{
    const struct delivery_facts *at = &submission->message.delivery;
    const struct queue_stream stream = {.recipient = submission->signer->number,
                                        .lane = (uint8_t)(at->lane % QUEUE_LANES)};
    struct queue_item item;
    enum err error = queue_get(submission->turn->txn, stream, at->stream_seq, &item);

    if (error == OK && uuid_equal(&item.message_id, &submission->message.header.refers_to)) {
        error = queue_plain(submission->turn->txn, stream, at->stream_seq);
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* It was taken once: it stays in the log and reaches those whom it is for, with the reason why it
 * changes nothing. */
static enum err keep(struct submission *submission, enum refusal refusal, const char *detail)
{
    struct turn *turn = submission->turn;
    const struct message_header *header = &submission->message.header;
    struct dedupe_row row = {.digest = submission->digest};
    struct leaf_record record;
    enum err error = OK;

    if (turn->replaying.unrecorded) {
        return OK; /* its agency sends it again, and is told */
    }
    ledger_record(turn, LEAF_MESSAGE, submission->signer->id, &record);
    record.recovered.code = refusal;
    text_copy(record.detail, sizeof(record.detail), detail);
    record.message_id = header->message_id;
    record.message_digest = submission->digest;
    record.message_kind = header->kind;
    record.case_id = header->case_id;
    record.referral_id = header->referral_id;
    text_copy(record.recipient, sizeof(record.recipient), header->recipient);
    text_copy(record.referral_number, sizeof(record.referral_number), header->referral_number);
    if (submission->acknowledging) {
        error = keep_receipt(submission);
    } else {
        error = keep_for_all(submission, &record);
    }
    record.has_stream = false;
    if (error == OK && submission->ref->leaf == AUDIT_NONE) {
        error =
            ledger_append(turn, &record, submission->envelope, AUDIT_NONE, &submission->ref->leaf);
    }
    row.leaf = submission->ref->leaf;
    turn->recovering.kept++;
    turn->recovering_changed = true;
    log_event(EVENT_MESSAGE_LEFT_OUT,
              "%s of %s was taken by the log that was lost, and does not fit any more (%s): it is "
              "kept and delivered",
              message_kind_name(header->kind), header->referral_number, refusal_name(refusal));
    return error == OK
               ? dedupe_add(turn->txn, submission->signer->number, &header->message_id, &row)
               : error;
}

static enum err refuse(struct submission *submission, enum refusal refusal, const char *detail)
{
    struct turn *turn = submission->turn;
    const struct agency *agency = submission->signer;
    struct session *session = &turn->broker->agencies[agency_place(turn->broker, agency)].session;
    const struct uuid *id = &submission->message.header.message_id;
    struct dedupe_row row = {.digest = submission->digest};
    enum err error;

    if (turn->replaying.active) {
        return keep(submission, refusal, detail);
    }
    if (!session_may_refuse(session, turn->now_ms)) {
        return later(submission, REFUSAL_RATE);
    }
    error = record_refusal(submission, refusal, detail, &row.leaf);
    if (error == OK && refusal == REFUSAL_HOPS) {
        error = letters_add(turn, row.leaf, DEAD_HOPS, detail);
    }
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
    const struct agency *agency = submission->signer;
    struct session *session = &turn->broker->agencies[agency_place(turn->broker, agency)].session;
    const struct uuid *id = &submission->message.header.message_id;
    struct dedupe_row row = {.digest = submission->digest};
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

/* --- decide and write --- */

/* What was rejected: where, by a path, and why. */
static enum err keep_letter(struct submission *submission, const struct lookup *found)
{
    const struct delivery_facts *facts = &submission->message.delivery;
    const struct word *word = vocabulary_find(VOCABULARY_REJECTION, facts->reason);
    char detail[LIMIT_DETAIL_BYTES];

    assert(found->queued_found); /* else it would have been refused */
    (void)snprintf(detail, sizeof(detail), "%s %.100s", word != NULL ? word->id : "unreadable",
                   facts->field);
    return letters_add(submission->turn, found->queued.leaf, DEAD_UNREADABLE, detail);
}

/* Its sender uploads again what the copy lacks, before it hands the message back: where it could
 * not, that is said. */
static enum err tell_missing_bytes(const struct submission *submission)
{
    size_t missing = 0;
    enum err error =
        blobs_missing(submission->turn, submission->signer, &submission->message, &missing);

    if (error == OK && missing != 0) {
        log_event(EVENT_ATTACHMENT_MISSING,
                  "material %zu of %s is not here: the copy lacks its attachment, and %s could not "
                  "upload it again",
                  missing, submission->message.header.referral_number, submission->signer->id);
    }
    return error;
}

static enum err write_accepted(struct submission *submission, const struct subject *before,
                               const struct lookup *found)
{
    struct turn *turn = submission->turn;
    const struct message_header *header = &submission->message.header;
    struct cause cause = {.header = header,
                          .digest = submission->digest,
                          .item = found->queued_found ? &found->queued : NULL};
    struct dedupe_row row = {.digest = submission->digest};
    struct buf envelope;
    enum err error;

    buf_init(&envelope, LIMIT_ENVELOPE_BYTES + 4096);
    error = submission->request != NULL
                ? request_envelope(submission->request, submission->index, &envelope)
                : buf_append(&envelope, submission->envelope.data, submission->envelope.len);
    if (error == OK) {
        cause.envelope = span_buf(&envelope);
        error = ledger_apply(turn, before, &cause, &row.leaf);
    }
    if (error == OK) {
        error = blobs_refer(turn, submission->signer, &submission->message);
    }
    if (error == OK && turn->replaying.active) {
        error = tell_missing_bytes(submission);
    }
    if (error == OK) {
        error = dedupe_add(turn->txn, submission->signer->number, &header->message_id, &row);
    }
    if (error == OK && header->kind == MESSAGE_REJECTION) {
        error = keep_letter(submission, found);
    }
    submission->ref->leaf = row.leaf;
    turn->broker->counts.messages++;
    buf_free(&envelope);
    return error;
}

static enum err decide_referral(struct submission *submission, struct referral *before,
                                struct lookup *lookup)
{
    struct turn *turn = submission->turn;
    struct decide_context ctx = ledger_context(turn);
    struct decision *decision = turn->broker->decision;
    struct subject subject;
    enum err error = before != NULL ? scheduler_redate_first(turn, before) : OK;

    lookup->referral = before;
    if (error == OK) {
        error = lookup_fill(turn, lookup, &ctx);
    }
    if (error != OK) {
        return error;
    }
    decide_message(&ctx, before, &submission->message, decision);
    if (decision->refusal != REFUSAL_NONE) {
        return refuse(submission, decision->refusal, decision->detail);
    }
    if (before != NULL) {
        subject = subject_of_referral(before);
    }
    return write_accepted(submission, before != NULL ? &subject : NULL, lookup);
}

static enum err keep_edition(struct submission *submission)
{
    uint8_t value[4];

    be32_put(value, submission->message.roster.edition);
    return store_meta_put(submission->turn->txn, "roster", span_of(value, sizeof(value)));
}

static enum err decide_matter(struct submission *submission, struct matter *before,
                              struct lookup *lookup)
{
    struct turn *turn = submission->turn;
    struct decide_context ctx = ledger_context(turn);
    struct decision *decision = turn->broker->decision;
    struct subject subject;
    enum err error = before != NULL ? scheduler_redate_matter_first(turn, before) : OK;

    lookup->matter = before;
    if (error == OK) {
        error = lookup_fill(turn, lookup, &ctx);
    }
    if (error != OK) {
        return error;
    }
    decide_matter_message(&ctx, before, &submission->message, decision);
    if (decision->refusal != REFUSAL_NONE) {
        return refuse(submission, decision->refusal, decision->detail);
    }
    if (before != NULL) {
        subject = subject_of_matter(before);
    }
    error = write_accepted(submission, before != NULL ? &subject : NULL, lookup);
    return error == OK && submission->message.header.kind == MESSAGE_ROSTER
               ? keep_edition(submission)
               : error;
}

/* A withdrawn referral takes with it what was only asked because of it. */
static enum err end_matters_of(struct turn *turn, const struct case_key *referral)
{
    struct decide_context ctx = ledger_context(turn);
    struct cause by_referral = {.header = NULL};
    struct matter *matter = turn->broker->matter;
    struct case_key at = *referral, key;
    bool first = true;
    enum err error = OK;

    while (error == OK) {
        struct subject subject;
        struct span packed;
        uint64_t leaf;

        error = cases_next(turn->txn, &referral->case_id, first ? NULL : &at, &key, &packed);
        if (error != OK) {
            break;
        }
        at = key;
        first = false;
        if (!matter_is_packed(packed)) {
            continue;
        }
        error = matter_unpack(packed, matter);
        if (error == OK && matter->state == MATTER_OPEN &&
            uuid_equal(&matter->about, &referral->referral_id)) {
            decide_matter_withdrawn(&ctx, matter, turn->broker->decision);
            subject = subject_of_matter(matter);
            error = turn->broker->decision->matter.state != matter->state
                        ? ledger_apply(turn, &subject, &by_referral, &leaf)
                        : OK; /* one that was not delivered ends without a leaf of its own */
            ctx.documents = turn->documents;
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* What lies under the message's key decides who decides: a referral, a matter, or, where there is
 * nothing yet, the message's own kind. */
static enum err decide(struct submission *submission)
{
    struct turn *turn = submission->turn;
    const struct message_header *header = &submission->message.header;
    const struct case_key key = {.case_id = header->case_id, .referral_id = header->referral_id};
    struct lookup lookup = {.message = &submission->message,
                            .signer = submission->signer,
                            .region = &submission->region};
    bool of_matter = message_kind_of_matter(header->kind);
    struct referral before;
    struct span packed;
    enum err error = cases_get(turn->txn, &key, &packed);

    if (error == ERR_NOT_FOUND) {
        return of_matter ? decide_matter(submission, NULL, &lookup)
                         : decide_referral(submission, NULL, &lookup);
    }
    if (error != OK) {
        return error;
    }
    if (matter_is_packed(packed)) {
        error = matter_unpack(packed, turn->broker->matter);
        return error == OK ? decide_matter(submission, turn->broker->matter, &lookup) : error;
    }
    if (of_matter) {
        return refuse(submission, REFUSAL_MATTER_EXISTS, "header.referral_id: a referral has it");
    }
    error = referral_unpack(packed, &before);
    if (error == OK) {
        error = decide_referral(submission, &before, &lookup);
    }
    if (error == OK && header->kind == MESSAGE_WITHDRAWAL &&
        turn->broker->decision->refusal == REFUSAL_NONE) {
        error = end_matters_of(turn, &key);
    }
    return error;
}

/* --- one message --- */

/* What the header alone allows to say. REFUSAL_NONE: go on. */
static enum refusal check_header(const struct submission *submission)
{
    const struct message_header *header = &submission->message.header;
    bool receipt = header->kind == MESSAGE_DELIVERY || header->kind == MESSAGE_REJECTION;

    if (strcmp(header->sender, submission->signer->id) != 0) {
        return REFUSAL_SENDER;
    }
    if (header->suite != crypto_suite() || header->version != WIRE_VERSION) {
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
    enum err error = dedupe_find(submission->turn->txn, submission->signer->number,
                                 &submission->message.header.message_id, &row);

    *ret_known = error == OK;
    if (error != OK) {
        return error == ERR_NOT_FOUND ? OK : error;
    }
    if (digest_equal(&row.digest, &submission->digest)) {
        submission->ref->leaf = row.leaf;
        return submission->request != NULL
                   ? revocation_resign(submission->turn, submission->request, submission->index,
                                       row.leaf)
                   : OK;
    }
    return refuse_reuse(submission);
}

/* The answer names the one whose queue is full: of several the sender cannot guess it. */
static enum err check_queue(struct submission *submission, const struct agency *recipient,
                            enum refusal *ret_refusal)
{
    const struct broker_setup *setup = &submission->turn->broker->setup;
    uint64_t max = setup->queue_max != 0 ? setup->queue_max : LIMIT_QUEUE_COUNT;
    uint64_t waiting = 0;
    enum err error = queue_waiting(submission->turn->txn, recipient->number, &waiting, NULL);

    if (error == OK && waiting >= max) {
        *ret_refusal = REFUSAL_QUEUE_FULL;
        text_copy(submission->ref->detail, sizeof(submission->ref->detail), recipient->id);
    }
    return error;
}

/* Is there room for a new submission, in the store and with all whom it goes to? Where one has
 * none, nobody gets it yet: it comes again as one act. Acknowledgements always have room. */
static enum err check_room(struct submission *submission, enum refusal *ret_refusal)
{
    const struct broker_setup *setup = &submission->turn->broker->setup;
    const struct message *message = &submission->message;
    enum err error = OK;

    if (submission->acknowledging) {
        return OK;
    }
    if (!store_accepts(setup->store)) {
        *ret_refusal = REFUSAL_STORE_FULL;
        return OK;
    }
    if (submission->turn->written > TURN_WRITTEN_BYTES) {
        *ret_refusal = REFUSAL_RATE; /* the rest of this request: a turn of its own */
        return OK;
    }
    for (size_t i = 0;
         error == OK && *ret_refusal == REFUSAL_NONE && i < registry_count(setup->registry); i++) {
        const struct agency *agency = registry_at(setup->registry, i);

        if (strcmp(agency->id, message->header.recipient) == 0 ||
            agency_set_has(&message->copies, agency->number)) {
            error = check_queue(submission, agency, ret_refusal);
        }
    }
    return error;
}

/* The outside of the payload, its facts, and room; then the rules. */
static enum err take(struct submission *submission)
{
    const struct payload *payload = &submission->payload;
    struct fault fault = {.code = ""};
    enum refusal refusal = REFUSAL_NONE;
    enum err error = facts_decode(payload, &submission->region, &submission->message, &fault);

    if (error == ERR_INVALID || error == ERR_TOO_LARGE) {
        return refuse(submission, REFUSAL_PAYLOAD, fault.place);
    }
    if (error == OK && submission->message.body_present &&
        sealed_check(payload->body, &submission->message, submission->turn->broker->setup.registry,
                     &submission->region, &fault) != OK) {
        return refuse(submission, REFUSAL_SEALING, fault.place);
    }
    if (error == OK) {
        error = check_room(submission, &refusal);
    }
    if (error != OK || refusal != REFUSAL_NONE) {
        return error != OK ? error : later(submission, refusal);
    }
    return decide(submission);
}

/* What it sent before has its receipt: that is answered first. */
static bool is_suspended(const struct submission *submission)
{
    const struct broker *broker = submission->turn->broker;

    return broker_suspended(broker, agency_place(broker, submission->signer));
}

static enum err handle_known_header(struct submission *submission)
{
    enum refusal refusal;
    bool known = false;
    enum err error = answer_known(submission, &known);

    if (error != OK || known) {
        return error;
    }
    if (submission->turn->broker->stopping) {
        return later(submission, REFUSAL_STOPPING);
    }
    if (!submission->acknowledging && is_suspended(submission)) {
        error = later(submission, REFUSAL_SUSPENDED);
        submission->ref->retry_after_ms = SUSPENDED_RETRY_MS;
        return error;
    }
    refusal = check_header(submission);
    return refusal != REFUSAL_NONE ? refuse(submission, refusal, "header") : take(submission);
}

static enum err handle_message(struct submission *submission)
{
    struct message_header *header = &submission->message.header;
    struct fault fault = {.code = ""};
    enum err error = header_decode(submission->payload.header, &submission->region, header, &fault);

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
                                        .signer = intake->agency,
                                        .payload = request->messages[i].payload,
                                        .digest = request->messages[i].digest,
                                        .request = request,
                                        .index = i,
                                        .acknowledging = acknowledging,
                                        .ref = &answer->refs[i]};

        region_init(&submission.region, LIMIT_PARSE_BYTES(request->messages[i].bytes.len));
        error = handle_message(&submission);
        region_free(&submission.region);
    }
    return error;
}

enum err submit_handle(struct turn *turn, struct intake *intake, struct answer *answer)
{
    return handle_messages(turn, intake, answer, false);
}

/* In the store, for how it is shown when it is over; that it was shown, for this session. */
static enum err note_held(struct turn *turn, const struct agency *agency,
                          const struct queue_item *item)
{
    struct broker *broker = turn->broker;
    uint64_t *to = &broker->agencies[agency_place(broker, agency)].held_to[item->stream.lane];

    *to = item->seq > *to ? item->seq : *to;
    return item->held ? OK : queue_hold(turn->txn, item->stream, item->seq);
}

/* Takes what needs no signed receipt off the queue, and marks what is noted as held: all of the
 * positions, or none. */
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
            } else if (error == OK && at->held) {
                error = pass == 1 ? note_held(turn, intake->agency, &item) : OK;
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

/* --- anew, from a log that was lost --- */

/* A delivery receipt names the place that the message had in the lost log: here it has another.
 * ERR_BUSY: which is not in the log yet. */
static enum err translate(struct submission *submission)
{
    struct turn *turn = submission->turn;
    struct delivery_facts *at = &submission->message.delivery;
    const struct message_header *header = &submission->message.header;
    const struct agency *author = registry_find(turn->broker->setup.registry, header->recipient);
    struct handed_queued key = {.recipient = submission->signer->number,
                                .message_id = header->refers_to};
    struct queue_stream stream;
    struct queue_item item;
    struct audit_entry entry;
    enum err error;

    key.author = author != NULL ? author->number : 0;
    error = handed_queued_find(turn->txn, &key, &stream, &at->stream_seq);
    if (error != OK) {
        return error == ERR_NOT_FOUND ? OK
                                      : error; /* it was queued before: its place is the same */
    }
    at->lane = stream.lane;
    error = queue_get(turn->txn, stream, at->stream_seq, &item);
    if (error == OK) {
        error = audit_read(turn->txn, item.leaf, &entry);
        if (error == ERR_NOT_FOUND) {
            return ERR_BUSY;
        }
    }
    if (error == OK) {
        at->leaf_index = item.leaf;
        at->leaf_hash = entry.hash;
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err replay(struct submission *submission)
{
    struct message *message = &submission->message;
    struct dedupe_row known;
    enum err error =
        header_decode(submission->payload.header, &submission->region, &message->header, NULL);

    if (error == OK) {
        error = dedupe_find(submission->turn->txn, submission->signer->number,
                            &message->header.message_id, &known);
        if (error != ERR_NOT_FOUND) {
            return error; /* decided already */
        }
        error = facts_decode(&submission->payload, &submission->region, message, NULL);
    }
    if (error == ERR_INVALID || error == ERR_TOO_LARGE) {
        return ERR_CORRUPT; /* it was read when it was handed back */
    }
    submission->acknowledging =
        message->header.kind == MESSAGE_DELIVERY || message->header.kind == MESSAGE_REJECTION;
    if (error == OK && submission->acknowledging) {
        error = translate(submission);
    }
    if (error == OK) {
        error = decide(submission);
    }
    if (error == OK) {
        submission->turn->recovering.applied++;
        submission->turn->recovering_changed = true;
    }
    return error;
}

enum err submit_replay(struct turn *turn, const struct handed_message *handed)
{
    struct receipt_ref ref = {.leaf = AUDIT_NONE};
    struct submission submission = {.turn = turn,
                                    .signer = handed->signer,
                                    .payload = handed->payload,
                                    .digest = handed->digest,
                                    .envelope = handed->envelope,
                                    .ref = &ref};
    enum err error;

    region_init(&submission.region, LIMIT_PARSE_BYTES(handed->envelope.len));
    error = replay(&submission);
    region_free(&submission.region);
    return error;
}
