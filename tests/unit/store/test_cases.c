/* lib/store/cases and witness: referrals by case, numbers given once, counters, both kinds. */
#include <string.h>

#include "store/cases.h"
#include "store/witness.h"
#include "store_support.h"

static struct store *fresh(int kind)
{
    struct store_options options = kind == 0 ? broker_options() : agent_options();
    return open_store(&options);
}

static struct case_key key_of(uint64_t case_number, uint64_t referral)
{
    return (struct case_key){.case_id = make_id(case_number), .referral_id = make_id(referral)};
}

START_TEST(walks_find_each_referral_once_in_order)
{
    struct store *store = fresh(_i);
    struct store_txn *txn = begin(store);
    for (uint64_t i = 30; i > 0; i--) {
        struct case_key key = key_of(i / 3, i);
        ck_assert_int_eq(cases_put(txn, &key, span_of(&i, sizeof(i))), OK);
    }
    struct case_key at;
    struct span referral;
    uint64_t seen = 0;
    enum err error = cases_next(txn, NULL, NULL, &at, &referral);
    while (error == OK) {
        seen++;
        uint64_t value = 0;
        ck_assert_uint_eq(referral.len, sizeof(value));
        memcpy(&value, referral.data, sizeof(value));
        ck_assert_uint_eq(value, seen);
        struct case_key last = at;
        error = cases_next(txn, NULL, &last, &at, &referral);
    }
    ck_assert_int_eq(error, ERR_NOT_FOUND);
    ck_assert_uint_eq(seen, 30);
    struct uuid one = make_id(4); /* referrals 12, 13, 14 */
    seen = 0;
    error = cases_next(txn, &one, NULL, &at, &referral);
    while (error == OK) {
        struct case_key want = key_of(4, 12 + seen++);
        ck_assert_mem_eq(&at, &want, sizeof(want));
        error = cases_next(txn, &one, &want, &at, &referral);
    }
    ck_assert_uint_eq(seen, 3);
    struct uuid none = make_id(99);
    ck_assert_int_eq(cases_next(txn, &none, NULL, &at, &referral), ERR_NOT_FOUND);
    commit(txn);
    store_close(store);
}
END_TEST

START_TEST(damaged_referral_does_not_stop_the_walk)
{
    struct store *store = fresh(_i);
    struct store_txn *txn = begin(store);
    for (uint64_t i = 1; i <= 3; i++) {
        struct case_key key = key_of(1, i);
        ck_assert_int_eq(cases_put(txn, &key, span_text("packed")), OK);
    }
    commit(txn);
    store_close(store);
    struct case_key second = key_of(1, 2);
    (void)raw_flip("case", span_of(&second, sizeof(second)), 3, 1);
    store = fresh(_i);
    txn = snapshot(store);
    struct case_key at;
    struct span referral;
    struct case_key first = key_of(1, 1);
    ck_assert_int_eq(cases_next(txn, NULL, &first, &at, &referral), ERR_CORRUPT);
    ck_assert_mem_eq(&at, &second, sizeof(second));
    ck_assert_int_eq(cases_next(txn, NULL, &second, &at, &referral), OK);
    store_read_end(txn);
    store_close(store);
}
END_TEST

START_TEST(a_number_is_given_once)
{
    static const char *const impossible[] = {"", "#DB-2026", "0123456789012345678901234567890123"};
    struct store *store = fresh(_i);
    struct store_txn *txn = begin(store);
    struct case_key key = key_of(1, 2);
    struct case_key other = key_of(1, 3);
    struct case_key found;
    for (size_t i = 0; i < COUNT_OF(impossible); i++) {
        ck_assert_int_eq(number_put(txn, impossible[i], &key), ERR_INVALID);
        ck_assert_int_eq(number_find(txn, impossible[i], &found), ERR_NOT_FOUND);
    }
    ck_assert_int_eq(number_find(txn, "JC-2026-0001", &found), ERR_NOT_FOUND);
    ck_assert_int_eq(number_put(txn, "JC-2026-0001", &key), OK);
    ck_assert_int_eq(number_put(txn, "JC-2026-0001", &key), OK);
    ck_assert_int_eq(number_put(txn, "JC-2026-0001", &other), ERR_EXISTS);
    ck_assert_int_eq(number_find(txn, "JC-2026-0001", &found), OK);
    ck_assert_mem_eq(&found, &key, sizeof(key));
    uint64_t count = 0;
    for (uint64_t i = 1; i <= 3; i++) {
        ck_assert_int_eq(number_count(txn, "DB-2026", &count), OK);
        ck_assert_uint_eq(count, i);
    }
    ck_assert_int_eq(number_count(txn, "DB-2027", &count), OK);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(number_count(txn, "", &count), ERR_INVALID);
    commit(txn);
    txn = begin(store);
    ck_assert_int_eq(number_count(txn, "DB-2026", &count), OK);
    ck_assert_uint_eq(count, 4);
    store_abort(txn);
    store_close(store);
}
END_TEST

