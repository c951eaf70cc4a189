/* A matter as its officers see it: what was asked, who takes part and what each has said, the
 * duties with their clocks, the money where there is any, why the date, and what happened. What may
 * be sent now is offered; the rules decide when it is sent. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/web/view_parts.h"
#include "model/statistics.h"

#define THREAD_MAX     60u /* messages that a page shows whole */
#define CASE_ITEMS_MAX 200u
#define WHY_DAYS_SHOWN 40u /* working days; a longer calendar is folded */

struct shown { /* one matter */
    struct page *page;
    struct store_txn *read;
    const struct matter *matter;
    const struct work_item *item; /* NULL: the list is not filled yet */
    bool owner, member;           /* this agency, or who acts for it */
    bool archived;                /* its case is */
};

static bool is_self(const struct page *page, uint16_t agency)
{
    return registry_acting(page->agent->setup.registry, agency, page->now_ms) ==
           page->agent->setup.self->number;
}

/* --- what may be sent --- */

struct button {
    const char *form, *text;
    uint32_t duty; /* 0: none */
    bool main;
};

static void add_button(const struct shown *shown, const struct button *button, const char *number)
{
    struct json_writer *view = &shown->page->view;
    char href[128];

    if (button->duty != 0) {
        (void)snprintf(href, sizeof(href), "/send/%s/%s?duty=%" PRIu32, button->form, number,
                       button->duty);
    } else {
        (void)snprintf(href, sizeof(href), "/send/%s/%s", button->form, number);
    }
    json_object_begin(view);
    named_text(view, "href", href);
    named_text(view, "text", tr(shown->page, button->text));
    named_bool(view, "main", button->main);
    json_object_end(view);
}

/* The first duty of a kind that is open and this agency's; NULL: none. */
static const struct duty *own_duty(const struct shown *shown, enum duty_kind kind)
{
    for (uint32_t i = 0; i < shown->matter->duty_count; i++) {
        const struct duty *duty = &shown->matter->duties[i];

        if (matter_duty_open(duty) && duty->kind == kind && is_self(shown->page, duty->holder)) {
            return duty;
        }
    }
    return NULL;
}

/* What ends a duty, and is its holder's to send. */
static bool button_of_duty(const struct shown *shown, const struct duty *duty,
                           struct button *ret_button)
{
    const bool hearing = shown->matter->kind == MATTER_HEARING;

    *ret_button = (struct button){.duty = duty->number, .main = true};
    switch (duty->kind) {
    case DUTY_INFORMATION:
        ret_button->form = "information-reply";
        ret_button->text = N_("答复");
        return duty->window.kind != CLOCK_UNDELIVERED;
    case DUTY_FOLLOW_UP:
        ret_button->form = "follow-up-report";
        ret_button->text = N_("填写回访");
        return true;
    case DUTY_PROMISE:
        ret_button->form = "promise-report";
        ret_button->text = N_("填报办理");
        return true;
    case DUTY_PAYMENT:
        ret_button->form = "fund-payment";
        ret_button->text = N_("登记支付");
        return true;
    case DUTY_LETTER:
        ret_button->form = "letter-answer";
        ret_button->text = N_("登记回函");
        return true;
    case DUTY_ATTENDANCE:
        ret_button->form = hearing ? "hearing-reply" : "meeting-reply";
        ret_button->text = N_("填写回执");
        return true;
    case DUTY_KIND_END:
        break;
    }
    return false;
}

/* The first of each kind in the head of the page; all of them stand in the table. */
static void add_duty_buttons(const struct shown *shown)
{
    for (int kind = DUTY_INFORMATION; kind < DUTY_KIND_END; kind++) {
        const struct duty *duty = own_duty(shown, (enum duty_kind)kind);
        struct button button;

        if (duty != NULL && button_of_duty(shown, duty, &button)) {
            add_button(shown, &button, shown->matter->number);
        }
    }
}

