/* Files on their way between a browser and this agency: in by pieces, by the script of a form, so
 * that a break costs one piece; out as a download, each of which is an act of its officer. */
#include <stdlib.h>
#include <string.h>

#include "agent/attachments.h"
#include "agent/web/web_parts.h"
#include "base/log.h"

/* --- in --- */

/* A decimal number of the query; false: none, or no number. */
static bool number_of(const char *text, uint64_t *ret_number)
{
    uint64_t number = 0;
    size_t len = 0;

    while (text != NULL && text[len] >= '0' && text[len] <= '9' && len < 16) {
        number = number * 10 + (uint64_t)(text[len++] - '0');
    }
    *ret_number = number;
    return len > 0 && text[len] == '\0';
}

static void answer_refused(struct page *page, enum err error, const struct fault *fault)
{
    const bool told = strncmp(fault->code, "attachment.", 11) == 0;

    if (!told) {
        log_event(EVENT_ATTACHMENT_FAILED, "a file could not be attached: %s", err_text(error));
    }
    page_data_begin(page);
    named_bool(&page->view, "ok", false);
    named_text(&page->view, "code", told ? fault->code : "");
    named_text(&page->view, "why", tr(page, attachment_reason(fault->code)));
    page_data_end(page, error == ERR_TOO_LARGE ? 413 : told ? 422 : 503);
}

static void answer_progress(struct page *page, const struct uuid *upload,
                            const struct attachment_progress *progress)
{
    char about[PAGE_FILE_BYTES], hex[DIGEST_TEXT_BYTES];

    page_data_begin(page);
    named_bool(&page->view, "ok", true);
    named_uuid(&page->view, "upload", upload);
    named_u64(&page->view, "have", progress->have);
    named_bool(&page->view, "complete", progress->complete);
    if (progress->complete) {
        digest_format(&progress->attachment.digest, hex);
        page_file_text(page, &progress->attachment, about);
        named_text(&page->view, "digest", hex);
        named_text(&page->view, "name", progress->attachment.name);
        named_text(&page->view, "about", about);
    }
    page_data_end(page, 200);
}

static enum err begin(struct page *page, const char *name, struct uuid *ret_upload,
                      struct fault *fault)
{
    struct attachment_declared declared = {.name = name};

    if (!number_of(http_form(page->request, "bytes"), &declared.plain_bytes)) {
        declared.plain_bytes = 0; /* refused as empty */
    }
    return attachments_begin(page->agent, &declared, ret_upload, fault);
}

static void cancel(struct page *page, const struct uuid *upload)
{
    const struct attachment_progress none = {.have = 0};
    struct fault fault = {.code = ""};
    const enum err error = attachments_cancel(page->agent, upload);

    memset(&fault, 0, sizeof(fault));
    if (error == OK) {
        answer_progress(page, upload, &none);
    } else {
        answer_refused(page, error, &fault);
    }
}

/* Without an offset it only asks. */
static enum err go_on(struct page *page, const struct uuid *upload,
                      struct attachment_progress *progress, struct fault *fault)
{
    struct attachment_piece piece = {.upload = *upload, .bytes = page->request->body};

    return number_of(http_query(page->request, "offset"), &piece.offset)
               ? attachments_append(page->agent, &piece, progress, fault)
               : attachments_progress(page->agent, upload, progress, fault);
}

void page_attach(struct page *page)
{
    const char *name = http_form(page->request, "name"); /* in no address: proxies keep those */
    const char *id = http_query(page->request, "upload");
    struct attachment_progress progress = {.have = 0};
    struct uuid upload;
    struct fault fault = {.code = ""};
    enum err error;

    if (!page_needs(page, OFFICER_MEMBER)) {
        return;
    }
    memset(&fault, 0, sizeof(fault));
    if (id != NULL && http_query(page->request, "cancel") != NULL &&
        uuid_parse(id, &upload) == OK) {
        cancel(page, &upload);
        return;
    }
    if (name != NULL) {
        error = begin(page, name, &upload, &fault);
    } else if (id != NULL && uuid_parse(id, &upload) == OK) {
        error = go_on(page, &upload, &progress, &fault);
    } else {
        page_refuse(page, 400, N_("没有这个页面。"));
        return;
    }
    if (error == OK) {
        answer_progress(page, &upload, &progress);
    } else {
        answer_refused(page, error, &fault);
    }
}

