/* What the files of the agent core share. Private to agent/: programs and tests use agent.h. */
#ifndef REFERRAL_AGENT_STATE_H
#define REFERRAL_AGENT_STATE_H

#include "agent/agent.h"
#include "agent/notice/notify.h"
#include "agent/rows.h"
#include "model/decide.h"
#include "model/lanes.h"
#include "model/merkle.h"
#include "store/backups.h"
#include "store/cases.h"
#include "wire/checkpoint.h"
#include "wire/envelope.h"
#include "wire/key_statement.h"
#include "wire/recovery.h"

#define AGENT_BATCH_COUNT  64u            /* messages of one SUBMIT or ACK */
#define AGENT_BATCH_BYTES  (900u * 1024u) /* of their payloads: within LIMIT_REQUEST_BYTES */
#define AGENT_REGION_BYTES (LIMIT_PARSE_BYTES(2 * LIMIT_REQUEST_BYTES))
#define AGENT_ALARM_BYTES  400u
#define AGENT_FAULT_BYTES  700u
#define AGENT_RETRY_MAX_MS 600000u
#define AGENT_CHANGES_MAX  65536u /* of one transaction: a case with all its matters, each reply */

enum asking_about { ASKING_OURS, ASKING_LINKS, ASKING_COMPARING };

struct asking { /* one open request */
    bool busy;
    enum request_kind kind;
    struct key_id key; /* that signed it */
    struct digest request_digest;
    struct buf head;                  /* owned: as it was signed, where it is short */
    uint8_t session[SESSION_BYTES];   /* under which it was asked */
    struct merkle_head known;         /* what we knew of the log when we asked */
    enum asking_about about;          /* whose head that is: of another's nothing else is asked */
    uint64_t asked_ms;                /* machine time */
    uint64_t not_before_ms;           /* machine time: after a failure, wait */
    uint32_t failures;                /* in a row */
    uint64_t seqs[AGENT_BATCH_COUNT]; /* SUBMIT, ACK: the rows that it carries */
    size_t count;
};

struct copy { /* this agency's copy of a referral or of a matter; too large for the stack */
    bool known;
    bool of_matter; /* then `matter`, else `referral` */
    union {
        struct referral referral;
        struct matter matter;
    };
};

enum counting_state {
    COUNTING_UNKNOWN, /* the broker has named no calendar yet */
    COUNTING_SAME,
    COUNTING_BEHIND, /* it uses one that is not here */
    COUNTING_AHEAD, /* it uses the one by which the copies here count, and this agent a newer one */
};

#define ERAS_MAX 64u /* calendars change once or twice a year */

struct era {
    uint64_t from;     /* place in the log (recovery_place): what lies behind it */
    uint64_t since_ms; /* broker time of that place */
    char version[CALENDAR_VERSION_BYTES];
    struct calendar *calendar; /* owned; NULL: it never was here */
};

struct eras { /* eras.c */
    struct era each[ERAS_MAX];
    size_t count;
    bool fresh; /* changed in the transaction under way */
};

struct counting {                  /* counting.c */
    struct calendar *loaded;       /* owned: taken while running; NULL: the setup's is in use */
    uint64_t counted_from;         /* the era up to which all copies are counted; 0: none yet */
    struct case_key after;         /* where counting anew stands, */
    bool begun;                    /* once it has begun */
    uint64_t step_at_ms;           /* machine time: not before, after a failure */
    char fault[AGENT_FAULT_BYTES]; /* why the folder was not taken the last time; empty: it was */
};

#define AGENT_ADDINGS   64u  /* uploads held open: each less than a chunk; others are read anew */
#define CARRY_CONFIRMED 512u /* of several full messages */

struct adding;

struct carry { /* attachments on their way; what must last is rows */
    struct {
        struct digest digest;
        uint64_t until_ms;        /* machine time; 0: free */
    } confirmed[CARRY_CONFIRMED]; /* the broker has them whole */
    size_t confirmed_next;
    bool uploads; /* a message waits for this one: */
    struct digest upload;
    uint64_t upload_bytes;
    uint64_t upload_have; /* at the broker, once it was asked */
    bool upload_asked;
    bool fetches;         /* something may be on the way here */
    uint64_t fetch_at_ms; /* machine time: not before */
    uint64_t retry_ms;    /* machine time: what failed is not asked for before */
    struct digest fetch;  /* asked for, from there */
    uint64_t fetch_offset;
    bool fetches_turn;             /* both wait: one piece each */
    char alarm[AGENT_ALARM_BYTES]; /* of an attachment; the broker itself is believed */
    struct digest alarm_digest;
};

#define HANDING_KEY "handing" /* of STORE_VALUE: there while something is handed back */
#define TRIALS_MAX  64u       /* checkpoints that a new log may be tried with: the newest ones */

struct following { /* recovery.c: which log of the broker, and what it still lacks of ours */
    char origin[LIMIT_ORIGIN_BYTES];
    uint64_t log;
    struct {
        char origin[LIMIT_ORIGIN_BYTES];
        uint64_t log;
        uint64_t anchor; /* up to there it is the log of today */
    } past[RECOVERIES_MAX];
    size_t past_count;
    bool handing;   /* what it lacks is being handed back */
    bool all_said;  /* and that was all */
    bool confirms;  /* of what we sent, new receipts are asked for */
    uint64_t after; /* the rows up to there are handed back */
    uint64_t sent;  /* and with the request under way, up to there */
    uint64_t refused;
};

