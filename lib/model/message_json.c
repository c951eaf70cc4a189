/* How: reading by the tables of message_form. What a message must have is not judged here but by
 * message_check: this file refuses what cannot be understood. */
#include "model/message_json.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "model/attachment.h"
#include "model/check.h"
#include "model/instant_text.h"
#include "model/message_form.h"

static void store(uint8_t *member, size_t size, uint64_t value)
{
    uint32_t narrow = (uint32_t)value;
    assert(size == sizeof(narrow) || size == sizeof(value));
    if (size == sizeof(value)) {
        memcpy(member, &value, sizeof(value));
    } else {
        memcpy(member, &narrow, sizeof(narrow));
    }
}

/* Whatever is wrong with it, the allowed values are said. */
static enum err read_choice(const struct json_value *value, const char *const *choices,
                            size_t *ret_index, struct fault *fault)
{
    if (!json_is_text(value)) {
        char list[256];
        nearest_list(choices, list, sizeof(list));
        return json_refuse(value, fault, "json.choice", "%sexpected one of: %s",
                           json_absent(value) ? "is missing: " : "", list);
    }
    return json_get_choice(value, choices, ret_index, fault);
}

static enum err read_word(const struct json_value *value, enum vocabulary which, uint32_t *ret_word,
                          struct fault *fault)
{
    const char *ids[VOCABULARY_IDS_MAX];
    size_t index = 0;
    size_t count = 0;
    vocabulary_ids(which, ids);
    enum err error = read_choice(value, ids, &index, fault);
    if (error == OK) {
        *ret_word = vocabulary_words(which, &count)[index].value;
    }
    return error;
}

static enum err read_set(const struct json_value *value, const struct field *field, uint8_t *member,
                         struct fault *fault)
{
    uint64_t bits = 0;
    if (!json_is_array(value)) {
        return json_refuse(value, fault, "json.type", "expected a list of texts");
    }
    for (size_t i = 0; i < json_count(value); i++) {
        struct json_value item = json_item(value, i);
        uint32_t bit = 0;
        enum err error = read_word(&item, field->which, &bit, fault);
        if (error != OK) {
            return error;
        }
        if ((bits & UINT64_C(1) << bit) != 0) {
            return json_refuse(&item, fault, "json.twice", "is in the list already");
        }
        bits |= UINT64_C(1) << bit;
    }
    store(member, field->size, bits);
    return OK;
}

static enum err read_words(const struct json_value *value, const struct field *field,
                           struct region *region, uint8_t *target, struct fault *fault)
{
    size_t count = json_count(value);
    if (!json_is_array(value) || count > LIMIT_DOCUMENTS) {
        return json_refuse(value, fault, "json.type", "expected a list of at most %u texts",
                           LIMIT_DOCUMENTS);
    }
    uint32_t *words = region_take(region, (count + 1) * sizeof(*words));
    if (words == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        struct json_value item = json_item(value, i);
        enum err error = read_word(&item, field->which, &words[i], fault);
        if (error != OK) {
            return error;
        }
    }
    memcpy(target + field->offset, &words, sizeof(words));
    memcpy(target + field->count_offset, &count, sizeof(count));
    return OK;
}

static enum err read_date(const struct json_value *value, uint32_t *ret_date, struct fault *fault)
{
    const char *text = "";
    int32_t day = 0;
    enum err error = json_get_text(value, NAME_BYTES, &text, fault);
    if (error == OK && civil_parse(text, &day) != OK) {
        return json_refuse(value, fault, "json.date", "expected a date: \"2026-03-02\"");
    }
    if (error == OK) {
        *ret_date = civil_yyyymmdd(day);
    }
    return error;
}

