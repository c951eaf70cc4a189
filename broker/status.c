/* The status socket: a table of commands. Each command reads within one short transaction. */
#include "broker/status.h"

#include <string.h>

#include "model/timekeeper.h"
#include "store/audit.h"
#include "store/queue.h"

static const char *const hold_names[] = {[HOLD_NOT] = "none",
                                         [HOLD_JUMP] = "jump",
                                         [HOLD_START] = "start",
                                         [HOLD_WAIT] = "wait",
                                         [HOLD_AHEAD] = "ahead"};

static void named_u64(struct json_writer *out, const char *name, uint64_t value)
{
    json_name(out, name);
    json_u64(out, value);
}

static void named_text(struct json_writer *out, const char *name, const char *text)
{
    json_name(out, name);
    json_text(out, text);
}

static void write_clock(const struct status_context *ctx, struct json_writer *out)
{
    struct broker_clock clock;

    broker_clock(ctx->broker, &clock);
    json_name(out, "clock");
    json_object_begin(out);
    named_u64(out, "broker_ms", clock.broker_ms);
    named_u64(out, "wall_ms", clock.wall_ms);
    named_text(out, "held", hold_names[clock.hold]);
    named_u64(out, "confirmed_ms", clock.confirmed_ms);
    named_u64(out, "wait_until_ms", clock.wait_until_ms);
    json_object_end(out);
}

static void write_counts(const struct status_context *ctx, struct json_writer *out)
{
    struct broker_counts counts;

    broker_count(ctx->broker, &counts);
    json_name(out, "counts");
    json_object_begin(out);
    named_u64(out, "turns", counts.turns);
    named_u64(out, "commits", counts.commits);
    named_u64(out, "requests", counts.requests);
    named_u64(out, "messages", counts.messages);
    named_u64(out, "refused", counts.refused);
    named_u64(out, "strangers", counts.strangers);
    named_u64(out, "rungs", counts.rungs);
    named_u64(out, "notices", counts.notices);
    named_u64(out, "redated", counts.redated);
    named_u64(out, "parked", counts.parked);
    named_u64(out, "attachment_bytes_in", counts.blob_bytes_in);
    named_u64(out, "attachment_bytes_out", counts.blob_bytes_out);
    named_u64(out, "attachments_collected", counts.blobs_collected);
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
    named_u64(out, "connections", counts.connections);
    named_u64(out, "connections_refused", counts.connections_refused);
    named_u64(out, "requests", counts.requests);
    named_u64(out, "contexts_held", counts.contexts_held);
    named_u64(out, "unread", counts.unread);
    named_u64(out, "idle_closed", counts.idle_closed);
    named_u64(out, "probes_failed", counts.probes_failed);
    named_u64(out, "reaps_failed", counts.reaps_failed);
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
    named_u64(out, "size", size);
    named_text(out, "root", text);
    json_object_end(out);
    return OK;
}

static enum err status_status(const struct status_context *ctx, const struct json_value *request,
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
    named_text(out, "software", setup->software);
    named_text(out, "origin", keyring_origin(setup->keyring));
    named_text(out, "calendar", calendar_version(setup->calendar));
    named_u64(out, "calendar_missing", status_missing_year(ctx));
    json_name(out, "redating");
    json_bool(out, broker_redating(ctx->broker));
    named_u64(out, "agencies", registry_count(setup->registry));
    named_u64(out, "store_percent", store_used_percent(setup->store));
    json_name(out, "accepts");
    json_bool(out, store_accepts(setup->store));
    json_name(out, "laboratory");
    json_bool(out, ctx->clock != NULL && ctx->clock->laboratory);
    write_clock(ctx, out);
    write_counts(ctx, out);
    write_link(ctx, out);
    error = write_log(read, out);
    store_read_end(read);
    return error;
}

static enum err status_agencies(const struct status_context *ctx, const struct json_value *request,
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
        const struct agency *agency = registry_at(setup->registry, i);
        uint64_t waiting = 0, oldest_ms = 0;

        error = queue_waiting(read, agency->number, &waiting, &oldest_ms);
        json_object_begin(out);
        named_text(out, "id", agency->id);
        named_text(out, "name_zh", agency->name_zh);
        named_text(out, "name_en", agency->name_en);
        named_u64(out, "heard_ms", broker_heard_ms(ctx->broker, i));
        named_u64(out, "waiting", waiting);
        named_u64(out, "oldest_ms", oldest_ms);
        json_object_end(out);
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
const char *status_acting_id(const struct status_context *ctx, uint16_t number)
{
    const struct registry *registry = broker_setup(ctx->broker)->registry;
    const struct agency *agency;
    struct broker_clock clock;

    broker_clock(ctx->broker, &clock);
    agency = registry_by_number(registry, registry_acting(registry, number, clock.broker_ms));
    return agency != NULL ? agency->id : "";
}

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
    named_text(out, "id", agency->id);
    named_text(out, "name_zh", agency->name_zh);
    named_u64(out, "waiting", waiting);
    for (size_t i = 0; i < AGE_COUNT; i++) {
        named_u64(out, ages[i].name, counts[i]);
    }
    json_object_end(out);
    return error;
}

