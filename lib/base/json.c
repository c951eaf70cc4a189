/* The JSON reader of json.h, over jansson. Getters answer faults with the path of the field. Not
 * for the wire between agencies. Any thread; a document belongs to one. */
#include "base/json.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/nearest.h"

/* jansson has macros of these names; here they are the functions of json.h. */
#undef json_is_object
#undef json_is_array

struct json {
    json_t *root; /* owned */
};

static const json_t *json_node(const struct json_value *value)
{
    assert(value != NULL);
    return value->node;
}

static bool json_has_type(const struct json_value *value, json_type type)
{
    const json_t *node = json_node(value);
    return node != NULL && json_typeof(node) == type;
}

/* jansson quotes the input in its message: that part may be somebody's data and is cut. */
static enum err json_refuse_syntax(const char *name, json_error_t *error, struct fault *fault)
{
    char place[sizeof(fault->place)];
    (void)snprintf(place, sizeof(place), "%s:%d:%d", name, error->line, error->column);
    enum json_error_code code = json_error_code(error);
    char *quoted = strstr(error->text, " near '");
    if (quoted != NULL) {
        *quoted = '\0';
    }
    fault_set(fault, "json.syntax", place, "not well-formed JSON: %s", error->text);
    return code == json_error_out_of_memory ? ERR_MEMORY : ERR_INVALID;
}

enum err json_open(const char *name, struct span text, struct json **ret_json, struct fault *fault)
{
    assert(name != NULL);
    assert(ret_json != NULL);
    if (text.len > LIMIT_JSON_BYTES) {
        fault_set(fault, "json.too-large", name, "%zu bytes; at most %u are read", text.len,
                  LIMIT_JSON_BYTES);
        return ERR_TOO_LARGE;
    }
    struct json *json = calloc(1, sizeof(*json));
    if (json == NULL) {
        fault_set(fault, "json.memory", name, "no memory to read the document");
        return ERR_MEMORY;
    }
    json_error_t error = {.line = 1};
    const char *data = text.len == 0 ? "" : (const char *)text.data;
    json->root = json_loadb(data, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (json->root == NULL) {
        free(json);
        return json_refuse_syntax(name, &error, fault);
    }
    *ret_json = json;
    return OK;
}

void json_free(struct json *json)
{
    if (json == NULL) {
        return;
    }
    json_decref(json->root);
    free(json);
}

struct json_value json_root(const struct json *json)
{
    assert(json != NULL);
    return (struct json_value){.node = json->root};
}

struct rewriting {
    enum err (*rewrite)(const char *text, struct buf *out);
    struct buf text;
};

static enum err rewrite_text(json_t *node, struct rewriting *rewriting)
{
    struct buf *text = &rewriting->text;
    enum err error;

    buf_clear(text);
    error = rewriting->rewrite(json_string_value(node), text);
    if (error == OK && json_string_setn(node, (const char *)text->data, text->len) != 0) {
        error = ERR_MEMORY;
    }
    return error;
}

static enum err push(struct buf *todo, json_t *node)
{
    return buf_append(todo, (const void *)&node, sizeof(node));
}

static json_t *pop(struct buf *todo)
{
    json_t *node;

    todo->len -= sizeof(node);
    memcpy((void *)&node, todo->data + todo->len, sizeof(node));
    return node;
}

static enum err push_children(struct buf *todo, json_t *node)
{
    enum err error = OK;

