/* `A sends KIND NAME [about R] [to B,C] [FACT=VALUE ...]`: the messages that stand beside a
 * referral's first life. NAME is a referral, a matter that goes on, or that of a new matter. What a
 * line leaves open is filled so that the rules accept it: one thing changed has one effect. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/matter.h"
#include "model/message_form.h"
#include "scenario/script.h"
#include "store/cases.h"

/* The facts of a kind that a line need not say. */
static const struct {
    enum message_kind kind;
    const char *facts;
} usual[] = {
    {MESSAGE_INFORMATION_REQUEST, "asked=income"},
    {MESSAGE_INFORMATION_REPLY, "answered=income"},
    {MESSAGE_ASSISTANCE_REPORT, "measure=economic-aid shape=money amount_fen=100000"},
    {MESSAGE_ARCHIVE, "why=assisted"},
    {MESSAGE_REOPEN, "why=new-fact"},
    {MESSAGE_FOLLOW_UP_REPORT, "hardship=eased effect=full risk=none"},
    {MESSAGE_CONSULTATION, "topic=policy"},
    {MESSAGE_CONFERENCE, "topic=plan"},
    {MESSAGE_PROMISE_REPORT, "result=kept"},
    {MESSAGE_MEETING_REPLY, "attends=yes"},
    {MESSAGE_HEARING_INVITATION, "purpose=eligibility roles=department"},
    {MESSAGE_HEARING_REPLY, "attends=yes"},
    {MESSAGE_HEARING_OPINION, "opinion=assist"},
    {MESSAGE_ROSTER_CHANGE, "role=liaison change=joins"},
    {MESSAGE_ROSTER, "persons=1"},
    {MESSAGE_FUND_PLAN, "custodian=procuratorate"},
    {MESSAGE_LETTER, "associate=hospital"},
    {MESSAGE_LETTER_ANSWER, "answer=done"},
    {MESSAGE_ESCALATION_REPLY, "answer=will-answer"},
    {MESSAGE_CORRECTION, "corrects=contact"},
};

static const char *usual_facts(enum message_kind kind)
{
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
        if (usual[i].kind == kind) {
            return usual[i].facts;
        }
    }
    return NULL;
}

struct sending { /* one `sends` under way */
    struct world *world;
    struct actor *actor;
    struct step *step;
    enum message_kind kind;
    struct named named; /* what NAME is, or what it will be */
    struct affair fresh;
    bool is_new;
    struct region region;
    struct message message;
};

/* The word after `word`; NULL when it is not there. */
static const char *after(const struct step *step, const char *word)
{
    for (size_t i = 3; i + 1 < step->count; i++) {
        if (strcmp(step->words[i], word) == 0) {
            return step->words[i + 1];
        }
    }
    return NULL;
}

/* ---- to whom ---- */

static void address(struct message *message, const struct agency *agency)
{
    struct message_header *header = &message->header;

    if (header->recipient[0] == '\0') {
        text_copy(header->recipient, sizeof(header->recipient), agency->id);
    } else {
        agency_set_add(&message->copies, agency->number);
    }
}

/* But the sender, and those that have no system. */
static void address_everybody(struct sending *sending)
{
    const struct registry *registry = sending->world->registry;

    for (size_t i = 0; i < registry_count(registry); i++) {
        const struct agency *agency = registry_at(registry, i);

        if (agency != sending->actor->agency && agency->class != CLASS_ASSOCIATE) {
            address(&sending->message, agency);
        }
    }
}

/* "education,health" */
static bool address_named(struct sending *sending, const char *list)
{
    char text[256];
    char *rest = text;

    text_copy(text, sizeof(text), list);
    while (rest[0] != '\0') {
        const char *id = step_cut(&rest, ',');
        const struct agency *agency = registry_find(sending->world->registry, id);

        if (agency == NULL) {
            return step_fail(sending->step, "no such agency: %s", id);
        }
        address(&sending->message, agency);
    }
    return true;
}

/* A member writes to the owner, the owner to all members. */
static bool address_members(struct sending *sending)
{
    struct registry *registry = sending->world->registry;
    struct case_key key = {.case_id = sending->named.case_id,
                           .referral_id = sending->named.referral_id};
    struct matter *matter = malloc(sizeof(*matter));
    struct store_txn *read = NULL;
    struct span packed;
    bool found = matter != NULL && store_read_begin(sending->world->store, &read) == OK &&
                 cases_get(read, &key, &packed) == OK && matter_unpack(packed, matter) == OK;

    if (found && matter->owner != sending->actor->agency->number) {
        address(&sending->message, registry_by_number(registry, matter->owner));
    } else {
        for (uint32_t i = 0; found && i < matter->member_count; i++) {
            address(&sending->message, registry_by_number(registry, matter->members[i].agency));
        }
    }
    store_read_end(read);
    free(matter);
    return found || step_fail(sending->step, "the matter is not stored");
}

