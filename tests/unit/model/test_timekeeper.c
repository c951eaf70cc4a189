/* lib/model/timekeeper: refused stored forms, each hold and event by example, jumps of an hour, a
 * day and 400 days in both directions (running and stopped, confirmed and not), and a random walk
 * of clocks judged by invariants and a second, simpler account of the time. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "model/timekeeper.h"

#define MINUTE UINT64_C(60000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define WALL_0 UINT64_C(1792684800000) /* 2026-10-22T16:00:00Z */
#define BOOT_0 UINT64_C(5000000)

/* A world with its own true time; the wall is wrong by `wrong_ms`. */
struct world {
    uint64_t passed_ms; /* since the start of the test */
    uint64_t boot_from_ms;
    int64_t wrong_ms;
    struct timekeeper keeper;
    struct clock_turn turn;
};

static struct clock_reading read_clocks(const struct world *world)
{
    return (struct clock_reading){
        .wall_ms = WALL_0 + world->passed_ms + (uint64_t)world->wrong_ms,
        .boot_ms = BOOT_0 + world->passed_ms - world->boot_from_ms,
    };
}

static uint64_t true_ms(const struct world *world)
{
    return WALL_0 + world->passed_ms;
}

static void start(struct world *world, const uint8_t *packed)
{
    enum err error =
        timekeeper_start(&world->keeper, timekeeper_rules_default(), read_clocks(world), packed);
    ck_assert_int_eq(error, OK);
}

static void turn_after(struct world *world, uint64_t passed_ms)
{
    world->passed_ms += passed_ms;
    timekeeper_turn(&world->keeper, read_clocks(world), &world->turn);
}

/* Stops the broker for a while and starts it from what it stored, on a new boot when asked. */
static void restart_after(struct world *world, uint64_t passed_ms, bool reboot)
{
    uint8_t packed[TIMEKEEPER_PACKED_BYTES];
    timekeeper_pack(&world->keeper, packed);
    memset(&world->keeper, 0xa5, sizeof(world->keeper));
    world->passed_ms += passed_ms;
    world->boot_from_ms = reboot ? world->passed_ms : world->boot_from_ms;
    start(world, packed);
    turn_after(world, 0);
}

static bool hear(struct world *world, const char *agency, int64_t off_ms)
{
    return timekeeper_heard(&world->keeper, agency, true_ms(world) + (uint64_t)off_ms,
                            read_clocks(world));
}

static void hear_three(struct world *world)
{
    ck_assert(!hear(world, "education", 1000));
    ck_assert(!hear(world, "justice", -2000));
    ck_assert(hear(world, "health", 0));
}

/* A broker in good order: started, confirmed, past its first 10 minutes. */
static void settle(struct world *world)
{
    *world = (struct world){.passed_ms = 0};
    start(world, NULL);
    turn_after(world, 0);
    timekeeper_leaf(&world->keeper, world->turn.now_ms);
    hear_three(world);
    turn_after(world, 10 * MINUTE);
    ck_assert_int_eq(world->turn.hold, HOLD_NOT);
    ck_assert_uint_eq(world->turn.now_ms, true_ms(world));
}

static const struct clock_event *event_of(const struct world *world, enum clock_event_kind kind)
{
    for (size_t i = 0; i < world->turn.event_count; i++) {
        if (world->turn.events[i].kind == kind) {
            return &world->turn.events[i];
        }
    }
    return NULL;
}

