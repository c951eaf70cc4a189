/* How: one table of fields per structure, used in both directions: what is read is what is written.
 * A table names each member, where it lies, and how it looks in JSON; lists of rows have a table of
 * their own, one level deep. */
#include "model/message_form.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define MEMBER(structure, member)                                                                  \
    .offset = offsetof(structure, member), .size = sizeof(((structure *)0)->member)

/* ---- the tables ---- */

static const struct field material_fields[] = {
    {"kind", FIELD_WORD, MEMBER(struct material, kind), .which = VOCABULARY_MATERIAL,
     .required = true},
    {"digest", FIELD_DIGEST, MEMBER(struct material, digest)},
    {"sealed_bytes", FIELD_U64, MEMBER(struct material, sealed_bytes)},
    {"missing", FIELD_WORD, MEMBER(struct material, missing_reason),
     .which = VOCABULARY_MISSING_REASON},
    {.name = NULL},
};
static const struct rows material_rows = {material_fields, sizeof(struct material),
                                          LIMIT_MATERIALS};

static const struct field referral_fields[] = {
    {"ground", FIELD_WORD, MEMBER(struct message, referral.ground), .which = VOCABULARY_GROUND,
     .required = true},
    {"priority_groups", FIELD_SET, MEMBER(struct message, referral.priority_groups),
     .which = VOCABULARY_PRIORITY_GROUP},
    {"needs", FIELD_SET, MEMBER(struct message, referral.needs), .which = VOCABULARY_NEED},
    {"measures", FIELD_SET, MEMBER(struct message, referral.measures), .which = VOCABULARY_MEASURE},
    {"materials", FIELD_ROWS, MEMBER(struct message, referral.materials),
     .count_offset = offsetof(struct message, referral.material_count), .rows = &material_rows},
    {"advance", FIELD_BOOL, MEMBER(struct message, referral.advance)},
    {"urgent", FIELD_BOOL, MEMBER(struct message, referral.urgent)},
    {"life_danger", FIELD_BOOL, MEMBER(struct message, referral.life_danger)},
    {"no_publicity", FIELD_BOOL, MEMBER(struct message, referral.no_publicity)},
    {"minor_marks", FIELD_SET, MEMBER(struct message, referral.minor_marks),
     .which = VOCABULARY_MINOR_MARK},
    {"lead_channel", FIELD_WORD, MEMBER(struct message, referral.lead_channel),
     .which = VOCABULARY_LEAD_CHANNEL},
    {"relation", FIELD_WORD, MEMBER(struct message, referral.relation),
     .which = VOCABULARY_RELATION},
    {"told", FIELD_WORD, MEMBER(struct message, referral.told), .which = VOCABULARY_TOLD},
    {"person_count", FIELD_U32, MEMBER(struct message, referral.person_count)},
    {"previous", FIELD_UUID, MEMBER(struct message, referral.previous)},
    {"previous_case", FIELD_UUID, MEMBER(struct message, referral.previous_case)},
    {"link", FIELD_WORD, MEMBER(struct message, referral.link), .which = VOCABULARY_LINK},
    {.name = NULL},
};

/* Of every kind that may carry files beside its facts (message_kind_attaches). */
static const struct field attached_fields[] = {
    {"digest", FIELD_DIGEST, MEMBER(struct attached, digest), .required = true},
    {"sealed_bytes", FIELD_U64, MEMBER(struct attached, sealed_bytes)},
    {.name = NULL},
};
static const struct rows attached_rows = {attached_fields, sizeof(struct attached),
                                          LIMIT_MATERIALS};
#define ATTACHMENTS                                                                                \
    {                                                                                              \
        "attachments", FIELD_ROWS, MEMBER(struct message, attachments),                            \
            .count_offset = offsetof(struct message, attachment_count), .rows = &attached_rows     \
    }

