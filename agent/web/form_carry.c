/* A referral more of a case: its form begins with what the case has already, persons,
 * circumstances and materials, as the newest referral of this agency says it, or the one that this
 * goes on from. Whom it went to and what was asked of them is not carried.
 *
 * What identifies a person is masked here as on every page: left so it goes as it was, and typed
 * anew it goes as typed. Materials are named again, not sent again: those that this agency attached
 * itself; the others are to be attached. */
#include <stdio.h>
#include <string.h>

#include "agent/attachments.h"
#include "agent/web/form_page.h"
#include "agent/web/view_parts.h"
#include "model/message_json.h"
#include "wire/sealing.h"

#define CARRY_ITEMS_MAX 256u /* of one case */

/* --- from what --- */

/* Ours before another agency's, and the newest of them. */
static bool is_better(const struct work_item *item, const struct work_item *than)
{
    if (than == NULL || item->mine != than->mine) {
        return than == NULL || item->mine;
    }
    if (item->opened_ms != than->opened_ms) {
        return item->opened_ms > than->opened_ms;
    }
    return strcmp(item->number, than->number) > 0;
}

static const struct work_item *newest_of_case(struct form_page *form)
{
    const struct work_item *items[CARRY_ITEMS_MAX], *best = NULL;
    size_t count =
        worklist_of_case(form->page->web->worklist, &form->key.case_id, items, CARRY_ITEMS_MAX);

    for (size_t i = 0; i < count; i++) {
        if (!items[i]->of_matter && is_better(items[i], best)) {
            best = items[i];
        }
    }
    return best;
}

/* The message that opened it. */
static enum err opening_row(struct store_txn *read, const struct uuid *referral_id,
                            struct row *ret_row)
{
    enum err error;

    ret_row->seq = 0;
    do {
        error = row_of_referral(read, referral_id, ret_row->seq, ret_row);
    } while (error == OK && message_form_address(ret_row->header.kind) != ADDRESS_NEW_REFERRAL);
    return error;
}

enum err form_carry_open(struct form_page *form, struct store_txn *read)
{
    struct payload payload;
    struct row row;
    enum err error;

    if (form->number[0] == '\0') {
        return OK;
    }
    form->item = form->copy->known
                     ? worklist_find(form->page->web->worklist, &form->key.referral_id)
                     : newest_of_case(form);
    if (form->item == NULL) {
        return OK;
    }
    error = opening_row(read, &form->item->key.referral_id, &row);
    if (error == OK) {
        error = show_open_row(read, &row, &form->region, &payload, &form->message);
    }
    if (error == OK && form->message.body_present) {
        error = show_open_body(form->page->agent, &(struct kept_body){read, &row, &payload},
                               &form->region, &form->body);
        form->opened = form->carries = error == OK;
    }
    return error == ERR_MEMORY || error == ERR_IO ? error : OK;
}

/* --- persons, masked --- */

static const struct {
    const char *member;
    size_t offset; /* of its text in a body_person */
    void (*mask)(const char *text, char *out, size_t size);
} masked[] = {
    {"identity_number", offsetof(struct body_person, identity_number), page_mask_identity},
    {"phone", offsetof(struct body_person, phone), page_mask_phone},
    {"address", offsetof(struct body_person, address), page_mask_address},
};
#define MASKED       (sizeof(masked) / sizeof(masked[0]))
#define MASKED_BYTES 256u

static const char *text_of(const struct body_person *person, size_t offset)
{
    const char *text;

    memcpy(&text, (const char *)person + offset, sizeof(text));
    return text != NULL ? text : "";
}

static void name_of(uint32_t row, const char *member, char out[FORM_NAME_BYTES])
{
    (void)snprintf(out, FORM_NAME_BYTES, "body.persons[%u].%s", row, member);
}

static enum err mask_person(struct form_page *form, uint32_t row)
{
    enum err error = OK;

    for (size_t i = 0; error == OK && i < MASKED; i++) {
        const char *text = text_of(&form->body.persons[row], masked[i].offset);
        char name[FORM_NAME_BYTES], shown[MASKED_BYTES];

        if (text[0] != '\0') {
            name_of(row, masked[i].member, name);
            masked[i].mask(text, shown, sizeof(shown));
            error = form_values_set(&form->values, name, shown);
        }
    }
    return error;
}

