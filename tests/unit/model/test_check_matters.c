/* lib/model/check_matters: for each kind beside a referral's own life a right message is taken, and
 * each single spoiled part is refused with its code and path; who may be addressed; rosters. */
#include "matter_messages.h"

struct world {
    struct registry *registry;
    struct policy *policy;
    struct check_context ctx;
};

static struct world world;

static void setup(void)
{
    world.registry = registry_with_associate();
    world.policy = shipped_policy(world.registry);
    world.ctx = (struct check_context){.policy = world.policy, .registry = world.registry};
}

static void teardown(void)
{
    policy_free(world.policy);
    registry_free(world.registry);
}

static void expect(const struct message *message, enum refusal refusal, const char *path)
{
    struct check_result result;
    message_check(&world.ctx, message, NULL, &result);
    ck_assert_msg(result.refusal == refusal, "%s: %s: %s", message_kind_name(message->header.kind),
                  refusal_name(result.refusal), result.detail);
    ck_assert_msg(strncmp(result.detail, path, strlen(path)) == 0, "%s", result.detail);
}

/* ---- each kind ---- */

START_TEST(right_messages_are_taken)
{
    struct message message = matter_message((size_t)_i);
    expect(&message, REFUSAL_NONE, "");
    SET(message.header.case_number, "JZ-2026-0031");
    expect(&message, REFUSAL_NONE, "");
}
END_TEST

/* Each mandatory body field, taken away alone, is demanded; none at all is never enough. */
START_TEST(every_mandatory_body_field_is_demanded)
{
    struct message message = matter_message((size_t)_i);
    uint32_t mandatory = message.body_fields;
    for (uint32_t bit = 0; bit < 9; bit++) {
        message.body_fields = mandatory & ~(1u << bit);
        expect(&message, message.body_fields == mandatory ? REFUSAL_NONE : REFUSAL_FACT_MISSING,
               message.body_fields == mandatory ? "" : "body.");
    }
    message.body_present = false;
    message.body_fields = mandatory;
    expect(&message, REFUSAL_SEALING, "body");
}
END_TEST

/* Facts that say nothing at all are never right: each kind demands something. */
START_TEST(empty_facts_are_refused)
{
    struct message message = matter_message((size_t)_i);
    struct message empty = {.header = message.header,
                            .body_fields = message.body_fields,
                            .copies = message.copies,
                            .body_present = true};
    struct check_result result;
    message_check(&world.ctx, &empty, NULL, &result);
    ck_assert_int_ne(result.refusal, REFUSAL_NONE);
    ck_assert_msg(strncmp(result.detail, "facts.", 6) == 0, "%s", result.detail);
}
END_TEST

/* A matter has a matter's number, what is about a referral a referral's; a document is of either.
 */
START_TEST(the_number_of_what_it_is_about)
{
    struct message message = matter_message((size_t)_i);
    enum message_kind kind = message.header.kind;
    bool matter = message_kind_of_matter(kind);
    if (matter) {
        SET(message.header.referral_number, "JZ-2026-0031-01");
    } else {
        SET(message.header.referral_number, "JZ-SX-2026-0007");
    }
    SET(message.header.case_number, "JZ-2026-0031");
    bool either = kind == MESSAGE_ESCALATION_REPLY;
    expect(&message, either ? REFUSAL_NONE : REFUSAL_NUMBER,
           either ? "" : "header.referral_number");
    SET(message.header.referral_number, matter ? "JZ-SX-2026-0007" : "JZ-2026-0031-01");
    SET(message.header.case_number, "JZ-26-1");
    expect(&message, REFUSAL_NUMBER, "header.referral_number");
}
END_TEST

START_TEST(receipts_are_of_matters_too)
{
    struct message about = matter_message(matter_way_of(MESSAGE_CONSULTATION));
    struct message message = receipt(MESSAGE_DELIVERY, &about);
    SET(message.header.referral_number, about.header.referral_number);
    message.header.case_number[0] = '\0';
    expect(&message, REFUSAL_NONE, "");
    message.header.kind = MESSAGE_REJECTION;
    message.delivery.reason = REJECTION_MISSING;
    expect(&message, REFUSAL_NONE, "");
    SET(message.header.referral_number, "JZ-SX-2026");
    expect(&message, REFUSAL_NUMBER, "header.referral_number");
}
END_TEST

