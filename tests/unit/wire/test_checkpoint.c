/* lib/wire/checkpoint: the note byte by byte, every flipped bit refused, look-alikes refused, and
 * witness signatures. */
#include <check.h>
#include <string.h>

#include "wire/checkpoint.h"
#include "sample.h"

static const struct checkpoint head = {.origin = "city.example/broker",
                                       .size = 20852163,
                                       .root = {{1, 2, 3}},
                                       .time_ms = 1790000000000};

static void note_make(struct buf *out)
{
    struct sign_key key = sample_sign_key(9);
    buf_init(out, 1024);
    ck_assert_int_eq(checkpoint_make(&head, &key, out), OK);
}

static enum err note_verify(struct span note, struct checkpoint *ret)
{
    struct sign_key keys[2] = {sample_sign_key(8), sample_sign_key(9)};
    uint8_t public_keys[2][SIGN_PUBLIC_BYTES];
    memcpy(public_keys[0], keys[0].public_key, SIGN_PUBLIC_BYTES);
    memcpy(public_keys[1], keys[1].public_key, SIGN_PUBLIC_BYTES);
    return checkpoint_verify(note, "city.example/broker",
                             (const uint8_t(*)[SIGN_PUBLIC_BYTES])public_keys, 2, ret);
}

START_TEST(test_form)
{
    static const char text[] = "city.example/broker\n20852163\n"
                               "AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
                               "time 1790000000000\n\n\xe2\x80\x94 city.example/broker ";
    struct buf note;
    struct checkpoint back;
    note_make(&note);
    ck_assert_uint_eq(note.len, sizeof(text) - 1 + 92 + 1); /* 68 bytes as base64, and the end */
    ck_assert_int_eq(memcmp(note.data, text, sizeof(text) - 1), 0);
    ck_assert_int_eq(note_verify(span_buf(&note), &back), OK);
    ck_assert_uint_eq(back.size, head.size);
    ck_assert_uint_eq(back.time_ms, head.time_ms);
    ck_assert(digest_equal(&back.root, &head.root));
    ck_assert_int_eq(checkpoint_parse(span_buf(&note), &back, NULL), OK);
    buf_free(&note);
}
END_TEST

START_TEST(test_every_bit)
{
    struct buf note;
    struct checkpoint back;
    note_make(&note);
    for (size_t bit = 0; bit < 8 * note.len; bit++) {
        note.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_msg(note_verify(span_buf(&note), &back) != OK, "bit %zu", bit);
        note.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < note.len; len++) {
        ck_assert_int_eq(note_verify(span_of(note.data, len), &back), ERR_INVALID);
    }
    ck_assert_int_eq(buf_append(&note, "\n", 1), OK);
    ck_assert_int_eq(note_verify(span_buf(&note), &back), ERR_INVALID);
    buf_free(&note);
}
END_TEST

#define ROOT "AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

static const struct {
    const char *text;
    const char *place;
} malformed[] = {
    {"", "origin"},
    {"\n1\n" ROOT "time 1\n\n", "origin"},
    {"a b\n1\n" ROOT "time 1\n\n", "origin"},
    {"a+b\n1\n" ROOT "time 1\n\n", "origin"},
    {"a\n01\n" ROOT "time 1\n\n", "size"},
    {"a\n-1\n" ROOT "time 1\n\n", "size"},
    {"a\n\n" ROOT "time 1\n\n", "size"},
    {"a\n18446744073709551616\n" ROOT "time 1\n\n", "size"},
    {"a\n18446744073709551615\n" ROOT "time 1\n\n", "signature"},
    {"a\n1\nAQID\ntime 1\n\n", "root"},
    {"a\n1\nAQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\ntime 1\n\n", "root"},
    {"a\n1\n" ROOT "Time 1\n\n", "time"},
    {"a\n1\n" ROOT "time \n\n", "time"},
    {"a\n1\n" ROOT "time 1\nmore\n\n", "signature"},
    {"a\n1\n" ROOT "time 1\n\n- a AQID\n", "signature"},
    {"a\n1\n" ROOT "time 1\n\n\xe2\x80\x94 a AQID\n", "signature"},
};

START_TEST(test_malformed)
{
    struct checkpoint back = {.size = 77};
    struct fault fault = {.place = ""};
    ck_assert_int_eq(checkpoint_parse(span_text(malformed[_i].text), &back, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.place, malformed[_i].place);
    ck_assert_uint_eq(back.size, 77);
}
END_TEST

START_TEST(test_other_origin_or_key)
{
    struct sign_key key = sample_sign_key(7);
    struct checkpoint other = head, back;
    struct buf note;
    buf_init(&note, 1024);
    ck_assert_int_eq(checkpoint_make(&other, &key, &note), OK); /* a key that is not the broker's */
    ck_assert_int_eq(note_verify(span_buf(&note), &back), ERR_FORGED);
    buf_clear(&note);
    key = sample_sign_key(9);
    memcpy(other.origin, "city.example/brokes", sizeof("city.example/brokes"));
    ck_assert_int_eq(checkpoint_make(&other, &key, &note), OK);
    ck_assert_int_eq(note_verify(span_buf(&note), &back), ERR_FORGED);
    buf_free(&note);
}
END_TEST

/* A log that goes on under another origin is the broker's, too. */
START_TEST(test_any_log_of_a_broker)
{
    static const struct {
        const char *origin;
        enum err expected;
    } rows[] = {
        {"city.example/broker", OK},          {"city.example/broker/1795682712", OK},
        {"city.example/broker/", ERR_FORGED}, {"city.example/broker/x", ERR_FORGED},
        {"city.example/broker1", ERR_FORGED}, {"city.example/brok", ERR_FORGED},
        {"another/broker/17956", ERR_FORGED}, {"city.example/broker/1/2", ERR_FORGED},
    };
    struct sign_key key = sample_sign_key(9), other = sample_sign_key(8);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct checkpoint of = head, back;
        struct buf note;
        buf_init(&note, 1024);
        memcpy(of.origin, rows[i].origin, strlen(rows[i].origin) + 1);
        ck_assert_int_eq(checkpoint_make(&of, &key, &note), OK);
        ck_assert_int_eq(checkpoint_verify_any(span_buf(&note), "city.example/broker",
                                               (const uint8_t(*)[SIGN_PUBLIC_BYTES])key.public_key,
                                               1, &back),
                         rows[i].expected);
        ck_assert_int_eq(
            checkpoint_verify_any(span_buf(&note), "city.example/broker",
                                  (const uint8_t(*)[SIGN_PUBLIC_BYTES])other.public_key, 1, &back),
            ERR_FORGED);
        buf_free(&note);
    }
}
END_TEST

