/* Evidence for whoever must judge a referral, a matter or a case without the broker: the messages
 * of it that this agency sent and got, their receipts, and what vouches for the keys and dates in
 * them (docs/evidence-format.md). Read from the store, a piece an answer, so that nothing here
 * grows with the case; `referralctl evidence export` puts the pieces into a file. Bodies stay
 * sealed, unless their keys are asked for. Changes nothing. Loop thread. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/show_parts.h"
#include "model/instant_text.h"
#include "wire/evidence_file.h"
#include "wire/sealing.h"
#include "wire/body_rest.h"

#define PIECE_BYTES (384u * 1024u)
#define PART_BYTES  (REGISTRY_DOCUMENT_BYTES + 4096u)

/* A part is asked for by a number: first those of the city, then statements, then rows. */
enum step {
    STEP_ABOUT,
    STEP_REGISTRY, /* signed */
    STEP_KEYS,     /* where the registry is not signed */
    STEP_CALENDAR,
    STEP_POLICY,
    STEP_CHECKPOINT,
    STEP_STATEMENTS, /* and one for each */
};
#define STEP_VERSIONS (UINT64_C(1) << 15) /* and two for each kept one: the document, its leaf */
#define STEP_COSIGNED (UINT64_C(1) << 16) /* the checkpoint, and two for each agency */
#define STEP_LINKS    (UINT64_C(1) << 20) /* and two for each link: its proof, its end */
#define STEP_ROWS     (UINT64_C(1) << 32) /* and three for each row: message, receipt, key */
#define ROW_STEPS     3u

struct part {
    char kind[EVIDENCE_WORD_BYTES];
    char name[EVIDENCE_NAME_BYTES];
    struct buf bytes; /* owned */
};

struct asked {
    struct agent *agent;
    struct store_txn *read;
    struct case_key key; /* what is exported; no referral id: the whole case */
    const char *number;  /* as it was asked for */
    bool bodies;
    uint64_t step, offset;
    struct part part;
};

static void name_part(struct part *part, const char *kind, const char *name)
{
    text_copy(part->kind, sizeof(part->kind), kind);
    text_copy(part->name, sizeof(part->name), name);
}

/* --- of the city --- */

static const char *subject_of(const struct asked *asked)
{
    struct span packed;
    struct copy *copy = asked->agent->other;

    if (uuid_is_zero(&asked->key.referral_id)) {
        return "case";
    }
    return cases_get(asked->read, &asked->key, &packed) == OK && copy_unpack(packed, copy) == OK &&
                   copy->of_matter
               ? "matter"
               : "referral";
}

static enum err about(struct asked *asked)
{
    const struct agent_setup *setup = &asked->agent->setup;
    const bool whole = uuid_is_zero(&asked->key.referral_id);
    char id[UUID_TEXT_BYTES], made[INSTANT_TEXT_BYTES];

    uuid_format(whole ? &asked->key.case_id : &asked->key.referral_id, id);
    instant_format(agent_wall_ms(asked->agent), made);
    name_part(&asked->part, "about", "case");
    return buf_printf(&asked->part.bytes,
                      "exporter %s\nsubject %s\nid %s\nasked %s\norigin %s\nbodies %s\nmade %s\n",
                      setup->self->id, subject_of(asked), id, asked->number,
                      keyring_origin(setup->keyring), asked->bodies ? "yes" : "no", made);
}

static void name_version(struct part *part, const char *kind, uint64_t version)
{
    char name[EVIDENCE_NAME_BYTES];

    (void)snprintf(name, sizeof(name), "v%" PRIu64, version);
    name_part(part, kind, name);
}

static enum err signed_registry(struct asked *asked)
{
    const struct registry_document *document = &asked->agent->setup.document;
    struct buf *bytes = &asked->part.bytes;
    enum err error;

    if (document->version == 0) {
        return ERR_NOT_FOUND;
    }
    name_version(&asked->part, "registry", document->version);
    error = buf_append(bytes, document->statement.data, document->statement.len);
    error =
        error == OK ? buf_append(bytes, document->agencies.data, document->agencies.len) : error;
    return error == OK ? buf_append(bytes, document->keys.data, document->keys.len) : error;
}

static enum err plain_keys(struct asked *asked)
{
    const struct span text = keyring_text(asked->agent->setup.keyring);

