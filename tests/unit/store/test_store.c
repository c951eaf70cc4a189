/* lib/store/store: opening and refusing, protected records, damage of every byte, crashes, a full
 * map. Damage is done through LMDB or the file itself, never through the store. */
#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/due.h"
#include "store/queue.h"
#include "store_support.h"

#define ROW "row"

static struct span text(const char *bytes)
{
    return span_text(bytes);
}

static void put_row(struct store *store, enum store_table table, const char *value)
{
    struct store_txn *txn = begin(store);
    ck_assert_int_eq(store_put(txn, table, text(ROW), text(value)), OK);
    commit(txn);
}

/* --- opening --- */

START_TEST(absent_store_is_not_found_and_nothing_is_made)
{
    struct store_options options = broker_options();
    options.create = false;
    struct store *store = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(store_open(folder_path(0, "store"), &options, &store, &fault), ERR_NOT_FOUND);
    ck_assert_str_eq(fault.code, "store.not-found");
    ck_assert_int_ne(access(folder_path(0, "store"), F_OK), 0);
    ck_assert_int_eq(store_open_reader(folder_path(0, "store"), &store, &fault), ERR_NOT_FOUND);
}
END_TEST

/* A daemon that could not read its store said "the broker did not start", and not what to do. */
START_TEST(a_damage_that_nobody_explained_had_no_words)
{
    struct fault fault = {.code = ""};
    store_say_damage("/srv/store", &fault);
    ck_assert_str_eq(fault.code, "store.corrupt");
    ck_assert_str_eq(fault.place, "/srv/store");
    ck_assert(strstr(fault.hint, "restore") != NULL);
    fault_set(&fault, "store.damaged", "", "page 7");
    store_say_damage("/srv/store", &fault);
    ck_assert_str_eq(fault.code, "store.damaged"); /* what was said is kept */
}
END_TEST

START_TEST(created_with_its_parents_and_opened_again)
{
    struct store_options options = broker_options();
    struct store *store = NULL;
    const char *path = folder_path(0, "a/b/store/");
    ck_assert_int_eq(store_open(path, &options, &store, NULL), OK);
    put_row(store, STORE_CASE, "kept");
    ck_assert_uint_eq(store_used_percent(store), 0);
    store_close(store);
    ck_assert_int_ne(access(folder_path(1, "a/b/store.new"), F_OK), 0);
    options.create = false;
    ck_assert_int_eq(store_open(path, &options, &store, NULL), OK);
    struct store_txn *txn = snapshot(store);
    struct span value;
    ck_assert_int_eq(store_get(txn, STORE_CASE, text(ROW), &value), OK);
    ck_assert(span_equal(value, text("kept")));
    store_read_end(txn);
    store_close(store);
}
END_TEST

START_TEST(half_made_store_is_made_anew)
{
    ck_assert_int_eq(mkdir(folder_path(0, "store.new"), 0700), 0);
    file_put(folder_path(0, "store.new/data.mdb"), (const uint8_t *)"half", 4);
    struct store_options options = broker_options();
    store_close(open_store(&options));
}
END_TEST

START_TEST(folder_with_other_files_is_left_alone)
{
    ck_assert_int_eq(mkdir(folder_path(0, "store"), 0700), 0);
    file_put(folder_path(0, "store/letter"), (const uint8_t *)"dear", 4);
    struct store_options options = broker_options();
    struct store *store = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(store_open(folder_path(0, "store"), &options, &store, &fault), ERR_EXISTS);
    ck_assert_str_eq(fault.code, "store.folder-used");
    ck_assert_int_eq(access(folder_path(0, "store/letter"), F_OK), 0);
    ck_assert_int_ne(access(folder_path(0, "store.new"), F_OK), 0);
}
END_TEST

START_TEST(reserved_space_is_taken_at_once)
{
    struct store_options options = broker_options();
    options.map_bytes = 8u << 20;
    options.reserve = true;
    struct store *store = open_store(&options);
    struct stat info;
    ck_assert_int_eq(stat(folder_path(0, "store/data.mdb"), &info), 0);
    ck_assert_uint_ge((uint64_t)info.st_blocks * 512, 8u << 20);
    store_close(store);
}
END_TEST

