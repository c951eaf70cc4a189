/* The broker core: the order of a turn.
 *
 *   clock -> an administrator's act -> requests -> rungs -> re-dating -> notices signed
 *         -> checkpoint -> commit -> fetches answered -> replies signed -> next wake-up
 *
 * Before the commit nothing leaves; after it nothing can be lost. If anything of the environment
 * fails before the commit, the whole turn is given up and its requests are told to come again. */
#include "broker/broker.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "broker/registry_record.h"
#include "broker/turn.h"
#include "wire/checkpoint.h"

enum err broker_check_key(const struct keyring *keyring, const struct sign_key *key,
                          struct fault *fault)
{
    size_t count;
    const uint8_t(*keys)[SIGN_PUBLIC_BYTES] = keyring_broker_keys(keyring, &count);

    for (size_t i = 0; i < count; i++) {
        if (memcmp(keys[i], key->public_key, SIGN_PUBLIC_BYTES) == 0) {
            return OK;
        }
    }
    fault_set(fault, "broker.key", "sign-key", "is not a key of \"broker\" in the public keys");
    fault_hint(fault, "take the pair that one `referralctl keys init` wrote");
    return ERR_INVALID;
}

static enum err start(struct broker *broker, struct fault *fault)
{
    uint8_t secret[32];
    enum err error;

    io_random(&broker->setup.io, secret, sizeof(secret));
    for (size_t i = 0; i < broker->agency_count; i++) {
        session_init(&broker->agencies[i].session, secret,
                     registry_at(broker->setup.registry, i)->number);
    }
    crypto_wipe(secret, sizeof(secret));
    error = registry_record_judge(broker->setup.store, &broker->setup.document, fault);
    if (error == OK) {
        error = recovery_start(broker, fault);
    }
    if (error == OK) {
        error = scheduler_start(broker);
    }
    if (error == OK) {
        error = blobs_start(broker);
    }
    if (error != OK && fault->code[0] == '\0') {
        fault_set(fault, "store.state", "store", "the broker's own rows cannot be read: %s",
                  err_text(error));
        fault_hint(fault, "verify the log (referralctl audit verify), then restore a copy");
    }
    return error;
}

enum err broker_new(const struct broker_setup *setup, struct broker **ret_broker,
                    struct fault *fault)
{
    struct broker *broker;
    enum err error = broker_check_key(setup->keyring, setup->key, fault);

    if (error != OK) {
        return error;
    }
    broker = calloc(1, sizeof(*broker));
    if (broker == NULL) {
        return ERR_MEMORY;
    }
    broker->setup = *setup;
    key_statements_init(&broker->statements);
    if (pthread_rwlock_init(&broker->intake.lock, NULL) != 0) {
        free(broker);
        return ERR_MEMORY;
    }
    broker->intake.keyring = setup->keyring;
    broker->intake.registry = setup->registry;
    broker->agency_count = registry_count(setup->registry);
    broker->agencies = calloc(broker->agency_count, sizeof(*broker->agencies));
    broker->decision = malloc(sizeof(*broker->decision));
    broker->matter = malloc(sizeof(*broker->matter));
    broker->other_matter = malloc(sizeof(*broker->other_matter));
    error = parked_init(&broker->parked, broker->agency_count);
    if (error == OK && (broker->agencies == NULL || broker->decision == NULL ||
                        broker->matter == NULL || broker->other_matter == NULL)) {
        error = ERR_MEMORY;
    }
    if (error == OK) {
        error = start(broker, fault);
    }
    if (error != OK) {
        broker_free(broker);
        return error;
    }
    *ret_broker = broker;
    return OK;
}

void broker_free(struct broker *broker)
{
    if (broker == NULL) {
        return;
    }
    while (broker->pending_first != NULL) {
        struct intake *intake = broker->pending_first;

        broker->pending_first = intake->next;
        io_drop(&broker->setup.io, intake->handle);
        intake_free(intake);
    }
    for (size_t i = 0; i < broker->parked.count; i++) {
        struct parked_fetch fetch;

        if (parked_take(&broker->parked, i, &fetch)) {
            io_drop(&broker->setup.io, fetch.handle);
        }
    }
    parked_free(&broker->parked);
    key_statements_free(&broker->statements);
    free(broker->agencies);
    free(broker->decision);
    free(broker->matter);
    free(broker->other_matter);
    (void)pthread_rwlock_destroy(&broker->intake.lock);
    free(broker);
}

