/* The strict readers of http_form.h. Each field gets its NUL where its separator was, so that no
 * text is copied; a multipart value ends before the CR of the next delimiter, which has been found
 * by then. Every search is linear in the body. */
#include "agent/web/http_form.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BOUNDARY_BYTES_MAX 70 /* RFC 2046 */
#define BOUNDARY_CHARACTERS                                                                        \
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'()+_,-./:=?"
#define TYPE_BYTES_MAX 256

void http_form_free(struct http_form *form)
{
    if (form == NULL) {
        return;
    }
    free(form->fields);
    free(form->uploads);
    *form = (struct http_form){0};
}

/* --- lists --- */

/* Room for one more of `size` bytes; doubles. */
static enum err list_grow(void **list, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return OK;
    }
    size_t wanted = *room == 0 ? 8 : *room * 2;
    void *grown = realloc(*list, wanted * size);
    if (grown == NULL) {
        return ERR_MEMORY;
    }
    *list = grown;
    *room = wanted;
    return OK;
}

static enum err field_add(struct http_form *form, const char *name, const char *value)
{
    void *list = form->fields;
    if (form->field_count == LIMIT_WEB_FIELDS) {
        return ERR_TOO_LARGE;
    }
    enum err error = list_grow(&list, form->field_count, &form->field_room, sizeof *form->fields);
    if (error != OK) {
        return error;
    }
    form->fields = list;
    form->fields[form->field_count++] = (struct http_field){.name = name, .value = value};
    return OK;
}

static enum err upload_add(struct http_form *form, const struct http_upload *upload)
{
    void *list = form->uploads;
    if (form->upload_count == LIMIT_WEB_UPLOADS) {
        return ERR_TOO_LARGE;
    }
    enum err error =
        list_grow(&list, form->upload_count, &form->upload_room, sizeof *form->uploads);
    if (error != OK) {
        return error;
    }
    form->uploads = list;
    form->uploads[form->upload_count++] = *upload;
    return OK;
}

/* --- texts --- */

static bool text_valid(const char *text, size_t len)
{
    return memchr(text, '\0', len) == NULL && utf8_valid(span_of(text, len));
}

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    if (digit >= 'A' && digit <= 'F') {
        return digit - 'A' + 10;
    }
    return -1;
}

