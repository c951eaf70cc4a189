/* agent/web/draft: what an officer has begun is kept, for that officer alone, and not for ever. */
#include <stdio.h>
#include <string.h>

#include "agent/web/draft.h"
#include "unit/store/store_support.h"

#define NOW_MS UINT64_C(1772413200000) /* 2026-03-02 09:00 +08:00 */
#define DAY_MS UINT64_C(86400000)

static struct store *store;

static void setup(void)
{
    struct store_options options = agent_options();
    folder_setup();
    store = open_store(&options);
}

static void teardown(void)
{
    store_close(store);
    folder_teardown();
}

static enum err put(const char *officer, const char *address, const char *json, uint64_t now_ms)
{
    return draft_put(store, officer, address, span_text(json), now_ms);
}

/* What is kept; "" for nothing. */
static const char *got(const char *officer, const char *address)
{
    static char text[256];
    uint64_t saved_ms;
    struct buf json;
    buf_init(&json, DRAFT_BYTES_MAX);
    enum err error = draft_get(store, officer, address, &json, &saved_ms);
    ck_assert(error == OK || error == ERR_NOT_FOUND);
    ck_assert_uint_lt(json.len, sizeof(text));
    (void)snprintf(text, sizeof(text), "%.*s", (int)json.len, (char *)json.data);
    buf_free(&json);
    return error == OK ? text : "";
}

/* All addresses of an officer, each with a blank. */
static const char *addresses_of(const char *officer)
{
    static char all[512];
    char address[DRAFT_ADDRESS_MAX] = "";
    uint64_t saved_ms;
    size_t len = 0;
    all[0] = '\0';
    while (draft_next(store, officer, address, address, &saved_ms) == OK) {
        len += (size_t)snprintf(all + len, sizeof(all) - len, "%s ", address);
        ck_assert_uint_lt(len, sizeof(all));
    }
    return all;
}

START_TEST(test_put_get_remove)
{
    uint64_t saved_ms = 0;
    struct buf json;
    ck_assert_str_eq(got("gaowa", "/send/feedback/MZ-1"), "");
    ck_assert_int_eq(put("gaowa", "/send/feedback/MZ-1", "{\"a\":[\"1\"]}", NOW_MS), OK);
    ck_assert_str_eq(got("gaowa", "/send/feedback/MZ-1"), "{\"a\":[\"1\"]}");
    ck_assert_int_eq(put("gaowa", "/send/feedback/MZ-1", "{\"a\":[\"2\"]}", NOW_MS + 1), OK);
    ck_assert_str_eq(got("gaowa", "/send/feedback/MZ-1"), "{\"a\":[\"2\"]}");
    buf_init(&json, 64);
    ck_assert_int_eq(buf_append_text(&json, "x"), OK);
    ck_assert_int_eq(draft_get(store, "gaowa", "/send/feedback/MZ-1", &json, &saved_ms), OK);
    ck_assert_uint_eq(saved_ms, NOW_MS + 1);
    ck_assert(span_equal(span_buf(&json), span_text("x{\"a\":[\"2\"]}"))); /* appended */
    buf_free(&json);
    ck_assert_int_eq(draft_remove(store, "gaowa", "/send/feedback/MZ-1"), OK);
    ck_assert_str_eq(got("gaowa", "/send/feedback/MZ-1"), "");
    ck_assert_int_eq(draft_remove(store, "gaowa", "/send/feedback/MZ-1"), OK);
}
END_TEST

START_TEST(test_durable)
{
    struct store_options options = agent_options();
    ck_assert_int_eq(put("gaowa", "/refer", "{}", NOW_MS), OK);
    store_close(store);
    store = open_store(&options);
    ck_assert_str_eq(got("gaowa", "/refer"), "{}");
}
END_TEST

START_TEST(test_next_by_address)
{
    ck_assert_str_eq(addresses_of("gaowa"), "");
    ck_assert_int_eq(put("gaowa", "/send/c", "{}", NOW_MS), OK);
    ck_assert_int_eq(put("gaowa", "/send/a", "{}", NOW_MS), OK);
    ck_assert_int_eq(put("gaowa", "/send", "{}", NOW_MS), OK);
    ck_assert_int_eq(put("gaowa", "/send/b", "{}", NOW_MS), OK);
    ck_assert_str_eq(addresses_of("gaowa"), "/send /send/a /send/b /send/c ");
    ck_assert_int_eq(draft_remove(store, "gaowa", "/send/a"), OK);
    ck_assert_str_eq(addresses_of("gaowa"), "/send /send/b /send/c ");
}
END_TEST