START_TEST(second_writer_is_told_who_holds_the_store)
{
    struct store_options options = broker_options();
    struct store *first = open_store(&options);
    struct store *second = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(store_open(folder_path(0, "store"), &options, &second, &fault), ERR_BUSY);
    ck_assert_str_eq(fault.code, "store.in-use");
    char pid[24];
    (void)snprintf(pid, sizeof(pid), "process %ld ", (long)getpid());
    ck_assert_ptr_nonnull(strstr(fault.message, pid));
    store_close(first);
    store_close(open_store(&options));
}
END_TEST

START_TEST(wrong_key_is_refused)
{
    struct store_options options = broker_options();
    if (_i == 1) {
        options = agent_options();
    }
    store_close(open_store(&options));
    options.mac_key.bytes[31] ^= 1;
    options.seal_key[0] ^= 0x80;
    struct store *store = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(store_open(folder_path(0, "store"), &options, &store, &fault), ERR_FORGED);
    ck_assert_str_eq(fault.code, "store.wrong-key");
}
END_TEST

START_TEST(store_of_the_other_kind_is_refused)
{
    struct store_options options = agent_options();
    store_close(open_store(&options));
    options = broker_options();
    struct store *store = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(store_open(folder_path(0, "store"), &options, &store, &fault), ERR_INVALID);
    ck_assert_str_eq(fault.code, "store.kind");
    ck_assert_int_eq(store_open_reader(folder_path(0, "store"), &store, &fault), ERR_INVALID);
}
END_TEST

START_TEST(unknown_schema_is_refused_and_kept)
{
    struct store_options options = broker_options();
    store_close(open_store(&options));
    uint8_t schema[64];
    struct span value = raw_get("meta", text("schema"), schema, sizeof(schema));
    schema[value.len - 2] = 2; /* the last byte of the version */
    raw_put("meta", text("schema"), value);
    size_t before_len = 0;
    uint8_t *before = file_bytes(folder_path(0, "store/data.mdb"), &before_len);
    struct store *store = NULL;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(store_open(folder_path(0, "store"), &options, &store, &fault), ERR_VERSION);
    ck_assert_ptr_nonnull(strstr(fault.message, "version 2"));
    ck_assert_uint_gt(strlen(fault.hint), 0);
    size_t after_len = 0;
    uint8_t *after = file_bytes(folder_path(0, "store/data.mdb"), &after_len);
    ck_assert_uint_eq(before_len, after_len);
    ck_assert_mem_eq(before, after, after_len);
    free(before);
    free(after);
}
END_TEST

START_TEST(every_changed_byte_of_schema_and_key_check_is_refused)
{
    static const char *const rows[] = {"schema", "key-check"};
    struct store_options options = broker_options();
    store_close(open_store(&options));
    for (size_t row = 0; row < COUNT_OF(rows); row++) {
        size_t len = raw_flip("meta", text(rows[row]), SIZE_MAX, 0);
        for (size_t at = 0; at < len; at++) {
            (void)raw_flip("meta", text(rows[row]), at, 1);
            struct store *store = NULL;
            ck_assert_int_ne(store_open(folder_path(0, "store"), &options, &store, NULL), OK);
            (void)raw_flip("meta", text(rows[row]), at, 1);
        }
    }
    store_close(open_store(&options));
}
END_TEST

/* --- records --- */

static const enum store_table both_tables[] = {STORE_META, STORE_CASE, STORE_NUMBER, STORE_DUE};

