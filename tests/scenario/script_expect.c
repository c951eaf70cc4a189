/* Expectations: what the store and the log say, read apart from the broker's own memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/refusal.h"
#include "model/vocabulary.h"
#include "scenario/script.h"
#include "store/cases.h"
#include "store/queue.h"

static unsigned number_at(const struct step *step, size_t index)
{
    uint64_t value = UINT64_MAX; /* fits nothing */

    return step_number(step_word(step, index), &value) ? (unsigned)value : UINT32_MAX;
}

static bool load(struct world *world, struct step *step, const char *name,
                 struct referral *ret_referral)
{
    const struct tale *tale = world_tale(world, name);
    struct store_txn *read;
    struct span packed;
    struct case_key key;
    bool good;

    if (tale == NULL) {
        return step_fail(step, "no such referral: %s", name);
    }
    key = (struct case_key){.case_id = tale->case_id, .referral_id = tale->referral_id};
    if (store_read_begin(world->store, &read) != OK) {
        return step_fail(step, "the store cannot be read");
    }
    good = cases_get(read, &key, &packed) == OK && referral_unpack(packed, ret_referral) == OK;
    store_read_end(read);
    return good || step_fail(step, "the referral is not stored");
}

/* --- the log --- */

static bool counted(struct world *world, struct step *step, struct leaf_count *count)
{
    return script_count_leaves(world, count) || step_fail(step, "the log cannot be read");
}

/* expect rung due-1 of r1 [times N] [on DATE] [duty=N] */
static bool expect_rung(struct world *world, struct step *step)
{
    struct leaf_count count = {.kind = LEAF_RUNG_RAISED, .rung = step_word(step, 2)};
    unsigned wanted = strcmp(step_word(step, 5), "times") == 0 ? number_at(step, 6) : 1;
    const char *duty = step_option(step, "duty");
    struct named named;
    uint64_t number;

    if (!world_named(world, step_word(step, 4), &named)) {
        return step_fail(step, "no such referral or matter: %s", step_word(step, 4));
    }
    count.number = named.number;
    if (duty != NULL && step_number(duty, &number)) {
        count.window = (uint32_t)number;
    }
    if (!counted(world, step, &count)) {
        return false;
    }
    if (count.found != wanted) {
        return step_fail(step, "%s was raised %u times, expected %u", count.rung, count.found,
                         wanted);
    }
    if (strcmp(step_word(step, 5), "on") == 0) {
        char day[CIVIL_TEXT_BYTES];

        civil_format(civil_day_at(count.earliest_ms), day);
        return strcmp(day, step_word(step, 6)) == 0 ||
               step_fail(step, "%s was raised on %s", count.rung, day);
    }
    return true;
}

/* expect leaves KIND N */
static bool expect_leaves(struct world *world, struct step *step)
{
    static const struct {
        const char *word;
        enum leaf_kind kind;
    } kinds[] = {{"message", LEAF_MESSAGE},
                 {"refused", LEAF_REFUSED},
                 {"clock", LEAF_CLOCK},
                 {"start", LEAF_START},
                 {"window-opened", LEAF_WINDOW_OPENED},
                 {"window-stopped", LEAF_WINDOW_STOPPED},
                 {"window-redated", LEAF_WINDOW_REDATED},
                 {"configuration", LEAF_CONFIGURATION},
                 {"rung-raised", LEAF_RUNG_RAISED},
                 {"rung-resolved", LEAF_RUNG_RESOLVED},
                 {"task-opened", LEAF_TASK_OPENED},
                 {"window-cancelled", LEAF_WINDOW_CANCELLED},
                 {"task-closed", LEAF_TASK_CLOSED}};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct leaf_count count = {.kind = kinds[i].kind};

        if (strcmp(kinds[i].word, step_word(step, 2)) == 0) {
            return counted(world, step, &count) &&
                   (count.found == number_at(step, 3) ||
                    step_fail(step, "there are %u such leaves", count.found));
        }
    }
    return step_fail(step, "no such leaf kind: %s", step_word(step, 2));
}

