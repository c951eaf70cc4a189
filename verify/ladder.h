/* What the policy file says of clocks and rungs, read a second time from its text: how many working
 * days each clock has, when a rung falls due, and who is told (docs/evidence-format.md). A policy
 * that leaves something out means the values of the agreement. Pure; any thread. */
#ifndef REFERRAL_VERIFY_LADDER_H
#define REFERRAL_VERIFY_LADDER_H

#include "days.h"

enum counted {                     /* from where a rung counts */
               COUNTED_FROM_END,   /* working days from day N */
               COUNTED_FROM_START, /* working days from the start */
               COUNTED_HOURS,      /* from the start */
};

#define STEP_NAME_BYTES 24u
#define STEP_REPEATS    20 /* "due-3.1" to "due-3.20" */

enum told {                   /* who hears of a rung */
            TOLD_HOLDER = 1,  /* the agency that must act */
            TOLD_WAITING = 2, /* the one that waits */
            TOLD_OFFICE = 4,  /* the joint-meeting office */
};

struct step { /* a rung and its repeats */
    const char *name;
    enum counted from;
    int32_t offset;
    int32_t every; /* between the repeats; 0: it has none */
    unsigned told;
};
#define STEP_COUNT 11u

struct ladder_read {
    uint32_t outbound, inbound, tell, papers, information; /* working days */
    struct step steps[STEP_COUNT];
};

/* ERR_INVALID: this is no policy; the fault says where. */
enum err ladder_read_text(struct span text, struct ladder_read *ret,
                          struct fault *fault) MUST_CHECK;

struct window_read { /* what a notice or a leaf says of a clock */
    uint64_t start_ms;
    uint32_t working_days;  /* N; 0: a clock without a day N */
    uint64_t due_before_ms; /* in force */
};

/* Of a rung by its name: NULL where no step is called so. `ret_repeat`: which one, 0 the first. */
const struct step *ladder_step(const struct ladder_read *ladder, const char *rung,
                               int32_t *ret_repeat);
/* The instant at which it falls due. False: this clock has no such rung. */
bool ladder_due(const struct step *step, int32_t repeat, const struct days *days,
                const struct window_read *window, uint64_t *ret_due_ms);

/* 24:00 of the N-th working day behind the day of the start. */
uint64_t window_counted(const struct days *days, uint64_t start_ms, uint32_t working_days);
/* The date after a re-dating at that time: the new count, where it is later; else not before the
 * second working day from then, and never later than the date before. */
uint64_t window_redated(const struct days *days, const struct window_read *before, uint64_t at_ms);

#endif
