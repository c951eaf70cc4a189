/* lib/wire/envelope and request: what is built verifies, and nothing that differs by one bit does;
 * envelopes taken out of a request prove themselves alone; what an unsigned reply may say. */
#include <check.h>
#include <string.h>

#include "wire/envelope.h"
#include "sample.h"

static struct region region;

static void setup(void)
{
    sample_setup();
    region_init(&region, 64u << 20);
}

static void teardown(void)
{
    region_free(&region);
}

static struct request_head submit_head(uint32_t count)
{
    struct request_head head = {.version = 1,
                                .agency = "procuratorate",
                                .broker = "city.example/broker",
                                .session = {1},
                                .counter = 1,
                                .time_ms = 1790000000000,
                                .kind = REQUEST_SUBMIT};
    head.submit.count = count;
    return head;
}

/* A signed SUBMIT of `count` payloads. */
static void request_make(size_t count, uint32_t announced, struct buf *out)
{
    struct buf payloads[LIMIT_BATCH_COUNT];
    struct span spans[LIMIT_BATCH_COUNT];
    struct sign_key key = sample_sign_key(1);
    struct request_head head = submit_head(announced);
    struct buf head_bytes;
    buf_init(&head_bytes, 4096);
    ck_assert_int_eq(request_head_encode(&head, &head_bytes), OK);
    for (size_t i = 0; i < count; i++) {
        sample_payload((uint8_t)i, span_text("sealed body"), &payloads[i]);
        spans[i] = span_buf(&payloads[i]);
    }
    buf_init(out, LIMIT_REQUEST_BYTES);
    ck_assert_int_eq(request_build(&key, span_buf(&head_bytes), spans, count, out), OK);
    for (size_t i = 0; i < count; i++) {
        buf_free(&payloads[i]);
    }
    buf_free(&head_bytes);
}

START_TEST(test_request_round_trip)
{
    static const size_t counts[] = {0, 1, 2, 3, 64, LIMIT_BATCH_COUNT};
    struct sign_key key = sample_sign_key(1), other = sample_sign_key(2);
    for (size_t c = 0; c < COUNT_OF(counts); c++) {
        struct buf bytes;
        struct request request;
        struct region exact;
        request_make(counts[c], (uint32_t)counts[c], &bytes);
        region_init(&exact, LIMIT_PARSE_BYTES(bytes.len));
        ck_assert_int_eq(request_parse(span_buf(&bytes), &exact, &request, NULL), OK);
        ck_assert_uint_eq(request.message_count, counts[c]);
        ck_assert_str_eq(request.head.agency, "procuratorate");
        ck_assert_int_eq(request_verify(&request, key.public_key), OK);
        ck_assert_int_eq(request_verify(&request, other.public_key), ERR_FORGED);
        region_free(&exact);
        buf_free(&bytes);
    }
}
END_TEST

START_TEST(test_count_must_agree)
{
    struct buf bytes;
    struct request request;
    struct fault fault = {.code = ""};
    request_make(2, 3, &bytes);
    ck_assert_int_eq(request_parse(span_buf(&bytes), &region, &request, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.place, "head.count");
    buf_free(&bytes);
}
END_TEST

/* Every bit of a request: it no longer parses, or it no longer verifies. */
START_TEST(test_request_every_bit)
{
    struct sign_key key = sample_sign_key(1);
    struct buf bytes;
    request_make(2, 2, &bytes);
    for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
        struct request request;
        struct region little;
        region_init(&little, LIMIT_PARSE_BYTES(bytes.len));
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum err error = request_parse(span_buf(&bytes), &little, &request, NULL);
        error = error == OK ? request_verify(&request, key.public_key) : error;
        ck_assert_msg(error != OK, "bit %zu", bit);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        region_free(&little);
    }
    for (size_t len = 0; len < bytes.len; len++) {
        struct request request;
        enum err error = request_parse(span_of(bytes.data, len), &region, &request, NULL);
        error = error == OK ? request_verify(&request, key.public_key) : error;
        ck_assert_msg(error != OK, "cut at %zu", len);
    }
    buf_free(&bytes);
}
END_TEST

