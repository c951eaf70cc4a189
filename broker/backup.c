/* What goes into the broker's backups. See backup.h. */
#include "broker/backup.h"

#include "wire/keyring.h"

void broker_backup_plan(const struct broker *broker, const struct broker_config *config,
                        struct backups_plan *ret_plan)
{
    const struct broker_setup *setup = broker_setup(broker);
    struct broker_clock clock;

    broker_clock(broker, &clock);
    *ret_plan = (struct backups_plan){.folder = config->backup_folder,
                                      .recovery_key = config->recovery_key,
                                      .attachments = config->attachments,
                                      .store = config->store,
                                      .owner = keyring_origin(setup->keyring),
                                      .software = setup->software,
                                      .signer = setup->key,
                                      .files = {{"broker.yaml", config->origin.file},
                                                {"agencies.yaml", config->registry},
                                                {"policy.yaml", config->policy},
                                                {"public-keys.yaml", config->public_keys},
                                                {"calendars", config->calendars}},
                                      .file_count = 5,
                                      .keep = (unsigned)config->backup_keep,
                                      .now_ms = clock.wall_ms};
}
