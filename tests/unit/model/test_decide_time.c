/* lib/model/decide, time: every rung to the right people, once, never before its time; what holds
 * rungs; re-dating; the facts of notices; and an agency's copy that follows them. */
#include "decide_support.h"

/* ---- ladders ---- */

START_TEST(silence_after_the_sign_for)
{
    struct city city;
    city_open(&city, 2026, true);
    city_signed(&city);
    city_next_rung(&city, "2026-03-23", "raised:feedback/remind-5 reminder>education[liaison]");
    city_next_rung(&city, "2026-03-26", "raised:feedback/remind-2 reminder>education[liaison]");
    city_next_rung(&city, "2026-03-30",
                   "raised:feedback/due-1=DB-2026-0001 escalation>education[liaison,leader] "
                   "escalation>procuratorate[sender]");
    city_next_rung(&city, "2026-04-02",
                   "raised:feedback/due-2=DB-2026-0002 escalation>education[liaison,leader] "
                   "escalation>procuratorate[office,sender]");
    city_next_rung(&city, "2026-04-14",
                   "raised:feedback/due-3=DB-2026-0003 escalation>education[leader] "
                   "escalation>procuratorate[leader,office,sender]");
    city_next_rung(&city, "2026-04-28",
                   "raised:feedback/due-3.1=DB-2026-0004 escalation>education[leader] "
                   "escalation>procuratorate[leader,office,sender]");
    for (int k = 2; k <= 20; k++) {
        char expected[64];
        city.ctx.now_ms = city.referral.next_due_ms;
        city_look(&city);
        bool next_year = city.ctx.now_ms >= civil_end_ms(day_of("2026-12-31"));
        ck_assert(!next_year || k > 15);
        (void)snprintf(expected, sizeof(expected), "raised:feedback/due-3.%d=DB-%s-%04u ", k,
                       next_year ? "2027" : "2026", city.ctx.documents.last);
        ck_assert_msg(strncmp(city.story, expected, strlen(expected)) == 0, "%s", city.story);
    }
    ck_assert_uint_eq(city.ctx.documents.year, 2027); /* a new year begins at 1 */
    ck_assert_uint_eq(city.referral.next_due_ms, 0);
    ck_assert_uint_eq(city.referral.document_count, 23);
    city_close(&city);
}
END_TEST

/* An inbound one: the procuratorate must act, and is the office too. */
START_TEST(silence_of_the_procuratorate)
{
    struct city city;
    city_open(&city, 2026, false);
    struct message referral = inbound_referral();
    struct message delivery = receipt(MESSAGE_DELIVERY, &referral);
    ck_assert_int_eq(city_send(&city, &referral), REFUSAL_NONE);
    ck_assert_int_eq(city_send(&city, &delivery), REFUSAL_NONE);
    city_next_rung(&city, "2026-03-05",
                   "raised:unsigned/unsigned-1=DB-2026-0001 escalation>procuratorate[liaison]");
    city.ctx.now_ms = civil_end_ms(day_of("2026-03-09")); /* two at one instant */
    city_look(&city);
    ck_assert_str_eq(city.story,
                     "raised:feedback/remind-5 reminder>procuratorate[liaison] "
                     "raised:unsigned/unsigned-2=DB-2026-0002 escalation>procuratorate[leader]");
    city_next_rung(&city, "2026-03-12", "raised:feedback/remind-2 reminder>procuratorate[liaison]");
    city_next_rung(&city, "2026-03-16",
                   "raised:feedback/due-1=DB-2026-0003 escalation>procuratorate[liaison,leader] "
                   "escalation>womens-federation[sender]");
    city_next_rung(&city, "2026-03-19",
                   "raised:feedback/due-2=DB-2026-0004 "
                   "escalation>procuratorate[liaison,leader,office] "
                   "escalation>womens-federation[sender]");
    city_close(&city);
}
END_TEST

