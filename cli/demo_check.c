/* Paths into answers, and the results of assertions. See demo.h.
 *
 * A path is followed from left to right. A list of items is never built: brackets are conditions on
 * the items of one array, which is walked once for the first that fits and for their number. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/demo.h"

#define NAME_BYTES 48u
#define ABSENT     "absent"

struct cursor {
    const char *at;
    struct json_value value;
    uint64_t count; /* of the items that fitted the last brackets */
};

static void instant_text(uint64_t instant_ms, char out[DEMO_VALUE_BYTES])
{
    char date[CIVIL_TEXT_BYTES];
    uint64_t minute = (instant_ms + CIVIL_OFFSET_MS) / 60000 % 1440;

    civil_format(civil_day_at(instant_ms), date);
    (void)snprintf(out, DEMO_VALUE_BYTES, "%s %02" PRIu64 ":%02" PRIu64, date, minute / 60,
                   minute % 60);
}

static void scalar_text(const struct json_value *value, char out[DEMO_VALUE_BYTES])
{
    const char *text;
    uint64_t number;
    bool yes;

    if (json_get_text(value, LIMIT_TEXT_BYTES, &text, NULL) == OK) {
        text_copy(out, DEMO_VALUE_BYTES, text);
    } else if (json_get_u64(value, 0, INT64_MAX, &number, NULL) == OK) {
        (void)snprintf(out, DEMO_VALUE_BYTES, "%" PRIu64, number);
    } else if (json_get_bool(value, &yes, NULL) == OK) {
        text_copy(out, DEMO_VALUE_BYTES, yes ? "true" : "false");
    } else {
        text_copy(out, DEMO_VALUE_BYTES, json_absent(value) ? ABSENT : "an object");
    }
}

static void value_text(const struct json_value *value, char out[DEMO_VALUE_BYTES])
{
    char item[DEMO_VALUE_BYTES];
    size_t len = 0;

    if (!json_is_array(value)) {
        scalar_text(value, out);
        return;
    }
    out[0] = '\0';
    for (size_t i = 0; i < json_count(value) && len < DEMO_VALUE_BYTES - 1; i++) {
        struct json_value one = json_item(value, i);

        scalar_text(&one, item);
        text_copy(out + len, DEMO_VALUE_BYTES - len, i > 0 ? "," : "");
        len = strlen(out);
        text_copy(out + len, DEMO_VALUE_BYTES - len, item);
        len = strlen(out);
    }
}

/* Copies the letters up to one of `ends`. */
static void take_word(struct cursor *cursor, const char *ends, char *out, size_t size)
{
    size_t len = strcspn(cursor->at, ends);

    assert(len < size);
    memcpy(out, cursor->at, len);
    out[len] = '\0';
    cursor->at += len;
}

/* Does the item fit all brackets that begin here? Sets where they end. */
static bool item_fits(const struct json_value *item, const char *brackets, const char **ret_end)
{
    struct cursor at = {.at = brackets};
    bool fits = true;

    while (*at.at == '[') {
        char key[NAME_BYTES], wanted[DEMO_VALUE_BYTES], is[DEMO_VALUE_BYTES];
        struct json_value member;

        at.at++;
        take_word(&at, "=", key, sizeof(key));
        at.at++;
        take_word(&at, "]", wanted, sizeof(wanted));
        at.at++;
        member = json_member(item, key);
        value_text(&member, is);
        fits = fits && strcmp(is, wanted) == 0;
    }
    *ret_end = at.at;
    return fits;
}

static void choose(struct cursor *cursor)
{
    struct json_value array = cursor->value, none = {.node = NULL};
    const char *end = cursor->at;

    (void)item_fits(&none, cursor->at, &end); /* where the brackets end, also without items */
    cursor->value = none;
    cursor->count = 0;
    for (size_t i = 0; i < json_count(&array); i++) {
        struct json_value item = json_item(&array, i);

        if (item_fits(&item, cursor->at, &end)) {
            cursor->value = cursor->count == 0 ? item : cursor->value;
            cursor->count++;
        }
    }
    cursor->at = end;
}

void check_evaluate(const struct json_value *root, const char *path, char out[DEMO_VALUE_BYTES])
{
    struct cursor cursor = {.at = path, .value = *root};
    uint64_t instant_ms = 0;

    while (*cursor.at != '\0' && *cursor.at != '#' && *cursor.at != '@') {
        char name[NAME_BYTES];

        take_word(&cursor, ".[#@", name, sizeof(name));
        cursor.value = json_member(&cursor.value, name);
        cursor.count = json_is_array(&cursor.value) ? json_count(&cursor.value) : 0;
        if (*cursor.at == '[') {
            choose(&cursor);
        } else if (*cursor.at == '.' && json_is_array(&cursor.value)) {
            cursor.value = json_item(&cursor.value, 0);
        }
        cursor.at += *cursor.at == '.' ? 1 : 0;
    }
    if (*cursor.at == '#') {
        (void)snprintf(out, DEMO_VALUE_BYTES, "%" PRIu64, cursor.count);
    } else if (*cursor.at == '@' &&
               json_get_u64(&cursor.value, 1, INT64_MAX, &instant_ms, NULL) == OK) {
        instant_text(instant_ms, out);
    } else {
        value_text(&cursor.value, out);
    }
}

bool check_fits(const char *value, const char *answered)
{
    return strcmp(value, "*") == 0 ? strcmp(answered, ABSENT) != 0 : strcmp(answered, value) == 0;
}

enum err check_record(struct demo *demo, const struct step *step, const char *answered)
{
    struct demo_result *result = &demo->results[demo->result_count];

    assert(demo->result_count < DEMO_RESULTS_MAX);
    demo->result_count++;
    result->name = step->name;
    result->ok = check_fits(step->value, answered);
    text_copy(result->answered, sizeof(result->answered), answered);
    if (result->ok) {
        return OK;
    }
    (void)demo_fail(demo, "demo.assertion", step->name, "expected %s, answered %s", step->value,
                    answered);
    if (step->ask != NULL) {
        fault_hint(&demo->fault, "%s was asked %s for %s", step->who, step->ask, step->path);
    } else {
        fault_hint(&demo->fault, "in what the %s answered: %s", step->who, step->path);
    }
    return ERR_REFUSED;
}

void check_write(const struct demo *demo, struct json_writer *out)
{
    uint64_t passed = 0;

    json_name(out, "assertions");
    json_array_begin(out);
    for (size_t i = 0; i < demo->result_count; i++) {
        const struct demo_result *result = &demo->results[i];

        passed += result->ok ? 1 : 0;
        json_object_begin(out);
        json_name(out, "name");
        json_text(out, result->name);
        json_name(out, "ok");
        json_bool(out, result->ok);
        json_name(out, "answered");
        json_text(out, result->answered);
        json_object_end(out);
    }
    json_array_end(out);
    json_name(out, "passed");
    json_u64(out, passed);
}
