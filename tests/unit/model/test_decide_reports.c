/* lib/model/decide, what stands beside a referral's life: assistance by stage and instalment,
 * replies to documents, corrections, referrals that follow others, archived cases, and agencies
 * that hand over with open windows. */
#include "decide_support.h"

/* ---- assistance ---- */

static struct message assistance(uint32_t stage, uint32_t instalment)
{
    struct message message = message_of(MESSAGE_ASSISTANCE_REPORT, "education", "procuratorate");
    message.assistance = (struct assistance_facts){.stage = stage,
                                                   .measure = 11,
                                                   .shape = SHAPE_MONEY,
                                                   .amount_fen = 40000,
                                                   .instalment = instalment,
                                                   .date = 20260320};
    return message;
}

static void city_granted(struct city *city)
{
    struct message answer = feedback(OUTCOME_GRANTED);
    city_delivered(city);
    ck_assert_int_eq(city_send(city, &answer), REFUSAL_NONE);
}

START_TEST(assistance_follows_a_grant)
{
    struct city city;
    city_open(&city, 2026, false);
    struct message message = assistance(STAGE_APPROVED, 0);
    city_delivered(&city);
    city_refuse(&city, &message, REFUSAL_STATE);
    struct message answer = feedback(OUTCOME_GRANTED);
    ck_assert_int_eq(city_send(&city, &answer), REFUSAL_NONE);
    ck_assert_uint_eq(city.referral.granted, UINT64_C(1) << 11);
    city_accept(&city, &message, "queue>procuratorate");
    message.assistance.stage = STAGE_PAID;
    city_accept(&city, &message, "queue>procuratorate");
    ck_assert_uint_eq(city.referral.marks & MARK_ASSISTED, 0);
    ck_assert_uint_eq(city.referral.delivered, 0);
    message.assistance.stage = STAGE_DELIVERED;
    city.ctx.now_ms = noon_of("2026-03-20");
    city_accept(&city, &message, "queue>procuratorate");
    ck_assert_uint_ne(city.referral.marks & MARK_ASSISTED, 0);
    ck_assert_uint_eq(city.referral.delivered, UINT64_C(1) << 11);
    ck_assert_uint_eq(city.referral.assisted_ms, noon_of("2026-03-20"));
    ck_assert_int_eq(city.referral.state, REFERRAL_ANSWERED);
    message.assistance.measure = 5; /* another measure, a month later: the first day stays */
    city.ctx.now_ms = noon_of("2026-04-20");
    city_accept(&city, &message, "queue>procuratorate");
    ck_assert_uint_eq(city.referral.assisted_ms, noon_of("2026-03-20"));
    ck_assert_uint_eq(city.referral.delivered, UINT64_C(1) << 11 | UINT64_C(1) << 5);
    city_close(&city);
}
END_TEST

START_TEST(no_assistance_after_a_refusal)
{
    static const enum feedback_outcome outcomes[] = {OUTCOME_NOT_ELIGIBLE, OUTCOME_NOT_MY_DUTY,
                                                     OUTCOME_PROCEDURE_REQUIRED};
    struct city city;
    city_open(&city, 2026, false);
    city_delivered(&city);
    struct message answer = feedback(outcomes[_i]);
    ck_assert_int_eq(city_send(&city, &answer), REFUSAL_NONE);
    ck_assert_uint_eq(city.referral.granted, 0);
    struct message message = assistance(STAGE_PAID, 0);
    city_refuse(&city, &message, REFUSAL_STATE);
    city_close(&city);
}
END_TEST

START_TEST(assistance_is_the_receivers_to_report)
{
    struct city city;
    city_open(&city, 2026, false);
    city_granted(&city);
    struct message message = assistance(STAGE_PAID, 0);
    SET(message.header.sender, "procuratorate");
    SET(message.header.recipient, "education");
    city_refuse(&city, &message, REFUSAL_NOT_PARTY);
    message = assistance(STAGE_PAID, 0);
    message.assistance.person_index = 1; /* the household has one person */
    city_refuse(&city, &message, REFUSAL_FACT_INVALID);
    message.assistance.person_index = 0;
    message.assistance.instalment = 65536;
    city_refuse(&city, &message, REFUSAL_FACT_INVALID);
    city_close(&city);
}
END_TEST

