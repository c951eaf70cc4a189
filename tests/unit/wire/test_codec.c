/* lib/wire's codec: every kind of message, request, reply and record goes there and back whole;
 * plain protobuf-c reads what it writes; bounds and rules that the schema alone does not say;
 * random damage never does worse than a refusal. */
#include <check.h>
#include <string.h>

#include "message.pb-c.h"
#include "request.pb-c.h"
#include "wire/codec.h"
#include "wire/sealing.h"
#include "sample.h"
#include "sample_matters.h"

#define FUZZ_ROUNDS 100000

static struct region region;

static void setup(void)
{
    sample_setup();
    region_init(&region, 16u << 20);
}

static void teardown(void)
{
    region_free(&region);
}

/* ---- messages ---- */

static const enum message_kind kinds[] = {
    MESSAGE_OUTBOUND_REFERRAL,
    MESSAGE_INBOUND_REFERRAL,
    MESSAGE_SIGN_FOR,
    MESSAGE_OUTBOUND_FEEDBACK,
    MESSAGE_INBOUND_FEEDBACK,
    MESSAGE_APPLICANT_INFORMED,
    MESSAGE_PAPERS,
    MESSAGE_WITHDRAWAL,
    MESSAGE_DELIVERY,
    MESSAGE_REJECTION,
    MESSAGE_INFORMATION_REQUEST,
    MESSAGE_INFORMATION_REPLY,
    MESSAGE_ASSISTANCE_REPORT,
    MESSAGE_ESCALATION_REPLY,
    MESSAGE_ARCHIVE,
    MESSAGE_REOPEN,
    MESSAGE_FOLLOW_UP_PLAN,
    MESSAGE_FOLLOW_UP_REPORT,
    MESSAGE_CONSULTATION,
    MESSAGE_CONFERENCE,
    MESSAGE_PROMISE_REPORT,
    MESSAGE_MEETING_NOTICE,
    MESSAGE_MEETING_REPLY,
    MESSAGE_HEARING_INVITATION,
    MESSAGE_HEARING_REPLY,
    MESSAGE_HEARING_OPINION,
    MESSAGE_ROSTER_CHANGE,
    MESSAGE_ROSTER,
    MESSAGE_FUND_PLAN,
    MESSAGE_FUND_PAYMENT,
    MESSAGE_LETTER,
    MESSAGE_LETTER_ANSWER,
    MESSAGE_CORRECTION,
    MESSAGE_DELIVERY_NOTICE,
    MESSAGE_REMINDER,
    MESSAGE_ESCALATION,
    MESSAGE_RESOLVED,
    MESSAGE_REDATING,
    MESSAGE_RETURNED,
};

static const struct material materials[] = {{.kind = 1, .digest = {{7}}, .sealed_bytes = 1u << 24},
                                            {.kind = 2, .missing_reason = 3}};
static const struct measure measures[] = {{1, 1, UINT64_C(500000), 2, 20260901, 20261231, true, 1},
                                          {.measure = 8}};
static const struct document documents[] = {{4, "civil-affairs"}, {5, ""}};
static const uint32_t papers[] = {4, 5, UINT32_MAX};
static const struct trace_day trace[] = {{20261001, 2, "国庆节"}, {20261010, 3, ""}};

static struct notice_facts full_notice(void)
{
    return (struct notice_facts){"due-2",
                                 TASK_TELL_APPLICANT,
                                 2,
                                 3,
                                 "education",
                                 4,
                                 20261030,
                                 true,
                                 5,
                                 6,
                                 7,
                                 true,
                                 "DB-2026-0001",
                                 "2026.1",
                                 8,
                                 20,
                                 trace,
                                 COUNT_OF(trace),
                                 span_text("evidence"),
                                 "calendar-changed",
                                 "remind-2 due-1",
                                 {{9}}};
}

/* Every field of every kind of facts has a value that is not its default. */
static struct message full_message(enum message_kind kind)
{
    struct message message = {.header = sample_header(kind), .body_fields = 511};
    message.header.refers_to = sample_uuid(0x44);
    agency_set_add(&message.copies, 3);
    agency_set_add(&message.copies, 1023);
    if (kind >= MESSAGE_INFORMATION_REQUEST && kind < MESSAGE_AGENCY_KIND_COUNT) {
        sample_matter_facts(&message);
        return message;
    }
    switch (kind) {
    case MESSAGE_OUTBOUND_REFERRAL:
    case MESSAGE_INBOUND_REFERRAL:
        message = sample_referral(materials, COUNT_OF(materials));
        message.header.kind = kind;
        message.referral.advance = message.referral.life_danger = message.referral.no_publicity =
            true;
        message.referral.lead_channel = 2;
        message.referral.relation = 3;
        message.referral.told = 1;
        message.referral.previous = sample_uuid(0x55);
        message.referral.previous_case = sample_uuid(0x56);
        message.referral.link = 2;
        break;
    case MESSAGE_SIGN_FOR:
        memcpy(message.sign_for.register_number, "JY-DJ-2026-0007", 16);
        break;
    case MESSAGE_OUTBOUND_FEEDBACK:
    case MESSAGE_INBOUND_FEEDBACK:
        message.feedback = (struct feedback_facts){OUTCOME_GRANTED,     measures,
                                                   COUNT_OF(measures),  documents,
                                                   COUNT_OF(documents), TELL_BY_PROCURATORATE,
                                                   "women-federation",  "JY-DJ-2026-0008"};
        break;
    case MESSAGE_APPLICANT_INFORMED:
        message.informed.task = TASK_PAPERS;
        message.informed.how = 2;
        break;
    case MESSAGE_PAPERS:
        message.papers = (struct papers_facts){papers, COUNT_OF(papers), 1790000000001};
        break;
    case MESSAGE_WITHDRAWAL:
        message.withdrawal.reason = 4;
        break;
    case MESSAGE_DELIVERY:
        message.delivery = (struct delivery_facts){1, 2, 3, {{4}}, 5, 0, ""};
        break;
    case MESSAGE_REJECTION:
        message.delivery = (struct delivery_facts){1, 2, 3, {{4}}, 0, 6, "body.persons[0].name"};
        break;
    default:
        message.notice = full_notice();
    }
    return message;
}

