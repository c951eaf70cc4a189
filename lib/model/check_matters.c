/* How: one row per kind names the rule for its facts, the mandatory fields of its body and whether
 * several agencies may be addressed at once. Here is judged what a message says by itself; what it
 * does to a matter, and whether its dates lie ahead, is model/decide_matter. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check_parts.h"
#include "model/numbers.h"

#define PATH_BYTES 64

/* ---- addressees ---- */

static bool check_addressee(struct check *check, const struct agency *agency, const char *path)
{
    enum message_kind kind = check->message->header.kind;
    if (agency->class == CLASS_ASSOCIATE) {
        return check_refuse(check, REFUSAL_RECIPIENT,
                            "%s: %s is an associate, reached by letter only", path, agency->id);
    }
    if (!policy_may_send(check->ctx->policy, kind, check->sender, agency)) {
        return check_refuse(check, REFUSAL_POLICY, "%s: %s may not send %s to %s", path,
                            check->sender->id, message_kind_name(kind), agency->id);
    }
    return true;
}

static bool check_copy(struct check *check, uint16_t number)
{
    const struct agency *agency = registry_by_number(check->ctx->registry, number);
    if (agency == NULL) {
        return check_refuse(check, REFUSAL_RECIPIENT, "facts.copies: no agency has the number %u",
                            (unsigned)number);
    }
    if (agency == check->sender || agency == check->recipient) {
        return check_refuse(check, REFUSAL_RECIPIENT,
                            "facts.copies: %s is the sender or the recipient already", agency->id);
    }
    return check_addressee(check, agency, "facts.copies");
}

bool check_addressees(struct check *check, bool several)
{
    const struct agency_set *copies = &check->message->copies;
    uint32_t addressees = 1;
    if (!check_addressee(check, check->recipient, "header.kind")) {
        return false;
    }
    if (agency_set_empty(copies)) {
        return true;
    }
    if (!several) {
        return check_refuse(check, REFUSAL_RECIPIENT, "facts.copies: %s goes to one agency",
                            message_kind_name(check->message->header.kind));
    }
    for (uint16_t number = 0; number < 8 * AGENCY_SET_BYTES; number++) {
        if (!agency_set_has(copies, number)) {
            continue;
        }
        if (!check_copy(check, number)) {
            return false;
        }
        addressees++;
    }
    if (addressees + 1 > LIMIT_READER_COUNT) {
        return check_refuse(check, REFUSAL_RECIPIENT, "facts.copies: expected at most %u agencies",
                            LIMIT_READER_COUNT - 2);
    }
    return true;
}

/* ---- what several kinds share ---- */

static bool check_some(struct check *check, enum vocabulary which, uint64_t bits, const char *path)
{
    if (bits == 0) {
        return check_refuse(check, REFUSAL_FACT_MISSING, "%s: expected at least one %s", path,
                            vocabulary_name(which));
    }
    return check_set(check, which, bits, path);
}

static bool check_amount(struct check *check, uint64_t amount_fen, const char *path)
{
    if (amount_fen == 0 || amount_fen > AMOUNT_MAX_FEN) {
        return check_refuse(check, REFUSAL_FACT_INVALID, "%s: expected an amount in fen", path);
    }
    return true;
}

static bool check_when(struct check *check, uint64_t at_ms, const char *path)
{
    return at_ms != 0 || check_refuse(check, REFUSAL_FACT_MISSING, "%s: expected when it is", path);
}

/* A referral's id; `mandatory` or none. */
static bool check_about(struct check *check, const struct uuid *about, bool mandatory)
{
    if (uuid_is_zero(about) ? !mandatory : uuid_is_v7(about)) {
        return true;
    }
    return check_refuse(check, uuid_is_zero(about) ? REFUSAL_FACT_MISSING : REFUSAL_FACT_INVALID,
                        "facts.about: expected a referral's id");
}

static bool check_duty(struct check *check, uint32_t duty)
{
    return duty != 0 ||
           check_refuse(check, REFUSAL_FACT_MISSING, "facts.duty: expected the duty's number");
}

/* An answer is due before that of which it answers the invitation. */
static bool check_reply_by(struct check *check, uint32_t reply_by, uint64_t at_ms)
{
    if (reply_by == 0) {
        return true;
    }
    if (!check_date(check, reply_by, "facts.reply_by")) {
        return false;
    }
    if (reply_by > civil_yyyymmdd(civil_day_at(at_ms))) {
        return check_refuse(check, REFUSAL_DATE, "facts.reply_by: later than facts.at");
    }
    return true;
}

