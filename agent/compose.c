/* From what a person or a script wants to say to messages that are ready to travel.
 *
 * The agent gives what a person need not know (ids, numbers, the other party), judges the message
 * by the rules that the broker will apply to the referral or matter as it will be when everything
 * that waits here has arrived, seals the body to all who get it and puts the rows. The transaction
 * is the caller's: a refusal of the third of three recipients leaves nothing of the first two.
 * Matters are in compose_matter.c. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/compose_parts.h"
#include "model/check.h"
#include "model/vocabulary.h"
#include "wire/sealing.h"

/* --- the payload --- */

struct readers {
    struct seal_reader list[LIMIT_READER_COUNT];
    size_t count;
};

static enum err add_reader(struct agent *agent, const char *id, struct readers *readers,
                           struct fault *fault)
{
    const struct key_entry *key;
    struct seal_reader *reader = &readers->list[readers->count];

    if (readers->count == LIMIT_READER_COUNT) {
        fault_set(fault, "message.too-many", "recipients", "expected at most %u agencies",
                  LIMIT_READER_COUNT - 1);
        return ERR_INVALID;
    }
    if (keyring_current(agent->setup.keyring, id, KEY_SEAL, agent_wall_ms(agent), &key) != OK) {
        fault_set(fault, "agent.no-sealing-key", "public-keys",
                  "there is no valid sealing key of \"%s\"", id);
        fault_hint(fault, "add that agency's public keys to this agent's public-keys.yaml");
        return ERR_INVALID;
    }
    text_copy(reader->agency, sizeof(reader->agency), id);
    memcpy(reader->public_key, key->public_key, SEAL_PUBLIC_BYTES);
    readers->count++;
    return OK;
}

/* The two that the body itself names, and all who get a copy. */
static enum err add_readers(struct agent *agent, const struct message *message,
                            const struct body *body, struct readers *readers, struct fault *fault)
{
    const struct registry *registry = agent->setup.registry;
    enum err error = add_reader(agent, body->recipient, readers, fault);

    if (error == OK) {
        error = add_reader(agent, body->sender, readers, fault);
    }
    for (size_t i = 0; error == OK && i < registry_count(registry); i++) {
        const struct agency *agency = registry_at(registry, i);

        if (agency_set_has(&message->copies, agency->number)) {
            error = add_reader(agent, agency->id, readers, fault);
        }
    }
    return error;
}

static enum err seal(const struct readers *readers, const struct body *body, struct span header,
                     struct buf *out, struct fault *fault)
{
    const struct seal_job job = {
        .header = header, .body = body, .readers = readers->list, .reader_count = readers->count};
    enum err error = body_seal(&job, out);

    if (error == ERR_TOO_LARGE) {
        fault_set(fault, "message.too-large", "body", "a body has at most %u bytes",
                  LIMIT_BODY_BYTES);
        fault_hint(fault, "shorten the texts; papers travel as materials");
    }
    return error;
}

enum err compose_payload(struct agent *agent, const struct message *message,
                         const struct body *body, struct buf *out, struct fault *fault)
{
    struct readers readers = {.count = 0};
    struct buf header, facts, sealed;
    struct payload parts;
    enum err error;

    buf_init(&header, LIMIT_HEADER_BYTES);
    buf_init(&facts, LIMIT_FACTS_BYTES);
    buf_init(&sealed, LIMIT_ENVELOPE_BYTES);
    error = header_encode(&message->header, &header);
    if (error == OK) {
        error = facts_encode(message, &facts);
    }
    if (error == OK && body != NULL) {
        error = add_readers(agent, message, body, &readers, fault);
    }
    if (error == OK && body != NULL) {
        error = seal(&readers, body, span_buf(&header), &sealed, fault);
    }
    parts = (struct payload){
        .header = span_buf(&header), .facts = span_buf(&facts), .body = span_buf(&sealed)};
    if (error == OK) {
        error = payload_encode(&parts, out);
    }
    buf_free(&header);
    buf_free(&facts);
    buf_free(&sealed);
    return error;
}

/* --- refusals --- */

