/* A numbered supervision sheet (督办单) as the broker raised it: who must do what, why, by which
 * count, who was told, what was replied, what comes next. It prints on one page and carries no data
 * of an applicant: the broker has none. That an officer opened it is an act, once for each. */
#include <stdio.h>
#include <string.h>

#include "agent/web/web_parts.h"
#include "model/letter.h"
#include "wire/sealing.h"

#define DOCUMENT_CODE "联席办督"

struct sheet {
    struct store_txn *read;
    struct region region; /* of the notice */
    struct row notice;
    struct message message;
    enum rung rung;
    struct row resolved;
    bool is_resolved;
    const struct window *window; /* of the copy; NULL: this agency has none */
    uint16_t waiting;            /* the agency that waits; 0: not known */
    bool of_matter;
    bool unsigned_yet; /* a referral that is here and was not signed for */
};

/* --- find --- */

static enum err open_notice(struct sheet *sheet, const struct row *row, struct region *region,
                            struct message *message)
{
    struct payload payload;

    return show_open_row(sheet->read, row, region, &payload, message);
}

static bool is_about(struct sheet *sheet, const struct row *row, const char *number)
{
    struct message message;
    struct region region;
    bool about = false;

    region_init(&region, AGENT_REGION_BYTES);
    if (open_notice(sheet, row, &region, &message) == OK) {
        about = strcmp(message.notice.document_number, number) == 0;
    }
    region_free(&region);
    return about;
}

static enum err find(struct page *page, struct sheet *sheet)
{
    struct row row = {.seq = 0};
    struct number number;
    struct case_key key;
    bool found = false;
    enum err error = number_parse(NUMBER_DOCUMENT, page->tail, &number);

    if (error == OK) {
        error = number_find(sheet->read, page->tail, &key);
    }
    while (error == OK) {
        error = row_of_referral(sheet->read, &key.referral_id, row.seq, &row);
        if (error == OK && !found && row.header.kind == MESSAGE_ESCALATION &&
            is_about(sheet, &row, page->tail)) {
            sheet->notice = row;
            found = true;
        } else if (error == OK && row.header.kind == MESSAGE_RESOLVED &&
                   is_about(sheet, &row, page->tail)) {
            sheet->resolved = row;
            sheet->is_resolved = true;
        }
    }
    return error != ERR_NOT_FOUND ? error : found ? OK : ERR_NOT_FOUND;
}

static void find_window(struct page *page, struct sheet *sheet)
{
    const struct message_header *header = &sheet->notice.header;
    const struct case_key key = {.case_id = header->case_id, .referral_id = header->referral_id};
    const struct notice_facts *facts = &sheet->message.notice;
    const struct copy *copy = page->agent->copy;

    if (copy_expected(page->agent, sheet->read, &key, page->agent->copy) != OK || !copy->known) {
        return;
    }
    sheet->of_matter = copy->of_matter;
    if (copy->of_matter) {
        const struct duty *duty = matter_duty(&copy->matter, facts->window);

        sheet->window = duty != NULL ? &duty->window : NULL;
        sheet->waiting = duty != NULL ? duty->waiting : 0;
        return;
    }
    sheet->unsigned_yet =
        copy->referral.state == REFERRAL_DELIVERED && (copy->referral.marks & MARK_SIGNED) == 0;
    for (unsigned clock = 0; clock < REFERRAL_CLOCK_COUNT; clock++) {
        const struct window *window = &copy->referral.clocks[clock];

        if (window->number == facts->window && rung_is_of(sheet->rung, window->kind) &&
            (clock >= TASK_COUNT || clock == (unsigned)facts->task)) {
            sheet->window = window;
            sheet->waiting = referral_waiting(&copy->referral, (enum referral_clock)clock);
            return;
        }
    }
}

/* --- what it is about --- */

static const char *rung_name(const struct page *page, enum rung rung)
{
    const struct policy_name *name = &page->agent->setup.policy->names[rung];

    return page->language == LANGUAGE_EN ? name->en : name->zh;
}

