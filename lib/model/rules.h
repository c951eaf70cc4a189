/* The rules that let something happen: what was taken, which clock it opened or stopped, which rung
 * was raised; each with its stable id, its article and one line. The rules that refuse are those of
 * model/why; ids of the two differ. docs/agreement.md says where each is, scenarios assert each by
 * what the log says (`expect rule`), and tests/traceability compares the three.
 *
 * An id that begins with "d." is ours where the source is silent; its article is "(d)", or that
 * which it serves. Pure; any thread; all texts are static. */
#ifndef REFERRAL_MODEL_RULES_H
#define REFERRAL_MODEL_RULES_H

#include "model/matter.h"

enum rule_deed {
    DEED_TAKEN,     /* a message was accepted */
    DEED_STATED,    /* what the facts of a referral and of its answers say */
    DEED_OPENED,    /* a window, a task or a duty began to run */
    DEED_STOPPED,   /* a window was answered */
    DEED_DONE,      /* a task or a duty was done, or replaced */
    DEED_CANCELLED, /* a clock ended without being done */
    DEED_REDATED,   /* by a calendar */
    DEED_RAISED,    /* a rung */
    DEED_RESOLVED   /* a document's cause is gone */
};

/* What the facts state, as a set. */
enum rule_statement {
    STATES_GROUND_4 = 1u << 0,
    STATES_GROUND_18 = 1u << 1,
    STATES_REFUSED = 1u << 2,     /* referred after a judicial refusal */
    STATES_GROUP_3 = 1u << 3,     /* a priority group of Art. 3 */
    STATES_GROUP_18 = 1u << 4,    /* of the end of Art. 18 */
    STATES_ADVANCE = 1u << 5,     /* Art. 8 */
    STATES_MINOR = 1u << 6,       /* Art. 17 */
    STATES_EX_OFFICIO = 1u << 7,  /* Art. 19 */
    STATES_OVER_LIMIT = 1u << 8,  /* Art. 20 */
    STATES_NEEDS = 1u << 9,       /* Art. 6, 18, 19 */
    STATES_MEASURES = 1u << 10,   /* Art. 5: of the answer */
    STATES_HELP = 1u << 11,       /* reported as approved, paid or delivered */
    STATES_NO_PUBLIC = 1u << 12,  /* no publicity */
    STATES_CHANNEL = 1u << 13,    /* by which channel the lead came */
    STATES_HOUSEHOLD = 1u << 14,  /* several persons */
    STATES_SENT_ON = 1u << 15,    /* declined as another's duty, and referred again */
    STATES_OF_VISIT = 1u << 16,   /* it follows a visit */
    STATES_BOTH_WAYS = 1u << 17,  /* it is linked with one of the other direction */
    STATES_SUPPLEMENT = 1u << 18, /* for what another agency needs first */
    STATES_AGAIN = 1u << 19,      /* a procedure was required more than once */
};

struct rule {
    const char *id;      /* "art-9.window-20", "d.remind"; stable */
    const char *article; /* "Art. 9"; "(d)" */
    const char *text;
};

/* One thing that happened. What a deed does not know is left 0; the lane is LANE_COUNT then. */
struct rule_act {
    enum rule_deed deed;
    enum message_kind message;  /* TAKEN */
    uint32_t lane;              /* TAKEN: in which it was queued */
    uint32_t statements;        /* STATED: of enum rule_statement */
    enum message_kind referral; /* clocks: the kind of their referral; MESSAGE_NONE: of a matter */
    uint32_t task;              /* clocks: enum referral_task or duty_kind */
    uint32_t number;            /* clocks: of the window, or of the duty in its matter */
    bool late;                  /* STOPPED */
    bool minor;                 /* OPENED: of a matter */
    enum rung rung;             /* RAISED */
};

size_t rule_count(void);
const struct rule *rule_at(size_t index);
/* Is the rule one of those that this act applied? */
bool rule_applies(size_t index, const struct rule_act *act);
/* The first rule that this act applied: of a clock that began, the one that `why` names. NULL: none
 * (clocks of delivery, sign-for and danger, which have no day N). */
const struct rule *rule_of(const struct rule_act *act);
/* The set of enum rule_statement. */
uint32_t rule_statements(const struct referral *referral);

#endif
