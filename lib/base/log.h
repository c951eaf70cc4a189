/* Log lines for people who run the programs, on standard error, with the journal's "<N>" priority
 * prefix when standard error is the journal. One line a call, ids only, never personal data.
 * Library code logs at debug only; main and the daemons' own files log the rest. Any thread. */
#ifndef REFERRAL_BASE_LOG_H
#define REFERRAL_BASE_LOG_H

#include "base/err.h"

enum log_level { LOG_ERROR_LEVEL = 3, LOG_WARN_LEVEL = 4, LOG_INFO_LEVEL = 6, LOG_DEBUG_LEVEL = 7 };

void log_init(const char *program, enum log_level level);
void log_error(const char *fmt, ...) FORMAT(1, 2);
void log_warn(const char *fmt, ...) FORMAT(1, 2);
void log_info(const char *fmt, ...) FORMAT(1, 2);
void log_debug(const char *fmt, ...) FORMAT(1, 2);
/* Logs a fault as one line: "place: message (hint) [code]". Outside the journal the line of the
 * file that it is about follows, with a caret under the place. */
void log_fault(enum log_level level, const struct fault *fault);
void log_faults(const struct faults *faults); /* all of them, as errors */

#endif
