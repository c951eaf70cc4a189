/* The look through a store: single flipped bits in every kind of page are found or change nothing,
 * for now and for what is written afterwards. What "nothing" means is judged by LMDB itself, in a
 * child: the same rows, found the same way, before and after more is written. See store/scrub.h. */
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/queue.h"
#include "store/scrub.h"
#include "store_support.h"

#define FLIPS      300
#define FLIPS_LONG 1500
#define KEYS       400u
#define LEAVES     40u
#define META_BITS  ((16 + 136) * 8)
#define PAGE_BITS  (4096 * 8)

static struct scrub_report report;

static enum err look(const struct store_options *options)
{
    struct fault fault = {.code = ""};
    enum err error = scrub_run(folder_path(3, "store"), options, &report, &fault);
    ck_assert_msg(error == OK || fault.code[0] != '\0', "%s without a fault", err_text(error));
    return error;
}

static void expect_whole(const struct store_options *options)
{
    ck_assert_int_eq(look(options), OK);
    ck_assert_msg(report.damages == 0, "%s %s", report.damage[0].where, report.damage[0].what);
}

static struct span key_of(uint64_t number, uint8_t key[40])
{
    memset(key, (int)(number % 7), 40);
    be64_put(key, number * 0x9E3779B97F4A7C15u);
    return span_of(key, 12 + number % 28);
}

static size_t row_written(uint64_t i)
{
    return i % 23 == 0 ? 3000 + i * 37 % 6000 : i * 13 % 300;
}

/* As it stands in the end: some are written twice. */
static size_t row_bytes(uint64_t i)
{
    return i % 23 == 0 ? row_written(i) / 2 : row_written(i);
}

/* Rows of many sizes, some over several pages; some are removed and written shorter again. */
static void put_rows(struct store *store, enum store_table table, uint64_t from, uint64_t to)
{
    static uint8_t bytes[9000];
    struct store_txn *txn = begin(store);
    for (uint64_t i = from; i < to; i++) {
        uint8_t key[40];
        size_t len = row_written(i);
        memset(bytes, (int)i, sizeof(bytes));
        ck_assert_int_eq(store_put(txn, table, key_of(i, key), span_of(bytes, len)), OK);
        if (i % 23 == 0) {
            ck_assert_int_eq(store_put(txn, table, key_of(i, key), span_of(bytes, row_bytes(i))),
                             OK);
        }
        if (i % 5 == 4) {
            ck_assert_int_eq(store_remove(txn, table, key_of(i - 3, key)), OK);
        }
    }
    commit(txn);
}

static void fill(const struct store_options *options)
{
    struct store *store = open_store(options);
    enum store_table table = options->kind == STORE_BROKER ? STORE_DEDUPE : STORE_INBOX;
    for (uint64_t i = 0; i < KEYS; i += 80) {
        put_rows(store, table, i, i + 80);
    }
    for (uint64_t i = 0; options->kind == STORE_BROKER && i < LEAVES; i += 10) {
        struct store_txn *txn = begin(store);
        for (uint64_t k = 0; k < 10; k++) {
            (void)add_leaf(txn, i + k, span_text("an envelope"));
        }
        seal(txn, i);
        commit(txn);
    }
    store_close(store);
}

/* --- LMDB's own eyes --- */

struct eyes {
    struct digest rows;
    uint64_t count;
};

/* Digest of all rows of all tables in order, each also looked up by its key. Fails where LMDB does.
 */
static int eyes_look(MDB_env *env, struct eyes *ret)
{
    MDB_txn *txn = NULL;
    MDB_cursor *tables = NULL;
    MDB_dbi main = 0;
    MDB_val name, head;
    struct hasher hasher;
    int result = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    hasher_init(&hasher);
    ret->count = 0;
    result = result != 0 ? result : mdb_dbi_open(txn, NULL, 0, &main);
    result = result != 0 ? result : mdb_cursor_open(txn, main, &tables);
    while (result == 0 && mdb_cursor_get(tables, &name, &head, MDB_NEXT) == 0) {
        char text[64] = "";
        MDB_cursor *rows = NULL;
        MDB_dbi table = 0;
        MDB_val key, value, found;
        memcpy(text, name.mv_data, name.mv_size < 63 ? name.mv_size : 63);
        hasher_add(&hasher, text, sizeof(text));
        result = mdb_dbi_open(txn, text, 0, &table);
        result = result != 0 ? result : mdb_cursor_open(txn, table, &rows);
        while (result == 0 && mdb_cursor_get(rows, &key, &value, MDB_NEXT) == 0) {
            hasher_add(&hasher, key.mv_data, key.mv_size);
            hasher_add(&hasher, value.mv_data, value.mv_size);
            result = mdb_get(txn, table, &key, &found);
            if (result == 0 && found.mv_data != value.mv_data) {
                result = MDB_CORRUPTED;
            }
            ret->count++;
        }
        mdb_cursor_close(rows);
    }
    ret->rows = hasher_end(&hasher);
    mdb_cursor_close(tables);
    mdb_txn_abort(txn);
    return result;
}

