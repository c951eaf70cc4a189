/* agent: every lie of a broker that an agent can see is an alarm, told once, and changes nothing;
 * honest replies bring it back, where it lasts after an administrator's word. */
#include "fake_desk.h"
#include "model/refusal.h"

/* The truth brings it back, and it works: a message is taken and acknowledged. */
static void expect_recovery(void)
{
    struct parcel parcel;
    fake_mend(&fake);
    ck_assert_str_eq(desk_alarm(&desk), "");
    if (desk.asks[SLOT_ACK].open) {
        (void)fake_accept(&fake, SLOT_ACK);
    }
    fake_parcel(&fake, "justice", &parcel);
    parcel.record.stream.lane = 3; /* where no lie was told */
    fake_deliver(&fake, &parcel, 1, NULL);
    ck_assert_uint_eq(events_of(&desk, "received"), 1);
    ck_assert(desk.asks[SLOT_ACK].open);
    ck_assert_uint_eq(fake_accept(&fake, SLOT_ACK), 1);
    parcel_free(&parcel);
}

/* --- replies and checkpoints --- */

static const struct {
    const char *name, *alarm;
    struct lie lie;
    bool stranger_reply, stranger_note, forked;
} head_lies[] = {
    {"content without a proof", "not the broker's", .lie.no_proof = true},
    {"signed by another key", "not the broker's", .stranger_reply = true},
    {"answers another request", "not the broker's", .lie.other_request = true},
    {"cut off", "not the broker's", .lie.garbage = true},
    {"checkpoint by another key", "not signed", .stranger_note = true},
    {"checkpoint of another log", "not signed", .lie.origin = "other.example/broker"},
    {"smaller", "went back", .lie.size = 2},
    {"empty after a known one", "empty", .lie.no_checkpoint = true},
    {"same size, another root", "does not extend", .lie.size = 5, .lie.other_root = true},
    {"larger, another root", "does not extend", .lie.other_root = true},
    {"another history", "does not extend", .forked = true},
    {"proof too short", "does not extend", .lie.proof_cut = true},
    {"proof too long", "does not extend", .lie.proof_longer = true},
    {"proof bent", "does not extend", .lie.proof_bent = true},
};

static struct tree other_log;

static struct lie lie_at(int index)
{
    struct lie lie = head_lies[index].lie;
    lie.reply_key = head_lies[index].stranger_reply ? &realm.stranger : NULL;
    lie.note_key = head_lies[index].stranger_note ? &realm.stranger : NULL;
    if (head_lies[index].forked) {
        other_log = *fake.tree;
        other_log.leaves[1].bytes[0] ^= 1;
        lie.tree = &other_log;
    }
    return lie;
}

START_TEST(test_lies_in_an_answer_to_fetch)
{
    fake_begin(&fake);
    tree_grow(fake.tree, 6);
    struct lie lie = lie_at(_i);
    struct belief before = fake_belief(&fake);
    fake_nothing(&fake, &lie);
    fake_expect_alarm(&fake, &before, head_lies[_i].name, head_lies[_i].alarm);
    fake_hello(&fake, &lie);                         /* the same lie again is told no second time */
    ck_assert_uint_le(events_of(&desk, "alarm"), 2); /* a hello has its own words for some */
    desk_pass(&desk, 30000);
    expect_recovery();
}
END_TEST

START_TEST(test_lies_in_an_answer_to_submit)
{
    struct slip slip;
    fake_begin(&fake);
    desk_say(&desk, SAY_OUTBOUND);
    tree_grow(fake.tree, 6);
    struct lie lie = lie_at(_i);
    struct belief before = fake_belief(&fake);
    fake_slip(&fake, SLOT_SUBMIT, 0, &slip);
    fake_receipts(&fake, SLOT_SUBMIT, &slip, 1, &lie);
    fake_expect_alarm(&fake, &before, head_lies[_i].name, head_lies[_i].alarm);
    fake_mend(&fake);
    ck_assert(desk.asks[SLOT_SUBMIT].open); /* the same message, again */
    (void)fake_accept(&fake, SLOT_SUBMIT);
    ck_assert_uint_eq(events_of(&desk, "accepted"), 1);
}
END_TEST