static bool check_number_of_rows(struct check *check, size_t count, size_t max, const char *path)
{
    return count <= max ||
           check_refuse(check, REFUSAL_FACT_INVALID, "%s: expected at most %zu", path, max);
}

static bool promise_equal(const struct promise *a, const struct promise *b)
{
    return a->code == b->code && a->by_date == b->by_date && strcmp(a->agency, b->agency) == 0;
}

static bool check_promise(struct check *check, const struct promise *promises, size_t index)
{
    const struct promise *promise = &promises[index];
    const struct agency *agency = registry_find(check->ctx->registry, promise->agency);
    char path[PATH_BYTES];
    if (agency == NULL || agency->class == CLASS_ASSOCIATE) {
        return check_refuse(check, REFUSAL_FACT_INVALID,
                            "facts.promises[%zu].agency: expected a member agency", index);
    }
    (void)snprintf(path, sizeof(path), "facts.promises[%zu].code", index);
    if (!check_word(check, VOCABULARY_PROMISE, promise->code, path)) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "facts.promises[%zu].by_date", index);
    if (!check_date(check, promise->by_date, path)) {
        return false;
    }
    for (size_t i = 0; i < index; i++) {
        if (promise_equal(&promises[i], promise)) {
            return check_refuse(check, REFUSAL_FACT_INVALID,
                                "facts.promises[%zu]: the same as facts.promises[%zu]", index, i);
        }
    }
    return true;
}

static bool check_promises(struct check *check, const struct promise *promises, size_t count)
{
    if (!check_number_of_rows(check, count, LIMIT_DUTIES, "facts.promises")) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!check_promise(check, promises, i)) {
            return false;
        }
    }
    return true;
}

/* ---- about a referral: assistance, documents, corrections ---- */

static bool check_assistance(struct check *check)
{
    const struct assistance_facts *facts = &check->message->assistance;
    if (!check_word(check, VOCABULARY_STAGE, facts->stage, "facts.stage") ||
        !check_word(check, VOCABULARY_MEASURE, facts->measure, "facts.measure") ||
        !check_word(check, VOCABULARY_SHAPE, facts->shape, "facts.shape") ||
        !check_date(check, facts->date, "facts.date")) {
        return false;
    }
    if ((facts->shape == SHAPE_MONEY || facts->amount_fen != 0) &&
        !check_amount(check, facts->amount_fen, "facts.amount_fen")) {
        return false;
    }
    if (facts->instalments != 0 &&
        (facts->instalment == 0 || facts->instalment > facts->instalments)) {
        return check_refuse(check, REFUSAL_FACT_INVALID, "facts.instalment: expected 1 to %" PRIu32,
                            facts->instalments);
    }
    if (facts->person_index >= LIMIT_PERSONS) {
        return check_refuse(check, REFUSAL_FACT_INVALID, "facts.person_index: expected below %u",
                            LIMIT_PERSONS);
    }
    return true;
}

static bool check_escalation_reply(struct check *check)
{
    struct number number;
    if (number_parse(NUMBER_DOCUMENT, check->message->escalation_reply.document_number, &number) !=
        OK) {
        return check_refuse(check, REFUSAL_FACT_INVALID,
                            "facts.document_number: expected DB-YYYY-NNNN");
    }
    return check_word(check, VOCABULARY_ESCALATION_ANSWER, check->message->escalation_reply.answer,
                      "facts.answer");
}

static bool check_correction(struct check *check)
{
    if (uuid_is_zero(&check->message->header.refers_to)) {
        return check_refuse(check, REFUSAL_REFERS_TO,
                            "header.refers_to: expected the message that is corrected");
    }
    return check_some(check, VOCABULARY_CORRECTED, check->message->correction.corrects,
                      "facts.corrects");
}

/* ---- information: Art. 7 (6), 11 ---- */

static bool check_information(struct check *check)
{
    return check_some(check, VOCABULARY_INFORMATION, check->message->information.asked,
                      "facts.asked") &&
           check_about(check, &check->message->information.about, true);
}

/* That nothing can be had is an answer too: then it is "partly". */
static bool check_information_reply(struct check *check)
{
    const struct message *message = check->message;
    if (message->information_reply.partly && message->information_reply.answered == 0) {
        return true;
    }
    return check_some(check, VOCABULARY_INFORMATION, message->information_reply.answered,
                      "facts.answered");
}

/* ---- archive and follow-ups: Art. 16 ---- */

