/* agent: replies that cross, and refusals: what is asked next and when, never in a hot loop; alarms
 * are told once, and again when they come back. */
#include "fake_desk.h"
#include "model/refusal.h"

/* --- crossed replies --- */

/* FETCH and SUBMIT are under way, both under what was known first; SUBMIT is answered first. */
static void cross(void)
{
    fake_begin(&fake);
    desk_say(&desk, SAY_OUTBOUND);
    ck_assert_uint_eq(desk.asks[SLOT_FETCH].request.head.known_size, 5);
    tree_grow(fake.tree, 3);
    (void)fake_accept(&fake, SLOT_SUBMIT);
    ck_assert_uint_eq(desk.agent->checkpoint.size, 9);
}

START_TEST(test_a_stale_reply_is_asked_again)
{
    struct lie old = {.size = 7};
    cross();
    fake_nothing(&fake, &old);
    ck_assert_str_eq(desk_alarm(&desk), "");
    ck_assert_uint_eq(desk.agent->checkpoint.size, 9);
    ck_assert(desk.asks[SLOT_FETCH].open);
    ck_assert_uint_eq(desk.asks[SLOT_FETCH].request.head.known_size, 9);
}
END_TEST

/* It was signed before the version that we have meanwhile: no broker that went back, and no reason
 * not to ask for the next one for a minute. */
START_TEST(test_a_crossed_reply_of_an_older_registry_is_no_fault)
{
    struct reply_head head = {.kind = REPLY_FETCH, .registry_version = 1}, today = head;
    const struct lie old = {.size = 7};
    cross();
    desk.agent->setup.document.version = 2;
    fake_answer(&fake, SLOT_FETCH, &head, &old);
    ck_assert_str_eq(desk.agent->registry.fault, "");
    ck_assert_uint_eq(desk.agent->registry.ask_at_ms, 0);
    ck_assert(desk.asks[SLOT_FETCH].open);
    fake_answer(&fake, SLOT_FETCH, &today, NULL); /* one that is of today's log is */
    ck_assert_ptr_nonnull(strstr(desk.agent->registry.fault, "version 1"));
}
END_TEST

START_TEST(test_two_logs_of_one_size_are_an_alarm)
{
    static struct tree fork;
    cross();
    fork = *fake.tree;
    fork.leaves[6].bytes[0] ^= 1;
    struct lie lie = {.tree = &fork};
    struct belief before = fake_belief(&fake);
    fake_nothing(&fake, &lie);
    fake_expect_alarm(&fake, &before, "fork", "two logs");
}
END_TEST

/* A proof from what was known when it was asked says nothing of what was learnt meanwhile: such a
 * reply is asked again, and the fork shows. */
START_TEST(test_a_fork_shown_to_crossed_requests_is_not_believed)
{
    static struct tree fork;
    struct parcel parcel;
    cross();
    fork = *fake.tree;
    fork.leaves[6].bytes[0] ^= 1;
    tree_grow(&fork, 4);
    struct tree *honest = fake.tree;
    struct belief before = fake_belief(&fake);
    fake.tree = &fork;
    fake_parcel(&fake, "education", &parcel);
    fake_deliver(&fake, &parcel, 1, NULL);
    ck_assert_uint_eq(events_of(&desk, "received"), 0);
    ck_assert_uint_eq(desk.agent->checkpoint.size, 9);
    ck_assert(desk.asks[SLOT_FETCH].open);
    ck_assert_uint_eq(desk.asks[SLOT_FETCH].request.head.known_size, 9);
    fake_deliver(&fake, &parcel, 1, NULL);
    fake_expect_alarm(&fake, &before, "fork", "does not extend");
    fake.tree = honest;
    parcel_free(&parcel);
}
END_TEST

