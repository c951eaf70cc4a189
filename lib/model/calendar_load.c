/* How: the whole file is read into a bounded array of rows, then added in one step, so that a
 * refused file leaves nothing behind. Faults get the file's name in front of their field path. */
#include "model/calendar_load.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

static enum err text_read(const struct json_value *value, char *to, size_t to_bytes,
                          struct fault *fault)
{
    const char *text = NULL;
    enum err error = json_get_text(value, to_bytes - 1, &text, fault);
    if (error == OK) {
        size_t len = strlen(text);
        assert(len < to_bytes);
        memcpy(to, text, len + 1);
    }
    return error;
}

/* An optional member that is empty when it is not there. */
static enum err text_maybe(const struct json_value *object, const char *name, char *to,
                           size_t to_bytes, struct fault *fault)
{
    struct json_value value = json_member(object, name);
    to[0] = '\0';
    return json_absent(&value) ? OK : text_read(&value, to, to_bytes, fault);
}

/* An optional member that is false when it is not there. */
static enum err flag_read(const struct json_value *object, const char *name, bool *ret_flag,
                          struct fault *fault)
{
    struct json_value value = json_member(object, name);
    *ret_flag = false;
    return json_absent(&value) ? OK : json_get_bool(&value, ret_flag, fault);
}

static enum err date_read(const struct json_value *value, int32_t *ret_day, struct fault *fault)
{
    const char *text = NULL;
    enum err error = json_get_text(value, CIVIL_TEXT_BYTES - 1, &text, fault);
    if (error == OK && civil_parse(text, ret_day) != OK) {
        return json_refuse(value, fault, "calendar.date",
                           "no such date: expected YYYY-MM-DD, such as 2026-10-01");
    }
    return error;
}

static enum err row_read(const struct json_value *object, struct calendar_row *row, bool *ret_hint,
                         struct fault *fault)
{
    static const char *const allowed[] = {"name",   "date",   "isOffDay", "hint",
                                          "source", "notice", NULL};
    struct json_value name = json_member(object, "name");
    struct json_value date = json_member(object, "date");
    struct json_value off = json_member(object, "isOffDay");
    enum err error = json_only(object, allowed, fault);
    if (error == OK) {
        error = text_read(&name, row->name, sizeof(row->name), fault);
    }
    if (error == OK) {
        error = date_read(&date, &row->day, fault);
    }
    if (error == OK) {
        error = json_get_bool(&off, &row->off, fault);
    }
    if (error == OK) {
        error = flag_read(object, "hint", ret_hint, fault);
    }
    if (error == OK) {
        error = text_maybe(object, "source", row->source, sizeof(row->source), fault);
    }
    if (error == OK) {
        error = text_maybe(object, "notice", row->notice, sizeof(row->notice), fault);
    }
    return error;
}

/* The rows of one file with the place that each has in it. */
struct rows {
    struct calendar_row rows[CALENDAR_FILE_ROWS_MAX];
    size_t places[CALENDAR_FILE_ROWS_MAX];
    size_t count;
};

static enum err rows_read(const struct json_value *days, bool hints, struct rows *rows,
                          struct fault *fault)
{
    if (!json_is_array(days)) {
        return json_refuse(days, fault, "calendar.days", "expected a list of days");
    }
    if (json_count(days) > CALENDAR_FILE_ROWS_MAX) {
        return json_refuse(days, fault, "calendar.too-many", "more than %d days",
                           CALENDAR_FILE_ROWS_MAX);
    }
    for (size_t i = 0; i < json_count(days); i++) {
        struct json_value item = json_item(days, i);
        bool hint = false;
        enum err error = row_read(&item, &rows->rows[rows->count], &hint, fault);
        if (error == OK && hint && !hints) {
            error = json_refuse(&item, fault, "calendar.hint",
                                "a hint belongs into a file with \"provisional\": true");
        }
        if (error != OK) {
            return error;
        }
        rows->places[rows->count] = i;
        rows->count += hint ? 0 : 1;
    }
    return OK;
}

