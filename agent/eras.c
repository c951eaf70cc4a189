/* By which calendar the broker counted what it recorded: from which leaf on which one was in force.
 *
 * A copy is followed anew when something older than its newest leaf arrives, and a receipt may come
 * long after its message was recorded. Each step is decided by the calendar that the broker used
 * for it; so the calendars that this agent had are kept, and the places in the log at which the
 * broker changed them, which its greetings and its answers to FETCH name. Where such a calendar
 * never was here the one in use stands in for it.
 *
 * What is told becomes durable with the reply that told it. Loop thread.
 *
 * STORE_VALUE: "x/eras" -> for each, oldest first: be64 place | be64 since | version, with NULs.
 * "x/calendar/" | version -> calendar_pack. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/state.h"
#include "base/log.h"

#define ERAS_KEY   "x/eras"
#define ERA_BYTES  (16u + CALENDAR_VERSION_BYTES)
#define NAME_BYTES (11u + CALENDAR_VERSION_BYTES)

static struct span name_of(const char *version, char out[NAME_BYTES])
{
    (void)snprintf(out, NAME_BYTES, "x/calendar/%s", version);
    return span_text(out);
}

/* --- the calendars --- */

/* As it is kept, where it was ever here. */
static enum err fetch_calendar(struct store_txn *txn, struct era *era)
{
    char name[NAME_BYTES];
    struct span packed;
    enum err error = store_get(txn, STORE_VALUE, name_of(era->version, name), &packed);

