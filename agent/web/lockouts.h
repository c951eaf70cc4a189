/* What the login page says of locked accounts: how often each name was given a wrong password since
 * it last entered, whether there is an officer of that name or not, so that the page can say that a
 * name is locked and until when, and tells nobody which names there are.
 *
 * The lock itself is the officer's row (officer.h); this is in memory, of the last names that
 * failed, and gone with the process: then the page says less, and locks as before. Loop thread. */
#ifndef REFERRAL_AGENT_WEB_LOCKOUTS_H
#define REFERRAL_AGENT_WEB_LOCKOUTS_H

#include "base/crypto.h"

#define LOCKOUTS_MAX 256u /* names; of more the one that failed longest ago is forgotten */

struct lockouts {
    struct mac_key key; /* of this run: names are kept as digests */
    struct lockout {
        uint64_t name; /* digest; 0: free */
        uint32_t failures;
        uint64_t failed_ms, until_ms; /* wall time */
    } list[LOCKOUTS_MAX];
};

void lockouts_init(struct lockouts *lockouts);
/* A wrong password. Answers until when the name is locked; 0: it is not. */
uint64_t lockouts_failed(struct lockouts *lockouts, const char *name, uint64_t now_ms);
void lockouts_entered(struct lockouts *lockouts, const char *name);

#endif