static enum err read_dates(const struct json_value *value, const struct field *field,
                           struct region *region, uint8_t *target, struct fault *fault)
{
    size_t count = json_count(value);
    if (!json_is_array(value) || count > LIMIT_DUTIES) {
        return json_refuse(value, fault, "json.type", "expected a list of at most %u dates",
                           LIMIT_DUTIES);
    }
    uint32_t *dates = region_take(region, (count + 1) * sizeof(*dates));
    if (dates == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        struct json_value item = json_item(value, i);
        enum err error = read_date(&item, &dates[i], fault);
        if (error != OK) {
            return error;
        }
    }
    memcpy(target + field->offset, &dates, sizeof(dates));
    memcpy(target + field->count_offset, &count, sizeof(count));
    return OK;
}

static enum err read_instant(const struct json_value *value, uint64_t *ret_ms, struct fault *fault)
{
    const char *text = "";
    enum err error = json_get_text(value, NAME_BYTES, &text, fault);
    if (error == OK && instant_parse(text, ret_ms) != OK) {
        return json_refuse(value, fault, "json.instant",
                           "expected a time: \"2026-03-02T09:30:00+08:00\"");
    }
    return error;
}

static enum err read_digest(const struct json_value *value, uint8_t *member, struct fault *fault)
{
    const char *text = "";
    enum err error = json_get_text(value, NAME_BYTES, &text, fault);
    if (error == OK &&
        (strlen(text) != 2 * DIGEST_BYTES || hex_decode(text, member, DIGEST_BYTES) != OK)) {
        return json_refuse(value, fault, "json.digest",
                           "expected 64 hexadecimal digits: SHA-256 of the sealed bytes");
    }
    return error;
}

static enum err read_uuid(const struct json_value *value, uint8_t *member, struct fault *fault)
{
    const char *text = "";
    struct uuid id;
    enum err error = json_get_text(value, NAME_BYTES, &text, fault);
    if (error == OK && uuid_parse(text, &id) != OK) {
        return json_refuse(value, fault, "json.id", "expected an id: 36 characters with dashes");
    }
    if (error == OK) {
        memcpy(member, &id, sizeof(id));
    }
    return error;
}

static enum err read_chars(const struct json_value *value, const struct field *field,
                           uint8_t *member, struct fault *fault)
{
    const char *text = "";
    enum err error = json_get_text(value, field->size - 1, &text, fault);
    if (error == OK) {
        memcpy(member, text, strlen(text) + 1);
    }
    return error;
}

static enum err read_number(const struct json_value *value, const struct field *field,
                            uint8_t *member, struct fault *fault)
{
    uint64_t number = 0;
    uint64_t max = field->type == FIELD_U32 ? UINT32_MAX : (uint64_t)INT64_MAX;
    enum err error = json_get_u64(value, 0, max, &number, fault);
    if (error == OK) {
        store(member, field->size, number);
    }
    return error;
}

static enum err read_text(const struct json_value *value, const struct field *field,
                          uint8_t *member, struct fault *fault)
{
    const char *text = NULL;
    enum err error = json_get_text(value, field->size, &text, fault);
    if (error == OK) {
        memcpy(member, &text, sizeof(text));
    }
    return error;
}

/* Every type but lists of rows. */
static enum err read_plain(const struct json_value *value, const struct field *field,
                           struct region *region, uint8_t *target, struct fault *fault)
{
    uint8_t *member = target + field->offset;
    uint32_t narrow = 0;
    uint64_t wide = 0;
    bool truth = false;
    enum err error = OK;
    switch (field->type) {
    case FIELD_TEXT:
        return read_text(value, field, member, fault);
    case FIELD_CHARS:
        return read_chars(value, field, member, fault);
    case FIELD_SET:
        return read_set(value, field, member, fault);
    case FIELD_U32:
    case FIELD_U64:
        return read_number(value, field, member, fault);
    case FIELD_DIGEST:
        return read_digest(value, member, fault);
    case FIELD_UUID:
        return read_uuid(value, member, fault);
    case FIELD_WORDS:
        return read_words(value, field, region, target, fault);
    case FIELD_DATES:
        return read_dates(value, field, region, target, fault);
    case FIELD_WORD:
    case FIELD_DATE:
        error = field->type == FIELD_WORD ? read_word(value, field->which, &narrow, fault)
                                          : read_date(value, &narrow, fault);
        if (error == OK) {
            store(member, sizeof(narrow), narrow);
        }
        return error;
    case FIELD_INSTANT:
        error = read_instant(value, &wide, fault);
        if (error == OK) {
            store(member, sizeof(wide), wide);
        }
        return error;
    case FIELD_BOOL:
        error = json_get_bool(value, &truth, fault);
        if (error == OK) {
            memcpy(member, &truth, sizeof(truth));
        }
        return error;
    case FIELD_ROLES:
    case FIELD_ROWS:
        break; /* no table that is read has the first, read_rows reads the second */
    }
    return json_refuse(value, fault, "json.type", "is not read");
}