START_TEST(put_get_remove_in_both_kinds)
{
    struct store_options options = _i == 0 ? broker_options() : agent_options();
    struct store *store = open_store(&options);
    struct store_txn *txn = begin(store);
    struct span value;
    for (size_t i = 0; i < COUNT_OF(both_tables); i++) {
        enum store_table table = both_tables[i];
        ck_assert_int_eq(store_get(txn, table, text(ROW), &value), ERR_NOT_FOUND);
        ck_assert_int_eq(store_remove(txn, table, text(ROW)), ERR_NOT_FOUND);
        ck_assert_int_eq(store_put(txn, table, text(ROW), text("one")), OK);
        ck_assert_int_eq(store_add(txn, table, text(ROW), text("two")), ERR_EXISTS);
        ck_assert_int_eq(store_get(txn, table, text(ROW), &value), OK);
        ck_assert(span_equal(value, text("one")));
        ck_assert_int_eq(store_put(txn, table, text(ROW), text("")), OK);
        ck_assert_int_eq(store_get(txn, table, text(ROW), &value), OK);
        ck_assert_uint_eq(value.len, 0);
        ck_assert_int_eq(store_remove(txn, table, text(ROW)), OK);
    }
    ck_assert_int_eq(store_meta_put(txn, "schema", text("mine")), OK);
    ck_assert_int_eq(store_meta_get(txn, "schema", &value), OK);
    ck_assert(span_equal(value, text("mine")));
    commit(txn);
    store_close(store);
    store_close(open_store(&options)); /* the store's own schema row is another */
}
END_TEST

START_TEST(aborted_changes_are_gone)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    struct store_txn *txn = begin(store);
    ck_assert_int_eq(store_put(txn, STORE_CASE, text(ROW), text("x")), OK);
    store_abort(txn);
    txn = snapshot(store);
    struct span value;
    ck_assert_int_eq(store_get(txn, STORE_CASE, text(ROW), &value), ERR_NOT_FOUND);
    store_read_end(txn);
    store_close(store);
}
END_TEST

START_TEST(every_changed_bit_of_a_record_is_found)
{
    struct store_options options = _i == 0 ? broker_options() : agent_options();
    struct store *store = open_store(&options);
    put_row(store, STORE_CASE, "a referral");
    store_close(store);
    size_t len = raw_flip("case", text(ROW), SIZE_MAX, 0);
    ck_assert_uint_gt(len, 16);
    struct digest row = crypto_digest(text(ROW));
    char damage[32] = "case ";
    hex_encode(span_of(row.bytes, 8), damage + 5);
    for (size_t bit = 0; bit < len * 8; bit += 3) {
        (void)raw_flip("case", text(ROW), bit / 8, (uint8_t)(1u << (bit % 8)));
        store = open_store(&options);
        struct store_txn *txn = snapshot(store);
        struct span value = text("untouched");
        ck_assert_int_eq(store_get(txn, STORE_CASE, text(ROW), &value), ERR_CORRUPT);
        ck_assert(span_equal(value, text("untouched")));
        /* "row" by its digest, never by its bytes */
        ck_assert_str_eq(store_damage(txn), damage);
        store_read_end(txn);
        store_close(store);
        (void)raw_flip("case", text(ROW), bit / 8, (uint8_t)(1u << (bit % 8)));
    }
}
END_TEST

START_TEST(record_at_another_place_is_found)
{
    struct store_options options = _i == 0 ? broker_options() : agent_options();
    struct store *store = open_store(&options);
    put_row(store, STORE_CASE, "moved");
    store_close(store);
    uint8_t bytes[128];
    struct span raw = raw_get("case", text(ROW), bytes, sizeof(bytes));
    raw_put("case", text("rox"), raw);
    raw_put("due", text(ROW), raw);
    raw_put("case", text("short"), span_of(bytes, 5));
    store = open_store(&options);
    struct store_txn *txn = snapshot(store);
    struct span value;
    ck_assert_int_eq(store_get(txn, STORE_CASE, text("rox"), &value), ERR_CORRUPT);
    ck_assert_int_eq(store_get(txn, STORE_DUE, text(ROW), &value), ERR_CORRUPT);
    ck_assert_int_eq(store_get(txn, STORE_CASE, text("short"), &value), ERR_CORRUPT);
    ck_assert_int_eq(store_get(txn, STORE_CASE, text(ROW), &value), OK);
    store_read_end(txn);
    store_close(store);
}
END_TEST

/* --- cursors --- */

static void expect_row(enum err error, struct span key, const char *wanted)
{
    if (wanted == NULL) {
        ck_assert_int_eq(error, ERR_NOT_FOUND);
        return;
    }
    ck_assert_int_eq(error, OK);
    ck_assert_uint_eq(key.len, strlen(wanted));
    ck_assert_mem_eq(key.data, wanted, key.len);
}

