/* Questions and waits. See demo.h.
 *
 * What is awaited is a row that an agent answers for: its `watch` stream only says when to look
 * again, so that no event can be missed between a look and the next. The clock of the city is moved
 * at the broker; the agents follow what its replies tell them. */
#include <assert.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cli/call.h"
#include "cli/demo.h"
#include "io/clock.h"
#include "io/local.h"

#define ROWS_AT_ONCE   500u
#define AGAIN_MS       20    /* between two questions about what nobody announces */
#define AFTER_MS       1000u /* a clock that is moved to an instant stands behind it */
#define REQUEST_BYTES  256u
#define CIVIL_DATE_LEN 10u

uint64_t demo_machine_ms(void)
{
    return clock_machine_ms();
}

uint64_t civil_instant(const char *civil)
{
    char date[CIVIL_TEXT_BYTES];
    int32_t day = 0;
    enum err error;

    assert(strlen(civil) == sizeof("2026-09-18 09:30") - 1);
    memcpy(date, civil, CIVIL_DATE_LEN);
    date[CIVIL_DATE_LEN] = '\0';
    error = civil_parse(date, &day);
    assert(error == OK);
    civil += CIVIL_DATE_LEN + 1;
    return civil_start_ms(day) +
           ((uint64_t)(civil[0] - '0') * 10 + (uint64_t)(civil[1] - '0')) * UINT64_C(3600000) +
           ((uint64_t)(civil[3] - '0') * 10 + (uint64_t)(civil[4] - '0')) * UINT64_C(60000);
}

void said_init(struct said *said)
{
    memset(said, 0, sizeof(*said));
    buf_init(&said->text, DEMO_LINE_BYTES);
}

void said_free(struct said *said)
{
    json_free(said->json);
    said->json = NULL;
    buf_free(&said->text);
}

enum err said_read(struct demo *demo, const char *source, struct said *said)
{
    json_free(said->json);
    said->json = NULL;
    if (json_open(source, span_buf(&said->text), &said->json, &demo->fault) != OK) {
        return ERR_INVALID;
    }
    said->root = json_root(said->json);
    return OK;
}

/* --- questions --- */

enum err talk_ask(struct demo *demo, const char *who, const char *request, struct said *ret_said)
{
    char path[DEMO_PATH_BYTES];
    enum err error;

    city_socket(demo, who, path);
    buf_clear(&ret_said->text);
    error = local_call(path, span_text(request), DEMO_CALL_MS, &ret_said->text);
    if (error != OK) {
        return demo_fail(demo, "demo.no-answer", path, "%s does not answer: %s", who,
                         err_text(error));
    }
    error = said_read(demo, who, ret_said);
    if (error == OK && !value_bool(&ret_said->root, "ok")) {
        (void)demo_fail(demo, value_text(&ret_said->root, "code"), who, "%s: %s",
                        value_text(&ret_said->root, "place"),
                        value_text(&ret_said->root, "message"));
        fault_hint(&demo->fault, "it was asked %.100s", request);
        return ERR_REFUSED;
    }
    return error;
}

/* Is the text one of those between commas? */
static bool is_among(const char *text, const char *list)
{
    size_t len = strlen(text);

    while (*list != '\0') {
        size_t word = strcspn(list, ",");

        if (word == len && memcmp(list, text, len) == 0) {
            return true;
        }
        list += word + (list[word] == ',' ? 1 : 0);
    }
    return false;
}

enum err talk_until(struct demo *demo, const char *who, const char *request, const char *path,
                    const char *values)
{
    uint64_t due_ms = demo_machine_ms() + DEMO_WAIT_MS;
    char answered[DEMO_VALUE_BYTES];
    struct said said;
    enum err error;

    said_init(&said);
    for (;;) { /* nobody announces it to us: asked again until the time is over */
        error = talk_ask(demo, who, request, &said);
        if (error != OK) {
            break;
        }
        check_evaluate(&said.root, path, answered);
        if (is_among(answered, values)) {
            break;
        }
        if (demo_machine_ms() >= due_ms) {
            error = demo_fail(demo, "demo.waited", who, "waited %u s for %s to be %s: it is %s",
                              DEMO_WAIT_MS / 1000, path, values, answered);
            fault_hint(&demo->fault, "in the answer to %.200s", request);
            break;
        }
        (void)poll(NULL, 0, AGAIN_MS); /* an early end only asks sooner */
    }
    said_free(&said);
    return error;
}

/* --- rows of an agent --- */

static bool fits(const struct json_value *row, const char *name, const char *wanted)
{
    return wanted == NULL || strcmp(value_text(row, name), wanted) == 0;
}

static bool row_fits(const struct json_value *row, const struct row_want *want)
{
    return fits(row, "id", want->id) && fits(row, "kind", want->kind) &&
           fits(row, "referral", want->referral) && fits(row, "rung", want->rung) &&
           fits(row, "state", want->state);
}

/* ERR_NOT_FOUND: no such row yet. */
static enum err find_row(struct demo *demo, const char *who, const struct row_want *want,
                         struct said *said, struct json_value *ret_row)
{
    char request[REQUEST_BYTES];
    struct json_value rows;
    enum err error;

