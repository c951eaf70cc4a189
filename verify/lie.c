/* How: first whose word the reply is, by a signature over the answer to that very question; then
 * what it says of the log against what the broker had signed before, and against what agencies
 * signed. What is found is proven by the file alone; where nothing is found, the agency's own
 * records must judge. The part that tells it in words is not believed. See dossier.h;
 * docs/protocol.md, "Evidence of a lie". */
#include <inttypes.h>
#include <string.h>

#include "dossier.h"
#include "fields.h"
#include "model/refusal.h"
#include "wire/codec.h"

struct answer { /* of the broker */
    struct dossier *dossier;
    const struct digest *root; /* the pinned fingerprint */
    struct span head_bytes;
    struct batch_proof proof;
    struct digest path[64];
    struct reply_head head;
    struct request_head request;
    bool has_request;
    bool names_believed; /* the request has the root that was believed: it came after that */
    struct tree_head shown, believed; /* size 0: none */
    char shown_origin[LIMIT_ORIGIN_BYTES], believed_origin[LIMIT_ORIGIN_BYTES];
};

/* --- whose keys --- */

static void read_keys(struct dossier *dossier, const struct digest *root)
{
    const struct evidence_part *part = evidence_find(&dossier->evidence, "registry", "registry");
    const struct evidence_part *plain =
        evidence_find(&dossier->evidence, "keys", "public-keys.yaml");
    struct fault fault = {.code = ""};

    if (part == NULL) {
        dossier_lack(dossier, "missing.registry", "registry", "%s", "");
        if (plain != NULL &&
            keyring_load_text("public-keys.yaml", plain->bytes, &dossier->keyring, &fault) != OK) {
            dossier_fail(dossier, "registry.form", "keys", "%s", fault.message);
        }
    } else if (registry_document_open("registry", part->bytes, root, &dossier->document, &fault) !=
                   OK ||
               registry_document_read("registry", &dossier->document, &dossier->registry,
                                      &dossier->keyring, &fault) != OK) {
        dossier_fail(dossier, fault.code, "registry", "%s", "");
    }
    if (dossier->keyring != NULL) {
        text_copy(dossier->origin, sizeof dossier->origin, keyring_origin(dossier->keyring));
    }
}

/* --- whose word --- */

static struct digest digest_of(const char *domain, struct span head)
{
    struct hasher hasher;

    hasher_init(&hasher);
    hasher_add(&hasher, domain, strlen(domain) + 1); /* with its NUL */
    hasher_add(&hasher, head.data, head.len);
    return hasher_end(&hasher);
}

static bool take_field(struct answer *answer, const struct field *field)
{
    struct batch_proof *proof = &answer->proof;

    switch (field->number) {
    case 1:
        proof->suite = (uint32_t)field->value;
        return !field->is_bytes && field->value <= UINT8_MAX;
    case 2:
        if (field->bytes.len == KEY_ID_BYTES) {
            memcpy(proof->key.bytes, field->bytes.data, KEY_ID_BYTES);
        }
        return field->bytes.len == KEY_ID_BYTES;
    case 3:
        proof->index = (uint32_t)field->value;
        return !field->is_bytes && field->value <= UINT32_MAX;
    case 4:
        proof->size = (uint32_t)field->value;
        return !field->is_bytes && field->value <= UINT32_MAX;
    case 5:
        if (field->bytes.len != DIGEST_BYTES || proof->path_count == 63) {
            return false;
        }
        memcpy(answer->path[proof->path_count].bytes, field->bytes.data, DIGEST_BYTES);
        proof->path_count++;
        return true;
    case 6:
        if (field->bytes.len == SIGNATURE_BYTES) {
            memcpy(proof->signature, field->bytes.data, SIGNATURE_BYTES);
        }
        return field->bytes.len == SIGNATURE_BYTES;
    default:
        return false;
    }
}

static bool read_proof(struct answer *answer, struct span bytes)
{
    struct field field;
    enum err error;

    answer->proof.path = answer->path;
    while ((error = fields_next(&bytes, &field)) == OK) {
        if (!take_field(answer, &field)) {
            return false;
        }
    }
    return error == ERR_CLOSED;
}