/* Whose field it is that shows so: of several the one of that name. NULL: nobody's, or it cannot be
 * told. */
static const struct body_person *masked_person(const struct form_page *form, size_t which,
                                               const char *shown, const char *name)
{
    const struct body_person *found = NULL, *named = NULL;
    size_t count = 0, count_named = 0;

    for (uint32_t i = 0; i < form->body.person_count; i++) {
        const struct body_person *person = &form->body.persons[i];
        const char *text = text_of(person, masked[which].offset);
        char masked_text[MASKED_BYTES];

        masked[which].mask(text, masked_text, sizeof(masked_text));
        if (text[0] == '\0' || strcmp(masked_text, shown) != 0) {
            continue;
        }
        found = person;
        count++;
        if (person->name != NULL && strcmp(person->name, name) == 0) {
            named = person;
            count_named++;
        }
    }
    return count_named == 1 ? named : count == 1 ? found : NULL;
}

static enum err unmask_person(struct form_page *form, uint32_t row)
{
    enum err error = OK;
    char field[FORM_NAME_BYTES];
    const char *name;

    name_of(row, "name", field);
    name = form_value(&form->values, field);
    for (size_t i = 0; error == OK && i < MASKED; i++) {
        const struct body_person *person;
        const char *shown;

        name_of(row, masked[i].member, field);
        shown = form_value(&form->values, field);
        person = strchr(shown, '*') != NULL ? masked_person(form, i, shown, name) : NULL;
        if (person != NULL) {
            error = form_values_set(&form->whole, field, text_of(person, masked[i].offset));
        }
    }
    return error;
}

enum err form_carry_whole(struct form_page *form)
{
    enum err error;

    form_values_free(&form->whole);
    form_values_init(&form->whole);
    error = form_values_copy(&form->whole, &form->values);
    for (uint32_t row = 0; error == OK && form->carries && row < LIMIT_PERSONS; row++) {
        error = unmask_person(form, row);
    }
    return error;
}

/* --- the rest, as the message's JSON has it --- */

static enum err carry_value(struct form_page *form, const char *name,
                            const struct json_value *value)
{
    const char *text;
    bool yes;

    if (json_is_array(value)) {
        enum err error = OK;

        for (size_t i = 0; error == OK && i < json_count(value); i++) {
            const struct json_value item = json_item(value, i);

            error = json_get_text(&item, LIMIT_WEB_VALUE_BYTES, &text, NULL) == OK
                        ? form_values_add(&form->values, name, text)
                        : OK;
        }
        return error;
    }
    if (json_is_text(value)) {
        return json_get_text(value, LIMIT_WEB_VALUE_BYTES, &text, NULL) == OK
                   ? form_values_add(&form->values, name, text)
                   : OK;
    }
    return json_get_bool(value, &yes, NULL) == OK && yes ? form_values_add(&form->values, name, "1")
                                                         : OK;
}

/* What is asked, and of whom, is for this referral to say. */
static bool is_carried(const struct form_item *item)
{
    static const char *const not_carried[] = {"facts.needs", "facts.measures", "facts.link"};

    for (size_t i = 0; i < sizeof(not_carried) / sizeof(not_carried[0]); i++) {
        if (strcmp(item->path, not_carried[i]) == 0) {
            return false;
        }
    }
    return item->widget < FORM_FIXED && item->widget != FORM_RECIPIENTS;
}

/* "body.persons[].name": the part behind the last point. */
static const char *member_of(const char *path)
{
    const char *point = strrchr(path, '.');

    return point != NULL ? point + 1 : "";
}

static enum err carry_item(struct form_page *form, const struct form_item *item, uint32_t row,
                           const struct json_value *object)
{
    const struct json_value value = json_member(object, member_of(item->path));
    char name[FORM_NAME_BYTES];

    form_name(item->path, row, name);
    return is_carried(item) && !json_absent(&value) ? carry_value(form, name, &value) : OK;
}

