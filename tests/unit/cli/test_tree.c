/* Tests of cli/tree.h: how a value is drawn, what deep or foreign values become. */
#include "cli/tree.h"

#include <stdlib.h>
#include <string.h>

#include "unit/cli/printed.h"
#include "unit/suite.h"

static void ck_drawn(const char *text, const char *expected)
{
    struct printed printed;
    struct json_value root;
    struct json *json;

    ck_assert_int_eq(json_open("test", span_text(text), &json, NULL), OK);
    root = json_root(json);
    printed_begin(&printed);
    tree_print(&root, 0, "left_out");
    printed_end(&printed);
    ck_assert_str_eq(printed.text, expected);
    free(printed.text);
    json_free(json);
}

START_TEST(members_and_lists)
{
    ck_drawn("{\"name\":\"小甲\",\"count\":3,\"minor\":true,\"told\":null}",
             "name: 小甲\ncount: 3\nminor: yes\ntold: -\n");
    ck_drawn("{\"needs\":[\"a\",\"b\"],\"none\":[],\"empty\":{}}",
             "needs:\n  - a\n  - b\nnone: (none)\nempty: (none)\n");
    ck_drawn("{\"persons\":[{\"name\":\"x\",\"marks\":[1]},{\"name\":\"y\"}],\"end\":false}",
             "persons:\n  - name: x\n    marks:\n      - 1\n  - name: y\nend: no\n");
    ck_drawn("[[1,2],[],[[3]]]", "- - 1\n  - 2\n- (none)\n- - - 3\n");
    ck_drawn("{}", "");
    ck_drawn("{\"left_out\":true,\"a\":{\"left_out\":1}}", "a:\n  left_out: 1\n");
}
END_TEST

START_TEST(texts_keep_their_lines_and_move_no_terminal)
{
    ck_drawn("{\"a\":{\"text\":\"one\\ntwo\\u001b[2J\\n\\nend\"}}",
             "a:\n  text: one\n    two [2J\n    \n    end\n");
    ck_drawn("{\"\\u001b[2J\":\"\"}", " [2J: \n");
}
END_TEST

START_TEST(what_has_no_form_is_named)
{
    char deep[256] = "";
    struct printed printed;
    struct json_value root;
    struct json *json;

    ck_drawn("{\"rate\":1.5}", "rate: (not for this form: see --json)\n");
    memset(deep, '[', 30);
    memset(deep + 30, ']', 30);
    ck_assert_int_eq(json_open("test", span_text(deep), &json, NULL), OK);
    root = json_root(json);
    printed_begin(&printed);
    tree_print(&root, 0, "left_out");
    printed_end(&printed);
    ck_assert_ptr_nonnull(strstr(printed.text, "(nested too deep: see --json)\n"));
    free(printed.text);
    json_free(json);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_tree");
    TCase *tests = tcase_create("tree");
    tcase_add_test(tests, members_and_lists);
    tcase_add_test(tests, texts_keep_their_lines_and_move_no_terminal);
    tcase_add_test(tests, what_has_no_form_is_named);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
