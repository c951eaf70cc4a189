/* What goes into the broker's backups, from its configuration. Started by `backup` on the status
 * socket, made in the background by lib/store/backups. Loop thread. */
#ifndef REFERRAL_BROKER_BACKUP_H
#define REFERRAL_BROKER_BACKUP_H

#include "broker/broker.h"
#include "broker/config.h"
#include "store/backups.h"

/* The plan borrows from both. */
void broker_backup_plan(const struct broker *broker, const struct broker_config *config,
                        struct backups_plan *ret_plan);

#endif
