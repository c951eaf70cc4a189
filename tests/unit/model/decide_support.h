/* A city of one referral for the suites of model/decide: what is sent is decided, what is decided
 * becomes the state, and the effects are told as one line of text. Tests only; single-threaded. */
#ifndef REFERRAL_TESTS_DECIDE_SUPPORT_H
#define REFERRAL_TESTS_DECIDE_SUPPORT_H

#include <stdarg.h>

#include "model_support.h"

struct city {
    struct registry *registry;
    struct policy *policy;
    struct calendar *calendar;
    struct decide_context ctx;
    struct decision *decision;
    struct referral referral;
    bool known;
    char story[16384]; /* the effects of the last decision */
};

static inline void city_open(struct city *city, int last_year, bool statutory)
{
    memset(city, 0, sizeof(*city));
    city->registry = shipped_registry();
    city->policy = shipped_policy(city->registry);
    city->calendar = calendar_shipped(last_year, statutory);
    city->decision = calloc(1, sizeof(*city->decision));
    ck_assert_ptr_nonnull(city->decision);
    city->ctx = (struct decide_context){
        .policy = city->policy, .registry = city->registry, .calendar = city->calendar};
    city->ctx.now_ms = noon_of("2026-03-02");
}

static inline void city_close(struct city *city)
{
    free(city->decision);
    calendar_free(city->calendar);
    policy_free(city->policy);
    registry_free(city->registry);
}

static inline const char *agency_id(const struct city *city, uint16_t number)
{
    const struct agency *agency = registry_by_number(city->registry, number);
    ck_assert_ptr_nonnull(agency);
    return agency->id;
}

static inline void tell(struct city *city, const char *fmt, ...) FORMAT(2, 3);
static inline void tell(struct city *city, const char *fmt, ...)
{
    size_t len = strlen(city->story);
    va_list args;
    va_start(args, fmt);
    int added = vsnprintf(city->story + len, sizeof(city->story) - len, fmt, args);
    va_end(args);
    ck_assert_uint_lt(len + (size_t)added, sizeof(city->story));
}

static inline void tell_roles(struct city *city, uint32_t roles)
{
    size_t count = 0;
    const struct word *words = vocabulary_words(VOCABULARY_ROLE, &count);
    const char *separator = "[";
    for (size_t i = 0; i < count; i++) {
        if ((roles & words[i].value) != 0) {
            tell(city, "%s%s", separator, words[i].id);
            separator = ",";
        }
    }
    tell(city, "]");
}

static inline void tell_effect(struct city *city, const struct effect *effect)
{
    static const char *const clocks[] = {"feedback",    "tell",   "papers",
                                         "undelivered", "urgent", "unsigned"};
    static const char *const windows[EFFECT_KIND_COUNT] = {
        [EFFECT_WINDOW_OPENED] = "opened",    [EFFECT_WINDOW_STOPPED] = "stopped",
        [EFFECT_WINDOW_REDATED] = "redated",  [EFFECT_WINDOW_CANCELLED] = "cancelled",
        [EFFECT_TASK_OPENED] = "task-opened", [EFFECT_TASK_CLOSED] = "task-closed",
        [EFFECT_RUNG_RAISED] = "raised",      [EFFECT_RUNG_RESOLVED] = "resolved",
    };
    tell(city, "%s", city->story[0] == '\0' ? "" : " ");
    switch (effect->kind) {
    case EFFECT_QUEUE:
        tell(city, "queue>%s", agency_id(city, effect->agency));
        return;
    case EFFECT_UNQUEUE:
        tell(city, "unqueue");
        return;
    case EFFECT_NUMBER:
    case EFFECT_SIGNED:
        tell(city, "%s=%s", effect->kind == EFFECT_SIGNED ? "signed" : "number", effect->number);
        return;
    case EFFECT_NOTICE:
        tell(city, "%s>%s", message_kind_name(effect->notice), agency_id(city, effect->agency));
        tell_roles(city, effect->roles);
        return;
    default:
        break;
    }
    const char *clock = effect->duty == 0
                            ? clocks[effect->clock]
                            : vocabulary_find(VOCABULARY_TASK, (uint32_t)effect->duty)->id;
    tell(city, "%s:%s", windows[effect->kind], clock);
    if (effect->duty != 0) {
        tell(city, "#%u", effect->window.number);
    }
    if (effect->kind == EFFECT_RUNG_RAISED || effect->kind == EFFECT_RUNG_RESOLVED) {
        tell(city, "/%s", rung_id(effect->rung));
        if (effect->number[0] != '\0') {
            tell(city, "=%s", effect->number);
        }
        return;
    }
    if (effect->duty == 0) {
        tell(city, ".%u", effect->window.number);
    }
    if (effect->kind == EFFECT_TASK_OPENED) {
        tell(city, "@%s", agency_id(city, effect->responsible));
    }
    if (effect->late) {
        tell(city, "+%u", effect->lateness_days);
    }
}

