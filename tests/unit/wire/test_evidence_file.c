/* lib/wire/evidence_file: what is written is read back, in one form only; every changed bit, every
 * cut and every byte behind the end is refused with its place, and a head that was made anew has
 * to be of the form, too. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "crypto_start.h"
#include "wire/evidence_file.h"
#include "../suite.h"

static struct buf file;
static struct region region;

static const struct evidence_part sample[] = {
    {"message", "0192-out", {(const uint8_t *)"first bytes\n", 12}},
    {"receipt", "0192-out", {(const uint8_t *)"\0\1\2", 3}},
    {"calendar", "2026.json", {NULL, 0}},
    {"message", "0193_In", {(const uint8_t *)"the last", 8}},
};

static void setup(void)
{
    ck_assert_int_eq(crypto_start(), OK);
    buf_init(&file, LIMIT_EVIDENCE_BYTES);
    region_init(&region, 16u * 1024u * 1024u);
}

static void teardown(void)
{
    buf_free(&file);
    region_free(&region);
}

static void write_sample(void)
{
    const struct evidence evidence = {crypto_suite(), EVIDENCE_CASE, sample, COUNT_OF(sample)};

    ck_assert_int_eq(evidence_encode(&evidence, &file), OK);
}

static enum err read_back(struct span bytes, struct evidence *ret, struct fault *fault)
{
    region_free(&region);
    return evidence_decode("x.evidence", bytes, &region, ret, fault);
}

START_TEST(test_what_is_written_is_read)
{
    struct fault fault = {.code = ""};
    struct evidence evidence;

    write_sample();
    ck_assert(evidence_is_file(span_buf(&file)));
    ck_assert_int_eq(read_back(span_buf(&file), &evidence, &fault), OK);
    ck_assert_int_eq(evidence.suite, crypto_suite());
    ck_assert_int_eq(evidence.about, EVIDENCE_CASE);
    ck_assert_uint_eq(evidence.part_count, COUNT_OF(sample));
    for (size_t i = 0; i < COUNT_OF(sample); i++) {
        const struct evidence_part *part = evidence_find(&evidence, sample[i].kind, sample[i].name);

        ck_assert_ptr_eq(part, &evidence.parts[i]);
        ck_assert(span_equal(part->bytes, sample[i].bytes));
    }
    ck_assert_ptr_null(evidence_find(&evidence, "receipt", "0193_In"));
}
END_TEST

START_TEST(test_every_changed_bit_is_refused)
{
    write_sample();
    for (size_t bit = 0; bit < 8 * file.len; bit++) {
        struct fault fault = {.code = ""};
        struct evidence evidence;

        file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_msg(read_back(span_buf(&file), &evidence, &fault) != OK, "bit %zu", bit);
        ck_assert_str_ne(fault.code, "");
        ck_assert_ptr_eq(strstr(fault.place, "x.evidence:"), fault.place);
        file.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}
END_TEST

START_TEST(test_every_cut_is_refused)
{
    write_sample();
    for (size_t len = 0; len < file.len; len++) {
        struct fault fault = {.code = ""};
        struct evidence evidence;
        enum err error = read_back(span_of(file.data, len), &evidence, &fault);

        ck_assert_int_eq(error, len < 20 ? ERR_VERSION : ERR_CLOSED);
        ck_assert_str_eq(fault.code, len < 20 ? "evidence.form" : "evidence.cut");
    }
}
END_TEST

START_TEST(test_bytes_behind_the_end_are_refused)
{
    struct fault fault = {.code = ""};
    struct evidence evidence;

    write_sample();
    ck_assert_int_eq(buf_append(&file, "\n", 1), OK);
    ck_assert_int_eq(read_back(span_buf(&file), &evidence, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.code, "evidence.behind");
}
END_TEST

/* A head by hand, its digest made anew: what stands in it is at fault, not the digest. */
static enum err read_lines(const char *lines, const char *bytes, struct fault *fault)
{
    struct evidence evidence;
    struct digest digest;
    char hex[DIGEST_TEXT_BYTES];

    buf_clear(&file);
    ck_assert_int_eq(buf_append_text(&file, lines), OK);
    digest = crypto_digest(span_buf(&file));
    digest_format(&digest, hex);
    ck_assert_int_eq(buf_printf(&file, "head %s\n\n%s", hex, bytes), OK);
    *fault = (struct fault){.code = ""};
    return read_back(span_buf(&file), &evidence, fault);
}

