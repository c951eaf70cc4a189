/* How: a file that comes in is sealed chunk by chunk into a part of the folder, so that neither a
 * plain byte nor more than a chunk of memory is kept; its row has the key from the beginning, so
 * that a restart goes on at the last whole chunk. See attachments.h. */
#include "agent/attachments.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/attachment_rows.h"
#include "agent/state.h"
#include "model/vocabulary.h"
#include "store/blobs.h"
#include "wire/attachment_seal.h"

#define KEEP_AGAIN_MS UINT64_C(86400000) /* a draft is saved every few seconds */

struct adding { /* one that is being attached, in memory */
    struct adding_row row;
    struct attachment_cipher cipher;
    struct attachment_scan scan;
    uint64_t chunks; /* sealed and durable */
    struct buf held; /* owned: plain bytes that are no whole chunk yet */
    uint64_t used;   /* the longest unused one makes room for another */
};

const char *attachment_state_name(enum attachment_state state)
{
    static const char *const names[] = {[ATTACHMENT_ATTACHED] = "attached",
                                        [ATTACHMENT_ON_THE_WAY] = "on-the-way",
                                        [ATTACHMENT_HERE] = "here",
                                        [ATTACHMENT_DOES_NOT_OPEN] = "does-not-open",
                                        [ATTACHMENT_ERASED] = "erased"};

    return state >= ATTACHMENT_ATTACHED && state <= ATTACHMENT_ERASED ? names[state] : "unknown";
}

static enum err refuse(struct fault *fault, enum err error, const char *code, const char *message)
{
    fault_set(fault, code, "attachment", "%s", message);
    return error;
}

/* --- those in memory --- */

#define PART_BYTES (4u + UUID_TEXT_BYTES)

static void part_name(const struct uuid *id, char out[PART_BYTES])
{
    char text[UUID_TEXT_BYTES];

    uuid_format(id, text);
    (void)snprintf(out, PART_BYTES, "add-%s", text);
}

static void adding_free(struct adding *adding)
{
    if (adding == NULL) {
        return;
    }
    if (adding->held.data != NULL) {
        crypto_wipe(adding->held.data, adding->held.cap);
    }
    buf_free(&adding->held);
    crypto_wipe(adding, sizeof(*adding));
    free(adding);
}

void attachments_free(struct agent *agent)
{
    for (size_t i = 0; i < AGENT_ADDINGS; i++) {
        adding_free(agent->addings[i]);
        agent->addings[i] = NULL;
    }
}

static void adding_forget(struct agent *agent, const struct uuid *id)
{
    for (size_t i = 0; i < AGENT_ADDINGS; i++) {
        if (agent->addings[i] != NULL && uuid_equal(&agent->addings[i]->row.id, id)) {
            adding_free(agent->addings[i]);
            agent->addings[i] = NULL;
        }
    }
}

static struct adding *adding_find(struct agent *agent, const struct uuid *id)
{
    for (size_t i = 0; i < AGENT_ADDINGS; i++) {
        if (agent->addings[i] != NULL && uuid_equal(&agent->addings[i]->row.id, id)) {
            return agent->addings[i];
        }
    }
    return NULL;
}

static enum err adding_new(struct agent *agent, const struct adding_row *row,
                           struct adding **ret_adding)
{
    struct adding *adding = calloc(1, sizeof(*adding));
    size_t place = 0;
    enum err error;

    if (adding == NULL) {
        return ERR_MEMORY;
    }
    adding->row = *row;
    buf_init(&adding->held, ATTACHMENT_CHUNK_BYTES);
    attachment_scan_begin(&adding->scan, row->type);
    error = attachment_cipher_init(row->key, row->plain_bytes, &adding->cipher);
    if (error != OK) {
        adding_free(adding);
        return ERR_CORRUPT;
    }
    for (size_t i = 1; i < AGENT_ADDINGS && agent->addings[place] != NULL; i++) {
        if (agent->addings[i] == NULL || agent->addings[i]->used < agent->addings[place]->used) {
            place = i;
        }
    }
    adding_free(agent->addings[place]);
    agent->addings[place] = adding;
    *ret_adding = adding;
    return OK;
}

