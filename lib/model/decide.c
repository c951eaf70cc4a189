/* The decision: check, event, transition, party, step; then when to look again. A refusal at any
 * point gives back the state before and no effect. */
#include "model/decide.h"

#include <assert.h>
#include <string.h>

#include "model/decide_private.h"

static void begin(struct deciding *deciding)
{
    struct decision *decision = deciding->decision;

    decision->refusal = REFUSAL_NONE;
    decision->detail[0] = '\0';
    decision->effect_count = 0;
    decision->documents = deciding->ctx->documents;
    if (deciding->before != NULL) {
        decision->after = *deciding->before;
    } else {
        memset(&decision->after, 0, sizeof(decision->after));
    }
}

static void refuse(struct deciding *deciding, enum refusal refusal, const char *detail)
{
    begin(deciding);
    deciding->decision->refusal = refusal;
    text_copy(deciding->decision->detail, sizeof(deciding->decision->detail), detail);
}

static void plan(struct deciding *deciding)
{
    struct referral *after = &deciding->decision->after;
    enum referral_clock clock;
    enum rung rung;

    if (!referral_next_rung(after, &deciding->ctx->policy->ladder, deciding->ctx->calendar, &clock,
                            &rung, &after->next_due_ms)) {
        after->next_due_ms = 0;
    }
}

struct claimed_numbers decide_claimed_numbers(const struct message *message)
{
    struct claimed_numbers claimed = {.referral = ""};

    claimed.case_number = "";
    claimed.register_number = "";
    switch (message->header.kind) {
    case MESSAGE_OUTBOUND_REFERRAL:
    case MESSAGE_INBOUND_REFERRAL:
        claimed.referral = message->header.referral_number;
        claimed.case_number = message->header.case_number;
        break;
    case MESSAGE_SIGN_FOR:
        claimed.register_number = message->sign_for.register_number;
        break;
    case MESSAGE_OUTBOUND_FEEDBACK:
    case MESSAGE_INBOUND_FEEDBACK:
        claimed.register_number = message->feedback.register_number;
        break;
    default:
        break;
    }
    return claimed;
}

static void step(struct deciding *deciding)
{
    enum referral_state state =
        deciding->before != NULL ? deciding->before->state : REFERRAL_SUBMITTED;
    enum referral_event event = step_event(deciding);
    struct transition transition = referral_transition(state, event);
    const char *detail = referral_state_name(state);
    enum refusal refusal = step_party(deciding, &detail);

    if (refusal == REFUSAL_NONE && !transition.legal) {
        refusal = transition.refusal;
    }
    if (refusal == REFUSAL_NONE) {
        deciding->decision->after.state = transition.to;
        refusal = step_take(deciding, event, &detail);
    }
    if (refusal != REFUSAL_NONE) {
        refuse(deciding, refusal, detail);
        return;
    }
    plan(deciding);
}

void decide_message(const struct decide_context *ctx, const struct referral *before,
                    const struct message *message, struct decision *ret_decision)
{
    struct deciding deciding = {
        .ctx = ctx, .before = before, .message = message, .decision = ret_decision};
    const struct check_context check = {.policy = ctx->policy, .registry = ctx->registry};
    struct check_result result;

    begin(&deciding);
    message_check(&check, message, NULL, &result);
    if (result.refusal != REFUSAL_NONE) {
        refuse(&deciding, result.refusal, result.detail);
        return;
    }
    step(&deciding);
}

bool decide_rungs_wait(const struct decide_context *ctx, uint64_t *ret_until_ms)
{
    uint64_t grace_end_ms = ctx->outage_to_ms + ctx->policy->claimed_grace_ms;

    *ret_until_ms = 0;
    if (ctx->clock_held) {
        return true;
    }
    if (ctx->outage_from_ms != 0 && ctx->outage_to_ms != 0 && ctx->now_ms < grace_end_ms) {
        *ret_until_ms = grace_end_ms;
        return true;
    }
    return false;
}

void decide_due(const struct decide_context *ctx, const struct referral *before,
                struct decision *ret_decision)
{
    struct deciding deciding = {.ctx = ctx, .before = before, .decision = ret_decision};
    uint64_t until_ms;

