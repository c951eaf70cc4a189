/* lib/store/queue and dedupe: streams against a plain array, numbers that outlive their rows. */
#include <string.h>

#include "store/dedupe.h"
#include "store/queue.h"
#include "store_support.h"

static const struct queue_stream stream = {.recipient = 300, .lane = 2};

static struct digest some_hash(uint64_t number)
{
    return crypto_digest(span_of(&number, sizeof(number)));
}

static void put(struct store_txn *txn, struct queue_stream to, uint64_t seq, uint64_t ms)
{
    struct queue_item item = {.stream = to,
                              .seq = seq,
                              .leaf = seq * 10,
                              .message_id = make_id(seq),
                              .queued_ms = ms,
                              .envelope_bytes = (uint32_t)seq + 7,
                              .wants_receipt = seq % 2 == 0};
    struct digest hash = some_hash(seq);
    ck_assert_int_eq(queue_put(txn, &item, &hash), OK);
}

static struct store *fresh(void)
{
    struct store_options options = broker_options();
    return open_store(&options);
}

START_TEST(unused_stream_begins_at_one)
{
    struct store *store = fresh();
    struct store_txn *txn = _i == 0 ? begin(store) : snapshot(store);
    struct queue_state state;
    ck_assert_int_eq(queue_state(txn, stream, &state), OK);
    ck_assert_uint_eq(state.next_seq, 1);
    ck_assert_uint_eq(state.count, 0);
    static const uint8_t zero[DIGEST_BYTES];
    ck_assert_mem_eq(state.previous.bytes, zero, DIGEST_BYTES);
    struct queue_item item;
    ck_assert_int_eq(queue_after(txn, stream, 0, &item), ERR_NOT_FOUND);
    ck_assert_int_eq(queue_after(txn, stream, UINT64_MAX, &item), ERR_NOT_FOUND);
    ck_assert_int_eq(queue_get(txn, stream, 1, &item), ERR_NOT_FOUND);
    uint64_t count = 9;
    uint64_t oldest_ms = 9;
    ck_assert_int_eq(queue_waiting(txn, 300, &count, &oldest_ms), OK);
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(oldest_ms, 0);
    if (_i == 0) {
        ck_assert_int_eq(queue_remove(txn, stream, 1), ERR_NOT_FOUND);
        commit(txn);
    } else {
        store_read_end(txn);
    }
    store_close(store);
}
END_TEST

START_TEST(items_come_back_as_given)
{
    struct store *store = fresh();
    struct store_txn *txn = begin(store);
    put(txn, stream, 1, 1000);
    put(txn, stream, 2, 2000);
    commit(txn);
    txn = snapshot(store);
    struct queue_item item;
    ck_assert_int_eq(queue_after(txn, stream, 1, &item), OK);
    struct uuid id = make_id(2);
    ck_assert_uint_eq(item.stream.recipient, 300);
    ck_assert_uint_eq(item.stream.lane, 2);
    ck_assert_uint_eq(item.seq, 2);
    ck_assert_uint_eq(item.leaf, 20);
    ck_assert(uuid_equal(&item.message_id, &id));
    ck_assert_uint_eq(item.queued_ms, 2000);
    ck_assert_uint_eq(item.envelope_bytes, 9);
    ck_assert(item.wants_receipt);
    ck_assert_int_eq(queue_get(txn, stream, 1, &item), OK);
    ck_assert(!item.wants_receipt);
    struct queue_state state;
    struct digest hash = some_hash(2);
    ck_assert_int_eq(queue_state(txn, stream, &state), OK);
    ck_assert_mem_eq(state.previous.bytes, hash.bytes, DIGEST_BYTES);
    store_read_end(txn);
    store_close(store);
}
END_TEST

START_TEST(streams_do_not_mix)
{
    static const struct queue_stream others[] = {
        {.recipient = 300, .lane = 1}, {.recipient = 300, .lane = 3},
        {.recipient = 299, .lane = 2}, {.recipient = 301, .lane = 0},
        {.recipient = 0, .lane = 0},   {.recipient = 65535, .lane = 3},
    };
    struct store *store = fresh();
    struct store_txn *txn = begin(store);
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        put(txn, others[i], 1, 500 + i);
    }
    struct queue_item item;
    ck_assert_int_eq(queue_after(txn, stream, 0, &item), ERR_NOT_FOUND);
    put(txn, stream, 1, 400);
    ck_assert_int_eq(queue_after(txn, stream, 0, &item), OK);
    ck_assert_int_eq(queue_after(txn, stream, 1, &item), ERR_NOT_FOUND);
    uint64_t count = 0;
    uint64_t oldest_ms = 0;
    ck_assert_int_eq(queue_waiting(txn, 300, &count, &oldest_ms), OK);
    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(oldest_ms, 400);
    commit(txn);
    store_close(store);
}
END_TEST

