/* The commands `standby ...`: how far a standby is, at its own socket and at its broker's, and the
 * two acts by which one takes the other's place. See docs/operations.md. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/call.h"
#include "cli/change.h"
#include "cli/table.h"

static void row_u64(struct table *table, const char *name, uint64_t value)
{
    table_cell(table, name);
    table_cellf(table, "%" PRIu64, value);
}

static void row_instant(struct table *table, const char *name, uint64_t at_ms)
{
    char instant[INSTANT_TEXT_BYTES];

    output_instant(at_ms, instant);
    table_cell(table, name);
    table_cell(table, instant);
}

static int draw(const struct json_value *standby, bool is_standby)
{
    struct table table;

    table_begin(&table, NULL, "ll");
    table_cell(&table, "state");
    table_cell(&table, value_text(standby, "state"));
    if (is_standby) {
        table_cell(&table, "follows");
        table_cell(&table, value_text(standby, "of"));
    }
    row_u64(&table, "leaves there", value_u64(standby, "log_size"));
    row_u64(&table, "behind, transactions", value_u64(standby, "behind_transactions"));
    if (is_standby) {
        table_cell(&table, "could take over");
        table_cell(&table, !value_bool(standby, "whole")        ? "no: not whole yet"
                           : value_bool(standby, "handed_over") ? "yes: it was handed the log"
                                                                : "yes, when handed the log");
        row_instant(&table, "level", value_u64(standby, "level_ms"));
        row_u64(&table, "attachments missing", value_u64(standby, "attachments_missing"));
    } else {
        row_u64(&table, "behind, ms", value_u64(standby, "behind_ms"));
        row_instant(&table, "last heard", value_u64(standby, "seen_ms"));
    }
    return table_end(&table, "");
}

/* The light: anything but level or following. */
static int judge(const struct json_value *standby)
{
    const char *state = value_text(standby, "state");

    if (strcmp(state, "level") == 0 || strcmp(state, "following") == 0 ||
        strcmp(state, "behind") == 0) {
        return EXIT_OK;
    }
    if (value_text(standby, "message")[0] != '\0') {
        return output_warn("%s: %s", state, value_text(standby, "message"));
    }
    return output_warn("the standby is not level: %s", state);
}

int standby_show_run(const struct invocation *invocation)
{
    struct json_value standby;
    struct call call;
    int status;

    call_begin(&call, "standby-show");
    status = call_end(&call, invocation, BROKER_SOCKET);
    standby = json_member(&call.root, "standby");
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(&call);
    } else if (status == EXIT_OK && json_absent(&standby)) {
        printf("this broker has no standby (`standby-journal-mib`)\n");
    } else if (status == EXIT_OK) {
        status = draw(&standby, strcmp(value_text(&call.root, "daemon"), "standby") == 0);
    }
    if (status == EXIT_OK && !json_absent(&standby)) {
        status = judge(&standby);
    }
    call_free(&call);
    return status;
}

struct act_of {
    const char *cmd;
    const char *question; /* to confirm */
    const char *done;
};

static int send_act(const struct invocation *invocation, const struct act_of *act,
                    const struct buf *reason)
{
    bool dry_run = invocation_has(invocation, OPTION_DRY_RUN);
    struct call call;
    int status;

    call_begin(&call, act->cmd);
    if (!dry_run) {
        call_text(&call, "reason", (const char *)reason->data);
    } else {
        json_name(&call.writer, "dry_run");
        json_bool(&call.writer, true);
    }
    if (invocation_has(invocation, OPTION_LOST)) {
        json_name(&call.writer, "lost");
        json_bool(&call.writer, true);
    }
    status = call_end(&call, invocation, BROKER_SOCKET);
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(&call);
    } else if (status == EXIT_OK) {
        printf("%s\n", dry_run ? "it would be done; nothing was changed" : act->done);
    }
    call_free(&call);
    return status;
}

static int run_act(const struct invocation *invocation, const struct act_of *act)
{
    struct buf reason;
    int status = EXIT_OK;

    buf_init(&reason, 2 * CHANGE_REASON_BYTES);
    if (!invocation_has(invocation, OPTION_DRY_RUN)) {
        status = change_reason(invocation, &reason);
        if (status == EXIT_OK && act->question != NULL) {
            status = change_confirm(invocation, act->question);
        }
    }
    status = status == EXIT_OK ? send_act(invocation, act, &reason) : status;
    buf_free(&reason);
    return status;
}

int standby_hand_over_run(const struct invocation *invocation)
{
    const struct act_of act = {
        .cmd = "standby-hand-over",
        .question = "stop this broker for good and hand its log over to the standby",
        .done = "this broker stops for good; next, at the standby: `referralctl standby promote`"};

    return run_act(invocation, &act);
}

int standby_promote_run(const struct invocation *invocation)
{
    bool lost = invocation_has(invocation, OPTION_LOST);
    const struct act_of act = {
        .cmd = "standby-promote",
        .question = lost ? "promote this copy, though the other broker may have gone on" : NULL,
        .done = "this standby becomes the broker; start it without --standby from now on"};

    return run_act(invocation, &act);
}
