/* lib/model/decide_matter, time: every rung of a duty to the right people, once, never before its
 * time; documents answered and resolved; new calendars; an agency's copy; and random lives of every
 * kind of matter; Check names the one that fails, which is its seed. */
#include "matter_support.h"

/* ---- rungs ---- */

START_TEST(a_promise_that_nobody_keeps)
{
    static struct town town;
    town_open(&town);
    town_say(&town, MESSAGE_CONFERENCE);
    town_next_rung(&town, "2026-03-13", "raised:promise#1/remind-5 reminder>education[liaison]");
    town_next_rung(&town, "2026-03-18", "raised:promise#1/remind-2 reminder>education[liaison]");
    town_next_rung(&town, "2026-03-20",
                   "raised:promise#1/due-1=DB-2026-0001 escalation>education[liaison,leader] "
                   "escalation>civil-affairs[sender]");
    town_next_rung(&town, "2026-03-25",
                   "raised:promise#1/due-2=DB-2026-0002 escalation>education[liaison,leader] "
                   "escalation>civil-affairs[sender] escalation>procuratorate[office]");
    town_next_rung(&town, "2026-04-02",
                   "raised:promise#2/remind-5 reminder>civil-affairs[liaison]");
    town_next_rung(&town, "2026-04-03",
                   "raised:promise#1/due-3=DB-2026-0003 escalation>education[leader] "
                   "escalation>civil-affairs[leader,sender] escalation>procuratorate[office]");
    struct message kept = right_message(&town, MESSAGE_PROMISE_REPORT);
    town_accept(&town, &kept,
                "queue>civil-affairs task-closed:promise#1+10 "
                "resolved:promise#1/due-1=DB-2026-0001 resolved>education[liaison,leader] "
                "resolved>civil-affairs[sender] "
                "resolved:promise#1/due-2=DB-2026-0002 resolved>education[liaison,leader] "
                "resolved>civil-affairs[sender] resolved>procuratorate[office] "
                "resolved:promise#1/due-3=DB-2026-0003 resolved>education[leader] "
                "resolved>civil-affairs[leader,sender] resolved>procuratorate[office]");
    town_next_rung(&town, "2026-04-08",
                   "raised:promise#2/remind-2 reminder>civil-affairs[liaison]");
    town_close(&town);
}
END_TEST

/* Nobody waits for a visit: its holder hears of it once, with all that it is. */
START_TEST(a_visit_that_nobody_makes)
{
    static struct town town;
    town_open(&town);
    town_say(&town, MESSAGE_ARCHIVE);
    town_next_rung(&town, "2026-06-23",
                   "raised:follow-up#1/remind-5 reminder>procuratorate[liaison]");
    town_next_rung(&town, "2026-06-26",
                   "raised:follow-up#1/remind-2 reminder>procuratorate[liaison]");
    town_next_rung(
        &town, "2026-06-30",
        "raised:follow-up#1/due-1=DB-2026-0001 escalation>procuratorate[liaison,leader]");
    town_next_rung(
        &town, "2026-07-03",
        "raised:follow-up#1/due-2=DB-2026-0002 escalation>procuratorate[liaison,leader,office]");
    struct message reopen = right_message(&town, MESSAGE_REOPEN);
    town_accept(&town, &reopen,
                "queue>education queue>civil-affairs cancelled:follow-up#1 "
                "resolved:follow-up#1/due-1=DB-2026-0001 resolved>procuratorate[liaison,leader] "
                "resolved:follow-up#1/due-2=DB-2026-0002 "
                "resolved>procuratorate[liaison,leader,office]");
    ck_assert_uint_eq(town.matter.next_due_ms, 0);
    town_close(&town);
}
END_TEST