/* One chunk of an earlier run is opened again: the check of the content needs its bytes. */
static enum err replay_chunk(struct agent *agent, struct adding *adding, const char *part)
{
    struct attachment_place place = attachment_chunk(&adding->cipher, adding->chunks);
    struct buf sealed, plain;
    enum err error;

    buf_init(&sealed, place.sealed_bytes);
    buf_init(&plain, ATTACHMENT_CHUNK_BYTES);
    error =
        blobs_part_read(agent->setup.blobs, part, place.sealed_offset, place.sealed_bytes, &sealed);
    if (error == OK) {
        error = attachment_chunk_open(&adding->cipher, adding->chunks, span_buf(&sealed), &plain);
    }
    if (error == OK) {
        attachment_scan_add(&adding->scan, span_buf(&plain));
        adding->chunks++;
    }
    if (plain.data != NULL) {
        crypto_wipe(plain.data, plain.cap);
    }
    buf_free(&sealed);
    buf_free(&plain);
    return error;
}

/* What lies in the part of an earlier run; one that does not end with a chunk, or does not open,
 * is begun anew. */
static enum err replay(struct agent *agent, struct adding *adding)
{
    char part[PART_BYTES];
    uint64_t bytes = 0;
    uint64_t end = 0;
    enum err error;

    part_name(&adding->row.id, part);
    error = blobs_part_bytes(agent->setup.blobs, part, &bytes);
    while (error == OK && adding->chunks < adding->cipher.chunk_count && end < bytes) {
        struct attachment_place place = attachment_chunk(&adding->cipher, adding->chunks);

        end = place.sealed_offset + place.sealed_bytes;
        error = end <= bytes ? replay_chunk(agent, adding, part) : ERR_FORGED;
    }
    if (error == ERR_FORGED || (error == OK && end != bytes)) {
        adding->chunks = 0;
        attachment_scan_begin(&adding->scan, adding->row.type);
        error = blobs_part_discard(agent->setup.blobs, part);
    }
    return error;
}

static enum err adding_load(struct agent *agent, const struct uuid *id, struct adding **ret_adding,
                            struct fault *fault)
{
    struct adding *adding = adding_find(agent, id);
    struct adding_row row;
    struct store_txn *read;
    enum err error = OK;

    if (adding == NULL) {
        error = store_read_begin(agent->setup.store, &read);
        if (error == OK) {
            error = adding_row_get(read, id, &row);
            store_read_end(read);
        }
        if (error == ERR_NOT_FOUND) {
            return refuse(fault, error, "attachment.unknown", "no such upload is under way");
        }
        if (error == OK) {
            error = adding_new(agent, &row, &adding);
        }
        crypto_wipe(&row, sizeof(row));
        if (error == OK) {
            error = replay(agent, adding);
        }
    }
    if (error == OK) {
        adding->used = ++agent->addings_used;
        *ret_adding = adding;
    } else {
        adding_forget(agent, id);
    }
    return error;
}

static uint64_t have_of(const struct adding *adding)
{
    return adding->chunks == adding->cipher.chunk_count
               ? adding->cipher.plain_bytes
               : adding->chunks * ATTACHMENT_CHUNK_BYTES + adding->held.len;
}

/* --- beginning --- */

static enum err check_declared(struct agent *agent, const struct attachment_declared *declared,
                               uint32_t *ret_type, struct fault *fault)
{
    uint32_t of_name;

    if (agent->setup.blobs == NULL) {
        return refuse(fault, ERR_REFUSED, "attachment.none", "this agent keeps no attachments");
    }
    if (!attachment_name_valid(declared->name)) {
        return refuse(fault, ERR_INVALID, "attachment.name",
                      "expected a file's name of 1 to 200 bytes without slashes, control "
                      "characters or a dot in front");
    }
    of_name = attachment_type_of_name(declared->name);
    *ret_type = declared->type != 0 ? declared->type : of_name;
    if (of_name == 0 || *ret_type != of_name) {
        return refuse(fault, ERR_INVALID, "attachment.type",
                      "expected a name that ends as its type does: .pdf .jpg .png .ofd .docx .xlsx "
                      ".zip .txt");
    }
    if (declared->plain_bytes == 0) {
        return refuse(fault, ERR_INVALID, "attachment.empty", "the file is empty");
    }
    if (declared->plain_bytes > LIMIT_ATTACHMENT_BYTES) {
        return refuse(fault, ERR_TOO_LARGE, "attachment.too-large",
                      "an attachment has at most 20 MiB (20971520 bytes)");
    }
    if (!blobs_accept(agent->setup.blobs) || !store_accepts(agent->setup.store)) {
        refuse(fault, ERR_FULL, "attachment.full", "the disk of this agent is nearly full");
        fault_hint(fault, "the administrator must make room");
        return ERR_FULL;
    }
    return OK;
}

