/* agent/web/officer: names, roles, the lock, the rows and their order. */
#include <string.h>

#include "agent/web/officer.h"
#include "unit/store/store_support.h"

#define NOW_MS UINT64_C(1772413200000) /* 2026-03-02 09:00 +08:00 */

START_TEST(test_names)
{
    static const char *const good[] = {"a",      "gaowa", "li.na",
                                       "wang_2", "x-1",   "abcdefghijklmnopqrstuvwxyz012345"};
    static const char *const bad[] = {"",
                                      "1a",
                                      ".a",
                                      "-a",
                                      "Gaowa",
                                      "gao wa",
                                      "高娃",
                                      "a/b",
                                      "a\n",
                                      "a@b",
                                      "abcdefghijklmnopqrstuvwxyz0123456"};
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        ck_assert_msg(officer_name_valid(good[i]), "%s", good[i]);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        ck_assert_msg(!officer_name_valid(bad[i]), "%s", bad[i]);
    }
}
END_TEST

START_TEST(test_roles)
{
    static const char *const bad[] = {"",
                                      ",",
                                      "Member",
                                      "member,",
                                      ",member",
                                      "member,,leader",
                                      "member leader",
                                      "admin",
                                      "member,admin",
                                      "memberleader"};
    ck_assert_uint_eq(officer_roles_parse("member"), OFFICER_MEMBER);
    ck_assert_uint_eq(officer_roles_parse("leader"), OFFICER_LEADER);
    ck_assert_uint_eq(officer_roles_parse("manager"), OFFICER_MANAGER);
    ck_assert_uint_eq(officer_roles_parse("leader,member"), OFFICER_MEMBER | OFFICER_LEADER);
    ck_assert_uint_eq(officer_roles_parse("member,member"), OFFICER_MEMBER);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        ck_assert_msg(officer_roles_parse(bad[i]) == 0, "%s", bad[i]);
    }
}
END_TEST

START_TEST(test_lock)
{
    struct officer officer = {.name = "gaowa"};
    for (unsigned i = 1; i < OFFICER_FAILURES_MAX; i++) {
        officer_failed(&officer, NOW_MS);
        ck_assert_uint_eq(officer.failures, i);
        ck_assert(!officer_locked(&officer, NOW_MS));
    }
    officer_failed(&officer, NOW_MS);
    ck_assert(officer_locked(&officer, NOW_MS));
    ck_assert(officer_locked(&officer, NOW_MS + UINT64_C(15) * 60 * 1000 - 1));
    ck_assert(!officer_locked(&officer, NOW_MS + UINT64_C(15) * 60 * 1000));
    /* after it there are five tries again */
    officer_failed(&officer, NOW_MS + OFFICER_LOCKED_MS);
    ck_assert(!officer_locked(&officer, NOW_MS + OFFICER_LOCKED_MS));
}
END_TEST

START_TEST(test_right_password_forgets_failures)
{
    struct officer officer = {.name = "gaowa"};
    for (unsigned i = 1; i < OFFICER_FAILURES_MAX; i++) {
        officer_failed(&officer, NOW_MS);
    }
    officer_entered(&officer, NOW_MS);
    ck_assert_uint_eq(officer.last_login_ms, NOW_MS);
    for (unsigned i = 1; i < OFFICER_FAILURES_MAX; i++) {
        officer_failed(&officer, NOW_MS);
        ck_assert(!officer_locked(&officer, NOW_MS));
    }
}
END_TEST

