/* The scheduler: what happens because it is time, and when to look again.
 *
 * It decides nothing: what a rung means is lib/model's, and a due rung is written by the same path
 * as a message. A due row says only when to look at a referral. */
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "broker/policies.h"
#include "broker/registry_record.h"
#include "broker/turn.h"
#include "store/due.h"
#include "wire/key_expiry.h"

#define STRANGERS_MS  60000u /* one summary leaf a minute, and one with the stop */
#define REDATE_COUNT  400u   /* referrals looked at in one turn: 20 ms, and what others wait for */
#define MINUTE_MS     60000u
#define RULE_ALARM_MS UINT64_C(3600000)

/* --- what the store remembers --- */

static struct timekeeper_rules rules_of(const struct policy *policy)
{
    struct timekeeper_rules rules = *timekeeper_rules_default();

    rules.tolerance_ms = policy->clock_jump_ms;
    rules.start_wait_ms = policy->claimed_grace_ms;
    rules.alarm_ms = RULE_ALARM_MS;
    rules.witness_count = (uint32_t)policy->clock_confirm_agencies;
    return rules;
}

void scheduler_use_policy(struct broker *broker)
{
    broker->keeper.rules = rules_of(broker->setup.policy);
}

static enum err read_keeper(struct broker *broker, struct store_txn *read)
{
    const struct timekeeper_rules rules = rules_of(broker->setup.policy);
    struct clock_reading reading = {.wall_ms = io_wall_ms(&broker->setup.io),
                                    .boot_ms = io_boot_ms(&broker->setup.io)};
    struct span packed;
    enum err error = store_meta_get(read, "timekeeper", &packed);

    if (error == ERR_NOT_FOUND) {
        return timekeeper_start(&broker->keeper, &rules, reading, NULL);
    }
    if (error != OK) {
        return error;
    }
    if (packed.len != TIMEKEEPER_PACKED_BYTES) {
        return ERR_CORRUPT;
    }
    return timekeeper_start(&broker->keeper, &rules, reading, packed.data);
}

static enum err read_documents(struct broker *broker, struct store_txn *read)
{
    struct span packed;
    enum err error = store_meta_get(read, "documents", &packed);

    if (error != OK) {
        return error == ERR_NOT_FOUND ? OK : error;
    }
    if (packed.len != 8) {
        return ERR_CORRUPT;
    }
    broker->documents.year = be32_get(packed.data);
    broker->documents.last = be32_get(packed.data + 4);
    return OK;
}

/* Where the last walk stood, and for which calendar; after a whole one, at the beginning. */
static enum err read_walk(struct store_txn *read, struct digest *ret_digest,
                          struct case_key *ret_after)
{
    struct span kept;
    enum err error = store_meta_get(read, "redate", &kept);

    memset(ret_digest, 0, sizeof(*ret_digest));
    memset(ret_after, 0, sizeof(*ret_after));
    if (error != OK) {
        return error == ERR_NOT_FOUND ? OK : error;
    }
    if (kept.len != DIGEST_BYTES + 2 * UUID_BYTES) {
        return ERR_CORRUPT;
    }
    memcpy(ret_digest->bytes, kept.data, DIGEST_BYTES);
    memcpy(ret_after->case_id.bytes, kept.data + DIGEST_BYTES, UUID_BYTES);
    memcpy(ret_after->referral_id.bytes, kept.data + DIGEST_BYTES + UUID_BYTES, UUID_BYTES);
    return OK;
}

/* Another calendar than that of the last whole walk re-dates every referral; a walk that was cut
 * short goes on where it stood, and one for another calendar is undone from the beginning, though
 * it be by the calendar of before. */
static enum err read_redating(struct broker *broker, struct store_txn *read)
{
    const struct digest *ours = calendar_digest(broker->setup.calendar);
    struct digest walked;
    struct case_key after;
    struct span kept;
    enum err error = store_meta_get(read, "calendar", &kept);
    bool same = error == OK && span_equal(kept, span_of(ours->bytes, DIGEST_BYTES));

    if (error == OK || error == ERR_NOT_FOUND) {
        error = read_walk(read, &walked, &after);
    }
    if (error != OK) {
        return error;
    }
    broker->redating = !same || !uuid_is_zero(&after.case_id);
    if (digest_equal(&walked, ours)) {
        broker->redate_after = after;
    }
    return OK;
}

