/* Header, facts and plain body: their tables, and which facts belong to which kind. */
#include <assert.h>
#include <string.h>

#include "message.pb-c.h"
#include "wire/codec.h"
#include "wire/sealing.h"
#include "wire/tables.h"

static const struct bind header_binds[] = {
    NUMBER(1, struct message_header, version),     NUMBER(2, struct message_header, suite),
    FIXED(3, struct message_header, message_id),   NUMBER(4, struct message_header, kind),
    TEXT(5, struct message_header, sender),        TEXT(6, struct message_header, recipient),
    FIXED(7, struct message_header, sender_key),   NUMBER(8, struct message_header, created_ms),
    FIXED(9, struct message_header, case_id),      TEXT(10, struct message_header, case_number),
    FIXED(11, struct message_header, referral_id), TEXT(12, struct message_header, referral_number),
    ID(13, struct message_header, refers_to),
};
static const struct bind_table header_table =
    TABLE(&referral__v1__header__descriptor, struct message_header, header_binds);

static const struct bind material_binds[] = {
    NUMBER(1, struct material, kind),
    ID(2, struct material, digest),
    NUMBER(3, struct material, missing_reason),
    NUMBER(4, struct material, sealed_bytes),
};
static const struct bind_table material_table =
    TABLE(&referral__v1__material__descriptor, struct material, material_binds);

static const struct bind referral_binds[] = {
    NUMBER(1, struct referral_facts, ground),
    NUMBER(2, struct referral_facts, priority_groups),
    NUMBER(3, struct referral_facts, needs),
    NUMBER(4, struct referral_facts, measures),
    MANY(5, struct referral_facts, materials, material_count, LIMIT_MATERIALS, &material_table),
    NUMBER(6, struct referral_facts, advance),
    NUMBER(7, struct referral_facts, urgent),
    NUMBER(8, struct referral_facts, life_danger),
    NUMBER(9, struct referral_facts, minor_marks),
    NUMBER(10, struct referral_facts, lead_channel),
    NUMBER(11, struct referral_facts, relation),
    NUMBER(12, struct referral_facts, told),
    NUMBER(13, struct referral_facts, person_count),
    NUMBER(14, struct referral_facts, no_publicity),
    ID(15, struct referral_facts, previous),
    NUMBER(16, struct referral_facts, link),
    ID(17, struct referral_facts, previous_case),
};
static const struct bind_table referral_table =
    TABLE(&referral__v1__referral_facts__descriptor, struct referral_facts, referral_binds);

static const struct bind sign_for_binds[] = {
    {.number = 1,
     .kind = BIND_TEXT,
     .offset = FACTS_OFFSET(sign_for.register_number),
     .size = MEMBER_SIZE(struct message, sign_for.register_number)},
};
static const struct bind_table sign_for_table =
    TABLE(&referral__v1__sign_for_facts__descriptor, struct message, sign_for_binds);

static const struct bind measure_binds[] = {
    NUMBER(1, struct measure, measure),       NUMBER(2, struct measure, shape),
    NUMBER(3, struct measure, amount_fen),    NUMBER(4, struct measure, unit),
    NUMBER(5, struct measure, start_date),    NUMBER(6, struct measure, end_date),
    NUMBER(7, struct measure, existing_kept), NUMBER(8, struct measure, person_index),
};
static const struct bind_table measure_table =
    TABLE(&referral__v1__measure__descriptor, struct measure, measure_binds);

static const struct bind document_binds[] = {
    NUMBER(1, struct document, kind),
    TEXT(2, struct document, supplier),
};
static const struct bind_table document_table =
    TABLE(&referral__v1__document__descriptor, struct document, document_binds);

static const struct bind feedback_binds[] = {
    NUMBER(1, struct feedback_facts, outcome),
    MANY(2, struct feedback_facts, measures, measure_count, LIMIT_MEASURES, &measure_table),
    MANY(3, struct feedback_facts, documents, document_count, LIMIT_DOCUMENTS, &document_table),
    NUMBER(4, struct feedback_facts, tell_by),
    TEXT(5, struct feedback_facts, suggested_agency),
    TEXT(6, struct feedback_facts, register_number),
};
static const struct bind_table feedback_table =
    TABLE(&referral__v1__feedback_facts__descriptor, struct feedback_facts, feedback_binds);

