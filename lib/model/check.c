/* How: the header first, then one table row per kind names the rule for its facts and the mandatory
 * fields of its body, then the body itself where it is open. Each rule sets the first fault it
 * finds; a set fault ends the judgement. */
#include "model/check.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "check_parts.h"
#include "model/attachment.h"
#include "model/identity.h"
#include "model/numbers.h"

static void detail_set(struct check *check, const char *fmt, va_list args) FORMAT(2, 0);

static void detail_set(struct check *check, const char *fmt, va_list args)
{
    (void)vsnprintf(check->result->detail, sizeof(check->result->detail), fmt, args);
}

bool check_refuse(struct check *check, enum refusal refusal, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    detail_set(check, fmt, args);
    va_end(args);
    check->result->refusal = refusal;
    return false;
}

bool check_reject(struct check *check, uint32_t rejection, enum refusal refusal, const char *fmt,
                  ...)
{
    va_list args;
    va_start(args, fmt);
    detail_set(check, fmt, args);
    va_end(args);
    check->result->refusal = refusal;
    check->result->rejection = rejection;
    return false;
}

bool check_word(struct check *check, enum vocabulary which, uint32_t value, const char *path)
{
    if (vocabulary_find(which, value) == NULL) {
        return check_refuse(check, REFUSAL_FACT_INVALID, "%s: %" PRIu32 " is no %s", path, value,
                            vocabulary_name(which));
    }
    return true;
}

bool check_set(struct check *check, enum vocabulary which, uint64_t bits, const char *path)
{
    if ((bits & ~vocabulary_mask(which)) != 0) {
        return check_refuse(check, REFUSAL_FACT_INVALID, "%s: holds an unknown %s", path,
                            vocabulary_name(which));
    }
    return true;
}

/* ---- the header ---- */

static bool of_referral(const struct message_header *header)
{
    return number_belongs(header->referral_number, header->case_number);
}

/* A matter may belong to no case. */
static bool of_matter(const struct message_header *header)
{
    struct number number;
    return number_parse(NUMBER_MATTER, header->referral_number, &number) == OK &&
           (header->case_number[0] == '\0' ||
            number_parse(NUMBER_CASE, header->case_number, &number) == OK);
}

/* Receipts and answers to documents are about either. */
static bool of_either(enum message_kind kind)
{
    return kind == MESSAGE_DELIVERY || kind == MESSAGE_REJECTION ||
           kind == MESSAGE_ESCALATION_REPLY;
}

static bool check_number(struct check *check)
{
    const struct message_header *header = &check->message->header;
    bool matter = message_kind_of_matter(header->kind);
    bool right = matter ? of_matter(header) : of_referral(header);
    if (right || (of_either(header->kind) && of_matter(header))) {
        return true;
    }
    return check_refuse(check, REFUSAL_NUMBER, "header.referral_number: expected %s",
                        matter ? "a matter's PREFIX-SX-YYYY-NNNN" : "the case number and -NN");
}

static bool check_header(struct check *check)
{
    const struct message_header *header = &check->message->header;
    check->sender = registry_find(check->ctx->registry, header->sender);
    check->recipient = registry_find(check->ctx->registry, header->recipient);
    if (header->version != 1) {
        return check_refuse(check, REFUSAL_PAYLOAD, "header.version: expected 1");
    }
    if (!message_kind_from_agency(header->kind)) {
        return check_refuse(check, REFUSAL_KIND, "header.kind: not a kind that agencies send");
    }
    if (check->sender == NULL) {
        return check_refuse(check, REFUSAL_SENDER, "header.sender: no such agency");
    }
    if (check->recipient == NULL || check->recipient == check->sender) {
        return check_refuse(check, REFUSAL_RECIPIENT, "header.recipient: expected another agency");
    }
    if (!uuid_is_v7(&header->message_id)) {
        return check_refuse(check, REFUSAL_PAYLOAD,
                            "header.message_id: expected a UUID of version 7");
    }
    if (uuid_is_zero(&header->case_id) || !uuid_is_v7(&header->referral_id)) {
        return check_refuse(
            check, REFUSAL_PAYLOAD,
            "header.case_id, header.referral_id: expected an id and a UUID version 7");
    }
    return check_number(check);
}

