/* The RFC 6962 tree, grown leaf by leaf: SHA-256, leaf prefix 0x00, node prefix 0x01. Written from
 * the RFC and shared with nobody. Any thread. */
#ifndef REFERRAL_VERIFY_TREE_H
#define REFERRAL_VERIFY_TREE_H

#include "base/bytes.h"

struct tree {
    struct digest peaks[64]; /* roots of the complete subtrees, largest first */
    size_t peak_count;
    uint64_t size;          /* in leaves */
    struct digest made[64]; /* roots of the subtrees of 2, 4, 8 ... leaves that the last leaf
                               completed */
    size_t made_count;
};

/* SHA-256(0x00 || salt || record): a leaf of the audit log. */
struct digest tree_leaf(const uint8_t salt[16], struct span record);
void tree_add(struct tree *tree, const struct digest *leaf);
struct digest tree_root(const struct tree *tree); /* SHA-256 of nothing for the empty tree */

#endif
