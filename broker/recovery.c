/* The new log of a broker whose store was restored from an old copy: how it is opened, how agencies
 * of the old one are told, and whether a store that runs is an old copy that nobody has noticed.
 * See recovery.h. */
#include "broker/recovery.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "broker/acts.h"
#include "broker/turn.h"
#include "store/handed.h"
#include "store/reasons.h"

#define GO_ON_NUMBERS   1000u /* of documents */
#define CHAIN_META      "recoveries"
#define STATE_META      "recovery"
#define STATE_BYTES     (2u + 9u * 8u)
#define CHAIN_BYTES_MAX (RECOVERIES_MAX * (RECOVERY_STATEMENT_BYTES + 128u))

/* --- what is kept --- */

enum err recovering_put(struct store_txn *txn, const struct recovering *recovering)
{
    const uint64_t numbers[] = {recovering->leaf,    recovering->log,  recovering->old_log,
                                recovering->from,    recovering->to,   recovering->handed_back,
                                recovering->applied, recovering->kept, recovering->last_ms};
    uint8_t packed[STATE_BYTES];

    packed[0] = (uint8_t)recovering->phase;
    packed[1] = recovering->late_all;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        be64_put(packed + 2 + 8 * i, numbers[i]);
    }
    return store_meta_put(txn, STATE_META, span_of(packed, sizeof(packed)));
}

enum err recovering_get(struct store_txn *txn, struct recovering *ret_recovering)
{
    struct recovering read = {.phase = RECOVERY_NONE};
    uint64_t *const numbers[] = {&read.leaf,    &read.log,  &read.old_log,
                                 &read.from,    &read.to,   &read.handed_back,
                                 &read.applied, &read.kept, &read.last_ms};
    struct span packed;
    enum err error = store_meta_get(txn, STATE_META, &packed);

    if (error == OK && (packed.len != STATE_BYTES || packed.data[0] > RECOVERY_OVER)) {
        return ERR_CORRUPT;
    }
    if (error == OK) {
        read.phase = (enum recovery_phase)packed.data[0];
        read.late_all = packed.data[1] != 0;
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
            *numbers[i] = be64_get(packed.data + 2 + 8 * i);
        }
    }
    *ret_recovering = read;
    return error == ERR_NOT_FOUND ? OK : error;
}

/* All statements, the oldest first, verified; and the origin that they lead to. */
struct chain {
    struct signed_recovery links[RECOVERIES_MAX]; /* borrowed from the transaction */
    size_t count;
    char origin[LIMIT_ORIGIN_BYTES];
};

static enum err chain_read(struct store_txn *txn, const struct keyring *keyring,
                           struct chain *ret_chain)
{
    struct span packed;
    enum err error = store_meta_get(txn, CHAIN_META, &packed);

    ret_chain->count = 0;
    text_copy(ret_chain->origin, sizeof(ret_chain->origin), keyring_origin(keyring));
    if (error != OK) {
        return error == ERR_NOT_FOUND ? OK : error;
    }
    error = recovery_unpack(packed, ret_chain->links, &ret_chain->count);
    for (size_t i = 0; error == OK && i < ret_chain->count; i++) {
        struct checkpoint anchor;
        struct recovery recovery;

        error = recovery_verify(&ret_chain->links[i], keyring, &recovery, &anchor);
        if (error == OK && strcmp(recovery.old_origin, ret_chain->origin) != 0) {
            error = ERR_INVALID;
        }
        if (error == OK) {
            text_copy(ret_chain->origin, sizeof(ret_chain->origin), recovery.new_origin);
        }
    }
    return error;
}

static enum err refuse_chain(struct fault *fault, enum err error)
{
    fault_set(fault, "recovery.chain", "store",
              "the statements by which its log goes on do not hold together: %s", err_text(error));
    fault_hint(fault, "are these the public keys of the broker whose store this is? A key that "
                      "signed them must stay in the file, marked `retired`");
    return ERR_INVALID;
}

