/* How: a lower lane that waited through five picks of other lanes is served as soon as possible,
 * the one that waited longest first. Three lanes can be due at once, so each is served after seven
 * picks of others at the latest: within every eight. Until then the highest lane goes first. */
#include "model/lanes.h"

#include "model/vocabulary.h"

/* Picks of others after which a lane is due: room for the two other lower lanes within a round. */
#define LANE_PATIENCE (LANE_ROUND - (LANE_COUNT - 1))

static const char *const lane_names[LANE_COUNT] = {"life-danger", "minors", "priority", "rest"};

bool lane_is_minor(const struct referral_facts *facts)
{
    uint64_t groups = UINT64_C(1) << GROUP_MINOR;
    for (uint32_t bit = GROUP_ORPHAN; bit <= GROUP_MIGRANT_CHILD; bit++) {
        groups |= UINT64_C(1) << bit;
    }
    bool by_ground = facts->ground >= GROUND_ART18_FIRST && facts->ground <= GROUND_ART18_LAST;
    return by_ground || facts->minor_marks != 0 || (facts->priority_groups & groups) != 0;
}

enum lane lane_of(const struct referral_facts *facts)
{
    if (facts->life_danger) {
        return LANE_LIFE_DANGER;
    }
    if (lane_is_minor(facts)) {
        return LANE_MINORS;
    }
    return facts->priority_groups != 0 || facts->urgent ? LANE_PRIORITY : LANE_REST;
}

const char *lane_name(enum lane lane)
{
    return lane < LANE_COUNT ? lane_names[lane] : "unknown";
}

enum lane lane_pick(struct lane_picker *picker, const bool waiting[LANE_COUNT])
{
    enum lane chosen = LANE_COUNT;
    for (enum lane lane = LANE_LIFE_DANGER; lane < LANE_COUNT; lane++) {
        if (!waiting[lane]) {
            picker->passed[lane] = 0;
        } else if (chosen == LANE_COUNT) {
            chosen = lane;
        } else if (picker->passed[lane] >= LANE_PATIENCE &&
                   picker->passed[lane] > picker->passed[chosen]) {
            chosen = lane;
        }
    }
    for (enum lane lane = LANE_LIFE_DANGER; lane < LANE_COUNT; lane++) {
        if (waiting[lane]) {
            picker->passed[lane] = lane == chosen ? 0 : picker->passed[lane] + 1;
        }
    }
    return chosen;
}