/* Crossing again and again must not keep messages away: what crossed is asked alone. */
START_TEST(test_what_crossed_is_asked_again_alone)
{
    struct parcel parcel;
    cross();
    tree_grow(fake.tree, 2);
    fake_parcel(&fake, "education", &parcel);
    fake_deliver(&fake, &parcel, 1, NULL); /* its proof is from 5, we are at 9 */
    ck_assert_uint_eq(events_of(&desk, "received"), 0);
    desk_say(&desk, SAY_OUTBOUND);
    ck_assert(desk.asks[SLOT_FETCH].open);
    ck_assert(!desk.asks[SLOT_SUBMIT].open);
    ck_assert_uint_eq(desk.asks[SLOT_FETCH].request.head.fetch.wait_ms, 0);
    fake_deliver(&fake, &parcel, 1, NULL);
    ck_assert_uint_eq(events_of(&desk, "received"), 1);
    (void)fake_accept(&fake, SLOT_ACK);
    ck_assert(desk.asks[SLOT_SUBMIT].open);
    parcel_free(&parcel);
}
END_TEST

/* --- refusals --- */

/* Nobody knows who says so: nothing is believed, no alarm, and the same is asked a while later. */
START_TEST(test_unsigned_refusals_mean_nothing)
{
    const struct lie anonymous = {.no_proof = true, .no_checkpoint = true};
    struct parcel parcel;
    enum agent_slot slot = (enum agent_slot)_i;
    fake_begin(&fake);
    if (slot == SLOT_ACK) {
        fake_parcel(&fake, "education", &parcel);
        fake_deliver(&fake, &parcel, 1, NULL);
        parcel_free(&parcel);
    } else {
        desk_say(&desk, SAY_OUTBOUND);
    }
    if (slot == SLOT_SESSION) {
        desk_restart(&desk);
    }
    for (uint32_t code = 1; code <= 7; code++) {
        struct reply_head head = {.code = code, .time_ms = 1};
        struct belief before = fake_belief(&fake);
        unsigned asked = desk.asked[slot];
        uint64_t broker_ms = desk.agent->broker_ms;
        ck_assert(desk.asks[slot].open);
        fake_answer(&fake, slot, &head, &anonymous);
        struct digest stored = desk_digest(&desk);
        ck_assert(digest_equal(&stored, &before.stored));
        ck_assert_uint_eq(desk.agent->broker_ms, broker_ms);
        ck_assert_str_eq(desk_alarm(&desk), "");
        desk_pass(&desk, 9999);
        ck_assert_uint_eq(desk.asked[slot], asked);
        desk_pass(&desk, 1);
        ck_assert_uint_eq(desk.asked[slot], asked + 1);
    }
}
END_TEST

START_TEST(test_unsigned_refusals_of_other_codes_are_forged)
{
    static const uint32_t codes[] = {8, 9, 20, 21, 24, 25, 44, 60};
    const struct lie anonymous = {.no_proof = true, .no_checkpoint = true};
    struct reply_head head = {.code = codes[_i]};
    fake_begin(&fake);
    struct belief before = fake_belief(&fake);
    fake_answer(&fake, SLOT_FETCH, &head, &anonymous);
    fake_expect_alarm(&fake, &before, "unsigned", "not the broker's");
}
END_TEST

START_TEST(test_a_new_session_is_asked_for_at_once_and_then_with_waits)
{
    const enum refusal code = _i == 0 ? REFUSAL_SESSION : REFUSAL_REPLAYED;
    fake_begin(&fake);
    fake_refuse(&fake, SLOT_FETCH, code, 0);
    ck_assert(desk.asks[SLOT_SESSION].open);
    fake_hello(&fake, NULL);
    ck_assert(desk.asks[SLOT_FETCH].open);
    fake_refuse(&fake, SLOT_FETCH, code, 0); /* again: it does not help to be quick */
    unsigned asked = fake_asked(&fake);
    for (int i = 0; i < 100; i++) {
        desk_pass(&desk, 100);
        if (desk.asks[SLOT_SESSION].open) {
            fake_settle_session(&fake);
        }
        if (desk.asks[SLOT_FETCH].open) {
            fake_refuse(&fake, SLOT_FETCH, code, 0);
        }
    }
    ck_assert_uint_lt(fake_asked(&fake) - asked, 40);
    desk_pass(&desk, 20000);
    fake_settle_session(&fake);
    fake_nothing(&fake, NULL);
    ck_assert_str_eq(desk_alarm(&desk), "");
    fake_refuse(&fake, SLOT_FETCH, code, 0); /* it worked meanwhile: at once again */
    ck_assert(desk.asks[SLOT_SESSION].open);
}
END_TEST