/* Writes more, so that free pages are used and pages split; the same bytes each time. */
static int eyes_write(MDB_env *env, const char *name)
{
    static uint8_t bytes[4000];
    int result = 0;
    for (unsigned round = 0; result == 0 && round < 4; round++) {
        MDB_txn *txn = NULL;
        MDB_dbi table = 0;
        result = mdb_txn_begin(env, NULL, 0, &txn);
        result = result != 0 ? result : mdb_dbi_open(txn, name, 0, &table);
        for (unsigned i = 0; result == 0 && i < 60; i++) {
            uint8_t key[16] = {0};
            be64_put(key, (round * 60 + i + 1) * 0x9E3779B97F4A7C15u);
            MDB_val at = {.mv_size = 16, .mv_data = key};
            MDB_val value = {.mv_size = i % 11 == 0 ? 3500 : 90, .mv_data = bytes};
            result = mdb_put(txn, table, &at, &value, 0);
        }
        result = result != 0 ? result : mdb_txn_commit(txn);
    }
    return result;
}

/* What LMDB sees now and after it wrote, in a child that may crash. False: it did, or refused. */
static bool eyes(const char *table, struct eyes seen[2])
{
    int ends[2], status = 0;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct eyes found[2];
        MDB_env *env = NULL;
        (void)!freopen("/dev/null", "w", stderr);
        int result = mdb_env_create(&env);
        memset(found, 0, sizeof(found));
        (void)mdb_env_set_maxdbs(env, 64);
        result =
            result != 0 ? result : mdb_env_open(env, folder_path(3, "store"), MDB_NOSYNC, 0600);
        result = result != 0 ? result : eyes_look(env, &found[0]);
        result = result != 0 ? result : eyes_write(env, table);
        result = result != 0 ? result : eyes_look(env, &found[1]);
        _exit(result == 0 && write(ends[1], found, sizeof(found)) == (ssize_t)sizeof(found) ? 0
                                                                                            : 1);
    }
    (void)close(ends[1]);
    memset(seen, 0, 2 * sizeof(*seen));
    ssize_t got = read(ends[0], seen, 2 * sizeof(*seen));
    (void)close(ends[0]);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return got == (ssize_t)(2 * sizeof(*seen)) && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* --- what the store itself hands out --- */

#define SEEN_WRONG 9 /* exit status of the child */
#define SEEN_GONE  8

/* In a child: each row that is handed out must be as it was written. */
static int hand_out(const struct store_options *options)
{
    struct store *store = NULL;
    struct store_txn *txn = NULL;
    struct fault fault = {.code = ""};
    enum store_table table = options->kind == STORE_BROKER ? STORE_DEDUPE : STORE_INBOX;
    bool gone = false;
    (void)!freopen("/dev/null", "w", stderr);
    if (store_open(folder_path(3, "store"), options, &store, &fault) != OK ||
        store_read_begin(store, &txn) != OK) {
        return 1;
    }
    for (uint64_t i = 0; i < KEYS; i++) {
        uint8_t key[40];
        struct span value;
        bool there = i % 5 != 1; /* put_rows removes these */
        enum err error = store_get(txn, table, key_of(i, key), &value);
        gone = gone || (there && error == ERR_NOT_FOUND);
        if (error != OK) {
            continue;
        }
        size_t len = row_bytes(i);
        for (size_t k = 0; k < value.len; k++) {
            if (value.data[k] != (uint8_t)i) {
                return SEEN_WRONG;
            }
        }
        if (!there || value.len != len) {
            return SEEN_WRONG;
        }
    }
    return gone ? SEEN_GONE : 0;
}

static int handed_out(const struct store_options *options)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        _exit(hand_out(options));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* --- flips --- */

static uint64_t state;

static uint64_t next(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 20;
}

struct trial {
    const struct store_options *options;
    uint8_t *bytes; /* of the file, whole */
    size_t len;
    struct eyes right[2];
    unsigned reported, unused, gone;
};

