/* The inbox's lists: to do, sent, near, late, supervised, done, and the ledger of all.
 *
 * One page for all of them: the worklist finds and sorts, the copy of each row of the page says the
 * rest. A search comes by POST, so that no name stands in an address. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/web/web_parts.h"

#define ROWS_A_PAGE 50u
#define PAGES_MAX   100000u

struct list_kind {
    const char *path; /* behind /list/; "" is the first page */
    const char *title;
    enum work_list list;
    bool hot; /* its count is shown in red when there is any */
};

static const struct list_kind list_kinds[] = {
    {"", N_("待办"), WORK_TODO, false},
    {"sent", N_("我发起的"), WORK_SENT, false},
    {"soon", N_("即将到期"), WORK_SOON, false},
    {"late", N_("本单位超期"), WORK_LATE, true},
    {"others-late", N_("对方超期"), WORK_OTHERS_LATE, true},
    {"supervised", N_("督办"), WORK_SUPERVISED, true},
    {"done", N_("已办"), WORK_DONE, false},
    {"ledger", N_("台账"), WORK_LEDGER, false},
};

#define LIST_KINDS (sizeof(list_kinds) / sizeof(list_kinds[0]))

struct act_kind_of { /* what is owed, in words and as the form that does it */
    enum work_act act;
    const char *label; /* of the counter and the filter */
    const char *button;
    const char *form; /* kind of the message; NULL: see form_of */
};

static const struct act_kind_of acts[] = {
    {WORK_SIGN_FOR, N_("待签收"), N_("签收"), "sign-for"},
    {WORK_FEEDBACK, N_("待反馈"), N_("反馈审查结果"), "feedback"},
    {WORK_INFORM, N_("待告知"), N_("登记告知"), "applicant-informed"},
    {WORK_PAPERS, N_("待补充材料"), N_("补充材料"), "papers"},
    {WORK_INFORMATION, N_("待答复"), N_("答复"), "information-reply"},
    {WORK_FOLLOW_UP, N_("待回访"), N_("填写回访"), "follow-up-report"},
    {WORK_PROMISE, N_("待办承诺"), N_("填报办理"), "promise-report"},
    {WORK_PAYMENT, N_("待支付"), N_("登记支付"), "fund-payment"},
    {WORK_LETTER, N_("待回函"), N_("登记回函"), "letter-answer"},
    {WORK_ATTENDANCE, N_("待回执"), N_("填写回执"), NULL},
    {WORK_DOCUMENT, N_("待回复督办单"), N_("查看并回复"), NULL},
    {WORK_REFUSED, N_("未被接受"), N_("查看原因"), NULL},
    {WORK_NEWS, N_("待阅"), N_("查看"), NULL},
};

static const struct act_kind_of *act_of(enum work_act act)
{
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (acts[i].act == act) {
            return &acts[i];
        }
    }
    return NULL;
}

const char *page_matter_kind(const struct page *page, enum matter_kind kind)
{
    static const char *const names[MATTER_KIND_COUNT] = {
        [MATTER_NONE] = N_("事项"),           [MATTER_INFORMATION] = N_("请求提供信息"),
        [MATTER_ARCHIVE] = N_("案后回访"),    [MATTER_CONSULTATION] = N_("工作会商"),
        [MATTER_CONFERENCE] = N_("个案会商"), [MATTER_MEETING] = N_("联席会议"),
        [MATTER_HEARING] = N_("听证"),        [MATTER_ROSTER] = N_("人员名册"),
        [MATTER_FUND] = N_("救助金监管"),     [MATTER_LETTER] = N_("致协作单位函"),
    };

    return kind < MATTER_KIND_COUNT ? tr(page, names[kind]) : "";
}

/* --- one row --- */

static void view_tag(struct page *page, const char *class, const char *text)
{
    json_object_begin(&page->view);
    named_text(&page->view, "class", class);
    named_text(&page->view, "text", text);
    json_object_end(&page->view);
}