/* Payloads in another order, left out, or doubled are another request. */
START_TEST(test_request_payloads_moved)
{
    struct sign_key key = sample_sign_key(1);
    struct buf bytes;
    struct request request;
    request_make(2, 2, &bytes);
    ck_assert_int_eq(request_parse(span_buf(&bytes), &region, &request, NULL), OK);
    struct span a = request.messages[0].bytes, b = request.messages[1].bytes;
    ck_assert_uint_eq(a.len, b.len);
    ck_assert_uint_lt(a.len, 512);
    uint8_t kept[512];
    uint8_t *first = bytes.data + (a.data - bytes.data),
            *second = bytes.data + (b.data - bytes.data);
    memcpy(kept, a.data, a.len);
    memcpy(first, b.data, b.len);
    ck_assert_int_eq(request_parse(span_buf(&bytes), &region, &request, NULL), OK);
    ck_assert_int_eq(request_verify(&request, key.public_key), ERR_FORGED);
    memcpy(second, kept, a.len);
    ck_assert_int_eq(request_parse(span_buf(&bytes), &region, &request, NULL), OK);
    ck_assert_int_eq(request_verify(&request, key.public_key), ERR_FORGED);
    memcpy(first, kept, a.len);
    buf_free(&bytes);
}
END_TEST

START_TEST(test_too_many)
{
    uint8_t *bytes = calloc(1, LIMIT_REQUEST_BYTES + 1);
    struct request request;
    ck_assert_ptr_nonnull(bytes);
    ck_assert_int_eq(
        request_parse(span_of(bytes, LIMIT_REQUEST_BYTES + 1), &region, &request, NULL),
        ERR_TOO_LARGE);
    for (size_t i = 0; i <= LIMIT_BATCH_COUNT; i++) {
        bytes[2 * i] = 0x12; /* an empty payload */
    }
    struct fault fault = {.code = ""};
    size_t len = 2 * (LIMIT_BATCH_COUNT + 1);
    ck_assert_int_eq(request_parse(span_of(bytes, len), &region, &request, &fault), ERR_TOO_LARGE);
    ck_assert_str_eq(fault.place, "payloads");
    free(bytes);
}
END_TEST

/* An envelope cut out of a request of 5 proves itself; every bit of it counts. */
START_TEST(test_envelope)
{
    struct sign_key key = sample_sign_key(1);
    struct buf bytes;
    struct request request;
    request_make(5, 5, &bytes);
    ck_assert_int_eq(request_parse(span_buf(&bytes), &region, &request, NULL), OK);
    for (size_t i = 0; i < 5; i++) {
        struct buf envelope;
        buf_init(&envelope, LIMIT_ENVELOPE_BYTES);
        ck_assert_int_eq(request_envelope(&request, i, &envelope), OK);
        for (size_t bit = 0; bit <= 8 * envelope.len; bit++) { /* the last one changes nothing */
            struct span payload_bytes;
            struct batch_proof proof;
            struct payload payload;
            struct region little;
            bool changed = bit < 8 * envelope.len;
            region_init(&little, LIMIT_PARSE_BYTES(envelope.len));
            envelope.data[changed ? bit / 8 : 0] ^= (uint8_t)(changed ? 1u << bit % 8 : 0);
            enum err error =
                envelope_decode(span_buf(&envelope), &little, &payload_bytes, &proof, NULL);
            error = error == OK ? payload_split(payload_bytes, &payload, NULL) : error;
            if (error == OK) {
                struct digest digest = message_digest(&payload);
                error = batch_proof_verify(&proof, &digest, key.public_key);
            }
            ck_assert_msg((error != OK) == changed, "message %zu bit %zu", i, bit);
            envelope.data[changed ? bit / 8 : 0] ^= (uint8_t)(changed ? 1u << bit % 8 : 0);
            region_free(&little);
        }
        buf_free(&envelope);
    }
    buf_free(&bytes);
}
END_TEST

/* ---- replies ---- */

#define REPLY_COUNT 3

static const uint8_t (*broker_key(struct sign_key *ret_key))[SIGN_PUBLIC_BYTES]
{
    *ret_key = sample_sign_key(9);
    return &ret_key->public_key;
}

