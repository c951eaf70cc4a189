/* The loop: order of timers, hand-over from several threads, turns, signals, pool, children. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "io/clock.h"
#include "io/loop.h"
#include "io_support.h"

static struct loop *new_loop(void)
{
    struct loop *loop = NULL;
    ck_assert_int_eq(loop_new(&loop), OK);
    return loop;
}

static bool count_reached(void *ctx)
{
    const int *counts = ctx;
    return counts[0] >= counts[1];
}

/* --- timers --- */

struct firing {
    char order[16];
    int counts[2]; /* fired, expected */
    struct loop *loop;
    struct loop_timer timer[4];
    struct firing_timer {
        struct firing *firing;
        char name;
    } names[4];
};

static void fired_cb(void *ctx)
{
    struct firing_timer *name = ctx;
    name->firing->order[name->firing->counts[0]++] = name->name;
}

static void firing_init(struct firing *firing, int expected)
{
    memset(firing, 0, sizeof *firing);
    firing->counts[1] = expected;
    firing->loop = new_loop();
    for (int i = 0; i < 4; i++) {
        firing->names[i] = (struct firing_timer){firing, (char)('a' + i)};
        loop_timer_init(firing->loop, &firing->timer[i], fired_cb, &firing->names[i]);
    }
}

START_TEST(timers_fire_by_time_then_by_setting)
{
    struct firing firing;
    firing_init(&firing, 4);
    uint64_t now = clock_machine_ms();
    loop_timer_set(&firing.timer[0], now + 30);
    loop_timer_set(&firing.timer[1], now + 10);
    loop_timer_set(&firing.timer[2], now + 10);
    loop_timer_set(&firing.timer[3], 0); /* long past */
    ck_assert(loop_until(firing.loop, count_reached, firing.counts, 2000));
    ck_assert_str_eq(firing.order, "dbca");
    ck_assert_uint_ge(clock_machine_ms(), now + 30);
    loop_free(firing.loop);
}
END_TEST

START_TEST(timers_that_are_cleared_or_moved_do_not_fire_early)
{
    struct firing firing;
    firing_init(&firing, 2);
    loop_timer_after(&firing.timer[0], 5);
    loop_timer_after(&firing.timer[1], 10);
    loop_timer_after(&firing.timer[2], 1);
    loop_timer_after(&firing.timer[0], 20);       /* moved behind b */
    loop_timer_set(&firing.timer[2], UINT64_MAX); /* cleared */
    loop_timer_clear(&firing.timer[3]);           /* never set */
    ck_assert(loop_until(firing.loop, count_reached, firing.counts, 2000));
    ck_assert_str_eq(firing.order, "ba");
    loop_free(firing.loop);
}
END_TEST

static void again_cb(void *ctx)
{
    struct firing *firing = ctx;
    firing->counts[0]++;
    loop_timer_set(&firing->timer[0], 0); /* at once, for ever */
}

START_TEST(timer_that_sets_itself_does_not_starve_the_loop)
{
    struct firing firing;
    firing_init(&firing, 1);
    loop_timer_init(firing.loop, &firing.timer[0], again_cb, &firing);
    loop_timer_set(&firing.timer[0], 0);
    ck_assert(loop_until(firing.loop, count_reached, firing.counts, 2000));
    ck_assert_int_le(firing.counts[0], 2);
    loop_timer_clear(&firing.timer[0]);
    loop_free(firing.loop);
}
END_TEST

/* --- hand-over --- */

#define POSTERS     4
#define POSTS_EACH  20000
#define POSTS_TOTAL (POSTERS * POSTS_EACH)

struct post {
    struct loop_item item;
    int poster;
    int number;
    struct posting *posting;
};

struct posting {
    int counts[2];
    int turns;
    int turn_pending; /* posts run since the last end of a turn */
    int last[POSTERS];
    bool ordered;
    struct loop *loop;
    struct post posts[POSTERS][POSTS_EACH];
};

