/* By which calendar this agency's copies count, and counting them anew.
 *
 * The broker counts every open clock anew when it takes another calendar, and its notices say what
 * that changed. What begins afterwards a copy counts itself (eras.c): while the broker's calendar
 * is not here, by the one that is. So when it comes, each copy that has followed anything since the
 * broker took it is followed from its beginning.
 *
 * Up to which era all copies count is a row: a copy that waits for its calendar still waits for it
 * after a restart.
 *
 * STORE_VALUE: "x/counted" -> be64 place of that era. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/state.h"
#include "base/log.h"

#define COUNTED_KEY   "x/counted"
#define STEP_COPIES   100u /* in one transaction: some 20 ms if all are followed anew */
#define STORE_WAIT_MS 5000u

/* --- what is kept --- */

static enum err keep(uint64_t counted_from, struct store_txn *txn)
{
    uint8_t row[8];

    be64_put(row, counted_from);
    return store_put(txn, STORE_VALUE, span_text(COUNTED_KEY), span_of(row, sizeof(row)));
}

enum err counting_load(struct agent *agent)
{
    struct store_txn *read;
    struct span row;
    enum err error = eras_load(agent);

    if (error == OK) {
        error = store_read_begin(agent->setup.store, &read);
    }
    if (error != OK) {
        return error;
    }
    error = store_get(read, STORE_VALUE, span_text(COUNTED_KEY), &row);
    if (error == OK && row.len == 8) {
        agent->counting.counted_from = be64_get(row.data);
    } else if (error == OK) {
        error = ERR_CORRUPT;
    }
    store_read_end(read);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* --- what the broker said --- */

static bool is_counted(const struct agent *agent, const struct era *era)
{
    return era->from <= agent->counting.counted_from;
}

enum counting_state counting_state(const struct agent *agent)
{
    const struct era *newest = eras_newest(agent);

    if (newest == NULL) {
        return COUNTING_UNKNOWN;
    }
    if (strcmp(newest->version, calendar_version(agent->setup.calendar)) == 0) {
        return COUNTING_SAME;
    }
    return newest->calendar != NULL ? COUNTING_AHEAD : COUNTING_BEHIND;
}

static void log_difference(const struct agent *agent)
{
    const char *ours = calendar_version(agent->setup.calendar);
    const struct era *newest = eras_newest(agent);

    if (counting_state(agent) == COUNTING_BEHIND) {
        log_event(EVENT_CALENDAR_DIFFERS,
                  "the broker counts by calendar %s, this agent by %s: install the broker's files "
                  "and reload (`referralctl agent reload` or SIGHUP)",
                  newest->version, ours);
    } else if (counting_state(agent) == COUNTING_AHEAD) {
        log_event(EVENT_CALENDAR_DIFFERS, "calendar %s is here; the broker still counts by %s",
                  ours, newest->version);
    }
}

static void begin_anew(struct counting *counting)
{
    memset(&counting->after, 0, sizeof(counting->after));
    counting->begun = false;
}

enum err counting_told(struct agent *agent, struct store_txn *txn,
                       const struct calendar_in_force *calendar, uint64_t log_size)
{
    bool news;
    enum err error = eras_told(agent, txn, calendar, log_size, &news);

    if (error == OK && news) {
        begin_anew(&agent->counting);
        log_difference(agent);
    }
    return error;
}

/* --- the copies --- */

bool counting_waits(const struct agent *agent)
{
    const struct era *newest = eras_newest(agent);

    return newest != NULL && newest->calendar != NULL && !is_counted(agent, newest);
}

uint64_t counting_from(const struct agent *agent)
{
    const struct eras *eras = &agent->eras;

    for (size_t i = 0; i < eras->count; i++) {
        if (!is_counted(agent, &eras->each[i])) {
            return eras->each[i].from;
        }
    }
    return UINT64_MAX;
}

/* ERR_NOT_FOUND: there is no further copy. */
static enum err recount_some(struct agent *agent, struct store_txn *txn, struct case_key *at,
                             bool begun)
{
    enum err error = OK;

    for (unsigned i = 0; error == OK && i < STEP_COPIES; i++) {
        struct case_key key;
        struct span packed;

        error = cases_next(txn, NULL, begun ? at : NULL, &key, &packed);
        if (error == OK) {
            error = copy_recount(agent, txn, &key, packed);
            *at = key;
            begun = true;
        }
    }
    return error;
}

static enum err step(struct agent *agent, bool *ret_done)
{
    struct counting next = agent->counting;
    struct store_txn *txn;
    enum err error = store_begin(agent->setup.store, &txn);

    if (error != OK) {
        return error;
    }
    error = recount_some(agent, txn, &next.after, next.begun);
    next.begun = true;
    *ret_done = error == ERR_NOT_FOUND;
    if (*ret_done) {
        next.counted_from = eras_newest(agent)->from;
        begin_anew(&next);
        error = keep(next.counted_from, txn);
    }
    if (error == OK) {
        error = store_commit(txn);
    } else {
        store_abort(txn);
    }
    if (error == OK) {
        agent->counting = next;
        events_tell(agent);
    }
    events_forget(agent);
    return error;
}

void counting_step(struct agent *agent)
{
    bool done = false;
    enum err error = OK;

    agent->counting.step_at_ms = 0;
    if (!counting_waits(agent)) {
        return;
    }
    error = step(agent, &done);
    if (error != OK) {
        agent_trouble(agent, SLOT_SESSION, error);
        agent->counting.step_at_ms = agent_machine_ms(agent) + STORE_WAIT_MS;
    } else if (done) {
        log_event(EVENT_CALENDAR_AGREES, "all copies count by calendar %s, as the broker does",
                  eras_newest(agent)->version);
    }
}

/* --- a new calendar, while running --- */

static void note_fault(struct counting *counting, const struct fault *fault)
{
    (void)snprintf(counting->fault, sizeof(counting->fault), "%s: %s", fault->place,
                   fault->message);
}

enum err agent_reload(struct agent *agent, struct fault *fault)
{
    struct counting *counting = &agent->counting;
    const struct calendar *old = agent->setup.calendar;
    struct calendar *fresh = NULL;
    enum err error = agent->setup.ops->load_calendar(agent->setup.ctx, &fresh, fault);

    if (error != OK) {
        log_event(EVENT_CONFIG_KEPT, "calendar %s stays in use", calendar_version(old));
        note_fault(counting, fault);
        return error;
    }
    error = eras_keep_calendar(agent, fresh);
    error = error == OK ? eras_look(agent) : error;
    if (error != OK) {
        fault_set(fault, "agent.store", "calendar", "the store did not take it: %s",
                  err_text(error));
        fault_hint(fault, "look at the disk of the store, then reload again");
        note_fault(counting, fault);
        calendar_free(fresh);
        return error;
    }
    if (!digest_equal(calendar_digest(old), calendar_digest(fresh))) {
        log_event(EVENT_CALENDAR_CHANGED, "calendar %s takes the place of %s",
                  calendar_version(fresh), calendar_version(old));
    }
    agent->setup.calendar = fresh;
    calendar_free(counting->loaded);
    counting->loaded = fresh;
    counting->fault[0] = '\0';
    begin_anew(counting);
    log_difference(agent);
    agent_pump(agent);
    return OK;
}
