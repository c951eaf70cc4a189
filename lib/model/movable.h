/* The open clocks of a stored record whose date a calendar may move: what a re-dating would be
 * about, for those who ask before it (`calendar import`). Reads packed referrals and matters alike.
 * Pure; any thread. */
#ifndef REFERRAL_MODEL_MOVABLE_H
#define REFERRAL_MODEL_MOVABLE_H

#include "model/matter.h"

struct movable {
    const char *number;   /* of the referral or matter; borrowed from struct movables */
    uint16_t responsible; /* the agency that must act */
    struct window window;
};

/* Too large for a stack. */
struct movables {
    size_t count;
    struct movable rows[LIMIT_DUTIES];
    union {
        struct referral referral;
        struct matter matter;
    } of; /* what was read */
};

/* Dates that people gave are left out: no calendar moves them. ERR_CORRUPT and ERR_VERSION as
 * referral_unpack. */
enum err movables_read(struct span packed, struct movables *ret_movables) MUST_CHECK;

/* Applies a new calendar at now_ms to one of them. False: nothing of it changes, and neither would
 * the new calendar have another date for it. */
struct movement {
    int32_t due_day; /* the new one; may be the old one */
    bool provisional;
    bool moved; /* else only the mark changes, or the old date is kept */
    const char
        *reason; /* "calendar", "floor", "kept" or "settled": as the notice will say; static */
};
bool movable_move(const struct calendar *calendar, uint64_t now_ms, const struct movable *movable,
                  struct movement *ret_movement);

#endif
