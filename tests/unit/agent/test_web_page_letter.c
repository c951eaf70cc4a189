/* agent/web/page_letter, page_verify, page_document: what a letter shows and hides, and what its
 * code is found to be. */
#include <stdio.h>

#include "model/letter.h"
#include "page_support.h"

static void setup(void)
{
    visit_open("procuratorate");
}

static void teardown(void)
{
    visit_close();
}

/* --- one request --- */

static void request(enum http_method method, const char *path, const char *tail,
                    void (*show)(struct page *page))
{
    const struct http_request asked = {.method = method,
                                       .path = path,
                                       .form = posted,
                                       .form_count = method == HTTP_POST ? posted_count : 0};

    visit(&asked, tail, show);
}

/* --- a letter --- */

static struct uuid message_id;
static char code[LETTER_CODE_BYTES];

static void read_code(const char *after)
{
    const char *at = strstr((const char *)got.body.data, after);

    ck_assert_ptr_nonnull(at);
    text_copy(code, sizeof(code), at + strlen(after));
}

static void open_letter_of(const struct uuid *id)
{
    char text[UUID_TEXT_BYTES];

    uuid_format(id, text);
    request(HTTP_GET, "/letter/", text, page_letter);
}

static void send_referral(void)
{
    struct store_txn *read;
    struct row row;

    type_referral();
    request(HTTP_POST, "/refer", "", page_form);
    ck_assert_uint_eq(got.status, 303);
    posted_count = 0;
    ck_assert_int_eq(store_read_begin(desk.agent->setup.store, &read), OK);
    ck_assert_int_eq(row_next(read, ROW_OUT, 0, &row), OK);
    message_id = row.header.message_id;
    store_read_end(read);
}

static void check(const char *typed)
{
    posted_count = 0;
    type("code", typed);
    request(HTTP_POST, "/verify", "", page_verify);
    ck_assert_uint_eq(got.status, 200);
}

START_TEST(a_letter_says_what_was_sent_and_masks_numbers)
{
    send_referral();
    open_letter_of(&message_id);
    ck_assert_uint_eq(got.status, 200);
    ck_assert(says("检救移〔"));
    ck_assert(says("关于移送巴图"));
    ck_assert(says("第四条第（二）项"));
    ck_assert(says("身份证号110105********002"));
    ck_assert(!says("19491231"));
    ck_assert(says("尚未发出")); /* nothing was recorded yet */
    ck_assert(!says("style="));
    session->reveals[0].message_id = message_id;
    session->reveals[0].until_ms = desk.machine_ms + 1000;
    open_letter_of(&message_id);
    ck_assert(says("19491231"));
}
END_TEST

START_TEST(what_is_no_letter_is_not_found)
{
    const struct uuid none = {{1}};

    open_letter_of(&none);
    ck_assert_uint_eq(got.status, 404);
    request(HTTP_GET, "/letter/", "nonsense", page_letter);
    ck_assert_uint_eq(got.status, 404);
    request(HTTP_GET, "/document/", "DB-2026-0001", page_document);
    ck_assert_uint_eq(got.status, 404);
    request(HTTP_GET, "/document/", "nonsense", page_document);
    ck_assert_uint_eq(got.status, 404);
    session->officer.roles = OFFICER_MANAGER;
    open_letter_of(&none);
    ck_assert_uint_eq(got.status, 403);
}
END_TEST

START_TEST(a_code_is_judged)
{
    struct letter_code parsed;

    send_referral();
    open_letter_of(&message_id);
    read_code("/verify?code=");
    check(code);
    ck_assert(says("核验一致"));
    ck_assert(!says("巴图"));
    ck_assert_int_eq(letter_code_parse(code, &parsed), OK);
    parsed.digest[0] ^= 1;
    letter_code_format(&parsed, code);
    check(code);
    ck_assert(says("核验不一致"));
    parsed.message_id.bytes[15] ^= 1;
    letter_code_format(&parsed, code);
    check(code);
    ck_assert(says("本单位没有这份文书"));
    code[0] = 'U';
    check(code);
    ck_assert(says("核验码有误"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("web_page_letter");
    TCase *tests = tcase_create("pages");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_letter_says_what_was_sent_and_masks_numbers);
    tcase_add_test(tests, what_is_no_letter_is_not_found);
    tcase_add_test(tests, a_code_is_judged);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