/* ---- addressees ---- */

START_TEST(who_may_be_addressed)
{
    const struct matter_way *way = &matter_ways[_i];
    struct message right = matter_message((size_t)_i);
    struct message message = right;
    agency_set_add(&message.copies, 4);
    enum refusal refusal = way->several ? REFUSAL_NONE : REFUSAL_RECIPIENT;
    if (strcmp(way->from, "justice") == 0 || strcmp(way->to, "justice") == 0) {
        refusal = REFUSAL_RECIPIENT; /* named twice */
    }
    expect(&message, refusal, refusal == REFUSAL_NONE ? "" : "facts.copies");
    static const uint16_t wrong[] = {0, 999, 1023, HOSPITAL_NUMBER};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        message = right;
        agency_set_add(&message.copies, wrong[i]);
        expect(&message, REFUSAL_RECIPIENT, "facts.copies");
    }
    for (int end = 0; end < 2; end++) {
        message = right;
        agency_set_add(&message.copies,
                       registry_find(world.registry, end == 0 ? way->from : way->to)->number);
        expect(&message, REFUSAL_RECIPIENT, "facts.copies");
    }
    message = right;
    SET(message.header.recipient, "hospital");
    expect(&message, REFUSAL_RECIPIENT, "header.kind: hospital is an associate");
}
END_TEST

START_TEST(referrals_have_no_copies)
{
    struct message message = outbound_referral();
    agency_set_add(&message.copies, 3);
    expect(&message, REFUSAL_RECIPIENT, "facts.copies");
    message = inbound_referral();
    agency_set_add(&message.copies, 3);
    expect(&message, REFUSAL_RECIPIENT, "facts.copies");
}
END_TEST

/* The policy judges each copy as it does the recipient. */
START_TEST(a_copy_that_the_policy_forbids)
{
    static const char text[] =
        "may-send:\n"
        "  - {kind: consultation, from: S, to: civil-affairs, allow: false}\n"
        "  - {kind: consultation, from: S, to: S}\n"
        "materials: {outbound-referral: [], inbound-referral: []}\n";
    struct fault fault = {.code = ""};
    struct policy *policy = NULL;
    struct check_result result;
    ck_assert_msg(policy_read("p.yaml", span_text(text), world.registry, &policy, &fault) == OK,
                  "%s: %s", fault.place, fault.message);
    struct check_context ctx = {.policy = policy, .registry = world.registry};
    struct message message = matter_message(matter_way_of(MESSAGE_CONSULTATION));
    message_check(&ctx, &message, NULL, &result);
    ck_assert_int_eq(result.refusal, REFUSAL_POLICY);
    ck_assert_msg(strncmp(result.detail, "facts.copies: justice may not", 29) == 0, "%s",
                  result.detail);
    memset(&message.copies, 0, sizeof(message.copies));
    agency_set_add(&message.copies, 5);
    message_check(&ctx, &message, NULL, &result);
    ck_assert_int_eq(result.refusal, REFUSAL_NONE);
    policy_free(policy);
}
END_TEST

/* ---- each fact ---- */

/* Spoils one fact of a right message: called by name in the table below. */
typedef void (*spoil_fn)(struct message *message);

#define SPOIL(name, act)                                                                           \
    static void name(struct message *message)                                                      \
    {                                                                                              \
        act;                                                                                       \
    }

