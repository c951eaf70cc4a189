/* Checks the code of a paper letter: does this agency hold that message, with that digest? The code
 * alone opens nothing: what is shown is who sent what to whom under which number, and when. */
#include <stdio.h>
#include <string.h>

#include "agent/web/web_parts.h"
#include "model/letter.h"
#include "wire/envelope.h"
#include "wire/body_rest.h"

#define CODE_TYPED_BYTES 256u

/* Looks it up. The digest is computed from the stored payload, not believed. */
static enum err look_up(struct page *page, const struct letter_code *code, struct row *row,
                        enum letter_verdict *ret_verdict)
{
    struct store_txn *read;
    struct region region;
    struct message message;
    struct payload payload;
    enum err error = store_read_begin(page->agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    region_init(&region, AGENT_REGION_BYTES);
    error = row_find(read, &code->message_id, row);
    if (error == OK) {
        error = show_open_row(read, row, &region, &payload, &message);
    }
    if (error == OK) {
        const struct digest digest = message_digest_at_rest(&payload);

        *ret_verdict = letter_judge(code, &digest);
    } else if (error == ERR_NOT_FOUND) {
        *ret_verdict = letter_judge(code, NULL);
        error = OK;
    }
    region_free(&region);
    store_read_end(read);
    return error;
}

static void view_row(struct page *page, const struct row *row)
{
    char id[UUID_TEXT_BYTES], href[64];
    const bool letter = row->header.kind == MESSAGE_OUTBOUND_REFERRAL ||
                        row->header.kind == MESSAGE_INBOUND_REFERRAL ||
                        row->header.kind == MESSAGE_OUTBOUND_FEEDBACK ||
                        row->header.kind == MESSAGE_INBOUND_FEEDBACK;

    uuid_format(&row->header.message_id, id);
    named_text(&page->view, "kind", page_kind(page, row->header.kind));
    named_text(&page->view, "number", row->header.referral_number);
    named_text(&page->view, "from", page_agency_of(page, row->header.sender));
    named_text(&page->view, "to", page_agency_of(page, row->header.recipient));
    view_instant(page, "recorded", row->recorded_ms);
    named_bool(&page->view, "waits", row->recorded_ms == 0 && row->state == ROW_WAITING);
    named_bool(&page->view, "refused", row->state == ROW_REFUSED);
    named_bool(&page->view, "returned", row->state == ROW_REJECTED);
    named_text(&page->view, "id", id);
    if (letter) {
        (void)snprintf(href, sizeof(href), "/letter/%s", id);
        named_text(&page->view, "letter", href);
    }
}

static enum err view_verdict(struct page *page, const char *typed)
{
    struct letter_code code;
    enum letter_verdict verdict = LETTER_UNKNOWN;
    char text[LETTER_CODE_BYTES];
    struct row row;
    enum err error;

    if (letter_code_parse(typed, &code) != OK) {
        named_bool(&page->view, "mistyped", true);
        named_text(&page->view, "code", typed);
        return OK;
    }
    letter_code_format(&code, text);
    named_text(&page->view, "code", text);
    error = look_up(page, &code, &row, &verdict);
    if (error != OK) {
        return error;
    }
    named_bool(&page->view,
               verdict == LETTER_MATCHES   ? "matches"
               : verdict == LETTER_DIFFERS ? "differs"
                                           : "unknown",
               true);
    if (verdict == LETTER_MATCHES) {
        view_row(page, &row);
    }
    return OK;
}

void page_verify(struct page *page)
{
    const bool is_post = page->request->method == HTTP_POST;
    const char *typed =
        is_post ? http_form(page->request, "code") : http_query(page->request, "code");

    if (!page_needs(page, OFFICER_MEMBER | OFFICER_LEADER)) {
        return;
    }
    if (typed != NULL && strlen(typed) >= CODE_TYPED_BYTES) {
        page_refuse(page, 400, N_("核验码过长。"));
        return;
    }
    page_begin(page, "inbox", N_("核验文书"));
    if (typed != NULL && typed[0] != '\0' && view_verdict(page, typed) != OK) {
        page_refuse(page, 503, N_("暂时无法显示，请稍后再试。"));
        return;
    }
    page_show(page, 200, "verify");
}