void broker_take(struct broker *broker, struct intake *intake)
{
    intake->next = NULL;
    intake->agency = registry_by_number(broker->setup.registry, intake->number);
    assert(intake->agency != NULL);
    if (broker->pending_last != NULL) {
        broker->pending_last->next = intake;
    } else {
        broker->pending_first = intake;
    }
    broker->pending_last = intake;
}

void broker_gone(struct broker *broker, uint32_t pipe)
{
    struct parked_fetch fetch;

    while (parked_take_pipe(&broker->parked, pipe, &fetch)) {
        io_drop(&broker->setup.io, fetch.handle);
    }
}

enum err turn_txn(struct turn *turn)
{
    return turn->txn != NULL ? OK : store_begin(turn->broker->setup.store, &turn->txn);
}

struct answer *turn_answer(struct turn *turn, uint64_t handle, const struct digest *request)
{
    struct answer *answer = region_take(&turn->region, sizeof(*answer));

    if (answer == NULL) {
        return NULL;
    }
    answer->handle = handle;
    answer->head.version = WIRE_VERSION;
    answer->head.request_digest = *request;
    *turn->answers_end = answer;
    turn->answers_end = &answer->next;
    turn->answer_count++;
    return answer;
}

static void turn_begin(struct broker *broker, struct turn *turn)
{
    memset(turn, 0, sizeof(*turn));
    turn->broker = broker;
    turn->answers_end = &turn->answers;
    turn->notices_end = &turn->notices;
    region_init(&turn->region, TURN_REGION_BYTES);
    turn->reading.wall_ms = io_wall_ms(&broker->setup.io);
    turn->reading.boot_ms = io_boot_ms(&broker->setup.io);
    timekeeper_turn(&broker->keeper, turn->reading, &turn->clock);
    turn->now_ms = turn->clock.now_ms;
    turn->documents = broker->documents;
    turn->recovering = broker->recovering;
    broker->now_ms = turn->now_ms;
    broker->hold = turn->clock.hold;
    broker->again = false;
    atomic_store(&broker->intake.now_ms, turn->now_ms);
}

/* Takes pending requests, up to a turn's fill, and decides them in their order. */
static enum err decide_requests(struct turn *turn)
{
    struct broker *broker = turn->broker;
    struct intake **end = &turn->taken;
    size_t bytes = 0;

    for (size_t count = 0; broker->pending_first != NULL; count++) {
        struct intake *intake = broker->pending_first;
        enum err error;

        if (count == LIMIT_TURN_COUNT || bytes > TURN_INTAKE_BYTES ||
            turn->written > TURN_WRITTEN_BYTES) {
            broker->again = true;
            return OK;
        }
        broker->pending_first = intake->next;
        if (broker->pending_first == NULL) {
            broker->pending_last = NULL;
        }
        intake->next = NULL;
        *end = intake;
        end = &intake->next;
        for (size_t i = 0; i < intake->request.message_count; i++) {
            bytes += intake->request.messages[i].bytes.len;
        }
        broker->counts.requests++;
        const uint64_t begun_ms = io_boot_ms(&broker->setup.io);
        error = service_handle(turn, intake);
        histogram_add(&broker->timings.request, histogram_quick_ms,
                      io_boot_ms(&broker->setup.io) - begun_ms);
        if (error != OK) {
            return error;
        }
    }
    return OK;
}

/* Signs the tree of this commit; leaves are written by audit_seal_commit. */
static enum err seal(struct turn *turn)
{
    struct broker *broker = turn->broker;
    struct checkpoint checkpoint = {.time_ms = turn->now_ms};
    const char *origin = broker->origin;
    struct buf note;
    enum err error;

    memcpy(checkpoint.origin, origin, strlen(origin) + 1);
    buf_init(&note, CHECKPOINT_BYTES);
    error = audit_size(turn->txn, &checkpoint.size);
    if (error == OK) {
        error = audit_root(turn->txn, &checkpoint.root);
    }
    if (error == OK) {
        error = checkpoint_make(&checkpoint, broker->setup.key, &note);
    }
    if (error == OK) {
        error = audit_seal_commit(turn->txn, span_buf(&note));
    }
    buf_free(&note);
    return error;
}

