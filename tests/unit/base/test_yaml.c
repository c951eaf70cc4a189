/* Tests of base/yaml.h: what a mistaken configuration is answered, with its exact place, and what
 * a right one is read as. */
#include "base/yaml.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "unit/suite.h"

static const char *const mode_names[] = {"laboratory", "city", NULL};

struct settings {
    char listen[12];
    char key_path[32];
    uint64_t workers;
    uint64_t wait_ms;
    bool fast;
    int mode;
    const struct yaml_node *agencies;
};

static const struct yaml_option options[] = {
    {.name = "listen",
     .type = YAML_TEXT,
     .offset = offsetof(struct settings, listen),
     .size = sizeof(((struct settings *)NULL)->listen),
     .required = true},
    {.name = "key-file",
     .type = YAML_PATH,
     .offset = offsetof(struct settings, key_path),
     .size = sizeof(((struct settings *)NULL)->key_path)},
    {.name = "workers",
     .type = YAML_UNSIGNED,
     .offset = offsetof(struct settings, workers),
     .min = 1,
     .max = 64},
    {.name = "wait",
     .type = YAML_DURATION,
     .offset = offsetof(struct settings, wait_ms),
     .min = 1000,
     .max = 2 * 60 * 60 * 1000},
    {.name = "fast", .type = YAML_BOOL, .offset = offsetof(struct settings, fast)},
    {.name = "mode",
     .type = YAML_CHOICE,
     .offset = offsetof(struct settings, mode),
     .choices = mode_names},
    {.name = "agencies", .type = YAML_NODE, .offset = offsetof(struct settings, agencies)},
    {.name = NULL},
};

static enum err read_settings(const char *text, struct settings *settings, struct fault *fault)
{
    struct yaml *yaml = NULL;
    enum err error = yaml_open_text("etc/b.yaml", span_text(text), &yaml, fault);
    if (error == OK) {
        error = yaml_read(yaml_root(yaml), options, settings, fault);
    }
    yaml_free(yaml);
    return error;
}

