/* The ledger: what a decision's effects become. Every effect is a leaf, a row or a notice, by one
 * table; nothing is decided here. The referral's leaves are linked backwards (its trail), so the
 * referral itself is written last. */
#include <assert.h>
#include <string.h>

#include "base/log.h"
#include "broker/turn.h"
#include "store/due.h"
#include "store/handed.h"

void ledger_record(const struct turn *turn, enum leaf_kind kind, const char *actor,
                   struct leaf_record *ret_record)
{
    memset(ret_record, 0, sizeof(*ret_record));
    ret_record->version = WIRE_VERSION;
    ret_record->kind = kind;
    ret_record->at_ms = turn->now_ms;
    ret_record->has_recovered = turn->replaying.active && !turn->replaying.unrecorded;
    ret_record->recovered = turn->replaying.mark;
    text_copy(ret_record->actor, sizeof(ret_record->actor), actor);
}

static void draw_salt(struct turn *turn, uint8_t out[SALT_BYTES])
{
    if (turn->salts_left == 0) {
        io_random(&turn->broker->setup.io, turn->salts, sizeof(turn->salts));
        turn->salts_left = TURN_SALTS;
    }
    memcpy(out, turn->salts[--turn->salts_left], SALT_BYTES);
}

static enum err append(struct turn *turn, const struct leaf_record *record, struct audit_leaf leaf,
                       struct digest *ret_hash, uint64_t *ret_leaf)
{
    struct buf bytes;
    enum err error = turn_txn(turn);

    if (error != OK) {
        return error;
    }
    draw_salt(turn, leaf.salt);
    buf_init(&bytes, AUDIT_RECORD_BYTES);
    error = leaf_record_encode(record, &bytes);
    if (error == OK) {
        leaf.record = span_buf(&bytes);
        turn->written += bytes.len + leaf.envelope.len;
        error = audit_append(turn->txn, &leaf, ret_leaf, ret_hash);
    }
    buf_free(&bytes);
    return error;
}

enum err ledger_append(struct turn *turn, const struct leaf_record *record, struct span envelope,
                       uint64_t trail, uint64_t *ret_leaf)
{
    struct digest hash;

    return append(turn, record, (struct audit_leaf){.envelope = envelope, .trail = trail}, &hash,
                  ret_leaf);
}

static const struct agency *agency_by_number(const struct turn *turn, uint16_t number)
{
    const struct agency *agency = registry_by_number(turn->broker->setup.registry, number);

    assert(agency != NULL);
    return agency;
}

/* Its delivery receipt, which follows, names the place that it had in the lost log. */
static enum err keep_queued(struct turn *turn, const struct leaf_record *record,
                            const struct queue_item *item)
{
    const struct agency *author = registry_find(turn->broker->setup.registry, record->actor);
    const struct handed_queued key = {.author = author != NULL ? author->number : 0,
                                      .recipient = item->stream.recipient,
                                      .message_id = record->message_id};

    return handed_queued_put(turn->txn, &key, item->stream, item->seq);
}

enum err ledger_queue(struct turn *turn, struct leaf_record *record,
                      const struct stream_entry *entry, uint64_t *ret_leaf)
{
    struct broker *broker = turn->broker;
    const struct agency *recipient = agency_by_number(turn, entry->stream.recipient);
    struct queue_state state;
    struct queue_item item = {.stream = entry->stream,
                              .message_id = record->message_id,
                              .queued_ms = turn_counts_ms(turn),
                              .envelope_bytes = (uint32_t)entry->envelope.len,
                              .wants_receipt = entry->wants_receipt};
    struct digest hash;
    enum err error = turn_txn(turn);

    if (error == OK) {
        error = queue_state(turn->txn, entry->stream, &state);
    }
    if (error != OK) {
        return error;
    }
    item.seq = state.next_seq != 0 ? state.next_seq : 1;
    record->has_stream = true;
    record->stream.lane = entry->stream.lane;
    record->stream.seq = item.seq;
    record->stream.previous = state.previous;
    text_copy(record->recipient, sizeof(record->recipient), recipient->id);
    error = append(turn, record,
                   (struct audit_leaf){.envelope = entry->envelope, .trail = entry->trail}, &hash,
                   &item.leaf);
    if (error == OK) {
        error = queue_put(turn->txn, &item, &hash);
    }
    if (error == OK && turn->replaying.active) {
        error = keep_queued(turn, record, &item);
    }
    if (error == OK) {
        broker->agencies[agency_place(broker, recipient)].dirty = true;
        *ret_leaf = item.leaf;
    }
    return error;
}

