/* lib/model/policy_diff: each thing that a file can change is one line with its path, the old and
 * the new value; what works alike is no change, however it is written. */
#include "model/policy_diff.h"
#include "model_support.h"

#define LISTS "materials: {outbound-referral: [], inbound-referral: []}\n"
#define SEND  "may-send: []\n"

static struct policy *policy_of(const struct registry *registry, const char *text)
{
    struct policy *policy = NULL;
    struct fault fault = {.code = ""};
    ck_assert_msg(policy_read("p.yaml", span_text(text), registry, &policy, &fault) == OK, "%s: %s",
                  fault.place, fault.message);
    return policy;
}

static void tell(void *arg, const struct policy_change *change)
{
    char *text = arg;
    size_t len = strlen(text);
    ck_assert_str_ne(change->before, change->after);
    (void)snprintf(text + len, 2048 - len, "%s: %s -> %s\n", change->path, change->before,
                   change->after);
}

static void differs(const char *before, const char *after, const char *expected)
{
    char text[2048] = "";
    struct registry *registry = shipped_registry();
    struct policy *old = policy_of(registry, before);
    struct policy *new = policy_of(registry, after);
    ck_assert_int_eq(policy_diff(old, new, registry, tell, text), OK);
    ck_assert_str_eq(text, expected);
    policy_free(new);
    policy_free(old);
    registry_free(registry);
}

