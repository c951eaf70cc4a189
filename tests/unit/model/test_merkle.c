/* lib/model/merkle against the definitions of RFC 6962 section 2.1 written down once more, from a
 * table of the roots of all ranges: roots, stored nodes, inclusion and consistency for every size
 * and every pair, and that nothing else verifies. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "crypto_start.h"
#include "model/merkle.h"
#include "unit/suite.h"

#define SIZE_MAX_TESTED 130

static struct digest leaves[SIZE_MAX_TESTED];
/* The root of every range, as the definition makes it. */
static struct digest roots[SIZE_MAX_TESTED + 1][SIZE_MAX_TESTED + 1];

static struct digest sha256_of(const uint8_t *first, size_t first_len, const struct digest *second,
                               uint8_t prefix)
{
    uint8_t bytes[1 + 2 * DIGEST_BYTES];
    size_t len = 1;
    bytes[0] = prefix;
    memcpy(bytes + len, first, first_len);
    len += first_len;
    if (second != NULL) {
        memcpy(bytes + len, second->bytes, DIGEST_BYTES);
        len += DIGEST_BYTES;
    }
    return crypto_digest(span_of(bytes, len));
}

static size_t naive_split(size_t width)
{
    size_t split = 1;
    while (split * 2 < width) {
        split *= 2;
    }
    return split;
}

/* MTH for all ranges, from the narrow to the wide. */
static void naive_fill(void)
{
    for (size_t i = 0; i < SIZE_MAX_TESTED; i++) {
        uint8_t data[2] = {(uint8_t)i, 0x5a};
        leaves[i] = sha256_of(data, sizeof(data), NULL, 0x00);
        roots[i][i + 1] = leaves[i];
    }
    for (size_t width = 2; width <= SIZE_MAX_TESTED; width++) {
        for (size_t from = 0; from + width <= SIZE_MAX_TESTED; from++) {
            size_t middle = from + naive_split(width);
            roots[from][from + width] = sha256_of(roots[from][middle].bytes, DIGEST_BYTES,
                                                  &roots[middle][from + width], 0x01);
        }
    }
}

/* The hash of group `index` of 2^level leaves in a tree of `size`; groups at the edge are smaller.
 */
static const struct digest *naive_group(size_t level, size_t index, size_t size)
{
    size_t from = index << level, to = (index + 1) << level;
    return from < size ? &roots[from][to < size ? to : size] : NULL;
}

/* The neighbours of a group and of all that hold it, from below: PATH of RFC 6962 for level 0. */
static size_t naive_climb(size_t level, size_t index, size_t size, struct digest *out)
{
    size_t count = 0;
    for (; (size_t)1 << level < size; level++, index /= 2) {
        const struct digest *neighbour = naive_group(level, index ^ 1u, size);
        if (neighbour != NULL) {
            out[count++] = *neighbour;
        }
    }
    return count;
}

/* PROOF(old, D[size]): the last complete group of the old tree, unless it is the whole old tree,
 * and its neighbours. */
static size_t naive_proof(size_t old, size_t size, struct digest *out)
{
    size_t level = 0;
    if (old == size) {
        return 0;
    }
    while (((old >> level) & 1) == 0) {
        level++;
    }
    size_t index = (old >> level) - 1;
    out[0] = *naive_group(level, index, size);
    size_t own = index == 0 ? 0 : 1;
    return own + naive_climb(level, index, size, out + own);
}

/* A store that only knows complete subtrees of the size that it was told. */
struct shelf {
    uint64_t size;
    struct digest nodes[8][SIZE_MAX_TESTED];
    unsigned fail_level;
};

static enum err shelf_get(void *ctx, unsigned level, uint64_t index, struct digest *ret_hash)
{
    struct shelf *shelf = ctx;
    ck_assert_uint_lt(level, 8);
    ck_assert_uint_le((index + 1) << level, shelf->size);
    if (level == shelf->fail_level) {
        return ERR_IO;
    }
    *ret_hash = shelf->nodes[level][index];
    return OK;
}

static void shelf_fill(struct shelf *shelf, size_t size, struct merkle_frontier *tree)
{
    memset(tree, 0, sizeof(*tree));
    *shelf = (struct shelf){.size = size, .fail_level = 99};
    for (size_t i = 0; i < size; i++) {
        struct digest completed[MERKLE_LEVELS];
        size_t count = merkle_append(tree, &leaves[i], completed);
        for (size_t level = 0; level < count; level++) {
            shelf->nodes[level][i >> level] = completed[level];
            size_t from = (i >> level) << level;
            ck_assert(digest_equal(&completed[level], &roots[from][i + 1]));
        }
        ck_assert_uint_ge(count, 1);
        ck_assert_uint_eq((i + 1) % ((size_t)1 << ((count - 1) % MERKLE_LEVELS)), 0);
    }
}