struct decide_context ledger_context(const struct turn *turn)
{
    const struct broker *broker = turn->broker;
    const struct timekeeper *keeper = &broker->keeper;
    struct decide_context ctx = {.policy = broker->setup.policy,
                                 .registry = broker->setup.registry,
                                 .calendar = broker->setup.calendar,
                                 .now_ms = turn_counts_ms(turn),
                                 .clock_held = turn->clock.hold != HOLD_NOT,
                                 .outage_from_ms = keeper->outage_from_ms,
                                 .outage_to_ms = keeper->outage_to_ms,
                                 .documents = turn->documents};

    if (turn->replaying.active) { /* what counted was judged then, and is in the receipt */
        ctx.clock_held = false;
        ctx.outage_from_ms = turn->replaying.claimed_ms;
        ctx.outage_to_ms = turn->replaying.claimed_ms != 0 ? ctx.now_ms : 0;
    }
    return ctx;
}

/* --- what is decided --- */

struct subject subject_of_referral(const struct referral *referral)
{
    return (struct subject){
        .key = {.case_id = referral->case_id, .referral_id = referral->referral_id},
        .number = referral->number,
        .case_number = referral->case_number,
        .last_leaf = referral->last_leaf,
        .next_due_ms = referral->next_due_ms};
}

struct subject subject_of_matter(const struct matter *matter)
{
    return (struct subject){.key = {.case_id = matter->case_id, .referral_id = matter->matter_id},
                            .number = matter->number,
                            .case_number = matter->case_number,
                            .last_leaf = matter->last_leaf,
                            .next_due_ms = matter->next_due_ms};
}

struct subject subject_decided(const struct decision *decision)
{
    return decision->of_matter ? subject_of_matter(&decision->matter)
                               : subject_of_referral(&decision->after);
}

/* --- effects --- */

struct applying { /* one decision while it is written */
    struct turn *turn;
    const struct decision *decision;
    const struct cause *cause;
    struct subject subject;
    uint64_t trail;        /* its newest leaf */
    uint64_t message_leaf; /* of the message that caused it; AUDIT_NONE: the time did */
};

static void record_about(const struct applying *applying, enum leaf_kind kind,
                         struct leaf_record *ret_record)
{
    const struct subject *subject = &applying->subject;

    ledger_record(applying->turn, kind, BROKER_AGENCY, ret_record);
    ret_record->case_id = subject->key.case_id;
    ret_record->referral_id = subject->key.referral_id;
    text_copy(ret_record->referral_number, sizeof(ret_record->referral_number), subject->number);
}

/* A referral's clock or a matter's duty, as leaves name it. */
static uint32_t task_of(const struct effect *effect)
{
    return effect->duty != 0 ? (uint32_t)effect->duty : (uint32_t)effect->clock;
}

static enum err append_trail(struct applying *applying, const struct leaf_record *record)
{
    return ledger_append(applying->turn, record, span_of(NULL, 0), applying->trail,
                         &applying->trail);
}

static void fill_window(const struct applying *applying, const struct effect *effect,
                        struct leaf_record *record)
{
    const struct window *window = &effect->window;
    struct leaf_window *leaf = &record->window;

    record->has_window = true;
    leaf->task = task_of(effect);
    leaf->number = window->number;
    text_copy(leaf->holder, sizeof(leaf->holder),
              agency_by_number(applying->turn, effect->responsible)->id);
    leaf->arrival_ms = window->start_ms;
    leaf->working_days = window->n;
    leaf->due_before_ms = window->due_before_ms;
    leaf->provisional = window->provisional;
    text_copy(leaf->calendar_version, sizeof(leaf->calendar_version),
              calendar_version(applying->turn->broker->setup.calendar));
    leaf->old_due_before_ms = effect->old_due_before_ms;
    rung_set_format(effect->annotated, leaf->annotated);
    text_copy(leaf->reason, sizeof(leaf->reason), effect->reason);
    leaf->agent_received_ms = effect->agent_received_ms;
    leaf->late = effect->late;
    leaf->lateness_days = effect->lateness_days;
    leaf->outcome = effect->outcome;
    record->claimed_ms = effect->claimed_ms;
}

static void fill_rung(const struct applying *applying, const struct effect *effect,
                      struct leaf_record *record)
{
    struct leaf_rung *leaf = &record->rung;

    record->has_rung = true;
    leaf->task = task_of(effect);
    leaf->window = effect->window.number;
    text_copy(leaf->rung, sizeof(leaf->rung), rung_id(effect->rung));
    leaf->fell_due_ms = effect->fell_due_ms;
    text_copy(leaf->document_number, sizeof(leaf->document_number), effect->number);
    text_copy(leaf->responsible, sizeof(leaf->responsible),
              agency_by_number(applying->turn, effect->responsible)->id);
}

static enum err apply_unqueue(struct applying *applying)
{
    const struct queue_item *item = applying->cause->item;

