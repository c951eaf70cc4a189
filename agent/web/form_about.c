/* What a form is about: the referral, matter or case of its number, its persons, the clock that the
 * message stops, and to whom it usually goes. */
#include <stdio.h>
#include <string.h>

#include "agent/web/form_page.h"
#include "agent/web/view_parts.h"
#include "model/lanes.h"
#include "wire/sealing.h"

#define WENT_TO_MAX 24u /* referrals of one case, as a form tells them */

/* --- finding --- */

/* The copy as it will be when what waits here has arrived. */
static enum err load(struct form_page *form, struct store_txn *read, const struct case_key *key,
                     struct copy *copy)
{
    return copy_expected(form->page->agent, read, key, copy);
}

static enum err open_message(struct form_page *form, struct store_txn *read,
                             const struct uuid *message_id)
{
    struct payload payload;
    struct row row;
    enum err error = row_find(read, message_id, &row);

    if (error == OK) {
        error = show_open_row(read, &row, &form->region, &payload, &form->message);
    }
    if (error == OK && form->message.body_present) {
        error = show_open_body(form->page->agent, &(struct kept_body){read, &row, &payload},
                               &form->region, &form->body);
        form->opened = error == OK;
    }
    return error == ERR_MEMORY || error == ERR_IO ? error : OK;
}

static enum err load_about(struct form_page *form, struct store_txn *read)
{
    struct case_key key = form->key;

    if (form_refers(form)) {
        return form_carry_open(form, read);
    }
    if (!form->copy->known) {
        return OK;
    }
    if (!form->copy->of_matter) {
        *form->about = *form->copy;
        return open_message(form, read, &form->copy->referral.message_id);
    }
    if (!uuid_is_zero(&form->copy->matter.about)) {
        key.referral_id = form->copy->matter.about;
        if (load(form, read, &key, form->about) != OK) {
            form->about->known = false;
        }
    }
    return open_message(form, read, &form->copy->matter.message_id);
}

/* --- to whom --- */

/* Whoever acts for it now, unless that is this agency. */
static void add_to(const struct form_page *form, struct agency_set *set, uint16_t number)
{
    const struct agent_setup *setup = &form->page->agent->setup;
    uint16_t acting = registry_acting(setup->registry, number, form->page->now_ms);

    if (acting != 0 && acting != setup->self->number) {
        agency_set_add(set, acting);
    }
}

static void add_acting(struct form_page *form, uint16_t number)
{
    add_to(form, &form->usual, number);
}

static void find_members(struct form_page *form)
{
    const struct matter *matter = &form->copy->matter;

    if (form->copy->known && form->copy->of_matter) {
        add_to(form, &form->members, matter->owner);
        for (uint32_t i = 0; i < matter->member_count; i++) {
            add_to(form, &form->members, matter->members[i].agency);
        }
    }
}

static void add_all(struct form_page *form, const struct agency_set *set)
{
    const struct registry *registry = form->rules.registry;

    for (size_t i = 0; i < registry_count(registry); i++) {
        const struct agency *agency = registry_at(registry, i);

        if ((set == NULL && agency->class != CLASS_ASSOCIATE) ||
            (set != NULL && agency_set_has(set, agency->number))) {
            add_acting(form, agency->number);
        }
    }
}

static void add_other_party(struct form_page *form, const struct copy *about)
{
    if (about->known && !about->of_matter) {
        add_acting(form, about->referral.sender);
        add_acting(form, about->referral.receiver);
    }
}

/* As the agent does where a file names nobody (agent/compose_matter.c), so that it can be seen and
 * changed beforehand. */
static enum err find_usual(struct form_page *form, struct store_txn *read)
{
    struct case_facts facts;
    enum err error = OK;

