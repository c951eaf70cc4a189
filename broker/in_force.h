/* Since when a rule of the configuration, the policy or the calendar, is the one in force: the leaf
 * that recorded it when another one was, and the broker time of that. A restart with the same rule
 * changes nothing; one that was in force before may come again. Rows of STORE_META; loop thread;
 * durable with the turn's commit. */
#ifndef REFERRAL_BROKER_IN_FORCE_H
#define REFERRAL_BROKER_IN_FORCE_H

#include "base/bytes.h"
#include "store/store.h"
#include "wire/codec.h"

struct broker;

struct in_force {
    uint64_t leaf; /* a LEAF_CONFIGURATION: what it decides lies behind it */
    uint64_t at_ms;
};

/* The rule of that name is now this one: since `now`, unless it was so before. */
enum err in_force_follow(struct store_txn *txn, const char *name, const struct digest *digest,
                         const struct in_force *now, struct in_force *ret_since) MUST_CHECK;
/* What answers say of the calendar. */
struct calendar_in_force in_force_calendar(const struct broker *broker);

#endif
