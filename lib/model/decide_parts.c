/* How: effects are appended to the decision's array; its bound holds because open documents and
 * the agencies that one rung concerns are bounded. A rung's targets are first gathered per agency,
 * so that an agency which is two things at once gets one notice with both roles. */
#include "model/decide_parts.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "model/vocabulary.h"

_Static_assert(sizeof(((struct notice_facts *)0)->calendar_version) == CALENDAR_VERSION_BYTES,
               "a notice holds every version");

void deciding_begin(struct deciding *deciding, const struct decide_context *ctx,
                    const struct referral *before, struct decision *decision)
{
    deciding->ctx = ctx;
    deciding->message = NULL;
    deciding->decision = decision;
    deciding->after = &decision->after;
    deciding->matter = &decision->matter;
    decision->of_matter = false;
    decision->refusal = REFUSAL_NONE;
    decision->detail[0] = '\0';
    decision->effect_count = 0;
    decision->documents = ctx->documents;
    if (before != NULL) {
        decision->after = *before;
    } else {
        memset(&decision->after, 0, sizeof(decision->after));
        decision->after.last_leaf = REFERRAL_NO_LEAF;
    }
}

void deciding_end(struct deciding *deciding)
{
    struct referral_rung next;
    bool found = referral_next_rung(deciding->after, &deciding->ctx->policy->ladder,
                                    deciding->ctx->calendar, &next);
    deciding->after->next_due_ms = found ? next.due_ms : 0;
}

bool deciding_refuse(struct deciding *deciding, enum refusal refusal, const char *fmt, ...)
{
    struct decision *decision = deciding->decision;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(decision->detail, sizeof(decision->detail), fmt, args);
    va_end(args);
    decision->refusal = refusal;
    return false;
}

/* ---- agencies change ---- */

uint16_t deciding_acting(const struct deciding *deciding, uint16_t agency)
{
    return registry_acting(deciding->ctx->registry, agency, deciding->ctx->now_ms);
}

bool deciding_speaks_for(const struct deciding *deciding, uint16_t agency)
{
    const struct decide_context *ctx = deciding->ctx;
    for (size_t step = 0; step < registry_count(ctx->registry) && agency != ctx->signer; step++) {
        const struct agency *row = registry_by_number(ctx->registry, agency);
        if (row == NULL || row->successor == 0 || !agency_has_left(row, ctx->now_ms)) {
            return false;
        }
        agency = row->successor;
    }
    return agency == ctx->signer;
}

bool deciding_has_stayed(struct deciding *deciding, const char *path, const struct agency *agency)
{
    const struct decide_context *ctx = deciding->ctx;
    if (agency == NULL || !agency_has_left(agency, ctx->now_ms)) {
        return true;
    }
    const struct agency *acting =
        registry_by_number(ctx->registry, deciding_acting(deciding, agency->number));
    if (acting == agency) {
        return deciding_refuse(deciding, REFUSAL_AGENCY_LEFT, "%s: %s has left; nobody acts for it",
                               path, agency->id);
    }
    return deciding_refuse(deciding, REFUSAL_AGENCY_LEFT, "%s: %s has handed over; %s acts for it",
                           path, agency->id, acting->id);
}

/* An agent that reads what was taken before the day of the change takes it too. */
bool deciding_nobody_left(struct deciding *deciding)
{
    const struct registry *registry = deciding->ctx->registry;
    const struct message *message = deciding->message;
    bool stay = deciding->ctx->replica ||
                (deciding_has_stayed(deciding, "header.sender",
                                     registry_find(registry, message->header.sender)) &&
                 deciding_has_stayed(deciding, "header.recipient",
                                     registry_find(registry, message->header.recipient)));
    for (size_t i = 0; stay && !deciding->ctx->replica && i < registry_count(registry); i++) {
        const struct agency *agency = registry_at(registry, i);
        stay = !agency_set_has(&message->copies, agency->number) ||
               deciding_has_stayed(deciding, "facts.copies", agency);
    }
    return stay;
}

bool deciding_room_in_case(struct deciding *deciding, bool reserved)
{
    const struct case_facts *facts = deciding->ctx->whole_case;
    uint32_t limit = deciding->ctx->policy->case_limit;
    limit += reserved ? limit / 4 : 0;
    return facts == NULL || facts->parts < limit ||
           deciding_refuse(deciding, REFUSAL_CASE_FULL,
                           "header.case_id: the case has %" PRIu32 " referrals and matters",
                           facts->parts);
}