/* "facts.ground: 7 is no ground" as a fault. */
enum err making_refuse(struct making *making, enum refusal refusal, const char *detail)
{
    char place[LIMIT_DETAIL_BYTES];
    size_t len = strcspn(detail, ":");
    const char *text = detail[len] == ':' ? detail + len + 1 : detail;

    text_copy(place, sizeof(place), detail);
    if (len < sizeof(place)) {
        place[len] = '\0';
    }
    fault_set(making->fault, refusal_name(refusal), place, "%s", text + strspn(text, " "));
    fault_hint(making->fault, "%s", refusal_hint(refusal));
    return ERR_INVALID;
}

/* Who would take them, by the city's policy: the first three. */
static enum err warn_suggested(struct making *making, uint64_t needs)
{
    const struct agent_setup *setup = &making->agent->setup;
    struct policy_suggested list[LIMIT_AGENCIES];
    size_t count = policy_suggest(setup->policy, setup->registry, needs,
                                  civil_day_at(agent_wall_ms(making->agent)), list);
    enum err error = OK;

    for (size_t i = 0; error == OK && i < count && i < 3; i++) {
        error = buf_printf(&making->composing->warnings, "%s %s", i == 0 ? "; suggested:" : ",",
                           registry_by_number(setup->registry, list[i].agency)->id);
    }
    return error;
}

static enum err warn_needs(struct making *making, uint64_t needs)
{
    const char *recipient = making->draft->message.header.recipient;
    struct buf *warnings = &making->composing->warnings;
    enum err error = buf_printf(warnings, "facts.needs: outside the duties of %s:", recipient);

    for (uint32_t bit = 0; error == OK && bit < 64; bit++) {
        const struct word *word = vocabulary_find(VOCABULARY_NEED, bit);

        if ((needs & UINT64_C(1) << bit) != 0 && word != NULL) {
            error = buf_printf(warnings, " %s", word->id);
        }
    }
    if (error == OK) {
        error = warn_suggested(making, needs);
    }
    return error == OK ? buf_append(warnings, "", 1) : error;
}

/* By itself, with its body, and by what it would do to the referral or matter. */
static enum err judge(struct making *making)
{
    struct agent *agent = making->agent;
    const struct message *message = &making->draft->message;
    const struct check_context check = {.policy = agent->setup.policy,
                                        .registry = agent->setup.registry};
    struct copy_lookup lookup = {.about_known = false};
    const struct copy_input input = {.message = message,
                                     .signer = agent->setup.self->number,
                                     .at_ms = agent_wall_ms(agent),
                                     .sending = true,
                                     .lookup = making->copy->known ? NULL : &lookup};
    struct check_result result;
    enum err error = OK;

    message_check(&check, message, &making->draft->body, &result);
    if (result.refusal != REFUSAL_NONE) {
        return making_refuse(making, result.refusal, result.detail);
    }
    if (!making->copy->known) {
        error = lookup_expected(agent, making->txn, message, &lookup);
    }
    if (error != OK) {
        return error;
    }
    copy_judge(agent, making->copy, &input);
    if (agent->decision->refusal != REFUSAL_NONE) {
        return making_refuse(making, agent->decision->refusal, agent->decision->detail);
    }
    return result.needs_outside != 0 ? warn_needs(making, result.needs_outside) : OK;
}

/* --- one message, once header and facts are complete --- */

/* What opens our own copy: the sender is one of the readers. */
static enum err keep_content_key(struct making *making, const struct row *row, struct span bytes)
{
    uint8_t content_key[AEAD_KEY_BYTES];
    struct payload payload;
    struct region region;
    enum err error = payload_split(bytes, &payload, NULL);

    if (error != OK || payload.body.len == 0) {
        return error;
    }
    region_init(&region, LIMIT_PARSE_BYTES(bytes.len));
    error = body_key(&payload, making->agent->setup.seal_key, &region, content_key);
    if (error == OK) {
        error = row_put_content_key(making->txn, row, content_key);
    }
    crypto_wipe(content_key, sizeof(content_key));
    region_free(&region);
    return error == ERR_NOT_FOUND ? OK : error; /* to a key that this agent does not have yet */
}

