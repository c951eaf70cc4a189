/* How: one handler per message. What a message says by itself was checked (message_check), who may
 * say it and to whom was compared with the table (decide_matter.c); here is what it does. */
#include <inttypes.h>
#include <string.h>

#include "model/decide_matter_parts.h"
#include "model/vocabulary.h"

static bool queue_to(struct deciding *deciding, uint16_t agency)
{
    struct effect effect = matter_effect(deciding, EFFECT_QUEUE);
    effect.agency = agency;
    (void)deciding_add(deciding, &effect);
    return true;
}

static bool queue(struct deciding *deciding)
{
    return matter_each_addressee(deciding, queue_to);
}

/* Nothing is open any more: the matter has done what it was for. */
static bool close_when_done(struct deciding *deciding)
{
    if (duty_count_open(deciding, 0) == 0) {
        matter_close(deciding, MATTER_CLOSED);
    }
    return true;
}

/* ---- information: Art. 7 (6), 11 ---- */

/* Between the two parties of a referral whose answer is still awaited. */
static bool check_parties(struct deciding *deciding)
{
    const struct referral *about = deciding->ctx->about;
    if (about == NULL) {
        return true; /* a copy: what it was about is taken as right */
    }
    bool asks = deciding_speaks_for(deciding, about->sender);
    bool asked = deciding_speaks_for(deciding, about->receiver);
    uint16_t other = deciding_acting(deciding, asks ? about->receiver : about->sender);
    if (!(asks || asked) || matter_recipient(deciding) != other) {
        return deciding_refuse(deciding, REFUSAL_NOT_PARTY,
                               "facts.about: sender and recipient are not its two parties");
    }
    if (about->state == REFERRAL_ANSWERED) {
        return deciding_refuse(deciding, REFUSAL_ALREADY, "facts.about: it has its final answer");
    }
    if (about->state == REFERRAL_WITHDRAWN || about->state == REFERRAL_RETURNED) {
        return deciding_refuse(deciding, REFUSAL_STATE, "facts.about: it is %s",
                               referral_state_name(about->state));
    }
    return true;
}

bool act_information_request(struct deciding *deciding)
{
    const struct matter *matter = deciding->matter;
    struct duty duty = {
        .kind = DUTY_INFORMATION, .holder = matter->members[0].agency, .waiting = matter->owner};
    if (!check_parties(deciding)) {
        return false;
    }
    duty_open_undelivered(deciding, &duty);
    return queue(deciding);
}

bool act_information_reply(struct deciding *deciding)
{
    struct duty *duty = duty_of_signer(deciding, DUTY_INFORMATION, 0);
    if (duty == NULL) {
        return false;
    }
    if (duty->window.kind == CLOCK_UNDELIVERED && !deciding->ctx->replica) {
        return deciding_refuse(deciding, REFUSAL_STATE,
                               "state: the request has no delivery receipt yet");
    }
    (void)queue(deciding);
    duty_done(deciding, duty);
    return close_when_done(deciding);
}

/* ---- archive and follow-ups: Art. 16 ---- */

/* So many calendar days on, moved to the next working day. */
static int32_t visit_day(const struct deciding *deciding)
{
    const struct policy *policy = deciding->ctx->policy;
    uint32_t days = deciding->matter->minor ? policy->follow_up_minor_days : policy->follow_up_days;
    int32_t day = civil_day_at(deciding->ctx->now_ms) + (int32_t)days;
    return calendar_is_working_day(deciding->ctx->calendar, day)
               ? day
               : calendar_next_working_day(deciding->ctx->calendar, day);
}

static void visit_open(struct deciding *deciding, int32_t day)
{
    uint16_t owner = deciding->matter->owner;
    struct duty duty = {.kind = DUTY_FOLLOW_UP, .holder = owner, .waiting = owner};
    (void)duty_open_dated(deciding, &duty, day);
}

/* A date that the rule made and no message says: its holder is told. */
static void visit_open_by_rule(struct deciding *deciding)
{
    const struct matter *matter = deciding->matter;
    visit_open(deciding, visit_day(deciding));
    const struct duty *duty = &matter->duties[matter->duty_count - 1];
    struct effect about = duty_effect(deciding, EFFECT_NOTICE, duty);
    (void)deciding_notify(deciding, &about, MESSAGE_DELIVERY_NOTICE, duty->holder, ROLE_LIAISON);
}

