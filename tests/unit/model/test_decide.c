/* lib/model/decide, messages: stories told as the effects of each step, every outcome, who may do
 * what, and what is refused. */
#include "decide_support.h"

#define OPENED "delivery-notice>procuratorate[liaison,sender]"

/* ---- submit, deliver, return ---- */

START_TEST(submitted_and_delivered)
{
    struct city city;
    city_open(&city, 2026, false);
    struct message referral = outbound_referral();
    city_accept(&city, &referral, "number=JZ-2026-0031 number=JZ-2026-0031-01 queue>education");
    ck_assert_int_eq(city.referral.state, REFERRAL_QUEUED);
    ck_assert_uint_eq(city.referral.next_due_ms, civil_end_ms(day_of("2026-03-03")));
    struct message delivery = receipt(MESSAGE_DELIVERY, &referral);
    city_accept(&city, &delivery, "unqueue opened:feedback.1 " OPENED);
    ck_assert_int_eq(city.referral.state, REFERRAL_DELIVERED);
    ck_assert(city.decision->effects[2].evidence);
    ck_assert_uint_eq(city.decision->effects[1].agent_received_ms, delivery.delivery.received_ms);
    ck_assert_uint_eq(city.referral.clocks[REFERRAL_CLOCK_FEEDBACK].due_before_ms,
                      civil_end_ms(day_of("2026-03-30")));
    city_refuse(&city, &delivery, REFUSAL_ALREADY);
    struct message rejection = receipt(MESSAGE_REJECTION, &referral);
    city_refuse(&city, &rejection, REFUSAL_ALREADY);
    city_refuse(&city, &referral, REFUSAL_REFERRAL_EXISTS);
    city_close(&city);
}
END_TEST

START_TEST(a_malformed_body_comes_back_and_no_window_opens)
{
    struct city city;
    city_open(&city, 2026, false);
    struct message referral = outbound_referral();
    struct message rejection = receipt(MESSAGE_REJECTION, &referral);
    ck_assert_int_eq(city_send(&city, &referral), REFUSAL_NONE);
    city_accept(&city, &rejection, "unqueue returned>procuratorate[liaison,sender]");
    ck_assert_str_eq(city.decision->effects[1].reason, "identity");
    ck_assert(city.decision->effects[1].evidence);
    ck_assert_int_eq(city.referral.state, REFERRAL_RETURNED);
    ck_assert_uint_eq(city.referral.next_due_ms, 0);
    ck_assert_uint_eq(city.referral.window_number, 0);
    struct message message = withdrawal();
    city_refuse(&city, &message, REFUSAL_STATE);
    message = sign_for();
    city_refuse(&city, &message, REFUSAL_STATE);
    city_close(&city);
}
END_TEST

START_TEST(who_may_open_a_case)
{
    struct city city;
    city_open(&city, 2026, false);
    struct message referral = outbound_referral();
    SET(referral.header.case_number, "FL-2026-0031");
    SET(referral.header.referral_number, "FL-2026-0031-01");
    city_refuse(&city, &referral, REFUSAL_NUMBER);
    city.ctx.case_known = true; /* a further referral of a case that another agency opened */
    city_accept(&city, &referral, "number=FL-2026-0031 number=FL-2026-0031-01 queue>education");
    city.known = false;
    city.ctx.number_taken = true;
    city_refuse(&city, &referral, REFUSAL_NUMBER);
    city.ctx.number_taken = false;
    city.ctx.referral_known = true;
    city_refuse(&city, &referral, REFUSAL_REFERRAL_EXISTS);
    city.ctx.referral_known = false;
    city.ctx.case_known = false;
    struct message unknown = sign_for();
    city_refuse(&city, &unknown, REFUSAL_REFERRAL_UNKNOWN);
    city_close(&city);
}
END_TEST

