/* The forms of the inbox as pages: with a draft or what is nearly always so, adding rows, judging,
 * and sending. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/web/form_page.h"
#include "base/log.h"

/* What a sheet asks for, to be filled in; left as it is it is nothing. */
#define SHEET_ANSWERS N_("原因：\n已采取的措施：\n预计办结日期：")

/* --- values --- */

/* From the address: "?duty=2", "?document=DB-2026-0012" of a link to the form. */
static enum err take_query(struct form_page *form)
{
    static const char *const names[][2] = {{"duty", "facts.duty"},
                                           {"document", "facts.document_number"},
                                           {"message", "refers_to"},
                                           {"link", "facts.link"}};
    enum err error = OK;

    for (size_t i = 0; error == OK && i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = http_query(form->page->request, names[i][0]);
        const struct http_field field = {names[i][1], value};

        if (value != NULL && value[0] != '\0' && strlen(value) < FORM_NAME_BYTES &&
            form_value(&form->values, names[i][1])[0] == '\0') {
            error = form_values_take(&form->values, form->layout, &field, 1);
        }
    }
    return error;
}

static enum err default_recipients(struct form_page *form)
{
    enum err error = OK;

    bool several = form_goes_to_several(form->layout->kind), any = false;

    for (size_t i = 0; error == OK && i < registry_count(form->rules.registry); i++) {
        const struct agency *agency = registry_at(form->rules.registry, i);
        bool only =
            form->layout->kind == MESSAGE_INBOUND_REFERRAL && agency->class == CLASS_PROCURATORATE;

        if ((only || agency_set_has(&form->usual, agency->number)) && (several || !any) &&
            form_may_send(&form->rules, form->layout->kind, agency)) {
            error = form_values_add(&form->values, "recipients", agency->id);
            any = true;
        }
    }
    return error;
}

static enum err default_money(struct form_page *form, const char *name, uint64_t fen)
{
    char text[32];

    (void)snprintf(text, sizeof(text), "%llu.%02u", (unsigned long long)(fen / 100),
                   (unsigned)(fen % 100));
    return form_values_add(&form->values, name, text);
}

/* Reports are mostly of today, and payments as they were planned. */
static enum err default_report(struct form_page *form)
{
    const enum message_kind kind = form->layout->kind;
    const struct matter *matter = &form->copy->matter;
    const struct window *clock = form_clock(form);
    char day[CIVIL_TEXT_BYTES];
    enum err error = OK;

    civil_format(form->rules.today, day);
    if (kind == MESSAGE_FUND_PAYMENT || kind == MESSAGE_ASSISTANCE_REPORT) {
        error = form_values_add(&form->values, "facts.date", day);
    }
    for (uint32_t i = 0; kind == MESSAGE_FUND_PAYMENT && i < matter->duty_count; i++) {
        const struct duty *duty = &matter->duties[i];

        if (error == OK && clock == &duty->window) {
            error = default_money(form, "facts.amount_fen", duty->amount_fen);
            if (error == OK && matter->fund_fen >= matter->paid_fen + duty->amount_fen) {
                error = default_money(form, "facts.balance_fen",
                                      matter->fund_fen - matter->paid_fen - duty->amount_fen);
            }
        }
    }
    return error;
}

/* Why this one follows the other. */
static enum err default_link(struct form_page *form)
{
    const bool sent_on = form->copy->known && form->copy->referral.outcome == OUTCOME_NOT_MY_DUTY;

    if (form->address.previous[0] == '\0' || form_value(&form->values, "facts.link")[0] != '\0') {
        return OK;
    }
    return form_values_add(
        &form->values, "facts.link",
        vocabulary_find(VOCABULARY_LINK, sent_on ? LINK_RE_REFERRAL : LINK_SUPPLEMENT)->id);
}

/* The first duty that waits, who tells, and the like: what is nearly always so. */
static enum err default_values(struct form_page *form)
{
    const struct window *clock = form_clock(form);
    struct form_place place;
    char number[12];
    enum err error = OK;

