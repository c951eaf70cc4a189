/* Lists, filters and counts: a walk over all items; of those that fit one page, in order. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/web/worklist_parts.h"
#include "model/identity.h"

struct asking_for { /* a query, made ready */
    const struct work_query *query;
    struct worklist *list;
    uint64_t now_ms;
    uint64_t soon_ms;                /* what ends until then is near */
    char text[256];                  /* what is searched for, without the blanks around it */
    char number[LIMIT_NUMBER_BYTES]; /* the same in capitals, where it may be part of one */
    uint64_t identity;
    bool has_identity;
    struct uuid about; /* what a document of this number is about; zero: none */
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

/* Those that were not read yet are, but for the time in which all are being read. */
static bool persons_known(const struct asking_for *asking, struct work_entry *entry)
{
    return entry->persons_read ||
           (asking->list->phase == FILL_DONE && work_read_persons(asking->list, entry) == OK);
}

/* A matter has those of its referral. */
static bool persons_fit(const struct asking_for *asking, struct work_entry *entry)
{
    if (entry->item.of_matter) {
        entry = work_entry_find(asking->list, &entry->about);
    }
    if (entry == NULL || entry->item.of_matter || !persons_known(asking, entry)) {
        return false;
    }
    for (size_t i = 0; asking->has_identity && i < entry->digest_count; i++) {
        if (entry->digests[i] == asking->identity) {
            return true;
        }
    }
    return !asking->has_identity && name_has(entry, asking->text);
}

/* That of a referral begins with its case's. */
static bool number_fits(const struct asking_for *asking, const struct work_item *item)
{
    return asking->number[0] != '\0' &&
           (strstr(item->number, asking->number) != NULL ||
            strstr(item->register_number, asking->number) != NULL ||
            uuid_equal(&item->key.referral_id, &asking->about) ||
            (item->of_matter && strstr(item->case_number, asking->number) != NULL));
}

