/* What the commands about backup files share: what a file says of itself, in JSON and for people;
 * whose it is; and long work with its progress on a terminal. See store/backup.h. Main thread. */
#ifndef REFERRAL_CLI_BACKUP_PARTS_H
#define REFERRAL_CLI_BACKUP_PARTS_H

#include "cli/output.h"
#include "store/backup.h"

/* The members that say what a backup holds. */
void backup_members(struct json_writer *json, const struct backup_info *info);
/* The same as a table. EXIT_OK or EXIT_FAILED. */
int backup_draw(const struct backup_info *info);

/* Is it of the pinned city: the signer one of the broker's keys or of the agency's, and the
 * checkpoint in it the broker's over that very log? ERR_FORGED with a fault, or what reading the
 * file of --key gave. */
enum err backup_check_owner(const char *key_path, const struct backup_info *info,
                            struct fault *fault) MUST_CHECK;

/* Runs `work` on a thread of its own and shows how far it is where somebody watches. */
struct backup_work {
    enum err (*run)(void *ctx, struct backup_progress *progress, struct fault *fault);
    void *ctx;
    const struct backup_info *info; /* what all of it is */
};
enum err backup_work_run(const struct invocation *invocation, const struct backup_work *work,
                         struct fault *fault) MUST_CHECK;

/* What the environment did, what the input is: the exit status of an error. */
int backup_status_of(enum err error);

#endif