static enum err put_adding(struct agent *agent, const struct adding_row *row)
{
    struct store_txn *txn;
    enum err error = store_begin(agent->setup.store, &txn);

    if (error != OK) {
        return error;
    }
    error = adding_row_put(txn, row);
    if (error != OK) {
        store_abort(txn);
        return error;
    }
    return store_commit(txn);
}

enum err attachments_begin(struct agent *agent, const struct attachment_declared *declared,
                           struct uuid *ret_upload, struct fault *fault)
{
    struct adding_row row = {.plain_bytes = declared->plain_bytes, .at_ms = agent_wall_ms(agent)};
    struct adding *adding = NULL;
    enum err error = check_declared(agent, declared, &row.type, fault);

    if (error != OK) {
        return error;
    }
    row.id = agent_new_id(agent);
    text_copy(row.name, sizeof(row.name), declared->name);
    agent->setup.ops->random(agent->setup.ctx, row.key, sizeof(row.key));
    error = put_adding(agent, &row);
    if (error == OK) {
        error = adding_new(agent, &row, &adding);
    }
    if (error == OK) {
        adding->used = ++agent->addings_used;
        *ret_upload = row.id;
    }
    crypto_wipe(&row, sizeof(row));
    return error;
}

/* --- going on --- */

/* Takes bytes in; whole chunks are sealed into `sealed`. */
static enum err take_in(struct adding *adding, struct span bytes, uint64_t *chunks,
                        struct buf *sealed)
{
    enum err error = OK;

    if (*chunks == 0 && adding->held.len == 0) {
        attachment_scan_begin(&adding->scan, adding->row.type);
    }
    while (error == OK && bytes.len > 0) {
        size_t wants = attachment_chunk(&adding->cipher, *chunks).plain_bytes - adding->held.len;
        size_t takes = bytes.len < wants ? bytes.len : wants;

        attachment_scan_add(&adding->scan, span_of(bytes.data, takes));
        error = buf_append(&adding->held, bytes.data, takes);
        bytes = span_of(bytes.data + takes, bytes.len - takes);
        if (error != OK || takes < wants) {
            return error;
        }
        if (*chunks == 0) {
            error = buf_append(sealed, adding->cipher.commitment, ATTACHMENT_COMMITMENT_BYTES);
        }
        if (error == OK) {
            error =
                attachment_chunk_seal(&adding->cipher, *chunks, span_buf(&adding->held), sealed);
        }
        crypto_wipe(adding->held.data, adding->held.len);
        buf_clear(&adding->held);
        (*chunks)++;
    }
    return error;
}

static enum err append(struct agent *agent, struct adding *adding, struct span bytes)
{
    struct attachment_place at = {.sealed_offset = 0};
    uint64_t chunks = adding->chunks;
    char part[PART_BYTES];
    struct buf sealed;
    enum err error;

    if (chunks > 0 && chunks < adding->cipher.chunk_count) {
        at = attachment_chunk(&adding->cipher, chunks);
    }
    buf_init(&sealed, ATTACHMENT_SEALED_MAX);
    part_name(&adding->row.id, part);
    error = take_in(adding, bytes, &chunks, &sealed);
    if (error == OK && sealed.len > 0) {
        error = blobs_part_append(agent->setup.blobs, part, at.sealed_offset, span_buf(&sealed));
    }
    if (error == OK) {
        adding->chunks = chunks;
    }
    buf_free(&sealed);
    return error;
}