static const char *why_text(const struct page *page, const struct sheet *sheet)
{
    switch (rung_step_of(sheet->rung)) {
    case STEP_UNDELIVERED_1:
    case STEP_UNDELIVERED_2:
        return tr(page, N_("已发出，对方系统仍未接收"));
    case STEP_URGENT_1:
    case STEP_URGENT_2:
        return tr(page, N_("危及生命，送达后仍未办理"));
    case STEP_UNSIGNED_1:
    case STEP_UNSIGNED_2:
        return tr(page, N_("送达后仍未签收（《实施意见》第十条）"));
    default:
        break;
    }
    if (sheet->window != NULL && sheet->window->kind == CLOCK_FEEDBACK_OUTBOUND) {
        return tr(page, N_("期限届满，仍未反馈审查结果（《实施意见》第九条）"));
    }
    if (sheet->window != NULL && sheet->window->kind == CLOCK_FEEDBACK_INBOUND) {
        return tr(page, N_("期限届满，仍未反馈救助意见（《实施意见》第十一条）"));
    }
    return tr(page, N_("期限届满，仍未办结"));
}

static void view_what(struct page *page, struct sheet *sheet)
{
    const struct message_header *header = &sheet->notice.header;
    const struct notice_facts *facts = &sheet->message.notice;
    const struct agency *agency = registry_find(page->agent->setup.registry, facts->responsible);
    const struct work_item *item = worklist_find(page->web->worklist, &header->referral_id);
    char number[LETTER_NUMBER_BYTES], href[128];

    (void)!letter_document_number(DOCUMENT_CODE, page->tail, number);
    named_text(&page->view, "formal_number", number);
    named_text(&page->view, "document", page->tail);
    named_text(&page->view, "level", rung_name(page, sheet->rung));
    named_text(&page->view, "number", header->referral_number);
    (void)snprintf(href, sizeof(href), item != NULL && item->of_matter ? "/matter/%s" : "/case/%s",
                   header->referral_number);
    if (item != NULL) {
        named_text(&page->view, "about", href);
        view_tags(page, item);
    }
    named_text(&page->view, "responsible", page_agency_of(page, facts->responsible));
    if (agency != NULL) {
        named_text(&page->view, "section",
                   page->language == LANGUAGE_EN ? agency->office_en : agency->office_zh);
    }
    named_text(&page->view, "waiting", page_agency(page, sheet->waiting));
    named_bool(&page->view, "of_matter", sheet->of_matter);
    if (rung_step_of(sheet->rung) <= STEP_DUE_3) {
        named_text(&page->view, "task", page_word(page, VOCABULARY_TASK, facts->task));
    }
    named_text(&page->view, "cause", why_text(page, sheet));
}

/* --- the count --- */

struct run { /* days of one holiday, one after the other */
    const char *name;
    int32_t first, last;
};

static void day_short(const struct page *page, int32_t day, char out[PAGE_DAY_BYTES])
{
    const struct civil_date date = civil_date_of(day);

    (void)snprintf(out, PAGE_DAY_BYTES, page->language == LANGUAGE_EN ? "%d/%d" : "%d月%d日",
                   date.month, date.day);
}

static void append_run(const struct page *page, const struct run *run, struct buf *text)
{
    const bool english = page->language == LANGUAGE_EN;
    char first[PAGE_DAY_BYTES], last[PAGE_DAY_BYTES];

    if (run->name == NULL) {
        return;
    }
    day_short(page, run->first, first);
    day_short(page, run->last, last);
    (void)!buf_printf(text, "%s%s %s%s%s", text->len > 0 ? (english ? "; " : "；") : "", run->name,
                      first, run->first != run->last ? "—" : "",
                      run->first != run->last ? last : "");
}

static void append_days(const struct page *page, const struct notice_facts *facts,
                        enum trace_kind kind, struct buf *text)
{
    struct run run = {.name = NULL};

    for (size_t i = 0; i < facts->trace_count; i++) {
        const struct trace_day *day = &facts->trace[i];
        int32_t at;

        if (day->kind != (uint32_t)kind || civil_from_yyyymmdd(day->date, &at) != OK) {
            continue;
        }
        if (run.name != NULL && strcmp(run.name, day->name) == 0 && run.last + 1 == at) {
            run.last = at;
            continue;
        }
        append_run(page, &run, text);
        run = (struct run){.name = day->name, .first = at, .last = at};
    }
    append_run(page, &run, text);
}

static void view_days(struct page *page, const char *name, const struct notice_facts *facts,
                      enum trace_kind kind)
{
    struct buf text;