/* ---- referrals: Art. 4, 7, 8, 10, 18 ---- */

static const struct material *material_find(const struct referral_facts *facts, uint32_t kind)
{
    for (size_t i = 0; i < facts->material_count; i++) {
        if (facts->materials[i].kind == kind) {
            return &facts->materials[i];
        }
    }
    return NULL;
}

static bool check_material(struct check *check, const struct material *material, size_t index)
{
    char path[64];
    static const struct digest none = {{0}};
    bool present = !digest_equal(&material->digest, &none);
    (void)snprintf(path, sizeof(path), "facts.materials[%zu].kind", index);
    if (!check_word(check, VOCABULARY_MATERIAL, material->kind, path)) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "facts.materials[%zu].missing", index);
    if (present == (material->missing_reason != 0)) {
        return check_refuse(check, REFUSAL_FACT_INVALID,
                            "facts.materials[%zu]: expected a digest or a reason, one of the two",
                            index);
    }
    if (!present) {
        return check_word(check, VOCABULARY_MISSING_REASON, material->missing_reason, path);
    }
    if (material->sealed_bytes == 0 || material->sealed_bytes > ATTACHMENT_SEALED_MAX) {
        return check_refuse(check, REFUSAL_FACT_INVALID,
                            "facts.materials[%zu].sealed_bytes: expected the size", index);
    }
    return true;
}

