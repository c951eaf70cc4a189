/* How: each window is a row, found by referral, task and number; a leaf that opens, moves, ends or
 * escalates it is compared with what the row counts to. What was not raised is looked for when a
 * window ends, and at the end of the log, and only where the broker had been running for an hour
 * behind the time. See recount.h. */
#include "recount.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SHAPE_WINDOW        ".vvbvvvvbvvvvvbb" /* Window, as proto/audit.proto numbers it */
#define SHAPE_CONFIGURATION ".bbbbbbvb"
#define SLACK_MS            UINT64_C(3600000)
#define FIRST_ROOM          1024u
#define TASK_FIRST_DATED    18u

enum { /* LeafRecord.kind */
       KIND_OPENED = 10,
       KIND_STOPPED = 11,
       KIND_REDATED = 12,
       KIND_CANCELLED = 13,
       KIND_TASK_OPENED = 14,
       KIND_TASK_CLOSED = 15,
       KIND_RAISED = 20,
       KIND_CLOCK = 30,
       KIND_CONFIGURATION = 31,
       KIND_START = 32,
};

struct counted_window {
    uint8_t referral[UUID_BYTES];
    uint64_t task, number;
    struct window_read read;
    uint64_t index;  /* of the record that opened it */
    uint64_t raised; /* bit: place among the rungs that count from the end */
    bool open, judged, redated;
};

/* The record is at fault: says so once, and ends the reading. */
#define REFUSE(recount, index, ...)                                                                \
    (report_find((recount)->report, VERDICT_FAIL, (index), __VA_ARGS__), ERR_REFUSED)

void recount_init(struct recount *recount, const struct basis *basis, struct report *report)
{
    memset(recount, 0, sizeof *recount);
    recount->basis = basis;
    recount->report = report;
    report->recounted = basis != NULL;
}

void recount_free(struct recount *recount)
{
    free(recount->windows);
    free(recount->slots);
}

/* --- rows --- */

static size_t slot_of(const struct recount *recount, struct span referral, uint64_t task,
                      uint64_t number)
{
    uint64_t hash = task * UINT64_C(0x9e3779b97f4a7c15) ^ number * UINT64_C(0xbf58476d1ce4e5b9);
    size_t slots = 2 * recount->room, at;

    for (size_t i = 0; i < referral.len; i++) {
        hash = (hash ^ referral.data[i]) * UINT64_C(0x100000001b3);
    }
    for (at = (size_t)(hash >> 20) % slots; recount->slots[at] != 0; at = (at + 1) % slots) {
        const struct counted_window *window = &recount->windows[recount->slots[at] - 1];

        if (window->task == task && window->number == number &&
            memcmp(window->referral, referral.data, UUID_BYTES) == 0) {
            break;
        }
    }
    return at;
}

static struct counted_window *find(const struct recount *recount, struct span referral,
                                   uint64_t task, uint64_t number)
{
    size_t at = recount->room > 0 ? slot_of(recount, referral, task, number) : 0;

    return recount->room > 0 && recount->slots[at] != 0 ? &recount->windows[recount->slots[at] - 1]
                                                        : NULL;
}

static enum err grow(struct recount *recount)
{
    size_t room = recount->room == 0 ? FIRST_ROOM : 2 * recount->room;
    struct counted_window *windows = reallocarray(recount->windows, room, sizeof *windows);
    uint32_t *slots = windows != NULL ? calloc(2 * room, sizeof *slots) : NULL;

    if (windows != NULL) {
        recount->windows = windows;
    }
    if (slots == NULL) {
        return ERR_MEMORY;
    }
    free(recount->slots);
    recount->slots = slots;
    recount->room = room;
    for (size_t i = 0; i < recount->window_count; i++) {
        const struct counted_window *window = &windows[i];

        slots[slot_of(recount, span_of(window->referral, UUID_BYTES), window->task,
                      window->number)] = (uint32_t)i + 1;
    }
    return OK;
}

static enum err add(struct recount *recount, struct span referral, uint64_t task, uint64_t number,
                    struct counted_window **ret)
{
    enum err error = recount->window_count == recount->room ? grow(recount) : OK;
    size_t at;

    if (error != OK) {
        return error;
    }
    at = slot_of(recount, referral, task, number);
    if (recount->slots[at] == 0) {
        recount->window_count++;
        recount->slots[at] = (uint32_t)recount->window_count;
    }
    *ret = &recount->windows[recount->slots[at] - 1];
    memset(*ret, 0, sizeof **ret);
    memcpy((*ret)->referral, referral.data, UUID_BYTES);
    (*ret)->task = task;
    (*ret)->number = number;
    return OK;
}

/* --- dates --- */

