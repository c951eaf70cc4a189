/* A right message of each kind beside a referral's own life, for the suites of this folder: each
 * test spoils one thing. Its world is the shipped registry and policy, and one associate. */
#ifndef REFERRAL_TESTS_MODEL_MATTER_MESSAGES_H
#define REFERRAL_TESTS_MODEL_MATTER_MESSAGES_H

#include "model_support.h"

#define HOSPITAL_NUMBER 900

/* The shipped agencies and an associate, a hospital. */
static inline struct registry *registry_with_associate(void)
{
    static const char row[] = "\n  - id: hospital\n    number: 900\n    class: A\n    prefix: YY\n"
                              "    name: {zh: 示例医院, en: Example Hospital}\n"
                              "    office: {zh: 医务科, en: Medical Office}\n    duties: []\n";
    struct registry *registry = NULL;
    struct fault fault = {.code = ""};
    struct buf text;
    shipped_text("config/agencies.yaml", &text);
    ck_assert_int_eq(buf_append(&text, row, strlen(row)), OK);
    ck_assert_msg(registry_read("agencies.yaml", span_buf(&text), &registry, &fault) == OK,
                  "%s: %s", fault.place, fault.message);
    buf_free(&text);
    return registry;
}

static const uint32_t two_dates[] = {20270301, 20270901};
static const struct promise two_promises[] = {{"education", 1, 20261130},
                                              {"civil-affairs", 3, 20261115}};
static const struct agenda_item two_items[] = {{"JZ-2026-0031-01", 1}, {"JZ-SX-2026-0007", 2}};
static const struct payment two_payments[] = {{20261201, 40000}, {20270101, 60000}};

/* Who sends each kind to whom; a kind that several agencies get has a copy for civil-affairs. */
static const struct matter_way {
    enum message_kind kind;
    const char *from, *to;
    uint32_t body_fields;
    bool several;
} matter_ways[] = {
    {MESSAGE_INFORMATION_REQUEST, "education", "procuratorate", BODY_TEXT, false},
    {MESSAGE_INFORMATION_REPLY, "procuratorate", "education", BODY_TEXT, false},
    {MESSAGE_ASSISTANCE_REPORT, "education", "procuratorate", 0, false},
    {MESSAGE_ESCALATION_REPLY, "education", "procuratorate", BODY_TEXT, false},
    {MESSAGE_ARCHIVE, "procuratorate", "education", 0, true},
    {MESSAGE_REOPEN, "procuratorate", "education", 0, true},
    {MESSAGE_FOLLOW_UP_PLAN, "procuratorate", "education", 0, true},
    {MESSAGE_FOLLOW_UP_REPORT, "procuratorate", "education", 0, true},
    {MESSAGE_CONSULTATION, "justice", "education", BODY_TEXT, true},
    {MESSAGE_CONFERENCE, "justice", "education", BODY_TEXT, true},
    {MESSAGE_PROMISE_REPORT, "education", "justice", 0, true},
    {MESSAGE_MEETING_NOTICE, "procuratorate", "education", BODY_TEXT, true},
    {MESSAGE_MEETING_REPLY, "education", "procuratorate", 0, false},
    {MESSAGE_HEARING_INVITATION, "procuratorate", "education", BODY_TEXT, true},
    {MESSAGE_HEARING_REPLY, "education", "procuratorate", 0, false},
    {MESSAGE_HEARING_OPINION, "procuratorate", "education", 0, true},
    {MESSAGE_ROSTER_CHANGE, "education", "procuratorate", BODY_PERSONS, false},
    {MESSAGE_ROSTER, "procuratorate", "education", BODY_PERSONS, true},
    {MESSAGE_FUND_PLAN, "procuratorate", "education", 0, true},
    {MESSAGE_FUND_PAYMENT, "procuratorate", "education", 0, true},
    {MESSAGE_LETTER, "health", "procuratorate", BODY_TEXT, false},
    {MESSAGE_LETTER_ANSWER, "health", "procuratorate", 0, false},
    {MESSAGE_CORRECTION, "procuratorate", "education", BODY_TEXT, false},
};