static bool check_materials(struct check *check)
{
    const struct referral_facts *facts = &check->message->referral;
    size_t count = 0;
    const struct policy_material *list =
        policy_materials(check->ctx->policy, check->message->header.kind, &count);
    if (facts->material_count > LIMIT_MATERIALS) {
        return check_refuse(check, REFUSAL_FACT_INVALID, "facts.materials: expected at most %u",
                            LIMIT_MATERIALS);
    }
    for (size_t i = 0; i < facts->material_count; i++) {
        if (!check_material(check, &facts->materials[i], i)) {
            return false;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (list[i].mandatory && material_find(facts, list[i].kind) == NULL) {
            const struct word *word = vocabulary_find(VOCABULARY_MATERIAL, list[i].kind);
            return check_refuse(check, REFUSAL_MATERIAL_MISSING,
                                "facts.materials: %s is neither there nor has a reason (Art. 7)",
                                word->id);
        }
    }
    return true;
}

static bool check_referral_words(struct check *check)
{
    const struct referral_facts *facts = &check->message->referral;
    if (facts->ground == 0) {
        return check_refuse(check, REFUSAL_FACT_MISSING, "facts.ground: expected a ground");
    }
    if (facts->lead_channel != 0 &&
        !check_word(check, VOCABULARY_LEAD_CHANNEL, facts->lead_channel, "facts.lead_channel")) {
        return false;
    }
    if (facts->person_count == 0 || facts->person_count > LIMIT_PERSONS) {
        return check_refuse(check, REFUSAL_FACT_INVALID, "facts.person_count: expected 1 to %u",
                            LIMIT_PERSONS);
    }
    return check_word(check, VOCABULARY_GROUND, facts->ground, "facts.ground") &&
           check_set(check, VOCABULARY_PRIORITY_GROUP, facts->priority_groups,
                     "facts.priority_groups") &&
           check_set(check, VOCABULARY_NEED, facts->needs, "facts.needs") &&
           check_set(check, VOCABULARY_MEASURE, facts->measures, "facts.measures") &&
           check_set(check, VOCABULARY_MINOR_MARK, facts->minor_marks, "facts.minor_marks");
}

/* A referral that follows another says how; whether that is possible, decide knows. */
static bool check_link(struct check *check)
{
    const struct referral_facts *facts = &check->message->referral;
    bool follows = !uuid_is_zero(&facts->previous);
    if (follows != (facts->link != 0)) {
        return check_refuse(check, REFUSAL_FACT_INVALID,
                            "facts.previous, facts.link: expected both or neither");
    }
    if (!follows && !uuid_is_zero(&facts->previous_case)) {
        return check_refuse(check, REFUSAL_FACT_INVALID,
                            "facts.previous_case: expected facts.previous too");
    }
    if (uuid_equal(&facts->previous, &check->message->header.referral_id)) {
        return check_refuse(check, REFUSAL_PREVIOUS, "facts.previous: the referral itself");
    }
    return !follows || check_word(check, VOCABULARY_LINK, facts->link, "facts.link");
}

/* A new case's number is the sender's; a later referral of the case may come from anybody. Which it
 * is, only the broker knows: it asks decide. */
static bool check_referral(struct check *check)
{
    return check_referral_words(check) && check_link(check) && check_materials(check) &&
           check_minor_facts(check);
}

static bool check_outbound(struct check *check)
{
    const struct referral_facts *facts = &check->message->referral;
    if (!check_referral(check)) {
        return false;
    }
    if (facts->advance && (check->message->body_fields & BODY_ADVANCE_REASON) == 0) {
        return check_refuse(check, REFUSAL_ADVANCE_REASON,
                            "body.advance_reason: an advance referral says why (Art. 8)");
    }
    if (facts->relation != 0 || facts->told != 0) {
        return check_refuse(check, REFUSAL_FACT_INVALID,
                            "facts.relation, facts.told: of inbound referrals only");
    }
    check->result->needs_outside = facts->needs & ~check->recipient->duties;
    return true;
}

static bool check_inbound(struct check *check)
{
    const struct referral_facts *facts = &check->message->referral;
    if (!check_referral(check)) {
        return false;
    }
    if (facts->advance) {
        return check_refuse(check, REFUSAL_FACT_INVALID,
                            "facts.advance: of outbound referrals only");
    }
    if (facts->ground == GROUND_REFUSED) {
        return check_refuse(check, REFUSAL_FACT_INVALID,
                            "facts.ground: \"refused\" is of outbound referrals only");
    }
    if (facts->told != 0 && !check_word(check, VOCABULARY_TOLD, facts->told, "facts.told")) {
        return false;
    }
    return facts->relation == 0 ||
           check_word(check, VOCABULARY_RELATION, facts->relation, "facts.relation");
}

/* ---- sign-for and feedback: Art. 9, 10, 11 ---- */

/* The receiver's own register: empty is judged by decide, which knows whether it was signed for. */
static bool check_register_number(struct check *check, const char *text)
{
    struct number number;
    if (number_parse(NUMBER_REGISTER, text, &number) != OK) {
        return check_refuse(check, REFUSAL_REGISTER_NUMBER,
                            "facts.register_number: expected %s-DJ-YYYY-NNNN",
                            check->sender->prefix);
    }
    if (strcmp(number.prefix, check->sender->prefix) != 0) {
        return check_refuse(check, REFUSAL_REGISTER_NUMBER,
                            "facts.register_number: the prefix is another agency's");
    }
    return true;
}

static bool check_sign_for(struct check *check)
{
    const char *text = check->message->sign_for.register_number;
    if (text[0] == '\0') {
        return check_refuse(check, REFUSAL_FACT_MISSING,
                            "facts.register_number: expected a number");
    }
    return check_register_number(check, text);
}

static bool date_valid(uint32_t yyyymmdd)
{
    int32_t day = 0;
    return yyyymmdd == 0 || civil_from_yyyymmdd(yyyymmdd, &day) == OK;
}

bool check_date(struct check *check, uint32_t yyyymmdd, const char *path)
{
    return (yyyymmdd != 0 && date_valid(yyyymmdd)) ||
           check_refuse(check, REFUSAL_FACT_INVALID, "%s: expected a date", path);
}

static bool check_measure(struct check *check, const struct measure *measure, size_t index)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "facts.measures[%zu].measure", index);
    if (!check_word(check, VOCABULARY_MEASURE, measure->measure, path)) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "facts.measures[%zu].shape", index);
    if (!check_word(check, VOCABULARY_SHAPE, measure->shape, path)) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "facts.measures[%zu].unit", index);
    if (!check_word(check, VOCABULARY_UNIT, measure->unit, path)) {
        return false;
    }
    bool money = measure->shape == SHAPE_MONEY && !measure->existing_kept;
    if ((money && measure->amount_fen == 0) || measure->amount_fen > AMOUNT_MAX_FEN) {
        return check_refuse(check, REFUSAL_FACT_INVALID,
                            "facts.measures[%zu].amount_fen: expected an amount in fen", index);
    }
    if (!date_valid(measure->start_date) || !date_valid(measure->end_date)) {
        return check_refuse(check, REFUSAL_FACT_INVALID,
                            "facts.measures[%zu].start_date, .end_date: no such date", index);
    }
    if (measure->end_date != 0 && measure->end_date < measure->start_date) {
        return check_refuse(check, REFUSAL_FACT_INVALID,
                            "facts.measures[%zu].end_date: before the start", index);
    }
    if (measure->person_index >= LIMIT_PERSONS) {
        return check_refuse(check, REFUSAL_FACT_INVALID,
                            "facts.measures[%zu].person_index: expected below %u", index,
                            LIMIT_PERSONS);
    }
    return true;
}

