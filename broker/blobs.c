/* BLOB-PUT and BLOB-GET: attachments, sealed by their senders, on their way through.
 *
 * What BLOB-PUT answers is durable; a message that names a digest is taken only when all of its
 * bytes are (lookup.c asks), and from then on its parties may fetch them. The bytes go through the
 * loop thread, LIMIT_BLOB_CHUNK_BYTES at a time, and count into what a turn writes. Files are
 * removed after the commit that forgets them; what a crash leaves between the two, the next start
 * sweeps away. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "broker/turn.h"
#include "model/attachment.h"
#include "store/blobs.h"
#include "store/uploads.h"

#define TOUCH_MS   3600000u /* an upload under way is written down as such so often */
#define MINUTE_MS  60000u
#define PART_BYTES (6u + DIGEST_TEXT_BYTES)

_Static_assert(PART_BYTES <= BLOB_PART_NAME_BYTES, "the name of a part fits");

/* An agency's part is its own: nobody goes on with another's upload. */
static void part_name(const struct digest *digest, uint16_t agency, char out[PART_BYTES])
{
    char hex[DIGEST_TEXT_BYTES];

    digest_format(digest, hex);
    (void)snprintf(out, PART_BYTES, "%05u-%s", (unsigned)agency, hex);
}

/* --- BLOB-PUT --- */

struct putting { /* one BLOB-PUT under way */
    struct turn *turn;
    struct blobs *blobs;
    struct answer *answer;
    const struct agency *agency;
    const struct request_head *head;
    struct upload upload;
    bool known; /* there is a row of it */
    uint64_t have;
    char part[PART_BYTES];
};

static enum err refuse_put(struct putting *putting, enum refusal refusal, const char *detail)
{
    struct reply_head *head = &putting->answer->head;

    head->kind = REPLY_NONE;
    head->code = refusal;
    text_copy(head->detail, sizeof(head->detail), detail);
    putting->turn->broker->counts.refused++;
    return OK;
}

static enum err answer_put(struct putting *putting)
{
    putting->answer->head.kind = REPLY_BLOB_PUT;
    putting->answer->head.blob_put.have = putting->have;
    putting->answer->head.blob_put.complete = putting->upload.complete;
    return OK;
}

