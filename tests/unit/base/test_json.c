/* Tests of base/json.h: what is refused and under which path, what is read, and what is written
 *. */
#include "base/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "unit/suite.h"

static struct json *json; /* the document of the test that runs */

static struct json_value open_root(const char *text)
{
    struct fault fault = {.code = ""};
    enum err error = json_open("test", span_text(text), &json, &fault);
    ck_assert_msg(error == OK, "%s: %s", fault.place, fault.message);
    return json_root(json);
}

static void close_root(void)
{
    json_free(json);
    json = NULL;
}

static const struct {
    const char *text, *place, *says;
} malformed[] = {
    {"", "in:1:0", "unexpected"},
    {"{", "in:1:1", "expected"},
    {"{\"a\": 1,}", "in:1:9", "expected"},
    {"[1 2]", "in:1:4", "']' expected"},
    {"{\"a\":1,\n \"a\":2}", "in:2:4", "duplicate object key"},
    {"nul", "in:1:3", "invalid token"},
    {"1 2", "in:1:3", "end of file expected"},
    {"[01]", "in:1:2", "invalid token"},
    {"'a'", "in:1:1", "invalid token"},
    {"\"\\u0000\"", "in:1:8", "\\u0000"},
    {"\"\\ud800\"", "in:1:8", "invalid Unicode"},
    {"\"\xD6\xD0\"", "in:1:1", "unable to decode byte 0xd6"},
    {"[18446744073709551616]", "in:1:21", "too big"},
    {"[1e999]", "in:1:6", "real number overflow"},
};

START_TEST(malformed_text_is_refused_at_its_place)
{
    struct fault fault = {.code = ""};
    struct json *untouched = NULL;
    ck_assert_int_eq(json_open("in", span_text(malformed[_i].text), &untouched, &fault),
                     ERR_INVALID);
    ck_assert_ptr_null(untouched);
    ck_assert_str_eq(fault.code, "json.syntax");
    ck_assert_str_eq(fault.place, malformed[_i].place);
    ck_assert_msg(strstr(fault.message, malformed[_i].says) != NULL, "%s", fault.message);
}
END_TEST

START_TEST(a_fault_never_quotes_the_text)
{
    struct fault fault = {.code = ""};
    struct json *untouched = NULL;
    ck_assert_int_eq(
        json_open("in", span_text("{\"name\": \"Zhang San\" \"Zhang San\"}"), &untouched, &fault),
        ERR_INVALID);
    ck_assert_ptr_null(strstr(fault.message, "Zhang"));
}
END_TEST

START_TEST(size_and_depth_are_bounded)
{
    struct fault fault = {.code = ""};
    struct json *untouched = NULL;
    struct buf text;
    buf_init(&text, 2 * LIMIT_JSON_BYTES);
    static const char deep[] = "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[";
    while (text.len < LIMIT_JSON_BYTES) {
        ck_assert_int_eq(buf_append(&text, deep, sizeof(deep) - 1), OK);
    }
    ck_assert_int_eq(json_open("in", span_buf(&text), &untouched, &fault), ERR_INVALID);
    ck_assert_int_eq(buf_append(&text, "[", 1), OK);
    ck_assert_int_eq(json_open("in", span_buf(&text), &untouched, &fault), ERR_TOO_LARGE);
    buf_free(&text);
}
END_TEST

static const char document[] =
    "{\"facts\": {\"materials\": [{}, {}, {\"kind\": 7}], \"note\": null, \"text\": \"中文\","
    " \"count\": 9007199254740993, \"minus\": -1, \"half\": 0.5, \"yes\": true}}";