enum err recovery_start(struct broker *broker, struct fault *fault)
{
    struct store_txn *read;
    struct chain chain;
    enum err error = store_read_begin(broker->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = chain_read(read, broker->setup.keyring, &chain);
    if (error == ERR_FORGED || error == ERR_INVALID || error == ERR_CORRUPT) {
        error = refuse_chain(fault, error);
    }
    if (error == OK) {
        text_copy(broker->origin, sizeof(broker->origin), chain.origin);
        error = recovering_get(read, &broker->recovering);
    }
    store_read_end(read);
    if (error == OK && recovery_holds(broker)) {
        log_event(EVENT_LOG_ANEW,
                  "the log was opened anew on an old copy: nothing is taken or delivered before "
                  "what it lacks is handed back; `recovery` on the status socket says who is "
                  "awaited");
    }
    return error;
}

bool recovery_holds(const struct broker *broker)
{
    return broker->behind.proven || broker->recovering.phase == RECOVERY_AWAITING ||
           broker->recovering.phase == RECOVERY_APPLYING;
}

/* --- opening a new log, on a broker that does not run --- */

struct opening {
    const struct broker_setup *setup;
    struct store_txn *txn;
    struct checkpoint anchor;
    struct recovery recovery;
    struct chain chain;
    struct buf bytes; /* of all statements, packed */
    struct signed_recovery link;
    struct span reason;
    uint64_t old_log, log;
};

static enum err open_fill(struct opening *opening, struct span reason, struct fault *fault)
{
    const char *first = keyring_origin(opening->setup->keyring);
    uint64_t wall_ms = io_wall_ms(&opening->setup->io), size = 0;
    struct span note;
    enum err error = audit_checkpoint(opening->txn, &size, &note);

    if (error == ERR_NOT_FOUND) {
        fault_set(fault, "recovery.empty", "store", "this store has no log that could go on");
        fault_hint(fault, "a new store needs no new log; restore a copy first");
        return ERR_INVALID;
    }
    if (error == OK) {
        error = chain_read(opening->txn, opening->setup->keyring, &opening->chain);
    }
    if (error == OK) {
        error = recovery_note_verify(note, opening->setup->keyring, &opening->anchor);
    }
    if (error == OK && strcmp(opening->anchor.origin, opening->chain.origin) != 0) {
        error = ERR_INVALID;
    }
    if (error == ERR_INVALID || error == ERR_FORGED || error == ERR_CORRUPT) {
        return refuse_chain(fault, error);
    }
    if (error == OK && opening->chain.count == RECOVERIES_MAX) {
        fault_set(fault, "recovery.too-many", "store", "the log was opened anew %u times already",
                  RECOVERIES_MAX);
        return ERR_INVALID;
    }
    if (error != OK) {
        return error;
    }
    text_copy(opening->recovery.old_origin, LIMIT_ORIGIN_BYTES, opening->chain.origin);
    opening->recovery.anchor = note;
    opening->recovery.reason = crypto_digest(reason);
    opening->reason = reason;
    opening->recovery.at_ms = wall_ms;
    error = recovery_log(first, opening->chain.origin, &opening->old_log);
    assert(error == OK); /* the chain leads to it */
    error = recovery_origin(first, wall_ms, opening->recovery.new_origin);
    if (error == ERR_TOO_LARGE) {
        fault_set(fault, "recovery.origin", "public-keys",
                  "the origin %s leaves no room for \"%s\"", first, "/1795682712");
        return error;
    }
    if (error != OK || wall_ms < opening->anchor.time_ms || wall_ms / 1000 <= opening->old_log) {
        fault_set(fault, "recovery.clock", "",
                  "the clock of this machine is behind what the log has already");
        fault_hint(fault, "set the clock, then open the new log again");
        return ERR_INVALID;
    }
    return recovery_log(first, opening->recovery.new_origin, &opening->log);
}

static enum err open_leaf(struct opening *opening)
{
    struct checkpoint checkpoint = {.time_ms = opening->recovery.at_ms};
    struct leaf_record record = {.version = WIRE_VERSION,
                                 .kind = LEAF_RECOVERY,
                                 .at_ms = opening->recovery.at_ms,
                                 .message_digest = opening->recovery.reason,
                                 .has_recovery = true,
                                 .recovery = opening->link};
    struct audit_leaf leaf = {.trail = AUDIT_NONE};
    struct digest hash;
    struct buf bytes, note;
    uint64_t index;
    enum err error;

