/* lib/wire/key_expiry: a key that ends is told 30 working days ahead, unless another goes on. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "wire/key_expiry.h"
#include "sample.h"

#define DAY   UINT64_C(86400000)
#define TODAY "2026-11-26" /* a Thursday */

static const struct end_case {
    const char *name, *to, *next_from, *next_to; /* of the next key; "": there is none, no end */
    bool retired, revoked, told;
    uint32_t days;
} cases[] = {
    {"no end", "", NULL, NULL, false, false, false, 0},
    {"its last day is today", "2026-11-26", NULL, NULL, false, false, true, 1},
    {"over the weekend", "2026-11-30", NULL, NULL, false, false, true, 3},
    {"a month of working days", "2027-01-06", NULL, NULL, false, false, true, 30},
    {"a day more", "2027-01-07", NULL, NULL, false, false, false, 0},
    {"has ended", "2026-11-01", NULL, NULL, false, false, true, 0},
    {"has ended, and is retired", "2026-11-01", NULL, NULL, true, false, false, 0},
    {"is revoked", "2026-11-30", NULL, NULL, false, true, false, 0},
    {"another goes on", "2026-11-30", "2026-11-30", "", false, false, false, 0},
    {"another begins too late", "2026-11-30", "2026-12-02", "", false, false, true, 3},
    {"another ends before it", "2026-11-30", "2026-11-01", "2026-11-29", false, false, true, 3},
};

static uint64_t start_of(const char *text)
{
    int32_t day;

    ck_assert_int_eq(civil_parse(text, &day), OK);
    return civil_start_ms(day);
}

static struct key_entry row(uint8_t seed, const char *owner, const char *from, const char *to)
{
    struct key_entry entry = {.use = KEY_SEAL, .to_ms = UINT64_MAX};

    text_copy(entry.owner, sizeof(entry.owner), owner);
    memset(entry.public_key, seed, sizeof(entry.public_key));
    entry.from_ms = from[0] != '\0' ? start_of(from) : 0;
    entry.to_ms = to[0] != '\0' ? start_of(to) + DAY : UINT64_MAX;
    return entry;
}

START_TEST(test_told_in_time)
{
    const struct end_case *one = &cases[_i];
    struct key_entry rows[3] = {row(1, "broker", "", ""), row(2, "education", "", one->to)};
    struct calendar *calendar = NULL;
    struct keyring *keyring = NULL;
    struct key_ending ending;
    struct buf text, figures;
    struct metrics metrics = {.out = &figures};
    size_t at = 0, count = 2;
    char line[96];

    rows[0].use = KEY_SIGN;
    rows[1].retired = one->retired;
    if (one->next_from != NULL) {
        rows[count++] = row(3, "education", one->next_from, one->next_to);
    }
    buf_init(&text, LIMIT_CONFIG_BYTES);
    buf_init(&figures, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(calendar_new(&calendar), OK);
    calendar_seal(calendar);
    ck_assert_int_eq(keyring_write("city.example/broker", rows, count, &text), OK);
    ck_assert_int_eq(keyring_load_text("k", span_buf(&text), &keyring, NULL), OK);
    if (one->revoked) {
        ck_assert_int_eq(keyring_revoke(keyring, "education", key_id_of(rows[1].public_key), 7),
                         OK);
    }
    struct key_ends ends = {keyring, calendar, NULL, start_of(TODAY) + 9};
    /* the next key's own end is not what is asked here */
    bool told = key_ending_next(&ends, &at, &ending) &&
                memcmp(ending.entry->public_key, rows[1].public_key, 32) == 0;
    ck_assert_msg(told == one->told, "%s", one->name);
    ck_assert_msg(!told || ending.working_days == one->days, "%s: %u", one->name,
                  (unsigned)ending.working_days);
    key_endings_write(&ends, "x", &metrics);
    at = 0;
    ends.owner = "health";
    ck_assert(!key_ending_next(&ends, &at, &ending));
    ck_assert_int_eq(metrics.error, OK);
    (void)snprintf(line, sizeof(line), "x{agency=\"education\"} %u\n", (unsigned)one->days);
    ck_assert_msg((memmem(figures.data, figures.len, line, strlen(line)) != NULL) == one->told,
                  "%s", one->name);
    keyring_free(keyring);
    calendar_free(calendar);
    buf_free(&text);
    buf_free(&figures);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("key_expiry");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, sample_setup, NULL);
    tcase_add_loop_test(tests, test_told_in_time, 0, (int)(sizeof(cases) / sizeof(cases[0])));
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
