/* What a command of referralctl is: one row of a table. commands.c has the table, parse.c turns the
 * words of a command line into an invocation, help.c prints rows, and each handler has a file by
 * its subject. Handlers run once, on the main thread, and answer the exit status. */
#ifndef REFERRAL_CLI_COMMAND_H
#define REFERRAL_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum exit_status { /* of every command */
                   EXIT_OK = 0,
                   EXIT_FAILED = 1,
                   EXIT_USAGE = 2,
                   EXIT_UNREACHABLE = 3,
                   EXIT_REFUSED = 4, /* or unreadable */
                   EXIT_WARNING = 5, /* or incomplete */
};

#define SOFTWARE      "referralctl 0.1.0"
#define ARGUMENTS_MAX 4

enum option_id { /* of all commands together; a name means the same everywhere */
                 OPTION_HELP,
                 OPTION_VERSION,
                 OPTION_JSON,
                 OPTION_SOCKET,
                 OPTION_CALENDARS,
                 OPTION_FROM,
                 OPTION_DAYS,
                 OPTION_WITHIN,
                 OPTION_REASON,
                 OPTION_REASON_FILE,
                 OPTION_CODE,
                 OPTION_OFFICER_FILE,
                 OPTION_AFTER,
                 OPTION_ROWS,
                 OPTION_REGISTRY,
                 OPTION_OUT,
                 OPTION_ORIGIN,
                 OPTION_AGENCY,
                 OPTION_AUTHORITY,
                 OPTION_STORE,
                 OPTION_EXPORT,
                 OPTION_KEY,
                 OPTION_CHECK,
                 OPTION_KEEP,
                 OPTION_PORT,
                 OPTION_DAY,
                 OPTION_MUTATION,
                 OPTION_TO,
                 OPTION_CSV,
                 OPTION_ENGLISH,
                 OPTION_DRY_RUN,
                 OPTION_YEAR,
                 OPTION_FILE,
                 OPTION_OLD,
                 OPTION_NEW,
                 OPTION_ROLES,
                 OPTION_QUIET,
                 OPTION_YES,
                 OPTION_ORDER,
                 OPTION_EFFECTIVE,
                 OPTION_CONTEXT,
                 OPTION_AGENT_SOCKET,
                 OPTION_CONFIG,
                 OPTION_ONLY,
                 OPTION_DISK_PERCENT,
                 OPTION_ALL,
                 OPTION_TIMEOUT,
                 OPTION_ONCE,
                 OPTION_FOLLOW,
                 OPTION_RECOVERY_KEY,
                 OPTION_ATTACHMENTS,
                 OPTION_WITHOUT_ATTACHMENTS,
                 OPTION_KNOWN_SIZE,
                 OPTION_LOST,
                 OPTION_PUBLIC_KEYS,
                 OPTION_ROOT_KEY,
                 OPTION_ROOT,
                 OPTION_PREVIOUS,
                 OPTION_OVERLAP,
                 OPTION_SUITE,
                 OPTION_WITH_BODIES,
                 OPTION_FORCE,
                 OPTION_LANG,
                 OPTION_COUNT
};

struct option {
    const char *name;  /* without the dashes */
    const char *value; /* what its value is called in help; NULL: it takes none */
    const char *help;
};

struct invocation;

struct command {
    const char *path; /* "calendar due": the words that name it */
    const char *summary;
    const char *arguments; /* for help: "REFERRAL"; "" when it takes none; one in */
                           /* brackets, "[CASE]", may be left out */
    size_t argument_count; /* exactly, but for one in brackets */
    uint64_t options;      /* bit set of option_id, besides help, json, quiet; and context, */
                           /* which goes with socket */
    uint64_t required;     /* of these, the ones that must be given */
    int (*run)(const struct invocation *invocation);
    const char *examples; /* whole lines */
};

#define OPTION_BIT(id) (UINT64_C(1) << (id))

struct invocation {
    const struct command *command;        /* NULL: help or version of a group */
    const char *value[OPTION_COUNT];      /* NULL: not given; "" for an option without value */
    const char *arguments[ARGUMENTS_MAX]; /* what follows the words of the command */
    size_t argument_count;
    char group[64]; /* the first words given, for help */
};

_Static_assert(OPTION_COUNT < 64, "options are bits of 64");

/* The tables; both end with a NULL name. */
extern const struct option option_table[OPTION_COUNT + 1];
extern const struct command command_table[];

/* Words and options may stand in any order; "--" ends the options. ERR_INVALID with a fault whose
 * place is the word at fault. `--help` and `--version` are answered before anything is missed. */
enum err invocation_parse(int argc, char **argv, struct invocation *ret,
                          struct fault *fault) MUST_CHECK;
bool invocation_has(const struct invocation *invocation, enum option_id id);
/* The options that a command takes, those of all commands included. */
uint64_t command_options(const struct command *command);

/* On standard output: one command, or all whose path begins with the group's words. */
void help_print(const struct invocation *invocation);

