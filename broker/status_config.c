/* The status commands `config`: what is in force and where each value comes from, and
 * `config-reload`: everything anew or nothing. */
#include "broker/reload.h"
#include "broker/status_change.h"
#include "broker/status_parts.h"

static enum err refuse_without(const struct status_context *ctx, struct fault *fault)
{
    if (ctx->reload == NULL) {
        fault_set(fault, "config.none", "cmd", "this broker was not started from a file");
        return ERR_REFUSED;
    }
    return OK;
}

static void write_last(const struct reload *reload, struct json_writer *out)
{
    json_name(out, "reload");
    json_object_begin(out);
    status_u64(out, "done_ms", reload->done_ms);
    status_u64(out, "refused_ms", reload->refused_ms);
    json_name(out, "errors");
    faults_show(&reload->faults, out);
    json_object_end(out);
}

enum err status_config(const struct status_context *ctx, const struct json_value *request,
                       struct json_writer *out, struct fault *fault)
{
    enum err error = refuse_without(ctx, fault);

    (void)request;
    if (error != OK) {
        return error;
    }
    const struct broker_config *config = &ctx->reload->loaded->config;

    status_text(out, "file", config->origin.file);
    json_name(out, "options");
    options_show(broker_option_table, config, &config->origin, out);
    write_last(ctx->reload, out);
    return OK;
}

/* The answer of what was refused has all of it. */
static enum err refuse_all(const struct status_context *ctx, enum err error, struct fault *fault)
{
    const struct faults *faults = &ctx->reload->faults;

    fault_set(fault, "config.kept", faults->count > 0 ? faults->rows[0].place : "",
              "mistakes: %zu; nothing was reloaded, the old configuration stays in force",
              faults->count + faults->left_out);
    fault_hint(fault, "`errors` has each of them; mend them, then reload again");
    fault->all = &ctx->reload->faults;
    return error;
}

enum err status_config_reload(const struct status_context *ctx, const struct json_value *request,
                              struct json_writer *out, struct fault *fault)
{
    const uint64_t now_ms = clock_wall_ms(ctx->clock);
    struct loaded *fresh = NULL;
    struct change change;
    enum err error = refuse_without(ctx, fault);

    if (error == OK) {
        error = change_read(ctx, request, &change, fault);
    }
    if (error != OK) {
        return error;
    }
    error = reload_read(ctx->reload, now_ms, &fresh);
    if (error != OK) {
        return refuse_all(ctx, error, fault);
    }
    status_u64(out, "agencies", registry_count(fresh->registry));
    status_text(out, "calendar", calendar_version(fresh->calendar));
    if (change.dry_run) {
        loaded_free(fresh);
        return change_answer(&change, OK, out, fault);
    }
    error = broker_act(ctx->broker, &change.act); /* the word first, then what it does */
    if (error != OK) {
        loaded_free(fresh);
        return change_answer(&change, error, out, fault);
    }
    error = reload_apply(ctx->reload, now_ms, fresh);
    if (error != OK) {
        return refuse_all(ctx, error, fault);
    }
    ctx->turn(ctx->ctx);
    return change_answer(&change, OK, out, fault);
}