static void add_other_buttons(const struct shown *shown)
{
    const struct matter *matter = shown->matter;
    static const struct {
        enum matter_kind kind;
        bool of_owner, of_member, in_archived;
        struct button button;
    } others[] = {
        {MATTER_ARCHIVE, true, false, true, {"follow-up-plan", N_("安排回访"), 0, false}},
        {MATTER_ARCHIVE, true, false, true, {"re-open", N_("重新启动案件"), 0, false}},
        {MATTER_CONSULTATION, true, true, true, {"consultation", N_("继续会商"), 0, true}},
        {MATTER_HEARING, true, false, false, {"hearing-opinion", N_("填写听证意见"), 0, false}},
    };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        const bool takes_part =
            (others[i].of_owner && shown->owner) || (others[i].of_member && shown->member);

        if (others[i].kind == matter->kind && takes_part &&
            (others[i].in_archived || !shown->archived)) {
            add_button(shown, &others[i].button, matter->number);
        }
    }
}

/* A visit that was not planned, an answer that takes the place of the first. */
static void add_again_buttons(const struct shown *shown)
{
    const struct matter *matter = shown->matter;
    const bool replied = shown->member && own_duty(shown, DUTY_ATTENDANCE) == NULL;

    if (matter->kind == MATTER_ARCHIVE && shown->owner && own_duty(shown, DUTY_FOLLOW_UP) == NULL) {
        add_button(shown, &(struct button){"follow-up-report", N_("填写回访"), 0, false},
                   matter->number);
    }
    if (matter->kind == MATTER_MEETING && replied) {
        add_button(shown, &(struct button){"meeting-reply", N_("填写或修改回执"), 0, false},
                   matter->number);
    }
    if (matter->kind == MATTER_HEARING && replied) {
        add_button(shown, &(struct button){"hearing-reply", N_("填写或修改回执"), 0, false},
                   matter->number);
    }
}

/* What goes on beside it, in the same case. */
static void add_next_buttons(const struct shown *shown)
{
    const struct matter *matter = shown->matter;
    const struct agency *self = shown->page->agent->setup.self;

    if (matter->kind == MATTER_CONSULTATION && matter->case_number[0] != '\0' &&
        (shown->owner || shown->member) && !shown->archived) {
        add_button(shown, &(struct button){"case-conference", N_("登记个案会商"), 0, false},
                   matter->case_number);
    }
    if (matter->kind == MATTER_ROSTER && self->joint_meeting_office) {
        json_object_begin(&shown->page->view);
        named_text(&shown->page->view, "href", "/send/roster");
        named_text(&shown->page->view, "text", tr(shown->page, N_("发布新名册")));
        json_object_end(&shown->page->view);
    }
}

static void view_buttons(const struct shown *shown)
{
    struct json_writer *view = &shown->page->view;

    json_name(view, "actions");
    json_array_begin(view);
    if ((page_officer(shown->page)->roles & OFFICER_MEMBER) != 0) {
        if (shown->matter->state == MATTER_OPEN) {
            add_duty_buttons(shown);
            add_again_buttons(shown);
            add_other_buttons(shown);
        }
        add_next_buttons(shown);
    }
    json_array_end(view);
}

/* --- duties --- */

static struct lamp lamp_of_duty(const struct page *page, const struct duty *duty)
{
    const struct window *window = &duty->window;
    struct lamp lamp = {.due_before_ms = window->due_before_ms,
                        .due_day = window->due_day,
                        .provisional = window->provisional};

    if (window->stopped_ms != 0) {
        lamp.stopped_ms = window->stopped_ms;
        lamp.late = window->due_before_ms != 0 && window->stopped_ms >= window->due_before_ms;
        if (lamp.late) {
            lamp.lateness_days = window_lateness(page->agent->setup.calendar, window->due_before_ms,
                                                 window->stopped_ms)
                                     .working_days;
        }
    }
    return lamp;
}

static const char *duty_name(const struct page *page, enum duty_kind kind)
{
    const struct word *word = statistics_duty_word(kind);

    return page->language == LANGUAGE_EN ? word->en : word->zh;
}

