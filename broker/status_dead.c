/* The status commands about dead letters: `dead-list`, `dead-show`, `dead-retry`, `dead-drop`. */
#include <inttypes.h>
#include <stdio.h>

#include "broker/letters.h"
#include "broker/status_change.h"
#include "broker/status_parts.h"

static const char *const cause_names[] = {
    [DEAD_UNREADABLE] = "unreadable", [DEAD_LEFT] = "left", [DEAD_HOPS] = "hops"};

static const char *const settled_names[] = {
    [DEAD_OPEN] = NULL, [DEAD_RETRIED] = "retried", [DEAD_DROPPED] = "dropped"};

/* What an administrator finds out and does. */
static const char *const next_steps[] = {
    [DEAD_UNREADABLE] = "mend what the detail names: the receiver's seal key, or the sender's "
                        "program; then `dead retry` asks the sender to send it again",
    [DEAD_LEFT] =
        "what is sealed to an agency only its keys open: leave its agent running until it "
        "has fetched it, or `dead retry` asks the sender to turn to whom it may concern",
    [DEAD_HOPS] =
        "the joint-meeting office decides; when the policy allows it, its sender sends it "
        "anew; `dead drop` settles it"};

static void write_letter(const struct letter *letter, struct json_writer *out)
{
    char id[UUID_TEXT_BYTES];

    json_object_begin(out);
    status_u64(out, "id", letter->row.leaf);
    status_text(out, "cause", cause_names[letter->row.cause]);
    status_text(out, "settled", settled_names[letter->row.settled]);
    json_name(out, "settled_leaf");
    if (letter->row.settled != DEAD_OPEN) {
        json_u64(out, letter->row.settled_leaf);
    } else {
        json_text(out, NULL);
    }
    uuid_format(&letter->message_id, id);
    status_u64(out, "since_ms", letter->row.since_ms);
    status_text(out, "from", letter->from);
    status_text(out, "to", letter->to);
    status_text(out, "kind", message_kind_name((enum message_kind)letter->kind));
    status_text(out, "number", letter->number);
    status_text(out, "message", id);
    json_object_end(out);
}

/* --- list --- */

struct listing {
    struct json_writer *out; /* NULL: only counts */
    uint64_t rows;           /* one more than STATUS_ROWS_MAX: there are more */
};

static enum err visit(void *arg, const struct letter *letter, bool *ret_more)
{
    struct listing *listing = arg;

    listing->rows++;
    if (listing->out != NULL && listing->rows <= STATUS_ROWS_MAX) {
        write_letter(letter, listing->out);
    }
    *ret_more = listing->rows <= STATUS_ROWS_MAX;
    return OK;
}

enum err status_dead_list(const struct status_context *ctx, const struct json_value *request,
                          struct json_writer *out, struct fault *fault)
{
    struct json_value value = json_member(request, "all");
    struct listing listing = {.out = out};
    struct store_txn *read = NULL;
    bool all = false;
    enum err error = json_absent(&value) ? OK : json_get_bool(&value, &all, fault);

    if (error == OK) {
        error = store_read_begin(broker_setup(ctx->broker)->store, &read);
    }
    if (error != OK) {
        return error;
    }
    json_name(out, "dead");
    json_array_begin(out);
    error = letters_open(ctx->broker, read, visit, &listing);
    if (error == OK && all && listing.rows <= STATUS_ROWS_MAX) {
        error = letters_settled(read, visit, &listing);
    }
    json_array_end(out);
    status_bool(out, "truncated", listing.rows > STATUS_ROWS_MAX);
    store_read_end(read);
    return error;
}

enum err status_dead_count(const struct status_context *ctx, struct store_txn *read,
                           uint64_t *ret_count)
{
    struct listing listing = {.out = NULL};
    enum err error = letters_open(ctx->broker, read, visit, &listing);

    *ret_count = listing.rows;
    return error;
}

/* --- one --- */

static enum err find(const struct status_context *ctx, const struct json_value *request,
                     struct letter *ret_letter, struct fault *fault)
{
    struct json_value value = json_member(request, "id");
    struct store_txn *read;
    uint64_t id = 0;
    enum err error = json_get_u64(&value, 0, INT64_MAX, &id, fault);

    if (error != OK) {
        return error;
    }
    error = store_read_begin(broker_setup(ctx->broker)->store, &read);
    if (error != OK) {
        return error;
    }
    error = letter_find(ctx->broker, read, id, ret_letter);
    store_read_end(read);
    if (error == ERR_NOT_FOUND) {
        (void)json_refuse(&value, fault, "dead.unknown", "no dead letter has this id");
        fault_hint(fault, "`referralctl dead ls` lists them; one that was fetched is dead no more");
        error = ERR_INVALID;
    }
    return error;
}

enum err status_dead_show(const struct status_context *ctx, const struct json_value *request,
                          struct json_writer *out, struct fault *fault)
{
    struct letter letter;
    enum err error = find(ctx, request, &letter, fault);

    if (error != OK) {
        return error;
    }
    json_name(out, "letter");
    write_letter(&letter, out);
    status_text(out, "detail", letter.row.detail);
    status_text(out, "next",
                letter.row.settled == DEAD_OPEN ? next_steps[letter.row.cause]
                                                : "nothing: it is settled");
    return OK;
}

/* --- retry, drop --- */

static enum err refuse_settling(const struct letter *letter, enum dead_settled settled,
                                struct fault *fault)
{
    if (letter->row.settled != DEAD_OPEN) {
        fault_set(fault, "dead.settled", "id", "it was %s by leaf %" PRIu64,
                  settled_names[letter->row.settled], letter->row.settled_leaf);
        fault_hint(fault, "nothing is left to be done");
        return ERR_REFUSED;
    }
    if (letter->row.cause == DEAD_HOPS && settled == DEAD_RETRIED) {
        fault_set(
            fault, "dead.sender", "id",
            "it was refused, and lives in its sender's outbox: only the sender sends it anew");
        fault_hint(fault, "let the joint-meeting office decide; raise `hop-limit` in the policy if "
                          "it allows it, and tell the sender");
        return ERR_REFUSED;
    }
    return OK;
}

static enum err settle(const struct status_context *ctx, const struct json_value *request,
                       enum dead_settled settled, struct json_writer *out, struct fault *fault)
{
    struct letter letter;
    struct change change;
    char about[24];
    enum err error = find(ctx, request, &letter, fault);

    if (error == OK) {
        error = change_read(ctx, request, &change, fault);
    }
    if (error == OK) {
        error = refuse_settling(&letter, settled, fault);
    }
    if (error != OK) {
        return error;
    }
    (void)snprintf(about, sizeof(about), "%" PRIu64, letter.row.leaf);
    change.act.about = about;
    json_name(out, "letter");
    write_letter(&letter, out);
    status_text(out, "told", letter_is_told(&letter) ? letter.from : NULL);
    if (!change.dry_run) {
        error = broker_letter_settle(ctx->broker, &change.act, &letter, settled);
    }
    return change_answer(&change, error, out, fault);
}

enum err status_dead_retry(const struct status_context *ctx, const struct json_value *request,
                           struct json_writer *out, struct fault *fault)
{
    return settle(ctx, request, DEAD_RETRIED, out, fault);
}

enum err status_dead_drop(const struct status_context *ctx, const struct json_value *request,
                          struct json_writer *out, struct fault *fault)
{
    return settle(ctx, request, DEAD_DROPPED, out, fault);
}
