/* broker/status_statistics: pages of referrals and duties from a real store: every record once
 * whatever the size of a page, no page beyond a line, a damaged record told, wrong questions
 * refused. */
#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"
#include "broker/status.h"
#include "store/cases.h"
#include "unit/model/model_support.h"
#include "unit/store/store_support.h"
#include "wire/keyring.h"

/* ---- a broker whose world stands still ---- */

static uint64_t still(void *ctx)
{
    (void)ctx;
    return UINT64_C(1790000000000);
}

static void draw(void *ctx, void *out, size_t len)
{
    (void)ctx;
    crypto_random(out, len);
}

static void wake(void *ctx, uint64_t boot_ms)
{
    (void)ctx;
    (void)boot_ms;
}

static void answer(void *ctx, uint64_t handle, struct buf *bytes)
{
    (void)ctx;
    (void)handle;
    buf_free(bytes);
}

static void forget(void *ctx, uint64_t handle)
{
    (void)ctx;
    (void)handle;
}

static bool point(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return false;
}

static const struct io_ops seam = {.wall_ms = still,
                                   .boot_ms = still,
                                   .random = draw,
                                   .wake_at = wake,
                                   .reply = answer,
                                   .drop = forget,
                                   .fault = point};

struct city {
    struct broker_setup setup;
    struct registry *registry;
    struct policy *policy;
    struct calendar *calendar;
    struct keyring *keyring;
    struct sign_key key;
    struct broker *broker;
    struct status_peer peer;
    struct status_context ctx;
    struct buf reply;
    struct json *json;
};

static struct keyring *city_keys(struct city *city)
{
    struct key_entry entry = {.owner = "broker", .use = KEY_SIGN, .to_ms = UINT64_MAX};
    struct keyring *keyring = NULL;
    struct fault fault = {.code = ""};
    struct buf text;

