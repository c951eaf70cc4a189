/* The lists of the inbox: every referral and matter of this agency in memory, with what its
 * officers owe and until when, so that any list, filter, count and search is fast.
 *
 * The copies in the store are the truth; this is read from them, at the start in slices that never
 * hold the loop up, then one by one as they change. Names of persons are read from the opened
 * bodies and never leave memory; identity numbers are kept as keyed digests only: they can be found
 * and not read. Loop thread; nothing is durable. */
#ifndef REFERRAL_AGENT_WEB_WORKLIST_H
#define REFERRAL_AGENT_WEB_WORKLIST_H

#include "agent/state.h"
#include "model/statistics.h"

#define WORK_NEAR_DAYS 5u /* working days: "即将到期" */

enum work_act { /* what an officer of this agency owes */
                WORK_NONE,
                WORK_SIGN_FOR,
                WORK_FEEDBACK,
                WORK_INFORM,      /* tell the applicant */
                WORK_PAPERS,      /* bring the papers */
                WORK_INFORMATION, /* answer an information request */
                WORK_FOLLOW_UP,
                WORK_PROMISE,
                WORK_PAYMENT,
                WORK_LETTER,     /* bring an associate's answer */
                WORK_ATTENDANCE, /* answer an invitation to a meeting or hearing */
                WORK_DOCUMENT,   /* answer a numbered document (督办单) */
                WORK_REFUSED,    /* a message of ours that was refused, or sent back: look at it */
                WORK_NEWS,       /* look at what came in answer: feedback, a reply, a withdrawal */
                WORK_ACT_COUNT
};

enum work_group { WORK_MINORS, WORK_PRIORITY, WORK_OTHERS, WORK_GROUP_COUNT };

struct work_line { /* one thing that is owed */
    enum work_act act;
    uint32_t number;        /* of the window or duty; of a document its counter; NEWS: its kind */
    uint16_t year;          /* of a document */
    uint16_t more;          /* documents, or news, of the same item that wait, too: one line */
    struct uuid message_id; /* NEWS, REFUSED: the message, or the notice that it came back; zero */
    int32_t due_day;        /* 0: none */
    uint64_t due_before_ms; /* UINT64_MAX: none */
    bool provisional;
};

struct work_person {  /* the first person of a referral, for lists */
    const char *name; /* owned by the worklist; "" : not known */
    uint32_t birth;   /* YYYYMMDD; 0: not known */
    char sex;         /* 'f', 'm'; 0: not known */
};

struct work_item {
    struct case_key key;
    char number[LIMIT_NUMBER_BYTES];
    char case_number[LIMIT_NUMBER_BYTES];
    char register_number[LIMIT_NUMBER_BYTES]; /* of a referral that was signed for */
    bool of_matter;
    uint8_t kind;  /* enum message_kind of the referral, or enum matter_kind */
    uint8_t group; /* enum work_group */
    bool mine;     /* this agency referred, or owns the matter */
    bool open;     /* not answered, withdrawn, closed ... */
    bool waiting;  /* not yet taken by the broker */
    bool sending;  /* a message about it is not: the lines are those that will be left */
    bool urgent, life_danger, advance, provisional;
    uint16_t other;     /* the other party; of a matter its owner, or its first member */
    uint16_t documents; /* open numbered documents */
    uint64_t priority_groups;
    uint64_t opened_ms;     /* submitted, or opened */
    uint64_t closed_ms;     /* answered, or closed; 0 */
    uint64_t due_before_ms; /* of the clock that matters most, whoever holds it; UINT64_MAX: none */
    const struct work_line *lines; /* what this agency owes, by due date; NULL: nothing */
    uint32_t line_count;
    struct work_person person;
};

enum work_list {
    WORK_TODO,
    WORK_SENT,
    WORK_SOON,
    WORK_LATE,        /* here */
    WORK_OTHERS_LATE, /* what this agency referred or asked for, at the others */
    WORK_SUPERVISED,
    WORK_DONE,
    WORK_LEDGER,
    WORK_LIST_COUNT
};

struct work_query {
    enum work_list list;
    /* Part of a number or name; a whole identity number, or number of a document; "" */
    const char *text;
    enum work_act act;          /* WORK_NONE: all */
    uint16_t other;             /* 0: all */
    bool urgent, minor;         /* only those */
    uint64_t priority_groups;   /* any of them; 0: all */
    uint64_t from_ms, until_ms; /* opened in that time; 0: whenever */
    size_t offset, count;       /* the page */
};

struct work_row {
    const struct work_item *item; /* borrowed until the next worklist_changed */
    const struct work_line *line; /* NULL in lists of items */
};

struct work_result {
    struct work_row *rows; /* of the page; owned: free() */
    size_t count, total;
};

struct worklist;

enum err worklist_new(struct agent *agent, struct worklist **ret_list) MUST_CHECK;
void worklist_free(struct worklist *list); /* NULL allowed */
/* Reads on for some milliseconds. False: everything is in. */
bool worklist_fill(struct worklist *list);
/* Per cent of what is to be read. */
unsigned worklist_progress(const struct worklist *list);
enum err worklist_changed(struct worklist *list, const struct case_key *key) MUST_CHECK;
enum err worklist_query(struct worklist *list, const struct work_query *query, uint64_t now_ms,
                        struct work_result *ret_result) MUST_CHECK;
/* How many stand in each list, and of what is to do by act. `generation` grows with each change. */
struct work_counts {
    size_t lists[WORK_LIST_COUNT];
    size_t acts[WORK_ACT_COUNT];
    uint64_t generation;
};
void worklist_counts(struct worklist *list, uint64_t now_ms, struct work_counts *ret_counts);
/* The items of a case, referrals by number, then matters; at most `max`. Answers how many. */
size_t worklist_of_case(struct worklist *list, const struct uuid *case_id,
                        const struct work_item **ret_items, size_t max);
/* Matters of these kinds (bits of enum matter_kind), open ones first, then the newest; at most
 * `max`. Answers how many; ret_total: how many there are. */
size_t worklist_of_kinds(struct worklist *list, uint32_t kinds, const struct work_item **ret_items,
                         size_t max, size_t *ret_total);
/* What statistics count of an item (model/statistics.h); what waits for the broker, or was refused,
 * has nothing to count. */
struct work_figures {
    const struct work_item *item;
    const struct statistics_referral *referral; /* NULL: a matter */
    const struct statistics_duty *duties;       /* of a matter; NULL: none */
    uint32_t duty_count;
};
/* Every item that counts, in no order; ends with the first that is not OK. */
enum err worklist_each_figures(const struct worklist *list,
                               enum err (*each)(void *ctx, const struct work_figures *figures),
                               void *ctx) MUST_CHECK;
/* A message of ours that was refused, or the notice that one came back. */
bool work_is_refused(const struct row *row);
/* A message that was waited for, or ends what this agency was to do. */
bool work_is_news(const struct row *row);
/* Is it one of these, and was nobody shown it, or has nobody dealt with it? */
enum err work_is_unsettled(struct store_txn *read, const struct row *row, bool *ret) MUST_CHECK;
/* NULL: none. */
const struct work_item *worklist_find(struct worklist *list, const struct uuid *referral_id);

#endif
