/* lib/model/policy: the shipped file is the domain's defaults, what a file changes it changes, and
 * every way in which it can be wrong has its place. */
#include "model_support.h"

#define LISTS "materials: {outbound-referral: [], inbound-referral: []}\n"
#define SEND  "may-send: []\n"

static const struct {
    const char *text;
    const char *place;
    const char *code;
} wrong_rows[] = {
    {"may-send: []\n", "p.yaml:1:", NULL},
    {LISTS, "p.yaml:1:", NULL},
    {"may-sent: []\n" LISTS, "p.yaml:1:", NULL},
    {"may-send: all\n" LISTS, "p.yaml:1:", "policy.may-send"},
    {"may-send:\n - {kind: letter, from: P, to: S}\n" LISTS, "p.yaml:2:", "policy.kind"},
    {"may-send:\n - {kind: reminder, from: P, to: S}\n" LISTS, "p.yaml:2:", "policy.kind"},
    {"may-send:\n - {kind: papers, from: Q, to: S}\n" LISTS, "p.yaml:2:", "policy.party"},
    {"may-send:\n - {kind: papers, from: P, to: court}\n" LISTS, "p.yaml:2:", "policy.party"},
    {"may-send:\n - {kind: papers, from: P}\n" LISTS, "p.yaml:2:", NULL},
    {SEND "clocks: {feedback-outbound: 0}\n" LISTS, "p.yaml:2:", NULL},
    {SEND "clocks: {feedback-outbound: 401}\n" LISTS, "p.yaml:2:", NULL},
    {SEND "clocks: {unsigned: 3}\n" LISTS, "p.yaml:2:", NULL},
    {SEND "rungs:\n  due-9: {offset: 1, to: [office]}\n" LISTS, "p.yaml:3:", "policy.rung"},
    {SEND "rungs:\n  due-3.4: {offset: 1, to: [office]}\n" LISTS, "p.yaml:3:", "policy.rung"},
    {SEND "rungs:\n  due-1: {offset: one, to: [office]}\n" LISTS, "p.yaml:3:", "policy.offset"},
    {SEND "rungs:\n  due-1: {offset: 500, to: [office]}\n" LISTS, "p.yaml:3:", "policy.offset"},
    {SEND "rungs:\n  due-1: {offset: 0, to: []}\n" LISTS, "p.yaml:3:", "policy.to"},
    {SEND "rungs:\n  due-1: {offset: 0, to: [mayor]}\n" LISTS, "p.yaml:3:", "policy.to"},
    {SEND "rungs:\n  due-1: {offset: 0, every: 2, to: [office]}\n" LISTS,
     "p.yaml:3:", "policy.every"},
    {SEND "rungs:\n  due-1: {offset: 4, to: [office]}\n" LISTS, "p.yaml:", "policy.ladder"},
    {SEND "materials: {outbound-referral: []}\n", "p.yaml:2:", NULL},
    {SEND "materials:\n  outbound-referral: [{kind: letter}]\n  inbound-referral: []\n",
     "p.yaml:3:", "policy.material"},
    {SEND LISTS "outage-grace: 2\n", "p.yaml:3:", NULL},
    {SEND LISTS "clock-confirm-agencies: 0\n", "p.yaml:3:", NULL},
};

START_TEST(wrong_policies_are_refused_with_their_place)
{
    struct registry *registry = shipped_registry();
    struct policy *policy = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(
        policy_read("p.yaml", span_text(wrong_rows[_i].text), registry, &policy, &fault),
        ERR_INVALID);
    ck_assert_ptr_null(policy);
    ck_assert_msg(strncmp(fault.place, wrong_rows[_i].place, strlen(wrong_rows[_i].place)) == 0,
                  "%s: %s: %s", fault.place, fault.code, fault.message);
    if (wrong_rows[_i].code != NULL) {
        ck_assert_str_eq(fault.code, wrong_rows[_i].code);
    }
    registry_free(registry);
}
END_TEST

START_TEST(the_shipped_file_is_the_default_ladder)
{
    struct registry *registry = shipped_registry();
    struct policy *policy = shipped_policy(registry);
    const struct ladder *ladder = ladder_default();
    for (size_t kind = 0; kind < CLOCK_KIND_COUNT; kind++) {
        ck_assert_uint_eq(policy->ladder.days[kind], ladder->days[kind]);
    }
    for (size_t rung = 0; rung < RUNG_COUNT; rung++) {
        ck_assert_int_eq(policy->ladder.rungs[rung].offset, ladder->rungs[rung].offset);
        ck_assert_uint_eq(policy->ladder.rungs[rung].targets, ladder->rungs[rung].targets);
    }
    ck_assert_uint_eq(policy->claimed_grace_ms, 600000);
    ck_assert_uint_eq(policy->clock_jump_ms, 300000);
    ck_assert_uint_eq(policy->clock_confirm_agencies, 3);
    policy_free(policy);
    registry_free(registry);
}
END_TEST

