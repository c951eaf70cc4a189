/* The table of items: found by id, read in slices, refreshed one by one. */
#include "agent/web/worklist.h"

#include <stdlib.h>
#include <string.h>

#include "agent/web/worklist_parts.h"

#define FILL_SLICE_MS 8u /* of one turn of the loop */

/* --- for whom this agency acts --- */

static void acting_now(const struct worklist *list, struct agency_set *acting)
{
    const struct agent_setup *setup = &list->agent->setup;
    const uint64_t now_ms = agent_wall_ms(list->agent);

    memset(acting, 0, sizeof(*acting));
    for (size_t i = 0; i < registry_count(setup->registry); i++) {
        const struct agency *agency = registry_at(setup->registry, i);

        if (registry_acting(setup->registry, agency->number, now_ms) == setup->self->number) {
            agency_set_add(acting, agency->number);
        }
    }
}

void work_follow_day(struct worklist *list)
{
    const int32_t today = civil_day_at(agent_wall_ms(list->agent));
    struct agency_set acting;

    if (today == list->acting_day) {
        return;
    }
    list->acting_day = today;
    acting_now(list, &acting);
    if (memcmp(&acting, &list->acting, sizeof(acting)) != 0) {
        list->acting = acting;
        list->phase = FILL_COPIES;
        list->at_any = false;
        list->at_seq = 0;
        list->at_entry = 0;
    }
}

/* --- life --- */

enum err worklist_new(struct agent *agent, struct worklist **ret_list)
{
    struct worklist *list = calloc(1, sizeof(*list));

    if (list == NULL) {
        return ERR_MEMORY;
    }
    list->agent = agent;
    crypto_random(list->key.bytes, sizeof(list->key.bytes));
    crypto_random(&list->salt, sizeof(list->salt));
    list->table_size = 1024;
    list->table = calloc(list->table_size, sizeof(*list->table));
    list->cases = calloc(list->table_size, sizeof(*list->cases));
    if (list->table == NULL || list->cases == NULL) {
        worklist_free(list);
        return ERR_MEMORY;
    }
    list->acting_day = civil_day_at(agent_wall_ms(agent));
    acting_now(list, &list->acting);
    *ret_list = list;
    return OK;
}

static void entry_forget_persons(struct work_entry *entry)
{
    if (entry->names != NULL) {
        crypto_wipe(entry->names, entry->names_len);
    }
    free(entry->names);
    free(entry->digests);
}

void worklist_free(struct worklist *list)
{
    if (list == NULL) {
        return;
    }
    for (size_t i = 0; i < list->count; i++) {
        entry_forget_persons(list->entries[i]);
        free(list->entries[i]->lines);
        free(list->entries[i]->counted);
        free(list->entries[i]->duties);
        free(list->entries[i]);
    }
    free(list->entries);
    free(list->table);
    free(list->cases);
    free(list->hits.rows);
    crypto_wipe(&list->key, sizeof(list->key));
    free(list);
}

/* --- by id --- */

/* Ids are other agencies' choice: where they fall is not theirs to know. */
static size_t place_of(const struct worklist *list, const struct uuid *id)
{
    const uint64_t odd = list->salt | 1u;
    uint64_t mixed = (be64_get(id->bytes) ^ list->salt) * odd;

    mixed ^= mixed >> 29;
    mixed = (mixed ^ be64_get(id->bytes + 8)) * odd;
    mixed ^= mixed >> 32;
    return (size_t)mixed & (list->table_size - 1);
}

static size_t slot_of(const struct worklist *list, const struct uuid *id)
{
    size_t at = place_of(list, id);

    while (list->table[at] != 0 &&
           !uuid_equal(&list->entries[list->table[at] - 1]->item.key.referral_id, id)) {
        at = (at + 1) & (list->table_size - 1);
    }
    return at;
}

struct work_entry *work_entry_find(struct worklist *list, const struct uuid *referral_id)
{
    size_t at = slot_of(list, referral_id);

    return list->table[at] != 0 ? list->entries[list->table[at] - 1] : NULL;
}

const struct work_item *worklist_find(struct worklist *list, const struct uuid *referral_id)
{
    struct work_entry *entry = work_entry_find(list, referral_id);

    if (entry == NULL || work_read_persons(list, entry) != OK) {
        return NULL;
    }
    return &entry->item;
}

/* --- by case --- */

static size_t case_slot_of(const struct worklist *list, const struct uuid *case_id)
{
    size_t at = place_of(list, case_id);

    while (list->cases[at] != 0 &&
           !uuid_equal(&list->entries[list->cases[at] - 1]->item.key.case_id, case_id)) {
        at = (at + 1) & (list->table_size - 1);
    }
    return at;
}

struct work_entry *work_case_first(struct worklist *list, const struct uuid *case_id)
{
    size_t at = case_slot_of(list, case_id);

    return list->cases[at] != 0 ? list->entries[list->cases[at] - 1] : NULL;
}

struct work_entry *work_case_next(const struct worklist *list, const struct work_entry *entry)
{
    return entry->next_of_case != 0 ? list->entries[entry->next_of_case - 1] : NULL;
}

