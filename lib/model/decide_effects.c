/* Effects and clocks: the small deeds that the steps are made of. Whoever is told of a rung is data
 * (the ladder's targets); here targets become agencies, each told once with all its roles. */
#include <assert.h>
#include <string.h>

#include "model/decide_private.h"

#define ALL_RUNGS ((struct rung_set){UINT64_MAX})

struct effect *effect_add(struct deciding *deciding, enum effect_kind kind)
{
    struct decision *decision = deciding->decision;
    struct effect *effect = &decision->effects[decision->effect_count];

    assert(decision->effect_count < DECISION_EFFECTS_MAX);
    decision->effect_count++;
    memset(effect, 0, sizeof(*effect));
    effect->kind = kind;
    effect->lane = decision->after.lane;
    effect->rung = RUNG_COUNT;
    return effect;
}

void effect_queue(struct deciding *deciding, uint16_t agency)
{
    effect_add(deciding, EFFECT_QUEUE)->agency = agency;
}

struct effect *effect_clock(struct deciding *deciding, enum effect_kind kind,
                            enum referral_clock clock)
{
    const struct referral *after = &deciding->decision->after;
    struct effect *effect = effect_add(deciding, kind);

    effect->clock = clock;
    effect->window = after->clocks[clock];
    effect->responsible = referral_responsible(after, clock);
    if (effect->responsible == 0) {
        effect->responsible = after->receiver;
    }
    effect->agency = effect->responsible;
    return effect;
}

struct effect *effect_notice(struct deciding *deciding, enum message_kind kind, uint16_t agency,
                             enum referral_clock clock)
{
    struct effect *effect = effect_clock(deciding, EFFECT_NOTICE, clock);

    effect->notice = kind;
    effect->agency = agency;
    effect->roles = ROLE_LIAISON;
    return effect;
}

/* --- who is told of a rung --- */

enum audience { AUDIENCE_RESPONSIBLE, AUDIENCE_WAITING, AUDIENCE_OFFICE, AUDIENCE_COUNT };

static const struct {
    enum rung_target target;
    enum audience audience;
    uint32_t role;
} targets[] = {
    {TARGET_LIAISON, AUDIENCE_RESPONSIBLE, ROLE_LIAISON},
    {TARGET_LEADER, AUDIENCE_RESPONSIBLE, ROLE_LEADER},
    {TARGET_DUTY, AUDIENCE_RESPONSIBLE, ROLE_DUTY_CONTACT},
    {TARGET_SENDER, AUDIENCE_WAITING, ROLE_SENDER},
    {TARGET_SENDER_LEADER, AUDIENCE_WAITING, ROLE_LEADER},
    {TARGET_OFFICE, AUDIENCE_OFFICE, ROLE_OFFICE},
    {TARGET_ADMINISTRATORS, AUDIENCE_OFFICE, ROLE_ADMINISTRATORS},
    {TARGET_AGENDA, AUDIENCE_OFFICE, ROLE_OFFICE},
};

void effect_notify_rung(struct deciding *deciding, enum message_kind kind,
                        const struct effect *about)
{
    const struct decide_context *ctx = deciding->ctx;
    const struct referral *after = &deciding->decision->after;
    const struct effect event = *about; /* the list grows behind it */
    const uint16_t agencies[AUDIENCE_COUNT] = {event.responsible,
                                               referral_waiting(after, event.clock),
                                               registry_office(ctx->registry)->number};
    uint32_t roles[AUDIENCE_COUNT] = {0};

    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        if ((ctx->policy->ladder.rungs[event.rung].targets & (uint32_t)targets[i].target) != 0) {
            roles[targets[i].audience] |= targets[i].role;
        }
    }
    for (size_t i = 0; i < AUDIENCE_COUNT; i++) {
        for (size_t j = i + 1; j < AUDIENCE_COUNT; j++) {
            if (agencies[j] == agencies[i]) { /* one agency in two parts is told once */
                roles[i] |= roles[j];
                roles[j] = 0;
            }
        }
        if (roles[i] != 0) {
            struct effect *notice = effect_notice(deciding, kind, agencies[i], event.clock);

            notice->roles = roles[i];
            notice->rung = event.rung;
            notice->fell_due_ms = event.fell_due_ms;
            memcpy(notice->number, event.number, sizeof(notice->number));
        }
    }
}

