/* From what was typed to the message, in the order of the tables of fields; and back from a fault's
 * place to the control. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/web/catalogue.h"
#include "agent/web/form.h"
#include "base/crypto.h"
#include "model/calendar.h"

struct writing {
    const struct form *form;
    struct json_writer *out;
    struct form_map *map;
    struct form_faults *faults;
    enum err error;
};

/* --- what people type --- */

enum err form_money_parse(const char *text, uint64_t *ret_fen)
{
    uint64_t fen = 0;
    unsigned decimals = 0, digits = 0;
    bool point = false;

    for (const char *at = text; *at != '\0'; at++) {
        if (*at >= '0' && *at <= '9') {
            decimals += point ? 1 : 0;
            fen = fen * 10 + (uint64_t)(*at - '0');
            if (++digits > 15 || decimals > 2) {
                return ERR_INVALID;
            }
        } else if (*at == '.' && !point && digits > 0) {
            point = true;
        } else if (strncmp(at, "，", strlen("，")) == 0) {
            at += strlen("，") - 1;
        } else if (*at != ',' && *at != ' ') {
            return ERR_INVALID;
        }
    }
    for (; decimals < 2; decimals++) {
        fen *= 10;
    }
    *ret_fen = fen;
    return digits > 0 ? OK : ERR_INVALID;
}

/* Year, month and day, whatever stands between them. */
static enum err three_numbers(const char *text, uint32_t parts[3])
{
    size_t count = 0;
    unsigned digits = 0;

    parts[0] = parts[1] = parts[2] = 0;
    for (const char *at = text; *at != '\0'; at++) {
        bool digit = *at >= '0' && *at <= '9';

        if (digit && count < 3 && digits < 8) {
            parts[count] = parts[count] * 10 + (uint32_t)(*at - '0');
            digits++;
        } else if (digit || (count == 0 && digits == 0)) {
            return ERR_INVALID;
        } else if (digits > 0) {
            count++;
            digits = 0;
        }
    }
    count += digits > 0 ? 1 : 0;
    if (count == 1 && parts[0] >= 10000000) { /* all in one */
        parts[2] = parts[0] % 100;
        parts[1] = parts[0] / 100 % 100;
        parts[0] /= 10000;
        return OK;
    }
    return count == 3 ? OK : ERR_INVALID;
}

enum err form_date_parse(const char *text, char out[CIVIL_TEXT_BYTES])
{
    uint32_t parts[3];
    int32_t day;

    if (strlen(text) > 20 || three_numbers(text, parts) != OK || parts[0] < 1970 ||
        parts[0] > 9999 || parts[1] > 12 || parts[2] > 31 ||
        civil_from_yyyymmdd(parts[0] * 10000 + parts[1] * 100 + parts[2], &day) != OK) {
        return ERR_INVALID;
    }
    civil_format(day, out);
    return OK;
}

/* "2026-10-20T15:30" of the control, with seconds or not; "2026-10-20 15:30" of old browsers. */
static enum err instant_of(const char *text, char out[48])
{
    char date[CIVIL_TEXT_BYTES], day[16];
    const char *clock = strpbrk(text, "T ");
    size_t len = clock != NULL ? (size_t)(clock - text) : 0;
    bool right = len > 0 && len < sizeof(day) && (strlen(clock) == 6 || strlen(clock) == 9);

    for (size_t i = 1; right && clock[i] != '\0'; i++) {
        right = i % 3 == 0 ? clock[i] == ':' : clock[i] >= '0' && clock[i] <= '9';
    }
    if (!right) {
        return ERR_INVALID;
    }
    memcpy(day, text, len);
    day[len] = '\0';
    if (form_date_parse(day, date) != OK || clock[1] > '2' || (clock[1] == '2' && clock[2] > '3') ||
        clock[4] > '5' || (clock[6] == ':' && clock[7] > '5')) {
        return ERR_INVALID;
    }
    (void)snprintf(out, 48, "%sT%.8s%s+08:00", date, clock + 1, strlen(clock) == 6 ? ":00" : "");
    return OK;
}

/* --- one control --- */

static void note(struct writing *writing, const char *name, const char *text)
{
    form_fault_add(writing->faults, name, text);
}

static void text_out(struct writing *writing, const struct form_item *item, const char *value)
{
    size_t len = strlen(value), kept = 0;
    char *text = malloc(len + 1);

    if (text == NULL) {
        writing->error = ERR_MEMORY;
        return;
    }
    for (size_t i = 0; i < len; i++) {
        bool drop = value[i] == '\r' || (item->widget == FORM_IDENTITY && value[i] == ' ');

        if (!drop) {
            text[kept] = value[i];
            if (item->widget == FORM_IDENTITY && value[i] == 'x') {
                text[kept] = 'X';
            }
            kept++;
        }
    }
    while (kept > 0 &&
           (text[kept - 1] == ' ' || text[kept - 1] == '\n' || text[kept - 1] == '\t')) {
        kept--;
    }
    text[kept] = '\0';
    json_text(writing->out, text + strspn(text, " \n\t"));
    crypto_wipe(text, len + 1);
    free(text);
}

