/* lib/store/backup: a backup holds all that the store held, whoever writes meanwhile; a restored
 * store is that store; and no file that is anything else leaves a trace. Hostile files are made
 * with the writer of sealed files, so that their signatures are good. */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/key_file.h"
#include "store/backup_job.h"
#include "store/blobs.h"
#include "store/case_keys.h"
#include "store_support.h"

static struct sign_key signer;
static struct seal_key recovery;

static void setup(void)
{
    folder_setup();
    sign_key_new(&signer);
    seal_key_new(&recovery);
}

static struct backup_options options_at(uint64_t now_ms)
{
    static char folder[256];
    (void)snprintf(folder, sizeof(folder), "%s", folder_path(0, "backups"));
    return (struct backup_options){.folder = folder,
                                   .owner = "test/broker",
                                   .software = "test",
                                   .recovery = recovery.public_key,
                                   .signer = &signer,
                                   .now_ms = now_ms};
}

static struct backup_made make(struct store *store, const struct backup_options *options)
{
    struct backup_made made;
    struct fault fault = {.code = ""};
    enum err error = backup_make(store, options, &made, &fault);
    ck_assert_msg(error == OK, "%s: %s %s", err_text(error), fault.place, fault.message);
    return made;
}

static void put(struct store_txn *txn, enum store_table table, uint64_t number, const char *value)
{
    uint8_t key[8];
    be64_put(key, number);
    ck_assert_int_eq(store_put(txn, table, span_of(key, 8), span_text(value)), OK);
}

static void fill(struct store *store, uint64_t commits, uint64_t each)
{
    for (uint64_t i = 0; i < commits; i++) {
        struct store_txn *txn = begin(store);
        for (uint64_t k = 0; k < each; k++) {
            (void)add_leaf(txn, i * each + k, span_text("an envelope"));
        }
        put(txn, STORE_CASE, i % 7, "a case");
        put(txn, STORE_DEDUPE, i, "an id");
        ck_assert_int_eq(store_meta_put(txn, "clock", span_text("now")), OK);
        seal(txn, i);
        commit(txn);
    }
}

static struct digest root_of(struct store *store, uint64_t *ret_size)
{
    struct store_txn *txn = snapshot(store);
    struct digest root;
    ck_assert_int_eq(audit_size(txn, ret_size), OK);
    ck_assert_int_eq(audit_root(txn, &root), OK);
    store_read_end(txn);
    return root;
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* What lies in the test's folder: nothing of a refused restore may. */
static unsigned entries(void)
{
    DIR *dir = opendir(folder_path(1, "."));
    unsigned count = 0;
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    (void)closedir(dir);
    return count;
}

static enum err restore(const char *path, struct fault *fault)
{
    struct backup_reader *reader = NULL;
    const struct restore_options options = {.to = folder_path(2, "restored")};
    enum err error = backup_open(path, &reader, fault);
    if (error == OK) {
        error = backup_restore(reader, recovery.secret, &options, fault);
    }
    backup_close(reader);
    return error;
}

static void restore_well(const char *path)
{
    struct fault fault = {.code = ""};
    enum err error = restore(path, &fault);
    ck_assert_msg(error == OK, "%s: %s %s", err_text(error), fault.place, fault.message);
}

static struct store *open_restored(struct store_options options)
{
    struct store *store = NULL;
    struct fault fault = {.code = ""};
    uint8_t key[32];
    options.create = false;
    ck_assert_int_eq(
        key_file_read(folder_path(0, "restored/store.key"), KEY_FILE_STORE, key, &fault), OK);
    memcpy(options.mac_key.bytes, key, sizeof(key));
    memcpy(options.seal_key, key, sizeof(key));
    enum err error = store_open(folder_path(0, "restored/store"), &options, &store, &fault);
    ck_assert_msg(error == OK, "%s %s", fault.place, fault.message);
    return store;
}

START_TEST(test_a_restored_store_is_the_store)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    uint64_t size = 0, restored_size = 0;
    fill(store, 30, 7);
    ck_assert_int_eq(file_write(folder_path(1, "broker.yaml"), span_text("a: b\n"), 0600, NULL),
                     OK);
    char config[256];
    (void)snprintf(config, sizeof(config), "%s", folder_path(1, "broker.yaml"));
    const struct backup_file files[] = {{"broker.yaml", config}, {"calendars/2026.json", config}};
    struct backup_options how = options_at(1770000000123u);
    how.files = files;
    how.file_count = 2;
    struct backup_made made = make(store, &how);
    ck_assert_ptr_nonnull(strstr(made.path, "/backups/broker-20260202T104000123.backup"));
    struct digest root = root_of(store, &size);
    ck_assert_uint_eq(made.info.log_size, 210);
    ck_assert_str_eq(made.info.note, "note 29");
    store_close(store);

