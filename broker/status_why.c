/* The status command `why`: why a date is what it is (the count of days, with the rows of the
 * calendar), and why something was refused (rule, article, what would be accepted). Nothing is
 * judged here: lib/model explains. */
#include <string.h>

#include "broker/status_parts.h"
#include "model/lanes.h"
#include "model/rules.h"
#include "model/why.h"
#include "store/audit.h"
#include "store/dedupe.h"
#include "wire/codec.h"

#define TRACES_MAX 24u /* clocks explained in one answer: of a matter, the open ones */

/* --- dates --- */

static const char *const reason_names[] = {[DAY_WORKING] = "working",
                                           [DAY_WEEKEND] = "weekend",
                                           [DAY_HOLIDAY] = "holiday",
                                           [DAY_MAKE_UP] = "make-up"};

/* With the file's layer, source and notice number where a row decides the day. */
static void write_day(const struct calendar_day *day, struct json_writer *out)
{
    json_object_begin(out);
    status_day(out, "date", day->day);
    status_text(out, "what", reason_names[day->reason]);
    status_text(out, "name", day->name);
    if (day->by_row) {
        status_text(out, "layer", calendar_layer_name(day->layer));
        status_text(out, "source", day->source);
        status_text(out, "notice", day->notice);
    }
    json_object_end(out);
}

/* By which rule the clock runs at all. */
static void write_rule(const struct stored *stored, const struct stored_clock *clock,
                       struct json_writer *out)
{
    const struct rule_act act = {
        .deed = DEED_OPENED,
        .lane = LANE_COUNT,
        .referral = stored->referral != NULL ? stored->referral->kind : MESSAGE_NONE,
        .task = clock->duty != NULL ? (uint32_t)clock->duty->kind : (uint32_t)clock->clock,
        .number = clock->window->number,
        .rung = RUNG_COUNT};
    const struct rule *rule = rule_of(&act);

    if (rule != NULL) {
        status_text(out, "rule", rule->id);
        status_text(out, "article", rule->article);
    }
}

static void write_trace(const struct status_context *ctx, const struct stored *stored,
                        const struct stored_clock *clock, struct json_writer *out)
{
    struct window_trace trace;

    window_trace(broker_setup(ctx->broker)->calendar, clock->window, &trace);
    json_object_begin(out);
    status_text(out, "clock", clock->what);
    write_rule(stored, clock, out);
    status_u64(out, "window", clock->window->number);
    status_text(out, "responsible", status_acting_id(ctx, clock->holder));
    status_u64(out, "start_ms", trace.start_ms);
    status_day(out, "day_0", trace.day_0);
    status_day(out, "day_1", trace.day_1);
    status_day(out, "day_n", trace.day_n);
    status_day(out, "due", trace.due_day);
    status_u64(out, "due_before_ms", trace.due_before_ms);
    status_u64(out, "working_days", trace.n);
    status_text(out, "basis", window_basis_id(trace.basis));
    status_bool(out, "provisional", trace.provisional);
    status_text(out, "calendar", trace.version);
    status_bool(out, "open", clock->open);
    json_name(out, "days");
    json_array_begin(out);
    for (size_t i = 0; i < trace.day_count; i++) {
        write_day(&trace.days[i], out);
    }
    json_array_end(out);
    status_u64(out, "omitted", trace.omitted);
    json_object_end(out);
}

struct explained {
    const struct status_context *ctx;
    struct json_writer *out;
};

static enum err write_dates(void *arg, const struct stored *stored, bool *ret_more)
{
    const struct explained *explained = arg;
    struct json_writer *out = explained->out;
    struct stored_clock clock;
    unsigned written = 0;
    bool more = false;

    if (stored->referral != NULL) {
        status_text(out, "referral", stored->referral->number);
        status_text(out, "state", referral_state_name(stored->referral->state));
    } else {
        status_text(out, "matter", stored->matter->number);
        status_text(out, "kind", matter_kind_name(stored->matter->kind));
        status_text(out, "state", matter_state_name(stored->matter->state));
    }
    json_name(out, "clocks");
    json_array_begin(out);
    for (size_t i = 0; stored_clock_at(stored, i, &clock); i++) {
        bool shown = clock.window->n != 0 && (clock.open || stored->referral != NULL);

        more = more || (shown && written == TRACES_MAX);
        if (shown && written < TRACES_MAX) {
            written++;
            write_trace(explained->ctx, stored, &clock, out);
        }
    }
    json_array_end(out);
    status_bool(out, "truncated", more);
    *ret_more = false;
    return OK;
}

static enum err why_date(const struct status_context *ctx, struct store_txn *read,
                         const struct json_value *request, struct json_writer *out,
                         struct fault *fault)
{
    struct explained explained = {ctx, out};
    struct case_key key;
    enum err error = stored_find(read, request, "referral", &key, fault);

    if (error == OK && uuid_is_zero(&key.referral_id)) {
        fault_set(fault, "status.case-number", "referral",
                  "this is the number of a case; expected that of a referral (…-01) or matter");
        error = ERR_INVALID;
    }
    return error == OK ? stored_read(read, &key, write_dates, &explained) : error;
}

