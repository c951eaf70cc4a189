/* Status commands about the calendar: which one is in force, what it lacks, and the open clocks
 * that another one would move. What it would make of them is computed by whoever asks, with the
 * same lib/model: a file that is only tried never comes near the broker. */
#include <stdlib.h>
#include <string.h>

#include "broker/status.h"
#include "model/movable.h"
#include "store/cases.h"

#define ROWS_MAX 2000u /* clocks in one answer */
#define WALK_MAX 4000u /* referrals that one answer looks at: a few ms */
#define KEY_TEXT (2 * 2 * UUID_BYTES)

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

static void named_bool(struct json_writer *out, const char *name, bool value)
{
    json_name(out, name);
    json_bool(out, value);
}

static int32_t today_of(const struct status_context *ctx)
{
    struct broker_clock clock;

    broker_clock(ctx->broker, &clock);
    return civil_day_at(clock.broker_ms);
}

uint64_t status_missing_year(const struct status_context *ctx)
{
    return (uint64_t)calendar_missing_year(broker_setup(ctx->broker)->calendar, today_of(ctx));
}

/* --- calendar --- */

static void write_years(const struct calendar *calendar, struct json_writer *out)
{
    int32_t first = 0, last = -1;

    (void)calendar_years(calendar, &first, &last); /* without any: none is written */
    json_name(out, "years");
    json_array_begin(out);
    for (int32_t year = first; year <= last; year++) {
        bool notice = calendar_has_notice(calendar, year);
        const char *source = calendar_source(calendar, year);

        json_object_begin(out);
        named_u64(out, "year", (uint64_t)year);
        named_text(out, "state", notice ? "notice" : source[0] != '\0' ? "provisional" : "missing");
        named_text(out, "source", source);
        json_object_end(out);
    }
    json_array_end(out);
}

enum err status_calendar(const struct status_context *ctx, const struct json_value *request,
                         struct json_writer *out, struct fault *fault)
{
    const struct calendar *calendar = broker_setup(ctx->broker)->calendar;
    char text[DIGEST_TEXT_BYTES], today[CIVIL_TEXT_BYTES];
    struct broker_counts counts;

    (void)request;
    (void)fault;
    broker_count(ctx->broker, &counts);
    digest_format(calendar_digest(calendar), text);
    civil_format(today_of(ctx), today);
    named_text(out, "calendar", calendar_version(calendar));
    named_text(out, "digest", text);
    named_text(out, "today", today);
    named_u64(out, "calendar_missing", status_missing_year(ctx));
    named_bool(out, "redating", broker_redating(ctx->broker));
    named_u64(out, "redated", counts.redated);
    write_years(calendar, out);
    return OK;
}

/* --- windows --- */

/* "after" is a key as "next" of the answer before wrote it; absent: from the first. */
static enum err read_after(const struct json_value *request, struct case_key *ret_after,
                           bool *ret_first, struct fault *fault)
{
    struct json_value value = json_member(request, "after");
    uint8_t bytes[2 * UUID_BYTES];
    const char *text;
    enum err error;

    *ret_first = json_absent(&value);
    if (*ret_first) {
        return OK;
    }
    error = json_get_text(&value, KEY_TEXT, &text, fault);
    if (error == OK && hex_decode(text, bytes, sizeof(bytes)) != OK) {
        error = json_refuse(&value, fault, "status.after", "expected \"next\" of another answer");
    }
    if (error == OK) {
        memcpy(ret_after->case_id.bytes, bytes, UUID_BYTES);
        memcpy(ret_after->referral_id.bytes, bytes + UUID_BYTES, UUID_BYTES);
    }
    return error;
}

static void write_next(const struct case_key *key, struct json_writer *out)
{
    uint8_t bytes[2 * UUID_BYTES];
    char text[KEY_TEXT + 1];

    memcpy(bytes, key->case_id.bytes, UUID_BYTES);
    memcpy(bytes + UUID_BYTES, key->referral_id.bytes, UUID_BYTES);
    hex_encode(span_of(bytes, sizeof(bytes)), text);
    named_text(out, "next", text);
}

static void write_window(const struct status_context *ctx, const struct movable *movable,
                         struct json_writer *out)
{
    const struct window *window = &movable->window;
    char due[CIVIL_TEXT_BYTES];

    civil_format(window->due_day, due);
    json_object_begin(out);
    named_text(out, "number", movable->number);
    named_text(out, "clock", clock_kind_id(window->kind));
    named_u64(out, "window", window->number);
    named_text(out, "responsible", status_acting_id(ctx, movable->responsible));
    named_u64(out, "start_ms", window->start_ms);
    named_u64(out, "working_days", window->n);
    named_text(out, "due", due);
    named_text(out, "basis", window_basis_id(window->basis));
    named_bool(out, "provisional", window->provisional);
    json_object_end(out);
}

struct walk {
    struct movables *movables; /* owned: too large for a stack */
    struct case_key at;
    bool first; /* nothing was looked at: `at` is no key yet */
    bool more;
};

static enum err walk_windows(const struct status_context *ctx, struct store_txn *read,
                             struct walk *walk, struct json_writer *out)
{
    size_t rows = 0;

    for (unsigned i = 0; i < WALK_MAX && rows < ROWS_MAX; i++) {
        struct case_key key;
        struct span packed;
        enum err error = cases_next(read, NULL, walk->first ? NULL : &walk->at, &key, &packed);

        if (error == OK) {
            error = movables_read(packed, walk->movables);
        }
        if (error != OK) {
            return error == ERR_NOT_FOUND ? OK : error;
        }
        for (size_t k = 0; k < walk->movables->count; k++) {
            write_window(ctx, &walk->movables->rows[k], out);
        }
        rows += walk->movables->count;
        walk->at = key;
        walk->first = false;
    }
    walk->more = true;
    return OK;
}

static enum err answer_windows(const struct status_context *ctx, struct walk *walk,
                               struct json_writer *out)
{
    struct broker_clock clock;
    struct store_txn *read;
    enum err error = store_read_begin(broker_setup(ctx->broker)->store, &read);

    if (error != OK) {
        return error;
    }
    broker_clock(ctx->broker, &clock);
    named_u64(out, "broker_ms", clock.broker_ms);
    json_name(out, "windows");
    json_array_begin(out);
    error = walk_windows(ctx, read, walk, out);
    json_array_end(out);
    if (walk->more) {
        write_next(&walk->at, out);
    }
    store_read_end(read);
    return error;
}

enum err status_windows(const struct status_context *ctx, const struct json_value *request,
                        struct json_writer *out, struct fault *fault)
{
    struct walk walk = {.movables = malloc(sizeof(*walk.movables))};
    enum err error =
        walk.movables != NULL ? read_after(request, &walk.at, &walk.first, fault) : ERR_MEMORY;

    if (error == OK) {
        error = answer_windows(ctx, &walk, out);
    }
    free(walk.movables);
    return error;
}
