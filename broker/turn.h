/* One turn of the broker, as its parts share it: the state that lasts (struct broker) and the state
 * of this turn (struct turn). Private to broker/: programs and tests use broker.h.
 *
 * Loop thread only. A function here that answers an error has met the environment (store, memory):
 * the turn is then given up as a whole, nothing of it is kept, and its requests are told to come
 * again. What a peer does wrong is never an error here but an answer. */
#ifndef REFERRAL_BROKER_TURN_H
#define REFERRAL_BROKER_TURN_H

#include "broker/acts.h"
#include "broker/broker.h"
#include "broker/revocation.h"
#include "broker/in_force.h"
#include "broker/intake.h"
#include "broker/parked.h"
#include "broker/recovery.h"
#include "broker/session.h"
#include "model/decide_matter.h"
#include "model/lanes.h"
#include "model/timekeeper.h"
#include "store/audit.h"
#include "store/cases.h"
#include "store/queue.h"
#include "store/uploads.h"
#include "wire/codec.h"

#define TURN_REGION_BYTES  ((size_t)512 * 1024 * 1024) /* answers of one turn */
#define SUSPENDED_RETRY_MS 60000u                      /* what a suspended agency is told to wait */
#define TURN_SALTS         16 /* of leaves, drawn at once: the kernel is asked once for so many */
#define TURN_INTAKE_BYTES  ((size_t)24 * 1024 * 1024) /* payloads decided in one turn */
/* What one turn may write for its requests, its rungs and its re-dating, each: a message to a whole
 * city is written once for each whom it goes to, the row of a large matter with each step. The
 * message under way is finished; what its request has behind it comes again. */
#define TURN_WRITTEN_BYTES ((size_t)32 * 1024 * 1024)

struct broker_ping { /* a question to one agency, see pings.c */
    bool used;
    uint8_t word[PING_BYTES];
    uint64_t tag;
    uint64_t asked_boot_ms, until_boot_ms;
    uint64_t sent_boot_ms, answered_boot_ms; /* 0: not yet */
};

struct broker_agency { /* by place in the registry */
    struct session session;
    struct lane_picker picker;
    uint64_t heard_ms;
    uint64_t heard_boot_ms; /* the same on the boot clock */
    bool dirty;             /* something was queued for it in this turn */
    bool suspended;         /* see suspension.c */
    struct broker_ping ping;
    uint64_t held_to[LANE_COUNT]; /* of this session: what is held up to there was shown */
};

enum clock_order { /* an administrator's word about the clock that is still to be followed */
                   CLOCK_ORDER_NONE,
                   CLOCK_ORDER_CONFIRM,
                   CLOCK_ORDER_RESET
};

struct broker {
    struct broker_setup setup;
    char origin[LIMIT_ORIGIN_BYTES]; /* of the log that is written */
    struct recovering recovering;    /* as of the last commit */
    struct behind behind;
    struct key_statements statements; /* owned: those in the log */
    struct timekeeper keeper;
    struct intake_context intake;   /* shared with the link's threads */
    struct broker_agency *agencies; /* owned */
    size_t agency_count;
    struct parked parked;
    struct intake *pending_first, *pending_last; /* owned */
    struct number_counter documents;             /* as of the last commit */
    struct decision *decision;                   /* owned; scratch, too large for the stack */
    struct matter *matter;                       /* owned; scratch: the one being decided */
    struct matter *other_matter;                 /* owned; scratch: another of its case */
    enum clock_order clock_order;
    struct act *act; /* borrowed: what this turn does for an administrator; NULL: nothing */
    struct broker_counts counts;
    struct broker_timings timings;
    enum clock_hold hold;
    uint64_t now_ms;         /* of the last turn */
    uint64_t strangers_ms;   /* when strangers were last summed up */
    uint64_t rungs_until_ms; /* rungs wait for this broker time; 0 no */
    struct in_force policy_since, calendar_since;
    uint64_t scan_boot_ms; /* boot time by which what is due must be looked at again */
    bool started;          /* LEAF_START is written */
    bool stopping;
    bool stopped;      /* LEAF_STOP is written */
    bool again;        /* more to do at once */
    bool reconfigured; /* a LEAF_CONFIGURATION waits for the next turn */
    bool redating;     /* referrals behind `redate_after` still have the old calendar */
    struct case_key redate_after;
    uint64_t collect_ms; /* broker time of the next look at what nobody refers to */
    int32_t daily_told;  /* the day on which the log last told what ends or is missing */
    enum err failure;
};

