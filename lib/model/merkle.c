/* RFC 6962 without recursion. A subtree over [from, from + width) of a larger tree, whose `from` is
 * a multiple of the next power of two, splits into the complete subtrees of the one bits of width,
 * largest first; its hash folds them from the right. Proofs walk from the root down and are then
 * turned round. Callers and threads: see merkle.h. */
#include "model/merkle.h"

#include <assert.h>
#include <string.h>

struct digest merkle_empty(void)
{
    return crypto_digest(span_of(NULL, 0));
}

struct digest merkle_leaf_hash(struct span data)
{
    const uint8_t prefix = 0x00;
    struct hasher hasher;
    hasher_init(&hasher);
    hasher_add(&hasher, &prefix, 1);
    hasher_add(&hasher, data.data, data.len);
    return hasher_end(&hasher);
}

struct digest merkle_node_hash(const struct digest *left, const struct digest *right)
{
    assert(left != NULL && right != NULL);
    uint8_t bytes[1 + 2 * DIGEST_BYTES];
    bytes[0] = 0x01;
    memcpy(bytes + 1, left->bytes, DIGEST_BYTES);
    memcpy(bytes + 1 + DIGEST_BYTES, right->bytes, DIGEST_BYTES);
    return crypto_digest(span_of(bytes, sizeof(bytes)));
}

size_t merkle_append(struct merkle_frontier *tree, const struct digest *leaf_hash,
                     struct digest completed[MERKLE_LEVELS])
{
    assert(tree != NULL && leaf_hash != NULL && completed != NULL);
    assert(tree->size < UINT64_MAX);
    completed[0] = *leaf_hash;
    unsigned level = 0;
    while (((tree->size >> level) & 1) != 0) {
        completed[level + 1] = merkle_node_hash(&tree->nodes[level], &completed[level]);
        level++;
    }
    tree->nodes[level] = completed[level];
    tree->size++;
    return level + 1;
}

struct digest merkle_root(const struct merkle_frontier *tree)
{
    assert(tree != NULL);
    struct digest root = merkle_empty();
    bool any = false;
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        if (((tree->size >> level) & 1) != 0) {
            root = any ? merkle_node_hash(&tree->nodes[level], &root) : tree->nodes[level];
            any = true;
        }
    }
    return root;
}

enum err merkle_load(const struct merkle_reader *reader, uint64_t size,
                     struct merkle_frontier *ret_tree)
{
    assert(reader != NULL && ret_tree != NULL);
    struct merkle_frontier tree = {.size = size};
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        if (((size >> level) & 1) != 0) {
            uint64_t index = (size >> level) - 1;
            enum err error = reader->get_node(reader->ctx, level, index, &tree.nodes[level]);
            if (error != OK) {
                return error;
            }
        }
    }
    *ret_tree = tree;
    return OK;
}

enum err merkle_root_at(const struct merkle_reader *reader, uint64_t size, struct digest *ret_root)
{
    struct merkle_frontier tree;
    enum err error = merkle_load(reader, size, &tree);
    if (error == OK) {
        *ret_root = merkle_root(&tree);
    }
    return error;
}

struct range {
    uint64_t from;
    uint64_t to; /* exclusive */
};

/* The hash of a range as the head of this file describes it. */
static enum err range_hash(const struct merkle_reader *reader, struct range range,
                           struct digest *ret_hash)
{
    assert(range.from < range.to);
    uint64_t width = range.to - range.from;
    uint64_t end = range.to;
    struct digest hash;
    bool any = false;
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        if (((width >> level) & 1) == 0) {
            continue;
        }
        struct digest node;
        uint64_t index = (end >> level) - 1;
        enum err error = reader->get_node(reader->ctx, level, index, &node);
        if (error != OK) {
            return error;
        }
        hash = any ? merkle_node_hash(&node, &hash) : node;
        any = true;
        end -= UINT64_C(1) << level;
    }
    *ret_hash = hash;
    return OK;
}

