/* FETCH: what waits for an agency, in the order of its lanes, or a long poll until something does.
 *
 * Every fetch is parked first and answered after the commit, so that a message of this very turn is
 * in it. Fetching removes nothing: rows leave by their acknowledgement.
 *
 * What is held (revocation.h), and what follows in its case, is shown once as held, so that its
 * receiver can check that it has a reason and that nothing else was left out; the lane goes on
 * behind it. It comes again when it is over. With each greeting it is shown once more: the receiver
 * may have lost its note of it, by an older copy of its store or a new log. */
#include <string.h>

#include "broker/turn.h"
#include "wire/receipt.h"

#define DELIVERY_OVERHEAD_BYTES 1024u /* proof, path and framing of one delivery, at the most */
#define HELD_CASES_MAX          64u   /* of one lane; it waits behind those beyond */

static enum err answer_code(struct turn *turn, const struct parked_fetch *fetch,
                            enum refusal refusal)
{
    struct answer *answer = turn_answer(turn, fetch->handle, &fetch->request_digest);

    if (answer == NULL) {
        return ERR_MEMORY;
    }
    answer->known_size = fetch->known_size;
    answer->head.code = refusal;
    return OK;
}

/* Both only grow. */
static uint64_t registry_mark(const struct broker *broker)
{
    return broker->setup.document.version + broker->statements.count;
}

static uint32_t bounded(uint32_t wanted, uint32_t most)
{
    return wanted == 0 || wanted > most ? most : wanted;
}

enum err fetch_handle(struct turn *turn, struct intake *intake)
{
    struct broker *broker = turn->broker;
    const struct request_head *head = &intake->request.head;
    size_t place = agency_place(broker, intake->agency);
    uint32_t wait_ms = head->fetch.wait_ms;
    struct parked_fetch old,
        fetch = {.handle = intake->handle,
                 .pipe = intake->pipe,
                 .registry_mark = head->fetch.registry_mark != 0 ? head->fetch.registry_mark
                                                                 : registry_mark(broker),
                 .known_size = head->known_size,
                 .request_digest = intake->request.head_digest};
    enum err error = OK;

    fetch.max_count = bounded(head->fetch.max_count, LIMIT_FETCH_COUNT);
    fetch.max_bytes = bounded(head->fetch.max_bytes, LIMIT_FETCH_BYTES);
    fetch.until_boot_ms =
        turn->reading.boot_ms + (wait_ms < LIMIT_FETCH_WAIT_MS ? wait_ms : LIMIT_FETCH_WAIT_MS);
    if (parked_take(&broker->parked, place, &old)) {
        error = answer_code(turn, &old, REFUSAL_SUPERSEDED);
    }
    parked_put(&broker->parked, place, &fetch);
    intake->handle = 0; /* the parked row answers it */
    broker->agencies[place].dirty = true;
    return error;
}

/* --- one reply --- */

struct gathering { /* what waits, lane by lane */
    struct turn *turn;
    struct store_txn *read;
    const struct agency *agency;
    struct queue_item heads[LANE_COUNT]; /* the next row of each lane */
    bool waiting[LANE_COUNT];
    uint64_t resigned[LANE_COUNT]; /* its envelope is that of this leaf; AUDIT_NONE: its own */
    enum hold holds[LANE_COUNT];   /* how that row is shown */
    struct uuid held[LANE_COUNT][HELD_CASES_MAX]; /* cases of rows before it that are held */
    size_t held_count[LANE_COUNT];
    uint64_t size; /* of the tree that the paths lead to */
    struct node_set nodes;
    struct delivery *deliveries;
    size_t count;
    size_t bytes;
};

static bool is_held(const struct gathering *gathering, unsigned lane, const struct uuid *case_id)
{
    for (size_t i = 0; i < gathering->held_count[lane]; i++) { /* never that of none */
        if (uuid_equal(&gathering->held[lane][i], case_id)) {
            return true;
        }
    }
    return false;
}

/* Is the head of this lane held, by its own key or behind what is? ERR_FULL: all behind it waits.
 */
