/* One message or notice, whole: from whom, to whom, when, what it says, what it answers, what was
 * answered to it, and how far it has come. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/bodies.h"
#include "agent/web/labels.h"
#include "agent/web/view_parts.h"
#include "wire/sealing.h"

#define ANSWERS_MAX  100u
#define HANDLED_PATH "/handled/"

/* --- reading --- */

bool row_open(const struct page *page, struct store_txn *read, const struct row *row,
              struct opened_row *opened)
{
    struct payload payload;

    memset(&opened->body, 0, sizeof(opened->body));
    opened->row = *row;
    opened->has_body = false;
    opened->erased = false;
    region_init(&opened->region, AGENT_REGION_BYTES);
    if (show_open_row(read, row, &opened->region, &payload, &opened->message) != OK) {
        return false;
    }
    opened->erased = opened->message.body_present && body_was_erased(&payload);
    opened->has_body = opened->message.body_present &&
                       show_open_body(page->agent, &(struct kept_body){read, row, &payload},
                                      &opened->region, &opened->body) == OK;
    return true;
}

void row_close(struct opened_row *opened)
{
    region_wipe(&opened->region);
    memset(&opened->body, 0, sizeof(opened->body));
}

/* --- who, when, how far --- */

static void add_name(struct page *page, const char *id)
{
    json_object_begin(&page->view);
    named_text(&page->view, "name", page_agency_of(page, id));
    json_object_end(&page->view);
}

/* All who get it. */
static void view_recipients(struct page *page, const struct message *message)
{
    const struct registry *registry = page->agent->setup.registry;

    json_name(&page->view, "to");
    json_array_begin(&page->view);
    add_name(page, message->header.recipient);
    for (size_t i = 0; i < registry_count(registry); i++) {
        const struct agency *agency = registry_at(registry, i);

        if (agency_set_has(&message->copies, agency->number)) {
            add_name(page, agency->id);
        }
    }
    json_array_end(&page->view);
}

static void view_state(struct page *page, const struct row *row)
{
    static const struct {
        const char *class, *text;
    } states[] = {
        [ROW_WAITING] = {"near", N_("已保存，正在发送")},
        [ROW_ACCEPTED] = {"done", N_("已发出，平台已登记")},
        [ROW_REFUSED] = {"late", N_("未被接受")},
        [ROW_RECEIVED] = {"done", N_("已收到")},
        [ROW_REJECTED] = {"late", N_("无法打开，已退回补正")},
    };

    json_name(&page->view, "state");
    json_object_begin(&page->view);
    named_text(&page->view, "class", states[row->state].class);
    named_bool(&page->view, states[row->state].class, true);
    named_text(&page->view, "text",
               row->state == ROW_WAITING ? page_sending(page) : tr(page, states[row->state].text));
    json_object_end(&page->view);
}

/* The label of the last name of a path: "facts.promises[2].by_date" is about a "by_date". */
static const char *label_of_path(const struct page *page, const char *path)
{
    const char *name = strrchr(path, '.');
    char field[64];
    const char *label;

    name = name != NULL ? name + 1 : path;
    (void)snprintf(field, sizeof(field), "%.*s", (int)strcspn(name, "[: "), name);
    label = label_of_field(NULL, field);
    return label != NULL ? tr(page, label) : "";
}

/* Why the other side, or the rules, did not take it. */
static void view_refusal(struct page *page, const struct row *row)
{
    struct fault fault = {.code = ""};

    if (row->state == ROW_REFUSED) {
        text_copy(fault.code, sizeof(fault.code), refusal_name((enum refusal)row->code));
        text_copy(fault.place, sizeof(fault.place), row->detail);
        page_reason(page, row->header.kind, &fault);
        named_text(&page->view, "refused", fault.message);
    } else if (row->state == ROW_REJECTED) {
        named_text(&page->view, "refused", page_word(page, VOCABULARY_REJECTION, row->code));
    } else {
        return;
    }
    some_text(&page->view, "refused_field", label_of_path(page, row->detail));
    some_text(&page->view, "refused_detail", row->detail);
}

/* Who of this agency dealt with it, or the way to say so. */
static void view_handled(struct page *page, struct store_txn *read, const struct row *row)
{
    const struct message_header *header = &row->header;
    char id[UUID_TEXT_BYTES], href[64];
    struct act act;

    if (!work_is_refused(row)) {
        return;
    }
    if (act_find(read, &header->referral_id, ACT_HANDLED, &header->message_id, &act) == OK) {
        named_text(&page->view, "handled_by", act.shown);
        view_instant(page, "handled_at", act.at_ms);
    } else if ((page_officer(page)->roles & OFFICER_MEMBER) != 0) {
        uuid_format(&header->message_id, id);
        (void)snprintf(href, sizeof(href), HANDLED_PATH "%s", id);
        named_text(&page->view, "handle", href);
    }
}

/* Who of this agency sent it. */
static void view_sender(struct page *page, struct store_txn *read, const struct row *row)
{
    const struct message_header *header = &row->header;
    struct act act;

    if (row->direction == ROW_OUT &&
        act_find(read, &header->referral_id, ACT_SENT, &header->message_id, &act) == OK) {
        named_text(&page->view, "by", act.shown);
    }
}

