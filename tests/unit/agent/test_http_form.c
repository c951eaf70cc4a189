/* Targets, forms, uploads and cookies taken apart: by table, hostile ones first, and mutated ones
 * in memory of exactly their size, so that the sanitizers see a byte too many. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/web/http_form.h"
#include "unit/suite.h"

#define MULTIPART "multipart/form-data; boundary=B"

/* Bytes with one to spare, as the readers need them; freed by the caller. */
static char *copy_of(const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

/* A form as text: "name=value;" and "name<file,type,bytes>;". */
static void form_print(const struct http_form *form, struct buf *out)
{
    for (size_t i = 0; i < form->field_count; i++) {
        ck_assert_int_eq(buf_printf(out, "%s=%s;", form->fields[i].name, form->fields[i].value),
                         OK);
    }
    for (size_t i = 0; i < form->upload_count; i++) {
        const struct http_upload *upload = &form->uploads[i];
        ck_assert_int_eq(buf_printf(out, "%s<%s,%s,%.*s>;", upload->field, upload->file_name,
                                    upload->type, (int)upload->bytes.len,
                                    (const char *)upload->bytes.data),
                         OK);
    }
    ck_assert_int_eq(buf_append(out, "", 1), OK);
}

struct form_case {
    const char *input;
    size_t len;
    enum err error;
    const char *form; /* when OK */
};

#define CASE(input, error, form)                                                                   \
    {                                                                                              \
        input, sizeof(input) - 1, error, form                                                      \
    }

static void form_check(const struct form_case *wanted, enum err error, struct http_form *form)
{
    struct buf out;
    buf_init(&out, 65536);
    ck_assert_msg(error == wanted->error, "%s: %s", wanted->input, err_text(error));
    if (error == OK) {
        form_print(form, &out);
        ck_assert_str_eq((const char *)out.data, wanted->form);
    }
    buf_free(&out);
    http_form_free(form);
}

static const struct form_case urlencoded_cases[] = {
    CASE("=1", ERR_INVALID, NULL),
    CASE("a=1&=2", ERR_INVALID, NULL),
    CASE("=", ERR_INVALID, NULL),
    CASE("a=%", ERR_INVALID, NULL),
    CASE("a=%4", ERR_INVALID, NULL),
    CASE("a=%4&b=1", ERR_INVALID, NULL),
    CASE("a=%zz", ERR_INVALID, NULL),
    CASE("a=% 1", ERR_INVALID, NULL),
    CASE("%=1", ERR_INVALID, NULL),
    CASE("a=%00", ERR_INVALID, NULL),
    CASE("a%00b=1", ERR_INVALID, NULL),
    CASE("a=\0", ERR_INVALID, NULL),
    CASE("a=b\0c", ERR_INVALID, NULL),
    CASE("a=%ff", ERR_INVALID, NULL),
    CASE("a=%c0%80", ERR_INVALID, NULL),
    CASE("a=%ed%a0%80", ERR_INVALID, NULL),
    CASE("%fe=1", ERR_INVALID, NULL),
    CASE("a=\xe5\xbe", ERR_INVALID, NULL),
    CASE("", OK, ""),
    CASE("&&", OK, ""),
    CASE("a", OK, "a=;"),
    CASE("a&b", OK, "a=;b=;"),
    CASE("a=", OK, "a=;"),
    CASE("a=1", OK, "a=1;"),
    CASE("a=1&", OK, "a=1;"),
    CASE("&a=1&&b=2&", OK, "a=1;b=2;"),
    CASE("a=1&a=2", OK, "a=1;a=2;"),
    CASE("a==1=", OK, "a==1=;"),
    CASE("a+b=c+d", OK, "a b=c d;"),
    CASE("a%3d=%26%2B%25", OK, "a==&+%;"),
    CASE("a=%0d%0A", OK, "a=\r\n;"),
    CASE("\xe5\xbe\x85=%e5%8A%9e", OK, "待=办;"),
};

START_TEST(urlencoded_forms)
{
    const struct form_case *wanted = &urlencoded_cases[_i];
    struct http_form form = {0};
    char *text = copy_of(wanted->input, wanted->len);
    form_check(wanted, http_form_urlencoded(&form, text, wanted->len), &form);
    free(text);
}
END_TEST

#define FIELD(name) "--B\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n"
#define FILE_OF(name, file)                                                                        \
    "--B\r\nContent-Disposition: form-data; name=\"" name "\"; filename=\"" file "\"\r\n"
#define END         "\r\n--B--\r\n"
#define HEAD(lines) "--B\r\n" lines "\r\n\r\nx" END

static const struct form_case multipart_cases[] = {
    /* truncated */
    CASE("", ERR_INVALID, NULL),
    CASE("--B", ERR_INVALID, NULL),
    CASE("--B-", ERR_INVALID, NULL),
    CASE("--B\r\n", ERR_INVALID, NULL),
    CASE("--B\r\nContent-Disposition: form-data; name=\"a\"", ERR_INVALID, NULL),
    CASE("--B\r\nContent-Disposition: form-data; name=\"a\"\r\n", ERR_INVALID, NULL),
    CASE(FIELD("a"), ERR_INVALID, NULL),
    CASE(FIELD("a") "x", ERR_INVALID, NULL),
    CASE(FIELD("a") "x\r\n--", ERR_INVALID, NULL),
    CASE(FIELD("a") "x\r\n--B", ERR_INVALID, NULL),
    CASE(FIELD("a") "x\r\n--B-", ERR_INVALID, NULL),
    CASE(FIELD("a") "x\r\n--B\r\n", ERR_INVALID, NULL),
    CASE(FIELD("a") "x--B--\r\n", ERR_INVALID, NULL),
    CASE(FIELD("a") "x\n--B--\n", ERR_INVALID, NULL),
    /* around the parts */
    CASE("preamble\r\n" FIELD("a") "x" END, ERR_INVALID, NULL),
    CASE("\r\n" FIELD("a") "x" END, ERR_INVALID, NULL),
    CASE(FIELD("a") "x" END "epilogue", ERR_INVALID, NULL),
    CASE(FIELD("a") "x" END "\r\n", ERR_INVALID, NULL),
    CASE("--C\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--C--", ERR_INVALID, NULL),
    /* headers */
    CASE("--B\r\n\r\nx" END, ERR_INVALID, NULL),
    CASE(HEAD("Content-Type: text/plain"), ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data"), ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data; name=\"\""), ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data; name="), ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data; name"), ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data; name=\"a"), ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data; name=\"a\"b"), ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data; name=a\"b\""), ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data; name=\"a\"; name=\"b\""), ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data; filename=\"a\""), ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data name=\"a\""), ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data; =\"a\""), ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data; name=\"a%0d%0aX: 1\""), ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data; name=\"a\"; filename=\"b%0a\""), ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: attachment; name=\"a\""), ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data; name=\"a\"\r\nno colon"), ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data; name=\"a\"\r\n: none"), ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data; name=\"a\"\r\n folded: 1"), OK, "a=x;"),
    CASE(HEAD("Content-Disposition: form-data; name=\"a\"\nX: 1"), ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data; name=\"a\"\r\n"
              "Content-Disposition: form-data; name=\"b\""),
         ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64"),
         ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data; name=\"a\"\r\nContent-Type: a\r\nContent-Type: b"),
         ERR_INVALID, NULL),
    CASE(HEAD("Content-Disposition: form-data; name=\"a\"\r\n"
              "Content-Type: multipart/mixed; boundary=C"),
         ERR_INVALID, NULL),
    /* bytes that are no text */
    CASE(FIELD("a\0") "x" END, ERR_INVALID, NULL),
    CASE(FIELD("a") "x\0y" END, ERR_INVALID, NULL),
    CASE(FIELD("a") "\xff" END, ERR_INVALID, NULL),
    CASE(FIELD("\xff") "x" END, ERR_INVALID, NULL),
    CASE(FILE_OF("a", "\xe5\xbe") "\r\nx" END, ERR_INVALID, NULL),
    /* what browsers send */
    CASE("--B--", OK, ""),
    CASE("--B--\r\n", OK, ""),
    CASE(FIELD("a") "x" END, OK, "a=x;"),
    CASE(FIELD("a") "x\r\n--B--", OK, "a=x;"),
    CASE(FIELD("a") END, OK, "a=;"),
    CASE(FIELD("a") "x\r\n" FIELD("b") "y" END, OK, "a=x;b=y;"),
    CASE(FIELD("a") "l\r\nm\r\n" END, OK, "a=l\r\nm\r\n;"),
    CASE(FIELD("a") "\r\n--" END, OK, "a=\r\n--;"),
    CASE(FIELD("a") "\r\n--BC\r\n--B" END, ERR_INVALID, NULL),
    CASE(FIELD("a") "\r\n--BC\r\n--" END, OK, "a=\r\n--BC\r\n--;"),
    CASE(FIELD("待办") "办" END, OK, "待办=办;"),
    CASE(FIELD("a%22b\\\"c%41") "x" END, OK, "a\"b\"c%41=x;"),
    CASE(HEAD("content-disposition:form-data;NAME=a"), OK, "a=x;"),
    CASE(HEAD("Content-Disposition: form-data; name=a; other=b ; more=\"c\""), OK, "a=x;"),
    CASE(HEAD("X: y\r\nContent-Disposition: form-data; name=\"a\""), OK, "a=x;"),
    CASE(FILE_OF("f", "a.pdf") "Content-Type: application/pdf\r\n\r\n%PDF" END, OK,
         "f<a.pdf,application/pdf,%PDF>;"),
    CASE(FILE_OF("f", "") "Content-Type: application/octet-stream\r\n\r\n" END, OK,
         "f<,application/octet-stream,>;"),
    CASE(FILE_OF("f", "C:\\tmp\\a.txt") "\r\nx" END, OK, "f<a.txt,,x>;"),
    CASE(FILE_OF("f", "../../etc/passwd") "\r\nx" END, OK, "f<passwd,,x>;"),
    CASE(FILE_OF("f", "a/") "\r\nx" END, OK, "f<,,x>;"),
    CASE(FILE_OF("f", "证明.jpg") "\r\n\xff\xd8" END, OK, "f<证明.jpg,,\xff\xd8>;"),
    CASE(FILE_OF("f", "1") "\r\nx\r\n" FILE_OF("f", "2") "\r\ny" END, OK, "f<1,,x>;f<2,,y>;"),
};

