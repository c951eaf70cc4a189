/* How: what the broker itself says about a dead letter that its receiver rejected before: nothing
 * changes but that its author is told. (One that is still queued is returned as by a rejection.) */
#include <stdio.h>

#include "model/decide_matter_parts.h"
#include "model/vocabulary.h"

static void tell(struct deciding *deciding, const struct effect *base,
                 const struct decide_letter *letter)
{
    const struct word *word = vocabulary_find(VOCABULARY_REJECTION, letter->reason);
    struct effect *effect = deciding_notify(deciding, base, MESSAGE_RETURNED, letter->author,
                                            ROLE_LIAISON | ROLE_SENDER);
    (void)snprintf(effect->reason, sizeof(effect->reason), "%s",
                   word == NULL ? "unreadable" : word->id);
}

void decide_letter(const struct decide_context *ctx, const struct referral *before,
                   const struct decide_letter *letter, struct decision *ret_decision)
{
    struct deciding deciding;
    deciding_begin(&deciding, ctx, before, ret_decision);
    struct effect base = deciding_clock(&deciding, EFFECT_NOTICE, REFERRAL_CLOCK_FEEDBACK);
    tell(&deciding, &base, letter);
    deciding_end(&deciding);
}

void decide_matter_letter(const struct decide_context *ctx, const struct matter *before,
                          const struct decide_letter *letter, struct decision *ret_decision)
{
    struct deciding deciding;
    matter_begin(&deciding, ctx, before, ret_decision);
    struct effect base = matter_effect(&deciding, EFFECT_NOTICE);
    tell(&deciding, &base, letter);
    matter_end(&deciding);
}