START_TEST(test_stored_form)
{
    struct world world;
    settle(&world);
    timekeeper_leaf(&world.keeper, world.turn.now_ms - 7);
    uint8_t packed[TIMEKEEPER_PACKED_BYTES];
    uint8_t again[TIMEKEEPER_PACKED_BYTES];
    struct timekeeper keeper;
    timekeeper_pack(&world.keeper, packed);
    for (size_t at = 0; at < 8; at++) { /* magic and flags: any other byte is refused */
        memcpy(again, packed, sizeof(again));
        again[at] ^= 0x40;
        enum err error =
            timekeeper_start(&keeper, timekeeper_rules_default(), read_clocks(&world), again);
        ck_assert_int_eq(error, at < 4 ? ERR_VERSION : ERR_CORRUPT);
    }
    start(&world, packed);
    ck_assert_uint_eq(world.keeper.latest_ms, true_ms(&world));
    ck_assert_uint_eq(world.keeper.last_leaf_ms, true_ms(&world) - 7);
    ck_assert_uint_eq(world.keeper.confirmed_ms, WALL_0);
    ck_assert_uint_eq(world.keeper.confirmed_wall_ms, WALL_0);
    ck_assert_uint_eq(world.keeper.confirmed_boot_ms, BOOT_0);
    timekeeper_pack(&world.keeper, again);
    ck_assert_mem_eq(packed, again, sizeof(packed));
}
END_TEST

/* After a start rungs wait for a confirmation and for the 10 minutes, whichever comes last. */
START_TEST(test_start_waits)
{
    struct world world = {.passed_ms = 0};
    start(&world, NULL);
    turn_after(&world, 0);
    ck_assert_int_eq(world.turn.hold, HOLD_START);
    ck_assert_uint_eq(world.turn.now_ms, true_ms(&world));
    turn_after(&world, 30 * MINUTE);
    ck_assert_int_eq(world.turn.hold, HOLD_START);
    hear_three(&world);
    turn_after(&world, 0);
    ck_assert_int_eq(world.turn.hold, HOLD_NOT);
    ck_assert_ptr_nonnull(event_of(&world, CLOCK_CONFIRMED));
    ck_assert(!event_of(&world, CLOCK_CONFIRMED)->by_administrator);
    turn_after(&world, 0);
    ck_assert_ptr_null(event_of(&world, CLOCK_CONFIRMED)); /* told once */

    restart_after(&world, 1000, false);
    hear_three(&world);
    turn_after(&world, 10 * MINUTE - 1);
    ck_assert_int_eq(world.turn.hold, HOLD_WAIT);
    ck_assert_uint_eq(world.turn.wake_boot_ms, read_clocks(&world).boot_ms + 1);
    turn_after(&world, 1);
    ck_assert_int_eq(world.turn.hold, HOLD_NOT);
    ck_assert_uint_eq(world.turn.wake_boot_ms, UINT64_MAX);
}
END_TEST

/* Who is no witness: one agency three times, a clock that is wrong, one that changed its mind. */
START_TEST(test_witnesses)
{
    struct world world = {.passed_ms = 0};
    start(&world, NULL);
    turn_after(&world, 0);
    for (int i = 0; i < 5; i++) {
        ck_assert(!hear(&world, "education", i));
    }
    ck_assert(!hear(&world, "health", (int64_t)(5 * MINUTE) + 1));
    ck_assert(!hear(&world, "justice", -(int64_t)(5 * MINUTE) - 1));
    ck_assert(!timekeeper_heard(&world.keeper, "veterans", UINT64_MAX, read_clocks(&world)));
    ck_assert(!timekeeper_heard(&world.keeper, "veterans", 0, read_clocks(&world)));
    ck_assert(!hear(&world, "health", (int64_t)(5 * MINUTE)));
    ck_assert(!hear(&world, "education", -(int64_t)HOUR)); /* takes its word back */
    ck_assert(!hear(&world, "justice", -(int64_t)(5 * MINUTE)));
    turn_after(&world, 0);
    ck_assert_int_eq(world.turn.hold, HOLD_START);
    ck_assert(hear(&world, "civil-affairs", 0));
    turn_after(&world, 0);
    ck_assert_int_eq(world.turn.hold, HOLD_WAIT);
}
END_TEST