static bool check_granted(struct check *check)
{
    const struct feedback_facts *facts = &check->message->feedback;
    if (facts->measure_count == 0) {
        return check_refuse(check, REFUSAL_FACT_MISSING,
                            "facts.measures: \"granted\" says which measures");
    }
    if (facts->measure_count > LIMIT_MEASURES) {
        return check_refuse(check, REFUSAL_FACT_INVALID, "facts.measures: expected at most %u",
                            LIMIT_MEASURES);
    }
    for (size_t i = 0; i < facts->measure_count; i++) {
        if (!check_measure(check, &facts->measures[i], i)) {
            return false;
        }
    }
    return true;
}

static bool check_document(struct check *check, const struct document *document, size_t index)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "facts.documents[%zu].kind", index);
    if (!check_word(check, VOCABULARY_DOCUMENT, document->kind, path)) {
        return false;
    }
    if (document->supplier[0] != '\0' &&
        registry_find(check->ctx->registry, document->supplier) == NULL) {
        return check_refuse(check, REFUSAL_FACT_INVALID,
                            "facts.documents[%zu].supplier: no such agency", index);
    }
    return true;
}

static bool check_procedure(struct check *check)
{
    const struct feedback_facts *facts = &check->message->feedback;
    if (facts->document_count == 0) {
        return check_refuse(check, REFUSAL_FACT_MISSING,
                            "facts.documents: \"procedure-required\" says which papers are wanted");
    }
    if (facts->document_count > LIMIT_DOCUMENTS) {
        return check_refuse(check, REFUSAL_FACT_INVALID, "facts.documents: expected at most %u",
                            LIMIT_DOCUMENTS);
    }
    for (size_t i = 0; i < facts->document_count; i++) {
        if (!check_document(check, &facts->documents[i], i)) {
            return false;
        }
    }
    if (facts->tell_by == TELL_BY_NONE) {
        return check_refuse(check, REFUSAL_FACT_MISSING,
                            "facts.tell_by: \"procedure-required\" says who tells the applicant");
    }
    return check_word(check, VOCABULARY_TELL_BY, facts->tell_by, "facts.tell_by");
}