static void view_times(struct page *page, const struct row *row)
{
    view_instant(page, "made", row->header.created_ms);
    view_instant(page, "recorded", row->recorded_ms);
    if (row->direction == ROW_IN) {
        view_instant(page, "received", row->at_ms);
    }
}

/* --- what belongs to it --- */

static void view_link_to(struct page *page, const struct row *row)
{
    char id[UUID_TEXT_BYTES], href[64];

    uuid_format(&row->header.message_id, id);
    (void)snprintf(href, sizeof(href), "/message/%s", id);
    named_text(&page->view, "href", href);
    named_text(&page->view, "kind", page_kind(page, row->header.kind));
    named_text(&page->view, "from", page_agency_of(page, row->header.sender));
    view_instant(page, "at", row->recorded_ms != 0 ? row->recorded_ms : row->at_ms);
}

/* What it answers or corrects. */
static void view_refers(struct page *page, struct store_txn *read, const struct row *row)
{
    struct row earlier;

    if (!uuid_is_zero(&row->header.refers_to) &&
        row_find(read, &row->header.refers_to, &earlier) == OK && row_is_shown(&earlier)) {
        json_name(&page->view, "refers");
        json_object_begin(&page->view);
        view_link_to(page, &earlier);
        json_object_end(&page->view);
    }
}

/* What was said to it later. */
static void view_answers(struct page *page, struct store_txn *read, const struct row *row)
{
    struct row later = {.seq = 0};
    unsigned count = 0;

    json_name(&page->view, "answers");
    json_array_begin(&page->view);
    while (count < ANSWERS_MAX &&
           row_of_referral(read, &row->header.referral_id, later.seq, &later) == OK) {
        if (row_is_shown(&later) && uuid_equal(&later.header.refers_to, &row->header.message_id)) {
            json_object_begin(&page->view);
            view_link_to(page, &later);
            json_object_end(&page->view);
            count++;
        }
    }
    json_array_end(&page->view);
}

/* What was refused has no page, unless it is about something that is there. */
static bool has_place(const struct page *page, struct store_txn *read, const struct row *row)
{
    const struct case_key key = {.case_id = row->header.case_id,
                                 .referral_id = row->header.referral_id};

    return row->state != ROW_REFUSED ||
           (copy_load(read, &key, page->agent->copy) == OK && page->agent->copy->known);
}

static void view_place(struct page *page, struct store_txn *read, const struct row *row)
{
    const struct message_header *header = &row->header;
    const bool of_matter = page_number_is_matter(header->referral_number);
    char href[96], id[UUID_TEXT_BYTES];

    named_text(&page->view, "number", header->referral_number);
    named_bool(&page->view, "of_matter", of_matter);
    (void)snprintf(href, sizeof(href), of_matter ? "/matter/%s" : "/case/%s",
                   header->referral_number);
    named_text(&page->view, "place", has_place(page, read, row) ? href : "");
    if (header->case_number[0] != '\0') {
        (void)snprintf(href, sizeof(href), "/case/%s", header->case_number);
        named_text(&page->view, "case_number", header->case_number);
        named_text(&page->view, "case_href", href);
    }
    switch (header->kind) {
    case MESSAGE_OUTBOUND_REFERRAL:
    case MESSAGE_INBOUND_REFERRAL:
    case MESSAGE_OUTBOUND_FEEDBACK:
    case MESSAGE_INBOUND_FEEDBACK:
        uuid_format(&header->message_id, id);
        (void)snprintf(href, sizeof(href), "/letter/%s", id);
        named_text(&page->view, "letter", href);
        break;
    default:
        break;
    }
}

/* For those who check: where the record of it lies. */
static void view_technical(struct page *page, const struct row *row, const struct message *message)
{
    char digest[DIGEST_TEXT_BYTES];

    named_uuid(&page->view, "message_id", &row->header.message_id);
    named_uuid(&page->view, "case_id", &row->header.case_id);
    named_uuid(&page->view, "referral_id", &row->header.referral_id);
    if (row->recorded_ms != 0) {
        json_name(&page->view, "leaf");
        json_object_begin(&page->view);
        named_u64(&page->view, "index", row->leaf_index);
        json_object_end(&page->view);
    }
    if (row->direction == ROW_IN) {
        digest_format(&row->leaf_hash, digest);
        named_text(&page->view, "leaf_hash", digest);
    }
    if (message_kind_from_broker(row->header.kind) && message->notice.evidence.len > 0) {
        named_u64(&page->view, "evidence", message->notice.evidence.len);
    }
}

/* --- a notice --- */

/* The days of its window, drawn where the calendar that computed them is still in force; the days
 * that it lists itself stand below in any case. */