START_TEST(test_lies_in_an_answer_to_hello)
{
    fake_begin(&fake);
    tree_grow(fake.tree, 6);
    desk_restart(&desk);
    struct lie lie = lie_at(_i);
    struct belief before = fake_belief(&fake);
    fake_hello(&fake, &lie);
    fake_expect_alarm(&fake, &before, head_lies[_i].name, head_lies[_i].alarm);
    fake_hello(&fake, &lie);
    ck_assert_uint_eq(events_of(&desk, "alarm"), 1);
    desk_pass(&desk, 30000);
    expect_recovery();
}
END_TEST

START_TEST(test_another_kind_of_answer_is_an_alarm)
{
    static const enum reply_kind kinds[] = {REPLY_NONE, REPLY_HELLO, REPLY_SUBMIT, REPLY_FETCH};
    fake_begin(&fake);
    desk_say(&desk, SAY_OUTBOUND);
    enum agent_slot slot = _i % 3 == 0 ? SLOT_SESSION : _i % 3 == 1 ? SLOT_SUBMIT : SLOT_FETCH;
    if (slot == SLOT_SESSION) {
        desk_restart(&desk);
    }
    enum reply_kind right = slot == SLOT_SESSION  ? REPLY_HELLO
                            : slot == SLOT_SUBMIT ? REPLY_SUBMIT
                                                  : REPLY_FETCH;
    struct reply_head head = {.kind = kinds[_i / 3]};
    struct belief before = fake_belief(&fake);
    if (head.kind == right) {
        return;
    }
    tree_grow(fake.tree, 1);
    fake_answer(&fake, slot, &head, NULL);
    fake_expect_alarm(&fake, &before, "another kind", "answered");
}
END_TEST

/* --- receipts --- */

static void lie_digest(struct slip *slip)
{
    slip->record.message_digest.bytes[0] ^= 1;
}
static void lie_actor(struct slip *slip)
{
    text_copy(slip->record.actor, sizeof(slip->record.actor), "education");
}
static void lie_kind(struct slip *slip)
{
    slip->record.kind = LEAF_RUNG_RAISED;
}
static void lie_id(struct slip *slip)
{
    memset(&slip->record.message_id, 0x66, UUID_BYTES);
}
static void lie_path(struct slip *slip)
{
    slip->bend_path = true;
}
static void lie_short(struct slip *slip)
{
    slip->short_path = true;
}
static void lie_record(struct slip *slip)
{
    slip->bend_record = true;
}
static void lie_salt(struct slip *slip)
{
    slip->bend_salt = true;
}
static void lie_index(struct slip *slip)
{
    slip->index_shift = 1;
}
static void lie_nobody(struct slip *slip)
{
    slip->of_nobody = true;
}
static void lie_refused_as_accepted(struct slip *slip)
{
    slip->record.refusal = REFUSAL_NUMBER;
}
static void lie_accepted_as_refused(struct slip *slip)
{
    slip->record.kind = LEAF_REFUSED;
}

static const struct {
    const char *name;
    void (*bend)(struct slip *slip);
} receipt_lies[] = {
    {"another message", lie_digest},
    {"another actor", lie_actor},
    {"another kind of record", lie_kind},
    {"another message id", lie_id},
    {"path bent", lie_path},
    {"path too short", lie_short},
    {"another record in the tree", lie_record},
    {"another salt", lie_salt},
    {"another place", lie_index},
    {"of a message that nobody sent", lie_nobody},
    {"a refusal as acceptance", lie_refused_as_accepted},
    {"an acceptance as refusal", lie_accepted_as_refused},
};

