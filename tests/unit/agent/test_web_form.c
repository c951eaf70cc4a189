/* agent/web/form*: every example of docs/messages.md can be said by a form, every field of a
 * message has a place on one, all that is mandatory is marked at once, and hostile posts change
 * nothing. */
#include <stdio.h>

#include "agent/web/form.h"
#include "agent_support.h"
#include "base/file.h"

static struct realm realm;
static struct registry *registry; /* the realm's, and an associate */
static struct form_values values;
static struct form_address address;
static struct form_faults faults;

static void add_associate(void)
{
    static const char hospital[] = "\n  - id: hospital\n    number: 40\n    class: A\n"
                                   "    prefix: YY\n    name: {zh: 医院, en: Hospital}\n"
                                   "    office: {zh: 医务科, en: Medical Office}\n    duties: []\n";
    struct fault fault = {.code = ""};
    struct buf text;

    buf_init(&text, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(buf_append(&text, realm.registry_text.data,
                                strnlen((char *)realm.registry_text.data, realm.registry_text.len)),
                     OK);
    ck_assert_int_eq(buf_append_text(&text, hospital), OK);
    ck_assert_int_eq(registry_read("agencies.yaml", span_buf(&text), &registry, &fault), OK);
    buf_free(&text);
}

static void setup(void)
{
    realm_open(&realm);
    add_associate();
    form_values_init(&values);
    memset(&address, 0, sizeof(address));
    address.officer = "经办人甲";
    faults.count = 0;
}

static void teardown(void)
{
    form_values_free(&values);
    registry_free(registry);
    realm_close(&realm);
}

static struct form_rules rules_of(const char *agency)
{
    return (struct form_rules){.policy = realm.policy,
                               .registry = registry,
                               .self = registry_find(registry, agency),
                               .today = civil_day_at(DESK_START_MS)};
}

static struct form form_of(enum message_kind kind)
{
    const struct form_layout *layout = form_layout_of(kind);
    ck_assert_msg(layout != NULL, "%s has no form", message_kind_name(kind));
    return (struct form){.layout = layout, .address = &address, .values = &values};
}

static void put(const char *name, const char *value)
{
    ck_assert_int_eq(form_values_add(&values, name, value), OK);
}

/* --- from an example to a post --- */

static void type_value(const struct form_layout *layout, const char *name,
                       const struct json_value *value)
{
    struct form_place place;
    static char text[LIMIT_WEB_VALUE_BYTES];
    char digits[JSON_DIGITS_BYTES];
    bool found = form_find(layout, name, &place);
    const struct field *field;
    struct span span = json_node_text(value->node, digits);

    ck_assert_msg(found && place.item != NULL, "%s: %s has no place",
                  message_kind_name(layout->kind), name);
    field = form_field(layout->kind, place.item->path);
    (void)snprintf(text, sizeof(text), "%.*s", (int)span.len, (const char *)span.data);
    if (json_node_kind(value->node) == JSON_YES) {
        text_copy(text, sizeof(text), "1");
    } else if (place.item->widget == FORM_MONEY) {
        uint64_t fen;
        ck_assert_int_eq(json_get_u64(value, 0, UINT64_MAX >> 1, &fen, NULL), OK);
        (void)snprintf(text, sizeof(text), "%u,%03u.%02u", (unsigned)(fen / 100000),
                       (unsigned)(fen / 100 % 1000), (unsigned)(fen % 100));
    } else if (field != NULL && field->type == FIELD_INSTANT) {
        text[16] = '\0'; /* as the control says it */
    }
    put(name, text);
}

/* Nobody types the officer's name, nor how many persons there are. */
static bool is_typed(const char *name)
{
    return strcmp(name, "body.officer") != 0 && strcmp(name, "facts.persons") != 0;
}

static void type_words(const struct form_layout *layout, const char *name,
                       const struct json_value *list)
{
    for (size_t i = 0; i < json_count(list); i++) {
        struct json_value item = json_item(list, i);
        char row[2 * FORM_NAME_BYTES];

        (void)snprintf(row, sizeof(row), "%s[%zu]", name, i);
        type_value(layout, strcmp(name, "facts.dates") == 0 ? row : name, &item);
    }
}

static void type_row(const struct form_layout *layout, const char *row,
                     const struct json_value *object)
{
    for (size_t i = 0; i < json_count(object); i++) {
        const char *member = json_member_name(object, i);
        struct json_value value = json_member(object, member);
        char name[4 * FORM_NAME_BYTES];

        (void)snprintf(name, sizeof(name), "%s.%s", row, member);
        if (json_is_array(&value)) {
            type_words(layout, name, &value);
        } else {
            type_value(layout, name, &value);
        }
    }
}

static void type_rows(const struct form_layout *layout, const char *name,
                      const struct json_value *list)
{
    for (size_t i = 0; i < json_count(list); i++) {
        struct json_value item = json_item(list, i);
        char row[2 * FORM_NAME_BYTES];

        (void)snprintf(row, sizeof(row), "%s[%zu]", name, i);
        type_row(layout, row, &item);
    }
}

static void type_part(const struct form_layout *layout, const char *part,
                      const struct json_value *object)
{
    for (size_t i = 0; i < json_count(object); i++) {
        const char *member = json_member_name(object, i);
        struct json_value value = json_member(object, member);
        struct json_value first = json_item(&value, 0);
        char name[FORM_NAME_BYTES];

        (void)snprintf(name, sizeof(name), "%s.%s", part, member);
        if (json_is_array(&value) && json_is_object(&first)) {
            type_rows(layout, name, &value);
        } else if (json_is_array(&value)) {
            type_words(layout, name, &value);
        } else if (is_typed(name)) {
            type_value(layout, name, &value);
        }
    }
}

static void address_member(const struct json_value *root, const char *name, char *to, size_t size)
{
    struct json_value value = json_member(root, name);
    const char *text = "";

    if (!json_absent(&value)) {
        ck_assert_int_eq(json_get_text(&value, size - 1, &text, NULL), OK);
    }
    text_copy(to, size, text);
}

static void type_example(const struct form_layout *layout, const struct json_value *root,
                         const char **ret_officer)
{
    struct json_value facts = json_member(root, "facts");
    struct json_value body = json_member(root, "body");
    struct json_value officer = json_member(&body, "officer");
    struct json_value recipients = json_member(root, "recipients");
    struct json_value refers_to = json_member(root, "refers_to");

    address_member(root, "referral", address.referral, sizeof(address.referral));
    address_member(root, "matter", address.matter, sizeof(address.matter));
    address_member(root, "about", address.about, sizeof(address.about));
    address_member(root, "case_number", address.case_number, sizeof(address.case_number));
    type_part(layout, "facts", &facts);
    type_part(layout, "body", &body);
    if (!json_absent(&recipients)) {
        type_words(layout, "recipients", &recipients);
    }
    if (!json_absent(&refers_to)) {
        type_value(layout, "refers_to", &refers_to);
    }
    *ret_officer = NULL;
    if (!json_absent(&officer)) {
        ck_assert_int_eq(json_get_text(&officer, 200, ret_officer, NULL), OK);
    }
}

/* Members in any order; one function for each depth of a message. */

static void same_plain(const struct json_value *got, const struct json_value *want)
{
    char a[JSON_DIGITS_BYTES], b[JSON_DIGITS_BYTES];

    ck_assert_msg(json_node_kind(got->node) == json_node_kind(want->node), "%s: another kind",
                  want->path);
    ck_assert_msg(span_equal(json_node_text(got->node, a), json_node_text(want->node, b)),
                  "%s: another value", want->path);
}

static void same_list(const struct json_value *got, const struct json_value *want,
                      void (*same)(const struct json_value *, const struct json_value *))
{
    ck_assert_msg(json_count(got) == json_count(want), "%s: %zu items", want->path,
                  json_count(got));
    for (size_t i = 0; i < json_count(want); i++) {
        struct json_value one = json_item(got, i);
        struct json_value other = json_item(want, i);
        same(&one, &other);
    }
}

static void same_members(const struct json_value *got, const struct json_value *want,
                         void (*same)(const struct json_value *, const struct json_value *))
{
    ck_assert_msg(json_count(got) == json_count(want), "%s: %zu members, not %zu", want->path,
                  json_count(got), json_count(want));
    for (size_t i = 0; i < json_count(want); i++) {
        struct json_value one = json_member(got, json_member_name(want, i));
        struct json_value other = json_member(want, json_member_name(want, i));
        same(&one, &other);
    }
}

static void same_cell(const struct json_value *got, const struct json_value *want)
{
    if (json_is_array(want)) {
        same_list(got, want, same_plain);
    } else {
        same_plain(got, want);
    }
}

static void same_row(const struct json_value *got, const struct json_value *want)
{
    if (json_is_object(want)) {
        same_members(got, want, same_cell);
    } else {
        same_plain(got, want);
    }
}

static void same_field(const struct json_value *got, const struct json_value *want)
{
    if (json_is_array(want)) {
        same_list(got, want, same_row);
    } else {
        same_plain(got, want);
    }
}

static void same_part(const struct json_value *got, const struct json_value *want)
{
    if (json_is_object(want)) {
        same_members(got, want, same_field);
    } else {
        same_field(got, want);
    }
}

/* Some agency could send it: no fault is found. */
static void check_accepted(const struct form *form)
{
    char first[FORM_NAME_BYTES] = "";

    for (size_t i = 0; i < registry_count(registry); i++) {
        const struct agency *agency = registry_at(registry, i);
        struct form_rules rules = rules_of(agency->id);

        if (agency->class == CLASS_ASSOCIATE || !form_may_send(&rules, form->layout->kind, NULL)) {
            continue;
        }
        ck_assert_int_eq(form_check(form, &rules, &faults), OK);
        if (faults.count == 0) {
            return;
        }
        text_copy(first, sizeof(first), faults.list[0].name);
    }
    ck_abort_msg("%s: at fault: %s %s", message_kind_name(form->layout->kind), first,
                 faults.count > 0 ? faults.list[0].text : "");
}

static void say_example(const char *text, size_t len)
{
    struct json *wanted = NULL, *got = NULL;
    struct form_map *map = calloc(1, sizeof(*map));
    struct buf out;
    const char *kind = "";

    buf_init(&out, LIMIT_JSON_BYTES);
    form_values_free(&values);
    form_values_init(&values);
    ck_assert_int_eq(json_open("example", span_of(text, len), &wanted, NULL), OK);
    struct json_value root = json_root(wanted);
    struct json_value value = json_member(&root, "kind");
    ck_assert_int_eq(json_get_text(&value, 64, &kind, NULL), OK);
    struct form form = form_of(message_kind_parse(kind));
    type_example(form.layout, &root, &address.officer);
    faults.count = 0;
    ck_assert_int_eq(form_write(&form, &out, map, &faults), OK);
    ck_assert_msg(faults.count == 0, "%s: %s", kind, faults.count > 0 ? faults.list[0].name : "");
    ck_assert_int_eq(json_open("form", span_buf(&out), &got, NULL), OK);
    struct json_value written = json_root(got);
    same_members(&written, &root, same_part);
    address.officer = address.officer != NULL ? address.officer : "经办人甲";
    check_accepted(&form);
    buf_free(&out);
    free(map);
    json_free(got);
    json_free(wanted);
}

START_TEST(every_example_can_be_said)
{
    static const char fence[] = "```json\n";
    struct buf page;
    struct fault fault = {.code = ""};
    size_t count = 0;

    buf_init(&page, 1024u * 1024u);
    ck_assert_int_eq(file_read("docs/messages.md", &page, &fault), OK);
    ck_assert_int_eq(buf_append(&page, "", 1), OK);
    for (char *at = strstr((char *)page.data, fence); at != NULL; at = strstr(at, fence)) {
        char *example = at + strlen(fence);
        char *end = strstr(example, "\n```");

        say_example(example, (size_t)(end - example));
        count++;
        at = end;
    }
    ck_assert_uint_gt(count, 30);
    buf_free(&page);
}
END_TEST

/* --- places --- */

static bool has_place(const struct form_layout *layout, const char *path)
{
    struct form_place place;
    char name[FORM_NAME_BYTES];

    form_name(path, 0, name);
    return form_find(layout, name, &place);
}

START_TEST(every_fact_has_a_place)
{
    for (size_t i = 0; form_layout_at(i) != NULL; i++) {
        const struct form_layout *layout = form_layout_at(i);
        const struct field *field = message_form_of(layout->kind);

        for (; field->name != NULL; field++) {
            char path[FORM_NAME_BYTES];

            (void)snprintf(path, sizeof(path), "facts.%s", field->name);
            ck_assert_msg(has_place(layout, path), "%s: %s has no place",
                          message_kind_name(layout->kind), path);
            if (field->type != FIELD_ROWS || !has_place(layout, path)) {
                continue;
            }
            for (const struct field *member = field->rows->fields; member->name != NULL; member++) {
                struct form_place place;
                (void)snprintf(path, sizeof(path), "facts.%s[0].%s", field->name, member->name);
                ck_assert_msg(form_find(layout, path, &place) ||
                                  layout->kind == MESSAGE_INBOUND_FEEDBACK,
                              "%s: %s has no place", message_kind_name(layout->kind), path);
            }
        }
    }
}
END_TEST

/* Each field of a body is on some form; what opens attachments is written by the agent. */
START_TEST(every_field_of_a_body_has_a_place)
{
    for (const struct field *field = message_form_body(); field->name != NULL; field++) {
        const struct field *member = field->type == FIELD_ROWS ? field->rows->fields : field;
        size_t members = 0;

        if (strcmp(field->name, "attachments") == 0) {
            continue;
        }
        for (; member->name != NULL && (members == 0 || field->type == FIELD_ROWS); member++) {
            bool found = false;
            char path[FORM_NAME_BYTES];

            (void)snprintf(path, sizeof(path),
                           field->type == FIELD_ROWS ? "body.%s[0].%s" : "body.%s", field->name,
                           member->name);
            for (size_t i = 0; form_layout_at(i) != NULL; i++) {
                struct form_place place;
                found = found || form_find(form_layout_at(i), path, &place);
            }
            ck_assert_msg(found, "%s has no place", path);
            members++;
        }
    }
}
END_TEST

/* Each path of a layout is a field's, once, and has a label where it has a control. */
START_TEST(layouts_name_fields_that_exist)
{
    for (size_t i = 0; form_layout_at(i) != NULL; i++) {
        const struct form_layout *layout = form_layout_at(i);

        for (size_t s = 0; s < layout->count; s++) {
            for (size_t k = 0; k < layout->sections[s].count; k++) {
                const struct form_item *item = &layout->sections[s].items[k];
                struct form_place place;
                char name[FORM_NAME_BYTES];

                form_name(item->path, 0, name);
                ck_assert_msg(form_find(layout, name, &place) && place.item == item,
                              "%s: %s is there twice", layout->title, item->path);
                ck_assert_msg(strchr(item->path, '.') == NULL ||
                                  form_field(layout->kind, item->path) != NULL,
                              "%s: %s is no field", layout->title, item->path);
                ck_assert_msg(item->label != NULL || item->widget >= FORM_FIXED, "%s: no label",
                              item->path);
            }
        }
    }
}
END_TEST

START_TEST(every_need_is_in_one_group)
{
    size_t count, words;
    const struct form_need_group *groups = form_need_groups(&count);
    uint64_t seen = 0;

    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; groups[i].needs[k] != NULL; k++) {
            const struct word *word = vocabulary_parse(VOCABULARY_NEED, groups[i].needs[k]);
            ck_assert_msg(word != NULL, "%s is no need", groups[i].needs[k]);
            ck_assert_msg((seen >> word->value & 1) == 0, "%s twice", word->id);
            seen |= UINT64_C(1) << word->value;
        }
    }
    (void)vocabulary_words(VOCABULARY_NEED, &words);
    ck_assert_uint_eq(seen, vocabulary_mask(VOCABULARY_NEED));
}
END_TEST

