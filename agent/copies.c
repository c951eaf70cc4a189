/* This agency's copy of each referral: the same decisions as the broker's (model/decide), fed with
 * what the broker recorded and at the times it recorded, so that an officer sees state and dates
 * without asking anybody. The broker's notices carry what a copy cannot compute.
 *
 * Receipts of what this agency sent and messages that came cross on their way: a sign-for may be
 * here before the receipt of the referral that it signs for. A copy knows the newest leaf that it
 * followed; what lies before that makes it follow all its rows again, in the order of the log. */
#include <stdlib.h>
#include <string.h>

#include "agent/state.h"
#include "base/log.h"

#define COPY_STEPS_MAX 4096u /* rows of one referral that are followed anew */

static struct decide_context context_at(const struct agent *agent, uint16_t signer, uint64_t at_ms)
{
    return (struct decide_context){.policy = agent->setup.policy,
                                   .registry = agent->setup.registry,
                                   .calendar = agent->setup.calendar,
                                   .now_ms = at_ms,
                                   .signer = signer,
                                   .replica = true};
}

static enum err load(struct store_txn *txn, const struct case_key *key, struct referral *ret,
                     bool *ret_known)
{
    struct span packed;
    enum err error = cases_get(txn, key, &packed);

    *ret_known = error == OK;
    if (error == OK) {
        error = referral_unpack(packed, ret);
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* The numbers by which people call it. A number that is another's here stays the other's. */
static enum err put_number(struct store_txn *txn, const char *number, const struct case_key *key)
{
    enum err error = number[0] != '\0' ? number_put(txn, number, key) : OK;

    return error == ERR_EXISTS ? OK : error;
}

static enum err save(struct store_txn *txn, const struct case_key *key,
                     const struct referral *referral)
{
    const struct case_key whole_case = {.case_id = key->case_id};
    uint8_t packed[REFERRAL_PACKED_MAX];
    size_t len = referral_pack(referral, packed);
    enum err error = cases_put(txn, key, span_of(packed, len));

    if (error == OK) {
        error = put_number(txn, referral->case_number, &whole_case);
    }
    if (error == OK) {
        error = put_number(txn, referral->number, key);
    }
    return error == OK ? put_number(txn, referral->register_number, key) : error;
}

void copy_judge(struct agent *agent, const struct referral *before, const struct copy_input *input)
{
    const struct decide_context ctx = context_at(agent, input->signer, input->at_ms);

    decide_message(&ctx, before, input->message, agent->decision);
}

/* One step of a copy: what is recorded at that leaf. */
static void apply(struct agent *agent, const struct copy_input *input, struct referral *referral,
                  bool *known)
{
    const struct message_header *header = &input->message->header;
    const struct decide_context ctx = context_at(agent, input->signer, input->at_ms);
    uint64_t last_leaf = *known ? referral->last_leaf : 0;

    if (message_kind_from_broker(header->kind)) {
        if (*known) { /* the office hears of referrals that are not its own */
            const struct referral before = *referral;

            decide_follow(&ctx, &before, input->message, referral);
        }
    } else {
        copy_judge(agent, *known ? referral : NULL, input);
        if (agent->decision->refusal == REFUSAL_NONE) {
            *referral = agent->decision->after;
            *known = true;
        } else {
            log_debug("%s of %s does not fit this agent's copy: %s",
                      message_kind_name(header->kind), header->referral_number,
                      agent->decision->detail);
        }
    }
    if (*known) {
        referral->last_leaf = input->leaf_index > last_leaf ? input->leaf_index : last_leaf;
    }
}

/* --- in the order of the log --- */

struct step { /* a recorded row of a referral */
    uint64_t leaf_index;
    uint64_t seq;
    enum row_direction direction;
};

static int by_leaf(const void *a, const void *b)
{
    uint64_t first = ((const struct step *)a)->leaf_index;
    uint64_t second = ((const struct step *)b)->leaf_index;

    return first < second ? -1 : first > second;
}

/* ERR_FULL: more than COPY_STEPS_MAX. */
static enum err gather(struct store_txn *txn, const struct uuid *referral_id, struct step *steps,
                       size_t *ret_count)
{
    struct row row = {.seq = 0};
    size_t count = 0;
    enum err error = OK;

    while (error == OK) {
        error = row_of_referral(txn, referral_id, row.seq, &row);
        if (error == OK && row.state != ROW_WAITING && row.state != ROW_REFUSED) {
            error = count < COPY_STEPS_MAX ? OK : ERR_FULL;
            if (error == OK) {
                steps[count++] = (struct step){
                    .leaf_index = row.leaf_index, .seq = row.seq, .direction = row.direction};
            }
        }
    }
    *ret_count = count;
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err apply_step(struct agent *agent, struct store_txn *txn, const struct step *step,
                           struct referral *referral, bool *known)
{
    const struct agency *sender;
    struct message message;
    struct payload payload;
    struct region region;
    struct row row;
    enum err error = row_get(txn, step->direction, step->seq, &row);

    if (error != OK) {
        return error;
    }
    region_init(&region, AGENT_REGION_BYTES);
    error = show_open_row(txn, &row, &region, &payload, &message);
    sender = registry_find(agent->setup.registry, row.header.sender);
    if (error == OK && (sender != NULL || message_kind_from_broker(row.header.kind))) {
        const struct copy_input input = {.message = &message,
                                         .signer = sender != NULL ? sender->number : 0,
                                         .at_ms = row.recorded_ms,
                                         .leaf_index = row.leaf_index};

        apply(agent, &input, referral, known);
    }
    region_free(&region);
    return error == ERR_INVALID || error == ERR_TOO_LARGE ? OK : error; /* one that went back */
}

/* From the beginning: something came later than what the log has behind it. */
static enum err replay(struct agent *agent, struct store_txn *txn, const struct uuid *referral_id,
                       struct referral *referral, bool *known)
{
    struct step *steps = calloc(COPY_STEPS_MAX, sizeof(*steps));
    size_t count = 0;
    enum err error = steps != NULL ? gather(txn, referral_id, steps, &count) : ERR_MEMORY;

    if (error == OK) {
        *known = false;
        qsort(steps, count, sizeof(*steps), by_leaf);
    }
    for (size_t i = 0; error == OK && i < count; i++) {
        error = apply_step(agent, txn, &steps[i], referral, known);
    }
    free(steps);
    return error;
}

enum err copy_follow(struct agent *agent, struct store_txn *txn, const struct copy_input *input)
{
    const struct message_header *header = &input->message->header;
    const struct case_key key = {.case_id = header->case_id, .referral_id = header->referral_id};
    struct referral referral;
    bool known = false, late;
    enum err error = load(txn, &key, &referral, &known);

    if (error != OK) {
        return error;
    }
    late = known && input->leaf_index < referral.last_leaf;
    if (!known && !message_kind_from_broker(header->kind)) {
        late =
            header->kind == MESSAGE_OUTBOUND_REFERRAL || header->kind == MESSAGE_INBOUND_REFERRAL;
    }
    error = late ? replay(agent, txn, &header->referral_id, &referral, &known) : ERR_FULL;
    if (error == ERR_FULL) { /* in order, or too long a life to begin anew each time */
        apply(agent, input, &referral, &known);
        error = OK;
    }
    return error == OK && known ? save(txn, &key, &referral) : error;
}

static enum err expect_one(struct agent *agent, struct store_txn *txn, const struct row *row,
                           struct referral *referral, bool *known)
{
    struct copy_input input = {.signer = agent->setup.self->number, .at_ms = row->at_ms};
    struct message message;
    struct payload payload;
    struct region region;
    enum err error;

    region_init(&region, AGENT_REGION_BYTES);
    error = show_open_row(txn, row, &region, &payload, &message);
    if (error == OK) {
        input.message = &message;
        copy_judge(agent, *known ? referral : NULL, &input);
        if (agent->decision->refusal == REFUSAL_NONE) {
            *referral = agent->decision->after;
            *known = true;
        }
    }
    region_free(&region);
    return error;
}

enum err copy_expected(struct agent *agent, struct store_txn *txn, const struct case_key *key,
                       struct referral *ret_referral, bool *ret_known)
{
    struct row row = {.seq = 0};
    enum err error = load(txn, key, ret_referral, ret_known);

    while (error == OK) {
        error = row_of_referral(txn, &key->referral_id, row.seq, &row);
        if (error == OK && row.state == ROW_WAITING) {
            error = expect_one(agent, txn, &row, ret_referral, ret_known);
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}