START_TEST(numbers_outlive_rows_commits_and_reopening)
{
    struct store *store = fresh();
    bool waits[400] = {false};
    uint64_t next = 1;
    uint64_t waiting = 0;
    uint64_t seed = 12345;
    for (unsigned round = 0; round < 40; round++) {
        struct store_txn *txn = begin(store);
        bool keep = round % 5 != 4;
        bool before[400];
        memcpy(before, waits, sizeof(waits));
        uint64_t next_before = next;
        uint64_t waiting_before = waiting;
        for (unsigned i = 0; i < 8; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            uint64_t seq = (seed >> 33) % next;
            if ((seed >> 20) % 3 == 0 && seq > 0) {
                ck_assert_int_eq(queue_remove(txn, stream, seq), waits[seq] ? OK : ERR_NOT_FOUND);
                waiting -= waits[seq] ? 1 : 0;
                waits[seq] = false;
            } else {
                put(txn, stream, next, 1000 + next);
                waits[next] = true;
                waiting++;
                next++;
            }
        }
        if (keep) {
            commit(txn);
        } else {
            store_abort(txn);
            memcpy(waits, before, sizeof(waits));
            next = next_before;
            waiting = waiting_before;
        }
        if (round % 7 == 6) {
            store_close(store);
            store = fresh();
        }
        txn = snapshot(store);
        struct queue_state state;
        ck_assert_int_eq(queue_state(txn, stream, &state), OK);
        ck_assert_uint_eq(state.next_seq, next);
        ck_assert_uint_eq(state.count, waiting);
        uint64_t at = 0;
        struct queue_item item;
        for (uint64_t seq = 1; seq < next; seq++) {
            if (waits[seq]) {
                ck_assert_int_eq(queue_after(txn, stream, at, &item), OK);
                ck_assert_uint_eq(item.seq, seq);
                at = seq;
            }
        }
        ck_assert_int_eq(queue_after(txn, stream, at, &item), ERR_NOT_FOUND);
        store_read_end(txn);
    }
    store_close(store);
}
END_TEST

START_TEST(used_ids_are_known_by_sender)
{
    struct store *store = fresh();
    struct store_txn *txn = begin(store);
    struct uuid id = make_id(1);
    struct uuid other = make_id(2);
    struct dedupe_row row = {.digest = some_hash(1), .leaf = 77};
    struct dedupe_row found;
    ck_assert_int_eq(dedupe_find(txn, 3, &id, &found), ERR_NOT_FOUND);
    ck_assert_int_eq(dedupe_add(txn, 3, &id, &row), OK);
    ck_assert_int_eq(dedupe_find(txn, 3, &id, &found), OK);
    ck_assert_uint_eq(found.leaf, 77);
    ck_assert_mem_eq(found.digest.bytes, row.digest.bytes, DIGEST_BYTES);
    row.leaf = 78;
    ck_assert_int_eq(dedupe_add(txn, 3, &id, &row), ERR_EXISTS);
    ck_assert_int_eq(dedupe_find(txn, 4, &id, &found), ERR_NOT_FOUND);
    ck_assert_int_eq(dedupe_find(txn, 3, &other, &found), ERR_NOT_FOUND);
    uint64_t leaf = 0;
    struct dedupe_row conflict = {.digest = some_hash(2), .leaf = 90};
    ck_assert_int_eq(dedupe_find_conflict(txn, 3, &id, &conflict.digest, &leaf), ERR_NOT_FOUND);
    ck_assert_int_eq(dedupe_add_conflict(txn, 3, &id, &conflict), OK);
    ck_assert_int_eq(dedupe_find_conflict(txn, 3, &id, &conflict.digest, &leaf), OK);
    ck_assert_uint_eq(leaf, 90);
    ck_assert_int_eq(dedupe_find_conflict(txn, 3, &id, &row.digest, &leaf), ERR_NOT_FOUND);
    commit(txn); /* the transaction is good after ERR_EXISTS */
    txn = snapshot(store);
    ck_assert_int_eq(dedupe_find(txn, 3, &id, &found), OK);
    ck_assert_uint_eq(found.leaf, 77);
    store_read_end(txn);
    store_close(store);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("queue");
    TCase *cases = tcase_create("queue");
    tcase_add_checked_fixture(cases, folder_setup, folder_teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, unused_stream_begins_at_one, 0, 2);
    tcase_add_test(cases, items_come_back_as_given);
    tcase_add_test(cases, streams_do_not_mix);
    tcase_add_test(cases, numbers_outlive_rows_commits_and_reopening);
    tcase_add_test(cases, used_ids_are_known_by_sender);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void)
{
    return suite_run(suite());
}
