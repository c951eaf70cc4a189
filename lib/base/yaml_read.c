/* Reads a YAML mapping into a structure by a table of options. See yaml.h. Pure, but for the folder
 * of credentials, which the environment names. */
#include "base/yaml.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/yaml_node.h"

static const char *const bool_names[] = {"false", "true", NULL};

static const struct {
    const char *suffix;
    uint64_t ms;
} duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}, {"d", 24 * 60 * 60 * 1000},
};
#define DURATION_UNIT_COUNT (sizeof(duration_units) / sizeof(duration_units[0]))

/* Decimal digits at the start of the text; answers what follows them, or NULL when there are none
 * or too many. */
static const char *digits_read(const char *text, uint64_t *ret)
{
    uint64_t value = 0;
    size_t count = 0;
    for (; text[count] >= '0' && text[count] <= '9'; count++) {
        uint64_t digit = (uint64_t)(text[count] - '0');
        if (value > (UINT64_MAX - digit) / 10) {
            return NULL;
        }
        value = value * 10 + digit;
    }
    if (count == 0) {
        return NULL;
    }
    *ret = value;
    return text + count;
}

/* The largest unit that divides: 600000 is "10m". */
static void duration_format(uint64_t value_ms, char out[32])
{
    size_t unit = 0;
    for (size_t i = 1; i < DURATION_UNIT_COUNT; i++) {
        if (value_ms > 0 && value_ms % duration_units[i].ms == 0) {
            unit = i;
        }
    }
    (void)snprintf(out, 32, "%" PRIu64 "%s", value_ms / duration_units[unit].ms,
                   duration_units[unit].suffix);
}

static bool duration_parse(const char *text, uint64_t *ret_ms)
{
    uint64_t count = 0;
    const char *suffix = digits_read(text, &count);
    if (suffix == NULL) {
        return false;
    }
    for (size_t i = 0; i < DURATION_UNIT_COUNT; i++) {
        if (strcmp(suffix, duration_units[i].suffix) == 0) {
            *ret_ms = count * duration_units[i].ms;
            return count <= UINT64_MAX / duration_units[i].ms;
        }
    }
    return false;
}

static enum err read_text(const struct yaml_node *value, const struct yaml_option *option,
                          void *member, struct fault *fault)
{
    size_t len = strlen(value->text);
    if (len == 0 && !value->quoted) {
        return yaml_refuse(value, fault, "config.type", "%s has no value", option->name);
    }
    if (len >= option->size) {
        return yaml_refuse(value, fault, "config.range", "%s is %zu bytes long; at most %zu fit",
                           option->name, len, option->size - 1);
    }
    memcpy(member, value->text, len + 1);
    return OK;
}

/* "credential:NAME": a file of the folder in which the service manager lays down the secrets of
 * this one service (LoadCredential= of its unit). */
static enum err read_credential(const struct yaml_node *value, const struct yaml_option *option,
                                char *member, struct fault *fault)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    const char *name = value->text + strlen(YAML_CREDENTIAL);
    enum err error = ERR_INVALID;
    if (name[0] == '\0' || strchr(name, '/') != NULL) {
        return yaml_refuse(value, fault, "config.credential",
                           "%s: expected " YAML_CREDENTIAL "NAME, a name without \"/\"",
                           option->name);
    }
    if (folder == NULL || folder[0] != '/') {
        error = yaml_refuse(value, fault, "config.credential",
                            "%s: a credential comes from the service manager, and there is none",
                            option->name);
        fault_hint(fault,
                   "by hand: CREDENTIALS_DIRECTORY=/etc/referral/keys/ID in front of the "
                   "command; in a unit: LoadCredential=%.60s:FILE",
                   name);
        return error;
    }
    int len = snprintf(member, option->size, "%s/%s", folder, name);
    if (len < 0 || (size_t)len >= option->size) {
        return yaml_refuse(value, fault, "config.range",
                           "%s is a path of %d bytes with its folder; at most %zu fit",
                           option->name, len, option->size - 1);
    }
    return OK;
}

static enum err read_path(const struct yaml_node *value, const struct yaml_option *option,
                          void *member, struct fault *fault)
{
    if (strncmp(value->text, YAML_CREDENTIAL, strlen(YAML_CREDENTIAL)) == 0) {
        return read_credential(value, option, member, fault);
    }
    if (value->text[0] == '\0') {
        return yaml_refuse(value, fault, "config.type", "%s has no value", option->name);
    }
    const char *file = value->yaml->name;
    const char *slash = strrchr(file, '/');
    size_t folder_len = value->text[0] == '/' || slash == NULL ? 0 : (size_t)(slash - file) + 1;
    size_t len = strlen(value->text);
    if (folder_len + len >= option->size) {
        return yaml_refuse(value, fault, "config.range",
                           "%s is a path of %zu bytes with its folder; at most %zu fit",
                           option->name, folder_len + len, option->size - 1);
    }
    char *to = member;
    memcpy(to, file, folder_len);
    memcpy(to + folder_len, value->text, len + 1);
    return OK;
}