struct trial { /* a new log, before it is accepted */
    bool active;
    bool accepted; /* in the transaction under way */
    char origin[LIMIT_ORIGIN_BYTES];
    struct buf chain;                     /* owned: all statements, packed */
    uint64_t from_log;                    /* where that log leaves those that we know */
    struct merkle_head heads[TRIALS_MAX]; /* what we know of that log, the newest first */
    size_t head_count, at;
};

#define LINKS_MAX 128u /* heads of one export; those beyond stay unconnected */

struct links { /* links.c: what connects receipts with one later checkpoint, for evidence */
    struct case_key key;
    bool witnessed; /* the others' countersignatures were asked for, before all else */
    bool asks;      /* the request that is being made names a head of ours */
    struct merkle_head todo[LINKS_MAX];
    size_t todo_count, at;
    struct link {
        struct merkle_head from, to;
        char note[CHECKPOINT_BYTES]; /* of `to` */
        size_t note_bytes;
        struct digest path[LIMIT_PATH_COUNT];
        size_t path_count;
    } * done; /* owned; NULL: nothing was asked for */
    size_t done_count;
    unsigned rounds;
    uint64_t until_ms; /* machine time */
};

struct comparing { /* comparing.c: a checkpoint of another agency, brought by hand */
    bool active;
    bool asks;                   /* the request that is being made names its head */
    bool ours_next;              /* the next one names what this agency knows */
    bool differs;                /* of one size, and two: the broker's word, asked or not */
    struct merkle_head seen;     /* of the checkpoint, */
    struct merkle_head head;     /* and of the newest log that was proven to extend it */
    char note[CHECKPOINT_BYTES]; /* that shows `head` */
    size_t note_bytes;
    uint64_t until_ms; /* machine time */
};

struct cosigned { /* links.c: what the others countersigned, by the newest answer to WITNESS */
    struct merkle_head shown; /* the checkpoint of that answer; size 0: there was none */
    uint64_t log;
    char note[CHECKPOINT_BYTES];
    size_t note_bytes;
    struct cosigned_one {
        struct cosigned_note note;
        struct digest path[LIMIT_PATH_COUNT]; /* from what was seen to `shown` */
        size_t path_count;
    } * each; /* owned */
    size_t count;
};

struct held_registry { /* registry.c */
    struct registry_loaded loaded;
    struct policy *policy;
    uint64_t *deferred_ms;       /* room for agent.deferred_ms, till it is in force */
    struct held_registry *older; /* whoever borrowed from it goes on so: versions are rare */
};

struct following_registry {
    struct held_registry *held;       /* owned: in force, and those before; NULL: the setup's */
    struct held_registry *fresh;      /* owned: in the transaction under way */
    uint64_t told;                    /* the version that the broker's newest reply names */
    uint64_t told_statements;         /* and how many statements about keys */
    bool proven;                      /* the version in force is in the broker's log */
    bool fresh_proven;                /* by the reply that is being taken */
    struct key_statements statements; /* owned: in force here */
    struct key_statements fresh_ones; /* owned: in the transaction under way */
    uint64_t refused;                 /* the version about which was complained last */
    uint64_t ask_at_ms;               /* machine time: not asked for before */
    char fault[AGENT_FAULT_BYTES];    /* why the broker's was not taken; empty: it was */
};

struct witnessing {              /* witness.c: what the others countersigned, of the newest reply */
    uint64_t confirmed_size;     /* so many records are countersigned by a quorum; 0: nothing */
    uint32_t agencies;           /* that countersigned anything, this one too */
    uint32_t needed;             /* for a quorum; 0: nothing was heard yet */
    uint64_t awaited_size;       /* not confirmed, */
    uint64_t awaited_ms;         /* since then, of the broker's time; 0: nothing is awaited */
    uint64_t awaited_machine_ms; /* the same, of a clock that nobody moves */
    uint64_t asked_size;         /* of the log when it was asked last, */
    uint32_t asked_again;        /* and how often since it grew */
    int32_t told; /* the civil day on which the log last told that nothing confirms */
};

struct fetching {  /* inbox.c: a broker that answers a long poll at once, with nothing */
    bool waits;    /* the answer may be long in coming: that was asked for */
    bool brought;  /* something that was not here before */
    uint32_t idle; /* answers in a row that came at once and brought nothing */
};

struct rungs {                   /* rungs.c: does the broker raise what is due, when it is due? */
    uint64_t from_ms;            /* windows that began before are not judged; UINT64_MAX: none is */
    uint64_t horizon_ms;         /* broker time: it said then that nothing waits; 0: not yet */
    uint64_t horizon_machine_ms; /* the same, of a clock that nobody moves */
    uint64_t heard_ms;           /* broker time of the newest such word */
    uint8_t session[SESSION_BYTES]; /* under which that was said */
    uint8_t asked[SESSION_BYTES];   /* under which it was asked at once and nothing came */
    bool overdue;                   /* something was due by then and is not here yet */
    bool policy_same;               /* as the broker's, by its newest word */
    bool policy_differs;            /* it said so */
};

