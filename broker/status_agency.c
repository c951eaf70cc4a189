/* The status commands about one agency: `agency-suspend`, `agency-resume`, `ping`. */
#include <string.h>

#include "broker/status_change.h"
#include "broker/status_parts.h"
#include "store/queue.h"

#define PING_DEFAULT_MS 10000u
#define PING_MAX_MS     60000u

static enum err read_agency(const struct status_context *ctx, const struct json_value *request,
                            size_t *ret_place, struct fault *fault)
{
    const struct registry *registry = broker_setup(ctx->broker)->registry;
    struct json_value value = json_member(request, "agency");
    const struct agency *agency;
    const char *id;
    enum err error = json_get_text(&value, LIMIT_AGENCY_ID_BYTES, &id, fault);

    if (error != OK) {
        return error;
    }
    agency = registry_find(registry, id);
    if (agency == NULL) {
        (void)json_refuse(&value, fault, "status.unknown-agency", "no agency has the id \"%s\"",
                          id);
        fault_hint(fault, "`referralctl agency ls` lists them");
        return ERR_INVALID;
    }
    *ret_place = (size_t)(agency - registry_at(registry, 0));
    return OK;
}

/* --- suspend, resume --- */

static enum err write_waiting(const struct status_context *ctx, size_t place,
                              struct json_writer *out)
{
    const struct broker_setup *setup = broker_setup(ctx->broker);
    struct store_txn *read;
    uint64_t waiting = 0;
    enum err error = store_read_begin(setup->store, &read);

    if (error != OK) {
        return error;
    }
    error = queue_waiting(read, registry_at(setup->registry, place)->number, &waiting, NULL);
    store_read_end(read);
    status_u64(out, "waiting", waiting);
    return error;
}

static const char *state_without(const struct status_context *ctx, size_t place, bool suspended)
{
    return suspended ? "suspended" : status_agency_standing(ctx, place);
}

static enum err change_state(const struct status_context *ctx, const struct json_value *request,
                             struct json_writer *out, struct fault *fault)
{
    bool suspend = strcmp(ctx->command, "agency-suspend") == 0;
    struct change change;
    size_t place = 0;
    enum err error = read_agency(ctx, request, &place, fault);

    if (error == OK && !suspend &&
        registry_at(broker_setup(ctx->broker)->registry, place)->suspended) {
        fault_set(fault, "agency.registry", "agency", "is suspended by the registry itself");
        fault_hint(fault, "the joint-meeting office signs a version without `suspended`");
        error = ERR_REFUSED;
    }
    if (error == OK) {
        error = change_read(ctx, request, &change, fault);
    }
    if (error != OK) {
        return error;
    }
    change.act.about = registry_at(broker_setup(ctx->broker)->registry, place)->id;
    status_text(out, "agency", change.act.about);
    status_text(out, "state", status_agency_state(ctx, place));
    status_text(out, "state_after", state_without(ctx, place, suspend));
    error = write_waiting(ctx, place, out);
    if (error == OK && !change.dry_run && broker_suspended(ctx->broker, place) != suspend) {
        error = broker_suspend(ctx->broker, &change.act, place, suspend);
    }
    return change_answer(&change, error, out, fault);
}

enum err status_agency_suspend(const struct status_context *ctx, const struct json_value *request,
                               struct json_writer *out, struct fault *fault)
{
    return change_state(ctx, request, out, fault);
}

enum err status_agency_resume(const struct status_context *ctx, const struct json_value *request,
                              struct json_writer *out, struct fault *fault)
{
    return change_state(ctx, request, out, fault);
}

/* --- ping --- */

/* Answered later, by status_ping_answer. */
enum err status_ping(const struct status_context *ctx, const struct json_value *request,
                     struct json_writer *out, struct fault *fault)
{
    struct json_value timeout = json_member(request, "timeout_ms");
    uint64_t timeout_ms = PING_DEFAULT_MS;
    size_t place = 0;
    enum err error = read_agency(ctx, request, &place, fault);

    (void)out;
    if (error == OK && !json_absent(&timeout)) {
        error = json_get_u64(&timeout, 1, PING_MAX_MS, &timeout_ms, fault);
    }
    if (error == OK && broker_ping(ctx->broker, place, timeout_ms, ctx->peer->handle) != OK) {
        fault_set(fault, "ping.busy", "agency", "another ping of this agency is under way");
        fault_hint(fault, "wait for its answer, or its timeout");
        error = ERR_BUSY;
    }
    if (error == OK) {
        *ctx->later = true;
        ctx->turn(ctx->ctx);
    }
    return error;
}

static enum err write_pong(const struct status_context *ctx, const struct ping_result *result,
                           struct buf *out)
{
    const struct registry *registry = broker_setup(ctx->broker)->registry;
    struct json_writer writer;

    json_writer_init(&writer, out);
    json_object_begin(&writer);
    status_head_write(&writer, true);
    status_text(&writer, "agency", registry_at(registry, result->agency)->id);
    status_u64(&writer, "round_trip_ms", result->round_trip_ms);
    status_u64(&writer, "waited_ms", result->waited_ms);
    json_object_end(&writer);
    return json_writer_end(&writer);
}

enum err status_ping_answer(const struct status_context *ctx, const struct ping_result *result,
                            struct buf *out)
{
    struct fault fault = {.code = ""};

    if (result->answered) {
        return write_pong(ctx, result, out);
    }
    if (result->sent) {
        fault_set(&fault, "ping.timeout", "agency",
                  "it fetched the question and did not answer in time");
        fault_hint(&fault, "look at its agent: `referralctl agent status` and its log; one of an "
                           "older release does not answer pings");
    } else {
        fault_set(&fault, "ping.timeout", "agency", "it did not come to fetch in time");
        fault_hint(&fault,
                   "its agent does not run or does not reach the broker: docs/operations.md "
                   "says how to find out");
    }
    return status_refusal_write(&fault, ERR_TIMEOUT, out);
}
