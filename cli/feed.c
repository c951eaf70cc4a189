/* See feed.h. Each connection asks at first how long the log is, where the last events of it are
 * wanted, and then for the events behind a position. The line that answers comes first; what
 * follows are events, and heartbeats that only say that the broker lives. */
#include "cli/feed.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"

#define SEND_MS   200u   /* a unix socket takes a line at once, unless its backlog is full */
#define RETRY_MS  500u   /* after a loss */
#define SILENT_MS 15000u /* heartbeats come every 5 seconds */

void feed_init(struct feed *feed, const char *path, int64_t position, uint64_t last)
{
    memset(feed, 0, sizeof(*feed));
    feed->path = path;
    feed->position = position;
    feed->last = last;
    buf_init(&feed->line, LIMIT_LOCAL_LINE_BYTES + 1);
}

void feed_free(struct feed *feed)
{
    local_close(feed->stream);
    buf_free(&feed->line);
}

int feed_descriptor(const struct feed *feed)
{
    return feed->stream != NULL ? local_descriptor(feed->stream) : -1;
}

uint64_t feed_due_ms(const struct feed *feed)
{
    return feed->phase == FEED_ENDED ? UINT64_MAX : feed->due_ms;
}

static void hang_up(struct feed *feed, enum feed_phase phase, uint64_t due_ms)
{
    local_close(feed->stream);
    feed->stream = NULL;
    feed->phase = phase;
    feed->due_ms = due_ms;
}

static enum feed_news lose(struct feed *feed, enum err error, uint64_t now_ms)
{
    hang_up(feed, FEED_AWAY, now_ms + RETRY_MS);
    feed->why = call_silence(feed->path, error);
    return FEED_LOST;
}

static enum err ask(struct feed *feed, enum feed_phase phase)
{
    struct call call;
    enum err error;

    call_begin(&call, phase == FEED_SIZING ? "status" : "subscribe");
    if (phase == FEED_ANSWERING && feed->position != FEED_FROM_NOW) {
        json_name(&call.writer, "after");
        json_i64(&call.writer, feed->position);
    }
    json_object_end(&call.writer);
    error = json_writer_end(&call.writer);
    if (error == OK) {
        error = local_send(feed->stream, span_buf(&call.request), SEND_MS);
    }
    call_free(&call);
    feed->phase = phase;
    return error;
}

static enum feed_news begin(struct feed *feed, uint64_t now_ms)
{
    bool sizing = feed->position == FEED_FROM_NOW && feed->last > 0;
    enum err error = local_open(feed->path, SEND_MS, &feed->stream);

    if (error == OK) {
        error = ask(feed, sizing ? FEED_SIZING : FEED_ANSWERING);
    }
    if (error != OK) {
        return lose(feed, error, now_ms);
    }
    feed->due_ms = now_ms + SILENT_MS;
    return FEED_NOTHING;
}

static int64_t value_i64(const struct json_value *object, const char *name, int64_t otherwise)
{
    struct json_value value = json_member(object, name);
    int64_t number = otherwise;

    return json_get_i64(&value, &number, NULL) == OK ? number : otherwise;
}

/* A position that the log has not: it is another log, or an older copy of it. The events of this
 * one begin anew; whoever watches sees what it says of itself. */
static enum feed_news refused(struct feed *feed, uint64_t now_ms)
{
    if (feed->phase == FEED_ANSWERING && feed->ran && feed->last > 0) {
        feed->position = FEED_FROM_NOW;
        feed->ran = false;
        hang_up(feed, FEED_AWAY, now_ms);
        return FEED_NOTHING;
    }
    hang_up(feed, FEED_ENDED, UINT64_MAX);
    return FEED_REFUSED;
}

static enum feed_news judge(struct feed *feed, const struct json_value *root, uint64_t now_ms)
{
    const char *event = value_text(root, "event");
    struct json_value log = json_member(root, "log");
    int64_t size = value_i64(&log, "size", 0), last = (int64_t)feed->last;

    if (feed->phase != FEED_RUNNING && !value_bool(root, "ok")) {
        return refused(feed, now_ms);
    }
    if (feed->phase == FEED_SIZING) {
        feed->position = size > last ? size - 1 - last : -1;
        return ask(feed, FEED_ANSWERING) == OK ? FEED_NOTHING : lose(feed, ERR_CLOSED, now_ms);
    }
    if (feed->phase == FEED_ANSWERING) {
        feed->phase = FEED_RUNNING;
        feed->ran = true;
        feed->position = value_i64(root, "after", feed->position);
        return FEED_OPENED;
    }
    feed->position = value_i64(root, "position", feed->position);
    return event[0] == '\0' || strcmp(event, "heartbeat") == 0 ? FEED_NOTHING : FEED_EVENT;
}

static enum feed_news read_line(struct feed *feed, uint64_t now_ms)
{
    struct json *json = NULL;
    struct json_value root;
    enum feed_news news;

    if (json_open("event", span_buf(&feed->line), &json, NULL) != OK) {
        return lose(feed, ERR_INVALID, now_ms);
    }
    root = json_root(json);
    news = judge(feed, &root, now_ms);
    json_free(json);
    return news;
}

enum feed_news feed_next(struct feed *feed, uint64_t now_ms)
{
    enum feed_news news = FEED_NOTHING;

    if (feed->phase == FEED_AWAY && now_ms >= feed->due_ms) {
        return begin(feed, now_ms);
    }
    while (feed->stream != NULL && news == FEED_NOTHING) { /* as long as whole lines have come */
        enum err error;

        buf_clear(&feed->line);
        error = local_receive(feed->stream, 0, &feed->line);
        if (error == ERR_TIMEOUT && now_ms < feed->due_ms) {
            break;
        }
        if (error != OK) {
            return lose(feed, error, now_ms);
        }
        feed->due_ms = now_ms + SILENT_MS;
        news = read_line(feed, now_ms);
    }
    return news;
}
