/* Forms that an officer has begun: kept on the server, sealed under the desk's key, so that nothing
 * typed is lost when a session ends, a browser closes or the agent restarts.
 *
 * One draft for each officer and form address ("/send/feedback/<referral>"), the posted fields as
 * they are. Gone when the form is sent or the officer discards it, or after 30 days. Loop thread;
 * durable on return. */
#ifndef REFERRAL_AGENT_WEB_DRAFT_H
#define REFERRAL_AGENT_WEB_DRAFT_H

#include "base/json.h"
#include "store/store.h"

#define DRAFT_BYTES_MAX   (512u * 1024u)
#define DRAFT_OFFICER_MAX 200u /* drafts of one officer */
#define DRAFT_ADDRESS_MAX 160u

/* `json`: one object {"name": ["value", ...]}. ERR_TOO_LARGE, ERR_FULL. */
enum err draft_put(struct store *store, const char *officer, const char *address, struct span json,
                   uint64_t now_ms) MUST_CHECK;
/* ERR_NOT_FOUND. Appends the JSON. */
enum err draft_get(struct store *store, const char *officer, const char *address, struct buf *json,
                   uint64_t *ret_saved_ms) MUST_CHECK;
enum err draft_remove(struct store *store, const char *officer,
                      const char *address) MUST_CHECK; /* OK when there is none */
/* Removes all that are too old, whoever's they are. */
enum err draft_tidy(struct store *store, uint64_t now_ms) MUST_CHECK;
/* The one behind `after` (""), by address. ERR_NOT_FOUND at the end. */
enum err draft_next(struct store *store, const char *officer, const char *after,
                    char ret_address[DRAFT_ADDRESS_MAX], uint64_t *ret_saved_ms) MUST_CHECK;

/* --- when a case is erased (agent/erase.c) --- */

/* Seals all under the desk's newest key. */
enum err drafts_renew(struct store_txn *txn) MUST_CHECK;
/* Removes those whose address has this id in it, and counts them. */
enum err drafts_count_of(struct store_txn *txn, const char *id, size_t *count) MUST_CHECK;
enum err drafts_remove_of(struct store_txn *txn, const char *id, size_t *count) MUST_CHECK;
/* Does any draft have this text in its fields? */
enum err drafts_name(struct store_txn *txn, const char *text, bool *ret_named) MUST_CHECK;

#endif