START_TEST(a_request_that_nobody_fetches)
{
    static struct town town;
    town_open(&town);
    town_say(&town, MESSAGE_INFORMATION_REQUEST);
    town_next_rung(&town, "2026-03-03",
                   "raised:information#1/undelivered-1=DB-2026-0001 escalation>education[sender] "
                   "escalation>procuratorate[office,administrators]");
    town.city.ctx.now_ms = noon_of("2026-03-04");
    struct message delivery = matter_message(&town, MESSAGE_DELIVERY, "procuratorate", "education");
    town_accept(&town, &delivery,
                "unqueue task-opened:information#1@procuratorate "
                "delivery-notice>education[liaison,sender] "
                "resolved:information#1/undelivered-1=DB-2026-0001 resolved>education[sender] "
                "resolved>procuratorate[office,administrators]");
    /* day 5 after Wednesday 2026-03-04 is the 11th; remind-5 would be at the start */
    town_next_rung(&town, "2026-03-09",
                   "raised:information#1/remind-2 reminder>procuratorate[liaison]");
    town_next_rung(&town, "2026-03-11",
                   "raised:information#1/due-1=DB-2026-0002 "
                   "escalation>procuratorate[liaison,leader] escalation>education[sender]");
    town_close(&town);
}
END_TEST

START_TEST(rungs_wait_for_the_clock)
{
    static struct town town;
    town_open(&town);
    town_say(&town, MESSAGE_CONFERENCE);
    town.city.ctx.now_ms = noon_of("2026-03-23");
    town.city.ctx.clock_held = true;
    town_look(&town);
    ck_assert_str_eq(town.city.story, "");
    town.city.ctx.clock_held = false;
    town_look(&town);
    ck_assert_uint_eq(town.city.decision->effects[0].fell_due_ms,
                      civil_end_ms(day_of("2026-03-13")));
    town_close(&town);
}
END_TEST

/* Every duty a matter can have, each with its whole ladder: nothing outgrows its bound. */
START_TEST(the_most_that_can_be_resolved)
{
    static uint32_t dates[LIMIT_DUTIES];
    static struct town town;
    unsigned resolved = 0;
    town_open(&town);
    town_say(&town, MESSAGE_ARCHIVE);
    for (uint32_t i = 0; i < LIMIT_DUTIES; i++) {
        dates[i] = civil_yyyymmdd(day_of("2026-06-01") + (int32_t)i);
    }
    struct message plan = right_message(&town, MESSAGE_FOLLOW_UP_PLAN);
    plan.follow_up_plan.dates = dates;
    plan.follow_up_plan.date_count = LIMIT_DUTIES;
    ck_assert_int_eq(town_send(&town, &plan), REFUSAL_NONE);
    town.city.ctx.now_ms = noon_of("2029-06-01");
    while (town.matter.next_due_ms != 0) {
        static struct matter before;
        before = town.matter;
        decide_matter_due(&town.city.ctx, &before, town.city.decision);
        town.matter = town.city.decision->matter;
        town.city.ctx.documents = town.city.decision->documents;
    }
    ck_assert_uint_eq(town.matter.document_count, MATTER_DOCUMENTS_MAX);
    for (uint32_t i = 0; i < LIMIT_DUTIES; i++) {
        dates[i] = civil_yyyymmdd(day_of("2030-06-03") + (int32_t)i);
    }
    plan.header.message_id = id_of(250);
    ck_assert_int_eq(town_send(&town, &plan), REFUSAL_NONE);
    ck_assert_uint_eq(town.matter.document_count, 0);
    for (size_t i = 0; i < town.city.decision->effect_count; i++) {
        resolved += town.city.decision->effects[i].kind == EFFECT_RUNG_RESOLVED ? 1 : 0;
    }
    ck_assert_uint_eq(resolved, MATTER_DOCUMENTS_MAX);
    town_close(&town);
}
END_TEST

/* ---- documents ---- */

static struct message reply_to(const struct town *town, const char *from, const char *to,
                               const char *document)
{
    struct message message = matter_message(town, MESSAGE_ESCALATION_REPLY, from, to);
    SET(message.escalation_reply.document_number, document);
    message.escalation_reply.answer = 2;
    return message;
}

