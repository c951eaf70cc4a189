/* A store that was restored from an old copy: the new log that an administrator opens on it, and
 * how far the broker is with what agencies hand back (docs/protocol.md, "Recovery").
 *
 *   broker_open_log (on a stopped broker) -> AWAITING: agencies accept the new log and hand back
 *   -> APPLYING, in the order of the lost log -> a leaf that says what is missing -> OVER
 *
 * Until it is over nothing is taken, delivered or raised. Who hands back later is served by the
 * same code. Loop thread only; all that is said here of progress is durable. */
#ifndef REFERRAL_BROKER_RECOVERY_H
#define REFERRAL_BROKER_RECOVERY_H

#include "broker/broker.h"
#include "wire/recovery.h"

enum recovery_phase { RECOVERY_NONE, RECOVERY_AWAITING, RECOVERY_APPLYING, RECOVERY_OVER };

struct recovering { /* stored: recovering_put */
    enum recovery_phase phase;
    uint64_t leaf;     /* of the record that opened this log */
    uint64_t log;      /* this one, as Recovered.log */
    uint64_t old_log;  /* that it goes on from */
    uint64_t from, to; /* indices of the old log: the copy's size, behind the last handed back */
    uint64_t handed_back, applied, kept;
    uint64_t last_ms; /* broker time of the newest that was handed back */
    bool late_all;    /* somebody came late, and has said that nothing follows */
};

struct behind {  /* of this run: an agency has seen more than this store has */
    bool proven; /* by a checkpoint that this broker signed: nothing may go on */
    bool told;
    char agency[LIMIT_AGENCY_ID_BYTES];
    uint64_t size; /* of the log that it has seen */
};

struct replaying { /* what is decided was decided before, in a log that was lost */
    bool active;
    bool unrecorded; /* but for this one, which had only been sent: it counts now */
    struct leaf_recovered mark;
    char recipient[LIMIT_AGENCY_ID_BYTES]; /* of the leaf that was handed back */
    uint8_t lane;
    uint64_t claimed_ms; /* the signed time that counted; or 0 */
};

enum err recovering_put(struct store_txn *txn, const struct recovering *recovering) MUST_CHECK;
/* All zero where there never was a recovery. ERR_CORRUPT */
enum err recovering_get(struct store_txn *txn, struct recovering *ret_recovering) MUST_CHECK;

#endif