    if (asked->agent->setup.document.version != 0) {
        return ERR_NOT_FOUND;
    }
    name_part(&asked->part, "keys", "public-keys.yaml");
    return buf_append(&asked->part.bytes, text.data, text.len);
}

static enum err days(struct asked *asked)
{
    enum err error;

    name_part(&asked->part, "calendar", "days");
    error = calendar_write(asked->agent->setup.calendar, &asked->part.bytes);
    return error == ERR_INVALID ? ERR_NOT_FOUND : error; /* the verifier says that it is missing */
}

static enum err policy(struct asked *asked)
{
    const struct span text = asked->agent->setup.policy_text;

    if (text.len == 0) {
        return ERR_NOT_FOUND;
    }
    name_part(&asked->part, "policy", "policy.yaml");
    return buf_append(&asked->part.bytes, text.data, text.len);
}

static enum err newest_checkpoint(struct asked *asked)
{
    name_part(&asked->part, "checkpoint", "newest");
    if (asked->agent->checkpoint.size == 0) {
        return ERR_NOT_FOUND;
    }
    return session_note(asked->agent, &asked->part.bytes);
}

/* ERR_CLOSED: there are no more. */
static enum err statement(struct asked *asked)
{
    const struct key_statements *list = &asked->agent->registry.statements;
    struct recorded_statement one = {.leaf = 0};
    uint64_t left = asked->step - STEP_STATEMENTS;
    size_t at = 0;
    char name[EVIDENCE_NAME_BYTES];
    struct buf text;
    enum err error;

    do {
        if (!key_statements_next(list, &at, &one)) {
            return ERR_CLOSED;
        }
    } while (left-- > 0);
    buf_init(&text, sizeof(name) - 1);
    error = buf_printf(&text, "%" PRIu64, one.leaf);
    if (error == OK) {
        memcpy(name, text.data, text.len);
        name[text.len] = '\0';
        name_part(&asked->part, "statement", name);
        error = buf_append(&asked->part.bytes, one.text.data, one.text.len);
    }
    buf_free(&text);
    return error;
}

/* All that this agency worked by, for the keys and agencies of its messages, and where the log has
 * each. The one in force is here already. ERR_CLOSED: there are no more. */
static enum err version_part(struct asked *asked)
{
    struct registry_version version = {.number = 0};
    const bool leaf = (asked->step - STEP_VERSIONS) % 2 == 1;
    struct span bytes;
    enum err error = ERR_CLOSED;

    for (uint64_t i = 0; i <= (asked->step - STEP_VERSIONS) / 2; i++) {
        error = registry_version_next(asked->read, version.number, &version);
        if (error != OK) {
            return error == ERR_NOT_FOUND ? ERR_CLOSED : error;
        }
    }
    bytes = leaf ? version.receipt : version.document;
    name_version(&asked->part, leaf ? "registry-leaf" : "registry", version.number);
    if (bytes.len == 0 || (!leaf && version.number == asked->agent->setup.document.version)) {
        return ERR_NOT_FOUND;
    }
    return buf_append(&asked->part.bytes, bytes.data, bytes.len);
}

/* --- what connects the receipts --- */

static void name_number(struct part *part, const char *kind, uint64_t from, uint64_t to)
{
    char name[EVIDENCE_NAME_BYTES];

    if (from == to) {
        (void)snprintf(name, sizeof(name), "%" PRIu64, to);
    } else {
        (void)snprintf(name, sizeof(name), "%" PRIu64 "-%" PRIu64, from, to);
    }
    name_part(part, kind, name);
}

/* What stands in a file once is not said again: the same end of several proofs, the same proof. */
static bool end_is_said(const struct agent *agent, size_t index)
{
    const struct links *links = &agent->links;
    const uint64_t size = links->done[index].to.size;
    bool said = agent->cosigned.count > 0 && agent->cosigned.shown.size == size;

    for (size_t i = 0; i < index; i++) {
        said = said || links->done[i].to.size == size;
    }
    return said;
}

static bool proof_is_said(const struct agent *agent, uint64_t from, uint64_t to, size_t before)
{
    const struct cosigned *cosigned = &agent->cosigned;

    for (size_t i = 0; i < before && i < cosigned->count && cosigned->shown.size == to; i++) {
        if (cosigned->each[i].note.seen.size == from) {
            return true;
        }
    }
    return from == to; /* a head that is an end itself needs no proof */
}

