/* lib/model/decide_matter, messages: every row of its table taken and refused, and the full product
 * of matters, messages and who says them against the rows written down a second time. */
#include "matter_support.h"

/* ---- information ---- */

START_TEST(information_is_asked_and_answered)
{
    static struct town town;
    town_open(&town);
    struct message request = right_message(&town, MESSAGE_INFORMATION_REQUEST);
    town_accept(&town, &request, "number=JZ-2026-0031 number=JY-SX-2026-0001 queue>procuratorate");
    ck_assert_int_eq(town.matter.kind, MATTER_INFORMATION);
    ck_assert_uint_eq(town.matter.lane, LANE_PRIORITY);
    ck_assert_int_eq(town.matter.duties[0].window.kind, CLOCK_UNDELIVERED);
    struct message reply = right_message(&town, MESSAGE_INFORMATION_REPLY);
    town_refuse(&town, &reply, REFUSAL_STATE);
    struct message delivery = matter_message(&town, MESSAGE_DELIVERY, "procuratorate", "education");
    town_accept(&town, &delivery,
                "unqueue task-opened:information#1@procuratorate "
                "delivery-notice>education[liaison,sender]");
    ck_assert(town.matter.members[0].delivered);
    /* day 5 after Monday 2026-03-02 */
    ck_assert_int_eq(town.matter.duties[0].window.due_day, day_of("2026-03-09"));
    reply.header.message_id = id_of(200);
    town_accept(&town, &reply, "queue>education task-closed:information#1");
    ck_assert_int_eq(town.matter.state, MATTER_CLOSED);
    reply.header.message_id = id_of(201);
    town_refuse(&town, &reply, REFUSAL_MATTER_CLOSED);
    town_close(&town);
}
END_TEST

START_TEST(information_between_the_parties_of_an_open_referral)
{
    static struct town town;
    town_open(&town);
    struct message request = right_message(&town, MESSAGE_INFORMATION_REQUEST);
    town.about.receiver = number_of(&town, "health");
    town_refuse(&town, &request, REFUSAL_NOT_PARTY);
    town.about.receiver = number_of(&town, "education");
    town.about.state = REFERRAL_ANSWERED;
    town_refuse(&town, &request, REFUSAL_ALREADY);
    town.about.state = REFERRAL_WITHDRAWN;
    town_refuse(&town, &request, REFUSAL_STATE);
    town.about.state = REFERRAL_DELIVERED;
    SET(town.about.case_number, "JZ-2026-0099");
    town_refuse(&town, &request, REFUSAL_NUMBER);
    SET(town.about.case_number, "JZ-2026-0031");
    request.information.about = id_of(77);
    town_refuse(&town, &request, REFUSAL_REFERRAL_UNKNOWN);
    request.information.about = id_of(2);
    town.facts.archived = true;
    town_refuse(&town, &request, REFUSAL_CASE_ARCHIVED);
    town_close(&town);
}
END_TEST

/* What every message of a case reads does not grow without end. */
START_TEST(a_case_takes_only_so_many_matters)
{
    static struct town town;
    town_open(&town);
    struct message request = right_message(&town, MESSAGE_INFORMATION_REQUEST);
    town.facts.parts = town.city.policy->case_limit;
    town_refuse(&town, &request, REFUSAL_CASE_FULL);
    town.facts.parts--;
    town_accept(&town, &request, "number=JZ-2026-0031 number=JY-SX-2026-0001 queue>procuratorate");
    town_close(&town);
    town_open(&town);
    struct message archive = right_message(&town, MESSAGE_ARCHIVE);
    town.facts.clocks = 0;
    town.facts.parts = town.city.policy->case_limit / 4 * 5;
    town_refuse(&town, &archive, REFUSAL_CASE_FULL);
    town.facts.parts--;
    town_say(&town, MESSAGE_ARCHIVE);
    town_close(&town);
}
END_TEST

START_TEST(a_request_that_cannot_be_read_asks_nothing)
{
    static struct town town;
    town_open(&town);
    town_say(&town, MESSAGE_INFORMATION_REQUEST);
    struct message rejection =
        matter_message(&town, MESSAGE_REJECTION, "procuratorate", "education");
    town_accept(&town, &rejection, "unqueue returned>education[liaison,sender]");
    ck_assert_int_eq(town.matter.state, MATTER_CANCELLED);
    ck_assert(town.matter.duties[0].cancelled);
    town_close(&town);
}
END_TEST

START_TEST(a_withdrawn_referral_takes_its_requests_along)
{
    static struct town town;
    town_open(&town);
    town_say(&town, MESSAGE_INFORMATION_REQUEST);
    town_deliver(&town, "procuratorate");
    static struct matter before;
    before = town.matter;
    decide_matter_withdrawn(&town.city.ctx, &before, town.city.decision);
    town_judge(&town, &before);
    ck_assert_str_eq(town.city.story, "cancelled:information#1");
    ck_assert_int_eq(town.matter.state, MATTER_CANCELLED);
    town_close(&town);
    town_open(&town);
    town_say(&town, MESSAGE_CONFERENCE);
    before = town.matter;
    decide_matter_withdrawn(&town.city.ctx, &before, town.city.decision);
    town_judge(&town, &before);
    ck_assert_str_eq(town.city.story, "");
    ck_assert_int_eq(town.matter.state, MATTER_OPEN);
    town_close(&town);
}
END_TEST

