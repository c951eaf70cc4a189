/* lib/model/matter: names and questions, and the packed form there and back, cut, lengthened and
 * flipped byte by byte: whatever is taken packs to the very bytes again. */
#include "matter_support.h"

static uint32_t step(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static struct window random_window(uint32_t *state, uint32_t number)
{
    bool dated = step(state) % 2 == 0;
    uint64_t rungs = (UINT64_C(1) << RUNG_COUNT) - 1;
    return (struct window){
        .kind = dated ? CLOCK_DATED : CLOCK_INFORMATION,
        .number = number,
        .n = step(state) % 5000,
        .start_ms = step(state),
        .due_day = (int32_t)(step(state) % CIVIL_DAY_MAX),
        .due_before_ms = UINT64_MAX - step(state),
        .provisional = step(state) % 2 == 0,
        .basis = dated ? BASIS_GIVEN : BASIS_FLOOR,
        .stopped_ms = step(state) % 3 == 0 ? step(state) : 0,
        .raised.bits = (uint64_t)step(state) << 20 & rungs,
        .skipped.bits = step(state) & rungs,
    };
}

static void random_fill(struct matter *matter, uint32_t *state)
{
    for (uint32_t i = 0; i < matter->member_count; i++) {
        matter->members[i] = (struct matter_member){.agency = (uint16_t)(i + 2),
                                                    .delivered = step(state) % 2 == 0,
                                                    .answers = step(state) % 4};
    }
    uint32_t number = 0;
    for (uint32_t i = 0; i < matter->duty_count; i++) {
        number += 1 + step(state) % 3;
        matter->duties[i] = (struct duty){
            .number = number,
            .kind = (enum duty_kind)(DUTY_INFORMATION + step(state) % 6),
            .holder = (uint16_t)(1 + step(state) % (matter->member_count + 1)),
            .waiting = (uint16_t)(1 + step(state) % (matter->member_count + 1)),
            .code = step(state) % 9,
            .amount_fen = step(state),
            .cancelled = step(state) % 2 == 0,
            .window = random_window(state, number),
        };
    }
    for (uint32_t i = 0; i < matter->document_count; i++) {
        matter->documents[i] = (struct matter_document){
            .duty = (uint16_t)matter->duties[i % matter->duty_count].number,
            .rung = (uint8_t)(RUNG_DUE_1 + step(state) % 23),
            .year = 2026,
            .counter = step(state),
            .answer = (uint8_t)(step(state) % 8),
        };
    }
}

static const struct matter *random_matter(uint32_t seed, bool full)
{
    static struct matter matter;
    uint32_t state = seed;
    memset(&matter, 0, sizeof(matter));
    matter.case_id = id_of((uint8_t)seed);
    matter.matter_id = id_of((uint8_t)(seed + 1));
    matter.message_id = id_of((uint8_t)(seed + 2));
    SET(matter.case_number, seed % 3 == 0 ? "" : "JZ-2026-0031");
    SET(matter.number, "WXYZ-SX-2026-12345678");
    matter.kind = (enum matter_kind)(1 + step(&state) % (MATTER_KIND_COUNT - 1));
    matter.state = (enum matter_state)(1 + step(&state) % 3);
    matter.owner = 1;
    matter.lane = (uint8_t)(step(&state) % LANE_COUNT);
    matter.minor = step(&state) % 2 == 0;
    matter.opened_ms = step(&state);
    matter.closed_ms = matter.state == MATTER_OPEN ? 0 : 1 + step(&state);
    matter.reports = step(&state);
    matter.hardship = step(&state) % 5;
    matter.fund_fen = UINT64_MAX;
    matter.last_leaf = REFERRAL_NO_LEAF;
    matter.member_count = full ? LIMIT_MEMBERS : 1 + step(&state) % 12;
    matter.duty_count = full ? LIMIT_DUTIES : step(&state) % 5;
    matter.document_count = full ? MATTER_DOCUMENTS_MAX : matter.duty_count * (step(&state) % 4);
    random_fill(&matter, &state);
    return &matter;
}

START_TEST(packing_there_and_back)
{
    static uint8_t packed[MATTER_PACKED_MAX], again[MATTER_PACKED_MAX];
    for (uint32_t seed = 1; seed < 300; seed++) {
        const struct matter *matter = random_matter(seed, seed % 50 == 0);
        static struct matter unpacked;
        size_t len = matter_pack(matter, packed);
        ck_assert(matter_is_packed(span_of(packed, len)));
        ck_assert_int_eq(matter_unpack(span_of(packed, len), &unpacked), OK);
        ck_assert_uint_eq(matter_pack(&unpacked, again), len);
        ck_assert_mem_eq(packed, again, len);
        ck_assert_str_eq(unpacked.number, matter->number);
        ck_assert_uint_eq(unpacked.duty_count, matter->duty_count);
        ck_assert_uint_eq(unpacked.document_count, matter->document_count);
        ck_assert_uint_eq(unpacked.last_leaf, REFERRAL_NO_LEAF);
        for (uint32_t i = 0; i < matter->duty_count; i++) {
            ck_assert_int_eq(unpacked.duties[i].window.due_day, matter->duties[i].window.due_day);
            ck_assert_int_eq(unpacked.duties[i].cancelled, matter->duties[i].cancelled);
        }
    }
}
END_TEST

/* Every length but the right one, and every bit of every byte. */
START_TEST(what_is_taken_packs_to_the_same_bytes)
{
    static uint8_t packed[MATTER_PACKED_MAX + 1], again[MATTER_PACKED_MAX];
    static struct matter unpacked;
    unsigned refused = 0;
    for (uint32_t seed = 1; seed < 12; seed++) {
        const struct matter *matter = random_matter(seed, false);
        size_t len = matter_pack(matter, packed);
        for (size_t cut = 0; cut <= len + 1; cut++) {
            enum err error = matter_unpack(span_of(packed, cut), &unpacked);
            ck_assert_int_eq(error == OK, cut == len);
        }
        for (size_t bit = 0; bit < 8 * len; bit++) {
            packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
            if (matter_unpack(span_of(packed, len), &unpacked) == OK) {
                ck_assert_uint_eq(matter_pack(&unpacked, again), len);
                ck_assert_mem_eq(packed, again, len);
            } else {
                refused++;
            }
            packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    ck_assert_uint_gt(refused, 0);
}
END_TEST

START_TEST(a_referral_is_no_matter_and_a_newer_one_is_another_version)
{
    static uint8_t packed[MATTER_PACKED_MAX];
    uint8_t referral_packed[REFERRAL_PACKED_MAX];
    const struct matter *matter = random_matter(7, false);
    static struct matter unpacked;
    struct referral referral;
    memset(&referral, 0, sizeof(referral));
    referral.kind = MESSAGE_OUTBOUND_REFERRAL;
    referral.state = REFERRAL_QUEUED;
    size_t len = referral_pack(&referral, referral_packed);
    ck_assert(!matter_is_packed(span_of(referral_packed, len)));
    ck_assert_int_eq(matter_unpack(span_of(referral_packed, len), &unpacked), ERR_CORRUPT);
    len = matter_pack(matter, packed);
    ck_assert_int_eq(referral_unpack(span_of(packed, len), &referral), ERR_VERSION);
    packed[0]++;
    ck_assert_int_eq(matter_unpack(span_of(packed, len), &unpacked), ERR_VERSION);
}
END_TEST

/* Bytes that no decision makes. */
START_TEST(what_contradicts_itself_is_corrupt)
{
    static uint8_t packed[MATTER_PACKED_MAX];
    static struct matter unpacked;
    for (int fault = 0; fault < 8; fault++) {
        static struct matter matter;
        matter = (struct matter){.kind = MATTER_FUND, .state = MATTER_OPEN, .owner = 1};
        matter.member_count = 2;
        matter.duty_count = 2;
        matter.document_count = 1;
        for (uint32_t i = 0; i < 2; i++) {
            matter.members[i].agency = (uint16_t)(i + 2);
            matter.duties[i] =
                (struct duty){.number = i + 1, .kind = DUTY_PAYMENT, .holder = 1, .waiting = 2};
            matter.duties[i].window =
                (struct window){.kind = CLOCK_DATED, .number = i + 1, .basis = BASIS_GIVEN};
        }
        matter.documents[0] =
            (struct matter_document){.duty = 1, .rung = RUNG_DUE_1, .year = 2026, .counter = 1};
        matter.members[1].agency = fault == 1 ? 2 : matter.members[1].agency;
        matter.duties[0].number = fault == 2 ? 2 : matter.duties[0].number;
        matter.duties[0].window.number = matter.duties[0].number;
        matter.duties[1].holder = fault == 3 ? 9 : matter.duties[1].holder;
        matter.duties[1].window.basis = fault == 4 ? BASIS_CALENDAR : BASIS_GIVEN;
        matter.documents[0].duty = fault == 2 ? 2 : (fault == 5 ? 3 : 1);
        matter.documents[0].rung = fault == 6 ? RUNG_REMIND_2 : RUNG_DUE_1;
        matter.closed_ms = fault == 7 ? 1 : 0;
        size_t len = matter_pack(&matter, packed);
        ck_assert_msg(matter_unpack(span_of(packed, len), &unpacked) ==
                          (fault == 0 ? OK : ERR_CORRUPT),
                      "fault %d", fault);
    }
}
END_TEST

START_TEST(each_kind_and_state_has_a_name)
{
    for (int kind = 1; kind < MATTER_KIND_COUNT; kind++) {
        for (int other = 1; other < kind; other++) {
            ck_assert_str_ne(matter_kind_name((enum matter_kind)kind),
                             matter_kind_name((enum matter_kind)other));
        }
    }
    ck_assert_str_eq(matter_kind_name(MATTER_KIND_COUNT), "unknown");
    ck_assert_str_eq(matter_state_name(MATTER_OPEN), "open");
    ck_assert_str_eq(matter_state_name(MATTER_CANCELLED), "cancelled");
    ck_assert_str_eq(matter_state_name((enum matter_state)0), "unknown");
}
END_TEST

/* Visits and payments outlive the case; whatever else runs keeps it from being archived. */
START_TEST(which_clocks_keep_a_case)
{
    static struct matter matter;
    matter = (struct matter){.owner = 1, .member_count = 1, .members = {{.agency = 2}}};
    for (int kind = DUTY_INFORMATION; kind < DUTY_KIND_END; kind++) {
        struct duty *duty = &matter.duties[matter.duty_count++];
        *duty = (struct duty){.number = matter.duty_count, .kind = (enum duty_kind)kind};
    }
    ck_assert_uint_eq(matter_clocks(&matter), 4);
    matter.duties[0].window.stopped_ms = 1;
    ck_assert_uint_eq(matter_clocks(&matter), 3);
    ck_assert_ptr_null(matter_duty(&matter, 7));
    ck_assert(matter_is_member(&matter, 1) && matter_is_member(&matter, 2));
    ck_assert(!matter_is_member(&matter, 3));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("matter");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, packing_there_and_back);
    tcase_add_test(tests, what_is_taken_packs_to_the_same_bytes);
    tcase_add_test(tests, a_referral_is_no_matter_and_a_newer_one_is_another_version);
    tcase_add_test(tests, what_contradicts_itself_is_corrupt);
    tcase_add_test(tests, each_kind_and_state_has_a_name);
    tcase_add_test(tests, which_clocks_keep_a_case);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