/* Strangers are refused with the list of what is known. */
static enum err refuse_strangers(const struct json_value *object, const struct field *fields,
                                 struct fault *fault)
{
    const char *names[FIELDS_MAX];
    size_t count = 0;
    for (; fields[count].name != NULL; count++) {
        assert(count + 1 < FIELDS_MAX);
        names[count] = fields[count].name;
    }
    names[count] = NULL;
    if (!json_is_object(object)) {
        return json_refuse(object, fault, "json.type", "expected an object");
    }
    return json_only(object, names, fault);
}

static enum err refuse_absent(const struct json_value *value, const struct field *field,
                              struct fault *fault)
{
    if (field->type == FIELD_WORD) {
        uint32_t word = 0;
        return read_word(value, field->which, &word, fault); /* lists the allowed values */
    }
    return json_refuse(value, fault, "json.missing", "is mandatory");
}

static enum err read_row(const struct json_value *object, const struct field *fields,
                         struct region *region, uint8_t *target, struct fault *fault)
{
    enum err error = refuse_strangers(object, fields, fault);
    for (const struct field *field = fields; error == OK && field->name != NULL; field++) {
        struct json_value value = json_member(object, field->name);
        assert(field->type != FIELD_ROWS);
        if (!json_absent(&value)) {
            error = read_plain(&value, field, region, target, fault);
        } else if (field->required) {
            error = refuse_absent(&value, field, fault);
        }
    }
    return error;
}

static enum err read_rows(const struct json_value *value, const struct field *field,
                          struct region *region, uint8_t *target, struct fault *fault)
{
    const struct rows *rows = field->rows;
    size_t count = json_count(value);
    if (!json_is_array(value) || count > rows->max) {
        return json_refuse(value, fault, "json.type", "expected a list of at most %zu objects",
                           rows->max);
    }
    uint8_t *items = region_take(region, (count + 1) * rows->row_bytes);
    if (items == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        struct json_value item = json_item(value, i);
        enum err error = read_row(&item, rows->fields, region, items + i * rows->row_bytes, fault);
        if (error != OK) {
            return error;
        }
    }
    memcpy(target + field->offset, &items, sizeof(items));
    memcpy(target + field->count_offset, &count, sizeof(count));
    return OK;
}

static enum err read_object(const struct json_value *object, const struct field *fields,
                            struct region *region, void *target, struct fault *fault)
{
    enum err error = refuse_strangers(object, fields, fault);
    for (const struct field *field = fields; error == OK && field->name != NULL; field++) {
        struct json_value value = json_member(object, field->name);
        if (json_absent(&value)) {
            error = field->required ? refuse_absent(&value, field, fault) : OK;
        } else if (field->type == FIELD_ROWS) {
            error = read_rows(&value, field, region, target, fault);
        } else {
            error = read_plain(&value, field, region, target, fault);
        }
    }
    return error;
}

static bool is_referral(enum message_kind kind)
{
    return kind == MESSAGE_OUTBOUND_REFERRAL || kind == MESSAGE_INBOUND_REFERRAL;
}

