/* The agent core: one agency's outbox and inbox, and what it believes of the broker.
 *
 * Everything that must survive is a row of its store before anybody is told of it: a message that
 * somebody sends is durable before `send` answers, a message that came is durable before its
 * signed receipt leaves. The core sees the world through agent_ops, so that tests can play it
 * against a broker in the same process. Loop thread only; nothing here blocks but the store's sync.
 *
 *   send -> compose -> outbox row -> SUBMIT -> receipt checked -> row accepted, copy follows
 *   FETCH -> sender, leaf, checkpoint, stream checked -> inbox row and our receipt -> ACK ->
 * notices
 */
#ifndef REFERRAL_AGENT_AGENT_H
#define REFERRAL_AGENT_AGENT_H

#include "base/crypto.h"
#include "base/json.h"
#include "model/calendar.h"
#include "model/policy.h"
#include "model/registry.h"
#include "store/cases.h"
#include "store/store.h"
#include "wire/registry_document.h"

#define LIE_PATH_BYTES 600u

struct agent;
struct blobs;
struct notice_setup;
struct notice_sending;
struct notice_outcome;

enum agent_slot {               /* requests that may be open at once, one each */
                  SLOT_SESSION, /* HELLO, WITNESS */
                  SLOT_SUBMIT,
                  SLOT_ACK,
                  SLOT_FETCH,
                  SLOT_BLOB, /* attachments, either way */
                  SLOT_COUNT
};

struct agent_ops {                     /* none of these calls back into the agent */
    uint64_t (*wall_ms)(void *ctx);    /* UTC, laboratory offsets included */
    uint64_t (*machine_ms)(void *ctx); /* for waits; never moved by a laboratory */
    void (*random)(void *ctx, void *out, size_t len);
    /* One agent_wake at or after this machine time; replaces the one asked before. */
    void (*wake_at)(void *ctx, uint64_t machine_ms);
    /* Sends to the broker. After OK agent_replied is called once, later. */
    enum err (*request)(void *ctx, enum agent_slot slot, struct span bytes, uint64_t timeout_ms);
    /* The broker's laboratory offset, from its signed replies. */
    void (*follow_laboratory)(void *ctx, int64_t offset_ms);
    /* An event for those who watch: one JSON line. */
    void (*event)(void *ctx, struct span line);
    /* A copy, or what is on its way about it, is another now: after the commit. NULL: nobody asks.
     */
    void (*changed)(void *ctx, const struct case_key *key);
    /* From now on this client of the socket gets the events. ERR_FULL */
    enum err (*watch)(void *ctx, uint64_t client);
    /* Laboratory only: this agent's own wall clock. */
    enum err (*move_wall)(void *ctx, int64_t offset_ms);
    /* Reads the folder of calendars whole; the caller frees the sealed one. The fault says where.
     */
    enum err (*load_calendar)(void *ctx, struct calendar **ret_calendar, struct fault *fault);
    /* Sends a notice by a channel of setup.notices; after OK agent_notified is called once, later.
     * ERR_BUSY: as many as may be are under way; tried again when one of them has ended. */
    enum err (*notify)(void *ctx, size_t channel, const struct notice_sending *sending);
    /* Keeps an evidence file, durably, under a name of its own, and says where. ERR_FULL: so many
     * are kept that it is not. NULL: none are kept. */
    enum err (*keep_evidence)(void *ctx, struct span file, char ret_path[LIE_PATH_BYTES]);
};

struct agent_setup { /* all borrowed for the agent's life */
    const struct agent_ops *ops;
    void *ctx;
    struct store *store;
    struct blobs *blobs; /* attachments, sealed; NULL: none are kept */
    const struct agency *self;
    const struct registry *registry;
    const struct policy *policy;
    const struct calendar *calendar;   /* sealed; until agent_reload */
    struct keyring *keyring;           /* marked where a key is revoked */
    struct registry_document document; /* of both; version 0: they are not signed */
    struct span policy_text; /* read anew with each registry; empty: the registry never changes */
    const struct sign_key *sign_key;
    const struct sign_key *sign_key_next; /* NULL: none; see session.c */
    const struct seal_key *seal_key;
    const char *software;                 /* name and version */
    const char *broker_url, *broker_name; /* for people: where it is looked for; NULL: not told */
    const char *web;         /* where the inbox is, for people; NULL, "": there is none */
    struct backups *backups; /* own ones; NULL: none are made */
    const struct backups_plan *backups_plan; /* but for the time */
    const struct notice_setup *notices;      /* NULL: nobody is told */
    const char *evidence; /* the newest file of what the broker was caught with before; "": none */
    uint64_t witness_ms;  /* how often it countersigns a log that grew, at the most */
    bool accept_gaps;     /* after the loss of this store: streams go on where the broker stands */
    bool laboratory;
};

struct agent_key { /* one of this agency's own */
    enum key_use use;
    const uint8_t *public_key;
    const char *place; /* for the fault: where it was read */
};
/* ERR_INVALID when the public keys have it not under this agency. */
enum err agent_check_key(const struct keyring *keyring, const struct agency *self,
                         const struct agent_key *key, struct fault *fault) MUST_CHECK;

/* Reads what is kept of the broker. ERR_CORRUPT, ERR_IO from the store; ERR_INVALID when keys and
 * keyring do not fit; the fault says what to do. */
enum err agent_new(const struct agent_setup *setup, struct agent **ret_agent,
                   struct fault *fault) MUST_CHECK;
void agent_free(struct agent *agent); /* NULL allowed */

/* The link has a connection, or lost it. */
void agent_connected(struct agent *agent, bool connected);
/* The answer to ops->request: OK with the bytes, or why there is none. */
void agent_replied(struct agent *agent, enum agent_slot slot, enum err result, struct span bytes);
void agent_wake(struct agent *agent); /* the time asked for has come */
/* How a sending of this channel ended. */
void agent_notified(struct agent *agent, size_t channel, const struct notice_outcome *outcome);
/* Takes the calendar that ops->load_calendar answers in place of the one in use, which stays when
 * there is none; either is logged, and said by `status`. */
enum err agent_reload(struct agent *agent, struct fault *fault);
/* OK, or the failure of the store after which the process must end. */
enum err agent_failure(const struct agent *agent);

/* One line of a client of the socket (docs/agent-socket.md): appends the answer, without a newline.
 */
enum err agent_answer(struct agent *agent, uint64_t client, struct span line,
                      struct buf *out) MUST_CHECK;
/* The answer to any line where there is no agent, because its store is damaged. */
enum err agent_answer_failed(const struct fault *fault, struct buf *out) MUST_CHECK;

#endif