static bool check_archive(struct check *check)
{
    return check_word(check, VOCABULARY_ARCHIVE_WHY, check->message->archive.why, "facts.why");
}

static bool check_reopen(struct check *check)
{
    return check_word(check, VOCABULARY_REOPEN_WHY, check->message->reopen.why, "facts.why");
}

static bool check_follow_up_plan(struct check *check)
{
    const struct follow_up_plan_facts *facts = &check->message->follow_up_plan;
    if (facts->date_count == 0) {
        return check_refuse(check, REFUSAL_FACT_MISSING, "facts.dates: expected at least one");
    }
    if (!check_number_of_rows(check, facts->date_count, LIMIT_DUTIES, "facts.dates")) {
        return false;
    }
    for (size_t i = 0; i < facts->date_count; i++) {
        char path[PATH_BYTES];
        (void)snprintf(path, sizeof(path), "facts.dates[%zu]", i);
        if (!check_date(check, facts->dates[i], path)) {
            return false;
        }
        if (i > 0 && facts->dates[i] <= facts->dates[i - 1]) {
            return check_refuse(check, REFUSAL_DATE, "%s: not later than the one before", path);
        }
    }
    return true;
}

static bool check_follow_up_report(struct check *check)
{
    const struct follow_up_report_facts *facts = &check->message->follow_up_report;
    return check_word(check, VOCABULARY_HARDSHIP, facts->hardship, "facts.hardship") &&
           check_word(check, VOCABULARY_EFFECT, facts->effect, "facts.effect") &&
           check_word(check, VOCABULARY_RISK, facts->risk, "facts.risk") &&
           (facts->next_date == 0 || check_date(check, facts->next_date, "facts.next_date"));
}

/* ---- consultation, conference, promises: Art. 13, 14 ---- */

static bool check_consultation(struct check *check)
{
    return check_word(check, VOCABULARY_TOPIC, check->message->consultation.topic, "facts.topic") &&
           check_about(check, &check->message->consultation.about, false);
}

static bool check_conference(struct check *check)
{
    const struct conference_facts *facts = &check->message->conference;
    return check_word(check, VOCABULARY_TOPIC, facts->topic, "facts.topic") &&
           check_when(check, facts->held_ms, "facts.held") &&
           check_promises(check, facts->promises, facts->promise_count) &&
           check_about(check, &facts->about, false);
}

static bool check_promise_report(struct check *check)
{
    return check_duty(check, check->message->promise_report.duty) &&
           check_word(check, VOCABULARY_PROMISE_RESULT, check->message->promise_report.result,
                      "facts.result");
}

/* ---- meetings, hearings, roster: Art. 12, 13 ---- */

static bool number_of_agenda(const char *text)
{
    static const enum number_kind kinds[] = {NUMBER_CASE, NUMBER_REFERRAL, NUMBER_MATTER};
    struct number number;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (number_parse(kinds[i], text, &number) == OK) {
            return true;
        }
    }
    return false;
}

static bool check_agenda_item(struct check *check, const struct agenda_item *agenda, size_t index)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "facts.agenda[%zu].why", index);
    if (!number_of_agenda(agenda[index].number)) {
        return check_refuse(
            check, REFUSAL_FACT_INVALID,
            "facts.agenda[%zu].number: expected the number of a case, referral or matter", index);
    }
    for (size_t i = 0; i < index; i++) {
        if (strcmp(agenda[i].number, agenda[index].number) == 0) {
            return check_refuse(check, REFUSAL_FACT_INVALID,
                                "facts.agenda[%zu].number: the same as facts.agenda[%zu]", index,
                                i);
        }
    }
    return check_word(check, VOCABULARY_AGENDA_WHY, agenda[index].why, path);
}

static bool check_meeting(struct check *check)
{
    const struct meeting_facts *facts = &check->message->meeting;
    if (!check_when(check, facts->at_ms, "facts.at") ||
        !check_reply_by(check, facts->reply_by, facts->at_ms) ||
        !check_number_of_rows(check, facts->agenda_count, LIMIT_AGENDA, "facts.agenda")) {
        return false;
    }
    for (size_t i = 0; i < facts->agenda_count; i++) {
        if (!check_agenda_item(check, facts->agenda, i)) {
            return false;
        }
    }
    return true;
}

static bool check_attendance(struct check *check)
{
    return check_word(check, VOCABULARY_ATTENDS, check->message->attendance.attends,
                      "facts.attends");
}

