/* Tests of base/bytes.h and base/err.h: buffers at their maximum, packing, strict texts, uuids,
 * the region's budget, faults that do not fit. */
#include "base/bytes.h"

#include <stdio.h>
#include <string.h>

#include "unit/suite.h"

START_TEST(buf_grows_to_its_maximum_and_no_further)
{
    struct buf buf;
    buf_init(&buf, 1000);
    uint8_t bytes[300];
    memset(bytes, 7, sizeof(bytes));
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(buf_append(&buf, bytes, sizeof(bytes)), OK);
    }
    ck_assert_int_eq(buf_append(&buf, bytes, 101), ERR_TOO_LARGE);
    ck_assert_uint_eq(buf.len, 900);
    ck_assert_int_eq(buf_append(&buf, bytes, 100), OK);
    ck_assert_int_eq(buf_append(&buf, bytes, 1), ERR_TOO_LARGE);
    ck_assert_int_eq(buf_append(&buf, NULL, 0), OK);
    ck_assert_uint_eq(buf.len, 1000);
    ck_assert_uint_le(buf.cap, 1000);
    for (size_t i = 0; i < buf.len; i++) {
        ck_assert_uint_eq(buf.data[i], 7);
    }
    uint8_t *lent = bytes;
    ck_assert_int_eq(buf_extend(&buf, SIZE_MAX, &lent), ERR_TOO_LARGE);
    ck_assert_ptr_eq(lent, bytes);
    buf_clear(&buf);
    ck_assert_int_eq(buf_printf(&buf, "%d-%s", 42, "x"), OK);
    ck_assert(span_equal(span_buf(&buf), span_text("42-x")));
    buf_free(&buf);
    ck_assert_ptr_null(buf.data);
    ck_assert_int_eq(buf_append(&buf, bytes, 300), OK);
    buf_free(&buf);
    buf_free(NULL);
}
END_TEST

START_TEST(spans_compare_by_length_and_bytes)
{
    ck_assert(span_equal(span_of(NULL, 0), span_of("x", 0)));
    ck_assert(!span_equal(span_text("ab"), span_text("abc")));
    ck_assert(!span_equal(span_text("abd"), span_text("abc")));
    ck_assert(span_equal(span_of("a\0b", 3), span_of("a\0b", 3)));
    ck_assert(!span_equal(span_of("a\0b", 3), span_of("a\0c", 3)));
}
END_TEST

START_TEST(packing_is_big_endian)
{
    const uint8_t bytes[] = {0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10};
    ck_assert_uint_eq(be16_get(bytes), 0xFEDC);
    ck_assert_uint_eq(be32_get(bytes), 0xFEDCBA98u);
    ck_assert_uint_eq(be64_get(bytes), 0xFEDCBA9876543210ull);
    uint8_t out[8] = {0};
    be64_put(out, 0xFEDCBA9876543210ull);
    ck_assert_mem_eq(out, bytes, 8);
    be32_put(out, 1);
    ck_assert_mem_eq(out, "\0\0\0\1", 4);
    be16_put(out, 0x0102);
    ck_assert_mem_eq(out, "\1\2\0\1", 4);
}
END_TEST

START_TEST(hex_takes_exactly_the_digits)
{
    static const char *const wrong[] = {"", "0", "000", "00000", "0g00", " 000", "00-0", "0x00"};
    uint8_t out[2] = {9, 9};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        ck_assert_msg(hex_decode(wrong[i], out, 2) == ERR_INVALID, "\"%s\" taken", wrong[i]);
    }
    ck_assert_mem_eq(out, "\x09\x09", 2);
    ck_assert_int_eq(hex_decode("aBfF", out, 2), OK);
    ck_assert_mem_eq(out, "\xab\xff", 2);
    ck_assert_int_eq(hex_decode("", out, 0), OK);
    char text[5];
    hex_encode(span_of("\x00\xa5", 2), text);
    ck_assert_str_eq(text, "00a5");
}
END_TEST

/* RFC 4648 section 10. */
static const struct {
    const char *plain, *text;
} base64_vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

START_TEST(base64_vectors_both_ways)
{
    struct buf out;
    buf_init(&out, 100);
    ck_assert_int_eq(base64_encode(span_text(base64_vectors[_i].plain), &out), OK);
    ck_assert(span_equal(span_buf(&out), span_text(base64_vectors[_i].text)));
    buf_clear(&out);
    ck_assert_int_eq(base64_decode(span_text(base64_vectors[_i].text), &out), OK);
    ck_assert(span_equal(span_buf(&out), span_text(base64_vectors[_i].plain)));
    buf_free(&out);
}
END_TEST