static void flip_once(struct trial *trial, size_t bit)
{
    const struct store_options *options = trial->options;
    uint8_t *bytes = trial->bytes;
    const char *path = folder_path(2, "store/data.mdb");
    const char *table = options->kind == STORE_BROKER ? "dedupe" : "inbox";
    struct eyes seen[2];

    bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    file_put(path, bytes, trial->len);
    enum err error = look(options);
    ck_assert_msg(error == OK || error == ERR_FORGED, "bit %zu: %s", bit, err_text(error));
    bool reported = error != OK || report.damages > 0;
    if (reported) {
        int handed = handed_out(options);
        ck_assert_msg(handed != SEEN_WRONG, "bit %zu: another row is handed out", bit);
        trial->gone += handed == SEEN_GONE;
        trial->reported++;
    } else {
        bool stood = eyes(table, seen);
        ck_assert_msg(stood, "bit %zu of page %zu: not reported, and LMDB fails on it", bit,
                      bit / 8 / 4096);
        ck_assert_msg(memcmp(seen, trial->right, sizeof(seen)) == 0,
                      "bit %zu of page %zu, byte %zu: not reported, and the rows are others %s",
                      bit, bit / 8 / 4096, bit / 8 % 4096,
                      memcmp(seen, trial->right, sizeof(*seen)) == 0 ? "later" : "at once");
        trial->unused++;
    }
    bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
}

static void flip_many(const struct store_options *options)
{
    const char *table = options->kind == STORE_BROKER ? "dedupe" : "inbox";
    bool all = getenv("REFERRAL_LONG") != NULL;
    unsigned flips = all ? FLIPS_LONG : FLIPS;
    struct trial trial = {.options = options};

    fill(options);
    expect_whole(options);
    ck_assert_int_eq(handed_out(options), 0);
    trial.bytes = file_bytes(folder_path(2, "store/data.mdb"), &trial.len);
    ck_assert(eyes(table, trial.right));
    ck_assert_uint_ne(trial.right[0].count, trial.right[1].count);
    state = options->kind;
    for (unsigned i = 0; i < flips; i++) {
        flip_once(&trial, next() % (trial.len * 8));
    }
    /* Both meta pages, each bit: few flips of many would meet them. */
    size_t meta_bits = all ? META_BITS : 0;
    for (size_t i = 0; i < meta_bits; i++) {
        flip_once(&trial, i);
        flip_once(&trial, i + PAGE_BITS);
    }
    printf("%s: %u reported (of these %u hide a row), %u change nothing\n", table, trial.reported,
           trial.gone, trial.unused);
    ck_assert_uint_gt(trial.reported, flips / 10);
    free(trial.bytes);
}

START_TEST(every_flipped_bit_of_a_brokers_store_is_reported_or_changes_nothing)
{
    struct store_options options = broker_options();
    flip_many(&options);
}
END_TEST

START_TEST(every_flipped_bit_of_an_agents_store_is_reported_or_changes_nothing)
{
    struct store_options options = agent_options();
    flip_many(&options);
}
END_TEST

/* --- what a flip cannot do --- */

START_TEST(a_store_beside_its_writer_is_looked_at_as_of_one_transaction)
{
    struct store_options options = broker_options();
    int ends[2], status = 0;
    char go = 0;
    fill(&options);
    ck_assert_int_eq(pipe(ends), 0);
    pid_t writer = fork();
    if (writer == 0) {
        struct store *store = open_store(&options);
        (void)!write(ends[1], "x", 1);
        for (uint64_t i = 0; i < 400; i += 20) {
            put_rows(store, STORE_CASE, i, i + 20);
        }
        store_close(store);
        _exit(0);
    }
    ck_assert_int_eq(read(ends[0], &go, 1), 1);
    unsigned live = 0;
    do {
        enum err error = look(&options);
        ck_assert(error == OK || error == ERR_BUSY);
        ck_assert_msg(error != OK || report.damages == 0, "%s %s", report.damage[0].where,
                      report.damage[0].what);
        live += error == OK && report.live;
    } while (waitpid(writer, &status, WNOHANG) == 0);
    ck_assert_int_eq(status, 0);
    ck_assert_uint_gt(live, 0);
    expect_whole(&options);
    ck_assert(!report.live);
}
END_TEST

