/* `referralctl agent checkpoint show|compare`: what an agent knows of the broker's log, for another
 * agency, and whether what another agency knows is of the same log. The comparing is the agent's:
 * docs/agent-socket.md. Main thread, blocking. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "cli/call.h"
#include "cli/input.h"
#include "cli/output.h"

#define NOTE_BYTES_MAX 4096u
#define AGAIN_MS       50
#define TRIES          400u

static int write_note(const struct invocation *invocation, const char *note)
{
    const char *path = invocation->value[OPTION_OUT];
    struct fault fault = {.code = ""};
    enum err error = invocation_has(invocation, OPTION_FORCE)
                         ? file_write(path, span_text(note), 0644, &fault)
                         : file_write_new(path, span_text(note), 0644, &fault);

    if (error == ERR_EXISTS) {
        fault_hint(&fault, "name another file, or write over it with --force");
    }
    return error == OK ? EXIT_OK : output_fault(invocation, EXIT_REFUSED, &fault);
}

int agent_checkpoint_show_run(const struct invocation *invocation)
{
    struct call call;
    int status;

    call_begin(&call, "checkpoint");
    status = call_end(&call, invocation, AGENT_SOCKET);
    if (status == EXIT_OK && invocation->value[OPTION_OUT] != NULL) {
        status = write_note(invocation, value_text(&call.root, "note"));
    }
    if (status == EXIT_OK && invocation_has(invocation, OPTION_JSON)) {
        call_print(&call);
    } else if (status == EXIT_OK && invocation->value[OPTION_OUT] == NULL) {
        printf("%s", value_text(&call.root, "note"));
    }
    call_free(&call);
    return status;
}

/* --- compare --- */

static const struct result {
    const char *name;
    int status;
    const char *text; /* after the sizes */
} results[] = {
    {"one-log", EXIT_OK, "both are of one log"},
    {"not-believed", EXIT_FAILED, "the broker is not believed: "},
    {"two-logs", EXIT_FAILED,
     "two logs of one size, both signed by the broker: keep both files, and tell its "
     "administrators and the other agencies"},
    {"not-connected", EXIT_UNREACHABLE,
     "not known: this agent is not connected to the broker, which has to prove it"},
    {"not-known", EXIT_WARNING, "not known: the broker did not prove it in time; try again"},
};

static int tell(const struct invocation *invocation, const struct call *call)
{
    const struct json_value *root = &call->root;
    const struct result *result = &results[sizeof(results) / sizeof(results[0]) - 1];

    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
        if (strcmp(value_text(root, "result"), results[i].name) == 0) {
            result = &results[i];
        }
    }
    if (invocation_has(invocation, OPTION_JSON)) {
        call_print(call);
    } else {
        printf("theirs: %" PRIu64 " records, here: %" PRIu64 "\n%s%s\n", value_u64(root, "size"),
               value_u64(root, "own_size"), result->text,
               result->status == EXIT_FAILED ? value_text(root, "alarm") : "");
        if (result->status == EXIT_FAILED && value_text(root, "evidence")[0] != '\0') {
            printf("evidence: %s\n", value_text(root, "evidence"));
        }
    }
    return result->status;
}

static int ask(const struct invocation *invocation, const char *note, struct call *call)
{
    call_begin(call, "checkpoint-compare");
    if (note != NULL) {
        call_text(call, "note", note);
    }
    return call_end(call, invocation, AGENT_SOCKET);
}

int agent_checkpoint_compare_run(const struct invocation *invocation)
{
    struct call call;
    struct buf note;
    int status;

    buf_init(&note, NOTE_BYTES_MAX);
    status = input_file(invocation, invocation->arguments[0], &note);
    if (status == EXIT_OK && buf_append(&note, "", 1) != OK) {
        note.data[note.len - 1] = '\0'; /* too long for a checkpoint: the agent says so */
    }
    if (status == EXIT_OK) {
        status = ask(invocation, (const char *)note.data, &call);
        for (unsigned i = 0; i < TRIES && status == EXIT_OK &&
                             strcmp(value_text(&call.root, "result"), "waiting") == 0;
             i++) {
            call_free(&call);
            (void)poll(NULL, 0, AGAIN_MS); /* an early end only asks sooner */
            status = ask(invocation, NULL, &call);
        }
        if (status == EXIT_OK) {
            status = tell(invocation, &call);
        }
        call_free(&call);
    }
    buf_free(&note);
    return status;
}
