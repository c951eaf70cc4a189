/* The status socket: a table of commands, and what is the same for all of them: the line, who may
 * ask, which members there are, the answer's frame. Each command reads within one short
 * transaction. */
#include "broker/status.h"

#include <assert.h>
#include <string.h>

#include "broker/status_parts.h"

#define MEMBERS_MAX 8u

struct status_command {
    const char *name;
    enum role role;
    const char *members[MEMBERS_MAX]; /* beside "cmd" */
    enum err (*answer)(const struct status_context *, const struct json_value *,
                       struct json_writer *, struct fault *);
};

static enum err status_commands(const struct status_context *, const struct json_value *,
                                struct json_writer *, struct fault *);

static const struct status_command commands[] = {
    {"commands", ROLE_OF_OBSERVERS, {NULL}, status_commands},
    {"status", ROLE_OF_OBSERVERS, {NULL}, status_status},
    {"agencies", ROLE_OF_OBSERVERS, {NULL}, status_agencies},
    {"queue", ROLE_OF_OBSERVERS, {NULL}, status_queue},
    {"due", ROLE_OF_OBSERVERS, {"within"}, status_due},
    {"late", ROLE_OF_OBSERVERS, {"id"}, status_late},
    {"documents", ROLE_OF_OBSERVERS, {NULL}, status_documents},
    {"voids", ROLE_OF_OBSERVERS, {NULL}, status_voids},
    {"policy", ROLE_OF_OBSERVERS, {"version"}, status_policy},
    {"case", ROLE_OF_OBSERVERS, {"id"}, status_case},
    {"why", ROLE_OF_OBSERVERS, {"referral", "leaf", "message"}, status_why},
    {"referrals", ROLE_OF_OBSERVERS, {"after", "count"}, status_referrals},
    {"calendar", ROLE_OF_OBSERVERS, {NULL}, status_calendar},
    {"windows", ROLE_OF_OBSERVERS, {"after"}, status_windows},
    {"backup", ROLE_OF_OPERATORS, {"reason", "dry_run", "out"}, status_backup},
    {"backup-show", ROLE_OF_OBSERVERS, {NULL}, status_backup_show},
    {"ping", ROLE_OF_OBSERVERS, {"agency", "timeout_ms"}, status_ping},
    {"agency-suspend", ROLE_OF_OPERATORS, {"agency", "reason", "dry_run"}, status_agency_suspend},
    {"agency-resume", ROLE_OF_OPERATORS, {"agency", "reason", "dry_run"}, status_agency_resume},
    {"key-revoke", ROLE_OF_OPERATORS, {"statement", "reason", "dry_run"}, status_key_revoke},
    {"audit-tail", ROLE_OF_AUDITORS, {"count", "before"}, status_audit_tail},
    {"dead-list", ROLE_OF_OBSERVERS, {"all"}, status_dead_list},
    {"dead-show", ROLE_OF_OBSERVERS, {"id"}, status_dead_show},
    {"dead-retry", ROLE_OF_OPERATORS, {"id", "reason", "dry_run"}, status_dead_retry},
    {"dead-drop", ROLE_OF_OPERATORS, {"id", "reason", "dry_run"}, status_dead_drop},
    {"metrics", ROLE_OF_OBSERVERS, {NULL}, status_metrics},
    {"config", ROLE_OF_OBSERVERS, {NULL}, status_config},
    {"config-reload", ROLE_OF_OPERATORS, {"reason", "dry_run"}, status_config_reload},
    {"recovery-show", ROLE_OF_OBSERVERS, {NULL}, status_recovery_show},
    {"recovery-go-on", ROLE_OF_OPERATORS, {"reason", "dry_run", "agency"}, status_recovery_go_on},
    {"subscribe", ROLE_OF_OBSERVERS, {"after"}, status_subscribe},
    {"standby-show", ROLE_OF_OBSERVERS, {NULL}, status_standby_show},
    {"standby-hello", ROLE_OF_OPERATORS, {NULL}, status_standby_hello},
    {"standby-read",
     ROLE_OF_OPERATORS,
     {"epoch", "after", "part", "applied", "log_size", "whole_to", "attachments_missing"},
     status_standby_read},
    {"standby-rows", ROLE_OF_OPERATORS, {"table", "after"}, status_standby_rows},
    {"standby-attachment", ROLE_OF_OPERATORS, {"digest", "offset"}, status_standby_attachment},
    {"standby-hand-over", ROLE_OF_OPERATORS, {"reason", "dry_run"}, status_standby_hand_over},
    {"clock-show", ROLE_OF_OBSERVERS, {NULL}, status_clock_show},
    {"clock-confirm", ROLE_OF_OPERATORS, {"reason", "dry_run"}, status_clock_confirm},
    {"clock-reset", ROLE_OF_OPERATORS, {"reason", "dry_run"}, status_clock_reset},
    {"lab-clock", ROLE_OF_OPERATORS, {"both_ms", "wall_ms"}, status_lab_clock},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

/* The table itself. What takes a reason changes something. */
static enum err status_commands(const struct status_context *ctx, const struct json_value *request,
                                struct json_writer *out, struct fault *fault)
{
    (void)ctx;
    (void)request;
    (void)fault;
    json_name(out, "commands");
    json_array_begin(out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        bool changes = false;

        json_object_begin(out);
        status_text(out, "name", commands[i].name);
        status_text(out, "role", role_name(commands[i].role));
        json_name(out, "members");
        json_array_begin(out);
        for (size_t j = 0; j < MEMBERS_MAX && commands[i].members[j] != NULL; j++) {
            changes = changes || strcmp(commands[i].members[j], "reason") == 0;
            json_text(out, commands[i].members[j]);
        }
        json_array_end(out);
        status_bool(out, "changes", changes);
        json_object_end(out);
    }
    json_array_end(out);
    return OK;
}

static enum err find_command(const struct json_value *request,
                             const struct status_command **ret_command, struct fault *fault)
{
    const char *names[COMMAND_COUNT + 1];
    struct json_value cmd = json_member(request, "cmd");
    size_t index;
    enum err error;

    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        names[i] = commands[i].name;
    }
    names[COMMAND_COUNT] = NULL;
    error = json_get_choice(&cmd, names, &index, fault);
    if (error == OK) {
        *ret_command = &commands[index];
    }
    return error;
}