struct receipt_ref { /* how one message was answered */
    struct uuid message_id;
    uint64_t leaf; /* AUDIT_NONE: nothing was recorded */
    enum refusal refusal;
    char detail[LIMIT_DETAIL_BYTES];
    uint32_t retry_after_ms;
};

struct answer { /* one request that this turn answers */
    struct answer *next;
    uint64_t handle;
    uint64_t known_size;
    struct reply_head head;
    struct receipt_ref *refs; /* REPLY_SUBMIT */
    size_t ref_count;
    uint16_t asks; /* REPLY_WITNESS: the number of the agency that asks */
};

struct notice { /* one message of the broker's own, before it is signed with the others */
    struct notice *next;
    struct message_header header;
    struct span payload;
    struct span envelope; /* it is one that its addressee has already: as it was signed; or empty */
    struct digest digest;
    uint16_t recipient;
    uint8_t lane;
    struct replaying replaying; /* what the leaf says of it */
};

struct blob_gone { /* files that nobody needs once this turn's commit is there */
    struct digest digest;
    uint16_t agency; /* whose part */
    bool whole;      /* and the blob itself, unless another agency has it, too */
};
#define TURN_GONE 64u

struct turn {
    struct broker *broker;
    struct clock_reading reading;
    struct clock_turn clock;
    uint64_t now_ms;
    struct replaying replaying;   /* while something of a lost log is decided anew */
    struct recovering recovering; /* becomes true with the commit */
    bool recovering_changed;
    struct store_txn *txn; /* NULL until something is written */
    struct number_counter documents;
    struct region region; /* answers, notices, records */
    struct intake *taken; /* owned: the requests of this turn */
    struct answer *answers, **answers_end;
    size_t answer_count;
    struct notice *notices, **notices_end;
    size_t notice_count;
    bool scanned;   /* what is due was looked at */
    size_t rungs;   /* raised in this turn */
    size_t written; /* bytes of leaves and rows */
    uint8_t salts[TURN_SALTS][SALT_BYTES];
    size_t salts_left;
    /* what becomes true of the broker with the commit */
    bool start_written, stop_written, configuration_written, redate_done, redate_moved;
    struct case_key redate_at;
    uint64_t redated;
    struct blob_gone gone[TURN_GONE];
    size_t gone_count;
};

/* --- turn.c --- */
/* Begins the turn's transaction when there is none yet. */
enum err turn_txn(struct turn *turn) MUST_CHECK;
/* A new answer in the order of the requests; NULL when memory is short. */
struct answer *turn_answer(struct turn *turn, uint64_t handle, const struct digest *request);

/* --- ledger.c: leaves and rows --- */
/* Fills what every record of this turn has. */
void ledger_record(const struct turn *turn, enum leaf_kind kind, const char *actor,
                   struct leaf_record *ret_record);
enum err ledger_append(struct turn *turn, const struct leaf_record *record, struct span envelope,
                       uint64_t trail, uint64_t *ret_leaf) MUST_CHECK;

struct stream_entry { /* a leaf that is also queued */
    struct queue_stream stream;
    struct span envelope;
    bool wants_receipt;
    uint64_t trail; /* or AUDIT_NONE */
};
/* Appends a record as the next of a stream and queues it. Fills record->stream. */
enum err ledger_queue(struct turn *turn, struct leaf_record *record,
                      const struct stream_entry *entry, uint64_t *ret_leaf) MUST_CHECK;

