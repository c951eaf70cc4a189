/* Prints what a command is, from its row. See command.h. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"

static void print_option(enum option_id id)
{
    const struct option *option = &option_table[id];
    char left[64];

    (void)snprintf(left, sizeof(left), "--%s%s%s", option->name, option->value != NULL ? " " : "",
                   option->value != NULL ? option->value : "");
    printf("  %-22s %s\n", left, option->help);
}

static void print_command(const struct command *command)
{
    printf("Usage: referralctl %s%s%s", command->path, command->arguments[0] != '\0' ? " " : "",
           command->arguments);
    for (unsigned id = 0; id < OPTION_COUNT; id++) {
        if ((command->required & OPTION_BIT(id)) != 0) {
            printf(" --%s %s", option_table[id].name, option_table[id].value);
        }
    }
    printf(" [OPTION...]\n\n%s\n\nOptions:\n", command->summary);
    for (unsigned id = 0; id < OPTION_COUNT; id++) {
        if ((command_options(command) & OPTION_BIT(id)) != 0) {
            print_option((enum option_id)id);
        }
    }
    printf("\nExamples:\n%s", command->examples);
}

/* Does the path begin with the words of the group? */
static bool in_group(const char *path, const char *group)
{
    size_t len = strlen(group);

    return len == 0 || (strncmp(path, group, len) == 0 && (path[len] == ' ' || path[len] == '\0'));
}

/* The first of each command of the group. */
static void print_examples(const char *group)
{
    for (const struct command *row = command_table; row->path != NULL; row++) {
        if (in_group(row->path, group)) {
            printf("%.*s\n", (int)strcspn(row->examples, "\n"), row->examples);
        }
    }
}

void help_print(const struct invocation *invocation)
{
    const char *group = invocation->group;

    if (invocation->command != NULL) {
        print_command(invocation->command);
        return;
    }
    printf("Usage: referralctl COMMAND [OPTION...]\n\n"
           "Asks a broker and an agent, counts working days, makes keys, verifies logs.\n\n"
           "Commands:\n");
    for (const struct command *row = command_table; row->path != NULL; row++) {
        if (in_group(row->path, group)) {
            printf("  %-25s %s\n", row->path, row->summary);
        }
    }
    printf("\nEvery command has --json, --quiet, and --help with examples; options may stand "
           "anywhere.\n"
           "Exit status: 0 ok, 1 failed, 2 usage, 3 cannot reach, 4 refused or unreadable,\n"
           "5 warning or incomplete.\n\n"
           "Examples:\n");
    if (group[0] != '\0') {
        print_examples(group);
        return;
    }
    printf("  referralctl calendar due --from 2026-09-24 --days 20\n"
           "  referralctl --socket /run/referral-broker/status.sock queue\n");
}