static enum err status_queue(const struct status_context *ctx, const struct json_value *request,
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

/* --- the clock --- */

static enum err status_clock_show(const struct status_context *ctx,
                                  const struct json_value *request, struct json_writer *out,
                                  struct fault *fault)
{
    (void)request;
    (void)fault;
    write_clock(ctx, out);
    return OK;
}

static enum err read_reason(const struct json_value *request, struct digest *ret_reason,
                            struct fault *fault)
{
    struct json_value value = json_member(request, "reason_digest");
    const char *text;
    enum err error = json_get_text(&value, DIGEST_TEXT_BYTES, &text, fault);

    if (error == OK && hex_decode(text, ret_reason->bytes, DIGEST_BYTES) != OK) {
        error = json_refuse(&value, fault, "status.reason",
                            "expected the SHA-256 of the reason as 64 hexadecimal digits");
    }
    return error;
}

static enum err status_clock_confirm(const struct status_context *ctx,
                                     const struct json_value *request, struct json_writer *out,
                                     struct fault *fault)
{
    struct digest reason;
    enum err error = read_reason(request, &reason, fault);

    (void)out;
    if (error == OK) {
        broker_clock_confirm(ctx->broker, &reason);
        ctx->turn(ctx->ctx);
    }
    return error;
}

static enum err status_clock_reset(const struct status_context *ctx,
                                   const struct json_value *request, struct json_writer *out,
                                   struct fault *fault)
{
    bool ahead = broker_clock_ahead(ctx->broker);
    struct digest reason;
    enum err error = read_reason(request, &reason, fault);

    json_name(out, "was_ahead");
    json_bool(out, ahead);
    if (error == OK && ahead) {
        broker_clock_reset(ctx->broker, &reason);
        ctx->turn(ctx->ctx);
    }
    return error;
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
static enum err status_lab_clock(const struct status_context *ctx, const struct json_value *request,
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
        write_clock(ctx, out);
    }
    return error;
}

/* --- the table --- */

static const struct {
    const char *name;
    enum err (*answer)(const struct status_context *, const struct json_value *,
                       struct json_writer *, struct fault *);
} commands[] = {
    {"status", status_status},
    {"agencies", status_agencies},
    {"queue", status_queue},
    {"due", status_due},
    {"late", status_late},
    {"documents", status_documents},
    {"voids", status_voids},
    {"policy", status_policy},
    {"case", status_case},
    {"why", status_why},
    {"referrals", status_referrals},
    {"clock-show", status_clock_show},
    {"clock-confirm", status_clock_confirm},
    {"clock-reset", status_clock_reset},
    {"calendar", status_calendar},
    {"windows", status_windows},
    {"lab-clock", status_lab_clock},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static enum err dispatch(const struct status_context *ctx, const struct json_value *request,
                         struct json_writer *out, struct fault *fault)
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
    return error == OK ? commands[index].answer(ctx, request, out, fault) : error;
}

static enum err write_refusal(const struct fault *fault, enum err error, struct buf *out)
{
    struct json_writer writer;

    buf_clear(out);
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    json_name(&writer, "ok");
    json_bool(&writer, false);
    named_text(&writer, "daemon", "broker");
    named_text(&writer, "code", fault->code[0] != '\0' ? fault->code : "broker.environment");
    named_text(&writer, "place", fault->place);
    named_text(&writer, "message", fault->message[0] != '\0' ? fault->message : err_text(error));
    named_text(&writer, "hint", fault->hint);
    json_object_end(&writer);
    return json_writer_end(&writer);
}

enum err status_answer(const struct status_context *ctx, struct span line, struct buf *out)
{
    struct fault fault = {.code = ""};
    struct json *json = NULL;
    struct json_value request;
    struct json_writer writer;
    enum err error = json_open("status", line, &json, &fault);

    if (error == OK) {
        request = json_root(json);
        json_writer_init(&writer, out);
        json_object_begin(&writer);
        json_name(&writer, "ok");
        json_bool(&writer, true);
        named_text(&writer, "daemon", "broker");
        error = dispatch(ctx, &request, &writer, &fault);
        json_object_end(&writer);
        if (error == OK) {
            error = json_writer_end(&writer);
        }
    }
    json_free(json);
    return error == OK ? OK : write_refusal(&fault, error, out);
}