START_TEST(multipart_forms)
{
    const struct form_case *wanted = &multipart_cases[_i];
    struct http_form form = {0};
    char *body = copy_of(wanted->input, wanted->len);
    form_check(wanted, http_form_multipart(&form, MULTIPART, body, wanted->len), &form);
    free(body);
}
END_TEST

#define SEVENTY "1234567890123456789012345678901234567890123456789012345678901234567890"

START_TEST(boundaries)
{
    static const struct {
        const char *type;
        bool taken;
    } cases[] = {
        {"multipart/form-data", false},
        {"multipart/form-data;", false},
        {"multipart/form-data; boundary", false},
        {"multipart/form-data; boundary=", false},
        {"multipart/form-data; boundary=\"\"", false},
        {"multipart/form-data; boundary=\"B", false},
        {"multipart/form-data; boundary=B; boundary=B", false},
        {"multipart/form-data; boundary=\"B\r\n\"", false},
        {"multipart/form-data; boundary=\"B B\"", false},
        {"multipart/form-data; boundary=\xe5\xbe\x85", false},
        {"multipart/form-data; boundary=1" SEVENTY, false},
        {"multipart/form-data; boundary=" SEVENTY SEVENTY SEVENTY SEVENTY SEVENTY SEVENTY, false},
        {"multipart/form-data; charset=utf-8; boundary=B", true},
        {"Multipart/Form-Data; BOUNDARY=\"B\"; charset=utf-8", true},
        {"multipart/form-data;boundary=B ", true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        static const char body[] = FIELD("a") "x" END;
        struct http_form form = {0};
        char *copy = copy_of(body, sizeof body - 1);
        enum err error = http_form_multipart(&form, cases[i].type, copy, sizeof body - 1);
        ck_assert_msg((error == OK) == cases[i].taken, "%s", cases[i].type);
        http_form_free(&form);
        free(copy);
    }
    struct http_form form = {0};
    char *copy = copy_of("--" SEVENTY "--", 74);
    ck_assert_int_eq(http_form_multipart(&form, "multipart/form-data; boundary=" SEVENTY, copy, 74),
                     OK);
    free(copy);
}
END_TEST

START_TEST(kinds_of_bodies)
{
    ck_assert_int_eq(http_body_kind_of(NULL), HTTP_BODY_RAW);
    ck_assert_int_eq(http_body_kind_of(""), HTTP_BODY_RAW);
    ck_assert_int_eq(http_body_kind_of("text/plain"), HTTP_BODY_RAW);
    ck_assert_int_eq(http_body_kind_of("multipart/form-data-too"), HTTP_BODY_RAW);
    ck_assert_int_eq(http_body_kind_of("multipart/mixed; boundary=B"), HTTP_BODY_RAW);
    ck_assert_int_eq(http_body_kind_of(MULTIPART), HTTP_BODY_MULTIPART);
    ck_assert_int_eq(http_body_kind_of("application/x-www-form-urlencoded"), HTTP_BODY_URLENCODED);
    ck_assert_int_eq(http_body_kind_of("Application/x-WWW-form-urlencoded;charset=UTF-8"),
                     HTTP_BODY_URLENCODED);
}
END_TEST

START_TEST(paths)
{
    static const struct {
        const char *path;
        const char *decoded; /* NULL: refused */
    } cases[] = {
        {"", NULL},
        {"*", NULL},
        {"a", NULL},
        {"http://inbox/", NULL},
        {"//", NULL},
        {"//a", NULL},
        {"/a//b", NULL},
        {"/a//", NULL},
        {"/.", NULL},
        {"/..", NULL},
        {"/../a", NULL},
        {"/a/..", NULL},
        {"/a/../b", NULL},
        {"/a/./b", NULL},
        {"/%2e%2e/a", NULL},
        {"/%2e/a", NULL},
        {"/.%2E", NULL},
        {"/a%2fb", NULL},
        {"/a%2Fb", NULL},
        {"/%5c", NULL},
        {"/\\", NULL},
        {"/..\\a", NULL},
        {"/%", NULL},
        {"/%1", NULL},
        {"/%g1", NULL},
        {"/%00", NULL},
        {"/%0a", NULL},
        {"/%7f", NULL},
        {"/\x01", NULL},
        {"/%ff", NULL},
        {"/%c0%ae%c0%ae/", NULL},
        {"/", "/"},
        {"/a", "/a"},
        {"/a/", "/a/"},
        {"/a/b.css", "/a/b.css"},
        {"/...", "/..."},
        {"/.a/a.", "/.a/a."},
        {"/a+b", "/a+b"},
        {"/%252e", "/%2e"},
        {"/%E5%BE%85/%e5%8a%9e", "/待/办"},
        {"/\xe5\xbe\x85", "/待"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *path = copy_of(cases[i].path, strlen(cases[i].path));
        enum err error = http_path_decode(path);
        ck_assert_msg((error == OK) == (cases[i].decoded != NULL), "%s", cases[i].path);
        if (error == OK) {
            ck_assert_str_eq(path, cases[i].decoded);
        }
        free(path);
    }
}
END_TEST

START_TEST(cookies)
{
    static const struct form_case cases[] = {
        CASE("", OK, ""),
        CASE(";;  ;", OK, ""),
        CASE("a", OK, ""),
        CASE("=1", OK, ""),
        CASE("a=1", OK, "a=1;"),
        CASE("a=1; b=2", OK, "a=1;b=2;"),
        CASE("a=1;b=2 ;c", OK, "a=1;b=2;"),
        CASE("a=\"1 2\"; a=3", OK, "a=\"1 2\";a=3;"),
        CASE("bad=\xff; good=1", OK, "good=1;"),
        CASE("bad=\x01; good==", OK, "good==;"),
        CASE("a=%41", OK, "a=%41;"),
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_form form = {0};
        char *text = copy_of(cases[i].input, cases[i].len);
        form_check(&cases[i], http_form_cookies(&form, text), &form);
        free(text);
    }
    struct http_form form = {0};
    struct buf many;
    buf_init(&many, 65536);
    for (size_t i = 0; i < LIMIT_WEB_COOKIES + 10; i++) {
        ck_assert_int_eq(buf_printf(&many, "n%zu=v; ", i), OK);
    }
    ck_assert_int_eq(buf_append(&many, "", 1), OK);
    ck_assert_int_eq(http_form_cookies(&form, (char *)many.data), OK);
    ck_assert_uint_eq(form.field_count, LIMIT_WEB_COOKIES);
    http_form_free(&form);
    buf_free(&many);
}
END_TEST

/* --- bounds --- */

static enum err urlencoded_of(struct buf *text)
{
    struct http_form form = {0};
    ck_assert_int_eq(buf_append(text, "", 1), OK);
    enum err error = http_form_urlencoded(&form, (char *)text->data, text->len - 1);
    http_form_free(&form);
    buf_clear(text);
    return error;
}

static void append_many(struct buf *text, char byte, size_t count)
{
    uint8_t *to = NULL;
    ck_assert_int_eq(buf_extend(text, count, &to), OK);
    memset(to, byte, count);
}

START_TEST(urlencoded_bounds)
{
    struct buf text;
    buf_init(&text, 4u * 1024u * 1024u);
    for (size_t more = 0; more < 2; more++) {
        enum err wanted = more == 0 ? OK : ERR_TOO_LARGE;
        append_many(&text, 'n', LIMIT_WEB_NAME_BYTES + more);
        ck_assert_int_eq(urlencoded_of(&text), wanted);
        append_many(&text, 'n', 1);
        append_many(&text, '=', 1);
        append_many(&text, 'v', LIMIT_WEB_VALUE_BYTES + more);
        ck_assert_int_eq(urlencoded_of(&text), wanted);
        for (size_t i = 0; i < LIMIT_WEB_FIELDS + more; i++) {
            ck_assert_int_eq(buf_append(&text, "a=&", 3), OK);
        }
        ck_assert_int_eq(urlencoded_of(&text), wanted);
    }
    buf_free(&text);
}
END_TEST

static enum err multipart_of(struct buf *body)
{
    struct http_form form = {0};
    ck_assert_int_eq(buf_append(body, END, strlen(END) + 1), OK);
    enum err error = http_form_multipart(&form, MULTIPART, (char *)body->data, body->len - 1);
    http_form_free(&form);
    buf_clear(body);
    return error;
}

/* A part's head with a name of `name_bytes`, and a file name when that is not 0. */
static void part_begin(struct buf *body, size_t name_bytes, size_t file_bytes)
{
    ck_assert_int_eq(buf_append_text(body, "--B\r\nContent-Disposition: form-data; name=\""), OK);
    append_many(body, 'n', name_bytes);
    if (file_bytes > 0) {
        ck_assert_int_eq(buf_append_text(body, "\"; filename=\""), OK);
        append_many(body, 'f', file_bytes);
    }
    ck_assert_int_eq(buf_append_text(body, "\"\r\n\r\n"), OK);
}

START_TEST(multipart_bounds)
{
    struct buf body;
    buf_init(&body, 8u * 1024u * 1024u);
    for (size_t more = 0; more < 2; more++) {
        enum err wanted = more == 0 ? OK : ERR_TOO_LARGE;
        part_begin(&body, LIMIT_WEB_NAME_BYTES + more, 0);
        ck_assert_int_eq(multipart_of(&body), wanted);
        part_begin(&body, 1, LIMIT_WEB_FILE_NAME_BYTES - 1 + more);
        ck_assert_int_eq(multipart_of(&body), wanted);
        part_begin(&body, 1, 0);
        append_many(&body, 'v', LIMIT_WEB_VALUE_BYTES + more);
        ck_assert_int_eq(multipart_of(&body), wanted);
        for (size_t i = 0; i < LIMIT_WEB_UPLOADS + more; i++) {
            part_begin(&body, 1, 1);
            ck_assert_int_eq(buf_append_text(&body, "\r\n"), OK);
        }
        body.len -= 2;
        ck_assert_int_eq(multipart_of(&body), wanted);
    }
    part_begin(&body, LIMIT_WEB_PART_BYTES, 0); /* a head without an end in sight */
    ck_assert_int_eq(multipart_of(&body), ERR_TOO_LARGE);
    buf_free(&body);
}
END_TEST

START_TEST(what_only_begins_like_a_delimiter_is_data)
{
    struct http_form form = {0};
    struct buf body;
    buf_init(&body, 32u * 1024u * 1024u);
    part_begin(&body, 1, 1);
    /* A delimiter that is none, again and again. More would show less: the sanitizer looks at the
     * whole rest in each search. */
    for (size_t i = 0; i < 20000; i++) {
        static const char almost[] = "\r\n--BX";
        uint8_t *to = NULL;
        if (buf_extend(&body, sizeof almost - 1, &to) == OK) {
            memcpy(to, almost, sizeof almost - 1);
        }
    }
    size_t bytes = body.len;
    ck_assert_int_eq(buf_append(&body, END, strlen(END) + 1), OK);
    ck_assert_int_eq(http_form_multipart(&form, MULTIPART, (char *)body.data, body.len - 1), OK);
    ck_assert_uint_eq(form.upload_count, 1);
    ck_assert_uint_gt(form.uploads[0].bytes.len, 100000);
    ck_assert_uint_lt(form.uploads[0].bytes.len, bytes);
    http_form_free(&form);
    buf_free(&body);
}
END_TEST

/* --- mutations --- */

static uint32_t random_next(uint32_t *state)
{
    *state ^= *state << 13; /* xorshift: the same mutations in every run */
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void mutate(char *text, size_t *len, uint32_t *state)
{
    static const char special[] = "\r\n\"\\;=:%&-+B\0\xff./";
    for (uint32_t i = 0; i <= random_next(state) % 4; i++) {
        size_t at = *len == 0 ? 0 : random_next(state) % *len;
        uint32_t what = random_next(state) % 4;
        if (*len == 0) {
            return;
        }
        if (what == 0) {
            *len = at;
        } else if (what == 1) {
            memmove(text + at, text + at + 1, --*len - at);
        } else if (what == 2) {
            text[at] = special[random_next(state) % (sizeof special - 1)];
        } else {
            text[at] = (char)random_next(state);
        }
    }
}

START_TEST(mutated_forms_break_nothing)
{
    uint32_t state = 2463534242u;
    size_t taken = 0;
    for (size_t i = 0; i < 40000; i++) {
        const struct form_case *seed = &multipart_cases[i % COUNT_OF(multipart_cases)];
        struct http_form form = {0};
        size_t len = seed->len;
        char *text = copy_of(seed->input, len);
        mutate(text, &len, &state);
        char *exact = copy_of(text, len);
        taken += http_form_multipart(&form, MULTIPART, exact, len) == OK ? 1 : 0;
        http_form_free(&form);
        memcpy(exact, text, len);
        exact[len] = '\0';
        taken += http_form_urlencoded(&form, exact, len) == OK ? 1 : 0;
        http_form_free(&form);
        memcpy(exact, text, len);
        exact[len] = '\0';
        taken += http_form_cookies(&form, exact) == OK ? 1 : 0;
        http_form_free(&form);
        memcpy(exact, text, len);
        exact[len] = '\0';
        taken += http_path_decode(exact) == OK ? 1 : 0;
        memcpy(exact, text, len);
        exact[len] = '\0';
        taken += http_form_multipart(&form, exact, text, len) == OK ? 1 : 0;
        http_form_free(&form);
        free(exact);
        free(text);
    }
    ck_assert_uint_gt(taken, 40000); /* cookies always */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent.http_form");
    TCase *tests = tcase_create("http_form");
    tcase_add_loop_test(tests, urlencoded_forms, 0, (int)COUNT_OF(urlencoded_cases));
    tcase_add_loop_test(tests, multipart_forms, 0, (int)COUNT_OF(multipart_cases));
    tcase_add_test(tests, boundaries);
    tcase_add_test(tests, kinds_of_bodies);
    tcase_add_test(tests, paths);
    tcase_add_test(tests, cookies);
    tcase_add_test(tests, urlencoded_bounds);
    tcase_add_test(tests, multipart_bounds);
    tcase_add_test(tests, what_only_begins_like_a_delimiter_is_data);
    tcase_add_test(tests, mutated_forms_break_nothing);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