/* A member of another name is a mistake: of `dry-run` a dear one. */
static enum err check_members(const struct json_value *request,
                              const struct status_command *command, struct fault *fault)
{
    const char *names[MEMBERS_MAX + 2] = {"cmd"};

    for (size_t i = 0; i < MEMBERS_MAX && command->members[i] != NULL; i++) {
        names[i + 1] = command->members[i];
    }
    return json_only(request, names, fault);
}

static enum err check_role(const struct status_context *ctx, const struct status_command *command,
                           struct fault *fault)
{
    const char *group = ctx->config != NULL ? role_group(ctx->config, command->role) : "";
    unsigned needed = command->role == ROLE_OF_OBSERVERS ? ROLES_ALL : (unsigned)command->role;

    if ((ctx->peer->roles & needed) != 0) {
        return OK;
    }
    if (ctx->peer->divided) {
        fault_set(fault, "status.divided", "cmd", "your groups make you operator and auditor");
        fault_hint(fault, "nobody may be both: leave one of the groups");
        return ERR_REFUSED;
    }
    fault_set(fault, "status.role", "cmd", "\"%s\" needs the role %s", command->name,
              role_name(command->role));
    if (group[0] != '\0') {
        fault_hint(fault, "who is in the group %s has it (%s in the broker's configuration)", group,
                   role_option(command->role));
    } else {
        fault_hint(fault,
                   "ask as root or as the daemon's user, or name a group by %s in the "
                   "broker's configuration",
                   role_option(command->role));
    }
    return ERR_REFUSED;
}

static enum err dispatch(const struct status_context *ctx, const struct json_value *request,
                         struct json_writer *out, struct fault *fault)
{
    struct status_context asked = *ctx;
    const struct status_command *command = NULL;
    enum err error = find_command(request, &command, fault);

    if (error == OK) {
        error = check_role(ctx, command, fault);
    }
    if (error == OK) {
        error = check_members(request, command, fault);
    }
    if (error != OK) {
        return error;
    }
    asked.command = command->name;
    asked.role = role_name(command->role);
    return command->answer(&asked, request, out, fault);
}

/* --- the frame --- */

void status_head_write(struct json_writer *out, bool ok)
{
    status_u64(out, "schema", STATUS_SCHEMA);
    status_bool(out, "ok", ok);
    status_text(out, "daemon", "broker");
}

enum err status_refusal_write(const struct fault *fault, enum err error, struct buf *out)
{
    struct json_writer writer;

    buf_clear(out);
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    status_head_write(&writer, false);
    status_text(&writer, "code", fault->code[0] != '\0' ? fault->code : "broker.environment");
    status_text(&writer, "place", fault->place);
    status_text(&writer, "message", fault->message[0] != '\0' ? fault->message : err_text(error));
    status_text(&writer, "hint", fault->hint);
    if (fault->all != NULL) {
        json_name(&writer, "errors");
        faults_show(fault->all, &writer);
    }
    json_object_end(&writer);
    return json_writer_end(&writer);
}

enum err status_answer(const struct status_context *ctx, struct span line, struct buf *out)
{
    struct fault fault = {.code = ""};
    struct json *json = NULL;
    struct json_value request;
    struct json_writer writer;
    struct status_context asked = *ctx;
    bool later = false;
    enum err error = json_open("status", line, &json, &fault);

    assert(ctx->peer != NULL);
    asked.later = &later;
    if (error == OK) {
        request = json_root(json);
        json_writer_init(&writer, out);
        json_object_begin(&writer);
        status_head_write(&writer, true);
        error = dispatch(&asked, &request, &writer, &fault);
        json_object_end(&writer);
        if (error == OK) {
            error = json_writer_end(&writer);
        }
        if (error == OK && later) {
            buf_clear(out);
        }
    }
    json_free(json);
    return error == OK ? OK : status_refusal_write(&fault, error, out);
}
