/* The status command `subscribe`: from where on. What is then sent is subscriptions.h. */
#include "broker/status_parts.h"
#include "broker/subscriptions.h"
#include "store/audit.h"

static enum err read_after(const struct json_value *request, uint64_t size, int64_t *ret_after,
                           struct fault *fault)
{
    struct json_value value = json_member(request, "after");
    enum err error;

    *ret_after = (int64_t)size - 1;
    if (json_absent(&value)) {
        return OK;
    }
    error = json_get_i64(&value, ret_after, fault);
    if (error == OK && (*ret_after < -1 || *ret_after >= (int64_t)size)) {
        error = json_refuse(&value, fault, "status.position",
                            "expected a position of the log, -1 to %lld", (long long)size - 1);
        fault_hint(fault, "a log that is shorter than what was seen is another log, or an older "
                          "copy: compare `origin`, then subscribe anew");
    }
    return error;
}

enum err status_subscribe(const struct status_context *ctx, const struct json_value *request,
                          struct json_writer *out, struct fault *fault)
{
    const struct broker_setup *setup = broker_setup(ctx->broker);
    struct store_txn *read;
    uint64_t size = 0;
    int64_t after = -1;
    enum err error = store_read_begin(setup->store, &read);

    if (error != OK) {
        return error;
    }
    error = audit_size(read, &size);
    store_read_end(read);
    if (error == OK) {
        error = read_after(request, size, &after, fault);
    }
    if (error != OK) {
        return error;
    }
    error = ctx->subscriptions != NULL
                ? subscriptions_add(ctx->subscriptions, ctx->peer->handle, (uint64_t)(after + 1))
                : ERR_FULL;
    if (error == ERR_FULL) {
        fault_set(fault, "status.busy", "cmd", "as many subscribe as may: %u", SUBSCRIPTIONS_MAX);
        fault_hint(fault, "end another subscription");
    } else if (error == ERR_EXISTS) {
        fault_set(fault, "status.subscribed", "cmd", "this connection has a subscription");
        fault_hint(fault, "use one connection for each");
    }
    json_name(out, "after");
    json_i64(out, after);
    status_u64(out, "size", size);
    status_text(out, "origin", broker_origin(ctx->broker));
    return error;
}