/* What the broker remembers beside its tables: its clock and the counter of its documents. */
static enum err remember(struct turn *turn)
{
    uint8_t keeper[TIMEKEEPER_PACKED_BYTES];
    uint8_t documents[8];
    enum err error;

    timekeeper_pack(&turn->broker->keeper, keeper);
    error = store_meta_put(turn->txn, "timekeeper", span_of(keeper, sizeof(keeper)));
    if (error != OK) {
        return error;
    }
    be32_put(documents, turn->documents.year);
    be32_put(documents + 4, turn->documents.last);
    error = store_meta_put(turn->txn, "documents", span_of(documents, sizeof(documents)));
    return error == OK && turn->recovering_changed ? recovering_put(turn->txn, &turn->recovering)
                                                   : error;
}

static enum err commit(struct turn *turn)
{
    struct broker *broker = turn->broker;
    struct store_txn *txn = turn->txn;
    uint64_t begun_ms;
    enum err error = OK;

    if (txn == NULL) {
        return OK;
    }
    if (audit_pending_bytes(txn) > 0) {
        timekeeper_leaf(&broker->keeper, turn->now_ms);
        error = seal(turn);
    }
    if (error == OK) {
        error = remember(turn);
    }
    if (error != OK) {
        return error;
    }
    io_fault(&broker->setup.io, "broker.before-commit");
    turn->txn = NULL; /* gone, whatever the result */
    begun_ms = io_boot_ms(&broker->setup.io);
    error = store_commit(txn);
    if (error == OK) {
        histogram_add(&broker->timings.commit, histogram_quick_ms,
                      io_boot_ms(&broker->setup.io) - begun_ms);
        broker->counts.commits++;
        if (broker->act != NULL) {
            broker->act->done = true;
        }
        broker->documents = turn->documents;
        broker->recovering = turn->recovering;
        broker->started = broker->started || turn->start_written;
        broker->stopped = broker->stopped || turn->stop_written;
        broker->reconfigured = broker->reconfigured && !turn->configuration_written;
        broker->redating = broker->redating && !turn->redate_done;
        broker->counts.redated += turn->redated;
        blobs_committed(turn);
        if (turn->redate_moved) {
            broker->redate_after = turn->redate_at;
        }
        io_fault(&broker->setup.io, "broker.after-commit");
    }
    return error;
}

static enum err decide(struct turn *turn)
{
    enum err error = scheduler_clock(turn);

    if (error == OK) {
        error = acts_apply(turn);
    }
    if (error == OK) {
        error = decide_requests(turn);
    }
    if (error == OK) {
        error = scheduler_rungs(turn);
    }
    if (error == OK) {
        error = scheduler_redate(turn);
    }
    if (error == OK) {
        error = replay_turn(turn);
    }
    if (error == OK) {
        error = blobs_collect(turn);
    }
    if (error == OK) {
        error = notices_flush(turn);
    }
    return error == OK ? commit(turn) : error;
}

