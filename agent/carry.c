/* Attachments on their way: what a waiting message names goes to the broker before the message,
 * what a received one names is fetched behind it, one piece at a time in a slot of its own.
 *
 * Both ends know how far they are (the broker answers what it has, the part here has its length),
 * so that a break on either side costs a piece at the most. That the broker has a blob whole is
 * remembered for a day only: it forgets what no message refers to, and asking again is cheap. */
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/attachment_rows.h"
#include "agent/secrets.h"
#include "agent/compose_parts.h"
#include "base/log.h"
#include "model/refusal.h"
#include "store/blobs.h"
#include "wire/attachment_seal.h"

#define CONFIRMED_MS   UINT64_C(86400000)
#define FETCH_AGAIN_MS UINT64_C(600000) /* after what came was not what it should be */
#define NO_ROOM_MS     60000u
#define STUCK_MS       1000u
#define PART_BYTES     (4u + DIGEST_TEXT_BYTES)

static void part_name(const struct digest *digest, char out[PART_BYTES])
{
    char hex[DIGEST_TEXT_BYTES];

    digest_format(digest, hex);
    (void)snprintf(out, PART_BYTES, "get-%s", hex);
}

/* --- what is seen by people --- */

/* Told once for each digest, and again after a restart. */
static enum err alarm(struct agent *agent, struct store_txn *txn, const struct digest *digest,
                      const char *what)
{
    struct carry *carry = &agent->carry;
    char hex[DIGEST_TEXT_BYTES];

    if (carry->alarm[0] != '\0' && digest_equal(&carry->alarm_digest, digest)) {
        return OK;
    }
    digest_format(digest, hex);
    (void)snprintf(carry->alarm, sizeof(carry->alarm), "attachment %s: %s", hex, what);
    carry->alarm_digest = *digest;
    log_event(EVENT_ALARM, "%s", carry->alarm);
    events_add(agent, "alarm", NULL, NULL);
    return notify_add(agent, txn, NULL, NULL);
}

static void calm(struct agent *agent, const struct digest *digest)
{
    if (digest_equal(&agent->carry.alarm_digest, digest)) {
        agent->carry.alarm[0] = '\0';
    }
}

/* --- composing --- */

/* What opens one file that the facts name, and its size. */
static enum err fill_one(struct making *making, const struct blob_ref *ref,
                         struct body_attachment *ret_attachment, uint64_t *ret_sealed_bytes,
                         bool *ret_there)
{
    struct attachment_row row;
    struct body_attachment *to = ret_attachment;
    size_t name_bytes;
    char place[64], *name;
    enum err error = attachment_row_get(making->txn, &ref->digest, &row);

    *ret_there = error == OK && row.shown.state == ATTACHMENT_ATTACHED;
    if (error != OK && error != ERR_NOT_FOUND) {
        return error;
    }
    if (!*ret_there && !making->agent->setup.policy->attachments_required) {
        return OK;
    }
    (void)snprintf(place, sizeof(place), "%s[%zu].digest",
                   message_blob_list(making->draft->message.header.kind), ref->material);
    if (!*ret_there) {
        fault_set(making->fault, "attachment.unknown", place,
                  "this agency has not attached such a file");
        fault_hint(making->fault, "`referralctl agent attach FILE` prints the digest to put here");
        return ERR_INVALID;
    }
    name_bytes = strlen(row.shown.name) + 1;
    name = region_take(making->composing->region, name_bytes);
    if (name == NULL) {
        return ERR_MEMORY;
    }
    memcpy(name, row.shown.name, name_bytes);
    *to = (struct body_attachment){.material = (uint32_t)ref->material,
                                   .name = name,
                                   .type = row.shown.type,
                                   .plain_bytes = row.shown.plain_bytes};
    memcpy(to->key, row.key, sizeof(to->key));
    *ret_sealed_bytes = row.shown.sealed_bytes;
    crypto_wipe(&row, sizeof(row));
    return OK;
}

