/* The Merkle tree of RFC 6962 (section 2.1) over SHA-256: the audit log's tree, grown leaf by leaf,
 * and the small trees whose root is signed once for many messages.
 *
 * For lib/store (log), lib/wire (batches, receipts) and the programs. Not for the offline verifier,
 * which shares no tree code with what it checks. Pure: nodes of a large tree come from the caller's
 * reader. No allocation, no recursion; any thread. */
#ifndef REFERRAL_MODEL_MERKLE_H
#define REFERRAL_MODEL_MERKLE_H

#include "base/crypto.h"

#define MERKLE_LEVELS 64

struct digest merkle_empty(void);                 /* root of no leaves: SHA-256 of nothing */
struct digest merkle_leaf_hash(struct span data); /* SHA-256(0x00 || data) */
struct digest merkle_node_hash(const struct digest *left, const struct digest *right);

/* The hashes of a proof, in the order of RFC 6962: an inclusion path or a consistency proof. */
struct merkle_path {
    struct digest hashes[MERKLE_LEVELS];
    size_t count;
};

/* A growing tree: the hashes of its largest complete subtrees. nodes[l] is used when bit l of size
 * is set. A zeroed frontier is the empty tree. */
struct merkle_frontier {
    uint64_t size;
    struct digest nodes[MERKLE_LEVELS];
};

/* Appends a leaf hash. `completed` gets the hashes of the complete subtrees whose right edge is
 * this leaf, from level 0 (the leaf itself) up; answers how many (1 plus the trailing one bits of
 * the old size). Node (level, index) covers the leaves index << level and the 2^level - 1 after it.
 */
size_t merkle_append(struct merkle_frontier *tree, const struct digest *leaf_hash,
                     struct digest completed[MERKLE_LEVELS]);
struct digest merkle_root(const struct merkle_frontier *tree);

/* Lends complete subtrees of a stored tree. Only asked for nodes that are complete in the tree's
 * size given to the function. Its failures are returned as they are. */
struct merkle_reader {
    enum err (*get_node)(void *ctx, unsigned level, uint64_t index, struct digest *ret_hash);
    void *ctx; /* borrowed */
};

enum err merkle_load(const struct merkle_reader *reader, uint64_t size,
                     struct merkle_frontier *ret_tree) MUST_CHECK;
enum err merkle_root_at(const struct merkle_reader *reader, uint64_t size,
                        struct digest *ret_root) MUST_CHECK;
/* PATH(index, D[size]), index < size (asserted). */
enum err merkle_inclusion(const struct merkle_reader *reader, uint64_t index, uint64_t size,
                          struct merkle_path *ret_path) MUST_CHECK;
/* PROOF(old_size, D[new_size]), old_size <= new_size (asserted); empty for 0 and for equal sizes.
 */
enum err merkle_consistency(const struct merkle_reader *reader, uint64_t old_size,
                            uint64_t new_size, struct merkle_path *ret_path) MUST_CHECK;

struct merkle_place { /* of a leaf */
    uint64_t index;
    uint64_t size; /* of the tree */
};
/* The root that a path leads to. ERR_FORGED when the path has not exactly the length that the place
 * demands, or there is no such place. */
enum err merkle_inclusion_root(const struct digest *leaf_hash, struct merkle_place place,
                               const struct digest *path, size_t path_count,
                               struct digest *ret_root) MUST_CHECK;

/* The most hashes that an inclusion path in a tree of this size has. */
size_t merkle_path_most(uint64_t size);

struct merkle_head {
    uint64_t size;
    struct digest root;
};
/* ERR_FORGED unless `newer` extends `older`. An older tree of size 0 is extended by every tree with
 * an empty proof. */
enum err merkle_consistency_verify(const struct merkle_head *older, const struct merkle_head *newer,
                                   const struct digest *proof, size_t proof_count) MUST_CHECK;

/* The whole tree over a small array, built once; paths are then copies. */
struct merkle_batch {
    size_t count;
    const struct digest *nodes;        /* borrowed: the workspace of merkle_batch_build */
    size_t level_start[MERKLE_LEVELS]; /* where each level begins in nodes */
    size_t level_count;
};

/* Digests of workspace for `count` leaves. */
size_t merkle_batch_nodes(size_t count);
/* `nodes` begins with the count >= 1 leaf hashes and has room for merkle_batch_nodes(count); it is
 * lent to the batch. */
void merkle_batch_build(struct digest *nodes, size_t count, struct merkle_batch *ret_batch);
struct digest merkle_batch_root(const struct merkle_batch *batch);
void merkle_batch_path(const struct merkle_batch *batch, size_t index,
                       struct merkle_path *ret_path);

#endif
