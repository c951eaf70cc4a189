/* The command `watch` on a terminal: one page about the broker that is always new. Two connections
 * to its status socket: one asks the four questions in turn every two seconds, and soon after an
 * event; the other has the events. Whichever is lost first says so on the page at once; both are
 * opened again by themselves, and the events go on where they stood. watch_print.c has what it is
 * without a terminal. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/feed.h"
#include "cli/screen.h"
#include "cli/watch.h"
#include "io/clock.h"

#define ROUND_MS   2000u /* from one round of questions to the next */
#define SOON_MS    200u  /* after an event: several come together */
#define ANSWER_MS  3000u /* a broker that takes longer is stuck */
#define CONNECT_MS 200u
#define RETRY_MS   500u
#define TICK_MS    1000u /* the clock on the page goes on */

struct asker {
    struct local_stream *stream; /* owned; NULL: not connected */
    unsigned next;               /* the question to put */
    bool waits;                  /* for its answer */
    uint64_t due_ms;             /* its answer; or the next round, or try */
};

struct watch {
    const char *path; /* borrowed */
    struct watch_state state;
    struct asker asker;
    struct feed feed;
    char refusal[160]; /* of the last question */
    unsigned columns, rows;
    bool help, dirty;
    uint64_t drawn_ms;
    int ended_by; /* a signal; 0: none, -1: by a key */
};

static struct clock wall; /* without offsets: only what the page calls the time of a loss */

/* --- the questions --- */

static void lost(struct watch *watch, const char *why, uint64_t now_ms)
{
    struct asker *asker = &watch->asker;

    local_close(asker->stream);
    asker->stream = NULL;
    asker->waits = false;
    asker->next = 0;
    asker->due_ms = now_ms + RETRY_MS;
    if (watch->state.reachable || watch->state.lost_ms == 0) {
        watch->state.lost_ms = clock_wall_ms(&wall);
    }
    watch->state.reachable = false;
    text_copy(watch->state.why, sizeof(watch->state.why), why);
    watch->dirty = true;
}

static enum err put_question(struct asker *asker)
{
    struct call call;
    enum err error;

    watch_question(&call, (enum watch_answer)asker->next);
    json_object_end(&call.writer);
    error = json_writer_end(&call.writer);
    if (error == OK) {
        error = local_send(asker->stream, span_buf(&call.request), CONNECT_MS);
    }
    call_free(&call);
    return error;
}

static enum err ask(struct watch *watch, uint64_t now_ms)
{
    struct asker *asker = &watch->asker;
    enum err error = OK;

    if (asker->stream == NULL) {
        error = local_open(watch->path, CONNECT_MS, &asker->stream);
    }
    if (error == OK) {
        error = put_question(asker);
    }
    asker->waits = error == OK;
    asker->due_ms = now_ms + ANSWER_MS;
    return error;
}

/* The answer that has come, if it is whole. ERR_TIMEOUT: not yet. */
static enum err take_answer(struct watch *watch, uint64_t now_ms)
{
    struct asker *asker = &watch->asker;
    struct buf line;
    enum err error;

    buf_init(&line, LIMIT_LOCAL_LINE_BYTES);
    error = local_receive(asker->stream, 0, &line);
    if (error == OK) {
        error = watch_state_answer(&watch->state, (enum watch_answer)asker->next, span_buf(&line));
        if (error == ERR_INVALID) {
            watch_refusal(span_buf(&line), watch->refusal, sizeof(watch->refusal));
        }
    }
    buf_free(&line);
    if (error != OK) {
        return error;
    }
    asker->waits = false;
    asker->next = (asker->next + 1) % WATCH_ANSWERS;
    asker->due_ms = asker->next == 0 ? now_ms + ROUND_MS : now_ms;
    watch->dirty = watch->dirty || asker->next == 0;
    watch->state.reachable = watch->state.reachable || asker->next == 0;
    return OK;
}

static void step_asker(struct watch *watch, uint64_t now_ms)
{
    struct asker *asker = &watch->asker;
    enum err error = OK;

    for (unsigned i = 0; error == OK && i < WATCH_ANSWERS; i++) { /* a round at the most */
        error = asker->waits ? take_answer(watch, now_ms) : OK;
        if (error == OK && !asker->waits && now_ms >= asker->due_ms) {
            error = ask(watch, now_ms);
        }
    }
    if (error == ERR_INVALID) {
        lost(watch, watch->refusal, now_ms);
    } else if (error != OK && (error != ERR_TIMEOUT || now_ms >= asker->due_ms)) {
        lost(watch, call_silence(watch->path, error), now_ms);
    }
}

/* --- the events --- */

static void step_feed(struct watch *watch, uint64_t now_ms)
{
    enum feed_news news = feed_next(&watch->feed, now_ms);

    while (news != FEED_NOTHING) {
        if (news == FEED_EVENT) {
            if (watch_state_event(&watch->state, span_buf(&watch->feed.line)) != OK) {
                return; /* no memory for one more: the next comes */
            }
            if (!watch->asker.waits && watch->asker.due_ms > now_ms + SOON_MS) {
                watch->asker.due_ms = now_ms + SOON_MS;
            }
            watch->dirty = true;
        } else if (news == FEED_LOST) {
            lost(watch, watch->feed.why, now_ms);
        } else if (news == FEED_REFUSED) {
            watch_refusal(span_buf(&watch->feed.line), watch->state.no_events,
                          sizeof(watch->state.no_events));
            watch->dirty = true;
        } else if (news == FEED_OPENED && !watch->asker.waits) {
            watch->asker.due_ms = now_ms;
        }
        news = feed_next(&watch->feed, now_ms);
    }
}

