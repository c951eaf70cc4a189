/* Parses YAML into a tree of our own from libfyaml's events, which carry every position. See
 * yaml.h. Only what a configuration needs: one document, scalars as text, no anchors, no tags.
 * On the thread that calls; nothing is kept outside the document. */
#include "base/yaml.h"

#include <assert.h>
#include <libfyaml.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/yaml_node.h"

/* A file of LIMIT_CONFIG_BYTES that is all one-letter items has a node of ~100 bytes for two. */
#define YAML_REGION_BYTES (128u * LIMIT_CONFIG_BYTES)
#define YAML_PAIR_COUNT   4096u /* in one mapping: keys are compared pairwise */

struct yaml_builder {
    struct yaml *yaml;
    struct yaml_node *open[LIMIT_NESTING]; /* mappings and sequences, the innermost last */
    size_t depth;
    unsigned line, column; /* of the newest event that has a place: an empty value has none */
    struct fault *fault;
};

static void yaml_place_at(const struct yaml *yaml, unsigned line, unsigned column, char out[256])
{
    const size_t shown = 200; /* of a long path its end tells more */
    const char *name = yaml->name;
    size_t len = strlen(name);
    bool cut = len > shown;
    (void)snprintf(out, 256, "%s%.200s:%u:%u", cut ? "..." : "", name + (cut ? len - shown : 0),
                   line, column);
}

unsigned yaml_line(const struct yaml_node *node)
{
    assert(node != NULL);
    return node->line;
}

void yaml_place(const struct yaml_node *node, char out[256])
{
    assert(node != NULL);
    yaml_place_at(node->yaml, node->line, node->column, out);
}

/* The line under a place, counted from 1. */
static void yaml_show_line(const struct yaml *yaml, unsigned line, unsigned column,
                           struct fault *fault)
{
    struct span rest = yaml->text;
    for (unsigned i = 1; rest.len > 0; i++) {
        const uint8_t *end = memchr(rest.data, '\n', rest.len);
        size_t len = end == NULL ? rest.len : (size_t)(end - rest.data);
        if (i == line) {
            bool returned = len > 0 && rest.data[len - 1] == '\r';
            fault_line(fault, (const char *)rest.data, len - returned, column);
            return;
        }
        rest = end == NULL ? span_of(NULL, 0) : span_of(end + 1, rest.len - len - 1);
    }
}

enum err yaml_refuse(const struct yaml_node *node, struct fault *fault, const char *code,
                     const char *fmt, ...)
{
    char place[256];
    char message[sizeof(fault->message)];
    yaml_place(node, place);
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    fault_set(fault, code, place, "%s", message);
    yaml_show_line(node->yaml, node->line, node->column, fault);
    return ERR_INVALID;
}

static enum err yaml_refuse_memory(const struct yaml *yaml, struct fault *fault)
{
    fault_set(fault, "config.memory", yaml->name, "no memory to read the file");
    return ERR_MEMORY;
}

/* Refuses the newest event. */
static enum err yaml_refuse_here(const struct yaml_builder *builder, const char *code,
                                 const char *message)
{
    char place[256];
    yaml_place_at(builder->yaml, builder->line, builder->column, place);
    fault_set(builder->fault, code, place, "%s", message);
    yaml_show_line(builder->yaml, builder->line, builder->column, builder->fault);
    return ERR_INVALID;
}

/* The text of a scalar, copied into the region. */
static enum err yaml_copy_text(struct yaml_builder *builder, struct fy_event *event,
                               struct yaml_node *node)
{
    struct fy_token *token = fy_event_get_token(event);
    size_t len = 0;
    const char *text = token == NULL ? NULL : fy_token_get_text(token, &len);
    if (text == NULL) { /* "key:" and nothing behind it */
        text = "";
        len = 0;
    }
    if (memchr(text, '\0', len) != NULL) {
        return yaml_refuse_here(builder, "config.syntax", "a text may not hold a NUL");
    }
    char *copy = region_take(&builder->yaml->region, len + 1);
    if (copy == NULL) {
        return yaml_refuse_memory(builder->yaml, builder->fault);
    }
    memcpy(copy, text, len);
    node->text = copy;
    node->quoted = token != NULL && fy_token_scalar_style(token) != FYSS_PLAIN;
    return OK;
}