    assert(item != NULL);
    if (applying->turn->replaying.active) {
        /* Its addressee has it, and gets it once more: there its stream begins in this log. */
        return queue_plain(applying->turn->txn, item->stream, item->seq);
    }
    histogram_add(
        &applying->turn->broker->timings.delivery, histogram_slow_ms,
        applying->turn->now_ms > item->queued_ms ? applying->turn->now_ms - item->queued_ms : 0);
    return queue_remove(applying->turn->txn, item->stream, item->seq);
}

static enum err apply_number(struct applying *applying, const struct effect *effect)
{
    struct case_key key = applying->subject.key;

    if (strcmp(effect->number, applying->subject.case_number) == 0) {
        memset(&key.referral_id, 0, sizeof(key.referral_id)); /* the number of the case itself */
    }
    return number_put(applying->turn->txn, effect->number, &key);
}

/* What each kind of effect leaves in the log; 0: nothing (rows and notices are told apart below).
 */
static const struct {
    enum leaf_kind leaf;
    void (*fill)(const struct applying *, const struct effect *, struct leaf_record *);
} effect_leaves[EFFECT_KIND_COUNT] = {
    [EFFECT_WINDOW_OPENED] = {LEAF_WINDOW_OPENED, fill_window},
    [EFFECT_WINDOW_STOPPED] = {LEAF_WINDOW_STOPPED, fill_window},
    [EFFECT_WINDOW_REDATED] = {LEAF_WINDOW_REDATED, fill_window},
    [EFFECT_WINDOW_CANCELLED] = {LEAF_WINDOW_CANCELLED, fill_window},
    [EFFECT_TASK_OPENED] = {LEAF_TASK_OPENED, fill_window},
    [EFFECT_TASK_CLOSED] = {LEAF_TASK_CLOSED, fill_window},
    [EFFECT_RUNG_RAISED] = {LEAF_RUNG_RAISED, fill_rung},
    [EFFECT_RUNG_RESOLVED] = {LEAF_RUNG_RESOLVED, fill_rung},
};

static void count_rung(const struct turn *turn, const struct effect *effect)
{
    struct broker_timings *timings = &turn->broker->timings;

    timings->rungs[effect->rung]++;
    histogram_add(&timings->rung_late, histogram_slow_ms,
                  turn->now_ms > effect->fell_due_ms ? turn->now_ms - effect->fell_due_ms : 0);
}

static void log_rung(const struct applying *applying, const struct effect *effect)
{
    char case_id[UUID_TEXT_BYTES];
    const char *responsible = agency_by_number(applying->turn, effect->responsible)->id;
    const struct log_subject subject = {
        .case_id = case_id, .agency = responsible, .code = rung_id(effect->rung)};

    uuid_format(&applying->subject.key.case_id, case_id);
    log_about(EVENT_RUNG_RAISED, &subject, "%s is raised for %s, by %s", rung_id(effect->rung),
              applying->subject.number, responsible);
}

static enum err apply_effect(struct applying *applying, const struct effect *effect)
{
    struct leaf_record record;

    switch (effect->kind) {
    case EFFECT_QUEUE:
        return OK; /* the message's own leaf, written first */
    case EFFECT_UNQUEUE:
        return apply_unqueue(applying);
    case EFFECT_NUMBER:
    case EFFECT_SIGNED:
        return apply_number(applying, effect);
    case EFFECT_NOTICE:
        return notices_add(applying->turn, effect, applying->cause);
    default:
        break;
    }
    if (effect->kind == EFFECT_RUNG_RAISED) {
        applying->turn->rungs++;
        applying->turn->broker->counts.rungs++;
        count_rung(applying->turn, effect);
        log_rung(applying, effect);
    }
    assert(effect_leaves[effect->kind].leaf != 0);
    record_about(applying, effect_leaves[effect->kind].leaf, &record);
    effect_leaves[effect->kind].fill(applying, effect, &record);
    return append_trail(applying, &record);
}

/* The signed time that counts, where it is not that of the leaf: so the receipt says it. */
static uint64_t claimed_of(const struct decision *decision)
{
    for (size_t i = 0; i < decision->effect_count; i++) {
        if (decision->effects[i].kind == EFFECT_WINDOW_STOPPED) {
            return decision->effects[i].claimed_ms;
        }
    }
    return 0;
}

/* A message to several had one leaf for each, side by side: that of the first. */
static uint64_t first_leaf(const struct applying *applying)
{
    const struct replaying *replaying = &applying->turn->replaying;
    uint64_t before = 0;

    for (size_t i = 0; replaying->active && i < applying->decision->effect_count; i++) {
        const struct effect *effect = &applying->decision->effects[i];

        if (effect->kind == EFFECT_QUEUE) {
            const char *id = agency_by_number(applying->turn, effect->agency)->id;

            if (strcmp(id, replaying->recipient) == 0) {
                return replaying->mark.leaf >= before ? replaying->mark.leaf - before : 0;
            }
            before++;
        }
    }
    return replaying->mark.leaf;
}

