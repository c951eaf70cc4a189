/* What was typed, as a list of names and texts: a form has a few hundred, so that searching the
 * whole list is quicker than keeping an index. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/web/form.h"
#include "base/crypto.h"

/* --- names and paths --- */

void form_name(const char *path, uint32_t row, char out[FORM_NAME_BYTES])
{
    const char *bracket = strstr(path, "[]");

    if (bracket == NULL) {
        text_copy(out, FORM_NAME_BYTES, path);
        return;
    }
    (void)snprintf(out, FORM_NAME_BYTES, "%.*s[%u]%s", (int)(bracket - path), path, row,
                   bracket + 2);
}

/* "body.persons[12].name" -> "body.persons[].name" and 12. False: the index is none. */
static bool path_of(const char *name, char path[FORM_NAME_BYTES], uint32_t *ret_row)
{
    const char *open = strchr(name, '[');
    const char *at;
    uint32_t row = 0;

    *ret_row = 0;
    if (strlen(name) >= FORM_NAME_BYTES) {
        return false;
    }
    if (open == NULL) {
        text_copy(path, FORM_NAME_BYTES, name);
        return true;
    }
    for (at = open + 1; *at >= '0' && *at <= '9' && at - open <= 4; at++) {
        row = row * 10 + (uint32_t)(*at - '0');
    }
    if (*at != ']' || at == open + 1 || (open[1] == '0' && at != open + 2)) {
        return false;
    }
    (void)snprintf(path, FORM_NAME_BYTES, "%.*s[]%s", (int)(open - name), name, at + 1);
    *ret_row = row;
    return true;
}

static bool is_rows_of(const struct form_section *section, const char *path)
{
    size_t len = section->rows != NULL ? strlen(section->rows) : 0;

    return len > 0 && strncmp(section->rows, path, len) == 0 &&
           (path[len] == '\0' || strcmp(path + len, "[]") == 0);
}

bool form_find(const struct form_layout *layout, const char *name, struct form_place *ret_place)
{
    char path[FORM_NAME_BYTES];
    struct form_place place = {.section = NULL};

    if (!path_of(name, path, &place.row)) {
        return false;
    }
    for (size_t i = 0; i < layout->count; i++) {
        const struct form_section *section = &layout->sections[i];

        for (size_t k = 0; k < section->count; k++) {
            if (strcmp(section->items[k].path, path) == 0) {
                place.section = section;
                place.item = &section->items[k];
                *ret_place = place;
                return section->rows == NULL || place.row < form_rows_max(layout->kind, section);
            }
        }
        if (is_rows_of(section, path)) {
            place.section = section;
            *ret_place = place;
            return true;
        }
    }
    return false;
}

/* --- values --- */

void form_values_init(struct form_values *values)
{
    memset(values, 0, sizeof(*values));
    region_init(&values->texts, 4u * LIMIT_WEB_FORM_BYTES);
}

void form_values_free(struct form_values *values)
{
    if (values != NULL) {
        free(values->list);
        region_wipe(&values->texts);
        memset(values, 0, sizeof(*values));
    }
}

static const char *keep(struct form_values *values, const char *text)
{
    size_t len = strlen(text) + 1;
    char *copy = region_take(&values->texts, len);

    if (copy != NULL) {
        memcpy(copy, text, len);
    }
    return copy;
}

static enum err make_room(struct form_values *values)
{
    size_t room = values->room == 0 ? 128 : 2 * values->room;
    struct form_value *list;

    if (values->count < values->room) {
        return OK;
    }
    list = realloc(values->list, room * sizeof(*list));
    if (list == NULL) {
        return ERR_MEMORY;
    }
    values->list = list;
    values->room = room;
    return OK;
}

enum err form_values_add(struct form_values *values, const char *name, const char *value)
{
    struct form_value *added;
    enum err error = make_room(values);

    if (error != OK) {
        return error;
    }
    added = &values->list[values->count];
    added->name = keep(values, name);
    added->value = keep(values, value);
    if (added->name == NULL || added->value == NULL) {
        return ERR_MEMORY;
    }
    values->count++;
    return OK;
}

void form_values_remove(struct form_values *values, const char *name)
{
    size_t kept = 0;

    for (size_t i = 0; i < values->count; i++) {
        if (strcmp(values->list[i].name, name) != 0) {
            values->list[kept++] = values->list[i];
        }
    }
    values->count = kept;
}

enum err form_values_set(struct form_values *values, const char *name, const char *value)
{
    form_values_remove(values, name);
    return form_values_add(values, name, value);
}

enum err form_values_copy(struct form_values *to, const struct form_values *from)
{
    enum err error = OK;

    for (size_t i = 0; error == OK && i < from->count; i++) {
        error = form_values_add(to, from->list[i].name, from->list[i].value);
    }
    return error;
}

const char *form_value(const struct form_values *values, const char *name)
{
    for (size_t i = 0; i < values->count; i++) {
        if (strcmp(values->list[i].name, name) == 0) {
            return values->list[i].value;
        }
    }
    return "";
}

