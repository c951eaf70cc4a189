/* Draws what `watch` knows. See watch_state.h. From the top: whose broker and how it is, what is
 * wrong in one line, agencies with their lights and the age of what waits (as Postfix's qshape has
 * it), windows that end soon, the last events. What does not fit is named as such, never hidden:
 * agencies that are well give way first. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cli/broker_parts.h"
#include "cli/lights.h"
#include "cli/watch_state.h"
#include "model/calendar.h"
#include "model/instant_text.h"

#define WINDOWS_LEAST 2u /* rows that a small page keeps for each part */
#define EVENTS_LEAST  3u
#define PART_ROWS_ALL 20u /* of windows and of events, where rows are not bounded */
#define ID_PLACES_MAX 24u
#define STATE_PLACES  13u
#define AGE_PLACES    4u
#define TOTAL_PLACES  6u

static const struct {
    const char *member, *head;
} ages[] = {{"10m", "<10m"}, {"1h", "<1h"}, {"1d", "<1d"},
            {"3d", "<3d"},   {"7d", "<7d"}, {"older", "7d+"}};

#define AGE_COUNT (sizeof(ages) / sizeof(ages[0]))

struct agency_row {
    struct json_value agency, queue;
    enum light light;
    char words[LIGHT_WORDS_BYTES];
};

struct page { /* what is drawn, computed once a frame */
    struct agency_row agencies[LIMIT_AGENCIES];
    size_t agency_count;
    size_t bad, warn;
    unsigned state_column, ages_column;
    struct json_value windows[DUE_ROWS_MAX];
    size_t window_count;
    bool more_windows;
    uint64_t broker_ms;
};

static struct json_value root_of(const struct watch_state *state, enum watch_answer which)
{
    const struct json_value none = {.node = NULL};

    return state->answers[which].json != NULL ? json_root(state->answers[which].json) : none;
}

/* --- the page, computed --- */

static struct json_value find_queue(const struct json_value *queues, const char *id, size_t hint)
{
    struct json_value row = json_item(queues, hint);

    for (size_t i = 0; strcmp(value_text(&row, "id"), id) != 0 && i < json_count(queues); i++) {
        row = json_item(queues, i);
    }
    return row;
}

static void gather_agencies(const struct watch_state *state, struct page *page)
{
    struct json_value root = root_of(state, WATCH_AGENCIES), rows = json_member(&root, "agencies");
    struct json_value other = root_of(state, WATCH_QUEUE), queues = json_member(&other, "queues");
    size_t longest = strlen("AGENCY");

    for (size_t i = 0; i < json_count(&rows) && i < LIMIT_AGENCIES; i++) {
        struct agency_row *row = &page->agencies[i];

        row->agency = json_item(&rows, i);
        row->queue = find_queue(&queues, value_text(&row->agency, "id"), i);
        row->light = light_agency(&row->agency, page->broker_ms, row->words);
        longest = strlen(value_text(&row->agency, "id")) > longest
                      ? strlen(value_text(&row->agency, "id"))
                      : longest;
        page->bad += row->light == LIGHT_BAD;
        page->warn += row->light == LIGHT_WARN;
        page->agency_count = i + 1;
    }
    page->state_column = (unsigned)(longest < ID_PLACES_MAX ? longest : ID_PLACES_MAX) + 1;
    page->ages_column = page->state_column + STATE_PLACES;
}

/* Owned: free. NULL: no memory. */
static struct page *page_new(const struct watch_state *state)
{
    struct page *page = calloc(1, sizeof(*page));
    struct json_value root = root_of(state, WATCH_DUE), rows = json_member(&root, "due");

    if (page == NULL) {
        return NULL;
    }
    page->broker_ms = watch_state_broker_ms(state);
    gather_agencies(state, page);
    page->window_count = due_rows_sort(&rows, page->windows);
    page->more_windows = value_bool(&root, "truncated");
    return page;
}

/* --- the head --- */

static void draw_title(const struct watch_state *state, const struct page *page,
                       struct frame *frame)
{
    struct json_value root = root_of(state, WATCH_STATUS);
    char at[INSTANT_TEXT_BYTES];