START_TEST(test_a_refused_hello_waits)
{
    agent_connected(desk.agent, true);
    fake_refuse(&fake, SLOT_SESSION, _i == 0 ? REFUSAL_SESSION : REFUSAL_REPLAYED, 0);
    ck_assert(!desk.asks[SLOT_SESSION].open);
    desk_pass(&desk, 10000);
    ck_assert(desk.asks[SLOT_SESSION].open);
}
END_TEST

START_TEST(test_busy_waits_as_long_as_it_is_told)
{
    static const enum refusal codes[] = {REFUSAL_STORE_FULL, REFUSAL_RATE, REFUSAL_SUPERSEDED,
                                         REFUSAL_STOPPING, REFUSAL_CLOCK};
    fake_begin(&fake);
    desk_say(&desk, SAY_OUTBOUND);
    struct digest sent = desk.asks[SLOT_SUBMIT].request.messages[0].digest;
    for (int i = 0; i < 2; i++) { /* the second time without a time: a second */
        uint64_t wait_ms = i == 0 ? 7000 : 1000;
        fake_refuse(&fake, SLOT_SUBMIT, codes[_i], i == 0 ? 7000 : 0);
        desk_pass(&desk, wait_ms - 1);
        ck_assert(!desk.asks[SLOT_SUBMIT].open);
        desk_pass(&desk, 1);
        ck_assert(desk.asks[SLOT_SUBMIT].open);
        ck_assert(digest_equal(&desk.asks[SLOT_SUBMIT].request.messages[0].digest, &sent));
    }
    ck_assert_str_eq(desk_alarm(&desk), "");
    (void)fake_accept(&fake, SLOT_SUBMIT);
}
END_TEST

/* One message is put off while the others are taken: its recipient's queue is full. */
START_TEST(test_a_recipient_whose_queue_is_full)
{
    struct slip slip;
    fake_begin(&fake);
    desk_say(&desk, SAY_OUTBOUND);
    fake_slip(&fake, SLOT_SUBMIT, 0, &slip);
    slip.code = REFUSAL_QUEUE_FULL;
    slip.retry_ms = 5000;
    fake_receipts(&fake, SLOT_SUBMIT, &slip, 1, NULL);
    desk_say(&desk, SAY_OUTBOUND); /* to the same one: it waits, too */
    ck_assert(!desk.asks[SLOT_SUBMIT].open);
    desk_refer(&desk, "health");
    ck_assert(desk.asks[SLOT_SUBMIT].open);
    ck_assert_uint_eq(fake_accept(&fake, SLOT_SUBMIT), 1);
    ck_assert(!desk.asks[SLOT_SUBMIT].open);
    /* the time comes while something else happens: the wake-up that was asked for is not lost */
    desk.machine_ms += 5000;
    fake_nothing(&fake, NULL);
    desk_pass(&desk, 1);
    ck_assert(desk.asks[SLOT_SUBMIT].open);
    ck_assert_uint_eq(fake_accept(&fake, SLOT_SUBMIT), 2);
}
END_TEST

static void put_off(enum refusal code, const char *detail)
{
    struct slip slip;
    fake_slip(&fake, SLOT_SUBMIT, 0, &slip);
    slip.code = code;
    slip.detail = detail;
    slip.retry_ms = 5000;
    fake_receipts(&fake, SLOT_SUBMIT, &slip, 1, NULL);
}

/* A referral is put off; what its sender says to others about it, and in its case, waits with it:
 * the broker does not know the case yet, and would refuse it for good. */
