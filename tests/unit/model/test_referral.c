/* lib/model/referral: the full product of states and events against the domain's section 4 written
 * down a second time as rows, and the packed form there and back, cut, lengthened and flipped. */
#include "model_support.h"

/* What the domain allows: everything else is refused. */
static const struct {
    enum referral_state from;
    enum referral_event event;
    enum referral_state to;
} arrows[] = {
    {REFERRAL_SUBMITTED, EVENT_SUBMIT, REFERRAL_QUEUED},
    {REFERRAL_QUEUED, EVENT_DELIVERY, REFERRAL_DELIVERED},
    {REFERRAL_QUEUED, EVENT_REJECTION, REFERRAL_RETURNED},
    {REFERRAL_QUEUED, EVENT_WITHDRAWAL, REFERRAL_WITHDRAWN},
    {REFERRAL_DELIVERED, EVENT_SIGN_FOR, REFERRAL_DELIVERED},
    {REFERRAL_DELIVERED, EVENT_FEEDBACK_FINAL, REFERRAL_ANSWERED},
    {REFERRAL_DELIVERED, EVENT_FEEDBACK_PROCEDURE, REFERRAL_PROCEDURE},
    {REFERRAL_DELIVERED, EVENT_INFORMED, REFERRAL_DELIVERED},
    {REFERRAL_DELIVERED, EVENT_WITHDRAWAL, REFERRAL_WITHDRAWN},
    {REFERRAL_PROCEDURE, EVENT_INFORMED, REFERRAL_PROCEDURE},
    {REFERRAL_PROCEDURE, EVENT_PAPERS_SENT, REFERRAL_PROCEDURE},
    {REFERRAL_PROCEDURE, EVENT_PAPERS_REPORTED, REFERRAL_DELIVERED},
    {REFERRAL_PROCEDURE, EVENT_PAPERS_DELIVERY, REFERRAL_DELIVERED},
    {REFERRAL_PROCEDURE, EVENT_PAPERS_REJECTION, REFERRAL_PROCEDURE},
    {REFERRAL_PROCEDURE, EVENT_WITHDRAWAL, REFERRAL_WITHDRAWN},
    {REFERRAL_ANSWERED, EVENT_INFORMED, REFERRAL_ANSWERED},
    {REFERRAL_ANSWERED, EVENT_ASSISTANCE, REFERRAL_ANSWERED},
    {REFERRAL_QUEUED, EVENT_CORRECTION, REFERRAL_QUEUED},
    {REFERRAL_DELIVERED, EVENT_CORRECTION, REFERRAL_DELIVERED},
    {REFERRAL_PROCEDURE, EVENT_CORRECTION, REFERRAL_PROCEDURE},
    {REFERRAL_ANSWERED, EVENT_CORRECTION, REFERRAL_ANSWERED},
    /* what was on its way when it was withdrawn still arrives */
    {REFERRAL_WITHDRAWN, EVENT_DELIVERY, REFERRAL_WITHDRAWN},
    {REFERRAL_WITHDRAWN, EVENT_REJECTION, REFERRAL_WITHDRAWN},
    {REFERRAL_WITHDRAWN, EVENT_PAPERS_DELIVERY, REFERRAL_WITHDRAWN},
    {REFERRAL_WITHDRAWN, EVENT_PAPERS_REJECTION, REFERRAL_WITHDRAWN},
};

static const enum referral_state *arrow_of(enum referral_state from, enum referral_event event)
{
    for (size_t i = 0; i < COUNT_OF(arrows); i++) {
        if (arrows[i].from == from && arrows[i].event == event) {
            return &arrows[i].to;
        }
    }
    return NULL;
}

/* What a refused cell answers, written a second time: a row a state, a letter an event in the order
 * of enum referral_event. '.' is legal. */
static const char *const refusals[REFERRAL_STATE_COUNT] = {
    [REFERRAL_SUBMITTED] = ".UUUUUUUUUUUUUUUU", [REFERRAL_QUEUED] = "X..SSSTSSDD.S....",
    [REFERRAL_DELIVERED] = "XAA....SSAA.S....", [REFERRAL_PROCEDURE] = "XAAASA......S....",
    [REFERRAL_ANSWERED] = "XAAAAA.SSAAS.....",  [REFERRAL_WITHDRAWN] = "X..SSSTSS..AS.S..",
    [REFERRAL_RETURNED] = "XAASSSTSSDDSS.S..",
};

