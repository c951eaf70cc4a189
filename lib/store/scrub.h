/* A look through a whole store: every page, every row and what protects it, read without LMDB.
 *
 * For a child process (`--check-store` of the daemons, once a day by the broker, by `referralctl
 * store check` whenever somebody wants to know, before a start that is not sure): it reads by pread
 * and trusts no number in the file, so that damage is told and walked around, and crashes nobody.
 * Beside a running daemon it looks at the state as of one transaction. Blocking; nothing is
 * written.
 *
 * Found: a flipped bit in a row's key or value (table and key), in what finds rows (the page),
 * pages cut off or put in another's place, a list of free pages that would give away one in use, an
 * older state brought back by a meta page. Not found, since they change nothing: bits of free
 * pages, of gaps in pages, of the meta page's address. Not looked at: the files of attachments
 * (`backup verify` does). */
#ifndef REFERRAL_STORE_SCRUB_H
#define REFERRAL_STORE_SCRUB_H

#include "store/store.h"

#define SCRUB_LISTED     100u
#define SCRUB_TEXT_BYTES 160u

struct scrub_damage {
    char where[64]; /* "page 4711", or a table and the digest of a key as store_damage */
    char what[SCRUB_TEXT_BYTES]; /* what is wrong with it */
};

struct scrub_report {
    bool live;         /* a daemon writes to the store: one transaction was looked at */
    uint64_t rows;     /* that are as they were written */
    uint64_t log_size; /* leaves; 0 for an agent's store */
    uint64_t damages;  /* the first of them: */
    struct scrub_damage damage[SCRUB_LISTED];
    size_t listed;
};

/* `options` as for store_open; kind, map_bytes and the key count. OK: looked through to the end,
 * and ret_report->damages says how it stands. ERR_FORGED: no row verifies, the key is another
 * store's. ERR_NOT_FOUND, ERR_BUSY (a writer that is too quick for a snapshot), ERR_IO, ERR_MEMORY.
 */
enum err scrub_run(const char *folder, const struct store_options *options,
                   struct scrub_report *ret_report, struct fault *fault) MUST_CHECK;

#define SCRUB_EXIT_FAILED  1
#define SCRUB_EXIT_DAMAGED 4

/* The whole of a child process: looks, appends what is to be printed (text, or one object of JSON,
 * which a fault always is), and answers the exit status: 0 whole, and those above. */
int scrub_child(const char *folder, const struct store_options *options, bool json,
                struct buf *out);

#endif