static bool check_hearing(struct check *check)
{
    const struct hearing_facts *facts = &check->message->hearing;
    return check_word(check, VOCABULARY_HEARING_PURPOSE, facts->purpose, "facts.purpose") &&
           check_when(check, facts->at_ms, "facts.at") &&
           check_some(check, VOCABULARY_HEARING_ROLE, facts->roles, "facts.roles") &&
           check_reply_by(check, facts->reply_by, facts->at_ms) &&
           check_about(check, &facts->about, false);
}

static bool check_hearing_opinion(struct check *check)
{
    const struct hearing_opinion_facts *facts = &check->message->hearing_opinion;
    return check_word(check, VOCABULARY_OPINION, facts->opinion, "facts.opinion") &&
           check_promises(check, facts->promises, facts->promise_count);
}

static bool check_roster_change(struct check *check)
{
    return check_word(check, VOCABULARY_ROSTER_ROLE, check->message->roster_change.role,
                      "facts.role") &&
           check_word(check, VOCABULARY_ROSTER_CHANGE, check->message->roster_change.change,
                      "facts.change");
}

static bool check_roster(struct check *check)
{
    if (check->message->roster.edition == 0) {
        return check_refuse(check, REFUSAL_FACT_MISSING, "facts.edition: expected its number");
    }
    if (check->message->roster.persons == 0 || check->message->roster.persons > LIMIT_ROSTER) {
        return check_refuse(check, REFUSAL_FACT_INVALID, "facts.persons: expected 1 to %u",
                            LIMIT_ROSTER);
    }
    return true;
}

/* Each person of a roster serves an agency in a role; a change is of the sender's own people. */
static bool check_roster_person(struct check *check, const struct body_person *person, size_t index)
{
    const struct agency *agency = check_text_filled(person->agency)
                                      ? registry_find(check->ctx->registry, person->agency)
                                      : NULL;
    bool change = check->message->header.kind == MESSAGE_ROSTER_CHANGE;
    if (agency == NULL || agency->class == CLASS_ASSOCIATE || (change && agency != check->sender)) {
        return check_reject(check, REJECTION_CONTRADICTS, REFUSAL_FACT_INVALID,
                            "body.persons[%zu].agency: expected %s", index,
                            change ? "the sender" : "a member agency");
    }
    if (vocabulary_find(VOCABULARY_ROSTER_ROLE, person->role) == NULL ||
        (change && person->role != check->message->roster_change.role)) {
        return check_reject(check, REJECTION_CONTRADICTS, REFUSAL_FACT_INVALID,
                            "body.persons[%zu].role: expected %s", index,
                            change ? "that of facts.role" : "a role of the roster");
    }
    return true;
}

bool check_roster_body(struct check *check, const struct body *body)
{
    if (check->message->header.kind == MESSAGE_ROSTER &&
        body->person_count != check->message->roster.persons) {
        return check_reject(check, REJECTION_CONTRADICTS, REFUSAL_FACT_INVALID,
                            "facts.persons: not the number of body.persons");
    }
    for (size_t i = 0; i < body->person_count; i++) {
        if (!check_roster_person(check, &body->persons[i], i)) {
            return false;
        }
    }
    return true;
}

/* ---- supervised money, letters to associates ---- */

/* The payments are those of the whole amount, one after the other. */
static bool check_payments(struct check *check, const struct fund_plan_facts *facts)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < facts->payment_count; i++) {
        char path[PATH_BYTES];
        (void)snprintf(path, sizeof(path), "facts.payments[%zu].amount_fen", i);
        if (!check_amount(check, facts->payments[i].amount_fen, path)) {
            return false;
        }
        (void)snprintf(path, sizeof(path), "facts.payments[%zu].date", i);
        if (!check_date(check, facts->payments[i].date, path)) {
            return false;
        }
        if (i > 0 && facts->payments[i].date <= facts->payments[i - 1].date) {
            return check_refuse(check, REFUSAL_DATE, "%s: not later than the one before", path);
        }
        sum += facts->payments[i].amount_fen; /* LIMIT_DUTIES amounts cannot overflow it */
    }
    return sum == facts->amount_fen ||
           check_refuse(check, REFUSAL_FACT_INVALID,
                        "facts.payments: expected a sum of facts.amount_fen");
}

