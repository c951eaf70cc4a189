/* lib/store/journal and replica: a copy made in pages while the other store goes on, and then fed
 * with its journal, is that store, whatever the order of copying and writing was; what does not
 * follow, or is not under the key, is refused and changes nothing. */
#include <stdio.h>
#include <string.h>

#include "store/replica.h"
#include "store_support.h"

#define KEEP ((uint64_t)8 * 1024 * 1024)

static uint64_t seed = 1;

static uint64_t chance(uint64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
}

static struct store *open_at(const char *name, uint64_t journal_bytes)
{
    struct store_options options = broker_options();
    struct store *store = NULL;
    struct fault fault = {.code = ""};
    options.journal_bytes = journal_bytes;
    ck_assert_msg(store_open(folder_path(0, name), &options, &store, &fault) == OK, "%s %s",
                  fault.place, fault.message);
    return store;
}

static uint64_t leaves;

/* Some rows put, some removed, some leaves. */
static void write_some(struct store *store)
{
    static const enum store_table tables[] = {STORE_CASE, STORE_DEDUPE, STORE_QUEUE, STORE_META};
    struct store_txn *txn = begin(store);
    for (uint64_t i = 0; i < 1 + chance(6); i++) {
        enum store_table table = tables[chance(COUNT_OF(tables))];
        char key[24];
        char value[32];
        (void)snprintf(key, sizeof(key), "=%llu", (unsigned long long)chance(40));
        (void)snprintf(value, sizeof(value), "%llu", (unsigned long long)chance(1000000));
        if (chance(3) == 0) {
            enum err error = store_remove(txn, table, span_text(key));
            ck_assert(error == OK || error == ERR_NOT_FOUND);
        } else {
            ck_assert_int_eq(store_put(txn, table, span_text(key), span_text(value)), OK);
        }
    }
    uint64_t count = chance(4);
    for (uint64_t i = 0; i < count; i++) {
        (void)add_leaf(txn, leaves++, span_text("envelope"));
    }
    if (count > 0) {
        seal(txn, leaves);
    }
    commit(txn);
}

static struct journal_state state_of(const struct store *store)
{
    struct journal_state state;
    ck_assert_int_eq(store_journal_state(store, &state), OK);
    return state;
}

/* Its parts together. */
static void transaction_of(struct store *store, uint64_t number, struct buf *out)
{
    struct store_txn *txn = snapshot(store);
    struct buf raw;
    uint16_t parts = 1;
    buf_init(&raw, JOURNAL_PART_BYTES + 100);
    buf_init(out, (size_t)64 * 1024 * 1024);
    for (uint16_t part = 0; part < parts; part++) {
        struct journal_place place = {number, part};
        buf_clear(&raw);
        ck_assert_int_eq(store_journal_part(txn, place, &raw, &parts), OK);
        ck_assert_int_eq(replica_part(store, place, span_buf(&raw), out, &parts), OK);
    }
    store_read_end(txn);
    buf_free(&raw);
}

static enum err feed(struct store *from, struct store *to, uint64_t number)
{
    struct buf bytes;
    transaction_of(from, number, &bytes);
    struct replica_transaction transaction = {number, span_buf(&bytes)};
    enum err error = replica_apply(to, &transaction, 1);
    buf_free(&bytes);
    return error;
}

static struct replica_state replica_of(struct store *store)
{
    struct replica_state state;
    struct store_txn *txn = snapshot(store);
    ck_assert_int_eq(replica_state_get(txn, &state), OK);
    store_read_end(txn);
    return state;
}

/* All rows of a table in a few bytes a call, with writes between the calls. */
static void copy_table(struct store *from, struct store *to, enum store_table table)
{
    struct buf rows, next, after;
    enum err error = OK;
    unsigned writes = 5;
    buf_init(&rows, 1024 * 1024);
    buf_init(&next, STORE_KEY_BYTES_MAX);
    buf_init(&after, STORE_KEY_BYTES_MAX);
    while (error == OK) {
        struct store_txn *txn = snapshot(from);
        buf_clear(&rows);
        buf_clear(&next);
        error =
            store_rows_pack(txn, (struct journal_from){table, span_buf(&after)}, 300, &rows, &next);
        store_read_end(txn);
        if (error == OK) {
            ck_assert_int_eq(replica_rows(to, table, span_buf(&rows)), OK);
            buf_clear(&after);
            ck_assert_int_eq(buf_append(&after, next.data, next.len), OK);
            if (writes > 0) { /* else a page a leaf would never reach the end of the log */
                writes--;
                write_some(from);
            }
        }
    }
    ck_assert_int_eq(error, ERR_NOT_FOUND);
    buf_free(&rows);
    buf_free(&next);
    buf_free(&after);
}