/* Each text has one mistake. The message needs to hold `says`; an empty hint must be empty. */
static const struct {
    const char *text, *code, *place, *says, *hint;
} mistakes[] = {
    /* not a configuration at all */
    {"", "config.syntax", "etc/b.yaml", "empty", ""},
    {"# only a comment\n", "config.syntax", "etc/b.yaml", "empty", ""},
    {"- a\n", "config.type", "etc/b.yaml:1:1", "found a list", ""},
    {"text\n", "config.type", "etc/b.yaml:1:1", "found a text", ""},
    /* not YAML */
    {"listen: [a\n", "config.syntax", "etc/b.yaml:2:1", "without a closing bracket", ""},
    {"listen: a\nmode: 'city\n", "config.syntax", "etc/b.yaml:2:8", "closing quote", ""},
    {"listen: a: b\n", "config.syntax", "etc/b.yaml:1:10", "same line", ""},
    {"agencies:\n- a: 1\n  b: 2\n c: 3\n", "config.syntax", "etc/b.yaml:4:2", "indentation", ""},
    {"listen: a\nmode: |0\n  city\n", "config.syntax", "etc/b.yaml:2:1", "after this place", ""},
    {"@listen: a\n", "config.syntax", "etc/b.yaml:1:1", "'@'", ""},
    {"listen: a\nmode: \xB3\xC7\xCA\xD0\n", "config.syntax", "etc/b.yaml:2:1", "not UTF-8",
     "save the file as plain UTF-8 (not as GBK or UTF-16)"},
    {"listen: a\x01\n", "config.syntax", "etc/b.yaml:1:1", "control character",
     "save the file as plain UTF-8 (not as GBK or UTF-16)"},
    /* YAML that is not used here */
    {"listen: \"a\\0b\"\n", "config.syntax", "etc/b.yaml:1:10", "NUL", ""},
    {"listen: &x a\n", "config.syntax", "etc/b.yaml:1:12", "anchors", ""},
    {"listen: a\nagencies:\n  - *x\n", "config.syntax", "etc/b.yaml:3:6", "aliases", ""},
    {"listen: !!str a\n", "config.syntax", "etc/b.yaml:1:15", "tags", ""},
    {"listen: a\n---\nlisten: b\n", "config.syntax", "etc/b.yaml:2:1", "second document", ""},
    {"[a]: b\n", "config.syntax", "etc/b.yaml:1:1", "one plain name", ""},
    {"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]\n", "config.syntax", "etc/b.yaml:1:17", "deeper", ""},
    /* keys */
    {"listen: a\nwait: 1m\nlisten: b\n", "config.duplicate-key", "etc/b.yaml:3:1", "line 1", ""},
    {"{listen: a,\n \"listen\": b}\n", "config.duplicate-key", "etc/b.yaml:2:3", "line 1", ""},
    {"agencies:\n  - {id: a,\n     id: b}\n", "config.duplicate-key", "etc/b.yaml:3:6", "\"id\"",
     ""},
    {"listen: a\nwokers: 3\n", "config.unknown-key", "etc/b.yaml:2:1", "\"wokers\"",
     "did you mean \"workers\"?"},
    {"listen: a\r\nkey_file: x\r\n", "config.unknown-key", "etc/b.yaml:2:1", "\"key_file\"",
     "did you mean \"key-file\"?"},
    {"lisetn: a\n", "config.unknown-key", "etc/b.yaml:1:1", "\"lisetn\"",
     "did you mean \"listen\"?"},
    {"# 中文注释\nlisten: 中文\n中文: 1\n", "config.unknown-key", "etc/b.yaml:3:1",
     "known: listen, key-file, workers, wait, fast, mode, agencies", ""},
    {"workers: 3\n", "config.missing-key", "etc/b.yaml:1:1", "\"listen\" is missing", ""},
    /* types */
    {"listen: [a]\n", "config.type", "etc/b.yaml:1:9", "expected a text, found a list", ""},
    {"listen:\n  a: b\n", "config.type", "etc/b.yaml:2:3", "expected a text, found a mapping", ""},
    {"listen:\nworkers: 1\n", "config.type", "etc/b.yaml:1:1", "no value", ""},
    {"workers: [1]\n", "config.type", "etc/b.yaml:1:10", "a whole number, found a list", ""},
    {"key-file: ''\n", "config.type", "etc/b.yaml:1:12", "no value", ""},
    /* values */
    {"listen: 123456789012\n", "config.range", "etc/b.yaml:1:9", "at most 11 fit", ""},
    {"key-file: 1234567890123456789012345678\n", "config.range", "etc/b.yaml:1:11",
     "at most 31 fit", ""},
    {"workers: 0\n", "config.range", "etc/b.yaml:1:10", "between 1 and 64, found \"0\"", ""},
    {"workers: 65\n", "config.range", "etc/b.yaml:1:10", "between 1 and 64", ""},
    {"workers: -1\n", "config.range", "etc/b.yaml:1:10", "found \"-1\"", ""},
    {"workers: 1.5\n", "config.range", "etc/b.yaml:1:10", "found \"1.5\"", ""},
    {"workers: 0x10\n", "config.range", "etc/b.yaml:1:10", "found \"0x10\"", ""},
    {"workers: 18446744073709551617\n", "config.range", "etc/b.yaml:1:10", "between", ""},
    {"workers:\n", "config.range", "etc/b.yaml:1:1", "found \"\"", ""},
    {"wait: 999ms\n", "config.range", "etc/b.yaml:1:7", "between 1s and 2h, found \"999ms\"",
     "write a whole number and ms, s, m, h or d: 25s, 10m, 2h"},
    {"wait: 3h\n", "config.range", "etc/b.yaml:1:7", "between 1s and 2h",
     "write a whole number and ms, s, m, h or d: 25s, 10m, 2h"},
    {"wait: 10\n", "config.range", "etc/b.yaml:1:7", "found \"10\"",
     "write a whole number and ms, s, m, h or d: 25s, 10m, 2h"},
    {"wait: 18446744073709551615d\n", "config.range", "etc/b.yaml:1:7", "found",
     "write a whole number and ms, s, m, h or d: 25s, 10m, 2h"},
    {"wait: 5 m\n", "config.range", "etc/b.yaml:1:7", "found \"5 m\"",
     "write a whole number and ms, s, m, h or d: 25s, 10m, 2h"},
    {"fast: yes\n", "config.choice", "etc/b.yaml:1:7", "one of: false, true", ""},
    {"fast: True\n", "config.choice", "etc/b.yaml:1:7", "found \"True\"", "did you mean \"true\"?"},
    {"mode: labratory\n", "config.choice", "etc/b.yaml:1:7", "laboratory, city; found",
     "did you mean \"laboratory\"?"},
};

START_TEST(a_mistake_is_named_with_its_place)
{
    struct settings settings = {0};
    struct fault fault = {.code = "", .hint = "left over"};
    const char *text = mistakes[_i].text;
    ck_assert_msg(read_settings(text, &settings, &fault) == ERR_INVALID, "taken: %s", text);
    ck_assert_str_eq(fault.code, mistakes[_i].code);
    ck_assert_str_eq(fault.place, mistakes[_i].place);
    ck_assert_msg(strstr(fault.message, mistakes[_i].says) != NULL, "\"%s\" does not say \"%s\"",
                  fault.message, mistakes[_i].says);
    ck_assert_str_eq(fault.hint, mistakes[_i].hint);
    ck_assert_int_eq(read_settings(text, &settings, NULL), ERR_INVALID);
}
END_TEST

