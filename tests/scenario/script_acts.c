/* Steps of an agency: it submits, receives, signs for, answers, tells, brings papers, withdraws.
 * Each builds one message with facts that the rules accept; a scenario changes one thing by naming
 * it (without=REASON, advance, ground=401 ...), so that a refusal has one cause. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/vocabulary.h"
#include "scenario/script.h"

struct uuid script_new_id(const struct world *world)
{
    uint8_t random[10];

    crypto_random(random, sizeof(random));
    return uuid_v7(world->wall_ms, random);
}

static uint32_t year_of(const struct world *world)
{
    return (uint32_t)civil_date_of(civil_day_at(world->wall_ms)).year;
}

void script_head(const struct world *world, const struct named *named, const struct actor *from,
                 enum message_kind kind, struct message *message)
{
    memset(message, 0, sizeof(*message));
    message->header.kind = kind;
    message->header.message_id = script_new_id(world);
    message->header.case_id = named->case_id;
    message->header.referral_id = named->referral_id;
    text_copy(message->header.case_number, LIMIT_NUMBER_BYTES, named->case_number);
    text_copy(message->header.referral_number, LIMIT_NUMBER_BYTES, named->number);
    text_copy(message->header.sender, LIMIT_AGENCY_ID_BYTES, from->agency->id);
    message->body_present = true;
    message->body_fields = BODY_OFFICER;
}

/* Between the two parties of a referral: what opens it names them, the rest whoever acts now. */
static void head_of(const struct world *world, const struct tale *tale, const struct actor *from,
                    enum message_kind kind, struct message *message)
{
    const struct actor *to = from == tale->sender ? tale->receiver : tale->sender;
    uint16_t acting = registry_acting(world->registry, to->agency->number, world->wall_ms);
    const struct agency *agency =
        kind == tale->kind ? to->agency : registry_by_number(world->registry, acting);
    const struct named named = {.tale = tale,
                                .case_id = tale->case_id,
                                .referral_id = tale->referral_id,
                                .case_number = tale->case_number,
                                .number = tale->number};

    script_head(world, &named, from, kind, message);
    text_copy(message->header.recipient, LIMIT_AGENCY_ID_BYTES, agency->id);
}

bool script_send(struct world *world, struct actor *actor, struct step *step,
                 struct message *message)
{
    bool send = true, good = script_foul(world, step, message, &send);

    good = good && (!send || actor_send(world, actor, message) || world->cut || world->down ||
                    step_fail(step, "no answer"));
    world->stowaway = NULL;
    return good;
}

/* A referral that follows one of another case names that case as well. */
static void name_previous_case(const struct world *world, const struct step *step,
                               struct message *message)
{
    const char *previous = step_option(step, "previous");
    struct named named;

    if (previous != NULL && world_named(world, previous, &named) &&
        !uuid_equal(&named.case_id, &message->header.case_id)) {
        message->referral.previous_case = named.case_id;
    }
}

/* The facts that the line names take the place of the usual ones. */
static bool send_with_facts(struct world *world, struct actor *actor, struct step *step,
                            struct message *message)
{
    struct region region;
    bool good;

    region_init(&region, LIMIT_PARSE_BYTES(LIMIT_FACTS_BYTES));
    good = step_facts(world, step, NULL, &region, message);
    if (good && (message->header.kind == MESSAGE_OUTBOUND_REFERRAL ||
                 message->header.kind == MESSAGE_INBOUND_REFERRAL)) {
        name_previous_case(world, step, message);
    }
    good = good && script_send(world, actor, step, message);
    region_free(&region);
    return good;
}

/* --- submits --- */

#define MATERIALS 5u /* the mandatory ones of Art. 7 */

static void fill_materials(struct material materials[MATERIALS])
{
    uint8_t bytes[SCRIPT_MATERIAL_BYTES];

    for (uint32_t i = 0; i < MATERIALS; i++) {
        memset(&materials[i], 0, sizeof(materials[i]));
        materials[i].kind = i + 1;
        materials[i].digest = script_material(i, bytes);
        materials[i].sealed_bytes = sizeof(bytes);
    }
}

static void fill_referral(const struct step *step, enum message_kind kind,
                          struct material materials[MATERIALS], struct message *message)
{
    struct referral_facts *facts = &message->referral;

