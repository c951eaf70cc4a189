/* What a message says, whole: each fact and each field of its body with its label, by the tables of
 * model/message_form, so that nothing of a message is invisible. Lists of rows are tables. Persons
 * are not here: view_persons masks them. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/web/labels.h"
#include "agent/web/view_parts.h"
#include "model/attachment.h"
#include "model/lanes.h"
#include "model/message_form.h"

#define VALUE_BYTES (2u * LIMIT_TEXT_BYTES)

struct value { /* as it will be shown */
    struct page *page;
    struct store_txn *read;
    const struct message *message;
    struct buf text;
    char href[96]; /* "" : no link */
};

/* --- one value --- */

static void say(struct value *value, const char *text)
{
    (void)!buf_append_text(&value->text, text);
}

static void say_next(struct value *value, const char *text)
{
    if (value->text.len > 0) {
        say(value, value->page->language == LANGUAGE_EN ? "; " : "；");
    }
    say(value, text);
}

static void say_number(struct value *value, uint64_t number)
{
    (void)!buf_printf(&value->text, "%" PRIu64, number);
}

/* A number without a word is shown as it is: a newer agency may know it. */
static void say_word(struct value *value, enum vocabulary which, uint32_t number)
{
    const char *word = page_word(value->page, which, number);
    char digits[16];

    (void)snprintf(digits, sizeof(digits), "%" PRIu32, number);
    say_next(value, word[0] != '\0' ? word : digits);
}

static void say_set(struct value *value, enum vocabulary which, uint64_t bits)
{
    for (uint32_t bit = 0; bit < 64; bit++) {
        const uint64_t mask = UINT64_C(1) << bit;

        if ((bits & mask) != 0) {
            say_word(value, which, which == VOCABULARY_ROLE ? (uint32_t)mask : bit);
        }
    }
}

static void say_day(struct value *value, uint32_t yyyymmdd)
{
    char text[PAGE_DAY_BYTES];
    int32_t day;

    if (civil_from_yyyymmdd(yyyymmdd, &day) != OK) {
        say_number(value, yyyymmdd);
        return;
    }
    page_day_text(value->page, day, true, text);
    say_next(value, text);
}

static void say_instant(struct value *value, uint64_t instant_ms)
{
    char text[PAGE_DAY_BYTES];

    page_instant_text(value->page, instant_ms, text);
    say(value, text);
}

static void say_digest(struct value *value, const uint8_t *member)
{
    struct digest digest;
    char text[DIGEST_TEXT_BYTES];

    memcpy(&digest, member, sizeof(digest));
    digest_format(&digest, text);
    say(value, text);
}

bool page_about(struct store_txn *read, const struct uuid *id, struct about *ret_about)
{
    struct row row;

    memset(ret_about, 0, sizeof(*ret_about));
    if (uuid_is_zero(id) || row_of_referral(read, id, 0, &row) != OK) {
        return false;
    }
    ret_about->of_matter = page_number_is_matter(row.header.referral_number);
    text_copy(ret_about->number, sizeof(ret_about->number), row.header.referral_number);
    (void)snprintf(ret_about->href, sizeof(ret_about->href),
                   ret_about->of_matter ? "/matter/%s" : "/case/%s", ret_about->number);
    return true;
}

bool page_number_is_matter(const char *number)
{
    struct number parsed;

    return number_parse(NUMBER_MATTER, number, &parsed) == OK;
}

/* The number of a referral, where this agency has it. */
static void say_id(struct value *value, const uint8_t *member)
{
    struct uuid id;
    struct about about;
    char text[UUID_TEXT_BYTES];

    memcpy(&id, member, sizeof(id));
    if (page_about(value->read, &id, &about)) {
        say(value, about.number);
        text_copy(value->href, sizeof(value->href), about.href);
        return;
    }
    uuid_format(&id, text);
    say(value, text);
}

