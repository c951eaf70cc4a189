/* A broker whose store was restored from an old copy goes on under another origin. Its signed
 * statements say so; they are believed only when the new log extends what this agent knows of the
 * old one, up to where the two part. Until then nothing of it is used.
 *
 * The last checkpoint below the anchor that the agent has is tried first. Where a broker ran on the
 * copy before anybody noticed, it signed records that the lost log had otherwise: then an older
 * checkpoint is, and what lies behind that one is handed back as well. What is accepted is durable
 * before anything follows from it; receipts of the lost log stay as evidence. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/state.h"
#include "base/log.h"
#include "wire/receipt.h"

#define CHAIN_KEY       "recoveries"
#define CHAIN_BYTES_MAX (RECOVERIES_MAX * (RECOVERY_STATEMENT_BYTES + 128u))

/* --- which log --- */

/* Origins and anchors of a chain that was verified before. */
static enum err follow_chain(struct agent *agent, struct span packed)
{
    const struct keyring *keyring = agent->setup.keyring;
    struct signed_recovery links[RECOVERIES_MAX];
    struct following *following = &agent->following;
    size_t count = 0;
    enum err error = recovery_unpack(packed, links, &count);

    text_copy(following->origin, sizeof(following->origin), keyring_origin(keyring));
    following->past_count = 0;
    for (size_t i = 0; error == OK && i < count; i++) {
        struct recovery recovery;
        struct checkpoint anchor;

        error = recovery_verify(&links[i], keyring, &recovery, &anchor);
        if (error == OK && strcmp(recovery.old_origin, following->origin) != 0) {
            error = ERR_INVALID;
        }
        if (error == OK) {
            error =
                recovery_log(keyring_origin(keyring), recovery.old_origin, &following->past[i].log);
        }
        if (error == OK) {
            text_copy(following->past[i].origin, LIMIT_ORIGIN_BYTES, recovery.old_origin);
            following->past[i].anchor = anchor.size;
            following->past_count = i + 1;
            text_copy(following->origin, LIMIT_ORIGIN_BYTES, recovery.new_origin);
        }
    }
    return error == OK ? recovery_log(keyring_origin(keyring), following->origin, &following->log)
                       : error;
}

enum err recovery_load(struct agent *agent, struct fault *fault)
{
    struct store_txn *read;
    struct span packed, handing;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    buf_init(&agent->trial.chain, CHAIN_BYTES_MAX);
    error = store_get(read, STORE_VALUE, span_text(CHAIN_KEY), &packed);
    if (error == ERR_NOT_FOUND) {
        packed = span_of(NULL, 0);
        error = OK;
    }
    if (error == OK) {
        error = follow_chain(agent, packed);
    }
    if (error == ERR_FORGED || error == ERR_INVALID || error == ERR_NOT_FOUND) {
        fault_set(fault, "agent.origin", "public-keys",
                  "the broker's statements that this store keeps are not of these public keys");
        fault_hint(fault, "use the public keys of that broker, or a new store");
        error = ERR_INVALID;
    }
    if (error == OK) {
        error = store_get(read, STORE_VALUE, span_text(HANDING_KEY), &handing);
        agent->following.handing = error == OK;
        agent->following.confirms = true; /* until it was looked */
        error = error == ERR_NOT_FOUND ? OK : error;
    }
    store_read_end(read);
    return error;
}

void recovery_free(struct agent *agent)
{
    buf_free(&agent->trial.chain);
}

const char *recovery_origin_asked(const struct agent *agent)
{
    return agent->trial.active ? agent->trial.origin : agent->following.origin;
}

bool recovery_has(const struct agent *agent, const struct checkpoint *seen)
{
    const struct following *following = &agent->following;

    if (strcmp(seen->origin, following->origin) == 0) {
        return true;
    }
    for (size_t i = 0; i < following->past_count; i++) {
        if (strcmp(seen->origin, following->past[i].origin) == 0) {
            return seen->size <= following->past[i].anchor;
        }
    }
    return false;
}