    if (form_find(form->layout, "recipients", &place)) {
        error = default_recipients(form);
    }
    if (error == OK && clock != NULL && form->copy->of_matter &&
        form_find(form->layout, "facts.duty", &place) &&
        form_value(&form->values, "facts.duty")[0] == '\0') {
        for (uint32_t i = 0; i < form->copy->matter.duty_count; i++) {
            if (&form->copy->matter.duties[i].window == clock) {
                (void)snprintf(number, sizeof(number), "%u", form->copy->matter.duties[i].number);
                error = form_values_add(&form->values, "facts.duty", number);
            }
        }
    }
    if (error == OK && form_find(form->layout, "body.told_by", &place)) {
        error = form_values_add(&form->values, "body.told_by", form->address.officer);
    }
    if (error == OK && form->layout->kind == MESSAGE_ROSTER) {
        error = form_default_roster(form);
    }
    if (error == OK) {
        error = default_link(form);
    }
    if (error == OK && form->purpose != NULL) {
        error = form_values_add(&form->values, "body.text", tr(form->page, form->purpose->text));
    }
    if (error == OK && form->layout->kind == MESSAGE_ESCALATION_REPLY) {
        error = form_values_add(&form->values, "body.text", tr(form->page, SHEET_ANSWERS));
    }
    return error == OK ? default_report(form) : error;
}

static enum err read_draft(struct form_page *form)
{
    struct buf json;
    enum err error;

    buf_init(&json, DRAFT_BYTES_MAX);
    error = draft_get(form->page->agent->setup.store, page_officer(form->page)->name, form->path,
                      &json, &form->restored_ms);
    if (error == OK) {
        error = form_values_read(&form->values, form->layout, span_buf(&json));
    }
    if (json.cap > 0) {
        crypto_wipe(json.data, json.cap);
    }
    buf_free(&json);
    return error;
}

static enum err fill(struct form_page *form)
{
    enum err error = read_draft(form);

    if (error != OK) {
        form->restored_ms = 0;
        error = take_query(form);
        if (error == OK) {
            error = default_values(form);
        }
        if (error == OK) {
            error = form_carry(form);
        }
    }
    return error;
}

/* As a browser posts lines, with CR LF. */
static bool same_lines(const char *posted, const char *text)
{
    for (; *posted != '\0' || *text != '\0'; posted++) {
        if (*posted == '\r') {
            continue;
        }
        if (*posted != *text) {
            return false;
        }
        text++;
    }
    return true;
}

enum err form_take_posted(struct form_page *form)
{
    const struct http_request *request = form->page->request;
    enum err error =
        form_values_take(&form->values, form->layout, request->form, request->form_count);

    if (error == OK && form->layout->kind == MESSAGE_ESCALATION_REPLY &&
        same_lines(form_value(&form->values, "body.text"), tr(form->page, SHEET_ANSWERS))) {
        form_values_remove(&form->values, "body.text");
    }
    return error;
}

/* What the purpose of the form says, whatever was posted; it goes to the other party. */
static enum err fix_purpose(struct form_page *form)
{
    const struct form_purpose *purpose = form->purpose;
    char id[UUID_TEXT_BYTES];
    enum err error;

    if (purpose == NULL) {
        return OK;
    }
    form_values_remove(&form->values, "recipients");
    error = form_values_set(&form->values, purpose->choice[0], purpose->choice[1]);
    if (error == OK && purpose->of_opening && form->copy->known && !form->copy->of_matter) {
        uuid_format(&form->copy->referral.message_id, id);
        error = form_values_set(&form->values, "refers_to", id);
    }
    return error;
}

static enum err fix(struct form_page *form)
{
    enum err error = form_fix(form->layout, &form->rules, &form->values);

    if (error == OK) {
        error = fix_purpose(form);
    }
    if (error == OK) {
        error = form_take_attachments(form);
    }
    return error == OK ? form_carry_whole(form) : error;
}

static struct form form_over(const struct form_page *form)
{
    return (struct form){.layout = form->layout, .address = &form->address, .values = &form->whole};
}

/* --- showing --- */

static enum err find_mandatory(struct form_page *form)
{
    const struct form over = form_over(form);
    struct form_place place;
    const bool by_outcome = form_find(form->layout, "facts.outcome", &place);
    enum err error = form_mandatory(&over, &form->rules, 0, &form->mandatory[0]);

    for (uint32_t outcome = 1; error == OK && by_outcome && outcome < OUTCOME_COUNT; outcome++) {
        bool inbound = outcome == OUTCOME_SUITABLE || outcome == OUTCOME_NOT_SUITABLE;

        if (inbound == (form->layout->kind == MESSAGE_INBOUND_FEEDBACK)) {
            error = form_mandatory(&over, &form->rules, outcome, &form->mandatory[outcome]);
        }
    }
    return error;
}

