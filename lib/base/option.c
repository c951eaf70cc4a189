/* How: each function is one walk over the table. See option.h. */
#include "base/option.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define VALUE_BYTES 512u

/* --- reading --- */

static void set_defaults(const struct yaml_option *table, void *target)
{
    for (size_t i = 0; table[i].name != NULL; i++) {
        bool one_value = table[i].type < YAML_NODE && table[i].type != YAML_PATH;

        if (table[i].initial != NULL && one_value) {
            yaml_set_initial(&table[i], target);
        }
    }
}

static void note_origin(const struct yaml_option *table, const struct yaml_node *root,
                        struct option_origin *origin)
{
    for (size_t i = 0; table[i].name != NULL; i++) {
        assert(i < YAML_OPTIONS_MAX);
        for (size_t k = 0; yaml_is_mapping(root) && k < yaml_count(root); k++) {
            const struct yaml_node *key = yaml_key(root, k);

            if (strcmp(yaml_text(key), table[i].name) == 0) {
                origin->lines[i] = yaml_line(key);
            }
        }
    }
}

enum err options_open(const char *path, const struct option_target *target, struct yaml **ret_yaml,
                      struct fault *fault)
{
    struct option_origin *origin = target->origin;
    enum err error;

    *ret_yaml = NULL;
    memset(origin, 0, sizeof(*origin));
    (void)snprintf(origin->file, sizeof(origin->file), "%s", path);
    set_defaults(target->table, target->values);
    error = yaml_open(path, ret_yaml, fault);
    if (error != OK) {
        return error;
    }
    note_origin(target->table, yaml_root(*ret_yaml), origin);
    return yaml_read(yaml_root(*ret_yaml), target->table, target->values, fault);
}

bool options_readable(const struct yaml_option *table, const struct yaml_node *root,
                      const char *name)
{
    const struct yaml_node *value = yaml_find(root, name);
    uint64_t scratch = 0;

    for (size_t i = 0; value != NULL && table[i].name != NULL; i++) {
        struct yaml_option option = table[i];

        if (strcmp(option.name, name) == 0) {
            assert(option.size == 0 && option.type < YAML_NODE);
            option.offset = 0;
            return yaml_read_value(value, &option, &scratch, NULL) == OK;
        }
    }
    return true;
}

/* --- what counts --- */

/* False: it has none, so that the default of its own is in force. */
static bool value_of(const struct yaml_option *option, const void *target, char out[VALUE_BYTES])
{
    yaml_write_value(option, target, out, VALUE_BYTES);
    return out[0] != '\0';
}

static const char *origin_of(const struct option_origin *origin, size_t row, char out[VALUE_BYTES])
{
    if (origin->lines[row] == 0) {
        return "default";
    }
    (void)snprintf(out, VALUE_BYTES, "%.480s:%u", origin->file, origin->lines[row]);
    return out;
}

static void show_value(const struct yaml_option *option, const void *target,
                       struct json_writer *out)
{
    char value[VALUE_BYTES];

    if (option->type == YAML_LIST) {
        const struct yaml_texts *texts = (const void *)((const char *)target + option->offset);

        json_array_begin(out);
        for (size_t i = 0; i < texts->count; i++) {
            json_text(out, texts->at[i]);
        }
        json_array_end(out);
    } else if (option->type == YAML_NODE || !value_of(option, target, value)) {
        json_text(out, NULL);
    } else {
        json_text(out, value);
    }
}

void options_show(const struct yaml_option *table, const void *target,
                  const struct option_origin *origin, struct json_writer *out)
{
    char place[VALUE_BYTES];

    json_array_begin(out);
    for (size_t i = 0; table[i].name != NULL; i++) {
        json_object_begin(out);
        json_name(out, "name");
        json_text(out, table[i].name);
        json_name(out, "value");
        show_value(&table[i], target, out);
        json_name(out, "origin");
        json_text(out, origin_of(origin, i, place));
        json_name(out, "live");
        json_bool(out, table[i].live);
        json_object_end(out);
    }
    json_array_end(out);
}

static enum err print_list(const struct yaml_option *option, const void *target, struct buf *out)
{
    const struct yaml_texts *texts = (const void *)((const char *)target + option->offset);
    enum err error = buf_printf(out, "%s: [", option->name);

    for (size_t i = 0; error == OK && i < texts->count; i++) {
        error = buf_printf(out, "%s\"%s\"", i > 0 ? ", " : "", texts->at[i]);
    }
    return error == OK ? buf_printf(out, "]") : error;
}

static enum err print_all(const struct yaml_option *table, const void *target,
                          const struct option_origin *origin, struct buf *out)
{
    enum err error = OK;

    for (size_t i = 0; error == OK && table[i].name != NULL; i++) {
        char value[VALUE_BYTES], place[VALUE_BYTES];
        const char *from = origin_of(origin, i, place);

        if (table[i].type == YAML_LIST) {
            error = print_list(&table[i], target, out);
        } else if (table[i].type == YAML_NODE) {
            error = buf_printf(out, "# %s: %s", table[i].name,
                               origin->lines[i] == 0 ? "none given" : "as it stands there");
        } else if (value_of(&table[i], target, value)) {
            error = buf_printf(out, "%s: %s", table[i].name, value);
        } else {
            error = buf_printf(out, "# %s:", table[i].name);
        }
        if (error == OK) {
            error = buf_printf(out, "    # %s\n", from);
        }
    }
    return error;
}

