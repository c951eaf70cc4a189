/* The broker core: the one place that orders things.
 *
 * Requests that were verified elsewhere (intake.h) are taken in; each turn of the loop decides all
 * that is pending with one `now`, writes queue rows, referrals, due rows and audit leaves in one
 * transaction, and only after its commit answers. Rungs that fell due go the same way. The core
 * sees the world through io.h, so that the daemon and the scenario tests run the same code. Loop
 * thread only; what was answered is durable. */
#ifndef REFERRAL_BROKER_BROKER_H
#define REFERRAL_BROKER_BROKER_H

#include "base/crypto.h"
#include "base/metrics.h"
#include "io/io.h"
#include "model/calendar.h"
#include "model/policy.h"
#include "model/registry.h"
#include "model/window.h"
#include "store/store.h"
#include "wire/registry_document.h"

struct act;
struct blobs;
struct broker;
struct intake;
struct intake_context;

struct broker_setup { /* all borrowed for the broker's life */
    struct io io;
    struct store *store;
    struct blobs *blobs; /* attachments; NULL: none are taken */
    const struct registry *registry;
    const struct policy *policy;
    const struct calendar *calendar;   /* sealed */
    struct keyring *keyring;           /* marked where a key is revoked */
    const struct sign_key *key;        /* the broker's own; its public half is in the keyring */
    struct span registry_text;         /* as loaded: what REGISTRY answers */
    struct registry_document document; /* the signed registry; version 0: it is not signed */
    struct span policy_text;           /* as loaded: what `policy` of the status socket answers */
    const char *software;              /* name and version */
    uint64_t queue_max;                /* messages that wait for one agency; 0: LIMIT_QUEUE_COUNT */
    int64_t (*laboratory_offset_ms)(void *ctx); /* told in each reply; NULL: none */
    void *laboratory;
};

/* Is the key one of the broker's in the keyring? ERR_INVALID when not; broker_new asks it, too. */
enum err broker_check_key(const struct keyring *keyring, const struct sign_key *key,
                          struct fault *fault) MUST_CHECK;
/* Reads the state of the store and plans the first turn. ERR_CORRUPT, ERR_VERSION or ERR_IO from
 * the store; ERR_INVALID when key and keyring do not fit; the fault says what to do. */
enum err broker_new(const struct broker_setup *setup, struct broker **ret_broker,
                    struct fault *fault) MUST_CHECK;
/* Answers what is parked with "stopping", frees what is pending. NULL allowed. */
void broker_free(struct broker *broker);

/* A verified request; the broker owns it from here. Call broker_turn in the same turn of the loop.
 */
void broker_take(struct broker *broker, struct intake *intake);
/* A connection is gone: releases what was parked for it. */
void broker_gone(struct broker *broker, uint32_t pipe);
/* Decides, commits, answers. Asks io for the next wake-up. */
void broker_turn(struct broker *broker);
/* Is there anything to decide at once? The daemon then turns again without sleeping. */
bool broker_has_work(const struct broker *broker);
/* Are requests waiting that no turn has taken yet? For the shutdown. */
bool broker_has_pending(const struct broker *broker);
/* From now on submissions are refused with "stopping"; the turn that follows writes LEAF_STOP. */
void broker_stop(struct broker *broker);
/* OK, or the failure of the store after which the process must end: nothing is decided any more. */
enum err broker_failure(const struct broker *broker);

/* --- administrators (status socket) --- */

struct broker_counts {
    uint64_t turns, commits, requests, messages, refused, strangers, rungs, notices;
    uint64_t redated; /* windows and tasks whose date or mark a new calendar changed */
    uint64_t parked;
    uint64_t blob_bytes_in, blob_bytes_out; /* of BLOB-PUT and BLOB-GET */
    uint64_t blobs_collected;               /* uploads that no message referred to */
};

struct broker_clock {
    uint64_t broker_ms, wall_ms;
    int hold; /* enum clock_hold */
    uint64_t confirmed_ms;
    uint64_t wait_until_ms; /* wall time of the end of HOLD_WAIT; 0: that is not why */
};

/* From the next turn on this sealed calendar counts, borrowed from now on; the one before is free.
 * Unless every day counts and reads as before, that turn writes a LEAF_CONFIGURATION, and every
 * open window is re-dated, some each turn; rungs wait until all are. Between turns only. */
void broker_use_calendar(struct broker *broker, const struct calendar *calendar);

struct broker_rules { /* as in broker_setup, borrowed from the exchange on */
    const struct registry *registry;
    const struct policy *policy;
    const struct calendar *calendar;
    struct keyring *keyring; /* marked where a key is revoked */
    struct span registry_text, policy_text;
    struct registry_document document;
};
/* From the next turn on all of these count; what was in force is free when it answers. The registry
 * has every agency of the old one (registry_follows), the keyring the same origin and the broker's
 * key. Unless nothing differs that turn writes a LEAF_CONFIGURATION. ERR_MEMORY: nothing changed.
 * Between turns only. */