START_TEST(base64_refuses_all_but_the_canonical_text)
{
    static const char *const wrong[] = {
        "Z",        "Zg",       "Zg=",  "Zh==", "Zm9=", "Zm9v\n", "Zm9v Zg=",     "====",
        "Zg==Zg==", "Zm8=Zm9v", "Z===", "Zm-_", "=g==", "Zg=A",   "Zm9vZm9vZ===",
    };
    struct buf out;
    buf_init(&out, 100);
    ck_assert_int_eq(buf_append_text(&out, "kept"), OK);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        ck_assert_msg(base64_decode(span_text(wrong[i]), &out) == ERR_INVALID, "\"%s\" taken",
                      wrong[i]);
        ck_assert(span_equal(span_buf(&out), span_text("kept")));
    }
    ck_assert_int_eq(base64_decode(span_of("Zm\0v", 4), &out), ERR_INVALID);
    buf_free(&out);
}
END_TEST

START_TEST(base64_returns_every_byte)
{
    uint8_t bytes[256];
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 167 + 3);
    }
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        struct buf text;
        struct buf back;
        buf_init(&text, 400);
        buf_init(&back, 400);
        ck_assert_int_eq(base64_encode(span_of(bytes, len), &text), OK);
        ck_assert_int_eq(base64_decode(span_buf(&text), &back), OK);
        ck_assert(span_equal(span_buf(&back), span_of(bytes, len)));
        buf_free(&text);
        buf_free(&back);
    }
}
END_TEST

START_TEST(utf8_is_the_shortest_form_of_a_scalar_value)
{
    static const char *const wrong[] = {
        "\x80",
        "\xC0\x80",
        "\xC1\xBF",
        "\xC3",
        "\xE0\x9F\xBF",
        "\xE4\xB8",
        "\xED\xA0\x80",
        "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "a\xFF",
        "\xE4\xB8\x2D",
        "\xF0\x90\x80",
        "\xFE",
        "\xD6\xD0\xCE\xC4",
    };
    static const char *const right[] = {
        "",
        "a",
        "\x7F",
        "\xC2\x80",
        "\xDF\xBF",
        "中文报告",
        "\xED\x9F\xBF",
        "\xEE\x80\x80",
        "\xF0\x90\x80\x80",
        "\xF4\x8F\xBF\xBF",
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        ck_assert_msg(!utf8_valid(span_text(wrong[i])), "wrong %zu taken", i);
    }
    for (size_t i = 0; i < COUNT_OF(right); i++) {
        ck_assert_msg(utf8_valid(span_text(right[i])), "right %zu refused", i);
    }
}
END_TEST

START_TEST(uuid_of_the_standard)
{
    /* RFC 9562 appendix A.6: 2022-02-22T19:22:22.000Z. */
    const uint8_t random[10] = {0xFC, 0xC3, 0x18, 0xC4, 0xDC, 0x0C, 0x0C, 0x07, 0x39, 0x8F};
    struct uuid id = uuid_v7(0x017F22E279B0ull, random);
    char text[UUID_TEXT_BYTES];
    uuid_format(&id, text);
    ck_assert_str_eq(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    ck_assert(uuid_is_v7(&id));
    struct uuid back;
    ck_assert_int_eq(uuid_parse(text, &back), OK);
    ck_assert(uuid_equal(&id, &back));
    ck_assert(!uuid_is_zero(&back));
    back.bytes[15] ^= 1;
    ck_assert(!uuid_equal(&id, &back));
    memset(&back, 0, sizeof(back));
    ck_assert(uuid_is_zero(&back));
    ck_assert(!uuid_is_v7(&back));
}
END_TEST

START_TEST(uuids_sort_by_their_time)
{
    const uint8_t high[10] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    const uint8_t low[10] = {0};
    uint64_t time_ms = 0xFF;
    for (int i = 0; i < 5; i++) {
        struct uuid before = uuid_v7(time_ms, high);
        struct uuid after = uuid_v7(time_ms + 1, low);
        ck_assert_int_lt(memcmp(before.bytes, after.bytes, UUID_BYTES), 0);
        ck_assert(uuid_is_v7(&before) && uuid_is_v7(&after));
        time_ms = time_ms << 8 | 0xFF;
    }
}
END_TEST

START_TEST(uuid_has_one_text)
{
    static const char *const wrong[] = {
        "",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
        "017F22E2-79B0-7CC3-98C4-DC0C0C07398F",
        "017f22e279b0-7cc3-98c4-dc0c0c07398f--",
        "017f22e2_79b0_7cc3_98c4_dc0c0c07398f",
        "017f22e2-79b0-7cc3-98c4-dc0c0c07398g",
        "{17f22e2-79b0-7cc3-98c4-dc0c0c07398f",
    };
    struct uuid id = {{1}};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        ck_assert_msg(uuid_parse(wrong[i], &id) == ERR_INVALID, "\"%s\" taken", wrong[i]);
    }
    ck_assert_uint_eq(id.bytes[0], 1);
}
END_TEST

