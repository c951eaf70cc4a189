/* What connects the checkpoints of some receipts with one later checkpoint, for evidence: a proof
 * of consistency for each. Any reply of the broker proves its checkpoint from the size that the
 * request names, so each head is asked for by a PING that names it as known; where the log grew
 * meanwhile, the ends are connected once more. A proof that does not hold is an alarm as in any
 * reply. Nothing is kept on disk: an export begins anew, and gives up after a while. Loop thread.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/state.h"
#include "wire/receipt.h"

#define GIVE_UP_MS 20000u
#define ROUNDS_MAX 3u

void links_free(struct agent *agent)
{
    free(agent->links.done);
    memset(&agent->links, 0, sizeof(agent->links));
}

static bool is_listed(const struct links *links, uint64_t size)
{
    for (size_t i = 0; i < links->todo_count; i++) {
        if (links->todo[i].size == size) {
            return true;
        }
    }
    return false;
}

/* Is the head of this row one of the log that is followed? Of a log before, those up to where the
 * next one went on from it. */
static bool is_followed(const struct agent *agent, const struct row *row)
{
    const struct following *following = &agent->following;
    uint64_t log;

    for (size_t i = 0; i < following->past_count && row->log != following->log; i++) {
        if (recovery_log(keyring_origin(agent->setup.keyring), following->past[i].origin, &log) ==
                OK &&
            log == row->log) {
            return row->checkpoint_size <= following->past[i].anchor;
        }
    }
    return row->log == following->log;
}

/* The head under which this row was recorded, where it is of the log that is followed. */
static enum err add_row(struct agent *agent, struct store_txn *read, const struct row *row)
{
    struct links *links = &agent->links;
    struct checkpoint checkpoint;
    struct receipt receipt;
    struct region region;
    struct span bytes;
    enum err error;

    if (row->state == ROW_WAITING || !is_followed(agent, row) || links->todo_count == LINKS_MAX ||
        is_listed(links, row->checkpoint_size)) {
        return OK;
    }
    region_init(&region, LIMIT_PARSE_BYTES(RECEIPT_BYTES));
    error = row_receipt(read, row->seq, &bytes);
    if (error == OK) {
        error = receipt_decode(bytes, &region, &receipt, NULL);
    }
    if (error == OK) {
        error = checkpoint_parse(receipt.checkpoint, &checkpoint, NULL);
    }
    if (error == OK) {
        links->todo[links->todo_count] =
            (struct merkle_head){.size = checkpoint.size, .root = checkpoint.root};
        links->todo_count++;
    }
    region_free(&region);
    return error;
}

/* That of the registry's versions, too, of the log that is followed. */
static enum err add_versions(struct agent *agent, struct store_txn *read)
{
    struct links *links = &agent->links;
    struct registry_version version = {.number = 0};
    enum err error;