    restore_well(made.path);
    ck_assert(is_there(folder_path(0, "restored/config/broker.yaml")));
    ck_assert(is_there(folder_path(0, "restored/config/calendars/2026.json")));
    store = open_restored(options);
    struct digest restored = root_of(store, &restored_size);
    ck_assert_uint_eq(restored_size, size);
    ck_assert(digest_equal(&root, &restored));
    struct store_txn *txn = begin(store);
    struct span value;
    uint64_t count = 0;
    ck_assert_int_eq(store_count(txn, STORE_DEDUPE, &count), OK);
    ck_assert_uint_eq(count, 30);
    ck_assert_int_eq(store_meta_get(txn, BACKUP_RESTORED_META, &value), OK);
    ck_assert_uint_eq(be64_get(value.data), size);
    /* and it goes on */
    ck_assert_uint_eq(add_leaf(txn, 900, span_of(NULL, 0)), size);
    seal(txn, 900);
    commit(txn);
    store_close(store);
}
END_TEST

START_TEST(test_an_agents_store_too)
{
    struct store_options options = agent_options();
    struct store *store = open_store(&options);
    struct store_txn *txn = begin(store);
    put(txn, STORE_INBOX, 1, "personal data");
    put(txn, STORE_OUTBOX, 2, "more of them");
    commit(txn);
    struct backup_options how = options_at(1770000000000u);
    how.owner = "education";
    struct backup_made made = make(store, &how);
    store_close(store);
    restore_well(made.path);
    store = open_restored(options);
    txn = snapshot(store);
    uint8_t key[8];
    struct span value;
    be64_put(key, 1);
    ck_assert_int_eq(store_get(txn, STORE_INBOX, span_of(key, 8), &value), OK);
    ck_assert(span_equal(value, span_text("personal data")));
    store_read_end(txn);
    store_close(store);
}
END_TEST

/* --- while the writer goes on --- */

struct race {
    struct backup_options how;
    struct store *store;
    struct backup_made made;
    enum err error;
    atomic_bool done;
};

static void *race_run(void *arg)
{
    struct race *race = arg;
    race->error = backup_make(race->store, &race->how, &race->made, NULL);
    atomic_store(&race->done, true);
    return NULL;
}

START_TEST(test_hot_and_consistent)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    fill(store, 60, 100); /* more than one step of the log */
    struct race race = {.how = options_at(1770000000000u), .store = store};
    pthread_t thread;
    uint64_t number = 6000;
    ck_assert_int_eq(pthread_create(&thread, NULL, race_run, &race), 0);
    while (!atomic_load(&race.done)) { /* every commit moves both halves of a pair */
        struct store_txn *txn = begin(store);
        char text[24];
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
        put(txn, STORE_CASE, 100, text);
        put(txn, STORE_DEDUPE, 1000000 + number, "x");
        (void)add_leaf(txn, number, span_of(NULL, 0));
        seal(txn, number);
        commit(txn);
        number++;
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(race.error, OK);
    store_close(store);
    restore_well(race.made.path);
    store = open_restored(options);
    struct store_txn *txn = snapshot(store);
    uint8_t key[8];
    struct span value;
    char expected[24];
    (void)snprintf(expected, sizeof(expected), "%llu",
                   (unsigned long long)(race.made.info.log_size - 1));
    be64_put(key, 100);
    enum err error = store_get(txn, STORE_CASE, span_of(key, 8), &value);
    if (race.made.info.log_size > 6000) { /* tables are of the very commit of the last leaf */
        ck_assert_int_eq(error, OK);
        ck_assert(span_equal(value, span_text(expected)));
    } else {
        ck_assert_int_eq(error, ERR_NOT_FOUND);
    }
    store_read_end(txn);
    store_close(store);
}
END_TEST

/* --- what is refused --- */

START_TEST(test_a_damaged_store_makes_no_backup)
{
    static const char *const tables[] = {"case", "log"};
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    fill(store, 3, 5);
    store_close(store);
    uint8_t key[8];
    be64_put(key, 1);
    (void)raw_flip(tables[_i], span_of(key, 8), 2, 0x10);
    store = open_store(&options);
    struct backup_options how = options_at(1770000000000u);
    struct backup_made made;
    struct fault fault = {.code = ""};
    ck_assert_int_eq(backup_make(store, &how, &made, &fault), ERR_CORRUPT);
    ck_assert_str_eq(fault.code, "backup.store-damaged");
    ck_assert_ptr_nonnull(strstr(fault.message, tables[_i]));
    struct backup_row row;
    struct backup_listing listing = {.rows = &row, .max = 1, .count = 9};
    ck_assert_int_eq(backup_list(how.folder, &listing, NULL), OK);
    ck_assert_uint_eq(listing.count + listing.unreadable, 0);
    store_close(store);
}
END_TEST

