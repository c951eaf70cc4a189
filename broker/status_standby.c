/* The status commands of a standby: it asks for the journal, for all rows when it begins, and for
 * attachments; what it confirms with its questions is shown as its lag. Each answer is short, so
 * that the loop is never held up; docs/status-socket.md lists the members. */
#include <inttypes.h>
#include <string.h>

#include "broker/status_change.h"
#include "broker/standby.h"
#include "broker/status_parts.h"
#include "broker/turn.h"
#include "store/blobs.h"
#include "store/journal.h"

#define READ_BYTES (256u * 1024u) /* of one answer, about */
#define BLOB_BYTES (256u * 1024u)

static enum err journal_of(const struct status_context *ctx, struct journal_state *ret_state,
                           struct fault *fault)
{
    if (ctx->standby == NULL ||
        store_journal_state(broker_setup(ctx->broker)->store, ret_state) != OK) {
        fault_set(fault, "standby.off", "standby-journal-mib", "this broker keeps no journal");
        fault_hint(fault, "set `standby-journal-mib` in its configuration and restart it");
        return ERR_REFUSED;
    }
    return OK;
}

/* --- what is shown --- */

void status_standby_write(const struct status_context *ctx, struct json_writer *out)
{
    const struct standby_watch *watch = ctx->standby;
    struct journal_state state;
    uint64_t now_ms = clock_machine_ms();

    json_name(out, "standby");
    if (journal_of(ctx, &state, NULL) != OK) {
        json_text(out, NULL);
        return;
    }
    json_object_begin(out);
    status_text(out, "state",
                watch->seen_ms == 0                  ? "never"
                : !standby_watch_here(watch, now_ms) ? "away"
                : watch->copying                     ? "copying"
                : watch->missing > 0                 ? "behind"
                : watch->applied == state.last       ? "level"
                                                     : "behind");
    status_u64(out, "seen_ms", watch->seen_at_ms);
    status_u64(out, "applied", watch->applied);
    status_u64(out, "last", state.last);
    status_u64(out, "oldest", state.oldest);
    status_u64(out, "log_size", watch->log_size);
    status_u64(out, "behind_transactions",
               watch->seen_ms != 0 && state.last > watch->applied ? state.last - watch->applied
                                                                  : 0);
    status_u64(out, "attachments_missing", watch->missing);
    status_u64(out, "behind_ms", standby_watch_behind_ms(watch, state.last, now_ms));
    json_object_end(out);
}

enum err status_standby_show(const struct status_context *ctx, const struct json_value *request,
                             struct json_writer *out, struct fault *fault)
{
    (void)request;
    (void)fault;
    status_standby_write(ctx, out);
    return OK;
}

/* --- what a standby asks --- */

static void write_epoch(const struct journal_state *state, struct json_writer *out)
{
    char hex[2 * JOURNAL_EPOCH_BYTES + 1];

    hex_encode(span_of(state->epoch, sizeof(state->epoch)), hex);
    status_text(out, "epoch", hex);
    status_u64(out, "oldest", state->oldest);
    status_u64(out, "last", state->last);
}

static enum err write_size(struct store_txn *read, struct json_writer *out)
{
    uint64_t size = 0;
    enum err error = audit_size(read, &size);

    status_u64(out, "log_size", size);
    return error;
}

static void write_bytes(struct json_writer *out, const char *name, struct span bytes)
{
    struct buf text;
    enum err error;

    buf_init(&text, bytes.len / 3 * 4 + 8);
    error = base64_encode(bytes, &text);
    if (error == OK) {
        error = buf_append(&text, "", 1);
    }
    json_name(out, name);
    json_text(out, error == OK ? (const char *)text.data : NULL);
    buf_free(&text);
}

enum err status_standby_hello(const struct status_context *ctx, const struct json_value *request,
                              struct json_writer *out, struct fault *fault)
{
    const struct broker_setup *setup = broker_setup(ctx->broker);
    struct journal_state state;
    struct store_txn *read = NULL;
    enum err error = journal_of(ctx, &state, fault);

    (void)request;
    if (error == OK) {
        error = store_read_begin(setup->store, &read);
    }
    if (error == OK) {
        status_text(out, "origin", keyring_origin(setup->keyring));
        status_text(out, "software", setup->software);
        write_epoch(&state, out);
        error = write_size(read, out);
        store_read_end(read);
    }
    return error;
}