static bool read_reply(struct answer *answer)
{
    struct dossier *dossier = answer->dossier;
    const struct evidence_part *part = evidence_find(&dossier->evidence, "reply", "reply");
    const struct key_entry *key;
    struct fields fields;
    struct digest digest;

    if (part == NULL) {
        dossier_lack(dossier, "missing.reply", "reply", "%s", "");
        return false;
    }
    if (fields_read(part->bytes, ".bb", &fields) != OK || !read_proof(answer, fields.bytes[2]) ||
        reply_head_decode(fields.bytes[1], &dossier->region, &answer->head, NULL) != OK) {
        dossier_fail(dossier, "lie.reply", "reply", "%s", "");
        return false;
    }
    digest = digest_of("referral.v1.reply", fields.bytes[1]);
    key = dossier_find_key(dossier, BROKER_AGENCY, answer->proof.key);
    if (key == NULL || proof_signed(&answer->proof, &digest, key->public_key) != OK) {
        dossier_fail(dossier, "lie.reply", "reply", "%s", "");
        return false;
    }
    return true;
}

/* Was it an answer to this question? */
static bool read_request(struct answer *answer)
{
    struct dossier *dossier = answer->dossier;
    const struct evidence_part *part = evidence_find(&dossier->evidence, "request", "head");
    struct digest digest;

    if (part == NULL) {
        dossier_lack(dossier, "missing.request", "request", "%s", "");
        return true; /* what the reply says by itself is said all the same */
    }
    digest = digest_of("referral.v1.request", part->bytes);
    if (!digest_equal(&digest, &answer->head.request_digest) ||
        request_head_decode(part->bytes, &dossier->region, &answer->request, NULL) != OK) {
        dossier_fail(dossier, "lie.request", "request", "%s", "");
        return false;
    }
    answer->has_request = true;
    text_copy(dossier->exporter, sizeof dossier->exporter, answer->request.agency);
    return true;
}

/* --- what it says of the log --- */

/* Nobody can name a root before it is there; a size alone anybody can. */
static bool names_root(const struct answer *answer, struct span believed)
{
    const struct request_head *request = &answer->request;

    if (!answer->has_request) {
        return false;
    }
    if (request->kind == REQUEST_HELLO) {
        return span_equal(request->hello.checkpoint, believed);
    }
    return request->kind == REQUEST_WITNESS && request->witness.size == answer->believed.size &&
           digest_equal(&request->witness.root, &answer->believed.root);
}

static bool read_notes(struct answer *answer)
{
    struct dossier *dossier = answer->dossier;
    const struct evidence_part *part = evidence_find(&dossier->evidence, "checkpoint", "believed");

    if (part != NULL &&
        dossier_open_note(dossier, part->bytes, answer->believed_origin, &answer->believed) != OK) {
        dossier_fail(dossier, "checkpoint.signature", "checkpoint believed", "%s", "");
        return false;
    }
    answer->names_believed = part != NULL && names_root(answer, part->bytes);
    if (answer->head.checkpoint.len > 0 &&
        dossier_open_note(dossier, answer->head.checkpoint, answer->shown_origin, &answer->shown) !=
            OK) {
        dossier_prove(dossier, "lie.checkpoint", "reply", "%s", "");
        return false;
    }
    dossier->newest = answer->shown;
    return true;
}

/* Against what it had signed before, of the same log. What anybody can ask for at an honest broker
 * must prove nothing: commits of one millisecond have one time (more of them where its clock was
 * put back), and a refusal, as of a question that names another log, shows no consistency. */
