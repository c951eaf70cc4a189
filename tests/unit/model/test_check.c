/* lib/model/check: for each kind a right message is taken, and each single spoiled part is refused
 * with its code and path: every mandatory part of every outcome, Art. 7, 8, 10, 11. */
#include "model_support.h"

struct world {
    struct registry *registry;
    struct policy *policy;
    struct check_context ctx;
};

static struct world world_new(void)
{
    struct world world = {.registry = shipped_registry()};
    world.policy = shipped_policy(world.registry);
    world.policy->attachments_required = false; /* test_attachment has them */
    world.ctx = (struct check_context){.policy = world.policy, .registry = world.registry};
    return world;
}

static void world_free(struct world *world)
{
    policy_free(world->policy);
    registry_free(world->registry);
}

static void expect(const struct message *message, const struct body *body, enum refusal refusal,
                   const char *path)
{
    struct world world = world_new();
    struct check_result result;
    message_check(&world.ctx, message, body, &result);
    ck_assert_msg(result.refusal == refusal, "%s: %s", refusal_name(result.refusal), result.detail);
    ck_assert_msg(strncmp(result.detail, path, strlen(path)) == 0, "%s", result.detail);
    world_free(&world);
}

static struct message right(int which)
{
    switch (which) {
    case 0:
        return outbound_referral();
    case 1:
        return inbound_referral();
    case 2:
        return sign_for();
    case 3:
        return informed("procuratorate", "education");
    case 4:
        return papers("education", "procuratorate");
    case 5:
        return withdrawal();
    case 6: {
        struct message about = outbound_referral();
        return receipt(MESSAGE_DELIVERY, &about);
    }
    case 7: {
        struct message about = outbound_referral();
        return receipt(MESSAGE_REJECTION, &about);
    }
    default:
        return feedback((enum feedback_outcome)(which - 7));
    }
}

#define RIGHT_COUNT (8 + OUTCOME_COUNT - 1)

START_TEST(right_messages_are_taken)
{
    struct message message = right(_i);
    expect(&message, NULL, REFUSAL_NONE, "");
}
END_TEST

/* Each bit of the mandatory body fields, taken away alone. */
START_TEST(every_mandatory_body_field_is_demanded)
{
    struct message message = right(_i);
    for (uint32_t bit = 0; bit < 9; bit++) {
        struct message spoiled = message;
        bool demanded = (message.body_fields & 1u << bit) != 0;
        bool optional = message.header.kind == MESSAGE_OUTBOUND_FEEDBACK &&
                        1u << bit == BODY_REASONS &&
                        (message.feedback.outcome == OUTCOME_GRANTED ||
                         message.feedback.outcome == OUTCOME_PROCEDURE_REQUIRED);
        if (demanded && !optional &&
            !(message.header.kind == MESSAGE_APPLICANT_INFORMED && 1u << bit == BODY_OFFICER)) {
            spoiled.body_fields &= ~(1u << bit);
            expect(&spoiled, NULL, REFUSAL_FACT_MISSING, "body.");
        }
    }
}
END_TEST

START_TEST(headers_that_nobody_may_send)
{
    struct message message = outbound_referral();
    message.header.version = 2;
    expect(&message, NULL, REFUSAL_PAYLOAD, "header.version");
    message = outbound_referral();
    message.header.kind = MESSAGE_REMINDER;
    expect(&message, NULL, REFUSAL_KIND, "header.kind");
    message.header.kind = MESSAGE_AGENCY_KIND_COUNT;
    expect(&message, NULL, REFUSAL_KIND, "header.kind");
    message = outbound_referral();
    SET(message.header.recipient, "court");
    expect(&message, NULL, REFUSAL_RECIPIENT, "header.recipient");
    SET(message.header.recipient, "procuratorate");
    expect(&message, NULL, REFUSAL_RECIPIENT, "header.recipient");
    message = outbound_referral();
    SET(message.header.sender, "justice");
    expect(&message, NULL, REFUSAL_POLICY, "header.kind");
    message = outbound_referral();
    memset(&message.header.message_id, 0x11, sizeof(message.header.message_id));
    expect(&message, NULL, REFUSAL_PAYLOAD, "header.message_id");
    message = outbound_referral();
    SET(message.header.referral_number, "JZ-2026-0032-01");
    expect(&message, NULL, REFUSAL_NUMBER, "header.referral_number");
}
END_TEST