static bool is_referral(const struct message *message)
{
    return message->header.kind == MESSAGE_OUTBOUND_REFERRAL ||
           message->header.kind == MESSAGE_INBOUND_REFERRAL;
}

/* The lists as they may be written to: what was read is borrowed as const. */
struct filling {
    struct material *materials; /* of a referral */
    struct attached *attached;  /* of any other */
    struct body_attachment *opens;
};

static bool take_lists(struct region *region, struct message *message, struct filling *ret_filling)
{
    size_t materials = is_referral(message) ? message->referral.material_count : 0;
    struct filling filling = {
        .materials = region_take(region, (materials + 1) * sizeof(*filling.materials)),
        .attached =
            region_take(region, (message->attachment_count + 1) * sizeof(*filling.attached)),
        .opens = region_take(region,
                             (materials + message->attachment_count + 1) * sizeof(*filling.opens))};

    if (filling.materials == NULL || filling.attached == NULL || filling.opens == NULL) {
        return false;
    }
    if (materials > 0) {
        memcpy(filling.materials, message->referral.materials,
               materials * sizeof(*filling.materials));
        message->referral.materials = filling.materials;
    }
    if (message->attachment_count > 0) {
        memcpy(filling.attached, message->attachments,
               message->attachment_count * sizeof(*filling.attached));
        message->attachments = filling.attached;
    }
    *ret_filling = filling;
    return true;
}

/* Its size, where the file left it out. */
static void fill_size(const struct filling *filling, const struct message *message,
                      const struct blob_ref *ref, uint64_t sealed_bytes)
{
    uint64_t *size = is_referral(message) ? &filling->materials[ref->material].sealed_bytes
                                          : &filling->attached[ref->material].sealed_bytes;

    if (*size == 0) {
        *size = sealed_bytes;
    }
}

enum err carry_fill(struct making *making)
{
    struct message *message = &making->draft->message;
    struct body *body = &making->draft->body;
    struct filling filling;
    struct blob_ref ref;
    size_t at = 0;
    enum err error = OK;

    if (!take_lists(making->composing->region, message, &filling)) {
        return ERR_MEMORY;
    }
    body->attachments = filling.opens;
    body->attachment_count = 0;
    while (error == OK && message_blob_next(message, &at, &ref)) {
        uint64_t sealed_bytes = 0;
        bool there = false;

        error =
            fill_one(making, &ref, &filling.opens[body->attachment_count], &sealed_bytes, &there);
        if (error == OK && there) {
            fill_size(&filling, message, &ref, sealed_bytes);
            body->attachment_count++;
        }
    }
    return error;
}

/* The row of a message that was made names what was attached for it. */
enum err carry_link(struct store_txn *txn, uint64_t seq, const struct message *message)
{
    const struct uuid owner = secret_owner(&message->header);
    struct blob_ref ref;
    size_t at = 0;
    enum err error = OK;

    while (error == OK && message_blob_next(message, &at, &ref)) {
        struct attachment_row row;

        error = attachment_row_get(txn, &ref.digest, &row);
        if (error == OK) {
            error = attachment_link_put(txn, seq, (uint32_t)ref.material, &ref.digest);
        }
        if (error == OK && row.shown.state == ATTACHMENT_ATTACHED && row.since_ms != 0) {
            row.since_ms = 0; /* from now on it is kept as the message is */
            error = attachment_row_put(txn, &row);
        }
        if (error == OK && row.shown.state != ATTACHMENT_ERASED) {
            error = attachment_secret_put(txn, &row, &owner);
        }
        crypto_wipe(&row, sizeof(row));
        error = error == ERR_NOT_FOUND ? OK : error; /* stands for something on paper */
    }
    return error;
}

/* --- does a message wait for its attachments? --- */

static bool is_confirmed(const struct agent *agent, const struct digest *digest)
{
    const struct carry *carry = &agent->carry;
    uint64_t now_ms = agent_machine_ms(agent);

    for (size_t i = 0; i < CARRY_CONFIRMED; i++) {
        if (carry->confirmed[i].until_ms > now_ms &&
            digest_equal(&carry->confirmed[i].digest, digest)) {
            return true;
        }
    }
    return false;
}