/* The time that counts: of what was handed back after a loss, that of the lost log. */
static uint64_t counts_ms(const struct fields *record)
{
    struct fields recovered;

    return record->bytes[22].len > 0 &&
                   fields_read(record->bytes[22], SHAPE_RECOVERED, &recovered) == OK
               ? recovered.value[3]
               : record->value[3];
}

/* Was that counted by what the caller gave? */
static bool is_judged(const struct recount *recount, const struct fields *window)
{
    return !recount->policy_differs &&
           span_equal(window->bytes[8], span_text(recount->basis->days.version));
}

static uint64_t last_day_ms(const struct recount *recount, const struct fields *window)
{
    const struct days *days = &recount->basis->days;
    uint64_t due_ms = window->value[6];
    uint32_t n;

    if (window->value[1] < TASK_FIRST_DATED || due_ms == 0) {
        return window_counted(days, window->value[4], (uint32_t)window->value[5]);
    }
    n = days_between(days, day_of(window->value[4]), day_of(due_ms - 1)); /* people gave the day */
    return window->value[5] == (n > 0 ? n : 1) ? day_end_ms(day_of(due_ms - 1)) : due_ms + 1;
}

static enum err opened(struct recount *recount, uint64_t index, const struct fields *record,
                       const struct fields *window)
{
    struct counted_window *row = NULL;
    enum err error = add(recount, record->bytes[8], window->value[1], window->value[2], &row);
    char stated[DAY_TEXT_BYTES], counted[DAY_TEXT_BYTES];
    uint64_t due_ms;

    if (error != OK) {
        return error;
    }
    row->read =
        (struct window_read){window->value[4], (uint32_t)window->value[5], window->value[6]};
    row->index = index;
    row->open = true;
    row->judged = is_judged(recount, window);
    recount->report->windows++;
    recount->report->unjudged += !row->judged;
    if (!row->judged) {
        return OK;
    }
    due_ms = last_day_ms(recount, window);
    if (due_ms != row->read.due_before_ms || window->value[5] == 0) {
        day_format(day_of(row->read.due_before_ms - 1), stated);
        day_format(day_of(due_ms - 1), counted);
        return REFUSE(recount, index, "its window ends on %s, and counts to %s", stated, counted);
    }
    return OK;
}

static enum err redated(struct recount *recount, uint64_t index, const struct fields *record,
                        const struct fields *window)
{
    struct counted_window *row =
        find(recount, record->bytes[8], window->value[1], window->value[2]);

    if (row == NULL || !row->open) {
        return REFUSE(recount, index, "it moves a window that is not open");
    }
    if (window->value[9] != row->read.due_before_ms) {
        return REFUSE(recount, index, "it moves a window from another day than it ended on");
    }
    row->judged = is_judged(recount, window);
    if (row->judged && window->value[1] < TASK_FIRST_DATED &&
        window->value[6] != window_redated(&recount->basis->days, &row->read, record->value[3])) {
        return REFUSE(recount, index, "it moves a window to another day than it counts to");
    }
    row->redated = true;
    row->read.due_before_ms = window->value[6];
    return OK;
}

/* --- rungs --- */

static unsigned place_of(size_t step, int32_t repeat)
{
    return (unsigned)step + (unsigned)repeat; /* of those from the end only the last one repeats */
}

static enum err look_for_missing(struct recount *recount, uint64_t index,
                                 const struct counted_window *row, const uint64_t until_ms[2])
{
    const struct ladder_read *ladder = &recount->basis->ladder;

    for (size_t i = 0; i < STEP_COUNT && row->judged && !recount->recovered; i++) {
        const struct step *step = &ladder->steps[i];

        if (step->from != COUNTED_FROM_END || (step->offset < 0 && row->redated)) {
            continue;
        }
        for (int32_t repeat = 0; repeat <= (step->every > 0 ? STEP_REPEATS : 0); repeat++) {
            uint64_t due_ms = 0, ready_ms;
            char day[DAY_TEXT_BYTES];

            if (!ladder_due(step, repeat, &recount->basis->days, &row->read, &due_ms) ||
                (row->raised >> place_of(i, repeat) & 1u) != 0) {
                continue;
            }
            ready_ms = due_ms > recount->waits_ms ? due_ms : recount->waits_ms;
            if (ready_ms + SLACK_MS <= until_ms[0] && due_ms < until_ms[1]) {
                day_format(day_of(due_ms - 1), day);
                return REFUSE(recount, index,
                              "of its window %s (repeat %d), which fell due at the end of %s, was"
                              " not raised",
                              step->name, (int)repeat, day);
            }
        }
    }
    return OK;
}

