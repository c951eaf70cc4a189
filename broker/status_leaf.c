/* A leaf of the log as an event: what `subscribe` streams and `audit-tail` lists. One table from
 * the leaf's kind to the event's name and members. Nothing here is personal: neither is a leaf. */
#include "broker/status_parts.h"
#include "wire/key_statement.h"

#include <string.h>

#include "model/refusal.h"
#include "model/vocabulary.h"
#include "store/audit.h"

enum err status_leaf_read(struct store_txn *read, uint64_t leaf, struct region *region,
                          struct leaf_record *ret_record)
{
    struct audit_entry entry;
    enum err error = audit_read(read, leaf, &entry);

    return error == OK ? leaf_record_decode(entry.record, region, ret_record, NULL) : error;
}

enum err status_leaf_time(struct store_txn *read, uint64_t leaf, uint64_t *ret_ms)
{
    struct leaf_record record;
    struct region region;
    enum err error;

    region_init(&region, LIMIT_PARSE_BYTES(AUDIT_RECORD_BYTES));
    error = status_leaf_read(read, leaf, &region, &record);
    if (error == OK) {
        *ret_ms = record.at_ms;
    }
    region_free(&region);
    return error;
}

/* --- members --- */

static void write_digest(struct json_writer *out, const char *name, const struct digest *digest)
{
    char text[DIGEST_TEXT_BYTES];

    digest_format(digest, text);
    status_text(out, name, text);
}

static void write_message(const struct leaf_record *record, struct json_writer *out)
{
    bool own = strcmp(record->actor, BROKER_AGENCY) == 0;
    char id[UUID_TEXT_BYTES];

    status_text(out, "kind", message_kind_name((enum message_kind)record->message_kind));
    if (!own) {
        status_text(out, "from", record->actor);
    }
    status_text(out, "to", record->recipient);
    status_text(out, "number", record->referral_number);
    if (!uuid_is_zero(&record->message_id)) {
        uuid_format(&record->message_id, id);
        status_text(out, "message", id);
    }
}

static void write_refused(const struct leaf_record *record, struct json_writer *out)
{
    write_message(record, out);
    status_text(out, "code", refusal_name((enum refusal)record->refusal));
    status_text(out, "detail", record->detail);
}

static void write_strangers(const struct leaf_record *record, struct json_writer *out)
{
    status_u64(out, "count", record->count);
}

/* A referral's clock, or a matter's duty: one row of numbers. */
static const char *clock_word(uint32_t task)
{
    const struct word *word = vocabulary_find(VOCABULARY_TASK, task);

    switch (task) {
    case REFERRAL_CLOCK_UNDELIVERED:
        return clock_kind_id(CLOCK_UNDELIVERED);
    case REFERRAL_CLOCK_URGENT:
        return clock_kind_id(CLOCK_URGENT);
    case REFERRAL_CLOCK_UNSIGNED:
        return clock_kind_id(CLOCK_UNSIGNED);
    default:
        return word != NULL ? word->id : "other";
    }
}

static const struct {
    enum leaf_kind kind;
    const char *change;
} changes[] = {
    {LEAF_WINDOW_OPENED, "opened"}, {LEAF_WINDOW_STOPPED, "stopped"},
    {LEAF_WINDOW_REDATED, "moved"}, {LEAF_WINDOW_CANCELLED, "cancelled"},
    {LEAF_TASK_OPENED, "opened"},   {LEAF_TASK_CLOSED, "closed"},
};

static void write_window(const struct leaf_record *record, struct json_writer *out)
{
    const struct leaf_window *window = &record->window;

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        if (changes[i].kind == record->kind) {
            status_text(out, "change", changes[i].change);
        }
    }
    status_text(out, "number", record->referral_number);
    status_text(out, "clock", clock_word(window->task));
    status_u64(out, "window", window->number);
    status_text(out, "holder", window->holder);
    status_u64(out, "due_before_ms", window->due_before_ms);
    status_bool(out, "provisional", window->provisional);
    if (record->kind == LEAF_WINDOW_STOPPED || record->kind == LEAF_TASK_CLOSED) {
        status_bool(out, "late", window->late);
        status_u64(out, "lateness_days", window->lateness_days);
    }
    if (record->kind == LEAF_WINDOW_REDATED) {
        status_u64(out, "old_due_before_ms", window->old_due_before_ms);
        status_text(out, "why", window->reason);
    }
}

static void write_rung(const struct leaf_record *record, struct json_writer *out)
{
    status_text(out, "number", record->referral_number);
    status_text(out, "clock", clock_word(record->rung.task));
    status_u64(out, "window", record->rung.window);
    status_text(out, "rung", record->rung.rung);
    status_text(out, "document", record->rung.document_number);
    status_text(out, "holder", record->rung.responsible);
    status_u64(out, "fell_due_ms", record->rung.fell_due_ms);
}

static void write_clock(const struct leaf_record *record, struct json_writer *out)
{
    static const char *const names[] = {"other", "jump", "confirmed", "reset", "outage"};
    uint32_t event = record->clock.event;

    status_text(out, "change", names[event < sizeof(names) / sizeof(names[0]) ? event : 0]);
    status_text(out, "by", record->clock.by);
    status_u64(out, "wall_ms", record->clock.wall_ms);
    status_u64(out, "broker_ms", record->clock.broker_ms);
}