    buf_init(&text, 16384);
    append_days(page, facts, kind, &text);
    if (text.len > 0 && buf_append(&text, "", 1) == OK) {
        named_text(&page->view, name, (const char *)text.data);
    }
    buf_free(&text);
}

static void view_count(struct page *page, const struct sheet *sheet)
{
    const struct notice_facts *facts = &sheet->message.notice;
    uint64_t weekends = 0;
    struct lateness lateness;
    int32_t due;

    view_instant(page, "arrival", facts->arrival_ms);
    view_instant(page, "fell_due", facts->fell_due_ms);
    if (facts->working_days == 0 || facts->due_date == 0 ||
        civil_from_yyyymmdd(facts->due_date, &due) != OK) {
        return;
    }
    for (size_t i = 0; i < facts->trace_count; i++) {
        weekends += facts->trace[i].kind == TRACE_WEEKEND ? 1 : 0;
    }
    lateness =
        window_lateness(page->agent->setup.calendar, facts->due_before_ms, facts->fell_due_ms);
    json_name(&page->view, "count");
    json_object_begin(&page->view);
    named_u64(&page->view, "days", facts->working_days);
    view_day(page, "due", due);
    named_u64(&page->view, "weekends", weekends);
    view_days(page, "holidays", facts, TRACE_HOLIDAY);
    view_days(page, "make_ups", facts, TRACE_MAKE_UP);
    named_u64(&page->view, "late_days", lateness.working_days);
    some_text(&page->view, "version", facts->calendar_version);
    named_bool(&page->view, "provisional", facts->provisional);
    json_object_end(&page->view);
}

/* --- who was told --- */

static void append_role(const struct page *page, uint32_t role, struct buf *text)
{
    (void)!buf_append_text(text,
                           text->len > 0 ? (page->language == LANGUAGE_EN ? ", " : "、") : "");
    (void)!buf_append_text(text, page_word(page, VOCABULARY_ROLE, role));
}

/* Who of this agency opened it, and when; `none` when nobody did. */
static void view_reads(struct page *page, struct sheet *sheet)
{
    struct act act;
    uint64_t position = 0;

    json_name(&page->view, "reads");
    json_array_begin(&page->view);
    while (act_next(sheet->read, &sheet->notice.header.referral_id, position, &position, &act) ==
           OK) {
        if (act.kind == ACT_READ && uuid_equal(&act.message_id, &sheet->notice.header.message_id)) {
            json_object_begin(&page->view);
            named_text(&page->view, "who", act.shown);
            view_instant(page, "when", act.at_ms);
            json_object_end(&page->view);
        }
    }
    json_array_end(&page->view);
}

static void view_told(struct page *page, struct sheet *sheet, uint16_t agency, uint32_t roles)
{
    const bool own = agency == page->agent->setup.self->number;
    struct buf text;

    if (roles == 0 || agency == 0) {
        return;
    }
    buf_init(&text, 1024);
    for (uint32_t role = 1; role <= ROLE_SENDER; role <<= 1) {
        if ((roles & role) != 0) {
            append_role(page, role, &text);
        }
    }
    json_object_begin(&page->view);
    named_text(&page->view, "agency", page_agency(page, agency));
    if (buf_append(&text, "", 1) == OK) {
        named_text(&page->view, "roles", (const char *)text.data);
    }
    view_instant(page, "sent", sheet->notice.recorded_ms);
    named_bool(&page->view, "own", own);
    if (own) {
        view_reads(page, sheet);
    }
    json_object_end(&page->view);
    buf_free(&text);
}

static uint32_t if_target(uint32_t targets, enum rung_target target, uint32_t roles)
{
    return (targets & (uint32_t)target) != 0 ? roles : 0;
}

