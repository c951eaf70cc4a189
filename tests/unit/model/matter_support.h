/* A city of one matter for the suites of model/decide_matter: the shipped agencies and a hospital
 * as an associate, one referral from the procuratorate to education that the matter may be about,
 * and a right message of each kind, of which a test spoils one thing. Tests only; single-threaded.
 */
#ifndef REFERRAL_TESTS_MATTER_SUPPORT_H
#define REFERRAL_TESTS_MATTER_SUPPORT_H

#include "decide_support.h"
#include "model/decide_matter.h"
#include "model/lanes.h"

struct town {
    struct city city; /* registry, policy, calendar, context, decision, story */
    struct case_facts facts;
    struct referral about;
    struct matter matter;
    bool known;
    const char *author; /* of what is queued; NULL: whom the receipt names */
};

/* `more` rows stand at the end of the file. */
static inline struct registry *town_registry(const char *more)
{
    static const char hospital[] = "\n  - id: hospital\n    number: 40\n    class: A\n"
                                   "    prefix: YY\n    name: {zh: 医院, en: Hospital}\n"
                                   "    office: {zh: 医务科, en: Medical Office}\n    duties: []\n";
    struct registry *registry = NULL;
    struct fault fault = {.code = ""};
    struct buf text;
    shipped_text("config/agencies.yaml", &text);
    ck_assert_int_eq(buf_append_text(&text, hospital), OK);
    ck_assert_int_eq(buf_append_text(&text, more), OK);
    ck_assert_msg(registry_read("agencies.yaml", span_buf(&text), &registry, &fault) == OK,
                  "%s: %s", fault.place, fault.message);
    buf_free(&text);
    return registry;
}

static inline uint16_t number_of(const struct town *town, const char *id)
{
    const struct agency *agency = registry_find(town->city.registry, id);
    ck_assert_msg(agency != NULL, "%s", id);
    return agency->number;
}

/* Monday 2026-03-02 at noon; the referral is delivered, its window runs. */
static inline void town_open(struct town *town)
{
    memset(town, 0, sizeof(*town));
    city_open(&town->city, 2026, true);
    registry_free(town->city.registry);
    town->city.registry = town_registry("");
    town->city.ctx.registry = town->city.registry;
    town->facts.known = true;
    town->facts.clocks = 1;
    agency_set_add(&town->facts.parties, number_of(town, "procuratorate"));
    agency_set_add(&town->facts.parties, number_of(town, "education"));
    agency_set_add(&town->facts.parties, number_of(town, "civil-affairs"));
    town->about.case_id = id_of(1);
    town->about.referral_id = id_of(2);
    SET(town->about.case_number, "JZ-2026-0031");
    SET(town->about.number, "JZ-2026-0031-01");
    town->about.kind = MESSAGE_OUTBOUND_REFERRAL;
    town->about.sender = number_of(town, "procuratorate");
    town->about.receiver = number_of(town, "education");
    town->about.state = REFERRAL_DELIVERED;
    town->about.lane = LANE_PRIORITY;
    town->city.ctx.whole_case = &town->facts;
}

static inline void town_close(struct town *town)
{
    city_close(&town->city);
}

/* ---- right messages ---- */

static const struct promise two_promises[] = {
    {.agency = "education", .code = 1, .by_date = 20260320},
    {.agency = "civil-affairs", .code = 7, .by_date = 20260410},
};
static const struct payment two_payments[] = {{.date = 20260331, .amount_fen = 30000},
                                              {.date = 20260630, .amount_fen = 50000}};
static const uint32_t two_dates[] = {20260401, 20260701};

/* Who sends it to whom, and which copies go where (bits by place in the list of the shipped
 * agencies) in the matters of these suites. */
