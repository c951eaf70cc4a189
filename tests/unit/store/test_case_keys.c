/* lib/store/case_keys, keys_file and erased: each case its own key, the same after every restart;
 * what was erased gives no key and every other case does; what is left on the disk has no seed of
 * what was erased; a process killed at each step leaves an erasure that ends; wrong files are
 * refused. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "crypto_start.h"
#include "store/erased.h"
#include "store_support.h"

static const uint8_t store_key[32] = {7, 7, 7};

static struct case_keys *keys_new(void)
{
    struct case_keys *keys = NULL;

    ck_assert_int_eq(crypto_start(), OK);
    ck_assert_int_eq(case_keys_new(store_key, &keys), OK);
    return keys;
}

static struct case_keys *keys_again(struct case_keys *keys)
{
    struct fault fault = {.code = ""};
    struct case_keys *again = NULL;

    ck_assert_int_eq(case_keys_write(keys, folder_path(0, "keys"), &fault), OK);
    case_keys_free(keys);
    ck_assert_msg(case_keys_read(folder_path(0, "keys"), store_key, &again, &fault) == OK, "%s",
                  fault.message);
    return again;
}

static struct case_key_secret current(struct case_keys *keys, uint64_t number)
{
    const struct uuid id = make_id(number);
    struct case_key_secret key;

    ck_assert_int_eq(case_keys_current(keys, &id, &key), OK);
    return key;
}

static bool same(const struct case_key_secret *a, const struct case_key_secret *b)
{
    return a->generation == b->generation && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

START_TEST(each_case_has_its_own_key_and_keeps_it)
{
    struct case_keys *keys = keys_new();
    struct case_key_secret first[200];

    for (size_t i = 0; i < 200; i++) {
        first[i] = current(keys, i);
        for (size_t k = 0; k < i; k++) {
            ck_assert(!same(&first[i], &first[k]));
        }
    }
    keys = keys_again(keys);
    for (size_t i = 0; i < 200; i++) {
        const struct case_key_secret again = current(keys, i);

        ck_assert(same(&first[i], &again));
    }
    case_keys_free(keys);
}
END_TEST

/* Property: after any erasures the erased give no key, and all others the one they had. */
START_TEST(erased_ones_are_gone_and_no_other_changes)
{
    enum { CASES = 300 };
    struct case_keys *keys = keys_new();
    struct case_key_secret first[CASES];

    for (size_t i = 0; i < CASES; i++) {
        first[i] = current(keys, i);
    }
    for (size_t erased = 0; erased < 60; erased++) {
        const struct uuid id = make_id(erased * 5);

        ck_assert_int_eq(case_keys_destroy(keys, &id, 0), OK);
        ck_assert_int_eq(case_keys_destroy(keys, &id, 0), OK); /* again is no harm */
        if (erased % 20 == 0) {
            keys = keys_again(keys);
        }
    }
    for (size_t i = 0; i < CASES; i++) {
        const struct uuid id = make_id(i);
        struct case_key_secret now;

        if (i % 5 == 0) {
            ck_assert_int_eq(case_keys_past(keys, &id, 0, &now), ERR_NOT_FOUND);
            now = current(keys, i);
            ck_assert_uint_eq(now.generation, 1);
            ck_assert_int_ne(memcmp(now.bytes, first[i].bytes, sizeof(now.bytes)), 0);
        } else {
            now = current(keys, i);
            ck_assert(same(&first[i], &now));
        }
    }
    case_keys_free(keys);
}
END_TEST

START_TEST(a_case_can_be_erased_again)
{
    struct case_keys *keys = keys_new();
    const struct uuid id = make_id(9);

    for (unsigned i = 0; i < 4; i++) {
        const struct case_key_secret now = current(keys, 9);

        ck_assert_uint_eq(now.generation, i);
        ck_assert_int_eq(case_keys_destroy(keys, &id, now.generation), OK);
        keys = keys_again(keys);
    }
    for (uint8_t i = 0; i < 4; i++) {
        struct case_key_secret past;

        ck_assert_int_eq(case_keys_past(keys, &id, i, &past), ERR_NOT_FOUND);
    }
    case_keys_free(keys);
}
END_TEST