/* Where a tree of `width` >= 2 leaves splits: the largest power of two below it. */
static uint64_t split_of(uint64_t width)
{
    assert(width >= 2);
    uint64_t split = 1;
    while (split < width - split) {
        split <<= 1;
    }
    return split;
}

/* Hashes of the ranges, the last first. */
static enum err ranges_to_path(const struct merkle_reader *reader, const struct range *ranges,
                               size_t count, struct merkle_path *ret_path)
{
    struct digest hashes[MERKLE_LEVELS];
    assert(count <= MERKLE_LEVELS);
    for (size_t i = 0; i < count; i++) {
        enum err error = range_hash(reader, ranges[count - 1 - i], &hashes[i]);
        if (error != OK) {
            return error;
        }
    }
    memcpy(ret_path->hashes, hashes, count * sizeof(*hashes)); /* the few that there are */
    ret_path->count = count;
    return OK;
}

enum err merkle_inclusion(const struct merkle_reader *reader, uint64_t index, uint64_t size,
                          struct merkle_path *ret_path)
{
    assert(reader != NULL && ret_path != NULL);
    assert(index < size);
    struct range siblings[MERKLE_LEVELS];
    size_t count = 0;
    struct range at = {.from = 0, .to = size};
    while (at.to - at.from > 1) {
        assert(count < MERKLE_LEVELS);
        uint64_t middle = at.from + split_of(at.to - at.from);
        if (index < middle) {
            siblings[count++] = (struct range){.from = middle, .to = at.to};
            at.to = middle;
        } else {
            siblings[count++] = (struct range){.from = at.from, .to = middle};
            at.from = middle;
        }
    }
    return ranges_to_path(reader, siblings, count, ret_path);
}

enum err merkle_consistency(const struct merkle_reader *reader, uint64_t old_size,
                            uint64_t new_size, struct merkle_path *ret_path)
{
    assert(reader != NULL && ret_path != NULL);
    assert(old_size <= new_size);
    if (old_size == 0 || old_size == new_size) {
        ret_path->count = 0;
        return OK;
    }
    struct range siblings[MERKLE_LEVELS];
    size_t count = 0;
    struct range at = {.from = 0, .to = new_size};
    while (at.to != old_size) {
        assert(count < MERKLE_LEVELS - 1);
        uint64_t middle = at.from + split_of(at.to - at.from);
        if (old_size <= middle) {
            siblings[count++] = (struct range){.from = middle, .to = at.to};
            at.to = middle;
        } else {
            siblings[count++] = (struct range){.from = at.from, .to = middle};
            at.from = middle;
        }
    }
    if (at.from != 0) {
        siblings[count++] = at; /* the old tree is not one complete subtree: its edge is told */
    }
    return ranges_to_path(reader, siblings, count, ret_path);
}

size_t merkle_path_most(uint64_t size)
{
    size_t levels = 0;
    while (levels < MERKLE_LEVELS - 1 && (UINT64_C(1) << levels) < size) {
        levels++;
    }
    return levels;
}

enum err merkle_inclusion_root(const struct digest *leaf_hash, struct merkle_place place,
                               const struct digest *path, size_t path_count,
                               struct digest *ret_root)
{
    assert(leaf_hash != NULL && ret_root != NULL);
    assert(path != NULL || path_count == 0);
    if (place.index >= place.size) {
        return ERR_FORGED;
    }
    struct digest hash = *leaf_hash;
    uint64_t index = place.index;
    uint64_t last = place.size - 1;
    size_t used = 0;
    for (; last > 0; index >>= 1, last >>= 1) {
        if ((index & 1) == 0 && index == last) {
            continue; /* the right edge: no sibling on this level */
        }
        if (used == path_count) {
            return ERR_FORGED;
        }
        const struct digest *sibling = &path[used++];
        hash =
            (index & 1) != 0 ? merkle_node_hash(sibling, &hash) : merkle_node_hash(&hash, sibling);
    }
    if (used != path_count) {
        return ERR_FORGED;
    }
    *ret_root = hash;
    return OK;
}

