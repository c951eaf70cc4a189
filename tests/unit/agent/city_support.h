/* Three agent cores and the real broker core in one process, with the requests and replies between
 * them in the test's hands. One city a test. For tests only. */
#ifndef REFERRAL_TESTS_CITY_SUPPORT_H
#define REFERRAL_TESTS_CITY_SUPPORT_H

#include "agent_support.h"
#include "broker/broker.h"

#define DESKS   3u
#define FLIGHTS 64u

struct flight { /* a request that left an agent */
    bool used, answered;
    uint64_t handle;
    size_t desk;
    enum agent_slot slot;
    unsigned number; /* which request of that slot */
    struct buf bytes, reply;
};

struct city {
    struct realm realm;
    struct desk desks[DESKS];
    unsigned handed[DESKS][SLOT_COUNT];
    struct flight flights[FLIGHTS];
    char folder[48];
    struct store *store;
    struct broker *broker;
    char broker_origin[LIMIT_ORIGIN_BYTES]; /* as a test asked last */
    struct calendar *newer;                 /* owned: the one that comes while all run; or NULL */
    const struct calendar *calendar;        /* the broker's */
    struct registry_document document;      /* the broker's: city_registry.h; version 0: none */
    char calendars[64];                     /* the folder with the newer one */
    uint64_t wall_ms, boot_ms, wake_ms, seed, handles;
};

extern struct city city;
extern const char *const city_names[DESKS]; /* procuratorate, education, civil-affairs */

void city_open(void);
/* With one more line in the registry (realm_open_edited). */
void city_open_edited(const char *agency, const char *line);
void city_close(void);
/* `count` lives, with seeds from `seed` on. REFERRAL_SEED=N plays one of the test of its thousand.
 */
void city_add_lives(TCase *tcase, const TTest *test, int seed, int count);
/* Everything that travels arrives, until nobody has anything to send or to get. */
void settle_city(void);
/* Both clocks of all. */
void city_pass(uint64_t ms);

/* A request that no broker has seen leaves the agent. */
bool hand_over(size_t place, enum agent_slot slot);
/* A reply arrives, or is lost. */
bool arrive(struct flight *flight, bool lost);
void broker_settle(void);
/* As by a power cut: what was asked gets no answer, sessions end. */
void broker_restart(void);
/* A copy of the broker's store as it is now, under that name. */
void broker_snapshot(const char *name);
/* The broker and its store are gone (the store lies under "lost", as it was); the copy of that name
 * takes its place. Nothing runs. */
void broker_lose(const char *copy);
/* On the copy, before a broker runs on it. */
void broker_open_new_log(void);
void broker_begin(void);
/* Of those that have no desk nothing is awaited. */
void broker_go_on_without_others(void);
void broker_go_on_without(size_t place); /* in the registry */
struct store *broker_lost_store(void);   /* to be closed by the caller */
uint64_t chance(uint64_t below);         /* from city.seed */

#endif