START_TEST(test_origin)
{
    char longest[LIMIT_ORIGIN_BYTES + 1];
    memset(longest, 'a', sizeof(longest));
    ck_assert(!origin_valid(longest));
    longest[LIMIT_ORIGIN_BYTES - 1] = '\0';
    ck_assert(origin_valid(longest));
    ck_assert(!origin_valid(""));
    ck_assert(!origin_valid("a\tb"));
    ck_assert(!origin_valid("a\x7f"));
    ck_assert(!origin_valid("\xe6\xb0\x91"));
}
END_TEST

START_TEST(test_longest_note)
{
    struct sign_key key = sample_sign_key(9);
    struct checkpoint longest = {.size = UINT64_MAX, .time_ms = UINT64_MAX}, back;
    struct buf note;
    buf_init(&note, 1024);
    memset(longest.origin, 'a', LIMIT_ORIGIN_BYTES - 1);
    ck_assert_int_eq(checkpoint_make(&longest, &key, &note), OK);
    ck_assert_uint_le(note.len, CHECKPOINT_BYTES);
    ck_assert_int_eq(checkpoint_parse(span_buf(&note), &back, NULL), OK);
    ck_assert_uint_eq(back.size, UINT64_MAX);
    buf_free(&note);
}
END_TEST

START_TEST(test_witness)
{
    struct sign_key key = sample_sign_key(3), other = sample_sign_key(4);
    uint8_t signature[SIGNATURE_BYTES];
    witness_sign(&key, &head, signature);
    ck_assert_int_eq(witness_verify(key.public_key, &head, signature), OK);
    ck_assert_int_eq(witness_verify(other.public_key, &head, signature), ERR_FORGED);
    struct checkpoint seen = head;
    seen.time_ms++; /* not part of what is witnessed */
    ck_assert_int_eq(witness_verify(key.public_key, &seen, signature), OK);
    seen.size++;
    ck_assert_int_eq(witness_verify(key.public_key, &seen, signature), ERR_FORGED);
    seen = head;
    seen.root.bytes[31] = 1;
    ck_assert_int_eq(witness_verify(key.public_key, &seen, signature), ERR_FORGED);
    seen = head;
    seen.origin[0] = 'C';
    ck_assert_int_eq(witness_verify(key.public_key, &seen, signature), ERR_FORGED);
}
END_TEST

/* One form only: whatever byte is changed, cut off or added, it is another note or none. */
START_TEST(test_cosigned_note)
{
    struct cosigned_note note = {.agency = "education", .seen = head, .key = {{1, 2}}};
    struct cosigned_note back;
    struct buf bytes, again;
    note.signature[63] = 0x80;
    buf_init(&bytes, 1024);
    buf_init(&again, 1024);
    ck_assert_int_eq(cosigned_note_write(&note, &bytes), OK);
    ck_assert_int_eq(cosigned_note_read(span_buf(&bytes), &back), OK);
    ck_assert_str_eq(back.agency, "education");
    ck_assert_str_eq(back.seen.origin, head.origin);
    ck_assert_uint_eq(back.seen.size, head.size);
    ck_assert(digest_equal(&back.seen.root, &head.root));
    ck_assert_mem_eq(back.key.bytes, note.key.bytes, KEY_ID_BYTES);
    ck_assert_mem_eq(back.signature, note.signature, SIGNATURE_BYTES);
    for (size_t i = 0; i < bytes.len; i++) {
        ck_assert_int_eq(cosigned_note_read(span_of(bytes.data, i), &back), ERR_INVALID);
        bytes.data[i] ^= 0x20;
        if (cosigned_note_read(span_buf(&bytes), &back) == OK) {
            buf_clear(&again);
            ck_assert_int_eq(cosigned_note_write(&back, &again), OK);
            ck_assert(span_equal(span_buf(&bytes), span_buf(&again)));
        }
        bytes.data[i] ^= 0x20;
    }
    ck_assert_int_eq(buf_append(&bytes, "\n", 1), OK);
    ck_assert_int_eq(cosigned_note_read(span_buf(&bytes), &back), ERR_INVALID);
    buf_free(&bytes);
    buf_free(&again);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint");
    TCase *tcase = tcase_create("checkpoint");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, sample_setup, NULL);
    tcase_add_loop_test(tcase, test_malformed, 0, (int)COUNT_OF(malformed));
    tcase_add_test(tcase, test_other_origin_or_key);
    tcase_add_test(tcase, test_every_bit);
    tcase_add_test(tcase, test_any_log_of_a_broker);
    tcase_add_test(tcase, test_origin);
    tcase_add_test(tcase, test_form);
    tcase_add_test(tcase, test_longest_note);
    tcase_add_test(tcase, test_witness);
    tcase_add_test(tcase, test_cosigned_note);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