START_TEST(test_what_follows_a_message_that_is_put_off_does_not_overtake_it)
{
    fake_begin(&fake);
    desk_say(&desk, SAY_OUTBOUND);
    put_off(REFUSAL_QUEUE_FULL, "education");
    desk_say(&desk, "{'kind':'consultation','about':'JZ-2026-0001-01','recipients':['justice'],"
                    "'facts':{'topic':'policy'},'body':{'officer':'a','text':'b'}}");
    ck_assert(!desk.asks[SLOT_SUBMIT].open);
    desk_refer(&desk, "health"); /* of another case */
    ck_assert_uint_eq(fake_accept(&fake, SLOT_SUBMIT), 1);
    ck_assert(!desk.asks[SLOT_SUBMIT].open);
    desk_pass(&desk, 5000);
    ck_assert_uint_eq(fake_accept(&fake, SLOT_SUBMIT), 1);
    ck_assert_uint_eq(fake_accept(&fake, SLOT_SUBMIT), 1);
    ck_assert_uint_eq(events_of(&desk, "accepted"), 3);
}
END_TEST

/* Of several addressees one has a full queue: the officer sees which, and what goes to it alone
 * waits as well. */
START_TEST(test_one_of_several_whose_queue_is_full)
{
    fake_begin(&fake);
    desk_say(&desk, "{'kind':'consultation','recipients':['justice','health'],"
                    "'facts':{'topic':'policy'},'body':{'officer':'a','text':'b'}}");
    put_off(REFUSAL_QUEUE_FULL, "health");
    struct json_value outbox = desk_must(&desk, "{'cmd':'outbox'}");
    ck_assert_str_eq(text_at(outbox, "rows.0.state"), "waiting");
    ck_assert_str_eq(text_at(outbox, "rows.0.code"), "busy.queue-full");
    ck_assert_str_eq(text_at(outbox, "rows.0.detail"), "health");
    desk_refer(&desk, "health");
    ck_assert(!desk.asks[SLOT_SUBMIT].open);
    desk_refer(&desk, "education");
    ck_assert_uint_eq(fake_accept(&fake, SLOT_SUBMIT), 1);
    desk_pass(&desk, 5000);
    ck_assert_uint_eq(fake_accept(&fake, SLOT_SUBMIT), 2);
    ck_assert_uint_eq(events_of(&desk, "accepted"), 3);
    (void)desk_must(&desk, "{'cmd':'outbox'}");
    ck_assert_uint_eq(count_in(&desk.answer, "queue-full"), 0);
}
END_TEST

/* Thousands wait for one whose queue is full: the next one to somebody else goes at once. */
START_TEST(test_thousands_that_wait_are_not_in_the_way)
{
    struct store_txn *txn = NULL;
    struct span payload;
    struct row row;
    struct buf copy;
    fake_begin(&fake);
    desk_say(&desk, SAY_OUTBOUND);
    buf_init(&copy, LIMIT_ENVELOPE_BYTES);
    ck_assert_int_eq(store_begin(desk.store, &txn), OK);
    ck_assert_int_eq(row_next(txn, ROW_OUT, 0, &row), OK);
    ck_assert_int_eq(row_payload(txn, &row, &payload), OK);
    ck_assert_int_eq(buf_append(&copy, payload.data, payload.len), OK);
    for (unsigned i = 0; i < 3000; i++) { /* as many referrals */
        be64_put(row.header.referral_id.bytes, i);
        be64_put(row.header.message_id.bytes, i);
        ck_assert_int_eq(row_next_seq(txn, &row.seq), OK);
        ck_assert_int_eq(row_add(txn, &row, span_buf(&copy)), OK);
    }
    ck_assert_int_eq(store_commit(txn), OK);
    buf_free(&copy);
    struct slip slip;
    fake_slip(&fake, SLOT_SUBMIT, 0, &slip);
    slip.code = REFUSAL_QUEUE_FULL;
    slip.retry_ms = 5000;
    fake_receipts(&fake, SLOT_SUBMIT, &slip, 1, NULL);
    ck_assert(!desk.asks[SLOT_SUBMIT].open);
    desk_refer(&desk, "health");
    ck_assert_uint_eq(fake_accept(&fake, SLOT_SUBMIT), 1);
    ck_assert_uint_eq(events_of(&desk, "accepted"), 1);
    ck_assert(!desk.asks[SLOT_SUBMIT].open);
    desk_pass(&desk, 5000);
    ck_assert_uint_eq(desk.asks[SLOT_SUBMIT].request.message_count, AGENT_BATCH_COUNT);
}
END_TEST

