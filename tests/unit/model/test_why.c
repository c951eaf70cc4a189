/* lib/model/why: every refusal of a message has a rule, an article and what would be accepted; what
 * a code leaves open, the kind and the field say. The rules are asked with the details that the
 * checks and decisions really write. */
#include "decide_support.h"
#include "model/why.h"

static const struct why *why_of(enum refusal refusal, enum message_kind kind, const char *detail)
{
    const struct why_refused refused = {.refusal = refusal, .kind = kind, .detail = detail};
    return why_refusal(&refused);
}

START_TEST(every_refusal_of_a_message_has_a_rule_of_its_own)
{
    const struct why *transport = why_of(REFUSAL_SIGNATURE, MESSAGE_NONE, "");
    for (int code = REFUSAL_PAYLOAD; refusal_recorded((enum refusal)code); code++) {
        const struct why *why = why_of((enum refusal)code, MESSAGE_NONE, "");
        ck_assert_msg(why != transport, "%s", refusal_name((enum refusal)code));
    }
    ck_assert_str_eq(transport->rule, "d.transport");
    ck_assert(!refusal_recorded((enum refusal)(REFUSAL_ATTACHMENT + 1)));
}
END_TEST

/* "art-N.words" comes with an article, "d.words" with the sign of a default. */
START_TEST(rules_are_named_after_their_article)
{
    for (size_t i = 0; i < why_count(); i++) {
        const struct why *why = why_at(i);
        bool ours = strncmp(why->rule, "d.", 2) == 0;
        ck_assert_msg(ours == (strcmp(why->article, "(d)") == 0), "%s", why->rule);
        ck_assert_str_ne(why->accepted, "");
        ck_assert_str_ne(why->accepted_zh, "");
        if (!ours) {
            unsigned article = 0;
            char dot = '\0';
            char number[16];
            ck_assert_int_eq(sscanf(why->rule, "art-%u%c", &article, &dot), 2);
            ck_assert_int_eq(dot, '.');
            (void)snprintf(number, sizeof(number), "%u", article);
            ck_assert_msg(article >= 1 && article <= 22 && strstr(why->article, number) != NULL,
                          "%s: %s", why->rule, why->article);
        }
        for (size_t j = 0; j < i; j++) { /* a rule has one article, whoever names it */
            bool same = strcmp(why_at(j)->rule, why->rule) == 0;
            ck_assert(!same || strcmp(why_at(j)->article, why->article) == 0);
        }
    }
}
END_TEST

/* ---- as really refused ---- */

static void spoil_ground(struct message *message)
{
    message->referral.ground = 0;
}

static void spoil_materials(struct message *message)
{
    message->referral.material_count = 2;
}

static void spoil_advance(struct message *message)
{
    message->referral.advance = true;
}

static void spoil_officer(struct message *message)
{
    message->body_fields &= ~(uint32_t)BODY_OFFICER;
}

static void spoil_recipient(struct message *message)
{
    SET(message->header.recipient, "court");
}

static void spoil_told(struct message *message)
{
    message->referral.told = 1;
}

static void spoil_lead(struct message *message)
{
    message->referral.lead_channel = 999;
}

static void spoil_link(struct message *message)
{
    message->referral.link = LINK_SUPPLEMENT;
}

static const struct {
    bool inbound;
    void (*spoil)(struct message *message);
    const char *rule;
} real_rows[] = {
    {false, spoil_ground, "art-4.ground"},
    {true, spoil_ground, "art-10.ground"},
    {false, spoil_materials, "art-7.materials"},
    {false, spoil_advance, "art-8.advance-reason"},
    {true, spoil_advance, "art-8.advance-is-outbound"},
    {false, spoil_officer, "art-13.officer"},
    {false, spoil_recipient, "art-15.to-a-party"},
    {false, spoil_told, "art-10.relation-is-inbound"},
    {false, spoil_lead, "d.words"},
    {false, spoil_link, "art-6.trail"},
};