static void view_duty_documents(const struct shown *shown, uint32_t duty)
{
    struct json_writer *view = &shown->page->view;

    json_name(view, "documents");
    json_array_begin(view);
    for (uint32_t i = 0; i < shown->matter->document_count; i++) {
        const struct matter_document *document = &shown->matter->documents[i];
        const struct number number = {
            .kind = NUMBER_DOCUMENT, .year = document->year, .counter = document->counter};
        char text[LIMIT_NUMBER_BYTES], href[64];

        if (document->duty != duty) {
            continue;
        }
        number_format(&number, text);
        (void)snprintf(href, sizeof(href), "/document/%s", text);
        json_object_begin(view);
        named_text(view, "number", text);
        named_text(view, "href", href);
        named_bool(view, "answered", document->answer != 0);
        json_object_end(view);
    }
    json_array_end(view);
}

/* Replies and reports of promises go to the owner: another member's copy does not know of them. */
static bool is_unknown(const struct shown *shown, const struct duty *duty)
{
    return matter_duty_open(duty) && !shown->owner && !is_self(shown->page, duty->holder) &&
           (duty->kind == DUTY_ATTENDANCE || duty->kind == DUTY_PROMISE);
}

static void view_duty(const struct shown *shown, const struct duty *duty)
{
    struct page *page = shown->page;
    const struct lamp lamp = lamp_of_duty(page, duty);
    const bool open = matter_duty_open(duty);
    char money[PAGE_MONEY_BYTES];
    struct button button;

    json_object_begin(&page->view);
    named_u64(&page->view, "number", duty->number);
    named_text(&page->view, "what", duty_name(page, duty->kind));
    if (duty->kind == DUTY_PROMISE) {
        named_text(&page->view, "promise", page_word(page, VOCABULARY_PROMISE, duty->code));
    }
    if (duty->amount_fen != 0) {
        page_money(page, duty->amount_fen, money);
        named_text(&page->view, "amount", money);
    }
    named_text(&page->view, "holder", page_agency(page, duty->holder));
    named_bool(&page->view, "ours", is_self(page, duty->holder));
    named_text(&page->view, "waiting",
               duty->waiting != duty->holder ? page_agency(page, duty->waiting) : "");
    named_bool(&page->view, "cancelled", duty->cancelled);
    named_bool(&page->view, "undelivered", open && duty->window.kind == CLOCK_UNDELIVERED);
    view_instant(page, "done", duty->window.stopped_ms);
    if (is_unknown(shown, duty)) {
        view_day(page, "unknown", duty->window.due_day);
    } else if (!duty->cancelled) {
        view_lamp(page, &lamp);
    }
    view_duty_documents(shown, duty->number);
    json_name(&page->view, "buttons");
    json_array_begin(&page->view);
    if (open && is_self(page, duty->holder) && shown->matter->state == MATTER_OPEN &&
        (page_officer(page)->roles & OFFICER_MEMBER) != 0 && button_of_duty(shown, duty, &button)) {
        button.main = false;
        add_button(shown, &button, shown->matter->number);
    }
    json_array_end(&page->view);
    json_object_end(&page->view);
}

/* What is open comes first, and this agency's own before that of others; whether others come to a
 * meeting is the owner's to know. */
static unsigned rank_of(const struct shown *shown, const struct duty *duty)
{
    if (duty->kind == DUTY_ATTENDANCE && is_unknown(shown, duty)) {
        return 3;
    }
    return !matter_duty_open(duty) ? 2 : is_self(shown->page, duty->holder) ? 0 : 1;
}

static void view_duties(const struct shown *shown)
{
    struct json_writer *view = &shown->page->view;

    named_bool(view, "duties_shown", shown->matter->duty_count > 0);
    json_name(view, "duties");
    json_array_begin(view);
    for (unsigned rank = 0; rank < 3; rank++) {
        for (uint32_t i = 0; i < shown->matter->duty_count; i++) {
            if (rank_of(shown, &shown->matter->duties[i]) == rank) {
                view_duty(shown, &shown->matter->duties[i]);
            }
        }
    }
    json_array_end(view);
}