enum err scheduler_start(struct broker *broker)
{
    struct store_txn *read;
    enum err error = store_read_begin(broker->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = read_keeper(broker, read);
    if (error == OK) {
        error = read_documents(broker, read);
    }
    if (error == OK) {
        error = read_redating(broker, read);
    }
    if (error == OK) {
        error = suspension_start(broker, read);
    }
    if (error == OK) {
        error = revocation_start(broker, read);
    }
    store_read_end(read);
    broker->again = true; /* the first turn writes the start */
    broker->scan_boot_ms = io_boot_ms(&broker->setup.io);
    return error;
}

/* --- the clock, the start, the stop --- */

static enum err append_plain(struct turn *turn, const struct leaf_record *record)
{
    uint64_t leaf;

    return ledger_append(turn, record, span_of(NULL, 0), AUDIT_NONE, &leaf);
}

static enum err append_event(struct turn *turn, const struct clock_event *event)
{
    struct leaf_record record;

    if (event->kind == CLOCK_ALARM) {
        log_event(EVENT_CLOCK_UNCONFIRMED,
                  "the clock is not confirmed since %llu ms: check it, then `referralctl clock "
                  "confirm`; escalations wait",
                  (unsigned long long)(event->to_ms - event->from_ms));
        return OK;
    }
    ledger_record(turn, LEAF_CLOCK, event->by_administrator ? ADMINISTRATOR_NAME : BROKER_AGENCY,
                  &record);
    record.has_clock = true;
    record.clock.event = (uint32_t)event->kind + 1;
    record.clock.wall_ms = turn->reading.wall_ms;
    record.clock.broker_ms = turn->now_ms;
    record.clock.departure_ms = (int64_t)turn->reading.wall_ms - (int64_t)turn->now_ms;
    record.clock.from_ms = event->from_ms;
    record.clock.to_ms = event->to_ms;
    text_copy(record.clock.by, sizeof(record.clock.by), record.actor);
    return append_plain(turn, &record);
}

/* Since when each of the rules is the one in force. */
static enum err rules_in_force(struct turn *turn, uint64_t leaf)
{
    const struct broker_setup *setup = &turn->broker->setup;
    const struct in_force now = {.leaf = leaf, .at_ms = turn->now_ms};
    enum err error = in_force_follow(turn->txn, "policy-since", &setup->policy->digest, &now,
                                     &turn->broker->policy_since);

    return error == OK
               ? in_force_follow(turn->txn, "calendar-since", calendar_digest(setup->calendar),
                                 &now, &turn->broker->calendar_since)
               : error;
}

static enum err append_configuration(struct turn *turn)
{
    const struct broker_setup *setup = &turn->broker->setup;
    struct policy_version version;
    struct leaf_record record;
    enum err error;

    turn->configuration_written = true;
    ledger_record(turn, LEAF_CONFIGURATION, BROKER_AGENCY, &record);
    record.has_configuration = true;
    record.configuration.registry = *registry_digest(setup->registry);
    record.configuration.keys = keyring_digest(setup->keyring);
    record.configuration.policy = setup->policy->digest;
    record.configuration.calendar = *calendar_digest(setup->calendar);
    text_copy(record.configuration.calendar_version, sizeof(record.configuration.calendar_version),
              calendar_version(setup->calendar));
    text_copy(record.configuration.software, sizeof(record.configuration.software),
              setup->software);
    record.configuration.registry_version = setup->document.version;
    record.configuration.registry_document = setup->document.digest;
    version.digest = setup->policy->digest;
    version.at_ms = turn->now_ms;
    version.text = setup->policy_text;
    error = ledger_append(turn, &record, span_of(NULL, 0), AUDIT_NONE, &version.leaf);
    error = error == OK ? policies_keep(turn->txn, &version) : error;
    error = error == OK ? rules_in_force(turn, version.leaf) : error;
    return error == OK ? registry_record_keep(turn->txn, &setup->document, version.leaf) : error;
}

static enum err append_kind(struct turn *turn, enum leaf_kind kind)
{
    struct leaf_record record;

    ledger_record(turn, kind, BROKER_AGENCY, &record);
    return append_plain(turn, &record);
}

/* Whose log it is: what the offline verifier reads first. */
static enum err write_owner(struct turn *turn)
{
    const struct broker_setup *setup = &turn->broker->setup;
    enum err error = store_meta_put(turn->txn, "origin", span_text(turn->broker->origin));

