/* lib/store/handed: what was handed back, in its order, once. */
#include "store/handed.h"
#include "store_support.h"

START_TEST(test_items_leave_in_order_and_come_once)
{
    const struct digest hash = {{1}}, other = {{2}};
    const uint64_t places[] = {UINT64_C(1) << 40, 7, 300};
    const uint64_t order[] = {7, 300, UINT64_C(1) << 40};
    struct handed_item item = {.receipt = span_text("receipt"), .envelope = span_text("envelope")};
    const struct store_options options = broker_options();
    struct store *store = open_store(&options);
    struct store_txn *txn = begin(store);
    ck_assert_int_eq(handed_first(txn, &item), ERR_NOT_FOUND);
    for (size_t i = 0; i < 3; i++) {
        item.order = places[i];
        item.place = 1000 - i; /* another order */
        ck_assert_int_eq(handed_put(txn, &item, &hash), OK);
        ck_assert_int_eq(handed_put(txn, &item, &hash), ERR_EXISTS);
        ck_assert_int_eq(handed_put(txn, &item, &other), ERR_FORGED);
    }
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(handed_first(txn, &item), OK);
        ck_assert_uint_eq(item.order, order[i]);
        ck_assert(span_equal(item.receipt, span_text("receipt")));
        ck_assert(span_equal(item.envelope, span_text("envelope")));
        ck_assert_int_eq(handed_remove(txn, &item), OK);
        ck_assert_int_eq(handed_put(txn, &item, &hash), ERR_EXISTS); /* applied already */
    }
    ck_assert_int_eq(handed_first(txn, &item), ERR_NOT_FOUND);
    uint64_t place = 0;
    ck_assert_int_eq(handed_place(txn, 999, &place), OK);
    ck_assert_uint_eq(place, 999);
    ck_assert_int_eq(handed_place(txn, 1001, &place), ERR_NOT_FOUND);
    store_abort(txn);
    store_close(store);
}
END_TEST

START_TEST(test_notices_of_one_referral)
{
    const struct store_options options = broker_options();
    struct store *store = open_store(&options);
    struct store_txn *txn = begin(store);
    struct handed_notice notice = {.referral_id = make_id(2), .envelope = span_text("n")};
    uint64_t count = 0;

    for (uint16_t recipient = 1; recipient < 4; recipient++) {
        notice.recipient = recipient;
        notice.place = 100u - recipient;
        ck_assert_int_eq(handed_notice_put(txn, &notice), OK);
    }
    struct handed_notice foreign = {
        .referral_id = make_id(3), .recipient = 1, .place = 1, .envelope = span_text("n")};
    ck_assert_int_eq(handed_notice_put(txn, &foreign), OK);
    ck_assert_int_eq(handed_notice_count(txn, &count), OK);
    ck_assert_uint_eq(count, 4);
    notice = (struct handed_notice){.referral_id = make_id(2)};
    for (uint16_t recipient = 1; recipient < 4; recipient++) {
        ck_assert_int_eq(handed_notice_next(txn, &notice), OK);
        ck_assert_uint_eq(notice.recipient, recipient);
        ck_assert_uint_eq(notice.place, 100u - recipient);
    }
    ck_assert_int_eq(handed_notice_next(txn, &notice), ERR_NOT_FOUND);
    ck_assert_int_eq(handed_notice_remove(txn, &foreign), OK);
    ck_assert_int_eq(handed_notice_count(txn, &count), OK);
    ck_assert_uint_eq(count, 3);
    store_abort(txn);
    store_close(store);
}
END_TEST

START_TEST(test_who_is_done)
{
    const struct store_options options = broker_options();
    struct store *store = open_store(&options);
    struct store_txn *txn = begin(store);
    uint8_t how = 9;

    ck_assert_int_eq(handed_all_get(txn, 1, &how), OK);
    ck_assert_uint_eq(how, 0);
    ck_assert_int_eq(handed_all_put(txn, 1, 1), OK);
    ck_assert_int_eq(handed_all_put(txn, 2, 2), OK);
    ck_assert_int_eq(handed_all_get(txn, 2, &how), OK);
    ck_assert_uint_eq(how, 2);
    ck_assert_int_eq(handed_all_clear(txn), OK);
    ck_assert_int_eq(handed_all_get(txn, 1, &how), OK);
    ck_assert_uint_eq(how, 0);
    store_abort(txn);
    store_close(store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("handed");
    TCase *cases = tcase_create("handed");
    tcase_add_checked_fixture(cases, folder_setup, folder_teardown);
    tcase_add_test(cases, test_items_leave_in_order_and_come_once);
    tcase_add_test(cases, test_notices_of_one_referral);
    tcase_add_test(cases, test_who_is_done);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