void view_tags(struct page *page, const struct work_item *item)
{
    size_t count;
    const struct word *groups = vocabulary_words(VOCABULARY_PRIORITY_GROUP, &count);

    json_name(&page->view, "tags");
    json_array_begin(&page->view);
    if (item->life_danger) {
        view_tag(page, "urgent", tr(page, N_("危及生命")));
    }
    if (item->group == WORK_MINORS) {
        view_tag(page, "minor", tr(page, N_("未成年人")));
    }
    if (item->urgent) {
        view_tag(page, "urgent", tr(page, N_("急")));
    }
    if (item->advance) {
        view_tag(page, "adv", tr(page, N_("先行移送")));
    }
    if (item->documents > 0) {
        view_tag(page, "esc", tr(page, N_("督办")));
    }
    for (size_t i = 0; i < count; i++) {
        if ((item->priority_groups >> groups[i].value & 1u) != 0 &&
            groups[i].value != GROUP_MINOR) {
            view_tag(page, "", page->language == LANGUAGE_EN ? groups[i].en : groups[i].zh);
        }
    }
    json_array_end(&page->view);
}

/* "女 12 岁" */
void view_person(struct page *page, const struct work_person *person)
{
    const int32_t today = civil_day_at(page->now_ms);
    const uint32_t date = civil_yyyymmdd(today);
    char text[48];

    named_text(&page->view, "name", person->name);
    if (person->birth == 0) {
        return;
    }
    (void)snprintf(text, sizeof(text), page->language == LANGUAGE_EN ? "%s, %u" : "%s %u 岁",
                   person->sex == 'f'   ? tr(page, N_("女"))
                   : person->sex == 'm' ? tr(page, N_("男"))
                                        : "",
                   (date - person->birth) / 10000);
    named_text(&page->view, "age", text);
}

void page_words(const struct page *page, enum vocabulary which, uint64_t set, struct buf *text)
{
    const bool english = page->language == LANGUAGE_EN;
    size_t count;
    const struct word *words = vocabulary_words(which, &count);

    for (size_t i = 0; i < count; i++) {
        if ((set >> words[i].value & 1u) != 0) {
            (void)!buf_append_text(text, text->len == 0 ? "" : english ? "; " : "；");
            (void)!buf_append_text(text, english ? words[i].en : words[i].zh);
        }
    }
    (void)!buf_append(text, "", 1);
}

void view_words(struct page *page, const char *name, enum vocabulary which, uint64_t set)
{
    struct buf text;

    buf_init(&text, 4096);
    page_words(page, which, set, &text);
    named_text(&page->view, name, (const char *)text.data);
    buf_free(&text);
}

static void view_delivered(struct page *page, const struct referral *referral)
{
    const struct calendar *calendar = page->agent->setup.calendar;
    uint32_t days = calendar_count_working_days(calendar, civil_day_at(referral->delivered_ms),
                                                civil_day_at(page->now_ms));
    char text[64];

    (void)snprintf(text, sizeof(text),
                   page->language != LANGUAGE_EN ? "送达已 %u 个工作日"
                   : days == 1                   ? "delivered %u working day ago"
                                                 : "delivered %u working days ago",
                   days);
    named_text(&page->view, "progress_sub", text);
}

const char *page_state(const struct page *page, const struct referral *referral)
{
    switch (referral->state) {
    case REFERRAL_SUBMITTED:
        return page_sending(page);
    case REFERRAL_QUEUED:
        return tr(page, N_("已发出，待送达"));
    case REFERRAL_DELIVERED:
        return (referral->marks & MARK_SIGNED) != 0 ? tr(page, N_("已签收"))
                                                    : tr(page, N_("待签收"));
    case REFERRAL_PROCEDURE:
    case REFERRAL_ANSWERED:
        return page_word(page, VOCABULARY_OUTCOME, referral->outcome);
    case REFERRAL_WITHDRAWN:
        return tr(page, N_("已撤回"));
    case REFERRAL_RETURNED:
        return tr(page, N_("已退回补正"));
    case REFERRAL_STATE_COUNT:
        break;
    }
    return "";
}

