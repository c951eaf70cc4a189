/* How: what the receiver answers, and what follows from procedure-required: the tasks, the papers
 * and the next window. Handlers are called after the transition; after->state is the state to. */
#include <assert.h>
#include <string.h>

#include "model/decide_parts.h"

/* The applicant must be told within days, by whoever the answer names (Art. 9) or, after
 * "suitable", by the procuratorate (Art. 11). An older task of the kind gives way. */
static void task_open(struct deciding *deciding, enum referral_clock clock)
{
    struct window *window = &deciding->after->clocks[clock];
    uint32_t number = window->number + 1;
    if (referral_clock_open(deciding->after, clock)) {
        deciding_clock_stop(deciding, clock);
        (void)deciding_effect(deciding, EFFECT_TASK_CLOSED, clock);
        deciding_resolve_all(deciding, clock);
    }
    deciding_clock_open(deciding, clock, number);
    (void)deciding_effect(deciding, EFFECT_TASK_OPENED, clock);
}

static void task_close(struct deciding *deciding, enum referral_clock clock)
{
    if (!referral_clock_open(deciding->after, clock)) {
        return;
    }
    deciding_clock_stop(deciding, clock);
    (void)deciding_effect(deciding, EFFECT_TASK_CLOSED, clock);
    deciding_resolve_all(deciding, clock);
}

/* ---- sign-for ---- */

static void sign(struct deciding *deciding, const char *register_number)
{
    struct referral *after = deciding->after;
    after->marks |= MARK_SIGNED;
    after->signed_ms = deciding->ctx->now_ms;
    memcpy(after->register_number, register_number, sizeof(after->register_number));
    struct effect *effect = deciding_effect(deciding, EFFECT_SIGNED, REFERRAL_CLOCK_FEEDBACK);
    memcpy(effect->number, register_number, sizeof(effect->number));
    deciding_clock_stop(deciding, REFERRAL_CLOCK_UNSIGNED);
    deciding_clock_stop(deciding, REFERRAL_CLOCK_URGENT);
    deciding_resolve_all(deciding, REFERRAL_CLOCK_UNSIGNED);
    deciding_resolve_all(deciding, REFERRAL_CLOCK_URGENT);
}

bool decide_sign_for(struct deciding *deciding)
{
    if ((deciding->after->marks & MARK_SIGNED) != 0) {
        return deciding_refuse(deciding, REFUSAL_ALREADY, "state: signed for as %s",
                               deciding->after->register_number);
    }
    deciding_queue(deciding, deciding->after->sender);
    sign(deciding, deciding->message->sign_for.register_number);
    return true;
}

/* ---- feedback ---- */

/* Feedback without a sign-for signs for, so it carries the number; after one it repeats it or says
 * nothing. */
static bool register_number_fits(struct deciding *deciding)
{
    const struct referral *after = deciding->after;
    const char *number = deciding->message->feedback.register_number;
    bool is_signed = (after->marks & MARK_SIGNED) != 0;
    if (!is_signed && number[0] == '\0') {
        return deciding_refuse(deciding, REFUSAL_FACT_MISSING,
                               "facts.register_number: mandatory where there was no sign-for");
    }
    if (is_signed && number[0] != '\0' && strcmp(number, after->register_number) != 0) {
        return deciding_refuse(deciding, REFUSAL_REGISTER_NUMBER,
                               "facts.register_number: it was signed for as %s",
                               after->register_number);
    }
    return true;
}

/* Domain section 4: the window ended while the broker was down, the feedback came soon after the
 * start, and it was signed during the outage. Answers the time that counts. */
static uint64_t answered_at(const struct deciding *deciding)
{
    const struct decide_context *ctx = deciding->ctx;
    const struct window *window = &deciding->after->clocks[REFERRAL_CLOCK_FEEDBACK];
    uint64_t created_ms = deciding->message->header.created_ms;
    uint64_t due_ms = window->due_before_ms;
    bool ended_in_outage = due_ms > ctx->outage_from_ms && due_ms <= ctx->outage_to_ms;
    bool soon = ctx->now_ms >= ctx->outage_to_ms &&
                ctx->now_ms - ctx->outage_to_ms <= ctx->policy->claimed_grace_ms;
    bool signed_in_outage = created_ms >= ctx->outage_from_ms && created_ms <= ctx->outage_to_ms;
    bool counts = ctx->outage_to_ms != 0 && ended_in_outage && soon && signed_in_outage;
    return counts ? created_ms : ctx->now_ms;
}

/* Of "granted"; other outcomes name none. */
static uint64_t measures_of(const struct feedback_facts *facts)
{
    uint64_t measures = 0;
    for (size_t i = 0; i < facts->measure_count; i++) {
        measures |= UINT64_C(1) << facts->measures[i].measure;
    }
    return measures;
}

static void window_stop(struct deciding *deciding)
{
    const struct decide_context *ctx = deciding->ctx;
    struct referral *after = deciding->after;
    struct window *window = &after->clocks[REFERRAL_CLOCK_FEEDBACK];
    uint64_t answered_ms = answered_at(deciding);
    after->answered_ms = ctx->now_ms;
    after->claimed_ms = answered_ms == ctx->now_ms ? 0 : answered_ms;
    after->outcome = deciding->message->feedback.outcome;
    after->granted = measures_of(&deciding->message->feedback);
    if (!referral_clock_open(after, REFERRAL_CLOCK_FEEDBACK)) {
        assert(ctx->replica); /* the delivery notice is still on its way */
        after->window_number = after->window_number == 0 ? 1 : after->window_number;
        return;
    }
    struct lateness lateness = window_lateness(ctx->calendar, window->due_before_ms, answered_ms);
    after->late = lateness.late;
    after->lateness_days = lateness.working_days;
    after->late_answers += lateness.late ? 1 : 0;
    deciding_clock_stop(deciding, REFERRAL_CLOCK_FEEDBACK);
    struct effect *effect =
        deciding_effect(deciding, EFFECT_WINDOW_STOPPED, REFERRAL_CLOCK_FEEDBACK);
    effect->outcome = after->outcome;
    effect->late = after->late;
    effect->lateness_days = after->lateness_days;
    effect->claimed_ms = after->claimed_ms;
}