static void view_computation(struct page *page, const struct notice_facts *facts)
{
    struct window window = {.start_ms = facts->arrival_ms,
                            .n = facts->working_days,
                            .due_before_ms = facts->due_before_ms,
                            .provisional = facts->provisional};

    if (facts->working_days == 0 || facts->arrival_ms == 0 || facts->due_date == 0 ||
        civil_from_yyyymmdd(facts->due_date, &window.due_day) != OK ||
        strcmp(facts->calendar_version, calendar_version(page->agent->setup.calendar)) != 0) {
        return;
    }
    window.basis = strcmp(facts->reason, "floor") == 0  ? BASIS_FLOOR
                   : strcmp(facts->reason, "kept") == 0 ? BASIS_KEPT
                                                        : BASIS_CALENDAR;
    view_why(page, page_agency_of(page, facts->responsible), &window);
}

/* --- the page --- */

static void view_opened(struct page *page, struct store_txn *read, struct opened_row *opened)
{
    const struct message *message = &opened->message;

    view_recipients(page, message);
    view_fields(page, read, message, opened->has_body ? &opened->body : NULL);
    named_bool(&page->view, "sealed",
               message->body_present && !opened->has_body && !opened->erased);
    if (opened->erased) {
        view_erased(page, read, &message->header.case_id);
    }
    if (opened->has_body && opened->body.person_count > 0) {
        named_text(&page->view, "back", "message");
        view_persons(page, &opened->body, &message->header.message_id);
    }
    view_attachments(page, &message->header.message_id);
    if (message_kind_from_broker(message->header.kind)) {
        view_computation(page, &message->notice);
    }
    view_technical(page, &opened->row, message);
}

static void show_row_page(struct page *page, struct store_txn *read, const struct row *row)
{
    const bool notice = message_kind_from_broker(row->header.kind);
    struct opened_row opened;

    page_begin(page, "inbox", N_("文书"));
    named_text(&page->view, "kind", page_kind(page, row->header.kind));
    named_bool(&page->view, "from_platform", notice);
    named_text(&page->view, "from", page_agency_of(page, row->header.sender));
    view_state(page, row);
    view_refusal(page, row);
    view_handled(page, read, row);
    view_sender(page, read, row);
    view_times(page, row);
    view_place(page, read, row);
    view_refers(page, read, row);
    view_answers(page, read, row);
    if (row_open(page, read, row, &opened)) {
        view_opened(page, read, &opened);
    } else {
        named_bool(&page->view, "sealed", true);
    }
    row_close(&opened);
    page_show(page, 200, "message");
}

void page_message(struct page *page)
{
    struct store_txn *read;
    struct uuid id;
    struct row row;
    bool known = false;

    if (!page_needs(page, OFFICER_MEMBER | OFFICER_LEADER)) {
        return;
    }
    if (store_read_begin(page->agent->setup.store, &read) != OK) {
        page_refuse(page, 503, N_("暂时无法显示，请稍后再试。"));
        return;
    }
    if (uuid_parse(page->tail, &id) == OK && row_find(read, &id, &row) == OK &&
        row_is_shown(&row)) {
        show_row_page(page, read, &row);
        known = true;
    } else {
        page_refuse(page, 404, N_("本单位没有这份文书。"));
    }
    store_read_end(read);
    if (known) {
        page_saw(page,
                 &(struct case_key){.case_id = row.header.case_id,
                                    .referral_id = row.header.referral_id},
                 &id);
    }
}

/* --- dealt with --- */

/* OK: its act is to be written; ERR_EXISTS: there is one. */
static enum err find_refused(struct page *page, struct row *row)
{
    struct store_txn *read;
    struct uuid id;
    struct act act;
    enum err error = uuid_parse(page->tail, &id) == OK ? OK : ERR_NOT_FOUND;

    if (error == OK) {
        error = store_read_begin(page->agent->setup.store, &read);
    }
    if (error != OK) {
        return error;
    }
    error = row_find(read, &id, row);
    if (error == OK && !work_is_refused(row)) {
        error = ERR_NOT_FOUND;
    }
    if (error == OK) {
        error = act_find(read, &row->header.referral_id, ACT_HANDLED, &id, &act);
        error = error == OK ? ERR_EXISTS : error == ERR_NOT_FOUND ? OK : error;
    }
    store_read_end(read);
    return error;
}

void page_handled(struct page *page)
{
    struct act act = {.kind = ACT_HANDLED};
    struct row row;
    enum err error;

    if (!page_needs(page, OFFICER_MEMBER)) {
        return;
    }
    error = find_refused(page, &row);
    if (error == OK) {
        const struct case_key key = {.case_id = row.header.case_id,
                                     .referral_id = row.header.referral_id};

        act.about = row.header.referral_id;
        act.message_id = row.header.message_id;
        error = page_act(page, &act);
        if (error == OK) {
            web_changed(page->web, &key);
        }
    }
    if (error == OK || error == ERR_EXISTS) { /* two pressed it */
        page_notice(page, N_("已标记为处理完毕，不再列入待办。"));
        page_go(page, "/");
    } else if (error == ERR_NOT_FOUND) {
        page_refuse(page, 404, N_("本单位没有这份文书。"));
    } else {
        page_refuse(page, 503, N_("暂时无法保存，请稍后再试。"));
    }
}
