/* lib/wire/keyring: files that are refused, each with its line and column; who may sign when; and
 * that what the writer writes is what the reader reads. */
#include <check.h>
#include <string.h>

#include "model/calendar.h"
#include "wire/keyring.h"
#include "sample.h"

#define KEY_A                "1111111111111111111111111111111111111111111111111111111111111111"
#define KEY_B                "2222222222222222222222222222222222222222222222222222222222222222"
#define ROW(owner, use, key) "  - owner: " owner "\n    use: " use "\n    key: " key "\n"
#define TOP                  "origin: city.example/broker\nkeys:\n"

static const struct {
    const char *text;
    const char *place; /* line and column */
} refused[] = {
    {"keys: []\n", "k.yaml:1:1"},
    {"origin: a b\nkeys:\n" ROW("broker", "sign", KEY_A), "k.yaml:1:9"},
    {"origin: a\nkeys: x\n", "k.yaml:2:7"},
    {"origin: a\nkeys: []\n", "k.yaml:2:7"},
    {"origin: a\nkey: 1\nkeys: []\n", "k.yaml:2:1"},
    {TOP ROW("education", "sign", KEY_A), "k.yaml:3:3"}, /* no key of the broker */
    {TOP ROW("broker", "seal", KEY_A), "k.yaml:3:3"},
    {TOP ROW("broker", "both", KEY_A), "k.yaml:4:10"},
    {TOP ROW("broker", "sign", "11"), "k.yaml:5:10"},
    {TOP ROW("broker", "sign", "z111111111111111111111111111111111111111111111111111111111111111"),
     "k.yaml:5:10"},
    {TOP ROW("broker", "sign", KEY_A) ROW("education", "seal", KEY_A), "k.yaml:8:10"},
    {TOP ROW("broker", "sign", KEY_A) "    id: 0011223344556677\n", "k.yaml:6:9"},
    {TOP ROW("broker", "sign", KEY_A) "    valid-from: 2026-02-30\n", "k.yaml:6:17"},
    {TOP ROW("broker", "sign", KEY_A) "    valid-to: tomorrow\n", "k.yaml:6:15"},
    {TOP ROW("broker", "sign", KEY_A) "    valid-from: 2026-03-02\n    valid-to: 2026-03-01\n",
     "k.yaml:7:15"},
    {TOP ROW("broker", "sign", KEY_A) "    retired: perhaps\n", "k.yaml:6:14"},
    {TOP ROW("broker", "sign", KEY_A) "    colour: red\n", "k.yaml:6:5"},
};

START_TEST(test_refused)
{
    struct keyring *keyring = NULL;
    struct fault fault = {.place = ""};
    enum err error = keyring_load_text("k.yaml", span_text(refused[_i].text), &keyring, &fault);
    ck_assert_msg(error == ERR_INVALID, "%d: %s", _i, refused[_i].text);
    ck_assert_msg(strcmp(fault.place, refused[_i].place) == 0, "case %d: at %s, not %s: %s", _i,
                  fault.place, refused[_i].place, fault.message);
    ck_assert_ptr_null(keyring);
}
END_TEST

static struct keyring *keyring_of(const char *text)
{
    struct keyring *keyring = NULL;
    struct fault fault = {.place = ""};
    enum err error = keyring_load_text("k.yaml", span_text(text), &keyring, &fault);
    ck_assert_msg(error == OK, "%s: %s", fault.place, fault.message);
    return keyring;
}

static uint64_t day_start(const char *date)
{
    int32_t day = 0;
    ck_assert_int_eq(civil_parse(date, &day), OK);
    return civil_start_ms(day);
}

START_TEST(test_validity)
{
    struct keyring *keyring = keyring_of(TOP ROW("broker", "sign", KEY_B) ROW(
        "education", "sign", KEY_A) "    valid-from: 2026-03-01\n    valid-to: 2026-03-31\n");
    const struct key_entry *entry = NULL;
    uint8_t public_key[32];
    memset(public_key, 0x11, sizeof(public_key));
    struct key_id id = key_id_of(public_key);
    uint64_t from = day_start("2026-03-01"), to = day_start("2026-04-01");
    ck_assert_int_eq(keyring_find(keyring, "education", id, from - 1, &entry), ERR_REFUSED);
    ck_assert_int_eq(keyring_find(keyring, "education", id, to, &entry), ERR_REFUSED);
    ck_assert_int_eq(keyring_find(keyring, "civil-affairs", id, from, &entry), ERR_NOT_FOUND);
    ck_assert_int_eq(keyring_find(keyring, "broker", id, from, &entry), ERR_NOT_FOUND);
    ck_assert_ptr_null(entry);
    ck_assert_int_eq(keyring_find(keyring, "education", id, from, &entry), OK);
    ck_assert_int_eq(keyring_find(keyring, "education", id, to - 1, &entry), OK);
    ck_assert_int_eq(memcmp(entry->public_key, public_key, 32), 0);
    ck_assert(keyring_knows(keyring, "education"));
    ck_assert(!keyring_knows(keyring, "civil-affairs"));
    ck_assert_str_eq(keyring_origin(keyring), "city.example/broker");
    size_t count = 0;
    ck_assert_uint_eq(keyring_broker_keys(keyring, &count)[0][0], 0x22);
    ck_assert_uint_eq(count, 1);
    keyring_free(keyring);
}
END_TEST