static void open_tasks(struct deciding *deciding)
{
    struct referral *after = deciding->after;
    const struct feedback_facts *facts = &deciding->message->feedback;
    if (facts->outcome == OUTCOME_SUITABLE) {
        after->tell_holder = after->receiver;
        task_open(deciding, REFERRAL_CLOCK_TELL);
    }
    if (facts->outcome == OUTCOME_PROCEDURE_REQUIRED) {
        bool referrer = facts->tell_by == TELL_BY_PROCURATORATE;
        uint16_t holder = referrer ? after->sender : after->receiver;
        after->procedure_count++;
        task_close(deciding, REFERRAL_CLOCK_TELL); /* under its old holder */
        after->tell_holder = holder;
        after->papers_holder = holder;
        task_open(deciding, REFERRAL_CLOCK_TELL);
        task_open(deciding, REFERRAL_CLOCK_PAPERS);
    }
}

bool decide_feedback(struct deciding *deciding)
{
    struct referral *after = deciding->after;
    if (!register_number_fits(deciding)) {
        return false;
    }
    deciding_queue(deciding, after->sender);
    window_stop(deciding);
    if ((after->marks & MARK_SIGNED) == 0) {
        sign(deciding, deciding->message->feedback.register_number);
    }
    deciding_resolve_all(deciding, REFERRAL_CLOCK_FEEDBACK);
    open_tasks(deciding);
    return true;
}

/* ---- the applicant is told ---- */

/* Only the agency that holds the duty can say that it is done. */
bool decide_informed(struct deciding *deciding)
{
    struct referral *after = deciding->after;
    bool open = referral_clock_open(after, REFERRAL_CLOCK_TELL);
    if (!open || !deciding_speaks_for(deciding, after->tell_holder)) {
        return deciding_refuse(deciding, REFUSAL_TASK_UNKNOWN,
                               "facts.task: this agency has no such open task");
    }
    after->marks |= MARK_INFORMED;
    deciding_queue(deciding, referral_waiting(after, REFERRAL_CLOCK_TELL));
    task_close(deciding, REFERRAL_CLOCK_TELL);
    return true;
}

/* ---- papers ---- */

bool decide_papers_sent(struct deciding *deciding)
{
    struct referral *after = deciding->after;
    if (!uuid_is_zero(&after->papers_id)) {
        return deciding_refuse(deciding, REFUSAL_ALREADY, "state: papers are on their way");
    }
    after->papers_id = deciding->message->header.message_id;
    deciding_queue(deciding, after->receiver);
    task_close(deciding, REFERRAL_CLOCK_PAPERS);
    /* Papers may come back and be sent again: each way has its own number, and so its own rungs. */
    deciding_clock_open(deciding, REFERRAL_CLOCK_UNDELIVERED,
                        after->clocks[REFERRAL_CLOCK_UNDELIVERED].number + 1);
    return true;
}

/* The papers are there: whatever was on its way no longer matters. */
static void papers_arrived(struct deciding *deciding, uint64_t agent_received_ms)
{
    memset(&deciding->after->papers_id, 0, sizeof(deciding->after->papers_id));
    deciding_clock_stop(deciding, REFERRAL_CLOCK_UNDELIVERED);
    deciding_window_open(deciding, agent_received_ms);
    deciding_resolve_all(deciding, REFERRAL_CLOCK_UNDELIVERED);
}

bool decide_papers_reported(struct deciding *deciding)
{
    deciding_queue(deciding, deciding->after->sender);
    task_close(deciding, REFERRAL_CLOCK_PAPERS);
    papers_arrived(deciding, deciding->message->papers.received_ms);
    return true;
}

bool decide_papers_delivery(struct deciding *deciding)
{
    (void)deciding_effect(deciding, EFFECT_UNQUEUE, REFERRAL_CLOCK_FEEDBACK);
    if (deciding->after->state != REFERRAL_WITHDRAWN) {
        papers_arrived(deciding, deciding->message->delivery.received_ms);
    }
    return true;
}

/* The papers come back: the task runs on as if they had not been sent, rungs that were raised are
 * not raised again. */
bool decide_papers_rejection(struct deciding *deciding)
{
    struct referral *after = deciding->after;
    (void)deciding_effect(deciding, EFFECT_UNQUEUE, REFERRAL_CLOCK_FEEDBACK);
    if (after->state == REFERRAL_WITHDRAWN) {
        return true;
    }
    memset(&after->papers_id, 0, sizeof(after->papers_id));
    deciding_clock_stop(deciding, REFERRAL_CLOCK_UNDELIVERED);
    after->clocks[REFERRAL_CLOCK_PAPERS].stopped_ms = 0;
    (void)deciding_effect(deciding, EFFECT_TASK_OPENED, REFERRAL_CLOCK_PAPERS);
    deciding_returned(deciding, after->sender);
    deciding_resolve_all(deciding, REFERRAL_CLOCK_UNDELIVERED);
    return true;
}
