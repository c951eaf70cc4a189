/* What `watch` is without a terminal: one page, or events as lines. See watch.h. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/feed.h"
#include "cli/input.h"
#include "cli/screen.h"
#include "cli/watch.h"
#include "io/clock.h"

#define EVENTS_MS 4000u /* to wait for the events of one page */
#define WITHIN    3u    /* working days */

static const char *const questions[WATCH_ANSWERS] = {[WATCH_STATUS] = "status",
                                                     [WATCH_AGENCIES] = "agencies",
                                                     [WATCH_QUEUE] = "queue",
                                                     [WATCH_DUE] = "due"};

static int no_memory(void)
{
    fprintf(stderr, "referralctl: no memory for the page\n");
    return EXIT_FAILED;
}

void watch_question(struct call *call, enum watch_answer which)
{
    call_begin(call, questions[which]);
    if (which == WATCH_DUE) {
        call_u64(call, "within", WITHIN);
    }
}

/* The next news of the stream, waiting for it until then. FEED_NOTHING: it did not come. */
static enum feed_news await_news(struct feed *feed, uint64_t until_ms)
{
    for (;;) { /* until then at the most */
        uint64_t now_ms = clock_machine_ms();
        enum feed_news news = feed_next(feed, now_ms);
        struct pollfd ready = {.fd = feed_descriptor(feed), .events = POLLIN};
        uint64_t due_ms = feed_due_ms(feed) < until_ms ? feed_due_ms(feed) : until_ms;

        if (news != FEED_NOTHING || now_ms >= until_ms) {
            return news;
        }
        due_ms = due_ms > now_ms ? due_ms - now_ms : 0;
        (void)poll(&ready, 1, due_ms < INT32_MAX ? (int)due_ms : INT32_MAX); /* asked again */
    }
}

/* --- one page --- */

static int ask(const struct invocation *invocation, struct watch_state *state,
               enum watch_answer which)
{
    struct call call;
    int status;

    watch_question(&call, which);
    status = call_end(&call, invocation, BROKER_SOCKET);
    if (status == EXIT_OK && watch_state_answer(state, which, span_buf(&call.reply)) != OK) {
        status = no_memory();
    }
    call_free(&call);
    return status;
}

/* The last events of the log as it was when it was asked for its size. */
static void gather_events(struct watch_state *state, const char *path)
{
    struct json_value root = json_root(state->answers[WATCH_STATUS].json);
    struct json_value log = json_member(&root, "log");
    int64_t newest = (int64_t)value_u64(&log, "size") - 1;
    uint64_t until_ms = clock_machine_ms() + EVENTS_MS;
    enum feed_news news = FEED_OPENED;
    enum err error = OK;
    struct feed feed;

    feed_init(&feed, path, newest >= (int64_t)WATCH_EVENTS ? newest - (int64_t)WATCH_EVENTS : -1,
              0);
    while (error == OK && (news == FEED_OPENED || news == FEED_EVENT) && feed.position < newest) {
        news = await_news(&feed, until_ms);
        error = news == FEED_EVENT ? watch_state_event(state, span_buf(&feed.line)) : OK;
    }
    feed_free(&feed); /* what did not come is not on the page, which has the rest */
}

static int print_page(const struct watch_state *state, bool as_json)
{
    struct frame frame;
    unsigned columns, rows;
    enum err error;

    screen_size(&columns, &rows);
    if (!isatty(STDOUT_FILENO)) {
        columns = FRAME_COLUMNS_MAX; /* a file, or another program, cuts nothing */
    }
    frame_begin(&frame, columns, screen_colour());
    if (as_json) {
        frame.error = watch_write(state, &frame.text);
        frame_end_line(&frame);
    } else {
        watch_draw(state, &frame, 0);
    }
    error = frame.error;
    if (error == OK) {
        (void)fwrite(frame.text.data, 1, frame.text.len, stdout); /* main asks ferror */
    }
    frame_free(&frame);
    return error == OK ? EXIT_OK : no_memory();
}