/* ---- effects ---- */

struct effect *deciding_add(struct deciding *deciding, const struct effect *base)
{
    struct decision *decision = deciding->decision;
    assert(decision->effect_count < DECISION_EFFECTS_MAX);
    struct effect *effect = &decision->effects[decision->effect_count++];
    *effect = *base;
    effect->agency = deciding_acting(deciding, base->agency);
    effect->responsible = deciding_acting(deciding, base->responsible);
    effect->waiting = deciding_acting(deciding, base->waiting);
    return effect;
}

struct effect *deciding_notify(struct deciding *deciding, const struct effect *about,
                               enum message_kind notice, uint16_t agency, uint32_t roles)
{
    struct effect *effect = deciding_add(deciding, about);
    assert(message_kind_from_broker(notice));
    effect->kind = EFFECT_NOTICE;
    effect->notice = notice;
    effect->agency = deciding_acting(deciding, agency);
    effect->roles = roles;
    return effect;
}

struct effect deciding_clock(const struct deciding *deciding, enum effect_kind kind,
                             enum referral_clock clock)
{
    uint16_t responsible = referral_responsible(deciding->after, clock);
    return (struct effect){
        .kind = kind,
        .agency = responsible,
        .lane = deciding->after->lane,
        .clock = clock,
        .rung = RUNG_COUNT,
        .window = deciding->after->clocks[clock],
        .responsible = responsible,
        .waiting = referral_waiting(deciding->after, clock),
    };
}

struct effect *deciding_effect(struct deciding *deciding, enum effect_kind kind,
                               enum referral_clock clock)
{
    struct effect base = deciding_clock(deciding, kind, clock);
    return deciding_add(deciding, &base);
}

struct effect *deciding_notice(struct deciding *deciding, enum message_kind notice, uint16_t agency,
                               uint32_t roles, enum referral_clock clock)
{
    struct effect base = deciding_clock(deciding, EFFECT_NOTICE, clock);
    return deciding_notify(deciding, &base, notice, agency, roles);
}

void deciding_queue(struct deciding *deciding, uint16_t agency)
{
    deciding_effect(deciding, EFFECT_QUEUE, REFERRAL_CLOCK_FEEDBACK)->agency =
        deciding_acting(deciding, agency);
}

/* ---- clocks ---- */

void deciding_clock_open(struct deciding *deciding, enum referral_clock clock, uint32_t number)
{
    struct window *window = &deciding->after->clocks[clock];
    assert(number > 0);
    window_open(&deciding->ctx->policy->ladder, deciding->ctx->calendar,
                referral_clock_kind(deciding->after, clock), deciding->ctx->now_ms, window);
    window->number = number;
}

void deciding_clock_stop(struct deciding *deciding, enum referral_clock clock)
{
    if (referral_clock_open(deciding->after, clock)) {
        deciding->after->clocks[clock].stopped_ms = deciding->ctx->now_ms;
    }
}

/* ---- who is told ---- */

struct audience {
    uint16_t agencies[3];
    uint32_t roles[3];
    size_t count;
};

static void audience_add(struct audience *audience, uint16_t agency, uint32_t roles)
{
    if (roles == 0) {
        return;
    }
    for (size_t i = 0; i < audience->count; i++) {
        if (audience->agencies[i] == agency) {
            audience->roles[i] |= roles;
            return;
        }
    }
    audience->agencies[audience->count] = agency;
    audience->roles[audience->count] = roles;
    audience->count++;
}

static uint32_t role_if(uint32_t targets, enum rung_target target, uint32_t roles)
{
    return (targets & target) != 0 ? roles : 0;
}

/* The ladder's targets of a rung as agencies and roles. The office keeps the agenda and speaks for
 * the administrators. Where nobody waits, the agency that must act does not hear it twice. */