/* What caused a decision, for its leaves. */
struct cause {
    const struct message_header *header; /* NULL: the time */
    struct digest digest;
    struct span envelope;
    const struct queue_item *item; /* that a receipt names; else NULL */
};
/* What a decision is about, a referral or a matter: how it is called, and where it stands. */
struct subject {
    struct case_key key;
    const char *number;      /* borrowed, as the next */
    const char *case_number; /* empty: of no case */
    uint64_t last_leaf;      /* or AUDIT_NONE */
    uint64_t next_due_ms;
};
struct subject subject_of_referral(const struct referral *referral);
struct subject subject_of_matter(const struct matter *matter);
struct subject subject_decided(const struct decision *decision); /* as it is after it */
/* Writes all effects of broker->decision and the referral or matter after it. `before` NULL: it is
 * new. The leaf of the message itself, if a message caused it, goes to `ret_leaf`. */
enum err ledger_apply(struct turn *turn, const struct subject *before, const struct cause *cause,
                      uint64_t *ret_leaf) MUST_CHECK;
struct decide_context ledger_context(const struct turn *turn);
/* A referral's id as a text among the numbers, where it leads to its case: base64, which no number
 * is. So one id is never two referrals. */
#define REFERRAL_NAME_BYTES 26
enum err ledger_referral_name(const struct uuid *referral_id,
                              char out[REFERRAL_NAME_BYTES]) MUST_CHECK;

/* The time that a decision counts at: now, or when the lost log had it. */
static inline uint64_t turn_counts_ms(const struct turn *turn)
{
    return turn->replaying.active ? turn->replaying.mark.at_ms : turn->now_ms;
}

/* --- lookup.c: what only the broker can look up for a decision --- */
struct lookup {
    const struct message *message; /* borrowed */
    const struct agency *signer;
    const struct referral *referral; /* what is decided, as it is: this, */
    const struct matter *matter;     /* or this, or neither */
    struct region *region;           /* borrowed */
    /* found, and borrowed by the context */
    struct case_facts whole_case;
    struct referral about;
    struct decide_item item;
    struct queue_item queued; /* that a receipt names */
    bool queued_found;
};
enum err lookup_fill(struct turn *turn, struct lookup *lookup,
                     struct decide_context *ctx) MUST_CHECK;

/* --- notices.c --- */
enum err notices_add(struct turn *turn, const struct effect *effect,
                     const struct cause *cause) MUST_CHECK;
/* Signs all notices of the turn at once and queues them. */
enum err notices_flush(struct turn *turn) MUST_CHECK;

/* --- service.c, submit.c, fetch.c --- */
enum err service_handle(struct turn *turn, struct intake *intake) MUST_CHECK;
enum err submit_handle(struct turn *turn, struct intake *intake, struct answer *answer) MUST_CHECK;
enum err ack_handle(struct turn *turn, struct intake *intake, struct answer *answer) MUST_CHECK;
/* A message that a lost log had taken is decided anew (turn->replaying). ERR_BUSY: it acknowledges
 * what this turn has queued, and must wait for the next; nothing is written. */
struct handed_message {
    const struct agency *signer;
    struct payload payload;
    struct digest digest;
    struct span envelope;
};
enum err submit_replay(struct turn *turn, const struct handed_message *handed) MUST_CHECK;
enum err fetch_handle(struct turn *turn, struct intake *intake) MUST_CHECK;
/* After the commit: answers the parked fetches that have something, or whose time has come. */
enum err fetch_answer(struct turn *turn, struct store_txn *read) MUST_CHECK;

/* --- acts.c --- */
enum err acts_apply(struct turn *turn) MUST_CHECK;

/* --- suspension.c, pings.c --- */
enum err suspension_start(struct broker *broker, struct store_txn *read) MUST_CHECK;
/* A FETCH is answered at once for it. */
bool pings_unsent(const struct broker *broker, size_t agency);
void pings_ask(struct turn *turn, size_t agency, struct reply_head *head);
void pings_answered(struct turn *turn, size_t agency, const uint8_t word[PING_BYTES]);

/* --- blobs.c --- */
enum err blob_put_handle(struct turn *turn, struct intake *intake,
                         struct answer *answer) MUST_CHECK;
enum err blob_get_handle(struct turn *turn, struct intake *intake,
                         struct answer *answer) MUST_CHECK;