/* --- documents --- */

static void document_number(const struct referral_document *document, char out[LIMIT_NUMBER_BYTES])
{
    const struct number number = {.kind = NUMBER_DOCUMENT,
                                  .prefix = "DB",
                                  .year = document->year,
                                  .counter = document->counter};

    number_format(&number, out);
}

void documents_resolve(struct deciding *deciding, enum referral_clock clock, struct rung_set which)
{
    struct referral *after = &deciding->decision->after;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < after->document_count; i++) {
        const struct referral_document document = after->documents[i];
        struct effect *effect;

        if (document.clock != clock || !rung_set_has(which, document.rung)) {
            after->documents[kept++] = document;
            continue;
        }
        effect = effect_clock(deciding, EFFECT_RUNG_RESOLVED, clock);
        effect->rung = document.rung;
        document_number(&document, effect->number);
        effect_notify_rung(deciding, MESSAGE_RESOLVED, effect);
    }
    after->document_count = kept;
}

void rung_raise(struct deciding *deciding, enum referral_clock clock, enum rung rung,
                uint64_t fell_due_ms)
{
    struct decision *decision = deciding->decision;
    struct referral *after = &decision->after;
    struct window *window = &after->clocks[clock];
    bool numbered = rung_is_document(rung);
    struct effect *effect;

    assert(!rung_set_has(window->raised, rung));
    assert(fell_due_ms <= deciding->ctx->now_ms);
    window->raised = rung_set_with(window->raised, rung);
    effect = effect_clock(deciding, EFFECT_RUNG_RAISED, clock);
    effect->rung = rung;
    effect->fell_due_ms = fell_due_ms;
    if (numbered && number_next(NUMBER_DOCUMENT, "DB", deciding->ctx->now_ms, &decision->documents,
                                effect->number) == OK) {
        assert(after->document_count < REFERRAL_DOCUMENTS_MAX);
        after->documents[after->document_count++] =
            (struct referral_document){.clock = clock,
                                       .rung = rung,
                                       .year = decision->documents.year,
                                       .counter = decision->documents.last};
    }
    effect_notify_rung(deciding, numbered ? MESSAGE_ESCALATION : MESSAGE_REMINDER, effect);
}

/* --- clocks --- */

void clock_start(struct deciding *deciding, enum referral_clock clock, uint32_t number)
{
    const struct decide_context *ctx = deciding->ctx;
    struct referral *after = &deciding->decision->after;

    window_open(&ctx->policy->ladder, ctx->calendar, referral_clock_kind(after, clock), ctx->now_ms,
                &after->clocks[clock]);
    after->clocks[clock].number = number;
    text_copy(after->calendar_version, sizeof(after->calendar_version),
              calendar_version(ctx->calendar));
}

bool clock_stop(struct deciding *deciding, enum referral_clock clock)
{
    struct referral *after = &deciding->decision->after;

    if (!referral_clock_open(after, clock)) {
        return false;
    }
    after->clocks[clock].stopped_ms = deciding->ctx->now_ms;
    documents_resolve(deciding, clock, ALL_RUNGS);
    return true;
}

void window_open_next(struct deciding *deciding, bool evidence)
{
    struct referral *after = &deciding->decision->after;
    struct effect *effect;

    after->window_number++;
    clock_start(deciding, REFERRAL_CLOCK_FEEDBACK, after->window_number);
    effect = effect_clock(deciding, EFFECT_WINDOW_OPENED, REFERRAL_CLOCK_FEEDBACK);
    effect->agent_received_ms = after->agent_received_ms;
    effect =
        effect_notice(deciding, MESSAGE_DELIVERY_NOTICE, after->sender, REFERRAL_CLOCK_FEEDBACK);
    effect->evidence = evidence;
}
