/* The words of the agreement: every enumerated fact with its number, its stable text id and its
 * Chinese and English label, as const tables.
 *
 * One place for the JSON forms, the documents, the pages and the checks. Numbers are the wire's and
 * are never reused; docs/messages.md lists them all and a test compares the two. A set is a bit
 * set on the wire: the number of a word is then its bit, 0 ... 63. Pure; any thread. */
#ifndef REFERRAL_MODEL_VOCABULARY_H
#define REFERRAL_MODEL_VOCABULARY_H

#include "base/bytes.h"

enum vocabulary {
    VOCABULARY_GROUND,            /* Art. 4 (1)-(7), Art. 18 (1)-(8), refused */
    VOCABULARY_PRIORITY_GROUP,    /* set: Art. 3, Art. 18 last paragraph */
    VOCABULARY_NEED,              /* set: what the household needs; agencies' duties */
    VOCABULARY_MEASURE,           /* set in a referral, single in a feedback: Art. 5, 18, 19 */
    VOCABULARY_MATERIAL,          /* Art. 7 and what practice adds */
    VOCABULARY_MISSING_REASON,    /* why a material is not there */
    VOCABULARY_SHAPE,             /* what a measure is */
    VOCABULARY_UNIT,              /* how often it comes */
    VOCABULARY_RELATION,          /* Art. 10: who the applicant is; a person's place in the home */
    VOCABULARY_MINOR_MARK,        /* set: Art. 17-20 */
    VOCABULARY_LEAD_CHANNEL,      /* where the lead came from */
    VOCABULARY_TOLD,              /* inbound: was the applicant told, Art. 10 */
    VOCABULARY_OUTCOME,           /* enum feedback_outcome */
    VOCABULARY_TELL_BY,           /* enum tell_by */
    VOCABULARY_TASK,              /* enum referral_task */
    VOCABULARY_HOW_TOLD,          /* how the applicant was informed */
    VOCABULARY_DOCUMENT,          /* papers that a procedure wants */
    VOCABULARY_WITHDRAWAL,        /* why a referral is withdrawn */
    VOCABULARY_REJECTION,         /* what was wrong with a body */
    VOCABULARY_MAY_BE_TOLD,       /* per person in the body */
    VOCABULARY_ROLE,              /* set of values: enum notice_role */
    VOCABULARY_TRACE,             /* enum trace_kind */
    VOCABULARY_INFORMATION,       /* set: what is asked for in an information request */
    VOCABULARY_STAGE,             /* of an assistance report */
    VOCABULARY_ESCALATION_ANSWER, /* what the one asked says to a document */
    VOCABULARY_ARCHIVE_WHY,
    VOCABULARY_REOPEN_WHY,
    VOCABULARY_HARDSHIP, /* at a follow-up visit, Art. 16 */
    VOCABULARY_EFFECT,   /* of the measures, Art. 16 */
    VOCABULARY_RISK,     /* Art. 16 */
    VOCABULARY_TOPIC,    /* of a consultation or conference */
    VOCABULARY_PROMISE,  /* what an agency promises */
    VOCABULARY_PROMISE_RESULT,
    VOCABULARY_ATTENDS,
    VOCABULARY_HEARING_PURPOSE,
    VOCABULARY_HEARING_ROLE, /* set: who is invited, Art. 12 */
    VOCABULARY_OPINION,      /* of a hearing */
    VOCABULARY_ROSTER_ROLE,  /* Art. 13 */
    VOCABULARY_ROSTER_CHANGE,
    VOCABULARY_CUSTODIAN,     /* of supervised money */
    VOCABULARY_LETTER_ANSWER, /* of an associate */
    VOCABULARY_CORRECTED,     /* set: what a correction corrects */
    VOCABULARY_LINK,          /* how a referral follows another */
    VOCABULARY_AGENDA_WHY,
    VOCABULARY_ATTACHMENT, /* enum attachment_type */
    VOCABULARY_COUNT
};

/* Numbers that rules name. The other words are data only. */
enum {
    GROUND_REFUSED = 1,
    GROUND_ART4_FIRST = 401,
    GROUND_ART4_LAST = 407,
    GROUND_ART18_FIRST = 1801,
    GROUND_ART18_LAST = 1808,

    GROUP_MINOR = 3, /* bits of priority_groups */
    GROUP_ORPHAN = 9,
    GROUP_MIGRANT_CHILD = 13,

    MINOR_CONCERNED = 0,  /* bits of minor_marks: the case concerns a minor */
    MINOR_EX_OFFICIO = 1, /* Art. 19 */
    MINOR_OVER_LIMIT = 2, /* Art. 20: over the amount limit, approved */

    SHAPE_MONEY = 1,

    REJECTION_UNREADABLE = 1,  /* the seal does not open, or what it holds cannot be decoded */
    REJECTION_IDENTITY = 2,    /* an identity number fails GB 11643 */
    REJECTION_MISSING = 3,     /* a mandatory body field is missing */
    REJECTION_CONTRADICTS = 4, /* body and header or facts disagree */
    REJECTION_SEND_AGAIN = 5,  /* of a dead letter: not delivered, the sender may try anew */
    REJECTION_SET_ASIDE = 6,   /* of a dead letter: not delivered, an administrator set it aside */

    MAY_BE_TOLD_NO = 2, /* a guardian in conflict, or somebody who must not learn of it */

    STAGE_APPROVED = 1,
    STAGE_PAID = 2,
    STAGE_DELIVERED = 3,

    HARDSHIP_RESOLVED = 1,
    RISK_NONE = 1,

    LINK_RE_REFERRAL = 1,     /* after not-my-duty: the trail of Art. 6's division of duties */
    LINK_FOLLOW_UP = 2,       /* found at a follow-up visit */
    LINK_OTHER_DIRECTION = 3, /* the other direction of the same household's matter */
    LINK_SUPPLEMENT = 4,      /* another need of the same household */

    AGENDA_THIRD_RUNG = 1
};

struct word {
    uint32_t value; /* the wire's number; of a set: the bit */
    const char *id; /* "art-4-1"; stable */
    const char *zh;
    const char *en;
};

const char *vocabulary_name(enum vocabulary which); /* "ground" ... */
bool vocabulary_is_set(enum vocabulary which);      /* are its words bits? */
const struct word *vocabulary_words(enum vocabulary which, size_t *ret_count);
#define VOCABULARY_IDS_MAX 65
/* The ids alone, NULL-terminated, in the order of the words: for json_get_choice. */
void vocabulary_ids(enum vocabulary which, const char *ret_ids[VOCABULARY_IDS_MAX]);
/* NULL for a number that is no word. */
const struct word *vocabulary_find(enum vocabulary which, uint32_t value);
/* NULL for an id that is no word. */
const struct word *vocabulary_parse(enum vocabulary which, const char *id);
/* All bits of a set that are words. */
uint64_t vocabulary_mask(enum vocabulary which);

#endif