START_TEST(nobody_fetches)
{
    struct city city;
    city_open(&city, 2026, false);
    struct message referral = outbound_referral();
    ck_assert_int_eq(city_send(&city, &referral), REFUSAL_NONE);
    city_next_rung(&city, "2026-03-03",
                   "raised:undelivered/undelivered-1=DB-2026-0001 "
                   "escalation>procuratorate[office,administrators,sender]");
    city_next_rung(&city, "2026-03-05",
                   "raised:undelivered/undelivered-2=DB-2026-0002 escalation>education[leader] "
                   "escalation>procuratorate[office,administrators,sender]");
    city_next_rung(&city, "2026-03-12",
                   "raised:undelivered/undelivered-2.1=DB-2026-0003 escalation>education[leader] "
                   "escalation>procuratorate[office,administrators,sender]");
    struct message delivery = receipt(MESSAGE_DELIVERY, &referral);
    city_accept(&city, &delivery,
                "unqueue opened:feedback.1 delivery-notice>procuratorate[liaison,sender] "
                "resolved:undelivered/undelivered-1=DB-2026-0001 "
                "resolved>procuratorate[office,administrators,sender] "
                "resolved:undelivered/undelivered-2=DB-2026-0002 resolved>education[leader] "
                "resolved>procuratorate[office,administrators,sender] "
                "resolved:undelivered/undelivered-2.1=DB-2026-0003 resolved>education[leader] "
                "resolved>procuratorate[office,administrators,sender]");
    ck_assert_uint_eq(city.referral.document_count, 0);
    city_close(&city);
}
END_TEST

/* Papers that nobody fetches climb the same ladder again, for window 2. */
START_TEST(nobody_fetches_the_papers)
{
    struct city city;
    city_open(&city, 2026, false);
    city_procedure(&city, TELL_BY_PROCURATORATE);
    struct message told = informed("procuratorate", "education");
    struct message message = papers("procuratorate", "education");
    ck_assert_int_eq(city_send(&city, &told), REFUSAL_NONE);
    ck_assert_int_eq(city_send(&city, &message), REFUSAL_NONE);
    city_next_rung(&city, "2026-03-03",
                   "raised:undelivered/undelivered-1=DB-2026-0001 "
                   "escalation>procuratorate[office,administrators,sender]");
    ck_assert_uint_eq(city.decision->effects[0].window.number, 2);
    city_close(&city);
}
END_TEST

START_TEST(life_in_danger_counts_hours)
{
    struct city city;
    city_open(&city, 2026, false);
    struct message referral = outbound_referral();
    referral.referral.life_danger = true;
    struct message delivery = receipt(MESSAGE_DELIVERY, &referral);
    ck_assert_int_eq(city_send(&city, &referral), REFUSAL_NONE);
    ck_assert_uint_eq(city.referral.lane, 0);
    city.ctx.now_ms = civil_end_ms(day_of("2026-03-07")) - 3600000; /* Saturday, 23:00 */
    city_look(&city);
    ck_assert_int_eq(city_send(&city, &delivery), REFUSAL_NONE);
    uint64_t from_ms = city.ctx.now_ms;
    ck_assert_uint_eq(city.referral.next_due_ms, from_ms + 7200000);
    city.ctx.now_ms = from_ms + 7199999;
    city_look(&city);
    ck_assert_str_eq(city.story, "");
    city.ctx.now_ms++;
    city_look(&city);
    ck_assert_str_eq(city.story,
                     "raised:urgent/urgent-1=DB-2026-0003 escalation>education[duty-contact]");
    city.ctx.now_ms = from_ms + UINT64_C(6) * 3600000;
    city_look(&city);
    ck_assert_str_eq(city.story, "raised:urgent/urgent-2=DB-2026-0004 escalation>education[leader] "
                                 "escalation>procuratorate[office]");
    struct message message = sign_for();
    city_accept(&city, &message,
                "queue>procuratorate signed=JY-DJ-2026-0001 "
                "resolved:urgent/urgent-1=DB-2026-0003 resolved>education[duty-contact] "
                "resolved:urgent/urgent-2=DB-2026-0004 resolved>education[leader] "
                "resolved>procuratorate[office]");
    city_close(&city);
}
END_TEST