START_TEST(a_receipt_names_what_is_queued)
{
    struct city city;
    city_open(&city, 2026, false);
    struct message referral = outbound_referral();
    struct message delivery = receipt(MESSAGE_DELIVERY, &referral);
    const struct decide_item right = {.message_id = referral.header.message_id,
                                      .case_id = referral.header.case_id,
                                      .referral_id = referral.header.referral_id,
                                      .leaf_index = delivery.delivery.leaf_index,
                                      .leaf_hash = delivery.delivery.leaf_hash};
    ck_assert_int_eq(city_send(&city, &referral), REFUSAL_NONE);
    city.ctx.signer = registry_find(city.registry, "education")->number;
    for (int spoiled = 0; spoiled < 7; spoiled++) {
        struct decide_item item = right;
        item.message_id.bytes[3] ^= spoiled == 1 ? 1 : 0;
        item.leaf_index += spoiled == 2 ? 1 : 0;
        item.leaf_hash.bytes[31] ^= spoiled == 3 ? 1 : 0;
        item.case_id.bytes[0] ^= spoiled == 4 ? 1 : 0;
        item.referral_id.bytes[9] ^= spoiled == 5 ? 1 : 0;
        city.ctx.item = spoiled == 0 ? NULL : &item;
        decide_message(&city.ctx, &city.referral, &delivery, city.decision);
        ck_assert_int_eq(city.decision->refusal, spoiled == 6 ? REFUSAL_NONE : REFUSAL_DELIVERY);
    }
    city_close(&city);
}
END_TEST

/* ---- sign-for ---- */

START_TEST(sign_for_once_by_the_receiver)
{
    struct city city;
    city_open(&city, 2026, false);
    struct message referral = outbound_referral();
    struct message delivery = receipt(MESSAGE_DELIVERY, &referral);
    struct message message = sign_for();
    ck_assert_int_eq(city_send(&city, &referral), REFUSAL_NONE);
    city_refuse(&city, &message, REFUSAL_STATE); /* before it was delivered */
    ck_assert_int_eq(city_send(&city, &delivery), REFUSAL_NONE);
    city.ctx.number_taken = true;
    city_refuse(&city, &message, REFUSAL_REGISTER_NUMBER);
    city.ctx.number_taken = false;
    struct message foreign = message;
    SET(foreign.header.sender, "procuratorate");
    SET(foreign.header.recipient, "education");
    SET(foreign.sign_for.register_number, "JZ-DJ-2026-0001");
    city_refuse(&city, &foreign, REFUSAL_NOT_PARTY);
    city_accept(&city, &message, "queue>procuratorate signed=JY-DJ-2026-0001");
    ck_assert_uint_eq(city.referral.marks, MARK_SIGNED);
    city_refuse(&city, &message, REFUSAL_ALREADY);
    city_close(&city);
}
END_TEST

/* ---- parties ---- */

START_TEST(strangers_and_wrong_directions)
{
    struct city city;
    city_open(&city, 2026, false);
    city_delivered(&city);
    struct message message = sign_for();
    SET(message.header.sender, "justice");
    SET(message.sign_for.register_number, "SF-DJ-2026-0001");
    city_refuse(&city, &message, REFUSAL_NOT_PARTY);
    message = feedback(OUTCOME_SUITABLE); /* the procuratorate does not answer its own referral */
    SET(message.header.recipient, "education");
    SET(message.header.case_number, "JZ-2026-0031");
    SET(message.header.referral_number, "JZ-2026-0031-01");
    city_refuse(&city, &message, REFUSAL_NOT_PARTY);
    message = withdrawal();
    SET(message.header.recipient, "justice");
    city_refuse(&city, &message, REFUSAL_RECIPIENT);
    message = withdrawal();
    SET(message.header.case_number, "JZ-2026-0032");
    SET(message.header.referral_number, "JZ-2026-0032-01");
    city_refuse(&city, &message, REFUSAL_NUMBER);
    message = withdrawal();
    city.ctx.refers_to_foreign = true;
    city_refuse(&city, &message, REFUSAL_REFERS_TO);
    city.ctx.refers_to_foreign = false;
    city.ctx.signer = registry_find(city.registry, "justice")->number;
    decide_message(&city.ctx, &city.referral, &message, city.decision);
    ck_assert_int_eq(city.decision->refusal, REFUSAL_SENDER);
    city_close(&city);
}
END_TEST

