/* An evidence file, opened and judged: who sent what to whom, when the log had it, which keys vouch
 * for that, which windows ran and what was raised in them. docs/evidence-format.md says what each
 * check means. It believes nothing but the root that the caller names. Owned memory; one thread. */
#ifndef REFERRAL_VERIFY_DOSSIER_H
#define REFERRAL_VERIFY_DOSSIER_H

#include "ladder.h"
#include "model/registry.h"
#include "note.h"
#include "proof.h"
#include "report.h"
#include "wire/evidence_file.h"
#include "wire/receipt.h"
#include "wire/registry_document.h"

#define DOSSIER_FINDINGS_MAX 64u

struct finding {
    enum verdict verdict; /* FAIL or INCOMPLETE; PASS: it is what the file is to prove */
    char code[40];        /* of the table in dossier_text.c */
    char place[128];      /* a part, or a line of the file */
    char detail[256];     /* numbers, dates, names; may be empty */
};

struct told_message {               /* a message with its receipt */
    char name[EVIDENCE_NAME_BYTES]; /* of both parts */
    struct span envelope_bytes;
    struct message *message; /* the dossier's region */
    struct payload payload;
    struct batch_proof proof;
    struct digest digest;
    bool erased; /* its body was, with its case: what is here is its hash */
    struct receipt receipt;
    struct leaf_record *record;
    struct body *body;               /* opened; NULL: its key is not in the file. Personal data */
    struct tree_head head;           /* of its checkpoint, */
    char origin[LIMIT_ORIGIN_BYTES]; /* and which log of the broker that is */
    struct digest leaf;
    uint64_t at_ms; /* broker time that counts */
    bool refused;
    bool linked;           /* its checkpoint is shown to be of the log of the top one */
    bool sought;           /* its delivery, */
    uint64_t delivered_ms; /* which was then; 0: this file does not show it */
};

struct told_version { /* of the signed registry */
    struct registry_document document;
    struct registry *registry; /* owned, as the next */
    struct keyring *keyring;
    bool placed;                     /* its leaf is here: */
    uint64_t leaf;                   /* from there on it was in force, */
    char origin[LIMIT_ORIGIN_BYTES]; /* in that log */
    struct tree_head head;           /* of the checkpoint that proves it */
};

struct told_head { /* a checkpoint of the file, or of a receipt */
    struct proof_head head;
    char origin[LIMIT_ORIGIN_BYTES];
    bool noted; /* the broker signed it */
    bool linked;
};

struct told_witness { /* an agency that countersigned */
    char agency[LIMIT_AGENCY_ID_BYTES];
    uint64_t size;
    bool linked; /* what it saw is shown to be of the log of the top checkpoint */
};

struct told_clock { /* as this file shows it */
    struct uuid referral_id;
    char number[LIMIT_NUMBER_BYTES];
    char holder[LIMIT_AGENCY_ID_BYTES];
    char waiting[LIMIT_AGENCY_ID_BYTES]; /* may be empty */
    uint32_t task, window;
    struct window_read counted; /* in force at the end */
    uint64_t first_due_ms;      /* before any re-dating */
    uint64_t end_ms;            /* when it was answered or withdrawn, as the log has it; 0: not */
    uint64_t answered_ms;       /* by which it is judged: claimed time counts */
    bool answered;              /* else withdrawn */
    bool provisional;
    bool redated;
    bool opened; /* by a message that is here, and so is what ends it; else by what notices say */
};

struct told_rung {
    const struct told_message *notice;
    struct uuid referral_id;
    uint64_t fell_due_ms;
};