    switch (form->layout->kind) {
    case MESSAGE_OUTBOUND_REFERRAL:
    case MESSAGE_INBOUND_REFERRAL:
        return OK;
    case MESSAGE_MEETING_NOTICE:
    case MESSAGE_ROSTER:
        add_all(form, NULL);
        return OK;
    case MESSAGE_ROSTER_CHANGE:
        add_acting(form, registry_office(form->rules.registry)->number);
        return OK;
    case MESSAGE_INFORMATION_REQUEST:
    case MESSAGE_LETTER:
        add_other_party(form, form->copy);
        return OK;
    case MESSAGE_INFORMATION_REPLY:
    case MESSAGE_PROMISE_REPORT:
    case MESSAGE_MEETING_REPLY:
    case MESSAGE_HEARING_REPLY:
        if (form->copy->known && form->copy->of_matter) {
            add_acting(form, form->copy->matter.owner);
        }
        return OK;
    case MESSAGE_ESCALATION_REPLY:
        return OK; /* the agent knows who waits */
    default:
        break;
    }
    if (form->copy->known && form->copy->of_matter) {
        form->usual = form->members;
    } else if (!uuid_is_zero(&form->key.case_id)) {
        error = lookup_case(form->page->agent, read, &form->key.case_id, &facts);
        if (error == OK) {
            add_all(form, &facts.parties);
        }
    }
    return error;
}

/* --- the roster --- */

static enum err default_text(struct form_page *form, const char *path, uint32_t row,
                             const char *text)
{
    char name[FORM_NAME_BYTES];

    form_name(path, row, name);
    return text != NULL ? form_values_add(&form->values, name, text) : OK;
}

static enum err default_person(struct form_page *form, uint32_t row,
                               const struct body_person *person)
{
    const struct word *role = vocabulary_find(VOCABULARY_ROSTER_ROLE, person->role);
    enum err error = default_text(form, "body.persons[].agency", row, person->agency);

    if (error == OK) {
        error = default_text(form, "body.persons[].name", row, person->name);
    }
    if (error == OK) {
        error = default_text(form, "body.persons[].role", row, role != NULL ? role->id : NULL);
    }
    return error == OK ? default_text(form, "body.persons[].phone", row, person->phone) : error;
}

/* Of the first edition what the registry knows: a leader and a liaison officer of each member. */
static enum err default_first_roster(struct form_page *form)
{
    static const char *const roles[] = {"leader", "liaison"};
    const struct registry *registry = form->rules.registry;
    uint32_t row = 0;
    enum err error = OK;

    for (size_t i = 0; error == OK && i < registry_count(registry); i++) {
        const struct agency *agency = registry_at(registry, i);
        const bool acts =
            registry_acting(registry, agency->number, form->page->now_ms) == agency->number;

        for (size_t k = 0; error == OK && acts && agency->class != CLASS_ASSOCIATE && k < 2; k++) {
            error = default_text(form, "body.persons[].agency", row, agency->id);
            if (error == OK) {
                error = default_text(form, "body.persons[].role", row++, roles[k]);
            }
        }
    }
    return error;
}

