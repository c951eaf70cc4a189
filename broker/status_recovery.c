/* The status commands about a store that was restored from an old copy: `recovery-show`, and
 * `recovery-go-on`, by which an agency is not awaited any more. */
#include <string.h>

#include "broker/status_change.h"
#include "broker/status_parts.h"

static const char *const states[] = {[HAND_BACK_NOT_ASKED] = "not-asked",
                                     [HAND_BACK_AWAITED] = "awaited",
                                     [HANDED_BACK] = "done",
                                     [HAND_BACK_NOT_AWAITED] = "not-awaited"};

void status_recovery_write(const struct status_context *ctx, struct json_writer *out)
{
    struct broker_recovery recovery;

    broker_recovery(ctx->broker, &recovery);
    json_name(out, "recovery");
    json_object_begin(out);
    status_text(out, "phase", recovery.phase);
    status_bool(out, "holds", recovery.holds);
    status_bool(out, "behind", recovery.behind);
    status_text(out, "behind_agency", recovery.behind_agency);
    status_u64(out, "behind_size", recovery.behind_size);
    status_u64(out, "from", recovery.from);
    status_u64(out, "to", recovery.to);
    status_u64(out, "handed_back", recovery.handed_back);
    status_u64(out, "applied", recovery.applied);
    status_u64(out, "kept", recovery.kept);
    json_object_end(out);
}

static enum err write_agencies(const struct status_context *ctx, struct json_writer *out)
{
    const struct broker_setup *setup = broker_setup(ctx->broker);
    struct store_txn *read;
    enum err error = store_read_begin(setup->store, &read);

    if (error != OK) {
        return error;
    }
    json_name(out, "agencies");
    json_array_begin(out);
    for (size_t i = 0; error == OK && i < registry_count(setup->registry); i++) {
        enum broker_hand_back state;

        error = broker_recovery_agency(ctx->broker, read, i, &state);
        json_object_begin(out);
        status_text(out, "id", registry_at(setup->registry, i)->id);
        status_text(out, "hand_back", states[state]);
        json_object_end(out);
    }
    json_array_end(out);
    store_read_end(read);
    return error;
}

enum err status_recovery_show(const struct status_context *ctx, const struct json_value *request,
                              struct json_writer *out, struct fault *fault)
{
    (void)request;
    (void)fault;
    status_recovery_write(ctx, out);
    return write_agencies(ctx, out);
}

/* The place in the registry of an agency that is awaited. */
static enum err read_awaited(const struct status_context *ctx, const struct json_value *request,
                             size_t *ret_place, struct fault *fault)
{
    const struct broker_setup *setup = broker_setup(ctx->broker);
    struct json_value value = json_member(request, "agency");
    enum broker_hand_back state = HAND_BACK_NOT_ASKED;
    struct broker_recovery recovery;
    struct store_txn *read;
    const char *id = "";
    size_t place = 0;
    enum err error = json_get_text(&value, LIMIT_AGENCY_ID_BYTES, &id, fault);

    if (error != OK) {
        return error;
    }
    while (place < registry_count(setup->registry) &&
           strcmp(registry_at(setup->registry, place)->id, id) != 0) {
        place++;
    }
    if (place == registry_count(setup->registry)) {
        return json_refuse(&value, fault, "status.agency", "no such agency");
    }
    broker_recovery(ctx->broker, &recovery);
    error = store_read_begin(setup->store, &read);
    if (error == OK) {
        error = broker_recovery_agency(ctx->broker, read, place, &state);
        store_read_end(read);
    }
    if (error == OK && (strcmp(recovery.phase, "awaiting") != 0 || state != HAND_BACK_AWAITED)) {
        return json_refuse(&value, fault, "recovery.not-awaited", "nothing of it is awaited");
    }
    *ret_place = place;
    return error;
}

enum err status_recovery_go_on(const struct status_context *ctx, const struct json_value *request,
                               struct json_writer *out, struct fault *fault)
{
    struct change change;
    size_t place = 0;
    enum err error = change_read(ctx, request, &change, fault);

    if (error == OK) {
        error = read_awaited(ctx, request, &place, fault);
    }
    if (error == OK && !change.dry_run) {
        error = broker_recovery_go_on(ctx->broker, place, &change.act);
    }
    if (error == OK) {
        error = status_recovery_show(ctx, request, out, fault);
    }
    return change_answer(&change, error, out, fault);
}