static void say_list(struct value *value, const struct field *field, const uint8_t *source)
{
    const uint32_t *numbers = NULL;
    const size_t count = (size_t)message_field_number(source + field->count_offset, sizeof(size_t));

    memcpy(&numbers, source + field->offset, sizeof(numbers));
    for (size_t i = 0; i < count; i++) {
        if (field->type == FIELD_DATES) {
            say_day(value, numbers[i]);
        } else {
            say_word(value, field->which, numbers[i]);
        }
    }
}

/* --- values that read in their own way --- */

void page_money(const struct page *page, uint64_t fen, char out[PAGE_MONEY_BYTES])
{
    char yuan[32];
    const size_t len = (size_t)snprintf(yuan, sizeof(yuan), "%" PRIu64, fen / 100);
    size_t at = 0;

    if (page->language == LANGUAGE_EN) {
        at = (size_t)snprintf(out, PAGE_MONEY_BYTES, "CNY ");
    }
    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            out[at++] = ',';
        }
        out[at++] = yuan[i];
    }
    (void)snprintf(out + at, PAGE_MONEY_BYTES - at,
                   page->language == LANGUAGE_EN ? ".%02u" : ".%02u 元", (unsigned)(fen % 100));
}

static void say_formatted(struct value *value, const char *format, uint64_t number)
{
    const char *place = strstr(format, "{n}");

    assert(place != NULL);
    (void)!buf_append(&value->text, format, (size_t)(place - format));
    say_number(value, number);
    say(value, place + 3);
}

static void say_rungs(struct value *value, const char *ids)
{
    char id[RUNG_ID_BYTES];
    enum rung rung;

    while (*ids != '\0') {
        size_t len = strcspn(ids, " ");

        (void)snprintf(id, sizeof(id), "%.*s", (int)len, ids);
        say_next(value, rung_parse(id, &rung) == OK ? page_rung(value->page, rung) : id);
        ids += len + (ids[len] == ' ' ? 1 : 0);
    }
}

const char *page_rung(const struct page *page, enum rung rung)
{
    const struct policy_name *name = &page->agent->setup.policy->names[rung];

    return page->language == LANGUAGE_EN ? name->en : name->zh;
}

static const char *redating_reason(const struct page *page, const char *id)
{
    static const struct {
        const char *id, *text;
    } reasons[] = {
        {"calendar", N_("按调整后的放假安排重新推算")},
        {"floor", N_("不早于调整后第 2 个工作日")},
        {"kept", N_("原期限不变")},
        {"settled", N_("“暂定”标记有变")},
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (strcmp(reasons[i].id, id) == 0) {
            return tr(page, reasons[i].text);
        }
    }
    return id;
}

static void say_reason(struct value *value, const char *id)
{
    const struct word *word = vocabulary_parse(VOCABULARY_REJECTION, id);

    if (value->message->header.kind == MESSAGE_RETURNED && word != NULL) {
        say(value, page_word(value->page, VOCABULARY_REJECTION, word->value));
    } else {
        say(value, redating_reason(value->page, id));
    }
}

static const char *lane_text(const struct page *page, uint64_t lane)
{
    static const char *const names[LANE_COUNT] = {[LANE_LIFE_DANGER] = N_("危及生命"),
                                                  [LANE_MINORS] = N_("未成年人"),
                                                  [LANE_PRIORITY] = N_("急件和重点救助对象"),
                                                  [LANE_REST] = N_("其他")};

    return lane < LANE_COUNT ? tr(page, names[lane]) : "";
}

static void say_chars(struct value *value, enum label_form form, const char *text)
{
    switch (form) {
    case LABEL_AGENCY: {
        const char *name = page_agency_of(value->page, text);

        say(value, name[0] != '\0' ? name : text);
        return;
    }
    case LABEL_RUNG:
        say_rungs(value, text);
        return;
    case LABEL_REASON:
        say_reason(value, text);
        return;
    case LABEL_DOCUMENT:
        (void)snprintf(value->href, sizeof(value->href), "/document/%s", text);
        break;
    case LABEL_NUMBER:
        (void)snprintf(value->href, sizeof(value->href),
                       page_number_is_matter(text) ? "/matter/%s" : "/case/%s", text);
        break;
    default:
        break;
    }
    say(value, text);
}

