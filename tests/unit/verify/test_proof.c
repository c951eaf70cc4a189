/* verify/proof against lib/model/merkle: every inclusion path and every proof of consistency of
 * small trees is climbed alike by two codes that share nothing; a proof that is cut, longer, bent,
 * or for other sizes is refused by both. */
#include <check.h>
#include <string.h>

#include "crypto_start.h"
#include "model/merkle.h"
#include "verify/proof.h"
#include "../suite.h"

#define LEAVES 70u

static struct digest nodes[8][LEAVES]; /* complete subtrees by level */
static struct proof_head heads[LEAVES + 1];

static enum err get_node(void *ctx, unsigned level, uint64_t index, struct digest *ret_hash)
{
    (void)ctx;
    *ret_hash = nodes[level][index];
    return OK;
}

static const struct merkle_reader reader = {get_node, NULL};

static void setup(void)
{
    ck_assert_int_eq(crypto_start(), OK);
    for (size_t i = 0; i < LEAVES; i++) {
        const uint8_t byte = (uint8_t)i;

        nodes[0][i] = merkle_leaf_hash(span_of(&byte, 1));
    }
    for (unsigned level = 1; level < 7; level++) {
        for (size_t i = 0; i < LEAVES >> level; i++) {
            nodes[level][i] =
                merkle_node_hash(&nodes[level - 1][2 * i], &nodes[level - 1][2 * i + 1]);
        }
    }
    for (uint64_t size = 0; size <= LEAVES; size++) {
        heads[size].size = size;
        ck_assert_int_eq(merkle_root_at(&reader, size, &heads[size].root), OK);
    }
}

START_TEST(test_each_leaf_leads_to_each_root)
{
    for (uint64_t size = 1; size <= LEAVES; size++) {
        for (uint64_t index = 0; index < size; index++) {
            struct merkle_path path;
            struct digest root;

            ck_assert_int_eq(merkle_inclusion(&reader, index, size, &path), OK);
            struct proof_path proof = {index, size, path.hashes, path.count};
            ck_assert_int_eq(proof_root(&proof, &nodes[0][index], &root), OK);
            ck_assert(digest_equal(&root, &heads[size].root));
            proof.count = path.count + 1;
            ck_assert_int_ne(proof_root(&proof, &nodes[0][index], &root), OK);
            proof.count = path.count - 1;
            ck_assert(path.count == 0 || proof_root(&proof, &nodes[0][index], &root) != OK);
            proof = (struct proof_path){size, size, path.hashes, path.count};
            ck_assert_int_ne(proof_root(&proof, &nodes[0][index], &root), OK);
        }
    }
}
END_TEST

/* What both say of a proof; they must agree. */
static enum err judge(uint64_t first, uint64_t second, const struct digest *hashes, size_t count)
{
    const struct merkle_head older = {heads[first].size, heads[first].root};
    const struct merkle_head newer = {heads[second].size, heads[second].root};
    const enum err error = proof_extends(&heads[first], &heads[second], hashes, count);

    ck_assert_int_eq(error == OK, merkle_consistency_verify(&older, &newer, hashes, count) == OK);
    return error;
}

START_TEST(test_each_tree_extends_those_before)
{
    for (uint64_t second = 1; second <= LEAVES; second++) {
        for (uint64_t first = 1; first <= second; first++) {
            struct merkle_path path;

            ck_assert_int_eq(merkle_consistency(&reader, first, second, &path), OK);
            ck_assert_int_eq(judge(first, second, path.hashes, path.count), OK);
            ck_assert_int_ne(judge(first, second, path.hashes, path.count + 1), OK);
            if (path.count > 0) {
                ck_assert_int_ne(judge(first, second, path.hashes, path.count - 1), OK);
                path.hashes[first % path.count].bytes[second % DIGEST_BYTES] ^= 1;
                ck_assert_int_ne(judge(first, second, path.hashes, path.count), OK);
                path.hashes[first % path.count].bytes[second % DIGEST_BYTES] ^= 1;
            }
            if (first > 1) {
                (void)judge(first - 1, second, path.hashes, path.count);
            }
            if (second < LEAVES) {
                ck_assert_int_ne(judge(first, second + 1, path.hashes, path.count), OK);
            }
        }
    }
    ck_assert_int_ne(proof_extends(&heads[5], &heads[4], NULL, 0), OK);
    ck_assert_int_ne(proof_extends(&heads[0], &heads[4], NULL, 0), OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proof");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, test_each_leaf_leads_to_each_root);
    tcase_add_test(tests, test_each_tree_extends_those_before);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
