/* lib/store/audit: the log against a naive Merkle tree of this file's own (RFC 6962, 2.1, word by
 * word), through reopening, aborting and further commits; damage of entries. */
#include <string.h>

#include "store_support.h"

#define LEAVES_MOST 200

/* --- the definitions of RFC 6962 --- */

static struct digest node(struct digest left, struct digest right)
{
    uint8_t bytes[65] = {1};
    memcpy(bytes + 1, left.bytes, 32);
    memcpy(bytes + 33, right.bytes, 32);
    return crypto_digest(span_of(bytes, sizeof(bytes)));
}

static uint64_t split(uint64_t count)
{
    uint64_t k = 1;
    while (k * 2 < count) {
        k *= 2;
    }
    return k;
}

/* MTH of every run of leaves, by its definition: the shorter runs first. */
static struct digest runs[LEAVES_MOST + 1][LEAVES_MOST + 1]; /* count, first */

static void naive_fill(void)
{
    for (uint64_t count = 1; count <= LEAVES_MOST; count++) {
        for (uint64_t first = 0; first + count <= LEAVES_MOST; first++) {
            if (count == 1) {
                runs[1][first] = expected_leaf(first);
            } else {
                uint64_t k = split(count);
                runs[count][first] = node(runs[k][first], runs[count - k][first + k]);
            }
        }
    }
}

static struct digest naive_root(uint64_t first, uint64_t count)
{
    return count == 0 ? crypto_digest(span_of(NULL, 0)) : runs[count][first];
}

/* The definitions begin at the root, and the answer at the leaf. */
static void reverse(struct merkle_path *path)
{
    for (size_t i = 0; i < path->count / 2; i++) {
        struct digest hash = path->hashes[i];
        path->hashes[i] = path->hashes[path->count - 1 - i];
        path->hashes[path->count - 1 - i] = hash;
    }
}

static void push(struct merkle_path *path, struct digest hash)
{
    path->hashes[path->count++] = hash;
}

static void naive_path(struct merkle_path *path, uint64_t leaf, uint64_t count)
{
    uint64_t first = 0;
    while (count > 1) {
        uint64_t k = split(count);
        bool left = leaf < first + k;
        push(path, left ? naive_root(first + k, count - k) : naive_root(first, k));
        first += left ? 0 : k;
        count = left ? k : count - k;
    }
    reverse(path);
}

static void naive_proof(struct merkle_path *path, uint64_t old, uint64_t count)
{
    uint64_t first = 0;
    bool whole = true;
    while (old != count) {
        uint64_t k = split(count);
        bool left = old <= k;
        push(path, left ? naive_root(first + k, count - k) : naive_root(first, k));
        first += left ? 0 : k;
        count = left ? k : count - k;
        old -= left ? 0 : k;
        whole = whole && left;
    }
    if (!whole) {
        push(path, naive_root(first, count));
    }
    reverse(path);
}

static void setup(void)
{
    folder_setup();
    naive_fill();
}

static void expect_path(const struct merkle_path *got, const struct merkle_path *want)
{
    ck_assert_uint_eq(got->count, want->count);
    for (size_t i = 0; i < want->count; i++) {
        ck_assert_mem_eq(got->hashes[i].bytes, want->hashes[i].bytes, 32);
    }
}

/* Commits of 1, 2, ... leaves until there are `count`; leaf i is number i. */
static void grow(struct store *store, uint64_t from, uint64_t count)
{
    uint64_t number = from;
    for (uint64_t step = 1; number < count; step = step % 9 + 1) {
        struct store_txn *txn = begin(store);
        for (uint64_t i = 0; i < step && number < count; i++, number++) {
            ck_assert_uint_eq(add_leaf(txn, number, span_text("envelope")), number);
        }
        struct digest root;
        ck_assert_int_eq(audit_root(txn, &root), OK);
        struct digest want = naive_root(0, number);
        ck_assert_mem_eq(root.bytes, want.bytes, 32);
        uint64_t size = 0;
        ck_assert_int_eq(audit_size(txn, &size), OK);
        ck_assert_uint_eq(size, number);
        seal(txn, number);
        commit(txn);
    }
}