static void confirm(struct agent *agent, const struct digest *digest)
{
    struct carry *carry = &agent->carry;

    carry->confirmed[carry->confirmed_next].digest = *digest;
    carry->confirmed[carry->confirmed_next].until_ms = agent_machine_ms(agent) + CONFIRMED_MS;
    carry->confirmed_next = (carry->confirmed_next + 1) % CARRY_CONFIRMED;
    carry->uploads = false;
    agent->submits_wait = true;
}

enum err carry_holds(struct agent *agent, struct store_txn *read, uint64_t seq, bool *ret_holds)
{
    struct carry *carry = &agent->carry;
    uint32_t material = 0;
    struct digest digest;
    enum err error = OK;

    *ret_holds = false;
    while (error == OK && !*ret_holds && agent->setup.blobs != NULL) {
        struct attachment_row row;

        error = attachment_link_next(read, seq, &material, &digest);
        if (error == OK) {
            error = attachment_row_get(read, &digest, &row);
        }
        if (error != OK) {
            break;
        }
        *ret_holds = row.shown.state == ATTACHMENT_ATTACHED && !is_confirmed(agent, &digest);
        if (*ret_holds && !carry->uploads) {
            carry->uploads = true;
            carry->upload = digest;
            carry->upload_bytes = row.shown.sealed_bytes;
            carry->upload_asked = false;
            carry->upload_have = 0;
        }
        crypto_wipe(&row, sizeof(row));
    }
    return error == ERR_NOT_FOUND ? OK : error;
}

/* --- what a message that came names --- */

static enum err expect_one(struct agent *agent, struct store_txn *txn,
                           const struct message *message, const struct body_attachment *attachment,
                           const struct blob_ref *ref)
{
    const struct uuid owner = secret_owner(&message->header);
    struct attachment_row row = {.shown = {.digest = ref->digest,
                                           .state = ATTACHMENT_ON_THE_WAY,
                                           .type = attachment->type,
                                           .plain_bytes = attachment->plain_bytes,
                                           .sealed_bytes = ref->sealed_bytes,
                                           .at_ms = agent_wall_ms(agent)}};
    struct attachment_row old;
    enum err error = attachment_row_get(txn, &ref->digest, &old);

    if (error == OK && old.shown.state != ATTACHMENT_DOES_NOT_OPEN &&
        old.shown.state != ATTACHMENT_ERASED) { /* named before, perhaps in another case */
        error = attachment_secret_put(txn, &old, &owner);
        crypto_wipe(&old, sizeof(old));
        return error;
    }
    if (error == OK || error == ERR_NOT_FOUND) {
        text_copy(row.shown.name, sizeof(row.shown.name), attachment->name);
        memcpy(row.key, attachment->key, sizeof(row.key));
        error = attachment_row_put(txn, &row);
        if (error == OK) {
            error = attachment_secret_put(txn, &row, &owner);
        }
        crypto_wipe(&row, sizeof(row));
        agent->carry.fetches = true;
        agent->carry.fetch_at_ms = 0;
    }
    return error;
}

enum err carry_expect(struct agent *agent, struct store_txn *txn, uint64_t seq,
                      const struct message *message, const struct body *body)
{
    struct blob_ref ref;
    size_t at = 0, done = 0;
    enum err error = OK;

    while (error == OK && done < body->attachment_count && message_blob_next(message, &at, &ref)) {
        if (body->attachments[done].material != ref.material) {
            continue; /* the policy lets it stand for something on paper */
        }
        error = expect_one(agent, txn, message, &body->attachments[done], &ref);
        if (error == OK) {
            error = attachment_link_put(txn, seq, (uint32_t)ref.material, &ref.digest);
        }
        done++;
    }
    return error;
}

/* --- asking --- */

static void wait_for(struct agent *agent, uint64_t wait_ms)
{
    agent->askings[SLOT_BLOB].not_before_ms = agent_machine_ms(agent) + wait_ms;
}

