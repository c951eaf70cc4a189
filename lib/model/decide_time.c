/* How: what time and calendars do: rungs that fell due, windows that are re-dated, and the facts of
 * the notices that tell of it. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "model/decide_parts.h"

_Static_assert(sizeof(((struct notice_facts *)0)->annotated) == RUNG_SET_TEXT_BYTES,
               "a notice holds every rung of a window");
_Static_assert(sizeof(((struct notice_facts *)0)->calendar_version) == CALENDAR_VERSION_BYTES,
               "a notice holds the whole version");

bool decide_rungs_wait(const struct decide_context *ctx, uint64_t *ret_until_ms)
{
    uint64_t until_ms = ctx->outage_to_ms + ctx->policy->claimed_grace_ms;
    if (ctx->clock_held) {
        *ret_until_ms = 0;
        return true;
    }
    if (ctx->outage_to_ms != 0 && ctx->now_ms < until_ms) {
        *ret_until_ms = until_ms;
        return true;
    }
    return false;
}

/* ---- rungs ---- */

/* A numbered document is kept as open until its cause is gone. */
static void document_add(struct deciding *deciding, enum referral_clock clock, enum rung rung,
                         const struct number_counter *number)
{
    struct referral *after = deciding->after;
    assert(after->document_count < REFERRAL_DOCUMENTS_MAX);
    after->documents[after->document_count++] = (struct referral_document){
        .clock = clock,
        .rung = rung,
        .year = number->year,
        .counter = number->last,
    };
}

static void rung_raise(struct deciding *deciding, enum referral_clock clock, enum rung rung,
                       uint64_t fell_due_ms)
{
    struct window *window = &deciding->after->clocks[clock];
    assert(!rung_set_has(window->raised, rung));
    window->raised = rung_set_with(window->raised, rung);
    deciding->after->raised[rung_step_of(rung)]++;
    struct effect base = deciding_clock(deciding, EFFECT_RUNG_RAISED, clock);
    base.rung = rung;
    base.fell_due_ms = fell_due_ms;
    const struct number_counter number = deciding_raise(deciding, &base);
    if (rung_is_document(rung)) {
        document_add(deciding, clock, rung, &number);
    }
}

void decide_due(const struct decide_context *ctx, const struct referral *before,
                struct decision *ret_decision)
{
    struct deciding deciding;
    uint64_t until_ms = 0;
    deciding_begin(&deciding, ctx, before, ret_decision);
    if (decide_rungs_wait(ctx, &until_ms)) {
        return;
    }
    for (size_t i = 0; i < DECISION_RUNGS_MAX; i++) {
        struct referral_rung next;
        if (!referral_next_rung(deciding.after, &ctx->policy->ladder, ctx->calendar, &next) ||
            next.due_ms > ctx->now_ms) {
            break;
        }
        rung_raise(&deciding, next.clock, next.rung, next.due_ms);
    }
    deciding_end(&deciding);
}

/* ---- re-dating ---- */

static void clock_redate(struct deciding *deciding, enum referral_clock clock)
{
    const struct decide_context *ctx = deciding->ctx;
    struct redating redating;
    window_redate(&ctx->policy->ladder, ctx->calendar, ctx->now_ms, &deciding->after->clocks[clock],
                  &redating);
    if (redating.moved || redating.settled) {
        struct effect base = deciding_clock(deciding, EFFECT_WINDOW_REDATED, clock);
        deciding_redated(deciding, &base, &redating);
    }
    deciding_resolve(deciding, clock, redating.resolved);
}

void decide_redate(const struct decide_context *ctx, const struct referral *before,
                   struct decision *ret_decision)
{
    struct deciding deciding;
    deciding_begin(&deciding, ctx, before, ret_decision);
    for (enum referral_clock clock = REFERRAL_CLOCK_FEEDBACK; clock < REFERRAL_CLOCK_COUNT;
         clock++) {
        if (referral_clock_open(before, clock)) {
            clock_redate(&deciding, clock);
        }
    }
    if (referral_clock_open(before, REFERRAL_CLOCK_FEEDBACK)) {
        (void)snprintf(deciding.after->calendar_version, sizeof(deciding.after->calendar_version),
                       "%s", calendar_version(ctx->calendar));
    }
    deciding_end(&deciding);
}