START_TEST(test_never_over_anything)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    fill(store, 2, 2);
    struct backup_options how = options_at(1770000000000u);
    struct backup_made made = make(store, &how);
    store_close(store);
    ck_assert_int_eq(folder_make(folder_path(0, "restored"), 0700, NULL), OK);
    ck_assert_int_eq(file_write(folder_path(0, "restored/mine"), span_text("mine"), 0600, NULL),
                     OK);
    struct fault fault = {.code = ""};
    unsigned before = entries();
    ck_assert_int_eq(restore(made.path, &fault), ERR_EXISTS);
    ck_assert_str_eq(fault.code, "restore.not-empty");
    ck_assert_uint_eq(entries(), before);
    ck_assert(is_there(folder_path(0, "restored/mine")));
    ck_assert_int_eq(unlink(folder_path(0, "restored/mine")), 0);
    /* refused for another reason, an empty folder stays; and it is fine */
    struct seal_key good = recovery;
    seal_key_new(&recovery);
    ck_assert_int_eq(restore(made.path, &fault), ERR_FORGED);
    ck_assert(is_there(folder_path(0, "restored")));
    recovery = good;
    restore_well(made.path);
}
END_TEST

START_TEST(test_another_key_writes_nothing)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    fill(store, 2, 2);
    struct backup_options how = options_at(1770000000000u);
    struct backup_made made = make(store, &how);
    store_close(store);
    seal_key_new(&recovery);
    struct fault fault = {.code = ""};
    unsigned before = entries();
    ck_assert_int_eq(restore(made.path, &fault), ERR_FORGED);
    ck_assert_str_eq(fault.code, "sealed.other-key");
    ck_assert_uint_eq(entries(), before);
}
END_TEST

/* A writer of files that no daemon writes. */
struct forger {
    struct sealed_writer *writer;
    uint64_t bytes;
    uint64_t rows;
};

static void forge_record(struct forger *forger, unsigned type, unsigned table, struct span key,
                         struct span value)
{
    uint8_t head[8] = {(uint8_t)type, (uint8_t)table};
    be16_put(head + 2, (uint16_t)key.len);
    be32_put(head + 4, (uint32_t)value.len);
    ck_assert_int_eq(sealed_writer_add(forger->writer, span_of(head, 8)), OK);
    ck_assert_int_eq(sealed_writer_add(forger->writer, key), OK);
    ck_assert_int_eq(sealed_writer_add(forger->writer, value), OK);
    forger->bytes += 8 + key.len + value.len;
    forger->rows += type == 3 ? 1 : 0;
}

static void forge_key(struct forger *forger)
{
    uint8_t key[32] = {1};
    forge_record(forger, 1, 0, span_of(NULL, 0), span_of(key, 32));
}

static void forge_row(struct forger *forger, unsigned table, const char *key, const char *value)
{
    struct mac_key mac_key = {{1}};
    uint8_t place[3] = {(uint8_t)table, 0, (uint8_t)strlen(key)};
    struct buf raw;
    const struct span pieces[] = {span_of(place, 3), span_text(key), span_text(value)};
    struct mac mac = crypto_mac(&mac_key, pieces, 3);
    buf_init(&raw, 1000);
    ck_assert_int_eq(buf_append_text(&raw, value), OK);
    ck_assert_int_eq(buf_append(&raw, mac.bytes, MAC_BYTES), OK);
    forge_record(forger, 3, table, span_text(key), span_buf(&raw));
    buf_free(&raw);
}