START_TEST(what_is_refused_names_its_rule)
{
    struct city city;
    city_open(&city, 2026, false);
    struct message message = real_rows[_i].inbound ? inbound_referral() : outbound_referral();
    real_rows[_i].spoil(&message);
    ck_assert_int_ne(city_send(&city, &message), REFUSAL_NONE);
    const struct why *why =
        why_of(city.decision->refusal, message.header.kind, city.decision->detail);
    ck_assert_msg(strcmp(why->rule, real_rows[_i].rule) == 0, "%s: %s", city.decision->detail,
                  why->rule);
    city_close(&city);
}
END_TEST

static const struct {
    enum feedback_outcome outcome;
    uint32_t field;
    const char *rule;
} part_rows[] = {
    {OUTCOME_SUITABLE, BODY_OPINION, "art-11.opinion-mandatory"},
    {OUTCOME_NOT_SUITABLE, BODY_REASONS, "art-11.reason-mandatory"},
    {OUTCOME_NOT_ELIGIBLE, BODY_REASONS, "art-9.reason-mandatory"},
    {OUTCOME_GRANTED, 0, "art-9.granted-names-measures"},
    {OUTCOME_PROCEDURE_REQUIRED, 0, "art-9.procedure-names-papers"},
    {OUTCOME_NOT_MY_DUTY, 0, "art-6.not-my-duty-suggests"},
};

/* A part of the outcome is left out: a field of the body, or else its facts. */
START_TEST(parts_of_an_outcome_name_their_rule)
{
    struct city city;
    struct check_result result;
    city_open(&city, 2026, false);
    struct message message = feedback(part_rows[_i].outcome);
    struct check_context ctx = {.policy = city.policy, .registry = city.registry};
    message.body_fields &= ~part_rows[_i].field;
    if (part_rows[_i].field == 0) {
        message.feedback.measure_count = 0;
        message.feedback.document_count = 0;
        message.feedback.suggested_agency[0] = '\0';
    }
    message_check(&ctx, &message, NULL, &result);
    ck_assert_int_eq(result.refusal, REFUSAL_FACT_MISSING);
    const struct why *why = why_of(result.refusal, message.header.kind, result.detail);
    ck_assert_msg(strcmp(why->rule, part_rows[_i].rule) == 0, "%s: %s", result.detail, why->rule);
    city_close(&city);
}
END_TEST

START_TEST(the_policy_names_its_line)
{
    static const char text[] = "may-send:\n"
                               "  - {kind: outbound-referral, from: P, to: health, allow: false}\n"
                               "  - {kind: outbound-referral, from: P, to: S}\n"
                               "materials: {outbound-referral: [], inbound-referral: []}\n";
    struct registry *registry = shipped_registry();
    struct policy *policy = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(policy_read("p.yaml", span_text(text), registry, &policy, &fault), OK);
    const struct agency *p = registry_find(registry, "procuratorate");
    const struct agency *health = registry_find(registry, "health");
    ck_assert_uint_eq(why_policy_line(policy, MESSAGE_OUTBOUND_REFERRAL, p, health), 2);
    ck_assert_uint_eq(why_policy_line(policy, MESSAGE_OUTBOUND_REFERRAL, health, p), 0);
    ck_assert_str_eq(why_of(REFUSAL_POLICY, MESSAGE_OUTBOUND_REFERRAL, "")->rule,
                     "art-6.procuratorate-refers");
    ck_assert_str_eq(why_of(REFUSAL_POLICY, MESSAGE_LETTER, "")->rule, "d.may-send");
    policy_free(policy);
    registry_free(registry);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("why");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, every_refusal_of_a_message_has_a_rule_of_its_own);
    tcase_add_test(cases, rules_are_named_after_their_article);
    tcase_add_loop_test(cases, what_is_refused_names_its_rule, 0, (int)COUNT_OF(real_rows));
    tcase_add_loop_test(cases, parts_of_an_outcome_name_their_rule, 0, (int)COUNT_OF(part_rows));
    tcase_add_test(cases, the_policy_names_its_line);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