static enum err proof_part(struct asked *asked, uint64_t from, uint64_t to, size_t before,
                           struct span path)
{
    name_number(&asked->part, "consistency", from, to);
    return proof_is_said(asked->agent, from, to, before)
               ? ERR_NOT_FOUND
               : buf_append(&asked->part.bytes, path.data, path.len);
}

/* ERR_CLOSED: there are no more. */
static enum err cosigned_part(struct asked *asked)
{
    const struct cosigned *cosigned = &asked->agent->cosigned;
    const uint64_t place = asked->step - STEP_COSIGNED;
    const size_t index = (size_t)(place - (place > 0)) / 2;
    const struct cosigned_one *one;

    if (index >= cosigned->count || cosigned->log != asked->agent->following.log) {
        return ERR_CLOSED;
    }
    one = &cosigned->each[index];
    if (place == 0) {
        name_number(&asked->part, "checkpoint", cosigned->shown.size, cosigned->shown.size);
        return buf_append(&asked->part.bytes, cosigned->note, cosigned->note_bytes);
    }
    if (place % 2 == 1) {
        name_part(&asked->part, "cosignature", one->note.agency);
        return cosigned_note_write(&one->note, &asked->part.bytes);
    }
    return proof_part(asked, one->note.seen.size, cosigned->shown.size, index,
                      span_of(one->path, one->path_count * sizeof(one->path[0])));
}

/* ERR_CLOSED: there are no more. */
static enum err link_part(struct asked *asked)
{
    const struct links *links = &asked->agent->links;
    size_t index = (size_t)(asked->step - STEP_LINKS) / 2;
    const struct link *link;

    if (index >= links->done_count || !uuid_equal(&links->key.case_id, &asked->key.case_id) ||
        !uuid_equal(&links->key.referral_id, &asked->key.referral_id)) {
        return ERR_CLOSED;
    }
    link = &links->done[index];
    if ((asked->step - STEP_LINKS) % 2 == 1) {
        name_number(&asked->part, "checkpoint", link->to.size, link->to.size);
        return end_is_said(asked->agent, index)
                   ? ERR_NOT_FOUND
                   : buf_append(&asked->part.bytes, link->note, link->note_bytes);
    }
    return proof_part(asked, link->from.size, link->to.size, SIZE_MAX,
                      span_of(link->path, link->path_count * sizeof(link->path[0])));
}

/* --- of the messages --- */

/* In the order in which this agency has them. */
enum err evidence_next_row(struct store_txn *read, const struct case_key *key, uint64_t after,
                           struct row *ret_row)
{
    struct case_key part = *key;
    struct span packed;
    struct row row;
    enum err error;

    if (!uuid_is_zero(&key->referral_id)) {
        return row_of_referral(read, &key->referral_id, after, ret_row);
    }
    ret_row->seq = 0;
    error = cases_next(read, &key->case_id, NULL, &part, &packed);
    while (error == OK) {
        error = row_of_referral(read, &part.referral_id, after, &row);
        if (error == OK && (ret_row->seq == 0 || row.seq < ret_row->seq)) {
            *ret_row = row;
        }
        if (error == OK || error == ERR_NOT_FOUND) {
            const struct case_key before = part;

            error = cases_next(read, &key->case_id, &before, &part, &packed);
        }
    }
    return error == ERR_NOT_FOUND && ret_row->seq != 0 ? OK : error;
}

/* Our own messages are kept without a signature of their own: it lies in the broker's log and with
 * those who got them. They are signed anew, as when they are handed back. */
static enum err sign_anew(const struct agent *agent, struct span bytes, struct region *region,
                          struct buf *out)
{
    struct sign_batch signature;
    struct batch_proof proof;
    struct payload payload;
    struct digest digest;
    enum err error = payload_split(bytes, &payload, NULL);

    if (error == OK) {
        digest = message_digest_at_rest(&payload);
        error = sign_batch_make(agent->setup.sign_key, &digest, 1, region, &signature);
    }
    if (error == OK) {
        error = sign_batch_proof(&signature, 0, region, &proof);
    }
    return error == OK ? envelope_encode(bytes, &proof, out) : error;
}

static enum err message(struct asked *asked, const struct row *row)
{
    struct region region;
    struct span bytes;
    enum err error = row_payload(asked->read, row, &bytes);

    if (error != OK || row->direction == ROW_IN) {
        return error == OK ? buf_append(&asked->part.bytes, bytes.data, bytes.len) : error;
    }
    region_init(&region, AGENT_REGION_BYTES);
    error = sign_anew(asked->agent, bytes, &region, &asked->part.bytes);
    region_free(&region);
    return error;
}