/* ---- archive and follow-ups ---- */

START_TEST(an_archive_begins_the_visits)
{
    static struct town town;
    town_open(&town);
    struct message archive = right_message(&town, MESSAGE_ARCHIVE);
    town_refuse(&town, &archive, REFUSAL_CASE_CLOCKS);
    town.facts.clocks = 0;
    town_accept(&town, &archive,
                "number=JZ-2026-0031 number=JZ-SX-2026-0001 queue>education queue>civil-affairs "
                "task-opened:follow-up#1@procuratorate delivery-notice>procuratorate[liaison]");
    /* 120 calendar days after 2026-03-02 are Tuesday 2026-06-30 */
    ck_assert_int_eq(town.matter.duties[0].window.due_day, day_of("2026-06-30"));
    town_close(&town);
}
END_TEST

START_TEST(minors_are_visited_sooner_and_on_a_working_day)
{
    static struct town town;
    town_open(&town);
    town.facts.minor = true;
    town_say(&town, MESSAGE_ARCHIVE);
    /* 60 calendar days are Friday 2026-05-01, a holiday until the 5th */
    ck_assert_int_eq(town.matter.duties[0].window.due_day, day_of("2026-05-06"));
    ck_assert_uint_eq(town.matter.lane, LANE_MINORS);
    ck_assert(town.matter.minor);
    town_close(&town);
}
END_TEST

START_TEST(who_may_archive_what)
{
    static struct town town;
    town_open(&town);
    town.facts.clocks = 0;
    struct message archive = right_message(&town, MESSAGE_ARCHIVE);
    town.facts.archived = true;
    town_refuse(&town, &archive, REFUSAL_CASE_ARCHIVED);
    town.facts.archived = false;
    town.facts.known = false;
    town_refuse(&town, &archive, REFUSAL_CASE_UNKNOWN);
    town.facts.known = true;
    agency_set_add(&archive.copies, number_of(&town, "health"));
    town_refuse(&town, &archive, REFUSAL_MATTER_MEMBER);
    archive = right_message(&town, MESSAGE_ARCHIVE);
    SET(archive.header.case_number, "");
    town_refuse(&town, &archive, REFUSAL_CASE_UNKNOWN);
    archive = right_message(&town, MESSAGE_ARCHIVE);
    SET(archive.header.referral_number, "JY-SX-2026-0001");
    town_refuse(&town, &archive, REFUSAL_NUMBER);
    archive = right_message(&town, MESSAGE_ARCHIVE);
    town.city.ctx.number_taken = true;
    town_refuse(&town, &archive, REFUSAL_NUMBER);
    town.city.ctx.number_taken = false;
    town.city.ctx.referral_known = true;
    town_refuse(&town, &archive, REFUSAL_MATTER_EXISTS);
    town.city.ctx.referral_known = false;
    struct message social = matter_message(&town, MESSAGE_ARCHIVE, "education", "procuratorate");
    town_refuse(&town, &social, REFUSAL_POLICY);
    town_close(&town);
}
END_TEST

static enum refusal report(struct town *town, struct follow_up_report_facts facts)
{
    struct message message = right_message(town, MESSAGE_FOLLOW_UP_REPORT);
    message.follow_up_report = facts;
    return town_send(town, &message);
}

/* Resolved and without a risk: one report suffices, two where a minor is concerned. */
START_TEST(visits_end_by_rule)
{
    static const struct follow_up_report_facts good = {
        .duty = 1, .hardship = HARDSHIP_RESOLVED, .effect = 1, .risk = RISK_NONE};
    for (int minor = 0; minor < 2; minor++) {
        static struct town town;
        struct follow_up_report_facts facts = good;
        town_open(&town);
        town.facts.minor = minor != 0;
        town_say(&town, MESSAGE_ARCHIVE);
        ck_assert_int_eq(report(&town, facts), REFUSAL_NONE);
        ck_assert_int_eq(town.matter.state, minor != 0 ? MATTER_OPEN : MATTER_CLOSED);
        if (minor != 0) {
            ck_assert_str_eq(town.city.story,
                             "queue>education queue>civil-affairs task-closed:follow-up#1 "
                             "task-opened:follow-up#2@procuratorate "
                             "delivery-notice>procuratorate[liaison]");
            ck_assert_int_eq(report(&town, facts), REFUSAL_DUTY);
            facts.duty = 2;
            ck_assert_int_eq(report(&town, facts), REFUSAL_NONE);
        }
        ck_assert_int_eq(town.matter.state, MATTER_CLOSED);
        ck_assert_uint_eq(town.matter.reports, minor != 0 ? 2 : 1);
        facts.duty = 0;
        ck_assert_int_eq(report(&town, facts), REFUSAL_CASE_NOT_ARCHIVED);
        town_close(&town);
    }
}
END_TEST