static void setup(void)
{
    ck_assert_int_eq(crypto_start(), OK);
    naive_fill();
}

START_TEST(test_known_answers)
{
    static const char empty[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    static const char leaf[] = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
    char text[DIGEST_TEXT_BYTES];
    struct digest digest = merkle_empty();
    digest_format(&digest, text);
    ck_assert_str_eq(text, empty);
    digest = merkle_leaf_hash(span_of(NULL, 0)); /* RFC 6962: SHA-256 of one zero byte */
    digest_format(&digest, text);
    ck_assert_str_eq(text, leaf);
    struct merkle_frontier none = {0};
    digest = merkle_root(&none);
    digest_format(&digest, text);
    ck_assert_str_eq(text, empty);
}
END_TEST

START_TEST(test_roots_and_paths)
{
    struct shelf shelf;
    struct merkle_frontier tree, loaded;
    for (size_t size = 1; size <= SIZE_MAX_TESTED; size++) {
        shelf_fill(&shelf, size, &tree);
        struct merkle_reader reader = {shelf_get, &shelf};
        struct digest root = merkle_root(&tree);
        ck_assert(digest_equal(&root, &roots[0][size]));
        ck_assert_int_eq(merkle_load(&reader, size, &loaded), OK);
        struct digest again = merkle_root(&loaded);
        ck_assert(digest_equal(&again, &root));
        for (size_t m = 0; m < size; m++) {
            struct digest expected[16];
            struct merkle_path path;
            size_t count = naive_climb(0, m, size, expected);
            ck_assert_int_eq(merkle_inclusion(&reader, m, size, &path), OK);
            ck_assert_uint_eq(path.count, count);
            ck_assert_int_eq(memcmp(path.hashes, expected, count * sizeof(expected[0])), 0);
            ck_assert_int_eq(merkle_inclusion_root(&leaves[m], (struct merkle_place){m, size},
                                                   path.hashes, path.count, &root),
                             OK);
            ck_assert(digest_equal(&root, &roots[0][size]));
        }
    }
}
END_TEST

START_TEST(test_wrong_paths)
{
    struct shelf shelf;
    struct merkle_frontier tree;
    struct digest root;
    for (size_t size = 1; size <= 40; size++) {
        shelf_fill(&shelf, size, &tree);
        struct merkle_reader reader = {shelf_get, &shelf};
        for (size_t m = 0; m < size; m++) {
            struct merkle_path path;
            ck_assert_int_eq(merkle_inclusion(&reader, m, size, &path), OK);
            for (size_t other = 0; other < size + 3; other++) { /* the same path elsewhere */
                enum err error = merkle_inclusion_root(
                    &leaves[m], (struct merkle_place){other, size}, path.hashes, path.count, &root);
                ck_assert(other == m || error != OK || !digest_equal(&root, &roots[0][size]));
            }
            path.hashes[path.count] = leaves[0];
            ck_assert_int_eq(merkle_inclusion_root(&leaves[m], (struct merkle_place){m, size},
                                                   path.hashes, path.count + 1, &root),
                             ERR_FORGED);
            for (size_t cut = 0; cut < path.count; cut++) {
                ck_assert_int_eq(merkle_inclusion_root(&leaves[m], (struct merkle_place){m, size},
                                                       path.hashes, cut, &root),
                                 ERR_FORGED);
                path.hashes[cut].bytes[cut] ^= 1;
                ck_assert_int_eq(merkle_inclusion_root(&leaves[m], (struct merkle_place){m, size},
                                                       path.hashes, path.count, &root),
                                 OK);
                ck_assert(!digest_equal(&root, &roots[0][size]));
                path.hashes[cut].bytes[cut] ^= 1;
            }
        }
    }
    ck_assert_int_eq(merkle_inclusion_root(&leaves[0], (struct merkle_place){0, 0}, NULL, 0, &root),
                     ERR_FORGED);
}
END_TEST

/* Every change of a proof that is valid must be refused. */
static void consistency_mutate(const struct merkle_head *older, const struct merkle_head *newer,
                               struct merkle_path *proof)
{
    for (size_t i = 0; i < proof->count; i++) {
        proof->hashes[i].bytes[31 - i] ^= 0x80;
        ck_assert_int_eq(merkle_consistency_verify(older, newer, proof->hashes, proof->count),
                         ERR_FORGED);
        proof->hashes[i].bytes[31 - i] ^= 0x80;
        ck_assert_int_eq(merkle_consistency_verify(older, newer, proof->hashes, i), ERR_FORGED);
    }
    proof->hashes[proof->count] = leaves[0];
    ck_assert_int_eq(merkle_consistency_verify(older, newer, proof->hashes, proof->count + 1),
                     ERR_FORGED);
    struct merkle_head wrong = *newer;
    wrong.root.bytes[0] ^= 1;
    ck_assert_int_eq(merkle_consistency_verify(older, &wrong, proof->hashes, proof->count),
                     ERR_FORGED);
    wrong = *older;
    wrong.root.bytes[5] ^= 1;
    ck_assert_int_eq(merkle_consistency_verify(&wrong, newer, proof->hashes, proof->count),
                     ERR_FORGED);
}

START_TEST(test_consistency)
{
    struct shelf shelf;
    struct merkle_frontier tree;
    for (size_t size = 1; size <= SIZE_MAX_TESTED; size++) {
        shelf_fill(&shelf, size, &tree);
        struct merkle_reader reader = {shelf_get, &shelf};
        struct merkle_head newer = {.size = size, .root = roots[0][size]};
        for (size_t old = 1; old <= size; old++) {
            struct merkle_head older = {.size = old, .root = roots[0][old]};
            struct digest expected[20];
            struct merkle_path proof;
            size_t count = naive_proof(old, size, expected);
            ck_assert_int_eq(merkle_consistency(&reader, old, size, &proof), OK);
            ck_assert_uint_eq(proof.count, count);
            ck_assert_int_eq(memcmp(proof.hashes, expected, count * sizeof(expected[0])), 0);
            ck_assert_int_eq(merkle_consistency_verify(&older, &newer, proof.hashes, proof.count),
                             OK);
            consistency_mutate(&older, &newer, &proof);
        }
    }
}
END_TEST

START_TEST(test_consistency_edges)
{
    struct merkle_head none = {.size = 0};
    struct merkle_head one = {.size = 1, .root = roots[0][1]};
    struct merkle_head two = {.size = 2, .root = roots[0][2]};
    ck_assert_int_eq(merkle_consistency_verify(&none, &two, NULL, 0), OK);
    ck_assert_int_eq(merkle_consistency_verify(&none, &two, leaves, 1), ERR_FORGED);
    ck_assert_int_eq(merkle_consistency_verify(&two, &one, NULL, 0), ERR_FORGED);
    ck_assert_int_eq(merkle_consistency_verify(&one, &two, NULL, 0), ERR_FORGED);
    struct merkle_head huge = {.size = UINT64_MAX, .root = roots[0][2]};
    ck_assert_int_eq(merkle_consistency_verify(&two, &huge, leaves, 3), ERR_FORGED);
}
END_TEST

START_TEST(test_reader_failures)
{
    struct shelf shelf;
    struct merkle_frontier tree;
    struct merkle_path path = {.count = 77};
    shelf_fill(&shelf, 100, &tree);
    shelf.fail_level = 2;
    struct merkle_reader reader = {shelf_get, &shelf};
    ck_assert_int_eq(merkle_load(&reader, 100, &tree), ERR_IO);
    ck_assert_int_eq(merkle_inclusion(&reader, 3, 100, &path), ERR_IO);
    ck_assert_int_eq(merkle_consistency(&reader, 7, 100, &path), ERR_IO);
    ck_assert_uint_eq(path.count, 77);
}
END_TEST

START_TEST(test_batch)
{
    for (size_t count = 1; count <= SIZE_MAX_TESTED; count++) {
        struct digest nodes[4 * SIZE_MAX_TESTED];
        struct merkle_batch batch;
        ck_assert_uint_le(merkle_batch_nodes(count), COUNT_OF(nodes));
        memcpy(nodes, leaves, count * sizeof(leaves[0]));
        merkle_batch_build(nodes, count, &batch);
        struct digest root = merkle_batch_root(&batch);
        ck_assert(digest_equal(&root, &roots[0][count]));
        for (size_t m = 0; m < count; m++) {
            struct digest expected[16];
            struct merkle_path path;
            size_t length = naive_climb(0, m, count, expected);
            merkle_batch_path(&batch, m, &path);
            ck_assert_uint_eq(path.count, length);
            ck_assert_int_eq(memcmp(path.hashes, expected, length * sizeof(expected[0])), 0);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("merkle");
    TCase *tree = tcase_create("tree");
    tcase_add_checked_fixture(tree, setup, NULL);
    tcase_set_timeout(tree, 60);
    tcase_add_test(tree, test_known_answers);
    tcase_add_test(tree, test_wrong_paths);
    tcase_add_test(tree, test_roots_and_paths);
    tcase_add_test(tree, test_consistency_edges);
    tcase_add_test(tree, test_consistency);
    tcase_add_test(tree, test_reader_failures);
    tcase_add_test(tree, test_batch);
    suite_add_tcase(suite, tree);
    return suite_run(suite);
}
