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
    [REFERRAL_SUBMITTED] = ".UUUUUUUUUUUUU", [REFERRAL_QUEUED] = "X..SSSTSSDD...",
    [REFERRAL_DELIVERED] = "XAA....SSAA...", [REFERRAL_PROCEDURE] = "XAAASA........",
    [REFERRAL_ANSWERED] = "XAAAAA.SSAAS..",  [REFERRAL_WITHDRAWN] = "X..SSSTSS..A..",
    [REFERRAL_RETURNED] = "XAASSSTSSDDS..",
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
            bool other = (event == EVENT_OTHER_DELIVERY || event == EVENT_OTHER_REJECTION) &&
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
        };
    }
    return referral;
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

int main(void)
{
    Suite *suite = suite_create("referral");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, the_full_product_of_states_and_events);
    tcase_add_test(cases, packing_there_and_back);
    tcase_add_test(cases, a_usual_referral_is_below_a_kibibyte);
    tcase_add_test(cases, what_is_cut_lengthened_or_of_another_version_is_refused);
    tcase_add_test(cases, flipped_bytes_never_make_another_form);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
