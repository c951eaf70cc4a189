/* The files of a form, of its materials or beside its facts: a row holds the digest of what was
 * attached, whichever way it came, by pieces (page_attach.c) or with the form itself. All else that
 * is said of it is looked up again each time: nothing that a browser says of a file is believed. */
#include <stdio.h>
#include <string.h>

#include "agent/attachments.h"
#include "agent/web/form_page.h"

/* NULL: this form takes none. */
static const struct form_section *section_of_files(const struct form_layout *layout)
{
    for (size_t i = 0; i < layout->count; i++) {
        if (layout->sections[i].style == FORM_MATERIALS ||
            layout->sections[i].style == FORM_FILES) {
            return &layout->sections[i];
        }
    }
    return NULL;
}

/* "facts.materials", 2 and "digest" -> "facts.materials[2].digest" */
static void name_of(const struct form_section *section, uint32_t row, const char *member,
                    char out[FORM_NAME_BYTES])
{
    (void)snprintf(out, FORM_NAME_BYTES, "%s[%u].%s", section->rows, row, member);
}

/* ERR_NOT_FOUND: nothing that this agency attached. */
static enum err attached_at(const struct form_page *form, const struct form_section *section,
                            uint32_t row, struct attachment *ret_attachment)
{
    char name[FORM_NAME_BYTES];
    const char *text;
    struct digest digest;
    struct fault fault = {.code = ""};
    enum err error;

    name_of(section, row, "digest", name);
    text = form_value(&form->values, name);
    if (strlen(text) != DIGEST_TEXT_BYTES - 1 ||
        hex_decode(text, digest.bytes, DIGEST_BYTES) != OK) {
        return ERR_NOT_FOUND;
    }
    error = attachments_find(form->page->agent, &digest, ret_attachment, &fault);
    return error == OK && ret_attachment->state != ATTACHMENT_ATTACHED ? ERR_NOT_FOUND : error;
}

void form_detach(struct form_page *form, const struct form_section *section, uint32_t row)
{
    char name[FORM_NAME_BYTES];

    name_of(section, row, "digest", name);
    form_values_remove(&form->values, name);
    name_of(section, row, "sealed_bytes", name);
    form_values_remove(&form->values, name);
}

/* What is there is not missing. */
static enum err take_row(struct form_page *form, const struct form_section *section, uint32_t row)
{
    struct attachment attachment;
    char name[FORM_NAME_BYTES], size[24];
    enum err error;
    bool given;

    name_of(section, row, "digest", name);
    given = form_value(&form->values, name)[0] != '\0';
    error = given ? attached_at(form, section, row, &attachment) : ERR_NOT_FOUND;
    if (error == ERR_NOT_FOUND) {
        form_detach(form, section, row);
        if (given) {
            form_fault_add(&form->faults, name, N_("这个文件已不在，请重新附上"));
        }
        return form_values_set(&form->values, name, ""); /* the row stays */
    }
    if (error != OK) {
        return error;
    }
    name_of(section, row, "missing", name);
    form_values_remove(&form->values, name);
    (void)snprintf(size, sizeof(size), "%llu", (unsigned long long)attachment.sealed_bytes);
    name_of(section, row, "sealed_bytes", name);
    return form_values_set(&form->values, name, size);
}

enum err form_take_attachments(struct form_page *form)
{
    const struct form_section *section = section_of_files(form->layout);
    const uint32_t rows =
        section != NULL ? form_rows(&form->values, form->layout->kind, section) : 0;
    enum err error = OK;

    for (uint32_t row = 0; error == OK && row < rows; row++) {
        error = take_row(form, section, row);
    }
    return error;
}

enum err form_keep_attachments(const struct form_page *form)
{
    const struct form_section *section = section_of_files(form->layout);
    const uint32_t rows =
        section != NULL ? form_rows(&form->values, form->layout->kind, section) : 0;
    enum err error = OK;

    for (uint32_t row = 0; error == OK && row < rows; row++) {
        struct attachment attachment;

        error = attached_at(form, section, row, &attachment);
        error = error == OK              ? attachments_keep(form->page->agent, &attachment.digest)
                : error == ERR_NOT_FOUND ? OK
                                         : error;
    }
    return error;
}

/* --- files that came with the form --- */

static enum err attach(struct form_page *form, const struct http_upload *upload, const char *name)
{
    const struct attachment_declared declared = {.name = upload->file_name,
                                                 .plain_bytes = upload->bytes.len};
    struct attachment attachment;
    struct fault fault = {.code = ""};
    char hex[DIGEST_TEXT_BYTES];
    enum err error;

    memset(&fault, 0, sizeof(fault));
    error = attachments_add(form->page->agent, &declared, upload->bytes, &attachment, &fault);
    if (error == OK) {
        digest_format(&attachment.digest, hex);
        return form_values_set(&form->values, name, hex);
    }
    if (strncmp(fault.code, "attachment.", 11) != 0) {
        return error;
    }
    form_fault_add(&form->faults, name, attachment_reason(fault.code));
    return form_values_set(&form->values, name, ""); /* there is a row to say it at */
}

enum err form_take_uploads(struct form_page *form)
{
    const struct http_request *request = form->page->request;
    enum err error = OK;

    for (size_t i = 0; error == OK && i < request->upload_count; i++) {
        const struct http_upload *upload = &request->uploads[i];
        struct form_place place;

        /* a control in which nothing was chosen is sent without a name */
        if (upload->file_name[0] != '\0' && strlen(upload->field) < FORM_NAME_BYTES &&
            form_find(form->layout, upload->field, &place) && place.item != NULL &&
            place.item->widget == FORM_FILE) {
            error = attach(form, upload, upload->field);
        }
    }
    return error;
}

/* --- a row --- */

void form_view_attachment(struct form_page *form, const struct form_section *section, uint32_t row)
{
    struct page *page = form->page;
    struct attachment attachment;
    char name[FORM_NAME_BYTES], id[FORM_NAME_BYTES], hex[DIGEST_TEXT_BYTES] = "";
    char about[PAGE_FILE_BYTES] = "", detach[FORM_NAME_BYTES + 8] = "";
    const bool attached = attached_at(form, section, row, &attachment) == OK;
    const struct form_fault *fault;

    name_of(section, row, "digest", name);
    form_id(name, id);
    fault = form_fault_of(&form->faults, name);
    if (attached) {
        digest_format(&attachment.digest, hex);
        page_file_text(page, &attachment, about);
    }
    if (section->style == FORM_MATERIALS) { /* of the others the whole row goes */
        (void)snprintf(detach, sizeof(detach), "detach:%s", name);
    }
    named_text(&page->view, "a_detach", detach);
    named_bool(&page->view, "attached", attached);
    named_text(&page->view, "a_digest_name", name);
    named_text(&page->view, "a_digest", hex);
    named_text(&page->view, "a_id", id);
    named_text(&page->view, "a_name", attached ? attachment.name : "");
    named_text(&page->view, "a_about", about);
    named_text(&page->view, "a_error",
               fault == NULL         ? ""
               : fault->text != NULL ? tr(page, fault->text)
                                     : fault->said);
}
