/* A delivery's place in its stream: the number and the leaf hash before it say that nothing was
 * left out and nothing put in between. What came before is acknowledged again. What is held has its
 * place taken, and comes later (held.c). In the transaction of the reply. Loop thread. */
#include "agent/arrival.h"

#include <inttypes.h>
#include <string.h>

#include "agent/held.h"
#include "base/log.h"
#include "model/lanes.h"

#define STREAM_BYTES            (8u + DIGEST_BYTES)
#define STATEMENTS_WAIT_MS      1000u
#define REFUSED_RECEIPT_WAIT_MS 30000u

struct stream { /* of one lane: what came last */
    uint64_t seq;
    struct digest hash;
};

static struct span stream_key(uint32_t lane, uint8_t out[2])
{
    out[0] = 's';
    out[1] = (uint8_t)lane;
    return span_of(out, 2);
}

static enum err stream_load(struct store_txn *txn, uint32_t lane, struct stream *ret)
{
    uint8_t key[2];
    struct span value;
    enum err error = store_get(txn, STORE_VALUE, stream_key(lane, key), &value);

    memset(ret, 0, sizeof(*ret));
    if (error == OK && value.len == STREAM_BYTES) {
        ret->seq = be64_get(value.data);
        memcpy(ret->hash.bytes, value.data + 8, DIGEST_BYTES);
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* As it is noted while it is held. */
static struct held_place place_of(const struct arrival *arrival)
{
    const struct leaf_record *record = &arrival->facts.record;

    return (struct held_place){.lane = record->stream.lane,
                               .seq = record->stream.seq,
                               .leaf_hash = arrival->facts.leaf_hash,
                               .case_id = record->case_id,
                               .since_ms = arrival->head->time_ms,
                               .statements = (uint32_t)arrival->agent->registry.statements.count};
}

enum err arrival_save_stream(struct arrival *arrival)
{
    const struct leaf_stream *stream = &arrival->facts.record.stream;
    uint8_t key[2], value[STREAM_BYTES];

    arrival->agent->fetching.brought = true;
    if (arrival->was_held) { /* the stream has gone on behind it */
        return held_remove(arrival->txn, stream->lane, stream->seq);
    }
    be64_put(value, stream->seq);
    memcpy(value + 8, arrival->facts.leaf_hash.bytes, DIGEST_BYTES);
    return store_put(arrival->txn, STORE_VALUE, stream_key(stream->lane, key),
                     span_of(value, sizeof(value)));
}

/* Behind what came last nothing is known of the new log; what we have there comes again, and takes
 * its positions anew. */
enum err inbox_reset_stream(struct agent *agent, struct store_txn *txn,
                            const struct stream_base *base)
{
    const struct position last = {.lane = base->lane, .stream_seq = base->seq};
    uint8_t key[2], value[STREAM_BYTES];
    struct row row = {.seq = 0};
    enum err error = base->seq != 0 ? row_at_position(txn, last, &row) : OK;

    if (error != OK && error != ERR_NOT_FOUND) {
        return error;
    }
    if (base->seq != 0 && !agent->setup.accept_gaps &&
        (error != OK || !digest_equal(&row.leaf_hash, &base->hash))) {
        agent_alarm(agent, DISTRUST_DELIVERY,
                    "the new log has another message in lane %" PRIu32 " at %" PRIu64
                    " than this agency acknowledged",
                    base->lane, base->seq);
        return ERR_FORGED;
    }
    be64_put(value, base->seq);
    memcpy(value + 8, base->hash.bytes, DIGEST_BYTES);
    error = held_forget(txn, base->lane);
    return error == OK ? store_put(txn, STORE_VALUE, stream_key(base->lane, key),
                                   span_of(value, sizeof(value)))
                       : error;
}

static void note_held(struct agent *agent, const struct leaf_stream *stream)
{
    agent->plain[agent->plain_count++] =
        (struct position){.lane = stream->lane, .stream_seq = stream->seq, .held = true};
}

/* It came before: its acknowledgement was lost, or the broker lost it. */
static enum err acknowledge_again(struct arrival *arrival)
{
    struct agent *agent = arrival->agent;
    const struct leaf_stream *stream = &arrival->facts.record.stream;
    const struct position position = {.lane = stream->lane, .stream_seq = stream->seq};
    struct row known, receipt;
    bool shown = false;
    enum err error = row_at_position(arrival->txn, position, &known);

    if (error == ERR_NOT_FOUND) { /* of a gap that was accepted */
        return arrival_doubt(arrival, DISTRUST_UNPROVEN,
                             "it lies before where this store begins; restore the store");
    }
    if (error != OK) {
        return error;
    }
    if (!digest_equal(&known.leaf_hash, &arrival->facts.leaf_hash)) {
        return arrival_distrust(arrival, "it stands where another message stood before");
    }
    error = row_was_superseded(arrival->txn, known.seq, &shown);
    if (error != OK) {
        return error;
    }
    if (known.receipt_seq == 0 || shown) { /* of a lost log: our receipt is in it */
        agent->plain[agent->plain_count++] = position;
        return OK;
    }
    error = row_get(arrival->txn, ROW_OUT, known.receipt_seq, &receipt);
    if (error == OK && receipt.state == ROW_REFUSED) { /* for good: it would be refused again */
        agent->askings[SLOT_FETCH].not_before_ms =
            agent_machine_ms(agent) + REFUSED_RECEIPT_WAIT_MS;
        return OK;
    }
    if (error == OK && receipt.state != ROW_WAITING) {
        error = row_wait_again(arrival->txn, &receipt);
    }
    agent->receipts_wait = true;
    return error;
}

/* A stream that begins again in the copy of a lost log has holes where this agency had acknowledged
 * before the copy was made: it follows what we have there. */
static enum err follows_known(struct arrival *arrival, bool *ret_known)
{
    const struct leaf_stream *next = &arrival->facts.record.stream;
    const struct position before = {.lane = next->lane, .stream_seq = next->seq - 1};
    struct row row;
    enum err error = arrival->agent->following.past_count > 0
                         ? row_at_position(arrival->txn, before, &row)
                         : ERR_NOT_FOUND;

    *ret_known = error == OK && digest_equal(&row.leaf_hash, &next->previous);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* It comes at a place that the stream has left behind. */
static enum err come_late(struct arrival *arrival, bool *ret_new)
{
    const struct leaf_stream *stream = &arrival->facts.record.stream;
    struct held_place place;
    enum err error = held_find(arrival->txn, stream->lane, stream->seq, &place);

    if (error == ERR_NOT_FOUND) {
        return acknowledge_again(arrival);
    }
    if (error == OK && !digest_equal(&place.leaf_hash, &arrival->facts.leaf_hash)) {
        return arrival_distrust(arrival, "it stands where another message was held");
    }
    if (error == OK && arrival->delivery->hold == HOLD_HELD) {
        note_held(arrival->agent, stream);
        return OK;
    }
    *ret_new = arrival->was_held = error == OK;
    return error;
}

/* ret_new: it continues the stream, or comes where it was held. */
enum err arrival_check_stream(struct arrival *arrival, bool *ret_new)
{
    const struct leaf_stream *next = &arrival->facts.record.stream;
    struct stream last;
    bool known = false;
    enum err error;

    if (next->lane >= LANE_COUNT || next->seq == 0) {
        return arrival_distrust(arrival, "it has no place in a stream");
    }
    error = stream_load(arrival->txn, next->lane, &last);
    if (error != OK) {
        return error;
    }
    *ret_new = next->seq > last.seq;
    if (!*ret_new) {
        return come_late(arrival, ret_new);
    }
    if (arrival->agent->setup.accept_gaps && next->seq != last.seq + 1) {
        log_event(EVENT_MESSAGES_SKIPPED,
                  "lane %" PRIu32 ": messages %" PRIu64 " to %" PRIu64
                  " are not in this store (accept-gaps is on: turn it off again)",
                  next->lane, last.seq + 1, next->seq - 1);
        return OK;
    }
    if (next->seq > last.seq + 1) {
        error = follows_known(arrival, &known);
        if (error != OK || known) {
            return error;
        }
    }
    if (next->seq != last.seq + 1) {
        return arrival_doubt(arrival, DISTRUST_UNPROVEN, "messages before it were left out");
    }
    if (!digest_equal(&next->previous, &last.hash)) {
        return arrival_distrust(arrival, "it does not follow the message before it");
    }
    return OK;
}

/* --- what is held --- */

/* The broker has statements about keys that this agent lacks: those come first, before what is held
 * is judged. */
static bool statements_wait(const struct agent *agent)
{
    return agent->registry.told_statements > agent->registry.statements.count;
}

static enum err fetch_later(struct agent *agent)
{
    agent->askings[SLOT_FETCH].not_before_ms = agent_machine_ms(agent) + STATEMENTS_WAIT_MS;
    return ERR_FORGED;
}

/* A reason that this agent can see: the key of its signature is revoked, or it follows what is held
 * in its case. */
static enum err check_hold(struct arrival *arrival)
{
    struct agent *agent = arrival->agent;
    const struct held_place place = place_of(arrival);
    struct held_before before;
    enum err error = OK;

    if (registry_revoked(agent, arrival->message.header.sender, arrival->delivery->proof.key,
                         KEY_NOT_REVOKED)) {
        return OK;
    }
    error = held_before(arrival->txn, &place, &before);
    if (error != OK || before.same_case) {
        return error;
    }
    if (statements_wait(agent)) {
        return fetch_later(agent);
    }
    return arrival_doubt(arrival, DISTRUST_UNPROVEN,
                         "it is said to be held, and no key that signed it is revoked");
}

/* Its place is taken; it comes again. */
enum err arrival_hold(struct arrival *arrival)
{
    const struct held_place place = place_of(arrival);
    enum err error = check_hold(arrival);

    if (error == OK) {
        error = held_put(arrival->txn, &place);
    }
    if (error == OK) {
        error = arrival_save_stream(arrival);
    }
    if (error == OK) {
        note_held(arrival->agent, &arrival->facts.record.stream);
    }
    return error;
}

/* What is not held must leave nothing behind that is: of its case, or for longer than anything is.
 */
enum err arrival_check_held(struct arrival *arrival)
{
    const struct held_place place = place_of(arrival);
    struct held_before before;
    enum err error = held_before(arrival->txn, &place, &before);

    if (error == OK && before.same_case) {
        return arrival_distrust(arrival, "it overtakes a message of its case that is held");
    }
    if (error == OK && before.overdue && statements_wait(arrival->agent)) {
        return fetch_later(arrival->agent);
    }
    if (error == OK && before.overdue) {
        return arrival_doubt(
            arrival, DISTRUST_UNPROVEN,
            "a message before it was held, and is not delivered though its time is over");
    }
    return error;
}

/* --- what speaks against the broker --- */

enum err arrival_doubt(struct arrival *arrival, enum distrust_kind kind, const char *what)
{
    agent_alarm(arrival->agent, kind, "a message that the broker delivers (leaf %" PRIu64 "): %s",
                arrival->delivery->leaf_index, what);
    return ERR_FORGED;
}

enum err arrival_distrust(struct arrival *arrival, const char *what)
{
    return arrival_doubt(arrival, DISTRUST_DELIVERY, what);
}