START_TEST(test_only_ones_own)
{
    ck_assert_int_eq(put("gao", "/send/a", "{\"gao\":[]}", NOW_MS), OK);
    ck_assert_int_eq(put("gaowa", "/send/a", "{\"gaowa\":[]}", NOW_MS), OK);
    ck_assert_int_eq(put("gaowa", "/send/b", "{}", NOW_MS), OK);
    ck_assert_str_eq(got("gao", "/send/a"), "{\"gao\":[]}");
    ck_assert_str_eq(got("gao", "/send/b"), "");
    ck_assert_str_eq(got("ga", "/send/a"), "");
    ck_assert_str_eq(addresses_of("gao"), "/send/a ");
    ck_assert_str_eq(addresses_of("gaowa"), "/send/a /send/b ");
    ck_assert_str_eq(addresses_of("ga"), "");
    ck_assert_int_eq(draft_remove(store, "gao", "/send/b"), OK);
    ck_assert_int_eq(draft_remove(store, "gao", "/send/a"), OK);
    ck_assert_str_eq(addresses_of("gaowa"), "/send/a /send/b ");
}
END_TEST

START_TEST(test_too_large)
{
    static uint8_t bytes[DRAFT_BYTES_MAX + 1];
    char address[DRAFT_ADDRESS_MAX + 1];
    memset(bytes, ' ', sizeof(bytes));
    ck_assert_int_eq(draft_put(store, "gaowa", "/a", span_of(bytes, DRAFT_BYTES_MAX + 1), NOW_MS),
                     ERR_TOO_LARGE);
    ck_assert_str_eq(addresses_of("gaowa"), "");
    ck_assert_int_eq(draft_put(store, "gaowa", "/a", span_of(bytes, DRAFT_BYTES_MAX), NOW_MS), OK);
    ck_assert_str_eq(addresses_of("gaowa"), "/a ");
    memset(address, 'a', sizeof(address));
    address[DRAFT_ADDRESS_MAX] = '\0';
    ck_assert_int_ne(put("gaowa", address, "{}", NOW_MS), OK);
    ck_assert_str_eq(got("gaowa", address), "");
    ck_assert_int_eq(draft_remove(store, "gaowa", address), OK);
    address[DRAFT_ADDRESS_MAX - 1] = '\0';
    ck_assert_int_eq(put("gaowa", address, "{}", NOW_MS), OK);
    ck_assert_str_eq(got("gaowa", address), "{}");
}
END_TEST

START_TEST(test_two_hundred_of_one_officer)
{
    char address[32];
    for (unsigned i = 0; i < DRAFT_OFFICER_MAX; i++) {
        (void)snprintf(address, sizeof(address), "/send/%u", i);
        ck_assert_int_eq(put("gaowa", address, "{}", NOW_MS), OK);
    }
    ck_assert_int_eq(put("gaowa", "/send/more", "{}", NOW_MS), ERR_FULL);
    ck_assert_int_eq(put("gaowa", "/send/7", "{\"a\":[]}", NOW_MS), OK); /* one that is there */
    ck_assert_str_eq(got("gaowa", "/send/7"), "{\"a\":[]}");
    ck_assert_int_eq(put("gao", "/send/more", "{}", NOW_MS), OK);
    ck_assert_int_eq(draft_remove(store, "gaowa", "/send/8"), OK);
    ck_assert_int_eq(put("gaowa", "/send/more", "{}", NOW_MS), OK);
}
END_TEST

START_TEST(test_old_drafts_stayed_until_their_officer_saved_another)
{
    ck_assert_int_eq(put("gaowa", "/send/a", "{}", NOW_MS), OK);
    ck_assert_int_eq(put("gaowa", "/send/b", "{}", NOW_MS + DAY_MS), OK);
    ck_assert_int_eq(put("gao", "/send/a", "{}", NOW_MS), OK);
    ck_assert_int_eq(put("gao", "/send/c", "{}", NOW_MS + 1), OK);
    ck_assert_int_eq(draft_tidy(store, NOW_MS + 30 * DAY_MS), OK);
    ck_assert_str_eq(addresses_of("gaowa"), "/send/a /send/b ");
    ck_assert_int_eq(draft_tidy(store, NOW_MS + 30 * DAY_MS + 1), OK);
    ck_assert_str_eq(addresses_of("gaowa"), "/send/b ");
    ck_assert_str_eq(addresses_of("gao"), "/send/c ");
    ck_assert_int_eq(draft_tidy(store, NOW_MS + 40 * DAY_MS), OK);
    ck_assert_str_eq(addresses_of("gaowa"), "");
    ck_assert_int_eq(draft_tidy(store, NOW_MS + 40 * DAY_MS), OK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_web_draft");
    TCase *tcase = tcase_create("draft");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_put_get_remove);
    tcase_add_test(tcase, test_durable);
    tcase_add_test(tcase, test_next_by_address);
    tcase_add_test(tcase, test_only_ones_own);
    tcase_add_test(tcase, test_too_large);
    tcase_add_test(tcase, test_two_hundred_of_one_officer);
    tcase_add_test(tcase, test_old_drafts_stayed_until_their_officer_saved_another);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
