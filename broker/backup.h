/* The broker's own backups: what belongs into one, from the configuration; started by `backup` on
 * the status socket, made in the background by lib/store/backup_job. Loop thread. */
#ifndef REFERRAL_BROKER_BACKUP_H
#define REFERRAL_BROKER_BACKUP_H

#include "broker/broker.h"
#include "broker/config.h"
#include "store/backup_job.h"

struct broker_backup;

/* Finds the last one in the configured folder. ERR_MEMORY. */
enum err broker_backup_new(const struct broker_config *config, const char *origin,
                           struct broker_backup **ret_backup) MUST_CHECK;
/* Cancels what runs. Before the store is closed. NULL allowed. */
void broker_backup_free(struct broker_backup *backup);

/* Could one be made to `out` (NULL: the configured folder)? The folder is named and the recovery
 * key is one. Makes nothing. */
enum err broker_backup_check(struct broker_backup *backup, const struct broker_config *config,
                             const char *out, struct fault *fault) MUST_CHECK;
/* After a good check, between the same two turns. Answers at once. */
enum err broker_backup_start(struct broker_backup *backup, const struct broker *broker,
                             const struct broker_config *config, const char *out,
                             struct fault *fault) MUST_CHECK;
/* At the end of a turn: tells the journal how one ended. NULL allowed. */
void broker_backup_turn(struct broker_backup *backup);
void broker_backup_look(struct broker_backup *backup, struct backup_look *ret_look);

#endif
