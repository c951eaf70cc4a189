/* The loop: libuv's, with one boot-clock timer descriptor for all timers, and a queue under a mutex
 * for the hand-over (measured as fast as a lock-free one). See loop.h. */
#include "io/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/loop_internal.h"

enum err loop_err(int uv_code)
{
    switch (uv_code) {
    case 0:
        return OK;
    case UV_ENOMEM:
        return ERR_MEMORY;
    case UV_ENOENT:
    case UV_EACCES:
    case UV_ENOTDIR:
        return ERR_NOT_FOUND;
    default:
        return ERR_IO;
    }
}

/* --- timers --- */

/* Arms the descriptor for the first timer. settime of a boot-clock timer cannot fail with valid
 * arguments, so a failure is a bug. */
static void timers_arm(struct loop *loop)
{
    struct itimerspec at = {.it_value = {0, 0}};
    const struct loop_timer *first = loop->timers.next;
    if (first != &loop->timers) {
        at.it_value.tv_sec = (time_t)(first->due_ms / 1000);
        at.it_value.tv_nsec = (long)(first->due_ms % 1000) * 1000000L;
        if (first->due_ms == 0) {
            at.it_value.tv_nsec = 1; /* zero would disarm */
        }
    }
    int result = timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
    assert(result == 0);
}

void loop_timer_init(struct loop *loop, struct loop_timer *timer, loop_timer_fn fn, void *ctx)
{
    *timer = (struct loop_timer){.loop = loop, .fn = fn, .ctx = ctx};
}

static void timer_unlink(struct loop_timer *timer)
{
    assert(timer->prev != NULL);
    assert(timer->next != NULL);
    timer->prev->next = timer->next;
    timer->next->prev = timer->prev;
    timer->prev = NULL;
    timer->next = NULL;
    timer->set = false;
}

void loop_timer_clear(struct loop_timer *timer)
{
    if (!timer->set) {
        return;
    }
    bool first = timer->loop->timers.next == timer;
    timer_unlink(timer);
    if (first) {
        timers_arm(timer->loop);
    }
}

void loop_timer_set(struct loop_timer *timer, uint64_t due_ms)
{
    struct loop *loop = timer->loop;
    struct loop_timer *after = NULL;
    loop_timer_clear(timer);
    if (due_ms == UINT64_MAX) {
        return;
    }
    if (loop->firing && due_ms <= loop->firing_ms) {
        due_ms = loop->firing_ms + 1; /* the next turn: a timer must not starve the others */
    }
    if (due_ms / 1000 > INT32_MAX) {
        due_ms = (uint64_t)INT32_MAX * 1000; /* 68 years after boot: as good as never */
    }
    timer->due_ms = due_ms;
    timer->set = true;
    for (after = loop->timers.prev; after != &loop->timers && after->due_ms > due_ms;) {
        after = after->prev;
    }
    timer->prev = after;
    timer->next = after->next;
    after->next->prev = timer;
    after->next = timer;
    if (after == &loop->timers) {
        timers_arm(loop);
    }
}

void loop_timer_after(struct loop_timer *timer, uint64_t wait_ms)
{
    uint64_t now_ms = clock_machine_ms();
    loop_timer_set(timer, wait_ms > UINT64_MAX - 1 - now_ms ? UINT64_MAX : now_ms + wait_ms);
}

static void timers_due_cb(uv_poll_t *handle, int status, int events)
{
    struct loop *loop = handle->data;
    uint64_t expirations = 0;
    (void)status; /* the descriptor is ours and cannot fail */
    (void)events;
    /* Only empties the descriptor; a setting in between makes it find nothing. */
    ssize_t got = read(loop->timer_fd, &expirations, sizeof expirations);
    (void)got;
    loop->firing_ms = clock_machine_ms();
    loop->firing = true;
    while (loop->timers.next != &loop->timers && loop->timers.next->due_ms <= loop->firing_ms) {
        struct loop_timer *timer = loop->timers.next;
        timer_unlink(timer);
        timer->fn(timer->ctx);
    }
    loop->firing = false;
    timers_arm(loop);
}

/* --- hand-over --- */