/* The log in which a leaf of today's was written: one before the anchor stood there already. */
static uint64_t log_of_leaf(const struct following *following, uint64_t leaf_index)
{
    uint64_t log = following->log;

    for (size_t i = following->past_count; i > 0 && leaf_index < following->past[i - 1].anchor;
         i--) {
        log = following->past[i - 1].log;
    }
    return log;
}

uint64_t recovery_order(const struct agent *agent, const struct leaf_record *record,
                        uint64_t leaf_index)
{
    const struct leaf_recovered *before = &record->recovered;

    return record->has_recovered && !before->late && before->code == 0
               ? recovery_place(before->log, before->leaf)
               : recovery_place(log_of_leaf(&agent->following, leaf_index), leaf_index);
}

uint64_t recovery_counts_ms(const struct leaf_record *record)
{
    return record->has_recovered ? record->recovered.at_ms : record->at_ms;
}

bool recovery_left_out(const struct leaf_record *record)
{
    return record->has_recovered && record->recovered.code != 0;
}

/* --- what the broker says --- */

struct told { /* its chain, verified */
    struct agent *agent;
    char origins[RECOVERIES_MAX + 1][LIMIT_ORIGIN_BYTES];
    uint64_t anchors[RECOVERIES_MAX];
    size_t count; /* of statements */
};

static bool read_told(struct told *told, const struct reply_head *head)
{
    const struct keyring *keyring = told->agent->setup.keyring;

    text_copy(told->origins[0], LIMIT_ORIGIN_BYTES, keyring_origin(keyring));
    for (size_t i = 0; i < head->recovery_count; i++) {
        struct recovery recovery;
        struct checkpoint anchor;

        if (recovery_verify(&head->recoveries[i], keyring, &recovery, &anchor) != OK ||
            strcmp(recovery.old_origin, told->origins[i]) != 0) {
            return false;
        }
        text_copy(told->origins[i + 1], LIMIT_ORIGIN_BYTES, recovery.new_origin);
        told->anchors[i] = anchor.size;
        told->count = i + 1;
    }
    return true;
}

static const char *own_origin(const struct following *following, size_t index)
{
    return index < following->past_count ? following->past[index].origin : following->origin;
}

/* How many logs the two have in common, from the first. */
static size_t in_common(const struct told *told)
{
    const struct following *following = &told->agent->following;
    size_t common = 0;

    while (common <= told->count && common <= following->past_count &&
           strcmp(told->origins[common], own_origin(following, common)) == 0) {
        common++;
    }
    return common;
}

/* --- with what it is tried --- */

struct candidate {
    uint64_t size;
    uint64_t seq; /* of the row whose receipt has it; 0: the newest checkpoint */
};

struct candidates {
    struct candidate each[TRIALS_MAX]; /* the largest first */
    size_t count;
    uint64_t from_log, anchor;
};

static void consider(struct candidates *candidates, uint64_t size, uint64_t seq)
{
    size_t at = candidates->count;

    while (at > 0 && candidates->each[at - 1].size < size) {
        at--;
    }
    if (size == 0 || size > candidates->anchor || at == TRIALS_MAX ||
        (at > 0 && candidates->each[at - 1].size == size)) {
        return;
    }
    if (candidates->count < TRIALS_MAX) {
        candidates->count++;
    }
    memmove(&candidates->each[at + 1], &candidates->each[at],
            (candidates->count - at - 1) * sizeof(candidates->each[0]));
    candidates->each[at] = (struct candidate){.size = size, .seq = seq};
}

static enum err consider_rows(struct store_txn *read, enum row_direction direction,
                              struct candidates *candidates)
{
    struct row row = {.seq = 0};
    enum err error = OK;

