/* What was handed back is decided anew, in the order of the lost log and at its times.
 *
 * The messages decide again what they decided then. Rungs are raised where somebody holds the
 * notice of one, with its number; what only fell due is raised when all is over, as after any
 * outage: whether the lost broker had raised it nobody knows. A notice that its addressee holds
 * comes to it as it was, so that nobody is told twice. Each turn applies a part. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "broker/turn.h"
#include "store/dedupe.h"
#include "store/handed.h"
#include "wire/receipt.h"

#define RAISE_MAX   64u  /* decisions about what had fallen due of one referral at one time */
#define APPLY_COUNT 500u /* items of one turn */
#define LEAF_MASK   ((UINT64_C(1) << RECOVERY_LEAF_BITS) - 1)

struct applying_item { /* one item, with its bytes in a region of its own */
    struct turn *turn;
    struct region region;
    uint64_t place;
    bool notice;
    struct span envelope;
    struct receipt receipt;
    struct leaf_record record;
    uint64_t log;
};

static enum err copy(struct region *region, struct span from, struct span *ret_to)
{
    uint8_t *to = region_take(region, from.len + 1);

    if (to == NULL) {
        return ERR_MEMORY;
    }
    if (from.len > 0) {
        memcpy(to, from.data, from.len);
    }
    *ret_to = span_of(to, from.len);
    return OK;
}

/* --- messages --- */

static enum err open_handed(struct region *region, struct span envelope,
                            struct handed_message *ret_handed)
{
    struct batch_proof proof;
    struct span payload;
    enum err error = envelope_decode(envelope, region, &payload, &proof, NULL);

    if (error == OK) {
        error = payload_split(payload, &ret_handed->payload, NULL);
    }
    if (error == OK) {
        ret_handed->digest = message_digest(&ret_handed->payload);
        ret_handed->envelope = envelope;
    }
    return error;
}

static enum err apply_message(struct applying_item *item)
{
    struct handed_message handed = {
        .signer = registry_find(item->turn->broker->setup.registry, item->record.actor)};
    enum err error = open_handed(&item->region, item->envelope, &handed);

    if (handed.signer == NULL) {
        log_event(EVENT_MESSAGE_LEFT_OUT,
                  "leaf %" PRIu64 " of the lost log is of %s, which is not in the registry any "
                  "more: it is not applied",
                  item->receipt.leaf_index, item->record.actor);
        return error;
    }
    return error == OK ? submit_replay(item->turn, &handed) : error;
}

/* A refusal stays one, and the number that it used up stays void. */
static enum err apply_refused(struct applying_item *item)
{
    struct turn *turn = item->turn;
    const struct leaf_record *old = &item->record;
    const struct agency *signer = registry_find(turn->broker->setup.registry, old->actor);
    bool reused = old->refusal == REFUSAL_ID_REUSED;
    struct dedupe_row row = {.digest = old->message_digest};
    struct leaf_record record;
    enum err error;

    if (signer == NULL) {
        return OK;
    }
    error = reused ? dedupe_find_conflict(turn->txn, signer->number, &old->message_id, &row.digest,
                                          &row.leaf)
                   : dedupe_find(turn->txn, signer->number, &old->message_id, &row);
    if (error != ERR_NOT_FOUND) {
        return error; /* decided already */
    }
    row.digest = old->message_digest;
    ledger_record(turn, LEAF_REFUSED, old->actor, &record);
    record.refusal = old->refusal;
    text_copy(record.detail, sizeof(record.detail), old->detail);
    record.message_id = old->message_id;
    record.message_digest = old->message_digest;
    record.message_kind = old->message_kind;
    record.case_id = old->case_id;
    record.referral_id = old->referral_id;
    text_copy(record.recipient, sizeof(record.recipient), old->recipient);
    text_copy(record.referral_number, sizeof(record.referral_number), old->referral_number);
    error = ledger_append(turn, &record, span_of(NULL, 0), AUDIT_NONE, &row.leaf);
    if (error == OK) {
        error = reused ? dedupe_add_conflict(turn->txn, signer->number, &old->message_id, &row)
                       : dedupe_add(turn->txn, signer->number, &old->message_id, &row);
    }
    turn->recovering.applied++;
    turn->recovering_changed = true;
    return error;
}

/* --- notices --- */