/* A wall that moved a little, too little for a jump, loses the witness at the edge. */
START_TEST(test_witnesses_are_asked_again)
{
    struct world world = {.passed_ms = 0};
    start(&world, NULL);
    turn_after(&world, 0);
    ck_assert(!hear(&world, "education", (int64_t)(4 * MINUTE)));
    ck_assert(!hear(&world, "justice", 0));
    world.wrong_ms = -(int64_t)(3 * MINUTE);
    turn_after(&world, MINUTE);
    ck_assert_int_eq(world.turn.hold, HOLD_START);
    ck_assert(!hear(&world, "health", 0)); /* education is 7 minutes off by now */
    ck_assert(hear(&world, "education", 0));
}
END_TEST

/* Words given before the wall moved do not confirm the wall after it. */
START_TEST(test_witnesses_follow_the_boot_clock)
{
    struct world world = {.passed_ms = 0};
    start(&world, NULL);
    turn_after(&world, 0);
    ck_assert(!hear(&world, "education", 0));
    ck_assert(!hear(&world, "justice", 0));
    world.wrong_ms = (int64_t)HOUR;
    turn_after(&world, MINUTE);
    ck_assert_int_eq(world.turn.hold, HOLD_JUMP);
    ck_assert(!hear(&world, "health", 0));
    ck_assert(!hear(&world, "health", (int64_t)HOUR)); /* the only one to agree with the wall */
    turn_after(&world, 0);
    ck_assert_int_eq(world.turn.hold, HOLD_JUMP);
}
END_TEST

static const int64_t jumps_ms[] = {
    (int64_t)HOUR, -(int64_t)HOUR,       (int64_t)DAY,
    -(int64_t)DAY, (int64_t)(400 * DAY), -(int64_t)(400 * DAY),
};
#define JUMP_COUNT ((int)(sizeof(jumps_ms) / sizeof(jumps_ms[0])))

/* While it runs: found in the next turn, held, stamped by the boot clock; a restart in between
 * does not launder it; the true wall confirmed by three agencies ends it. */
START_TEST(test_jump_while_running)
{
    struct world world;
    settle(&world);
    world.wrong_ms = jumps_ms[_i];
    turn_after(&world, MINUTE);
    const struct clock_event *jump = event_of(&world, CLOCK_JUMPED);
    ck_assert_ptr_nonnull(jump);
    ck_assert_uint_eq(jump->from_ms, true_ms(&world));
    ck_assert_uint_eq(jump->to_ms, read_clocks(&world).wall_ms);
    ck_assert_uint_eq(world.turn.now_ms, true_ms(&world));
    turn_after(&world, 3 * HOUR);
    ck_assert_int_eq(world.turn.hold, HOLD_JUMP);
    ck_assert_ptr_null(event_of(&world, CLOCK_JUMPED));
    ck_assert_uint_eq(world.turn.now_ms, true_ms(&world));
    ck_assert(!hear(&world, "education", 0));
    ck_assert(!hear(&world, "justice", 0));
    ck_assert(!hear(&world, "health", 0)); /* they confirm the time, not this wall */

    restart_after(&world, 0, _i % 2 == 0);
    ck_assert_int_eq(world.turn.hold, HOLD_JUMP);
    ck_assert_uint_eq(world.turn.now_ms, true_ms(&world));
    world.wrong_ms = 0;
    turn_after(&world, 20 * MINUTE);
    ck_assert_int_eq(world.turn.hold, HOLD_JUMP); /* a wall that comes back is not confirmed yet */
    hear_three(&world);
    turn_after(&world, 0);
    ck_assert_int_eq(world.turn.hold, HOLD_NOT);
    ck_assert_uint_eq(world.turn.now_ms, true_ms(&world));
}
END_TEST

/* An administrator confirms the jumped wall: forward time follows it; backward it stands still and
 * escalations stay held until `clock reset`. */
