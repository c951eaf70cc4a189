/* What the files that write JSON for the socket share. Private to agent/show*.c. */
#ifndef REFERRAL_AGENT_SHOW_PARTS_H
#define REFERRAL_AGENT_SHOW_PARTS_H

#include "agent/state.h"

/* Members of an open object. */
void named_text(struct json_writer *out, const char *name, const char *text);
void some_text(struct json_writer *out, const char *name, const char *text); /* none when empty */
void named_u64(struct json_writer *out, const char *name, uint64_t value);
void named_bool(struct json_writer *out, const char *name, bool value);
void named_instant(struct json_writer *out, const char *name, uint64_t instant_ms); /* none at 0 */
void named_day(struct json_writer *out, const char *name, int32_t day);
void named_uuid(struct json_writer *out, const char *name, const struct uuid *id);

/* A row in a list; a notice with what it is about. */
enum err show_row(struct store_txn *txn, const struct row *row, struct json_writer *out) MUST_CHECK;

/* --- show_copies.c --- */

enum err show_copy(struct agent *agent, struct store_txn *read, const struct case_key *key,
                   struct json_writer *out) MUST_CHECK;
enum err show_case(struct agent *agent, struct store_txn *read, const char *number,
                   const struct case_key *wanted, struct json_writer *out) MUST_CHECK;

#endif
