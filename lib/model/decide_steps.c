/* The steps: what each message of an agency does to a referral (domain sections 3 and 4). One
 * function an event, in one table; whether the event is possible in the state is the transition
 * table's business (referral.c). */
#include <assert.h>
#include <string.h>

#include "model/decide_private.h"
#include "model/lanes.h"

static const struct message_header *header_of(const struct deciding *deciding)
{
    return &deciding->message->header;
}

static uint16_t number_of(const struct deciding *deciding, const char *id)
{
    const struct agency *agency = registry_find(deciding->ctx->registry, id);

    return agency != NULL ? agency->number : 0;
}

static uint16_t other_party(const struct deciding *deciding)
{
    const struct referral *after = &deciding->decision->after;

    return deciding->ctx->signer == after->sender ? after->receiver : after->sender;
}

/* --- which event, by whom --- */

static enum referral_event receipt_event(const struct deciding *deciding, bool rejection)
{
    const struct uuid *about = &header_of(deciding)->refers_to;
    const struct referral *before = deciding->before;

    if (before == NULL || uuid_equal(about, &before->message_id)) {
        return rejection ? EVENT_REJECTION : EVENT_DELIVERY;
    }
    if (uuid_equal(about, &before->papers_id)) {
        return rejection ? EVENT_PAPERS_REJECTION : EVENT_PAPERS_DELIVERY;
    }
    return rejection ? EVENT_OTHER_REJECTION : EVENT_OTHER_DELIVERY;
}

enum referral_event step_event(const struct deciding *deciding)
{
    const struct message *message = deciding->message;
    bool by_receiver =
        deciding->before != NULL && deciding->ctx->signer == deciding->before->receiver;

    switch (message->header.kind) {
    case MESSAGE_SIGN_FOR:
        return EVENT_SIGN_FOR;
    case MESSAGE_OUTBOUND_FEEDBACK:
    case MESSAGE_INBOUND_FEEDBACK:
        return message->feedback.outcome == OUTCOME_PROCEDURE_REQUIRED ? EVENT_FEEDBACK_PROCEDURE
                                                                       : EVENT_FEEDBACK_FINAL;
    case MESSAGE_APPLICANT_INFORMED:
        return EVENT_INFORMED;
    case MESSAGE_PAPERS:
        return by_receiver ? EVENT_PAPERS_REPORTED : EVENT_PAPERS_SENT;
    case MESSAGE_WITHDRAWAL:
        return EVENT_WITHDRAWAL;
    case MESSAGE_DELIVERY:
        return receipt_event(deciding, false);
    case MESSAGE_REJECTION:
        return receipt_event(deciding, true);
    default:
        return EVENT_SUBMIT;
    }
}

enum party { PARTY_SENDER, PARTY_RECEIVER, PARTY_EITHER };

/* Who may send a kind, as a party of the referral. */
static const enum party parties[MESSAGE_AGENCY_KIND_COUNT] = {
    [MESSAGE_SIGN_FOR] = PARTY_RECEIVER,
    [MESSAGE_OUTBOUND_FEEDBACK] = PARTY_RECEIVER,
    [MESSAGE_INBOUND_FEEDBACK] = PARTY_RECEIVER,
    [MESSAGE_APPLICANT_INFORMED] = PARTY_EITHER,
    [MESSAGE_PAPERS] = PARTY_EITHER,
    [MESSAGE_WITHDRAWAL] = PARTY_SENDER,
    [MESSAGE_DELIVERY] = PARTY_EITHER,
    [MESSAGE_REJECTION] = PARTY_EITHER,
};

static bool is_party(const struct deciding *deciding, enum party party)
{
    const struct referral *before = deciding->before;
    uint16_t signer = deciding->ctx->signer;
    uint16_t recipient = number_of(deciding, header_of(deciding)->recipient);

    if (party != PARTY_RECEIVER && signer == before->sender) {
        return recipient == before->receiver;
    }
    return party != PARTY_SENDER && signer == before->receiver && recipient == before->sender;
}

static bool answers_kind(const struct deciding *deciding)
{
    enum message_kind kind = header_of(deciding)->kind;
    bool outbound = deciding->before->kind == MESSAGE_OUTBOUND_REFERRAL;

    return !(kind == MESSAGE_OUTBOUND_FEEDBACK && !outbound) &&
           !(kind == MESSAGE_INBOUND_FEEDBACK && outbound);
}

enum refusal step_party(const struct deciding *deciding, const char **ret_detail)
{
    const struct message_header *header = header_of(deciding);
    const struct referral *before = deciding->before;