/* The leaf of the message that was decided, queued when the decision says so: once for each whom it
 * is addressed to, each with a leaf in its own stream. The first is the one that is receipted. */
static enum err apply_message(struct applying *applying)
{
    const struct cause *cause = applying->cause;
    const struct message_header *header = cause->header;
    struct stream_entry entry = {
        .envelope = cause->envelope, .wants_receipt = true, .trail = applying->trail};
    struct leaf_record record;
    enum err error;

    record_about(applying, LEAF_MESSAGE, &record);
    text_copy(record.actor, sizeof(record.actor), header->sender);
    text_copy(record.recipient, sizeof(record.recipient), header->recipient);
    record.message_id = header->message_id;
    record.message_digest = cause->digest;
    record.message_kind = header->kind;
    record.claimed_ms = claimed_of(applying->decision);
    record.recovered.leaf = first_leaf(applying);
    for (size_t i = 0; i < applying->decision->effect_count; i++) {
        const struct effect *effect = &applying->decision->effects[i];

        if (effect->kind != EFFECT_QUEUE) {
            continue;
        }
        entry.stream.recipient = effect->agency;
        entry.stream.lane = effect->lane;
        entry.trail = applying->trail;
        error = ledger_queue(applying->turn, &record, &entry, &applying->trail);
        if (error != OK) {
            return error;
        }
        if (applying->message_leaf == AUDIT_NONE) {
            applying->message_leaf = applying->trail;
        }
        record.recovered.leaf += record.has_recovered;
    }
    if (applying->message_leaf != AUDIT_NONE) {
        return OK;
    }
    error =
        ledger_append(applying->turn, &record, cause->envelope, applying->trail, &applying->trail);
    applying->message_leaf = applying->trail;
    return error;
}

enum err ledger_referral_name(const struct uuid *referral_id, char out[REFERRAL_NAME_BYTES])
{
    struct buf text;
    enum err error;

    buf_init(&text, REFERRAL_NAME_BYTES - 1);
    error = base64_encode(span_of(referral_id->bytes, UUID_BYTES), &text);
    if (error == OK) {
        memcpy(out, text.data, text.len);
        out[text.len] = '\0';
    }
    buf_free(&text);
    return error;
}

/* A new referral's, or matter's, id belongs to its case. */
static enum err save_name(struct applying *applying)
{
    char name[REFERRAL_NAME_BYTES];
    enum err error = ledger_referral_name(&applying->subject.key.referral_id, name);

    return error == OK ? number_put(applying->turn->txn, name, &applying->subject.key) : error;
}

static enum err put(struct applying *applying, uint64_t *ret_next_due_ms)
{
    struct decision *decision = applying->turn->broker->decision;
    uint8_t packed[MATTER_PACKED_MAX];
    size_t len;

    if (decision->of_matter) {
        decision->matter.last_leaf = applying->trail;
        len = matter_pack(&decision->matter, packed);
        *ret_next_due_ms = decision->matter.next_due_ms;
    } else {
        decision->after.last_leaf = applying->trail;
        len = referral_pack(&decision->after, packed);
        *ret_next_due_ms = decision->after.next_due_ms;
    }
    applying->turn->written += len;
    return cases_put(applying->turn->txn, &applying->subject.key, span_of(packed, len));
}

static enum err save(struct applying *applying, const struct subject *before)
{
    uint64_t next_due_ms = 0;
    enum err error = put(applying, &next_due_ms);

    if (error == OK) {
        error = due_move(applying->turn->txn, &applying->subject.key,
                         before != NULL ? before->next_due_ms : 0, next_due_ms);
    }
    return error == OK && before == NULL ? save_name(applying) : error;
}

enum err ledger_apply(struct turn *turn, const struct subject *before, const struct cause *cause,
                      uint64_t *ret_leaf)
{
    const struct decision *decision = turn->broker->decision;
    struct applying applying = {.turn = turn,
                                .decision = decision,
                                .cause = cause,
                                .subject = subject_decided(decision),
                                .trail = before != NULL ? before->last_leaf : AUDIT_NONE,
                                .message_leaf = AUDIT_NONE};
    enum err error = turn_txn(turn);

    assert(decision->refusal == REFUSAL_NONE);
    if (error == OK && cause->header != NULL) {
        error = apply_message(&applying);
    }
    for (size_t i = 0; error == OK && i < decision->effect_count; i++) {
        error = apply_effect(&applying, &decision->effects[i]);
    }
    if (error == OK) {
        error = save(&applying, before);
    }
    if (error == OK) {
        turn->documents = decision->documents;
        *ret_leaf = applying.message_leaf;
    }
    return error;
}