/* The second of three replies under one signature. */
static void reply_make(const struct reply_head *head, struct buf *out)
{
    struct sign_key key = sample_sign_key(9);
    struct sign_batch batch;
    struct batch_proof proof;
    struct buf bytes;
    buf_init(&bytes, 65536);
    ck_assert_int_eq(reply_head_encode(head, &bytes), OK);
    struct digest digests[REPLY_COUNT] = {{{1}}, reply_digest(span_buf(&bytes)), {{2}}};
    ck_assert_int_eq(sign_batch_make(&key, digests, REPLY_COUNT, &region, &batch), OK);
    ck_assert_int_eq(sign_batch_proof(&batch, 1, &region, &proof), OK);
    buf_init(out, 65536);
    ck_assert_int_eq(reply_encode(span_buf(&bytes), &proof, out), OK);
    buf_free(&bytes);
}

START_TEST(test_reply)
{
    struct sign_key key;
    struct reply_check check = {broker_key(&key), 1, {{5}}};
    struct reply_head head = {
        .version = 1, .request_digest = {{5}}, .time_ms = 3, .kind = REPLY_FETCH};
    struct reply reply;
    struct buf bytes;
    struct fault fault = {.code = ""};
    reply_make(&head, &bytes);
    ck_assert_int_eq(reply_open(span_buf(&bytes), &check, &region, &reply, &fault), OK);
    ck_assert(reply.authentic);
    ck_assert_int_eq(reply.head.kind, REPLY_FETCH);
    for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
        struct region little;
        region_init(&little, LIMIT_PARSE_BYTES(bytes.len));
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_ne(reply_open(span_buf(&bytes), &check, &little, &reply, &fault), OK);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        region_free(&little);
    }
    check.request_digest.bytes[0] = 6;
    ck_assert_int_eq(reply_open(span_buf(&bytes), &check, &region, &reply, &fault), ERR_FORGED);
    ck_assert_str_eq(fault.code, "reply.other");
    check.request_digest.bytes[0] = 5;
    check.broker_key_count = 0;
    ck_assert_int_eq(reply_open(span_buf(&bytes), &check, &region, &reply, &fault), ERR_FORGED);
    buf_free(&bytes);
}
END_TEST

START_TEST(test_unsigned_reply)
{
    static const struct {
        uint32_t code;
        enum reply_kind kind;
        const char *checkpoint;
        enum err expected;
    } cases[] = {
        {0, REPLY_NONE, "", ERR_FORGED},  {0, REPLY_SUBMIT, "", ERR_FORGED},
        {8, REPLY_NONE, "", ERR_FORGED},  {20, REPLY_NONE, "", ERR_FORGED},
        {1, REPLY_FETCH, "", ERR_FORGED}, {1, REPLY_NONE, "note", ERR_FORGED},
        {1, REPLY_NONE, "", OK},          {7, REPLY_NONE, "", OK},
    };
    struct sign_key key;
    struct reply_check check = {broker_key(&key), 1, {{5}}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct reply_head head = {.version = 1,
                                  .code = cases[i].code,
                                  .kind = cases[i].kind,
                                  .checkpoint = span_text(cases[i].checkpoint)};
        struct buf bytes, out;
        struct reply reply;
        buf_init(&bytes, 4096);
        buf_init(&out, 4096);
        ck_assert_int_eq(reply_head_encode(&head, &bytes), OK);
        ck_assert_int_eq(reply_encode(span_buf(&bytes), NULL, &out), OK);
        ck_assert_int_eq(reply_open(span_buf(&out), &check, &region, &reply, NULL),
                         cases[i].expected);
        ck_assert(cases[i].expected != OK || !reply.authentic);
        buf_free(&bytes);
        buf_free(&out);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("envelope");
    TCase *tcase = tcase_create("envelope");
    tcase_set_timeout(tcase, 90);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_too_many);
    tcase_add_test(tcase, test_count_must_agree);
    tcase_add_test(tcase, test_request_every_bit);
    tcase_add_test(tcase, test_request_payloads_moved);
    tcase_add_test(tcase, test_request_round_trip);
    tcase_add_test(tcase, test_envelope);
    tcase_add_test(tcase, test_unsigned_reply);
    tcase_add_test(tcase, test_reply);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