    output_instant(page->broker_ms, at);
    frame_put(frame, STYLE_STRONG, "%s", value_text(&root, "origin"));
    if (!state->reachable) {
        frame_put(frame, STYLE_BAD, "  BROKER NOT REACHED");
    } else if (page->bad + page->warn == 0) {
        frame_put(frame, STYLE_GOOD, "  all agencies up");
    }
    if (state->reachable && page->bad > 0) {
        frame_put(frame, STYLE_BAD, "  %zu down", page->bad);
    }
    if (state->reachable && page->warn > 0) {
        frame_put(frame, STYLE_WARN, "  %zu to look at", page->warn);
    }
    frame_put(frame, STYLE_PLAIN, "  %s", at);
    frame_end_line(frame);
}

static void draw_figures(const struct watch_state *state, struct frame *frame)
{
    struct json_value root = root_of(state, WATCH_STATUS), log = json_member(&root, "log");
    struct json_value counts = json_member(&root, "counts"), link = json_member(&root, "link");

    if (!state->reachable) {
        frame_put(frame, STYLE_PLAIN,
                  "Tried again twice a second; `referralctl doctor` finds the cause.");
        frame_end_line(frame);
        return;
    }
    frame_put(frame, STYLE_PLAIN,
              "store %" PRIu64 " %%  log %" PRIu64 "  messages %" PRIu64 "  refused %" PRIu64
              "  rungs %" PRIu64 "  dead %" PRIu64 "  connections %" PRIu64,
              value_u64(&root, "store_percent"), value_u64(&log, "size"),
              value_u64(&counts, "messages"), value_u64(&counts, "refused"),
              value_u64(&counts, "rungs"), value_u64(&root, "dead"),
              value_u64(&link, "connections"));
    frame_end_line(frame);
}

static void draw_lost(const struct watch_state *state, struct frame *frame)
{
    char since[INSTANT_TEXT_BYTES];

    output_instant(state->lost_ms, since);
    frame_put(frame, STYLE_BAD, "NOT REACHED since %.5s %.8s: %s",
              strlen(since) > 11 ? since + 5 : "", strlen(since) > 11 ? since + 11 : "",
              state->why);
}

/* The agency that is worst, by name; the others by their number. */
static void draw_worst(const struct page *page, struct frame *frame)
{
    const struct agency_row *worst = NULL;

    for (size_t i = 0; i < page->agency_count; i++) {
        const struct agency_row *row = &page->agencies[i];

        if (row->light != LIGHT_GOOD && (worst == NULL || row->light > worst->light)) {
            worst = row;
        }
    }
    if (worst != NULL) {
        frame_put(frame, light_style(worst->light), "%s %s: %s", value_text(&worst->agency, "id"),
                  value_text(&worst->agency, "name_zh"), worst->words);
    }
    if (page->bad + page->warn > 1) {
        frame_put(frame, STYLE_PLAIN, " and %zu more", page->bad + page->warn - 1);
    }
}

/* One line, the gravest thing first. */
static void draw_alarm(const struct watch_state *state, const struct page *page,
                       struct frame *frame)
{
    struct json_value root = root_of(state, WATCH_STATUS), clock = json_member(&root, "clock");
    const char *held = value_text(&clock, "held");
    uint64_t missing = value_u64(&root, "calendar_missing");

    if (!state->reachable) {
        draw_lost(state, frame);
    } else if (!value_bool(&root, "accepts")) {
        frame_put(frame, STYLE_BAD, "The store is full: new messages are refused.");
    } else if (page->bad > 0) {
        draw_worst(page, frame);
    } else if (held[0] != '\0' && strcmp(held, "none") != 0) {
        frame_put(frame, STYLE_WARN, "The clock is held (%s): reminders and escalations wait.",
                  held);
    } else if (page->warn > 0) {
        draw_worst(page, frame);
    } else if (missing != 0) {
        frame_put(frame, STYLE_WARN, "The holiday notice of %" PRIu64 " is missing.", missing);
    }
    frame_end_line(frame);
}

/* --- agencies --- */

static void put_count(struct frame *frame, enum style style, unsigned places, uint64_t count)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRIu64, count);
    if (strlen(text) >= places) {
        (void)snprintf(text, sizeof(text), "%" PRIu64 "k", count / 1000);
    }
    frame_put_right(frame, style, places, count == 0 ? "." : text);
}