    (void)snprintf(request, sizeof(request), "{\"cmd\":\"%s\",\"count\":%u}", want->box,
                   ROWS_AT_ONCE);
    error = talk_ask(demo, who, request, said);
    if (error != OK) {
        return error;
    }
    rows = json_member(&said->root, "rows");
    for (size_t i = 0; i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);

        if (row_fits(&row, want)) {
            *ret_row = row;
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

/* Opens the stream of events if need be. True in ret_opened: look again before waiting. */
static enum err watch(struct demo *demo, const char *who, bool *ret_opened)
{
    struct demo_process *process = process_find(demo, who);
    char path[DEMO_PATH_BYTES];
    struct buf first;
    enum err error;

    assert(process != NULL);
    *ret_opened = process->watch == NULL;
    if (process->watch != NULL) {
        return OK;
    }
    city_socket(demo, who, path);
    buf_init(&first, DEMO_LINE_BYTES);
    error = local_open(path, DEMO_CALL_MS, &process->watch);
    if (error == OK) {
        error = local_send(process->watch, span_text("{\"cmd\":\"watch\"}"), DEMO_CALL_MS);
    }
    if (error == OK) {
        error = local_receive(process->watch, DEMO_CALL_MS, &first);
    }
    buf_free(&first);
    return error == OK ? OK
                       : demo_fail(demo, "demo.watch", path, "%s cannot be watched: %s", who,
                                   err_text(error));
}

/* Waits for any event of this agent. */
static enum err next_event(struct demo *demo, const char *who, uint64_t due_ms)
{
    struct demo_process *process = process_find(demo, who);
    uint64_t now_ms = demo_machine_ms();
    struct buf line;
    bool opened = false;
    enum err error = watch(demo, who, &opened);

    if (error != OK || opened) {
        return error;
    }
    buf_init(&line, DEMO_LINE_BYTES);
    error = local_receive(process->watch, now_ms < due_ms ? due_ms - now_ms : 1, &line);
    buf_free(&line);
    if (error == ERR_CLOSED) { /* cut off, or started again: look and watch anew */
        local_close(process->watch);
        process->watch = NULL;
        return OK;
    }
    return error;
}

static enum err not_come(struct demo *demo, const char *who, const struct row_want *want)
{
    return demo_fail(demo, "demo.waited", who, "waited %u s for a row of its %s: %s %s %s %s %s",
                     DEMO_WAIT_MS / 1000, want->box, want->kind != NULL ? want->kind : "",
                     want->referral != NULL ? want->referral : "",
                     want->rung != NULL ? want->rung : "", want->state != NULL ? want->state : "",
                     want->id != NULL ? want->id : "");
}

enum err talk_await(struct demo *demo, const char *who, const struct row_want *want,
                    struct said *ret_said, struct json_value *ret_row)
{
    uint64_t due_ms = demo_machine_ms() + DEMO_WAIT_MS;

    for (;;) { /* each turn waits for an event, until the time is over */
        enum err error = find_row(demo, who, want, ret_said, ret_row);

        if (error != ERR_NOT_FOUND) {
            return error;
        }
        if (demo_machine_ms() >= due_ms) {
            return not_come(demo, who, want);
        }
        error = next_event(demo, who, due_ms);
        if (error != OK && error != ERR_TIMEOUT) {
            return error;
        }
    }
}

enum err talk_connected(struct demo *demo, const char *who)
{
    return talk_until(demo, who, "{\"cmd\":\"status\"}", "connected", "true");
}

/* --- the clock --- */

enum err talk_clock_confirmed(struct demo *demo)
{
    return talk_until(demo, BROKER_ID, "{\"cmd\":\"clock-show\"}", "clock.held", "none,wait");
}

static enum err set_offset(struct demo *demo, uint64_t offset_ms)
{
    char request[REQUEST_BYTES];
    struct said said;
    enum err error;

    said_init(&said);
    (void)snprintf(request, sizeof(request), "{\"cmd\":\"lab-clock\",\"both_ms\":%" PRIu64 "}",
                   offset_ms);
    error = talk_ask(demo, BROKER_ID, request, &said);
    if (error == OK) {
        demo->offset_ms = offset_ms;
    }
    said_free(&said);
    return error;
}

enum err talk_clock_move(struct demo *demo, const char *civil)
{
    uint64_t to_ms = civil_instant(civil) + AFTER_MS, wall_ms;
    struct json_value clock;
    struct said said;
    enum err error;

    said_init(&said);
    error = talk_ask(demo, BROKER_ID, "{\"cmd\":\"clock-show\"}", &said);
    clock = json_member(&said.root, "clock");
    wall_ms = error == OK ? value_u64(&clock, "wall_ms") : 0;
    said_free(&said);
    if (error != OK || wall_ms >= to_ms) {
        return error; /* the story took longer than the step: it is later already */
    }
    return set_offset(demo, demo->offset_ms + (to_ms - wall_ms));
}

enum err talk_clock_again(struct demo *demo)
{
    return set_offset(demo, demo->offset_ms);
}
