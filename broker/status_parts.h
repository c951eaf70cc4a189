/* What the answers of the status socket about referrals and matters share: a clock is shown alike
 * whether it is of a referral or a duty of a matter. Private to broker/status_*.c; loop thread;
 * reads only committed rows. */
#ifndef REFERRAL_BROKER_STATUS_PARTS_H
#define REFERRAL_BROKER_STATUS_PARTS_H

#include "broker/status.h"
#include "model/matter.h"
#include "store/cases.h"
#include "wire/codec.h"

#define STATUS_ROWS_MAX 500u /* in one answer; beyond it "truncated" is true */

void status_u64(struct json_writer *out, const char *name, uint64_t value);
void status_text(struct json_writer *out, const char *name, const char *text);
void status_bool(struct json_writer *out, const char *name, bool value);
void status_day(struct json_writer *out, const char *name, int32_t day);
const char *status_agency_id(const struct status_context *ctx, uint16_t number); /* or "" */
/* "registered", "suspended", "leaving", "left"; by place in the registry. */
const char *status_agency_state(const struct status_context *ctx, size_t place);
/* The same whether or not it is suspended. */
const char *status_agency_standing(const struct status_context *ctx, size_t place);
/* The first members of each answer. */
void status_head_write(struct json_writer *out, bool ok);
enum err status_refusal_write(const struct fault *fault, enum err error,
                              struct buf *out) MUST_CHECK;

/* What a leaf says; its texts lie in the region. */
enum err status_leaf_read(struct store_txn *read, uint64_t leaf, struct region *region,
                          struct leaf_record *ret_record) MUST_CHECK;
enum err status_leaf_time(struct store_txn *read, uint64_t leaf, uint64_t *ret_ms) MUST_CHECK;
/* Members of an open object: `event`, `position`, `at_ms`, and those of docs/status-socket.md. */
void status_leaf_write(uint64_t leaf, const struct leaf_record *record, struct json_writer *out);

/* A record of the store: one of the two. */
struct stored {
    struct case_key key;
    const struct referral *referral; /* borrowed during the visit, as the other */
    const struct matter *matter;
};
const char *stored_number(const struct stored *stored);
const char *stored_case_number(const struct stored *stored);

/* What is done with each record; *ret_more false ends the walk. */
typedef enum err stored_visit(void *arg, const struct stored *stored, bool *ret_more);
/* Of a case (NULL: all, up to a bound; *ret_cut then says that there were more). */
enum err stored_walk(struct store_txn *read, const struct uuid *case_id, stored_visit *visit,
                     void *arg, bool *ret_cut) MUST_CHECK;
/* One record; ERR_NOT_FOUND. */
enum err stored_read(struct store_txn *read, const struct case_key *key, stored_visit *visit,
                     void *arg) MUST_CHECK;
/* By the number of a case, referral or matter in this member; a refusal says what was expected. */
enum err stored_find(struct store_txn *read, const struct json_value *request, const char *name,
                     struct case_key *ret_key, struct fault *fault) MUST_CHECK;

/* A clock of a record. */
struct stored_clock {
    const char *what; /* "feedback-outbound", "undelivered", "promise" ... */
    const struct window *window;
    const struct duty *duty; /* of a matter; else NULL */
    enum referral_clock clock;
    uint16_t holder, waiting; /* who must act, who waits; the same: nobody */
    bool open;
};
/* The index-th that was ever opened; false beyond the last. */
bool stored_clock_at(const struct stored *stored, size_t index, struct stored_clock *ret_clock);
/* Members of an object: what it is, who holds it, its dates, what was raised. */
void stored_clock_write(const struct status_context *ctx, const struct stored_clock *clock,
                        struct json_writer *out);

/* Members `rung`, its id, and what the city calls it: `rung_zh`, `rung_en`. */
void stored_rung_write(const struct status_context *ctx, enum rung rung, struct json_writer *out);

/* A numbered document (督办单) whose cause is not gone. */
struct stored_document {
    struct stored_clock clock; /* that it is about */
    enum rung rung;
    uint32_t answer; /* VOCABULARY_ESCALATION_ANSWER; 0: no reply yet */
    char number[LIMIT_NUMBER_BYTES];
};
bool stored_document_at(const struct stored *stored, size_t index,
                        struct stored_document *ret_document);

#endif