START_TEST(test_jump_confirmed_by_administrator)
{
    struct world world;
    settle(&world);
    world.wrong_ms = jumps_ms[_i];
    turn_after(&world, MINUTE);
    uint64_t before_ms = world.turn.now_ms;
    ck_assert_int_eq(timekeeper_confirm(&world.keeper, read_clocks(&world)), OK);
    turn_after(&world, MINUTE);
    ck_assert(event_of(&world, CLOCK_CONFIRMED)->by_administrator);
    uint64_t wall_ms = read_clocks(&world).wall_ms;
    if (jumps_ms[_i] > 0) {
        ck_assert_uint_eq(world.turn.now_ms, wall_ms);
        ck_assert_int_eq(world.turn.hold, HOLD_NOT);
        return;
    }
    ck_assert_uint_eq(world.turn.now_ms, before_ms);
    ck_assert_int_eq(world.turn.hold, HOLD_AHEAD);
    ck_assert_int_eq(timekeeper_reset(&world.keeper, read_clocks(&world)), OK);
    turn_after(&world, MINUTE);
    ck_assert_uint_eq(event_of(&world, CLOCK_RESET)->from_ms, before_ms);
    ck_assert_uint_eq(world.turn.now_ms, wall_ms + MINUTE);
    ck_assert_int_eq(world.turn.hold, HOLD_NOT);
}
END_TEST

/* While it is stopped: no jump, but held; a wall that went back leaves the latest time standing. */
START_TEST(test_jump_while_stopped)
{
    struct world world;
    settle(&world);
    uint64_t latest_ms = world.turn.now_ms;
    world.wrong_ms = jumps_ms[_i];
    restart_after(&world, MINUTE, true);
    uint64_t wall_ms = read_clocks(&world).wall_ms;
    ck_assert_ptr_null(event_of(&world, CLOCK_JUMPED));
    ck_assert_int_eq(world.turn.hold, HOLD_START);
    ck_assert_uint_eq(world.turn.now_ms, jumps_ms[_i] > 0 ? wall_ms : latest_ms);
    ck_assert_int_eq(timekeeper_reset(&world.keeper, read_clocks(&world)), OK);
    turn_after(&world, HOUR / 2);
    ck_assert_uint_eq(world.turn.now_ms, wall_ms + HOUR / 2);
    ck_assert_int_eq(world.turn.hold, HOLD_START); /* a reset confirms nothing */
    world.wrong_ms = 0; /* the wall is mended while running: that is a jump, and is confirmed */
    turn_after(&world, 0);
    ck_assert_int_eq(world.turn.hold, HOLD_JUMP);
    hear_three(&world);
    turn_after(&world, 0);
    ck_assert_int_eq(world.turn.hold, jumps_ms[_i] > 0 ? HOLD_AHEAD : HOLD_NOT);
}
END_TEST

/* Small steps add up since the last confirmation; exactly five minutes are none too many. */
START_TEST(test_steps_are_summed)
{
    static const int64_t directions[] = {1, -1};
    for (size_t i = 0; i < 2; i++) {
        struct world world;
        settle(&world);
        for (int step = 1; step <= 5; step++) {
            world.wrong_ms += directions[i] * (int64_t)MINUTE;
            turn_after(&world, DAY);
            ck_assert_int_eq(world.turn.hold, HOLD_NOT);
        }
        world.wrong_ms += directions[i];
        turn_after(&world, DAY);
        ck_assert_int_eq(world.turn.hold, HOLD_JUMP);
        ck_assert_int_eq(timekeeper_confirm(&world.keeper, read_clocks(&world)), OK);
        world.wrong_ms += directions[i] * (int64_t)(4 * MINUTE);
        turn_after(&world, DAY);
        ck_assert_int_eq(world.turn.hold, HOLD_NOT); /* the sum began anew */
    }
}
END_TEST