    begin(&deciding);
    if (decide_rungs_wait(ctx, &until_ms)) {
        return;
    }
    for (unsigned i = 0; i < DECISION_RUNGS_MAX; i++) {
        enum referral_clock clock;
        enum rung rung;
        uint64_t due_ms;

        if (!referral_next_rung(&ret_decision->after, &ctx->policy->ladder, ctx->calendar, &clock,
                                &rung, &due_ms) ||
            due_ms > ctx->now_ms) {
            break;
        }
        rung_raise(&deciding, clock, rung, due_ms);
    }
    plan(&deciding);
}

/* --- re-dating --- */

static void tell_redating(struct deciding *deciding, enum referral_clock clock,
                          const struct redating *redating)
{
    const struct referral *after = &deciding->decision->after;
    const uint16_t parties[] = {after->receiver, after->sender};
    struct effect *effect = effect_clock(deciding, EFFECT_WINDOW_REDATED, clock);

    effect->old_due_before_ms = redating->old_due_before_ms;
    for (size_t i = 0; i < sizeof(parties) / sizeof(parties[0]); i++) {
        effect = effect_notice(deciding, MESSAGE_REDATING, parties[i], clock);
        effect->old_due_before_ms = redating->old_due_before_ms;
        text_copy(effect->reason, sizeof(effect->reason), "calendar");
    }
}

void decide_redate(const struct decide_context *ctx, const struct referral *before,
                   struct decision *ret_decision)
{
    struct deciding deciding = {.ctx = ctx, .before = before, .decision = ret_decision};
    struct referral *after = &ret_decision->after;

    begin(&deciding);
    for (enum referral_clock clock = REFERRAL_CLOCK_FEEDBACK; clock < REFERRAL_CLOCK_COUNT;
         clock++) {
        struct redating redating;

        if (!referral_clock_open(after, clock)) {
            continue;
        }
        window_redate(&ctx->policy->ladder, ctx->calendar, ctx->now_ms, &after->clocks[clock],
                      &redating);
        if (redating.moved || redating.settled) {
            tell_redating(&deciding, clock, &redating);
        }
        documents_resolve(&deciding, clock, redating.resolved);
    }
    text_copy(after->calendar_version, sizeof(after->calendar_version),
              calendar_version(ctx->calendar));
    plan(&deciding);
}

/* --- an agent's copy --- */

static void follow_window(struct referral *after, const struct message *notice)
{
    const struct notice_facts *facts = &notice->notice;
    struct window *window = &after->clocks[REFERRAL_CLOCK_FEEDBACK];

    if (facts->task != TASK_FEEDBACK || facts->window == 0 || facts->window < window->number) {
        return;
    }
    if (facts->window > window->number) {
        memset(window, 0, sizeof(*window));
        after->state = REFERRAL_DELIVERED;
        after->window_number = facts->window;
    }
    window->kind = referral_clock_kind(after, REFERRAL_CLOCK_FEEDBACK);
    window->number = facts->window;
    window->n = facts->working_days;
    window->start_ms = facts->arrival_ms;
    window->due_before_ms = facts->due_before_ms;
    window->provisional = facts->provisional;
    if (facts->due_date != 0 && civil_from_yyyymmdd(facts->due_date, &window->due_day) != OK) {
        window->due_day = civil_day_at(facts->due_before_ms); /* a broker's slip: the day after */
    }
}

static bool is_live(const struct referral *referral)
{
    return referral->state == REFERRAL_QUEUED || referral->state == REFERRAL_DELIVERED ||
           referral->state == REFERRAL_PROCEDURE;
}