struct caught {        /* lie.c: the broker contradicts itself */
    bool fresh;        /* in the reply that is being taken, and not told before */
    bool authentic;    /* that reply is the broker's own */
    struct span other; /* the checkpoint that it speaks against, where it is not this agent's own;
                        * borrowed */
    char file[LIE_PATH_BYTES]; /* the newest one; empty: there is none */
};

enum distrust_kind { /* what the broker was caught with; those marked + last (distrust.c) */
                     DISTRUST_UNSIGNED, /* nothing that it signed: anybody may have sent it */
                     DISTRUST_ANSWER, /* an answer to something else, or one that cannot be read */
                     DISTRUST_UNPROVEN,  /* what cannot be judged here: a key is not known, messages
                                            are missing */
                     DISTRUST_RECOVERY,  /* a new log that extends nothing seen, or by statements
                                            that prove nothing */
                     DISTRUST_LOG_BACK,  /* its log is shorter than what was seen */
                     DISTRUST_LOG_SPLIT, /* + its log is another than what was seen */
                     DISTRUST_LOG_HIDDEN, /* + others were shown more of it */
                     DISTRUST_RECEIPT,    /* + a receipt that its log does not bear out */
                     DISTRUST_DELIVERY, /* + a message that its log or its sender does not bear out
                                         */
                     DISTRUST_WITNESS,  /* + a countersignature that nobody made */
                     DISTRUST_REGISTRY, /* + a registry that its log does not have */
                     DISTRUST_RUNG_EARLY,   /* + a rung raised before its time, by what it signed */
                     DISTRUST_RUNG_DATE,    /* the same, by what this agency knows of the window */
                     DISTRUST_RUNG_MISSING, /* a rung that is due was not told */
                     DISTRUST_KIND_COUNT,
};

struct distrust {                  /* distrust.c: the broker is not believed */
    char text[AGENT_ALARM_BYTES];  /* why; empty: it is believed */
    char later[AGENT_ALARM_BYTES]; /* it lasts: and what the newest greeting was answered */
    enum distrust_kind kind;
    enum agent_slot slot;                     /* whose reply it was */
    char told[SLOT_COUNT][AGENT_ALARM_BYTES]; /* until a good reply of that slot */
    uint64_t until_ms;                        /* machine time: then it is asked again */
    uint64_t since_ms;                        /* wall time */
    char row[32];                             /* of the store, once it lasts; empty: it does not */
    bool fits; /* it lasts, and the log has extended again what this agent knows */
    char evidence[LIE_PATH_BYTES]; /* the file of this one; empty: none was kept */
};

struct agent {
    struct agent_setup setup;
    struct witnessing witnessing;
    struct caught caught;
    struct fetching fetching;
    struct rungs rungs;
    struct links links;
    struct comparing comparing;
    struct cosigned cosigned;
    struct following_registry registry;
    struct following following;
    struct trial trial;
    struct counting counting;
    struct eras eras;
    struct asking askings[SLOT_COUNT];
    bool connected;
    bool greeted;          /* the session is of this run of the broker */
    bool welcomed;         /* in the transaction under way: a greeting that is believed */
    uint64_t unreached_ms; /* wall time since when nothing came from the broker; 0: something */
    uint64_t unreached_tell_ms; /* machine time at which that is said again */
    uint32_t unreached_told;    /* how often it was */
    int32_t keys_told;          /* the civil day on which the log last told which keys end */
    bool told_connected;        /* those who watch were told that the broker answers */
    uint8_t session[SESSION_BYTES];
    uint64_t counter;
    uint32_t session_refusals; /* since a request was last answered */
    enum agent_slot answering; /* whose reply is being taken */
    enum agent_slot alone; /* what crossed and is asked again before all else; SLOT_COUNT: none */
    struct checkpoint checkpoint; /* the newest that we believe; size 0: none */
    uint64_t witnessed_size;
    uint8_t ping[PING_BYTES]; /* the broker's question that waits for its answer */
    bool pinged;              /* one does */
    uint64_t witness_at_ms;   /* machine time of the next witness at the earliest */
    struct distrust distrust;
    bool receipts_wait; /* delivery receipts may be waiting: look before fetching */
    bool submits_wait;
    struct position plain[LIMIT_FETCH_COUNT]; /* notices fetched, to be acknowledged */
    size_t plain_count;
    uint64_t *deferred_ms;     /* owned, by place in the registry: its queue is full till then */
    struct decision *decision; /* owned, as the two copies; scratch, too large for the stack */
    struct copy *copy;         /* what a message is about */
    struct copy *other;        /* one of a walk */
    struct buf events;         /* owned: lines to tell after the commit */
    struct buf changes;        /* owned: case keys, likewise */
    uint64_t client;           /* of the socket, whose line is being answered */
    enum err failure;
    /* what replies said */
    uint64_t broker_ms;
    bool clock_held;
    bool registry_matches;
    struct notifier *notifier; /* owned; NULL: nobody is told */
    struct carry carry;
    struct adding *addings[AGENT_ADDINGS]; /* owned */
    uint64_t addings_used;
    uint64_t sweep_at_ms; /* machine time */
};

