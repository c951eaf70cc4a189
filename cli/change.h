/* What every command that changes something asks for: a reason in words, and of a destructive one
 * the consent of whoever sits there. Neither is asked for with --dry-run. Main thread; prompts go
 * to standard error, so that --json stays parseable. */
#ifndef REFERRAL_CLI_CHANGE_H
#define REFERRAL_CLI_CHANGE_H

#include "base/bytes.h"
#include "cli/command.h"

#define CHANGE_REASON_BYTES 500u

/* From --reason, from the file of --reason-file, or asked for on a terminal: one line or several of
 * UTF-8, a NUL behind it. EXIT_USAGE where there is none and nobody to ask. */
int change_reason(const struct invocation *invocation, struct buf *ret_reason);

/* "drop message 0198..." EXIT_OK by --yes or an answer on the terminal; EXIT_REFUSED for another
 * answer, EXIT_USAGE where there is nobody to ask. */
int change_confirm(const struct invocation *invocation, const char *what);

#endif
