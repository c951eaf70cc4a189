/* Messages of matters: one act is one message to all whom it goes to. The agent knows the number of
 * a new matter, the case that it belongs to, and, where a file names nobody, whom the rules mean.
 */
#include <string.h>

#include "agent/compose_parts.h"

/* --- to whom --- */

enum who {
    WHO_NAMED = 0,   /* the file says */
    WHO_OTHER_PARTY, /* of the referral that it is about */
    WHO_PARTIES,     /* all others of the case; in a matter that goes on: of the matter */
    WHO_EVERYBODY,   /* every member of the city that has a system */
    WHO_OFFICE,      /* the joint-meeting office */
    WHO_OWNER,       /* of the matter */
    WHO_MEMBERS,     /* all others who take part */
    WHO_WAITS,       /* for what a numbered document asks; nobody: the office */
};

static const enum who usual[MESSAGE_AGENCY_KIND_COUNT] = {
    [MESSAGE_INFORMATION_REQUEST] = WHO_OTHER_PARTY,
    [MESSAGE_INFORMATION_REPLY] = WHO_OWNER,
    [MESSAGE_ESCALATION_REPLY] = WHO_WAITS,
    [MESSAGE_ARCHIVE] = WHO_PARTIES,
    [MESSAGE_REOPEN] = WHO_MEMBERS,
    [MESSAGE_FOLLOW_UP_PLAN] = WHO_MEMBERS,
    [MESSAGE_FOLLOW_UP_REPORT] = WHO_MEMBERS,
    [MESSAGE_CONSULTATION] = WHO_PARTIES,
    [MESSAGE_CONFERENCE] = WHO_PARTIES,
    [MESSAGE_PROMISE_REPORT] = WHO_OWNER,
    [MESSAGE_MEETING_NOTICE] = WHO_EVERYBODY,
    [MESSAGE_MEETING_REPLY] = WHO_OWNER,
    [MESSAGE_HEARING_INVITATION] = WHO_PARTIES,
    [MESSAGE_HEARING_REPLY] = WHO_OWNER,
    [MESSAGE_HEARING_OPINION] = WHO_MEMBERS,
    [MESSAGE_ROSTER_CHANGE] = WHO_OFFICE,
    [MESSAGE_ROSTER] = WHO_EVERYBODY,
    [MESSAGE_FUND_PLAN] = WHO_PARTIES,
    [MESSAGE_FUND_PAYMENT] = WHO_MEMBERS,
    [MESSAGE_LETTER] = WHO_OTHER_PARTY,
    [MESSAGE_LETTER_ANSWER] = WHO_MEMBERS,
};

struct addressees {
    uint16_t numbers[LIMIT_MEMBERS];
    size_t count;
};

static void add_number(struct addressees *to, uint16_t number)
{
    bool twice = false;

    for (size_t i = 0; i < to->count; i++) {
        twice = twice || to->numbers[i] == number;
    }
    if (!twice && to->count < LIMIT_MEMBERS) {
        to->numbers[to->count++] = number;
    }
}

/* Whoever acts for it now, unless that is this agency. */
static void add_acting(const struct making *making, struct addressees *to, uint16_t number)
{
    const struct agent *agent = making->agent;
    uint16_t acting = registry_acting(agent->setup.registry, number, agent_wall_ms(agent));

    if (acting != agent->setup.self->number) {
        add_number(to, acting);
    }
}

static enum err add_named(struct making *making, struct addressees *to)
{
    for (size_t i = 0; i < making->draft->recipient_count; i++) {
        const struct agency *agency = making_agency(making, i);

        if (agency == NULL) {
            return ERR_INVALID;
        }
        add_number(to, agency->number);
    }
    return OK;
}

static enum err add_parties(struct making *making, struct addressees *to)
{
    const struct registry *registry = making->agent->setup.registry;
    struct case_facts facts;
    enum err error = lookup_case(making->agent, making->txn, &making->key.case_id, &facts);

    for (size_t i = 0; error == OK && i < registry_count(registry); i++) {
        uint16_t number = registry_at(registry, i)->number;

        if (agency_set_has(&facts.parties, number)) {
            add_acting(making, to, number);
        }
    }
    return error;
}

static void add_everybody(const struct making *making, struct addressees *to)
{
    const struct registry *registry = making->agent->setup.registry;

    for (size_t i = 0; i < registry_count(registry); i++) {
        const struct agency *agency = registry_at(registry, i);

        if (agency->class != CLASS_ASSOCIATE) {
            add_acting(making, to, agency->number);
        }
    }
}

