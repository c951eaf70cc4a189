/* agent/distrust: what the broker is not believed for, how long, and who ends it. */
#include "fake_desk.h"

static struct tree other_log;

/* Another log from record 2 on, as long as the honest one. */
static void fork_log(void)
{
    other_log = *fake.tree;
    for (uint64_t i = 2; i < other_log.size; i++) {
        other_log.leaves[i].bytes[0] ^= 1;
    }
}

enum err __real_store_commit(struct store_txn *txn);
enum err __wrap_store_commit(struct store_txn *txn);
static bool commit_fails; /* the next one: the disk is full */

enum err __wrap_store_commit(struct store_txn *txn)
{
    if (!commit_fails) {
        return __real_store_commit(txn);
    }
    commit_fails = false;
    store_abort(txn);
    return ERR_FULL;
}

/* --- what it is caught with --- */

static void shows_another_log(void)
{
    struct lie lie = {.tree = &other_log};
    fork_log();
    fake_nothing(&fake, &lie);
}
static void goes_back(void)
{
    struct lie lie = {.size = fake.tree->size - 1};
    fake_nothing(&fake, &lie);
}
static void is_a_stranger(void)
{
    struct lie lie = {.reply_key = &realm.stranger};
    fake_nothing(&fake, &lie);
}
static void answers_something_else(void)
{
    struct reply_head head = {.kind = REPLY_SUBMIT};
    fake_answer(&fake, SLOT_FETCH, &head, NULL);
}
static void deliver(struct parcel *parcel)
{
    fake_deliver(&fake, parcel, 1, NULL);
    parcel_free(parcel);
}
static void delivers_what_nobody_signed(void)
{
    struct parcel parcel;
    fake_parcel(&fake, "education", &parcel);
    parcel.bend_signature = true;
    deliver(&parcel);
}
static void delivers_by_an_unknown_key(void)
{
    struct parcel parcel;
    fake_parcel(&fake, "education", &parcel);
    parcel.signer = &realm.stranger;
    deliver(&parcel);
}
static void bends_a_receipt(void)
{
    struct slip slip;
    fake_slip(&fake, SLOT_SUBMIT, 0, &slip);
    slip.bend_path = true;
    fake_receipts(&fake, SLOT_SUBMIT, &slip, 1, NULL);
}
static void witness(struct seen *seen)
{
    tree_grow(fake.tree, 6);
    fake_nothing(&fake, NULL);
    desk_pass(&desk, 600000);
    fork_log();
    seen->agency = "education";
    fake_witnessed(&fake, seen, 1, NULL);
}
static void hides_what_others_saw(void)
{
    struct seen seen = {.size = fake.tree->size + 6 + 2};
    struct lie lie = {.size = 11};
    tree_grow(fake.tree, 6);
    fake_nothing(&fake, NULL);
    desk_pass(&desk, 600000);
    tree_grow(fake.tree, 2);
    seen.agency = "education";
    fake_witnessed(&fake, &seen, 1, &lie);
}
static void forges_a_countersignature(void)
{
    struct seen seen = {.size = 3, .bend_signature = true};
    witness(&seen);
}
static void shows_others_another_log(void)
{
    struct seen seen = {.size = 11, .tree = &other_log};
    witness(&seen);
}

static const struct {
    const char *kind;
    void (*lies)(void);
    bool lasts, evident;
} cases[] = {
    {"log-split", shows_another_log, true, true},
    {"log-split", shows_others_another_log, true, true},
    {"log-hidden", hides_what_others_saw, true, true},
    {"receipt", bends_a_receipt, true, true},
    {"delivery", delivers_what_nobody_signed, true, true},
    {"witness", forges_a_countersignature, true, true},
    {"log-back", goes_back, false, true},
    {"unsigned", is_a_stranger, false, false},
    {"answer", answers_something_else, false, true},
    {"unproven", delivers_by_an_unknown_key, false, true},
};

#define STATUS desk_must(&desk, "{'cmd':'status'}")

static bool says(const char *flag)
{
    (void)STATUS;
    return count_in(&desk.answer, flag) == 1;
}

/* A message waits; what the desk asks for from then on is counted. */
static void catch_it(int i)
{
    fake_begin(&fake);
    desk_say(&desk, SAY_OUTBOUND);
    cases[i].lies();
    ck_assert_msg(!absent_at(STATUS, "distrust"), "%s: believed", cases[i].kind);
    ck_assert_str_eq(text_at(STATUS, "distrust.kind"), cases[i].kind);
    ck_assert(says(cases[i].lasts ? "\"lasts\":true" : "\"lasts\":false"));
    ck_assert_uint_eq(desk.evidence_files, cases[i].evident ? 1 : 0);
    ck_assert_uint_eq(events_of(&desk, "alarm"), 1);
}

static size_t rows(void)
{
    struct json_value told = desk_must(&desk, "{'cmd':'distrust'}"), list;
    list = json_member(&told, "rows");
    return json_count(&list);
}