START_TEST(a_report_leads_to_the_next_visit)
{
    static struct town town;
    town_open(&town);
    town_say(&town, MESSAGE_ARCHIVE);
    struct follow_up_report_facts facts = {.duty = 1, .hardship = 4, .effect = 2, .risk = 4};
    facts.next_date = 20260201;
    ck_assert_int_eq(report(&town, facts), REFUSAL_DATE);
    facts.next_date = 20470301;
    ck_assert_int_eq(report(&town, facts), REFUSAL_DATE);
    facts.next_date = 20260315; /* a Sunday: what people say is not moved */
    ck_assert_int_eq(report(&town, facts), REFUSAL_NONE);
    ck_assert_str_eq(town.city.story, "queue>education queue>civil-affairs task-closed:follow-up#1 "
                                      "task-opened:follow-up#2@procuratorate");
    ck_assert_int_eq(town.matter.duties[1].window.due_day, day_of("2026-03-15"));
    ck_assert_uint_eq(town.matter.hardship, 4);
    ck_assert_uint_eq(town.matter.risk, 4);
    facts = (struct follow_up_report_facts){
        .hardship = HARDSHIP_RESOLVED, .effect = 1, .risk = RISK_NONE};
    ck_assert_int_eq(report(&town, facts), REFUSAL_NONE); /* not planned: the planned one stays */
    ck_assert_str_eq(town.city.story, "queue>education queue>civil-affairs");
    ck_assert_int_eq(town.matter.state, MATTER_OPEN);
    town_close(&town);
}
END_TEST

START_TEST(a_plan_takes_the_place_of_the_first_date)
{
    static struct town town;
    town_open(&town);
    town_say(&town, MESSAGE_ARCHIVE);
    struct message plan = right_message(&town, MESSAGE_FOLLOW_UP_PLAN);
    town_accept(&town, &plan,
                "queue>education cancelled:follow-up#1 task-opened:follow-up#2@procuratorate "
                "task-opened:follow-up#3@procuratorate");
    ck_assert(town.matter.duties[0].cancelled);
    town.city.ctx.now_ms = noon_of("2026-05-11");
    plan.header.message_id = id_of(200);
    town_refuse(&town, &plan, REFUSAL_DATE);
    town_close(&town);
}
END_TEST

/* Numbers go on where old duties give way to new ones. */
START_TEST(plans_without_end)
{
    static uint32_t dates[LIMIT_DUTIES];
    static struct town town;
    town_open(&town);
    town_say(&town, MESSAGE_ARCHIVE);
    for (uint32_t i = 0; i < LIMIT_DUTIES; i++) {
        dates[i] = civil_yyyymmdd(day_of("2026-06-01") + (int32_t)i);
    }
    for (uint32_t round = 0; round < 5; round++) {
        struct message plan = right_message(&town, MESSAGE_FOLLOW_UP_PLAN);
        plan.follow_up_plan.dates = dates;
        plan.follow_up_plan.date_count = LIMIT_DUTIES;
        ck_assert_msg(town_send(&town, &plan) == REFUSAL_NONE, "%s", town.city.decision->detail);
        ck_assert_uint_eq(town.matter.duty_count, LIMIT_DUTIES);
        ck_assert_uint_eq(town.matter.duties[0].number, 2 + round * LIMIT_DUTIES);
    }
    struct follow_up_report_facts facts = {.hardship = 2, .effect = 1, .risk = 2};
    facts.next_date = 20261201;
    ck_assert_int_eq(report(&town, facts), REFUSAL_DUTY);
    town_close(&town);
}
END_TEST

START_TEST(a_case_is_opened_again)
{
    static struct town town;
    town_open(&town);
    struct message reopen = right_message(&town, MESSAGE_REOPEN);
    town_refuse(&town, &reopen, REFUSAL_CASE_NOT_ARCHIVED);
    town.facts.archived = true; /* by another matter */
    town_refuse(&town, &reopen, REFUSAL_MATTER_UNKNOWN);
    town.facts.archived = false;
    town_say(&town, MESSAGE_ARCHIVE);
    reopen = right_message(&town, MESSAGE_REOPEN);
    town_accept(&town, &reopen, "queue>education queue>civil-affairs cancelled:follow-up#1");
    ck_assert_int_eq(town.matter.state, MATTER_CANCELLED);
    reopen.header.message_id = id_of(200);
    town_refuse(&town, &reopen, REFUSAL_CASE_NOT_ARCHIVED);
    town_close(&town);
}
END_TEST

/* ---- consultations, conferences, promises ---- */