    while ((error = registry_version_next(read, version.number, &version)) == OK) {
        struct checkpoint checkpoint;
        struct receipt receipt;
        struct region region;

        region_init(&region, LIMIT_PARSE_BYTES(RECEIPT_BYTES));
        if (version.receipt.len > 0 && links->todo_count < LINKS_MAX &&
            receipt_decode(version.receipt, &region, &receipt, NULL) == OK &&
            checkpoint_parse(receipt.checkpoint, &checkpoint, NULL) == OK &&
            strcmp(checkpoint.origin, agent->following.origin) == 0 &&
            !is_listed(links, checkpoint.size)) {
            links->todo[links->todo_count] =
                (struct merkle_head){.size = checkpoint.size, .root = checkpoint.root};
            links->todo_count++;
        }
        region_free(&region);
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err links_begin(struct agent *agent, struct store_txn *read, const struct case_key *key)
{
    struct links *links = &agent->links;
    struct row row = {.seq = 0};
    enum err error = OK;

    links_free(agent);
    links->done = calloc(LINKS_MAX, sizeof(*links->done));
    if (links->done == NULL) {
        return ERR_MEMORY;
    }
    links->key = *key;
    links->until_ms = agent_machine_ms(agent) + GIVE_UP_MS;
    while ((error = evidence_next_row(read, key, row.seq, &row)) == OK) {
        error = add_row(agent, read, &row);
        if (error != OK) {
            break;
        }
    }
    return error == ERR_NOT_FOUND ? add_versions(agent, read) : error;
}

bool links_wait(const struct agent *agent)
{
    const struct links *links = &agent->links;

    return links->done != NULL && (!links->witnessed || links->at < links->todo_count) &&
           agent_machine_ms(agent) < links->until_ms;
}

/* What the others countersigned is to be connected, too. */
static void add_cosigned(struct agent *agent)
{
    const struct cosigned *cosigned = &agent->cosigned;
    struct links *links = &agent->links;

    if (cosigned->count > 0 && cosigned->log == agent->following.log && links->at == 0 &&
        links->todo_count < LINKS_MAX && !is_listed(links, cosigned->shown.size)) {
        links->todo[links->todo_count] = cosigned->shown;
        links->todo_count++;
    }
}

void links_ask(struct agent *agent)
{
    struct links *links = &agent->links;
    struct request_head head = {.kind = REQUEST_PING};
    enum err error;

    if (!links->witnessed) {
        links->witnessed = true;
        if (agent->checkpoint.size > 0) {
            witness_ask(agent);
            return;
        }
    }
    add_cosigned(agent);
    if (links->at == links->todo_count) {
        return;
    }
    links->asks = true;
    error = session_ask(agent, SLOT_SESSION, &head, NULL);
    links->asks = false;
    if (error != OK) {
        agent_trouble(agent, SLOT_SESSION, error);
    }
}

/* Ends that the log has grown behind are connected with the newest one. */
static void begin_round(struct links *links, const struct checkpoint *newest)
{
    size_t count = links->todo_count;

    links->rounds++;
    for (size_t i = 0; i < links->done_count && links->rounds < ROUNDS_MAX; i++) {
        const struct link *link = &links->done[i];

        if (link->to.size != newest->size && links->todo_count < LINKS_MAX &&
            !is_listed(links, link->to.size)) {
            links->todo[links->todo_count] = link->to;
            links->todo_count++;
        }
    }
    links->at = count;
}

void links_take(struct agent *agent, const struct reply_head *head,
                const struct checkpoint *checkpoint)
{
    struct links *links = &agent->links;
    struct link *link;

    if (links->at >= links->todo_count || links->done_count == LINKS_MAX ||
        head->consistency_count > LIMIT_PATH_COUNT || head->checkpoint.len > CHECKPOINT_BYTES) {
        return;
    }
    link = &links->done[links->done_count];
    link->from = links->todo[links->at];
    link->to = (struct merkle_head){.size = checkpoint->size, .root = checkpoint->root};
    memcpy(link->note, head->checkpoint.data, head->checkpoint.len);
    link->note_bytes = head->checkpoint.len;
    if (head->consistency_count > 0) {
        memcpy(link->path, head->consistency, head->consistency_count * sizeof(link->path[0]));
    }
    link->path_count = head->consistency_count;
    links->done_count++;
    links->at++;
    if (links->at == links->todo_count) {
        begin_round(links, checkpoint);
    }
}

/* --- what the others countersigned --- */

void cosigned_free(struct agent *agent)
{
    free(agent->cosigned.each);
    memset(&agent->cosigned, 0, sizeof(agent->cosigned));
}

void cosigned_take(struct agent *agent, const struct opened *opened,
                   const struct cosignature *const *each, size_t count)
{
    struct cosigned *cosigned = &agent->cosigned;
    const struct span note = opened->reply.head.checkpoint;

    cosigned_free(agent);
    if (count == 0 || note.len > CHECKPOINT_BYTES ||
        (cosigned->each = calloc(count, sizeof(*cosigned->each))) == NULL) {
        return;
    }
    cosigned->log = agent->following.log;
    cosigned->shown =
        (struct merkle_head){.size = opened->checkpoint.size, .root = opened->checkpoint.root};
    memcpy(cosigned->note, note.data, note.len);
    cosigned->note_bytes = note.len;
    for (size_t i = 0; i < count; i++) {
        struct cosigned_one *one = &cosigned->each[i];

        text_copy(one->note.agency, sizeof(one->note.agency), each[i]->agency);
        text_copy(one->note.seen.origin, sizeof(one->note.seen.origin), opened->checkpoint.origin);
        one->note.seen.size = each[i]->seen.size;
        one->note.seen.root = each[i]->seen.root;
        one->note.key = each[i]->seen.key;
        memcpy(one->note.signature, each[i]->seen.signature, SIGNATURE_BYTES);
        one->path_count = each[i]->consistency_count; /* verified, so it is no longer than that */
        if (one->path_count > 0) {
            memcpy(one->path, each[i]->consistency, one->path_count * sizeof(one->path[0]));
        }
    }
    cosigned->count = count;
}