static void message_compare(const struct message *a, const struct message *b)
{
    struct buf header[2], facts[2];
    sample_encode(a, &header[0], &facts[0]);
    sample_encode(b, &header[1], &facts[1]);
    ck_assert(span_equal(span_buf(&header[0]), span_buf(&header[1])));
    ck_assert(span_equal(span_buf(&facts[0]), span_buf(&facts[1])));
    for (int i = 0; i < 2; i++) {
        buf_free(&header[i]);
        buf_free(&facts[i]);
    }
}

START_TEST(test_message_round_trip)
{
    struct message message = full_message(kinds[_i]);
    struct message back;
    struct buf header, facts;
    struct fault fault = {.place = ""};
    sample_encode(&message, &header, &facts);
    struct payload payload = {span_buf(&header), span_buf(&facts), span_text("sealed")};
    enum err error = message_decode(&payload, &region, &back, &fault);
    ck_assert_msg(error == OK, "%s: %s", fault.place, fault.message);
    ck_assert(back.body_present);
    message_compare(&message, &back);
    /* what protobuf-c reads, re-packed, is the same bytes: order and defaults are canonical */
    Referral__V1__Facts *plain = referral__v1__facts__unpack(NULL, facts.len, facts.data);
    ck_assert_ptr_nonnull(plain);
    uint8_t again[LIMIT_FACTS_BYTES];
    ck_assert_uint_eq(referral__v1__facts__pack(plain, again), facts.len);
    ck_assert_int_eq(memcmp(again, facts.data, facts.len), 0);
    referral__v1__facts__free_unpacked(plain, NULL);
    buf_free(&header);
    buf_free(&facts);
}
END_TEST

START_TEST(test_message_values)
{
    struct message back;
    struct buf header, facts;
    struct message message = full_message(MESSAGE_OUTBOUND_FEEDBACK);
    sample_encode(&message, &header, &facts);
    struct payload payload = {span_buf(&header), span_buf(&facts), {NULL, 0}};
    ck_assert_int_eq(message_decode(&payload, &region, &back, NULL), OK);
    ck_assert(!back.body_present);
    ck_assert_str_eq(back.header.case_number, "JZ-2026-0031");
    ck_assert_str_eq(back.header.recipient, "education");
    ck_assert(uuid_equal(&back.header.refers_to, &message.header.refers_to));
    ck_assert_int_eq(back.feedback.outcome, OUTCOME_GRANTED);
    ck_assert_uint_eq(back.feedback.measure_count, 2);
    ck_assert_uint_eq(back.feedback.measures[0].amount_fen, 500000);
    ck_assert(back.feedback.measures[0].existing_kept);
    ck_assert_uint_eq(back.feedback.measures[1].measure, 8);
    ck_assert_str_eq(back.feedback.documents[0].supplier, "civil-affairs");
    ck_assert_str_eq(back.feedback.suggested_agency, "women-federation");
    buf_free(&header);
    buf_free(&facts);
}
END_TEST

/* ---- what is refused, and with which path ---- */

static void facts_refused(const struct message *message, struct span facts, const char *place)
{
    struct buf header;
    struct message back;
    struct fault fault = {.place = ""};
    buf_init(&header, LIMIT_HEADER_BYTES);
    ck_assert_int_eq(header_encode(&message->header, &header), OK);
    struct payload payload = {span_buf(&header), facts, {NULL, 0}};
    ck_assert_int_ne(message_decode(&payload, &region, &back, &fault), OK);
    ck_assert_str_eq(fault.place, place);
    buf_free(&header);
}

