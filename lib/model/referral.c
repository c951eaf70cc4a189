/* How: one const table holds the full product of states and events, legal cells and refused ones
 * alike. The packed form is in referral_pack.c. */
#include "model/referral.h"

#include <assert.h>

_Static_assert((int)REFERRAL_CLOCK_FEEDBACK == (int)TASK_FEEDBACK, "a task is its clock");
_Static_assert((int)REFERRAL_CLOCK_TELL == (int)TASK_TELL_APPLICANT, "a task is its clock");
_Static_assert((int)REFERRAL_CLOCK_PAPERS == (int)TASK_PAPERS, "a task is its clock");

/* ---- states and events ---- */

#define GO(state)                                                                                  \
    {                                                                                              \
        true, REFERRAL_##state, REFUSAL_NONE                                                       \
    }
#define STOP(code)                                                                                 \
    {                                                                                              \
        false, REFERRAL_SUBMITTED, REFUSAL_##code                                                  \
    }

static const struct transition transitions[REFERRAL_STATE_COUNT][REFERRAL_EVENT_COUNT] =
    {
        [REFERRAL_SUBMITTED] =
            {
                [EVENT_SUBMIT] = GO(QUEUED),
                [EVENT_DELIVERY] = STOP(REFERRAL_UNKNOWN),
                [EVENT_REJECTION] = STOP(REFERRAL_UNKNOWN),
                [EVENT_SIGN_FOR] = STOP(REFERRAL_UNKNOWN),
                [EVENT_FEEDBACK_FINAL] = STOP(REFERRAL_UNKNOWN),
                [EVENT_FEEDBACK_PROCEDURE] = STOP(REFERRAL_UNKNOWN),
                [EVENT_INFORMED] = STOP(REFERRAL_UNKNOWN),
                [EVENT_PAPERS_SENT] = STOP(REFERRAL_UNKNOWN),
                [EVENT_PAPERS_REPORTED] = STOP(REFERRAL_UNKNOWN),
                [EVENT_PAPERS_DELIVERY] = STOP(REFERRAL_UNKNOWN),
                [EVENT_PAPERS_REJECTION] = STOP(REFERRAL_UNKNOWN),
                [EVENT_WITHDRAWAL] = STOP(REFERRAL_UNKNOWN),
                [EVENT_ASSISTANCE] = STOP(REFERRAL_UNKNOWN),
                [EVENT_ESCALATION_REPLY] = STOP(REFERRAL_UNKNOWN),
                [EVENT_CORRECTION] = STOP(REFERRAL_UNKNOWN),
                [EVENT_OTHER_DELIVERY] = STOP(REFERRAL_UNKNOWN),
                [EVENT_OTHER_REJECTION] = STOP(REFERRAL_UNKNOWN),
            },
        [REFERRAL_QUEUED] =
            {
                [EVENT_SUBMIT] = STOP(REFERRAL_EXISTS),
                [EVENT_DELIVERY] = GO(DELIVERED),
                [EVENT_REJECTION] = GO(RETURNED),
                [EVENT_SIGN_FOR] = STOP(STATE),
                [EVENT_FEEDBACK_FINAL] = STOP(STATE),
                [EVENT_FEEDBACK_PROCEDURE] = STOP(STATE),
                [EVENT_INFORMED] = STOP(TASK_UNKNOWN),
                [EVENT_PAPERS_SENT] = STOP(STATE),
                [EVENT_PAPERS_REPORTED] = STOP(STATE),
                [EVENT_PAPERS_DELIVERY] = STOP(DELIVERY),
                [EVENT_PAPERS_REJECTION] = STOP(DELIVERY),
                [EVENT_WITHDRAWAL] = GO(WITHDRAWN),
                [EVENT_ASSISTANCE] = STOP(STATE),
                [EVENT_ESCALATION_REPLY] = GO(QUEUED),
                [EVENT_CORRECTION] = GO(QUEUED),
                [EVENT_OTHER_DELIVERY] = GO(QUEUED),
                [EVENT_OTHER_REJECTION] = GO(QUEUED),
            },
        [REFERRAL_DELIVERED] =
            {
                [EVENT_SUBMIT] = STOP(REFERRAL_EXISTS),
                [EVENT_DELIVERY] = STOP(ALREADY),
                [EVENT_REJECTION] = STOP(ALREADY),
                [EVENT_SIGN_FOR] = GO(DELIVERED),
                [EVENT_FEEDBACK_FINAL] = GO(ANSWERED),
                [EVENT_FEEDBACK_PROCEDURE] = GO(PROCEDURE),
                [EVENT_INFORMED] = GO(DELIVERED),
                [EVENT_PAPERS_SENT] = STOP(STATE),
                [EVENT_PAPERS_REPORTED] = STOP(STATE),
                [EVENT_PAPERS_DELIVERY] = STOP(ALREADY),
                [EVENT_PAPERS_REJECTION] = STOP(ALREADY),
                [EVENT_WITHDRAWAL] = GO(WITHDRAWN),
                [EVENT_ASSISTANCE] = STOP(STATE),
                [EVENT_ESCALATION_REPLY] = GO(DELIVERED),
                [EVENT_CORRECTION] = GO(DELIVERED),
                [EVENT_OTHER_DELIVERY] = GO(DELIVERED),
                [EVENT_OTHER_REJECTION] = GO(DELIVERED),
            },
        [REFERRAL_PROCEDURE] =
            {
                [EVENT_SUBMIT] = STOP(REFERRAL_EXISTS),
                [EVENT_DELIVERY] = STOP(ALREADY),
                [EVENT_REJECTION] = STOP(ALREADY),
                [EVENT_SIGN_FOR] = STOP(ALREADY),
                [EVENT_FEEDBACK_FINAL] = STOP(STATE),
                [EVENT_FEEDBACK_PROCEDURE] = STOP(ALREADY),
                [EVENT_INFORMED] = GO(PROCEDURE),
                [EVENT_PAPERS_SENT] = GO(PROCEDURE),
                [EVENT_PAPERS_REPORTED] = GO(DELIVERED),
                [EVENT_PAPERS_DELIVERY] = GO(DELIVERED),
                [EVENT_PAPERS_REJECTION] = GO(PROCEDURE),
                [EVENT_WITHDRAWAL] = GO(WITHDRAWN),
                [EVENT_ASSISTANCE] = STOP(STATE),
                [EVENT_ESCALATION_REPLY] = GO(PROCEDURE),
                [EVENT_CORRECTION] = GO(PROCEDURE),
                [EVENT_OTHER_DELIVERY] = GO(PROCEDURE),
                [EVENT_OTHER_REJECTION] = GO(PROCEDURE),
            },
        [REFERRAL_ANSWERED] =
            {
                [EVENT_SUBMIT] = STOP(REFERRAL_EXISTS),
                [EVENT_DELIVERY] = STOP(ALREADY),
                [EVENT_REJECTION] = STOP(ALREADY),
                [EVENT_SIGN_FOR] = STOP(ALREADY),
                [EVENT_FEEDBACK_FINAL] = STOP(ALREADY),
                [EVENT_FEEDBACK_PROCEDURE] = STOP(ALREADY),
                [EVENT_INFORMED] = GO(ANSWERED),
                [EVENT_PAPERS_SENT] = STOP(STATE),
                [EVENT_PAPERS_REPORTED] = STOP(STATE),
                [EVENT_PAPERS_DELIVERY] = STOP(ALREADY),
                [EVENT_PAPERS_REJECTION] = STOP(ALREADY),
                [EVENT_WITHDRAWAL] = STOP(STATE),
                [EVENT_ASSISTANCE] = GO(ANSWERED),
                [EVENT_ESCALATION_REPLY] = GO(ANSWERED),
                [EVENT_CORRECTION] = GO(ANSWERED),
                [EVENT_OTHER_DELIVERY] = GO(ANSWERED),
                [EVENT_OTHER_REJECTION] = GO(ANSWERED),
            },
        [REFERRAL_WITHDRAWN] =
            {
                [EVENT_SUBMIT] = STOP(REFERRAL_EXISTS),
                /* what was on its way still arrives; no window opens */
                [EVENT_DELIVERY] = GO(WITHDRAWN),
                [EVENT_REJECTION] = GO(WITHDRAWN),
                [EVENT_SIGN_FOR] = STOP(STATE),
                [EVENT_FEEDBACK_FINAL] = STOP(STATE),
                [EVENT_FEEDBACK_PROCEDURE] = STOP(STATE),
                [EVENT_INFORMED] = STOP(TASK_UNKNOWN),
                [EVENT_PAPERS_SENT] = STOP(STATE),
                [EVENT_PAPERS_REPORTED] = STOP(STATE),
                [EVENT_PAPERS_DELIVERY] = GO(WITHDRAWN),
                [EVENT_PAPERS_REJECTION] = GO(WITHDRAWN),
                [EVENT_WITHDRAWAL] = STOP(ALREADY),
                [EVENT_ASSISTANCE] = STOP(STATE),
                [EVENT_ESCALATION_REPLY] = GO(WITHDRAWN),
                [EVENT_CORRECTION] = STOP(STATE),
                [EVENT_OTHER_DELIVERY] = GO(WITHDRAWN),
                [EVENT_OTHER_REJECTION] = GO(WITHDRAWN),
            },
        [REFERRAL_RETURNED] =
            {
                [EVENT_SUBMIT] = STOP(REFERRAL_EXISTS),
                [EVENT_DELIVERY] = STOP(ALREADY),
                [EVENT_REJECTION] = STOP(ALREADY),
                [EVENT_SIGN_FOR] = STOP(STATE),
                [EVENT_FEEDBACK_FINAL] = STOP(STATE),
                [EVENT_FEEDBACK_PROCEDURE] = STOP(STATE),
                [EVENT_INFORMED] = STOP(TASK_UNKNOWN),
                [EVENT_PAPERS_SENT] = STOP(STATE),
                [EVENT_PAPERS_REPORTED] = STOP(STATE),
                [EVENT_PAPERS_DELIVERY] = STOP(DELIVERY),
                [EVENT_PAPERS_REJECTION] = STOP(DELIVERY),
                [EVENT_WITHDRAWAL] = STOP(STATE),
                [EVENT_ASSISTANCE] = STOP(STATE),
                [EVENT_ESCALATION_REPLY] = GO(RETURNED),
                [EVENT_CORRECTION] = STOP(STATE),
                [EVENT_OTHER_DELIVERY] = GO(RETURNED),
                [EVENT_OTHER_REJECTION] = GO(RETURNED),
            },
};

