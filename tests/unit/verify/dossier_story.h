/* What may be told wrongly in the story of test_dossier.c, and who may sign in another's place. For
 * tests only. */
#ifndef REFERRAL_TESTS_DOSSIER_STORY_H
#define REFERRAL_TESTS_DOSSIER_STORY_H

#include "model/message.h"

/* RECEIVER_NEXT: from the second version of the registry on. */
enum who {
    BROKER,
    SENDER,
    SENDER_NEXT,
    RECEIVER,
    RECEIVER_NEXT,
    ROOT,
    SENDER_ROOT,
    STRANGER,
    WHO_COUNT
};
/* STRANGER is the receiver's root: no key that signs messages. */

struct story {             /* what may be told wrongly; zeroed: the truth */
    int due_1_early_ms;    /* raised before it fell due by so much */
    int64_t due_1_fell_ms; /* fell due later by so much, as the notice says */
    int64_t due_date_ms;   /* the window's end, as all notices say it, later by so much */
    const char *rung;      /* of the first rung; NULL: due-1 */
    bool rung_twice, rung_behind_end, without_rung;
    bool arrival_moved;        /* the second notice names another start */
    enum who delivered_by;     /* whose signature the delivery shows; BROKER: the receiver's */
    uint64_t delivered_leaf;   /* the place it names, added to the true one */
    enum who feedback_by;      /* whose key signs; BROKER: the receiver's */
    bool feedback_named_other; /* the header names another key */
    uint64_t revoked_leaf;     /* of the receiver's... the key that signs the feedback */
    bool revoked;
    enum who statement_by;         /* BROKER: the owner's root */
    bool other_log;                /* the last receipt is of another tree */
    bool note_by_stranger;         /* the newest checkpoint */
    bool late_record;              /* a record later than its checkpoint */
    uint32_t redated_days;         /* a re-dating, to so many working days behind the old end */
    uint32_t lay_days;             /* so long before the delivery it was recorded, */
    bool lay_told;                 /* and the rungs of that are here */
    enum feedback_outcome outcome; /* NONE: granted */
    uint32_t tell_by;
    uint32_t silent_days;   /* so long after the answer the log ends; 0: one day */
    uint32_t informed_days; /* so long after it the applicant was told; 0: not */
    bool task_told;         /* due-1 of the task is here */
    bool duty_told;         /* due-2 of a promise is here, due-1 is not */
    uint64_t second;        /* number of one more version of the registry; 0: there is none */
    bool second_late;       /* it is in force from behind the answer on, */
    bool second_first;      /* or before the first; else right before the answer */
    bool second_forks, second_loses_key, second_unplaced, second_bent, second_is_other;
    uint64_t lapsed_ms; /* in it the receiver's first key was good until then; 0: for ever */
};

#endif
