/* From a copy to what lists show of it: what this agency owes, until when, and for whom. */
#include <stdlib.h>
#include <string.h>

#include "agent/web/act.h"
#include "agent/web/worklist_parts.h"
#include "model/identity.h"
#include "model/lanes.h"
#include "wire/sealing.h"
#include "store/erased.h"

struct adding { /* lines of one item */
    struct work_line *lines;
    uint32_t count;
};

static void add_line(struct adding *adding, enum work_act act, const struct window *window)
{
    if (adding->count < WORK_LINES_MAX) {
        adding->lines[adding->count++] = (struct work_line){
            .act = act,
            .number = window->number,
            .due_day = window->due_day,
            .due_before_ms = window->due_before_ms != 0 ? window->due_before_ms : UINT64_MAX,
            .provisional = window->provisional};
    }
}

/* A numbered document has no date of its own: it waits already. Those of one item are one line,
 * that of the newest. */
static void add_document(struct adding *adding, uint32_t year, uint32_t counter)
{
    for (uint32_t i = 0; i < adding->count; i++) {
        struct work_line *line = &adding->lines[i];

        if (line->act == WORK_DOCUMENT) {
            line->more++;
            if (year > line->year || (year == line->year && counter > line->number)) {
                line->year = (uint16_t)year;
                line->number = counter;
            }
            return;
        }
    }
    if (adding->count < WORK_LINES_MAX) {
        adding->lines[adding->count++] = (struct work_line){.act = WORK_DOCUMENT,
                                                            .number = counter,
                                                            .year = (uint16_t)year,
                                                            .due_before_ms = UINT64_MAX};
    }
}

static bool acts_for(const struct agent *agent, uint16_t number)
{
    return registry_acting(agent->setup.registry, number, agent_wall_ms(agent)) ==
           agent->setup.self->number;
}

/* The earliest end of a running clock with a date. */
static void consider(struct work_item *item, const struct window *window)
{
    if (window->stopped_ms == 0 && window->due_before_ms != 0 &&
        window->due_before_ms < item->due_before_ms) {
        item->due_before_ms = window->due_before_ms;
        item->provisional = window->provisional;
    }
}

/* --- a referral --- */

static void lines_of_referral(const struct agent *agent, const struct referral *referral,
                              struct work_item *item, struct adding *adding)
{
    static const struct {
        enum referral_clock clock;
        enum work_act act;
    } held[] = {{REFERRAL_CLOCK_FEEDBACK, WORK_FEEDBACK},
                {REFERRAL_CLOCK_TELL, WORK_INFORM},
                {REFERRAL_CLOCK_PAPERS, WORK_PAPERS}};

    for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
        const struct window *window = &referral->clocks[held[i].clock];
        bool is_signed = (referral->marks & MARK_SIGNED) != 0;
        bool sign_first = held[i].act == WORK_FEEDBACK && !is_signed;

        if (!referral_clock_open(referral, held[i].clock)) {
            continue;
        }
        consider(item, window);
        if (acts_for(agent, referral_responsible(referral, held[i].clock))) {
            add_line(adding, sign_first ? WORK_SIGN_FOR : held[i].act, window);
        }
    }
}

/* Each asks for a reply of whoever must act. */
static void documents_of_referral(const struct agent *agent, const struct referral *referral,
                                  struct adding *adding)
{
    for (uint32_t i = 0; i < referral->document_count; i++) {
        const struct referral_document *document = &referral->documents[i];

        if (document->answer == 0 &&
            acts_for(agent, referral_responsible(referral, document->clock))) {
            add_document(adding, document->year, document->counter);
        }
    }
}

static enum work_group group_of(bool minor, bool first)
{
    return minor ? WORK_MINORS : first ? WORK_PRIORITY : WORK_OTHERS;
}

static bool referral_is_open(const struct referral *referral)
{
    return referral->state == REFERRAL_SUBMITTED || referral->state == REFERRAL_QUEUED ||
           referral->state == REFERRAL_DELIVERED || referral->state == REFERRAL_PROCEDURE;
}

static void item_of_referral(const struct agent *agent, const struct referral *referral,
                             struct work_entry *entry, struct adding *adding)
{
    struct work_item *item = &entry->item;

    text_copy(item->number, sizeof(item->number), referral->number);
    text_copy(item->case_number, sizeof(item->case_number), referral->case_number);
    text_copy(item->register_number, sizeof(item->register_number), referral->register_number);
    item->kind = (uint8_t)referral->kind;
    item->mine = acts_for(agent, referral->sender);
    item->other = item->mine ? referral->receiver : referral->sender;
    item->urgent = referral->urgent;
    item->life_danger = referral->life_danger;
    item->advance = referral->advance;
    item->priority_groups = referral->priority_groups;
    item->group = (uint8_t)group_of(referral->minor, referral->lane != LANE_REST);
    item->opened_ms = referral->submitted_ms;
    item->closed_ms = referral->answered_ms;
    item->documents = (uint16_t)referral->document_count;
    entry->message_id = referral->message_id;
    lines_of_referral(agent, referral, item, adding);
    documents_of_referral(agent, referral, adding);
    item->open = referral_is_open(referral) || adding->count > 0;
}