/* The kinds that people write; receipts are the agent's own. */
static enum err read_kind(const struct json_value *root, enum message_kind kind,
                          enum message_kind *ret_kind, struct fault *fault)
{
    const char *names[MESSAGE_AGENCY_KIND_COUNT];
    size_t count = 0, index = 0;
    for (int i = 1; i < MESSAGE_AGENCY_KIND_COUNT; i++) {
        if (i != MESSAGE_DELIVERY && i != MESSAGE_REJECTION) {
            names[count++] = message_kind_name((enum message_kind)i);
        }
    }
    names[count] = NULL;
    struct json_value value = json_member(root, "kind");
    if (json_absent(&value) && kind != MESSAGE_NONE) {
        *ret_kind = kind;
        return OK;
    }
    enum err error = read_choice(&value, names, &index, fault);
    if (error != OK) {
        return error;
    }
    *ret_kind = message_kind_parse(names[index]);
    if (kind != MESSAGE_NONE && *ret_kind != kind) {
        return json_refuse(&value, fault, "json.kind", "expected %s", message_kind_name(kind));
    }
    return OK;
}

static enum err read_recipient(const struct json_value *value, struct message_draft *draft,
                               struct fault *fault)
{
    const char *id = "";
    enum err error = json_get_text(value, LIMIT_AGENCY_ID_BYTES - 1, &id, fault);
    for (size_t i = 0; error == OK && i < draft->recipient_count; i++) {
        if (strcmp(draft->recipients[i], id) == 0) {
            return json_refuse(value, fault, "json.twice", "is in the list already");
        }
    }
    if (error == OK) {
        memcpy(draft->recipients[draft->recipient_count++], id, strlen(id) + 1);
    }
    return error;
}