    fill_materials(materials);
    message->body_fields |= BODY_PERSONS | BODY_CIRCUMSTANCES | BODY_REASONS;
    facts->ground = step_has(step, "minor") ? 1801 : 401;
    facts->needs = step_has(step, "minor") ? 2 : 0; /* Art. 18: student aid */
    facts->person_count = 1;
    facts->lead_channel = 1;
    facts->life_danger = step_has(step, "life-danger");
    facts->urgent = step_has(step, "urgent");
    facts->materials = materials;
    facts->material_count = kind == MESSAGE_OUTBOUND_REFERRAL ? MATERIALS : 0;
    if (kind == MESSAGE_INBOUND_REFERRAL) {
        facts->relation = 1;
    }
    if (step_has(step, "without-ground")) {
        facts->ground = 0;
    }
    if (step_has(step, "without-material")) {
        facts->material_count = facts->material_count > 0 ? facts->material_count - 1 : 0;
    }
    facts->advance = step_has(step, "advance") || step_has(step, "advance-without-reason");
    if (step_has(step, "advance")) {
        message->body_fields |= BODY_ADVANCE_REASON;
    }
}

/* A new case unless `case=NAME` names a referral of the same one. */
static bool new_tale(struct world *world, struct actor *actor, struct step *step, struct tale *tale)
{
    const char *other_name = step_option(step, "case");
    const struct tale *other = other_name != NULL ? world_tale(world, other_name) : NULL;
    unsigned suffix = 1;

    memset(tale, 0, sizeof(*tale));
    text_copy(tale->name, sizeof(tale->name), step_word(step, 3));
    tale->sender = actor;
    tale->receiver = world_actor(world, step_word(step, 5));
    tale->kind = strcmp(step_word(step, 2), "outbound") == 0 ? MESSAGE_OUTBOUND_REFERRAL
                                                             : MESSAGE_INBOUND_REFERRAL;
    if (tale->receiver == NULL) {
        return step_fail(step, "no such agency: %s", step_word(step, 5));
    }
    tale->referral_id = script_new_id(world);
    if (other != NULL) {
        tale->case_id = other->case_id;
        text_copy(tale->case_number, LIMIT_NUMBER_BYTES, other->case_number);
        for (size_t i = 0; i < world->tale_count; i++) {
            suffix += uuid_equal(&world->tales[i].case_id, &other->case_id);
        }
    } else {
        tale->case_id = script_new_id(world);
        (void)snprintf(tale->case_number, sizeof(tale->case_number), "%s-%u-%04u",
                       actor->agency->prefix, year_of(world), ++actor->cases);
    }
    (void)snprintf(tale->number, sizeof(tale->number), "%.24s-%02u", tale->case_number, suffix);
    return true;
}

static bool act_submits(struct world *world, struct actor *actor, struct step *step)
{
    struct material materials[MATERIALS];
    struct message message;
    struct tale tale;
    struct tale *known = world_tale(world, step_word(step, 3));

    if (known == NULL) {
        if (world->tale_count == WORLD_REFERRALS || !new_tale(world, actor, step, &tale)) {
            return step->problem[0] != '\0' ? false : step_fail(step, "too many referrals");
        }
    } else {
        tale = *known; /* sent again under its id, with what this line says */
    }
    head_of(world, &tale, actor, tale.kind, &message);
    if (known != NULL) {
        message.header.message_id = tale.message_id;
    }
    tale.message_id = message.header.message_id;
    fill_referral(step, tale.kind, materials, &message);
    if (!send_with_facts(world, actor, step, &message)) {
        return false;
    }
    if (known == NULL && world->refusal == REFUSAL_NONE) {
        world->tales[world->tale_count++] = tale;
    }
    return true;
}

/* --- about a referral --- */

static void register_number(const struct world *world, struct actor *actor, char *out)
{
    (void)snprintf(out, LIMIT_NUMBER_BYTES, "%s-DJ-%u-%04u", actor->agency->prefix, year_of(world),
                   ++actor->registers);
}

static bool act_signs(struct world *world, struct actor *actor, const struct tale *tale,
                      struct step *step)
{
    struct message message;

    head_of(world, tale, actor, MESSAGE_SIGN_FOR, &message);
    message.header.refers_to = tale->message_id;
    register_number(world, actor, message.sign_for.register_number);
    return send_with_facts(world, actor, step, &message);
}

static const struct {
    const char *word;
    enum feedback_outcome outcome;
    uint32_t body_fields;
} outcomes[] = {
    {"granted", OUTCOME_GRANTED, BODY_OUTCOMES},
    {"procedure-required", OUTCOME_PROCEDURE_REQUIRED, 0},
    {"not-eligible", OUTCOME_NOT_ELIGIBLE, BODY_REASONS},
    {"not-my-duty", OUTCOME_NOT_MY_DUTY, BODY_REASONS},
    {"suitable", OUTCOME_SUITABLE, BODY_OPINION},
    {"not-suitable", OUTCOME_NOT_SUITABLE, BODY_REASONS},
};

