/* Where the broker's log has a version of the signed registry: the leaf that names it, and its path
 * to the root of a checkpoint. So an agency that takes a version knows that whoever reads the log
 * sees the same one. Pure; any thread. */
#ifndef REFERRAL_WIRE_REGISTRY_LEAF_H
#define REFERRAL_WIRE_REGISTRY_LEAF_H

#include "model/merkle.h"
#include "wire/codec.h"
#include "wire/registry_document.h"

/* Does the leaf lie in the tree of this head, and is it the broker's record of working by this
 * version? ERR_FORGED (registry.unproven) where not; ERR_MEMORY. */
enum err registry_leaf_verify(const struct registry_leaf *leaf, const struct merkle_head *head,
                              const struct registry_document *document, struct region *region,
                              struct fault *fault) MUST_CHECK;

#endif