START_TEST(numbers_are_walked_by_their_beginning)
{
    static const char *const numbers[] = {"JZ-2026-0001",    "JZ-2026-0001-01", "JZ-2026-0002",
                                          "JZ-SX-2026-0001", "JZA-2026-0001",   "MZ-2026-0001"};
    struct store *store = fresh(_i);
    struct store_txn *txn = begin(store);
    struct case_key key = key_of(1, 2);
    char at[LIMIT_NUMBER_BYTES] = "", next[LIMIT_NUMBER_BYTES];
    uint64_t count;
    ck_assert_int_eq(number_count(txn, "DB-2026", &count), OK);
    for (size_t i = COUNT_OF(numbers); i > 0; i--) {
        ck_assert_int_eq(number_put(txn, numbers[i - 1], &key), OK);
    }
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(number_after(txn, "JZ-", at, next), OK);
        ck_assert_str_eq(next, numbers[i]);
        text_copy(at, sizeof(at), next);
    }
    ck_assert_int_eq(number_after(txn, "JZ-", at, next), ERR_NOT_FOUND);
    ck_assert_int_eq(number_after(txn, "SF-", "", next), ERR_NOT_FOUND);
    ck_assert_int_eq(number_after(txn, "JZ-", "JZ-2026-00015", next), OK);
    ck_assert_str_eq(next, "JZ-2026-0002");
    store_abort(txn);
    store_close(store);
}
END_TEST

START_TEST(witnesses_keep_their_newest_note)
{
    struct store *store = fresh(0);
    struct store_txn *txn = begin(store);
    struct witness_row row = {.agency = 7, .size = 10, .note = span_text("ten")};
    struct witness_row found;
    ck_assert_int_eq(witness_get(txn, 7, &found), ERR_NOT_FOUND);
    ck_assert_int_eq(witness_next(txn, 0, &found), ERR_NOT_FOUND);
    ck_assert_int_eq(witness_put(txn, &row), OK);
    row = (struct witness_row){.agency = 7, .size = 12, .note = span_text("twelve")};
    ck_assert_int_eq(witness_put(txn, &row), OK);
    row = (struct witness_row){.agency = 65535, .size = 3, .note = span_text("three")};
    ck_assert_int_eq(witness_put(txn, &row), OK);
    row.note.len = 0;
    ck_assert_int_eq(witness_put(txn, &row), ERR_TOO_LARGE);
    ck_assert_int_eq(witness_next(txn, 0, &found), OK);
    ck_assert_uint_eq(found.agency, 7);
    ck_assert_uint_eq(found.size, 12);
    ck_assert(span_equal(found.note, span_text("twelve")));
    ck_assert_int_eq(witness_next(txn, 8, &found), OK);
    ck_assert_uint_eq(found.agency, 65535);
    ck_assert_int_eq(witness_next(txn, 65536, &found), ERR_NOT_FOUND);
    commit(txn);
    store_close(store);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("cases");
    TCase *cases = tcase_create("cases");
    tcase_add_checked_fixture(cases, folder_setup, folder_teardown);
    tcase_add_loop_test(cases, walks_find_each_referral_once_in_order, 0, 2);
    tcase_add_loop_test(cases, damaged_referral_does_not_stop_the_walk, 0, 2);
    tcase_add_loop_test(cases, a_number_is_given_once, 0, 2);
    tcase_add_loop_test(cases, numbers_are_walked_by_their_beginning, 0, 2);
    tcase_add_test(cases, witnesses_keep_their_newest_note);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void)
{
    return suite_run(suite());
}