static enum err put(struct making *making)
{
    struct row *row = &making->composing->rows[making->composing->row_count];
    struct buf payload;
    enum err error = row_next_seq(making->txn, &row->seq);

    if (error != OK) {
        return error;
    }
    row->direction = ROW_OUT;
    row->state = ROW_WAITING;
    row->at_ms = making->draft->message.header.created_ms;
    row->header = making->draft->message.header;
    buf_init(&payload, LIMIT_ENVELOPE_BYTES);
    error = compose_payload(making->agent, &making->draft->message, &making->draft->body, &payload,
                            making->fault);
    if (error == OK) {
        error = row_add(making->txn, row, span_buf(&payload));
    }
    if (error == OK) {
        error = keep_content_key(making, row, span_buf(&payload));
    }
    if (error == OK) {
        error = carry_link(making->txn, row->seq, &making->draft->message);
    }
    buf_free(&payload);
    if (error == OK) {
        const struct case_key key = {.case_id = row->header.case_id,
                                     .referral_id = row->header.referral_id};

        making->composing->row_count++;
        changes_add(making->agent, &key);
    }
    return error;
}

void making_fill(struct making *making, const char *recipient)
{
    const struct agent *agent = making->agent;
    struct message *message = &making->draft->message;
    struct message_header *header = &message->header;
    struct body *body = &making->draft->body;

    header->version = WIRE_VERSION;
    header->suite = crypto_suite();
    header->message_id = agent_new_id(making->agent);
    header->case_id = making->key.case_id;
    header->referral_id = making->key.referral_id;
    header->created_ms = agent_wall_ms(agent);
    header->sender_key = key_id_of(agent->setup.sign_key->public_key);
    text_copy(header->sender, sizeof(header->sender), agent->setup.self->id);
    text_copy(header->recipient, sizeof(header->recipient), recipient);
    text_copy(body->sender, sizeof(body->sender), header->sender);
    text_copy(body->recipient, sizeof(body->recipient), recipient);
    body->message_id = header->message_id;
    body->case_id = header->case_id;
    message->body_present = true;
    message->body_fields = body_fields_of(body);
}

enum err making_finish(struct making *making)
{
    enum err error = judge(making);

    return error == OK ? put(making) : error;
}

/* --- numbers --- */

#define NUMBER_TRIES_MAX 100000u

/* What tells the counters of one prefix and year apart. */
static const char *const number_marks[] = {
    [NUMBER_CASE] = "", [NUMBER_REGISTER] = "-DJ", [NUMBER_MATTER] = "-SX"};

static enum err count_on(struct making *making, struct number *number)
{
    char counter[LIMIT_NUMBER_BYTES];
    uint64_t value = 0;
    int len = snprintf(counter, sizeof(counter), "%s%s-%" PRIu32, number->prefix,
                       number_marks[number->kind], number->year);
    enum err error;

    assert(len > 0 && (size_t)len < sizeof(counter));
    error = number_count(making->txn, counter, &value);
    if (error == OK && value > NUMBER_COUNTER_MAX) {
        error = ERR_FULL;
    }
    number->counter = error == OK ? (uint32_t)value : 0;
    return error;
}

/* A number is given once: what the broker refuses keeps it, and it is listed as void. Numbers that
 * messages brought are taken: after the loss of a store the count begins anew. */
enum err making_number(struct making *making, enum number_kind kind, char out[LIMIT_NUMBER_BYTES])
{
    const struct agency *self = making->agent->setup.self;
    struct number number = {.kind = kind};

    number.year = (uint32_t)civil_date_of(civil_day_at(agent_wall_ms(making->agent))).year;
    memcpy(number.prefix, self->prefix, sizeof(number.prefix));
    for (unsigned i = 0; i < NUMBER_TRIES_MAX; i++) {
        struct case_key taken;
        enum err error = count_on(making, &number);

        if (error == OK) {
            number_format(&number, out);
            error = number_find(making->txn, out, &taken);
        }
        if (error != OK) {
            return error == ERR_NOT_FOUND ? OK : error;
        }
    }
    return ERR_FULL;
}