static const char *const state_names[REFERRAL_STATE_COUNT] = {
    "submitted", "queued", "delivered", "procedure", "answered", "withdrawn", "returned",
};

static const char *const event_names[REFERRAL_EVENT_COUNT] = {
    "submit",          "delivery",           "rejection",        "sign-for",
    "feedback-final",  "feedback-procedure", "informed",         "papers-sent",
    "papers-reported", "papers-delivery",    "papers-rejection", "withdrawal",
    "assistance",      "escalation-reply",   "correction",       "other-delivery",
    "other-rejection",
};

struct transition referral_transition(enum referral_state state, enum referral_event event)
{
    assert(state < REFERRAL_STATE_COUNT);
    assert(event < REFERRAL_EVENT_COUNT);
    struct transition transition = transitions[state][event];
    if (!transition.legal) {
        assert(transition.refusal != REFUSAL_NONE);
        transition.to = state;
    }
    return transition;
}

const char *referral_state_name(enum referral_state state)
{
    return state < REFERRAL_STATE_COUNT ? state_names[state] : "unknown";
}

const char *referral_event_name(enum referral_event event)
{
    return event < REFERRAL_EVENT_COUNT ? event_names[event] : "unknown";
}

/* ---- clocks ---- */

bool referral_clock_open(const struct referral *referral, enum referral_clock clock)
{
    assert(clock < REFERRAL_CLOCK_COUNT);
    return referral->clocks[clock].number != 0 && referral->clocks[clock].stopped_ms == 0;
}

