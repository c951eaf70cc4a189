/* How: what a letter was is read from its leaf. One that waits is returned by the same rule as a
 * receiver's rejection, in the name of the agency that has left; see letters.h. */
#include "broker/letters.h"

#include <assert.h>
#include <string.h>

#include "broker/turn.h"
#include "model/vocabulary.h"

#define LETTERS_REFUSED_MAX 200u  /* open ones, beyond which a refusal makes none */
#define LEFT_WALK_MAX       2000u /* rows of one lane of an agency that has left */

/* A program that sends the same thing again and again must not fill the list: its refusals are in
 * the log. */
static enum err has_room(struct store_txn *txn, bool *ret_room)
{
    struct dead_row row = {.leaf = 0};
    enum err error = dead_open_next(txn, 0, &row);
    unsigned count = 0;

    while (error == OK && ++count < LETTERS_REFUSED_MAX) {
        error = dead_open_next(txn, row.leaf + 1, &row);
    }
    *ret_room = count < LETTERS_REFUSED_MAX;
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err letters_add(struct turn *turn, uint64_t leaf, enum dead_cause cause, const char *detail)
{
    struct dead_row row = {.leaf = leaf, .cause = cause, .since_ms = turn->now_ms};
    bool room = true;
    enum err error = cause == DEAD_HOPS ? has_room(turn->txn, &room) : OK;

    text_copy(row.detail, sizeof(row.detail), detail);
    return error == OK && room ? dead_put(turn->txn, &row) : error;
}

/* --- which there are --- */

static enum err read_leaf(struct store_txn *txn, uint64_t leaf, struct letter *letter)
{
    struct leaf_record record;
    struct audit_entry entry;
    struct region region;
    enum err error = audit_read(txn, leaf, &entry);

    if (error != OK) {
        return error;
    }
    region_init(&region, LIMIT_PARSE_BYTES(entry.record.len));
    error = leaf_record_decode(entry.record, &region, &record, NULL);
    if (error == OK) {
        text_copy(letter->from, sizeof(letter->from), record.actor);
        text_copy(letter->to, sizeof(letter->to), record.recipient);
        text_copy(letter->number, sizeof(letter->number), record.referral_number);
        letter->kind = record.message_kind;
        letter->message_id = record.message_id;
        letter->case_id = record.case_id;
        letter->referral_id = record.referral_id;
        letter->item.stream.lane = (uint8_t)(record.stream.lane % QUEUE_LANES);
        letter->item.seq = record.has_stream ? record.stream.seq : 0;
    }
    region_free(&region);
    return error;
}

static enum err of_row(struct store_txn *txn, const struct dead_row *row, struct letter *ret_letter)
{
    memset(ret_letter, 0, sizeof(*ret_letter));
    ret_letter->row = *row;
    return read_leaf(txn, row->leaf, ret_letter);
}

/* The later of its queueing and the day of the leaving. */
static void of_item(const struct agency *agency, const struct queue_item *item,
                    struct letter *letter)
{
    uint64_t left_ms = civil_start_ms(agency->left_day);

    letter->row =
        (struct dead_row){.leaf = item->leaf,
                          .cause = DEAD_LEFT,
                          .since_ms = item->queued_ms > left_ms ? item->queued_ms : left_ms};
    letter->item = *item;
    letter->queued = true;
}

struct walk {
    struct store_txn *read;
    letter_visit *visit;
    void *arg;
    bool more;
};

static enum err show_row(struct walk *walk, const struct dead_row *row)
{
    struct letter letter;
    enum err error = of_row(walk->read, row, &letter);

    return error == OK ? walk->visit(walk->arg, &letter, &walk->more) : error;
}

static enum err each_open(struct walk *walk)
{
    struct dead_row row = {.leaf = 0};
    enum err error = dead_open_next(walk->read, 0, &row);