/* In any order, each once; what lies too far behind to be remembered counts as reported. */
START_TEST(each_instalment_once)
{
    static const struct {
        uint32_t instalment;
        bool taken;
    } reports[] = {{2, true},   {1, true},   {2, false},  {1, false},   {64, true},
                   {3, true},   {3, false},  {66, true},  {64, false},  {2, false},
                   {200, true}, {65, false}, {137, true}, {136, false}, {137, false}};
    struct city city;
    uint64_t sum_fen = 0;
    city_open(&city, 2026, false);
    city_granted(&city);
    for (size_t i = 0; i < COUNT_OF(reports); i++) {
        struct message message = assistance(STAGE_PAID, reports[i].instalment);
        enum refusal refusal = city_send(&city, &message);
        ck_assert_msg(refusal == (reports[i].taken ? REFUSAL_NONE : REFUSAL_ALREADY), "%zu: %s", i,
                      city.decision->detail);
        sum_fen += reports[i].taken ? message.assistance.amount_fen : 0;
        ck_assert_uint_eq(city.referral.help_count, 1);
        ck_assert_uint_eq(city.referral.helps[0].amount_fen, sum_fen);
    }
    struct message other = assistance(STAGE_DELIVERED, 2); /* another stage is another list */
    ck_assert_int_eq(city_send(&city, &other), REFUSAL_NONE);
    ck_assert_uint_eq(city.referral.help_count, 2);
    city_close(&city);
}
END_TEST

START_TEST(what_one_referral_keeps_is_bounded)
{
    struct city city;
    city_open(&city, 2026, false);
    city_granted(&city);
    city.referral.person_count = LIMIT_PERSONS;
    for (uint32_t i = 0; i <= REFERRAL_HELPS_MAX; i++) {
        struct message message = assistance(i < LIMIT_PERSONS ? STAGE_PAID : STAGE_DELIVERED, 0);
        message.assistance.person_index = i % LIMIT_PERSONS;
        city_refuse(&city, &message, i < REFERRAL_HELPS_MAX ? REFUSAL_NONE : REFUSAL_FACT_INVALID);
    }
    uint8_t packed[REFERRAL_PACKED_MAX];
    struct referral unpacked;
    size_t len = referral_pack(&city.referral, packed);
    ck_assert_int_eq(referral_unpack(span_of(packed, len), &unpacked), OK);
    ck_assert_uint_eq(unpacked.help_count, REFERRAL_HELPS_MAX);
    city_close(&city);
}
END_TEST

START_TEST(suitable_leads_to_assistance_too)
{
    struct city city;
    city_open(&city, 2026, false);
    struct message referral = inbound_referral();
    struct message delivery = receipt(MESSAGE_DELIVERY, &referral);
    struct message answer = feedback(OUTCOME_SUITABLE);
    ck_assert_int_eq(city_send(&city, &referral), REFUSAL_NONE);
    ck_assert_int_eq(city_send(&city, &delivery), REFUSAL_NONE);
    ck_assert_int_eq(city_send(&city, &answer), REFUSAL_NONE);
    struct message message =
        message_of(MESSAGE_ASSISTANCE_REPORT, "procuratorate", "womens-federation");
    message.assistance = (struct assistance_facts){.stage = STAGE_PAID,
                                                   .measure = 28,
                                                   .shape = SHAPE_MONEY,
                                                   .amount_fen = 1000000,
                                                   .date = 20260401};
    city_accept(&city, &message, "queue>womens-federation");
    city_close(&city);
}
END_TEST

/* ---- documents ---- */

static struct message document_reply(const char *number)
{
    struct message message = message_of(MESSAGE_ESCALATION_REPLY, "education", "procuratorate");
    SET(message.escalation_reply.document_number, number);
    message.escalation_reply.answer = 1;
    message.body_fields |= BODY_TEXT;
    return message;
}

