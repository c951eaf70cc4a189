/* The status commands about the clock: `clock-show`, `clock-confirm`, `clock-reset`, and a
 * laboratory's `lab-clock`. */
#include "broker/status_change.h"
#include "broker/status_parts.h"
#include "model/timekeeper.h"

static const char *const hold_names[] = {[HOLD_NOT] = "none",
                                         [HOLD_JUMP] = "jump",
                                         [HOLD_START] = "start",
                                         [HOLD_WAIT] = "wait",
                                         [HOLD_AHEAD] = "ahead"};

void status_clock_write(const struct status_context *ctx, struct json_writer *out)
{
    struct broker_clock clock;

    broker_clock(ctx->broker, &clock);
    json_name(out, "clock");
    json_object_begin(out);
    status_u64(out, "broker_ms", clock.broker_ms);
    status_u64(out, "wall_ms", clock.wall_ms);
    status_text(out, "held", hold_names[clock.hold]);
    status_u64(out, "confirmed_ms", clock.confirmed_ms);
    status_u64(out, "wait_until_ms", clock.wait_until_ms);
    json_object_end(out);
}

enum err status_clock_show(const struct status_context *ctx, const struct json_value *request,
                           struct json_writer *out, struct fault *fault)
{
    (void)request;
    (void)fault;
    status_clock_write(ctx, out);
    return OK;
}

enum err status_clock_confirm(const struct status_context *ctx, const struct json_value *request,
                              struct json_writer *out, struct fault *fault)
{
    struct change change;
    enum err error = change_read(ctx, request, &change, fault);

    if (error != OK) {
        return error;
    }
    status_clock_write(ctx, out);
    if (!change.dry_run) {
        error = broker_clock_confirm(ctx->broker, &change.act);
    }
    return change_answer(&change, error, out, fault);
}

/* With nothing to undo nothing is recorded. */
enum err status_clock_reset(const struct status_context *ctx, const struct json_value *request,
                            struct json_writer *out, struct fault *fault)
{
    bool ahead = broker_clock_ahead(ctx->broker);
    struct change change;
    enum err error = change_read(ctx, request, &change, fault);

    if (error != OK) {
        return error;
    }
    status_clock_write(ctx, out);
    status_bool(out, "was_ahead", ahead);
    if (!change.dry_run && ahead) {
        error = broker_clock_reset(ctx->broker, &change.act);
    }
    return change_answer(&change, error, out, fault);
}

static enum err move(struct clock *clock, const struct json_value *request, const char *name,
                     enum err (*set)(struct clock *, int64_t), struct fault *fault)
{
    struct json_value value = json_member(request, name);
    int64_t offset_ms;
    enum err error;

    if (json_absent(&value)) {
        return OK;
    }
    error = json_get_i64(&value, &offset_ms, fault);
    if (error == OK && set(clock, offset_ms) != OK) {
        error = json_refuse(&value, fault, "status.laboratory",
                            "expected an offset in milliseconds that does not go back");
    }
    return error;
}

/* Laboratory only: {"both_ms":N} moves wall and boot clock together, {"wall_ms":N} the wall. */
enum err status_lab_clock(const struct status_context *ctx, const struct json_value *request,
                          struct json_writer *out, struct fault *fault)
{
    enum err error;

    if (ctx->clock == NULL || !ctx->clock->laboratory) {
        return json_refuse(request, fault, "status.laboratory",
                           "clocks are moved in laboratory mode only");
    }
    error = move(ctx->clock, request, "both_ms", clock_set_both_offset, fault);
    if (error == OK) {
        error = move(ctx->clock, request, "wall_ms", clock_set_wall_offset, fault);
    }
    if (error == OK) {
        ctx->turn(ctx->ctx);
        status_clock_write(ctx, out);
    }
    return error;
}
