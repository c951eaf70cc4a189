/* Random lives in the city of city_support.h: officers write, requests and replies travel in any
 * order or are lost, programs restart, keys are wrong for a while. Whatever happened, each party's
 * copy is what the broker decided. One city a test; city.seed decides. For tests only. */
#ifndef REFERRAL_TESTS_CITY_LIVES_H
#define REFERRAL_TESTS_CITY_LIVES_H

#include "city_support.h"

#define REFERRALS 12u
#define MATTERS   16u
#define HOUR_MS   UINT64_C(3600000)

struct lives {                    /* what chance made so far */
    struct seal_key right[DESKS]; /* while the agent has a wrong one */
    bool wrong[DESKS];
    char numbers[REFERRALS][LIMIT_NUMBER_BYTES];
    size_t parties[REFERRALS][2]; /* desks */
    size_t number_count;
    char matters[MATTERS][LIMIT_NUMBER_BYTES];
    size_t matter_count;
    unsigned taken; /* messages that `send` took */
    uint64_t rejected;
};

extern struct lives lives;

void live_step(void);
/* Some of them a day, until windows have ended and ladders were climbed. */
void live_days(unsigned days);
/* The same: what the broker raises, and when, is what each agency counts, so that nobody is
 * alarmed. Answers the escalations told. */
size_t live_on(unsigned days);
void live_refer(void);
void live_restart(void);        /* one of the agents */
void live_travel(bool replies); /* one of the requests, or replies, that are on their way */

/* Of the broker's referral or matter of that number. */
struct case_key key_of(const char *number);
void get_copy(struct store *store, const struct case_key *key, struct referral *ret);
void get_matter(struct store *store, const struct case_key *key, struct matter *ret);
void same(size_t place, const struct case_key *key);
void same_matter(size_t place, const struct case_key *key);
/* The copies of all are the broker's; answers the states, or kinds, that there are. */
unsigned judge(void);
unsigned judge_matters(void); /* those that the broker took */
size_t judge_late(struct desk *desk);

#endif