static enum err receipt(struct asked *asked, const struct row *row)
{
    struct span bytes;
    enum err error = row_receipt(asked->read, row->seq, &bytes);

    return error == OK ? buf_append(&asked->part.bytes, bytes.data, bytes.len) : error;
}

/* What opens the body, where the message has one and this agency reads it. */
static enum err key(struct asked *asked, const struct row *row)
{
    uint8_t content_key[AEAD_KEY_BYTES];
    struct payload payload;
    struct message shown;
    struct region region;
    enum err error;

    if (!asked->bodies) {
        return ERR_NOT_FOUND;
    }
    region_init(&region, AGENT_REGION_BYTES);
    error = show_open_row(asked->read, row, &region, &payload, &shown);
    if (error == OK && !shown.body_present) {
        error = ERR_NOT_FOUND;
    }
    if (error == OK) {
        error = row_content_key(asked->read, row, content_key);
    }
    if (error == ERR_NOT_FOUND && shown.body_present) { /* of a release that kept none */
        error = body_key(&payload, asked->agent->setup.seal_key, &region, content_key);
    }
    if (error == OK) {
        error = buf_append(&asked->part.bytes, content_key, sizeof(content_key));
    }
    crypto_wipe(content_key, sizeof(content_key));
    region_wipe(&region);
    return error == ERR_MEMORY || error == OK ? error : ERR_NOT_FOUND;
}

static enum err row_part(struct asked *asked, const struct row *row, unsigned which)
{
    static const char *const kinds[ROW_STEPS] = {"message", "receipt", "key"};
    static enum err (*const takes[ROW_STEPS])(struct asked *, const struct row *) = {message,
                                                                                     receipt, key};
    char id[UUID_TEXT_BYTES], name[EVIDENCE_NAME_BYTES];
    struct buf text;
    enum err error;

    uuid_format(&row->header.message_id, id);
    buf_init(&text, sizeof(name) - 1);
    error = buf_printf(&text, "%s-%s", id, row->header.sender);
    if (error == OK) {
        memcpy(name, text.data, text.len);
        name[text.len] = '\0';
        name_part(&asked->part, kinds[which], name);
        error = takes[which](asked, row);
    }
    buf_free(&text);
    return error;
}

/* What waits for the broker is not recorded: it is evidence of nothing yet. ERR_CLOSED: no more. */
static enum err of_rows(struct asked *asked)
{
    uint64_t seq = (asked->step - STEP_ROWS) / ROW_STEPS;
    unsigned which = (unsigned)((asked->step - STEP_ROWS) % ROW_STEPS);
    struct row row;
    enum err error = evidence_next_row(asked->read, &asked->key, seq == 0 ? 0 : seq - 1, &row);

    if (error != OK) {
        return error == ERR_NOT_FOUND ? ERR_CLOSED : error;
    }
    if (row.seq != seq) {
        which = 0;
        asked->step = STEP_ROWS + row.seq * ROW_STEPS;
    }
    if (row.state == ROW_WAITING) {
        asked->step += ROW_STEPS - 1; /* go on behind it */
        return ERR_NOT_FOUND;
    }
    return row_part(asked, &row, which);
}

/* --- one piece --- */

static enum err one_step(struct asked *asked)
{
    static enum err (*const fixed[STEP_STATEMENTS])(struct asked *) = {
        [STEP_ABOUT] = about,     [STEP_REGISTRY] = signed_registry,
        [STEP_KEYS] = plain_keys, [STEP_CALENDAR] = days,
        [STEP_POLICY] = policy,   [STEP_CHECKPOINT] = newest_checkpoint,
    };
    static const struct {
        uint64_t end; /* the step behind the list */
        enum err (*take)(struct asked *);
    } lists[] = {{STEP_VERSIONS, statement},
                 {STEP_COSIGNED, version_part},
                 {STEP_LINKS, cosigned_part},
                 {STEP_ROWS, link_part}};
    enum err error;

    buf_clear(&asked->part.bytes);
    if (asked->step < STEP_STATEMENTS) {
        return fixed[asked->step](asked);
    }
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        if (asked->step >= lists[i].end) {
            continue;
        }
        error = lists[i].take(asked);
        if (error != ERR_CLOSED) {
            return error;
        }
        asked->step = lists[i].end;
    }
    return of_rows(asked);
}

