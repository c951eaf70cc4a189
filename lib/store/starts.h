/* How often in a row a daemon began on a store and did not get through: a number in a file beside
 * the data. A damaged store may crash whoever opens it (LMDB trusts its pages); after STARTS_DOUBT
 * such starts the store is looked through (scrub.h) before it is opened, so that the daemon can say
 * what is broken instead of crashing for ever. Main thread. Nothing is synced: what is counted are
 * crashes of the process, not of the machine; and nothing here fails a start. */
#ifndef REFERRAL_STORE_STARTS_H
#define REFERRAL_STORE_STARTS_H

#include "store/store.h"

#define STARTS_DOUBT   2u
#define STARTS_GOOD_MS 60000u /* of running: the store can be lived with */

/* Counts this start in. How many before it were not followed by starts_good. 0 where there is no
 * store yet. */
unsigned starts_begin(const char *folder);
/* After STARTS_GOOD_MS of running, and at an orderly end. */
void starts_good(const char *folder);

/* Before store_open, with its options: counts this start in, and where the store is in doubt looks
 * through it, which takes a second for about 100 MiB. ERR_CORRUPT with what is broken and what to
 * do. */
enum err starts_check(const char *folder, const struct store_options *options,
                      struct fault *fault) MUST_CHECK;

#endif
