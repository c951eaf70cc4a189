/* What the other agencies countersigned of the broker's log, and whether it is the log that this
 * agency is shown.
 *
 * One agency alone cannot see that another is shown a second log, or a later one. So each
 * countersigns what it checked (WITNESS), and is answered with what all others countersigned, each
 * with the proof that it is a beginning of the log in the same reply. A signature that is not that
 * agency's, a larger log, another log: the broker is caught, by a reply that it signed itself. What
 * it keeps back is no proof of anything; then no quorum confirms what was countersigned here, which
 * `status` and, after a day, the log say. Kept in memory: a restart asks anew. Loop thread. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/state.h"
#include "base/log.h"

#define AGAIN_DOUBLINGS 6u        /* of witness-every, while it is not confirmed */
#define TELL_MS         86400000u /* agencies are away at night */

/* --- when --- */

uint64_t witness_next_ms(const struct agent *agent)
{
    const struct witnessing *witnessing = &agent->witnessing;
    unsigned doublings = witnessing->asked_again;

    if (agent->checkpoint.size == 0) {
        return UINT64_MAX;
    }
    if (agent->checkpoint.size > agent->witnessed_size) {
        return agent->witness_at_ms;
    }
    if (witnessing->awaited_ms == 0) {
        return UINT64_MAX;
    }
    doublings = doublings < AGAIN_DOUBLINGS ? doublings : AGAIN_DOUBLINGS;
    return agent->witness_at_ms + (agent->setup.witness_ms << doublings) - agent->setup.witness_ms;
}

void witness_ask(struct agent *agent)
{
    struct witnessing *witnessing = &agent->witnessing;
    struct request_head head = {.kind = REQUEST_WITNESS};

    agent->witness_at_ms = agent_machine_ms(agent) + agent->setup.witness_ms;
    witnessing->asked_again =
        agent->checkpoint.size > witnessing->asked_size ? 0 : witnessing->asked_again + 1;
    witnessing->asked_size = agent->checkpoint.size;
    head.witness.size = agent->checkpoint.size;
    head.witness.root = agent->checkpoint.root;
    head.witness.key = key_id_of(agent->setup.sign_key->public_key);
    witness_sign(agent->setup.sign_key, &agent->checkpoint, head.witness.signature);
    session_ask_or_wait(agent, &head);
}

/* --- what the others saw --- */

struct looking {
    struct agent *agent;
    const struct opened *opened;
    uint64_t sizes[LIMIT_COSIGNATURES + 1]; /* that count, this agency's first */
    const struct cosignature *each[LIMIT_COSIGNATURES];
    size_t count;
};

/* The key by which it counts; NULL: it does not, by what is known here of that agency's keys. */
static const struct key_entry *key_of(const struct agent *agent,
                                      const struct cosignature *cosignature, uint64_t at_ms)
{
    const struct key_entry *key;

    if (registry_find(agent->setup.registry, cosignature->agency) == NULL ||
        strcmp(cosignature->agency, agent->setup.self->id) == 0 ||
        keyring_find(agent->setup.keyring, cosignature->agency, cosignature->seen.key, at_ms,
                     &key) != OK) {
        return NULL;
    }
    return key;
}

static enum err look_at(struct looking *looking, const struct cosignature *cosignature)
{
    struct agent *agent = looking->agent;
    const struct checkpoint *shown = &looking->opened->checkpoint;
    const struct merkle_head newer = {.size = shown->size, .root = shown->root};
    const struct merkle_head older = {.size = cosignature->seen.size,
                                      .root = cosignature->seen.root};
    const struct key_entry *key = key_of(agent, cosignature, looking->opened->reply.head.time_ms);
    struct checkpoint seen = {.size = older.size, .root = older.root};