static enum err write_piece(const struct asked *asked, struct json_writer *out)
{
    const struct part *part = &asked->part;
    uint64_t left = asked->offset < part->bytes.len ? part->bytes.len - asked->offset : 0;
    size_t len = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
    bool more = len < left;
    struct buf text;
    enum err error;

    buf_init(&text, LIMIT_LOCAL_LINE_BYTES);
    error = base64_encode(span_of(part->bytes.data + asked->offset, len), &text);
    if (error == OK) {
        error = buf_append(&text, "", 1);
    }
    if (error == OK) {
        named_text(out, "suite", crypto_suite_name(crypto_suite()));
        named_text(out, "kind", part->kind);
        named_text(out, "name", part->name);
        named_text(out, "data", (const char *)text.data);
        named_bool(out, "more", more);
        named_u64(out, "step", more ? asked->step : asked->step + 1);
        named_u64(out, "offset", more ? asked->offset + len : 0);
        named_bool(out, "end", false);
    }
    if (text.data != NULL) {
        crypto_wipe(text.data, text.cap);
    }
    buf_free(&text);
    return error;
}

/* The first part that there is, from the step on. */
static enum err find_and_write(struct asked *asked, struct json_writer *out)
{
    uint64_t from = asked->step;
    enum err error = one_step(asked);

    while (error == ERR_NOT_FOUND) {
        asked->step++;
        error = one_step(asked);
    }
    if (error == ERR_CLOSED) {
        named_bool(out, "end", true);
        return OK;
    }
    asked->offset = asked->step == from ? asked->offset : 0;
    return error == OK ? write_piece(asked, out) : error;
}

static enum err read_asked(const struct json_value *request, struct asked *asked,
                           struct fault *fault)
{
    struct json_value id = json_member(request, "id");
    struct json_value bodies = json_member(request, "bodies");
    struct json_value step = json_member(request, "step");
    struct json_value offset = json_member(request, "offset");
    enum err error = json_get_text(&id, UUID_TEXT_BYTES, &asked->number, fault);

    if (error == OK && !json_absent(&bodies)) {
        error = json_get_bool(&bodies, &asked->bodies, fault);
    }
    if (error == OK && !json_absent(&step)) {
        error = json_get_u64(&step, 0, INT64_MAX, &asked->step, fault);
    }
    if (error == OK && !json_absent(&offset)) {
        error = json_get_u64(&offset, 0, PART_BYTES, &asked->offset, fault);
    }
    return error;
}

enum err answer_evidence(struct agent *agent, const struct json_value *request,
                         struct json_writer *out, struct fault *fault)
{
    struct asked asked = {.agent = agent};
    enum err error = read_asked(request, &asked, fault);

    if (error == OK) {
        error = store_read_begin(agent->setup.store, &asked.read);
    }
    if (error != OK) {
        return error;
    }
    buf_init(&asked.part.bytes, PART_BYTES);
    error = show_find(asked.read, asked.number, "id", &asked.key, fault);
    if (error == OK) {
        error = find_and_write(&asked, out);
    }
    store_read_end(asked.read);
    if (asked.part.bytes.data != NULL) {
        crypto_wipe(asked.part.bytes.data, asked.part.bytes.cap);
    }
    buf_free(&asked.part.bytes);
    return error;
}

/* Begins to connect the receipts of what is exported, or says how far that is. */
enum err answer_evidence_links(struct agent *agent, const struct json_value *request,
                               struct json_writer *out, struct fault *fault)
{
    struct json_value begin = json_member(request, "begin");
    struct asked asked = {.agent = agent};
    bool begins = false;
    enum err error = read_asked(request, &asked, fault);

    if (error == OK && !json_absent(&begin)) {
        error = json_get_bool(&begin, &begins, fault);
    }
    if (error == OK && begins) {
        error = store_read_begin(agent->setup.store, &asked.read);
        if (error == OK) {
            error = show_find(asked.read, asked.number, "id", &asked.key, fault);
            error = error == OK ? links_begin(agent, asked.read, &asked.key) : error;
            store_read_end(asked.read);
        }
    }
    if (error == OK) {
        named_bool(out, "waiting", links_wait(agent) && agent->connected);
        named_u64(out, "linked", agent->links.done_count);
    }
    if (error == OK && begins) {
        agent_pump(agent);
    }
    return error;
}
