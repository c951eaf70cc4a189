/* lib/wire/key_statement: only an agency's own root revokes its keys; every changed bit is refused;
 * the place in the log counts and no time; and lists are kept whole or not at all. */
#include <check.h>
#include <string.h>

#include "crypto_start.h"
#include "wire/key_endorsement.h"
#include "wire/key_statement.h"
#include "wire/registry_document.h"
#include "sample.h"

static struct sign_key broker, own, next, root, other_root;
static struct keyring *keyring;

static void add(struct key_entry *entry, const char *owner, enum key_use use,
                const struct sign_key *key)
{
    *entry = (struct key_entry){.use = use, .to_ms = UINT64_MAX};
    text_copy(entry->owner, sizeof(entry->owner), owner);
    memcpy(entry->public_key, key->public_key, sizeof(entry->public_key));
}

static void setup(void)
{
    struct sign_key *const keys[] = {&broker, &own, &next, &root, &other_root};
    struct key_entry entries[5];
    struct buf text;

    ck_assert_int_eq(crypto_start(), OK);
    for (uint8_t i = 0; i < 5; i++) {
        const uint8_t seed[SIGN_SEED_BYTES] = {(uint8_t)(i + 1)};

        sign_key_from_seed(seed, keys[i]);
    }
    add(&entries[0], "broker", KEY_SIGN, &broker);
    add(&entries[1], "education", KEY_SIGN, &own);
    add(&entries[2], "education", KEY_SIGN, &next);
    add(&entries[3], "education", KEY_ROOT, &root);
    add(&entries[4], "health", KEY_ROOT, &other_root);
    key_endorse(&entries[1], &root);
    key_endorse(&entries[2], &root);
    buf_init(&text, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(keyring_write("city.example/broker", entries, 5, &text), OK);
    ck_assert_int_eq(keyring_load_text("k", span_buf(&text), &keyring, NULL), OK);
    buf_free(&text);
}

static void teardown(void)
{
    keyring_free(keyring);
}

static void sign(const char *owner, const struct sign_key *key, const struct sign_key *by,
                 struct buf *out)
{
    struct key_statement statement = {.made_ms = 1795704000000};

    text_copy(statement.owner, sizeof(statement.owner), owner);
    memcpy(statement.key, key->public_key, sizeof(statement.key));
    buf_init(out, KEY_STATEMENT_BYTES);
    ck_assert_int_eq(key_statement_sign(&statement, by, out), OK);
}

static void check(const char *owner, const struct sign_key *key, const struct sign_key *by,
                  const char *code)
{
    struct fault fault = {.code = ""};
    struct key_statement statement;
    struct buf text;

    sign(owner, key, by, &text);
    ck_assert_int_eq(key_statement_open("s", span_buf(&text), &statement, &fault), OK);
    ck_assert_int_eq(key_statement_judge("s", &statement, keyring, &fault) == OK, code[0] == '\0');
    ck_assert_str_eq(fault.code, code);
    buf_free(&text);
}

START_TEST(test_only_the_own_root_revokes)
{
    check("education", &own, &root, "");
    check("education", &own, &own, "key.root");
    check("education", &own, &other_root, "key.root");
    check("health", &own, &root, "key.root");
    check("health", &own, &other_root, "key.unknown");
    check("education", &root, &root, "key.use");
    check("broker", &broker, &root, "key.root");
}
END_TEST

START_TEST(test_every_bit_counts)
{
    struct key_statement statement;
    struct buf text;

    sign("education", &own, &root, &text);
    for (size_t at = 0; at < text.len; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            text.data[at] ^= (uint8_t)(1u << bit);
            ck_assert_int_ne(key_statement_open("s", span_buf(&text), &statement, NULL), OK);
            text.data[at] ^= (uint8_t)(1u << bit);
        }
        ck_assert_int_ne(key_statement_open("s", span_of(text.data, at), &statement, NULL), OK);
    }
    ck_assert_int_eq(key_statement_open("s", span_buf(&text), &statement, NULL), OK);
    buf_free(&text);
}
END_TEST

