/* The status command `case`: a case with its referrals and matters side by side, or one of them:
 * what it is, its clocks and duties, and the trail of its leaves. Nothing is judged here. */
#include <string.h>

#include "broker/status_parts.h"
#include "model/vocabulary.h"
#include "store/audit.h"
#include "wire/codec.h"

#define TRAIL_MAX 200u /* leaves of one referral or matter, newest first */

static void write_clocks(const struct status_context *ctx, const struct stored *stored,
                         const char *name, struct json_writer *out)
{
    struct stored_clock clock;

    json_name(out, name);
    json_array_begin(out);
    for (size_t i = 0; stored_clock_at(stored, i, &clock); i++) {
        json_object_begin(out);
        stored_clock_write(ctx, &clock, out);
        json_object_end(out);
    }
    json_array_end(out);
}

static void write_link(const struct referral *referral, struct json_writer *out)
{
    const struct word *link = vocabulary_find(VOCABULARY_LINK, referral->link);
    char id[UUID_TEXT_BYTES];

    if (link != NULL) {
        uuid_format(&referral->previous, id);
        status_text(out, "link", link->id);
        status_text(out, "previous_id", id);
        status_u64(out, "hops", referral->hops);
    }
}

static void write_referral(const struct status_context *ctx, const struct referral *referral,
                           struct json_writer *out)
{
    char id[UUID_TEXT_BYTES];

    uuid_format(&referral->referral_id, id);
    status_text(out, "referral", referral->number);
    status_text(out, "case", referral->case_number);
    status_text(out, "id", id);
    status_text(out, "kind", message_kind_name(referral->kind));
    status_text(out, "from", status_agency_id(ctx, referral->sender));
    status_text(out, "to", status_agency_id(ctx, referral->receiver));
    status_text(out, "state", referral_state_name(referral->state));
    status_bool(out, "signed", (referral->marks & MARK_SIGNED) != 0);
    status_bool(out, "informed", (referral->marks & MARK_INFORMED) != 0);
    status_text(out, "register_number", referral->register_number);
    status_u64(out, "lane", referral->lane);
    status_u64(out, "submitted_ms", referral->submitted_ms);
    status_u64(out, "delivered_ms", referral->delivered_ms);
    status_u64(out, "answered_ms", referral->answered_ms);
    status_u64(out, "outcome", referral->outcome);
    status_bool(out, "late", referral->late);
    status_u64(out, "lateness_days", referral->lateness_days);
    status_u64(out, "open_documents", referral->document_count);
    write_link(referral, out);
}

static void write_members(const struct status_context *ctx, const struct matter *matter,
                          struct json_writer *out)
{
    json_name(out, "members");
    json_array_begin(out);
    for (uint32_t i = 0; i < matter->member_count; i++) {
        const struct matter_member *member = &matter->members[i];
        const struct word *answer = vocabulary_find(VOCABULARY_ATTENDS, member->answers);

        json_object_begin(out);
        status_text(out, "id", status_agency_id(ctx, member->agency));
        status_bool(out, "delivered", member->delivered);
        if (answer != NULL) {
            status_text(out, "attends", answer->id);
        }
        json_object_end(out);
    }
    json_array_end(out);
}

static void write_matter(const struct status_context *ctx, const struct matter *matter,
                         struct json_writer *out)
{
    char id[UUID_TEXT_BYTES];

    uuid_format(&matter->matter_id, id);
    status_text(out, "matter", matter->number);
    status_text(out, "case", matter->case_number);
    status_text(out, "id", id);
    status_text(out, "kind", matter_kind_name(matter->kind));
    status_text(out, "state", matter_state_name(matter->state));
    status_text(out, "owner", status_agency_id(ctx, matter->owner));
    status_u64(out, "lane", matter->lane);
    status_u64(out, "opened_ms", matter->opened_ms);
    status_u64(out, "closed_ms", matter->closed_ms);
    status_u64(out, "open_documents", matter->document_count);
    if (matter->kind == MATTER_ARCHIVE) {
        status_u64(out, "reports", matter->reports);
    }
    if (matter->kind == MATTER_FUND) {
        status_u64(out, "fund_fen", matter->fund_fen);
        status_u64(out, "paid_fen", matter->paid_fen);
        status_u64(out, "balance_fen", matter->balance_fen);
    }
    write_members(ctx, matter, out);
}