void decide_follow(const struct decide_context *ctx, const struct referral *before,
                   const struct message *notice, struct referral *ret_after)
{
    enum rung rung;

    *ret_after = *before;
    if (!is_live(before)) {
        return;
    }
    switch (notice->header.kind) {
    case MESSAGE_DELIVERY_NOTICE:
        if (before->state == REFERRAL_QUEUED) {
            ret_after->delivered_ms = notice->notice.arrival_ms;
        }
        follow_window(ret_after, notice);
        break;
    case MESSAGE_REDATING:
        follow_window(ret_after, notice);
        break;
    case MESSAGE_RETURNED:
        if (before->state == REFERRAL_QUEUED) {
            ret_after->state = REFERRAL_RETURNED;
        }
        break;
    case MESSAGE_REMINDER:
    case MESSAGE_ESCALATION:
        if (rung_parse(notice->notice.rung, &rung) == OK && notice->notice.task == TASK_FEEDBACK) {
            struct window *window = &ret_after->clocks[REFERRAL_CLOCK_FEEDBACK];

            window->raised = rung_set_with(window->raised, rung);
        }
        break;
    default:
        break;
    }
    (void)ctx;
}

/* --- the facts of a notice --- */

/* Kinds of a trace's days on the wire (docs/messages.md). */
enum trace_kind {
    TRACE_DAY_0 = 1,
    TRACE_WEEKEND = 2,
    TRACE_HOLIDAY = 3,
    TRACE_MAKE_UP = 4,
    TRACE_DAY_N = 5
};

static struct trace_day trace_day(int32_t day, enum trace_kind kind, const char *name)
{
    return (struct trace_day){.date = civil_yyyymmdd(day), .kind = kind, .name = name};
}

static size_t fill_trace(const struct decide_context *ctx, const struct window *window,
                         struct trace_day *out)
{
    static const enum trace_kind kinds[] = {[DAY_WORKING] = TRACE_DAY_N,
                                            [DAY_WEEKEND] = TRACE_WEEKEND,
                                            [DAY_HOLIDAY] = TRACE_HOLIDAY,
                                            [DAY_MAKE_UP] = TRACE_MAKE_UP};
    struct window_trace trace;
    size_t count = 0;

    window_trace(ctx->calendar, window, &trace);
    out[count++] = trace_day(trace.day_0, TRACE_DAY_0, "");
    for (size_t i = 0; i < trace.day_count; i++) {
        out[count++] =
            trace_day(trace.days[i].day, kinds[trace.days[i].reason], trace.days[i].name);
    }
    out[count++] = trace_day(trace.due_day, TRACE_DAY_N, "");
    return count;
}

void decide_notice_facts(const struct decide_context *ctx, const struct effect *effect,
                         struct trace_day *trace, struct notice_facts *ret_facts)
{
    const struct window *window = &effect->window;
    const struct agency *responsible = registry_by_number(ctx->registry, effect->responsible);

    assert(effect->kind == EFFECT_NOTICE);
    memset(ret_facts, 0, sizeof(*ret_facts));
    if (effect->rung != RUNG_COUNT) {
        text_copy(ret_facts->rung, sizeof(ret_facts->rung), rung_id(effect->rung));
    }
    ret_facts->task =
        (int)effect->clock < (int)TASK_COUNT ? (enum referral_task)effect->clock : TASK_FEEDBACK;
    ret_facts->window = window->number;
    ret_facts->roles = effect->roles;
    text_copy(ret_facts->responsible, sizeof(ret_facts->responsible),
              responsible != NULL ? responsible->id : "");
    ret_facts->fell_due_ms = effect->fell_due_ms;
    ret_facts->old_due_before_ms = effect->old_due_before_ms;
    ret_facts->late = effect->late;
    ret_facts->lateness_days = effect->lateness_days;
    memcpy(ret_facts->document_number, effect->number, sizeof(ret_facts->document_number));
    text_copy(ret_facts->calendar_version, sizeof(ret_facts->calendar_version),
              calendar_version(ctx->calendar));
    text_copy(ret_facts->reason, sizeof(ret_facts->reason), effect->reason);
    ret_facts->arrival_ms = window->start_ms;
    ret_facts->working_days = window->n;
    if (window->n != 0 && window->number != 0) {
        ret_facts->due_before_ms = window->due_before_ms;
        ret_facts->due_date = civil_yyyymmdd(window->due_day);
        ret_facts->provisional = window->provisional;
        ret_facts->trace = trace;
        ret_facts->trace_count = fill_trace(ctx, window, trace);
    }
}