static void forge_good(struct forger *forger)
{
    forge_key(forger);
    forge_row(forger, STORE_CASE, "a", "1");
}
static void forge_no_key(struct forger *forger)
{
    forge_row(forger, STORE_CASE, "a", "1");
}
static void forge_wrong_mac(struct forger *forger)
{
    forge_key(forger);
    forge_record(forger, 3, STORE_CASE, span_text("a"), span_text("no MAC of sixteen bytes"));
}
static void forge_twice(struct forger *forger)
{
    forge_good(forger);
    forge_row(forger, STORE_CASE, "a", "2");
}
static void forge_tables_back(struct forger *forger)
{
    forge_good(forger);
    forge_row(forger, STORE_DEDUPE, "a", "2");
}
static void forge_schema_row(struct forger *forger)
{
    forge_key(forger);
    forge_row(forger, STORE_META, "schema", "2");
}
static void forge_journal(struct forger *forger)
{
    forge_key(forger);
    forge_row(forger, STORE_JOURNAL, "a", "2");
}
static void forge_agents_table(struct forger *forger)
{
    forge_key(forger);
    forge_row(forger, STORE_INBOX, "a", "2");
}
static void forge_escape(struct forger *forger)
{
    forge_key(forger);
    forge_record(forger, 2, 0, span_text("../../escaped"), span_text("mine"));
}
static void forge_absolute(struct forger *forger)
{
    forge_key(forger);
    forge_record(forger, 2, 0, span_text("/tmp/escaped"), span_text("mine"));
}
static void forge_hidden(struct forger *forger)
{
    forge_key(forger);
    forge_record(forger, 2, 0, span_text("calendars/.profile"), span_text("mine"));
}
static void forge_leaf(struct forger *forger)
{
    uint8_t index[8] = {0};
    forge_key(forger);
    forge_record(forger, 3, STORE_LOG, span_of(index, 8), span_text("no leaf at all, and no tree"));
}
static void forge_unknown(struct forger *forger)
{
    forge_good(forger);
    forge_record(forger, 9, 0, span_of(NULL, 0), span_of(NULL, 0));
}
static void forge_blobs(struct forger *forger)
{
    uint8_t digest[32] = {3}, size[8] = {0, 0, 0, 0, 0, 0, 0, 9};
    forge_good(forger);
    forge_record(forger, 4, 0, span_of(digest, 32), span_of(size, 8));
}
/* A gigabyte of zeros in a few kilobytes, in a row that says it is a megabyte. */
static void forge_bomb(struct forger *forger)
{
    static const uint8_t zeros[1024 * 1024];
    forge_key(forger);
    for (unsigned i = 0; i < 1024; i++) {
        ck_assert_int_eq(sealed_writer_add(forger->writer, span_of(zeros, sizeof(zeros))), OK);
    }
}

static const struct {
    const char *name;
    void (*fill)(struct forger *forger);
    const char *foot; /* changed members, in front of the usual ones; NULL: none */
    bool no_end;
    enum err expected;
    const char *says;
} forgeries[] = {
    {"good", forge_good, NULL, false, OK, NULL},
    {"no key", forge_no_key, NULL, false, ERR_CORRUPT, "begin with the store's key"},
    {"wrong MAC", forge_wrong_mac, NULL, false, ERR_CORRUPT, "does not verify"},
    {"a row twice", forge_twice, NULL, false, ERR_CORRUPT, "not in order"},
    {"tables back", forge_tables_back, NULL, false, ERR_CORRUPT, "not in order"},
    {"a schema row", forge_schema_row, NULL, false, ERR_CORRUPT, "no table of such a store"},
    {"a journal", forge_journal, NULL, false, ERR_CORRUPT, "no table of such a store"},
    {"an agent's table", forge_agents_table, NULL, false, ERR_CORRUPT, "no table of such a store"},
    {"a name above", forge_escape, NULL, false, ERR_CORRUPT, "configuration file"},
    {"an absolute name", forge_absolute, NULL, false, ERR_CORRUPT, "configuration file"},
    {"a hidden name", forge_hidden, NULL, false, ERR_CORRUPT, "configuration file"},
    {"no leaf", forge_leaf, NULL, false, ERR_CORRUPT, "leaf of the log"},
    {"an unknown record", forge_unknown, NULL, false, ERR_CORRUPT, "unknown type"},
    {"more attachments", forge_blobs, NULL, false, ERR_CORRUPT, "more attachments"},
    {"a bomb", forge_bomb, NULL, false, ERR_CORRUPT, NULL},
    {"no end", forge_good, NULL, true, ERR_CORRUPT, "ends before its end"},
    {"another log", forge_good, "\"log_size\":7,", false, ERR_CORRUPT, "not the one that it says"},
    {"more rows", forge_good, "\"rows\":7,", false, ERR_CORRUPT, "less than it says"},
    {"a petabyte", forge_good, "\"content_bytes\":1000000000000000,", false, ERR_INVALID,
     "cannot be"},
    {"an endless map", forge_good, "\"map_bytes\":9000000000000000000,", false, ERR_INVALID,
     "cannot be"},
    {"no room", forge_good, "\"attachment_bytes\":4000000000000000000,", false, ERR_FULL,
     "are needed"},
    {"another schema", forge_good, "\"schema\":2,", false, ERR_VERSION, "schema"},
    {"no kind", forge_good, "\"kind\":\"cloud\",", false, ERR_INVALID, "no backup"},
};