/* Two messages; the lie is about the second: the first is not done with either. */
START_TEST(test_lies_in_a_receipt)
{
    struct slip slips[2];
    fake_begin(&fake);
    desk_say(&desk, SAY_OUTBOUND);
    desk_fail(&desk, SLOT_SUBMIT, ERR_CLOSED);
    desk_say(&desk, SAY_OUTBOUND);
    desk_pass(&desk, 10000);
    ck_assert_uint_eq(desk.asks[SLOT_SUBMIT].request.message_count, 2);
    struct belief before = fake_belief(&fake);
    fake_slip(&fake, SLOT_SUBMIT, 0, &slips[0]);
    fake_slip(&fake, SLOT_SUBMIT, 1, &slips[1]);
    receipt_lies[_i].bend(&slips[1]);
    fake_receipts(&fake, SLOT_SUBMIT, slips, 2, NULL);
    fake_expect_alarm(&fake, &before, receipt_lies[_i].name, "receipt");
    ck_assert_uint_eq(events_of(&desk, "accepted"), 0);
    fake_mend(&fake);
    ck_assert_uint_eq(fake_accept(&fake, SLOT_SUBMIT), 2);
    ck_assert_uint_eq(events_of(&desk, "accepted"), 2);
}
END_TEST

START_TEST(test_too_few_or_too_many_receipts)
{
    struct slip slips[3];
    fake_begin(&fake);
    desk_say(&desk, SAY_OUTBOUND);
    struct belief before = fake_belief(&fake);
    for (size_t i = 0; i < 3; i++) {
        fake_slip(&fake, SLOT_SUBMIT, 0, &slips[i]);
    }
    fake_receipts(&fake, SLOT_SUBMIT, slips, _i == 0 ? 0 : (size_t)_i + 1, NULL);
    for (size_t i = 0; i < 3; i++) {
        buf_free(&slips[i].bytes);
    }
    fake_expect_alarm(&fake, &before, "receipts", "receipts");
}
END_TEST

/* A receipt may be under an older checkpoint, that of its commit, but not under one that the
 * reply's log cannot have: larger, or as large with another root. */
START_TEST(test_a_receipt_outside_of_the_log_that_the_reply_shows)
{
    struct reply_head head = {.kind = REPLY_SUBMIT};
    struct shared_receipt shared = {.leaf_index = 0};
    struct slip slip;
    struct buf note;
    fake_begin(&fake);
    desk_say(&desk, SAY_OUTBOUND);
    struct belief before = fake_belief(&fake);
    fake_slip(&fake, SLOT_SUBMIT, 0, &slip);
    ck_assert_int_eq(leaf_record_encode(&slip.record, &slip.bytes), OK);
    /* another log: this leaf behind as many of somebody's as the reply's log has, or one more */
    static struct tree lonely;
    tree_grow(&lonely, (unsigned)fake.tree->size - (_i == 0 ? 1 : 0));
    lonely.leaves[0].bytes[0] ^= 1;
    lonely.leaves[lonely.size] = leaf_hash(slip.salt, span_buf(&slip.bytes));
    shared.leaf_index = lonely.size++;
    struct checkpoint checkpoint = {.size = lonely.size, .root = tree_root(&lonely, lonely.size)};
    text_copy(checkpoint.origin, sizeof(checkpoint.origin), REALM_ORIGIN);
    buf_init(&note, CHECKPOINT_BYTES);
    ck_assert_int_eq(checkpoint_make(&checkpoint, &realm.broker, &note), OK);
    /* the last of 5 leaves has the root of the first 4 beside it; of 6: leaf 4, and those 4 */
    struct digest nodes[2] = {lonely.leaves[4], tree_root(&lonely, 4)};
    uint32_t path[2] = {_i == 0 ? 1 : 0, 1};
    shared.message_id = slip.record.message_id;
    shared.record = span_buf(&slip.bytes);
    memcpy(shared.salt, slip.salt, SALT_BYTES);
    shared.path = path;
    shared.path_count = _i == 0 ? 1 : 2;
    shared.checkpoint = span_buf(&note);
    head.submit.receipts = &shared;
    head.submit.receipt_count = 1;
    head.submit.nodes = nodes;
    head.submit.node_count = 2;
    fake_answer(&fake, SLOT_SUBMIT, &head, NULL);
    fake_expect_alarm(&fake, &before, "a log beside the log", "receipt");
    buf_free(&note);
    buf_free(&slip.bytes);
}
END_TEST

