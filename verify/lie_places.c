/* What one reply says of places in the log: each receipt, each delivery and each version of the
 * signed registry has a path from its record to a checkpoint that the broker signed, and what it
 * delivers of one lane comes in its order. A path that leads elsewhere is a receipt of what that
 * log does not have, or a registry that it does not have; a message before one that stands before
 * it was delivered out of turn. That a message is missing altogether is not seen here: nobody can
 * show what he was not given. See dossier.h. */
#include <inttypes.h>
#include <string.h>

#include "dossier.h"
#include "model/lanes.h"
#include "tree.h"

#define PATH_MAX_COUNT 64u /* hashes: more leads nowhere */

struct place { /* a record, and where it is said to stand */
    uint64_t index;
    struct span record;
    const uint8_t *salt;
    const uint32_t *path; /* indices into the nodes */
    size_t path_count;
    const struct digest *nodes;
    size_t node_count;
};

static bool ends_at(const struct proof_path *path, const struct digest *leaf,
                    const struct tree_head *head)
{
    struct digest root;

    return path->count <= PATH_MAX_COUNT && proof_root(path, leaf, &root) == OK &&
           digest_equal(&root, &head->root);
}

static bool leads_to(const struct place *place, const struct tree_head *head)
{
    const struct digest leaf = tree_leaf(place->salt, place->record);
    struct digest hashes[PATH_MAX_COUNT];
    const struct proof_path path = {place->index, head->size, hashes, place->path_count};

    if (place->path_count > PATH_MAX_COUNT) {
        return false;
    }
    for (size_t i = 0; i < place->path_count; i++) {
        if (place->path[i] >= place->node_count) {
            return false;
        }
        hashes[i] = place->nodes[place->path[i]];
    }
    return ends_at(&path, &leaf, head);
}

static void judge_receipts(struct dossier *dossier, const struct reply_head *reply,
                           const struct tree_head *shown)
{
    for (size_t i = 0; i < reply->submit.receipt_count; i++) {
        const struct shared_receipt *receipt = &reply->submit.receipts[i];
        const struct place place = {
            receipt->leaf_index, receipt->record,     receipt->salt,           receipt->path,
            receipt->path_count, reply->submit.nodes, reply->submit.node_count};
        char origin[LIMIT_ORIGIN_BYTES];
        struct tree_head head = *shown;

        if (receipt->record.len == 0 || /* it says why there is none */
            (receipt->checkpoint.len > 0 &&
             dossier_open_note(dossier, receipt->checkpoint, origin, &head) != OK)) {
            continue;
        }
        if (head.size > 0 && !leads_to(&place, &head)) {
            dossier_prove(dossier, "lie.receipt", "reply", "%" PRIu64 ", %" PRIu64,
                          receipt->leaf_index, head.size);
            return;
        }
    }
}

/* With its place in its stream; NULL: it has none. */
static const struct leaf_record *read_record(struct dossier *dossier, struct span bytes)
{
    struct leaf_record *record = region_take(&dossier->region, sizeof *record);

    if (record == NULL || leaf_record_decode(bytes, &dossier->region, record, NULL) != OK ||
        !record->has_stream || record->stream.lane >= LANE_COUNT) {
        return NULL;
    }
    return record;
}

static void judge_deliveries(struct dossier *dossier, const struct reply_head *reply,
                             const struct tree_head *shown)
{
    uint64_t last[LANE_COUNT] = {0};

    for (size_t i = 0; i < reply->fetch.delivery_count; i++) {
        const struct delivery *delivery = &reply->fetch.deliveries[i];
        const struct place place = {
            delivery->leaf_index, delivery->record,   delivery->salt,         delivery->path,
            delivery->path_count, reply->fetch.nodes, reply->fetch.node_count};
        const struct leaf_record *record;

        if (!leads_to(&place, shown)) {
            dossier_prove(dossier, "lie.receipt", "reply", "%" PRIu64 ", %" PRIu64,
                          delivery->leaf_index, shown->size);
            return;
        }
        record = read_record(dossier, delivery->record);
        if (record == NULL) {
            continue;
        }
        if (record->stream.seq <= last[record->stream.lane]) {
            dossier_prove(dossier, "lie.order", "reply", "%" PRIu32 ", %" PRIu64 ", %" PRIu64,
                          record->stream.lane, last[record->stream.lane], record->stream.seq);
            return;
        }
        last[record->stream.lane] = record->stream.seq;
        dossier_judge_rung(dossier, delivery, record);
    }
}

/* --- the registry --- */

/* The version that the reply carries; false: it has none that the office signed. */
static bool read_version(const struct reply_head *reply, const struct digest *root,
                         struct registry_document *ret_document)
{
    const struct span pieces[] = {reply->registry.statement, reply->registry.registry,
                                  reply->registry.keys};
    struct buf text;
    enum err error = OK;

    buf_init(&text, REGISTRY_DOCUMENT_BYTES);
    for (size_t i = 0; error == OK && i < sizeof pieces / sizeof pieces[0]; i++) {
        error = buf_append(&text, pieces[i].data, pieces[i].len);
    }
    if (error == OK) {
        error = registry_document_open("registry", span_buf(&text), root, ret_document, NULL);
    }
    buf_free(&text); /* version and digest stay */
    return error == OK;
}

static bool names_version(struct dossier *dossier, struct span bytes,
                          const struct registry_document *document)
{
    struct leaf_record *record = region_take(&dossier->region, sizeof *record);

    return record != NULL && leaf_record_decode(bytes, &dossier->region, record, NULL) == OK &&
           record->kind == LEAF_CONFIGURATION && strcmp(record->actor, BROKER_AGENCY) == 0 &&
           record->has_configuration &&
           record->configuration.registry_version == document->version &&
           digest_equal(&record->configuration.registry_document, &document->digest);
}

/* One that names no record may be of an older release: its receiver refuses it, and it proves
 * nothing. */
static void judge_registry(struct dossier *dossier, const struct reply_head *reply,
                           const struct tree_head *shown, const struct digest *root)
{
    const struct registry_leaf *leaf = &reply->registry.leaf;
    const struct proof_path path = {leaf->index, shown->size, leaf->path, leaf->path_count};
    struct registry_document document;
    struct digest hash;

    if (reply->code != 0 || !reply->registry.has_leaf || !read_version(reply, root, &document)) {
        return;
    }
    hash = tree_leaf(leaf->salt, leaf->record);
    if (!ends_at(&path, &hash, shown) || !names_version(dossier, leaf->record, &document)) {
        dossier_prove(dossier, "lie.registry", "reply", "%" PRIu64 ", %" PRIu64, document.version,
                      shown->size);
    }
}

void dossier_judge_places(struct dossier *dossier, const struct reply_head *reply,
                          const struct tree_head *shown, const struct digest *root)
{
    if (reply->kind == REPLY_REGISTRY) {
        judge_registry(dossier, reply, shown, root);
    } else if (reply->kind == REPLY_SUBMIT) {
        judge_receipts(dossier, reply, shown);
    } else if (reply->kind == REPLY_FETCH && shown->size > 0) {
        judge_deliveries(dossier, reply, shown);
    }
}