SPOIL(asked_unknown, message->information.asked = UINT64_C(1) << 60)
SPOIL(asked_nothing, message->information.asked = 0)
SPOIL(asked_about_nobody, memset(&message->information.about, 0, sizeof(struct uuid)))
SPOIL(asked_about_no_id, memset(&message->information.about, 0x11, sizeof(struct uuid)))
SPOIL(answered_nothing, message->information_reply.answered = 0)
SPOIL(answered_unknown, message->information_reply.answered = UINT64_C(1) << 60)
SPOIL(stage_unknown, message->assistance.stage = 4)
SPOIL(assisted_by_nothing, message->assistance.measure = 99)
SPOIL(assisted_in_no_shape, message->assistance.shape = 0)
SPOIL(assisted_without_money, message->assistance.amount_fen = 0)
SPOIL(assisted_with_too_much, message->assistance.amount_fen = UINT64_MAX)
SPOIL(assisted_never, message->assistance.date = 0)
SPOIL(assisted_on_no_day, message->assistance.date = 20260230)
SPOIL(third_of_two, message->assistance.instalment = 3)
SPOIL(no_instalment_of_two, message->assistance.instalment = 0)
SPOIL(assisted_person_beyond, message->assistance.person_index = LIMIT_PERSONS)
SPOIL(no_document, message->escalation_reply.document_number[0] = '\0')
SPOIL(no_document_number, SET(message->escalation_reply.document_number, "JZ-2026-0031"))
SPOIL(replied_unknown, message->escalation_reply.answer = 99)
SPOIL(archived_without_why, message->archive.why = 0)
SPOIL(reopened_without_why, message->reopen.why = 77)
SPOIL(no_dates, message->follow_up_plan.date_count = 0)
SPOIL(hardship_unknown, message->follow_up_report.hardship = 0)
SPOIL(effect_unknown, message->follow_up_report.effect = 9)
SPOIL(risk_unknown, message->follow_up_report.risk = 0)
SPOIL(next_on_no_day, message->follow_up_report.next_date = 20261301)
SPOIL(consulted_on_nothing, message->consultation.topic = 0)
SPOIL(consulted_about_no_id, memset(&message->consultation.about, 0x11, sizeof(struct uuid)))
SPOIL(conference_on_nothing, message->conference.topic = 0)
SPOIL(conference_never, message->conference.held_ms = 0)
SPOIL(conference_about_no_id, memset(&message->conference.about, 0x11, sizeof(struct uuid)))
SPOIL(reported_no_duty, message->promise_report.duty = 0)
SPOIL(reported_unknown, message->promise_report.result = 0)
SPOIL(meeting_never, message->meeting.at_ms = 0)
SPOIL(reply_on_no_day, message->meeting.reply_by = 20260000)
SPOIL(reply_after_the_meeting, message->meeting.reply_by = 20261201)
SPOIL(attends_unknown, message->attendance.attends = 0)
SPOIL(hearing_for_nothing, message->hearing.purpose = 0)
SPOIL(hearing_never, message->hearing.at_ms = 0)
SPOIL(hearing_of_nobody, message->hearing.roles = 0)
SPOIL(hearing_of_strangers, message->hearing.roles = 1u << 30)
SPOIL(reply_after_the_hearing, message->hearing.reply_by = 20261201)
SPOIL(hearing_about_no_id, memset(&message->hearing.about, 0x11, sizeof(struct uuid)))
SPOIL(opinion_unknown, message->hearing_opinion.opinion = 0)
SPOIL(role_unknown, message->roster_change.role = 3)
SPOIL(change_unknown, message->roster_change.change = 0)
SPOIL(no_edition, message->roster.edition = 0)
SPOIL(nobody_in_it, message->roster.persons = 0)
SPOIL(too_many_in_it, message->roster.persons = LIMIT_ROSTER + 1)
SPOIL(no_custodian, message->fund_plan.custodian = 0)
SPOIL(no_fund, message->fund_plan.amount_fen = 0)
SPOIL(no_payments, message->fund_plan.payment_count = 0)
SPOIL(half_of_the_payments, message->fund_plan.payment_count = 1)
SPOIL(more_fund_than_payments, message->fund_plan.amount_fen++)
SPOIL(paid_no_duty, message->fund_payment.duty = 0)
SPOIL(paid_nothing, message->fund_payment.amount_fen = 0)
SPOIL(paid_never, message->fund_payment.date = 0)
SPOIL(too_much_left, message->fund_payment.balance_fen = UINT64_MAX)
SPOIL(letter_to_nobody, SET(message->letter.associate, "court"))
SPOIL(letter_to_a_member, SET(message->letter.associate, "education"))
SPOIL(letter_without_end, message->letter.answer_by = 0)
SPOIL(letter_about_no_id, memset(&message->letter.about, 0x11, sizeof(struct uuid)))
SPOIL(letter_answered_unknown, message->letter_answer.answer = 0)
SPOIL(corrects_nothing, message->correction.corrects = 0)
SPOIL(corrects_no_message, memset(&message->header.refers_to, 0, sizeof(struct uuid)))