/* Whoever signed for it in time hears nothing of hours. */
START_TEST(a_sign_for_stops_the_hours)
{
    struct city city;
    city_open(&city, 2026, false);
    struct message referral = outbound_referral();
    referral.referral.life_danger = true;
    struct message delivery = receipt(MESSAGE_DELIVERY, &referral);
    struct message message = sign_for();
    ck_assert_int_eq(city_send(&city, &referral), REFUSAL_NONE);
    ck_assert_int_eq(city_send(&city, &delivery), REFUSAL_NONE);
    city.ctx.now_ms += 3600000;
    city_accept(&city, &message, "queue>procuratorate signed=JY-DJ-2026-0001");
    city_next_rung(&city, "2026-03-23", "raised:feedback/remind-5 reminder>education[liaison]");
    city_close(&city);
}
END_TEST

START_TEST(tasks_have_their_own_rungs)
{
    struct city city;
    city_open(&city, 2026, false);
    city_procedure(&city, TELL_BY_PROCURATORATE);
    /* 5 working days: remind-5 would be at the start and is skipped */
    city_next_rung(&city, "2026-03-05", "raised:tell/remind-2 reminder>procuratorate[liaison]");
    city_next_rung(&city, "2026-03-09",
                   "raised:tell/due-1=DB-2026-0001 escalation>procuratorate[liaison,leader] "
                   "escalation>education[sender]");
    struct message told = informed("procuratorate", "education");
    city_accept(&city, &told,
                "queue>education task-closed:tell.1 resolved:tell/due-1=DB-2026-0001 "
                "resolved>procuratorate[liaison,leader] resolved>education[sender]");
    city_next_rung(&city, "2026-03-23", "raised:papers/remind-5 reminder>procuratorate[liaison]");
    city_close(&city);
}
END_TEST

/* ---- exactly once ---- */

/* Whatever the scheduler does when - late, twice, after a crash that forgot the last step - each
 * rung comes once, not before its time, and says when it was due. */
START_TEST(each_rung_exactly_once)
{
    uint32_t state = (uint32_t)_i * 104729u + 7;
    struct city city;
    unsigned raised[REFERRAL_CLOCK_COUNT][RUNG_COUNT];
    memset(raised, 0, sizeof(raised));
    city_open(&city, 2026, true);
    city_delivered(&city);
    for (unsigned i = 0; i < 3000 && city.referral.next_due_ms != 0; i++) {
        struct referral before = city.referral;
        struct number_counter documents = city.ctx.documents;
        state = state * 1664525u + 1013904223u;
        city.ctx.now_ms += (uint64_t)state % (UINT64_C(86400000) * ((unsigned)_i % 7 + 1));
        city_look(&city);
        if (state >> 24 < 64) { /* the transaction was lost */
            city.referral = before;
            city.ctx.documents = documents;
            continue;
        }
        for (size_t e = 0; e < city.decision->effect_count; e++) {
            const struct effect *effect = &city.decision->effects[e];
            if (effect->kind == EFFECT_RUNG_RAISED) {
                ck_assert_uint_le(effect->fell_due_ms, city.ctx.now_ms);
                raised[effect->clock][effect->rung]++;
            }
        }
    }
    for (int rung = 0; rung < RUNG_COUNT; rung++) {
        bool answer = rung <= RUNG_DUE_3_LAST;
        bool sign = rung == RUNG_UNSIGNED_1 || rung == RUNG_UNSIGNED_2;
        ck_assert_uint_eq(raised[REFERRAL_CLOCK_FEEDBACK][rung], answer ? 1 : 0);
        ck_assert_uint_eq(raised[REFERRAL_CLOCK_UNSIGNED][rung], sign ? 1 : 0);
    }
    for (int step = 0; step < RUNG_STEP_COUNT; step++) {
        static const uint32_t times[RUNG_STEP_COUNT] = {
            [STEP_REMIND] = 2, [STEP_DUE_1] = 1,      [STEP_DUE_2] = 1,
            [STEP_DUE_3] = 21, [STEP_UNSIGNED_1] = 1, [STEP_UNSIGNED_2] = 1};
        ck_assert_uint_eq(city.referral.raised[step], times[step]);
    }
    city_close(&city);
}
END_TEST

