/* agent/web/template: the language by table, hostile values in every context, what the compiler
 * refuses and where, the bounds, and the templates that are built in. */
#include <stdio.h>
#include <string.h>

#include "agent/web/template.h"
#include "base/limits.h"
#include "unit/suite.h"

#define PAGE_MAX (256u * 1024u)

/* Renders `text` as the template "page", beside two partials. The page is NUL-terminated. */
static enum err render(const char *text, const char *view, enum language language, struct buf *out)
{
    struct fault fault = {0};
    struct template_source sources[] = {
        {"page", span_text(text)},
        {"item", span_text("[{{name}}]")},
        {"outer", span_text("{{>item}}>")},
    };
    struct template_set *set = NULL;
    struct json *json = NULL;
    ck_assert_int_eq(json_open("view", span_text(view), &json, &fault), OK);
    struct json_value root = json_root(json);
    enum err error = templates_compile(sources, COUNT_OF(sources), &set, &fault);
    ck_assert_msg(error == OK, "%s: %s: %s", text, fault.place, fault.message);
    error = template_render(set, "page", &root, language, out);
    if (error == OK) {
        ck_assert_int_eq(buf_append(out, "", 1), OK);
    }
    templates_free(set);
    json_free(json);
    return error;
}

static void check_page(const char *text, const char *view, const char *page)
{
    struct buf out;
    buf_init(&out, PAGE_MAX);
    ck_assert_int_eq(render(text, view, LANGUAGE_ZH, &out), OK);
    ck_assert_msg(strcmp((const char *)out.data, page) == 0, "%s with %s:\n got %s\nwant %s", text,
                  view, (const char *)out.data, page);
    buf_free(&out);
}

struct sample {
    const char *text, *view, *page;
};

