/* See tree.h. A tree of n leaves has one peak for each bit of n (RFC 6962 section 2.1). */
#include "tree.h"

#include "base/crypto.h"

struct digest tree_leaf(const uint8_t salt[16], struct span record)
{
    struct hasher hasher;

    hasher_init(&hasher);
    hasher_add(&hasher, "\x00", 1);
    hasher_add(&hasher, salt, 16);
    hasher_add(&hasher, record.data, record.len);
    return hasher_end(&hasher);
}

static struct digest parent(const struct digest *left, const struct digest *right)
{
    struct hasher hasher;

    hasher_init(&hasher);
    hasher_add(&hasher, "\x01", 1);
    hasher_add(&hasher, left->bytes, DIGEST_BYTES);
    hasher_add(&hasher, right->bytes, DIGEST_BYTES);
    return hasher_end(&hasher);
}

void tree_add(struct tree *tree, const struct digest *leaf)
{
    struct digest peak = *leaf;

    tree->made_count = 0;
    /* Each trailing one bit of the size is a peak that the new leaf completes. */
    for (uint64_t bits = tree->size; (bits & 1u) != 0; bits >>= 1) {
        tree->peak_count--;
        peak = parent(&tree->peaks[tree->peak_count], &peak);
        tree->made[tree->made_count] = peak;
        tree->made_count++;
    }
    tree->peaks[tree->peak_count] = peak;
    tree->peak_count++;
    tree->size++;
}

struct digest tree_root(const struct tree *tree)
{
    struct digest root;

    if (tree->peak_count == 0) {
        return crypto_digest(span_of(NULL, 0));
    }
    root = tree->peaks[tree->peak_count - 1];
    for (size_t i = tree->peak_count - 1; i > 0; i--) {
        root = parent(&tree->peaks[i - 1], &root);
    }
    return root;
}
