/* How a file is shown, wherever it is: what it is called, how large it is, how far it has come, and
 * why one was not taken. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/attachments.h"
#include "agent/web/web_parts.h"
#include "store/erased.h"

static const struct {
    const char *code, *zh;
} reasons[] = {
    {"attachment.type", N_("不能附这种文件，或者内容与文件名不符。可以附 PDF、JPG、PNG、OFD、DOCX、"
                           "XLSX、ZIP 和 TXT。")},
    {"attachment.too-large", N_("文件超过 20 MB，请压缩或分成几个文件。")},
    {"attachment.empty", N_("文件是空的，请重新选择。")},
    {"attachment.name", N_("文件名过长或含有特殊字符，请改名后再附。")},
    {"attachment.full", N_("本单位存储空间将满，暂不能附文件，请联系管理员。")},
    {"attachment.none", N_("本单位没有开通附件，请联系管理员。")},
};

const char *attachment_reason(const char *code)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strcmp(reasons[i].code, code) == 0) {
            return reasons[i].zh;
        }
    }
    return N_("文件没有附上，请重新选择。");
}

static const char *state_text(enum attachment_state state)
{
    switch (state) {
    case ATTACHMENT_ATTACHED:
        return N_("已附");
    case ATTACHMENT_ON_THE_WAY:
        return N_("传送中");
    case ATTACHMENT_HERE:
        return N_("已到");
    case ATTACHMENT_DOES_NOT_OPEN:
        return N_("打不开");
    case ATTACHMENT_ERASED:
        return N_("已依法删除");
    }
    return "";
}

void page_file_text(const struct page *page, const struct attachment *attachment,
                    char out[PAGE_FILE_BYTES])
{
    const double kilobytes = (double)attachment->plain_bytes / 1024.0;
    const bool large = attachment->plain_bytes >= UINT64_C(1024) * 1024;

    (void)snprintf(out, PAGE_FILE_BYTES, "%s %.1f %s",
                   page_word(page, VOCABULARY_ATTACHMENT, attachment->type),
                   large ? kilobytes / 1024.0 : kilobytes, large ? "MB" : "KB");
}

void view_attachment(struct page *page, const struct attachment *attachment,
                     const struct uuid *message_id)
{
    char about[PAGE_FILE_BYTES], hex[DIGEST_TEXT_BYTES], id[UUID_TEXT_BYTES], href[160];

    page_file_text(page, attachment, about);
    named_text(&page->view, "f_name", attachment->name);
    named_text(&page->view, "f_about", about);
    named_text(&page->view, "f_state", tr(page, state_text(attachment->state)));
    if (attachment->state == ATTACHMENT_ATTACHED || attachment->state == ATTACHMENT_HERE) {
        digest_format(&attachment->digest, hex);
        uuid_format(message_id, id);
        (void)snprintf(href, sizeof(href), "/attachment/%s/%s", hex, id);
        named_text(&page->view, "f_href", href);
    }
}

void view_attachments(struct page *page, const struct uuid *message_id)
{
    struct attachment *list = calloc(LIMIT_MATERIALS, sizeof(*list));
    size_t count = 0;

    if (list == NULL || attachments_of(page->agent, message_id, list, &count) != OK) {
        count = 0;
    }
    named_bool(&page->view, "has_attachments", count > 0);
    json_name(&page->view, "attachments");
    json_array_begin(&page->view);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(&page->view);
        view_attachment(page, &list[i], message_id);
        json_object_end(&page->view);
    }
    json_array_end(&page->view);
    free(list);
}

/* Those of one message; its kind and sender beside each. */
static size_t view_files_of_row(struct page *page, const struct row *row, struct attachment *list)
{
    size_t count = 0;

    if (attachments_of(page->agent, &row->header.message_id, list, &count) != OK) {
        count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        json_object_begin(&page->view);
        named_text(&page->view, "f_kind", page_kind(page, row->header.kind));
        named_text(&page->view, "f_from", page_agency_of(page, row->header.sender));
        view_attachment(page, &list[i], &row->header.message_id);
        json_object_end(&page->view);
    }
    return count;
}

void view_files(struct page *page, struct store_txn *read, const struct uuid *about,
                const struct uuid *except)
{
    struct attachment *list = calloc(LIMIT_MATERIALS, sizeof(*list));
    struct row row = {.seq = 0};
    size_t count = 0;
    enum err error = list == NULL ? ERR_MEMORY : row_of_referral(read, about, 0, &row);

    json_name(&page->view, "files");
    json_array_begin(&page->view);
    while (error == OK) {
        if (row_is_shown(&row) && (except == NULL || !uuid_equal(&row.header.message_id, except))) {
            count += view_files_of_row(page, &row, list);
        }
        error = row_of_referral(read, about, row.seq, &row);
    }
    json_array_end(&page->view);
    named_bool(&page->view, "has_files", count > 0);
    free(list);
}

void view_erased(struct page *page, struct store_txn *read, const struct uuid *case_id)
{
    struct erased erased;

    if (erased_find(read, case_id, &erased) == OK) {
        view_instant(page, "erased", erased.at_ms);
        named_text(&page->view, "erased_order", erased.order);
    }
}
