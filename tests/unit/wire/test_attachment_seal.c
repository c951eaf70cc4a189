/* lib/wire/attachment_seal: what was sealed opens, and every other arrangement of the same chunks,
 * every flipped bit and every other key does not. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "crypto_start.h"
#include "../suite.h"
#include "wire/attachment_seal.h"

static struct attachment_cipher cipher_of(uint8_t fill, uint64_t plain_bytes)
{
    struct attachment_cipher cipher;
    uint8_t key[AEAD_KEY_BYTES];
    ck_assert_int_eq(crypto_start(), OK);
    memset(key, fill, sizeof(key));
    ck_assert_int_eq(attachment_cipher_init(key, plain_bytes, &cipher), OK);
    return cipher;
}

/* Bytes that differ by their place. */
static void sample(size_t len, struct buf *out)
{
    uint8_t *bytes = NULL;
    buf_init(out, LIMIT_ATTACHMENT_BYTES);
    ck_assert_int_eq(buf_extend(out, len, &bytes), OK);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(i * 31 + i / 251);
    }
}

static void sealed_sample(size_t len, struct buf *plain, struct buf *out)
{
    struct attachment_cipher cipher = cipher_of(1, len);
    sample(len, plain);
    buf_init(out, ATTACHMENT_SEALED_MAX + 2 * ATTACHMENT_CHUNK_BYTES);
    ck_assert_int_eq(attachment_seal(&cipher, span_buf(plain), out), OK);
    ck_assert_uint_eq(out->len, attachment_sealed_bytes(len));
}

static enum err opens(uint8_t fill, uint64_t plain_bytes, struct span sealed, struct buf *out)
{
    struct attachment_cipher cipher = cipher_of(fill, plain_bytes);
    buf_free(out);
    buf_init(out, LIMIT_ATTACHMENT_BYTES);
    return attachment_open(&cipher, sealed, out);
}

static const size_t sizes[] = {1,
                               4095,
                               4096,
                               4097,
                               ATTACHMENT_CHUNK_BYTES - 1,
                               ATTACHMENT_CHUNK_BYTES,
                               ATTACHMENT_CHUNK_BYTES + 1,
                               3 * ATTACHMENT_CHUNK_BYTES,
                               LIMIT_ATTACHMENT_BYTES};

START_TEST(test_every_size_opens)
{
    size_t len = sizes[_i];
    struct buf plain, sealed, back = {.data = NULL};
    sealed_sample(len, &plain, &sealed);
    ck_assert_int_eq(opens(1, len, span_buf(&sealed), &back), OK);
    ck_assert(span_equal(span_buf(&plain), span_buf(&back)));
    ck_assert_uint_eq(sealed.len % ATTACHMENT_FILL_BYTES,
                      (ATTACHMENT_COMMITMENT_BYTES +
                       (len + ATTACHMENT_CHUNK_BYTES - 1) / ATTACHMENT_CHUNK_BYTES * 16) %
                          ATTACHMENT_FILL_BYTES);
    buf_free(&plain);
    buf_free(&sealed);
    buf_free(&back);
}
END_TEST

START_TEST(test_no_size)
{
    struct attachment_cipher cipher;
    uint8_t key[AEAD_KEY_BYTES] = {0};
    ck_assert_int_eq(attachment_cipher_init(key, 0, &cipher), ERR_TOO_LARGE);
    ck_assert_int_eq(attachment_cipher_init(key, LIMIT_ATTACHMENT_BYTES + 1, &cipher),
                     ERR_TOO_LARGE);
    ck_assert_uint_eq(attachment_sealed_bytes(LIMIT_ATTACHMENT_BYTES), ATTACHMENT_SEALED_MAX);
}
END_TEST

#define LEN        (3u * ATTACHMENT_CHUNK_BYTES + 100u)
#define SEALED_ONE (ATTACHMENT_CHUNK_BYTES + AEAD_TAG_BYTES)

