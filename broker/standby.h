/* The standby: a process that follows another broker, so that it can take its place.
 *
 * A thread of its own asks the other's status socket (of another host one that ssh forwards): first
 * for a copy of all rows, then for its journal, transaction by transaction, each durable here
 * before it is confirmed; and for attachments. The loop thread answers a status socket of its own.
 * It is promoted by an administrator's act there, never by itself. See ADR 18 for what may be lost.
 */
#ifndef REFERRAL_BROKER_STANDBY_H
#define REFERRAL_BROKER_STANDBY_H

#include "broker/load.h"
#include "io/inherited.h"
#include "io/sd_notify.h"

/* The row of STORE_META of a broker that handed its log over: be64 wall time. It is the last that
 * is ever committed there, so that a standby that has it has everything. A broker never starts
 * again with this store; the standby removes the row from its copy when it takes over. */
#define STANDBY_HANDED_OVER_META "handed-over"
#define STANDBY_REASON_BYTES     501u

struct standby_setup {
    const struct loaded *loaded; /* borrowed */
    struct inherited *inherited;
    const struct sd_notify *notify;
};

struct standby_promotion {
    bool promoted;
    bool lost; /* the other had not handed over */
    uint32_t uid;
    char reason[STANDBY_REASON_BYTES];
};

/* Follows until SIGTERM, SIGINT or a promotion; the store is closed again then. The exit status. */
int standby_run(const struct standby_setup *setup, struct standby_promotion *ret_promotion);

struct turn;
/* An act's change: this store follows nobody any more. `arg` is the promotion. */
enum err standby_take_over(struct turn *turn, void *arg) MUST_CHECK;
/* Writes that row, after the last turn; durable on return. */
enum err standby_mark_handed_over(struct store *store, uint64_t wall_ms) MUST_CHECK;
/* May a broker start with this store? ERR_REFUSED with what to do: it is a standby's copy, or was
 * handed over. */
enum err standby_check_start(struct store *store, const char *path, struct fault *fault) MUST_CHECK;

#endif
