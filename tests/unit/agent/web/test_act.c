/* agent/web/act: every act is there, in order, about what it was about. */
#include <string.h>

#include "agent/web/act.h"
#include "unit/store/store_support.h"

#define NOW_MS UINT64_C(1772413200000) /* 2026-03-02 09:00 +08:00 */

static struct store *store;

static void setup(void)
{
    struct store_options options = agent_options();
    folder_setup();
    store = open_store(&options);
}

static void teardown(void)
{
    store_close(store);
    folder_teardown();
}

static void add(uint64_t about, uint64_t at_ms, const char *reason)
{
    struct act act = {.about = make_id(about),
                      .at_ms = at_ms,
                      .kind = ACT_REVEALED,
                      .message_id = make_id(about + 1000),
                      .officer = "gaowa",
                      .shown = "高娃"};
    struct store_txn *txn = begin(store);
    text_copy(act.reason, sizeof(act.reason), reason);
    ck_assert_int_eq(act_add(txn, &act), OK);
    commit(txn);
}

/* The reasons of all acts about it, one after the other. */
static const char *reasons_of(uint64_t about)
{
    static char all[512];
    struct store_txn *read = snapshot(store);
    const struct uuid id = make_id(about);
    uint64_t position = 0, before = 0;
    struct act act;
    size_t len = 0;
    all[0] = '\0';
    while (act_next(read, &id, position, &position, &act) == OK) {
        ck_assert_uint_gt(position, before);
        ck_assert(uuid_equal(&act.about, &id));
        before = position;
        text_copy(all + len, sizeof(all) - len, act.reason);
        len += strlen(act.reason);
    }
    store_read_end(read);
    return all;
}

START_TEST(test_all_of_it)
{
    struct act act = {.about = make_id(1),
                      .at_ms = NOW_MS,
                      .kind = ACT_DOWNLOADED,
                      .message_id = make_id(2),
                      .officer = "gaowa",
                      .shown = "高娃",
                      .reason = "审查核实：电话回访"};
    struct act found;
    uint64_t position;
    struct store_txn *txn = begin(store);
    ck_assert_int_eq(act_add(txn, &act), OK);
    commit(txn);
    txn = snapshot(store);
    ck_assert_int_eq(act_next(txn, &act.about, 0, &position, &found), OK);
    ck_assert_uint_eq(position, NOW_MS);
    ck_assert_uint_eq(found.at_ms, NOW_MS);
    ck_assert_int_eq(found.kind, ACT_DOWNLOADED);
    ck_assert(uuid_equal(&found.message_id, &act.message_id));
    ck_assert(uuid_equal(&found.about, &act.about));
    ck_assert_str_eq(found.officer, act.officer);
    ck_assert_str_eq(found.shown, act.shown);
    ck_assert_str_eq(found.reason, act.reason);
    ck_assert_int_eq(act_next(txn, &act.about, position, &position, &found), ERR_NOT_FOUND);
    store_read_end(txn);
}
END_TEST

START_TEST(test_longest_texts)
{
    struct act act = {.about = make_id(1), .at_ms = NOW_MS, .kind = ACT_SENT}, found;
    uint64_t position;
    memset(act.officer, 'o', sizeof(act.officer) - 1);
    memset(act.shown, 's', sizeof(act.shown) - 1);
    memset(act.reason, 'r', sizeof(act.reason) - 1);
    struct store_txn *txn = begin(store);
    ck_assert_int_eq(act_add(txn, &act), OK);
    commit(txn);
    txn = snapshot(store);
    ck_assert_int_eq(act_next(txn, &act.about, 0, &position, &found), OK);
    ck_assert_str_eq(found.officer, act.officer);
    ck_assert_str_eq(found.shown, act.shown);
    ck_assert_str_eq(found.reason, act.reason);
    store_read_end(txn);
}
END_TEST

START_TEST(test_oldest_first)
{
    add(1, NOW_MS + 2000, "c");
    add(1, NOW_MS, "a");
    add(1, NOW_MS + 1000, "b");
    ck_assert_str_eq(reasons_of(1), "abc");
}
END_TEST

START_TEST(test_two_in_one_millisecond)
{
    add(1, NOW_MS, "a");
    add(1, NOW_MS, "b");
    add(1, NOW_MS + 1, "c"); /* whose place the second has taken */
    add(1, NOW_MS, "d");
    ck_assert_str_eq(reasons_of(1), "abcd");
}
END_TEST

/* Nobody else's, and not of the ids beside it. */
START_TEST(test_about_one_alone)
{
    add(1, NOW_MS, "a");
    add(2, NOW_MS, "b");
    add(3, NOW_MS, "c");
    add(2, NOW_MS, "d");
    ck_assert_str_eq(reasons_of(1), "a");
    ck_assert_str_eq(reasons_of(2), "bd");
    ck_assert_str_eq(reasons_of(3), "c");
    ck_assert_str_eq(reasons_of(4), "");
}
END_TEST

START_TEST(test_gone_with_the_transaction)
{
    const struct act act = {.about = make_id(1), .at_ms = NOW_MS, .kind = ACT_SENT, .reason = "x"};
    struct store_txn *txn = begin(store);
    ck_assert_int_eq(act_add(txn, &act), OK);
    store_abort(txn);
    ck_assert_str_eq(reasons_of(1), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_web_act");
    TCase *tcase = tcase_create("act");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_all_of_it);
    tcase_add_test(tcase, test_longest_texts);
    tcase_add_test(tcase, test_oldest_first);
    tcase_add_test(tcase, test_two_in_one_millisecond);
    tcase_add_test(tcase, test_about_one_alone);
    tcase_add_test(tcase, test_gone_with_the_transaction);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