/* Nothing else that a root signs is one, and the other way round. */
START_TEST(test_is_no_registry)
{
    const struct registry_making making = {
        .made_ms = 1795704000000, .agencies = span_text("a"), .keys = span_text("b")};
    struct registry_document document;
    struct key_statement statement;
    struct buf registry, text;

    buf_init(&registry, REGISTRY_DOCUMENT_BYTES);
    ck_assert_int_eq(registry_document_sign(&making, &root, &registry), OK);
    sign("education", &own, &root, &text);
    ck_assert_int_eq(key_statement_open("s", span_buf(&registry), &statement, NULL), ERR_INVALID);
    ck_assert_int_eq(registry_document_open("s", span_buf(&text), NULL, &document, NULL),
                     ERR_INVALID);
    buf_free(&registry);
    buf_free(&text);
}
END_TEST

START_TEST(test_place_counts_and_no_time)
{
    const struct key_id id = key_id_of(own.public_key);
    const struct key_entry *key;
    struct fault fault = {.code = ""};

    ck_assert_int_eq(keyring_find(keyring, "education", id, 0, &key), OK);
    ck_assert_int_eq(keyring_revoke(keyring, "education", id, 4711), OK);
    ck_assert_int_eq(keyring_revoke(keyring, "health", id, 4711), ERR_NOT_FOUND);
    ck_assert_int_eq(keyring_find(keyring, "education", id, 0, &key), ERR_REFUSED);
    keyring_explain(keyring, "education", id, 0, &fault);
    ck_assert_ptr_nonnull(strstr(fault.place, ": revoked at leaf 4711"));
    ck_assert_int_eq(keyring_find_past(keyring, "education", id, 0, &key), OK);
    ck_assert_uint_eq(key->revoked_leaf, 4711);
    ck_assert_int_eq(keyring_current(keyring, "education", KEY_SIGN, 0, &key), OK);
    ck_assert_mem_eq(key->public_key, next.public_key, SIGN_PUBLIC_BYTES);
    check("education", &own, &root, "key.revoked");
    ck_assert_int_eq(keyring_revoke(keyring, "education", id, KEY_NOT_REVOKED), OK);
    ck_assert_int_eq(keyring_find(keyring, "education", id, 0, &key), OK);
}
END_TEST

START_TEST(test_lists)
{
    struct key_statements list, again;
    struct recorded_statement one = {.leaf = 7}, read;
    const struct key_entry *key;
    struct buf text, other;
    size_t at = 0;

    sign("education", &own, &root, &text);
    sign("education", &next, &root, &other);
    key_statements_init(&list);
    key_statements_init(&again);
    one.text = span_buf(&text);
    ck_assert_int_eq(key_statements_add(&list, &one), OK);
    one = (struct recorded_statement){.text = span_buf(&other), .leaf = 9};
    ck_assert_int_eq(key_statements_add(&list, &one), OK);
    ck_assert_int_eq(key_statements_load(&again, span_buf(&list.packed)), OK);
    ck_assert(key_statements_next(&again, &at, &read) && read.leaf == 7 &&
              span_equal(read.text, span_buf(&text)));
    ck_assert(key_statements_next(&again, &at, &read) && read.leaf == 9);
    ck_assert(!key_statements_next(&again, &at, &read));
    key_statements_mark(&again, keyring);
    ck_assert_int_eq(keyring_current(keyring, "education", KEY_SIGN, 0, &key), ERR_NOT_FOUND);
    key_statements_free(&again);
    for (size_t len = 1; len < list.packed.len; len++) { /* cut anywhere but between the two */
        enum err error;

        key_statements_init(&again);
        error = key_statements_load(&again, span_of(list.packed.data, len));
        ck_assert_int_eq(error == OK, len == 10 + text.len);
        key_statements_free(&again);
    }
    key_statements_free(&list);
    buf_free(&text);
    buf_free(&other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("key_statement");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_only_the_own_root_revokes);
    tcase_add_test(tests, test_every_bit_counts);
    tcase_add_test(tests, test_is_no_registry);
    tcase_add_test(tests, test_place_counts_and_no_time);
    tcase_add_test(tests, test_lists);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