static enum refusal refusal_of(char letter)
{
    static const struct {
        char letter;
        enum refusal refusal;
    } meanings[] = {
        {'.', REFUSAL_NONE},    {'U', REFUSAL_REFERRAL_UNKNOWN}, {'X', REFUSAL_REFERRAL_EXISTS},
        {'S', REFUSAL_STATE},   {'A', REFUSAL_ALREADY},          {'T', REFUSAL_TASK_UNKNOWN},
        {'D', REFUSAL_DELIVERY}};
    size_t i = 0;
    while (meanings[i].letter != letter) {
        i++;
        ck_assert_uint_lt(i, sizeof(meanings) / sizeof(meanings[0]));
    }
    return meanings[i].refusal;
}

START_TEST(the_full_product_of_states_and_events)
{
    for (int s = 0; s < REFERRAL_STATE_COUNT; s++) {
        for (int e = 0; e < REFERRAL_EVENT_COUNT; e++) {
            enum referral_state from = (enum referral_state)s;
            enum referral_event event = (enum referral_event)e;
            const enum referral_state *to = arrow_of(from, event);
            struct transition transition = referral_transition(from, event);
            /* what changes no state is taken in every one */
            bool other = (event == EVENT_OTHER_DELIVERY || event == EVENT_OTHER_REJECTION ||
                          event == EVENT_ESCALATION_REPLY) &&
                         from != REFERRAL_SUBMITTED;
            bool legal = to != NULL || other;
            ck_assert_msg(transition.legal == legal, "%s, %s", referral_state_name(from),
                          referral_event_name(event));
            ck_assert_int_eq(transition.refusal == REFUSAL_NONE, legal);
            ck_assert_int_eq(transition.to, to != NULL ? *to : from);
            ck_assert_msg(transition.refusal == refusal_of(refusals[s][e]), "%s, %s",
                          referral_state_name(from), referral_event_name(event));
        }
    }
}
END_TEST

/* ---- the packed form ---- */