static enum err look_at_head(struct gathering *gathering, unsigned lane, bool *ret_held)
{
    const struct queue_item *item = &gathering->heads[lane];
    struct revoked_look look;
    struct uuid case_id;
    enum err error = revocation_look(gathering->turn->broker, gathering->read, item, &look);

    gathering->resigned[lane] = look.resigned_leaf;
    *ret_held = look.held;
    if (error != OK || (!look.held && gathering->held_count[lane] == 0)) {
        return error;
    }
    error = revocation_case_of(gathering->read, item->leaf, &case_id);
    if (error != OK || is_held(gathering, lane, &case_id)) {
        *ret_held = true;
        return error;
    }
    if (look.held && gathering->held_count[lane] == HELD_CASES_MAX) {
        return ERR_FULL;
    }
    if (look.held && !uuid_is_zero(&case_id)) {
        gathering->held[lane][gathering->held_count[lane]++] = case_id;
    }
    return OK;
}

/* Its receiver has said that it noted it, since it greeted. */
static bool is_noted(const struct gathering *gathering, unsigned lane)
{
    const struct broker *broker = gathering->turn->broker;
    const struct queue_item *item = &gathering->heads[lane];

    return item->held &&
           item->seq <= broker->agencies[agency_place(broker, gathering->agency)].held_to[lane];
}

/* The next row that is shown: of what is held, those that its receiver has not noted. */
static enum err next_of_lane(struct gathering *gathering, unsigned lane, uint64_t after)
{
    const struct queue_stream stream = {.recipient = gathering->agency->number,
                                        .lane = (uint8_t)lane};
    struct queue_item *head = &gathering->heads[lane];
    bool held = true, noted = true;
    enum err error = OK;

    for (uint64_t seq = after; error == OK && held && noted; seq = head->seq) {
        error = queue_after(gathering->read, stream, seq, head);
        noted = error == OK && is_noted(gathering, lane);
        if (error == OK) {
            error = look_at_head(gathering, lane, &held);
        }
    }
    gathering->waiting[lane] = error == OK;
    gathering->holds[lane] = held ? HOLD_HELD : head->held ? HOLD_OVER : HOLD_NONE;
    return error == ERR_NOT_FOUND || error == ERR_FULL ? OK : error;
}

static enum err gather_one(struct gathering *gathering, enum lane lane)
{
    const struct queue_item *item = &gathering->heads[lane];
    struct delivery *delivery = &gathering->deliveries[gathering->count];
    struct region *region = &gathering->turn->region;
    struct audit_entry entry;
    struct merkle_path path;
    enum err error = audit_read(gathering->read, item->leaf, &entry);

    if (error != OK) {
        return error;
    }
    delivery->hold = gathering->holds[lane];
    delivery->leaf_index = item->leaf;
    delivery->record = entry.record;
    memcpy(delivery->salt, entry.salt, SALT_BYTES);
    if (gathering->resigned[lane] != AUDIT_NONE) {
        error = audit_read(gathering->read, gathering->resigned[lane], &entry);
    }
    if (error == OK) {
        error = envelope_decode(entry.envelope, region, &delivery->payload, &delivery->proof, NULL);
    }
    if (error == OK) {
        error = audit_inclusion(gathering->read, item->leaf, gathering->size, &path);
    }
    if (error == OK) {
        error = node_set_add(&gathering->nodes, path.hashes, path.count, region, &delivery->path);
    }
    if (error == OK) {
        delivery->path_count = path.count;
        gathering->count++;
    }
    return error;
}

static enum err gather(struct gathering *gathering, const struct parked_fetch *fetch)
{
    struct broker *broker = gathering->turn->broker;
    struct lane_picker *picker = &broker->agencies[agency_place(broker, gathering->agency)].picker;
    enum err error = OK;

    while (error == OK && gathering->count < fetch->max_count) {
        enum lane lane = lane_pick(picker, gathering->waiting);
        size_t bytes;

        if (lane == LANE_COUNT) {
            return OK;
        }
        bytes = gathering->heads[lane].envelope_bytes + DELIVERY_OVERHEAD_BYTES;
        if (gathering->count > 0 && gathering->bytes + bytes > fetch->max_bytes) {
            return OK;
        }
        gathering->bytes += bytes;
        error = gather_one(gathering, lane);
        if (error == OK) {
            error = next_of_lane(gathering, lane, gathering->heads[lane].seq);
        }
    }
    return error;
}