static bool check_not_my_duty(struct check *check)
{
    const struct feedback_facts *facts = &check->message->feedback;
    if (facts->suggested_agency[0] == '\0') {
        return check_refuse(check, REFUSAL_FACT_MISSING,
                            "facts.suggested_agency: \"not-my-duty\" suggests an agency");
    }
    const struct agency *agency = registry_find(check->ctx->registry, facts->suggested_agency);
    if (agency == NULL || agency == check->sender) {
        return check_refuse(check, REFUSAL_FACT_INVALID,
                            "facts.suggested_agency: expected another agency of the registry");
    }
    return true;
}

static bool check_nothing(struct check *check)
{
    return check->result->refusal == REFUSAL_NONE;
}

/* What each outcome demands, and which feedback may have it. */
static const struct outcome_rule {
    enum message_kind kind;
    uint32_t body_fields;
    bool (*facts)(struct check *check);
} outcome_rules[OUTCOME_COUNT] = {
    [OUTCOME_GRANTED] = {MESSAGE_OUTBOUND_FEEDBACK, BODY_OFFICER, check_granted},
    [OUTCOME_PROCEDURE_REQUIRED] = {MESSAGE_OUTBOUND_FEEDBACK, BODY_OFFICER, check_procedure},
    [OUTCOME_NOT_ELIGIBLE] = {MESSAGE_OUTBOUND_FEEDBACK, BODY_OFFICER | BODY_REASONS,
                              check_nothing},
    [OUTCOME_NOT_MY_DUTY] = {MESSAGE_OUTBOUND_FEEDBACK, BODY_OFFICER | BODY_REASONS,
                             check_not_my_duty},
    [OUTCOME_SUITABLE] = {MESSAGE_INBOUND_FEEDBACK, BODY_OFFICER | BODY_OPINION, check_nothing},
    [OUTCOME_NOT_SUITABLE] = {MESSAGE_INBOUND_FEEDBACK, BODY_OFFICER | BODY_REASONS, check_nothing},
};

/* A part that belongs to another outcome contradicts this one. */
static bool check_foreign_parts(struct check *check)
{
    const struct feedback_facts *facts = &check->message->feedback;
    enum feedback_outcome outcome = facts->outcome;
    if (facts->measure_count != 0 && outcome != OUTCOME_GRANTED) {
        return check_refuse(check, REFUSAL_FACT_INVALID, "facts.measures: of \"granted\" only");
    }
    if (facts->document_count != 0 && outcome != OUTCOME_PROCEDURE_REQUIRED) {
        return check_refuse(check, REFUSAL_FACT_INVALID,
                            "facts.documents: of \"procedure-required\" only");
    }
    if (facts->tell_by != 0 && outcome != OUTCOME_PROCEDURE_REQUIRED) {
        return check_refuse(check, REFUSAL_FACT_INVALID,
                            "facts.tell_by: of \"procedure-required\" only");
    }
    if (facts->suggested_agency[0] != '\0' && outcome != OUTCOME_NOT_MY_DUTY) {
        return check_refuse(check, REFUSAL_FACT_INVALID,
                            "facts.suggested_agency: of \"not-my-duty\" only");
    }
    return true;
}

static bool check_feedback(struct check *check)
{
    const struct feedback_facts *facts = &check->message->feedback;
    if (facts->outcome == OUTCOME_NONE) {
        return check_refuse(check, REFUSAL_FACT_MISSING, "facts.outcome: expected an outcome");
    }
    if (facts->outcome < 0 || facts->outcome >= OUTCOME_COUNT ||
        outcome_rules[facts->outcome].kind != check->message->header.kind) {
        return check_refuse(check, REFUSAL_FACT_INVALID, "facts.outcome: no outcome of %s",
                            message_kind_name(check->message->header.kind));
    }
    if (facts->register_number[0] != '\0' &&
        !check_register_number(check, facts->register_number)) {
        return false;
    }
    return check_foreign_parts(check) && outcome_rules[facts->outcome].facts(check);
}