static const struct sample language_samples[] = {
    /* values */
    {"", "{}", ""},
    {"a", "{}", "a"},
    {"{{x}}", "{\"x\":\"y\"}", "y"},
    {"{{ x }}", "{\"x\":\"y\"}", "y"},
    {"{{x}}", "{\"x\":7}", "7"},
    {"{{x}}", "{\"x\":-1.5}", "-1.5"},
    {"{{x}}", "{\"x\":9223372036854775807}", "9223372036854775807"},
    {"({{x}})", "{}", "()"},
    {"({{x}})", "{\"x\":null}", "()"},
    {"({{x}})", "{\"x\":false}", "()"},
    {"({{x}})", "{\"x\":true}", "(true)"},
    {"({{x}})", "{\"x\":{\"y\":1}}", "()"},
    {"({{x}})", "{\"x\":[1]}", "()"},
    {"{{a.b.c}}", "{\"a\":{\"b\":{\"c\":\"d\"}}}", "d"},
    {"({{a.b.c}})", "{\"a\":{\"b\":\"c\"}}", "()"},
    {"{{.}}", "\"whole\"", "whole"},
    {"({{x}})", "[1]", "()"},
    {"a{{! remark }}b", "{}", "ab"},
    {"a } }} b", "{}", "a } }} b"},
    {"{{x}}}", "{\"x\":1}", "1}"},
    /* sections */
    {"{{#x}}y{{/x}}", "{\"x\":true}", "y"},
    {"{{#x}}y{{/x}}", "{}", ""},
    {"{{#x}}y{{/x}}", "{\"x\":null}", ""},
    {"{{#x}}y{{/x}}", "{\"x\":false}", ""},
    {"{{#x}}y{{/x}}", "{\"x\":0}", ""},
    {"{{#x}}y{{/x}}", "{\"x\":0.0}", ""},
    {"{{#x}}y{{/x}}", "{\"x\":-0.0}", ""},
    {"{{#x}}y{{/x}}", "{\"x\":0.001}", "y"},
    {"{{#x}}y{{/x}}", "{\"x\":10}", "y"},
    {"{{#x}}y{{/x}}", "{\"x\":\"\"}", ""},
    {"{{#x}}y{{/x}}", "{\"x\":[]}", ""},
    {"{{#x}}y{{/x}}", "{\"x\":{}}", ""},
    {"{{#x}}y{{/x}}", "{\"x\":\"0\"}", "y"},
    {"{{^x}}y{{/x}}", "{\"x\":0}", "y"},
    {"{{^x}}y{{/x}}", "{}", "y"},
    {"{{^x}}y{{/x}}", "{\"x\":[0]}", ""},
    {"{{#x}}({{.}}){{/x}}", "{\"x\":[1,\"b\",null,false]}", "(1)(b)()()"},
    {"{{#x}}{{y}},{{/x}}", "{\"x\":[{\"y\":1},{\"y\":2}]}", "1,2,"},
    {"{{#x}}{{y}}{{z}},{{/x}}", "{\"z\":9,\"x\":[{\"y\":1},{\"y\":2,\"z\":3}]}", "19,23,"},
    {"{{#x}}{{y}}{{/x}}", "{\"y\":1,\"x\":{\"y\":2}}", "2"},
    {"({{#x}}{{y}}{{/x}})", "{\"y\":1,\"x\":{\"y\":null}}", "()"},
    {"({{#x}}{{y.z}}{{/x}})", "{\"y\":{\"z\":1},\"x\":{\"y\":{}}}", "()"},
    {"{{#x}}{{x}}{{/x}}", "{\"x\":\"t\"}", "t"},
    {"{{#a.b}}{{.}}{{/a.b}}", "{\"a\":{\"b\":[1,2]}}", "12"},
    {"{{#x}}{{#y}}{{.}}{{/y}};{{/x}}", "{\"x\":[{\"y\":[1,2]},{\"y\":[3]},{}]}", "12;3;;"},
    {"{{#x}}{{.}}{{#y}}{{.}}{{/y}}{{/x}}", "{\"y\":[8,9],\"x\":[1,2]}", "189289"},
    {"{{#x}}{{^y}}n{{/y}}{{#y}}{{#z}}b{{/z}}{{/y}}{{/x}}", "{\"x\":[{},{\"y\":1,\"z\":1}]}", "nb"},
    {"{{#x}}{{#.}}{{.}}{{/.}};{{/x}}", "{\"x\":[[1,2],[3]]}", "12;3;"},
    /* partials */
    {"{{>item}}", "{\"name\":\"n\"}", "[n]"},
    {"{{#x}}{{>item}}{{/x}}", "{\"x\":[{\"name\":1},{\"name\":2}]}", "[1][2]"},
    {"{{#x}}{{>outer}}{{/x}}{{name}}", "{\"name\":\"o\",\"x\":[{\"name\":1},{}]}", "[1]>[o]>o"},
    /* lines that show nothing */
    {"a\n{{#x}}\nb\n{{/x}}\nc\n", "{\"x\":[1,2]}", "a\nb\nb\nc\n"},
    {"a\n  {{! r }}  \nb", "{}", "a\nb"},
    {"{{!\n r\n}}\nb", "{}", "b"},
    {"a {{#x}}\nb{{/x}}", "{\"x\":1}", "a \nb"},
    {"{{x}}\nb", "{\"x\":1}", "1\nb"},
    {"{{>item}}\nb", "{\"name\":1}", "[1]b"},
    {"{{#x}}{{/x}}\nb", "{\"x\":1}", "\nb"},
    /* texts */
    {"{{_ 共 {count} 件}}", "{\"count\":3}", "共 3 件"},
    {"{{_ 没有这句 {a.b}{c}}}", "{\"a\":{\"b\":1},\"c\":2}", "没有这句 12"},
    {"{{_ a & {c}}}", "{\"c\":\"<\"}", "a &amp; &lt;"},
    {"<a title=\"{{_ \"甲\" {c}}}\">x</a>", "{\"c\":\"\\\"\"}",
     "<a title=\"&quot;甲&quot; &quot;\">x</a>"},
};

START_TEST(test_language)
{
    check_page(language_samples[_i].text, language_samples[_i].view, language_samples[_i].page);
}
END_TEST

START_TEST(test_english)
{
    struct buf out;
    buf_init(&out, PAGE_MAX);
    ck_assert_int_eq(
        render("{{_ 共 {count} 件}}|{{_ 没有这句}}", "{\"count\":\"<3\"}", LANGUAGE_EN, &out), OK);
    ck_assert_str_eq((const char *)out.data, "&lt;3 in all|没有这句");
    buf_free(&out);
}
END_TEST

/* --- hostile values --- */