static void list_out(struct writing *writing, const char *name)
{
    const struct form_values *values = writing->form->values;

    json_array_begin(writing->out);
    for (size_t i = 0; i < values->count; i++) {
        const struct form_value *value = &values->list[i];
        bool twice = false;

        for (size_t k = 0; k < i; k++) {
            twice = twice || (strcmp(values->list[k].name, name) == 0 &&
                              strcmp(values->list[k].value, value->value) == 0);
        }
        if (!twice && value->value[0] != '\0' && strcmp(value->name, name) == 0) {
            json_text(writing->out, value->value);
        }
    }
    json_array_end(writing->out);
}

static bool number_of(const char *text, uint64_t *ret)
{
    size_t len = strlen(text);

    *ret = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        *ret = *ret * 10 + (uint64_t)(text[i] - '0');
    }
    return len > 0 && len <= 15;
}

/* A fault instead of a member. */
static const char *unreadable(const struct form_item *item, const struct field *field,
                              const char *value)
{
    uint64_t number;
    char text[48];

    if (item->widget == FORM_MONEY) {
        return form_money_parse(value, &number) == OK ? NULL
                                                      : N_("金额填写有误，单位为元，例如 1,200.50");
    }
    switch (field->type) {
    case FIELD_DATE:
    case FIELD_DATES:
        return form_date_parse(value, text) == OK ? NULL : N_("日期有误，例如 2026-03-02");
    case FIELD_INSTANT:
        return instant_of(value, text) == OK ? NULL : N_("时间有误，例如 2026-03-02 09:30");
    case FIELD_U32:
    case FIELD_U64:
        return number_of(value, &number) ? NULL : N_("请填写数字");
    default:
        return NULL;
    }
}

static void value_out(struct writing *writing, const struct form_item *item,
                      const struct field *field, const char *name)
{
    const char *value = form_value(writing->form->values, name);
    uint64_t number = 0;
    char text[48];

    if (item->widget == FORM_MONEY) {
        (void)!form_money_parse(value, &number);
        json_u64(writing->out, number);
        return;
    }
    switch (field->type) {
    case FIELD_SET:
    case FIELD_WORDS:
        list_out(writing, name);
        break;
    case FIELD_BOOL:
        json_bool(writing->out, true);
        break;
    case FIELD_U32:
    case FIELD_U64:
        (void)number_of(value, &number);
        json_u64(writing->out, number);
        break;
    case FIELD_DATE:
    case FIELD_DATES:
        (void)!form_date_parse(value, text);
        json_text(writing->out, text);
        break;
    case FIELD_INSTANT:
        (void)!instant_of(value, text);
        json_text(writing->out, text);
        break;
    default:
        text_out(writing, item, value);
        break;
    }
}

/* Blanks alone are nothing. */
static bool is_blank(const char *value)
{
    return value[strspn(value, " \r\n\t")] == '\0';
}

/* Is there something to say? What cannot be read is noted. */
static bool is_said(struct writing *writing, const struct form_item *item,
                    const struct field *field, const char *name)
{
    const char *value = form_value(writing->form->values, name);
    const char *text;

    if (item->widget == FORM_AGENT || is_blank(value)) {
        return false;
    }
    text = unreadable(item, field, value);
    if (text != NULL) {
        note(writing, name, text);
    }
    return text == NULL;
}

static void member_out(struct writing *writing, const struct form_item *item,
                       const struct field *field, const char *name)
{
    if (is_said(writing, item, field, name)) {
        json_name(writing->out, field->name);
        value_out(writing, item, field, name);
    }
}

/* --- which items count --- */

static bool counts(const struct form *form, const struct form_section *section)
{
    const struct word *word =
        vocabulary_parse(VOCABULARY_OUTCOME, form_value(form->values, "facts.outcome"));

    return section->outcomes == 0 || (word != NULL && (section->outcomes >> word->value & 1u) != 0);
}

static const struct form_item *item_of(const struct form *form, const char *path,
                                       const struct form_section **ret_section)
{
    const struct form_layout *layout = form->layout;

    for (size_t i = 0; i < layout->count; i++) {
        for (size_t k = 0; k < layout->sections[i].count; k++) {
            if (strcmp(layout->sections[i].items[k].path, path) == 0 &&
                counts(form, &layout->sections[i])) {
                *ret_section = &layout->sections[i];
                return &layout->sections[i].items[k];
            }
        }
    }
    return NULL;
}