static bool address_all(struct sending *sending)
{
    const char *list = after(sending->step, "to");
    const struct tale *tale = sending->named.tale;

    if (list != NULL && strcmp(list, "all") == 0) {
        address_everybody(sending);
        return true;
    }
    if (list != NULL) {
        return address_named(sending, list);
    }
    if (tale != NULL) {
        const struct actor *other = sending->actor == tale->sender ? tale->receiver : tale->sender;

        address(&sending->message, other->agency);
        return true;
    }
    if (sending->is_new) {
        return step_fail(sending->step, "expected `to AGENCY,...`: it is new");
    }
    return address_members(sending);
}

/* ---- a new matter ---- */

/* Of the case of that referral, and about it where the kind knows that; or of no case. */
static bool name_new(struct sending *sending)
{
    const char *about = after(sending->step, "about");
    const char *in = after(sending->step, "in");
    struct affair *fresh = &sending->fresh;
    struct named of = {.tale = NULL};

    if (about == NULL) {
        about = in;
    }
    if (about != NULL && !world_named(sending->world, about, &of)) {
        return step_fail(sending->step, "no such referral: %s", about);
    }
    text_copy(fresh->name, sizeof(fresh->name), step_word(sending->step, 3));
    fresh->matter_id = script_new_id(sending->world);
    fresh->case_id = about != NULL ? of.case_id : script_new_id(sending->world);
    if (about != NULL) {
        text_copy(fresh->case_number, sizeof(fresh->case_number), of.case_number);
    }
    (void)snprintf(fresh->number, sizeof(fresh->number), "%s-SX-%u-%04u",
                   sending->actor->agency->prefix,
                   (unsigned)civil_date_of(civil_day_at(sending->world->wall_ms)).year,
                   ++sending->actor->matters);
    sending->named = (struct named){.affair = fresh,
                                    .case_id = fresh->case_id,
                                    .referral_id = fresh->matter_id,
                                    .case_number = fresh->case_number,
                                    .number = fresh->number};
    sending->is_new = true;
    return true;
}

/* ---- the message ---- */

/* A correction refers to the message of the referral; any may name another by what it opened. */
static bool fill_reference(struct sending *sending)
{
    const char *name = step_option(sending->step, "refers-to");
    struct named named = sending->named;

    if (name != NULL && !world_named(sending->world, name, &named)) {
        return step_fail(sending->step, "no such referral or matter: %s", name);
    }
    if (name != NULL ||
        (sending->kind == MESSAGE_CORRECTION && !step_has(sending->step, "without-reference"))) {
        sending->message.header.refers_to = named.message_id;
    }
    return true;
}

static void fill_body(struct sending *sending)
{
    static const struct {
        const char *word;
        uint32_t field;
    } without[] = {{"without-officer", BODY_OFFICER},
                   {"without-text", BODY_TEXT},
                   {"without-persons", BODY_PERSONS}};
    struct message *message = &sending->message;

    message->body_fields |= BODY_TEXT;
    if (sending->kind == MESSAGE_ROSTER || sending->kind == MESSAGE_ROSTER_CHANGE) {
        message->body_fields |= BODY_PERSONS;
    }
    for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
        if (step_has(sending->step, without[i].word)) {
            message->body_fields &= ~without[i].field;
        }
    }
}

/* What is so today: when a conference was held, when something was paid. And what it is about. */
static void more_facts(const struct sending *sending, char out[256])
{
    const char *about = after(sending->step, "about");
    const char *facts = usual_facts(sending->kind);
    char day[CIVIL_TEXT_BYTES];

    civil_format(civil_day_at(sending->world->wall_ms), day);
    (void)snprintf(out, 256, "%s held=%sT09:00 date=%s%s%s", facts != NULL ? facts : "", day, day,
                   about != NULL ? " about=" : "", about != NULL ? about : "");
}

static bool compose(struct sending *sending)
{
    struct world *world = sending->world;
    const char *number = step_option(sending->step, "number");
    char more[256];

    script_head(world, &sending->named, sending->actor, sending->kind, &sending->message);
    more_facts(sending, more);
    fill_body(sending);
    if (number != NULL) {
        text_copy(sending->message.header.referral_number, LIMIT_NUMBER_BYTES, number);
    }
    return address_all(sending) && fill_reference(sending) &&
           step_facts(world, sending->step, more, &sending->region, &sending->message);
}

bool script_sends(struct world *world, struct actor *actor, struct step *step)
{
    struct sending sending = {.world = world,
                              .actor = actor,
                              .step = step,
                              .kind = message_kind_parse(step_word(step, 2))};
    bool good;

    if (sending.kind == MESSAGE_NONE) {
        return step_fail(step, "no such kind of message: %s", step_word(step, 2));
    }
    region_init(&sending.region, LIMIT_PARSE_BYTES(LIMIT_FACTS_BYTES));
    good = world_named(world, step_word(step, 3), &sending.named) || name_new(&sending);
    good = good && compose(&sending) && script_send(world, actor, step, &sending.message);
    if (good && sending.is_new && world->refusal == REFUSAL_NONE) {
        if (world->affair_count == WORLD_MATTERS) {
            good = step_fail(step, "too many matters");
        } else {
            sending.fresh.message_id = sending.message.header.message_id;
            world->affairs[world->affair_count++] = sending.fresh;
        }
    }
    region_free(&sending.region);
    return good;
}
