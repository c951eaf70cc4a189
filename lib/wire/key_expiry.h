/* Keys that end and have none that goes on: what doctor, broker and agent warn of, 30, 14 and 7
 * working days ahead. Pure but for what is
 * logged; any thread. */
#ifndef REFERRAL_WIRE_KEY_EXPIRY_H
#define REFERRAL_WIRE_KEY_EXPIRY_H

#include "base/metrics.h"
#include "model/calendar.h"
#include "wire/keyring.h"

/* Working days: time for a ceremony; time to hurry; bad. */
#define KEY_EXPIRY_NOTICE 30u
#define KEY_EXPIRY_HURRY  14u
#define KEY_EXPIRY_BAD    7u

/* Has the entry an end, while it is in use, and no other key of its owner and use goes on there? */
bool key_is_last(const struct keyring *keyring, const struct key_entry *entry);

struct key_ends { /* what is asked; all borrowed */
    const struct keyring *keyring;
    const struct calendar *calendar;
    const char *owner; /* NULL: anybody's */
    uint64_t now_ms;
};
struct key_ending {
    const struct key_entry *entry; /* borrowed */
    uint32_t working_days;         /* from today on; 0: it has ended */
};
/* From *at (0 first) on: the next key that ends within KEY_EXPIRY_NOTICE working days; false behind
 * the last. */
bool key_ending_next(const struct key_ends *ends, size_t *at, struct key_ending *ret_ending);

/* Logs EVENT_KEY_ENDS for each; the daemons ask for it once a day. */
void key_endings_tell(const struct key_ends *ends);
/* The gauge `name`: for each agency with such a key, the days of the first that ends. */
void key_endings_write(const struct key_ends *ends, const char *name, struct metrics *metrics);

#endif