bool form_chosen(const struct form_values *values, const char *name, const char *value)
{
    for (size_t i = 0; i < values->count; i++) {
        if (strcmp(values->list[i].name, name) == 0 && strcmp(values->list[i].value, value) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_known(const struct form_layout *layout, const char *name)
{
    struct form_place place;

    return form_find(layout, name, &place) && place.item != NULL &&
           (place.item->widget < FORM_FIXED || place.item->widget == FORM_FILE);
}

enum err form_values_take(struct form_values *values, const struct form_layout *layout,
                          const struct http_field *fields, size_t count)
{
    enum err error = OK;

    for (size_t i = 0; error == OK && i < count; i++) {
        if (is_known(layout, fields[i].name)) {
            error = form_values_add(values, fields[i].name, fields[i].value);
        }
    }
    return error;
}

/* --- drafts --- */

static bool came_before(const struct form_values *values, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(values->list[i].name, values->list[index].name) == 0) {
            return true;
        }
    }
    return false;
}

enum err form_values_write(const struct form_values *values, struct buf *json)
{
    struct json_writer out;

    json_writer_init(&out, json);
    json_object_begin(&out);
    for (size_t i = 0; i < values->count; i++) {
        if (came_before(values, i)) {
            continue;
        }
        json_name(&out, values->list[i].name);
        json_array_begin(&out);
        for (size_t k = i; k < values->count; k++) {
            if (strcmp(values->list[k].name, values->list[i].name) == 0) {
                json_text(&out, values->list[k].value);
            }
        }
        json_array_end(&out);
    }
    json_object_end(&out);
    return json_writer_end(&out);
}

static enum err read_member(struct form_values *values, const char *name,
                            const struct json_value *list)
{
    enum err error = OK;

    for (size_t i = 0; error == OK && i < json_count(list); i++) {
        struct json_value item = json_item(list, i);
        const char *text;

        error = json_get_text(&item, LIMIT_WEB_VALUE_BYTES, &text, NULL);
        if (error == OK) {
            error = form_values_add(values, name, text);
        }
    }
    return error;
}

enum err form_values_read(struct form_values *values, const struct form_layout *layout,
                          struct span json)
{
    struct json *document;
    enum err error = json_open("draft", json, &document, NULL);

    if (error != OK) {
        return error;
    }
    struct json_value root = json_root(document);
    for (size_t i = 0; error == OK && i < json_count(&root); i++) {
        const char *name = json_member_name(&root, i);

        if (name != NULL && is_known(layout, name)) {
            struct json_value list = json_member(&root, name);

            error = read_member(values, name, &list);
        }
    }
    json_free(document);
    return error;
}

/* --- rows --- */

uint32_t form_rows(const struct form_values *values, enum message_kind kind,
                   const struct form_section *section)
{
    size_t max = form_rows_max(kind, section);
    size_t len = strlen(section->rows);
    uint32_t rows = 0;

    for (size_t i = 0; i < values->count; i++) {
        const char *name = values->list[i].name;
        char path[FORM_NAME_BYTES];
        uint32_t row;

        if (strncmp(name, section->rows, len) == 0 && name[len] == '[' &&
            path_of(name, path, &row) && row < max && row + 1 > rows) {
            rows = row + 1;
        }
    }
    return rows;
}

enum err form_drop_row(struct form_values *values, const struct form_section *section, uint32_t row)
{
    size_t len = strlen(section->rows), kept = 0;

    for (size_t i = 0; i < values->count; i++) {
        struct form_value value = values->list[i];
        char path[FORM_NAME_BYTES], moved[FORM_NAME_BYTES];
        uint32_t at;

        if (strncmp(value.name, section->rows, len) == 0 && value.name[len] == '[' &&
            path_of(value.name, path, &at) && at >= row) {
            if (at == row) {
                continue;
            }
            form_name(path, at - 1, moved);
            value.name = keep(values, moved);
            if (value.name == NULL) {
                return ERR_MEMORY;
            }
        }
        values->list[kept++] = value;
    }
    values->count = kept;
    return OK;
}

bool form_row_empty(const struct form_values *values, const struct form_section *section,
                    uint32_t row)
{
    for (size_t i = 0; i < section->count; i++) {
        const struct form_item *item = &section->items[i];
        char name[FORM_NAME_BYTES];

        if (item->widget == FORM_FIXED || item->widget == FORM_PERSON) {
            continue;
        }
        form_name(item->path, row, name);
        if (form_value(values, name)[0] != '\0') {
            return false;
        }
    }
    return true;
}

/* --- faults --- */

const struct form_fault *form_fault_of(const struct form_faults *faults, const char *name)
{
    for (size_t i = 0; i < faults->count; i++) {
        if (strcmp(faults->list[i].name, name) == 0) {
            return &faults->list[i];
        }
    }
    return NULL;
}

void form_fault_add(struct form_faults *faults, const char *name, const char *text)
{
    struct form_fault *fault;

    if (faults->count == FORM_FAULTS_MAX || form_fault_of(faults, name) != NULL) {
        return;
    }
    fault = &faults->list[faults->count++];
    memset(fault, 0, sizeof(*fault));
    text_copy(fault->name, sizeof(fault->name), name);
    fault->text = text;
}
