/* How: a record is unpacked into one place that lives as long as the walk, because a matter does
 * not fit a stack frame, and shown to the visitor as whichever of the two it is. */
#include "broker/status_parts.h"

#include <assert.h>
#include <stdlib.h>

#include "model/numbers.h"
#include "model/vocabulary.h"

#define WALK_MAX 200000u /* records that one answer looks at */

void status_u64(struct json_writer *out, const char *name, uint64_t value)
{
    json_name(out, name);
    json_u64(out, value);
}

void status_text(struct json_writer *out, const char *name, const char *text)
{
    json_name(out, name);
    json_text(out, text);
}

void status_bool(struct json_writer *out, const char *name, bool value)
{
    json_name(out, name);
    json_bool(out, value);
}

void status_day(struct json_writer *out, const char *name, int32_t day)
{
    char text[CIVIL_TEXT_BYTES];

    civil_format(day, text);
    status_text(out, name, text);
}

const char *status_agency_id(const struct status_context *ctx, uint16_t number)
{
    const struct agency *agency = registry_by_number(broker_setup(ctx->broker)->registry, number);

    return agency != NULL ? agency->id : "";
}

const char *status_acting_id(const struct status_context *ctx, uint16_t number)
{
    const struct registry *registry = broker_setup(ctx->broker)->registry;
    const struct agency *agency;
    struct broker_clock clock;

    broker_clock(ctx->broker, &clock);
    agency = registry_by_number(registry, registry_acting(registry, number, clock.broker_ms));
    return agency != NULL ? agency->id : "";
}

/* --- records --- */

const char *stored_number(const struct stored *stored)
{
    return stored->referral != NULL ? stored->referral->number : stored->matter->number;
}

const char *stored_case_number(const struct stored *stored)
{
    return stored->referral != NULL ? stored->referral->case_number : stored->matter->case_number;
}

struct unpacked {
    struct referral referral;
    struct matter matter;
};

struct visitor {
    stored_visit *visit;
    void *arg;
    struct unpacked *place;
};

static enum err show(const struct visitor *visitor, const struct case_key *key, struct span packed,
                     bool *ret_more)
{
    struct stored stored = {.key = *key};
    struct unpacked *place = visitor->place;
    enum err error;

    if (matter_is_packed(packed)) {
        error = matter_unpack(packed, &place->matter);
        stored.matter = &place->matter;
    } else {
        error = referral_unpack(packed, &place->referral);
        stored.referral = &place->referral;
    }
    return error == OK ? visitor->visit(visitor->arg, &stored, ret_more) : error;
}

enum err stored_walk(struct store_txn *read, const struct uuid *case_id, stored_visit *visit,
                     void *arg, bool *ret_cut)
{
    struct visitor visitor = {visit, arg, malloc(sizeof(struct unpacked))};
    struct case_key at, key;
    bool more = true;
    enum err error = visitor.place != NULL ? OK : ERR_MEMORY;

    *ret_cut = false;
    for (unsigned i = 0; error == OK && more; i++) {
        struct span packed;

        if (i == WALK_MAX) {
            *ret_cut = true;
            break;
        }
        error = cases_next(read, case_id, i == 0 ? NULL : &at, &key, &packed);
        if (error == OK) {
            error = show(&visitor, &key, packed, &more);
            at = key;
        }
    }
    free(visitor.place);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err stored_read(struct store_txn *read, const struct case_key *key, stored_visit *visit,
                     void *arg)
{
    struct visitor visitor = {visit, arg, malloc(sizeof(struct unpacked))};
    struct span packed;
    bool more = false;
    enum err error = visitor.place != NULL ? cases_get(read, key, &packed) : ERR_MEMORY;

    if (error == OK) {
        error = show(&visitor, key, packed, &more);
    }
    free(visitor.place);
    return error;
}

enum err stored_find(struct store_txn *read, const struct json_value *request, const char *name,
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
                          "no case, referral or matter has this number");
        fault_hint(fault, "`referralctl due --within 400` lists the open ones");
    }
    return error;
}

/* --- clocks --- */

static const char *duty_word(const struct duty *duty)
{
    const struct word *word = vocabulary_find(VOCABULARY_TASK, (uint32_t)duty->kind);

    return duty->window.kind == CLOCK_UNDELIVERED || word == NULL ? clock_kind_id(duty->window.kind)
                                                                  : word->id;
}

static void clock_of_referral(const struct referral *referral, enum referral_clock clock,
                              struct stored_clock *ret_clock)
{
    *ret_clock = (struct stored_clock){.what = clock_kind_id(referral->clocks[clock].kind),
                                       .window = &referral->clocks[clock],
                                       .clock = clock,
                                       .holder = referral_responsible(referral, clock),
                                       .waiting = referral_waiting(referral, clock),
                                       .open = referral_clock_open(referral, clock)};
}