    if (key == NULL) {
        return OK;
    }
    text_copy(seen.origin, sizeof(seen.origin), shown->origin);
    if (witness_verify(key->public_key, &seen, cosignature->seen.signature) != OK) {
        agent_alarm(agent, DISTRUST_WITNESS,
                    "the broker shows a countersignature of %s that is not its own",
                    cosignature->agency);
        return ERR_FORGED;
    }
    if (older.size > newer.size) {
        agent_alarm(agent, DISTRUST_LOG_HIDDEN,
                    "%s countersigned a log of %" PRIu64
                    " records, and this agency is shown one of %" PRIu64,
                    cosignature->agency, older.size, newer.size);
        return ERR_FORGED;
    }
    if (older.size == 0 || merkle_consistency_verify(&older, &newer, cosignature->consistency,
                                                     cosignature->consistency_count) != OK) {
        agent_alarm(agent, DISTRUST_LOG_SPLIT,
                    "%s countersigned another log of %" PRIu64
                    " records than the one that this agency is shown",
                    cosignature->agency, older.size);
        return ERR_FORGED;
    }
    looking->each[looking->count - 1] = cosignature;
    looking->sizes[looking->count++] = older.size;
    return OK;
}

static int compare_down(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return (*left < *right) - (*left > *right);
}

/* Those that can countersign at all: with a program of their own, and not left. */
static uint32_t quorum_of(const struct agent *agent, uint64_t now_ms)
{
    const struct registry *registry = agent->setup.registry;
    uint64_t able = 0, quorum = agent->setup.policy->witness_quorum;

    for (size_t i = 0; i < registry_count(registry); i++) {
        const struct agency *agency = registry_at(registry, i);

        able += agency->class != CLASS_ASSOCIATE && !agency_has_left(agency, now_ms);
    }
    return (uint32_t)(able < quorum ? able : quorum);
}

static void count(struct looking *looking)
{
    struct agent *agent = looking->agent;
    struct witnessing *witnessing = &agent->witnessing;
    const uint64_t now_ms = looking->opened->reply.head.time_ms;

    qsort(looking->sizes, looking->count, sizeof(looking->sizes[0]), compare_down);
    witnessing->needed = quorum_of(agent, now_ms);
    witnessing->agencies = (uint32_t)looking->count;
    witnessing->confirmed_size = witnessing->needed > 0 && looking->count >= witnessing->needed
                                     ? looking->sizes[witnessing->needed - 1]
                                     : 0;
    if (witnessing->awaited_ms != 0 && witnessing->confirmed_size >= witnessing->awaited_size) {
        witnessing->awaited_ms = 0;
    }
    if (witnessing->awaited_ms == 0 && witnessing->confirmed_size < agent->witnessed_size) {
        witnessing->awaited_size = agent->witnessed_size;
        witnessing->awaited_ms = now_ms;
        witnessing->awaited_machine_ms = agent_machine_ms(agent);
    }
}

enum err witness_replied(struct agent *agent, const struct opened *opened)
{
    const struct reply_head *head = &opened->reply.head;
    struct looking looking = {.agent = agent, .opened = opened};
    enum err error = OK;

    looking.sizes[looking.count++] = agent->askings[SLOT_SESSION].known.size;
    for (size_t i = 0; error == OK && i < head->witness.cosignature_count; i++) {
        error = look_at(&looking, &head->witness.cosignatures[i]);
    }
    if (error == OK) {
        agent->witnessed_size = agent->askings[SLOT_SESSION].known.size;
        cosigned_take(agent, opened, looking.each, looking.count - 1);
        count(&looking);
    }
    return error;
}

/* --- what nobody confirms --- */

bool witness_is_late(const struct agent *agent)
{
    const struct witnessing *witnessing = &agent->witnessing;

    return witnessing->awaited_ms != 0 &&
           agent_machine_ms(agent) >= witnessing->awaited_machine_ms + TELL_MS;
}

void witness_tell(struct agent *agent)
{
    struct witnessing *witnessing = &agent->witnessing;
    const int32_t today = civil_day_at(agent_wall_ms(agent));

    if (!witness_is_late(agent) || witnessing->told == today) {
        return;
    }
    witnessing->told = today;
    log_event(EVENT_LOG_UNCONFIRMED,
              "this agency countersigned the broker's log of %" PRIu64
              " records more than a day ago, and less than %" PRIu32
              " agencies confirm it (%" PRIu32
              " have countersigned anything): take their `referralctl agent checkpoint show` to "
              "`agent checkpoint compare` here; a broker that shows them another log keeps their "
              "countersignatures back",
              witnessing->awaited_size, witnessing->needed, witnessing->agencies);
}

void witness_forget(struct agent *agent)
{
    agent->witnessed_size = 0;
    cosigned_free(agent);
    memset(&agent->witnessing, 0, sizeof(agent->witnessing));
}
