/* What may be chosen: words, agencies, persons, duties, messages; and for a referral the needs with
 * whom the policy suggests for them. */
#include <stdio.h>
#include <string.h>

#include "agent/web/form_page.h"

static void option(struct form_page *form, const char *name, const char *value, const char *text)
{
    struct json_writer *view = &form->page->view;

    json_object_begin(view);
    named_text(view, "o_value", value);
    named_text(view, "o_text", text);
    named_bool(view, "chosen", form_chosen(&form->values, name, value));
    json_object_end(view);
}

/* --- words --- */

static bool fits(const struct form_page *form, enum vocabulary which, const struct word *word)
{
    const enum message_kind kind = form->layout->kind;

    if (which == VOCABULARY_GROUND && word->value == GROUND_REFUSED) {
        return kind == MESSAGE_OUTBOUND_REFERRAL;
    }
    if (which == VOCABULARY_OUTCOME) {
        bool inbound = word->value == OUTCOME_SUITABLE || word->value == OUTCOME_NOT_SUITABLE;

        return inbound == (kind == MESSAGE_INBOUND_FEEDBACK);
    }
    return true;
}

/* "第四条（二）急需救治" */
static const char *word_text(const struct form_page *form, enum vocabulary which,
                             const struct word *word, char out[256])
{
    static const char *const digits[] = {"", "一", "二", "三", "四", "五", "六", "七", "八"};
    const uint32_t article = word->value / 100, item = word->value % 100;

    if (form->page->language == LANGUAGE_EN) {
        return word->en;
    }
    if (which != VOCABULARY_GROUND || article == 0 || item > 8) {
        return word->zh;
    }
    (void)snprintf(out, 256, "第%s条（%s）%s", article == 4 ? "四" : "十八", digits[item],
                   word->zh);
    return out;
}

static void word_options(struct form_page *form, const char *name, enum vocabulary which)
{
    size_t count;
    const struct word *words = vocabulary_words(which, &count);
    char text[256];

    for (size_t i = 0; i < count; i++) {
        if (fits(form, which, &words[i])) {
            option(form, name, words[i].id, word_text(form, which, &words[i], text));
        }
    }
}

static void outcome_options(struct form_page *form, const char *name)
{
    static const char *const leads[OUTCOME_COUNT] = {
        [OUTCOME_GRANTED] = N_("填写措施、金额和开始日期"),
        [OUTCOME_PROCEDURE_REQUIRED] = N_("填写所需材料和由谁告知"),
        [OUTCOME_NOT_ELIGIBLE] = N_("说明理由"),
        [OUTCOME_NOT_MY_DUTY] = N_("建议改送的单位和理由"),
        [OUTCOME_SUITABLE] = N_("填写救助意见"),
        [OUTCOME_NOT_SUITABLE] = N_("说明理由"),
    };
    struct json_writer *view = &form->page->view;
    size_t count;
    const struct word *words = vocabulary_words(VOCABULARY_OUTCOME, &count);
    bool first = true;

    for (size_t i = 0; i < count; i++) {
        if (!fits(form, VOCABULARY_OUTCOME, &words[i])) {
            continue;
        }
        json_object_begin(view);
        named_u64(view, "o_number", words[i].value);
        named_text(view, "o_value", words[i].id);
        named_text(view, "o_text", page_word(form->page, VOCABULARY_OUTCOME, words[i].value));
        named_text(view, "o_lead", tr(form->page, leads[words[i].value]));
        named_bool(view, "chosen", form_chosen(&form->values, name, words[i].id));
        named_bool(view, "o_first", first);
        json_object_end(view);
        first = false;
    }
}

/* --- agencies --- */

/* In a matter that goes on those who take part, else whom the policy allows. */
static bool may_get(const struct form_page *form, const struct agency *agency)
{
    return form_may_send(&form->rules, form->layout->kind, agency) &&
           (form->address.matter[0] == '\0' || agency_set_has(&form->members, agency->number));
}

static void agency_options(struct form_page *form, const char *name, enum form_widget widget)
{
    const struct registry *registry = form->rules.registry;

    for (size_t i = 0; i < registry_count(registry); i++) {
        const struct agency *agency = registry_at(registry, i);
        bool associate = agency->class == CLASS_ASSOCIATE;
        bool shown = widget == FORM_ASSOCIATE    ? associate
                     : widget == FORM_RECIPIENTS ? may_get(form, agency)
                                                 : !associate;

        if (shown && !agency_has_left(agency, form->page->now_ms)) {
            option(form, name, agency->id, page_agency(form->page, agency->number));
        }
    }
}

/* --- persons, duties, messages --- */

