/* What happened in a case, newest first: each message and notice that this agency has, with its
 * officer where it was one of ours, and the acts that are accounted for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/web/web_parts.h"

#define EVENTS_MAX 500u

static const struct {
    enum message_kind kind;
    const char *zh;
    const char *class; /* of its mark */
} kinds[] = {
    {MESSAGE_OUTBOUND_REFERRAL, N_("移送社会救助线索"), ""},
    {MESSAGE_INBOUND_REFERRAL, N_("移送司法救助线索"), ""},
    {MESSAGE_SIGN_FOR, N_("签收"), "ok"},
    {MESSAGE_OUTBOUND_FEEDBACK, N_("反馈审查结果"), "ok"},
    {MESSAGE_INBOUND_FEEDBACK, N_("反馈救助意见"), "ok"},
    {MESSAGE_APPLICANT_INFORMED, N_("已告知申请人"), "ok"},
    {MESSAGE_PAPERS, N_("补充材料"), ""},
    {MESSAGE_WITHDRAWAL, N_("撤回"), ""},
    {MESSAGE_REJECTION, N_("退回补正"), "late"},
    {MESSAGE_INFORMATION_REQUEST, N_("请求提供信息"), ""},
    {MESSAGE_INFORMATION_REPLY, N_("提供信息"), "ok"},
    {MESSAGE_ASSISTANCE_REPORT, N_("救助落实情况"), "ok"},
    {MESSAGE_ESCALATION_REPLY, N_("督办回复"), ""},
    {MESSAGE_ARCHIVE, N_("归档"), "ok"},
    {MESSAGE_REOPEN, N_("重新启动"), ""},
    {MESSAGE_FOLLOW_UP_PLAN, N_("回访计划"), ""},
    {MESSAGE_FOLLOW_UP_REPORT, N_("回访报告"), "ok"},
    {MESSAGE_CONSULTATION, N_("工作会商"), ""},
    {MESSAGE_CONFERENCE, N_("个案会商"), ""},
    {MESSAGE_PROMISE_REPORT, N_("承诺事项办理"), "ok"},
    {MESSAGE_MEETING_NOTICE, N_("联席会议通知"), ""},
    {MESSAGE_MEETING_REPLY, N_("会议回执"), ""},
    {MESSAGE_HEARING_INVITATION, N_("听证邀请"), ""},
    {MESSAGE_HEARING_REPLY, N_("听证回执"), ""},
    {MESSAGE_HEARING_OPINION, N_("听证意见"), ""},
    {MESSAGE_ROSTER_CHANGE, N_("人员调整告知"), ""},
    {MESSAGE_ROSTER, N_("联络员名册"), ""},
    {MESSAGE_FUND_PLAN, N_("救助金监管计划"), ""},
    {MESSAGE_FUND_PAYMENT, N_("救助金支付"), "ok"},
    {MESSAGE_LETTER, N_("致协作单位函"), ""},
    {MESSAGE_LETTER_ANSWER, N_("协作单位回函"), ""},
    {MESSAGE_CORRECTION, N_("更正"), ""},
    {MESSAGE_DELIVERY_NOTICE, N_("送达"), "sys"},
    {MESSAGE_REMINDER, N_("到期提醒"), "sys"},
    {MESSAGE_ESCALATION, N_("督办"), "late"},
    {MESSAGE_RESOLVED, N_("督办销号"), "ok"},
    {MESSAGE_REDATING, N_("期限调整"), "sys"},
    {MESSAGE_RETURNED, N_("退回通知"), "late"},
};

const char *page_kind(const struct page *page, enum message_kind kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].kind == kind) {
            return tr(page, kinds[i].zh);
        }
    }
    return "";
}

static const char *class_of(const struct row *row)
{
    if (row->state == ROW_REFUSED || row->state == ROW_REJECTED) {
        return "late";
    }
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (kinds[i].kind == row->header.kind) {
            return kinds[i].class;
        }
    }
    return "";
}

struct event { /* one line: a row, or an act */
    uint64_t at_ms;
    uint64_t seq; /* rows of one instant keep their order */
    struct uuid about;
    uint64_t act_position; /* 0: a row */
};

struct events {
    struct event *list; /* EVENTS_MAX */
    size_t count;
};

/* --- gather --- */

static void add_rows(struct store_txn *read, const struct uuid *about, struct events *events)
{
    struct row row = {.seq = 0};

    while (events->count < EVENTS_MAX && row_of_referral(read, about, row.seq, &row) == OK) {
        if (row_is_shown(&row)) {
            events->list[events->count++] =
                (struct event){.at_ms = row.recorded_ms != 0 ? row.recorded_ms : row.at_ms,
                               .seq = row.seq,
                               .about = *about};
        }
    }
}

/* What was sent is a row already; here are the others. */
static void add_acts(struct store_txn *read, const struct uuid *about, struct events *events)
{
    struct act act;
    uint64_t position = 0;

    while (events->count < EVENTS_MAX && act_next(read, about, position, &position, &act) == OK) {
        if (act.kind != ACT_SENT) {
            events->list[events->count++] =
                (struct event){.at_ms = act.at_ms, .about = *about, .act_position = position};
        }
    }
}

static int newest_first(const void *a, const void *b)
{
    const struct event *first = a;
    const struct event *second = b;

    if (first->at_ms != second->at_ms) {
        return first->at_ms > second->at_ms ? -1 : 1;
    }
    return first->seq > second->seq ? -1 : first->seq < second->seq;
}