    if (before == NULL) {
        return REFUSAL_NONE;
    }
    if (header->kind == MESSAGE_OUTBOUND_REFERRAL || header->kind == MESSAGE_INBOUND_REFERRAL) {
        return REFUSAL_NONE; /* the transition table says that it exists */
    }
    if (!is_party(deciding, parties[header->kind])) {
        *ret_detail = "header.sender, header.recipient: expected the parties of the referral";
        return REFUSAL_NOT_PARTY;
    }
    if (!answers_kind(deciding)) {
        *ret_detail = "header.kind: expected the feedback of this kind of referral";
        return REFUSAL_KIND;
    }
    if (strcmp(header->case_number, before->case_number) != 0 ||
        strcmp(header->referral_number, before->number) != 0) {
        *ret_detail = "header.case_number, header.referral_number: expected those of the referral";
        return REFUSAL_NUMBER;
    }
    if (deciding->ctx->refers_to_foreign) {
        *ret_detail = "header.refers_to: expected a message of this referral";
        return REFUSAL_REFERS_TO;
    }
    return REFUSAL_NONE;
}

/* --- submit --- */

static bool opens_own_case(const struct deciding *deciding)
{
    const struct message_header *header = header_of(deciding);
    const struct agency *sender = registry_find(deciding->ctx->registry, header->sender);
    struct number number;

    return number_parse(NUMBER_CASE, header->case_number, &number) == OK && sender != NULL &&
           strcmp(number.prefix, sender->prefix) == 0;
}

static void fill_referral(const struct deciding *deciding, struct referral *after)
{
    const struct message_header *header = header_of(deciding);
    const struct referral_facts *facts = &deciding->message->referral;

    after->case_id = header->case_id;
    after->referral_id = header->referral_id;
    after->message_id = header->message_id;
    text_copy(after->case_number, sizeof(after->case_number), header->case_number);
    text_copy(after->number, sizeof(after->number), header->referral_number);
    after->kind = header->kind;
    after->sender = deciding->ctx->signer;
    after->receiver = number_of(deciding, header->recipient);
    after->lane = (uint8_t)lane_of(facts);
    after->life_danger = facts->life_danger;
    after->urgent = facts->urgent;
    after->advance = facts->advance;
    after->minor = lane_is_minor(facts);
    after->no_publicity = facts->no_publicity;
    after->ground = facts->ground;
    after->minor_marks = facts->minor_marks;
    after->priority_groups = facts->priority_groups;
    after->needs = facts->needs;
    after->person_count = facts->person_count;
    after->submitted_ms = deciding->ctx->now_ms;
    after->last_leaf = REFERRAL_NO_LEAF;
}

static enum refusal take_submit(struct deciding *deciding, const char **ret_detail)
{
    const struct decide_context *ctx = deciding->ctx;
    struct referral *after = &deciding->decision->after;

    if (ctx->referral_known) {
        *ret_detail = "header.referral_id: in use";
        return REFUSAL_REFERRAL_EXISTS;
    }
    if (ctx->number_taken) {
        *ret_detail = "header.referral_number, header.case_number: in use";
        return REFUSAL_NUMBER;
    }
    if (!ctx->case_known && !ctx->replica && !opens_own_case(deciding)) {
        *ret_detail = "header.case_number: expected the sender's own prefix for a new case";
        return REFUSAL_NUMBER;
    }
    fill_referral(deciding, after);
    effect_queue(deciding, after->receiver);
    text_copy(effect_add(deciding, EFFECT_NUMBER)->number, LIMIT_NUMBER_BYTES, after->number);
    if (!ctx->case_known) {
        text_copy(effect_add(deciding, EFFECT_NUMBER)->number, LIMIT_NUMBER_BYTES,
                  after->case_number);
    }
    clock_start(deciding, REFERRAL_CLOCK_UNDELIVERED, 1);
    return REFUSAL_NONE;
}

/* --- receipts --- */

/* A receipt must name what is really queued, as it is in the log. */
static bool names_item(const struct deciding *deciding)
{
    const struct decide_item *item = deciding->ctx->item;
    const struct delivery_facts *facts = &deciding->message->delivery;

    if (deciding->ctx->replica) {
        return true;
    }
    return item != NULL && uuid_equal(&item->message_id, &header_of(deciding)->refers_to) &&
           item->leaf_index == facts->leaf_index &&
           digest_equal(&item->leaf_hash, &facts->leaf_hash);
}