/* --- the page --- */

static enum err draw(struct watch *watch, uint64_t now_ms)
{
    struct frame frame;
    enum err error;

    frame_begin(&frame, watch->columns, screen_colour());
    if (watch->help) {
        watch_draw_help(&frame, watch->rows);
    } else {
        watch_draw(&watch->state, &frame, watch->rows);
    }
    error = screen_show(&frame, watch->rows);
    frame_free(&frame);
    watch->dirty = false;
    watch->drawn_ms = now_ms;
    return error;
}

static void take_key(struct watch *watch)
{
    char key = '\0';
    ssize_t got = read(STDIN_FILENO, &key, 1);

    if (got <= 0) {
        watch->ended_by = SIGHUP; /* the terminal went away */
    } else if (key == 'q' || key == 'Q') {
        watch->ended_by = -1;
    } else {
        watch->help = !watch->help && key == '?';
        watch->dirty = true;
    }
}

static void take_signal(struct watch *watch)
{
    int number = screen_signal();

    if (number == SIGWINCH) {
        screen_size(&watch->columns, &watch->rows);
        watch->dirty = true;
    } else if (number != 0) {
        watch->ended_by = number;
    }
}

static int time_left(const struct watch *watch, uint64_t now_ms)
{
    uint64_t due_ms = watch->drawn_ms + TICK_MS;

    due_ms = watch->asker.due_ms < due_ms ? watch->asker.due_ms : due_ms;
    due_ms = feed_due_ms(&watch->feed) < due_ms ? feed_due_ms(&watch->feed) : due_ms;
    return due_ms <= now_ms ? 0 : (int)(due_ms - now_ms); /* at most a tick */
}

static void wait_for_something(struct watch *watch, uint64_t now_ms)
{
    struct asker *asker = &watch->asker;
    struct pollfd ready[] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = screen_signals(), .events = POLLIN},
        {.fd = asker->stream != NULL ? local_descriptor(asker->stream) : -1, .events = POLLIN},
        {.fd = feed_descriptor(&watch->feed), .events = POLLIN},
    };

    if (poll(ready, sizeof(ready) / sizeof(ready[0]), time_left(watch, now_ms)) <= 0) {
        return;
    }
    if (ready[0].revents != 0) {
        take_key(watch);
    }
    if (ready[1].revents != 0) {
        take_signal(watch);
    }
    if (ready[2].revents != 0 && !asker->waits) {
        lost(watch, call_silence(watch->path, ERR_CLOSED), now_ms); /* nothing was asked */
    }
}

static int watch_on_screen(struct watch *watch)
{
    enum err error = screen_open();

    screen_size(&watch->columns, &watch->rows);
    text_copy(watch->state.why, sizeof(watch->state.why), "not asked yet");
    while (error == OK && watch->ended_by == 0) {
        uint64_t now_ms = clock_machine_ms();

        watch->state.now_ms = now_ms;
        step_feed(watch, now_ms);
        step_asker(watch, now_ms);
        if (watch->dirty || now_ms >= watch->drawn_ms + TICK_MS) {
            error = draw(watch, now_ms);
        }
        if (error == OK) {
            wait_for_something(watch, now_ms);
        }
    }
    screen_close();
    if (error != OK) {
        fprintf(stderr, "referralctl: the terminal cannot be used: %s\n", err_text(error));
        return EXIT_FAILED;
    }
    if (watch->ended_by > 0) {
        (void)raise(watch->ended_by); /* as if it had not been caught, for whoever waits */
    }
    return EXIT_OK;
}

int watch_run(const struct invocation *invocation)
{
    struct watch *watch;
    char path[CONTEXT_PATH_BYTES];
    int status = call_socket(invocation, BROKER_SOCKET, path);

    if (status != EXIT_OK) {
        return status;
    }
    if (invocation_has(invocation, OPTION_FOLLOW)) {
        return watch_follow(invocation, path);
    }
    if (invocation_has(invocation, OPTION_AFTER)) {
        return output_misused(invocation, OPTION_AFTER, "goes with --follow");
    }
    if (invocation_has(invocation, OPTION_ONCE) || invocation_has(invocation, OPTION_JSON) ||
        !screen_possible()) {
        return watch_once(invocation, path);
    }
    watch = calloc(1, sizeof(*watch));
    if (watch == NULL) {
        fprintf(stderr, "referralctl: no memory for the page\n");
        return EXIT_FAILED;
    }
    watch_state_init(&watch->state);
    feed_init(&watch->feed, path, FEED_FROM_NOW, WATCH_EVENTS);
    watch->path = path;
    status = watch_on_screen(watch);
    local_close(watch->asker.stream);
    feed_free(&watch->feed);
    watch_state_free(&watch->state);
    free(watch);
    return status;
}
