/* What the files of model/decide share: a decision while it is made. Nobody else includes it.
 * Pure; any thread. */
#ifndef REFERRAL_MODEL_DECIDE_PARTS_H
#define REFERRAL_MODEL_DECIDE_PARTS_H

#include "model/decide.h"

struct deciding {
    const struct decide_context *ctx;
    const struct message *message; /* NULL: the time or a new calendar is what is decided */
    struct decision *decision;
    struct referral *after; /* the decision's */
};

/* Begins: the state before (NULL: none), no effects, no refusal. */
void deciding_begin(struct deciding *deciding, const struct decide_context *ctx,
                    const struct referral *before, struct decision *decision);
/* Ends: computes the next due instant. */
void deciding_end(struct deciding *deciding);
/* Refuses: the state is as before, no effects. Answers false. */
bool deciding_refuse(struct deciding *deciding, enum refusal refusal, const char *fmt, ...)
    FORMAT(3, 4);

/* Adds an effect about a clock, filled with the clock as it is now, and lends it. */
struct effect *deciding_effect(struct deciding *deciding, enum effect_kind kind,
                               enum referral_clock clock);
/* Adds a notice to one agency about a clock and lends it. */
struct effect *deciding_notice(struct deciding *deciding, enum message_kind notice, uint16_t agency,
                               uint32_t roles, enum referral_clock clock);
/* The message itself goes on to this agency. */
void deciding_queue(struct deciding *deciding, uint16_t agency);

/* Starts a clock with this number at now. */
void deciding_clock_open(struct deciding *deciding, enum referral_clock clock, uint32_t number);
/* Stops it, if it is running. Its documents are resolved by deciding_resolve_all. */
void deciding_clock_stop(struct deciding *deciding, enum referral_clock clock);
/* `resolved` for every open document of the clock, and they are open no longer. */
void deciding_resolve_all(struct deciding *deciding, enum referral_clock clock);
/* The same for the documents of these rungs only. */
void deciding_resolve(struct deciding *deciding, enum referral_clock clock, struct rung_set rungs);
/* Tells those whom the ladder names for a rung. `number` is its document's, or "". */
void deciding_tell(struct deciding *deciding, const struct effect *about, enum message_kind notice);

/* Opens the next feedback window at now, with its leaf and the notice to the agency that waits. */
void deciding_window_open(struct deciding *deciding, uint64_t agent_received_ms);

/* The handlers of decide_answers.c, one per kind of event. False: refused. */
bool decide_sign_for(struct deciding *deciding);
bool decide_feedback(struct deciding *deciding);
bool decide_informed(struct deciding *deciding);
bool decide_papers_sent(struct deciding *deciding);
bool decide_papers_reported(struct deciding *deciding);
bool decide_papers_delivery(struct deciding *deciding);
bool decide_papers_rejection(struct deciding *deciding);

/* The signer's rejection goes back to the one whose message it was. */
void deciding_returned(struct deciding *deciding, uint16_t agency);

#endif
