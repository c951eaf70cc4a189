/* The rules that a message must satisfy by itself: mandatory facts, ranges, who may send it, and,
 * after opening or before sealing, its body (domain section 3; Art. 4, 7, 8, 9, 10, 11, 18).
 *
 * The sender's agent runs it with the body before it signs, the broker without, the receiver's
 * agent with the body after opening: one set of rules. What depends on the referral's state is
 * decided in model/decide. Pure; any thread. Details are field paths, never contents. */
#ifndef REFERRAL_MODEL_CHECK_H
#define REFERRAL_MODEL_CHECK_H

#include "model/message.h"
#include "model/policy.h"
#include "model/refusal.h"

#define CHECK_DETAIL_BYTES 160

struct check_context {
    const struct policy *policy;     /* borrowed */
    const struct registry *registry; /* borrowed */
};

struct check_result {
    enum refusal refusal;            /* REFUSAL_NONE: taken */
    char detail[CHECK_DETAIL_BYTES]; /* path of the field, and what was expected */
    uint32_t rejection;     /* of VOCABULARY_REJECTION, when the body was at fault; else 0 */
    uint64_t needs_outside; /* warning only: needs outside the receiver's duties */
};

/* Judges a message that agencies send; `body` NULL when it is not open. REFUSAL_KIND for the
 * broker's own kinds. The first fault found is the answer. */
void message_check(const struct check_context *ctx, const struct message *message,
                   const struct body *body, struct check_result *ret_result);

/* The facts that a body's presence makes: bits of enum body_field. */
uint32_t body_fields_of(const struct body *body);

#endif