static void view_referral_row(struct page *page, const struct referral *referral)
{
    view_words(page, "what", VOCABULARY_NEED, referral->needs);
    named_text(&page->view, "progress", page_state(page, referral));
    if (referral->state == REFERRAL_DELIVERED && (referral->marks & MARK_SIGNED) == 0) {
        view_delivered(page, referral);
    } else {
        some_text(&page->view, "progress_sub", referral->register_number);
    }
    view_instant(page, "arrived",
                 referral->delivered_ms != 0 ? referral->delivered_ms : referral->submitted_ms);
}

static void view_matter_row(struct page *page, const struct matter *matter)
{
    named_text(&page->view, "what", page_matter_kind(page, matter->kind));
    named_text(&page->view, "progress",
               matter->state == MATTER_OPEN        ? tr(page, N_("办理中"))
               : matter->state == MATTER_CANCELLED ? tr(page, N_("已终止"))
                                                   : tr(page, N_("已办结")));
    view_instant(page, "arrived", matter->opened_ms);
}

static void href_of(const struct work_item *item, char *out, size_t size)
{
    (void)snprintf(out, size, item->of_matter ? "/matter/%s" : "/case/%s", item->number);
}

static void document_number(const struct work_line *line, char out[LIMIT_NUMBER_BYTES])
{
    const struct number number = {
        .kind = NUMBER_DOCUMENT, .year = line->year, .counter = line->number};

    number_format(&number, out);
}

static const char *form_of(const struct work_item *item, const struct work_line *line)
{
    const struct act_kind_of *act = act_of(line->act);

    if (line->act == WORK_ATTENDANCE) {
        return item->kind == MATTER_HEARING ? "hearing-reply" : "meeting-reply";
    }
    return act != NULL ? act->form : NULL;
}

/* Where a line leads that no form does: the sheet, which has its reply; the refused message. */
static void href_of_line(const struct work_item *item, const struct work_line *line, char *out,
                         size_t size)
{
    char text[UUID_TEXT_BYTES];

    if (line->act == WORK_DOCUMENT && line->more == 0) {
        document_number(line, text);
        (void)snprintf(out, size, "/document/%s", text);
    } else if (line->act == WORK_REFUSED ||
               (line->act == WORK_NEWS && line->more == 0 && !item->of_matter)) {
        uuid_format(&line->message_id, text);
        (void)snprintf(out, size, "/message/%s", text);
    } else {
        href_of(item, out, size);
    }
}

static void view_action(struct page *page, const struct work_item *item,
                        const struct work_line *line, bool first)
{
    const struct act_kind_of *act = act_of(line->act);
    const char *form = form_of(item, line);
    char href[128], number[LIMIT_NUMBER_BYTES];

    named_text(&page->view, "act", tr(page, act->label));
    if (line->act == WORK_DOCUMENT) {
        document_number(line, number);
        named_text(&page->view, "document", number);
    } else if (line->act == WORK_NEWS) {
        named_text(&page->view, "document", page_kind(page, (enum message_kind)line->number));
    }
    named_u64(&page->view, "document_count", line->more > 0 ? line->more + 1u : 0);
    if (form != NULL && (page_officer(page)->roles & OFFICER_MEMBER) == 0) {
        return; /* a leader reads */
    }
    if (form == NULL) {
        href_of_line(item, line, href, sizeof(href));
    } else if (item->of_matter) {
        (void)snprintf(href, sizeof(href), "/send/%s/%s?duty=%u", form, item->number, line->number);
    } else {
        (void)snprintf(href, sizeof(href), "/send/%s/%s", form, item->number);
    }
    json_name(&page->view, "action");
    json_object_begin(&page->view);
    named_text(&page->view, "href", href);
    named_text(&page->view, "text", tr(page, act->button));
    named_bool(&page->view, "main", first && line->act != WORK_NEWS);
    json_object_end(&page->view);
}