enum err broker_exchange(struct broker *broker, const struct broker_rules *rules) MUST_CHECK;
/* Is a re-dating under way? */
bool broker_redating(const struct broker *broker);
/* By how many milliseconds the next look at what is due is late; 0: in time. A look counts with its
 * turn's commit. While the store is full nothing can be written, and nothing is late by that. */
uint64_t broker_scan_late_ms(const struct broker *broker);
struct broker_timings {                     /* since the start */
    struct histogram turn, commit, request; /* histogram_quick_ms */
    struct histogram delivery, rung_late;   /* histogram_slow_ms */
    uint64_t rungs[RUNG_COUNT];
};
const struct broker_timings *broker_timings(const struct broker *broker);
void broker_count(const struct broker *broker, struct broker_counts *ret_counts);
void broker_clock(const struct broker *broker, struct broker_clock *ret_clock);
/* Acts (acts.h): the wall clock is right. */
enum err broker_clock_confirm(struct broker *broker, struct act *act) MUST_CHECK;
/* Is broker time, as it is now, ahead of the wall clock? Else a reset has nothing to undo. */
bool broker_clock_ahead(const struct broker *broker);
enum err broker_clock_reset(struct broker *broker, struct act *act) MUST_CHECK;
/* An act: the agency sends nothing new and fetches nothing, or does again. It must be the other way
 * round now. */
enum err broker_suspend(struct broker *broker, struct act *act, size_t agency,
                        bool suspend) MUST_CHECK;
bool broker_suspended(const struct broker *broker, size_t agency);

struct ping_result {
    size_t agency;
    uint64_t tag;
    bool answered, sent; /* not answered: was it told the question at least? */
    uint64_t round_trip_ms, waited_ms;
};
/* Asks the agency's agent for a sign of life; its result, or that none came in time, is taken with
 * broker_ping_take. ERR_BUSY: one is under way. */
enum err broker_ping(struct broker *broker, size_t agency, uint64_t timeout_ms,
                     uint64_t tag) MUST_CHECK;
bool broker_ping_take(struct broker *broker, struct ping_result *ret_result);
bool broker_pings_wait(const struct broker *broker);
/* When each agency was last heard in this run (broker time), 0 never; by place in the registry. */
uint64_t broker_heard_ms(const struct broker *broker, size_t agency);
/* Was it heard within BROKER_UP_MS? A living agent fetches more often. */
#define BROKER_UP_MS 90000u
bool broker_agency_up(const struct broker *broker, size_t agency);
const struct broker_setup *broker_setup(const struct broker *broker);
/* --- after a store was restored from an old copy (recovery.h) --- */

struct broker_new_log {
    char old_origin[LIMIT_ORIGIN_BYTES];
    char new_origin[LIMIT_ORIGIN_BYTES];
    uint64_t anchor; /* records of the copy */
    uint64_t anchor_ms;
};
/* The store's log goes on under a new origin from its last checkpoint; durable when OK. Only while
 * no broker runs on the store, and by an administrator's explicit word. The setup's store, io,
 * keyring and key are used. ERR_INVALID: the fault says why nothing was changed. */
enum err broker_open_log(const struct broker_setup *setup, struct span reason,
                         struct broker_new_log *ret_log, struct fault *fault) MUST_CHECK;
/* The same without changing anything: what it would do, or why it would refuse. */
enum err broker_preview_log(const struct broker_setup *setup, struct broker_new_log *ret_log,
                            struct fault *fault) MUST_CHECK;

struct broker_recovery {
    char origin[LIMIT_ORIGIN_BYTES];
    const char *phase; /* "none", "awaiting", "applying", "over" */
    bool holds;        /* nothing is taken, delivered or raised */
    bool behind;       /* this store is older than what an agency shows */
    char behind_agency[LIMIT_AGENCY_ID_BYTES];
    uint64_t behind_size;
    uint64_t from, to; /* indices of the old log */
    uint64_t handed_back, applied, kept;
};
void broker_recovery(const struct broker *broker, struct broker_recovery *ret_recovery);
/* Of the log that is written. */
const char *broker_origin(const struct broker *broker);
enum broker_hand_back {
    HAND_BACK_NOT_ASKED, /* it has no system, or has left */
    HAND_BACK_AWAITED,
    HANDED_BACK,
    HAND_BACK_NOT_AWAITED, /* by an administrator's word */
};
enum err broker_recovery_agency(const struct broker *broker, struct store_txn *read, size_t place,
                                enum broker_hand_back *ret_state) MUST_CHECK;
/* An administrator does not wait for the agency at this place any more (acts.h). What it hands back
 * later is taken then. */
enum err broker_recovery_go_on(struct broker *broker, size_t place, struct act *act) MUST_CHECK;
/* For intake_open, on any thread; lives as long as the broker. */
struct intake_context *broker_intake(struct broker *broker);

#endif
