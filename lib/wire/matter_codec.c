/* Facts of the messages beside a referral's own life (information, assistance, archive, follow-ups,
 * conferences, meetings, hearings, roster, supervised money, letters): their tables. */
#include "message.pb-c.h"
#include "wire/codec.h"
#include "wire/tables.h"

static const struct bind information_binds[] = {
    NUMBER(1, struct information_facts, asked),
    ID(2, struct information_facts, about),
};
const struct bind_table information_table = TABLE(&referral__v1__information_facts__descriptor,
                                                  struct information_facts, information_binds);

static const struct bind information_reply_binds[] = {
    FACTS_NUMBER(1, information_reply.answered),
    FACTS_NUMBER(2, information_reply.partly),
};
const struct bind_table information_reply_table = TABLE(
    &referral__v1__information_reply_facts__descriptor, struct message, information_reply_binds);

static const struct bind assistance_binds[] = {
    NUMBER(1, struct assistance_facts, stage),
    NUMBER(2, struct assistance_facts, measure),
    NUMBER(3, struct assistance_facts, shape),
    NUMBER(4, struct assistance_facts, amount_fen),
    NUMBER(5, struct assistance_facts, instalment),
    NUMBER(6, struct assistance_facts, instalments),
    NUMBER(7, struct assistance_facts, date),
    NUMBER(8, struct assistance_facts, person_index),
};
const struct bind_table assistance_table =
    TABLE(&referral__v1__assistance_facts__descriptor, struct assistance_facts, assistance_binds);

static const struct bind escalation_reply_binds[] = {
    FACTS_TEXT(1, escalation_reply.document_number),
    FACTS_NUMBER(2, escalation_reply.answer),
};
const struct bind_table escalation_reply_table = TABLE(
    &referral__v1__escalation_reply_facts__descriptor, struct message, escalation_reply_binds);

static const struct bind archive_binds[] = {
    FACTS_NUMBER(1, archive.why),
};
const struct bind_table archive_table =
    TABLE(&referral__v1__archive_facts__descriptor, struct message, archive_binds);

static const struct bind reopen_binds[] = {
    FACTS_NUMBER(1, reopen.why),
};
const struct bind_table reopen_table =
    TABLE(&referral__v1__reopen_facts__descriptor, struct message, reopen_binds);

static const struct bind follow_up_plan_binds[] = {
    NUMBERS(1, struct follow_up_plan_facts, dates, date_count, LIMIT_DUTIES),
};
const struct bind_table follow_up_plan_table =
    TABLE(&referral__v1__follow_up_plan_facts__descriptor, struct follow_up_plan_facts,
          follow_up_plan_binds);

static const struct bind follow_up_report_binds[] = {
    NUMBER(1, struct follow_up_report_facts, duty),
    NUMBER(2, struct follow_up_report_facts, hardship),
    NUMBER(3, struct follow_up_report_facts, effect),
    NUMBER(4, struct follow_up_report_facts, risk),
    NUMBER(5, struct follow_up_report_facts, next_date),
};
const struct bind_table follow_up_report_table =
    TABLE(&referral__v1__follow_up_report_facts__descriptor, struct follow_up_report_facts,
          follow_up_report_binds);

static const struct bind consultation_binds[] = {
    FACTS_NUMBER(1, consultation.topic),
    FACTS_ID(2, consultation.about),
};
const struct bind_table consultation_table =
    TABLE(&referral__v1__consultation_facts__descriptor, struct message, consultation_binds);

static const struct bind promise_binds[] = {
    TEXT(1, struct promise, agency),
    NUMBER(2, struct promise, code),
    NUMBER(3, struct promise, by_date),
};
static const struct bind_table promise_table =
    TABLE(&referral__v1__promise__descriptor, struct promise, promise_binds);

static const struct bind conference_binds[] = {
    NUMBER(1, struct conference_facts, topic),
    NUMBER(2, struct conference_facts, held_ms),
    MANY(3, struct conference_facts, promises, promise_count, LIMIT_DUTIES, &promise_table),
    ID(4, struct conference_facts, about),
};
const struct bind_table conference_table =
    TABLE(&referral__v1__conference_facts__descriptor, struct conference_facts, conference_binds);

static const struct bind promise_report_binds[] = {
    FACTS_NUMBER(1, promise_report.duty),
    FACTS_NUMBER(2, promise_report.result),
};
const struct bind_table promise_report_table =
    TABLE(&referral__v1__promise_report_facts__descriptor, struct message, promise_report_binds);

