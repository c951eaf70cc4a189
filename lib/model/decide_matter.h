/* What a message, the time, or a new calendar does to a matter (domain sections 3, 5, 10): the same
 * pure form as model/decide.h, with the same context, effects and decision.
 *
 * kind                 who -> whom                refused when                     effect
 * information-request  party -> other party       not a party; final answer given  duty at its
 * delivery, 5 days information-reply    asked -> owner             no open duty of it closes the
 * duty and the matter archive              P -> parties               open windows or tasks,
 * archived  first follow-up: 60 or 120 days re-open              P -> members               not
 * archived                     cancels the duties follow-up-plan       P -> members not archived;
 * dates not rising   replaces the open follow-ups follow-up-report     P -> members no such open
 * duty                closes it; the next, or the end consultation         any -> any - a matter
 * without duties case-conference      any -> any                 promise of a stranger, past date
 * one duty a promise promise-report       holder -> owner            no such open duty of its own
 * closes it meeting-notice       office -> all              not the office attendance duties where
 * asked meeting-, hearing-reply  invited -> owner       not invited                      answers,
 * closes the duty hearing-invitation   P -> agencies              not P attendance duties where
 * asked hearing-opinion      P -> invited               not P                            one duty a
 * promise roster-change        any -> office              another's roster                 - roster
 * office -> all              not the office; edition not next - fund-plan            P -> agencies
 * sum of payments not the amount   one duty a payment fund-payment         P -> members no such
 * open duty                closes it; balance letter               sponsor -> P               not
 * an associate                 one duty of the sponsor letter-answer        sponsor -> P no open
 * duty                     closes it
 *
 * Dates given by people are clocks with N = working days to that date (CLOCK_DATED). Any thread. */
#ifndef REFERRAL_MODEL_DECIDE_MATTER_H
#define REFERRAL_MODEL_DECIDE_MATTER_H

#include "model/decide.h"

/* `before` NULL: no such matter. Runs message_check first (without the body). For the message kinds
 * of matters, and for DELIVERY and REJECTION of one. */
void decide_matter_message(const struct decide_context *ctx, const struct matter *before,
                           const struct message *message, struct decision *ret_decision);
void decide_matter_due(const struct decide_context *ctx, const struct matter *before,
                       struct decision *ret_decision);
void decide_matter_redate(const struct decide_context *ctx, const struct matter *before,
                          struct decision *ret_decision);
/* An agent's copy follows a notice of the broker about a duty. */
void decide_matter_follow(const struct decide_context *ctx, const struct matter *before,
                          const struct message *notice, struct matter *ret_after);

#endif
