/* The commands `backup` and `backup show`, of a broker and of an agent: the daemon makes the
 * backup; who asked waits for it and sees how far it is. cli/backup_file.c has what needs no
 * daemon. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/call.h"
#include "cli/change.h"
#include "cli/table.h"

#define POLL_US        200000u
#define MIB            (1024.0 * 1024.0)
#define REASON_DEFAULT "a regular backup"

static bool shows_progress(const struct invocation *invocation)
{
    return isatty(STDERR_FILENO) && !invocation_has(invocation, OPTION_QUIET) &&
           !invocation_has(invocation, OPTION_JSON);
}

static int failed(const struct invocation *invocation, const struct json_value *backup)
{
    struct json_value failure = json_member(backup, "error");
    struct fault fault = {.code = ""};

    fault_set(&fault, value_text(&failure, "code"), value_text(&failure, "place"), "%s",
              value_text(&failure, "message"));
    fault_hint(&fault, "%s", value_text(&failure, "hint"));
    return output_fault(invocation, EXIT_FAILED, &fault);
}

static int draw_made(const struct json_value *backup, const char *which)
{
    struct json_value last = json_member(backup, which);
    char instant[INSTANT_TEXT_BYTES];
    struct table table;

    if (json_absent(&last)) {
        printf("no backup in %s\n", value_text(backup, "folder"));
        return EXIT_OK;
    }
    output_instant(value_u64(&last, "made_ms"), instant);
    table_begin(&table, NULL, "ll");
    table_cell(&table, "backup");
    table_cell(&table, value_text(&last, "file"));
    table_cell(&table, "made");
    table_cell(&table, instant);
    if (value_u64(&last, "log_size") > 0) { /* an agent has none */
        table_cell(&table, "log");
        table_cellf(&table, "%" PRIu64 " leaves", value_u64(&last, "log_size"));
    }
    table_cell(&table, "records");
    table_cellf(&table, "%" PRIu64 ", %.1f MiB; compressed and sealed %.1f MiB",
                value_u64(&last, "rows"), (double)value_u64(&last, "content_bytes") / MIB,
                (double)value_u64(&last, "file_bytes") / MIB);
    table_cell(&table, "attachments");
    table_cellf(&table, "%" PRIu64 ", %.1f MiB", value_u64(&last, "attachments"),
                (double)value_u64(&last, "attachment_bytes") / MIB);
    return table_end(&table, "");
}

/* The daemon ended, or another backup took the place of what is remembered: whether ours was made
 * is not known, and must not look like success. */
static int not_ours(const struct invocation *invocation)
{
    struct fault fault = {.code = ""};

    fault_set(&fault, "backup.unknown", "",
              "the daemon says no more what became of this backup: it "
              "was started anew, or makes another one");
    fault_hint(&fault, "`referralctl backup show` says which is the last; make another one");
    return output_fault(invocation, EXIT_FAILED, &fault);
}

static int finish(const struct invocation *invocation, const struct call *call, uint64_t started_ms)
{
    struct json_value backup = json_member(&call->root, "backup");
    const char *state = value_text(&backup, "state");

    if (value_u64(&backup, "started_ms") != started_ms ||
        (strcmp(state, "failed") != 0 && strcmp(state, "done") != 0)) {
        return not_ours(invocation);
    }
    if (strcmp(state, "failed") == 0) {
        return failed(invocation, &backup);
    }
    if (invocation_has(invocation, OPTION_JSON)) {
        call_print(call);
        return EXIT_OK;
    }
    return draw_made(&backup, "made");
}

static void show(const struct json_value *backup)
{
    fprintf(stderr, "\r%" PRIu64 " records, %.1f MiB, %" PRIu64 " attachments ",
            value_u64(backup, "rows"), (double)value_u64(backup, "bytes") / MIB,
            value_u64(backup, "attachments"));
    (void)fflush(stderr); /* only for people */
}