START_TEST(a_document_is_replied_to_once_and_stays_open)
{
    struct city city;
    city_open(&city, 2026, false);
    city_signed(&city);
    city.ctx.now_ms = noon_of("2026-04-03");
    struct message reply = document_reply("DB-2026-0001");
    city_refuse(&city, &reply, REFUSAL_DOCUMENT); /* nothing was raised yet */
    city_look(&city);
    ck_assert_uint_eq(city.referral.document_count, 2);
    struct message foreign = reply;
    SET(foreign.header.sender, "procuratorate"); /* it waits: it is not asked */
    SET(foreign.header.recipient, "education");
    city_refuse(&city, &foreign, REFUSAL_DOCUMENT);
    city_accept(&city, &reply, "queue>procuratorate");
    ck_assert_uint_eq(city.referral.document_count, 2);
    ck_assert_uint_eq(city.referral.documents[0].answer, 1);
    ck_assert_uint_eq(city.referral.documents[1].answer, 0);
    ck_assert_int_eq(city.referral.state, REFERRAL_DELIVERED);
    city_refuse(&city, &reply, REFUSAL_ALREADY);
    reply = document_reply("DB-2026-0003");
    city_refuse(&city, &reply, REFUSAL_DOCUMENT);
    struct message answer = feedback(OUTCOME_GRANTED);
    ck_assert_int_eq(city_send(&city, &answer), REFUSAL_NONE);
    reply = document_reply("DB-2026-0002"); /* its cause is gone */
    city_refuse(&city, &reply, REFUSAL_DOCUMENT);
    city_close(&city);
}
END_TEST

START_TEST(an_agent_takes_replies_to_documents_that_it_does_not_know)
{
    struct city city;
    city_open(&city, 2026, false);
    city_signed(&city);
    city.ctx.replica = true;
    struct message reply = document_reply("DB-2026-0044");
    city_accept(&city, &reply, "queue>procuratorate");
    city_close(&city);
}
END_TEST

/* ---- corrections ---- */

START_TEST(corrections_of_either_party)
{
    struct city city;
    city_open(&city, 2026, false);
    struct message referral = outbound_referral();
    struct message delivery = receipt(MESSAGE_DELIVERY, &referral);
    struct message message = message_of(MESSAGE_CORRECTION, "procuratorate", "education");
    message.header.refers_to = referral.header.message_id;
    message.correction.corrects = 1;
    message.body_fields |= BODY_TEXT;
    city_refuse(&city, &message, REFUSAL_REFERRAL_UNKNOWN);
    ck_assert_int_eq(city_send(&city, &referral), REFUSAL_NONE);
    city_accept(&city, &message, "queue>education");
    ck_assert_int_eq(city_send(&city, &delivery), REFUSAL_NONE);
    struct message back = message;
    SET(back.header.sender, "education");
    SET(back.header.recipient, "procuratorate");
    city_accept(&city, &back, "queue>procuratorate");
    ck_assert_int_eq(city.referral.state, REFERRAL_DELIVERED);
    memset(&back.header.refers_to, 0, sizeof(back.header.refers_to));
    city_refuse(&city, &back, REFUSAL_REFERS_TO);
    struct message answer = feedback(OUTCOME_NOT_ELIGIBLE);
    ck_assert_int_eq(city_send(&city, &answer), REFUSAL_NONE);
    city_accept(&city, &message, "queue>education");
    city_close(&city);
    city_open(&city, 2026, false);
    city_delivered(&city);
    struct message gone = withdrawal();
    ck_assert_int_eq(city_send(&city, &gone), REFUSAL_NONE);
    city_refuse(&city, &message, REFUSAL_STATE);
    city_close(&city);
}
END_TEST

/* ---- one referral after another ---- */

/* A first referral of the same case, from the procuratorate to civil-affairs. */
static struct referral followed(const struct city *city, enum feedback_outcome outcome)
{
    struct referral about;
    memset(&about, 0, sizeof(about));
    about.case_id = id_of(1);
    about.referral_id = id_of(77);
    SET(about.number, "JZ-2026-0031-09");
    about.kind = MESSAGE_OUTBOUND_REFERRAL;
    about.sender = registry_find(city->registry, "procuratorate")->number;
    about.receiver = registry_find(city->registry, "civil-affairs")->number;
    about.state = REFERRAL_ANSWERED;
    about.outcome = outcome;
    return about;
}

static struct message following(uint32_t link)
{
    struct message message = outbound_referral();
    message.referral.previous = id_of(77);
    message.referral.link = link;
    return message;
}

#define SENT_ON "number=JZ-2026-0031 number=JZ-2026-0031-01 queue>education"