/* ---- feedback ---- */

static const struct {
    enum feedback_outcome outcome;
    enum referral_state state;
    const char *story; /* after the queueing and the window */
} outcome_rows[] = {
    {OUTCOME_GRANTED, REFERRAL_ANSWERED, ""},
    {OUTCOME_NOT_ELIGIBLE, REFERRAL_ANSWERED, ""},
    {OUTCOME_NOT_MY_DUTY, REFERRAL_ANSWERED, ""},
    {OUTCOME_PROCEDURE_REQUIRED, REFERRAL_PROCEDURE,
     " task-opened:tell.1@procuratorate task-opened:papers.1@procuratorate"},
};

START_TEST(each_outbound_outcome_stops_the_window)
{
    struct city city;
    char story[512];
    struct message message = feedback(outcome_rows[_i].outcome);
    for (int is_signed = 0; is_signed < 2; is_signed++) {
        city_open(&city, 2026, false);
        if (is_signed == 1) {
            city_signed(&city);
        } else {
            city_delivered(&city);
        }
        (void)snprintf(story, sizeof(story), "queue>procuratorate stopped:feedback.1%s%s",
                       is_signed == 1 ? "" : " signed=JY-DJ-2026-0001", outcome_rows[_i].story);
        city_accept(&city, &message, story);
        ck_assert_int_eq(city.referral.state, outcome_rows[_i].state);
        ck_assert_int_eq(city.referral.outcome, outcome_rows[_i].outcome);
        ck_assert_uint_eq(city.referral.marks, MARK_SIGNED);
        ck_assert(!city.referral.late);
        city_refuse(&city, &message, REFUSAL_ALREADY);
        struct message again = sign_for();
        city_refuse(&city, &again, REFUSAL_ALREADY);
        city_close(&city);
    }
}
END_TEST

START_TEST(the_register_number_of_a_feedback)
{
    struct city city;
    city_open(&city, 2026, false);
    city_delivered(&city);
    struct message message = feedback(OUTCOME_GRANTED);
    message.feedback.register_number[0] = '\0';
    city_refuse(&city, &message, REFUSAL_FACT_MISSING);
    struct message signing = sign_for();
    ck_assert_int_eq(city_send(&city, &signing), REFUSAL_NONE);
    SET(message.feedback.register_number, "JY-DJ-2026-0002");
    city_refuse(&city, &message, REFUSAL_REGISTER_NUMBER);
    message.feedback.register_number[0] = '\0';
    city_accept(&city, &message, "queue>procuratorate stopped:feedback.1");
    city_close(&city);
}
END_TEST

/* Late feedback is taken, says how late, and the documents are resolved to those who had them. */
START_TEST(late_feedback_resolves_its_documents)
{
    struct city city;
    city_open(&city, 2026, false);
    city_signed(&city);
    struct message message = feedback(OUTCOME_GRANTED);
    city.ctx.now_ms = noon_of("2026-04-03"); /* 4 working days after day 20 */
    city_look(&city);
    city_accept(&city, &message,
                "queue>procuratorate stopped:feedback.1+4 "
                "resolved:feedback/due-1=DB-2026-0001 resolved>education[liaison,leader] "
                "resolved>procuratorate[sender] "
                "resolved:feedback/due-2=DB-2026-0002 resolved>education[liaison,leader] "
                "resolved>procuratorate[office,sender]");
    ck_assert_uint_eq(city.referral.document_count, 0);
    ck_assert_uint_eq(city.referral.next_due_ms, 0);
    city_close(&city);
}
END_TEST

static const struct {
    const char *now;
    uint64_t ms;
    bool late;
    uint32_t days;
} late_rows[] = {
    {"2026-03-30", 0, false, 0},                  /* noon of day 20 */
    {"2026-03-30", UINT64_C(43199999), false, 0}, /* its last millisecond */
    {"2026-03-30", UINT64_C(43200000), true, 1},  /* 24:00: a working day begins */
    {"2026-04-04", 0, true, 4},                   /* a holiday adds nothing */
    {"2026-04-07", 0, true, 5},
};

