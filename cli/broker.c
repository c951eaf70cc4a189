/* The commands that ask a broker: its state, its agencies, what waits, and its clock. The contract
 * is docs/status-socket.md; broker_case.c has those about referrals. Nothing here is personal: the
 * broker knows nothing that is. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/limits.h"
#include "cli/call.h"
#include "cli/input.h"
#include "cli/table.h"

#define STORE_WARN_PERCENT 80u /* refusal begins at LIMIT_STORE_PERCENT */

_Static_assert(STORE_WARN_PERCENT < LIMIT_STORE_PERCENT, "a warning comes before the refusal");

struct question {
    const char *cmd;
    int (*draw)(const struct json_value *root);
    int (*judge)(const struct json_value *root); /* with --json too: it decides the exit status */
};

/* Asks without further members, then prints the answer or draws it, then judges it. */
static int ask(const struct invocation *invocation, const struct question *question)
{
    struct call call;
    int status;

    call_begin(&call, question->cmd);
    status = call_end(&call, invocation, BROKER_SOCKET);
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(&call);
    } else if (status == EXIT_OK) {
        status = question->draw(&call.root);
    }
    if (status == EXIT_OK && question->judge != NULL) {
        status = question->judge(&call.root);
    }
    call_free(&call);
    return status;
}

/* --- status, clock show --- */

static const struct {
    const char *held;
    const char *meaning;
} hold_meanings[] = {
    {"none", "right; rungs are raised in time"},
    {"start", "rungs wait: not yet confirmed since the start"},
    {"wait", "rungs wait: the ten minutes after a start"},
    {"jump", "rungs wait: the wall clock jumped"},
    {"ahead", "rungs wait: broker time is ahead of the wall clock"},
};

/* What somebody does about it; of a wait there is nothing to do. */
static const struct {
    const char *held;
    const char *next;
} hold_warnings[] = {
    {"start", "the clock is held since the start: reminders and escalations wait until three "
              "agencies' times agree; or compare the machine's time and use `clock confirm`"},
    {"jump", "the clock is held, because the wall clock jumped: reminders and escalations wait "
             "until three agencies' times agree; or compare the machine's time, correct it if it "
             "is wrong, and use `clock confirm`; where it went back and is right now, `clock "
             "reset` takes broker time back, too"},
    {"ahead", "the clock is held, because broker time is ahead of the wall clock: reminders and "
              "escalations wait until the wall clock has come there; if the wall clock is right, "
              "`clock reset` undoes it"},
};

static int warn_held(const struct json_value *root, const char *held)
{
    struct json_value clock = json_member(root, "clock");
    char until[INSTANT_TEXT_BYTES];

    for (size_t i = 0; i < sizeof(hold_warnings) / sizeof(hold_warnings[0]); i++) {
        if (strcmp(held, hold_warnings[i].held) == 0) {
            return output_warn("%s", hold_warnings[i].next);
        }
    }
    output_instant(value_u64(&clock, "wait_until_ms"), until);
    return output_warn(
        "the clock is held until %s, as after each start: it is confirmed, reminders "
        "and escalations begin then by themselves",
        until);
}

static const char *held_of(const struct json_value *root)
{
    struct json_value clock = json_member(root, "clock");

    return value_text(&clock, "held");
}

static void row_instant(struct table *table, const char *name, uint64_t instant_ms)
{
    char text[INSTANT_TEXT_BYTES];

    output_instant(instant_ms, text);
    table_cell(table, name);
    table_cell(table, text);
}

static void row_clock(struct table *table, const struct json_value *root)
{
    struct json_value clock = json_member(root, "clock");
    const char *held = value_text(&clock, "held"), *meaning = held;

    for (size_t i = 0; i < sizeof(hold_meanings) / sizeof(hold_meanings[0]); i++) {
        if (strcmp(held, hold_meanings[i].held) == 0) {
            meaning = hold_meanings[i].meaning;
        }
    }
    row_instant(table, "broker time", value_u64(&clock, "broker_ms"));
    row_instant(table, "wall clock", value_u64(&clock, "wall_ms"));
    row_instant(table, "confirmed", value_u64(&clock, "confirmed_ms"));
    table_cell(table, "clock");
    table_cell(table, meaning);
}