static enum err put_attached(struct agent *agent, const struct adding *adding,
                             const struct digest *digest, struct attachment *ret_attachment)
{
    struct attachment_row row = {
        .shown = {.digest = *digest,
                  .state = ATTACHMENT_ATTACHED,
                  .type = adding->row.type,
                  .plain_bytes = adding->row.plain_bytes,
                  .sealed_bytes = attachment_sealed_bytes(adding->row.plain_bytes),
                  .at_ms = agent_wall_ms(agent)},
        .since_ms = agent_wall_ms(agent)};
    const struct ended_row ended = {
        .id = adding->row.id, .at_ms = row.shown.at_ms, .digest = *digest};
    struct store_txn *txn;
    enum err error = store_begin(agent->setup.store, &txn);

    if (error != OK) {
        return error;
    }
    text_copy(row.shown.name, sizeof(row.shown.name), adding->row.name);
    memcpy(row.key, adding->row.key, sizeof(row.key));
    error = attachment_row_put(txn, &row);
    if (error == OK) {
        error = attachment_secret_put(txn, &row, &(struct uuid){{0}});
    }
    if (error == OK) {
        error = adding_row_remove(txn, &adding->row.id);
    }
    if (error == OK) {
        error = ended_row_put(txn, &ended);
    }
    if (error == OK) {
        error = store_commit(txn);
    } else {
        store_abort(txn);
    }
    *ret_attachment = row.shown;
    crypto_wipe(&row, sizeof(row));
    return error;
}

/* All bytes are in: checked, named by its digest, in the store; and out of memory. */
static enum err finish(struct agent *agent, struct adding *adding,
                       struct attachment_progress *progress, struct fault *fault)
{
    struct uuid id = adding->row.id;
    struct digest digest;
    char part[PART_BYTES];
    enum err error;

    if (!attachment_scan_fits(&adding->scan)) {
        error = attachments_cancel(agent, &id);
        return error != OK ? error
                           : refuse(fault, ERR_INVALID, "attachment.type",
                                    "the file is not of the type that its name says");
    }
    part_name(&id, part);
    error = blobs_part_finish(agent->setup.blobs, part, NULL, &digest);
    if (error == OK) {
        error = put_attached(agent, adding, &digest, &progress->attachment);
    }
    if (error == OK) {
        progress->complete = true;
        adding_forget(agent, &id);
        error = blobs_part_discard(agent->setup.blobs, part);
    }
    return error;
}

/* The answer to its last bytes was lost: it is given again. ERR_NOT_FOUND: has not ended. */
static enum err find_ended(struct agent *agent, const struct uuid *upload,
                           struct attachment_progress *ret_progress)
{
    struct attachment_row row;
    struct ended_row ended;
    struct store_txn *read;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = ended_row_get(read, upload, &ended);
    if (error == OK) {
        error = attachment_row_get(read, &ended.digest, &row);
    }
    store_read_end(read);
    if (error == OK) {
        *ret_progress = (struct attachment_progress){
            .have = row.shown.plain_bytes, .complete = true, .attachment = row.shown};
        crypto_wipe(&row, sizeof(row));
    }
    return error;
}

enum err attachments_append(struct agent *agent, const struct attachment_piece *piece,
                            struct attachment_progress *ret_progress, struct fault *fault)
{
    struct attachment_progress progress = {.complete = false};
    struct adding *adding;
    enum err error = find_ended(agent, &piece->upload, ret_progress);

    if (error != ERR_NOT_FOUND) {
        return error;
    }
    error = adding_load(agent, &piece->upload, &adding, fault);
    if (error != OK) {
        return error;
    }
    progress.have = have_of(adding);
    if (piece->offset != progress.have ||
        piece->bytes.len > adding->cipher.plain_bytes - progress.have) {
        return refuse(fault, ERR_INVALID, "attachment.offset",
                      "expected the bytes behind those that are here, and no more than announced");
    }
    error = append(agent, adding, piece->bytes);
    if (error == ERR_FULL) {
        refuse(fault, error, "attachment.full", "the disk of this agent is full");
    }
    if (error != OK) {
        adding_forget(agent, &piece->upload); /* what is durable is read again */
        return error;
    }
    if (adding->scan.wrong) {
        error = attachments_cancel(agent, &piece->upload);
        return error != OK ? error
                           : refuse(fault, ERR_INVALID, "attachment.type",
                                    "the file is not of the type that its name says");
    }
    progress.have = have_of(adding);
    if (progress.have == adding->cipher.plain_bytes) {
        error = finish(agent, adding, &progress, fault);
    }
    if (error == OK) {
        *ret_progress = progress;
    }
    return error;
}

