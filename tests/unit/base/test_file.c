/* Tests of base/file.h and base/key_file.h: bounds, replacement as a whole, secrets that others can
 * reach. */
#include "base/file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/key_file.h"
#include "unit/suite.h"

static char folder[64];
static char path[128]; /* of the file that a test works on */

static void make_folder(void)
{
    ck_assert_int_eq(crypto_init(), OK);
    (void)snprintf(folder, sizeof(folder), "/tmp/test_file.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/file", folder);
}

/* Fails when a test left more than its one file: temporary ones, above all. */
static void remove_folder(void)
{
    (void)unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

static unsigned mode_of(const char *name)
{
    struct stat info;
    ck_assert_int_eq(stat(name, &info), 0);
    return (unsigned)(info.st_mode & 07777);
}

static void ck_content(const char *name, const char *expected)
{
    struct buf bytes;
    buf_init(&bytes, 1000);
    ck_assert_int_eq(file_read(name, &bytes, NULL), OK);
    ck_assert(span_equal(span_buf(&bytes), span_text(expected)));
    buf_free(&bytes);
}

START_TEST(reading_names_what_is_wrong)
{
    struct fault fault = {.code = ""};
    struct buf bytes;
    buf_init(&bytes, 10);
    ck_assert_int_eq(file_read(path, &bytes, &fault), ERR_NOT_FOUND);
    ck_assert_str_eq(fault.place, path);
    ck_assert_str_eq(fault.code, "file.not-found");
    ck_assert_int_eq(file_read(folder, &bytes, &fault), ERR_IO);
    ck_assert_str_eq(fault.place, folder);
    ck_assert_uint_eq(bytes.len, 0);
    buf_free(&bytes);
}
END_TEST

START_TEST(reading_stops_at_the_bound)
{
    struct buf bytes;
    buf_init(&bytes, 10);
    ck_assert_int_eq(buf_append_text(&bytes, "ab"), OK);
    ck_assert_int_eq(file_write(path, span_text("123456789"), 0644, NULL), OK);
    ck_assert_int_eq(file_read(path, &bytes, NULL), ERR_TOO_LARGE);
    ck_assert(span_equal(span_buf(&bytes), span_text("ab")));
    ck_assert_int_eq(file_write(path, span_text("12345678"), 0644, NULL), OK);
    ck_assert_int_eq(file_read(path, &bytes, NULL), OK);
    ck_assert(span_equal(span_buf(&bytes), span_text("ab12345678")));
    buf_free(&bytes);
}
END_TEST

START_TEST(large_and_empty_files_return_whole)
{
    struct buf bytes;
    struct buf back;
    buf_init(&bytes, 300000);
    buf_init(&back, 300000);
    uint8_t *to = NULL;
    ck_assert_int_eq(buf_extend(&bytes, 300000, &to), OK);
    crypto_random(to, 300000);
    ck_assert_int_eq(file_write(path, span_buf(&bytes), 0644, NULL), OK);
    ck_assert_int_eq(file_read(path, &back, NULL), OK);
    ck_assert(span_equal(span_buf(&bytes), span_buf(&back)));
    ck_assert_int_eq(file_write(path, span_of(NULL, 0), 0644, NULL), OK);
    ck_content(path, "");
    buf_free(&bytes);
    buf_free(&back);
}
END_TEST

START_TEST(writing_replaces_the_file_as_a_whole)
{
    char other[160];
    (void)snprintf(other, sizeof(other), "%s.link", path);
    mode_t before = umask(077);
    ck_assert_int_eq(file_write(path, span_text("old"), 0640, NULL), OK);
    (void)umask(before);
    ck_assert_uint_eq(mode_of(path), 0640);
    ck_assert_int_eq(link(path, other), 0);
    ck_assert_int_eq(file_write(path, span_text("new"), 0600, NULL), OK);
    ck_content(path, "new");
    ck_content(other, "old"); /* who has the old one open keeps it whole */
    ck_assert_uint_eq(mode_of(path), 0600);
    ck_assert_int_eq(unlink(other), 0);
}
END_TEST

START_TEST(a_failed_write_leaves_nothing)
{
    struct fault fault = {.code = ""};
    char target[160];
    (void)snprintf(target, sizeof(target), "%s/none/file", folder);
    ck_assert_int_eq(file_write(target, span_text("x"), 0600, &fault), ERR_NOT_FOUND);
    ck_assert_str_eq(fault.place, target);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(file_write(path, span_text("x"), 0600, &fault), ERR_IO);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(file_write_new(path, span_text("first"), 0600, NULL), OK);
    ck_assert_int_eq(file_write_new(path, span_text("second"), 0600, &fault), ERR_EXISTS);
    ck_assert_str_eq(fault.place, path);
    ck_content(path, "first");
}
END_TEST

START_TEST(folders_are_made_once)
{
    char deep[160];
    struct fault fault = {.code = ""};
    (void)snprintf(deep, sizeof(deep), "%s/a//b/c/", folder);
    ck_assert_int_eq(folder_make(deep, 0750, NULL), OK);
    ck_assert_int_eq(folder_make(deep, 0700, NULL), OK);
    ck_assert_uint_eq(mode_of(deep), 0750);
    static const char *const parts[] = {"a/b/c", "a/b", "a"};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        (void)snprintf(deep, sizeof(deep), "%s/%s", folder, parts[i]);
        ck_assert_int_eq(rmdir(deep), 0);
    }
    ck_assert_int_eq(file_write(path, span_text("x"), 0600, NULL), OK);
    ck_assert_int_eq(folder_make(path, 0700, &fault), ERR_EXISTS);
    (void)snprintf(deep, sizeof(deep), "%s/below", path);
    ck_assert_int_ne(folder_make(deep, 0700, &fault), OK);
    ck_assert_int_eq(folder_make("", 0700, &fault), ERR_INVALID);
}
END_TEST