enum err form_default_roster(struct form_page *form)
{
    struct opened_row last;
    struct store_txn *read;
    char edition[12];
    enum err error = store_read_begin(form->page->agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    if (!page_open_roster(form->page, read, &last)) {
        error = form_values_set(&form->values, "facts.edition", "1");
        if (error == OK) {
            error = default_first_roster(form);
        }
    } else {
        (void)snprintf(edition, sizeof(edition), "%u", last.message.roster.edition + 1);
        error = form_values_set(&form->values, "facts.edition", edition);
        for (uint32_t i = 0; error == OK && i < last.body.person_count; i++) {
            error = default_person(form, i, &last.body.persons[i]);
        }
    }
    row_close(&last);
    store_read_end(read);
    return error;
}

/* --- the address --- */

static void address_referral(struct form_page *form)
{
    text_copy(form->address.referral, LIMIT_NUMBER_BYTES, form->copy->referral.number);
}

static void address_new(struct form_page *form, enum message_kind kind)
{
    const struct copy *copy = form->copy;

    if (form->number[0] == '\0') {
        return;
    }
    if (!copy->known) {
        text_copy(form->address.case_number, LIMIT_NUMBER_BYTES, form->number);
    } else if (copy->of_matter) {
        text_copy(form->address.case_number, LIMIT_NUMBER_BYTES, copy->matter.case_number);
    } else if (form_field(kind, "facts.about") != NULL) {
        text_copy(form->address.about, LIMIT_NUMBER_BYTES, copy->referral.number);
    } else {
        text_copy(form->address.case_number, LIMIT_NUMBER_BYTES, copy->referral.case_number);
    }
}

/* The matters that a message goes on with; 0: any. */
static unsigned matters_of(enum message_kind kind)
{
    switch (kind) {
    case MESSAGE_INFORMATION_REPLY:
        return 1u << MATTER_INFORMATION;
    case MESSAGE_REOPEN:
    case MESSAGE_FOLLOW_UP_PLAN:
    case MESSAGE_FOLLOW_UP_REPORT:
        return 1u << MATTER_ARCHIVE;
    case MESSAGE_PROMISE_REPORT:
        return 1u << MATTER_CONFERENCE | 1u << MATTER_HEARING;
    case MESSAGE_MEETING_REPLY:
        return 1u << MATTER_MEETING;
    case MESSAGE_HEARING_REPLY:
    case MESSAGE_HEARING_OPINION:
        return 1u << MATTER_HEARING;
    case MESSAGE_FUND_PAYMENT:
        return 1u << MATTER_FUND;
    case MESSAGE_LETTER_ANSWER:
        return 1u << MATTER_LETTER;
    default:
        return 0;
    }
}

/* False: a form of this kind cannot be about that. */
static bool find_address(struct form_page *form)
{
    const enum message_kind kind = form->layout->kind;
    const struct copy *copy = form->copy;
    const bool of_referral = copy->known && !copy->of_matter;
    const bool of_matter = copy->known && copy->of_matter;

    switch (message_form_address(kind)) {
    case ADDRESS_NEW_REFERRAL:
        text_copy(of_referral ? form->address.previous : form->address.case_number,
                  LIMIT_NUMBER_BYTES, form->number);
        return !of_matter;
    case ADDRESS_REFERRAL:
        if (of_referral) {
            address_referral(form);
        }
        return of_referral;
    case ADDRESS_DOCUMENT:
        if (of_referral) {
            address_referral(form);
        } else {
            text_copy(form->address.matter, LIMIT_NUMBER_BYTES, form->number);
        }
        return copy->known;
    case ADDRESS_MATTER:
        text_copy(form->address.matter, LIMIT_NUMBER_BYTES, form->number);
        return of_matter &&
               (matters_of(kind) == 0 || (matters_of(kind) >> copy->matter.kind & 1u) != 0);
    case ADDRESS_TALK:
        if (of_matter && copy->matter.kind == MATTER_CONSULTATION) {
            text_copy(form->address.matter, LIMIT_NUMBER_BYTES, form->number);
        } else {
            address_new(form, kind);
        }
        return true;
    case ADDRESS_NEW_MATTER:
        address_new(form, kind);
        return kind != MESSAGE_INFORMATION_REQUEST || of_referral;
    }
    return false;
}

static bool refused(struct form_page *form, unsigned status, const char *text)
{
    page_refuse(form->page, status, text);
    return false;
}

/* "feedback" is the kind that the referral is answered by. */
static bool settle_kind(struct form_page *form)
{
    if (form->layout == NULL && form->copy->known && !form->copy->of_matter) {
        form->layout = form_layout_of(form->copy->referral.kind == MESSAGE_OUTBOUND_REFERRAL
                                          ? MESSAGE_OUTBOUND_FEEDBACK
                                          : MESSAGE_INBOUND_FEEDBACK);
    }
    return form->layout != NULL || refused(form, 404, N_("没有这个页面。"));
}

static enum err find(struct form_page *form, struct store_txn *read, const char *number)
{
    struct fault fault = {.code = ""};
    enum err error = show_find(read, number, "number", &form->key, &fault);

