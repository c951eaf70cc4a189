/* Tests of cli/parse.c and of the tables that it reads: words and options in any order, what is
 * refused, and that every row of the table can be told from every other. */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "cli/command.h"
#include "unit/suite.h"

#define WORDS_MAX 16

static struct invocation invocation;
static struct fault fault;

/* Parses a line whose words are parted by single blanks. */
static enum err parse(const char *line)
{
    char words[WORDS_MAX][128];
    char *argv[WORDS_MAX];
    int argc = 1;

    text_copy(words[0], sizeof(words[0]), "referralctl");
    argv[0] = words[0];
    while (*line != '\0') {
        size_t len = strcspn(line, " ");

        ck_assert_int_lt(argc, WORDS_MAX);
        ck_assert_uint_lt(len, sizeof(words[0]));
        memcpy(words[argc], line, len);
        words[argc][len] = '\0';
        argv[argc] = words[argc];
        argc++;
        line += len + (line[len] == ' ' ? 1 : 0);
    }
    memset(&fault, 0, sizeof(fault));
    enum err error = invocation_parse(argc, argv, &invocation, &fault);
    /* the texts die with this function: keep what the tests look at */
    for (size_t i = 0; i < ARGUMENTS_MAX; i++) {
        static char kept[ARGUMENTS_MAX][128];

        if (invocation.arguments[i] != NULL) {
            text_copy(kept[i], sizeof(kept[i]), invocation.arguments[i]);
            invocation.arguments[i] = kept[i];
        }
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        static char kept[OPTION_COUNT][128];

        if (invocation.value[i] != NULL) {
            text_copy(kept[i], sizeof(kept[i]), invocation.value[i]);
            invocation.value[i] = kept[i];
        }
    }
    return error;
}

static void ck_taken(const char *line, const char *path)
{
    ck_assert_msg(parse(line) == OK, "%s: %s", line, fault.message);
    ck_assert_str_eq(invocation.command->path, path);
}

static void ck_refused(const char *line, const char *code, const char *place, const char *message)
{
    ck_assert_msg(parse(line) == ERR_INVALID, "%s was taken", line);
    ck_assert_str_eq(fault.code, code);
    ck_assert_str_eq(fault.place, place);
    ck_assert_msg(strstr(fault.message, message) != NULL, "%s: %s", line, fault.message);
}

START_TEST(options_stand_anywhere)
{
    static const char *const lines[] = {
        "calendar due --from 2026-01-02 --days 20", "--from 2026-01-02 --days 20 calendar due",
        "calendar --days=20 due --from=2026-01-02", "--days 20 calendar --from 2026-01-02 -- due"};

    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        ck_taken(lines[i], "calendar due");
        ck_assert_str_eq(invocation.value[OPTION_FROM], "2026-01-02");
        ck_assert_str_eq(invocation.value[OPTION_DAYS], "20");
        ck_assert(!invocation_has(&invocation, OPTION_JSON));
    }
    ck_taken("agent --socket s feedback JZ-1 f.json --json", "agent feedback");
    ck_assert_str_eq(invocation.arguments[0], "JZ-1");
    ck_assert_str_eq(invocation.arguments[1], "f.json");
    ck_assert(invocation_has(&invocation, OPTION_JSON));
}
END_TEST

START_TEST(words_after_the_dashes_are_arguments)
{
    ck_taken("case -- --json", "case");
    ck_assert_str_eq(invocation.arguments[0], "--json");
    ck_assert(!invocation_has(&invocation, OPTION_JSON));
    ck_taken("agent send -", "agent send");
    ck_assert_str_eq(invocation.arguments[0], "-");
}
END_TEST

START_TEST(the_longest_path_wins)
{
    ck_taken("status", "status");
    ck_taken("agent status", "agent status");
    ck_taken("agent reload", "agent reload");
    ck_taken("case agent", "case");
    ck_assert_str_eq(invocation.arguments[0], "agent");
}
END_TEST

