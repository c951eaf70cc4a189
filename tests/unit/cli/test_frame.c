/* Tests of cli/frame.h and text_fit: lines end where the terminal does, whatever they hold, and
 * nothing that others wrote moves it. */
#include "cli/frame.h"

#include <locale.h>
#include <string.h>

#include "cli/table.h"
#include "unit/suite.h"

static struct frame frame;

static void begin(unsigned columns, bool colour)
{
    ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
    frame_begin(&frame, columns, colour);
}

static void ck_text(const char *expected)
{
    ck_assert_int_eq(frame.error, OK);
    ck_assert_int_eq(buf_append(&frame.text, "", 1), OK);
    ck_assert_str_eq((const char *)frame.text.data, expected);
    frame_free(&frame);
}

START_TEST(what_fits)
{
    static const struct {
        const char *text;
        size_t places, bytes;
    } rows[] = {
        {"abc", 0, 0},      {"abc", 2, 2},      {"abc", 9, 3}, {"民政局", 1, 0},
        {"民政局", 2, 3},   {"民政局", 3, 3},   {"a民", 2, 1}, {"e\xcc\x81x", 1, 3},
        {"\xff\xff", 1, 1}, {"\xe6\xb0", 2, 2},
    };

    ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ck_assert_uint_eq(text_fit(rows[i].text, rows[i].places), rows[i].bytes);
        ck_assert_uint_le(text_places_of(rows[i].text, rows[i].bytes), rows[i].places);
    }
}
END_TEST

START_TEST(lines_end_with_the_terminal)
{
    for (unsigned columns = 1; columns < 24; columns++) {
        const char *line, *end;

        begin(columns, false);
        frame_put(&frame, STYLE_BAD, "%s", "民政局ab");
        frame_to(&frame, 10);
        frame_put_right(&frame, STYLE_PLAIN, 5, "12");
        frame_put(&frame, STYLE_PLAIN, " %s", "卫生");
        ck_assert_uint_le(frame.column, columns);
        frame_end_line(&frame);
        ck_assert_uint_eq(frame.lines, 1);
        line = (const char *)frame.text.data;
        end = memchr(line, '\n', frame.text.len);
        ck_assert_ptr_nonnull(end);
        ck_assert_uint_le(text_places_of(line, (size_t)(end - line)), columns);
        ck_assert(utf8_valid(span_buf(&frame.text)));
        frame_free(&frame);
    }
}
END_TEST

START_TEST(columns_and_fields)
{
    begin(40, false);
    frame_put(&frame, STYLE_STRONG, "民政局");
    frame_to(&frame, 8);
    frame_put_right(&frame, STYLE_PLAIN, 4, "7");
    frame_end_line(&frame);
    frame_put(&frame, STYLE_PLAIN, "longer than eight");
    frame_to(&frame, 8);
    frame_put(&frame, STYLE_PLAIN, "x");
    frame_end_line(&frame);
    ck_text("民政局     7\nlonger than eight x\n");
}
END_TEST

START_TEST(styles_only_with_colour)
{
    begin(20, true);
    frame_put(&frame, STYLE_BAD, "bad");
    frame_put(&frame, STYLE_PLAIN, "plain");
    frame_put(&frame, STYLE_GOOD, "%s", "");
    frame_end_line(&frame);
    ck_text("\x1b[1;31mbad\x1b[0mplain\n");
}
END_TEST

START_TEST(nothing_moves_the_terminal)
{
    begin(60, false);
    frame_put(&frame, STYLE_PLAIN, "%s", "a\x1b[2J\nb\xc2\x9b\x07\xff");
    frame_end_line(&frame);
    ck_text("a [2J b  ?\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_frame");
    TCase *tests = tcase_create("frame");

    tcase_add_test(tests, what_fits);
    tcase_add_test(tests, lines_end_with_the_terminal);
    tcase_add_test(tests, columns_and_fields);
    tcase_add_test(tests, styles_only_with_colour);
    tcase_add_test(tests, nothing_moves_the_terminal);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