static void write_configuration(const struct leaf_record *record, struct json_writer *out)
{
    write_digest(out, "registry", &record->configuration.registry);
    write_digest(out, "policy", &record->configuration.policy);
    write_digest(out, "keys", &record->configuration.keys);
    status_u64(out, "registry_version", record->configuration.registry_version);
    write_digest(out, "registry_document", &record->configuration.registry_document);
    status_text(out, "calendar", record->configuration.calendar_version);
    status_text(out, "software", record->configuration.software);
}

static void write_key(const struct leaf_record *record, struct json_writer *out)
{
    char id[2 * KEY_ID_BYTES + 1] = "";
    struct key_statement statement;

    if (key_statement_open("log", record->key_statement, &statement, NULL) == OK) {
        hex_encode(span_of(statement.id.bytes, KEY_ID_BYTES), id);
    }
    status_text(out, "owner", record->actor);
    status_text(out, "key", id);
}

static void write_command(const struct leaf_record *record, struct json_writer *out)
{
    /* One of before the names were recorded has its name in the detail. */
    status_text(out, "command", record->has_command ? record->command.name : record->detail);
    status_u64(out, "uid", record->has_command ? record->command.uid : 0);
    status_text(out, "role", record->has_command ? record->command.role : "");
    status_text(out, "about", record->has_command ? record->command.about : "");
}

static void write_gap(const struct leaf_record *record, struct json_writer *out)
{
    const struct leaf_gap *gap = &record->gap;

    status_u64(out, "from", gap->from);
    status_u64(out, "to", gap->to);
    status_u64(out, "handed_back", gap->handed_back);
    status_u64(out, "applied", gap->applied);
    status_u64(out, "kept", gap->kept);
    status_u64(out, "missing", gap->missing);
    json_name(out, "missing_ranges"); /* [index in the lost log, how many], the first of them */
    json_array_begin(out);
    for (size_t i = 0; i + 1 < gap->range_count; i += 2) {
        json_array_begin(out);
        json_u64(out, gap->from + gap->ranges[i]);
        json_u64(out, gap->ranges[i + 1]);
        json_array_end(out);
    }
    json_array_end(out);
    status_text(out, "without", gap->without);
}

static void write_other(const struct leaf_record *record, struct json_writer *out)
{
    status_u64(out, "leaf_kind", (uint64_t)record->kind);
}

/* --- the table --- */

static const struct leaf_event {
    enum leaf_kind kind;
    const char *name;
    void (*write)(const struct leaf_record *, struct json_writer *); /* NULL: no members */
} events[] = {
    {LEAF_REFUSED, "refused", write_refused},
    {LEAF_STRANGERS, "strangers", write_strangers},
    {LEAF_WINDOW_OPENED, "window", write_window},
    {LEAF_WINDOW_STOPPED, "window", write_window},
    {LEAF_WINDOW_REDATED, "window", write_window},
    {LEAF_WINDOW_CANCELLED, "window", write_window},
    {LEAF_TASK_OPENED, "task", write_window},
    {LEAF_TASK_CLOSED, "task", write_window},
    {LEAF_RUNG_RAISED, "rung", write_rung},
    {LEAF_RUNG_RESOLVED, "resolved", write_rung},
    {LEAF_CLOCK, "clock", write_clock},
    {LEAF_CONFIGURATION, "configuration", write_configuration},
    {LEAF_START, "start", NULL},
    {LEAF_STOP, "stop", NULL},
    {LEAF_COMMAND, "command", write_command},
    {LEAF_KEY, "key-revoked", write_key},
    {LEAF_RESIGNED, "signed-anew", write_message},
    {LEAF_RECOVERY, "recovery", NULL},
    {LEAF_GAP, "gap", write_gap},
};

static const struct leaf_event accepted = {LEAF_MESSAGE, "accepted", write_message};
static const struct leaf_event delivered = {LEAF_MESSAGE, "delivered", write_message};
static const struct leaf_event rejected = {LEAF_MESSAGE, "rejected", write_message};
static const struct leaf_event notice = {LEAF_MESSAGE, "notice", write_message};
static const struct leaf_event other = {LEAF_MESSAGE, "other", write_other};

static const struct leaf_event *event_of_message(const struct leaf_record *record)
{
    if (strcmp(record->actor, BROKER_AGENCY) == 0) {
        return &notice;
    }
    return record->message_kind == MESSAGE_DELIVERY    ? &delivered
           : record->message_kind == MESSAGE_REJECTION ? &rejected
                                                       : &accepted;
}

static const struct leaf_event *event_of(const struct leaf_record *record)
{
    if (record->kind == LEAF_MESSAGE) {
        return event_of_message(record);
    }
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        if (events[i].kind == record->kind) {
            return &events[i];
        }
    }
    return &other;
}

void status_leaf_write(uint64_t leaf, const struct leaf_record *record, struct json_writer *out)
{
    const struct leaf_event *event = event_of(record);

    status_text(out, "event", event->name);
    status_u64(out, "position", leaf);
    status_u64(out, "at_ms", record->at_ms);
    if (event->write != NULL) {
        event->write(record, out);
    }
}