static void post_run(struct loop_item *item)
{
    struct post *post = (struct post *)item;
    struct posting *posting = post->posting;
    posting->ordered = posting->ordered && post->number == posting->last[post->poster] + 1;
    posting->last[post->poster] = post->number;
    posting->counts[0]++;
    posting->turn_pending++;
}

static void *poster_thread(void *argument)
{
    struct post *posts = argument;
    for (int i = 0; i < POSTS_EACH; i++) {
        loop_post(posts[i].posting->loop, &posts[i].item);
    }
    return NULL;
}

static void posting_turn_cb(void *ctx)
{
    struct posting *posting = ctx;
    posting->turns += posting->turn_pending > 0;
    posting->turn_pending = 0;
}

START_TEST(posts_of_every_thread_run_once_in_their_order)
{
    pthread_t threads[POSTERS];
    struct posting *posting = calloc(1, sizeof *posting);
    ck_assert_ptr_nonnull(posting);
    posting->loop = new_loop();
    posting->counts[1] = POSTS_TOTAL;
    posting->ordered = true;
    loop_on_turn_end(posting->loop, posting_turn_cb, posting);
    for (int t = 0; t < POSTERS; t++) {
        posting->last[t] = -1;
        for (int i = 0; i < POSTS_EACH; i++) {
            posting->posts[t][i] = (struct post){{NULL, post_run}, t, i, posting};
        }
        ck_assert_int_eq(pthread_create(&threads[t], NULL, poster_thread, posting->posts[t]), 0);
    }
    ck_assert(loop_until(posting->loop, count_reached, posting->counts, 60000));
    for (int t = 0; t < POSTERS; t++) {
        ck_assert_int_eq(pthread_join(threads[t], NULL), 0);
    }
    ck_assert_int_eq(posting->counts[0], POSTS_TOTAL);
    ck_assert(posting->ordered);
    ck_assert_int_eq(posting->turn_pending, 0); /* every item was followed by an end of its turn */
    ck_assert_int_ge(posting->turns, 1);
    loop_free(posting->loop);
    free(posting);
}
END_TEST

static struct post nested_second;

static void nested_run(struct loop_item *item)
{
    struct post *post = (struct post *)item;
    loop_run_posted(post->posting->loop); /* runs the second before the first has ended */
    ck_assert_int_eq(post->posting->counts[0], 1);
}

START_TEST(run_posted_within_an_item_loses_none)
{
    struct posting *posting = calloc(1, sizeof *posting);
    ck_assert_ptr_nonnull(posting);
    struct post first = {{NULL, nested_run}, 0, 0, posting};
    posting->loop = new_loop();
    posting->last[1] = -1;
    nested_second = (struct post){{NULL, post_run}, 1, 0, posting};
    loop_post(posting->loop, &first.item);
    loop_post(posting->loop, &nested_second.item);
    loop_run_posted(posting->loop);
    ck_assert_int_eq(posting->counts[0], 1);
    loop_free(posting->loop);
    free(posting);
}
END_TEST

START_TEST(free_runs_what_was_posted)
{
    struct posting *posting = calloc(1, sizeof *posting);
    ck_assert_ptr_nonnull(posting);
    struct post only = {{NULL, post_run}, 0, 1, posting};
    posting->loop = new_loop();
    loop_post(posting->loop, &only.item);
    loop_free(posting->loop);
    ck_assert_int_eq(posting->counts[0], 1);
    free(posting);
}
END_TEST

static void *stopper_thread(void *argument)
{
    loop_stop(argument);
    return NULL;
}

START_TEST(stop_from_another_thread_ends_the_run_with_a_turn)
{
    pthread_t thread;
    struct posting *posting = calloc(1, sizeof *posting);
    ck_assert_ptr_nonnull(posting);
    struct loop *loop = new_loop();
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(pthread_create(&thread, NULL, stopper_thread, loop), 0);
        loop_run(loop);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
    }
    loop_free(loop);
    free(posting);
}
END_TEST

/* --- other libraries' descriptors --- */

struct watching {
    struct loop_watch *watch;
    int ends[2];
    int counts[2]; /* bytes read, expected */
    int calls;
    int stop_after; /* calls; 0: never */
};