START_TEST(test_rows)
{
    struct store_options options = agent_options();
    struct store *store = open_store(&options);
    struct officer officer = {.name = "gaowa",
                              .shown = "高娃",
                              .office = "社会\"救助\"科",
                              .roles = OFFICER_MEMBER | OFFICER_LEADER,
                              .password = "$argon2id$x",
                              .must_change = true,
                              .failures = 3,
                              .locked_until_ms = NOW_MS,
                              .last_login_ms = NOW_MS - 1,
                              .language = LANGUAGE_EN,
                              .large = true};
    struct officer found;
    ck_assert_int_eq(officer_get(store, "gaowa", &found), ERR_NOT_FOUND);
    ck_assert_int_eq(officer_put(store, &officer), OK);
    store_close(store);
    store = open_store(&options); /* durable */
    ck_assert_int_eq(officer_get(store, "gaowa", &found), OK);
    ck_assert_str_eq(found.name, officer.name);
    ck_assert_str_eq(found.shown, officer.shown);
    ck_assert_str_eq(found.office, officer.office);
    ck_assert_str_eq(found.password, officer.password);
    ck_assert_uint_eq(found.roles, officer.roles);
    ck_assert(found.must_change && !found.disabled && found.large);
    ck_assert_uint_eq(found.failures, 3);
    ck_assert_uint_eq(found.locked_until_ms, NOW_MS);
    ck_assert_uint_eq(found.last_login_ms, NOW_MS - 1);
    ck_assert_int_eq(found.language, LANGUAGE_EN);
    officer.disabled = true;
    ck_assert_int_eq(officer_put(store, &officer), OK);
    ck_assert_int_eq(officer_get(store, "gaowa", &found), OK);
    ck_assert(found.disabled);
    ck_assert_int_eq(officer_get(store, "gaow", &found), ERR_NOT_FOUND);
    ck_assert_int_eq(officer_get(store, "gaowab", &found), ERR_NOT_FOUND);
    ck_assert_int_eq(officer_get(store, "", &found), ERR_NOT_FOUND);
    ck_assert_int_eq(officer_get(store, "../o", &found), ERR_NOT_FOUND);
    store_close(store);
}
END_TEST

/* The longest of everything, of signs that JSON writes long. */
START_TEST(test_longest_row)
{
    struct store_options options = agent_options();
    struct store *store = open_store(&options);
    struct officer officer = {.roles = OFFICER_MEMBER}, found;
    memset(officer.name, 'a', sizeof(officer.name) - 1);
    memset(officer.shown, '"', sizeof(officer.shown) - 1);
    memset(officer.office, '\t', sizeof(officer.office) - 1);
    memset(officer.password, '$', sizeof(officer.password) - 1);
    ck_assert_int_eq(officer_put(store, &officer), OK);
    ck_assert_int_eq(officer_get(store, officer.name, &found), OK);
    ck_assert_str_eq(found.shown, officer.shown);
    ck_assert_str_eq(found.office, officer.office);
    ck_assert_str_eq(found.password, officer.password);
    store_close(store);
}
END_TEST

START_TEST(test_next_is_by_name)
{
    static const char *const put[] = {"wang", "bao", "bao-2", "li"};
    static const char *const order[] = {"bao", "bao-2", "li", "wang"};
    struct store_options options = agent_options();
    struct store *store = open_store(&options);
    struct officer officer = {.roles = OFFICER_MEMBER}, found;
    ck_assert_int_eq(officer_next(store, "", &found), ERR_NOT_FOUND);
    for (size_t i = 0; i < COUNT_OF(put); i++) {
        text_copy(officer.name, sizeof(officer.name), put[i]);
        ck_assert_int_eq(officer_put(store, &officer), OK);
    }
    char after[OFFICER_NAME_BYTES] = "";
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        ck_assert_int_eq(officer_next(store, after, &found), OK);
        ck_assert_str_eq(found.name, order[i]);
        text_copy(after, sizeof(after), found.name);
    }
    ck_assert_int_eq(officer_next(store, after, &found), ERR_NOT_FOUND);
    ck_assert_int_eq(officer_next(store, "c", &found), OK); /* of one that is gone */
    ck_assert_str_eq(found.name, "li");
    store_close(store);
}
END_TEST

START_TEST(test_given_password)
{
    char first[OFFICER_GIVEN_BYTES], second[OFFICER_GIVEN_BYTES];
    officer_password_new(first);
    officer_password_new(second);
    ck_assert_str_ne(first, second);
    ck_assert_uint_eq(strlen(first), 19);
    ck_assert_uint_ge(strlen(first), OFFICER_PASSWORD_LENGTH);
    for (size_t i = 0; i < strlen(first); i++) {
        ck_assert_msg(i % 5 == 4 ? first[i] == '-'
                                 : strchr("abcdefghjkmnpqrstuvwxyz23456789", first[i]) != NULL,
                      "%s", first);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_web_officer");
    TCase *tcase = tcase_create("officer");
    tcase_add_checked_fixture(tcase, folder_setup, folder_teardown);
    tcase_add_test(tcase, test_names);
    tcase_add_test(tcase, test_roles);
    tcase_add_test(tcase, test_lock);
    tcase_add_test(tcase, test_right_password_forgets_failures);
    tcase_add_test(tcase, test_rows);
    tcase_add_test(tcase, test_longest_row);
    tcase_add_test(tcase, test_next_is_by_name);
    tcase_add_test(tcase, test_given_password);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
