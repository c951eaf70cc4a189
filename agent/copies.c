/* This agency's copy of each referral: the same decisions as the broker's (model/decide), fed with
 * what the broker recorded and at the times it recorded, so that an officer sees state and dates
 * without asking anybody. The broker's notices carry what a copy cannot compute. */
#include <string.h>

#include "agent/state.h"
#include "base/log.h"

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

enum err copy_follow(struct agent *agent, struct store_txn *txn, const struct copy_input *input)
{
    const struct message_header *header = &input->message->header;
    const struct case_key key = {.case_id = header->case_id, .referral_id = header->referral_id};
    const struct decide_context ctx = context_at(agent, input->signer, input->at_ms);
    struct referral before, after;
    bool known = false;
    enum err error = load(txn, &key, &before, &known);

    if (error != OK) {
        return error;
    }
    if (message_kind_from_broker(header->kind)) {
        if (!known) {
            return OK; /* the office hears of referrals that are not its own */
        }
        decide_follow(&ctx, &before, input->message, &after);
        return save(txn, &key, &after);
    }
    copy_judge(agent, known ? &before : NULL, input);
    if (agent->decision->refusal != REFUSAL_NONE) {
        log_debug("%s of %s does not fit this agent's copy: %s", message_kind_name(header->kind),
                  header->referral_number, agent->decision->detail);
        return OK;
    }
    return save(txn, &key, &agent->decision->after);
}

static enum err expect_one(struct agent *agent, struct store_txn *txn, const struct row *row,
                           struct referral *referral, bool *known)
{
    struct copy_input input = {.signer = agent->setup.self->number, .at_ms = row->at_ms};
    struct message message;
    struct payload payload;
    struct region region;
    struct span bytes;
    enum err error = row_payload(txn, row->seq, &bytes);

    if (error != OK) {
        return error;
    }
    region_init(&region, LIMIT_PARSE_BYTES(bytes.len));
    error = payload_split(bytes, &payload, NULL);
    if (error == OK) {
        error = message_decode(&payload, &region, &message, NULL);
    }
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