static void readable_cb(void *ctx)
{
    struct watching *watching = ctx;
    char byte = 0;
    watching->calls++;
    if (read(watching->ends[0], &byte, 1) == 1) {
        watching->counts[0]++;
    }
    if (watching->calls == watching->stop_after) {
        loop_watch_stop(watching->watch);
        watching->watch = NULL;
    }
}

static void watching_init(struct watching *watching, struct loop *loop, int expected)
{
    *watching = (struct watching){.counts = {0, expected}};
    ck_assert_int_eq(pipe2(watching->ends, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(
        loop_watch_start(loop, watching->ends[0], readable_cb, watching, &watching->watch), OK);
}

static void watching_fini(struct watching *watching)
{
    loop_watch_stop(watching->watch);
    ck_assert_int_eq(close(watching->ends[0]), 0);
    ck_assert_int_eq(close(watching->ends[1]), 0);
}

static struct timespec late; /* the machine has others to run between two lines of ours */

int __real_uv_run(uv_loop_t *loop, uv_run_mode mode);
int __wrap_uv_run(uv_loop_t *loop, uv_run_mode mode);

int __wrap_uv_run(uv_loop_t *loop, uv_run_mode mode)
{
    struct timespec left = late;
    while (nanosleep(&left, &left) != 0) { /* a child that ends is a signal */
        ck_assert_int_eq(errno, EINTR);
    }
    return __real_uv_run(loop, mode);
}

/* Before 1.45 libuv runs timers before it sleeps: the one that bounds the turn was over by then. */
START_TEST(a_turn_begun_late_slept_without_end)
{
    struct loop *loop = new_loop();
    late.tv_nsec = 5000000;
    for (int i = 0; i < 3; i++) {
        loop_turn(loop, 1);
    }
    late.tv_nsec = 0;
    loop_free(loop);
}
END_TEST

START_TEST(descriptor_is_watched_until_it_is_empty)
{
    struct loop *loop = new_loop();
    struct watching watching;
    watching_init(&watching, loop, 3);
    loop_turn(loop, 0);
    ck_assert_int_eq(watching.calls, 0);
    ck_assert_int_eq(write(watching.ends[1], "abc", 3), 3); /* one byte is read in a call */
    ck_assert(loop_until(loop, count_reached, watching.counts, 2000));
    loop_turn(loop, 0);
    ck_assert_int_eq(watching.calls, 3);
    watching_fini(&watching);
    loop_free(loop);
}
END_TEST

START_TEST(watch_may_stop_itself_and_start_again)
{
    struct loop *loop = new_loop();
    struct watching watching;
    watching_init(&watching, loop, 2);
    watching.stop_after = 2;
    ck_assert_int_eq(write(watching.ends[1], "abcd", 4), 4);
    ck_assert(loop_until(loop, count_reached, watching.counts, 2000));
    for (int i = 0; i < 3; i++) {
        loop_turn(loop, 0);
    }
    ck_assert_int_eq(watching.calls, 2);
    watching.counts[1] = 4;
    ck_assert_int_eq(
        loop_watch_start(loop, watching.ends[0], readable_cb, &watching, &watching.watch), OK);
    ck_assert(loop_until(loop, count_reached, watching.counts, 2000));
    watching_fini(&watching);
    loop_free(loop);
}
END_TEST

START_TEST(plain_file_cannot_be_watched)
{
    struct loop *loop = new_loop();
    struct loop_watch *watch = NULL;
    FILE *file = tmpfile();
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(loop_watch_start(loop, fileno(file), readable_cb, NULL, &watch), ERR_IO);
    ck_assert_ptr_null(watch);
    ck_assert_int_eq(fclose(file), 0);
    loop_free(loop);
}
END_TEST

/* --- signals and pool --- */

static void signal_seen(void *ctx, int number)
{
    int *counts = ctx;
    counts[0] += number == SIGUSR1 || number == SIGHUP;
}

START_TEST(signals_become_calls)
{
    int counts[2] = {0, 2};
    struct loop *loop = new_loop();
    ck_assert_int_eq(loop_on_signal(loop, SIGUSR1, signal_seen, counts), OK);
    ck_assert_int_eq(loop_on_signal(loop, SIGHUP, signal_seen, counts), OK);
    ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
    ck_assert_int_eq(kill(getpid(), SIGHUP), 0);
    ck_assert(loop_until(loop, count_reached, counts, 2000));
    for (int i = 2; i < 8; i++) {
        ck_assert_int_eq(loop_on_signal(loop, SIGUSR2, signal_seen, counts), OK);
    }
    ck_assert_int_eq(loop_on_signal(loop, SIGUSR2, signal_seen, counts), ERR_FULL);
    loop_free(loop);
}
END_TEST

struct job {
    pthread_t worked_on;
    pthread_t done_on;
    int counts[2];
};

static void job_work(void *ctx)
{
    struct job *job = ctx;
    job->worked_on = pthread_self();
}

static void job_done(void *ctx)
{
    struct job *job = ctx;
    job->done_on = pthread_self();
    job->counts[0]++;
}

START_TEST(work_runs_on_the_pool_and_ends_on_the_loop)
{
    struct job job = {.counts = {0, 1}};
    struct loop *loop = new_loop();
    ck_assert_int_eq(loop_work(loop, job_work, job_done, &job), OK);
    ck_assert(loop_until(loop, count_reached, job.counts, 5000));
    ck_assert(!pthread_equal(job.worked_on, pthread_self()));
    ck_assert(pthread_equal(job.done_on, pthread_self()));
    ck_assert_int_eq(loop_work(loop, job_work, job_done, &job), OK);
    loop_free(loop); /* waits for it */
    ck_assert_int_eq(job.counts[0], 2);
}
END_TEST

/* --- children --- */

struct child_seen {
    int counts[2];
    struct loop_child_result result;
};

static void child_done(void *ctx, const struct loop_child_result *result)
{
    struct child_seen *seen = ctx;
    seen->counts[0]++;
    seen->result = *result;
}

static struct child_seen child_play(const char *script, const char *folder, struct span input,
                                    uint64_t timeout_ms)
{
    struct child_seen seen = {.counts = {0, 1}};
    struct loop *loop = new_loop();
    struct loop_child_options options = {
        .argv = (const char *const[]){"/bin/sh", "-c", script, "sh", folder, NULL},
        .input = input,
        .timeout_ms = timeout_ms,
        .done = child_done,
        .ctx = &seen,
    };
    ck_assert_int_eq(loop_child_start(loop, &options), OK);
    ck_assert(loop_until(loop, count_reached, seen.counts, 20000));
    loop_free(loop);
    ck_assert_int_eq(seen.counts[0], 1);
    return seen;
}

START_TEST(child_reads_its_input_and_its_status_is_told)
{
    char folder[PATH_BYTES];
    static char text[300000];
    folder_new(folder);
    memset(text, 'x', sizeof text);
    struct span input = span_of(text, sizeof text);
    /* Exit 7 only when every byte came, the environment is ours and standard output is null. */
    struct child_seen seen = child_play("test $(wc -c) = 300000 && test -z \"$HOME$USER\" && "
                                        "test \"$LANG\" = C.UTF-8 && echo out && exit 7",
                                        folder, input, 15000);
    ck_assert_int_eq(seen.result.error, OK);
    ck_assert_int_eq(seen.result.exit_status, 7);
    ck_assert_int_eq(seen.result.signal, 0);
    seen = child_play("exec 0<&-; exit 3", folder, input, 15000); /* reads nothing */
    ck_assert_int_eq(seen.result.error, OK);
    ck_assert_int_eq(seen.result.exit_status, 3);
    folder_remove(folder);
}
END_TEST

START_TEST(child_that_takes_too_long_is_ended_with_all_it_began)
{
    char folder[PATH_BYTES];
    char pid_path[PATH_BYTES];
    int pid = 0;
    folder_new(folder);
    path_in(pid_path, folder, "pid");
    uint64_t start_ms = now_ms();
    struct child_seen seen =
        child_play("sleep 60 & echo $! > $1/pid; wait", folder, span_of(NULL, 0), 300);
    ck_assert_int_eq(seen.result.error, ERR_TIMEOUT);
    ck_assert_int_eq(seen.result.signal, SIGTERM);
    ck_assert_uint_lt(now_ms() - start_ms, 10000);
    FILE *file = fopen(pid_path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%d", &pid), 1);
    ck_assert_int_eq(fclose(file), 0);
    for (int i = 0; i < 200 && kill(pid, 0) == 0; i++) {
        char state[PATH_BYTES]; /* a zombie nobody reaps in a container counts as ended */
        (void)snprintf(state, sizeof state, "/proc/%d/exe", pid);
        if (access(state, F_OK) != 0) {
            break;
        }
        (void)usleep(10000);
        ck_assert_int_lt(i, 199);
    }
    folder_remove(folder);
}
END_TEST

START_TEST(child_that_ignores_the_term_signal_is_killed)
{
    struct child_seen seen =
        child_play("trap '' TERM; while :; do sleep 1; done", "-", span_of(NULL, 0), 200);
    ck_assert_int_eq(seen.result.error, ERR_TIMEOUT);
    ck_assert_int_eq(seen.result.signal, SIGKILL);
}
END_TEST

START_TEST(child_that_is_not_there_is_refused)
{
    struct child_seen seen = {.counts = {0, 1}};
    struct loop *loop = new_loop();
    struct loop_child_options options = {.done = child_done, .ctx = &seen, .timeout_ms = 1000};
    options.argv = (const char *const[]){"/nonexistent/hook", NULL};
    ck_assert_int_eq(loop_child_start(loop, &options), ERR_NOT_FOUND);
    options.argv = (const char *const[]){"/etc/passwd", NULL};
    ck_assert_int_eq(loop_child_start(loop, &options), ERR_NOT_FOUND);
    loop_free(loop);
    ck_assert_int_eq(seen.counts[0], 0);
}
END_TEST

START_TEST(free_ends_a_running_child)
{
    struct child_seen seen = {.counts = {0, 1}};
    struct loop *loop = new_loop();
    struct loop_child_options options = {.argv = (const char *const[]){"/bin/sleep", "60", NULL},
                                         .done = child_done,
                                         .ctx = &seen,
                                         .timeout_ms = 60000};
    ck_assert_int_eq(loop_child_start(loop, &options), OK);
    loop_free(loop);
    ck_assert_int_eq(seen.counts[0], 1);
    ck_assert_int_eq(seen.result.signal, SIGKILL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io.loop");
    TCase *tests = tcase_create("loop");
    tcase_set_timeout(tests, 20);
    tcase_add_test(tests, timers_fire_by_time_then_by_setting);
    tcase_add_test(tests, timers_that_are_cleared_or_moved_do_not_fire_early);
    tcase_add_test(tests, timer_that_sets_itself_does_not_starve_the_loop);
    tcase_add_test(tests, posts_of_every_thread_run_once_in_their_order);
    tcase_add_test(tests, run_posted_within_an_item_loses_none);
    tcase_add_test(tests, free_runs_what_was_posted);
    tcase_add_test(tests, stop_from_another_thread_ends_the_run_with_a_turn);
    tcase_add_test(tests, signals_become_calls);
    tcase_add_test(tests, a_turn_begun_late_slept_without_end);
    tcase_add_test(tests, descriptor_is_watched_until_it_is_empty);
    tcase_add_test(tests, watch_may_stop_itself_and_start_again);
    tcase_add_test(tests, plain_file_cannot_be_watched);
    tcase_add_test(tests, work_runs_on_the_pool_and_ends_on_the_loop);
    tcase_add_test(tests, child_reads_its_input_and_its_status_is_told);
    tcase_add_test(tests, child_that_takes_too_long_is_ended_with_all_it_began);
    tcase_add_test(tests, child_that_ignores_the_term_signal_is_killed);
    tcase_add_test(tests, child_that_is_not_there_is_refused);
    tcase_add_test(tests, free_ends_a_running_child);
    suite_add_tcase(suite, tests);
    return suite_main(suite);
}