/* Members of `changed` take the place of the usual ones. */
static void foot_of(const struct forger *forger, const char *changed, struct buf *out)
{
    static const char *const texts[][2] = {{"kind", "\"broker\""},
                                           {"owner", "\"forger\""},
                                           {"software", "\"forger\""},
                                           {"note", "\"\""}};
    char root[DIGEST_TEXT_BYTES];
    struct digest empty = crypto_digest(span_of(NULL, 0));
    digest_format(&empty, root);
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {{"format", 1},
                   {"schema", 1},
                   {"made_ms", 1},
                   {"log_size", 0},
                   {"map_bytes", STORE_MAP_TEST_BYTES},
                   {"rows", forger->rows},
                   {"content_bytes", forger->bytes + 8 + 32},
                   {"attachments", 0},
                   {"attachment_bytes", 0}};
    char quoted[40];
    ck_assert_int_eq(buf_printf(out, "{%s", changed != NULL ? changed : ""), OK);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        (void)snprintf(quoted, sizeof(quoted), "\"%s\"", texts[i][0]);
        if (changed == NULL || strstr(changed, quoted) == NULL) {
            ck_assert_int_eq(buf_printf(out, "%s:%s,", quoted, texts[i][1]), OK);
        }
    }
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        (void)snprintf(quoted, sizeof(quoted), "\"%s\"", numbers[i].name);
        if (changed == NULL || strstr(changed, quoted) == NULL) {
            ck_assert_int_eq(
                buf_printf(out, "%s:%llu,", quoted, (unsigned long long)numbers[i].value), OK);
        }
    }
    ck_assert_int_eq(buf_printf(out, "\"log_root\":\"%s\"}", root), OK);
}

static void forge(const char *path, size_t index)
{
    const struct sealed_writer_options options = {.path = path,
                                                  .head = span_text("referral backup 1\n"),
                                                  .recipient = recovery.public_key,
                                                  .signer = &signer};
    struct forger forger = {.writer = NULL};
    struct sealed_written written;
    struct buf foot;
    buf_init(&foot, SEALED_FOOT_BYTES_MAX);
    ck_assert_int_eq(sealed_writer_open(&options, &forger.writer, NULL), OK);
    forgeries[index].fill(&forger);
    foot_of(&forger, forgeries[index].foot, &foot);
    if (!forgeries[index].no_end) {
        struct digest digest = crypto_digest(span_buf(&foot));
        forge_record(&forger, 5, 0, span_of(NULL, 0), span_of(digest.bytes, 32));
    }
    ck_assert_int_eq(sealed_writer_finish(forger.writer, span_buf(&foot), &written, NULL), OK);
    sealed_writer_free(forger.writer);
    buf_free(&foot);
}

START_TEST(test_hostile_files)
{
    struct fault fault = {.code = ""};
    char path[256];
    (void)snprintf(path, sizeof(path), "%s", folder_path(0, "hostile.backup"));
    forge(path, (size_t)_i);
    unsigned before = entries();
    enum err error = restore(path, &fault);
    ck_assert_msg(error == forgeries[_i].expected, "%s: %s: %s", forgeries[_i].name,
                  err_text(error), fault.message);
    if (error != OK) {
        ck_assert_msg(entries() == before, "%s left something", forgeries[_i].name);
        ck_assert(!is_there(folder_path(0, "escaped")) && !is_there("/tmp/escaped"));
        ck_assert_msg(forgeries[_i].says == NULL ||
                          strstr(fault.message, forgeries[_i].says) != NULL,
                      "%s: %s", forgeries[_i].name, fault.message);
    }
}
END_TEST

/* --- keeping, attachments --- */

static struct digest add_blob(const char *folder, const char *text)
{
    const struct blobs_options plain = {.refuse_percent = 100};
    struct blobs *blobs = NULL;
    struct digest digest;
    ck_assert_int_eq(blobs_open(folder, &plain, &blobs, NULL), OK);
    ck_assert_int_eq(blobs_part_append(blobs, "p", 0, span_text(text)), OK);
    ck_assert_int_eq(blobs_part_finish(blobs, "p", NULL, &digest), OK);
    ck_assert_int_eq(blobs_part_discard(blobs, "p"), OK);
    blobs_close(blobs);
    return digest;
}