START_TEST(a_document_is_answered)
{
    static struct town town;
    town_open(&town);
    town_say(&town, MESSAGE_CONFERENCE);
    town.city.ctx.now_ms = noon_of("2026-03-23");
    town_look(&town);
    struct message reply = reply_to(&town, "civil-affairs", "education", "DB-2026-0001");
    town_refuse(&town, &reply, REFUSAL_DOCUMENT); /* it waits: it is not asked */
    reply = reply_to(&town, "education", "civil-affairs", "DB-2026-0002");
    town_refuse(&town, &reply, REFUSAL_DOCUMENT);
    reply = reply_to(&town, "education", "health", "DB-2026-0001");
    town_refuse(&town, &reply, REFUSAL_MATTER_MEMBER);
    reply = reply_to(&town, "health", "education", "DB-2026-0001");
    town_refuse(&town, &reply, REFUSAL_MATTER_MEMBER);
    reply = reply_to(&town, "education", "civil-affairs", "DB-2026-0001");
    town_accept(&town, &reply, "queue>civil-affairs");
    ck_assert_uint_eq(town.matter.documents[0].answer, 2);
    reply.header.message_id = id_of(250);
    town_refuse(&town, &reply, REFUSAL_ALREADY);
    town_close(&town);
}
END_TEST

/* The office asked too: it may be answered though it takes no part, and acknowledges. */
START_TEST(the_office_is_answered)
{
    static struct town town;
    town_open(&town);
    struct message message =
        matter_message(&town, MESSAGE_CONFERENCE, "civil-affairs", "education");
    ck_assert_int_eq(town_send(&town, &message), REFUSAL_NONE);
    town.city.ctx.now_ms = noon_of("2026-03-26");
    town_look(&town);
    message = reply_to(&town, "education", "procuratorate", "DB-2026-0002");
    town_accept(&town, &message, "queue>procuratorate");
    message = matter_message(&town, MESSAGE_DELIVERY, "procuratorate", "education");
    message.header.refers_to = id_of(251);
    town_accept(&town, &message, "unqueue");
    town_close(&town);
}
END_TEST

/* ---- a new calendar ---- */

static void town_recalendar(struct town *town, const char *rows)
{
    struct fault fault = {.code = ""};
    struct city *city = &town->city;
    calendar_free(city->calendar);
    ck_assert_int_eq(calendar_new(&city->calendar), OK);
    ck_assert_msg(calendar_load_text(city->calendar, "2026.json", span_text(rows), &fault) == OK,
                  "%s", fault.message);
    calendar_seal(city->calendar);
    city->ctx.calendar = city->calendar;
    static struct matter before;
    before = town->matter;
    decide_matter_redate(&city->ctx, &before, city->decision);
    town_judge(town, &before);
}

static const char march_off[] = "{\"year\":2026,\"papers\":[\"test\"],\"days\":["
                                "{\"name\":\"停工\",\"date\":\"2026-03-06\",\"isOffDay\":true},"
                                "{\"name\":\"停工\",\"date\":\"2026-03-23\",\"isOffDay\":true}]}";

/* A count of working days moves; a date that people gave does not, but what is counted from it. */
START_TEST(which_dates_a_calendar_moves)
{
    static struct town town;
    town_open(&town);
    town_say(&town, MESSAGE_INFORMATION_REQUEST);
    town_deliver(&town, "procuratorate");
    town_recalendar(&town, march_off);
    ck_assert_str_eq(town.city.story, "redated:information#1 re-dating>procuratorate[liaison] "
                                      "re-dating>education[liaison,sender]");
    ck_assert_int_eq(town.matter.duties[0].window.due_day, day_of("2026-03-10"));
    town_close(&town);
    town_open(&town);
    town_say(&town, MESSAGE_CONFERENCE);
    town.city.ctx.now_ms = civil_end_ms(day_of("2026-03-25"));
    town_look(&town);
    ck_assert_uint_eq(town.matter.document_count, 2);
    town_recalendar(&town, march_off); /* due-2 was Wednesday, is Thursday now */
    ck_assert_str_eq(town.city.story,
                     "resolved:promise#1/due-2=DB-2026-0002 resolved>education[liaison,leader] "
                     "resolved>civil-affairs[sender] resolved>procuratorate[office]");
    ck_assert_int_eq(town.matter.duties[0].window.due_day, day_of("2026-03-20"));
    town.city.ctx.now_ms = noon_of("2026-03-30");
    town_look(&town);
    ck_assert_str_eq(town.city.story, ""); /* not again */
    town_close(&town);
}
END_TEST

