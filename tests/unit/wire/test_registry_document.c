/* lib/wire/registry_document: what is signed opens and says what was signed; every single bit that
 * is changed is refused; another root, an older version and a fork are told apart; and the root's
 * signature over a registry is none over anything else of the protocol. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "crypto_start.h"
#include "base/file.h"
#include "wire/registry_document.h"
#include "sample.h"

#define MADE_MS UINT64_C(1795704000000)
#define KEYS                                                                                       \
    "origin: city.example/broker\nkeys:\n"                                                         \
    "  - owner: broker\n    use: sign\n"                                                           \
    "    key: 1111111111111111111111111111111111111111111111111111111111111111\n"

static struct sign_key root, other_root;
static struct buf agencies, first;
static struct registry_document document;

static void sign(const struct registry_document *before, struct span keys,
                 const struct sign_key *key, struct buf *out)
{
    const struct registry_making making = {
        .before = before, .made_ms = MADE_MS, .agencies = span_buf(&agencies), .keys = keys};

    buf_init(out, REGISTRY_DOCUMENT_BYTES);
    ck_assert_int_eq(registry_document_sign(&making, key, out), OK);
}

static struct registry_document opened(const struct buf *text)
{
    struct registry_document ret;
    struct fault fault = {.code = ""};

    ck_assert_msg(registry_document_open("r", span_buf(text), NULL, &ret, &fault) == OK, "%s: %s",
                  fault.code, fault.message);
    return ret;
}

static void setup(void)
{
    uint8_t seed[SIGN_SEED_BYTES] = {7};
    struct fault fault = {.code = ""};

    ck_assert_int_eq(crypto_start(), OK);
    sign_key_from_seed(seed, &root);
    seed[0] = 8;
    sign_key_from_seed(seed, &other_root);
    buf_init(&agencies, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(file_read("config/agencies.yaml", &agencies, &fault), OK);
    sign(NULL, span_text(KEYS), &root, &first);
    document = opened(&first);
}

static void teardown(void)
{
    buf_free(&agencies);
    buf_free(&first);
}

START_TEST(test_says_what_was_signed)
{
    const struct digest pin = registry_root_fingerprint(root.public_key);
    struct registry *registry = NULL;
    struct keyring *keyring = NULL;
    struct registry_document again;

    ck_assert_int_eq(registry_document_open("r", span_buf(&first), &pin, &again, NULL), OK);
    ck_assert_uint_eq(again.version, 1);
    ck_assert_uint_eq(again.made_ms, MADE_MS);
    ck_assert(digest_equal(&again.root, &pin));
    ck_assert(span_equal(again.agencies, span_buf(&agencies)));
    ck_assert(span_equal(again.keys, span_text(KEYS)));
    ck_assert_int_eq(registry_document_read("r", &again, &registry, &keyring, NULL), OK);
    ck_assert_uint_eq(registry_count(registry), 11);
    ck_assert_uint_eq(keyring_count(keyring), 1);
    registry_free(registry);
    keyring_free(keyring);
    /* and what takes public keys takes it, too */
    ck_assert_int_eq(keyring_load_file("r", span_buf(&first), &keyring, NULL), OK);
    ck_assert(span_equal(keyring_text(keyring), span_text(KEYS)));
    keyring_free(keyring);
}
END_TEST

/* Each bit of the statement, and some of each text: nothing of a changed one is believed. */
START_TEST(test_every_bit_counts)
{
    const struct digest pin = registry_root_fingerprint(root.public_key);

    for (size_t at = 0; at < first.len; at += at < document.statement.len ? 1 : 97) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct registry_document never = {.version = 0};
            struct fault fault = {.code = ""};

            first.data[at] ^= (uint8_t)(1u << bit);
            ck_assert_msg(registry_document_open("r", span_buf(&first), &pin, &never, &fault) != OK,
                          "byte %zu, bit %u", at, bit);
            ck_assert_uint_eq(never.version, 0);
            ck_assert_str_ne(fault.hint, "");
            first.data[at] ^= (uint8_t)(1u << bit);
        }
    }
    ck_assert(opened(&first).version == 1); /* all is as before */
}
END_TEST

START_TEST(test_no_length_but_its_own)
{
    struct registry_document never;

    for (size_t len = 0; len < first.len; len += len < document.statement.len + 3 ? 1 : 501) {
        uint8_t *copy = malloc(len + 1); /* so that a sanitizer sees the end */

        ck_assert_ptr_nonnull(copy);
        memcpy(copy, first.data, len);
        ck_assert_int_ne(registry_document_open("r", span_of(copy, len), NULL, &never, NULL), OK);
        free(copy);
    }
    ck_assert_int_eq(buf_append_text(&first, "\n"), OK);
    ck_assert_int_eq(registry_document_open("r", span_buf(&first), NULL, &never, NULL),
                     ERR_INVALID);
}
END_TEST