    if (error != OK) {
        return error;
    }
    return store_meta_put(turn->txn, "broker-key",
                          span_of(setup->key->public_key, SIGN_PUBLIC_BYTES));
}

static enum err append_start(struct turn *turn)
{
    enum err error = append_kind(turn, LEAF_START);

    turn->start_written = true;
    if (error == OK) {
        error = append_configuration(turn);
    }
    return error == OK ? write_owner(turn) : error;
}

/* What it does is reported by the next turn. */
enum err scheduler_clock_order(struct turn *turn)
{
    struct broker *broker = turn->broker;
    enum clock_order order = broker->clock_order;
    enum err error;

    if (order == CLOCK_ORDER_NONE) {
        return OK;
    }
    error = order == CLOCK_ORDER_RESET ? timekeeper_reset(&broker->keeper, turn->reading)
                                       : timekeeper_confirm(&broker->keeper, turn->reading);
    broker->again = true;
    if (error == ERR_BUSY) {
        return turn_txn(turn); /* the next turn tries again */
    }
    broker->clock_order = CLOCK_ORDER_NONE;
    return error;
}

static enum err sum_up_strangers(struct turn *turn)
{
    struct broker *broker = turn->broker;
    struct leaf_record record;

    if (turn->now_ms - broker->strangers_ms < STRANGERS_MS && !broker->stopping) {
        return OK;
    }
    broker->strangers_ms = turn->now_ms;
    ledger_record(turn, LEAF_STRANGERS, BROKER_AGENCY, &record);
    record.count = atomic_exchange(&broker->intake.strangers, 0);
    if (record.count == 0) {
        return OK;
    }
    broker->counts.strangers += record.count;
    return append_plain(turn, &record);
}

/* Once a day: keys that end; and from the day on which next year's notice is awaited, that. */
static void tell_daily(struct turn *turn)
{
    struct broker *broker = turn->broker;
    int32_t today = civil_day_at(turn->now_ms);
    int32_t missing = calendar_missing_year(broker->setup.calendar, today);

    if (missing != 0 && broker->daily_told != today) {
        log_event(EVENT_CALENDAR_MISSING,
                  "the holiday notice of %d is not in the calendar: dates behind it are "
                  "provisional (暂定); `referralctl calendar import %d.json`",
                  (int)missing, (int)missing);
    }
    if (broker->daily_told != today) {
        const struct key_ends ends = {broker->setup.keyring, broker->setup.calendar, NULL,
                                      turn->now_ms};

        key_endings_tell(&ends);
    }
    broker->daily_told = today;
}

enum err scheduler_clock(struct turn *turn)
{
    struct broker *broker = turn->broker;
    enum err error = OK;

    tell_daily(turn);
    if (!broker->started) {
        error = append_start(turn);
    } else if (broker->reconfigured) {
        error = append_configuration(turn);
    }
    for (size_t i = 0; error == OK && i < turn->clock.event_count; i++) {
        error = append_event(turn, &turn->clock.events[i]);
    }
    if (error == OK) {
        error = scheduler_clock_order(turn);
    }
    if (error == OK) {
        error = sum_up_strangers(turn);
    }
    if (error == OK && broker->stopping && !broker->stopped) {
        turn->stop_written = true;
        error = append_kind(turn, LEAF_STOP);
    }
    return error;
}

/* --- rungs --- */

/* Decides what is due of a referral or a matter; answers where it stood. */
enum err scheduler_decide(struct turn *turn, const struct uuid *referral_id, struct span packed,
                          struct subject *ret_before)
{
    struct decide_context ctx = ledger_context(turn);
    struct decision *decision = turn->broker->decision;
    struct matter *matter = turn->broker->matter;
    struct referral referral;
    enum err error = replay_held(turn, referral_id, &ctx);

    if (error != OK) {
        return error;
    }
    if (matter_is_packed(packed)) {
        error = matter_unpack(packed, matter);
        if (error == OK) {
            *ret_before = subject_of_matter(matter);
            decide_matter_due(&ctx, matter, decision);
        }
        return error;
    }
    error = referral_unpack(packed, &referral);
    if (error == OK) {
        *ret_before = subject_of_referral(&referral);
        decide_due(&ctx, &referral, decision);
    }
    return error;
}

static enum err raise_of(struct turn *turn, const struct due_row *row)
{
    const struct decision *decision = turn->broker->decision;
    struct cause by_time = {.header = NULL};
    struct subject before;
    struct span packed;
    uint64_t leaf, next_due_ms;
    enum err error = cases_get(turn->txn, &row->key, &packed);