/* --- out --- */

/* "DIGEST/MESSAGE-ID" */
static bool tail_parse(const char *tail, struct digest *ret_digest, struct uuid *ret_message)
{
    char hex[DIGEST_TEXT_BYTES];
    const size_t len = sizeof(hex) - 1;

    if (strlen(tail) <= len || tail[len] != '/') {
        return false;
    }
    memcpy(hex, tail, len);
    hex[len] = '\0';
    return hex_decode(hex, ret_digest->bytes, DIGEST_BYTES) == OK &&
           uuid_parse(tail + len + 1, ret_message) == OK;
}

/* A message that this agency may show. */
static enum err find_row(const struct page *page, const struct uuid *message_id,
                         struct row *ret_row)
{
    struct store_txn *read;
    enum err error = store_read_begin(page->agent->setup.store, &read);

    if (error == OK) {
        error = row_find(read, message_id, ret_row);
        store_read_end(read);
    }
    return error == OK && !row_is_shown(ret_row) ? ERR_NOT_FOUND : error;
}

/* Only what belongs to that message: a digest alone opens nothing. */
static enum err find_file(const struct page *page, const struct uuid *message_id,
                          const struct digest *digest, struct attachment *ret_attachment)
{
    struct attachment *list = calloc(LIMIT_MATERIALS, sizeof(*list));
    size_t count = 0;
    enum err error =
        list == NULL ? ERR_MEMORY : attachments_of(page->agent, message_id, list, &count);

    if (error == OK) {
        error = ERR_NOT_FOUND;
        for (size_t i = 0; error != OK && i < count; i++) {
            if (digest_equal(&list[i].digest, digest)) {
                *ret_attachment = list[i];
                error = OK;
            }
        }
    }
    free(list);
    return error;
}

/* The act stands before the first byte leaves, and also when the file turns out to be damaged. */
static void download(struct page *page, const struct row *row, const struct attachment *attachment)
{
    const struct act act = {.kind = ACT_DOWNLOADED,
                            .about = row->header.referral_id,
                            .message_id = row->header.message_id};
    struct fault fault = {.code = ""};
    struct buf plain;
    enum err error = page_act(page, &act);

    if (error != OK) {
        page_refuse(page, 503, N_("暂时无法保存，请稍后再试。"));
        return;
    }
    memset(&fault, 0, sizeof(fault));
    buf_init(&plain, LIMIT_ATTACHMENT_BYTES);
    error = attachments_open(page->agent, &attachment->digest, &plain, &fault);
    if (error == OK) {
        page_download(page, "application/octet-stream", attachment->name, span_buf(&plain));
    } else if (error == ERR_FORGED) {
        page_refuse(page, 409, N_("这个文件已损坏，没有打开，请联系本单位管理员。"));
    } else {
        page_refuse(page, 503, N_("暂时无法打开这个文件，请稍后再试。"));
    }
    if (plain.cap > 0) {
        crypto_wipe(plain.data, plain.cap);
    }
    buf_free(&plain);
}

void page_attachment(struct page *page)
{
    struct attachment attachment;
    struct uuid message_id;
    struct digest digest;
    struct row row;
    enum err error;

    if (!page_needs(page, OFFICER_MEMBER | OFFICER_LEADER)) {
        return;
    }
    error = tail_parse(page->tail, &digest, &message_id) ? find_row(page, &message_id, &row)
                                                         : ERR_NOT_FOUND;
    if (error == OK) {
        error = find_file(page, &message_id, &digest, &attachment);
    }
    if (error == ERR_NOT_FOUND) {
        page_refuse(page, 404, N_("本单位没有这个附件。"));
    } else if (error != OK) {
        page_refuse(page, 503, N_("暂时无法打开这个文件，请稍后再试。"));
    } else if (attachment.state == ATTACHMENT_ON_THE_WAY) {
        page_refuse(page, 409, N_("文件还在传送中，到达后即可下载。"));
    } else if (attachment.state == ATTACHMENT_ERASED) {
        page_refuse(page, 410, N_("这个文件已依法删除。"));
    } else if (attachment.state == ATTACHMENT_DOES_NOT_OPEN) {
        page_refuse(page, 409, N_("这个文件打不开，请发送单位重新移送。"));
    } else {
        download(page, &row, &attachment);
    }
}
