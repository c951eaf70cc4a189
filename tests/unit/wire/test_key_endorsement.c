/* lib/wire/key_endorsement, keyring_overlap: an agency with a root has only keys that its root
 * signed, for the days that it signed; and a key that ends has another beside it for long enough.
 */
#include <check.h>
#include <string.h>

#include "wire/key_endorsement.h"
#include "sample.h"

#define DAY  UINT64_C(86400000)
#define NOW  (UINT64_C(20700) * DAY)
#define ROWS 8

static struct sign_key keys[ROWS];
static struct key_entry rows[ROWS];
static size_t row_count;

static void setup(void)
{
    sample_setup();
    row_count = 0;
    for (uint8_t i = 0; i < ROWS; i++) {
        const uint8_t seed[SIGN_SEED_BYTES] = {(uint8_t)(i + 1)};

        sign_key_from_seed(seed, &keys[i]);
    }
}

/* Row i has key i. */
static struct key_entry *add(const char *owner, enum key_use use)
{
    struct key_entry *row = &rows[row_count];

    *row = (struct key_entry){.use = use, .to_ms = UINT64_MAX};
    text_copy(row->owner, sizeof(row->owner), owner);
    memcpy(row->public_key, keys[row_count++].public_key, sizeof(row->public_key));
    return row;
}

