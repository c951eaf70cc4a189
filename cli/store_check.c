/* `store check`: has the daemon of a configuration file look through its store, in a child process
 * that no damage can harm; the daemon may be running or not. Main thread. */
#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "cli/call.h"
#include "cli/host_config.h"
#include "cli/input.h"
#include "cli/output.h"
#include "cli/program.h"
#include "store/scrub.h"

#define LOOK_MS (6u * 3600 * 1000)

static int draw(const struct json_value *root)
{
    struct json_value rows = json_member(root, "damaged");
    uint64_t damages = value_u64(root, "damages");

    for (size_t i = 0; i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);

        printf("%s: %s\n", value_text(&row, "where"), value_text(&row, "what"));
    }
    printf("%" PRIu64 " rows, %" PRIu64 " leaves of the log%s: ", value_u64(root, "rows"),
           value_u64(root, "leaves"),
           value_bool(root, "live") ? ", beside the running daemon" : "");
    if (damages == 0) {
        printf("whole\n");
        return EXIT_OK;
    }
    printf("%" PRIu64 " damages\n"
           "what is damaged is not delivered; restore the last backup, or promote the standby\n",
           damages);
    return EXIT_REFUSED;
}

/* What the daemon says of why it could not look. */
static int failed(const struct invocation *invocation, const struct json_value *root)
{
    struct fault fault = {.code = ""};

    fault_set(&fault, value_text(root, "code"), value_text(root, "place"), "%s",
              value_text(root, "message"));
    fault_hint(&fault, "%s", value_text(root, "hint"));
    return output_fault(invocation, EXIT_REFUSED, &fault);
}

static int answer(const struct invocation *invocation, int status, struct span output)
{
    struct fault fault = {.code = ""};
    struct json *json = NULL;
    struct json_value root;
    int result;

    if (json_open("answer", output, &json, &fault) != OK) {
        return output_fault(invocation, EXIT_FAILED, &fault);
    }
    root = json_root(json);
    if (status == SCRUB_EXIT_FAILED) {
        result = failed(invocation, &root);
    } else if (invocation_has(invocation, OPTION_JSON)) {
        printf("%.*s", (int)output.len, (const char *)output.data);
        result = status == 0 ? EXIT_OK : EXIT_REFUSED;
    } else {
        result = draw(&root);
    }
    json_free(json);
    return result;
}

int store_check_run(const struct invocation *invocation)
{
    const char *path = invocation->arguments[0];
    const char *const words[PROGRAM_WORDS_MAX] = {host_config_daemon(path), "--config", path,
                                                  "--check-store", "--json"};
    struct fault fault = {.code = ""};
    struct buf output;
    int status;

    buf_init(&output, LIMIT_CONFIG_BYTES);
    status = program_run(words, LOOK_MS, &output);
    if (status == 0 || status == SCRUB_EXIT_FAILED || status == SCRUB_EXIT_DAMAGED) {
        status = answer(invocation, status, span_buf(&output));
    } else {
        fault_set(&fault, "store.program", words[0], "cannot be run, or did not end well (%d)",
                  status);
        fault_hint(&fault, "look at the configuration: referralctl config check %.100s", path);
        status = output_fault(invocation, EXIT_UNREACHABLE, &fault);
    }
    buf_free(&output);
    return status;
}
