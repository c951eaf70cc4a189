/* `policy list` and `policy diff`: which policies a broker worked by, and what changed between two
 * of them, or between the newest and a file. The broker keeps the texts; what changed is computed
 * here by lib/model/policy_diff. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/beside.h"
#include "cli/broker_parts.h"
#include "cli/input.h"
#include "model/policy_diff.h"
#include "wire/registry_document.h"

#define VERSION_MAX 1000000u

/* Without --registry the first of these that can be read. */
static const char *const registry_candidates[] = {
    "/../../../config/agencies.yaml", /* behind the program's own folder */
    "/etc/referral/agencies.yaml",
    "config/agencies.yaml",
};

/* --- list --- */

static int draw_versions(const struct json_value *root)
{
    static const char *const heads[] = {"VERSION", "SINCE", "LEAF", "SHA-256"};
    struct json_value rows = json_member(root, "versions");
    struct table table;

    table_begin(&table, heads, "rlrl");
    for (size_t i = 0; i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);

        table_cell_u64(&table, value_u64(&row, "version"));
        cell_instant(&table, value_u64(&row, "at_ms"));
        table_cellf(&table, "%" PRIu64, value_u64(&row, "leaf"));
        table_cell(&table, value_text(&row, "digest"));
    }
    return table_end(&table, "the broker has kept no policy yet");
}

static int judge_nothing(const struct json_value *root)
{
    (void)root;
    return EXIT_OK;
}

int policy_list_run(const struct invocation *invocation)
{
    struct call call;

    call_begin(&call, "policy");
    return broker_finish(&call, invocation, draw_versions, judge_nothing);
}

/* --- diff --- */

struct comparing {
    const struct invocation *invocation;
    struct registry *registry; /* owned, as all of these */
    struct policy *before, *after;
    struct answer answer; /* --json */
    struct table table;   /* or drawn */
    bool json;
};

static void find_registry(const struct invocation *invocation, char out[PATH_MAX])
{
    const char *given = invocation->value[OPTION_REGISTRY];

    if (given != NULL) {
        text_copy(out, PATH_MAX, given);
        return;
    }
    if (beside_path(registry_candidates[0], out) == OK && access(out, R_OK) == 0) {
        return;
    }
    for (size_t i = 1; i < sizeof(registry_candidates) / sizeof(registry_candidates[0]); i++) {
        text_copy(out, PATH_MAX, registry_candidates[i]);
        if (access(out, R_OK) == 0) {
            return;
        }
    }
}

static int load_registry(struct comparing *comparing)
{
    struct fault fault = {.code = ""};
    char path[PATH_MAX];
    enum err error;

    find_registry(comparing->invocation, path);
    error = registry_load(path, &comparing->registry, &fault);
    if (error != OK && comparing->invocation->value[OPTION_REGISTRY] == NULL) {
        fault_hint(&fault, "name the agencies' file: --registry FILE");
    }
    return error == OK ? EXIT_OK : output_fault(comparing->invocation, EXIT_REFUSED, &fault);
}

static int parse(struct comparing *comparing, const char *name, struct span text,
                 struct policy **ret_policy)
{
    struct fault fault = {.code = ""};

    return policy_read(name, text, comparing->registry, ret_policy, &fault) == OK
               ? EXIT_OK
               : output_fault(comparing->invocation, EXIT_REFUSED, &fault);
}

/* How many versions the broker has. */
static int ask_count(const struct comparing *comparing, uint64_t *ret_newest)
{
    struct call call;
    int status;

    call_begin(&call, "policy");
    status = call_end(&call, comparing->invocation, BROKER_SOCKET);
    if (status == EXIT_OK) {
        struct json_value rows = json_member(&call.root, "versions");
        struct json_value last =
            json_item(&rows, json_count(&rows) > 0 ? json_count(&rows) - 1 : 0);

        *ret_newest = json_count(&rows) > 0 ? value_u64(&last, "version") : 0;
    }
    call_free(&call);
    return status;
}