static const struct sample hostile_samples[] = {
    {"<p>{{x}}</p>", "{\"x\":\"<b>&\\\"'\"}", "<p>&lt;b&gt;&amp;&quot;&#39;</p>"},
    {"<p title=\"{{x}}\">", "{\"x\":\"\\\" onclick=\\\"a()\"}",
     "<p title=\"&quot; onclick=&quot;a()\">"},
    {"<title>{{x}}</title>", "{\"x\":\"</title><script>\"}",
     "<title>&lt;/title&gt;&lt;script&gt;</title>"},
    {"<textarea>{{x}}</textarea>", "{\"x\":\"</textarea>\"}",
     "<textarea>&lt;/textarea&gt;</textarea>"},
    {"{{x}}", "{\"x\":\"a\\u0001\\u0008\\r\\n\\tb\\u007f\\u0085c\\u00a0\"}", "a\n\tbc\u00a0"},
    {"{{x}}", "{\"x\":\"{{y}}\",\"y\":1}", "{{y}}"},
    {"{{_ 甲 {x}}}", "{\"x\":\"{y}\",\"y\":1}", "甲 {y}"},
    /* addresses: what begins one */
    {"<a href=\"{{x}}\">", "{\"x\":\"/case/1?a=b&c\"}", "<a href=\"/case/1?a=b&amp;c\">"},
    {"<a href=\"{{x}}\">", "{\"x\":\"?tab=late\"}", "<a href=\"?tab=late\">"},
    {"<a href=\"{{x}}\">", "{\"x\":\"#top\"}", "<a href=\"#top\">"},
    {"<a href=\"{{x}}\">", "{\"x\":\"/\"}", "<a href=\"/\">"},
    {"<a href=\"{{x}}\">", "{\"x\":\"\"}", "<a href=\"#\">"},
    {"<a href=\"{{x}}\">", "{}", "<a href=\"#\">"},
    {"<a href=\"{{x}}\">", "{\"x\":1}", "<a href=\"#\">"},
    {"<a href=\"{{x}}\">", "{\"x\":\"//evil.example\"}", "<a href=\"#\">"},
    {"<a href=\"{{x}}\">", "{\"x\":\"/\\\\evil.example\"}", "<a href=\"#\">"},
    {"<a href=\"{{x}}\">", "{\"x\":\"/\\t/evil.example\"}", "<a href=\"#\">"},
    {"<a href=\"{{x}}\">", "{\"x\":\"/\\n/evil.example\"}", "<a href=\"#\">"},
    {"<a href=\"{{x}}\">", "{\"x\":\"\\u0001/a\"}", "<a href=\"#\">"},
    {"<a href=\"{{x}}\">", "{\"x\":\" javascript:alert(1)\"}", "<a href=\"#\">"},
    {"<a href=\"{{x}}\">", "{\"x\":\"javascript:alert(1)\"}", "<a href=\"#\">"},
    {"<a HREF=\"{{x}}\">", "{\"x\":\"data:text/html,x\"}", "<a HREF=\"#\">"},
    {"<img src=\"{{x}}\">", "{\"x\":\"http://evil.example/\"}", "<img src=\"#\">"},
    {"<form action=\"{{x}}\">", "{\"x\":\"//evil.example\"}", "<form action=\"#\">"},
    {"<button formaction=\"{{x}}\">", "{\"x\":\"javascript:a\"}", "<button formaction=\"#\">"},
    {"<a href=\"{{x}}?y={{y}}\">", "{\"x\":\"javascript:a\",\"y\":1}", "<a href=\"#?y=1\">"},
    /* addresses: parts */
    {"<a href=\"/case/{{x}}\">", "{\"x\":\"../a/?b#c d\\\"\"}",
     "<a href=\"/case/..%2Fa%2F%3Fb%23c%20d%22\">"},
    {"<a href=\"?q={{x}}&r={{y}}\">", "{\"x\":\"a&r=2\",\"y\":\"\xe4\xb8\xad\"}",
     "<a href=\"?q=a%26r%3D2&r=%E4%B8%AD\">"},
    {"<a href=\"{{x}}{{#y}}?q={{y}}{{/y}}\">", "{\"x\":\"/a\",\"y\":\"/b\"}",
     "<a href=\"/a?q=%2Fb\">"},
    {"<a href=\"/a?{{#x}}b={{.}}&{{/x}}\">", "{\"x\":[1,2]}", "<a href=\"/a?b=1&b=2&\">"},
    {"<a href=\"{{#x}}/a{{/x}}{{^x}}/b{{/x}}\">", "{\"x\":1}", "<a href=\"/a\">"},
    {"<use href=\"#{{x}}\">", "{\"x\":\"i-late\"}", "<use href=\"#i-late\">"},
    /* attributes that come and go */
    {"<tr{{#x}} class=\"{{x}}\"{{/x}}>", "{\"x\":\"late\"}", "<tr class=\"late\">"},
    {"<tr{{#x}} class=\"{{x}}\"{{/x}}>", "{}", "<tr>"},
    {"<input name=\"a\"{{#x}} checked{{/x}} id=\"b\">", "{\"x\":1}",
     "<input name=\"a\" checked id=\"b\">"},
    {"<p class=\"a{{#x}} {{.}}{{/x}}\">", "{\"x\":[\"b\",\"c\"]}", "<p class=\"a b c\">"},
    {"<a href=\"/x\"\n{{#x}}\ntitle=\"{{x}}\"\n{{/x}}\n>", "{\"x\":1}",
     "<a href=\"/x\"\ntitle=\"1\"\n>"},
    {"<script src=\"/a.js\" defer>\n</script>{{x}}", "{\"x\":1}",
     "<script src=\"/a.js\" defer>\n</script>1"},
    {"<!DOCTYPE html>{{x}}", "{\"x\":1}", "<!DOCTYPE html>1"},
};

