/* How: what the message needs by itself (check), what it needs of the referral (numbers, party,
 * reference), then the event it is, the one transition table, and the event's handler. A handler
 * that refuses leaves the state before. */
#include "model/decide.h"

#include <assert.h>
#include <string.h>

#include "model/attachment.h"
#include "model/decide_parts.h"
#include "model/lanes.h"

/* ---- before the transition ---- */

/* Who of a referral may send a kind. */
enum party { PARTY_SENDER, PARTY_RECEIVER, PARTY_EITHER };

static const enum party kind_parties[MESSAGE_AGENCY_KIND_COUNT] = {
    [MESSAGE_OUTBOUND_REFERRAL] = PARTY_SENDER,
    [MESSAGE_INBOUND_REFERRAL] = PARTY_SENDER,
    [MESSAGE_SIGN_FOR] = PARTY_RECEIVER,
    [MESSAGE_OUTBOUND_FEEDBACK] = PARTY_RECEIVER,
    [MESSAGE_INBOUND_FEEDBACK] = PARTY_RECEIVER,
    [MESSAGE_APPLICANT_INFORMED] = PARTY_EITHER,
    [MESSAGE_PAPERS] = PARTY_EITHER,
    [MESSAGE_WITHDRAWAL] = PARTY_SENDER,
    [MESSAGE_DELIVERY] = PARTY_EITHER,
    [MESSAGE_REJECTION] = PARTY_EITHER,
    [MESSAGE_ASSISTANCE_REPORT] = PARTY_RECEIVER,
    [MESSAGE_ESCALATION_REPLY] = PARTY_EITHER,
    [MESSAGE_CORRECTION] = PARTY_EITHER,
};

static bool is_referral(const struct message *message)
{
    return message->header.kind == MESSAGE_OUTBOUND_REFERRAL ||
           message->header.kind == MESSAGE_INBOUND_REFERRAL;
}

static bool is_feedback(const struct message *message)
{
    return message->header.kind == MESSAGE_OUTBOUND_FEEDBACK ||
           message->header.kind == MESSAGE_INBOUND_FEEDBACK;
}

static bool is_receipt(const struct message *message)
{
    return message->header.kind == MESSAGE_DELIVERY || message->header.kind == MESSAGE_REJECTION;
}

struct claimed_numbers decide_claimed_numbers(const struct message *message)
{
    struct claimed_numbers claimed = {.referral = "", .case_number = "", .register_number = ""};
    if (is_referral(message)) {
        claimed.referral = message->header.referral_number;
        claimed.case_number = message->header.case_number;
    } else if (message->header.kind == MESSAGE_SIGN_FOR) {
        claimed.register_number = message->sign_for.register_number;
    } else if (is_feedback(message)) {
        claimed.register_number = message->feedback.register_number;
    } else if (message_kind_of_matter(message->header.kind)) {
        claimed.referral = message->header.referral_number;
        claimed.case_number = message->header.case_number;
    }
    return claimed;
}

bool deciding_check_signer(struct deciding *deciding)
{
    const struct agency *signer =
        registry_by_number(deciding->ctx->registry, deciding->ctx->signer);
    if (signer == NULL || strcmp(signer->id, deciding->message->header.sender) != 0) {
        return deciding_refuse(deciding, REFUSAL_SENDER, "header.sender: not the signer");
    }
    return true;
}

bool deciding_check_message(struct deciding *deciding)
{
    struct check_context ctx = {.policy = deciding->ctx->policy,
                                .registry = deciding->ctx->registry};
    struct check_result result;
    message_check(&ctx, deciding->message, NULL, &result);
    if (result.refusal != REFUSAL_NONE) {
        return deciding_refuse(deciding, result.refusal, "%s", result.detail);
    }
    return true;
}

bool deciding_check_attachments(struct deciding *deciding)
{
    size_t missing = deciding->ctx->attachment_missing;
    return missing == 0 ||
           deciding_refuse(deciding, REFUSAL_ATTACHMENT,
                           "%s[%zu].digest: not uploaded by the sender, or of "
                           "another size",
                           message_blob_list(deciding->message->header.kind), missing - 1);
}

/* A new case has a number of the agency that opens it; a further referral of a known case keeps
 * the case's number, whoever opened it. */
