/* By which calendar this agency's copies count.
 *
 * Most dates come from the broker, in its notices. A copy counts for itself where no notice comes:
 * the holder of a clock opens it with its own receipt or message. While the broker has a newer
 * calendar than this agent, such a date is the old calendar's, and no re-dating follows, because
 * for the broker nothing moved. So when the calendar that the broker said it uses is here, every
 * open clock gets the date that window_redate gives at the time at which the broker said so: what
 * notices moved stays as it is, and what was counted here by the older calendar is counted anew.
 *
 * Hello and notices name the broker's calendar. What was said, and by which version all copies
 * count, is a row: a copy that waits for its calendar still waits for it after a restart. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/state.h"
#include "base/log.h"

#define COUNTING_KEY  "calendar"
#define ROW_BYTES     (8u + 2u * CALENDAR_VERSION_BYTES)
#define STEP_COPIES   400u /* counted anew in one transaction: some 20 ms */
#define STORE_WAIT_MS 5000u

/* --- what is kept --- */

static enum err keep(const struct counting *counting, struct store_txn *txn)
{
    uint8_t row[ROW_BYTES];

    be64_put(row, counting->since_ms);
    memcpy(row + 8, counting->told, CALENDAR_VERSION_BYTES);
    memcpy(row + 8 + CALENDAR_VERSION_BYTES, counting->counted, CALENDAR_VERSION_BYTES);
    return store_put(txn, STORE_VALUE, span_text(COUNTING_KEY), span_of(row, sizeof(row)));
}

static enum err read_row(struct span row, struct counting *counting)
{
    const char *told = (const char *)row.data + 8, *counted = told + CALENDAR_VERSION_BYTES;

    if (row.len != ROW_BYTES || memchr(told, '\0', CALENDAR_VERSION_BYTES) == NULL ||
        memchr(counted, '\0', CALENDAR_VERSION_BYTES) == NULL) {
        return ERR_CORRUPT;
    }
    counting->since_ms = be64_get(row.data);
    counting->told_ms = counting->since_ms;
    memcpy(counting->told, told, CALENDAR_VERSION_BYTES);
    memcpy(counting->counted, counted, CALENDAR_VERSION_BYTES);
    return OK;
}

enum err counting_load(struct agent *agent)
{
    struct store_txn *read;
    struct span row;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = store_get(read, STORE_VALUE, span_text(COUNTING_KEY), &row);
    if (error == OK) {
        error = read_row(row, &agent->counting);
    }
    store_read_end(read);
    return error == ERR_NOT_FOUND ? OK : error;
}

/* --- what the broker said --- */

enum counting_state counting_state(const struct agent *agent)
{
    const struct counting *counting = &agent->counting;

    if (counting->told[0] == '\0') {
        return COUNTING_UNKNOWN;
    }
    if (strcmp(counting->told, calendar_version(agent->setup.calendar)) == 0) {
        return COUNTING_SAME;
    }
    return strcmp(counting->told, counting->counted) == 0 ? COUNTING_AHEAD : COUNTING_BEHIND;
}

static void log_difference(const struct agent *agent)
{
    const char *ours = calendar_version(agent->setup.calendar), *theirs = agent->counting.told;

    if (counting_state(agent) == COUNTING_BEHIND) {
        log_event(EVENT_CALENDAR_DIFFERS,
                  "the broker counts by calendar %s, this agent by %s: install the broker's files "
                  "and reload (`referralctl agent reload` or SIGHUP)",
                  theirs, ours);
    } else if (counting_state(agent) == COUNTING_AHEAD) {
        log_event(EVENT_CALENDAR_DIFFERS, "calendar %s is here; the broker still counts by %s",
                  ours, theirs);
    }
}

/* A notice that waited may say that the broker had its newest calendar earlier than the greeting
 * that named it: what opened since is counted anew though it was stopped. */
static enum err told_again(struct counting *counting, struct store_txn *txn, uint64_t at_ms)
{
    counting->told_ms = at_ms > counting->told_ms ? at_ms : counting->told_ms;
    if (at_ms >= counting->since_ms) {
        return OK;
    }
    counting->since_ms = at_ms;
    return keep(counting, txn);
}

/* What is in memory only is said again with the next hello. */
enum err counting_told(struct agent *agent, struct store_txn *txn, const char *version,
                       uint64_t at_ms)
{
    struct counting *counting = &agent->counting;

    if (version[0] != '\0' && strcmp(counting->told, version) == 0) {
        return told_again(counting, txn, at_ms);
    }
    if (version[0] == '\0' || at_ms < counting->told_ms) {
        return OK; /* a notice that waited since before the newest word */
    }
    counting->told_ms = at_ms;
    memset(counting->told, 0, sizeof(counting->told));
    text_copy(counting->told, sizeof(counting->told), version);
    counting->since_ms = at_ms;
    log_difference(agent);
    return keep(counting, txn);
}

/* --- the copies --- */

bool counting_waits(const struct agent *agent)
{
    return counting_state(agent) == COUNTING_SAME &&
           strcmp(agent->counting.told, agent->counting.counted) != 0;
}

static void begin_anew(struct counting *counting)
{
    memset(&counting->after, 0, sizeof(counting->after));
    counting->begun = false;
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
        memcpy(next.counted, next.told, sizeof(next.counted));
        begin_anew(&next);
        error = keep(&next, txn);
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
                  agent->counting.counted);
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