static const struct bind informed_binds[] = {
    FACTS_NUMBER(1, informed.task),
    FACTS_NUMBER(2, informed.how),
};
static const struct bind_table informed_table =
    TABLE(&referral__v1__informed_facts__descriptor, struct message, informed_binds);

static const struct bind papers_binds[] = {
    NUMBERS(1, struct papers_facts, documents, document_count, LIMIT_DOCUMENTS),
    NUMBER(2, struct papers_facts, received_ms),
};
static const struct bind_table papers_table =
    TABLE(&referral__v1__papers_facts__descriptor, struct papers_facts, papers_binds);

static const struct bind withdrawal_binds[] = {FACTS_NUMBER(1, withdrawal.reason)};
static const struct bind_table withdrawal_table =
    TABLE(&referral__v1__withdrawal_facts__descriptor, struct message, withdrawal_binds);

static const struct bind delivery_binds[] = {
    NUMBER(1, struct delivery_facts, lane),        NUMBER(2, struct delivery_facts, stream_seq),
    NUMBER(3, struct delivery_facts, leaf_index),  FIXED(4, struct delivery_facts, leaf_hash),
    NUMBER(5, struct delivery_facts, received_ms),
};
static const struct bind_table delivery_table =
    TABLE(&referral__v1__delivery_facts__descriptor, struct delivery_facts, delivery_binds);

static const struct bind rejection_binds[] = {
    NUMBER(1, struct delivery_facts, lane),       NUMBER(2, struct delivery_facts, stream_seq),
    NUMBER(3, struct delivery_facts, leaf_index), FIXED(4, struct delivery_facts, leaf_hash),
    NUMBER(5, struct delivery_facts, reason),     TEXT(6, struct delivery_facts, field),
};
static const struct bind_table rejection_table =
    TABLE(&referral__v1__rejection_facts__descriptor, struct delivery_facts, rejection_binds);

static const struct bind trace_binds[] = {
    NUMBER(1, struct trace_day, date),
    NUMBER(2, struct trace_day, kind),
    STRING(3, struct trace_day, name, 64),
};
static const struct bind_table trace_table =
    TABLE(&referral__v1__trace_day__descriptor, struct trace_day, trace_binds);

#define TRACE_COUNT 400 /* longer than any window of domain section 5 with its holidays */

static const struct bind notice_binds[] = {
    TEXT(1, struct notice_facts, rung),
    NUMBER(2, struct notice_facts, task),
    NUMBER(3, struct notice_facts, window),
    NUMBER(4, struct notice_facts, roles),
    TEXT(5, struct notice_facts, responsible),
    NUMBER(6, struct notice_facts, due_before_ms),
    NUMBER(7, struct notice_facts, due_date),
    NUMBER(8, struct notice_facts, provisional),
    NUMBER(9, struct notice_facts, fell_due_ms),
    NUMBER(10, struct notice_facts, old_due_before_ms),
    NUMBER(11, struct notice_facts, lateness_days),
    NUMBER(12, struct notice_facts, late),
    TEXT(13, struct notice_facts, document_number),
    TEXT(14, struct notice_facts, calendar_version),
    NUMBER(15, struct notice_facts, arrival_ms),
    NUMBER(16, struct notice_facts, working_days),
    MANY(17, struct notice_facts, trace, trace_count, TRACE_COUNT, &trace_table),
    SPAN(18, struct notice_facts, evidence, LIMIT_FACTS_BYTES),
    TEXT(19, struct notice_facts, reason),
    TEXT(20, struct notice_facts, annotated),
    ID(21, struct notice_facts, rules_digest),
};
static const struct bind_table notice_table =
    TABLE(&referral__v1__notice_facts__descriptor, struct notice_facts, notice_binds);

static const struct bind attached_binds[] = {
    FIXED(1, struct attached, digest),
    NUMBER(2, struct attached, sealed_bytes),
};
static const struct bind_table attached_table =
    TABLE(&referral__v1__attached__descriptor, struct attached, attached_binds);