/* Every outcome with its mandatory parts; `bare` leaves them out. */
static void fill_outcome(const struct step *step, const struct measure *measure,
                         const struct document *document, struct message *message)
{
    struct feedback_facts *facts = &message->feedback;

    if (step_has(step, "bare")) {
        message->body_fields = BODY_OFFICER;
        return;
    }
    switch (facts->outcome) {
    case OUTCOME_GRANTED:
        facts->measures = measure;
        facts->measure_count = 1;
        break;
    case OUTCOME_PROCEDURE_REQUIRED:
        facts->documents = document;
        facts->document_count = 1;
        facts->tell_by =
            step_has(step, "by-social") ? TELL_BY_SOCIAL_AGENCY : TELL_BY_PROCURATORATE;
        break;
    case OUTCOME_NOT_MY_DUTY:
        text_copy(facts->suggested_agency, LIMIT_AGENCY_ID_BYTES, "justice");
        break;
    default:
        break;
    }
}

static bool act_answers(struct world *world, struct actor *actor, const struct tale *tale,
                        struct step *step)
{
    const struct measure measure = {
        .measure = 1, .shape = 1, .amount_fen = 100000, .unit = 1, .start_date = 20260901};
    const struct document document = {.kind = 1};
    const char *signed_at = step_option(step, "signed-ago"); /* minutes */
    uint64_t minutes;
    struct message message;
    size_t i = 0;

    while (i < sizeof(outcomes) / sizeof(outcomes[0]) &&
           strcmp(outcomes[i].word, step_word(step, 3)) != 0) {
        i++;
    }
    if (i == sizeof(outcomes) / sizeof(outcomes[0])) {
        return step_fail(step, "no such outcome: %s", step_word(step, 3));
    }
    head_of(world, tale, actor,
            tale->kind == MESSAGE_OUTBOUND_REFERRAL ? MESSAGE_OUTBOUND_FEEDBACK
                                                    : MESSAGE_INBOUND_FEEDBACK,
            &message);
    message.header.refers_to = tale->message_id;
    message.feedback.outcome = outcomes[i].outcome;
    message.body_fields |= outcomes[i].body_fields;
    fill_outcome(step, &measure, &document, &message);
    if (!step_has(step, "without-number")) {
        register_number(world, actor, message.feedback.register_number);
    }
    if (signed_at != NULL && step_number(signed_at, &minutes)) {
        message.header.created_ms = world->wall_ms - minutes * UINT64_C(60000);
    }
    return send_with_facts(world, actor, step, &message);
}

static bool act_tells(struct world *world, struct actor *actor, const struct tale *tale,
                      struct step *step)
{
    struct message message;

    head_of(world, tale, actor, MESSAGE_APPLICANT_INFORMED, &message);
    message.body_fields |= step_has(step, "bare") ? 0 : BODY_TOLD;
    message.informed.task = TASK_TELL_APPLICANT;
    message.informed.how = 1;
    return send_with_facts(world, actor, step, &message);
}

static bool act_brings(struct world *world, struct actor *actor, const struct tale *tale,
                       struct step *step)
{
    const uint32_t documents[] = {1};
    struct message message;

    head_of(world, tale, actor, MESSAGE_PAPERS, &message);
    message.papers.documents = documents;
    message.papers.document_count = 1;
    message.papers.received_ms = world->wall_ms;
    return send_with_facts(world, actor, step, &message);
}

static bool act_withdraws(struct world *world, struct actor *actor, const struct tale *tale,
                          struct step *step)
{
    struct message message;

    head_of(world, tale, actor, MESSAGE_WITHDRAWAL, &message);
    message.withdrawal.reason = 1;
    return send_with_facts(world, actor, step, &message);
}

static void fill_rejection(const struct world *world, const struct held *held,
                           struct message *message)
{
    message->body_present = false;
    message->body_fields = 0;
    text_copy(message->header.recipient, LIMIT_AGENCY_ID_BYTES, held->header.sender);
    message->header.refers_to = held->header.message_id;
    message->delivery.lane = held->position.lane;
    message->delivery.stream_seq = held->position.stream_seq;
    message->delivery.leaf_index = held->leaf_index;
    message->delivery.leaf_hash = held->leaf_hash;
    message->delivery.received_ms = world->wall_ms;
    message->delivery.reason = 1;
    text_copy(message->delivery.field, sizeof(message->delivery.field), "body.persons");
}