/* ---- the small kinds ---- */

static bool check_informed(struct check *check)
{
    if (check->message->informed.task != TASK_TELL_APPLICANT) {
        return check_refuse(check, REFUSAL_TASK_UNKNOWN, "facts.task: expected tell-applicant");
    }
    return check_word(check, VOCABULARY_HOW_TOLD, check->message->informed.how, "facts.how");
}

static bool check_papers(struct check *check)
{
    const struct papers_facts *facts = &check->message->papers;
    if (facts->document_count == 0) {
        return check_refuse(check, REFUSAL_FACT_MISSING, "facts.documents: expected which papers");
    }
    if (facts->document_count > LIMIT_DOCUMENTS) {
        return check_refuse(check, REFUSAL_FACT_INVALID, "facts.documents: expected at most %u",
                            LIMIT_DOCUMENTS);
    }
    for (size_t i = 0; i < facts->document_count; i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "facts.documents[%zu]", i);
        if (!check_word(check, VOCABULARY_DOCUMENT, facts->documents[i], path)) {
            return false;
        }
    }
    if (facts->received_ms == 0) {
        return check_refuse(check, REFUSAL_FACT_MISSING, "facts.received: expected when they came");
    }
    return true;
}

static bool check_withdrawal(struct check *check)
{
    if (check->message->withdrawal.reason == 0) {
        return check_refuse(check, REFUSAL_FACT_MISSING, "facts.reason: expected a reason");
    }
    return check_word(check, VOCABULARY_WITHDRAWAL, check->message->withdrawal.reason,
                      "facts.reason");
}

static bool check_delivery(struct check *check)
{
    const struct delivery_facts *facts = &check->message->delivery;
    if (facts->stream_seq == 0 || facts->lane > 3) {
        return check_refuse(check, REFUSAL_DELIVERY,
                            "facts.lane, facts.stream_seq: no such position");
    }
    if (uuid_is_zero(&check->message->header.refers_to)) {
        return check_refuse(check, REFUSAL_DELIVERY, "header.refers_to: expected the message's id");
    }
    return true;
}

static bool check_rejection(struct check *check)
{
    return check_delivery(check) &&
           check_word(check, VOCABULARY_REJECTION, check->message->delivery.reason, "facts.reason");
}

#define REFERRAL_BODY (BODY_OFFICER | BODY_PERSONS | BODY_CIRCUMSTANCES)

/* Of a referral's own life; the others are in check_matters.c. */
static const struct kind_rule kind_rules[MESSAGE_REJECTION + 1] = {
    [MESSAGE_OUTBOUND_REFERRAL] = {check_outbound, REFERRAL_BODY | BODY_REASONS, true, false},
    [MESSAGE_INBOUND_REFERRAL] = {check_inbound, REFERRAL_BODY | BODY_REASONS, true, false},
    [MESSAGE_SIGN_FOR] = {check_sign_for, BODY_OFFICER, true, false},
    [MESSAGE_OUTBOUND_FEEDBACK] = {check_feedback, 0, true, false},
    [MESSAGE_INBOUND_FEEDBACK] = {check_feedback, 0, true, false},
    [MESSAGE_APPLICANT_INFORMED] = {check_informed, BODY_TOLD, true, false},
    [MESSAGE_PAPERS] = {check_papers, BODY_OFFICER, true, false},
    [MESSAGE_WITHDRAWAL] = {check_withdrawal, BODY_OFFICER, true, false},
    [MESSAGE_DELIVERY] = {check_delivery, 0, false, false},
    [MESSAGE_REJECTION] = {check_rejection, 0, false, false},
};

static const struct kind_rule *rule_of(enum message_kind kind)
{
    const struct kind_rule *rule =
        kind <= MESSAGE_REJECTION ? &kind_rules[kind] : check_matter_rule(kind);
    assert(rule != NULL && rule->facts != NULL);
    return rule;
}