static int load_version(struct comparing *comparing, uint64_t version, struct policy **ret_policy)
{
    struct call call;
    char name[48];
    int status;

    (void)snprintf(name, sizeof(name), "version %" PRIu64, version);
    call_begin(&call, "policy");
    call_u64(&call, "version", version);
    status = call_end(&call, comparing->invocation, BROKER_SOCKET);
    if (status == EXIT_OK) {
        status = parse(comparing, name, span_text(value_text(&call.root, "text")), ret_policy);
    }
    call_free(&call);
    return status;
}

static int load_file(struct comparing *comparing, const char *path)
{
    struct buf text;
    int status;

    buf_init(&text, LIMIT_CONFIG_BYTES);
    status = input_file(comparing->invocation, path, &text);
    if (status == EXIT_OK) {
        status = parse(comparing, input_name(path), span_buf(&text), &comparing->after);
    }
    buf_free(&text);
    return status;
}

/* Of the broker's own: the two newest, unless the options name others. */
static int load_both(struct comparing *comparing)
{
    const struct invocation *invocation = comparing->invocation;
    const char *file = invocation->value[OPTION_FILE];
    struct input_range range = {.min = 1, .max = VERSION_MAX};
    uint64_t newest = 0, from, to;
    int status = ask_count(comparing, &newest);

    range.otherwise = newest;
    if (status == EXIT_OK) {
        status = input_number(invocation, OPTION_NEW, range, &to);
    }
    range.otherwise = file != NULL || newest < 2 ? newest : newest - 1;
    if (status == EXIT_OK) {
        status = input_number(invocation, OPTION_OLD, range, &from);
    }
    if (status == EXIT_OK && newest == 0) {
        struct fault fault = {.code = ""};

        fault_set(&fault, "policy.none", "", "the broker has kept no policy yet");
        return output_fault(invocation, EXIT_REFUSED, &fault);
    }
    if (status == EXIT_OK) {
        status = load_version(comparing, from, &comparing->before);
    }
    if (status == EXIT_OK) {
        status = file != NULL ? load_file(comparing, file)
                              : load_version(comparing, to, &comparing->after);
    }
    return status;
}

static void show_change(void *arg, const struct policy_change *change)
{
    struct comparing *comparing = arg;
    struct json_writer *out = &comparing->answer.json;

    if (!comparing->json) {
        table_cell(&comparing->table, change->path);
        table_cell(&comparing->table, change->before);
        table_cell(&comparing->table, change->after);
        return;
    }
    json_object_begin(out);
    json_name(out, "path");
    json_text(out, change->path);
    json_name(out, "before");
    json_text(out, change->before);
    json_name(out, "after");
    json_text(out, change->after);
    json_object_end(out);
}

static int show(struct comparing *comparing)
{
    static const char *const heads[] = {"VALUE", "BEFORE", "AFTER"};
    enum err error;

    if (!comparing->json) {
        table_begin(&comparing->table, heads, "lll");
        error = policy_diff(comparing->before, comparing->after, comparing->registry, show_change,
                            comparing);
        return error == OK ? table_end(&comparing->table, "nothing changes") : EXIT_FAILED;
    }
    answer_begin(&comparing->answer, true);
    json_name(&comparing->answer.json, "changes");
    json_array_begin(&comparing->answer.json);
    error = policy_diff(comparing->before, comparing->after, comparing->registry, show_change,
                        comparing);
    json_array_end(&comparing->answer.json);
    return answer_end(&comparing->answer, error == OK ? EXIT_OK : EXIT_FAILED);
}

int policy_diff_run(const struct invocation *invocation)
{
    struct comparing comparing = {.invocation = invocation,
                                  .json = invocation_has(invocation, OPTION_JSON)};
    int status = load_registry(&comparing);

    if (status == EXIT_OK) {
        status = load_both(&comparing);
    }
    if (status == EXIT_OK) {
        status = show(&comparing);
    }
    policy_free(comparing.before);
    policy_free(comparing.after);
    registry_free(comparing.registry);
    return status;
}
