/* How: without a jump broker time is the wall's, but never less than the latest time given out.
 * With one it is the time of the last confirmation (or of the start) plus what the boot clock has
 * counted since. A witness is kept with the boot time at which it was heard, so that its clock can
 * be carried forward and compared with the wall later. */
#include "model/timekeeper.h"

#include <assert.h>
#include <string.h>

#define MINUTE_MS UINT64_C(60000)
#define MAGIC     UINT32_C(0x52544b31) /* "RTK1": format 1 */
#define FLAG_JUMP UINT32_C(1)

const struct timekeeper_rules *timekeeper_rules_default(void)
{
    static const struct timekeeper_rules rules = {
        .tolerance_ms = 5 * MINUTE_MS,
        .start_wait_ms = 10 * MINUTE_MS,
        .alarm_ms = 60 * MINUTE_MS,
        .witness_count = 3,
    };
    return &rules;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- the stored form ---- */

void timekeeper_pack(const struct timekeeper *keeper, uint8_t out[TIMEKEEPER_PACKED_BYTES])
{
    be32_put(out, MAGIC);
    be32_put(out + 4, keeper->jumped ? FLAG_JUMP : 0);
    be64_put(out + 8, keeper->latest_ms);
    be64_put(out + 16, keeper->confirmed_ms);
    be64_put(out + 24, keeper->last_leaf_ms);
    be64_put(out + 32, keeper->confirmed_wall_ms);
    be64_put(out + 40, keeper->confirmed_boot_ms);
}

static enum err keeper_unpack(const uint8_t *packed, struct timekeeper *keeper)
{
    uint32_t flags = be32_get(packed + 4);
    if (be32_get(packed) != MAGIC) {
        return ERR_VERSION;
    }
    if ((flags & ~FLAG_JUMP) != 0) {
        return ERR_CORRUPT;
    }
    keeper->jumped = (flags & FLAG_JUMP) != 0;
    keeper->latest_ms = be64_get(packed + 8);
    keeper->confirmed_ms = be64_get(packed + 16);
    keeper->last_leaf_ms = be64_get(packed + 24);
    keeper->confirmed_wall_ms = be64_get(packed + 32);
    keeper->confirmed_boot_ms = be64_get(packed + 40);
    return OK;
}

enum err timekeeper_start(struct timekeeper *keeper, const struct timekeeper_rules *rules,
                          struct clock_reading reading, const uint8_t *packed)
{
    assert(rules->witness_count >= 1);
    assert(rules->witness_count <= TIMEKEEPER_WITNESSES_MAX);
    assert(rules->alarm_ms > 0);
    struct timekeeper fresh = {.rules = *rules};
    enum err error = packed == NULL ? OK : keeper_unpack(packed, &fresh);
    if (error != OK) {
        return error;
    }
    fresh.base = reading;
    fresh.base_ms = fresh.jumped ? fresh.latest_ms : later(fresh.latest_ms, reading.wall_ms);
    fresh.start_boot_ms = reading.boot_ms;
    fresh.unconfirmed_ms = fresh.base_ms;
    fresh.alarm_boot_ms = reading.boot_ms + rules->alarm_ms;
    fresh.outage_from_ms = fresh.last_leaf_ms;
    *keeper = fresh;
    return OK;
}

/* ---- one turn ---- */

static void event_add(struct clock_turn *turn, struct clock_event event)
{
    assert(turn->event_count < TIMEKEEPER_EVENTS_MAX);
    turn->events[turn->event_count++] = event;
}

/* What the boot clock says that broker time is. */
static uint64_t counted_ms(const struct timekeeper *keeper, struct clock_reading reading)
{
    assert(reading.boot_ms >= keeper->base.boot_ms);
    return keeper->base_ms + (reading.boot_ms - keeper->base.boot_ms);
}

static bool wall_departed(const struct timekeeper *keeper, struct clock_reading reading)
{
    uint64_t expected_ms = keeper->base.wall_ms + (reading.boot_ms - keeper->base.boot_ms);
    return distance(expected_ms, reading.wall_ms) > keeper->rules.tolerance_ms;
}

static uint64_t broker_now(struct timekeeper *keeper, struct clock_reading reading)
{
    uint64_t now_ms = keeper->jumped ? counted_ms(keeper, reading) : reading.wall_ms;
    keeper->latest_ms = later(keeper->latest_ms, now_ms);
    return keeper->latest_ms;
}

static void jump_begin(struct timekeeper *keeper, struct clock_reading reading,
                       struct clock_turn *turn)
{
    keeper->jumped = true;
    keeper->witness_count = 0;
    uint64_t now_ms = later(keeper->latest_ms, counted_ms(keeper, reading));
    if (keeper->confirmed) {
        keeper->confirmed = false;
        keeper->unconfirmed_ms = now_ms;
        keeper->alarm_boot_ms = reading.boot_ms + keeper->rules.alarm_ms;
    }
    event_add(turn, (struct clock_event){
                        .kind = CLOCK_JUMPED, .from_ms = now_ms, .to_ms = reading.wall_ms});
}

/* One alarm however many hours have gone by since the last turn. */
static void alarm_check(struct timekeeper *keeper, struct clock_reading reading,
                        struct clock_turn *turn)
{
    if (keeper->confirmed || reading.boot_ms < keeper->alarm_boot_ms) {
        return;
    }
    uint64_t passed_ms = reading.boot_ms - keeper->alarm_boot_ms;
    keeper->alarm_boot_ms += (passed_ms / keeper->rules.alarm_ms + 1) * keeper->rules.alarm_ms;
    event_add(turn, (struct clock_event){.kind = CLOCK_ALARM,
                                         .from_ms = keeper->unconfirmed_ms,
                                         .to_ms = turn->now_ms});
}

static void outage_tell(struct timekeeper *keeper, struct clock_turn *turn)
{
    if (keeper->outage_told || keeper->outage_from_ms == 0 || keeper->outage_to_ms == 0) {
        return;
    }
    keeper->outage_told = true;
    event_add(turn, (struct clock_event){.kind = CLOCK_OUTAGE,
                                         .from_ms = keeper->outage_from_ms,
                                         .to_ms = keeper->outage_to_ms});
}

static bool start_waits(const struct timekeeper *keeper, struct clock_reading reading)
{
    return reading.boot_ms - keeper->start_boot_ms < keeper->rules.start_wait_ms;
}

static void hold_decide(const struct timekeeper *keeper, struct clock_reading reading,
                        struct clock_turn *turn)
{
    turn->hold = HOLD_NOT;
    turn->wake_boot_ms = UINT64_MAX;
    uint64_t ahead_ms = turn->now_ms > reading.wall_ms ? turn->now_ms - reading.wall_ms : 0;
    if (!keeper->confirmed) {
        turn->hold = keeper->jumped ? HOLD_JUMP : HOLD_START;
        turn->wake_boot_ms = keeper->alarm_boot_ms;
    } else if (start_waits(keeper, reading)) {
        turn->hold = HOLD_WAIT;
        turn->wake_boot_ms = keeper->start_boot_ms + keeper->rules.start_wait_ms;
    } else if (ahead_ms > keeper->rules.tolerance_ms) {
        turn->hold = HOLD_AHEAD;
        turn->wake_boot_ms = reading.boot_ms + (ahead_ms - keeper->rules.tolerance_ms);
    }
}

void timekeeper_turn(struct timekeeper *keeper, struct clock_reading reading,
                     struct clock_turn *ret_turn)
{
    struct clock_turn turn = {.event_count = 0};
    assert(!keeper->jumped || !keeper->confirmed);
    for (size_t i = 0; i < keeper->pending_count; i++) {
        event_add(&turn, keeper->pending[i]);
    }
    keeper->pending_count = 0;
    if (!keeper->jumped && wall_departed(keeper, reading)) {
        jump_begin(keeper, reading, &turn);
    }
    turn.now_ms = broker_now(keeper, reading);
    outage_tell(keeper, &turn);
    alarm_check(keeper, reading, &turn);
    hold_decide(keeper, reading, &turn);
    *ret_turn = turn;
}

/* ---- confirmation ---- */

static void pending_add(struct timekeeper *keeper, struct clock_event event)
{
    assert(keeper->pending_count < TIMEKEEPER_PENDING_MAX);
    keeper->pending[keeper->pending_count++] = event;
}

static void keeper_confirm(struct timekeeper *keeper, struct clock_reading reading,
                           bool by_administrator)
{
    pending_add(keeper, (struct clock_event){.kind = CLOCK_CONFIRMED,
                                             .from_ms = keeper->latest_ms,
                                             .to_ms = reading.wall_ms,
                                             .by_administrator = by_administrator});
    keeper->jumped = false;
    keeper->confirmed = true;
    keeper->witness_count = 0;
    keeper->base = reading;
    keeper->base_ms = later(keeper->latest_ms, reading.wall_ms);
    keeper->confirmed_ms = keeper->base_ms;
    keeper->confirmed_wall_ms = reading.wall_ms;
    keeper->confirmed_boot_ms = reading.boot_ms;
}

static bool witness_agrees(const struct timekeeper *keeper, const struct clock_witness *witness,
                           struct clock_reading reading)
{
    assert(reading.boot_ms >= witness->boot_ms);
    uint64_t its_wall_ms = witness->signed_ms + (reading.boot_ms - witness->boot_ms);
    return distance(its_wall_ms, reading.wall_ms) <= keeper->rules.tolerance_ms;
}

/* Keeps the witnesses that still agree with the wall, without the one of `agency`. */
static void witnesses_sift(struct timekeeper *keeper, const char *agency,
                           struct clock_reading reading)
{
    size_t kept = 0;
    for (size_t i = 0; i < keeper->witness_count; i++) {
        struct clock_witness witness = keeper->witnesses[i];
        bool same = strncmp(witness.agency, agency, sizeof(witness.agency)) == 0;
        if (!same && witness_agrees(keeper, &witness, reading)) {
            keeper->witnesses[kept++] = witness;
        }
    }
    keeper->witness_count = kept;
}

bool timekeeper_heard(struct timekeeper *keeper, const char *agency, uint64_t signed_ms,
                      struct clock_reading reading)
{
    struct clock_witness witness = {.signed_ms = signed_ms, .boot_ms = reading.boot_ms};
    size_t len = strnlen(agency, sizeof(witness.agency));
    assert(len < sizeof(witness.agency));
    if (keeper->confirmed || keeper->pending_count == TIMEKEEPER_PENDING_MAX) {
        return false;
    }
    memcpy(witness.agency, agency, len);
    witnesses_sift(keeper, witness.agency, reading);
    if (!witness_agrees(keeper, &witness, reading)) {
        return false;
    }
    assert(keeper->witness_count < TIMEKEEPER_WITNESSES_MAX);
    keeper->witnesses[keeper->witness_count++] = witness;
    if (keeper->witness_count < keeper->rules.witness_count) {
        return false;
    }
    keeper_confirm(keeper, reading, false);
    return true;
}

enum err timekeeper_confirm(struct timekeeper *keeper, struct clock_reading reading)
{
    if (keeper->pending_count == TIMEKEEPER_PENDING_MAX) {
        return ERR_BUSY;
    }
    keeper_confirm(keeper, reading, true);
    return OK;
}

enum err timekeeper_reset(struct timekeeper *keeper, struct clock_reading reading)
{
    if (keeper->pending_count == TIMEKEEPER_PENDING_MAX) {
        return ERR_BUSY;
    }
    pending_add(keeper, (struct clock_event){.kind = CLOCK_RESET,
                                             .from_ms = keeper->latest_ms,
                                             .to_ms = reading.wall_ms,
                                             .by_administrator = true});
    keeper->jumped = false;
    keeper->witness_count = 0;
    keeper->latest_ms = reading.wall_ms;
    keeper->base = reading;
    keeper->base_ms = reading.wall_ms;
    keeper->confirmed_ms = earlier(keeper->confirmed_ms, reading.wall_ms);
    keeper->last_leaf_ms = earlier(keeper->last_leaf_ms, reading.wall_ms);
    /* What waits for the outage's end must not wait for a time that is undone. */
    keeper->outage_from_ms = earlier(keeper->outage_from_ms, reading.wall_ms);
    keeper->outage_to_ms = earlier(keeper->outage_to_ms, reading.wall_ms);
    return OK;
}

/* ---- the outage ---- */

void timekeeper_leaf(struct timekeeper *keeper, uint64_t now_ms)
{
    keeper->last_leaf_ms = now_ms;
    if (keeper->outage_to_ms == 0) {
        keeper->outage_to_ms = now_ms;
    }
}

bool timekeeper_claimed(const struct timekeeper *keeper, struct clock_reading reading,
                        uint64_t signed_ms, uint64_t *ret_counts_ms)
{
    uint64_t to_ms = keeper->outage_to_ms != 0 ? keeper->outage_to_ms : keeper->latest_ms;
    if (keeper->outage_from_ms == 0 || !start_waits(keeper, reading) ||
        signed_ms < keeper->outage_from_ms || signed_ms >= to_ms) {
        return false;
    }
    *ret_counts_ms = signed_ms;
    return true;
}