static const struct {
    enum message_kind kind;
    spoil_fn spoil;
    enum refusal refusal;
    const char *path;
} fact_rows[] = {
    {MESSAGE_INFORMATION_REQUEST, asked_unknown, REFUSAL_FACT_INVALID, "facts.asked"},
    {MESSAGE_INFORMATION_REQUEST, asked_nothing, REFUSAL_FACT_MISSING, "facts.asked"},
    {MESSAGE_INFORMATION_REQUEST, asked_about_nobody, REFUSAL_FACT_MISSING, "facts.about"},
    {MESSAGE_INFORMATION_REQUEST, asked_about_no_id, REFUSAL_FACT_INVALID, "facts.about"},
    {MESSAGE_INFORMATION_REPLY, answered_nothing, REFUSAL_FACT_MISSING, "facts.answered"},
    {MESSAGE_INFORMATION_REPLY, answered_unknown, REFUSAL_FACT_INVALID, "facts.answered"},
    {MESSAGE_ASSISTANCE_REPORT, stage_unknown, REFUSAL_FACT_INVALID, "facts.stage"},
    {MESSAGE_ASSISTANCE_REPORT, assisted_by_nothing, REFUSAL_FACT_INVALID, "facts.measure"},
    {MESSAGE_ASSISTANCE_REPORT, assisted_in_no_shape, REFUSAL_FACT_INVALID, "facts.shape"},
    {MESSAGE_ASSISTANCE_REPORT, assisted_without_money, REFUSAL_FACT_INVALID, "facts.amount_fen"},
    {MESSAGE_ASSISTANCE_REPORT, assisted_with_too_much, REFUSAL_FACT_INVALID, "facts.amount_fen"},
    {MESSAGE_ASSISTANCE_REPORT, assisted_never, REFUSAL_FACT_INVALID, "facts.date"},
    {MESSAGE_ASSISTANCE_REPORT, assisted_on_no_day, REFUSAL_FACT_INVALID, "facts.date"},
    {MESSAGE_ASSISTANCE_REPORT, third_of_two, REFUSAL_FACT_INVALID, "facts.instalment"},
    {MESSAGE_ASSISTANCE_REPORT, no_instalment_of_two, REFUSAL_FACT_INVALID, "facts.instalment"},
    {MESSAGE_ASSISTANCE_REPORT, assisted_person_beyond, REFUSAL_FACT_INVALID, "facts.person_index"},
    {MESSAGE_ESCALATION_REPLY, no_document, REFUSAL_FACT_INVALID, "facts.document_number"},
    {MESSAGE_ESCALATION_REPLY, no_document_number, REFUSAL_FACT_INVALID, "facts.document_number"},
    {MESSAGE_ESCALATION_REPLY, replied_unknown, REFUSAL_FACT_INVALID, "facts.answer"},
    {MESSAGE_ARCHIVE, archived_without_why, REFUSAL_FACT_INVALID, "facts.why"},
    {MESSAGE_REOPEN, reopened_without_why, REFUSAL_FACT_INVALID, "facts.why"},
    {MESSAGE_FOLLOW_UP_PLAN, no_dates, REFUSAL_FACT_MISSING, "facts.dates"},
    {MESSAGE_FOLLOW_UP_REPORT, hardship_unknown, REFUSAL_FACT_INVALID, "facts.hardship"},
    {MESSAGE_FOLLOW_UP_REPORT, effect_unknown, REFUSAL_FACT_INVALID, "facts.effect"},
    {MESSAGE_FOLLOW_UP_REPORT, risk_unknown, REFUSAL_FACT_INVALID, "facts.risk"},
    {MESSAGE_FOLLOW_UP_REPORT, next_on_no_day, REFUSAL_FACT_INVALID, "facts.next_date"},
    {MESSAGE_CONSULTATION, consulted_on_nothing, REFUSAL_FACT_INVALID, "facts.topic"},
    {MESSAGE_CONSULTATION, consulted_about_no_id, REFUSAL_FACT_INVALID, "facts.about"},
    {MESSAGE_CONFERENCE, conference_on_nothing, REFUSAL_FACT_INVALID, "facts.topic"},
    {MESSAGE_CONFERENCE, conference_never, REFUSAL_FACT_MISSING, "facts.held"},
    {MESSAGE_CONFERENCE, conference_about_no_id, REFUSAL_FACT_INVALID, "facts.about"},
    {MESSAGE_PROMISE_REPORT, reported_no_duty, REFUSAL_FACT_MISSING, "facts.duty"},
    {MESSAGE_PROMISE_REPORT, reported_unknown, REFUSAL_FACT_INVALID, "facts.result"},
    {MESSAGE_MEETING_NOTICE, meeting_never, REFUSAL_FACT_MISSING, "facts.at"},
    {MESSAGE_MEETING_NOTICE, reply_on_no_day, REFUSAL_FACT_INVALID, "facts.reply_by"},
    {MESSAGE_MEETING_NOTICE, reply_after_the_meeting, REFUSAL_DATE, "facts.reply_by"},
    {MESSAGE_MEETING_REPLY, attends_unknown, REFUSAL_FACT_INVALID, "facts.attends"},
    {MESSAGE_HEARING_REPLY, attends_unknown, REFUSAL_FACT_INVALID, "facts.attends"},
    {MESSAGE_HEARING_INVITATION, hearing_for_nothing, REFUSAL_FACT_INVALID, "facts.purpose"},
    {MESSAGE_HEARING_INVITATION, hearing_never, REFUSAL_FACT_MISSING, "facts.at"},
    {MESSAGE_HEARING_INVITATION, hearing_of_nobody, REFUSAL_FACT_MISSING, "facts.roles"},
    {MESSAGE_HEARING_INVITATION, hearing_of_strangers, REFUSAL_FACT_INVALID, "facts.roles"},
    {MESSAGE_HEARING_INVITATION, reply_after_the_hearing, REFUSAL_DATE, "facts.reply_by"},
    {MESSAGE_HEARING_INVITATION, hearing_about_no_id, REFUSAL_FACT_INVALID, "facts.about"},
    {MESSAGE_HEARING_OPINION, opinion_unknown, REFUSAL_FACT_INVALID, "facts.opinion"},
    {MESSAGE_ROSTER_CHANGE, role_unknown, REFUSAL_FACT_INVALID, "facts.role"},
    {MESSAGE_ROSTER_CHANGE, change_unknown, REFUSAL_FACT_INVALID, "facts.change"},
    {MESSAGE_ROSTER, no_edition, REFUSAL_FACT_MISSING, "facts.edition"},
    {MESSAGE_ROSTER, nobody_in_it, REFUSAL_FACT_INVALID, "facts.persons"},
    {MESSAGE_ROSTER, too_many_in_it, REFUSAL_FACT_INVALID, "facts.persons"},
    {MESSAGE_FUND_PLAN, no_custodian, REFUSAL_FACT_INVALID, "facts.custodian"},
    {MESSAGE_FUND_PLAN, no_fund, REFUSAL_FACT_INVALID, "facts.amount_fen"},
    {MESSAGE_FUND_PLAN, no_payments, REFUSAL_FACT_MISSING, "facts.payments"},
    {MESSAGE_FUND_PLAN, half_of_the_payments, REFUSAL_FACT_INVALID, "facts.payments"},
    {MESSAGE_FUND_PLAN, more_fund_than_payments, REFUSAL_FACT_INVALID, "facts.payments"},
    {MESSAGE_FUND_PAYMENT, paid_no_duty, REFUSAL_FACT_MISSING, "facts.duty"},
    {MESSAGE_FUND_PAYMENT, paid_nothing, REFUSAL_FACT_INVALID, "facts.amount_fen"},
    {MESSAGE_FUND_PAYMENT, paid_never, REFUSAL_FACT_INVALID, "facts.date"},
    {MESSAGE_FUND_PAYMENT, too_much_left, REFUSAL_FACT_INVALID, "facts.balance_fen"},
    {MESSAGE_LETTER, letter_to_nobody, REFUSAL_FACT_INVALID, "facts.associate"},
    {MESSAGE_LETTER, letter_to_a_member, REFUSAL_FACT_INVALID, "facts.associate"},
    {MESSAGE_LETTER, letter_without_end, REFUSAL_FACT_INVALID, "facts.answer_by"},
    {MESSAGE_LETTER, letter_about_no_id, REFUSAL_FACT_INVALID, "facts.about"},
    {MESSAGE_LETTER_ANSWER, letter_answered_unknown, REFUSAL_FACT_INVALID, "facts.answer"},
    {MESSAGE_CORRECTION, corrects_nothing, REFUSAL_FACT_MISSING, "facts.corrects"},
    {MESSAGE_CORRECTION, corrects_no_message, REFUSAL_REFERS_TO, "header.refers_to"},
};

