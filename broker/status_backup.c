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

static void write_last(const struct backup_look *look, struct json_writer *out)
{
    const struct backup_made *last = &look->last;

    json_name(out, "last");
    if (!look->has_last) {
        json_text(out, NULL);
        return;
    }
    json_object_begin(out);
    status_text(out, "file", last->path);
    status_u64(out, "made_ms", last->info.made_ms);
    status_u64(out, "log_size", last->info.log_size);
    status_u64(out, "rows", last->info.rows);
    status_u64(out, "content_bytes", last->info.content_bytes);
    status_u64(out, "file_bytes", last->info.file_bytes);
    status_u64(out, "attachments", last->info.attachments);
    status_u64(out, "attachment_bytes", last->info.attachment_bytes);
    json_object_end(out);
}

static void write_failure(const struct backup_look *look, struct json_writer *out)
{
    json_name(out, "failure");
    if (look->fault.code[0] == '\0') {
        json_text(out, NULL);
        return;
    }
    json_object_begin(out);
    status_text(out, "code", look->fault.code);
    status_text(out, "place", look->fault.place);
    status_text(out, "message", look->fault.message);
    status_text(out, "hint", look->fault.hint);
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
    status_text(out, "folder", broker_backup_folder(ctx->backup));
    status_text(out, "state", state_names[look.state]);
    status_u64(out, "started_ms", look.started_ms);
    status_u64(out, "rows", look.rows);
    status_u64(out, "bytes", look.bytes);
    status_u64(out, "attachments", look.attachments);
    write_last(&look, out);
    status_u64(out, "failures", look.failures);
    write_failure(&look, out);
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
        error = broker_backup_start(ctx->backup, ctx->broker, fault);
    }
    status_backup_write(ctx, out);
    return change_answer(&change, error, out, fault);
}