/* The lights; all may be on. */
static int judge(const struct json_value *root)
{
    struct json_value percent = json_member(root, "store_percent");
    uint64_t used = value_u64(root, "store_percent");
    uint64_t missing = value_u64(root, "calendar_missing");
    const char *held = held_of(root);
    int status = EXIT_OK;

    if (missing != 0) {
        status = output_warn("the holiday notice of %" PRIu64 " is not in the calendar: dates "
                             "behind it are provisional (暂定); `calendar import %" PRIu64 ".json`",
                             missing, missing);
    }
    if (strcmp(held, "none") != 0) {
        status = warn_held(root, held);
    }
    if (!json_absent(&percent) && !value_bool(root, "accepts")) {
        status = output_warn("the store is full (%" PRIu64 " %%): new messages are refused; give "
                             "it a larger `store-mib`",
                             used);
    } else if (used >= STORE_WARN_PERCENT) {
        status = output_warn("the store is nearly full (%" PRIu64 " %%; refusal begins above %u): "
                             "give it a larger `store-mib`",
                             used, LIMIT_STORE_PERCENT);
    }
    return status;
}

static void row_text(struct table *table, const char *name, const char *text)
{
    table_cell(table, name);
    table_cell(table, text);
}

static int draw_status(const struct json_value *root)
{
    struct json_value counts = json_member(root, "counts"), log = json_member(root, "log");
    struct json_value link = json_member(root, "link");
    struct table table;

    table_begin(&table, NULL, "ll");
    row_text(&table, "software", value_text(root, "software"));
    row_text(&table, "origin", value_text(root, "origin"));
    table_cell(&table, "calendar");
    table_cellf(&table, "%s%s", value_text(root, "calendar"),
                value_bool(root, "redating") ? ", windows are being re-dated" : "");
    table_cell(&table, "agencies");
    table_cell_u64(&table, value_u64(root, "agencies"));
    table_cell(&table, "store");
    table_cellf(&table, "%" PRIu64 " %% used, %s", value_u64(root, "store_percent"),
                value_bool(root, "accepts") ? "takes messages" : "full");
    row_clock(&table, root);
    if (value_bool(root, "laboratory")) {
        row_text(&table, "mode", "laboratory: clocks can be moved; never for real cases");
    }
    table_cell(&table, "since the start");
    table_cellf(&table,
                "%" PRIu64 " requests, %" PRIu64 " messages, %" PRIu64 " refused, %" PRIu64
                " of strangers, %" PRIu64 " rungs, %" PRIu64 " notices",
                value_u64(&counts, "requests"), value_u64(&counts, "messages"),
                value_u64(&counts, "refused"), value_u64(&counts, "strangers"),
                value_u64(&counts, "rungs"), value_u64(&counts, "notices"));
    table_cell(&table, "connections");
    table_cellf(&table, "%" PRIu64 " open, %" PRIu64 " refused", value_u64(&link, "connections"),
                value_u64(&link, "connections_refused"));
    table_cell(&table, "log");
    table_cellf(&table, "%" PRIu64 " leaves, root %s", value_u64(&log, "size"),
                value_text(&log, "root"));
    return table_end(&table, "");
}

int broker_status_run(const struct invocation *invocation)
{
    const struct question question = {.cmd = "status", .draw = draw_status, .judge = judge};

    return ask(invocation, &question);
}

static int draw_clock(const struct json_value *root)
{
    struct table table;

    table_begin(&table, NULL, "ll");
    row_clock(&table, root);
    return table_end(&table, "");
}

int broker_clock_show_run(const struct invocation *invocation)
{
    const struct question question = {.cmd = "clock-show", .draw = draw_clock, .judge = judge};

    return ask(invocation, &question);
}

/* --- agencies --- */

/* "up" or "DOWN", unless its state says more. */
static const char *state_of(const struct json_value *agency)
{
    const char *state = value_text(agency, "state");
    bool usual = state[0] == '\0' || strcmp(state, "registered") == 0;

    return !usual ? state : value_bool(agency, "up") ? "up" : "DOWN";
}

