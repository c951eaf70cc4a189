/* Judges a log record by record, wherever it comes from: hashes, checkpoints, order of time,
 * streams, uniqueness, messages shown. What each check means to an auditor is in
 * docs/audit-export.md. Memory grows by about 100 bytes a message and rung. One thread. */
#ifndef REFERRAL_VERIFY_CHECKER_H
#define REFERRAL_VERIFY_CHECKER_H

#include "keys.h"
#include "once.h"
#include "recount.h"
#include "tree.h"

#define WITNESSES_MAX 1024u

/* One record as the source has it; everything borrowed during the call. */
struct item {
    uint64_t index;
    uint64_t commit_size; /* as stored; 0: the source does not say */
    const uint8_t *salt;  /* 16 bytes */
    struct digest hash;   /* as stated, not believed */
    struct span record;
    bool shown; /* header, facts and body digest are there */
    struct span header, facts;
    struct digest body;   /* SHA-256 of the sealed body */
    struct span note;     /* the checkpoint after this record, or empty */
    const uint8_t *nodes; /* stored hashes of the subtrees that it completes; NULL: not said */
    size_t node_count;
};

/* What the caller brings: both may be NULL, and are borrowed. */
struct known {
    const struct keys *keys;   /* to pin the broker and to check witnesses by */
    const struct basis *basis; /* to count windows and rungs by */
};

struct checker {
    struct report *report;     /* borrowed */
    const struct keys *keys;   /* borrowed; NULL: nothing is pinned */
    char origin[ORIGIN_BYTES]; /* of the log from here on */
    struct digest signed_root; /* of the last checkpoint */
    struct tree tree;
    uint64_t commit_from; /* first record that no checkpoint covers yet */
    uint64_t commit_size; /* as its records state it */
    uint64_t last_at_ms, last_checkpoint_ms;
    struct witness_read *witnesses; /* owned */
    size_t witness_count;
    struct stream *streams; /* owned */
    size_t stream_count;
    struct once once;       /* messages and rungs */
    struct recount recount; /* windows and rungs */
};

/* With the broker's origin and key as the source states them; compares them with the pin. */
enum err checker_init(struct checker *checker, struct report *report, const struct known *known,
                      struct span origin, const uint8_t key[32]) MUST_CHECK;
void checker_free(struct checker *checker);
/* All witnesses before the first record. */
enum err checker_witness(struct checker *checker, struct span note) MUST_CHECK;
/* Anything but OK: the report says why, and there is no point in going on. */
enum err checker_add(struct checker *checker, const struct item *item) MUST_CHECK;
/* After the last record: what a cut tail leaves open. */
void checker_end(struct checker *checker);

#endif