START_TEST(test_hostile)
{
    check_page(hostile_samples[_i].text, hostile_samples[_i].view, hostile_samples[_i].page);
}
END_TEST

/* --- refusals --- */

static const struct {
    const char *text, *place, *message; /* the message begins so */
} refused[] = {
    {"{{x", "page:1:1", "a {{ without"},
    {"ab\n 中{{x", "page:2:3", "a {{ without"},
    {"{{", "page:1:1", "a {{ without"},
    {"{{}}", "page:1:1", "a name is"},
    {"{{a b}}", "page:1:1", "a name is"},
    {"{{a..b}}", "page:1:1", "a name is"},
    {"{{.a}}", "page:1:1", "a name is"},
    {"{{a.}}", "page:1:1", "a name is"},
    {"{{{x}}}", "page:1:1", "there is no way"},
    {"{{&x}}", "page:1:1", "there is no way"},
    {"{{#x}}", "page:1:4", "the section x is not closed"},
    {"{{#}}{{/}}", "page:1:1", "a section has a name"},
    {"{{/x}}", "page:1:1", "closes a section that is not open"},
    {"\n{{#x}}{{#y}}{{/x}}{{/y}}", "page:2:13", "the section to close here is y"},
    {"{{>nothing}}", "page:1:1", "no template of this name"},
    {"a\n{{>}}", "page:2:1", "no template of this name"},
    {"{{>page}}", "page:1:4", "more than 32"},
    {"<p>{{>ring}}", "ring:1:4", "more than 32"},
    {"{{_ }}", "page:1:1", "no text"},
    {"{{_ a\nb}}", "page:1:1", "a text for people is on one line"},
    {"{{_ {a}}", "page:1:1", "a { without its }"},
    {"{{_ a {b c}}}", "page:1:1", "a name is"},
    {"{{_ a {}}}", "page:1:1", "a name is"},
    /* where no value may stand */
    {"<{{x}}>", "page:1:2", "a value as the name of a tag"},
    {"<a{{x}}>", "page:1:3", "a value as the name of a tag"},
    {"</{{x}}>", "page:1:3", "a value as the name of a tag"},
    {"<a {{x}}>", "page:1:4", "a value stands in text"},
    {"<a b{{x}}>", "page:1:5", "a value stands in text"},
    {"<a b={{x}}>", "page:1:6", "a value in an attribute without double quotes"},
    {"<a b='{{x}}'>", "page:1:6", "an attribute's value stands in double quotes"},
    {"<a b=c{{x}}>", "page:1:6", "an attribute's value stands in double quotes"},
    {"<a b= \"c\">", "page:1:6", "an attribute's value stands in double quotes"},
    {"<a b =\"c\">", "page:1:6", "an attribute begins with a letter"},
    {"<a b=\"c\"{{x}}>", "page:1:9", "a value stands in text"},
    {"<a b=\"c\"d=\"e\">", "page:1:9", "white space"},
    {"<script>{{x}}</script>", "page:1:9", "no value in a script"},
    {"<script>let a;</script>", "page:1:9", "no script in a page"},
    {"<script>{{#x}}</script>{{/x}}", "page:1:9", "nothing stands in a script"},
    {"<SCRIPT>{{x}}</SCRIPT>", "page:1:9", "no value in a script"},
    {"<style>{{x}}</style>", "page:1:7", "no style"},
    {"<iframe src=\"/x\">", "page:1:17", "no style, base or embedded"},
    {"<base href=\"{{x}}\">", "page:1:19", "no style, base or embedded"},
    {"<a onclick=\"{{x}}\">", "page:1:11", "no script in an attribute"},
    {"<a OnClick=\"x\">", "page:1:11", "no script in an attribute"},
    {"<a onfocus{{#x}} b{{/x}}>", "page:1:11", "no script in an attribute"},
    {"<a style=\"x\">", "page:1:9", "no style in an attribute"},
    {"<img srcset=\"{{x}}\">", "page:1:14", "no value in this attribute"},
    {"<meta content=\"{{x}}\">", "page:1:16", "no value in this attribute"},
    {"<script src=\"{{x}}\"></script>", "page:1:14", "no value in this attribute"},
    {"<link href=\"{{x}}\">", "page:1:13", "no value in this attribute"},
    {"<!-- {{x}} -->", "page:1:3", "no HTML comments"},
    {"<!DOCTYPE {{x}}>", "page:1:11", "a value stands in text"},
    {"a < b", "page:1:4", "write &lt;"},
    {"<title><b></title>", "page:1:9", "only text stands here"},
    {"<title></{{x}}>", "page:1:10", "a value stands in text"},
    {"<title></text>", "page:1:11", "only text stands here"},
    {"<a b=\"c", "page:1:8", "the template ends inside a tag"},
    {"<title>a", "page:1:9", "the template ends inside a tag"},
    /* addresses */
    {"<a href=\"http://{{x}}/\">", "page:1:17", "no value in the address of another site"},
    {"<a href=\"java{{x}}\">", "page:1:14", "no value in the address of another site"},
    {"<a href=\"//{{x}}\">", "page:1:12", "no value in the address of another site"},
    {"<a href=\"/\n/a{{x}}\">", "page:2:3", "no value in the address of another site"},
    {"<a href=\"{{x}}\n/{{y}}\">", "page:2:2", "no value in the address of another site"},
    {"<a href=\"/{{x}}\">", "page:1:11", "a value begins an address"},
    {"<a href=\"{{x}}{{y}}\">", "page:1:15", "a value begins an address"},
    {"<a href=\"{{x}}/{{y}}\">", "page:1:16", "a value begins an address"},
    {"<a href=\"{{#x}}{{y}}{{/x}}\">", "page:1:16", "a value begins an address"},
    {"<a href=\"{{#x}}/a{{/x}}{{y}}\">", "page:1:24", "a value begins an address"},
    {"<a href=\"/{{#x}}a{{/x}}\">", "page:1:11", "a section behind the first /"},
    {"<a href=\"{{#x}}http:{{/x}}/a{{y}}\">", "page:1:21", "a section may not hold"},
    {"<a href=\"{{_ 甲}}\">", "page:1:10", "no text for people in an address"},
    {"<a href=\"/a/{{_ 甲}}\">", "page:1:13", "no text for people in an address"},
    /* sections */
    {"{{#x}}<a {{/x}}>", "page:1:10", "the section ends at another place"},
    {"<a{{#x}}>{{/x}}", "page:1:10", "the section ends at another place"},
    {"<a {{#x}}checked{{/x}} b>", "page:1:17", "the section ends at another place"},
    {"<a {{#x}}o{{/x}}nclick=\"{{y}}\">", "page:1:11", "the section ends at another place"},
    {"<a{{#x}} o{{/x}}nclick=\"{{y}}\">", "page:1:17", "white space"},
    {"<s{{#x}}cript{{/x}}>", "page:1:9", "white space"},
    {"<{{#x}}b{{/x}}>", "page:1:2", "a section may not begin or end here"},
    {"<a b={{#x}}\"c\"{{/x}}>", "page:1:6", "a section may not begin or end here"},
    {"<a b=\"{{#x}}c\" d=\"{{/x}}\">", "page:1:19", "the section ends at another place"},
    {"<a b=\"{{>item}}\">", "page:1:7", "another template stands in text"},
    {"{{#x}}<title>{{/x}}</title>", "page:1:14", "the section ends at another place"},
};