static void view_first_why(const struct shown *shown)
{
    const struct duty *first = NULL;

    for (uint32_t i = 0; i < shown->matter->duty_count; i++) {
        const struct duty *duty = &shown->matter->duties[i];

        if (matter_duty_open(duty) && duty->window.due_before_ms != 0 && !is_unknown(shown, duty) &&
            (first == NULL || duty->window.due_before_ms < first->window.due_before_ms)) {
            first = duty;
        }
    }
    if (first != NULL) {
        char whom[320];

        (void)snprintf(whom, sizeof(whom), "%s %s", page_agency(shown->page, first->holder),
                       duty_name(shown->page, first->kind));
        named_bool(&shown->page->view, "why_long", first->window.n > WHY_DAYS_SHOWN);
        view_why(shown->page, whom, &first->window);
    }
}

/* --- who takes part --- */

static uint32_t count_said(const struct shown *shown, uint16_t agency)
{
    const struct agency *found = registry_by_number(shown->page->agent->setup.registry, agency);
    struct row row = {.seq = 0};
    uint32_t count = 0;

    while (found != NULL &&
           row_of_referral(shown->read, &shown->matter->matter_id, row.seq, &row) == OK) {
        count += row_is_shown(&row) && strcmp(row.header.sender, found->id) == 0 ? 1 : 0;
    }
    return count;
}

static void view_member(const struct shown *shown, uint16_t agency,
                        const struct matter_member *member)
{
    struct page *page = shown->page;
    const bool invited =
        shown->matter->kind == MATTER_MEETING || shown->matter->kind == MATTER_HEARING;

    json_object_begin(&page->view);
    named_text(&page->view, "agency", page_agency(page, agency));
    named_bool(&page->view, "ours", is_self(page, agency));
    named_u64(&page->view, "said", count_said(shown, agency));
    named_bool(&page->view, "owner", member == NULL);
    if (member != NULL) {
        named_bool(&page->view, "invited", invited && (shown->owner || is_self(page, agency)));
        named_bool(&page->view, "awaited",
                   shown->matter->state == MATTER_OPEN &&
                       (shown->matter->kind == MATTER_INFORMATION ||
                        shown->matter->kind == MATTER_CONSULTATION));
        named_text(&page->view, "attends", page_word(page, VOCABULARY_ATTENDS, member->answers));
    }
    json_object_end(&page->view);
}

static void view_members(const struct shown *shown)
{
    const struct matter *matter = shown->matter;
    struct json_writer *view = &shown->page->view;

    json_name(view, "members");
    json_array_begin(view);
    view_member(shown, matter->owner, NULL);
    for (uint32_t i = 0; i < matter->member_count; i++) {
        view_member(shown, matter->members[i].agency, &matter->members[i]);
    }
    json_array_end(view);
    named_bool(view, "invited", matter->kind == MATTER_MEETING || matter->kind == MATTER_HEARING);
}

/* --- what was said --- */

static void view_said(const struct shown *shown, struct opened_row *opened)
{
    struct page *page = shown->page;
    char id[UUID_TEXT_BYTES], href[64];

    uuid_format(&opened->row.header.message_id, id);
    (void)snprintf(href, sizeof(href), "/message/%s", id);
    named_text(&page->view, "href", href);
    named_text(&page->view, "kind", page_kind(page, opened->row.header.kind));
    named_text(&page->view, "from", page_agency_of(page, opened->row.header.sender));
    view_instant(page, "at",
                 opened->row.recorded_ms != 0 ? opened->row.recorded_ms : opened->row.at_ms);
    view_fields(page, shown->read, &opened->message, opened->has_body ? &opened->body : NULL);
}

static bool opens_it(const struct shown *shown, const struct row *row)
{
    return uuid_equal(&row->header.message_id, &shown->matter->message_id);
}