/* Every row of one is in the other. */
static void compare(struct store *a, struct store *b)
{
    for (unsigned i = 0; i < STORE_TABLE_COUNT; i++) {
        struct buf left, right, next;
        enum store_table table = (enum store_table)i;
        if (i == STORE_JOURNAL) {
            continue;
        }
        buf_init(&left, 16 * 1024 * 1024);
        buf_init(&right, 16 * 1024 * 1024);
        buf_init(&next, STORE_KEY_BYTES_MAX);
        struct journal_from all = {table, span_of(NULL, 0)};
        struct store_txn *txn = snapshot(a);
        enum err error = store_rows_pack(txn, all, 16 * 1024 * 1024, &left, &next);
        store_read_end(txn);
        txn = snapshot(b);
        ck_assert_int_eq(store_rows_pack(txn, all, 16 * 1024 * 1024, &right, &next), error);
        store_read_end(txn);
        ck_assert_msg(span_equal(span_buf(&left), span_buf(&right)), "table %u differs", i);
        buf_free(&left);
        buf_free(&right);
        buf_free(&next);
    }
}

static void copy_all(struct store *from, struct store *to)
{
    struct journal_state state = state_of(from);
    ck_assert_int_eq(replica_begin(to, state.epoch, state.last), OK);
    for (unsigned i = 0; i < STORE_TABLE_COUNT; i++) {
        if (i != STORE_JOURNAL) {
            copy_table(from, to, (enum store_table)i);
        }
    }
    ck_assert_int_eq(replica_copied(to, state_of(from).last), OK);
}

START_TEST(test_a_copy_under_way_becomes_the_store)
{
    seed = (uint64_t)_i + 1;
    struct store *from = open_at("from", KEEP);
    struct store *to = open_at("to", 0);
    uint64_t commits = chance(60);
    for (uint64_t i = 0; i < commits; i++) {
        write_some(from);
    }
    copy_all(from, to);
    struct journal_state state = state_of(from);
    while (replica_of(to).applied < state.last) {
        ck_assert(!replica_of(to).whole || replica_of(to).applied >= replica_of(to).target);
        ck_assert_int_eq(feed(from, to, replica_of(to).applied + 1), OK);
    }
    ck_assert(replica_of(to).whole);
    compare(from, to);
    for (unsigned i = 0; i < 20; i++) { /* and it follows */
        write_some(from);
        ck_assert_int_eq(feed(from, to, state_of(from).last), OK);
        compare(from, to);
    }
    /* opened anew, it follows still, and is nobody's broker before replica_end */
    store_close(to);
    to = open_at("to", KEEP);
    struct journal_state none;
    ck_assert_int_eq(store_journal_state(to, &none), ERR_NOT_FOUND);
    ck_assert(replica_of(to).whole);
    struct store_txn *txn = begin(to);
    ck_assert_int_eq(replica_end(txn), OK);
    (void)add_leaf(txn, leaves, span_of(NULL, 0));
    seal(txn, leaves);
    commit(txn);
    store_close(to);
    to = open_at("to", KEEP);
    ck_assert_int_eq(store_journal_state(to, &none), OK);
    store_close(to);
    store_close(from);
}
END_TEST

START_TEST(test_what_does_not_follow_changes_nothing)
{
    struct store *from = open_at("from", KEEP);
    struct store *to = open_at("to", 0);
    for (unsigned i = 0; i < 3; i++) {
        write_some(from);
    }
    copy_all(from, to);
    struct replica_state before = replica_of(to);
    while (state_of(from).last < before.applied + 2) {
        write_some(from);
    }
    ck_assert_int_eq(feed(from, to, before.applied + 2), ERR_INVALID);
    ck_assert_int_eq(feed(from, to, before.applied), ERR_INVALID);
    /* every bit of a part counts, and its place */
    struct store_txn *txn = snapshot(from);
    struct journal_place place = {before.applied + 1, 0}, other = {before.applied + 2, 0};
    struct buf raw, out;
    uint16_t parts = 0;
    buf_init(&raw, JOURNAL_PART_BYTES + 100);
    buf_init(&out, JOURNAL_PART_BYTES + 100);
    ck_assert_int_eq(store_journal_part(txn, place, &raw, &parts), OK);
    store_read_end(txn);
    ck_assert_int_eq(replica_part(to, other, span_buf(&raw), &out, &parts), ERR_CORRUPT);
    for (size_t i = 0; i < raw.len; i++) {
        raw.data[i] ^= 0x10;
        ck_assert_int_eq(replica_part(to, place, span_buf(&raw), &out, &parts), ERR_CORRUPT);
        raw.data[i] ^= 0x10;
        ck_assert_int_eq(replica_part(to, place, span_of(raw.data, i), &out, &parts), ERR_CORRUPT);
    }
    ck_assert_uint_eq(out.len, 0);
    ck_assert_int_eq(replica_part(to, place, span_buf(&raw), &out, &parts), OK);
    /* under the key, and all the same no transaction */
    uint8_t short_one[3] = {1}, no_version[9] = {7};
    uint8_t no_table[] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 99, 0, 1, 0, 0, 0, 0, 'k'};
    const struct span bad[] = {span_of(short_one, 3), span_of(no_version, 9),
                               span_of(no_table, sizeof(no_table)), span_of(out.data, out.len - 1)};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct replica_transaction transaction = {before.applied + 1, bad[i]};
        ck_assert_msg(replica_apply(to, &transaction, 1) == ERR_CORRUPT, "%zu", i);
        ck_assert_uint_eq(replica_of(to).applied, before.applied);
    }
    buf_free(&raw);
    buf_free(&out);
    store_close(to);
    store_close(from);
}
END_TEST