/* What was sent, and why it was not taken. */
static void view_refused_row(struct page *page, struct store_txn *read,
                             const struct work_line *line)
{
    struct fault fault = {.code = ""};
    struct row row;

    if (row_find(read, &line->message_id, &row) != OK) {
        return;
    }
    if (row.state == ROW_REFUSED) {
        named_text(&page->view, "what", page_kind(page, row.header.kind));
        text_copy(fault.code, sizeof(fault.code), refusal_name((enum refusal)row.code));
        text_copy(fault.place, sizeof(fault.place), row.detail);
        page_reason(page, row.header.kind, &fault);
        named_text(&page->view, "progress_sub", fault.message);
    } else {
        named_text(&page->view, "what", page_kind(page, row.header.kind));
        named_text(&page->view, "progress_sub", tr(page, N_("对方无法打开，已退回补正")));
    }
    named_text(&page->view, "progress", tr(page, N_("未被接受")));
    view_instant(page, "arrived", row.recorded_ms != 0 ? row.recorded_ms : row.at_ms);
}

static struct lamp lamp_of(const struct work_row *row, const struct copy *copy)
{
    const struct work_item *item = row->item;
    struct lamp lamp = {.due_before_ms = 0};

    if (row->line != NULL && row->line->due_before_ms != UINT64_MAX) {
        lamp.due_before_ms = row->line->due_before_ms;
        lamp.due_day = row->line->due_day;
        lamp.provisional = row->line->provisional;
    } else if (row->line == NULL && item->open && item->due_before_ms != UINT64_MAX) {
        lamp.due_before_ms = item->due_before_ms;
        lamp.due_day = civil_day_at(item->due_before_ms - 1);
        lamp.provisional = item->provisional;
    } else if (row->line == NULL && copy->known && !copy->of_matter && !item->sending &&
               copy->referral.state == REFERRAL_ANSWERED) {
        const struct window *window = &copy->referral.clocks[REFERRAL_CLOCK_FEEDBACK];

        lamp.stopped_ms = copy->referral.answered_ms;
        lamp.due_before_ms = window->due_before_ms;
        lamp.due_day = window->due_day;
        lamp.late = copy->referral.late;
        lamp.lateness_days = copy->referral.lateness_days;
    }
    return lamp;
}

static void view_row(struct page *page, struct store_txn *read, const struct work_row *row,
                     bool first)
{
    const struct work_item *item = row->item;
    struct copy *copy = page->agent->copy;
    struct lamp lamp;
    char href[64];

    if ((item->sending ? copy_expected(page->agent, read, &item->key, copy)
                       : copy_load(read, &item->key, copy)) != OK) {
        copy->known = false;
    } else if (copy->known && item->waiting) {
        show_as_submitted(copy);
    }
    json_object_begin(&page->view);
    named_text(&page->view, "number", item->number);
    if (copy->known || row->line == NULL) {
        href_of(item, href, sizeof(href));
    } else {
        href_of_line(item, row->line, href, sizeof(href)); /* there is nothing else of it */
    }
    named_text(&page->view, "href", href);
    view_person(page, &item->person);
    view_tags(page, item);
    named_text(&page->view, "other", page_agency(page, item->other));
    named_bool(&page->view, "mine", item->mine);
    if (row->line != NULL && row->line->act == WORK_REFUSED) {
        view_refused_row(page, read, row->line);
    } else if (copy->known && copy->of_matter) {
        view_matter_row(page, &copy->matter);
    } else if (copy->known) {
        view_referral_row(page, &copy->referral);
    }
    if (item->sending && !item->waiting) {
        named_text(&page->view, "sending_row", page_sending(page));
    }
    lamp = lamp_of(row, copy);
    view_lamp(page, &lamp);
    if (row->line != NULL) {
        view_action(page, item, row->line, first);
    }
    json_object_end(&page->view);
}

