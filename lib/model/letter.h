/* Official letters (公函) of what agencies send each other: the number in the head of a transfer or
 * feedback letter, and the code by which a paper letter is checked against the log.
 *
 * A letter's number is derived from the numbers that the message has already, so that no second
 * counter can go wrong: of a transfer letter from the referral's number, whose counter is the
 * sender's by year; of a feedback letter from the register number, whose counter is the receiver's
 * by year. What comes again under one counter is marked as courts and offices do it: 之二, 之三.
 *
 * The code holds the message's id, the first 96 bits of its digest as the log records it, and 16
 * bits that find a slip of the hand. It proves nothing by itself: whoever has the message or the
 * log compares. Pure; any thread. */
#ifndef REFERRAL_MODEL_LETTER_H
#define REFERRAL_MODEL_LETTER_H

#include "model/registry.h"

enum letter_kind {
    LETTER_TRANSFER, /* 移送函: 移 */
    LETTER_FEEDBACK, /* 反馈函: 复 */
};

#define LETTER_NUMBER_BYTES 128u

/* 鄂检救移〔2026〕31号: the agency's letter code and the kind's character, the year in six-sided
 * brackets, no leading zero. `number` is a referral's or a register number; `ordinal` is which
 * letter under it, from 1, and for a referral its suffix whatever is given. A number of another
 * agency (its case was opened there) keeps that one's prefix, so that none comes twice.
 * ERR_INVALID, and "": it is no such number. */
enum err letter_number(const struct agency *agency, enum letter_kind kind, const char *number,
                       uint32_t ordinal, char out[LETTER_NUMBER_BYTES]) MUST_CHECK;
/* DB-2026-0012 as 督〔2026〕12号 behind `code`. ERR_INVALID, and "". */
enum err letter_document_number(const char *code, const char *number,
                                char out[LETTER_NUMBER_BYTES]) MUST_CHECK;

#define LETTER_DIGEST_BYTES 12u
#define LETTER_CODE_BYTES   60u /* 12 groups of 4, dashes between, the NUL */

struct letter_code {
    struct uuid message_id;
    uint8_t digest[LETTER_DIGEST_BYTES]; /* the first bytes of the message's digest */
};

void letter_code_of(const struct uuid *message_id, const struct digest *digest,
                    struct letter_code *ret_code);
/* "01KA-9F3M-...": digits and capitals without I, L, O and U (Crockford's base 32). */
void letter_code_format(const struct letter_code *code, char out[LETTER_CODE_BYTES]);
/* As people type it: either case, blanks and dashes anywhere, O for 0, I and L for 1, full-width
 * characters. ERR_INVALID: too short or long, another character, or mistyped. */
enum err letter_code_parse(const char *text, struct letter_code *ret_code) MUST_CHECK;

enum letter_verdict {
    LETTER_UNKNOWN, /* no message of that id is held */
    LETTER_DIFFERS, /* there is one, and it is another */
    LETTER_MATCHES,
};
/* `held`: the digest of the message of the code's id; NULL: there is none. */
enum letter_verdict letter_judge(const struct letter_code *code, const struct digest *held);

#endif