START_TEST(referrals_without_their_parts)
{
    struct message message = outbound_referral();
    message.referral.ground = 0;
    expect(&message, NULL, REFUSAL_FACT_MISSING, "facts.ground");
    message.referral.ground = 408;
    expect(&message, NULL, REFUSAL_FACT_INVALID, "facts.ground");
    message = outbound_referral();
    message.referral.needs = UINT64_C(1) << 63;
    expect(&message, NULL, REFUSAL_FACT_INVALID, "facts.needs");
    message = outbound_referral();
    message.referral.person_count = 0;
    expect(&message, NULL, REFUSAL_FACT_INVALID, "facts.person_count");
    message = outbound_referral();
    message.referral.advance = true;
    expect(&message, NULL, REFUSAL_ADVANCE_REASON, "body.advance_reason");
    message.body_fields |= BODY_ADVANCE_REASON;
    expect(&message, NULL, REFUSAL_NONE, "");
    message = outbound_referral();
    message.referral.ground = GROUND_REFUSED;
    expect(&message, NULL, REFUSAL_NONE, "");
    message = outbound_referral();
    message.referral.told = 1;
    expect(&message, NULL, REFUSAL_FACT_INVALID, "facts.relation");
    message = inbound_referral();
    message.referral.ground = GROUND_REFUSED;
    expect(&message, NULL, REFUSAL_FACT_INVALID, "facts.ground");
    message = inbound_referral();
    message.referral.advance = true;
    message.body_fields |= BODY_ADVANCE_REASON;
    expect(&message, NULL, REFUSAL_FACT_INVALID, "facts.advance");
    message = inbound_referral();
    message.referral.told = 0; /* Art. 10: tell, or refer */
    expect(&message, NULL, REFUSAL_NONE, "");
}
END_TEST

/* Art. 7: each of the five alone. */
START_TEST(each_mandatory_material)
{
    struct material materials[COUNT_OF(all_materials)];
    size_t left = 0;
    for (size_t i = 0; i < COUNT_OF(all_materials); i++) {
        if (i != (size_t)_i) {
            materials[left++] = all_materials[i];
        }
    }
    struct message message = outbound_referral();
    message.referral.materials = materials;
    message.referral.material_count = left;
    expect(&message, NULL, REFUSAL_MATERIAL_MISSING, "facts.materials");
}
END_TEST

START_TEST(materials_are_there_or_have_a_reason)
{
    struct material materials[COUNT_OF(all_materials)];
    memcpy(materials, all_materials, sizeof(materials));
    struct message message = outbound_referral();
    message.referral.materials = materials;
    materials[3].missing_reason = 0;
    expect(&message, NULL, REFUSAL_FACT_INVALID, "facts.materials[3]");
    materials[3].missing_reason = 99;
    expect(&message, NULL, REFUSAL_FACT_INVALID, "facts.materials[3].missing");
    materials[3] = all_materials[3];
    materials[0].missing_reason = 1; /* and a digest */
    expect(&message, NULL, REFUSAL_FACT_INVALID, "facts.materials[0]");
    materials[0] = all_materials[0];
    materials[2].sealed_bytes = 0;
    expect(&message, NULL, REFUSAL_FACT_INVALID, "facts.materials[2].sealed_bytes");
    materials[2] = all_materials[2];
    materials[4].kind = 77;
    expect(&message, NULL, REFUSAL_FACT_INVALID, "facts.materials[4].kind");
}
END_TEST