static const struct bind facts_binds[] = {
    NUMBER(1, struct message, body_fields),
    CHOICE(2, struct message, referral, &referral_table),
    CHOICE(3, struct message, sign_for, &sign_for_table),
    CHOICE(4, struct message, feedback, &feedback_table),
    CHOICE(5, struct message, informed, &informed_table),
    CHOICE(6, struct message, papers, &papers_table),
    CHOICE(7, struct message, withdrawal, &withdrawal_table),
    CHOICE(8, struct message, delivery, &delivery_table),
    CHOICE(9, struct message, delivery, &rejection_table),
    CHOICE(10, struct message, notice, &notice_table),
    CHOICE(11, struct message, information, &information_table),
    CHOICE(12, struct message, information_reply, &information_reply_table),
    CHOICE(13, struct message, assistance, &assistance_table),
    CHOICE(14, struct message, escalation_reply, &escalation_reply_table),
    CHOICE(15, struct message, archive, &archive_table),
    CHOICE(16, struct message, reopen, &reopen_table),
    CHOICE(17, struct message, follow_up_plan, &follow_up_plan_table),
    CHOICE(18, struct message, follow_up_report, &follow_up_report_table),
    CHOICE(19, struct message, consultation, &consultation_table),
    CHOICE(20, struct message, conference, &conference_table),
    CHOICE(21, struct message, promise_report, &promise_report_table),
    CHOICE(22, struct message, meeting, &meeting_table),
    CHOICE(23, struct message, attendance, &attendance_table),
    CHOICE(24, struct message, hearing, &hearing_table),
    CHOICE(25, struct message, hearing_opinion, &hearing_opinion_table),
    CHOICE(26, struct message, roster_change, &roster_change_table),
    CHOICE(27, struct message, roster, &roster_table),
    CHOICE(28, struct message, fund_plan, &fund_plan_table),
    CHOICE(29, struct message, fund_payment, &fund_payment_table),
    CHOICE(30, struct message, letter, &letter_table),
    CHOICE(31, struct message, letter_answer, &letter_answer_table),
    CHOICE(32, struct message, correction, &correction_table),
    ID(33, struct message, copies),
    MANY(34, struct message, attachments, attachment_count, LIMIT_MATERIALS, &attached_table),
};
static const struct bind_table facts_table =
    TABLE(&referral__v1__facts__descriptor, struct message, facts_binds);

/* The field of Facts that a kind demands; 0 for an unknown kind. */
static uint32_t facts_field(enum message_kind kind)
{
    static const struct {
        enum message_kind kind;
        uint32_t field;
    } fields[] = {
        {MESSAGE_OUTBOUND_REFERRAL, 2},
        {MESSAGE_INBOUND_REFERRAL, 2},
        {MESSAGE_SIGN_FOR, 3},
        {MESSAGE_OUTBOUND_FEEDBACK, 4},
        {MESSAGE_INBOUND_FEEDBACK, 4},
        {MESSAGE_APPLICANT_INFORMED, 5},
        {MESSAGE_PAPERS, 6},
        {MESSAGE_WITHDRAWAL, 7},
        {MESSAGE_DELIVERY, 8},
        {MESSAGE_REJECTION, 9},
        {MESSAGE_INFORMATION_REQUEST, 11},
        {MESSAGE_INFORMATION_REPLY, 12},
        {MESSAGE_ASSISTANCE_REPORT, 13},
        {MESSAGE_ESCALATION_REPLY, 14},
        {MESSAGE_ARCHIVE, 15},
        {MESSAGE_REOPEN, 16},
        {MESSAGE_FOLLOW_UP_PLAN, 17},
        {MESSAGE_FOLLOW_UP_REPORT, 18},
        {MESSAGE_CONSULTATION, 19},
        {MESSAGE_CONFERENCE, 20},
        {MESSAGE_PROMISE_REPORT, 21},
        {MESSAGE_MEETING_NOTICE, 22},
        {MESSAGE_MEETING_REPLY, 23},
        {MESSAGE_HEARING_INVITATION, 24},
        {MESSAGE_HEARING_REPLY, 23},
        {MESSAGE_HEARING_OPINION, 25},
        {MESSAGE_ROSTER_CHANGE, 26},
        {MESSAGE_ROSTER, 27},
        {MESSAGE_FUND_PLAN, 28},
        {MESSAGE_FUND_PAYMENT, 29},
        {MESSAGE_LETTER, 30},
        {MESSAGE_LETTER_ANSWER, 31},
        {MESSAGE_CORRECTION, 32},
        {MESSAGE_DELIVERY_NOTICE, 10},
        {MESSAGE_REMINDER, 10},
        {MESSAGE_ESCALATION, 10},
        {MESSAGE_RESOLVED, 10},
        {MESSAGE_REDATING, 10},
        {MESSAGE_RETURNED, 10},
    };
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (fields[i].kind == kind) {
            return fields[i].field;
        }
    }
    return 0;
}

