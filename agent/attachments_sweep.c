/* What nobody will send goes: an attached file that no message names, an upload that was begun and
 * not continued, the memory of one that ended; and files that no row knows. See attachments.h.
 *
 * How: each kind of row has an order by age, so that a sweep looks at what it removes and at one
 * row more, whatever the store holds. The row goes first, durably; what a crash leaves of its file
 * the next start removes. At the start and daily, a few at a time: each removal waits for the
 * disk. Loop thread. */
#include <inttypes.h>
#include <string.h>

#include "agent/attachment_rows.h"
#include "agent/state.h"
#include "base/log.h"
#include "store/blobs.h"

/* A draft is kept for 30 days since it was last saved, and what it names with it. */
#define UNSENT_KEEP_MS (UINT64_C(31) * 86400000)
#define SWEEP_EACH_MS  UINT64_C(86400000)
#define SWEEP_AGAIN_MS 1000u
#define SWEEP_MAX      32u

struct stale { /* what one look found */
    enum { STALE_NOTHING, STALE_UNSENT, STALE_ADDING, STALE_ENDED } kind;
    struct digest digest;
    struct uuid id;
};

static enum err look(struct agent *agent, struct store_txn *read, struct stale *ret_stale)
{
    const uint64_t now_ms = agent_wall_ms(agent);
    struct attachment_row row;
    struct adding_row adding;
    struct ended_row ended;
    enum err error = attachment_row_unsent(read, &row);

    if (error == OK && row.since_ms + UNSENT_KEEP_MS <= now_ms) {
        *ret_stale = (struct stale){.kind = STALE_UNSENT, .digest = row.shown.digest};
    }
    crypto_wipe(&row, sizeof(row));
    if (error == ERR_NOT_FOUND || (error == OK && ret_stale->kind == STALE_NOTHING)) {
        error = adding_row_oldest(read, &adding);
        if (error == OK && adding.at_ms + LIMIT_BLOB_KEEP_MS <= now_ms) {
            *ret_stale = (struct stale){.kind = STALE_ADDING, .id = adding.id};
        }
        crypto_wipe(&adding, sizeof(adding));
    }
    if (error == ERR_NOT_FOUND || (error == OK && ret_stale->kind == STALE_NOTHING)) {
        error = ended_row_oldest(read, &ended);
        if (error == OK && ended.at_ms + LIMIT_BLOB_KEEP_MS <= now_ms) {
            *ret_stale = (struct stale){.kind = STALE_ENDED, .id = ended.id};
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

static enum err remove_row(struct agent *agent, const struct stale *stale)
{
    struct store_txn *txn;
    enum err error = store_begin(agent->setup.store, &txn);

    if (error != OK) {
        return error;
    }
    error = stale->kind == STALE_UNSENT ? attachment_row_remove(txn, &stale->digest)
                                        : ended_row_remove(txn, &stale->id);
    if (error != OK) {
        store_abort(txn);
        return error;
    }
    return store_commit(txn);
}

static enum err sweep_one(struct agent *agent, const struct stale *stale)
{
    enum err error;

    if (stale->kind == STALE_ADDING) {
        return attachments_cancel(agent, &stale->id);
    }
    error = remove_row(agent, stale);
    if (error == OK && stale->kind == STALE_UNSENT) {
        error = blobs_remove(agent->setup.blobs, &stale->digest);
        error = error == ERR_NOT_FOUND ? OK : error;
    }
    return error;
}

/* False: there is no more. */
static enum err sweep(struct agent *agent, bool *ret_more)
{
    struct stale stale = {.kind = STALE_NOTHING};
    struct store_txn *read;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = look(agent, read, &stale);
    store_read_end(read);
    *ret_more = error == OK && stale.kind != STALE_NOTHING;
    return *ret_more ? sweep_one(agent, &stale) : error;
}

void attachments_sweep(struct agent *agent)
{
    uint64_t removed = 0;
    bool more = agent->setup.blobs != NULL;
    enum err error = OK;

    while (error == OK && more && removed < SWEEP_MAX) {
        error = sweep(agent, &more);
        removed += error == OK && more;
    }
    agent->sweep_at_ms = agent_machine_ms(agent) + (more ? SWEEP_AGAIN_MS : SWEEP_EACH_MS);
    if (error != OK) {
        agent->sweep_at_ms = agent_machine_ms(agent) + SWEEP_EACH_MS;
        log_event(EVENT_ATTACHMENT_LEFT,
                  "attachments that nobody sent could not be removed: %s; trying again in a day",
                  err_text(error));
    }
    if (removed > 0) {
        log_event(EVENT_ATTACHMENTS_CLEANED,
                  "removed %" PRIu64 " attachments and uploads that no message named in time",
                  removed);
    }
}

/* --- the start --- */

static bool is_wanted(void *owner, const char *part, const struct digest *digest)
{
    struct agent *agent = owner;
    struct attachment_row row;
    struct adding_row adding;
    struct digest got;
    struct uuid id;
    struct store_txn *read;
    bool wanted = true; /* what cannot be looked up stays */

    if (store_read_begin(agent->setup.store, &read) != OK) {
        return true;
    }
    if (part == NULL) {
        wanted = attachment_row_get(read, digest, &row) != ERR_NOT_FOUND;
    } else if (strncmp(part, "add-", 4) == 0 && uuid_parse(part + 4, &id) == OK) {
        enum err error = adding_row_get(read, &id, &adding);

        wanted = error == OK ? adding.at_ms + LIMIT_BLOB_KEEP_MS > agent_wall_ms(agent)
                             : error != ERR_NOT_FOUND;
    } else if (strncmp(part, "get-", 4) == 0 &&
               hex_decode(part + 4, got.bytes, DIGEST_BYTES) == OK) {
        wanted =
            attachment_row_get(read, &got, &row) == OK && row.shown.state == ATTACHMENT_ON_THE_WAY;
    }
    store_read_end(read);
    crypto_wipe(&row, sizeof(row));
    crypto_wipe(&adding, sizeof(adding));
    return wanted;
}

enum err attachments_start(struct agent *agent)
{
    const struct blobs_visitor visitor = {.wants = is_wanted, .owner = agent};
    uint64_t removed = 0;

    attachments_sweep(agent);
    return agent->setup.blobs != NULL ? blobs_sweep(agent->setup.blobs, &visitor, &removed) : OK;
}