static enum err read_unsigned(const struct yaml_node *value, const struct yaml_option *option,
                              void *member, struct fault *fault)
{
    uint64_t number = 0;
    const char *rest = digits_read(value->text, &number);
    if (rest == NULL || *rest != '\0' || number < option->min || number > option->max) {
        return yaml_refuse(value, fault, "config.range",
                           "%s: expected a whole number between %" PRIu64 " and %" PRIu64
                           ", found \"%.40s\"",
                           option->name, option->min, option->max, value->text);
    }
    memcpy(member, &number, sizeof(number));
    return OK;
}

static enum err read_duration(const struct yaml_node *value, const struct yaml_option *option,
                              void *member, struct fault *fault)
{
    uint64_t value_ms = 0;
    if (!duration_parse(value->text, &value_ms) || value_ms < option->min ||
        value_ms > option->max) {
        char min[32];
        char max[32];
        duration_format(option->min, min);
        duration_format(option->max, max);
        enum err error = yaml_refuse(value, fault, "config.range",
                                     "%s: expected a duration between %s and %s, found \"%.40s\"",
                                     option->name, min, max, value->text);
        fault_hint(fault, "write a whole number and ms, s, m, h or d: 25s, 10m, 2h");
        return error;
    }
    memcpy(member, &value_ms, sizeof(value_ms));
    return OK;
}

/* The index of the value in a NULL-terminated list. */
static enum err find_choice(const struct yaml_node *value, const struct yaml_option *option,
                            const char *const *choices, int *ret_index, struct fault *fault)
{
    for (int i = 0; choices[i] != NULL; i++) {
        if (strcmp(choices[i], value->text) == 0) {
            *ret_index = i;
            return OK;
        }
    }
    char list[256];
    nearest_list(choices, list, sizeof(list));
    enum err error =
        yaml_refuse(value, fault, "config.choice", "%s: expected one of: %s; found \"%.40s\"",
                    option->name, list, value->text);
    nearest_hint(fault, value->text, choices);
    return error;
}

static enum err read_choice(const struct yaml_node *value, const struct yaml_option *option,
                            void *member, struct fault *fault)
{
    assert(option->choices != NULL);
    int index = 0;
    enum err error = find_choice(value, option, option->choices, &index, fault);
    if (error == OK) {
        memcpy(member, &index, sizeof(index));
    }
    return error;
}

static enum err read_bool(const struct yaml_node *value, const struct yaml_option *option,
                          void *member, struct fault *fault)
{
    int index = 0;
    enum err error = find_choice(value, option, bool_names, &index, fault);
    if (error == OK) {
        bool truth = index == 1;
        memcpy(member, &truth, sizeof(truth));
    }
    return error;
}

static enum err read_item(const struct yaml_node *node, const struct yaml_option *item, char *out,
                          struct fault *fault)
{
    return item->type == YAML_PATH ? read_path(node, item, out, fault)
                                   : read_text(node, item, out, fault);
}

static enum err read_list(const struct yaml_node *list, const struct yaml_option *option,
                          void *member, struct fault *fault)
{
    struct yaml_texts *texts = member;
    const struct yaml_option item = {.name = option->name,
                                     .type = option->size > 0 ? YAML_PATH : YAML_TEXT,
                                     .size = YAML_TEXT_BYTES};
    size_t count = yaml_is_sequence(list) ? yaml_count(list) : 0;
    enum err result = OK;
    assert(option->max <= YAML_TEXTS_MAX);
    if (!yaml_is_sequence(list) || count < option->min || count > option->max) {
        return yaml_refuse(list, fault, "config.type",
                           "%s: expected a list of %" PRIu64 " to %" PRIu64, option->name,
                           option->min, option->max);
    }
    texts->count = count;
    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *node = yaml_item(list, i);
        enum err error = yaml_is_scalar(node) ? read_item(node, &item, texts->at[i], fault)
                                              : yaml_refuse(node, fault, "config.type",
                                                            "%s: expected a text", option->name);
        if (!fault_go_on(error, fault, &result)) {
            break;
        }
    }
    return result;
}

typedef enum err read_function(const struct yaml_node *value, const struct yaml_option *option,
                               void *member, struct fault *fault);

static const struct {
    read_function *read;
    const char *expected;
} readers[] = {
    [YAML_TEXT] = {read_text, "a text"},
    [YAML_PATH] = {read_path, "a path"},
    [YAML_UNSIGNED] = {read_unsigned, "a whole number"},
    [YAML_BOOL] = {read_bool, "true or false"},
    [YAML_DURATION] = {read_duration, "a duration"},
    [YAML_CHOICE] = {read_choice, "one word"},
};