/* ---- notices and copies ---- */

START_TEST(a_notice_names_the_duty_and_its_date)
{
    static struct town town;
    struct trace_day trace[DECIDE_TRACE_MAX];
    struct notice_facts facts;
    town_open(&town);
    struct message conference = right_message(&town, MESSAGE_CONFERENCE);
    static const struct promise sunday[] = {
        {.agency = "education", .code = 1, .by_date = 20260315}};
    conference.conference.promises = sunday;
    conference.conference.promise_count = 1;
    ck_assert_int_eq(town_send(&town, &conference), REFUSAL_NONE);
    town.city.ctx.now_ms = noon_of("2026-03-10");
    town_look(&town);
    ck_assert_int_eq(town.city.decision->effects[1].kind, EFFECT_NOTICE);
    decide_notice_facts(&town.city.ctx, &town.city.decision->effects[1], trace, &facts);
    ck_assert_str_eq(facts.rung, "remind-5");
    ck_assert_uint_eq((uint32_t)facts.task, DUTY_PROMISE);
    ck_assert_uint_eq(facts.window, 1);
    ck_assert_str_eq(facts.responsible, "education");
    ck_assert_uint_eq(facts.due_date, 20260315);
    ck_assert_uint_eq(facts.working_days, 9);
    ck_assert_uint_eq(facts.trace[0].date, 20260302);
    ck_assert_uint_eq(facts.trace[facts.trace_count - 1].kind, TRACE_DAY_N);
    ck_assert_uint_eq(facts.trace[facts.trace_count - 1].date, 20260315);
    town_close(&town);
}
END_TEST

/* What reaches one agency: the messages to and from it, and the broker's notices. */
struct copy {
    const char *agency;
    struct matter matter;
    bool known;
};

static void copy_notices(const struct town *town, struct copy *copy)
{
    struct trace_day trace[DECIDE_TRACE_MAX];
    const struct decision *decision = town->city.decision;
    for (size_t i = 0; i < decision->effect_count; i++) {
        struct message notice;
        if (decision->effects[i].kind != EFFECT_NOTICE ||
            decision->effects[i].agency != number_of(town, copy->agency)) {
            continue;
        }
        memset(&notice, 0, sizeof(notice));
        notice.header.kind = decision->effects[i].notice;
        decide_notice_facts(&town->city.ctx, &decision->effects[i], trace, &notice.notice);
        static struct matter before;
        before = copy->matter;
        decide_matter_follow(&town->city.ctx, &before, &notice, &copy->matter);
    }
}

static void copy_message(const struct town *town, struct copy *copy, const struct message *message)
{
    struct decision *decision = calloc(1, sizeof(*decision));
    struct decide_context ctx = town->city.ctx;
    static struct matter before;
    before = copy->matter;
    bool reaches = strcmp(message->header.sender, copy->agency) == 0 ||
                   strcmp(message->header.recipient, copy->agency) == 0 ||
                   agency_set_has(&message->copies, number_of(town, copy->agency));
    ck_assert_ptr_nonnull(decision);
    ctx.replica = true;
    ctx.item = NULL;
    ctx.whole_case = NULL;
    ctx.about = NULL;
    if (reaches) {
        decide_matter_message(&ctx, copy->known ? &before : NULL, message, decision);
        ck_assert_msg(decision->refusal == REFUSAL_NONE, "%s: %s", refusal_name(decision->refusal),
                      decision->detail);
        copy->matter = decision->matter;
        copy->known = true;
    }
    free(decision);
}

static void copies_say(struct town *town, struct copy *copies, const struct message *message)
{
    ck_assert_msg(town_send(town, message) == REFUSAL_NONE, "%s", town->city.decision->detail);
    for (size_t i = 0; i < 2; i++) {
        copy_message(town, &copies[i], message);
        copy_notices(town, &copies[i]);
    }
}

