/* Windows and rungs of a whole log, counted a second time: each date from its start and N, each
 * rung from the policy, in their order, and what should have been raised and was not. It judges
 * what the log says was counted by this calendar and this policy; of the rest it says how much it
 * was. Fed record by record by the checker; memory grows by about 120 bytes a window. One thread.
 */
#ifndef REFERRAL_VERIFY_RECOUNT_H
#define REFERRAL_VERIFY_RECOUNT_H

#include "fields.h"
#include "ladder.h"
#include "report.h"

struct basis {        /* what the caller gives to count by */
    struct days days; /* owned */
    struct ladder_read ladder;
    struct digest policy; /* of its file */
};

/* The folder of calendar files and the policy file. The fault says what is wrong with them. */
enum err basis_load(const char *calendars, const char *policy, struct basis *ret,
                    struct fault *fault) MUST_CHECK;
void basis_free(struct basis *basis);

struct recount {
    const struct basis *basis;      /* borrowed; NULL: nothing is counted */
    struct report *report;          /* borrowed */
    struct counted_window *windows; /* owned */
    size_t window_count, room;
    uint32_t *slots;   /* owned: open addressing, index + 1 */
    uint64_t waits_ms; /* rungs may have waited until then: the broker was down, its clock held */
    bool policy_differs, recovered;
};

void recount_init(struct recount *recount, const struct basis *basis, struct report *report);
void recount_free(struct recount *recount);
/* ERR_REFUSED: the report says why. */
enum err recount_add(struct recount *recount, uint64_t index,
                     const struct fields *record) MUST_CHECK;
/* After the last record of a log whose last time is this. */
enum err recount_end(struct recount *recount, uint64_t last_ms) MUST_CHECK;

#endif
