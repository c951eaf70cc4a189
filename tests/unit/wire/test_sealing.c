/* lib/wire/sealing: readers read, strangers do not, nothing can be changed or moved, and a length
 * tells no more than its class. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "wire/sealing.h"
#include "sample.h"

static struct region region;
static struct seal_reader readers[2];
static struct message_header header;
static struct buf header_bytes;

static void setup(void)
{
    sample_setup();
    region_init(&region, 64u << 20);
    struct seal_key receiver = sample_seal_key(5), sender = sample_seal_key(6);
    memcpy(readers[0].agency, "education", 10);
    memcpy(readers[0].public_key, receiver.public_key, SEAL_PUBLIC_BYTES);
    memcpy(readers[1].agency, "procuratorate", 14);
    memcpy(readers[1].public_key, sender.public_key, SEAL_PUBLIC_BYTES);
    header = sample_header(MESSAGE_OUTBOUND_REFERRAL);
    buf_init(&header_bytes, LIMIT_HEADER_BYTES);
    ck_assert_int_eq(header_encode(&header, &header_bytes), OK);
}

static void teardown(void)
{
    region_wipe(&region);
    buf_free(&header_bytes);
}

static struct body sample_body(const char *text)
{
    struct body body = {.text = text, .message_id = header.message_id, .case_id = header.case_id};
    memcpy(body.sender, header.sender, sizeof(body.sender));
    memcpy(body.recipient, header.recipient, sizeof(body.recipient));
    return body;
}

static void seal(const struct body *body, struct buf *out)
{
    struct seal_job job = {span_buf(&header_bytes), body, readers, 2};
    buf_init(out, LIMIT_ENVELOPE_BYTES);
    ck_assert_int_eq(body_seal(&job, out), OK);
}

static enum err open_with(struct span sealed, uint8_t key_fill, struct body *ret_body)
{
    struct seal_key key = sample_seal_key(key_fill);
    struct payload payload = {.header = span_buf(&header_bytes), .body = sealed};
    return body_open(&payload, &key, &region, ret_body, NULL);
}

START_TEST(test_readers)
{
    struct body body = sample_body("张三, 110101199003070011"), back = {.text = NULL};
    struct buf sealed;
    seal(&body, &sealed);
    ck_assert_int_eq(open_with(span_buf(&sealed), 7, &back), ERR_NOT_FOUND);
    ck_assert_ptr_null(back.text);
    for (uint8_t reader = 5; reader <= 6; reader++) {
        ck_assert_int_eq(open_with(span_buf(&sealed), reader, &back), OK);
        ck_assert_str_eq(back.text, "张三, 110101199003070011");
    }
    ck_assert_ptr_null(memmem(sealed.data, sealed.len, "110101", 6));
    buf_free(&sealed);
}
END_TEST

/* Every bit, for the reader that is named first: its own entry, the nonce, the text, all. Bits of
 * the other reader's entry do not concern it, and of names in the entries neither: those are under
 * the sender's signature. */
START_TEST(test_every_bit)
{
    struct body body = sample_body("text"), back;
    struct buf sealed;
    size_t ignored = 0;
    seal(&body, &sealed);
    for (size_t bit = 0; bit < 8 * sealed.len; bit++) {
        struct region little;
        struct seal_key key = sample_seal_key(5);
        struct payload payload = {span_buf(&header_bytes), {NULL, 0}, span_buf(&sealed)};
        region_init(&little, LIMIT_PARSE_BYTES(sealed.len));
        sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum err error = body_open(&payload, &key, &little, &back, NULL);
        ignored += error == OK;
        ck_assert(error != OK || strcmp(back.text, "text") == 0);
        sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        region_free(&little);
    }
    size_t other = 8 * (8 + 32 + 48 + 13); /* the second entry's key id, keys and name */
    size_t name = 8 * 9;                   /* "education" */
    /* some of those bits spoil the UTF-8; flips of a field's number are seen too */
    ck_assert_uint_le(ignored, other + name);
    ck_assert_uint_ge(ignored, 8 * (8 + 32 + 48));
    buf_free(&sealed);
}
END_TEST

/* A body under another header, even one that differs in its time only. */
START_TEST(test_moved)
{
    struct body body = sample_body("text"), back;
    struct buf sealed;
    seal(&body, &sealed);
    header.created_ms++;
    buf_clear(&header_bytes);
    ck_assert_int_eq(header_encode(&header, &header_bytes), OK);
    ck_assert_int_eq(open_with(span_buf(&sealed), 5, &back), ERR_FORGED);
    buf_free(&sealed);
}
END_TEST