/* Who of the household is in the ledger already: by identity number. */
static void view_duplicates(struct form_page *form)
{
    struct page *page = form->page;

    json_name(&page->view, "duplicates");
    json_array_begin(&page->view);
    for (uint32_t row = 0; row < LIMIT_PERSONS; row++) {
        char name[FORM_NAME_BYTES];
        struct work_query query = {.list = WORK_LEDGER, .count = 3};
        struct work_result result;

        form_name("body.persons[].identity_number", row, name);
        query.text = form_value(&form->whole, name);
        if (strlen(query.text) != 18 ||
            worklist_query(page->web->worklist, &query, page->now_ms, &result) != OK) {
            continue;
        }
        for (size_t i = 0; i < result.count; i++) {
            char href[64];

            if (uuid_equal(&result.rows[i].item->key.case_id, &form->key.case_id)) {
                continue; /* the case of which this is a part */
            }
            (void)snprintf(href, sizeof(href), "/case/%s", result.rows[i].item->number);
            json_object_begin(&page->view);
            named_text(&page->view, "d_number", result.rows[i].item->number);
            named_text(&page->view, "d_href", href);
            json_object_end(&page->view);
        }
        free(result.rows);
    }
    json_array_end(&page->view);
}

static void once_token(char out[SESSION_ONCE_BYTES])
{
    uint8_t random[(SESSION_ONCE_BYTES - 1) / 2];

    crypto_random(random, sizeof(random));
    hex_encode(span_of(random, sizeof(random)), out);
}

static void view_token(struct form_page *form)
{
    const char *posted = http_form(form->page->request, "once");
    char token[SESSION_ONCE_BYTES];

    if (posted != NULL && strlen(posted) == SESSION_ONCE_BYTES - 1) {
        text_copy(token, sizeof(token), posted); /* the same form, shown again */
    } else {
        once_token(token);
    }
    named_text(&form->page->view, "once", token);
}

static void show(struct form_page *form, unsigned status)
{
    struct page *page = form->page;
    const bool refers = form_refers(form);

    if (fix(form) != OK || find_mandatory(form) != OK) {
        page_refuse(page, 503, N_("暂时无法显示，请稍后再试。"));
        return;
    }
    page_begin(page, refers ? "refer" : "inbox", form_title_of(form));
    named_bool(&page->view, "refers", refers);
    named_bool(&page->view, "has_aside", refers || form->number[0] != '\0');
    named_bool(&page->view, "is_new",
               refers && form->number[0] == '\0' &&
                   form_value(&form->values, "case_number")[0] == '\0' &&
                   form_value(&form->values, "previous")[0] == '\0');
    named_bool(&page->view, "carries", form->carries && form->restored_ms == 0);
    named_bool(&page->view, "is_feedback",
               form->layout->kind == MESSAGE_OUTBOUND_FEEDBACK ||
                   form->layout->kind == MESSAGE_INBOUND_FEEDBACK);
    named_bool(&page->view, "is_sign_for", form->layout->kind == MESSAGE_SIGN_FOR);
    view_token(form);
    form_about_view(form);
    if (form->restored_ms != 0) {
        view_instant(page, "restored", form->restored_ms);
    }
    form_view(form);
    if (refers) {
        form_view_recipients(form);
        view_duplicates(form);
    }
    named_bool(&page->view, "checked_now", form->checked && form->faults.count == 0);
    page_show(page, status, "form");
}

/* --- drafts --- */

static void keep_draft(struct form_page *form)
{
    const enum err error = form_save_draft(form);

    if (error == OK) {
        page_notice(form->page, N_("草稿已保存，只有您能看到，保留 30 天。"));
        page_go(form->page, form->path);
        return;
    }
    form_fault_add(&form->faults, "",
                   error == ERR_FULL ? N_("草稿已满 200 份，请先清理草稿。")
                                     : N_("草稿没有保存成功，请稍后再试。"));
    show(form, 503);
}

/* --- rows and choices that a button changes --- */

static const struct form_section *section_of_rows(const struct form_page *form, const char *rows)
{
    for (size_t i = 0; i < form->layout->count; i++) {
        if (form->layout->sections[i].rows != NULL &&
            strcmp(form->layout->sections[i].rows, rows) == 0) {
            return &form->layout->sections[i];
        }
    }
    return NULL;
}