static const struct bind agenda_binds[] = {
    TEXT(1, struct agenda_item, number),
    NUMBER(2, struct agenda_item, why),
};
static const struct bind_table agenda_table =
    TABLE(&referral__v1__agenda_item__descriptor, struct agenda_item, agenda_binds);

static const struct bind meeting_binds[] = {
    NUMBER(1, struct meeting_facts, at_ms),
    NUMBER(2, struct meeting_facts, reply_by),
    MANY(3, struct meeting_facts, agenda, agenda_count, LIMIT_AGENDA, &agenda_table),
};
const struct bind_table meeting_table =
    TABLE(&referral__v1__meeting_facts__descriptor, struct meeting_facts, meeting_binds);

static const struct bind attendance_binds[] = {
    FACTS_NUMBER(1, attendance.attends),
};
const struct bind_table attendance_table =
    TABLE(&referral__v1__attendance_facts__descriptor, struct message, attendance_binds);

static const struct bind hearing_binds[] = {
    NUMBER(1, struct hearing_facts, purpose), NUMBER(2, struct hearing_facts, at_ms),
    NUMBER(3, struct hearing_facts, roles),   NUMBER(4, struct hearing_facts, reply_by),
    ID(5, struct hearing_facts, about),
};
const struct bind_table hearing_table =
    TABLE(&referral__v1__hearing_facts__descriptor, struct hearing_facts, hearing_binds);

static const struct bind hearing_opinion_binds[] = {
    NUMBER(1, struct hearing_opinion_facts, opinion),
    MANY(2, struct hearing_opinion_facts, promises, promise_count, LIMIT_DUTIES, &promise_table),
};
const struct bind_table hearing_opinion_table =
    TABLE(&referral__v1__hearing_opinion_facts__descriptor, struct hearing_opinion_facts,
          hearing_opinion_binds);

static const struct bind roster_change_binds[] = {
    FACTS_NUMBER(1, roster_change.role),
    FACTS_NUMBER(2, roster_change.change),
};
const struct bind_table roster_change_table =
    TABLE(&referral__v1__roster_change_facts__descriptor, struct message, roster_change_binds);

static const struct bind roster_binds[] = {
    FACTS_NUMBER(1, roster.edition),
    FACTS_NUMBER(2, roster.persons),
};
const struct bind_table roster_table =
    TABLE(&referral__v1__roster_facts__descriptor, struct message, roster_binds);

static const struct bind payment_binds[] = {
    NUMBER(1, struct payment, date),
    NUMBER(2, struct payment, amount_fen),
};
static const struct bind_table payment_table =
    TABLE(&referral__v1__payment__descriptor, struct payment, payment_binds);

static const struct bind fund_plan_binds[] = {
    NUMBER(1, struct fund_plan_facts, custodian),
    NUMBER(2, struct fund_plan_facts, amount_fen),
    MANY(3, struct fund_plan_facts, payments, payment_count, LIMIT_DUTIES, &payment_table),
};
const struct bind_table fund_plan_table =
    TABLE(&referral__v1__fund_plan_facts__descriptor, struct fund_plan_facts, fund_plan_binds);

static const struct bind fund_payment_binds[] = {
    NUMBER(1, struct fund_payment_facts, duty),
    NUMBER(2, struct fund_payment_facts, amount_fen),
    NUMBER(3, struct fund_payment_facts, balance_fen),
    NUMBER(4, struct fund_payment_facts, date),
};
const struct bind_table fund_payment_table = TABLE(&referral__v1__fund_payment_facts__descriptor,
                                                   struct fund_payment_facts, fund_payment_binds);

static const struct bind letter_binds[] = {
    TEXT(1, struct letter_facts, associate),
    NUMBER(2, struct letter_facts, answer_by),
    ID(3, struct letter_facts, about),
};
const struct bind_table letter_table =
    TABLE(&referral__v1__letter_facts__descriptor, struct letter_facts, letter_binds);

static const struct bind letter_answer_binds[] = {
    FACTS_NUMBER(1, letter_answer.answer),
};
const struct bind_table letter_answer_table =
    TABLE(&referral__v1__letter_answer_facts__descriptor, struct message, letter_answer_binds);

static const struct bind correction_binds[] = {
    FACTS_NUMBER(1, correction.corrects),
};
const struct bind_table correction_table =
    TABLE(&referral__v1__correction_facts__descriptor, struct message, correction_binds);
