/* What the suites of the agent share: a realm (the shipped rules, and keys of everybody in it) and
 * a desk: one agent core in it, with clocks that stand until they are moved, seeded randomness, and
 * everything that it asked of the world kept for the test to look at and to answer. For tests only.
 */
#ifndef REFERRAL_TESTS_AGENT_SUPPORT_H
#define REFERRAL_TESTS_AGENT_SUPPORT_H

#include <string.h>

#include "agent/state.h"
#include "unit/suite.h"

#define REALM_AGENCIES 16u
#define REALM_ORIGIN   "agent-test.example/broker"
#define DESK_START_MS  UINT64_C(1772413200000) /* 2026-03-02 09:00 +08:00, a Monday */
#define DAY_MS         UINT64_C(86400000)

struct realm {
    struct buf registry_text;
    struct registry *registry;
    struct policy *policy;
    struct calendar *calendar;
    struct keyring *keyring;
    struct sign_key broker, stranger;     /* the stranger's key is in no keyring */
    struct sign_key sign[REALM_AGENCIES]; /* by place in the registry */
    struct seal_key seal[REALM_AGENCIES];
};

void realm_open(struct realm *realm);
/* With one more line in that agency's row: "    left: 2026-03-05\n". */
void realm_open_edited(struct realm *realm, const char *agency, const char *line);
void realm_close(struct realm *realm);
size_t realm_place(const struct realm *realm, const char *id); /* fails the test when unknown */

struct ask { /* a request that the agent sent and that is not answered */
    bool open;
    struct buf bytes;
    struct region region;
    struct request request;
    uint64_t timeout_ms;
};

struct desk {
    struct realm *realm;
    size_t place; /* of the agency in the registry */
    char folder[48];
    uint64_t map_bytes;
    bool with_hook, accept_gaps;
    const char *calendars;           /* the folder that a reload reads */
    const struct calendar *calendar; /* of the next start; NULL: the realm's */
    struct notice_setup *notices;    /* owned; with_hook: one hook */
    struct store *store;
    struct blobs *blobs;
    struct agent *agent;
    uint64_t wall_ms, machine_ms, wake_ms, seed;
    struct ask asks[SLOT_COUNT];
    unsigned asked[SLOT_COUNT];              /* since the desk was made */
    unsigned request_calls, request_fail_at; /* the call of this number (from 1) fails */
    enum err request_result;                 /* with this */
    struct buf events;                       /* lines, each with its newline */
    struct buf hooks;    /* JSON lines of hooks; of others "CHANNEL OFFICER ADDRESS TEXT" */
    struct buf evidence; /* the newest file */
    unsigned evidence_files;
    enum err evidence_result; /* of the next ones */
    unsigned hook_starts;
    bool hook_runs;       /* of the first channel */
    enum err hook_result; /* of the next starts */
    bool sends[NOTICE_CHANNELS_MAX];
    unsigned sent[NOTICE_CHANNELS_MAX];
    char sent_id[UUID_TEXT_BYTES]; /* of the last one */
    unsigned points;               /* store points passed */
    void (*on_point)(struct desk *desk, const char *name);
    void (*on_changed)(struct desk *desk, const struct case_key *key); /* after a commit */
    int64_t wall_offset_ms;
    struct buf answer; /* of the last desk_ask */
    struct json *answer_json;
};

void folder_new(char out[48]); /* an empty one, the caller's to remove */
/* The agent of this agency, started, in a folder of its own. */
void desk_open(struct desk *desk, struct realm *realm, const char *agency);
void desk_close(struct desk *desk); /* with its folder */
/* The process ends and starts again on the same store; requests under way are lost. */
void desk_stop(struct desk *desk);
enum err desk_start(struct desk *desk);
void desk_restart(struct desk *desk);

/* Moves both clocks; wakes the agent whenever it asked for it. */
void desk_pass(struct desk *desk, uint64_t ms);
/* Ends an open request without an answer. */
void desk_fail(struct desk *desk, enum agent_slot slot, enum err result);
/* Answers an open request with these bytes. */
void desk_reply(struct desk *desk, enum agent_slot slot, struct span bytes);
void desk_hook_end(struct desk *desk, bool told);
/* A sending of this channel ends so. */
void desk_sent(struct desk *desk, size_t channel, const struct notice_outcome *outcome);

/* A line on the socket; single quotes stand for double ones. Answers the parsed answer, borrowed
 * until the next one. */
struct json_value desk_ask(struct desk *desk, const char *line);
/* The same, and the answer must be ok. */
struct json_value desk_must(struct desk *desk, const char *line);
/* `send` of this message, which is taken. */
void desk_say(struct desk *desk, const char *message);
/* SAY_OUTBOUND to somebody else. */
void desk_refer(struct desk *desk, const char *recipient);
/* A text or number along a path: "messages.0.referral", "outbox.waiting". Fails when absent. */
const char *text_at(struct json_value value, const char *path);
uint64_t number_at(struct json_value value, const char *path);
bool absent_at(struct json_value value, const char *path);

/* How often a text occurs. */
size_t count_in(const struct buf *buf, const char *text);
size_t events_of(const struct desk *desk, const char *name);
/* The alarm of `status`, "" when all is well. */
const char *desk_alarm(struct desk *desk);
/* SHA-256 over everything that the store has, but the newest checkpoint, notices, and what the
 * broker was caught with. */
struct digest desk_digest(struct desk *desk);
uint64_t random_of(struct desk *desk, uint64_t below);
/* The open clocks with an end that its agency holds: all copies read, one by one. */
size_t desk_clocks_held(const struct desk *desk);
/* No entry tells of them any more, as in a store of an earlier program. */
void desk_forget_ends(const struct desk *desk);

/* What two parties have of one referral, or of one matter, is the same. */
void same_clock(const char *who, const struct referral *ours, const struct referral *theirs,
                enum referral_clock clock);
void same_duty(const char *who, const struct matter *matter, const struct duty *a,
               const struct duty *b);

/* Messages as an officer's program gives them. */
extern const char *const SAY_OUTBOUND; /* by the procuratorate, to education */
extern const char *const SAY_ADULT;    /* by it, to civil-affairs, in its first case of 2026 */
extern const char *const SAY_INBOUND;  /* by the others */

#endif