static enum err gather_begin(struct gathering *gathering, const struct parked_fetch *fetch)
{
    struct region *region = &gathering->turn->region;
    struct span note;
    enum err error = audit_checkpoint(gathering->read, &gathering->size, &note);

    if (error != OK) {
        return error;
    }
    gathering->deliveries = region_take(region, fetch->max_count * sizeof(struct delivery));
    if (gathering->deliveries == NULL) {
        return ERR_MEMORY;
    }
    return node_set_init(&gathering->nodes,
                         fetch->max_count * merkle_path_most(gathering->size) + 1u, region);
}

/* By what rungs are raised and days counted: who has the same can count them again. */
static void name_rules(const struct broker *broker, struct reply_head *head)
{
    head->fetch.policy_digest = broker->setup.policy->digest;
    head->fetch.policy_since_ms = broker->policy_since.at_ms;
    head->fetch.calendar = in_force_calendar(broker);
}

static enum err reply_gathered(struct turn *turn, struct gathering *gathering,
                               const struct parked_fetch *fetch)
{
    struct answer *answer = turn_answer(turn, fetch->handle, &fetch->request_digest);
    uint64_t waiting = 0;
    enum err error;

    if (answer == NULL) {
        return ERR_MEMORY;
    }
    answer->known_size = fetch->known_size;
    answer->head.kind = REPLY_FETCH;
    answer->head.fetch.deliveries = gathering->deliveries;
    answer->head.fetch.delivery_count = gathering->count;
    answer->head.fetch.nodes = gathering->nodes.nodes;
    answer->head.fetch.node_count = gathering->nodes.count;
    name_rules(turn->broker, &answer->head);
    pings_ask(turn, agency_place(turn->broker, gathering->agency), &answer->head);
    error = queue_waiting(gathering->read, gathering->agency->number, &waiting, NULL);
    answer->head.fetch.waiting = waiting - gathering->count;
    return error;
}

static enum err answer_place(struct turn *turn, struct store_txn *read, size_t place)
{
    struct broker *broker = turn->broker;
    struct parked_fetch *row = &broker->parked.rows[place];
    bool expired = row->until_boot_ms <= turn->reading.boot_ms;
    bool news = row->registry_mark != registry_mark(broker);
    struct gathering gathering = {
        .turn = turn, .read = read, .agency = registry_at(broker->setup.registry, place)};
    struct parked_fetch fetch;
    bool any = false;
    enum err error = OK;

    for (unsigned lane = 0; error == OK && !broker_suspended(broker, place) && lane < LANE_COUNT;
         lane++) {
        error = next_of_lane(&gathering, lane, 0);
        any = any || gathering.waiting[lane];
    }
    if (error != OK || (!any && !expired && !news && !pings_unsent(broker, place))) {
        return error;
    }
    (void)parked_take(&broker->parked, place, &fetch); /* it is there: row->used was seen */
    if (any) {
        error = gather_begin(&gathering, &fetch);
    }
    if (error == OK && any) {
        error = gather(&gathering, &fetch);
    }
    return error == OK ? reply_gathered(turn, &gathering, &fetch) : error;
}

enum err fetch_answer(struct turn *turn, struct store_txn *read)
{
    struct broker *broker = turn->broker;

    for (size_t place = 0; place < broker->agency_count; place++) {
        const struct parked_fetch *row = &broker->parked.rows[place];
        struct parked_fetch fetch;
        enum err error = OK;

        if (!row->used) {
            continue;
        }
        if (broker->stopping) {
            (void)parked_take(&broker->parked, place, &fetch);
            error = answer_code(turn, &fetch, REFUSAL_STOPPING);
        } else if (broker->agencies[place].dirty || row->until_boot_ms <= turn->reading.boot_ms) {
            error = answer_place(turn, read, place);
        }
        if (error != OK) {
            return error;
        }
    }
    return OK;
}