enum err attachments_progress(struct agent *agent, const struct uuid *upload,
                              struct attachment_progress *ret_progress, struct fault *fault)
{
    struct attachment_progress progress = {.complete = false};
    struct adding *adding;
    enum err error = find_ended(agent, upload, ret_progress);

    if (error != ERR_NOT_FOUND) {
        return error;
    }
    error = adding_load(agent, upload, &adding, fault);
    if (error != OK) {
        return error;
    }
    progress.have = have_of(adding);
    if (progress.have == adding->cipher.plain_bytes) { /* it ended between file and row */
        error = finish(agent, adding, &progress, fault);
    }
    if (error == OK) {
        *ret_progress = progress;
    }
    return error;
}

enum err attachments_cancel(struct agent *agent, const struct uuid *upload)
{
    char part[PART_BYTES];
    struct store_txn *txn;
    enum err error = store_begin(agent->setup.store, &txn);

    adding_forget(agent, upload);
    if (error != OK) {
        return error;
    }
    error = adding_row_remove(txn, upload);
    if (error == OK || error == ERR_NOT_FOUND) {
        error = store_commit(txn);
    } else {
        store_abort(txn);
    }
    part_name(upload, part);
    return error == OK ? blobs_part_discard(agent->setup.blobs, part) : error;
}

enum err attachments_add(struct agent *agent, const struct attachment_declared *declared,
                         struct span bytes, struct attachment *ret_attachment, struct fault *fault)
{
    const struct attachment_declared whole = {
        .name = declared->name, .type = declared->type, .plain_bytes = bytes.len};
    struct attachment_piece piece = {.bytes = bytes};
    struct attachment_progress progress;
    enum err error = attachments_begin(agent, &whole, &piece.upload, fault);

    if (error == OK) {
        error = attachments_append(agent, &piece, &progress, fault);
    }
    if (error == OK) {
        assert(progress.complete);
        *ret_attachment = progress.attachment;
    }
    return error;
}

/* --- looking --- */

static enum err row_of(struct agent *agent, const struct digest *digest,
                       struct attachment_row *ret_row, struct fault *fault)
{
    struct store_txn *read;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = attachment_row_get(read, digest, ret_row);
    store_read_end(read);
    if (error == ERR_NOT_FOUND) {
        return refuse(fault, error, "attachment.unknown",
                      "this agency neither attached nor was sent anything of this digest");
    }
    return error;
}

enum err attachments_find(struct agent *agent, const struct digest *digest,
                          struct attachment *ret_attachment, struct fault *fault)
{
    struct attachment_row row;
    enum err error = row_of(agent, digest, &row, fault);

    if (error == OK) {
        *ret_attachment = row.shown;
        crypto_wipe(&row, sizeof(row));
    }
    return error;
}

static enum err list_of_row(struct store_txn *read, uint64_t seq,
                            struct attachment list[LIMIT_MATERIALS], size_t *count)
{
    uint32_t material = 0;
    struct digest digest;
    enum err error = attachment_link_next(read, seq, &material, &digest);