/* --- the page --- */

static const struct list_kind *kind_of(const char *path)
{
    for (size_t i = 0; i < LIST_KINDS; i++) {
        if (strcmp(list_kinds[i].path, path) == 0) {
            return &list_kinds[i];
        }
    }
    return NULL;
}

static const char *asked(const struct page *page, const char *name)
{
    const char *value = http_form(page->request, name);

    return value != NULL ? value : "";
}

/* Of a page, an agency, an act; 0 for what is no such number. */
static uint32_t asked_number(const struct page *page, const char *name, uint32_t max)
{
    uint32_t value = 0;

    for (const char *at = asked(page, name); *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || value > max) {
            return 0;
        }
        value = value * 10 + (uint32_t)(*at - '0');
    }
    return value <= max ? value : 0;
}

static void query_of(const struct page *page, const struct list_kind *kind,
                     struct work_query *query)
{
    size_t count;
    const struct word *groups = vocabulary_words(VOCABULARY_PRIORITY_GROUP, &count);
    uint32_t number = asked_number(page, "page", PAGES_MAX);

    memset(query, 0, sizeof(*query));
    query->list = kind->list;
    query->text = asked(page, "q");
    query->act = (enum work_act)asked_number(page, "act", WORK_ACT_COUNT - 1);
    query->other = (uint16_t)asked_number(page, "other", UINT16_MAX);
    query->urgent = asked(page, "urgent")[0] != '\0';
    query->minor = asked(page, "minor")[0] != '\0';
    for (size_t i = 0; i < count; i++) {
        char name[80];

        (void)snprintf(name, sizeof(name), "g-%s", groups[i].id);
        query->priority_groups |= asked(page, name)[0] != '\0' ? UINT64_C(1) << groups[i].value : 0;
    }
    query->count = ROWS_A_PAGE;
    query->offset = number > 0 ? (size_t)(number - 1) * ROWS_A_PAGE : 0;
}

void page_query(const struct page *page, const char *list, struct work_query *query)
{
    const struct list_kind *kind = list != NULL ? kind_of(list) : NULL;

    query_of(page, kind != NULL ? kind : kind_of("ledger"), query);
}

static void view_counts(struct page *page, const struct work_counts *counts)
{
    json_name(&page->view, "counts");
    json_array_begin(&page->view);
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (counts->acts[acts[i].act] > 0) {
            json_object_begin(&page->view);
            named_text(&page->view, "label", tr(page, acts[i].label));
            named_u64(&page->view, "count", counts->acts[acts[i].act]);
            json_object_end(&page->view);
        }
    }
    json_array_end(&page->view);
}

static void view_tabs(struct page *page, const struct list_kind *here,
                      const struct work_counts *counts)
{
    json_name(&page->view, "tabs");
    json_array_begin(&page->view);
    for (size_t i = 0; i < LIST_KINDS; i++) {
        const struct list_kind *kind = &list_kinds[i];
        char href[32];

        (void)snprintf(href, sizeof(href), kind->path[0] != '\0' ? "/list/%s" : "/%s", kind->path);
        json_object_begin(&page->view);
        named_text(&page->view, "href", href);
        named_text(&page->view, "id", kind->path[0] != '\0' ? kind->path : "todo");
        named_text(&page->view, "title", tr(page, kind->title));
        named_u64(&page->view, "count", counts->lists[kind->list]);
        named_bool(&page->view, "here", kind == here);
        named_bool(&page->view, "hot", kind->hot && counts->lists[kind->list] > 0);
        json_object_end(&page->view);
    }
    json_array_end(&page->view);
}

static void view_choice(struct page *page, uint64_t value, const char *text, bool chosen)
{
    json_object_begin(&page->view);
    named_u64(&page->view, "value", value);
    named_text(&page->view, "text", text);
    named_bool(&page->view, "chosen", chosen);
    json_object_end(&page->view);
}

