/* The shipped registry and policy, and messages that the rules accept, for the suites of this
 * folder: each test spoils one thing. Tests run in the root of the tree; single-threaded. */
#ifndef REFERRAL_TESTS_MODEL_SUPPORT_H
#define REFERRAL_TESTS_MODEL_SUPPORT_H

#include <check.h>
#include <string.h>

#include "crypto_start.h"
#include "../suite.h"
#include "model/decide.h"
#include "model/vocabulary.h"
#include "shipped_calendar.h"

static inline void shipped_text(const char *path, struct buf *text)
{
    struct fault fault = {.code = ""};
    ck_assert_int_eq(crypto_start(), OK);
    buf_init(text, LIMIT_CONFIG_BYTES);
    ck_assert_msg(file_read(path, text, &fault) == OK, "%s: %s", path, fault.message);
}

static inline struct registry *shipped_registry(void)
{
    struct registry *registry = NULL;
    struct fault fault = {.code = ""};
    struct buf text;
    shipped_text("config/agencies.yaml", &text);
    ck_assert_msg(registry_read("agencies.yaml", span_buf(&text), &registry, &fault) == OK,
                  "%s: %s", fault.place, fault.message);
    buf_free(&text);
    return registry;
}

static inline struct policy *shipped_policy(const struct registry *registry)
{
    struct policy *policy = NULL;
    struct fault fault = {.code = ""};
    struct buf text;
    shipped_text("config/policy.yaml", &text);
    ck_assert_msg(policy_read("policy.yaml", span_buf(&text), registry, &policy, &fault) == OK,
                  "%s: %s", fault.place, fault.message);
    buf_free(&text);
    return policy;
}

