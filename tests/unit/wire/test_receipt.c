/* lib/wire/receipt: a log of a few leaves, receipts out of it in the shared form and back,
 * canonical bytes, verification with public keys alone, and every flipped bit refused. */
#include <check.h>
#include <string.h>

#include "model/merkle.h"
#include "wire/receipt.h"
#include "sample.h"

#define LEAVES 11
#define ORIGIN "city.example/broker"

static struct region region;
static struct keyring *keyring;
static struct sign_key broker_key;
static struct buf records[LEAVES];
static uint8_t salts[LEAVES][SALT_BYTES];
static struct digest nodes[4 * LEAVES];
static struct merkle_batch tree;
static struct buf note;

/* A log whose leaf i records the message with id i + 1, and its checkpoint. */
static void setup(void)
{
    sample_setup();
    region_init(&region, 4u << 20);
    broker_key = sample_sign_key(9);
    struct key_entry entry = {.owner = "broker", .use = KEY_SIGN, .to_ms = UINT64_MAX};
    memcpy(entry.public_key, broker_key.public_key, SIGN_PUBLIC_BYTES);
    struct buf text;
    buf_init(&text, 4096);
    ck_assert_int_eq(keyring_write(ORIGIN, &entry, 1, &text), OK);
    ck_assert_int_eq(keyring_load_text("k", span_buf(&text), &keyring, NULL), OK);
    buf_free(&text);
    for (uint8_t i = 0; i < LEAVES; i++) {
        struct leaf_record record = {.version = 1,
                                     .kind = LEAF_MESSAGE,
                                     .actor = "procuratorate",
                                     .message_id = sample_uuid((uint8_t)(i + 1))};
        buf_init(&records[i], 2048);
        ck_assert_int_eq(leaf_record_encode(&record, &records[i]), OK);
        memset(salts[i], 0x80 + i, SALT_BYTES);
        nodes[i] = leaf_hash(salts[i], span_buf(&records[i]));
    }
    merkle_batch_build(nodes, LEAVES, &tree);
    struct checkpoint checkpoint = {
        .origin = ORIGIN, .size = LEAVES, .root = merkle_batch_root(&tree), .time_ms = 5};
    buf_init(&note, CHECKPOINT_BYTES);
    ck_assert_int_eq(checkpoint_make(&checkpoint, &broker_key, &note), OK);
}

static void teardown(void)
{
    for (size_t i = 0; i < LEAVES; i++) {
        buf_free(&records[i]);
    }
    buf_free(&note);
    keyring_free(keyring);
    region_free(&region);
}

static struct receipt receipt_of(size_t leaf, struct merkle_path *path)
{
    merkle_batch_path(&tree, leaf, path);
    struct receipt receipt = {.message_id = sample_uuid((uint8_t)(leaf + 1)),
                              .leaf_index = leaf,
                              .record = span_buf(&records[leaf]),
                              .path = path->hashes,
                              .path_count = path->count,
                              .checkpoint = span_buf(&note)};
    memcpy(receipt.salt, salts[leaf], SALT_BYTES);
    return receipt;
}

START_TEST(test_leaf_hash)
{
    uint8_t bytes[1 + SALT_BYTES + 3] = {0};
    memset(bytes + 1, 7, SALT_BYTES);
    for (size_t i = 0; i < 3; i++) {
        bytes[1 + SALT_BYTES + i] = (uint8_t)("abc"[i]);
    }
    struct digest expected = crypto_digest(span_of(bytes, sizeof(bytes)));
    struct digest got = leaf_hash(bytes + 1, span_text("abc"));
    ck_assert(digest_equal(&expected, &got));
}
END_TEST

START_TEST(test_verify)
{
    for (size_t leaf = 0; leaf < LEAVES; leaf++) {
        struct merkle_path path;
        struct receipt_facts facts;
        struct receipt receipt = receipt_of(leaf, &path);
        ck_assert_int_eq(receipt_verify(&receipt, keyring, &region, &facts, NULL), OK);
        ck_assert_uint_eq(facts.checkpoint.size, LEAVES);
        ck_assert_str_eq(facts.record.actor, "procuratorate");
        ck_assert(digest_equal(&facts.leaf_hash, &nodes[leaf]));
    }
}
END_TEST

START_TEST(test_every_bit)
{
    struct merkle_path path;
    struct receipt receipt = receipt_of(6, &path);
    struct buf bytes;
    buf_init(&bytes, 4096);
    ck_assert_int_eq(receipt_encode(&receipt, &bytes), OK);
    for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
        struct region little;
        struct receipt back;
        struct receipt_facts facts;
        region_init(&little, LIMIT_PARSE_BYTES(bytes.len));
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum err error = receipt_decode(span_buf(&bytes), &little, &back, NULL);
        error = error == OK ? receipt_verify(&back, keyring, &little, &facts, NULL) : error;
        ck_assert_msg(error != OK, "bit %zu", bit);
        bytes.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        region_free(&little);
    }
    buf_free(&bytes);
}
END_TEST