/* Puts an entry into both tables. */
static void enter(struct worklist *list, size_t index)
{
    struct work_entry *entry = list->entries[index];
    size_t of_case = case_slot_of(list, &entry->item.key.case_id);

    entry->next_of_case = list->cases[of_case];
    list->cases[of_case] = (uint32_t)index + 1;
    list->table[slot_of(list, &entry->item.key.referral_id)] = (uint32_t)index + 1;
}

/* --- one more --- */

static enum err grow_tables(struct worklist *list)
{
    const size_t size = list->table_size * 2;
    uint32_t *table = calloc(size, sizeof(*table));
    uint32_t *cases = calloc(size, sizeof(*cases));

    if (table == NULL || cases == NULL) {
        free(table);
        free(cases);
        return ERR_MEMORY;
    }
    free(list->table);
    free(list->cases);
    list->table = table;
    list->cases = cases;
    list->table_size = size;
    for (size_t i = 0; i < list->count; i++) {
        enter(list, i);
    }
    return OK;
}

static enum err grow(struct worklist *list)
{
    if (list->count == list->room) {
        size_t room = list->room > 0 ? list->room * 2 : 256;
        struct work_entry **entries = realloc(list->entries, room * sizeof(struct work_entry *));

        if (entries == NULL) {
            return ERR_MEMORY;
        }
        list->entries = entries;
        list->room = room;
    }
    return (list->count + 1) * 2 > list->table_size ? grow_tables(list) : OK;
}

static enum err entry_make(struct worklist *list, const struct case_key *key,
                           struct work_entry **ret_entry)
{
    struct work_entry *entry;
    enum err error;

    *ret_entry = work_entry_find(list, &key->referral_id);
    if (*ret_entry != NULL) {
        return OK;
    }
    error = grow(list);
    entry = error == OK ? calloc(1, sizeof(*entry)) : NULL;
    if (entry == NULL) {
        return ERR_MEMORY;
    }
    entry->item.key = *key;
    entry->item.person.name = "";
    list->entries[list->count] = entry;
    enter(list, list->count++);
    *ret_entry = entry;
    return OK;
}

static enum err keep_lines(struct worklist *list, struct work_entry *entry, uint32_t count)
{
    struct work_line *lines = NULL;

    if (count > 0) {
        lines = malloc(count * sizeof(*lines));
        if (lines == NULL) {
            return ERR_MEMORY;
        }
        memcpy(lines, list->scratch, count * sizeof(*lines));
    }
    free(entry->lines);
    entry->lines = lines;
    entry->item.lines = lines;
    entry->item.line_count = count;
    list->counts.generation++;
    list->counted = false;
    return OK;
}

/* --- one item --- */

static enum err any_waits(struct store_txn *read, const struct uuid *referral_id, bool *ret_any)
{
    struct row row = {.seq = 0};
    enum err error = OK;

