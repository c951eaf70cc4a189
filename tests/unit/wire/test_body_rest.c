/* lib/wire/body_rest: what is at rest opens with its key and nothing else, whichever bit changes,
 * and the message's digest is the same in both forms. */
#include <stdlib.h>

#include "sample.h"
#include "wire/body_rest.h"
#include "wire/envelope.h"

static const uint8_t key_bytes[AEAD_KEY_BYTES] = {5, 5};
static const struct body_rest_key rest_key = {.bytes = key_bytes, .generation = 3};

static void rest(const struct payload *payload, struct buf *out)
{
    ck_assert_int_eq(crypto_start(), OK);
    buf_init(out, 2 * LIMIT_ENVELOPE_BYTES);
    ck_assert_int_eq(body_rest_seal(&rest_key, payload, out), OK);
    ck_assert_uint_eq(out->len, payload->body.len + BODY_REST_MORE_BYTES);
}

static const struct payload sample = {.header = {(const uint8_t *)"header", 6},
                                      .facts = {(const uint8_t *)"facts", 5},
                                      .body = {(const uint8_t *)"\x0a\x03 sealed body", 14}};

START_TEST(opens_as_it_was_and_has_the_same_digest)
{
    struct payload resting = sample;
    struct buf bytes, back;
    uint8_t generation = 0;

    rest(&sample, &bytes);
    resting.body = span_buf(&bytes);
    ck_assert(body_is_at_rest(resting.body, &generation));
    ck_assert_uint_eq(generation, 3);
    ck_assert(!body_is_at_rest(sample.body, NULL));
    ck_assert(!body_is_at_rest(span_of(NULL, 0), NULL));
    ck_assert_ptr_null(memmem(bytes.data, bytes.len, sample.body.data, 8));
    buf_init(&back, 1000);
    ck_assert_int_eq(body_rest_open(&rest_key, &resting, &back), OK);
    ck_assert(span_equal(span_buf(&back), sample.body));
    const struct digest plain = message_digest(&sample);
    const struct digest at_rest = message_digest_at_rest(&resting);
    const struct digest either = message_digest_at_rest(&sample);

    ck_assert(digest_equal(&plain, &at_rest));
    ck_assert(digest_equal(&plain, &either));
    buf_free(&back);
    buf_free(&bytes);
}
END_TEST

START_TEST(each_changed_bit_is_refused)
{
    struct payload resting = sample;
    struct buf bytes, back;

    rest(&sample, &bytes);
    resting.body = span_buf(&bytes);
    buf_init(&back, 1000);
    for (size_t at = 8; at < 8 * bytes.len; at++) { /* the first byte says that it is at rest */
        bytes.data[at / 8] ^= (uint8_t)(1u << at % 8);
        ck_assert_int_eq(body_rest_open(&rest_key, &resting, &back), ERR_FORGED);
        bytes.data[at / 8] ^= (uint8_t)(1u << at % 8);
    }
    resting.header = span_text("Header");
    ck_assert_int_eq(body_rest_open(&rest_key, &resting, &back), ERR_FORGED);
    resting.header = sample.header;
    const uint8_t other[AEAD_KEY_BYTES] = {6};

    ck_assert_int_eq(
        body_rest_open(&(struct body_rest_key){.bytes = other, .generation = 3}, &resting, &back),
        ERR_FORGED);
    ck_assert_uint_eq(back.len, 0);
    ck_assert_int_eq(body_rest_open(&rest_key, &resting, &back), OK);
    buf_free(&back);
    buf_free(&bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("body_rest");
    TCase *tests = tcase_create("body_rest");

    tcase_add_test(tests, opens_as_it_was_and_has_the_same_digest);
    tcase_add_test(tests, each_changed_bit_is_refused);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