/* The held message of this referral or matter comes back with a signed rejection. */
static bool act_rejects(struct world *world, struct actor *actor, struct step *step)
{
    struct named named;

    if (!world_named(world, step_word(step, 2), &named)) {
        return step_fail(step, "no such referral or matter: %s", step_word(step, 2));
    }
    for (size_t i = 0; i < actor->held_count; i++) {
        const struct held *held = &actor->held[i];
        struct message message;

        if (uuid_equal(&held->header.referral_id, &named.referral_id)) {
            script_head(world, &named, actor, MESSAGE_REJECTION, &message);
            fill_rejection(world, held, &message);
            return script_send(world, actor, step, &message);
        }
    }
    return step_fail(step, "holds no message of it: fetch first");
}

static bool act_fetches(struct world *world, struct actor *actor, struct step *step)
{
    (void)step;
    (void)actor_fetch(world, actor, 0);
    return true;
}

static bool act_receives(struct world *world, struct actor *actor, struct step *step)
{
    (void)step;
    for (unsigned i = 0; i < 100 && actor_fetch(world, actor, 32) > 0; i++) {
        actor_acknowledge(world, actor);
    }
    return actor->held_count == 0 || step_fail(step, "the queue does not become empty");
}

/* `wrongly`: the receipts name other leaves than those that were fetched. */
static bool act_acknowledges(struct world *world, struct actor *actor, struct step *step)
{
    for (size_t i = 0; step_has(step, "wrongly") && i < actor->held_count; i++) {
        actor->held[i].leaf_index++;
    }
    actor_acknowledge(world, actor);
    return true;
}

/* `A hands-over to B on DATE`: from that day B acts for A. */
static bool act_hands_over(struct world *world, struct actor *actor, struct step *step)
{
    char lines[128];

    (void)snprintf(lines, sizeof(lines), "    successor: %.40s\n    left: %.40s\n",
                   step_word(step, 3), step_word(step, 5));
    return world_change_agency(world, actor->agency->id, lines) ||
           step_fail(step, "expected `A hands-over to B on DATE`");
}

/* `A leaves on DATE`: from that day nobody acts for it. */
static bool act_leaves(struct world *world, struct actor *actor, struct step *step)
{
    char lines[64];

    (void)snprintf(lines, sizeof(lines), "    left: %.40s\n", step_word(step, 3));
    return world_change_agency(world, actor->agency->id, lines) ||
           step_fail(step, "expected `A leaves on DATE`");
}

/* `A is-renamed OLD-NAME`: it was called so before; what is open stays its own. */
static bool act_is_renamed(struct world *world, struct actor *actor, struct step *step)
{
    char lines[256];

    (void)snprintf(lines, sizeof(lines), "    former-names: [{zh: %.60s, en: %.60s}]\n",
                   step_word(step, 2), step_word(step, 2));
    return world_change_agency(world, actor->agency->id, lines) ||
           step_fail(step, "expected `A is-renamed OLD-NAME`");
}

static const struct {
    const char *word;
    bool (*act)(struct world *, struct actor *, struct step *);
} acts[] = {{"submits", act_submits},
            {"fetches", act_fetches},
            {"acknowledges", act_acknowledges},
            {"receives", act_receives},
            {"rejects", act_rejects},
            {"sends", script_sends},
            {"hands-over", act_hands_over},
            {"is-renamed", act_is_renamed},
            {"leaves", act_leaves},
            {"uploads", script_uploads},
            {"downloads", script_downloads},
            {"hands-back", script_hands_back}};

static const struct {
    const char *word;
    bool (*act)(struct world *, struct actor *, const struct tale *, struct step *);
} tale_acts[] = {{"signs", act_signs},
                 {"answers", act_answers},
                 {"tells", act_tells},
                 {"brings", act_brings},
                 {"withdraws", act_withdraws}};

bool script_act(struct world *world, struct actor *actor, struct step *step)
{
    const char *word = step_word(step, 1);

    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (strcmp(acts[i].word, word) == 0) {
            return acts[i].act(world, actor, step);
        }
    }
    for (size_t i = 0; i < sizeof(tale_acts) / sizeof(tale_acts[0]); i++) {
        if (strcmp(tale_acts[i].word, word) == 0) {
            const struct tale *tale = world_tale(world, step_word(step, 2));

            return tale != NULL ? tale_acts[i].act(world, actor, tale, step)
                                : step_fail(step, "no such referral: %s", step_word(step, 2));
        }
    }
    return step_fail(step, "an agency does not do this: %s", word);
}