START_TEST(late_is_24_00_of_day_n)
{
    struct city city;
    city_open(&city, 2026, false);
    city_signed(&city);
    struct message message = feedback(OUTCOME_NOT_ELIGIBLE);
    city.ctx.now_ms = noon_of(late_rows[_i].now) + late_rows[_i].ms;
    ck_assert_int_eq(city_send(&city, &message), REFUSAL_NONE);
    ck_assert_int_eq(city.referral.late, late_rows[_i].late);
    ck_assert_uint_eq(city.referral.lateness_days, late_rows[_i].days);
    city_close(&city);
}
END_TEST

/* Domain section 4: the outage is from hour 22 of day 20 to hour 2 of the day after. */
static const struct {
    int signed_hour; /* from 00:00 of the day after day 20 */
    int now_minute;  /* after the start */
    int from_hour;
    int to_hour;
    bool claimed;
} claimed_rows[] = {
    {-1, 5, -2, 2, true},   {-1, 10, -2, 2, true},
    {-1, 11, -2, 2, false}, /* too late after the start */
    {-3, 5, -2, 2, false},  /* signed before the outage */
    {3, 5, -2, 2, false},   /* signed after it */
    {1, 5, -2, 2, true},    /* inside, after the end: counts, and is late */
    {2, 5, 1, 2, false},    /* the window had ended before the outage */
    {-1, 5, -2, -1, false}, /* it ended after the outage */
};

START_TEST(claimed_time)
{
    struct city city;
    uint64_t midnight = civil_end_ms(day_of("2026-03-30"));
    const int64_t hour = 3600000;
    city_open(&city, 2026, false);
    city_signed(&city);
    struct message message = feedback(OUTCOME_GRANTED);
    message.header.created_ms = midnight + (uint64_t)(claimed_rows[_i].signed_hour * hour);
    city.ctx.outage_from_ms = midnight + (uint64_t)(claimed_rows[_i].from_hour * hour);
    city.ctx.outage_to_ms = midnight + (uint64_t)(claimed_rows[_i].to_hour * hour);
    city.ctx.now_ms = city.ctx.outage_to_ms + (uint64_t)claimed_rows[_i].now_minute * 60000;
    ck_assert_int_eq(city_send(&city, &message), REFUSAL_NONE);
    uint64_t claimed_ms = claimed_rows[_i].claimed ? message.header.created_ms : 0;
    uint64_t counts_ms = claimed_rows[_i].claimed ? claimed_ms : city.ctx.now_ms;
    ck_assert_uint_eq(city.referral.claimed_ms, claimed_ms);
    ck_assert_uint_eq(city.referral.answered_ms, city.ctx.now_ms);
    ck_assert_int_eq(city.referral.late, counts_ms >= midnight);
    ck_assert_uint_eq(city.decision->effects[1].claimed_ms, claimed_ms);
    city_close(&city);
}
END_TEST

/* ---- inbound ---- */

