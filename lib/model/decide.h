/* The decision: what a message, the time, or a new calendar does to a referral.
 *
 * Pure functions from the state before, the input and `now` to the state after and a list of typed
 * effects. The broker writes each effect as a leaf or a row and decides nothing itself; agents run
 * the same functions on their own copy. A refusal changes nothing and has no effects. Any thread.
 *
 * The order of effects is the order of the leaves. RUNG_RAISED is followed by the NOTICEs of that
 * rung, RUNG_RESOLVED by its NOTICEs, WINDOW_OPENED and WINDOW_REDATED by theirs. */
#ifndef REFERRAL_MODEL_DECIDE_H
#define REFERRAL_MODEL_DECIDE_H

#include "model/check.h"
#include "model/matter.h"
#include "model/numbers.h"
#include "model/referral.h"

enum effect_kind {
    EFFECT_QUEUE,            /* the message itself, to `agency`, in `lane` */
    EFFECT_UNQUEUE,          /* the item that the receipt or rejection acknowledges */
    EFFECT_NUMBER,           /* `number` now belongs to this referral (or its case) */
    EFFECT_SIGNED,           /* register entry: `number` is the register number */
    EFFECT_WINDOW_OPENED,    /* `clock` is FEEDBACK; `window` as opened */
    EFFECT_WINDOW_STOPPED,   /* answered: outcome, late, lateness_days, claimed_ms */
    EFFECT_WINDOW_REDATED,   /* old_due_before_ms and `window`; any clock with a date */
    EFFECT_WINDOW_CANCELLED, /* by withdrawal; windows, tasks, duties */
    EFFECT_TASK_OPENED,   /* `clock` is TELL or PAPERS, or a duty's; `agency` holds it; a request */
                          /* that arrived: agent_received_ms */
    EFFECT_TASK_CLOSED,   /* done, or replaced by a newer one; a duty: late, lateness_days */
    EFFECT_RUNG_RAISED,   /* exactly once per clock, window number and rung */
    EFFECT_RUNG_RESOLVED, /* a raised document's cause is gone */
    EFFECT_NOTICE,        /* the broker's own message `notice` to `agency` */
    EFFECT_KIND_COUNT
};

struct effect {
    enum effect_kind kind;
    uint16_t agency;            /* QUEUE, NOTICE: to whom; windows, tasks, rungs: who must act */
    uint8_t lane;               /* QUEUE, NOTICE */
    enum message_kind notice;   /* NOTICE */
    uint32_t roles;             /* NOTICE: of enum notice_role */
    bool evidence;              /* NOTICE: carries the envelope of the message being decided */
    enum referral_clock clock;  /* which clock it is about; of a referral */
    enum duty_kind duty;        /* of a matter: the duty's kind, its number is window.number; 0 */
    enum rung rung;             /* rungs and their notices; RUNG_COUNT otherwise */
    struct window window;       /* that clock after the effect; number 0 where there is none */
    uint16_t responsible;       /* the agency that holds the clock */
    uint16_t waiting;           /* the agency that waits for it; the same: nobody */
    uint64_t fell_due_ms;       /* rungs: when it fell due, which may be long ago */
    uint64_t old_due_before_ms; /* re-dating */
    struct rung_set annotated;  /* re-dating: raised before it; they stay raised */
    enum feedback_outcome outcome;   /* STOPPED */
    bool late;                       /* STOPPED */
    uint32_t lateness_days;          /* STOPPED; 0 and late: less than one working day */
    uint64_t claimed_ms;             /* STOPPED: the signed time that counted; else 0 */
    uint64_t agent_received_ms;      /* OPENED by a receipt: the agent's own time; else 0 */
    char number[LIMIT_NUMBER_BYTES]; /* NUMBER, SIGNED; rungs and notices: the document's, or "" */
    char reason[32]; /* NOTICE: code of docs/messages.md: why a date moved, why it came back */
};

/* A matter's duties end all at once, each with its documents, of which three agencies are told; and
 * as many new ones begin. Memory that is not written costs nothing. */
#define DECISION_EFFECTS_MAX (LIMIT_DUTIES * (2u + 4u * DUTY_DOCUMENTS_MAX) + LIMIT_MEMBERS + 16u)
/* Rungs raised by one decide_due; what is left falls due at once again. */
#define DECISION_RUNGS_MAX 8u

struct decision {
    enum refusal refusal;            /* REFUSAL_NONE: taken */
    char detail[CHECK_DETAIL_BYTES]; /* of a refusal: field path and what was expected */
    bool of_matter;                  /* then `matter` is what is decided, else `after` */
    struct referral after;           /* as before when refused */
    struct matter matter;            /* likewise */
    struct number_counter documents; /* the broker's counter of documents after it */
    size_t effect_count;
    struct effect effects[DECISION_EFFECTS_MAX];
};

/* The queued item that a delivery receipt or rejection names, as the broker found it. */
struct decide_item {
    struct uuid message_id;
    struct uuid case_id; /* of the referral that it belongs to */
    struct uuid referral_id;
    uint16_t author; /* the agency that sent it; 0: the broker */
    uint64_t leaf_index;
    struct digest leaf_hash;
};

