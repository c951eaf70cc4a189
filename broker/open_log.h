/* `referral-broker --open-new-log`: an administrator's explicit word that there is no newer copy of
 * the store than this one, so that its log goes on under another origin (recovery.h). Instead of
 * running; nothing else has the store open meanwhile. Main thread. */
#ifndef REFERRAL_BROKER_OPEN_LOG_H
#define REFERRAL_BROKER_OPEN_LOG_H

#include "broker/load.h"

struct open_log_request {
    bool asked, yes; /* without `yes` it is only said what would be done */
    const char *reason;
};

/* The exit status: 0 opened, 1 it failed, 2 nothing was changed, as something was left out. */
int open_log_run(struct loaded *loaded, const struct open_log_request *request);

#endif