START_TEST(sent_on_after_not_my_duty)
{
    struct city city;
    city_open(&city, 2026, false);
    struct referral about = followed(&city, OUTCOME_NOT_MY_DUTY);
    struct message message = following(LINK_RE_REFERRAL);
    city_refuse(&city, &message, REFUSAL_PREVIOUS); /* unknown */
    city.ctx.about = &about;
    about.outcome = OUTCOME_NOT_ELIGIBLE; /* declined, but not as another's duty */
    city_refuse(&city, &message, REFUSAL_PREVIOUS);
    about.outcome = OUTCOME_NOT_MY_DUTY;
    about.state = REFERRAL_WITHDRAWN;
    city_refuse(&city, &message, REFUSAL_PREVIOUS);
    about.state = REFERRAL_ANSWERED;
    about.receiver = registry_find(city.registry, "education")->number; /* to the same again */
    city_refuse(&city, &message, REFUSAL_PREVIOUS);
    about = followed(&city, OUTCOME_NOT_MY_DUTY);
    about.case_id = id_of(99);
    city_refuse(&city, &message, REFUSAL_PREVIOUS);
    about = followed(&city, OUTCOME_NOT_MY_DUTY);
    about.sender = registry_find(city.registry, "health")->number; /* another's referral */
    city_refuse(&city, &message, REFUSAL_PREVIOUS);
    about = followed(&city, OUTCOME_NOT_MY_DUTY);
    city.ctx.about_sent_on = true; /* twice from the same point */
    city_refuse(&city, &message, REFUSAL_PREVIOUS);
    city.ctx.about_sent_on = false;
    city_accept(&city, &message, SENT_ON);
    ck_assert_uint_eq(city.referral.hops, 1);
    ck_assert_uint_eq(city.referral.link, LINK_RE_REFERRAL);
    ck_assert(uuid_equal(&city.referral.previous, &about.referral_id));
    city_close(&city);
}
END_TEST

START_TEST(the_trail_ends_at_the_hop_limit)
{
    struct city city;
    city_open(&city, 2026, false);
    struct referral about = followed(&city, OUTCOME_NOT_MY_DUTY);
    struct message message = following(LINK_RE_REFERRAL);
    city.ctx.about = &about;
    about.hops = city.policy->hop_limit;
    city_refuse(&city, &message, REFUSAL_HOPS);
    about.hops--;
    city_accept(&city, &message, SENT_ON);
    ck_assert_uint_eq(city.referral.hops, city.policy->hop_limit);
    city_close(&city);
}
END_TEST

START_TEST(other_links)
{
    static const struct {
        uint32_t link;
        enum message_kind about;
        enum refusal refusal;
    } rows[] = {
        {LINK_FOLLOW_UP, MESSAGE_OUTBOUND_REFERRAL, REFUSAL_NONE},
        {LINK_SUPPLEMENT, MESSAGE_OUTBOUND_REFERRAL, REFUSAL_NONE},
        {LINK_OTHER_DIRECTION, MESSAGE_OUTBOUND_REFERRAL, REFUSAL_PREVIOUS},
        {LINK_OTHER_DIRECTION, MESSAGE_INBOUND_REFERRAL, REFUSAL_NONE},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct city city;
        city_open(&city, 2026, false);
        struct referral about = followed(&city, OUTCOME_GRANTED);
        struct message message = following(rows[i].link);
        about.kind = rows[i].about;
        about.case_id = id_of(99); /* it may be of a case that was closed long ago */
        city.ctx.about = &about;
        about.sender = about.receiver; /* of others: not to be known */
        city_refuse(&city, &message, REFUSAL_PREVIOUS);
        about = followed(&city, OUTCOME_GRANTED);
        about.kind = rows[i].about;
        city_refuse(&city, &message, rows[i].refusal);
        ck_assert_uint_eq(city.referral.hops, 0);
        city_close(&city);
    }
}
END_TEST

START_TEST(a_receiver_need_not_know_what_is_followed)
{
    struct city city;
    city_open(&city, 2026, false);
    struct message message = following(LINK_RE_REFERRAL);
    city.ctx.replica = true;
    city_accept(&city, &message, SENT_ON);
    ck_assert_uint_eq(city.referral.hops, 1);
    city_close(&city);
}
END_TEST

START_TEST(an_archived_case_takes_no_referral)
{
    struct city city;
    struct case_facts facts = {.known = true, .archived = true};
    city_open(&city, 2026, false);
    struct message message = outbound_referral();
    city.ctx.case_known = true;
    city.ctx.whole_case = &facts;
    city_refuse(&city, &message, REFUSAL_CASE_ARCHIVED);
    facts.archived = false;
    city_accept(&city, &message, SENT_ON);
    city_close(&city);
}
END_TEST

