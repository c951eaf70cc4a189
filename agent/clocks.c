/* Which copies have an open clock that ends when: kept with each copy, so that nobody reads all of
 * them to learn what is late. One entry for each copy and each agency that holds a clock of it, at
 * the earliest of those; whoever acts for an agency that left finds what that one held. And one for
 * each copy with a rung ahead of which this agency must be told (rungs.c): its holder is nobody.
 *
 * STORE_INDEX: 'C' | be16 holder | be64 end | case id | referral or matter id -> nothing; 'C'
 * alone -> 2: the entries of all copies are there. */
#include <string.h>

#include "agent/state.h"

#define CLOCK_KEY_BYTES (1u + 2u + 8u + 2u * UUID_BYTES)
#define LOAD_STEPS      512u /* copies of one transaction */
#define NOBODY          0u   /* no agency's number */
#define FORM            2u   /* 1 had no entries of rungs */

struct held {
    uint16_t holder;
    uint64_t due_before_ms;
};

struct held_list {
    struct held each[LIMIT_DUTIES + REFERRAL_CLOCK_COUNT + 1];
    size_t count;
};

/* --- what a copy has --- */

static void list_add(struct held_list *list, uint16_t holder, const struct window *window)
{
    uint64_t due_before_ms = window->due_before_ms;

    for (size_t i = 0; i < list->count; i++) {
        if (list->each[i].holder == holder && due_before_ms != 0) {
            uint64_t first_ms = list->each[i].due_before_ms;

            list->each[i].due_before_ms = due_before_ms < first_ms ? due_before_ms : first_ms;
            return;
        }
    }
    if (due_before_ms != 0) {
        list->each[list->count++] = (struct held){holder, due_before_ms};
    }
}

static void list_of(const struct agent *agent, const struct copy *copy, struct held_list *ret_list)
{
    uint64_t rung_ms = copy->of_matter ? 0 : rungs_next_ms(agent, &copy->referral, 0);

    ret_list->count = 0;
    if (rung_ms != 0) {
        ret_list->each[ret_list->count++] = (struct held){NOBODY, rung_ms};
    }
    for (uint32_t i = 0; copy->of_matter && i < copy->matter.duty_count; i++) {
        const struct duty *duty = &copy->matter.duties[i];

        if (matter_duty_open(duty)) {
            list_add(ret_list, duty->holder, &duty->window);
        }
    }
    for (unsigned i = 0; !copy->of_matter && i < REFERRAL_CLOCK_COUNT; i++) {
        enum referral_clock clock = (enum referral_clock)i;

        if (referral_clock_open(&copy->referral, clock)) {
            list_add(ret_list, referral_responsible(&copy->referral, clock),
                     &copy->referral.clocks[clock]);
        }
    }
}

static bool list_has(const struct held_list *list, const struct held *held)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->each[i].holder == held->holder &&
            list->each[i].due_before_ms == held->due_before_ms) {
            return true;
        }
    }
    return false;
}

/* --- entries --- */

static struct span entry_key(const struct held *held, const struct case_key *key,
                             uint8_t out[CLOCK_KEY_BYTES])
{
    out[0] = 'C';
    be16_put(out + 1, held->holder);
    be64_put(out + 3, held->due_before_ms);
    memcpy(out + 11, key->case_id.bytes, UUID_BYTES);
    memcpy(out + 11 + UUID_BYTES, key->referral_id.bytes, UUID_BYTES);
    return span_of(out, CLOCK_KEY_BYTES);
}

/* Puts, or removes, what stands in one list and not in the other. */
static enum err change(struct store_txn *txn, const struct case_key *key,
                       const struct held_list *list, const struct held_list *other, bool puts)
{
    uint8_t bytes[CLOCK_KEY_BYTES];
    enum err error = OK;

    for (size_t i = 0; error == OK && i < list->count; i++) {
        struct span entry = entry_key(&list->each[i], key, bytes);

        if (!list_has(other, &list->each[i])) {
            error = puts ? store_put(txn, STORE_INDEX, entry, span_of(NULL, 0))
                         : store_remove(txn, STORE_INDEX, entry);
        }
        if (error == ERR_NOT_FOUND) {
            error = OK; /* a copy from before there were entries */
        }
    }
    return error;
}

