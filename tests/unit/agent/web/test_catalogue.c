/* agent/web/catalogue: what is found and what is not, in the catalogue that is built in and in
 * small ones that are damaged byte by byte. */
#include <string.h>

#include "agent/web/catalogue.h"
#include "unit/suite.h"

START_TEST(test_languages)
{
    ck_assert_str_eq(language_tag(LANGUAGE_ZH), "zh-CN");
    ck_assert_str_eq(language_tag(LANGUAGE_EN), "en");
    ck_assert_int_eq(language_parse("en"), LANGUAGE_EN);
    ck_assert_int_eq(language_parse("zh"), LANGUAGE_ZH);
    ck_assert_int_eq(language_parse("EN"), LANGUAGE_ZH);
    ck_assert_int_eq(language_parse(""), LANGUAGE_ZH);
    ck_assert_int_eq(language_parse(NULL), LANGUAGE_ZH);
}
END_TEST

START_TEST(test_texts)
{
    ck_assert_str_eq(catalogue_text(LANGUAGE_ZH, "收件箱"), "收件箱");
    ck_assert_str_eq(catalogue_text(LANGUAGE_EN, "收件箱"), "Inbox");
    ck_assert_str_eq(catalogue_text(LANGUAGE_EN, N_("没有这句")), "没有这句");
    ck_assert_str_eq(catalogue_text(LANGUAGE_EN, ""), "");
    struct span found = catalogue_find(LANGUAGE_EN, span_of("收件箱和别的", strlen("收件箱")));
    ck_assert(span_equal(found, span_text("Inbox")));
}
END_TEST

#define ROWS 3u

/* A catalogue as msgfmt makes it: a = 1, bb = 22, c = "" */
static size_t make(uint8_t mo[128])
{
    static const char *const keys[ROWS] = {"a", "bb", "c"};
    static const char *const texts[ROWS] = {"1", "22", ""};
    const uint32_t head[] = {0x950412de, 0, ROWS, 28, 28 + 8 * ROWS, 0, 0};
    uint32_t words[7 + 4 * ROWS];
    uint32_t at = 28 + 16 * ROWS;
    memset(mo, 0, 128);
    memcpy(words, head, sizeof(head));
    for (uint32_t i = 0; i < 2 * ROWS; i++) {
        const char *text = i < ROWS ? keys[i] : texts[i - ROWS];
        uint32_t len = (uint32_t)strlen(text);
        words[7 + 2 * i] = len;
        words[8 + 2 * i] = at;
        memcpy(mo + at, text, len + 1);
        at += len + 1;
    }
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        for (size_t k = 0; k < 4; k++) {
            mo[4 * i + k] = (uint8_t)(words[i] >> (8 * k));
        }
    }
    return at;
}

static struct span look_up(const uint8_t *mo, size_t len, const char *key)
{
    return catalogue_look_up(span_of(mo, len), span_text(key));
}

START_TEST(test_reader)
{
    uint8_t mo[128];
    size_t len = make(mo);
    ck_assert(span_equal(look_up(mo, len, "a"), span_text("1")));
    ck_assert(span_equal(look_up(mo, len, "bb"), span_text("22")));
    ck_assert_uint_eq(look_up(mo, len, "c").len, 0);
    static const char *const absent[] = {"", "A", "b", "bbb", "d", "a\x01"};
    for (size_t i = 0; i < COUNT_OF(absent); i++) {
        ck_assert_uint_eq(look_up(mo, len, absent[i]).len, 0);
    }
    ck_assert_uint_eq(catalogue_look_up((struct span){0}, span_text("a")).len, 0);
}
END_TEST

/* Whatever is cut off or turned: an answer within the file, or none. Copied to the heap, for the
 * sanitizer. */
START_TEST(test_damaged)
{
    uint8_t mo[128];
    size_t len = make(mo);
    for (size_t cut = 0; cut <= len; cut++) {
        for (size_t at = 0; at < cut; at++) {
            uint8_t *copy = malloc(cut);
            ck_assert_ptr_nonnull(copy);
            memcpy(copy, mo, cut);
            copy[at] ^= (uint8_t)(1u << (at % 8) | (cut == len ? 0xF0u : 0u));
            struct span found = look_up(copy, cut, at % 2 == 0 ? "a" : "bb");
            ck_assert(found.len == 0 ||
                      (found.data >= copy && found.data + found.len < copy + cut));
            free(copy);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("catalogue");
    TCase *tcase = tcase_create("catalogue");
    tcase_add_test(tcase, test_languages);
    tcase_add_test(tcase, test_texts);
    tcase_add_test(tcase, test_reader);
    tcase_add_test(tcase, test_damaged);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
