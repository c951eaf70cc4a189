/* What the files of message_check share: the judgement under way, the ways to refuse, and the form
 * of a kind's rule. Private to lib/model/check*.c. Pure; any thread. */
#ifndef REFERRAL_MODEL_CHECK_PARTS_H
#define REFERRAL_MODEL_CHECK_PARTS_H

#include "model/check.h"
#include "model/vocabulary.h"

#define AMOUNT_MAX_FEN UINT64_C(10000000000000) /* 100 thousand million yuan: a typing error */

struct check {
    const struct check_context *ctx;
    const struct message *message;
    const struct agency *sender;
    const struct agency *recipient;
    struct check_result *result;
};

/* One row per kind. */
struct kind_rule {
    bool (*facts)(struct check *check);
    uint32_t body_fields; /* mandatory ones; feedback: those of its outcome as well */
    bool body;            /* has this kind a body at all? */
    bool several;         /* may it go to several agencies at once (facts.copies)? */
};

/* Always false, so that a rule can end with it. */
bool check_refuse(struct check *check, enum refusal refusal, const char *fmt, ...) FORMAT(3, 4);
/* The same for a body, with the word of VOCABULARY_REJECTION that its receiver answers. */
bool check_reject(struct check *check, uint32_t rejection, enum refusal refusal, const char *fmt,
                  ...) FORMAT(4, 5);
bool check_word(struct check *check, enum vocabulary which, uint32_t value, const char *path);
bool check_set(struct check *check, enum vocabulary which, uint64_t bits, const char *path);
bool check_date(struct check *check, uint32_t yyyymmdd, const char *path); /* a day, not 0 */
bool check_text_filled(const char *text);

/* The addressees: recipient and copies, each once, none an associate, each allowed by the policy.
 */
bool check_addressees(struct check *check, bool several);
/* NULL: not a kind beside a referral's own life. */
const struct kind_rule *check_matter_rule(enum message_kind kind);
/* What a roster's rows must say beside a person's own fields. */
bool check_roster_body(struct check *check, const struct body *body);

/* Art. 17-20: what a referral that concerns a minor must say. */
bool check_minor_facts(struct check *check);
bool check_minor_body(struct check *check, const struct body *body);

/* The files that go with a message beside its facts; a referral's are its materials. */
bool check_attached(struct check *check);
/* What opens the files that are there: to its readers, and to nobody else. */
bool check_attachments(struct check *check, const struct body *body);

#endif