void referral_window_begin(struct referral *referral, uint32_t number)
{
    referral->window_number = number;
    referral->late = false;
    referral->lateness_days = 0;
    referral->claimed_ms = 0;
}

uint16_t referral_responsible(const struct referral *referral, enum referral_clock clock)
{
    if (clock == REFERRAL_CLOCK_TELL) {
        return referral->tell_holder;
    }
    return clock == REFERRAL_CLOCK_PAPERS ? referral->papers_holder : referral->receiver;
}

uint16_t referral_waiting(const struct referral *referral, enum referral_clock clock)
{
    uint16_t responsible = referral_responsible(referral, clock);
    return responsible == referral->sender ? referral->receiver : referral->sender;
}

enum clock_kind referral_clock_kind(const struct referral *referral, enum referral_clock clock)
{
    static const enum clock_kind kinds[REFERRAL_CLOCK_COUNT] = {
        [REFERRAL_CLOCK_FEEDBACK] = CLOCK_FEEDBACK_OUTBOUND,
        [REFERRAL_CLOCK_TELL] = CLOCK_TELL_APPLICANT,
        [REFERRAL_CLOCK_PAPERS] = CLOCK_PAPERS,
        [REFERRAL_CLOCK_UNDELIVERED] = CLOCK_UNDELIVERED,
        [REFERRAL_CLOCK_URGENT] = CLOCK_URGENT,
        [REFERRAL_CLOCK_UNSIGNED] = CLOCK_UNSIGNED,
    };
    assert(clock < REFERRAL_CLOCK_COUNT);
    if (clock == REFERRAL_CLOCK_FEEDBACK && referral->kind == MESSAGE_INBOUND_REFERRAL) {
        return CLOCK_FEEDBACK_INBOUND;
    }
    return kinds[clock];
}

bool referral_next_rung(const struct referral *referral, const struct ladder *ladder,
                        const struct calendar *calendar, struct referral_rung *ret_next)
{
    bool found = false;
    for (enum referral_clock clock = REFERRAL_CLOCK_FEEDBACK; clock < REFERRAL_CLOCK_COUNT;
         clock++) {
        struct referral_rung next = {.clock = clock};
        if (!referral_clock_open(referral, clock) ||
            !rung_next(ladder, calendar, &referral->clocks[clock], &next.rung, &next.due_ms)) {
            continue;
        }
        if (!found || next.due_ms < ret_next->due_ms) {
            *ret_next = next;
            found = true;
        }
    }
    return found;
}