enum err options_report(const struct yaml_option *table, const void *target,
                        const struct option_origin *origin, bool json, struct buf *out)
{
    struct json_writer writer;
    enum err error;

    if (!json) {
        return print_all(table, target, origin, out);
    }
    json_writer_init(&writer, out);
    json_object_begin(&writer);
    json_name(&writer, "ok");
    json_bool(&writer, true);
    json_name(&writer, "options");
    options_show(table, target, origin, &writer);
    json_object_end(&writer);
    error = json_writer_end(&writer);
    return error == OK ? buf_append(out, "\n", 1) : error;
}

void faults_show(const struct faults *faults, struct json_writer *out)
{
    json_array_begin(out);
    for (size_t i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->rows[i];

        json_object_begin(out);
        json_name(out, "code");
        json_text(out, fault->code);
        json_name(out, "place");
        json_text(out, fault->place);
        json_name(out, "message");
        json_text(out, fault->message);
        json_name(out, "hint");
        json_text(out, fault->hint);
        json_name(out, "line");
        json_text(out, fault->line);
        json_name(out, "caret");
        json_u64(out, fault->line[0] == '\0' ? 0 : fault->caret + 1);
        json_object_end(out);
    }
    json_array_end(out);
}

enum err faults_report(const struct faults *faults, struct buf *out)
{
    struct json_writer writer;
    enum err error;

    json_writer_init(&writer, out);
    json_object_begin(&writer);
    json_name(&writer, "ok");
    json_bool(&writer, false);
    json_name(&writer, "errors");
    faults_show(faults, &writer);
    json_name(&writer, "left_out");
    json_u64(&writer, faults->left_out);
    json_object_end(&writer);
    error = json_writer_end(&writer);
    return error == OK ? buf_append(out, "\n", 1) : error;
}

/* --- changes --- */

static bool same_list(const struct yaml_texts *a, const struct yaml_texts *b)
{
    bool same = a->count == b->count;

    for (size_t i = 0; same && i < a->count; i++) {
        same = strcmp(a->at[i], b->at[i]) == 0;
    }
    return same;
}

static bool same_value(const struct yaml_option *option, const void *before, const void *after)
{
    char one[VALUE_BYTES], other[VALUE_BYTES];

    if (option->type == YAML_LIST) {
        return same_list((const void *)((const char *)before + option->offset),
                         (const void *)((const char *)after + option->offset));
    }
    if (option->type == YAML_NODE) {
        return true;
    }
    yaml_write_value(option, before, one, sizeof(one));
    yaml_write_value(option, after, other, sizeof(other));
    return strcmp(one, other) == 0;
}

bool options_may_change(const struct yaml_option *table, const void *before, const void *after,
                        struct fault *fault)
{
    enum err result = OK;

    for (size_t i = 0; table[i].name != NULL; i++) {
        if (!table[i].live && !same_value(&table[i], before, after)) {
            fault_set(fault, "config.restart", table[i].name, "has changed and needs a restart");
            fault_hint(fault, "put back what it was and reload the rest, or restart the service");
            if (!fault_go_on(ERR_REFUSED, fault, &result)) {
                return false;
            }
        }
    }
    return result == OK;
}

/* --- the manual --- */

static enum err manual_bounds(const struct yaml_option *option, struct buf *out)
{
    const struct yaml_option least = {.type = option->type, .offset = 0};
    char min[VALUE_BYTES], max[VALUE_BYTES];

    switch (option->type) {
    case YAML_UNSIGNED:
    case YAML_DURATION:
        yaml_write_value(&least, &option->min, min, sizeof(min));
        yaml_write_value(&least, &option->max, max, sizeof(max));
        return buf_printf(out, "%s from %s to %s%s%s",
                          option->type == YAML_DURATION ? "A duration" : "A whole number", min, max,
                          option->unit != NULL ? " " : "",
                          option->unit != NULL ? option->unit : "");
    case YAML_BOOL:
        return buf_printf(out, "_true_ or _false_");
    case YAML_PATH:
        return buf_printf(out, "A path, from the folder of this file");
    case YAML_LIST:
        return buf_printf(out, "A list of %" PRIu64 " to %" PRIu64 " %s", option->min, option->max,
                          option->size > 0 ? "paths" : "texts");
    case YAML_NODE:
        return buf_printf(out, "See below");
    case YAML_TEXT:
    case YAML_CHOICE:
        return buf_printf(out, "A text");
    }
    return OK;
}

/* scdoc reads these as its own. */
static enum err manual_text(const char *text, struct buf *out)
{
    enum err error = OK;

    for (size_t i = 0; error == OK && text[i] != '\0'; i++) {
        if (strchr("*_\\", text[i]) != NULL) {
            error = buf_append(out, "\\", 1);
        }
        if (error == OK) {
            error = buf_append(out, &text[i], 1);
        }
    }
    return error;
}

static enum err manual_option(const struct yaml_option *option, struct buf *out)
{
    enum err error =
        buf_printf(out, "*%s*%s\n\t", option->name, option->required ? " (must be given)" : "");

    assert(option->help != NULL);
    if (error == OK) {
        error = manual_text(option->help, out);
    }
    if (error == OK) {
        error = buf_printf(out, "\n\n\t");
    }
    if (error == OK) {
        error = manual_bounds(option, out);
    }
    if (error == OK && option->initial != NULL) {
        error = buf_printf(out, "; left out: ");
        error = error == OK ? manual_text(option->initial, out) : error;
    }
    return error == OK
               ? buf_printf(out, ". A change needs a %s.\n\n", option->live ? "reload" : "restart")
               : error;
}

enum err options_manual(const struct yaml_option *table, struct buf *out)
{
    enum err error = OK;

    for (size_t i = 0; error == OK && table[i].name != NULL; i++) {
        if (!table[i].hidden) {
            error = manual_option(&table[i], out);
        }
    }
    return error;
}