START_TEST(each_fact_alone)
{
    struct message message = matter_message(matter_way_of(fact_rows[_i].kind));
    fact_rows[_i].spoil(&message);
    expect(&message, fact_rows[_i].refusal, fact_rows[_i].path);
}
END_TEST

/* What may be left out. */
START_TEST(facts_that_are_optional)
{
    struct message message = matter_message(matter_way_of(MESSAGE_INFORMATION_REPLY));
    message.information_reply.answered = 0;
    message.information_reply.partly = true; /* nothing can be had */
    expect(&message, REFUSAL_NONE, "");
    message = matter_message(matter_way_of(MESSAGE_ASSISTANCE_REPORT));
    message.assistance.instalments = 0; /* how many is not known yet */
    expect(&message, REFUSAL_NONE, "");
    message.assistance.shape = 2; /* a waiver has no amount */
    message.assistance.amount_fen = 0;
    expect(&message, REFUSAL_NONE, "");
    message = matter_message(matter_way_of(MESSAGE_FOLLOW_UP_REPORT));
    message.follow_up_report.duty = 0; /* not planned */
    message.follow_up_report.next_date = 0;
    expect(&message, REFUSAL_NONE, "");
    message = matter_message(matter_way_of(MESSAGE_CONFERENCE));
    message.conference.promise_count = 0;
    memset(&message.conference.about, 0, sizeof(message.conference.about));
    expect(&message, REFUSAL_NONE, "");
    message = matter_message(matter_way_of(MESSAGE_MEETING_NOTICE));
    message.meeting.reply_by = 0;
    message.meeting.agenda_count = 0;
    expect(&message, REFUSAL_NONE, "");
    message = matter_message(matter_way_of(MESSAGE_FUND_PAYMENT));
    message.fund_payment.balance_fen = 0; /* the last one */
    expect(&message, REFUSAL_NONE, "");
}
END_TEST