static bool is_party_of_case(struct deciding *deciding, uint16_t agency)
{
    const struct case_facts *facts = deciding->ctx->whole_case;
    size_t count = registry_count(deciding->ctx->registry);
    for (size_t i = 0; facts != NULL && i < count; i++) {
        uint16_t party = registry_at(deciding->ctx->registry, i)->number;
        if (agency_set_has(&facts->parties, party) && deciding_acting(deciding, party) == agency) {
            return true;
        }
    }
    return facts == NULL || deciding_refuse(deciding, REFUSAL_MATTER_MEMBER,
                                            "header.recipient, facts.copies: no party of the case");
}

bool act_archive(struct deciding *deciding)
{
    const struct case_facts *facts = deciding->ctx->whole_case;
    if (facts != NULL && facts->clocks != 0) {
        return deciding_refuse(deciding, REFUSAL_CASE_CLOCKS,
                               "header.case_id: %" PRIu32 " clocks of the case are open",
                               facts->clocks);
    }
    if (!deciding->ctx->replica && !matter_each_addressee(deciding, is_party_of_case)) {
        return false;
    }
    (void)queue(deciding);
    visit_open_by_rule(deciding);
    return true;
}

bool act_reopen(struct deciding *deciding)
{
    (void)queue(deciding);
    duty_cancel_all(deciding, 0);
    matter_close(deciding, MATTER_CANCELLED);
    return true;
}

bool act_follow_up_plan(struct deciding *deciding)
{
    const struct follow_up_plan_facts *facts = &deciding->message->follow_up_plan;
    int32_t day = 0;
    (void)queue(deciding);
    duty_cancel_all(deciding, DUTY_FOLLOW_UP);
    if (!duty_room(deciding, facts->date_count)) {
        return false;
    }
    for (size_t i = 0; i < facts->date_count; i++) {
        if (!duty_date(deciding, facts->dates[i], "facts.dates", &day)) {
            return false;
        }
        visit_open(deciding, day);
    }
    return true;
}

/* The hardship is gone, nothing threatens, and somebody looked often enough. */
static bool visits_may_end(const struct deciding *deciding)
{
    const struct matter *matter = deciding->matter;
    const struct policy *policy = deciding->ctx->policy;
    uint32_t wanted = matter->minor ? policy->follow_up_minor_reports : policy->follow_up_reports;
    return matter->hardship == HARDSHIP_RESOLVED && matter->risk == RISK_NONE &&
           matter->reports >= wanted;
}

bool act_follow_up_report(struct deciding *deciding)
{
    const struct follow_up_report_facts *facts = &deciding->message->follow_up_report;
    struct matter *matter = deciding->matter;
    int32_t day = 0;
    (void)queue(deciding);
    if (facts->duty != 0) {
        struct duty *duty = duty_of_signer(deciding, DUTY_FOLLOW_UP, facts->duty);
        if (duty == NULL) {
            return false;
        }
        duty_done(deciding, duty);
    }
    matter->reports++;
    matter->hardship = facts->hardship;
    matter->risk = facts->risk;
    if (!duty_room(deciding, 1)) {
        return false;
    }
    if (facts->next_date != 0) {
        if (!duty_date(deciding, facts->next_date, "facts.next_date", &day)) {
            return false;
        }
        visit_open(deciding, day);
    }
    if (duty_count_open(deciding, DUTY_FOLLOW_UP) > 0) {
        return true;
    }
    if (visits_may_end(deciding)) {
        matter_close(deciding, MATTER_CLOSED);
    } else {
        visit_open_by_rule(deciding);
    }
    return true;
}

/* ---- consultations, conferences, promises: Art. 13, 14 ---- */

bool act_consultation(struct deciding *deciding)
{
    return queue(deciding);
}

/* The number by which it takes part: its own, or that of one for which it acts now; 0: by none. */
static uint16_t place_of(const struct deciding *deciding, uint16_t agency)
{
    const struct matter *matter = deciding->matter;
    if (matter_is_member(matter, agency) &&
        (deciding->ctx->replica || deciding_acting(deciding, agency) == agency)) {
        return agency;
    }
    for (uint32_t i = 0; i < matter->member_count; i++) {
        if (deciding_acting(deciding, matter->members[i].agency) == agency) {
            return matter->members[i].agency;
        }
    }
    return deciding_acting(deciding, matter->owner) == agency ? matter->owner : 0;
}