START_TEST(inbound_suitable_and_the_applicant_told)
{
    struct city city;
    city_open(&city, 2026, false);
    struct message referral = inbound_referral();
    struct message delivery = receipt(MESSAGE_DELIVERY, &referral);
    city_accept(&city, &referral, "number=FL-2026-0003 number=FL-2026-0003-01 queue>procuratorate");
    city_accept(&city, &delivery,
                "unqueue opened:feedback.1 delivery-notice>womens-federation[liaison,sender]");
    ck_assert_uint_eq(city.referral.clocks[REFERRAL_CLOCK_FEEDBACK].due_before_ms,
                      civil_end_ms(day_of("2026-03-16"))); /* 10 working days */
    struct message wrong = feedback(OUTCOME_GRANTED);
    city_refuse(&city, &wrong, REFUSAL_NUMBER); /* of another referral */
    struct message message = feedback(OUTCOME_SUITABLE);
    city_accept(&city, &message,
                "queue>womens-federation stopped:feedback.1 signed=JZ-DJ-2026-0001 "
                "task-opened:tell.1@procuratorate");
    ck_assert_uint_eq(city.referral.clocks[REFERRAL_CLOCK_TELL].due_before_ms,
                      civil_end_ms(day_of("2026-03-09")));
    struct message told = informed("womens-federation", "procuratorate");
    city_refuse(&city, &told, REFUSAL_TASK_UNKNOWN); /* not the holder */
    told = informed("procuratorate", "womens-federation");
    city_accept(&city, &told, "queue>womens-federation task-closed:tell.1");
    ck_assert_uint_eq(city.referral.marks, MARK_SIGNED | MARK_INFORMED);
    city_refuse(&city, &told, REFUSAL_TASK_UNKNOWN);
    ck_assert_uint_eq(city.referral.next_due_ms, 0);
    city_close(&city);
}
END_TEST

START_TEST(inbound_not_suitable_opens_no_task)
{
    struct city city;
    city_open(&city, 2026, false);
    struct message referral = inbound_referral();
    struct message delivery = receipt(MESSAGE_DELIVERY, &referral);
    struct message message = feedback(OUTCOME_NOT_SUITABLE);
    ck_assert_int_eq(city_send(&city, &referral), REFUSAL_NONE);
    ck_assert_int_eq(city_send(&city, &delivery), REFUSAL_NONE);
    city_accept(&city, &message,
                "queue>womens-federation stopped:feedback.1 signed=JZ-DJ-2026-0001");
    ck_assert_int_eq(city.referral.state, REFERRAL_ANSWERED);
    city_close(&city);
}
END_TEST

/* ---- procedure ---- */

START_TEST(papers_open_a_second_window)
{
    struct city city;
    city_open(&city, 2026, false);
    city_procedure(&city, TELL_BY_PROCURATORATE);
    struct message early = feedback(OUTCOME_GRANTED);
    city_refuse(&city, &early, REFUSAL_STATE);
    struct message told = informed("procuratorate", "education");
    city_accept(&city, &told, "queue>education task-closed:tell.1");
    struct message message = papers("procuratorate", "education");
    city.ctx.now_ms = noon_of("2026-03-10");
    city_accept(&city, &message, "queue>education task-closed:papers.1");
    ck_assert_int_eq(city.referral.state, REFERRAL_PROCEDURE);
    city_refuse(&city, &message, REFUSAL_ALREADY);
    struct message delivery = receipt(MESSAGE_DELIVERY, &message);
    city.ctx.now_ms = noon_of("2026-03-11");
    city_accept(&city, &delivery, "unqueue opened:feedback.2 " OPENED);
    ck_assert_int_eq(city.referral.state, REFERRAL_DELIVERED);
    ck_assert(uuid_is_zero(&city.referral.papers_id));
    ck_assert_uint_eq(city.referral.clocks[REFERRAL_CLOCK_FEEDBACK].raised.bits, 0);
    struct message signing = sign_for();
    city_refuse(&city, &signing, REFUSAL_ALREADY); /* no second sign-for */
    /* a second procedure is counted, and its tasks are new ones */
    message = feedback(OUTCOME_PROCEDURE_REQUIRED);
    message.feedback.tell_by = TELL_BY_SOCIAL_AGENCY;
    city_accept(&city, &message,
                "queue>procuratorate stopped:feedback.2 task-opened:tell.2@education "
                "task-opened:papers.2@education");
    ck_assert_uint_eq(city.referral.procedure_count, 2);
    struct message reported = papers("education", "procuratorate");
    city_accept(&city, &reported,
                "queue>procuratorate task-closed:papers.2 opened:feedback.3 " OPENED);
    message = feedback(OUTCOME_GRANTED);
    city_accept(&city, &message, "queue>procuratorate stopped:feedback.3");
    /* the duty to tell is open still */
    ck_assert(referral_clock_open(&city.referral, REFERRAL_CLOCK_TELL));
    told = informed("education", "procuratorate");
    city_accept(&city, &told, "queue>procuratorate task-closed:tell.2");
    city_close(&city);
}
END_TEST