struct dossier {
    struct buf file; /* owned */
    struct region region;
    struct evidence evidence;
    char exporter[LIMIT_AGENCY_ID_BYTES], subject[16], asked[64], origin[LIMIT_ORIGIN_BYTES];
    char made[40];
    struct uuid id;
    bool bodies;
    struct registry_document document; /* version 0: there is none */
    struct registry *registry;         /* owned; NULL: there is none */
    struct keyring *keyring;           /* owned; NULL likewise */
    struct told_version *versions;     /* owned, rising; the last is the document */
    size_t version_count;
    size_t revoked;   /* keys */
    struct days days; /* no version: there are none */
    struct ladder_read ladder;
    bool has_ladder;
    struct told_message *messages; /* owned, by place in the log */
    size_t message_count;
    struct tree_head newest; /* size 0: none */
    char newest_origin[LIMIT_ORIGIN_BYTES];
    struct told_head *heads; /* owned */
    size_t head_count;
    struct told_witness *witnesses; /* owned */
    size_t witness_count;
    uint64_t top_size;         /* of the largest checkpoint; what is linked is of its log */
    struct told_clock *clocks; /* owned */
    size_t clock_count;
    struct told_rung *rungs; /* owned */
    size_t rung_count;
    enum verdict verdict;
    struct finding findings[DOSSIER_FINDINGS_MAX];
    size_t finding_count, findings_left_out;
};

/* Reads and judges; whatever is wrong is a finding. `root`: the pinned fingerprint. */
void dossier_judge(struct dossier *dossier, const char *path, const struct digest *root);
/* The same of a file that is in memory. */
void dossier_judge_bytes(struct dossier *dossier, struct span bytes, const struct digest *root);
void dossier_free(struct dossier *dossier);

/* Notes a finding; FAIL goes before INCOMPLETE. */
void dossier_fail(struct dossier *dossier, const char *code, const char *place, const char *detail,
                  ...) FORMAT(4, 5);
void dossier_lack(struct dossier *dossier, const char *code, const char *place, const char *detail,
                  ...) FORMAT(4, 5);

/* By whichever key and under whichever origin of this broker. */
enum err dossier_open_note(const struct dossier *dossier, struct span note,
                           char origin[LIMIT_ORIGIN_BYTES], struct tree_head *ret) MUST_CHECK;

/* By what is counted: the parts `calendar` and `policy`. */
void dossier_read_days(struct dossier *dossier);
void dossier_read_policy(struct dossier *dossier);

/* The agency's signing key of this id; NULL: there is none. */
const struct key_entry *dossier_find_key(const struct dossier *dossier, const char *owner,
                                         struct key_id id);

/* --- dossier_versions.c --- */
/* The registries that this root signed, each following the one before; the newest is the
 * document. */
void dossier_read_versions(struct dossier *dossier, const struct digest *root);
/* Once the broker's keys are known: where the log has each. */
void dossier_place_versions(struct dossier *dossier);
void dossier_free_versions(struct dossier *dossier);
/* The agency's signing key of this id in one keyring; NULL: there is none. */
const struct key_entry *dossier_key_in(const struct keyring *keyring, const char *owner,
                                       struct key_id id);
/* The key that signed the message, as the version in force at its place has it; NULL: it has not.
 * `ret_sure`: which version that was is known. */
const struct key_entry *dossier_key_then(const struct dossier *dossier,
                                         const struct told_message *told, bool *ret_sure);

/* What the file proves of a broker: a finding that is none against it. */
void dossier_prove(struct dossier *dossier, const char *code, const char *place, const char *detail,
                   ...) FORMAT(4, 5);

/* --- lie.c --- */
/* A file about a lie: is it the broker's own word, and does that contradict what it signed? PASS:
 * it does. */
void dossier_judge_lie(struct dossier *dossier, const struct digest *root);

/* --- lie_places.c --- */
/* Proves what a reply of the broker says of places in the log and its own checkpoint contradicts.
 * `root`: the pinned fingerprint. */
void dossier_judge_places(struct dossier *dossier, const struct reply_head *reply,
                          const struct tree_head *shown, const struct digest *root);

/* --- lie_rungs.c --- */
/* A delivery whose record is in that log: is it of a rung that was raised before it fell due? */
void dossier_judge_rung(struct dossier *dossier, const struct delivery *delivery,
                        const struct leaf_record *record);

/* --- dossier_links.c --- */
void dossier_connect(struct dossier *dossier);

/* --- dossier_windows.c --- */
void dossier_count_windows(struct dossier *dossier);

/* --- dossier_text.c --- */
enum dossier_language { LANGUAGE_CHINESE, LANGUAGE_ENGLISH };
enum err dossier_write_text(const struct dossier *dossier, enum dossier_language language,
                            struct buf *out) MUST_CHECK;
enum err dossier_write_json(const struct dossier *dossier, enum dossier_language language,
                            struct buf *out) MUST_CHECK;

#endif