static const struct saying {
    enum message_kind kind;
    const char *from, *to;
    const char *copy; /* or NULL */
} sayings[] = {
    {MESSAGE_INFORMATION_REQUEST, "education", "procuratorate", NULL},
    {MESSAGE_INFORMATION_REPLY, "procuratorate", "education", NULL},
    {MESSAGE_ARCHIVE, "procuratorate", "education", "civil-affairs"},
    {MESSAGE_REOPEN, "procuratorate", "education", "civil-affairs"},
    {MESSAGE_FOLLOW_UP_PLAN, "procuratorate", "education", NULL},
    {MESSAGE_FOLLOW_UP_REPORT, "procuratorate", "education", "civil-affairs"},
    {MESSAGE_CONSULTATION, "education", "procuratorate", "civil-affairs"},
    {MESSAGE_CONFERENCE, "civil-affairs", "education", "procuratorate"},
    {MESSAGE_PROMISE_REPORT, "education", "civil-affairs", NULL},
    {MESSAGE_MEETING_NOTICE, "procuratorate", "education", "civil-affairs"},
    {MESSAGE_MEETING_REPLY, "education", "procuratorate", NULL},
    {MESSAGE_HEARING_INVITATION, "procuratorate", "education", "civil-affairs"},
    {MESSAGE_HEARING_REPLY, "education", "procuratorate", NULL},
    {MESSAGE_HEARING_OPINION, "procuratorate", "education", "civil-affairs"},
    {MESSAGE_ROSTER_CHANGE, "education", "procuratorate", NULL},
    {MESSAGE_ROSTER, "procuratorate", "education", "civil-affairs"},
    {MESSAGE_FUND_PLAN, "procuratorate", "civil-affairs", NULL},
    {MESSAGE_FUND_PAYMENT, "procuratorate", "civil-affairs", NULL},
    {MESSAGE_LETTER, "education", "procuratorate", NULL},
    {MESSAGE_LETTER_ANSWER, "education", "procuratorate", NULL},
};

static inline void right_opening(struct message *message)
{
    switch (message->header.kind) {
    case MESSAGE_INFORMATION_REQUEST:
        message->information = (struct information_facts){.asked = 4, .about = id_of(2)};
        break;
    case MESSAGE_ARCHIVE:
        message->archive.why = 1;
        break;
    case MESSAGE_CONSULTATION:
        message->consultation.topic = 1;
        break;
    case MESSAGE_CONFERENCE:
        message->conference = (struct conference_facts){
            .topic = 1, .held_ms = 1772000000000, .promises = two_promises, .promise_count = 2};
        break;
    case MESSAGE_MEETING_NOTICE:
        message->meeting =
            (struct meeting_facts){.at_ms = noon_of("2026-04-15"), .reply_by = 20260313};
        break;
    case MESSAGE_HEARING_INVITATION:
        message->hearing = (struct hearing_facts){
            .purpose = 1, .at_ms = noon_of("2026-04-15"), .roles = 1, .reply_by = 20260313};
        break;
    case MESSAGE_ROSTER_CHANGE:
        message->roster_change.role = 1;
        message->roster_change.change = 1;
        break;
    case MESSAGE_ROSTER:
        message->roster.edition = 1;
        message->roster.persons = 20;
        break;
    case MESSAGE_FUND_PLAN:
        message->fund_plan = (struct fund_plan_facts){
            .custodian = 1, .amount_fen = 80000, .payments = two_payments, .payment_count = 2};
        break;
    case MESSAGE_LETTER:
        SET(message->letter.associate, "hospital");
        message->letter.answer_by = 20260316;
        break;
    default:
        break;
    }
}

static inline void right_continuing(struct message *message)
{
    switch (message->header.kind) {
    case MESSAGE_INFORMATION_REPLY:
        message->information_reply.answered = 4;
        break;
    case MESSAGE_REOPEN:
        message->reopen.why = 2;
        break;
    case MESSAGE_FOLLOW_UP_PLAN:
        message->follow_up_plan =
            (struct follow_up_plan_facts){.dates = two_dates, .date_count = 2};
        break;
    case MESSAGE_FOLLOW_UP_REPORT:
        message->follow_up_report =
            (struct follow_up_report_facts){.duty = 1, .hardship = 2, .effect = 1, .risk = 2};
        break;
    case MESSAGE_PROMISE_REPORT:
        message->promise_report.duty = 1;
        message->promise_report.result = 1;
        break;
    case MESSAGE_MEETING_REPLY:
    case MESSAGE_HEARING_REPLY:
        message->attendance.attends = 1;
        break;
    case MESSAGE_HEARING_OPINION:
        message->hearing_opinion = (struct hearing_opinion_facts){
            .opinion = 1, .promises = two_promises, .promise_count = 2};
        break;
    case MESSAGE_FUND_PAYMENT:
        message->fund_payment = (struct fund_payment_facts){
            .duty = 1, .amount_fen = 30000, .balance_fen = 50000, .date = 20260330};
        break;
    case MESSAGE_LETTER_ANSWER:
        message->letter_answer.answer = 1;
        break;
    default:
        break;
    }
}