/* --- what is mandatory --- */

static const struct {
    enum message_kind kind;
    const char *agency;
    uint32_t outcome;
    const char *names[12];
} mandatory[] = {
    {MESSAGE_OUTBOUND_REFERRAL,
     "procuratorate",
     0,
     {"recipients", "facts.ground", "body.persons[0].name", "body.circumstances", "body.reasons",
      "facts.materials[0].missing", NULL}},
    {MESSAGE_INBOUND_REFERRAL,
     "civil-affairs",
     0,
     {"recipients", "facts.ground", "body.persons[0].name", "body.circumstances", "body.reasons",
      NULL}},
    {MESSAGE_SIGN_FOR, "civil-affairs", 0, {NULL}},
    {MESSAGE_OUTBOUND_FEEDBACK, "civil-affairs", 0, {"facts.outcome", NULL}},
    {MESSAGE_OUTBOUND_FEEDBACK,
     "civil-affairs",
     OUTCOME_GRANTED,
     {"facts.measures[0].measure", "facts.measures[0].shape", "facts.measures[0].unit",
      "facts.measures[0].amount_fen", NULL}},
    {MESSAGE_OUTBOUND_FEEDBACK,
     "civil-affairs",
     OUTCOME_PROCEDURE_REQUIRED,
     {"facts.documents[0].kind", "facts.tell_by", NULL}},
    {MESSAGE_OUTBOUND_FEEDBACK, "civil-affairs", OUTCOME_NOT_ELIGIBLE, {"body.reasons", NULL}},
    {MESSAGE_OUTBOUND_FEEDBACK,
     "civil-affairs",
     OUTCOME_NOT_MY_DUTY,
     {"facts.suggested_agency", "body.reasons", NULL}},
    {MESSAGE_INBOUND_FEEDBACK, "procuratorate", OUTCOME_SUITABLE, {"body.opinion", NULL}},
    {MESSAGE_INBOUND_FEEDBACK, "procuratorate", OUTCOME_NOT_SUITABLE, {"body.reasons", NULL}},
    {MESSAGE_APPLICANT_INFORMED,
     "procuratorate",
     0,
     {"facts.how", "body.told_whom", "body.told_by", NULL}},
    {MESSAGE_PAPERS, "procuratorate", 0, {"facts.documents", "facts.received", NULL}},
    {MESSAGE_WITHDRAWAL, "procuratorate", 0, {"facts.reason", NULL}},
    {MESSAGE_INFORMATION_REQUEST, "civil-affairs", 0, {"facts.asked", "body.text", NULL}},
    {MESSAGE_INFORMATION_REPLY, "procuratorate", 0, {"facts.answered", "body.text", NULL}},
    {MESSAGE_ASSISTANCE_REPORT,
     "civil-affairs",
     0,
     {"facts.stage", "facts.measure", "facts.shape", "facts.date", "facts.amount_fen", NULL}},
    {MESSAGE_ESCALATION_REPLY,
     "civil-affairs",
     0,
     {"facts.document_number", "facts.answer", "body.text", NULL}},
    {MESSAGE_ARCHIVE, "procuratorate", 0, {"facts.why", NULL}},
    {MESSAGE_REOPEN, "procuratorate", 0, {"facts.why", NULL}},
    {MESSAGE_FOLLOW_UP_PLAN, "procuratorate", 0, {"facts.dates[0]", NULL}},
    {MESSAGE_FOLLOW_UP_REPORT,
     "procuratorate",
     0,
     {"facts.hardship", "facts.effect", "facts.risk", NULL}},
    {MESSAGE_CONSULTATION, "civil-affairs", 0, {"facts.topic", "body.text", NULL}},
    {MESSAGE_CONFERENCE, "procuratorate", 0, {"facts.topic", "facts.held", "body.text", NULL}},
    {MESSAGE_PROMISE_REPORT, "civil-affairs", 0, {"facts.duty", "facts.result", NULL}},
    {MESSAGE_MEETING_NOTICE, "procuratorate", 0, {"facts.at", "body.text", NULL}},
    {MESSAGE_MEETING_REPLY, "civil-affairs", 0, {"facts.attends", NULL}},
    {MESSAGE_HEARING_INVITATION,
     "procuratorate",
     0,
     {"facts.purpose", "facts.at", "facts.roles", "body.text", NULL}},
    {MESSAGE_HEARING_REPLY, "civil-affairs", 0, {"facts.attends", NULL}},
    {MESSAGE_HEARING_OPINION, "procuratorate", 0, {"facts.opinion", NULL}},
    {MESSAGE_ROSTER_CHANGE,
     "civil-affairs",
     0,
     {"facts.role", "facts.change", "body.persons[0].name", NULL}},
    {MESSAGE_ROSTER,
     "procuratorate",
     0,
     {"facts.edition", "body.persons[0].agency", "body.persons[0].name", "body.persons[0].role",
      NULL}},
    {MESSAGE_FUND_PLAN,
     "procuratorate",
     0,
     {"facts.custodian", "facts.amount_fen", "facts.payments[0].date",
      "facts.payments[0].amount_fen", NULL}},
    {MESSAGE_FUND_PAYMENT,
     "procuratorate",
     0,
     {"facts.duty", "facts.amount_fen", "facts.date", NULL}},
    {MESSAGE_LETTER, "health", 0, {"facts.associate", "facts.answer_by", "body.text", NULL}},
    {MESSAGE_LETTER_ANSWER, "health", 0, {"facts.answer", NULL}},
    {MESSAGE_CORRECTION, "procuratorate", 0, {"refers_to", "facts.corrects", "body.text", NULL}},
};

