/* What only the broker can look up for a decision: whose a number is, what waits where a receipt
 * says, the whole case, a referral that the facts name, the newest roster. Reads the turn's own
 * transaction, so that what was decided a moment ago counts. */
#include <string.h>

#include "broker/turn.h"
#include "store/dedupe.h"

#define ROSTER_META "roster"

/* --- numbers --- */

static enum err number_is_foreign(struct turn *turn, const char *number,
                                  const struct case_key *owner, bool *ret_foreign)
{
    struct case_key key;
    enum err error;

    if (number == NULL || number[0] == '\0') {
        return OK;
    }
    error = number_find(turn->txn, number, &key);
    if (error == ERR_NOT_FOUND) {
        return OK;
    }
    if (error == OK && !(uuid_equal(&key.case_id, &owner->case_id) &&
                         uuid_equal(&key.referral_id, &owner->referral_id))) {
        *ret_foreign = true;
    }
    return error;
}

static enum err fill_numbers(struct turn *turn, const struct lookup *lookup,
                             struct decide_context *ctx)
{
    const struct message_header *header = &lookup->message->header;
    struct claimed_numbers claimed = decide_claimed_numbers(lookup->message);
    struct case_key own = {.case_id = header->case_id, .referral_id = header->referral_id};
    struct case_key whole_case = {.case_id = header->case_id};
    enum err error = number_is_foreign(turn, claimed.referral, &own, &ctx->number_taken);

    if (error == OK) {
        error = number_is_foreign(turn, claimed.case_number, &whole_case, &ctx->number_taken);
    }
    return error == OK ? number_is_foreign(turn, claimed.register_number, &own, &ctx->number_taken)
                       : error;
}

/* One id is one referral or matter, whatever case a message names. */
static enum err fill_name(struct turn *turn, const struct lookup *lookup,
                          struct decide_context *ctx)
{
    const struct message_header *header = &lookup->message->header;
    const struct case_key own = {.case_id = header->case_id, .referral_id = header->referral_id};
    char name[REFERRAL_NAME_BYTES];
    enum err error = ledger_referral_name(&header->referral_id, name);

    return error == OK ? number_is_foreign(turn, name, &own, &ctx->referral_known) : error;
}

/* --- the queued item that a receipt names --- */

static enum err fill_item(struct turn *turn, struct lookup *lookup, struct decide_context *ctx)
{
    const struct delivery_facts *facts = &lookup->message->delivery;
    struct queue_stream stream = {.recipient = lookup->signer->number};
    struct audit_entry entry;
    struct leaf_record record;
    const struct agency *author;
    enum err error;

    if (facts->lane >= QUEUE_LANES) {
        return OK;
    }
    stream.lane = (uint8_t)facts->lane;
    error = queue_get(turn->txn, stream, facts->stream_seq, &lookup->queued);
    if (error != OK) {
        return error == ERR_NOT_FOUND ? OK : error;
    }
    error = audit_read(turn->txn, lookup->queued.leaf, &entry);
    if (error == OK) {
        error = leaf_record_decode(entry.record, lookup->region, &record, NULL);
    }
    if (error != OK) {
        return error;
    }
    lookup->queued_found = true;
    lookup->item.message_id = lookup->queued.message_id;
    lookup->item.case_id = record.case_id;
    lookup->item.referral_id = record.referral_id;
    author = registry_find(turn->broker->setup.registry, record.actor);
    lookup->item.author = author == NULL ? 0 : author->number;
    lookup->item.leaf_index = lookup->queued.leaf;
    lookup->item.leaf_hash = entry.hash;
    ctx->item = &lookup->item;
    return OK;
}

/* --- the message that is referred to --- */

/* Was it sent by this agency, about this very referral or matter? ERR_NOT_FOUND: not by it. */
static enum err fill_refers_to_of(struct turn *turn, struct lookup *lookup, uint16_t sender,
                                  struct decide_context *ctx)
{
    const struct message_header *header = &lookup->message->header;
    struct dedupe_row row;
    struct audit_entry entry;
    struct leaf_record record;
    enum err error = dedupe_find(turn->txn, sender, &header->refers_to, &row);

    if (error != OK) {
        return error;
    }
    error = audit_read(turn->txn, row.leaf, &entry);
    if (error == ERR_NOT_FOUND) {
        return OK; /* decided in this same turn: the dedupe row is witness enough */
    }
    if (error == OK) {
        error = leaf_record_decode(entry.record, lookup->region, &record, NULL);
    }
    if (error == OK) {
        ctx->refers_to_foreign =
            record.kind != LEAF_MESSAGE || !uuid_equal(&record.referral_id, &header->referral_id);
    }
    return error;
}

static size_t speaker_count(const struct lookup *lookup)
{
    return lookup->matter != NULL ? lookup->matter->member_count + 1 : 2;
}

static uint16_t speaker_at(const struct lookup *lookup, size_t index)
{
    if (lookup->matter != NULL) {
        return index == 0 ? lookup->matter->owner : lookup->matter->members[index - 1].agency;
    }
    return index == 0 ? lookup->referral->sender : lookup->referral->receiver;
}

/* It must be a message of this referral or matter, by whoever speaks in it, or by who acts for one
 * that left. */
static enum err fill_refers_to(struct turn *turn, struct lookup *lookup, struct decide_context *ctx)
{
    bool decided = lookup->referral != NULL || lookup->matter != NULL;
    enum err error;