START_TEST(a_need_outside_the_duties_is_a_warning)
{
    struct world world = world_new();
    struct check_result result;
    struct message message = outbound_referral();
    message.referral.needs = UINT64_C(1) << 12 | UINT64_C(1) << 1; /* legal aid, student aid */
    message_check(&world.ctx, &message, NULL, &result);
    ck_assert_int_eq(result.refusal, REFUSAL_NONE);
    ck_assert_uint_eq(result.needs_outside, UINT64_C(1) << 12);
    world_free(&world);
}
END_TEST

/* ---- feedback ---- */

static void expect_feedback(enum feedback_outcome outcome, void (*spoil)(struct feedback_facts *),
                            enum refusal refusal, const char *path)
{
    struct message message = feedback(outcome);
    spoil(&message.feedback);
    expect(&message, NULL, refusal, path);
}

static void no_measure(struct feedback_facts *facts)
{
    facts->measure_count = 0;
}

static void no_document(struct feedback_facts *facts)
{
    facts->document_count = 0;
}

static void nobody_tells(struct feedback_facts *facts)
{
    facts->tell_by = 0;
}

static void stranger_tells(struct feedback_facts *facts)
{
    facts->tell_by = 3;
}

static void no_suggestion(struct feedback_facts *facts)
{
    facts->suggested_agency[0] = '\0';
}

static void itself(struct feedback_facts *facts)
{
    SET(facts->suggested_agency, "education");
}

static void stranger(struct feedback_facts *facts)
{
    SET(facts->suggested_agency, "court");
}

static void foreign_register(struct feedback_facts *facts)
{
    SET(facts->register_number, "MZ-DJ-2026-0001");
}

static void bad_register(struct feedback_facts *facts)
{
    SET(facts->register_number, "JY-2026-0001");
}

static void no_outcome(struct feedback_facts *facts)
{
    facts->outcome = OUTCOME_NONE;
}

static void inbound_outcome(struct feedback_facts *facts)
{
    facts->outcome = OUTCOME_SUITABLE;
}

static void measures_too(struct feedback_facts *facts)
{
    facts->measures = one_measure;
    facts->measure_count = 1;
}

static void documents_too(struct feedback_facts *facts)
{
    facts->documents = one_document;
    facts->document_count = 1;
}

START_TEST(every_part_of_every_outcome)
{
    expect_feedback(OUTCOME_GRANTED, no_measure, REFUSAL_FACT_MISSING, "facts.measures");
    expect_feedback(OUTCOME_PROCEDURE_REQUIRED, no_document, REFUSAL_FACT_MISSING,
                    "facts.documents");
    expect_feedback(OUTCOME_PROCEDURE_REQUIRED, nobody_tells, REFUSAL_FACT_MISSING,
                    "facts.tell_by");
    expect_feedback(OUTCOME_PROCEDURE_REQUIRED, stranger_tells, REFUSAL_FACT_INVALID,
                    "facts.tell_by");
    expect_feedback(OUTCOME_NOT_MY_DUTY, no_suggestion, REFUSAL_FACT_MISSING,
                    "facts.suggested_agency");
    expect_feedback(OUTCOME_NOT_MY_DUTY, itself, REFUSAL_FACT_INVALID, "facts.suggested_agency");
    expect_feedback(OUTCOME_NOT_MY_DUTY, stranger, REFUSAL_FACT_INVALID, "facts.suggested_agency");
    expect_feedback(OUTCOME_GRANTED, foreign_register, REFUSAL_REGISTER_NUMBER,
                    "facts.register_number");
    expect_feedback(OUTCOME_GRANTED, bad_register, REFUSAL_REGISTER_NUMBER,
                    "facts.register_number");
    expect_feedback(OUTCOME_GRANTED, no_outcome, REFUSAL_FACT_MISSING, "facts.outcome");
    expect_feedback(OUTCOME_GRANTED, inbound_outcome, REFUSAL_FACT_INVALID, "facts.outcome");
    expect_feedback(OUTCOME_NOT_ELIGIBLE, measures_too, REFUSAL_FACT_INVALID, "facts.measures");
    expect_feedback(OUTCOME_GRANTED, documents_too, REFUSAL_FACT_INVALID, "facts.documents");
    expect_feedback(OUTCOME_SUITABLE, measures_too, REFUSAL_FACT_INVALID, "facts.measures");
}
END_TEST

