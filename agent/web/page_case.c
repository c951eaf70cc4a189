/* A case as its officer sees it: the household, each referral side by side with its clock, why the
 * date is what it is, what belongs to it, and what happened. An agency sees its own part only
 * (Art. 15): there is no more in its store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/attachments.h"
#include "agent/web/view_parts.h"
#include "wire/sealing.h"

#define CASE_ITEMS_MAX 200u /* referrals and matters of one case that a page shows */

struct shown_case {
    struct store_txn *read;
    const struct work_item *items[CASE_ITEMS_MAX];
    size_t count;
    const struct work_item *focus; /* the referral that the page is about */
};

/* --- find --- */

static bool find(struct page *page, struct shown_case *shown)
{
    struct case_key key;
    struct fault fault = {.code = ""};

    if (show_find(shown->read, page->tail, "id", &key, &fault) != OK) {
        return false;
    }
    shown->count =
        worklist_of_case(page->web->worklist, &key.case_id, shown->items, CASE_ITEMS_MAX);
    for (size_t i = 0; i < shown->count; i++) {
        const struct work_item *item = shown->items[i];

        if (item->of_matter) {
            continue;
        }
        if (uuid_equal(&item->key.referral_id, &key.referral_id)) {
            shown->focus = item;
            return true;
        }
        shown->focus = shown->focus == NULL ? item : shown->focus;
    }
    return shown->focus != NULL && uuid_is_zero(&key.referral_id);
}

static bool load(struct page *page, struct store_txn *read, const struct work_item *item)
{
    struct copy *copy = page->agent->copy;

    if (copy_load(read, &item->key, copy) != OK) {
        return false;
    }
    if (!copy->known && copy_expected(page->agent, read, &item->key, copy) == OK && copy->known) {
        show_as_submitted(copy);
    }
    return copy->known;
}

/* --- one referral as a card --- */

static struct lamp lamp_of(const struct referral *referral)
{
    const struct window *window = &referral->clocks[REFERRAL_CLOCK_FEEDBACK];
    struct lamp lamp = {.due_before_ms = window->due_before_ms,
                        .due_day = window->due_day,
                        .provisional = window->provisional};

    if (referral->state == REFERRAL_ANSWERED || referral->state == REFERRAL_PROCEDURE) {
        lamp.stopped_ms = referral->answered_ms;
        lamp.late = referral->late;
        lamp.lateness_days = referral->lateness_days;
    } else if (!referral_clock_open(referral, REFERRAL_CLOCK_FEEDBACK)) {
        lamp.due_before_ms = 0;
    }
    return lamp;
}

/* One cell a working day: those that have passed, those that are left, and those past the end. */
static void view_window(struct page *page, const struct window *window)
{
    const struct calendar *calendar = page->agent->setup.calendar;
    const int32_t start = civil_day_at(window->start_ms);
    const uint64_t until_ms = window->stopped_ms != 0 ? window->stopped_ms : page->now_ms;
    const uint32_t passed = calendar_count_working_days(calendar, start, civil_day_at(until_ms));
    const uint32_t shown =
        passed > window->n ? (passed < 2 * window->n ? passed : 2 * window->n) : window->n;

    if (window->n == 0) {
        return;
    }
    json_name(&page->view, "cells");
    json_array_begin(&page->view);
    for (uint32_t i = 0; i < shown; i++) {
        const char *class = i >= window->n ? "l"
                            : i < passed   ? (window->stopped_ms != 0 ? "k" : "p")
                                           : "r";

        json_object_begin(&page->view);
        named_text(&page->view, "class", class);
        json_name(&page->view, "x");
        json_milli(&page->view, (double)i * 100.0 / shown + 0.2);
        json_name(&page->view, "width");
        json_milli(&page->view, 100.0 / shown - 0.7);
        json_object_end(&page->view);
    }
    json_array_end(&page->view);
    named_u64(&page->view, "days", window->n);
    named_u64(&page->view, "passed", passed);
}