/* After the commit: what is answered is read from the store as it is now. */
static enum err answer(struct turn *turn)
{
    struct broker *broker = turn->broker;
    struct store_txn *read;
    uint64_t wake_boot_ms;
    enum err error = store_read_begin(broker->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = fetch_answer(turn, read);
    if (error == OK) {
        error = replies_send(turn, read);
    }
    wake_boot_ms = scheduler_wake_boot_ms(turn, read);
    store_read_end(read);
    if (turn->scanned) {
        broker->scan_boot_ms = wake_boot_ms;
    }
    io_wake_at(&broker->setup.io, wake_boot_ms);
    return error;
}

/* Only a full map or spent memory may pass by itself; with everything else the store, or the
 * machine, is not to be trusted, and the process must end. */
static void give_up(struct turn *turn, enum err error)
{
    store_abort(turn->txn);
    turn->txn = NULL;
    if (error != ERR_FULL && error != ERR_MEMORY) {
        turn->broker->failure = error;
    }
    replies_give_up(turn, REFUSAL_STORE_FULL);
    turn->broker->scan_boot_ms = turn->reading.boot_ms + 1000;
    io_wake_at(&turn->broker->setup.io, turn->broker->scan_boot_ms);
}

static void turn_end(struct turn *turn)
{
    while (turn->taken != NULL) {
        struct intake *intake = turn->taken;

        turn->taken = intake->next;
        intake_free(intake);
    }
    for (size_t i = 0; i < turn->broker->agency_count; i++) {
        turn->broker->agencies[i].dirty = false;
    }
    region_free(&turn->region);
}

void broker_turn(struct broker *broker)
{
    struct turn turn;
    enum err error;

    if (broker->failure != OK) {
        return;
    }
    broker->counts.turns++;
    turn_begin(broker, &turn);
    error = decide(&turn);
    if (error == OK) {
        error = answer(&turn);
    }
    if (error != OK) {
        give_up(&turn, error);
    }
    histogram_add(&broker->timings.turn, histogram_quick_ms,
                  io_boot_ms(&broker->setup.io) - turn.reading.boot_ms);
    turn_end(&turn);
}

void broker_use_calendar(struct broker *broker, const struct calendar *calendar)
{
    bool same = digest_equal(calendar_digest(broker->setup.calendar), calendar_digest(calendar));

    broker->setup.calendar = calendar;
    if (!same) {
        broker->reconfigured = true;
        broker->redating = true;
        memset(&broker->redate_after, 0, sizeof(broker->redate_after));
        broker->again = true;
    }
}

bool broker_redating(const struct broker *broker)
{
    return broker->redating;
}

uint64_t broker_scan_late_ms(const struct broker *broker)
{
    uint64_t boot_ms = io_boot_ms(&broker->setup.io);

    return boot_ms > broker->scan_boot_ms ? boot_ms - broker->scan_boot_ms : 0;
}

bool broker_has_work(const struct broker *broker)
{
    return broker->failure == OK && (broker->again || broker->pending_first != NULL);
}

bool broker_has_pending(const struct broker *broker)
{
    return broker->pending_first != NULL;
}

void broker_stop(struct broker *broker)
{
    broker->stopping = true;
    broker->again = true;
}

enum err broker_failure(const struct broker *broker)
{
    return broker->failure;
}

const struct broker_timings *broker_timings(const struct broker *broker)
{
    return &broker->timings;
}

void broker_count(const struct broker *broker, struct broker_counts *ret_counts)
{
    *ret_counts = broker->counts;
    ret_counts->parked = 0;
    for (size_t i = 0; i < broker->parked.count; i++) {
        ret_counts->parked += broker->parked.rows[i].used;
    }
}

void broker_clock(const struct broker *broker, struct broker_clock *ret_clock)
{
    ret_clock->broker_ms = broker->now_ms;
    ret_clock->wall_ms = io_wall_ms(&broker->setup.io);
    ret_clock->hold = broker->hold;
    ret_clock->confirmed_ms = broker->keeper.confirmed_ms;
    ret_clock->wait_until_ms = 0;
    if (broker->hold == HOLD_WAIT) {
        uint64_t end_ms = broker->keeper.start_boot_ms + broker->keeper.rules.start_wait_ms;
        uint64_t boot_ms = io_boot_ms(&broker->setup.io);

        ret_clock->wait_until_ms = ret_clock->wall_ms + (end_ms > boot_ms ? end_ms - boot_ms : 0);
    }
}

bool broker_clock_ahead(const struct broker *broker)
{
    struct timekeeper trial = broker->keeper; /* a turn of a copy: the last real one may be old */
    const struct clock_reading reading = {.wall_ms = io_wall_ms(&broker->setup.io),
                                          .boot_ms = io_boot_ms(&broker->setup.io)};
    struct clock_turn turn;

    timekeeper_turn(&trial, reading, &turn);
    return turn.now_ms > reading.wall_ms;
}

uint64_t broker_heard_ms(const struct broker *broker, size_t agency)
{
    assert(agency < broker->agency_count);
    return broker->agencies[agency].heard_ms;
}

bool broker_agency_up(const struct broker *broker, size_t agency)
{
    assert(agency < broker->agency_count);
    return broker->agencies[agency].heard_ms != 0 &&
           io_boot_ms(&broker->setup.io) - broker->agencies[agency].heard_boot_ms < BROKER_UP_MS;
}

const struct broker_setup *broker_setup(const struct broker *broker)
{
    return &broker->setup;
}

struct intake_context *broker_intake(struct broker *broker)
{
    return &broker->intake;
}