/* From one agency to another, about the one matter of the suite. */
static inline struct message matter_message(const struct town *town, enum message_kind kind,
                                            const char *from, const char *to)
{
    struct message message = message_of(kind, from, to);
    static uint8_t next;
    message.header.message_id = id_of(++next);
    message.header.referral_id = id_of(3);
    SET(message.header.case_number, "JZ-2026-0031");
    (void)snprintf(message.header.referral_number, sizeof(message.header.referral_number),
                   "%s-SX-2026-0001", registry_find(town->city.registry, from)->prefix);
    if (town->known) {
        SET(message.header.referral_number, town->matter.number);
        SET(message.header.case_number, town->matter.case_number);
    }
    if (kind == MESSAGE_DELIVERY || kind == MESSAGE_REJECTION) {
        message.header.refers_to = town->matter.message_id;
        message.delivery.stream_seq = 1;
        message.delivery.received_ms = UINT64_C(1772000000001);
        message.delivery.reason = kind == MESSAGE_REJECTION ? REJECTION_IDENTITY : 0;
    } else {
        message.body_fields = BODY_OFFICER | BODY_TEXT;
    }
    if (kind == MESSAGE_ROSTER || kind == MESSAGE_ROSTER_CHANGE) {
        message.body_fields |= BODY_PERSONS;
    }
    right_opening(&message);
    right_continuing(&message);
    return message;
}

/* As the list says it. */
static inline struct message right_message(const struct town *town, enum message_kind kind)
{
    for (size_t i = 0; i < COUNT_OF(sayings); i++) {
        if (sayings[i].kind == kind) {
            struct message message = matter_message(town, kind, sayings[i].from, sayings[i].to);
            if (sayings[i].copy != NULL) {
                agency_set_add(&message.copies, number_of(town, sayings[i].copy));
            }
            return message;
        }
    }
    ck_abort_msg("%s is said by nobody", message_kind_name(kind));
}

/* ---- deciding ---- */

/* What must hold of every matter. */
static inline void matter_judge(const struct town *town, const struct matter *matter)
{
    static uint8_t packed[MATTER_PACKED_MAX], again[MATTER_PACKED_MAX];
    static struct matter unpacked;
    struct matter_rung next;
    size_t len = matter_pack(matter, packed);
    ck_assert_int_eq(matter_unpack(span_of(packed, len), &unpacked), OK);
    ck_assert_uint_eq(matter_pack(&unpacked, again), len);
    ck_assert_mem_eq(packed, again, len);
    bool found = matter_next_rung(matter, &town->city.policy->ladder, town->city.calendar, &next);
    ck_assert_uint_eq(matter->next_due_ms, found ? next.due_ms : 0);
    for (uint32_t i = 0; i < matter->document_count; i++) {
        const struct duty *duty = matter_duty(matter, matter->documents[i].duty);
        ck_assert_ptr_nonnull(duty);
        ck_assert(matter_duty_open(duty));
        ck_assert(rung_set_has(duty->window.raised, (enum rung)matter->documents[i].rung));
    }
    for (uint32_t i = 0; i < matter->duty_count; i++) {
        ck_assert(matter->state == MATTER_OPEN || !matter_duty_open(&matter->duties[i]));
    }
}

static inline void town_judge(struct town *town, const struct matter *before)
{
    struct decision *decision = town->city.decision;
    town->city.story[0] = '\0';
    ck_assert_uint_le(decision->effect_count, DECISION_EFFECTS_MAX);
    ck_assert(decision->of_matter);
    if (decision->refusal != REFUSAL_NONE) {
        ck_assert_uint_eq(decision->effect_count, 0);
        ck_assert_str_ne(decision->detail, "");
        if (before != NULL) {
            ck_assert_mem_eq(&decision->matter, before, sizeof(*before));
        }
        return;
    }
    for (size_t i = 0; i < decision->effect_count; i++) {
        const struct effect *effect = &decision->effects[i];
        ck_assert_uint_eq(effect->lane, decision->matter.lane);
        ck_assert(effect->kind != EFFECT_NOTICE || effect->roles != 0);
        if (decision->effect_count <= 64) {
            tell_effect(&town->city, effect);
        }
    }
    town->city.ctx.documents = decision->documents;
    matter_judge(town, &decision->matter);
    town->matter = decision->matter;
    town->known = true;
}