static void person_options(struct form_page *form, const char *name)
{
    const struct copy *about = form->about;
    uint32_t count = form->opened   ? (uint32_t)form->body.person_count
                     : about->known ? about->referral.person_count
                                    : 0;

    for (uint32_t i = 0; i < (count > 0 ? count : 1); i++) {
        char value[12], text[64];

        (void)snprintf(value, sizeof(value), "%u", i);
        (void)snprintf(text, sizeof(text),
                       form->page->language == LANGUAGE_EN ? "Person %u" : "第 %u 人", i + 1);
        option(form, name, value,
               form->opened && i < form->body.person_count ? form->body.persons[i].name : text);
    }
}

static void duty_options(struct form_page *form, const char *name)
{
    const struct matter *matter = &form->copy->matter;
    enum duty_kind kind = form_duty_kind(form->layout->kind);
    struct page *page = form->page;

    for (uint32_t i = 0; form->copy->known && form->copy->of_matter && i < matter->duty_count;
         i++) {
        const struct duty *duty = &matter->duties[i];
        char value[12], text[256], day[PAGE_DAY_BYTES];

        if (duty->kind != kind || !matter_duty_open(duty) ||
            registry_acting(form->rules.registry, duty->holder, page->now_ms) !=
                form->rules.self->number) {
            continue;
        }
        page_day_text(page, duty->window.due_day, true, day);
        (void)snprintf(value, sizeof(value), "%u", duty->number);
        (void)snprintf(text, sizeof(text),
                       page->language == LANGUAGE_EN ? "No. %u %s, until %s" : "第 %u 项 %s，%s止",
                       duty->number, page_word(page, VOCABULARY_PROMISE, duty->code), day);
        option(form, name, value, text);
    }
}

static void message_options(struct form_page *form, const char *name)
{
    struct page *page = form->page;
    struct store_txn *read;
    struct row row = {.seq = 0};

    if (!form->copy->known || form->copy->of_matter ||
        store_read_begin(page->agent->setup.store, &read) != OK) {
        return;
    }
    while (row_of_referral(read, &form->key.referral_id, row.seq, &row) == OK) {
        char id[UUID_TEXT_BYTES], text[192], at[PAGE_DAY_BYTES];

        if (row.direction != ROW_OUT || !row_is_shown(&row) || row.state == ROW_REFUSED) {
            continue; /* one corrects what one said oneself */
        }
        uuid_format(&row.header.message_id, id);
        page_instant_text(page, row.at_ms, at);
        (void)snprintf(text, sizeof(text), "%s %s", at, page_kind(page, row.header.kind));
        option(form, name, id, text);
    }
    store_read_end(read);
}

void form_view_options(struct form_page *form, const struct form_item *item, const char *name)
{
    const struct field *field = form_field(form->layout->kind, item->path);
    struct json_writer *view = &form->page->view;

    json_name(view, item->widget == FORM_OUTCOME ? "outcomes" : "options");
    json_array_begin(view);
    switch (item->widget) {
    case FORM_OUTCOME:
        outcome_options(form, name);
        break;
    case FORM_AGENCY:
    case FORM_ASSOCIATE:
    case FORM_RECIPIENTS:
        agency_options(form, name, item->widget);
        break;
    case FORM_PERSON:
        person_options(form, name);
        break;
    case FORM_DUTY:
        duty_options(form, name);
        break;
    case FORM_MESSAGE:
        message_options(form, name);
        break;
    default:
        if (field != NULL) {
            word_options(form, name, field->which);
        }
        break;
    }
    json_array_end(view);
}

/* --- needs and whom they go to --- */

static uint64_t needs_of(const struct form_need_group *group)
{
    uint64_t needs = 0;

    for (size_t i = 0; group->needs[i] != NULL; i++) {
        needs |= UINT64_C(1) << vocabulary_parse(VOCABULARY_NEED, group->needs[i])->value;
    }
    return needs;
}

static void agency_boxes(struct form_page *form, const struct form_need_group *group,
                         struct agency_set *shown)
{
    struct policy_suggested list[LIMIT_AGENCIES];
    size_t count = policy_suggest(form->rules.policy, form->rules.registry, needs_of(group),
                                  form->rules.today, list);

    for (size_t i = 0; i < count; i++) {
        const struct agency *agency = registry_by_number(form->rules.registry, list[i].agency);

        if (agency != NULL && form_may_send(&form->rules, form->layout->kind, agency)) {
            option(form, "recipients", agency->id, page_agency(form->page, agency->number));
            agency_set_add(shown, agency->number);
        }
    }
}

