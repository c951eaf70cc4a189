/* agent/held, agent/inbox: a message whose key was revoked while it waited is shown as held, the
 * stream goes on behind it, it comes later, and a broker that holds without a reason, lets its case
 * overtake it, or never gives it out is an alarm. */
#include "agent/state.h"
#include "fake_desk.h"

#define REVOKER "education"
#define DAYS_3  (UINT64_C(72) * 3600000u)

static struct parcel parcels[4];

static struct uuid case_of(uint8_t number)
{
    return (struct uuid){{9, number}};
}

static void revoke(uint64_t leaf)
{
    const struct sign_key *key = &realm.sign[realm_place(&realm, REVOKER)];
    enum err error = keyring_revoke(realm.keyring, REVOKER, key_id_of(key->public_key), leaf);
    ck_assert_int_eq(error, OK);
}

/* 0 and 2 are of the agency whose key is revoked, 1 and 3 of another; 0 and 3 of one case. */
static void setup_parcels(void)
{
    static const char *const senders[] = {REVOKER, "health", REVOKER, "justice"};
    static const uint8_t cases[] = {1, 2, 3, 1};
    fake_begin(&fake);
    for (size_t i = 0; i < 4; i++) {
        fake_parcel(&fake, senders[i], &parcels[i]);
        parcels[i].record.case_id = case_of(cases[i]);
    }
    revoke(1000); /* behind all that is recorded here */
}

static void teardown_parcels(void)
{
    for (size_t i = 0; i < 4; i++) {
        parcel_free(&parcels[i]);
    }
    revoke(KEY_NOT_REVOKED);
}

/* Acknowledges all that is to be; so many as held. */
static void acknowledged(size_t held)
{
    struct ask *ack = &desk.asks[SLOT_ACK];
    size_t noted = 0;
    ck_assert(ack->open);
    for (size_t i = 0; i < ack->request.head.ack.plain_count; i++) {
        noted += ack->request.head.ack.plain[i].held;
    }
    ck_assert_uint_eq(noted, held);
    (void)fake_accept(&fake, SLOT_ACK);
    fake_settle_session(&fake);
}

static void deliver(size_t first, size_t count, const uint32_t holds[])
{
    for (size_t i = 0; i < count; i++) {
        parcels[first + i].hold = holds[i];
    }
    fake_deliver(&fake, &parcels[first], count, NULL);
}

static void received(size_t count)
{
    ck_assert_str_eq(desk_alarm(&desk), "");
    ck_assert_uint_eq(events_of(&desk, "received"), count);
}

#define HOLDS(...) ((const uint32_t[]){__VA_ARGS__})

START_TEST(test_the_lane_goes_on_behind_it)
{
    deliver(0, 2, HOLDS(HOLD_HELD, HOLD_NONE));
    received(1);
    acknowledged(1);
    desk_restart(&desk); /* its place is in the store */
    fake_settle_session(&fake);
    deliver(2, 1, HOLDS(HOLD_HELD));
    acknowledged(1);
    deliver(2, 1, HOLDS(HOLD_HELD)); /* the broker lost that */
    acknowledged(1);
    received(1);
    deliver(2, 1, HOLDS(HOLD_OVER)); /* the second one was signed anew first */
    received(2);
    acknowledged(0);
    deliver(0, 1, HOLDS(HOLD_OVER));
    received(3);
    acknowledged(0);
    deliver(3, 1, HOLDS(HOLD_NONE)); /* the stream stands where it stood */
    received(4);
    acknowledged(0);
    deliver(0, 1, HOLDS(HOLD_OVER)); /* once only */
    received(4);
    acknowledged(0);
}
END_TEST

START_TEST(test_what_follows_in_its_case_waits_with_it)
{
    deliver(0, 4, HOLDS(HOLD_HELD, HOLD_NONE, HOLD_HELD, HOLD_HELD));
    received(1);
    acknowledged(3);
    deliver(0, 1, HOLDS(HOLD_OVER));
    acknowledged(0);
    deliver(2, 2, HOLDS(HOLD_OVER, HOLD_OVER));
    received(4);
}
END_TEST