START_TEST(empty_log_has_the_empty_root)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    struct store_txn *txn = snapshot(store);
    struct digest root;
    struct digest want = crypto_digest(span_of(NULL, 0));
    ck_assert_int_eq(audit_root(txn, &root), OK);
    ck_assert_mem_eq(root.bytes, want.bytes, 32);
    struct audit_entry entry;
    struct merkle_path path;
    uint64_t size = 7;
    struct span note;
    ck_assert_int_eq(audit_read(txn, 0, &entry), ERR_NOT_FOUND);
    ck_assert_int_eq(audit_inclusion(txn, 0, 0, &path), ERR_INVALID);
    ck_assert_int_eq(audit_inclusion(txn, 0, 1, &path), ERR_INVALID);
    ck_assert_int_eq(audit_consistency(txn, 0, 1, &path), ERR_INVALID);
    ck_assert_int_eq(audit_checkpoint(txn, &size, &note), ERR_NOT_FOUND);
    store_read_end(txn);
    store_close(store);
}
END_TEST

START_TEST(every_path_and_proof_is_the_rfcs)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    grow(store, 0, 70);
    if (_i == 1) { /* from a cold store */
        store_close(store);
        store = open_store(&options);
    }
    struct store_txn *txn = snapshot(store);
    for (uint64_t size = 1; size <= 70; size++) {
        struct digest root;
        struct digest want_root = naive_root(0, size);
        ck_assert_int_eq(audit_root_at(txn, size, &root), OK);
        ck_assert_mem_eq(root.bytes, want_root.bytes, 32);
        for (uint64_t leaf = 0; leaf < size; leaf += 1 + size / 20) {
            struct merkle_path got = {.count = 0};
            struct merkle_path want = {.count = 0};
            ck_assert_int_eq(audit_inclusion(txn, leaf, size, &got), OK);
            naive_path(&want, leaf, size);
            expect_path(&got, &want);
        }
        for (uint64_t old = 0; old <= size; old += 1 + size / 20) {
            struct merkle_path got = {.count = 0};
            struct merkle_path want = {.count = 0};
            ck_assert_int_eq(audit_consistency(txn, old, size, &got), OK);
            if (old > 0) {
                naive_proof(&want, old, size);
            }
            expect_path(&got, &want);
        }
    }
    store_read_end(txn);
    store_close(store);
}
END_TEST

static void receipt_bytes(struct store_txn *txn, uint64_t index, struct buf *out)
{
    struct audit_receipt receipt;
    ck_assert_int_eq(audit_receipt(txn, index, &receipt), OK);
    struct merkle_path want = {.count = 0};
    naive_path(&want, index, receipt.entry.commit_size);
    expect_path(&receipt.path, &want);
    ck_assert_int_eq(buf_append(out, receipt.entry.salt, AUDIT_SALT_BYTES), OK);
    ck_assert_int_eq(buf_append(out, receipt.entry.record.data, receipt.entry.record.len), OK);
    ck_assert_int_eq(buf_append(out, receipt.note.data, receipt.note.len), OK);
    ck_assert_int_eq(
        buf_append(out, receipt.path.hashes, receipt.path.count * sizeof(struct digest)), OK);
}

static void all_receipts(struct store *store, uint64_t count, struct buf *out)
{
    buf_init(out, 4u << 20);
    struct store_txn *txn = snapshot(store);
    for (uint64_t i = 0; i < count; i++) {
        receipt_bytes(txn, i, out);
    }
    store_read_end(txn);
}

START_TEST(receipts_stay_the_same_bytes)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    grow(store, 0, 101);
    struct buf first;
    struct buf again;
    all_receipts(store, 101, &first);
    grow(store, 101, LEAVES_MOST);
    all_receipts(store, 101, &again);
    ck_assert(span_equal(span_buf(&first), span_buf(&again)));
    buf_free(&again);
    store_close(store);
    store = open_store(&options);
    all_receipts(store, 101, &again);
    ck_assert(span_equal(span_buf(&first), span_buf(&again)));
    buf_free(&again);
    buf_free(&first);
    struct store_txn *txn = snapshot(store);
    uint64_t size = 0;
    struct span note;
    ck_assert_int_eq(audit_checkpoint(txn, &size, &note), OK);
    ck_assert_uint_eq(size, LEAVES_MOST);
    ck_assert(span_equal(note, span_text("note 200")));
    store_read_end(txn);
    store_close(store);
}
END_TEST