START_TEST(after_a_long_sleep_in_bounded_steps)
{
    struct city city;
    unsigned looks = 0;
    city_open(&city, 2026, true);
    city_delivered(&city);
    city.ctx.now_ms = noon_of("2027-12-01");
    do {
        city_look(&city);
        unsigned rungs = 0;
        for (size_t i = 0; i < city.decision->effect_count; i++) {
            rungs += city.decision->effects[i].kind == EFFECT_RUNG_RAISED ? 1 : 0;
        }
        ck_assert_uint_le(rungs, DECISION_RUNGS_MAX);
        looks++;
    } while (city.referral.next_due_ms != 0);
    ck_assert_uint_eq(looks, 4); /* 25 + 2 rungs, eight at a time */
    city_close(&city);
}
END_TEST

/* The most documents that can be open, resolved at once: the bound of effects holds. */
START_TEST(the_most_that_can_be_resolved)
{
    struct city city;
    city_open(&city, 2026, true);
    city_procedure(&city, TELL_BY_SOCIAL_AGENCY);
    struct message message = papers("education", "procuratorate");
    ck_assert_int_eq(city_send(&city, &message), REFUSAL_NONE);
    city.ctx.now_ms = noon_of("2028-12-01");
    for (int i = 0; i < 10; i++) {
        city_look(&city);
    }
    ck_assert_uint_eq(city.referral.document_count, 46);
    uint8_t packed[REFERRAL_PACKED_MAX];
    ck_assert_uint_le(referral_pack(&city.referral, packed), REFERRAL_PACKED_MAX);
    message = withdrawal();
    ck_assert_int_eq(city_send(&city, &message), REFUSAL_NONE);
    ck_assert_uint_eq(city.referral.document_count, 0);
    city_close(&city);
}
END_TEST

/* ---- what holds rungs ---- */

START_TEST(rungs_wait_for_the_clock_and_after_an_outage)
{
    struct city city;
    uint64_t until_ms = 1;
    city_open(&city, 2026, false);
    city_signed(&city);
    city.ctx.now_ms = noon_of("2026-04-01");
    city.ctx.clock_held = true;
    ck_assert(decide_rungs_wait(&city.ctx, &until_ms));
    ck_assert_uint_eq(until_ms, 0);
    city_look(&city);
    ck_assert_str_eq(city.story, "");
    struct message told = feedback(OUTCOME_PROCEDURE_REQUIRED); /* messages do not wait */
    struct referral kept = city.referral;
    ck_assert_int_eq(city_send(&city, &told), REFUSAL_NONE);
    city.referral = kept;
    city.ctx.clock_held = false;
    city.ctx.outage_from_ms = noon_of("2026-03-20");
    city.ctx.outage_to_ms = city.ctx.now_ms - 599999;
    ck_assert(decide_rungs_wait(&city.ctx, &until_ms));
    ck_assert_uint_eq(until_ms, city.ctx.now_ms + 1);
    city_look(&city);
    ck_assert_str_eq(city.story, "");
    city.ctx.now_ms++;
    ck_assert(!decide_rungs_wait(&city.ctx, &until_ms));
    city_look(&city);
    ck_assert_uint_eq(city.decision->effects[0].fell_due_ms, civil_end_ms(day_of("2026-03-23")));
    city_close(&city);
}
END_TEST

/* ---- re-dating ---- */

static const char notice_2027[] = "{\"year\":2027,\"papers\":[\"test\"],\"days\":["
                                  "{\"name\":\"元旦\",\"date\":\"2027-01-01\",\"isOffDay\":true},"
                                  "{\"name\":\"元旦\",\"date\":\"2027-01-04\",\"isOffDay\":true},"
                                  "{\"name\":\"元旦\",\"date\":\"2027-01-05\",\"isOffDay\":true}]}";

static void city_recalendar(struct city *city)
{
    struct fault fault = {.code = ""};
    calendar_free(city->calendar);
    ck_assert_int_eq(calendar_new(&city->calendar), OK);
    ck_assert_int_eq(calendar_file_add(city->calendar, "2026.json", &fault), OK);
    ck_assert_int_eq(
        calendar_load_text(city->calendar, "2027.json", span_text(notice_2027), &fault), OK);
    calendar_seal(city->calendar);
    city->ctx.calendar = city->calendar;
    struct referral before = city->referral;
    decide_redate(&city->ctx, &before, city->decision);
    city_judge(city, &before);
    city->referral = city->decision->after;
}

