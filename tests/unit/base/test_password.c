/* base/password: what matches a hash, and what never does. */
#include <string.h>

#include "base/crypto.h"
#include "base/password.h"
#include "unit/suite.h"

static char hash[PASSWORD_HASH_BYTES];

static void setup(void)
{
    ck_assert_int_eq(crypto_init(), OK);
    ck_assert_int_eq(password_hash(span_text("kuku-namur-1947"), hash), OK);
}

START_TEST(test_matches)
{
    char other[PASSWORD_HASH_BYTES];
    ck_assert(strncmp(hash, "$argon2id$", 10) == 0);
    ck_assert(password_matches(span_text("kuku-namur-1947"), hash));
    ck_assert(!password_matches(span_text("kuku-namur-1948"), hash));
    ck_assert(!password_matches(span_text("kuku-namur-194"), hash));
    ck_assert(!password_matches(span_text(""), hash));
    ck_assert_int_eq(password_hash(span_text("kuku-namur-1947"), other), OK);
    ck_assert_str_ne(hash, other); /* each has its own salt */
}
END_TEST

/* Of an officer without a password, or whose row somebody made: nothing fits, not even nothing. */
START_TEST(test_never_matches)
{
    static const char *const foreign[] = {"",
                                          "x",
                                          "$argon2id$",
                                          "$2b$12$abcdefghijklmnopqrstuv",
                                          "$argon2id$v=19$m=65536,t=2,p=1$",
                                          "kuku-namur-1947"};
    static const char *const tried[] = {"", "x", "kuku-namur-1947"};
    char bytes[PASSWORD_HASH_BYTES];
    for (size_t i = 0; i < COUNT_OF(foreign); i++) {
        memset(bytes, 0, sizeof(bytes));
        memcpy(bytes, foreign[i], strlen(foreign[i]));
        for (size_t k = 0; k < COUNT_OF(tried); k++) {
            ck_assert_msg(!password_matches(span_text(tried[k]), bytes), "%s with %s", foreign[i],
                          tried[k]);
        }
    }
    memset(bytes, 'a', sizeof(bytes)); /* without its end */
    ck_assert(!password_matches(span_text("kuku-namur-1947"), bytes));
    memcpy(bytes, hash, sizeof(bytes));
    bytes[strlen(bytes) - 1] ^= 1; /* one sign of it is another */
    ck_assert(!password_matches(span_text("kuku-namur-1947"), bytes));
}
END_TEST

START_TEST(test_too_long)
{
    char longest[PASSWORD_BYTES_MAX + 1], made[PASSWORD_HASH_BYTES];
    memset(longest, 'p', sizeof(longest));
    ck_assert_int_eq(password_hash(span_of(longest, PASSWORD_BYTES_MAX), made), OK);
    ck_assert(password_matches(span_of(longest, PASSWORD_BYTES_MAX), made));
    ck_assert(!password_matches(span_of(longest, sizeof(longest)), made));
    ck_assert_int_eq(password_hash(span_of(longest, sizeof(longest)), made), ERR_TOO_LARGE);
    ck_assert_str_eq(made, "");
    ck_assert(!password_matches(span_of(longest, sizeof(longest)), made));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("password");
    TCase *tcase = tcase_create("password");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, test_matches);
    tcase_add_test(tcase, test_never_matches);
    tcase_add_test(tcase, test_too_long);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
