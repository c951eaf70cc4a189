/* Lists, filters and counts: a walk over all items, a sort of those that fit, one page of them. */
#include <stdlib.h>
#include <string.h>

#include "agent/web/worklist_parts.h"
#include "model/identity.h"

struct hit { /* a row of the answer, with what it is sorted by */
    uint8_t group;
    uint64_t due;
    uint64_t order;
    struct work_entry *entry;
    const struct work_line *line;
};

struct asking_for { /* a query, made ready */
    const struct work_query *query;
    struct worklist *list;
    uint64_t now_ms;
    uint64_t soon_ms; /* what ends until then is near */
    uint64_t identity;
    bool has_identity;
};

static uint64_t soon_until(const struct worklist *list, uint64_t now_ms)
{
    const struct calendar *calendar = list->agent->setup.calendar;

    return civil_end_ms(
        calendar_add_working_days(calendar, civil_day_at(now_ms), (int32_t)WORK_NEAR_DAYS));
}

/* --- does it fit? --- */

static bool name_has(const struct work_entry *entry, const char *text)
{
    for (const char *name = entry->names; name != NULL && name[0] != '\0';
         name += strlen(name) + 1) {
        if (strstr(name, text) != NULL) {
            return true;
        }
    }
    return false;
}

static bool persons_fit(const struct asking_for *asking, struct work_entry *entry)
{
    if (entry->item.of_matter) {
        return entry->item.person.name[0] != '\0' &&
               strstr(entry->item.person.name, asking->query->text) != NULL;
    }
    for (size_t i = 0; asking->has_identity && i < entry->digest_count; i++) {
        if (entry->digests[i] == asking->identity) {
            return true;
        }
    }
    return name_has(entry, asking->query->text);
}

static bool text_fits(const struct asking_for *asking, struct work_entry *entry)
{
    const char *text = asking->query->text;

    if (text == NULL || text[0] == '\0') {
        return true;
    }
    if (strcasestr(entry->item.number, text) != NULL ||
        strcasestr(entry->item.case_number, text) != NULL) {
        return true;
    }
    if (!entry->persons_read && work_read_persons(asking->list, entry) != OK) {
        return false;
    }
    return persons_fit(asking, entry);
}

static bool item_fits(const struct asking_for *asking, struct work_entry *entry)
{
    const struct work_query *query = asking->query;
    const struct work_item *item = &entry->item;

    return (query->other == 0 || item->other == query->other) &&
           (!query->urgent || item->urgent || item->life_danger) &&
           (!query->minor || item->group == WORK_MINORS) &&
           (query->priority_groups == 0 || (item->priority_groups & query->priority_groups) != 0) &&
           item->opened_ms >= query->from_ms &&
           (query->until_ms == 0 || item->opened_ms < query->until_ms) && text_fits(asking, entry);
}

static bool in_list_of_items(enum work_list list, const struct work_item *item)
{
    switch (list) {
    case WORK_SENT:
        return item->mine && item->open;
    case WORK_SUPERVISED:
        return item->documents > 0;
    case WORK_DONE:
        return !item->open && item->line_count == 0;
    case WORK_LEDGER:
        return true;
    default:
        return false;
    }
}

static bool in_list_of_lines(enum work_list list, const struct work_line *line, uint64_t now_ms,
                             uint64_t soon_ms)
{
    switch (list) {
    case WORK_TODO:
        return true;
    case WORK_SOON:
        return line->due_before_ms > now_ms && line->due_before_ms <= soon_ms;
    case WORK_LATE:
        return line->due_before_ms <= now_ms;
    default:
        return false;
    }
}

static bool is_of_lines(enum work_list list)
{
    return list == WORK_TODO || list == WORK_SOON || list == WORK_LATE;
}

/* --- gather and sort --- */

struct hits {
    struct hit *rows; /* owned */
    size_t count, room;
};

static enum err add_hit(struct hits *hits, const struct hit *hit)
{
    if (hits->count == hits->room) {
        size_t room = hits->room > 0 ? hits->room * 2 : 256;
        struct hit *rows = realloc(hits->rows, room * sizeof(*rows));

        if (rows == NULL) {
            return ERR_MEMORY;
        }
        hits->rows = rows;
        hits->room = room;
    }
    hits->rows[hits->count++] = *hit;
    return OK;
}

static enum err add_lines(const struct asking_for *asking, struct work_entry *entry,
                          struct hits *hits)
{
    const struct work_query *query = asking->query;
    enum err error = OK;