    while (error == OK && walk->more) {
        error = show_row(walk, &row);
        if (error == OK) {
            error = dead_open_next(walk->read, row.leaf + 1, &row);
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err each_settled(struct walk *walk)
{
    struct dead_row row = {.leaf = 0};
    enum err error = dead_settled_before(walk->read, UINT64_MAX, &row);

    while (error == OK && walk->more) {
        error = show_row(walk, &row);
        if (error == OK) {
            error = dead_settled_before(walk->read, row.leaf, &row);
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* The broker's own notices are no letters: they need no receipt. */
static enum err each_of_lane(struct walk *walk, const struct agency *agency, uint8_t lane)
{
    struct queue_stream stream = {.recipient = agency->number, .lane = lane};
    struct queue_item item = {.seq = 0};

    for (unsigned i = 0; walk->more && i < LEFT_WALK_MAX; i++) {
        struct letter letter = {.kind = 0};
        enum err error = queue_after(walk->read, stream, item.seq, &item);

        if (error != OK) {
            return error == ERR_NOT_FOUND ? OK : error;
        }
        if (!item.wants_receipt) {
            continue;
        }
        error = read_leaf(walk->read, item.leaf, &letter);
        if (error == OK) {
            of_item(agency, &item, &letter);
            error = walk->visit(walk->arg, &letter, &walk->more);
        }
        if (error != OK) {
            return error;
        }
    }
    return OK;
}

enum err letters_settled(struct store_txn *read, letter_visit *visit, void *arg)
{
    struct walk walk = {read, visit, arg, true};

    return each_settled(&walk);
}

enum err letters_open(const struct broker *broker, struct store_txn *read, letter_visit *visit,
                      void *arg)
{
    const struct registry *registry = broker->setup.registry;
    struct walk walk = {read, visit, arg, true};
    enum err error = each_open(&walk);

    for (size_t i = 0; error == OK && walk.more && i < registry_count(registry); i++) {
        const struct agency *agency = registry_at(registry, i);

        if (!agency_has_left(agency, broker->now_ms)) {
            continue;
        }
        for (uint8_t lane = 0; error == OK && lane < QUEUE_LANES; lane++) {
            error = each_of_lane(&walk, agency, lane);
        }
    }
    return error;
}

/* A leaf that queued something for an agency that has left, and it still waits. */
static enum err find_queued(const struct broker *broker, struct store_txn *read, uint64_t id,
                            struct letter *ret_letter)
{
    const struct agency *agency;
    struct queue_item item;
    uint64_t size = 0;
    enum err error = audit_size(read, &size);

    if (error != OK || id >= size) {
        return error != OK ? error : ERR_NOT_FOUND;
    }
    memset(ret_letter, 0, sizeof(*ret_letter));
    error = read_leaf(read, id, ret_letter);
    if (error != OK) {
        return error;
    }
    agency = registry_find(broker->setup.registry, ret_letter->to);
    if (agency == NULL || ret_letter->item.seq == 0 || !agency_has_left(agency, broker->now_ms)) {
        return ERR_NOT_FOUND;
    }
    ret_letter->item.stream.recipient = agency->number;
    error = queue_get(read, ret_letter->item.stream, ret_letter->item.seq, &item);
    if (error == OK && (item.leaf != id || !item.wants_receipt)) {
        error = ERR_NOT_FOUND;
    }
    if (error == OK) {
        of_item(agency, &item, ret_letter);
    }
    return error;
}

enum err letter_find(const struct broker *broker, struct store_txn *read, uint64_t id,
                     struct letter *ret_letter)
{
    struct dead_row row;
    enum err error = dead_get(read, id, &row);

    if (error == ERR_NOT_FOUND) {
        return find_queued(broker, read, id, ret_letter);
    }
    return error == OK ? of_row(read, &row, ret_letter) : error;
}

bool letter_is_told(const struct letter *letter)
{
    return letter->row.cause != DEAD_HOPS;
}

/* --- settling one --- */

struct settling {
    const struct letter *letter;
    enum dead_settled settled;
};

/* The referral or matter that the letter is of, in the broker's scratch. */
struct found_subject {
    struct referral referral;
    bool of_matter;
    struct subject before;
};

static enum err find_subject(struct turn *turn, const struct letter *letter,
                             struct found_subject *ret_found)
{
    const struct case_key key = {.case_id = letter->case_id, .referral_id = letter->referral_id};
    struct matter *matter = turn->broker->matter;
    struct span packed;
    enum err error = cases_get(turn->txn, &key, &packed);

    if (error != OK) {
        return error;
    }
    ret_found->of_matter = matter_is_packed(packed);
    if (ret_found->of_matter) {
        error = matter_unpack(packed, matter);
        ret_found->before = subject_of_matter(matter);
        return error;
    }
    error = referral_unpack(packed, &ret_found->referral);
    ret_found->before = subject_of_referral(&ret_found->referral);
    return error;
}

static uint32_t reason_of(enum dead_settled settled)
{
    return settled == DEAD_RETRIED ? REJECTION_SEND_AGAIN : REJECTION_SET_ASIDE;
}

/* The rejection that the agency would have signed. It is no message: nobody did. */
static enum err make_rejection(struct turn *turn, const struct settling *settling,
                               const struct found_subject *found, struct message *ret_message)
{
    const struct letter *letter = settling->letter;
    struct message_header *header = &ret_message->header;
    struct audit_entry entry;
    uint8_t random[10];
    enum err error = audit_read(turn->txn, letter->row.leaf, &entry);

    memset(ret_message, 0, sizeof(*ret_message));
    io_random(&turn->broker->setup.io, random, sizeof(random));
    header->version = WIRE_VERSION;
    header->suite = crypto_suite();
    header->kind = MESSAGE_REJECTION;
    header->message_id = uuid_v7(turn->now_ms, random);
    header->refers_to = letter->message_id;
    header->case_id = letter->case_id;
    header->referral_id = letter->referral_id;
    header->created_ms = turn->now_ms;
    text_copy(header->sender, sizeof(header->sender), letter->to);
    text_copy(header->recipient, sizeof(header->recipient), letter->from);
    text_copy(header->case_number, sizeof(header->case_number), found->before.case_number);
    text_copy(header->referral_number, sizeof(header->referral_number), found->before.number);
    ret_message->delivery.lane = letter->item.stream.lane;
    ret_message->delivery.stream_seq = letter->item.seq;
    ret_message->delivery.leaf_index = letter->row.leaf;
    ret_message->delivery.reason = reason_of(settling->settled);
    if (error == OK) {
        ret_message->delivery.leaf_hash = entry.hash;
    }
    return error;
}

/* Decides as if it had been rejected. Where the rules do not let even that (nothing is open any
 * more), its sender is told and it leaves the queue. */
static enum err decide_return(struct turn *turn, const struct settling *settling,
                              struct found_subject *found)
{
    struct broker *broker = turn->broker;
    struct decide_context ctx = ledger_context(turn);
    struct message message;
    struct region region;
    struct lookup lookup = {.message = &message, .region = &region};
    enum err error = make_rejection(turn, settling, found, &message);

    region_init(&region, LIMIT_PARSE_BYTES(AUDIT_RECORD_BYTES));
    lookup.signer = registry_find(broker->setup.registry, settling->letter->to);
    lookup.referral = found->of_matter ? NULL : &found->referral;
    lookup.matter = found->of_matter ? broker->matter : NULL;
    assert(lookup.signer != NULL);
    if (error == OK) {
        error = lookup_fill(turn, &lookup, &ctx);
    }
    if (error == OK && found->of_matter) {
        decide_matter_message(&ctx, broker->matter, &message, broker->decision);
    } else if (error == OK) {
        decide_message(&ctx, &found->referral, &message, broker->decision);
    }
    region_free(&region);
    return error;
}

static void decide_told(struct turn *turn, const struct settling *settling,
                        const struct found_subject *found)
{
    struct broker *broker = turn->broker;
    const struct decide_context ctx = ledger_context(turn);
    const struct agency *author = registry_find(broker->setup.registry, settling->letter->from);
    struct decide_letter letter = {.reason = reason_of(settling->settled)};

    assert(author != NULL);
    letter.author = author->number;
    if (found->of_matter) {
        decide_matter_letter(&ctx, broker->matter, &letter, broker->decision);
    } else {
        decide_letter(&ctx, &found->referral, &letter, broker->decision);
    }
}

static enum err tell_sender(struct turn *turn, const struct settling *settling)
{
    const struct letter *letter = settling->letter;
    struct cause cause = {.header = NULL, .item = letter->queued ? &letter->item : NULL};
    struct found_subject found;
    uint64_t leaf;
    enum err error = find_subject(turn, letter, &found);

    if (error == OK && letter->queued) {
        error = decide_return(turn, settling, &found);
        if (error == OK && turn->broker->decision->refusal != REFUSAL_NONE) {
            error = queue_remove(turn->txn, letter->item.stream, letter->item.seq);
            decide_told(turn, settling, &found);
        }
    } else if (error == OK) {
        decide_told(turn, settling, &found);
    }
    return error == OK ? ledger_apply(turn, &found.before, &cause, &leaf) : error;
}

static enum err apply(struct turn *turn, void *arg)
{
    const struct settling *settling = arg;
    struct dead_row row = settling->letter->row;
    enum err error = letter_is_told(settling->letter) ? tell_sender(turn, settling) : OK;

    row.settled = settling->settled;
    row.settled_leaf = turn->broker->act->leaf;
    return error == OK ? dead_put(turn->txn, &row) : error;
}

enum err broker_letter_settle(struct broker *broker, struct act *act, const struct letter *letter,
                              enum dead_settled settled)
{
    struct settling settling = {.letter = letter, .settled = settled};

    assert(letter->row.settled == DEAD_OPEN && settled != DEAD_OPEN);
    act->apply = apply;
    act->arg = &settling;
    return broker_act(broker, act);
}
