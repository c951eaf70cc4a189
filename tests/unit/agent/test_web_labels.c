/* agent/web/labels: every field of every message and notice, of bodies and of their rows has its
 * words, so that a page never shows a field by its name in the code. */
#include "agent/web/labels.h"

#include <string.h>

#include "model/message_form.h"
#include "unit/suite.h"

static void has_words(const char *list, const struct field *field)
{
    ck_assert_msg(label_of_field(list, field->name) != NULL, "no label: %s of %s", field->name,
                  list != NULL ? list : "facts");
}

static size_t walk(const char *list, const struct field *fields)
{
    size_t count = 0;

    for (const struct field *field = fields; field->name != NULL; field++, count++) {
        has_words(list, field);
        for (const struct field *column = field->type == FIELD_ROWS ? field->rows->fields : NULL;
             column != NULL && column->name != NULL; column++, count++) {
            has_words(field->name, column);
        }
    }
    return count;
}

START_TEST(each_field_has_its_words)
{
    size_t count = 0;

    for (int kind = 0; kind <= MESSAGE_RETURNED; kind++) {
        const struct field *facts = message_form_of((enum message_kind)kind);

        if (facts != NULL) {
            count += walk(NULL, facts);
        }
    }
    count += walk("body", message_form_body());
    ck_assert_uint_gt(count, 200); /* the walk found the tables */
}
END_TEST

START_TEST(a_list_names_its_own)
{
    ck_assert_str_eq(label_of_field("materials", "kind"), "材料");
    ck_assert_str_eq(label_of_field("trace", "kind"), "说明");
    ck_assert_str_eq(label_of_field("body", "opinion"), "意见");
    ck_assert_str_ne(label_of_field(NULL, "opinion"), label_of_field("body", "opinion"));
    ck_assert_ptr_null(label_of_field(NULL, "kind"));
    ck_assert_ptr_null(label_of_field(NULL, "no-such-field"));
}
END_TEST

/* What is money, a size or an agency is written as that. */
START_TEST(values_read_as_what_they_are)
{
    for (int kind = 0; kind <= MESSAGE_RETURNED; kind++) {
        for (const struct field *field = message_form_of((enum message_kind)kind);
             field != NULL && field->name != NULL; field++) {
            const size_t len = strlen(field->name);

            if (len > 4 && strcmp(field->name + len - 4, "_fen") == 0) {
                ck_assert_int_eq(label_form_of(NULL, field->name), LABEL_MONEY);
            }
            if (field->type == FIELD_DIGEST) {
                ck_assert_int_eq(label_form_of(NULL, field->name), LABEL_CODE);
            }
        }
    }
    ck_assert_int_eq(label_form_of("promises", "agency"), LABEL_AGENCY);
    ck_assert_int_eq(label_form_of("documents", "supplier"), LABEL_AGENCY);
    ck_assert_int_eq(label_form_of("body", "text"), LABEL_LONG);
    ck_assert_int_eq(label_form_of("outcomes", "text"), LABEL_PLAIN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_web_labels");
    TCase *all = tcase_create("all");

    tcase_add_test(all, each_field_has_its_words);
    tcase_add_test(all, a_list_names_its_own);
    tcase_add_test(all, values_read_as_what_they_are);
    suite_add_tcase(suite, all);
    return suite_run(suite);
}
