/* For suites of the worklist: one list for each of three agencies beside the real broker core
 * (city_support), told of each change; what is said, and what is found in the lists. One city a
 * test. For tests only. */
#ifndef REFERRAL_TESTS_WORKLIST_SUPPORT_H
#define REFERRAL_TESTS_WORKLIST_SUPPORT_H

#include "agent/web/worklist.h"
#include "city_support.h"

#define P 0u /* desks: the procuratorate, */
#define E 1u /* education */
#define C 2u /* and civil affairs */
#define O "'body':{'officer':'o','text':'t'}"

struct wanted { /* of a referral by the procuratorate */
    const char *to, *flags, *groups, *persons;
};

extern struct worklist *lists[DESKS];
extern unsigned told; /* changes */
extern const struct wanted adult;

void read_in(size_t place);
void open_with(const char *agency, const char *line);
void open_all(void);
void close_all(void);

/* --- what is said --- */

void refer(const struct wanted *wanted);
void say(size_t place, const char *message);
void refer_adult(void);

/* --- what is found: "NUMBER=act NUMBER=act", or numbers where it is a list of items --- */

const char *found(size_t place, struct work_query query);
const char *todo(size_t place);
const char *list_of(size_t place, enum work_list list);
const char *search(size_t place, const char *text);
size_t count_of(size_t place, enum work_list list);
uint64_t generation(size_t place);
/* The counts are those of the lists, and a list that is read anew from the store is the same. */
void judge_lists(size_t place);
void judge_all_lists(void);
/* An officer says that what was refused is dealt with; was shown what came. One of them. */
void handle(size_t place);
void look(size_t place);

#endif