static bool has_blob(const char *folder, const struct digest *digest)
{
    const struct blobs_options plain = {.refuse_percent = 100};
    struct blobs *blobs = NULL;
    uint64_t size = 0;
    ck_assert_int_eq(blobs_open(folder, &plain, &blobs, NULL), OK);
    enum err error = blobs_size(blobs, digest, &size);
    blobs_close(blobs);
    return error == OK;
}

static void drop_blob(const char *folder, const struct digest *digest)
{
    const struct blobs_options plain = {.refuse_percent = 100};
    struct blobs *blobs = NULL;
    ck_assert_int_eq(blobs_open(folder, &plain, &blobs, NULL), OK);
    ck_assert_int_eq(blobs_remove(blobs, digest), OK);
    blobs_close(blobs);
}

START_TEST(test_keeps_the_newest_and_what_they_need)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    fill(store, 2, 2);
    char blobs[256], copies[256];
    (void)snprintf(blobs, sizeof(blobs), "%s", folder_path(0, "blobs"));
    (void)snprintf(copies, sizeof(copies), "%s", folder_path(0, "backups/attachments"));
    struct digest old = add_blob(blobs, "old"), lasting = add_blob(blobs, "lasting");
    struct backup_options how = options_at(1770000000000u);
    how.attachments = blobs;
    how.keep = 2;
    struct backup_made first = make(store, &how);
    ck_assert_uint_eq(first.info.attachments, 2);
    drop_blob(blobs, &old);
    how.now_ms += 1000;
    struct backup_made second = make(store, &how);
    ck_assert(is_there(first.path) && has_blob(copies, &old));
    how.now_ms += 1000;
    struct backup_made third = make(store, &how);
    ck_assert_uint_eq(third.removed, 1);
    ck_assert(!is_there(first.path) && is_there(second.path) && is_there(third.path));
    ck_assert(!has_blob(copies, &old) && has_blob(copies, &lasting));
    /* another's backups are not counted, and stay */
    how.owner = "another";
    how.now_ms += 1000;
    (void)make(store, &how);
    ck_assert(is_there(second.path) && is_there(third.path));
    /* a broken file is nobody's */
    char broken[300];
    (void)snprintf(broken, sizeof(broken), "%s/broker-20200101T000000000.backup", how.folder);
    ck_assert_int_eq(file_write(broken, span_text("broken"), 0600, NULL), OK);
    struct backup_row rows[8];
    struct backup_listing listing = {.rows = rows, .max = 8};
    ck_assert_int_eq(backup_list(how.folder, &listing, NULL), OK);
    ck_assert_uint_eq(listing.count, 3);
    ck_assert_uint_eq(listing.unreadable, 1);
    ck_assert_str_eq(rows[0].info.owner, "another");
    ck_assert_uint_eq(rows[2].info.made_ms, second.info.made_ms);
    listing.max = 1; /* the newest, whatever the folder's order */
    ck_assert_int_eq(backup_list(how.folder, &listing, NULL), OK);
    ck_assert_uint_eq(listing.count, 1);
    ck_assert_str_eq(rows[0].info.owner, "another");
    store_close(store);
}
END_TEST

/* An agent's keys of cases come from the copy beside the backup: the newest one, so that what was
 * erased since stays erased. Without it nothing is restored. */
START_TEST(test_an_erased_case_opens_from_no_backup)
{
    struct store_options options = agent_options();
    struct store *store = open_store(&options);
    const struct uuid erased = make_id(1), other = make_id(2);
    const struct uuid id = case_keys_id(store_case_keys(store));
    struct case_key_secret before, key;
    ck_assert_int_eq(case_keys_current(store_case_keys(store), &other, &before), OK);
    struct backup_options how = options_at(1770000000000u);
    struct backup_made old = make(store, &how);
    ck_assert_int_eq(case_keys_destroy(store_case_keys(store), &erased, 0), OK);
    ck_assert_int_eq(store_case_keys_copy(store, folder_path(0, "backups"), NULL), OK);
    store_close(store);

    char name[CASE_KEYS_COPY_BYTES], copy[400], away[400];
    case_keys_copy_name(&id, name);
    (void)snprintf(copy, sizeof(copy), "%s/%s", folder_path(0, "backups"), name);
    (void)snprintf(away, sizeof(away), "%s", folder_path(0, "away"));
    ck_assert_int_eq(rename(copy, away), 0);
    struct fault fault = {.code = ""};
    ck_assert_int_eq(restore(old.path, &fault), ERR_NOT_FOUND);
    ck_assert_str_eq(fault.code, "backup.case-keys");
    ck_assert(!is_there(folder_path(0, "restored")));
    struct backup_reader *reader = NULL;
    const struct verify_options alone = {.attachments = NULL};
    ck_assert_int_eq(backup_open(old.path, &reader, NULL), OK);
    fault.code[0] = '\0';
    ck_assert_int_eq(backup_verify(reader, recovery.secret, &alone, &fault), ERR_NOT_FOUND);
    ck_assert_str_eq(fault.code, "backup.case-keys");
    backup_close(reader);
    ck_assert_int_eq(rename(away, copy), 0);

    restore_well(old.path);
    store = open_restored(options);
    ck_assert_int_eq(case_keys_past(store_case_keys(store), &erased, 0, &key), ERR_NOT_FOUND);
    ck_assert_int_eq(case_keys_past(store_case_keys(store), &other, 0, &key), OK);
    ck_assert_mem_eq(key.bytes, before.bytes, sizeof(key.bytes));
    store_close(store);
}
END_TEST

