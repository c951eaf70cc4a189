/* What shows and prints the copies: referrals with their clocks, matters with their duties, cases
 * with both, and which clocks this agency holds that are late or near. */
#include <string.h>

#include "agent/show_parts.h"
#include "model/instant_text.h"
#include "model/lanes.h"
#include "model/vocabulary.h"

#define SHOWN_MAX     500u /* rows of one referral, copies of one case, late clocks */
#define NEAR_DAYS     3u   /* working days, today not counted */
#define NEAR_DAYS_MAX 400u

/* --- a referral --- */

static const char *agency_id(const struct agent *agent, uint16_t number)
{
    const struct agency *agency = registry_by_number(agent->setup.registry, number);

    return agency != NULL ? agency->id : "";
}

/* Who must act now: the agency of this number, or its successor. */
static const char *acting_id(const struct agent *agent, uint16_t number)
{
    return agency_id(agent, registry_acting(agent->setup.registry, number, agent_wall_ms(agent)));
}

static void write_window(const struct window *window, bool open, struct json_writer *out)
{
    named_instant(out, "start", window->start_ms);
    if (window->n != 0 || window->due_before_ms != 0) {
        named_u64(out, "working_days", window->n);
        named_day(out, "due", window->due_day);
        named_instant(out, "due_before", window->due_before_ms);
        named_bool(out, "provisional", window->provisional);
    }
    named_bool(out, "open", open);
    json_name(out, "raised");
    json_array_begin(out);
    for (unsigned rung = 0; rung < RUNG_COUNT; rung++) {
        if (rung_set_has(window->raised, (enum rung)rung)) {
            json_text(out, rung_id((enum rung)rung));
        }
    }
    json_array_end(out);
}

static void write_clock(const struct agent *agent, const struct referral *referral,
                        enum referral_clock clock, struct json_writer *out)
{
    const struct window *window = &referral->clocks[clock];

    json_object_begin(out);
    named_text(out, "clock", clock_kind_id(window->kind));
    named_u64(out, "window", window->number);
    named_text(out, "responsible", acting_id(agent, referral_responsible(referral, clock)));
    write_window(window, referral_clock_open(referral, clock), out);
    json_object_end(out);
}

static void write_document(uint32_t year, uint32_t counter, struct json_writer *out)
{
    const struct number number = {.kind = NUMBER_DOCUMENT, .year = year, .counter = counter};
    char text[LIMIT_NUMBER_BYTES];

    number_format(&number, text);
    json_text(out, text);
}

static void write_documents(const struct referral *referral, struct json_writer *out)
{
    json_name(out, "documents");
    json_array_begin(out);
    for (uint32_t i = 0; i < referral->document_count; i++) {
        write_document(referral->documents[i].year, referral->documents[i].counter, out);
    }
    json_array_end(out);
}

static void named_word(struct json_writer *out, const char *name, enum vocabulary which,
                       uint32_t value)
{
    const struct word *word = value != 0 ? vocabulary_find(which, value) : NULL;

    if (word != NULL) {
        named_text(out, name, word->id);
    }
}

static void write_answer(const struct referral *referral, struct json_writer *out)
{
    const struct word *outcome = vocabulary_find(VOCABULARY_OUTCOME, referral->outcome);

    named_bool(out, "signed", (referral->marks & MARK_SIGNED) != 0);
    named_bool(out, "informed", (referral->marks & MARK_INFORMED) != 0);
    some_text(out, "register_number", referral->register_number);
    if (outcome != NULL) {
        named_text(out, "outcome", outcome->id);
        named_instant(out, "answered", referral->answered_ms);
        named_bool(out, "late", referral->late);
        named_u64(out, "lateness_days", referral->lateness_days);
    }
}