static uint64_t member_u64(const struct json_value *request, const char *name, enum err *error,
                           struct fault *fault)
{
    struct json_value value = json_member(request, name);
    uint64_t number = 0;

    if (*error == OK) {
        *error = json_get_u64(&value, 0, INT64_MAX, &number, fault);
    }
    return number;
}

static enum err check_epoch(const struct json_value *request, const struct journal_state *state,
                            uint64_t after, struct fault *fault)
{
    struct json_value value = json_member(request, "epoch");
    uint8_t epoch[JOURNAL_EPOCH_BYTES] = {0};
    const char *text = "";
    enum err error = json_get_text(&value, sizeof(epoch) * 2, &text, fault);

    if (error == OK && (hex_decode(text, epoch, sizeof(epoch)) != OK ||
                        memcmp(epoch, state->epoch, sizeof(epoch)) != 0 ||
                        after + 1 < state->oldest || after > state->last)) {
        fault_set(fault, "standby.gone", "after", "the journal does not go on from there");
        fault_hint(fault, "copy all rows anew; a larger `standby-journal-mib` lasts longer");
        error = ERR_REFUSED;
    }
    return error;
}

static enum err write_pieces(struct store_txn *read, struct journal_place place, uint64_t last,
                             struct json_writer *out)
{
    struct buf raw;
    enum err error = OK;
    size_t bytes = 0;

    buf_init(&raw, JOURNAL_PART_BYTES + 1024);
    json_name(out, "pieces");
    json_array_begin(out);
    while (error == OK && place.transaction <= last && bytes < READ_BYTES) {
        uint16_t parts = 0;

        buf_clear(&raw);
        error = store_journal_part(read, place, &raw, &parts);
        if (error == OK) {
            json_object_begin(out);
            status_u64(out, "transaction", place.transaction);
            status_u64(out, "part", place.part);
            status_u64(out, "parts", parts);
            write_bytes(out, "data", span_buf(&raw));
            json_object_end(out);
            bytes += raw.len;
            place.part++;
            place.transaction += place.part == parts ? 1 : 0;
            place.part = place.part == parts ? 0 : place.part;
        }
    }
    json_array_end(out);
    buf_free(&raw);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err status_standby_read(const struct status_context *ctx, const struct json_value *request,
                             struct json_writer *out, struct fault *fault)
{
    const struct broker_setup *setup = broker_setup(ctx->broker);
    struct journal_state state;
    struct store_txn *read = NULL;
    struct broker_clock clock;
    enum err error = journal_of(ctx, &state, fault);
    uint64_t after = member_u64(request, "after", &error, fault);
    uint64_t part = member_u64(request, "part", &error, fault);
    struct standby_news news = {.machine_ms = clock_machine_ms(), .last = state.last};

    news.applied = member_u64(request, "applied", &error, fault);
    news.log_size = member_u64(request, "log_size", &error, fault);
    news.whole_to = member_u64(request, "whole_to", &error, fault);
    news.missing = member_u64(request, "attachments_missing", &error, fault);
    if (error == OK) {
        error = check_epoch(request, &state, after, fault);
    }
    if (error != OK) {
        return error;
    }
    broker_clock(ctx->broker, &clock);
    news.wall_ms = clock.wall_ms;
    standby_watch_heard(ctx->standby, &news);
    error = store_read_begin(setup->store, &read);
    if (error == OK) {
        write_epoch(&state, out);
        status_bool(out, "handing_over", ctx->standby->handing_over);
        error = write_size(read, out);
    }
    if (error == OK) {
        struct journal_place place = {after + 1, (uint16_t)(part & UINT16_MAX)};

        error = write_pieces(read, place, state.last, out);
    }
    store_read_end(read);
    return error;
}

static enum err read_bytes(const struct json_value *request, const char *name, struct buf *out,
                           struct fault *fault)
{
    struct json_value value = json_member(request, name);
    const char *text = "";
    enum err error = json_get_text(&value, 4096, &text, fault);

    if (error == OK && base64_decode(span_text(text), out) != OK) {
        error = json_refuse(&value, fault, "status.base64", "expected base64 of at most %zu bytes",
                            out->max);
    }
    return error;
}

enum err status_standby_rows(const struct status_context *ctx, const struct json_value *request,
                             struct json_writer *out, struct fault *fault)
{
    const struct broker_setup *setup = broker_setup(ctx->broker);
    struct journal_state state;
    struct store_txn *read = NULL;
    struct buf after, rows, next;
    enum err error = journal_of(ctx, &state, fault);
    uint64_t table = member_u64(request, "table", &error, fault);

