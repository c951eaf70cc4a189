/* The policy: what an administrator may change of the rules, read from config/policy.yaml.
 *
 * Who may send what to whom, how long each clock runs and its rungs, which materials are mandatory,
 * and the grace after an outage; what its rungs are called, whom it suggests for a need, and what
 * the source leaves open. The shipped file holds the domain's defaults; what it leaves out
 * of clocks and rungs keeps ladder_default(). Who may send has no default but "no". Built once
 * from text, then only read, on any thread. */
#ifndef REFERRAL_MODEL_POLICY_H
#define REFERRAL_MODEL_POLICY_H

#include "model/message.h"
#include "model/registry.h"
#include "model/window.h"

#define POLICY_NAME_BYTES 48u
#define POLICY_RULES_MAX  256u /* one per kind and pair of classes, and room for pairs of ids */

/* One row of `may-send`. The first row that fits decides; none: refused. */
struct policy_rule {
    enum message_kind kind;
    char from[LIMIT_AGENCY_ID_BYTES]; /* "P", "S", "A", or an agency's id */
    char to[LIMIT_AGENCY_ID_BYTES];
    bool allow;
    bool copy_office; /* the joint-meeting office is told of each */
    uint32_t line;    /* in the file: what `why` names */
};

struct policy_material {
    uint32_t kind; /* of VOCABULARY_MATERIAL */
    bool mandatory;
};

#define POLICY_MATERIALS_MAX 32u
#define POLICY_NEEDS         64u /* bits of a set */
#define POLICY_SUGGEST_MAX   16u

/* Whom the city suggests for a need, best first, in place of all whose duty it is. */
struct policy_suggestion {
    uint16_t agencies[POLICY_SUGGEST_MAX];
    uint32_t count;
};

/* What a rung is called in this city: 提醒, 预警, 黄牌, 红牌. */
struct policy_name {
    char zh[POLICY_NAME_BYTES];
    char en[POLICY_NAME_BYTES];
};

struct policy {
    struct policy_rule rules[POLICY_RULES_MAX];
    size_t rule_count;
    struct ladder ladder; /* N of every clock, offset and targets of every rung */
    struct policy_material outbound[POLICY_MATERIALS_MAX]; /* the checklist of Art. 7 */
    size_t outbound_count;
    struct policy_material inbound[POLICY_MATERIALS_MAX];
    size_t inbound_count;
    struct policy_name names[RUNG_COUNT];
    uint32_t hop_limit;               /* re-referrals on one trail; 3 */
    uint32_t case_limit;              /* referrals and matters of one case; 256 */
    uint32_t follow_up_days;          /* calendar days to the first visit (Art. 16); 120 */
    uint32_t follow_up_minor_days;    /* where a minor is concerned; 60 */
    uint32_t follow_up_reports;       /* reports before the visits may end; 1 */
    uint32_t follow_up_minor_reports; /* where a minor is concerned; 2 */
    uint32_t retention_years;         /* shown only: nothing is deleted by it; 30 */
    bool attachments_required;        /* a material that is there was uploaded, sealed */
    bool minor_guardian;              /* a minor's body says who guards it (Art. 17) */
    bool minor_need;                  /* a ground of Art. 18 comes with a need (Art. 19) */
    struct policy_suggestion suggestions[POLICY_NEEDS]; /* by need; count 0: by the registry */
    uint64_t claimed_grace_ms; /* domain section 4: feedback this soon after an outage, and how */
                               /* long rungs wait after a start; 10 minutes */
    uint64_t clock_jump_ms;    /* domain section 5: departure that is a jump; 5 minutes */
    uint64_t clock_confirm_agencies; /* domain section 5: agencies that confirm; 3 */
    uint64_t witness_quorum;         /* agencies that make a checkpoint confirmed; 7 */
    struct digest digest;            /* SHA-256 of the text */
};

/* Reads a policy; ids in `may-send` must be in the registry. Faults have file:line:column. */
enum err policy_read(const char *name, struct span text, const struct registry *registry,
                     struct policy **ret_policy, struct fault *fault) MUST_CHECK;
void policy_free(struct policy *policy); /* NULL allowed */

/* By what rungs are counted: HASH(its digest || the calendar's digest). */
struct digest policy_rules(const struct policy *policy, const struct calendar *calendar);

/* The row that decides; NULL when none fits, which is a refusal. */
const struct policy_rule *policy_find(const struct policy *policy, enum message_kind kind,
                                      const struct agency *from, const struct agency *to);
bool policy_may_send(const struct policy *policy, enum message_kind kind, const struct agency *from,
                     const struct agency *to);
/* The checklist of a referral kind. */
const struct policy_material *policy_materials(const struct policy *policy, enum message_kind kind,
                                               size_t *ret_count);

struct policy_suggested {
    uint16_t agency;
    uint64_t needs; /* which of those asked for it would take */
};
/* The agencies that take these needs on that civil day: the file's, else those of whose duties they
 * are; whoever has left is replaced by its successor. Those with the most needs come first, then
 * in the registry's order. Writes at most LIMIT_AGENCIES and answers how many. */
size_t policy_suggest(const struct policy *policy, const struct registry *registry, uint64_t needs,
                      int32_t today, struct policy_suggested ret_list[LIMIT_AGENCIES]);

struct policy_asking { /* a referral to several agencies at once */
    uint64_t needs;
    struct agency_set recipients;
    int32_t today;
};
/* What one of them is asked for: of the needs those that it takes, and those that none of them
 * takes. It that takes none, and to which none is left, was chosen by hand: it is asked for all. */
uint64_t policy_needs_for(const struct policy *policy, const struct registry *registry,
                          const struct policy_asking *asking, uint16_t agency);

#endif
