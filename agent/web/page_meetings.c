/* The joint meeting (联席会议, Art. 13): its notices with agenda and replies, hearings,
 * consultations and conferences, and the roster of leaders and liaison officers. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/web/view_parts.h"

#define MEETINGS_MAX 8u   /* shown whole */
#define OTHERS_MAX   60u  /* lines of the table below */
#define ROSTERS_MAX  400u /* looked through for the newest edition */
#define CHANGES_MAX  40u

#define IN(kind) (1u << MATTER_##kind)

static bool is_self(const struct page *page, uint16_t agency)
{
    return registry_acting(page->agent->setup.registry, agency, page->now_ms) ==
           page->agent->setup.self->number;
}

static bool is_member(const struct page *page)
{
    return (page_officer(page)->roles & OFFICER_MEMBER) != 0;
}

/* The message that opened an item, before which its receipt may stand; row_close afterwards in both
 * cases. */
static bool open_first(const struct page *page, struct store_txn *read,
                       const struct work_item *item, struct opened_row *opened)
{
    struct row row = {.seq = 0};

    while (row_of_referral(read, &item->key.referral_id, row.seq, &row) == OK) {
        if (row_is_shown(&row) && !message_kind_from_broker(row.header.kind)) {
            return row_open(page, read, &row, opened);
        }
    }
    region_init(&opened->region, AGENT_REGION_BYTES);
    return false;
}

/* --- what may be opened --- */

/* To any other agency that has not left. */
static bool may_open(const struct page *page, enum message_kind kind)
{
    const struct registry *registry = page->agent->setup.registry;
    const struct agency *self = page->agent->setup.self;

    for (size_t i = 0; i < registry_count(registry); i++) {
        const struct agency *to = registry_at(registry, i);

        if (to != self && !agency_has_left(to, page->now_ms) &&
            policy_may_send(page->agent->setup.policy, kind, self, to)) {
            return true;
        }
    }
    return false;
}

static void view_openings(struct page *page)
{
    const struct agency *self = page->agent->setup.self;
    static const struct {
        enum message_kind kind;
        bool office, procuratorate; /* of those only */
        const char *text;
    } openings[] = {
        {MESSAGE_MEETING_NOTICE, true, false, N_("发会议通知")},
        {MESSAGE_CONSULTATION, false, false, N_("发起会商")},
        {MESSAGE_CONFERENCE, false, false, N_("登记个案会商")},
        {MESSAGE_HEARING_INVITATION, false, true, N_("邀请听证")},
        {MESSAGE_FUND_PLAN, false, true, N_("救助金监管计划")},
        {MESSAGE_LETTER, false, false, N_("致函协作单位")},
        {MESSAGE_ROSTER_CHANGE, false, false, N_("告知人员变动")},
    };

    json_name(&page->view, "openings");
    json_array_begin(&page->view);
    for (size_t i = 0; is_member(page) && i < sizeof(openings) / sizeof(openings[0]); i++) {
        const bool fits =
            (!openings[i].office || self->joint_meeting_office) &&
            (!openings[i].procuratorate || self->class == CLASS_PROCURATORATE) &&
            /* The office publishes the roster itself. */
            (openings[i].kind != MESSAGE_ROSTER_CHANGE || !self->joint_meeting_office);
        char href[64];

        if (!fits || !may_open(page, openings[i].kind)) {
            continue;
        }
        (void)snprintf(href, sizeof(href), "/send/%s", message_kind_name(openings[i].kind));
        json_object_begin(&page->view);
        named_text(&page->view, "href", href);
        named_text(&page->view, "text", tr(page, openings[i].text));
        named_bool(&page->view, "main", openings[i].kind == MESSAGE_MEETING_NOTICE);
        json_object_end(&page->view);
    }
    json_array_end(&page->view);
}

/* --- a meeting or hearing --- */

