/* A form as a view: sections, rows, controls, and what is at fault. Every member that a template
 * asks for is written for every control, so that none of a row or section around it shows through.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "agent/web/form_page.h"
#include "model/identity.h"

struct control { /* one control being written */
    struct form_page *form;
    const struct form_section *section;
    const struct form_item *item;
    const struct field *field;
    uint32_t row;
    char name[FORM_NAME_BYTES];
    char id[FORM_NAME_BYTES];
    const struct form_fault *fault;
};

void form_id(const char *name, char out[FORM_NAME_BYTES])
{
    size_t len = 0;

    for (const char *at = name; *at != '\0' && len + 1 < FORM_NAME_BYTES; at++) {
        if (isalnum((unsigned char)*at) || *at == '_') {
            out[len++] = *at;
        } else if (len > 0 && out[len - 1] != '-') {
            out[len++] = '-';
        }
    }
    out[len] = '\0';
}

static struct control control_of(struct form_page *form, const struct form_section *section,
                                 const struct form_item *item, uint32_t row)
{
    struct control control = {.form = form, .section = section, .item = item, .row = row};

    control.field = form_field(form->layout->kind, item->path);
    form_name(item->path, row, control.name);
    form_id(control.name, control.id);
    control.fault = form_fault_of(&form->faults, control.name);
    return control;
}

