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
    {"may-send:\n - {kind: parcel, from: P, to: S}\n" LISTS, "p.yaml:2:", "policy.kind"},
    {"may-send:\n - {kind: reminder, from: P, to: S}\n" LISTS, "p.yaml:2:", "policy.kind"},
    {"may-send:\n - {kind: papers, from: Q, to: S}\n" LISTS, "p.yaml:2:", "policy.party"},
    {"may-send:\n - {kind: papers, from: P, to: court}\n" LISTS, "p.yaml:2:", "policy.party"},
    {"may-send:\n - {kind: papers, from: P}\n" LISTS, "p.yaml:2:", NULL},
    {SEND "clocks: {feedback-outbound: 0}\n" LISTS, "p.yaml:2:", NULL},
    {SEND "clocks: {feedback-outbound: 401}\n" LISTS, "p.yaml:2:", NULL},
    {SEND "clocks: {unsigned: 3}\n" LISTS, "p.yaml:2:", NULL},
    {SEND "attachments: sometimes\n" LISTS, "p.yaml:2:", "policy.attachments"},
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
    {SEND LISTS "hop-limit: 101\n", "p.yaml:3:12", NULL},
    {SEND LISTS "hop-limit: -1\n", "p.yaml:3:12", NULL},
    {SEND LISTS "case-limit: 0\n", "p.yaml:3:13", NULL},
    {SEND LISTS "case-limit: 1001\n", "p.yaml:3:13", NULL},
    {SEND LISTS "follow-up-days: 0\n", "p.yaml:3:17", NULL},
    {SEND LISTS "follow-up-minor-days: ten\n", "p.yaml:3:23", NULL},
    {SEND LISTS "follow-up-reports: 0\n", "p.yaml:3:20", NULL},
    {SEND LISTS "follow-up-minor-reports: 0\n", "p.yaml:3:26", NULL},
    {SEND LISTS "retention-years: 0\n", "p.yaml:3:18", NULL},
    {SEND LISTS "minors: {over-limit: false}\n", "p.yaml:3:10", NULL},
    {SEND LISTS "minors: {need: perhaps}\n", "p.yaml:3:16", NULL},
    {SEND LISTS "names: [due-1]\n", "p.yaml:3:8", "policy.names"},
    {SEND LISTS "names:\n  due-4: {zh: 甲, en: a}\n", "p.yaml:4:3", "policy.rung"},
    {SEND LISTS "names:\n  due-3.1: {zh: 甲, en: a}\n", "p.yaml:4:3", "policy.rung"},
    {SEND LISTS "names:\n  due-1: {zh: 甲}\n", "p.yaml:4:", NULL},
    {SEND LISTS "names:\n  due-1: {zh: 甲, en: a, mn: b}\n", "p.yaml:4:", NULL},
    {SEND LISTS "suggest: [health]\n", "p.yaml:3:10", "policy.suggest"},
    {SEND LISTS "suggest:\n  urgent-treatmint: [health]\n", "p.yaml:4:3", "policy.need"},
    {SEND LISTS "suggest:\n  urgent-treatment: health\n", "p.yaml:4:", "policy.suggest"},
    {SEND LISTS "suggest:\n  urgent-treatment: []\n", "p.yaml:4:", "policy.suggest"},
    {SEND LISTS "suggest:\n  urgent-treatment: [health, court]\n", "p.yaml:4:30", "policy.suggest"},
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
    ck_assert_uint_eq(policy->hop_limit, 3);
    ck_assert_uint_eq(policy->case_limit, 256);
    ck_assert_uint_eq(policy->follow_up_days, 120);
    ck_assert_uint_eq(policy->follow_up_minor_days, 60);
    ck_assert_uint_eq(policy->follow_up_reports, 1);
    ck_assert_uint_eq(policy->follow_up_minor_reports, 2);
    ck_assert(policy->minor_guardian && policy->minor_need);
    policy_free(policy);
    registry_free(registry);
}
END_TEST

/* By class: who may send a kind, as the agreement says. Everything else is refused. */
#define P_TO_S 1u
#define S_TO_P 2u
#define S_TO_S 4u
#define P_TO_P 8u
#define BOTH   (P_TO_S | S_TO_P) /* the parties of a referral */
#define FROM_P (P_TO_S | P_TO_P)
#define ANY    (BOTH | S_TO_S | P_TO_P)