    for (size_t i = 0; error == OK && i < json_array_size(node); i++) {
        error = push(todo, json_array_get(node, i));
    }
    for (void *at = json_object_iter(node); error == OK && at != NULL;
         at = json_object_iter_next(node, at)) {
        error = push(todo, json_object_iter_value(at));
    }
    return error;
}

enum err json_rewrite(struct json *json, enum err (*rewrite)(const char *text, struct buf *out),
                      size_t text_max)
{
    struct rewriting rewriting = {.rewrite = rewrite};
    struct buf todo;
    enum err error;

    buf_init(&rewriting.text, text_max);
    buf_init(&todo, (LIMIT_JSON_BYTES + 1) * sizeof(json_t *));
    error = push(&todo, json->root);
    while (error == OK && todo.len > 0) {
        json_t *node = pop(&todo);

        if (!json_is_string(node)) {
            error = push_children(&todo, node);
        } else if (json_string_length(node) > 0) {
            error = rewrite_text(node, &rewriting);
        }
    }
    buf_free(&todo);
    buf_free(&rewriting.text);
    return error;
}

bool json_absent(const struct json_value *value)
{
    return json_node(value) == NULL || json_has_type(value, JSON_NULL);
}

bool json_is_object(const struct json_value *value)
{
    return json_has_type(value, JSON_OBJECT);
}

bool json_is_array(const struct json_value *value)
{
    return json_has_type(value, JSON_ARRAY);
}

bool json_is_text(const struct json_value *value)
{
    return json_has_type(value, JSON_STRING);
}

size_t json_count(const struct json_value *value)
{
    if (json_is_object(value)) {
        return json_object_size(json_node(value));
    }
    return json_is_array(value) ? json_array_size(json_node(value)) : 0;
}

/* A path that did not fit ends in "...". */
static void json_path_mark(struct json_value *value, int len)
{
    static const char more[] = "...";
    if (len < 0 || (size_t)len >= sizeof(value->path)) {
        memcpy(value->path + sizeof(value->path) - sizeof(more), more, sizeof(more));
    }
}

struct json_value json_item(const struct json_value *array, size_t index)
{
    struct json_value item = {0};
    int len = snprintf(item.path, sizeof(item.path), "%s[%zu]", array->path, index);
    json_path_mark(&item, len);
    if (json_is_array(array)) {
        item.node = json_array_get(json_node(array), index);
    }
    return item;
}

struct json_value json_member(const struct json_value *object, const char *key)
{
    assert(key != NULL);
    struct json_value member = {0};
    const char *dot = object->path[0] == '\0' ? "" : ".";
    int len = snprintf(member.path, sizeof(member.path), "%s%s%s", object->path, dot, key);
    json_path_mark(&member, len);
    if (json_is_object(object)) {
        member.node = json_object_get(json_node(object), key);
    }
    return member;
}

/* jansson's iterators want a tree that may change; these only read. */
static json_t *json_iterable(const struct json_value *object)
{
    union {
        const void *read;
        json_t *iterate;
    } node = {.read = object->node};
    return node.iterate;
}

const char *json_member_name(const struct json_value *object, size_t index)
{
    if (!json_is_object(object)) {
        return NULL;
    }
    json_t *node = json_iterable(object);
    void *at = json_object_iter(node);
    for (size_t i = 0; i < index && at != NULL; i++) {
        at = json_object_iter_next(node, at);
    }
    return at == NULL ? NULL : json_object_iter_key(at);
}

enum json_kind json_node_kind(const void *node)
{
    static const enum json_kind kinds[] = {
        [JSON_OBJECT] = JSON_MEMBERS, [JSON_ARRAY] = JSON_LIST,   [JSON_STRING] = JSON_WORDS,
        [JSON_INTEGER] = JSON_DIGITS, [JSON_REAL] = JSON_DIGITS,  [JSON_TRUE] = JSON_YES,
        [JSON_FALSE] = JSON_NO,       [JSON_NULL] = JSON_NOTHING,
    };
    const json_t *value = node;
    return value == NULL ? JSON_ABSENT : kinds[json_typeof(value)];
}

const void *json_node_member(const void *node, struct span key)
{
    return json_node_kind(node) == JSON_MEMBERS
               ? json_object_getn(node, (const char *)key.data, key.len)
               : NULL;
}

const void *json_node_item(const void *node, size_t index)
{
    return json_node_kind(node) == JSON_LIST ? json_array_get(node, index) : NULL;
}

size_t json_node_count(const void *node)
{
    switch (json_node_kind(node)) {
    case JSON_MEMBERS:
        return json_object_size(node);
    case JSON_LIST:
        return json_array_size(node);
    case JSON_WORDS:
        return json_string_length(node);
    default:
        return 0;
    }
}

struct span json_node_text(const void *node, char digits[JSON_DIGITS_BYTES])
{
    if (json_node_kind(node) == JSON_WORDS) {
        return span_of(json_string_value(node), json_string_length(node));
    }
    if (json_node_kind(node) != JSON_DIGITS) {
        return (struct span){0};
    }
    size_t len = json_dumpb(node, digits, JSON_DIGITS_BYTES, JSON_ENCODE_ANY);
    assert(len > 0 && len <= JSON_DIGITS_BYTES); /* a double has 25 characters at most */
    return span_of(digits, len);
}

static const char *json_place(const struct json_value *value)
{
    return value->path[0] == '\0' ? "the document" : value->path;
}

enum err json_refuse(const struct json_value *value, struct fault *fault, const char *code,
                     const char *fmt, ...)
{
    assert(value != NULL);
    char message[sizeof(fault->message)];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    fault_set(fault, code, json_place(value), "%s", message);
    return ERR_INVALID;
}

static const char *json_type_name(const struct json_value *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object",      [JSON_ARRAY] = "an array",
        [JSON_STRING] = "a text",         [JSON_INTEGER] = "a number",
        [JSON_REAL] = "a decimal number", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",           [JSON_NULL] = "null",
    };
    return names[json_typeof(json_node(value))];
}