static void view_agencies(struct page *page, uint16_t chosen)
{
    const struct registry *registry = page->agent->setup.registry;

    json_name(&page->view, "agencies");
    json_array_begin(&page->view);
    for (size_t i = 0; i < registry_count(registry); i++) {
        const struct agency *agency = registry_at(registry, i);

        if (agency != page->agent->setup.self) {
            view_choice(page, agency->number, page_agency(page, agency->number),
                        agency->number == chosen);
        }
    }
    json_array_end(&page->view);
}

static void view_filter(struct page *page, const struct work_query *query)
{
    static const uint32_t shown[] = {2, 4,
                                     5}; /* veterans, disabled persons, women: most asked for */

    named_text(&page->view, "q", query->text);
    named_bool(&page->view, "urgent", query->urgent);
    named_bool(&page->view, "minor", query->minor);
    named_bool(&page->view, "filtered",
               query->text[0] != '\0' || query->urgent || query->minor || query->other != 0 ||
                   query->act != WORK_NONE || query->priority_groups != 0);
    json_name(&page->view, "acts");
    json_array_begin(&page->view);
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        view_choice(page, acts[i].act, tr(page, acts[i].label), query->act == acts[i].act);
    }
    json_array_end(&page->view);
    view_agencies(page, query->other);
    json_name(&page->view, "groups");
    json_array_begin(&page->view);
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        const struct word *word = vocabulary_find(VOCABULARY_PRIORITY_GROUP, shown[i]);

        if (word != NULL) {
            json_object_begin(&page->view);
            named_text(&page->view, "id", word->id);
            named_text(&page->view, "text", page->language == LANGUAGE_EN ? word->en : word->zh);
            named_bool(&page->view, "chosen", (query->priority_groups >> word->value & 1u) != 0);
            json_object_end(&page->view);
        }
    }
    json_array_end(&page->view);
}

static void view_pager(struct page *page, const struct work_query *query, size_t total)
{
    size_t last = total > 0 ? (total + ROWS_A_PAGE - 1) / ROWS_A_PAGE : 1;
    size_t here = query->offset / ROWS_A_PAGE + 1;

    named_u64(&page->view, "total", total);
    named_bool(&page->view, "none", total == 0);
    named_bool(&page->view, "paged", last > 1);
    named_u64(&page->view, "here", here);
    named_u64(&page->view, "last", last);
    if (here > 1) {
        named_u64(&page->view, "previous", here - 1);
    }
    if (here < last) {
        named_u64(&page->view, "next", here + 1);
    }
}

static void view_rows(struct page *page, struct store_txn *read, const struct work_result *result,
                      bool grouped)
{
    static const char *const titles[] = {[WORK_MINORS] = N_("未成年人（最先办理）"),
                                         [WORK_PRIORITY] = N_("急件和重点救助对象"),
                                         [WORK_OTHERS] = N_("其他")};
    int group = -1;
    bool first = true;

    json_name(&page->view, "groups_of_rows");
    json_array_begin(&page->view);
    for (size_t i = 0; i < result->count; i++) {
        const struct work_row *row = &result->rows[i];
        int of_row = grouped ? row->item->group : 0;

        if (of_row != group) {
            if (group >= 0) {
                json_array_end(&page->view);
                json_object_end(&page->view);
            }
            json_object_begin(&page->view);
            /* null hides the page's own title */
            named_text(&page->view, "title", grouped ? tr(page, titles[of_row]) : NULL);
            json_name(&page->view, "rows");
            json_array_begin(&page->view);
            group = of_row;
        }
        view_row(page, read, row, first && row->line != NULL);
        first = false;
    }
    if (group >= 0) {
        json_array_end(&page->view);
        json_object_end(&page->view);
    }
    json_array_end(&page->view);
}

/* Who searches in one list looks for something, wherever it is: how many the ledger has. */
static enum err view_elsewhere(struct page *page, const struct work_query *query, size_t here)
{
    struct work_query all = *query;
    struct work_result result;
    enum err error;

