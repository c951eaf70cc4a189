/* What an agency itself knows of a case, beside the referral or matter that a message is about: its
 * other copies there, and the referral that the facts name. The broker's own look-up sees all of
 * the case; an agency sees its part of it, which is enough to be told at once what would be
 * refused.
 *
 * agent->other is the copy of each step; agent->copy is left alone. */
#include <string.h>

#include "agent/state.h"

/* --- the copies of a case --- */

struct walk {
    bool expected;              /* as they will be; else as they are recorded */
    struct case_facts *facts;   /* what is gathered; or NULL */
    const struct uuid *sent_on; /* a referral whose re-referral is looked for; or NULL */
    bool is_sent_on;
};

static void look(const struct copy *copy, struct walk *walk)
{
    if (walk->facts != NULL && copy->of_matter) {
        case_facts_add_matter(walk->facts, &copy->matter);
    } else if (walk->facts != NULL) {
        case_facts_add_referral(walk->facts, &copy->referral);
    }
    walk->is_sent_on = walk->is_sent_on || (walk->sent_on != NULL && !copy->of_matter &&
                                            referral_sends_on(&copy->referral, walk->sent_on));
}

static enum err walk_case(struct agent *agent, struct store_txn *txn, const struct uuid *case_id,
                          struct walk *walk)
{
    struct case_key at, key;
    bool first = true;
    enum err error = OK;

    while (error == OK) {
        struct span packed;

        error = cases_next(txn, case_id, first ? NULL : &at, &key, &packed);
        if (error == OK) {
            error = walk->expected ? copy_expected(agent, txn, &key, agent->other)
                                   : copy_unpack(packed, agent->other);
        }
        if (error == OK) {
            look(agent->other, walk);
            at = key;
            first = false;
        }
    }
    if (walk->facts != NULL) {
        walk->facts->known = !first;
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err lookup_case(struct agent *agent, struct store_txn *txn, const struct uuid *case_id,
                     struct case_facts *ret_facts)
{
    struct walk walk = {.expected = true, .facts = ret_facts};

    memset(ret_facts, 0, sizeof(*ret_facts));
    return walk_case(agent, txn, case_id, &walk);
}

/* --- what the rules ask --- */

static void keep_about(const struct agent *agent, struct copy_lookup *lookup)
{
    lookup->about_known = agent->other->known && !agent->other->of_matter;
    if (lookup->about_known) {
        lookup->about = agent->other->referral;
    }
}

enum err lookup_expected(struct agent *agent, struct store_txn *txn, const struct message *message,
                         struct copy_lookup *ret_lookup)
{
    const struct message_reference named = message_reference(message);
    const struct case_key key = {.case_id = named.case_id, .referral_id = named.referral_id};
    struct walk walk = {.expected = true, .sent_on = &named.referral_id};
    enum err error;

    memset(ret_lookup, 0, sizeof(*ret_lookup));
    error = lookup_case(agent, txn, &message->header.case_id, &ret_lookup->whole_case);
    if (error != OK || uuid_is_zero(&named.referral_id)) {
        return error;
    }
    error = copy_expected(agent, txn, &key, agent->other);
    keep_about(agent, ret_lookup);
    if (error == OK) {
        error = walk_case(agent, txn, &named.case_id, &walk);
    }
    ret_lookup->about_sent_on = walk.is_sent_on;
    return error;
}

/* What the broker took was right when it took it, whatever became here of the referral since. */
static void as_it_was(const struct message *message, struct copy_lookup *lookup)
{
    if (message_kind_of_matter(message->header.kind)) {
        lookup->about.state = REFERRAL_DELIVERED;
    } else if (lookup->about.state != REFERRAL_ANSWERED) {
        lookup->about_known = false;
    }
}

enum err lookup_recorded(struct agent *agent, struct store_txn *txn, const struct message *message,
                         struct copy_lookup *ret_lookup)
{
    const struct message_reference named = message_reference(message);
    const struct case_key key = {.case_id = named.case_id, .referral_id = named.referral_id};
    struct case_facts facts = {.known = false};
    struct walk walk = {.facts = &facts};
    enum err error = walk_case(agent, txn, &message->header.case_id, &walk);

    memset(ret_lookup, 0, sizeof(*ret_lookup));
    ret_lookup->whole_case.minor = facts.minor;
    if (error != OK || uuid_is_zero(&named.referral_id)) {
        return error;
    }
    error = copy_load(txn, &key, agent->other);
    keep_about(agent, ret_lookup);
    as_it_was(message, ret_lookup);
    return error;
}