/* The mark says how it was shown before, and is not what makes it come. */
START_TEST(test_it_comes_although_its_note_was_lost)
{
    deliver(0, 1, HOLDS(HOLD_HELD));
    acknowledged(1);
    deliver(0, 2, HOLDS(HOLD_NONE, HOLD_NONE));
    received(2);
}
END_TEST

/* --- lies --- */

static void without_a_reason(void)
{
    deliver(0, 2, HOLDS(HOLD_NONE, HOLD_HELD));
}
static void of_another_case(void)
{
    deliver(0, 2, HOLDS(HOLD_HELD, HOLD_HELD));
}
static void before_it(void) /* in its case, but of an earlier place */
{
    parcels[1].record.case_id = case_of(3);
    deliver(0, 3, HOLDS(HOLD_HELD, HOLD_HELD, HOLD_HELD));
}
static void of_no_case(void)
{
    parcels[0].record.case_id = parcels[1].record.case_id = (struct uuid){{0}};
    deliver(0, 2, HOLDS(HOLD_HELD, HOLD_HELD));
}
static void overtaken(void)
{
    parcels[1].record.case_id = case_of(1);
    deliver(0, 2, HOLDS(HOLD_HELD, HOLD_NONE));
}
static void overtaken_late(void)
{
    deliver(0, 4, HOLDS(HOLD_HELD, HOLD_NONE, HOLD_HELD, HOLD_HELD));
    acknowledged(3);
    deliver(3, 1, HOLDS(HOLD_OVER));
}
static void replaced(void)
{
    deliver(0, 1, HOLDS(HOLD_HELD));
    acknowledged(1);
    parcels[1].own_stream = true;
    parcels[1].record.stream = parcels[0].record.stream;
    deliver(1, 1, HOLDS(HOLD_OVER));
}
static void never_given_out(void)
{
    deliver(0, 1, HOLDS(HOLD_HELD));
    acknowledged(1);
    fake.now_ms += DAYS_3 + 2 * 3600000u;
    deliver(1, 1, HOLDS(HOLD_NONE));
}
static void in_no_way_known(void)
{
    deliver(0, 1, HOLDS(HOLD_COUNT));
}

static const struct {
    const char *alarm;
    void (*lies)(void);
    size_t received;
} lies[] = {
    {"no key that signed it is revoked", without_a_reason, 0},
    {"no key that signed it is revoked", of_another_case, 0},
    {"no key that signed it is revoked", before_it, 0},
    {"no key that signed it is revoked", of_no_case, 0},
    {"overtakes a message of its case", overtaken, 0},
    {"overtakes a message of its case", overtaken_late, 1},
    {"another message was held", replaced, 0},
    {"its time is over", never_given_out, 0},
    {"cannot be read", in_no_way_known, 0},
};

START_TEST(test_lies)
{
    lies[_i].lies();
    ck_assert_msg(strstr(desk_alarm(&desk), lies[_i].alarm) != NULL, "%s: %s", lies[_i].alarm,
                  desk_alarm(&desk));
    ck_assert_uint_eq(events_of(&desk, "received"), lies[_i].received);
}
END_TEST

/* Up to an hour over its time nothing is said: it is on its way. */
START_TEST(test_its_time_is_over_with_the_hour)
{
    deliver(0, 1, HOLDS(HOLD_HELD));
    acknowledged(1);
    fake.now_ms += DAYS_3 + 3600000u - 60000u;
    deliver(1, 1, HOLDS(HOLD_NONE));
    received(1);
}
END_TEST

static void streams_begin_again(void)
{
    struct store_txn *txn = NULL;
    ck_assert_int_eq(store_begin(desk.store, &txn), OK);
    for (uint32_t lane = 0; lane < 4; lane++) {
        const struct stream_base base = {.lane = lane};
        ck_assert_int_eq(inbox_reset_stream(desk.agent, txn, &base), OK);
    }
    ck_assert_int_eq(store_commit(txn), OK);
}

