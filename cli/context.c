/* See context.h. The file is read whole, changed in memory and written whole. */
#include "cli/context.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/nearest.h"
#include "base/yaml.h"
#include "cli/output.h"
#include "cli/table.h"

#define CONTEXTS_MAX 64u
#define NAME_BYTES   32u

struct context {
    char name[NAME_BYTES];
    char member[CONTEXT_MEMBER_COUNT][CONTEXT_PATH_BYTES]; /* "": not saved */
};

struct contexts {
    char path[CONTEXT_PATH_BYTES]; /* of the file */
    char use[NAME_BYTES];          /* "": none */
    struct context rows[CONTEXTS_MAX];
    size_t count;
};

static const struct {
    const char *key;
    enum option_id option;
} members[CONTEXT_MEMBER_COUNT] = {
    [CONTEXT_SOCKET] = {"socket", OPTION_SOCKET},
    [CONTEXT_AGENT_SOCKET] = {"agent-socket", OPTION_AGENT_SOCKET},
    [CONTEXT_CONFIG] = {"config", OPTION_CONFIG},
};

/* --- the file --- */

/* False where neither variable is set: then there are no contexts. */
static bool find_file(char out[CONTEXT_PATH_BYTES])
{
    const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    int len = 0;

    if (base != NULL && base[0] == '/') {
        len = snprintf(out, CONTEXT_PATH_BYTES, "%s/referralctl/contexts.yaml", base);
    } else if (home != NULL && home[0] == '/') {
        len = snprintf(out, CONTEXT_PATH_BYTES, "%s/.config/referralctl/contexts.yaml", home);
    }
    return len > 0 && (size_t)len < CONTEXT_PATH_BYTES;
}

static bool name_fits(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return len > 0 && name[len] == '\0' && len < NAME_BYTES && name[0] != '-';
}

static enum err read_context(const struct yaml_node *key, const struct yaml_node *value,
                             struct context *context, struct fault *fault)
{
    struct yaml_option options[CONTEXT_MEMBER_COUNT + 1] = {{.name = NULL}};
    enum err error;

    if (!name_fits(yaml_text(key))) {
        return yaml_refuse(key, fault, "context.name",
                           "expected a name of 1 to 31 letters a-z, digits and \"-\"");
    }
    text_copy(context->name, sizeof(context->name), yaml_text(key));
    for (size_t i = 0; i < CONTEXT_MEMBER_COUNT; i++) {
        options[i] = (struct yaml_option){.name = members[i].key,
                                          .type = YAML_PATH,
                                          .offset = offsetof(struct context, member) +
                                                    i * CONTEXT_PATH_BYTES,
                                          .size = CONTEXT_PATH_BYTES};
    }
    error = yaml_read(value, options, context, fault);
    if (error == OK && context->member[CONTEXT_SOCKET][0] == '\0' &&
        context->member[CONTEXT_AGENT_SOCKET][0] == '\0') {
        error =
            yaml_refuse(value, fault, "context.socket", "expected socket, agent-socket or both");
    }
    return error;
}

static const struct context *find(const struct contexts *all, const char *name)
{
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->rows[i].name, name) == 0) {
            return &all->rows[i];
        }
    }
    return NULL;
}

static enum err read_all(const struct yaml_node *root, struct contexts *all, struct fault *fault)
{
    struct reading {
        char use[NAME_BYTES];
        const struct yaml_node *contexts;
    } reading = {.use = ""};
    const struct yaml_option options[] = {{.name = "use",
                                           .type = YAML_TEXT,
                                           .offset = offsetof(struct reading, use),
                                           .size = NAME_BYTES},
                                          {.name = "contexts",
                                           .type = YAML_NODE,
                                           .offset = offsetof(struct reading, contexts),
                                           .required = true},
                                          {.name = NULL}};
    enum err error = yaml_read(root, options, &reading, fault);

    if (error == OK &&
        (!yaml_is_mapping(reading.contexts) || yaml_count(reading.contexts) > CONTEXTS_MAX)) {
        error = yaml_refuse(reading.contexts, fault, "context.count",
                            "expected names with their sockets, at most %u", CONTEXTS_MAX);
    }
    for (size_t i = 0; error == OK && i < yaml_count(reading.contexts); i++) {
        error = read_context(yaml_key(reading.contexts, i), yaml_value(reading.contexts, i),
                             &all->rows[i], fault);
        all->count = i + 1;
    }
    text_copy(all->use, sizeof(all->use), reading.use);
    if (error == OK && all->use[0] != '\0' && find(all, all->use) == NULL) {
        error = yaml_refuse(yaml_find(root, "use"), fault, "context.unknown",
                            "there is no context of this name in the file");
    }
    return error;
}

