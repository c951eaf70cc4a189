/* How: one table of fields per structure, used in both directions: what is read is what is written.
 * A table names each member, where it lies, and how it looks in JSON; lists of rows have a table of
 * their own, one level deep. */
#include "model/message_form.h"

#include <stddef.h>

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
    {"ground", FIELD_WORD, MEMBER(struct referral_facts, ground), .which = VOCABULARY_GROUND,
     .required = true},
    {"priority_groups", FIELD_SET, MEMBER(struct referral_facts, priority_groups),
     .which = VOCABULARY_PRIORITY_GROUP},
    {"needs", FIELD_SET, MEMBER(struct referral_facts, needs), .which = VOCABULARY_NEED},
    {"measures", FIELD_SET, MEMBER(struct referral_facts, measures), .which = VOCABULARY_MEASURE},
    {"materials", FIELD_ROWS, MEMBER(struct referral_facts, materials),
     .count_offset = offsetof(struct referral_facts, material_count), .rows = &material_rows},
    {"advance", FIELD_BOOL, MEMBER(struct referral_facts, advance)},
    {"urgent", FIELD_BOOL, MEMBER(struct referral_facts, urgent)},
    {"life_danger", FIELD_BOOL, MEMBER(struct referral_facts, life_danger)},
    {"no_publicity", FIELD_BOOL, MEMBER(struct referral_facts, no_publicity)},
    {"minor_marks", FIELD_SET, MEMBER(struct referral_facts, minor_marks),
     .which = VOCABULARY_MINOR_MARK},
    {"lead_channel", FIELD_WORD, MEMBER(struct referral_facts, lead_channel),
     .which = VOCABULARY_LEAD_CHANNEL},
    {"relation", FIELD_WORD, MEMBER(struct referral_facts, relation), .which = VOCABULARY_RELATION},
    {"told", FIELD_WORD, MEMBER(struct referral_facts, told), .which = VOCABULARY_TOLD},
    {"person_count", FIELD_U32, MEMBER(struct referral_facts, person_count)},
    {.name = NULL},
};

static const struct field sign_for_fields[] = {
    {"register_number", FIELD_CHARS, MEMBER(struct message, sign_for.register_number)},
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
    {"outcome", FIELD_WORD, MEMBER(struct feedback_facts, outcome), .which = VOCABULARY_OUTCOME,
     .required = true},
    {"measures", FIELD_ROWS, MEMBER(struct feedback_facts, measures),
     .count_offset = offsetof(struct feedback_facts, measure_count), .rows = &measure_rows},
    {"documents", FIELD_ROWS, MEMBER(struct feedback_facts, documents),
     .count_offset = offsetof(struct feedback_facts, document_count), .rows = &document_rows},
    {"tell_by", FIELD_WORD, MEMBER(struct feedback_facts, tell_by), .which = VOCABULARY_TELL_BY},
    {"suggested_agency", FIELD_CHARS, MEMBER(struct feedback_facts, suggested_agency)},
    {"register_number", FIELD_CHARS, MEMBER(struct feedback_facts, register_number)},
    {.name = NULL},
};

static const struct field informed_fields[] = {
    {"task", FIELD_WORD, MEMBER(struct message, informed.task), .which = VOCABULARY_TASK,
     .required = true},
    {"how", FIELD_WORD, MEMBER(struct message, informed.how), .which = VOCABULARY_HOW_TOLD,
     .required = true},
    {.name = NULL},
};

static const struct field papers_fields[] = {
    {"documents", FIELD_WORDS, MEMBER(struct papers_facts, documents),
     .count_offset = offsetof(struct papers_facts, document_count), .which = VOCABULARY_DOCUMENT,
     .required = true},
    {"received", FIELD_INSTANT, MEMBER(struct papers_facts, received_ms), .required = true},
    {.name = NULL},
};

static const struct field withdrawal_fields[] = {
    {"reason", FIELD_WORD, MEMBER(struct message, withdrawal.reason),
     .which = VOCABULARY_WITHDRAWAL, .required = true},
    {.name = NULL},
};