static bool check_new(struct deciding *deciding)
{
    const struct decide_context *ctx = deciding->ctx;
    struct number number;
    if (!is_referral(deciding->message)) {
        return deciding_refuse(deciding, REFUSAL_REFERRAL_UNKNOWN,
                               "header.referral_id: no such referral");
    }
    if (ctx->referral_known) {
        return deciding_refuse(deciding, REFUSAL_REFERRAL_EXISTS,
                               "header.referral_id: of another case");
    }
    if (ctx->whole_case != NULL && ctx->whole_case->archived) {
        return deciding_refuse(deciding, REFUSAL_CASE_ARCHIVED,
                               "header.case_id: the case is archived");
    }
    if (!deciding_room_in_case(deciding, false)) {
        return false;
    }
    if (ctx->number_taken) {
        return deciding_refuse(deciding, REFUSAL_NUMBER,
                               "header.case_number, .referral_number: taken");
    }
    enum err error = number_parse(NUMBER_CASE, deciding->message->header.case_number, &number);
    const struct agency *sender = registry_by_number(ctx->registry, ctx->signer);
    bool own = error == OK && strcmp(number.prefix, sender->prefix) == 0;
    if (!own && !ctx->case_known && !ctx->replica) {
        return deciding_refuse(deciding, REFUSAL_NUMBER,
                               "header.case_number: a new case has the prefix %s", sender->prefix);
    }
    return deciding_nobody_left(deciding) && decide_link(deciding);
}

/* Who may be written to: the other party, by its own name or its successor's; the office, where a
 * document asks; and by the office, whoever wrote to it. An agent that reads what was taken before
 * an agency changed finds the old name, and a receipt names the author as the message did. */
static bool is_addressee(const struct deciding *deciding, uint16_t party)
{
    const struct registry *registry = deciding->ctx->registry;
    const struct agency *agency = registry_find(registry, deciding->message->header.recipient);
    bool old_name = deciding->ctx->replica || is_receipt(deciding->message);
    return agency != NULL && (agency->number == deciding_acting(deciding, party) ||
                              (old_name && agency->number == party));
}

/* The office is told of documents and acknowledges what came to it. */
static bool is_of_office(const struct deciding *deciding)
{
    const struct referral *referral = deciding->after;
    uint16_t office = registry_office(deciding->ctx->registry)->number;
    if (is_receipt(deciding->message) && deciding->ctx->signer == office) {
        return is_addressee(deciding, referral->sender) ||
               is_addressee(deciding, referral->receiver);
    }
    return deciding->message->header.kind == MESSAGE_ESCALATION_REPLY &&
           is_addressee(deciding, office);
}

static bool check_party(struct deciding *deciding)
{
    const struct message_header *header = &deciding->message->header;
    const struct referral *referral = deciding->after;
    enum party party = kind_parties[header->kind];
    bool sender = deciding_speaks_for(deciding, referral->sender);
    bool receiver = deciding_speaks_for(deciding, referral->receiver);
    bool may = (sender && party != PARTY_RECEIVER) || (receiver && party != PARTY_SENDER);
    if (!may && is_receipt(deciding->message) && is_of_office(deciding)) {
        return true;
    }
    if (!may) {
        return deciding_refuse(deciding, REFUSAL_NOT_PARTY,
                               "header.sender: %s of this referral is not due from it",
                               message_kind_name(header->kind));
    }
    uint16_t other = sender ? referral->receiver : referral->sender;
    if (!is_addressee(deciding, other) && !is_of_office(deciding)) {
        return deciding_has_stayed(deciding, "header.recipient",
                                   registry_find(deciding->ctx->registry, header->recipient)) &&
               deciding_refuse(deciding, REFUSAL_RECIPIENT,
                               "header.recipient: not the other party of this referral");
    }
    return true;
}

static bool check_direction(struct deciding *deciding)
{
    bool outbound = deciding->after->kind == MESSAGE_OUTBOUND_REFERRAL;
    enum message_kind wanted = outbound ? MESSAGE_OUTBOUND_FEEDBACK : MESSAGE_INBOUND_FEEDBACK;
    if (is_feedback(deciding->message) && deciding->message->header.kind != wanted) {
        return deciding_refuse(deciding, REFUSAL_FACT_INVALID,
                               "header.kind: this referral is answered by %s",
                               message_kind_name(wanted));
    }
    return true;
}