/* --- deliveries --- */

static void bend_signature(struct parcel *parcel)
{
    parcel->bend_signature = true;
}
static void bend_payload(struct parcel *parcel)
{
    parcel->bend_payload = true;
}
static void by_a_stranger(struct parcel *parcel)
{
    parcel->signer = &realm.stranger;
}
static void by_another_agency(struct parcel *parcel)
{
    parcel->signer = &realm.sign[realm_place(&realm, "health")];
}
static void by_the_broker(struct parcel *parcel)
{
    parcel->signer = &realm.broker;
}
static void to_another_by_record(struct parcel *parcel)
{
    text_copy(parcel->record.recipient, sizeof(parcel->record.recipient), "health");
}
static void to_another_by_header(struct parcel *parcel)
{
    text_copy(parcel->message.header.recipient, sizeof(parcel->message.header.recipient), "health");
}
static void of_another_digest(struct parcel *parcel)
{
    parcel->own_digest = true;
    memset(&parcel->record.message_digest, 3, DIGEST_BYTES);
}
static void of_another_actor(struct parcel *parcel)
{
    text_copy(parcel->record.actor, sizeof(parcel->record.actor), "health");
}
static void of_another_leaf(struct parcel *parcel)
{
    parcel->record.kind = LEAF_RUNG_RAISED;
}
static void of_another_id(struct parcel *parcel)
{
    memset(&parcel->record.message_id, 0x66, UUID_BYTES);
}
static void refused_one(struct parcel *parcel)
{
    parcel->record.kind = LEAF_REFUSED;
}
static void no_stream(struct parcel *parcel)
{
    parcel->own_stream = true;
    parcel->record.has_stream = false;
}
static void left_out(struct parcel *parcel)
{
    fake.streams[parcel->record.stream.lane]++;
}
static void stands_at_one_again(struct parcel *parcel)
{
    parcel->own_stream = true;
    parcel->record.stream.seq = 1;
}
static void follows_nothing(struct parcel *parcel)
{
    parcel->own_stream = true;
    parcel->record.stream.seq = 2;
}
static void in_no_lane(struct parcel *parcel)
{
    parcel->own_stream = true;
    parcel->record.stream.lane = 4;
    parcel->record.stream.seq = 1;
}
static void in_a_far_lane(struct parcel *parcel)
{
    parcel->own_stream = true;
    parcel->record.stream.lane = UINT32_MAX;
    parcel->record.stream.seq = 1;
}
static void at_zero(struct parcel *parcel)
{
    parcel->own_stream = true;
    parcel->record.stream.seq = 0;
}
static void on_another_path(struct parcel *parcel)
{
    parcel->bend_path = true;
}
static void at_another_place(struct parcel *parcel)
{
    parcel->index_shift = 1;
}
static void a_notice_by_an_agency(struct parcel *parcel)
{
    parcel->with_body = false;
    parcel->message.header.kind = MESSAGE_REMINDER;
    memset(&parcel->message.notice, 0, sizeof(parcel->message.notice));
    parcel->message.body_fields = 0;
}
static void a_receipt_of_an_agency(struct parcel *parcel)
{
    parcel->with_body = false;
    parcel->message.header.kind = MESSAGE_DELIVERY;
    memset(&parcel->message.delivery, 0, sizeof(parcel->message.delivery));
    parcel->message.body_fields = 0;
}
static void a_referral_of_the_broker(struct parcel *parcel)
{
    parcel->with_body = false;
    parcel->signer = &realm.broker;
    text_copy(parcel->message.header.sender, LIMIT_AGENCY_ID_BYTES, "broker");
    text_copy(parcel->record.actor, LIMIT_AGENCY_ID_BYTES, "broker");
}
static void of_nobody_known(struct parcel *parcel)
{
    parcel->with_body = false;
    text_copy(parcel->message.header.sender, LIMIT_AGENCY_ID_BYTES, "nobody");
    text_copy(parcel->record.actor, LIMIT_AGENCY_ID_BYTES, "nobody");
}
static struct uuid first_id;
static void the_first_one_again(struct parcel *parcel)
{
    parcel->message.header.message_id = first_id;
    parcel->record.message_id = first_id;
}

