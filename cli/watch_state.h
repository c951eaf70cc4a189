/* What `watch` knows: the newest answers of the broker, its last events, and since when it cannot
 * be reached. Filled by watch.c, drawn by watch_draw.c. Pure: no socket, no terminal, no clock. */
#ifndef REFERRAL_CLI_WATCH_STATE_H
#define REFERRAL_CLI_WATCH_STATE_H

#include "base/json.h"
#include "base/limits.h"
#include "cli/frame.h"

#define WATCH_EVENTS_MAX 64u

enum watch_answer { WATCH_STATUS, WATCH_AGENCIES, WATCH_QUEUE, WATCH_DUE, WATCH_ANSWERS };

struct watch_answered {
    struct buf text;   /* owned: the line as it came */
    struct json *json; /* owned; NULL: not asked yet */
};

struct watch_presence { /* of an agency, by the events */
    char agency[LIMIT_AGENCY_ID_BYTES];
    bool up;
    char state[16];
};

struct watch_state {
    struct watch_presence presences[LIMIT_AGENCIES];
    size_t presence_count;
    struct watch_answered answers[WATCH_ANSWERS];
    char *events[WATCH_EVENTS_MAX]; /* owned: lines, the newest last */
    size_t event_count;
    char no_events[120]; /* why the broker gives none; "": it does */
    bool reachable;
    uint64_t lost_ms;     /* wall clock: since when it is not reached */
    char why[200];        /* it is not reached */
    uint64_t answered_ms; /* this machine's boot clock, of the newest `status` */
    uint64_t now_ms;      /* the same clock, now */
};

void watch_state_init(struct watch_state *state);
void watch_state_free(struct watch_state *state);

/* Takes a line that answers one of the questions. ERR_INVALID: it is none. */
enum err watch_state_answer(struct watch_state *state, enum watch_answer which,
                            struct span line) MUST_CHECK;
/* Keeps an event's line, the oldest making room; of an agency's state only what changed. */
enum err watch_state_event(struct watch_state *state, struct span line) MUST_CHECK;
/* The reason in an answer that refuses, or that it is none. */
void watch_refusal(struct span line, char *out, size_t size);
/* The broker's time now, as far as its last answer says; 0: none yet. */
uint64_t watch_state_broker_ms(const struct watch_state *state);

/* --- watch_draw.c --- */

/* The page, of at most so many rows (0: as many as there is to show). */
void watch_draw(const struct watch_state *state, struct frame *frame, unsigned rows);
void watch_draw_help(struct frame *frame, unsigned rows);
/* The page as one JSON object. */
enum err watch_write(const struct watch_state *state, struct buf *out) MUST_CHECK;
/* An event as a line for people: parsed, or as it came. */
void watch_draw_leaf(struct frame *frame, const struct json_value *event);
void watch_draw_event(struct frame *frame, const char *line);

#endif