/* One bit in each place that means something: the commitment, each chunk's text and tag. */
START_TEST(test_flipped)
{
    struct buf plain, sealed, back = {.data = NULL};
    sealed_sample(LEN, &plain, &sealed);
    for (size_t at = 0; at < sealed.len; at += 4093) {
        sealed.data[at] ^= (uint8_t)(1u << at % 8);
        ck_assert_int_eq(opens(1, LEN, span_buf(&sealed), &back), ERR_FORGED);
        ck_assert_uint_eq(back.len, 0);
        sealed.data[at] ^= (uint8_t)(1u << at % 8);
    }
    sealed.data[sealed.len - 1] ^= 0x80;
    ck_assert_int_eq(opens(1, LEN, span_buf(&sealed), &back), ERR_FORGED);
    buf_free(&plain);
    buf_free(&sealed);
    buf_free(&back);
}
END_TEST

START_TEST(test_rearranged)
{
    struct buf plain, sealed, back = {.data = NULL};
    uint8_t *held = malloc(SEALED_ONE);
    sealed_sample(LEN, &plain, &sealed);
    uint8_t *first = sealed.data + ATTACHMENT_COMMITMENT_BYTES;
    /* two chunks change places */
    memcpy(held, first, SEALED_ONE);
    memmove(first, first + SEALED_ONE, SEALED_ONE);
    memcpy(first + SEALED_ONE, held, SEALED_ONE);
    ck_assert_int_eq(opens(1, LEN, span_buf(&sealed), &back), ERR_FORGED);
    /* one twice */
    memcpy(first, first + SEALED_ONE, SEALED_ONE);
    ck_assert_int_eq(opens(1, LEN, span_buf(&sealed), &back), ERR_FORGED);
    free(held);
    buf_free(&plain);
    buf_free(&sealed);
    buf_free(&back);
}
END_TEST

/* Cut off after each chunk, with the size that would then be right; and continued. */
START_TEST(test_cut_and_continued)
{
    struct buf plain, sealed, back = {.data = NULL};
    sealed_sample(LEN, &plain, &sealed);
    for (uint64_t chunks = 1; chunks <= 3; chunks++) {
        uint64_t bytes = chunks * ATTACHMENT_CHUNK_BYTES;
        ck_assert_int_eq(
            opens(1, bytes, span_of(sealed.data, attachment_sealed_bytes(bytes)), &back),
            ERR_FORGED);
    }
    ck_assert_int_eq(opens(1, LEN, span_of(sealed.data, sealed.len - 1), &back), ERR_FORGED);
    ck_assert_int_eq(opens(1, LEN + 1, span_buf(&sealed), &back), ERR_FORGED); /* same fill */
    ck_assert_int_eq(buf_append(&sealed, plain.data, SEALED_ONE), OK);
    ck_assert_int_eq(opens(1, LEN, span_buf(&sealed), &back), ERR_FORGED);
    ck_assert_int_eq(opens(1, LEN + ATTACHMENT_CHUNK_BYTES, span_buf(&sealed), &back), ERR_FORGED);
    buf_free(&plain);
    buf_free(&sealed);
    buf_free(&back);
}
END_TEST

START_TEST(test_another_key)
{
    struct buf plain, sealed, back = {.data = NULL};
    sealed_sample(LEN, &plain, &sealed);
    ck_assert_int_eq(opens(2, LEN, span_buf(&sealed), &back), ERR_FORGED);
    /* also one that commits to itself */
    struct attachment_cipher other = cipher_of(2, LEN);
    memcpy(sealed.data, other.commitment, ATTACHMENT_COMMITMENT_BYTES);
    ck_assert_int_eq(opens(2, LEN, span_buf(&sealed), &back), ERR_FORGED);
    ck_assert_ptr_null(memmem(sealed.data, sealed.len, plain.data, 64));
    buf_free(&plain);
    buf_free(&sealed);
    buf_free(&back);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("attachment_seal");
    TCase *tests = tcase_create("attachment_seal");
    tcase_add_loop_test(tests, test_every_size_opens, 0, COUNT_OF(sizes));
    tcase_add_test(tests, test_no_size);
    tcase_add_test(tests, test_flipped);
    tcase_add_test(tests, test_rearranged);
    tcase_add_test(tests, test_cut_and_continued);
    tcase_add_test(tests, test_another_key);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