START_TEST(test_facts_refused)
{
    struct message message = full_message(MESSAGE_WITHDRAWAL);
    facts_refused(&message, span_of(NULL, 0), "facts");       /* no facts */
    facts_refused(&message, span_of("\x1a\x00", 2), "facts"); /* another kind's */
    facts_refused(&message, span_of("\x3a\x00\x1a\x00", 4), "facts.withdrawal"); /* both */
    facts_refused(&message, span_of("\x3a\x02\x10\x01", 4), "facts.withdrawal.");
    facts_refused(&message, span_of("\x3a", 1), "facts");
    message.header.kind = MESSAGE_OUTBOUND_REFERRAL;
    facts_refused(&message, span_of("\x12\x0a\x2a\x02\x08\x01\x2a\x04\x12\x02zz", 12),
                  "facts.referral.materials[1].digest");
    message.header.kind = MESSAGE_SIGN_FOR;
    facts_refused(&message,
                  span_of("\x1a\x22\x0a\x20"
                          "01234567890123456789012345678901",
                          36),
                  "facts.sign_for.register_number");
    message.header.kind = (enum message_kind)39;
    facts_refused(&message, span_of("\x1a\x00", 2), "header.kind");
    message.header.kind = MESSAGE_SIGN_FOR;
    message.header.version = 2;
    facts_refused(&message, span_of("\x1a\x00", 2), "header.version");
    message.header.version = 1;
    message.header.suite = OTHER_SUITE;
    facts_refused(&message, span_of("\x1a\x00", 2), "header.suite");
}
END_TEST

/* What the schema cannot say about the facts of matters: a set of agencies and an id have their
 * length, ids of agencies and numbers fit, nothing is there twice, and no kind takes another's. */
static const struct {
    enum message_kind kind;
    const char *bytes;
    size_t len;
    const char *place;
} wrong_matter_rows[] = {
    {MESSAGE_ARCHIVE, "\x7a\x00\x8a\x02\x02zz", 7, "facts.copies"},
    {MESSAGE_ARCHIVE, "\x7a\x00\x88\x02\x01", 5, "facts.copies"},
    {MESSAGE_ARCHIVE, "\x7a\x00\x7a\x00", 4, "facts.archive"},
    {MESSAGE_ARCHIVE, "\x82\x01\x00", 3, "facts"}, /* re-open's */
    {MESSAGE_ARCHIVE, "\x7a\x02\x10\x01", 4, "facts.archive."},
    {MESSAGE_ARCHIVE, "\x7a\x03\x08\x81\x00", 5, "facts.archive."}, /* not the shortest */
    {MESSAGE_ARCHIVE, "\x7a\x06\x08\xff\xff\xff\xff\x1f", 8, "facts.archive.why"},
    {MESSAGE_INFORMATION_REQUEST, "\x5a\x03\x12\x01z", 5, "facts.information.about"},
    {MESSAGE_INFORMATION_REPLY, "\x62\x02\x10\x02", 4, "facts.information_reply.partly"},
    {MESSAGE_FOLLOW_UP_PLAN, "\x8a\x01\x02\x08\x01", 5, "facts.follow_up_plan.dates"},
    {MESSAGE_FOLLOW_UP_PLAN, "\x8a\x01\x06\x0a\x01\x01\x0a\x01\x02", 9,
     "facts.follow_up_plan.dates"},
    {MESSAGE_CONFERENCE, "\xa2\x01\x04\x1a\x02\x20\x01", 7, "facts.conference.promises[0]."},
    {MESSAGE_CONFERENCE,
     "\xa2\x01\x24\x1a\x22\x0a\x20"
     "01234567890123456789012345678901",
     39, "facts.conference.promises[0].agency"},
    {MESSAGE_MEETING_NOTICE,
     "\xb2\x01\x24\x1a\x22\x0a\x20"
     "01234567890123456789012345678901",
     39, "facts.meeting.agenda[0].number"},
    {MESSAGE_HEARING_REPLY, "\xc2\x01\x00", 3, "facts"}, /* the invitation's */
    {MESSAGE_LETTER, "\xf2\x01\x03\x0a\x01\xff", 6, "facts.letter.associate"},
    {MESSAGE_CORRECTION, "\x82\x02\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 14,
     "facts.correction."},
};

START_TEST(test_wrong_matters)
{
    struct message message = {.header = sample_header(wrong_matter_rows[_i].kind)};
    facts_refused(&message, span_of(wrong_matter_rows[_i].bytes, wrong_matter_rows[_i].len),
                  wrong_matter_rows[_i].place);
}
END_TEST

/* Lists of matters: as many as there may be are read, one more is not. By hand: so many empty rows.
 */
static const struct {
    enum message_kind kind;
    uint8_t head[2];
    uint8_t row;
    size_t max;
    const char *place;
} list_rows[] = {
    {MESSAGE_CONFERENCE, {0xa2, 0x01}, 0x1a, LIMIT_DUTIES, "facts.conference.promises"},
    {MESSAGE_HEARING_OPINION, {0xca, 0x01}, 0x12, LIMIT_DUTIES, "facts.hearing_opinion.promises"},
    {MESSAGE_MEETING_NOTICE, {0xb2, 0x01}, 0x1a, LIMIT_AGENDA, "facts.meeting.agenda"},
    {MESSAGE_FUND_PLAN, {0xe2, 0x01}, 0x1a, LIMIT_DUTIES, "facts.fund_plan.payments"},
};