    if (error == OK && !uuid_is_zero(&form->key.referral_id)) {
        error = load(form, read, &form->key, form->copy);
        error = error == OK && !form->copy->known ? ERR_NOT_FOUND : error;
    }
    if (error == OK && form->copy->known) { /* its number, whatever it was asked by */
        text_copy(form->number, sizeof(form->number),
                  form->copy->of_matter ? form->copy->matter.number : form->copy->referral.number);
    } else if (error == OK) {
        text_copy(form->number, sizeof(form->number), number);
    }
    return error;
}

bool form_about_open(struct form_page *form, const char *number)
{
    struct store_txn *read;
    enum err error = store_read_begin(form->page->agent->setup.store, &read);

    if (error != OK) {
        return refused(form, 503, N_("暂时无法显示，请稍后再试。"));
    }
    if (number[0] != '\0') {
        error = find(form, read, number);
    }
    if (error == OK) {
        error = load_about(form, read);
    }
    find_members(form);
    if (error == OK && form->layout != NULL) {
        error = find_usual(form, read);
    }
    store_read_end(read);
    if (error == ERR_MEMORY || error == ERR_IO || error == ERR_CORRUPT) {
        return refused(form, 503, N_("暂时无法显示，请稍后再试。"));
    }
    if (error != OK) {
        return refused(form, 404, N_("没有这个编号，或不是本单位参与的事项。"));
    }
    if (!settle_kind(form)) {
        return false;
    }
    if (!form_may_send(&form->rules, form->layout->kind, NULL)) {
        return refused(form, 403, N_("按规定，本单位不填报这类文书。"));
    }
    if (!find_address(form)) {
        return refused(form, 404, N_("请从案件或事项页面打开这张表。"));
    }
    if (form_refers(form)) {
        return true;
    }
    form->item = form->copy->known
                     ? worklist_find(form->page->web->worklist,
                                     form->copy->of_matter ? &form->copy->matter.matter_id
                                                           : &form->copy->referral.referral_id)
                     : NULL;
    return true;
}

/* --- the clock --- */

enum duty_kind form_duty_kind(enum message_kind kind)
{
    switch (kind) {
    case MESSAGE_INFORMATION_REPLY:
        return DUTY_INFORMATION;
    case MESSAGE_FOLLOW_UP_REPORT:
        return DUTY_FOLLOW_UP;
    case MESSAGE_PROMISE_REPORT:
        return DUTY_PROMISE;
    case MESSAGE_FUND_PAYMENT:
        return DUTY_PAYMENT;
    case MESSAGE_LETTER_ANSWER:
        return DUTY_LETTER;
    case MESSAGE_MEETING_REPLY:
    case MESSAGE_HEARING_REPLY:
        return DUTY_ATTENDANCE;
    default:
        return DUTY_KIND_END;
    }
}

static const struct window *referral_clock(const struct form_page *form)
{
    static const struct {
        enum message_kind kind;
        enum referral_clock clock;
    } clocks[] = {{MESSAGE_SIGN_FOR, REFERRAL_CLOCK_FEEDBACK},
                  {MESSAGE_OUTBOUND_FEEDBACK, REFERRAL_CLOCK_FEEDBACK},
                  {MESSAGE_INBOUND_FEEDBACK, REFERRAL_CLOCK_FEEDBACK},
                  {MESSAGE_APPLICANT_INFORMED, REFERRAL_CLOCK_TELL},
                  {MESSAGE_PAPERS, REFERRAL_CLOCK_PAPERS},
                  {MESSAGE_WITHDRAWAL, REFERRAL_CLOCK_FEEDBACK}};

    for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
        if (clocks[i].kind == form->layout->kind &&
            referral_clock_open(&form->copy->referral, clocks[i].clock)) {
            return &form->copy->referral.clocks[clocks[i].clock];
        }
    }
    return NULL;
}

static const struct window *matter_clock(const struct form_page *form)
{
    const struct matter *matter = &form->copy->matter;
    enum duty_kind kind = form_duty_kind(form->layout->kind);
    const char *wanted = form_value(&form->values, "facts.duty");
    const struct window *first = NULL;

    for (uint32_t i = 0; i < matter->duty_count; i++) {
        const struct duty *duty = &matter->duties[i];
        char number[12];

        if (duty->kind != kind || !matter_duty_open(duty) ||
            registry_acting(form->rules.registry, duty->holder, form->page->now_ms) !=
                form->rules.self->number) {
            continue;
        }
        (void)snprintf(number, sizeof(number), "%u", duty->number);
        if (strcmp(number, wanted) == 0) {
            return &duty->window;
        }
        first = first == NULL ? &duty->window : first;
    }
    return first;
}

const struct window *form_clock(const struct form_page *form)
{
    if (!form->copy->known) {
        return NULL;
    }
    return form->copy->of_matter ? matter_clock(form) : referral_clock(form);
}