static void clock_of_duty(const struct duty *duty, struct stored_clock *ret_clock)
{
    *ret_clock = (struct stored_clock){.what = duty_word(duty),
                                       .window = &duty->window,
                                       .duty = duty,
                                       .holder = duty->holder,
                                       .waiting = duty->waiting,
                                       .open = matter_duty_open(duty)};
}

bool stored_clock_at(const struct stored *stored, size_t index, struct stored_clock *ret_clock)
{
    size_t seen = 0;

    if (stored->matter != NULL) {
        if (index >= stored->matter->duty_count) {
            return false;
        }
        clock_of_duty(&stored->matter->duties[index], ret_clock);
        return true;
    }
    for (unsigned clock = 0; clock < REFERRAL_CLOCK_COUNT; clock++) {
        if (stored->referral->clocks[clock].number != 0 && seen++ == index) {
            clock_of_referral(stored->referral, (enum referral_clock)clock, ret_clock);
            return true;
        }
    }
    return false;
}

static void write_raised(const struct window *window, struct json_writer *out)
{
    json_name(out, "raised");
    json_array_begin(out);
    for (unsigned rung = 0; rung < RUNG_COUNT; rung++) {
        if (rung_set_has(window->raised, (enum rung)rung)) {
            json_text(out, rung_id((enum rung)rung));
        }
    }
    json_array_end(out);
}

static void write_duty(const struct duty *duty, struct json_writer *out)
{
    const struct word *promise = vocabulary_find(VOCABULARY_PROMISE, duty->code);

    status_u64(out, "duty", duty->number);
    status_bool(out, "cancelled", duty->cancelled);
    if (duty->kind == DUTY_PROMISE && promise != NULL) {
        status_text(out, "promise", promise->id);
    }
    if (duty->kind == DUTY_PAYMENT) {
        status_u64(out, "amount_fen", duty->amount_fen);
    }
}

void stored_clock_write(const struct status_context *ctx, const struct stored_clock *clock,
                        struct json_writer *out)
{
    const struct window *window = clock->window;

    status_text(out, "clock", clock->what);
    status_u64(out, "window", window->number);
    status_u64(out, "working_days", window->n);
    status_text(out, "responsible", status_acting_id(ctx, clock->holder));
    if (clock->waiting != clock->holder) {
        status_text(out, "waiting", status_acting_id(ctx, clock->waiting));
    }
    status_u64(out, "start_ms", window->start_ms);
    if (window->n != 0) {
        status_day(out, "due", window->due_day);
        status_u64(out, "due_before_ms", window->due_before_ms);
    }
    status_bool(out, "provisional", window->provisional);
    status_u64(out, "stopped_ms", window->stopped_ms);
    write_raised(window, out);
    if (clock->duty != NULL) {
        write_duty(clock->duty, out);
    }
}

void stored_rung_write(const struct status_context *ctx, enum rung rung, struct json_writer *out)
{
    const struct policy_name *name = &broker_setup(ctx->broker)->policy->names[rung];

    status_text(out, "rung", rung_id(rung));
    status_text(out, "rung_zh", name->zh);
    status_text(out, "rung_en", name->en);
}

/* --- documents --- */

static void document_number(uint32_t year, uint32_t counter, char out[LIMIT_NUMBER_BYTES])
{
    const struct number number = {
        .kind = NUMBER_DOCUMENT, .prefix = "DB", .year = year, .counter = counter};

    number_format(&number, out);
}

bool stored_document_at(const struct stored *stored, size_t index,
                        struct stored_document *ret_document)
{
    if (stored->referral != NULL && index < stored->referral->document_count) {
        const struct referral_document *document = &stored->referral->documents[index];

        clock_of_referral(stored->referral, document->clock, &ret_document->clock);
        ret_document->rung = document->rung;
        ret_document->answer = document->answer;
        document_number(document->year, document->counter, ret_document->number);
        return true;
    }
    if (stored->matter != NULL && index < stored->matter->document_count) {
        const struct matter_document *document = &stored->matter->documents[index];
        const struct duty *duty = matter_duty(stored->matter, document->duty);

        assert(duty != NULL); /* matter_unpack saw to it */
        clock_of_duty(duty, &ret_document->clock);
        ret_document->rung = (enum rung)document->rung;
        ret_document->answer = document->answer;
        document_number(document->year, document->counter, ret_document->number);
        return true;
    }
    return false;
}