static void expect_damage(const struct store_options *options, const char *what)
{
    ck_assert_int_eq(look(options), OK);
    ck_assert_uint_gt(report.damages, 0);
    for (size_t i = 0; i < report.listed; i++) {
        if (strstr(report.damage[i].what, what) != NULL) {
            return;
        }
    }
    ck_abort_msg("not told: %s; but %s %s", what, report.damage[0].where, report.damage[0].what);
}

START_TEST(a_page_in_anothers_place_and_a_file_cut_short_are_reported)
{
    struct store_options options = broker_options();
    const char *path = folder_path(2, "store/data.mdb");
    size_t len = 0, pages = 0;
    fill(&options);
    uint8_t *bytes = file_bytes(path, &len);
    uint8_t *copy = malloc(len);
    ck_assert_ptr_nonnull(copy);
    for (size_t page = 2; page + 1 < len / 4096; page++) {
        memcpy(copy, bytes, len);
        memcpy(copy + page * 4096, bytes + (page + 1) * 4096, 4096);
        file_put(path, copy, len);
        ck_assert_int_eq(look(&options), OK);
        pages += report.damages > 0;
    }
    ck_assert_uint_gt(pages, 20); /* the others are free, or behind the head of a large value */
    file_put(path, bytes, len / 2);
    expect_damage(&options, "lies outside the file");
    file_put(path, bytes, 4100);
    expect_damage(&options, "is no meta page");
    free(copy);
    free(bytes);
}
END_TEST

START_TEST(a_row_names_its_table_and_key_and_a_leaf_that_is_gone_is_missed)
{
    struct store_options options = broker_options();
    uint8_t key[40], leaf[8];
    fill(&options);
    struct digest digest = crypto_digest(key_of(7, key));
    char place[64] = "dedupe ";
    hex_encode(span_of(digest.bytes, 8), place + 7);
    (void)raw_flip("dedupe", key_of(7, key), 3, 4);
    expect_damage(&options, "is not the row that was written");
    ck_assert_uint_eq(report.damages, 1);
    ck_assert_str_eq(report.damage[0].where, place);
    (void)raw_flip("dedupe", key_of(7, key), 3, 4);
    expect_whole(&options);
    ck_assert_uint_eq(report.log_size, LEAVES);
    be64_put(leaf, 17);
    raw_remove("log", span_of(leaf, 8));
    expect_damage(&options, "the leaves before it are missing");
    ck_assert_uint_eq(report.damages, 1);
}
END_TEST

START_TEST(the_bytes_of_an_envelope_are_bound)
{
    struct store_options options = broker_options();
    uint8_t leaf[8];
    fill(&options);
    be64_put(leaf, 9);
    size_t len = raw_flip("log", span_of(leaf, 8), SIZE_MAX, 0);
    (void)raw_flip("log", span_of(leaf, 8), len - MAC_BYTES - 3, 1);
    expect_damage(&options, "is not the row that was written");
    struct store *store = open_store(&options);
    struct store_txn *txn = snapshot(store);
    struct audit_entry entry;
    ck_assert_int_eq(audit_read(txn, 9, &entry), ERR_CORRUPT); /* never delivered */
    ck_assert_int_eq(audit_read(txn, 10, &entry), OK);
    store_read_end(txn);
    store_close(store);
}
END_TEST

START_TEST(another_stores_key_is_no_damage)
{
    struct store_options options = broker_options();
    fill(&options);
    options.mac_key.bytes[0] ^= 1;
    ck_assert_int_eq(look(&options), ERR_FORGED);
    ck_assert_int_eq(scrub_run("/nowhere", &options, &report, &(struct fault){.code = ""}),
                     ERR_NOT_FOUND);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("scrub");
    TCase *cases = tcase_create("scrub");
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, folder_setup, folder_teardown);
    tcase_add_test(cases, every_flipped_bit_of_a_brokers_store_is_reported_or_changes_nothing);
    tcase_add_test(cases, every_flipped_bit_of_an_agents_store_is_reported_or_changes_nothing);
    tcase_add_test(cases, a_store_beside_its_writer_is_looked_at_as_of_one_transaction);
    tcase_add_test(cases, a_page_in_anothers_place_and_a_file_cut_short_are_reported);
    tcase_add_test(cases, a_row_names_its_table_and_key_and_a_leaf_that_is_gone_is_missed);
    tcase_add_test(cases, the_bytes_of_an_envelope_are_bound);
    tcase_add_test(cases, another_stores_key_is_no_damage);
    suite_add_tcase(all, cases);
    return all;
}

int main(void)
{
    return suite_run(suite());
}