/* The handlers of the table, by file. */
int calendar_due_run(const struct invocation *invocation);
int calendar_show_run(const struct invocation *invocation);
int calendar_check_run(const struct invocation *invocation);
int calendar_ics_run(const struct invocation *invocation);
int calendar_import_run(const struct invocation *invocation);
int demo_run(const struct invocation *invocation);
int keys_init_run(const struct invocation *invocation);
int keys_generate_run(const struct invocation *invocation);
int keys_root_run(const struct invocation *invocation);
int registry_sign_run(const struct invocation *invocation);
int registry_verify_run(const struct invocation *invocation);
int registry_diff_run(const struct invocation *invocation);
int registry_revoke_run(const struct invocation *invocation);
int keys_revoke_run(const struct invocation *invocation);
int keys_endorse_run(const struct invocation *invocation);
int registry_publish_run(const struct invocation *invocation);
int keys_recovery_run(const struct invocation *invocation);
int recovery_show_run(const struct invocation *invocation);
int recovery_go_on_run(const struct invocation *invocation);
int standby_show_run(const struct invocation *invocation);
int standby_hand_over_run(const struct invocation *invocation);
int standby_promote_run(const struct invocation *invocation);
int backup_run(const struct invocation *invocation);
int agent_backup_run(const struct invocation *invocation);
int agent_backup_show_run(const struct invocation *invocation);
int backup_show_run(const struct invocation *invocation);
int backup_list_run(const struct invocation *invocation);
int backup_verify_run(const struct invocation *invocation);
int store_check_run(const struct invocation *invocation);
int restore_run(const struct invocation *invocation);
int audit_verify_run(const struct invocation *invocation);
int audit_export_run(const struct invocation *invocation);
int evidence_export_run(const struct invocation *invocation);
int evidence_verify_run(const struct invocation *invocation);
int broker_status_run(const struct invocation *invocation);
int agency_list_run(const struct invocation *invocation);
int doctor_run(const struct invocation *invocation);
int agent_doctor_run(const struct invocation *invocation);
int config_check_run(const struct invocation *invocation);
int config_show_run(const struct invocation *invocation);
int config_reload_run(const struct invocation *invocation);
int metrics_run(const struct invocation *invocation);
int agency_suspend_run(const struct invocation *invocation);
int agency_resume_run(const struct invocation *invocation);
int dead_list_run(const struct invocation *invocation);
int dead_show_run(const struct invocation *invocation);
int dead_retry_run(const struct invocation *invocation);
int dead_drop_run(const struct invocation *invocation);
int ping_run(const struct invocation *invocation);
int audit_tail_run(const struct invocation *invocation);
int watch_run(const struct invocation *invocation);
int broker_queue_run(const struct invocation *invocation);
int broker_due_run(const struct invocation *invocation);
int broker_case_run(const struct invocation *invocation);
int broker_why_run(const struct invocation *invocation);
int broker_late_run(const struct invocation *invocation);
int broker_documents_run(const struct invocation *invocation);
int broker_voids_run(const struct invocation *invocation);
int policy_list_run(const struct invocation *invocation);
int policy_diff_run(const struct invocation *invocation);
int stats_run(const struct invocation *invocation);
int broker_clock_show_run(const struct invocation *invocation);
int broker_clock_confirm_run(const struct invocation *invocation);
int broker_clock_reset_run(const struct invocation *invocation);
int agent_send_run(const struct invocation *invocation);
int agent_attach_run(const struct invocation *invocation);
int agent_attachments_run(const struct invocation *invocation);
int agent_fetch_run(const struct invocation *invocation);
int agent_inbox_run(const struct invocation *invocation);
int agent_outbox_run(const struct invocation *invocation);
int agent_show_run(const struct invocation *invocation);
int agent_sign_for_run(const struct invocation *invocation);
int agent_feedback_run(const struct invocation *invocation);
int agent_withdraw_run(const struct invocation *invocation);
int agent_reply_run(const struct invocation *invocation);
int agent_late_run(const struct invocation *invocation);
int agent_officer_add_run(const struct invocation *invocation);
int agent_officer_reset_run(const struct invocation *invocation);
int agent_officer_disable_run(const struct invocation *invocation);
int agent_officer_enable_run(const struct invocation *invocation);
int agent_officer_list_run(const struct invocation *invocation);
int agent_status_run(const struct invocation *invocation);
int agent_reload_run(const struct invocation *invocation);
int agent_notify_test_run(const struct invocation *invocation);
int agent_notify_dead_run(const struct invocation *invocation);
int agent_erase_run(const struct invocation *invocation);
int agent_distrust_show_run(const struct invocation *invocation);
int agent_distrust_clear_run(const struct invocation *invocation);
int agent_checkpoint_show_run(const struct invocation *invocation);
int agent_checkpoint_compare_run(const struct invocation *invocation);
int agent_notify_retry_run(const struct invocation *invocation);
int context_add_run(const struct invocation *invocation);
int context_list_run(const struct invocation *invocation);
int context_use_run(const struct invocation *invocation);
int context_remove_run(const struct invocation *invocation);
int completion_run(const struct invocation *invocation);

#endif