/* ---- lists ---- */

START_TEST(dates_rise)
{
    uint32_t dates[LIMIT_DUTIES + 1];
    struct message message = matter_message(matter_way_of(MESSAGE_FOLLOW_UP_PLAN));
    memcpy(dates, two_dates, sizeof(two_dates));
    message.follow_up_plan.dates = dates;
    dates[1] = dates[0];
    expect(&message, REFUSAL_DATE, "facts.dates[1]");
    dates[1] = 20270228; /* before it */
    expect(&message, REFUSAL_DATE, "facts.dates[1]");
    dates[0] = 20270229;
    expect(&message, REFUSAL_FACT_INVALID, "facts.dates[0]");
    for (uint32_t i = 0; i <= LIMIT_DUTIES; i++) {
        dates[i] = 20270101 + i % 28 + 100 * (i / 28 % 12);
    }
    message.follow_up_plan.date_count = LIMIT_DUTIES;
    expect(&message, REFUSAL_NONE, "");
    message.follow_up_plan.date_count = LIMIT_DUTIES + 1;
    expect(&message, REFUSAL_FACT_INVALID, "facts.dates: expected at most");
}
END_TEST

/* A promise in each of the two kinds that make them. */
START_TEST(each_promise)
{
    static const enum message_kind kinds[] = {MESSAGE_CONFERENCE, MESSAGE_HEARING_OPINION};
    static struct promise promises[LIMIT_DUTIES + 1];
    for (size_t which = 0; which < COUNT_OF(kinds); which++) {
        struct message message = matter_message(matter_way_of(kinds[which]));
        bool conference = kinds[which] == MESSAGE_CONFERENCE;
        size_t *count =
            conference ? &message.conference.promise_count : &message.hearing_opinion.promise_count;
        if (conference) {
            message.conference.promises = promises;
        } else {
            message.hearing_opinion.promises = promises;
        }
        memcpy(promises, two_promises, sizeof(two_promises));
        SET(promises[1].agency, "court");
        expect(&message, REFUSAL_FACT_INVALID, "facts.promises[1].agency");
        SET(promises[1].agency, "hospital");
        expect(&message, REFUSAL_FACT_INVALID, "facts.promises[1].agency");
        promises[1] = two_promises[1];
        promises[0].code = 0;
        expect(&message, REFUSAL_FACT_INVALID, "facts.promises[0].code");
        promises[0] = two_promises[0];
        promises[1].by_date = 0;
        expect(&message, REFUSAL_FACT_INVALID, "facts.promises[1].by_date");
        promises[1] = promises[0];
        expect(&message, REFUSAL_FACT_INVALID, "facts.promises[1]: the same");
        promises[1].code = 2; /* the same agency, something else */
        expect(&message, REFUSAL_NONE, "");
        *count = LIMIT_DUTIES + 1;
        expect(&message, REFUSAL_FACT_INVALID, "facts.promises: expected at most");
    }
}
END_TEST

