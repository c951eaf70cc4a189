/* How: what time, calendars and withdrawals do to a matter, and how an agency's copy follows the
 * broker's notices about its duties. */
#include <assert.h>
#include <string.h>

#include "model/decide_matter_parts.h"

/* ---- rungs ---- */

/* There is room for every document of every duty. */
static void document_add(struct matter *matter, uint32_t duty, enum rung rung,
                         const struct number_counter *number)
{
    assert(matter->document_count < MATTER_DOCUMENTS_MAX);
    matter->documents[matter->document_count++] = (struct matter_document){
        .counter = number->last,
        .year = (uint16_t)number->year,
        .duty = (uint16_t)duty,
        .rung = (uint8_t)rung,
    };
}

static void rung_raise(struct deciding *deciding, const struct matter_rung *next)
{
    struct matter *matter = deciding->matter;
    struct duty *duty = &matter->duties[next->duty];
    assert(!rung_set_has(duty->window.raised, next->rung));
    duty->window.raised = rung_set_with(duty->window.raised, next->rung);
    struct effect base = duty_effect(deciding, EFFECT_RUNG_RAISED, duty);
    base.rung = next->rung;
    base.fell_due_ms = next->due_ms;
    const struct number_counter number = deciding_raise(deciding, &base);
    if (rung_is_document(next->rung)) {
        document_add(matter, duty->number, next->rung, &number);
    }
}

void decide_matter_due(const struct decide_context *ctx, const struct matter *before,
                       struct decision *ret_decision)
{
    struct deciding deciding;
    uint64_t until_ms = 0;
    matter_begin(&deciding, ctx, before, ret_decision);
    if (decide_rungs_wait(ctx, &until_ms)) {
        return;
    }
    for (size_t i = 0; i < DECISION_RUNGS_MAX; i++) {
        struct matter_rung next;
        if (!matter_next_rung(deciding.matter, &ctx->policy->ladder, ctx->calendar, &next) ||
            next.due_ms > ctx->now_ms) {
            break;
        }
        rung_raise(&deciding, &next);
    }
    matter_end(&deciding);
}

/* ---- a new calendar ---- */

void decide_matter_redate(const struct decide_context *ctx, const struct matter *before,
                          struct decision *ret_decision)
{
    struct deciding deciding;
    matter_begin(&deciding, ctx, before, ret_decision);
    for (uint32_t i = 0; i < before->duty_count; i++) {
        struct duty *duty = &deciding.matter->duties[i];
        struct redating redating;
        if (!matter_duty_open(duty)) {
            continue;
        }
        window_redate(&ctx->policy->ladder, ctx->calendar, ctx->now_ms, &duty->window, &redating);
        if (redating.moved || redating.settled) {
            struct effect base = duty_effect(&deciding, EFFECT_WINDOW_REDATED, duty);
            deciding_redated(&deciding, &base, &redating);
        }
        duty_resolve(&deciding, duty, redating.resolved);
    }
    matter_end(&deciding);
}

/* ---- what it was about is withdrawn ---- */

void decide_matter_withdrawn(const struct decide_context *ctx, const struct matter *before,
                             struct decision *ret_decision)
{
    struct deciding deciding;
    matter_begin(&deciding, ctx, before, ret_decision);
    if (before->kind == MATTER_INFORMATION && before->state == MATTER_OPEN) {
        duty_cancel_all(&deciding, 0);
        matter_close(&deciding, MATTER_CANCELLED);
    }
    matter_end(&deciding);
}

/* ---- an agency's copy ---- */

static struct duty *duty_find(struct matter *matter, const struct notice_facts *facts)
{
    for (uint32_t i = 0; i < matter->duty_count; i++) {
        struct duty *duty = &matter->duties[i];
        if (duty->number == facts->window && (uint32_t)duty->kind == (uint32_t)facts->task) {
            return duty;
        }
    }
    return NULL;
}

/* The request arrived, or the broker set the date of a visit. */
static void follow_dates(const struct message *notice, struct matter *matter)
{
    const struct notice_facts *facts = &notice->notice;
    struct duty *duty = duty_find(matter, facts);
    if (duty == NULL || !matter_duty_open(duty)) {
        return;
    }
    bool arrived = duty->window.kind == CLOCK_UNDELIVERED;
    struct window window = arrived ? (struct window){.number = duty->number} : duty->window;
    enum clock_kind kind = arrived ? CLOCK_INFORMATION : duty->window.kind;
    if (!deciding_window_take(&window, kind, facts)) {
        return;
    }
    duty->window = window;
    for (uint32_t i = 0; arrived && i < matter->member_count; i++) {
        matter->members[i].delivered |= matter->members[i].agency == duty->holder;
    }
}

static void follow_return(const struct decide_context *ctx, struct matter *matter)
{
    bool request = matter->kind == MATTER_INFORMATION && matter->state == MATTER_OPEN;
    struct duty *duty = &matter->duties[0];
    if (request && duty->window.kind == CLOCK_UNDELIVERED) {
        duty->window.stopped_ms = ctx->now_ms;
        duty->cancelled = true;
        matter->state = MATTER_CANCELLED;
        matter->closed_ms = ctx->now_ms;
    }
}

static void document_forget(struct matter *matter, const struct number *number)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < matter->document_count; i++) {
        struct matter_document document = matter->documents[i];
        if (document.year != number->year || document.counter != number->counter) {
            matter->documents[kept++] = document;
        }
    }
    matter->document_count = kept;
}

static void follow_rung(const struct message *notice, struct matter *matter)
{
    const struct notice_facts *facts = &notice->notice;
    struct duty *duty = duty_find(matter, facts);
    enum rung rung = RUNG_COUNT;
    struct number number;
    if (duty == NULL || rung_parse(facts->rung, &rung) != OK) {
        return;
    }
    if (rung_is_of(rung, duty->window.kind)) {
        duty->window.raised = rung_set_with(duty->window.raised, rung);
    }
    if (number_parse(NUMBER_DOCUMENT, facts->document_number, &number) != OK) {
        return;
    }
    document_forget(matter, &number);
    if (notice->header.kind == MESSAGE_ESCALATION && rung_is_document(rung) &&
        matter->document_count < MATTER_DOCUMENTS_MAX) {
        struct number_counter counter = {.year = number.year, .last = number.counter};
        document_add(matter, duty->number, rung, &counter);
    }
}

void decide_matter_follow(const struct decide_context *ctx, const struct matter *before,
                          const struct message *notice, struct matter *ret_after)
{
    *ret_after = *before;
    switch (notice->header.kind) {
    case MESSAGE_DELIVERY_NOTICE:
    case MESSAGE_REDATING:
        follow_dates(notice, ret_after);
        break;
    case MESSAGE_RETURNED:
        follow_return(ctx, ret_after);
        break;
    case MESSAGE_REMINDER:
    case MESSAGE_ESCALATION:
    case MESSAGE_RESOLVED:
        follow_rung(notice, ret_after);
        break;
    default:
        break;
    }
}

void decide_matter_recount(const struct decide_context *ctx, struct matter *matter)
{
    for (uint32_t i = 0; i < matter->duty_count; i++) {
        window_recount(ctx->calendar, ctx->now_ms, &matter->duties[i].window);
    }
}
