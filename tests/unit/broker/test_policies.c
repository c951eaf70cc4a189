/* broker/policies: each policy once, in the order of the log, with its text; a damaged row is told.
 */
#include "broker/in_force.h"
#include "broker/policies.h"
#include "unit/store/store_support.h"

static struct policy_version version_of(const char *text, uint64_t leaf)
{
    return (struct policy_version){.leaf = leaf,
                                   .at_ms = 1000 * leaf,
                                   .digest = crypto_digest(span_text(text)),
                                   .text = span_text(text)};
}

static struct store_txn *keep(struct store_txn *txn, const char *text, uint64_t leaf)
{
    struct policy_version version = version_of(text, leaf);

    ck_assert_int_eq(policies_keep(txn, &version), OK);
    return txn;
}

static void ck_version(struct store_txn *txn, uint64_t number, const char *text, uint64_t leaf)
{
    struct policy_version wanted = version_of(text, leaf), found;

    ck_assert_int_eq(policies_find(txn, number, &found), OK);
    ck_assert_uint_eq(found.leaf, leaf);
    ck_assert_uint_eq(found.at_ms, wanted.at_ms);
    ck_assert(digest_equal(&found.digest, &wanted.digest));
    ck_assert(span_equal(found.text, wanted.text));
}

START_TEST(each_is_kept_once)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    struct policy_version found;
    struct store_txn *txn = begin(store);

    ck_assert_int_eq(policies_find(txn, 1, &found), ERR_NOT_FOUND);
    (void)keep(txn, "a: 1", 300);
    (void)keep(txn, "a: 2", 4000);
    (void)keep(txn, "a: 1", 5000); /* back to the first: it is known */
    (void)keep(txn, "", 70000);
    commit(txn);
    txn = begin(store);
    ck_version(txn, 1, "a: 1", 300);
    ck_version(txn, 2, "a: 2", 4000);
    ck_version(txn, 3, "", 70000);
    ck_assert_int_eq(policies_find(txn, 4, &found), ERR_NOT_FOUND);
    store_abort(txn);
    store_close(store);
}
END_TEST

START_TEST(a_damaged_row_is_told)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    struct policy_version found, version = version_of("a: 2", 9);
    struct store_txn *txn = keep(begin(store), "a: 1", 3);

    ck_assert_int_eq(store_meta_put(txn, "policy/2", span_text("short")), OK);
    ck_version(txn, 1, "a: 1", 3);
    ck_assert_int_eq(policies_find(txn, 2, &found), ERR_CORRUPT);
    ck_assert_int_eq(policies_keep(txn, &version), ERR_CORRUPT);
    store_abort(txn);
    store_close(store);
}
END_TEST

/* One that comes again is in force since then, not since it was first; a restart changes nothing.
 */
START_TEST(one_is_in_force_since_it_came)
{
    static const struct {
        const char *text;
        uint64_t leaf, since;
    } rows[] = {{"a: 1", 3, 3}, {"a: 1", 5, 3}, {"a: 2", 7, 7}, {"a: 1", 9, 9}};
    struct store_options options = broker_options();
    struct store *store = open_store(&options);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct policy_version version = version_of(rows[i].text, rows[i].leaf);
        const struct policy_version third = version_of("b", 1);
        const struct in_force now = {version.leaf, version.at_ms};
        struct in_force since = {0}, other = {0};
        struct store_txn *txn = begin(store);

        ck_assert_int_eq(in_force_follow(txn, "a", &version.digest, &now, &since), OK);
        ck_assert_int_eq(in_force_follow(txn, "b", &third.digest, &now, &other), OK);
        ck_assert_uint_eq(since.leaf, rows[i].since);
        ck_assert_uint_eq(since.at_ms, 1000 * rows[i].since);
        ck_assert_uint_eq(other.leaf, 3);
        commit(txn);
    }
    store_close(store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policies");
    TCase *tests = tcase_create("policies");

    tcase_add_checked_fixture(tests, folder_setup, folder_teardown);
    tcase_add_test(tests, each_is_kept_once);
    tcase_add_test(tests, a_damaged_row_is_told);
    tcase_add_test(tests, one_is_in_force_since_it_came);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