    if (error == OK) {
        error = calendar_unpack(packed, &era->calendar);
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err put_calendar(struct store_txn *txn, const struct calendar *calendar)
{
    char name[NAME_BYTES];
    uint8_t *packed = malloc(CALENDAR_PACKED_MAX);
    enum err error = packed != NULL ? OK : ERR_MEMORY;

    if (error == OK) {
        size_t len = calendar_pack(calendar, packed);

        error = store_put(txn, STORE_VALUE, name_of(calendar_version(calendar), name),
                          span_of(packed, len));
    }
    free(packed);
    return error;
}

static enum err is_kept(struct store *store, const char *version, bool *ret_kept)
{
    char name[NAME_BYTES];
    struct store_txn *read;
    struct span packed;
    enum err error = store_read_begin(store, &read);

    if (error != OK) {
        return error;
    }
    error = store_get(read, STORE_VALUE, name_of(version, name), &packed);
    store_read_end(read);
    *ret_kept = error == OK;
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err keep_calendar(struct store *store, const struct calendar *calendar)
{
    struct store_txn *txn;
    enum err error = store_begin(store, &txn);

    if (error != OK) {
        return error;
    }
    error = put_calendar(txn, calendar);
    if (error == OK) {
        return store_commit(txn);
    }
    store_abort(txn);
    return error;
}

/* A full store is no reason to count by an old calendar, or not to start: it is kept once there is
 * room, at the next start. */
enum err eras_keep_calendar(struct agent *agent, const struct calendar *calendar)
{
    bool kept = false;
    enum err error = is_kept(agent->setup.store, calendar_version(calendar), &kept);

    if (error == OK && !kept) {
        error = keep_calendar(agent->setup.store, calendar);
    }
    return error == ERR_FULL ? OK : error;
}

enum err eras_look(struct agent *agent)
{
    struct eras *eras = &agent->eras;
    struct store_txn *read;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    for (size_t i = 0; error == OK && i < eras->count; i++) {
        if (eras->each[i].calendar == NULL) {
            error = fetch_calendar(read, &eras->each[i]);
        }
    }
    store_read_end(read);
    return error;
}

/* --- the eras --- */

static enum err keep(const struct eras *eras, struct store_txn *txn)
{
    uint8_t row[ERAS_MAX * ERA_BYTES], *to = row;

    for (size_t i = 0; i < eras->count; i++) {
        be64_put(to, eras->each[i].from);
        be64_put(to + 8, eras->each[i].since_ms);
        memcpy(to + 16, eras->each[i].version, CALENDAR_VERSION_BYTES);
        to += ERA_BYTES;
    }
    return store_put(txn, STORE_VALUE, span_text(ERAS_KEY), span_of(row, (size_t)(to - row)));
}

static enum err read_row(struct span row, struct eras *eras)
{
    if (row.len % ERA_BYTES != 0 || row.len / ERA_BYTES > ERAS_MAX) {
        return ERR_CORRUPT;
    }
    for (size_t at = 0; at < row.len; at += ERA_BYTES) {
        struct era *era = &eras->each[eras->count++];

        *era =
            (struct era){.from = be64_get(row.data + at), .since_ms = be64_get(row.data + at + 8)};
        memcpy(era->version, row.data + at + 16, CALENDAR_VERSION_BYTES);
        if (memchr(era->version, '\0', CALENDAR_VERSION_BYTES) == NULL) {
            return ERR_CORRUPT;
        }
    }
    return OK;
}

static enum err read_kept(struct agent *agent)
{
    struct store_txn *read;
    struct span row;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = store_get(read, STORE_VALUE, span_text(ERAS_KEY), &row);
    if (error == OK) {
        error = read_row(row, &agent->eras);
    }
    store_read_end(read);
    return error == OK || error == ERR_NOT_FOUND ? eras_look(agent) : error;
}

enum err eras_load(struct agent *agent)
{
    enum err error = eras_keep_calendar(agent, agent->setup.calendar);

    return error == OK ? read_kept(agent) : error;
}

/* Where the store cannot be read either, all is told again with the next answer. */
void eras_not_kept(struct agent *agent)
{
    if (agent->eras.fresh) {
        eras_free(agent);
        agent->eras.fresh = false;
        if (read_kept(agent) != OK) {
            eras_free(agent);
        }
    }
}

void eras_kept(struct agent *agent)
{
    agent->eras.fresh = false;
}

void eras_free(struct agent *agent)
{
    for (size_t i = 0; i < agent->eras.count; i++) {
        calendar_free(agent->eras.each[i].calendar);
    }
    agent->eras.count = 0;
}

const struct era *eras_newest(const struct agent *agent)
{
    const struct eras *eras = &agent->eras;

    return eras->count > 0 ? &eras->each[eras->count - 1] : NULL;
}

/* The oldest makes room. */
static struct era *add(struct eras *eras)
{
    if (eras->count == ERAS_MAX) {
        calendar_free(eras->each[0].calendar);
        memmove(eras->each, eras->each + 1, (ERAS_MAX - 1) * sizeof(eras->each[0]));
        eras->count--;
    }
    eras->each[eras->count] = (struct era){.from = 0};
    return &eras->each[eras->count++];
}

static enum err begin(struct agent *agent, struct store_txn *txn, uint64_t from,
                      const struct calendar_in_force *calendar)
{
    struct era *era = add(&agent->eras);
    enum err error;

    agent->eras.fresh = true;
    era->from = from;
    era->since_ms = calendar->since_ms;
    text_copy(era->version, sizeof(era->version), calendar->version);
    error = fetch_calendar(txn, era);
    return error == OK ? keep(&agent->eras, txn) : error;
}

/* A leaf that the log of that answer does not have is of no use: the places of honest answers would
 * never be behind it. None is named by a broker of an older release. */
enum err eras_told(struct agent *agent, struct store_txn *txn,
                   const struct calendar_in_force *calendar, uint64_t log_size, bool *ret_news)
{
    const struct era *newest = eras_newest(agent);
    uint64_t from = recovery_place(agent->following.log, calendar->leaf);

    *ret_news = calendar->version[0] != '\0' && calendar->leaf > 0 && calendar->leaf < log_size &&
                (newest == NULL ||
                 (strcmp(newest->version, calendar->version) != 0 && from > newest->from));
    return *ret_news ? begin(agent, txn, from, calendar) : OK; /* else the same, or overtaken */
}

/* Of another log than the era before it. */
static bool begins_log(const struct eras *eras, size_t i)
{
    return i > 0 &&
           eras->each[i].from >> RECOVERY_LEAF_BITS != eras->each[i - 1].from >> RECOVERY_LEAF_BITS;
}

const struct era *eras_next_of_log(const struct agent *agent, uint64_t after, uint64_t until)
{
    const struct eras *eras = &agent->eras;

    for (size_t i = 0; i < eras->count; i++) {
        const struct era *era = &eras->each[i];

        if (begins_log(eras, i) && era->from > after && era->from <= until &&
            era->calendar != NULL) {
            return era;
        }
    }
    return NULL;
}

const struct calendar *eras_calendar(const struct agent *agent, uint64_t order)
{
    const struct eras *eras = &agent->eras;
    size_t at = eras->count;

    while (order != 0 && at > 1 && eras->each[at - 1].from > order) {
        at--;
    }
    return at > 0 && eras->each[at - 1].calendar != NULL ? eras->each[at - 1].calendar
                                                         : agent->setup.calendar;
}