START_TEST(test_lists_of_matters)
{
    struct message message = {.header = sample_header(list_rows[_i].kind)}, back;
    struct buf header;
    struct fault fault = {.place = ""};
    buf_init(&header, LIMIT_HEADER_BYTES);
    ck_assert_int_eq(header_encode(&message.header, &header), OK);
    for (size_t count = list_rows[_i].max; count <= list_rows[_i].max + 1; count++) {
        uint8_t bytes[4 + 2 * (LIMIT_AGENDA + 1)] = {list_rows[_i].head[0], list_rows[_i].head[1]};
        bytes[2] = (uint8_t)(2 * count % 128 + 128);
        bytes[3] = (uint8_t)(2 * count / 128);
        for (size_t i = 0; i < count; i++) {
            bytes[4 + 2 * i] = list_rows[_i].row;
        }
        struct payload payload = {span_buf(&header), span_of(bytes, 4 + 2 * count), {NULL, 0}};
        ck_assert_int_eq(message_decode(&payload, &region, &back, &fault),
                         count == list_rows[_i].max ? OK : ERR_TOO_LARGE);
    }
    ck_assert_str_eq(fault.place, list_rows[_i].place);
    buf_free(&header);
}
END_TEST

/* The files of a message that is no referral; without any, not a byte of it. */
START_TEST(test_attached)
{
    const struct attached files[] = {{.digest = {{7}}, .sealed_bytes = 4144},
                                     {.digest = {{8}}, .sealed_bytes = UINT64_C(1) << 33}};
    struct message message = {.header = {.kind = MESSAGE_WITHDRAWAL}, .withdrawal = {.reason = 1}};
    struct message back = {.header = {.kind = MESSAGE_WITHDRAWAL}};
    struct payload payload = {.facts = {.len = 0}};
    struct buf with, without;
    buf_init(&with, LIMIT_FACTS_BYTES);
    buf_init(&without, LIMIT_FACTS_BYTES);
    ck_assert_int_eq(facts_encode(&message, &without), OK);
    ck_assert_uint_eq(without.len, 4); /* {7: {1: 1}} */
    message.attachments = files;
    message.attachment_count = 2;
    ck_assert_int_eq(facts_encode(&message, &with), OK);
    payload.facts = span_buf(&with);
    ck_assert_int_eq(facts_decode(&payload, &region, &back, NULL), OK);
    ck_assert_uint_eq(back.attachment_count, 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert(digest_equal(&back.attachments[i].digest, &files[i].digest));
        ck_assert_uint_eq(back.attachments[i].sealed_bytes, files[i].sealed_bytes);
    }
    payload.facts = span_buf(&without);
    ck_assert_int_eq(facts_decode(&payload, &region, &back, NULL), OK);
    ck_assert_uint_eq(back.attachment_count, 0);
    buf_free(&with);
    buf_free(&without);
}
END_TEST

START_TEST(test_copies)
{
    static const uint8_t zeros[AGENCY_SET_BYTES];
    struct message message = full_message(MESSAGE_ROSTER), back;
    struct buf header, facts, none;
    sample_encode(&message, &header, &facts);
    struct payload payload = {span_buf(&header), span_buf(&facts), {NULL, 0}};
    ck_assert_int_eq(message_decode(&payload, &region, &back, NULL), OK);
    for (unsigned number = 0; number <= 8 * AGENCY_SET_BYTES; number++) {
        ck_assert_int_eq(agency_set_has(&back.copies, (uint16_t)number),
                         number == 3 || number == 1023);
    }
    memset(&message.copies, 0, sizeof(message.copies));
    buf_init(&none, LIMIT_FACTS_BYTES);
    ck_assert_int_eq(facts_encode(&message, &none), OK);
    ck_assert_uint_eq(none.len + 4 + AGENCY_SET_BYTES, facts.len);  /* nobody: not a byte */
    ck_assert_int_eq(buf_append(&none, "\x8a\x02\x80\x01", 4), OK); /* nobody, said aloud */
    ck_assert_int_eq(buf_append(&none, zeros, sizeof(zeros)), OK);
    payload.facts = span_buf(&none);
    ck_assert_int_eq(message_decode(&payload, &region, &back, NULL), OK);
    ck_assert(agency_set_empty(&back.copies));
    buf_free(&none);
    buf_free(&header);
    buf_free(&facts);
}
END_TEST

/* One repetition more than the bound. */
START_TEST(test_counts)
{
    static struct material many[LIMIT_MATERIALS + 1];
    struct message message = sample_referral(many, LIMIT_MATERIALS);
    struct message back;
    struct buf header, facts;
    sample_encode(&message, &header, &facts);
    struct payload payload = {span_buf(&header), span_buf(&facts), {NULL, 0}};
    ck_assert_int_eq(message_decode(&payload, &region, &back, NULL), OK);
    ck_assert_uint_eq(back.referral.material_count, LIMIT_MATERIALS);
    /* by hand: 101 empty materials */
    uint8_t bytes[3 + 2 * (LIMIT_MATERIALS + 1)] = {0x12, 0xca, 0x01};
    for (size_t i = 0; i <= LIMIT_MATERIALS; i++) {
        bytes[3 + 2 * i] = 0x2a;
    }
    struct fault fault = {.code = ""};
    payload.facts = span_of(bytes, sizeof(bytes));
    ck_assert_int_eq(message_decode(&payload, &region, &back, &fault), ERR_TOO_LARGE);
    ck_assert_str_eq(fault.place, "facts.referral.materials");
    buf_free(&header);
    buf_free(&facts);
}
END_TEST