enum err clocks_follow(struct agent *agent, struct store_txn *txn, const struct case_key *key,
                       const struct copy *copy)
{
    struct held_list before = {.count = 0}, after;
    enum err error = copy_load(txn, key, agent->other);

    if (error == OK && agent->other->known) {
        list_of(agent, agent->other, &before);
    }
    list_of(agent, copy, &after);
    if (error == OK) {
        error = change(txn, key, &before, &after, false);
    }
    return error == OK ? change(txn, key, &after, &before, true) : error;
}

enum err clocks_next(struct store_txn *txn, uint16_t holder, const struct clock_end *after,
                     struct clock_end *ret_end)
{
    uint8_t from[CLOCK_KEY_BYTES + 1] = {'C'};
    struct store_cursor *cursor = NULL;
    struct span key, value, start = span_of(NULL, 0);
    enum err error;

    be16_put(from + 1, holder);
    if (after != NULL) {
        const struct held held = {holder, after->due_before_ms};

        start = entry_key(&held, &after->key, from);
        start.len++; /* with a zero byte: the first entry behind it */
    }
    error = store_cursor_open(txn, STORE_INDEX, span_of(from, 3), &cursor);
    if (error != OK) {
        return error;
    }
    error = store_cursor_seek(cursor, start, &key, &value);
    if (error == OK && key.len != CLOCK_KEY_BYTES) {
        error = ERR_CORRUPT;
    }
    if (error == OK) {
        ret_end->due_before_ms = be64_get(key.data + 3);
        memcpy(ret_end->key.case_id.bytes, key.data + 11, UUID_BYTES);
        memcpy(ret_end->key.referral_id.bytes, key.data + 11 + UUID_BYTES, UUID_BYTES);
    }
    store_cursor_close(cursor);
    return error;
}

enum err clocks_next_rung(struct store_txn *txn, struct clock_end *ret_end)
{
    return clocks_next(txn, NOBODY, NULL, ret_end);
}

enum err clocks_move_rung(struct store_txn *txn, const struct clock_end *end, uint64_t next_ms)
{
    struct held held = {NOBODY, end->due_before_ms};
    uint8_t bytes[CLOCK_KEY_BYTES];
    enum err error = store_remove(txn, STORE_INDEX, entry_key(&held, &end->key, bytes));

    held.due_before_ms = next_ms;
    return error == OK && next_ms != 0
               ? store_put(txn, STORE_INDEX, entry_key(&held, &end->key, bytes), span_of(NULL, 0))
               : error;
}

/* --- a store that has copies and no entries --- */

/* So many copies behind `at`; ERR_NOT_FOUND: those were the last, and it is noted. */
static enum err load_some(struct agent *agent, struct store_txn *txn, struct case_key *at)
{
    const struct held_list none = {.count = 0};
    struct held_list list;
    enum err error = OK;

    for (unsigned i = 0; error == OK && i < LOAD_STEPS; i++) {
        struct case_key key;
        struct span packed;

        error = cases_next(txn, NULL, at, &key, &packed);
        if (error == OK) {
            error = copy_unpack(packed, agent->copy);
        }
        if (error == OK) {
            list_of(agent, agent->copy, &list);
            error = change(txn, &key, &list, &none, true);
            *at = key;
        }
    }
    if (error == ERR_NOT_FOUND) {
        const uint8_t form = FORM;

        error = store_put(txn, STORE_INDEX, span_text("C"), span_of(&form, 1));
        return error == OK ? ERR_NOT_FOUND : error;
    }
    return error;
}

static enum err is_loaded(struct agent *agent, bool *ret_loaded)
{
    struct case_key key;
    struct store_txn *read;
    struct span value;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = store_get(read, STORE_INDEX, span_text("C"), &value);
    if (error == ERR_NOT_FOUND) {
        error = cases_next(read, NULL, NULL, &key, &value);
        *ret_loaded = error == ERR_NOT_FOUND; /* there is nothing to be loaded */
    } else {
        *ret_loaded = error == OK && value.len == 1 && value.data[0] == FORM;
    }
    store_read_end(read);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err clocks_load(struct agent *agent)
{
    struct case_key at = {.case_id = {{0}}}; /* before all others */
    bool loaded = false;
    enum err error = is_loaded(agent, &loaded);

    while (error == OK && !loaded) {
        struct store_txn *txn;

        error = store_begin(agent->setup.store, &txn);
        if (error == OK) {
            error = load_some(agent, txn, &at);
            loaded = error == ERR_NOT_FOUND;
            if (error == OK || loaded) {
                error = store_commit(txn);
            } else {
                store_abort(txn);
            }
        }
    }
    return error;
}
