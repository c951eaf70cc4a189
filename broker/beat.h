/* What the broker tells its service manager of itself: one line in Chinese for `systemctl status`,
 * and whether the look at what is due is late. Reads in one short transaction. Loop thread. */
#ifndef REFERRAL_BROKER_BEAT_H
#define REFERRAL_BROKER_BEAT_H

#include "broker/broker.h"
#include "io/heartbeat.h"

void beat_look(const struct broker *broker, struct heartbeat_view *ret_view);

#endif