START_TEST(test_payload)
{
    struct payload payload = {span_text("h"), span_text("f"), span_text("body")}, back;
    struct buf bytes;
    struct fault fault = {.code = ""};
    buf_init(&bytes, LIMIT_REQUEST_BYTES);
    ck_assert_int_eq(payload_encode(&payload, &bytes), OK);
    ck_assert_int_eq(payload_split(span_buf(&bytes), &back, NULL), OK);
    ck_assert(span_equal(back.header, payload.header));
    ck_assert(span_equal(back.facts, payload.facts));
    ck_assert(span_equal(back.body, payload.body));
    ck_assert(back.body.data > bytes.data && back.body.data < bytes.data + bytes.len); /* lent */
    static const char broken[][6] = {"\x0a\x01", "\x22\x01x", "\x0a\x01x\x0a\x01", "\x08\x01"};
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        ck_assert_int_eq(payload_split(span_of(broken[i], 5), &back, &fault), ERR_INVALID);
    }
    static uint8_t large[LIMIT_ENVELOPE_BYTES];
    payload = (struct payload){.header = span_of(large, LIMIT_HEADER_BYTES)};
    buf_clear(&bytes);
    ck_assert_int_eq(payload_encode(&payload, &bytes), OK);
    ck_assert_int_eq(payload_split(span_buf(&bytes), &back, &fault), OK);
    uint8_t longer[LIMIT_HEADER_BYTES + 4] = {0x0a, 0x81, 0x10}; /* 2049 */
    ck_assert_int_eq(payload_split(span_of(longer, sizeof(longer)), &back, &fault), ERR_TOO_LARGE);
    ck_assert_str_eq(fault.place, "header");
    payload = (struct payload){.body = span_of(large, sizeof(large))};
    buf_clear(&bytes);
    ck_assert_int_eq(payload_encode(&payload, &bytes), OK);
    ck_assert_int_eq(payload_split(span_buf(&bytes), &back, &fault), ERR_TOO_LARGE);
    buf_free(&bytes);
}
END_TEST

/* ---- heads and records ---- */

static const struct position positions[] = {{0, 1, false}, {3, UINT64_MAX, true}};

static struct request_head full_head(enum request_kind kind)
{
    struct request_head head = {
        .version = 1,
        .agency = "education",
        .broker = "city.example/broker",
        .session = {1, 2, 3},
        .counter = 77,
        .time_ms = 1790000000000,
        .known_size = 12,
        .kind = kind,
    };
    switch (kind) {
    case REQUEST_HELLO:
        memcpy(head.hello.software, "agent 1", 8);
        head.hello.registry_digest.bytes[0] = 1;
        break;
    case REQUEST_SUBMIT:
        head.submit.count = 3;
        break;
    case REQUEST_FETCH:
        head.fetch.max_count = 64;
        head.fetch.max_bytes = 1000;
        head.fetch.wait_ms = 25000;
        break;
    case REQUEST_ACK:
        head.ack.count = 2;
        head.ack.plain = positions;
        head.ack.plain_count = COUNT_OF(positions);
        break;
    case REQUEST_WITNESS:
        head.witness = (struct witness){9, {{1}}, {2}, {{3}}};
        break;
    case REQUEST_PING:
        memset(head.ping.word, 7, PING_BYTES);
        break;
    default:
        break;
    }
    return head;
}

static const enum request_kind request_kinds[] = {
    REQUEST_HELLO,    REQUEST_SUBMIT,  REQUEST_FETCH, REQUEST_ACK,
    REQUEST_REGISTRY, REQUEST_WITNESS, REQUEST_PING,
};

START_TEST(test_request_head)
{
    struct request_head head = full_head(request_kinds[_i]), back;
    struct buf bytes, again;
    struct fault fault = {.place = ""};
    buf_init(&bytes, 4096);
    buf_init(&again, 4096);
    ck_assert_int_eq(request_head_encode(&head, &bytes), OK);
    enum err error = request_head_decode(span_buf(&bytes), &region, &back, &fault);
    ck_assert_msg(error == OK, "%s: %s", fault.place, fault.message);
    ck_assert_int_eq(back.kind, head.kind);
    ck_assert_str_eq(back.broker, head.broker);
    ck_assert_uint_eq(back.counter, 77);
    ck_assert_int_eq(request_head_encode(&back, &again), OK);
    ck_assert(span_equal(span_buf(&bytes), span_buf(&again)));
    if (head.kind == REQUEST_ACK) {
        ck_assert_uint_eq(back.ack.plain_count, 2);
        ck_assert_uint_eq(back.ack.plain[1].stream_seq, UINT64_MAX);
        ck_assert(!back.ack.plain[0].held && back.ack.plain[1].held);
    }
    /* a second request in the same head */
    ck_assert_int_eq(buf_append(&bytes, head.kind == REQUEST_PING ? "\x5a\x00" : "\x92\x01\x00",
                                head.kind == REQUEST_PING ? 2 : 3),
                     OK);
    ck_assert_int_eq(request_head_decode(span_buf(&bytes), &region, &back, &fault), ERR_INVALID);
    ck_assert_int_eq(request_head_decode(span_of("\x08\x01", 2), &region, &back, &fault),
                     ERR_INVALID);
    buf_free(&bytes);
    buf_free(&again);
}
END_TEST

