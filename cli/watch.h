/* The parts of the command `watch` that need no terminal of their own. Main thread, blocking. */
#ifndef REFERRAL_CLI_WATCH_H
#define REFERRAL_CLI_WATCH_H

#include "cli/call.h"
#include "cli/watch_state.h"

#define WATCH_EVENTS 40u /* that a page begins with */

/* Begins the question for one of the answers. */
void watch_question(struct call *call, enum watch_answer which);
/* One page on standard output, or with --json its object. */
int watch_once(const struct invocation *invocation, const char *path);
/* Events as lines, until Ctrl-C or until nobody reads them. */
int watch_follow(const struct invocation *invocation, const char *path);
/* The same from behind a position. */
int watch_follow_from(const struct invocation *invocation, const char *path, int64_t position);

#endif