START_TEST(aborted_leaves_leave_no_trace_in_the_tree)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    grow(store, 0, 13);
    for (unsigned round = 0; round < 4; round++) {
        struct store_txn *txn = begin(store);
        for (uint64_t i = 0; i < 20; i++) {
            (void)add_leaf(txn, 900 + i + round, span_of(NULL, 0));
        }
        if (round % 2 == 0) {
            seal(txn, 1); /* the other nodes were cached already */
        }
        store_abort(txn);
    }
    grow(store, 13, 40);
    struct buf bytes;
    all_receipts(store, 40, &bytes);
    buf_free(&bytes);
    store_close(store);
}
END_TEST

START_TEST(entries_hold_what_was_given)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    uint8_t *big = calloc(1, AUDIT_ENVELOPE_BYTES);
    ck_assert_ptr_nonnull(big);
    memset(big, 0xA7, AUDIT_ENVELOPE_BYTES);
    struct store_txn *txn = begin(store);
    struct audit_leaf leaf = {.record = span_of(big, AUDIT_RECORD_BYTES),
                              .envelope = span_of(big, AUDIT_ENVELOPE_BYTES),
                              .trail = AUDIT_NONE};
    uint64_t index = 0;
    struct digest hash;
    ck_assert_int_eq(audit_append(txn, &leaf, &index, &hash), OK);
    leaf.trail = index;
    leaf.record.len = 1;
    leaf.envelope.len = 0;
    ck_assert_int_eq(audit_append(txn, &leaf, &index, &hash), OK);
    leaf.record.len = AUDIT_RECORD_BYTES + 1;
    ck_assert_int_eq(audit_append(txn, &leaf, &index, &hash), ERR_TOO_LARGE);
    leaf.record.len = 1;
    leaf.envelope.len = AUDIT_ENVELOPE_BYTES + 1;
    ck_assert_int_eq(audit_append(txn, &leaf, &index, &hash), ERR_TOO_LARGE);
    seal(txn, 3);
    commit(txn);
    txn = snapshot(store);
    struct audit_entry entry;
    ck_assert_int_eq(audit_read(txn, 0, &entry), OK);
    ck_assert_uint_eq(entry.record.len, AUDIT_RECORD_BYTES);
    ck_assert_uint_eq(entry.envelope.len, AUDIT_ENVELOPE_BYTES);
    ck_assert_mem_eq(entry.envelope.data, big, AUDIT_ENVELOPE_BYTES);
    ck_assert_uint_eq(entry.trail, AUDIT_NONE);
    ck_assert_uint_eq(entry.commit_size, 2);
    ck_assert_uint_eq(entry.note.len, 0);
    ck_assert_int_eq(audit_read(txn, 1, &entry), OK);
    ck_assert_uint_eq(entry.trail, 0);
    ck_assert_uint_eq(entry.envelope.len, 0);
    ck_assert(span_equal(entry.note, span_text("note 3")));
    store_read_end(txn);
    store_close(store);
    free(big);
}
END_TEST

START_TEST(a_turn_has_a_bound)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    uint8_t *big = calloc(1, AUDIT_ENVELOPE_BYTES);
    ck_assert_ptr_nonnull(big);
    struct audit_leaf leaf = {.record = span_of(big, 100),
                              .envelope = span_of(big, AUDIT_ENVELOPE_BYTES),
                              .trail = AUDIT_NONE};
    struct store_txn *txn = begin(store);
    uint64_t index = 0;
    struct digest hash;
    enum err error = OK;
    while (error == OK) {
        error = audit_append(txn, &leaf, &index, &hash);
    }
    ck_assert_int_eq(error, ERR_FULL);
    ck_assert_uint_ge(audit_pending_bytes(txn), AUDIT_PENDING_BYTES - 2 * AUDIT_ENVELOPE_BYTES);
    ck_assert_uint_le(audit_pending_bytes(txn), AUDIT_PENDING_BYTES);
    seal(txn, 1); /* what was taken is still good */
    commit(txn);
    txn = snapshot(store);
    uint64_t size = 0;
    ck_assert_int_eq(audit_size(txn, &size), OK);
    ck_assert_uint_eq(size, index + 1);
    store_read_end(txn);
    store_close(store);
    free(big);
}
END_TEST