/* --- refusals --- */

static void write_refusal(const struct status_context *ctx, uint64_t leaf,
                          const struct leaf_record *record, struct json_writer *out)
{
    const struct broker_setup *setup = broker_setup(ctx->broker);
    const struct why_refused refused = {.refusal = (enum refusal)record->refusal,
                                        .kind = (enum message_kind)record->message_kind,
                                        .detail = record->detail};
    const struct why *why = why_refusal(&refused);
    const struct agency *from = registry_find(setup->registry, record->actor);
    const struct agency *to = registry_find(setup->registry, record->recipient);

    json_name(out, "refused");
    json_object_begin(out);
    status_u64(out, "leaf", leaf);
    status_u64(out, "at_ms", record->at_ms);
    status_text(out, "from", record->actor);
    status_text(out, "to", record->recipient);
    status_text(out, "kind", message_kind_name(refused.kind));
    status_text(out, "number", record->referral_number);
    status_text(out, "code", refusal_name(refused.refusal));
    status_text(out, "detail", record->detail);
    status_text(out, "meaning", refusal_meaning(refused.refusal));
    status_text(out, "next", refusal_hint(refused.refusal));
    status_text(out, "rule", why->rule);
    status_text(out, "article", why->article);
    status_text(out, "accepted", why->accepted);
    status_text(out, "accepted_zh", why->accepted_zh);
    if (refused.refusal == REFUSAL_POLICY && from != NULL && to != NULL) {
        status_u64(out, "policy_line", why_policy_line(setup->policy, refused.kind, from, to));
    }
    json_object_end(out);
}

static enum err explain_leaf(const struct status_context *ctx, struct store_txn *read,
                             uint64_t leaf, struct json_writer *out, struct fault *fault)
{
    struct leaf_record record;
    struct audit_entry entry;
    struct region region;
    enum err error = audit_read(read, leaf, &entry);

    if (error == ERR_NOT_FOUND) {
        fault_set(fault, "status.unknown-leaf", "leaf", "the log has no such leaf");
        return ERR_INVALID;
    }
    if (error != OK) {
        return error;
    }
    region_init(&region, LIMIT_PARSE_BYTES(entry.record.len));
    error = leaf_record_decode(entry.record, &region, &record, NULL);
    if (error == OK && record.kind != LEAF_REFUSED) {
        fault_set(fault, "status.not-refused", "leaf", "this leaf refuses nothing");
        error = ERR_INVALID;
    } else if (error == OK) {
        write_refusal(ctx, leaf, &record, out);
    }
    region_free(&region);
    return error;
}

/* A message id is one agency's: whoever sent it. */
static enum err find_message(const struct status_context *ctx, struct store_txn *read,
                             const struct uuid *id, uint64_t *ret_leaf)
{
    const struct registry *registry = broker_setup(ctx->broker)->registry;
    enum err error = ERR_NOT_FOUND;

    for (size_t i = 0; error == ERR_NOT_FOUND && i < registry_count(registry); i++) {
        struct dedupe_row row;

        error = dedupe_find(read, registry_at(registry, i)->number, id, &row);
        *ret_leaf = error == OK ? row.leaf : AUDIT_NONE;
    }
    return error;
}

static enum err why_message(const struct status_context *ctx, struct store_txn *read,
                            const struct json_value *value, struct json_writer *out,
                            struct fault *fault)
{
    const char *text;
    struct uuid id;
    uint64_t leaf = AUDIT_NONE;
    enum err error = json_get_text(value, UUID_TEXT_BYTES, &text, fault);

    if (error != OK) {
        return error;
    }
    if (uuid_parse(text, &id) != OK) {
        return json_refuse(value, fault, "status.message-id", "expected a message id");
    }
    error = find_message(ctx, read, &id, &leaf);
    if (error == ERR_NOT_FOUND) {
        return json_refuse(value, fault, "status.unknown-message",
                           "no agency sent a message with this id");
    }
    return error == OK ? explain_leaf(ctx, read, leaf, out, fault) : error;
}

/* {"referral": NUMBER}, {"leaf": INDEX} or {"message": ID}. */
enum err status_why(const struct status_context *ctx, const struct json_value *request,
                    struct json_writer *out, struct fault *fault)
{
    struct json_value leaf_value = json_member(request, "leaf");
    struct json_value message = json_member(request, "message");
    struct store_txn *read;
    uint64_t leaf = 0;
    enum err error = store_read_begin(broker_setup(ctx->broker)->store, &read);

    if (error != OK) {
        return error;
    }
    if (!json_absent(&leaf_value)) {
        error = json_get_u64(&leaf_value, 0, INT64_MAX, &leaf, fault);
        error = error == OK ? explain_leaf(ctx, read, leaf, out, fault) : error;
    } else if (!json_absent(&message)) {
        error = why_message(ctx, read, &message, out, fault);
    } else {
        error = why_date(ctx, read, request, out, fault);
    }
    store_read_end(read);
    return error;
}
