/* What the other files of lib/io may know of the loop: its libuv loop. Not for other floors. */
#ifndef REFERRAL_IO_LOOP_INTERNAL_H
#define REFERRAL_IO_LOOP_INTERNAL_H

#include <uv.h>

#include "io/loop.h"

struct loop_child;

#define LOOP_SIGNALS_MAX 8

struct loop_signal {
    uv_signal_t handle;
    loop_signal_fn fn;
    void *ctx;
};

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t before_sleep;
    uv_timer_t turn_limit; /* of loop_turn */
    uv_poll_t timer_poll;
    int timer_fd; /* CLOCK_BOOTTIME, armed for the first timer */

    struct loop_timer timers; /* ring: sorted, this one is the end mark */
    bool firing;
    uint64_t firing_ms;

    uv_mutex_t posted_lock;
    struct loop_item *posted_first; /* under the lock */
    struct loop_item *posted_last;  /* under the lock */
    struct loop_item *running;      /* taken off, not yet run */
    _Atomic bool stop;

    loop_turn_fn turn_fn;
    void *turn_ctx;
    struct loop_signal signals[LOOP_SIGNALS_MAX];
    size_t signal_count;

    struct loop_child *children;
    size_t work_count;
    size_t watch_count;
};

/* A libuv error as a result: ENOMEM, "no such file", everything else. */
enum err loop_err(int uv_code);

/* loop_child.c: ends what still runs, so that loop_free can wait for it. */
void loop_children_kill(struct loop *loop);

#endif
