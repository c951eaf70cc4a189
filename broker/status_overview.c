/* The status commands that show the whole: `status`, `agencies`, `queue`. */
#include <string.h>

#include "broker/load.h"
#include "broker/reload.h"
#include "broker/status_parts.h"
#include "store/audit.h"
#include "store/queue.h"
#include "store/witness.h"

static void write_counts(const struct status_context *ctx, struct json_writer *out)
{
    struct broker_counts counts;

    broker_count(ctx->broker, &counts);
    json_name(out, "counts");
    json_object_begin(out);
    status_u64(out, "turns", counts.turns);
    status_u64(out, "commits", counts.commits);
    status_u64(out, "requests", counts.requests);
    status_u64(out, "messages", counts.messages);
    status_u64(out, "refused", counts.refused);
    status_u64(out, "strangers", counts.strangers);
    status_u64(out, "rungs", counts.rungs);
    status_u64(out, "notices", counts.notices);
    status_u64(out, "redated", counts.redated);
    status_u64(out, "parked", counts.parked);
    status_u64(out, "attachment_bytes_in", counts.blob_bytes_in);
    status_u64(out, "attachment_bytes_out", counts.blob_bytes_out);
    status_u64(out, "attachments_collected", counts.blobs_collected);
    json_object_end(out);
}

static void write_link(const struct status_context *ctx, struct json_writer *out)
{
    struct link_server_counts counts;

    if (ctx->link == NULL) {
        return;
    }
    link_server_count(ctx->link, &counts);
    json_name(out, "link");
    json_object_begin(out);
    status_u64(out, "connections", counts.connections);
    status_u64(out, "connections_refused", counts.connections_refused);
    status_u64(out, "requests", counts.requests);
    status_u64(out, "contexts_held", counts.contexts_held);
    status_u64(out, "unread", counts.unread);
    status_u64(out, "idle_closed", counts.idle_closed);
    status_u64(out, "probes_failed", counts.probes_failed);
    status_u64(out, "reaps_failed", counts.reaps_failed);
    json_object_end(out);
}

static enum err write_log(struct store_txn *read, struct json_writer *out)
{
    struct digest root;
    char text[DIGEST_TEXT_BYTES];
    uint64_t size = 0;
    enum err error = audit_size(read, &size);

    if (error == OK) {
        error = audit_root(read, &root);
    }
    if (error != OK) {
        return error;
    }
    digest_format(&root, text);
    json_name(out, "log");
    json_object_begin(out);
    status_u64(out, "size", size);
    status_text(out, "root", text);
    json_object_end(out);
    return OK;
}

/* Empty: no listener has TLS. */
static const char *tls_library(const struct status_context *ctx)
{
    return ctx->reload != NULL && ctx->reload->loaded->config.tls_certificate[0] != '\0'
               ? link_engine_name()
               : "";
}

enum err status_status(const struct status_context *ctx, const struct json_value *request,
                       struct json_writer *out, struct fault *fault)
{
    const struct broker_setup *setup = broker_setup(ctx->broker);
    struct store_txn *read;
    uint64_t dead = 0;
    enum err error = store_read_begin(setup->store, &read);

    (void)request;
    (void)fault;
    if (error != OK) {
        return error;
    }
    status_text(out, "software", setup->software);
    status_text(out, "origin", broker_origin(ctx->broker));
    status_text(out, "tls", tls_library(ctx));
    status_text(out, "calendar", calendar_version(setup->calendar));
    status_u64(out, "calendar_missing", status_missing_year(ctx));
    json_name(out, "redating");
    json_bool(out, broker_redating(ctx->broker));
    status_u64(out, "agencies", registry_count(setup->registry));
    status_u64(out, "registry_version", setup->document.version);
    status_u64(out, "store_percent", store_used_percent(setup->store));
    json_name(out, "accepts");
    json_bool(out, store_accepts(setup->store));
    json_name(out, "laboratory");
    json_bool(out, ctx->clock != NULL && ctx->clock->laboratory);
    status_recovery_write(ctx, out);
    status_backup_write(ctx, out);
    status_standby_write(ctx, out);
    status_clock_write(ctx, out);
    write_counts(ctx, out);
    write_link(ctx, out);
    error = status_dead_count(ctx, read, &dead);
    status_u64(out, "dead", dead);
    if (error == OK) {
        error = write_log(read, out);
    }
    store_read_end(read);
    return error;
}

/* --- agencies --- */

const char *status_agency_state(const struct status_context *ctx, size_t place)
{
    return broker_suspended(ctx->broker, place) ? "suspended" : status_agency_standing(ctx, place);
}

const char *status_agency_standing(const struct status_context *ctx, size_t place)
{
    const struct agency *agency = registry_at(broker_setup(ctx->broker)->registry, place);
    struct broker_clock clock;

    broker_clock(ctx->broker, &clock);
    if (agency_has_left(agency, clock.broker_ms)) {
        return "left";
    }
    return agency->left_day != 0 ? "leaving" : "registered";
}

