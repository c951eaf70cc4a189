/* Status commands about referrals: what is due, the story of a case, and why a date is what it is.
 * Dates are computed by lib/model from what the referral holds; nothing is judged here. */
#include <string.h>

#include "broker/status.h"
#include "model/referral.h"
#include "store/audit.h"
#include "store/cases.h"
#include "wire/codec.h"

#define ROWS_MAX  500u /* referrals in one answer; beyond it "truncated" is true */
#define TRAIL_MAX 200u /* leaves of one referral, newest first */
#define WALK_MAX  200000u

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

static void named_day(struct json_writer *out, const char *name, int32_t day)
{
    char text[CIVIL_TEXT_BYTES];

    civil_format(day, text);
    named_text(out, name, text);
}

static const char *agency_id(const struct status_context *ctx, uint16_t number)
{
    const struct agency *agency = registry_by_number(broker_setup(ctx->broker)->registry, number);

    return agency != NULL ? agency->id : "";
}

static void write_clock_row(const struct status_context *ctx, const struct referral *referral,
                            enum referral_clock clock, struct json_writer *out)
{
    const struct window *window = &referral->clocks[clock];

    json_object_begin(out);
    named_text(out, "clock", clock_kind_id(window->kind));
    named_u64(out, "window", window->number);
    named_u64(out, "working_days", window->n);
    named_text(out, "responsible", status_acting_id(ctx, referral_responsible(referral, clock)));
    named_u64(out, "start_ms", window->start_ms);
    if (window->n != 0) {
        named_day(out, "due", window->due_day);
        named_u64(out, "due_before_ms", window->due_before_ms);
    }
    json_name(out, "provisional");
    json_bool(out, window->provisional);
    named_u64(out, "stopped_ms", window->stopped_ms);
    json_name(out, "raised");
    json_array_begin(out);
    for (unsigned rung = 0; rung < RUNG_COUNT; rung++) {
        if (rung_set_has(window->raised, (enum rung)rung)) {
            json_text(out, rung_id((enum rung)rung));
        }
    }
    json_array_end(out);
    json_object_end(out);
}

static void write_referral(const struct status_context *ctx, const struct referral *referral,
                           struct json_writer *out)
{
    char id[UUID_TEXT_BYTES];

    uuid_format(&referral->referral_id, id);
    named_text(out, "referral", referral->number);
    named_text(out, "case", referral->case_number);
    named_text(out, "id", id);
    named_text(out, "kind", message_kind_name(referral->kind));
    named_text(out, "from", agency_id(ctx, referral->sender));
    named_text(out, "to", agency_id(ctx, referral->receiver));
    named_text(out, "state", referral_state_name(referral->state));
    json_name(out, "signed");
    json_bool(out, (referral->marks & MARK_SIGNED) != 0);
    json_name(out, "informed");
    json_bool(out, (referral->marks & MARK_INFORMED) != 0);
    named_text(out, "register_number", referral->register_number);
    named_u64(out, "lane", referral->lane);
    named_u64(out, "submitted_ms", referral->submitted_ms);
    named_u64(out, "delivered_ms", referral->delivered_ms);
    named_u64(out, "answered_ms", referral->answered_ms);
    named_u64(out, "outcome", referral->outcome);
    json_name(out, "late");
    json_bool(out, referral->late);
    named_u64(out, "lateness_days", referral->lateness_days);
    named_u64(out, "open_documents", referral->document_count);
    json_name(out, "clocks");
    json_array_begin(out);
    for (unsigned clock = 0; clock < REFERRAL_CLOCK_COUNT; clock++) {
        if (referral->clocks[clock].number != 0) {
            write_clock_row(ctx, referral, (enum referral_clock)clock, out);
        }
    }
    json_array_end(out);
}

/* --- due --- */

struct due_walk {
    const struct status_context *ctx;
    struct json_writer *out;
    int32_t last_day; /* clocks whose day N lies on or before it */
    unsigned rows;
};