/* The row of the checklist whose kind it is; none: it has left the checklist. */
static bool checklist_row(const struct form_page *form, const struct json_value *material,
                          uint32_t *ret_row)
{
    const struct json_value value = json_member(material, "kind");
    const struct policy_material *list;
    const struct word *kind;
    const char *id;
    size_t count;

    if (json_get_text(&value, 64, &id, NULL) != OK) {
        return false;
    }
    kind = vocabulary_parse(VOCABULARY_MATERIAL, id);
    list = policy_materials(form->rules.policy, form->layout->kind, &count);
    for (size_t i = 0; kind != NULL && i < count; i++) {
        if (list[i].kind == kind->value) {
            *ret_row = (uint32_t)i;
            return true;
        }
    }
    return false;
}

/* A file by its digest, where it is one of ours; or why it is missing. */
static enum err carry_material(struct form_page *form, const struct json_value *material)
{
    const struct json_value file = json_member(material, "digest");
    const struct json_value missing = json_member(material, "missing");
    char name[FORM_NAME_BYTES];
    struct attachment attachment;
    struct fault fault = {.code = ""};
    struct digest digest;
    const char *text;
    uint32_t row;

    if (!checklist_row(form, material, &row)) {
        return OK;
    }
    if (json_get_text(&missing, 64, &text, NULL) == OK) {
        form_name("facts.materials[].missing", row, name);
        return form_values_set(&form->values, name, text);
    }
    if (json_get_text(&file, DIGEST_TEXT_BYTES, &text, NULL) != OK ||
        strlen(text) != DIGEST_TEXT_BYTES - 1 ||
        hex_decode(text, digest.bytes, DIGEST_BYTES) != OK ||
        attachments_find(form->page->agent, &digest, &attachment, &fault) != OK ||
        attachment.state != ATTACHMENT_ATTACHED) {
        return OK;
    }
    form_name("facts.materials[].digest", row, name);
    return form_values_set(&form->values, name, text);
}

static enum err carry_rows(struct form_page *form, const struct form_section *section,
                           const struct json_value *rows)
{
    const size_t max = form_rows_max(form->layout->kind, section);
    enum err error = OK;

    for (uint32_t row = 0; error == OK && row < json_count(rows) && row < max; row++) {
        const struct json_value object = json_item(rows, row);

        if (section->style == FORM_MATERIALS) {
            error = carry_material(form, &object);
            continue;
        }
        for (size_t i = 0; error == OK && i < section->count; i++) {
            error = carry_item(form, &section->items[i], row, &object);
        }
    }
    return error;
}

static enum err carry_all(struct form_page *form, const struct json_value *root)
{
    const struct json_value facts = json_member(root, "facts"), body = json_member(root, "body");
    enum err error = OK;

    for (size_t i = 0; error == OK && i < form->layout->count; i++) {
        const struct form_section *section = &form->layout->sections[i];

        if (section->rows != NULL) {
            const bool of_body = strncmp(section->rows, "body.", 5) == 0;
            const struct json_value rows =
                json_member(of_body ? &body : &facts, member_of(section->rows));

            error = carry_rows(form, section, &rows);
            continue;
        }
        for (size_t k = 0; error == OK && k < section->count; k++) {
            const struct form_item *item = &section->items[k];
            const bool of_body = strncmp(item->path, "body.", 5) == 0;

            if (strchr(item->path, '.') != NULL) {
                error = carry_item(form, item, 0, of_body ? &body : &facts);
            }
        }
    }
    return error;
}

static enum err write_source(const struct form_page *form, struct buf *text)
{
    struct json_writer out;

    json_writer_init(&out, text);
    json_object_begin(&out);
    json_name(&out, "facts");
    message_json_write_facts(&out, &form->message);
    json_name(&out, "body");
    message_json_write_body(&out, &form->body);
    json_object_end(&out);
    return json_writer_end(&out);
}

enum err form_carry(struct form_page *form)
{
    struct json *source = NULL;
    struct buf text;
    enum err error;

    if (!form->carries) {
        return OK;
    }
    buf_init(&text, LIMIT_JSON_BYTES);
    error = write_source(form, &text);
    if (error == OK) {
        error = json_open("referral", span_buf(&text), &source, NULL);
    }
    if (error == OK) {
        const struct json_value root = json_root(source);

        error = carry_all(form, &root);
    }
    for (uint32_t row = 0; error == OK && row < form->body.person_count; row++) {
        error = mask_person(form, row);
    }
    json_free(source);
    if (text.cap > 0) {
        crypto_wipe(text.data, text.cap);
    }
    buf_free(&text);
    return error;
}
