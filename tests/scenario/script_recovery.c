/* Steps about a disk that is lost: `snapshot`, `restore-from`, `A hands-back`. */
#include <string.h>

#include "broker/acts.h"
#include "model/refusal.h"
#include "scenario/script.h"

static enum broker_hand_back state_of(const struct world *world, size_t place)
{
    enum broker_hand_back state = HAND_BACK_NOT_ASKED;
    struct store_txn *read;

    if (store_read_begin(world->store, &read) == OK) {
        if (broker_recovery_agency(world->broker, read, place, &state) != OK) {
            state = HAND_BACK_NOT_ASKED;
        }
        store_read_end(read);
    }
    return state;
}

static bool hand_back(struct world *world, struct actor *actor, struct step *step)
{
    return world_hand_back(world, actor) ||
           step_fail(step, "what %s hands back is not taken: %s", actor->agency->id,
                     refusal_name(world->refusal));
}

/* All are awaited but those who are named: an administrator goes on without them. */
static bool hand_back_all(struct world *world, struct step *step)
{
    struct act act = {
        .name = "recovery-go-on", .role = "operator", .reason = span_text("scenario")};

    for (size_t i = 0; i < world->actor_count; i++) {
        struct actor *actor = &world->actors[i];

        if (state_of(world, i) != HAND_BACK_AWAITED) {
            continue;
        }
        if (!step_has(step, actor->agency->id)) {
            if (!hand_back(world, actor, step)) {
                return false;
            }
        } else if (broker_recovery_go_on(world->broker, i, &act) != OK) {
            return step_fail(step, "the broker does not go on without %s", actor->agency->id);
        }
    }
    world_settle(world);
    return true;
}

bool script_snapshot(struct world *world, struct step *step)
{
    if (world->down) {
        return step_fail(step, "the broker does not run");
    }
    world_snapshot(world, step_word(step, 1));
    return true;
}

bool script_restore(struct world *world, struct step *step)
{
    struct broker_recovery recovery;

    if (world->down || !world->keeping) {
        return step_fail(step, "expected a `snapshot` before, and a broker that runs");
    }
    world_restore(world, step_word(step, 1));
    if (!hand_back_all(world, step)) {
        return false;
    }
    broker_recovery(world->broker, &recovery);
    if (strcmp(recovery.phase, "over") != 0) {
        return step_fail(step, "all have handed back, and the broker is still %s", recovery.phase);
    }
    for (size_t i = 0; i < world->actor_count; i++) {
        if (!step_has(step, world->actors[i].agency->id)) {
            world_take_again(world, &world->actors[i]);
        }
    }
    return true;
}

bool script_hands_back(struct world *world, struct actor *actor, struct step *step)
{
    if (!hand_back(world, actor, step)) {
        return false;
    }
    world_take_again(world, actor);
    return true;
}