/* What opened the matter, whole. */
static void view_content(const struct shown *shown)
{
    struct opened_row opened;
    struct row row;

    if (row_find(shown->read, &shown->matter->message_id, &row) != OK) {
        return;
    }
    json_name(&shown->page->view, "content");
    json_object_begin(&shown->page->view);
    if (row_open(shown->page, shown->read, &row, &opened)) {
        view_said(shown, &opened);
        if (opened.has_body && opened.body.person_count > 0) {
            named_text(&shown->page->view, "back", "matter");
            view_persons(shown->page, &opened.body, &row.header.message_id);
        }
    }
    row_close(&opened);
    json_object_end(&shown->page->view);
}

/* What agencies said in it since. */
static void view_thread(const struct shown *shown)
{
    struct page *page = shown->page;
    struct row row = {.seq = 0};
    unsigned count = 0;

    json_name(&page->view, "thread");
    json_array_begin(&page->view);
    while (count < THREAD_MAX &&
           row_of_referral(shown->read, &shown->matter->matter_id, row.seq, &row) == OK) {
        struct opened_row opened;

        if (!row_is_shown(&row) || message_kind_from_broker(row.header.kind) ||
            opens_it(shown, &row)) {
            continue;
        }
        if (row_open(page, shown->read, &row, &opened)) {
            json_object_begin(&page->view);
            view_said(shown, &opened);
            json_object_end(&page->view);
            count++;
        }
        row_close(&opened);
    }
    json_array_end(&page->view);
    named_bool(&page->view, "thread_shown", count > 0);
}

/* --- money and visits --- */

static void named_money(struct page *page, const char *name, uint64_t fen)
{
    char money[PAGE_MONEY_BYTES];

    page_money(page, fen, money);
    named_text(&page->view, name, money);
}

static void view_sums(const struct shown *shown)
{
    const struct matter *matter = shown->matter;
    struct page *page = shown->page;

    if (matter->kind == MATTER_FUND) {
        const double share =
            matter->fund_fen > 0 ? (double)matter->paid_fen / (double)matter->fund_fen : 0;

        json_name(&page->view, "fund");
        json_object_begin(&page->view);
        named_money(page, "whole", matter->fund_fen);
        named_money(page, "paid", matter->paid_fen);
        named_money(page, "balance", matter->balance_fen);
        json_name(&page->view, "paid_width");
        json_milli(&page->view, share * 480.0);
        named_u64(&page->view, "percent", (uint64_t)(share * 100.0));
        json_object_end(&page->view);
    }
    if (matter->kind == MATTER_ARCHIVE) {
        json_name(&page->view, "visits");
        json_object_begin(&page->view);
        named_u64(&page->view, "count", matter->reports);
        named_text(&page->view, "hardship", page_word(page, VOCABULARY_HARDSHIP, matter->hardship));
        named_text(&page->view, "risk", page_word(page, VOCABULARY_RISK, matter->risk));
        json_object_end(&page->view);
    }
}

/* --- the page --- */

static void view_head(const struct shown *shown)
{
    const struct matter *matter = shown->matter;
    struct page *page = shown->page;
    struct about about;
    char href[64];

    named_text(&page->view, "kind", page_matter_kind(page, matter->kind));
    named_text(&page->view, "number", matter->number);
    named_text(&page->view, "state_text",
               matter->state == MATTER_OPEN        ? tr(page, N_("办理中"))
               : matter->state == MATTER_CANCELLED ? tr(page, N_("已终止"))
                                                   : tr(page, N_("已办结")));
    named_bool(&page->view, "open", matter->state == MATTER_OPEN);
    named_text(&page->view, "owner", page_agency(page, matter->owner));
    view_instant(page, "opened", matter->opened_ms);
    view_instant(page, "closed", matter->closed_ms);
    if (matter->case_number[0] != '\0') {
        (void)snprintf(href, sizeof(href), "/case/%s", matter->case_number);
        named_text(&page->view, "case_number", matter->case_number);
        named_text(&page->view, "case_href", href);
    }
    if (page_about(shown->read, &matter->about, &about)) {
        named_text(&page->view, "about_number", about.number);
        named_text(&page->view, "about_href", about.href);
    }
    if (shown->item != NULL) {
        view_person(page, &shown->item->person);
        view_tags(page, shown->item);
    }
}