static void write_referral(const struct agent *agent, const struct referral *referral,
                           struct json_writer *out)
{
    json_object_begin(out);
    named_text(out, "number", referral->number);
    named_uuid(out, "id", &referral->referral_id);
    named_text(out, "case_number", referral->case_number);
    named_text(out, "kind", message_kind_name(referral->kind));
    named_text(out, "sender", agency_id(agent, referral->sender));
    named_text(out, "receiver", agency_id(agent, referral->receiver));
    named_text(out, "state", referral_state_name(referral->state));
    named_text(out, "lane", lane_name((enum lane)referral->lane));
    named_bool(out, "minor", referral->minor);
    named_instant(out, "submitted", referral->submitted_ms);
    named_instant(out, "delivered", referral->delivered_ms);
    write_answer(referral, out);
    write_documents(referral, out);
    if (referral->link != 0) {
        named_word(out, "link", VOCABULARY_LINK, referral->link);
        named_uuid(out, "previous", &referral->previous);
    }
    json_name(out, "clocks");
    json_array_begin(out);
    for (unsigned clock = 0; clock < REFERRAL_CLOCK_COUNT; clock++) {
        if (referral->clocks[clock].number != 0) {
            write_clock(agent, referral, (enum referral_clock)clock, out);
        }
    }
    json_array_end(out);
    json_object_end(out);
}

static enum err write_rows_of(struct store_txn *read, const struct uuid *referral_id,
                              struct json_writer *out)
{
    struct row row = {.seq = 0};
    enum err error = OK;

    json_name(out, "rows");
    json_array_begin(out);
    for (unsigned i = 0; error == OK && i < SHOWN_MAX; i++) {
        error = row_of_referral(read, referral_id, row.seq, &row);
        if (error == OK && row_is_shown(&row)) {
            error = show_row(read, &row, out);
        }
    }
    json_array_end(out);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* --- a matter --- */

/* What its kind counts in. */
static void write_sums(const struct matter *matter, struct json_writer *out)
{
    if (matter->kind == MATTER_ARCHIVE) {
        named_u64(out, "reports", matter->reports);
        named_word(out, "hardship", VOCABULARY_HARDSHIP, matter->hardship);
        named_word(out, "risk", VOCABULARY_RISK, matter->risk);
    }
    if (matter->kind == MATTER_FUND) {
        named_u64(out, "fund_fen", matter->fund_fen);
        named_u64(out, "paid_fen", matter->paid_fen);
        named_u64(out, "balance_fen", matter->balance_fen);
    }
}

static void write_members(const struct agent *agent, const struct matter *matter,
                          struct json_writer *out)
{
    json_name(out, "members");
    json_array_begin(out);
    for (uint32_t i = 0; i < matter->member_count; i++) {
        const struct matter_member *member = &matter->members[i];

        json_object_begin(out);
        named_text(out, "agency", agency_id(agent, member->agency));
        named_bool(out, "delivered", member->delivered);
        named_word(out, "attends", VOCABULARY_ATTENDS, member->answers);
        json_object_end(out);
    }
    json_array_end(out);
}

/* What it waits for: at first that it arrives, then what is owed. */
static const char *duty_clock(const struct duty *duty)
{
    const struct word *word = vocabulary_find(VOCABULARY_TASK, duty->kind);
    bool arrives = duty->window.kind == CLOCK_UNDELIVERED || word == NULL;

    return arrives ? clock_kind_id(duty->window.kind) : word->id;
}

static void write_duty(const struct agent *agent, const struct matter *matter,
                       const struct duty *duty, struct json_writer *out)
{
    json_object_begin(out);
    named_u64(out, "duty", duty->number);
    named_text(out, "clock", duty_clock(duty));
    named_text(out, "responsible", acting_id(agent, duty->holder));
    if (duty->waiting != duty->holder) {
        named_text(out, "waiting", acting_id(agent, duty->waiting));
    }
    named_word(out, "promise", VOCABULARY_PROMISE, duty->code);
    if (duty->amount_fen != 0) {
        named_u64(out, "amount_fen", duty->amount_fen);
    }
    named_bool(out, "cancelled", duty->cancelled);
    write_window(&duty->window, matter_duty_open(duty), out);
    json_name(out, "documents");
    json_array_begin(out);
    for (uint32_t i = 0; i < matter->document_count; i++) {
        if (matter->documents[i].duty == duty->number) {
            write_document(matter->documents[i].year, matter->documents[i].counter, out);
        }
    }
    json_array_end(out);
    json_object_end(out);
}

static void write_matter(const struct agent *agent, const struct matter *matter,
                         struct json_writer *out)
{
    json_object_begin(out);
    named_text(out, "number", matter->number);
    named_uuid(out, "id", &matter->matter_id);
    some_text(out, "case_number", matter->case_number);
    named_text(out, "kind", matter_kind_name(matter->kind));
    named_text(out, "state", matter_state_name(matter->state));
    if (!uuid_is_zero(&matter->about)) {
        named_uuid(out, "about", &matter->about);
    }
    named_text(out, "owner", agency_id(agent, matter->owner));
    named_text(out, "lane", lane_name((enum lane)matter->lane));
    named_bool(out, "minor", matter->minor);
    named_instant(out, "opened", matter->opened_ms);
    named_instant(out, "closed", matter->closed_ms);
    write_sums(matter, out);
    write_members(agent, matter, out);
    json_name(out, "duties");
    json_array_begin(out);
    for (uint32_t i = 0; i < matter->duty_count; i++) {
        write_duty(agent, matter, &matter->duties[i], out);
    }
    json_array_end(out);
    json_object_end(out);
}

/* --- either --- */

/* Before the broker answered nothing runs. */
void show_as_submitted(struct copy *copy)
{
    if (copy->of_matter) {
        copy->matter.duty_count = 0;
    } else {
        copy->referral.state = REFERRAL_SUBMITTED;
        memset(copy->referral.clocks, 0, sizeof(copy->referral.clocks));
    }
}

/* The copy as recorded, or, before the broker answered, as it will be. */
enum err show_copy(struct agent *agent, struct store_txn *read, const struct case_key *key,
                   struct json_writer *out)
{
    struct copy *copy = agent->copy;
    enum err error = copy_load(read, key, copy);