static bool check_known(struct deciding *deciding)
{
    const struct message_header *header = &deciding->message->header;
    const struct referral *referral = deciding->after;
    if (is_referral(deciding->message)) {
        return deciding_refuse(deciding, REFUSAL_REFERRAL_EXISTS,
                               "header.referral_id: there is such a referral");
    }
    if (!uuid_equal(&header->case_id, &referral->case_id) ||
        !uuid_equal(&header->referral_id, &referral->referral_id) ||
        strcmp(header->case_number, referral->case_number) != 0 ||
        strcmp(header->referral_number, referral->number) != 0) {
        return deciding_refuse(deciding, REFUSAL_NUMBER,
                               "header: case and referral are not those of the referral");
    }
    if (deciding->ctx->number_taken) {
        return deciding_refuse(deciding, REFUSAL_REGISTER_NUMBER, "facts.register_number: taken");
    }
    if (deciding->ctx->refers_to_foreign) {
        return deciding_refuse(deciding, REFUSAL_REFERS_TO,
                               "header.refers_to: no message of this referral");
    }
    return check_party(deciding) && check_direction(deciding);
}

/* The receipt must name exactly what is queued there. */
bool deciding_check_item(struct deciding *deciding)
{
    const struct decide_item *item = deciding->ctx->item;
    const struct delivery_facts *facts = &deciding->message->delivery;
    if (!is_receipt(deciding->message) || deciding->ctx->replica) {
        return true;
    }
    if (item == NULL) {
        return deciding_refuse(deciding, REFUSAL_DELIVERY,
                               "facts.lane, .stream_seq: nothing is queued there");
    }
    if (!uuid_equal(&item->message_id, &deciding->message->header.refers_to)) {
        return deciding_refuse(deciding, REFUSAL_DELIVERY,
                               "header.refers_to: not the message that is queued there");
    }
    if (!uuid_equal(&item->case_id, &deciding->message->header.case_id) ||
        !uuid_equal(&item->referral_id, &deciding->message->header.referral_id)) {
        return deciding_refuse(deciding, REFUSAL_DELIVERY,
                               "header.referral_id: not that of the message that is queued there");
    }
    if (item->leaf_index != facts->leaf_index ||
        !digest_equal(&item->leaf_hash, &facts->leaf_hash)) {
        return deciding_refuse(deciding, REFUSAL_DELIVERY,
                               "facts.leaf_index, .leaf_hash: not the leaf that was queued");
    }
    return true;
}

/* ---- which event a message is ---- */

static enum referral_event event_of_receipt(const struct deciding *deciding)
{
    const struct referral *referral = deciding->after;
    const struct uuid *about = &deciding->message->header.refers_to;
    bool delivery = deciding->message->header.kind == MESSAGE_DELIVERY;
    bool by_receiver = deciding_speaks_for(deciding, referral->receiver);
    if (by_receiver && uuid_equal(about, &referral->message_id)) {
        return delivery ? EVENT_DELIVERY : EVENT_REJECTION;
    }
    if (by_receiver && uuid_equal(about, &referral->papers_id)) {
        return delivery ? EVENT_PAPERS_DELIVERY : EVENT_PAPERS_REJECTION;
    }
    return delivery ? EVENT_OTHER_DELIVERY : EVENT_OTHER_REJECTION;
}

static enum referral_event event_of(const struct deciding *deciding)
{
    const struct message *message = deciding->message;
    switch (message->header.kind) {
    case MESSAGE_OUTBOUND_REFERRAL:
    case MESSAGE_INBOUND_REFERRAL:
        return EVENT_SUBMIT;
    case MESSAGE_SIGN_FOR:
        return EVENT_SIGN_FOR;
    case MESSAGE_OUTBOUND_FEEDBACK:
    case MESSAGE_INBOUND_FEEDBACK:
        return message->feedback.outcome == OUTCOME_PROCEDURE_REQUIRED ? EVENT_FEEDBACK_PROCEDURE
                                                                       : EVENT_FEEDBACK_FINAL;
    case MESSAGE_APPLICANT_INFORMED:
        return EVENT_INFORMED;
    case MESSAGE_PAPERS:
        return deciding_speaks_for(deciding, deciding->after->sender) ? EVENT_PAPERS_SENT
                                                                      : EVENT_PAPERS_REPORTED;
    case MESSAGE_WITHDRAWAL:
        return EVENT_WITHDRAWAL;
    case MESSAGE_ASSISTANCE_REPORT:
        return EVENT_ASSISTANCE;
    case MESSAGE_ESCALATION_REPLY:
        return EVENT_ESCALATION_REPLY;
    case MESSAGE_CORRECTION:
        return EVENT_CORRECTION;
    default:
        assert(is_receipt(message));
        return event_of_receipt(deciding);
    }
}

