/* lib/model/identity: the examples of GB 11643, and that every single wrong digit is found. */
#include "../suite.h"
#include "model/identity.h"

#include <string.h>

static const char *const right[] = {"11010519491231002X", "440524188001010014"};

static const char *const wrong[] = {
    "",
    "11010519491231002",
    "11010519491231002XX",
    "11010519491231002x",  /* capital X only */
    "110105194912310021",  /* check digit */
    "11010519491331002X",  /* month 13 */
    "01010519491231002X",  /* no such region */
    "1101051949123100２X", /* not ASCII */
    "11010519490229002X",  /* no such day */
};

START_TEST(wrong_numbers)
{
    ck_assert(!identity_valid(wrong[_i]));
    ck_assert_uint_eq(identity_birth_date(wrong[_i]), 0);
}
END_TEST

START_TEST(published_examples)
{
    ck_assert(identity_valid(right[0]));
    ck_assert_uint_eq(identity_birth_date(right[0]), 19491231);
    ck_assert(identity_valid(right[1]));
    ck_assert_uint_eq(identity_birth_date(right[1]), 18800101);
}
END_TEST

/* ISO 7064 finds every single substitution and every swap of neighbours. */
START_TEST(every_slip_of_the_pen_is_found)
{
    char number[19];
    for (size_t i = 0; i < 17; i++) {
        for (char digit = '0'; digit != '9' + 1; digit++) {
            memcpy(number, right[0], sizeof(number));
            number[i] = digit;
            ck_assert_int_eq(identity_valid(number), digit == right[0][i]);
        }
    }
    for (size_t i = 0; i < 16; i++) {
        memcpy(number, right[0], sizeof(number));
        number[i] = right[0][i + 1];
        number[i + 1] = right[0][i];
        ck_assert_int_eq(identity_valid(number), right[0][i] == right[0][i + 1]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("identity");
    TCase *cases = tcase_create("all");
    tcase_add_loop_test(cases, wrong_numbers, 0, (int)COUNT_OF(wrong));
    tcase_add_test(cases, published_examples);
    tcase_add_test(cases, every_slip_of_the_pen_is_found);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
