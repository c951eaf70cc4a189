/* The commands `agent notify ...`: a channel is tried, dead letters are listed and sent again. The
 * contract is docs/agent-socket.md. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/call.h"
#include "cli/input.h"
#include "cli/table.h"

#define POLL_US   100000u
#define POLLS_MAX 600u /* a minute: then it waits for its rate, or to be left alone */
#define IDS_MAX   64u
#define ID_DIGITS 19u

/* --- test --- */

/* Asks until it is known how one ended. */
static int wait_for(const struct invocation *invocation, uint64_t id, bool *ret_sent)
{
    const char *state = "waiting";
    int status = EXIT_OK;

    for (unsigned i = 0; i < POLLS_MAX && status == EXIT_OK && strcmp(state, "waiting") == 0; i++) {
        struct call call;

        if (i > 0) {
            (void)usleep(POLL_US);
        }
        call_begin(&call, "notify-result");
        call_u64(&call, "id", id);
        status = call_end(&call, invocation, AGENT_SOCKET);
        if (status == EXIT_OK) {
            state = strcmp(value_text(&call.root, "state"), "sent") == 0   ? "sent"
                    : strcmp(value_text(&call.root, "state"), "dead") == 0 ? "dead"
                                                                           : "waiting";
        }
        if (strcmp(state, "dead") == 0) {
            printf("%s: not sent: %s\n", value_text(&call.root, "officer"),
                   value_text(&call.root, "reason"));
        }
        call_free(&call);
    }
    if (status == EXIT_OK && strcmp(state, "waiting") == 0) {
        printf("notice %" PRIu64 " waits still: see `channels` of `referralctl agent status`\n",
               id);
    }
    *ret_sent = strcmp(state, "sent") == 0;
    return status;
}

static int wait_for_all(const struct invocation *invocation, const uint64_t *ids, size_t count)
{
    size_t sent = 0;
    int status = EXIT_OK;

    for (size_t i = 0; i < count && status == EXIT_OK; i++) {
        bool is_sent = false;

        status = wait_for(invocation, ids[i], &is_sent);
        sent += is_sent ? 1 : 0;
    }
    if (status == EXIT_OK) {
        printf("%zu of %zu sent\n", sent, count);
        status = sent == count ? EXIT_OK : EXIT_WARNING;
    }
    return status;
}

int agent_notify_test_run(const struct invocation *invocation)
{
    uint64_t ids[IDS_MAX];
    size_t count = 0;
    struct call call;
    int status;

    call_begin(&call, "notify-test");
    call_text(&call, "channel", invocation->arguments[0]);
    status = call_end(&call, invocation, AGENT_SOCKET);
    if (status == EXIT_OK) {
        struct json_value list = json_member(&call.root, "ids");

        for (size_t i = 0; i < json_count(&list) && count < IDS_MAX; i++) {
            struct json_value item = json_item(&list, i);

            if (json_get_u64(&item, 1, INT64_MAX, &ids[count], NULL) == OK) {
                count++;
            }
        }
        if (invocation_has(invocation, OPTION_JSON)) {
            call_print(&call);
        }
    }
    call_free(&call);
    return status == EXIT_OK && !invocation_has(invocation, OPTION_JSON)
               ? wait_for_all(invocation, ids, count)
               : status;
}

/* --- dead letters --- */

static int draw_dead(const struct json_value *root)
{
    static const char *const heads[] = {"ID",       "AT",   "CHANNEL", "OFFICER",
                                        "REFERRAL", "KIND", "TRIES",   "REASON"};
    struct json_value rows = json_member(root, "rows");
    struct table table;

    table_begin(&table, heads, "rlllllrl");
    for (size_t i = 0; i < json_count(&rows); i++) {
        struct json_value row = json_item(&rows, i);
        const char *rung = value_text(&row, "rung");

        table_cell_u64(&table, value_u64(&row, "id"));
        table_cell(&table, value_text(&row, "at"));
        table_cell(&table, value_text(&row, "channel"));
        table_cell(&table, value_text(&row, "officer"));
        table_cell(&table, value_text(&row, "referral"));
        table_cell(&table, rung[0] != '\0' ? rung : value_text(&row, "kind"));
        table_cell_u64(&table, value_u64(&row, "tries"));
        table_cell(&table, value_text(&row, "reason"));
    }
    return table_end(&table, "no notice was given up");
}

int agent_notify_dead_run(const struct invocation *invocation)
{
    struct call call;
    int status;

    call_begin(&call, "notify-dead");
    status = call_end(&call, invocation, AGENT_SOCKET);
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(&call);
    } else if (status == EXIT_OK) {
        status = draw_dead(&call.root);
    }
    call_free(&call);
    return status;
}

int agent_notify_retry_run(const struct invocation *invocation)
{
    const char *text = invocation->arguments[0];
    size_t len = strlen(text);
    uint64_t id = 0;
    struct call call;
    int status;

    if (len == 0 || len >= ID_DIGITS || strspn(text, "0123456789") != len) {
        struct fault fault = {.code = ""};

        fault_set(&fault, "usage.arguments", text, "expected the number of a dead letter");
        fault_hint(&fault, "`referralctl agent notify dead` lists them");
        return output_fault(invocation, EXIT_USAGE, &fault);
    }
    for (size_t i = 0; i < len; i++) {
        id = id * 10 + (uint64_t)(text[i] - '0');
    }
    call_begin(&call, "notify-retry");
    call_u64(&call, "id", id);
    status = call_end(&call, invocation, AGENT_SOCKET);
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(&call);
    } else if (status == EXIT_OK) {
        printf("waits again on channel %s\n", value_text(&call.root, "channel"));
    }
    call_free(&call);
    return status;
}
