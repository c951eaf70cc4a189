/* How: the versions of the registry in the file are sorted, each follows the one before, and each
 * lies in the log where its leaf says. A message's key is judged by the version that was in force
 * at its place. Where that is not here, or not placed, a key that only a later version has proves
 * nothing, and accuses nobody. See dossier.h; the rules are in docs/evidence-format.md. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dossier.h"
#include "proof.h"
#include "tree.h"

/* --- the documents --- */

static int by_number(const void *a, const void *b)
{
    const struct told_version *x = a, *y = b;

    return (x->document.version > y->document.version) -
           (x->document.version < y->document.version);
}

static void read_document(struct dossier *dossier, const struct evidence_part *part,
                          const struct digest *root)
{
    struct told_version *told = &dossier->versions[dossier->version_count];
    struct fault fault = {.code = ""};
    char name[EVIDENCE_NAME_BYTES];

    if (registry_document_open(part->name, part->bytes, root, &told->document, &fault) != OK) {
        dossier_fail(dossier, fault.code, part->kind, "%s", part->name);
        return;
    }
    (void)snprintf(name, sizeof name, "v%" PRIu64, told->document.version);
    if (strcmp(name, part->name) != 0) {
        dossier_fail(dossier, "registry.name", part->kind, "%s", part->name);
    } else if (registry_document_read(part->name, &told->document, &told->registry, &told->keyring,
                                      &fault) != OK) {
        dossier_fail(dossier, "registry.form", part->kind, "%s", fault.message);
    } else {
        dossier->version_count++;
    }
}

/* Nothing that a version had is missing in the next one that is here. */
static void check_follows(struct dossier *dossier, const struct told_version *before,
                          const struct told_version *after)
{
    struct fault fault = {.code = ""};

    if (registry_document_follows(&before->document, &after->document, "registry", &fault) != OK ||
        registry_follows(before->registry, after->registry, "registry", &fault) != OK ||
        keyring_follows(before->keyring, after->keyring, "registry", &fault) != OK) {
        dossier_fail(dossier, fault.code, "registry", "%" PRIu64 ", %" PRIu64,
                     before->document.version, after->document.version);
    }
}

void dossier_read_versions(struct dossier *dossier, const struct digest *root)
{
    dossier->versions = calloc(dossier->evidence.part_count, sizeof *dossier->versions);
    for (size_t i = 0; dossier->versions != NULL && i < dossier->evidence.part_count; i++) {
        if (strcmp(dossier->evidence.parts[i].kind, "registry") == 0) {
            read_document(dossier, &dossier->evidence.parts[i], root);
        }
    }
    if (dossier->versions == NULL || dossier->version_count == 0) {
        return;
    }
    qsort(dossier->versions, dossier->version_count, sizeof *dossier->versions, by_number);
    for (size_t i = 1; i < dossier->version_count; i++) {
        check_follows(dossier, &dossier->versions[i - 1], &dossier->versions[i]);
    }
    dossier->document = dossier->versions[dossier->version_count - 1].document;
}

void dossier_free_versions(struct dossier *dossier)
{
    for (size_t i = 0; dossier->versions != NULL && i < dossier->version_count; i++) {
        registry_free(dossier->versions[i].registry);
        keyring_free(dossier->versions[i].keyring);
    }
    free(dossier->versions);
}

/* --- their places --- */

static struct told_version *find_version(const struct dossier *dossier, const char *name)
{
    char known[EVIDENCE_NAME_BYTES];

    for (size_t i = 0; i < dossier->version_count; i++) {
        (void)snprintf(known, sizeof known, "v%" PRIu64, dossier->versions[i].document.version);
        if (strcmp(known, name) == 0) {
            return &dossier->versions[i];
        }
    }
    return NULL;
}

static bool names_version(const struct leaf_record *record,
                          const struct registry_document *document)
{
    return record->kind == LEAF_CONFIGURATION && strcmp(record->actor, BROKER_AGENCY) == 0 &&
           record->has_configuration &&
           record->configuration.registry_version == document->version &&
           digest_equal(&record->configuration.registry_document, &document->digest);
}

