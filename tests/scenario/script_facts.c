/* Facts by their names in docs/messages.md. How: through the tables of model/message_form, which
 * the agents read JSON files with; but nothing is judged here, so that a scenario can send what no
 * agent would, and it is the broker that refuses it. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "model/instant_text.h"
#include "model/message_form.h"
#include "scenario/script.h"

struct filling { /* the facts of one message under way */
    const struct world *world;
    struct step *step;
    const char *number; /* of what the message is about */
    struct region *region;
};

static void put(void *at, size_t size, uint64_t value)
{
    uint32_t word = (uint32_t)value;

    assert(size == sizeof(word) || size == sizeof(value));
    memcpy(at, size == sizeof(word) ? (const void *)&word : (const void *)&value, size);
}

static size_t count_parts(const char *text)
{
    size_t count = text[0] != '\0';

    for (size_t i = 0; text[i] != '\0'; i++) {
        count += text[i] == ',';
    }
    return count;
}

/* ---- one value ---- */

static bool fill_word(struct filling *filling, const struct field *field, char *text, void *at)
{
    const struct word *word = vocabulary_parse(field->which, text);
    uint64_t number = 0;

    if (word == NULL && !step_number(text, &number)) {
        return step_fail(filling->step, "%s: no such word: %s", field->name, text);
    }
    put(at, field->size, word != NULL ? word->value : number);
    return true;
}

static bool fill_set(struct filling *filling, const struct field *field, char *text, void *at)
{
    uint64_t bits = 0;

    while (text[0] != '\0') {
        const char *id = step_cut(&text, ',');
        const struct word *word = vocabulary_parse(field->which, id);

        if (word == NULL) {
            return step_fail(filling->step, "%s: no such word: %s", field->name, id);
        }
        bits |= UINT64_C(1) << word->value;
    }
    put(at, field->size, bits);
    return true;
}

static bool fill_bool(struct filling *filling, const struct field *field, char *text, void *at)
{
    bool value = strcmp(text, "yes") == 0;

    memcpy(at, &value, sizeof(value));
    return value || strcmp(text, "no") == 0 ||
           step_fail(filling->step, "%s: expected yes or no", field->name);
}

static bool fill_number(struct filling *filling, const struct field *field, char *text, void *at)
{
    uint64_t value;

    if (!step_number(text, &value)) {
        return step_fail(filling->step, "%s: expected a number: %s", field->name, text);
    }
    put(at, field->size, value);
    return true;
}

static bool fill_date(struct filling *filling, const struct field *field, char *text, void *at)
{
    int32_t day;

    if (civil_parse(text, &day) != OK) {
        return step_fail(filling->step, "%s: expected a date: %s", field->name, text);
    }
    put(at, field->size, civil_yyyymmdd(day));
    return true;
}

/* "2026-04-01T09:30" in +08:00. */
static bool fill_instant(struct filling *filling, const struct field *field, char *text, void *at)
{
    char whole[48];
    uint64_t instant_ms;

    (void)snprintf(whole, sizeof(whole), "%s:00+08:00", text);
    if (instant_parse(whole, &instant_ms) != OK) {
        return step_fail(filling->step, "%s: expected DATETHH:MM: %s", field->name, text);
    }
    put(at, field->size, instant_ms);
    return true;
}

/* `file1` to `file5`: what `uploads` brings. Another text: the digest of that text. */
static bool fill_digest(struct filling *filling, const struct field *field, char *text, void *at)
{
    struct digest digest = crypto_digest(span_text(text));
    uint8_t bytes[SCRIPT_MATERIAL_BYTES];
    uint64_t number;

    (void)filling;
    (void)field;
    if (strncmp(text, "file", 4) == 0 && step_number(text + 4, &number) && number > 0) {
        digest = script_material((uint32_t)number - 1, bytes);
    }
    memcpy(at, &digest, sizeof(digest));
    return true;
}

static bool fill_id(struct filling *filling, const struct field *field, char *text, void *at)
{
    struct named named;

    if (!world_named(filling->world, text, &named)) {
        return step_fail(filling->step, "%s: no such referral: %s", field->name, text);
    }
    memcpy(at, &named.referral_id, sizeof(named.referral_id));
    return true;
}

/* A name stands for its number, a rung for the number of the last document of it (`duty=N`: of that
 * duty). */
