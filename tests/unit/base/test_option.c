/* Tests of base/option.h and of the faults of base/err.h: all mistakes in one pass, the line and
 * the caret of each, defaults and where a value comes from, what a change needs. */
#include "base/option.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "unit/suite.h"

struct settings {
    char name[16];
    char path[64];
    uint64_t workers, wait_ms;
    bool fast;
    struct yaml_texts listen;
};

#define AT(member) .offset = offsetof(struct settings, member)

static const struct yaml_option table[] = {
    {.name = "name", .type = YAML_TEXT, AT(name), .size = 16, .initial = "x*y", .help = "A_name."},
    {.name = "path", .type = YAML_PATH, AT(path), .size = 64, .required = true, .help = "Where."},
    {.name = "workers",
     .type = YAML_UNSIGNED,
     AT(workers),
     .min = 1,
     .max = 64,
     .initial = "4",
     .unit = "of them",
     .help = "How many.",
     .live = true},
    {.name = "wait",
     .type = YAML_DURATION,
     AT(wait_ms),
     .min = 1000,
     .max = 60000,
     .initial = "25s",
     .help = "How long."},
    {.name = "fast", .type = YAML_BOOL, AT(fast), .initial = "true", .help = "Whether."},
    {.name = "listen", .type = YAML_LIST, AT(listen), .min = 1, .max = 2, .help = "Where."},
    {.name = "hidden", .type = YAML_BOOL, AT(fast), .help = "Not shown.", .hidden = true},
    {.name = NULL},
};

static char path[64];

static void make_file(void)
{
    (void)snprintf(path, sizeof(path), "/tmp/test-option-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
}

static void remove_file(void)
{
    ck_assert_int_eq(unlink(path), 0);
}

static enum err read_text(const char *text, struct settings *settings, struct option_origin *origin,
                          struct faults *faults)
{
    struct fault fault = {.code = "", .all = faults};
    struct yaml *yaml = NULL;
    ck_assert_int_eq(file_write(path, span_text(text), 0600, NULL), OK);
    memset(settings, 0, sizeof(*settings));
    const struct option_target target = {table, settings, origin};
    enum err error = options_open(path, &target, &yaml, &fault);
    yaml_free(yaml);
    return error;
}

START_TEST(all_mistakes_are_told_in_one_pass)
{
    static struct faults faults;
    struct settings settings;
    struct option_origin origin;
    ck_assert_int_eq(read_text("workers: 99\nwait: soon\nfast: perhaps\ncolour: red\n"
                               "listen: [a, [b], c, d]\nname: [x]\n",
                               &settings, &origin, &faults),
                     ERR_INVALID);
    static const char *const codes[] = {"config.range",       "config.range", "config.choice",
                                        "config.unknown-key", "config.type",  "config.type",
                                        "config.missing-key"};
    ck_assert_uint_eq(faults.count, COUNT_OF(codes));
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        ck_assert_str_eq(faults.rows[i].code, codes[i]);
        ck_assert_ptr_null(faults.rows[i].all);
    }
    ck_assert_str_eq(faults.rows[1].line, "wait: soon");
    ck_assert_uint_eq(faults.rows[1].caret, 6);
}
END_TEST

START_TEST(a_mistyped_name_is_one_mistake)
{
    static struct faults faults;
    struct settings settings;
    struct option_origin origin;
    faults.count = 0;
    ck_assert_int_eq(read_text("pathe: a\n", &settings, &origin, &faults), ERR_INVALID);
    ck_assert_uint_eq(faults.count, 1);
    ck_assert_str_eq(faults.rows[0].hint, "did you mean \"path\"?");
}
END_TEST

START_TEST(nobody_who_asks_for_all_gets_the_first)
{
    struct fault fault = {.code = ""};
    enum err result = OK;
    ck_assert(!fault_keep(&fault));
    ck_assert(!fault_keep(NULL));
    ck_assert(fault_go_on(OK, NULL, &result));
    ck_assert_int_eq(result, OK);
    ck_assert(!fault_go_on(ERR_IO, &fault, &result));
    ck_assert_int_eq(result, ERR_IO);
}
END_TEST

START_TEST(faults_are_bounded_and_none_stands_twice)
{
    static struct faults faults;
    struct fault fault = {.code = "", .all = &faults};
    faults.count = 0;
    for (unsigned i = 0; i < FAULTS_MAX + 3; i++) {
        char place[32];
        (void)snprintf(place, sizeof(place), "a.yaml:%u:1", i);
        fault_set(&fault, "config.range", place, "too many");
        ck_assert(fault_keep(&fault));
        ck_assert(fault_keep(&fault));
    }
    ck_assert_uint_eq(faults.count, FAULTS_MAX);
    ck_assert_uint_eq(faults.left_out, 6); /* what has no room is not remembered either */
    faults_hint(&faults, "mend it");
    ck_assert_str_eq(faults.rows[FAULTS_MAX - 1].hint, "mend it");
}
END_TEST

/* column counts characters; the caret is a byte of what is shown */
static const struct {
    const char *line;
    unsigned column;
    const char *shown;
    unsigned caret;
} lines[] = {
    {"a: b", 4, "a: b", 3}, {"名: 值", 4, "名: 值", 5}, {"a:\tb\x7f", 4, "a: b ", 3},
    {"", 1, "", 0},         {"ab", 9, "ab", 2},
};

