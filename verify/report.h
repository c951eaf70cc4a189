/* What a verification found, and how it is told: text for people, JSON for programs.
 *
 * A plain value without pointers: it travels through a pipe from the process that reads to the one
 * that prints. Any thread; nothing is durable. */
#ifndef REFERRAL_VERIFY_REPORT_H
#define REFERRAL_VERIFY_REPORT_H

#include "base/bytes.h"
#include "model/letter.h"

enum verdict { /* the exit status */
               VERDICT_PASS = 0,
               VERDICT_FAIL = 1,
               VERDICT_UNREADABLE = 4,
               VERDICT_INCOMPLETE = 5,
};

#define ORIGIN_BYTES 128 /* with the NUL */
#define NO_INDEX     UINT64_MAX

/* A paper letter whose code was given: is its message in the log? */
struct letter_report {
    bool asked;
    struct letter_code code;
    enum letter_verdict verdict;
    bool refused;      /* the broker recorded that it refused it */
    uint64_t index;    /* of the record; all of these unless LETTER_UNKNOWN */
    uint64_t at_ms;    /* broker time */
    char sender[32];   /* agency id */
    char receiver[32]; /* agency id */
    char number[32];   /* the referral's */
};

struct report { /* texts are printable */
    enum verdict verdict;
    uint64_t first_bad; /* record index, or NO_INDEX */
    char reason[320];   /* empty for PASS */
    uint64_t records;   /* read and hashed */
    uint64_t expected;  /* that the source says it has */
    uint64_t commits;   /* checkpoints that verified */
    uint64_t signed_size;
    uint64_t shown; /* messages whose header and facts were there and matched */
    char origin[ORIGIN_BYTES];
    uint8_t key[32]; /* the broker's public key, once known */
    bool key_known;
    bool pin_differs;        /* the caller gave another key: the log is of another broker */
    bool pinned;             /* the key was compared with the one that the caller gave */
    uint64_t witnessed_size; /* the largest size that an agency signed, signature checked */
    uint64_t claimed_size;   /* the same, for signatures whose key is not at hand */
    uint32_t witnessed_count;
    uint32_t claimed_count;
    uint64_t recoveries;            /* how often the log was opened anew on an old copy */
    char last_origin[ORIGIN_BYTES]; /* of the log since the last one */
    uint64_t recovered_from;        /* record of it */
    uint64_t recovered;             /* records that stand for those of a lost log */
    uint64_t left_out;              /* of them: kept, and changed nothing */
    uint64_t missing;               /* indices of lost logs that nobody handed back */
    bool recounted;                 /* windows and rungs were counted a second time */
    uint64_t windows, rungs;        /* of those, how many */
    uint64_t unjudged;              /* windows counted by another calendar or policy */
    struct letter_report letter;
};

void report_init(struct report *report); /* PASS, nothing counted */
/* The first finding stays. */
void report_find(struct report *report, enum verdict verdict, uint64_t index, const char *fmt, ...)
    FORMAT(4, 5);
const char *verdict_name(enum verdict verdict);
/* What the log says of the letter that was asked for is a finding unless it matches. */
void report_judge_letter(struct report *report);
/* On standard output; answers the exit status. */
int report_print(const struct report *report, bool json);

#endif
