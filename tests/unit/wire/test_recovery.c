/* lib/wire/recovery: origins and their order, statements and what is no statement, chains as they
 * are stored. */
#include <check.h>
#include <string.h>

#include "unit/suite.h"
#include "wire/recovery.h"
#include "sample.h"

#define FIRST "city.example/broker"
#define AT_MS UINT64_C(1795682712345)

static struct keyring *keyring;
static struct sign_key broker_key, stranger;
static struct buf note, bytes;

static void setup(void)
{
    struct buf text;
    sample_setup();
    broker_key = sample_sign_key(9);
    stranger = sample_sign_key(8);
    struct key_entry entry = {.owner = "broker", .use = KEY_SIGN, .to_ms = UINT64_MAX};
    memcpy(entry.public_key, broker_key.public_key, SIGN_PUBLIC_BYTES);
    buf_init(&text, 4096);
    ck_assert_int_eq(keyring_write(FIRST, &entry, 1, &text), OK);
    ck_assert_int_eq(keyring_load_text("k", span_buf(&text), &keyring, NULL), OK);
    buf_free(&text);
    buf_init(&note, CHECKPOINT_BYTES);
    buf_init(&bytes, 8192);
}

static void teardown(void)
{
    keyring_free(keyring);
    buf_free(&note);
    buf_free(&bytes);
}

/* A checkpoint of that origin, by that key, in `note`. */
static void make_note(const char *origin, const struct sign_key *key)
{
    struct checkpoint checkpoint = {.size = 7, .root = {{1}}, .time_ms = 5};
    text_copy(checkpoint.origin, sizeof(checkpoint.origin), origin);
    buf_clear(&note);
    ck_assert_int_eq(checkpoint_make(&checkpoint, key, &note), OK);
}

static struct recovery a_recovery(const char *from, const char *to)
{
    struct recovery recovery = {.anchor = span_buf(&note), .reason = {{2}}, .at_ms = AT_MS};
    text_copy(recovery.old_origin, LIMIT_ORIGIN_BYTES, from);
    text_copy(recovery.new_origin, LIMIT_ORIGIN_BYTES, to);
    return recovery;
}

static enum err verify(const struct recovery *recovery, const struct sign_key *key)
{
    struct signed_recovery made;
    struct recovery back;
    struct checkpoint anchor;
    buf_clear(&bytes);
    ck_assert_int_eq(recovery_make(recovery, key, &bytes, &made), OK);
    return recovery_verify(&made, keyring, &back, &anchor);
}

static const struct {
    const char *origin;
    uint64_t log;
    enum err result;
} origins[] = {
    {FIRST, 0, OK},
    {FIRST "/1795682712", UINT64_C(1795682712), OK},
    {FIRST "/1577836801", UINT64_C(1577836801), OK},
    {FIRST "/1577836800", 0, ERR_NOT_FOUND}, /* before there was any */
    {FIRST "/9999999999", 0, ERR_NOT_FOUND}, /* beyond what a place counts */
    {FIRST "/0795682712", 0, ERR_NOT_FOUND},
    {FIRST "/179568271", 0, ERR_NOT_FOUND},
    {FIRST "/179568271x", 0, ERR_NOT_FOUND},
    {FIRST "-1795682712", 0, ERR_NOT_FOUND},
    {FIRST "/1795682712/1795682713", 0, ERR_NOT_FOUND},
    {"other.example/broker", 0, ERR_NOT_FOUND},
    {"city.example", 0, ERR_NOT_FOUND},
};

START_TEST(test_origins)
{
    uint64_t log = 1;
    ck_assert_int_eq(recovery_log(FIRST, origins[_i].origin, &log), origins[_i].result);
    ck_assert_uint_eq(log, origins[_i].log);
}
END_TEST

START_TEST(test_an_origin_is_made)
{
    char out[LIMIT_ORIGIN_BYTES], first[LIMIT_ORIGIN_BYTES];
    ck_assert_int_eq(recovery_origin(FIRST, AT_MS, out), OK);
    ck_assert_str_eq(out, FIRST "/1795682712");
    memset(first, 'a', sizeof(first));
    first[LIMIT_ORIGIN_BYTES - 12] = '\0'; /* the longest that leaves room */
    ck_assert_int_eq(recovery_origin(first, AT_MS, out), OK);
    ck_assert_uint_eq(strlen(out), LIMIT_ORIGIN_BYTES - 1);
    first[LIMIT_ORIGIN_BYTES - 12] = 'a';
    first[LIMIT_ORIGIN_BYTES - 11] = '\0';
    ck_assert_int_eq(recovery_origin(first, AT_MS, out), ERR_TOO_LARGE);
    ck_assert_int_eq(recovery_origin(FIRST, 1000, out), ERR_INVALID);
}
END_TEST

