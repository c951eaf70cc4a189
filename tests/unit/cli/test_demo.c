/* Tests of the demo city's own parts: paths into answers, and that its story is in order: times
 * rise, names are unique, and whoever and whatever a step names is there. */
#include "cli/demo.h"

#include <stdio.h>
#include <string.h>

#include "unit/suite.h"

static const char answer[] =
    "{\"state\":\"queued\",\"late\":false,\"none\":null,\"counts\":{\"rungs\":3},"
    "\"fell_due_ms\":1792684800000,\"raised\":[\"remind-5\",\"due-1\"],\"empty\":[],"
    "\"rows\":[{\"kind\":\"a\",\"rung\":\"due-1\",\"n\":1},{\"kind\":\"b\",\"rung\":\"due-1\","
    "\"n\":2,"
    "\"days\":[{\"what\":\"holiday\"},{\"what\":\"holiday\"},{\"what\":\"make-up\"}]},"
    "{\"kind\":\"b\",\"rung\":\"due-2\",\"n\":3}]}";

START_TEST(paths_are_followed)
{
    static const struct {
        const char *path, *expected;
    } cases[] = {
        {"nothing", "absent"},
        {"nothing.below", "absent"},
        {"none", "absent"},
        {"counts", "an object"},
        {"rows[kind=c].n", "absent"},
        {"rows[kind=c]#", "0"},
        {"rows[kind=a][rung=due-2]#", "0"},
        {"state#", "0"},
        {"empty#", "0"},
        {"empty", ""},
        {"empty.n", "absent"},
        {"state@", "queued"},
        {"state", "queued"},
        {"late", "false"},
        {"counts.rungs", "3"},
        {"raised", "remind-5,due-1"},
        {"raised#", "2"},
        {"fell_due_ms", "1792684800000"},
        {"fell_due_ms@", "2026-10-23 00:00"},
        {"rows#", "3"},
        {"rows.n", "1"},
        {"rows[kind=b].n", "2"},
        {"rows[kind=b]#", "2"},
        {"rows[rung=due-1][kind=b].n", "2"},
        {"rows[n=3].rung", "due-2"},
        {"rows[kind=b].days[what=holiday]#", "2"},
    };
    char text[DEMO_VALUE_BYTES];
    struct json_value root;
    struct json *json;

    ck_assert_int_eq(json_open("test", span_text(answer), &json, NULL), OK);
    root = json_root(json);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        check_evaluate(&root, cases[i].path, text);
        ck_assert_msg(strcmp(text, cases[i].expected) == 0, "%s: %s, not %s", cases[i].path, text,
                      cases[i].expected);
    }
    json_free(json);
}
END_TEST

START_TEST(a_value_fits_or_not)
{
    ck_assert(!check_fits("3", "2"));
    ck_assert(!check_fits("3", "absent"));
    ck_assert(!check_fits("*", "absent"));
    ck_assert(check_fits("3", "3"));
    ck_assert(check_fits("absent", "absent"));
    ck_assert(check_fits("*", "113"));
}
END_TEST

START_TEST(a_failed_assertion_says_what_was_expected)
{
    static const struct step step = {.name = "late-days",
                                     .who = "broker",
                                     .ask = "{\"cmd\":\"status\"}",
                                     .path = "counts.rungs",
                                     .value = "4"};
    static struct demo demo;

    ck_assert_int_eq(check_record(&demo, &step, "4"), OK);
    ck_assert_int_eq(check_record(&demo, &step, "3"), ERR_REFUSED);
    ck_assert_str_eq(demo.fault.place, "late-days");
    ck_assert_str_eq(demo.fault.message, "expected 4, answered 3");
    ck_assert_ptr_nonnull(strstr(demo.fault.hint, "counts.rungs"));
    ck_assert_uint_eq(demo.result_count, 2);
    ck_assert(demo.results[0].ok && !demo.results[1].ok);
}
END_TEST

/* --- the story --- */

static const struct demo_file *file_find(const char *name)
{
    const struct demo_file *file = demo_files;

    while (file->name != NULL && strcmp(file->name, name) != 0) {
        file++;
    }
    return file->name != NULL ? file : NULL;
}

START_TEST(times_rise)
{
    uint64_t before_ms = 0;

    for (const struct step *step = story; step->act != ACT_END; step++) {
        if (step->act == ACT_CLOCK) {
            ck_assert_msg(civil_instant(step->at) > before_ms, "%s", step->at);
            before_ms = civil_instant(step->at);
        }
    }
    ck_assert_uint_gt(before_ms, 0);
}
END_TEST

START_TEST(names_are_unique_and_values_are_there)
{
    size_t count = 0;

    for (const struct step *step = story; step->act != ACT_END; step++) {
        if (step->act != ACT_EXPECT) {
            continue;
        }
        count++;
        ck_assert(step->who != NULL && step->path != NULL && step->value != NULL);
        ck_assert(step->name != NULL && step->name[0] != '\0');
        for (const struct step *other = story; other < step; other++) {
            ck_assert(other->name == NULL || strcmp(other->name, step->name) != 0);
        }
    }
    ck_assert_uint_le(count, DEMO_RESULTS_MAX);
    ck_assert_uint_gt(count, 40);
}
END_TEST

START_TEST(agencies_are_in_the_registry)
{
    const struct demo_file *file = file_find("agencies.yaml");
    struct registry *registry;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(
        registry_read("agencies.yaml", span_of(file->bytes, file->size), &registry, NULL), OK);
    for (const struct step *step = story; step->act != ACT_END; step++) {
        ck_assert_msg(step->who == NULL || strcmp(step->who, "broker") == 0 ||
                          strcmp(step->who, "wire") == 0 || strcmp(step->who, "verifier") == 0 ||
                          strcmp(step->who, "file") == 0 ||
                          registry_find(registry, step->who) != NULL,
                      "%s", step->who);
    }
    registry_free(registry);
}
END_TEST

START_TEST(letters_are_there)
{
    for (const struct step *step = story; step->act != ACT_END; step++) {
        const struct demo_file *file;
        struct json *json;
        char name[64];

        if (step->act != ACT_SEND && step->act != ACT_QUEUE && step->act != ACT_POST) {
            continue;
        }
        (void)snprintf(name, sizeof(name), "letters/%s.json", step->letter);
        file = file_find(name);
        ck_assert_msg(file != NULL, "%s", name);
        ck_assert_int_eq(json_open(name, span_of(file->bytes, file->size), &json, NULL), OK);
        json_free(json);
    }
}
END_TEST

/* Otherwise the mutation would fail for another reason than its assertion. */
START_TEST(the_rung_of_the_mutation_is_shipped)
{
    const struct demo_file *policy = file_find("policy.yaml");

    ck_assert_ptr_nonnull(policy);
    ck_assert_ptr_nonnull(
        memmem(policy->bytes, policy->size, DEMO_RUNG_ROW, strlen(DEMO_RUNG_ROW)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_demo");
    TCase *paths = tcase_create("paths");
    TCase *order = tcase_create("story");
    tcase_add_test(paths, paths_are_followed);
    tcase_add_test(paths, a_value_fits_or_not);
    tcase_add_test(paths, a_failed_assertion_says_what_was_expected);
    tcase_add_test(order, times_rise);
    tcase_add_test(order, names_are_unique_and_values_are_there);
    tcase_add_test(order, agencies_are_in_the_registry);
    tcase_add_test(order, letters_are_there);
    tcase_add_test(order, the_rung_of_the_mutation_is_shipped);
    suite_add_tcase(suite, paths);
    suite_add_tcase(suite, order);
    return suite_run(suite);
}