/* A copy has it waiting still, and its key was revoked since: it is the reason of what follows in
 * its case, although this agency has it. */
START_TEST(test_what_came_before_is_held_in_a_new_log)
{
    deliver(0, 1, HOLDS(HOLD_NONE));
    (void)fake_accept(&fake, SLOT_ACK);
    streams_begin_again();
    parcels[1].record.case_id = case_of(1);
    deliver(0, 2, HOLDS(HOLD_HELD, HOLD_HELD));
    received(1);
    acknowledged(2);
    deliver(0, 2, HOLDS(HOLD_OVER, HOLD_OVER));
    received(2);
}
END_TEST

/* Another key was revoked since: what follows in the case may be held by that one, for as long. */
START_TEST(test_a_second_revocation_holds_anew)
{
    deliver(0, 1, HOLDS(HOLD_HELD));
    acknowledged(1);
    fake.now_ms += DAYS_3 - 3600000u;
    desk.agent->registry.statements.count++;
    fake.statements++;
    deliver(1, 1, HOLDS(HOLD_NONE));
    acknowledged(0);
    fake.now_ms += 3 * 3600000u;
    deliver(2, 1, HOLDS(HOLD_HELD));
    received(1);
    acknowledged(1);
    deliver(2, 1, HOLDS(HOLD_OVER));
    received(2);
    acknowledged(0);
    fake.now_ms += DAYS_3;
    parcels[3].record.case_id = case_of(4);
    deliver(3, 1, HOLDS(HOLD_NONE));
    ck_assert_ptr_nonnull(strstr(desk_alarm(&desk), "its time is over"));
}
END_TEST

/* It has not heard of that revocation yet: it asks before it judges. */
START_TEST(test_a_statement_comes_before_the_alarm)
{
    deliver(0, 1, HOLDS(HOLD_HELD));
    acknowledged(1);
    fake.now_ms += DAYS_3 + 2 * 3600000u;
    fake.statements = 1;
    deliver(1, 1, HOLDS(HOLD_NONE));
    received(0);
    ck_assert(!desk.asks[SLOT_FETCH].open);
    desk_pass(&desk, 1000);
    ck_assert(desk.asks[SLOT_FETCH].open);
}
END_TEST

/* The statement is on its way: the broker has more of them than this agent. */
START_TEST(test_the_statement_comes_first)
{
    struct digest before = desk_digest(&desk);
    struct digest after;
    revoke(KEY_NOT_REVOKED);
    fake.statements = 1;
    deliver(0, 2, HOLDS(HOLD_HELD, HOLD_NONE));
    received(0);
    after = desk_digest(&desk);
    ck_assert(digest_equal(&before, &after));
    ck_assert(!desk.asks[SLOT_FETCH].open);
    desk_pass(&desk, 1000);
    ck_assert(desk.asks[SLOT_FETCH].open);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_held");
    TCase *tcase = tcase_create("all");
    desk_fixture(tcase);
    tcase_add_checked_fixture(tcase, setup_parcels, teardown_parcels);
    tcase_add_test(tcase, test_the_lane_goes_on_behind_it);
    tcase_add_test(tcase, test_what_follows_in_its_case_waits_with_it);
    tcase_add_test(tcase, test_it_comes_although_its_note_was_lost);
    tcase_add_loop_test(tcase, test_lies, 0, (int)(sizeof(lies) / sizeof(lies[0])));
    tcase_add_test(tcase, test_its_time_is_over_with_the_hour);
    tcase_add_test(tcase, test_what_came_before_is_held_in_a_new_log);
    tcase_add_test(tcase, test_a_second_revocation_holds_anew);
    tcase_add_test(tcase, test_a_statement_comes_before_the_alarm);
    tcase_add_test(tcase, test_the_statement_comes_first);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