static const unsigned matrix[64] = {
    [MESSAGE_OUTBOUND_REFERRAL] = P_TO_S,
    [MESSAGE_INBOUND_REFERRAL] = S_TO_P,
    [MESSAGE_SIGN_FOR] = BOTH,
    [MESSAGE_OUTBOUND_FEEDBACK] = S_TO_P,
    [MESSAGE_INBOUND_FEEDBACK] = P_TO_S,
    [MESSAGE_APPLICANT_INFORMED] = BOTH,
    [MESSAGE_PAPERS] = BOTH,
    [MESSAGE_WITHDRAWAL] = BOTH,
    [MESSAGE_DELIVERY] = ANY,
    [MESSAGE_REJECTION] = ANY,
    [MESSAGE_INFORMATION_REQUEST] = BOTH,
    [MESSAGE_INFORMATION_REPLY] = BOTH,
    [MESSAGE_ASSISTANCE_REPORT] = BOTH,
    [MESSAGE_ESCALATION_REPLY] = ANY,
    [MESSAGE_ARCHIVE] = FROM_P,
    [MESSAGE_REOPEN] = FROM_P,
    [MESSAGE_FOLLOW_UP_PLAN] = FROM_P,
    [MESSAGE_FOLLOW_UP_REPORT] = FROM_P,
    [MESSAGE_CONSULTATION] = ANY,
    [MESSAGE_CONFERENCE] = ANY,
    [MESSAGE_PROMISE_REPORT] = ANY,
    [MESSAGE_MEETING_NOTICE] = ANY,
    [MESSAGE_MEETING_REPLY] = ANY,
    [MESSAGE_HEARING_INVITATION] = FROM_P,
    [MESSAGE_HEARING_REPLY] = S_TO_P | P_TO_P,
    [MESSAGE_HEARING_OPINION] = FROM_P,
    [MESSAGE_ROSTER_CHANGE] = ANY,
    [MESSAGE_ROSTER] = ANY,
    [MESSAGE_FUND_PLAN] = FROM_P,
    [MESSAGE_FUND_PAYMENT] = FROM_P,
    [MESSAGE_LETTER] = BOTH | P_TO_P,
    [MESSAGE_LETTER_ANSWER] = BOTH | P_TO_P,
    [MESSAGE_CORRECTION] = BOTH,
};