static void add_members(const struct making *making, struct addressees *to)
{
    const struct matter *matter = &making->copy->matter;

    add_acting(making, to, matter->owner);
    for (uint32_t i = 0; i < matter->member_count; i++) {
        add_acting(making, to, matter->members[i].agency);
    }
}

static void add_office(const struct making *making, struct addressees *to)
{
    add_acting(making, to, registry_office(making->agent->setup.registry)->number);
}

/* The duty that a document is about; NULL: this copy knows no such document. */
static const struct duty *duty_of_document(const struct matter *matter, const char *text)
{
    struct number number;

    if (number_parse(NUMBER_DOCUMENT, text, &number) != OK) {
        return NULL;
    }
    for (uint32_t i = 0; i < matter->document_count; i++) {
        const struct matter_document *document = &matter->documents[i];

        if (document->year == number.year && document->counter == number.counter) {
            return matter_duty(matter, document->duty);
        }
    }
    return NULL;
}

static void add_waiting(const struct making *making, struct addressees *to)
{
    const struct agent *agent = making->agent;
    const char *document = making->draft->message.escalation_reply.document_number;

    if (!making->copy->of_matter) {
        const struct agency *other = making_other_party(agent, &making->copy->referral);

        if (other != NULL) {
            add_number(to, other->number);
        }
        return;
    }
    const struct duty *duty = duty_of_document(&making->copy->matter, document);
    if (duty != NULL) {
        add_acting(making, to, duty->waiting);
    }
    if (to->count == 0) {
        add_office(making, to);
    }
    if (to->count == 0) { /* this is the office: whoever takes part */
        add_members(making, to);
        to->count = to->count > 0 ? 1 : 0;
    }
}

/* Of the referral that it is about; where there is none, the office. */
static void add_other_party(const struct making *making, const struct referral *about,
                            struct addressees *to)
{
    const struct agency *other = about != NULL ? making_other_party(making->agent, about) : NULL;

    if (other != NULL) {
        add_number(to, other->number);
    } else {
        add_office(making, to);
    }
}

static enum err add_usual(struct making *making, const struct referral *about,
                          struct addressees *to)
{
    enum who who = usual[making->draft->message.header.kind];

    if (who == WHO_PARTIES && making->copy->known) {
        who = WHO_MEMBERS;
    }
    switch (who) {
    case WHO_OTHER_PARTY:
        add_other_party(making, about, to);
        return OK;
    case WHO_PARTIES:
        return add_parties(making, to);
    case WHO_EVERYBODY:
        add_everybody(making, to);
        return OK;
    case WHO_OFFICE:
        add_office(making, to);
        return OK;
    case WHO_OWNER:
        add_acting(making, to, making->copy->matter.owner);
        return OK;
    case WHO_MEMBERS:
        add_members(making, to);
        return OK;
    case WHO_WAITS:
        add_waiting(making, to);
        return OK;
    default:
        return OK;
    }
}

/* The owner is written to, the others of its matter get copies. */
static void owner_first(const struct making *making, struct addressees *to)
{
    const struct agent *agent = making->agent;
    uint16_t owner;

    if (!making->copy->known || !making->copy->of_matter) {
        return;
    }
    owner =
        registry_acting(agent->setup.registry, making->copy->matter.owner, agent_wall_ms(agent));
    for (size_t i = 1; i < to->count; i++) {
        if (to->numbers[i] == owner) {
            to->numbers[i] = to->numbers[0];
            to->numbers[0] = owner;
        }
    }
}

/* Fills recipient and copies. `about` may be NULL. */
static enum err address(struct making *making, const struct referral *about)
{
    struct message *message = &making->draft->message;
    struct addressees to = {.count = 0};
    enum err error =
        making->draft->recipient_count > 0 ? add_named(making, &to) : add_usual(making, about, &to);

    if (error == OK && to.count == 0) {
        error = making_refuse(making, REFUSAL_RECIPIENT, "recipients: expected a list of agencies");
    }
    if (error != OK) {
        return error;
    }
    owner_first(making, &to);
    for (size_t i = 1; i < to.count; i++) {
        agency_set_add(&message->copies, to.numbers[i]);
    }
    making_fill(making, registry_by_number(making->agent->setup.registry, to.numbers[0])->id);
    return OK;
}

/* --- a message that opens one --- */