/* --- the trail of its leaves --- */

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
    status_u64(out, "leaf", index);
    status_u64(out, "at_ms", record->at_ms);
    status_text(out, "what", leaf_name(record->kind));
    status_text(out, "actor", record->actor);
    if (record->message_kind != 0) {
        status_text(out, "kind", message_kind_name((enum message_kind)record->message_kind));
        status_text(out, "recipient", record->recipient);
    }
    if (record->has_window) {
        status_u64(out, "window", record->window.number);
        status_u64(out, "due_before_ms", record->window.due_before_ms);
        status_u64(out, "old_due_before_ms", record->window.old_due_before_ms);
        status_bool(out, "late", record->window.late);
        status_u64(out, "lateness_days", record->window.lateness_days);
        status_u64(out, "claimed_ms", record->claimed_ms);
    }
    if (record->has_rung) {
        status_u64(out, "window", record->rung.window);
        status_text(out, "rung", record->rung.rung);
        status_u64(out, "fell_due_ms", record->rung.fell_due_ms);
        status_text(out, "document", record->rung.document_number);
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
    status_bool(out, "trail_truncated", leaf != AUDIT_NONE);
    return error;
}

/* --- case --- */

struct shown {
    const struct status_context *ctx;
    struct store_txn *read;
    struct json_writer *out;
    const struct case_key *wanted; /* referral_id zero: the whole case */
    bool matters;                  /* of the two passes, which one */
    bool archived;
    unsigned rows;
};

static void write_record(struct shown *shown, const struct stored *stored)
{
    if (stored->matter != NULL) {
        write_matter(shown->ctx, stored->matter, shown->out);
        write_clocks(shown->ctx, stored, "duties", shown->out);
    } else {
        write_referral(shown->ctx, stored->referral, shown->out);
        write_clocks(shown->ctx, stored, "clocks", shown->out);
    }
}

static enum err visit(void *arg, const struct stored *stored, bool *ret_more)
{
    struct shown *shown = arg;
    const struct case_key *wanted = shown->wanted;
    bool whole = uuid_is_zero(&wanted->referral_id);
    enum err error;

    *ret_more = shown->rows < STATUS_ROWS_MAX;
    if (stored->matter != NULL && stored->matter->kind == MATTER_ARCHIVE &&
        stored->matter->state == MATTER_OPEN) {
        shown->archived = true;
    }
    if ((stored->matter != NULL) != shown->matters ||
        (!whole && !uuid_equal(&wanted->referral_id, &stored->key.referral_id))) {
        return OK;
    }
    shown->rows++;
    json_object_begin(shown->out);
    write_record(shown, stored);
    error = write_trail(shown->read,
                        stored->matter != NULL ? stored->matter->last_leaf
                                               : stored->referral->last_leaf,
                        shown->out);
    json_object_end(shown->out);
    return error;
}

static enum err write_pass(struct shown *shown, bool matters)
{
    bool cut;
    enum err error;

    shown->matters = matters;
    json_name(shown->out, matters ? "matters" : "referrals");
    json_array_begin(shown->out);
    error = stored_walk(shown->read, &shown->wanted->case_id, visit, shown, &cut);
    json_array_end(shown->out);
    return error;
}

enum err status_case(const struct status_context *ctx, const struct json_value *request,
                     struct json_writer *out, struct fault *fault)
{
    struct case_key key;
    struct shown shown = {.ctx = ctx, .out = out, .wanted = &key};
    enum err error = store_read_begin(broker_setup(ctx->broker)->store, &shown.read);

    if (error != OK) {
        return error;
    }
    error = stored_find(shown.read, request, "id", &key, fault);
    if (error == OK) {
        error = write_pass(&shown, false);
    }
    if (error == OK) {
        error = write_pass(&shown, true);
    }
    if (error == OK) {
        status_bool(out, "archived", shown.archived);
        status_bool(out, "truncated", shown.rows > STATUS_ROWS_MAX);
    }
    store_read_end(shown.read);
    return error;
}