    if (query->text[0] == '\0' || query->list == WORK_LEDGER) {
        return OK;
    }
    all.list = WORK_LEDGER;
    all.offset = all.count = 0;
    error = worklist_query(page->web->worklist, &all, page->now_ms, &result);
    if (error != OK) {
        return error;
    }
    free(result.rows);
    named_bool(&page->view, "searched", true);
    named_bool(&page->view, "here_none", here == 0);
    named_u64(&page->view, "elsewhere", result.total);
    return OK;
}

static enum err view_list(struct page *page, const struct list_kind *kind)
{
    bool grouped = kind->list != WORK_LEDGER && kind->list != WORK_DONE;
    struct work_query query;
    struct work_result result;
    struct store_txn *read;
    enum err error;

    query_of(page, kind, &query);
    error = worklist_query(page->web->worklist, &query, page->now_ms, &result);
    if (error != OK) {
        return error;
    }
    error = store_read_begin(page->agent->setup.store, &read);
    if (error != OK) {
        free(result.rows);
        return error;
    }
    view_filter(page, &query);
    view_pager(page, &query, result.total);
    view_rows(page, read, &result, grouped);
    store_read_end(read);
    free(result.rows);
    return view_elsewhere(page, &query, result.total);
}

/* The line in red above the list: what is late comes first. */
static void view_alarm(struct page *page, const struct work_counts *counts)
{
    if (counts->lists[WORK_LATE] > 0) {
        named_u64(&page->view, "late_count", counts->lists[WORK_LATE]);
    }
    if (counts->lists[WORK_OTHERS_LATE] > 0) {
        named_u64(&page->view, "others_late_count", counts->lists[WORK_OTHERS_LATE]);
    }
    if (counts->lists[WORK_SUPERVISED] > 0) {
        named_u64(&page->view, "supervised_count", counts->lists[WORK_SUPERVISED]);
    }
}

void page_list(struct page *page)
{
    const struct list_kind *kind = kind_of(page->tail);
    struct work_counts counts;

    if (kind == NULL) {
        page_refuse(page, 404, N_("没有这个页面。"));
        return;
    }
    if (kind->path[0] == '\0' && page_officer(page)->roles == OFFICER_MANAGER) {
        page_go(page, "/officers"); /* where who reads no case begins */
        return;
    }
    if (!page_needs(page, OFFICER_MEMBER | OFFICER_LEADER)) {
        return;
    }
    worklist_counts(page->web->worklist, page->now_ms, &counts);
    page_begin(page, kind->list == WORK_LEDGER ? "ledger" : "inbox", kind->title);
    named_text(&page->view, "address", page->request->path);
    named_text(&page->view, "list", kind->path);
    named_bool(&page->view, "ledger", kind->list == WORK_LEDGER);
    view_counts(page, &counts);
    view_tabs(page, kind, &counts);
    view_alarm(page, &counts);
    if (worklist_progress(page->web->worklist) < 100) {
        named_u64(&page->view, "filling", worklist_progress(page->web->worklist));
    }
    if (view_list(page, kind) != OK) {
        page_refuse(page, 503, N_("暂时无法显示，请稍后再试。"));
        return;
    }
    view_instant(page, "updated", page->now_ms);
    page_show(page, 200, "list");
}

void page_counts(struct page *page)
{
    struct work_counts counts;

    worklist_counts(page->web->worklist, page->now_ms, &counts);
    page_data_begin(page);
    named_u64(&page->view, "generation", counts.generation);
    json_name(&page->view, "lists");
    json_object_begin(&page->view);
    for (size_t i = 0; i < LIST_KINDS; i++) {
        named_u64(&page->view, list_kinds[i].path[0] != '\0' ? list_kinds[i].path : "todo",
                  counts.lists[list_kinds[i].list]);
    }
    json_object_end(&page->view);
    page_data_end(page, 200);
}
