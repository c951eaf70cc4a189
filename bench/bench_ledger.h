/* An agent's store with as many referrals as wanted, written without a broker: copies, clocks,
 * numbers, messages with sealed bodies. For benchmarks. Main thread. */
#ifndef REFERRAL_BENCH_LEDGER_H
#define REFERRAL_BENCH_LEDGER_H

#include "agent/state.h"

#define LEDGER_NAME_BYTES 64u

struct ledger {
    char folder[64];
    struct registry *registry;
    struct policy *policy;
    struct calendar *calendar;
    struct keyring *keyring;
    struct sign_key sign;
    struct seal_key seal;
    struct store *store;
    struct agent *agent; /* of the procuratorate; has no line */
    uint64_t base_ms;    /* wall time, which stands: a working day of the shipped calendar */
    uint64_t seed;
    unsigned count;
    /* of the referral in the middle: what is looked for */
    char number[LIMIT_NUMBER_BYTES];
    char name[LEDGER_NAME_BYTES];
    char identity[19];
};

/* Ends the program with a message where it cannot. */
void ledger_open(struct ledger *ledger, unsigned count);
void ledger_close(struct ledger *ledger); /* and removes the folder */

#endif