START_TEST(an_empty_form_is_marked_everywhere_at_once)
{
    const struct word *word = vocabulary_find(VOCABULARY_OUTCOME, mandatory[_i].outcome);
    struct form_rules rules = rules_of(mandatory[_i].agency);
    struct form form = form_of(mandatory[_i].kind);

    if (word != NULL) {
        put("facts.outcome", word->id);
    }
    ck_assert_int_eq(form_fix(form.layout, &rules, &values), OK);
    ck_assert_int_eq(form_check(&form, &rules, &faults), OK);
    for (size_t i = 0; mandatory[_i].names[i] != NULL; i++) {
        ck_assert_msg(form_fault_of(&faults, mandatory[_i].names[i]) != NULL,
                      "%s: %s is not marked (%zu are)", message_kind_name(mandatory[_i].kind),
                      mandatory[_i].names[i], faults.count);
    }
    for (size_t i = 0; i < faults.count; i++) {
        ck_assert_msg(faults.list[i].name[0] != '\0', "%s: a fault without a place: %s",
                      message_kind_name(mandatory[_i].kind), faults.list[i].text);
    }
    ck_assert_msg(mandatory[_i].names[0] != NULL || faults.count == 0, "%s: %s",
                  message_kind_name(mandatory[_i].kind), faults.list[0].name);
}
END_TEST