START_TEST(papers_that_cannot_be_read_are_owed_again)
{
    struct city city;
    city_open(&city, 2026, false);
    city_procedure(&city, TELL_BY_PROCURATORATE);
    struct message message = papers("procuratorate", "education");
    struct message rejection = receipt(MESSAGE_REJECTION, &message);
    struct window before = city.referral.clocks[REFERRAL_CLOCK_PAPERS];
    ck_assert_int_eq(city_send(&city, &message), REFUSAL_NONE);
    city_accept(&city, &rejection,
                "unqueue task-opened:papers.1@procuratorate "
                "returned>procuratorate[liaison,sender]");
    ck_assert_int_eq(city.referral.state, REFERRAL_PROCEDURE);
    ck_assert_uint_eq(city.referral.clocks[REFERRAL_CLOCK_PAPERS].due_before_ms,
                      before.due_before_ms);
    ck_assert(referral_clock_open(&city.referral, REFERRAL_CLOCK_PAPERS));
    message.header.message_id = id_of(200);
    city_accept(&city, &message, "queue>education task-closed:papers.1");
    city_close(&city);
}
END_TEST

/* The second way had the number of the first: its rungs were raised twice under one key. */
START_TEST(papers_sent_again_have_a_number_of_their_own)
{
    struct city city;
    city_open(&city, 2026, false);
    city_procedure(&city, TELL_BY_PROCURATORATE);
    uint32_t numbers[2];
    for (unsigned i = 0; i < 2; i++) {
        struct message message = papers("procuratorate", "education");
        message.header.message_id = id_of((uint8_t)(200 + i));
        struct message rejection = receipt(MESSAGE_REJECTION, &message);
        rejection.header.message_id = id_of((uint8_t)(210 + i));
        ck_assert_int_eq(city_send(&city, &message), REFUSAL_NONE);
        numbers[i] = city.referral.clocks[REFERRAL_CLOCK_UNDELIVERED].number;
        ck_assert_int_eq(city_send(&city, &rejection), REFUSAL_NONE);
    }
    ck_assert_uint_eq(numbers[0], 2);
    ck_assert_uint_eq(numbers[1], 3);
    city_close(&city);
}
END_TEST

START_TEST(papers_reported_while_papers_travel)
{
    struct city city;
    city_open(&city, 2026, false);
    city_procedure(&city, TELL_BY_PROCURATORATE);
    struct message sent = papers("procuratorate", "education");
    struct message delivery = receipt(MESSAGE_DELIVERY, &sent);
    struct message reported = papers("education", "procuratorate");
    reported.header.message_id = id_of(201);
    ck_assert_int_eq(city_send(&city, &sent), REFUSAL_NONE);
    city_accept(&city, &reported, "queue>procuratorate opened:feedback.2 " OPENED);
    city_accept(&city, &delivery, "unqueue"); /* too late to open another */
    ck_assert_uint_eq(city.referral.window_number, 2);
    city_close(&city);
}
END_TEST

START_TEST(papers_without_a_procedure)
{
    struct city city;
    city_open(&city, 2026, false);
    city_delivered(&city);
    struct message message = papers("procuratorate", "education");
    city_refuse(&city, &message, REFUSAL_STATE);
    message = papers("education", "procuratorate");
    city_refuse(&city, &message, REFUSAL_STATE);
    message = informed("procuratorate", "education");
    city_refuse(&city, &message, REFUSAL_TASK_UNKNOWN);
    city_close(&city);
}
END_TEST

/* ---- withdrawal ---- */