    for (uint32_t i = 0; error == OK && i < entry->item.line_count; i++) {
        const struct work_line *line = &entry->lines[i];
        const struct hit hit = {.group = entry->item.group,
                                .due = line->due_before_ms,
                                .order = entry->item.opened_ms,
                                .entry = entry,
                                .line = line};

        if ((query->act == WORK_NONE || query->act == line->act) &&
            in_list_of_lines(query->list, line, asking->now_ms, asking->soon_ms)) {
            error = add_hit(hits, &hit);
        }
    }
    return error;
}

/* The ledger goes by deadline alone, open ones first, then the newest; what is done by its end. */
static enum err add_item(const struct asking_for *asking, struct work_entry *entry,
                         struct hits *hits)
{
    const struct work_item *item = &entry->item;
    bool plain = asking->query->list == WORK_LEDGER || asking->query->list == WORK_DONE;
    const struct hit hit = {.group = plain ? 0 : item->group,
                            .due = item->open ? item->due_before_ms : UINT64_MAX,
                            .order = UINT64_MAX -
                                     (item->closed_ms != 0 ? item->closed_ms : item->opened_ms),
                            .entry = entry};

    return add_hit(hits, &hit);
}

static int by_order(const void *a, const void *b)
{
    const struct hit *first = a;
    const struct hit *second = b;

    if (first->group != second->group) {
        return first->group < second->group ? -1 : 1;
    }
    if (first->due != second->due) {
        return first->due < second->due ? -1 : 1;
    }
    if (first->order != second->order) {
        return first->order < second->order ? -1 : 1;
    }
    return strcmp(first->entry->item.number, second->entry->item.number);
}

static enum err gather(const struct asking_for *asking, struct hits *hits)
{
    enum work_list list = asking->query->list;
    enum err error = OK;

    for (size_t i = 0; error == OK && i < asking->list->count; i++) {
        struct work_entry *entry = asking->list->entries[i];

        if (is_of_lines(list)) {
            if (entry->item.line_count > 0 && item_fits(asking, entry)) {
                error = add_lines(asking, entry, hits);
            }
        } else if (in_list_of_items(list, &entry->item) && item_fits(asking, entry)) {
            error = add_item(asking, entry, hits);
        }
    }
    return error;
}

static enum err cut_page(const struct asking_for *asking, const struct hits *hits,
                         struct work_result *result)
{
    size_t from = asking->query->offset < hits->count ? asking->query->offset : hits->count;
    size_t left = hits->count - from;
    size_t count = asking->query->count < left ? asking->query->count : left;
    enum err error = OK;

    result->total = hits->count;
    result->rows = calloc(count + 1, sizeof(*result->rows));
    if (result->rows == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; error == OK && i < count; i++) {
        const struct hit *hit = &hits->rows[from + i];

        error = work_read_persons(asking->list, hit->entry);
        result->rows[i] = (struct work_row){.item = &hit->entry->item, .line = hit->line};
        result->count++;
    }
    return error;
}

/* A whole identity number; a lower-case x is one too. */
static void read_identity(struct asking_for *asking)
{
    char number[19];

    if (asking->query->text == NULL || strlen(asking->query->text) != sizeof(number) - 1) {
        return;
    }
    text_copy(number, sizeof(number), asking->query->text);
    number[17] = number[17] == 'x' ? 'X' : number[17];
    asking->has_identity = identity_valid(number);
    asking->identity = work_identity_digest(asking->list, number);
}

enum err worklist_query(struct worklist *list, const struct work_query *query, uint64_t now_ms,
                        struct work_result *ret_result)
{
    struct asking_for asking = {
        .query = query, .list = list, .now_ms = now_ms, .soon_ms = soon_until(list, now_ms)};
    struct hits hits = {.rows = NULL};
    enum err error;

    memset(ret_result, 0, sizeof(*ret_result));
    read_identity(&asking);
    error = gather(&asking, &hits);
    if (error == OK) {
        if (hits.count > 0) {
            qsort(hits.rows, hits.count, sizeof(*hits.rows), by_order);
        }
        error = cut_page(&asking, &hits, ret_result);
    }
    free(hits.rows);
    if (error != OK) {
        free(ret_result->rows);
        memset(ret_result, 0, sizeof(*ret_result));
    }
    return error;
}

/* --- a case --- */

static int by_number(const void *a, const void *b)
{
    const struct work_item *first = *(const struct work_item *const *)a;
    const struct work_item *second = *(const struct work_item *const *)b;

    if (first->of_matter != second->of_matter) {
        return first->of_matter ? 1 : -1;
    }
    return strcmp(first->number, second->number);
}