static const struct form_section *rows_of(const struct form *form, const char *path)
{
    for (size_t i = 0; i < form->layout->count; i++) {
        const struct form_section *section = &form->layout->sections[i];

        if (section->rows != NULL && strcmp(section->rows, path) == 0 && counts(form, section)) {
            return section;
        }
    }
    return NULL;
}

/* --- rows --- */

static void row_out(struct writing *writing, const struct form_section *section,
                    const struct field *field, uint32_t row)
{
    json_object_begin(writing->out);
    for (const struct field *member = field->rows->fields; member->name != NULL; member++) {
        char path[FORM_NAME_BYTES], name[FORM_NAME_BYTES];

        (void)snprintf(path, sizeof(path), "%s[].%s", section->rows, member->name);
        for (size_t i = 0; i < section->count; i++) {
            if (strcmp(section->items[i].path, path) == 0) {
                form_name(path, row, name);
                member_out(writing, &section->items[i], member, name);
            }
        }
    }
    json_object_end(writing->out);
}

static void date_out(struct writing *writing, const struct form_section *section,
                     const struct field *field, uint32_t row)
{
    char name[FORM_NAME_BYTES];

    form_name(section->items[0].path, row, name);
    if (is_said(writing, &section->items[0], field, name)) {
        value_out(writing, &section->items[0], field, name);
    }
}

static void rows_out(struct writing *writing, const struct form_section *section,
                     const struct field *field)
{
    const struct form *form = writing->form;
    uint32_t count = form_rows(form->values, form->layout->kind, section);
    struct form_map_group *group = NULL;
    bool begun = false;

    if (writing->map->count < FORM_GROUPS_MAX) {
        group = &writing->map->groups[writing->map->count++];
        group->path = section->rows;
        group->count = 0;
    }
    for (uint32_t row = 0; row < count; row++) {
        if (form_row_empty(form->values, section, row)) {
            continue;
        }
        if (!begun) {
            json_name(writing->out, field->name);
            json_array_begin(writing->out);
            begun = true;
        }
        if (group != NULL && group->count < LIMIT_ROSTER) {
            group->rows[group->count++] = (uint16_t)row;
        }
        if (field->type == FIELD_ROWS) {
            row_out(writing, section, field, row);
        } else {
            date_out(writing, section, field, row);
        }
    }
    if (begun) {
        json_array_end(writing->out);
    }
}

/* --- the message --- */

static void fields_out(struct writing *writing, const char *prefix, const struct field *fields)
{
    for (const struct field *field = fields; field->name != NULL; field++) {
        char path[FORM_NAME_BYTES];
        const struct form_section *section;
        const struct form_item *item;

        (void)snprintf(path, sizeof(path), "%s.%s", prefix, field->name);
        section = rows_of(writing->form, path);
        if (section != NULL) {
            rows_out(writing, section, field);
            continue;
        }
        item = item_of(writing->form, path, &section);
        if (item != NULL) {
            member_out(writing, item, field, path);
        }
    }
}

static void named(struct writing *writing, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        json_name(writing->out, name);
        json_text(writing->out, text);
    }
}

static void address_out(struct writing *writing)
{
    const struct form *form = writing->form;
    const struct form_address *address = form->address;
    const struct form_section *section;

    named(writing, "referral", address->referral);
    named(writing, "matter", address->matter);
    named(writing, "about", address->about);
    named(writing, "case_number",
          address->case_number[0] != '\0' ? address->case_number
                                          : form_value(form->values, "case_number"));
    named(writing, "previous",
          address->previous[0] != '\0' ? address->previous : form_value(form->values, "previous"));
    named(writing, "refers_to", form_value(form->values, "refers_to"));
    if (item_of(form, "recipients", &section) != NULL &&
        form_value(form->values, "recipients")[0] != '\0') {
        json_name(writing->out, "recipients");
        list_out(writing, "recipients");
    }
}

/* What nobody types: how many persons a roster has. */
static void counted_out(struct writing *writing)
{
    const struct form *form = writing->form;
    const struct form_section *section = rows_of(form, "body.persons");
    uint64_t persons = 0;

    if (form->layout->kind != MESSAGE_ROSTER || section == NULL) {
        return;
    }
    for (uint32_t row = 0; row < form_rows(form->values, form->layout->kind, section); row++) {
        persons += form_row_empty(form->values, section, row) ? 0 : 1;
    }
    json_name(writing->out, "persons");
    json_u64(writing->out, persons);
}

enum err form_write(const struct form *form, struct buf *out, struct form_map *map,
                    struct form_faults *faults)
{
    struct json_writer json;
    struct writing writing = {.form = form, .out = &json, .map = map, .faults = faults};
    enum err error;