static const struct {
    const char *name;
    void (*bend)(struct parcel *parcel);
} delivery_lies[] = {
    {"signature bent", bend_signature},
    {"payload changed after it was signed", bend_payload},
    {"signed by a stranger", by_a_stranger},
    {"signed by another agency", by_another_agency},
    {"signed by the broker for an agency", by_the_broker},
    {"record of another recipient", to_another_by_record},
    {"header of another recipient", to_another_by_header},
    {"record of another digest", of_another_digest},
    {"record of another actor", of_another_actor},
    {"record of another kind", of_another_leaf},
    {"record of another message", of_another_id},
    {"record of a refusal", refused_one},
    {"no stream", no_stream},
    {"one left out", left_out},
    {"a repeated position with another leaf", stands_at_one_again},
    {"does not follow the one before", follows_nothing},
    {"lane 4", in_no_lane},
    {"lane 4294967295", in_a_far_lane},
    {"position 0", at_zero},
    {"path bent", on_another_path},
    {"another place in the log", at_another_place},
    {"a notice by an agency", a_notice_by_an_agency},
    {"a delivery receipt, which nobody gets", a_receipt_of_an_agency},
    {"a referral of the broker", a_referral_of_the_broker},
    {"of nobody known", of_nobody_known},
    {"a message that came before, at a new position", the_first_one_again},
};

/* One good message was taken before; a good one and the lie come together: neither is kept. */
START_TEST(test_lies_in_a_delivery)
{
    struct parcel first, parcels[2];
    fake_begin(&fake);
    fake_parcel(&fake, "education", &first);
    first_id = first.message.header.message_id;
    fake_deliver(&fake, &first, 1, NULL);
    ck_assert_uint_eq(events_of(&desk, "received"), 1);
    (void)fake_accept(&fake, SLOT_ACK);
    fake_parcel(&fake, "education", &parcels[0]);
    fake_parcel(&fake, "education", &parcels[1]);
    parcels[0].record.stream.lane = 1;
    delivery_lies[_i].bend(&parcels[1]);
    struct belief before = fake_belief(&fake);
    fake_deliver(&fake, parcels, 2, NULL);
    fake_expect_alarm(&fake, &before, delivery_lies[_i].name, "delivers");
    ck_assert_uint_eq(events_of(&desk, "received"), 0);
    ck_assert(!desk.asks[SLOT_ACK].open);
    expect_recovery();
    parcel_free(&first);
    parcel_free(&parcels[0]);
    parcel_free(&parcels[1]);
}
END_TEST

/* Another agency may use an id that a first one used: ids are each sender's own. */
START_TEST(test_an_id_of_another_sender_is_no_lie)
{
    struct parcel parcels[2];
    fake_begin(&fake);
    fake_parcel(&fake, "education", &parcels[0]);
    fake_parcel(&fake, "health", &parcels[1]);
    parcels[1].message.header.message_id = parcels[0].message.header.message_id;
    parcels[1].record.message_id = parcels[0].record.message_id;
    fake_deliver(&fake, parcels, 2, NULL);
    ck_assert_str_eq(desk_alarm(&desk), "");
    ck_assert_uint_eq(events_of(&desk, "received"), 2);
    parcel_free(&parcels[0]);
    parcel_free(&parcels[1]);
}
END_TEST

/* A message that comes again was not acknowledged as far as the broker knows: the same receipt goes
 * again, and the message is stored once. A notice is acknowledged by its position. */
