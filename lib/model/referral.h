/* A referral: everything that the broker keeps of one transfer of a case to one agency, its states
 * and which event is possible in which (domain sections 4 and 5).
 *
 * The only writer is model/decide; the store keeps the packed form, agents keep a copy of their
 * own. Holds no personal data. A plain value: copied freely, any thread, nothing durable by itself.
 */
#ifndef REFERRAL_MODEL_REFERRAL_H
#define REFERRAL_MODEL_REFERRAL_H

#include "model/message.h"
#include "model/refusal.h"
#include "model/window.h"

enum referral_state { /* stored: never renumbered */
                      REFERRAL_SUBMITTED =
                          0, /* nothing was decided yet; no referral is stored so */
                      REFERRAL_QUEUED = 1,
                      REFERRAL_DELIVERED = 2, /* window k is open */
                      REFERRAL_PROCEDURE = 3, /* procedure-required: papers are awaited */
                      REFERRAL_ANSWERED = 4,  /* final */
                      REFERRAL_WITHDRAWN = 5,
                      REFERRAL_RETURNED = 6, /* the body was malformed */
                      REFERRAL_STATE_COUNT
};

enum referral_event {
    EVENT_SUBMIT,             /* outbound or inbound referral */
    EVENT_DELIVERY,           /* the receiver has the referral */
    EVENT_REJECTION,          /* the receiver cannot read its body */
    EVENT_SIGN_FOR,           /* 签收 */
    EVENT_FEEDBACK_FINAL,     /* any outcome but procedure-required */
    EVENT_FEEDBACK_PROCEDURE, /* procedure-required */
    EVENT_INFORMED,           /* the applicant was told */
    EVENT_PAPERS_SENT,        /* by the one who referred: queued for the receiver */
    EVENT_PAPERS_REPORTED,    /* by the receiver itself: it has them */
    EVENT_PAPERS_DELIVERY,    /* the receiver has the papers */
    EVENT_PAPERS_REJECTION,   /* the receiver cannot read them */
    EVENT_WITHDRAWAL,         /* 撤回 */
    EVENT_ASSISTANCE,         /* what was approved, paid, delivered after the answer */
    EVENT_ESCALATION_REPLY,   /* 督办回复: to a document whose cause is not gone */
    EVENT_CORRECTION,         /* 更正: what was said stands, what is right stands beside it */
    EVENT_OTHER_DELIVERY,     /* receipt of any other message of the referral */
    EVENT_OTHER_REJECTION,    /* rejection of any other message of the referral */
    REFERRAL_EVENT_COUNT
};

/* What a state makes of an event. */
struct transition {
    bool legal;
    enum referral_state to; /* when legal; else the state it was in */
    enum refusal refusal;   /* when not */
};

/* One cell of the one table: the full product of states and events. */
struct transition referral_transition(enum referral_state state, enum referral_event event);
const char *referral_state_name(enum referral_state state); /* "queued" ... */
const char *referral_event_name(enum referral_event event); /* "submit" ... */

enum referral_mark { MARK_SIGNED = 1u << 0, MARK_INFORMED = 1u << 1, MARK_ASSISTED = 1u << 2 };

/* The clocks of one referral. The first three are enum referral_task. */
enum referral_clock {
    REFERRAL_CLOCK_FEEDBACK = 0, /* the window */
    REFERRAL_CLOCK_TELL = 1,
    REFERRAL_CLOCK_PAPERS = 2,
    REFERRAL_CLOCK_UNDELIVERED = 3, /* of the referral, later of the papers */
    REFERRAL_CLOCK_URGENT = 4,
    REFERRAL_CLOCK_UNSIGNED = 5,
    REFERRAL_CLOCK_COUNT
};

/* A numbered document (督办单) whose cause is not gone. */
struct referral_document {
    enum referral_clock clock;
    enum rung rung;
    uint32_t year;
    uint32_t counter;
    uint32_t answer; /* VOCABULARY_ESCALATION_ANSWER of the one asked; 0: none yet */
};

/* What was reported of one measure for one person at one stage (approved, paid, delivered). */
struct referral_help {
    uint32_t stage, measure, person_index;
    uint32_t newest;     /* the highest instalment; 0: the report named none */
    uint64_t seen;       /* bit k: instalment newest - k was reported */
    uint64_t amount_fen; /* of all of them */
};

/* Ten measures for two persons in three stages, and some: more is a register of its own. */
#define REFERRAL_HELPS_MAX 64u
/* Two full ladders of due-1 ... due-3.20 at the most, and the short ones. */
#define REFERRAL_DOCUMENTS_MAX 52u
#define REFERRAL_PACKED_MAX    2816u
#define REFERRAL_NO_LEAF       UINT64_MAX