static void ask(struct agent *agent, struct request_head *head)
{
    enum err error = session_ask(agent, SLOT_BLOB, head, NULL);

    if (error != OK) {
        agent_trouble(agent, SLOT_BLOB, error);
    }
}

/* In a transaction of its own: outside of any reply. */
static void give_up(struct agent *agent, const struct digest *digest, const char *what)
{
    struct attachment_row row;
    struct store_txn *txn;
    enum err error = store_begin(agent->setup.store, &txn);

    if (error == OK) {
        error = attachment_row_get(txn, digest, &row);
        if (error == OK) {
            row.shown.state = ATTACHMENT_DOES_NOT_OPEN;
            error = attachment_row_put(txn, &row);
        }
        if (error == OK) {
            error = alarm(agent, txn, digest, what);
        }
        if (error == OK) {
            error = store_commit(txn);
        } else {
            store_abort(txn);
        }
        crypto_wipe(&row, sizeof(row));
    }
    if (error != OK) {
        agent_trouble(agent, SLOT_BLOB, error);
        return;
    }
    events_tell(agent);
    agent->carry.uploads = false;
    agent->submits_wait = true; /* the broker will say of the message what it thinks */
}

static void upload_next(struct agent *agent)
{
    struct carry *carry = &agent->carry;
    struct request_head head = {.kind = REQUEST_BLOB_PUT};
    struct buf data;
    enum err error = OK;

    buf_init(&data, LIMIT_BLOB_CHUNK_BYTES);
    if (carry->upload_asked) {
        error = blobs_read(agent->setup.blobs, &carry->upload, carry->upload_have,
                           LIMIT_BLOB_CHUNK_BYTES, &data);
    }
    if (error == ERR_NOT_FOUND || (error == OK && carry->upload_asked &&
                                   carry->upload_have < carry->upload_bytes && data.len == 0)) {
        give_up(agent, &carry->upload, "its sealed file is gone here: attach it anew");
    } else if (error != OK) {
        agent_trouble(agent, SLOT_BLOB, error);
    } else {
        head.blob_put.digest = carry->upload;
        head.blob_put.size = carry->upload_bytes;
        head.blob_put.offset = carry->upload_have;
        head.blob_put.data = span_buf(&data);
        ask(agent, &head);
    }
    buf_free(&data);
}

/* The next one, whatever it is. */
static enum err look_due(struct agent *agent, struct attachment_row *ret_row)
{
    struct store_txn *read;
    enum err error = store_read_begin(agent->setup.store, &read);

    if (error == OK) {
        error = attachment_row_due(read, ret_row);
        store_read_end(read);
    }
    return error;
}

/* It was on the way when the case was not erased yet, in a copy of the store: nobody opens it. */
static enum err forget_due(struct agent *agent, struct attachment_row *row)
{
    struct store_txn *txn;
    enum err error = store_begin(agent->setup.store, &txn);

    if (error != OK) {
        return error;
    }
    row->shown.state = ATTACHMENT_HERE; /* without a key that is: erased */
    error = attachment_row_put(txn, row);
    if (error != OK) {
        store_abort(txn);
        return error;
    }
    return store_commit(txn);
}

/* ERR_NOT_FOUND: nothing is due. */
static enum err find_due(struct agent *agent, struct attachment_row *ret_row)
{
    struct carry *carry = &agent->carry;
    enum err error = look_due(agent, ret_row);

    while (error == OK && ret_row->shown.state == ATTACHMENT_ERASED) {
        error = forget_due(agent, ret_row);
        if (error == OK) {
            error = look_due(agent, ret_row);
        }
    }
    carry->fetches = error == OK;
    if (error == OK && ret_row->since_ms != 0 && carry->retry_ms > agent_machine_ms(agent)) {
        carry->fetch_at_ms = carry->retry_ms;
        error = ERR_NOT_FOUND;
    }
    return error;
}