static void copies_judge(const struct town *town, const struct copy *copies)
{
    for (size_t i = 0; i < 2; i++) {
        const struct matter *copy = &copies[i].matter;
        ck_assert_int_eq(copy->state, town->matter.state);
        ck_assert_uint_eq(copy->duty_count, town->matter.duty_count);
        for (uint32_t at = 0; at < copy->duty_count; at++) {
            const struct window *mine = &copy->duties[at].window;
            const struct window *theirs = &town->matter.duties[at].window;
            ck_assert_int_eq(mine->kind, theirs->kind);
            ck_assert_uint_eq(mine->due_before_ms, theirs->due_before_ms);
            ck_assert_uint_eq(mine->stopped_ms, theirs->stopped_ms);
        }
    }
}

START_TEST(the_copies_of_a_request)
{
    static struct town town;
    static struct copy copies[2];
    copies[0] = (struct copy){.agency = "education"};
    copies[1] = (struct copy){.agency = "procuratorate"};
    town_open(&town);
    struct message message = right_message(&town, MESSAGE_INFORMATION_REQUEST);
    copies_say(&town, copies, &message);
    copies_judge(&town, copies);
    town.city.ctx.now_ms = noon_of("2026-03-04");
    message = matter_message(&town, MESSAGE_DELIVERY, "procuratorate", "education");
    ck_assert_int_eq(town_send(&town, &message), REFUSAL_NONE);
    copy_message(&town, &copies[1], &message); /* the one who asked reads the notice */
    copy_notices(&town, &copies[0]);
    copies_judge(&town, copies);
    ck_assert(copies[0].matter.members[0].delivered);
    town.city.ctx.now_ms = noon_of("2026-03-12");
    town_look(&town);
    copy_notices(&town, &copies[0]);
    copy_notices(&town, &copies[1]);
    ck_assert(rung_set_has(copies[0].matter.duties[0].window.raised, RUNG_DUE_1));
    ck_assert_uint_eq(copies[0].matter.document_count, 1);
    ck_assert_uint_eq(copies[1].matter.document_count, 1);
    message = reply_to(&town, "procuratorate", "education", "DB-2026-0001");
    copies_say(&town, copies, &message);
    ck_assert_uint_eq(copies[0].matter.documents[0].answer, 2);
    message = right_message(&town, MESSAGE_INFORMATION_REPLY);
    copies_say(&town, copies, &message);
    copies_judge(&town, copies);
    ck_assert_uint_eq(copies[0].matter.document_count, 0);
    ck_assert_int_eq(copies[1].matter.state, MATTER_CLOSED);
    town_close(&town);
}
END_TEST

START_TEST(the_copy_of_a_request_that_comes_back)
{
    static struct town town;
    static struct copy copy;
    copy = (struct copy){.agency = "education"};
    town_open(&town);
    struct message message = right_message(&town, MESSAGE_INFORMATION_REQUEST);
    ck_assert_int_eq(town_send(&town, &message), REFUSAL_NONE);
    copy_message(&town, &copy, &message);
    message = matter_message(&town, MESSAGE_REJECTION, "procuratorate", "education");
    ck_assert_int_eq(town_send(&town, &message), REFUSAL_NONE);
    copy_notices(&town, &copy);
    ck_assert_int_eq(copy.matter.state, MATTER_CANCELLED);
    town_close(&town);
}
END_TEST

/* What a copy cannot know (that a minor is concerned) the broker's notice of the date tells. */
START_TEST(the_copies_of_an_archive)
{
    static struct town town;
    static struct copy copies[2];
    copies[0] = (struct copy){.agency = "procuratorate"};
    copies[1] = (struct copy){.agency = "procuratorate"};
    town_open(&town);
    town.facts.minor = true;
    town.facts.clocks = 0;
    struct message message = right_message(&town, MESSAGE_ARCHIVE);
    copies_say(&town, copies, &message);
    ck_assert(!copies[0].matter.minor);
    copies_judge(&town, copies);
    town.city.ctx.now_ms = noon_of("2026-05-07");
    message = right_message(&town, MESSAGE_FOLLOW_UP_PLAN);
    static const uint32_t dates[] = {20260601};
    message.follow_up_plan.dates = dates;
    message.follow_up_plan.date_count = 1;
    copies_say(&town, copies, &message);
    copies_judge(&town, copies);
    town_close(&town);
}
END_TEST

