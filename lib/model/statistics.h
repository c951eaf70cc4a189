/* Statistics for the joint meeting (domain section 8): what each agency received and how it
 * answered, by direction and period, from the broker's facts alone. docs/statistics.md defines each
 * figure for those who read it.
 *
 * Pure. One row tells all that is counted of a referral or of a duty of a matter; the broker makes
 * rows (statistics_referral_of, statistics_duty_of) and whoever draws the table adds them, one at
 * a time and in any order. Whole numbers only: rates are per mille, rounded down, and quantiles are
 * the nearest rank, so that two programs that count right come to the same figures. Rows hold no
 * personal data. A table is used on one thread; nothing is durable. */
#ifndef REFERRAL_MODEL_STATISTICS_H
#define REFERRAL_MODEL_STATISTICS_H

#include "model/matter.h"
#include "model/vocabulary.h"

/* What is counted of a referral. Agencies have the numbers of the caller, from 1. */
struct statistics_referral {
    uint16_t sender, receiver;
    bool inbound;
    enum referral_state state;
    bool is_signed, late, minor, urgent, life_danger;
    uint64_t submitted_ms, delivered_ms; /* 0: not yet */
    uint64_t due_before_ms;              /* of the window that is open; 0: none is */
    uint32_t answers, late_answers;      /* windows that an answer stopped */
    bool final;                          /* a final answer came: then the two below */
    uint32_t window_days;                /* working days from its last window's start to it */
    uint32_t whole_days;                 /* from the delivery of the referral to it */
    enum feedback_outcome outcome;       /* of the last answer */
    uint32_t lead_channel;
    uint64_t priority_groups, granted, delivered; /* bit sets */
    uint32_t raised[RUNG_STEP_COUNT];
    uint32_t open_documents;
};
void statistics_referral_of(const struct referral *referral, const struct calendar *calendar,
                            struct statistics_referral *ret_row);

/* What is counted of a duty: a follow-up visit, a promise, a payment ... */
struct statistics_duty {
    uint16_t holder;
    enum duty_kind kind;
    int32_t due_day;
    uint64_t due_before_ms;
    uint64_t stopped_ms; /* 0: open */
    bool cancelled;      /* stopped without being done */
};
/* ERR_NOT_FOUND: the matter has no duty at this place. */
enum err statistics_duty_of(const struct matter *matter, uint32_t index,
                            struct statistics_duty *ret_row) MUST_CHECK;

/* Referrals belong to the period in which the broker accepted them, duties to the one in which they
 * fall due; both by the civil day of +08:00, first and last day included. What is open at `as_of`
 * and past its date is overdue. */
struct statistics_period {
    int32_t first_day, last_day;
    uint64_t as_of_ms;
};

enum statistics_direction { STATISTICS_OUTBOUND, STATISTICS_INBOUND, STATISTICS_DIRECTIONS };

enum statistics_figure {
    FIGURE_SENT,        /* by this agency; all others are of what it received */
    FIGURE_RECEIVED,    /* addressed to it and accepted by the broker: the sum of the next eight */
    FIGURE_IN_TIME,     /* final answer within its last window */
    FIGURE_LATE,        /* final answer after it */
    FIGURE_OPEN,        /* its window runs */
    FIGURE_OVERDUE,     /* its window is past, and no answer came */
    FIGURE_PROCEDURE,   /* papers are awaited */
    FIGURE_UNDELIVERED, /* its system has not fetched it */
    FIGURE_WITHDRAWN,
    FIGURE_RETURNED,
    FIGURE_DELIVERED,
    FIGURE_SIGNED,
    FIGURE_ANSWERS, /* windows that an answer stopped, procedure-required included */
    FIGURE_LATE_ANSWERS,
    FIGURE_MINORS,
    FIGURE_URGENT,
    FIGURE_LIFE_DANGER,
    FIGURE_DOCUMENTS, /* numbered documents raised */
    FIGURE_RESOLVED,  /* of these: the cause is gone */
    FIGURE_COUNT
};

enum statistics_set { /* figures by word of a vocabulary, and by step of the ladders */
                      SET_OUTCOMES,
                      SET_GRANTED,
                      SET_DELIVERED, /* measures reported as delivered */
                      SET_GROUPS,
                      SET_CHANNELS,
                      SET_RUNGS,
                      SET_COUNT
};

enum statistics_days { DAYS_WINDOW, DAYS_WHOLE, DAYS_COUNT };

enum duty_figure {
    DUTY_FIGURE_DUE, /* the sum of the next five */
    DUTY_FIGURE_IN_TIME,
    DUTY_FIGURE_LATE,
    DUTY_FIGURE_OPEN,
    DUTY_FIGURE_OVERDUE,
    DUTY_FIGURE_CANCELLED, /* re-opened case, replaced plan, withdrawn referral */
    DUTY_FIGURE_COUNT
};

#define STATISTICS_DUTY_KINDS (DUTY_KIND_END - DUTY_INFORMATION)

/* Names of figures, in the form of words: id, 中文, English. Static storage. */
const struct word *statistics_figure_word(enum statistics_figure figure);
const struct word *statistics_days_word(enum statistics_days days, unsigned percent); /* 50, 90 */
const struct word *statistics_rate_word(void);
const struct word *statistics_direction_word(enum statistics_direction direction);
const struct word *statistics_duty_word(enum duty_kind kind);
const struct word *statistics_duty_figure_word(enum duty_figure figure);
const struct word *statistics_set_word(enum statistics_set set);
/* The words of a set; their values are places below 64 in the counts. */
const struct word *statistics_set_words(enum statistics_set set, size_t *ret_count);

struct statistics;

/* For agencies 1 ... `agencies`. ERR_MEMORY. */
enum err statistics_new(size_t agencies, struct statistics_period period,
                        struct statistics **ret_statistics) MUST_CHECK;
void statistics_free(struct statistics *statistics); /* NULL allowed */

/* Rows of other periods are left out. ERR_INVALID for an agency beyond the table; ERR_MEMORY. */
enum err statistics_add_referral(struct statistics *statistics,
                                 const struct statistics_referral *row) MUST_CHECK;
enum err statistics_add_duty(struct statistics *statistics,
                             const struct statistics_duty *row) MUST_CHECK;

/* One line of the table; `agency` 0 is all of them together. */
struct statistics_line {
    size_t agency;
    enum statistics_direction direction;
};
bool statistics_empty(const struct statistics *statistics, struct statistics_line line);
uint64_t statistics_figure(const struct statistics *statistics, struct statistics_line line,
                           enum statistics_figure figure);
uint64_t statistics_member(const struct statistics *statistics, struct statistics_line line,
                           enum statistics_set set, uint32_t value);
/* The nearest rank: the smallest number of days that at least `percent` of all final answers did
 * not exceed. -1 when there is no answer. 1 <= percent <= 100. Not on a table that still grows on
 * another thread: it sorts. */
int64_t statistics_quantile(struct statistics *statistics, struct statistics_line line,
                            enum statistics_days days, unsigned percent);
/* Answers in time of all windows that an answer stopped or that are overdue, per mille, rounded
 * down. -1 when there is none. */
int64_t statistics_on_time(const struct statistics *statistics, struct statistics_line line);
uint64_t statistics_duty(const struct statistics *statistics, size_t agency, enum duty_kind kind,
                         enum duty_figure figure);

#endif