START_TEST(test_another_root)
{
    const struct digest pin = registry_root_fingerprint(root.public_key);
    struct registry_document theirs;
    struct fault fault = {.code = ""};
    struct buf text;

    sign(&document, span_text(KEYS), &other_root, &text);
    theirs = opened(&text);
    ck_assert_int_eq(registry_document_open("r", span_buf(&text), &pin, &theirs, &fault),
                     ERR_REFUSED);
    ck_assert_str_eq(fault.code, "registry.root");
    ck_assert_int_eq(registry_document_follows(&document, &theirs, "r", &fault), ERR_REFUSED);
    ck_assert_str_eq(fault.code, "registry.root");
    buf_free(&text);
}
END_TEST

START_TEST(test_versions_follow)
{
    struct registry_document second, third, fork;
    struct buf two, three, other;
    struct fault fault = {.code = ""};

    sign(&document, span_text(KEYS), &root, &two);
    second = opened(&two);
    sign(&second, span_text(KEYS), &root, &three);
    third = opened(&three);
    sign(&document, span_text(KEYS "# another\n"), &root, &other);
    fork = opened(&other);
    ck_assert_uint_eq(second.version, 2);
    ck_assert(digest_equal(&second.previous, &document.digest));
    ck_assert_int_eq(registry_document_follows(&document, &second, "r", &fault), OK);
    ck_assert_int_eq(registry_document_follows(&document, &third, "r", &fault), OK);
    ck_assert_int_eq(registry_document_follows(&second, &second, "r", &fault), ERR_EXISTS);
    ck_assert_int_eq(registry_document_follows(&second, &document, "r", &fault), ERR_REFUSED);
    ck_assert_str_eq(fault.code, "registry.older");
    ck_assert_int_eq(registry_document_follows(&second, &fork, "r", &fault), ERR_REFUSED);
    ck_assert_str_eq(fault.code, "registry.fork");
    buf_free(&two);
    sign(&fork, span_text(KEYS), &root, &two);
    fork = opened(&two);
    ck_assert_int_eq(registry_document_follows(&second, &fork, "r", &fault), ERR_REFUSED);
    ck_assert_str_eq(fault.code, "registry.fork"); /* version 3 of another version 2 */
    buf_free(&two);
    buf_free(&three);
    buf_free(&other);
}
END_TEST

/* A key of nobody in the registry. */
START_TEST(test_keys_have_owners)
{
    static const char keys[] =
        KEYS "  - owner: stranger\n    use: sign\n"
             "    key: 2222222222222222222222222222222222222222222222222222222222222222\n";
    struct registry *registry = NULL;
    struct keyring *keyring = NULL;
    struct registry_document theirs;
    struct fault fault = {.code = ""};
    struct buf text;

    sign(NULL, span_text(keys), &root, &text);
    theirs = opened(&text);
    ck_assert_int_eq(registry_document_read("r", &theirs, &registry, &keyring, &fault),
                     ERR_INVALID);
    ck_assert_str_eq(fault.code, "registry.owner");
    buf_free(&text);
}
END_TEST

/* Keys stay, and stay retired. */
START_TEST(test_no_key_is_lost)
{
    static const char more[] =
        KEYS "  - owner: education\n    use: sign\n"
             "    key: 2222222222222222222222222222222222222222222222222222222222222222\n";
    struct keyring *few = NULL, *many = NULL, *retired = NULL;
    struct fault fault = {.code = ""};
    struct buf text;

    buf_init(&text, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(buf_printf(&text, "%s    retired: true\n", more), OK);
    ck_assert_int_eq(keyring_load_text("k", span_text(KEYS), &few, NULL), OK);
    ck_assert_int_eq(keyring_load_text("k", span_text(more), &many, NULL), OK);
    ck_assert_int_eq(keyring_load_text("k", span_buf(&text), &retired, NULL), OK);
    ck_assert_int_eq(keyring_follows(few, many, "k", &fault), OK);
    ck_assert_int_eq(keyring_follows(many, retired, "k", &fault), OK);
    ck_assert_int_eq(keyring_follows(many, few, "k", &fault), ERR_INVALID);
    ck_assert_str_eq(fault.code, "keys.lost");
    ck_assert_int_eq(keyring_follows(retired, many, "k", &fault), ERR_INVALID);
    keyring_free(few);
    keyring_free(many);
    keyring_free(retired);
    buf_free(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("registry_document");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_says_what_was_signed);
    tcase_add_test(tests, test_every_bit_counts);
    tcase_add_test(tests, test_no_length_but_its_own);
    tcase_add_test(tests, test_another_root);
    tcase_add_test(tests, test_versions_follow);
    tcase_add_test(tests, test_keys_have_owners);
    tcase_add_test(tests, test_no_key_is_lost);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