/* Raises what had fallen due by then; numbers and notices that people hold come back with it. */
static enum err raise(struct applying_item *item)
{
    struct turn *turn = item->turn;
    const struct case_key key = {.case_id = item->record.case_id,
                                 .referral_id = item->record.referral_id};
    struct cause by_time = {.header = NULL};
    enum err error = OK;

    for (unsigned i = 0; error == OK && i < RAISE_MAX; i++) {
        const struct decision *decision = turn->broker->decision;
        struct subject before;
        struct span packed;
        uint64_t leaf, next_ms;

        error = cases_get(turn->txn, &key, &packed);
        if (error == OK) {
            error = scheduler_decide(turn, &key.referral_id, packed, &before);
        }
        if (error != OK || decision->effect_count == 0) {
            break;
        }
        next_ms = subject_decided(decision).next_due_ms;
        error = ledger_apply(turn, &before, &by_time, &leaf);
        if (next_ms == 0 || next_ms > turn_counts_ms(turn)) {
            break;
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* The delivery receipt that the notice tells of: its author may have lost it. */
static enum err apply_evidence(struct applying_item *item, const struct message *message)
{
    struct turn *turn = item->turn;
    struct handed_message handed;
    struct message_header header;
    enum err error;

    if (message->notice.evidence.len == 0) {
        return OK;
    }
    error = open_handed(&item->region, message->notice.evidence, &handed);
    if (error == OK) {
        error = header_decode(handed.payload.header, &item->region, &header, NULL);
    }
    if (error != OK || (header.kind != MESSAGE_DELIVERY && header.kind != MESSAGE_REJECTION)) {
        return error == ERR_MEMORY ? error : OK;
    }
    handed.signer = registry_find(turn->broker->setup.registry, header.sender);
    return handed.signer != NULL ? submit_replay(turn, &handed) : OK;
}

static enum err find_notice(struct applying_item *item, struct handed_notice *ret_notice)
{
    const struct agency *recipient =
        registry_find(item->turn->broker->setup.registry, item->record.recipient);
    enum err error;

    if (recipient == NULL) {
        return ERR_NOT_FOUND;
    }
    *ret_notice = (struct handed_notice){.referral_id = item->record.referral_id,
                                         .recipient = recipient->number,
                                         .place = item->place - 1};
    error = handed_notice_next(item->turn->txn, ret_notice);
    return error == OK &&
                   (ret_notice->recipient != recipient->number || ret_notice->place != item->place)
               ? ERR_NOT_FOUND /* it came back with what caused it */
               : error;
}

static enum err apply_notice(struct applying_item *item)
{
    struct handed_notice notice;
    struct handed_message handed;
    struct message message;
    struct span envelope;
    enum err error = find_notice(item, &notice);

    if (error == OK) {
        error = copy(&item->region, notice.envelope, &envelope);
    }
    if (error == OK) {
        error = open_handed(&item->region, envelope, &handed);
    }
    if (error == OK) {
        error = message_decode(&handed.payload, &item->region, &message, NULL);
    }
    if (error != OK) {
        return error == ERR_NOT_FOUND ? OK : error;
    }
    if (message.header.kind == MESSAGE_REMINDER || message.header.kind == MESSAGE_ESCALATION) {
        return raise(item);
    }
    return apply_evidence(item, &message);
}

enum err replay_held(struct turn *turn, const struct uuid *referral_id, struct decide_context *ctx)
{
    struct handed_notice notice = {.referral_id = *referral_id};
    struct held_document *held = NULL;
    size_t count = 0, room = 0;
    enum err error = OK;

    while (turn->recovering.phase != RECOVERY_NONE &&
           (error = handed_notice_next(turn->txn, &notice)) == OK) {
        struct handed_message handed;
        struct message message;
        struct number number;

        error = open_handed(&turn->region, notice.envelope, &handed);
        if (error == OK) {
            error = message_decode(&handed.payload, &turn->region, &message, NULL);
        }
        if (error != OK) {
            return error;
        }
        if (count == room) {
            struct held_document *more =
                region_take(&turn->region, (2 * room + 16) * sizeof(*more));

            if (more == NULL) {
                return ERR_MEMORY;
            }
            if (count > 0) {
                memcpy(more, held, count * sizeof(*more));
            }
            room = 2 * room + 16;
            held = more;
        }
        if (message.header.kind == MESSAGE_ESCALATION &&
            rung_parse(message.notice.rung, &held[count].rung) == OK &&
            number_parse(NUMBER_DOCUMENT, message.notice.document_number, &number) == OK) {
            held[count].task = (uint32_t)message.notice.task;
            held[count].window = message.notice.window;
            held[count].number =
                (struct number_counter){.year = number.year, .last = number.counter};
            count++;
        }
    }
    ctx->held = held;
    ctx->held_count = count;
    return error == ERR_NOT_FOUND ? OK : error;
}

/* --- a notice that its addressee has already --- */

static enum err evidence_digest(struct region *region, struct span evidence,
                                struct digest *ret_digest)
{
    struct handed_message handed;
    enum err error = open_handed(region, evidence, &handed);

    *ret_digest = handed.digest;
    return error;
}

/* Tells the one what the other tells? */
static enum err same_notice(struct region *region, const struct message *fresh,
                            const struct cause *cause, const struct message *held, bool *ret_same)
{
    const struct notice_facts *a = &fresh->notice, *b = &held->notice;
    struct digest digest;
    enum err error;

    *ret_same = fresh->header.kind == held->header.kind && a->task == b->task &&
                a->window == b->window && strcmp(a->rung, b->rung) == 0 &&
                strcmp(a->document_number, b->document_number) == 0 &&
                (fresh->header.kind != MESSAGE_REDATING || a->due_before_ms == b->due_before_ms) &&
                (a->evidence.len > 0) == (b->evidence.len > 0);
    if (!*ret_same || b->evidence.len == 0) {
        return OK;
    }
    error = evidence_digest(region, b->evidence, &digest);
    *ret_same = error == OK && digest_equal(&digest, &cause->digest);
    return error;
}

static enum err take_notice(struct turn *turn, const struct handed_notice *held,
                            struct notice *notice)
{
    struct handed_message handed;
    struct span envelope;
    enum err error = copy(&turn->region, held->envelope, &envelope);

    if (error == OK) {
        error = open_handed(&turn->region, envelope, &handed);
    }
    if (error == OK) {
        error = header_decode(handed.payload.header, &turn->region, &notice->header, NULL);
    }
    if (error == OK) {
        notice->envelope = envelope;
        notice->digest = handed.digest;
        error = handed_notice_remove(turn->txn, held);
    }
    return error;
}

enum err replay_notice(struct turn *turn, const struct message *message, const struct cause *cause,
                       struct notice *notice)
{
    struct handed_notice held = {.referral_id = message->header.referral_id,
                                 .recipient = notice->recipient};
    enum err error = OK;

    while (turn->recovering.phase != RECOVERY_NONE &&
           (error = handed_notice_next(turn->txn, &held)) == OK &&
           held.recipient == notice->recipient) {
        struct handed_message handed;
        struct message old;
        bool same = false;

        error = open_handed(&turn->region, held.envelope, &handed);
        if (error == OK) {
            error = message_decode(&handed.payload, &turn->region, &old, NULL);
        }
        if (error == OK) {
            error = same_notice(&turn->region, message, cause, &old, &same);
        }
        if (error != OK || same) {
            return error == OK ? take_notice(turn, &held, notice) : error;
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* --- one item --- */

static enum err open_item(struct applying_item *item, const struct handed_item *stored)
{
    const struct keyring *keyring = item->turn->broker->setup.keyring;
    struct checkpoint checkpoint;
    struct span receipt;
    enum err error = copy(&item->region, stored->receipt, &receipt);

    if (error == OK) {
        error = copy(&item->region, stored->envelope, &item->envelope);
    }
    if (error == OK) {
        error = receipt_decode(receipt, &item->region, &item->receipt, NULL);
    }
    if (error == OK) {
        error = leaf_record_decode(item->receipt.record, &item->region, &item->record, NULL);
    }
    if (error == OK) {
        error = checkpoint_parse(item->receipt.checkpoint, &checkpoint, NULL);
    }
    if (error == OK) {
        error = recovery_log(keyring_origin(keyring), checkpoint.origin, &item->log);
    }
    item->place = stored->place;
    item->notice = stored->notice;
    return error == OK || error == ERR_MEMORY ? error : ERR_CORRUPT;
}

/* What a log wrote anew counts at the time that its first one had. */
static void begin(const struct applying_item *item)
{
    struct turn *turn = item->turn;
    const struct leaf_record *record = &item->record;
    struct replaying *replaying = &turn->replaying;

    *replaying = (struct replaying){
        .active = true,
        .lane = (uint8_t)(record->has_stream ? record->stream.lane % QUEUE_LANES : QUEUE_LANES - 1),
        .claimed_ms = record->claimed_ms,
        .mark = {.log = item->log,
                 .leaf = item->receipt.leaf_index,
                 .at_ms = record->has_recovered ? record->recovered.at_ms : record->at_ms,
                 .late = turn->recovering.phase == RECOVERY_OVER}};
    text_copy(replaying->recipient, sizeof(replaying->recipient), record->recipient);
}

static enum err apply_item(struct turn *turn, const struct handed_item *stored)
{
    struct applying_item item = {.turn = turn};
    const struct handed_item done = *stored;
    enum err error;

    region_init(&item.region, 4 * LIMIT_PARSE_BYTES(stored->envelope.len + stored->receipt.len) +
                                  LIMIT_PARSE_BYTES(LIMIT_ENVELOPE_BYTES));
    error = open_item(&item, stored);
    if (error == OK) {
        begin(&item);
        error = item.notice                        ? apply_notice(&item)
                : item.record.kind == LEAF_REFUSED ? apply_refused(&item)
                                                   : apply_message(&item);
        turn->replaying.active = false;
    }
    if (error == OK) {
        error = handed_remove(turn->txn, &done);
    }
    region_free(&item.region);
    return error;
}

/* Receipts that no log had: they count now, after all that was recorded. */
static enum err apply_unrecorded(struct turn *turn)
{
    struct handed_receipt receipt;
    struct region region;
    struct handed_message handed;
    enum err error = handed_receipt_first(turn->txn, &receipt);

    if (error != OK) {
        return error;
    }
    region_init(&region, 4 * LIMIT_PARSE_BYTES(receipt.envelope.len));
    error = copy(&region, receipt.envelope, &receipt.envelope);
    if (error == OK) {
        error = open_handed(&region, receipt.envelope, &handed);
    }
    handed.signer = registry_by_number(turn->broker->setup.registry, receipt.sender);
    if (error == OK && handed.signer != NULL) {
        turn->replaying =
            (struct replaying){.active = true, .unrecorded = true, .mark = {.at_ms = turn->now_ms}};
        error = submit_replay(turn, &handed);
        turn->replaying.active = false;
    }
    if (error == OK) {
        error = handed_receipt_remove(turn->txn, &receipt);
    }
    region_free(&region);
    return error;
}

/* --- the end --- */

static enum err count_missing(struct turn *turn, struct leaf_gap *gap, uint32_t *ranges)
{
    const struct recovering *state = &turn->recovering;
    uint64_t next = state->from;
    enum err error = OK;

    while (error == OK && next < state->to) {
        uint64_t place, leaf = state->to;

        error = handed_place(turn->txn, recovery_place(state->old_log, next), &place);
        if (error == OK && place < recovery_place(state->old_log, state->to)) {
            leaf = place & LEAF_MASK;
        }
        if (leaf > next) {
            gap->missing += leaf - next;
            if (gap->range_count + 2 <= LEAF_GAP_RANGES) {
                ranges[gap->range_count++] = (uint32_t)(next - state->from);
                ranges[gap->range_count++] = (uint32_t)(leaf - next);
            }
        }
        next = leaf + 1;
    }
    gap->ranges = ranges;
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err fill_without(struct turn *turn, struct leaf_gap *gap)
{
    const struct registry *registry = turn->broker->setup.registry;
    enum err error = OK;

    for (size_t i = 0; error == OK && i < registry_count(registry); i++) {
        const struct agency *agency = registry_at(registry, i);
        size_t len = strlen(gap->without);
        uint8_t how = 0;

        error = handed_all_get(turn->txn, agency->number, &how);
        if (how == 2 && len + 1 + strlen(agency->id) < sizeof(gap->without)) {
            if (len > 0) {
                gap->without[len++] = ' ';
            }
            text_copy(gap->without + len, sizeof(gap->without) - len, agency->id);
        }
    }
    return error;
}

static enum err write_gap(struct turn *turn)
{
    const struct recovering *state = &turn->recovering;
    uint32_t ranges[LEAF_GAP_RANGES];
    struct leaf_record record;
    struct leaf_gap *gap = &record.gap;
    uint64_t leaf;
    enum err error;

    ledger_record(turn, LEAF_GAP, BROKER_AGENCY, &record);
    record.has_gap = true;
    gap->log = state->old_log;
    gap->from = state->from;
    gap->to = state->to;
    gap->handed_back = state->handed_back;
    gap->applied = state->applied;
    gap->kept = state->kept;
    error = count_missing(turn, gap, ranges);
    if (error == OK) {
        error = handed_notice_count(turn->txn, &gap->notices_left);
    }
    if (error == OK) {
        error = fill_without(turn, gap);
    }
    if (error != OK) {
        return error;
    }
    log_event(EVENT_GAP_CLOSED,
              "the gap of the lost log is closed: of its records %" PRIu64 " to %" PRIu64
              " agencies handed back %" PRIu64 "; %" PRIu64 " were applied, %" PRIu64
              " kept as they no longer fit, %" PRIu64
              " indices nobody had (windows, rungs and starts of the broker are among them)",
              gap->from, gap->to, gap->handed_back, gap->applied, gap->kept, gap->missing);
    return ledger_append(turn, &record, span_of(NULL, 0), AUDIT_NONE, &leaf);
}

/* From now on as after any outage: that of the lost broker ended here. */
static enum err finish(struct turn *turn)
{
    struct recovering *state = &turn->recovering;
    struct timekeeper *keeper = &turn->broker->keeper;
    enum err error = write_gap(turn);

    if (state->phase == RECOVERY_APPLYING) {
        keeper->outage_from_ms =
            state->last_ms > keeper->outage_from_ms ? state->last_ms : keeper->outage_from_ms;
        keeper->outage_to_ms = turn->now_ms;
    }
    state->phase = RECOVERY_OVER;
    state->late_all = false;
    turn->recovering_changed = true;
    turn->broker->again = true;
    return error;
}

/* --- a turn --- */

static enum err apply_some(struct turn *turn)
{
    size_t begun = turn->written;
    enum err error = OK;

    turn->broker->again = true;
    for (unsigned i = 0; error == OK && i < APPLY_COUNT; i++) {
        struct handed_item item;

        if (turn->written - begun > TURN_WRITTEN_BYTES) {
            return OK;
        }
        error = handed_first(turn->txn, &item);
        if (error == OK) {
            error = apply_item(turn, &item);
        } else if (error == ERR_NOT_FOUND) {
            error = apply_unrecorded(turn);
        }
    }
    if (error == ERR_BUSY) {
        return OK; /* what it acknowledges is in the log with this commit */
    }
    return error == ERR_NOT_FOUND ? finish(turn) : error;
}

static enum err all_are_done(struct turn *turn, bool *ret_done)
{
    struct broker *broker = turn->broker;
    enum err error = OK;

    *ret_done = true;
    for (size_t i = 0; error == OK && i < broker->agency_count; i++) {
        enum broker_hand_back state;

        error = broker_recovery_agency(broker, turn->txn, i, &state);
        *ret_done = *ret_done && state != HAND_BACK_AWAITED;
    }
    return error;
}

enum err replay_turn(struct turn *turn)
{
    struct broker *broker = turn->broker;
    struct recovering *state = &turn->recovering;
    bool done = false;
    enum err error = OK;

    if (state->phase == RECOVERY_NONE || broker->behind.proven) {
        return OK;
    }
    if (state->phase == RECOVERY_AWAITING && turn->txn != NULL) {
        error = all_are_done(turn, &done); /* whoever is done has written something */
        if (error == OK && done) {
            state->phase = RECOVERY_APPLYING;
            turn->recovering_changed = true;
            log_event(EVENT_HANDED_BACK,
                      "all have handed back what they have of the lost log: %" PRIu64 " records",
                      state->handed_back);
        }
    }
    if (error != OK || broker->redating || broker->stopping ||
        (state->phase != RECOVERY_APPLYING && !state->late_all)) {
        return error;
    }
    error = turn_txn(turn);
    return error == OK ? apply_some(turn) : error;
}