/* --- a matter --- */

static enum work_act act_of_duty(const struct duty *duty)
{
    switch (duty->kind) {
    case DUTY_INFORMATION:
        return WORK_INFORMATION;
    case DUTY_FOLLOW_UP:
        return WORK_FOLLOW_UP;
    case DUTY_PROMISE:
        return WORK_PROMISE;
    case DUTY_PAYMENT:
        return WORK_PAYMENT;
    case DUTY_LETTER:
        return WORK_LETTER;
    case DUTY_ATTENDANCE:
        return WORK_ATTENDANCE;
    case DUTY_KIND_END:
        break;
    }
    return WORK_NONE;
}

static void lines_of_matter(const struct agent *agent, const struct matter *matter,
                            struct work_item *item, struct adding *adding)
{
    for (uint32_t i = 0; i < matter->duty_count; i++) {
        const struct duty *duty = &matter->duties[i];

        if (!matter_duty_open(duty) || duty->window.kind == CLOCK_UNDELIVERED) {
            continue;
        }
        if (item->mine || acts_for(agent, duty->holder)) { /* others' clocks are theirs */
            consider(item, &duty->window);
        }
        if (acts_for(agent, duty->holder)) {
            add_line(adding, act_of_duty(duty), &duty->window);
            adding->lines[adding->count - 1].number = duty->number;
        }
    }
}

static void documents_of_matter(const struct agent *agent, const struct matter *matter,
                                struct adding *adding)
{
    for (uint32_t i = 0; i < matter->document_count; i++) {
        const struct matter_document *document = &matter->documents[i];
        const struct duty *duty = matter_duty(matter, document->duty);

        if (document->answer == 0 && duty != NULL && acts_for(agent, duty->holder)) {
            add_document(adding, document->year, document->counter);
        }
    }
}

static void item_of_matter(const struct agent *agent, const struct matter *matter,
                           struct work_entry *entry, struct adding *adding)
{
    struct work_item *item = &entry->item;

    text_copy(item->number, sizeof(item->number), matter->number);
    text_copy(item->case_number, sizeof(item->case_number), matter->case_number);
    item->of_matter = true;
    item->kind = (uint8_t)matter->kind;
    item->mine = acts_for(agent, matter->owner);
    item->other =
        item->mine && matter->member_count > 0 ? matter->members[0].agency : matter->owner;
    item->group = (uint8_t)group_of(matter->minor, matter->lane != LANE_REST);
    item->opened_ms = matter->opened_ms;
    item->closed_ms = matter->closed_ms;
    item->documents = (uint16_t)matter->document_count;
    entry->message_id = matter->message_id;
    entry->about = matter->about;
    item->open = matter->state == MATTER_OPEN;
    lines_of_matter(agent, matter, item, adding);
    documents_of_matter(agent, matter, adding);
}

static int by_due(const void *a, const void *b)
{
    const struct work_line *first = a;
    const struct work_line *second = b;

    if (first->due_before_ms != second->due_before_ms) {
        return first->due_before_ms < second->due_before_ms ? -1 : 1;
    }
    return first->act < second->act ? -1 : first->act > second->act;
}

static void reset(struct work_entry *entry)
{
    const struct case_key key = entry->item.key;
    const struct work_person person = entry->item.person;

    memset(&entry->item, 0, sizeof(entry->item));
    entry->item.key = key;
    entry->item.person = person;
    entry->item.due_before_ms = UINT64_MAX;
    memset(&entry->about, 0, sizeof(entry->about));
}

void work_item_of(const struct agent *agent, const struct copy *copy, struct work_entry *entry,
                  struct work_line *lines, uint32_t *ret_count)
{
    struct adding adding = {.lines = lines};

    reset(entry);
    if (copy->of_matter) {
        item_of_matter(agent, &copy->matter, entry, &adding);
    } else {
        item_of_referral(agent, &copy->referral, entry, &adding);
    }
    qsort(lines, adding.count, sizeof(*lines), by_due);
    *ret_count = adding.count;
}

/* Replies and reports of promises go to the owner: another member's copy does not know of them. */
static bool is_known(const struct agent *agent, const struct matter *matter,
                     const struct duty *duty)
{
    return acts_for(agent, matter->owner) || acts_for(agent, duty->holder) ||
           (duty->kind != DUTY_ATTENDANCE && duty->kind != DUTY_PROMISE);
}

