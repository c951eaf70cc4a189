/* Turns a command line into an invocation. See command.h. Pure but for the tables. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/nearest.h"
#include "cli/command.h"

#define WORDS_MAX         (ARGUMENTS_MAX + 4)
#define COMMANDS_MAX      128
#define OPTION_NAME_BYTES 32
#define GIVEN             "" /* the value of an option that takes none */

struct words {
    const char *at[WORDS_MAX];
    size_t count;
};

bool invocation_has(const struct invocation *invocation, enum option_id id)
{
    return invocation->value[id] != NULL;
}

uint64_t command_options(const struct command *command)
{
    bool asks = (command->options & OPTION_BIT(OPTION_SOCKET)) != 0;

    return command->options | OPTION_BIT(OPTION_HELP) | OPTION_BIT(OPTION_JSON) |
           OPTION_BIT(OPTION_QUIET) | (asks ? OPTION_BIT(OPTION_CONTEXT) : 0);
}

static enum err unknown_option(const char *word, struct fault *fault)
{
    char dashed[OPTION_COUNT][OPTION_NAME_BYTES], name[64];
    const char *names[OPTION_COUNT + 1];

    for (size_t i = 0; i < OPTION_COUNT; i++) {
        (void)snprintf(dashed[i], sizeof(dashed[i]), "--%s", option_table[i].name);
        names[i] = dashed[i];
    }
    names[OPTION_COUNT] = NULL;
    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "="), word);
    fault_set(fault, "usage.option", word, "there is no such option");
    nearest_hint(fault, name, names);
    return ERR_INVALID;
}

/* Takes the option at argv[*at], and its value where that is the next word. */
static enum err take_option(int argc, char **argv, int *at, struct invocation *to,
                            struct fault *fault)
{
    const char *word = argv[*at], *equals = strchr(word, '=');
    size_t len = equals != NULL ? (size_t)(equals - word - 2) : strlen(word + 2);
    size_t id = 0;

    while (id < OPTION_COUNT && (strlen(option_table[id].name) != len ||
                                 memcmp(option_table[id].name, word + 2, len) != 0)) {
        id++;
    }
    if (id == OPTION_COUNT) {
        return unknown_option(word, fault);
    }
    if (to->value[id] != NULL) {
        fault_set(fault, "usage.option", word, "this option is given twice");
        return ERR_INVALID;
    }
    if (option_table[id].value == NULL) {
        to->value[id] = GIVEN;
        if (equals != NULL) {
            fault_set(fault, "usage.option", word, "this option takes no value");
        }
        return equals == NULL ? OK : ERR_INVALID;
    }
    to->value[id] = equals != NULL ? equals + 1 : *at + 1 < argc ? argv[++*at] : NULL;
    if (to->value[id] == NULL || to->value[id][0] == '\0') {
        fault_set(fault, "usage.option", word, "expected a value: --%s %s", option_table[id].name,
                  option_table[id].value);
        return ERR_INVALID;
    }
    return OK;
}

static enum err split(int argc, char **argv, struct words *words, struct invocation *to,
                      struct fault *fault)
{
    bool options = true;

    for (int i = 1; i < argc; i++) {
        enum err error = OK;

        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && strncmp(argv[i], "--", 2) == 0) {
            error = take_option(argc, argv, &i, to, fault);
        } else if (options && strcmp(argv[i], "-h") == 0) {
            to->value[OPTION_HELP] = GIVEN;
        } else if (words->count == WORDS_MAX) {
            fault_set(fault, "usage.arguments", argv[i], "too many words");
            error = ERR_INVALID;
        } else {
            words->at[words->count] = argv[i];
            words->count++;
        }
        if (error != OK) {
            return error;
        }
    }
    return OK;
}

/* How many of the words are the command's whole path; 0 when they are not. */
static size_t path_words(const char *path, const struct words *words)
{
    size_t count = 0;

    while (*path != '\0') {
        size_t len = strcspn(path, " ");

        if (count == words->count || strlen(words->at[count]) != len ||
            memcmp(words->at[count], path, len) != 0) {
            return 0;
        }
        count++;
        path += len + (path[len] == ' ' ? 1 : 0);
    }
    return count;
}

static void name_group(const struct words *words, struct invocation *to)
{
    size_t used = 0;

    to->group[0] = '\0';
    for (size_t i = 0; i < words->count && i < 2 && used < sizeof(to->group); i++) {
        used += (size_t)snprintf(to->group + used, sizeof(to->group) - used, "%s%s",
                                 i > 0 ? " " : "", words->at[i]);
    }
}

/* The commands whose path begins with these words, or all for NULL. */
static size_t list_commands(const char *words, const char *names[COMMANDS_MAX + 1])
{
    size_t count = 0, len = words != NULL ? strlen(words) : 0;

    for (const struct command *row = command_table; row->path != NULL; row++) {
        if (words == NULL || (strncmp(row->path, words, len) == 0 && row->path[len] == ' ')) {
            assert(count < COMMANDS_MAX);
            names[count] = row->path;
            count++;
        }
    }
    names[count] = NULL;
    return count;
}