/* ---- handlers ---- */

static void referral_fill(struct deciding *deciding)
{
    const struct message_header *header = &deciding->message->header;
    const struct referral_facts *facts = &deciding->message->referral;
    struct referral *after = deciding->after;
    after->case_id = header->case_id;
    after->referral_id = header->referral_id;
    after->message_id = header->message_id;
    memcpy(after->case_number, header->case_number, sizeof(after->case_number));
    memcpy(after->number, header->referral_number, sizeof(after->number));
    after->kind = header->kind;
    after->sender = deciding->ctx->signer;
    after->receiver = registry_find(deciding->ctx->registry, header->recipient)->number;
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
    after->lead_channel = facts->lead_channel;
    after->previous = facts->previous;
    after->link = facts->link;
    after->submitted_ms = deciding->ctx->now_ms;
}

static bool decide_submit(struct deciding *deciding)
{
    referral_fill(deciding);
    struct referral *after = deciding->after;
    struct effect *effect = deciding_effect(deciding, EFFECT_NUMBER, REFERRAL_CLOCK_FEEDBACK);
    memcpy(effect->number, after->case_number, sizeof(effect->number));
    effect = deciding_effect(deciding, EFFECT_NUMBER, REFERRAL_CLOCK_FEEDBACK);
    memcpy(effect->number, after->number, sizeof(effect->number));
    deciding_queue(deciding, after->receiver);
    deciding_clock_open(deciding, REFERRAL_CLOCK_UNDELIVERED, 1);
    return true;
}

/* A pair that the policy allows with a copy: the office hears of each delivery. */
static void tell_office(struct deciding *deciding)
{
    const struct decide_context *ctx = deciding->ctx;
    const struct referral *after = deciding->after;
    const struct agency *from = registry_by_number(ctx->registry, after->sender);
    const struct agency *to = registry_by_number(ctx->registry, after->receiver);
    const struct policy_rule *rule =
        from == NULL || to == NULL ? NULL : policy_find(ctx->policy, after->kind, from, to);
    if (rule != NULL && rule->copy_office) {
        deciding_notice(deciding, MESSAGE_DELIVERY_NOTICE, registry_office(ctx->registry)->number,
                        ROLE_OFFICE, REFERRAL_CLOCK_FEEDBACK);
    }
}

static void unqueue(struct deciding *deciding)
{
    (void)deciding_effect(deciding, EFFECT_UNQUEUE, REFERRAL_CLOCK_FEEDBACK);
}

static bool decide_other_delivery(struct deciding *deciding)
{
    unqueue(deciding);
    return true;
}

static bool decide_other_rejection(struct deciding *deciding)
{
    const struct registry *registry = deciding->ctx->registry;
    unqueue(deciding);
    deciding_returned(deciding,
                      registry_find(registry, deciding->message->header.recipient)->number);
    return true;
}

static bool decide_delivery(struct deciding *deciding)
{
    struct referral *after = deciding->after;
    unqueue(deciding);
    if (after->state == REFERRAL_WITHDRAWN) {
        return true;
    }
    after->delivered_ms = deciding->ctx->now_ms;
    after->agent_received_ms = deciding->message->delivery.received_ms;
    deciding_clock_stop(deciding, REFERRAL_CLOCK_UNDELIVERED);
    deciding_window_open(deciding, after->agent_received_ms);
    tell_office(deciding);
    deciding_clock_open(deciding, REFERRAL_CLOCK_UNSIGNED, 1);
    if (after->life_danger) {
        deciding_clock_open(deciding, REFERRAL_CLOCK_URGENT, 1);
    }
    deciding_resolve_all(deciding, REFERRAL_CLOCK_UNDELIVERED);
    return true;
}

