/* How: what follows an answer, and what stands beside a referral's life without changing its state:
 * reports of what was really delivered, replies to numbered documents, corrections; and whether a
 * new referral may follow another. Handlers are called after the transition. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model/decide_parts.h"
#include "model/vocabulary.h"

/* ---- assistance: granted, approved, paid and delivered are four things ---- */

#define SEEN_BITS 64u

/* Marks the instalment as reported; false when it was already. One that lies so far behind the
 * newest that it is no longer remembered counts as reported: nothing is counted twice. */
static bool instalment_mark(struct referral_help *help, uint32_t instalment)
{
    if (instalment > help->newest) {
        uint32_t ahead = instalment - help->newest;
        help->seen = (ahead < SEEN_BITS ? help->seen << ahead : 0) | 1;
        help->newest = instalment;
        return true;
    }
    uint32_t back = help->newest - instalment;
    if (back >= SEEN_BITS || (help->seen >> back & 1) != 0) {
        return false;
    }
    help->seen |= UINT64_C(1) << back;
    return true;
}

/* The row of this stage, measure and person; a new one where there is none; NULL: no room. */
static struct referral_help *help_of(struct referral *referral,
                                     const struct assistance_facts *facts)
{
    for (uint32_t i = 0; i < referral->help_count; i++) {
        struct referral_help *help = &referral->helps[i];
        if (help->stage == facts->stage && help->measure == facts->measure &&
            help->person_index == facts->person_index) {
            return help;
        }
    }
    if (referral->help_count == REFERRAL_HELPS_MAX) {
        return NULL;
    }
    struct referral_help *help = &referral->helps[referral->help_count++];
    *help = (struct referral_help){
        .stage = facts->stage, .measure = facts->measure, .person_index = facts->person_index};
    return help;
}

static bool assistance_fits(struct deciding *deciding)
{
    const struct referral *after = deciding->after;
    const struct assistance_facts *facts = &deciding->message->assistance;
    if (after->outcome != OUTCOME_GRANTED && after->outcome != OUTCOME_SUITABLE) {
        return deciding_refuse(deciding, REFUSAL_STATE,
                               "state: the answer neither granted nor found suitable");
    }
    if (facts->person_index >= after->person_count) {
        return deciding_refuse(deciding, REFUSAL_FACT_INVALID,
                               "facts.person_index: the referral has %" PRIu32 " persons",
                               after->person_count);
    }
    if (facts->instalment > UINT16_MAX) {
        return deciding_refuse(deciding, REFUSAL_FACT_INVALID,
                               "facts.instalment: expected at most %u", UINT16_MAX);
    }
    return true;
}

bool decide_assistance(struct deciding *deciding)
{
    struct referral *after = deciding->after;
    const struct assistance_facts *facts = &deciding->message->assistance;
    if (!assistance_fits(deciding)) {
        return false;
    }
    struct referral_help *help = help_of(after, facts);
    if (help == NULL) {
        return deciding_refuse(deciding, REFUSAL_FACT_INVALID,
                               "facts.measure: a referral keeps %u measures by person and stage",
                               REFERRAL_HELPS_MAX);
    }
    if (!instalment_mark(help, facts->instalment)) {
        return deciding_refuse(deciding, REFUSAL_ALREADY,
                               "facts.instalment: %" PRIu32 " of this measure was reported",
                               facts->instalment);
    }
    assert(help->amount_fen <= UINT64_MAX - facts->amount_fen); /* message_check bounds each */
    help->amount_fen += facts->amount_fen;
    if (facts->stage == STAGE_DELIVERED) {
        after->delivered |= UINT64_C(1) << facts->measure;
        if ((after->marks & MARK_ASSISTED) == 0) {
            after->marks |= MARK_ASSISTED;
            after->assisted_ms = deciding->ctx->now_ms;
        }
    }
    deciding_queue(deciding, after->sender);
    return true;
}

/* ---- replies to numbered documents ---- */

static struct referral_document *document_of(struct referral *referral, const char *text)
{
    struct number number;
    if (number_parse(NUMBER_DOCUMENT, text, &number) != OK) {
        return NULL;
    }
    for (uint32_t i = 0; i < referral->document_count; i++) {
        struct referral_document *document = &referral->documents[i];
        if (document->year == number.year && document->counter == number.counter) {
            return document;
        }
    }
    return NULL;
}

/* The reply goes to the agency that waits, or to the office; the document stays open until its
 * cause is gone. An agent knows the documents that it was told of and takes the others as right. */