static void audience_of(const struct deciding *deciding, const struct effect *about,
                        struct audience *audience)
{
    uint32_t targets = deciding->ctx->policy->ladder.rungs[about->rung].targets;
    uint16_t office = registry_office(deciding->ctx->registry)->number;
    audience->count = 0;
    audience_add(audience, about->responsible,
                 role_if(targets, TARGET_LIAISON, ROLE_LIAISON) |
                     role_if(targets, TARGET_LEADER, ROLE_LEADER) |
                     role_if(targets, TARGET_DUTY, ROLE_DUTY_CONTACT));
    if (about->waiting != about->responsible) {
        audience_add(audience, about->waiting,
                     role_if(targets, TARGET_SENDER, ROLE_SENDER) |
                         role_if(targets, TARGET_SENDER_LEADER, ROLE_SENDER | ROLE_LEADER));
    }
    audience_add(audience, office,
                 role_if(targets, TARGET_OFFICE, ROLE_OFFICE) |
                     role_if(targets, TARGET_AGENDA, ROLE_OFFICE) |
                     role_if(targets, TARGET_ADMINISTRATORS, ROLE_ADMINISTRATORS));
}

void deciding_tell(struct deciding *deciding, const struct effect *about, enum message_kind notice)
{
    struct effect base = *about; /* the array may not move, but `about` lies in it */
    struct audience audience;
    audience_of(deciding, &base, &audience);
    for (size_t i = 0; i < audience.count; i++) {
        (void)deciding_notify(deciding, &base, notice, audience.agencies[i], audience.roles[i]);
    }
}

/* ---- rungs and documents ---- */

enum referral_task deciding_task_of(const struct effect *effect)
{
    if (effect->duty != 0) {
        return (enum referral_task)effect->duty;
    }
    return effect->clock <= REFERRAL_CLOCK_PAPERS ? (enum referral_task)effect->clock
                                                  : TASK_FEEDBACK;
}

static const struct held_document *held_find(const struct decide_context *ctx,
                                             const struct effect *effect)
{
    for (size_t i = 0; i < ctx->held_count; i++) {
        const struct held_document *held = &ctx->held[i];
        if (held->task == (uint32_t)deciding_task_of(effect) &&
            held->window == effect->window.number && held->rung == effect->rung) {
            return held;
        }
    }
    return NULL;
}

/* The number that people know the document by already, else the next one. */
static struct number_counter document_number(struct deciding *deciding, struct effect *effect)
{
    const struct held_document *held = held_find(deciding->ctx, effect);
    if (held != NULL) {
        const struct number number = {.kind = NUMBER_DOCUMENT,
                                      .prefix = "DB",
                                      .year = held->number.year,
                                      .counter = held->number.last};
        number_format(&number, effect->number);
        return held->number;
    }
    enum err error = number_next(NUMBER_DOCUMENT, "", deciding->ctx->now_ms,
                                 &deciding->decision->documents, effect->number);
    assert(error == OK);
    return deciding->decision->documents;
}

struct number_counter deciding_raise(struct deciding *deciding, const struct effect *base)
{
    bool document = rung_is_document(base->rung);
    struct number_counter number = {.year = 0};
    struct effect *effect = deciding_add(deciding, base);
    assert(base->fell_due_ms <= deciding->ctx->now_ms);
    effect->kind = EFFECT_RUNG_RAISED;
    if (document) {
        number = document_number(deciding, effect);
    }
    deciding_tell(deciding, effect, document ? MESSAGE_ESCALATION : MESSAGE_REMINDER);
    return number;
}

void deciding_resolved(struct deciding *deciding, const struct effect *base, uint32_t year,
                       uint32_t counter)
{
    struct number number = {.kind = NUMBER_DOCUMENT, .year = year, .counter = counter};
    struct effect *effect = deciding_add(deciding, base);
    effect->kind = EFFECT_RUNG_RESOLVED;
    number_format(&number, effect->number);
    deciding_tell(deciding, effect, MESSAGE_RESOLVED);
}

void deciding_redated(struct deciding *deciding, const struct effect *base,
                      const struct redating *redating)
{
    struct effect about = *base;
    about.kind = EFFECT_WINDOW_REDATED;
    about.old_due_before_ms = redating->old_due_before_ms;
    about.annotated = redating->annotated;
    (void)snprintf(about.reason, sizeof(about.reason), "%s",
                   redating->moved ? window_basis_id(about.window.basis) : "settled");
    (void)deciding_add(deciding, &about);
    (void)deciding_notify(deciding, &about, MESSAGE_REDATING, about.responsible, ROLE_LIAISON);
    if (about.waiting != about.responsible) {
        (void)deciding_notify(deciding, &about, MESSAGE_REDATING, about.waiting,
                              ROLE_LIAISON | ROLE_SENDER);
    }
}

