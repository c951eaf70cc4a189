/* lib/model/numbers and instant_text: one spelling of each, counting up, a new year begins at 1. */
#include "model/instant_text.h"
#include "model_support.h"

static const struct {
    enum number_kind kind;
    const char *text;
} wrong_rows[] = {
    {NUMBER_CASE, ""},
    {NUMBER_CASE, "JZ"},
    {NUMBER_CASE, "JZ-2026"},
    {NUMBER_CASE, "JZ-2026-"},
    {NUMBER_CASE, "JZ-2026-0000"},
    {NUMBER_CASE, "JZ-2026-031"},
    {NUMBER_CASE, "JZ-2026-00031"},
    {NUMBER_CASE, "JZ-26-0031"},
    {NUMBER_CASE, "JZ-1999-0031"},
    {NUMBER_CASE, "J-2026-0031"},
    {NUMBER_CASE, "JZXYZ-2026-0031"},
    {NUMBER_CASE, "jz-2026-0031"},
    {NUMBER_CASE, "DB-2026-0031"},
    {NUMBER_CASE, "JZ-2026-0031 "},
    {NUMBER_CASE, "JZ-2026-0031-01"},
    {NUMBER_CASE, "JZ-2026-100000000"},
    {NUMBER_CASE, "JZ-2026-99999999999999999999999999"},
    {NUMBER_REFERRAL, "JZ-2026-0031"},
    {NUMBER_REFERRAL, "JZ-2026-0031-1"},
    {NUMBER_REFERRAL, "JZ-2026-0031-00"},
    {NUMBER_REFERRAL, "JZ-2026-0031-001"},
    {NUMBER_REGISTER, "JZ-2026-0031"},
    {NUMBER_REGISTER, "JZ-DJ-2026-31"},
    {NUMBER_DOCUMENT, "JZ-2026-0001"},
    {NUMBER_DOCUMENT, "DB-2026-1"},
};

START_TEST(wrong_numbers_are_refused)
{
    struct number number;
    ck_assert_int_eq(number_parse(wrong_rows[_i].kind, wrong_rows[_i].text, &number), ERR_INVALID);
}
END_TEST

static const struct {
    const char *text;
    struct number number;
} right_rows[] = {
    {"JZ-2026-0031", {NUMBER_CASE, "JZ", 2026, 31, 0}},
    {"MZAB-2031-12345", {NUMBER_CASE, "MZAB", 2031, 12345, 0}},
    {"JZ-2026-0031-01", {NUMBER_REFERRAL, "JZ", 2026, 31, 1}},
    {"JZ-2026-0031-123", {NUMBER_REFERRAL, "JZ", 2026, 31, 123}},
    {"MZ-DJ-2026-0007", {NUMBER_REGISTER, "MZ", 2026, 7, 0}},
    {"DB-2026-0012", {NUMBER_DOCUMENT, "DB", 2026, 12, 0}},
};

START_TEST(right_numbers_go_there_and_back)
{
    struct number number;
    char text[LIMIT_NUMBER_BYTES];
    const struct number *expected = &right_rows[_i].number;
    ck_assert_int_eq(number_parse(expected->kind, right_rows[_i].text, &number), OK);
    ck_assert_str_eq(number.prefix, expected->prefix);
    ck_assert_uint_eq(number.year, expected->year);
    ck_assert_uint_eq(number.counter, expected->counter);
    ck_assert_uint_eq(number.suffix, expected->suffix);
    number_format(&number, text);
    ck_assert_str_eq(text, right_rows[_i].text);
}
END_TEST