static void write_due(struct due_walk *walk, const struct referral *referral)
{
    for (unsigned clock = 0; clock < REFERRAL_CLOCK_COUNT; clock++) {
        const struct window *window = &referral->clocks[clock];

        if (window->n == 0 || !referral_clock_open(referral, (enum referral_clock)clock) ||
            window->due_day > walk->last_day || walk->rows >= ROWS_MAX) {
            continue;
        }
        walk->rows++;
        json_object_begin(walk->out);
        named_text(walk->out, "referral", referral->number);
        named_text(walk->out, "state", referral_state_name(referral->state));
        json_name(walk->out, "clock");
        write_clock_row(walk->ctx, referral, (enum referral_clock)clock, walk->out);
        json_object_end(walk->out);
    }
}

static enum err walk_due(struct due_walk *walk, struct store_txn *read)
{
    struct case_key at, key;
    bool first = true;

    for (unsigned i = 0; i < WALK_MAX && walk->rows < ROWS_MAX; i++) {
        struct referral referral;
        struct span packed;
        enum err error = cases_next(read, NULL, first ? NULL : &at, &key, &packed);

        if (error == OK) {
            error = referral_unpack(packed, &referral);
        }
        if (error != OK) {
            return error == ERR_NOT_FOUND ? OK : error;
        }
        write_due(walk, &referral);
        at = key;
        first = false;
    }
    return OK;
}

enum err status_due(const struct status_context *ctx, const struct json_value *request,
                    struct json_writer *out, struct fault *fault)
{
    const struct broker_setup *setup = broker_setup(ctx->broker);
    struct json_value within = json_member(request, "within");
    struct due_walk walk = {.ctx = ctx, .out = out};
    struct broker_clock clock;
    struct store_txn *read;
    uint64_t days = 3;
    enum err error = OK;

    if (!json_absent(&within)) {
        error = json_get_u64(&within, 0, 400, &days, fault);
    }
    if (error == OK) {
        error = store_read_begin(setup->store, &read);
    }
    if (error != OK) {
        return error;
    }
    broker_clock(ctx->broker, &clock);
    walk.last_day =
        calendar_add_working_days(setup->calendar, civil_day_at(clock.broker_ms), (int32_t)days);
    json_name(out, "due");
    json_array_begin(out);
    error = walk_due(&walk, read);
    json_array_end(out);
    json_name(out, "truncated");
    json_bool(out, walk.rows >= ROWS_MAX);
    store_read_end(read);
    return error;
}

/* --- case --- */

static const struct {
    enum leaf_kind kind;
    const char *name;
} leaf_names[] = {
    {LEAF_MESSAGE, "message"},
    {LEAF_REFUSED, "refused"},
    {LEAF_WINDOW_OPENED, "window-opened"},
    {LEAF_WINDOW_STOPPED, "window-stopped"},
    {LEAF_WINDOW_REDATED, "window-redated"},
    {LEAF_WINDOW_CANCELLED, "window-cancelled"},
    {LEAF_TASK_OPENED, "task-opened"},
    {LEAF_TASK_CLOSED, "task-closed"},
    {LEAF_RUNG_RAISED, "rung-raised"},
    {LEAF_RUNG_RESOLVED, "rung-resolved"},
};

static const char *leaf_name(enum leaf_kind kind)
{
    for (size_t i = 0; i < sizeof(leaf_names) / sizeof(leaf_names[0]); i++) {
        if (leaf_names[i].kind == kind) {
            return leaf_names[i].name;
        }
    }
    return "other";
}