/* Owned by the caller, by free(). No file: no contexts. NULL: told, with the exit status. */
static struct contexts *load(const struct invocation *invocation, int *ret_status)
{
    struct contexts *all = calloc(1, sizeof(*all));
    struct fault fault = {.code = ""};
    struct yaml *yaml = NULL;
    enum err error = all != NULL ? OK : ERR_MEMORY;

    if (error == OK && find_file(all->path) && access(all->path, F_OK) == 0) {
        error = yaml_open(all->path, &yaml, &fault);
    }
    if (error == OK && yaml != NULL) {
        error = read_all(yaml_root(yaml), all, &fault);
    }
    yaml_free(yaml);
    if (error == OK) {
        *ret_status = EXIT_OK;
        return all;
    }
    free(all);
    if (fault.code[0] == '\0') {
        fault_set(&fault, "context.memory", "", "%s", err_text(error));
    } else if (fault.hint[0] == '\0') {
        fault_hint(&fault, "mend this line, or remove the file and `referralctl context add` anew");
    }
    *ret_status = output_fault(invocation, EXIT_REFUSED, &fault);
    return NULL;
}

/* Quoted as JSON is, which YAML reads alike. */
static enum err write_text(const char *text, struct buf *out)
{
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_text(&writer, text);
    return json_writer_end(&writer);
}

static enum err write_context(const struct context *context, struct buf *out)
{
    enum err error = buf_printf(out, "  %s:\n", context->name);

    for (size_t i = 0; error == OK && i < CONTEXT_MEMBER_COUNT; i++) {
        if (context->member[i][0] == '\0') {
            continue;
        }
        error = buf_printf(out, "    %s: ", members[i].key);
        if (error == OK) {
            error = write_text(context->member[i], out);
        }
        if (error == OK) {
            error = buf_append_text(out, "\n");
        }
    }
    return error;
}

static enum err write_all(const struct contexts *all, struct buf *out)
{
    enum err error = buf_append_text(out, "# Written by `referralctl context`.\n");

    if (error == OK && all->use[0] != '\0') {
        error = buf_printf(out, "use: %s\n", all->use);
    }
    if (error == OK) {
        error = buf_append_text(out, all->count > 0 ? "contexts:\n" : "contexts: {}\n");
    }
    for (size_t i = 0; error == OK && i < all->count; i++) {
        error = write_context(&all->rows[i], out);
    }
    return error;
}

static enum err make_folder(const char *path, struct fault *fault)
{
    char folder[CONTEXT_PATH_BYTES];

    text_copy(folder, sizeof(folder), path);
    *strrchr(folder, '/') = '\0';
    return folder_make(folder, 0700, fault);
}

static int save(const struct invocation *invocation, const struct contexts *all)
{
    struct fault fault = {.code = ""};
    struct buf text;
    enum err error;

    if (invocation_has(invocation, OPTION_DRY_RUN)) {
        return EXIT_OK;
    }
    if (all->path[0] == '\0') {
        fault_set(&fault, "context.home", "",
                  "neither XDG_CONFIG_HOME nor HOME says where to save");
        fault_hint(&fault, "set HOME, or name the socket each time: --socket PATH");
        return output_fault(invocation, EXIT_FAILED, &fault);
    }
    buf_init(&text, LIMIT_CONFIG_BYTES);
    error = write_all(all, &text);
    if (error == OK) {
        error = make_folder(all->path, &fault);
    }
    if (error == OK) {
        error = file_write(all->path, span_buf(&text), 0600, &fault);
    }
    buf_free(&text);
    if (error != OK && fault.code[0] == '\0') {
        fault_set(&fault, "context.write", all->path, "%s", err_text(error));
    }
    return error == OK ? EXIT_OK : output_fault(invocation, EXIT_FAILED, &fault);
}

/* --- finding --- */