/* Where the policy demands it: one more than the place of the first material whose bytes this
 * signer has not uploaded whole; 0: none. */
enum err blobs_missing(struct turn *turn, const struct agency *signer,
                       const struct message *message, size_t *ret_missing) MUST_CHECK;
/* A message that was taken: its parties may fetch what it names, and it stays. */
enum err blobs_refer(struct turn *turn, const struct agency *signer,
                     const struct message *message) MUST_CHECK;
enum err blobs_collect(struct turn *turn) MUST_CHECK; /* uploads that nobody refers to */
/* After the commit: removes the files of what the turn forgot. */
void blobs_forget_later(struct turn *turn, const struct upload *upload, bool whole);
void blobs_committed(struct turn *turn);
enum err blobs_start(struct broker *broker) MUST_CHECK; /* what a crash left without a row */

/* --- scheduler.c --- */
enum err scheduler_clock(struct turn *turn) MUST_CHECK; /* clock events, start, strangers */
/* Follows broker->clock_order as soon as the timekeeper has room for the event. */
enum err scheduler_clock_order(struct turn *turn) MUST_CHECK;
enum err scheduler_rungs(struct turn *turn) MUST_CHECK; /* what fell due */
/* Decides what is due of a packed referral or matter; answers where it stood. */
enum err scheduler_decide(struct turn *turn, const struct uuid *referral_id, struct span packed,
                          struct subject *ret_before) MUST_CHECK;
enum err scheduler_redate(struct turn *turn) MUST_CHECK; /* a part of a re-dating under way */
/* A referral that a message is about does not wait for its part: what is decided now is decided
 * from the dates of the calendar in force. */
enum err scheduler_redate_first(struct turn *turn, struct referral *referral) MUST_CHECK;
enum err scheduler_redate_matter_first(struct turn *turn, struct matter *matter) MUST_CHECK;
enum err scheduler_start(struct broker *broker) MUST_CHECK; /* reads what the store remembers */
/* What the clock's judgement takes from the policy. */
void scheduler_use_policy(struct broker *broker);
uint64_t scheduler_wake_boot_ms(struct turn *turn, struct store_txn *read);

/* --- recovery.c, hand_back.c, replay.c: after a store was restored from an old copy --- */
enum err recovery_start(struct broker *broker, struct fault *fault) MUST_CHECK;
/* The request is for another log of this broker: the reply says which one it is now. */
enum err recovery_tell(struct turn *turn, struct answer *answer) MUST_CHECK;
/* Does the agency show a longer log than this one, with the broker's own signature? */
enum err recovery_compare(struct turn *turn, const struct intake *intake) MUST_CHECK;
enum err recovery_streams(struct turn *turn, const struct intake *intake,
                          struct answer *answer) MUST_CHECK;
/* Nothing may be sent, fetched or raised now. */
bool recovery_holds(const struct broker *broker);
enum err hand_back_handle(struct turn *turn, struct intake *intake,
                          struct answer *answer) MUST_CHECK;
/* A part of what was handed back is applied, when it is time. */
enum err replay_turn(struct turn *turn) MUST_CHECK;
/* The documents of that referral that people hold from a lost log. */
enum err replay_held(struct turn *turn, const struct uuid *referral_id,
                     struct decide_context *ctx) MUST_CHECK;
/* The notice that its addressee has already, in place of this new one. */
enum err replay_notice(struct turn *turn, const struct message *message, const struct cause *cause,
                       struct notice *notice) MUST_CHECK;

/* --- replies.c --- */
/* After the commit: proofs, one signature, and out. */
enum err replies_send(struct turn *turn, struct store_txn *read) MUST_CHECK;
/* cosignatures.c: what the others countersigned, as of a log of that size. */
enum err cosignatures_fill(struct turn *turn, struct store_txn *read, uint64_t size,
                           struct answer *answer) MUST_CHECK;
/* Answers all requests of a turn that was given up. */
void replies_give_up(struct turn *turn, enum refusal refusal);

static inline size_t agency_place(const struct broker *broker, const struct agency *agency)
{
    return (size_t)(agency - registry_at(broker->setup.registry, 0));
}

#endif
