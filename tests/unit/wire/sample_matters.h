/* Facts of every kind beside a referral's own life, each field with a value that is not its
 * default. For the suites of lib/wire; numbers need not be words. */
#ifndef REFERRAL_TESTS_WIRE_SAMPLE_MATTERS_H
#define REFERRAL_TESTS_WIRE_SAMPLE_MATTERS_H

#include "sample.h"

static const uint32_t dates[] = {20261201, 20270301, UINT32_MAX};
static const struct promise promises[] = {{"education", 3, 20261130}, {"civil-affairs", 7, 1}};
static const struct agenda_item agenda[] = {{"JZ-2026-0031-01", 1}, {"JZ-SX-2026-0007", 2}};
static const struct payment payments[] = {{20261201, 50000}, {20270101, UINT64_MAX}};

/* From the information request to the report of a promise. */
static inline void sample_matter_facts_early(struct message *message)
{
    struct uuid about = sample_uuid(0x66);
    switch (message->header.kind) {
    case MESSAGE_INFORMATION_REQUEST:
        message->information = (struct information_facts){UINT64_C(1) << 63 | 5, about};
        break;
    case MESSAGE_INFORMATION_REPLY:
        message->information_reply.answered = 4;
        message->information_reply.partly = true;
        break;
    case MESSAGE_ASSISTANCE_REPORT:
        message->assistance = (struct assistance_facts){1, 2, 3, 4, 5, 6, 20261001, 7};
        break;
    case MESSAGE_ESCALATION_REPLY:
        memcpy(message->escalation_reply.document_number, "DB-2026-0012", 13);
        message->escalation_reply.answer = 2;
        break;
    case MESSAGE_ARCHIVE:
        message->archive.why = 1;
        break;
    case MESSAGE_REOPEN:
        message->reopen.why = 2;
        break;
    case MESSAGE_FOLLOW_UP_PLAN:
        message->follow_up_plan = (struct follow_up_plan_facts){dates, COUNT_OF(dates)};
        break;
    case MESSAGE_FOLLOW_UP_REPORT:
        message->follow_up_report = (struct follow_up_report_facts){1, 2, 3, 4, 20270301};
        break;
    case MESSAGE_CONSULTATION:
        message->consultation.topic = 2;
        message->consultation.about = about;
        break;
    case MESSAGE_CONFERENCE:
        message->conference =
            (struct conference_facts){1, 1790000000001, promises, COUNT_OF(promises), about};
        break;
    case MESSAGE_PROMISE_REPORT:
        message->promise_report.duty = 9;
        message->promise_report.result = 2;
        break;
    default:
        ck_abort_msg("no facts for this kind");
    }
}

/* And the others: meetings, hearings, the roster, money, letters, corrections. */
static inline void sample_matter_facts(struct message *message)
{
    struct uuid about = sample_uuid(0x66);
    switch (message->header.kind) {
    case MESSAGE_MEETING_NOTICE:
        message->meeting =
            (struct meeting_facts){1790000000002, 20261120, agenda, COUNT_OF(agenda)};
        break;
    case MESSAGE_MEETING_REPLY:
    case MESSAGE_HEARING_REPLY:
        message->attendance.attends = 2;
        break;
    case MESSAGE_HEARING_INVITATION:
        message->hearing = (struct hearing_facts){1, 1790000000003, 0x7f, 20261119, about};
        break;
    case MESSAGE_HEARING_OPINION:
        message->hearing_opinion = (struct hearing_opinion_facts){2, promises, COUNT_OF(promises)};
        break;
    case MESSAGE_ROSTER_CHANGE:
        message->roster_change.role = 2;
        message->roster_change.change = 3;
        break;
    case MESSAGE_ROSTER:
        message->roster.edition = 4;
        message->roster.persons = 22;
        break;
    case MESSAGE_FUND_PLAN:
        message->fund_plan = (struct fund_plan_facts){1, 100000, payments, COUNT_OF(payments)};
        break;
    case MESSAGE_FUND_PAYMENT:
        message->fund_payment = (struct fund_payment_facts){1, 50000, 50001, 20261202};
        break;
    case MESSAGE_LETTER:
        memcpy(message->letter.associate, "hospital", 9);
        message->letter.answer_by = 20261120;
        message->letter.about = about;
        break;
    case MESSAGE_LETTER_ANSWER:
        message->letter_answer.answer = 4;
        break;
    case MESSAGE_CORRECTION:
        message->correction.corrects = 0x3f;
        break;
    default:
        sample_matter_facts_early(message);
    }
}

#endif