/* RFC 9162 section 2.1.4.2 (the same trees as RFC 6962): rebuilds both roots from one proof. */
enum err merkle_consistency_verify(const struct merkle_head *older, const struct merkle_head *newer,
                                   const struct digest *proof, size_t proof_count)
{
    assert(older != NULL && newer != NULL);
    assert(proof != NULL || proof_count == 0);
    if (older->size > newer->size) {
        return ERR_FORGED;
    }
    if (older->size == 0 || older->size == newer->size) {
        bool same = older->size == 0 || digest_equal(&older->root, &newer->root);
        return same && proof_count == 0 ? OK : ERR_FORGED;
    }
    uint64_t fn = older->size - 1;
    uint64_t sn = newer->size - 1;
    while ((fn & 1) != 0) {
        fn >>= 1;
        sn >>= 1;
    }
    bool power = (older->size & (older->size - 1)) == 0;
    size_t used = power ? 0 : 1;
    if (proof_count < used) {
        return ERR_FORGED;
    }
    struct digest old_hash = power ? older->root : proof[0];
    struct digest new_hash = old_hash;
    for (; used < proof_count; used++, fn >>= 1, sn >>= 1) {
        if (sn == 0) {
            return ERR_FORGED;
        }
        if ((fn & 1) == 0 && fn != sn) {
            new_hash = merkle_node_hash(&new_hash, &proof[used]);
            continue;
        }
        old_hash = merkle_node_hash(&proof[used], &old_hash);
        new_hash = merkle_node_hash(&proof[used], &new_hash);
        while ((fn & 1) == 0 && fn != 0) {
            fn >>= 1;
            sn >>= 1;
        }
    }
    bool whole =
        sn == 0 && digest_equal(&old_hash, &older->root) && digest_equal(&new_hash, &newer->root);
    return whole ? OK : ERR_FORGED;
}

size_t merkle_batch_nodes(size_t count)
{
    size_t total = count;
    while (count > 1) {
        count = (count + 1) / 2;
        total += count;
    }
    return total;
}

/* Level l holds the hash of each group of 2^l leaves; a group that has no neighbour rises as it
 * is, which gives the same root as the definition. */
void merkle_batch_build(struct digest *nodes, size_t count, struct merkle_batch *ret_batch)
{
    assert(nodes != NULL && ret_batch != NULL);
    assert(count >= 1);
    *ret_batch = (struct merkle_batch){.count = count, .nodes = nodes, .level_count = 1};
    size_t start = 0;
    for (size_t width = count; width > 1; width = (width + 1) / 2) {
        size_t above = start + width;
        for (size_t i = 0; i + 1 < width; i += 2) {
            nodes[above + i / 2] = merkle_node_hash(&nodes[start + i], &nodes[start + i + 1]);
        }
        if (width % 2 == 1) {
            nodes[above + width / 2] = nodes[start + width - 1];
        }
        ret_batch->level_start[ret_batch->level_count++] = above;
        start = above;
    }
}

struct digest merkle_batch_root(const struct merkle_batch *batch)
{
    assert(batch != NULL && batch->level_count >= 1);
    return batch->nodes[batch->level_start[batch->level_count - 1]];
}

void merkle_batch_path(const struct merkle_batch *batch, size_t index, struct merkle_path *ret_path)
{
    assert(batch != NULL && ret_path != NULL);
    assert(index < batch->count);
    ret_path->count = 0;
    size_t width = batch->count;
    for (size_t level = 0; width > 1; level++, index /= 2, width = (width + 1) / 2) {
        size_t sibling = index ^ 1u;
        if (sibling < width) {
            ret_path->hashes[ret_path->count++] = batch->nodes[batch->level_start[level] + sibling];
        }
    }
}