/* Nobody silences an agent for weeks. */
START_TEST(test_no_wait_is_longer_than_ten_minutes)
{
    struct slip slip;
    fake_begin(&fake);
    desk_say(&desk, SAY_OUTBOUND);
    fake_refuse(&fake, SLOT_FETCH, REFUSAL_STOPPING, UINT32_MAX);
    fake_slip(&fake, SLOT_SUBMIT, 0, &slip);
    slip.code = _i == 0 ? REFUSAL_QUEUE_FULL : REFUSAL_STORE_FULL;
    slip.retry_ms = UINT32_MAX;
    fake_receipts(&fake, SLOT_SUBMIT, &slip, 1, NULL);
    ck_assert(!desk.asks[SLOT_FETCH].open && !desk.asks[SLOT_SUBMIT].open);
    desk_pass(&desk, 600000);
    ck_assert(desk.asks[SLOT_FETCH].open && desk.asks[SLOT_SUBMIT].open);
}
END_TEST

/* A log that grew is countersigned once a while; whatever becomes of it keeps nothing waiting. */
START_TEST(test_witness)
{
    fake_begin(&fake);
    const struct ask *ask = &desk.asks[SLOT_SESSION];
    for (unsigned i = 0; i < 4; i++) {
        tree_grow(fake.tree, 1);
        fake_nothing(&fake, NULL);
        ck_assert(!ask->open);
        desk_pass(&desk, 60000);
        ck_assert(ask->open);
        ck_assert_int_eq(ask->request.head.kind, REQUEST_WITNESS);
        ck_assert_uint_eq(ask->request.head.witness.size, fake.tree->size);
        struct checkpoint seen = {.size = fake.tree->size,
                                  .root = tree_root(fake.tree, fake.tree->size)};
        text_copy(seen.origin, sizeof(seen.origin), REALM_ORIGIN);
        ck_assert_int_eq(witness_verify(realm.sign[desk.place].public_key, &seen,
                                        ask->request.head.witness.signature),
                         OK);
        if (i == 1) {
            desk_fail(&desk, SLOT_SESSION, ERR_TIMEOUT);
        } else if (i == 2) {
            fake_refuse(&fake, SLOT_SESSION, REFUSAL_KEY_UNKNOWN, 0);
        } else {
            fake_settle_session(&fake);
        }
        ck_assert(desk.asks[SLOT_FETCH].open);
    }
    unsigned asked =
        desk.asked[SLOT_SESSION]; /* nobody else countersigns: it looks again, ever more rarely */
    for (unsigned minutes = 0; minutes < 24 * 60; minutes++) {
        desk_pass(&desk, 60000);
        fake_settle_session(&fake);
    }
    ck_assert_uint_ge(desk.asked[SLOT_SESSION] - asked, 22);
    ck_assert_uint_le(desk.asked[SLOT_SESSION] - asked, 40);
    ck_assert_str_eq(desk_alarm(&desk), "");
}
END_TEST

/* Busy with one of our delivery receipts: no hot loop either. */
START_TEST(test_a_receipt_that_is_put_off_waits)
{
    struct parcel parcel;
    struct slip slip;
    fake_begin(&fake);
    fake_parcel(&fake, "education", &parcel);
    fake_deliver(&fake, &parcel, 1, NULL);
    fake_slip(&fake, SLOT_ACK, 0, &slip);
    slip.code = REFUSAL_QUEUE_FULL;
    slip.retry_ms = 5000;
    fake_receipts(&fake, SLOT_ACK, &slip, 1, NULL);
    ck_assert(!desk.asks[SLOT_ACK].open);
    desk_pass(&desk, 4999);
    ck_assert(!desk.asks[SLOT_ACK].open);
    desk_pass(&desk, 1);
    ck_assert(desk.asks[SLOT_ACK].open);
    parcel_free(&parcel);
}
END_TEST

