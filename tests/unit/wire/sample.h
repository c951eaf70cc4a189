/* Messages, keys and random numbers that the suites of lib/wire share. For tests only. Random
 * numbers come from a seed, so that a failure comes again. */
#ifndef REFERRAL_TESTS_WIRE_SAMPLE_H
#define REFERRAL_TESTS_WIRE_SAMPLE_H

#include <check.h>
#include <string.h>

#include "crypto_start.h"
#include "model/registry.h"
#include "unit/suite.h"
#include "wire/codec.h"

/* The one that this run does not have. */
#define OTHER_SUITE (SUITE_INTL + SUITE_SM - crypto_suite())

static inline uint64_t random_next(uint64_t *state) /* splitmix64 */
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline struct sign_key sample_sign_key(uint8_t fill)
{
    uint8_t seed[SIGN_SEED_BYTES];
    struct sign_key key;
    memset(seed, fill, sizeof(seed));
    sign_key_from_seed(seed, &key);
    return key;
}

static inline struct seal_key sample_seal_key(uint8_t fill)
{
    uint8_t secret[SEAL_SECRET_BYTES];
    struct seal_key key;
    memset(secret, fill, sizeof(secret));
    seal_key_from_secret(secret, &key);
    return key;
}

static inline struct uuid sample_uuid(uint8_t fill)
{
    struct uuid id;
    memset(id.bytes, fill, sizeof(id.bytes));
    return id;
}

/* Numbers 1 procuratorate, 2 education, 3 civil-affairs, 4 justice, 5 health. */
static inline struct registry *sample_registry(void)
{
    static const char *const ids[] = {"procuratorate", "education", "civil-affairs", "justice",
                                      "health"};
    static const char *const prefixes[] = {"JZ", "JY", "MZ", "SF", "WJ"};
    struct registry *registry = NULL;
    struct fault fault = {.place = ""};
    struct buf text;
    buf_init(&text, 4096);
    ck_assert_int_eq(buf_printf(&text, "agencies:\n"), OK);
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        ck_assert_int_eq(buf_printf(&text,
                                    "  - {id: %s, number: %zu, class: %s, prefix: %s,\n"
                                    "     name: {zh: 甲, en: A}, office: {zh: 乙, en: B},\n"
                                    "     joint_meeting_office: %s, duties: [legal-aid]}\n",
                                    ids[i], i + 1, i == 0 ? "P" : "S", prefixes[i],
                                    i == 0 ? "true" : "false"),
                         OK);
    }
    ck_assert_msg(registry_read("agencies.yaml", span_buf(&text), &registry, &fault) == OK,
                  "%s: %s", fault.place, fault.message);
    buf_free(&text);
    return registry;
}

static inline struct message_header sample_header(enum message_kind kind)
{
    struct sign_key key = sample_sign_key(1);
    return (struct message_header){
        .version = 1,
        .suite = crypto_suite(),
        .kind = kind,
        .message_id = sample_uuid(0x11),
        .case_id = sample_uuid(0x22),
        .referral_id = sample_uuid(0x33),
        .sender = "procuratorate",
        .recipient = "education",
        .case_number = "JZ-2026-0031",
        .referral_number = "JZ-2026-0031-01",
        .sender_key = key_id_of(key.public_key),
        .created_ms = UINT64_C(1790000000000),
    };
}

static inline struct message sample_referral(const struct material *materials, size_t count)
{
    struct message message = {.header = sample_header(MESSAGE_OUTBOUND_REFERRAL),
                              .body_fields = BODY_PERSONS | BODY_REASONS};
    message.referral = (struct referral_facts){
        .ground = 401,
        .priority_groups = UINT64_C(0x8000000000000001),
        .needs = 5,
        .measures = 9,
        .materials = materials,
        .material_count = count,
        .urgent = true,
        .minor_marks = 3,
        .person_count = 2,
    };
    return message;
}

static inline void sample_encode(const struct message *message, struct buf *header,
                                 struct buf *facts)
{
    buf_init(header, LIMIT_HEADER_BYTES);
    buf_init(facts, LIMIT_FACTS_BYTES);
    ck_assert_int_eq(header_encode(&message->header, header), OK);
    ck_assert_int_eq(facts_encode(message, facts), OK);
}

/* Encoded Payload bytes of a referral with this message id and body. */
static inline void sample_payload(uint8_t id, struct span body, struct buf *out)
{
    struct message message = sample_referral(NULL, 0);
    struct buf header, facts;
    message.header.message_id = sample_uuid(id);
    sample_encode(&message, &header, &facts);
    struct payload payload = {span_buf(&header), span_buf(&facts), body};
    buf_init(out, LIMIT_ENVELOPE_BYTES);
    ck_assert_int_eq(payload_encode(&payload, out), OK);
    buf_free(&header);
    buf_free(&facts);
}

static inline void sample_setup(void)
{
    ck_assert_int_eq(crypto_start(), OK);
}

#endif
