/* How: whether a referral concerns a minor is judged where its lane is (model/lanes); this file
 * says what follows from it. Facts first, which the broker sees, then the body, which only agencies
 * do. */
#include "check_parts.h"
#include "model/lanes.h"

static bool by_ground(const struct referral_facts *facts)
{
    return facts->ground >= GROUND_ART18_FIRST && facts->ground <= GROUND_ART18_LAST;
}

bool check_minor_facts(struct check *check)
{
    const struct referral_facts *facts = &check->message->referral;
    uint32_t beside = 1u << MINOR_EX_OFFICIO | 1u << MINOR_OVER_LIMIT;
    if ((facts->minor_marks & beside) != 0 && (facts->minor_marks & 1u << MINOR_CONCERNED) == 0) {
        return check_refuse(check, REFUSAL_MINOR,
                            "facts.minor_marks: ex-officio and over-limit are said of a minor "
                            "only: expected \"minor\" too (Art. 19, 20)");
    }
    if (check->ctx->policy->minor_need && by_ground(facts) && facts->needs == 0) {
        return check_refuse(check, REFUSAL_MINOR,
                            "facts.needs: expected at least one for a ground of Art. 18");
    }
    return true;
}

/* Who guards the minor must be known to whoever helps; a guardian in conflict with it is not
 * named as one: then nobody of the home may be told, and the receiver asks the sender. */
static bool guarded(const struct body_person *person)
{
    return check_text_filled(person->guardian) || person->may_be_told == MAY_BE_TOLD_NO;
}

bool check_minor_body(struct check *check, const struct body *body)
{
    bool found = false;
    if (!check->ctx->policy->minor_guardian || !lane_is_minor(&check->message->referral)) {
        return true;
    }
    for (size_t i = 0; i < body->person_count; i++) {
        if (!body->persons[i].minor) {
            continue;
        }
        found = true;
        if (!guarded(&body->persons[i])) {
            return check_reject(check, REJECTION_MISSING, REFUSAL_MINOR,
                                "body.persons[%zu].guardian: expected who guards the minor, or "
                                "may_be_told \"no\" (Art. 17)",
                                i);
        }
    }
    return found || check_reject(check, REJECTION_MISSING, REFUSAL_MINOR,
                                 "body.persons: expected the minor, with \"minor\" true (Art. 17)");
}