static enum err add_row(struct form_page *form, const char *rows)
{
    const struct form_section *section = section_of_rows(form, rows);
    char name[FORM_NAME_BYTES];
    uint32_t row;

    if (section == NULL) {
        return OK;
    }
    row = form_rows(&form->values, form->layout->kind, section);
    if (row >= form_rows_max(form->layout->kind, section)) {
        return OK;
    }
    form_name(section->items[0].path, row > 0 ? row : 1, name);
    return form_values_add(&form->values, name, "");
}

static enum err drop_row(struct form_page *form, const char *what)
{
    struct form_place place;

    if (!form_find(form->layout, what, &place) || place.section->rows == NULL ||
        place.item != NULL) {
        return OK;
    }
    return form_drop_row(&form->values, place.section, place.row);
}

static void detach_row(struct form_page *form, const char *what)
{
    struct form_place place;

    if (form_find(form->layout, what, &place) && place.item != NULL &&
        place.item->widget == FORM_FILE) {
        form_detach(form, place.section, place.row);
    }
}

/* Whom the policy suggests for the needs that are ticked. */
static enum err suggest(struct form_page *form)
{
    struct policy_suggested list[LIMIT_AGENCIES];
    size_t words;
    const struct word *needs = vocabulary_words(VOCABULARY_NEED, &words);
    uint64_t asked = 0;
    enum err error = OK;
    size_t count;

    for (size_t i = 0; i < words; i++) {
        asked |= form_chosen(&form->values, "facts.needs", needs[i].id)
                     ? UINT64_C(1) << needs[i].value
                     : 0;
    }
    count =
        policy_suggest(form->rules.policy, form->rules.registry, asked, form->rules.today, list);
    for (size_t i = 0; error == OK && i < count; i++) {
        const struct agency *agency = registry_by_number(form->rules.registry, list[i].agency);

        if (agency != NULL && form_may_send(&form->rules, form->layout->kind, agency) &&
            !form_chosen(&form->values, "recipients", agency->id)) {
            error = form_values_add(&form->values, "recipients", agency->id);
        }
    }
    return error;
}

/* False: it is to be sent. */
static bool changed(struct form_page *form, const char *what)
{
    enum err error = OK;

    if (strncmp(what, "add:", 4) == 0) {
        error = add_row(form, what + 4);
    } else if (strncmp(what, "drop:", 5) == 0) {
        error = drop_row(form, what + 5);
    } else if (strncmp(what, "detach:", 7) == 0) {
        detach_row(form, what + 7);
    } else if (strcmp(what, "suggest") == 0) {
        error = suggest(form);
    } else if (strcmp(what, "draft") == 0) {
        keep_draft(form);
        return true;
    } else if (strcmp(what, "check") == 0) {
        const struct form over = form_over(form);

        form->checked = true;
        error = fix(form);
        error = error == OK && form->faults.count == 0
                    ? form_check(&over, &form->rules, &form->faults)
                    : error;
    } else {
        return false;
    }
    if (error != OK) {
        page_refuse(form->page, 503, N_("暂时无法保存，请稍后再试。"));
    } else {
        show(form, 200);
    }
    return true;
}

/* --- sending --- */

/* The case of a new referral, the referral, or the matter. */
static void location_of(struct form_page *form, const struct uuid *message_id, char *out,
                        size_t size)
{
    struct store_txn *read;
    struct row row;

    text_copy(out, size, "/");
    if (store_read_begin(form->page->agent->setup.store, &read) != OK) {
        return;
    }
    if (row_find(read, message_id, &row) == OK) {
        const struct message_header *header = &row.header;
        bool of_matter = strstr(header->referral_number, "-SX-") != NULL;

        (void)snprintf(out, size, of_matter ? "/matter/%s" : "/case/%s", header->referral_number);
    }
    store_read_end(read);
}

static void sent(struct form_page *form, const struct uuid *message_id)
{
    struct page *page = form->page;
    const char *token = http_form(page->request, "once");
    char location[SESSION_LOCATION_BYTES];

    location_of(form, message_id, location, sizeof(location));
    session_once_put(page->session, token, location);
    if (draft_remove(page->agent->setup.store, page_officer(page)->name, form->path) != OK) {
        log_event(EVENT_PAGE_FAILED, "a draft could not be removed after its form was sent");
    }
    page_sent(page, message_id);
    page_go(page, location);
}