static enum err unknown_command(const struct words *words, const struct invocation *to,
                                struct fault *fault)
{
    const char *names[COMMANDS_MAX + 1];
    char list[256];

    if (words->count == 0) {
        fault_set(fault, "usage.command", "", "expected a command");
    } else if (list_commands(words->at[0], names) > 0) {
        nearest_list(names, list, sizeof(list));
        fault_set(fault, "usage.command", to->group,
                  "there is no such command; expected one of: %s", list);
        nearest_hint(fault, to->group, names);
    } else {
        (void)list_commands(NULL, names);
        fault_set(fault, "usage.command", to->group, "there is no such command");
        nearest_hint(fault, to->group, names);
    }
    return ERR_INVALID;
}

static enum err find_command(const struct words *words, struct invocation *to, struct fault *fault)
{
    size_t taken = 0;

    for (const struct command *row = command_table; row->path != NULL; row++) {
        size_t count = path_words(row->path, words);

        if (count > taken) {
            to->command = row;
            taken = count;
        }
    }
    if (to->command == NULL) {
        return unknown_command(words, to, fault);
    }
    for (size_t i = taken; i < words->count; i++) {
        if (to->argument_count == ARGUMENTS_MAX) {
            fault_set(fault, "usage.arguments", words->at[i], "too many words");
            return ERR_INVALID;
        }
        to->arguments[to->argument_count] = words->at[i];
        to->argument_count++;
    }
    return OK;
}

static enum err check_options(const struct invocation *to, struct fault *fault)
{
    uint64_t allowed = command_options(to->command) | OPTION_BIT(OPTION_VERSION);

    for (size_t id = 0; id < OPTION_COUNT; id++) {
        char name[64];

        (void)snprintf(name, sizeof(name), "--%s", option_table[id].name);
        if (to->value[id] != NULL && (allowed & OPTION_BIT(id)) == 0) {
            fault_set(fault, "usage.option", name, "`%s` has no such option", to->command->path);
            return ERR_INVALID;
        }
        if (to->value[id] == NULL && (to->command->required & OPTION_BIT(id)) != 0) {
            fault_set(fault, "usage.option", name, "`%s` needs %s %s", to->command->path, name,
                      option_table[id].value != NULL ? option_table[id].value : "");
            return ERR_INVALID;
        }
    }
    return OK;
}

/* Help of all commands, or of those that begin with the first word, if there are any. */
static bool help_of_group(const struct words *words, struct invocation *to)
{
    const char *names[COMMANDS_MAX + 1];

    if (words->count > 0) {
        text_copy(to->group, sizeof(to->group), words->at[0]);
    }
    return words->count == 0 || list_commands(words->at[0], names) > 0;
}

/* A fault is told in the form that the caller asked for, wherever it stands. */
static void want_json(int argc, char **argv, struct invocation *to)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            to->value[OPTION_JSON] = GIVEN;
        }
    }
}

/* "why" without its words: which one is missing, as the usage line names it. */
static enum err refuse_missing(const struct invocation *to, struct fault *fault)
{
    const char *word = to->command->arguments;

    for (size_t i = 0; i < to->argument_count; i++) {
        word += strcspn(word, " ");
        word += strspn(word, " ");
    }
    fault_set(fault, "usage.arguments", "", "`%s` takes %s: %.*s is missing", to->command->path,
              to->command->arguments, (int)strcspn(word, " "), word);
    return ERR_INVALID;
}

static bool argument_count_fits(const struct invocation *to)
{
    size_t least = to->command->argument_count;
    size_t most = least + (strchr(to->command->arguments, '[') != NULL);

    return to->argument_count >= least && to->argument_count <= most;
}

enum err invocation_parse(int argc, char **argv, struct invocation *ret, struct fault *fault)
{
    struct words words = {.count = 0};
    enum err error;

    memset(ret, 0, sizeof(*ret));
    error = split(argc, argv, &words, ret, fault);
    name_group(&words, ret);
    if (error != OK) {
        want_json(argc, argv, ret);
        return error;
    }
    error = find_command(&words, ret, fault);
    if (invocation_has(ret, OPTION_HELP) || invocation_has(ret, OPTION_VERSION)) {
        return ret->command != NULL || help_of_group(&words, ret) ? OK : error;
    }
    if (error == OK && ret->argument_count < ret->command->argument_count) {
        return refuse_missing(ret, fault);
    }
    if (error == OK && !argument_count_fits(ret)) {
        fault_set(fault, "usage.arguments",
                  ret->argument_count > 0 ? ret->arguments[ret->argument_count - 1] : "",
                  ret->command->arguments[0] == '\0' ? "`%s` takes no arguments%s"
                                                     : "`%s` takes %s",
                  ret->command->path, ret->command->arguments);
        return ERR_INVALID;
    }
    return error == OK ? check_options(ret, fault) : error;
}
