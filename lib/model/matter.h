/* A matter (事项): what the agencies owe each other beside the life of one referral (domain
 * sections 3 and 10): an information request, an archived case with its follow-up visits, a
 * consultation, a case conference with its promises, a meeting, a hearing, a roster, supervised
 * money, a letter to an associate. Each has an owner, members, and duties; each duty is a clock of
 * its own.
 *
 * The only writer is model/decide_matter; the store keeps the packed form beside the referrals of
 * its case (the first byte tells them apart), agents keep a copy. Holds no personal data. A plain
 * value of some 50 KiB: two do not fit a stack frame of ours; any thread, nothing durable by
 * itself. */
#ifndef REFERRAL_MODEL_MATTER_H
#define REFERRAL_MODEL_MATTER_H

#include "model/referral.h"

enum matter_kind { /* stored: never renumbered */
                   MATTER_NONE = 0,
                   MATTER_INFORMATION = 1,  /* owner: who asks; one member answers */
                   MATTER_ARCHIVE = 2,      /* owner: P; the case is archived while it is open */
                   MATTER_CONSULTATION = 3, /* no duty; members answer by consultations */
                   MATTER_CONFERENCE = 4,   /* duties: promises */
                   MATTER_MEETING = 5,      /* owner: the office; duties: attendance */
                   MATTER_HEARING = 6,      /* owner: P; duties: attendance, then promises */
                   MATTER_ROSTER = 7,       /* of one change, or of one edition */
                   MATTER_FUND = 8,         /* owner: P; duties: payments */
                   MATTER_LETTER = 9,       /* owner: the sponsoring member; one duty of its own */
                   MATTER_KIND_COUNT
};

enum matter_state { /* stored */
                    MATTER_OPEN = 1,
                    MATTER_CLOSED = 2,    /* by rule: every duty is done */
                    MATTER_CANCELLED = 3, /* re-opened case, withdrawn referral */
};

struct matter_member {
    uint16_t agency;
    bool delivered;   /* its system has the matter's first message */
    uint32_t answers; /* VOCABULARY_ATTENDS; 0: none yet */
};

struct duty {
    uint32_t number; /* from 1 in its matter; also window.number */
    enum duty_kind kind;
    uint16_t holder;     /* the agency that must act */
    uint16_t waiting;    /* the agency that waits for it; the holder itself: nobody */
    uint32_t code;       /* PROMISE: VOCABULARY_PROMISE */
    uint64_t amount_fen; /* PAYMENT */
    bool cancelled;      /* stopped without being done: re-opened, replaced, withdrawn */
    struct window window;
};

/* Each duty may climb its whole ladder: due-1 ... due-3.20 or undelivered-1 ... 2.20. */
#define DUTY_DOCUMENTS_MAX   23u
#define MATTER_DOCUMENTS_MAX (LIMIT_DUTIES * DUTY_DOCUMENTS_MAX)
#define MATTER_PACKED_MAX    45056u

struct matter_document { /* a numbered document (督办单) whose cause is not gone; small: many */
    uint32_t counter;
    uint16_t year;
    uint16_t duty;  /* its number */
    uint8_t rung;   /* of enum rung */
    uint8_t answer; /* VOCABULARY_ESCALATION_ANSWER of the one asked; 0: none yet */
};

struct matter {
    struct uuid case_id; /* of its case, or its own random one */
    struct uuid matter_id;
    struct uuid about;                    /* a referral; zero: none */
    struct uuid message_id;               /* that opened it */
    char case_number[LIMIT_NUMBER_BYTES]; /* empty: of no case */
    char number[LIMIT_NUMBER_BYTES];      /* "JZ-SX-2026-0007" */
    enum matter_kind kind;
    enum matter_state state;
    uint16_t owner;
    uint8_t lane; /* of the referral or case that it is about; else the rest */
    bool minor;
    uint64_t opened_ms, closed_ms;               /* broker time */
    struct matter_member members[LIMIT_MEMBERS]; /* without the owner */
    uint32_t member_count;
    struct duty duties[LIMIT_DUTIES]; /* by number; done ones stay with their windows stopped, */
                                      /* the oldest of them until there is no more room */
    uint32_t duty_count;
    struct matter_document documents[MATTER_DOCUMENTS_MAX];
    uint32_t document_count;
    uint32_t reports;     /* ARCHIVE: follow-ups reported */
    uint32_t hardship;    /* ARCHIVE: of the last report */
    uint32_t risk;        /* ARCHIVE: of the last report */
    uint64_t fund_fen;    /* FUND: the whole */
    uint64_t paid_fen;    /* FUND */
    uint64_t balance_fen; /* FUND: as last reported */
    uint64_t last_leaf;   /* or REFERRAL_NO_LEAF; kept by the broker */
    uint64_t next_due_ms; /* the earliest rung; 0: none */
};

const char *matter_kind_name(enum matter_kind kind); /* "information" ... */
const char *matter_state_name(enum matter_state state);
bool matter_duty_open(const struct duty *duty);
/* NULL: there is no such duty. */
const struct duty *matter_duty(const struct matter *matter, uint32_t number);
bool matter_is_member(const struct matter *matter, uint16_t agency); /* or its owner */
/* Open duties that keep the case from being archived: all but follow-ups and payments. */
uint32_t matter_clocks(const struct matter *matter);

/* The earliest rung of all open duties that was not raised; false when there is none. */
struct matter_rung {
    uint32_t duty; /* index in duties */
    enum rung rung;
    uint64_t due_ms;
};
bool matter_next_rung(const struct matter *matter, const struct ladder *ladder,
                      const struct calendar *calendar, struct matter_rung *ret_next);

/* Big-endian, versioned; the first byte is never that of a packed referral. */
size_t matter_pack(const struct matter *matter, uint8_t out[MATTER_PACKED_MAX]);
bool matter_is_packed(struct span packed); /* or is it a referral? */
/* ERR_VERSION, ERR_CORRUPT as referral_unpack. */
enum err matter_unpack(struct span packed, struct matter *ret_matter) MUST_CHECK;

#endif