/* expect notice escalation of r1 to education N: messages of agencies as well */
static bool expect_notice(struct world *world, struct step *step)
{
    struct leaf_count count = {.kind = LEAF_MESSAGE, .recipient = step_word(step, 6)};
    struct named named;

    count.message_kind = message_kind_parse(step_word(step, 2));
    if (!world_named(world, step_word(step, 4), &named) || count.message_kind == 0) {
        return step_fail(step, "expected `notice KIND of NAME to AGENCY N`");
    }
    count.number = named.number;
    return counted(world, step, &count) &&
           (count.found == number_at(step, 7) ||
            step_fail(step, "there are %u such notices", count.found));
}

/* --- answers --- */

static bool expect_refused(struct world *world, struct step *step)
{
    const char *name = refusal_name(world->refusal);

    if (world->refusal == REFUSAL_NONE) {
        return step_fail(step, "it was accepted");
    }
    return strcmp(name, step_word(step, 2)) == 0 ||
           step_fail(step, "it was refused: %s: %s", name, world->detail);
}

static bool expect_accepted(struct world *world, struct step *step)
{
    return world->refusal == REFUSAL_NONE ||
           step_fail(step, "it was refused: %s: %s", refusal_name(world->refusal), world->detail);
}

/* --- the referral --- */

static bool expect_state(struct world *world, struct step *step)
{
    struct referral referral = {.state = REFERRAL_SUBMITTED};

    return load(world, step, step_word(step, 2), &referral) &&
           (strcmp(referral_state_name(referral.state), step_word(step, 3)) == 0 ||
            step_fail(step, "it is %s", referral_state_name(referral.state)));
}

/* expect due r1 2026-10-29 [provisional] */
static bool expect_due(struct world *world, struct step *step)
{
    char day[CIVIL_TEXT_BYTES];
    struct referral referral = {.state = REFERRAL_SUBMITTED};
    const struct window *window = &referral.clocks[REFERRAL_CLOCK_FEEDBACK];

    if (!load(world, step, step_word(step, 2), &referral)) {
        return false;
    }
    civil_format(window->due_day, day);
    if (strcmp(day, step_word(step, 3)) != 0) {
        return step_fail(step, "day N is %s", day);
    }
    return window->provisional == (strcmp(step_word(step, 4), "provisional") == 0) ||
           step_fail(step, "provisional is %d", window->provisional);
}

/* expect basis r1 calendar|floor|kept: why its day N is what it is */
static bool expect_basis(struct world *world, struct step *step)
{
    struct referral referral = {.state = REFERRAL_SUBMITTED};
    const struct window *window = &referral.clocks[REFERRAL_CLOCK_FEEDBACK];

    return load(world, step, step_word(step, 2), &referral) &&
           (strcmp(window_basis_id(window->basis), step_word(step, 3)) == 0 ||
            step_fail(step, "it is %s", window_basis_id(window->basis)));
}

static bool expect_window(struct world *world, struct step *step)
{
    struct referral referral = {.state = REFERRAL_SUBMITTED};

    return load(world, step, step_word(step, 2), &referral) &&
           (referral.window_number == number_at(step, 3) ||
            step_fail(step, "its window is number %u", referral.window_number));
}

/* expect late r1 N, expect in-time r1 */
static bool expect_late(struct world *world, struct step *step)
{
    bool late = strcmp(step->words[1], "late") == 0;
    struct referral referral = {.state = REFERRAL_SUBMITTED};

    if (!load(world, step, step_word(step, 2), &referral)) {
        return false;
    }
    if (referral.late != late) {
        return step_fail(step, "late is %d", referral.late);
    }
    return !late || referral.lateness_days == number_at(step, 3) ||
           step_fail(step, "it is %u working days late", referral.lateness_days);
}

static bool expect_signed(struct world *world, struct step *step)
{
    struct referral referral = {.state = REFERRAL_SUBMITTED};

    return load(world, step, step_word(step, 2), &referral) &&
           ((referral.marks & MARK_SIGNED) != 0 || step_fail(step, "it is not signed for"));
}

static bool expect_task(struct world *world, struct step *step)
{
    enum referral_clock clock =
        strcmp(step_word(step, 2), "papers") == 0 ? REFERRAL_CLOCK_PAPERS : REFERRAL_CLOCK_TELL;
    bool open = strcmp(step_word(step, 5), "open") == 0;
    struct referral referral = {.state = REFERRAL_SUBMITTED};

    return load(world, step, step_word(step, 4), &referral) &&
           (referral_clock_open(&referral, clock) == open ||
            step_fail(step, "the task is %s", open ? "closed" : "open"));
}

