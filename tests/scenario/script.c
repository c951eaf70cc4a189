/* Steps about the world: time, the broker's life, administrators. */
#include "scenario/script.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/acts.h"

#define DAY_MS  UINT64_C(86400000)
#define HOUR_MS UINT64_C(3600000)

bool step_fail(struct step *step, const char *fmt, ...)
{
    va_list arguments;

    va_start(arguments, fmt);
    (void)vsnprintf(step->problem, sizeof(step->problem), fmt, arguments);
    va_end(arguments);
    return false;
}

bool step_split(struct step *step)
{
    char *at = step->text;

    step->count = 0;
    step->problem[0] = '\0';
    while (step->count < SCRIPT_WORDS) {
        at += strspn(at, " \t\r\n");
        if (*at == '\0' || *at == '#') {
            break;
        }
        step->words[step->count++] = at;
        at += strcspn(at, " \t\r\n");
        if (*at != '\0') {
            *at++ = '\0';
        }
    }
    return step->count > 0;
}

const char *step_word(const struct step *step, size_t index)
{
    return index < step->count ? step->words[index] : "";
}

char *step_cut(char **rest, char mark)
{
    char *first = *rest;
    char *end = strchr(first, mark);

    *rest = end != NULL ? end + 1 : first + strlen(first);
    if (end != NULL) {
        *end = '\0';
    }
    return first;
}

bool step_number(const char *text, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] < '0' || text[i] > '9' || value > UINT32_MAX) {
            return false;
        }
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *ret_value = value;
    return text[0] != '\0';
}

bool step_has(const struct step *step, const char *word)
{
    for (size_t i = 1; i < step->count; i++) {
        if (strcmp(step->words[i], word) == 0) {
            return true;
        }
    }
    return false;
}

const char *step_option(const struct step *step, const char *name)
{
    size_t len = strlen(name);

    for (size_t i = 1; i < step->count; i++) {
        if (strncmp(step->words[i], name, len) == 0 && step->words[i][len] == '=') {
            return step->words[i] + len + 1;
        }
    }
    return NULL;
}

