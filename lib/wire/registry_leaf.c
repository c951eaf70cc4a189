/* First the path, then what the record says. See registry_leaf.h. */
#include "wire/registry_leaf.h"

#include <inttypes.h>
#include <string.h>

#include "wire/receipt.h"

static enum err unproven(const struct registry_document *document, const char *what,
                         struct fault *fault)
{
    fault_set(fault, "registry.unproven", "registry", "version %" PRIu64 " %s", document->version,
              what);
    fault_hint(fault, "the office signed it, and the broker's log does not bear it out: ask the "
                      "administrators of the broker");
    return ERR_FORGED;
}

static bool lies_in(const struct registry_leaf *leaf, const struct merkle_head *head)
{
    const struct digest hash = leaf_hash(leaf->salt, leaf->record);
    const struct merkle_place place = {.index = leaf->index, .size = head->size};
    struct digest root;

    return merkle_inclusion_root(&hash, place, leaf->path, leaf->path_count, &root) == OK &&
           digest_equal(&root, &head->root);
}

static bool names(const struct leaf_record *record, const struct registry_document *document)
{
    return record->kind == LEAF_CONFIGURATION && strcmp(record->actor, BROKER_AGENCY) == 0 &&
           record->has_configuration &&
           record->configuration.registry_version == document->version &&
           digest_equal(&record->configuration.registry_document, &document->digest);
}

enum err registry_leaf_verify(const struct registry_leaf *leaf, const struct merkle_head *head,
                              const struct registry_document *document, struct region *region,
                              struct fault *fault)
{
    struct leaf_record record;
    enum err error;

    if (!lies_in(leaf, head)) {
        return unproven(document, "is not in the log that the broker shows", fault);
    }
    error = leaf_record_decode(leaf->record, region, &record, NULL);
    if (error == ERR_MEMORY) {
        return error;
    }
    return error == OK && names(&record, document)
               ? OK
               : unproven(document, "is not what the record of the log names", fault);
}
