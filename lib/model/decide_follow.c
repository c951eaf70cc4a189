/* How: an agency's copy of a referral follows the broker's notices, which carry the window as the
 * broker opened or moved it. What does not fit, or is known already, changes nothing. */
#include <stdio.h>
#include <string.h>

#include "model/decide_parts.h"

/* The referral or the papers arrived: the broker's dates of the new window. */
static void follow_delivery(const struct notice_facts *facts, struct referral *after)
{
    struct window *window = &after->clocks[REFERRAL_CLOCK_FEEDBACK];
    if (after->delivered_ms == 0) {
        after->delivered_ms = facts->arrival_ms;
    }
    if (facts->task != TASK_FEEDBACK || facts->window <= after->window_number) {
        return;
    }
    if (after->state != REFERRAL_QUEUED && after->state != REFERRAL_PROCEDURE) {
        return;
    }
    memset(window, 0, sizeof(*window));
    (void)deciding_window_take(window, referral_clock_kind(after, REFERRAL_CLOCK_FEEDBACK), facts);
    window->number = facts->window;
    memset(&after->papers_id, 0, sizeof(after->papers_id));
    after->state = REFERRAL_DELIVERED;
    referral_window_begin(after, facts->window);
    for (enum referral_clock clock = REFERRAL_CLOCK_PAPERS; clock <= REFERRAL_CLOCK_UNDELIVERED;
         clock++) {
        if (referral_clock_open(after, clock)) {
            after->clocks[clock].stopped_ms = facts->arrival_ms;
        }
    }
}

static void follow_return(const struct decide_context *ctx, struct referral *after)
{
    if (referral_clock_open(after, REFERRAL_CLOCK_UNDELIVERED)) {
        after->clocks[REFERRAL_CLOCK_UNDELIVERED].stopped_ms = ctx->now_ms;
    }
    if (after->state == REFERRAL_QUEUED) {
        after->state = REFERRAL_RETURNED;
    } else if (after->state == REFERRAL_PROCEDURE && !uuid_is_zero(&after->papers_id)) {
        memset(&after->papers_id, 0, sizeof(after->papers_id));
        after->clocks[REFERRAL_CLOCK_PAPERS].stopped_ms = 0;
    }
}

static enum referral_clock clock_of(enum rung rung, enum referral_task task)
{
    if (rung_is_of(rung, CLOCK_UNDELIVERED)) {
        return REFERRAL_CLOCK_UNDELIVERED;
    }
    if (rung_is_of(rung, CLOCK_URGENT)) {
        return REFERRAL_CLOCK_URGENT;
    }
    return rung_is_of(rung, CLOCK_UNSIGNED) ? REFERRAL_CLOCK_UNSIGNED : (enum referral_clock)task;
}

static void document_forget(struct referral *after, const struct number *number)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < after->document_count; i++) {
        const struct referral_document *document = &after->documents[i];
        if (document->year != number->year || document->counter != number->counter) {
            after->documents[kept++] = *document;
        }
    }
    after->document_count = kept;
}

static void follow_rung(const struct message *notice, struct referral *after)
{
    const struct notice_facts *facts = &notice->notice;
    enum rung rung = RUNG_COUNT;
    struct number number;
    if (rung_parse(facts->rung, &rung) != OK || facts->task >= TASK_COUNT) {
        return;
    }
    enum referral_clock clock = clock_of(rung, facts->task);
    if (after->clocks[clock].number == facts->window && facts->window != 0) {
        after->clocks[clock].raised = rung_set_with(after->clocks[clock].raised, rung);
    }
    if (number_parse(NUMBER_DOCUMENT, facts->document_number, &number) != OK) {
        return;
    }
    document_forget(after, &number);
    if (notice->header.kind == MESSAGE_ESCALATION &&
        after->document_count < REFERRAL_DOCUMENTS_MAX) {
        after->documents[after->document_count++] = (struct referral_document){
            .clock = clock, .rung = rung, .year = number.year, .counter = number.counter};
    }
}

static void follow_redating(const struct notice_facts *facts, struct referral *after)
{
    if (facts->task >= TASK_COUNT) {
        return;
    }
    enum referral_clock clock = (enum referral_clock)facts->task;
    struct window *window = &after->clocks[clock];
    if (referral_clock_open(after, clock) && window->number == facts->window) {
        (void)deciding_window_take(window, window->kind, facts);
        (void)snprintf(after->calendar_version, sizeof(after->calendar_version), "%s",
                       facts->calendar_version);
    }
}

void decide_follow(const struct decide_context *ctx, const struct referral *before,
                   const struct message *notice, struct referral *ret_after)
{
    struct referral after = *before;
    switch (notice->header.kind) {
    case MESSAGE_DELIVERY_NOTICE:
        follow_delivery(&notice->notice, &after);
        break;
    case MESSAGE_RETURNED:
        follow_return(ctx, &after);
        break;
    case MESSAGE_REDATING:
        follow_redating(&notice->notice, &after);
        break;
    case MESSAGE_REMINDER:
    case MESSAGE_ESCALATION:
    case MESSAGE_RESOLVED:
        follow_rung(notice, &after);
        break;
    default:
        break;
    }
    *ret_after = after;
}

void decide_recount(const struct decide_context *ctx, struct referral *referral)
{
    for (enum referral_clock clock = REFERRAL_CLOCK_FEEDBACK; clock < REFERRAL_CLOCK_COUNT;
         clock++) {
        if (referral->clocks[clock].number != 0) {
            window_recount(ctx->calendar, ctx->now_ms, &referral->clocks[clock]);
        }
    }
    if (referral_clock_open(referral, REFERRAL_CLOCK_FEEDBACK)) {
        (void)snprintf(referral->calendar_version, sizeof(referral->calendar_version), "%s",
                       calendar_version(ctx->calendar));
    }
}
