/* Status commands about backups: `backup` starts one, `backup-show` says how far it is, what was
 * made last and what failed. The work is lib/store/backups'; an answer never waits for it. */
#include "broker/backup.h"
#include "broker/status_change.h"
#include "broker/status_parts.h"

void status_backup_write(const struct status_context *ctx, struct json_writer *out)
{
    backups_write(ctx->backup, ctx->config != NULL ? ctx->config->backup_folder : "", out);
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
    struct backups_plan plan;
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
        broker_backup_plan(ctx->broker, ctx->config, &plan);
        error = backups_check(ctx->backup, &plan, folder, fault);
    }
    if (error != OK) {
        return error;
    }
    if (!change.dry_run) {
        error = broker_act(ctx->broker, &change.act);
    }
    if (error == OK && !change.dry_run) {
        error = backups_start(ctx->backup, broker_setup(ctx->broker)->store, &plan, folder, fault);
    }
    status_backup_write(ctx, out);
    return change_answer(&change, error, out, fault);
}