/* The byte of an escape whose '%' is at `at`; -1: it is half one. */
static int escape_value(const char *at, size_t left)
{
    if (left < 3) {
        return -1;
    }
    int high = hex_value(at[1]);
    int low = hex_value(at[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Decodes one name or value of an urlencoded form, and ends it with a NUL within text[0..len]. */
static enum err urlencoded_decode(char *text, size_t len, size_t len_max)
{
    size_t to = 0;
    for (size_t from = 0; from < len; from++) {
        char byte = text[from];
        if (byte == '+') {
            byte = ' ';
        } else if (byte == '%') {
            int value = escape_value(text + from, len - from);
            if (value < 0) {
                return ERR_INVALID;
            }
            byte = (char)value;
            from += 2;
        }
        text[to++] = byte;
    }
    if (!text_valid(text, to)) {
        return ERR_INVALID;
    }
    text[to] = '\0';
    return to > len_max ? ERR_TOO_LARGE : OK;
}

static enum err pair_add(struct http_form *form, char *piece, size_t len)
{
    char *equals = memchr(piece, '=', len);
    size_t name_len = equals == NULL ? len : (size_t)(equals - piece);
    char *value = equals == NULL ? piece + len : equals + 1;
    size_t value_len = (size_t)(piece + len - value);
    if (name_len == 0) {
        return ERR_INVALID;
    }
    enum err error = urlencoded_decode(value, value_len, LIMIT_WEB_VALUE_BYTES);
    if (error == OK) {
        error = urlencoded_decode(piece, name_len, LIMIT_WEB_NAME_BYTES);
    }
    return error == OK ? field_add(form, piece, value) : error;
}

enum err http_form_urlencoded(struct http_form *form, char *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        char *piece = text + at;
        const char *end = memchr(piece, '&', len - at);
        size_t piece_len = end == NULL ? len - at : (size_t)(end - piece);
        at += piece_len + 1;
        enum err error = piece_len == 0 ? OK : pair_add(form, piece, piece_len);
        if (error != OK) {
            return error;
        }
    }
    return OK;
}

enum err http_form_cookies(struct http_form *form, char *text)
{
    char *rest = text;
    while (rest != NULL && form->field_count < LIMIT_WEB_COOKIES) {
        char *name = rest + strspn(rest, " \t");
        rest = strchr(name, ';');
        if (rest != NULL) {
            *rest++ = '\0';
        }
        char *value = strchr(name, '=');
        if (value == NULL || value == name || has_control(name) || !utf8_valid(span_text(name))) {
            continue;
        }
        *value++ = '\0';
        for (size_t len = strlen(value); len > 0 && value[len - 1] == ' '; len--) {
            value[len - 1] = '\0';
        }
        enum err error = field_add(form, name, value);
        if (error != OK) {
            return error;
        }
    }
    return OK;
}

/* --- paths --- */

static bool path_byte_allowed(int byte, bool escaped)
{
    return byte >= 0x20 && byte != 0x7f && byte != '\\' && !(escaped && byte == '/');
}

/* No empty part but a last one, no "." and no "..". */
static bool path_parts_allowed(const char *path)
{
    while (*path == '/') {
        const char *part = path + 1;
        size_t len = strcspn(part, "/");
        bool last = part[len] == '\0';
        bool dots = (len == 1 && part[0] == '.') || (len == 2 && memcmp(part, "..", 2) == 0);
        if (dots || (len == 0 && !last)) {
            return false;
        }
        path = part + len;
    }
    return true;
}

enum err http_path_decode(char *path)
{
    size_t len = strlen(path);
    size_t to = 0;
    if (path[0] != '/') {
        return ERR_INVALID;
    }
    for (size_t from = 0; from < len; from++) {
        bool escaped = path[from] == '%';
        int byte = escaped ? escape_value(path + from, len - from) : (unsigned char)path[from];
        if (!path_byte_allowed(byte, escaped)) {
            return ERR_INVALID;
        }
        path[to++] = (char)byte;
        from += escaped ? 2 : 0;
    }
    path[to] = '\0';
    return utf8_valid(span_of(path, to)) && path_parts_allowed(path) ? OK : ERR_INVALID;
}

/* --- headers with parameters --- */

static bool type_is(const char *type, const char *wanted)
{
    size_t len = strlen(wanted);
    return strncasecmp(type, wanted, len) == 0 && strchr("; \t", type[len]) != NULL;
}

enum http_body_kind http_body_kind_of(const char *type)
{
    if (type != NULL && type_is(type, "application/x-www-form-urlencoded")) {
        return HTTP_BODY_URLENCODED;
    }
    if (type != NULL && type_is(type, "multipart/form-data")) {
        return HTTP_BODY_MULTIPART;
    }
    return HTTP_BODY_RAW;
}

/* Ends a quoted text, whose first quote was before `text`, in place; answers what follows it, or
 * NULL without an ending quote. A backslash escapes a quote only: some browsers send whole paths.
 * Browsers write %22, %0D and %0A for a quote and the ends of a line. */
static char *quoted_end(char *text)
{
    char *to = text;
    char *from = text;
    while (*from != '"') {
        if (*from == '\0') {
            return NULL;
        }
        if (from[0] == '\\' && from[1] == '"') {
            from++;
        } else if (from[0] == '%') {
            int value = escape_value(from, strnlen(from, 3));
            if (value == '"' || value == '\r' || value == '\n') {
                from += 2;
                *from = (char)value;
            }
        }
        *to++ = *from++;
    }
    *to = '\0';
    return from + 1;
}

struct parameter {
    char *name;
    char *value;
};

/* The next "; name=value" at *at. ERR_NOT_FOUND at the end. */
static enum err parameter_next(char **at, struct parameter *ret)
{
    char *text = *at + strspn(*at, " \t");
    if (*text == '\0') {
        return ERR_NOT_FOUND;
    }
    if (*text != ';') {
        return ERR_INVALID;
    }
    text += 1 + strspn(text + 1, " \t");
    size_t name_len = strcspn(text, "=; \t\"");
    if (name_len == 0 || text[name_len] != '=') {
        return ERR_INVALID;
    }
    /* Name and value are moved one to the left, over the ';' or blank and over the '=', so that the
     * NUL of a value without quotes has a place of its own and the next ';' stays. */
    ret->name = memmove(text - 1, text, name_len);
    text[name_len - 1] = '\0';
    text += name_len + 1;
    if (*text == '"') {
        ret->value = text + 1;
        *at = quoted_end(text + 1);
        return *at == NULL ? ERR_INVALID : OK;
    }
    size_t len = strcspn(text, "; \t\"");
    if (len == 0 || text[len] == '"') {
        return ERR_INVALID;
    }
    ret->value = memmove(text - 1, text, len);
    text[len - 1] = '\0';
    *at = text + len;
    return OK;
}

/* The boundary of a multipart type, with the delimiter's "CR LF - -" before it. */
static enum err delimiter_of(const char *type, char out[4 + BOUNDARY_BYTES_MAX + 1])
{
    char copy[TYPE_BYTES_MAX];
    struct parameter parameter = {0};
    const char *boundary = NULL;
    if (strlen(type) >= sizeof copy) {
        return ERR_INVALID;
    }
    text_copy(copy, sizeof copy, type);
    char *at = copy + strcspn(copy, "; \t");
    enum err error = OK;
    while ((error = parameter_next(&at, &parameter)) == OK) {
        if (strcasecmp(parameter.name, "boundary") == 0) {
            if (boundary != NULL) {
                return ERR_INVALID;
            }
            boundary = parameter.value;
        }
    }
    if (error != ERR_NOT_FOUND || boundary == NULL) {
        return ERR_INVALID;
    }
    size_t len = strlen(boundary);
    if (len == 0 || len > BOUNDARY_BYTES_MAX || strspn(boundary, BOUNDARY_CHARACTERS) != len) {
        return ERR_INVALID;
    }
    (void)snprintf(out, 4 + BOUNDARY_BYTES_MAX + 1, "\r\n--%s", boundary); /* fits: len checked */
    return OK;
}

/* --- parts of a multipart form --- */

struct part {
    const char *name;
    const char *file_name; /* NULL: a field */
    const char *type;
};

static const char *last_of_path(const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        if (*at == '/' || *at == '\\') {
            name = at + 1;
        }
    }
    return name;
}

static enum err disposition_read(char *value, struct part *part)
{
    struct parameter parameter = {0};
    enum err error = OK;
    if (part->name != NULL || !type_is(value, "form-data")) {
        return ERR_INVALID;
    }
    char *at = value + strlen("form-data");
    while ((error = parameter_next(&at, &parameter)) == OK) {
        bool is_name = strcasecmp(parameter.name, "name") == 0;
        bool is_file = strcasecmp(parameter.name, "filename") == 0;
        const char **field = is_name ? &part->name : &part->file_name;
        if (!is_name && !is_file) {
            continue;
        }
        if (*field != NULL || has_control(parameter.value)) {
            return ERR_INVALID;
        }
        *field = parameter.value;
    }
    if (error != ERR_NOT_FOUND || part->name == NULL || part->name[0] == '\0') {
        return ERR_INVALID;
    }
    return OK;
}

static enum err part_header_read(char *line, struct part *part)
{
    char *value = strchr(line, ':');
    if (value == NULL || value == line || has_control(line)) {
        return ERR_INVALID;
    }
    *value++ = '\0';
    value += strspn(value, " ");
    if (strcasecmp(line, "Content-Disposition") == 0) {
        return disposition_read(value, part);
    }
    if (strcasecmp(line, "Content-Type") == 0) {
        bool nested = strncasecmp(value, "multipart/", strlen("multipart/")) == 0;
        if (part->type != NULL || nested) {
            return ERR_INVALID;
        }
        part->type = value;
    }
    if (strcasecmp(line, "Content-Transfer-Encoding") == 0 && strcasecmp(value, "binary") != 0 &&
        strcasecmp(value, "8bit") != 0 && strcasecmp(value, "7bit") != 0) {
        return ERR_INVALID;
    }
    return OK;
}

/* The headers of a part, without the empty line; `len` bytes that end before a CR. */
static enum err part_headers_read(char *headers, size_t len, struct part *part)
{
    char *line = headers;
    *part = (struct part){0};
    if (!text_valid(headers, len)) {
        return ERR_INVALID;
    }
    headers[len] = '\0';
    while (line != NULL) {
        char *end = strstr(line, "\r\n");
        if (end != NULL) {
            *end = '\0';
        }
        enum err error = part_header_read(line, part);
        if (error != OK) {
            return error;
        }
        line = end == NULL ? NULL : end + 2;
    }
    if (part->name == NULL) {
        return ERR_INVALID;
    }
    return strlen(part->name) > LIMIT_WEB_NAME_BYTES ? ERR_TOO_LARGE : OK;
}

static enum err part_add(struct http_form *form, const struct part *part, char *data, size_t len)
{
    if (part->file_name == NULL) {
        if (len > LIMIT_WEB_VALUE_BYTES) {
            return ERR_TOO_LARGE;
        }
        if (!text_valid(data, len)) {
            return ERR_INVALID;
        }
        data[len] = '\0';
        return field_add(form, part->name, data);
    }
    struct http_upload upload = {
        .field = part->name,
        .file_name = last_of_path(part->file_name),
        .type = part->type == NULL ? "" : part->type,
        .bytes = span_of(data, len),
    };
    if (strlen(upload.file_name) >= LIMIT_WEB_FILE_NAME_BYTES) {
        return ERR_TOO_LARGE;
    }
    return upload_add(form, &upload);
}

struct cursor {
    char *at;
    char *end;
};

static bool cursor_has(const struct cursor *cursor, const char *text)
{
    size_t len = strlen(text);
    return (size_t)(cursor->end - cursor->at) >= len && memcmp(cursor->at, text, len) == 0;
}

/* The next whole delimiter: one that another part or the end follows. NULL: none. */
static char *delimiter_find(const struct cursor *cursor, const char *delimiter)
{
    size_t len = strlen(delimiter);
    struct cursor rest = *cursor;
    while (true) {
        char *found = memmem(rest.at, (size_t)(rest.end - rest.at), delimiter, len);
        if (found == NULL) {
            return NULL;
        }
        rest.at = found + len;
        if (cursor_has(&rest, "\r\n") || cursor_has(&rest, "--")) {
            return found;
        }
    }
}

/* One part, from behind its delimiter's CR LF to behind the next delimiter. */
static enum err part_read(struct http_form *form, struct cursor *cursor, const char *delimiter)
{
    struct part part;
    size_t left = (size_t)(cursor->end - cursor->at);
    size_t headers_max = left < LIMIT_WEB_PART_BYTES ? left : LIMIT_WEB_PART_BYTES;
    char *headers_end = memmem(cursor->at, headers_max, "\r\n\r\n", 4);
    if (headers_end == NULL) {
        return left > LIMIT_WEB_PART_BYTES ? ERR_TOO_LARGE : ERR_INVALID;
    }
    enum err error = part_headers_read(cursor->at, (size_t)(headers_end - cursor->at), &part);
    if (error != OK) {
        return error;
    }
    cursor->at = headers_end + 4;
    char *data_end = delimiter_find(cursor, delimiter);
    if (data_end == NULL) {
        return ERR_INVALID;
    }
    error = part_add(form, &part, cursor->at, (size_t)(data_end - cursor->at));
    cursor->at = data_end + strlen(delimiter);
    return error;
}

enum err http_form_multipart(struct http_form *form, const char *type, char *body, size_t len)
{
    char delimiter[4 + BOUNDARY_BYTES_MAX + 1];
    struct cursor cursor = {.at = body, .end = body + len};
    enum err error = delimiter_of(type, delimiter);
    if (error != OK) {
        return error;
    }
    if (!cursor_has(&cursor, delimiter + 2)) {
        return ERR_INVALID;
    }
    cursor.at += strlen(delimiter + 2);
    while (cursor_has(&cursor, "\r\n")) {
        cursor.at += 2;
        error = part_read(form, &cursor, delimiter);
        if (error != OK) {
            return error;
        }
    }
    if (!cursor_has(&cursor, "--")) {
        return ERR_INVALID;
    }
    cursor.at += 2;
    if (cursor_has(&cursor, "\r\n")) {
        cursor.at += 2;
    }
    return cursor.at == cursor.end ? OK : ERR_INVALID;
}