/* The root's seed stands in the first file and gives every key: it must be in none of the later. */
START_TEST(the_old_file_is_written_over)
{
    struct case_keys *keys = keys_again(keys_new());
    const char *path = folder_path(1, "keys"), *kept = folder_path(2, "kept");
    const struct uuid id = make_id(1);
    size_t len = 0, now_len = 0;
    uint8_t *before = file_bytes(path, &len), *now;

    ck_assert_int_eq(link(path, kept), 0); /* the old file's bytes, whatever becomes of its name */
    ck_assert_int_eq(case_keys_destroy(keys, &id, 0), OK);
    case_keys_free(keys_again(keys));
    now = file_bytes(kept, &now_len);
    ck_assert_uint_eq(now_len, len);
    for (size_t i = 0; i < len; i++) {
        ck_assert_uint_eq(now[i], 0);
    }
    free(now);
    now = file_bytes(path, &now_len);
    const uint8_t *root = before + len - MAC_BYTES - 32;

    ck_assert_ptr_null(memmem(now, now_len, root, 32));
    ck_assert_int_ne(access(folder_path(3, "keys.old"), F_OK), 0);
    free(now);
    free(before);
}
END_TEST

START_TEST(every_changed_bit_is_refused)
{
    struct case_keys *keys = keys_new();
    const struct uuid id = make_id(1);
    size_t len = 0;

    ck_assert_int_eq(case_keys_destroy(keys, &id, 0), OK);
    case_keys_free(keys_again(keys));
    uint8_t *bytes = file_bytes(folder_path(0, "keys"), &len);
    for (size_t at = 0; at < len; at++) {
        struct case_keys *read = NULL;

        bytes[at] ^= (uint8_t)(1u << (at % 8));
        file_put(folder_path(0, "changed"), bytes, len);
        bytes[at] ^= (uint8_t)(1u << (at % 8));
        ck_assert_int_ne(case_keys_read(folder_path(0, "changed"), store_key, &read, NULL), OK);
    }
    for (size_t cut = 0; cut < len; cut += 1 + cut / 8) {
        struct case_keys *read = NULL;

        file_put(folder_path(0, "changed"), bytes, cut);
        ck_assert_int_ne(case_keys_read(folder_path(0, "changed"), store_key, &read, NULL), OK);
    }
    free(bytes);
}
END_TEST

START_TEST(another_stores_key_is_refused)
{
    static const uint8_t other[32] = {8};
    struct case_keys *keys = NULL;
    struct fault fault = {.code = ""};

    case_keys_free(keys_again(keys_new()));
    ck_assert_int_eq(case_keys_read(folder_path(0, "keys"), other, &keys, &fault), ERR_FORGED);
    ck_assert_str_eq(fault.code, "store.case-keys-changed");
    ck_assert_str_ne(fault.hint, "");
}
END_TEST

START_TEST(desk_keys_come_and_go)
{
    struct case_keys *keys = keys_new();
    struct desk_key_secret first, second, found;

    case_keys_desk(keys, &first);
    ck_assert_int_eq(case_keys_desk_renew(keys), OK);
    case_keys_desk(keys, &second);
    ck_assert_uint_ne(first.number, second.number);
    ck_assert_int_eq(case_keys_desk_renew(keys), ERR_FULL);
    keys = keys_again(keys);
    ck_assert_int_eq(case_keys_desk_past(keys, first.number, &found), OK);
    ck_assert_mem_eq(found.bytes, first.bytes, sizeof(found.bytes));
    case_keys_desk_let_go(keys);
    keys = keys_again(keys);
    ck_assert_int_eq(case_keys_desk_past(keys, first.number, &found), ERR_NOT_FOUND);
    ck_assert_int_eq(case_keys_desk_past(keys, second.number, &found), OK);
    ck_assert_mem_eq(found.bytes, second.bytes, sizeof(found.bytes));
    case_keys_free(keys);
}
END_TEST

/* --- with a store --- */

static void erase_row(struct store *store, uint64_t number, uint8_t generation)
{
    struct erased erased = {.case_id = make_id(number), .generation = generation, .at_ms = 5};
    struct store_txn *txn = begin(store);

    text_copy(erased.order, sizeof(erased.order), "(2026) 1");
    text_copy(erased.reason, sizeof(erased.reason), "order of the court");
    ck_assert_int_eq(erased_put(txn, &erased), OK);
    commit(txn);
}

START_TEST(rows_are_found_in_their_order)
{
    struct store_options options = agent_options();
    struct store *store = open_store(&options);
    struct erased erased = {.generation = 0};
    struct store_txn *read;
    size_t count = 0;

    erase_row(store, 2, 0);
    erase_row(store, 2, 1);
    erase_row(store, 1, 0);
    read = snapshot(store);
    while (erased_next(read, &erased) == OK) {
        ck_assert_str_eq(erased.order, "(2026) 1");
        ck_assert_str_eq(erased.reason, "order of the court");
        ck_assert_uint_eq(erased.at_ms, 5);
        count++;
    }
    ck_assert_uint_eq(count, 3);
    ck_assert_int_eq(erased_find(read, &(struct uuid){{0}}, &erased), ERR_NOT_FOUND);
    const struct uuid id = make_id(2);

    ck_assert_int_eq(erased_find(read, &id, &erased), OK);
    ck_assert_uint_eq(erased.generation, 1);
    store_read_end(read);
    store_close(store);
}
END_TEST