/* It was refused at any time, although messages that it signed then still wait to be fetched. */
START_TEST(test_retired_key_verifies_what_it_signed_then)
{
    struct keyring *keyring = keyring_of(TOP ROW("broker", "sign", KEY_B) ROW(
        "education", "sign",
        KEY_A) "    valid-from: 2026-03-01\n    valid-to: 2026-03-31\n    retired: true\n");
    const struct key_entry *entry = NULL;
    struct key_id id = keyring_entry(keyring, 1)->id;
    uint64_t from = day_start("2026-03-01"), to = day_start("2026-04-01");
    ck_assert_int_eq(keyring_find(keyring, "education", id, from, &entry), ERR_REFUSED);
    ck_assert_int_eq(keyring_find_past(keyring, "education", id, from - 1, &entry), ERR_REFUSED);
    ck_assert_int_eq(keyring_find_past(keyring, "education", id, to, &entry), ERR_REFUSED);
    ck_assert_int_eq(keyring_find_past(keyring, "broker", id, from, &entry), ERR_NOT_FOUND);
    ck_assert_ptr_null(entry);
    ck_assert_int_eq(keyring_find_past(keyring, "education", id, from, &entry), OK);
    ck_assert_ptr_eq(entry, keyring_entry(keyring, 1));
    ck_assert_int_eq(keyring_find_past(keyring, "education", id, to - 1, &entry), OK);
    keyring_free(keyring);
}
END_TEST

/* Rolling a key over: both are known, the newer one is used, a retired one never. */
START_TEST(test_current)
{
    struct key_entry entries[4] = {
        {.owner = "broker", .use = KEY_SIGN, .public_key = {1}, .to_ms = UINT64_MAX},
        {.owner = "education", .use = KEY_SEAL, .public_key = {2}},
        {.owner = "education", .use = KEY_SEAL, .public_key = {3}, .to_ms = UINT64_MAX},
        {.owner = "education", .use = KEY_SEAL, .public_key = {4}, .to_ms = UINT64_MAX},
    };
    entries[1].to_ms = day_start("2026-06-01");
    entries[2].from_ms = day_start("2026-05-01");
    entries[3].from_ms = day_start("2026-05-15");
    entries[3].retired = true;
    struct buf text;
    buf_init(&text, 65536);
    ck_assert_int_eq(keyring_write("city.example/broker", entries, 4, &text), OK);
    ck_assert_int_eq(buf_append(&text, "", 1), OK);
    struct keyring *keyring = keyring_of((const char *)text.data);
    ck_assert_uint_eq(keyring_count(keyring), 4);
    for (size_t i = 0; i < 4; i++) {
        const struct key_entry *entry = keyring_entry(keyring, i);
        ck_assert_str_eq(entry->owner, entries[i].owner);
        ck_assert_int_eq(entry->use, entries[i].use);
        ck_assert_uint_eq(entry->public_key[0], entries[i].public_key[0]);
        ck_assert_uint_eq(entry->from_ms, entries[i].from_ms);
        ck_assert_uint_eq(entry->to_ms, entries[i].to_ms);
        ck_assert(entry->retired == entries[i].retired);
    }
    const struct key_entry *entry = NULL;
    ck_assert_int_eq(
        keyring_current(keyring, "education", KEY_SIGN, day_start("2026-05-20"), &entry),
        ERR_NOT_FOUND);
    ck_assert_int_eq(
        keyring_current(keyring, "education", KEY_SEAL, day_start("2026-04-30"), &entry), OK);
    ck_assert_uint_eq(entry->public_key[0], 2);
    ck_assert_int_eq(
        keyring_current(keyring, "education", KEY_SEAL, day_start("2026-05-20"), &entry), OK);
    ck_assert_uint_eq(entry->public_key[0], 3);
    ck_assert_int_eq(keyring_find(keyring, "education", keyring_entry(keyring, 3)->id, 0, &entry),
                     ERR_NOT_FOUND); /* sealing keys sign nothing */
    keyring_free(keyring);
    buf_free(&text);
}
END_TEST

START_TEST(test_digest_is_of_the_file)
{
    const char *text = TOP ROW("broker", "sign", KEY_A);
    struct keyring *keyring = keyring_of(text);
    struct digest expected = crypto_digest(span_text(text)), got = keyring_digest(keyring);
    ck_assert(digest_equal(&expected, &got));
    ck_assert(span_equal(keyring_text(keyring), span_text(text)));
    keyring_free(keyring);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keyring");
    TCase *tcase = tcase_create("keyring");
    tcase_add_checked_fixture(tcase, sample_setup, NULL);
    tcase_add_loop_test(tcase, test_refused, 0, (int)COUNT_OF(refused));
    tcase_add_test(tcase, test_validity);
    tcase_add_test(tcase, test_retired_key_verifies_what_it_signed_then);
    tcase_add_test(tcase, test_current);
    tcase_add_test(tcase, test_digest_is_of_the_file);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