int watch_once(const struct invocation *invocation, const char *path)
{
    struct watch_state *state = malloc(sizeof(*state));
    int status = EXIT_OK;

    if (state == NULL) {
        return no_memory();
    }
    watch_state_init(state);
    state->now_ms = clock_machine_ms();
    for (unsigned which = 0; status == EXIT_OK && which < WATCH_ANSWERS; which++) {
        status = ask(invocation, state, (enum watch_answer)which);
    }
    if (status == EXIT_OK) {
        state->reachable = true;
        gather_events(state, path);
        status = print_page(state, invocation_has(invocation, OPTION_JSON));
    }
    watch_state_free(state);
    free(state);
    return status;
}

/* --- events as lines --- */

/* What is of this program and not of the broker: no leaf, no position. */
static void print_link(const struct feed *feed, enum feed_news news, bool as_json)
{
    struct clock wall;

    clock_init(&wall, false);
    if (as_json) {
        printf("{\"schema\":1,\"event\":\"%s\",\"at_ms\":%" PRIu64 "}\n",
               news == FEED_LOST ? "lost" : "reached", clock_wall_ms(&wall));
    } else if (news == FEED_LOST) {
        fprintf(stderr, "referralctl: the broker is lost: %s; trying again\n", feed->why);
    } else {
        fprintf(stderr, "referralctl: the broker is reached\n");
    }
}

static void print_event(const struct feed *feed, bool as_json)
{
    const char *line = (const char *)feed->line.data;
    struct frame frame;

    if (as_json) {
        printf("%s\n", line);
        return;
    }
    frame_begin(&frame, FRAME_COLUMNS_MAX, screen_colour());
    watch_draw_event(&frame, line);
    if (frame.error == OK) {
        (void)fwrite(frame.text.data, 1, frame.text.len, stdout); /* asked below */
    }
    frame_free(&frame);
}

static int refused(const struct invocation *invocation, const struct feed *feed)
{
    struct fault fault = {.code = ""};
    struct json *json = NULL;
    struct json_value root;
    int status;

    if (json_open(feed->path, span_buf(&feed->line), &json, &fault) != OK) {
        return output_fault(invocation, EXIT_REFUSED, &fault);
    }
    root = json_root(json);
    status = call_refused(invocation, feed->path, &root);
    json_free(json);
    return status;
}

static int never_reached(const struct invocation *invocation, const struct feed *feed)
{
    struct fault fault = {.code = ""};

    fault_set(&fault, "socket.unreachable", feed->path, "no answer: %s", feed->why);
    fault_hint(&fault, "is the daemon running, and is this its socket (--socket PATH)?");
    return output_fault(invocation, EXIT_UNREACHABLE, &fault);
}

/* Ends when the broker refuses, was never there, or nobody reads what is printed. */
static int follow(const struct invocation *invocation, struct feed *feed)
{
    bool as_json = invocation_has(invocation, OPTION_JSON), reached = false, away = true;

    while (fflush(stdout) == 0 && ferror(stdout) == 0) {
        enum feed_news news = await_news(feed, UINT64_MAX);

        if (news == FEED_REFUSED) {
            return refused(invocation, feed);
        }
        if (news == FEED_LOST && !reached) {
            return never_reached(invocation, feed);
        }
        if (news == FEED_EVENT && buf_append(&feed->line, "", 1) == OK) {
            print_event(feed, as_json);
        } else if ((news == FEED_LOST) !=
                   away) { /* once for each loss, however often it is tried */
            away = news == FEED_LOST;
            print_link(feed, news, as_json);
        }
        reached = true;
    }
    return EXIT_OK; /* main says that standard output is gone */
}

int watch_follow_from(const struct invocation *invocation, const char *path, int64_t position)
{
    struct feed feed;
    int status;

    feed_init(&feed, path, position, 0);
    status = follow(invocation, &feed);
    feed_free(&feed);
    return status;
}

int watch_follow(const struct invocation *invocation, const char *path)
{
    const struct input_range range = {.max = INT64_MAX, .otherwise = 0};
    bool after = invocation_has(invocation, OPTION_AFTER);
    uint64_t position = 0;
    int status = input_number(invocation, OPTION_AFTER, range, &position);

    return status == EXIT_OK
               ? watch_follow_from(invocation, path, after ? (int64_t)position : FEED_FROM_NOW)
               : status;
}