/* `form`: "send/papers", "refer" ... */
static void add_link(struct page *page, const char *form, const char *number, const char *text,
                     bool main)
{
    char href[128];

    (void)snprintf(href, sizeof(href), "/%s/%s", form, number);
    json_object_begin(&page->view);
    named_text(&page->view, "href", href);
    named_text(&page->view, "text", tr(page, text));
    named_bool(&page->view, "main", main);
    json_object_end(&page->view);
}

static bool self_holds(const struct page *page, const struct referral *referral,
                       enum referral_clock clock)
{
    return referral_clock_open(referral, clock) &&
           registry_acting(page->agent->setup.registry, referral_responsible(referral, clock),
                           page->now_ms) == page->agent->setup.self->number;
}

/* What the receiver may do. */
static void add_receivers(struct page *page, const struct referral *referral)
{
    const char *number = referral->number;
    const bool open = referral->state == REFERRAL_DELIVERED;

    if (open && (referral->marks & MARK_SIGNED) == 0) {
        add_link(page, "send/sign-for", number, N_("签收"), true);
    }
    if (open) {
        add_link(page, "send/feedback", number, N_("反馈审查结果"),
                 (referral->marks & MARK_SIGNED) != 0);
    }
    if (referral->outcome == OUTCOME_GRANTED || referral->outcome == OUTCOME_SUITABLE) {
        add_link(page, "send/assistance-report", number, N_("填报落实情况"), false);
    }
}

/* What the sender may do. */
static void add_senders(struct page *page, const struct referral *referral)
{
    const char *number = referral->number;

    if (referral->state == REFERRAL_QUEUED || referral->state == REFERRAL_DELIVERED ||
        referral->state == REFERRAL_PROCEDURE) {
        if (referral->state == REFERRAL_DELIVERED) {
            add_link(page, "send/urge", number, N_("催办"), false);
        }
        if (!self_holds(page, referral, REFERRAL_CLOCK_PAPERS)) {
            add_link(page, "send/supplement", number, N_("补充材料"), false);
        }
        add_link(page, "send/withdrawal", number, N_("撤回"), false);
    }
    if (referral->state == REFERRAL_ANSWERED && referral->outcome == OUTCOME_NOT_MY_DUTY) {
        add_link(page, "refer", number, N_("改送其他单位"), true);
    }
}

static void view_links(struct page *page, const struct referral *referral, bool mine)
{
    json_name(&page->view, "links");
    json_array_begin(&page->view);
    if ((page_officer(page)->roles & OFFICER_MEMBER) != 0) {
        if (self_holds(page, referral, REFERRAL_CLOCK_TELL)) {
            add_link(page, "send/applicant-informed", referral->number, N_("登记告知"), true);
        }
        if (self_holds(page, referral, REFERRAL_CLOCK_PAPERS)) {
            add_link(page, "send/papers", referral->number, N_("补充材料"), true);
        }
        if (mine) {
            add_senders(page, referral);
        } else {
            add_receivers(page, referral);
        }
        add_link(page, "send/information-request", referral->number, N_("请求提供信息"), false);
        add_link(page, "send/correction", referral->number, N_("更正"), false);
    }
    json_array_end(&page->view);
}

static void view_open_documents(struct page *page, const struct referral *referral)
{
    json_name(&page->view, "documents");
    json_array_begin(&page->view);
    for (uint32_t i = 0; i < referral->document_count; i++) {
        const struct number number = {.kind = NUMBER_DOCUMENT,
                                      .year = referral->documents[i].year,
                                      .counter = referral->documents[i].counter};
        char text[LIMIT_NUMBER_BYTES], href[64];

        number_format(&number, text);
        (void)snprintf(href, sizeof(href), "/document/%s", text);
        json_object_begin(&page->view);
        named_text(&page->view, "number", text);
        named_text(&page->view, "href", href);
        named_bool(&page->view, "answered", referral->documents[i].answer != 0);
        json_object_end(&page->view);
    }
    json_array_end(&page->view);
}

