/* Why something was refused: the rule that decided, the article it comes from, and what would be
 * accepted, for `why` of the status socket, the agents' pages and docs/refusals.md.
 *
 * One code may stand for several rules: which it was follows from the kind of the message and from
 * the field that the refusal names. A rule that the source does not have is ours: its id begins
 * with "d." and its article is "(d)". Pure; any thread; all texts are static. */
#ifndef REFERRAL_MODEL_WHY_H
#define REFERRAL_MODEL_WHY_H

#include "model/message.h"
#include "model/policy.h"
#include "model/refusal.h"

struct why {
    const char *rule;        /* "art-8.advance-reason", "d.hop-limit"; stable */
    const char *article;     /* "Art. 8"; "(d)" */
    const char *accepted;    /* what would be, in English */
    const char *accepted_zh; /* and in Chinese */
};

/* What was refused, as the leaf or the answer says it. */
struct why_refused {
    enum refusal refusal;
    enum message_kind kind; /* MESSAGE_NONE: it could not be read */
    const char *detail;     /* begins with the path of the field; "" */
};

/* The rule of a refusal of a message (40 and above); of the others the wire's own. Never NULL. */
const struct why *why_refusal(const struct why_refused *refused);

/* The row of `may-send` that forbids this kind between the two: its line in the policy file; 0: no
 * row fits, which forbids it too. */
uint32_t why_policy_line(const struct policy *policy, enum message_kind kind,
                         const struct agency *from, const struct agency *to);

/* All rules that a refusal can name, for the pages and tests; a rule may come more than once. */
size_t why_count(void);
const struct why *why_at(size_t index);
/* What that rule is of: kind MESSAGE_NONE and detail "" where it is any. */
struct why_refused why_refused_at(size_t index);

#endif
