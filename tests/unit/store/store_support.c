/* The folder, the leaves and the raw rows of the store suites. See store_support.h. For tests only.
 */
#include "crypto_start.h"
#include "store_support.h"

#include <fcntl.h>
#include <ftw.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

void folder_setup(void)
{
    ck_assert_int_eq(crypto_start(), OK);
    memcpy(folder, "/tmp/store-test-XXXXXX", 23);
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static int remove_cb(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    (void)at;
    return remove(path);
}

void folder_teardown(void)
{
    ck_assert_int_eq(nftw(folder, remove_cb, 16, FTW_DEPTH | FTW_PHYS), 0);
}

const char *folder_path(int slot, const char *name)
{
    static char paths[4][256];
    (void)snprintf(paths[slot], sizeof(paths[slot]), "%s/%s", folder, name);
    return paths[slot];
}

struct store_options broker_options(void)
{
    struct store_options options = {
        .kind = STORE_BROKER, .map_bytes = STORE_MAP_TEST_BYTES, .create = true};
    memset(options.mac_key.bytes, 7, sizeof(options.mac_key.bytes));
    return options;
}

struct store_options agent_options(void)
{
    struct store_options options = {
        .kind = STORE_AGENT, .map_bytes = STORE_MAP_TEST_BYTES, .create = true};
    memset(options.seal_key, 9, sizeof(options.seal_key));
    return options;
}

struct store *open_store(const struct store_options *options)
{
    struct store *store = NULL;
    struct fault fault = {.code = ""};
    enum err error = store_open(folder_path(3, "store"), options, &store, &fault);
    ck_assert_msg(error == OK, "%s: %s %s", err_text(error), fault.place, fault.message);
    return store;
}

struct store_txn *begin(struct store *store)
{
    struct store_txn *txn = NULL;
    ck_assert_int_eq(store_begin(store, &txn), OK);
    return txn;
}

void commit(struct store_txn *txn)
{
    ck_assert_int_eq(store_commit(txn), OK);
}

struct store_txn *snapshot(struct store *store)
{
    struct store_txn *txn = NULL;
    ck_assert_int_eq(store_read_begin(store, &txn), OK);
    return txn;
}

struct uuid make_id(uint64_t number)
{
    struct uuid id = {{0}};
    be64_put(id.bytes, 0x019000000000u + number);
    be64_put(id.bytes + 8, ~number);
    return id;
}

static size_t make_record(uint64_t number, uint8_t out[16 + 200])
{
    memset(out, (int)(number * 7 + 1), 16);
    size_t len = 20 + number % 180;
    for (size_t i = 0; i < len; i++) {
        out[16 + i] = (uint8_t)(number + i * 31);
    }
    be64_put(out + 16, number);
    return 16 + len;
}

uint64_t add_leaf(struct store_txn *txn, uint64_t number, struct span envelope)
{
    uint8_t bytes[16 + 200];
    size_t len = make_record(number, bytes);
    struct audit_leaf leaf = {
        .record = span_of(bytes + 16, len - 16), .envelope = envelope, .trail = AUDIT_NONE};
    memcpy(leaf.salt, bytes, 16);
    uint64_t index = 0;
    struct digest hash;
    ck_assert_int_eq(audit_append(txn, &leaf, &index, &hash), OK);
    struct digest expected = expected_leaf(number);
    ck_assert_mem_eq(hash.bytes, expected.bytes, DIGEST_BYTES);
    return index;
}

struct digest expected_leaf(uint64_t number)
{
    uint8_t bytes[1 + 16 + 200] = {0};
    size_t len = make_record(number, bytes + 1);
    return crypto_digest(span_of(bytes, 1 + len));
}

void seal(struct store_txn *txn, uint64_t number)
{
    char note[48];
    int len = snprintf(note, sizeof(note), "note %llu", (unsigned long long)number);
    ck_assert_int_eq(audit_seal_commit(txn, span_of(note, (size_t)len)), OK);
}

uint8_t *file_bytes(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    size_t len = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(len + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, len, file), len);
    (void)fclose(file);
    *ret_len = len;
    return bytes;
}

void file_put(const char *path, const uint8_t *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

struct raw {
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
};

static struct raw raw_open(const char *table)
{
    struct raw raw = {0};
    ck_assert_int_eq(mdb_env_create(&raw.env), 0);
    ck_assert_int_eq(mdb_env_set_maxdbs(raw.env, 16), 0);
    ck_assert_int_eq(mdb_env_open(raw.env, folder_path(3, "store"), MDB_NOSYNC, 0600), 0);
    ck_assert_int_eq(mdb_txn_begin(raw.env, NULL, 0, &raw.txn), 0);
    ck_assert_int_eq(mdb_dbi_open(raw.txn, table, 0, &raw.dbi), 0);
    return raw;
}

static void raw_close(struct raw *raw)
{
    ck_assert_int_eq(mdb_txn_commit(raw->txn), 0);
    mdb_env_close(raw->env);
}

static MDB_val val_of(struct span span)
{
    MDB_val val = {.mv_size = span.len};
    memcpy(&val.mv_data, &span.data, sizeof(val.mv_data));
    return val;
}

size_t raw_flip(const char *table, struct span key, size_t at, uint8_t mask)
{
    uint8_t bytes[8192];
    struct span value = raw_get(table, key, bytes, sizeof(bytes));
    if (at < value.len) {
        bytes[at] ^= mask;
        raw_put(table, key, value);
    }
    return value.len;
}

void raw_put(const char *table, struct span key, struct span value)
{
    struct raw raw = raw_open(table);
    MDB_val at = val_of(key);
    MDB_val data = val_of(value);
    ck_assert_int_eq(mdb_put(raw.txn, raw.dbi, &at, &data, 0), 0);
    raw_close(&raw);
}

void raw_remove(const char *table, struct span key)
{
    struct raw raw = raw_open(table);
    MDB_val at = val_of(key);
    ck_assert_int_eq(mdb_del(raw.txn, raw.dbi, &at, NULL), 0);
    raw_close(&raw);
}

struct span raw_get(const char *table, struct span key, uint8_t *out, size_t max)
{
    struct raw raw = raw_open(table);
    MDB_val at = val_of(key);
    MDB_val data;
    ck_assert_int_eq(mdb_get(raw.txn, raw.dbi, &at, &data), 0);
    ck_assert_uint_le(data.mv_size, max);
    memcpy(out, data.mv_data, data.mv_size);
    size_t len = data.mv_size;
    raw_close(&raw);
    return span_of(out, len);
}