START_TEST(a_consultation_goes_to_and_fro)
{
    static struct town town;
    town_open(&town);
    struct message message = right_message(&town, MESSAGE_CONSULTATION);
    SET(message.header.case_number, ""); /* of no case */
    town_refuse(&town, &message, REFUSAL_NUMBER);
    town.facts = (struct case_facts){.known = false};
    town_accept(&town, &message, "number=JY-SX-2026-0001 queue>procuratorate queue>civil-affairs");
    ck_assert_uint_eq(town.matter.lane, LANE_REST);
    message = matter_message(&town, MESSAGE_CONSULTATION, "civil-affairs", "education");
    agency_set_add(&message.copies, number_of(&town, "procuratorate"));
    town_accept(&town, &message, "queue>education queue>procuratorate");
    message = matter_message(&town, MESSAGE_CONSULTATION, "education", "health");
    town_refuse(&town, &message, REFUSAL_MATTER_MEMBER);
    message = matter_message(&town, MESSAGE_CONSULTATION, "health", "education");
    town_refuse(&town, &message, REFUSAL_MATTER_MEMBER);
    ck_assert_int_eq(town.matter.state, MATTER_OPEN);
    ck_assert_uint_eq(town.matter.next_due_ms, 0);
    town_close(&town);
}
END_TEST

/* An agency speaks of cases of its own; the office of every case. */
START_TEST(whose_case_it_is)
{
    static struct town town;
    town_open(&town);
    struct message message = matter_message(&town, MESSAGE_CONSULTATION, "health", "procuratorate");
    town_refuse(&town, &message, REFUSAL_CASE_UNKNOWN);
    memset(&town.facts.parties, 0, sizeof(town.facts.parties));
    message = matter_message(&town, MESSAGE_CONSULTATION, "procuratorate", "health");
    ck_assert_int_eq(town_send(&town, &message), REFUSAL_NONE);
    town_close(&town);
}
END_TEST

START_TEST(promises_are_kept)
{
    static struct town town;
    town_open(&town);
    struct message conference = right_message(&town, MESSAGE_CONFERENCE);
    town_accept(&town, &conference,
                "number=JZ-2026-0031 number=MZ-SX-2026-0001 queue>education queue>procuratorate "
                "task-opened:promise#1@education task-opened:promise#2@civil-affairs");
    ck_assert_uint_eq(town.matter.duties[1].code, 7);
    struct message kept = right_message(&town, MESSAGE_PROMISE_REPORT);
    kept.promise_report.duty = 2;
    town_refuse(&town, &kept, REFUSAL_DUTY);
    kept.promise_report.duty = 1;
    SET(kept.header.recipient, "procuratorate");
    town_refuse(&town, &kept, REFUSAL_RECIPIENT);
    SET(kept.header.recipient, "civil-affairs");
    town_accept(&town, &kept, "queue>civil-affairs task-closed:promise#1");
    kept.header.message_id = id_of(200);
    town_refuse(&town, &kept, REFUSAL_DUTY);
    kept = matter_message(&town, MESSAGE_PROMISE_REPORT, "civil-affairs", "education");
    kept.promise_report.duty = 2;
    town_accept(&town, &kept, "queue>education task-closed:promise#2");
    ck_assert_int_eq(town.matter.state, MATTER_CLOSED);
    town_close(&town);
}
END_TEST

START_TEST(who_may_promise_what)
{
    static const struct promise stranger[] = {{.agency = "health", .code = 1, .by_date = 20260320}};
    static const struct promise past[] = {{.agency = "education", .code = 1, .by_date = 20260301}};
    static struct town town;
    town_open(&town);
    struct message conference = right_message(&town, MESSAGE_CONFERENCE);
    conference.conference.promise_count = 1;
    conference.conference.promises = stranger;
    town_refuse(&town, &conference, REFUSAL_MATTER_MEMBER);
    conference.conference.promises = past;
    town_refuse(&town, &conference, REFUSAL_DATE);
    town.facts.archived = true;
    town_refuse(&town, &conference, REFUSAL_CASE_ARCHIVED);
    town.facts.archived = false;
    conference.conference.promise_count = 0;
    ck_assert_int_eq(town_send(&town, &conference), REFUSAL_NONE);
    ck_assert_int_eq(town.matter.state, MATTER_CLOSED);
    town_deliver(&town, "education"); /* what was queued is acknowledged all the same */
    ck_assert(town.matter.members[0].delivered);
    town_close(&town);
}
END_TEST

/* ---- meetings, hearings, roster ---- */

START_TEST(a_meeting_is_answered_by_each)
{
    static struct town town;
    town_open(&town);
    town.facts.known = false;
    struct message notice = right_message(&town, MESSAGE_MEETING_NOTICE);
    SET(notice.header.case_number, "");
    town_accept(&town, &notice,
                "number=JZ-SX-2026-0001 queue>education queue>civil-affairs "
                "task-opened:attendance#1@education task-opened:attendance#2@civil-affairs");
    struct message reply = right_message(&town, MESSAGE_MEETING_REPLY);
    town_accept(&town, &reply, "queue>procuratorate task-closed:attendance#1");
    reply = right_message(&town, MESSAGE_MEETING_REPLY);
    reply.attendance.attends = 2; /* changed its mind */
    town_accept(&town, &reply, "queue>procuratorate");
    ck_assert_uint_eq(town.matter.members[0].answers, 2);
    reply = matter_message(&town, MESSAGE_MEETING_REPLY, "civil-affairs", "procuratorate");
    reply.attendance.attends = 3;
    town_accept(&town, &reply, "queue>procuratorate task-closed:attendance#2");
    ck_assert_int_eq(town.matter.state, MATTER_CLOSED);
    town_close(&town);
}
END_TEST