static enum refusal take_receipt(struct deciding *deciding, const char **ret_detail)
{
    if (!names_item(deciding)) {
        *ret_detail = "facts.lane, facts.stream_seq, facts.leaf_index, facts.leaf_hash: expected "
                      "those of a message that waits for this agency";
        return REFUSAL_DELIVERY;
    }
    (void)effect_add(deciding, EFFECT_UNQUEUE);
    return REFUSAL_NONE;
}

static void tell_sender(struct deciding *deciding, enum message_kind kind, const char *reason)
{
    struct effect *effect =
        effect_notice(deciding, kind, other_party(deciding), REFERRAL_CLOCK_FEEDBACK);

    effect->evidence = true;
    text_copy(effect->reason, sizeof(effect->reason), reason);
}

static enum refusal take_delivery(struct deciding *deciding, const char **ret_detail)
{
    struct referral *after = &deciding->decision->after;
    enum refusal refusal = take_receipt(deciding, ret_detail);

    if (refusal != REFUSAL_NONE || after->state == REFERRAL_WITHDRAWN) {
        return refusal;
    }
    (void)clock_stop(deciding, REFERRAL_CLOCK_UNDELIVERED);
    after->delivered_ms = deciding->ctx->now_ms;
    after->agent_received_ms = deciding->message->delivery.received_ms;
    window_open_next(deciding, true);
    clock_start(deciding, REFERRAL_CLOCK_UNSIGNED, 1);
    if (after->life_danger) {
        clock_start(deciding, REFERRAL_CLOCK_URGENT, 1);
    }
    return REFUSAL_NONE;
}

static enum refusal take_rejection(struct deciding *deciding, const char **ret_detail)
{
    enum refusal refusal = take_receipt(deciding, ret_detail);

    if (refusal == REFUSAL_NONE) {
        (void)clock_stop(deciding, REFERRAL_CLOCK_UNDELIVERED);
        tell_sender(deciding, MESSAGE_RETURNED, "body");
    }
    return refusal;
}

static enum refusal take_papers_delivery(struct deciding *deciding, const char **ret_detail)
{
    struct referral *after = &deciding->decision->after;
    enum refusal refusal = take_receipt(deciding, ret_detail);

    if (refusal != REFUSAL_NONE || after->state == REFERRAL_WITHDRAWN) {
        return refusal;
    }
    memset(&after->papers_id, 0, sizeof(after->papers_id));
    after->agent_received_ms = deciding->message->delivery.received_ms;
    (void)clock_stop(deciding, REFERRAL_CLOCK_UNDELIVERED);
    window_open_next(deciding, true);
    return REFUSAL_NONE;
}

/* The papers could not be read: they are owed again, by the same date. */
static enum refusal take_papers_rejection(struct deciding *deciding, const char **ret_detail)
{
    struct referral *after = &deciding->decision->after;
    enum refusal refusal = take_receipt(deciding, ret_detail);

    if (refusal != REFUSAL_NONE) {
        return refusal;
    }
    memset(&after->papers_id, 0, sizeof(after->papers_id));
    (void)clock_stop(deciding, REFERRAL_CLOCK_UNDELIVERED);
    if (after->state == REFERRAL_PROCEDURE) {
        after->clocks[REFERRAL_CLOCK_PAPERS].stopped_ms = 0;
        (void)effect_clock(deciding, EFFECT_TASK_OPENED, REFERRAL_CLOCK_PAPERS);
    }
    tell_sender(deciding, MESSAGE_RETURNED, "body");
    return REFUSAL_NONE;
}

static enum refusal take_other_delivery(struct deciding *deciding, const char **ret_detail)
{
    enum refusal refusal = take_receipt(deciding, ret_detail);

    if (refusal == REFUSAL_NONE) {
        tell_sender(deciding, MESSAGE_DELIVERY_NOTICE, "");
    }
    return refusal;
}

static enum refusal take_other_rejection(struct deciding *deciding, const char **ret_detail)
{
    enum refusal refusal = take_receipt(deciding, ret_detail);

    if (refusal == REFUSAL_NONE) {
        tell_sender(deciding, MESSAGE_RETURNED, "body");
    }
    return refusal;
}

/* --- sign-for and feedback --- */