struct referral {
    struct uuid case_id;
    struct uuid referral_id;
    struct uuid message_id; /* of the referral itself */
    struct uuid papers_id;  /* papers on their way to the receiver; zero: none */
    char case_number[LIMIT_NUMBER_BYTES];
    char number[LIMIT_NUMBER_BYTES];
    char register_number[LIMIT_NUMBER_BYTES]; /* empty before the sign-for */
    enum message_kind kind; /* MESSAGE_OUTBOUND_REFERRAL or MESSAGE_INBOUND_REFERRAL */
    uint16_t sender;        /* agency numbers: who referred, */
    uint16_t receiver;      /* and to whom */
    uint8_t lane;           /* for the whole life */
    bool life_danger, urgent, advance, minor, no_publicity;
    uint32_t ground;
    uint32_t minor_marks;
    uint64_t priority_groups;
    uint64_t needs;
    uint32_t person_count;
    uint32_t lead_channel; /* VOCABULARY_LEAD_CHANNEL; 0: not said */
    struct uuid previous;  /* the referral that it follows; zero: none */
    uint32_t link;         /* VOCABULARY_LINK: how it follows; 0 */
    uint32_t hops;         /* re-referrals on its trail, this one included */
    enum referral_state state;
    uint32_t marks;             /* of enum referral_mark */
    uint64_t submitted_ms;      /* broker time, all of these; 0: not yet */
    uint64_t delivered_ms;      /* of the referral */
    uint64_t agent_received_ms; /* the agent's own time, beside it */
    uint64_t signed_ms;
    uint64_t answered_ms;          /* the last feedback */
    uint64_t claimed_ms;           /* its claimed time, when that counted; else 0 */
    enum feedback_outcome outcome; /* of the last feedback */
    uint64_t granted;              /* measures of the answer: bits of VOCABULARY_MEASURE */
    uint64_t delivered;            /* measures reported as delivered, likewise */
    uint64_t assisted_ms;          /* the first of them */
    uint32_t procedure_count;      /* how often procedure-required was answered */
    uint32_t window_number;        /* of the newest window; 0: none yet */
    bool late;                     /* verdict of the last window that stopped */
    uint32_t lateness_days;
    uint32_t late_answers;            /* of all its windows: those that an answer stopped late */
    uint32_t raised[RUNG_STEP_COUNT]; /* rungs of all its windows so far; kept by the broker */
    uint16_t tell_holder;             /* agency that must tell the applicant; 0: nobody */
    uint16_t papers_holder;           /* agency that must bring the papers; 0: nobody */
    char calendar_version[CALENDAR_VERSION_BYTES];              /* that computed the newest date */
    struct window clocks[REFERRAL_CLOCK_COUNT];                 /* number 0: never opened */
    struct referral_document documents[REFERRAL_DOCUMENTS_MAX]; /* open ones, oldest first */
    uint32_t document_count;
    struct referral_help helps[REFERRAL_HELPS_MAX]; /* in the order of their first report */
    uint32_t help_count;
    uint64_t last_leaf;   /* index of its newest leaf, kept by the broker; or REFERRAL_NO_LEAF */
    uint64_t next_due_ms; /* the earliest instant at which a rung falls due; 0: none */
};

/* Is the clock running? */
bool referral_clock_open(const struct referral *referral, enum referral_clock clock);
/* The feedback window of that number begins: nothing is late in it, or claimed, yet. */
void referral_window_begin(struct referral *referral, uint32_t number);
/* The agency that must act for this clock, and the one that waits for it. */
uint16_t referral_responsible(const struct referral *referral, enum referral_clock clock);
uint16_t referral_waiting(const struct referral *referral, enum referral_clock clock);
enum clock_kind referral_clock_kind(const struct referral *referral, enum referral_clock clock);

/* The earliest rung of all open clocks that was not raised; false when there is none. */
struct referral_rung {
    enum referral_clock clock;
    enum rung rung;
    uint64_t due_ms;
};
bool referral_next_rung(const struct referral *referral, const struct ladder *ladder,
                        const struct calendar *calendar, struct referral_rung *ret_next);

/* Big-endian, versioned. Writes at most REFERRAL_PACKED_MAX bytes and answers how many. */
size_t referral_pack(const struct referral *referral, uint8_t out[REFERRAL_PACKED_MAX]);
/* ERR_VERSION for another version, ERR_CORRUPT for anything that referral_pack does not write. */
enum err referral_unpack(struct span packed, struct referral *ret_referral) MUST_CHECK;

#endif