START_TEST(withdrawn_before_delivery)
{
    struct city city;
    city_open(&city, 2026, false);
    struct message referral = outbound_referral();
    struct message message = withdrawal();
    struct message delivery = receipt(MESSAGE_DELIVERY, &referral);
    ck_assert_int_eq(city_send(&city, &referral), REFUSAL_NONE);
    city.ctx.now_ms = noon_of("2026-03-04");
    city_look(&city);
    ck_assert_str_eq(city.story, "raised:undelivered/undelivered-1=DB-2026-0001 "
                                 "escalation>procuratorate[office,administrators,sender]");
    city_accept(&city, &message,
                "queue>education resolved:undelivered/undelivered-1=DB-2026-0001 "
                "resolved>procuratorate[office,administrators,sender]");
    ck_assert_uint_eq(city.referral.next_due_ms, 0);
    city_accept(&city, &delivery, "unqueue");
    ck_assert_int_eq(city.referral.state, REFERRAL_WITHDRAWN);
    city_refuse(&city, &message, REFUSAL_ALREADY);
    city_close(&city);
}
END_TEST

START_TEST(withdrawal_cancels_window_and_tasks)
{
    struct city city;
    struct message message = withdrawal();
    city_open(&city, 2026, false);
    city_delivered(&city);
    city_accept(&city, &message, "queue>education cancelled:feedback.1");
    city_close(&city);
    city_open(&city, 2026, false);
    city_procedure(&city, TELL_BY_SOCIAL_AGENCY);
    city_accept(&city, &message, "queue>education cancelled:tell.1 cancelled:papers.1");
    ck_assert_int_eq(city.referral.state, REFERRAL_WITHDRAWN);
    ck_assert_uint_eq(city.referral.next_due_ms, 0);
    struct message late = feedback(OUTCOME_GRANTED);
    city_refuse(&city, &late, REFUSAL_STATE);
    city_close(&city);
    city_open(&city, 2026, false);
    city_delivered(&city);
    ck_assert_int_eq(city_send(&city, &late), REFUSAL_NONE);
    city_refuse(&city, &message, REFUSAL_STATE); /* after a final feedback */
    city_close(&city);
}
END_TEST

/* ---- receipts of other messages ---- */

START_TEST(receipts_of_answers)
{
    struct city city;
    city_open(&city, 2026, false);
    city_delivered(&city);
    struct message answer = feedback(OUTCOME_GRANTED);
    struct message delivery = receipt(MESSAGE_DELIVERY, &answer);
    struct message rejection = receipt(MESSAGE_REJECTION, &answer);
    ck_assert_int_eq(city_send(&city, &answer), REFUSAL_NONE);
    city_accept(&city, &delivery, "unqueue");
    city_accept(&city, &rejection, "unqueue returned>education[liaison,sender]");
    ck_assert_int_eq(city.referral.state, REFERRAL_ANSWERED);
    city_close(&city);
}
END_TEST

/* ---- everything in every state ---- */

/* What stands beside a referral's life; each document number and instalment comes more than once.
 */
static struct message any_report(int which)
{
    struct message message =
        which % 3 == 0   ? message_of(MESSAGE_CORRECTION, "procuratorate", "education")
        : which % 3 == 1 ? message_of(MESSAGE_ESCALATION_REPLY, "education", "procuratorate")
                         : message_of(MESSAGE_ASSISTANCE_REPORT, "education", "procuratorate");
    message.body_fields |= BODY_TEXT;
    if (message.header.kind == MESSAGE_CORRECTION) {
        message.header.refers_to = id_of(11);
        message.correction.corrects = 1;
    } else if (message.header.kind == MESSAGE_ESCALATION_REPLY) {
        (void)snprintf(message.escalation_reply.document_number, LIMIT_NUMBER_BYTES, "DB-2026-%04d",
                       which / 3 % 9 + 1);
        message.escalation_reply.answer = 1;
    } else {
        message.assistance = (struct assistance_facts){.stage = STAGE_DELIVERED,
                                                       .measure = 11,
                                                       .shape = SHAPE_MONEY,
                                                       .amount_fen = 100,
                                                       .instalment = (uint32_t)which,
                                                       .date = 20260401};
    }
    return message;
}