    sign_key_new(&city->key);
    memcpy(entry.public_key, city->key.public_key, sizeof(entry.public_key));
    buf_init(&text, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(keyring_write("broker.test", &entry, 1, &text), OK);
    ck_assert_msg(keyring_load_text("keys", span_buf(&text), &keyring, &fault) == OK, "%s",
                  fault.message);
    buf_free(&text);
    return keyring;
}

static void city_open(struct city *city)
{
    struct store_options options = broker_options();
    struct fault fault = {.code = ""};

    memset(city, 0, sizeof(*city));
    city->registry = shipped_registry();
    city->policy = shipped_policy(city->registry);
    city->calendar = calendar_shipped(2026, true);
    city->keyring = city_keys(city);
    city->setup = (struct broker_setup){.io = {.ops = &seam, .ctx = city},
                                        .store = open_store(&options),
                                        .registry = city->registry,
                                        .policy = city->policy,
                                        .calendar = city->calendar,
                                        .keyring = city->keyring,
                                        .key = &city->key,
                                        .software = "test"};
    ck_assert_msg(broker_new(&city->setup, &city->broker, &fault) == OK, "%s", fault.message);
    city->peer.roles = ROLES_ALL;
    city->ctx.broker = city->broker;
    city->ctx.peer = &city->peer;
    buf_init(&city->reply, LIMIT_LOCAL_LINE_BYTES);
}

static void city_close(struct city *city)
{
    json_free(city->json);
    buf_free(&city->reply);
    broker_free(city->broker);
    store_close(city->setup.store);
    keyring_free(city->keyring);
    calendar_free(city->calendar);
    policy_free(city->policy);
    registry_free(city->registry);
}

/* ---- records ---- */

static void put(struct city *city, uint64_t number, struct span packed)
{
    struct case_key key = {.case_id = make_id(number * 7919 % 1000),
                           .referral_id = make_id(number)};
    struct store_txn *txn = begin(city->setup.store);

    ck_assert_int_eq(cases_put(txn, &key, packed), OK);
    commit(txn);
}

static void put_referral(struct city *city, uint64_t number)
{
    struct referral referral;
    uint8_t packed[REFERRAL_PACKED_MAX];

    memset(&referral, 0, sizeof(referral));
    referral.kind = MESSAGE_OUTBOUND_REFERRAL;
    referral.state = REFERRAL_QUEUED;
    referral.sender = 1;
    referral.receiver = 2;
    referral.last_leaf = REFERRAL_NO_LEAF;
    (void)snprintf(referral.number, sizeof(referral.number), "JZ-2026-%04u-01", (unsigned)number);
    put(city, number, span_of(packed, referral_pack(&referral, packed)));
}

static void put_matter(struct city *city, uint64_t number, uint32_t duties)
{
    static struct matter matter; /* both are large */
    static uint8_t packed[MATTER_PACKED_MAX];

    memset(&matter, 0, sizeof(matter));
    matter.kind = MATTER_ARCHIVE;
    matter.state = MATTER_OPEN;
    matter.owner = 1;
    matter.last_leaf = REFERRAL_NO_LEAF;
    (void)snprintf(matter.number, sizeof(matter.number), "JZ-SX-2026-%04u", (unsigned)number);
    matter.duty_count = duties;
    for (uint32_t i = 0; i < duties; i++) {
        matter.duties[i] = (struct duty){.number = i + 1,
                                         .kind = DUTY_FOLLOW_UP,
                                         .holder = 1,
                                         .waiting = 1,
                                         .cancelled = i % 2 != 0,
                                         .window = {.kind = CLOCK_DATED,
                                                    .number = i + 1,
                                                    .n = 1,
                                                    .due_day = 20700,
                                                    .due_before_ms = civil_end_ms(20700),
                                                    .stopped_ms = i % 2,
                                                    .basis = BASIS_GIVEN}};
    }
    put(city, number, span_of(packed, matter_pack(&matter, packed)));
}

/* ---- asking ---- */

static struct json_value ask(struct city *city, const char *fmt, ...) FORMAT(2, 3);
static struct json_value ask(struct city *city, const char *fmt, ...)
{
    char line[256];
    struct fault fault = {.code = ""};
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    json_free(city->json);
    city->json = NULL;
    buf_clear(&city->reply);
    ck_assert_int_eq(status_answer(&city->ctx, span_text(line), &city->reply), OK);
    ck_assert_uint_lt(city->reply.len, LIMIT_LOCAL_LINE_BYTES);
    ck_assert_msg(json_open("answer", span_buf(&city->reply), &city->json, &fault) == OK, "%s: %s",
                  fault.place, fault.message);
    return json_root(city->json);
}

static size_t count_of(const struct json_value *root, const char *name)
{
    struct json_value rows = json_member(root, name);

    ck_assert(json_is_array(&rows));
    return json_count(&rows);
}

static void check_refused(struct city *city, const char *question)
{
    struct json_value root = ask(city, "%s", question);
    struct json_value ok = json_member(&root, "ok");
    bool yes = true;

    ck_assert_int_eq(json_get_bool(&ok, &yes, NULL), OK);
    ck_assert_msg(!yes, "%s", question);
}

struct totals {
    size_t pages, referrals, duties;
};

static struct totals walk(struct city *city, unsigned count)
{
    struct totals totals = {0, 0, 0};
    char after[96] = "";

    for (;;) {
        struct json_value root = ask(city, "{\"cmd\":\"referrals\",\"count\":%u%s}", count, after);
        struct json_value next = json_member(&root, "next");
        const char *key = NULL;

        totals.pages++;
        totals.referrals += count_of(&root, "referrals");
        totals.duties += count_of(&root, "duties");
        ck_assert_uint_le(count_of(&root, "referrals"), count);
        ck_assert_uint_lt(totals.pages, 1000);
        if (json_absent(&next)) {
            return totals;
        }
        ck_assert_int_eq(json_get_text(&next, 64, &key, NULL), OK);
        (void)snprintf(after, sizeof(after), ",\"after\":\"%s\"", key);
    }
}

/* ---- tests ---- */

START_TEST(nothing_is_changed_while_the_broker_stops)
{
    struct city city;
    struct json_value root, code;
    const char *text = "";

    city_open(&city);
    broker_turn(city.broker);
    broker_stop(city.broker);
    broker_turn(city.broker);
    root = ask(&city, "{\"cmd\":\"clock-confirm\",\"reason\":\"late\"}");
    code = json_member(&root, "code");
    ck_assert_int_eq(json_get_text(&code, 48, &text, NULL), OK);
    ck_assert_str_eq(text, "busy.stopping");
    city_close(&city);
}
END_TEST

START_TEST(every_record_is_on_one_page)
{
    static const unsigned counts[] = {1, 2, 7, 29, 30, 500};
    struct city city;

    city_open(&city);
    for (uint64_t number = 1; number <= 30; number++) {
        if (number % 5 == 0) {
            put_matter(&city, number, 3);
        } else {
            put_referral(&city, number);
        }
    }
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        struct totals totals = walk(&city, counts[i]);

        ck_assert_uint_eq(totals.referrals, 24);
        ck_assert_uint_eq(totals.duties, 18);
        ck_assert_uint_eq(totals.pages, (30 + counts[i] - 1) / counts[i]);
    }
    city_close(&city);
}
END_TEST