static int unknown(const struct invocation *invocation, const struct contexts *all,
                   const char *name)
{
    const char *names[CONTEXTS_MAX + 1];
    struct fault fault = {.code = ""};
    char list[128];

    for (size_t i = 0; i < all->count; i++) {
        names[i] = all->rows[i].name;
    }
    names[all->count] = NULL;
    nearest_list(names, list, sizeof(list));
    fault_set(&fault, "context.unknown", name, "there is no such context%s%s",
              all->count > 0 ? "; there are: " : "", list);
    fault_hint(&fault, "`referralctl context add NAME --socket PATH` saves one");
    return output_fault(invocation, EXIT_USAGE, &fault);
}

static int without(const struct invocation *invocation, const struct context *context,
                   enum context_member member)
{
    struct fault fault = {.code = ""};

    fault_set(&fault, "context.socket", context->name, "this context has no %s",
              members[member].key);
    fault_hint(&fault, "name it (--%s PATH), or save the context anew with it",
               members[member].key);
    return output_fault(invocation, EXIT_USAGE, &fault);
}

int context_find(const struct invocation *invocation, enum context_member member,
                 char out[CONTEXT_PATH_BYTES])
{
    const char *name = invocation->value[OPTION_CONTEXT];
    const struct context *context;
    int status;
    struct contexts *all = load(invocation, &status);

    if (all == NULL) {
        return status;
    }
    out[0] = '\0';
    name = name != NULL ? name : all->use;
    context = find(all, name);
    if (context == NULL && name[0] != '\0') {
        status = unknown(invocation, all, name);
    } else if (context != NULL && context->member[member][0] == '\0' && member != CONTEXT_CONFIG) {
        status = without(invocation, context, member);
    } else if (context != NULL) {
        text_copy(out, CONTEXT_PATH_BYTES, context->member[member]);
    }
    free(all);
    return status;
}

/* --- context add, ls, use, rm --- */

static int told(const struct invocation *invocation, const struct contexts *all, const char *name,
                const char *done)
{
    bool trial = invocation_has(invocation, OPTION_DRY_RUN);
    struct answer answer;

    if (!invocation_has(invocation, OPTION_JSON)) {
        printf("%s%s %s\n", trial ? "would have " : "", done, name);
        return EXIT_OK;
    }
    answer_begin(&answer, true);
    answer_text(&answer, "context", name);
    answer_text(&answer, "use", all->use);
    answer_text(&answer, "file", all->path);
    answer_bool(&answer, "dry_run", trial);
    return answer_end(&answer, EXIT_OK);
}

/* Paths count from where one stands now, wherever the context is used. */
static int take_member(const struct invocation *invocation, struct context *context, size_t member)
{
    const char *given = invocation->value[members[member].option];
    char here[CONTEXT_PATH_BYTES] = "";
    int len;

    if (given == NULL) {
        return EXIT_OK;
    }
    if (given[0] != '/' && getcwd(here, sizeof(here)) == NULL) {
        return output_misused(invocation, members[member].option, "expected a path from /");
    }
    len = snprintf(context->member[member], CONTEXT_PATH_BYTES, "%s%s%s", here,
                   given[0] != '/' ? "/" : "", given);
    if (len < 0 || (size_t)len >= CONTEXT_PATH_BYTES || !utf8_valid(span_text(given))) {
        return output_misused(invocation, members[member].option,
                              "expected a path of at most 511 bytes in UTF-8");
    }
    return EXIT_OK;
}

static int refuse_addition(const struct invocation *invocation, const struct contexts *all)
{
    const char *name = invocation->arguments[0];
    struct fault fault = {.code = ""};

    if (!name_fits(name)) {
        fault_set(&fault, "context.name", name,
                  "expected a name of 1 to 31 letters a-z, digits and \"-\"");
        return output_fault(invocation, EXIT_USAGE, &fault);
    }
    if (find(all, name) != NULL) {
        fault_set(&fault, "context.exists", name, "there is a context of this name");
        fault_hint(&fault, "`referralctl context rm %s` first", name);
        return output_fault(invocation, EXIT_REFUSED, &fault);
    }
    if (all->count == CONTEXTS_MAX) {
        fault_set(&fault, "context.count", name, "there are %u contexts already", CONTEXTS_MAX);
        fault_hint(&fault, "`referralctl context rm NAME` one of them");
        return output_fault(invocation, EXIT_REFUSED, &fault);
    }
    return EXIT_OK;
}