/* "90m", "3h", "5d", "30s": an unsigned amount of time. */
static bool read_amount(const char *text, uint64_t *ret_ms)
{
    static const struct {
        char unit;
        uint64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', HOUR_MS}, {'d', DAY_MS}};
    uint64_t value = 0;
    size_t i = 0;

    for (; text[i] >= '0' && text[i] <= '9' && value < 1000000; i++) {
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    for (size_t u = 0; i > 0 && u < sizeof(units) / sizeof(units[0]); u++) {
        if (text[i] == units[u].unit && text[i + 1] == '\0') {
            *ret_ms = value * units[u].ms;
            return true;
        }
    }
    return false;
}

/* "2026-09-28 09:30" in +08:00. */
static bool read_instant(const struct step *step, size_t at, uint64_t *ret_ms)
{
    const char *clock = step_word(step, at + 1);
    int32_t day;
    uint64_t minutes;

    if (civil_parse(step_word(step, at), &day) != OK || strlen(clock) != 5 || clock[2] != ':') {
        return false;
    }
    minutes = (uint64_t)((clock[0] - '0') * 10 + (clock[1] - '0')) * 60 +
              (uint64_t)((clock[3] - '0') * 10 + (clock[4] - '0'));
    *ret_ms = civil_start_ms(day) + minutes * 60000;
    return true;
}

static bool play_time(struct world *world, struct step *step)
{
    if (!world->down || world->store != NULL || !read_instant(step, 1, &world->wall_ms)) {
        return step_fail(step, "expected `time DATE HH:MM` before the first start");
    }
    return true;
}

static bool play_start(struct world *world, struct step *step)
{
    if (!world->down) {
        return step_fail(step, "the broker runs");
    }
    world_start(world);
    return true;
}

static bool play_stop(struct world *world, struct step *step)
{
    if (world->down) {
        return step_fail(step, "the broker does not run");
    }
    if (strcmp(step->words[0], "crash") == 0) {
        world_crash(world);
    } else {
        world_stop(world);
    }
    return true;
}

static bool play_restart(struct world *world, struct step *step)
{
    return play_stop(world, step) && play_start(world, step);
}

static bool play_pass(struct world *world, struct step *step)
{
    uint64_t ms;

    if (!read_amount(step_word(step, 1), &ms)) {
        return step_fail(step, "expected an amount of time such as 90m, 3h or 5d");
    }
    world_pass(world, ms);
    return true;
}

static bool play_until(struct world *world, struct step *step)
{
    uint64_t end_ms;

    if (!read_instant(step, 1, &end_ms) || end_ms < world->wall_ms) {
        return step_fail(step, "expected a later instant: DATE HH:MM");
    }
    world_pass(world, end_ms - world->wall_ms);
    return true;
}

/* The wall clock alone: `jump +400d`, `jump -1h`. */
static bool play_jump(struct world *world, struct step *step)
{
    const char *word = step_word(step, 1);
    uint64_t ms;

    if ((word[0] != '+' && word[0] != '-') || !read_amount(word + 1, &ms)) {
        return step_fail(step, "expected `jump +AMOUNT` or `jump -AMOUNT`");
    }
    world->wall_ms = word[0] == '+' ? world->wall_ms + ms : world->wall_ms - ms;
    world_settle(world);
    return true;
}

/* Three agencies are heard: their signed times confirm the clock. */
static bool play_confirm(struct world *world, struct step *step)
{
    (void)step;
    for (size_t i = 0; i < 3; i++) {
        struct asking asking = {.head = {.kind = REQUEST_REGISTRY}};
        struct region region;
        struct reply reply;

        region_init(&region, LIMIT_PARSE_BYTES(2 * LIMIT_REQUEST_BYTES));
        (void)actor_request(world, &world->actors[i], &asking, &region, &reply);
        region_free(&region);
    }
    world_settle(world);
    return true;
}

static bool play_suspension(struct world *world, struct step *step)
{
    const struct registry *registry = broker_setup(world->broker)->registry;
    const struct agency *agency = registry_find(registry, step_word(step, 2));
    bool suspend = strcmp(step_word(step, 1), "suspends") == 0;
    struct act act = {.name = suspend ? "agency-suspend" : "agency-resume",
                      .about = step_word(step, 2),
                      .role = "operator",
                      .reason = span_text("scenario")};
    size_t place;
    enum err error;

    if (agency == NULL) {
        return step_fail(step, "no such agency");
    }
    place = (size_t)(agency - registry_at(registry, 0));
    if (broker_suspended(world->broker, place) == suspend) {
        return step_fail(step, "it is so already");
    }
    error = broker_suspend(world->broker, &act, place, suspend);
    world_settle(world);
    return error == OK || step_fail(step, "nothing was done: %s", err_text(error));
}

static bool play_administrator(struct world *world, struct step *step)
{
    struct act act = {
        .name = "clock-confirm", .about = "", .role = "operator", .reason = span_text("scenario")};
    enum err error;

    if (strcmp(step_word(step, 1), "retries") == 0 || strcmp(step_word(step, 1), "drops") == 0) {
        return script_settle(world, step);
    }
    if (strcmp(step_word(step, 1), "suspends") == 0 || strcmp(step_word(step, 1), "resumes") == 0) {
        return play_suspension(world, step);
    }
    if (strcmp(step_word(step, 1), "confirms") == 0) {
        error = broker_clock_confirm(world->broker, &act);
    } else if (strcmp(step_word(step, 1), "resets") == 0) {
        act.name = "clock-reset";
        error = broker_clock_reset(world->broker, &act);
    } else {
        return step_fail(step, "expected `administrator confirms` or `administrator resets`");
    }
    world_settle(world);
    return error == OK || step_fail(step, "nothing was done: %s", err_text(error));
}

static bool play_cut(struct world *world, struct step *step)
{
    world->cut = strcmp(step_word(step, 1), "off") != 0;
    return true;
}

/* `calendar 2027.json`: a file of calendars/ is imported, and the broker reloads. */
static bool play_calendar(struct world *world, struct step *step)
{
    return world_calendar(world, step_word(step, 1)) ||
           step_fail(step, "no such calendar file, or it is refused: %s", step_word(step, 1));
}

/* `queues 3`: so many messages may wait for one agency, from the next start on. */
static bool play_queues(struct world *world, struct step *step)
{
    return step_number(step_word(step, 1), &world->queue_max) ||
           step_fail(step, "expected a number: %s", step_word(step, 1));
}

static bool play_policy(struct world *world, struct step *step)
{
    return world_change_policy(world, step_word(step, 1), step_word(step, 2)) ||
           step_fail(step,
                     "expected `policy OPTION VALUE` of a number that config/policy.yaml has");
}

/* `attachments required`: as the shipped policy; the stories begin with `optional`. */
static bool play_attachments(struct world *world, struct step *step)
{
    world->policy->attachments_required = strcmp(step_word(step, 1), "required") == 0;
    return true;
}

static bool play_replay(struct world *world, struct step *step)
{
    return actor_replay(world) || step_fail(step, "no answer");
}

static const struct {
    const char *word;
    bool (*play)(struct world *, struct step *);
} steps[] = {
    {"time", play_time},
    {"start", play_start},
    {"stop", play_stop},
    {"crash", play_stop},
    {"restart", play_restart},
    {"pass", play_pass},
    {"until", play_until},
    {"jump", play_jump},
    {"confirm", play_confirm},
    {"administrator", play_administrator},
    {"cut", play_cut},
    {"replay", play_replay},
    {"calendar", play_calendar},
    {"queues", play_queues},
    {"policy", play_policy},
    {"attachments", play_attachments},
    {"snapshot", script_snapshot},
    {"restore-from", script_restore},
    {"expect", script_expect},
};

bool script_play(struct world *world, struct step *step)
{
    struct actor *actor;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (strcmp(steps[i].word, step->words[0]) == 0) {
            return steps[i].play(world, step);
        }
    }
    actor = world_actor(world, step->words[0]);
    if (actor == NULL) {
        return step_fail(step, "neither a step nor an agency: %s", step->words[0]);
    }
    return script_act(world, actor, step);
}