    if (error == OK && !copy->known) {
        error = copy_expected(agent, read, key, copy);
        if (error == OK && copy->known) {
            show_as_submitted(copy);
        }
    }
    if (error == OK && copy->known && copy->of_matter) {
        json_name(out, "matter");
        write_matter(agent, &copy->matter, out);
    } else if (error == OK && copy->known) {
        json_name(out, "referral");
        write_referral(agent, &copy->referral, out);
    }
    return error == OK ? write_rows_of(read, &key->referral_id, out) : error;
}

/* --- a case --- */

/* Its referrals, or its matters. */
static enum err write_copies(struct agent *agent, struct store_txn *read,
                             const struct uuid *case_id, bool matters, struct json_writer *out)
{
    struct copy *copy = agent->copy;
    struct case_key at, key;
    enum err error = OK;

    json_name(out, matters ? "matters" : "referrals");
    json_array_begin(out);
    for (unsigned i = 0; error == OK && i < SHOWN_MAX; i++) {
        struct span packed;

        error = cases_next(read, case_id, i == 0 ? NULL : &at, &key, &packed);
        if (error == OK) {
            error = copy_unpack(packed, copy);
        }
        if (error == OK && matters && copy->of_matter) {
            write_matter(agent, &copy->matter, out);
        } else if (error == OK && !matters && !copy->of_matter) {
            write_referral(agent, &copy->referral, out);
        }
        at = key;
    }
    json_array_end(out);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err show_case(struct agent *agent, struct store_txn *read, const char *number,
                   const struct case_key *wanted, struct json_writer *out)
{
    enum err error;

    named_text(out, "case", number);
    error = write_copies(agent, read, &wanted->case_id, false, out);
    return error == OK ? write_copies(agent, read, &wanted->case_id, true, out) : error;
}

/* --- what is late, or near --- */

struct lateness_walk {
    struct json_writer *out;
    uint64_t now_ms, until_ms;
    uint16_t holder; /* this agency, or one for which it acts */
    unsigned count;
    bool more;
};

struct held { /* an open clock */
    const struct copy *copy;
    const struct window *window;
    const char *clock;
    uint16_t holder;
};

/* Is it the holder's, and near or late? */
static void look_at(struct lateness_walk *walk, const struct held *held)
{
    const struct window *window = held->window;
    const struct copy *copy = held->copy;

    if (held->holder != walk->holder || window->due_before_ms == 0 ||
        window->due_before_ms > walk->until_ms) {
        return;
    }
    walk->more = walk->count == SHOWN_MAX;
    if (walk->more) {
        return;
    }
    walk->count++;
    json_object_begin(walk->out);
    named_text(walk->out, "number", copy->of_matter ? copy->matter.number : copy->referral.number);
    some_text(walk->out, "case_number",
              copy->of_matter ? copy->matter.case_number : copy->referral.case_number);
    named_text(walk->out, "clock", held->clock);
    named_u64(walk->out, copy->of_matter ? "duty" : "window", window->number);
    named_day(walk->out, "due", window->due_day);
    named_instant(walk->out, "due_before", window->due_before_ms);
    named_bool(walk->out, "late", window->due_before_ms <= walk->now_ms);
    json_object_end(walk->out);
}

static void look_at_copy(struct lateness_walk *walk, const struct copy *copy)
{
    struct held held = {.copy = copy};

    for (uint32_t i = 0; copy->of_matter && i < copy->matter.duty_count; i++) {
        const struct duty *duty = &copy->matter.duties[i];

        held.window = &duty->window;
        held.clock = duty_clock(duty);
        held.holder = duty->holder;
        if (matter_duty_open(duty)) {
            look_at(walk, &held);
        }
    }
    for (unsigned i = 0; !copy->of_matter && i < REFERRAL_CLOCK_COUNT; i++) {
        enum referral_clock clock = (enum referral_clock)i;

        held.window = &copy->referral.clocks[clock];
        held.clock = clock_kind_id(held.window->kind);
        held.holder = referral_responsible(&copy->referral, clock);
        if (referral_clock_open(&copy->referral, clock)) {
            look_at(walk, &held);
        }
    }
}

/* Each of these copies has a clock to be shown: there are no more of them than rows. */
static enum err walk_holder(struct agent *agent, struct store_txn *read, struct lateness_walk *walk)
{
    struct clock_end end = {.due_before_ms = 0};
    enum err error = clocks_next(read, walk->holder, NULL, &end);

    while (error == OK && end.due_before_ms <= walk->until_ms && !walk->more) {
        error = copy_load(read, &end.key, agent->copy);
        if (error == OK && agent->copy->known) {
            look_at_copy(walk, agent->copy);
        }
        if (error == OK) {
            error = clocks_next(read, walk->holder, &end, &end);
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err walk_all(struct agent *agent, struct store_txn *read, struct lateness_walk *walk)
{
    const struct registry *registry = agent->setup.registry;
    enum err error = OK;

    for (size_t i = 0; error == OK && i < registry_count(registry); i++) {
        walk->holder = registry_at(registry, i)->number;
        if (registry_acting(registry, walk->holder, walk->now_ms) == agent->setup.self->number) {
            error = walk_holder(agent, read, walk);
        }
    }
    return error;
}

/* 24:00 of the working day of that number behind today. */
static uint64_t end_of(const struct agent *agent, uint64_t now_ms, uint64_t working_days)
{
    int32_t day = civil_day_at(now_ms);

    for (uint64_t i = 0; i < working_days; i++) {
        day = calendar_next_working_day(agent->setup.calendar, day);
    }
    return civil_start_ms(day + 1);
}

enum err show_late(struct agent *agent, const struct json_value *request, struct json_writer *out,
                   struct fault *fault)
{
    struct lateness_walk walk = {.out = out, .now_ms = agent_wall_ms(agent)};
    struct json_value member = json_member(request, "within");
    struct store_txn *read;
    uint64_t days = NEAR_DAYS;
    enum err error =
        json_absent(&member) ? OK : json_get_u64(&member, 0, NEAR_DAYS_MAX, &days, fault);

    if (error == OK) {
        error = store_read_begin(agent->setup.store, &read);
    }
    if (error != OK) {
        return error;
    }
    walk.until_ms = end_of(agent, walk.now_ms, days);
    json_name(out, "clocks");
    json_array_begin(out);
    error = walk_all(agent, read, &walk);
    json_array_end(out);
    named_bool(out, "more", walk.more);
    store_read_end(read);
    return error;
}
