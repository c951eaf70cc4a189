/* The thread of a standby: it asks the other broker and writes what it is answered into its own
 * store. See standby.h. Started, looked at and stopped by the loop thread; the store is the
 * thread's alone. */
#ifndef REFERRAL_BROKER_STANDBY_COPY_H
#define REFERRAL_BROKER_STANDBY_COPY_H

#include "broker/load.h"

struct standby_copy;

enum standby_phase {
    STANDBY_CONNECTING, /* the other cannot be reached */
    STANDBY_COPYING,    /* all rows; not whole yet */
    STANDBY_FOLLOWING,
    STANDBY_STOPPED, /* it cannot go on: a fault says why */
};

struct standby_view {
    enum standby_phase phase;
    bool whole;       /* a broker could start with it */
    bool handed_over; /* the other will never go on */
    uint64_t applied, last, log_size, primary_log_size;
    uint64_t heard_ms; /* wall time of the last answer; 0: none */
    uint64_t level_ms; /* wall time at which nothing was missing; 0: never */
    uint64_t attachments, attachments_missing;
    struct fault fault; /* the last thing that went wrong; code "" for none */
};

enum err standby_copy_start(const struct loaded *loaded, struct standby_copy **ret_copy) MUST_CHECK;
void standby_copy_look(struct standby_copy *copy, struct standby_view *ret_view);
/* Ends the thread between two questions and closes the store. NULL allowed. */
void standby_copy_stop(struct standby_copy *copy);

#endif