static void find_archived(struct shown *shown)
{
    const struct work_item *items[CASE_ITEMS_MAX];
    const size_t count = worklist_of_case(shown->page->web->worklist, &shown->matter->case_id,
                                          items, CASE_ITEMS_MAX);

    for (size_t i = 0; i < count; i++) {
        shown->archived = shown->archived || (items[i]->of_matter &&
                                              items[i]->kind == MATTER_ARCHIVE && items[i]->open);
    }
}

static void find_part(struct shown *shown)
{
    const struct matter *matter = shown->matter;

    shown->owner = is_self(shown->page, matter->owner);
    for (uint32_t i = 0; i < matter->member_count; i++) {
        shown->member = shown->member || is_self(shown->page, matter->members[i].agency);
    }
    shown->item = worklist_find(shown->page->web->worklist, &matter->matter_id);
    find_archived(shown);
}

static void show_matter(struct shown *shown)
{
    struct page *page = shown->page;
    const bool meets =
        shown->matter->kind == MATTER_MEETING || shown->matter->kind == MATTER_ROSTER;

    find_part(shown);
    page_begin(page, meets ? "meeting" : "inbox", N_("事项"));
    view_head(shown);
    view_erased(page, shown->read, &shown->matter->case_id);
    view_buttons(shown);
    view_members(shown);
    view_duties(shown);
    view_sums(shown);
    view_content(shown);
    view_thread(shown);
    view_first_why(shown);
    view_files(page, shown->read, &shown->matter->matter_id, NULL);
    view_timeline(page, shown->read, &shown->matter->matter_id, 1);
    named_u64(&page->view, "checked", page->agent->checkpoint.size);
    page_show(page, 200, "matter");
}

bool page_load_matter(struct page *page, struct store_txn *read, const struct case_key *key)
{
    struct copy *copy = page->agent->copy;

    bool recorded;

    if (copy_load(read, key, copy) != OK) {
        return false;
    }
    recorded = copy->known;
    if (copy_expected(page->agent, read, key, copy) == OK && copy->known && !recorded) {
        show_as_submitted(copy);
    }
    return copy->known && copy->of_matter;
}

/* False: the page was refused. */
static bool find_and_show(struct page *page, struct store_txn *read, struct case_key *ret_key)
{
    struct case_key key;
    struct fault fault = {.code = ""};
    struct matter *matter;
    struct shown shown = {.page = page, .read = read};

    if (show_find(read, page->tail, "id", &key, &fault) != OK || uuid_is_zero(&key.referral_id) ||
        !page_load_matter(page, read, &key)) {
        page_refuse(page, 404, N_("本单位没有这个编号的事项。"));
        return false;
    }
    matter = malloc(sizeof(*matter)); /* the copy's place is needed for others */
    if (matter == NULL) {
        page_refuse(page, 503, N_("暂时无法显示，请稍后再试。"));
        return false;
    }
    *matter = page->agent->copy->matter;
    shown.matter = matter;
    show_matter(&shown);
    free(matter);
    *ret_key = key;
    return true;
}

void page_matter(struct page *page)
{
    struct store_txn *read;
    struct case_key key;
    bool shown;

    if (!page_needs(page, OFFICER_MEMBER | OFFICER_LEADER)) {
        return;
    }
    if (store_read_begin(page->agent->setup.store, &read) != OK) {
        page_refuse(page, 503, N_("暂时无法显示，请稍后再试。"));
        return;
    }
    shown = find_and_show(page, read, &key);
    store_read_end(read);
    if (shown) {
        page_saw(page, &key, NULL);
    }
}