START_TEST(test_the_oldest_go)
{
    struct store *from = open_at("from", 20000);
    for (unsigned i = 0; i < 400; i++) {
        write_some(from);
    }
    struct journal_state state = state_of(from);
    ck_assert_uint_gt(state.oldest, 1);
    ck_assert_uint_lt(state.oldest, state.last);
    struct store_txn *txn = snapshot(from);
    struct buf bytes;
    uint16_t parts = 0;
    buf_init(&bytes, 1024 * 1024);
    ck_assert_int_eq(
        store_journal_part(txn, (struct journal_place){state.oldest - 1, 0}, &bytes, &parts),
        ERR_NOT_FOUND);
    for (uint64_t number = state.oldest; number <= state.last; number++) {
        ck_assert_int_eq(store_journal_part(txn, (struct journal_place){number, 0}, &bytes, &parts),
                         OK);
    }
    ck_assert_uint_lt(bytes.len, 25000);
    buf_free(&bytes);
    store_read_end(txn);
    store_close(from);
    from = open_at("from", 20000); /* found again */
    struct journal_state again = state_of(from);
    ck_assert_mem_eq(&state, &again, sizeof(state));
    store_close(from);
}
END_TEST

START_TEST(test_a_commit_without_a_journal_ends_the_epoch)
{
    struct store *from = open_at("from", KEEP);
    write_some(from);
    struct journal_state first = state_of(from);
    store_close(from);
    from = open_at("from", 0);
    write_some(from);
    store_close(from);
    from = open_at("from", KEEP);
    struct journal_state second = state_of(from);
    ck_assert_mem_ne(first.epoch, second.epoch, JOURNAL_EPOCH_BYTES);
    ck_assert_uint_eq(second.last, 0);
    store_close(from);
}
END_TEST

START_TEST(test_a_large_transaction_comes_in_parts)
{
    struct store *from = open_at("from", KEEP);
    struct store *to = open_at("to", 0);
    copy_all(from, to);
    while (replica_of(to).applied < state_of(from).last) {
        ck_assert_int_eq(feed(from, to, replica_of(to).applied + 1), OK);
    }
    static uint8_t large[700000];
    struct store_txn *txn = begin(from);
    ck_assert_int_eq(store_put(txn, STORE_CASE, span_text("large"), span_of(large, sizeof(large))),
                     OK);
    commit(txn);
    struct buf bytes;
    uint16_t parts = 0;
    buf_init(&bytes, 1024 * 1024);
    txn = snapshot(from);
    ck_assert_int_eq(
        store_journal_part(txn, (struct journal_place){state_of(from).last, 0}, &bytes, &parts),
        OK);
    ck_assert_uint_eq(parts, 6);
    store_read_end(txn);
    buf_free(&bytes);
    ck_assert_int_eq(feed(from, to, state_of(from).last), OK);
    compare(from, to);
    store_close(to);
    store_close(from);
}
END_TEST

START_TEST(test_an_abort_leaves_no_trace)
{
    struct store *from = open_at("from", KEEP);
    write_some(from);
    struct journal_state before = state_of(from);
    struct store_txn *txn = begin(from);
    ck_assert_int_eq(store_put(txn, STORE_CASE, span_text("x"), span_text("y")), OK);
    store_abort(txn);
    struct journal_state after = state_of(from);
    ck_assert_mem_eq(&before, &after, sizeof(before));
    write_some(from);
    struct buf bytes;
    transaction_of(from, before.last + 1, &bytes);
    ck_assert_ptr_null(memmem(bytes.data, bytes.len, "\x05\x00\x01", 3) == bytes.data + 9
                           ? bytes.data
                           : NULL); /* its first change is not that of the aborted one */
    buf_free(&bytes);
    store_close(from);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("journal");
    TCase *tests = tcase_create("journal");
    tcase_add_checked_fixture(tests, folder_setup, folder_teardown);
    tcase_add_loop_test(tests, test_a_copy_under_way_becomes_the_store, 0, 4);
    tcase_add_test(tests, test_what_does_not_follow_changes_nothing);
    tcase_add_test(tests, test_the_oldest_go);
    tcase_add_test(tests, test_a_commit_without_a_journal_ends_the_epoch);
    tcase_add_test(tests, test_a_large_transaction_comes_in_parts);
    tcase_add_test(tests, test_an_abort_leaves_no_trace);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