    text_copy(record.actor, sizeof(record.actor), ADMINISTRATOR_NAME);
    text_copy(checkpoint.origin, sizeof(checkpoint.origin), opening->recovery.new_origin);
    io_random(&opening->setup->io, leaf.salt, sizeof(leaf.salt));
    buf_init(&bytes, AUDIT_RECORD_BYTES);
    buf_init(&note, CHECKPOINT_BYTES);
    error = leaf_record_encode(&record, &bytes);
    if (error == OK) {
        leaf.record = span_buf(&bytes);
        error = audit_append(opening->txn, &leaf, &index, &hash);
    }
    if (error == OK) {
        error = reason_put(opening->txn, index, opening->reason);
    }
    if (error == OK) {
        error = audit_size(opening->txn, &checkpoint.size);
    }
    if (error == OK) {
        error = audit_root(opening->txn, &checkpoint.root);
    }
    if (error == OK) {
        error = checkpoint_make(&checkpoint, opening->setup->key, &note);
    }
    if (error == OK) {
        error = audit_seal_commit(opening->txn, span_buf(&note));
    }
    buf_free(&bytes);
    buf_free(&note);
    return error;
}

/* What was handed back to a log that was lost itself, and lies in its copy, is applied with the
 * rest. */
static enum err open_state(struct opening *opening)
{
    struct recovering state = {.phase = RECOVERY_AWAITING,
                               .leaf = opening->anchor.size,
                               .log = opening->log,
                               .old_log = opening->old_log,
                               .from = opening->anchor.size,
                               .to = opening->anchor.size};
    enum err error = store_meta_put(opening->txn, CHAIN_META, span_buf(&opening->bytes));

    if (error == OK) {
        error = store_meta_put(opening->txn, "origin", span_text(opening->recovery.new_origin));
    }
    if (error == OK) {
        error = handed_all_clear(opening->txn);
    }
    return error == OK ? recovering_put(opening->txn, &state) : error;
}

static enum err open_write(struct opening *opening)
{
    struct buf statement;
    struct span old;
    enum err error = store_meta_get(opening->txn, CHAIN_META, &old);

    buf_init(&statement, RECOVERY_STATEMENT_BYTES);
    error = error == OK ? buf_append(&opening->bytes, old.data, old.len)
                        : (error == ERR_NOT_FOUND ? OK : error);
    if (error == OK) {
        error = recovery_make(&opening->recovery, opening->setup->key, &statement, &opening->link);
    }
    if (error == OK) {
        error = recovery_pack(&opening->link, &opening->bytes);
    }
    if (error == OK) {
        error = open_leaf(opening);
    }
    if (error == OK) {
        error = open_state(opening);
    }
    buf_free(&statement);
    return error;
}

static enum err open_or_preview(const struct broker_setup *setup, struct span reason,
                                struct broker_new_log *ret_log, struct fault *fault)
{
    struct opening opening = {.setup = setup};
    enum err error = store_begin(setup->store, &opening.txn);