static void say_u64(struct value *value, enum label_form form, uint64_t number)
{
    char money[PAGE_MONEY_BYTES];

    switch (form) {
    case LABEL_MONEY:
        page_money(value->page, number, money);
        say(value, money);
        return;
    case LABEL_BYTES:
        (void)!buf_printf(&value->text, "%.1f KB", (double)number / 1024.0);
        return;
    case LABEL_PERSON:
        say_formatted(value, tr(value->page, N_("第 {n} 人")), number + 1);
        return;
    case LABEL_MATERIAL:
        say_formatted(value, tr(value->page, N_("第 {n} 项")), number + 1);
        return;
    case LABEL_DUTY:
        if (number == 0) {
            say(value, tr(value->page, N_("计划外")));
        } else {
            say_formatted(value, tr(value->page, N_("第 {n} 项")), number);
        }
        return;
    case LABEL_LANE:
        say(value, lane_text(value->page, number));
        return;
    default:
        say_number(value, number);
    }
}

static void say_member(struct value *value, const struct field *field, const uint8_t *source,
                       enum label_form form)
{
    const uint8_t *member = source + field->offset;
    const char *text = NULL;

    switch (field->type) {
    case FIELD_TEXT:
        memcpy(&text, member, sizeof(text));
        say_chars(value, form, text);
        return;
    case FIELD_CHARS:
        say_chars(value, form, (const char *)member);
        return;
    case FIELD_WORD:
        say_word(value, field->which, (uint32_t)message_field_number(member, field->size));
        return;
    case FIELD_SET:
        say_set(value, field->which, message_field_number(member, field->size));
        return;
    case FIELD_ROLES:
        say_set(value, VOCABULARY_ROLE, message_field_number(member, field->size));
        return;
    case FIELD_BOOL:
        say(value, tr(value->page, member[0] != 0 ? N_("是") : N_("否")));
        return;
    case FIELD_U32:
    case FIELD_U64:
        say_u64(value, form, message_field_number(member, field->size));
        return;
    case FIELD_DATE:
        say_day(value, (uint32_t)message_field_number(member, field->size));
        return;
    case FIELD_INSTANT:
        say_instant(value, message_field_number(member, field->size));
        return;
    case FIELD_DIGEST:
        say_digest(value, member);
        return;
    case FIELD_UUID:
        say_id(value, member);
        return;
    case FIELD_WORDS:
    case FIELD_DATES:
        say_list(value, field, source);
        return;
    case FIELD_ROWS:
        break; /* a table */
    }
}

/* --- the view --- */

static const char *label_text(const struct page *page, const char *list, const char *field)
{
    const char *label = label_of_field(list, field);

    return label != NULL ? tr(page, label) : field;
}

/* The members `text`, `href` and how it is set. */
static void view_value(struct value *value, const struct field *field, const uint8_t *source,
                       const char *list)
{
    struct json_writer *view = &value->page->view;
    const enum label_form form = label_form_of(list, field->name);

    buf_clear(&value->text);
    value->href[0] = '\0';
    if (field->zero || !message_field_empty(field, source)) {
        say_member(value, field, source, form);
    }
    (void)!buf_append(&value->text, "", 1);
    named_text(view, "text", value->text.data != NULL ? (const char *)value->text.data : "");
    named_text(view, "href", value->href); /* "" hides that of what is around */
    named_bool(view, "wide", form == LABEL_LONG || form == LABEL_CODE);
    named_bool(view, "code", form == LABEL_CODE);
    named_bool(view, "num", form == LABEL_MONEY || form == LABEL_BYTES);
}

static void view_table_head(struct value *value, const struct field *field, const bool *shown)
{
    struct json_writer *view = &value->page->view;
    size_t at = 0;

    json_name(view, "head");
    json_array_begin(view);
    for (const struct field *column = field->rows->fields; column->name != NULL; column++, at++) {
        if (shown[at]) {
            json_object_begin(view);
            named_text(view, "text", label_text(value->page, field->name, column->name));
            json_object_end(view);
        }
    }
    json_array_end(view);
}