START_TEST(misuse_is_named)
{
    ck_refused("", "usage.command", "", "expected a command");
    ck_refused("clock", "usage.command", "clock", "clock show, clock confirm, clock reset");
    ck_refused("clock shwo", "usage.command", "clock shwo", "expected one of");
    ck_refused("queu", "usage.command", "queu", "no such command");
    ck_assert_str_eq(fault.hint, "did you mean \"queue\"?");
    ck_refused("queue --jsn", "usage.option", "--jsn", "no such option");
    ck_assert_str_eq(fault.hint, "did you mean \"--json\"?");
    ck_refused("queue --days 3", "usage.option", "--days", "`queue` has no such option");
    ck_refused("queue --socket", "usage.option", "--socket", "expected a value: --socket PATH");
    ck_refused("queue --json --json", "usage.option", "--json", "twice");
    ck_refused("queue --json=1", "usage.option", "--json=1", "takes no value");
    ck_refused("calendar due --days 3", "usage.option", "--from", "needs --from DATE");
    ck_refused("why", "usage.arguments", "", "`why` takes ID: ID is missing");
    ck_refused("why a b", "usage.arguments", "b", "`why` takes ID");
    ck_refused("queue a", "usage.arguments", "a", "takes no arguments");
}
END_TEST

/* More words than any command takes must not be kept beyond the bounds. */
START_TEST(too_many_words)
{
    ck_refused("why a b c d e", "usage.arguments", "e", "too many words");
    ck_refused("a b c d e f g h i j k l m", "usage.arguments", "i", "too many words");
}
END_TEST

START_TEST(help_before_anything_is_missed)
{
    ck_taken("calendar due --help", "calendar due");
    ck_taken("why -h", "why");
    ck_assert(invocation_has(&invocation, OPTION_HELP));
    ck_assert_int_eq(parse("calendar --help"), OK);
    ck_assert_ptr_null(invocation.command);
    ck_assert_str_eq(invocation.group, "calendar");
    ck_assert_int_eq(parse("--version"), OK);
}
END_TEST

/* Whoever asked for JSON gets the fault of a wrong line as JSON, wherever it stands. */
START_TEST(one_in_brackets_may_be_left_out)
{
    ck_taken("late", "late");
    ck_assert_uint_eq(invocation.argument_count, 0);
    ck_taken("late JZ-2026-0001", "late");
    ck_assert_str_eq(invocation.arguments[0], "JZ-2026-0001");
    ck_assert_int_eq(parse("late JZ-2026-0001 JZ-2026-0002"), ERR_INVALID);
    ck_assert_str_eq(fault.message, "`late` takes [CASE]");
}
END_TEST

START_TEST(json_is_seen_behind_the_fault)
{
    ck_assert_int_eq(parse("queue --nothing --json"), ERR_INVALID);
    ck_assert(invocation_has(&invocation, OPTION_JSON));
    ck_assert_int_eq(parse("queue --nothing -- --json"), ERR_INVALID);
    ck_assert(!invocation_has(&invocation, OPTION_JSON));
}
END_TEST

START_TEST(rows_are_whole)
{
    for (const struct command *row = command_table; row->path != NULL; row++) {
        char line[128];

        ck_assert_ptr_nonnull(row->run);
        ck_assert_uint_eq(row->required & ~row->options, 0);
        ck_assert_uint_le(row->argument_count, ARGUMENTS_MAX);
        ck_assert_msg((row->argument_count == 0) == (strcspn(row->arguments, "[") == 0), "%s",
                      row->path);
        ck_assert_msg(strstr(row->examples, row->path + strcspn(row->path, " ")) != NULL, "%s",
                      row->path);
        (void)snprintf(line, sizeof(line), "%s --help", row->path);
        ck_taken(line, row->path);
    }
    for (size_t id = 0; id < OPTION_COUNT; id++) {
        ck_assert_ptr_nonnull(option_table[id].name);
        ck_assert_ptr_nonnull(option_table[id].help);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_parse");
    TCase *tests = tcase_create("parse");
    tcase_add_test(tests, options_stand_anywhere);
    tcase_add_test(tests, words_after_the_dashes_are_arguments);
    tcase_add_test(tests, the_longest_path_wins);
    tcase_add_test(tests, misuse_is_named);
    tcase_add_test(tests, too_many_words);
    tcase_add_test(tests, help_before_anything_is_missed);
    tcase_add_test(tests, one_in_brackets_may_be_left_out);
    tcase_add_test(tests, json_is_seen_behind_the_fault);
    tcase_add_test(tests, rows_are_whole);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