/* ---- random lives ---- */

#define LIFE_DUTIES    1024u
#define LIFE_DOCUMENTS 4096u

struct life {
    struct town town;
    struct calendar *calendars[6]; /* of more or fewer years; owned */
    uint32_t state;                /* of the generator */
    bool raised[LIFE_DUTIES][RUNG_COUNT];
    struct {
        char number[LIMIT_NUMBER_BYTES];
        bool open;
    } documents[LIFE_DOCUMENTS];
    size_t document_count, document_open;
};

static uint32_t pick(struct life *life, uint32_t below)
{
    life->state = life->state * 1664525u + 1013904223u;
    return (life->state >> 8) % below;
}

static uint32_t pick_date(struct life *life)
{
    return civil_yyyymmdd(civil_day_at(life->town.city.ctx.now_ms) - 1 + (int32_t)pick(life, 70));
}

static void life_raised(struct life *life, const struct effect *effect)
{
    const struct city *city = &life->town.city;
    uint64_t due_ms = 0;
    ck_assert_uint_lt(effect->window.number, LIFE_DUTIES);
    ck_assert(!life->raised[effect->window.number][effect->rung]);
    life->raised[effect->window.number][effect->rung] = true;
    ck_assert(
        rung_due_ms(&city->policy->ladder, city->calendar, &effect->window, effect->rung, &due_ms));
    ck_assert_uint_eq(effect->fell_due_ms, due_ms);
    ck_assert_uint_le(due_ms, city->ctx.now_ms);
    ck_assert_int_eq(effect->number[0] != '\0', rung_is_document(effect->rung));
    if (effect->number[0] != '\0') {
        ck_assert_uint_lt(life->document_count, LIFE_DOCUMENTS);
        memcpy(life->documents[life->document_count].number, effect->number, LIMIT_NUMBER_BYTES);
        life->documents[life->document_count++].open = true;
        life->document_open++;
    }
}

static void life_resolved(struct life *life, const struct effect *effect)
{
    for (size_t i = 0; i < life->document_count; i++) {
        if (strcmp(life->documents[i].number, effect->number) == 0) {
            ck_assert_msg(life->documents[i].open, "%s resolved twice", effect->number);
            life->documents[i].open = false;
            life->document_open--;
            return;
        }
    }
    ck_abort_msg("%s was never raised", effect->number);
}

static void life_judge(struct life *life)
{
    const struct decision *decision = life->town.city.decision;
    for (size_t i = 0; i < decision->effect_count; i++) {
        if (decision->effects[i].kind == EFFECT_RUNG_RAISED) {
            life_raised(life, &decision->effects[i]);
        } else if (decision->effects[i].kind == EFFECT_RUNG_RESOLVED) {
            life_resolved(life, &decision->effects[i]);
        }
    }
    ck_assert_uint_eq(life->document_open, life->town.matter.document_count);
}