START_TEST(a_row_whose_key_is_there_is_completed)
{
    struct store_options options = agent_options();
    struct store *store = open_store(&options);
    struct case_key_secret other = current(store_case_keys(store), 4), key;
    const struct uuid id = make_id(3);
    size_t count = 0;

    erase_row(store, 3, 0);
    store_close(store); /* killed before the key's end */
    store = open_store(&options);
    ck_assert_int_eq(case_keys_past(store_case_keys(store), &id, 0, &key), OK);
    ck_assert_int_eq(erased_complete(store, &count, NULL), OK);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(erased_complete(store, &count, NULL), OK);
    ck_assert_uint_eq(count, 0);
    store_close(store);
    store = open_store(&options);
    ck_assert_int_eq(case_keys_past(store_case_keys(store), &id, 0, &key), ERR_NOT_FOUND);
    key = current(store_case_keys(store), 4);
    ck_assert(same(&other, &key));
    store_close(store);
}
END_TEST

START_TEST(a_store_opens_with_its_own_file_only)
{
    struct store_options options = agent_options();
    struct store *store = open_store(&options);
    struct fault fault = {.code = ""};
    size_t len = 0;

    store_close(store);
    uint8_t *mine = file_bytes(folder_path(0, "store-case-keys"), &len);
    ck_assert_int_eq(unlink(folder_path(0, "store-case-keys")), 0);
    ck_assert_int_eq(store_open(folder_path(0, "store"), &options, &store, &fault), ERR_NOT_FOUND);
    ck_assert_str_eq(fault.code, "store.case-keys-missing");
    file_put(folder_path(0, "store-case-keys.old"), mine, len); /* may be all that is left */
    ck_assert_int_eq(store_open(folder_path(0, "store"), &options, &store, &fault), ERR_NOT_FOUND);
    ck_assert_int_eq(
        rename(folder_path(0, "store-case-keys.old"), folder_path(1, "store-case-keys")), 0);
    store_close(open_store(&options));
    ck_assert_int_eq(unlink(folder_path(0, "store-case-keys")), 0);
    ck_assert_int_ne(access(folder_path(0, "store-case-keys"), F_OK), 0);
    struct case_keys *other = NULL;

    ck_assert_int_eq(case_keys_new(options.seal_key, &other), OK);
    ck_assert_int_eq(case_keys_write(other, folder_path(0, "store-case-keys"), &fault), OK);
    case_keys_free(other);
    ck_assert_int_eq(store_open(folder_path(0, "store"), &options, &store, &fault), ERR_FORGED);
    ck_assert_str_eq(fault.code, "store.case-keys-other");
    file_put(folder_path(0, "store-case-keys"), mine, len);
    store_close(open_store(&options));
    free(mine);
}
END_TEST

/* A store of a release without case keys gets them when it is opened. */
START_TEST(an_older_store_gets_its_file)
{
    struct store_options options = agent_options();

    store_close(open_store(&options));
    ck_assert_int_eq(unlink(folder_path(0, "store-case-keys")), 0);
    raw_remove("meta", span_text("=case-keys"));
    store_close(open_store(&options));
    ck_assert_int_eq(access(folder_path(0, "store-case-keys"), F_OK), 0);
    store_close(open_store(&options));
}
END_TEST

/* Erases and writes without end. */
static void erase_until_killed(uint64_t from)
{
    for (uint64_t i = from;; i++) {
        const struct uuid id = make_id(i);
        struct case_keys *keys = NULL;

        if (case_keys_tidy(folder_path(0, "keys"), NULL) != OK ||
            case_keys_read(folder_path(0, "keys"), store_key, &keys, NULL) != OK ||
            case_keys_destroy(keys, &id, 0) != OK ||
            case_keys_write(keys, folder_path(0, "keys"), NULL) != OK) {
            _exit(1);
        }
        case_keys_free(keys);
    }
}

/* Killed anywhere: the next one reads the old file or the new one, and leaves no other beside it.
 */
