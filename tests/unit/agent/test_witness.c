/* agent: what the other agencies countersigned shows the lies that one agency alone cannot see;
 * what the broker keeps back leaves no quorum; and what it is caught with is kept. */
#include <stdio.h>

#include "fake_desk.h"
#include "wire/evidence_file.h"

static struct tree other_log;

static const char *const others[] = {"education", "civil-affairs", "justice",
                                     "health",    "youth-league",  "human-resources"};
#define OTHERS (sizeof(others) / sizeof(others[0]))

/* The log grows, is seen, and the countersignature of it is on its way. */
static void ask_witness(unsigned leaves)
{
    tree_grow(fake.tree, leaves);
    fake_nothing(&fake, NULL);
    desk_pass(&desk, 60000);
    ck_assert(desk.asks[SLOT_SESSION].open);
    ck_assert_int_eq(desk.asks[SLOT_SESSION].request.head.kind, REQUEST_WITNESS);
}

/* Another log from record 2 on, that grew as far as the honest one. */
static void fork_log(void)
{
    other_log = *fake.tree;
    for (uint64_t i = 2; i < other_log.size; i++) {
        other_log.leaves[i].bytes[0] ^= 1;
    }
}

static uint64_t confirmed(const char *name)
{
    char path[48];
    (void)snprintf(path, sizeof(path), "confirmed.%s", name);
    return number_at(desk_must(&desk, "{'cmd':'status'}"), path);
}

static const struct {
    const char *name;
    const char *alarm; /* NULL: it is none */
    struct seen seen;
    bool forked;      /* what it countersigned is another log, */
    bool mine_forked; /* or what this agency is shown */
    bool stranger;
} lies[] = {
    {"what it saw before", NULL, .seen = {.size = 3}},
    {"what it saw now", NULL, .seen = {.size = 11}},
    {"the end of what both logs have", NULL, .seen = {.size = 2}, .forked = true},
    {"another log of the same size", "another log", .seen = {.size = 11}, .forked = true},
    {"another, shorter log", "another log", .seen = {.size = 4}, .forked = true},
    {"another, longer log", "countersigned a log of 14", .seen = {.size = 14}, .forked = true},
    {"a later state of this one", "countersigned a log of 14", .seen = {.size = 14}},
    {"a proof that is cut", "another log", .seen = {.size = 3, .proof_cut = true}},
    {"a signature that is bent", "not its own", .seen = {.size = 3, .bend_signature = true}},
    {"a signature of a stranger", "not its own", .seen = {.size = 3}, .stranger = true},
};

START_TEST(test_one_other_agency)
{
    struct lie lie = {.size = 11};
    struct seen seen = lies[_i].seen;
    fake_begin(&fake);
    ask_witness(6);
    tree_grow(fake.tree, 3);
    fork_log();
    seen.agency = "education";
    seen.tree = lies[_i].forked ? &other_log : NULL;
    seen.key = lies[_i].stranger ? &realm.stranger : NULL;
    struct belief before = fake_belief(&fake);
    fake_witnessed(&fake, &seen, 1, &lie);
    if (lies[_i].alarm == NULL) {
        ck_assert_msg(desk_alarm(&desk)[0] == '\0', "%s: %s", lies[_i].name, desk_alarm(&desk));
        ck_assert_uint_eq(desk.evidence_files, 0);
        ck_assert_uint_eq(confirmed("agencies"), 2);
        return;
    }
    fake_expect_alarm(&fake, &before, lies[_i].name, lies[_i].alarm);
    ck_assert_uint_eq(desk.evidence_files, 1);
}
END_TEST

/* What says nothing here: unknown agencies, keys that are not theirs, what is said of ourselves. */
START_TEST(test_what_does_not_count)
{
    struct seen seen[] = {{.agency = "education", .size = 4},
                          {.agency = "procuratorate", .size = 9}};
    fake_begin(&fake);
    ask_witness(6);
    fork_log();
    seen[1].tree = &other_log;
    fake_witnessed(&fake, seen, 2, NULL);
    ck_assert_str_eq(desk_alarm(&desk), "");
    ck_assert_uint_eq(confirmed("agencies"), 2);
}
END_TEST

/* Seven of the registry's, this one too: the size that all seven have countersigned. */
START_TEST(test_a_quorum_confirms)
{
    struct seen seen[OTHERS];
    fake_begin(&fake);
    ask_witness(6);
    for (size_t i = 0; i < OTHERS; i++) {
        seen[i] = (struct seen){.agency = others[i], .size = 5 + i};
    }
    fake_witnessed(&fake, seen, OTHERS - 1, NULL);
    ck_assert_uint_eq(confirmed("needed"), 7);
    ck_assert_uint_eq(confirmed("agencies"), 6);
    ck_assert_uint_eq(confirmed("size"), 0);
    ck_assert(!absent_at(desk_must(&desk, "{'cmd':'status'}"), "confirmed.awaited_since"));
    desk_pass(&desk, 120000); /* nothing new, and not confirmed: it asks again */
    fake_witnessed(&fake, seen, OTHERS, NULL);
    ck_assert_uint_eq(confirmed("size"), 5);
    for (size_t i = 0; i < OTHERS; i++) {
        seen[i].size = 11;
    }
    desk_pass(&desk, 240000);
    fake_witnessed(&fake, seen, OTHERS, NULL);
    ck_assert_uint_eq(confirmed("size"), 11);
    ck_assert(absent_at(desk_must(&desk, "{'cmd':'status'}"), "confirmed.awaited_since"));
    desk_pass(&desk, 7200000);
    ck_assert(!desk.asks[SLOT_SESSION].open); /* all is confirmed */
}
END_TEST

