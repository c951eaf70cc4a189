/* What a message, the time, or a new calendar does to a matter (domain sections 3, 5, 10): the same
 * pure form as model/decide.h, with the same context, effects and decision.
 *
 * kind                 from -> to             refused when              effect
 * information-request  party -> other party   not a party; final        undelivered, then at its
 *                                             answer given              delivery 5 days
 * information-reply    asked -> owner         not delivered             duty done; closed
 * archive              P -> parties           clocks open; archived     first visit: 60, 120 days
 * re-open              P -> members           not archived              cancelled, visits too
 * follow-up-plan       P -> members           not archived; past date   replaces the open visits
 * follow-up-report     P -> members           no such open visit        done; the next, or closed
 * consultation         any -> any             -                         no duties, never closed
 * case-conference      any -> any             a stranger promises       a duty for each promise
 * promise-report       holder -> owner        no such open promise      done; all done: closed
 * meeting-notice       office -> any          not the office            attendance where asked
 * meeting-reply        invited -> owner       not invited               answer; duty done
 * hearing-invitation   P -> any               not P                     attendance where asked
 * hearing-reply        invited -> owner       not invited               answer; duty done
 * hearing-opinion      owner -> members       a stranger promises       attendance ends; promises
 * roster-change        any -> office          not to the office         told; closed at once
 * roster               office -> any          edition not the next      told; closed at once
 * fund-plan            P -> any               past date                 a duty for each payment
 * fund-payment         owner -> members       no such open payment;     done; balance; all done:
 *                                             balance wrong             closed
 * letter               sponsor -> P, office   past date                 a duty of the sponsor
 * letter-answer        sponsor -> member      no open letter            done; closed
 * escalation-reply     asked -> who waits,    no such open document,    the document has its reply
 *                      office                 replied already
 * delivery, rejection  addressee -> author    not what is queued        delivered; sent back
 *
 * Dates given by people are clocks with N = working days to that date (CLOCK_DATED). Any thread. */
#ifndef REFERRAL_MODEL_DECIDE_MATTER_H
#define REFERRAL_MODEL_DECIDE_MATTER_H

#include "model/decide.h"

/* `before` NULL: no such matter. Runs message_check first (without the body). For the message kinds
 * of matters, and for DELIVERY, REJECTION and ESCALATION_REPLY of one. */
void decide_matter_message(const struct decide_context *ctx, const struct matter *before,
                           const struct message *message, struct decision *ret_decision);
void decide_matter_due(const struct decide_context *ctx, const struct matter *before,
                       struct decision *ret_decision);
void decide_matter_redate(const struct decide_context *ctx, const struct matter *before,
                          struct decision *ret_decision);
/* The referral that it is about was withdrawn: a request for information has no cause any more;
 * other matters go on. */
void decide_matter_withdrawn(const struct decide_context *ctx, const struct matter *before,
                             struct decision *ret_decision);
/* An agent's copy follows a notice of the broker about a duty. */
void decide_matter_follow(const struct decide_context *ctx, const struct matter *before,
                          const struct message *notice, struct matter *ret_after);
/* As decide_recount. */
void decide_matter_recount(const struct decide_context *ctx, struct matter *matter);

#endif