START_TEST(nothing_is_a_page_too)
{
    struct city city;

    city_open(&city);
    struct totals totals = walk(&city, 500);
    ck_assert_uint_eq(totals.pages, 1);
    ck_assert_uint_eq(totals.referrals + totals.duties, 0);
    city_close(&city);
}
END_TEST

/* The largest matters there can be: a page ends before it would not fit a line. */
START_TEST(a_page_fits_a_line)
{
    struct city city;

    city_open(&city);
    for (uint64_t number = 1; number <= 80; number++) {
        put_matter(&city, number, LIMIT_DUTIES);
    }
    struct totals totals = walk(&city, 500);
    ck_assert_uint_eq(totals.duties, 80 * LIMIT_DUTIES);
    ck_assert_uint_gt(totals.pages, 1);
    city_close(&city);
}
END_TEST

START_TEST(a_duty_row)
{
    struct city city;
    const char *text = NULL;
    bool cancelled = false;

    city_open(&city);
    put_matter(&city, 1, 2);
    struct json_value root = ask(&city, "{\"cmd\":\"referrals\"}");
    struct json_value duties = json_member(&root, "duties");
    struct json_value second = json_item(&duties, 1);
    struct json_value kind = json_member(&second, "duty"), due = json_member(&second, "due");
    struct json_value holder = json_member(&second, "holder");
    struct json_value off = json_member(&second, "cancelled");
    ck_assert_int_eq(json_get_text(&kind, 64, &text, NULL), OK);
    ck_assert_str_eq(text, "follow-up");
    ck_assert_int_eq(json_get_text(&holder, 64, &text, NULL), OK);
    ck_assert_str_eq(text, "procuratorate");
    ck_assert_int_eq(json_get_text(&due, 64, &text, NULL), OK);
    ck_assert_str_eq(text, "2026-09-04");
    ck_assert_int_eq(json_get_bool(&off, &cancelled, NULL), OK);
    ck_assert(cancelled);
    city_close(&city);
}
END_TEST

START_TEST(wrong_questions)
{
    struct city city;

    city_open(&city);
    put_referral(&city, 1);
    check_refused(&city, "{\"cmd\":\"referrals\",\"count\":0}");
    check_refused(&city, "{\"cmd\":\"referrals\",\"count\":501}");
    check_refused(&city, "{\"cmd\":\"referrals\",\"count\":\"7\"}");
    check_refused(&city, "{\"cmd\":\"referrals\",\"after\":\"00\"}");
    check_refused(&city, "{\"cmd\":\"referrals\",\"after\":7}");
    ck_assert_uint_eq(walk(&city, 500).referrals, 1);
    city_close(&city);
}
END_TEST

/* A record that no version of ours wrote: the question is refused, the broker goes on. */
START_TEST(a_damaged_record_is_told)
{
    static const uint8_t strange[] = {0x7f, 1, 2, 3}, broken[] = {0x81, 1, 2, 3};
    struct city city;

    city_open(&city);
    put_referral(&city, 1);
    put(&city, 2, span_of(strange, sizeof(strange)));
    check_refused(&city, "{\"cmd\":\"referrals\"}");
    put(&city, 2, span_of(broken, sizeof(broken)));
    check_refused(&city, "{\"cmd\":\"referrals\"}");
    put_referral(&city, 2);
    ck_assert_uint_eq(walk(&city, 500).referrals, 2);
    city_close(&city);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("status_statistics");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, folder_setup, folder_teardown);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, nothing_is_changed_while_the_broker_stops);
    tcase_add_test(cases, every_record_is_on_one_page);
    tcase_add_test(cases, nothing_is_a_page_too);
    tcase_add_test(cases, a_page_fits_a_line);
    tcase_add_test(cases, a_duty_row);
    tcase_add_test(cases, wrong_questions);
    tcase_add_test(cases, a_damaged_record_is_told);
    suite_add_tcase(suite, cases);
    return suite_run(suite);
}