static void end_open(void)
{
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        if (desk.asks[slot].open) {
            desk_fail(&desk, (enum agent_slot)slot, ERR_CLOSED);
        }
    }
}

/* Greetings in half a minute each, honestly answered. */
static void greet(unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        desk_pass(&desk, 30000);
        ck_assert(desk.asks[SLOT_SESSION].open);
        ck_assert_int_eq(desk.asks[SLOT_SESSION].request.head.kind, REQUEST_HELLO);
        fake_hello(&fake, NULL);
    }
}

START_TEST(test_what_lasts_waits_for_a_word)
{
    catch_it(_i);
    end_open();
    unsigned messages = desk.asked[SLOT_SUBMIT] + desk.asked[SLOT_FETCH] + desk.asked[SLOT_ACK];
    greet(1);
    if (!cases[_i].lasts) {
        ck_assert(absent_at(STATUS, "distrust"));
        ck_assert_uint_eq(rows(), 0);
        ck_assert(desk.asks[SLOT_FETCH].open);
        return;
    }
    greet(3);
    ck_assert(says("\"fits_again\":true"));
    ck_assert(says("\"connected\":false"));
    ck_assert_uint_eq(messages,
                      desk.asked[SLOT_SUBMIT] + desk.asked[SLOT_FETCH] + desk.asked[SLOT_ACK]);
    ck_assert_uint_eq(rows(), 1);
    desk_must(&desk, "{'cmd':'distrust-clear','reason':'the broker was replaced'}");
    ck_assert(absent_at(STATUS, "distrust"));
    ck_assert(desk.asks[SLOT_SESSION].open);
    fake_hello(&fake, NULL);
    ck_assert(desk.asks[SLOT_FETCH].open);
    ck_assert_uint_eq(number_at(STATUS, "outbox.waiting"), 1);
    ck_assert_uint_eq(rows(), 1);
    struct json_value told = desk_must(&desk, "{'cmd':'distrust'}");
    ck_assert_str_eq(text_at(told, "rows.0.by"), "administrator");
    ck_assert_str_eq(text_at(told, "rows.0.reason"), "the broker was replaced");
    ck_assert_str_eq(text_at(told, "rows.0.kind"), cases[_i].kind);
    desk_restart(&desk);
    ck_assert(absent_at(STATUS, "distrust"));
    ck_assert_uint_eq(rows(), 1);
}
END_TEST

/* A restart, or a kill, is no way to be believed again; nobody is told twice. */
START_TEST(test_what_lasts_lasts_over_restarts)
{
    catch_it(0);
    char message[AGENT_ALARM_BYTES];
    text_copy(message, sizeof(message), desk_alarm(&desk));
    struct json_value told = desk_must(&desk, "{'cmd':'distrust'}");
    char evidence[64];
    text_copy(evidence, sizeof(evidence), text_at(told, "rows.0.evidence"));
    fake_end_hooks(&fake);
    for (int i = 0; i < 2; i++) { /* the file was moved away, as the book says */
        buf_clear(&desk.events);
        buf_clear(&desk.hooks);
        desk_restart(&desk);
        ck_assert_str_eq(desk_alarm(&desk), message);
        agent_connected(desk.agent, true);
        fake_hello(&fake, NULL);
        greet(1);
        ck_assert(says("\"fits_again\":true"));
        ck_assert_uint_eq(events_of(&desk, "alarm"), 0);
        ck_assert_uint_eq(count_in(&desk.hooks, "\"event\":\"alarm\""), 0);
    }
    ck_assert_uint_eq(rows(), 1);
    desk_must(&desk, "{'cmd':'distrust-clear','reason':'x'}");
    told = desk_must(&desk, "{'cmd':'distrust'}");
    ck_assert_str_eq(text_at(told, "rows.0.by"), "administrator");
    ck_assert_str_ne(evidence, "");
    ck_assert_str_eq(text_at(told, "rows.0.evidence"), evidence);
}
END_TEST

/* What was asked before is answered after: it is not looked at, and comes again. */
START_TEST(test_nothing_is_taken_while_it_lasts)
{
    struct parcel parcel;
    fake_begin(&fake);
    desk_say(&desk, SAY_OUTBOUND);
    ck_assert(desk.asks[SLOT_SUBMIT].open && desk.asks[SLOT_FETCH].open);
    bends_a_receipt();
    struct digest before = desk_digest(&desk);
    fake_parcel(&fake, "education", &parcel);
    deliver(&parcel);
    struct digest after = desk_digest(&desk);
    ck_assert(digest_equal(&before, &after));
    ck_assert_uint_eq(number_at(STATUS, "outbox.waiting"), 1);
    greet(1);
    ck_assert_uint_eq(number_at(STATUS, "outbox.waiting"), 1);
    ck_assert(!desk.asks[SLOT_SUBMIT].open && !desk.asks[SLOT_FETCH].open);
}
END_TEST