static enum err read_recipients(const struct json_value *root, struct message_draft *draft,
                                struct fault *fault)
{
    struct json_value list = json_member(root, "recipients");
    size_t count = json_count(&list);
    if (!json_is_array(&list) || count == 0 || count > DRAFT_RECIPIENTS_MAX) {
        return json_refuse(&list, fault, "json.type", "expected a list of 1 to %u agency ids",
                           DRAFT_RECIPIENTS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        struct json_value item = json_item(&list, i);
        enum err error = read_recipient(&item, draft, fault);
        if (error != OK) {
            return error;
        }
    }
    return OK;
}

/* A text of the address; absent: left empty. */
static enum err read_name(const struct json_value *root, const char *name, char *to, size_t size,
                          struct fault *fault)
{
    struct json_value value = json_member(root, name);
    const char *text = "";
    if (json_absent(&value)) {
        return OK;
    }
    enum err error = json_get_text(&value, size - 1, &text, fault);
    if (error == OK) {
        memcpy(to, text, strlen(text) + 1);
    }
    return error;
}

/* What each address may name. */
static const struct {
    const char *members[10];
    bool recipients;           /* may be named */
    bool recipients_mandatory; /* must be */
} addresses[] = {
    [ADDRESS_NEW_REFERRAL] = {{"kind", "facts", "body", "recipients", "case_number", "previous"},
                              true,
                              true},
    [ADDRESS_REFERRAL] = {{"kind", "facts", "body", "referral", "refers_to"}, false, false},
    [ADDRESS_DOCUMENT] = {{"kind", "facts", "body", "recipients", "referral", "matter"},
                          true,
                          false},
    [ADDRESS_NEW_MATTER] = {{"kind", "facts", "body", "recipients", "case_number", "about"},
                            true,
                            false},
    [ADDRESS_MATTER] = {{"kind", "facts", "body", "recipients", "matter", "refers_to"},
                        true,
                        false},
    [ADDRESS_TALK] = {{"kind", "facts", "body", "recipients", "case_number", "about", "matter",
                       "refers_to"},
                      true,
                      false},
};

/* What is named as gone on with belongs to a case, or to none, already. */
static enum err read_goes_on(const struct json_value *root, const struct message_draft *draft,
                             struct fault *fault)
{
    struct json_value value = json_member(root, "matter");
    if (draft->matter[0] == '\0' ||
        (draft->case_number[0] == '\0' && draft->about[0] == '\0' && draft->referral[0] == '\0')) {
        return OK;
    }
    return json_refuse(&value, fault, "json.address",
                       "expected no case_number, about or referral beside a matter");
}

static enum err read_refers_to(const struct json_value *root, struct message_draft *draft,
                               struct fault *fault)
{
    struct json_value value = json_member(root, "refers_to");
    return json_absent(&value) ? OK
                               : read_uuid(&value, draft->message.header.refers_to.bytes, fault);
}

static enum err read_address(const struct json_value *root, struct message_draft *draft,
                             struct fault *fault)
{
    enum message_address address = message_form_address(draft->message.header.kind);
    struct json_value recipients = json_member(root, "recipients");
    const char *about = address == ADDRESS_NEW_REFERRAL ? "previous" : "about";
    enum err error = json_only(root, addresses[address].members, fault);
    if (error == OK) {
        error =
            read_name(root, "case_number", draft->case_number, sizeof(draft->case_number), fault);
    }
    if (error == OK) {
        error = read_name(root, "referral", draft->referral, sizeof(draft->referral), fault);
    }
    if (error == OK) {
        error = read_name(root, "matter", draft->matter, sizeof(draft->matter), fault);
    }
    if (error == OK) {
        error = read_name(root, about, draft->about, sizeof(draft->about), fault);
    }
    if (error == OK) {
        error = read_goes_on(root, draft, fault);
    }
    if (error == OK) {
        error = read_refers_to(root, draft, fault);
    }
    if (error != OK || !addresses[address].recipients ||
        (json_absent(&recipients) && !addresses[address].recipients_mandatory)) {
        return error;
    }
    return read_recipients(root, draft, fault);
}

static enum err read_facts(const struct json_value *root, struct region *region,
                           struct message_draft *draft, struct fault *fault)
{
    const struct field *fields = message_form_of(draft->message.header.kind);
    struct json_value facts = json_member(root, "facts");
    if (json_absent(&facts) && draft->message.header.kind == MESSAGE_SIGN_FOR) {
        return OK; /* the agent allots the register number */
    }
    return read_object(&facts, fields, region, &draft->message, fault);
}

static enum err read_body(const struct json_value *root, struct region *region,
                          struct message_draft *draft, struct fault *fault)
{
    struct message *message = &draft->message;
    struct json_value body = json_member(root, "body");
    enum err error = read_object(&body, message_form_body(), region, &draft->body, fault);
    if (error != OK) {
        return error;
    }
    if (draft->body.attachment_count != 0) {
        struct json_value attachments = json_member(&body, "attachments");
        return json_refuse(&attachments, fault, "json.attachments",
                           "the agent writes these: name the attachment in %s",
                           message_blob_list(message->header.kind));
    }
    message->body_present = true;
    message->body_fields = body_fields_of(&draft->body);
    if (!is_referral(message->header.kind)) {
        return OK;
    }
    struct json_value facts = json_member(root, "facts");
    struct json_value count = json_member(&facts, "person_count");
    if (!json_absent(&count) && message->referral.person_count != draft->body.person_count) {
        return json_refuse(&count, fault, "json.person-count",
                           "expected the number of body.persons; it may be left out");
    }
    message->referral.person_count = (uint32_t)draft->body.person_count;
    return OK;
}

enum err message_json_read(const struct json_value *root, enum message_kind kind,
                           struct region *region, struct message_draft *ret_draft,
                           struct fault *fault)
{
    struct message_draft *draft = region_take(region, sizeof(*draft));
    if (draft == NULL) {
        return ERR_MEMORY;
    }
    if (!json_is_object(root)) {
        return json_refuse(root, fault, "json.type", "expected an object");
    }
    enum err error = read_kind(root, kind, &draft->message.header.kind, fault);
    if (error == OK) {
        error = read_address(root, draft, fault);
    }
    if (error == OK) {
        error = read_facts(root, region, draft, fault);
    }
    if (error == OK) {
        error = read_body(root, region, draft, fault);
    }
    if (error == OK) {
        *ret_draft = *draft;
    }
    return error;
}