START_TEST(a_secret_that_others_reach_is_refused)
{
    uint8_t secret[4] = {0};
    struct fault fault = {.code = ""};
    for (unsigned mode = 0; mode <= 0777; mode++) {
        if ((mode & 0400) == 0) {
            continue;
        }
        ck_assert_int_eq(file_write(path, span_text("1234"), mode, NULL), OK);
        enum err error = file_read_secret(path, secret, sizeof(secret), &fault);
        if ((mode & 0077) == 0) {
            ck_assert_int_eq(error, OK);
            ck_assert_mem_eq(secret, "1234", 4);
            continue;
        }
        ck_assert_int_eq(error, ERR_REFUSED);
        ck_assert_str_eq(fault.code, "file.exposed");
        ck_assert_ptr_nonnull(strstr(fault.hint, "chmod 600"));
    }
}
END_TEST

START_TEST(a_secret_has_its_length)
{
    uint8_t secret[4];
    struct fault fault = {.code = ""};
    size_t len = 77;
    ck_assert_int_eq(file_read_secret(path, secret, 4, &fault), ERR_NOT_FOUND);
    ck_assert_int_eq(file_write(path, span_text("123"), 0600, NULL), OK);
    ck_assert_int_eq(file_read_secret(path, secret, 4, &fault), ERR_INVALID);
    ck_assert_mem_eq(secret, "\0\0\0\0", 4);
    ck_assert_int_eq(file_write(path, span_text("12345"), 0600, NULL), OK);
    ck_assert_int_eq(file_read_secret(path, secret, 4, &fault), ERR_TOO_LARGE);
    ck_assert_mem_eq(secret, "\0\0\0\0", 4);
    ck_assert_int_eq(file_read_secret_text(path, secret, 4, &len, &fault), ERR_TOO_LARGE);
    ck_assert_uint_eq(len, 77);
    ck_assert_int_eq(file_read_secret(folder, secret, 4, &fault), ERR_REFUSED);
}
END_TEST

static const uint8_t some_secret[KEY_FILE_SECRET_BYTES] = {
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF,
    0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10};
#define SOME_BASE64 "ABEiM0RVZneImaq7zN3u/wEjRWeJq83v/ty6mHZUMhA="

static const struct {
    enum key_file_kind kind;
    const char *line;
} key_lines[] = {
    {KEY_FILE_SIGN, "referral-sign-key-1 " SOME_BASE64 "\n"},
    {KEY_FILE_SEAL, "referral-seal-key-1 " SOME_BASE64 "\n"},
    {KEY_FILE_STORE, "referral-store-key-1 " SOME_BASE64 "\n"},
};