bool decide_escalation_reply(struct deciding *deciding)
{
    const struct message *message = deciding->message;
    struct referral_document *document =
        document_of(deciding->after, message->escalation_reply.document_number);
    bool asked =
        document != NULL &&
        deciding_speaks_for(deciding, referral_responsible(deciding->after, document->clock));
    if (!asked && !deciding->ctx->replica) {
        return deciding_refuse(deciding, REFUSAL_DOCUMENT,
                               "facts.document_number: no open document that asks this agency");
    }
    if (document != NULL && document->answer != 0) {
        return deciding_refuse(deciding, REFUSAL_ALREADY,
                               "facts.document_number: %s was replied to",
                               message->escalation_reply.document_number);
    }
    if (document != NULL) {
        document->answer = message->escalation_reply.answer;
    }
    deciding_queue(deciding,
                   registry_find(deciding->ctx->registry, message->header.recipient)->number);
    return true;
}

/* ---- corrections ---- */

bool decide_correction(struct deciding *deciding)
{
    const struct referral *after = deciding->after;
    bool by_sender = deciding_speaks_for(deciding, after->sender);
    deciding_queue(deciding, by_sender ? after->receiver : after->sender);
    return true;
}

/* ---- a referral that follows another ---- */

/* Declined as another's duty: whoever sent it sends it on, in the same case, to another agency. */
static bool link_re_referral(struct deciding *deciding, const struct referral *about)
{
    const struct decide_context *ctx = deciding->ctx;
    const struct message_header *header = &deciding->message->header;
    const struct agency *to = registry_find(ctx->registry, header->recipient);
    if (about->state != REFERRAL_ANSWERED || about->outcome != OUTCOME_NOT_MY_DUTY) {
        return deciding_refuse(deciding, REFUSAL_PREVIOUS,
                               "facts.previous: %s was not declined as another's duty",
                               about->number);
    }
    if (!deciding_speaks_for(deciding, about->sender)) {
        return deciding_refuse(deciding, REFUSAL_PREVIOUS,
                               "facts.previous: whoever sent %s sends it on", about->number);
    }
    if (!uuid_equal(&header->case_id, &about->case_id)) {
        return deciding_refuse(deciding, REFUSAL_PREVIOUS, "header.case_id: %s is of another case",
                               about->number);
    }
    if (to->number == deciding_acting(deciding, about->receiver)) {
        return deciding_refuse(deciding, REFUSAL_PREVIOUS, "header.recipient: %s declined it",
                               to->id);
    }
    if (ctx->about_sent_on) {
        return deciding_refuse(deciding, REFUSAL_PREVIOUS, "facts.previous: %s was sent on already",
                               about->number);
    }
    if (about->hops >= ctx->policy->hop_limit) {
        return deciding_refuse(deciding, REFUSAL_HOPS,
                               "facts.previous: sent on %" PRIu32
                               " times; the policy allows %" PRIu32,
                               about->hops, ctx->policy->hop_limit);
    }
    return true;
}

static bool link_other_direction(struct deciding *deciding, const struct referral *about)
{
    if (deciding->message->header.kind == about->kind) {
        return deciding_refuse(deciding, REFUSAL_PREVIOUS, "facts.link: %s goes the same way",
                               about->number);
    }
    return true;
}

static bool link_any(struct deciding *deciding, const struct referral *about)
{
    (void)about;
    return deciding->decision->refusal == REFUSAL_NONE;
}

static bool (*const link_rules[])(struct deciding *deciding, const struct referral *about) = {
    [LINK_RE_REFERRAL] = link_re_referral,
    [LINK_FOLLOW_UP] = link_any,
    [LINK_OTHER_DIRECTION] = link_other_direction,
    [LINK_SUPPLEMENT] = link_any,
};

/* Whoever was no party of it does not know it (Art. 15), so it cannot follow it. */
static bool link_follows(struct deciding *deciding, const struct referral *about, uint32_t link)
{
    if (about == NULL && deciding->ctx->replica) {
        return true; /* the receiver of the new one need not know the old one */
    }
    bool party = about != NULL && (deciding_speaks_for(deciding, about->sender) ||
                                   deciding_speaks_for(deciding, about->receiver));
    if (!party) {
        return deciding_refuse(deciding, REFUSAL_PREVIOUS,
                               "facts.previous: no referral of this agency");
    }
    return link_rules[link](deciding, about);
}

bool decide_link(struct deciding *deciding)
{
    const struct referral_facts *facts = &deciding->message->referral;
    const struct referral *about = deciding->ctx->about;
    if (facts->link == 0) {
        return true;
    }
    assert(facts->link < sizeof(link_rules) / sizeof(link_rules[0])); /* message_check saw to it */
    if (!link_follows(deciding, about, facts->link)) {
        return false;
    }
    if (facts->link == LINK_RE_REFERRAL) {
        deciding->after->hops = about == NULL ? 1 : about->hops + 1;
    }
    return true;
}
