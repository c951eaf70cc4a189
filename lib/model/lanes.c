/* How: earliest deadline first, as late as possible. Each lane below the first must be served
 * before eight picks of others pass. While that still holds if the highest lane goes first once
 * more, it does; else the lane that waited longest goes. With three such lanes there is always
 * room: one that waited for p picks and has c - 1 others before it is in time while p + c is below
 * eight. */
#include "model/lanes.h"

#include "model/vocabulary.h"

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

/* Would this lane, or one that waits for it, miss its turn if another went first? */
static bool lane_is_due(const struct lane_picker *picker, const bool waiting[LANE_COUNT],
                        enum lane lane)
{
    uint32_t before = 0; /* lanes to be served up to and including this one */
    for (enum lane other = LANE_MINORS; other < LANE_COUNT; other++) {
        before += waiting[other] && picker->passed[other] >= picker->passed[lane] ? 1 : 0;
    }
    return picker->passed[lane] + before >= LANE_ROUND;
}

enum lane lane_pick(struct lane_picker *picker, const bool waiting[LANE_COUNT])
{
    enum lane highest = LANE_COUNT;
    enum lane longest = LANE_COUNT; /* of the lanes below the first */
    bool due = false;
    for (enum lane lane = LANE_LIFE_DANGER; lane < LANE_COUNT; lane++) {
        if (!waiting[lane]) {
            picker->passed[lane] = 0;
        }
    }
    for (enum lane lane = LANE_LIFE_DANGER; lane < LANE_COUNT; lane++) {
        if (!waiting[lane]) {
            continue;
        }
        highest = highest == LANE_COUNT ? lane : highest;
        if (lane == LANE_LIFE_DANGER) {
            continue;
        }
        if (longest == LANE_COUNT || picker->passed[lane] > picker->passed[longest]) {
            longest = lane;
        }
        due = due || lane_is_due(picker, waiting, lane);
    }
    enum lane chosen = due ? longest : highest;
    for (enum lane lane = LANE_MINORS; lane < LANE_COUNT; lane++) {
        if (waiting[lane]) {
            picker->passed[lane] = lane == chosen ? 0 : picker->passed[lane] + 1;
        }
    }
    return chosen;
}