/* The next free suffix of the case, whoever made the ones before. */
static enum err next_referral_number(struct making *making, const char *case_number,
                                     char out[LIMIT_NUMBER_BYTES])
{
    for (unsigned i = 0; i < NUMBER_SUFFIX_MAX; i++) {
        uint64_t suffix = 0;
        struct case_key key;
        enum err error = number_count(making->txn, case_number, &suffix);

        if (error == OK && suffix > NUMBER_SUFFIX_MAX) {
            fault_set(making->fault, "case.full", "case_number",
                      "this case has as many referrals as a number can count");
            fault_hint(making->fault, "leave case_number out to open a new case");
            error = ERR_FULL;
        }
        if (error == OK) {
            error = number_of_referral(case_number, (uint32_t)suffix, out);
        }
        if (error == OK) {
            error = number_find(making->txn, out, &key);
        }
        if (error != OK) {
            return error == ERR_NOT_FOUND ? number_put(making->txn, out, &making->key) : error;
        }
    }
    return ERR_FULL;
}

/* --- a referral to one or several agencies --- */

enum err making_case(struct making *making, const char *number)
{
    struct case_key whole = {.case_id = {{0}}};
    enum err error = number_find(making->txn, number, &whole);

    if (error == ERR_NOT_FOUND || error == ERR_INVALID ||
        (error == OK && !uuid_is_zero(&whole.referral_id))) {
        fault_set(making->fault, "case.unknown", "case_number",
                  "this agency has no case of this number");
        fault_hint(making->fault, "leave case_number out to open a new case");
        return ERR_INVALID;
    }
    making->key.case_id = whole.case_id;
    return error;
}

enum err making_referral(struct making *making, const char *text, const char *place,
                         struct copy *ret_copy)
{
    struct case_key key;
    enum err error = show_find(making->txn, text, place, &key, making->fault);

    if (error == OK) {
        error = copy_expected(making->agent, making->txn, &key, ret_copy);
    }
    if (error == OK && (!ret_copy->known || ret_copy->of_matter)) {
        fault_set(making->fault, refusal_name(REFUSAL_REFERRAL_UNKNOWN), place,
                  "expected the number or id of a referral that this agency has");
        fault_hint(making->fault, "`referralctl agent inbox` and `agent outbox` list what it has");
        error = ERR_INVALID;
    }
    return error;
}

/* The case that the file names; that of the referral which this one follows, while it takes
 * referrals; or a new one. */
static enum err open_case(struct making *making, const struct referral *previous,
                          char out[LIMIT_NUMBER_BYTES])
{
    struct agent *agent = making->agent;
    const char *given = making->draft->case_number;
    struct case_key whole = {.case_id = {{0}}};
    struct case_facts facts = {.known = false};
    enum err error = OK;

    if (given[0] == '\0' && previous != NULL) {
        error = lookup_case(agent, making->txn, &previous->case_id, &facts);
        given = facts.archived ? "" : previous->case_number;
    }
    if (error == OK && given[0] != '\0') {
        text_copy(out, LIMIT_NUMBER_BYTES, given);
        return making_case(making, out);
    }
    if (error == OK) {
        agent->setup.ops->random(agent->setup.ctx, making->key.case_id.bytes, UUID_BYTES);
        whole.case_id = making->key.case_id;
        error = making_number(making, NUMBER_CASE, out);
    }
    return error == OK ? number_put(making->txn, out, &whole) : error;
}

/* What it follows, as the broker reads it: the referral, and its case where that is another one. */
static void name_previous(struct making *making, const struct referral *previous)
{
    struct referral_facts *facts = &making->draft->message.referral;

    facts->previous = previous->referral_id;
    if (!uuid_equal(&previous->case_id, &making->key.case_id)) {
        facts->previous_case = previous->case_id;
    }
}

static enum err begin_referrals(struct making *making, char case_number[LIMIT_NUMBER_BYTES])
{
    const char *text = making->draft->about;
    struct copy *other = making->agent->other;
    struct referral previous;
    enum err error;

    if (text[0] == '\0') {
        return open_case(making, NULL, case_number);
    }
    error = making_referral(making, text, "previous", other);
    if (error != OK) {
        return error;
    }
    previous = other->referral;
    error = open_case(making, &previous, case_number);
    if (error == OK) {
        name_previous(making, &previous);
    }
    return error;
}