/* Puts the name of the part before the path inside it. */
static void fault_prefix(struct fault *fault, const char *part)
{
    if (fault == NULL) {
        return;
    }
    char place[sizeof(fault->place)];
    size_t len = strlen(part);
    size_t rest = strnlen(fault->place, sizeof(place) - len - 2);
    memcpy(place, part, len);
    place[len] = rest > 0 ? '.' : '\0';
    memcpy(place + len + 1, fault->place, rest);
    place[len + 1 + rest] = '\0';
    memcpy(fault->place, place, sizeof(place) < len + 2 + rest ? sizeof(place) : len + 2 + rest);
}

enum err header_decode(struct span bytes, struct region *region, struct message_header *ret_header,
                       struct fault *fault)
{
    assert(ret_header != NULL);
    struct message_header header;
    struct bind_target target = {
        .region = region, .structure = &header, .max_fields = LIMIT_FIELD_COUNT};
    if (bytes.len > LIMIT_HEADER_BYTES) {
        fault_set(fault, "wire.value", "header", "longer than %u bytes", LIMIT_HEADER_BYTES);
        return ERR_TOO_LARGE;
    }
    enum err error = bind_decode(&header_table, bytes, &target, fault);
    if (error != OK) {
        fault_prefix(fault, "header");
        return error;
    }
    if (header.version != WIRE_VERSION) {
        fault_set(fault, "wire.value", "header.version", "must be %u", WIRE_VERSION);
        return ERR_INVALID;
    }
    if (header.suite != crypto_suite()) {
        fault_set(fault, "wire.value", "header.suite", "must be %u here", (unsigned)crypto_suite());
        return ERR_INVALID;
    }
    *ret_header = header;
    return OK;
}

enum err header_encode(const struct message_header *header, struct buf *out)
{
    return bind_encode(&header_table, header, 0, out);
}

enum err facts_decode(const struct payload *payload, struct region *region, struct message *message,
                      struct fault *fault)
{
    assert(payload != NULL && message != NULL);
    uint32_t wanted = facts_field(message->header.kind);
    if (wanted == 0) {
        fault_set(fault, "wire.value", "header.kind", "unknown kind %u",
                  (unsigned)message->header.kind);
        return ERR_INVALID;
    }
    struct message facts;
    struct bind_target target = {
        .region = region, .structure = &facts, .max_fields = LIMIT_FIELD_COUNT};
    enum err error = bind_decode(&facts_table, payload->facts, &target, fault);
    if (error != OK) {
        fault_prefix(fault, "facts");
        return error;
    }
    if (target.which != wanted) {
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(facts_table.type, wanted);
        fault_set(fault, "wire.value", "facts", "this kind needs exactly the facts \"%s\"",
                  field->name);
        return ERR_INVALID;
    }
    facts.header = message->header;
    facts.body_present = payload->body.len > 0;
    *message = facts;
    return OK;
}

enum err message_decode(const struct payload *payload, struct region *region,
                        struct message *ret_message, struct fault *fault)
{
    assert(payload != NULL && ret_message != NULL);
    struct message message;
    enum err error = header_decode(payload->header, region, &message.header, fault);
    if (error == OK) {
        error = facts_decode(payload, region, &message, fault);
    }
    if (error == OK) {
        *ret_message = message;
    }
    return error;
}

