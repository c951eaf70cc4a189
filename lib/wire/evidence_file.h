/* Evidence files: named parts under one head, so that one file can be handed to whoever judges.
 *
 *     referral-evidence-1
 *     suite intl
 *     about case
 *     part message 0192...-out 1234 HEX     kind, name, length, digest
 *     part receipt 0192...-out 987 HEX
 *     head HEX                              digest of all lines before
 *     (an empty line, then the bytes of the parts in that order, and nothing behind them)
 *
 * The digests find a file that was damaged on its way; they prove nothing of who made it: what is
 * inside is signed, and its readers judge it (docs/evidence-format.md). Written by agents: `case`
 * is what one referral, matter or case was, `lie` what a broker was caught with. Pure; any thread.
 */
#ifndef REFERRAL_WIRE_EVIDENCE_FILE_H
#define REFERRAL_WIRE_EVIDENCE_FILE_H

#include "base/crypto.h"
#include "base/limits.h"

#define EVIDENCE_WORD_BYTES 24u /* of a part's kind, with the NUL: a-z, 0-9 and "-" */
#define EVIDENCE_NAME_BYTES 80u /* of its name, likewise, and capitals, "." and "_" */

enum evidence_about {
    EVIDENCE_CASE, /* referralctl evidence export */
    EVIDENCE_LIE,  /* an agent caught the broker */
    EVIDENCE_ABOUT_COUNT
};
const char *evidence_about_name(enum evidence_about about); /* "case": as in the head */

struct evidence_part {
    char kind[EVIDENCE_WORD_BYTES];
    char name[EVIDENCE_NAME_BYTES];
    struct span bytes; /* borrowed */
};

struct evidence {
    enum crypto_suite suite;
    enum evidence_about about;
    const struct evidence_part *parts; /* borrowed */
    size_t part_count;
};

/* Does the text begin as an evidence file does? */
bool evidence_is_file(struct span bytes);

/* Appends the file; `out` is empty. Words and names must be as above and no part twice, and at
 * least one is there (asserted). ERR_TOO_LARGE beyond LIMIT_EVIDENCE_PARTS or the buf's maximum. */
enum err evidence_encode(const struct evidence *evidence, struct buf *out) MUST_CHECK;

/* Reads one form only: no other line, order, blank or number. The parts are the region's and borrow
 * from the bytes. The fault's place is `name`, and the line that is meant. ERR_VERSION: no evidence
 * of version 1; ERR_INVALID (evidence.form: the head; evidence.digest: head or part was changed;
 * evidence.behind: bytes behind the last part); ERR_CLOSED (evidence.cut): the end is missing;
 * ERR_TOO_LARGE; ERR_MEMORY. */
enum err evidence_decode(const char *name, struct span bytes, struct region *region,
                         struct evidence *ret_evidence, struct fault *fault) MUST_CHECK;

/* NULL: there is none. */
const struct evidence_part *evidence_find(const struct evidence *evidence, const char *kind,
                                          const char *name);

#endif