START_TEST(cursor_keeps_to_its_prefix_both_ways)
{
    static const char *const rows[] = {"a", "b1", "b2", "b3", "c", "\xFF\xFF", "\xFF\xFFz"};
    struct store_options options = _i % 2 == 0 ? broker_options() : agent_options();
    struct store *store = open_store(&options);
    struct store_txn *txn = begin(store);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        ck_assert_int_eq(store_put(txn, STORE_CASE, text(rows[i]), text(rows[i])), OK);
    }
    if (_i >= 2) {
        commit(txn);
        txn = snapshot(store);
    }
    struct store_cursor *cursor = NULL;
    struct span key = {0};
    struct span value = {0};
    ck_assert_int_eq(store_cursor_open(txn, STORE_CASE, text("b"), &cursor), OK);
    expect_row(store_cursor_next(cursor, &key, &value), key, NULL);
    expect_row(store_cursor_seek(cursor, text(""), &key, &value), key, "b1");
    ck_assert(span_equal(key, value));
    expect_row(store_cursor_next(cursor, &key, &value), key, "b2");
    expect_row(store_cursor_next(cursor, &key, &value), key, "b3");
    expect_row(store_cursor_next(cursor, &key, &value), key, NULL);
    expect_row(store_cursor_last(cursor, &key, &value), key, "b3");
    expect_row(store_cursor_previous(cursor, &key, &value), key, "b2");
    expect_row(store_cursor_previous(cursor, &key, &value), key, "b1");
    expect_row(store_cursor_previous(cursor, &key, &value), key, NULL);
    expect_row(store_cursor_seek(cursor, text("b22"), &key, &value), key, "b3");
    store_cursor_close(cursor);
    ck_assert_int_eq(store_cursor_open(txn, STORE_CASE, text("\xFF"), &cursor), OK);
    expect_row(store_cursor_last(cursor, &key, &value), key, "\xFF\xFFz");
    store_cursor_close(cursor);
    ck_assert_int_eq(store_cursor_open(txn, STORE_CASE, text("zz"), &cursor), OK);
    expect_row(store_cursor_seek(cursor, text(""), &key, &value), key, NULL);
    expect_row(store_cursor_last(cursor, &key, &value), key, NULL);
    store_cursor_close(cursor);
    if (_i >= 2) {
        store_read_end(txn);
    } else {
        store_abort(txn);
    }
    store_close(store);
}
END_TEST

START_TEST(cursor_goes_on_while_rows_come_and_go)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    struct store_txn *txn = begin(store);
    uint8_t bytes[4];
    for (uint32_t i = 0; i < 2000; i++) {
        be32_put(bytes, i * 2);
        ck_assert_int_eq(store_put(txn, STORE_CASE, span_of(bytes, 4), text("value")), OK);
    }
    struct store_cursor *cursor = NULL;
    ck_assert_int_eq(store_cursor_open(txn, STORE_CASE, text(""), &cursor), OK);
    struct span key;
    struct span value;
    uint32_t seen = 0;
    enum err error = store_cursor_seek(cursor, text(""), &key, &value);
    for (; error == OK; error = store_cursor_next(cursor, &key, &value)) {
        ck_assert_uint_eq(be32_get(key.data), seen * 2);
        /* behind it: never met; it itself: gone */
        be32_put(bytes, seen > 0 ? seen * 2 - 1 : 0);
        ck_assert_int_eq(
            store_put(txn, STORE_CASE, span_of(bytes, seen > 0 ? 4 : 3), text("behind")), OK);
        ck_assert_int_eq(store_remove(txn, STORE_CASE, key), OK);
        seen++;
    }
    ck_assert_int_eq(error, ERR_NOT_FOUND);
    ck_assert_uint_eq(seen, 2000);
    store_cursor_close(cursor);
    commit(txn);
    store_close(store);
}
END_TEST

/* --- damage of the file --- */