    map->count = 0;
    json_writer_init(&json, out);
    json_object_begin(&json);
    named(&writing, "kind", message_kind_name(form->layout->kind));
    address_out(&writing);
    json_name(&json, "facts");
    json_object_begin(&json);
    fields_out(&writing, "facts", message_form_of(form->layout->kind));
    counted_out(&writing);
    json_object_end(&json);
    json_name(&json, "body");
    json_object_begin(&json);
    named(&writing, "officer", form->address->officer);
    fields_out(&writing, "body", message_form_body());
    json_object_end(&json);
    json_object_end(&json);
    error = json_writer_end(&json);
    return writing.error != OK ? writing.error : error;
}

/* --- back from a fault --- */

/* The control at which a group or row begins; of rows of files the file. */
static bool first_control(const struct form_section *section, uint32_t row,
                          char ret_name[FORM_NAME_BYTES])
{
    for (size_t i = 0; i < section->count; i++) {
        if (section->items[i].widget < FORM_FIXED || section->style == FORM_FILES) {
            form_name(section->items[i].path, row, ret_name);
            return true;
        }
    }
    return false;
}

static uint32_t row_in_form(const struct form_map *map, const struct form_section *section,
                            uint32_t row)
{
    for (size_t i = 0; i < map->count; i++) {
        if (section->rows != NULL && strcmp(map->groups[i].path, section->rows) == 0) {
            return row < map->groups[i].count ? map->groups[i].rows[row]
                   : map->groups[i].count > 0 ? map->groups[i].rows[0]
                                              : 0;
        }
    }
    return row;
}

static const char *const addresses[][2] = {
    {"header.recipient", "recipients"},     {"header.kind", "recipients"},
    {"facts.copies", "recipients"},         {"header.refers_to", "refers_to"},
    {"facts.previous", "previous"},         {"facts.previous_case", "previous"},
    {"facts.person_count", "body.persons"}, {"facts.persons", "body.persons"},
};

/* "facts.promises.by_date", of no row: a day of one of them is past, so that of the earliest. */
static bool earliest(const struct form *form, const struct form_section *section,
                     const struct form_item *item, char ret_name[FORM_NAME_BYTES])
{
    uint32_t rows = form_rows(form->values, form->layout->kind, section);
    char best[CIVIL_TEXT_BYTES] = "9999-99-99";

    form_name(item->path, 0, ret_name);
    for (uint32_t row = 0; row < rows; row++) {
        char name[FORM_NAME_BYTES], date[CIVIL_TEXT_BYTES];

        form_name(item->path, row, name);
        if (form_date_parse(form_value(form->values, name), date) == OK && strcmp(date, best) < 0) {
            text_copy(best, sizeof(best), date);
            text_copy(ret_name, FORM_NAME_BYTES, name);
        }
    }
    return true;
}

static bool locate_without_row(const struct form *form, const char *place,
                               char ret_name[FORM_NAME_BYTES])
{
    for (size_t i = 0; i < form->layout->count; i++) {
        const struct form_section *section = &form->layout->sections[i];

        for (size_t k = 0; section->rows != NULL && k < section->count; k++) {
            const char *path = section->items[k].path;
            const char *rest = strstr(path, "[]") + 2;
            size_t len = (size_t)(rest - 2 - path);

            if (strncmp(place, path, len) == 0 && strcmp(place + len, rest) == 0 &&
                section->items[k].widget < FORM_FIXED) {
                return earliest(form, section, &section->items[k], ret_name);
            }
        }
    }
    return false;
}

bool form_locate(const struct form *form, const struct form_map *map, const char *place,
                 char ret_name[FORM_NAME_BYTES])
{
    char text[FORM_NAME_BYTES];
    struct form_place found;

    text_copy(text, sizeof(text), place);
    text[strcspn(text, ", :")] = '\0';
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        if (strcmp(text, addresses[i][0]) == 0) {
            text_copy(text, sizeof(text), addresses[i][1]);
            break;
        }
    }
    if (strncmp(text, "recipients[", 11) == 0) {
        text[10] = '\0';
    }
    if (locate_without_row(form, text, ret_name)) {
        return true;
    }
    while (!form_find(form->layout, text, &found)) { /* "facts.asked[0]": of the list */
        char *bracket = strrchr(text, '[');

        if (bracket == NULL) {
            return false;
        }
        *bracket = '\0';
    }
    if (found.section->rows == NULL) {
        text_copy(ret_name, FORM_NAME_BYTES, text);
        return found.item != NULL && found.item->widget < FORM_FIXED;
    }
    found.row = row_in_form(map, found.section, found.row);
    if (found.item == NULL || found.item->widget >= FORM_FIXED) {
        return first_control(found.section, found.row, ret_name);
    }
    form_name(found.item->path, found.row, ret_name);
    return true;
}