static bool decide_rejection(struct deciding *deciding)
{
    unqueue(deciding);
    if (deciding->after->state == REFERRAL_WITHDRAWN) {
        return true;
    }
    deciding_clock_stop(deciding, REFERRAL_CLOCK_UNDELIVERED);
    deciding_returned(deciding, deciding->after->sender);
    deciding_resolve_all(deciding, REFERRAL_CLOCK_UNDELIVERED);
    return true;
}

static bool decide_withdrawal(struct deciding *deciding)
{
    deciding_queue(deciding, deciding->after->receiver);
    for (enum referral_clock clock = REFERRAL_CLOCK_FEEDBACK; clock < REFERRAL_CLOCK_COUNT;
         clock++) {
        bool open = referral_clock_open(deciding->after, clock);
        deciding_clock_stop(deciding, clock);
        if (open && clock <= REFERRAL_CLOCK_PAPERS) {
            (void)deciding_effect(deciding, EFFECT_WINDOW_CANCELLED, clock);
        }
        deciding_resolve_all(deciding, clock);
    }
    return true;
}

static bool (*const handlers[REFERRAL_EVENT_COUNT])(struct deciding *deciding) = {
    [EVENT_SUBMIT] = decide_submit,
    [EVENT_DELIVERY] = decide_delivery,
    [EVENT_REJECTION] = decide_rejection,
    [EVENT_SIGN_FOR] = decide_sign_for,
    [EVENT_FEEDBACK_FINAL] = decide_feedback,
    [EVENT_FEEDBACK_PROCEDURE] = decide_feedback,
    [EVENT_INFORMED] = decide_informed,
    [EVENT_PAPERS_SENT] = decide_papers_sent,
    [EVENT_PAPERS_REPORTED] = decide_papers_reported,
    [EVENT_PAPERS_DELIVERY] = decide_papers_delivery,
    [EVENT_PAPERS_REJECTION] = decide_papers_rejection,
    [EVENT_WITHDRAWAL] = decide_withdrawal,
    [EVENT_ASSISTANCE] = decide_assistance,
    [EVENT_ESCALATION_REPLY] = decide_escalation_reply,
    [EVENT_CORRECTION] = decide_correction,
    [EVENT_OTHER_DELIVERY] = decide_other_delivery,
    [EVENT_OTHER_REJECTION] = decide_other_rejection,
};

/* An agent's copy may see an answer before the delivery notice of the same turn. */
static enum referral_state state_before(const struct deciding *deciding, enum referral_event event)
{
    bool answer = event == EVENT_SIGN_FOR || event == EVENT_FEEDBACK_FINAL ||
                  event == EVENT_FEEDBACK_PROCEDURE;
    if (deciding->ctx->replica && answer && deciding->after->state == REFERRAL_QUEUED) {
        return REFERRAL_DELIVERED;
    }
    return deciding->after->state;
}

static bool apply(struct deciding *deciding)
{
    enum referral_event event = event_of(deciding);
    enum referral_state state = state_before(deciding, event);
    struct transition transition = referral_transition(state, event);
    if (!transition.legal) {
        return deciding_refuse(deciding, transition.refusal, "state: %s does not take %s",
                               referral_state_name(state),
                               message_kind_name(deciding->message->header.kind));
    }
    if (!deciding_check_item(deciding)) {
        return false;
    }
    deciding->after->state = transition.to;
    return handlers[event](deciding);
}

void decide_message(const struct decide_context *ctx, const struct referral *before,
                    const struct message *message, struct decision *ret_decision)
{
    struct deciding deciding;
    deciding_begin(&deciding, ctx, before, ret_decision);
    deciding.message = message;
    bool taken = deciding_check_signer(&deciding) && deciding_check_message(&deciding) &&
                 (before == NULL ? check_new(&deciding) : check_known(&deciding)) &&
                 apply(&deciding) && deciding_check_attachments(&deciding);
    if (!taken) {
        enum refusal refusal = ret_decision->refusal;
        char detail[CHECK_DETAIL_BYTES];
        memcpy(detail, ret_decision->detail, sizeof(detail));
        deciding_begin(&deciding, ctx, before, ret_decision);
        ret_decision->refusal = refusal;
        memcpy(ret_decision->detail, detail, sizeof(detail));
        return;
    }
    deciding_end(&deciding);
}