START_TEST(test_refused)
{
    struct fault fault = {0};
    struct template_set *set = NULL;
    struct template_source sources[] = {
        {"page", span_text(refused[_i].text)},
        {"item", span_text("x")},
        {"ring", span_text("{{>gnir}}")},
        {"gnir", span_text("{{>ring}}")},
    };
    size_t count = strstr(refused[_i].text, "ring") != NULL ? 4 : 2;
    enum err error = templates_compile(sources, count, &set, &fault);
    ck_assert_msg(error == ERR_INVALID, "%s is taken", refused[_i].text);
    ck_assert_ptr_null(set);
    ck_assert_msg(strcmp(fault.place, refused[_i].place) == 0, "%s: at %s: %s", refused[_i].text,
                  fault.place, fault.message);
    size_t len = strlen(refused[_i].message);
    ck_assert_msg(strncmp(fault.message, refused[_i].message, len) == 0, "%s: %s", refused[_i].text,
                  fault.message);
    ck_assert_int_eq(templates_compile(sources, count, &set, NULL), ERR_INVALID);
}
END_TEST

/* Every byte of valid templates cut off, and braces and quotes planted: taken or refused, never
 * read beyond. The sources are copied to the heap, for the sanitizer. */
static void try_compile(const char *text, size_t len)
{
    struct template_set *set = NULL;
    struct fault fault = {.code = ""};
    char *copy = malloc(len == 0 ? 1 : len);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, len);
    struct template_source source = {"page", span_of(copy, len)};
    if (templates_compile(&source, 1, &set, &fault) == OK) {
        templates_free(set);
    }
    free(copy);
}