/* ---- the body ---- */

static const struct {
    uint32_t bit;
    const char *path;
} body_paths[] = {
    {BODY_PERSONS, "body.persons"},   {BODY_CIRCUMSTANCES, "body.circumstances"},
    {BODY_REASONS, "body.reasons"},   {BODY_ADVANCE_REASON, "body.advance_reason"},
    {BODY_OPINION, "body.opinion"},   {BODY_TEXT, "body.text"},
    {BODY_OUTCOMES, "body.outcomes"}, {BODY_TOLD, "body.told_whom, body.told_by"},
    {BODY_OFFICER, "body.officer"},   {BODY_ATTACHMENTS, "body.attachments"},
};

#define BODY_PATHS (sizeof(body_paths) / sizeof(body_paths[0]))

static uint32_t mandatory_fields(const struct message *message)
{
    enum message_kind kind = message->header.kind;
    bool feedback = kind == MESSAGE_OUTBOUND_FEEDBACK || kind == MESSAGE_INBOUND_FEEDBACK;
    return feedback ? outcome_rules[message->feedback.outcome].body_fields
                    : rule_of(kind)->body_fields;
}

static bool check_body_fields(struct check *check)
{
    const struct message *message = check->message;
    const struct kind_rule *rule = rule_of(message->header.kind);
    uint32_t missing = mandatory_fields(message) & ~message->body_fields;
    uint32_t known = 0;
    for (size_t i = 0; i < BODY_PATHS; i++) {
        known |= body_paths[i].bit;
        if ((missing & body_paths[i].bit) != 0) {
            return check_refuse(check, REFUSAL_FACT_MISSING, "%s: mandatory for %s",
                                body_paths[i].path, message_kind_name(message->header.kind));
        }
    }
    if ((message->body_fields & ~known) != 0) {
        return check_refuse(check, REFUSAL_FACT_INVALID, "facts.body_fields: an unknown bit");
    }
    if (rule->body != message->body_present || (!rule->body && message->body_fields != 0)) {
        return check_refuse(check, REFUSAL_SEALING, "body: %s has %s",
                            message_kind_name(message->header.kind),
                            rule->body ? "a sealed body" : "no body");
    }
    return true;
}

bool check_text_filled(const char *text)
{
    return text != NULL && text[0] != '\0';
}

uint32_t body_fields_of(const struct body *body)
{
    return (body->person_count != 0 ? BODY_PERSONS : 0u) |
           (check_text_filled(body->circumstances) ? BODY_CIRCUMSTANCES : 0u) |
           (check_text_filled(body->reasons) ? BODY_REASONS : 0u) |
           (check_text_filled(body->advance_reason) ? BODY_ADVANCE_REASON : 0u) |
           (check_text_filled(body->opinion) ? BODY_OPINION : 0u) |
           (check_text_filled(body->text) ? BODY_TEXT : 0u) |
           (body->outcome_count != 0 ? BODY_OUTCOMES : 0u) |
           (check_text_filled(body->told_whom) && check_text_filled(body->told_by) ? BODY_TOLD
                                                                                   : 0u) |
           (check_text_filled(body->officer) ? BODY_OFFICER : 0u) |
           (body->attachment_count != 0 ? BODY_ATTACHMENTS : 0u);
}