void loop_post(struct loop *loop, struct loop_item *item)
{
    assert(item->run != NULL);
    item->next = NULL;
    uv_mutex_lock(&loop->posted_lock);
    bool was_empty = loop->posted_first == NULL;
    if (was_empty) {
        loop->posted_first = item;
    } else {
        loop->posted_last->next = item;
    }
    loop->posted_last = item;
    if (was_empty) {
        /* Under the lock: the loop cannot end between the item and its wake-up. */
        (void)uv_async_send(&loop->wake);
    }
    uv_mutex_unlock(&loop->posted_lock);
}

/* Moves what is posted behind what is being run; false when there is nothing to run. */
static bool posted_take(struct loop *loop)
{
    if (loop->running == NULL) {
        uv_mutex_lock(&loop->posted_lock);
        loop->running = loop->posted_first;
        loop->posted_first = NULL;
        loop->posted_last = NULL;
        uv_mutex_unlock(&loop->posted_lock);
    }
    return loop->running != NULL;
}

/* Runs one list of items. An item may call loop_run_posted, so the rest is always in `running`. */
static void running_finish(struct loop *loop)
{
    while (loop->running != NULL) {
        struct loop_item *item = loop->running;
        loop->running = item->next;
        item->run(item);
    }
}

void loop_run_posted(struct loop *loop)
{
    running_finish(loop);
    if (posted_take(loop)) {
        running_finish(loop);
    }
}

static void wake_cb(uv_async_t *handle)
{
    struct loop *loop = handle->data;
    if (posted_take(loop)) {
        running_finish(loop);
    }
    if (atomic_load(&loop->stop)) {
        uv_stop(&loop->uv);
    }
}

void loop_stop(struct loop *loop)
{
    atomic_store(&loop->stop, true);
    (void)uv_async_send(&loop->wake); /* fails only on a closed loop */
}

/* --- turns --- */

void loop_on_turn_end(struct loop *loop, loop_turn_fn fn, void *ctx)
{
    loop->turn_fn = fn;
    loop->turn_ctx = ctx;
}

static void turn_end(struct loop *loop)
{
    if (loop->turn_fn != NULL) {
        loop->turn_fn(loop->turn_ctx);
    }
}

static void before_sleep_cb(uv_prepare_t *handle)
{
    turn_end(handle->data);
}

static void turn_limit_cb(uv_timer_t *handle)
{
    uv_stop(handle->loop); /* before 1.45 libuv runs timers first, and would sleep without end */
}

void loop_run(struct loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT); /* how many handles are left says nothing */
    atomic_store(&loop->stop, false);
    turn_end(loop);
}

void loop_turn(struct loop *loop, uint64_t wait_ms)
{
    if (wait_ms > 0) {
        uv_update_time(&loop->uv);
        int result = uv_timer_start(&loop->turn_limit, turn_limit_cb, wait_ms, 0);
        assert(result == 0);
    }
    (void)uv_run(&loop->uv, wait_ms > 0 ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    (void)uv_timer_stop(&loop->turn_limit); /* always succeeds */
    turn_end(loop);
}

/* --- signals --- */

static void signal_cb(uv_signal_t *handle, int number)
{
    struct loop_signal *entry = handle->data;
    entry->fn(entry->ctx, number);
}

enum err loop_on_signal(struct loop *loop, int number, loop_signal_fn fn, void *ctx)
{
    if (loop->signal_count == LOOP_SIGNALS_MAX) {
        return ERR_FULL;
    }
    struct loop_signal *entry = &loop->signals[loop->signal_count];
    int result = uv_signal_init(&loop->uv, &entry->handle);
    if (result != 0) {
        return loop_err(result);
    }
    loop->signal_count++; /* from here on loop_free closes it */
    entry->handle.data = entry;
    entry->fn = fn;
    entry->ctx = ctx;
    return loop_err(uv_signal_start(&entry->handle, signal_cb, number));
}

/* --- other libraries' descriptors --- */

struct loop_watch {
    uv_poll_t handle;
    struct loop *loop;
    loop_watch_fn fn;
    void *ctx;
};

static void watch_cb(uv_poll_t *handle, int status, int events)
{
    struct loop_watch *watch = handle->data;
    (void)status; /* an error is for the reader of the descriptor to find */
    (void)events;
    watch->fn(watch->ctx);
}

static void watch_closed_cb(uv_handle_t *handle)
{
    free(handle->data);
}

void loop_watch_stop(struct loop_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    watch->loop->watch_count--;
    uv_close((uv_handle_t *)&watch->handle, watch_closed_cb);
}

enum err loop_watch_start(struct loop *loop, int descriptor, loop_watch_fn fn, void *ctx,
                          struct loop_watch **ret_watch)
{
    struct loop_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) {
        return ERR_MEMORY;
    }
    *watch = (struct loop_watch){.loop = loop, .fn = fn, .ctx = ctx};
    int result = uv_poll_init(&loop->uv, &watch->handle, descriptor);
    if (result != 0) {
        free(watch);
        return loop_err(result);
    }
    watch->handle.data = watch;
    loop->watch_count++;
    result = uv_poll_start(&watch->handle, UV_READABLE, watch_cb);
    if (result != 0) {
        loop_watch_stop(watch);
        return loop_err(result);
    }
    *ret_watch = watch;
    return OK;
}