START_TEST(test_alarms_hourly)
{
    struct world world = {.passed_ms = 0};
    start(&world, NULL);
    uint32_t alarms = 0;
    for (int minute = 0; minute < 5 * 60 + 30; minute++) {
        turn_after(&world, minute == 0 ? 0 : MINUTE);
        const struct clock_event *alarm = event_of(&world, CLOCK_ALARM);
        ck_assert((alarm != NULL) == (minute > 0 && minute % 60 == 0));
        alarms += alarm != NULL ? 1 : 0;
        ck_assert(alarm == NULL || alarm->from_ms == WALL_0);
    }
    ck_assert_uint_eq(alarms, 5);
    turn_after(&world, 4 * HOUR); /* asleep for hours: one alarm, then the old beat */
    ck_assert_ptr_nonnull(event_of(&world, CLOCK_ALARM));
    ck_assert_uint_eq(world.turn.wake_boot_ms, BOOT_0 + 10 * HOUR);
    hear_three(&world);
    turn_after(&world, 3 * HOUR);
    ck_assert_ptr_null(event_of(&world, CLOCK_ALARM));
    world.wrong_ms = (int64_t)DAY;
    turn_after(&world, 0);
    ck_assert_ptr_null(event_of(&world, CLOCK_ALARM));
    turn_after(&world, HOUR);
    ck_assert_ptr_nonnull(event_of(&world, CLOCK_ALARM));
}
END_TEST

/* A feedback signed while the broker was down counts at its signed time, for 10 minutes. */
START_TEST(test_claimed_times)
{
    struct world world;
    settle(&world);
    uint64_t last_ms = world.turn.now_ms;
    timekeeper_leaf(&world.keeper, last_ms);
    uint64_t counts_ms = 7;
    ck_assert(!timekeeper_claimed(&world.keeper, read_clocks(&world), last_ms, &counts_ms));
    restart_after(&world, 2 * HOUR, true);
    ck_assert_ptr_null(event_of(&world, CLOCK_OUTAGE));
    uint64_t first_ms = world.turn.now_ms;
    timekeeper_leaf(&world.keeper, first_ms);
    turn_after(&world, 10 * MINUTE - 1);
    const struct clock_event *outage = event_of(&world, CLOCK_OUTAGE);
    ck_assert_ptr_nonnull(outage);
    ck_assert_uint_eq(outage->from_ms, last_ms);
    ck_assert_uint_eq(outage->to_ms, first_ms);
    timekeeper_leaf(&world.keeper, world.turn.now_ms); /* later leaves do not stretch it */
    struct clock_reading now = read_clocks(&world);
    ck_assert(!timekeeper_claimed(&world.keeper, now, last_ms - 1, &counts_ms));
    ck_assert(!timekeeper_claimed(&world.keeper, now, first_ms, &counts_ms));
    ck_assert(!timekeeper_claimed(&world.keeper, now, UINT64_MAX, &counts_ms));
    ck_assert_uint_eq(counts_ms, 7);
    ck_assert(timekeeper_claimed(&world.keeper, now, last_ms + HOUR, &counts_ms));
    ck_assert_uint_eq(counts_ms, last_ms + HOUR);
    turn_after(&world, 1);
    ck_assert_ptr_null(event_of(&world, CLOCK_OUTAGE));
    now = read_clocks(&world);
    ck_assert(!timekeeper_claimed(&world.keeper, now, last_ms + HOUR, &counts_ms));
}
END_TEST

