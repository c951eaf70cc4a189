/* How: a duty is opened, done or cancelled in the array of its matter, and each step leaves the
 * effect that tells of it. Numbers only rise; where the array is full, the oldest duty that is over
 * gives way, whose leaves stay in the log. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "model/decide_matter_parts.h"

#define DATE_AHEAD_DAYS 7305 /* 20 years: supervised money of a newborn child, and some (d) */

struct effect duty_effect(const struct deciding *deciding, enum effect_kind kind,
                          const struct duty *duty)
{
    struct effect effect = matter_effect(deciding, kind);
    effect.agency = duty->holder;
    effect.responsible = duty->holder;
    effect.waiting = duty->waiting;
    effect.duty = duty->kind;
    effect.window = duty->window;
    return effect;
}

/* ---- opening ---- */

bool duty_room(struct deciding *deciding, size_t count)
{
    uint32_t open = duty_count_open(deciding, 0);
    const struct matter *matter = deciding->matter;
    uint32_t last = matter->duty_count == 0 ? 0 : matter->duties[matter->duty_count - 1].number;
    if (open + count > LIMIT_DUTIES || last + count > UINT16_MAX) {
        return deciding_refuse(deciding, REFUSAL_DUTY,
                               "facts: %" PRIu32 " duties are open, a matter has at most %u", open,
                               LIMIT_DUTIES);
    }
    return true;
}

static void oldest_forget(struct matter *matter)
{
    uint32_t at = 0;
    while (at < matter->duty_count && matter_duty_open(&matter->duties[at])) {
        at++;
    }
    assert(at < matter->duty_count);
    matter->duty_count--;
    memmove(&matter->duties[at], &matter->duties[at + 1],
            (matter->duty_count - at) * sizeof(matter->duties[0]));
}

static struct duty *duty_add(struct deciding *deciding, const struct duty *what)
{
    struct matter *matter = deciding->matter;
    uint32_t number =
        matter->duty_count == 0 ? 1 : matter->duties[matter->duty_count - 1].number + 1;
    if (matter->duty_count == LIMIT_DUTIES) {
        oldest_forget(matter);
    }
    struct duty *duty = &matter->duties[matter->duty_count++];
    *duty = *what;
    duty->number = number;
    return duty;
}

struct duty *duty_open_dated(struct deciding *deciding, const struct duty *what, int32_t day)
{
    const struct decide_context *ctx = deciding->ctx;
    struct duty *duty = duty_add(deciding, what);
    uint64_t last_ms = civil_start_ms(day); /* a copy may learn of it after its day */
    uint64_t start_ms = ctx->now_ms > last_ms && ctx->replica ? last_ms : ctx->now_ms;
    window_open_dated(ctx->calendar, start_ms, day, &duty->window);
    duty->window.number = duty->number;
    struct effect effect = duty_effect(deciding, EFFECT_TASK_OPENED, duty);
    (void)deciding_add(deciding, &effect);
    return duty;
}

void duty_open_undelivered(struct deciding *deciding, const struct duty *what)
{
    const struct decide_context *ctx = deciding->ctx;
    struct duty *duty = duty_add(deciding, what);
    window_open(&ctx->policy->ladder, ctx->calendar, CLOCK_UNDELIVERED, ctx->now_ms, &duty->window);
    duty->window.number = duty->number;
}

void duty_arrived(struct deciding *deciding, struct duty *duty)
{
    const struct decide_context *ctx = deciding->ctx;
    struct duty before = *duty;
    before.window.stopped_ms = ctx->now_ms;
    window_open(&ctx->policy->ladder, ctx->calendar, CLOCK_INFORMATION, ctx->now_ms, &duty->window);
    duty->window.number = duty->number;
    struct effect effect = duty_effect(deciding, EFFECT_TASK_OPENED, duty);
    effect.agent_received_ms = deciding->message->delivery.received_ms;
    (void)deciding_add(deciding, &effect);
    deciding_notify(deciding, &effect, MESSAGE_DELIVERY_NOTICE, duty->waiting,
                    ROLE_LIAISON | ROLE_SENDER)
        ->evidence = true;
    struct rung_set all = {.bits = (UINT64_C(1) << RUNG_COUNT) - 1};
    duty_resolve(deciding, &before, all);
}