/* Sealed by the book under this header, but the plain body names another message. */
START_TEST(test_body_of_another)
{
    for (int part = 0; part < 4; part++) {
        struct body body = sample_body("text"), back;
        struct buf sealed;
        if (part == 0) {
            body.sender[0] = 'x';
        }
        if (part == 1) {
            body.recipient[0] = 'x';
        }
        body.message_id.bytes[0] ^= part == 2;
        body.case_id.bytes[15] ^= part == 3;
        seal(&body, &sealed);
        ck_assert_int_eq(open_with(span_buf(&sealed), 5, &back), ERR_FORGED);
        buf_free(&sealed);
    }
}
END_TEST

START_TEST(test_classes)
{
    static const struct {
        size_t text;
        uint32_t class;
    } cases[] = {{0, 1},    {900, 1},   {1100, 2},  {4000, 2},
                 {4100, 3}, {16000, 3}, {17000, 4}, {65000, 4}};
    static char text[LIMIT_TEXT_BYTES + 1];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        memset(text, 'a', cases[i].text);
        text[cases[i].text] = '\0';
        struct body body = sample_body(text), back;
        struct buf sealed;
        seal(&body, &sealed);
        ck_assert_uint_gt(sealed.len, padding_bytes(cases[i].class));
        ck_assert_uint_lt(sealed.len, padding_bytes(cases[i].class) + 512);
        ck_assert_int_eq(open_with(span_buf(&sealed), 5, &back), OK);
        ck_assert_uint_eq(strlen(back.text), cases[i].text);
        buf_free(&sealed);
    }
}
END_TEST

/* The border of each class, byte by byte: the plain length that just fits, and one more. */
START_TEST(test_class_borders)
{
    static char text[LIMIT_TEXT_BYTES + 1];
    for (uint32_t class = 1; class <= 3; class ++) {
        size_t before = 0;
        for (size_t len = padding_bytes(class) - 128; len < padding_bytes(class); len++) {
            memset(text, 'a', len);
            text[len] = '\0';
            struct body body = sample_body(text), back;
            struct buf sealed, plain;
            seal(&body, &sealed);
            buf_init(&plain, 65536);
            ck_assert_int_eq(body_encode(&body, &plain), OK);
            bool larger = plain.len + 1 > padding_bytes(class);
            ck_assert(larger == (sealed.len > padding_bytes(class) + 512));
            before += !larger;
            ck_assert_int_eq(open_with(span_buf(&sealed), 5, &back), OK);
            buf_free(&sealed);
            buf_free(&plain);
        }
        ck_assert_uint_gt(before, 0);
        ck_assert_uint_lt(before, 128);
    }
}
END_TEST

START_TEST(test_too_large)
{
    static char text[LIMIT_TEXT_BYTES + 1];
    memset(text, 'a', LIMIT_TEXT_BYTES);
    struct body body = sample_body(text);
    body.circumstances = body.reasons = body.opinion = text;
    struct seal_job job = {span_buf(&header_bytes), &body, readers, 2};
    struct buf sealed;
    buf_init(&sealed, LIMIT_REQUEST_BYTES);
    ck_assert_int_eq(body_seal(&job, &sealed), ERR_TOO_LARGE);
    ck_assert_uint_eq(sealed.len, 0);
    body.opinion = NULL;
    ck_assert_int_eq(body_seal(&job, &sealed), OK); /* 192 KiB and a little */
    ck_assert_uint_le(sealed.len + LIMIT_HEADER_BYTES, LIMIT_ENVELOPE_BYTES);
    buf_free(&sealed);
}
END_TEST

START_TEST(test_low_order_reader)
{
    struct body body = sample_body("text");
    struct seal_reader low = {.agency = "education"}; /* the zero point, or of sm none at all */
    struct seal_job job = {span_buf(&header_bytes), &body, &low, 1};
    struct buf sealed;
    memset(low.public_key, crypto_suite() == SUITE_SM ? 0xff : 0, sizeof(low.public_key));
    buf_init(&sealed, LIMIT_ENVELOPE_BYTES);
    ck_assert_int_eq(body_seal(&job, &sealed), ERR_FORGED);
    ck_assert_uint_eq(sealed.len, 0);
    buf_free(&sealed);
}
END_TEST

static enum err check_outside(const struct buf *sealed, const struct message *message,
                              const struct registry *registry, struct fault *fault)
{
    return sealed_check(span_buf(sealed), message, registry, &region, fault);
}