/* Asks until the backup that was started then is none that runs. */
static int wait_for(const struct invocation *invocation, const char *socket, uint64_t started_ms)
{
    bool running = true, shown = shows_progress(invocation);
    int status = EXIT_OK;

    while (running && status == EXIT_OK) {
        struct json_value backup;
        struct call call;

        call_begin(&call, "backup-show");
        status = call_end(&call, invocation, socket);
        if (status == EXIT_OK) {
            backup = json_member(&call.root, "backup");
            running = strcmp(value_text(&backup, "state"), "running") == 0 &&
                      value_u64(&backup, "started_ms") == started_ms;
            if (shown) {
                show(&backup);
            }
        }
        if (shown && !running) {
            fprintf(stderr, "\r\033[K");
        }
        if (status == EXIT_OK && !running) {
            status = finish(invocation, &call, started_ms);
        } else if (status == EXIT_OK) {
            (void)usleep(POLL_US);
        }
        call_free(&call);
    }
    return status;
}

static int dry_run(const struct invocation *invocation, const struct call *call)
{
    struct json_value backup = json_member(&call->root, "backup");
    const char *out = invocation->value[OPTION_OUT];

    if (invocation_has(invocation, OPTION_JSON)) {
        call_print(call);
    } else {
        printf("a backup would be made in %s; nothing was done\n",
               out != NULL ? out : value_text(&backup, "folder"));
    }
    return EXIT_OK;
}

static int read_reason(const struct invocation *invocation, struct buf *reason)
{
    if (!invocation_has(invocation, OPTION_REASON) &&
        !invocation_has(invocation, OPTION_REASON_FILE)) {
        return buf_append(reason, REASON_DEFAULT, sizeof(REASON_DEFAULT)) == OK ? EXIT_OK
                                                                                : EXIT_FAILED;
    }
    return change_reason(invocation, reason);
}

/* `reason` NULL: of an agent, whose log is the broker's. */
static int make(const struct invocation *invocation, const char *socket, const char *reason)
{
    const char *out = invocation->value[OPTION_OUT];
    struct json_value backup;
    struct call call;
    int status;

    call_begin(&call, "backup");
    if (reason != NULL) {
        call_text(&call, "reason", reason);
    }
    if (out != NULL) {
        call_text(&call, "out", out);
    }
    if (invocation_has(invocation, OPTION_DRY_RUN)) {
        json_name(&call.writer, "dry_run");
        json_bool(&call.writer, true);
    }
    status = call_end(&call, invocation, socket);
    backup = json_member(&call.root, "backup");
    if (status == EXIT_OK && invocation_has(invocation, OPTION_DRY_RUN)) {
        status = dry_run(invocation, &call);
    } else if (status == EXIT_OK) {
        status = wait_for(invocation, socket, value_u64(&backup, "started_ms"));
    }
    call_free(&call);
    return status;
}

int backup_run(const struct invocation *invocation)
{
    struct buf reason;
    int status;

    buf_init(&reason, 2 * CHANGE_REASON_BYTES);
    status = read_reason(invocation, &reason);
    if (status == EXIT_OK) {
        status = make(invocation, BROKER_SOCKET, (const char *)reason.data);
    }
    buf_free(&reason);
    return status;
}

int agent_backup_run(const struct invocation *invocation)
{
    return make(invocation, AGENT_SOCKET, NULL);
}

/* --- backup show --- */

static int show_state(const struct json_value *backup)
{
    if (strcmp(value_text(backup, "state"), "running") == 0) {
        printf("one is being made: %" PRIu64 " records, %.1f MiB, %" PRIu64 " attachments so far\n",
               value_u64(backup, "rows"), (double)value_u64(backup, "bytes") / MIB,
               value_u64(backup, "attachments"));
    }
    return draw_made(backup, "last");
}

static int show_last(const struct invocation *invocation, const char *socket)
{
    struct json_value backup, failure;
    struct call call;
    int status;

    call_begin(&call, "backup-show");
    status = call_end(&call, invocation, socket);
    if (status == EXIT_OK) {
        backup = json_member(&call.root, "backup");
        failure = json_member(&backup, "failure");
        if (invocation_has(invocation, OPTION_JSON)) {
            call_print(&call);
        } else {
            status = show_state(&backup);
        }
        if (status == EXIT_OK && !json_absent(&failure)) {
            status = output_warn("the last one failed: %s: %s", value_text(&failure, "place"),
                                 value_text(&failure, "message"));
        }
    }
    call_free(&call);
    return status;
}

int backup_show_run(const struct invocation *invocation)
{
    return show_last(invocation, BROKER_SOCKET);
}

int agent_backup_show_run(const struct invocation *invocation)
{
    return show_last(invocation, AGENT_SOCKET);
}