/* By the ladder of the policy, which all of a city share: the broker tells just those. */
static void view_audience(struct page *page, struct sheet *sheet)
{
    const struct registry *registry = page->agent->setup.registry;
    const uint32_t targets = page->agent->setup.policy->ladder.rungs[sheet->rung].targets;
    const struct agency *agency = registry_find(registry, sheet->message.notice.responsible);
    const uint16_t responsible = agency != NULL ? agency->number : 0;
    const uint16_t office = registry_office(registry)->number;
    const uint16_t waiting = sheet->waiting != responsible ? sheet->waiting : 0;
    uint32_t of_responsible = if_target(targets, TARGET_LIAISON, ROLE_LIAISON) |
                              if_target(targets, TARGET_LEADER, ROLE_LEADER) |
                              if_target(targets, TARGET_DUTY, ROLE_DUTY_CONTACT);
    uint32_t of_waiting = if_target(targets, TARGET_SENDER, ROLE_SENDER) |
                          if_target(targets, TARGET_SENDER_LEADER, ROLE_SENDER | ROLE_LEADER);
    uint32_t of_office = if_target(targets, TARGET_OFFICE, ROLE_OFFICE) |
                         if_target(targets, TARGET_AGENDA, ROLE_OFFICE) |
                         if_target(targets, TARGET_ADMINISTRATORS, ROLE_ADMINISTRATORS);

    if (office == responsible) {
        of_responsible |= of_office;
        of_office = 0;
    } else if (office == waiting) {
        of_waiting |= of_office;
        of_office = 0;
    }
    json_name(&page->view, "told");
    json_array_begin(&page->view);
    view_told(page, sheet, responsible, of_responsible);
    view_told(page, sheet, waiting, of_waiting);
    view_told(page, sheet, office, of_office);
    json_array_end(&page->view);
}

/* --- replies --- */

static void view_reply(struct page *page, struct sheet *sheet, const struct row *row, bool *ret_any)
{
    struct message message;
    struct payload payload;
    struct region region;
    struct body body;

    region_init(&region, AGENT_REGION_BYTES);
    if (show_open_row(sheet->read, row, &region, &payload, &message) == OK &&
        strcmp(message.escalation_reply.document_number, page->tail) == 0) {
        *ret_any = true;
        json_object_begin(&page->view);
        named_text(&page->view, "from", page_agency_of(page, row->header.sender));
        view_instant(page, "at", row->recorded_ms != 0 ? row->recorded_ms : row->at_ms);
        named_text(&page->view, "answer",
                   page_word(page, VOCABULARY_ESCALATION_ANSWER, message.escalation_reply.answer));
        named_bool(&page->view, "waits", row->state == ROW_WAITING);
        named_bool(&page->view, "refused", row->state == ROW_REFUSED);
        if (message.body_present &&
            show_open_body(page->agent, &(struct kept_body){sheet->read, row, &payload}, &region,
                           &body) == OK) {
            some_text(&page->view, "text", body.text != NULL ? body.text : "");
            some_text(&page->view, "officer", body.officer != NULL ? body.officer : "");
        }
        json_object_end(&page->view);
    }
    region_wipe(&region);
}

static void view_replies(struct page *page, struct sheet *sheet)
{
    struct row row = {.seq = 0};
    bool any = false;

    json_name(&page->view, "replies");
    json_array_begin(&page->view);
    while (row_of_referral(sheet->read, &sheet->notice.header.referral_id, row.seq, &row) == OK) {
        if (row.header.kind == MESSAGE_ESCALATION_REPLY) {
            view_reply(page, sheet, &row, &any);
        }
    }
    json_array_end(&page->view);
    named_bool(&page->view, "any_reply", any);
}

/* --- what comes --- */

static void view_next(struct page *page, const struct sheet *sheet)
{
    const struct ladder *ladder = &page->agent->setup.policy->ladder;
    enum rung next;
    uint64_t due_ms;

    if (sheet->is_resolved || sheet->window == NULL || sheet->window->stopped_ms != 0 ||
        !rung_next(ladder, page->agent->setup.calendar, sheet->window, &next, &due_ms)) {
        return;
    }
    json_name(&page->view, "next");
    json_object_begin(&page->view);
    named_text(&page->view, "level", rung_name(page, next));
    view_instant(page, "when", due_ms);
    named_bool(&page->view, "agenda", (ladder->rungs[next].targets & TARGET_AGENDA) != 0);
    json_object_end(&page->view);
}