static void write_leaf(uint64_t index, const struct leaf_record *record, struct json_writer *out)
{
    json_object_begin(out);
    named_u64(out, "leaf", index);
    named_u64(out, "at_ms", record->at_ms);
    named_text(out, "what", leaf_name(record->kind));
    named_text(out, "actor", record->actor);
    if (record->message_kind != 0) {
        named_text(out, "kind", message_kind_name((enum message_kind)record->message_kind));
        named_text(out, "recipient", record->recipient);
    }
    if (record->has_window) {
        named_u64(out, "window", record->window.number);
        named_u64(out, "due_before_ms", record->window.due_before_ms);
        named_u64(out, "old_due_before_ms", record->window.old_due_before_ms);
        json_name(out, "late");
        json_bool(out, record->window.late);
        named_u64(out, "lateness_days", record->window.lateness_days);
        named_u64(out, "claimed_ms", record->claimed_ms);
    }
    if (record->has_rung) {
        named_u64(out, "window", record->rung.window);
        named_text(out, "rung", record->rung.rung);
        named_u64(out, "fell_due_ms", record->rung.fell_due_ms);
        named_text(out, "document", record->rung.document_number);
    }
    json_object_end(out);
}

static enum err write_trail(struct store_txn *read, uint64_t leaf, struct json_writer *out)
{
    enum err error = OK;

    json_name(out, "trail");
    json_array_begin(out);
    for (unsigned i = 0; error == OK && leaf != AUDIT_NONE && i < TRAIL_MAX; i++) {
        struct leaf_record record;
        struct audit_entry entry;
        struct region region;

        error = audit_read(read, leaf, &entry);
        if (error != OK) {
            break;
        }
        region_init(&region, LIMIT_PARSE_BYTES(entry.record.len));
        error = leaf_record_decode(entry.record, &region, &record, NULL);
        if (error == OK) {
            write_leaf(leaf, &record, out);
        }
        region_free(&region);
        leaf = entry.trail;
    }
    json_array_end(out);
    json_name(out, "trail_truncated");
    json_bool(out, leaf != AUDIT_NONE);
    return error;
}

/* By case or referral number, or by id. */
static enum err find(struct store_txn *read, const struct json_value *request, const char *name,
                     struct case_key *ret_key, struct fault *fault)
{
    struct json_value value = json_member(request, name);
    const char *text;
    enum err error = json_get_text(&value, LIMIT_NUMBER_BYTES, &text, fault);

    if (error != OK) {
        return error;
    }
    error = text[0] != '\0' ? number_find(read, text, ret_key) : ERR_NOT_FOUND;
    if (error == ERR_NOT_FOUND) {
        (void)json_refuse(&value, fault, "status.unknown-number",
                          "no case or referral has this number");
        fault_hint(fault, "`referralctl due --within 400` lists the open ones");
    }
    return error;
}

static enum err write_one(const struct status_context *ctx, struct store_txn *read,
                          struct span packed, struct json_writer *out)
{
    struct referral referral;
    enum err error = referral_unpack(packed, &referral);

    if (error != OK) {
        return error;
    }
    json_object_begin(out);
    write_referral(ctx, &referral, out);
    error = write_trail(read, referral.last_leaf, out);
    json_object_end(out);
    return error;
}

static enum err write_case(const struct status_context *ctx, struct store_txn *read,
                           const struct case_key *wanted, struct json_writer *out)
{
    struct case_key at, key;
    bool first = true;
    enum err error = OK;

    json_name(out, "referrals");
    json_array_begin(out);
    for (unsigned i = 0; i < ROWS_MAX; i++) {
        struct span packed;

        error = cases_next(read, &wanted->case_id, first ? NULL : &at, &key, &packed);
        if (error != OK) {
            error = error == ERR_NOT_FOUND ? OK : error;
            break;
        }
        if (uuid_is_zero(&wanted->referral_id) ||
            uuid_equal(&wanted->referral_id, &key.referral_id)) {
            error = write_one(ctx, read, packed, out);
        }
        if (error != OK) {
            break;
        }
        at = key;
        first = false;
    }
    json_array_end(out);
    return error;
}

enum err status_case(const struct status_context *ctx, const struct json_value *request,
                     struct json_writer *out, struct fault *fault)
{
    struct store_txn *read;
    struct case_key key;
    enum err error = store_read_begin(broker_setup(ctx->broker)->store, &read);