const struct agency *making_agency(struct making *making, size_t index)
{
    const char *id = making->draft->recipients[index];
    const struct agency *agency = registry_find(making->agent->setup.registry, id);
    bool may_be_said = agency_id_valid(id); /* what is no id may be anything, a name, too */
    char place[40];

    if (agency == NULL) {
        (void)snprintf(place, sizeof(place), "recipients[%zu]", index);
        fault_set(making->fault, "message.recipient", place,
                  "there is no such agency in the registry%s%s", may_be_said ? ": " : "",
                  may_be_said ? id : "");
        fault_hint(making->fault, "the `registry` of this agent (agencies.yaml) lists the ids");
    }
    return agency;
}

/* Each of several is asked for what it can give, and not told what the others are asked for. */
static enum err find_asking(struct making *making, struct policy_asking *asking)
{
    asking->needs = making->draft->message.referral.needs;
    asking->today = civil_day_at(agent_wall_ms(making->agent));
    for (size_t i = 0; i < making->draft->recipient_count; i++) {
        const struct agency *agency = making_agency(making, i);

        if (agency == NULL) {
            return ERR_INVALID;
        }
        agency_set_add(&asking->recipients, agency->number);
    }
    return OK;
}

static enum err refer(struct making *making)
{
    const struct agent_setup *setup = &making->agent->setup;
    struct message_header *header = &making->draft->message.header;
    struct policy_asking asking = {.needs = 0};
    char case_number[LIMIT_NUMBER_BYTES];
    enum err error = find_asking(making, &asking);

    if (error == OK) {
        error = begin_referrals(making, case_number);
    }
    making->copy->known = false;
    for (size_t i = 0; error == OK && i < making->draft->recipient_count; i++) {
        const char *recipient = making->draft->recipients[i];

        making->draft->message.referral.needs = policy_needs_for(
            setup->policy, setup->registry, &asking, making_agency(making, i)->number);
        making->key.referral_id = agent_new_id(making->agent);
        making_fill(making, recipient);
        text_copy(header->case_number, sizeof(header->case_number), case_number);
        error = next_referral_number(making, case_number, header->referral_number);
        if (error == OK) {
            error = making_finish(making);
        }
    }
    return error;
}

/* --- a message about a referral --- */

static enum err give_register_number(struct making *making)
{
    struct message *message = &making->draft->message;
    bool is_signed = (making->copy->referral.marks & MARK_SIGNED) != 0;
    char *number = NULL;

    if (message->header.kind == MESSAGE_SIGN_FOR) {
        number = message->sign_for.register_number;
    } else if ((message->header.kind == MESSAGE_OUTBOUND_FEEDBACK ||
                message->header.kind == MESSAGE_INBOUND_FEEDBACK) &&
               !is_signed) {
        number = message->feedback.register_number;
    }
    return number != NULL && number[0] == '\0' ? making_number(making, NUMBER_REGISTER, number)
                                               : OK;
}

const struct agency *making_other_party(const struct agent *agent, const struct referral *referral)
{
    const struct registry *registry = agent->setup.registry;
    uint64_t now_ms = agent_wall_ms(agent);
    uint16_t self = agent->setup.self->number;
    bool sender =
        referral->sender == self || registry_acting(registry, referral->sender, now_ms) == self;
    uint16_t other = sender ? referral->receiver : referral->sender;

    return registry_by_number(registry, registry_acting(registry, other, now_ms));
}

static enum err speak(struct making *making)
{
    const struct referral *before = &making->copy->referral;
    struct message_header *header = &making->draft->message.header;
    const struct agency *recipient = making_other_party(making->agent, before);
    enum err error;

    if (recipient == NULL) {
        return making_refuse(making, REFUSAL_RECIPIENT,
                             "referral: its other party left the registry");
    }
    text_copy(header->case_number, sizeof(header->case_number), before->case_number);
    text_copy(header->referral_number, sizeof(header->referral_number), before->number);
    if (uuid_is_zero(&header->refers_to)) {
        header->refers_to = before->message_id;
    }
    error = give_register_number(making);
    if (error == OK) {
        making_fill(making, recipient->id);
        error = making_finish(making);
    }
    return error;
}