/* ---- agencies change ---- */

/* The shipped city, in which `culture` takes the place of `education` on 2026-03-10, and `arts`
 * that of `culture` on 2026-03-20. */
static void city_of_change(struct city *city)
{
    static const char at[] = "    prefix: JY\n";
    static const char left[] = "    successor: culture\n    left: 2026-03-10\n";
    static const char culture[] =
        "\n  - id: culture\n    number: 12\n    class: S\n    prefix: WH\n"
        "    name: {zh: 文教局, en: Culture}\n"
        "    office: {zh: 资助科, en: Aid}\n"
        "    former-names: [{zh: 教育体育局, en: Education}]\n"
        "    successor: arts\n    left: 2026-03-20\n"
        "\n  - id: arts\n    number: 13\n    class: S\n    prefix: YS\n"
        "    name: {zh: 艺教局, en: Arts}\n"
        "    office: {zh: 资助科, en: Aid}\n";
    struct buf text;
    struct buf shipped;
    struct fault fault = {.code = ""};
    city_open(city, 2026, false);
    shipped_text("config/agencies.yaml", &shipped);
    const uint8_t *row = memmem(shipped.data, shipped.len, at, strlen(at));
    ck_assert_ptr_nonnull(row);
    size_t head = (size_t)(row - shipped.data) + strlen(at);
    buf_init(&text, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(buf_append(&text, shipped.data, head), OK);
    ck_assert_int_eq(buf_append_text(&text, left), OK);
    ck_assert_int_eq(buf_append(&text, shipped.data + head, shipped.len - head), OK);
    ck_assert_int_eq(buf_append_text(&text, culture), OK);
    policy_free(city->policy);
    registry_free(city->registry);
    ck_assert_msg(registry_read("a.yaml", span_buf(&text), &city->registry, &fault) == OK, "%s: %s",
                  fault.place, fault.message);
    city->policy = shipped_policy(city->registry);
    city->ctx.registry = city->registry;
    city->ctx.policy = city->policy;
    buf_free(&shipped);
    buf_free(&text);
}

/* The window that education opened runs on; culture is told of its rungs and answers. */
START_TEST(a_successor_takes_over_an_open_window)
{
    struct city city;
    city_of_change(&city);
    city_delivered(&city);
    struct message signing = sign_for();
    SET(signing.header.sender, "culture");
    SET(signing.sign_for.register_number, "WH-DJ-2026-0001");
    city_refuse(&city, &signing, REFUSAL_NOT_PARTY); /* its day has not come */
    uint64_t due_ms = city.referral.clocks[REFERRAL_CLOCK_FEEDBACK].due_before_ms;
    city.ctx.now_ms = noon_of("2026-03-10");
    city_look(&city);
    ck_assert_str_eq(city.story, "raised:unsigned/unsigned-1=DB-2026-0001 "
                                 "escalation>culture[liaison] "
                                 "raised:unsigned/unsigned-2=DB-2026-0002 "
                                 "escalation>culture[leader]");
    city_accept(&city, &signing,
                "queue>procuratorate signed=WH-DJ-2026-0001 "
                "resolved:unsigned/unsigned-1=DB-2026-0001 resolved>culture[liaison] "
                "resolved:unsigned/unsigned-2=DB-2026-0002 resolved>culture[leader]");
    ck_assert_uint_eq(city.referral.clocks[REFERRAL_CLOCK_FEEDBACK].due_before_ms, due_ms);
    struct message answer = feedback(OUTCOME_GRANTED);
    SET(answer.header.sender, "culture");
    answer.feedback.register_number[0] = '\0';
    city_accept(&city, &answer, "queue>procuratorate stopped:feedback.1");
    /* history: the referral is education's still */
    ck_assert_uint_eq(city.referral.receiver, registry_find(city.registry, "education")->number);
    city_close(&city);
}
END_TEST

START_TEST(messages_go_to_the_successor)
{
    struct city city;
    city_of_change(&city);
    struct message referral = outbound_referral();
    ck_assert_int_eq(city_send(&city, &referral), REFUSAL_NONE);
    city.ctx.now_ms = noon_of("2026-03-10");
    /* what was queued for education is still acknowledged by it, or by whoever fetches for it */
    struct message delivery = receipt(MESSAGE_DELIVERY, &referral);
    city_accept(&city, &delivery,
                "unqueue opened:feedback.1 delivery-notice>procuratorate[liaison,sender]");
    struct message message = withdrawal();
    city_refuse(&city, &message, REFUSAL_AGENCY_LEFT);
    SET(message.header.recipient, "culture");
    city_accept(&city, &message, "queue>culture cancelled:feedback.1");
    city_close(&city);
}
END_TEST

/* What came to culture while it acted, it acknowledges after it has left, too. */
START_TEST(successors_of_successors)
{
    struct city city;
    city_of_change(&city);
    city_delivered(&city);
    struct message message = message_of(MESSAGE_CORRECTION, "procuratorate", "culture");
    message.header.message_id.bytes[UUID_BYTES - 1] = 99;
    message.header.refers_to = id_of(11);
    message.correction.corrects = 1;
    message.body_fields |= BODY_TEXT;
    city.ctx.now_ms = noon_of("2026-03-10");
    city_accept(&city, &message, "queue>culture");
    city.ctx.now_ms = noon_of("2026-03-20");
    struct message delivery = receipt(MESSAGE_DELIVERY, &message);
    city_accept(&city, &delivery, "unqueue");
    struct message signing = sign_for();
    SET(signing.header.sender, "arts");
    SET(signing.sign_for.register_number, "YS-DJ-2026-0001");
    city_accept(&city, &signing, "queue>procuratorate signed=YS-DJ-2026-0001");
    city_close(&city);
}
END_TEST

START_TEST(an_agent_reads_what_was_addressed_before_the_change)
{
    struct city city;
    city_of_change(&city);
    city_delivered(&city);
    city.ctx.now_ms = noon_of("2026-03-10");
    city.ctx.replica = true;
    struct message message = withdrawal();
    ck_assert_int_eq(city_send(&city, &message), REFUSAL_NONE);
    city_close(&city);
}
END_TEST

START_TEST(who_has_left_opens_nothing)
{
    struct city city;
    city_of_change(&city);
    city.ctx.now_ms = civil_start_ms(day_of("2026-03-10"));
    struct message message = outbound_referral();
    city_refuse(&city, &message, REFUSAL_AGENCY_LEFT);
    ck_assert_ptr_nonnull(strstr(city.decision->detail, "culture"));
    city.ctx.now_ms--;
    ck_assert_int_eq(city_send(&city, &message), REFUSAL_NONE);
    city.known = false;
    city.ctx.now_ms++;
    SET(message.header.recipient, "culture");
    ck_assert_int_eq(city_send(&city, &message), REFUSAL_NONE);
    city.known = false;
    message = inbound_referral();
    SET(message.header.sender, "education");
    SET(message.header.case_number, "JY-2026-0003");
    SET(message.header.referral_number, "JY-2026-0003-01");
    city_refuse(&city, &message, REFUSAL_AGENCY_LEFT);
    city_close(&city);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decide_reports");
    TCase *cases = tcase_create("all");
    tcase_add_test(cases, assistance_follows_a_grant);
    tcase_add_loop_test(cases, no_assistance_after_a_refusal, 0, 3);
    tcase_add_test(cases, assistance_is_the_receivers_to_report);
    tcase_add_test(cases, each_instalment_once);
    tcase_add_test(cases, what_one_referral_keeps_is_bounded);
    tcase_add_test(cases, suitable_leads_to_assistance_too);
    tcase_add_test(cases, a_document_is_replied_to_once_and_stays_open);
    tcase_add_test(cases, an_agent_takes_replies_to_documents_that_it_does_not_know);
    tcase_add_test(cases, corrections_of_either_party);
    tcase_add_test(cases, sent_on_after_not_my_duty);
    tcase_add_test(cases, the_trail_ends_at_the_hop_limit);
    tcase_add_test(cases, other_links);
    tcase_add_test(cases, a_receiver_need_not_know_what_is_followed);
    tcase_add_test(cases, an_archived_case_takes_no_referral);
    tcase_add_test(cases, a_successor_takes_over_an_open_window);
    tcase_add_test(cases, messages_go_to_the_successor);
    tcase_add_test(cases, successors_of_successors);
    tcase_add_test(cases, an_agent_reads_what_was_addressed_before_the_change);
    tcase_add_test(cases, who_has_left_opens_nothing);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