START_TEST(a_notice_moves_a_provisional_date)
{
    struct city city;
    city_open(&city, 2026, true);
    city.ctx.now_ms = noon_of("2026-12-14");
    city_signed(&city);
    struct window before = city.referral.clocks[REFERRAL_CLOCK_FEEDBACK];
    ck_assert(before.provisional);
    city.ctx.now_ms = noon_of("2026-12-21");
    city_recalendar(&city);
    ck_assert_str_eq(city.story, "redated:feedback.1 re-dating>education[liaison] "
                                 "re-dating>procuratorate[liaison,sender]");
    const struct window *after = &city.referral.clocks[REFERRAL_CLOCK_FEEDBACK];
    ck_assert(!after->provisional);
    ck_assert_int_eq(after->due_day - before.due_day, 2); /* two more days off, in the week */
    ck_assert_uint_eq(city.decision->effects[0].old_due_before_ms, before.due_before_ms);
    ck_assert_str_eq(city.decision->effects[1].reason, "calendar");
    ck_assert_str_eq(city.referral.calendar_version, calendar_version(city.calendar));
    city_recalendar(&city); /* the same calendar again: nothing */
    ck_assert_str_eq(city.story, "");
    city_close(&city);
}
END_TEST

START_TEST(a_stopped_window_keeps_its_verdict)
{
    struct city city;
    city_open(&city, 2026, true);
    city.ctx.now_ms = noon_of("2026-12-14");
    city_signed(&city);
    struct message message = feedback(OUTCOME_GRANTED);
    ck_assert_int_eq(city_send(&city, &message), REFUSAL_NONE);
    struct referral before = city.referral;
    city_recalendar(&city);
    ck_assert_str_eq(city.story, "");
    ck_assert_mem_eq(&before, &city.referral, sizeof(before));
    city_close(&city);
}
END_TEST

/* due-1 was raised, then the new calendar puts day N ahead: resolved, and never raised again. */
START_TEST(a_rung_whose_time_lies_ahead_again)
{
    struct city city;
    city_open(&city, 2026, true);
    city.ctx.now_ms = noon_of("2026-12-07");
    city_signed(&city);
    const struct window *window = &city.referral.clocks[REFERRAL_CLOCK_FEEDBACK];
    ck_assert_uint_eq(window->due_before_ms, civil_end_ms(day_of("2027-01-05")));
    city.ctx.now_ms = window->due_before_ms + 3600000;
    city_look(&city);
    ck_assert_uint_eq(city.referral.document_count, 1);
    city_recalendar(&city);
    ck_assert_str_eq(city.story,
                     "redated:feedback.1 re-dating>education[liaison] "
                     "re-dating>procuratorate[liaison,sender] "
                     "resolved:feedback/due-1=DB-2027-0001 resolved>education[liaison,leader] "
                     "resolved>procuratorate[sender]");
    ck_assert_uint_eq(city.referral.document_count, 0);
    char annotated[RUNG_SET_TEXT_BYTES];
    rung_set_format(city.decision->effects[1].annotated, annotated);
    ck_assert_str_eq(annotated, "remind-5 remind-2 due-1");
    city.ctx.now_ms = noon_of("2027-01-08");
    city_look(&city);
    ck_assert_str_eq(city.story, "");
    city_close(&city);
}
END_TEST

/* ---- notices ---- */