static const struct {
    struct measure measure;
    const char *path;
} measure_rows[] = {
    {{.measure = 0, .shape = 1, .amount_fen = 1, .unit = 1}, "facts.measures[0].measure"},
    {{.measure = 11, .shape = 9, .amount_fen = 1, .unit = 1}, "facts.measures[0].shape"},
    {{.measure = 11, .shape = 1, .amount_fen = 1, .unit = 0}, "facts.measures[0].unit"},
    {{.measure = 11, .shape = 1, .unit = 1}, "facts.measures[0].amount_fen"},
    {{.measure = 11, .shape = 2, .unit = 1, .start_date = 20260231},
     "facts.measures[0].start_date"},
    {{.measure = 11, .shape = 2, .unit = 1, .start_date = 20260302, .end_date = 20260301},
     "facts.measures[0].end_date"},
    {{.measure = 11, .shape = 2, .unit = 1, .person_index = 64}, "facts.measures[0].person_index"},
    {{.measure = 11, .shape = 1, .unit = 1, .existing_kept = true}, NULL},
    {{.measure = 11, .shape = 3, .unit = 1}, NULL},
};

START_TEST(the_shape_of_a_measure)
{
    struct message message = feedback(OUTCOME_GRANTED);
    const char *path = measure_rows[_i].path;
    message.feedback.measures = &measure_rows[_i].measure;
    expect(&message, NULL, path == NULL ? REFUSAL_NONE : REFUSAL_FACT_INVALID,
           path == NULL ? "" : path);
}
END_TEST

START_TEST(small_kinds_without_their_parts)
{
    struct message message = sign_for();
    message.sign_for.register_number[0] = '\0';
    expect(&message, NULL, REFUSAL_FACT_MISSING, "facts.register_number");
    message = informed("procuratorate", "education");
    message.informed.task = TASK_PAPERS;
    expect(&message, NULL, REFUSAL_TASK_UNKNOWN, "facts.task");
    message = informed("procuratorate", "education");
    message.informed.how = 0;
    expect(&message, NULL, REFUSAL_FACT_INVALID, "facts.how");
    message = papers("procuratorate", "education");
    message.papers.document_count = 0;
    expect(&message, NULL, REFUSAL_FACT_MISSING, "facts.documents");
    message = papers("procuratorate", "education");
    message.papers.received_ms = 0;
    expect(&message, NULL, REFUSAL_FACT_MISSING, "facts.received");
    message = withdrawal();
    message.withdrawal.reason = 0;
    expect(&message, NULL, REFUSAL_FACT_MISSING, "facts.reason");
    struct message about = outbound_referral();
    message = receipt(MESSAGE_DELIVERY, &about);
    message.delivery.stream_seq = 0;
    expect(&message, NULL, REFUSAL_DELIVERY, "facts.lane");
    message = receipt(MESSAGE_REJECTION, &about);
    message.delivery.reason = 0;
    expect(&message, NULL, REFUSAL_FACT_INVALID, "facts.reason");
    message = receipt(MESSAGE_DELIVERY, &about);
    message.body_present = true;
    expect(&message, NULL, REFUSAL_SEALING, "body");
    message = sign_for();
    message.body_present = false;
    expect(&message, NULL, REFUSAL_SEALING, "body");
}
END_TEST

/* ---- bodies ---- */

static const struct body_person one_person[] = {
    {.name = "甲", .identity_number = "11010519491231002X", .relation = 1, .may_be_told = 2}};

static struct body body_of(const struct message *message)
{
    struct body body = {.officer = "乙",
                        .circumstances = "情况",
                        .reasons = "理由",
                        .persons = one_person,
                        .person_count = 1};
    memcpy(body.sender, message->header.sender, sizeof(body.sender));
    memcpy(body.recipient, message->header.recipient, sizeof(body.recipient));
    body.message_id = message->header.message_id;
    body.case_id = message->header.case_id;
    return body;
}