static void fill(struct store *store, unsigned commits)
{
    uint8_t envelope[3000];
    memset(envelope, 0x5A, sizeof(envelope));
    for (unsigned c = 0; c < commits; c++) {
        struct store_txn *txn = begin(store);
        for (unsigned i = 0; i < 8; i++) {
            uint64_t number = c * 8 + i;
            (void)add_leaf(txn, number, span_of(envelope, (size_t)(number * 211) % 3000));
            struct uuid id = make_id(number);
            ck_assert_int_eq(store_put(txn, STORE_CASE, span_of(id.bytes, 16), text("r")), OK);
        }
        seal(txn, c);
        commit(txn);
    }
}

START_TEST(truncated_file_is_refused_by_both_ways)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    fill(store, 20);
    store_close(store);
    size_t len = 0;
    uint8_t *bytes = file_bytes(folder_path(0, "store/data.mdb"), &len);
    static const unsigned parts[] = {0, 1, 20, 50, 90, 99};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        file_put(folder_path(0, "store/data.mdb"), bytes, len * parts[i] / 100);
        struct fault fault = {.code = ""};
        ck_assert_int_eq(store_open(folder_path(0, "store"), &options, &store, &fault),
                         ERR_CORRUPT);
        ck_assert_str_eq(fault.code, "store.corrupt");
        ck_assert_int_eq(store_open_reader(folder_path(0, "store"), &store, &fault), ERR_CORRUPT);
    }
    free(bytes);
}
END_TEST

/* Reads all that a verifier reads; counts entries until the first error. */
static uint64_t read_everything(struct store *store)
{
    struct store_txn *txn = snapshot(store);
    struct audit_walk walk;
    struct audit_entry entry;
    uint64_t good = 0;
    ck_assert_int_eq(audit_walk_open(txn, 0, &walk), OK);
    for (unsigned i = 0; i < 1000; i++) {
        enum err error = audit_walk_next(&walk, &entry);
        if (error != OK) {
            break;
        }
        (void)crypto_digest(entry.record); /* every byte that it lends can be read */
        (void)crypto_digest(entry.envelope);
        good++;
    }
    audit_walk_close(&walk);
    store_read_end(txn);
    return good;
}

START_TEST(flipped_bytes_anywhere_never_lead_the_reader_astray)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    fill(store, 12);
    store_close(store);
    size_t len = 0;
    uint8_t *bytes = file_bytes(folder_path(0, "store/data.mdb"), &len);
    uint64_t state = 88172645463325252u;
    unsigned refused = 0;
    for (unsigned round = 0; round < 3000; round++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        /* page heads, row tables and table heads are hit more often than values */
        size_t at =
            round % 3 == 0 ? state % 512 + (state >> 32) % (len / 4096) * 4096 : state % len;
        at = at < len ? at : len - 1;
        uint8_t flip = (uint8_t)(1u << (state >> 61));
        bytes[at] ^= flip;
        file_put(folder_path(0, "store/data.mdb"), bytes, len);
        bytes[at] ^= flip;
        store = NULL;
        enum err error = store_open_reader(folder_path(0, "store"), &store, NULL);
        if (error == OK) {
            (void)read_everything(store);
            store_close(store);
        } else {
            refused++;
        }
    }
    ck_assert_uint_gt(refused, 30);
    file_put(folder_path(0, "store/data.mdb"), bytes, len);
    ck_assert_int_eq(store_open_reader(folder_path(0, "store"), &store, NULL), OK);
    ck_assert_uint_eq(read_everything(store), 96);
    store_close(store);
    free(bytes);
}
END_TEST

/* The verifier is another process: LMDB allows one environment a process and file. */
START_TEST(reader_beside_a_running_writer)
{
    struct store_options options = broker_options();
    int to_child[2];
    ck_assert_int_eq(pipe(to_child), 0);
    pid_t child = fork();
    if (child == 0) {
        uint8_t go = 0;
        struct store *reader = NULL;
        if (read(to_child[0], &go, 1) != 1 ||
            store_open_reader(folder_path(0, "store"), &reader, NULL) != OK) {
            _exit(1);
        }
        uint64_t good = read_everything(reader);
        store_close(reader);
        _exit(good == 24 ? 0 : 2);
    }
    struct store *store = open_store(&options);
    fill(store, 3);
    ck_assert_int_eq(write(to_child[1], "g", 1), 1);
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    store_close(store);
}
END_TEST