START_TEST(test_what_comes_again_is_acknowledged_again)
{
    struct parcel parcels[2];
    struct digest receipt;
    fake_begin(&fake);
    fake_parcel(&fake, "education", &parcels[0]);
    fake_parcel(&fake, "broker", &parcels[1]);
    fake_deliver(&fake, parcels, 2, NULL);
    struct ask *ack = &desk.asks[SLOT_ACK];
    ck_assert_uint_eq(ack->request.message_count, 1);
    ck_assert_uint_eq(ack->request.head.ack.plain_count, 1);
    receipt = ack->request.messages[0].digest;
    for (int i = 0; i < 3; i++) {
        (void)fake_accept(&fake, SLOT_ACK);
        fake_deliver(&fake, parcels, 2, NULL);
        ck_assert_str_eq(desk_alarm(&desk), "");
        ck_assert(ack->open);
        ck_assert_uint_eq(ack->request.message_count, 1);
        ck_assert(digest_equal(&ack->request.messages[0].digest, &receipt));
        ck_assert_uint_eq(ack->request.head.ack.plain_count, 1);
        ck_assert_uint_eq(ack->request.head.ack.plain[0].stream_seq, 2);
        if (i == 1) { /* also after a restart, in the middle of it */
            desk_restart(&desk);
            fake_settle_session(&fake);
            ck_assert_uint_eq(ack->request.message_count, 1);
            (void)fake_accept(&fake, SLOT_ACK);
            fake_deliver(&fake, parcels, 2, NULL);
        }
    }
    ck_assert_uint_eq(events_of(&desk, "received"), 2);
    ck_assert_uint_eq(number_at(desk_must(&desk, "{'cmd':'status'}"), "inbox.received"), 2);
    parcel_free(&parcels[0]);
    parcel_free(&parcels[1]);
}
END_TEST

/* The broker refused our receipt for good and still delivers: it is no reason to spin. */
START_TEST(test_a_refused_receipt_is_not_repeated_in_a_hot_loop)
{
    struct parcel parcel;
    struct slip slip;
    fake_begin(&fake);
    fake_parcel(&fake, "education", &parcel);
    fake_deliver(&fake, &parcel, 1, NULL);
    fake_slip(&fake, SLOT_ACK, 0, &slip);
    slip.record.kind = LEAF_REFUSED;
    slip.record.refusal = REFUSAL_DELIVERY;
    fake_receipts(&fake, SLOT_ACK, &slip, 1, NULL);
    fake_deliver(&fake, &parcel, 1, NULL);
    for (int i = 0; i < 2; i++) {
        ck_assert(!desk.asks[SLOT_ACK].open && !desk.asks[SLOT_FETCH].open);
        desk_pass(&desk, 29000);
        ck_assert(!desk.asks[SLOT_ACK].open && !desk.asks[SLOT_FETCH].open);
        desk_pass(&desk, 1000);
        fake_deliver(&fake, &parcel, 1, NULL);
    }
    parcel_free(&parcel);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_trust");
    TCase *tcase = tcase_create("trust");
    tcase_set_timeout(tcase, 60);
    desk_fixture(tcase);
    tcase_add_loop_test(tcase, test_lies_in_an_answer_to_fetch, 0, COUNT_OF(head_lies));
    tcase_add_loop_test(tcase, test_lies_in_an_answer_to_submit, 0, COUNT_OF(head_lies));
    tcase_add_loop_test(tcase, test_lies_in_an_answer_to_hello, 0, COUNT_OF(head_lies));
    tcase_add_loop_test(tcase, test_another_kind_of_answer_is_an_alarm, 0, 12);
    tcase_add_loop_test(tcase, test_lies_in_a_receipt, 0, COUNT_OF(receipt_lies));
    tcase_add_loop_test(tcase, test_too_few_or_too_many_receipts, 0, 3);
    tcase_add_loop_test(tcase, test_a_receipt_outside_of_the_log_that_the_reply_shows, 0, 2);
    tcase_add_loop_test(tcase, test_lies_in_a_delivery, 0, COUNT_OF(delivery_lies));
    tcase_add_test(tcase, test_an_id_of_another_sender_is_no_lie);
    tcase_add_test(tcase, test_what_comes_again_is_acknowledged_again);
    tcase_add_test(tcase, test_a_refused_receipt_is_not_repeated_in_a_hot_loop);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