/* Is anything of these rows mandatory? */
static bool group_is_mandatory(const struct form_page *form, const struct form_section *section)
{
    size_t len = strlen(section->rows);

    for (uint32_t outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
        for (size_t i = 0; i < form->mandatory[outcome].count; i++) {
            if (strncmp(form->mandatory[outcome].list[i].name, section->rows, len) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* By the rules: what an empty form would be refused for, and what else a row must have of rows that
 * must be there. */
static bool is_mandatory(const struct control *control)
{
    const struct form_item *item = control->item;
    const struct form_section *section = control->section;
    char first[FORM_NAME_BYTES];

    form_name(item->path, section->style == FORM_MATERIALS ? control->row : 0, first);
    for (uint32_t outcome = 0; outcome < OUTCOME_COUNT; outcome++) {
        bool counts = outcome == 0 || (section->outcomes >> outcome & 1u) != 0;

        if (counts && form_fault_of(&control->form->mandatory[outcome], first) != NULL) {
            return true;
        }
    }
    return (section->rows != NULL && section->style != FORM_MATERIALS && control->field != NULL &&
            control->field->required && item->widget < FORM_FIXED &&
            group_is_mandatory(control->form, section)) ||
           strcmp(item->path, "body.advance_reason") == 0;
}

static const char *widget_of(const struct control *control)
{
    const enum field_type type = control->field != NULL ? control->field->type : FIELD_TEXT;

    switch (control->item->widget) {
    case FORM_LONG:
        return "w_long";
    case FORM_RADIO:
        return "w_radio";
    case FORM_RECIPIENTS:
        return form_goes_to_several(control->form->layout->kind) ? "w_checks" : "w_radio";
    case FORM_AGENCY:
    case FORM_ASSOCIATE:
    case FORM_PERSON:
    case FORM_DUTY:
    case FORM_MESSAGE:
        return "w_select";
    case FORM_MONEY:
    case FORM_IDENTITY:
        return "w_line";
    default:
        break;
    }
    return type == FIELD_WORD                         ? "w_select"
           : type == FIELD_SET || type == FIELD_WORDS ? "w_checks"
           : type == FIELD_BOOL                       ? "w_tick"
                                                      : "w_line";
}

static const char *type_of(const struct control *control)
{
    const enum field_type type = control->field != NULL ? control->field->type : FIELD_TEXT;

    return type == FIELD_DATE || type == FIELD_DATES ? "date"
           : type == FIELD_INSTANT                   ? "datetime-local"
                                                     : "text";
}

/* For keyboards of telephones. */
static const char *keys_of(const struct control *control)
{
    const enum field_type type = control->field != NULL ? control->field->type : FIELD_TEXT;

    return control->item->widget == FORM_MONEY ? "decimal"
           : control->item->widget != FORM_IDENTITY && (type == FIELD_U32 || type == FIELD_U64)
               ? "numeric"
               : "text";
}

/* "男 1978年3月12日" */
static void view_identity(const struct control *control)
{
    struct page *page = control->form->page;
    const char *value = form_value(&control->form->values, control->name);
    char number[19] = "", text[64] = "";
    uint32_t birth;

    text_copy(number, sizeof(number), value);
    if (number[17] == 'x') {
        number[17] = 'X';
    }
    birth = strlen(value) == 18 ? identity_birth_date(number) : 0;
    if (birth != 0) {
        (void)snprintf(text, sizeof(text),
                       page->language == LANGUAGE_EN ? "%s, born %u-%02u-%02u" : "%s %u年%u月%u日",
                       (number[16] - '0') % 2 == 1 ? tr(page, N_("男")) : tr(page, N_("女")),
                       birth / 10000, birth / 100 % 100, birth % 100);
    }
    named_bool(&page->view, "identity", true);
    named_text(&page->view, "born", text);
    crypto_wipe(number, sizeof(number));
}

static const char *why(const struct form_page *form, const struct form_fault *fault)
{
    return fault == NULL ? "" : fault->text != NULL ? tr(form->page, fault->text) : fault->said;
}

static void view_describing(const struct control *control, bool in_table)
{
    char text[2 * FORM_NAME_BYTES + 8];

    (void)snprintf(text, sizeof(text), "%s%s%s%s%s", control->fault != NULL ? "e-" : "",
                   control->fault != NULL ? control->id : "",
                   control->fault != NULL && control->item->hint != NULL && !in_table ? " " : "",
                   control->item->hint != NULL && !in_table ? "h-" : "",
                   control->item->hint != NULL && !in_table ? control->id : "");
    named_text(&control->form->page->view, "described", text);
}

/* Has a line of the form to itself. */
static bool is_wide(const struct control *control, const char *widget)
{
    return control->item->widget == FORM_LONG || strcmp(widget, "w_checks") == 0 ||
           strcmp(widget, "w_radio") == 0 ||
           (control->field != NULL && control->field->type == FIELD_WORD &&
            control->field->which == VOCABULARY_GROUND);
}

/* A late answer says why it is late, beside what else is to be said. */
static const char *label_of(const struct form_page *form, const struct form_item *item)
{
    const enum message_kind kind = form->layout->kind;
    const bool answers = kind == MESSAGE_OUTBOUND_FEEDBACK || kind == MESSAGE_INBOUND_FEEDBACK;

    if (strcmp(item->path, "body.text") != 0) {
        return item->label;
    }
    return answers && form_is_late(form) ? N_("超期原因和备注")
           : form->purpose != NULL       ? N_("说明")
                                         : item->label;
}

static void view_control_members(struct control *control, bool in_table)
{
    struct form_page *form = control->form;
    struct json_writer *view = &form->page->view;
    const char *widget = widget_of(control);
    const bool has_options = strcmp(widget, "w_line") != 0 && strcmp(widget, "w_long") != 0 &&
                             strcmp(widget, "w_tick") != 0;
    char row[12];

    static const char *const widgets[] = {"w_line",   "w_long",  "w_select",
                                          "w_checks", "w_radio", "w_tick"};

    for (size_t i = 0; i < sizeof(widgets) / sizeof(widgets[0]); i++) {
        named_bool(view, widgets[i], strcmp(widgets[i], widget) == 0);
    }
    (void)snprintf(row, sizeof(row), "%u", control->row + 1);
    named_text(view, "name", control->name);
    named_text(view, "id", control->id);
    named_text(view, "label", tr(form->page, label_of(form, control->item)));
    named_text(view, "hint",
               control->item->hint != NULL && !in_table ? tr(form->page, control->item->hint) : "");
    named_text(view, "type", type_of(control));
    named_text(view, "keys", keys_of(control));
    named_text(view, "value", form_value(&form->values, control->name));
    named_bool(view, "checked", form_value(&form->values, control->name)[0] != '\0');
    named_bool(view, "req", is_mandatory(control));
    named_text(view, "error", why(form, control->fault));
    named_bool(view, "focus", control->fault != NULL && !form->is_focused);
    named_bool(view, "in_table", in_table);
    named_text(view, "row_text", in_table ? row : "");
    named_bool(view, "wide", !in_table && is_wide(control, widget));
    named_bool(view, "tight", control->field != NULL && control->field->type == FIELD_SET);
    view_describing(control, in_table);
    if (control->item->widget == FORM_IDENTITY) {
        view_identity(control);
    } else {
        named_bool(view, "identity", false);
    }
    form->is_focused = form->is_focused || control->fault != NULL;
    if (has_options) {
        form_view_options(form, control->item, control->name);
    }
}

static void view_control(struct form_page *form, const struct form_section *section, size_t index,
                         uint32_t row)
{
    const struct form_item *item = &section->items[index];
    struct json_writer *view = &form->page->view;
    const bool in_table = section->style == FORM_TABLE;
    struct control control = control_of(form, section, item, row);

    json_object_begin(view);
    view_control_members(&control, in_table);
    named_bool(view, "is_switch", item->under > 0);
    json_name(view, "under");
    json_array_begin(view);
    for (size_t i = 1; i <= item->under; i++) {
        struct control below = control_of(form, section, &section->items[index + i], row);

        json_object_begin(view);
        view_control_members(&below, in_table);
        json_object_end(view);
    }
    json_array_end(view);
    json_object_end(view);
}

/* The page's address says it already. */
static bool is_addressed(const struct form_page *form, const struct form_item *item)
{
    const struct form_purpose *purpose = form->purpose;
    const struct form_address *address = &form->address;

    const bool of_case = address->case_number[0] != '\0', follows = address->previous[0] != '\0';

    return ((of_case || follows) &&
            (strcmp(item->path, "case_number") == 0 || strcmp(item->path, "previous") == 0)) ||
           (of_case && strcmp(item->path, "facts.link") == 0) ||
           (purpose != NULL &&
            (strcmp(item->path, purpose->choice[0]) == 0 || strcmp(item->path, "recipients") == 0 ||
             strcmp(item->path, "refers_to") == 0));
}

static void view_items(struct form_page *form, const struct form_section *section, uint32_t row,
                       bool more)
{
    struct json_writer *view = &form->page->view;
    bool open = false, any = false;

    json_name(view, more ? "folded_items" : "items");
    json_array_begin(view);
    for (size_t i = 0; i < section->count; i++) {
        const struct form_item *item = &section->items[i];
        char name[FORM_NAME_BYTES];

        if (item->widget < FORM_FIXED && item->more == more && !is_addressed(form, item)) {
            view_control(form, section, i, row);
            any = true;
            form_name(item->path, row, name);
            open = open || form_value(&form->values, name)[0] != '\0' ||
                   form_fault_of(&form->faults, name) != NULL;
        }
        i += item->under;
    }
    json_array_end(view);
    if (more) {
        named_bool(view, "folded", any);
        named_bool(view, "folded_open", open);
    }
}

/* --- rows --- */

static void view_columns(struct form_page *form, const struct form_section *section)
{
    struct json_writer *view = &form->page->view;

    json_name(view, "columns");
    json_array_begin(view);
    for (size_t i = 0; i < section->count; i++) {
        if (section->items[i].widget < FORM_FIXED) {
            struct control control = control_of(form, section, &section->items[i], 0);

            json_object_begin(view);
            named_text(view, "c_label", tr(form->page, section->items[i].label));
            named_bool(view, "c_req", is_mandatory(&control));
            json_object_end(view);
        }
    }
    json_array_end(view);
}

static void view_row_names(struct form_page *form, const struct form_section *section, uint32_t row)
{
    struct json_writer *view = &form->page->view;
    char text[FORM_NAME_BYTES + 8];

    named_text(view, "one", tr(form->page, section->one));
    named_u64(view, "n", row + 1);
    (void)snprintf(text, sizeof(text), "drop:%s[%u]", section->rows, row);
    named_text(view, "drop", text);
}

/* How many are shown: one at least. What the buttons below and in the rows are called. */
static uint32_t view_rows_begin(struct form_page *form, const struct form_section *section)
{
    struct json_writer *view = &form->page->view;
    uint32_t rows = form_rows(&form->values, form->layout->kind, section);
    char text[FORM_NAME_BYTES + 8];

    rows = rows > 0 ? rows : 1;
    (void)snprintf(text, sizeof(text), "add:%s", section->rows);
    named_text(view, "add", text);
    named_text(view, "group", section->rows);
    named_text(view, "one_of", tr(form->page, section->one));
    named_bool(view, "full", rows >= form_rows_max(form->layout->kind, section));
    return rows;
}

static void view_rows(struct form_page *form, const struct form_section *section)
{
    struct json_writer *view = &form->page->view;
    const uint32_t rows = view_rows_begin(form, section);

    view_columns(form, section);
    json_name(view, "rows");
    json_array_begin(view);
    for (uint32_t row = 0; row < rows; row++) {
        json_object_begin(view);
        view_row_names(form, section, row);
        view_items(form, section, row, false);
        view_items(form, section, row, true);
        json_object_end(view);
    }
    json_array_end(view);
}

static void view_file_rows(struct form_page *form, const struct form_section *section)
{
    struct json_writer *view = &form->page->view;
    const uint32_t rows = view_rows_begin(form, section);
    char of[64];

    json_name(view, "rows");
    json_array_begin(view);
    for (uint32_t row = 0; row < rows; row++) {
        json_object_begin(view);
        view_row_names(form, section, row);
        (void)snprintf(of, sizeof(of), "%s %u", tr(form->page, section->one), row + 1);
        named_text(view, "a_of", of);
        form_view_attachment(form, section, row);
        json_object_end(view);
    }
    json_array_end(view);
}

/* The checklist of the policy: each is attached, or its absence explained. */
static void view_materials(struct form_page *form, const struct form_section *section)
{
    struct json_writer *view = &form->page->view;
    size_t count;
    const struct policy_material *list =
        policy_materials(form->rules.policy, form->layout->kind, &count);

    json_name(view, "rows");
    json_array_begin(view);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(view);
        named_text(view, "material", page_word(form->page, VOCABULARY_MATERIAL, list[i].kind));
        named_bool(view, "must", list[i].mandatory);
        named_text(view, "a_of", page_word(form->page, VOCABULARY_MATERIAL, list[i].kind));
        form_view_attachment(form, section, (uint32_t)i);
        json_name(view, "items");
        json_array_begin(view);
        for (size_t k = 0; k < section->count; k++) {
            if (section->items[k].widget < FORM_FIXED) {
                struct control control = control_of(form, section, &section->items[k], (uint32_t)i);

                json_object_begin(view);
                view_control_members(&control, true);
                json_object_end(view);
            }
        }
        json_array_end(view);
        json_object_end(view);
    }
    json_array_end(view);
    named_bool(view, "listed", count > 0);
}

/* --- sections --- */

static const struct form_section *section_with_outcome(const struct form_layout *layout)
{
    for (size_t i = 0; i < layout->count; i++) {
        if (layout->sections[i].items[0].widget == FORM_OUTCOME) {
            return &layout->sections[i];
        }
    }
    return NULL;
}

static void view_section_body(struct form_page *form, const struct form_section *section)
{
    static const char *const styles[] = {[FORM_GRID] = "grid",
                                         [FORM_TABLE] = "table",
                                         [FORM_BLOCKS] = "blocks",
                                         [FORM_NEEDS] = "needs_style",
                                         [FORM_MATERIALS] = "materials_style",
                                         [FORM_FILES] = "files_style"};
    struct json_writer *view = &form->page->view;

    for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++) {
        named_bool(view, styles[i], i == section->style);
    }
    named_text(view, "s_hint", section->hint != NULL ? tr(form->page, section->hint) : "");
    switch (section->style) {
    case FORM_GRID:
        view_items(form, section, 0, false);
        view_items(form, section, 0, true);
        break;
    case FORM_TABLE:
    case FORM_BLOCKS:
        view_rows(form, section);
        break;
    case FORM_NEEDS:
        form_view_needs(form);
        view_items(form, section, 0, true);
        break;
    case FORM_MATERIALS:
        view_materials(form, section);
        break;
    case FORM_FILES:
        view_file_rows(form, section);
        break;
    }
}

/* "f1 f4": shown with those outcomes. */
static void view_set(struct form_page *form, const struct form_section *section)
{
    struct json_writer *view = &form->page->view;
    char class[64] = "";
    size_t len = 0;

    for (uint32_t outcome = 1; outcome < OUTCOME_COUNT; outcome++) {
        if ((section->outcomes >> outcome & 1u) != 0) {
            len += (size_t)snprintf(class + len, sizeof(class) - len, " f%u", outcome);
        }
    }
    json_object_begin(view);
    named_text(view, "set_class", class);
    named_text(view, "set_title", tr(form->page, section->title));
    view_section_body(form, section);
    json_object_end(view);
}

static void view_outcome(struct form_page *form, const struct form_section *section)
{
    struct json_writer *view = &form->page->view;
    struct control control = control_of(form, section, &section->items[0], 0);

    named_bool(view, "outcome", true);
    view_control_members(&control, false); /* its options are the outcomes */
    json_name(view, "sets");
    json_array_begin(view);
    for (size_t i = 0; i < form->layout->count; i++) {
        if (form->layout->sections[i].outcomes != 0) {
            view_set(form, &form->layout->sections[i]);
        }
    }
    json_array_end(view);
}

static bool has_control(const struct form_section *section)
{
    for (size_t i = 0; i < section->count; i++) {
        if (section->items[i].widget < FORM_FIXED) {
            return true;
        }
    }
    return false;
}

static bool is_shown(const struct form_page *form, const struct form_section *section)
{
    size_t count = 0;

    if (section->style == FORM_MATERIALS) {
        (void)policy_materials(form->rules.policy, form->layout->kind, &count);
        return count > 0;
    }
    return section->outcomes == 0 && (section->style == FORM_FILES || has_control(section));
}

static bool goes_on(const struct form_page *form, size_t index)
{
    for (size_t i = index + 1; i < form->layout->count; i++) {
        if (is_shown(form, &form->layout->sections[i])) {
            return form->layout->sections[i].title == NULL;
        }
    }
    return false;
}

/* How many there are in the part that opens with this section. */
static uint64_t faults_under(const struct form_page *form, size_t first)
{
    uint64_t count = 0;

    for (size_t i = 0; i < form->faults.count; i++) {
        struct form_place place;
        size_t at;

        if (!form_find(form->layout, form->faults.list[i].name, &place)) {
            continue;
        }
        at = (size_t)(place.section - form->layout->sections);
        while (at > 0 && form->layout->sections[at].title == NULL) {
            at--;
        }
        count += at == first ? 1 : 0;
    }
    return count;
}

static void view_sections(struct form_page *form)
{
    struct json_writer *view = &form->page->view;
    const struct form_section *outcome = section_with_outcome(form->layout);
    char id[32];

    json_name(view, "sections");
    json_array_begin(view);
    for (size_t i = 0; i < form->layout->count; i++) {
        const struct form_section *section = &form->layout->sections[i];

        if (!is_shown(form, section)) {
            continue;
        }
        json_object_begin(view);
        named_bool(view, "opens", section->title != NULL);
        named_bool(view, "closes", !goes_on(form, i));
        named_text(view, "s_title",
                   section->title == NULL            ? ""
                   : i == 0 && form->purpose != NULL ? tr(form->page, form->purpose->title)
                                                     : tr(form->page, section->title));
        (void)snprintf(id, sizeof(id), "part-%zu", i + 1);
        named_text(view, "s_id", id);
        named_u64(view, "s_faults", section->title != NULL ? faults_under(form, i) : 0);
        if (section == outcome) {
            view_outcome(form, section);
        } else {
            named_bool(view, "outcome", false);
            view_section_body(form, section);
        }
        json_object_end(view);
    }
    json_array_end(view);
}

/* --- faults, in the order of the form --- */

static void view_fault(struct form_page *form, const struct form_fault *fault)
{
    struct json_writer *view = &form->page->view;
    struct form_place place;
    char id[FORM_NAME_BYTES], label[256] = "";

    form_id(fault->name, id);
    json_object_begin(view);
    named_text(view, "f_id", id);
    if (form_find(form->layout, fault->name, &place) && place.item != NULL) {
        const char *text = tr(form->page, label_of(form, place.item));

        if (place.section->style == FORM_MATERIALS) {
            char name[FORM_NAME_BYTES];
            const struct word *word;

            form_name("facts.materials[].kind", place.row, name);
            word = vocabulary_parse(VOCABULARY_MATERIAL, form_value(&form->values, name));
            (void)snprintf(
                label, sizeof(label), "%s：%s",
                word != NULL ? page_word(form->page, VOCABULARY_MATERIAL, word->value) : "", text);
        } else if (place.section->rows != NULL) {
            (void)snprintf(label, sizeof(label), "%s %u：%s", tr(form->page, place.section->one),
                           place.row + 1, text);
        } else {
            text_copy(label, sizeof(label), text);
        }
    }
    named_text(view, "f_label", label);
    named_text(view, "f_why", why(form, fault));
    json_object_end(view);
}

static void view_faults_of(struct form_page *form, const struct form_section *section)
{
    uint32_t rows =
        section->rows != NULL ? form_rows(&form->values, form->layout->kind, section) : 1;

    for (uint32_t row = 0; row < (rows > 0 ? rows : 1); row++) {
        for (size_t k = 0; k < section->count; k++) {
            char name[FORM_NAME_BYTES];
            const struct form_fault *fault;

            form_name(section->items[k].path, row, name);
            fault = form_fault_of(&form->faults, name);
            if (fault != NULL) {
                view_fault(form, fault);
            }
        }
    }
}

static void view_faults(struct form_page *form)
{
    struct json_writer *view = &form->page->view;

    named_u64(view, "fault_count", form->faults.count);
    json_name(view, "fault_list");
    json_array_begin(view);
    for (size_t i = 0; i < form->layout->count; i++) {
        view_faults_of(form, &form->layout->sections[i]);
    }
    if (form_fault_of(&form->faults, "") != NULL) {
        view_fault(form, form_fault_of(&form->faults, ""));
    }
    json_array_end(view);
}

void form_view(struct form_page *form)
{
    struct json_writer *view = &form->page->view;

    named_text(view, "path", form->path);
    named_text(view, "button",
               tr(form->page, form->purpose != NULL ? form->purpose->title : form->layout->button));
    named_text(view, "lead", form->layout->lead != NULL ? tr(form->page, form->layout->lead) : "");
    view_faults(form);
    view_sections(form);
}