START_TEST(test_damaged)
{
    static const char planted[] = "{}\"<>/#^_>!& \n'.=-";
    const char *text = hostile_samples[_i].text;
    size_t len = strlen(text);
    char changed[256];
    ck_assert_uint_lt(len, sizeof(changed));
    memcpy(changed, text, len + 1);
    for (size_t i = 0; i <= len; i++) {
        try_compile(text, i);
        for (size_t k = 0; i < len && k < sizeof(planted); k++) {
            changed[i] = planted[k];
            try_compile(changed, len);
            changed[i] = text[i];
        }
    }
}
END_TEST

START_TEST(test_bounds)
{
    struct buf out;
    buf_init(&out, 100);
    ck_assert_int_eq(
        render("{{#x}}{{.}}{{/x}}", "{\"x\":[\"0123456789\",\"0123456789\"]}", LANGUAGE_ZH, &out),
        OK);
    buf_free(&out);
    buf_init(&out, 15);
    ck_assert_int_eq(
        render("{{#x}}{{.}}{{/x}}", "{\"x\":[\"0123456789\",\"0123456789\"]}", LANGUAGE_ZH, &out),
        ERR_TOO_LARGE);
    buf_free(&out);
    /* As deep as allowed, and one more. */
    for (size_t depth = 32; depth <= 33; depth++) {
        char text[33 * 12 + 1] = "";
        size_t len = 0;
        for (size_t i = 0; i < depth; i++) {
            len += (size_t)snprintf(text + len, sizeof(text) - len, "{{#x}}");
        }
        for (size_t i = 0; i < depth; i++) {
            len += (size_t)snprintf(text + len, sizeof(text) - len, "{{/x}}");
        }
        struct template_source source = {"page", span_text(text)};
        struct template_set *set = NULL;
        enum err error = templates_compile(&source, 1, &set, NULL);
        ck_assert_int_eq(error, depth == 32 ? OK : ERR_INVALID);
        if (error == OK) {
            struct json *json = NULL;
            ck_assert_int_eq(json_open("view", span_text("{\"x\":1}"), &json, NULL), OK);
            struct json_value view = json_root(json);
            buf_init(&out, 100);
            ck_assert_int_eq(template_render(set, "page", &view, LANGUAGE_ZH, &out), OK);
            buf_free(&out);
            json_free(json);
        }
        templates_free(set);
    }
    templates_free(NULL);
}
END_TEST