    buf_init(&after, STORE_KEY_BYTES_MAX);
    buf_init(&next, STORE_KEY_BYTES_MAX + 16);
    buf_init(&rows, READ_BYTES + 2 * STORE_VALUE_BYTES_MAX);
    if (error == OK) {
        error = read_bytes(request, "after", &after, fault);
    }
    if (error == OK && (table >= STORE_TABLE_COUNT || table == STORE_JOURNAL)) {
        fault_set(fault, "standby.table", "table", "there is no such table");
        error = ERR_INVALID;
    }
    if (error == OK) {
        ctx->standby->copying = true;
        ctx->standby->seen_ms = clock_machine_ms();
        error = store_read_begin(setup->store, &read);
    }
    if (error == OK) {
        struct journal_from from = {(enum store_table)table, span_buf(&after)};

        error = store_rows_pack(read, from, READ_BYTES, &rows, &next);
        if (error == OK || error == ERR_NOT_FOUND) {
            write_bytes(out, "rows", span_buf(&rows));
            write_bytes(out, "next", span_buf(&next)); /* empty: there were none */
            error = OK;
        }
    }
    store_read_end(read);
    buf_free(&after);
    buf_free(&next);
    buf_free(&rows);
    return error;
}

enum err status_standby_attachment(const struct status_context *ctx,
                                   const struct json_value *request, struct json_writer *out,
                                   struct fault *fault)
{
    const struct broker_setup *setup = broker_setup(ctx->broker);
    struct json_value value = json_member(request, "digest");
    struct digest digest;
    const char *text = "";
    struct buf bytes;
    uint64_t size = 0;
    enum err error = json_get_text(&value, DIGEST_TEXT_BYTES, &text, fault);
    uint64_t offset = member_u64(request, "offset", &error, fault);

    buf_init(&bytes, BLOB_BYTES);
    if (error == OK && hex_decode(text, digest.bytes, DIGEST_BYTES) != OK) {
        error = json_refuse(&value, fault, "standby.digest", "expected 64 hexadecimal digits");
    }
    if (error == OK) {
        error = blobs_size(setup->blobs, &digest, &size);
    }
    if (error == OK) {
        error = blobs_read(setup->blobs, &digest, offset, BLOB_BYTES, &bytes);
    }
    if (error == OK) {
        status_u64(out, "size", size);
        write_bytes(out, "data", span_buf(&bytes));
    } else if (error == ERR_NOT_FOUND) {
        fault_set(fault, "standby.no-attachment", "digest", "it is not here, or not any more");
    }
    buf_free(&bytes);
    return error;
}

/* --- handing over --- */

/* The leaf that says who asked. That nothing comes behind it is said when that is so: main.c. */
enum err status_standby_hand_over(const struct status_context *ctx,
                                  const struct json_value *request, struct json_writer *out,
                                  struct fault *fault)
{
    struct journal_state state;
    struct change change;
    uint64_t now_ms = clock_machine_ms();
    enum err error = journal_of(ctx, &state, fault);

    if (error == OK) {
        error = change_read(ctx, request, &change, fault);
    }
    if (error == OK && (!standby_watch_here(ctx->standby, now_ms) || ctx->standby->copying)) {
        fault_set(fault, "standby.not-here", "cmd", "no standby follows that could go on");
        fault_hint(fault, "start it and wait until `referralctl standby show` says level");
        error = ERR_REFUSED;
    }
    if (error == OK && ctx->standby->missing > 0) {
        fault_set(fault, "standby.attachments", "cmd",
                  "%" PRIu64 " attachments have not come to the standby yet",
                  ctx->standby->missing);
        fault_hint(fault, "wait until `referralctl standby show` says level; of one that is lost "
                          "here, too, `referral-broker` says so in its journal");
        error = ERR_REFUSED;
    }
    if (error != OK) {
        return error;
    }
    if (!change.dry_run) {
        error = broker_act(ctx->broker, &change.act);
    }
    if (error == OK && !change.dry_run) {
        ctx->standby->handing_over = true;
        ctx->standby->stop(ctx->standby->ctx);
    }
    status_standby_write(ctx, out);
    return change_answer(&change, error, out, fault);
}