START_TEST(test_attachments_come_back_or_are_missed)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    fill(store, 2, 2);
    char blobs[256], copies[256];
    (void)snprintf(blobs, sizeof(blobs), "%s", folder_path(0, "blobs"));
    (void)snprintf(copies, sizeof(copies), "%s", folder_path(0, "backups/attachments"));
    struct digest digest = add_blob(blobs, "sealed bytes");
    struct backup_options how = options_at(1770000000000u);
    how.attachments = blobs;
    struct backup_made made = make(store, &how);
    store_close(store);
    struct restore_options into = {.to = folder_path(2, "restored"), .attachments = copies};
    struct backup_reader *reader = NULL;
    ck_assert_int_eq(backup_open(made.path, &reader, NULL), OK);
    ck_assert_int_eq(backup_restore(reader, recovery.secret, &into, NULL), OK);
    backup_close(reader);
    ck_assert(has_blob(folder_path(0, "restored/store-attachments"), &digest));

    /* verified, too: whole, then damaged at the same size, then gone */
    struct verify_options beside = {.attachments = copies};
    struct fault fault = {.code = ""};
    char path[400], hex[DIGEST_TEXT_BYTES];
    digest_format(&digest, hex);
    (void)snprintf(path, sizeof(path), "%s/%.2s/%s", copies, hex, hex + 2);
    for (unsigned i = 0; i < 3; i++) {
        static const enum err expected[] = {OK, ERR_CORRUPT, ERR_NOT_FOUND};
        if (i == 1) {
            ck_assert_int_eq(file_write(path, span_text("sealed bytez"), 0600, NULL), OK);
        } else if (i == 2) {
            drop_blob(copies, &digest);
        }
        ck_assert_int_eq(backup_open(made.path, &reader, NULL), OK);
        ck_assert_int_eq(backup_verify(reader, recovery.secret, &beside, &fault), expected[i]);
        backup_close(reader);
    }
    ck_assert_str_eq(fault.code, "restore.attachment");
    into.to = folder_path(2, "again");
    ck_assert_int_eq(backup_open(made.path, &reader, NULL), OK);
    ck_assert_int_eq(backup_restore(reader, recovery.secret, &into, &fault), ERR_NOT_FOUND);
    ck_assert_str_eq(fault.code, "restore.attachment");
    backup_close(reader);
    ck_assert(!is_there(folder_path(0, "again")));
}
END_TEST

/* --- in the background --- */

static struct backup_look look_until_done(struct backup_job *job)
{
    struct backup_look look;
    do {
        (void)usleep(1000);
        backup_job_look(job, &look);
    } while (look.state == BACKUP_RUNNING);
    return look;
}