START_TEST(only_the_office_calls_a_meeting)
{
    static struct town town;
    town_open(&town);
    struct message notice =
        matter_message(&town, MESSAGE_MEETING_NOTICE, "education", "procuratorate");
    town_refuse(&town, &notice, REFUSAL_OFFICE);
    notice = right_message(&town, MESSAGE_MEETING_NOTICE);
    town.city.ctx.now_ms = noon_of("2026-03-14");
    town_refuse(&town, &notice, REFUSAL_DATE);
    notice.meeting.reply_by = 0;
    ck_assert_int_eq(town_send(&town, &notice), REFUSAL_NONE);
    ck_assert_uint_eq(town.matter.duty_count, 0);
    ck_assert_int_eq(town.matter.state, MATTER_OPEN);
    town_close(&town);
}
END_TEST

START_TEST(a_hearing_ends_with_what_was_promised)
{
    static struct town town;
    town_open(&town);
    struct message invitation = right_message(&town, MESSAGE_HEARING_INVITATION);
    SET(invitation.header.case_number, "");
    town_refuse(&town, &invitation, REFUSAL_CASE_UNKNOWN);
    town_say(&town, MESSAGE_HEARING_INVITATION);
    struct message reply = right_message(&town, MESSAGE_HEARING_REPLY);
    town_accept(&town, &reply, "queue>procuratorate task-closed:attendance#1");
    struct message opinion = right_message(&town, MESSAGE_HEARING_OPINION);
    town.facts.archived = true;
    town_refuse(&town, &opinion, REFUSAL_CASE_ARCHIVED);
    town.facts.archived = false;
    town_accept(&town, &opinion,
                "queue>education queue>civil-affairs cancelled:attendance#2 "
                "task-opened:promise#3@education task-opened:promise#4@civil-affairs");
    for (uint32_t i = 0; i < 2; i++) {
        const char *by = i == 0 ? "education" : "civil-affairs";
        struct message kept = matter_message(&town, MESSAGE_PROMISE_REPORT, by, "procuratorate");
        kept.promise_report.duty = 3 + i;
        ck_assert_int_eq(town_send(&town, &kept), REFUSAL_NONE);
    }
    ck_assert_int_eq(town.matter.state, MATTER_CLOSED);
    town_close(&town);
}
END_TEST

START_TEST(a_hearing_without_promises_is_over)
{
    static struct town town;
    town_open(&town);
    town_say(&town, MESSAGE_HEARING_INVITATION);
    struct message opinion = right_message(&town, MESSAGE_HEARING_OPINION);
    opinion.hearing_opinion.promise_count = 0;
    town_accept(&town, &opinion,
                "queue>education queue>civil-affairs cancelled:attendance#1 "
                "cancelled:attendance#2");
    ck_assert_int_eq(town.matter.state, MATTER_CLOSED);
    town_close(&town);
}
END_TEST

START_TEST(the_roster_has_editions)
{
    static struct town town;
    town_open(&town);
    struct message roster = right_message(&town, MESSAGE_ROSTER);
    town.city.ctx.roster_edition = 1;
    town_refuse(&town, &roster, REFUSAL_FACT_INVALID);
    roster.roster.edition = 2;
    town_accept(&town, &roster,
                "number=JZ-2026-0031 number=JZ-SX-2026-0001 queue>education queue>civil-affairs");
    ck_assert_int_eq(town.matter.state, MATTER_CLOSED);
    town_close(&town);
    town_open(&town);
    roster = matter_message(&town, MESSAGE_ROSTER, "education", "procuratorate");
    town_refuse(&town, &roster, REFUSAL_OFFICE);
    struct message change =
        matter_message(&town, MESSAGE_ROSTER_CHANGE, "education", "civil-affairs");
    town_refuse(&town, &change, REFUSAL_RECIPIENT);
    town_say(&town, MESSAGE_ROSTER_CHANGE);
    ck_assert_int_eq(town.matter.state, MATTER_CLOSED);
    town_close(&town);
}
END_TEST

/* ---- supervised money, letters ---- */