/* Receipt of no message: the leaf, and its path to a checkpoint of the broker. */
static bool place_version(struct dossier *dossier, struct span bytes, struct told_version *version)
{
    struct leaf_record *record = region_take(&dossier->region, sizeof *record);
    struct receipt receipt;
    struct proof_path path;
    struct digest leaf, root;

    if (record == NULL || receipt_decode(bytes, &dossier->region, &receipt, NULL) != OK ||
        leaf_record_decode(receipt.record, &dossier->region, record, NULL) != OK ||
        dossier_open_note(dossier, receipt.checkpoint, version->origin, &version->head) != OK) {
        return false;
    }
    leaf = tree_leaf(receipt.salt, receipt.record);
    path = (struct proof_path){receipt.leaf_index, version->head.size, receipt.path,
                               receipt.path_count};
    version->leaf = receipt.leaf_index;
    version->placed = proof_root(&path, &leaf, &root) == OK &&
                      digest_equal(&root, &version->head.root) &&
                      names_version(record, &version->document);
    return version->placed;
}

/* Of one log the places rise with the versions; all but the oldest need one. */
static void check_places(struct dossier *dossier)
{
    for (size_t i = 1; i < dossier->version_count; i++) {
        const struct told_version *before = &dossier->versions[i - 1];
        const struct told_version *after = &dossier->versions[i];

        if (!after->placed) {
            dossier_lack(dossier, "missing.registry-leaf", "registry", "%" PRIu64,
                         after->document.version);
        } else if (before->placed && strcmp(before->origin, after->origin) == 0 &&
                   before->leaf >= after->leaf) {
            dossier_fail(dossier, "registry.order", "registry", "%" PRIu64 ", %" PRIu64,
                         before->document.version, after->document.version);
        }
    }
}

void dossier_place_versions(struct dossier *dossier)
{
    for (size_t i = 0; i < dossier->evidence.part_count && dossier->version_count > 0; i++) {
        const struct evidence_part *part = &dossier->evidence.parts[i];
        struct told_version *version = find_version(dossier, part->name);

        if (strcmp(part->kind, "registry-leaf") != 0) {
            continue;
        }
        if (version == NULL) {
            dossier_fail(dossier, "evidence.alone", part->kind, "%s", part->name);
        } else if (!place_version(dossier, part->bytes, version)) {
            dossier_fail(dossier, "registry.leaf", part->kind, "%s", part->name);
        }
    }
    check_places(dossier);
}

/* --- a key, then --- */

const struct key_entry *dossier_key_in(const struct keyring *keyring, const char *owner,
                                       struct key_id id)
{
    for (size_t i = 0; keyring != NULL && i < keyring_count(keyring); i++) {
        const struct key_entry *entry = keyring_entry(keyring, i);

        if (entry->use == KEY_SIGN && strcmp(entry->owner, owner) == 0 &&
            memcmp(entry->id.bytes, id.bytes, KEY_ID_BYTES) == 0) {
            return entry;
        }
    }
    return NULL;
}

/* The version in force where the log has the message. `ret_sure`: no other that is not here, or
 * that has no place in that log, may have been. */
static const struct told_version *version_then(const struct dossier *dossier,
                                               const struct told_message *told, bool *ret_sure)
{
    const struct told_version *then = dossier->versions;

    *ret_sure = true;
    for (size_t i = 1; i < dossier->version_count; i++) {
        const struct told_version *next = &dossier->versions[i];

        if (!next->placed || strcmp(next->origin, told->origin) != 0) {
            *ret_sure = false;
        } else if (next->leaf <= told->receipt.leaf_index) {
            *ret_sure = true;
            then = next;
        } else {
            *ret_sure = *ret_sure && next->document.version == then->document.version + 1;
            break;
        }
    }
    return then;
}

const struct key_entry *dossier_key_then(const struct dossier *dossier,
                                         const struct told_message *told, bool *ret_sure)
{
    *ret_sure = true;
    return dossier_key_in(dossier->version_count == 0
                              ? dossier->keyring
                              : version_then(dossier, told, ret_sure)->keyring,
                          told->message->header.sender, told->proof.key);
}