static void expect_body(const struct message *message, const struct body *body, uint32_t rejection,
                        const char *path)
{
    struct world world = world_new();
    struct check_result result;
    message_check(&world.ctx, message, body, &result);
    ck_assert_msg(result.rejection == rejection, "%u: %s", result.rejection, result.detail);
    ck_assert_int_eq(result.refusal == REFUSAL_NONE, rejection == 0);
    ck_assert_msg(strncmp(result.detail, path, strlen(path)) == 0, "%s", result.detail);
    ck_assert_msg(strstr(result.detail, "甲") == NULL && strstr(result.detail, "1101") == NULL,
                  "a detail holds content");
    world_free(&world);
}

START_TEST(bodies_after_opening)
{
    struct message message = outbound_referral();
    struct body body = body_of(&message);
    struct body_person person = one_person[0];
    body.persons = &person;
    expect_body(&message, &body, 0, "");
    person.identity_number = "110105194912310021";
    expect_body(&message, &body, REJECTION_IDENTITY, "body.persons[0].identity_number");
    person.identity_number = NULL;
    expect_body(&message, &body, 0, "");
    person.name = "";
    expect_body(&message, &body, REJECTION_MISSING, "body.persons[0].name");
    person = one_person[0];
    person.relation = 99;
    expect_body(&message, &body, REJECTION_CONTRADICTS, "body.persons[0]");
    person = one_person[0];
    body.circumstances = "";
    expect_body(&message, &body, REJECTION_MISSING, "body.circumstances");
    body = body_of(&message);
    body.advance_reason = "另有";
    expect_body(&message, &body, REJECTION_CONTRADICTS, "facts.body_fields");
    message.body_fields |= BODY_ADVANCE_REASON;
    expect_body(&message, &body, 0, "");
    message = outbound_referral();
    message.referral.person_count = 2;
    body = body_of(&message);
    expect_body(&message, &body, REJECTION_CONTRADICTS, "facts.person_count");
}
END_TEST

/* Art. 17-20: what the facts must say of a minor, and which marks stand alone. */
START_TEST(minors_in_the_facts)
{
    struct message message = outbound_referral();
    message.referral.minor_marks = 1u << MINOR_EX_OFFICIO;
    expect(&message, NULL, REFUSAL_MINOR, "facts.minor_marks");
    message.referral.minor_marks = 1u << MINOR_OVER_LIMIT;
    expect(&message, NULL, REFUSAL_MINOR, "facts.minor_marks");
    message.referral.minor_marks |= 1u << MINOR_CONCERNED;
    expect(&message, NULL, REFUSAL_NONE, "");
    for (uint32_t ground = GROUND_ART18_FIRST; ground <= GROUND_ART18_LAST; ground++) {
        message = inbound_referral();
        message.referral.ground = ground;
        expect(&message, NULL, REFUSAL_MINOR, "facts.needs");
        message.referral.needs = 1;
        expect(&message, NULL, REFUSAL_NONE, "");
        message = outbound_referral();
        message.referral.ground = ground;
        message.referral.needs = 0;
        expect(&message, NULL, REFUSAL_MINOR, "facts.needs");
    }
    message = outbound_referral();
    message.referral.needs = 0; /* Art. 4 says nothing of needs */
    expect(&message, NULL, REFUSAL_NONE, "");
}
END_TEST