/* expect hops r1 N: how often its household was sent on */
static bool expect_hops(struct world *world, struct step *step)
{
    struct referral referral = {.state = REFERRAL_SUBMITTED};

    return load(world, step, step_word(step, 2), &referral) &&
           (referral.hops == number_at(step, 3) ||
            step_fail(step, "it was sent on %u times", referral.hops));
}

/* expect assisted r1 FEN: reported as delivered, paid or approved, as the stage says */
static bool expect_assisted(struct world *world, struct step *step)
{
    struct referral referral = {.state = REFERRAL_SUBMITTED};
    const struct word *stage = vocabulary_parse(VOCABULARY_STAGE, step_word(step, 3));
    uint64_t fen = 0;

    if (stage == NULL || !load(world, step, step_word(step, 2), &referral)) {
        return step_fail(step, "expected `assisted REFERRAL approved|paid|delivered FEN`");
    }
    for (uint32_t i = 0; i < referral.help_count; i++) {
        fen += referral.helps[i].stage == stage->value ? referral.helps[i].amount_fen : 0;
    }
    return fen == number_at(step, 4) || step_fail(step, "it is %llu fen", (unsigned long long)fen);
}

static bool expect_waiting(struct world *world, struct step *step)
{
    const struct actor *actor = world_actor(world, step_word(step, 2));
    uint64_t count = 0, oldest_ms;
    struct store_txn *read;
    bool good;

    if (actor == NULL || store_read_begin(world->store, &read) != OK) {
        return step_fail(step, "no such agency: %s", step_word(step, 2));
    }
    good = queue_waiting(read, actor->agency->number, &count, &oldest_ms) == OK;
    store_read_end(read);
    return good && (count == number_at(step, 3) ||
                    step_fail(step, "%llu messages wait", (unsigned long long)count));
}

/* expect held REFERRAL as the first ... in the order in which they came */
static bool expect_held(struct world *world, struct step *step)
{
    const struct actor *actor = world_actor(world, step_word(step, 2));

    if (actor == NULL) {
        return step_fail(step, "no such agency: %s", step_word(step, 2));
    }
    for (size_t i = 3; i < step->count; i++) {
        struct named named;

        if (!world_named(world, step->words[i], &named) || i - 3 >= actor->held_count ||
            !uuid_equal(&actor->held[i - 3].header.referral_id, &named.referral_id)) {
            return step_fail(step, "place %zu is not %s", i - 2, step->words[i]);
        }
    }
    return true;
}

static bool expect_clock(struct world *world, struct step *step)
{
    struct broker_clock clock;

    broker_clock(world->broker, &clock);
    return (clock.hold != 0) == (strcmp(step_word(step, 2), "held") == 0) ||
           step_fail(step, "hold is %d", clock.hold);
}

static const struct {
    const char *word;
    bool (*expect)(struct world *, struct step *);
} expectations[] = {
    {"rung", expect_rung},
    {"leaves", expect_leaves},
    {"notice", expect_notice},
    {"refused", expect_refused},
    {"accepted", expect_accepted},
    {"state", expect_state},
    {"due", expect_due},
    {"window", expect_window},
    {"basis", expect_basis},
    {"late", expect_late},
    {"in-time", expect_late},
    {"signed", expect_signed},
    {"task", expect_task},
    {"hops", expect_hops},
    {"waiting", expect_waiting},
    {"held", expect_held},
    {"clock", expect_clock},
    {"assisted", expect_assisted},
    {"applied", script_expect_applied},
};

bool script_expect(struct world *world, struct step *step)
{
    bool holds = false;

    if (world->down) {
        return step_fail(step, "the broker is down");
    }
    for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
        if (strcmp(expectations[i].word, step_word(step, 1)) == 0) {
            return expectations[i].expect(world, step);
        }
    }
    if (script_expect_matter(world, step, &holds) || script_expect_status(world, step, &holds)) {
        return holds;
    }
    return step_fail(step, "no such expectation: %s", step_word(step, 1));
}