static const struct field sign_for_fields[] = {
    {"register_number", FIELD_CHARS, MEMBER(struct message, sign_for.register_number)},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field measure_fields[] = {
    {"measure", FIELD_WORD, MEMBER(struct measure, measure), .which = VOCABULARY_MEASURE,
     .required = true},
    {"shape", FIELD_WORD, MEMBER(struct measure, shape), .which = VOCABULARY_SHAPE,
     .required = true},
    {"amount_fen", FIELD_U64, MEMBER(struct measure, amount_fen)},
    {"unit", FIELD_WORD, MEMBER(struct measure, unit), .which = VOCABULARY_UNIT, .required = true},
    {"start_date", FIELD_DATE, MEMBER(struct measure, start_date)},
    {"end_date", FIELD_DATE, MEMBER(struct measure, end_date)},
    {"existing_kept", FIELD_BOOL, MEMBER(struct measure, existing_kept)},
    {"person_index", FIELD_U32, MEMBER(struct measure, person_index), .zero = true},
    {.name = NULL},
};
static const struct rows measure_rows = {measure_fields, sizeof(struct measure), LIMIT_MEASURES};

static const struct field document_fields[] = {
    {"kind", FIELD_WORD, MEMBER(struct document, kind), .which = VOCABULARY_DOCUMENT,
     .required = true},
    {"supplier", FIELD_CHARS, MEMBER(struct document, supplier)},
    {.name = NULL},
};
static const struct rows document_rows = {document_fields, sizeof(struct document),
                                          LIMIT_DOCUMENTS};

static const struct field feedback_fields[] = {
    {"outcome", FIELD_WORD, MEMBER(struct message, feedback.outcome), .which = VOCABULARY_OUTCOME,
     .required = true},
    {"measures", FIELD_ROWS, MEMBER(struct message, feedback.measures),
     .count_offset = offsetof(struct message, feedback.measure_count), .rows = &measure_rows},
    {"documents", FIELD_ROWS, MEMBER(struct message, feedback.documents),
     .count_offset = offsetof(struct message, feedback.document_count), .rows = &document_rows},
    {"tell_by", FIELD_WORD, MEMBER(struct message, feedback.tell_by), .which = VOCABULARY_TELL_BY},
    {"suggested_agency", FIELD_CHARS, MEMBER(struct message, feedback.suggested_agency)},
    {"register_number", FIELD_CHARS, MEMBER(struct message, feedback.register_number)},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field informed_fields[] = {
    {"task", FIELD_WORD, MEMBER(struct message, informed.task), .which = VOCABULARY_TASK,
     .required = true},
    {"how", FIELD_WORD, MEMBER(struct message, informed.how), .which = VOCABULARY_HOW_TOLD,
     .required = true},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field papers_fields[] = {
    {"documents", FIELD_WORDS, MEMBER(struct message, papers.documents),
     .count_offset = offsetof(struct message, papers.document_count), .which = VOCABULARY_DOCUMENT,
     .required = true},
    {"received", FIELD_INSTANT, MEMBER(struct message, papers.received_ms), .required = true},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field withdrawal_fields[] = {
    {"reason", FIELD_WORD, MEMBER(struct message, withdrawal.reason),
     .which = VOCABULARY_WITHDRAWAL, .required = true},
    ATTACHMENTS,
    {.name = NULL},
};

/* ---- beside a referral's own life ---- */

static const struct field information_fields[] = {
    {"asked", FIELD_SET, MEMBER(struct message, information.asked), .which = VOCABULARY_INFORMATION,
     .required = true},
    {"about", FIELD_UUID, MEMBER(struct message, information.about)},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field information_reply_fields[] = {
    {"answered", FIELD_SET, MEMBER(struct message, information_reply.answered),
     .which = VOCABULARY_INFORMATION, .required = true},
    {"partly", FIELD_BOOL, MEMBER(struct message, information_reply.partly)},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field assistance_fields[] = {
    {"stage", FIELD_WORD, MEMBER(struct message, assistance.stage), .which = VOCABULARY_STAGE,
     .required = true},
    {"measure", FIELD_WORD, MEMBER(struct message, assistance.measure), .which = VOCABULARY_MEASURE,
     .required = true},
    {"shape", FIELD_WORD, MEMBER(struct message, assistance.shape), .which = VOCABULARY_SHAPE,
     .required = true},
    {"amount_fen", FIELD_U64, MEMBER(struct message, assistance.amount_fen)},
    {"instalment", FIELD_U32, MEMBER(struct message, assistance.instalment)},
    {"instalments", FIELD_U32, MEMBER(struct message, assistance.instalments)},
    {"date", FIELD_DATE, MEMBER(struct message, assistance.date), .required = true},
    {"person_index", FIELD_U32, MEMBER(struct message, assistance.person_index), .zero = true},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field escalation_reply_fields[] = {
    {"document_number", FIELD_CHARS, MEMBER(struct message, escalation_reply.document_number),
     .required = true},
    {"answer", FIELD_WORD, MEMBER(struct message, escalation_reply.answer),
     .which = VOCABULARY_ESCALATION_ANSWER, .required = true},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field archive_fields[] = {
    {"why", FIELD_WORD, MEMBER(struct message, archive.why), .which = VOCABULARY_ARCHIVE_WHY,
     .required = true},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field reopen_fields[] = {
    {"why", FIELD_WORD, MEMBER(struct message, reopen.why), .which = VOCABULARY_REOPEN_WHY,
     .required = true},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field follow_up_plan_fields[] = {
    {"dates", FIELD_DATES, MEMBER(struct message, follow_up_plan.dates),
     .count_offset = offsetof(struct message, follow_up_plan.date_count), .required = true},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field follow_up_report_fields[] = {
    {"duty", FIELD_U32, MEMBER(struct message, follow_up_report.duty), .zero = true},
    {"hardship", FIELD_WORD, MEMBER(struct message, follow_up_report.hardship),
     .which = VOCABULARY_HARDSHIP, .required = true},
    {"effect", FIELD_WORD, MEMBER(struct message, follow_up_report.effect),
     .which = VOCABULARY_EFFECT, .required = true},
    {"risk", FIELD_WORD, MEMBER(struct message, follow_up_report.risk), .which = VOCABULARY_RISK,
     .required = true},
    {"next_date", FIELD_DATE, MEMBER(struct message, follow_up_report.next_date)},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field consultation_fields[] = {
    {"topic", FIELD_WORD, MEMBER(struct message, consultation.topic), .which = VOCABULARY_TOPIC,
     .required = true},
    {"about", FIELD_UUID, MEMBER(struct message, consultation.about)},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field promise_fields[] = {
    {"agency", FIELD_CHARS, MEMBER(struct promise, agency), .required = true},
    {"code", FIELD_WORD, MEMBER(struct promise, code), .which = VOCABULARY_PROMISE,
     .required = true},
    {"by_date", FIELD_DATE, MEMBER(struct promise, by_date), .required = true},
    {.name = NULL},
};
static const struct rows promise_rows = {promise_fields, sizeof(struct promise), LIMIT_DUTIES};

static const struct field conference_fields[] = {
    {"topic", FIELD_WORD, MEMBER(struct message, conference.topic), .which = VOCABULARY_TOPIC,
     .required = true},
    {"held", FIELD_INSTANT, MEMBER(struct message, conference.held_ms), .required = true},
    {"promises", FIELD_ROWS, MEMBER(struct message, conference.promises),
     .count_offset = offsetof(struct message, conference.promise_count), .rows = &promise_rows},
    {"about", FIELD_UUID, MEMBER(struct message, conference.about)},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field promise_report_fields[] = {
    {"duty", FIELD_U32, MEMBER(struct message, promise_report.duty), .required = true},
    {"result", FIELD_WORD, MEMBER(struct message, promise_report.result),
     .which = VOCABULARY_PROMISE_RESULT, .required = true},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field agenda_fields[] = {
    {"number", FIELD_CHARS, MEMBER(struct agenda_item, number), .required = true},
    {"why", FIELD_WORD, MEMBER(struct agenda_item, why), .which = VOCABULARY_AGENDA_WHY,
     .required = true},
    {.name = NULL},
};
static const struct rows agenda_rows = {agenda_fields, sizeof(struct agenda_item), LIMIT_AGENDA};

static const struct field meeting_fields[] = {
    {"at", FIELD_INSTANT, MEMBER(struct message, meeting.at_ms), .required = true},
    {"reply_by", FIELD_DATE, MEMBER(struct message, meeting.reply_by)},
    {"agenda", FIELD_ROWS, MEMBER(struct message, meeting.agenda),
     .count_offset = offsetof(struct message, meeting.agenda_count), .rows = &agenda_rows},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field attendance_fields[] = {
    {"attends", FIELD_WORD, MEMBER(struct message, attendance.attends), .which = VOCABULARY_ATTENDS,
     .required = true},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field hearing_fields[] = {
    {"purpose", FIELD_WORD, MEMBER(struct message, hearing.purpose),
     .which = VOCABULARY_HEARING_PURPOSE, .required = true},
    {"at", FIELD_INSTANT, MEMBER(struct message, hearing.at_ms), .required = true},
    {"roles", FIELD_SET, MEMBER(struct message, hearing.roles), .which = VOCABULARY_HEARING_ROLE},
    {"reply_by", FIELD_DATE, MEMBER(struct message, hearing.reply_by)},
    {"about", FIELD_UUID, MEMBER(struct message, hearing.about)},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field hearing_opinion_fields[] = {
    {"opinion", FIELD_WORD, MEMBER(struct message, hearing_opinion.opinion),
     .which = VOCABULARY_OPINION, .required = true},
    {"promises", FIELD_ROWS, MEMBER(struct message, hearing_opinion.promises),
     .count_offset = offsetof(struct message, hearing_opinion.promise_count),
     .rows = &promise_rows},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field roster_change_fields[] = {
    {"role", FIELD_WORD, MEMBER(struct message, roster_change.role),
     .which = VOCABULARY_ROSTER_ROLE, .required = true},
    {"change", FIELD_WORD, MEMBER(struct message, roster_change.change),
     .which = VOCABULARY_ROSTER_CHANGE, .required = true},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field roster_fields[] = {
    {"edition", FIELD_U32, MEMBER(struct message, roster.edition), .required = true},
    {"persons", FIELD_U32, MEMBER(struct message, roster.persons), .zero = true},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field payment_fields[] = {
    {"date", FIELD_DATE, MEMBER(struct payment, date), .required = true},
    {"amount_fen", FIELD_U64, MEMBER(struct payment, amount_fen), .required = true},
    {.name = NULL},
};
static const struct rows payment_rows = {payment_fields, sizeof(struct payment), LIMIT_DUTIES};

static const struct field fund_plan_fields[] = {
    {"custodian", FIELD_WORD, MEMBER(struct message, fund_plan.custodian),
     .which = VOCABULARY_CUSTODIAN, .required = true},
    {"amount_fen", FIELD_U64, MEMBER(struct message, fund_plan.amount_fen), .required = true},
    {"payments", FIELD_ROWS, MEMBER(struct message, fund_plan.payments),
     .count_offset = offsetof(struct message, fund_plan.payment_count), .rows = &payment_rows,
     .required = true},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field fund_payment_fields[] = {
    {"duty", FIELD_U32, MEMBER(struct message, fund_payment.duty), .required = true},
    {"amount_fen", FIELD_U64, MEMBER(struct message, fund_payment.amount_fen), .required = true},
    {"balance_fen", FIELD_U64, MEMBER(struct message, fund_payment.balance_fen), .zero = true},
    {"date", FIELD_DATE, MEMBER(struct message, fund_payment.date), .required = true},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field letter_fields[] = {
    {"associate", FIELD_CHARS, MEMBER(struct message, letter.associate), .required = true},
    {"answer_by", FIELD_DATE, MEMBER(struct message, letter.answer_by), .required = true},
    {"about", FIELD_UUID, MEMBER(struct message, letter.about)},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field letter_answer_fields[] = {
    {"answer", FIELD_WORD, MEMBER(struct message, letter_answer.answer),
     .which = VOCABULARY_LETTER_ANSWER, .required = true},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field correction_fields[] = {
    {"corrects", FIELD_SET, MEMBER(struct message, correction.corrects),
     .which = VOCABULARY_CORRECTED, .required = true},
    ATTACHMENTS,
    {.name = NULL},
};

static const struct field delivery_fields[] = {
    {"lane", FIELD_U32, MEMBER(struct message, delivery.lane), .zero = true},
    {"stream_seq", FIELD_U64, MEMBER(struct message, delivery.stream_seq)},
    {"leaf_index", FIELD_U64, MEMBER(struct message, delivery.leaf_index), .zero = true},
    {"leaf_hash", FIELD_DIGEST, MEMBER(struct message, delivery.leaf_hash)},
    {"received", FIELD_INSTANT, MEMBER(struct message, delivery.received_ms)},
    {"reason", FIELD_WORD, MEMBER(struct message, delivery.reason), .which = VOCABULARY_REJECTION},
    {"field", FIELD_CHARS, MEMBER(struct message, delivery.field)},
    {.name = NULL},
};

static const struct field trace_fields[] = {
    {"date", FIELD_DATE, MEMBER(struct trace_day, date)},
    {"kind", FIELD_WORD, MEMBER(struct trace_day, kind), .which = VOCABULARY_TRACE},
    {"name", FIELD_TEXT, MEMBER(struct trace_day, name)},
    {.name = NULL},
};
static const struct rows trace_rows = {trace_fields, sizeof(struct trace_day), 0};

static const struct field notice_fields[] = {
    {"rung", FIELD_CHARS, MEMBER(struct message, notice.rung)},
    {"task", FIELD_WORD, MEMBER(struct message, notice.task), .which = VOCABULARY_TASK,
     .zero = true},
    {"window", FIELD_U32, MEMBER(struct message, notice.window)},
    {"roles", FIELD_ROLES, MEMBER(struct message, notice.roles)},
    {"responsible", FIELD_CHARS, MEMBER(struct message, notice.responsible)},
    {"arrival", FIELD_INSTANT, MEMBER(struct message, notice.arrival_ms)},
    {"working_days", FIELD_U32, MEMBER(struct message, notice.working_days)},
    {"due", FIELD_DATE, MEMBER(struct message, notice.due_date)},
    {"due_before", FIELD_INSTANT, MEMBER(struct message, notice.due_before_ms)},
    {"provisional", FIELD_BOOL, MEMBER(struct message, notice.provisional)},
    {"fell_due", FIELD_INSTANT, MEMBER(struct message, notice.fell_due_ms)},
    {"old_due_before", FIELD_INSTANT, MEMBER(struct message, notice.old_due_before_ms)},
    {"late", FIELD_BOOL, MEMBER(struct message, notice.late)},
    {"lateness_days", FIELD_U32, MEMBER(struct message, notice.lateness_days)},
    {"document_number", FIELD_CHARS, MEMBER(struct message, notice.document_number)},
    {"calendar_version", FIELD_CHARS, MEMBER(struct message, notice.calendar_version)},
    {"trace", FIELD_ROWS, MEMBER(struct message, notice.trace),
     .count_offset = offsetof(struct message, notice.trace_count), .rows = &trace_rows},
    {"reason", FIELD_CHARS, MEMBER(struct message, notice.reason)},
    {"annotated", FIELD_CHARS, MEMBER(struct message, notice.annotated)},
    {.name = NULL},
};

#define PERSON_TEXT(member)                                                                        \
    FIELD_TEXT, .offset = offsetof(struct body_person, member), .size = NAME_BYTES

static const struct field person_fields[] = {
    {"name", PERSON_TEXT(name), .required = true},
    {"identity_number", PERSON_TEXT(identity_number)},
    {"phone", PERSON_TEXT(phone)},
    {"address", PERSON_TEXT(address)},
    {"relation", FIELD_WORD, MEMBER(struct body_person, relation), .which = VOCABULARY_RELATION},
    {"priority_groups", FIELD_SET, MEMBER(struct body_person, priority_groups),
     .which = VOCABULARY_PRIORITY_GROUP},
    {"needs", FIELD_SET, MEMBER(struct body_person, needs), .which = VOCABULARY_NEED},
    {"minor", FIELD_BOOL, MEMBER(struct body_person, minor)},
    {"guardian", PERSON_TEXT(guardian)},
    {"may_be_told", FIELD_WORD, MEMBER(struct body_person, may_be_told),
     .which = VOCABULARY_MAY_BE_TOLD},
    {"receives_already", FIELD_TEXT, .offset = offsetof(struct body_person, receives_already),
     .size = LIMIT_TEXT_BYTES},
    {"agency", PERSON_TEXT(agency)},
    {"role", FIELD_WORD, MEMBER(struct body_person, role), .which = VOCABULARY_ROSTER_ROLE},
    {.name = NULL},
};
static const struct rows person_rows = {person_fields, sizeof(struct body_person), LIMIT_ROSTER};

static const struct field outcome_fields[] = {
    {"person_index", FIELD_U32, MEMBER(struct body_outcome, person_index), .zero = true},
    {"outcome", FIELD_WORD, MEMBER(struct body_outcome, outcome), .which = VOCABULARY_OUTCOME,
     .required = true},
    {"amount_fen", FIELD_U64, MEMBER(struct body_outcome, amount_fen)},
    {"text", FIELD_TEXT, .offset = offsetof(struct body_outcome, text), .size = LIMIT_TEXT_BYTES},
    {.name = NULL},
};
/* The key is not among them: it is for programs. */
static const struct field attachment_fields[] = {
    {"material", FIELD_U32, MEMBER(struct body_attachment, material), .zero = true},
    {"name", FIELD_TEXT, .offset = offsetof(struct body_attachment, name), .size = NAME_BYTES},
    {"type", FIELD_WORD, MEMBER(struct body_attachment, type), .which = VOCABULARY_ATTACHMENT},
    {"plain_bytes", FIELD_U64, MEMBER(struct body_attachment, plain_bytes)},
    {.name = NULL},
};
static const struct rows attachment_rows = {attachment_fields, sizeof(struct body_attachment),
                                            LIMIT_MATERIALS};
static const struct rows outcome_rows = {outcome_fields, sizeof(struct body_outcome),
                                         LIMIT_PERSONS};

#define BODY_LONG(member)                                                                          \
    FIELD_TEXT, .offset = offsetof(struct body, member), .size = LIMIT_TEXT_BYTES

static const struct field body_fields[] = {
    {"officer", FIELD_TEXT, .offset = offsetof(struct body, officer), .size = NAME_BYTES},
    {"persons", FIELD_ROWS, MEMBER(struct body, persons),
     .count_offset = offsetof(struct body, person_count), .rows = &person_rows},
    {"circumstances", BODY_LONG(circumstances)},
    {"reasons", BODY_LONG(reasons)},
    {"advance_reason", BODY_LONG(advance_reason)},
    {"opinion", BODY_LONG(opinion)},
    {"text", BODY_LONG(text)},
    {"outcomes", FIELD_ROWS, MEMBER(struct body, outcomes),
     .count_offset = offsetof(struct body, outcome_count), .rows = &outcome_rows},
    {"told_whom", BODY_LONG(told_whom)},
    {"told_by", BODY_LONG(told_by)},
    {"attachments", FIELD_ROWS, MEMBER(struct body, attachments),
     .count_offset = offsetof(struct body, attachment_count), .rows = &attachment_rows},
    {.name = NULL},
};

const struct field *message_form_of(enum message_kind kind)
{
    static const struct field *const forms[MESSAGE_AGENCY_KIND_COUNT] = {
        [MESSAGE_OUTBOUND_REFERRAL] = referral_fields,
        [MESSAGE_INBOUND_REFERRAL] = referral_fields,
        [MESSAGE_SIGN_FOR] = sign_for_fields,
        [MESSAGE_OUTBOUND_FEEDBACK] = feedback_fields,
        [MESSAGE_INBOUND_FEEDBACK] = feedback_fields,
        [MESSAGE_APPLICANT_INFORMED] = informed_fields,
        [MESSAGE_PAPERS] = papers_fields,
        [MESSAGE_WITHDRAWAL] = withdrawal_fields,
        [MESSAGE_DELIVERY] = delivery_fields,
        [MESSAGE_REJECTION] = delivery_fields,
        [MESSAGE_INFORMATION_REQUEST] = information_fields,
        [MESSAGE_INFORMATION_REPLY] = information_reply_fields,
        [MESSAGE_ASSISTANCE_REPORT] = assistance_fields,
        [MESSAGE_ESCALATION_REPLY] = escalation_reply_fields,
        [MESSAGE_ARCHIVE] = archive_fields,
        [MESSAGE_REOPEN] = reopen_fields,
        [MESSAGE_FOLLOW_UP_PLAN] = follow_up_plan_fields,
        [MESSAGE_FOLLOW_UP_REPORT] = follow_up_report_fields,
        [MESSAGE_CONSULTATION] = consultation_fields,
        [MESSAGE_CONFERENCE] = conference_fields,
        [MESSAGE_PROMISE_REPORT] = promise_report_fields,
        [MESSAGE_MEETING_NOTICE] = meeting_fields,
        [MESSAGE_MEETING_REPLY] = attendance_fields,
        [MESSAGE_HEARING_INVITATION] = hearing_fields,
        [MESSAGE_HEARING_REPLY] = attendance_fields,
        [MESSAGE_HEARING_OPINION] = hearing_opinion_fields,
        [MESSAGE_ROSTER_CHANGE] = roster_change_fields,
        [MESSAGE_ROSTER] = roster_fields,
        [MESSAGE_FUND_PLAN] = fund_plan_fields,
        [MESSAGE_FUND_PAYMENT] = fund_payment_fields,
        [MESSAGE_LETTER] = letter_fields,
        [MESSAGE_LETTER_ANSWER] = letter_answer_fields,
        [MESSAGE_CORRECTION] = correction_fields,
    };
    if (message_kind_from_agency(kind)) {
        return forms[kind];
    }
    return message_kind_from_broker(kind) ? notice_fields : NULL;
}

const struct field *message_form_body(void)
{
    return body_fields;
}

enum message_address message_form_address(enum message_kind kind)
{
    switch (kind) {
    case MESSAGE_OUTBOUND_REFERRAL:
    case MESSAGE_INBOUND_REFERRAL:
        return ADDRESS_NEW_REFERRAL;
    case MESSAGE_ESCALATION_REPLY:
        return ADDRESS_DOCUMENT;
    case MESSAGE_CONSULTATION:
        return ADDRESS_TALK;
    case MESSAGE_INFORMATION_REQUEST:
    case MESSAGE_ARCHIVE:
    case MESSAGE_CONFERENCE:
    case MESSAGE_MEETING_NOTICE:
    case MESSAGE_HEARING_INVITATION:
    case MESSAGE_ROSTER_CHANGE:
    case MESSAGE_ROSTER:
    case MESSAGE_FUND_PLAN:
    case MESSAGE_LETTER:
        return ADDRESS_NEW_MATTER;
    default:
        return message_kind_of_matter(kind) ? ADDRESS_MATTER : ADDRESS_REFERRAL;
    }
}

/* --- reading a member --- */

uint64_t message_field_number(const uint8_t *member, size_t size)
{
    uint32_t narrow = 0;
    uint64_t wide = 0;
    if (size == sizeof(wide)) {
        memcpy(&wide, member, sizeof(wide));
        return wide;
    }
    assert(size == sizeof(narrow));
    memcpy(&narrow, member, sizeof(narrow));
    return narrow;
}

bool message_field_empty(const struct field *field, const uint8_t *source)
{
    static const uint8_t zeros[DIGEST_BYTES] = {0};
    const uint8_t *member = source + field->offset;
    const char *text = NULL;
    switch (field->type) {
    case FIELD_TEXT:
        memcpy(&text, member, sizeof(text));
        return text == NULL || text[0] == '\0';
    case FIELD_CHARS:
        return member[0] == '\0';
    case FIELD_BOOL:
        return member[0] == 0;
    case FIELD_DIGEST:
        return memcmp(member, zeros, sizeof(zeros)) == 0;
    case FIELD_UUID:
        return memcmp(member, zeros, UUID_BYTES) == 0;
    case FIELD_WORDS:
    case FIELD_DATES:
    case FIELD_ROWS:
        return message_field_number(source + field->count_offset, sizeof(uint64_t)) == 0;
    default:
        return message_field_number(member, field->size) == 0;
    }
}