START_TEST(supervised_money_to_its_last_fen)
{
    static struct town town;
    town_open(&town);
    town.facts.archived = true; /* it outlives the case */
    struct message plan = right_message(&town, MESSAGE_FUND_PLAN);
    town_accept(&town, &plan,
                "number=JZ-2026-0031 number=JZ-SX-2026-0001 queue>civil-affairs "
                "task-opened:payment#1@procuratorate task-opened:payment#2@procuratorate");
    ck_assert_uint_eq(town.matter.balance_fen, 80000);
    ck_assert_uint_eq(town.matter.duties[1].amount_fen, 50000);
    struct message payment = right_message(&town, MESSAGE_FUND_PAYMENT);
    payment.fund_payment.balance_fen = 50001;
    town_refuse(&town, &payment, REFUSAL_FACT_INVALID);
    payment.fund_payment.amount_fen = 80000; /* nothing left for the second */
    payment.fund_payment.balance_fen = 0;
    town_refuse(&town, &payment, REFUSAL_FACT_INVALID);
    payment.fund_payment.amount_fen = 80001;
    town_refuse(&town, &payment, REFUSAL_FACT_INVALID);
    payment.fund_payment.duty = 3;
    town_refuse(&town, &payment, REFUSAL_DUTY);
    payment = right_message(&town, MESSAGE_FUND_PAYMENT);
    payment.fund_payment.amount_fen = 20000; /* less than planned */
    payment.fund_payment.balance_fen = 60000;
    town_accept(&town, &payment, "queue>civil-affairs task-closed:payment#1");
    payment = right_message(&town, MESSAGE_FUND_PAYMENT);
    payment.fund_payment.duty = 2;
    payment.fund_payment.amount_fen = 50000;
    payment.fund_payment.balance_fen = 10000; /* the last one leaves something */
    town_refuse(&town, &payment, REFUSAL_FACT_INVALID);
    payment.fund_payment.amount_fen = 60000;
    payment.fund_payment.balance_fen = 0;
    town_accept(&town, &payment, "queue>civil-affairs task-closed:payment#2");
    ck_assert_int_eq(town.matter.state, MATTER_CLOSED);
    ck_assert_uint_eq(town.matter.paid_fen, 80000);
    town_close(&town);
}
END_TEST

START_TEST(money_is_planned_ahead)
{
    static struct town town;
    town_open(&town);
    struct message plan = right_message(&town, MESSAGE_FUND_PLAN);
    town.city.ctx.now_ms = noon_of("2026-04-01");
    town_refuse(&town, &plan, REFUSAL_DATE);
    town_close(&town);
}
END_TEST

START_TEST(a_letter_is_answered_for)
{
    static struct town town;
    town_open(&town);
    struct message letter = right_message(&town, MESSAGE_LETTER);
    town_accept(&town, &letter,
                "number=JZ-2026-0031 number=JY-SX-2026-0001 queue>procuratorate "
                "task-opened:letter#1@education");
    struct message answer =
        matter_message(&town, MESSAGE_LETTER_ANSWER, "procuratorate", "education");
    town_refuse(&town, &answer, REFUSAL_NOT_PARTY);
    answer = right_message(&town, MESSAGE_LETTER_ANSWER);
    town_accept(&town, &answer, "queue>procuratorate task-closed:letter#1");
    ck_assert_int_eq(town.matter.state, MATTER_CLOSED);
    town_close(&town);
    town_open(&town);
    letter = right_message(&town, MESSAGE_LETTER);
    town.city.ctx.now_ms = noon_of("2026-03-17");
    town_refuse(&town, &letter, REFUSAL_DATE);
    SET(letter.letter.associate, "health");
    town_refuse(&town, &letter, REFUSAL_FACT_INVALID);
    town_close(&town);
}
END_TEST

/* ---- receipts ---- */

START_TEST(receipts_name_what_is_queued)
{
    static struct town town;
    town_open(&town);
    town_say(&town, MESSAGE_CONFERENCE);
    struct message receipt = matter_message(&town, MESSAGE_DELIVERY, "education", "civil-affairs");
    town.city.ctx.signer = number_of(&town, "education");
    static struct matter before;
    before = town.matter;
    decide_matter_message(&town.city.ctx, &before, &receipt, town.city.decision);
    ck_assert_int_eq(town.city.decision->refusal, REFUSAL_DELIVERY);
    receipt.header.refers_to = id_of(99); /* another message of the matter */
    town_accept(&town, &receipt, "unqueue");
    ck_assert(!town.matter.members[0].delivered);
    town_deliver(&town, "education");
    ck_assert(town.matter.members[0].delivered);
    ck_assert(!town.matter.members[1].delivered);
    struct message rejection =
        matter_message(&town, MESSAGE_REJECTION, "procuratorate", "civil-affairs");
    town_accept(&town, &rejection, "unqueue returned>civil-affairs[liaison,sender]");
    ck_assert_int_eq(town.matter.state, MATTER_OPEN);
    receipt = matter_message(&town, MESSAGE_DELIVERY, "health", "civil-affairs");
    town_refuse(&town, &receipt, REFUSAL_MATTER_MEMBER);
    town.known = false;
    town_refuse(&town, &receipt, REFUSAL_MATTER_UNKNOWN);
    town_close(&town);
}
END_TEST

START_TEST(a_receipt_goes_to_the_author)
{
    static const enum message_kind receipts[] = {MESSAGE_DELIVERY, MESSAGE_REJECTION};
    static struct town town;
    town_open(&town);
    town_say(&town, MESSAGE_CONSULTATION);
    town.author = "civil-affairs";
    for (size_t i = 0; i < COUNT_OF(receipts); i++) {
        struct message receipt = matter_message(&town, receipts[i], "procuratorate", "education");
        receipt.header.refers_to = id_of(99); /* what a member said to all */
        town_refuse(&town, &receipt, REFUSAL_RECIPIENT);
        SET(receipt.header.recipient, "civil-affairs");
        ck_assert_int_eq(town_send(&town, &receipt), REFUSAL_NONE);
    }
    town_close(&town);
}
END_TEST

