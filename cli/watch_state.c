/* Answers and events are kept as they came, and parsed once or when they are drawn. */
#include "cli/watch_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cli/call.h"

void watch_state_init(struct watch_state *state)
{
    memset(state, 0, sizeof(*state));
    for (size_t i = 0; i < WATCH_ANSWERS; i++) {
        buf_init(&state->answers[i].text, LIMIT_LOCAL_LINE_BYTES + 1);
    }
}

void watch_state_free(struct watch_state *state)
{
    for (size_t i = 0; i < WATCH_ANSWERS; i++) {
        buf_free(&state->answers[i].text);
        json_free(state->answers[i].json);
    }
    for (size_t i = 0; i < state->event_count; i++) {
        free(state->events[i]);
    }
}

enum err watch_state_answer(struct watch_state *state, enum watch_answer which, struct span line)
{
    struct watch_answered *answered = &state->answers[which];
    struct json *json = NULL;
    struct json_value root;
    enum err error = json_open("answer", line, &json, NULL);

    if (error != OK) {
        return error;
    }
    root = json_root(json);
    if (!value_bool(&root, "ok")) {
        json_free(json);
        return ERR_INVALID;
    }
    buf_clear(&answered->text);
    error = buf_append(&answered->text, line.data, line.len);
    if (error != OK) {
        json_free(json);
        return error;
    }
    json_free(answered->json);
    answered->json = json;
    state->answered_ms = which == WATCH_STATUS ? state->now_ms : state->answered_ms;
    return OK;
}

static enum err keep(struct watch_state *state, struct span line)
{
    char *copy = malloc(line.len + 1);

    if (copy == NULL) {
        return ERR_MEMORY;
    }
    memcpy(copy, line.data, line.len);
    copy[line.len] = '\0';
    if (state->event_count == WATCH_EVENTS_MAX) {
        free(state->events[0]);
        memmove(state->events, state->events + 1,
                (WATCH_EVENTS_MAX - 1) * sizeof(state->events[0]));
        state->event_count--;
    }
    state->events[state->event_count] = copy;
    state->event_count++;
    return OK;
}

/* Each opening of the events tells the state of all agencies anew: is this news? */
static bool changes_presence(struct watch_state *state, const struct json_value *root)
{
    const char *id = value_text(root, "agency"), *its_state = value_text(root, "state");
    struct watch_presence *known = state->presences;
    size_t count = state->presence_count;
    bool news;

    while (known < state->presences + count && strcmp(known->agency, id) != 0) {
        known++;
    }
    if (known == state->presences + LIMIT_AGENCIES) {
        return false;
    }
    news = known < state->presences + count &&
           (known->up != value_bool(root, "up") || strcmp(known->state, its_state) != 0);
    state->presence_count += known == state->presences + count;
    text_copy(known->agency, sizeof(known->agency), id);
    text_copy(known->state, sizeof(known->state), its_state);
    known->up = value_bool(root, "up");
    return news;
}

/* It has no time of its own, for it is no leaf of the log: it is seen now. */
static enum err keep_presence(struct watch_state *state, const struct json_value *root)
{
    struct json_writer json;
    struct buf line;
    enum err error;

    buf_init(&line, LIMIT_LOCAL_LINE_BYTES);
    json_writer_init(&json, &line);
    json_object_begin(&json);
    json_name(&json, "event");
    json_text(&json, "agency");
    json_name(&json, "at_ms");
    json_u64(&json, watch_state_broker_ms(state));
    json_name(&json, "agency");
    json_text(&json, value_text(root, "agency"));
    json_name(&json, "up");
    json_bool(&json, value_bool(root, "up"));
    json_name(&json, "state");
    json_text(&json, value_text(root, "state"));
    json_object_end(&json);
    error = json_writer_end(&json);
    if (error == OK) {
        error = keep(state, span_buf(&line));
    }
    buf_free(&line);
    return error;
}

enum err watch_state_event(struct watch_state *state, struct span line)
{
    struct json *json = NULL;
    struct json_value root;
    enum err error = json_open("event", line, &json, NULL);

    if (error != OK) {
        return error;
    }
    root = json_root(json);
    if (strcmp(value_text(&root, "event"), "agency") != 0) {
        error = keep(state, line);
    } else if (changes_presence(state, &root)) {
        error = keep_presence(state, &root);
    }
    json_free(json);
    return error;
}

void watch_refusal(struct span line, char *out, size_t size)
{
    struct json *json = NULL;
    struct json_value root;

    text_copy(out, size, "its answer is not a broker's");
    if (json_open("answer", line, &json, NULL) == OK) {
        root = json_root(json);
        if (value_text(&root, "message")[0] != '\0') {
            text_copy(out, size, value_text(&root, "message"));
        }
    }
    json_free(json);
}

uint64_t watch_state_broker_ms(const struct watch_state *state)
{
    struct json_value root, clock;
    uint64_t broker_ms;

    if (state->answers[WATCH_STATUS].json == NULL) {
        return 0;
    }
    root = json_root(state->answers[WATCH_STATUS].json);
    clock = json_member(&root, "clock");
    broker_ms = value_u64(&clock, "broker_ms");
    return broker_ms == 0 ? 0 : broker_ms + (state->now_ms - state->answered_ms);
}