void deciding_resolve(struct deciding *deciding, enum referral_clock clock, struct rung_set rungs)
{
    struct referral *after = deciding->after;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < after->document_count; i++) {
        struct referral_document document = after->documents[i];
        if (document.clock == clock && rung_set_has(rungs, document.rung)) {
            struct effect base = deciding_clock(deciding, EFFECT_RUNG_RESOLVED, clock);
            base.rung = document.rung;
            deciding_resolved(deciding, &base, document.year, document.counter);
        } else {
            after->documents[kept++] = document;
        }
    }
    after->document_count = kept;
}

void deciding_resolve_all(struct deciding *deciding, enum referral_clock clock)
{
    struct rung_set all = {.bits = (UINT64_C(1) << RUNG_COUNT) - 1};
    deciding_resolve(deciding, clock, all);
}

/* ---- the feedback window ---- */

void deciding_window_open(struct deciding *deciding, uint64_t agent_received_ms)
{
    struct referral *after = deciding->after;
    const struct decide_context *ctx = deciding->ctx;
    referral_window_begin(after, after->window_number + 1);
    deciding_clock_open(deciding, REFERRAL_CLOCK_FEEDBACK, after->window_number);
    (void)snprintf(after->calendar_version, sizeof(after->calendar_version), "%s",
                   calendar_version(ctx->calendar));
    deciding_effect(deciding, EFFECT_WINDOW_OPENED, REFERRAL_CLOCK_FEEDBACK)->agent_received_ms =
        agent_received_ms;
    deciding_notice(deciding, MESSAGE_DELIVERY_NOTICE, after->sender, ROLE_LIAISON | ROLE_SENDER,
                    REFERRAL_CLOCK_FEEDBACK)
        ->evidence = true;
}

void deciding_sent_back(struct deciding *deciding, const struct effect *base, uint16_t agency)
{
    const struct word *word =
        vocabulary_find(VOCABULARY_REJECTION, deciding->message->delivery.reason);
    struct effect *effect =
        deciding_notify(deciding, base, MESSAGE_RETURNED, agency, ROLE_LIAISON | ROLE_SENDER);
    effect->evidence = true;
    (void)snprintf(effect->reason, sizeof(effect->reason), "%s",
                   word == NULL ? "unreadable" : word->id);
}

void deciding_returned(struct deciding *deciding, uint16_t agency)
{
    struct effect base = deciding_clock(deciding, EFFECT_NOTICE, REFERRAL_CLOCK_FEEDBACK);
    deciding_sent_back(deciding, &base, agency);
}

/* ---- notices ---- */

bool deciding_window_take(struct window *window, enum clock_kind kind,
                          const struct notice_facts *facts)
{
    int32_t day = 0;
    if (facts->due_date != 0 && civil_from_yyyymmdd(facts->due_date, &day) != OK) {
        return false;
    }
    window->kind = kind;
    window->n = facts->working_days;
    window->start_ms = facts->arrival_ms;
    window->due_day = day;
    window->due_before_ms = facts->due_before_ms;
    window->provisional = facts->provisional;
    return true;
}

/* ---- what is known of a whole case ---- */

void case_facts_add_referral(struct case_facts *facts, const struct referral *referral)
{
    facts->parts++;
    facts->minor = facts->minor || referral->minor;
    facts->answered = facts->answered || referral->state == REFERRAL_ANSWERED;
    agency_set_add(&facts->parties, referral->sender);
    agency_set_add(&facts->parties, referral->receiver);
    for (unsigned clock = 0; clock < REFERRAL_CLOCK_COUNT; clock++) {
        facts->clocks += referral_clock_open(referral, (enum referral_clock)clock);
    }
}

void case_facts_add_matter(struct case_facts *facts, const struct matter *matter)
{
    facts->parts++;
    if (matter->state == MATTER_OPEN) {
        facts->archived = facts->archived || matter->kind == MATTER_ARCHIVE;
        facts->clocks += matter_clocks(matter);
    }
}

bool referral_sends_on(const struct referral *referral, const struct uuid *previous)
{
    return referral->link == LINK_RE_REFERRAL && uuid_equal(&referral->previous, previous) &&
           referral->state != REFERRAL_WITHDRAWN && referral->state != REFERRAL_RETURNED;
}