START_TEST(the_header_is_that_of_the_matter)
{
    static struct town town;
    town_open(&town);
    town_say(&town, MESSAGE_CONSULTATION);
    struct message message = right_message(&town, MESSAGE_CONSULTATION);
    SET(message.header.referral_number, "JY-SX-2026-0002");
    town_refuse(&town, &message, REFUSAL_NUMBER);
    message = right_message(&town, MESSAGE_CONSULTATION);
    message.header.case_id = id_of(50);
    town_refuse(&town, &message, REFUSAL_NUMBER);
    message = right_message(&town, MESSAGE_CONSULTATION);
    town.city.ctx.refers_to_foreign = true;
    town_refuse(&town, &message, REFUSAL_REFERS_TO);
    town_close(&town);
}
END_TEST

/* ---- agencies change ---- */

static const char handed_over[] =
    "\n  - id: poverty-office\n    number: 41\n    class: S\n    prefix: FP\n"
    "    name: {zh: 扶贫办, en: Poverty Office}\n    office: {zh: 综合科, en: General Section}\n"
    "    duties: []\n    successor: education\n    left: 2026-03-10\n";

/* What one promised and was asked is its successor's, beside what that one owes itself. */
START_TEST(a_successor_does_what_was_promised)
{
    static const struct promise promises[] = {
        {.agency = "poverty-office", .code = 1, .by_date = 20260320}};
    static struct town town;
    town_open(&town);
    registry_free(town.city.registry);
    town.city.registry = town_registry(handed_over);
    town.city.ctx.registry = town.city.registry;
    struct message invitation =
        matter_message(&town, MESSAGE_HEARING_INVITATION, "procuratorate", "poverty-office");
    agency_set_add(&invitation.copies, number_of(&town, "education"));
    ck_assert_int_eq(town_send(&town, &invitation), REFUSAL_NONE);
    struct message opinion = right_message(&town, MESSAGE_HEARING_OPINION);
    opinion.copies = (struct agency_set){{0}};
    opinion.hearing_opinion.promises = promises;
    opinion.hearing_opinion.promise_count = 1;
    SET(opinion.header.recipient, "poverty-office");
    static struct matter before;
    before = town.matter;
    town.city.ctx.now_ms = noon_of("2026-03-10");
    town_refuse(&town, &opinion, REFUSAL_AGENCY_LEFT); /* its successor reads it now */
    struct message reply =
        matter_message(&town, MESSAGE_HEARING_REPLY, "education", "procuratorate");
    town_accept(&town, &reply,
                "queue>procuratorate task-closed:attendance#1 task-closed:attendance#2");
    town.matter = before;
    town.city.ctx.now_ms = noon_of("2026-03-09");
    ck_assert_int_eq(town_send(&town, &opinion), REFUSAL_NONE);
    town.city.ctx.now_ms = noon_of("2026-03-16");
    static struct matter asked;
    asked = town.matter;
    decide_matter_due(&town.city.ctx, &asked, town.city.decision);
    town_judge(&town, &asked);
    ck_assert_str_eq(town.city.story, "raised:promise#3/remind-5 reminder>education[liaison]");
    struct message kept =
        matter_message(&town, MESSAGE_PROMISE_REPORT, "education", "procuratorate");
    kept.promise_report.duty = 3;
    town_accept(&town, &kept, "queue>procuratorate task-closed:promise#3");
    ck_assert_int_eq(town.matter.state, MATTER_CLOSED);
    invitation.header.referral_id = id_of(4);
    town.known = false;
    town_refuse(&town, &invitation, REFUSAL_AGENCY_LEFT);
    town_close(&town);
}
END_TEST

/* ---- the full product ---- */

enum who { OWNER, MEMBER, STRANGER };

/* What a matter that has just been opened takes, and from whom: everything else is refused. */
static const struct {
    enum matter_kind matter;
    enum message_kind kind;
    enum who who;
} taken[] = {
    {MATTER_INFORMATION, MESSAGE_INFORMATION_REPLY, MEMBER},
    {MATTER_ARCHIVE, MESSAGE_REOPEN, OWNER},
    {MATTER_ARCHIVE, MESSAGE_FOLLOW_UP_PLAN, OWNER},
    {MATTER_ARCHIVE, MESSAGE_FOLLOW_UP_REPORT, OWNER},
    {MATTER_CONSULTATION, MESSAGE_CONSULTATION, OWNER},
    {MATTER_CONSULTATION, MESSAGE_CONSULTATION, MEMBER},
    {MATTER_CONFERENCE, MESSAGE_PROMISE_REPORT, MEMBER},
    {MATTER_MEETING, MESSAGE_MEETING_REPLY, MEMBER},
    {MATTER_HEARING, MESSAGE_HEARING_REPLY, MEMBER},
    {MATTER_HEARING, MESSAGE_HEARING_OPINION, OWNER},
    {MATTER_FUND, MESSAGE_FUND_PAYMENT, OWNER},
    {MATTER_LETTER, MESSAGE_LETTER_ANSWER, OWNER},
};