/* A UUID of version 7 that differs by `n`. */
static inline struct uuid id_of(uint8_t n)
{
    uint8_t random[10] = {n, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    return uuid_v7(UINT64_C(1772000000000), random);
}

static inline void set_text(char *to, size_t size, const char *text)
{
    ck_assert_uint_lt(strlen(text), size);
    memcpy(to, text, strlen(text) + 1);
}

#define SET(member, text) set_text(member, sizeof(member), text)

/* All that Art. 7 wants. */
static const struct material all_materials[] = {
    {.kind = 1, .digest = {{1}}, .sealed_bytes = 10},
    {.kind = 2, .digest = {{2}}, .sealed_bytes = 10},
    {.kind = 3, .digest = {{3}}, .sealed_bytes = 10},
    {.kind = 4, .missing_reason = 1},
    {.kind = 5, .digest = {{5}}, .sealed_bytes = 10},
};
static const struct measure one_measure[] = {
    {.measure = 11, .shape = SHAPE_MONEY, .amount_fen = 120000, .unit = 1}};
static const struct document one_document[] = {{.kind = 1, .supplier = ""}};
static const uint32_t one_paper[] = {1};

/* A right message of each kind between the procuratorate and education, about JZ-2026-0031-01, or
 * FL-2026-0003-01 between the women's federation and the procuratorate. */
static inline struct message message_of(enum message_kind kind, const char *from, const char *to)
{
    struct message message;
    memset(&message, 0, sizeof(message));
    bool inbound = strcmp(from, "womens-federation") == 0 || strcmp(to, "womens-federation") == 0;
    struct message_header *header = &message.header;
    header->version = 1;
    header->suite = crypto_suite();
    header->kind = kind;
    header->message_id = id_of((uint8_t)(10 + (int)kind));
    header->case_id = id_of(1);
    header->referral_id = id_of(2);
    header->created_ms = UINT64_C(1772000000000);
    SET(header->sender, from);
    SET(header->recipient, to);
    SET(header->case_number, inbound ? "FL-2026-0003" : "JZ-2026-0031");
    SET(header->referral_number, inbound ? "FL-2026-0003-01" : "JZ-2026-0031-01");
    message.body_present = kind != MESSAGE_DELIVERY && kind != MESSAGE_REJECTION;
    message.body_fields = message.body_present ? BODY_OFFICER : 0;
    return message;
}

static inline struct message outbound_referral(void)
{
    struct message message = message_of(MESSAGE_OUTBOUND_REFERRAL, "procuratorate", "education");
    message.body_fields |= BODY_PERSONS | BODY_CIRCUMSTANCES | BODY_REASONS;
    message.referral.ground = 401;
    message.referral.needs = UINT64_C(1) << 1;
    message.referral.materials = all_materials;
    message.referral.material_count = COUNT_OF(all_materials);
    message.referral.person_count = 1;
    return message;
}

static inline struct message inbound_referral(void)
{
    struct message message =
        message_of(MESSAGE_INBOUND_REFERRAL, "womens-federation", "procuratorate");
    message.body_fields |= BODY_PERSONS | BODY_CIRCUMSTANCES | BODY_REASONS;
    message.referral.ground = 402;
    message.referral.person_count = 1;
    message.referral.told = 1;
    return message;
}

static inline struct message sign_for(void)
{
    struct message message = message_of(MESSAGE_SIGN_FOR, "education", "procuratorate");
    SET(message.sign_for.register_number, "JY-DJ-2026-0001");
    return message;
}

/* With every mandatory part of the outcome. */
static inline struct message feedback(enum feedback_outcome outcome)
{
    bool inbound = outcome == OUTCOME_SUITABLE || outcome == OUTCOME_NOT_SUITABLE;
    struct message message =
        inbound ? message_of(MESSAGE_INBOUND_FEEDBACK, "procuratorate", "womens-federation")
                : message_of(MESSAGE_OUTBOUND_FEEDBACK, "education", "procuratorate");
    struct feedback_facts *facts = &message.feedback;
    facts->outcome = outcome;
    SET(facts->register_number, inbound ? "JZ-DJ-2026-0001" : "JY-DJ-2026-0001");
    if (outcome == OUTCOME_GRANTED) {
        facts->measures = one_measure;
        facts->measure_count = 1;
    } else if (outcome == OUTCOME_PROCEDURE_REQUIRED) {
        facts->documents = one_document;
        facts->document_count = 1;
        facts->tell_by = TELL_BY_PROCURATORATE;
    } else if (outcome == OUTCOME_NOT_MY_DUTY) {
        SET(facts->suggested_agency, "civil-affairs");
    }
    message.body_fields |= outcome == OUTCOME_SUITABLE ? BODY_OPINION : BODY_REASONS;
    return message;
}

static inline struct message informed(const char *from, const char *to)
{
    struct message message = message_of(MESSAGE_APPLICANT_INFORMED, from, to);
    message.informed.task = TASK_TELL_APPLICANT;
    message.informed.how = 1;
    message.body_fields |= BODY_TOLD;
    return message;
}

static inline struct message papers(const char *from, const char *to)
{
    struct message message = message_of(MESSAGE_PAPERS, from, to);
    message.papers.documents = one_paper;
    message.papers.document_count = 1;
    message.papers.received_ms = UINT64_C(1772000000000);
    return message;
}

static inline struct message withdrawal(void)
{
    struct message message = message_of(MESSAGE_WITHDRAWAL, "procuratorate", "education");
    message.withdrawal.reason = 1;
    return message;
}

/* A receipt or rejection of `about` by the agency that has it. */
static inline struct message receipt(enum message_kind kind, const struct message *about)
{
    struct message message = message_of(kind, about->header.recipient, about->header.sender);
    message.header.message_id = id_of((uint8_t)(100 + (int)about->header.kind + (int)kind));
    message.header.case_id = about->header.case_id;
    message.header.referral_id = about->header.referral_id;
    message.header.refers_to = about->header.message_id;
    message.delivery.stream_seq = 1;
    message.delivery.leaf_index = 7;
    message.delivery.leaf_hash = (struct digest){{9}};
    message.delivery.received_ms = UINT64_C(1772000000001);
    message.delivery.reason = kind == MESSAGE_REJECTION ? REJECTION_IDENTITY : 0;
    return message;
}

#endif