/* The record of one leaf with the place of another, and a whole receipt under another's id. */
START_TEST(test_mixed_up)
{
    struct merkle_path path;
    struct receipt_facts facts;
    struct fault fault = {.code = ""};
    struct receipt receipt = receipt_of(3, &path);
    receipt.message_id = sample_uuid(99);
    ck_assert_int_eq(receipt_verify(&receipt, keyring, &region, &facts, &fault), ERR_FORGED);
    ck_assert_str_eq(fault.code, "receipt.message");
    receipt = receipt_of(3, &path);
    receipt.leaf_index = 2;
    ck_assert_int_eq(receipt_verify(&receipt, keyring, &region, &facts, &fault), ERR_FORGED);
    ck_assert_str_eq(fault.code, "receipt.inclusion");
    receipt = receipt_of(3, &path);
    receipt.record = span_buf(&records[4]);
    ck_assert_int_eq(receipt_verify(&receipt, keyring, &region, &facts, &fault), ERR_FORGED);
    receipt = receipt_of(3, &path);
    receipt.checkpoint = span_text("nothing");
    ck_assert_int_eq(receipt_verify(&receipt, keyring, &region, &facts, &fault), ERR_INVALID);
}
END_TEST

/* All receipts of the log in one reply: each hash once, and each receipt comes back as the same
 * bytes that it has alone. */
START_TEST(test_shared)
{
    struct node_set set;
    struct shared_receipt shared[LEAVES];
    size_t unshared = 0;
    ck_assert_int_eq(node_set_init(&set, 4 * LEAVES, &region), OK);
    for (size_t leaf = 0; leaf < LEAVES; leaf++) {
        struct merkle_path path;
        struct receipt receipt = receipt_of(leaf, &path);
        shared[leaf] = (struct shared_receipt){.message_id = receipt.message_id,
                                               .leaf_index = leaf,
                                               .record = receipt.record,
                                               .path_count = path.count};
        memcpy(shared[leaf].salt, receipt.salt, SALT_BYTES);
        ck_assert_int_eq(node_set_add(&set, path.hashes, path.count, &region, &shared[leaf].path),
                         OK);
        unshared += path.count;
    }
    ck_assert_uint_le(set.count, unshared / 2);
    for (size_t i = 0; i < set.count; i++) {
        for (size_t k = 0; k < i; k++) {
            ck_assert(!digest_equal(&set.nodes[i], &set.nodes[k]));
        }
    }
    struct reply_nodes reply = {set.nodes, set.count, span_buf(&note)};
    for (size_t leaf = 0; leaf < LEAVES; leaf++) {
        struct merkle_path path;
        struct receipt alone = receipt_of(leaf, &path), expanded;
        struct buf a, b;
        buf_init(&a, 4096);
        buf_init(&b, 4096);
        ck_assert_int_eq(receipt_expand(&shared[leaf], &reply, &region, &expanded), OK);
        ck_assert_int_eq(receipt_encode(&alone, &a), OK);
        ck_assert_int_eq(receipt_encode(&expanded, &b), OK);
        ck_assert(span_equal(span_buf(&a), span_buf(&b)));
        buf_free(&a);
        buf_free(&b);
    }
    reply.node_count = 1;
    struct receipt expanded;
    ck_assert_int_eq(receipt_expand(&shared[1], &reply, &region, &expanded), ERR_INVALID);
    shared[0].checkpoint = span_text("its own");
    reply.node_count = set.count;
    ck_assert_int_eq(receipt_expand(&shared[0], &reply, &region, &expanded), OK);
    ck_assert(span_equal(expanded.checkpoint, span_text("its own")));
}
END_TEST

START_TEST(test_node_set_full)
{
    struct node_set set;
    const uint32_t *indices = NULL;
    const struct digest hashes[] = {{{1}}, {{2}}, {{1}}, {{3}}};
    ck_assert_int_eq(node_set_init(&set, 2, &region), OK);
    ck_assert_int_eq(node_set_add(&set, hashes, 3, &region, &indices), OK);
    ck_assert_uint_eq(indices[0], 0);
    ck_assert_uint_eq(indices[1], 1);
    ck_assert_uint_eq(indices[2], 0);
    ck_assert_int_eq(node_set_add(&set, &hashes[3], 1, &region, &indices), ERR_FULL);
    ck_assert_int_eq(node_set_add(&set, &hashes[1], 1, &region, &indices), OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("receipt");
    TCase *tcase = tcase_create("receipt");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_leaf_hash);
    tcase_add_test(tcase, test_mixed_up);
    tcase_add_test(tcase, test_every_bit);
    tcase_add_test(tcase, test_verify);
    tcase_add_test(tcase, test_shared);
    tcase_add_test(tcase, test_node_set_full);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
