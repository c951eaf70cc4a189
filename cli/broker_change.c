/* The commands that change something at a broker: its clock, agencies, dead letters. One row of a
 * table for each; all of them ask for a reason, show with --dry-run what they would do, and before
 * a destructive one the terminal is shown that and asked. The broker writes each into its log. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/call.h"
#include "cli/change.h"
#include "io/number.h"

#define WHAT_BYTES 192u

struct change {
    const char *cmd;
    const char *member; /* that the argument is: "agency", or "id", which is a number; NULL: none */
    const char *what;   /* destructive: for the question, "drop dead letter %s"; NULL: it is not */
    /* What is done, as a sentence without its end. False: nothing was to be done. */
    bool (*tell)(const struct json_value *root, char out[WHAT_BYTES]);
};

/* --- what is told --- */

static bool tell_confirmed(const struct json_value *root, char out[WHAT_BYTES])
{
    (void)root;
    (void)snprintf(out, WHAT_BYTES, "the wall clock is confirmed");
    return true;
}

static bool tell_reset(const struct json_value *root, char out[WHAT_BYTES])
{
    bool ahead = value_bool(root, "was_ahead");

    (void)snprintf(out, WHAT_BYTES,
                   ahead ? "broker time is set back to the wall clock"
                         : "broker time is not ahead of the wall clock: nothing to set back");
    return ahead;
}

static bool tell_state(const struct json_value *root, char out[WHAT_BYTES])
{
    const char *before = value_text(root, "state"), *after = value_text(root, "state_after");

    (void)snprintf(out, WHAT_BYTES, "%.31s: %.15s, before %.15s; %" PRIu64 " messages wait for it",
                   value_text(root, "agency"), after, before, value_u64(root, "waiting"));
    return strcmp(before, after) != 0;
}

static bool tell_retried(const struct json_value *root, char out[WHAT_BYTES])
{
    struct json_value letter = json_member(root, "letter");

    (void)snprintf(out, WHAT_BYTES, "%.31s %.31s waits for %.31s again",
                   value_text(&letter, "kind"), value_text(&letter, "number"),
                   value_text(root, "queued_to"));
    return true;
}

static bool tell_dropped(const struct json_value *root, char out[WHAT_BYTES])
{
    struct json_value letter = json_member(root, "letter");
    const char *told = value_text(root, "told");

    (void)snprintf(out, WHAT_BYTES, "%.31s %.31s to %.31s is moved aside; %.31s %s",
                   value_text(&letter, "kind"), value_text(&letter, "number"),
                   value_text(&letter, "to"), value_text(&letter, "from"),
                   told[0] != '\0' ? "is told" : "had its refusal");
    return true;
}

static bool tell_went_on(const struct json_value *root, char out[WHAT_BYTES])
{
    struct json_value recovery = json_member(root, "recovery");

    (void)snprintf(out, WHAT_BYTES,
                   "what it holds is not awaited; it hands it back when it comes (phase: %.15s)",
                   value_text(&recovery, "phase"));
    return true;
}

static void tell(const struct change *change, const struct json_value *root, bool trial, FILE *to)
{
    struct json_value leaf = json_member(root, "leaf");
    char what[WHAT_BYTES];
    bool done = change->tell(root, what);

    if (trial) {
        fprintf(to, "would do: %s; nothing was changed\n", what);
    } else if (!done || json_absent(&leaf)) {
        fprintf(to, "%s; nothing was recorded\n", what);
    } else {
        fprintf(to, "%s; leaf %" PRIu64 " of the log records it, with the reason\n", what,
                value_u64(root, "leaf"));
    }
}

/* --- asking --- */

static int begin(struct call *call, const struct invocation *invocation,
                 const struct change *change)
{
    const char *argument = invocation->arguments[0];
    struct fault fault = {.code = ""};
    uint64_t id = 0;

    call_begin(call, change->cmd);
    if (change->member == NULL) {
        return EXIT_OK;
    }
    if (strcmp(change->member, "id") != 0) {
        call_text(call, change->member, argument);
        return EXIT_OK;
    }
    if (!number_parse(argument, INT64_MAX, &id)) {
        fault_set(&fault, "usage.value", argument, "expected the number of a dead letter");
        fault_hint(&fault, "`referralctl dead ls` lists them");
        return output_fault(invocation, EXIT_USAGE, &fault);
    }
    call_u64(call, "id", id);
    return EXIT_OK;
}

/* `reason` NULL: only what would be done. */
static int send_change(const struct invocation *invocation, const struct change *change,
                       const char *reason, FILE *to)
{
    struct call call;
    int status = begin(&call, invocation, change);

    if (status == EXIT_OK && reason != NULL) {
        call_text(&call, "reason", reason);
    } else if (status == EXIT_OK) {
        json_name(&call.writer, "dry_run");
        json_bool(&call.writer, true);
    }
    if (status == EXIT_OK) {
        status = call_end(&call, invocation, BROKER_SOCKET);
    }
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON) && to == stdout) {
        call_print(&call);
    } else if (status == EXIT_OK) {
        tell(change, &call.root, reason == NULL, to);
    }
    call_free(&call);
    return status;
}

/* Whoever sits at a terminal sees what it would do before the question. */
static int consent(const struct invocation *invocation, const struct change *change)
{
    const char *argument = invocation->argument_count > 0 ? invocation->arguments[0] : "";
    char what[WHAT_BYTES];
    int status = EXIT_OK;

    if (change->what == NULL) {
        return EXIT_OK;
    }
    if (!invocation_has(invocation, OPTION_YES) && isatty(STDIN_FILENO)) {
        status = send_change(invocation, change, NULL, stderr);
    }
    (void)snprintf(what, sizeof(what), "%s%s%.64s", change->what, argument[0] != '\0' ? " " : "",
                   argument);
    return status == EXIT_OK ? change_confirm(invocation, what) : status;
}

static int run(const struct invocation *invocation, const struct change *change)
{
    struct buf reason;
    int status;

    if (invocation_has(invocation, OPTION_DRY_RUN)) {
        return send_change(invocation, change, NULL, stdout);
    }
    status = consent(invocation, change);
    buf_init(&reason, LIMIT_TEXT_BYTES);
    if (status == EXIT_OK) {
        status = change_reason(invocation, &reason);
    }
    if (status == EXIT_OK) {
        status = send_change(invocation, change, (const char *)reason.data, stdout);
    }
    buf_free(&reason);
    return status;
}

int broker_clock_confirm_run(const struct invocation *invocation)
{
    const struct change change = {"clock-confirm", NULL, NULL, tell_confirmed};

    return run(invocation, &change);
}

int broker_clock_reset_run(const struct invocation *invocation)
{
    const struct change change = {"clock-reset", NULL, "set broker time back", tell_reset};

    return run(invocation, &change);
}

int agency_suspend_run(const struct invocation *invocation)
{
    const struct change change = {"agency-suspend", "agency", "suspend", tell_state};

    return run(invocation, &change);
}

int agency_resume_run(const struct invocation *invocation)
{
    const struct change change = {"agency-resume", "agency", NULL, tell_state};

    return run(invocation, &change);
}

int recovery_go_on_run(const struct invocation *invocation)
{
    const struct change change = {"recovery-go-on", "agency", "go on without", tell_went_on};

    return run(invocation, &change);
}

int dead_retry_run(const struct invocation *invocation)
{
    const struct change change = {"dead-retry", "id", NULL, tell_retried};

    return run(invocation, &change);
}

int dead_drop_run(const struct invocation *invocation)
{
    const struct change change = {"dead-drop", "id", "drop dead letter", tell_dropped};

    return run(invocation, &change);
}
