/* Four lanes per receiver and the order in which messages leave them (domain section 6).
 *
 * A referral's lane is fixed when it is submitted and serves all its messages, so that nothing
 * overtakes another message of its own referral. A picker is a value in memory, one per receiver:
 * not shared between threads, not stored; a restart begins a new one. */
#ifndef REFERRAL_MODEL_LANES_H
#define REFERRAL_MODEL_LANES_H

#include "model/message.h"

enum lane {
    LANE_LIFE_DANGER = 0,
    LANE_MINORS = 1,   /* Art. 17-20 */
    LANE_PRIORITY = 2, /* Art. 3, and urgent ones */
    LANE_REST = 3,
    LANE_COUNT = 4
};

/* Of so many messages in a row at least one comes from each lower lane that has any. */
#define LANE_ROUND 8u

/* For a message that belongs to no referral: the rest. */
enum lane lane_of(const struct referral_facts *facts);
/* Does the referral concern a minor: by ground, group or mark? */
bool lane_is_minor(const struct referral_facts *facts);
const char *lane_name(enum lane lane); /* "life-danger" ... */

struct lane_picker {
    uint32_t passed[LANE_COUNT]; /* picks from other lanes while this one had any */
};

/* Chooses the next lane of those that have any and remembers the choice; LANE_COUNT when none has.
 * The highest first, unless a lower one would else miss its turn. */
enum lane lane_pick(struct lane_picker *picker, const bool waiting[LANE_COUNT]);

#endif