enum err yaml_read_value(const struct yaml_node *value, const struct yaml_option *option,
                         void *target, struct fault *fault)
{
    assert(value != NULL);
    assert(option != NULL);
    assert(target != NULL);
    char *member = (char *)target + option->offset;
    if (option->type == YAML_NODE) {
        memcpy(member, &value, sizeof(value));
        return OK;
    }
    if (option->type == YAML_LIST) {
        return read_list(value, option, member, fault);
    }
    if (!yaml_is_scalar(value)) {
        return yaml_refuse(value, fault, "config.type", "%s: expected %s, found a %s", option->name,
                           readers[option->type].expected,
                           yaml_is_mapping(value) ? "mapping" : "list");
    }
    return readers[option->type].read(value, option, member, fault);
}

void yaml_set_initial(const struct yaml_option *option, void *target)
{
    struct yaml yaml = {.name = NULL};
    const struct yaml_node node = {
        .yaml = &yaml, .kind = YAML_SCALAR, .quoted = true, .text = option->initial};
    assert(option->initial != NULL && option->type != YAML_PATH && option->type < YAML_NODE);
    enum err error = yaml_read_value(&node, option, target, NULL);
    assert(error == OK);
    (void)error;
}

void yaml_write_value(const struct yaml_option *option, const void *target, char *out, size_t size)
{
    const char *member = (const char *)target + option->offset;
    uint64_t number = 0;
    char duration[32];
    bool yes = false;
    int choice = 0;
    switch (option->type) {
    case YAML_TEXT:
    case YAML_PATH:
        (void)snprintf(out, size, "%s", member);
        break;
    case YAML_UNSIGNED:
        memcpy(&number, member, sizeof(number));
        (void)snprintf(out, size, "%" PRIu64, number);
        break;
    case YAML_DURATION:
        memcpy(&number, member, sizeof(number));
        duration_format(number, duration);
        (void)snprintf(out, size, "%s", duration);
        break;
    case YAML_BOOL:
        memcpy(&yes, member, sizeof(yes));
        (void)snprintf(out, size, "%s", bool_names[yes]);
        break;
    case YAML_CHOICE:
        memcpy(&choice, member, sizeof(choice));
        (void)snprintf(out, size, "%s", option->choices[choice]);
        break;
    case YAML_NODE:
    case YAML_LIST:
        assert(!"a value of one line");
    }
}

static void list_names(const struct yaml_option *options,
                       const char *ret_names[YAML_OPTIONS_MAX + 1])
{
    size_t count = 0;
    for (; options[count].name != NULL; count++) {
        assert(count < YAML_OPTIONS_MAX);
        ret_names[count] = options[count].name;
    }
    ret_names[count] = NULL;
}

static enum err refuse_key(const struct yaml_node *key, const struct yaml_option *options,
                           struct fault *fault)
{
    const char *names[YAML_OPTIONS_MAX + 1];
    char list[256];
    list_names(options, names);
    nearest_list(names, list, sizeof(list));
    enum err error = yaml_refuse(key, fault, "config.unknown-key",
                                 "\"%.60s\" is not known here; known: %s", key->text, list);
    nearest_hint(fault, key->text, names);
    return error;
}

static const struct yaml_option *find_option(const struct yaml_option *options, const char *name)
{
    for (size_t i = 0; options[i].name != NULL; i++) {
        if (strcmp(options[i].name, name) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

/* Is it there under a mistyped name? That has been told, and is one mistake. */
static bool is_mistyped(const struct yaml_node *mapping, const struct yaml_option *options,
                        const char *name)
{
    const char *names[YAML_OPTIONS_MAX + 1];
    list_names(options, names);
    for (size_t i = 0; i < yaml_count(mapping); i++) {
        const char *key = yaml_text(yaml_key(mapping, i));
        const char *near = find_option(options, key) == NULL ? nearest_name(key, names) : NULL;
        if (near != NULL && strcmp(near, name) == 0) {
            return true;
        }
    }
    return false;
}

enum err yaml_read(const struct yaml_node *mapping, const struct yaml_option *options, void *target,
                   struct fault *fault)
{
    assert(mapping != NULL);
    assert(options != NULL);
    if (!yaml_is_mapping(mapping)) {
        return yaml_refuse(mapping, fault, "config.type",
                           "expected a mapping (name: value), found %s",
                           yaml_is_sequence(mapping) ? "a list" : "a text");
    }
    enum err result = OK;
    for (size_t i = 0; i < yaml_count(mapping); i++) {
        const struct yaml_node *key = yaml_key(mapping, i);
        const struct yaml_option *option = find_option(options, yaml_text(key));
        enum err error = option == NULL
                             ? refuse_key(key, options, fault)
                             : yaml_read_value(yaml_value(mapping, i), option, target, fault);
        if (!fault_go_on(error, fault, &result)) {
            return result;
        }
    }
    for (size_t i = 0; options[i].name != NULL; i++) {
        if (options[i].required && yaml_find(mapping, options[i].name) == NULL &&
            !is_mistyped(mapping, options, options[i].name)) {
            enum err error = yaml_refuse(mapping, fault, "config.missing-key",
                                         "\"%s\" is missing here", options[i].name);
            if (!fault_go_on(error, fault, &result)) {
                return result;
            }
        }
    }
    return result;
}