/* --- what people type --- */

static void check_fault(enum message_kind kind, const char *agency, const char *name,
                        const char *text)
{
    struct form_rules rules = rules_of(agency);
    struct form form = form_of(kind);

    ck_assert_int_eq(form_fix(form.layout, &rules, &values), OK);
    ck_assert_int_eq(form_check(&form, &rules, &faults), OK);
    const struct form_fault *fault = form_fault_of(&faults, name);
    if (text == NULL) {
        ck_assert_msg(fault == NULL, "%s: %s", name, fault != NULL ? fault->text : "");
    } else {
        ck_assert_msg(fault != NULL && strstr(fault->text, text) != NULL, "%s: %s, not %s", name,
                      fault != NULL ? fault->text : "no fault", text);
    }
}

START_TEST(identity_numbers_say_what_is_wrong)
{
    static const struct {
        const char *number, *text;
    } samples[] = {{"11010519491231002X", NULL},
                   {"11010519491231002x", NULL},
                   {"110105 19491231 002x", NULL},
                   {"", NULL},
                   {"1101051949123100", "18 位"},
                   {"110105194912310021", "校验位"},
                   {"11010519491231002Y", "数字"},
                   {"110105194912310021345", "18 位"},
                   {"一二三", "数字"}};

    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        form_values_free(&values);
        form_values_init(&values);
        put("body.persons[2].name", "某");
        put("body.persons[2].identity_number", samples[i].number);
        check_fault(MESSAGE_INBOUND_REFERRAL, "civil-affairs", "body.persons[2].identity_number",
                    samples[i].text);
    }
}
END_TEST