    while (error == OK) {
        error = row_next(read, direction, row.seq, &row);
        if (error == OK && row.state != ROW_WAITING && row.log <= candidates->from_log) {
            consider(candidates, row.checkpoint_size, row.seq);
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err head_of_row(struct store_txn *read, uint64_t seq, struct merkle_head *ret_head)
{
    struct checkpoint checkpoint;
    struct receipt receipt;
    struct region region;
    struct span bytes;
    enum err error = row_receipt(read, seq, &bytes);

    region_init(&region, LIMIT_PARSE_BYTES(RECEIPT_BYTES));
    if (error == OK) {
        error = receipt_decode(bytes, &region, &receipt, NULL);
    }
    if (error == OK) {
        error = checkpoint_parse(receipt.checkpoint, &checkpoint, NULL);
    }
    if (error == OK) {
        *ret_head = (struct merkle_head){.size = checkpoint.size, .root = checkpoint.root};
    }
    region_free(&region);
    return error == OK || error == ERR_MEMORY ? error : ERR_CORRUPT;
}

static enum err gather(struct agent *agent, struct candidates *candidates)
{
    struct trial *trial = &agent->trial;
    struct store_txn *read;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    if (agent->following.log <= candidates->from_log) {
        consider(candidates, agent->checkpoint.size, 0);
    }
    error = consider_rows(read, ROW_OUT, candidates);
    if (error == OK) {
        error = consider_rows(read, ROW_IN, candidates);
    }
    trial->head_count = 0;
    trial->at = 0;
    for (size_t i = 0; error == OK && i < candidates->count; i++) {
        struct merkle_head *head = &trial->heads[trial->head_count++];

        *head =
            (struct merkle_head){.size = agent->checkpoint.size, .root = agent->checkpoint.root};
        if (candidates->each[i].seq != 0) {
            error = head_of_row(read, candidates->each[i].seq, head);
        }
    }
    store_read_end(read);
    return error;
}

void recovery_told(struct agent *agent, const struct reply_head *head)
{
    const char *first = keyring_origin(agent->setup.keyring);
    struct told *told = calloc(1, sizeof(*told));
    struct candidates candidates = {.count = 0};
    size_t common;
    enum err error = told != NULL ? OK : ERR_MEMORY;

    if (error == OK) {
        told->agent = agent;
        if (!read_told(told, head)) {
            agent_alarm(agent, DISTRUST_RECOVERY,
                        "the broker says that its log goes on elsewhere, and its statements "
                        "do not prove it");
            free(told);
            return;
        }
        common = in_common(told);
        if (common > told->count) { /* nothing new in it */
            agent_alarm(agent, DISTRUST_LOG_BACK,
                        "the broker's log went back to %s, before %s was opened",
                        told->origins[told->count], agent->following.origin);
            free(told);
            return;
        }
        assert(common > 0);
        candidates.anchor = told->anchors[common - 1];
        error = recovery_log(first, told->origins[common - 1], &candidates.from_log);
    }
    if (error == OK) {
        error = gather(agent, &candidates);
    }
    buf_clear(&agent->trial.chain);
    for (size_t i = 0; error == OK && i < head->recovery_count; i++) {
        error = recovery_pack(&head->recoveries[i], &agent->trial.chain);
    }
    if (error == OK) {
        agent->trial.active = true;
        agent->trial.accepted = false;
        agent->trial.from_log = candidates.from_log;
        text_copy(agent->trial.origin, LIMIT_ORIGIN_BYTES, told->origins[told->count]);
        agent->greeted = false;
        agent->askings[SLOT_SESSION].not_before_ms = 0;
    } else {
        agent_trouble(agent, SLOT_SESSION, error);
    }
    free(told);
}

bool recovery_try_next(struct agent *agent)
{
    struct trial *trial = &agent->trial;

    trial->at++;
    if (trial->at < trial->head_count) {
        return true;
    }
    if (agent->setup.accept_gaps && trial->head_count > 0) { /* its administrator's own word */
        trial->head_count = 0;
        trial->at = 0;
        return true;
    }
    trial->active = false;
    return false;
}

/* --- it is followed from now on --- */

/* A body that was erased by order cannot be handed back: other agencies have theirs, or it is gone
 * from the new log, too. */
static enum err mark_whole(struct store_txn *txn, const struct row *row, uint64_t *count)
{
    enum row_body body = ROW_BODY_NONE;
    enum err error = row_body(txn, row, &body);

    if (error != OK || body == ROW_BODY_ERASED) {
        return error;
    }
    (*count)++;
    return row_mark(txn, row);
}

/* What lies behind what was proven, or was never seen in a log that we followed. */
static enum err mark_rows(struct store_txn *txn, enum row_direction direction, uint64_t proven,
                          uint64_t *count)
{
    struct row row = {.seq = 0};
    enum err error = OK;

    while (error == OK) {
        error = row_next(txn, direction, row.seq, &row);
        if (error == OK &&
            (row.state == ROW_WAITING ? row_queue_of(&row) == ROW_RECEIPTS
                                      : recovery_place(row.log, row.leaf_index) >= proven)) {
            error = mark_whole(txn, &row, count);
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err reset_streams(struct agent *agent, struct store_txn *txn,
                              const struct reply_head *head)
{
    enum err error = OK;

    if (head->hello.stream_count != LANE_COUNT) {
        agent_alarm(agent, DISTRUST_ANSWER,
                    "the new log does not say where this agency's streams stand");
        return ERR_FORGED;
    }
    for (uint32_t lane = 0; error == OK && lane < LANE_COUNT; lane++) {
        if (head->hello.streams[lane].lane != lane) {
            agent_alarm(agent, DISTRUST_ANSWER,
                        "the new log does not say where this agency's streams stand");
            return ERR_FORGED;
        }
        error = inbox_reset_stream(agent, txn, &head->hello.streams[lane]);
    }
    return error;
}

enum err recovery_accept(struct agent *agent, struct store_txn *txn, const struct reply_head *head,
                         struct region *region)
{
    struct trial *trial = &agent->trial;
    uint64_t proven = trial->head_count > 0 ? trial->heads[trial->at].size : 0;
    uint64_t count = 0;
    const uint8_t handing = 1;
    enum err error = reset_streams(agent, txn, head);

    (void)region;
    if (error == OK) {
        error = mark_rows(txn, ROW_OUT, recovery_place(trial->from_log, proven), &count);
    }
    if (error == OK) {
        error = mark_rows(txn, ROW_IN, recovery_place(trial->from_log, proven), &count);
    }
    if (error == OK) {
        error = store_put(txn, STORE_VALUE, span_text(CHAIN_KEY), span_buf(&trial->chain));
    }
    if (error == OK) {
        error =
            store_put(txn, STORE_VALUE, span_text(HANDING_KEY), span_of(&handing, sizeof(handing)));
    }
    if (error == OK) {
        error = notify_add_new_log(agent, txn);
    }
    if (error == OK) {
        trial->accepted = true;
        events_add(agent, "new-log", NULL, NULL);
        log_event(EVENT_LOG_ANEW,
                  "the broker was restored from an old copy: its log goes on as %s behind record "
                  "%" PRIu64 "; %" PRIu64
                  " messages that it may lack are handed back; receipts of the lost log are kept",
                  trial->origin, proven, count);
    }
    return error;
}

void recovery_kept(struct agent *agent)
{
    struct trial *trial = &agent->trial;
    enum err error;

    if (!trial->accepted) {
        return;
    }
    error = follow_chain(agent, span_buf(&trial->chain));
    assert(error == OK); /* each link was verified */
    trial->active = false;
    trial->accepted = false;
    buf_clear(&trial->chain);
    agent->following.handing = true;
    agent->following.all_said = false;
    agent->following.confirms = true;
    agent->following.after = 0;
    agent->following.refused = 0;
    agent->plain_count = 0;
    witness_forget(agent);
    memset(&agent->comparing, 0, sizeof(agent->comparing));            /* it was of the lost log */
    memset(agent->carry.confirmed, 0, sizeof(agent->carry.confirmed)); /* as for a new broker */
    agent->carry.uploads = false;
}
