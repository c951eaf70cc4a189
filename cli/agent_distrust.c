/* `referralctl agent distrust show|clear`: why an agent does not believe the broker, and an
 * administrator's word that it may again. The contract is docs/agent-socket.md. Main thread. */
#include <stdio.h>

#include "cli/call.h"
#include "cli/change.h"
#include "cli/output.h"
#include "cli/table.h"

/* What ends it. */
static void print_now(const struct json_value *root)
{
    struct json_value now = json_member(root, "distrust");
    const char *later = value_text(&now, "later"), *file = value_text(root, "evidence");

    if (!json_is_object(&now)) {
        printf("the broker is believed\n");
        return;
    }
    printf("the broker is not believed since %s (%s):\n%s\n", value_text(&now, "since"),
           value_text(&now, "kind"), value_text(&now, "message"));
    if (later[0] != '\0') {
        printf("and since then: %s\n", later);
    }
    if (file[0] != '\0') {
        printf("evidence: %s\n", file);
    }
    if (!value_bool(&now, "lasts")) {
        printf("It ends by itself when the broker shows a log that extends what this agent "
               "knows.\n");
        return;
    }
    printf(
        "Nothing is sent or taken until it is cleared; what officers do is kept.\n%s\n"
        "Once it is known what happened: referralctl agent distrust clear --reason TEXT\n",
        value_bool(&now, "fits_again")
            ? "The log that the broker shows now extends what this agent knows."
            : "The broker has not shown a log since then that extends what this agent knows: as\n"
              "long as it does not, clearing does not help; its administrators open a new log.");
}

static int print_past(const struct json_value *root)
{
    static const char *const heads[] = {"SINCE", "KIND", "ENDED", "BY", "REASON"};
    static const char *const names[] = {"since", "kind", "ended", "by", "reason"};
    struct json_value rows = json_member(root, "rows");
    struct table table;

    if (json_count(&rows) == 0) {
        return EXIT_OK;
    }
    table_begin(&table, heads, "lllll");
    for (size_t i = 0; i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);

        for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
            const char *value = value_text(&row, names[k]);

            table_cell(&table, value[0] != '\0' ? value : ".");
        }
    }
    return table_end(&table, "");
}

int agent_distrust_show_run(const struct invocation *invocation)
{
    struct call call;
    int status;

    call_begin(&call, "distrust");
    status = call_end(&call, invocation, AGENT_SOCKET);
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(&call);
    } else if (status == EXIT_OK) {
        print_now(&call.root);
        status = print_past(&call.root);
    }
    if (status == EXIT_OK && !value_bool(&call.root, "believed")) {
        status = EXIT_WARNING;
    }
    call_free(&call);
    return status;
}

static int clear(const struct invocation *invocation, const struct buf *reason)
{
    const bool dry_run = invocation_has(invocation, OPTION_DRY_RUN);
    struct call call;
    int status;

    call_begin(&call, "distrust-clear");
    if (dry_run) {
        json_name(&call.writer, "dry_run");
        json_bool(&call.writer, true);
    } else {
        call_text(&call, "reason", (const char *)reason->data);
    }
    status = call_end(&call, invocation, AGENT_SOCKET);
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(&call);
    } else if (status == EXIT_OK && !invocation_has(invocation, OPTION_QUIET)) {
        printf("%s\n", dry_run ? "it would be cleared; nothing was changed"
                               : "cleared: the broker is asked again, and believed when its log "
                                 "fits");
    }
    call_free(&call);
    return status;
}

int agent_distrust_clear_run(const struct invocation *invocation)
{
    const bool dry_run = invocation_has(invocation, OPTION_DRY_RUN);
    struct buf reason;
    int status;

    buf_init(&reason, 4096);
    status = dry_run ? EXIT_OK : change_reason(invocation, &reason);
    if (status == EXIT_OK && !dry_run) {
        status = change_confirm(invocation, "believe the broker again at this agency");
    }
    if (status == EXIT_OK) {
        status = clear(invocation, &reason);
    }
    buf_free(&reason);
    return status;
}