static enum refusal sign(struct deciding *deciding, const char *register_number,
                         const char **ret_detail)
{
    struct referral *after = &deciding->decision->after;
    struct effect *effect;

    if (deciding->ctx->number_taken) {
        *ret_detail = "facts.register_number: in use";
        return REFUSAL_REGISTER_NUMBER;
    }
    after->marks |= MARK_SIGNED;
    after->signed_ms = deciding->ctx->now_ms;
    text_copy(after->register_number, sizeof(after->register_number), register_number);
    effect = effect_add(deciding, EFFECT_SIGNED);
    text_copy(effect->number, sizeof(effect->number), register_number);
    (void)clock_stop(deciding, REFERRAL_CLOCK_UNSIGNED);
    (void)clock_stop(deciding, REFERRAL_CLOCK_URGENT);
    return REFUSAL_NONE;
}

static enum refusal take_sign_for(struct deciding *deciding, const char **ret_detail)
{
    if ((deciding->before->marks & MARK_SIGNED) != 0) {
        *ret_detail = "signed for already";
        return REFUSAL_ALREADY;
    }
    effect_queue(deciding, other_party(deciding));
    return sign(deciding, deciding->message->sign_for.register_number, ret_detail);
}

/* Feedback without sign-for signs for; a number that contradicts the register is refused. */
static enum refusal sign_by_feedback(struct deciding *deciding, const char **ret_detail)
{
    const char *number = deciding->message->feedback.register_number;
    const struct referral *after = &deciding->decision->after;

    if ((after->marks & MARK_SIGNED) == 0) {
        if (number[0] == '\0') {
            *ret_detail = "facts.register_number: mandatory where there was no sign-for";
            return REFUSAL_FACT_MISSING;
        }
        return sign(deciding, number, ret_detail);
    }
    if (number[0] != '\0' && strcmp(number, after->register_number) != 0) {
        *ret_detail = "facts.register_number: signed for under another number";
        return REFUSAL_REGISTER_NUMBER;
    }
    return REFUSAL_NONE;
}

/* Domain section 4: received soon after an outage, signed inside it: it counts when it was signed.
 */
static uint64_t claimed_ms(const struct deciding *deciding)
{
    const struct decide_context *ctx = deciding->ctx;
    uint64_t signed_ms = header_of(deciding)->created_ms;

    if (ctx->outage_to_ms == 0 || ctx->outage_from_ms == 0 ||
        ctx->now_ms - ctx->outage_to_ms > ctx->policy->claimed_grace_ms ||
        signed_ms < ctx->outage_from_ms || signed_ms > ctx->outage_to_ms) {
        return 0;
    }
    return signed_ms;
}

static void stop_window(struct deciding *deciding)
{
    const struct decide_context *ctx = deciding->ctx;
    struct referral *after = &deciding->decision->after;
    const struct window *window = &after->clocks[REFERRAL_CLOCK_FEEDBACK];
    uint64_t claimed = claimed_ms(deciding);
    struct lateness lateness =
        window_lateness(ctx->calendar, window->due_before_ms, claimed != 0 ? claimed : ctx->now_ms);
    struct effect *effect;

    after->answered_ms = ctx->now_ms;
    after->claimed_ms = claimed;
    after->outcome = deciding->message->feedback.outcome;
    after->late = lateness.late;
    after->lateness_days = lateness.working_days;
    after->clocks[REFERRAL_CLOCK_FEEDBACK].stopped_ms = ctx->now_ms;
    effect = effect_clock(deciding, EFFECT_WINDOW_STOPPED, REFERRAL_CLOCK_FEEDBACK);
    effect->outcome = after->outcome;
    effect->late = lateness.late;
    effect->lateness_days = lateness.working_days;
    effect->claimed_ms = claimed;
    documents_resolve(deciding, REFERRAL_CLOCK_FEEDBACK, (struct rung_set){UINT64_MAX});
}

static void open_task(struct deciding *deciding, enum referral_clock clock)
{
    struct referral *after = &deciding->decision->after;
    uint32_t number = after->clocks[clock].number + 1;

    if (clock_stop(deciding, clock)) {
        (void)effect_clock(deciding, EFFECT_TASK_CLOSED, clock);
    }
    clock_start(deciding, clock, number);
    (void)effect_clock(deciding, EFFECT_TASK_OPENED, clock);
}

static enum refusal take_feedback(struct deciding *deciding, const char **ret_detail)
{
    const struct feedback_facts *facts = &deciding->message->feedback;
    struct referral *after = &deciding->decision->after;
    enum refusal refusal;