static void view_agenda(struct page *page, const struct meeting_facts *facts)
{
    json_name(&page->view, "agenda");
    json_array_begin(&page->view);
    for (size_t i = 0; i < facts->agenda_count; i++) {
        const char *number = facts->agenda[i].number;
        char href[64];

        (void)snprintf(href, sizeof(href),
                       page_number_is_matter(number) ? "/matter/%s" : "/case/%s", number);
        json_object_begin(&page->view);
        named_text(&page->view, "number", number);
        named_text(&page->view, "href", href);
        named_text(&page->view, "reason",
                   page_word(page, VOCABULARY_AGENDA_WHY, facts->agenda[i].why));
        json_object_end(&page->view);
    }
    json_array_end(&page->view);
}

static void view_reply(struct page *page, const struct matter_member *member)
{
    json_object_begin(&page->view);
    named_text(&page->view, "agency", page_agency(page, member->agency));
    named_bool(&page->view, "ours", is_self(page, member->agency));
    named_text(&page->view, "attends", page_word(page, VOCABULARY_ATTENDS, member->answers));
    json_object_end(&page->view);
}

/* Those who have not replied come first. */
static void view_replies(struct page *page, const struct matter *matter)
{
    uint32_t counts[8] = {0};

    json_name(&page->view, "replies");
    json_array_begin(&page->view);
    for (int replied = 0; replied < 2; replied++) {
        for (uint32_t i = 0; i < matter->member_count; i++) {
            const struct matter_member *member = &matter->members[i];

            if ((member->answers != 0) == (replied == 1)) {
                view_reply(page, member);
                counts[member->answers < 8 ? member->answers : 0]++;
            }
        }
    }
    json_array_end(&page->view);
    json_name(&page->view, "reply_counts");
    json_array_begin(&page->view);
    for (uint32_t answer = 1; answer < 8; answer++) {
        if (counts[answer] > 0) {
            json_object_begin(&page->view);
            named_text(&page->view, "text", page_word(page, VOCABULARY_ATTENDS, answer));
            named_u64(&page->view, "count", counts[answer]);
            json_object_end(&page->view);
        }
    }
    json_array_end(&page->view);
    named_u64(&page->view, "silent", counts[0]);
}

/* This agency's own reply: given, or due. */
static void view_own(struct page *page, const struct matter *matter)
{
    const bool hearing = matter->kind == MATTER_HEARING;
    char href[96];

    for (uint32_t i = 0; i < matter->member_count; i++) {
        if (is_self(page, matter->members[i].agency)) {
            named_bool(&page->view, "invited", true);
            named_text(&page->view, "own",
                       page_word(page, VOCABULARY_ATTENDS, matter->members[i].answers));
            if (is_member(page) && matter->state == MATTER_OPEN) {
                (void)snprintf(href, sizeof(href), "/send/%s/%s",
                               hearing ? "hearing-reply" : "meeting-reply", matter->number);
                named_text(&page->view, "reply", href);
            }
        }
    }
}

static void view_reply_by(struct page *page, const struct matter *matter, uint32_t reply_by)
{
    const struct duty *duty = NULL;
    struct lamp lamp = {.due_before_ms = 0};
    int32_t day;

    if (reply_by == 0 || civil_from_yyyymmdd(reply_by, &day) != OK) {
        return;
    }
    view_day(page, "reply_by", day);
    for (uint32_t i = 0; i < matter->duty_count; i++) {
        const struct duty *one = &matter->duties[i];
        const bool known = is_self(page, matter->owner) || is_self(page, one->holder);

        duty = known && matter_duty_open(one) ? one : duty;
    }
    if (duty != NULL) {
        lamp.due_before_ms = duty->window.due_before_ms;
        lamp.due_day = duty->window.due_day;
        view_lamp(page, &lamp);
    }
}

