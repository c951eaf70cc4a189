/* What store.c, journal.c and replica.c share of the journal. Nobody else includes it. */
#ifndef REFERRAL_STORE_JOURNAL_PRIVATE_H
#define REFERRAL_STORE_JOURNAL_PRIVATE_H

#include "store/journal.h"
#include "store/store_private.h"

#define JOURNAL_VERSION      1u
#define JOURNAL_CHANGE_BYTES 7u /* before key and value */
#define JOURNAL_ROW_BYTES    6u /* the same of store_rows_pack */
#define JOURNAL_REMOVED      UINT32_MAX
#define JOURNAL_BYTES_MAX    ((size_t)256 * 1024 * 1024) /* of one transaction */

/* The bytes of a part as it lies in the table. ERR_CORRUPT: not under this key, or not of this
 * place. */
enum err store_journal_part_open(struct store_txn *txn, struct journal_place place, struct span raw,
                                 struct span *ret_bytes, uint16_t *ret_parts) MUST_CHECK;

#endif