static bool text_fits(const struct asking_for *asking, struct work_entry *entry)
{
    return asking->text[0] == '\0' || number_fits(asking, &entry->item) ||
           persons_fit(asking, entry);
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

static bool is_late(const struct work_line *line, uint64_t now_ms)
{
    return line->due_before_ms <= now_ms;
}

static bool is_late_here(const struct work_item *item, uint64_t now_ms)
{
    for (uint32_t i = 0; i < item->line_count; i++) {
        if (is_late(&item->lines[i], now_ms)) {
            return true;
        }
    }
    return false;
}

static bool in_list_of_items(enum work_list list, const struct work_item *item, uint64_t now_ms)
{
    switch (list) {
    case WORK_SENT:
        return item->mine && item->open;
    case WORK_OTHERS_LATE:
        return item->mine && item->open && item->due_before_ms <= now_ms &&
               !is_late_here(item, now_ms);
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
        return is_late(line, now_ms);
    default:
        return false;
    }
}

static bool is_of_lines(enum work_list list)
{
    return list == WORK_TODO || list == WORK_SOON || list == WORK_LATE;
}

/* --- gather and sort --- */

static enum err add_hit(struct work_hits *hits, const struct work_hit *hit)
{
    if (hits->count == hits->room) {
        size_t room = hits->room > 0 ? hits->room * 2 : 256;
        struct work_hit *rows = realloc(hits->rows, room * sizeof(*rows));

        if (rows == NULL) {
            return ERR_MEMORY;
        }
        hits->rows = rows;
        hits->room = room;
    }
    hits->rows[hits->count++] = *hit;
    return OK;
}

/* What has no date and waits already, documents and refusals, stands behind what is late and before
 * what is not; answers behind what is near. */
static uint64_t order_of(const struct asking_for *asking, const struct work_line *line)
{
    return line->act == WORK_DOCUMENT || line->act == WORK_REFUSED ? asking->now_ms
           : line->act == WORK_NEWS                                ? asking->soon_ms
                                                                   : line->due_before_ms;
}

static enum err add_lines(const struct asking_for *asking, struct work_entry *entry,
                          struct work_hits *hits)
{
    const struct work_query *query = asking->query;
    enum err error = OK;

    for (uint32_t i = 0; error == OK && i < entry->item.line_count; i++) {
        const struct work_line *line = &entry->lines[i];
        const struct work_hit hit = {.group = entry->item.group,
                                     .due = order_of(asking, line),
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
                         struct work_hits *hits)
{
    const struct work_item *item = &entry->item;
    bool plain = asking->query->list == WORK_LEDGER || asking->query->list == WORK_DONE;
    const struct work_hit hit = {
        .group = plain ? 0 : item->group,
        .due = item->open ? item->due_before_ms : UINT64_MAX,
        .order = UINT64_MAX - (item->closed_ms != 0 ? item->closed_ms : item->opened_ms),
        .entry = entry};

    return add_hit(hits, &hit);
}

static int by_order(const void *a, const void *b)
{
    const struct work_hit *first = a;
    const struct work_hit *second = b;

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

static enum err gather(const struct asking_for *asking, struct work_hits *hits)
{
    enum work_list list = asking->query->list;
    enum err error = OK;

    for (size_t i = 0; error == OK && i < asking->list->count; i++) {
        struct work_entry *entry = asking->list->entries[i];

        if (is_of_lines(list)) {
            if (entry->item.line_count > 0 && item_fits(asking, entry)) {
                error = add_lines(asking, entry, hits);
            }
        } else if (in_list_of_items(list, &entry->item, asking->now_ms) &&
                   item_fits(asking, entry)) {
            error = add_item(asking, entry, hits);
        }
    }
    return error;
}

/* --- the rows of one page in order, without the order of all others --- */

static void swap(struct work_hit *a, struct work_hit *b)
{
    const struct work_hit kept = *a;

    *a = *b;
    *b = kept;
}

/* Those before the answer are not behind those from it on; neither part is empty. */
static size_t part(struct work_hit *rows, size_t count)
{
    size_t low = 0, high = count - 1;
    struct work_hit pivot;
    uint64_t random; /* whoever numbers and dates them cannot make it slow */

    assert(count > 1);
    crypto_random(&random, sizeof(random));
    pivot = rows[random % count];
    for (;;) {
        while (by_order(&rows[low], &pivot) < 0) {
            low++;
        }
        while (by_order(&rows[high], &pivot) > 0) {
            high--;
        }
        if (low >= high) {
            return low > 0 ? low : 1;
        }
        swap(&rows[low++], &rows[high--]);
    }
}

/* Afterwards none of the first `at` belongs behind one of the rest. */
static void divide(struct work_hit *rows, size_t count, size_t at)
{
    while (at > 0 && at < count) {
        size_t split = part(rows, count);

        if (at < split) {
            count = split;
        } else {
            rows += split;
            count -= split;
            at -= split;
        }
    }
}

/* Afterwards rows[from] to rows[until - 1] are what they would be if all were sorted. */
static void sort_page(const struct work_hits *hits, size_t from, size_t until)
{
    if (from < until) {
        divide(hits->rows, hits->count, from);
        divide(hits->rows + from, hits->count - from, until - from);
        qsort(hits->rows + from, until - from, sizeof(*hits->rows), by_order);
    }
}

#define SHOWN_ROWS_MAX 1000u /* of a page */

static enum err cut_page(const struct asking_for *asking, struct work_hits *hits,
                         struct work_result *result)
{
    size_t from = asking->query->offset < hits->count ? asking->query->offset : hits->count;
    size_t left = hits->count - from;
    size_t count = asking->query->count < left ? asking->query->count : left;
    enum err error = OK;

    sort_page(hits, from, from + count);
    result->total = hits->count;
    result->rows = calloc(count + 1, sizeof(*result->rows));
    if (result->rows == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; error == OK && i < count; i++) {
        const struct work_hit *hit = &hits->rows[from + i];

        if (count <= SHOWN_ROWS_MAX) { /* an export reads them in slices of its own */
            error = work_read_persons(asking->list, hit->entry);
        }
        result->rows[i] = (struct work_row){.item = &hit->entry->item, .line = hit->line};
        result->count++;
    }
    return error;
}

#define WIDE_BLANK "\xE3\x80\x80" /* U+3000 */

/* As it was typed or pasted: blanks around it are none of it. */
static void read_text(struct asking_for *asking, const char *text)
{
    static const char blanks[] = " \t\r\n";
    size_t len;

    for (text = text != NULL ? text : ""; *text != '\0';) {
        size_t skipped = strspn(text, blanks);

        skipped += strncmp(text + skipped, WIDE_BLANK, 3) == 0 ? 3 : 0;
        if (skipped == 0) {
            break;
        }
        text += skipped;
    }
    text_copy(asking->text, sizeof(asking->text), text);
    len = strlen(asking->text);
    while (len > 0 && (strchr(blanks, asking->text[len - 1]) != NULL ||
                       (len >= 3 && memcmp(asking->text + len - 3, WIDE_BLANK, 3) == 0))) {
        len -= strchr(blanks, asking->text[len - 1]) != NULL ? 1 : 3;
        asking->text[len] = '\0';
    }
}

/* Numbers of ours have capitals and digits. */
static void read_number(struct asking_for *asking)
{
    size_t len = strlen(asking->text);

    if (len >= sizeof(asking->number)) {
        return;
    }
    for (size_t i = 0; i < len; i++) {
        const char sign = asking->text[i];

        if ((sign & 0x80) != 0) {
            asking->number[0] = '\0';
            return;
        }
        asking->number[i] = (char)(sign >= 'a' && sign <= 'z' ? sign - 'a' + 'A' : sign);
    }
    asking->number[len] = '\0';
}

/* A whole identity number; a lower-case x is one too. */
static void read_identity(struct asking_for *asking)
{
    char number[19];

    if (strlen(asking->text) != sizeof(number) - 1) {
        return;
    }
    text_copy(number, sizeof(number), asking->text);
    if (number[17] == 'x') {
        number[17] = 'X';
    }
    asking->has_identity = identity_valid(number);
    asking->identity = work_identity_digest(asking->list, number);
    if (asking->has_identity) {
        asking->number[0] = '\0';
    }
    crypto_wipe(number, sizeof(number));
}

/* Copies know the open ones only: the store finds them all. */
static enum err read_document(struct asking_for *asking)
{
    struct store_txn *read;
    struct number number;
    struct case_key key;
    enum err error;

    if (number_parse(NUMBER_DOCUMENT, asking->number, &number) != OK) {
        return OK;
    }
    error = store_read_begin(asking->list->agent->setup.store, &read);
    if (error != OK) {
        return error;
    }
    error = number_find(read, asking->number, &key);
    if (error == OK) {
        asking->about = key.referral_id;
    }
    store_read_end(read);
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err worklist_query(struct worklist *list, const struct work_query *query, uint64_t now_ms,
                        struct work_result *ret_result)
{
    struct asking_for asking = {
        .query = query, .list = list, .now_ms = now_ms, .soon_ms = soon_until(list, now_ms)};
    enum err error;

    work_follow_day(list);
    memset(ret_result, 0, sizeof(*ret_result));
    read_text(&asking, query->text);
    read_number(&asking);
    read_identity(&asking);
    list->hits.count = 0;
    error = read_document(&asking);
    if (error == OK) {
        error = gather(&asking, &list->hits);
    }
    if (error == OK) {
        error = cut_page(&asking, &list->hits, ret_result);
    }
    crypto_wipe(asking.text, sizeof(asking.text));
    crypto_wipe(asking.number, sizeof(asking.number));
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

    for (struct work_entry *entry = work_case_first(list, case_id); entry != NULL && count < max;
         entry = work_case_next(list, entry)) {
        if (work_read_persons(list, entry) == OK) {
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

    counts->acts[line->act] += 1u + line->more;
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
    static const enum work_list lists[] = {WORK_SENT, WORK_OTHERS_LATE, WORK_SUPERVISED, WORK_DONE,
                                           WORK_LEDGER};

    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (in_list_of_items(lists[i], item, counting->now_ms)) {
            counts->lists[lists[i]]++;
        }
    }
    if (item->due_before_ms > counting->now_ms && item->due_before_ms < counting->next_ms) {
        counting->next_ms = item->due_before_ms;
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

    work_follow_day(list);
    if (!list->counted || today != list->counts_day || now_ms < list->counted_ms ||
        now_ms >= list->counts_until_ms) {
        memset(&list->counts, 0, sizeof(list->counts));
        list->counts.generation = generation;
        for (size_t i = 0; i < list->count; i++) {
            count_item(&list->counts, &counting, &list->entries[i]->item);
        }
        list->counted = true;
        list->counts_day = today;
        list->counted_ms = now_ms;
        list->counts_until_ms = counting.next_ms;
    }
    *ret_counts = list->counts;
}