static const struct digest nodes[] = {{{1}}, {{2}}, {{3}}};
static const uint32_t path[] = {2, 0};

static const struct cosignature cosignatures[] = {
    {"education", {9, {{1}}, {2}, {{3}}}, nodes, COUNT_OF(nodes)},
    {"health", {UINT64_MAX, {{4}}, {5}, {{6}}}, NULL, 0}};

static struct reply_head full_reply(enum reply_kind kind, const struct shared_receipt *receipts,
                                    const struct delivery *deliveries)
{
    struct reply_head head = {
        .version = 1,
        .code = 9,
        .detail = "counter",
        .request_digest = {{9}},
        .time_ms = 1790000000000,
        .clock_held = true,
        .laboratory_offset_ms = -86400000,
        .retry_after_ms = 250,
        .checkpoint = span_text("note"),
        .consistency = nodes,
        .consistency_count = COUNT_OF(nodes),
        .kind = kind,
    };
    if (kind == REPLY_HELLO) {
        head.hello.session[0] = 1;
        head.hello.next_counter = 5;
        head.hello.policy_digest.bytes[3] = 1;
        head.hello.calendar = (struct calendar_in_force){"2026.1", 8, 9};
    } else if (kind == REPLY_SUBMIT) {
        head.submit.receipts = receipts;
        head.submit.receipt_count = 2;
        head.submit.nodes = nodes;
        head.submit.node_count = COUNT_OF(nodes);
    } else if (kind == REPLY_FETCH) {
        head.fetch.deliveries = deliveries;
        head.fetch.delivery_count = 1;
        head.fetch.nodes = nodes;
        head.fetch.node_count = COUNT_OF(nodes);
        head.fetch.waiting = 4;
        head.fetch.policy_digest.bytes[3] = 2;
        head.fetch.policy_since_ms = 6;
        head.fetch.calendar = (struct calendar_in_force){"2026.1", 8, 9};
    } else if (kind == REPLY_REGISTRY) {
        head.registry.registry = span_text("a: b\n");
        head.registry.keys = span_text("c: d\n");
        head.registry.has_leaf = true;
        head.registry.leaf =
            (struct registry_leaf){UINT64_MAX, span_text("record"), {7}, nodes, COUNT_OF(nodes)};
    } else if (kind == REPLY_WITNESS) {
        head.witness.cosignatures = cosignatures;
        head.witness.cosignature_count = COUNT_OF(cosignatures);
    }
    return head;
}

static const enum reply_kind reply_kinds[] = {REPLY_NONE,  REPLY_HELLO,    REPLY_SUBMIT,
                                              REPLY_FETCH, REPLY_REGISTRY, REPLY_WITNESS};

START_TEST(test_reply_head)
{
    const struct shared_receipt receipts[] = {
        {{{1}}, 5, span_text("record"), {6}, path, COUNT_OF(path), span_text("n"), 0, "", 0},
        {{{2}}, 0, {NULL, 0}, {0}, NULL, 0, {NULL, 0}, 21, "queue", 1000}};
    struct delivery delivery = {.payload = span_text("payload"),
                                .leaf_index = 3,
                                .record = span_text("record"),
                                .salt = {1},
                                .path = path,
                                .path_count = COUNT_OF(path)};
    delivery.proof = (struct batch_proof){1, {{2}}, 1, 3, nodes, 2, {4}};
    struct reply_head head = full_reply(reply_kinds[_i], receipts, &delivery), back;
    struct buf bytes, again;
    struct fault fault = {.place = ""};
    buf_init(&bytes, 8192);
    buf_init(&again, 8192);
    ck_assert_int_eq(reply_head_encode(&head, &bytes), OK);
    enum err error = reply_head_decode(span_buf(&bytes), &region, &back, &fault);
    ck_assert_msg(error == OK, "%s: %s", fault.place, fault.message);
    ck_assert_int_eq(back.kind, head.kind);
    ck_assert_int_eq(back.laboratory_offset_ms, -86400000);
    ck_assert_uint_eq(back.consistency_count, 3);
    ck_assert_int_eq(reply_head_encode(&back, &again), OK);
    ck_assert(span_equal(span_buf(&bytes), span_buf(&again)));
    if (head.kind == REPLY_FETCH) {
        ck_assert_uint_eq(back.fetch.deliveries[0].proof.path_count, 2);
        ck_assert_uint_eq(back.fetch.deliveries[0].path[0], 2);
        ck_assert(span_equal(back.fetch.deliveries[0].payload, delivery.payload));
    }
    if (head.kind == REPLY_REGISTRY) {
        ck_assert(back.registry.has_leaf);
        ck_assert_uint_eq(back.registry.leaf.index, UINT64_MAX);
        ck_assert_uint_eq(back.registry.leaf.path_count, COUNT_OF(nodes));
        ck_assert(span_equal(back.registry.leaf.record, span_text("record")));
    }
    if (head.kind == REPLY_WITNESS) {
        ck_assert_uint_eq(back.witness.cosignature_count, 2);
        ck_assert_str_eq(back.witness.cosignatures[1].agency, "health");
        ck_assert_uint_eq(back.witness.cosignatures[1].seen.size, UINT64_MAX);
        ck_assert_uint_eq(back.witness.cosignatures[0].consistency_count, 3);
    }
    if (head.kind == REPLY_SUBMIT) {
        ck_assert_uint_eq(back.submit.receipts[1].code, 21);
        ck_assert_str_eq(back.submit.receipts[1].detail, "queue");
    }
    buf_free(&bytes);
    buf_free(&again);
}
END_TEST

