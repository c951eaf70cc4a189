/* A city without a network: the real broker core and store under a simulated clock and link.
 *
 * For the scenario tests only. Agencies are keys and a position in the protocol; each of their
 * requests is built, signed, verified, decided, committed and answered by the code that the daemons
 * run. One thread. Everything lies in a temporary folder that world_close removes. */
#ifndef REFERRAL_SCENARIO_WORLD_H
#define REFERRAL_SCENARIO_WORLD_H

#include "broker/broker.h"
#include "model/referral.h"
#include "wire/envelope.h"
#include "wire/receipt.h"

#define WORLD_AGENCIES  16
#define WORLD_REFERRALS 64
#define WORLD_MATTERS   64
#define WORLD_HELD      64

struct held { /* a message that was fetched and is not acknowledged */
    struct message_header header;
    struct position position;
    uint64_t leaf_index;
    struct digest leaf_hash;
    bool again; /* acknowledged before the broker's disk was lost */
};

struct kept { /* a message that was sent or fetched since a snapshot, with its proofs */
    struct uuid message_id;
    bool done; /* fetched, and acknowledged */
    struct buf envelope, receipt;
};

struct actor { /* one agency, as its agent would be */
    const struct agency *agency;
    struct sign_key sign;
    struct seal_key seal;
    uint8_t session[SESSION_BYTES];
    uint64_t counter; /* 0: says HELLO first */
    uint32_t cases;   /* numbers given so far */
    uint32_t registers;
    uint32_t matters;
    struct held held[WORLD_HELD];
    size_t held_count;
    struct kept *kept; /* what it hands back when the broker's disk is lost */
    size_t kept_count;
};

struct tale { /* a referral by the name that the scenario gives it */
    char name[24];
    enum message_kind kind;
    struct uuid message_id, case_id, referral_id;
    char case_number[LIMIT_NUMBER_BYTES];
    char number[LIMIT_NUMBER_BYTES];
    struct actor *sender, *receiver;
};

struct affair { /* a matter by the name that the scenario gives it; what was taken of it is stored
                 */
    char name[24];
    struct uuid message_id, case_id, matter_id;
    char case_number[LIMIT_NUMBER_BYTES]; /* empty: of no case */
    char number[LIMIT_NUMBER_BYTES];
};

/* What a message is about, by its name: a referral or a matter. */
struct named {
    const struct tale *tale; /* or NULL */
    const struct affair *affair;
    struct uuid message_id, case_id, referral_id; /* the last: a matter's id */
    const char *case_number, *number;             /* borrowed from the two */
};

struct world {
    char folder[64];
    char calendars[80];        /* the folder of its calendar files */
    uint64_t wall_ms, boot_ms; /* the simulated clocks */
    uint64_t wake_boot_ms;
    uint64_t seed;
    uint64_t queue_max; /* of the next start; 0: the usual one */
    bool down;
    bool cut;     /* the next reply is lost */
    bool keeping; /* a snapshot was made: what comes behind it may be lost */
    struct store *store;
    struct blobs *blobs;
    unsigned blobs_percent; /* of the disk: new attachments are refused */
    struct broker *broker;
    struct registry *registry;
    struct policy *policy;
    struct calendar *calendar;
    struct keyring *keyring;
    struct sign_key key;
    struct buf registry_text, policy_text;
    struct buf reply; /* the answer to the request under way */
    uint64_t handle;
    struct actor actors[WORLD_AGENCIES];
    size_t actor_count;
    struct tale tales[WORLD_REFERRALS];
    size_t tale_count;
    struct affair affairs[WORLD_MATTERS];
    size_t affair_count;
    struct buf last_request;      /* for replays */
    const struct actor *stowaway; /* opens the next body though it is not addressed; or NULL */
    enum refusal refusal;         /* of the last message or request */
    uint64_t last_leaf;           /* of the last answered message */
    enum message_kind last_kind;
    char detail[LIMIT_DETAIL_BYTES]; /* of the last refusal: field, and what was expected */
    struct buf last_receipt;         /* canonical bytes */
};

void world_open(struct world *world);
void world_close(struct world *world);
/* The broker starts, stops in order, or is gone at once as by a power cut. */
void world_start(struct world *world);
void world_stop(struct world *world);
void world_crash(struct world *world);
/* A file of tests/scenario/calendars is put among those of the city, as an import does, and a
 * running broker reloads. False: there is no such file, or it is refused. */
bool world_calendar(struct world *world, const char *name);
/* Turns the broker until it has nothing more to do at once. */
void world_settle(struct world *world);
/* Moves both clocks on, waking the broker whenever it asked for it. */
void world_pass(struct world *world, uint64_t ms);

/* world_agencies.c: lines are put into the agency's row of the registry's file, and the broker,
 * where it runs, starts again with it. False: the file is refused. */
bool world_change_agency(struct world *world, const char *id, const char *lines);
/* The same with an option of the policy's file that has a line of its own. */
bool world_change_policy(struct world *world, const char *option, const char *value);

struct actor *world_actor(struct world *world, const char *id); /* NULL: no such agency */
struct tale *world_tale(struct world *world, const char *name); /* NULL: no such referral */
/* A referral or a matter; false: there is neither. */
bool world_named(const struct world *world, const char *name, struct named *ret_named);

/* world_recovery.c: a copy of the running broker's store. */
void world_snapshot(struct world *world, const char *name);
/* The broker's disk is lost, and a new log is opened on that copy. Nobody has handed back yet. */
void world_restore(struct world *world, const char *name);
/* All that the agency has is handed back; when the broker is done, what comes again is taken once
 * more. False: the broker did not take an item; world->refusal says why. */
bool world_hand_back(struct world *world, struct actor *actor);
/* What comes a second time: acknowledged before. */
void world_take_again(struct world *world, struct actor *actor);
/* Evidence of a message; nothing when no snapshot was made. */
void actor_keep(struct world *world, struct actor *actor, const struct uuid *message_id,
                struct span envelope, struct span receipt);
struct kept *actor_kept(struct actor *actor, const struct uuid *message_id); /* or NULL */
void actor_forget(struct actor *actor);

struct asking { /* a request: its head and the payloads that it carries */
    struct request_head head;
    const struct span *payloads; /* borrowed */
    size_t payload_count;
};

/* --- actor.c --- */

/* One request with these payloads; the answer is in `ret_reply` (region's). Says HELLO when there
 * is no session. False: no answer came (the broker is down, or the reply was cut). */
bool actor_request(struct world *world, struct actor *actor, struct asking *asking,
                   struct region *region, struct reply *ret_reply);
/* Signs and submits (or acknowledges with) one message; world->refusal and world->last_leaf tell.
 * A body is sealed to the sender, the recipient and all copies. */
bool actor_send(struct world *world, struct actor *actor, struct message *message);
/* Fetches what waits, verifies it, and holds it. Answers how many. */
size_t actor_fetch(struct world *world, struct actor *actor, uint32_t max);
/* Acknowledges everything that is held. */
void actor_acknowledge(struct world *world, struct actor *actor);
/* Sends the last request's bytes again, as somebody who captured them would. */
bool actor_replay(struct world *world);

#endif
