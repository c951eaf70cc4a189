/* agent: what connects the receipts of a case with one later checkpoint, for evidence: each head is
 * asked for once, ends that the log has grown behind are connected again, a broker that cannot
 * prove it is an alarm, and nothing that the agent believes is moved by it. */
#include <stdio.h>

#include "fake_broker.h"

#define NUMBER "JZ-2026-0001-01"
#define BEGIN  "{'cmd':'evidence-links','id':'" NUMBER "','begin':true}"
#define ASK    "{'cmd':'evidence-links','id':'" NUMBER "'}"

static struct realm realm;
static struct desk desk;
static struct fake fake;

static void realm_setup(void)
{
    realm_open(&realm);
}

static void realm_teardown(void)
{
    realm_close(&realm);
}

/* A referral and its withdrawal, recorded under different checkpoints. */
static void setup(void)
{
    desk_open(&desk, &realm, "procuratorate");
    fake_open(&fake, &desk);
    fake_begin(&fake);
    desk_say(&desk, SAY_OUTBOUND);
    (void)fake_accept(&fake, SLOT_SUBMIT);
    tree_grow(fake.tree, 3);
    (void)desk_must(&desk, "{'cmd':'send','kind':'withdrawal','referral':'" NUMBER
                           "','message':{'facts':{'reason':'duplicate'},'body':{'officer':'x'}}}");
    (void)fake_accept(&fake, SLOT_SUBMIT);
    fake_settle_session(&fake);
}

static void teardown(void)
{
    fake_close(&fake);
    desk_close(&desk);
}

static bool waits(void)
{
    return count_in(&desk.answer, "\"waiting\":true") == 1;
}

static uint64_t asked_from(void)
{
    const struct request_head *head = &desk.asks[SLOT_SESSION].request.head;

    ck_assert(desk.asks[SLOT_SESSION].open);
    ck_assert_int_eq(head->kind, REQUEST_PING);
    return head->known_size;
}

static void answer(const struct lie *lie)
{
    struct reply_head head = {.kind = REPLY_NONE};

    fake_answer(&fake, SLOT_SESSION, &head, lie);
}

/* It asks first what the others countersigned. */
static void answer_witness(const struct seen *seen, size_t count)
{
    ck_assert(desk.asks[SLOT_SESSION].open);
    fake_witnessed(&fake, seen, count, NULL);
}

static void check_links(size_t count)
{
    const struct links *links = &desk.agent->links;

    ck_assert_uint_eq(links->done_count, count);
    for (size_t i = 0; i < count; i++) {
        const struct link *link = &links->done[i];

        ck_assert_int_eq(
            merkle_consistency_verify(&link->from, &link->to, link->path, link->path_count), OK);
    }
}

START_TEST(test_each_head_is_asked_for_once)
{
    const uint64_t known = desk.agent->checkpoint.size;
    uint64_t first, believed;

    tree_grow(fake.tree, 9);
    (void)desk_must(&desk, BEGIN);
    ck_assert(waits());
    answer_witness(NULL, 0);
    first = asked_from();
    ck_assert_uint_lt(first, known);
    believed = desk.agent->checkpoint.size;
    tree_grow(fake.tree, 1);
    answer(NULL);
    ck_assert_uint_eq(desk.agent->checkpoint.size, believed); /* it is no news that it believes */
    ck_assert_uint_eq(asked_from(), known);
    answer(NULL);
    ck_assert(!desk.asks[SLOT_SESSION].open);
    (void)desk_must(&desk, ASK);
    ck_assert(!waits());
    check_links(2);
    ck_assert_str_eq(desk_alarm(&desk), "");
}
END_TEST

START_TEST(test_what_others_countersigned_is_connected)
{
    const struct seen seen = {.agency = "education", .size = 4};
    const struct cosigned *cosigned = &desk.agent->cosigned;

    tree_grow(fake.tree, 9);
    (void)desk_must(&desk, BEGIN);
    answer_witness(&seen, 1);
    ck_assert_uint_eq(cosigned->count, 1);
    ck_assert_str_eq(cosigned->each[0].note.agency, "education");
    ck_assert_uint_eq(cosigned->each[0].note.seen.size, 4);
    ck_assert_int_eq(merkle_consistency_verify(
                         &(struct merkle_head){4, cosigned->each[0].note.seen.root},
                         &cosigned->shown, cosigned->each[0].path, cosigned->each[0].path_count),
                     OK);
    for (unsigned i = 0; desk.asks[SLOT_SESSION].open; i++) {
        ck_assert_uint_lt(i, 5);
        answer(NULL);
    }
    check_links(3); /* two receipts, and the end of what was countersigned */
}
END_TEST

START_TEST(test_ends_are_connected_when_the_log_grows)
{
    tree_grow(fake.tree, 9);
    (void)desk_must(&desk, BEGIN);
    answer_witness(NULL, 0);
    answer(NULL);
    const uint64_t end = desk.agent->links.done[0].to.size;

    tree_grow(fake.tree, 2);
    answer(NULL);
    ck_assert_uint_eq(asked_from(), end);
    answer(NULL);
    (void)desk_must(&desk, ASK);
    ck_assert(!waits());
    check_links(3);
}
END_TEST

START_TEST(test_a_broker_that_cannot_prove_it_is_an_alarm)
{
    static struct tree fork;
    struct lie lie = {.tree = &fork};

    tree_grow(fake.tree, 9);
    fork = *fake.tree;
    fork.leaves[2].bytes[0] ^= 1;
    (void)desk_must(&desk, BEGIN);
    answer_witness(NULL, 0);
    answer(&lie);
    ck_assert_str_ne(desk_alarm(&desk), "");
    check_links(0);
}
END_TEST

/* Whatever number is asked for, a part that is there is answered, or the end. */
START_TEST(test_any_step)
{
    static const char *const steps[] = {"5",
                                        "6",
                                        "7",
                                        "65535",
                                        "65536",
                                        "65541",
                                        "1048575",
                                        "1048576",
                                        "1048583",
                                        "4294967295",
                                        "4294967296",
                                        "4294967301",
                                        "9223372036854775807"};

    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        char line[128];

        (void)snprintf(line, sizeof(line),
                       "{'cmd':'evidence','id':'" NUMBER "','step':%s,'offset':%u}", steps[i],
                       i % 2 == 0 ? 0 : 2000000);
        (void)desk_must(&desk, line);
        ck_assert_uint_eq(count_in(&desk.answer, "\"end\":"), 1);
    }
}
END_TEST

START_TEST(test_it_gives_up)
{
    tree_grow(fake.tree, 9);
    (void)desk_must(&desk, BEGIN);
    desk_fail(&desk, SLOT_SESSION, ERR_TIMEOUT);
    (void)desk_must(&desk, ASK);
    ck_assert(waits());
    desk_pass(&desk, 25000);
    (void)desk_must(&desk, ASK);
    ck_assert(!waits());
    check_links(0);
    agent_connected(desk.agent, false);
    (void)desk_must(&desk, BEGIN);
    ck_assert(!waits());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_links");
    TCase *tcase = tcase_create("links");

    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, realm_setup, realm_teardown);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_each_head_is_asked_for_once);
    tcase_add_test(tcase, test_what_others_countersigned_is_connected);
    tcase_add_test(tcase, test_ends_are_connected_when_the_log_grows);
    tcase_add_test(tcase, test_a_broker_that_cannot_prove_it_is_an_alarm);
    tcase_add_test(tcase, test_any_step);
    tcase_add_test(tcase, test_it_gives_up);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
