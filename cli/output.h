/* How commands answer: JSON of one shape, faults in one form, instants in +08:00, and texts of
 * others without what would move a terminal. Main thread. */
#ifndef REFERRAL_CLI_OUTPUT_H
#define REFERRAL_CLI_OUTPUT_H

#include "base/json.h"
#include "cli/command.h"
#include "model/instant_text.h"

/* Says on standard error what is wrong and what to do, with --json also on standard output as
 * {"ok":false,"code","place","message","hint"}. Answers the status. */
int output_fault(const struct invocation *invocation, int status, const struct fault *fault);
/* The same for an option with a wrong value: EXIT_USAGE. */
int output_misused(const struct invocation *invocation, enum option_id option,
                   const char *expected);
/* A line on standard error that begins with "warning:". Answers EXIT_WARNING. */
int output_warn(const char *fmt, ...) FORMAT(1, 2);

/* An answer in JSON: begin, members, end. `ok` is written by begin. Texts that are no UTF-8, as
 * words of a command line may be, are written with "?" for their bytes. */
struct answer {
    struct buf text; /* owned from begin to end */
    struct json_writer json;
};
void answer_begin(struct answer *answer, bool ok);
void answer_text(struct answer *answer, const char *name, const char *value);
void answer_u64(struct answer *answer, const char *name, uint64_t value);
void answer_bool(struct answer *answer, const char *name, bool value);
/* Prints it; answers the status, or EXIT_FAILED where it cannot be printed. */
int answer_end(struct answer *answer, int status);

/* "2026-10-30T00:00:00+08:00" in whole seconds; "-" for 0. */
void output_instant(uint64_t instant_ms, char out[INSTANT_TEXT_BYTES]);

/* Appends the text with each control character as a blank: what others wrote must not move a
 * terminal. Bytes that are no UTF-8 become "?". */
enum err output_clean(const char *text, struct buf *out) MUST_CHECK;
/* The same, with line ends and tabs kept. */
enum err output_clean_lines(const char *text, struct buf *out) MUST_CHECK;

#endif