static struct message random_message(struct life *life)
{
    static const char *const agencies[] = {"procuratorate", "education", "civil-affairs", "health"};
    static struct promise promises[3];
    static uint32_t dates[3];
    enum message_kind kind = (enum message_kind)(1 + pick(life, MESSAGE_AGENCY_KIND_COUNT - 1));
    uint32_t from = pick(life, COUNT_OF(agencies));
    uint32_t to = (from + 1 + pick(life, 3)) % COUNT_OF(agencies);
    struct message message = matter_message(&life->town, kind, agencies[from], agencies[to]);
    uint32_t duty = 1 + pick(life, life->town.matter.duty_count + 2);
    for (size_t i = 0; i < 3; i++) {
        dates[i] = civil_yyyymmdd(civil_day_at(life->town.city.ctx.now_ms) + (int32_t)(9 * i) +
                                  (int32_t)pick(life, 9));
        promises[i] = (struct promise){.code = 1 + pick(life, 8), .by_date = pick_date(life)};
        SET(promises[i].agency, agencies[pick(life, 3)]);
    }
    if (kind == MESSAGE_FOLLOW_UP_PLAN) {
        message.follow_up_plan.dates = dates;
        message.follow_up_plan.date_count = 1 + pick(life, 3);
    } else if (kind == MESSAGE_FOLLOW_UP_REPORT) {
        message.follow_up_report =
            (struct follow_up_report_facts){.duty = pick(life, 2) * duty,
                                            .hardship = 1 + pick(life, 4),
                                            .effect = 1,
                                            .risk = 1 + pick(life, 3),
                                            .next_date = pick(life, 2) * pick_date(life)};
    } else if (kind == MESSAGE_PROMISE_REPORT) {
        message.promise_report.duty = duty;
    } else if (kind == MESSAGE_HEARING_OPINION) {
        message.hearing_opinion.promises = promises;
        message.hearing_opinion.promise_count = pick(life, 4);
    } else if (kind == MESSAGE_FUND_PAYMENT) {
        uint64_t rest = life->town.matter.fund_fen - life->town.matter.paid_fen;
        message.fund_payment.duty = duty;
        message.fund_payment.amount_fen = 1 + pick(life, 40000);
        message.fund_payment.balance_fen = rest - message.fund_payment.amount_fen;
    } else if (kind == MESSAGE_ESCALATION_REPLY && life->document_count > 0) {
        size_t at = pick(life, (uint32_t)life->document_count);
        SET(message.escalation_reply.document_number, life->documents[at].number);
        message.escalation_reply.answer = 1;
    }
    return message;
}

/* Closing, cancelling and nothing else ends a matter, and never a refusal. */
static void life_message(struct life *life)
{
    static const bool ends[MESSAGE_AGENCY_KIND_COUNT] = {
        [MESSAGE_INFORMATION_REPLY] = true,
        [MESSAGE_REJECTION] = true,
        [MESSAGE_REOPEN] = true,
        [MESSAGE_FOLLOW_UP_REPORT] = true,
        [MESSAGE_PROMISE_REPORT] = true,
        [MESSAGE_MEETING_REPLY] = true,
        [MESSAGE_HEARING_OPINION] = true,
        [MESSAGE_FUND_PAYMENT] = true,
        [MESSAGE_LETTER_ANSWER] = true,
    };
    struct message message = random_message(life);
    enum matter_state before = life->town.matter.state;
    bool taken = town_send(&life->town, &message) == REFUSAL_NONE;
    bool changed = life->town.matter.state != before;
    ck_assert(!changed || (taken && before == MATTER_OPEN && ends[message.header.kind]));
    if (taken) {
        life_judge(life);
    }
}

/* The scheduler looks; sometimes it dies before it keeps what it decided, and looks again. */
static void life_look(struct life *life)
{
    static struct town before;
    before = life->town;
    town_look(&life->town);
    ck_assert_int_eq(life->town.matter.state, before.matter.state);
    if (pick(life, 4) == 0) {
        life->town = before;
    } else {
        life_judge(life);
    }
}

static void life_calendar(struct life *life)
{
    enum matter_state before = life->town.matter.state;
    life->town.city.calendar = life->calendars[pick(life, 6)];
    life->town.city.ctx.calendar = life->town.city.calendar;
    static struct matter matter;
    matter = life->town.matter;
    decide_matter_redate(&life->town.city.ctx, &matter, life->town.city.decision);
    town_judge(&life->town, &matter);
    ck_assert_int_eq(life->town.matter.state, before);
    life_judge(life);
}

static const struct duty *open_duty(const struct matter *matter)
{
    for (uint32_t i = 0; i < matter->duty_count; i++) {
        if (matter_duty_open(&matter->duties[i])) {
            return &matter->duties[i];
        }
    }
    return NULL;
}