START_TEST(region_keeps_to_its_budget)
{
    struct region region;
    region_init(&region, 10000);
    ck_assert_ptr_null(region_take(&region, 10001));
    ck_assert_ptr_null(region_take(&region, SIZE_MAX));
    size_t taken = 0;
    uint8_t *bytes = NULL;
    while ((bytes = region_take(&region, 33)) != NULL) {
        ck_assert_uint_eq((uintptr_t)bytes % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < 33; i++) {
            ck_assert_uint_eq(bytes[i], 0);
        }
        memset(bytes, 0xFF, 33);
        taken += 33;
        ck_assert_uint_le(region.used, region.budget);
    }
    ck_assert_uint_gt(taken, 5000);
    ck_assert_uint_le(taken, 10000);
    region_free(&region);
    ck_assert_uint_eq(region.used, 0);
    ck_assert_ptr_nonnull(region_take(&region, 9000));
    ck_assert_ptr_nonnull(region_take(&region, 0));
    region_free(&region);
    region_free(NULL);
}
END_TEST

START_TEST(faults_are_cut_between_characters)
{
    struct fault fault = {.code = ""};
    fault_set(&fault, "code", "place", "%s", "short");
    fault_hint(&fault, "try %d", 2);
    ck_assert_str_eq(fault.hint, "try 2");
    char text[600];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'a', shift);
        for (size_t i = 0; i < 150; i++) {
            memcpy(text + shift + 3 * i, "报", 3);
        }
        text[shift + 450] = '\0';
        fault_set(&fault, text, text, "%s", text);
        ck_assert(utf8_valid(span_text(fault.message)));
        ck_assert(utf8_valid(span_text(fault.place)));
        ck_assert(utf8_valid(span_text(fault.code)));
        ck_assert_uint_ge(strlen(fault.message), sizeof(fault.message) - 4);
        ck_assert_str_eq(fault.hint, "");
    }
    fault_set(NULL, "code", "place", "ignored");
    fault_hint(NULL, "ignored");
}
END_TEST

START_TEST(every_result_has_a_name_of_its_own)
{
    for (int i = 0; i < ERR_COUNT; i++) {
        ck_assert_str_ne(err_text((enum err)i), err_text(ERR_COUNT));
        for (int j = 0; j < i; j++) {
            ck_assert_str_ne(err_text((enum err)i), err_text((enum err)j));
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bytes");
    TCase *cases = tcase_create("bytes");
    tcase_add_test(cases, buf_grows_to_its_maximum_and_no_further);
    tcase_add_test(cases, spans_compare_by_length_and_bytes);
    tcase_add_test(cases, packing_is_big_endian);
    tcase_add_test(cases, hex_takes_exactly_the_digits);
    tcase_add_loop_test(cases, base64_vectors_both_ways, 0, (int)COUNT_OF(base64_vectors));
    tcase_add_test(cases, base64_refuses_all_but_the_canonical_text);
    tcase_add_test(cases, base64_returns_every_byte);
    tcase_add_test(cases, utf8_is_the_shortest_form_of_a_scalar_value);
    tcase_add_test(cases, uuid_of_the_standard);
    tcase_add_test(cases, uuids_sort_by_their_time);
    tcase_add_test(cases, uuid_has_one_text);
    tcase_add_test(cases, region_keeps_to_its_budget);
    tcase_add_test(cases, faults_are_cut_between_characters);
    tcase_add_test(cases, every_result_has_a_name_of_its_own);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