/* Leaves of a later log come behind all of an earlier one. */
START_TEST(test_places)
{
    const uint64_t last = (UINT64_C(1) << RECOVERY_LEAF_BITS) - 1;
    ck_assert_uint_eq(recovery_place(0, 12), 12); /* as leaves were ordered before */
    ck_assert_uint_lt(recovery_place(0, last), recovery_place(RECOVERY_EPOCH_S + 1, 0));
    ck_assert_uint_lt(recovery_place(1795682712, last), recovery_place(1795682713, 0));
    ck_assert_uint_lt(recovery_place(RECOVERY_END_S - 1, last), recovery_place(RECOVERY_END_S, 0));
}
END_TEST

START_TEST(test_a_statement_and_none)
{
    struct recovery recovery;
    struct signed_recovery made;
    struct checkpoint anchor;
    make_note(FIRST, &broker_key);
    recovery = a_recovery(FIRST, FIRST "/1795682712");
    ck_assert_int_eq(recovery_make(&recovery, &broker_key, &bytes, &made), OK);
    struct recovery back;
    ck_assert_int_eq(recovery_verify(&made, keyring, &back, &anchor), OK);
    ck_assert_str_eq(back.new_origin, FIRST "/1795682712");
    ck_assert_uint_eq(anchor.size, 7);
    for (size_t i = 0; i < made.statement.len; i++) { /* signed to the last bit */
        bytes.data[i] ^= 1u;
        ck_assert_int_ne(recovery_verify(&made, keyring, &back, &anchor), OK);
        bytes.data[i] ^= 1u;
    }
    ck_assert_int_eq(verify(&recovery, &stranger), ERR_FORGED);
    recovery = a_recovery(FIRST "/1795682712", FIRST); /* backwards */
    ck_assert_int_ne(verify(&recovery, &broker_key), OK);
    recovery = a_recovery(FIRST, FIRST);
    ck_assert_int_ne(verify(&recovery, &broker_key), OK);
    recovery = a_recovery(FIRST, "other.example/broker/1795682712");
    ck_assert_int_ne(verify(&recovery, &broker_key), OK);
    make_note(FIRST, &stranger); /* its anchor is not the broker's */
    recovery = a_recovery(FIRST, FIRST "/1795682712");
    ck_assert_int_ne(verify(&recovery, &broker_key), OK);
    make_note(FIRST "/1795682000", &broker_key); /* or of another of its logs */
    recovery = a_recovery(FIRST, FIRST "/1795682712");
    ck_assert_int_ne(verify(&recovery, &broker_key), OK);
}
END_TEST

START_TEST(test_chains)
{
    struct signed_recovery made, back[RECOVERIES_MAX];
    struct buf packed;
    size_t count = 9;
    make_note(FIRST, &broker_key);
    const struct recovery recovery = a_recovery(FIRST, FIRST "/1795682712");
    ck_assert_int_eq(recovery_make(&recovery, &broker_key, &bytes, &made), OK);
    buf_init(&packed, 64 * 1024);
    ck_assert_int_eq(recovery_unpack(span_buf(&packed), back, &count), OK);
    ck_assert_uint_eq(count, 0);
    for (size_t i = 0; i < RECOVERIES_MAX; i++) {
        ck_assert_int_eq(recovery_pack(&made, &packed), OK);
    }
    ck_assert_int_eq(recovery_unpack(span_buf(&packed), back, &count), OK);
    ck_assert_uint_eq(count, RECOVERIES_MAX);
    ck_assert(span_equal(back[count - 1].statement, made.statement));
    ck_assert_mem_eq(back[count - 1].signature, made.signature, SIGNATURE_BYTES);
    for (size_t cut = 1; cut < packed.len / RECOVERIES_MAX; cut++) {
        ck_assert_int_eq(recovery_unpack(span_of(packed.data, packed.len - cut), back, &count),
                         ERR_CORRUPT);
    }
    ck_assert_int_eq(recovery_pack(&made, &packed), OK); /* one too many */
    ck_assert_int_eq(recovery_unpack(span_buf(&packed), back, &count), ERR_CORRUPT);
    buf_free(&packed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recovery");
    TCase *tcase = tcase_create("recovery");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_origins, 0, sizeof(origins) / sizeof(origins[0]));
    tcase_add_test(tcase, test_an_origin_is_made);
    tcase_add_test(tcase, test_places);
    tcase_add_test(tcase, test_a_statement_and_none);
    tcase_add_test(tcase, test_chains);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