/* ---- notices ---- */

static uint32_t trace_kind_of(enum day_reason reason)
{
    if (reason == DAY_MAKE_UP) {
        return TRACE_MAKE_UP;
    }
    return reason == DAY_HOLIDAY ? TRACE_HOLIDAY : TRACE_WEEKEND;
}

static size_t trace_fill(const struct decide_context *ctx, const struct window *window,
                         struct trace_day *trace)
{
    struct window_trace why;
    size_t count = 0;
    window_trace(ctx->calendar, window, &why);
    trace[count++] =
        (struct trace_day){.date = civil_yyyymmdd(why.day_0), .kind = TRACE_DAY_0, .name = ""};
    for (size_t i = 0; i < why.day_count; i++) {
        trace[count++] = (struct trace_day){.date = civil_yyyymmdd(why.days[i].day),
                                            .kind = trace_kind_of(why.days[i].reason),
                                            .name = why.days[i].name};
    }
    trace[count++] =
        (struct trace_day){.date = civil_yyyymmdd(why.day_n), .kind = TRACE_DAY_N, .name = ""};
    return count;
}

void decide_notice_facts(const struct decide_context *ctx, const struct effect *effect,
                         struct trace_day *trace, struct notice_facts *ret_facts)
{
    const struct window *window = &effect->window;
    const struct agency *responsible = registry_by_number(ctx->registry, effect->responsible);
    assert(effect->kind == EFFECT_NOTICE);
    memset(ret_facts, 0, sizeof(*ret_facts));
    if (effect->rung < RUNG_COUNT) {
        (void)snprintf(ret_facts->rung, sizeof(ret_facts->rung), "%s", rung_id(effect->rung));
        ret_facts->rules_digest = policy_rules(ctx->policy, ctx->calendar);
    }
    (void)snprintf(ret_facts->responsible, sizeof(ret_facts->responsible), "%s",
                   responsible == NULL ? "" : responsible->id);
    (void)snprintf(ret_facts->document_number, sizeof(ret_facts->document_number), "%s",
                   effect->number);
    (void)snprintf(ret_facts->reason, sizeof(ret_facts->reason), "%s", effect->reason);
    ret_facts->task = deciding_task_of(effect);
    ret_facts->window = window->number;
    ret_facts->roles = effect->roles;
    ret_facts->fell_due_ms = effect->fell_due_ms;
    ret_facts->old_due_before_ms = effect->old_due_before_ms;
    rung_set_format(effect->annotated, ret_facts->annotated);
    if (window->number == 0 || effect->notice == MESSAGE_RETURNED) {
        return;
    }
    (void)snprintf(ret_facts->calendar_version, sizeof(ret_facts->calendar_version), "%s",
                   calendar_version(ctx->calendar));
    ret_facts->arrival_ms = window->start_ms;
    ret_facts->working_days = window->n;
    ret_facts->due_before_ms = window->due_before_ms;
    ret_facts->provisional = window->provisional;
    if (window->stopped_ms != 0 && window->n > 0) {
        struct lateness lateness =
            window_lateness(ctx->calendar, window->due_before_ms, window->stopped_ms);
        ret_facts->late = lateness.late;
        ret_facts->lateness_days = lateness.working_days;
    }
    if (window->n > 0) {
        ret_facts->due_date = civil_yyyymmdd(window->due_day);
    }
    if (window->n > 0 && effect->notice != MESSAGE_RESOLVED) {
        ret_facts->trace = trace;
        ret_facts->trace_count = trace_fill(ctx, window, trace);
    }
}