    if (error == OK) {
        error = scheduler_decide(turn, &row->key.referral_id, packed, &before);
    }
    if (error != OK) {
        return error == ERR_NOT_FOUND ? ERR_CORRUPT : error;
    }
    if (before.next_due_ms != row->due_ms) {
        return ERR_CORRUPT;
    }
    next_due_ms = subject_decided(decision).next_due_ms;
    assert(decision->effect_count > 0 || next_due_ms == 0 || next_due_ms > turn->now_ms);
    return ledger_apply(turn, &before, &by_time, &leaf);
}

static enum err raise_rungs(struct turn *turn)
{
    struct broker *broker = turn->broker;
    struct decide_context ctx = ledger_context(turn);
    size_t begun = turn->written;
    struct due_row row;
    enum err error = OK;

    broker->rungs_until_ms = 0;
    if (broker->redating || recovery_holds(broker)) {
        return OK; /* no date is sure yet: none may be raised early */
    }
    if (decide_rungs_wait(&ctx, &broker->rungs_until_ms)) {
        if (broker->rungs_until_ms == 0) {
            broker->rungs_until_ms = UINT64_MAX;
        }
        return OK;
    }
    if (turn->txn == NULL) { /* do not begin a write only to look */
        struct store_txn *read;

        error = store_read_begin(broker->setup.store, &read);
        if (error != OK) {
            return error;
        }
        error = due_first(read, &row);
        store_read_end(read);
        if (error != OK || row.due_ms > turn->now_ms) {
            return error == ERR_NOT_FOUND ? OK : error;
        }
    }
    error = turn_txn(turn);
    while (error == OK) {
        error = due_first(turn->txn, &row);
        if (error != OK || row.due_ms > turn->now_ms) {
            break;
        }
        if (turn->rungs >= LIMIT_TURN_RUNGS || turn->written - begun > TURN_WRITTEN_BYTES) {
            broker->again = true;
            return OK;
        }
        error = raise_of(turn, &row);
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err scheduler_rungs(struct turn *turn)
{
    enum err error;

    if (io_omits(&turn->broker->setup.io, "broker.scan")) {
        return OK;
    }
    error = raise_rungs(turn);
    turn->scanned = error == OK;
    return error;
}

/* --- re-dating --- */

static enum err redate_kept(struct turn *turn, const struct case_key *at)
{
    const struct digest *digest = calendar_digest(turn->broker->setup.calendar);
    uint8_t row[DIGEST_BYTES + 2 * UUID_BYTES];

    memcpy(row, digest->bytes, DIGEST_BYTES);
    memcpy(row + DIGEST_BYTES, at->case_id.bytes, UUID_BYTES);
    memcpy(row + DIGEST_BYTES + UUID_BYTES, at->referral_id.bytes, UUID_BYTES);
    turn->redate_at = *at;
    turn->redate_moved = true;
    turn->broker->again = true; /* the rest, or the rungs that waited */
    return store_meta_put(turn->txn, "redate", span_of(row, sizeof(row)));
}

/* The walk's place goes back to the beginning: this calendar may come again after another. */
static enum err redate_done(struct turn *turn)
{
    static const struct case_key beginning;
    const struct digest *digest = calendar_digest(turn->broker->setup.calendar);
    uint64_t redated = turn->broker->counts.redated + turn->redated;
    enum err error = redate_kept(turn, &beginning);

    turn->redate_done = true;
    if (error != OK) {
        return error;
    }
    if (redated > 0) {
        log_event(EVENT_CALENDAR_CHANGED,
                  "calendar %s is in force; %" PRIu64 " windows were re-dated since the start",
                  calendar_version(turn->broker->setup.calendar), redated);
    }
    return store_meta_put(turn->txn, "calendar", span_of(digest->bytes, DIGEST_BYTES));
}

/* A date that is kept though the calendar has an earlier one changes its reason, and tells nobody.
 */
static bool reasons_differ(const struct referral *a, const struct referral *b)
{
    for (unsigned clock = 0; clock < REFERRAL_CLOCK_COUNT; clock++) {
        if (a->clocks[clock].basis != b->clocks[clock].basis) {
            return true;
        }
    }
    return false;
}

static void count_redated(struct turn *turn)
{
    const struct decision *decision = turn->broker->decision;

    for (size_t i = 0; i < decision->effect_count; i++) {
        turn->redated += decision->effects[i].kind == EFFECT_WINDOW_REDATED;
    }
}

/* Answers the referral as it is afterwards, which may be as it was. */
static enum err redate_one(struct turn *turn, struct referral *referral)
{
    struct decide_context ctx = ledger_context(turn);
    struct decision *decision = turn->broker->decision;
    const struct subject before = subject_of_referral(referral);
    struct cause by_time = {.header = NULL};
    uint64_t leaf;
    enum err error;

    decide_redate(&ctx, referral, decision);
    if (decision->effect_count == 0 && decision->after.next_due_ms == referral->next_due_ms &&
        !reasons_differ(&decision->after, referral)) {
        return OK;
    }
    count_redated(turn);
    error = ledger_apply(turn, &before, &by_time, &leaf);
    *referral = decision->after;
    return error;
}

/* The same for a matter. */
static enum err redate_matter(struct turn *turn, struct matter *matter)
{
    struct decide_context ctx = ledger_context(turn);
    struct decision *decision = turn->broker->decision;
    const struct subject before = subject_of_matter(matter);
    struct cause by_time = {.header = NULL};
    uint64_t leaf;
    enum err error;

    decide_matter_redate(&ctx, matter, decision);
    if (decision->effect_count == 0 && decision->matter.next_due_ms == matter->next_due_ms) {
        return OK;
    }
    count_redated(turn);
    error = ledger_apply(turn, &before, &by_time, &leaf);
    *matter = decision->matter;
    return error;
}

static enum err redate_row(struct turn *turn, struct span packed)
{
    struct referral referral;
    enum err error;

    if (matter_is_packed(packed)) {
        error = matter_unpack(packed, turn->broker->matter);
        return error == OK ? redate_matter(turn, turn->broker->matter) : error;
    }
    error = referral_unpack(packed, &referral);
    return error == OK ? redate_one(turn, &referral) : error;
}

enum err scheduler_redate_matter_first(struct turn *turn, struct matter *matter)
{
    return turn->broker->redating ? redate_matter(turn, matter) : OK;
}

enum err scheduler_redate_first(struct turn *turn, struct referral *referral)
{
    return turn->broker->redating ? redate_one(turn, referral) : OK;
}

enum err scheduler_redate(struct turn *turn)
{
    struct broker *broker = turn->broker;
    struct case_key at = broker->redate_after;
    size_t begun = turn->written;
    bool first = uuid_is_zero(&at.case_id);
    enum err error;

    if (!broker->redating) {
        return OK;
    }
    error = turn_txn(turn);
    for (unsigned i = 0; error == OK && i < REDATE_COUNT; i++) {
        struct case_key key;
        struct span packed;

        if (turn->written - begun > TURN_WRITTEN_BYTES) {
            break;
        }
        error = cases_next(turn->txn, NULL, first ? NULL : &at, &key, &packed);
        if (error == ERR_NOT_FOUND) {
            return redate_done(turn);
        }
        if (error == OK) {
            error = redate_row(turn, packed);
            at = key;
            first = false;
        }
    }
    return error == OK ? redate_kept(turn, &at) : error;
}

/* --- the next wake-up --- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Broker time runs with the boot clock between two turns. */
static uint64_t boot_at(const struct turn *turn, uint64_t broker_ms)
{
    return turn->reading.boot_ms + (broker_ms > turn->now_ms ? broker_ms - turn->now_ms : 0);
}

uint64_t scheduler_wake_boot_ms(struct turn *turn, struct store_txn *read)
{
    struct broker *broker = turn->broker;
    uint64_t wake = earlier(parked_next(&broker->parked), turn->clock.wake_boot_ms);
    struct due_row row;

    if (broker->again || broker->pending_first != NULL) {
        return turn->reading.boot_ms;
    }
    if (atomic_load(&broker->intake.strangers) > 0 || broker->strangers_ms == 0) {
        wake = earlier(wake, turn->reading.boot_ms + MINUTE_MS);
    }
    if (!recovery_holds(broker) && broker->rungs_until_ms != UINT64_MAX &&
        due_first(read, &row) == OK) {
        uint64_t due_ms = row.due_ms > broker->rungs_until_ms ? row.due_ms : broker->rungs_until_ms;

        wake = earlier(wake, boot_at(turn, due_ms));
    }
    return earlier(wake, turn->reading.boot_ms + MINUTE_MS);
}
