/* Drafts as an officer meets them: kept by a button, by the script while it is typed, or when the
 * session had idled out; the list of them; and away with one. */
#include <string.h>

#include "agent/web/form_page.h"
#include "base/log.h"

enum err form_save_draft(struct form_page *form)
{
    struct page *page = form->page;
    struct buf json;
    enum err error;

    buf_init(&json, DRAFT_BYTES_MAX);
    error = form_values_write(&form->values, &json);
    if (error == OK) {
        error = draft_put(page->agent->setup.store, page_officer(page)->name, form->path,
                          span_buf(&json), page->now_ms);
    }
    if (error == OK) {
        error = form_keep_attachments(form);
    }
    if (json.cap > 0) {
        crypto_wipe(json.data, json.cap);
    }
    buf_free(&json);
    return error;
}

/* --- by script --- */

static void answer_saved(struct page *page, enum err error)
{
    char text[PAGE_DAY_BYTES];

    page_data_begin(page);
    named_bool(&page->view, "ok", error == OK);
    page_instant_text(page, page->now_ms, text);
    named_text(&page->view, "saved", text);
    page_data_end(page, error == OK ? 200 : error == ERR_TOO_LARGE ? 413 : 503);
}

static void autosave(struct page *page)
{
    const char *address = http_form(page->request, "address");
    const char *once = http_form(page->request, "once");
    struct form_page *form;

    if (once != NULL && session_once_find(page->session, once) != NULL) {
        answer_saved(page, OK); /* it was sent meanwhile: no draft comes back */
        return;
    }
    form = form_page_new(page);
    if (form == NULL) {
        answer_saved(page, ERR_MEMORY);
        return;
    }
    if (address == NULL) {
        address = "";
    }
    if (form_open(form, address)) {
        enum err error = form_take_posted(form);

        answer_saved(page, error == OK ? form_save_draft(form) : error);
    }
    form_page_free(form);
}

static void discard(struct page *page)
{
    const char *address = http_form(page->request, "address");
    const bool known = address != NULL && form_is_address(address);

    if (!known) {
        page_refuse(page, 404, N_("没有这个页面。"));
    } else if (draft_remove(page->agent->setup.store, page_officer(page)->name, address) != OK) {
        page_refuse(page, 503, N_("暂时无法保存，请稍后再试。"));
    } else {
        page_notice(page, N_("草稿已放弃。"));
        page_go(page, http_form(page->request, "list") != NULL ? "/drafts" : address);
    }
}

void page_draft(struct page *page)
{
    if (!page_needs(page, OFFICER_MEMBER)) {
        return;
    }
    if (strcmp(page->request->path, "/draft/discard") == 0) {
        discard(page);
    } else {
        autosave(page);
    }
}

/* A form that came after its session had idled out: what was typed is that officer's draft. */
bool page_keep(struct page *page)
{
    const struct http_request *request = page->request;
    const char *csrf = http_form(request, "csrf");
    const struct session_ended *ended;
    char own[DRAFT_ADDRESS_MAX];
    const char *address =
        strcmp(request->path, "/draft") == 0 ? http_form(request, "address") : own;
    struct form_values values;
    struct buf json;
    char cookie[WEB_COOKIE_BYTES];
    enum err error = OK;

    form_address_of(request, own);
    web_cookie_name(page->web, cookie);
    ended = session_ended_find(page->web->sessions, http_cookie(request, cookie),
                               agent_machine_ms(page->agent));
    if (ended == NULL || address == NULL || csrf == NULL || !form_is_address(address) ||
        strlen(csrf) != SESSION_TOKEN_BYTES - 1 ||
        !crypto_equal(ended->csrf, csrf, SESSION_TOKEN_BYTES - 1)) {
        return false;
    }
    form_values_init(&values);
    buf_init(&json, DRAFT_BYTES_MAX);
    for (size_t i = 0; error == OK && i < request->form_count; i++) {
        bool typed = strchr(request->form[i].name, '.') != NULL || /* a field of a message */
                     strcmp(request->form[i].name, "recipients") == 0 ||
                     strcmp(request->form[i].name, "case_number") == 0 ||
                     strcmp(request->form[i].name, "previous") == 0 ||
                     strcmp(request->form[i].name, "refers_to") == 0;

        error =
            typed ? form_values_add(&values, request->form[i].name, request->form[i].value) : OK;
    }
    if (error == OK) {
        error = form_values_write(&values, &json);
    }
    if (error == OK) {
        error = draft_put(page->agent->setup.store, ended->officer, address, span_buf(&json),
                          page->now_ms);
    }
    if (json.cap > 0) {
        crypto_wipe(json.data, json.cap);
    }
    buf_free(&json);
    form_values_free(&values);
    return error == OK;
}

void page_drafts(struct page *page)
{
    char before[DRAFT_ADDRESS_MAX] = "", address[DRAFT_ADDRESS_MAX];
    uint64_t saved_ms, count = 0;

    if (!page_needs(page, OFFICER_MEMBER)) {
        return;
    }
    page_begin(page, "drafts", N_("我的草稿"));
    json_name(&page->view, "drafts");
    json_array_begin(&page->view);
    while (count < DRAFT_OFFICER_MAX &&
           draft_next(page->agent->setup.store, page_officer(page)->name, before, address,
                      &saved_ms) == OK) {
        char number[LIMIT_NUMBER_BYTES];
        const char *title = form_title(page, address, number);

        text_copy(before, sizeof(before), address);
        json_object_begin(&page->view);
        named_text(&page->view, "what", title);
        named_text(&page->view, "number", number);
        named_text(&page->view, "address", address);
        view_instant(page, "saved", saved_ms);
        json_object_end(&page->view);
        count++;
    }
    json_array_end(&page->view);
    named_u64(&page->view, "count", count);
    page_show(page, 200, "drafts");
}