    while (error == OK && *count < LIMIT_MATERIALS) {
        struct attachment_row row;

        error = attachment_row_get(read, &digest, &row);
        if (error == OK) {
            list[*count] = row.shown;
            list[*count].material = material - 1;
            (*count)++;
            crypto_wipe(&row, sizeof(row));
            error = attachment_link_next(read, seq, &material, &digest);
        }
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err attachments_of(struct agent *agent, const struct uuid *message_id,
                        struct attachment ret_list[LIMIT_MATERIALS], size_t *ret_count)
{
    struct store_txn *read;
    struct row row;
    size_t count = 0;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error != OK) {
        return error;
    }
    error = row_find(read, message_id, &row);
    if (error == OK) {
        error = list_of_row(read, row.seq, ret_list, &count);
    }
    store_read_end(read);
    *ret_count = count;
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err attachments_keep(struct agent *agent, const struct digest *digest)
{
    struct attachment_row row;
    struct store_txn *txn;
    enum err error = store_begin(agent->setup.store, &txn);

    if (error != OK) {
        return error;
    }
    error = attachment_row_get(txn, digest, &row);
    if (error == OK && row.shown.state == ATTACHMENT_ATTACHED && row.since_ms != 0 &&
        row.since_ms + KEEP_AGAIN_MS <= agent_wall_ms(agent)) {
        row.since_ms = agent_wall_ms(agent);
        error = attachment_row_put(txn, &row);
        crypto_wipe(&row, sizeof(row));
        if (error == OK) {
            return store_commit(txn);
        }
    }
    store_abort(txn);
    crypto_wipe(&row, sizeof(row));
    return error == ERR_NOT_FOUND ? OK : error;
}

/* --- opening --- */

static enum err check_openable(const struct attachment_row *row, struct fault *fault)
{
    switch (row->shown.state) {
    case ATTACHMENT_ATTACHED:
    case ATTACHMENT_HERE:
        return OK;
    case ATTACHMENT_ON_THE_WAY:
        return refuse(fault, ERR_NOT_FOUND, "attachment.not-here", "it is still on the way");
    case ATTACHMENT_ERASED:
        return refuse(fault, ERR_NOT_FOUND, "attachment.erased", "its case was erased by order");
    default:
        return refuse(fault, ERR_FORGED, "attachment.damaged",
                      "its sealed bytes do not open: ask its sender to attach it anew");
    }
}

/* The part of one chunk that was asked for. */
static enum err open_chunk(struct agent *agent, const struct attachment_cipher *cipher,
                           const struct digest *digest, uint64_t offset, struct buf *plain)
{
    struct attachment_place place = attachment_chunk(cipher, offset / ATTACHMENT_CHUNK_BYTES);
    struct buf sealed;
    enum err error;

    buf_init(&sealed, place.sealed_bytes);
    error =
        blobs_read(agent->setup.blobs, digest, place.sealed_offset, place.sealed_bytes, &sealed);
    if (error == OK) {
        error = attachment_chunk_open(cipher, offset / ATTACHMENT_CHUNK_BYTES, span_buf(&sealed),
                                      plain);
    }
    buf_free(&sealed);
    return error == ERR_NOT_FOUND ? ERR_FORGED : error; /* its file is gone */
}

static enum err open_range(struct agent *agent, const struct attachment_row *row,
                           struct attachment_range range, struct buf *out)
{
    uint64_t offset = range.offset;
    uint64_t left = row->shown.plain_bytes - offset;
    uint64_t end = left < range.max ? row->shown.plain_bytes : offset + range.max;
    struct attachment_cipher cipher;
    struct buf plain;
    enum err error = attachment_cipher_init(row->key, row->shown.plain_bytes, &cipher);

    buf_init(&plain, ATTACHMENT_CHUNK_BYTES);
    while (error == OK && offset < end) {
        size_t from = (size_t)(offset % ATTACHMENT_CHUNK_BYTES);
        size_t len;

        buf_clear(&plain);
        error = open_chunk(agent, &cipher, &row->shown.digest, offset, &plain);
        if (error == OK) {
            len = plain.len - from < end - offset ? plain.len - from : (size_t)(end - offset);
            error = buf_append(out, plain.data + from, len);
            offset += len;
        }
    }
    if (plain.data != NULL) {
        crypto_wipe(plain.data, plain.cap);
    }
    buf_free(&plain);
    crypto_wipe(&cipher, sizeof(cipher));
    return error;
}

enum err attachments_open_part(struct agent *agent, const struct digest *digest,
                               struct attachment_range range, struct buf *out, struct fault *fault)
{
    struct attachment_row row;
    size_t start = out->len;
    enum err error = row_of(agent, digest, &row, fault);

    if (error == OK) {
        error = check_openable(&row, fault);
    }
    if (error == OK && range.offset < row.shown.plain_bytes) {
        error = open_range(agent, &row, range, out);
        if (error == ERR_FORGED) {
            refuse(fault, error, "attachment.damaged",
                   "its file is gone or is not what it was: restore the folder of the attachments");
        }
    }
    crypto_wipe(&row, sizeof(row));
    if (error != OK && out->len > start) {
        crypto_wipe(out->data + start, out->len - start);
        out->len = start;
    }
    return error;
}

enum err attachments_open(struct agent *agent, const struct digest *digest, struct buf *out,
                          struct fault *fault)
{
    return attachments_open_part(
        agent, digest, (struct attachment_range){.max = LIMIT_ATTACHMENT_BYTES}, out, fault);
}