/* A broker with two logs that keeps the countersignatures of each from the other: whoever is in the
 * smaller part has no quorum, and says so after a day; it is asked less and less often meanwhile.
 */
START_TEST(test_kept_back_countersignatures_leave_no_quorum)
{
    struct seen seen[] = {{.agency = "education", .size = 11}, {.agency = "health", .size = 11}};
    unsigned asked = 0;
    fake_begin(&fake);
    ask_witness(6);
    for (unsigned minutes = 0; minutes < 2 * 24 * 60; minutes++) {
        if (desk.asks[SLOT_SESSION].open) {
            fake_witnessed(&fake, seen, 2, NULL);
            asked++;
        }
        fake.now_ms += 60000;
        desk_pass(&desk, 60000);
        if (!desk.asks[SLOT_FETCH].open) {
            fake_settle_session(&fake);
        }
        fake_nothing(&fake, NULL);
    }
    ck_assert_uint_gt(asked, 40);
    ck_assert_uint_lt(asked, 80);
    ck_assert_str_eq(desk_alarm(&desk), ""); /* it may be that they are switched off */
    ck_assert_uint_eq(confirmed("size"), 0);
    ck_assert_int_ne(desk.agent->witnessing.told, 0);
}
END_TEST

/* Signed by the broker, and complete: who has the file needs nothing else. */
START_TEST(test_evidence_of_a_lie)
{
    struct seen seen = {.agency = "education", .size = 11};
    struct evidence evidence;
    struct region region;
    struct reply reply;
    struct fault fault = {.code = ""};
    struct reply_check check = {.broker_keys = NULL};
    struct checkpoint believed;
    fake_begin(&fake);
    ask_witness(6);
    fork_log();
    seen.tree = &other_log;
    desk.evidence_result = ERR_FULL; /* nothing else stops for that */
    fake_witnessed(&fake, &seen, 1, NULL);
    ck_assert_str_ne(desk_alarm(&desk), "");
    ck_assert(absent_at(desk_must(&desk, "{'cmd':'status'}"), "evidence"));
    desk.evidence_result = OK;
    desk_must(&desk, "{'cmd':'distrust-clear','reason':'test'}");
    fake_hello(&fake, NULL);
    desk_pass(&desk, 600000);
    fake_witnessed(&fake, &seen, 1, NULL);
    ck_assert_uint_eq(desk.evidence_files, 1);
    ck_assert_str_eq(text_at(desk_must(&desk, "{'cmd':'status'}"), "evidence"), "lie-1");

    region_init(&region, 16u * 1024u * 1024u);
    ck_assert_int_eq(evidence_decode("lie", span_buf(&desk.evidence), &region, &evidence, &fault),
                     OK);
    ck_assert_int_eq(evidence.about, EVIDENCE_LIE);
    const struct evidence_part *head = evidence_find(&evidence, "request", "head");
    const struct evidence_part *answer = evidence_find(&evidence, "reply", "reply");
    const struct evidence_part *note = evidence_find(&evidence, "checkpoint", "believed");
    ck_assert(head != NULL && answer != NULL && note != NULL);
    ck_assert_ptr_nonnull(evidence_find(&evidence, "keys", "public-keys.yaml"));
    ck_assert_ptr_nonnull(evidence_find(&evidence, "verdict", "lie"));
    check.request_digest = request_digest(head->bytes);
    check.broker_keys = keyring_broker_keys(realm.keyring, &check.broker_key_count);
    ck_assert_int_eq(reply_open(answer->bytes, &check, &region, &reply, &fault), OK);
    ck_assert(reply.authentic);
    ck_assert_uint_eq(reply.head.witness.cosignature_count, 1);
    ck_assert_int_eq(checkpoint_verify(note->bytes, REALM_ORIGIN, check.broker_keys,
                                       check.broker_key_count, &believed),
                     OK);
    ck_assert_uint_eq(believed.size, 11);
    region_free(&region);
}
END_TEST

/* It signed that checkpoint, and will not know it. */
START_TEST(test_a_checkpoint_that_is_denied)
{
    fake_begin(&fake);
    ask_witness(6);
    struct belief before = fake_belief(&fake);
    fake_refuse(&fake, SLOT_SESSION, REFUSAL_FACT_INVALID, 0);
    fake_expect_alarm(&fake, &before, "denied", "does not know the log of 11 records");
    ck_assert_uint_eq(desk.evidence_files, 1);
}
END_TEST

/* What is not the broker's own word is no evidence. */
START_TEST(test_strangers_leave_no_evidence)
{
    const struct lie stranger = {.reply_key = &realm.stranger},
                     note = {.note_key = &realm.stranger};
    fake_begin(&fake);
    fake_nothing(&fake, &stranger);
    ck_assert_str_ne(desk_alarm(&desk), "");
    ck_assert_uint_eq(desk.evidence_files, 0);
    desk_pass(&desk, 30000);
    fake_hello(&fake, &note); /* a note of a stranger in a reply of the broker is its own fault */
    ck_assert_uint_eq(desk.evidence_files, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_witness");
    TCase *tcase = tcase_create("all");
    desk_fixture(tcase);
    tcase_add_loop_test(tcase, test_one_other_agency, 0, (int)(sizeof(lies) / sizeof(lies[0])));
    tcase_add_test(tcase, test_what_does_not_count);
    tcase_add_test(tcase, test_a_quorum_confirms);
    tcase_add_test(tcase, test_kept_back_countersignatures_leave_no_quorum);
    tcase_add_test(tcase, test_evidence_of_a_lie);
    tcase_add_test(tcase, test_a_checkpoint_that_is_denied);
    tcase_add_test(tcase, test_strangers_leave_no_evidence);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