static void view_links(struct page *page, const struct sheet *sheet)
{
    const struct registry *registry = page->agent->setup.registry;
    const struct notice_facts *facts = &sheet->message.notice;
    const struct agency *agency = registry_find(registry, facts->responsible);
    const struct agency *self = page->agent->setup.self;
    char href[160];

    if ((page_officer(page)->roles & OFFICER_MEMBER) == 0 || agency == NULL ||
        registry_acting(registry, agency->number, page->now_ms) != self->number ||
        sheet->is_resolved) {
        return;
    }
    (void)snprintf(href, sizeof(href), "/send/escalation-reply/%s?document=%s",
                   sheet->notice.header.referral_number, page->tail);
    named_text(&page->view, "reply", href);
    if (sheet->unsigned_yet) {
        (void)snprintf(href, sizeof(href), "/send/sign-for/%s",
                       sheet->notice.header.referral_number);
        named_text(&page->view, "sign_now", href);
    }
    if (rung_step_of(sheet->rung) <= STEP_DUE_3 && facts->task == TASK_FEEDBACK &&
        sheet->window != NULL && sheet->window->stopped_ms == 0) {
        (void)snprintf(href, sizeof(href), "/send/feedback/%s",
                       sheet->notice.header.referral_number);
        named_text(&page->view, "answer_now", href);
    }
}

static void view_state(struct page *page, const struct sheet *sheet)
{
    const struct window *window = sheet->window;

    named_bool(&page->view, "resolved", sheet->is_resolved);
    if (sheet->is_resolved) {
        view_instant(page, "resolved_at", sheet->resolved.recorded_ms);
    } else if (window != NULL && window->stopped_ms == 0 && window->n != 0) {
        const struct lamp lamp = {.due_before_ms = window->due_before_ms,
                                  .due_day = window->due_day,
                                  .provisional = window->provisional};

        view_lamp(page, &lamp);
    }
}

/* --- the page --- */

static bool was_read(const struct page *page, struct sheet *sheet)
{
    const struct officer *officer = page_officer(page);
    struct act act;
    uint64_t position = 0;

    while (act_next(sheet->read, &sheet->notice.header.referral_id, position, &position, &act) ==
           OK) {
        if (act.kind == ACT_READ && strcmp(act.officer, officer->name) == 0 &&
            uuid_equal(&act.message_id, &sheet->notice.header.message_id)) {
            return true;
        }
    }
    return false;
}

/* Writes down that this officer opened it, the first time. */
static enum err note_read(struct page *page, struct sheet *sheet)
{
    struct act act = {.kind = ACT_READ};
    bool read;
    enum err error = store_read_begin(page->agent->setup.store, &sheet->read);

    if (error != OK) {
        return error;
    }
    error = find(page, sheet);
    read = error == OK && was_read(page, sheet);
    store_read_end(sheet->read);
    act.about = sheet->notice.header.referral_id;
    act.message_id = sheet->notice.header.message_id;
    return error != OK || read ? error : page_act(page, &act);
}

static enum err view_sheet(struct page *page, struct sheet *sheet)
{
    char raised[PAGE_DAY_BYTES];
    enum err error = open_notice(sheet, &sheet->notice, &sheet->region, &sheet->message);

    if (error == OK) {
        error = rung_parse(sheet->message.notice.rung, &sheet->rung);
    }
    if (error != OK) {
        return error;
    }
    find_window(page, sheet);
    page_begin(page, "inbox", N_("督办单"));
    named_text(&page->view, "body", "p-bare");
    page_day_text(page, civil_day_at(sheet->notice.recorded_ms), true, raised);
    named_text(&page->view, "raised", raised);
    view_what(page, sheet);
    view_count(page, sheet);
    view_audience(page, sheet);
    view_replies(page, sheet);
    view_next(page, sheet);
    view_state(page, sheet);
    view_links(page, sheet);
    return OK;
}

void page_document(struct page *page)
{
    struct sheet sheet = {.waiting = 0};
    enum err error;

    if (!page_needs(page, OFFICER_MEMBER | OFFICER_LEADER)) {
        return;
    }
    error = note_read(page, &sheet);
    if (error == OK) {
        error = store_read_begin(page->agent->setup.store, &sheet.read);
    }
    if (error == OK) {
        region_init(&sheet.region, AGENT_REGION_BYTES);
        error = view_sheet(page, &sheet);
        region_free(&sheet.region);
        store_read_end(sheet.read);
    }
    if (error == ERR_NOT_FOUND || error == ERR_INVALID) {
        page_refuse(page, 404, N_("没有这个页面。"));
    } else if (error != OK) {
        page_refuse(page, 503, N_("暂时无法显示，请稍后再试。"));
    } else {
        page_show(page, 200, "document");
    }
}