static struct leaf_record full_record(void)
{
    return (struct leaf_record){
        .version = 1,
        .kind = LEAF_MESSAGE,
        .at_ms = 1790000000000,
        .actor = "procuratorate",
        .message_id = sample_uuid(1),
        .message_digest = {{2}},
        .case_id = sample_uuid(3),
        .referral_id = sample_uuid(4),
        .message_kind = 1,
        .recipient = "education",
        .has_stream = true,
        .has_window = true,
        .has_rung = true,
        .has_clock = true,
        .has_configuration = true,
        .stream = {1, 2, {{0}}},
        .refusal = 44,
        .detail = "header.recipient",
        .claimed_ms = 3,
        .window = {1, 2, "education", 3, 20, 4, true, "2026.1", 5, 6, true, 7, 8},
        .rung = {1, 2, "due-3.20", 3, "DB-2026-0001", "education"},
        .clock = {1, 2, 3, -4, 5, 6, "administrator"},
        .configuration = {{{1}}, {{2}}, {{3}}, "2026.1", {{4}}, "referral-broker 0.1.0"},
        .count = 9,
        .referral_number = "JZ-2026-0031-01",
    };
}

START_TEST(test_leaf_record)
{
    struct leaf_record record = full_record(), back;
    struct buf bytes, again;
    buf_init(&bytes, 2048);
    buf_init(&again, 2048);
    ck_assert_int_eq(leaf_record_encode(&record, &bytes), OK);
    ck_assert_int_eq(leaf_record_decode(span_buf(&bytes), &region, &back, NULL), OK);
    ck_assert_int_eq(back.clock.departure_ms, -4);
    ck_assert_str_eq(back.rung.rung, "due-3.20");
    ck_assert(back.has_stream && back.stream.seq == 2);
    ck_assert_int_eq(leaf_record_encode(&back, &again), OK);
    ck_assert(span_equal(span_buf(&bytes), span_buf(&again)));
    struct leaf_record small = {.version = 1, .kind = LEAF_STOP};
    buf_clear(&bytes);
    ck_assert_int_eq(leaf_record_encode(&small, &bytes), OK);
    ck_assert_uint_eq(bytes.len, 4);
    ck_assert_int_eq(leaf_record_decode(span_buf(&bytes), &region, &back, NULL), OK);
    ck_assert(!back.has_stream && !back.has_clock && uuid_is_zero(&back.message_id));
    ck_assert_int_eq(leaf_record_decode(span_of("\x08\x02", 2), &region, &back, NULL), ERR_VERSION);
    /* a stream without its previous hash */
    ck_assert_int_eq(
        leaf_record_decode(span_of("\x08\x01\x5a\x02\x10\x01", 6), &region, &back, NULL),
        ERR_INVALID);
    buf_free(&bytes);
    buf_free(&again);
}
END_TEST

START_TEST(test_body)
{
    const struct body_person persons[] = {{"张三", "110101199003070011", "13800000000", "某街 1 号",
                                           1, 2, 3, true, "李四", 2, "无", "education", 2},
                                          {.name = "王五"}};
    const struct body_outcome outcomes[] = {{1, 2, 300, "每月"}};
    struct body body = {.sender = "procuratorate",
                        .recipient = "education",
                        .message_id = sample_uuid(1),
                        .case_id = sample_uuid(2),
                        .officer = "officer",
                        .circumstances = "情况",
                        .persons = persons,
                        .person_count = 2,
                        .outcomes = outcomes,
                        .outcome_count = 1};
    struct body back;
    struct buf bytes;
    buf_init(&bytes, 4096);
    ck_assert_int_eq(body_encode(&body, &bytes), OK);
    ck_assert_int_eq(body_decode(span_buf(&bytes), &region, &back, NULL), OK);
    ck_assert_str_eq(back.persons[0].identity_number, "110101199003070011");
    ck_assert_str_eq(back.persons[1].name, "王五");
    ck_assert_str_eq(back.persons[1].phone, "");
    ck_assert_str_eq(back.circumstances, "情况");
    ck_assert_str_eq(back.reasons, "");
    ck_assert_uint_eq(back.outcomes[0].amount_fen, 300);
    buf_free(&bytes);
}
END_TEST