START_TEST(money_and_dates_as_people_type_them)
{
    static const struct {
        const char *text;
        uint64_t fen; /* UINT64_MAX: refused */
    } money[] = {{"1,200.50", 120050}, {"1200", 120000},
                 {"0.1", 10},          {"1，200", 120000},
                 {"1 200.5", 120050},  {"0", 0},
                 {"", UINT64_MAX},     {"1.234", UINT64_MAX},
                 {"-1", UINT64_MAX},   {"1.2.3", UINT64_MAX},
                 {"1e5", UINT64_MAX},  {".5", UINT64_MAX},
                 {"九百", UINT64_MAX}, {"9999999999999999", UINT64_MAX}};
    static const struct {
        const char *text, *date;
    } dates[] = {{"2026-03-02", "2026-03-02"},
                 {"2026-3-2", "2026-03-02"},
                 {"2026/3/2", "2026-03-02"},
                 {"20260302", "2026-03-02"},
                 {"2026年3月2日", "2026-03-02"},
                 {"2026.3.2", "2026-03-02"},
                 {"2026-02-30", NULL},
                 {"3-2", NULL},
                 {"", NULL},
                 {"2026-03", NULL},
                 {"x2026-03-02", NULL},
                 {"2026-03-02-01", NULL},
                 {"1000-01-01", NULL}};

    for (size_t i = 0; i < COUNT_OF(money); i++) {
        uint64_t fen = UINT64_MAX;
        enum err error = form_money_parse(money[i].text, &fen);
        ck_assert_msg((error == OK) == (money[i].fen != UINT64_MAX), "%s", money[i].text);
        ck_assert_msg(error != OK || fen == money[i].fen, "%s", money[i].text);
    }
    for (size_t i = 0; i < COUNT_OF(dates); i++) {
        char date[CIVIL_TEXT_BYTES] = "";
        enum err error = form_date_parse(dates[i].text, date);
        ck_assert_msg((error == OK) == (dates[i].date != NULL), "%s", dates[i].text);
        ck_assert_msg(error != OK || strcmp(date, dates[i].date) == 0, "%s: %s", dates[i].text,
                      date);
    }
}
END_TEST

