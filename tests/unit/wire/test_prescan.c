/* lib/wire/prescan with bytes made by hand: every rule of docs/protocol.md, "Encoding", broken once
 * and kept once; every truncation of a good message; input that would make a parser grow or climb
 * down without end. */
#include <check.h>
#include <string.h>

#include "audit.pb-c.h"
#include "message.pb-c.h"
#include "request.pb-c.h"
#include "wire/prescan.h"
#include "sample.h"

#define HEADER   (&referral__v1__header__descriptor)
#define FACTS    (&referral__v1__facts__descriptor)
#define HEAD     (&referral__v1__request_head__descriptor)
#define REPLY    (&referral__v1__reply_head__descriptor)
#define DELIVERY (&referral__v1__fetch_reply__descriptor)
#define CLOCK    (&referral__v1__clock__descriptor)

#define BYTES(text) text, sizeof(text) - 1

static const struct {
    const char *name;
    const ProtobufCMessageDescriptor *type;
    const char *bytes;
    size_t len;
    const char *place; /* NULL: it is good */
} cases[] = {
    {"empty", HEADER, BYTES(""), NULL},
    {"one number", HEADER, BYTES("\x08\x01"), NULL},
    {"zero said aloud", HEADER, BYTES("\x08\x00"), NULL},
    {"largest uint32", HEADER, BYTES("\x08\xff\xff\xff\xff\x0f"), NULL},
    {"uint32 too large", HEADER, BYTES("\x08\x80\x80\x80\x80\x10"), "version"},
    {"largest uint64", HEADER, BYTES("\x40\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), NULL},
    {"65 bits", HEADER, BYTES("\x40\xff\xff\xff\xff\xff\xff\xff\xff\xff\x03"), ""},
    {"11 byte varint", HEADER, BYTES("\x40\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), ""},
    {"varint not shortest", HEADER, BYTES("\x08\x81\x00"), ""},
    {"key not shortest", HEADER, BYTES("\x88\x00\x01"), ""},
    {"length not shortest", HEADER, BYTES("\x1a\x81\x00x"), ""},
    {"field 0", HEADER, BYTES("\x00\x01"), ""},
    {"unknown field", HEADER, BYTES("\x70\x01"), ""},
    {"unknown high field", HEADER, BYTES("\xf8\xff\xff\xff\x0f\x01"), ""},
    {"wrong wire type", HEADER, BYTES("\x0a\x01x"), "version"},
    {"number for bytes", HEADER, BYTES("\x18\x01"), "message_id"},
    {"fixed 32 for number", HEADER, BYTES("\x0d\x01\x02\x03\x04"), "version"},
    {"fixed 64 cut", HEADER, BYTES("\x09\x01\x02\x03\x04"), ""},
    {"group", HEADER, BYTES("\x0b\x0c"), ""},
    {"end of group", HEADER, BYTES("\x0c"), ""},
    {"wire type 6", HEADER, BYTES("\x0e\x01"), ""},
    {"twice", HEADER, BYTES("\x08\x01\x08\x01"), "version"},
    {"twice apart", HEADER, BYTES("\x08\x01\x10\x01\x08\x01"), "version"},
    {"trailing byte", HEADER, BYTES("\x08\x01\x08"), ""},
    {"cut in bytes", HEADER,
     BYTES("\x1a\x05"
           "abcd"),
     ""},
    {"text", HEADER, BYTES("\x2a\x06\xe6\xb0\x91\xe6\x94\xbf"), NULL},
    {"NUL in text", HEADER,
     BYTES("\x2a\x03"
           "a\0b"),
     "sender"},
    {"overlong UTF-8", HEADER, BYTES("\x2a\x02\xc0\xaf"), "sender"},
    {"overlong UTF-8 of 3", HEADER, BYTES("\x2a\x03\xe0\x9f\xbf"), "sender"},
    {"overlong UTF-8 of 4", HEADER, BYTES("\x2a\x04\xf0\x8f\xbf\xbf"), "sender"},
    {"surrogate", HEADER, BYTES("\x2a\x03\xed\xa0\x80"), "sender"},
    {"above Unicode", HEADER, BYTES("\x2a\x04\xf4\x90\x80\x80"), "sender"},
    {"lone continuation", HEADER, BYTES("\x2a\x01\x80"), "sender"},
    {"cut UTF-8", HEADER, BYTES("\x2a\x02\xe6\xb0"), "sender"},
    {"last code point", HEADER, BYTES("\x2a\x04\xf4\x8f\xbf\xbf"), NULL},
    {"bool 1", FACTS, BYTES("\x12\x02\x30\x01"), NULL},
    {"bool 2", FACTS, BYTES("\x12\x02\x30\x02"), "referral.advance"},
    {"repeated twice", FACTS, BYTES("\x12\x08\x2a\x02\x08\x01\x2a\x02\x08\x02"), NULL},
    {"inside the second", FACTS, BYTES("\x12\x08\x2a\x02\x08\x01\x2a\x02\x78\x02"),
     "referral.materials[1]."},
    {"singular message twice", FACTS, BYTES("\x12\x00\x12\x00"), "referral"},
    {"packed", FACTS, BYTES("\x32\x04\x0a\x02\x01\x02"), NULL},
    {"packed not packed", FACTS, BYTES("\x32\x02\x08\x01"), "papers.documents"},
    {"packed in two pieces", FACTS, BYTES("\x32\x06\x0a\x01\x01\x0a\x01\x01"), "papers.documents"},
    {"packed cut", FACTS, BYTES("\x32\x03\x0a\x01\x81"), "papers.documents"},
    {"packed not shortest", FACTS, BYTES("\x32\x04\x0a\x02\x81\x00"), "papers.documents"},
    {"packed too large", FACTS, BYTES("\x32\x07\x0a\x05\x80\x80\x80\x80\x10"), "papers.documents"},
    {"message longer than its holder", FACTS, BYTES("\x12\x04\x2a\x04\x08\x01"), "referral."},
    {"negative sint64", CLOCK, BYTES("\x20\x01"), NULL},
};

START_TEST(test_rules)
{
    struct fault fault = {.place = "untouched"};
    struct span bytes = span_of(cases[_i].bytes, cases[_i].len);
    enum err error = prescan(cases[_i].type, bytes, 100, &fault);
    if (cases[_i].place == NULL) {
        ck_assert_msg(error == OK, "%s: %s", cases[_i].name, fault.message);
        ck_assert_str_eq(fault.place, "untouched");
    } else {
        ck_assert_msg(error == ERR_INVALID, "%s was taken", cases[_i].name);
        ck_assert_msg(strcmp(fault.place, cases[_i].place) == 0, "%s: place \"%s\"", cases[_i].name,
                      fault.place);
    }
    ck_assert_int_eq(prescan(cases[_i].type, bytes, 100, NULL), error); /* nobody asks why */
}
END_TEST

START_TEST(test_field_budget)
{
    static const char bytes[] = "\x08\x01\x10\x01\x20\x01"; /* three fields */
    struct span three = span_of(bytes, sizeof(bytes) - 1);
    ck_assert_int_eq(prescan(HEADER, three, 3, NULL), OK);
    ck_assert_int_eq(prescan(HEADER, three, 2, NULL), ERR_TOO_LARGE);
}
END_TEST

/* 1 MiB of empty sub-messages: refused after max_fields of them. */
START_TEST(test_amplification)
{
    struct buf bytes;
    buf_init(&bytes, 2 * LIMIT_REQUEST_BYTES);
    for (size_t i = 0; i < LIMIT_REQUEST_BYTES / 2; i++) {
        ck_assert_int_eq(buf_append(&bytes, "\x0a\x00", 2), OK);
    }
    struct fault fault = {.code = ""};
    ck_assert_int_eq(prescan(DELIVERY, span_buf(&bytes), LIMIT_REPLY_FIELDS, &fault),
                     ERR_TOO_LARGE);
    ck_assert_str_eq(fault.place, "deliveries");
    /* Within the number of fields, memory is the bound: nothing near 87 bytes for each. */
    struct region region;
    struct reply_head head;
    struct buf reply;
    buf_init(&reply, 2 * LIMIT_REQUEST_BYTES);
    ck_assert_int_eq(buf_append(&reply, "\x08\x01\xb2\x01\x80\x80\x04", 7), OK); /* 64 KiB */
    ck_assert_int_eq(buf_append(&reply, bytes.data, 65536), OK);
    region_init(&region, LIMIT_PARSE_BYTES(reply.len));
    enum err error = reply_head_decode(span_buf(&reply), &region, &head, &fault);
    ck_assert_int_ne(error, OK);
    ck_assert_uint_le(region.used, LIMIT_PARSE_BYTES(reply.len));
    region_free(&region);
    buf_free(&reply);
    buf_free(&bytes);
}
END_TEST

/* A packed list counts each number. */
START_TEST(test_packed_budget)
{
    struct buf bytes;
    buf_init(&bytes, 8192);
    ck_assert_int_eq(buf_append(&bytes, "\x32\x83\x20\x0a\x80\x20", 6), OK); /* 4096 numbers */
    for (size_t i = 0; i < 4096; i++) {
        ck_assert_int_eq(buf_append(&bytes, "\x01", 1), OK);
    }
    struct fault fault = {.code = ""};
    ck_assert_int_eq(prescan(FACTS, span_buf(&bytes), 4098, &fault), OK);
    ck_assert_int_ne(prescan(FACTS, span_buf(&bytes), 4097, &fault), OK);
    ck_assert_str_eq(fault.place, "papers.documents");
    buf_free(&bytes);
}
END_TEST

/* A type of our own that holds itself: the schema has none, so depth is shown with a copy. */
START_TEST(test_nesting)
{
    static ProtobufCFieldDescriptor field;
    static ProtobufCMessageDescriptor loop;
    static const ProtobufCIntRange ranges[] = {{1, 0}, {0, 1}};
    field = (ProtobufCFieldDescriptor){.name = "in",
                                       .id = 1,
                                       .label = PROTOBUF_C_LABEL_NONE,
                                       .type = PROTOBUF_C_TYPE_MESSAGE,
                                       .descriptor = &loop};
    loop = (ProtobufCMessageDescriptor){.magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
                                        .name = "loop",
                                        .n_fields = 1,
                                        .fields = &field,
                                        .n_field_ranges = 1,
                                        .field_ranges = ranges};
    uint8_t bytes[2 * LIMIT_NESTING + 2];
    struct fault fault = {.code = ""};
    for (size_t depth = 1; depth <= LIMIT_NESTING; depth++) { /* messages within the outermost */
        for (size_t i = 0; i < depth; i++) {
            bytes[2 * i] = 0x0a;
            bytes[2 * i + 1] = (uint8_t)(2 * (depth - 1 - i));
        }
        enum err error = prescan(&loop, span_of(bytes, 2 * depth), 100, &fault);
        ck_assert_int_eq(error, depth < LIMIT_NESTING ? OK : ERR_TOO_LARGE);
    }
}
END_TEST

/* Each truncation is either refused or a shorter message that ends between two fields. */
START_TEST(test_truncations)
{
    struct material materials[3] = {{.kind = 1}, {.kind = 2, .missing_reason = 4}, {.kind = 300}};
    struct message message = sample_referral(materials, 3);
    struct buf header, facts;
    sample_encode(&message, &header, &facts);
    size_t whole = 0;
    for (size_t len = 0; len < header.len; len++) {
        struct span rest = span_of(header.data, len);
        struct wire_field field;
        while (rest.len > 0 && wire_field_next(&rest, &field) == OK) {
        }
        enum err error = prescan(HEADER, span_of(header.data, len), 100, NULL);
        ck_assert_int_eq(error, rest.len == 0 ? OK : ERR_INVALID);
        whole += error == OK;
    }
    ck_assert_uint_eq(whole, 12); /* before each of the header's twelve fields */
    ck_assert_int_eq(prescan(FACTS, span_buf(&facts), 100, NULL), OK);
    for (size_t len = 3; len < facts.len; len++) { /* behind body_fields: one long field */
        ck_assert_int_eq(prescan(FACTS, span_of(facts.data, len), 100, NULL), ERR_INVALID);
    }
    buf_free(&header);
    buf_free(&facts);
}
END_TEST

START_TEST(test_random_bytes)
{
    static const ProtobufCMessageDescriptor *const types[] = {HEADER, FACTS,    HEAD,
                                                              REPLY,  DELIVERY, CLOCK};
    uint64_t state = 20261124;
    for (size_t round = 0; round < 200000; round++) {
        uint8_t bytes[48];
        size_t len = random_next(&state) % sizeof(bytes);
        for (size_t i = 0; i < len; i++) {
            uint64_t word = random_next(&state);
            bytes[i] = (uint8_t)(word & 1 ? word >> 8 : (word >> 8) & 0x1f);
        }
        uint8_t *exact = malloc(len == 0 ? 1 : len); /* so that ASan sees a byte too far */
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, bytes, len);
        struct fault fault = {.code = ""};
        const ProtobufCMessageDescriptor *type = types[round % COUNT_OF(types)];
        enum err error = prescan(type, span_of(exact, len), 64, &fault);
        if (error == OK && len > 0) { /* then protobuf-c can read it as well */
            ProtobufCMessage *message = protobuf_c_message_unpack(type, NULL, len, exact);
            ck_assert_ptr_nonnull(message);
            ck_assert_uint_eq(message->n_unknown_fields, 0);
            protobuf_c_message_free_unpacked(message, NULL);
        }
        free(exact);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prescan");
    TCase *scan = tcase_create("scan");
    tcase_set_timeout(scan, 60);
    tcase_add_checked_fixture(scan, sample_setup, NULL);
    tcase_add_loop_test(scan, test_rules, 0, (int)COUNT_OF(cases));
    tcase_add_test(scan, test_field_budget);
    tcase_add_test(scan, test_amplification);
    tcase_add_test(scan, test_packed_budget);
    tcase_add_test(scan, test_nesting);
    tcase_add_test(scan, test_truncations);
    tcase_add_test(scan, test_random_bytes);
    suite_add_tcase(suite, scan);
    return suite_run(suite);
}
