/* This agency's copy of each referral and matter: the same decisions as the broker's (model/decide,
 * model/decide_matter), fed with what the broker recorded and at the times it recorded, so that an
 * officer sees state and dates without asking anybody. The broker's notices carry what a copy
 * cannot compute.
 *
 * Receipts of what this agency sent and messages that came cross on their way: a sign-for may be
 * here before the receipt of the referral that it signs for. A copy knows the newest leaf that it
 * followed; what lies before that makes it follow all its rows again, in the order of the log. */
#include <stdlib.h>
#include <string.h>

#include "agent/state.h"
#include "base/log.h"
#include "model/decide_matter.h"
#include "model/lanes.h"

#define COPY_STEPS_MAX 4096u /* rows of one referral that are followed anew */

/* By the calendar of that place in the log; 0: of what is recorded next. */
static struct decide_context context_at(const struct agent *agent, uint16_t signer, uint64_t at_ms,
                                        uint64_t order)
{
    return (struct decide_context){.policy = agent->setup.policy,
                                   .registry = agent->setup.registry,
                                   .calendar = eras_calendar(agent, order),
                                   .now_ms = at_ms,
                                   .signer = signer,
                                   .replica = true};
}

enum err copy_unpack(struct span packed, struct copy *ret_copy)
{
    ret_copy->known = true;
    ret_copy->of_matter = matter_is_packed(packed);
    return ret_copy->of_matter ? matter_unpack(packed, &ret_copy->matter)
                               : referral_unpack(packed, &ret_copy->referral);
}

enum err copy_load(struct store_txn *txn, const struct case_key *key, struct copy *ret_copy)
{
    struct span packed;
    enum err error = cases_get(txn, key, &packed);