START_TEST(a_notice_explains_its_date)
{
    struct city city;
    struct trace_day trace[DECIDE_TRACE_MAX];
    struct notice_facts facts;
    city_open(&city, 2026, false);
    city.ctx.now_ms = noon_of("2026-04-20");
    city_signed(&city);
    city.ctx.now_ms = noon_of("2026-06-01");
    city_look(&city);
    const struct effect *effect = NULL;
    for (size_t i = 0; i < city.decision->effect_count && effect == NULL; i++) {
        const struct effect *here = &city.decision->effects[i];
        effect = here->kind == EFFECT_NOTICE && here->rung == RUNG_DUE_1 ? here : NULL;
    }
    ck_assert_ptr_nonnull(effect);
    decide_notice_facts(&city.ctx, effect, trace, &facts);
    ck_assert_str_eq(facts.rung, "due-1");
    ck_assert_str_eq(facts.responsible, "education");
    ck_assert_str_eq(facts.document_number, effect->number);
    ck_assert_uint_eq(facts.working_days, 20);
    ck_assert_uint_eq(facts.due_date, 20260520);
    ck_assert_uint_eq(facts.fell_due_ms, civil_end_ms(day_of("2026-05-20")));
    ck_assert_uint_eq(facts.arrival_ms, noon_of("2026-04-20"));
    ck_assert_uint_eq(facts.trace[0].kind, TRACE_DAY_0);
    ck_assert_uint_eq(facts.trace[0].date, 20260420);
    ck_assert_uint_eq(facts.trace[facts.trace_count - 1].kind, TRACE_DAY_N);
    ck_assert_uint_eq(facts.trace[facts.trace_count - 1].date, 20260520);
    unsigned kinds[6] = {0};
    for (size_t i = 0; i < facts.trace_count; i++) {
        kinds[facts.trace[i].kind]++;
        if (facts.trace[i].kind == TRACE_HOLIDAY) {
            ck_assert_str_eq(facts.trace[i].name, "劳动节");
        }
    }
    ck_assert_uint_eq(kinds[TRACE_HOLIDAY], 5);
    ck_assert_uint_eq(kinds[TRACE_MAKE_UP], 1); /* Saturday 9 May */
    ck_assert_uint_eq(kinds[TRACE_WEEKEND], 5); /* 25, 26 April, 10, 16, 17 May */
    city_close(&city);
}
END_TEST

/* ---- an agency's copy ---- */

/* What reaches the one who referred: its own messages, those queued for it, and the notices. */
static void follow_all(struct city *city, struct referral *copy)
{
    struct trace_day trace[DECIDE_TRACE_MAX];
    for (size_t i = 0; i < city->decision->effect_count; i++) {
        const struct effect *effect = &city->decision->effects[i];
        struct message notice;
        if (effect->kind != EFFECT_NOTICE || effect->agency != city->referral.sender) {
            continue;
        }
        memset(&notice, 0, sizeof(notice));
        notice.header.kind = effect->notice;
        decide_notice_facts(&city->ctx, effect, trace, &notice.notice);
        struct referral before = *copy;
        decide_follow(&city->ctx, &before, &notice, copy);
    }
}

static void replay(struct city *city, struct referral *copy, const struct message *message)
{
    struct decision *decision = calloc(1, sizeof(*decision));
    struct decide_context ctx = city->ctx;
    struct referral before = *copy;
    ck_assert_ptr_nonnull(decision);
    ctx.replica = true;
    ctx.item = NULL;
    bool none = uuid_is_zero(&copy->referral_id);
    decide_message(&ctx, none ? NULL : &before, message, decision);
    ck_assert_msg(decision->refusal == REFUSAL_NONE, "%s: %s", refusal_name(decision->refusal),
                  decision->detail);
    *copy = decision->after;
    free(decision);
}

START_TEST(the_copy_of_the_one_who_referred)
{
    struct city city;
    struct referral copy;
    city_open(&city, 2026, false);
    memset(&copy, 0, sizeof(copy));
    struct message sent = outbound_referral();
    struct message sent_delivery = receipt(MESSAGE_DELIVERY, &sent);
    struct message procedure = feedback(OUTCOME_PROCEDURE_REQUIRED);
    struct message brought = papers("procuratorate", "education");
    struct message brought_delivery = receipt(MESSAGE_DELIVERY, &brought);
    struct message answer = feedback(OUTCOME_GRANTED);
    answer.header.message_id = id_of(210);
    const struct {
        const struct message *message;
        bool reaches; /* the copy sees the message itself */
    } steps[] = {{&sent, true},    {&sent_delivery, false},    {&procedure, true},
                 {&brought, true}, {&brought_delivery, false}, {&answer, true}};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        city.ctx.now_ms += UINT64_C(86400000) * 9;
        city_look(&city); /* rungs too */
        follow_all(&city, &copy);
        ck_assert_int_eq(city_send(&city, steps[i].message), REFUSAL_NONE);
        if (steps[i].reaches) {
            replay(&city, &copy, steps[i].message);
        }
        follow_all(&city, &copy);
        ck_assert_int_eq(copy.state, city.referral.state);
        ck_assert_uint_eq(copy.window_number, city.referral.window_number);
        const struct window *mine = &copy.clocks[REFERRAL_CLOCK_FEEDBACK];
        const struct window *theirs = &city.referral.clocks[REFERRAL_CLOCK_FEEDBACK];
        ck_assert_uint_eq(mine->due_before_ms, theirs->due_before_ms);
        ck_assert_int_eq(mine->due_day, theirs->due_day);
        ck_assert_int_eq(copy.late, city.referral.late);
        ck_assert_uint_eq(copy.marks, city.referral.marks);
    }
    city_close(&city);
}
END_TEST