/* What the rules of the referral or matter itself say: one fault, at its field or on top. */
static void refuse_sending(struct form_page *form, const struct form_map *map, enum err error,
                           const struct fault *fault)
{
    const struct form over = form_over(form);
    char name[FORM_NAME_BYTES];
    struct form_fault *last;

    if (error != ERR_INVALID && error != ERR_REFUSED && error != ERR_FULL &&
        error != ERR_TOO_LARGE) {
        form_fault_add(&form->faults, "", N_("没有提交成功，填写的内容都在，请稍后再试。"));
        show(form, 503);
        return;
    }
    if (!form_locate(&over, map, fault->place, name)) {
        name[0] = '\0';
    }
    if (form_is_settled(form) != NULL) {
        form_fault_add(&form->faults, "", form_is_settled(form));
    } else if (strcmp(name, "recipients") == 0 && form_value(&form->values, name)[0] == '\0') {
        form_fault_add(&form->faults, name, N_("请至少选择一个接收单位"));
    } else {
        form_fault_add(&form->faults, name, NULL);
        last = &form->faults.list[form->faults.count - 1]; /* the first one: there is room */
        text_copy(last->said, sizeof(last->said), fault->message);
    }
    show(form, 422);
}

static enum err write_and_send(struct form_page *form, struct form_map *map, struct uuid *ret_id,
                               struct fault *fault)
{
    const struct form over = form_over(form);
    struct buf json;
    enum err error;

    buf_init(&json, LIMIT_JSON_BYTES);
    memset(fault, 0, sizeof(*fault));
    error = form_write(&over, &json, map, &form->faults);
    if (error == OK) {
        error = page_send(form->page, span_buf(&json), ret_id, fault);
    }
    if (json.cap > 0) {
        crypto_wipe(json.data, json.cap);
    }
    buf_free(&json);
    return error;
}

static void send(struct form_page *form)
{
    const struct form over = form_over(form);
    struct form_map *map = calloc(1, sizeof(*map));
    struct fault fault = {.code = ""};
    struct uuid id;
    enum err error = map == NULL ? ERR_MEMORY : fix(form);

    memset(&id, 0, sizeof(id));
    if (error == OK && form->faults.count == 0) { /* of a file that is gone */
        error = form_check(&over, &form->rules, &form->faults);
    }
    if (error == OK && form->faults.count > 0) {
        show(form, 422);
    } else if (error != OK) {
        page_refuse(form->page, 503, N_("没有提交成功，填写的内容都在，请稍后再试。"));
    } else {
        error = write_and_send(form, map, &id, &fault);
        if (error == OK) {
            sent(form, &id);
        } else {
            refuse_sending(form, map, error, &fault);
        }
    }
    free(map);
}

static void posted(struct form_page *form)
{
    struct page *page = form->page;
    const char *what = http_form(page->request, "do");
    const char *before = session_once_find(page->session, http_form(page->request, "once"));

    if (what == NULL && before != NULL) {
        page_go(page, before); /* before its files are attached a second time */
    } else if (form_take_posted(form) != OK || form_take_uploads(form) != OK) {
        page_refuse(page, 503, N_("没有提交成功，填写的内容都在，请稍后再试。"));
    } else if (form->faults.count > 0) { /* a file was refused */
        show(form, 422);
    } else if (what == NULL || !changed(form, what)) {
        if (before != NULL) {
            page_go(page, before); /* pressed twice, or sent again by going back */
        } else {
            send(form);
        }
    }
}

void page_form(struct page *page)
{
    struct form_page *form;
    char address[DRAFT_ADDRESS_MAX];

    if (!page_needs(page, OFFICER_MEMBER)) {
        return;
    }
    form_address_of(page->request, address);
    form = form_page_new(page);
    if (form == NULL) {
        page_refuse(page, 503, N_("暂时无法显示，请稍后再试。"));
        return;
    }
    if (form_open(form, address)) {
        if (page->request->method == HTTP_POST) {
            posted(form);
        } else if (form_is_settled(form) != NULL) {
            char location[64];

            (void)snprintf(location, sizeof(location), "/case/%s", form->number);
            page_notice(page, form_is_settled(form));
            page_go(page, location);
        } else if (fill(form) != OK) {
            page_refuse(page, 503, N_("暂时无法显示，请稍后再试。"));
        } else {
            show(form, 200);
        }
    }
    form_page_free(form);
}