    ret_copy->known = false;
    if (error == OK) {
        error = copy_unpack(packed, ret_copy);
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* The numbers by which people call it. A number that is another's here stays the other's. */
static enum err put_number(struct store_txn *txn, const char *number, const struct case_key *key)
{
    enum err error = number[0] != '\0' ? number_put(txn, number, key) : OK;

    return error == ERR_EXISTS ? OK : error;
}

static enum err put(struct agent *agent, struct store_txn *txn, const struct case_key *key,
                    const struct copy *copy)
{
    uint8_t *packed = malloc(MATTER_PACKED_MAX);
    enum err error = packed != NULL ? clocks_follow(agent, txn, key, copy) : ERR_MEMORY;

    if (error == OK) {
        size_t len = copy->of_matter ? matter_pack(&copy->matter, packed)
                                     : referral_pack(&copy->referral, packed);

        error = cases_put(txn, key, span_of(packed, len));
    }
    free(packed);
    changes_add(agent, key);
    return error;
}

static enum err save(struct agent *agent, struct store_txn *txn, const struct case_key *key,
                     const struct copy *copy)
{
    const struct case_key whole_case = {.case_id = key->case_id};
    bool matter = copy->of_matter;
    enum err error = put(agent, txn, key, copy);

    if (error == OK) {
        error = put_number(txn, matter ? copy->matter.case_number : copy->referral.case_number,
                           &whole_case);
    }
    if (error == OK) {
        error = put_number(txn, matter ? copy->matter.number : copy->referral.number, key);
    }
    return error == OK && !matter ? put_number(txn, copy->referral.register_number, key) : error;
}

void copy_judge(struct agent *agent, const struct copy *before, const struct copy_input *input)
{
    struct decide_context ctx = context_at(agent, input->signer, input->at_ms, input->order);
    bool of_matter =
        before->known ? before->of_matter : message_kind_of_matter(input->message->header.kind);

    ctx.sending = input->sending;
    if (input->lookup != NULL) {
        ctx.whole_case = &input->lookup->whole_case;
        ctx.about = input->lookup->about_known ? &input->lookup->about : NULL;
        ctx.about_sent_on = input->lookup->about_sent_on;
    }
    if (of_matter) {
        decide_matter_message(&ctx, before->known ? &before->matter : NULL, input->message,
                              agent->decision);
    } else {
        decide_message(&ctx, before->known ? &before->referral : NULL, input->message,
                       agent->decision);
    }
}

/* What was decided is the copy now. False: it was refused. */
static bool take_decision(const struct agent *agent, struct copy *copy)
{
    if (agent->decision->refusal != REFUSAL_NONE) {
        return false;
    }
    copy->known = true;
    copy->of_matter = agent->decision->of_matter;
    if (copy->of_matter) {
        copy->matter = agent->decision->matter;
    } else {
        copy->referral = agent->decision->after;
    }
    return true;
}

static void follow_notice(struct agent *agent, const struct copy_input *input, struct copy *copy)
{
    const struct decide_context ctx = context_at(agent, input->signer, input->at_ms, input->order);

    if (copy->of_matter) {
        agent->decision->matter = copy->matter; /* the state before, where there is room for it */
        decide_matter_follow(&ctx, &agent->decision->matter, input->message, &copy->matter);
    } else {
        agent->decision->after = copy->referral;
        decide_follow(&ctx, &agent->decision->after, input->message, &copy->referral);
    }
}

static uint64_t *last_leaf(struct copy *copy)
{
    return copy->of_matter ? &copy->matter.last_leaf : &copy->referral.last_leaf;
}

/* The notices of a lost log moved dates by a calendar that the broker has no more, and the new log,
 * in which they were never moved, does not tell of it: what is open is counted anew where it takes
 * the other calendar. Elsewhere notices say what a calendar moved. */
static void cross_logs(const struct agent *agent, struct copy *copy, uint64_t after, uint64_t until)
{
    const struct era *era = eras_next_of_log(agent, after, until);

    for (; era != NULL; era = eras_next_of_log(agent, era->from, until)) {
        const struct decide_context ctx = context_at(agent, 0, era->since_ms, era->from);

        if (copy->of_matter) {
            decide_matter_recount(&ctx, &copy->matter);
        } else {
            decide_recount(&ctx, &copy->referral);
        }
    }
}

/* What it has behind that place follows upon what this copy has followed, or was counted by. */
static uint64_t copy_end(const struct agent *agent, struct copy *copy)
{
    uint64_t end = *last_leaf(copy);
    const struct era *era = eras_next_of_log(agent, end, UINT64_MAX);

    for (; era != NULL; era = eras_next_of_log(agent, end, UINT64_MAX)) {
        end = era->from;
    }
    return end;
}

/* One step of a copy: what is recorded at that leaf. */
static void apply(struct agent *agent, const struct copy_input *input, struct copy *copy)
{
    const struct message_header *header = &input->message->header;
    uint64_t last = copy->known ? *last_leaf(copy) : 0;

    if (copy->known) {
        cross_logs(agent, copy, last, input->order);
    }
    if (message_kind_from_broker(header->kind)) {
        if (copy->known) { /* the office hears of referrals that are not its own */
            follow_notice(agent, input, copy);
        }
    } else {
        copy_judge(agent, copy, input);
        if (!take_decision(agent, copy)) {
            log_debug("%s of %s does not fit this agent's copy: %s",
                      message_kind_name(header->kind), header->referral_number,
                      agent->decision->detail);
        }
    }
    if (copy->known) {
        *last_leaf(copy) = input->order > last ? input->order : last;
    }
}

static bool opens(enum message_kind kind)
{
    return kind == MESSAGE_OUTBOUND_REFERRAL || kind == MESSAGE_INBOUND_REFERRAL ||
           message_kind_of_matter(kind);
}

/* A member that does not know all of the case knows the matter's lane by the stream it came in. */
static void place(const struct copy_input *input, struct matter *matter)
{
    matter->lane = (uint8_t)input->lane;
    matter->minor = matter->minor || input->lane == LANE_MINORS;
}

/* The same, with what must be looked up for a beginning. That a minor is concerned may be known
 * from the lane alone: the visits after an archive come sooner. */
static enum err apply_at(struct agent *agent, struct store_txn *txn, const struct copy_input *input,
                         struct copy *copy)
{
    struct copy_lookup lookup = {.about_known = false};
    struct copy_input whole = *input;
    bool begins = !copy->known && opens(input->message->header.kind);
    enum err error = begins ? lookup_recorded(agent, txn, input->message, &lookup) : OK;

    if (error != OK) {
        return error;
    }
    lookup.whole_case.minor =
        lookup.whole_case.minor || (input->received && input->lane == LANE_MINORS);
    whole.lookup = begins ? &lookup : NULL;
    apply(agent, &whole, copy);
    if (begins && copy->known && copy->of_matter && input->received) {
        place(input, &copy->matter);
    }
    return OK;
}

/* --- in the order of the log --- */

struct step { /* a recorded row of a referral or matter */
    uint64_t order;
    uint64_t leaf_index;
    bool notice;    /* behind the message that caused it */
    bool withdraws; /* what the matter is about, and with it the matter */
    uint64_t seq;
    enum row_direction direction;
};

static int compare(uint64_t first, uint64_t second)
{
    return first < second ? -1 : first > second;
}

/* What a new log wrote anew has the order of the lost one: a message and what it caused share it.
 */
static int by_order(const void *a, const void *b)
{
    const struct step *first = a, *second = b;
    int result = compare(first->order, second->order);

    result = result != 0 ? result : compare(first->notice, second->notice);
    return result != 0 ? result : compare(first->leaf_index, second->leaf_index);
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
        if (error == OK && row.state != ROW_WAITING && row.state != ROW_REFUSED &&
            !(row.state == ROW_RECEIVED && row.code != 0)) { /* kept by a new log, not applied */
            error = count < COPY_STEPS_MAX ? OK : ERR_FULL;
            if (error == OK) {
                steps[count++] = (struct step){.order = row.order,
                                               .leaf_index = row.leaf_index,
                                               .notice = message_kind_from_broker(row.header.kind),
                                               .seq = row.seq,
                                               .direction = row.direction};
            }
        }
    }
    *ret_count = count;
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err withdrawal_of(struct store_txn *txn, const struct uuid *referral_id,
                              struct row *ret_row)
{
    bool found = false;
    enum err error = OK;

    ret_row->seq = 0;
    while (error == OK && !found) {
        error = row_of_referral(txn, referral_id, ret_row->seq, ret_row);
        found = error == OK && ret_row->header.kind == MESSAGE_WITHDRAWAL &&
                ret_row->state != ROW_WAITING && ret_row->state != ROW_REFUSED;
    }
    return error;
}

static bool is_open_request(const struct copy *copy)
{
    return copy->of_matter && copy->matter.kind == MATTER_INFORMATION &&
           copy->matter.state == MATTER_OPEN;
}

static void withdraw(const struct agent *agent, const struct row *row, struct copy *copy)
{
    const struct decide_context ctx = context_at(agent, 0, row->recorded_ms, row->order);
    uint64_t last = copy->matter.last_leaf;

    decide_matter_withdrawn(&ctx, &copy->matter, agent->decision);
    copy->matter = agent->decision->matter;
    copy->matter.last_leaf = row->order > last ? row->order : last;
}

/* What a request was about was withdrawn: no message of its own says so. */
static enum err gather_withdrawal(struct store_txn *txn, const struct copy *copy,
                                  struct step *steps, size_t *count)
{
    struct row row;
    enum err error;

    if (!copy->known || !copy->of_matter || copy->matter.kind != MATTER_INFORMATION) {
        return OK;
    }
    error = withdrawal_of(txn, &copy->matter.about, &row);
    if (error == OK && *count == COPY_STEPS_MAX) {
        return ERR_FULL;
    }
    if (error == OK) {
        steps[(*count)++] = (struct step){.order = row.order,
                                          .leaf_index = row.leaf_index,
                                          .withdraws = true,
                                          .seq = row.seq,
                                          .direction = row.direction};
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err apply_step(struct agent *agent, struct store_txn *txn, const struct step *step,
                           struct copy *copy)
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
    if (step->withdraws) {
        if (copy->known && is_open_request(copy)) {
            withdraw(agent, &row, copy);
        }
        return OK;
    }
    region_init(&region, AGENT_REGION_BYTES);
    error = show_open_row(txn, &row, &region, &payload, &message);
    sender = registry_find(agent->setup.registry, row.header.sender);
    if (error == ERR_INVALID || error == ERR_TOO_LARGE) {
        error = OK; /* one that went back */
    } else if (error == OK && (sender != NULL || message_kind_from_broker(row.header.kind))) {
        const struct copy_input input = {.message = &message,
                                         .signer = sender != NULL ? sender->number : 0,
                                         .at_ms = row.recorded_ms,
                                         .order = row.order,
                                         .received = step->direction == ROW_IN,
                                         .lane = row.position.lane};

        error = apply_at(agent, txn, &input, copy);
    }
    region_free(&region);
    return error;
}

/* From the beginning: something came later than what the log has behind it. */
static enum err replay(struct agent *agent, struct store_txn *txn, const struct uuid *referral_id,
                       struct copy *copy)
{
    struct step *steps = calloc(COPY_STEPS_MAX, sizeof(*steps));
    size_t count = 0;
    enum err error = steps != NULL ? gather(txn, referral_id, steps, &count) : ERR_MEMORY;

    if (error == OK) {
        error = gather_withdrawal(txn, copy, steps, &count);
    }
    if (error == OK) {
        copy->known = false;
        qsort(steps, count, sizeof(*steps), by_order);
    }
    for (size_t i = 0; error == OK && i < count; i++) {
        error = apply_step(agent, txn, &steps[i], copy);
    }
    if (error == OK && copy->known) {
        cross_logs(agent, copy, *last_leaf(copy), UINT64_MAX);
    }
    free(steps);
    return error;
}

/* --- a withdrawn referral takes with it what was asked because of it --- */

/* The withdrawal and the request's messages may come in either order: the log's counts. */
static enum err settle_withdrawn(struct agent *agent, struct store_txn *txn, struct copy *copy)
{
    const struct matter *matter = &copy->matter;
    struct case_key about;
    struct uuid id;
    struct row row;
    enum err error;

    if (!is_open_request(copy)) {
        return OK;
    }
    about = (struct case_key){.case_id = matter->case_id, .referral_id = matter->about};
    error = copy_load(txn, &about, agent->other);
    if (error != OK || !agent->other->known || agent->other->of_matter ||
        agent->other->referral.state != REFERRAL_WITHDRAWN) {
        return error;
    }
    error = withdrawal_of(txn, &matter->about, &row);
    if (error == OK && row.order < copy_end(agent, copy)) {
        id = matter->matter_id;
        error = replay(agent, txn, &id, copy);
        error = error == ERR_FULL ? OK : error;
    }
    if (error == OK && copy->known && is_open_request(copy)) {
        withdraw(agent, &row, copy);
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err settle_case(struct agent *agent, struct store_txn *txn, const struct uuid *case_id)
{
    struct case_key at, key;
    bool first = true;
    enum err error = OK;

    while (error == OK) {
        struct span packed;

        error = cases_next(txn, case_id, first ? NULL : &at, &key, &packed);
        if (error == OK) {
            error = copy_unpack(packed, agent->copy);
            at = key;
            first = false;
        }
        if (error == OK && is_open_request(agent->copy)) {
            error = settle_withdrawn(agent, txn, agent->copy);
            if (error == OK && !is_open_request(agent->copy)) {
                error = put(agent, txn, &key, agent->copy);
            }
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* By its number a document leads to what it is about. */
static enum err put_document(struct store_txn *txn, const struct case_key *key,
                             const struct message *message)
{
    return message->header.kind == MESSAGE_ESCALATION
               ? put_number(txn, message->notice.document_number, key)
               : OK;
}

enum err copy_follow(struct agent *agent, struct store_txn *txn, const struct copy_input *input)
{
    const struct message_header *header = &input->message->header;
    const struct case_key key = {.case_id = header->case_id, .referral_id = header->referral_id};
    struct copy *copy = agent->copy;
    enum err error = copy_load(txn, &key, copy);
    bool late;

    if (error != OK) {
        return error;
    }
    late = copy->known ? input->order < copy_end(agent, copy) : opens(header->kind);
    error = late ? replay(agent, txn, &header->referral_id, copy) : ERR_FULL;
    if (error == ERR_FULL) { /* in order, or too long a life to begin anew each time */
        error = apply_at(agent, txn, input, copy);
    }
    if (error == OK && copy->known) {
        error = settle_withdrawn(agent, txn, copy);
    }
    if (error == OK && copy->known) {
        error = save(agent, txn, &key, copy);
    }
    if (error == OK && header->kind == MESSAGE_WITHDRAWAL) {
        error = settle_case(agent, txn, &key.case_id);
    }
    return error == OK ? put_document(txn, &key, input->message) : error;
}

/* A copy that nothing can be followed of any more, as of an erased case, stays as it is; so does
 * one with too long a life. */
enum err copy_recount(struct agent *agent, struct store_txn *txn, const struct case_key *key,
                      struct span packed)
{
    struct copy *copy = agent->copy;
    enum err error = copy_unpack(packed, copy);

    if (error == OK && *last_leaf(copy) > counting_from(agent)) {
        error = replay(agent, txn, &key->referral_id, copy);
    } else if (error == OK && copy_end(agent, copy) > *last_leaf(copy)) {
        cross_logs(agent, copy, *last_leaf(copy), UINT64_MAX);
    } else {
        return error;
    }
    if (error == OK && copy->known) {
        return put(agent, txn, key, copy);
    }
    return error == ERR_FULL ? OK : error;
}

static enum err expect_one(struct agent *agent, struct store_txn *txn, const struct row *row,
                           struct copy *copy)
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
        copy_judge(agent, copy, &input);
        (void)take_decision(agent, copy);
    }
    region_free(&region);
    return error;
}

enum err copy_expected(struct agent *agent, struct store_txn *txn, const struct case_key *key,
                       struct copy *ret_copy)
{
    struct row row = {.seq = 0};
    enum err error = copy_load(txn, key, ret_copy);

    while (error == OK) {
        error = row_of_referral(txn, &key->referral_id, row.seq, &row);
        if (error == OK && row.state == ROW_WAITING) {
            error = expect_one(agent, txn, &row, ret_copy);
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}