static bool promises_open(struct deciding *deciding, const struct promise *promises, size_t count)
{
    int32_t day = 0;
    if (!duty_room(deciding, count)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct agency *agency = registry_find(deciding->ctx->registry, promises[i].agency);
        struct duty duty = {.kind = DUTY_PROMISE,
                            .holder = place_of(deciding, agency->number),
                            .waiting = deciding->matter->owner,
                            .code = promises[i].code};
        if (duty.holder == 0) {
            return deciding_has_stayed(deciding, "facts.promises.agency", agency) &&
                   deciding_refuse(deciding, REFUSAL_MATTER_MEMBER,
                                   "facts.promises[%zu].agency: does not take part", i);
        }
        if (!duty_date(deciding, promises[i].by_date, "facts.promises.by_date", &day)) {
            return false;
        }
        (void)duty_open_dated(deciding, &duty, day);
    }
    return true;
}

/* One without promises was told and is over. */
bool act_conference(struct deciding *deciding)
{
    const struct conference_facts *facts = &deciding->message->conference;
    return queue(deciding) && promises_open(deciding, facts->promises, facts->promise_count) &&
           close_when_done(deciding);
}

bool act_promise_report(struct deciding *deciding)
{
    struct duty *duty =
        duty_of_signer(deciding, DUTY_PROMISE, deciding->message->promise_report.duty);
    if (duty == NULL) {
        return false;
    }
    (void)queue(deciding);
    duty_done(deciding, duty);
    return close_when_done(deciding);
}

/* ---- meetings and hearings: Art. 12, 13 ---- */

/* Each who is invited owes a reply, where one is asked for. */
static bool invite(struct deciding *deciding, uint32_t reply_by)
{
    const struct matter *matter = deciding->matter;
    int32_t day = 0;
    (void)queue(deciding);
    if (reply_by == 0) {
        return true;
    }
    if (!duty_date(deciding, reply_by, "facts.reply_by", &day) ||
        !duty_room(deciding, matter->member_count)) {
        return false;
    }
    for (uint32_t i = 0; i < matter->member_count; i++) {
        struct duty duty = {
            .kind = DUTY_ATTENDANCE, .holder = matter->members[i].agency, .waiting = matter->owner};
        (void)duty_open_dated(deciding, &duty, day);
    }
    return true;
}

bool act_meeting_notice(struct deciding *deciding)
{
    return invite(deciding, deciding->message->meeting.reply_by);
}

bool act_hearing_invitation(struct deciding *deciding)
{
    return invite(deciding, deciding->message->hearing.reply_by);
}

static bool all_answered(const struct matter *matter)
{
    for (uint32_t i = 0; i < matter->member_count; i++) {
        if (matter->members[i].answers == 0) {
            return false;
        }
    }
    return true;
}

/* A later answer takes the place of the first; a successor's is for all that it acts for. A hearing
 * waits for its opinion. */
bool act_attendance(struct deciding *deciding)
{
    struct matter *matter = deciding->matter;
    (void)queue(deciding);
    for (uint32_t i = 0; i < matter->member_count; i++) {
        if (deciding_speaks_for(deciding, matter->members[i].agency)) {
            matter->members[i].answers = deciding->message->attendance.attends;
        }
    }
    for (uint32_t i = 0; i < matter->duty_count; i++) {
        struct duty *duty = &matter->duties[i];
        if (matter_duty_open(duty) && duty->kind == DUTY_ATTENDANCE &&
            deciding_speaks_for(deciding, duty->holder)) {
            duty_done(deciding, duty);
        }
    }
    if (matter->kind == MATTER_MEETING && all_answered(matter)) {
        matter_close(deciding, MATTER_CLOSED);
    }
    return true;
}

/* It was held: who has not said whether it comes need not say so any more. */
bool act_hearing_opinion(struct deciding *deciding)
{
    const struct hearing_opinion_facts *facts = &deciding->message->hearing_opinion;
    (void)queue(deciding);
    duty_cancel_all(deciding, DUTY_ATTENDANCE);
    return promises_open(deciding, facts->promises, facts->promise_count) &&
           close_when_done(deciding);
}