START_TEST(a_refused_field_has_its_path)
{
    struct json_value root = open_root(document);
    struct json_value facts = json_member(&root, "facts");
    struct json_value materials = json_member(&facts, "materials");
    struct json_value item = json_item(&materials, 2);
    struct json_value kind = json_member(&item, "kind");
    struct fault fault = {.code = ""};
    const char *text = "untouched";
    ck_assert_int_eq(json_get_text(&kind, 10, &text, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.place, "facts.materials[2].kind");
    ck_assert_str_eq(fault.message, "expected a text, found a number");
    ck_assert_str_eq(fault.code, "json.type");
    struct json_value far = json_item(&materials, 3);
    struct json_value beyond = json_member(&far, "kind");
    ck_assert_int_eq(json_get_text(&beyond, 10, &text, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.place, "facts.materials[3].kind");
    ck_assert_str_eq(fault.code, "json.missing");
    ck_assert_str_eq(text, "untouched");
    ck_assert_int_eq(json_refuse(&root, &fault, "case.own", "%d", 5), ERR_INVALID);
    ck_assert_str_eq(fault.place, "the document");
    ck_assert_str_eq(fault.message, "5");
    close_root();
}
END_TEST

START_TEST(a_path_that_does_not_fit_is_marked)
{
    char key[200];
    memset(key, 'k', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    struct json_value root = open_root("{}");
    struct json_value member = json_member(&root, key);
    ck_assert_uint_eq(strlen(member.path), sizeof(member.path) - 1);
    ck_assert_str_eq(member.path + sizeof(member.path) - 5, "k...");
    struct json_value item = json_item(&member, 123456);
    ck_assert_str_eq(item.path + sizeof(item.path) - 5, "k...");
    close_root();
}
END_TEST

START_TEST(numbers_keep_to_their_bounds)
{
    struct json_value root = open_root(document);
    struct json_value facts = json_member(&root, "facts");
    struct json_value count = json_member(&facts, "count");
    struct json_value minus = json_member(&facts, "minus");
    struct json_value half = json_member(&facts, "half");
    struct fault fault = {.code = ""};
    uint64_t number = 3;
    int64_t whole = 3;
    ck_assert_int_eq(json_get_u64(&count, 0, 9007199254740992, &number, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.message, "9007199254740993 is not between 0 and 9007199254740992");
    ck_assert_int_eq(json_get_u64(&count, 9007199254740994, UINT64_MAX, &number, &fault),
                     ERR_INVALID);
    ck_assert_int_eq(json_get_u64(&minus, 0, UINT64_MAX, &number, &fault), ERR_INVALID);
    ck_assert_int_eq(json_get_u64(&half, 0, UINT64_MAX, &number, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.message, "expected a whole number, found a decimal number");
    ck_assert_int_eq(json_get_i64(&half, &whole, &fault), ERR_INVALID);
    ck_assert_uint_eq(number, 3);
    ck_assert_int_eq(whole, 3);
    ck_assert_int_eq(json_get_u64(&count, 9007199254740993, 9007199254740993, &number, &fault), OK);
    ck_assert_uint_eq(number, 9007199254740993);
    ck_assert_int_eq(json_get_i64(&minus, &whole, &fault), OK);
    ck_assert_int_eq(whole, -1);
    close_root();
}
END_TEST

START_TEST(texts_and_truth)
{
    struct json_value root = open_root(document);
    struct json_value facts = json_member(&root, "facts");
    struct json_value text_value = json_member(&facts, "text");
    struct json_value note = json_member(&facts, "note");
    struct json_value yes = json_member(&facts, "yes");
    struct fault fault = {.code = ""};
    const char *text = NULL;
    bool truth = false;
    ck_assert_int_eq(json_get_text(&text_value, 5, &text, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.code, "json.range");
    ck_assert_int_eq(json_get_text(&text_value, 6, &text, &fault), OK);
    ck_assert_str_eq(text, "中文");
    ck_assert_int_eq(json_get_bool(&note, &truth, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.message, "expected true or false, found null");
    ck_assert_int_eq(json_get_bool(&yes, &truth, &fault), OK);
    ck_assert(truth);
    struct json_value none = json_member(&facts, "none");
    ck_assert(json_absent(&none) && json_absent(&note) && !json_absent(&yes));
    ck_assert(json_is_text(&text_value) && !json_is_text(&yes) && !json_is_text(&none));
    close_root();
}
END_TEST

START_TEST(members_and_items_are_counted_and_named)
{
    struct json_value root = open_root("{\"z\": [1, 2], \"a\": {}, \"m\": 3}");
    ck_assert_uint_eq(json_count(&root), 3);
    ck_assert_str_eq(json_member_name(&root, 0), "z");
    ck_assert_str_eq(json_member_name(&root, 1), "a");
    ck_assert_str_eq(json_member_name(&root, 2), "m");
    ck_assert_ptr_null(json_member_name(&root, 3));
    struct json_value z = json_member(&root, "z");
    struct json_value m = json_member(&root, "m");
    ck_assert(json_is_array(&z) && !json_is_object(&z) && json_is_object(&root));
    ck_assert_uint_eq(json_count(&z), 2);
    ck_assert_uint_eq(json_count(&m), 0);
    ck_assert_ptr_null(json_member_name(&z, 0));
    struct json_value odd = json_member(&z, "z");
    struct json_value odder = json_item(&root, 0);
    ck_assert(json_absent(&odd) && json_absent(&odder));
    close_root();
}
END_TEST

START_TEST(choices_and_strangers_get_a_suggestion)
{
    static const char *const kinds[] = {"referral", "acceptance", "return", NULL};
    struct json_value root = open_root("{\"kind\": \"referal\", \"good\": \"return\", \"n\": 1}");
    struct json_value kind = json_member(&root, "kind");
    struct json_value good = json_member(&root, "good");
    struct json_value number = json_member(&root, "n");
    struct fault fault = {.code = ""};
    size_t index = 9;
    ck_assert_int_eq(json_get_choice(&kind, kinds, &index, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.message, "expected one of: referral, acceptance, return");
    ck_assert_str_eq(fault.hint, "did you mean \"referral\"?");
    ck_assert_int_eq(json_get_choice(&number, kinds, &index, &fault), ERR_INVALID);
    ck_assert_uint_eq(index, 9);
    ck_assert_int_eq(json_get_choice(&good, kinds, &index, &fault), OK);
    ck_assert_uint_eq(index, 2);
    static const char *const some[] = {"kinds", "good", NULL};
    ck_assert_int_eq(json_only(&root, some, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.place, "kind");
    ck_assert_str_eq(fault.code, "json.unknown-member");
    ck_assert_str_eq(fault.hint, "did you mean \"kinds\"?");
    static const char *const all[] = {"kind", "good", "n", "more", NULL};
    ck_assert_int_eq(json_only(&root, all, &fault), OK);
    ck_assert_int_eq(json_only(&kind, all, &fault), ERR_INVALID);
    close_root();
}
END_TEST

START_TEST(the_writer_keeps_commas_and_escapes)
{
    struct buf out;
    struct json_writer writer;
    buf_init(&out, 1000);
    json_writer_init(&writer, &out);
    json_object_begin(&writer);
    json_name(&writer, "a");
    json_array_begin(&writer);
    json_array_begin(&writer);
    json_array_end(&writer);
    json_u64(&writer, UINT64_MAX);
    json_i64(&writer, INT64_MIN);
    json_bool(&writer, true);
    json_bool(&writer, false);
    json_text(&writer, NULL);
    json_raw(&writer, span_text("{\"x\":[]}"));
    json_array_end(&writer);
    json_name(&writer, "b\"");
    json_text(&writer, "\\ \" \n\r\t\x01\x7F/中");
    json_name(&writer, "c");
    json_object_begin(&writer);
    json_object_end(&writer);
    json_object_end(&writer);
    ck_assert_int_eq(json_writer_end(&writer), OK);
    ck_assert(span_equal(
        span_buf(&out),
        span_text("{\"a\":[[],18446744073709551615,-9223372036854775808,true,false,null,"
                  "{\"x\":[]}],\"b\\\"\":\"\\\\ \\\" \\n\\r\\t\\u0001\\u007f/中\",\"c\":{}}")));
    buf_free(&out);
}
END_TEST

START_TEST(rates_have_three_decimals)
{
    static const struct {
        double value;
        const char *text;
    } rates[] = {
        {0, "0.000"},
        {1.5, "1.500"},
        {0.0005, "0.001"},
        {-0.25, "-0.250"},
        {-0.0001, "0.000"},
        {999.9996, "1000.000"},
        {12345678.901, "12345678.901"},
        {NAN, "null"},
        {INFINITY, "null"},
        {-INFINITY, "null"},
        {1e300, "null"},
    };
    for (size_t i = 0; i < COUNT_OF(rates); i++) {
        struct buf out;
        struct json_writer writer;
        buf_init(&out, 100);
        json_writer_init(&writer, &out);
        json_milli(&writer, rates[i].value);
        ck_assert_int_eq(json_writer_end(&writer), OK);
        ck_assert_msg(span_equal(span_buf(&out), span_text(rates[i].text)), "%s: %.*s",
                      rates[i].text, (int)out.len, (const char *)out.data);
        buf_free(&out);
    }
}
END_TEST

START_TEST(the_writers_errors_stick)
{
    struct buf out;
    struct json_writer writer;
    buf_init(&out, 10);
    json_writer_init(&writer, &out);
    json_array_begin(&writer);
    json_text(&writer, "longer than the rest of the buf");
    json_u64(&writer, 1);
    json_array_end(&writer);
    ck_assert_int_eq(json_writer_end(&writer), ERR_TOO_LARGE);
    buf_free(&out);
    buf_init(&out, 100);
    json_writer_init(&writer, &out);
    json_text(&writer, "\xD6\xD0");
    ck_assert_int_eq(json_writer_end(&writer), ERR_INVALID);
    buf_free(&out);
}
END_TEST

/* Whatever text goes in comes out of the reader again. */
START_TEST(texts_survive_a_round_trip)
{
    struct buf out;
    struct json_writer writer;
    buf_init(&out, 4000);
    json_writer_init(&writer, &out);
    char every[200] = {0};
    for (size_t i = 1; i < 128; i++) {
        every[i - 1] = (char)i;
    }
    (void)snprintf(every + 127, sizeof(every) - 127, "%s", "\u00e9\u20ac\U0001F600");
    json_array_begin(&writer);
    json_text(&writer, every);
    json_array_end(&writer);
    ck_assert_int_eq(json_writer_end(&writer), OK);
    ck_assert_int_eq(buf_append(&out, "", 1), OK);
    struct json_value root = open_root((const char *)out.data);
    struct json_value item = json_item(&root, 0);
    const char *text = NULL;
    ck_assert_int_eq(json_get_text(&item, 200, &text, NULL), OK);
    ck_assert_str_eq(text, every);
    close_root();
    buf_free(&out);
}
END_TEST

START_TEST(nodes_are_read_without_paths)
{
    static const struct {
        const char *key;
        enum json_kind kind;
        size_t count;
        const char *text;
    } nodes[] = {
        {"absent", JSON_ABSENT, 0, ""},
        {"null", JSON_NOTHING, 0, ""},
        {"no", JSON_NO, 0, ""},
        {"yes", JSON_YES, 0, ""},
        {"whole", JSON_DIGITS, 0, "-9223372036854775807"},
        {"real", JSON_DIGITS, 0, "-1.7976931348623157e308"},
        {"text", JSON_WORDS, 2, "ab"},
        {"list", JSON_LIST, 3, ""},
        {"members", JSON_MEMBERS, 1, ""},
    };
    char digits[JSON_DIGITS_BYTES];
    struct json_value root = open_root(
        "{\"null\":null,\"no\":false,\"yes\":true,\"whole\":-9223372036854775807,"
        "\"real\":-1.7976931348623157e308,\"text\":\"ab\",\"list\":[1,2,3],\"members\":{\"a\":7}}");
    for (size_t i = 0; i < COUNT_OF(nodes); i++) {
        const void *node = json_node_member(root.node, span_text(nodes[i].key));
        ck_assert_int_eq(json_node_kind(node), nodes[i].kind);
        ck_assert_uint_eq(json_node_count(node), nodes[i].count);
        struct span text = json_node_text(node, digits);
        ck_assert_msg(span_equal(text, span_text(nodes[i].text)), "%s: %.*s", nodes[i].key,
                      (int)text.len, (const char *)text.data);
        ck_assert_ptr_null(json_node_member(node, span_text("b")));
    }
    const void *list = json_node_member(root.node, span_of("listing", 4));
    ck_assert(span_equal(json_node_text(json_node_item(list, 2), digits), span_text("3")));
    ck_assert_ptr_null(json_node_item(list, 3));
    ck_assert_ptr_null(json_node_item(root.node, 0));
    close_root();
}
END_TEST

static enum err upper(const char *text, struct buf *out)
{
    enum err error = OK;
    for (const char *at = text; error == OK && *at != '\0'; at++) {
        char letter = (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
        error = *at == '!' ? ERR_REFUSED : buf_append(out, &letter, 1);
    }
    return error;
}

START_TEST(texts_are_written_anew_wherever_they_stand)
{
    struct json_value root =
        open_root("{\"a\":\"x\",\"b\":[\"y\",1,{\"c\":\"zz\"},\"\"],\"d\":null}");
    ck_assert_int_eq(json_rewrite(json, upper, 2), OK);
    struct json_value list = json_member(&root, "b"), item = json_item(&list, 2);
    struct json_value values[] = {json_member(&root, "a"), json_item(&list, 0),
                                  json_member(&item, "c"), json_item(&list, 3)};
    static const char *const texts[] = {"X", "Y", "ZZ", ""};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const char *text = NULL;
        struct fault fault = {.code = ""};
        ck_assert_int_eq(json_get_text(&values[i], 8, &text, &fault), OK);
        ck_assert_str_eq(text, texts[i]);
    }
    close_root();
    (void)open_root("[\"abc\",\"!\"]");
    ck_assert_int_ne(json_rewrite(json, upper, 2), OK); /* no room */
    ck_assert_int_eq(json_rewrite(json, upper, 3), ERR_REFUSED);
    close_root();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json");
    TCase *cases = tcase_create("json");
    tcase_add_loop_test(cases, malformed_text_is_refused_at_its_place, 0, (int)COUNT_OF(malformed));
    tcase_add_test(cases, a_fault_never_quotes_the_text);
    tcase_add_test(cases, size_and_depth_are_bounded);
    tcase_add_test(cases, a_refused_field_has_its_path);
    tcase_add_test(cases, a_path_that_does_not_fit_is_marked);
    tcase_add_test(cases, numbers_keep_to_their_bounds);
    tcase_add_test(cases, texts_and_truth);
    tcase_add_test(cases, members_and_items_are_counted_and_named);
    tcase_add_test(cases, choices_and_strangers_get_a_suggestion);
    tcase_add_test(cases, the_writer_keeps_commas_and_escapes);
    tcase_add_test(cases, rates_have_three_decimals);
    tcase_add_test(cases, the_writers_errors_stick);
    tcase_add_test(cases, texts_survive_a_round_trip);
    tcase_add_test(cases, nodes_are_read_without_paths);
    tcase_add_test(cases, texts_are_written_anew_wherever_they_stand);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