static int draw_agencies(const struct json_value *root)
{
    static const char *const heads[] = {"AGENCY", "STATE",     "LAST HEARD", "WAITING",
                                        "SINCE",  "CONFIRMED", "NAME"};
    struct json_value agencies = json_member(root, "agencies");
    struct table table;

    table_begin(&table, heads, "lllrlrl");
    for (size_t i = 0; i < json_count(&agencies); i++) {
        struct json_value agency = json_item(&agencies, i);
        uint64_t heard_ms = value_u64(&agency, "heard_ms");
        char heard[INSTANT_TEXT_BYTES], oldest[INSTANT_TEXT_BYTES];

        output_instant(heard_ms, heard);
        output_instant(value_u64(&agency, "oldest_ms"), oldest);
        table_cell(&table, value_text(&agency, "id"));
        table_cell(&table, state_of(&agency));
        table_cell(&table, heard_ms != 0 ? heard : "not since the start");
        table_cell_u64(&table, value_u64(&agency, "waiting"));
        table_cell(&table, oldest);
        table_cell_u64(&table, value_u64(&agency, "witnessed_size"));
        table_cellf(&table, "%s (%s)", value_text(&agency, "name_zh"),
                    value_text(&agency, "name_en"));
    }
    return table_end(&table, "no agencies");
}

int agency_list_run(const struct invocation *invocation)
{
    const struct question question = {.cmd = "agencies", .draw = draw_agencies};

    return ask(invocation, &question);
}

/* --- queue --- */

static const char *const ages[] = {"10m", "1h", "1d", "3d", "7d", "older"};

#define AGE_COUNT (sizeof(ages) / sizeof(ages[0]))

static void queue_row(struct table *table, const struct json_value *queue,
                      uint64_t totals[AGE_COUNT + 1])
{
    uint64_t waiting = value_u64(queue, "waiting");

    table_cell(table, value_text(queue, "id"));
    for (size_t i = 0; i < AGE_COUNT; i++) {
        uint64_t count = value_u64(queue, ages[i]);

        table_cell_u64(table, count);
        totals[i] += count;
    }
    table_cell_u64(table, waiting);
    table_cell(table, value_text(queue, "name_zh"));
    totals[AGE_COUNT] += waiting;
}

static int draw_queue(const struct json_value *root)
{
    static const char *const heads[] = {"AGENCY", "<10m", "<1h",   "<1d", "<3d",
                                        "<7d",    "7d+",  "TOTAL", "NAME"};
    struct json_value queues = json_member(root, "queues");
    uint64_t totals[AGE_COUNT + 1] = {0};
    struct table table;

    table_begin(&table, heads, "lrrrrrrrl");
    for (size_t i = 0; i < json_count(&queues); i++) {
        struct json_value queue = json_item(&queues, i);

        queue_row(&table, &queue, totals);
    }
    table_cell(&table, "all");
    for (size_t i = 0; i <= AGE_COUNT; i++) {
        table_cell_u64(&table, totals[i]);
    }
    table_cell(&table, "");
    return table_end(&table, "no agencies");
}

/* The broker looks at the first 20,000 messages of each lane; the ages of more are not known. */
static int judge_queue(const struct json_value *root)
{
    struct json_value queues = json_member(root, "queues");
    uint64_t uncounted = 0;

    for (size_t i = 0; i < json_count(&queues); i++) {
        struct json_value queue = json_item(&queues, i);
        uint64_t waiting = value_u64(&queue, "waiting"), counted = 0;

        for (size_t age = 0; age < AGE_COUNT; age++) {
            counted += value_u64(&queue, ages[age]);
        }
        uncounted += waiting > counted ? waiting - counted : 0;
    }
    return uncounted == 0 ? EXIT_OK
                          : output_warn("the ages of %" PRIu64 " messages at the ends of long "
                                        "queues were not looked at",
                                        uncounted);
}

int broker_queue_run(const struct invocation *invocation)
{
    const struct question question = {.cmd = "queue", .draw = draw_queue, .judge = judge_queue};

    return ask(invocation, &question);
}