static enum err keep_duties(const struct agent *agent, const struct matter *matter,
                            struct work_entry *entry)
{
    enum err error = OK;

    entry->duties = calloc(matter->duty_count + 1, sizeof(*entry->duties));
    if (entry->duties == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; error == OK && i < matter->duty_count; i++) {
        if (is_known(agent, matter, &matter->duties[i])) {
            error = statistics_duty_of(matter, i, &entry->duties[entry->duty_count]);
            entry->duty_count += error == OK ? 1 : 0;
        }
    }
    return error;
}

enum err work_keep_figures(const struct agent *agent, const struct copy *copy, bool waiting,
                           struct work_entry *entry)
{
    free(entry->counted);
    free(entry->duties);
    entry->counted = NULL;
    entry->duties = NULL;
    entry->duty_count = 0;
    if (waiting || (copy->of_matter && copy->matter.duty_count == 0)) {
        return OK;
    }
    if (copy->of_matter) {
        return keep_duties(agent, &copy->matter, entry);
    }
    entry->counted = malloc(sizeof(*entry->counted));
    if (entry->counted == NULL) {
        return ERR_MEMORY;
    }
    statistics_referral_of(&copy->referral, agent->setup.calendar, entry->counted);
    return OK;
}

/* --- what was refused --- */

bool work_is_refused(const struct row *row)
{
    return row->direction == ROW_OUT ? row->state == ROW_REFUSED && row_is_shown(row)
                                     : row->header.kind == MESSAGE_RETURNED;
}

bool work_is_news(const struct row *row)
{
    switch (row->header.kind) {
    case MESSAGE_OUTBOUND_FEEDBACK:
    case MESSAGE_INBOUND_FEEDBACK:
    case MESSAGE_INFORMATION_REPLY:
    case MESSAGE_WITHDRAWAL:
    case MESSAGE_CORRECTION:
        return row->direction == ROW_IN && row->state == ROW_RECEIVED && row_is_shown(row);
    default:
        return false;
    }
}

enum err work_is_unsettled(struct store_txn *read, const struct row *row, bool *ret)
{
    const bool refused = work_is_refused(row);
    struct act act;
    enum err error;

    *ret = false;
    if (!refused && !work_is_news(row)) {
        return OK;
    }
    error = act_find(read, &row->header.referral_id, refused ? ACT_HANDLED : ACT_SEEN,
                     &row->header.message_id, &act);
    *ret = error == ERR_NOT_FOUND;
    return *ret ? OK : error;
}

/* What came about one item is one line, that of the newest. */
static bool add_to_news(const struct row *row, struct work_line *lines, uint32_t count)
{
    for (uint32_t i = 0; work_is_news(row) && i < count; i++) {
        if (lines[i].act == WORK_NEWS) {
            lines[i].more++;
            lines[i].number = (uint32_t)row->header.kind;
            lines[i].message_id = row->header.message_id;
            return true;
        }
    }
    return false;
}

enum err work_add_unsettled(struct store_txn *read, const struct uuid *about,
                            struct work_line *lines, uint32_t *count)
{
    struct row row = {.seq = 0};
    enum err error;