static void view_answer(struct page *page, const struct row *row, bool fresh)
{
    char id[UUID_TEXT_BYTES], href[64];

    uuid_format(&row->header.message_id, id);
    (void)snprintf(href, sizeof(href), "/message/%s", id);
    json_object_begin(&page->view);
    named_text(&page->view, "href", href);
    named_text(&page->view, "kind", page_kind(page, row->header.kind));
    named_bool(&page->view, "fresh", fresh);
    json_object_end(&page->view);
}

/* What came in answer: all that nobody has opened, oldest first; else the newest. Who opens the
 * case has not read them: what they say is on their own pages. */
static void view_answers(struct page *page, struct store_txn *read, const struct work_item *item)
{
    struct row row = {.seq = 0}, last = {.seq = 0};
    bool any = false;

    json_name(&page->view, "answers");
    json_array_begin(&page->view);
    while (row_of_referral(read, &item->key.referral_id, row.seq, &row) == OK) {
        bool fresh = false;

        if (work_is_news(&row) && work_is_unsettled(read, &row, &fresh) == OK) {
            last = row;
        }
        if (fresh) {
            view_answer(page, &row, true);
            any = true;
        }
    }
    if (!any && last.seq != 0) {
        view_answer(page, &last, false);
    }
    json_array_end(&page->view);
}

static void view_card(struct page *page, struct shown_case *shown, const struct work_item *item)
{
    const struct referral *referral = &page->agent->copy->referral;
    struct lamp lamp;
    char href[64];

    if (!load(page, shown->read, item) || page->agent->copy->of_matter) {
        return;
    }
    lamp = lamp_of(referral);
    json_object_begin(&page->view);
    named_text(&page->view, "number", referral->number);
    named_text(&page->view, "agency", page_agency(page, item->other));
    named_bool(&page->view, "mine", item->mine); /* else it is for this agency to do */
    (void)snprintf(href, sizeof(href), "/case/%s", referral->number);
    named_text(&page->view, "href", href);
    named_bool(&page->view, "focus", item == shown->focus);
    view_lamp(page, &lamp);
    view_window(page, &referral->clocks[REFERRAL_CLOCK_FEEDBACK]);
    view_instant(page, "sent", referral->submitted_ms);
    view_instant(page, "delivered", referral->delivered_ms);
    view_instant(page, "answered", referral->answered_ms);
    view_words(page, "needs", VOCABULARY_NEED, referral->needs);
    if (item->sending && !item->waiting &&
        copy_expected(page->agent, shown->read, &item->key, page->agent->copy) == OK) {
        /* what was sent is done, as far as it is this agency's to do; its time is the platform's */
        named_text(&page->view, "sending_state", page_sending(page));
    }
    named_text(&page->view, "state", page_state(page, referral));
    some_text(&page->view, "register", referral->register_number);
    view_open_documents(page, referral);
    view_answers(page, shown->read, item);
    view_links(page, referral, item->mine);
    json_object_end(&page->view);
}

static void view_cards(struct page *page, struct shown_case *shown)
{
    json_name(&page->view, "referrals");
    json_array_begin(&page->view);
    for (size_t i = 0; i < shown->count; i++) {
        if (!shown->items[i]->of_matter) {
            view_card(page, shown, shown->items[i]);
        }
    }
    json_array_end(&page->view);
}

static void view_matters(struct page *page, const struct shown_case *shown)
{
    json_name(&page->view, "matters");
    json_array_begin(&page->view);
    for (size_t i = 0; i < shown->count; i++) {
        const struct work_item *item = shown->items[i];
        char href[64];

        if (item->of_matter) {
            json_object_begin(&page->view);
            (void)snprintf(href, sizeof(href), "/matter/%s", item->number);
            named_text(&page->view, "href", href);
            named_text(&page->view, "number", item->number);
            named_text(&page->view, "kind", page_matter_kind(page, (enum matter_kind)item->kind));
            named_text(&page->view, "other", page_agency(page, item->other));
            named_bool(&page->view, "open", item->open);
            view_instant(page, "opened", item->opened_ms);
            json_object_end(&page->view);
        }
    }
    json_array_end(&page->view);
}