START_TEST(killed_while_writing)
{
    case_keys_free(keys_again(keys_new()));
    for (unsigned round = 0; round < 40; round++) {
        struct case_keys *keys = NULL;
        int status = 0;
        const pid_t child = fork();

        ck_assert_int_ge(child, 0);
        if (child == 0) {
            erase_until_killed(1000 * (uint64_t)round);
        }
        (void)usleep(300 + 997 * round % 20000); /* the step at which it dies is nobody's choice */
        ck_assert_int_eq(kill(child, SIGKILL), 0);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert(WIFSIGNALED(status));
        ck_assert_int_eq(case_keys_read(folder_path(0, "keys"), store_key, &keys, NULL), OK);
        ck_assert_int_eq(case_keys_tidy(folder_path(0, "keys"), NULL), OK);
        ck_assert_int_ne(access(folder_path(1, "keys.old"), F_OK), 0);
        ck_assert_int_ne(access(folder_path(1, "keys.new"), F_OK), 0);
        case_keys_free(keys);
    }
}
END_TEST

/* A file of as many seeds, none of which is of a case: the same head and MAC. */
static struct case_keys *keys_of_many(uint32_t count)
{
    static const char label[] = "referral.v1.case-keys-file";
    const size_t head = 38 + 36, node = 39;
    struct case_keys *keys = keys_again(keys_new());
    size_t len = 0;
    uint8_t *one = file_bytes(folder_path(0, "keys"), &len);
    uint8_t *many = calloc(1, head + 4 + count * node + MAC_BYTES);
    struct mac_key key;

    case_keys_free(keys);
    ck_assert_ptr_nonnull(many);
    memcpy(many, one, head);
    free(one);
    be32_put(many + head, count);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *at = many + head + 4 + i * node;

        at[0] = 12;
        be32_put(at + 3, i);
    }
    len = head + 4 + count * node;
    crypto_derive(store_key, span_of(label, sizeof(label)), key.bytes);
    const struct span signed_bytes = span_of(many, len);
    const struct mac mac = crypto_mac(&key, &signed_bytes, 1);
    memcpy(many + len, mac.bytes, MAC_BYTES);
    file_put(folder_path(0, "keys"), many, len + MAC_BYTES);
    free(many);
    keys = NULL;
    ck_assert_int_eq(case_keys_read(folder_path(0, "keys"), store_key, &keys, NULL), OK);
    return keys;
}

/* Known before a row says that a case was erased: an erasure that cannot end stops every start. */
START_TEST(room_is_known_before)
{
    struct case_keys *keys = keys_new();

    ck_assert(case_keys_have_room(keys));
    case_keys_free(keys);
    keys = keys_of_many(1000000 - 180);
    ck_assert(case_keys_have_room(keys));
    case_keys_free(keys);
    keys = keys_of_many(1000000 - 179);
    ck_assert(!case_keys_have_room(keys));
    case_keys_free(keys);
}
END_TEST

/* Somebody who reads a copy beside backups while it is written anew (`backup verify`): what lies
 * beside it is the writer's, and in use. */
START_TEST(who_reads_touches_nothing)
{
    struct case_keys *keys = keys_again(keys_new()), *again = NULL;
    size_t len = 0, now_len = 0;
    uint8_t *bytes = file_bytes(folder_path(0, "keys"), &len);

    case_keys_free(keys);
    file_put(folder_path(0, "keys.new"), bytes, len);
    file_put(folder_path(1, "keys.old"), bytes, len);
    ck_assert_int_eq(case_keys_read(folder_path(2, "keys"), store_key, &again, NULL), OK);
    case_keys_free(again);
    for (unsigned i = 0; i < 2; i++) {
        uint8_t *now = file_bytes(folder_path(0, i == 0 ? "keys.new" : "keys.old"), &now_len);

        ck_assert_uint_eq(now_len, len);
        ck_assert_mem_eq(now, bytes, len);
        free(now);
    }
    free(bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("case_keys");
    TCase *cases = tcase_create("case_keys");

    tcase_add_checked_fixture(cases, folder_setup, folder_teardown);
    tcase_add_test(cases, each_case_has_its_own_key_and_keeps_it);
    tcase_add_test(cases, erased_ones_are_gone_and_no_other_changes);
    tcase_add_test(cases, a_case_can_be_erased_again);
    tcase_add_test(cases, the_old_file_is_written_over);
    tcase_add_test(cases, every_changed_bit_is_refused);
    tcase_add_test(cases, another_stores_key_is_refused);
    tcase_add_test(cases, desk_keys_come_and_go);
    tcase_add_test(cases, rows_are_found_in_their_order);
    tcase_add_test(cases, a_row_whose_key_is_there_is_completed);
    tcase_add_test(cases, a_store_opens_with_its_own_file_only);
    tcase_add_test(cases, an_older_store_gets_its_file);
    tcase_add_test(cases, killed_while_writing);
    tcase_add_test(cases, who_reads_touches_nothing);
    tcase_add_test(cases, room_is_known_before);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