    while ((error = row_of_referral(read, about, row.seq, &row)) == OK) {
        bool unsettled;

        error = work_is_unsettled(read, &row, &unsettled);
        if (error != OK) {
            return error;
        }
        if (unsettled && !add_to_news(&row, lines, *count) && *count < WORK_LINES_MAX) {
            lines[(*count)++] =
                (struct work_line){.act = work_is_refused(&row) ? WORK_REFUSED : WORK_NEWS,
                                   .number = (uint32_t)row.header.kind,
                                   .due_before_ms = UINT64_MAX,
                                   .message_id = row.header.message_id};
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

void work_item_of_refused(const struct agent *agent, const struct row *row,
                          struct work_entry *entry)
{
    const struct agency *other = registry_find(agent->setup.registry, row->header.recipient);
    struct work_item *item = &entry->item;

    reset(entry);
    text_copy(item->number, sizeof(item->number), row->header.referral_number);
    text_copy(item->case_number, sizeof(item->case_number), row->header.case_number);
    item->of_matter = message_kind_of_matter(row->header.kind);
    item->kind = item->of_matter ? MATTER_NONE : (uint8_t)row->header.kind;
    item->mine = true;
    item->other = other != NULL ? other->number : 0;
    item->group = WORK_OTHERS;
    item->opened_ms = row->at_ms;
    entry->message_id = row->header.message_id;
}

/* --- its persons --- */

uint64_t work_identity_digest(const struct worklist *list, const char *number)
{
    const struct span piece = span_text(number);
    const struct mac mac = crypto_mac(&list->key, &piece, 1);

    return be64_get(mac.bytes);
}

static char sex_of(const char *number)
{
    if (!identity_valid(number)) {
        return 0;
    }
    return (number[16] - '0') % 2 == 1 ? 'm' : 'f'; /* GB 11643: odd for men */
}

static enum err keep_persons(struct worklist *list, struct work_entry *entry,
                             const struct body *body)
{
    size_t len = 1, at = 0;

    for (size_t i = 0; i < body->person_count; i++) {
        len += body->persons[i].name != NULL ? strlen(body->persons[i].name) + 1 : 0;
    }
    entry->names = calloc(1, len);
    entry->digests = calloc(body->person_count + 1, sizeof(*entry->digests));
    if (entry->names == NULL || entry->digests == NULL) {
        return ERR_MEMORY;
    }
    entry->names_len = len;
    for (size_t i = 0; i < body->person_count; i++) {
        const struct body_person *person = &body->persons[i];

        if (person->name != NULL && person->name[0] != '\0') {
            memcpy(entry->names + at, person->name, strlen(person->name));
            at += strlen(person->name) + 1;
        }
        if (person->identity_number != NULL && person->identity_number[0] != '\0') {
            entry->digests[entry->digest_count++] =
                work_identity_digest(list, person->identity_number);
        }
    }
    entry->item.person.name = entry->names;
    if (body->person_count > 0 && body->persons[0].identity_number != NULL) {
        entry->item.person.birth = identity_birth_date(body->persons[0].identity_number);
        entry->item.person.sex = sex_of(body->persons[0].identity_number);
    }
    return OK;
}

static enum err read_body(struct worklist *list, struct work_entry *entry, struct store_txn *read,
                          const struct row *row)
{
    struct message message;
    struct payload payload;
    struct region region;
    struct body body;
    enum err error;

    region_init(&region, AGENT_REGION_BYTES);
    error = show_open_row(read, row, &region, &payload, &message);
    if (error == OK && message.body_present) {
        error =
            show_open_body(list->agent, &(struct kept_body){read, row, &payload}, &region, &body);
        if (error == OK) {
            error = keep_persons(list, entry, &body);
        }
    }
    region_wipe(&region);
    return error == ERR_MEMORY || error == ERR_IO || error == ERR_CORRUPT ? error : OK;
}

static enum err read_own(struct worklist *list, struct work_entry *entry)
{
    struct store_txn *read;
    struct row row;
    enum err error;

    if (entry->persons_read) {
        return OK;
    }
    error = store_read_begin(list->agent->setup.store, &read);
    if (error != OK) {
        return error;
    }
    error = row_find(read, &entry->message_id, &row);
    if (error == OK) {
        error = read_body(list, entry, read, &row);
    }
    store_read_end(read);
    entry->persons_read = true;
    return error == ERR_NOT_FOUND ? OK : error;
}

/* A matter concerns the persons of the referral that it is about; entries live as long as the list.
 */
static enum err read_about(struct worklist *list, struct work_entry *entry)
{
    struct work_entry *about = work_entry_find(list, &entry->about);
    enum err error = OK;

    if (about != NULL && !about->item.of_matter) {
        error = read_own(list, about);
        entry->item.person = about->item.person;
    }
    entry->persons_read = error == OK;
    return error;
}

enum err work_read_persons(struct worklist *list, struct work_entry *entry)
{
    return entry->item.of_matter ? read_about(list, entry) : read_own(list, entry);
}

/* --- what was erased --- */

/* Names stay where they lie, empty: items of matters point to them. */
static void forget_persons(struct work_entry *entry)
{
    if (entry->names != NULL) {
        crypto_wipe(entry->names, entry->names_len);
    }
    entry->digest_count = 0;
    entry->item.person.birth = 0;
    entry->item.person.sex = 0;
}

static enum err message_was_erased(const struct work_entry *entry, struct store_txn *read,
                                   bool *ret_erased)
{
    enum row_body body = ROW_BODY_NONE;
    struct row row;
    enum err error = row_find(read, &entry->message_id, &row);

    if (error == OK) {
        error = row_body(read, &row, &body);
    }
    *ret_erased = body == ROW_BODY_ERASED;
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err work_forget_erased(struct worklist *list, struct store_txn *read,
                            const struct case_key *key)
{
    struct work_entry *entry = work_entry_find(list, &key->referral_id);
    struct erased erased;
    bool gone = false;
    enum err error = entry != NULL ? erased_find(read, &key->case_id, &erased) : ERR_NOT_FOUND;

    if (error != OK) {
        return error == ERR_NOT_FOUND ? OK : error;
    }
    if (entry->item.of_matter) {
        memset(&entry->item.person, 0, sizeof(entry->item.person));
        entry->persons_read = false; /* those of its referral, if they are there */
        return OK;
    }
    error = message_was_erased(entry, read, &gone);
    if (error == OK && gone) {
        forget_persons(entry);
    }
    return error;
}