static void check_load(const char *code, const char *place)
{
    struct fault fault = {.code = ""};
    struct keyring *keyring = NULL;
    struct buf text;
    enum err error;

    buf_init(&text, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(keyring_write("city.example/broker", rows, row_count, &text), OK);
    error = keyring_load_text("k", span_buf(&text), &keyring, &fault);
    ck_assert_msg((error == OK) == (code[0] == '\0'), "%s: %s", fault.place, fault.message);
    ck_assert_str_eq(fault.code, code);
    ck_assert_str_eq(fault.place, place);
    keyring_free(keyring);
    buf_free(&text);
}

START_TEST(test_without_a_root_none_is_asked_for)
{
    add("broker", KEY_SIGN);
    add("education", KEY_SIGN);
    add("health", KEY_ROOT); /* of another */
    check_load("", "");
}
END_TEST

START_TEST(test_a_key_that_the_root_never_saw_is_not_taken)
{
    add("broker", KEY_SIGN);
    add("education", KEY_ROOT);
    key_endorse(add("education", KEY_SEAL), &keys[1]);
    check_load("", "");
    add("education", KEY_SIGN); /* which the office added */
    check_load("keys.value", "k:17:5");
    key_endorse(&rows[3], &keys[0]); /* with its own key */
    check_load("keys.value", "k:21:22");
    key_endorse(&rows[3], &keys[1]);
    check_load("", "");
}
END_TEST

/* Each member that the root signed; and retiring, which it did not. */
START_TEST(test_a_row_is_not_changed_behind_the_roots_back)
{
    struct key_entry *row;

    add("broker", KEY_SIGN);
    add("education", KEY_ROOT);
    row = add("education", KEY_SIGN);
    row->from_ms = NOW;
    row->to_ms = NOW + 300 * DAY;
    key_endorse(row, &keys[1]);
    const struct key_entry good = *row;
    ck_assert_int_eq(key_endorsement_check(rows, 3, 2), ENDORSEMENT_FINE);
    row->to_ms += DAY;
    ck_assert_int_eq(key_endorsement_check(rows, 3, 2), ENDORSEMENT_FORGED);
    *row = good;
    row->from_ms -= DAY;
    ck_assert_int_eq(key_endorsement_check(rows, 3, 2), ENDORSEMENT_FORGED);
    *row = good;
    row->use = KEY_SEAL;
    ck_assert_int_eq(key_endorsement_check(rows, 3, 2), ENDORSEMENT_FORGED);
    *row = good;
    row->public_key[0] ^= 1;
    ck_assert_int_eq(key_endorsement_check(rows, 3, 2), ENDORSEMENT_FORGED);
    *row = good;
    row->endorsed = false;
    ck_assert_int_eq(key_endorsement_check(rows, 3, 2), ENDORSEMENT_MISSING);
    row->retired = true; /* an end needs no word of the root */
    ck_assert_int_eq(key_endorsement_check(rows, 3, 2), ENDORSEMENT_FINE);
    *row = good;
    text_copy(rows[1].owner, sizeof(rows[1].owner), "health"); /* the root is another's */
    text_copy(row->owner, sizeof(row->owner), "health");
    ck_assert_int_eq(key_endorsement_check(rows, 3, 2), ENDORSEMENT_FORGED);
}
END_TEST

START_TEST(test_a_root_is_followed_by_its_own_word_or_is_lost)
{
    struct key_entry *first, *second;

    add("broker", KEY_SIGN);
    first = add("education", KEY_ROOT);
    second = add("education", KEY_ROOT);
    check_load("keys.value", "k:12:5");
    first->retired = true; /* the office says: it is lost */
    check_load("", "");
    first->retired = false;
    key_endorse(second, &keys[1]);
    check_load("", "");
    key_endorse(add("education", KEY_SIGN), &keys[2]); /* either root will do */
    check_load("", "");
    second->retired = true;
    check_load("keys.value", "k:22:22"); /* not one that has gone */
}
END_TEST

/* --- overlap --- */

static struct keyring *ring(void)
{
    struct keyring *keyring = NULL;
    struct buf text;

    buf_init(&text, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(keyring_write("city.example/broker", rows, row_count, &text), OK);
    ck_assert_int_eq(keyring_load_text("k", span_buf(&text), &keyring, NULL), OK);
    buf_free(&text);
    return keyring;
}

/* The next key is in force from a day on, and the old one ends on a day; both beside NOW. */
static const struct overlap_case {
    const char *name;
    bool next_known; /* the version before has it already */
    int next_from;   /* days; 0: "always" */
    int old_to;      /* days; 0: it is retired now */
    int before_made; /* the version before */
    bool fine;
} overlap_cases[] = {
    {"retired as soon as the next one comes", false, 0, 0, -100, false},
    {"ends 29 days behind the next one", false, 0, 29, -100, false},
    {"ends 31 days behind it", false, 0, 31, -100, true},
    {"a first day before its first version counts for nothing", false, -60, 0, -100, false},
    {"retired after 40 days beside it", true, -40, 0, -60, true},
    {"retired after 20 days beside it", true, -20, 0, -60, false},
    {"without first days the version counts: too new", true, 0, 0, -10, false},
    {"and long enough", true, 0, 0, -40, true},
    {"the next one begins only later", false, 10, 31, -100, false},
};

START_TEST(test_old_and_new_hold_side_by_side)
{
    const struct overlap_case *one = &overlap_cases[_i];
    struct key_overlap overlap = {.before_ms =
                                      NOW + (uint64_t)((int64_t)one->before_made * (int64_t)DAY),
                                  .now_ms = NOW,
                                  .days = KEY_OVERLAP_DAYS};
    struct fault fault = {.code = ""};
    struct keyring *before, *after;
    struct key_entry *old, *next;

    add("broker", KEY_SIGN);
    old = add("education", KEY_SEAL);
    before = ring();
    next = add("education", KEY_SEAL);
    next->from_ms =
        one->next_from != 0 ? NOW + (uint64_t)((int64_t)one->next_from * (int64_t)DAY) : 0;
    if (one->next_known) {
        keyring_free(before);
        before = ring();
    }
    old->retired = one->old_to == 0;
    old->to_ms = one->old_to != 0 ? NOW + (uint64_t)one->old_to * DAY : UINT64_MAX;
    after = ring();
    overlap.before = before;
    overlap.after = after;
    ck_assert_msg((keyring_overlap_check(&overlap, "k", &fault) == OK) == one->fine, "%s: %s",
                  one->name, fault.message);
    ck_assert_str_eq(fault.code, one->fine ? "" : "keys.overlap");
    overlap.days = 0;
    ck_assert_int_eq(keyring_overlap_check(&overlap, "k", &fault), OK);
    keyring_free(before);
    keyring_free(after);
}
END_TEST

START_TEST(test_who_leaves_needs_no_next_key)
{
    struct key_overlap overlap = {.before_ms = NOW - DAY, .now_ms = NOW, .days = KEY_OVERLAP_DAYS};
    struct keyring *before, *after;

    add("broker", KEY_SIGN);
    add("education", KEY_SEAL);
    overlap.before = before = ring();
    rows[1].retired = true;
    overlap.after = after = ring();
    ck_assert_int_eq(keyring_overlap_check(&overlap, "k", NULL), OK);
    keyring_free(before);
    keyring_free(after);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("key_endorsement");
    TCase *words = tcase_create("words"), *days = tcase_create("overlap");

    tcase_add_checked_fixture(words, setup, NULL);
    tcase_add_test(words, test_without_a_root_none_is_asked_for);
    tcase_add_test(words, test_a_key_that_the_root_never_saw_is_not_taken);
    tcase_add_test(words, test_a_row_is_not_changed_behind_the_roots_back);
    tcase_add_test(words, test_a_root_is_followed_by_its_own_word_or_is_lost);
    suite_add_tcase(suite, words);
    tcase_add_checked_fixture(days, setup, NULL);
    tcase_add_loop_test(days, test_old_and_new_hold_side_by_side, 0,
                        (int)(sizeof(overlap_cases) / sizeof(overlap_cases[0])));
    tcase_add_test(days, test_who_leaves_needs_no_next_key);
    suite_add_tcase(suite, days);
    return suite_run(suite);
}