static void view_meeting(struct page *page, const struct matter *matter,
                         const struct opened_row *opened)
{
    const struct meeting_facts *facts = &opened->message.meeting;
    char href[64];

    json_object_begin(&page->view);
    (void)snprintf(href, sizeof(href), "/matter/%s", matter->number);
    named_text(&page->view, "href", href);
    named_text(&page->view, "number", matter->number);
    named_bool(&page->view, "over", facts->at_ms != 0 && facts->at_ms < page->now_ms);
    view_instant(page, "sent", matter->opened_ms);
    view_instant(page, "at", facts->at_ms);
    named_text(&page->view, "place",
               opened->has_body && opened->body.text != NULL ? opened->body.text : "");
    view_agenda(page, facts);
    view_reply_by(page, matter, facts->reply_by);
    view_own(page, matter);
    /* Replies go to the office: a member's copy knows its own only. */
    named_bool(&page->view, "collects", is_self(page, matter->owner));
    view_replies(page, matter);
    json_object_end(&page->view);
}

static void view_meetings(struct page *page, struct store_txn *read)
{
    const struct work_item *items[MEETINGS_MAX];
    size_t total;
    const size_t count =
        worklist_of_kinds(page->web->worklist, IN(MEETING), items, MEETINGS_MAX, &total);

    json_name(&page->view, "meetings");
    json_array_begin(&page->view);
    for (size_t i = 0; i < count; i++) {
        struct opened_row opened;

        if (open_first(page, read, items[i], &opened) &&
            opened.message.header.kind == MESSAGE_MEETING_NOTICE &&
            page_load_matter(page, read, &items[i]->key)) {
            view_meeting(page, &page->agent->copy->matter, &opened);
        }
        row_close(&opened);
    }
    json_array_end(&page->view);
    named_bool(&page->view, "no_meeting", count == 0);
}

/* --- the others, a line each --- */

/* What a line says of its subject. */
static void view_subject(struct page *page, const struct message *message)
{
    switch (message->header.kind) {
    case MESSAGE_HEARING_INVITATION:
        named_text(&page->view, "subject",
                   page_word(page, VOCABULARY_HEARING_PURPOSE, message->hearing.purpose));
        view_instant(page, "at", message->hearing.at_ms);
        return;
    case MESSAGE_CONSULTATION:
        named_text(&page->view, "subject",
                   page_word(page, VOCABULARY_TOPIC, message->consultation.topic));
        return;
    case MESSAGE_CONFERENCE:
        named_text(&page->view, "subject",
                   page_word(page, VOCABULARY_TOPIC, message->conference.topic));
        view_instant(page, "at", message->conference.held_ms);
        return;
    case MESSAGE_LETTER:
        named_text(&page->view, "subject", page_agency_of(page, message->letter.associate));
        return;
    default:
        return;
    }
}

static void view_line(struct page *page, struct store_txn *read, const struct work_item *item)
{
    struct opened_row opened;
    struct lamp lamp = {.due_before_ms = 0};
    char href[64];

    json_object_begin(&page->view);
    (void)snprintf(href, sizeof(href), "/matter/%s", item->number);
    named_text(&page->view, "href", href);
    named_text(&page->view, "number", item->number);
    named_text(&page->view, "kind", page_matter_kind(page, (enum matter_kind)item->kind));
    named_text(&page->view, "other", page_agency(page, item->other));
    named_text(&page->view, "case_number", item->case_number);
    named_bool(&page->view, "open", item->open);
    named_u64(&page->view, "owed", item->line_count);
    view_instant(page, "opened", item->opened_ms);
    if (open_first(page, read, item, &opened)) {
        view_subject(page, &opened.message);
    }
    row_close(&opened);
    if (item->open && item->due_before_ms != UINT64_MAX) {
        lamp.due_before_ms = item->due_before_ms;
        lamp.due_day = civil_day_at(item->due_before_ms - 1);
        lamp.provisional = item->provisional;
    }
    view_lamp(page, &lamp);
    json_object_end(&page->view);
}

