/* The one loop thread of a daemon: timers, hand-over from other threads, descriptors of other
 * libraries, signals, the thread pool and child processes. libuv, wrapped: nothing outside lib/io
 * sees its header.
 *
 * A turn: whatever is due or was posted is run, then the end-of-turn function, then the loop
 * sleeps. The end of the turn is where a daemon commits and answers (group commit). Everything here
 * is for the loop thread (the one that calls loop_run, or, before that, the one that set up),
 * except loop_post and loop_stop, which any thread may call. Nothing is durable. */
#ifndef REFERRAL_IO_LOOP_H
#define REFERRAL_IO_LOOP_H

#include <stdbool.h>

#include "base/bytes.h"

struct loop;

/* Ignores SIGPIPE for the process. ERR_MEMORY, ERR_IO. */
enum err loop_new(struct loop **ret_loop) MUST_CHECK;
/* Runs what was posted and not yet run, then closes all that is left. Every thread that posts must
 * have ended its posting before (stop links first). NULL allowed. */
void loop_free(struct loop *loop);

/* Returns after loop_stop, at the end of that turn. May be called again. */
void loop_run(struct loop *loop);
/* One turn: waits for an event, at most `wait_ms`, runs what is ready. For tests and small tools.
 */
void loop_turn(struct loop *loop, uint64_t wait_ms);
void loop_stop(struct loop *loop); /* any thread */

/* --- end of a turn --- */

typedef void (*loop_turn_fn)(void *ctx);
/* One function, called each time before the loop sleeps. NULL for none. */
void loop_on_turn_end(struct loop *loop, loop_turn_fn fn, void *ctx);

/* --- hand-over from any thread --- */

/* Embedded in the poster's object, which must live until `run` was called; `run` may free it. */
struct loop_item {
    struct loop_item *next; /* of the queue; the poster does not touch it */
    void (*run)(struct loop_item *item);
};

/* Runs item->run on the loop thread, in the order of posting. Any thread, never blocks for long;
 * an item must not be posted again before it ran. */
void loop_post(struct loop *loop, struct loop_item *item);
/* Runs at once what has been posted so far: for a shutdown, after the posters were stopped. */
void loop_run_posted(struct loop *loop);

/* --- timers, on the machine's boot clock (clock_machine_ms) --- */

typedef void (*loop_timer_fn)(void *ctx);

/* Embedded by the owner; all fields are the loop's. */
struct loop_timer {
    struct loop *loop;              /* borrowed */
    struct loop_timer *prev, *next; /* by due_ms, then by order of setting */
    loop_timer_fn fn;
    void *ctx;
    uint64_t due_ms;
    bool set;
};

void loop_timer_init(struct loop *loop, struct loop_timer *timer, loop_timer_fn fn, void *ctx);
/* Fires once, in the first turn at or after `due_ms`; setting again moves it. UINT64_MAX clears. */
void loop_timer_set(struct loop_timer *timer, uint64_t due_ms);
void loop_timer_after(struct loop_timer *timer, uint64_t wait_ms); /* from now */
/* Required before the owner's memory goes; harmless when not set or zeroed. */
void loop_timer_clear(struct loop_timer *timer);

/* --- other libraries' descriptors --- */

typedef void (*loop_watch_fn)(void *ctx);
struct loop_watch;
/* Calls fn(ctx) in each turn in which `descriptor` has something to read, an end or an error, as
 * long as it has: whoever watches reads it empty. For a library that waits on one descriptor (an
 * epoll instance). The descriptor stays the caller's and must outlive the watch; at most one watch
 * a descriptor. ERR_MEMORY; ERR_IO for what cannot be waited for, such as a plain file. */
enum err loop_watch_start(struct loop *loop, int descriptor, loop_watch_fn fn, void *ctx,
                          struct loop_watch **ret_watch) MUST_CHECK;
/* No call comes after it, also when called by `fn`. Before loop_free. NULL allowed. */
void loop_watch_stop(struct loop_watch *watch);

/* --- signals --- */

typedef void (*loop_signal_fn)(void *ctx, int signal);
/* From now on the signal is a call on the loop thread, at most one function a signal, at most 8. */
enum err loop_on_signal(struct loop *loop, int number, loop_signal_fn fn, void *ctx) MUST_CHECK;

/* --- the thread pool --- */

typedef void (*loop_work_fn)(void *ctx);
/* `work` on a pool thread, then `done` on the loop thread. Always both. ERR_MEMORY. */
enum err loop_work(struct loop *loop, loop_work_fn work, loop_work_fn done, void *ctx) MUST_CHECK;

/* --- child processes --- */

struct loop_child_result {
    enum err error;  /* OK when it ran; ERR_TIMEOUT when it was ended; ERR_IO when it never began */
    int exit_status; /* when it ended by itself */
    int signal;      /* 0, or the signal that ended it */
};

typedef void (*loop_child_fn)(void *ctx, const struct loop_child_result *result);

struct loop_child_options {
    const char *const *argv;        /* NULL-terminated; argv[0] is an absolute path; copied */
    const char *const *environment; /* NULL-terminated; NULL: PATH and LANG only; copied */
    struct span input;              /* written to its standard input, then closed; copied */
    uint64_t timeout_ms;            /* SIGTERM to its process group then, SIGKILL 2 s later */
    loop_child_fn done; /* called once, on the loop thread, also when loop_free ends it */
    void *ctx;
};

/* Standard output goes to /dev/null, standard error is ours. ERR_NOT_FOUND when the program is not
 * there or not executable, ERR_MEMORY, ERR_IO; `done` is called only after OK. */
enum err loop_child_start(struct loop *loop, const struct loop_child_options *options) MUST_CHECK;

#endif
