/* The daily look through the broker's store, by a child process (`--check-store`), so that damage
 * is known before anybody asks for the row, and no damage harms the broker. Loop thread; nothing is
 * written, what was found is told in the log, the metrics and the status until the next look. */
#ifndef REFERRAL_BROKER_STORE_CHECK_H
#define REFERRAL_BROKER_STORE_CHECK_H

#include "io/loop.h"

#define STORE_CHECK_FIRST_MS (UINT64_C(10) * 60 * 1000) /* after a start: others are busy then */
#define STORE_CHECK_EVERY_MS (UINT64_C(24) * 3600 * 1000)
#define STORE_CHECK_LIMIT_MS (UINT64_C(6) * 3600 * 1000)

enum store_check_state {
    STORE_CHECK_NEVER,
    STORE_CHECK_WHOLE,
    STORE_CHECK_DAMAGED,
    STORE_CHECK_FAILED
};

struct store_check {
    struct loop *loop; /* borrowed */
    struct loop_timer timer;
    const char *program; /* absolute; borrowed, as the next */
    const char *config;  /* of the broker */
    uint64_t every_ms;
    uint64_t (*wall_ms)(void *ctx);
    void *ctx;
    enum store_check_state state; /* of the last look; */
    uint64_t done_ms;             /* when it ended; 0: never */
};

/* `check` has loop, program, config, every_ms and the clock set. */
void store_check_start(struct store_check *check, uint64_t first_ms);
void store_check_stop(struct store_check *check); /* not started: allowed */
const char *store_check_state_name(enum store_check_state state);

#endif