/* --- what is built in --- */

static bool holds(const struct buf *page, const char *text)
{
    return memmem(page->data, page->len, text, strlen(text)) != NULL;
}

static const char layout_view[] =
    "{\"title\":\"待办\",\"agency\":\"演示市民政局\",\"department\":\"社会救助科\","
    "\"officer\":\"高娃<化名>\",\"nav_inbox\":true,\"today\":\"2026年10月15日\",\"csrf\":"
    "\"t0k\\\"n\","
    "\"lang\":\"zh-CN\",\"may_read\":true,\"notice\":\"已签收\",\"demo\":true}";

START_TEST(test_built_in)
{
    struct fault fault = {0};
    struct template_set *set = NULL;
    struct json *json = NULL;
    struct buf page;
    enum err error = templates_new(&set, &fault);
    ck_assert_msg(error == OK, "%s: %s", fault.place, fault.message);
    ck_assert_int_eq(json_open("view", span_text(layout_view), &json, &fault), OK);
    struct json_value view = json_root(json);
    buf_init(&page, PAGE_MAX);
    ck_assert_int_eq(template_render(set, "nothing", &view, LANGUAGE_ZH, &page), ERR_NOT_FOUND);
    ck_assert_int_eq(template_render(set, "layout_head", &view, LANGUAGE_EN, &page), OK);
    ck_assert_int_eq(template_render(set, "layout_foot", &view, LANGUAGE_EN, &page), OK);
    static const char *const held[] = {
        "<!DOCTYPE html>\n<html lang=\"zh-CN\">\n",
        "<meta name=\"renderer\" content=\"webkit\">",
        "<title>待办 - 演示市民政局 - Referral platform</title>",
        "<symbol id=\"i-late\"",
        "高娃&lt;化名&gt;",
        "<a href=\"/\" aria-current=\"page\">Inbox</a>",
        "value=\"t0k&quot;n\"",
        "<div class=\"note\" role=\"status\"><b>已签收</b></div>",
        "all persons, agencies and numbers are made up",
    };
    ck_assert_int_eq(memcmp(page.data, held[0], strlen(held[0])), 0);
    for (size_t i = 0; i < COUNT_OF(held); i++) {
        ck_assert_msg(holds(&page, held[i]), "without %s:\n%.*s", held[i], (int)page.len,
                      (const char *)page.data);
    }
    ck_assert(!holds(&page, "/admin"));
    ck_assert(!holds(&page, "role=\"alert\""));
    buf_free(&page);
    json_free(json);
    templates_free(set);
}
END_TEST

START_TEST(test_assets)
{
    const struct asset *style = asset_find("style.css");
    const struct asset *script = asset_find("app.js");
    ck_assert_ptr_nonnull(style);
    ck_assert_ptr_nonnull(script);
    ck_assert_str_eq(style->type, "text/css; charset=utf-8");
    ck_assert_str_eq(script->type, "text/javascript; charset=utf-8");
    ck_assert_uint_gt(style->bytes.len, 1000);
    ck_assert_uint_eq(strlen(style->etag), 32);
    ck_assert_str_ne(style->etag, script->etag);
    ck_assert(utf8_valid(style->bytes));
    ck_assert_ptr_null(asset_find("../style.css"));
    ck_assert_ptr_null(asset_find(""));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("template");
    TCase *tcase = tcase_create("language");
    tcase_add_loop_test(tcase, test_language, 0, COUNT_OF(language_samples));
    tcase_add_loop_test(tcase, test_hostile, 0, COUNT_OF(hostile_samples));
    tcase_add_loop_test(tcase, test_refused, 0, COUNT_OF(refused));
    tcase_add_loop_test(tcase, test_damaged, 0, COUNT_OF(hostile_samples));
    tcase_add_test(tcase, test_english);
    tcase_add_test(tcase, test_bounds);
    tcase_add_test(tcase, test_built_in);
    tcase_add_test(tcase, test_assets);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