/* A key is a scalar that its mapping does not have yet. */
static enum err yaml_check_key(const struct yaml_builder *builder, const struct yaml_node *mapping,
                               const struct yaml_node *key)
{
    if (key->kind != YAML_SCALAR) {
        return yaml_refuse(key, builder->fault, "config.syntax", "a key must be one plain name");
    }
    if (mapping->child_count / 2 >= YAML_PAIR_COUNT) {
        return yaml_refuse(key, builder->fault, "config.range", "a mapping has at most %u keys",
                           YAML_PAIR_COUNT);
    }
    const struct yaml_node *other = mapping->first;
    while (other != NULL) {
        if (strcmp(other->text, key->text) == 0) {
            return yaml_refuse(key, builder->fault, "config.duplicate-key",
                               "\"%.60s\" is given twice; it stands at line %u already", key->text,
                               other->line);
        }
        other = other->next->next;
    }
    return OK;
}

/* Hangs a new node below the innermost open one, or makes it the root. */
static enum err yaml_add_node(struct yaml_builder *builder, struct yaml_node *node)
{
    if (builder->depth == 0) {
        assert(builder->yaml->root == NULL);
        builder->yaml->root = node;
        return OK;
    }
    struct yaml_node *parent = builder->open[builder->depth - 1];
    if (parent->kind == YAML_MAPPING && parent->child_count % 2 == 0) {
        enum err error = yaml_check_key(builder, parent, node);
        if (error != OK) {
            return error;
        }
    }
    if (parent->last == NULL) {
        parent->first = node;
    } else {
        parent->last->next = node;
    }
    parent->last = node;
    parent->child_count++;
    return OK;
}

static enum err yaml_begin_node(struct yaml_builder *builder, struct fy_event *event,
                                enum yaml_kind kind)
{
    if (fy_event_get_tag_token(event) != NULL || fy_event_get_anchor_token(event) != NULL) {
        return yaml_refuse_here(builder, "config.syntax",
                                "tags (!) and anchors (&) are not used in these files");
    }
    struct yaml_node *node = region_take(&builder->yaml->region, sizeof(*node));
    if (node == NULL) {
        return yaml_refuse_memory(builder->yaml, builder->fault);
    }
    node->yaml = builder->yaml;
    node->kind = kind;
    node->line = builder->line;
    node->column = builder->column;
    enum err error = kind == YAML_SCALAR ? yaml_copy_text(builder, event, node) : OK;
    if (error == OK) {
        error = yaml_add_node(builder, node);
    }
    if (error != OK || kind == YAML_SCALAR) {
        return error;
    }
    if (builder->depth == LIMIT_NESTING) {
        return yaml_refuse(node, builder->fault, "config.syntax", "nested deeper than %u levels",
                           LIMIT_NESTING);
    }
    builder->open[builder->depth++] = node;
    return OK;
}

/* The children of a complete node become an array. */
static enum err yaml_end_node(struct yaml_builder *builder)
{
    assert(builder->depth > 0);
    struct yaml_node *node = builder->open[--builder->depth];
    assert(node->kind == YAML_SEQUENCE || node->child_count % 2 == 0);
    node->children =
        region_take(&builder->yaml->region, node->child_count * sizeof(*node->children));
    if (node->children == NULL) {
        return yaml_refuse_memory(builder->yaml, builder->fault);
    }
    size_t i = 0;
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        node->children[i++] = child;
    }
    return OK;
}

/* "key:" and nothing behind it: libfyaml 0.7 gives such a value no place, 0.8 the end of the key.
 */
static bool yaml_is_nothing(struct fy_event *event)
{
    struct fy_token *token = event->type == FYET_SCALAR ? fy_event_get_token(event) : NULL;
    size_t len = 0;
    return token != NULL && fy_token_scalar_style(token) == FYSS_PLAIN &&
           (fy_token_get_text(token, &len) == NULL || len == 0);
}