/* --- which kind, which referral --- */

/* The referral that the command or the file names, as it will be. */
static enum err find_referral(struct making *making)
{
    struct composing *composing = making->composing;
    struct json_value value = json_member(&composing->message, "referral");
    const char *text = composing->referral;
    enum err error = OK;

    if (text == NULL || !json_absent(&value)) {
        error = json_get_text(&value, UUID_TEXT_BYTES, &text, making->fault);
    }
    if (error == OK && composing->referral != NULL && strcmp(text, composing->referral) != 0) {
        return json_refuse(&value, making->fault, "referral.other",
                           "is not the referral that the command names: leave it out");
    }
    if (error == OK) {
        error = show_find(making->txn, text, "referral", &making->key, making->fault);
    }
    if (error == OK && uuid_is_zero(&making->key.referral_id)) {
        fault_set(making->fault, "referral.case-number", "referral",
                  "this is the number of a case; expected that of a referral (…-01)");
        error = ERR_INVALID;
    }
    if (error != OK) {
        return error;
    }
    error = copy_expected(making->agent, making->txn, &making->key, making->copy);
    if (error == OK && (!making->copy->known || making->copy->of_matter)) {
        return making_refuse(making, REFUSAL_REFERRAL_UNKNOWN,
                             making->copy->known
                                 ? "referral: this is the number of a matter"
                                 : "referral: nothing was sent or received under this number");
    }
    return error;
}

/* "feedback" is the kind that the referral is answered by. */
static enum err kind_of_word(struct making *making, enum message_kind *ret_kind)
{
    const char *word = making->composing->kind;
    enum err error;

    *ret_kind = MESSAGE_NONE;
    if (word == NULL) {
        return OK;
    }
    if (strcmp(word, "feedback") == 0) {
        error = find_referral(making);
        if (error != OK) {
            return error;
        }
        *ret_kind = making->copy->referral.kind == MESSAGE_OUTBOUND_REFERRAL
                        ? MESSAGE_OUTBOUND_FEEDBACK
                        : MESSAGE_INBOUND_FEEDBACK;
        return error;
    }
    *ret_kind = message_kind_parse(word);
    if (!message_kind_from_agency(*ret_kind) || *ret_kind == MESSAGE_DELIVERY ||
        *ret_kind == MESSAGE_REJECTION) {
        return making_refuse(making, REFUSAL_KIND, "kind: not a kind that people send");
    }
    return OK;
}

static enum err begin(struct making *making)
{
    enum err error;

    switch (message_form_address(making->draft->message.header.kind)) {
    case ADDRESS_NEW_REFERRAL:
        return refer(making);
    case ADDRESS_REFERRAL:
        error = making->copy->known ? OK : find_referral(making);
        return error == OK ? speak(making) : error;
    default:
        return compose_matter(making);
    }
}

enum err compose(struct agent *agent, struct store_txn *txn, struct composing *composing,
                 struct fault *fault)
{
    struct message_draft draft;
    struct making making = {.agent = agent,
                            .txn = txn,
                            .composing = composing,
                            .draft = &draft,
                            .copy = agent->copy,
                            .fault = fault};
    enum message_kind kind;
    enum err error;

    making.copy->known = false;
    error = kind_of_word(&making, &kind);
    if (error == OK) {
        error = message_json_read(&composing->message, kind, composing->region, &draft, fault);
    }
    if (error == OK && draft.message.header.kind == MESSAGE_MEETING_NOTICE &&
        draft.message.meeting.agenda_count == 0) {
        error = agenda_fill(txn, composing->region, &draft.message.meeting);
    }
    if (error != OK) {
        return error;
    }
    composing->row_count = 0;
    composing->rows =
        region_take(composing->region, DRAFT_RECIPIENTS_MAX * sizeof(*composing->rows));
    if (composing->rows == NULL) {
        return ERR_MEMORY;
    }
    error = carry_fill(&making);
    return error == OK ? begin(&making) : error;
}
