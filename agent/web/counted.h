/* An agency's own statistics: model/statistics over its copies, by the agency on the other side.
 *
 * The figures are those of docs/statistics.md; what only the broker keeps (numbered documents and
 * reminders over a whole life) is not among them. Two tables: what this agency received, a line for
 * each agency that sent, and what it sent, a line for each that received. No personal data. Loop
 * thread; nothing is durable. */
#ifndef REFERRAL_AGENT_WEB_COUNTED_H
#define REFERRAL_AGENT_WEB_COUNTED_H

#include "agent/web/worklist.h"

enum counted_side { COUNTED_RECEIVED, COUNTED_SENT, COUNTED_SIDES };
enum counted_holder { COUNTED_OWN = 1, COUNTED_OTHERS = 2 }; /* of duties */

#define COUNTED_OVERDUE_MAX 20u

struct counted_overdue { /* a referral whose window is past, without an answer */
    char number[LIMIT_NUMBER_BYTES];
    uint16_t responsible; /* agency number */
    uint64_t due_before_ms;
    bool minor, urgent;
};

struct counted {
    const struct registry *registry; /* borrowed */
    const struct agency *self;
    struct statistics_period period, before;   /* `before`: the one it is compared with */
    struct statistics *sides[COUNTED_SIDES];   /* by place in the registry + 1 */
    struct statistics *earlier[COUNTED_SIDES]; /* of `before`; one agency: the sum */
    struct statistics *duties;                 /* by enum counted_holder */
    uint16_t *places;                          /* by agency number: place in the registry + 1 */
    struct counted_overdue overdue[COUNTED_OVERDUE_MAX]; /* the oldest, in order */
    size_t overdue_count, overdue_total;
    uint64_t generation; /* of the worklist; the caller's */
};

/* ERR_MEMORY. */
enum err counted_new(const struct registry *registry, const struct agency *self,
                     struct statistics_period period, struct counted **ret_counted) MUST_CHECK;
void counted_free(struct counted *counted); /* NULL allowed */
/* For worklist_each_figures; ctx is the struct counted. An item of an agency that is none of the
 * registry's is left out. */
enum err counted_add(void *ctx, const struct work_figures *figures) MUST_CHECK;

/* The first and last day of months `from` ... `until`, both included ("2026-07", "2026-09").
 * ERR_INVALID: no such months, or the wrong way round. */
enum err counted_months(const char *from, const char *until,
                        struct statistics_period *ret_period) MUST_CHECK;
/* As many months, just before. */
struct statistics_period counted_before(struct statistics_period period);

#endif
