/* lib/model/letter: the number in a letter's head, and the code of a paper letter: there and back,
 * as people type it, mistyped, and judged. */
#include "crypto_start.h"
#include "model/letter.h"

#include "model_support.h"

static const struct {
    const char *code; /* of the agency */
    enum letter_kind kind;
    const char *number;
    uint32_t ordinal;
    const char *expected;
} number_rows[] = {
    {"鄂检救", LETTER_TRANSFER, "JZ-2026-0031-01", 1, "鄂检救移〔2026〕31号"},
    {"鄂检救", LETTER_TRANSFER, "JZ-2026-0031-02", 1, "鄂检救移〔2026〕31号之二"},
    {"鄂检救", LETTER_TRANSFER, "JZ-2026-12345-10", 1, "鄂检救移〔2026〕12345号之十"},
    {"鄂检救", LETTER_TRANSFER, "JZ-2026-0001-11", 1, "鄂检救移〔2026〕1号之十一"},
    {"鄂检救", LETTER_TRANSFER, "JZ-2026-0001-120", 1, "鄂检救移〔2026〕1号之一百二十"},
    {"鄂检救", LETTER_TRANSFER, "JZ-2026-0001-1005", 1, "鄂检救移〔2026〕1号之一千零五"},
    {"", LETTER_TRANSFER, "JZ-2031-0007-01", 1, "JZ移〔2031〕7号"},
    {"鄂检救", LETTER_TRANSFER, "FL-2026-0002-03", 1, "鄂检救移FL〔2026〕2号之三"},
    {"鄂检救", LETTER_FEEDBACK, "JZ-DJ-2026-0010", 1, "鄂检救复〔2026〕10号"},
    {"鄂检救", LETTER_FEEDBACK, "JZ-DJ-2026-0010", 2, "鄂检救复〔2026〕10号之二"},
    {"", LETTER_FEEDBACK, "JZ-DJ-2026-0010", 20, "JZ复〔2026〕10号之二十"},
    {"", LETTER_FEEDBACK, "JZ-2026-0031-01", 1, NULL},
    {"", LETTER_TRANSFER, "JZ-2026-0031", 1, NULL},
    {"", LETTER_TRANSFER, "", 1, NULL},
};

START_TEST(numbers_have_six_sided_brackets_and_no_leading_zero)
{
    struct agency agency = {.prefix = "JZ"};
    char text[LETTER_NUMBER_BYTES];
    enum err error;

    SET(agency.letter_code, number_rows[_i].code);
    error = letter_number(&agency, number_rows[_i].kind, number_rows[_i].number,
                          number_rows[_i].ordinal, text);
    ck_assert_int_eq(error, number_rows[_i].expected != NULL ? OK : ERR_INVALID);
    ck_assert_str_eq(text, number_rows[_i].expected != NULL ? number_rows[_i].expected : "");
}
END_TEST

START_TEST(a_document_has_a_formal_number)
{
    char text[LETTER_NUMBER_BYTES];

    ck_assert_int_eq(letter_document_number("联席办督", "DB-2026-0012", text), OK);
    ck_assert_str_eq(text, "联席办督〔2026〕12号");
    ck_assert_int_eq(letter_document_number("联席办督", "JZ-2026-0012", text), ERR_INVALID);
    ck_assert_str_eq(text, "");
}
END_TEST

static struct letter_code a_code(uint8_t n)
{
    const struct uuid id = id_of(n);
    const struct digest digest = crypto_digest(span_of(&n, 1));
    struct letter_code code;

    ck_assert_int_eq(crypto_start(), OK);
    letter_code_of(&id, &digest, &code);
    return code;
}

START_TEST(codes_go_there_and_back)
{
    for (unsigned n = 0; n < 256; n++) {
        const struct letter_code code = a_code((uint8_t)n);
        struct letter_code back;
        char text[LETTER_CODE_BYTES];

        letter_code_format(&code, text);
        ck_assert_uint_eq(strlen(text), LETTER_CODE_BYTES - 1);
        ck_assert_ptr_null(strpbrk(text, "ILOUilou"));
        ck_assert_int_eq(letter_code_parse(text, &back), OK);
        ck_assert(uuid_equal(&back.message_id, &code.message_id));
        ck_assert_mem_eq(back.digest, code.digest, LETTER_DIGEST_BYTES);
    }
}
END_TEST

