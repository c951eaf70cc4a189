/* Case, referral, register and document numbers: format, parse, next (domain section 1).
 *
 *   case      JZ-2026-0031       the prefix of the agency that opens it, the +08:00 year
 *   referral  JZ-2026-0031-01    the case's number and which transfer of it
 *   register  MZ-DJ-2026-0007    登记: the receiver's prefix
 *   matter    JZ-SX-2026-0007    事项: the prefix of the agency that opens it
 *   document  DB-2026-0012       督办单: the broker's
 * Counters have four digits or more, suffixes two or more. Harmless in a header: no name, no hash
 * of one. Pure; any thread. */
#ifndef REFERRAL_MODEL_NUMBERS_H
#define REFERRAL_MODEL_NUMBERS_H

#include "base/bytes.h"
#include "base/limits.h"

#define NUMBER_PREFIX_BYTES 8 /* 2 to 4 capital letters, with room for the NUL */
#define NUMBER_COUNTER_MAX  99999999u
#define NUMBER_SUFFIX_MAX   9999u
#define NUMBER_YEAR_MIN     2000u
#define NUMBER_YEAR_MAX     9999u

enum number_kind { NUMBER_CASE, NUMBER_REFERRAL, NUMBER_REGISTER, NUMBER_MATTER, NUMBER_DOCUMENT };

struct number {
    enum number_kind kind;
    char prefix[NUMBER_PREFIX_BYTES]; /* "DB" for documents */
    uint32_t year;
    uint32_t counter; /* from 1 */
    uint32_t suffix;  /* referral numbers: from 1; else 0 */
};

/* A counter that starts again with every +08:00 civil year. */
struct number_counter {
    uint32_t year;
    uint32_t last; /* 0: none given in that year */
};

bool number_prefix_valid(const char *prefix); /* and not "DB", "DJ", "SX" */
void number_format(const struct number *number, char out[LIMIT_NUMBER_BYTES]);
/* Exactly what number_format writes; ERR_INVALID otherwise. */
enum err number_parse(enum number_kind kind, const char *text, struct number *ret) MUST_CHECK;
/* Advances the counter at this instant (a new year begins at 1) and formats the number; a counter
 * never goes back to an earlier year. ERR_FULL at NUMBER_COUNTER_MAX. `prefix` is ignored for
 * documents. */
enum err number_next(enum number_kind kind, const char *prefix, uint64_t now_ms,
                     struct number_counter *counter, char out[LIMIT_NUMBER_BYTES]) MUST_CHECK;
/* The suffix-th referral of a case. ERR_INVALID when case_number is none. */
enum err number_of_referral(const char *case_number, uint32_t suffix,
                            char out[LIMIT_NUMBER_BYTES]) MUST_CHECK;
/* Is this referral number one of that case? */
bool number_belongs(const char *referral_number, const char *case_number);

#endif