static int add(const struct invocation *invocation, struct contexts *all)
{
    struct context *context = &all->rows[all->count];
    int status = refuse_addition(invocation, all);

    if (status != EXIT_OK) {
        return status;
    }
    text_copy(context->name, sizeof(context->name), invocation->arguments[0]);
    for (size_t i = 0; status == EXIT_OK && i < CONTEXT_MEMBER_COUNT; i++) {
        status = take_member(invocation, context, i);
    }
    if (status == EXIT_OK && context->member[CONTEXT_SOCKET][0] == '\0' &&
        context->member[CONTEXT_AGENT_SOCKET][0] == '\0') {
        status = output_misused(invocation, OPTION_SOCKET,
                                "expected --socket PATH, --agent-socket PATH or both");
    }
    if (status == EXIT_OK) {
        all->count++;
        status = save(invocation, all);
    }
    return status == EXIT_OK ? told(invocation, all, context->name, "saved") : status;
}

static int use(const struct invocation *invocation, struct contexts *all)
{
    const char *name = invocation->arguments[0];
    int status;

    if (find(all, name) == NULL) {
        return unknown(invocation, all, name);
    }
    text_copy(all->use, sizeof(all->use), name);
    status = save(invocation, all);
    return status == EXIT_OK ? told(invocation, all, name, "put in use") : status;
}

static int forget(const struct invocation *invocation, struct contexts *all)
{
    const char *name = invocation->arguments[0];
    const struct context *found = find(all, name);
    size_t at;
    int status;

    if (found == NULL) {
        return unknown(invocation, all, name);
    }
    at = (size_t)(found - all->rows);
    memmove(&all->rows[at], &all->rows[at + 1], (all->count - at - 1) * sizeof(all->rows[0]));
    all->count--;
    if (strcmp(all->use, name) == 0) {
        all->use[0] = '\0';
    }
    status = save(invocation, all);
    return status == EXIT_OK ? told(invocation, all, name, "forgot") : status;
}

static int print_json(const struct contexts *all)
{
    struct answer answer;

    answer_begin(&answer, true);
    answer_text(&answer, "use", all->use);
    answer_text(&answer, "file", all->path);
    json_name(&answer.json, "contexts");
    json_array_begin(&answer.json);
    for (size_t i = 0; i < all->count; i++) {
        json_object_begin(&answer.json);
        answer_text(&answer, "name", all->rows[i].name);
        for (size_t k = 0; k < CONTEXT_MEMBER_COUNT; k++) {
            if (all->rows[i].member[k][0] != '\0') {
                answer_text(&answer, members[k].key, all->rows[i].member[k]);
            }
        }
        json_object_end(&answer.json);
    }
    json_array_end(&answer.json);
    return answer_end(&answer, EXIT_OK);
}

static int list(const struct invocation *invocation, struct contexts *all)
{
    static const char *const heads[] = {"", "NAME", "SOCKET", "AGENT SOCKET", "CONFIGURATION"};
    struct table table;

    if (invocation_has(invocation, OPTION_JSON)) {
        return print_json(all);
    }
    table_begin(&table, heads, "lllll");
    for (size_t i = 0; i < all->count; i++) {
        table_cell(&table, strcmp(all->use, all->rows[i].name) == 0 ? "*" : "");
        table_cell(&table, all->rows[i].name);
        for (size_t k = 0; k < CONTEXT_MEMBER_COUNT; k++) {
            table_cell(&table, all->rows[i].member[k][0] != '\0' ? all->rows[i].member[k] : "-");
        }
    }
    return table_end(&table, "no context is saved");
}

static int with_contexts(const struct invocation *invocation,
                         int (*act)(const struct invocation *, struct contexts *))
{
    int status;
    struct contexts *all = load(invocation, &status);

    if (all != NULL) {
        status = act(invocation, all);
    }
    free(all);
    return status;
}

int context_add_run(const struct invocation *invocation)
{
    return with_contexts(invocation, add);
}

int context_list_run(const struct invocation *invocation)
{
    return with_contexts(invocation, list);
}

int context_use_run(const struct invocation *invocation)
{
    return with_contexts(invocation, use);
}

int context_remove_run(const struct invocation *invocation)
{
    return with_contexts(invocation, forget);
}
