/* The broker's own messages: built while a turn decides, signed together once (one signature a
 * turn, each message with its path), then queued like any other. A notice keeps the lane of its
 * referral, so it never overtakes and is never overtaken by a message of that referral. */
#include <assert.h>
#include <string.h>

#include "broker/turn.h"

static void fill_header(const struct turn *turn, const struct effect *effect,
                        struct message_header *header)
{
    const struct broker *broker = turn->broker;
    const struct subject subject = subject_decided(broker->decision);
    const struct agency *recipient = registry_by_number(broker->setup.registry, effect->agency);
    uint8_t random[10];

    assert(recipient != NULL);
    io_random(&broker->setup.io, random, sizeof(random));
    header->version = WIRE_VERSION;
    header->suite = crypto_suite();
    header->kind = effect->notice;
    header->message_id = uuid_v7(turn->now_ms, random);
    header->case_id = subject.key.case_id;
    header->referral_id = subject.key.referral_id;
    header->created_ms = turn->now_ms;
    header->sender_key = key_id_of(broker->setup.key->public_key);
    text_copy(header->sender, sizeof(header->sender), BROKER_AGENCY);
    text_copy(header->recipient, sizeof(header->recipient), recipient->id);
    text_copy(header->case_number, sizeof(header->case_number), subject.case_number);
    text_copy(header->referral_number, sizeof(header->referral_number), subject.number);
}

/* Header and facts as one Payload in the turn's region. */
static enum err encode(struct turn *turn, const struct message *message, struct notice *notice)
{
    struct buf header, facts, payload;
    struct payload parts;
    uint8_t *kept = NULL;
    enum err error;

    buf_init(&header, LIMIT_HEADER_BYTES);
    buf_init(&facts, LIMIT_FACTS_BYTES);
    buf_init(&payload, LIMIT_ENVELOPE_BYTES);
    error = header_encode(&message->header, &header);
    if (error == OK) {
        error = facts_encode(message, &facts);
    }
    parts = (struct payload){.header = span_buf(&header), .facts = span_buf(&facts)};
    if (error == OK) {
        error = payload_encode(&parts, &payload);
    }
    if (error == OK) {
        kept = region_take(&turn->region, payload.len);
        error = kept != NULL ? OK : ERR_MEMORY;
    }
    if (error == OK) {
        memcpy(kept, payload.data, payload.len);
        notice->payload = span_of(kept, payload.len);
        notice->digest = message_digest(&parts);
    }
    buf_free(&header);
    buf_free(&facts);
    buf_free(&payload);
    return error;
}

enum err notices_add(struct turn *turn, const struct effect *effect, const struct cause *cause)
{
    struct decide_context ctx = ledger_context(turn);
    struct trace_day trace[DECIDE_TRACE_MAX];
    struct message message = {.header = {.version = 0}};
    struct notice *notice = region_take(&turn->region, sizeof(*notice));
    enum err error;

    if (notice == NULL) {
        return ERR_MEMORY;
    }
    fill_header(turn, effect, &message.header);
    decide_notice_facts(&ctx, effect, trace, &message.notice);
    if (effect->evidence && cause->header != NULL) {
        message.notice.evidence = cause->envelope;
    }
    notice->header = message.header;
    notice->recipient = effect->agency;
    notice->lane = effect->lane;
    notice->replaying = turn->replaying;
    error = replay_notice(turn, &message, cause, notice);
    if (error == OK && notice->envelope.len == 0) {
        error = encode(turn, &message, notice);
    }
    if (error == OK) {
        *turn->notices_end = notice;
        turn->notices_end = &notice->next;
        turn->notice_count++;
        turn->broker->counts.notices++;
    }
    return error;
}

/* `proof` NULL: it has been signed before, and its addressee has it. */
static enum err queue_one(struct turn *turn, const struct notice *notice,
                          const struct batch_proof *proof)
{
    struct leaf_record record;
    struct stream_entry entry = {.stream = {.recipient = notice->recipient, .lane = notice->lane},
                                 .trail = AUDIT_NONE};
    struct buf envelope;
    uint64_t leaf;
    enum err error;

    turn->replaying = notice->replaying;
    ledger_record(turn, LEAF_MESSAGE, BROKER_AGENCY, &record);
    record.message_id = notice->header.message_id;
    record.message_digest = notice->digest;
    record.message_kind = notice->header.kind;
    record.case_id = notice->header.case_id;
    record.referral_id = notice->header.referral_id;
    text_copy(record.referral_number, sizeof(record.referral_number),
              notice->header.referral_number);
    buf_init(&envelope, LIMIT_ENVELOPE_BYTES + 4096);
    error = proof != NULL ? envelope_encode(notice->payload, proof, &envelope)
                          : buf_append(&envelope, notice->envelope.data, notice->envelope.len);
    if (error == OK) {
        entry.envelope = span_buf(&envelope);
        error = ledger_queue(turn, &record, &entry, &leaf);
    }
    turn->replaying.active = false;
    buf_free(&envelope);
    return error;
}

enum err notices_flush(struct turn *turn)
{
    struct digest *digests;
    struct sign_batch batch;
    size_t i = 0;
    enum err error;

    if (turn->notice_count == 0) {
        return OK;
    }
    digests = region_take(&turn->region, turn->notice_count * sizeof(*digests));
    if (digests == NULL) {
        return ERR_MEMORY;
    }
    for (struct notice *notice = turn->notices; notice != NULL; notice = notice->next) {
        digests[i++] = notice->digest;
    }
    error = sign_batch_make(turn->broker->setup.key, digests, i, &turn->region, &batch);
    i = 0;
    for (struct notice *n = turn->notices; error == OK && n != NULL; n = n->next, i++) {
        struct batch_proof proof;

        error = sign_batch_proof(&batch, i, &turn->region, &proof);
        if (error == OK) {
            error = queue_one(turn, n, n->envelope.len > 0 ? NULL : &proof);
        }
    }
    return error;
}