/* ---- damage ---- */

/* What one decoder makes of bytes must be stable: what it takes, it writes and takes again. */
static void decode_any(size_t which, struct span bytes)
{
    struct region little;
    struct fault fault = {.code = ""};
    struct leaf_record record;
    struct reply_head reply;
    struct request_head request;
    struct message message;
    struct body body;
    struct payload payload;
    struct buf again;
    enum err error = ERR_INVALID;
    region_init(&little, LIMIT_PARSE_BYTES(bytes.len));
    buf_init(&again, 65536);
    switch (which) {
    case 0:
        error = leaf_record_decode(bytes, &little, &record, &fault);
        ck_assert(error != OK || leaf_record_encode(&record, &again) == OK);
        break;
    case 1:
        error = reply_head_decode(bytes, &little, &reply, &fault);
        ck_assert(error != OK || reply_head_encode(&reply, &again) == OK);
        break;
    case 2:
        error = request_head_decode(bytes, &little, &request, &fault);
        ck_assert(error != OK || request_head_encode(&request, &again) == OK);
        break;
    case 3:
        error = body_decode(bytes, &little, &body, &fault);
        ck_assert(error != OK || body_encode(&body, &again) == OK);
        break;
    default:
        error = payload_split(bytes, &payload, &fault);
        error = error == OK ? message_decode(&payload, &little, &message, &fault) : error;
        ck_assert(error != OK || facts_encode(&message, &again) == OK);
    }
    ck_assert_uint_le(little.used, LIMIT_PARSE_BYTES(bytes.len));
    buf_free(&again);
    region_free(&little);
}

static void seeds_fill(struct buf seeds[5])
{
    struct leaf_record record = full_record();
    struct reply_head reply = full_reply(REPLY_HELLO, NULL, NULL);
    struct request_head request = full_head(REQUEST_ACK);
    struct body body = {.sender = "a", .recipient = "b", .text = "text"};
    struct message message = full_message(MESSAGE_OUTBOUND_FEEDBACK);
    struct buf header, facts;
    for (size_t i = 0; i < 5; i++) {
        buf_init(&seeds[i], 8192);
    }
    ck_assert_int_eq(leaf_record_encode(&record, &seeds[0]), OK);
    ck_assert_int_eq(reply_head_encode(&reply, &seeds[1]), OK);
    ck_assert_int_eq(request_head_encode(&request, &seeds[2]), OK);
    ck_assert_int_eq(body_encode(&body, &seeds[3]), OK);
    sample_encode(&message, &header, &facts);
    struct payload payload = {span_buf(&header), span_buf(&facts), span_text("x")};
    ck_assert_int_eq(payload_encode(&payload, &seeds[4]), OK);
    buf_free(&header);
    buf_free(&facts);
}

START_TEST(test_damage)
{
    struct buf seeds[5];
    uint64_t state = 1;
    seeds_fill(seeds);
    for (size_t round = 0; round < FUZZ_ROUNDS; round++) {
        size_t which = round % 5;
        size_t len = seeds[which].len;
        uint8_t *bytes = malloc(len + 8);
        ck_assert_ptr_nonnull(bytes);
        memcpy(bytes, seeds[which].data, len);
        for (uint64_t change = random_next(&state) % 4; change > 0; change--) {
            bytes[random_next(&state) % len] = (uint8_t)random_next(&state);
        }
        if (random_next(&state) % 4 == 0) {
            len = random_next(&state) % len;
        }
        uint8_t *exact = realloc(bytes, len == 0 ? 1 : len); /* ASan sees a byte too far */
        ck_assert_ptr_nonnull(exact);
        decode_any(which, span_of(exact, len));
        free(exact);
    }
    for (size_t i = 0; i < 5; i++) {
        buf_free(&seeds[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec");
    TCase *codec = tcase_create("codec");
    tcase_set_timeout(codec, 90);
    tcase_add_checked_fixture(codec, setup, teardown);
    tcase_add_test(codec, test_facts_refused);
    tcase_add_loop_test(codec, test_wrong_matters, 0, (int)COUNT_OF(wrong_matter_rows));
    tcase_add_loop_test(codec, test_lists_of_matters, 0, (int)COUNT_OF(list_rows));
    tcase_add_test(codec, test_attached);
    tcase_add_test(codec, test_copies);
    tcase_add_test(codec, test_counts);
    tcase_add_test(codec, test_payload);
    tcase_add_loop_test(codec, test_message_round_trip, 0, (int)COUNT_OF(kinds));
    tcase_add_test(codec, test_message_values);
    tcase_add_loop_test(codec, test_request_head, 0, (int)COUNT_OF(request_kinds));
    tcase_add_loop_test(codec, test_reply_head, 0, (int)COUNT_OF(reply_kinds));
    tcase_add_test(codec, test_leaf_record);
    tcase_add_test(codec, test_body);
    tcase_add_test(codec, test_damage);
    suite_add_tcase(suite, codec);
    return suite_run(suite);
}