const char *form_is_settled(const struct form_page *form)
{
    const struct referral *referral = &form->copy->referral;
    const enum message_kind kind = form->layout->kind;
    const bool answers = kind == MESSAGE_OUTBOUND_FEEDBACK || kind == MESSAGE_INBOUND_FEEDBACK;

    if (!form->copy->known || form->copy->of_matter ||
        (!answers && kind != MESSAGE_SIGN_FOR && kind != MESSAGE_WITHDRAWAL)) {
        return NULL;
    }
    switch (referral->state) {
    case REFERRAL_ANSWERED:
        return N_("这条线索已经反馈，不必再办。如需更改，请用“更正”。");
    case REFERRAL_WITHDRAWN:
        return N_("这条线索已由移送单位撤回，不必再办。");
    case REFERRAL_RETURNED:
        return N_("这条线索已退回补正，不必再办。");
    case REFERRAL_PROCEDURE:
        return kind == MESSAGE_WITHDRAWAL
                   ? NULL
                   : N_("这条线索已反馈需按程序办理，材料收齐后重新起算期限，到时再反馈。");
    default:
        return kind == MESSAGE_SIGN_FOR && (referral->marks & MARK_SIGNED) != 0
                   ? N_("这条线索已经签收，不必再次签收。")
                   : NULL;
    }
}

bool form_is_late(const struct form_page *form)
{
    const struct window *window = form_clock(form);

    return window != NULL && window->due_before_ms != 0 &&
           window->due_before_ms <= form->page->now_ms;
}

/* --- what the page shows of it --- */

static void pair(struct form_page *form, const char *name, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        json_object_begin(&form->page->view);
        named_text(&form->page->view, "dt", tr(form->page, name));
        named_text(&form->page->view, "dd", text);
        json_object_end(&form->page->view);
    }
}

static void pair_words(struct form_page *form, const char *name, enum vocabulary which,
                       uint64_t set)
{
    if (set != 0) {
        json_object_begin(&form->page->view);
        named_text(&form->page->view, "dt", tr(form->page, name));
        view_words(form->page, "dd", which, set);
        json_object_end(&form->page->view);
    }
}

static void view_referral(struct form_page *form, const struct referral *referral)
{
    struct page *page = form->page;
    const struct body *body = &form->body;
    bool sent = registry_acting(form->rules.registry, referral->sender, page->now_ms) ==
                form->rules.self->number;

    pair(form, sent ? N_("接收单位") : N_("来文单位"),
         page_agency(page, sent ? referral->receiver : referral->sender));
    pair(form, N_("登记号"), referral->register_number);
    pair(form, N_("情形"), page_word(page, VOCABULARY_GROUND, referral->ground));
    pair_words(form, N_("需要"), VOCABULARY_NEED, referral->needs);
    if (form->opened && !form->copy->of_matter) {
        pair(form, N_("先行移送"), body->advance_reason);
        pair(form, N_("困难情况"), body->circumstances);
        pair(form, N_("移送理由"), body->reasons);
    }
}

static void view_matter(struct form_page *form, const struct matter *matter)
{
    struct page *page = form->page;

    pair(form, N_("事项"), page_matter_kind(page, matter->kind));
    pair(form, N_("发起单位"), page_agency(page, matter->owner));
    if (form->message.header.kind == MESSAGE_INFORMATION_REQUEST) {
        pair_words(form, N_("需要的信息"), VOCABULARY_INFORMATION, form->message.information.asked);
    }
    if (form->opened) {
        pair(form, N_("内容"), form->body.text);
    }
    if (form->about->known && !form->about->of_matter) {
        pair(form, N_("线索"), form->about->referral.number);
        view_referral(form, &form->about->referral);
    }
}

/* To whom this case went already. */
static void view_went_to(struct form_page *form)
{
    const struct work_item *items[WENT_TO_MAX];
    size_t count =
        worklist_of_case(form->page->web->worklist, &form->key.case_id, items, WENT_TO_MAX);
    char text[256];

    for (size_t i = 0; i < count; i++) {
        if (!items[i]->of_matter && items[i]->mine) {
            (void)snprintf(text, sizeof(text), "%s（%s）", page_agency(form->page, items[i]->other),
                           items[i]->number);
            pair(form, N_("已移送"), text);
        }
    }
}

