/* `config check`, `config show` and `config reload`. What is right and what counts is the daemons'
 * to say: check, and show of a file, run referral-broker or referral-agent, whichever the file is
 * for; show and reload without a file ask the running broker. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "cli/call.h"
#include "cli/change.h"
#include "cli/host_config.h"
#include "cli/program.h"
#include "cli/table.h"

#define CHECK_MS       60000u
#define REFUSED_STATUS 78 /* of a daemon whose configuration is wrong */

/* --- the daemon of a file --- */

/* Runs it; the answer is JSON in `ret_output`. EXIT_OK, also for a wrong configuration, which is in
 * `ret_wrong`. */
static int ask_daemon(const struct invocation *invocation, const char *option,
                      struct buf *ret_output, bool *ret_wrong)
{
    const char *path = invocation->arguments[0];
    const char *const words[PROGRAM_WORDS_MAX] = {host_config_daemon(path), "--config", path,
                                                  option, "--json"};
    struct fault fault = {.code = ""};
    int status = program_run(words, CHECK_MS, ret_output);

    *ret_wrong = status == REFUSED_STATUS;
    if (status == 0 || *ret_wrong) {
        return EXIT_OK;
    }
    fault_set(&fault, "config.program", words[0], "cannot be run, or did not end well (%d)",
              status);
    fault_hint(&fault, "install it beside referralctl; run it by hand: %s --config %.100s %s",
               words[0], path, option);
    return output_fault(invocation, EXIT_UNREACHABLE, &fault);
}

/* --- mistakes --- */

static void print_mistake(const struct json_value *row)
{
    const char *line = value_text(row, "line"), *hint = value_text(row, "hint");
    uint64_t caret = value_u64(row, "caret");

    (void)fprintf(stderr, "%s: %s%s%s%s [%s]\n", value_text(row, "place"),
                  value_text(row, "message"), hint[0] != '\0' ? " (" : "", hint,
                  hint[0] != '\0' ? ")" : "", value_text(row, "code"));
    if (caret > 0 && caret <= strlen(line) + 1) {
        (void)fprintf(stderr, "    %s\n    %*s^\n", line,
                      (int)text_places_of(line, (size_t)caret - 1), "");
    }
}

static int print_mistakes(const struct json_value *root)
{
    struct json_value rows = json_member(root, "errors");

    for (size_t i = 0; i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);

        print_mistake(&row);
    }
    return EXIT_REFUSED;
}

/* --- values --- */

static void cell_value(struct table *table, const struct json_value *value)
{
    const char *text = "";
    char list[512] = "";
    size_t used = 0;

    if (!json_is_array(value)) {
        table_cell(table, json_get_text(value, LIMIT_TEXT_BYTES, &text, NULL) == OK ? text : "-");
        return;
    }
    for (size_t i = 0; i < json_count(value) && used < sizeof(list); i++) {
        struct json_value item = json_item(value, i);

        if (json_get_text(&item, LIMIT_TEXT_BYTES, &text, NULL) == OK) {
            int len = snprintf(list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "", text);

            used += len > 0 ? (size_t)len : 0;
        }
    }
    table_cell(table, list);
}

static int print_values(const struct json_value *root)
{
    static const char *const heads[] = {"OPTION", "VALUE", "FROM", "A CHANGE NEEDS"};
    struct json_value rows = json_member(root, "options");
    struct table table;

    table_begin(&table, heads, "llll");
    for (size_t i = 0; i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);
        struct json_value value = json_member(&row, "value");

        table_cell(&table, value_text(&row, "name"));
        cell_value(&table, &value);
        table_cell(&table, value_text(&row, "origin"));
        table_cell(&table, value_bool(&row, "live") ? "reload" : "restart");
    }
    return table_end(&table, "no options");
}

/* --- the commands --- */

/* What a daemon printed, as JSON or drawn. */
static int show_output(const struct invocation *invocation, const struct buf *output, bool wrong,
                       int (*draw)(const struct json_value *root))
{
    struct fault fault = {.code = ""};
    struct json *json = NULL;
    struct json_value root;
    int status = EXIT_REFUSED;

    if (json_open("answer", span_buf(output), &json, &fault) != OK) {
        return output_fault(invocation, EXIT_FAILED, &fault);
    }
    root = json_root(json);
    if (invocation_has(invocation, OPTION_JSON)) {
        printf("%.*s", (int)output->len, (const char *)output->data);
        status = wrong ? EXIT_REFUSED : EXIT_OK;
    } else {
        status = wrong ? print_mistakes(&root) : draw(&root);
    }
    json_free(json);
    return status;
}

static int draw_right(const struct json_value *root)
{
    printf("right: calendar %s\n", value_text(root, "calendar"));
    return EXIT_OK;
}

static int run_daemon(const struct invocation *invocation, const char *option,
                      int (*draw)(const struct json_value *root))
{
    struct buf output;
    bool wrong = false;
    int status;

    buf_init(&output, LIMIT_CONFIG_BYTES);
    status = ask_daemon(invocation, option, &output, &wrong);
    if (status == EXIT_OK) {
        status = show_output(invocation, &output, wrong, draw);
    }
    buf_free(&output);
    return status;
}

int config_check_run(const struct invocation *invocation)
{
    return run_daemon(invocation, "--check", draw_right);
}

int config_show_run(const struct invocation *invocation)
{
    struct call call;
    int status;

    if (invocation->argument_count > 0) {
        return run_daemon(invocation, "--effective", print_values);
    }
    call_begin(&call, "config");
    status = call_end(&call, invocation, BROKER_SOCKET);
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(&call);
    } else if (status == EXIT_OK) {
        status = print_values(&call.root);
    }
    call_free(&call);
    return status;
}

/* `reason` NULL: only looked at. */
static int reload(const struct invocation *invocation, const char *reason)
{
    struct call call;
    int status;

    call_begin(&call, "config-reload");
    if (reason != NULL) {
        call_text(&call, "reason", reason);
    } else {
        json_name(&call.writer, "dry_run");
        json_bool(&call.writer, true);
    }
    status = call_end(&call, invocation, BROKER_SOCKET);
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(&call);
    } else if (status == EXIT_OK) {
        printf(reason != NULL ? "in force: %" PRIu64 " agencies, calendar %s; leaf %" PRIu64 "\n"
                              : "right: %" PRIu64 " agencies, calendar %s; nothing was changed\n",
               value_u64(&call.root, "agencies"), value_text(&call.root, "calendar"),
               value_u64(&call.root, "leaf"));
    } else if (status == EXIT_REFUSED && call.json != NULL &&
               !invocation_has(invocation, OPTION_JSON)) {
        (void)print_mistakes(&call.root);
    }
    call_free(&call);
    return status;
}

int config_reload_run(const struct invocation *invocation)
{
    struct buf reason;
    int status;

    if (invocation_has(invocation, OPTION_DRY_RUN)) {
        return reload(invocation, NULL);
    }
    buf_init(&reason, LIMIT_TEXT_BYTES);
    status = change_reason(invocation, &reason);
    if (status == EXIT_OK) {
        status = reload(invocation, (const char *)reason.data);
    }
    buf_free(&reason);
    return status;
}

/* --- metrics --- */

/* Prometheus text has its own form; with --json it is one member. */
int metrics_run(const struct invocation *invocation)
{
    struct call call;
    int status;

    call_begin(&call, "metrics");
    status = call_end(&call, invocation, BROKER_SOCKET);
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(&call);
    } else if (status == EXIT_OK) {
        printf("%s", value_text(&call.root, "text"));
    }
    call_free(&call);
    return status;
}