static enum err yaml_take_event(struct yaml_builder *builder, struct fy_event *event)
{
    const struct fy_mark *mark = fy_event_start_mark(event);
    if (mark != NULL && !yaml_is_nothing(event)) {
        builder->line = (unsigned)mark->line + 1;
        builder->column = (unsigned)mark->column + 1;
    }
    switch (event->type) {
    case FYET_SCALAR:
        return yaml_begin_node(builder, event, YAML_SCALAR);
    case FYET_SEQUENCE_START:
        return yaml_begin_node(builder, event, YAML_SEQUENCE);
    case FYET_MAPPING_START:
        return yaml_begin_node(builder, event, YAML_MAPPING);
    case FYET_SEQUENCE_END:
    case FYET_MAPPING_END:
        return yaml_end_node(builder);
    case FYET_ALIAS:
        return yaml_refuse_here(builder, "config.syntax",
                                "aliases (*) are not used in these files");
    case FYET_DOCUMENT_START:
        if (builder->yaml->root != NULL) {
            return yaml_refuse_here(builder, "config.syntax",
                                    "a second document; one file holds one document");
        }
        return OK;
    case FYET_NONE:
    case FYET_STREAM_START:
    case FYET_STREAM_END:
    case FYET_DOCUMENT_END:
        break;
    }
    return OK;
}

/* The first error that libfyaml collected. */
static enum err yaml_refuse_syntax(const struct yaml_builder *builder, struct fy_diag *diag)
{
    void *at = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &at);
    if (error == NULL) { /* libfyaml 0.7.12 is silent about "|0" */
        return yaml_refuse_here(builder, "config.syntax", "not well-formed YAML after this place");
    }
    char place[256];
    yaml_place_at(builder->yaml, (unsigned)error->line, (unsigned)error->column, place);
    fault_set(builder->fault, "config.syntax", place, "not well-formed YAML: %s", error->msg);
    yaml_show_line(builder->yaml, (unsigned)error->line, (unsigned)error->column, builder->fault);
    return ERR_INVALID;
}

static enum err yaml_parse(struct yaml_builder *builder, struct fy_parser *parser,
                           struct fy_diag *diag)
{
    enum err error = OK;
    bool more = true;
    while (error == OK && more) {
        struct fy_event *event = fy_parser_parse(parser);
        more = event != NULL;
        if (more) {
            error = yaml_take_event(builder, event);
        }
        fy_parser_event_free(parser, event);
    }
    if (error == OK && fy_parser_get_stream_error(parser)) {
        error = yaml_refuse_syntax(builder, diag);
    }
    if (error == OK && builder->yaml->root == NULL) {
        fault_set(builder->fault, "config.syntax", builder->yaml->name, "the file is empty");
        error = ERR_INVALID;
    }
    return error;
}

/* What is wrong with a line for YAML and libfyaml, or NULL. */
static const char *yaml_line_flaw(struct span line)
{
    if (!utf8_valid(line)) {
        return "this line is not UTF-8";
    }
    for (size_t i = 0; i < line.len; i++) {
        uint8_t c = line.data[i];
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) {
            return "this line has a control character";
        }
    }
    return NULL;
}

static enum err yaml_check_lines(const struct yaml_builder *builder, struct span text)
{
    unsigned line = 1;
    while (text.len > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.len);
        size_t len = end == NULL ? text.len : (size_t)(end - text.data) + 1;
        const char *flaw = yaml_line_flaw(span_of(text.data, len));
        if (flaw != NULL) {
            char place[256];
            yaml_place_at(builder->yaml, line, 1, place);
            fault_set(builder->fault, "config.syntax", place, "%s", flaw);
            fault_hint(builder->fault, "save the file as plain UTF-8 (not as GBK or UTF-16)");
            return ERR_INVALID;
        }
        text = span_of(text.data + len, text.len - len);
        line++;
    }
    return OK;
}

static enum err yaml_build(struct yaml *yaml, struct span text, struct fault *fault)
{
    struct yaml_builder builder = {.yaml = yaml, .line = 1, .column = 1, .fault = fault};
    enum err error = yaml_check_lines(&builder, text);
    uint8_t *copy = error == OK ? region_take(&yaml->region, text.len + 1) : NULL;
    if (error != OK) {
        return error;
    }
    if (copy == NULL) {
        return yaml_refuse_memory(yaml, fault);
    }
    if (text.len > 0) {
        memcpy(copy, text.data, text.len);
    }
    yaml->text = span_of(copy, text.len);
    struct fy_diag_cfg diag_config;
    fy_diag_cfg_default(&diag_config);
    diag_config.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&diag_config);
    if (diag == NULL) {
        return yaml_refuse_memory(yaml, fault);
    }
    fy_diag_set_collect_errors(diag, true);
    const struct fy_parse_cfg config = {.flags = FYPCF_QUIET | FYPCF_JSON_NONE, .diag = diag};
    struct fy_parser *parser = fy_parser_create(&config);
    const char *data = text.len == 0 ? "" : (const char *)text.data;
    if (parser == NULL || fy_parser_set_string(parser, data, text.len) != 0) {
        error = yaml_refuse_memory(yaml, fault);
    } else {
        error = yaml_parse(&builder, parser, diag);
    }
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
    return error;
}

