/* Status commands about backups: `backup` starts one, `backup-show` says how far it is, what was
 * made last and what failed. The work is broker/backup.h's; an answer never waits for it. */
#include <string.h>

#include "broker/backup.h"
#include "broker/status_change.h"
#include "broker/status_parts.h"

static const char *const state_names[] = {[BACKUP_NEVER] = "never",
                                          [BACKUP_RUNNING] = "running",
                                          [BACKUP_DONE] = "done",
                                          [BACKUP_FAILED] = "failed"};

static void write_made(const char *name, const struct backup_made *made, struct json_writer *out)
{
    json_name(out, name);
    if (made == NULL) {
        json_text(out, NULL);
        return;
    }
    json_object_begin(out);
    status_text(out, "file", made->path);
    status_u64(out, "made_ms", made->info.made_ms);
    status_u64(out, "log_size", made->info.log_size);
    status_u64(out, "rows", made->info.rows);
    status_u64(out, "content_bytes", made->info.content_bytes);
    status_u64(out, "file_bytes", made->info.file_bytes);
    status_u64(out, "attachments", made->info.attachments);
    status_u64(out, "attachment_bytes", made->info.attachment_bytes);
    json_object_end(out);
}

static void write_fault(const char *name, const struct fault *fault, struct json_writer *out)
{
    json_name(out, name);
    if (fault->code[0] == '\0') {
        json_text(out, NULL);
        return;
    }
    json_object_begin(out);
    status_text(out, "code", fault->code);
    status_text(out, "place", fault->place);
    status_text(out, "message", fault->message);
    status_text(out, "hint", fault->hint);
    json_object_end(out);
}

void status_backup_write(const struct status_context *ctx, struct json_writer *out)
{
    struct backup_look look;

    json_name(out, "backup");
    if (ctx->backup == NULL) {
        json_text(out, NULL);
        return;
    }
    broker_backup_look(ctx->backup, &look);
    json_object_begin(out);
    status_text(out, "folder", ctx->config != NULL ? ctx->config->backup_folder : "");
    status_text(out, "state", state_names[look.state]);
    status_u64(out, "started_ms", look.started_ms);
    status_u64(out, "rows", look.rows);
    status_u64(out, "bytes", look.bytes);
    status_u64(out, "attachments", look.attachments);
    write_made("made", look.state == BACKUP_DONE ? &look.made : NULL, out);
    write_fault("error", &look.run_fault, out);
    write_made("last", look.has_last ? &look.last : NULL, out);
    status_u64(out, "failures", look.failures);
    write_fault("failure", &look.fault, out);
    json_object_end(out);
}

enum err status_backup_show(const struct status_context *ctx, const struct json_value *request,
                            struct json_writer *out, struct fault *fault)
{
    (void)request;
    (void)fault;
    status_backup_write(ctx, out);
    return OK;
}

static enum err read_out(const struct json_value *request, const char **ret_out,
                         struct fault *fault)
{
    struct json_value value = json_member(request, "out");

    *ret_out = NULL;
    return json_absent(&value) ? OK : json_get_text(&value, CONFIG_PATH_BYTES, ret_out, fault);
}

enum err status_backup(const struct status_context *ctx, const struct json_value *request,
                       struct json_writer *out, struct fault *fault)
{
    const char *folder = NULL;
    struct change change;
    enum err error = change_read(ctx, request, &change, fault);

    if (error == OK) {
        error = read_out(request, &folder, fault);
    }
    if (error == OK && ctx->backup == NULL) {
        fault_set(fault, "backup.none", "cmd", "this broker makes no backups");
        error = ERR_REFUSED;
    }
    if (error == OK) {
        error = broker_backup_check(ctx->backup, ctx->config, folder, fault);
    }
    if (error != OK) {
        return error;
    }
    if (!change.dry_run) {
        error = broker_act(ctx->broker, &change.act);
    }
    if (error == OK && !change.dry_run) {
        error = broker_backup_start(ctx->backup, ctx->broker, ctx->config, folder, fault);
    }
    status_backup_write(ctx, out);
    return change_answer(&change, error, out, fault);
}
