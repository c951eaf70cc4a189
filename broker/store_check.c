/* The daily look. See store_check.h; the child is this very program. */
#include "broker/store_check.h"

#include <unistd.h>

#include "base/log.h"
#include "store/scrub.h"

const char *store_check_state_name(enum store_check_state state)
{
    static const char *const names[] = {"never", "whole", "damaged", "failed"};

    return names[state];
}

static void done_cb(void *ctx, const struct loop_child_result *result)
{
    struct store_check *check = ctx;

    if (check->loop == NULL) {
        return; /* the broker stops, and the look with it */
    }
    check->done_ms = check->wall_ms(check->ctx);
    if (result->error == OK && result->signal == 0 && result->exit_status == 0) {
        check->state = STORE_CHECK_WHOLE;
        log_event(EVENT_STORE_WHOLE, "the store was looked through: every page and row is whole");
    } else if (result->error == OK && result->exit_status == SCRUB_EXIT_DAMAGED) {
        check->state = STORE_CHECK_DAMAGED;
        log_event(
            EVENT_STORE_DAMAGED,
            "the store is damaged; where says `referralctl store check %s`: what is damaged is "
            "not delivered, restore the last backup or promote the standby",
            check->config);
    } else {
        check->state = STORE_CHECK_FAILED;
        log_event(EVENT_STORE_UNCHECKED,
                  "the store could not be looked through (exit %d, signal %d): `referralctl store "
                  "check %s` says why",
                  result->exit_status, result->signal, check->config);
    }
    loop_timer_after(&check->timer, check->every_ms);
}

static void look_cb(void *ctx)
{
    struct store_check *check = ctx;
    const char *const argv[] = {check->program, "--config", check->config, "--check-store", NULL};
    const struct loop_child_options options = {.argv = argv,
                                               .environment = (const char *const *)environ,
                                               .timeout_ms = STORE_CHECK_LIMIT_MS,
                                               .done = done_cb,
                                               .ctx = check};
    enum err error = loop_child_start(check->loop, &options);

    if (error != OK) {
        const struct loop_child_result none = {.error = error, .exit_status = -1};

        done_cb(check, &none);
    }
}

void store_check_start(struct store_check *check, uint64_t first_ms)
{
    loop_timer_init(check->loop, &check->timer, look_cb, check);
    loop_timer_after(&check->timer, first_ms);
}

void store_check_stop(struct store_check *check)
{
    if (check->loop != NULL) {
        loop_timer_clear(&check->timer);
        check->loop = NULL;
    }
}