/* --- say --- */

/* Who of this agency sent it. */
static void view_sender(struct page *page, struct store_txn *read, const struct row *row)
{
    const struct message_header *header = &row->header;
    struct act act;

    if (act_find(read, &header->referral_id, ACT_SENT, &header->message_id, &act) == OK) {
        named_text(&page->view, "by", act.shown);
    }
}

static void view_notice(struct page *page, struct store_txn *read, const struct row *row)
{
    struct message message;
    struct payload payload;
    struct region region;
    enum rung rung;

    region_init(&region, AGENT_REGION_BYTES);
    if (show_open_row(read, row, &region, &payload, &message) == OK) {
        int32_t due;

        if (rung_parse(message.notice.rung, &rung) == OK) {
            const struct policy_name *name = &page->agent->setup.policy->names[rung];

            named_text(&page->view, "rung", page->language == LANGUAGE_EN ? name->en : name->zh);
        }
        some_text(&page->view, "document", message.notice.document_number);
        named_text(&page->view, "responsible", page_agency_of(page, message.notice.responsible));
        if (message.notice.due_date != 0 &&
            civil_from_yyyymmdd(message.notice.due_date, &due) == OK) {
            view_day(page, "due", due);
        }
    }
    region_free(&region);
}

static void view_state(struct page *page, const struct row *row)
{
    if (row->state == ROW_WAITING) {
        named_text(&page->view, "waiting", page_sending(page));
    } else if (row->state == ROW_REFUSED) {
        struct fault fault = {.code = ""};

        text_copy(fault.code, sizeof(fault.code), refusal_name((enum refusal)row->code));
        text_copy(fault.place, sizeof(fault.place), row->detail);
        page_reason(page, row->header.kind, &fault);
        named_text(&page->view, "refused", fault.message);
    } else if (row->state == ROW_REJECTED) {
        named_text(&page->view, "refused", page_word(page, VOCABULARY_REJECTION, row->code));
    }
}

static void view_row_event(struct page *page, struct store_txn *read, const struct row *row)
{
    const struct message_header *header = &row->header;
    const bool ours = row->direction == ROW_OUT;
    const bool notice = message_kind_from_broker(header->kind);
    char id[UUID_TEXT_BYTES], href[64];

    uuid_format(&header->message_id, id);
    named_text(&page->view, "class", class_of(row));
    named_text(&page->view, "kind", page_kind(page, header->kind));
    named_text(&page->view, "number", header->referral_number);
    named_bool(&page->view, "ours", ours);
    (void)snprintf(href, sizeof(href), "/message/%s", id);
    named_text(&page->view, "href", href);
    if (!notice) {
        named_text(&page->view, ours ? "to" : "from",
                   page_agency_of(page, ours ? header->recipient : header->sender));
    } else {
        view_notice(page, read, row);
    }
    if (ours) {
        view_sender(page, read, row);
    }
    view_state(page, row);
}

static const char *act_text(const struct page *page, enum act_kind kind)
{
    switch (kind) {
    case ACT_REVEALED:
        return tr(page, N_("查看申请人完整信息"));
    case ACT_DOWNLOADED:
        return tr(page, N_("下载材料"));
    case ACT_EXPORTED:
        return tr(page, N_("导出台账"));
    case ACT_READ:
        return tr(page, N_("已阅督办单"));
    case ACT_PRINTED:
        return tr(page, N_("打印文书"));
    case ACT_SEEN:
        return tr(page, N_("已阅来文"));
    case ACT_HANDLED:
        return tr(page, N_("已处理未被接受的文书"));
    case ACT_ERASED:
        return tr(page, N_("依法删除正文和附件"));
    case ACT_SENT:
        break;
    }
    return "";
}

static void view_act_event(struct page *page, struct store_txn *read, const struct event *event)
{
    struct act act;
    uint64_t position;

    if (act_next(read, &event->about, event->act_position - 1, &position, &act) == OK) {
        named_text(&page->view, "class", "sys");
        named_text(&page->view, "kind", act_text(page, act.kind));
        named_text(&page->view, "by",
                   act.kind == ACT_ERASED ? tr(page, N_("系统管理员")) : act.shown);
        some_text(&page->view, "reason", act.reason);
    }
}

static void view_event(struct page *page, struct store_txn *read, const struct event *event)
{
    struct row row;

    json_object_begin(&page->view);
    view_instant(page, "at", event->at_ms);
    if (event->act_position != 0) {
        view_act_event(page, read, event);
    } else if (row_get(read, ROW_OUT, event->seq, &row) == OK ||
               row_get(read, ROW_IN, event->seq, &row) == OK) {
        view_row_event(page, read, &row);
    }
    json_object_end(&page->view);
}

void view_timeline(struct page *page, struct store_txn *read, const struct uuid *about,
                   size_t count)
{
    struct events events = {.list = calloc(EVENTS_MAX, sizeof(struct event))};

    json_name(&page->view, "timeline");
    json_array_begin(&page->view);
    for (size_t i = 0; events.list != NULL && i < count; i++) {
        add_rows(read, &about[i], &events);
        add_acts(read, &about[i], &events);
    }
    if (events.list != NULL) {
        qsort(events.list, events.count, sizeof(*events.list), newest_first);
    }
    for (size_t i = 0; events.list != NULL && i < events.count; i++) {
        view_event(page, read, &events.list[i]);
    }
    json_array_end(&page->view);
    free(events.list);
}