/* What must hold of every decision. */
static inline void city_judge(struct city *city, const struct referral *before)
{
    const struct decision *decision = city->decision;
    city->story[0] = '\0';
    ck_assert_uint_le(decision->effect_count, DECISION_EFFECTS_MAX);
    if (decision->refusal != REFUSAL_NONE) {
        ck_assert_uint_eq(decision->effect_count, 0);
        ck_assert_str_ne(decision->detail, "");
        if (before != NULL) {
            ck_assert_mem_eq(&decision->after, before, sizeof(*before));
        }
        return;
    }
    for (size_t i = 0; i < decision->effect_count; i++) {
        const struct effect *effect = &decision->effects[i];
        ck_assert_uint_eq(effect->lane, decision->after.lane);
        ck_assert(effect->kind != EFFECT_NOTICE || effect->roles != 0);
        tell_effect(city, effect);
    }
    city->ctx.documents = decision->documents;
}

/* Decides the message as its sender sends it. */
static inline enum refusal city_send(struct city *city, const struct message *message)
{
    struct decide_item item = {.message_id = message->header.refers_to,
                               .case_id = message->header.case_id,
                               .referral_id = message->header.referral_id,
                               .leaf_index = message->delivery.leaf_index,
                               .leaf_hash = message->delivery.leaf_hash};
    const struct agency *signer = registry_find(city->registry, message->header.sender);
    struct referral before = city->referral;
    city->ctx.signer = signer == NULL ? 0 : signer->number;
    city->ctx.item = &item;
    decide_message(&city->ctx, city->known ? &before : NULL, message, city->decision);
    city->ctx.item = NULL;
    city_judge(city, city->known ? &before : NULL);
    if (city->decision->refusal == REFUSAL_NONE) {
        city->referral = city->decision->after;
        city->known = true;
    }
    return city->decision->refusal;
}

static inline void city_accept(struct city *city, const struct message *message, const char *story)
{
    enum refusal refusal = city_send(city, message);
    ck_assert_msg(refusal == REFUSAL_NONE, "%s: %s", refusal_name(refusal), city->decision->detail);
    ck_assert_str_eq(city->story, story);
}

static inline void city_refuse(struct city *city, const struct message *message,
                               enum refusal expected)
{
    enum refusal refusal = city_send(city, message);
    ck_assert_msg(refusal == expected, "%s: %s", refusal_name(refusal), city->decision->detail);
}

/* Lets the scheduler look once. */
static inline void city_look(struct city *city)
{
    struct referral before = city->referral;
    decide_due(&city->ctx, &before, city->decision);
    ck_assert_int_eq(city->decision->refusal, REFUSAL_NONE);
    city_judge(city, &before);
    city->referral = city->decision->after;
}

/* To the instant at which the next rung falls due: nothing a millisecond before it. */
static inline void city_next_rung(struct city *city, const char *day, const char *story)
{
    uint64_t due_ms = civil_end_ms(day_of(day));
    ck_assert_uint_eq(city->referral.next_due_ms, due_ms);
    city->ctx.now_ms = due_ms - 1;
    city_look(city);
    ck_assert_str_eq(city->story, "");
    city->ctx.now_ms = due_ms;
    city_look(city);
    ck_assert_str_eq(city->story, story);
    city_look(city);
    ck_assert_str_eq(city->story, "");
}

/* Sent, delivered on Monday 2026-03-02 at noon: day 20 is 2026-03-30. */
static inline void city_delivered(struct city *city)
{
    struct message referral = outbound_referral();
    struct message delivery = receipt(MESSAGE_DELIVERY, &referral);
    ck_assert_int_eq(city_send(city, &referral), REFUSAL_NONE);
    ck_assert_int_eq(city_send(city, &delivery), REFUSAL_NONE);
}

static inline void city_signed(struct city *city)
{
    struct message message = sign_for();
    city_delivered(city);
    ck_assert_int_eq(city_send(city, &message), REFUSAL_NONE);
}

/* procedure-required, told by the procuratorate or by the social agency. */
static inline void city_procedure(struct city *city, enum tell_by tell_by)
{
    struct message message = feedback(OUTCOME_PROCEDURE_REQUIRED);
    message.feedback.tell_by = tell_by;
    city_delivered(city);
    ck_assert_int_eq(city_send(city, &message), REFUSAL_NONE);
    ck_assert_int_eq(city->referral.state, REFERRAL_PROCEDURE);
}

#endif