static struct message any_message(int which)
{
    struct message sent = outbound_referral();
    struct message brought = papers("procuratorate", "education");
    struct message answer = feedback(OUTCOME_GRANTED);
    switch (which) {
    case 0:
        return sent;
    case 1:
        return receipt(MESSAGE_DELIVERY, &sent);
    case 2:
        return receipt(MESSAGE_REJECTION, &sent);
    case 3:
        return sign_for();
    case 4:
        return answer;
    case 5:
        return feedback(OUTCOME_PROCEDURE_REQUIRED);
    case 6:
        return informed("procuratorate", "education");
    case 7:
        return brought;
    case 8:
        return papers("education", "procuratorate");
    case 9:
        return receipt(MESSAGE_DELIVERY, &brought);
    case 10:
        return receipt(MESSAGE_REJECTION, &brought);
    case 11:
        return withdrawal();
    case 12:
        return receipt(MESSAGE_DELIVERY, &answer);
    case 13:
        return receipt(MESSAGE_REJECTION, &answer);
    default:
        return any_report(which);
    }
}

/* Random lives: whatever comes in whatever order, the state is one of the table's, refusals change
 * nothing, what is kept can be stored, and the next due instant is the earliest of all clocks. */
START_TEST(random_lives)
{
    uint32_t state = (uint32_t)_i * 7919u + 1;
    struct city city;
    city_open(&city, 2026, false);
    for (unsigned i = 0; i < 400; i++) {
        state = state * 1664525u + 1013904223u;
        struct message message = any_message((int)(state >> 16) % 32);
        struct referral unpacked;
        uint8_t packed[REFERRAL_PACKED_MAX];
        city.ctx.now_ms += (state >> 8) % 200000000;
        enum refusal refusal = city_send(&city, &message);
        ck_assert(refusal == REFUSAL_NONE || refusal_recorded(refusal));
        if (!city.known) {
            continue;
        }
        size_t len = referral_pack(&city.referral, packed);
        ck_assert_int_eq(referral_unpack(span_of(packed, len), &unpacked), OK);
        struct referral_rung next = {.due_ms = 0};
        bool any = referral_next_rung(&unpacked, &city.policy->ladder, city.calendar, &next);
        ck_assert_uint_eq(any ? next.due_ms : 0, city.referral.next_due_ms);
        city.referral = unpacked;
        city_look(&city);
    }
    city_close(&city);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decide");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, submitted_and_delivered);
    tcase_add_test(cases, a_malformed_body_comes_back_and_no_window_opens);
    tcase_add_test(cases, who_may_open_a_case);
    tcase_add_test(cases, a_receipt_names_what_is_queued);
    tcase_add_test(cases, sign_for_once_by_the_receiver);
    tcase_add_test(cases, strangers_and_wrong_directions);
    tcase_add_loop_test(cases, each_outbound_outcome_stops_the_window, 0,
                        (int)COUNT_OF(outcome_rows));
    tcase_add_test(cases, the_register_number_of_a_feedback);
    tcase_add_test(cases, late_feedback_resolves_its_documents);
    tcase_add_loop_test(cases, late_is_24_00_of_day_n, 0, (int)COUNT_OF(late_rows));
    tcase_add_loop_test(cases, claimed_time, 0, (int)COUNT_OF(claimed_rows));
    tcase_add_test(cases, inbound_suitable_and_the_applicant_told);
    tcase_add_test(cases, inbound_not_suitable_opens_no_task);
    tcase_add_test(cases, papers_open_a_second_window);
    tcase_add_test(cases, papers_that_cannot_be_read_are_owed_again);
    tcase_add_test(cases, papers_sent_again_have_a_number_of_their_own);
    tcase_add_test(cases, papers_reported_while_papers_travel);
    tcase_add_test(cases, papers_without_a_procedure);
    tcase_add_test(cases, withdrawn_before_delivery);
    tcase_add_test(cases, withdrawal_cancels_window_and_tasks);
    tcase_add_test(cases, receipts_of_answers);
    tcase_add_loop_test(cases, random_lives, 0, 40);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