    if (error != OK) {
        return error;
    }
    buf_init(&opening.bytes, CHAIN_BYTES_MAX);
    error = open_fill(&opening, reason, fault);
    if (error == OK && reason.len > 0) {
        error = open_write(&opening);
    }
    if (error == OK && reason.len > 0) {
        error = store_commit(opening.txn);
    } else {
        store_abort(opening.txn);
    }
    if (error == OK) {
        text_copy(ret_log->old_origin, LIMIT_ORIGIN_BYTES, opening.recovery.old_origin);
        text_copy(ret_log->new_origin, LIMIT_ORIGIN_BYTES, opening.recovery.new_origin);
        ret_log->anchor = opening.anchor.size;
        ret_log->anchor_ms = opening.anchor.time_ms;
    }
    buf_free(&opening.bytes);
    return error;
}

enum err broker_open_log(const struct broker_setup *setup, struct span reason,
                         struct broker_new_log *ret_log, struct fault *fault)
{
    assert(reason.len > 0 && reason.len <= REASON_BYTES_MAX);
    return open_or_preview(setup, reason, ret_log, fault);
}

enum err broker_preview_log(const struct broker_setup *setup, struct broker_new_log *ret_log,
                            struct fault *fault)
{
    return open_or_preview(setup, span_of(NULL, 0), ret_log, fault);
}

/* --- agencies of another log of this broker --- */

enum err recovery_tell(struct turn *turn, struct answer *answer)
{
    struct broker *broker = turn->broker;
    struct signed_recovery *links = region_take(&turn->region, sizeof(*links) * RECOVERIES_MAX);
    struct chain chain = {.count = 0};
    struct store_txn *read;
    enum err error;

    if (links == NULL) {
        return ERR_MEMORY;
    }
    error = store_read_begin(broker->setup.store, &read);
    if (error == OK) {
        error = chain_read(read, broker->setup.keyring, &chain);
        for (size_t i = 0; error == OK && i < chain.count; i++) {
            uint8_t *copy = region_take(&turn->region, chain.links[i].statement.len);

            error = copy != NULL ? OK : ERR_MEMORY;
            if (error == OK) {
                memcpy(copy, chain.links[i].statement.data, chain.links[i].statement.len);
                links[i] = chain.links[i];
                links[i].statement = span_of(copy, chain.links[i].statement.len);
            }
        }
        store_read_end(read);
    }
    answer->head.code = REFUSAL_LOG_OTHER;
    answer->head.recoveries = links;
    answer->head.recovery_count = chain.count;
    answer->known_size = 0; /* of another log */
    return error;
}

/* --- is this store older than what an agency has seen? --- */

/* A checkpoint of ours that our log does not have. */
static enum err is_ahead(struct turn *turn, const struct checkpoint *seen, bool *ret_ahead)
{
    uint64_t size = 0;
    struct digest root;
    struct store_txn *read;
    enum err error = store_read_begin(turn->broker->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = audit_size(read, &size);
    *ret_ahead = error == OK && seen->size > size;
    if (error == OK && !*ret_ahead && seen->size > 0) {
        error = audit_root_at(read, seen->size, &root);
        *ret_ahead = error == OK && !digest_equal(&root, &seen->root);
    }
    store_read_end(read);
    return error;
}

static void tell_behind(struct broker *broker, const char *agency, uint64_t size)
{
    struct behind *behind = &broker->behind;

    if (size > behind->size || !behind->told) {
        text_copy(behind->agency, sizeof(behind->agency), agency);
        behind->size = size;
    }
    if (!behind->told) {
        log_event(EVENT_STORE_OLD,
                  "this store is older than what %s has seen: it shows a checkpoint of %" PRIu64
                  " records signed by this broker; nothing is taken or delivered: stop it, restore "
                  "a newer copy, or, where there is none, `referral-broker --open-new-log`",
                  agency, size);
    }
    behind->told = true;
}

enum err recovery_compare(struct turn *turn, const struct intake *intake)
{
    struct broker *broker = turn->broker;
    const struct span note = intake->request.head.hello.checkpoint;
    struct checkpoint seen;
    bool ahead = false;
    enum err error;

    if (note.len == 0 || recovery_note_verify(note, broker->setup.keyring, &seen) != OK ||
        strcmp(seen.origin, broker->origin) != 0) {
        return OK; /* of another log: that is told in another way */
    }
    error = is_ahead(turn, &seen, &ahead);
    if (error == OK && ahead) {
        broker->behind.proven = true;
        tell_behind(broker, intake->agency->id, seen.size);
    }
    return error;
}

/* --- where the streams of an agency stand that accepts this log --- */

static enum err base_of(struct turn *turn, struct queue_stream stream, struct stream_base *base)
{
    struct queue_state state;
    struct queue_item item;
    struct audit_entry entry;
    struct leaf_record record;
    enum err error = queue_state(turn->txn, stream, &state);