/* --- what the referral says --- */

/* The file of one material; nothing where none was named. */
static void view_file(struct page *page, const struct uuid *message_id, size_t material,
                      const struct attachment *files, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (files[i].material == material) {
            json_name(&page->view, "file");
            json_object_begin(&page->view);
            view_attachment(page, &files[i], message_id);
            json_object_end(&page->view);
            return;
        }
    }
}

static void view_materials(struct page *page, const struct referral_facts *facts,
                           const struct uuid *message_id)
{
    struct attachment *files = calloc(LIMIT_MATERIALS, sizeof(*files));
    size_t count = 0;

    if (files == NULL || attachments_of(page->agent, message_id, files, &count) != OK) {
        count = 0; /* the list goes without the files */
    }
    json_name(&page->view, "materials");
    json_array_begin(&page->view);
    for (size_t i = 0; i < facts->material_count; i++) {
        const struct material *material = &facts->materials[i];
        char size[32];

        json_object_begin(&page->view);
        named_text(&page->view, "kind", page_word(page, VOCABULARY_MATERIAL, material->kind));
        if (material->missing_reason != 0) {
            named_text(&page->view, "missing",
                       page_word(page, VOCABULARY_MISSING_REASON, material->missing_reason));
        } else {
            (void)snprintf(size, sizeof(size), "%.1f KB", (double)material->sealed_bytes / 1024.0);
            named_text(&page->view, "size", size);
            view_file(page, message_id, i, files, count);
        }
        json_object_end(&page->view);
    }
    json_array_end(&page->view);
    if (files != NULL) {
        crypto_wipe(files, LIMIT_MATERIALS * sizeof(*files));
    }
    free(files);
}

static void view_facts(struct page *page, const struct message *message)
{
    const struct referral_facts *facts = &message->referral;

    named_text(&page->view, "ground", page_word(page, VOCABULARY_GROUND, facts->ground));
    named_text(&page->view, "channel",
               page_word(page, VOCABULARY_LEAD_CHANNEL, facts->lead_channel));
    named_text(&page->view, "relation", page_word(page, VOCABULARY_RELATION, facts->relation));
    named_text(&page->view, "told", page_word(page, VOCABULARY_TOLD, facts->told));
    view_words(page, "measures", VOCABULARY_MEASURE, facts->measures);
    view_words(page, "minor_marks", VOCABULARY_MINOR_MARK, facts->minor_marks);
    named_bool(&page->view, "no_publicity", facts->no_publicity);
    view_materials(page, facts, &message->header.message_id);
}

static void view_texts(struct page *page, const struct body *body)
{
    const struct {
        const char *name, *text;
    } texts[] = {{"handler", body->officer},
                 {"circumstances", body->circumstances},
                 {"reasons", body->reasons},
                 {"advance_reason", body->advance_reason},
                 {"more", body->text}};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].text != NULL) {
            some_text(&page->view, texts[i].name, texts[i].text);
        }
    }
}

/* The last looks at the persons' details. */
static void view_looks(struct page *page, struct store_txn *read, const struct uuid *about)
{
    struct act act, last = {.kind = ACT_SENT};
    uint64_t position = 0;
    char at[PAGE_DAY_BYTES], text[512];

    while (act_next(read, about, position, &position, &act) == OK) {
        last = act.kind == ACT_REVEALED ? act : last;
    }
    if (last.kind == ACT_REVEALED) {
        page_instant_text(page, last.at_ms, at);
        (void)snprintf(text, sizeof(text), "%s，%s，%s", last.shown, at, last.reason);
        named_text(&page->view, "last_look", text);
    }
}

