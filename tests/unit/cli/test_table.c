/* Tests of cli/table.h and of output_clean: places of Chinese text, alignment, and that nothing
 * which others wrote moves a terminal. */
#include "cli/table.h"

#include <stdlib.h>

#include "cli/output.h"
#include "unit/cli/printed.h"
#include "unit/suite.h"

static const char *const heads[] = {"NAME", "COUNT", "OFFICE"};

START_TEST(places_of_texts)
{
    ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
    ck_assert_uint_eq(text_places(""), 0);
    ck_assert_uint_eq(text_places("abc"), 3);
    ck_assert_uint_eq(text_places("民政局"), 6);
    ck_assert_uint_eq(text_places("督办单DB-1"), 10);
    ck_assert_uint_eq(text_places("e\xcc\x81"), 1); /* a combining accent takes none */
    ck_assert_uint_eq(text_places("a\xff\xe6\xb0z"), 5);
}
END_TEST

START_TEST(chinese_columns_align)
{
    struct printed printed;
    struct table table;

    printed_begin(&printed);
    table_begin(&table, heads, "lrl");
    table_cell(&table, "民政局");
    table_cell_u64(&table, 7);
    table_cell(&table, "社会救助科");
    table_cell(&table, "health");
    table_cell_u64(&table, 0);
    table_cell(&table, "");
    table_cellf(&table, "%s-%d", "x", 12);
    table_cell_u64(&table, 123456);
    table_cell(&table, "y");
    ck_assert_int_eq(table_end(&table, "none"), EXIT_OK);
    printed_end(&printed);
    ck_assert_str_eq(printed.text, "NAME     COUNT  OFFICE\n"
                                   "民政局       7  社会救助科\n"
                                   "health       .\n"
                                   "x-12    123456  y\n");
    free(printed.text);
}
END_TEST

START_TEST(without_heads_and_with_a_margin)
{
    struct printed printed;
    struct table table;

    printed_begin(&printed);
    table_begin(&table, NULL, "ll");
    table.margin = "  ";
    table_cell(&table, "a");
    table_cell(&table, "b");
    ck_assert_int_eq(table_end(&table, ""), EXIT_OK);
    table_begin(&table, heads, "lrl");
    ck_assert_int_eq(table_end(&table, "no rows"), EXIT_OK);
    table_begin(&table, heads, "lrl");
    table_cell(&table, "never seen");
    table_free(&table);
    printed_end(&printed);
    ck_assert_str_eq(printed.text, "  a  b\nno rows\n");
    free(printed.text);
}
END_TEST

START_TEST(cells_are_cleaned)
{
    static const struct {
        const char *given, *expected;
    } cases[] = {
        {"plain 文字", "plain 文字"},
        {"a\x1b[2Jb", "a [2Jb"},
        {"one\ntwo\tthree\r", "one two three "},
        {"\x7f\xc2\x9b"
         "31m",
         "  31m"},                              /* DEL, and C1's CSI in two bytes */
        {"\xff\xc0\xaf\xed\xa0\x80", "??????"}, /* no UTF-8, byte by byte */
        {"\xe6\xb0", "??"},                     /* cut in the middle */
        {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out;

        buf_init(&out, 1000);
        ck_assert_int_eq(output_clean(cases[i].given, &out), OK);
        ck_assert_int_eq(buf_append(&out, "", 1), OK);
        ck_assert_str_eq((const char *)out.data, cases[i].expected);
        buf_free(&out);
    }
}
END_TEST

START_TEST(more_than_a_table_holds)
{
    struct printed printed;
    struct table table;
    struct buf filler;

    buf_init(&filler, 2000000);
    for (unsigned i = 0; i < 20000; i++) { /* each assertion costs a system call */
        ck_assert_int_eq(
            buf_append(&filler, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 50), OK);
    }
    ck_assert_int_eq(buf_append(&filler, "", 1), OK);
    printed_begin(&printed);
    table_begin(&table, NULL, "l");
    for (unsigned i = 0; i < 100; i++) {
        table_cell(&table, (const char *)filler.data);
    }
    ck_assert_int_eq(table_end(&table, ""), EXIT_FAILED);
    printed_end(&printed);
    ck_assert_uint_eq(printed.len, 0);
    free(printed.text);
    buf_free(&filler);
}
END_TEST

START_TEST(instants_are_whole_seconds_of_plus_eight)
{
    char text[INSTANT_TEXT_BYTES];

    output_instant(0, text);
    ck_assert_str_eq(text, "-");
    output_instant(UINT64_C(1793289600250), text);
    ck_assert_str_eq(text, "2026-10-30T00:00:00+08:00");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_table");
    TCase *tests = tcase_create("table");
    tcase_add_test(tests, places_of_texts);
    tcase_add_test(tests, chinese_columns_align);
    tcase_add_test(tests, without_heads_and_with_a_margin);
    tcase_add_test(tests, cells_are_cleaned);
    tcase_add_test(tests, more_than_a_table_holds);
    tcase_add_test(tests, instants_are_whole_seconds_of_plus_eight);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