START_TEST(a_right_file_is_read)
{
    struct settings settings = {.workers = 1};
    struct fault fault = {.code = ""};
    enum err error = read_settings("# 县域\nlisten: tcp://a # why\nkey-file: k/sign\n"
                                   "workers: \"64\"\nwait: 90m\nfast: true\nmode: city\n",
                                   &settings, &fault);
    ck_assert_msg(error == OK, "%s: %s", fault.place, fault.message);
    ck_assert_str_eq(settings.listen, "tcp://a");
    ck_assert_str_eq(settings.key_path, "etc/k/sign");
    ck_assert_uint_eq(settings.workers, 64);
    ck_assert_uint_eq(settings.wait_ms, 90 * 60 * 1000);
    ck_assert(settings.fast);
    ck_assert_int_eq(settings.mode, 1);
}
END_TEST

START_TEST(absent_keys_keep_their_defaults)
{
    struct settings settings = {.workers = 7, .wait_ms = 9, .fast = true, .mode = 1};
    ck_assert_int_eq(
        read_settings("\xEF\xBB\xBF%YAML 1.2\n---\nlisten: \"\"\nkey-file: /k\n", &settings, NULL),
        OK);
    ck_assert_str_eq(settings.listen, "");
    ck_assert_str_eq(settings.key_path, "/k");
    ck_assert_uint_eq(settings.workers, 7);
    ck_assert_uint_eq(settings.wait_ms, 9);
    ck_assert(settings.fast);
    ck_assert_int_eq(settings.mode, 1);
}
END_TEST

START_TEST(durations_of_each_unit)
{
    static const struct {
        const char *text;
        uint64_t wait_ms;
    } durations[] = {
        {"listen: a\nwait: 1000ms\n", 1000},
        {"listen: a\nwait: 25s\n", 25000},
        {"listen: a\nwait: 1m\n", 60000},
        {"listen: a\nwait: 2h\n", 7200000},
    };
    for (size_t i = 0; i < COUNT_OF(durations); i++) {
        struct settings settings = {0};
        ck_assert_int_eq(read_settings(durations[i].text, &settings, NULL), OK);
        ck_assert_uint_eq(settings.wait_ms, durations[i].wait_ms);
    }
}
END_TEST

START_TEST(lists_and_mappings_are_walked_in_file_order)
{
    static const char text[] = "agencies:\n"
                               "  - id: women # 妇联\n"
                               "    name: {zh: 县妇联, en: Women}\n"
                               "  - police\n"
                               "empty: []\n"
                               "long: |\n"
                               "  two\n"
                               "  lines\n";
    struct yaml *yaml = NULL;
    ck_assert_int_eq(yaml_open_text("a.yaml", span_text(text), &yaml, NULL), OK);
    const struct yaml_node *root = yaml_root(yaml);
    ck_assert_uint_eq(yaml_count(root), 3);
    ck_assert_str_eq(yaml_text(yaml_key(root, 1)), "empty");
    ck_assert_uint_eq(yaml_count(yaml_value(root, 1)), 0);
    ck_assert(yaml_is_sequence(yaml_value(root, 1)));
    ck_assert_str_eq(yaml_text(yaml_find(root, "long")), "two\nlines\n");
    ck_assert_ptr_null(yaml_find(root, "lon"));
    const struct yaml_node *agencies = yaml_find(root, "agencies");
    ck_assert_uint_eq(yaml_count(agencies), 2);
    ck_assert_str_eq(yaml_text(yaml_item(agencies, 1)), "police");
    ck_assert_ptr_null(yaml_find(yaml_item(agencies, 1), "id"));
    const struct yaml_node *name = yaml_find(yaml_item(agencies, 0), "name");
    ck_assert(yaml_is_mapping(name) && !yaml_is_scalar(name));
    ck_assert_str_eq(yaml_text(yaml_value(name, 0)), "县妇联");
    char place[256];
    yaml_place(yaml_value(name, 1), place);
    ck_assert_str_eq(place, "a.yaml:3:25");
    struct fault fault = {.code = ""};
    ck_assert_int_eq(yaml_refuse(name, &fault, "agency.name", "no %s", "name"), ERR_INVALID);
    ck_assert_str_eq(fault.place, "a.yaml:3:11");
    ck_assert_str_eq(fault.message, "no name");
    ck_assert_str_eq(fault.code, "agency.name");
    yaml_free(yaml);
    yaml_free(NULL);
}
END_TEST

