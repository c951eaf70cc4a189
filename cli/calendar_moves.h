/* Which deadlines another calendar would move: every open clock of a running broker (its status
 * socket) or of a store that is read beside it, through the rule that the broker itself will apply.
 * Nothing is changed. Main thread, blocking. */
#ifndef REFERRAL_CLI_CALENDAR_MOVES_H
#define REFERRAL_CLI_CALENDAR_MOVES_H

#include "cli/command.h"
#include "model/movable.h"

struct move {
    char number[LIMIT_NUMBER_BYTES];         /* of the referral or matter */
    char responsible[LIMIT_AGENCY_ID_BYTES]; /* its id; its number where only a store was read */
    enum clock_kind kind;
    uint32_t window;
    int32_t old_day;
    bool old_provisional;
    struct movement to;
};

struct moves {
    struct move *rows; /* owned */
    size_t count, cap;
    uint64_t looked_at; /* open clocks */
    bool asked;         /* a broker or a store was there to ask */
};

/* Asks whom the command line names: --store, --socket, or the usual socket when it is there; nobody
 * else. EXIT_OK, or the status of what was said. */
int moves_gather(const struct invocation *invocation, const struct calendar *calendar,
                 struct moves *ret_moves);
void moves_free(struct moves *moves);

#endif
