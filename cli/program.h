/* Runs another program of this system beside referralctl and takes what it prints. Main thread,
 * blocking, with a limit of time. */
#ifndef REFERRAL_CLI_PROGRAM_H
#define REFERRAL_CLI_PROGRAM_H

#include "base/bytes.h"

#define PROGRAM_WORDS_MAX 8u

/* Appends what the program prints on standard output; its standard error goes nowhere. `words` has
 * its name and arguments, NULL behind the last: it lies beside this program, or in the PATH.
 * Answers its exit status, or -1: it could not be started, was killed, or took too long. */
int program_run(const char *const words[PROGRAM_WORDS_MAX], unsigned limit_ms,
                struct buf *ret_output);

#endif