START_TEST(test_commands_are_bounded)
{
    struct world world;
    settle(&world);
    for (int i = 0; i < TIMEKEEPER_PENDING_MAX; i++) {
        ck_assert_int_eq(timekeeper_confirm(&world.keeper, read_clocks(&world)), OK);
    }
    ck_assert_int_eq(timekeeper_confirm(&world.keeper, read_clocks(&world)), ERR_BUSY);
    ck_assert_int_eq(timekeeper_reset(&world.keeper, read_clocks(&world)), ERR_BUSY);
    turn_after(&world, MINUTE);
    ck_assert_uint_eq(world.turn.event_count, TIMEKEEPER_PENDING_MAX);
}
END_TEST

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* One random thing happens to the world; true when time may go back (a reset). */
static bool disturb(struct world *world, uint64_t *state, bool *restarted)
{
    uint64_t what = next_random(state) % 40;
    *restarted = false;
    if (what < JUMP_COUNT) {
        world->wrong_ms = jumps_ms[what] + (int64_t)(next_random(state) % MINUTE);
    } else if (what < 10) {
        world->wrong_ms = 0;
    } else if (what < 13) {
        restart_after(world, next_random(state) % DAY, what == 12);
        *restarted = true;
    } else if (what < 20) {
        static const char *const agencies[] = {"a", "b", "c", "d", "e"};
        int64_t off_ms = (int64_t)(next_random(state) % (12 * MINUTE)) - (int64_t)(6 * MINUTE);
        (void)hear(world, agencies[next_random(state) % 5], off_ms);
    } else if (what == 20) {
        ck_assert_int_eq(timekeeper_confirm(&world->keeper, read_clocks(world)), OK);
    } else if (what == 21) {
        ck_assert_int_eq(timekeeper_reset(&world->keeper, read_clocks(world)), OK);
        return true;
    }
    return false;
}

/* Whatever happens: never back without a reset, never on faster than the boot clock while a jump
 * waits, and never released without a confirmation of this run and since the last jump. */
START_TEST(test_random_walk)
{
    uint64_t state = 20230508;
    uint32_t released = 0;
    uint32_t jumped = 0;
    for (int run = 0; run < 200; run++) {
        struct world world = {.passed_ms = 0};
        bool confirmed = false;
        start(&world, NULL);
        turn_after(&world, 0);
        for (int step = 0; step < 300; step++) {
            bool restarted = false;
            struct clock_turn before = world.turn;
            bool reset = disturb(&world, &state, &restarted);
            uint64_t passed_ms = next_random(&state) % (20 * MINUTE);
            bool was_jump = world.turn.hold == HOLD_JUMP;
            uint64_t last_ms = restarted ? world.turn.now_ms : before.now_ms;
            turn_after(&world, passed_ms);
            confirmed = confirmed && !restarted;
            for (size_t i = 0; i < world.turn.event_count; i++) {
                enum clock_event_kind kind = world.turn.events[i].kind;
                confirmed = kind == CLOCK_CONFIRMED || (confirmed && kind != CLOCK_JUMPED);
                jumped += kind == CLOCK_JUMPED ? 1 : 0;
            }
            ck_assert(reset || world.turn.now_ms >= last_ms);
            ck_assert(!restarted || last_ms >= before.now_ms);
            if (was_jump && world.turn.hold == HOLD_JUMP && !reset) {
                ck_assert_uint_le(world.turn.now_ms - last_ms, passed_ms);
            }
            bool free = world.turn.hold == HOLD_NOT;
            ck_assert(!free || confirmed);
            released += free ? 1 : 0;
        }
    }
    ck_assert_uint_gt(released, 1000);
    ck_assert_uint_gt(jumped, 500);
}
END_TEST

static Suite *timekeeper_suite(void)
{
    Suite *suite = suite_create("timekeeper");
    TCase *tests = tcase_create("timekeeper");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_stored_form);
    tcase_add_test(tests, test_start_waits);
    tcase_add_test(tests, test_witnesses);
    tcase_add_test(tests, test_witnesses_are_asked_again);
    tcase_add_test(tests, test_witnesses_follow_the_boot_clock);
    tcase_add_loop_test(tests, test_jump_while_running, 0, JUMP_COUNT);
    tcase_add_loop_test(tests, test_jump_confirmed_by_administrator, 0, JUMP_COUNT);
    tcase_add_loop_test(tests, test_jump_while_stopped, 0, JUMP_COUNT);
    tcase_add_test(tests, test_steps_are_summed);
    tcase_add_test(tests, test_alarms_hourly);
    tcase_add_test(tests, test_claimed_times);
    tcase_add_test(tests, test_commands_are_bounded);
    tcase_add_test(tests, test_random_walk);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(timekeeper_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