/* The newest checkpoint that it countersigned, and how old what it covers is. */
static enum err write_witnessed(struct store_txn *read, uint16_t number, struct json_writer *out)
{
    struct witness_row row = {.size = 0};
    uint64_t at_ms = 0;
    enum err error = witness_get(read, number, &row);

    if (error == ERR_NOT_FOUND) {
        error = OK;
    } else if (error == OK && row.size > 0) {
        error = status_leaf_time(read, row.size - 1, &at_ms);
    }
    status_u64(out, "witnessed_size", row.size);
    status_u64(out, "witnessed_ms", at_ms);
    return error;
}

static enum err write_agency(const struct status_context *ctx, struct store_txn *read, size_t place,
                             struct json_writer *out)
{
    const struct agency *agency = registry_at(broker_setup(ctx->broker)->registry, place);
    uint64_t waiting = 0, oldest_ms = 0;
    enum err error = queue_waiting(read, agency->number, &waiting, &oldest_ms);

    json_object_begin(out);
    status_text(out, "id", agency->id);
    status_text(out, "name_zh", agency->name_zh);
    status_text(out, "name_en", agency->name_en);
    status_text(out, "state", status_agency_state(ctx, place));
    status_bool(out, "up", broker_agency_up(ctx->broker, place));
    status_u64(out, "heard_ms", broker_heard_ms(ctx->broker, place));
    status_u64(out, "waiting", waiting);
    status_u64(out, "oldest_ms", oldest_ms);
    if (error == OK) {
        error = write_witnessed(read, agency->number, out);
    }
    json_object_end(out);
    return error;
}

enum err status_agencies(const struct status_context *ctx, const struct json_value *request,
                         struct json_writer *out, struct fault *fault)
{
    const struct broker_setup *setup = broker_setup(ctx->broker);
    struct store_txn *read;
    enum err error = store_read_begin(setup->store, &read);

    (void)request;
    (void)fault;
    if (error != OK) {
        return error;
    }
    json_name(out, "agencies");
    json_array_begin(out);
    for (size_t i = 0; error == OK && i < registry_count(setup->registry); i++) {
        error = write_agency(ctx, read, i, out);
    }
    json_array_end(out);
    store_read_end(read);
    return error;
}

/* --- queue: how old is what waits, by agency --- */

static const struct {
    const char *name;
    uint64_t below_ms;
} ages[] = {
    {"10m", UINT64_C(600000)},   {"1h", UINT64_C(3600000)},   {"1d", UINT64_C(86400000)},
    {"3d", UINT64_C(259200000)}, {"7d", UINT64_C(604800000)}, {"older", UINT64_MAX},
};

#define AGE_COUNT (sizeof(ages) / sizeof(ages[0]))

#define QUEUE_WALK_COUNT 20000u /* rows of one lane that one answer looks at */

static enum err count_ages(struct store_txn *read, struct queue_stream stream, uint64_t now_ms,
                           uint64_t counts[AGE_COUNT])
{
    struct queue_item item = {.seq = 0};

    for (unsigned i = 0; i < QUEUE_WALK_COUNT; i++) {
        enum err error = queue_after(read, stream, item.seq, &item);
        uint64_t age_ms;
        size_t at = 0;

        if (error != OK) {
            return error == ERR_NOT_FOUND ? OK : error;
        }
        age_ms = now_ms > item.queued_ms ? now_ms - item.queued_ms : 0;
        while (age_ms >= ages[at].below_ms) {
            at++;
        }
        counts[at]++;
    }
    return OK;
}

static enum err write_ages(const struct status_context *ctx, struct store_txn *read,
                           const struct agency *agency, struct json_writer *out)
{
    struct broker_clock clock;
    uint64_t counts[AGE_COUNT] = {0};
    uint64_t waiting = 0, oldest_ms = 0;
    enum err error = queue_waiting(read, agency->number, &waiting, &oldest_ms);

    broker_clock(ctx->broker, &clock);
    for (unsigned lane = 0; error == OK && waiting > 0 && lane < QUEUE_LANES; lane++) {
        struct queue_stream stream = {.recipient = agency->number, .lane = (uint8_t)lane};

        error = count_ages(read, stream, clock.broker_ms, counts);
    }
    json_object_begin(out);
    status_text(out, "id", agency->id);
    status_text(out, "name_zh", agency->name_zh);
    status_u64(out, "waiting", waiting);
    for (size_t i = 0; i < AGE_COUNT; i++) {
        status_u64(out, ages[i].name, counts[i]);
    }
    json_object_end(out);
    return error;
}

enum err status_queue(const struct status_context *ctx, const struct json_value *request,
                      struct json_writer *out, struct fault *fault)
{
    const struct broker_setup *setup = broker_setup(ctx->broker);
    struct store_txn *read;
    enum err error = store_read_begin(setup->store, &read);

    (void)request;
    (void)fault;
    if (error != OK) {
        return error;
    }
    json_name(out, "queues");
    json_array_begin(out);
    for (size_t i = 0; error == OK && i < registry_count(setup->registry); i++) {
        error = write_ages(ctx, read, registry_at(setup->registry, i), out);
    }
    json_array_end(out);
    store_read_end(read);
    return error;
}