static void fetch_next(struct agent *agent)
{
    struct carry *carry = &agent->carry;
    struct request_head head = {.kind = REQUEST_BLOB_GET};
    struct attachment_row row;
    char part[PART_BYTES];
    enum err error = find_due(agent, &row);

    if (error == ERR_NOT_FOUND) {
        return;
    }
    if (error == OK && !blobs_accept(agent->setup.blobs)) {
        log_event(EVENT_ATTACHMENTS_FULL,
                  "the disk of the attachments is nearly full: what is on the way waits at the "
                  "broker");
        wait_for(agent, NO_ROOM_MS);
        return;
    }
    if (error == OK) {
        part_name(&row.shown.digest, part);
        error = blobs_part_bytes(agent->setup.blobs, part, &head.blob_get.offset);
    }
    if (error == OK) {
        head.blob_get.digest = row.shown.digest;
        carry->fetch = row.shown.digest;
        carry->fetch_offset = head.blob_get.offset;
        ask(agent, &head);
    } else {
        agent_trouble(agent, SLOT_BLOB, error);
    }
    crypto_wipe(&row, sizeof(row));
}

void carry_start(struct agent *agent)
{
    struct carry *carry = &agent->carry;
    bool fetch = carry->fetches && carry->fetch_at_ms <= agent_machine_ms(agent);

    if (agent->setup.blobs == NULL) {
        return;
    }
    if (carry->uploads && !(fetch && carry->fetches_turn)) {
        carry->fetches_turn = true;
        upload_next(agent);
    } else if (fetch) {
        carry->fetches_turn = false;
        fetch_next(agent);
    }
}

/* --- answers --- */

static enum err put_replied(struct agent *agent, const struct reply_head *head)
{
    struct carry *carry = &agent->carry;
    bool stuck = carry->upload_asked && head->blob_put.have <= carry->upload_have;

    if (head->blob_put.complete) {
        confirm(agent, &carry->upload);
        return OK;
    }
    if (head->blob_put.have > carry->upload_bytes || stuck) {
        wait_for(agent, STUCK_MS); /* another of this agency's programs, or a broker that forgets */
    }
    carry->upload_have = head->blob_put.have;
    carry->upload_asked = carry->upload_have <= carry->upload_bytes;
    return OK;
}

/* Does what was fetched open with the key of the message that named it? */
static enum err check_opens(struct agent *agent, const struct attachment_row *row)
{
    struct attachment_cipher cipher;
    struct buf sealed, plain;
    enum err error = attachment_cipher_init(row->key, row->shown.plain_bytes, &cipher);

    buf_init(&sealed, ATTACHMENT_SEALED_MAX);
    buf_init(&plain, attachment_filled_bytes(row->shown.plain_bytes));
    if (error == OK) {
        error = blobs_read(agent->setup.blobs, &row->shown.digest, 0,
                           (size_t)row->shown.sealed_bytes, &sealed);
    }
    if (error == OK) {
        error = attachment_open(&cipher, span_buf(&sealed), &plain);
    }
    if (plain.data != NULL) {
        crypto_wipe(plain.data, plain.cap);
    }
    buf_free(&sealed);
    buf_free(&plain);
    crypto_wipe(&cipher, sizeof(cipher));
    return error;
}

static enum err fetched_wrong(struct agent *agent, struct store_txn *txn,
                              struct attachment_row *row, const char *what)
{
    enum err error;

    row->since_ms = agent_wall_ms(agent); /* behind all others */
    agent->carry.retry_ms = agent_machine_ms(agent) + FETCH_AGAIN_MS;
    error = attachment_row_put(txn, row);
    return error == OK ? alarm(agent, txn, &row->shown.digest, what) : error;
}

/* All is there: it has the right digest, and opens. */
static enum err fetched(struct agent *agent, struct store_txn *txn, struct attachment_row *row)
{
    char part[PART_BYTES];
    struct digest digest;
    enum err error;