static uint32_t step(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static struct window random_window(uint32_t *state)
{
    return (struct window){
        .kind = (enum clock_kind)(step(state) % CLOCK_KIND_COUNT),
        .number = step(state) % 9 + 1,
        .n = step(state) % 400,
        .start_ms = (uint64_t)step(state) << 16,
        .due_day = (int32_t)(step(state) % CIVIL_DAY_MAX),
        .due_before_ms = (uint64_t)step(state) << 17,
        .provisional = step(state) % 2 == 0,
        .basis = (enum window_basis)(step(state) % 3),
        .stopped_ms = step(state),
        .raised = {(uint64_t)step(state) << 20},
        .skipped = {step(state)},
    };
}

/* What follows another, what was granted, and what was really delivered of it. */
static void random_agreement(struct referral *referral, uint32_t *state, uint32_t helps)
{
    referral->previous = id_of((uint8_t)step(state));
    referral->link = step(state) % 5;
    referral->hops = step(state) % 9;
    referral->lead_channel = step(state) % 7;
    referral->granted = (uint64_t)step(state) << 6;
    referral->delivered = step(state);
    referral->assisted_ms = (uint64_t)step(state) << 20;
    referral->help_count = helps < REFERRAL_HELPS_MAX ? helps : REFERRAL_HELPS_MAX;
    for (uint32_t i = 0; i < referral->help_count; i++) {
        referral->helps[i] = (struct referral_help){.stage = step(state) % 3 + 1,
                                                    .measure = step(state) % 30,
                                                    .person_index = step(state) % LIMIT_PERSONS,
                                                    .newest = step(state) % 65536,
                                                    .seen = step(state),
                                                    .amount_fen = (uint64_t)step(state) << 16};
    }
}

static struct referral random_referral(uint32_t seed, uint32_t documents)
{
    struct referral referral;
    uint32_t state = seed;
    memset(&referral, 0, sizeof(referral));
    referral.case_id = id_of((uint8_t)seed);
    referral.referral_id = id_of((uint8_t)(seed + 1));
    referral.message_id = id_of((uint8_t)(seed + 2));
    SET(referral.case_number, "JZ-2026-0031");
    SET(referral.number, "JZ-2026-0031-01");
    SET(referral.register_number, seed % 2 == 0 ? "" : "WXYZ-DJ-2026-12345678");
    SET(referral.calendar_version, "2023-2026+2027s#5e1f09ab");
    referral.kind = (enum message_kind)(seed % 2 + 1);
    referral.sender = (uint16_t)step(&state);
    referral.receiver = (uint16_t)step(&state);
    referral.lane = (uint8_t)(step(&state) % 4);
    referral.life_danger = step(&state) % 2 == 0;
    referral.urgent = step(&state) % 2 == 0;
    referral.advance = step(&state) % 2 == 0;
    referral.minor = step(&state) % 2 == 0;
    referral.no_publicity = step(&state) % 2 == 0;
    referral.late = step(&state) % 2 == 0;
    referral.ground = 1801;
    referral.minor_marks = step(&state);
    referral.priority_groups = step(&state);
    referral.needs = (uint64_t)step(&state) << 30;
    referral.person_count = step(&state) % 64;
    referral.state = (enum referral_state)(step(&state) % 6 + 1);
    referral.marks = step(&state) % 8;
    referral.submitted_ms = UINT64_C(1772000000000);
    referral.answered_ms = UINT64_MAX;
    referral.outcome = (enum feedback_outcome)(step(&state) % OUTCOME_COUNT);
    referral.lateness_days = step(&state);
    referral.last_leaf = REFERRAL_NO_LEAF;
    for (int clock = 0; clock < REFERRAL_CLOCK_COUNT; clock++) {
        if (documents == REFERRAL_DOCUMENTS_MAX || step(&state) % 2 == 0) {
            referral.clocks[clock] = random_window(&state);
        }
    }
    referral.document_count = documents;
    for (uint32_t i = 0; i < documents; i++) {
        referral.documents[i] = (struct referral_document){
            .clock = (enum referral_clock)(i % REFERRAL_CLOCK_COUNT),
            .rung = (enum rung)(i % RUNG_COUNT),
            .year = 2026,
            .counter = i + 70000,
            .answer = step(&state) % 5,
        };
    }
    random_agreement(&referral, &state, documents);
    return referral;
}

static void agreement_is(const struct referral *a, const struct referral *b)
{
    ck_assert(uuid_equal(&a->previous, &b->previous));
    ck_assert_uint_eq(a->link, b->link);
    ck_assert_uint_eq(a->hops, b->hops);
    ck_assert_uint_eq(a->lead_channel, b->lead_channel);
    ck_assert_uint_eq(a->granted, b->granted);
    ck_assert_uint_eq(a->delivered, b->delivered);
    ck_assert_uint_eq(a->assisted_ms, b->assisted_ms);
    ck_assert_uint_eq(a->help_count, b->help_count);
    for (uint32_t i = 0; i < a->help_count; i++) {
        ck_assert_uint_eq(a->helps[i].stage, b->helps[i].stage);
        ck_assert_uint_eq(a->helps[i].measure, b->helps[i].measure);
        ck_assert_uint_eq(a->helps[i].person_index, b->helps[i].person_index);
        ck_assert_uint_eq(a->helps[i].newest, b->helps[i].newest);
        ck_assert_uint_eq(a->helps[i].seen, b->helps[i].seen);
        ck_assert_uint_eq(a->helps[i].amount_fen, b->helps[i].amount_fen);
    }
}

START_TEST(packing_there_and_back)
{
    static const uint32_t documents[] = {0, 1, 7, REFERRAL_DOCUMENTS_MAX};
    uint8_t packed[REFERRAL_PACKED_MAX];
    uint8_t again[REFERRAL_PACKED_MAX];
    for (uint32_t seed = 1; seed < 200; seed++) {
        struct referral referral = random_referral(seed, documents[seed % 4]);
        struct referral unpacked;
        size_t len = referral_pack(&referral, packed);
        ck_assert_int_eq(referral_unpack(span_of(packed, len), &unpacked), OK);
        ck_assert_uint_eq(referral_pack(&unpacked, again), len);
        ck_assert_mem_eq(packed, again, len);
        ck_assert_int_eq(unpacked.state, referral.state);
        ck_assert_str_eq(unpacked.register_number, referral.register_number);
        ck_assert_uint_eq(unpacked.needs, referral.needs);
        ck_assert_uint_eq(unpacked.answered_ms, UINT64_MAX);
        ck_assert_int_eq(unpacked.late, referral.late);
        ck_assert_int_eq(unpacked.life_danger, referral.life_danger);
        ck_assert_uint_eq(unpacked.last_leaf, REFERRAL_NO_LEAF);
        for (int clock = 0; clock < REFERRAL_CLOCK_COUNT; clock++) {
            const struct window *a = &referral.clocks[clock];
            const struct window *b = &unpacked.clocks[clock];
            ck_assert_uint_eq(a->number, b->number);
            ck_assert_uint_eq(a->raised.bits, b->raised.bits);
            ck_assert_int_eq(a->due_day, b->due_day);
            ck_assert_uint_eq(a->stopped_ms, b->stopped_ms);
        }
        ck_assert_uint_eq(unpacked.document_count, referral.document_count);
        for (uint32_t i = 0; i < referral.document_count; i++) {
            ck_assert_uint_eq(unpacked.documents[i].answer, referral.documents[i].answer);
        }
        agreement_is(&unpacked, &referral);
    }
}
END_TEST

START_TEST(a_usual_referral_is_below_a_kibibyte)
{
    uint8_t packed[REFERRAL_PACKED_MAX];
    struct referral referral = random_referral(3, 10);
    ck_assert_uint_le(referral_pack(&referral, packed), 1024);
}
END_TEST

START_TEST(what_is_cut_lengthened_or_of_another_version_is_refused)
{
    uint8_t packed[REFERRAL_PACKED_MAX + 1] = {0};
    struct referral unpacked;
    struct referral referral = random_referral(5, 3);
    size_t len = referral_pack(&referral, packed);
    for (size_t cut = 0; cut < len; cut++) {
        ck_assert_int_eq(referral_unpack(span_of(packed, cut), &unpacked), ERR_CORRUPT);
    }
    ck_assert_int_eq(referral_unpack(span_of(packed, len + 1), &unpacked), ERR_CORRUPT);
    packed[0]++;
    ck_assert_int_eq(referral_unpack(span_of(packed, len), &unpacked), ERR_VERSION);
}
END_TEST

/* Any byte may be anything: the answer is "corrupt", or a referral that packs to the same bytes. */
START_TEST(flipped_bytes_never_make_another_form)
{
    uint8_t packed[REFERRAL_PACKED_MAX];
    uint8_t again[REFERRAL_PACKED_MAX];
    struct referral referral = random_referral(9, 5);
    size_t len = referral_pack(&referral, packed);
    for (size_t at = 1; at < len; at++) {
        for (int bit = 0; bit < 8; bit++) {
            struct referral unpacked;
            packed[at] = (uint8_t)(packed[at] ^ 1u << bit);
            if (referral_unpack(span_of(packed, len), &unpacked) == OK) {
                ck_assert_uint_eq(referral_pack(&unpacked, again), len);
                ck_assert_mem_eq(packed, again, len);
            }
            packed[at] = (uint8_t)(packed[at] ^ 1u << bit);
        }
    }
}
END_TEST

/* As the first version wrote it: granted to a child, late, after two reminders and due-1. */
static const char first_version[] =
    "01111111111111111111111111111111112222222222222222222222222222222233333333333333333333"
    "333333333333000000000000000000000000000000000c4a5a2d323032362d303033310f4a5a2d32303236"
    "2d303033312d30310f4a592d444a2d323032362d3030303701000100020128070900000000000000000000"
    "0008000000000000000200020401000001a0c4506c00000001a0c4515660000001a0c4515660000001a0c4"
    "515a48000001a17721b46000000000000000000100000001000000020000000018323032332d323032362b"
    "3230323773233565316630396162000000000000004d0000000000000000010000010014000001a0c45156"
    "600000510e000001a16ea3f00000000001a17721b4600000000000000007000000000000000000";

START_TEST(a_record_of_the_first_version_is_read)
{
    uint8_t packed[REFERRAL_PACKED_MAX];
    struct referral referral;
    size_t len = strlen(first_version) / 2;
    ck_assert_int_eq(hex_decode(first_version, packed, len), OK);
    ck_assert_int_eq(referral_unpack(span_of(packed, len), &referral), OK);
    ck_assert_str_eq(referral.number, "JZ-2026-0031-01");
    ck_assert_int_eq(referral.outcome, OUTCOME_GRANTED);
    ck_assert_uint_eq(referral.late_answers, 1);
    ck_assert_uint_eq(referral.raised[STEP_REMIND], 2);
    ck_assert_uint_eq(referral.raised[STEP_DUE_1], 1);
    ck_assert_uint_eq(referral.raised[STEP_DUE_2], 0);
    ck_assert_int_eq(referral_unpack(span_of(packed, len - 1), &referral), ERR_CORRUPT);
    packed[0] = 2;
    ck_assert_int_eq(referral_unpack(span_of(packed, len), &referral), ERR_CORRUPT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("referral");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, the_full_product_of_states_and_events);
    tcase_add_test(cases, packing_there_and_back);
    tcase_add_test(cases, a_usual_referral_is_below_a_kibibyte);
    tcase_add_test(cases, what_is_cut_lengthened_or_of_another_version_is_refused);
    tcase_add_test(cases, flipped_bytes_never_make_another_form);
    tcase_add_test(cases, a_record_of_the_first_version_is_read);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