START_TEST(bounds_hold)
{
    struct yaml *yaml = NULL;
    struct fault fault = {.code = ""};
    struct buf text;
    buf_init(&text, 2 * LIMIT_CONFIG_BYTES);
    for (int i = 0; i < 4097; i++) {
        ck_assert_int_eq(buf_printf(&text, "key%d: 1\n", i), OK);
    }
    ck_assert_int_eq(yaml_open_text("a", span_buf(&text), &yaml, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.place, "a:4097:1");
    buf_clear(&text);
    while (text.len < LIMIT_CONFIG_BYTES - 3) {
        ck_assert_int_eq(buf_append_text(&text, text.len == 0 ? "[a" : ",a"), OK);
    }
    ck_assert_int_eq(buf_append_text(&text, "]"), OK);
    ck_assert_int_eq(yaml_open_text("a", span_buf(&text), &yaml, &fault), OK);
    ck_assert_uint_gt(yaml_count(yaml_root(yaml)), LIMIT_CONFIG_BYTES / 2 - 4);
    yaml_free(yaml);
    ck_assert_int_eq(buf_append_text(&text, "     "), OK);
    ck_assert_int_eq(yaml_open_text("a", span_buf(&text), &yaml, &fault), ERR_TOO_LARGE);
    buf_free(&text);
}
END_TEST

START_TEST(a_long_path_keeps_its_end)
{
    char name[600];
    memset(name, 'd', sizeof(name));
    memcpy(name + sizeof(name) - 8, "/b.yaml", 8);
    struct yaml *yaml = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(yaml_open_text(name, span_text("a: 1\na: 2\n"), &yaml, &fault), ERR_INVALID);
    const char *end = strstr(fault.place, "/b.yaml:2:1");
    ck_assert_ptr_nonnull(end);
    ck_assert_str_eq(end, "/b.yaml:2:1");
    ck_assert_int_eq(strncmp(fault.place, "...d", 4), 0);
}
END_TEST

START_TEST(a_file_is_opened_or_named)
{
    char folder[] = "/tmp/test_yaml.XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/a.yaml", folder);
    struct yaml *yaml = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(yaml_open(path, &yaml, &fault), ERR_NOT_FOUND);
    ck_assert_str_eq(fault.place, path);
    ck_assert_int_eq(file_write(path, span_text("a: [b]\n"), 0644, NULL), OK);
    ck_assert_int_eq(yaml_open(path, &yaml, &fault), OK);
    ck_assert_str_eq(yaml_text(yaml_item(yaml_find(yaml_root(yaml), "a"), 0)), "b");
    yaml_free(yaml);
    ck_assert_int_eq(remove(path), 0);
    ck_assert_int_eq(remove(folder), 0);
}
END_TEST

/* Every beginning, and every file with one byte changed, is answered; nothing more is asked. */
START_TEST(damaged_files_are_answered)
{
    static const char whole[] = "a: {b: [1, \"x\\n\"], c: 'd'}\n? e\n: |\n  f\ng: >-\n  h\n- i\n";
    char text[sizeof(whole)];
    for (size_t len = 0; len < sizeof(whole); len++) {
        for (unsigned change = 0; change < 256; change++) {
            memcpy(text, whole, sizeof(whole));
            text[len] = (char)change;
            struct yaml *yaml = NULL;
            struct fault fault = {.code = ""};
            size_t used = change == 0 ? len : sizeof(whole) - 1;
            enum err error = yaml_open_text("x", span_of(text, used), &yaml, &fault);
            ck_assert(error == OK || error == ERR_INVALID);
            ck_assert((error == OK) == (yaml != NULL));
            ck_assert((error == OK) == (fault.code[0] == '\0'));
            yaml_free(yaml);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("yaml");
    TCase *cases = tcase_create("yaml");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, a_mistake_is_named_with_its_place, 0, (int)COUNT_OF(mistakes));
    tcase_add_test(cases, a_right_file_is_read);
    tcase_add_test(cases, absent_keys_keep_their_defaults);
    tcase_add_test(cases, durations_of_each_unit);
    tcase_add_test(cases, lists_and_mappings_are_walked_in_file_order);
    tcase_add_test(cases, bounds_hold);
    tcase_add_test(cases, a_long_path_keeps_its_end);
    tcase_add_test(cases, a_file_is_opened_or_named);
    tcase_add_test(cases, damaged_files_are_answered);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