/* Columns that no row fills are left out, and those that only machines read. */
static void find_columns(const struct field *field, const uint8_t *rows, size_t count, bool *shown)
{
    size_t at = 0;

    for (const struct field *column = field->rows->fields; column->name != NULL; column++, at++) {
        const bool read = label_form_of(field->name, column->name) != LABEL_CODE;

        shown[at] = read && column->zero;
        for (size_t i = 0; read && i < count && !shown[at]; i++) {
            shown[at] = !message_field_empty(column, rows + i * field->rows->row_bytes);
        }
    }
}

static void view_table_row(struct value *value, const struct field *field, const uint8_t *row,
                           const bool *shown)
{
    struct json_writer *view = &value->page->view;
    size_t at = 0;

    json_object_begin(view);
    json_name(view, "cells");
    json_array_begin(view);
    for (const struct field *column = field->rows->fields; column->name != NULL; column++, at++) {
        if (shown[at]) {
            json_object_begin(view);
            view_value(value, column, row, field->name);
            json_object_end(view);
        }
    }
    json_array_end(view);
    json_object_end(view);
}

static void view_table(struct value *value, const struct field *field, const uint8_t *source)
{
    struct json_writer *view = &value->page->view;
    const size_t count = (size_t)message_field_number(source + field->count_offset, sizeof(size_t));
    const uint8_t *rows = NULL;
    bool shown[FIELDS_MAX] = {false};

    memcpy(&rows, source + field->offset, sizeof(rows));
    find_columns(field, rows, count, shown);
    json_object_begin(view);
    named_text(view, "title", label_text(value->page, NULL, field->name));
    view_table_head(value, field, shown);
    json_name(view, "rows");
    json_array_begin(view);
    for (size_t i = 0; i < count; i++) {
        view_table_row(value, field, rows + i * field->rows->row_bytes, shown);
    }
    json_array_end(view);
    json_object_end(view);
}

/* What has a place of its own on the page: persons, and files but for which material each is. */
static bool is_elsewhere(const struct value *value, const struct field *field)
{
    return strcmp(field->name, "persons") == 0 ||
           (strcmp(field->name, "attachments") == 0 &&
            message_kind_attaches(value->message->header.kind));
}

static void view_plain(struct value *value, const char *list, const struct field *fields,
                       const void *source)
{
    struct json_writer *view = &value->page->view;

    for (const struct field *field = fields; field->name != NULL; field++) {
        if (field->type == FIELD_ROWS || (!field->zero && message_field_empty(field, source))) {
            continue;
        }
        json_object_begin(view);
        named_text(view, "label", label_text(value->page, list, field->name));
        view_value(value, field, source, list);
        json_object_end(view);
    }
}

static void view_tables(struct value *value, const struct field *fields, const void *source)
{
    for (const struct field *field = fields; field->name != NULL; field++) {
        if (field->type == FIELD_ROWS && !message_field_empty(field, source) &&
            !is_elsewhere(value, field)) {
            view_table(value, field, source);
        }
    }
}

void view_fields(struct page *page, struct store_txn *read, const struct message *message,
                 const struct body *body)
{
    const struct field *facts = message_form_of(message->header.kind);
    struct value value = {.page = page, .read = read, .message = message};

    buf_init(&value.text, VALUE_BYTES);
    json_name(&page->view, "fields");
    json_array_begin(&page->view);
    if (facts != NULL) {
        view_plain(&value, NULL, facts, message);
    }
    if (body != NULL) {
        view_plain(&value, "body", message_form_body(), body);
    }
    json_array_end(&page->view);
    json_name(&page->view, "tables");
    json_array_begin(&page->view);
    if (facts != NULL) {
        view_tables(&value, facts, message);
    }
    if (body != NULL) {
        view_tables(&value, message_form_body(), body);
    }
    json_array_end(&page->view);
    if (value.text.cap > 0) {
        crypto_wipe(value.text.data, value.text.cap);
    }
    buf_free(&value.text);
}