/* What is known of a whole case, as the broker looks it up. */
struct case_facts {
    bool known;                /* any referral or matter of it is there */
    bool archived;             /* an open MATTER_ARCHIVE is there */
    bool minor;                /* any of its referrals concerns a minor */
    bool answered;             /* any of its referrals has a final answer */
    uint32_t parts;            /* referrals and matters of it, ended ones counted */
    uint32_t clocks;           /* open clocks of its referrals, undelivered ones included, and of */
                               /* its matters those that matter_clocks counts */
    struct agency_set parties; /* of its referrals */
};
/* Counts in one of its referrals or matters; whoever walks the case begins with all zero. */
void case_facts_add_referral(struct case_facts *facts, const struct referral *referral);
void case_facts_add_matter(struct case_facts *facts, const struct matter *matter);
/* Is it the re-referral of `previous`, and was it not taken back? */
bool referral_sends_on(const struct referral *referral, const struct uuid *previous);

/* A numbered document that people hold from a log that was lost: when its rung is raised again, it
 * has this number. */
struct held_document {
    uint32_t task; /* as notices name the clock */
    uint32_t window;
    enum rung rung;
    struct number_counter number;
};

struct decide_context {
    const struct policy *policy; /* borrowed, all of these */
    const struct registry *registry;
    const struct calendar *calendar;  /* sealed */
    uint64_t now_ms;                  /* the turn's one now */
    bool clock_held;                  /* the clock waits for a confirmation: no rungs */
    uint64_t outage_from_ms;          /* last leaf before the start, 0: none */
    uint64_t outage_to_ms;            /* first leaf after it */
    struct number_counter documents;  /* the broker's, so far */
    const struct held_document *held; /* of this referral or matter; mostly none */
    size_t held_count;
    /* decide_message only */
    uint16_t signer;                /* agency number of the verified signature */
    bool sending;                   /* with `replica`: of what it is about to send, whose dates */
                                    /* must lie ahead */
    bool replica;                   /* an agent's own copy: what only the broker can look up */
                                    /* (the five below) is taken as right */
    const struct decide_item *item; /* DELIVERY, REJECTION: NULL when nothing is queued there */
    bool number_taken;              /* a number that it claims belongs to something else */
    bool case_known;                /* a referral of this case id is there already */
    bool referral_known;            /* a referral with this referral id but another case is there */
    size_t attachment_missing;      /* one more than the place of the first file whose bytes */
                                    /* the signer has not uploaded; 0: all are there */
    bool refers_to_foreign;         /* refers_to names no message of this referral */
    const struct case_facts *whole_case; /* of header.case_id; NULL: not looked up (agents) */
    const struct referral
        *about;              /* the referral that the facts name (`about`, `previous`); NULL: */
                             /* none is named, or it is not known */
    bool about_sent_on;      /* a re-referral of that one is there that was not taken back */
    uint32_t roster_edition; /* the newest edition of the roster; 0: none */
};

/* The numbers that a message claims, for the broker's look-up: the referral's and its case's, or
 * the register number; empty where there is none. */
struct claimed_numbers {
    const char *referral;    /* borrowed from the message; must map to this referral or nothing */
    const char *case_number; /* must map to this case or nothing */
    const char *register_number; /* must map to this referral or nothing */
};
struct claimed_numbers decide_claimed_numbers(const struct message *message);

/* `before` NULL: no such referral. Runs message_check first (without the body). */
void decide_message(const struct decide_context *ctx, const struct referral *before,
                    const struct message *message, struct decision *ret_decision);

/* A dead letter of this referral or matter that its receiver rejected before: its author is told
 * what becomes of it; nothing else changes. */
struct decide_letter {
    uint16_t author;
    uint32_t reason; /* of VOCABULARY_REJECTION */
};
void decide_letter(const struct decide_context *ctx, const struct referral *before,
                   const struct decide_letter *letter, struct decision *ret_decision);
void decide_matter_letter(const struct decide_context *ctx, const struct matter *before,
                          const struct decide_letter *letter, struct decision *ret_decision);

/* Raises what fell due at or before now, at most DECISION_RUNGS_MAX rungs, each once. Nothing
 * while decide_rungs_wait says so. */
void decide_due(const struct decide_context *ctx, const struct referral *before,
                struct decision *ret_decision);
/* Must rungs wait (clock held, or the grace after an outage)? `ret_until_ms` is the end of the
 * grace, or 0 when only a confirmation helps. */
bool decide_rungs_wait(const struct decide_context *ctx, uint64_t *ret_until_ms);

/* Applies ctx->calendar to the open clocks. */
void decide_redate(const struct decide_context *ctx, const struct referral *before,
                   struct decision *ret_decision);

/* An agent's copy follows a notice of the broker: delivery, return, re-dating, rung, resolved. A
 * notice that does not fit changes nothing. */
void decide_follow(const struct decide_context *ctx, const struct referral *before,
                   const struct message *notice, struct referral *ret_after);

/* The dates of a copy's open clocks as ctx->calendar has them, which the broker took at
 * ctx->now_ms: for what no notice says (window_recount). */
void decide_recount(const struct decide_context *ctx, struct referral *referral);

#define DECIDE_TRACE_MAX (TRACE_DAYS_MAX + 2)

/* The facts of a NOTICE effect; `trace` has room for DECIDE_TRACE_MAX and is borrowed by them, as
 * the calendar is. The evidence is left to the caller, who has the envelope. */
void decide_notice_facts(const struct decide_context *ctx, const struct effect *effect,
                         struct trace_day *trace, struct notice_facts *ret_facts);

#endif