enum err facts_encode(const struct message *message, struct buf *out)
{
    assert(message != NULL);
    uint32_t which = facts_field(message->header.kind);
    assert(which != 0);
    return bind_encode(&facts_table, message, which, out);
}

static const struct bind person_binds[] = {
    STRING(1, struct body_person, name, 256),
    STRING(2, struct body_person, identity_number, 64),
    STRING(3, struct body_person, phone, 64),
    STRING(4, struct body_person, address, 1024),
    NUMBER(5, struct body_person, relation),
    NUMBER(6, struct body_person, priority_groups),
    NUMBER(7, struct body_person, needs),
    NUMBER(8, struct body_person, minor),
    STRING(9, struct body_person, guardian, 1024),
    NUMBER(10, struct body_person, may_be_told),
    STRING(11, struct body_person, receives_already, 4096),
    STRING(12, struct body_person, agency, LIMIT_AGENCY_ID_BYTES),
    NUMBER(13, struct body_person, role),
};
static const struct bind_table person_table =
    TABLE(&referral__v1__person__descriptor, struct body_person, person_binds);

static const struct bind outcome_binds[] = {
    NUMBER(1, struct body_outcome, person_index),
    NUMBER(2, struct body_outcome, outcome),
    NUMBER(3, struct body_outcome, amount_fen),
    STRING(4, struct body_outcome, text, LIMIT_TEXT_BYTES),
};
static const struct bind_table outcome_table =
    TABLE(&referral__v1__person_outcome__descriptor, struct body_outcome, outcome_binds);

static const struct bind attachment_binds[] = {
    NUMBER(1, struct body_attachment, material),
    STRING(2, struct body_attachment, name, LIMIT_NAME_BYTES),
    NUMBER(3, struct body_attachment, type),
    NUMBER(4, struct body_attachment, plain_bytes),
    FIXED(5, struct body_attachment, key),
};
static const struct bind_table attachment_table =
    TABLE(&referral__v1__attachment__descriptor, struct body_attachment, attachment_binds);

static const struct bind body_binds[] = {
    TEXT(1, struct body, sender),
    TEXT(2, struct body, recipient),
    FIXED(3, struct body, message_id),
    FIXED(4, struct body, case_id),
    STRING(5, struct body, officer, 256),
    MANY(6, struct body, persons, person_count, LIMIT_ROSTER, &person_table),
    STRING(7, struct body, circumstances, LIMIT_TEXT_BYTES),
    STRING(8, struct body, reasons, LIMIT_TEXT_BYTES),
    STRING(9, struct body, advance_reason, LIMIT_TEXT_BYTES),
    STRING(10, struct body, opinion, LIMIT_TEXT_BYTES),
    STRING(11, struct body, text, LIMIT_TEXT_BYTES),
    MANY(12, struct body, outcomes, outcome_count, LIMIT_PERSONS, &outcome_table),
    STRING(13, struct body, told_whom, 1024),
    STRING(14, struct body, told_by, 256),
    MANY(15, struct body, attachments, attachment_count, LIMIT_MATERIALS, &attachment_table),
};
static const struct bind_table body_table =
    TABLE(&referral__v1__body__descriptor, struct body, body_binds);

enum err body_encode(const struct body *body, struct buf *out)
{
    return bind_encode(&body_table, body, 0, out);
}

enum err body_decode(struct span bytes, struct region *region, struct body *ret_body,
                     struct fault *fault)
{
    assert(ret_body != NULL);
    if (bytes.len > LIMIT_BODY_BYTES) {
        fault_set(fault, "wire.value", "body", "longer than %u bytes", LIMIT_BODY_BYTES);
        return ERR_TOO_LARGE;
    }
    struct body body;
    struct bind_target target = {
        .region = region, .structure = &body, .max_fields = LIMIT_FIELD_COUNT};
    enum err error = bind_decode(&body_table, bytes, &target, fault);
    if (error != OK) {
        fault_prefix(fault, "body");
        return error;
    }
    *ret_body = body;
    return OK;
}