    if (error != OK) {
        return error;
    }
    error = find(read, request, "id", &key, fault);
    if (error == OK) {
        error = write_case(ctx, read, &key, out);
    }
    store_read_end(read);
    return error;
}

/* --- why --- */

static const char *const reason_names[] = {[DAY_WORKING] = "working",
                                           [DAY_WEEKEND] = "weekend",
                                           [DAY_HOLIDAY] = "holiday",
                                           [DAY_MAKE_UP] = "make-up"};

/* With the file's layer, source and notice number where a row decides the day. */
static void write_day(const struct calendar_day *day, struct json_writer *out)
{
    json_object_begin(out);
    named_day(out, "date", day->day);
    named_text(out, "what", reason_names[day->reason]);
    named_text(out, "name", day->name);
    if (day->by_row) {
        named_text(out, "layer", calendar_layer_name(day->layer));
        named_text(out, "source", day->source);
        named_text(out, "notice", day->notice);
    }
    json_object_end(out);
}

static void write_trace(const struct status_context *ctx, const struct referral *referral,
                        enum referral_clock clock, struct json_writer *out)
{
    struct window_trace trace;

    window_trace(broker_setup(ctx->broker)->calendar, &referral->clocks[clock], &trace);
    json_object_begin(out);
    named_text(out, "clock", clock_kind_id(referral->clocks[clock].kind));
    named_u64(out, "window", referral->clocks[clock].number);
    named_text(out, "responsible", status_acting_id(ctx, referral_responsible(referral, clock)));
    named_u64(out, "start_ms", trace.start_ms);
    named_day(out, "day_0", trace.day_0);
    named_day(out, "day_1", trace.day_1);
    named_day(out, "day_n", trace.day_n);
    named_day(out, "due", trace.due_day);
    named_u64(out, "due_before_ms", trace.due_before_ms);
    named_u64(out, "working_days", trace.n);
    named_text(out, "basis", window_basis_id(trace.basis));
    json_name(out, "provisional");
    json_bool(out, trace.provisional);
    named_text(out, "calendar", trace.version);
    json_name(out, "open");
    json_bool(out, referral_clock_open(referral, clock));
    json_name(out, "days");
    json_array_begin(out);
    for (size_t i = 0; i < trace.day_count; i++) {
        write_day(&trace.days[i], out);
    }
    json_array_end(out);
    named_u64(out, "omitted", trace.omitted);
    json_object_end(out);
}

static void write_why(const struct status_context *ctx, const struct referral *referral,
                      struct json_writer *out)
{
    named_text(out, "referral", referral->number);
    named_text(out, "state", referral_state_name(referral->state));
    json_name(out, "clocks");
    json_array_begin(out);
    for (unsigned clock = 0; clock < REFERRAL_CLOCK_COUNT; clock++) {
        if (referral->clocks[clock].number != 0 && referral->clocks[clock].n != 0) {
            write_trace(ctx, referral, (enum referral_clock)clock, out);
        }
    }
    json_array_end(out);
}

enum err status_why(const struct status_context *ctx, const struct json_value *request,
                    struct json_writer *out, struct fault *fault)
{
    struct referral referral;
    struct store_txn *read;
    struct case_key key;
    struct span packed;
    enum err error = store_read_begin(broker_setup(ctx->broker)->store, &read);

    if (error != OK) {
        return error;
    }
    error = find(read, request, "referral", &key, fault);
    if (error == OK && uuid_is_zero(&key.referral_id)) {
        fault_set(fault, "status.case-number", "referral",
                  "this is the number of a case; expected that of a referral (…-01)");
        error = ERR_INVALID;
    }
    if (error == OK) {
        error = cases_get(read, &key, &packed);
    }
    if (error == OK) {
        error = referral_unpack(packed, &referral);
    }
    if (error == OK) {
        write_why(ctx, &referral, out);
    }
    store_read_end(read);
    return error;
}
