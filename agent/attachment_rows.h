/* What an agent keeps of its attachments beside their sealed files: a row for each digest with its
 * key, one for each file that is still being attached, and which message names which.
 *
 * Rows lie sealed in the agent's store; durable with the commit of the caller's transaction. Loop
 * thread. Secret: the keys; wipe what was read. */
#ifndef REFERRAL_AGENT_ATTACHMENT_ROWS_H
#define REFERRAL_AGENT_ATTACHMENT_ROWS_H

#include "agent/attachments.h"
#include "store/store.h"

struct attachment_row {
    struct attachment shown; /* without `material` */
    uint8_t key[AEAD_KEY_BYTES];
    /* Wall time. ON_THE_WAY: when what came was wrong; 0: did not yet. ATTACHED: when an officer
     * last kept it, while no message names it; 0: one does. */
    uint64_t since_ms;
};

struct adding_row { /* a file that is being attached */
    struct uuid id;
    uint32_t type;
    uint64_t plain_bytes;
    uint64_t at_ms;
    uint8_t key[AEAD_KEY_BYTES];
    char name[LIMIT_NAME_BYTES];
};

struct ended_row { /* a file whose last bytes came: what `attachments_progress` goes on to answer */
    struct uuid id;
    uint64_t at_ms;
    struct digest digest;
};

/* ERR_NOT_FOUND, those that read. */
enum err attachment_row_get(struct store_txn *txn, const struct digest *digest,
                            struct attachment_row *ret_row) MUST_CHECK;
/* Writes it anew, and its place among those that are on the way, or unsent. */
enum err attachment_row_put(struct store_txn *txn, const struct attachment_row *row) MUST_CHECK;
/* The one on the way that is asked for next: those that never failed come first. */
enum err attachment_row_due(struct store_txn *txn, struct attachment_row *ret_row) MUST_CHECK;
/* The one that no message names and that was kept longest ago. */
enum err attachment_row_unsent(struct store_txn *txn, struct attachment_row *ret_row) MUST_CHECK;
enum err attachment_row_remove(struct store_txn *txn, const struct digest *digest) MUST_CHECK;
enum err attachment_row_on_the_way(struct store_txn *txn, uint64_t *ret_count) MUST_CHECK;

enum err adding_row_get(struct store_txn *txn, const struct uuid *id,
                        struct adding_row *ret_row) MUST_CHECK;
enum err adding_row_put(struct store_txn *txn, const struct adding_row *row) MUST_CHECK;
enum err adding_row_remove(struct store_txn *txn, const struct uuid *id) MUST_CHECK;
enum err adding_row_oldest(struct store_txn *txn, struct adding_row *ret_row) MUST_CHECK;

enum err ended_row_get(struct store_txn *txn, const struct uuid *id,
                       struct ended_row *ret_row) MUST_CHECK;
enum err ended_row_put(struct store_txn *txn, const struct ended_row *row) MUST_CHECK;
enum err ended_row_remove(struct store_txn *txn, const struct uuid *id) MUST_CHECK;
enum err ended_row_oldest(struct store_txn *txn, struct ended_row *ret_row) MUST_CHECK;

/* The message of this row names that digest by this material. */
enum err attachment_link_put(struct store_txn *txn, uint64_t seq, uint32_t material,
                             const struct digest *digest) MUST_CHECK;
/* The first link of the row at or behind `*material`, which moves behind it. */
enum err attachment_link_next(struct store_txn *txn, uint64_t seq, uint32_t *material,
                              struct digest *ret_digest) MUST_CHECK;

#endif