/* Whom no need suggests. */
static size_t other_boxes(struct form_page *form, const struct agency_set *shown)
{
    size_t count = 0;

    for (size_t i = 0; i < registry_count(form->rules.registry); i++) {
        const struct agency *agency = registry_at(form->rules.registry, i);

        if (!agency_set_has(shown, agency->number) &&
            form_may_send(&form->rules, form->layout->kind, agency)) {
            option(form, "recipients", agency->id, page_agency(form->page, agency->number));
            count++;
        }
    }
    return count;
}

static void view_error(struct form_page *form, const char *member, const char *name)
{
    const struct form_fault *fault = form_fault_of(&form->faults, name);

    named_text(&form->page->view, member,
               fault == NULL         ? ""
               : fault->text != NULL ? tr(form->page, fault->text)
                                     : fault->said);
    form->is_focused = form->is_focused || fault != NULL;
}

void form_view_needs(struct form_page *form)
{
    struct json_writer *view = &form->page->view;
    struct agency_set shown;
    size_t count, others;
    const struct form_need_group *groups = form_need_groups(&count);

    memset(&shown, 0, sizeof(shown));
    named_bool(view, "needs_focus",
               !form->is_focused && (form_fault_of(&form->faults, "facts.needs") != NULL ||
                                     form_fault_of(&form->faults, "recipients") != NULL));
    view_error(form, "needs_error", "facts.needs");
    view_error(form, "recipients_error", "recipients");
    json_name(view, "groups");
    json_array_begin(view);
    for (size_t i = 0; i < count; i++) {
        json_object_begin(view);
        named_text(view, "g_title", tr(form->page, groups[i].title));
        json_name(view, "needs");
        json_array_begin(view);
        for (size_t k = 0; groups[i].needs[k] != NULL; k++) {
            const struct word *word = vocabulary_parse(VOCABULARY_NEED, groups[i].needs[k]);

            option(form, "facts.needs", word->id,
                   page_word(form->page, VOCABULARY_NEED, word->value));
        }
        json_array_end(view);
        json_name(view, "agencies");
        json_array_begin(view);
        agency_boxes(form, &groups[i], &shown);
        json_array_end(view);
        json_object_end(view);
    }
    json_array_end(view);
    json_name(view, "others");
    json_array_begin(view);
    others = other_boxes(form, &shown);
    json_array_end(view);
    named_bool(view, "has_others", others > 0);
}

/* What each of them will be asked for, as the agent will do it. */
static void find_asking(struct form_page *form, struct policy_asking *asking)
{
    size_t words;
    const struct word *needs = vocabulary_words(VOCABULARY_NEED, &words);

    asking->today = form->rules.today;
    for (size_t i = 0; i < words; i++) {
        asking->needs |= form_chosen(&form->values, "facts.needs", needs[i].id)
                             ? UINT64_C(1) << needs[i].value
                             : 0;
    }
    for (size_t i = 0; i < registry_count(form->rules.registry); i++) {
        const struct agency *agency = registry_at(form->rules.registry, i);

        if (form_chosen(&form->values, "recipients", agency->id)) {
            agency_set_add(&asking->recipients, agency->number);
        }
    }
}

void form_view_recipients(struct form_page *form)
{
    struct page *page = form->page;
    const bool outbound = form->layout->kind == MESSAGE_OUTBOUND_REFERRAL;
    struct policy_asking asking = {.needs = 0};
    struct window window;
    uint64_t count = 0;

    window_open(&form->rules.policy->ladder, page->agent->setup.calendar,
                outbound ? CLOCK_FEEDBACK_OUTBOUND : CLOCK_FEEDBACK_INBOUND, page->now_ms, &window);
    find_asking(form, &asking);
    named_u64(&page->view, "days", window.n);
    named_bool(&page->view, "due_provisional", window.provisional);
    json_name(&page->view, "going");
    json_array_begin(&page->view);
    for (size_t i = 0; i < registry_count(form->rules.registry); i++) {
        const struct agency *agency = registry_at(form->rules.registry, i);
        bool chosen = form_chosen(&form->values, "recipients", agency->id);

        if (form_may_send(&form->rules, form->layout->kind, agency)) {
            json_object_begin(&page->view);
            named_text(&page->view, "g_id", agency->id);
            named_text(&page->view, "g_name", page_agency(page, agency->number));
            named_bool(&page->view, "g_going", chosen);
            view_day(page, "g_due", window.due_day);
            view_words(page, "g_asked", VOCABULARY_NEED,
                       chosen ? policy_needs_for(form->rules.policy, form->rules.registry, &asking,
                                                 agency->number)
                              : 0);
            json_object_end(&page->view);
            count += chosen ? 1 : 0;
        }
    }
    json_array_end(&page->view);
    named_u64(&page->view, "going_count", count);
}