static void draw_heads(const struct page *page, struct frame *frame)
{
    frame_put(frame, STYLE_STRONG, "AGENCY");
    frame_to(frame, page->state_column);
    frame_put(frame, STYLE_STRONG, "STATE");
    frame_to(frame, page->ages_column);
    for (size_t i = 0; i < AGE_COUNT; i++) {
        frame_put_right(frame, STYLE_STRONG, AGE_PLACES, ages[i].head);
    }
    frame_put_right(frame, STYLE_STRONG, TOTAL_PLACES, "TOTAL");
    frame_put(frame, STYLE_STRONG, "  NAME");
    frame_end_line(frame);
}

/* What has waited for a day or longer stands out. */
static void draw_ages(const struct json_value *queue, struct frame *frame)
{
    for (size_t i = 0; i < AGE_COUNT; i++) {
        uint64_t count = value_u64(queue, ages[i].member);
        enum style style = count == 0 ? STYLE_FAINT : i >= 3 ? STYLE_WARN : STYLE_PLAIN;

        put_count(frame, style, AGE_PLACES, count);
    }
    put_count(frame, STYLE_PLAIN, TOTAL_PLACES, value_u64(queue, "waiting"));
}

static void draw_agency(const struct page *page, const struct agency_row *row, bool known,
                        struct frame *frame)
{
    frame_put(frame, STYLE_PLAIN, "%.*s", (int)ID_PLACES_MAX, value_text(&row->agency, "id"));
    frame_to(frame, page->state_column);
    frame_put(frame, known ? light_style(row->light) : STYLE_FAINT, "%s",
              known ? row->words : "not known");
    frame_to(frame, page->ages_column);
    draw_ages(&row->queue, frame);
    frame_put(frame, STYLE_PLAIN, "  %s", value_text(&row->agency, "name_zh"));
    frame_end_line(frame);
}

static void draw_sum(const struct page *page, struct frame *frame)
{
    uint64_t sums[AGE_COUNT] = {0}, total = 0;

    for (size_t i = 0; i < page->agency_count; i++) {
        for (size_t age = 0; age < AGE_COUNT; age++) {
            sums[age] += value_u64(&page->agencies[i].queue, ages[age].member);
        }
        total += value_u64(&page->agencies[i].queue, "waiting");
    }
    frame_put(frame, STYLE_PLAIN, "all");
    frame_to(frame, page->ages_column);
    for (size_t age = 0; age < AGE_COUNT; age++) {
        put_count(frame, STYLE_PLAIN, AGE_PLACES, sums[age]);
    }
    put_count(frame, STYLE_PLAIN, TOTAL_PLACES, total);
    frame_end_line(frame);
}

/* In the registry's order when all fit; else those that are not well first. */
static void draw_agencies(const struct watch_state *state, const struct page *page,
                          struct frame *frame, size_t room)
{
    size_t drawn = 0;

    if (page->agency_count <= room) {
        for (size_t i = 0; i < page->agency_count; i++) {
            draw_agency(page, &page->agencies[i], state->reachable, frame);
        }
        return;
    }
    for (int light = LIGHT_BAD; light >= LIGHT_GOOD; light--) {
        for (size_t i = 0; i < page->agency_count && drawn + 1 < room; i++) {
            if ((int)page->agencies[i].light == light) {
                draw_agency(page, &page->agencies[i], state->reachable, frame);
                drawn++;
            }
        }
    }
    frame_put(frame, STYLE_FAINT, "and %zu more", page->agency_count - drawn);
    frame_end_line(frame);
}

/* --- windows and events --- */

static void draw_window(const struct json_value *row, uint64_t broker_ms, struct frame *frame)
{
    struct json_value clock = json_member(row, "clock");
    enum light light = light_clock(&clock, broker_ms);

    frame_put(frame, light_style(light), "%s%s", value_text(&clock, "due"),
              light == LIGHT_BAD ? " late" : "");
    frame_to(frame, 17);
    frame_put(frame, STYLE_PLAIN, "%s", due_row_name(row));
    frame_to(frame, 36);
    frame_put(frame, STYLE_PLAIN, "%s", value_text(&clock, "clock"));
    frame_to(frame, 58);
    frame_put(frame, STYLE_PLAIN, "%s", value_text(&clock, "responsible"));
    frame_end_line(frame);
}