START_TEST(test_check_from_outside)
{
    struct body body = sample_body("text");
    struct buf sealed;
    struct fault fault = {.code = ""};
    struct registry *registry = sample_registry();
    struct message message = {.header = header};
    seal(&body, &sealed);
    ck_assert_int_eq(check_outside(&sealed, &message, registry, &fault), OK);
    ck_assert_int_eq(sealed_check(span_of(NULL, 0), &message, registry, &region, &fault),
                     ERR_INVALID);
    struct message other = message;
    memcpy(other.header.recipient, "court", 6);
    ck_assert_int_eq(check_outside(&sealed, &other, registry, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.place, "body.readers");
    other = message;
    memcpy(other.header.sender, "court", 6);
    ck_assert_int_eq(check_outside(&sealed, &other, registry, &fault), ERR_INVALID);
    sealed.data[3] = 2; /* the padding class, behind the suite */
    ck_assert_int_eq(check_outside(&sealed, &message, registry, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.place, "body.padding_class");
    sealed.data[3] = 1;
    sealed.data[1] = (uint8_t)OTHER_SUITE;
    ck_assert_int_eq(check_outside(&sealed, &message, registry, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.place, "body.suite");
    buf_free(&sealed);
    registry_free(registry);
}
END_TEST

/* Exactly the sender, the recipient and the copies: one too few, one too many, one twice, and a
 * copy that is no agency. */
START_TEST(test_readers_of_copies)
{
    static const char *const ids[] = {"education", "procuratorate", "civil-affairs", "justice",
                                      "education"};
    struct registry *registry = sample_registry();
    struct seal_reader many[COUNT_OF(ids)];
    struct body body = sample_body("text");
    struct fault fault = {.code = ""};
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        struct seal_key key = sample_seal_key((uint8_t)(20 + i));
        (void)snprintf(many[i].agency, sizeof(many[i].agency), "%s", ids[i]);
        memcpy(many[i].public_key, key.public_key, SEAL_PUBLIC_BYTES);
    }
    for (size_t count = 1; count <= COUNT_OF(ids); count++) {
        struct seal_job job = {span_buf(&header_bytes), &body, many, count};
        struct buf sealed;
        struct message message = {.header = header};
        buf_init(&sealed, LIMIT_ENVELOPE_BYTES);
        ck_assert_int_eq(body_seal(&job, &sealed), OK);
        for (uint16_t copies = 0; copies < 5; copies++) {
            bool known = copies < 4; /* the fifth is a number that nobody has */
            enum err wanted = known && count == copies + 2u && count < 5 ? OK : ERR_INVALID;
            memset(&message.copies, 0, sizeof(message.copies));
            for (uint16_t n = 0; n < copies; n++) {
                agency_set_add(&message.copies, n < 3 ? (uint16_t)(3 + n) : 999);
            }
            ck_assert_int_eq(check_outside(&sealed, &message, registry, &fault), wanted);
        }
        buf_free(&sealed);
    }
    registry_free(registry);
}
END_TEST

/* As many readers as there may be, with the longest ids and the largest body. */
START_TEST(test_most_readers)
{
    static struct seal_reader most[LIMIT_READER_COUNT];
    static char text[LIMIT_TEXT_BYTES + 1];
    struct body body = sample_body(text), back;
    struct buf sealed;
    memset(text, 'a', LIMIT_TEXT_BYTES);
    body.circumstances = body.reasons = text;
    for (size_t i = 0; i < LIMIT_READER_COUNT; i++) {
        struct seal_key key = sample_seal_key((uint8_t)(5 + i));
        memset(most[i].agency, 'x', LIMIT_AGENCY_ID_BYTES - 1);
        memcpy(most[i].public_key, key.public_key, SEAL_PUBLIC_BYTES);
    }
    struct seal_job job = {span_buf(&header_bytes), &body, most, LIMIT_READER_COUNT};
    buf_init(&sealed, LIMIT_ENVELOPE_BYTES - LIMIT_HEADER_BYTES - LIMIT_FACTS_BYTES);
    ck_assert_int_eq(body_seal(&job, &sealed), OK);
    ck_assert_int_eq(open_with(span_buf(&sealed), 5 + LIMIT_READER_COUNT - 1, &back), OK);
    ck_assert_uint_eq(strlen(back.text), LIMIT_TEXT_BYTES);
    buf_free(&sealed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sealing");
    TCase *tcase = tcase_create("sealing");
    tcase_set_timeout(tcase, 90);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_low_order_reader);
    tcase_add_test(tcase, test_too_large);
    tcase_add_test(tcase, test_moved);
    tcase_add_test(tcase, test_body_of_another);
    tcase_add_test(tcase, test_every_bit);
    tcase_add_test(tcase, test_check_from_outside);
    tcase_add_test(tcase, test_readers_of_copies);
    tcase_add_test(tcase, test_most_readers);
    tcase_add_test(tcase, test_readers);
    tcase_add_test(tcase, test_classes);
    tcase_add_test(tcase, test_class_borders);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