static inline uint64_t agent_wall_ms(const struct agent *agent)
{
    return agent->setup.ops->wall_ms(agent->setup.ctx);
}

static inline uint64_t agent_machine_ms(const struct agent *agent)
{
    return agent->setup.ops->machine_ms(agent->setup.ctx);
}

/* As long as the broker says, a second where it says nothing, ten minutes at the most. */
static inline uint64_t agent_retry_ms(uint32_t retry_after_ms)
{
    uint64_t wait_ms = retry_after_ms > 0 ? retry_after_ms : 1000u;

    return wait_ms < AGENT_RETRY_MAX_MS ? wait_ms : AGENT_RETRY_MAX_MS;
}

/* The alarm as it is told: the broker's, else that of an attachment; empty. */
static inline const char *agent_alarm_text(const struct agent *agent)
{
    return agent->distrust.text[0] != '\0' ? agent->distrust.text : agent->carry.alarm;
}

/* --- agent.c --- */

/* Starts whatever may be started now and asks for the next wake-up. */
void agent_pump(struct agent *agent);
/* Notes a failure of the environment: of the store for good, of the rest till later. */
void agent_trouble(struct agent *agent, enum agent_slot slot, enum err error);
struct uuid agent_new_id(struct agent *agent);

/* --- distrust.c --- */

/* The broker is not believed any more: nothing is asked for a while, and where the kind lasts
 * nothing but greetings until an administrator clears it. Whoever finds it in the middle of a
 * transaction answers ERR_FORGED, so that nothing of that is kept. */
void agent_alarm(struct agent *agent, enum distrust_kind kind, const char *fmt, ...) FORMAT(3, 4);
/* Once for each alarm: the log, those who watch, officers, and the store where it lasts. */
void distrust_tell(struct agent *agent);
/* What lasted when the store was left. */
enum err distrust_load(struct agent *agent) MUST_CHECK;
static inline bool distrust_lasts(const struct agent *agent)
{
    return agent->distrust.row[0] != '\0';
}
/* A greeting's reply fits what is known; true: it is believed, once that is kept. `recovered`: by a
 * new log. */
enum err distrust_greeted(struct agent *agent, struct store_txn *txn, bool recovered,
                          bool *ret_believed) MUST_CHECK;
