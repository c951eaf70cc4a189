/* What an agent tells its service manager of itself: one line in Chinese for `systemctl status`.
 * An agent has nothing to do by the clock that could be late: the broker counts. Loop thread. */
#ifndef REFERRAL_AGENT_BEAT_H
#define REFERRAL_AGENT_BEAT_H

#include "agent/agent.h"
#include "io/heartbeat.h"

void agent_beat_look(const struct agent *agent, struct heartbeat_view *ret_view);

#endif