/* The case of what it is about, the case that is named, or none: then an id of its own. */
static enum err find_case(struct making *making, const struct referral *about)
{
    const struct message_draft *draft = making->draft;
    char *number = making->draft->message.header.case_number;
    struct agent *agent = making->agent;
    enum err error = OK;

    if (draft->case_number[0] != '\0') {
        error = making_case(making, draft->case_number);
        text_copy(number, LIMIT_NUMBER_BYTES, draft->case_number);
    } else if (about != NULL) {
        making->key.case_id = about->case_id;
        text_copy(number, LIMIT_NUMBER_BYTES, about->case_number);
    } else {
        agent->setup.ops->random(agent->setup.ctx, making->key.case_id.bytes, UUID_BYTES);
    }
    if (error == OK && about != NULL && !uuid_equal(&making->key.case_id, &about->case_id)) {
        return making_refuse(making, REFUSAL_NUMBER, "case_number: not the case of `about`");
    }
    return error;
}

static enum err open_matter(struct making *making)
{
    const char *text = making->draft->about;
    char *number = making->draft->message.header.referral_number;
    struct referral about;
    bool has_about = text[0] != '\0';
    enum err error = OK;

    if (has_about) {
        error = making_referral(making, text, "about", making->agent->other);
    }
    if (error == OK && has_about) {
        about = making->agent->other->referral;
        message_name_referral(&making->draft->message, &about.referral_id);
    }
    if (error == OK) {
        error = find_case(making, has_about ? &about : NULL);
    }
    if (error == OK) {
        making->key.referral_id = agent_new_id(making->agent);
        error = making_number(making, NUMBER_MATTER, number);
    }
    if (error == OK) {
        error = number_put(making->txn, number, &making->key);
    }
    if (error == OK) {
        error = address(making, has_about ? &about : NULL);
    }
    return error == OK ? making_finish(making) : error;
}

/* --- a message that goes on, or answers a document --- */

static enum err speak_in(struct making *making)
{
    const struct copy *copy = making->copy;
    struct message_header *header = &making->draft->message.header;
    bool matter = copy->of_matter;
    enum err error;

    text_copy(header->case_number, sizeof(header->case_number),
              matter ? copy->matter.case_number : copy->referral.case_number);
    text_copy(header->referral_number, sizeof(header->referral_number),
              matter ? copy->matter.number : copy->referral.number);
    if (uuid_is_zero(&header->refers_to)) {
        header->refers_to = matter ? copy->matter.message_id : copy->referral.message_id;
    }
    error = address(making, NULL);
    return error == OK ? making_finish(making) : error;
}

/* What the file or the command calls it by. NULL: nothing does. */
static const char *name_of(const struct making *making, const char *from_file)
{
    return from_file[0] != '\0' ? from_file : making->composing->referral;
}

static enum err find(struct making *making, const char *text, const char *place)
{
    enum err error;

    if (text == NULL) {
        fault_set(making->fault, "json.missing", place, "is missing: expected a number or an id");
        return ERR_INVALID;
    }
    error = show_find(making->txn, text, place, &making->key, making->fault);
    return error == OK ? copy_expected(making->agent, making->txn, &making->key, making->copy)
                       : error;
}

static enum err go_on(struct making *making)
{
    enum err error = find(making, name_of(making, making->draft->matter), "matter");

    if (error == OK && (!making->copy->known || !making->copy->of_matter)) {
        return making_refuse(making, REFUSAL_MATTER_UNKNOWN,
                             "matter: expected the number or id of a matter of this agency");
    }
    return error == OK ? speak_in(making) : error;
}

/* By what it is about, or by its own number. */
static enum err answer_document(struct making *making)
{
    const struct message_draft *draft = making->draft;
    const char *given = name_of(making, draft->matter[0] != '\0' ? draft->matter : draft->referral);
    enum err error;

    if (given == NULL) {
        given = draft->message.escalation_reply.document_number;
    }
    error = find(making, given, "facts.document_number");
    if (error == OK && !making->copy->known) {
        return making_refuse(making, REFUSAL_DOCUMENT,
                             "facts.document_number: about nothing that this agency takes part in");
    }
    return error == OK ? speak_in(making) : error;
}

enum err compose_matter(struct making *making)
{
    const struct message_draft *draft = making->draft;

    switch (message_form_address(draft->message.header.kind)) {
    case ADDRESS_DOCUMENT:
        return answer_document(making);
    case ADDRESS_MATTER:
        return go_on(making);
    case ADDRESS_TALK:
        return draft->matter[0] != '\0' ? go_on(making) : open_matter(making);
    default:
        return open_matter(making);
    }
}
