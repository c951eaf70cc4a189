/* What an agent keeps of its attachments beside their sealed files: a row for each digest, one for
 * each file that is still being attached, and which message names which.
 *
 * Key and name of a file are kept apart from its row, once for each case whose messages name it,
 * under that case's key; under the desk's as long as none does (secrets.h). So they end with their
 * cases. Rows lie sealed in the agent's store; durable with the commit of the caller's transaction.
 * Loop thread. Secret: the keys; wipe what was read. */
#ifndef REFERRAL_AGENT_ATTACHMENT_ROWS_H
#define REFERRAL_AGENT_ATTACHMENT_ROWS_H

#include "agent/attachments.h"
#include "store/store.h"

struct attachment_row {
    /* Without `material`. ATTACHMENT_ERASED: all cases that name it were, so that neither key nor
     * name is known; such a row cannot be put. */
    struct attachment shown;
    uint8_t key[AEAD_KEY_BYTES];
    bool inline_key; /* of a release that kept both in the row */
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
/* Writes it anew, and its place among those that are on the way, or unsent; its key and name are
 * put apart. */
enum err attachment_row_put(struct store_txn *txn, const struct attachment_row *row) MUST_CHECK;
/* Key and name for a case whose message names it; zero: for the desk. One of the desk's goes when
 * the first of a case comes. */
enum err attachment_secret_put(struct store_txn *txn, const struct attachment_row *row,
                               const struct uuid *case_id) MUST_CHECK;
/* Those that no message names: the one behind `after` (zero: the first), by the time they were
 * kept. ERR_NOT_FOUND. */
struct unsent_place {
    uint64_t since_ms;
    struct digest digest;
};
enum err attachment_unsent_next(struct store_txn *txn, struct unsent_place *place) MUST_CHECK;
/* Seals what is the desk's under the desk's newest key: names of files that are being attached, and
 * of those that no message names. */
enum err attachment_secrets_renew(struct store_txn *txn) MUST_CHECK;
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
/* Without key and name, which a copy from before an erasure does not give any more. */
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
/* The link of any row behind that place (zeros: the first). ERR_NOT_FOUND. */
struct link_place {
    uint64_t seq;
    uint32_t material;
    struct digest digest;
};
enum err attachment_link_after(struct store_txn *txn, struct link_place *place) MUST_CHECK;

#endif
