/* Dead letters and reasons: open ones in the order of their leaves, settled ones newest first and
 * never among the open; a text for each command, once. */
#include <string.h>

#include "store/dead.h"
#include "store/reasons.h"
#include "store_support.h"

static struct dead_row row_of(uint64_t leaf, enum dead_settled settled)
{
    struct dead_row row = {.leaf = leaf,
                           .cause = DEAD_UNREADABLE,
                           .settled = settled,
                           .since_ms = 1000 + leaf,
                           .settled_leaf = settled != DEAD_OPEN ? leaf + 1 : 0};

    text_copy(row.detail, sizeof(row.detail), "unreadable body.persons");
    return row;
}

static void put(struct store_txn *txn, uint64_t leaf, enum dead_settled settled)
{
    const struct dead_row row = row_of(leaf, settled);

    ck_assert_int_eq(dead_put(txn, &row), OK);
}

START_TEST(open_and_settled_lie_apart)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    struct store_txn *txn = begin(store);
    struct dead_row row;

    ck_assert_int_eq(dead_open_next(txn, 0, &row), ERR_NOT_FOUND);
    ck_assert_int_eq(dead_settled_before(txn, UINT64_MAX, &row), ERR_NOT_FOUND);
    for (uint64_t leaf = 0; leaf < 1000; leaf += 100) {
        put(txn, leaf, DEAD_OPEN);
    }
    for (uint64_t leaf = 0; leaf < 1000; leaf += 200) {
        put(txn, leaf, leaf == 0 ? DEAD_RETRIED : DEAD_DROPPED);
    }
    uint64_t wanted = 100;
    for (uint64_t from = 0; dead_open_next(txn, from, &row) == OK; from = row.leaf + 1) {
        ck_assert_uint_eq(row.leaf, wanted);
        ck_assert_int_eq(row.settled, DEAD_OPEN);
        wanted += 200;
    }
    ck_assert_uint_eq(wanted, 1100);
    wanted = 800;
    uint64_t before = UINT64_MAX;
    unsigned count = 0;
    for (; dead_settled_before(txn, before, &row) == OK; before = row.leaf) {
        ck_assert_uint_eq(row.leaf, wanted - 200 * count);
        ck_assert_uint_eq(row.settled_leaf, row.leaf + 1);
        count++;
    }
    ck_assert_uint_eq(count, 5);
    ck_assert_int_eq(dead_get(txn, 0, &row), OK);
    ck_assert_int_eq(row.settled, DEAD_RETRIED);
    ck_assert_int_eq(dead_get(txn, 100, &row), OK);
    ck_assert_uint_eq(row.since_ms, 1100);
    ck_assert_str_eq(row.detail, "unreadable body.persons");
    ck_assert_int_eq(dead_get(txn, 50, &row), ERR_NOT_FOUND);
    ck_assert_int_eq(store_commit(txn), OK);
    store_close(store);
}
END_TEST

START_TEST(a_reason_is_kept_once)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    struct store_txn *txn = begin(store);
    struct span text;

    ck_assert_int_eq(reason_put(txn, 7, span_text("moved house")), OK);
    ck_assert_int_eq(reason_put(txn, 7, span_text("another")), ERR_EXISTS);
    ck_assert_int_eq(reason_get(txn, 7, &text), OK);
    ck_assert(span_equal(text, span_text("moved house")));
    ck_assert_int_eq(reason_get(txn, 8, &text), ERR_NOT_FOUND);
    store_abort(txn);
    store_close(store);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("dead");
    TCase *cases = tcase_create("dead");
    tcase_add_checked_fixture(cases, folder_setup, folder_teardown);
    tcase_add_test(cases, open_and_settled_lie_apart);
    tcase_add_test(cases, a_reason_is_kept_once);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void)
{
    return suite_run(suite());
}