/* Empty rows are left out; a fault in the row behind them is shown in that row. */
START_TEST(faults_find_their_row)
{
    put("facts.outcome", "granted");
    put("facts.measures[1].measure", "");
    put("facts.measures[1].person_index", "0");
    put("facts.measures[4].measure", "temporary-aid");
    put("facts.measures[4].shape", "money");
    put("facts.measures[4].unit", "once");
    put("facts.measures[4].amount_fen", "abc");
    put("facts.measures[5].measure", "temporary-aid");
    put("facts.measures[5].shape", "waiver");
    put("facts.measures[5].unit", "once");
    put("facts.measures[5].start_date", "2026-05-01");
    put("facts.measures[5].end_date", "2026-04-01");
    check_fault(MESSAGE_OUTBOUND_FEEDBACK, "civil-affairs", "facts.measures[4].amount_fen", "金额");
    ck_assert_ptr_null(form_fault_of(&faults, "facts.measures[1].measure"));
    ck_assert_ptr_nonnull(form_fault_of(&faults, "facts.measures[5].end_date"));
}
END_TEST

/* What belongs to an outcome that was not chosen stays out. */
START_TEST(other_outcomes_fields_are_not_said)
{
    struct form_map map;
    struct form form = form_of(MESSAGE_OUTBOUND_FEEDBACK);
    struct buf out;

    buf_init(&out, LIMIT_JSON_BYTES);
    put("facts.outcome", "not-eligible");
    put("facts.measures[0].measure", "temporary-aid");
    put("facts.tell_by", "procuratorate");
    put("body.reasons", "收入超标");
    ck_assert_int_eq(form_write(&form, &out, &map, &faults), OK);
    ck_assert_int_eq(buf_append(&out, "", 1), OK);
    ck_assert_ptr_null(strstr((char *)out.data, "measures"));
    ck_assert_ptr_null(strstr((char *)out.data, "tell_by"));
    ck_assert_ptr_nonnull(strstr((char *)out.data, "收入超标"));
    buf_free(&out);
    check_fault(MESSAGE_OUTBOUND_FEEDBACK, "civil-affairs", "body.reasons", NULL);
    ck_assert_uint_eq(faults.count, 0);
}
END_TEST

