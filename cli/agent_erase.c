/* `referralctl agent erase`: a case is erased at an agency. What it would do is shown first, by the
 * agent itself (--dry-run, and before anybody is asked); the contract is docs/agent-socket.md. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/call.h"
#include "cli/change.h"
#include "cli/output.h"

/* Asks the agent; `reason` NULL: only what it would do. */
static int ask(const struct invocation *invocation, const struct buf *reason, struct call *call)
{
    call_begin(call, "case-erase");
    call_text(call, "id", invocation->arguments[0]);
    if (reason != NULL) {
        call_text(call, "order", invocation->value[OPTION_ORDER]);
        call_text(call, "reason", (const char *)reason->data);
    } else {
        json_name(&call->writer, "dry_run");
        json_bool(&call->writer, true);
    }
    return call_end(call, invocation, AGENT_SOCKET);
}

static void print_counts(const struct json_value *root)
{
    printf("case %s: %" PRIu64 " messages with a body, %" PRIu64 " attachments, in %" PRIu64
           " referrals and matters\n",
           value_text(root, "case_id"), value_u64(root, "messages"), value_u64(root, "attachments"),
           value_u64(root, "referrals"));
}

/* What an administrator has to do still; EXIT_WARNING when there is something. */
static int print_left(const struct json_value *root)
{
    const char *copy = value_text(root, "backup_keys");
    const uint64_t older = value_u64(root, "kept_by_older_release");
    int status = EXIT_OK;

    if (strcmp(copy, "failed") == 0) {
        printf("the copy of the case keys beside the backups was not replaced and opens the case "
               "still:\nmake a backup (`referralctl agent backup`), which replaces it\n");
        status = EXIT_WARNING;
    }
    if (older > 0) {
        printf("%" PRIu64 " of them were kept by an older release without a key of their "
               "own:\ndestroy the backups from before this one, too\n",
               older);
        status = EXIT_WARNING;
    }
    if (strcmp(copy, "replaced") == 0) {
        printf("the copy of the case keys beside the backups was replaced; replace those that were "
               "carried elsewhere\n");
    }
    return status;
}

static int print(const struct invocation *invocation, const struct call *call)
{
    const bool dry_run = value_bool(&call->root, "dry_run");

    if (invocation_has(invocation, OPTION_JSON)) {
        call_print(call);
        return !dry_run && (strcmp(value_text(&call->root, "backup_keys"), "failed") == 0 ||
                            value_u64(&call->root, "kept_by_older_release") > 0)
                   ? EXIT_WARNING
                   : EXIT_OK;
    }
    print_counts(&call->root);
    if (dry_run) {
        printf("they would be erased at this agency; nothing was changed\n");
        return EXIT_OK;
    }
    printf("erased: they open neither here nor from a backup; the log, receipts and deadlines "
           "stay\n");
    return print_left(&call->root);
}

/* Shown to who is to consent; a refusal is told here, before anybody is asked. */
static int preview(const struct invocation *invocation)
{
    struct call call;
    int status = ask(invocation, NULL, &call);

    if (status == EXIT_OK && !invocation_has(invocation, OPTION_JSON)) {
        print_counts(&call.root);
    }
    call_free(&call);
    return status;
}

int agent_erase_run(const struct invocation *invocation)
{
    const bool dry_run = invocation_has(invocation, OPTION_DRY_RUN);
    struct call call;
    struct buf reason;
    int status = EXIT_OK;

    buf_init(&reason, 4096);
    if (!dry_run && invocation->value[OPTION_ORDER] == NULL) {
        status = output_misused(invocation, OPTION_ORDER,
                                "an erasure needs the number of the order: --order NUMBER");
    }
    if (status == EXIT_OK && !dry_run) {
        status = change_reason(invocation, &reason);
    }
    if (status == EXIT_OK && !dry_run && !invocation_has(invocation, OPTION_YES) &&
        isatty(STDIN_FILENO)) {
        status = preview(invocation);
    }
    if (status == EXIT_OK) {
        status = change_confirm(invocation, "erase this case at this agency, for ever");
    }
    if (status == EXIT_OK) {
        status = ask(invocation, dry_run ? NULL : &reason, &call);
        if (status == EXIT_OK) {
            status = print(invocation, &call);
        }
        call_free(&call);
    }
    buf_free(&reason);
    return status;
}