static void view_materials(struct form_page *form)
{
    const struct referral_facts *facts = &form->message.referral;
    static const struct digest none = {{0}};
    struct page *page = form->page;

    named_bool(&page->view, "has_papers", facts->material_count > 0);
    json_name(&page->view, "papers");
    json_array_begin(&page->view);
    for (size_t i = 0; i < facts->material_count; i++) {
        const struct material *material = &facts->materials[i];
        char size[32];

        json_object_begin(&page->view);
        named_text(&page->view, "what", page_word(page, VOCABULARY_MATERIAL, material->kind));
        if (digest_equal(&material->digest, &none)) {
            named_text(&page->view, "have",
                       page_word(page, VOCABULARY_MISSING_REASON, material->missing_reason));
        } else {
            (void)snprintf(size, sizeof(size), "%llu KB",
                           (unsigned long long)((material->sealed_bytes + 1023) / 1024));
            named_text(&page->view, "have", size);
        }
        json_object_end(&page->view);
    }
    json_array_end(&page->view);
}

/* The newest 督办单 about the clock that this message stops. */
static void view_document(struct form_page *form)
{
    const struct referral *referral = &form->copy->referral;
    struct number number = {.kind = NUMBER_DOCUMENT};
    char text[LIMIT_NUMBER_BYTES], href[64];

    if (form->copy->of_matter || referral->document_count == 0) {
        return;
    }
    number.year = referral->documents[referral->document_count - 1].year;
    number.counter = referral->documents[referral->document_count - 1].counter;
    text_copy(number.prefix, sizeof(number.prefix), "DB");
    number_format(&number, text);
    (void)snprintf(href, sizeof(href), "/document/%s", text);
    named_text(&form->page->view, "document_href", href);
    named_text(&form->page->view, "document", text);
}

static void view_clock(struct form_page *form)
{
    const struct window *window = form_clock(form);
    struct page *page = form->page;
    struct lamp lamp = {.due_before_ms = 0};

    named_bool(&page->view, "no_duty",
               window == NULL && form->copy->known && form->copy->of_matter &&
                   form_duty_kind(form->layout->kind) != DUTY_KIND_END &&
                   form->layout->kind != MESSAGE_FOLLOW_UP_REPORT);
    if (window == NULL || window->due_before_ms == 0) {
        return;
    }
    lamp.due_before_ms = window->due_before_ms;
    lamp.due_day = window->due_day;
    lamp.provisional = window->provisional;
    named_bool(&page->view, "clock", true);
    view_lamp(page, &lamp);
    if (form_is_late(form)) {
        uint32_t days =
            window_lateness(page->agent->setup.calendar, window->due_before_ms, page->now_ms)
                .working_days;

        named_bool(&page->view, "is_late", true);
        named_bool(&page->view, "late_days_known", days > 0);
        named_u64(&page->view, "late_days", days);
        view_day(page, "late_since", window->due_day);
        view_document(form);
    }
}

void form_about_view(struct form_page *form)
{
    struct page *page = form->page;
    const struct copy *copy = form->copy;
    char href[64];

    if (form->number[0] == '\0') {
        return;
    }
    (void)snprintf(href, sizeof(href), copy->known && copy->of_matter ? "/matter/%s" : "/case/%s",
                   form->number);
    named_text(&page->view, "number", form->number);
    named_text(&page->view, "number_href", href);
    view_clock(form);
    if (form->item != NULL) {
        view_tags(page, form->item);
        named_text(&page->view, "applicant", form->item->person.name);
    }
    json_name(&page->view, "pairs");
    json_array_begin(&page->view);
    if (form_refers(form)) {
        pair(form, N_("案件"), form->item != NULL ? form->item->case_number : form->number);
        view_went_to(form);
    } else if (copy->known && copy->of_matter) {
        view_matter(form, &copy->matter);
    } else if (copy->known) {
        view_referral(form, &copy->referral);
    }
    json_array_end(&page->view);
    if (copy->known && !copy->of_matter && form->opened && !form_refers(form)) {
        view_persons(page, &form->body, &copy->referral.message_id);
        view_materials(form);
    }
}