    base->lane = stream.lane;
    if (error != OK) {
        return error;
    }
    base->seq = state.next_seq != 0 ? state.next_seq - 1 : 0;
    base->hash = state.previous;
    error = queue_after(turn->txn, stream, 0, &item);
    if (error != OK) {
        return error == ERR_NOT_FOUND ? OK : error;
    }
    error = audit_read(turn->txn, item.leaf, &entry);
    if (error == OK) {
        error = leaf_record_decode(entry.record, &turn->region, &record, NULL);
    }
    if (error == OK) {
        base->seq = item.seq - 1;
        base->hash = record.stream.previous;
    }
    return error;
}

enum err recovery_streams(struct turn *turn, const struct intake *intake, struct answer *answer)
{
    struct stream_base *bases = region_take(&turn->region, QUEUE_LANES * sizeof(*bases));
    enum err error = bases != NULL ? turn_txn(turn) : ERR_MEMORY;

    for (unsigned lane = 0; error == OK && lane < QUEUE_LANES; lane++) {
        const struct queue_stream stream = {.recipient = intake->agency->number,
                                            .lane = (uint8_t)lane};

        error = base_of(turn, stream, &bases[lane]);
    }
    answer->head.hello.streams = bases;
    answer->head.hello.stream_count = QUEUE_LANES;
    return error;
}

/* --- for administrators --- */

void broker_recovery(const struct broker *broker, struct broker_recovery *ret_recovery)
{
    static const char *const phases[] = {"none", "awaiting", "applying", "over"};
    const struct recovering *recovering = &broker->recovering;

    *ret_recovery = (struct broker_recovery){.phase = phases[recovering->phase],
                                             .holds = recovery_holds(broker),
                                             .behind = broker->behind.told,
                                             .behind_size = broker->behind.size,
                                             .from = recovering->from,
                                             .to = recovering->to,
                                             .handed_back = recovering->handed_back,
                                             .applied = recovering->applied,
                                             .kept = recovering->kept};
    text_copy(ret_recovery->origin, sizeof(ret_recovery->origin), broker->origin);
    text_copy(ret_recovery->behind_agency, sizeof(ret_recovery->behind_agency),
              broker->behind.agency);
}

enum err broker_recovery_agency(const struct broker *broker, struct store_txn *read, size_t place,
                                enum broker_hand_back *ret_state)
{
    const struct agency *agency = registry_at(broker->setup.registry, place);
    uint8_t how = 0;
    enum err error = handed_all_get(read, agency->number, &how);

    if (how != 0) {
        *ret_state = how == 1 ? HANDED_BACK : HAND_BACK_NOT_AWAITED;
    } else {
        *ret_state = agency->class == CLASS_ASSOCIATE || agency_has_left(agency, broker->now_ms)
                         ? HAND_BACK_NOT_ASKED
                         : HAND_BACK_AWAITED;
    }
    return error;
}

const char *broker_origin(const struct broker *broker)
{
    return broker->origin;
}

/* Documents whose numbers only that agency may know are passed over. */
static enum err apply_go_on(struct turn *turn, void *arg)
{
    const struct agency *agency = arg;

    turn->documents.last += turn->documents.year != 0 ? GO_ON_NUMBERS : 0;
    return handed_all_put(turn->txn, agency->number, 2);
}

enum err broker_recovery_go_on(struct broker *broker, size_t place, struct act *act)
{
    const struct agency *agency = registry_at(broker->setup.registry, place);

    act->about = agency->id;
    act->apply = apply_go_on;
    act->arg = (void *)(uintptr_t)agency;
    return broker_act(broker, act);
}