/* ---- ending ---- */

static void duty_stop(struct deciding *deciding, struct duty *duty, enum effect_kind kind)
{
    struct rung_set all = {.bits = (UINT64_C(1) << RUNG_COUNT) - 1};
    assert(matter_duty_open(duty));
    duty->window.stopped_ms = deciding->ctx->now_ms;
    if (duty->window.kind != CLOCK_UNDELIVERED) {
        struct effect effect = duty_effect(deciding, kind, duty);
        struct lateness lateness = window_lateness(
            deciding->ctx->calendar, duty->window.due_before_ms, duty->window.stopped_ms);
        effect.late = kind == EFFECT_TASK_CLOSED && lateness.late;
        effect.lateness_days = effect.late ? lateness.working_days : 0;
        (void)deciding_add(deciding, &effect);
    }
    duty_resolve(deciding, duty, all);
}

void duty_done(struct deciding *deciding, struct duty *duty)
{
    duty_stop(deciding, duty, EFFECT_TASK_CLOSED);
}

void duty_cancel(struct deciding *deciding, struct duty *duty)
{
    duty->cancelled = true;
    duty_stop(deciding, duty, EFFECT_WINDOW_CANCELLED);
}

void duty_cancel_all(struct deciding *deciding, enum duty_kind kind)
{
    struct matter *matter = deciding->matter;
    for (uint32_t i = 0; i < matter->duty_count; i++) {
        struct duty *duty = &matter->duties[i];
        if (matter_duty_open(duty) && (kind == 0 || duty->kind == kind)) {
            duty_cancel(deciding, duty);
        }
    }
}

/* ---- queries ---- */

uint32_t duty_count_open(const struct deciding *deciding, enum duty_kind kind)
{
    const struct matter *matter = deciding->matter;
    uint32_t count = 0;
    for (uint32_t i = 0; i < matter->duty_count; i++) {
        const struct duty *duty = &matter->duties[i];
        count += matter_duty_open(duty) && (kind == 0 || duty->kind == kind) ? 1 : 0;
    }
    return count;
}

struct duty *duty_of_signer(struct deciding *deciding, enum duty_kind kind, uint32_t number)
{
    struct matter *matter = deciding->matter;
    for (uint32_t i = 0; i < matter->duty_count; i++) {
        struct duty *duty = &matter->duties[i];
        if (duty->kind == kind && (number == 0 || duty->number == number) &&
            matter_duty_open(duty) && deciding_speaks_for(deciding, duty->holder)) {
            return duty;
        }
    }
    (void)deciding_refuse(deciding, REFUSAL_DUTY, "facts.duty: this agency has no such open duty");
    return NULL;
}

bool duty_date(struct deciding *deciding, uint32_t yyyymmdd, const char *path, int32_t *ret_day)
{
    int32_t today = civil_day_at(deciding->ctx->now_ms);
    if (civil_from_yyyymmdd(yyyymmdd, ret_day) != OK ||
        (*ret_day < today && (!deciding->ctx->replica || deciding->ctx->sending))) {
        return deciding_refuse(deciding, REFUSAL_DATE, "%s: is past", path);
    }
    if (*ret_day - today > DATE_AHEAD_DAYS) {
        return deciding_refuse(deciding, REFUSAL_DATE, "%s: more than 20 years ahead", path);
    }
    return true;
}

/* ---- documents ---- */

void duty_resolve(struct deciding *deciding, const struct duty *duty, struct rung_set rungs)
{
    struct matter *matter = deciding->matter;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < matter->document_count; i++) {
        struct matter_document document = matter->documents[i];
        if (document.duty != duty->number || !rung_set_has(rungs, (enum rung)document.rung)) {
            matter->documents[kept++] = document;
            continue;
        }
        struct effect base = duty_effect(deciding, EFFECT_RUNG_RESOLVED, duty);
        base.rung = (enum rung)document.rung;
        deciding_resolved(deciding, &base, document.year, document.counter);
    }
    matter->document_count = kept;
}
