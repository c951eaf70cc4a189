/* Status commands about time: what is due soon (`due`), and which clock is late and who holds it
 * (`late`), of referrals and matters alike. Dates are computed by lib/model; nothing is judged
 * here. */
#include <string.h>

#include "broker/status_parts.h"

struct asked {
    const struct status_context *ctx;
    struct json_writer *out;
    int32_t last_day; /* due: clocks whose day N lies on or before it */
    uint64_t now_ms;
    unsigned rows;
    void (*write)(struct asked *asked, const struct stored *stored,
                  const struct stored_clock *clock);
    bool (*fits)(const struct asked *asked, const struct stored_clock *clock);
};

static enum err visit(void *arg, const struct stored *stored, bool *ret_more)
{
    struct asked *asked = arg;
    struct stored_clock clock;

    for (size_t i = 0; stored_clock_at(stored, i, &clock) && asked->rows < STATUS_ROWS_MAX; i++) {
        if (clock.open && asked->fits(asked, &clock)) {
            asked->rows++;
            json_object_begin(asked->out);
            asked->write(asked, stored, &clock);
            json_object_end(asked->out);
        }
    }
    *ret_more = asked->rows < STATUS_ROWS_MAX;
    return OK;
}

static enum err answer(struct asked *asked, struct store_txn *read, const struct uuid *case_id,
                       const char *name)
{
    bool cut;
    enum err error;

    json_name(asked->out, name);
    json_array_begin(asked->out);
    error = stored_walk(read, case_id, visit, asked, &cut);
    json_array_end(asked->out);
    if (error == OK) {
        status_bool(asked->out, "truncated", cut || asked->rows >= STATUS_ROWS_MAX);
    }
    return error;
}

static uint64_t now_of(const struct status_context *ctx)
{
    struct broker_clock clock;

    broker_clock(ctx->broker, &clock);
    return clock.broker_ms;
}

/* --- due --- */

static bool is_due(const struct asked *asked, const struct stored_clock *clock)
{
    return clock->window->n != 0 && clock->window->due_day <= asked->last_day;
}

static void write_due(struct asked *asked, const struct stored *stored,
                      const struct stored_clock *clock)
{
    if (stored->referral != NULL) {
        status_text(asked->out, "referral", stored->referral->number);
        status_text(asked->out, "state", referral_state_name(stored->referral->state));
    } else {
        status_text(asked->out, "matter", stored->matter->number);
        status_text(asked->out, "kind", matter_kind_name(stored->matter->kind));
        status_text(asked->out, "state", matter_state_name(stored->matter->state));
    }
    json_name(asked->out, "clock");
    json_object_begin(asked->out);
    stored_clock_write(asked->ctx, clock, asked->out);
    json_object_end(asked->out);
}

enum err status_due(const struct status_context *ctx, const struct json_value *request,
                    struct json_writer *out, struct fault *fault)
{
    const struct broker_setup *setup = broker_setup(ctx->broker);
    struct json_value within = json_member(request, "within");
    struct asked asked = {.ctx = ctx, .out = out, .write = write_due, .fits = is_due};
    struct store_txn *read = NULL;
    uint64_t days = 3;
    enum err error = OK;

    if (!json_absent(&within)) {
        error = json_get_u64(&within, 0, 400, &days, fault);
    }
    if (error == OK) {
        error = store_read_begin(setup->store, &read);
    }
    if (error == OK) {
        asked.last_day =
            calendar_add_working_days(setup->calendar, civil_day_at(now_of(ctx)), (int32_t)days);
        error = answer(&asked, read, NULL, "due");
    }
    store_read_end(read);
    return error;
}

/* --- late --- */

/* Past its day; of what counts from its start (undelivered, unsigned, urgent): past a rung. */
static bool is_late(const struct asked *asked, const struct stored_clock *clock)
{
    return clock->window->n != 0 ? asked->now_ms >= clock->window->due_before_ms
                                 : rung_set_count(clock->window->raised) > 0;
}

/* The last that was raised; RUNG_COUNT: none. */
static enum rung newest_rung(struct rung_set raised)
{
    enum rung newest = RUNG_COUNT;

    for (unsigned rung = 0; rung < RUNG_COUNT; rung++) {
        newest = rung_set_has(raised, (enum rung)rung) ? (enum rung)rung : newest;
    }
    return newest;
}

static bool same_clock(const struct stored_clock *a, const struct stored_clock *b)
{
    return a->duty == b->duty && a->window == b->window;
}

/* Of the documents about this clock the newest, and whether it has its reply. */
static void write_document(struct asked *asked, const struct stored *stored,
                           const struct stored_clock *clock)
{
    struct stored_document document, newest = {.rung = RUNG_COUNT};

    for (size_t i = 0; stored_document_at(stored, i, &document); i++) {
        if (same_clock(&document.clock, clock)) {
            newest = document;
        }
    }
    if (newest.rung != RUNG_COUNT) {
        status_text(asked->out, "document", newest.number);
        status_bool(asked->out, "replied", newest.answer != 0);
    }
}

static void write_late(struct asked *asked, const struct stored *stored,
                       const struct stored_clock *clock)
{
    const struct window *window = clock->window;
    enum rung rung = newest_rung(window->raised);

    status_text(asked->out, "number", stored_number(stored));
    status_text(asked->out, "case", stored_case_number(stored));
    status_text(asked->out, "clock", clock->what);
    status_u64(asked->out, "window", window->number);
    status_text(asked->out, "holder", status_acting_id(asked->ctx, clock->holder));
    if (clock->waiting != clock->holder) {
        status_text(asked->out, "waiting", status_acting_id(asked->ctx, clock->waiting));
    }
    status_u64(asked->out, "since_ms", window->n != 0 ? window->due_before_ms : window->start_ms);
    if (window->n != 0) {
        struct lateness lateness = window_lateness(broker_setup(asked->ctx->broker)->calendar,
                                                   window->due_before_ms, asked->now_ms);

        status_day(asked->out, "due", window->due_day);
        status_u64(asked->out, "late_days", lateness.working_days);
    }
    if (rung != RUNG_COUNT) {
        stored_rung_write(asked->ctx, rung, asked->out);
    }
    write_document(asked, stored, clock);
}

enum err status_late(const struct status_context *ctx, const struct json_value *request,
                     struct json_writer *out, struct fault *fault)
{
    struct json_value id = json_member(request, "id");
    struct asked asked = {
        .ctx = ctx, .out = out, .now_ms = now_of(ctx), .write = write_late, .fits = is_late};
    struct case_key key;
    struct store_txn *read;
    bool one = !json_absent(&id);
    enum err error = store_read_begin(broker_setup(ctx->broker)->store, &read);

    if (error != OK) {
        return error;
    }
    if (one) {
        error = stored_find(read, request, "id", &key, fault);
    }
    if (error == OK) {
        error = answer(&asked, read, one ? &key.case_id : NULL, "late");
    }
    store_read_end(read);
    return error;
}