    if (!decided || uuid_is_zero(&lookup->message->header.refers_to) || ctx->item != NULL) {
        return OK;
    }
    for (size_t i = 0; i < speaker_count(lookup); i++) {
        error = fill_refers_to_of(turn, lookup, speaker_at(lookup, i), ctx);
        if (error != ERR_NOT_FOUND) {
            return error;
        }
    }
    error = fill_refers_to_of(turn, lookup, lookup->signer->number, ctx);
    if (error == ERR_NOT_FOUND) {
        ctx->refers_to_foreign = true;
        return OK;
    }
    return error;
}

/* --- the whole case --- */

struct walk {
    struct case_facts *facts;   /* what is gathered of the case; or NULL */
    const struct uuid *sent_on; /* a referral whose re-referral is looked for; or NULL */
    bool is_sent_on;
};

static enum err walk_one(struct turn *turn, struct span packed, struct walk *walk)
{
    struct referral referral;
    enum err error;

    if (matter_is_packed(packed)) {
        error = matter_unpack(packed, turn->broker->other_matter);
        if (error == OK && walk->facts != NULL) {
            case_facts_add_matter(walk->facts, turn->broker->other_matter);
        }
        return error;
    }
    error = referral_unpack(packed, &referral);
    if (error != OK) {
        return error;
    }
    if (walk->facts != NULL) {
        case_facts_add_referral(walk->facts, &referral);
    }
    walk->is_sent_on =
        walk->is_sent_on || (walk->sent_on != NULL && referral_sends_on(&referral, walk->sent_on));
    return OK;
}

static enum err walk_case(struct turn *turn, const struct uuid *case_id, struct walk *walk)
{
    struct case_key at, key;
    bool first = true;
    enum err error = OK;

    while (error == OK) {
        struct span packed;

        error = cases_next(turn->txn, case_id, first ? NULL : &at, &key, &packed);
        if (error == OK) {
            error = walk_one(turn, packed, walk);
            at = key;
            first = false;
        }
    }
    if (walk->facts != NULL) {
        walk->facts->known = !first;
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err fill_case(struct turn *turn, struct lookup *lookup, struct decide_context *ctx)
{
    struct walk walk = {.facts = &lookup->whole_case};
    enum err error = walk_case(turn, &lookup->message->header.case_id, &walk);

    ctx->whole_case = &lookup->whole_case;
    ctx->case_known = lookup->whole_case.known;
    return error;
}

/* A known case keeps its number: nobody gives it a second one. */
static enum err fill_case_number(struct turn *turn, const struct lookup *lookup,
                                 struct decide_context *ctx)
{
    struct claimed_numbers claimed = decide_claimed_numbers(lookup->message);
    struct case_key key;
    enum err error;

    if (!ctx->case_known || claimed.case_number[0] == '\0') {
        return OK;
    }
    error = number_find(turn->txn, claimed.case_number, &key);
    if (error == ERR_NOT_FOUND) {
        ctx->number_taken = true;
        return OK;
    }
    return error;
}

/* --- a referral that the facts name --- */

static enum err fill_about(struct turn *turn, struct lookup *lookup, struct decide_context *ctx)
{
    const struct message_reference named = message_reference(lookup->message);
    const struct case_key key = {.case_id = named.case_id, .referral_id = named.referral_id};
    struct walk walk = {.sent_on = &named.referral_id};
    struct span packed;
    enum err error;

    if (uuid_is_zero(&named.referral_id)) {
        return OK;
    }
    error = cases_get(turn->txn, &key, &packed);
    if (error == ERR_NOT_FOUND || (error == OK && matter_is_packed(packed))) {
        return OK;
    }
    if (error == OK) {
        error = referral_unpack(packed, &lookup->about);
    }
    if (error == OK) {
        error = walk_case(turn, &named.case_id, &walk);
    }
    ctx->about = &lookup->about;
    ctx->about_sent_on = walk.is_sent_on;
    return error;
}

static enum err fill_roster(struct turn *turn, struct decide_context *ctx)
{
    struct span value;
    enum err error = store_meta_get(turn->txn, ROSTER_META, &value);

    if (error == OK && value.len == 4) {
        ctx->roster_edition = be32_get(value.data);
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static bool is_receipt(const struct message *message)
{
    return message->header.kind == MESSAGE_DELIVERY || message->header.kind == MESSAGE_REJECTION;
}

static bool is_new(const struct lookup *lookup)
{
    return lookup->referral == NULL && lookup->matter == NULL && !is_receipt(lookup->message);
}

enum err lookup_fill(struct turn *turn, struct lookup *lookup, struct decide_context *ctx)
{
    enum message_kind kind = lookup->message->header.kind;
    enum err error = fill_numbers(turn, lookup, ctx);

    ctx->signer = lookup->signer->number;
    if (error == OK && is_receipt(lookup->message)) {
        error = fill_item(turn, lookup, ctx);
    }
    if (error == OK && is_new(lookup)) {
        error = fill_name(turn, lookup, ctx);
    }
    if (error == OK && (is_new(lookup) || message_kind_of_matter(kind))) {
        error = fill_case(turn, lookup, ctx);
    }
    if (error == OK && is_new(lookup)) {
        error = fill_case_number(turn, lookup, ctx);
    }
    if (error == OK) {
        error = fill_about(turn, lookup, ctx);
    }
    if (error == OK && !turn->replaying.active) {
        error = blobs_missing(turn, lookup->signer, lookup->message, &ctx->attachment_missing);
    }
    if (error == OK && kind == MESSAGE_ROSTER) {
        error = fill_roster(turn, ctx);
    }
    return error == OK ? fill_refers_to(turn, lookup, ctx) : error;
}
