/* How: writing by the tables of message_form. What is empty is left out. */
#include <stddef.h>
#include <string.h>

#include "model/instant_text.h"
#include "model/message_form.h"
#include "model/message_json.h"

/* A number without a word is shown as it is: a newer agency may know it. */
static void write_word(struct json_writer *writer, enum vocabulary which, uint32_t value)
{
    const struct word *word = vocabulary_find(which, value);
    if (word == NULL) {
        json_u64(writer, value);
    } else {
        json_text(writer, word->id);
    }
}

static void write_set(struct json_writer *writer, enum vocabulary which, uint64_t bits)
{
    json_array_begin(writer);
    for (uint32_t bit = 0; bit < 64; bit++) {
        uint64_t mask = UINT64_C(1) << bit;
        if ((bits & mask) != 0) {
            write_word(writer, which, which == VOCABULARY_ROLE ? (uint32_t)mask : bit);
        }
    }
    json_array_end(writer);
}

static void write_digest(struct json_writer *writer, const uint8_t *member)
{
    struct digest digest;
    char text[DIGEST_TEXT_BYTES];
    memcpy(&digest, member, sizeof(digest));
    digest_format(&digest, text);
    json_text(writer, text);
}

static void write_id(struct json_writer *writer, const uint8_t *member)
{
    struct uuid id;
    char text[UUID_TEXT_BYTES];
    memcpy(&id, member, sizeof(id));
    uuid_format(&id, text);
    json_text(writer, text);
}

static void write_day(struct json_writer *writer, uint32_t yyyymmdd)
{
    char date[CIVIL_TEXT_BYTES];
    int32_t day = 0;
    if (civil_from_yyyymmdd(yyyymmdd, &day) != OK) {
        json_u64(writer, yyyymmdd);
        return;
    }
    civil_format(day, date);
    json_text(writer, date);
}

static void write_dates(struct json_writer *writer, const struct field *field,
                        const uint8_t *source)
{
    const uint32_t *dates = NULL;
    size_t count = 0;
    memcpy(&dates, source + field->offset, sizeof(dates));
    memcpy(&count, source + field->count_offset, sizeof(count));
    json_array_begin(writer);
    for (size_t i = 0; i < count; i++) {
        write_day(writer, dates[i]);
    }
    json_array_end(writer);
}

static void write_words(struct json_writer *writer, const struct field *field,
                        const uint8_t *source)
{
    const uint32_t *words = NULL;
    size_t count = 0;
    memcpy(&words, source + field->offset, sizeof(words));
    memcpy(&count, source + field->count_offset, sizeof(count));
    json_array_begin(writer);
    for (size_t i = 0; i < count; i++) {
        write_word(writer, field->which, words[i]);
    }
    json_array_end(writer);
}

static void write_plain(struct json_writer *writer, const struct field *field,
                        const uint8_t *source)
{
    const uint8_t *member = source + field->offset;
    const char *text = NULL;
    char instant[INSTANT_TEXT_BYTES];
    switch (field->type) {
    case FIELD_TEXT:
        memcpy(&text, member, sizeof(text));
        json_text(writer, text);
        return;
    case FIELD_CHARS:
        json_text(writer, (const char *)member);
        return;
    case FIELD_WORD:
        write_word(writer, field->which, (uint32_t)message_field_number(member, field->size));
        return;
    case FIELD_SET:
        write_set(writer, field->which, message_field_number(member, field->size));
        return;
    case FIELD_ROLES:
        write_set(writer, VOCABULARY_ROLE, message_field_number(member, field->size));
        return;
    case FIELD_BOOL:
        json_bool(writer, member[0] != 0);
        return;
    case FIELD_U32:
    case FIELD_U64:
        json_u64(writer, message_field_number(member, field->size));
        return;
    case FIELD_DATE:
        write_day(writer, (uint32_t)message_field_number(member, field->size));
        return;
    case FIELD_INSTANT:
        instant_format(message_field_number(member, field->size), instant);
        json_text(writer, instant);
        return;
    case FIELD_DIGEST:
        write_digest(writer, member);
        return;
    case FIELD_UUID:
        write_id(writer, member);
        return;
    case FIELD_WORDS:
        write_words(writer, field, source);
        return;
    case FIELD_DATES:
        write_dates(writer, field, source);
        return;
    case FIELD_ROWS:
        break; /* write_rows writes them */
    }
}

static void write_row(struct json_writer *writer, const struct field *fields, const uint8_t *source)
{
    json_object_begin(writer);
    for (const struct field *field = fields; field->name != NULL; field++) {
        if (field->zero || !message_field_empty(field, source)) {
            json_name(writer, field->name);
            write_plain(writer, field, source);
        }
    }
    json_object_end(writer);
}

static void write_rows(struct json_writer *writer, const struct field *field, const uint8_t *source)
{
    const uint8_t *items = NULL;
    size_t count = 0;
    memcpy(&items, source + field->offset, sizeof(items));
    memcpy(&count, source + field->count_offset, sizeof(count));
    json_array_begin(writer);
    for (size_t i = 0; i < count; i++) {
        write_row(writer, field->rows->fields, items + i * field->rows->row_bytes);
    }
    json_array_end(writer);
}

static void write_object(struct json_writer *writer, const struct field *fields, const void *source)
{
    json_object_begin(writer);
    for (const struct field *field = fields; field->name != NULL; field++) {
        if (!field->zero && message_field_empty(field, source)) {
            continue;
        }
        json_name(writer, field->name);
        if (field->type == FIELD_ROWS) {
            write_rows(writer, field, source);
        } else {
            write_plain(writer, field, source);
        }
    }
    json_object_end(writer);
}

static void write_uuid(struct json_writer *writer, const char *name, const struct uuid *id)
{
    json_name(writer, name);
    write_id(writer, id->bytes);
}

void message_json_write_header(struct json_writer *writer, const struct message_header *header)
{
    char instant[INSTANT_TEXT_BYTES];
    json_object_begin(writer);
    json_name(writer, "kind");
    json_text(writer, message_kind_name(header->kind));
    write_uuid(writer, "message_id", &header->message_id);
    json_name(writer, "sender");
    json_text(writer, header->sender);
    json_name(writer, "recipient");
    json_text(writer, header->recipient);
    json_name(writer, "created");
    instant_format(header->created_ms, instant);
    json_text(writer, instant);
    write_uuid(writer, "case_id", &header->case_id);
    json_name(writer, "case_number");
    json_text(writer, header->case_number);
    write_uuid(writer, "referral_id", &header->referral_id);
    json_name(writer, "referral");
    json_text(writer, header->referral_number);
    if (!uuid_is_zero(&header->refers_to)) {
        write_uuid(writer, "refers_to", &header->refers_to);
    }
    json_object_end(writer);
}

void message_json_write_facts(struct json_writer *writer, const struct message *message)
{
    const struct field *fields = message_form_of(message->header.kind);
    if (fields == NULL) {
        json_object_begin(writer);
        json_object_end(writer);
        return;
    }
    write_object(writer, fields, message);
}

void message_json_write_body(struct json_writer *writer, const struct body *body)
{
    write_object(writer, message_form_body(), body);
}