START_TEST(keys_are_one_line_of_one_kind)
{
    enum key_file_kind kind = key_lines[_i].kind;
    uint8_t secret[KEY_FILE_SECRET_BYTES] = {0};
    struct fault fault = {.code = ""};
    ck_assert_int_eq(key_file_write(path, kind, some_secret, NULL), OK);
    ck_content(path, key_lines[_i].line);
    ck_assert_uint_eq(mode_of(path), 0600);
    ck_assert_int_eq(key_file_read(path, kind, secret, &fault), OK);
    ck_assert_mem_eq(secret, some_secret, sizeof(secret));
    memset(secret, 0, sizeof(secret));
    for (size_t other = 0; other < KEY_FILE_KIND_COUNT; other++) {
        if (other != (size_t)kind) {
            ck_assert_int_eq(key_file_read(path, (enum key_file_kind)other, secret, &fault),
                             ERR_INVALID);
            ck_assert_str_eq(fault.code, "key.kind");
            ck_assert_str_eq(fault.place, path);
            ck_assert_uint_eq(secret[1], 0);
        }
    }
    ck_assert_int_eq(key_file_write(path, kind, secret, &fault), ERR_EXISTS);
    ck_content(path, key_lines[_i].line);
}
END_TEST

START_TEST(damaged_key_files_are_refused_without_quoting_them)
{
    static const char *const damaged[] = {
        "",
        "\n",
        "referral-sign-key-1",
        "referral-sign-key-1 \n",
        SOME_BASE64 "\n",
        "referral-sign-key-2 " SOME_BASE64 "\n",
        "referral-sign-key-1  " SOME_BASE64 "\n",
        "referral-sign-key-1 " SOME_BASE64 "\n\n",
        "referral-sign-key-1 " SOME_BASE64 " \n",
        "referral-sign-key-1 ABEiM0RVZneImaq7zN3u/wEjRWeJq83v/ty6mHZUMhB=\n",
        "referral-sign-key-1 ABEiM0RVZneImaq7zN3u/wEjRWeJq83v/ty6mHZUMg==\n",
        "referral-sign-key-1 " SOME_BASE64 "\nreferral-sign-key-1 " SOME_BASE64 "\n",
    };
    uint8_t secret[KEY_FILE_SECRET_BYTES] = {7};
    struct fault fault = {.code = ""};
    for (size_t i = 0; i < COUNT_OF(damaged); i++) {
        ck_assert_int_eq(file_write(path, span_text(damaged[i]), 0600, NULL), OK);
        ck_assert_msg(key_file_read(path, KEY_FILE_SIGN, secret, &fault) != OK, "taken: %s",
                      damaged[i]);
        ck_assert_str_eq(fault.place, path);
        ck_assert_ptr_null(strstr(fault.message, "ABEi"));
        ck_assert_ptr_null(strstr(fault.hint, "ABEi"));
        ck_assert_uint_eq(secret[0], 7);
    }
    ck_assert_int_eq(file_write(path, span_text(key_lines[0].line), 0644, NULL), OK);
    ck_assert_int_eq(key_file_read(path, KEY_FILE_SIGN, secret, &fault), ERR_REFUSED);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(key_file_read(path, KEY_FILE_SIGN, secret, &fault), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(fault.hint, "referralctl keys init"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file");
    TCase *cases = tcase_create("file");
    tcase_set_timeout(cases, 60); /* each write is synced */
    tcase_add_checked_fixture(cases, make_folder, remove_folder);
    tcase_add_test(cases, reading_names_what_is_wrong);
    tcase_add_test(cases, reading_stops_at_the_bound);
    tcase_add_test(cases, large_and_empty_files_return_whole);
    tcase_add_test(cases, writing_replaces_the_file_as_a_whole);
    tcase_add_test(cases, a_failed_write_leaves_nothing);
    tcase_add_test(cases, folders_are_made_once);
    tcase_add_test(cases, a_secret_that_others_reach_is_refused);
    tcase_add_test(cases, a_secret_has_its_length);
    tcase_add_loop_test(cases, keys_are_one_line_of_one_kind, 0, (int)COUNT_OF(key_lines));
    tcase_add_test(cases, damaged_key_files_are_refused_without_quoting_them);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