size_t worklist_of_case(struct worklist *list, const struct uuid *case_id,
                        const struct work_item **ret_items, size_t max)
{
    size_t count = 0;

    for (size_t i = 0; i < list->count && count < max; i++) {
        struct work_entry *entry = list->entries[i];

        if (uuid_equal(&entry->item.key.case_id, case_id) && work_read_persons(list, entry) == OK) {
            ret_items[count++] = &entry->item;
        }
    }
    if (count > 0) {
        qsort(ret_items, count, sizeof(struct work_item *), by_number);
    }
    return count;
}

/* --- matters by kind, and what is counted --- */

static int open_and_newest(const void *a, const void *b)
{
    const struct work_item *first = *(const struct work_item *const *)a;
    const struct work_item *second = *(const struct work_item *const *)b;

    if (first->open != second->open) {
        return first->open ? -1 : 1;
    }
    if (first->opened_ms != second->opened_ms) {
        return first->opened_ms > second->opened_ms ? -1 : 1;
    }
    return strcmp(second->number, first->number);
}

size_t worklist_of_kinds(struct worklist *list, uint32_t kinds, const struct work_item **ret_items,
                         size_t max, size_t *ret_total)
{
    const struct work_item **found = malloc((list->count + 1) * sizeof(*found));
    size_t count = 0;

    for (size_t i = 0; found != NULL && i < list->count; i++) {
        const struct work_item *item = &list->entries[i]->item;

        if (item->of_matter && (kinds & 1u << item->kind) != 0) {
            found[count++] = item;
        }
    }
    *ret_total = count;
    if (count > 0) {
        qsort(found, count, sizeof(*found), open_and_newest);
    }
    count = count < max ? count : max;
    if (count > 0) {
        memcpy(ret_items, found, count * sizeof(*found));
    }
    free(found);
    return count;
}

enum err worklist_each_figures(const struct worklist *list,
                               enum err (*each)(void *ctx, const struct work_figures *figures),
                               void *ctx)
{
    enum err error = OK;

    for (size_t i = 0; error == OK && i < list->count; i++) {
        const struct work_entry *entry = list->entries[i];
        const struct work_figures figures = {.item = &entry->item,
                                             .referral = entry->counted,
                                             .duties = entry->duties,
                                             .duty_count = entry->duty_count};

        if (entry->counted != NULL || entry->duty_count > 0) {
            error = each(ctx, &figures);
        }
    }
    return error;
}

/* --- counts --- */

struct count_walk {
    uint64_t now_ms, soon_ms;
    uint64_t next_ms; /* the counts change then by themselves */
};

static void count_line(struct work_counts *counts, struct count_walk *counting,
                       const struct work_line *line)
{
    static const enum work_list lists[] = {WORK_TODO, WORK_SOON, WORK_LATE};

    counts->acts[line->act]++;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (in_list_of_lines(lists[i], line, counting->now_ms, counting->soon_ms)) {
            counts->lists[lists[i]]++;
        }
    }
    if (line->due_before_ms > counting->now_ms && line->due_before_ms < counting->next_ms) {
        counting->next_ms = line->due_before_ms;
    }
}

static void count_item(struct work_counts *counts, struct count_walk *counting,
                       const struct work_item *item)
{
    static const enum work_list lists[] = {WORK_SENT, WORK_SUPERVISED, WORK_DONE, WORK_LEDGER};

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (in_list_of_items(lists[i], item)) {
            counts->lists[lists[i]]++;
        }
    }
    for (uint32_t i = 0; i < item->line_count; i++) {
        count_line(counts, counting, &item->lines[i]);
    }
}

void worklist_counts(struct worklist *list, uint64_t now_ms, struct work_counts *ret_counts)
{
    struct count_walk counting = {
        .now_ms = now_ms, .soon_ms = soon_until(list, now_ms), .next_ms = UINT64_MAX};
    int32_t today = civil_day_at(now_ms);
    uint64_t generation = list->counts.generation;

    if (!list->counted || today != list->counts_day || now_ms >= list->counts_until_ms) {
        memset(&list->counts, 0, sizeof(list->counts));
        list->counts.generation = generation;
        for (size_t i = 0; i < list->count; i++) {
            count_item(&list->counts, &counting, &list->entries[i]->item);
        }
        list->counted = true;
        list->counts_day = today;
        list->counts_until_ms = counting.next_ms;
    }
    *ret_counts = list->counts;
}
