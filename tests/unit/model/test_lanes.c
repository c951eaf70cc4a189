/* lib/model/lanes and backoff: which lane a referral takes, the order in which lanes are served,
 * and as a property over random traffic: no lane waits through eight picks, and a lower lane never
 * goes first without need. */
#include "../suite.h"
#include "model/backoff.h"
#include "model/lanes.h"
#include "model/vocabulary.h"

static const struct {
    struct referral_facts facts;
    enum lane lane;
} lane_rows[] = {
    {{.ground = 401}, LANE_REST},
    {{.ground = 1}, LANE_REST},
    {{.ground = 401, .urgent = true}, LANE_PRIORITY},
    {{.ground = 401, .priority_groups = 1u << 4}, LANE_PRIORITY},
    {{.ground = 401, .priority_groups = 1u << GROUP_MINOR}, LANE_MINORS},
    {{.ground = 401, .priority_groups = 1u << GROUP_ORPHAN}, LANE_MINORS},
    {{.ground = 401, .priority_groups = 1u << GROUP_MIGRANT_CHILD}, LANE_MINORS},
    {{.ground = 401, .minor_marks = 1u << MINOR_EX_OFFICIO}, LANE_MINORS},
    {{.ground = 1801}, LANE_MINORS},
    {{.ground = 1808, .urgent = true}, LANE_MINORS},
    {{.ground = 402, .life_danger = true}, LANE_LIFE_DANGER},
    {{.ground = 1802, .life_danger = true, .minor_marks = 1}, LANE_LIFE_DANGER},
};

START_TEST(facts_choose_the_lane)
{
    ck_assert_int_eq(lane_of(&lane_rows[_i].facts), lane_rows[_i].lane);
}
END_TEST

START_TEST(nothing_waits_nothing_is_picked)
{
    struct lane_picker picker = {{0}};
    const bool none[LANE_COUNT] = {false};
    ck_assert_int_eq(lane_pick(&picker, none), LANE_COUNT);
}
END_TEST

/* With every lane full, each eight picks hold each lower lane, and the first is the highest. */
START_TEST(all_lanes_full)
{
    struct lane_picker picker = {{0}};
    const bool all[LANE_COUNT] = {true, true, true, true};
    enum lane picks[800];
    ck_assert_int_eq(lane_pick(&picker, all), LANE_LIFE_DANGER);
    for (size_t i = 0; i < COUNT_OF(picks); i++) {
        picks[i] = lane_pick(&picker, all);
    }
    for (size_t from = 0; from + LANE_ROUND <= COUNT_OF(picks); from++) {
        unsigned seen[LANE_COUNT] = {0};
        for (size_t i = from; i < from + LANE_ROUND; i++) {
            seen[picks[i]]++;
        }
        for (int lane = 1; lane < LANE_COUNT; lane++) {
            ck_assert_uint_eq(seen[lane], 1);
        }
        ck_assert_uint_eq(seen[LANE_LIFE_DANGER], LANE_ROUND - (LANE_COUNT - 1));
    }
}
END_TEST

static uint32_t step(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 16;
}

START_TEST(no_lane_starves_under_any_traffic)
{
    uint32_t state = (uint32_t)_i + 1;
    struct lane_picker picker = {{0}};
    unsigned passed[LANE_COUNT] = {0};
    bool waiting[LANE_COUNT] = {false};
    for (unsigned i = 0; i < 2000; i++) {
        for (int lane = 0; lane < LANE_COUNT; lane++) {
            waiting[lane] = step(&state) % 16 < (unsigned)(_i % 16) + 1;
        }
        enum lane picked = lane_pick(&picker, waiting);
        bool any = waiting[0] || waiting[1] || waiting[2] || waiting[3];
        ck_assert_int_eq(any, picked != LANE_COUNT);
        ck_assert(!any || waiting[picked]);
        for (int lane = 0; lane < LANE_COUNT; lane++) {
            bool over = any && waiting[lane] && lane < (int)picked; /* a higher one was passed */
            ck_assert(!over || passed[picked] >= LANE_ROUND - (LANE_COUNT - 1));
        }
        for (int lane = 1; lane < LANE_COUNT; lane++) {
            passed[lane] = waiting[lane] && lane != (int)picked ? passed[lane] + 1 : 0;
            ck_assert_uint_lt(passed[lane], LANE_ROUND);
        }
    }
}
END_TEST

START_TEST(backoff_doubles_up_to_the_maximum_with_half_of_jitter)
{
    const struct backoff backoff = {.base_ms = 1000, .max_ms = 60000};
    uint64_t whole_ms = 1000;
    for (uint32_t failures = 1; failures < 80; failures++) {
        for (uint32_t random = 0; random < 100000; random += 997) {
            uint64_t wait_ms = backoff_ms(&backoff, failures, random);
            ck_assert_uint_ge(wait_ms, whole_ms / 2);
            ck_assert_uint_le(wait_ms, whole_ms);
        }
        whole_ms = whole_ms * 2 > 60000 ? 60000 : whole_ms * 2;
    }
    ck_assert_uint_eq(backoff_ms(&backoff, 0, 500), 1000);
    ck_assert_uint_eq(backoff_ms(&backoff, 1, 0), 500);
    ck_assert_uint_eq(backoff_ms(&(struct backoff){1, 1}, 9, 7), 1);
    ck_assert_uint_le(backoff_ms(&(struct backoff){UINT64_MAX / 2 + 1, UINT64_MAX}, 9, 7),
                      UINT64_MAX);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lanes");
    TCase *cases = tcase_create("all");
    tcase_add_loop_test(cases, facts_choose_the_lane, 0, (int)COUNT_OF(lane_rows));
    tcase_add_test(cases, nothing_waits_nothing_is_picked);
    tcase_add_test(cases, all_lanes_full);
    tcase_add_loop_test(cases, no_lane_starves_under_any_traffic, 0, 16);
    tcase_add_test(cases, backoff_doubles_up_to_the_maximum_with_half_of_jitter);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