static bool fill_chars(struct filling *filling, const struct field *field, char *text, void *at)
{
    struct leaf_count count = {.kind = LEAF_RUNG_RAISED, .number = filling->number, .rung = text};
    const char *duty = step_option(filling->step, "duty");
    struct named named;
    enum rung rung;
    uint64_t number;

    if (duty != NULL && step_number(duty, &number)) {
        count.window = (uint32_t)number;
    }
    if (world_named(filling->world, text, &named)) {
        text_copy(at, field->size, named.number);
    } else if (rung_parse(text, &rung) == OK) {
        if (!script_count_leaves(filling->world, &count) || count.found == 0) {
            return step_fail(filling->step, "%s: %s was not raised", field->name, text);
        }
        text_copy(at, field->size, count.document);
    } else {
        text_copy(at, field->size, text);
    }
    return true;
}

/* ---- lists ---- */

/* Keeps an array of the region in the message: its address, and how many there are. */
static void keep_array(const struct field *field, const void *array, size_t count, uint8_t *base)
{
    memcpy(base + field->offset, &array, sizeof(array));
    memcpy(base + field->count_offset, &count, sizeof(count));
}

static bool fill_list(struct filling *filling, const struct field *field, char *text, uint8_t *base)
{
    struct field one = *field;
    size_t count = count_parts(text);
    uint32_t *values = region_take(filling->region, (count + 1) * sizeof(*values));
    bool good = values != NULL;

    one.size = sizeof(*values);
    for (size_t i = 0; good && i < count; i++) {
        char *part = step_cut(&text, ',');

        good = field->type == FIELD_DATES ? fill_date(filling, &one, part, &values[i])
                                          : fill_word(filling, &one, part, &values[i]);
    }
    keep_array(field, values, count, base);
    return good;
}

static const struct {
    enum field_type type;
    bool (*fill)(struct filling *filling, const struct field *field, char *text, void *at);
} types[] = {
    {FIELD_CHARS, fill_chars}, {FIELD_WORD, fill_word},       {FIELD_SET, fill_set},
    {FIELD_BOOL, fill_bool},   {FIELD_U32, fill_number},      {FIELD_U64, fill_number},
    {FIELD_DATE, fill_date},   {FIELD_INSTANT, fill_instant}, {FIELD_DIGEST, fill_digest},
    {FIELD_UUID, fill_id},
};

static bool fill_single(struct filling *filling, const struct field *field, char *text,
                        uint8_t *base)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (types[i].type == field->type) {
            return types[i].fill(filling, field, text, base + field->offset);
        }
    }
    return step_fail(filling->step, "%s: cannot be said in a scenario", field->name);
}

/* The cells of a row, in the order of its fields. */
static bool fill_row(struct filling *filling, const struct rows *rows, char *text, uint8_t *row)
{
    for (const struct field *field = rows->fields; field->name != NULL && text[0] != '\0';
         field++) {
        char *cell = step_cut(&text, '/');

        if (cell[0] != '\0' && !fill_single(filling, field, cell, row)) {
            return false;
        }
    }
    return text[0] == '\0' || step_fail(filling->step, "more cells than a row has: %s", text);
}

static bool fill_rows(struct filling *filling, const struct field *field, char *text, uint8_t *base)
{
    const struct rows *rows = field->rows;
    size_t count = count_parts(text);
    uint8_t *array = region_take(filling->region, (count + 1) * rows->row_bytes);
    bool good = array != NULL;

    for (size_t i = 0; good && i < count; i++) {
        good = fill_row(filling, rows, step_cut(&text, ','), array + i * rows->row_bytes);
    }
    keep_array(field, array, count, base);
    return good;
}

static bool fill_field(struct filling *filling, const struct field *field, const char *value,
                       uint8_t *base)
{
    char text[sizeof(filling->step->text)];

    text_copy(text, sizeof(text), value);
    switch (field->type) {
    case FIELD_WORDS:
    case FIELD_DATES:
        return fill_list(filling, field, text, base);
    case FIELD_ROWS:
        return fill_rows(filling, field, text, base);
    default:
        return fill_single(filling, field, text, base);
    }
}

/* ---- all facts ---- */

/* The value of `name=` among words with blanks between. */
static const char *word_of(char *words, const char *name)
{
    size_t len = strlen(name);

    while (words[0] != '\0') {
        char *word = step_cut(&words, ' ');

        if (strncmp(word, name, len) == 0 && word[len] == '=') {
            return word + len + 1;
        }
    }
    return NULL;
}

bool step_facts(const struct world *world, struct step *step, const char *more,
                struct region *region, struct message *message)
{
    struct filling filling = {
        .world = world, .step = step, .number = message->header.referral_number, .region = region};

    for (const struct field *field = message_form_of(message->header.kind);
         field != NULL && field->name != NULL; field++) {
        char words[256];
        const char *value = step_option(step, field->name);

        if (value == NULL && more != NULL) {
            text_copy(words, sizeof(words), more);
            value = word_of(words, field->name);
        }
        if (value != NULL && !fill_field(&filling, field, value, (uint8_t *)message)) {
            return false;
        }
    }
    return true;
}