/* Of the turn's transaction where there is one, so that two of one turn see each other. */
static enum err find_upload(struct putting *putting)
{
    struct turn *turn = putting->turn;
    struct store_txn *read = turn->txn;
    enum err error = read != NULL ? OK : store_read_begin(turn->broker->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = upload_get(read, &putting->head->blob_put.digest, putting->agency->number,
                       &putting->upload);
    putting->known = error == OK;
    if (read != turn->txn) {
        store_read_end(read);
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* Is there room for what an upload brings? */
static enum err check_room(struct putting *putting, enum refusal *ret_refusal)
{
    struct turn *turn = putting->turn;
    uint64_t waiting = 0;
    enum err error = turn_txn(turn);

    *ret_refusal = REFUSAL_NONE;
    if (!blobs_accept(putting->blobs) || !store_accepts(turn->broker->setup.store)) {
        *ret_refusal = REFUSAL_STORE_FULL;
        return OK;
    }
    if (error == OK && !putting->known) {
        error = upload_waiting(turn->txn, putting->agency->number, &waiting);
    }
    if (waiting >= LIMIT_BLOBS_WAITING) {
        *ret_refusal = REFUSAL_UPLOADS;
    }
    return error;
}

/* The row, where it is new or says something old. */
static enum err keep_upload(struct putting *putting, bool complete)
{
    struct upload *upload = &putting->upload;
    uint64_t now_ms = putting->turn->now_ms;
    bool fresh = putting->known && upload->touched_ms + TOUCH_MS > now_ms;
    enum err error;

    if (!putting->known) {
        *upload = (struct upload){.digest = putting->head->blob_put.digest,
                                  .agency = putting->agency->number,
                                  .size = putting->head->blob_put.size};
    }
    if (fresh && complete == upload->complete) {
        return OK;
    }
    error = turn_txn(putting->turn);
    upload->complete = complete;
    upload->touched_ms = now_ms;
    putting->known = true;
    return error == OK ? upload_put(putting->turn->txn, upload) : error;
}

/* All bytes are there: the file gets its name, or is thrown away. */
static enum err finish(struct putting *putting)
{
    struct turn *turn = putting->turn;
    struct digest digest;
    enum err error =
        blobs_part_finish(putting->blobs, putting->part, &putting->head->blob_put.digest, &digest);

    if (error == ERR_FORGED) {
        error = turn_txn(turn);
        if (error == OK) {
            error = upload_remove(turn->txn, &putting->upload);
        }
        return error == OK ? refuse_put(putting, REFUSAL_BLOB_DIGEST, "blob_put.digest") : error;
    }
    if (error == OK) {
        error = keep_upload(putting, true);
    }
    if (error == OK) {
        blobs_forget_later(turn, &putting->upload, false);
        error = answer_put(putting);
    }
    return error;
}

static enum err append(struct putting *putting)
{
    struct turn *turn = putting->turn;
    struct span data = putting->head->blob_put.data;
    enum refusal refusal = REFUSAL_NONE;
    enum err error = check_room(putting, &refusal);

    if (error != OK || refusal != REFUSAL_NONE) {
        return error != OK ? error : refuse_put(putting, refusal, "");
    }
    error = keep_upload(putting, false);
    if (error == OK) {
        error = blobs_part_append(putting->blobs, putting->part, putting->have, data);
    }
    if (error == ERR_FULL) {
        return refuse_put(putting, REFUSAL_STORE_FULL, "");
    }
    turn->written += data.len;
    turn->broker->counts.blob_bytes_in += data.len;
    putting->have += data.len;
    if (error == OK && putting->have == putting->upload.size) {
        return finish(putting);
    }
    return error == OK ? answer_put(putting) : error;
}

static enum err put(struct putting *putting)
{
    const struct request_head *head = putting->head;
    enum err error = find_upload(putting);

    if (error != OK) {
        return error;
    }
    if (putting->known && putting->upload.size != head->blob_put.size) {
        return refuse_put(putting, REFUSAL_BLOB_SIZE, "blob_put.size: announced otherwise");
    }
    if (putting->known && putting->upload.complete) {
        putting->have = putting->upload.size;
        error = keep_upload(putting, true);
        return error == OK ? answer_put(putting) : error;
    }
    /* bytes that no row knows are of a turn that was given up */
    error = putting->known ? blobs_part_bytes(putting->blobs, putting->part, &putting->have)
                           : blobs_part_discard(putting->blobs, putting->part);
    if (error != OK) {
        return error;
    }
    if (putting->known && putting->have >= putting->upload.size) {
        return finish(putting); /* a crash came between the last bytes and the row */
    }
    return head->blob_put.data.len > 0 && head->blob_put.offset == putting->have
               ? append(putting)
               : answer_put(putting);
}

enum err blob_put_handle(struct turn *turn, struct intake *intake, struct answer *answer)
{
    const struct request_head *head = &intake->request.head;
    uint64_t size = head->blob_put.size;
    struct putting putting = {.turn = turn,
                              .blobs = turn->broker->setup.blobs,
                              .answer = answer,
                              .agency = intake->agency,
                              .head = head};

    if (turn->broker->stopping || putting.blobs == NULL) {
        return refuse_put(&putting, REFUSAL_STOPPING, "");
    }
    if (size <= ATTACHMENT_COMMITMENT_BYTES || size > ATTACHMENT_SEALED_MAX ||
        head->blob_put.offset > size || head->blob_put.data.len > size - head->blob_put.offset) {
        return refuse_put(&putting, REFUSAL_BLOB_SIZE, "blob_put.size");
    }
    part_name(&head->blob_put.digest, intake->agency->number, putting.part);
    return put(&putting);
}

/* --- BLOB-GET --- */

/* Who acts for an agency that left may have what that agency might. */
static enum err is_allowed(struct turn *turn, struct store_txn *read, const struct agency *agency,
                           const struct digest *digest)
{
    const struct registry *registry = turn->broker->setup.registry;
    struct upload own;
    enum err error = upload_allowed(read, digest, agency->number);

    if (error == ERR_NOT_FOUND) {
        error = upload_get(read, digest, agency->number, &own);
        error = error == OK && !own.complete ? ERR_NOT_FOUND : error;
    }
    for (size_t i = 0; error == ERR_NOT_FOUND && i < registry_count(registry); i++) {
        uint16_t other = registry_at(registry, i)->number;

        if (other != agency->number &&
            registry_acting(registry, other, turn->now_ms) == agency->number) {
            error = upload_allowed(read, digest, other);
        }
    }
    return error;
}

static enum err read_blob(struct turn *turn, const struct request_head *head,
                          struct reply_head *reply)
{
    const struct digest *digest = &head->blob_get.digest;
    struct blobs *blobs = turn->broker->setup.blobs;
    uint32_t most = head->blob_get.max_bytes;
    struct buf bytes;
    uint8_t *copy;
    enum err error = blobs_size(blobs, digest, &reply->blob_get.size);

    if (most == 0 || most > LIMIT_BLOB_CHUNK_BYTES) {
        most = LIMIT_BLOB_CHUNK_BYTES;
    }
    buf_init(&bytes, LIMIT_BLOB_CHUNK_BYTES);
    if (error == OK && head->blob_get.offset < reply->blob_get.size) {
        error = blobs_read(blobs, digest, head->blob_get.offset, most, &bytes);
    }
    if (error == OK && bytes.len > 0) {
        copy = region_take(&turn->region, bytes.len);
        error = copy == NULL ? ERR_MEMORY : OK;
        if (copy != NULL) {
            memcpy(copy, bytes.data, bytes.len);
            reply->blob_get.data = span_of(copy, bytes.len);
        }
    }
    turn->written += bytes.len;
    turn->broker->counts.blob_bytes_out += bytes.len;
    buf_free(&bytes);
    return error;
}

enum err blob_get_handle(struct turn *turn, struct intake *intake, struct answer *answer)
{
    const struct request_head *head = &intake->request.head;
    struct reply_head *reply = &answer->head;
    struct store_txn *read;
    char hex[DIGEST_TEXT_BYTES];
    bool lost = false;
    enum err error = store_read_begin(turn->broker->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = is_allowed(turn, read, intake->agency, &head->blob_get.digest);
    store_read_end(read);
    reply->kind = REPLY_BLOB_GET;
    if (error == OK && turn->broker->setup.blobs != NULL) {
        error = read_blob(turn, head, reply);
        lost = error == ERR_NOT_FOUND;
    }
    if (lost) {
        digest_format(&head->blob_get.digest, hex);
        log_event(EVENT_ATTACHMENT_MISSING,
                  "the attachment %s is not in the folder of the attachments any more: bring the "
                  "file back from a copy, or ask its sender to attach it anew",
                  hex);
    }
    if (error == ERR_NOT_FOUND) {
        reply->kind = REPLY_NONE;
        reply->code = REFUSAL_BLOB_UNKNOWN;
        text_copy(reply->detail, sizeof(reply->detail),
                  lost ? "blob_get.digest: lost here" : "blob_get.digest");
        turn->broker->counts.refused++;
        return OK;
    }
    return error;
}

/* --- messages that refer --- */

enum err blobs_missing(struct turn *turn, const struct agency *signer,
                       const struct message *message, size_t *ret_missing)
{
    struct blob_ref ref;
    size_t at = 0;

    *ret_missing = 0;
    while (turn->broker->setup.policy->attachments_required &&
           message_blob_next(message, &at, &ref)) {
        struct upload upload;
        enum err error = upload_get(turn->txn, &ref.digest, signer->number, &upload);

        if (error != OK && error != ERR_NOT_FOUND) {
            return error;
        }
        if (error != OK || !upload.complete || upload.size != ref.sealed_bytes) {
            *ret_missing = ref.material + 1;
            return OK;
        }
    }
    return OK;
}

static enum err allow(struct turn *turn, const struct message *message, const struct digest *digest)
{
    const struct registry *registry = turn->broker->setup.registry;
    enum err error = OK;

    for (size_t i = 0; error == OK && i < registry_count(registry); i++) {
        const struct agency *agency = registry_at(registry, i);

        if (strcmp(agency->id, message->header.sender) == 0 ||
            strcmp(agency->id, message->header.recipient) == 0 ||
            agency_set_has(&message->copies, agency->number)) {
            error = upload_allow(turn->txn, digest, agency->number);
        }
    }
    return error;
}

enum err blobs_refer(struct turn *turn, const struct agency *signer, const struct message *message)
{
    struct blob_ref ref;
    size_t at = 0;

    while (message_blob_next(message, &at, &ref)) {
        struct upload upload;
        enum err error = upload_get(turn->txn, &ref.digest, signer->number, &upload);

        if (error == ERR_NOT_FOUND ||
            (error == OK && (!upload.complete || upload.size != ref.sealed_bytes))) {
            continue; /* the policy lets it stand for papers that travel otherwise */
        }
        if (error == OK && !upload.referred) {
            upload.referred = true;
            error = upload_put(turn->txn, &upload);
        }
        if (error == OK) {
            error = allow(turn, message, &ref.digest);
        }
        if (error != OK) {
            return error;
        }
    }
    return OK;
}

/* --- what nobody refers to --- */

void blobs_forget_later(struct turn *turn, const struct upload *upload, bool whole)
{
    struct blob_gone *gone = &turn->gone[turn->gone_count];

    if (turn->gone_count < TURN_GONE) { /* else the sweep of the next start finds it */
        gone->digest = upload->digest;
        gone->agency = upload->agency;
        gone->whole = whole;
        turn->gone_count++;
    }
}

static enum err oldest_of_store(struct turn *turn, struct upload *ret_upload)
{
    struct store_txn *read;
    enum err error = store_read_begin(turn->broker->setup.store, &read);

    if (error == OK) {
        error = upload_oldest(read, ret_upload);
        store_read_end(read);
    }
    return error;
}

enum err blobs_collect(struct turn *turn)
{
    struct broker *broker = turn->broker;
    struct upload oldest;
    enum err error;

    if (broker->setup.blobs == NULL || turn->clock.hold != HOLD_NOT ||
        turn->now_ms < broker->collect_ms) {
        return OK;
    }
    broker->collect_ms = turn->now_ms + MINUTE_MS;
    error = turn->txn != NULL ? upload_oldest(turn->txn, &oldest) : oldest_of_store(turn, &oldest);
    while (error == OK && oldest.touched_ms + LIMIT_BLOB_KEEP_MS <= turn->now_ms) {
        if (turn->gone_count == TURN_GONE) {
            broker->collect_ms = 0;
            broker->again = true;
            return OK;
        }
        error = turn_txn(turn);
        if (error == OK) {
            error = upload_remove(turn->txn, &oldest);
        }
        if (error == OK) {
            blobs_forget_later(turn, &oldest, true);
            broker->counts.blobs_collected++;
            error = upload_oldest(turn->txn, &oldest);
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* What could not be removed lies there until the next start. */
void blobs_committed(struct turn *turn)
{
    struct blobs *blobs = turn->broker->setup.blobs;
    struct store_txn *read;
    char part[PART_BYTES];

    if (turn->gone_count == 0 || store_read_begin(turn->broker->setup.store, &read) != OK) {
        return;
    }
    for (size_t i = 0; i < turn->gone_count; i++) {
        const struct blob_gone *gone = &turn->gone[i];
        enum err error;

        part_name(&gone->digest, gone->agency, part);
        error = blobs_part_discard(blobs, part);
        if (error == OK && gone->whole && upload_any(read, &gone->digest) == ERR_NOT_FOUND) {
            error = blobs_remove(blobs, &gone->digest);
        }
        if (error != OK && error != ERR_NOT_FOUND) {
            log_event(EVENT_ATTACHMENT_LEFT,
                      "a file of an attachment that nobody needs could not be removed: %s",
                      err_text(error));
        }
    }
    store_read_end(read);
    turn->gone_count = 0;
}

/* --- the start --- */

static bool is_wanted_part(struct store_txn *read, const char *part)
{
    struct upload upload;
    struct digest digest;
    uint32_t agency = 0;

    for (size_t i = 0; i < 5; i++) {
        if (part[i] < '0' || part[i] > '9') {
            return false;
        }
        agency = agency * 10 + (uint32_t)(part[i] - '0');
    }
    return part[5] == '-' && agency <= UINT16_MAX &&
           hex_decode(part + 6, digest.bytes, DIGEST_BYTES) == OK &&
           upload_get(read, &digest, (uint16_t)agency, &upload) == OK && !upload.complete;
}

static bool is_wanted(void *owner, const char *part, const struct digest *digest)
{
    struct store_txn *read = owner;

    return part != NULL ? is_wanted_part(read, part) : upload_any(read, digest) == OK;
}

enum err blobs_start(struct broker *broker)
{
    struct blobs_visitor visitor = {.wants = is_wanted};
    struct store_txn *read;
    uint64_t removed = 0;
    enum err error;

    if (broker->setup.blobs == NULL) {
        return OK;
    }
    error = store_read_begin(broker->setup.store, &read);
    if (error != OK) {
        return error;
    }
    visitor.owner = read;
    error = blobs_sweep(broker->setup.blobs, &visitor, &removed);
    store_read_end(read);
    if (removed > 0) {
        log_event(EVENT_ATTACHMENTS_CLEANED,
                  "removed %" PRIu64 " files of attachments that no row knows", removed);
    }
    return error;
}