/* By mark, by group and by ground: who guards the minor, or that nobody may be told. */
START_TEST(minors_in_the_body)
{
    for (int way = 0; way < 3; way++) {
        struct message message = outbound_referral();
        struct body body = body_of(&message);
        struct body_person persons[2] = {one_person[0], {.name = "丙", .minor = true}};
        message.referral.minor_marks = way == 0 ? 1u << MINOR_CONCERNED : 0;
        message.referral.priority_groups = way == 1 ? UINT64_C(1) << GROUP_ORPHAN : 0;
        message.referral.ground = way == 2 ? GROUND_ART18_FIRST : GROUND_ART4_FIRST;
        expect_body(&message, &body, REJECTION_MISSING, "body.persons: expected the minor");
        body.persons = persons;
        body.person_count = 2;
        message.referral.person_count = 2;
        expect_body(&message, &body, REJECTION_MISSING, "body.persons[1].guardian");
        persons[1].may_be_told = 1;
        expect_body(&message, &body, REJECTION_MISSING, "body.persons[1].guardian");
        persons[1].may_be_told = MAY_BE_TOLD_NO;
        expect_body(&message, &body, 0, "");
        persons[1].may_be_told = 0;
        persons[1].guardian = "丁";
        expect_body(&message, &body, 0, "");
        persons[0].minor = true; /* a brother: his guardian too */
        persons[0].may_be_told = 1;
        expect_body(&message, &body, REJECTION_MISSING, "body.persons[0].guardian");
    }
    struct message message = outbound_referral(); /* a household with a child, not about it */
    struct body body = body_of(&message);
    struct body_person child = {.name = "丙", .minor = true};
    body.persons = &child;
    expect_body(&message, &body, 0, "");
}
END_TEST

START_TEST(a_referral_that_follows_another)
{
    struct message message = outbound_referral();
    message.referral.link = LINK_FOLLOW_UP;
    expect(&message, NULL, REFUSAL_FACT_INVALID, "facts.previous");
    message.referral.previous = id_of(9);
    expect(&message, NULL, REFUSAL_NONE, "");
    message.referral.link = 0;
    expect(&message, NULL, REFUSAL_FACT_INVALID, "facts.previous");
    message.referral.link = 99;
    expect(&message, NULL, REFUSAL_FACT_INVALID, "facts.link");
    message.referral.link = LINK_SUPPLEMENT;
    message.referral.previous_case = id_of(8);
    expect(&message, NULL, REFUSAL_NONE, "");
    message.referral.link = 0;
    memset(&message.referral.previous, 0, sizeof(message.referral.previous));
    expect(&message, NULL, REFUSAL_FACT_INVALID, "facts.previous_case");
    message.referral.link = LINK_SUPPLEMENT;
    message.referral.previous = message.header.referral_id;
    expect(&message, NULL, REFUSAL_PREVIOUS, "facts.previous");
}
END_TEST

START_TEST(a_body_under_another_header_is_found)
{
    struct message message = outbound_referral();
    struct body body = body_of(&message);
    SET(body.sender, "justice");
    expect_body(&message, &body, REJECTION_CONTRADICTS, "body.sender");
    body = body_of(&message);
    SET(body.recipient, "justice");
    expect_body(&message, &body, REJECTION_CONTRADICTS, "body.sender");
    body = body_of(&message);
    body.message_id = id_of(77);
    expect_body(&message, &body, REJECTION_CONTRADICTS, "body.sender");
    body = body_of(&message);
    body.case_id = id_of(77);
    expect_body(&message, &body, REJECTION_CONTRADICTS, "body.sender");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("check");
    TCase *cases = tcase_create("all");
    tcase_add_loop_test(cases, right_messages_are_taken, 0, RIGHT_COUNT);
    tcase_add_loop_test(cases, every_mandatory_body_field_is_demanded, 0, RIGHT_COUNT);
    tcase_add_test(cases, headers_that_nobody_may_send);
    tcase_add_test(cases, referrals_without_their_parts);
    tcase_add_loop_test(cases, each_mandatory_material, 0, (int)COUNT_OF(all_materials));
    tcase_add_test(cases, materials_are_there_or_have_a_reason);
    tcase_add_test(cases, a_need_outside_the_duties_is_a_warning);
    tcase_add_test(cases, every_part_of_every_outcome);
    tcase_add_loop_test(cases, the_shape_of_a_measure, 0, (int)COUNT_OF(measure_rows));
    tcase_add_test(cases, small_kinds_without_their_parts);
    tcase_add_test(cases, minors_in_the_facts);
    tcase_add_test(cases, minors_in_the_body);
    tcase_add_test(cases, a_referral_that_follows_another);
    tcase_add_test(cases, bodies_after_opening);
    tcase_add_test(cases, a_body_under_another_header_is_found);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