    part_name(&row->shown.digest, part);
    error = blobs_part_finish(agent->setup.blobs, part, &row->shown.digest, &digest);
    if (error == ERR_FORGED) {
        return fetched_wrong(agent, txn, row,
                             "what the broker delivers has another digest; asking again");
    }
    if (error == OK) {
        error = check_opens(agent, row);
        row->shown.state = error == OK ? ATTACHMENT_HERE : ATTACHMENT_DOES_NOT_OPEN;
    }
    if (error == ERR_FORGED) {
        error = alarm(agent, txn, &row->shown.digest,
                      "its sealed bytes do not open with the key of the message that names it: ask "
                      "its sender to attach it anew");
    } else if (error == OK) {
        calm(agent, &row->shown.digest);
    }
    if (error == OK) {
        error = attachment_row_put(txn, row);
    }
    return error == OK ? blobs_part_discard(agent->setup.blobs, part) : error;
}

static enum err take_piece(struct agent *agent, struct store_txn *txn,
                           const struct reply_head *head, struct attachment_row *row)
{
    uint64_t end = agent->carry.fetch_offset + head->blob_get.data.len;
    char part[PART_BYTES];
    enum err error = OK;

    if (head->blob_get.size != row->shown.sealed_bytes || end > row->shown.sealed_bytes ||
        (head->blob_get.data.len == 0 && end < row->shown.sealed_bytes)) {
        return fetched_wrong(agent, txn, row,
                             "what the broker delivers has another size; asking again");
    }
    part_name(&row->shown.digest, part);
    if (head->blob_get.data.len > 0) {
        error = blobs_part_append(agent->setup.blobs, part, agent->carry.fetch_offset,
                                  head->blob_get.data);
    }
    if (error == ERR_INVALID) {
        return OK; /* another answer was quicker: go on where the part ends */
    }
    return error == OK && end == row->shown.sealed_bytes ? fetched(agent, txn, row) : error;
}

static enum err get_replied(struct agent *agent, struct store_txn *txn,
                            const struct reply_head *head)
{
    struct attachment_row row;
    enum err error = attachment_row_get(txn, &agent->carry.fetch, &row);

    if (error == OK && row.shown.state == ATTACHMENT_ON_THE_WAY) {
        error = take_piece(agent, txn, head, &row);
    }
    crypto_wipe(&row, sizeof(row));
    return error == ERR_NOT_FOUND ? OK : error;
}

enum err carry_replied(struct agent *agent, struct store_txn *txn, const struct opened *opened,
                       struct region *region)
{
    const struct reply_head *head = &opened->reply.head;
    bool put = agent->askings[SLOT_BLOB].kind == REQUEST_BLOB_PUT;

    (void)region;
    if (head->kind != (put ? REPLY_BLOB_PUT : REPLY_BLOB_GET)) {
        agent_alarm(agent, DISTRUST_ANSWER,
                    "the broker answered an attachment with something else");
        return ERR_FORGED;
    }
    return put ? put_replied(agent, head) : get_replied(agent, txn, head);
}

/* Not later, but never: what is asked for as it is. */
void carry_refused(struct agent *agent, enum refusal code)
{
    struct attachment_row row;
    struct store_txn *txn;
    enum err error;

    if (agent->askings[SLOT_BLOB].kind == REQUEST_BLOB_PUT) {
        give_up(agent, &agent->carry.upload,
                code == REFUSAL_BLOB_DIGEST ? "its sealed file is not what it was: attach it anew"
                                            : "the broker does not take its size: attach it anew");
        return;
    }
    error = store_begin(agent->setup.store, &txn);
    if (error == OK) {
        error = attachment_row_get(txn, &agent->carry.fetch, &row);
        if (error == OK) {
            error = fetched_wrong(agent, txn, &row,
                                  "the broker does not have it; asking again from time to time");
        }
        if (error == OK) {
            error = store_commit(txn);
        } else {
            store_abort(txn);
        }
        crypto_wipe(&row, sizeof(row));
    }
    if (error == OK) {
        events_tell(agent);
    } else {
        agent_trouble(agent, SLOT_BLOB, error);
    }
}