START_TEST(counters_begin_anew_in_a_civil_year_and_never_go_back)
{
    struct number_counter counter = {0, 0};
    char text[LIMIT_NUMBER_BYTES];
    uint64_t last_ms = civil_end_ms(day_of("2026-12-31")) - 1;
    ck_assert_int_eq(number_next(NUMBER_CASE, "JZ", last_ms, &counter, text), OK);
    ck_assert_str_eq(text, "JZ-2026-0001");
    ck_assert_int_eq(number_next(NUMBER_CASE, "JZ", last_ms, &counter, text), OK);
    ck_assert_str_eq(text, "JZ-2026-0002");
    ck_assert_int_eq(number_next(NUMBER_CASE, "JZ", last_ms + 1, &counter, text), OK);
    ck_assert_str_eq(text, "JZ-2027-0001");
    ck_assert_int_eq(number_next(NUMBER_CASE, "JZ", last_ms, &counter, text), OK);
    ck_assert_str_eq(text, "JZ-2027-0002");
    counter.last = NUMBER_COUNTER_MAX;
    ck_assert_int_eq(number_next(NUMBER_CASE, "JZ", last_ms, &counter, text), ERR_FULL);
    ck_assert_int_eq(
        number_next(NUMBER_DOCUMENT, "", last_ms, &(struct number_counter){0, 0}, text), OK);
    ck_assert_str_eq(text, "DB-2026-0001");
}
END_TEST

START_TEST(a_referral_number_belongs_to_its_case)
{
    char text[LIMIT_NUMBER_BYTES];
    ck_assert_int_eq(number_of_referral("JZ-2026-0031", 2, text), OK);
    ck_assert_str_eq(text, "JZ-2026-0031-02");
    ck_assert_int_eq(number_of_referral("JZ-2026-31", 2, text), ERR_INVALID);
    ck_assert_int_eq(number_of_referral("JZ-2026-0031", 0, text), ERR_INVALID);
    ck_assert(number_belongs("JZ-2026-0031-02", "JZ-2026-0031"));
    ck_assert(!number_belongs("JZ-2026-0031-02", "JZ-2026-0032"));
    ck_assert(!number_belongs("JZ-2026-0031", "JZ-2026-0031"));
}
END_TEST

static const char *const wrong_instants[] = {
    "",
    "2026-03-02",
    "2026-03-02T09:30:00",
    "2026-03-02T09:30:00Z",
    "2026-03-02 09:30:00+08:00",
    "2026-02-29T09:30:00+08:00",
    "2026-03-02T24:00:00+08:00",
    "2026-03-02T09:60:00+08:00",
    "2026-03-02T09:30:00.25+08:00",
    "2026-03-02T09:30:00.000+08:00",
    "2026-03-02T09:30:00+08:00 ",
    "2026-03-02Tab:30:00+08:00",
    "1970-01-01T07:59:59+08:00",
};

START_TEST(wrong_instants_are_refused)
{
    uint64_t ms = 0;
    ck_assert_int_eq(instant_parse(wrong_instants[_i], &ms), ERR_INVALID);
}
END_TEST

START_TEST(instants_go_there_and_back)
{
    char text[INSTANT_TEXT_BYTES];
    uint64_t ms = 0;
    instant_format(0, text);
    ck_assert_str_eq(text, "1970-01-01T08:00:00+08:00");
    instant_format(noon_of("2026-03-02") + 250, text);
    ck_assert_str_eq(text, "2026-03-02T12:00:00.250+08:00");
    for (uint64_t at = 0; at < UINT64_C(4000000000000); at += UINT64_C(86399999777)) {
        instant_format(at, text);
        ck_assert_int_eq(instant_parse(text, &ms), OK);
        ck_assert_uint_eq(ms, at);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("numbers");
    TCase *cases = tcase_create("all");
    tcase_add_loop_test(cases, wrong_numbers_are_refused, 0, (int)COUNT_OF(wrong_rows));
    tcase_add_loop_test(cases, right_numbers_go_there_and_back, 0, (int)COUNT_OF(right_rows));
    tcase_add_test(cases, counters_begin_anew_in_a_civil_year_and_never_go_back);
    tcase_add_test(cases, a_referral_number_belongs_to_its_case);
    tcase_add_loop_test(cases, wrong_instants_are_refused, 0, (int)COUNT_OF(wrong_instants));
    tcase_add_test(cases, instants_go_there_and_back);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