START_TEST(reader_on_a_copy_of_the_data_file_alone)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    fill(store, 3);
    store_close(store);
    size_t len = 0;
    uint8_t *bytes = file_bytes(folder_path(0, "store/data.mdb"), &len);
    ck_assert_int_eq(mkdir(folder_path(0, "copy"), 0700), 0);
    file_put(folder_path(0, "copy/data.mdb"), bytes, len);
    ck_assert_int_eq(store_open_reader(folder_path(0, "copy"), &store, NULL), OK);
    ck_assert_uint_eq(read_everything(store), 24);
    store_close(store);
    ck_assert_int_ne(access(folder_path(0, "copy/lock.mdb"), F_OK), 0);
    size_t after_len = 0;
    uint8_t *after = file_bytes(folder_path(0, "copy/data.mdb"), &after_len);
    ck_assert_uint_eq(after_len, len);
    ck_assert_mem_eq(after, bytes, len);
    free(after);
    free(bytes);
}
END_TEST

START_TEST(hot_copy_opens_and_holds_the_same)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    fill(store, 5);
    ck_assert_int_eq(mkdir(folder_path(0, "copy"), 0700), 0);
    ck_assert_int_eq(store_copy(store, folder_path(0, "copy"), NULL), OK);
    struct fault fault = {.code = ""};
    ck_assert_int_ne(store_copy(store, folder_path(0, "copy"), &fault), OK);
    ck_assert_str_eq(fault.code, "store.copy");
    store_close(store);
    ck_assert_int_eq(store_open(folder_path(0, "copy"), &options, &store, NULL), OK);
    ck_assert_uint_eq(read_everything(store), 40);
    store_close(store);
}
END_TEST

/* --- fullness --- */

static enum err submit(struct store *store, uint64_t number)
{
    uint8_t envelope[4000];
    memset(envelope, (int)number, sizeof(envelope));
    struct store_txn *txn = begin(store);
    struct queue_stream stream = {.recipient = 5, .lane = 1};
    struct queue_state state;
    ck_assert_int_eq(queue_state(txn, stream, &state), OK);
    struct queue_item item = {.stream = stream,
                              .seq = state.next_seq,
                              .leaf = add_leaf(txn, number, span_of(envelope, sizeof(envelope)))};
    struct digest hash = expected_leaf(number);
    enum err error = queue_put(txn, &item, &hash);
    if (error == OK) {
        error = audit_seal_commit(txn, text("note"));
    }
    enum err committed = store_commit(txn); /* answers the first failure again */
    ck_assert(error == OK || committed == error);
    return committed;
}

START_TEST(full_store_refuses_and_still_takes_what_must_go_on)
{
    struct store_options options = broker_options();
    options.map_bytes = 4u << 20;
    struct store *store = open_store(&options);
    uint64_t number = 0;
    while (store_accepts(store)) {
        ck_assert_int_eq(submit(store, number++), OK);
    }
    ck_assert_uint_ge(store_used_percent(store), LIMIT_STORE_PERCENT);
    ck_assert_uint_le(store_used_percent(store), LIMIT_STORE_PERCENT + 2);
    /* acknowledgements: rows leave, each with a small leaf */
    for (uint64_t seq = 1; seq <= 50; seq++) {
        struct store_txn *txn = begin(store);
        ck_assert_int_eq(queue_remove(txn, (struct queue_stream){.recipient = 5, .lane = 1}, seq),
                         OK);
        (void)add_leaf(txn, number++, text(""));
        seal(txn, number);
        commit(txn);
    }
    enum err error = OK;
    while (error == OK) {
        error = submit(store, number++);
    }
    ck_assert_int_eq(error, ERR_FULL);
    /* nothing of the failed one is kept, and the log goes on being readable */
    struct store_txn *txn = snapshot(store);
    uint64_t size = 0;
    ck_assert_int_eq(audit_size(txn, &size), OK);
    ck_assert_uint_eq(size, number - 1);
    struct audit_receipt receipt;
    ck_assert_int_eq(audit_receipt(txn, size - 1, &receipt), OK);
    store_read_end(txn);
    store_close(store);
    store = open_store(&options);
    ck_assert_uint_eq(read_everything(store), size);
    store_close(store);
}
END_TEST