/* ---- roster: Art. 13 ---- */

static bool to_office(const struct deciding *deciding)
{
    return matter_recipient(deciding) == registry_office(deciding->ctx->registry)->number;
}

bool act_roster_change(struct deciding *deciding)
{
    if (!to_office(deciding)) {
        return deciding_refuse(deciding, REFUSAL_RECIPIENT,
                               "header.recipient: the joint-meeting office keeps the roster");
    }
    return queue(deciding) && close_when_done(deciding);
}

bool act_roster(struct deciding *deciding)
{
    uint32_t next = deciding->ctx->roster_edition + 1;
    if (deciding->message->roster.edition != next && !deciding->ctx->replica) {
        return deciding_refuse(deciding, REFUSAL_FACT_INVALID,
                               "facts.edition: the next edition is %" PRIu32, next);
    }
    return queue(deciding) && close_when_done(deciding);
}

/* ---- supervised money ---- */

bool act_fund_plan(struct deciding *deciding)
{
    const struct fund_plan_facts *facts = &deciding->message->fund_plan;
    struct matter *matter = deciding->matter;
    int32_t day = 0;
    (void)queue(deciding);
    matter->fund_fen = facts->amount_fen;
    matter->balance_fen = facts->amount_fen;
    if (!duty_room(deciding, facts->payment_count)) {
        return false;
    }
    for (size_t i = 0; i < facts->payment_count; i++) {
        struct duty duty = {.kind = DUTY_PAYMENT,
                            .holder = matter->owner,
                            .waiting = matter->owner,
                            .amount_fen = facts->payments[i].amount_fen};
        if (!duty_date(deciding, facts->payments[i].date, "facts.payments.date", &day)) {
            return false;
        }
        (void)duty_open_dated(deciding, &duty, day);
    }
    return true;
}

/* A payment may differ from the plan, but the money ends with the last payment and not before. */
bool act_fund_payment(struct deciding *deciding)
{
    const struct fund_payment_facts *facts = &deciding->message->fund_payment;
    struct matter *matter = deciding->matter;
    struct duty *duty = duty_of_signer(deciding, DUTY_PAYMENT, facts->duty);
    uint64_t rest = matter->fund_fen - matter->paid_fen;
    if (duty == NULL) {
        return false;
    }
    if (facts->amount_fen > rest || facts->balance_fen != rest - facts->amount_fen) {
        return deciding_refuse(deciding, REFUSAL_FACT_INVALID,
                               "facts.balance_fen: before this payment it was %" PRIu64, rest);
    }
    bool last = duty_count_open(deciding, DUTY_PAYMENT) == 1;
    if (last != (facts->balance_fen == 0)) {
        return deciding_refuse(deciding, REFUSAL_FACT_INVALID, "facts.amount_fen: %s",
                               last ? "the last payment leaves nothing"
                                    : "leaves nothing for the payments that are planned");
    }
    (void)queue(deciding);
    matter->paid_fen += facts->amount_fen;
    matter->balance_fen = facts->balance_fen;
    duty_done(deciding, duty);
    return close_when_done(deciding);
}

/* ---- letters to associates ---- */

/* The one who writes to an associate tells the procuratorate, or the office, and answers for it; a
 * procuratorate tells whom it concerns (d). */
bool act_letter(struct deciding *deciding)
{
    const struct letter_facts *facts = &deciding->message->letter;
    const struct registry *registry = deciding->ctx->registry;
    const struct agency *sender = registry_by_number(registry, deciding->ctx->signer);
    const struct agency *recipient = registry_by_number(registry, matter_recipient(deciding));
    struct duty duty = {
        .kind = DUTY_LETTER, .holder = deciding->matter->owner, .waiting = recipient->number};
    int32_t day = 0;
    if (sender->class != CLASS_PROCURATORATE && recipient->class != CLASS_PROCURATORATE &&
        !recipient->joint_meeting_office) {
        return deciding_refuse(deciding, REFUSAL_RECIPIENT,
                               "header.recipient: expected a procuratorate or the office");
    }
    if (!duty_date(deciding, facts->answer_by, "facts.answer_by", &day)) {
        return false;
    }
    (void)queue(deciding);
    (void)duty_open_dated(deciding, &duty, day);
    return true;
}