static void draw_windows(const struct page *page, struct frame *frame, size_t room)
{
    size_t shown = page->window_count < room ? page->window_count : room;

    frame_put(frame, STYLE_STRONG, "ENDING WITHIN 3 WORKING DAYS, OR LATE");
    if (page->window_count > shown || page->more_windows) {
        frame_put(frame, STYLE_PLAIN, " (%zu of %zu%s)", shown, page->window_count,
                  page->more_windows ? "+" : "");
    } else if (page->window_count == 0) {
        frame_put(frame, STYLE_PLAIN, ": none");
    }
    frame_end_line(frame);
    for (size_t i = 0; i < shown; i++) {
        draw_window(&page->windows[i], page->broker_ms, frame);
    }
}

/* The members of an event that people look for, in their order. */
static const char *const event_members[] = {
    "agency", "change",   "command", "kind",   "number", "from",     "to",  "clock", "holder",
    "rung",   "document", "code",    "detail", "about",  "calendar", "why", "role",  "reason"};

static void draw_members(const struct json_value *root, struct frame *frame)
{
    struct json_value up = json_member(root, "up");

    for (size_t i = 0; i < sizeof(event_members) / sizeof(event_members[0]); i++) {
        const char *value = value_text(root, event_members[i]);

        if (value[0] != '\0') {
            frame_put(frame, STYLE_PLAIN, "  %s%s",
                      strcmp(event_members[i], "to") == 0 ? "to " : "", value);
        }
    }
    if (!json_absent(&up)) {
        frame_put(frame, value_bool(root, "up") ? STYLE_GOOD : STYLE_BAD, "  %s, %s",
                  value_bool(root, "up") ? "up" : "DOWN", value_text(root, "state"));
    }
}

void watch_draw_leaf(struct frame *frame, const struct json_value *event)
{
    char at[INSTANT_TEXT_BYTES];

    output_instant(value_u64(event, "at_ms"), at);
    frame_put(frame, STYLE_FAINT, "%.5s %.8s", strlen(at) > 11 ? at + 5 : at,
              strlen(at) > 11 ? at + 11 : "");
    frame_put(frame, STYLE_STRONG, " %s", value_text(event, "event"));
    draw_members(event, frame);
    frame_end_line(frame);
}

void watch_draw_event(struct frame *frame, const char *line)
{
    struct json *json = NULL;
    struct json_value root;

    if (json_open("event", span_text(line), &json, NULL) != OK) {
        frame_put(frame, STYLE_WARN, "an event that cannot be read");
        frame_end_line(frame);
        return;
    }
    root = json_root(json);
    watch_draw_leaf(frame, &root);
    json_free(json);
}

/* The newest first. */
static void draw_events(const struct watch_state *state, struct frame *frame, size_t room)
{
    frame_put(frame, STYLE_STRONG, "LAST EVENTS");
    if (state->no_events[0] != '\0') {
        frame_put(frame, STYLE_WARN, ": none are given: %s", state->no_events);
    } else if (state->event_count == 0) {
        frame_put(frame, STYLE_PLAIN, ": none yet");
    }
    frame_end_line(frame);
    for (size_t i = 0; i < state->event_count && i < room; i++) {
        watch_draw_event(frame, state->events[state->event_count - 1 - i]);
    }
}

/* --- the whole --- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t beyond(size_t all, size_t taken)
{
    return all > taken ? all - taken : 0;
}

struct rooms {
    size_t agencies, windows, events;
};

/* Agencies take what they need, but for the least that windows and events keep; windows at most
 * half of the rest; events what is left. */
static struct rooms divide(const struct watch_state *state, const struct page *page, unsigned rows)
{
    const size_t fixed = 8; /* title, figures, alarm, heads, sum, two titles, keys */
    struct rooms rooms = {page->agency_count, least(page->window_count, PART_ROWS_ALL),
                          least(state->event_count, PART_ROWS_ALL)};
    size_t room = beyond(rows, fixed);