START_TEST(each_agenda_item)
{
    static struct agenda_item agenda[LIMIT_AGENDA + 1];
    struct message message = matter_message(matter_way_of(MESSAGE_MEETING_NOTICE));
    message.meeting.agenda = agenda;
    memcpy(agenda, two_items, sizeof(two_items));
    SET(agenda[1].number, "JZ-2026-0031");
    expect(&message, REFUSAL_NONE, "");
    SET(agenda[1].number, "DB-2026-0031");
    expect(&message, REFUSAL_FACT_INVALID, "facts.agenda[1].number");
    SET(agenda[1].number, agenda[0].number);
    expect(&message, REFUSAL_FACT_INVALID, "facts.agenda[1].number: the same");
    agenda[1] = two_items[1];
    agenda[0].why = 0;
    expect(&message, REFUSAL_FACT_INVALID, "facts.agenda[0].why");
    message.meeting.agenda_count = LIMIT_AGENDA + 1;
    expect(&message, REFUSAL_FACT_INVALID, "facts.agenda: expected at most");
}
END_TEST

START_TEST(each_payment)
{
    static struct payment payments[LIMIT_DUTIES + 1];
    struct message message = matter_message(matter_way_of(MESSAGE_FUND_PLAN));
    message.fund_plan.payments = payments;
    memcpy(payments, two_payments, sizeof(two_payments));
    payments[0].amount_fen = 0;
    expect(&message, REFUSAL_FACT_INVALID, "facts.payments[0].amount_fen");
    payments[0].amount_fen = UINT64_MAX; /* its sum with the other would be right again */
    expect(&message, REFUSAL_FACT_INVALID, "facts.payments[0].amount_fen");
    payments[0] = two_payments[0];
    payments[1].date = 20261131;
    expect(&message, REFUSAL_FACT_INVALID, "facts.payments[1].date");
    payments[1].date = payments[0].date;
    expect(&message, REFUSAL_DATE, "facts.payments[1].date");
    message.fund_plan.payment_count = LIMIT_DUTIES + 1;
    expect(&message, REFUSAL_FACT_INVALID, "facts.payments: expected at most");
}
END_TEST

