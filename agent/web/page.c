/* The frame of every page, its answers, and what people read of days, words and agencies. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "agent/web/web_parts.h"
#include "base/log.h"
#include "model/calendar.h"

/* --- words --- */

const char *page_word(const struct page *page, enum vocabulary which, uint32_t value)
{
    const struct word *word = vocabulary_find(which, value);

    return word == NULL ? "" : page->language == LANGUAGE_EN ? word->en : word->zh;
}

static const char *name_of(const struct page *page, const struct agency *agency)
{
    return agency == NULL ? "" : page->language == LANGUAGE_EN ? agency->name_en : agency->name_zh;
}

const char *page_agency(const struct page *page, uint16_t number)
{
    return name_of(page, registry_by_number(page->agent->setup.registry, number));
}

const char *page_agency_of(const struct page *page, const char *id)
{
    return name_of(page, registry_find(page->agent->setup.registry, id));
}

/* --- days --- */

static const char *const weekdays_zh[] = {"",     "周一", "周二", "周三",
                                          "周四", "周五", "周六", "周日"};
static const char *const weekdays_en[] = {"", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

void page_day_text(const struct page *page, int32_t day, bool with_year, char out[PAGE_DAY_BYTES])
{
    const struct civil_date date = civil_date_of(day);
    int weekday = civil_weekday(day);

    if (page->language == LANGUAGE_EN) {
        char text[CIVIL_TEXT_BYTES];

        civil_format(day, text);
        (void)snprintf(out, PAGE_DAY_BYTES, "%s %s", weekdays_en[weekday], text);
    } else if (with_year) {
        (void)snprintf(out, PAGE_DAY_BYTES, "%d年%d月%d日（%s）", date.year, date.month, date.day,
                       weekdays_zh[weekday]);
    } else {
        (void)snprintf(out, PAGE_DAY_BYTES, "%d月%d日（%s）", date.month, date.day,
                       weekdays_zh[weekday]);
    }
}

/* The first instant of a day is 24:00 of the day before, as ends of time are said everywhere. */
static unsigned minutes_of(uint64_t instant_ms, int32_t *ret_day)
{
    const int32_t day = civil_day_at(instant_ms);
    const bool midnight = day > 0 && instant_ms == civil_start_ms(day);

    *ret_day = midnight ? day - 1 : day;
    return midnight ? 24 * 60 : (unsigned)((instant_ms - civil_start_ms(day)) / 60000);
}

void page_instant_text(const struct page *page, uint64_t instant_ms, char out[PAGE_DAY_BYTES])
{
    int32_t day;
    const unsigned minutes = minutes_of(instant_ms, &day);
    const struct civil_date date = civil_date_of(day);
    const bool this_year = date.year == civil_date_of(civil_day_at(page->now_ms)).year;
    char text[CIVIL_TEXT_BYTES];

    civil_format(day, text);
    if (page->language == LANGUAGE_EN) {
        (void)snprintf(out, PAGE_DAY_BYTES, "%s %02u:%02u", text, minutes / 60, minutes % 60);
    } else if (this_year) {
        (void)snprintf(out, PAGE_DAY_BYTES, "%d月%d日 %02u:%02u", date.month, date.day,
                       minutes / 60, minutes % 60);
    } else {
        (void)snprintf(out, PAGE_DAY_BYTES, "%d年%d月%d日 %02u:%02u", date.year, date.month,
                       date.day, minutes / 60, minutes % 60);
    }
}

void view_instant(struct page *page, const char *name, uint64_t instant_ms)
{
    char text[PAGE_DAY_BYTES];

    if (instant_ms != 0) {
        page_instant_text(page, instant_ms, text);
        named_text(&page->view, name, text);
    }
}

void view_day(struct page *page, const char *name, int32_t day)
{
    char text[PAGE_DAY_BYTES];
    bool other_year = civil_date_of(day).year != civil_date_of(civil_day_at(page->now_ms)).year;

    page_day_text(page, day, other_year, text);
    named_text(&page->view, name, text);
}

/* --- lamps --- */

static void days_text(const struct page *page, uint32_t days, bool late, char out[PAGE_DAY_BYTES])
{
    if (page->language == LANGUAGE_EN) {
        (void)snprintf(out, PAGE_DAY_BYTES, "%u working day%s %s", days, days == 1 ? "" : "s",
                       late ? "late" : "left");
    } else {
        (void)snprintf(out, PAGE_DAY_BYTES, "%s %u 个工作日", late ? "超期" : "剩", days);
    }
}

static void lamp_text(const struct page *page, const struct lamp *lamp, bool late,
                      char out[PAGE_DAY_BYTES])
{
    const struct calendar *calendar = page->agent->setup.calendar;
    const int32_t today = civil_day_at(page->now_ms);
    uint32_t left = calendar_count_working_days(calendar, today, lamp->due_day);
    uint32_t over = window_lateness(calendar, lamp->due_before_ms, page->now_ms).working_days;

    if (!late && left == 0) {
        text_copy(out, PAGE_DAY_BYTES, tr(page, N_("今日到期")));
    } else if (!late) {
        days_text(page, left, false, out);
    } else if (over == 0) {
        text_copy(out, PAGE_DAY_BYTES, tr(page, N_("超期不足 1 个工作日")));
    } else {
        days_text(page, over, true, out);
    }
}

static void stopped_text(const struct page *page, const struct lamp *lamp, char out[PAGE_DAY_BYTES])
{
    char days[PAGE_DAY_BYTES];

    if (!lamp->late) {
        text_copy(out, PAGE_DAY_BYTES, tr(page, N_("按期")));
    } else if (lamp->lateness_days == 0) {
        (void)snprintf(out, PAGE_DAY_BYTES, "%s%s", tr(page, N_("已办，")),
                       tr(page, N_("超期不足 1 个工作日")));
    } else {
        days_text(page, lamp->lateness_days, true, days);
        (void)snprintf(out, PAGE_DAY_BYTES, "%s%s", tr(page, N_("已办，")), days);
    }
}

static const char *lamp_class(const struct page *page, const struct lamp *lamp, bool late)
{
    const struct calendar *calendar = page->agent->setup.calendar;
    uint32_t left =
        calendar_count_working_days(calendar, civil_day_at(page->now_ms), lamp->due_day);

    return late ? "late" : left <= WORK_NEAR_DAYS ? "near" : "ok";
}

void view_lamp(struct page *page, const struct lamp *lamp)
{
    struct json_writer *view = &page->view;
    const bool late = lamp->due_before_ms <= page->now_ms;
    const char *class = "none";
    char text[PAGE_DAY_BYTES] = "";

    json_name(view, "lamp");
    json_object_begin(view);
    if (lamp->stopped_ms != 0) {
        class = "done";
        stopped_text(page, lamp, text);
    } else if (lamp->due_before_ms != 0) {
        class = lamp_class(page, lamp, late);
        lamp_text(page, lamp, late, text);
    }
    named_text(view, "class", class);
    named_bool(view, class, true); /* which of the icons */
    named_text(view, "text", text);
    if (lamp->due_before_ms != 0) {
        view_day(page, "due", lamp->due_day);
    }
    named_bool(view, "provisional", lamp->stopped_ms == 0 && lamp->provisional);
    json_object_end(view);
}

/* --- the frame --- */

static void view_today(struct page *page)
{
    const int32_t today = civil_day_at(page->now_ms);
    const struct calendar_day day = calendar_day_reason(page->agent->setup.calendar, today);
    const char *what = day.reason == DAY_WORKING   ? tr(page, N_("工作日"))
                       : day.reason == DAY_WEEKEND ? tr(page, N_("休息日"))
                       : day.reason == DAY_MAKE_UP ? tr(page, N_("调休上班"))
                                                   : day.name;
    char date[PAGE_DAY_BYTES], text[PAGE_DAY_BYTES + CALENDAR_NAME_BYTES + 2];

    page_day_text(page, today, true, date);
    (void)snprintf(text, sizeof(text), "%s %s", date, what);
    named_text(&page->view, "today", text);
}

static void view_officer(struct page *page)
{
    const struct agency *self = page->agent->setup.self;
    const struct officer *officer = page_officer(page);
    const char *office = page->language == LANGUAGE_EN ? self->office_en : self->office_zh;

    named_text(&page->view, "agency", name_of(page, self));
    if (officer == NULL) {
        named_bool(&page->view, "login", true);
        return;
    }
    named_text(&page->view, "department", officer->office[0] != '\0' ? officer->office : office);
    named_text(&page->view, "officer", officer->shown);
    named_bool(&page->view, "large", officer->large);
    named_text(&page->view, "csrf", page->session->csrf);
    named_bool(&page->view, "may_send", (officer->roles & OFFICER_MEMBER) != 0);
    named_bool(&page->view, "admin", (officer->roles & OFFICER_MANAGER) != 0);
    named_bool(&page->view, "may_read", (officer->roles & (OFFICER_MEMBER | OFFICER_LEADER)) != 0);
}

static void view_line_down(struct page *page)
{
    const uint64_t since_ms = page->agent->unreached_ms;
    char when[PAGE_DAY_BYTES], text[256];

    page_instant_text(page, since_ms != 0 ? since_ms : page->now_ms, when);
    (void)snprintf(text, sizeof(text), "%s %s %s", tr(page, N_("线路中断，自")), when,
                   tr(page, N_("起。仍可办理：提交的内容先保存在本单位，线路恢复后自动发送。")));
    named_text(&page->view, "offline", text);
}

/* What must be known on every page: the line is down, the broker is not believed. */
static void view_line(struct page *page)
{
    const struct agent *agent = page->agent;

    if (agent->distrust.text[0] != '\0') {
        static const char *const texts[] = {
            [RUNGS_FINE] = N_("平台回执核对不符，已暂停收发，请通知管理员。已填报的内容均已保存。"),
            [RUNGS_EARLY] =
                N_("平台发出的督办早于期限，已暂停收发，请通知管理员。已填报的内容均已保存。"),
            [RUNGS_MISSING] =
                N_("期限已过，平台应发的督办未到，已暂停收发，请通知管理员，并致电对方单"
                   "位核实。已填报的内容均已保存。")};

        named_text(&page->view, "offline", tr(page, texts[rungs_alarm(agent)]));
    } else if (agent->following.handing) {
        named_text(&page->view, "offline",
                   tr(page, N_("平台刚从备份恢复，正在自动核对：提交的内容会先保存，核对完毕后自动"
                               "发送，无需处理。")));
    } else if (page_line_down(page)) {
        view_line_down(page);
    }
}

/* --- what was sent --- */

bool page_line_down(const struct page *page)
{
    return !page->agent->connected || !page->agent->greeted;
}

const char *page_sending(const struct page *page)
{
    if (page->agent->distrust.text[0] != '\0') {
        return tr(page, N_("已保存，恢复收发后自动发送"));
    }
    return page_line_down(page) ? tr(page, N_("已保存，线路恢复后自动发送"))
                                : tr(page, N_("已保存，正在发送"));
}

/* `sending` (the text), `line_down`, and `generation`, from which on the script looks for a change.
 */
static void view_sending(struct page *page, const char *text)
{
    struct work_counts counts;

    worklist_counts(page->web->worklist, page->now_ms, &counts);
    named_text(&page->view, "sending", text);
    named_bool(&page->view, "line_down", page_line_down(page));
    named_u64(&page->view, "generation", counts.generation);
}

void page_sent(struct page *page, const struct uuid *message_id)
{
    page->session->sent = *message_id;
}

static void view_refusal(struct page *page, const struct row *row)
{
    struct fault fault = {.code = ""};
    char text[512];

    text_copy(fault.code, sizeof(fault.code), refusal_name((enum refusal)row->code));
    text_copy(fault.place, sizeof(fault.place), row->detail);
    page_reason(page, row->header.kind, &fault);
    (void)snprintf(text, sizeof(text), "%s%s", tr(page, N_("未被接受：")), fault.message);
    named_text(&page->view, "flash_error", text);
}

/* What is to be delivered is said to be for so long; then its case says it alone. */
#define DELIVERED_WITHIN_MS 60000u

#define SENT_ITEMS_MAX 256u /* of one case */

/* Of what was sent then or later; what is older is. */
static bool is_delivered(struct store_txn *read, const struct uuid *referral_id, uint64_t from_ms)
{
    struct row row = {.seq = 0};
    bool first = true;

    while (row_of_referral(read, referral_id, row.seq, &row) == OK) {
        if ((first && row.at_ms < from_ms) || row.header.kind == MESSAGE_DELIVERY_NOTICE) {
            return true;
        }
        first = false;
    }
    return false;
}

/* It went to several at once: all of them have it. */
static bool all_delivered(struct page *page, struct store_txn *read, const struct row *sent)
{
    const struct work_item *items[SENT_ITEMS_MAX];
    size_t count =
        worklist_of_case(page->web->worklist, &sent->header.case_id, items, SENT_ITEMS_MAX);

    for (size_t i = 0; i < count; i++) {
        if (items[i]->mine && !items[i]->of_matter &&
            !is_delivered(read, &items[i]->key.referral_id, sent->at_ms)) {
            return false;
        }
    }
    return count > 0;
}

/* False: there is more to come. */
static bool view_taken(struct page *page, struct store_txn *read, const struct row *row)
{
    const bool refers = row->header.kind == MESSAGE_OUTBOUND_REFERRAL ||
                        row->header.kind == MESSAGE_INBOUND_REFERRAL;

    if (refers && all_delivered(page, read, row)) {
        named_text(&page->view, "notice", tr(page, N_("已送达")));
    } else if (refers && page->now_ms < row->at_ms + DELIVERED_WITHIN_MS) {
        view_sending(page, tr(page, N_("已发出，对方收到后显示送达时间")));
        return false;
    } else {
        named_text(&page->view, "notice", tr(page, N_("已发出，平台已登记")));
    }
    return true;
}

static void view_sent(struct page *page)
{
    struct session *session = page->session;
    struct store_txn *read;
    struct row row;
    bool ended = true;
    enum err error;

    if (uuid_is_zero(&session->sent) || store_read_begin(page->agent->setup.store, &read) != OK) {
        return;
    }
    error = row_find(read, &session->sent, &row);
    if (error == OK && row.state == ROW_WAITING) {
        view_sending(page, page_sending(page));
        ended = false;
    } else if (error == OK && row.state == ROW_REFUSED) {
        view_refusal(page, &row);
    } else if (error == OK) {
        ended = view_taken(page, read, &row);
    }
    if (ended) {
        memset(&session->sent, 0, sizeof(session->sent));
    }
    store_read_end(read);
}

void page_begin(struct page *page, const char *nav, const char *title)
{
    char name[32];

    buf_clear(&page->text);
    json_writer_init(&page->view, &page->text);
    json_object_begin(&page->view);
    named_text(&page->view, "lang", language_tag(page->language));
    named_bool(&page->view, "english", page->language == LANGUAGE_EN);
    named_text(&page->view, "title", tr(page, title));
    if (nav[0] != '\0') {
        (void)snprintf(name, sizeof(name), "nav_%s", nav);
        named_bool(&page->view, name, true);
    }
    named_bool(&page->view, "demo", page->web->setup.demo);
    view_officer(page);
    if (page->session != NULL) {
        view_today(page);
        view_line(page);
    }
    if (page->session != NULL && page->session->notice[0] != '\0') {
        named_text(&page->view, "notice", page->session->notice);
        page->session->notice[0] = '\0';
    } else if (page->session != NULL) {
        view_sent(page);
    }
}

/* --- answers --- */

static void answer_plain(struct page *page, unsigned status, const char *text)
{
    page->answered = true;
    http_answer(page->exchange, &(struct http_response){.status = status,
                                                        .type = "text/plain; charset=utf-8",
                                                        .body = span_text(text)});
}

static enum err render(struct page *page, const char *template_name, struct buf *out)
{
    struct json *json;
    struct json_value root;
    struct fault fault = {.code = ""};
    enum err error;

    json_object_end(&page->view);
    error = json_writer_end(&page->view);
    if (error == OK) {
        error = json_open("view", span_buf(&page->text), &json, &fault);
    }
    if (error != OK) {
        return error;
    }
    root = json_root(json);
    error = template_render(page->web->templates, template_name, &root, page->language, out);
    json_free(json);
    return error;
}

void page_show(struct page *page, unsigned status, const char *template_name)
{
    struct buf out;
    enum err error;

    assert(!page->answered);
    buf_init(&out, WEB_VIEW_BYTES);
    error = render(page, template_name, &out);
    if (error != OK) {
        log_event(EVENT_PAGE_FAILED, "page %s cannot be made: %s", template_name, err_text(error));
        answer_plain(page, 500, "暂时无法显示，请稍后再试。");
    } else {
        page->answered = true;
        http_answer(page->exchange,
                    &(struct http_response){.status = status, .body = span_buf(&out)});
    }
    if (out.cap > 0) {
        crypto_wipe(out.data, out.cap);
    }
    buf_free(&out);
}

void page_go(struct page *page, const char *location)
{
    assert(!page->answered);
    page->answered = true;
    http_answer(page->exchange, &(struct http_response){.status = 303, .location = location});
}

void page_refuse(struct page *page, unsigned status, const char *text)
{
    page_begin(page, "", N_("无法打开"));
    named_text(&page->view, "text", tr(page, text));
    named_u64(&page->view, "status", status);
    page_show(page, status, "refuse");
}

/* RFC 6266: an ASCII name for old readers, the whole one percent-encoded. */
static void disposition_of(const char *name, char *out, size_t size)
{
    size_t at = (size_t)snprintf(out, size, "attachment; filename=\"file\"; filename*=UTF-8''");

    for (const uint8_t *byte = (const uint8_t *)name; *byte != '\0' && at + 4 < size; byte++) {
        bool plain = (*byte >= '0' && *byte <= '9') || (*byte >= 'a' && *byte <= 'z') ||
                     (*byte >= 'A' && *byte <= 'Z') || *byte == '.' || *byte == '-' || *byte == '_';

        at += (size_t)snprintf(out + at, size - at, plain ? "%c" : "%%%02X", *byte);
    }
}

void page_download(struct page *page, const char *type, const char *name, struct span bytes)
{
    char disposition[1024];

    assert(!page->answered);
    disposition_of(name, disposition, sizeof(disposition));
    page->answered = true;
    http_answer(page->exchange,
                &(struct http_response){
                    .status = 200, .type = type, .disposition = disposition, .body = bytes});
}

void page_data_begin(struct page *page)
{
    buf_clear(&page->text);
    json_writer_init(&page->view, &page->text);
    json_object_begin(&page->view);
}

void page_data_end(struct page *page, unsigned status)
{
    assert(!page->answered);
    json_object_end(&page->view);
    if (json_writer_end(&page->view) != OK) {
        answer_plain(page, 500, "");
        return;
    }
    page->answered = true;
    http_answer(page->exchange, &(struct http_response){.status = status,
                                                        .type = "application/json; charset=utf-8",
                                                        .body = span_buf(&page->text)});
}

void page_notice(struct page *page, const char *text)
{
    text_copy(page->session->notice, sizeof(page->session->notice), tr(page, text));
}

/* --- who --- */

const struct officer *page_officer(const struct page *page)
{
    return page->session != NULL ? &page->session->officer : NULL;
}

bool page_needs(struct page *page, uint32_t roles)
{
    const struct officer *officer = page_officer(page);

    if (officer != NULL && (officer->roles & roles) != 0) {
        return true;
    }
    page_refuse(page, 403, N_("您的账号没有这项权限，请联系本单位管理员。"));
    return false;
}
