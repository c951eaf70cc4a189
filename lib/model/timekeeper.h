/* Which time it is for the broker: a pure state machine over two clocks (domain section 5, "the
 * clock may be wrong", and section 4, "if the broker was down").
 *
 * The wall clock (UTC) may be wrong and may jump; the boot clock only counts. The keeper answers a
 * broker time that never runs backwards, says when escalations are held, and reports what must
 * become a leaf or an alarm. It reads no clock: the caller gives both readings once per turn of its
 * loop. Loop thread only. Durable is what the caller stores: timekeeper_pack's bytes, in the same
 * transaction as whatever was stamped.
 *
 *     start -> every turn: timekeeper_turn -> stamp, decide, commit with timekeeper_pack
 *     a verified request: timekeeper_heard;  a leaf was written: timekeeper_leaf
 *
 * All times are milliseconds: wall and broker times UTC, boot times since the machine's boot. */
#ifndef REFERRAL_MODEL_TIMEKEEPER_H
#define REFERRAL_MODEL_TIMEKEEPER_H

#include "base/bytes.h"
#include "base/limits.h"

#define TIMEKEEPER_WITNESSES_MAX 16
#define TIMEKEEPER_PENDING_MAX   4 /* administrators' commands of one turn */
#define TIMEKEEPER_EVENTS_MAX    (TIMEKEEPER_PENDING_MAX + 3) /* and a jump, an outage, an alarm */
#define TIMEKEEPER_PACKED_BYTES  48

/* The numbers of the domain; a policy may change them. */
struct timekeeper_rules {
    uint64_t tolerance_ms;  /* 5 minutes: departure that is a jump; agreement of a witness */
    uint64_t start_wait_ms; /* 10 minutes: rungs wait, claimed times are taken */
    uint64_t alarm_ms;      /* 1 hour unconfirmed: an alarm, and again each hour */
    uint32_t witness_count; /* 3 agencies confirm; at most TIMEKEEPER_WITNESSES_MAX */
};
const struct timekeeper_rules *timekeeper_rules_default(void);

/* Both clocks, read together once per turn. */
struct clock_reading {
    uint64_t wall_ms;
    uint64_t boot_ms; /* never falls while the broker runs */
};

enum clock_event_kind {
    CLOCK_JUMPED,    /* the wall departed; from_ms broker time, to_ms wall, both at the finding */
    CLOCK_CONFIRMED, /* from_ms broker time before it, to_ms wall; by_administrator */
    CLOCK_RESET,     /* from_ms the latest time that was undone, to_ms wall */
    CLOCK_OUTAGE,    /* from_ms the last leaf before, to_ms the first leaf after */
    CLOCK_ALARM,     /* from_ms since when unconfirmed (broker time), to_ms now; not a leaf */
};

struct clock_event {
    enum clock_event_kind kind;
    uint64_t from_ms;
    uint64_t to_ms;
    bool by_administrator;
};

/* Why escalations are held; the first that applies. */
enum clock_hold {
    HOLD_NOT,
    HOLD_JUMP,  /* a jump is not confirmed */
    HOLD_START, /* nothing was confirmed since the start, or since a reset during a jump */
    HOLD_WAIT,  /* the 10 minutes after a start */
    HOLD_AHEAD, /* broker time is more than 5 minutes ahead of the wall: `clock reset` mends it */
};

struct clock_turn {
    uint64_t now_ms; /* broker time: the one `now` of this turn */
    enum clock_hold hold;
    /* When to turn again at the latest for the clock's sake: the end of the wait or the next
     * alarm, as a boot time; UINT64_MAX for never. */
    uint64_t wake_boot_ms;
    struct clock_event events[TIMEKEEPER_EVENTS_MAX];
    size_t event_count;
};

struct clock_witness {
    char agency[LIMIT_AGENCY_ID_BYTES];
    uint64_t signed_ms; /* what its clock said */
    uint64_t boot_ms;   /* when it was heard */
};

struct timekeeper {
    struct timekeeper_rules rules;
    /* persisted */
    uint64_t latest_ms;         /* the latest broker time */
    uint64_t confirmed_ms;      /* broker time of the last confirmation; 0 never */
    uint64_t last_leaf_ms;      /* broker time of the last leaf; 0 none */
    bool jumped;                /* a jump waits for its confirmation */
    uint64_t confirmed_wall_ms; /* both clocks at the last confirmation */
    uint64_t confirmed_boot_ms;
    /* of this run */
    uint64_t base_ms;          /* broker time at the last confirmation, or at the start */
    struct clock_reading base; /* both clocks then */
    uint64_t start_boot_ms;
    bool confirmed;          /* since the start and since the last jump */
    uint64_t unconfirmed_ms; /* broker time since when it is not */
    uint64_t alarm_boot_ms;  /* the next alarm */
    uint64_t outage_from_ms; /* 0: the first start of all */
    uint64_t outage_to_ms;   /* 0: no leaf yet in this run */
    bool outage_told;
    struct clock_witness witnesses[TIMEKEEPER_WITNESSES_MAX];
    size_t witness_count;
    struct clock_event pending[TIMEKEEPER_PENDING_MAX]; /* reported by the next turn */
    size_t pending_count;
};

/* Before the first turn. `packed` is what the last run stored, or NULL for a new store. ERR_VERSION
 * or ERR_CORRUPT when it is not this module's; the keeper is unusable then. */
enum err timekeeper_start(struct timekeeper *keeper, const struct timekeeper_rules *rules,
                          struct clock_reading reading, const uint8_t *packed) MUST_CHECK;
/* Fixed length, big-endian; the version is in front. */
void timekeeper_pack(const struct timekeeper *keeper, uint8_t out[TIMEKEEPER_PACKED_BYTES]);

/* Once per turn, before anything is stamped. */
void timekeeper_turn(struct timekeeper *keeper, struct clock_reading reading,
                     struct clock_turn *ret_turn);

/* A request of this agency was verified; its signed time says signed_ms. True when this completes
 * a confirmation: the next turn will report it, so the caller turns again at once. */
bool timekeeper_heard(struct timekeeper *keeper, const char *agency, uint64_t signed_ms,
                      struct clock_reading reading);

/* An administrator says that the wall clock is right. The next turn reports it. ERR_BUSY when this
 * turn has taken TIMEKEEPER_PENDING_MAX commands already; nothing is changed then. */
enum err timekeeper_confirm(struct timekeeper *keeper, struct clock_reading reading) MUST_CHECK;
/* An administrator undoes a wrong latest time: broker time becomes the wall's, backwards if need
 * be, and a jump ends. It confirms nothing: what was not confirmed stays held until it is. The next
 * turn reports it. ERR_BUSY as above. */
enum err timekeeper_reset(struct timekeeper *keeper, struct clock_reading reading) MUST_CHECK;

/* A leaf was written at broker time now_ms. The first one of a run ends the outage. */
void timekeeper_leaf(struct timekeeper *keeper, uint64_t now_ms);

/* The time at which a feedback counts that was signed at signed_ms and taken in now: true, and
 * signed_ms in ret_counts_ms ("claimed time"), when it comes within the first 10 minutes of this
 * run and its signed time lies inside the outage. False: it counts at the turn's now. */
bool timekeeper_claimed(const struct timekeeper *keeper, struct clock_reading reading,
                        uint64_t signed_ms, uint64_t *ret_counts_ms);

#endif