/* What its holder says when the duty is done. */
static struct message done_message(const struct town *town, const struct duty *duty)
{
    static const enum message_kind kinds[DUTY_KIND_END] = {
        [DUTY_INFORMATION] = MESSAGE_INFORMATION_REPLY, [DUTY_PROMISE] = MESSAGE_PROMISE_REPORT,
        [DUTY_PAYMENT] = MESSAGE_FUND_PAYMENT,          [DUTY_LETTER] = MESSAGE_LETTER_ANSWER,
        [DUTY_ATTENDANCE] = MESSAGE_MEETING_REPLY,
    };
    const struct matter *matter = &town->matter;
    uint16_t to = duty->holder == matter->owner ? matter->members[0].agency : matter->owner;
    enum message_kind kind = kinds[duty->kind];
    if (duty->window.kind == CLOCK_UNDELIVERED) {
        kind = MESSAGE_DELIVERY;
    }
    struct message message = matter_message(town, kind, agency_id(&town->city, duty->holder),
                                            agency_id(&town->city, to));
    if (kind == MESSAGE_FUND_PAYMENT) {
        bool last = duty->number == matter->duty_count || !matter_duty_open(duty + 1);
        uint64_t rest = matter->fund_fen - matter->paid_fen;
        message.fund_payment.duty = duty->number;
        message.fund_payment.amount_fen = last ? rest : 1;
        message.fund_payment.balance_fen = last ? 0 : rest - 1;
    } else if (kind == MESSAGE_PROMISE_REPORT) {
        message.promise_report.duty = duty->number;
    }
    return message;
}

/* Each duty is done by its holder, a hearing is held, a case re-opened: nothing stays open. */
static void life_end(struct life *life)
{
    struct town *town = &life->town;
    struct message message;
    if (town->matter.state == MATTER_OPEN && town->matter.kind == MATTER_HEARING) {
        message = right_message(town, MESSAGE_HEARING_OPINION);
        message.hearing_opinion.promise_count = 0;
        ck_assert_int_eq(town_send(town, &message), REFUSAL_NONE);
        life_judge(life);
    }
    if (town->matter.state == MATTER_OPEN && town->matter.kind == MATTER_ARCHIVE) {
        town_say(town, MESSAGE_REOPEN);
        life_judge(life);
    }
    for (const struct duty *duty = open_duty(&town->matter); duty != NULL;
         duty = open_duty(&town->matter)) {
        message = done_message(town, duty);
        ck_assert_msg(town_send(town, &message) == REFUSAL_NONE, "%s", town->city.decision->detail);
        life_judge(life);
    }
    ck_assert_uint_eq(life->document_open, 0);
}

START_TEST(random_lives)
{
    static struct life life;
    memset(&life, 0, sizeof(life));
    life.state = (uint32_t)_i * 7919u + 13u;
    town_open(&life.town);
    calendar_free(life.town.city.calendar);
    for (int i = 0; i < 6; i++) {
        life.calendars[i] = calendar_shipped(2024 + i / 2, i % 2 == 0);
    }
    life.town.city.calendar = life.calendars[5];
    life.town.city.ctx.calendar = life.calendars[5];
    town_say(&life.town, opening_of((enum matter_kind)(1 + _i % (MATTER_KIND_COUNT - 1))));
    for (int i = 0; i < 150; i++) {
        uint32_t what = pick(&life, 10);
        if (what < 5) {
            life_message(&life);
        } else if (what < 8) {
            life.town.city.ctx.now_ms += UINT64_C(3600000) * pick(&life, 15 * 24);
            life_look(&life);
        } else if (what == 8) {
            life_look(&life);
        } else {
            life_calendar(&life);
        }
    }
    life_end(&life);
    for (int i = 0; i < 6; i++) {
        if (life.calendars[i] != life.town.city.calendar) {
            calendar_free(life.calendars[i]);
        }
    }
    town_close(&life.town);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decide_matter_time");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, a_promise_that_nobody_keeps);
    tcase_add_test(cases, a_visit_that_nobody_makes);
    tcase_add_test(cases, a_request_that_nobody_fetches);
    tcase_add_test(cases, rungs_wait_for_the_clock);
    tcase_add_test(cases, the_most_that_can_be_resolved);
    tcase_add_test(cases, a_document_is_answered);
    tcase_add_test(cases, the_office_is_answered);
    tcase_add_test(cases, which_dates_a_calendar_moves);
    tcase_add_test(cases, a_notice_names_the_duty_and_its_date);
    tcase_add_test(cases, the_copies_of_a_request);
    tcase_add_test(cases, the_copy_of_a_request_that_comes_back);
    tcase_add_test(cases, the_copies_of_an_archive);
    tcase_add_loop_test(cases, random_lives, 0, 90);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