static void view_others(struct page *page, struct store_txn *read)
{
    const uint32_t kinds = IN(HEARING) | IN(CONSULTATION) | IN(CONFERENCE) | IN(LETTER) | IN(FUND);
    const struct work_item *items[OTHERS_MAX];
    size_t total;
    const size_t count = worklist_of_kinds(page->web->worklist, kinds, items, OTHERS_MAX, &total);

    json_name(&page->view, "others");
    json_array_begin(&page->view);
    for (size_t i = 0; i < count; i++) {
        view_line(page, read, items[i]);
    }
    json_array_end(&page->view);
    named_bool(&page->view, "no_other", count == 0);
    if (total > count) {
        named_u64(&page->view, "others_left", total - count);
    }
}

/* --- the roster --- */

static void view_persons_of(struct page *page, const struct body *body, const struct agency *agency,
                            uint32_t role)
{
    json_array_begin(&page->view);
    for (size_t i = 0; i < body->person_count; i++) {
        const struct body_person *person = &body->persons[i];

        if (person->role == role && person->agency != NULL &&
            strcmp(person->agency, agency->id) == 0) {
            json_object_begin(&page->view);
            named_text(&page->view, "name", person->name != NULL ? person->name : "");
            named_text(&page->view, "phone", person->phone != NULL ? person->phone : "");
            json_object_end(&page->view);
        }
    }
    json_array_end(&page->view);
}

/* By agency, as the registry has them. Those who have left are no members any more. */
static void view_units(struct page *page, const struct body *body)
{
    enum { LEADER = 1, LIAISON = 2 }; /* VOCABULARY_ROSTER_ROLE */
    const struct registry *registry = page->agent->setup.registry;
    static const struct body nobody;

    json_name(&page->view, "units");
    json_array_begin(&page->view);
    for (size_t i = 0; i < registry_count(registry); i++) {
        const struct agency *agency = registry_at(registry, i);

        if (agency->class == CLASS_ASSOCIATE || agency_has_left(agency, page->now_ms)) {
            continue;
        }
        json_object_begin(&page->view);
        named_text(&page->view, "agency", page_agency(page, agency->number));
        named_text(&page->view, "office",
                   page->language == LANGUAGE_EN ? agency->office_en : agency->office_zh);
        named_bool(&page->view, "joint_office", agency->joint_meeting_office);
        json_name(&page->view, "leaders");
        view_persons_of(page, body != NULL ? body : &nobody, agency, LEADER);
        json_name(&page->view, "liaisons");
        view_persons_of(page, body != NULL ? body : &nobody, agency, LIAISON);
        json_object_end(&page->view);
    }
    json_array_end(&page->view);
}

static void view_change(struct page *page, const struct opened_row *opened)
{
    const struct body *body = &opened->body;
    char id[UUID_TEXT_BYTES], href[64];

    uuid_format(&opened->row.header.message_id, id);
    (void)snprintf(href, sizeof(href), "/message/%s", id);
    json_object_begin(&page->view);
    named_text(&page->view, "href", href);
    named_text(&page->view, "agency", page_agency_of(page, opened->row.header.sender));
    named_text(&page->view, "role",
               page_word(page, VOCABULARY_ROSTER_ROLE, opened->message.roster_change.role));
    named_text(&page->view, "change",
               page_word(page, VOCABULARY_ROSTER_CHANGE, opened->message.roster_change.change));
    named_text(&page->view, "name",
               opened->has_body && body->person_count > 0 && body->persons[0].name != NULL
                   ? body->persons[0].name
                   : "");
    named_text(&page->view, "phone",
               opened->has_body && body->person_count > 0 && body->persons[0].phone != NULL
                   ? body->persons[0].phone
                   : "");
    view_instant(page, "at", opened->row.recorded_ms);
    json_object_end(&page->view);
}

struct rosters { /* matters of rosters, newest first */
    const struct work_item *items[ROSTERS_MAX];
    size_t count;
    const struct work_item *newest; /* edition; NULL: none was published */
    uint32_t edition;
    uint64_t order; /* of its message */
};