START_TEST(a_minor_needs_a_guardian)
{
    put("facts.ground", "art-18-3");
    put("body.persons[0].name", "小甲");
    put("body.persons[0].minor", "1");
    check_fault(MESSAGE_INBOUND_REFERRAL, "civil-affairs", "body.persons[0].guardian", "第十七条");
    ck_assert_ptr_nonnull(form_fault_of(&faults, "facts.needs"));
    put("facts.advance", "1");
    check_fault(MESSAGE_OUTBOUND_REFERRAL, "procuratorate", "body.advance_reason", "第八条");
}
END_TEST

START_TEST(an_agenda_names_numbers)
{
    put("facts.agenda[0].number", "测试");
    put("facts.agenda[0].why", "proposed");
    check_fault(MESSAGE_MEETING_NOTICE, "procuratorate", "facts.agenda[0].number", "编号");
}
END_TEST

/* --- hostile posts --- */

START_TEST(strangers_and_too_many_rows_are_passed_over)
{
    static char names[10000][48];
    static struct http_field fields[10000];
    const struct form_layout *layout = form_layout_of(MESSAGE_OUTBOUND_FEEDBACK);

    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        (void)snprintf(names[i], sizeof(names[i]), "facts.measures[%zu].measure", i);
        fields[i] = (struct http_field){names[i], "temporary-aid"};
    }
    ck_assert_int_eq(form_values_take(&values, layout, fields, COUNT_OF(fields)), OK);
    ck_assert_uint_eq(values.count, LIMIT_MEASURES);
    static const char *const strangers[] = {"facts.stranger",
                                            "facts.measures[-1].measure",
                                            "facts.measures[01].measure",
                                            "facts.measures[].measure",
                                            "facts.measures[1]",
                                            "facts.measures[1].measure.x",
                                            "facts.measures[99999999999999999999].measure",
                                            "",
                                            ".",
                                            "[",
                                            "facts.outcome[0]",
                                            "kind",
                                            "csrf",
                                            "body.officer",
                                            "facts.person_count",
                                            "body.persons[0].name"};
    for (size_t i = 0; i < COUNT_OF(strangers); i++) {
        struct http_field field = {strangers[i], "x"};
        size_t before = values.count;
        ck_assert_int_eq(form_values_take(&values, layout, &field, 1), OK);
        ck_assert_msg(values.count == before, "%s was taken", strangers[i]);
    }
    /* what was attached is judged later (form_take_attachments) */
    struct http_field digest = {"facts.materials[0].digest", "00"};
    ck_assert_int_eq(
        form_values_take(&values, form_layout_of(MESSAGE_OUTBOUND_REFERRAL), &digest, 1), OK);
    ck_assert_uint_eq(values.count, LIMIT_MEASURES + 1);
}
END_TEST