static const struct field delivery_fields[] = {
    {"lane", FIELD_U32, MEMBER(struct delivery_facts, lane), .zero = true},
    {"stream_seq", FIELD_U64, MEMBER(struct delivery_facts, stream_seq)},
    {"leaf_index", FIELD_U64, MEMBER(struct delivery_facts, leaf_index), .zero = true},
    {"leaf_hash", FIELD_DIGEST, MEMBER(struct delivery_facts, leaf_hash)},
    {"received", FIELD_INSTANT, MEMBER(struct delivery_facts, received_ms)},
    {"reason", FIELD_WORD, MEMBER(struct delivery_facts, reason), .which = VOCABULARY_REJECTION},
    {"field", FIELD_CHARS, MEMBER(struct delivery_facts, field)},
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
    {"rung", FIELD_CHARS, MEMBER(struct notice_facts, rung)},
    {"task", FIELD_WORD, MEMBER(struct notice_facts, task), .which = VOCABULARY_TASK, .zero = true},
    {"window", FIELD_U32, MEMBER(struct notice_facts, window)},
    {"roles", FIELD_ROLES, MEMBER(struct notice_facts, roles)},
    {"responsible", FIELD_CHARS, MEMBER(struct notice_facts, responsible)},
    {"arrival", FIELD_INSTANT, MEMBER(struct notice_facts, arrival_ms)},
    {"working_days", FIELD_U32, MEMBER(struct notice_facts, working_days)},
    {"due", FIELD_DATE, MEMBER(struct notice_facts, due_date)},
    {"due_before", FIELD_INSTANT, MEMBER(struct notice_facts, due_before_ms)},
    {"provisional", FIELD_BOOL, MEMBER(struct notice_facts, provisional)},
    {"fell_due", FIELD_INSTANT, MEMBER(struct notice_facts, fell_due_ms)},
    {"old_due_before", FIELD_INSTANT, MEMBER(struct notice_facts, old_due_before_ms)},
    {"late", FIELD_BOOL, MEMBER(struct notice_facts, late)},
    {"lateness_days", FIELD_U32, MEMBER(struct notice_facts, lateness_days)},
    {"document_number", FIELD_CHARS, MEMBER(struct notice_facts, document_number)},
    {"calendar_version", FIELD_CHARS, MEMBER(struct notice_facts, calendar_version)},
    {"trace", FIELD_ROWS, MEMBER(struct notice_facts, trace),
     .count_offset = offsetof(struct notice_facts, trace_count), .rows = &trace_rows},
    {"reason", FIELD_CHARS, MEMBER(struct notice_facts, reason)},
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
    {.name = NULL},
};
static const struct rows person_rows = {person_fields, sizeof(struct body_person), LIMIT_PERSONS};

static const struct field outcome_fields[] = {
    {"person_index", FIELD_U32, MEMBER(struct body_outcome, person_index), .zero = true},
    {"outcome", FIELD_WORD, MEMBER(struct body_outcome, outcome), .which = VOCABULARY_OUTCOME,
     .required = true},
    {"amount_fen", FIELD_U64, MEMBER(struct body_outcome, amount_fen)},
    {"text", FIELD_TEXT, .offset = offsetof(struct body_outcome, text), .size = LIMIT_TEXT_BYTES},
    {.name = NULL},
};
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
    {.name = NULL},
};

const struct kind_form *message_form_of(enum message_kind kind)
{
#define FACTS(member) offsetof(struct message, member)
    static const struct kind_form forms[MESSAGE_AGENCY_KIND_COUNT] = {
        [MESSAGE_OUTBOUND_REFERRAL] = {referral_fields, FACTS(referral)},
        [MESSAGE_INBOUND_REFERRAL] = {referral_fields, FACTS(referral)},
        [MESSAGE_SIGN_FOR] = {sign_for_fields, 0},
        [MESSAGE_OUTBOUND_FEEDBACK] = {feedback_fields, FACTS(feedback)},
        [MESSAGE_INBOUND_FEEDBACK] = {feedback_fields, FACTS(feedback)},
        [MESSAGE_APPLICANT_INFORMED] = {informed_fields, 0},
        [MESSAGE_PAPERS] = {papers_fields, FACTS(papers)},
        [MESSAGE_WITHDRAWAL] = {withdrawal_fields, 0},
        [MESSAGE_DELIVERY] = {delivery_fields, FACTS(delivery)},
        [MESSAGE_REJECTION] = {delivery_fields, FACTS(delivery)},
    };
    static const struct kind_form notice = {notice_fields, FACTS(notice)};
#undef FACTS
    if (message_kind_from_agency(kind)) {
        return &forms[kind];
    }
    return message_kind_from_broker(kind) ? &notice : NULL;
}

const struct field *message_form_body(void)
{
    return body_fields;
}