START_TEST(the_matrix_by_class)
{
    struct registry *registry = shipped_registry();
    struct policy *policy = shipped_policy(registry);
    const struct agency *p = registry_find(registry, "procuratorate");
    const struct agency *s = registry_find(registry, "education");
    const struct agency *other = registry_find(registry, "justice");
    struct agency banner = {.id = "banner-procuratorate", .class = CLASS_PROCURATORATE};
    struct agency associate = {.id = "township", .class = CLASS_ASSOCIATE};
    for (int i = 0; i < 64; i++) {
        enum message_kind kind = (enum message_kind)i;
        ck_assert_int_eq(policy_may_send(policy, kind, p, s), (matrix[i] & P_TO_S) != 0);
        ck_assert_int_eq(policy_may_send(policy, kind, s, p), (matrix[i] & S_TO_P) != 0);
        ck_assert_int_eq(policy_may_send(policy, kind, s, other), (matrix[i] & S_TO_S) != 0);
        ck_assert_int_eq(policy_may_send(policy, kind, p, &banner), (matrix[i] & P_TO_P) != 0);
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

/* ---- what a city says, and what holds where it says nothing ---- */

static struct policy *policy_of(const struct registry *registry, const char *text)
{
    struct policy *policy = NULL;
    struct fault fault = {.code = ""};
    ck_assert_msg(policy_read("p.yaml", span_text(text), registry, &policy, &fault) == OK, "%s: %s",
                  fault.place, fault.message);
    return policy;
}

START_TEST(what_a_file_leaves_out_is_as_in_the_shipped_one)
{
    struct registry *registry = shipped_registry();
    struct policy *shipped = shipped_policy(registry);
    struct policy *bare = policy_of(registry, SEND LISTS);
    for (size_t rung = 0; rung < RUNG_COUNT; rung++) {
        ck_assert_str_eq(bare->names[rung].zh, shipped->names[rung].zh);
        ck_assert_str_eq(bare->names[rung].en, shipped->names[rung].en);
        ck_assert_str_ne(bare->names[rung].zh, "");
    }
    ck_assert_uint_eq(bare->hop_limit, shipped->hop_limit);
    ck_assert_uint_eq(bare->case_limit, shipped->case_limit);
    ck_assert_uint_eq(bare->follow_up_days, shipped->follow_up_days);
    ck_assert_uint_eq(bare->follow_up_minor_days, shipped->follow_up_minor_days);
    ck_assert_uint_eq(bare->follow_up_reports, shipped->follow_up_reports);
    ck_assert_uint_eq(bare->follow_up_minor_reports, shipped->follow_up_minor_reports);
    ck_assert_uint_eq(bare->retention_years, shipped->retention_years);
    ck_assert_int_eq(bare->minor_guardian, shipped->minor_guardian);
    ck_assert_int_eq(bare->minor_need, shipped->minor_need);
    policy_free(bare);
    policy_free(shipped);
    registry_free(registry);
}
END_TEST

START_TEST(a_city_has_its_own_words_and_limits)
{
    struct registry *registry = shipped_registry();
    struct policy *policy =
        policy_of(registry, SEND LISTS "hop-limit: 0\nfollow-up-days: 90\n"
                                       "minors: {guardian: false}\n"
                                       "names: {due-3: {zh: 红色督办, en: red}}\n");
    ck_assert_uint_eq(policy->hop_limit, 0);
    ck_assert_uint_eq(policy->follow_up_days, 90);
    ck_assert(!policy->minor_guardian && policy->minor_need);
    ck_assert_str_eq(policy->names[RUNG_DUE_3].zh, "红色督办");
    ck_assert_str_eq(policy->names[RUNG_DUE_3_LAST].en, "red");
    ck_assert_str_eq(policy->names[RUNG_DUE_2].zh, "黄牌（报办公室）");
    policy_free(policy);
    registry_free(registry);
}
END_TEST

/* ---- needs -> agencies ---- */

static uint64_t needs_of(const char *needs)
{
    uint64_t bits = 0;
    while (*needs != '\0') {
        char id[48] = "";
        size_t len = strcspn(needs, " ");
        memcpy(id, needs, len);
        const struct word *word = vocabulary_parse(VOCABULARY_NEED, id);
        ck_assert_msg(word != NULL, "%s", id);
        bits |= UINT64_C(1) << word->value;
        needs += len + strspn(needs + len, " ");
    }
    return bits;
}

static void suggested(const struct registry *registry, const struct policy *policy,
                      const char *needs, const char *expected)
{
    static struct policy_suggested list[LIMIT_AGENCIES];
    char text[1024] = "";
    uint64_t bits = needs_of(needs);
    size_t count = policy_suggest(policy, registry, bits, day_of("2026-03-02"), list);
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(text);
        ck_assert_uint_ne(list[i].needs, 0);
        ck_assert_uint_eq(list[i].needs & ~bits, 0);
        (void)snprintf(text + len, sizeof(text) - len, "%s%s", i == 0 ? "" : " ",
                       registry_by_number(registry, list[i].agency)->id);
    }
    ck_assert_str_eq(text, expected);
}

START_TEST(needs_suggest_whoever_has_the_duty)
{
    struct registry *registry = shipped_registry();
    struct policy *policy = shipped_policy(registry);
    suggested(registry, policy, "", "");
    suggested(registry, policy, "legal-aid", "justice");
    suggested(registry, policy, "judicial-assistance", "procuratorate");
    suggested(registry, policy, "student-aid return-to-school legal-aid", "education justice");
    suggested(registry, policy, "legal-aid student-aid return-to-school temporary-aid guardianship",
              "education civil-affairs justice");
    suggested(registry, policy, "other", "");
    policy_free(policy);
    registry_free(registry);
}
END_TEST

/* Each of several was asked for what all of them were asked for. */
START_TEST(each_is_asked_for_its_own_needs)
{
    static const struct {
        const char *needs, *recipients, *agency, *asked;
    } cases[] = {
        {"student-aid temporary-aid", "education civil-affairs", "education", "student-aid"},
        {"student-aid temporary-aid", "education civil-affairs", "civil-affairs", "temporary-aid"},
        {"student-aid temporary-aid", "education", "education", "student-aid temporary-aid"},
        {"student-aid legal-aid", "education civil-affairs", "education", "student-aid legal-aid"},
        {"student-aid legal-aid", "education civil-affairs", "civil-affairs", "legal-aid"},
        {"student-aid", "education civil-affairs", "civil-affairs", "student-aid"},
        {"other", "education civil-affairs", "education", "other"},
        {"", "education civil-affairs", "education", ""},
    };
    struct registry *registry = shipped_registry();
    struct policy *policy = shipped_policy(registry);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct policy_asking asking = {.needs = needs_of(cases[i].needs),
                                       .today = day_of("2026-03-02")};
        for (size_t k = 0; k < registry_count(registry); k++) {
            const struct agency *agency = registry_at(registry, k);
            if (strstr(cases[i].recipients, agency->id) != NULL) {
                agency_set_add(&asking.recipients, agency->number);
            }
        }
        ck_assert_msg(policy_needs_for(policy, registry, &asking,
                                       registry_find(registry, cases[i].agency)->number) ==
                          needs_of(cases[i].asked),
                      "case %zu", i);
    }
    policy_free(policy);
    registry_free(registry);
}
END_TEST

START_TEST(the_city_may_suggest_somebody_else)
{
    struct registry *registry = shipped_registry();
    struct policy *policy = policy_of(
        registry, SEND LISTS "suggest:\n  other: [civil-affairs]\n  legal-aid: [youth-league]\n");
    suggested(registry, policy, "other", "civil-affairs");
    suggested(registry, policy, "legal-aid", "youth-league");
    suggested(registry, policy, "legal-aid temporary-aid other", "civil-affairs youth-league");
    policy_free(policy);
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
    tcase_add_test(cases, what_a_file_leaves_out_is_as_in_the_shipped_one);
    tcase_add_test(cases, a_city_has_its_own_words_and_limits);
    tcase_add_test(cases, needs_suggest_whoever_has_the_duty);
    tcase_add_test(cases, each_is_asked_for_its_own_needs);
    tcase_add_test(cases, the_city_may_suggest_somebody_else);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