/* The first reason stands; what is seen later is told beside it. */
START_TEST(test_a_later_lie_is_told_beside_the_first)
{
    struct lie back = {.size = 3};
    catch_it(3);
    end_open();
    desk_pass(&desk, 30000);
    fake_hello(&fake, &back);
    ck_assert_str_eq(text_at(STATUS, "distrust.kind"), "receipt");
    ck_assert_ptr_nonnull(strstr(text_at(STATUS, "distrust.later"), "went back"));
    ck_assert_uint_eq(desk.evidence_files, 1);
    desk_must(&desk, "{'cmd':'distrust-clear','reason':'x'}");
    fake_hello(&fake, &back); /* it is still so, and news again */
    ck_assert_str_eq(text_at(STATUS, "distrust.kind"), "log-back");
    ck_assert_uint_eq(desk.evidence_files, 2);
}
END_TEST

START_TEST(test_what_cannot_be_cleared)
{
    struct json_value answer;
    fake_begin(&fake);
    answer = desk_ask(&desk, "{'cmd':'distrust-clear','reason':'x'}");
    ck_assert_str_eq(text_at(answer, "code"), "distrust.none");
    goes_back();
    answer = desk_ask(&desk, "{'cmd':'distrust-clear','reason':'x'}");
    ck_assert_str_eq(text_at(answer, "code"), "distrust.passes");
    end_open();
    greet(1);
    ck_assert_str_eq(desk_alarm(&desk), "");
    shows_another_log();
    answer = desk_ask(&desk, "{'cmd':'distrust-clear','reason':''}");
    ck_assert_str_eq(text_at(answer, "code"), "agent.words");
    desk_must(&desk, "{'cmd':'distrust-clear','dry_run':true}");
    answer = desk_ask(&desk, "{'cmd':'distrust-clear'}");
    ck_assert_ptr_nonnull(strstr(text_at(answer, "place"), "reason"));
    ck_assert_str_ne(desk_alarm(&desk), "");
}
END_TEST

/* What could not be kept has no file; that of another lie is not its own. */
START_TEST(test_no_row_names_the_file_of_another)
{
    catch_it(3);
    desk_must(&desk, "{'cmd':'distrust-clear','reason':'x'}");
    fake_settle_session(&fake);
    desk_pass(&desk, 1);
    desk.evidence_result = ERR_FULL;
    shows_another_log();
    struct json_value told = desk_must(&desk, "{'cmd':'distrust'}");
    ck_assert_str_eq(text_at(told, "rows.1.kind"), "log-split");
    ck_assert(absent_at(told, "rows.1.evidence"));
    ck_assert(!absent_at(told, "rows.0.evidence"));
}
END_TEST

/* Believed is what is durable: a greeting that could not be kept says nothing. */
START_TEST(test_a_greeting_that_is_not_kept_is_none)
{
    catch_it(6);
    end_open();
    desk_pass(&desk, 30000);
    buf_clear(&desk.events);
    commit_fails = true;
    fake_hello(&fake, NULL);
    ck_assert(!commit_fails);
    ck_assert_str_eq(text_at(STATUS, "distrust.kind"), "log-back");
    ck_assert(says("\"connected\":false"));
    for (unsigned slot = 0; slot < SLOT_COUNT; slot++) {
        ck_assert(!desk.asks[slot].open);
    }
    desk_pass(&desk, 30000);
    fake_hello(&fake, NULL);
    ck_assert(absent_at(STATUS, "distrust"));
    ck_assert(desk.asks[SLOT_FETCH].open);
}
END_TEST

/* The newest 64 are kept. */
START_TEST(test_the_oldest_is_forgotten)
{
    fake_begin(&fake);
    for (int i = 0; i < 70; i++) {
        shows_another_log();
        desk_must(&desk, "{'cmd':'distrust-clear','reason':'x'}");
        fake_settle_session(&fake);
        desk_pass(&desk, 1);
    }
    ck_assert_uint_eq(rows(), 64);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_distrust");
    TCase *tcase = tcase_create("all");
    desk_fixture(tcase);
    tcase_add_loop_test(tcase, test_what_lasts_waits_for_a_word, 0,
                        (int)(sizeof(cases) / sizeof(cases[0])));
    tcase_add_test(tcase, test_what_lasts_lasts_over_restarts);
    tcase_add_test(tcase, test_nothing_is_taken_while_it_lasts);
    tcase_add_test(tcase, test_a_later_lie_is_told_beside_the_first);
    tcase_add_test(tcase, test_what_cannot_be_cleared);
    tcase_add_test(tcase, test_no_row_names_the_file_of_another);
    tcase_add_test(tcase, test_a_greeting_that_is_not_kept_is_none);
    tcase_add_test(tcase, test_the_oldest_is_forgotten);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