/* Everything but the days: year, layer, and the papers joined into the source. */
static enum err head_read(const struct json_value *root, struct calendar_file *file,
                          struct fault *fault)
{
    static const char *const allowed[] = {"$schema", "$id",         "year",  "papers", "notice",
                                          "days",    "provisional", "local", NULL};
    uint64_t year = 0;
    bool provisional = false;
    bool local = false;
    struct json_value year_value = json_member(root, "year");
    enum err error = json_is_object(root)
                         ? json_only(root, allowed, fault)
                         : json_refuse(root, fault, "calendar.form", "expected an object");
    if (error == OK) {
        error = json_get_u64(&year_value, 1970, 9999, &year, fault);
    }
    if (error == OK) {
        error = flag_read(root, "provisional", &provisional, fault);
    }
    if (error == OK) {
        error = flag_read(root, "local", &local, fault);
    }
    if (error == OK) {
        error = text_maybe(root, "notice", file->notice, sizeof(file->notice), fault);
    }
    if (error == OK && provisional && local) {
        error = json_refuse(root, fault, "calendar.layer",
                            "\"provisional\" and \"local\" exclude each other");
    }
    if (error == OK) {
        file->year = (int32_t)year;
        file->layer = provisional ? CALENDAR_STATUTORY : CALENDAR_NOTICE;
        file->layer = local ? CALENDAR_LOCAL : file->layer;
    }
    return error;
}

static enum err papers_read(const struct json_value *papers, struct calendar_file *file,
                            struct fault *fault)
{
    if (!json_is_array(papers)) {
        return json_refuse(papers, fault, "calendar.papers", "expected a list of sources");
    }
    size_t used = 0;
    for (size_t i = 0; i < json_count(papers); i++) {
        struct json_value item = json_item(papers, i);
        const char *text = NULL;
        size_t gap = i == 0 ? 0 : 1;
        enum err error = json_get_text(&item, sizeof(file->source) - 1, &text, fault);
        if (error != OK) {
            return error;
        }
        size_t len = strlen(text);
        if (used + gap + len >= sizeof(file->source)) {
            return json_refuse(&item, fault, "calendar.papers", "the sources are over %zu bytes",
                               sizeof(file->source) - 1);
        }
        if (gap > 0) {
            file->source[used] = ' ';
        }
        memcpy(file->source + used + gap, text, len);
        used += gap + len;
    }
    file->source[used] = '\0';
    return OK;
}

static enum err document_add(struct calendar *calendar, const struct json_value *root,
                             struct rows *rows, struct fault *fault)
{
    struct calendar_file file = {.rows = rows->rows};
    struct json_value papers = json_member(root, "papers");
    struct json_value days = json_member(root, "days");
    enum err error = head_read(root, &file, fault);
    if (error == OK) {
        error = papers_read(&papers, &file, fault);
    }
    if (error == OK) {
        error = rows_read(&days, file.layer == CALENDAR_STATUTORY, rows, fault);
    }
    if (error != OK) {
        return error;
    }
    file.row_count = rows->count;
    size_t bad = 0;
    error = calendar_add(calendar, &file, &bad, fault);
    if (error != OK && bad < rows->count && fault != NULL) {
        struct json_value item = json_item(&days, rows->places[bad]);
        (void)snprintf(fault->place, sizeof(fault->place), "%s.date", item.path);
    }
    return error;
}

/* "days[3].date" becomes "2026.json:days[3].date". */
static void place_name(struct fault *fault, const char *name)
{
    if (fault == NULL) {
        return;
    }
    char place[sizeof(fault->place)];
    memcpy(place, fault->place, sizeof(place));
    (void)snprintf(fault->place, sizeof(fault->place), "%.80s%s%.170s", name,
                   place[0] == '\0' ? "" : ":", place);
}

enum err calendar_load_text(struct calendar *calendar, const char *name, struct span text,
                            struct fault *fault)
{
    struct json *json = NULL;
    enum err error = json_open(name, text, &json, fault);
    if (error != OK) {
        return error;
    }
    struct rows *rows = calloc(1, sizeof(*rows));
    if (rows == NULL) {
        error = ERR_MEMORY;
    } else {
        struct json_value root = json_root(json);
        error = document_add(calendar, &root, rows, fault);
        if (error != OK) {
            place_name(fault, name);
        }
    }
    free(rows);
    json_free(json);
    return error;
}

enum err calendar_load_head(const char *name, struct span text, int32_t *ret_year,
                            enum calendar_layer *ret_layer, struct fault *fault)
{
    struct calendar_file file = {.rows = NULL};
    struct json *json = NULL;
    enum err error = json_open(name, text, &json, fault);
    if (error != OK) {
        return error;
    }
    struct json_value root = json_root(json);
    error = head_read(&root, &file, fault);
    if (error == OK) {
        *ret_year = file.year;
        *ret_layer = file.layer;
    } else {
        place_name(fault, name);
    }
    json_free(json);
    return error;
}