/* Every byte of an entry but the envelope's is authenticated; the envelope's digest is in the
 * record, which its reader compares. */
START_TEST(every_changed_byte_of_an_entry_is_found)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    grow(store, 0, 3); /* commits of 1 and 2 */
    store_close(store);
    static const uint64_t indices[] = {1, 2};
    for (size_t i = 0; i < COUNT_OF(indices); i++) {
        uint8_t key[8];
        be64_put(key, indices[i]);
        size_t len = raw_flip("log", span_of(key, 8), SIZE_MAX, 0);
        size_t covered = len - strlen("envelope");
        for (size_t at = 0; at < covered; at++) {
            (void)raw_flip("log", span_of(key, 8), at, (uint8_t)(1u << (at % 8)));
            struct fault fault = {.code = ""};
            enum err opened = store_open(folder_path(0, "store"), &options, &store, &fault);
            if (opened == OK) {
                struct store_txn *txn = snapshot(store);
                struct audit_entry entry;
                ck_assert_int_eq(audit_read(txn, indices[i], &entry), ERR_CORRUPT);
                ck_assert_ptr_nonnull(strstr(store_damage(txn), "log "));
                store_read_end(txn);
                store_close(store);
            } else { /* the tree's frontier lies in it */
                ck_assert_int_eq(opened, ERR_CORRUPT);
                ck_assert_str_eq(fault.code, "store.log-damaged");
            }
            (void)raw_flip("log", span_of(key, 8), at, (uint8_t)(1u << (at % 8)));
        }
    }
    store_close(open_store(&options));
}
END_TEST

START_TEST(hostile_lengths_are_never_trusted)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    grow(store, 0, 3);
    store_close(store);
    uint8_t key[8];
    be64_put(key, 1);
    uint8_t bytes[2048];
    struct span raw = raw_get("log", span_of(key, 8), bytes, sizeof(bytes));
    for (size_t len = 0; len < raw.len; len++) { /* cut at every length */
        raw_put("log", span_of(key, 8), span_of(bytes, len));
        ck_assert_int_eq(store_open_reader(folder_path(0, "store"), &store, NULL), OK);
        struct store_txn *txn = snapshot(store);
        struct audit_entry entry;
        ck_assert_int_eq(audit_read(txn, 1, &entry), ERR_CORRUPT);
        struct audit_walk walk;
        ck_assert_int_eq(audit_walk_open(txn, 0, &walk), OK);
        ck_assert_int_eq(audit_walk_next(&walk, &entry), OK);
        ck_assert_int_eq(audit_walk_next(&walk, &entry), ERR_CORRUPT);
        ck_assert_uint_eq(walk.next, 2);
        ck_assert_int_eq(audit_walk_next(&walk, &entry), OK);
        ck_assert_uint_eq(entry.index, 2);
        ck_assert_int_eq(audit_walk_next(&walk, &entry), ERR_NOT_FOUND);
        audit_walk_close(&walk);
        store_read_end(txn);
        store_close(store);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("audit");
    TCase *cases = tcase_create("audit");
    tcase_add_checked_fixture(cases, setup, folder_teardown);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, empty_log_has_the_empty_root);
    tcase_add_loop_test(cases, every_path_and_proof_is_the_rfcs, 0, 2);
    tcase_add_test(cases, receipts_stay_the_same_bytes);
    tcase_add_test(cases, aborted_leaves_leave_no_trace_in_the_tree);
    tcase_add_test(cases, entries_hold_what_was_given);
    tcase_add_test(cases, a_turn_has_a_bound);
    tcase_add_test(cases, every_changed_byte_of_an_entry_is_found);
    tcase_add_test(cases, hostile_lengths_are_never_trusted);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void)
{
    return suite_run(suite());
}