void distrust_greeted_kept(struct agent *agent);
void distrust_write(const struct agent *agent, struct json_writer *out); /* of `status` */
enum err distrust_answer(struct agent *agent, const struct json_value *request,
                         struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err distrust_answer_clear(struct agent *agent, const struct json_value *request,
                               struct json_writer *out, struct fault *fault) MUST_CHECK;

/* --- session.c --- */

struct opened { /* a reply that may be used */
    struct reply reply;
    struct checkpoint checkpoint; /* what it says of the log: an extension of what we knew */
    bool newer;                   /* than what we keep */
};

/* Builds, signs and sends. The asking is busy after OK. */
enum err session_ask(struct agent *agent, enum agent_slot slot, struct request_head *head,
                     const struct span *payloads) MUST_CHECK;
void session_greet(struct agent *agent);
/* The newest checkpoint that is kept, as it was signed; empty: none. Appends. */
enum err session_note(struct agent *agent, struct buf *out) MUST_CHECK;
/* In SLOT_SESSION; a failure is noted. */
void session_ask_or_wait(struct agent *agent, struct request_head *head);
/* A reply to a FETCH asks for a sign of life; zeros: it does not. */
void session_pinged(struct agent *agent, const uint8_t word[PING_BYTES]);
void session_pong(struct agent *agent);
/* Verifies a reply and what it says of the log. False: it is of no use; what follows is arranged.
 */
bool session_open(struct agent *agent, enum agent_slot slot, struct span bytes,
                  struct region *region, struct opened *ret_opened);
enum err session_replied(struct agent *agent, struct store_txn *txn, const struct opened *opened,
                         struct region *region) MUST_CHECK;
/* Writes the newer checkpoint; it is ours with session_kept, after the commit. */
enum err session_keep(struct store_txn *txn, const struct opened *opened) MUST_CHECK;
void session_kept(struct agent *agent, const struct opened *opened);
void session_not_kept(struct agent *agent); /* the transaction was given up */
enum err session_load(struct agent *agent, struct fault *fault) MUST_CHECK;

/* --- witness.c: what the other agencies countersigned --- */

/* When this agent countersigns next: machine time; UINT64_MAX: the log did not grow. */
uint64_t witness_next_ms(const struct agent *agent);
void witness_ask(struct agent *agent); /* in SLOT_SESSION */
/* Each countersignature must be of the log that this agent knows, or the broker is caught. */
enum err witness_replied(struct agent *agent, const struct opened *opened) MUST_CHECK;
/* For a day no quorum confirmed what was countersigned here. */
bool witness_is_late(const struct agent *agent);
/* Once a day, where no quorum confirmed for a day what was countersigned here. */
void witness_tell(struct agent *agent);
void witness_forget(struct agent *agent); /* another log is followed */

/* --- lie.c: what the broker is caught with is kept for others to judge --- */

/* After a reply was distrusted: the signed reply, what was asked, what was known before. */
/* What is asked, for that case. */
void lie_remember(struct asking *asking, struct span head);
void lie_keep(struct agent *agent, enum agent_slot slot, struct span reply);

/* --- registry.c: the signed registry, and its newer versions --- */

/* Takes the version that is kept in the store into agent->setup, where it is newer than what the
 * files had. The fault says what is wrong with it. */
enum err registry_start(struct agent *agent, struct fault *fault) MUST_CHECK;
void registry_end(struct agent *agent); /* frees */
/* The broker's reply named this version. */
void registry_told(struct agent *agent, const struct reply_head *head);
/* Is there a newer one to be asked for? */
bool registry_waits(const struct agent *agent, uint64_t now_ms);
void registry_ask(struct agent *agent); /* in SLOT_SESSION */
/* Keeps what it verified with the transaction; one that is refused is told, and changes nothing.
 * One that the office signed and the broker's log does not have is an alarm. */
enum err registry_replied(struct agent *agent, struct store_txn *txn, const struct opened *opened,
                          struct region *region) MUST_CHECK;
/* --- registry_versions.c: those that this agent worked by, for evidence --- */

struct registry_version { /* borrowed from the transaction */
    uint64_t number;
    struct span document;
    struct span receipt; /* of its leaf; empty: it was not proved yet */
};
/* The version in force is kept, and whether it was proved is known. */
enum err registry_versions_start(struct agent *agent) MUST_CHECK;
enum err registry_version_keep(struct store_txn *txn,
                               const struct registry_document *document) MUST_CHECK;
/* And what proves it, which was verified. */
enum err registry_version_prove(struct store_txn *txn, const struct registry_document *document,
                                const struct reply_head *head) MUST_CHECK;
/* The next one behind `after` (0: the first). ERR_NOT_FOUND: there is none. */
enum err registry_version_next(struct store_txn *read, uint64_t after,
                               struct registry_version *ret_version) MUST_CHECK;

/* --- registry.c --- */

/* Was this key of the sender revoked at that place in the log, or before? */
bool registry_revoked(const struct agent *agent, const char *sender, struct key_id key,
                      uint64_t leaf);
/* After the commit the fresh version is in force; after an abort it is forgotten. */
void registry_kept(struct agent *agent, bool committed);

/* --- recovery.c: a broker that was restored from an old copy goes on under another origin --- */

/* Reads which log is followed. ERR_INVALID with a fault. */
enum err recovery_load(struct agent *agent, struct fault *fault) MUST_CHECK;
/* What the next request names as the broker, and what of the log it knows. */
const char *recovery_origin_asked(const struct agent *agent);
/* The broker says that its log goes on elsewhere: it is tried, or distrusted. */
void recovery_told(struct agent *agent, const struct reply_head *head);
/* The log under trial does not extend what was tried: the next older is. False: there is none. */
bool recovery_try_next(struct agent *agent);
/* It does: it is followed from now on. In the transaction of the reply. */
enum err recovery_accept(struct agent *agent, struct store_txn *txn, const struct reply_head *head,
                         struct region *region) MUST_CHECK;
void recovery_kept(struct agent *agent); /* and is durable */
void recovery_free(struct agent *agent);
/* Is that a checkpoint of the log that is followed? */
bool recovery_has(const struct agent *agent, const struct checkpoint *seen);
/* Where a record stands among all that was recorded; the time that counts. */
uint64_t recovery_order(const struct agent *agent, const struct leaf_record *record,
                        uint64_t leaf_index);
uint64_t recovery_counts_ms(const struct leaf_record *record);
/* Kept by the broker, but not applied. */
bool recovery_left_out(const struct leaf_record *record);

/* --- hand_back.c: what the new log lacks --- */

void hand_back_send(struct agent *agent);
enum err hand_back_replied(struct agent *agent, struct store_txn *txn,
                           const struct opened *opened) MUST_CHECK;
/* Rows that the new log has not shown yet. */
enum err hand_back_count(struct store_txn *txn, uint64_t *ret_count) MUST_CHECK;

/* --- outbox.c --- */

/* Sends what waits for that slot; nothing happens when nothing does. */
void outbox_send(struct agent *agent, enum agent_slot slot);
/* The receipts of a SUBMIT or an ACK. */
enum err submit_replied(struct agent *agent, struct store_txn *txn, const struct opened *opened,
                        struct region *region) MUST_CHECK;
enum err ack_replied(struct agent *agent, struct store_txn *txn, const struct opened *opened,
                     struct region *region) MUST_CHECK;

/* --- inbox.c --- */

void inbox_fetch(struct agent *agent);
/* The new log says what came last in this stream: that must be what we have there. */
enum err inbox_reset_stream(struct agent *agent, struct store_txn *txn,
                            const struct stream_base *base) MUST_CHECK;
enum err inbox_replied(struct agent *agent, struct store_txn *txn, const struct opened *opened,
                       struct region *region) MUST_CHECK;

/* --- rungs.c: does the broker raise what is due, and only that? --- */

enum err rungs_load(struct agent *agent) MUST_CHECK;
/* The next instant after `after_ms` at which a rung falls due that this agency must be told of;
 * 0: there is none. What was raised is not counted. */
uint64_t rungs_next_ms(const struct agent *agent, const struct referral *referral,
                       uint64_t after_ms);
/* A notice of the broker is about to be followed: was it raised before its time? */
enum err rungs_arrived(struct agent *agent, struct store_txn *txn, const struct message *notice,
                       const struct leaf_record *record) MUST_CHECK;
/* All of the reply is taken: is anything missing? */
enum err rungs_fetched(struct agent *agent, struct store_txn *txn,
                       const struct reply_head *head) MUST_CHECK;
/* How long the next FETCH may wait. */
uint32_t rungs_fetch_wait_ms(struct agent *agent);
void rungs_heard(struct agent *agent); /* a reply said whether the broker's clock is held */
/* What the alarm is of. */
enum rungs_alarm { RUNGS_FINE, RUNGS_EARLY, RUNGS_MISSING };
enum rungs_alarm rungs_alarm(const struct agent *agent);

/* --- attachments.c (attachments.h), attachment_commands.c --- */

void attachments_free(struct agent *agent);
/* attachments_sweep.c: removes what nobody sent in time, a few at once, and says by `sweep_at_ms`
 * when to look again; at the start also files that no row knows. */
void attachments_sweep(struct agent *agent);
enum err attachments_start(struct agent *agent) MUST_CHECK;
enum err answer_attach(struct agent *agent, const struct json_value *request,
                       struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err answer_attach_data(struct agent *agent, const struct json_value *request,
                            struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err answer_attachments(struct agent *agent, const struct json_value *request,
                            struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err answer_attachment(struct agent *agent, const struct json_value *request,
                           struct json_writer *out, struct fault *fault) MUST_CHECK;

/* --- carry.c: attachments on their way --- */

struct making;
/* What opens the files that are there, into the body; their sizes into the facts. */
enum err carry_fill(struct making *making) MUST_CHECK;
enum err carry_link(struct store_txn *txn, uint64_t seq, const struct message *message) MUST_CHECK;
/* Must this row wait for an attachment of its message? Then that one is uploaded. */
enum err carry_holds(struct agent *agent, struct store_txn *read, uint64_t seq,
                     bool *ret_holds) MUST_CHECK;
/* The attachments of a message that came are on their way from now on. */
enum err carry_expect(struct agent *agent, struct store_txn *txn, uint64_t seq,
                      const struct message *message, const struct body *body) MUST_CHECK;
void carry_start(struct agent *agent);
enum err carry_replied(struct agent *agent, struct store_txn *txn, const struct opened *opened,
                       struct region *region) MUST_CHECK;
void carry_refused(struct agent *agent, enum refusal code);

/* --- copies.c: this agency's copy of each referral and matter --- */

struct copy_lookup { /* what the rules ask beside the copy itself; all zero: nothing */
    struct case_facts whole_case;
    struct referral about; /* what the facts name */
    bool about_known, about_sent_on;
};
struct copy_input {
    const struct message *message;
    uint16_t signer;                  /* agency number; 0: the broker */
    uint64_t at_ms;                   /* broker time */
    uint64_t order;                   /* of its row */
    bool received;                    /* from the broker, */
    uint32_t lane;                    /* in this lane */
    bool sending;                     /* it is judged before it is sent */
    const struct copy_lookup *lookup; /* or NULL */
};
/* The packed copy of a referral or matter. ERR_CORRUPT, ERR_VERSION. */
enum err copy_unpack(struct span packed, struct copy *ret_copy) MUST_CHECK;
/* ERR_NOT_FOUND is none: OK, and not known. */
enum err copy_load(struct store_txn *txn, const struct case_key *key,
                   struct copy *ret_copy) MUST_CHECK;
/* Follows a recorded message, whose row is written: in the order of the log, whatever came first.
 * What does not fit changes nothing. */
enum err copy_follow(struct agent *agent, struct store_txn *txn,
                     const struct copy_input *input) MUST_CHECK;
/* The copy as it will be once everything that waits here is recorded; `known` false: none. */
enum err copy_expected(struct agent *agent, struct store_txn *txn, const struct case_key *key,
                       struct copy *ret_copy) MUST_CHECK;
/* Would the broker take this message now? The decision is agent->decision. */
void copy_judge(struct agent *agent, const struct copy *before, const struct copy_input *input);

/* As the broker counts it since it uses the calendar that is here now, too. */
enum err copy_recount(struct agent *agent, struct store_txn *txn, const struct case_key *key,
                      struct span packed) MUST_CHECK;

/* --- eras.c: by which calendar the broker counted what it recorded --- */

/* Keeps what is in use now, if it is not kept; at the start, and before another takes its place. */
enum err eras_keep_calendar(struct agent *agent, const struct calendar *calendar) MUST_CHECK;
enum err eras_load(struct agent *agent) MUST_CHECK;
void eras_free(struct agent *agent);
/* A calendar came: it may be one that the broker named. */
enum err eras_look(struct agent *agent) MUST_CHECK;
/* The broker named its calendar, in an answer with a checkpoint of that size. News: it is another
 * than before. In memory at once; eras_kept or eras_not_kept says what became of it. */
enum err eras_told(struct agent *agent, struct store_txn *txn,
                   const struct calendar_in_force *calendar, uint64_t log_size,
                   bool *ret_news) MUST_CHECK;
void eras_kept(struct agent *agent);
void eras_not_kept(struct agent *agent);
const struct era *eras_newest(const struct agent *agent); /* NULL: none was named yet */
/* The first behind `after` and up to `until` with which a new log took another calendar than the
 * one before had, and which is here; NULL: none. */
const struct era *eras_next_of_log(const struct agent *agent, uint64_t after, uint64_t until);
/* The one of this place in the log (recovery_order); 0: of what is recorded next. */
const struct calendar *eras_calendar(const struct agent *agent, uint64_t order);

/* --- counting.c: by which calendar the copies count --- */

enum err counting_load(struct agent *agent) MUST_CHECK;
/* An answer named the broker's calendar. */
enum err counting_told(struct agent *agent, struct store_txn *txn,
                       const struct calendar_in_force *calendar, uint64_t log_size) MUST_CHECK;
/* Where the first era begins that a copy may not have been counted by; UINT64_MAX: there is none.
 */
uint64_t counting_from(const struct agent *agent);
enum counting_state counting_state(const struct agent *agent);
/* Are there copies to be counted anew? */
bool counting_waits(const struct agent *agent);
void counting_step(struct agent *agent); /* some of them */

/* --- clocks.c: which copies have a clock that ends when --- */

struct clock_end {
    uint64_t due_before_ms; /* the earliest of its holder's in this copy */
    struct case_key key;    /* of the copy */
};
/* The copy is about to be written: its entries take the place of those of the one before. */
enum err clocks_follow(struct agent *agent, struct store_txn *txn, const struct case_key *key,
                       const struct copy *copy) MUST_CHECK;
/* The copies with open clocks of this holder, the earliest end first; `after` NULL: from the first.
 * ERR_NOT_FOUND at the end. */
enum err clocks_next(struct store_txn *txn, uint16_t holder, const struct clock_end *after,
                     struct clock_end *ret_end) MUST_CHECK;
/* The same of rungs that this agency must be told of (rungs_next_ms), with that instant; an entry
 * may be of before the copy, or the rules, changed: whoever looks counts again and moves it. */
enum err clocks_next_rung(struct store_txn *txn, struct clock_end *ret_end) MUST_CHECK;
enum err clocks_move_rung(struct store_txn *txn, const struct clock_end *end,
                          uint64_t next_ms) MUST_CHECK; /* 0: it is removed */
/* At the start: where a store has copies and no entries, they are made. */
enum err clocks_load(struct agent *agent) MUST_CHECK;

/* --- lookup.c: what this agency itself knows of a case --- */

/* The case as it will be once everything that waits here is recorded. */
enum err lookup_case(struct agent *agent, struct store_txn *txn, const struct uuid *case_id,
                     struct case_facts *ret_facts) MUST_CHECK;
/* For the judgement of a message that opens something: the whole case, and what its facts name. */
enum err lookup_expected(struct agent *agent, struct store_txn *txn, const struct message *message,
                         struct copy_lookup *ret_lookup) MUST_CHECK;
/* For a copy that follows what the broker took: only what no message says and every copy must know
 * to count alike. */
enum err lookup_recorded(struct agent *agent, struct store_txn *txn, const struct message *message,
                         struct copy_lookup *ret_lookup) MUST_CHECK;

/* --- compose.c --- */

struct composing { /* what `send` was asked for, and what came of it */
    struct json_value message;
    const char *kind;     /* the command's word, or NULL */
    const char *referral; /* the command's word, or NULL */
    struct row *rows;     /* the region's: the messages made */
    size_t row_count;
    struct region *region;
    struct buf warnings; /* owned: texts, each with its NUL */
};
/* --- commands.c --- */

struct sending { /* a message to be sent */
    struct json_value message;
    const char *kind, *referral; /* the command's words, or NULL */
    /* Writes more in the same transaction, once the messages are made; or NULL. */
    enum err (*also)(void *ctx, struct store_txn *txn, const struct composing *composing);
    void *ctx;
};
/* Durable when OK, and on its way; writes `messages` and `warnings` into an open object.
 * ERR_INVALID, ERR_REFUSED and ERR_FULL with a fault: nothing is changed. */
enum err agent_send(struct agent *agent, const struct sending *sending, struct json_writer *out,
                    struct fault *fault) MUST_CHECK;

/* In a write transaction of the caller's. ERR_INVALID and ERR_REFUSED with a fault. */
enum err compose(struct agent *agent, struct store_txn *txn, struct composing *composing,
                 struct fault *fault) MUST_CHECK;
/* Encoded Payload of a message whose body, if any, is sealed to all who get it and the sender. */
enum err compose_payload(struct agent *agent, const struct message *message,
                         const struct body *body, struct buf *out, struct fault *fault) MUST_CHECK;

/* --- show.c --- */

struct row_extra { /* what a notice of the broker adds to its row */
    char rung[24];
    char document_number[LIMIT_NUMBER_BYTES];
    uint32_t due_date;
    bool late;
};
void show_row_members(struct json_writer *writer, const struct row *row,
                      const struct row_extra *extra);
void show_extra_of(const struct message *message, struct row_extra *ret_extra);
/* The message of a row: of a received one the payload lies in an envelope. */
enum err show_open_row(struct store_txn *txn, const struct row *row, struct region *region,
                       struct payload *ret_payload, struct message *ret_message) MUST_CHECK;
/* Each writes members into an open object, or refuses. */
enum err show_rows(struct agent *agent, const struct json_value *request,
                   enum row_direction direction, struct json_writer *out,
                   struct fault *fault) MUST_CHECK;
enum err show_anything(struct agent *agent, const struct json_value *request,
                       struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err show_late(struct agent *agent, const struct json_value *request, struct json_writer *out,
                   struct fault *fault) MUST_CHECK;
/* A copy that the broker has not taken yet: nothing runs. */
void show_as_submitted(struct copy *copy);
/* A number or id of a referral, matter or case. ERR_NOT_FOUND with a fault at `place`. */
/* Opens the body of what show_open_row gave: by what was kept with it, else by the agency's sealing
 * keys. Faults as body_open; ERR_NOT_FOUND also where the case was erased. */
struct kept_body { /* borrowed */
    struct store_txn *txn;
    const struct row *row;
    const struct payload *payload;
};
enum err show_open_body(const struct agent *agent, const struct kept_body *kept,
                        struct region *region, struct body *ret_body) MUST_CHECK;
enum err show_find(struct store_txn *txn, const char *text, const char *place,
                   struct case_key *ret_key, struct fault *fault) MUST_CHECK;

/* --- agenda.c: of the next joint meeting, in the office's agent --- */

/* A notice of the broker puts something on it, or takes it off. */
enum err agenda_follow(struct agent *agent, struct store_txn *txn,
                       const struct message *notice) MUST_CHECK;
/* What stands on it; the rows are the region's. */
enum err agenda_fill(struct store_txn *txn, struct region *region,
                     struct meeting_facts *facts) MUST_CHECK;

/* Adds an event line about a row, told by events_tell after the commit. */
void events_add(struct agent *agent, const char *name, const struct row *row,
                const struct row_extra *extra);
void events_tell(struct agent *agent);
/* What is known of this referral or matter changes with the commit; told with the events. */
void changes_add(struct agent *agent, const struct case_key *key);
/* The transaction was given up: nothing happened. */
void events_forget(struct agent *agent);

/* --- backup.c --- */

enum err backup_answer(struct agent *agent, const struct json_value *request,
                       struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err backup_answer_show(struct agent *agent, const struct json_value *request,
                            struct json_writer *out, struct fault *fault) MUST_CHECK;

/* --- evidence.c --- */
enum err answer_evidence(struct agent *agent, const struct json_value *request,
                         struct json_writer *out, struct fault *fault) MUST_CHECK;

enum err answer_evidence_links(struct agent *agent, const struct json_value *request,
                               struct json_writer *out, struct fault *fault) MUST_CHECK;
/* The row behind `after` of a referral or matter, or of all of a case. ERR_NOT_FOUND at the end. */
enum err evidence_next_row(struct store_txn *read, const struct case_key *key, uint64_t after,
                           struct row *ret_row) MUST_CHECK;

/* --- links.c --- */

/* Collects the heads of what is exported, in place of those before. */
enum err links_begin(struct agent *agent, struct store_txn *read,
                     const struct case_key *key) MUST_CHECK;
bool links_wait(const struct agent *agent);
void links_ask(struct agent *agent); /* in SLOT_SESSION */
/* A verified reply to that. */
void links_take(struct agent *agent, const struct reply_head *head,
                const struct checkpoint *checkpoint);
void links_free(struct agent *agent);
/* Keeps what a verified answer to WITNESS shows of the others, in place of what was kept. Without
 * memory nothing is. `count` and `each` are the cosignatures that count. */
void cosigned_take(struct agent *agent, const struct opened *opened,
                   const struct cosignature *const *each, size_t count);
void cosigned_free(struct agent *agent);

/* --- comparing.c --- */

bool comparing_waits(const struct agent *agent);
void comparing_ask(struct agent *agent); /* in SLOT_SESSION */
/* A verified reply to that. */
void comparing_take(struct agent *agent, const struct reply_head *head,
                    const struct checkpoint *checkpoint);
/* A checkpoint that is proven for this agent and cannot be of one log with the other's. */
bool comparing_forks(const struct agent *agent, const struct checkpoint *checkpoint);
enum err comparing_answer(struct agent *agent, const struct json_value *request,
                          struct json_writer *out, struct fault *fault) MUST_CHECK;
enum err comparing_answer_own(struct agent *agent, const struct json_value *request,
                              struct json_writer *out, struct fault *fault) MUST_CHECK;

/* --- figures.c --- */
enum err figures_answer(struct agent *agent, const struct json_value *request,
                        struct json_writer *out, struct fault *fault) MUST_CHECK;

#endif
