/* Reloading an agent: all files are read and checked anew beside what is in force. A new calendar
 * is the one thing that a running agent exchanges; whatever else differs is named, needs a restart,
 * and keeps the calendar in force, too: all or nothing. Loop thread; nothing is kept of what was
 * read. */
#ifndef REFERRAL_AGENT_RELOAD_H
#define REFERRAL_AGENT_RELOAD_H

#include "agent/load.h"

/* OK: the fresh calendar is the caller's. Otherwise everything that is wrong is in the log, and the
 * first of it, with how many there are, in the fault. */
enum err reload_calendar(const struct loaded *loaded, struct calendar **ret_calendar,
                         struct fault *fault) MUST_CHECK;

#endif