static inline enum refusal town_send(struct town *town, const struct message *message)
{
    struct decide_item item = {.message_id = message->header.refers_to,
                               .case_id = town->matter.case_id,
                               .referral_id = town->matter.matter_id,
                               .leaf_index = message->delivery.leaf_index,
                               .leaf_hash = message->delivery.leaf_hash};
    const struct agency *signer = registry_find(town->city.registry, message->header.sender);
    struct decide_context *ctx = &town->city.ctx;
    bool receipt =
        message->header.kind == MESSAGE_DELIVERY || message->header.kind == MESSAGE_REJECTION;
    static struct matter before;
    if (receipt) {
        item.author =
            number_of(town, town->author != NULL ? town->author : message->header.recipient);
    }
    before = town->matter;
    ctx->signer = signer == NULL ? 0 : signer->number;
    ctx->item = receipt ? &item : NULL;
    ctx->about = &town->about;
    decide_matter_message(ctx, town->known ? &before : NULL, message, town->city.decision);
    ctx->item = NULL;
    town_judge(town, town->known ? &before : NULL);
    return town->city.decision->refusal;
}

static inline void town_accept(struct town *town, const struct message *message, const char *story)
{
    enum refusal refusal = town_send(town, message);
    ck_assert_msg(refusal == REFUSAL_NONE, "%s: %s", refusal_name(refusal),
                  town->city.decision->detail);
    ck_assert_str_eq(town->city.story, story);
}

static inline void town_refuse(struct town *town, const struct message *message,
                               enum refusal expected)
{
    enum refusal refusal = town_send(town, message);
    ck_assert_msg(refusal == expected, "%s: %s", refusal_name(refusal),
                  town->city.decision->detail);
}

/* Sends the right message of this kind. */
static inline void town_say(struct town *town, enum message_kind kind)
{
    struct message message = right_message(town, kind);
    if (kind == MESSAGE_ARCHIVE) {
        town->facts.clocks = 0;
    }
    ck_assert_msg(town_send(town, &message) == REFUSAL_NONE, "%s: %s", message_kind_name(kind),
                  town->city.decision->detail);
    town->facts.archived = town->matter.kind == MATTER_ARCHIVE && town->matter.state == MATTER_OPEN;
}

static inline void town_deliver(struct town *town, const char *by)
{
    struct message message =
        matter_message(town, MESSAGE_DELIVERY, by, agency_id(&town->city, town->matter.owner));
    ck_assert_msg(town_send(town, &message) == REFUSAL_NONE, "%s", town->city.decision->detail);
}

/* The message that opens a matter of this kind. */
static inline enum message_kind opening_of(enum matter_kind kind)
{
    static const enum message_kind kinds[MATTER_KIND_COUNT] = {
        [MATTER_INFORMATION] = MESSAGE_INFORMATION_REQUEST,
        [MATTER_ARCHIVE] = MESSAGE_ARCHIVE,
        [MATTER_CONSULTATION] = MESSAGE_CONSULTATION,
        [MATTER_CONFERENCE] = MESSAGE_CONFERENCE,
        [MATTER_MEETING] = MESSAGE_MEETING_NOTICE,
        [MATTER_HEARING] = MESSAGE_HEARING_INVITATION,
        [MATTER_ROSTER] = MESSAGE_ROSTER,
        [MATTER_FUND] = MESSAGE_FUND_PLAN,
        [MATTER_LETTER] = MESSAGE_LETTER,
    };
    return kinds[kind];
}

/* Lets the scheduler look once. */
static inline void town_look(struct town *town)
{
    static struct matter before;
    before = town->matter;
    decide_matter_due(&town->city.ctx, &before, town->city.decision);
    ck_assert_int_eq(town->city.decision->refusal, REFUSAL_NONE);
    town_judge(town, &before);
}

/* To the instant at which the next rung falls due: nothing a millisecond before it. */
static inline void town_next_rung(struct town *town, const char *day, const char *story)
{
    uint64_t due_ms = civil_end_ms(day_of(day));
    ck_assert_uint_eq(town->matter.next_due_ms, due_ms);
    town->city.ctx.now_ms = due_ms - 1;
    town_look(town);
    ck_assert_str_eq(town->city.story, "");
    town->city.ctx.now_ms = due_ms;
    town_look(town);
    ck_assert_str_eq(town->city.story, story);
    town_look(town);
    ck_assert_str_eq(town->city.story, "");
}

#endif