/* By class: who may send a kind, as the agreement says. Everything else is refused. */
START_TEST(the_matrix_by_class)
{
    struct registry *registry = shipped_registry();
    struct policy *policy = shipped_policy(registry);
    const struct agency *p = registry_find(registry, "procuratorate");
    const struct agency *s = registry_find(registry, "education");
    const struct agency *other = registry_find(registry, "justice");
    struct agency associate = {.id = "township", .class = CLASS_ASSOCIATE};
    for (int i = 0; i < 64; i++) {
        enum message_kind kind = (enum message_kind)i;
        bool agency = message_kind_from_agency(kind);
        bool p_only = kind == MESSAGE_OUTBOUND_REFERRAL || kind == MESSAGE_INBOUND_FEEDBACK;
        bool s_only = kind == MESSAGE_INBOUND_REFERRAL || kind == MESSAGE_OUTBOUND_FEEDBACK;
        ck_assert_int_eq(policy_may_send(policy, kind, p, s), agency && !s_only);
        ck_assert_int_eq(policy_may_send(policy, kind, s, p), agency && !p_only);
        ck_assert(!policy_may_send(policy, kind, s, other));
        ck_assert(!policy_may_send(policy, kind, p, &associate));
        ck_assert(!policy_may_send(policy, kind, &associate, p));
    }
    size_t count = 0;
    const struct policy_material *list =
        policy_materials(policy, MESSAGE_OUTBOUND_REFERRAL, &count);
    unsigned mandatory = 0;
    for (size_t i = 0; i < count; i++) {
        mandatory += list[i].mandatory ? 1 : 0;
    }
    ck_assert_uint_eq(mandatory, 5);
    policy_free(policy);
    registry_free(registry);
}
END_TEST

START_TEST(the_first_row_that_fits_decides)
{
    static const char text[] =
        "may-send:\n"
        "  - {kind: outbound-referral, from: education, to: justice, copy-office: true}\n"
        "  - {kind: outbound-referral, from: P, to: health, allow: false}\n"
        "  - {kind: outbound-referral, from: P, to: S}\n"
        "clocks: {feedback-outbound: 15}\n"
        "rungs:\n  due-3: {offset: 8, every: 4, to: [office, agenda]}\n" LISTS;
    struct registry *registry = shipped_registry();
    struct policy *policy = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(policy_read("p.yaml", span_text(text), registry, &policy, &fault), OK);
    const struct agency *p = registry_find(registry, "procuratorate");
    const struct agency *education = registry_find(registry, "education");
    const struct agency *justice = registry_find(registry, "justice");
    const struct policy_rule *rule =
        policy_find(policy, MESSAGE_OUTBOUND_REFERRAL, education, justice);
    ck_assert(rule != NULL && rule->allow && rule->copy_office && rule->line == 2);
    ck_assert(!policy_may_send(policy, MESSAGE_OUTBOUND_REFERRAL, justice, education));
    ck_assert(
        !policy_may_send(policy, MESSAGE_OUTBOUND_REFERRAL, p, registry_find(registry, "health")));
    ck_assert(policy_may_send(policy, MESSAGE_OUTBOUND_REFERRAL, p, education));
    ck_assert_ptr_null(policy_find(policy, MESSAGE_WITHDRAWAL, p, education));
    ck_assert_uint_eq(policy->ladder.days[CLOCK_FEEDBACK_OUTBOUND], 15);
    ck_assert_uint_eq(policy->ladder.days[CLOCK_FEEDBACK_INBOUND], 10);
    ck_assert_int_eq(policy->ladder.rungs[RUNG_DUE_3].offset, 8);
    ck_assert_int_eq(policy->ladder.rungs[RUNG_DUE_3_LAST].offset, 88);
    ck_assert_uint_eq(policy->ladder.rungs[RUNG_DUE_3_LAST].targets, TARGET_OFFICE | TARGET_AGENDA);
    policy_free(policy);
    policy_free(NULL);
    registry_free(registry);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy");
    TCase *cases = tcase_create("all");
    tcase_add_loop_test(cases, wrong_policies_are_refused_with_their_place, 0,
                        (int)COUNT_OF(wrong_rows));
    tcase_add_test(cases, the_shipped_file_is_the_default_ladder);
    tcase_add_test(cases, the_matrix_by_class);
    tcase_add_test(cases, the_first_row_that_fits_decides);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