static enum err stopped(struct recount *recount, uint64_t index, const struct fields *record,
                        const struct fields *window)
{
    const struct days *days = &recount->basis->days;
    struct counted_window *row =
        find(recount, record->bytes[8], window->value[1], window->value[2]);
    uint64_t answered_ms = record->value[14] != 0 ? record->value[14] : counts_ms(record);
    const uint64_t until_ms[2] = {counts_ms(record), answered_ms};
    bool late;

    if (row == NULL || !row->open) {
        return REFUSE(recount, index, "it ends a window that is not open");
    }
    row->open = false;
    late = record->value[2] != KIND_CANCELLED && answered_ms >= row->read.due_before_ms;
    if (record->value[2] == KIND_STOPPED && row->judged &&
        ((window->value[11] != 0) != late ||
         (late && window->value[12] != days_between(days, day_of(row->read.due_before_ms - 1),
                                                    day_of(answered_ms))))) {
        return REFUSE(recount, index, "its answer is called %s, and counts otherwise",
                      window->value[11] != 0 ? "late" : "in time");
    }
    return look_for_missing(recount, row->index, row, until_ms);
}

static const struct step *step_of(const struct recount *recount, struct span name,
                                  int32_t *ret_repeat)
{
    char text[STEP_NAME_BYTES];

    if (name.len >= sizeof text) {
        return NULL;
    }
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    return ladder_step(&recount->basis->ladder, text, ret_repeat);
}

static enum err raised(struct recount *recount, uint64_t index, const struct fields *record)
{
    struct counted_window *row;
    const struct step *step;
    struct fields rung;
    uint64_t due_ms = 0;
    int32_t repeat = 0;

    if (fields_read(record->bytes[16], SHAPE_RUNG, &rung) != OK ||
        record->bytes[8].len != UUID_BYTES ||
        (step = step_of(recount, rung.bytes[3], &repeat)) == NULL) {
        return REFUSE(recount, index, "it raises a rung that there is not");
    }
    recount->report->rungs++;
    if (record->value[3] < rung.value[4] && record->bytes[22].len == 0) {
        return REFUSE(recount, index, "its rung was raised before it fell due");
    }
    if (step->from != COUNTED_FROM_END) {
        return OK; /* their windows are no records */
    }
    row = find(recount, record->bytes[8], rung.value[1], rung.value[2]);
    if (row == NULL || !row->open) {
        return REFUSE(recount, index, "it raises a rung of a window that is not open");
    }
    row->raised |= UINT64_C(1) << place_of((size_t)(step - recount->basis->ladder.steps), repeat);
    if (row->judged && (!ladder_due(step, repeat, &recount->basis->days, &row->read, &due_ms) ||
                        due_ms != rung.value[4])) {
        return REFUSE(recount, index, "its rung fell due at another time than it counts to");
    }
    return OK;
}

/* --- the log's own --- */

static enum err configured(struct recount *recount, uint64_t index, const struct fields *record)
{
    const struct digest *policy = &recount->basis->policy;
    struct fields configuration;

    if (fields_read(record->bytes[18], SHAPE_CONFIGURATION, &configuration) != OK) {
        return REFUSE(recount, index, "its configuration is malformed");
    }
    recount->policy_differs =
        !span_equal(configuration.bytes[3], span_of(policy->bytes, DIGEST_BYTES));
    return OK;
}

enum err recount_add(struct recount *recount, uint64_t index, const struct fields *record)
{
    struct fields window;

    if (recount->basis == NULL) {
        return OK;
    }
    recount->recovered = recount->recovered || record->bytes[22].len > 0;
    if (record->value[2] == KIND_START || record->value[2] == KIND_CLOCK) {
        recount->waits_ms = record->value[3];
    }
    if (record->bytes[18].len > 0) {
        return configured(recount, index, record);
    }
    if (record->value[2] == KIND_RAISED) {
        return raised(recount, index, record);
    }
    if (record->bytes[15].len == 0) {
        return OK;
    }
    if (fields_read(record->bytes[15], SHAPE_WINDOW, &window) != OK ||
        record->bytes[8].len != UUID_BYTES) {
        return REFUSE(recount, index, "its window is malformed");
    }
    switch (record->value[2]) {
    case KIND_OPENED:
    case KIND_TASK_OPENED:
        return opened(recount, index, record, &window);
    case KIND_REDATED:
        return redated(recount, index, record, &window);
    case KIND_STOPPED:
    case KIND_TASK_CLOSED:
    case KIND_CANCELLED:
        return stopped(recount, index, record, &window);
    default:
        return OK;
    }
}

enum err recount_end(struct recount *recount, uint64_t last_ms)
{
    const uint64_t until_ms[2] = {last_ms, UINT64_MAX};
    enum err error = OK;

    for (size_t i = 0; recount->basis != NULL && i < recount->window_count && error == OK; i++) {
        const struct counted_window *row = &recount->windows[i];

        if (row->open) {
            error = look_for_missing(recount, row->index, row, until_ms);
        }
    }
    return error;
}
