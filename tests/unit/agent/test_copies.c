/* agent: each party's copy of a referral or matter is what the broker decided, whatever their lives
 * and in whatever order requests and replies travel. Three agent cores and the real
 * broker core in one process; chance decides what happens next. The seed is printed when it fails.
 */
#include <stdio.h>

#include "city_lives.h"

static void life(uint64_t seed)
{
    city.seed = seed;
    (void)printf("seed %llu\n", (unsigned long long)city.seed);
    (void)fflush(stdout);
    city_open();
    for (unsigned i = 0; i < 1200; i++) {
        live_step();
    }
    settle_city();
    unsigned states = judge(), kinds = judge_matters();
    size_t held = 0;
    for (size_t i = 0; i < DESKS; i++) {
        held += judge_late(&city.desks[i]);
    }
    ck_assert_uint_gt(held, 0);
    (void)printf("seed %llu: states %x, %zu referrals, kinds %x, %zu matters, %u messages, %llu "
                 "went back\n",
                 (unsigned long long)city.seed, states, lives.number_count, kinds,
                 lives.matter_count, lives.taken, (unsigned long long)lives.rejected);
    city_close();
}

START_TEST(test_random_lives)
{
    life(1000 + (uint64_t)_i);
}
END_TEST

/* What it asked about was withdrawn while the request was on its way: its receipt came later. */
START_TEST(a_receipt_behind_the_withdrawal_began_a_window)
{
    life(1011);
}
END_TEST

/* An honest broker, keys that are wrong for a while, programs that restart: nothing is missed, and
 * nothing is early. */
START_TEST(test_nobody_is_alarmed_while_time_passes)
{
    city.seed = 3000 + (uint64_t)_i;
    city_open();
    city.realm.policy->ladder.days[CLOCK_FEEDBACK_OUTBOUND] = 6;
    city.realm.policy->ladder.days[CLOCK_FEEDBACK_INBOUND] = 3;
    for (unsigned i = 0; i < 300; i++) {
        live_step();
    }
    settle_city();
    ck_assert_uint_gt(live_on(25), 20);
    (void)judge();
    city_close();
}
END_TEST

/* --- what one party knows and another does not --- */

/* One referral of the case concerns a minor, the other does not say so: whoever got that one learns
 * from the archive's lane that the visits come sooner. */
START_TEST(test_a_party_that_knows_of_no_minor_counts_the_visits_alike)
{
    struct desk *p = &city.desks[0];
    struct case_key key;
    struct store_txn *read = NULL;
    city.seed = 7;
    city_open();
    settle_city();
    desk_say(p, SAY_OUTBOUND);
    settle_city();
    desk_say(p, SAY_ADULT);
    settle_city();
    desk_say(&city.desks[1], "{'kind':'outbound-feedback','referral':'JZ-2026-0001-01','facts':{"
                             "'outcome':'not-eligible'},'body':{'officer':'o','reasons':'r'}}");
    settle_city();
    desk_say(&city.desks[2], "{'kind':'outbound-feedback','referral':'JZ-2026-0001-02','facts':{"
                             "'outcome':'not-eligible'},'body':{'officer':'o','reasons':'r'}}");
    settle_city();
    desk_say(p, "{'kind':'archive','case_number':'JZ-2026-0001','facts':{'why':'assisted'},'body':{"
                "'officer':'o','text':'t'}}");
    settle_city();
    ck_assert_int_eq(store_read_begin(city.store, &read), OK);
    ck_assert_int_eq(number_find(read, "JZ-SX-2026-0001", &key), OK);
    store_read_end(read);
    for (size_t i = 0; i < DESKS; i++) {
        same_matter(i, &key);
    }
    city_close();
}
END_TEST

/* An answer that was late and asked for papers; these began a new window, in which nothing is late.
 */
START_TEST(papers_after_a_late_answer_left_the_sender_late)
{
    struct desk *p = &city.desks[0], *e = &city.desks[1];
    struct referral referral;
    city.seed = 8;
    city_open();
    settle_city();
    desk_say(p, SAY_OUTBOUND);
    settle_city();
    struct case_key key = key_of("JZ-2026-0001-01");
    for (unsigned day = 0; day < 30; day++) {
        city_pass(24 * HOUR_MS);
        settle_city();
    }
    desk_say(e, "{'kind':'outbound-feedback','referral':'JZ-2026-0001-01','facts':{'outcome':"
                "'procedure-required','documents':[{'kind':'application-form'}],'tell_by':"
                "'procuratorate'},'body':{'officer':'o'}}");
    settle_city();
    get_copy(city.store, &key, &referral);
    ck_assert(referral.late);
    same(0, &key);
    desk_say(p, "{'kind':'papers','referral':'JZ-2026-0001-01','facts':{'documents':["
                "'application-form'],'received':'2026-03-02T09:00:00+08:00'},'body':{'officer':'o'"
                "}}");
    settle_city();
    get_copy(city.store, &key, &referral);
    ck_assert(!referral.late);
    same(0, &key);
    same(1, &key);
    city_close();
}
END_TEST

int main(void)
{
    const bool longer = getenv("REFERRAL_LONG") != NULL;
    Suite *suite = suite_create("agent_copies");
    TCase *tcase = tcase_create("copies");
    tcase_set_timeout(tcase, 60);
    city_add_lives(tcase, test_random_lives, 1000, longer ? 60 : 5);
    city_add_lives(tcase, test_nobody_is_alarmed_while_time_passes, 3000, longer ? 60 : 2);
    tcase_add_test(tcase, a_receipt_behind_the_withdrawal_began_a_window);
    tcase_add_test(tcase, test_a_party_that_knows_of_no_minor_counts_the_visits_alike);
    tcase_add_test(tcase, papers_after_a_late_answer_left_the_sender_late);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