/* The refusal of a value that is absent or has another type. */
static enum err json_refuse_type(const struct json_value *value, struct fault *fault,
                                 const char *expected)
{
    if (json_node(value) == NULL) {
        return json_refuse(value, fault, "json.missing", "is missing: expected %s", expected);
    }
    return json_refuse(value, fault, "json.type", "expected %s, found %s", expected,
                       json_type_name(value));
}

enum err json_get_text(const struct json_value *value, size_t max_bytes, const char **ret_text,
                       struct fault *fault)
{
    assert(ret_text != NULL);
    if (!json_is_text(value)) {
        return json_refuse_type(value, fault, "a text");
    }
    size_t len = json_string_length(json_node(value));
    if (len > max_bytes) {
        return json_refuse(value, fault, "json.range", "a text of %zu bytes; at most %zu fit", len,
                           max_bytes);
    }
    *ret_text = json_string_value(json_node(value));
    return OK;
}

enum err json_get_i64(const struct json_value *value, int64_t *ret, struct fault *fault)
{
    assert(ret != NULL);
    if (!json_has_type(value, JSON_INTEGER)) {
        return json_refuse_type(value, fault, "a whole number");
    }
    *ret = json_integer_value(json_node(value));
    return OK;
}

enum err json_get_u64(const struct json_value *value, uint64_t min, uint64_t max, uint64_t *ret,
                      struct fault *fault)
{
    assert(ret != NULL);
    assert(min <= max);
    int64_t number = 0;
    enum err error = json_get_i64(value, &number, fault);
    if (error != OK) {
        return error;
    }
    if (number < 0 || (uint64_t)number < min || (uint64_t)number > max) {
        return json_refuse(value, fault, "json.range",
                           "%" PRId64 " is not between %" PRIu64 " and %" PRIu64, number, min, max);
    }
    *ret = (uint64_t)number;
    return OK;
}

enum err json_get_bool(const struct json_value *value, bool *ret, struct fault *fault)
{
    assert(ret != NULL);
    if (!json_has_type(value, JSON_TRUE) && !json_has_type(value, JSON_FALSE)) {
        return json_refuse_type(value, fault, "true or false");
    }
    *ret = json_has_type(value, JSON_TRUE);
    return OK;
}

enum err json_get_choice(const struct json_value *value, const char *const *choices,
                         size_t *ret_index, struct fault *fault)
{
    assert(choices != NULL);
    assert(ret_index != NULL);
    if (!json_is_text(value)) {
        return json_refuse_type(value, fault, "a text");
    }
    const char *text = json_string_value(json_node(value));
    for (size_t i = 0; choices[i] != NULL; i++) {
        if (strcmp(text, choices[i]) == 0) {
            *ret_index = i;
            return OK;
        }
    }
    char list[256];
    nearest_list(choices, list, sizeof(list));
    enum err error = json_refuse(value, fault, "json.choice", "expected one of: %s", list);
    nearest_hint(fault, text, choices);
    return error;
}

static bool name_in(const char *name, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

enum err json_only(const struct json_value *object, const char *const *allowed, struct fault *fault)
{
    assert(allowed != NULL);
    if (!json_is_object(object)) {
        return json_refuse_type(object, fault, "an object");
    }
    json_t *node = json_iterable(object);
    for (void *at = json_object_iter(node); at != NULL; at = json_object_iter_next(node, at)) {
        const char *name = json_object_iter_key(at);
        if (!name_in(name, allowed)) {
            struct json_value member = json_member(object, name);
            char list[256];
            nearest_list(allowed, list, sizeof(list));
            enum err error = json_refuse(&member, fault, "json.unknown-member",
                                         "is not known here; known: %s", list);
            nearest_hint(fault, name, allowed);
            return error;
        }
    }
    return OK;
}