/* The same code as a tired hand and an input method write it. */
START_TEST(codes_are_read_as_people_type_them)
{
    const struct letter_code code = a_code(7);
    char text[LETTER_CODE_BYTES], wide[4], plain[2];
    struct letter_code back;
    struct buf typed;

    letter_code_format(&code, text);
    buf_init(&typed, 1024);
    ck_assert_int_eq(buf_append_text(&typed, " "), OK);
    for (size_t i = 0; text[i] != '\0'; i++) {
        const char *as = text[i] == '0'   ? (i % 2 == 0 ? "o" : "O")
                         : text[i] == '1' ? (i % 2 == 0 ? "l" : "I")
                         : text[i] == '-' ? (i % 2 == 0 ? "　" : "—")
                                          : NULL;

        memcpy(wide, (const char[]){'\xef', '\xbc', (char)(text[i] - 0x21 + 0x81), '\0'}, 4);
        memcpy(plain, (const char[]){text[i], '\0'}, 2);
        if (as == NULL) {
            as = i % 3 == 0 ? wide : plain;
        }
        ck_assert_int_eq(buf_append_text(&typed, as), OK);
    }
    ck_assert_int_eq(buf_append(&typed, "\r\n", 3), OK);
    ck_assert_int_eq(letter_code_parse((const char *)typed.data, &back), OK);
    buf_free(&typed);
    ck_assert(uuid_equal(&back.message_id, &code.message_id));
    for (char *at = text; *at != '\0'; at++) {
        if (*at >= 'A' && *at <= 'Z') {
            *at = (char)(*at + 0x20);
        }
    }
    ck_assert_int_eq(letter_code_parse(text, &back), OK);
    ck_assert_mem_eq(back.digest, code.digest, LETTER_DIGEST_BYTES);
}
END_TEST

/* One wrong character is found wherever it stands, as is a pair that changed places. */
START_TEST(slips_are_found)
{
    static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const struct letter_code code = a_code(9);
    char text[LETTER_CODE_BYTES], slip[LETTER_CODE_BYTES + 8];
    struct letter_code back;
    unsigned passed = 0;

    letter_code_format(&code, text);
    for (size_t i = 0; text[i] != '\0'; i++) {
        memcpy(slip, text, sizeof(text));
        if (text[i] != '-') {
            slip[i] = alphabet[((size_t)(strchr(alphabet, text[i]) - alphabet) + 1) % 32];
        }
        passed += text[i] != '-' && letter_code_parse(slip, &back) == OK ? 1 : 0;
        memcpy(slip, text, sizeof(text));
        slip[i] = text[i + 1];
        slip[i + 1] = text[i];
        passed += text[i + 1] != '\0' && text[i] != '-' && text[i + 1] != '-' &&
                          text[i] != text[i + 1] && letter_code_parse(slip, &back) == OK
                      ? 1
                      : 0;
    }
    ck_assert_uint_eq(passed, 0);
    ck_assert_int_eq(letter_code_parse("", &back), ERR_INVALID);
    text[strlen(text) - 1] = '\0';
    ck_assert_int_eq(letter_code_parse(text, &back), ERR_INVALID);
    letter_code_format(&code, text);
    (void)snprintf(slip, sizeof(slip), "%s0", text);
    ck_assert_int_eq(letter_code_parse(slip, &back), ERR_INVALID);
    (void)snprintf(slip, sizeof(slip), "%s%s", text, "号");
    ck_assert_int_eq(letter_code_parse(slip, &back), ERR_INVALID);
    slip[0] = 'U';
    ck_assert_int_eq(letter_code_parse(slip, &back), ERR_INVALID);
}
END_TEST

START_TEST(a_letter_is_judged_by_its_digest)
{
    const struct letter_code code = a_code(3);
    const uint8_t three = 3, four = 4;
    struct digest same = crypto_digest(span_of(&three, 1));
    const struct digest other = crypto_digest(span_of(&four, 1));

    ck_assert_int_eq(letter_judge(&code, NULL), LETTER_UNKNOWN);
    ck_assert_int_eq(letter_judge(&code, &same), LETTER_MATCHES);
    ck_assert_int_eq(letter_judge(&code, &other), LETTER_DIFFERS);
    same.bytes[LETTER_DIGEST_BYTES - 1] ^= 1;
    ck_assert_int_eq(letter_judge(&code, &same), LETTER_DIFFERS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("letter");
    TCase *cases = tcase_create("all");
    tcase_add_loop_test(cases, numbers_have_six_sided_brackets_and_no_leading_zero, 0,
                        (int)COUNT_OF(number_rows));
    tcase_add_test(cases, a_document_has_a_formal_number);
    tcase_add_test(cases, codes_go_there_and_back);
    tcase_add_test(cases, codes_are_read_as_people_type_them);
    tcase_add_test(cases, slips_are_found);
    tcase_add_test(cases, a_letter_is_judged_by_its_digest);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
