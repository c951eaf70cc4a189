/* What commands take besides words: numbers of options, files, standard input. Each says itself
 * what is wrong and answers an exit status, EXIT_OK when all is well. Main thread, blocking. */
#ifndef REFERRAL_CLI_INPUT_H
#define REFERRAL_CLI_INPUT_H

#include "base/bytes.h"
#include "cli/command.h"

struct input_range {
    uint64_t min, max;
    uint64_t otherwise; /* when the option is not given */
};

int input_number(const struct invocation *invocation, enum option_id option,
                 struct input_range range, uint64_t *ret_number);

/* The name of a file for messages: "standard input" for "-". */
const char *input_name(const char *path);
/* All of a file, or of standard input for "-", up to the buf's maximum. */
int input_file(const struct invocation *invocation, const char *path, struct buf *ret_bytes);
/* The same for a text that people wrote: UTF-8, not empty; the end is stripped of line ends and
 * blanks, and a NUL follows it. */
int input_text(const struct invocation *invocation, enum option_id option, struct buf *ret_text);
/* Frees a buf of personal data, its bytes zeroed. */
void input_wipe(struct buf *bytes);

#endif
