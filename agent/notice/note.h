/* Notes: one row for what one officer is told over one channel. It waits, is sent and leaves, or is
 * given up and stays as a dead letter with its reason, until somebody tries it again. Whoever was
 * told of a raised rung is remembered until its end is told.
 *
 * STORE_NOTICE, all sealed: 'W' CHANNEL NUL be64 id   waits
 *                           'D' CHANNEL NUL be64 id   dead
 *                           'T' CHANNEL NUL OFFICER NUL cause   was told that this rung is raised
 *                           'S' CHANNEL NUL           what must outlive a restart (notify.c)
 * Durable with the commit of the caller's transaction. Loop thread. */
#ifndef REFERRAL_AGENT_NOTICE_NOTE_H
#define REFERRAL_AGENT_NOTICE_NOTE_H

#include "agent/notice/notice.h"
#include "model/message.h"
#include "store/store.h"

enum note_kind {                        /* stored: never renumbered */
                 NOTE_MESSAGE = 1,      /* a message came */
                 NOTE_RAISED = 2,       /* a rung */
                 NOTE_RESOLVED = 3,     /* its cause is gone */
                 NOTE_ALARM = 4,        /* the broker is not believed */
                 NOTE_TEST = 5,         /* somebody tries the channel */
                 NOTE_NEW_LOG = 6,      /* the broker was restored; nothing is to be done */
                 NOTE_RUNG_EARLY = 7,   /* as NOTE_ALARM: it raised something before its time, */
                 NOTE_RUNG_MISSING = 8, /* or did not tell what is overdue */
};

struct note_cause { /* what a rung is about: the same in its escalation and its end */
    struct uuid referral;
    uint32_t task, window;
    enum rung rung; /* RUNG_COUNT: no rung */
};

struct note {
    uint64_t id;
    char channel[NOTICE_NAME_BYTES];
    char officer[NOTICE_NAME_BYTES]; /* "" for a hook */
    enum note_kind kind;
    bool urgent;   /* goes out at once, whatever the hour */
    bool resolved; /* RAISED, not yet told, and its cause is gone already: both are said in one */
    bool late;
    uint32_t tries;
    uint64_t made_ms, retry_ms;     /* wall */
    struct uuid event;              /* the message that it tells of, or an id of its own */
    enum message_kind message_kind; /* of that message */
    struct note_cause cause;
    char number[LIMIT_NUMBER_BYTES];  /* of the referral or matter */
    uint32_t due_date, days;          /* yyyymmdd; working days left, or late */
    char reason[NOTICE_REASON_BYTES]; /* why the last try failed */
    struct span json;                 /* for a hook; borrowed from the store or the caller */
};

#define NOTE_HOOK_BYTES                                                                            \
    (8u * LIMIT_FACTS_BYTES) /* JSON writes a byte of a notice as six at most                      \
                              */

/* The first of a rung that repeats: due-3.7 is due-3. */
enum rung note_rung(enum rung rung);

enum note_place { NOTE_WAITS = 'W', NOTE_DEAD = 'D' };

enum err note_put(struct store_txn *txn, enum note_place place, const struct note *note) MUST_CHECK;
enum err note_get(struct store_txn *txn, enum note_place place, const char *channel, uint64_t id,
                  struct note *ret_note) MUST_CHECK; /* ERR_NOT_FOUND */
/* Those of a channel (NULL: of all) in the order of their ids. note_walk_next: ERR_NOT_FOUND at the
 * end; a note's json is borrowed until the next step or write. Notes may be put and removed. */
struct note_walk {
    struct store_cursor *cursor; /* owned */
    bool begun;
};
enum err note_walk_begin(struct store_txn *txn, enum note_place place, const char *channel,
                         struct note_walk *ret_walk) MUST_CHECK;
enum err note_walk_next(struct note_walk *walk, struct note *ret_note) MUST_CHECK;
void note_walk_end(struct note_walk *walk);
enum err note_remove(struct store_txn *txn, enum note_place place, const char *channel,
                     uint64_t id) MUST_CHECK;
#define NOTE_DEAD_MAX 500u /* of one channel */
/* Of the dead letters of a channel the newest stay: a channel that fails for months fills no store.
 */
enum err note_prune(struct store_txn *txn, const char *channel) MUST_CHECK;

/* Who was told of a raised rung. */
enum err told_put(struct store_txn *txn, const struct note *note) MUST_CHECK;
enum err told_remove(struct store_txn *txn, const struct note *note,
                     bool *ret_was) MUST_CHECK; /* by its channel, officer and cause */

enum err channel_state_put(struct store_txn *txn, const char *channel,
                           struct span state) MUST_CHECK;
enum err channel_state_get(struct store_txn *txn, const char *channel,
                           struct span *ret_state) MUST_CHECK; /* borrowed */

/* The oldest notice for the hook that was written before there were channels (be64 id -> tries |
 * JSON), as a waiting note without a channel; its json is borrowed. ERR_NOT_FOUND. */
enum err note_old(struct store_txn *txn, struct note *ret_note) MUST_CHECK;
enum err note_old_remove(struct store_txn *txn, uint64_t id) MUST_CHECK;

/* The first waiting note of a channel that is not configured any more: its name. ERR_NOT_FOUND. */
enum err note_stray(struct store_txn *txn, const struct notice_setup *setup,
                    char ret_channel[NOTICE_NAME_BYTES]) MUST_CHECK;

#endif