/* Both in one turn of the broker: the answer reaches the copy before the delivery notice. */
START_TEST(an_answer_before_its_delivery_notice)
{
    struct city city;
    struct referral copy;
    city_open(&city, 2026, false);
    memset(&copy, 0, sizeof(copy));
    struct message sent = outbound_referral();
    struct message delivery = receipt(MESSAGE_DELIVERY, &sent);
    struct message answer = feedback(OUTCOME_PROCEDURE_REQUIRED);
    ck_assert_int_eq(city_send(&city, &sent), REFUSAL_NONE);
    replay(&city, &copy, &sent);
    ck_assert_int_eq(city_send(&city, &delivery), REFUSAL_NONE);
    struct decision *kept = malloc(sizeof(*kept));
    ck_assert_ptr_nonnull(kept);
    memcpy(kept, city.decision, sizeof(*kept));
    ck_assert_int_eq(city_send(&city, &answer), REFUSAL_NONE);
    replay(&city, &copy, &answer);
    memcpy(city.decision, kept, sizeof(*kept));
    free(kept);
    follow_all(&city, &copy);
    ck_assert_int_eq(copy.state, REFERRAL_PROCEDURE);
    ck_assert_uint_eq(copy.window_number, 1);
    city_close(&city);
}
END_TEST

START_TEST(the_copy_comes_back)
{
    struct city city;
    struct referral copy;
    city_open(&city, 2026, false);
    memset(&copy, 0, sizeof(copy));
    struct message sent = outbound_referral();
    struct message rejection = receipt(MESSAGE_REJECTION, &sent);
    ck_assert_int_eq(city_send(&city, &sent), REFUSAL_NONE);
    replay(&city, &copy, &sent);
    ck_assert_int_eq(city_send(&city, &rejection), REFUSAL_NONE);
    follow_all(&city, &copy);
    ck_assert_int_eq(copy.state, REFERRAL_RETURNED);
    city_close(&city);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decide_time");
    TCase *cases = tcase_create("all");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, silence_after_the_sign_for);
    tcase_add_test(cases, silence_of_the_procuratorate);
    tcase_add_test(cases, nobody_fetches);
    tcase_add_test(cases, nobody_fetches_the_papers);
    tcase_add_test(cases, life_in_danger_counts_hours);
    tcase_add_test(cases, a_sign_for_stops_the_hours);
    tcase_add_test(cases, tasks_have_their_own_rungs);
    tcase_add_loop_test(cases, each_rung_exactly_once, 0, 30);
    tcase_add_test(cases, after_a_long_sleep_in_bounded_steps);
    tcase_add_test(cases, the_most_that_can_be_resolved);
    tcase_add_test(cases, rungs_wait_for_the_clock_and_after_an_outage);
    tcase_add_test(cases, a_notice_moves_a_provisional_date);
    tcase_add_test(cases, a_stopped_window_keeps_its_verdict);
    tcase_add_test(cases, a_rung_whose_time_lies_ahead_again);
    tcase_add_test(cases, a_notice_explains_its_date);
    tcase_add_test(cases, the_copy_of_the_one_who_referred);
    tcase_add_test(cases, an_answer_before_its_delivery_notice);
    tcase_add_test(cases, the_copy_comes_back);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