static void judge_log(struct answer *answer)
{
    struct dossier *dossier = answer->dossier;
    const struct proof_head before = {answer->believed.size, answer->believed.root};
    const struct proof_head after = {answer->shown.size, answer->shown.root};
    bool same = strcmp(answer->shown_origin, answer->believed_origin) == 0;

    if (before.size == 0) {
        return;
    }
    if (after.size == 0) {
        if (answer->head.code == 0) {
            dossier_prove(dossier, "lie.back", "reply", "%" PRIu64 ", 0", before.size);
        }
        return;
    }
    if (same && answer->names_believed && answer->head.code == REFUSAL_FACT_INVALID) {
        dossier_prove(dossier, "lie.denied", "reply", "%" PRIu64, before.size);
    }
    if (same && after.size < before.size &&
        (answer->names_believed || answer->shown.time_ms > answer->believed.time_ms)) {
        dossier_prove(dossier, "lie.back", "reply", "%" PRIu64 ", %" PRIu64, before.size,
                      after.size);
    } else if (same && after.size == before.size && !digest_equal(&after.root, &before.root)) {
        dossier_prove(dossier, "lie.split", "reply", "%" PRIu64, after.size);
    } else if (same && after.size > before.size && answer->head.code == 0 && answer->has_request &&
               answer->request.known_size == before.size &&
               proof_extends(&before, &after, answer->head.consistency,
                             answer->head.consistency_count) != OK) {
        dossier_prove(dossier, "lie.split", "reply", "%" PRIu64 ", %" PRIu64, before.size,
                      after.size);
    }
}

/* Against what this agency signed, which the broker itself handed on. */
static void judge_witness(struct answer *answer, const struct cosignature *cosignature)
{
    struct dossier *dossier = answer->dossier;
    const struct key_entry *key =
        dossier_find_key(dossier, cosignature->agency, cosignature->seen.key);
    const struct proof_head seen = {cosignature->seen.size, cosignature->seen.root};
    const struct proof_head shown = {answer->shown.size, answer->shown.root};
    struct witness_read witness = {
        .size = seen.size, .root = seen.root, .key = cosignature->seen.key};

    if (key == NULL) {
        return; /* it counts for nobody */
    }
    text_copy(witness.origin, sizeof witness.origin, answer->shown_origin);
    memcpy(witness.signature, cosignature->seen.signature, SIGNATURE_BYTES);
    if (witness_check(&witness, key->public_key) != OK) {
        dossier_prove(dossier, "lie.witness", "reply", "%s", cosignature->agency);
    } else if (seen.size > shown.size) {
        dossier_prove(dossier, "lie.longer", "reply", "%s, %" PRIu64 ", %" PRIu64,
                      cosignature->agency, seen.size, shown.size);
    } else if (proof_extends(&seen, &shown, cosignature->consistency,
                             cosignature->consistency_count) != OK) {
        dossier_prove(dossier, "lie.split", "reply", "%s, %" PRIu64 ", %" PRIu64,
                      cosignature->agency, seen.size, shown.size);
    }
}

static bool is_proven(const struct dossier *dossier)
{
    for (size_t i = 0; i < dossier->finding_count; i++) {
        if (dossier->findings[i].verdict == VERDICT_PASS) {
            return true;
        }
    }
    return false;
}

/* By what the agency counts rungs, where it accuses the broker of one. */
static void read_rules(struct dossier *dossier)
{
    if (evidence_find(&dossier->evidence, "calendar", "days") != NULL &&
        evidence_find(&dossier->evidence, "policy", "policy.yaml") != NULL) {
        dossier_read_days(dossier);
        dossier_read_policy(dossier);
    }
}

static void judge(struct answer *answer)
{
    struct dossier *dossier = answer->dossier;

    if (dossier->keyring == NULL || !read_reply(answer) || !read_request(answer) ||
        !read_notes(answer)) {
        return;
    }
    judge_log(answer);
    for (size_t i = 0;
         answer->head.kind == REPLY_WITNESS && i < answer->head.witness.cosignature_count; i++) {
        judge_witness(answer, &answer->head.witness.cosignatures[i]);
    }
    dossier_judge_places(dossier, &answer->head, &answer->shown, answer->root);
    if (!is_proven(dossier)) {
        dossier_lack(dossier, "lie.unproven", "reply", "%s", "");
    }
}

void dossier_judge_lie(struct dossier *dossier, const struct digest *root)
{
    struct answer *answer = region_take(&dossier->region, sizeof *answer);

    text_copy(dossier->subject, sizeof dossier->subject, "lie");
    read_keys(dossier, root);
    read_rules(dossier);
    if (answer != NULL) {
        answer->dossier = dossier;
        answer->root = root;
        judge(answer);
    }
}
