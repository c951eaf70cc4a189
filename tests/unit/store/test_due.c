/* lib/store/due: rows in order of time, one a referral, however they are moved. */
#include "store/due.h"
#include "store_support.h"

#define REFERRALS 50u

static struct case_key key_of(uint64_t number)
{
    return (struct case_key){.case_id = make_id(number % 7), .referral_id = make_id(number)};
}

static struct store *fresh(void)
{
    struct store_options options = broker_options();
    return open_store(&options);
}

START_TEST(empty_index_has_no_row)
{
    struct store *store = fresh();
    struct store_txn *txn = begin(store);
    struct due_row row;
    struct case_key key = key_of(1);
    ck_assert_int_eq(due_first(txn, &row), ERR_NOT_FOUND);
    ck_assert_int_eq(due_move(txn, &key, 0, 0), OK);
    ck_assert_int_eq(due_first(txn, &row), ERR_NOT_FOUND);
    commit(txn);
    store_close(store);
}
END_TEST

START_TEST(moving_a_row_that_is_not_there_is_damage)
{
    struct store *store = fresh();
    struct store_txn *txn = begin(store);
    struct case_key key = key_of(1);
    ck_assert_int_eq(due_move(txn, &key, 0, 1000), OK);
    ck_assert_int_eq(due_move(txn, &key, 999, 2000), ERR_CORRUPT);
    ck_assert_int_eq(store_commit(txn), ERR_CORRUPT); /* nothing of it is kept */
    txn = snapshot(store);
    struct due_row row;
    ck_assert_int_eq(due_first(txn, &row), ERR_NOT_FOUND);
    store_read_end(txn);
    store_close(store);
}
END_TEST

/* Rows in order, each referral at most once, and each where `due` says. */
static void expect_index(struct store *store, const uint64_t due[REFERRALS])
{
    struct store_txn *txn = snapshot(store);
    bool seen[REFERRALS] = {false};
    struct due_row row;
    uint64_t last_ms = 0;
    unsigned rows = 0;
    enum err error = due_first(txn, &row);
    while (error == OK) {
        ck_assert_uint_ge(row.due_ms, last_ms);
        last_ms = row.due_ms;
        bool known = false;
        for (unsigned i = 0; i < REFERRALS; i++) {
            struct case_key key = key_of(i);
            if (uuid_equal(&key.referral_id, &row.key.referral_id)) {
                ck_assert(!seen[i]);
                ck_assert_uint_eq(due[i], row.due_ms);
                ck_assert(uuid_equal(&key.case_id, &row.key.case_id));
                seen[i] = true;
                known = true;
            }
        }
        ck_assert(known);
        rows++;
        struct due_row at = row;
        error = due_after(txn, &at, &row);
    }
    ck_assert_int_eq(error, ERR_NOT_FOUND);
    unsigned wanted = 0;
    for (unsigned i = 0; i < REFERRALS; i++) {
        wanted += due[i] != 0 ? 1u : 0u;
    }
    ck_assert_uint_eq(rows, wanted);
    store_read_end(txn);
}

START_TEST(rows_follow_their_referrals)
{
    struct store *store = fresh();
    uint64_t due[REFERRALS] = {0};
    uint64_t seed = 99;
    for (unsigned round = 0; round < 60; round++) {
        struct store_txn *txn = begin(store);
        for (unsigned i = 0; i < 10; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            unsigned which = (unsigned)(seed >> 40) % REFERRALS;
            /* few instants, so that many fall together; UINT64_MAX is one */
            uint64_t ms = (seed >> 30) % 4 == 0 ? 0 : (seed >> 20) % 5 * 1000;
            ms = ms == 4000 ? UINT64_MAX : ms;
            struct case_key key = key_of(which);
            ck_assert_int_eq(due_move(txn, &key, due[which], ms), OK);
            due[which] = ms;
        }
        commit(txn);
        expect_index(store, due);
    }
    store_close(store);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("due");
    TCase *cases = tcase_create("due");
    tcase_add_checked_fixture(cases, folder_setup, folder_teardown);
    tcase_add_test(cases, empty_index_has_no_row);
    tcase_add_test(cases, moving_a_row_that_is_not_there_is_damage);
    tcase_add_test(cases, rows_follow_their_referrals);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void)
{
    return suite_run(suite());
}