static bool check_person(struct check *check, const struct body_person *person, size_t index)
{
    if (!check_text_filled(person->name)) {
        return check_reject(check, REJECTION_MISSING, REFUSAL_FACT_MISSING,
                            "body.persons[%zu].name: expected a name", index);
    }
    if (check_text_filled(person->identity_number) && !identity_valid(person->identity_number)) {
        return check_reject(check, REJECTION_IDENTITY, REFUSAL_FACT_INVALID,
                            "body.persons[%zu].identity_number: not a number of GB 11643", index);
    }
    bool words =
        (person->relation == 0 || vocabulary_find(VOCABULARY_RELATION, person->relation) != NULL) &&
        (person->may_be_told == 0 ||
         vocabulary_find(VOCABULARY_MAY_BE_TOLD, person->may_be_told) != NULL) &&
        (person->priority_groups & ~vocabulary_mask(VOCABULARY_PRIORITY_GROUP)) == 0 &&
        (person->needs & ~vocabulary_mask(VOCABULARY_NEED)) == 0;
    if (!words) {
        return check_reject(check, REJECTION_CONTRADICTS, REFUSAL_FACT_INVALID,
                            "body.persons[%zu]: holds an unknown word", index);
    }
    return true;
}

static bool check_outcomes(struct check *check, const struct body *body)
{
    for (size_t i = 0; i < body->outcome_count; i++) {
        if (body->outcomes[i].person_index >= LIMIT_PERSONS ||
            vocabulary_find(VOCABULARY_OUTCOME, body->outcomes[i].outcome) == NULL) {
            return check_reject(check, REJECTION_CONTRADICTS, REFUSAL_FACT_INVALID,
                                "body.outcomes: no such person or outcome");
        }
    }
    return true;
}

/* Body against header and facts: nobody can take a body and sign it anew under another header. */
static bool check_body(struct check *check, const struct body *body)
{
    const struct message *message = check->message;
    const struct message_header *header = &message->header;
    bool same = strcmp(body->sender, header->sender) == 0 &&
                strcmp(body->recipient, header->recipient) == 0 &&
                uuid_equal(&body->message_id, &header->message_id) &&
                uuid_equal(&body->case_id, &header->case_id);
    if (!same) {
        return check_reject(
            check, REJECTION_CONTRADICTS, REFUSAL_FACT_INVALID,
            "body.sender, .recipient, .message_id, .case_id: not those of the header");
    }
    uint32_t fields = body_fields_of(body);
    uint32_t missing = mandatory_fields(message) & ~fields;
    for (size_t i = 0; i < BODY_PATHS; i++) {
        if ((missing & body_paths[i].bit) != 0) {
            return check_reject(check, REJECTION_MISSING, REFUSAL_FACT_MISSING, "%s",
                                body_paths[i].path);
        }
    }
    if (fields != message->body_fields) {
        return check_reject(check, REJECTION_CONTRADICTS, REFUSAL_FACT_INVALID,
                            "facts.body_fields: not what the body holds");
    }
    bool referral =
        header->kind == MESSAGE_OUTBOUND_REFERRAL || header->kind == MESSAGE_INBOUND_REFERRAL;
    bool roster = header->kind == MESSAGE_ROSTER || header->kind == MESSAGE_ROSTER_CHANGE;
    if (referral && body->person_count != message->referral.person_count) {
        return check_reject(check, REJECTION_CONTRADICTS, REFUSAL_FACT_INVALID,
                            "facts.person_count: not the number of body.persons");
    }
    for (size_t i = 0; i < body->person_count; i++) {
        if (!check_person(check, &body->persons[i], i)) {
            return false;
        }
    }
    return check_outcomes(check, body) && check_attachments(check, body) &&
           (!referral || check_minor_body(check, body)) &&
           (!roster || check_roster_body(check, body));
}

void message_check(const struct check_context *ctx, const struct message *message,
                   const struct body *body, struct check_result *ret_result)
{
    struct check check = {.ctx = ctx, .message = message, .result = ret_result};
    memset(ret_result, 0, sizeof(*ret_result));
    if (!check_header(&check)) {
        return;
    }
    const struct kind_rule *rule = rule_of(message->header.kind);
    if (check_addressees(&check, rule->several) && rule->facts(&check) && check_attached(&check) &&
        check_body_fields(&check) && body != NULL) {
        (void)check_body(&check, body);
    }
}