    *ret_any = false;
    while (error == OK && !*ret_any) {
        error = row_of_referral(read, referral_id, row.seq, &row);
        *ret_any = error == OK && row.state == ROW_WAITING;
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* The first message, where it is one that was refused. */
static enum err refused_row(struct store_txn *read, const struct case_key *key, struct row *ret_row)
{
    enum err error = row_of_referral(read, &key->referral_id, 0, ret_row);

    return error == OK && ret_row->state != ROW_REFUSED ? ERR_NOT_FOUND : error;
}

static enum err refresh_refused(struct worklist *list, struct store_txn *read,
                                const struct case_key *key)
{
    struct work_entry *entry;
    struct row row;
    uint32_t count = 0;
    enum err error = refused_row(read, key, &row);

    if (error != OK) {
        return error == ERR_NOT_FOUND ? OK : error;
    }
    error = entry_make(list, key, &entry);
    if (error == OK) {
        work_item_of_refused(list->agent, &row, entry);
        error = work_add_unsettled(read, &key->referral_id, list->scratch, &count);
    }
    if (error == OK) {
        error = keep_lines(list, entry, count);
    }
    return error;
}

/* As it is recorded; what was refused and what came is added later, when the rows are read in. */
static enum err fill_recorded(struct worklist *list, const struct case_key *key,
                              const struct copy *copy)
{
    struct work_entry *entry;
    uint32_t count;
    enum err error = entry_make(list, key, &entry);

    if (error == OK) {
        work_item_of(list->agent, copy, entry, list->scratch, &count);
        error = work_keep_figures(list->agent, copy, false, entry);
    }
    return error == OK ? keep_lines(list, entry, count) : error;
}

/* What is counted is what is recorded; what is shown and owed is as it will be when what waits here
 * has arrived: nobody is asked again for what was sent. */
static enum err refresh_copy(struct worklist *list, struct store_txn *read,
                             const struct case_key *key, struct copy *copy)
{
    const bool waiting = !copy->known;
    struct work_entry *entry;
    uint32_t count;
    bool sending = false;
    enum err error = entry_make(list, key, &entry);

    if (error == OK) {
        error = work_keep_figures(list->agent, copy, waiting, entry);
    }
    if (error == OK) {
        error = copy_expected(list->agent, read, key, copy);
    }
    if (error == OK) {
        error = any_waits(read, &key->referral_id, &sending);
    }
    if (error == OK) {
        if (waiting) {
            show_as_submitted(copy);
        }
        work_item_of(list->agent, copy, entry, list->scratch, &count);
        entry->item.waiting = waiting;
        entry->item.sending = sending;
        error = work_add_unsettled(read, &key->referral_id, list->scratch, &count);
    }
    return error == OK ? keep_lines(list, entry, count) : error;
}

static enum err refresh(struct worklist *list, struct store_txn *read, const struct case_key *key)
{
    struct copy *copy = list->agent->copy;
    bool known = false;
    enum err error = copy_expected(list->agent, read, key, copy);

    if (error == OK) {
        known = copy->known;
        error = copy_load(read, key, copy);
    }
    if (error != OK) {
        return error;
    }
    return known ? refresh_copy(list, read, key, copy) : refresh_refused(list, read, key);
}

enum err worklist_changed(struct worklist *list, const struct case_key *key)
{
    struct store_txn *read;
    enum err error = store_read_begin(list->agent->setup.store, &read);

    if (error == OK) {
        error = refresh(list, read, key);
        if (error == OK) {
            error = work_forget_erased(list, read, key);
        }
        store_read_end(read);
    }
    return error;
}

/* --- reading in --- */

static enum err fill_copy(struct worklist *list, struct store_txn *read)
{
    struct case_key key;
    struct span packed;
    enum err error = cases_next(read, NULL, list->at_any ? &list->at : NULL, &key, &packed);

    if (error == OK) {
        list->at = key;
        list->at_any = true;
        error = copy_unpack(packed, list->agent->copy);
    }
    if (error == OK) {
        error = fill_recorded(list, &key, list->agent->copy);
    }
    if (error == ERR_NOT_FOUND) {
        list->phase = FILL_OUTBOX;
        error = OK;
    }
    return error;
}

/* What the broker has not answered yet, or refused, and what came back: of that there may be no
 * copy, or the copy does not say it. */
static enum err fill_row(struct worklist *list, struct store_txn *read)
{
    const enum row_direction direction = list->phase == FILL_OUTBOX ? ROW_OUT : ROW_IN;
    struct row row;
    enum err error = row_next_shown(read, direction, list->at_seq, &row);

    if (error == ERR_NOT_FOUND) {
        list->phase = list->phase == FILL_OUTBOX ? FILL_INBOX : FILL_PERSONS;
        list->at_seq = 0;
        return OK;
    }
    if (error == OK) {
        const struct case_key key = {.case_id = row.header.case_id,
                                     .referral_id = row.header.referral_id};

        bool unsettled;

        list->at_seq = row.seq;
        error = work_is_unsettled(read, &row, &unsettled);
        if (error == OK && (row.state == ROW_WAITING || unsettled || work_is_refused(&row))) {
            error = refresh(list, read, &key);
        }
    }
    return error;
}

static enum err fill_persons(struct worklist *list)
{
    if (list->at_entry >= list->count) {
        list->phase = FILL_DONE;
        return OK;
    }
    return work_read_persons(list, list->entries[list->at_entry++]);
}

static enum err fill_one(struct worklist *list, struct store_txn *read)
{
    switch (list->phase) {
    case FILL_COPIES:
        return fill_copy(list, read);
    case FILL_OUTBOX:
    case FILL_INBOX:
        return fill_row(list, read);
    case FILL_PERSONS:
        return fill_persons(list);
    case FILL_DONE:
        break;
    }
    return OK;
}

bool worklist_fill(struct worklist *list)
{
    uint64_t until_ms = agent_machine_ms(list->agent) + FILL_SLICE_MS;
    struct store_txn *read;
    enum err error = store_read_begin(list->agent->setup.store, &read);

    if (error != OK) {
        return list->phase != FILL_DONE;
    }
    if (list->phase == FILL_COPIES && !list->at_any) {
        (void)!store_count(read, STORE_CASE, &list->expected);
    }
    while (error == OK && list->phase != FILL_DONE && agent_machine_ms(list->agent) < until_ms) {
        error = fill_one(list, read);
    }
    store_read_end(read);
    if (error != OK && error != ERR_MEMORY) {
        list->agent->failure = error; /* a damaged store ends the process, as everywhere */
    }
    return error == OK && list->phase != FILL_DONE;
}

unsigned worklist_progress(const struct worklist *list)
{
    switch (list->phase) {
    case FILL_COPIES:
        return list->expected > 0 ? (unsigned)(list->count * 50 / list->expected) : 0;
    case FILL_OUTBOX:
    case FILL_INBOX:
        return 50;
    case FILL_PERSONS:
        return list->count > 0 ? (unsigned)(50 + list->at_entry * 50 / list->count) : 99;
    case FILL_DONE:
        break;
    }
    return 100;
}