    if (rows == 0) {
        return rooms;
    }
    rooms.agencies = least(page->agency_count,
                           beyond(room, least(page->window_count, WINDOWS_LEAST) + EVENTS_LEAST));
    room -= rooms.agencies;
    rooms.windows = least(page->window_count, room / 2 > WINDOWS_LEAST ? room / 2 : WINDOWS_LEAST);
    rooms.windows = least(rooms.windows, beyond(room, EVENTS_LEAST));
    rooms.events = room - rooms.windows;
    return rooms;
}

static void draw_keys(struct frame *frame, unsigned rows, const char *keys)
{
    while (frame->lines + 1 < rows) {
        frame_end_line(frame);
    }
    frame_put(frame, STYLE_BAR, "%s", keys);
    frame_end_line(frame);
}

void watch_draw(const struct watch_state *state, struct frame *frame, unsigned rows)
{
    struct page *page = page_new(state);
    struct rooms rooms;

    if (page == NULL) {
        frame->error = ERR_MEMORY;
        return;
    }
    rooms = divide(state, page, rows);
    draw_title(state, page, frame);
    draw_figures(state, frame);
    draw_alarm(state, page, frame);
    draw_heads(page, frame);
    draw_agencies(state, page, frame, rooms.agencies);
    draw_sum(page, frame);
    draw_windows(page, frame, rooms.windows);
    draw_events(state, frame, rooms.events);
    if (rows > 0) {
        draw_keys(frame, rows, " q quit   ? help ");
    }
    free(page);
}

void watch_draw_help(struct frame *frame, unsigned rows)
{
    static const char *const lines[] = {
        "referralctl watch",
        "",
        "STATE   up: its agent asked within 90 seconds; DOWN: it did not, since when;",
        "        waits: up, but what is for it lies longer than an hour; suspended: by an operator",
        "<10m .. 7d+  how many messages wait for the agency, by how long they wait",
        "late    the last day has passed; the escalations of the policy run",
        "",
        "Next steps",
        "  an agency is DOWN      referralctl doctor --only agencies; then its own `agent status`",
        "  the broker is gone     referralctl doctor",
        "  a window ends          referralctl case NUMBER, referralctl why NUMBER",
        "",
        "Keys",
        "  q  quit                ?  this page, and back",
        "  r  draw anew           Ctrl-Z  stop, as ever",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        frame_put(frame, i == 0 ? STYLE_STRONG : STYLE_PLAIN, "%s", lines[i]);
        frame_end_line(frame);
    }
    draw_keys(frame, rows, " any key: back   q quit ");
}

/* --- as JSON --- */

static void write_raw(struct json_writer *json, const char *name, const struct watch_state *state,
                      enum watch_answer which)
{
    json_name(json, name);
    json_raw(json, state->answers[which].json != NULL ? span_buf(&state->answers[which].text)
                                                      : span_text("null"));
}

static void write_lights(const struct page *page, struct json_writer *json)
{
    json_name(json, "lights");
    json_array_begin(json);
    for (size_t i = 0; i < page->agency_count; i++) {
        json_object_begin(json);
        json_name(json, "agency");
        json_text(json, value_text(&page->agencies[i].agency, "id"));
        json_name(json, "light");
        json_text(json, light_id(page->agencies[i].light));
        json_name(json, "why");
        json_text(json, page->agencies[i].words);
        json_object_end(json);
    }
    json_array_end(json);
}

enum err watch_write(const struct watch_state *state, struct buf *out)
{
    struct page *page = page_new(state);
    struct json_writer json;

    if (page == NULL) {
        return ERR_MEMORY;
    }
    json_writer_init(&json, out);
    json_object_begin(&json);
    json_name(&json, "ok");
    json_bool(&json, true);
    json_name(&json, "broker_ms");
    json_u64(&json, page->broker_ms);
    write_lights(page, &json);
    write_raw(&json, "status", state, WATCH_STATUS);
    write_raw(&json, "agencies", state, WATCH_AGENCIES);
    write_raw(&json, "queue", state, WATCH_QUEUE);
    write_raw(&json, "due", state, WATCH_DUE);
    json_name(&json, "events");
    json_array_begin(&json);
    for (size_t i = 0; i < state->event_count; i++) {
        json_raw(&json, span_text(state->events[i]));
    }
    json_array_end(&json);
    json_object_end(&json);
    free(page);
    return json_writer_end(&json);
}