static void view_content(struct page *page, struct shown_case *shown)
{
    const struct uuid *message_id = &page->agent->copy->referral.message_id;
    struct message message;
    struct payload payload;
    struct region region;
    struct body body;
    struct row row;
    enum err error = row_find(shown->read, message_id, &row);

    region_init(&region, AGENT_REGION_BYTES);
    error = error == OK ? show_open_row(shown->read, &row, &region, &payload, &message) : error;
    if (error == OK) {
        char letter[64], id[UUID_TEXT_BYTES];

        view_facts(page, &message);
        view_amendments(page, shown->read, &row);
        uuid_format(&row.header.message_id, id);
        (void)snprintf(letter, sizeof(letter), "/letter/%s", id);
        named_text(&page->view, "letter", letter);
        error = show_open_body(page->agent, &(struct kept_body){shown->read, &row, &payload},
                               &region, &body);
    }
    if (error == OK) {
        view_texts(page, &body);
        view_persons(page, &body, &row.header.message_id);
    }
    region_wipe(&region);
}

/* --- the page --- */

static void view_focus(struct page *page, struct shown_case *shown)
{
    struct referral *referral;
    char to[160];

    if (!load(page, shown->read, shown->focus) || page->agent->copy->of_matter) {
        return;
    }
    referral = malloc(sizeof(*referral)); /* the copy's place is needed for others */
    if (referral == NULL) {
        return;
    }
    *referral = page->agent->copy->referral;
    view_content(page, shown);
    view_files(page, shown->read, &shown->focus->key.referral_id, &referral->message_id);
    view_looks(page, shown->read, &shown->focus->key.referral_id);
    (void)snprintf(to, sizeof(to), "%s", page_agency(page, referral->receiver));
    view_why(page, to, &referral->clocks[REFERRAL_CLOCK_FEEDBACK]);
    free(referral);
}

static void view_head(struct page *page, const struct work_item *item)
{
    char refer[128];

    view_person(page, &item->person);
    view_tags(page, item);
    named_text(&page->view, "number", item->number);
    named_text(&page->view, "case_number", item->case_number);
    named_bool(&page->view, "advance", item->advance);
    (void)snprintf(refer, sizeof(refer), "/refer/%s", item->case_number);
    named_text(&page->view, "refer_more", refer);
    (void)snprintf(refer, sizeof(refer), "/send/consultation/%s", item->number);
    named_text(&page->view, "consult", refer);
    (void)snprintf(refer, sizeof(refer), "/send/archive/%s", item->case_number);
    named_text(&page->view, "archive", refer);
    named_bool(&page->view, "procuratorate", page->agent->setup.self->class == CLASS_PROCURATORATE);
}

static void show_case_page(struct page *page, struct shown_case *shown)
{
    struct uuid about[CASE_ITEMS_MAX];

    page_begin(page, "inbox", N_("案件"));
    view_head(page, shown->focus);
    view_erased(page, shown->read, &shown->focus->key.case_id);
    view_cards(page, shown);
    view_matters(page, shown);
    view_focus(page, shown);
    for (size_t i = 0; i < shown->count; i++) {
        about[i] = shown->items[i]->key.referral_id;
    }
    view_timeline(page, shown->read, about, shown->count);
    named_u64(&page->view, "checked", page->agent->checkpoint.size);
    page_show(page, 200, "case");
}

void page_case(struct page *page)
{
    struct shown_case shown = {.count = 0};

    if (!page_needs(page, OFFICER_MEMBER | OFFICER_LEADER)) {
        return;
    }
    if (store_read_begin(page->agent->setup.store, &shown.read) != OK) {
        page_refuse(page, 503, N_("暂时无法显示，请稍后再试。"));
        return;
    }
    if (find(page, &shown)) {
        show_case_page(page, &shown);
    } else {
        page_refuse(page, 404, N_("本单位没有这个编号的案件。"));
    }
    store_read_end(shown.read);
}