START_TEST(removed_rows_count_as_free)
{
    struct store_options options = broker_options();
    options.map_bytes = 4u << 20;
    struct store *store = open_store(&options);
    uint8_t value[3000] = {1};
    uint8_t key[4];
    struct store_txn *txn = begin(store);
    for (uint32_t i = 0; i < 600; i++) {
        be32_put(key, i);
        ck_assert_int_eq(store_put(txn, STORE_CASE, span_of(key, 4), span_of(value, 3000)), OK);
    }
    commit(txn);
    unsigned full = store_used_percent(store);
    ck_assert_uint_ge(full, 50);
    txn = begin(store);
    for (uint32_t i = 0; i < 600; i++) {
        be32_put(key, i);
        ck_assert_int_eq(store_remove(txn, STORE_CASE, span_of(key, 4)), OK);
    }
    commit(txn);
    for (int i = 0; i < 64; i++) {
        put_row(store, STORE_DUE, "tick");
    }
    ck_assert_uint_le(store_used_percent(store), 5);
    store_close(store);
}
END_TEST

/* --- crashes --- */

/* Commits for ever, telling each commit's number through the pipe once it is durable. */
static void write_until_killed(int out)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    struct store_txn *txn = begin(store);
    uint64_t number = 0;
    ck_assert_int_eq(audit_size(txn, &number), OK);
    store_abort(txn);
    for (;;) {
        ck_assert_int_eq(submit(store, number), OK);
        number++;
        ck_assert_int_eq(write(out, &number, sizeof(number)), sizeof(number));
    }
}

START_TEST(killed_at_random_points_every_told_commit_is_there)
{
    uint64_t told = 0;
    struct store_options options = broker_options();
    for (unsigned round = 0; round < 12; round++) {
        int ends[2];
        ck_assert_int_eq(pipe(ends), 0);
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            (void)close(ends[0]);
            write_until_killed(ends[1]);
            _exit(0);
        }
        (void)close(ends[1]);
        uint64_t before = told;
        while (told < before + 1 + round * 7) {
            ck_assert_int_eq(read(ends[0], &told, sizeof(told)), sizeof(told));
        }
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        uint64_t last = 0;
        while (read(ends[0], &last, sizeof(last)) == sizeof(last)) {
            told = last;
        }
        ck_assert_int_eq(waitpid(child, NULL, 0), child);
        (void)close(ends[0]);
        struct store *store = open_store(&options);
        struct store_txn *txn = snapshot(store);
        uint64_t size = 0;
        ck_assert_int_eq(audit_size(txn, &size), OK);
        ck_assert_uint_ge(size, told);
        ck_assert_uint_le(size, told + 1); /* at most the one that was not told yet */
        struct queue_state state;
        struct queue_stream stream = {.recipient = 5, .lane = 1};
        ck_assert_int_eq(queue_state(txn, stream, &state), OK);
        ck_assert_uint_eq(state.count, size); /* one transaction: all of it or nothing */
        for (uint64_t i = 0; i < size; i++) {
            struct audit_receipt receipt;
            ck_assert_int_eq(audit_receipt(txn, i, &receipt), OK);
            struct digest hash = expected_leaf(i);
            ck_assert(digest_equal(&hash, &receipt.entry.hash));
        }
        store_read_end(txn);
        store_close(store);
    }
}
END_TEST

static void pass_cb(void *owner, const char *name)
{
    if (strcmp(name, owner) == 0) {
        _exit(9);
    }
}