#define FORM  "referral-evidence-1\n"
#define HEAD  FORM "suite intl\nabout case\n"
#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

START_TEST(test_there_is_one_form)
{
    static const struct {
        const char *lines;
        const char *place; /* NULL: it is right */
    } rows[] = {
        {HEAD "part a b 0 " EMPTY "\n", NULL},
        {FORM "suite sm\nabout lie\npart a b 0 " EMPTY "\n", "x.evidence"}, /* another suite */
        {FORM "suite other\nabout case\npart a b 0 " EMPTY "\n", "x.evidence:2"},
        {FORM "suite \nabout case\npart a b 0 " EMPTY "\n", "x.evidence:2"},
        {FORM "about case\nsuite intl\npart a b 0 " EMPTY "\n", "x.evidence:2"},
        {FORM "suite intl\nabout Case\npart a b 0 " EMPTY "\n", "x.evidence:3"},
        {HEAD, "x.evidence:4"},
        {HEAD "\npart a b 0 " EMPTY "\n", "x.evidence:4"},
        {HEAD "part a b 0 " EMPTY " \n", "x.evidence:4"},
        {HEAD "part a  b 0 " EMPTY "\n", "x.evidence:4"},
        {HEAD "part a b 00 " EMPTY "\n", "x.evidence:4"},
        {HEAD "part a b -0 " EMPTY "\n", "x.evidence:4"},
        {HEAD "part a b +0 " EMPTY "\n", "x.evidence:4"},
        {HEAD "part a b 99999999999999 " EMPTY "\n", "x.evidence:4"},
        {HEAD "part a b 0 " EMPTY "0\n", "x.evidence:4"},
        {HEAD "part A b 0 " EMPTY "\n", "x.evidence:4"},
        {HEAD "part a b/c 0 " EMPTY "\n", "x.evidence:4"},
        {HEAD "part aaaaaaaaaaaaaaaaaaaaaaaa b 0 " EMPTY "\n", "x.evidence:4"},
        {HEAD "part a b 0 E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855\n",
         "x.evidence:4"},
        {HEAD "part a b 0 " EMPTY "\npart a b 0 " EMPTY "\n", "x.evidence:5"},
        {HEAD "part a b 0 " EMPTY "\nnote x\n", "x.evidence:5"},
        {HEAD "part a b 1 " EMPTY "\n", "x.evidence:4"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fault fault = {.code = ""};
        enum err error = read_lines(rows[i].lines, "", &fault);

        ck_assert_msg((error == OK) == (rows[i].place == NULL), "row %zu: %s", i, fault.message);
        ck_assert_str_eq(fault.place, rows[i].place != NULL ? rows[i].place : "");
    }
}
END_TEST

START_TEST(test_a_long_list_is_bounded)
{
    struct evidence evidence = {crypto_suite(), EVIDENCE_LIE, NULL, 0};
    struct evidence_part *parts = calloc(LIMIT_EVIDENCE_PARTS + 1, sizeof(*parts));
    struct fault fault = {.code = ""};

    ck_assert_ptr_nonnull(parts);
    for (unsigned i = 0; i <= LIMIT_EVIDENCE_PARTS; i++) {
        text_copy(parts[i].kind, sizeof(parts[i].kind), "p");
        (void)snprintf(parts[i].name, sizeof(parts[i].name), "%u", i);
    }
    evidence.parts = parts;
    evidence.part_count = LIMIT_EVIDENCE_PARTS + 1;
    ck_assert_int_eq(evidence_encode(&evidence, &file), ERR_TOO_LARGE);
    ck_assert_int_eq(buf_append_text(&file, FORM "suite intl\nabout lie\n"), OK);
    for (unsigned i = 0; i <= LIMIT_EVIDENCE_PARTS; i++) {
        ck_assert_int_eq(buf_printf(&file, "part p %u 0 " EMPTY "\n", i), OK);
    }
    ck_assert_int_eq(read_back(span_buf(&file), &evidence, &fault), ERR_TOO_LARGE);
    free(parts);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("evidence_file");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_what_is_written_is_read);
    tcase_add_test(tests, test_every_changed_bit_is_refused);
    tcase_add_test(tests, test_every_cut_is_refused);
    tcase_add_test(tests, test_bytes_behind_the_end_are_refused);
    tcase_add_test(tests, test_there_is_one_form);
    tcase_add_test(tests, test_a_long_list_is_bounded);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