enum err yaml_open_text(const char *name, struct span text, struct yaml **ret_yaml,
                        struct fault *fault)
{
    assert(name != NULL);
    assert(ret_yaml != NULL);
    if (text.len > LIMIT_CONFIG_BYTES) {
        fault_set(fault, "config.too-large", name, "%zu bytes; at most %u are read", text.len,
                  LIMIT_CONFIG_BYTES);
        return ERR_TOO_LARGE;
    }
    struct yaml *yaml = calloc(1, sizeof(*yaml));
    char *own_name = strdup(name);
    if (yaml == NULL || own_name == NULL) {
        free(yaml);
        free(own_name);
        fault_set(fault, "config.memory", name, "no memory to read the file");
        return ERR_MEMORY;
    }
    yaml->name = own_name;
    region_init(&yaml->region, YAML_REGION_BYTES);
    enum err error = yaml_build(yaml, text, fault);
    if (error != OK) {
        yaml_free(yaml);
        return error;
    }
    *ret_yaml = yaml;
    return OK;
}

enum err yaml_open(const char *path, struct yaml **ret_yaml, struct fault *fault)
{
    struct buf bytes;
    buf_init(&bytes, LIMIT_CONFIG_BYTES);
    enum err error = file_read(path, &bytes, fault);
    if (error == OK) {
        error = yaml_open_text(path, span_buf(&bytes), ret_yaml, fault);
    }
    buf_free(&bytes);
    return error;
}

void yaml_free(struct yaml *yaml)
{
    if (yaml == NULL) {
        return;
    }
    region_free(&yaml->region);
    free(yaml->name);
    free(yaml);
}

struct span yaml_source(const struct yaml *yaml)
{
    assert(yaml != NULL);
    return yaml->text;
}

const struct yaml_node *yaml_root(const struct yaml *yaml)
{
    assert(yaml != NULL);
    return yaml->root;
}

bool yaml_is_mapping(const struct yaml_node *node)
{
    return node != NULL && node->kind == YAML_MAPPING;
}

bool yaml_is_sequence(const struct yaml_node *node)
{
    return node != NULL && node->kind == YAML_SEQUENCE;
}

bool yaml_is_scalar(const struct yaml_node *node)
{
    return node != NULL && node->kind == YAML_SCALAR;
}

size_t yaml_count(const struct yaml_node *node)
{
    assert(node != NULL);
    return node->kind == YAML_MAPPING ? node->child_count / 2 : node->child_count;
}

const struct yaml_node *yaml_item(const struct yaml_node *sequence, size_t index)
{
    assert(yaml_is_sequence(sequence));
    assert(index < sequence->child_count);
    return sequence->children[index];
}

const struct yaml_node *yaml_key(const struct yaml_node *mapping, size_t index)
{
    assert(yaml_is_mapping(mapping));
    assert(index < yaml_count(mapping));
    return mapping->children[2 * index];
}

const struct yaml_node *yaml_value(const struct yaml_node *mapping, size_t index)
{
    assert(yaml_is_mapping(mapping));
    assert(index < yaml_count(mapping));
    return mapping->children[2 * index + 1];
}

const struct yaml_node *yaml_find(const struct yaml_node *mapping, const char *key)
{
    assert(key != NULL);
    if (!yaml_is_mapping(mapping)) {
        return NULL;
    }
    for (size_t i = 0; i < yaml_count(mapping); i++) {
        if (strcmp(yaml_text(yaml_key(mapping, i)), key) == 0) {
            return yaml_value(mapping, i);
        }
    }
    return NULL;
}

const char *yaml_text(const struct yaml_node *scalar)
{
    assert(yaml_is_scalar(scalar));
    return scalar->text;
}