START_TEST(test_a_refusal_of_all_requests_is_tried_again_later)
{
    fake_begin(&fake);
    fake_refuse(&fake, SLOT_FETCH, REFUSAL_KEY_UNKNOWN, 0);
    desk_pass(&desk, 29999);
    ck_assert(!desk.asks[SLOT_FETCH].open);
    desk_pass(&desk, 1);
    ck_assert(desk.asks[SLOT_FETCH].open);
    ck_assert_str_eq(desk_alarm(&desk), "");
}
END_TEST

/* The same alarm days later is news again. */
START_TEST(test_an_alarm_that_comes_back_after_all_was_well_is_told_again)
{
    const struct lie lie = {.note_key = &realm.stranger};
    fake_begin(&fake);
    for (size_t round = 1; round <= 3; round++) {
        fake_nothing(&fake, &lie);
        ck_assert_uint_eq(events_of(&desk, "alarm"), round);
        desk_pass(&desk, 30000);
        fake_settle_session(&fake);
        fake_nothing(&fake, NULL);
        ck_assert_str_eq(desk_alarm(&desk), "");
    }
    fake_end_hooks(&fake);
    ck_assert_uint_eq(count_in(&desk.hooks, "\"event\":\"alarm\""), 3);
}
END_TEST

/* What lies in the stream lies there for good: hello is honest each time, the fetch is not. */
START_TEST(test_a_lasting_lie_is_told_once)
{
    struct parcel parcel;
    fake_begin(&fake);
    fake_parcel(&fake, "education", &parcel);
    fake.streams[2]++; /* one was left out */
    for (int i = 0; i < 5; i++) {
        fake_deliver(&fake, &parcel, 1, NULL);
        ck_assert_uint_eq(events_of(&desk, "alarm"), 1);
        desk_pass(&desk, 30000);
        fake_settle_session(&fake);
    }
    parcel_free(&parcel);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_asking");
    TCase *tcase = tcase_create("asking");
    tcase_set_timeout(tcase, 60);
    desk_fixture(tcase);
    tcase_add_test(tcase, test_a_stale_reply_is_asked_again);
    tcase_add_test(tcase, test_two_logs_of_one_size_are_an_alarm);
    tcase_add_test(tcase, test_a_crossed_reply_of_an_older_registry_is_no_fault);
    tcase_add_test(tcase, test_a_fork_shown_to_crossed_requests_is_not_believed);
    tcase_add_test(tcase, test_what_crossed_is_asked_again_alone);
    tcase_add_loop_test(tcase, test_unsigned_refusals_mean_nothing, 0, SLOT_BLOB);
    tcase_add_loop_test(tcase, test_unsigned_refusals_of_other_codes_are_forged, 0, 8);
    tcase_add_loop_test(tcase, test_a_new_session_is_asked_for_at_once_and_then_with_waits, 0, 2);
    tcase_add_loop_test(tcase, test_a_refused_hello_waits, 0, 2);
    tcase_add_loop_test(tcase, test_busy_waits_as_long_as_it_is_told, 0, 5);
    tcase_add_test(tcase, test_a_recipient_whose_queue_is_full);
    tcase_add_test(tcase, test_what_follows_a_message_that_is_put_off_does_not_overtake_it);
    tcase_add_test(tcase, test_one_of_several_whose_queue_is_full);
    tcase_add_test(tcase, test_thousands_that_wait_are_not_in_the_way);
    tcase_add_loop_test(tcase, test_no_wait_is_longer_than_ten_minutes, 0, 2);
    tcase_add_test(tcase, test_witness);
    tcase_add_test(tcase, test_a_receipt_that_is_put_off_waits);
    tcase_add_test(tcase, test_a_refusal_of_all_requests_is_tried_again_later);
    tcase_add_test(tcase, test_an_alarm_that_comes_back_after_all_was_well_is_told_again);
    tcase_add_test(tcase, test_a_lasting_lie_is_told_once);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