START_TEST(a_line_is_shown_with_its_place)
{
    struct fault fault = {.code = ""};
    fault_set(&fault, "c", "p", "m");
    fault_line(&fault, lines[_i].line, strlen(lines[_i].line), lines[_i].column);
    ck_assert_str_eq(fault.line, lines[_i].shown);
    ck_assert_uint_eq(fault.caret, lines[_i].caret);
    fault_set(&fault, "c", "p", "m");
    ck_assert_str_eq(fault.line, "");
    fault_line(NULL, "a", 1, 1);
}
END_TEST

START_TEST(a_long_line_is_cut_around_its_place)
{
    struct fault fault = {.code = ""};
    char line[1200] = "";
    for (size_t i = 0; i < 390; i++) {
        memcpy(line + 3 * i, "汉", 4);
    }
    line[3 * 300] = '!';
    line[3 * 300 + 1] = '!';
    line[3 * 300 + 2] = '!';
    fault_line(&fault, line, strlen(line), 301);
    ck_assert_int_eq(fault.line[fault.caret], '!');
    ck_assert_uint_gt(strlen(fault.line), 100);
    ck_assert(utf8_valid(span_text(fault.line)));
}
END_TEST

START_TEST(each_value_says_where_it_comes_from)
{
    static struct faults faults;
    static const char expected[] = "name: x*y    # default\n"
                                   "path: /tmp/p    # %s:2\n"
                                   "workers: 8    # %s:1\n"
                                   "wait: 25s    # default\n"
                                   "fast: true    # default\n"
                                   "listen: [\"a\", \"b\"]    # %s:3\n"
                                   "hidden: true    # default\n";
    struct settings settings;
    struct option_origin origin;
    struct buf text;
    char whole[1024];
    ck_assert_int_eq(
        read_text("workers: 8\npath: p\nlisten: [a, b]\n", &settings, &origin, &faults), OK);
    ck_assert_uint_eq(settings.wait_ms, 25000);
    buf_init(&text, 65536);
    ck_assert_int_eq(options_report(table, &settings, &origin, false, &text), OK);
    ck_assert_int_eq(buf_append(&text, "", 1), OK);
    (void)snprintf(whole, sizeof(whole), expected, path, path, path);
    ck_assert_str_eq((const char *)text.data, whole);
    buf_free(&text);
}
END_TEST

START_TEST(a_change_is_live_or_needs_a_restart)
{
    static struct faults faults;
    struct fault fault = {.code = "", .all = &faults};
    struct settings before, after;
    struct option_origin origin;
    faults.count = 0;
    ck_assert_int_eq(read_text("path: p\nlisten: [a]\n", &before, &origin, &faults), OK);
    ck_assert(options_may_change(table, &before, &before, &fault));
    ck_assert_int_eq(read_text("path: p\nlisten: [a]\nworkers: 9\n", &after, &origin, &faults), OK);
    ck_assert(options_may_change(table, &before, &after, &fault));
    ck_assert_int_eq(
        read_text("path: q\nlisten: [a, b]\nworkers: 9\nwait: 1s\n", &after, &origin, &faults), OK);
    ck_assert(!options_may_change(table, &before, &after, &fault));
    ck_assert_uint_eq(faults.count, 3);
    ck_assert_str_eq(faults.rows[0].place, "path");
    ck_assert_str_eq(faults.rows[1].place, "wait");
    ck_assert_str_eq(faults.rows[2].place, "listen");
    ck_assert_str_eq(faults.rows[2].code, "config.restart");
}
END_TEST

START_TEST(the_manual_says_all_that_the_table_knows)
{
    struct buf text;
    buf_init(&text, 65536);
    ck_assert_int_eq(options_manual(table, &text), OK);
    ck_assert_int_eq(buf_append(&text, "", 1), OK);
    const char *manual = (const char *)text.data;
    ck_assert_ptr_nonnull(strstr(manual, "*path* (must be given)\n\tWhere.\n"));
    ck_assert_ptr_nonnull(strstr(manual,
                                 "A whole number from 1 to 64 of them; left out: 4. A change "
                                 "needs a reload.\n"));
    ck_assert_ptr_nonnull(strstr(manual, "A duration from 1s to 1m; left out: 25s"));
    ck_assert_ptr_nonnull(strstr(manual, "A\\_name.\n\n\tA text; left out: x\\*y"));
    ck_assert_ptr_null(strstr(manual, "hidden"));
    buf_free(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("option");
    TCase *cases = tcase_create("option");
    tcase_add_checked_fixture(cases, make_file, remove_file);
    tcase_add_test(cases, all_mistakes_are_told_in_one_pass);
    tcase_add_test(cases, a_mistyped_name_is_one_mistake);
    tcase_add_test(cases, nobody_who_asks_for_all_gets_the_first);
    tcase_add_test(cases, faults_are_bounded_and_none_stands_twice);
    tcase_add_loop_test(cases, a_line_is_shown_with_its_place, 0, (int)COUNT_OF(lines));
    tcase_add_test(cases, a_long_line_is_cut_around_its_place);
    tcase_add_test(cases, each_value_says_where_it_comes_from);
    tcase_add_test(cases, a_change_is_live_or_needs_a_restart);
    tcase_add_test(cases, the_manual_says_all_that_the_table_knows);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
