/* Log lines for people who run the programs: events of the table in log_event.h, with case, agency
 * and code, to the journal by its own protocol when standard error is the journal, otherwise one
 * line a call on standard error. Ids only, never personal data. Of each kind of event so many lines
 * a minute are written; what was left out is counted and said. Library code logs at debug only;
 * main and the daemons' own files log the rest. Any thread, after log_init. */
#ifndef REFERRAL_BASE_LOG_H
#define REFERRAL_BASE_LOG_H

#include <stdint.h>

#include "base/err.h"
#include "base/log_event.h"

#define LOG_EACH_MINUTE 20u

struct log_subject { /* what an event is about: ids, borrowed; NULL: nothing */
    const char *case_id, *agency, *code;
};

/* `now_ms` is a clock that only goes forward, for the bound of lines a minute; NULL: no bound. */
void log_init(const char *program, enum log_level level, uint64_t (*now_ms)(void));
/* The journal listens elsewhere; for tests. False: nobody listens there. */
bool log_to_journal(const char *socket_path);
/* Says what was left out and not said yet: before the end. */
void log_flush(void);

void log_event(enum log_event event, const char *fmt, ...) FORMAT(2, 3);
void log_about(enum log_event event, const struct log_subject *subject, const char *fmt, ...)
    FORMAT(3, 4);
void log_debug(const char *fmt, ...) FORMAT(1, 2);
/* Of programs that have no events: tools and benchmarks. */
void log_error(const char *fmt, ...) FORMAT(1, 2);
void log_warn(const char *fmt, ...) FORMAT(1, 2);
void log_info(const char *fmt, ...) FORMAT(1, 2);
/* Logs a fault as one line: "place: message (hint) [code]". Outside the journal the line of the
 * file that it is about follows, with a caret under the place. */
void log_fault(enum log_event event, const struct fault *fault);
void log_faults(enum log_event event, const struct faults *faults); /* all of them */

const char *log_event_name(enum log_event event); /* "store-failed" */
const char *log_event_id(enum log_event event);   /* MESSAGE_ID */

#endif