static const struct {
    const char *before;
    const char *after;
    const char *changes;
} rows[] = {
    {SEND LISTS, SEND LISTS, ""},
    {SEND LISTS "hop-limit: 3\n", "# words only\n" SEND LISTS, ""},
    {SEND LISTS "hop-limit: 3\n", SEND LISTS "hop-limit: 5\n", "hop-limit: 3 -> 5\n"},
    {SEND LISTS, SEND LISTS "case-limit: 99\n", "case-limit: 256 -> 99\n"},
    {SEND LISTS, SEND LISTS "follow-up-days: 90\nfollow-up-minor-days: 30\n",
     "follow-up-days: 120 -> 90\nfollow-up-minor-days: 60 -> 30\n"},
    {SEND LISTS, SEND LISTS "follow-up-reports: 2\nfollow-up-minor-reports: 3\n",
     "follow-up-reports: 1 -> 2\nfollow-up-minor-reports: 2 -> 3\n"},
    {SEND LISTS "retention-years: 10\n", SEND LISTS, "retention-years: 10 -> 30\n"},
    {SEND LISTS, SEND LISTS "outage-grace: 5m\nclock-jump: 90s\nclock-confirm-agencies: 2\n",
     "outage-grace: 600s -> 300s\nclock-jump: 300s -> 90s\nclock-confirm-agencies: 3 -> 2\n"},
    {SEND LISTS, SEND LISTS "minors: {guardian: false, need: false}\n",
     "minors.guardian: true -> false\nminors.need: true -> false\n"},
    {SEND LISTS, SEND LISTS "clocks: {feedback-outbound: 15}\n",
     "clocks.feedback-outbound: 20 -> 15\n"},
    {SEND LISTS, SEND LISTS "rungs: {due-3: {offset: 8, every: 4, to: [office]}}\n",
     "rungs.due-3.offset: 10 -> 8\nrungs.due-3.every: 10 -> 4\n"
     "rungs.due-3.to: leader, sender-leader, office, agenda -> office\n"},
    {SEND LISTS, SEND LISTS "rungs: {due-1: {offset: 0, to: [sender, leader, liaison]}}\n", ""},
    {SEND LISTS, SEND LISTS "names: {remind-2: {zh: 催办, en: early warning}}\n",
     "names.remind-2.zh: 预警 -> 催办\n"},
    {SEND LISTS, SEND LISTS "suggest: {legal-aid: [justice, youth-league]}\n",
     "suggest.legal-aid:  -> justice, youth-league\n"},
    {SEND LISTS "suggest: {legal-aid: [justice]}\n", SEND LISTS,
     "suggest.legal-aid: justice -> \n"},
    {SEND "materials: {outbound-referral: [{kind: harm-proof, mandatory: true}], "
          "inbound-referral: []}\n",
     SEND "materials: {outbound-referral: [{kind: harm-proof}], inbound-referral: "
          "[{kind: other}]}\n",
     "materials.outbound-referral.harm-proof: mandatory -> optional\n"
     "materials.inbound-referral.other:  -> optional\n"},
    /* who may send */
    {SEND LISTS, "may-send:\n - {kind: papers, from: P, to: S}\n" LISTS,
     "may-send.papers.P.S:  -> allow\n"},
    {"may-send:\n - {kind: papers, from: P, to: S}\n" LISTS,
     "may-send:\n - {kind: papers, from: P, to: S, copy-office: true}\n" LISTS,
     "may-send.papers.P.S: allow -> allow, copy-office\n"},
    {"may-send:\n - {kind: papers, from: P, to: S}\n" LISTS,
     "may-send:\n - {kind: papers, from: P, to: S, allow: false}\n" LISTS,
     "may-send.papers.P.S: allow -> refuse\n"},
    /* a row above covers it: it never decides */
    {"may-send:\n - {kind: papers, from: P, to: S}\n" LISTS,
     "may-send:\n - {kind: papers, from: P, to: S}\n"
     " - {kind: papers, from: P, to: health, allow: false}\n" LISTS,
     ""},
    /* the same rows the other way round */
    {"may-send:\n - {kind: papers, from: P, to: S}\n"
     " - {kind: papers, from: P, to: health, allow: false}\n" LISTS,
     "may-send:\n - {kind: papers, from: P, to: health, allow: false}\n"
     " - {kind: papers, from: P, to: S}\n" LISTS,
     "may-send.papers.P.health:  -> refuse\n"},
    /* neither row covers the other, but both are about the procuratorate and health */
    {"may-send:\n - {kind: papers, from: procuratorate, to: S}\n"
     " - {kind: papers, from: P, to: health, allow: false}\n" LISTS,
     "may-send:\n - {kind: papers, from: P, to: health, allow: false}\n"
     " - {kind: papers, from: procuratorate, to: S}\n" LISTS,
     "may-send.order.papers.P.health.procuratorate.S:  -> this order\n"
     "may-send.order.papers.procuratorate.S.P.health: this order -> \n"},
    /* which comes first does not matter where both allow */
    {"may-send:\n - {kind: papers, from: procuratorate, to: S}\n"
     " - {kind: papers, from: P, to: health}\n" LISTS,
     "may-send:\n - {kind: papers, from: P, to: health}\n"
     " - {kind: papers, from: procuratorate, to: S}\n" LISTS,
     ""},
};

START_TEST(each_change_is_a_line)
{
    differs(rows[_i].before, rows[_i].after, rows[_i].changes);
}
END_TEST

static void count(void *arg, const struct policy_change *change)
{
    ck_assert_str_eq(change->before, "");
    (*(size_t *)arg)++;
}

/* Against a file that says nothing, the shipped one differs by its rows and materials alone. */
START_TEST(the_shipped_file_holds_the_defaults)
{
    struct registry *registry = shipped_registry();
    struct policy *shipped = shipped_policy(registry);
    struct policy *bare = policy_of(registry, SEND LISTS);
    size_t changes = 0;
    ck_assert_int_eq(policy_diff(bare, shipped, registry, count, &changes), OK);
    ck_assert_uint_eq(changes,
                      shipped->rule_count + shipped->outbound_count + shipped->inbound_count);
    policy_free(bare);
    policy_free(shipped);
    registry_free(registry);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy_diff");
    TCase *cases = tcase_create("all");
    tcase_add_loop_test(cases, each_change_is_a_line, 0, (int)COUNT_OF(rows));
    tcase_add_test(cases, the_shipped_file_holds_the_defaults);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
