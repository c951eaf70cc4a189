/* What the parts of the decision share: one decision while it is made. Private to model/decide*.c.
 * Pure; the thread that decides. */
#ifndef REFERRAL_MODEL_DECIDE_PRIVATE_H
#define REFERRAL_MODEL_DECIDE_PRIVATE_H

#include "model/decide.h"

struct deciding {
    const struct decide_context *ctx;
    const struct referral *before; /* NULL: none */
    const struct message *message; /* NULL: the time, or a new calendar */
    struct decision *decision;     /* `after` is what the steps change */
};

/* --- decide_effects.c --- */

/* A new effect of this kind, all else zero, in the referral's lane. */
struct effect *effect_add(struct deciding *deciding, enum effect_kind kind);
/* The message itself goes to this agency. */
void effect_queue(struct deciding *deciding, uint16_t agency);
/* An effect about a clock: who is responsible, and the window as it stands now. */
struct effect *effect_clock(struct deciding *deciding, enum effect_kind kind,
                            enum referral_clock clock);
/* The broker's own message about a clock to one agency. */
struct effect *effect_notice(struct deciding *deciding, enum message_kind kind, uint16_t agency,
                             enum referral_clock clock);
/* One message of this kind to everybody that the rung's targets name, each agency once. */
void effect_notify_rung(struct deciding *deciding, enum message_kind kind,
                        const struct effect *about);

/* Starts a clock now. */
void clock_start(struct deciding *deciding, enum referral_clock clock, uint32_t number);
/* Stops a clock if it runs, and resolves its open documents. False: it did not run. */
bool clock_stop(struct deciding *deciding, enum referral_clock clock);
/* Resolves the open documents of a clock whose rung is in the set. */
void documents_resolve(struct deciding *deciding, enum referral_clock clock, struct rung_set which);
/* Raises one rung: number, effect, notices. */
void rung_raise(struct deciding *deciding, enum referral_clock clock, enum rung rung,
                uint64_t fell_due_ms);
/* Opens feedback window k + 1 at now and tells the one who waits. */
void window_open_next(struct deciding *deciding, bool evidence);

/* --- decide_steps.c --- */

/* The event that a message is for this referral. */
enum referral_event step_event(const struct deciding *deciding);
/* May the signer do this? REFUSAL_NONE: yes. */
enum refusal step_party(const struct deciding *deciding, const char **ret_detail);
/* Does the step. The state is already the new one. A refusal undoes all. */
enum refusal step_take(struct deciding *deciding, enum referral_event event,
                       const char **ret_detail);

#endif
