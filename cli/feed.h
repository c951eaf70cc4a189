/* The broker's events as a stream that goes on by itself: it is opened again after each loss, from
 * the position of the last event that was given out, so that a restart of the broker hides nothing.
 * For `watch` and `audit tail`. Nothing blocks but for the moment of connecting to a unix socket;
 * the caller polls. Main thread. */
#ifndef REFERRAL_CLI_FEED_H
#define REFERRAL_CLI_FEED_H

#include "cli/call.h"
#include "io/local.h"

enum feed_news {
    FEED_NOTHING, /* until the descriptor is ready, or feed_due_ms */
    FEED_EVENT,   /* `line` is one */
    FEED_OPENED,  /* connected: what was missed comes now */
    FEED_LOST,    /* `why` says it; it is tried again */
    FEED_REFUSED, /* `line` is the answer that refuses: there will be no events */
};

enum feed_phase {
    FEED_AWAY,      /* no connection */
    FEED_SIZING,    /* asked how long the log is */
    FEED_ANSWERING, /* asked for events */
    FEED_RUNNING,
    FEED_ENDED, /* refused */
};

struct feed {
    const char *path; /* borrowed */
    enum feed_phase phase;
    struct local_stream *stream; /* owned; NULL: not connected */
    struct buf line;             /* owned: of the last news */
    const char *why;             /* it was lost */
    int64_t position;            /* of the last event; FEED_FROM_NOW: none yet */
    bool ran;                    /* since the position was chosen */
    uint64_t last;               /* events before now that the first opening asks for */
    uint64_t
        due_ms; /* of the machine's clock: silence until then is a loss, or it is tried again */
};

#define FEED_FROM_NOW (-2)

/* `last` events from before the first opening; or, with `last` 0, those behind `position`. */
void feed_init(struct feed *feed, const char *path, int64_t position, uint64_t last);
void feed_free(struct feed *feed);
/* -1 while there is no connection. */
int feed_descriptor(const struct feed *feed);
uint64_t feed_due_ms(const struct feed *feed);
/* Call until FEED_NOTHING. */
enum feed_news feed_next(struct feed *feed, uint64_t now_ms);

#endif