START_TEST(test_a_job_is_remembered)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    struct backup_options how = options_at(1770000000000u);
    struct backup_job *job = NULL;
    struct fault fault = {.code = ""};
    fill(store, 60, 100);
    ck_assert_int_eq(backup_job_new(how.folder, how.owner, &job), OK);
    struct backup_look look;
    backup_job_look(job, &look);
    ck_assert(look.state == BACKUP_NEVER && !look.has_last);
    ck_assert_int_eq(backup_job_start(job, store, &how, true, &fault), OK);
    how.now_ms++;
    ck_assert_int_eq(backup_job_start(job, store, &how, true, &fault), ERR_BUSY);
    ck_assert_str_eq(fault.code, "backup.running");
    look = look_until_done(job);
    ck_assert_int_eq(look.state, BACKUP_DONE);
    ck_assert_uint_eq(look.last.info.log_size, 6000);
    backup_job_free(job);
    /* another process finds it, and a failure does not hide it */
    ck_assert_int_eq(backup_job_new(how.folder, how.owner, &job), OK);
    backup_job_look(job, &look);
    ck_assert(look.state == BACKUP_NEVER && look.has_last);
    ck_assert_uint_eq(look.last.info.log_size, 6000);
    struct backup_options bad = how;
    const struct backup_file missing = {"broker.yaml", "/nowhere/broker.yaml"};
    bad.files = &missing;
    bad.file_count = 1;
    ck_assert_int_eq(backup_job_start(job, store, &bad, true, &fault), OK);
    look = look_until_done(job);
    ck_assert_int_eq(look.state, BACKUP_FAILED);
    ck_assert_uint_eq(look.failures, 1);
    ck_assert_str_eq(look.fault.code, "file.not-found");
    ck_assert(look.has_last);
    /* one elsewhere is told, and is not the regular one */
    bad.folder = folder_path(1, "elsewhere");
    ck_assert_int_eq(backup_job_start(job, store, &bad, false, &fault), OK);
    look = look_until_done(job);
    ck_assert_str_eq(look.run_fault.code, "file.not-found");
    ck_assert_uint_eq(look.failures, 1);
    bad.file_count = 0;
    ck_assert_int_eq(backup_job_start(job, store, &bad, false, &fault), OK);
    look = look_until_done(job);
    ck_assert(look.state == BACKUP_DONE && look.run_fault.code[0] == '\0');
    ck_assert_ptr_nonnull(strstr(look.made.path, "/elsewhere/"));
    ck_assert_ptr_null(strstr(look.last.path, "/elsewhere/"));
    ck_assert_uint_eq(look.failures, 1);
    /* freed while it runs: it is cancelled and leaves nothing */
    ck_assert_int_eq(backup_job_start(job, store, &how, true, &fault), OK);
    backup_job_free(job);
    struct backup_row rows[4];
    struct backup_listing listing = {.rows = rows, .max = 4};
    ck_assert_int_eq(backup_list(how.folder, &listing, NULL), OK);
    ck_assert_uint_eq(listing.unreadable, 0);
    store_close(store);
}
END_TEST

START_TEST(test_what_a_killed_one_left_goes)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    fill(store, 2, 2);
    struct backup_options how = options_at(1770000000000u);
    char left[300], other[300];
    (void)snprintf(left, sizeof(left), "%s/broker-20260101T000000000.backup.part", how.folder);
    (void)snprintf(other, sizeof(other), "%s/agent-20260101T000000000.backup.part", how.folder);
    ck_assert_int_eq(folder_make(how.folder, 0700, NULL), OK);
    ck_assert_int_eq(file_write(left, span_text("half"), 0600, NULL), OK);
    ck_assert_int_eq(file_write(other, span_text("another's"), 0600, NULL), OK);
    (void)make(store, &how);
    ck_assert(!is_there(left) && is_there(other));
    store_close(store);
}
END_TEST

START_TEST(test_can_be_cancelled)
{
    struct store_options options = broker_options();
    struct store *store = open_store(&options);
    fill(store, 2, 2);
    struct backup_progress progress = {.rows = 0};
    struct backup_options how = options_at(1770000000000u);
    struct backup_made made;
    struct fault fault = {.code = ""};
    atomic_store(&progress.cancel, true);
    how.progress = &progress;
    ck_assert_int_eq(backup_make(store, &how, &made, &fault), ERR_CLOSED);
    ck_assert_str_eq(fault.code, "backup.cancelled");
    store_close(store);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("backup");
    TCase *tests = tcase_create("backup");
    tcase_add_checked_fixture(tests, setup, folder_teardown);
    tcase_add_test(tests, test_a_restored_store_is_the_store);
    tcase_add_test(tests, test_an_agents_store_too);
    tcase_add_test(tests, test_hot_and_consistent);
    tcase_add_loop_test(tests, test_a_damaged_store_makes_no_backup, 0, 2);
    tcase_add_test(tests, test_never_over_anything);
    tcase_add_test(tests, test_another_key_writes_nothing);
    tcase_add_loop_test(tests, test_hostile_files, 0, (int)COUNT_OF(forgeries));
    tcase_add_test(tests, test_keeps_the_newest_and_what_they_need);
    tcase_add_test(tests, test_an_erased_case_opens_from_no_backup);
    tcase_add_test(tests, test_attachments_come_back_or_are_missed);
    tcase_add_test(tests, test_what_a_killed_one_left_goes);
    tcase_add_test(tests, test_can_be_cancelled);
    tcase_add_test(tests, test_a_job_is_remembered);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