static void find_rosters(struct page *page, struct store_txn *read, struct rosters *rosters)
{
    size_t total;

    memset(rosters, 0, sizeof(*rosters));
    rosters->count =
        worklist_of_kinds(page->web->worklist, IN(ROSTER), rosters->items, ROSTERS_MAX, &total);
    for (size_t i = 0; i < rosters->count; i++) {
        struct opened_row opened;

        if (open_first(page, read, rosters->items[i], &opened) &&
            opened.message.header.kind == MESSAGE_ROSTER && opened.has_body &&
            opened.row.state != ROW_REFUSED && opened.message.roster.edition > rosters->edition) {
            rosters->newest = rosters->items[i];
            rosters->edition = opened.message.roster.edition;
            rosters->order = opened.row.order;
        }
        row_close(&opened);
    }
}

bool page_open_roster(struct page *page, struct store_txn *read, struct opened_row *opened)
{
    struct rosters rosters;

    find_rosters(page, read, &rosters);
    if (rosters.newest == NULL) {
        region_init(&opened->region, AGENT_REGION_BYTES);
        return false;
    }
    return open_first(page, read, rosters.newest, opened);
}

/* Told to the office since the roster was published; each agency sees its own. */
static void view_changes(struct page *page, struct store_txn *read, const struct rosters *rosters)
{
    size_t count = 0;

    json_name(&page->view, "changes");
    json_array_begin(&page->view);
    for (size_t i = 0; i < rosters->count && count < CHANGES_MAX; i++) {
        struct opened_row opened;

        if (open_first(page, read, rosters->items[i], &opened) &&
            opened.message.header.kind == MESSAGE_ROSTER_CHANGE &&
            opened.row.state != ROW_REFUSED &&
            (rosters->newest == NULL || opened.row.order > rosters->order ||
             opened.row.recorded_ms == 0)) {
            view_change(page, &opened);
            count++;
        }
        row_close(&opened);
    }
    json_array_end(&page->view);
    named_bool(&page->view, "changes_shown", count > 0);
    named_bool(&page->view, "publish_first",
               count == 0 && is_member(page) && page->agent->setup.self->joint_meeting_office);
}

static void view_roster(struct page *page, struct store_txn *read)
{
    const bool office = page->agent->setup.self->joint_meeting_office;
    struct rosters rosters;
    struct opened_row opened;

    find_rosters(page, read, &rosters);
    named_bool(&page->view, "office", office);
    named_bool(&page->view, "may_publish", office && is_member(page));
    view_changes(page, read, &rosters);
    if (rosters.newest == NULL || !open_first(page, read, rosters.newest, &opened)) {
        if (rosters.newest == NULL) {
            region_init(&opened.region, AGENT_REGION_BYTES);
        }
        view_units(page, NULL);
    } else {
        char href[64];

        (void)snprintf(href, sizeof(href), "/matter/%s", rosters.newest->number);
        named_text(&page->view, "roster_href", href);
        named_u64(&page->view, "edition", rosters.edition);
        view_instant(page, "published", opened.row.recorded_ms);
        view_units(page, &opened.body);
    }
    row_close(&opened);
}

/* --- the page --- */

void page_meetings(struct page *page)
{
    struct store_txn *read;

    if (!page_needs(page, OFFICER_MEMBER | OFFICER_LEADER)) {
        return;
    }
    if (store_read_begin(page->agent->setup.store, &read) != OK) {
        page_refuse(page, 503, N_("暂时无法显示，请稍后再试。"));
        return;
    }
    page_begin(page, "meeting", N_("联席会议"));
    if (worklist_progress(page->web->worklist) < 100) {
        named_u64(&page->view, "filling", worklist_progress(page->web->worklist));
    }
    view_openings(page);
    view_meetings(page, read);
    view_others(page, read);
    view_roster(page, read);
    store_read_end(read);
    page_show(page, 200, "meetings");
}
