/* Tests of base/web_hash.h: the vectors of RFC 4231 and RFC 1321, and what may stand in an address.
 */
#include "base/web_hash.h"

#include <string.h>

#include "base/crypto.h"
#include "unit/suite.h"

static void start(void)
{
    ck_assert_int_eq(crypto_init(), OK);
}

static void ck_hex(const uint8_t *bytes, const char *expected)
{
    char text[2 * WEB_SHA256_BYTES + 1];
    hex_encode(span_of(bytes, strlen(expected) / 2), text);
    ck_assert_str_eq(text, expected);
}

START_TEST(hmac_sha256)
{
    uint8_t key[131], out[WEB_SHA256_BYTES];
    web_hmac_sha256(span_text("Jefe"), span_text("what do ya want for nothing?"), out);
    ck_hex(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    web_hmac_sha256(span_of(key, sizeof(key)),
                    span_text("Test Using Larger Than Block-Size Key - Hash Key First"), out);
    ck_hex(out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}
END_TEST

START_TEST(md5)
{
    uint8_t out[WEB_MD5_BYTES];
    ck_assert_int_eq(web_md5(span_text(""), out), OK);
    ck_hex(out, "d41d8cd98f00b204e9800998ecf8427e");
    ck_assert_int_eq(web_md5(span_text("abc"), out), OK);
    ck_hex(out, "900150983cd24fb0d6963f7d28e17f72");
}
END_TEST

START_TEST(percent_signs)
{
    struct buf out;
    buf_init(&out, 64);
    ck_assert_int_eq(web_percent(span_text("aZ9-._~ +/=&?%\n\xe6"), &out), OK);
    ck_assert_int_eq(buf_append(&out, "", 1), OK);
    ck_assert_str_eq((char *)out.data, "aZ9-._~%20%2B%2F%3D%26%3F%25%0A%E6");
    buf_free(&out);
    buf_init(&out, 2);
    ck_assert_int_eq(web_percent(span_text("+"), &out), ERR_TOO_LARGE);
    buf_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("web_hash");
    TCase *cases = tcase_create("web_hash");
    tcase_add_unchecked_fixture(cases, start, NULL);
    tcase_add_test(cases, hmac_sha256);
    tcase_add_test(cases, md5);
    tcase_add_test(cases, percent_signs);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