static bool is_taken(enum matter_kind matter, enum message_kind kind, enum who who)
{
    if (kind == MESSAGE_DELIVERY || kind == MESSAGE_REJECTION) {
        return who != STRANGER;
    }
    for (size_t i = 0; i < COUNT_OF(taken); i++) {
        if (taken[i].matter == matter && taken[i].kind == kind && taken[i].who == who) {
            return true;
        }
    }
    return false;
}

/* The first member answers to the owner, the owner and a stranger write to whom they can. */
static void say_to(struct town *town, enum message_kind kind, enum who who)
{
    const char *owner = agency_id(&town->city, town->matter.owner);
    const char *member = agency_id(&town->city, town->matter.members[0].agency);
    const char *from = who == OWNER ? owner : member;
    from = who == STRANGER ? "health" : from;
    struct message message = matter_message(town, kind, from, who == OWNER ? member : owner);
    enum refusal refusal = town_send(town, &message);
    ck_assert_msg((refusal == REFUSAL_NONE) == is_taken(town->matter.kind, kind, who),
                  "%s, %s by %s: %s, %s", matter_kind_name(town->matter.kind),
                  message_kind_name(kind), from, refusal_name(refusal),
                  town->city.decision->detail);
}

START_TEST(the_full_product)
{
    enum matter_kind kind = (enum matter_kind)_i;
    static struct town town, opened;
    town_open(&town);
    town_say(&town, opening_of(kind));
    if (kind == MATTER_INFORMATION) {
        town_deliver(&town, "procuratorate");
    }
    opened = town;
    for (int k = 1; k < MESSAGE_AGENCY_KIND_COUNT; k++) {
        for (int who = OWNER; who <= STRANGER; who++) {
            say_to(&town, (enum message_kind)k, (enum who)who);
            town.matter = opened.matter;
            town.facts = opened.facts;
            town.known = true;
        }
    }
    town_close(&town);
}
END_TEST

/* Nothing but an opening message opens anything. */
START_TEST(what_opens_a_matter)
{
    for (int k = 1; k < MESSAGE_AGENCY_KIND_COUNT; k++) {
        enum message_kind kind = (enum message_kind)k;
        bool opens = false;
        for (int matter = 1; matter < MATTER_KIND_COUNT; matter++) {
            opens = opens || opening_of((enum matter_kind)matter) == kind;
        }
        static struct town town;
        town_open(&town);
        if (!opens && kind != MESSAGE_ROSTER_CHANGE) {
            struct message message = matter_message(&town, kind, "procuratorate", "education");
            ck_assert_int_ne(town_send(&town, &message), REFUSAL_NONE);
            ck_assert(!town.known);
        }
        town_close(&town);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decide_matter");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, information_is_asked_and_answered);
    tcase_add_test(cases, information_between_the_parties_of_an_open_referral);
    tcase_add_test(cases, a_case_takes_only_so_many_matters);
    tcase_add_test(cases, a_request_that_cannot_be_read_asks_nothing);
    tcase_add_test(cases, a_withdrawn_referral_takes_its_requests_along);
    tcase_add_test(cases, an_archive_begins_the_visits);
    tcase_add_test(cases, minors_are_visited_sooner_and_on_a_working_day);
    tcase_add_test(cases, who_may_archive_what);
    tcase_add_test(cases, visits_end_by_rule);
    tcase_add_test(cases, a_report_leads_to_the_next_visit);
    tcase_add_test(cases, a_plan_takes_the_place_of_the_first_date);
    tcase_add_test(cases, plans_without_end);
    tcase_add_test(cases, a_case_is_opened_again);
    tcase_add_test(cases, a_consultation_goes_to_and_fro);
    tcase_add_test(cases, whose_case_it_is);
    tcase_add_test(cases, promises_are_kept);
    tcase_add_test(cases, who_may_promise_what);
    tcase_add_test(cases, a_meeting_is_answered_by_each);
    tcase_add_test(cases, only_the_office_calls_a_meeting);
    tcase_add_test(cases, a_hearing_ends_with_what_was_promised);
    tcase_add_test(cases, a_hearing_without_promises_is_over);
    tcase_add_test(cases, the_roster_has_editions);
    tcase_add_test(cases, supervised_money_to_its_last_fen);
    tcase_add_test(cases, money_is_planned_ahead);
    tcase_add_test(cases, a_letter_is_answered_for);
    tcase_add_test(cases, receipts_name_what_is_queued);
    tcase_add_test(cases, a_receipt_goes_to_the_author);
    tcase_add_test(cases, the_header_is_that_of_the_matter);
    tcase_add_test(cases, a_successor_does_what_was_promised);
    tcase_add_loop_test(cases, the_full_product, 1, MATTER_KIND_COUNT);
    tcase_add_test(cases, what_opens_a_matter);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
