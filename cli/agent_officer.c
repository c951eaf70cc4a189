/* `referralctl agent officer`: who may use an agency's inbox. A password is made by the agent and
 * shown once, here; it never stands on a command line. */
#include <stdio.h>

#include "cli/call.h"
#include "cli/command.h"
#include "cli/table.h"

static int print_given(const struct call *call)
{
    printf("officer %s: password %s\n", value_text(&call->root, "name"),
           value_text(&call->root, "password"));
    printf("Hand it over in person; it must be changed at the first login.\n");
    return EXIT_OK;
}

static int print_done(const struct call *call)
{
    printf("officer %s is %s\n", value_text(&call->root, "name"),
           value_bool(&call->root, "disabled") ? "disabled" : "enabled");
    return EXIT_OK;
}

static int ask(const struct invocation *invocation, struct call *call,
               int (*print)(const struct call *))
{
    int status = call_end(call, invocation, AGENT_SOCKET);

    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(call);
    } else if (status == EXIT_OK) {
        status = print(call);
    }
    call_free(call);
    return status;
}

int agent_officer_add_run(const struct invocation *invocation)
{
    struct call call;

    call_begin(&call, "officer-add");
    call_text(&call, "name", invocation->arguments[0]);
    call_text(&call, "roles", invocation->value[OPTION_ROLES]);
    return ask(invocation, &call, print_given);
}

int agent_officer_reset_run(const struct invocation *invocation)
{
    struct call call;

    call_begin(&call, "officer-reset");
    call_text(&call, "name", invocation->arguments[0]);
    return ask(invocation, &call, print_given);
}

int agent_officer_disable_run(const struct invocation *invocation)
{
    struct call call;

    call_begin(&call, "officer-disable");
    call_text(&call, "name", invocation->arguments[0]);
    return ask(invocation, &call, print_done);
}

int agent_officer_enable_run(const struct invocation *invocation)
{
    struct call call;

    call_begin(&call, "officer-enable");
    call_text(&call, "name", invocation->arguments[0]);
    return ask(invocation, &call, print_done);
}

static int print_list(const struct call *call)
{
    static const char *const heads[] = {"NAME", "ROLES", "STATE", "LAST LOGIN"};
    const struct json_value officers = json_member(&call->root, "officers");
    struct table table;

    table_begin(&table, heads, "llll");
    for (size_t i = 0; i < json_count(&officers); i++) {
        const struct json_value row = json_item(&officers, i);

        table_cell(&table, value_text(&row, "name"));
        table_cellf(&table, "%s%s%s", value_bool(&row, "member") ? "member " : "",
                    value_bool(&row, "leader") ? "leader " : "",
                    value_bool(&row, "manager") ? "manager" : "");
        table_cell(&table, value_bool(&row, "disabled") ? "disabled"
                           : value_bool(&row, "locked") ? "locked"
                                                        : "");
        table_cell(&table, value_text(&row, "last_login"));
    }
    return table_end(&table, "nobody may use the inbox yet: `referralctl agent officer add`");
}

int agent_officer_list_run(const struct invocation *invocation)
{
    struct call call;

    call_begin(&call, "officer-list");
    return ask(invocation, &call, print_list);
}
