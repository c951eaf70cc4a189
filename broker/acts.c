/* Acts within a turn: the leaf, the reason beside it, then the change. See acts.h. */
#include "broker/acts.h"

#include <assert.h>
#include <string.h>

#include "broker/turn.h"
#include "store/reasons.h"

enum err acts_apply(struct turn *turn)
{
    struct act *act = turn->broker->act;
    struct leaf_record record;
    enum err error;

    if (act == NULL) {
        return OK;
    }
    assert(strlen(act->name) < sizeof(record.command.name));
    ledger_record(turn, LEAF_COMMAND, ADMINISTRATOR_NAME, &record);
    record.message_digest = crypto_digest(act->reason);
    record.has_command = true;
    record.command.uid = act->uid;
    text_copy(record.command.name, sizeof(record.command.name), act->name);
    text_copy(record.command.role, sizeof(record.command.role), act->role);
    text_copy(record.command.about, sizeof(record.command.about), act->about);
    error = ledger_append(turn, &record, span_of(NULL, 0), AUDIT_NONE, &act->leaf);
    if (error == OK) {
        error = reason_put(turn->txn, act->leaf, act->reason);
    }
    return error == OK && act->apply != NULL ? act->apply(turn, act->arg) : error;
}

enum err broker_act(struct broker *broker, struct act *act)
{
    const struct timekeeper keeper = broker->keeper;

    assert(broker->act == NULL);
    act->leaf = AUDIT_NONE;
    act->done = false;
    if (broker->stopping) {
        return ERR_CLOSED; /* the log ends with its stop */
    }
    broker->act = act;
    broker_turn(broker);
    broker->act = NULL;
    if (act->done) {
        return OK;
    }
    broker->keeper = keeper; /* an order about the clock that no leaf tells of was not given */
    broker->clock_order = CLOCK_ORDER_NONE;
    return broker->failure != OK ? broker->failure : ERR_FULL;
}

/* --- the clock --- */

static enum err confirm(struct turn *turn, void *arg)
{
    (void)arg;
    turn->broker->clock_order = CLOCK_ORDER_CONFIRM;
    return scheduler_clock_order(turn);
}

static enum err reset(struct turn *turn, void *arg)
{
    (void)arg;
    turn->broker->clock_order = CLOCK_ORDER_RESET;
    return scheduler_clock_order(turn);
}

enum err broker_clock_confirm(struct broker *broker, struct act *act)
{
    act->apply = confirm;
    return broker_act(broker, act);
}

enum err broker_clock_reset(struct broker *broker, struct act *act)
{
    act->apply = reset;
    return broker_act(broker, act);
}