    effect_queue(deciding, other_party(deciding));
    refusal = sign_by_feedback(deciding, ret_detail);
    if (refusal != REFUSAL_NONE) {
        return refusal;
    }
    stop_window(deciding);
    if (facts->outcome == OUTCOME_SUITABLE) {
        after->tell_holder = deciding->ctx->signer; /* Art. 11: the procuratorate tells */
        open_task(deciding, REFERRAL_CLOCK_TELL);
    }
    if (facts->outcome == OUTCOME_PROCEDURE_REQUIRED) {
        uint16_t holder = facts->tell_by == TELL_BY_SOCIAL_AGENCY ? after->receiver : after->sender;

        after->procedure_count++;
        after->tell_holder = holder;
        after->papers_holder = holder;
        open_task(deciding, REFERRAL_CLOCK_TELL);
        open_task(deciding, REFERRAL_CLOCK_PAPERS);
    }
    return REFUSAL_NONE;
}

/* --- tasks, papers, withdrawal --- */

static enum refusal take_informed(struct deciding *deciding, const char **ret_detail)
{
    struct referral *after = &deciding->decision->after;

    if (!referral_clock_open(after, REFERRAL_CLOCK_TELL) ||
        after->tell_holder != deciding->ctx->signer) {
        *ret_detail = "facts.task: this agency has no such open task";
        return REFUSAL_TASK_UNKNOWN;
    }
    effect_queue(deciding, other_party(deciding));
    (void)clock_stop(deciding, REFERRAL_CLOCK_TELL);
    (void)effect_clock(deciding, EFFECT_TASK_CLOSED, REFERRAL_CLOCK_TELL);
    after->marks |= MARK_INFORMED;
    return REFUSAL_NONE;
}

static void end_papers(struct deciding *deciding)
{
    effect_queue(deciding, other_party(deciding));
    if (clock_stop(deciding, REFERRAL_CLOCK_PAPERS)) {
        (void)effect_clock(deciding, EFFECT_TASK_CLOSED, REFERRAL_CLOCK_PAPERS);
    }
}

static enum refusal take_papers_sent(struct deciding *deciding, const char **ret_detail)
{
    struct referral *after = &deciding->decision->after;

    if (!uuid_is_zero(&after->papers_id)) {
        *ret_detail = "papers are on their way already";
        return REFUSAL_ALREADY;
    }
    end_papers(deciding);
    after->papers_id = header_of(deciding)->message_id;
    clock_start(deciding, REFERRAL_CLOCK_UNDELIVERED, after->window_number + 1);
    return REFUSAL_NONE;
}

/* Art. 9 lets the social agency deal with the applicant itself: its word opens the window. */
static enum refusal take_papers_reported(struct deciding *deciding, const char **ret_detail)
{
    struct referral *after = &deciding->decision->after;

    (void)ret_detail;
    end_papers(deciding);
    (void)clock_stop(deciding, REFERRAL_CLOCK_UNDELIVERED);
    memset(&after->papers_id, 0, sizeof(after->papers_id));
    after->agent_received_ms = 0;
    window_open_next(deciding, false);
    return REFUSAL_NONE;
}

static enum refusal take_withdrawal(struct deciding *deciding, const char **ret_detail)
{
    (void)ret_detail;
    effect_queue(deciding, other_party(deciding));
    for (enum referral_clock clock = REFERRAL_CLOCK_FEEDBACK; clock < REFERRAL_CLOCK_COUNT;
         clock++) {
        if (clock_stop(deciding, clock) && clock <= REFERRAL_CLOCK_PAPERS) {
            (void)effect_clock(deciding, EFFECT_WINDOW_CANCELLED, clock);
        }
    }
    return REFUSAL_NONE;
}

static enum refusal (*const takes[REFERRAL_EVENT_COUNT])(struct deciding *, const char **) = {
    [EVENT_SUBMIT] = take_submit,
    [EVENT_DELIVERY] = take_delivery,
    [EVENT_REJECTION] = take_rejection,
    [EVENT_SIGN_FOR] = take_sign_for,
    [EVENT_FEEDBACK_FINAL] = take_feedback,
    [EVENT_FEEDBACK_PROCEDURE] = take_feedback,
    [EVENT_INFORMED] = take_informed,
    [EVENT_PAPERS_SENT] = take_papers_sent,
    [EVENT_PAPERS_REPORTED] = take_papers_reported,
    [EVENT_PAPERS_DELIVERY] = take_papers_delivery,
    [EVENT_PAPERS_REJECTION] = take_papers_rejection,
    [EVENT_WITHDRAWAL] = take_withdrawal,
    [EVENT_OTHER_DELIVERY] = take_other_delivery,
    [EVENT_OTHER_REJECTION] = take_other_rejection,
};

enum refusal step_take(struct deciding *deciding, enum referral_event event,
                       const char **ret_detail)
{
    assert(takes[event] != NULL);
    return takes[event](deciding, ret_detail);
}