static bool check_fund_plan(struct check *check)
{
    const struct fund_plan_facts *facts = &check->message->fund_plan;
    if (!check_word(check, VOCABULARY_CUSTODIAN, facts->custodian, "facts.custodian") ||
        !check_amount(check, facts->amount_fen, "facts.amount_fen") ||
        !check_number_of_rows(check, facts->payment_count, LIMIT_DUTIES, "facts.payments")) {
        return false;
    }
    if (facts->payment_count == 0) {
        return check_refuse(check, REFUSAL_FACT_MISSING, "facts.payments: expected at least one");
    }
    return check_payments(check, facts);
}

static bool check_fund_payment(struct check *check)
{
    const struct fund_payment_facts *facts = &check->message->fund_payment;
    if (!check_duty(check, facts->duty) ||
        !check_amount(check, facts->amount_fen, "facts.amount_fen") ||
        !check_date(check, facts->date, "facts.date")) {
        return false;
    }
    return facts->balance_fen <= AMOUNT_MAX_FEN ||
           check_refuse(check, REFUSAL_FACT_INVALID, "facts.balance_fen: expected a balance");
}

static bool check_letter(struct check *check)
{
    const struct letter_facts *facts = &check->message->letter;
    const struct agency *associate = registry_find(check->ctx->registry, facts->associate);
    if (associate == NULL || associate->class != CLASS_ASSOCIATE) {
        return check_refuse(check, REFUSAL_FACT_INVALID,
                            "facts.associate: expected an associate of the registry (class A)");
    }
    return check_date(check, facts->answer_by, "facts.answer_by") &&
           check_about(check, &facts->about, false);
}

static bool check_letter_answer(struct check *check)
{
    return check_word(check, VOCABULARY_LETTER_ANSWER, check->message->letter_answer.answer,
                      "facts.answer");
}

/* ---- the table ---- */

#define WRITTEN (BODY_OFFICER | BODY_TEXT)
#define PEOPLE  (BODY_OFFICER | BODY_PERSONS)

const struct kind_rule *check_matter_rule(enum message_kind kind)
{
    static const struct kind_rule rules[MESSAGE_AGENCY_KIND_COUNT] = {
        [MESSAGE_INFORMATION_REQUEST] = {check_information, WRITTEN, true, false},
        [MESSAGE_INFORMATION_REPLY] = {check_information_reply, WRITTEN, true, false},
        [MESSAGE_ASSISTANCE_REPORT] = {check_assistance, BODY_OFFICER, true, false},
        [MESSAGE_ESCALATION_REPLY] = {check_escalation_reply, WRITTEN, true, false},
        [MESSAGE_ARCHIVE] = {check_archive, BODY_OFFICER, true, true},
        [MESSAGE_REOPEN] = {check_reopen, BODY_OFFICER, true, true},
        [MESSAGE_FOLLOW_UP_PLAN] = {check_follow_up_plan, BODY_OFFICER, true, true},
        [MESSAGE_FOLLOW_UP_REPORT] = {check_follow_up_report, BODY_OFFICER, true, true},
        [MESSAGE_CONSULTATION] = {check_consultation, WRITTEN, true, true},
        [MESSAGE_CONFERENCE] = {check_conference, WRITTEN, true, true},
        [MESSAGE_PROMISE_REPORT] = {check_promise_report, BODY_OFFICER, true, true},
        [MESSAGE_MEETING_NOTICE] = {check_meeting, WRITTEN, true, true},
        [MESSAGE_MEETING_REPLY] = {check_attendance, BODY_OFFICER, true, false},
        [MESSAGE_HEARING_INVITATION] = {check_hearing, WRITTEN, true, true},
        [MESSAGE_HEARING_REPLY] = {check_attendance, BODY_OFFICER, true, false},
        [MESSAGE_HEARING_OPINION] = {check_hearing_opinion, BODY_OFFICER, true, true},
        [MESSAGE_ROSTER_CHANGE] = {check_roster_change, PEOPLE, true, false},
        [MESSAGE_ROSTER] = {check_roster, PEOPLE, true, true},
        [MESSAGE_FUND_PLAN] = {check_fund_plan, BODY_OFFICER, true, true},
        [MESSAGE_FUND_PAYMENT] = {check_fund_payment, BODY_OFFICER, true, true},
        [MESSAGE_LETTER] = {check_letter, WRITTEN, true, false},
        [MESSAGE_LETTER_ANSWER] = {check_letter_answer, BODY_OFFICER, true, false},
        [MESSAGE_CORRECTION] = {check_correction, WRITTEN, true, false},
    };
    bool here = kind > MESSAGE_REJECTION && kind < MESSAGE_AGENCY_KIND_COUNT;
    return here ? &rules[kind] : NULL;
}