/* Facts from the information request to the report of a promise. */
static inline void matter_facts_early(struct message *message)
{
    switch (message->header.kind) {
    case MESSAGE_INFORMATION_REQUEST:
        message->information = (struct information_facts){.asked = 3, .about = id_of(2)};
        break;
    case MESSAGE_INFORMATION_REPLY:
        message->information_reply.answered = 1;
        break;
    case MESSAGE_ASSISTANCE_REPORT:
        message->assistance = (struct assistance_facts){.stage = STAGE_PAID,
                                                        .measure = 11,
                                                        .shape = SHAPE_MONEY,
                                                        .amount_fen = 60000,
                                                        .instalment = 1,
                                                        .instalments = 2,
                                                        .date = 20261015};
        break;
    case MESSAGE_ESCALATION_REPLY:
        SET(message->escalation_reply.document_number, "DB-2026-0012");
        message->escalation_reply.answer = 2;
        break;
    case MESSAGE_ARCHIVE:
        message->archive.why = 1;
        break;
    case MESSAGE_REOPEN:
        message->reopen.why = 2;
        break;
    case MESSAGE_FOLLOW_UP_PLAN:
        message->follow_up_plan = (struct follow_up_plan_facts){two_dates, COUNT_OF(two_dates)};
        break;
    case MESSAGE_FOLLOW_UP_REPORT:
        message->follow_up_report = (struct follow_up_report_facts){1, 2, 1, RISK_NONE, 20270901};
        break;
    case MESSAGE_CONSULTATION:
        message->consultation.topic = 1;
        break;
    case MESSAGE_CONFERENCE:
        message->conference = (struct conference_facts){1, UINT64_C(1772000000000), two_promises,
                                                        COUNT_OF(two_promises), id_of(2)};
        break;
    default:
        message->promise_report.duty = 1;
        message->promise_report.result = 1;
    }
}

/* Facts of the others; `about` and the like are about the referral of model_support.h. */
static inline void matter_facts(struct message *message)
{
    switch (message->header.kind) {
    case MESSAGE_MEETING_NOTICE:
        message->meeting = (struct meeting_facts){UINT64_C(1796000000000), 20261120, two_items,
                                                  COUNT_OF(two_items)};
        break;
    case MESSAGE_MEETING_REPLY:
    case MESSAGE_HEARING_REPLY:
        message->attendance.attends = 1;
        break;
    case MESSAGE_HEARING_INVITATION:
        message->hearing =
            (struct hearing_facts){1, UINT64_C(1796000000000), 0x13, 20261120, id_of(2)};
        break;
    case MESSAGE_HEARING_OPINION:
        message->hearing_opinion =
            (struct hearing_opinion_facts){1, two_promises, COUNT_OF(two_promises)};
        break;
    case MESSAGE_ROSTER_CHANGE:
        message->roster_change.role = 2;
        message->roster_change.change = 1;
        break;
    case MESSAGE_ROSTER:
        message->roster.edition = 4;
        message->roster.persons = 2;
        break;
    case MESSAGE_FUND_PLAN:
        message->fund_plan =
            (struct fund_plan_facts){2, 100000, two_payments, COUNT_OF(two_payments)};
        break;
    case MESSAGE_FUND_PAYMENT:
        message->fund_payment = (struct fund_payment_facts){1, 40000, 60000, 20261201};
        break;
    case MESSAGE_LETTER:
        SET(message->letter.associate, "hospital");
        message->letter.answer_by = 20261120;
        break;
    case MESSAGE_LETTER_ANSWER:
        message->letter_answer.answer = 1;
        break;
    case MESSAGE_CORRECTION:
        message->correction.corrects = 1;
        message->header.refers_to = id_of(11);
        break;
    default:
        matter_facts_early(message);
    }
}

/* A right message of the way `which`. */
static inline struct message matter_message(size_t which)
{
    const struct matter_way *way = &matter_ways[which];
    struct message message = message_of(way->kind, way->from, way->to);
    message.body_fields |= way->body_fields;
    if (message_kind_of_matter(way->kind)) {
        SET(message.header.referral_number, "JZ-SX-2026-0007");
        message.header.case_number[0] = '\0';
    }
    if (way->several) {
        agency_set_add(&message.copies, 3);
    }
    matter_facts(&message);
    return message;
}

/* The place of a kind in matter_ways. */
static inline size_t matter_way_of(enum message_kind kind)
{
    size_t which = 0;
    while (which < COUNT_OF(matter_ways) && matter_ways[which].kind != kind) {
        which++;
    }
    ck_assert_uint_lt(which, COUNT_OF(matter_ways));
    return which;
}

#endif