START_TEST(ended_at_a_named_point_the_commit_is_whole_or_absent)
{
    static char before[] = "store.before-commit";
    static char after[] = "store.after-commit";
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    put_row(store, STORE_CASE, "old");
    store_close(store);
    pid_t child = fork();
    if (child == 0) {
        options.pass_point = pass_cb;
        options.owner = _i == 0 ? before : after;
        put_row(open_store(&options), STORE_CASE, "new");
        _exit(0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WEXITSTATUS(status), 9);
    store = open_store(&options);
    struct store_txn *txn = snapshot(store);
    struct span value;
    ck_assert_int_eq(store_get(txn, STORE_CASE, text(ROW), &value), OK);
    ck_assert(span_equal(value, text(_i == 0 ? "old" : "new")));
    store_read_end(txn);
    store_close(store);
}
END_TEST

/* --- sealed stores --- */

START_TEST(nothing_readable_of_a_sealed_store_is_on_the_disk)
{
    static const char canary[] = "canary 110101199003070000";
    struct store_options options = agent_options();
    struct store *store = open_store(&options);
    uint8_t key[4];
    for (uint32_t i = 0; i < 200; i++) {
        struct store_txn *txn = begin(store);
        uint8_t value[3000] = {0};
        memcpy(value + i * 11, canary, sizeof(canary));
        be32_put(key, i);
        ck_assert_int_eq(store_put(txn, i % 2 ? STORE_INBOX : STORE_OUTBOX, span_of(key, 4),
                                   span_of(value, i * 11 + sizeof(canary))),
                         OK);
        ck_assert_int_eq(store_meta_put(txn, "name", text(canary)), OK);
        commit(txn);
    }
    struct store_txn *txn = snapshot(store);
    struct span value;
    for (uint32_t i = 1; i < 200; i += 2) {
        be32_put(key, i);
        ck_assert_int_eq(store_get(txn, STORE_INBOX, span_of(key, 4), &value), OK);
        ck_assert_mem_eq(value.data + i * 11, canary, sizeof(canary));
    }
    store_read_end(txn);
    store_close(store);
    static const char *const files[] = {"store/data.mdb", "store/lock.mdb", "store/owner.lock"};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        size_t len = 0;
        uint8_t *bytes = file_bytes(folder_path(0, files[i]), &len);
        ck_assert_ptr_null(memmem(bytes, len, canary, 10));
        free(bytes);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("store");
    TCase *cases = tcase_create("store");
    tcase_add_checked_fixture(cases, folder_setup, folder_teardown);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, absent_store_is_not_found_and_nothing_is_made);
    tcase_add_test(cases, a_damage_that_nobody_explained_had_no_words);
    tcase_add_test(cases, created_with_its_parents_and_opened_again);
    tcase_add_test(cases, half_made_store_is_made_anew);
    tcase_add_test(cases, folder_with_other_files_is_left_alone);
    tcase_add_test(cases, reserved_space_is_taken_at_once);
    tcase_add_test(cases, second_writer_is_told_who_holds_the_store);
    tcase_add_loop_test(cases, wrong_key_is_refused, 0, 2);
    tcase_add_test(cases, store_of_the_other_kind_is_refused);
    tcase_add_test(cases, unknown_schema_is_refused_and_kept);
    tcase_add_test(cases, every_changed_byte_of_schema_and_key_check_is_refused);
    tcase_add_loop_test(cases, put_get_remove_in_both_kinds, 0, 2);
    tcase_add_test(cases, aborted_changes_are_gone);
    tcase_add_loop_test(cases, every_changed_bit_of_a_record_is_found, 0, 2);
    tcase_add_loop_test(cases, record_at_another_place_is_found, 0, 2);
    tcase_add_loop_test(cases, cursor_keeps_to_its_prefix_both_ways, 0, 4);
    tcase_add_test(cases, cursor_goes_on_while_rows_come_and_go);
    tcase_add_test(cases, truncated_file_is_refused_by_both_ways);
    tcase_add_test(cases, flipped_bytes_anywhere_never_lead_the_reader_astray);
    tcase_add_test(cases, reader_beside_a_running_writer);
    tcase_add_test(cases, reader_on_a_copy_of_the_data_file_alone);
    tcase_add_test(cases, hot_copy_opens_and_holds_the_same);
    tcase_add_test(cases, full_store_refuses_and_still_takes_what_must_go_on);
    tcase_add_test(cases, removed_rows_count_as_free);
    tcase_add_test(cases, killed_at_random_points_every_told_commit_is_there);
    tcase_add_loop_test(cases, ended_at_a_named_point_the_commit_is_whole_or_absent, 0, 2);
    tcase_add_test(cases, nothing_readable_of_a_sealed_store_is_on_the_disk);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void)
{
    return suite_run(suite());
}