/* ---- bodies of the roster ---- */

static struct body body_of(const struct message *message, const struct body_person *persons)
{
    struct body body = {.officer = "乙", .persons = persons, .person_count = 2};
    memcpy(body.sender, message->header.sender, sizeof(body.sender));
    memcpy(body.recipient, message->header.recipient, sizeof(body.recipient));
    body.message_id = message->header.message_id;
    body.case_id = message->header.case_id;
    return body;
}

static void expect_body(const struct message *message, const struct body *body, uint32_t rejection,
                        const char *path)
{
    struct check_result result;
    message_check(&world.ctx, message, body, &result);
    ck_assert_msg(result.rejection == rejection, "%u: %s", result.rejection, result.detail);
    ck_assert_int_eq(result.refusal == REFUSAL_NONE, rejection == 0);
    ck_assert_msg(strncmp(result.detail, path, strlen(path)) == 0, "%s", result.detail);
}

START_TEST(persons_of_a_roster)
{
    struct message message = matter_message(matter_way_of(MESSAGE_ROSTER));
    struct body_person persons[] = {{.name = "甲", .agency = "education", .role = 1},
                                    {.name = "丙", .agency = "justice", .role = 2}};
    struct body body = body_of(&message, persons);
    expect_body(&message, &body, 0, "");
    persons[1].agency = NULL;
    expect_body(&message, &body, REJECTION_CONTRADICTS, "body.persons[1].agency");
    persons[1].agency = "hospital";
    expect_body(&message, &body, REJECTION_CONTRADICTS, "body.persons[1].agency");
    persons[1].agency = "justice";
    persons[0].role = 0;
    expect_body(&message, &body, REJECTION_CONTRADICTS, "body.persons[0].role");
    persons[0].role = 1;
    message.roster.persons = 3;
    expect_body(&message, &body, REJECTION_CONTRADICTS, "facts.persons");
}
END_TEST

START_TEST(persons_of_a_change)
{
    struct message message = matter_message(matter_way_of(MESSAGE_ROSTER_CHANGE));
    struct body_person persons[] = {{.name = "甲", .agency = "education", .role = 2},
                                    {.name = "丙", .agency = "education", .role = 2}};
    struct body body = body_of(&message, persons);
    expect_body(&message, &body, 0, "");
    persons[0].agency = "justice"; /* another agency's people */
    expect_body(&message, &body, REJECTION_CONTRADICTS, "body.persons[0].agency");
    persons[0].agency = "education";
    persons[1].role = 1;
    expect_body(&message, &body, REJECTION_CONTRADICTS, "body.persons[1].role");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("check_matters");
    TCase *cases = tcase_create("all");
    int ways = (int)COUNT_OF(matter_ways);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, each_fact_alone, 0, (int)COUNT_OF(fact_rows));
    tcase_add_loop_test(cases, empty_facts_are_refused, 0, ways);
    tcase_add_loop_test(cases, every_mandatory_body_field_is_demanded, 0, ways);
    tcase_add_loop_test(cases, the_number_of_what_it_is_about, 0, ways);
    tcase_add_loop_test(cases, who_may_be_addressed, 0, ways);
    tcase_add_test(cases, referrals_have_no_copies);
    tcase_add_test(cases, a_copy_that_the_policy_forbids);
    tcase_add_test(cases, dates_rise);
    tcase_add_test(cases, each_promise);
    tcase_add_test(cases, each_agenda_item);
    tcase_add_test(cases, each_payment);
    tcase_add_test(cases, persons_of_a_roster);
    tcase_add_test(cases, persons_of_a_change);
    tcase_add_loop_test(cases, right_messages_are_taken, 0, ways);
    tcase_add_test(cases, facts_that_are_optional);
    tcase_add_test(cases, receipts_are_of_matters_too);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