bool act_letter_answer(struct deciding *deciding)
{
    struct duty *duty = duty_of_signer(deciding, DUTY_LETTER, 0);
    if (duty == NULL) {
        return false;
    }
    (void)queue(deciding);
    duty_done(deciding, duty);
    return close_when_done(deciding);
}

/* ---- replies to numbered documents ---- */

static struct matter_document *document_of(struct matter *matter, const char *text)
{
    struct number number;
    if (number_parse(NUMBER_DOCUMENT, text, &number) != OK) {
        return NULL;
    }
    for (uint32_t i = 0; i < matter->document_count; i++) {
        struct matter_document *document = &matter->documents[i];
        if (document->year == number.year && document->counter == number.counter) {
            return document;
        }
    }
    return NULL;
}

/* To the agency that waits or to the office; where nobody waits, to any who takes part. */
static bool check_reply_to(struct deciding *deciding, const struct duty *duty)
{
    uint16_t to = matter_recipient(deciding);
    bool somebody_waits = duty->waiting != duty->holder;
    bool fits = somebody_waits ? to == deciding_acting(deciding, duty->waiting)
                               : matter_has_addressee(deciding, to);
    return fits || to_office(deciding) ||
           deciding_refuse(deciding, REFUSAL_RECIPIENT,
                           "header.recipient: expected the agency that waits, or the office");
}

/* The document stays open until its cause is gone. A copy knows the documents that it was told of
 * and takes the others as right. */
bool act_escalation_reply(struct deciding *deciding)
{
    const char *number = deciding->message->escalation_reply.document_number;
    struct matter_document *document = document_of(deciding->matter, number);
    const struct duty *duty =
        document == NULL ? NULL : matter_duty(deciding->matter, document->duty);
    bool asked = duty != NULL && deciding_speaks_for(deciding, duty->holder);
    if (!asked && !deciding->ctx->replica) {
        return deciding_refuse(deciding, REFUSAL_DOCUMENT,
                               "facts.document_number: no open document that asks this agency");
    }
    if (asked) {
        if (document->answer != 0) {
            return deciding_refuse(deciding, REFUSAL_ALREADY,
                                   "facts.document_number: %s was replied to", number);
        }
        if (!check_reply_to(deciding, duty)) {
            return false;
        }
        document->answer = (uint8_t)deciding->message->escalation_reply.answer;
    }
    return queue(deciding);
}

/* ---- receipts ---- */

static bool of_first_message(const struct deciding *deciding)
{
    return uuid_equal(&deciding->message->header.refers_to, &deciding->matter->message_id);
}

static struct duty *information_duty(struct matter *matter)
{
    bool open = matter->kind == MATTER_INFORMATION && matter->state == MATTER_OPEN;
    return open && matter_duty_open(&matter->duties[0]) ? &matter->duties[0] : NULL;
}

bool act_delivery(struct deciding *deciding)
{
    struct effect unqueue = matter_effect(deciding, EFFECT_UNQUEUE);
    struct matter_member *member = matter_by_member(deciding);
    (void)deciding_add(deciding, &unqueue);
    if (member == NULL || !of_first_message(deciding)) {
        return true;
    }
    struct duty *duty = information_duty(deciding->matter);
    member->delivered = true;
    if (duty != NULL && duty->window.kind == CLOCK_UNDELIVERED) {
        duty_arrived(deciding, duty);
    }
    return true;
}

/* What one cannot read goes back to its author. A request that cannot be read asks nothing. */
bool act_rejection(struct deciding *deciding)
{
    struct effect base = matter_effect(deciding, EFFECT_UNQUEUE);
    struct duty *duty = of_first_message(deciding) ? information_duty(deciding->matter) : NULL;
    (void)deciding_add(deciding, &base);
    deciding_sent_back(deciding, &base, matter_recipient(deciding));
    if (duty != NULL && duty->window.kind == CLOCK_UNDELIVERED) {
        duty_cancel(deciding, duty);
        matter_close(deciding, MATTER_CANCELLED);
    }
    return true;
}