/* --- the thread pool --- */

struct loop_work {
    uv_work_t request;
    struct loop *loop;
    loop_work_fn work;
    loop_work_fn done;
    void *ctx;
};

static void work_cb(uv_work_t *request)
{
    struct loop_work *work = request->data;
    work->work(work->ctx);
}

static void work_done_cb(uv_work_t *request, int status)
{
    struct loop_work *work = request->data;
    assert(status == 0); /* nobody cancels work */
    work->loop->work_count--;
    work->done(work->ctx);
    free(work);
}

enum err loop_work(struct loop *loop, loop_work_fn work, loop_work_fn done, void *ctx)
{
    struct loop_work *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return ERR_MEMORY;
    }
    *made = (struct loop_work){.loop = loop, .work = work, .done = done, .ctx = ctx};
    made->request.data = made;
    int result = uv_queue_work(&loop->uv, &made->request, work_cb, work_done_cb);
    if (result != 0) {
        free(made);
        return loop_err(result);
    }
    loop->work_count++;
    return OK;
}

/* --- life --- */

/* The handles, in this order; on failure loop_new closes those that were made. */
static int handles_open(struct loop *loop)
{
    int result = uv_async_init(&loop->uv, &loop->wake, wake_cb);
    if (result == 0) {
        result = uv_prepare_init(&loop->uv, &loop->before_sleep);
    }
    if (result == 0) {
        result = uv_prepare_start(&loop->before_sleep, before_sleep_cb);
    }
    if (result == 0) {
        result = uv_timer_init(&loop->uv, &loop->turn_limit);
    }
    if (result == 0) {
        result = uv_poll_init(&loop->uv, &loop->timer_poll, loop->timer_fd);
    }
    if (result == 0) {
        result = uv_poll_start(&loop->timer_poll, UV_READABLE, timers_due_cb);
    }
    return result;
}

static void handle_close_cb(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

/* Closes what this file opened. Others' handles must be closing already. */
static void handles_close(struct loop *loop)
{
    uv_walk(&loop->uv, handle_close_cb, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    int result = uv_loop_close(&loop->uv);
    assert(result == 0);
}

enum err loop_new(struct loop **ret_loop)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) {
        return ERR_MEMORY;
    }
    (void)signal(SIGPIPE, SIG_IGN); /* cannot fail for this signal */
    loop->timers.prev = &loop->timers;
    loop->timers.next = &loop->timers;
    loop->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
    if (loop->timer_fd < 0) {
        goto no_timer;
    }
    if (uv_mutex_init(&loop->posted_lock) != 0) {
        goto no_mutex;
    }
    if (uv_loop_init(&loop->uv) != 0) {
        goto no_loop;
    }
    if (handles_open(loop) != 0) {
        handles_close(loop);
        goto no_loop;
    }
    loop->wake.data = loop;
    loop->before_sleep.data = loop;
    loop->timer_poll.data = loop;
    *ret_loop = loop;
    return OK;
no_loop:
    uv_mutex_destroy(&loop->posted_lock);
no_mutex:
    (void)close(loop->timer_fd); /* nothing is buffered in it */
no_timer:
    free(loop);
    return ERR_IO;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    loop->turn_fn = NULL;
    loop_children_kill(loop);
    while (loop->children != NULL || loop->work_count > 0) {
        (void)uv_run(&loop->uv, UV_RUN_ONCE);
    }
    loop_run_posted(loop);
    assert(loop->watch_count == 0);
    handles_close(loop);
    assert(loop->posted_first == NULL);
    uv_mutex_destroy(&loop->posted_lock);
    (void)close(loop->timer_fd); /* nothing is buffered in it */
    free(loop);
}