START_TEST(huge_texts_are_a_fault)
{
    static char huge[LIMIT_TEXT_BYTES + 10];

    memset(huge, 'a', sizeof(huge) - 1);
    put("facts.outcome", "not-eligible");
    put("body.reasons", huge);
    check_fault(MESSAGE_OUTBOUND_FEEDBACK, "civil-affairs", "body.reasons", "过长");
}
END_TEST

START_TEST(drafts_keep_everything)
{
    const struct form_layout *layout = form_layout_of(MESSAGE_PAPERS);
    struct form_values again;
    struct buf json;

    buf_init(&json, LIMIT_JSON_BYTES);
    form_values_init(&again);
    put("facts.documents", "application-form");
    put("body.text", "说明\"\n第二行");
    put("facts.documents", "school-proof");
    ck_assert_int_eq(form_values_write(&values, &json), OK);
    ck_assert_int_eq(form_values_read(&again, layout, span_buf(&json)), OK);
    ck_assert_uint_eq(again.count, 3);
    ck_assert(form_chosen(&again, "facts.documents", "school-proof"));
    ck_assert_str_eq(form_value(&again, "body.text"), "说明\"\n第二行");
    ck_assert_int_eq(form_values_read(&again, layout, span_text("{\"x\":[\"y\"]}")), OK);
    ck_assert_uint_eq(again.count, 3);
    ck_assert_int_ne(form_values_read(&again, layout, span_text("{\"x\":")), OK);
    form_values_free(&again);
    buf_free(&json);
}
END_TEST

START_TEST(rows_are_dropped)
{
    const struct form_layout *layout = form_layout_of(MESSAGE_OUTBOUND_FEEDBACK);
    struct form_place place;

    put("facts.measures[0].measure", "a");
    put("facts.measures[1].measure", "b");
    put("facts.measures[2].measure", "c");
    ck_assert(form_find(layout, "facts.measures[1]", &place));
    ck_assert_ptr_null(place.item);
    ck_assert_int_eq(form_drop_row(&values, place.section, place.row), OK);
    ck_assert_str_eq(form_value(&values, "facts.measures[1].measure"), "c");
    ck_assert_uint_eq(form_rows(&values, layout->kind, place.section), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("web_form");
    TCase *tests = tcase_create("forms");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, every_example_can_be_said);
    tcase_add_test(tests, every_fact_has_a_place);
    tcase_add_test(tests, every_field_of_a_body_has_a_place);
    tcase_add_test(tests, layouts_name_fields_that_exist);
    tcase_add_test(tests, every_need_is_in_one_group);
    tcase_add_loop_test(tests, an_empty_form_is_marked_everywhere_at_once, 0, COUNT_OF(mandatory));
    tcase_add_test(tests, identity_numbers_say_what_is_wrong);
    tcase_add_test(tests, money_and_dates_as_people_type_them);
    tcase_add_test(tests, faults_find_their_row);
    tcase_add_test(tests, other_outcomes_fields_are_not_said);
    tcase_add_test(tests, a_minor_needs_a_guardian);
    tcase_add_test(tests, an_agenda_names_numbers);
    tcase_add_test(tests, strangers_and_too_many_rows_are_passed_over);
    tcase_add_test(tests, huge_texts_are_a_fault);
    tcase_add_test(tests, drafts_keep_everything);
    tcase_add_test(tests, rows_are_dropped);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
