/* agent/web/page_message, page_list, page_login: a message that was refused, from the list of what
 * is to do until an officer has dealt with it; notices that say what nobody can draw; and a
 * password that somebody else gives while its officer changes it. */
#include <stdio.h>

#include "fake_broker.h"
#include "io/loop.h"
#include "page_support.h"

static void setup(void)
{
    visit_open("procuratorate");
}

static void teardown(void)
{
    visit_close();
}

static void get(const char *path, const char *tail, void (*show)(struct page *page))
{
    const struct http_request asked = {.method = HTTP_GET, .path = path};

    visit(&asked, tail, show);
}

/* --- a message that was refused --- */

static char message_id[UUID_TEXT_BYTES];

/* A referral that the broker did not take. */
static void refer_and_refuse(void)
{
    struct store_txn *txn;
    struct uuid id;
    struct row row;

    desk_say(&desk, SAY_OUTBOUND);
    ck_assert_int_eq(store_begin(desk.store, &txn), OK);
    ck_assert_int_eq(row_next(txn, ROW_OUT, 0, &row), OK);
    row.state = ROW_REFUSED;
    row.code = REFUSAL_CASE_ARCHIVED;
    text_copy(row.detail, sizeof(row.detail), "header.case_id: archived");
    ck_assert_int_eq(row_update(txn, &row), OK);
    id = row.header.message_id;
    ck_assert_int_eq(store_commit(txn), OK);
    uuid_format(&id, message_id);
    while (worklist_fill(web.worklist)) {
    }
}

static void handle(const char *id)
{
    const struct http_request asked = {.method = HTTP_POST, .path = "/handled/"};

    visit(&asked, id, page_handled);
}

START_TEST(what_was_refused_is_to_do_until_it_is_dealt_with)
{
    char href[64];

    refer_and_refuse();
    (void)snprintf(href, sizeof(href), "href=\"/message/%s\"", message_id);
    get("/", "", page_list);
    ck_assert(says("未被接受") && says("查看原因") && says(href));
    get("/", message_id, page_message);
    ck_assert(says("未被接受：") && says("/handled/") && says("标记为已处理"));
    handle(message_id);
    ck_assert_uint_eq(got.status, 303);
    ck_assert_str_eq(got.location, "/");
    get("/", "", page_list);
    ck_assert(!says(href) && says("没有事项"));
    get("/", message_id, page_message);
    ck_assert(!says("/handled/") && says("已由 高娃"));
    handle(message_id); /* a second officer pressed it, too */
    ck_assert_uint_eq(got.status, 303);
}
END_TEST

START_TEST(only_members_deal_with_what_was_refused)
{
    refer_and_refuse();
    session->officer.roles = OFFICER_LEADER;
    get("/", message_id, page_message);
    ck_assert(says("未被接受：") && !says("/handled/"));
    get("/", "", page_list);
    ck_assert(says("查看原因")); /* it may be read */
    handle(message_id);
    ck_assert_uint_eq(got.status, 403);
    get("/", message_id, page_message);
    ck_assert(!says("已由"));
}
END_TEST

START_TEST(what_was_not_refused_cannot_be_dealt_with)
{
    static const char *const wrong[] = {"", "x", "../", "019a0b7c-1d2e-7f30-8a4b-5c6d7e8f9012"};
    struct row row;
    struct store_txn *read;

    desk_say(&desk, SAY_OUTBOUND);
    ck_assert_int_eq(store_read_begin(desk.store, &read), OK);
    ck_assert_int_eq(row_next(read, ROW_OUT, 0, &row), OK);
    store_read_end(read);
    uuid_format(&row.header.message_id, message_id);
    handle(message_id);
    ck_assert_uint_eq(got.status, 404);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        handle(wrong[i]);
        ck_assert_uint_eq(got.status, 404);
    }
}
END_TEST

/* --- notices --- */

#define DUE_MS (DESK_START_MS + 28 * DAY_MS)

static const struct {
    uint32_t working_days;
    uint64_t arrival_ms;
    uint32_t due_date;
    uint64_t due_before_ms;
    bool drawn;
    const char *reason;
} told[] = {
    {20, DESK_START_MS, 20260330, DUE_MS, true, ""}, /* as it is */
    {UINT32_MAX, DESK_START_MS, 20260330, DUE_MS, false, "kept"},
    {CALENDAR_COUNT_MAX + 1, DESK_START_MS, 20260330, DUE_MS, false, "kept"},
    {CALENDAR_COUNT_MAX, DESK_START_MS, 20260330, DUE_MS, true, "kept"},
    {20, 1, 20260330, DUE_MS, false, "kept"},
    {20, UINT64_MAX, 20260330, DUE_MS, false, "kept"},
    {20, UINT64_MAX, 99991231, UINT64_MAX, false, "kept"},
    {20, DESK_START_MS, 99991231, UINT64_MAX, false, "kept"},
    {20, DESK_START_MS, 99991201, UINT64_MAX, true, "kept"},
    {20, DESK_START_MS, 19700101, 1, false, "kept"},
    {20, DESK_START_MS, UINT32_MAX, DUE_MS, false, "kept"},
    {19, DESK_START_MS, 20260330, DUE_MS, false, ""}, /* by another calendar */
};

/* The broker's key may be in wrong hands: what it signs is still no reason to end. */
START_TEST(a_notice_with_absurd_numbers_ended_the_program)
{
    struct parcel parcel;
    struct fake fake;
    struct notice_facts *facts;
    struct uuid id;

    fake_open(&fake, &desk);
    fake_begin(&fake);
    fake_parcel(&fake, "broker", &parcel);
    id = parcel.message.header.message_id;
    parcel.message.header.kind = MESSAGE_ESCALATION;
    parcel.record.message_kind = MESSAGE_ESCALATION;
    facts = &parcel.message.notice;
    text_copy(facts->rung, sizeof(facts->rung), "due-1");
    text_copy(facts->document_number, sizeof(facts->document_number), "DB-2026-0001");
    text_copy(facts->calendar_version, sizeof(facts->calendar_version),
              calendar_version(realm.calendar));
    text_copy(facts->reason, sizeof(facts->reason), told[_i].reason);
    facts->working_days = told[_i].working_days;
    facts->arrival_ms = told[_i].arrival_ms;
    facts->due_date = told[_i].due_date;
    facts->due_before_ms = told[_i].due_before_ms;
    facts->fell_due_ms = told[_i].arrival_ms;
    fake_deliver(&fake, &parcel, 1, NULL);
    uuid_format(&id, message_id);
    get("/", message_id, page_message);
    ck_assert_uint_eq(got.status, 200);
    ck_assert(says("起算，当日不计") == told[_i].drawn);
    get("/", "DB-2026-0001", page_document);
    ck_assert_uint_eq(got.status, 200);
    ck_assert(says("联席办督〔2026〕1号"));
    parcel_free(&parcel);
    fake_close(&fake);
}
END_TEST

/* --- a late answer --- */

START_TEST(a_late_answer_had_no_place_for_its_reason)
{
    const struct http_request asked = {.method = HTTP_GET,
                                       .path = "/send/inbound-feedback/JY-2026-0001-01"};
    struct parcel parcel;
    struct fake fake;

    fake_open(&fake, &desk);
    fake_begin(&fake);
    fake_parcel(&fake, "education", &parcel);
    fake_deliver(&fake, &parcel, 1, NULL);
    ck_assert_uint_eq(fake_accept(&fake, SLOT_ACK), 1);
    visit(&asked, "", page_form);
    ck_assert_uint_eq(got.status, 200);
    ck_assert(says("备注") && !says("超期原因"));
    desk.wall_ms += 40 * DAY_MS;
    visit(&asked, "", page_form);
    ck_assert(says("超期原因和备注") && says("请写明超期原因"));
    parcel_free(&parcel);
    fake_close(&fake);
}
END_TEST

/* --- a password --- */

static void give(const char *password, struct officer *out)
{
    out->must_change = true;
    ck_assert_int_eq(password_hash(span_text(password), out->password), OK);
    ck_assert_int_eq(officer_put(desk.store, out), OK);
}

static void wait_for_answer(void)
{
    for (unsigned i = 0; i < 20000 && got.status == 0; i++) {
        loop_turn(web.setup.loop, 1);
    }
    ck_assert_uint_ne(got.status, 0);
}

/* The administrator gives a new password, because the old one is known to somebody, while that
 * somebody changes it. */
START_TEST(a_change_of_password_undid_the_reset_that_came_meanwhile)
{
    const struct http_field form[] = {
        {"old", "old password"}, {"new", "stolen password"}, {"again", "stolen password"}};
    const struct http_request asked = {
        .method = HTTP_POST, .path = "/settings", .form = form, .form_count = COUNT_OF(form)};
    struct officer now;

    ck_assert_int_eq(loop_new(&web.setup.loop), OK);
    give("old password", &officer);
    visit(&asked, "", page_settings);
    ck_assert_uint_eq(got.status, 0); /* it is being hashed */
    give("given by the administrator", &officer);
    wait_for_answer();
    ck_assert_uint_eq(got.status, 400);
    ck_assert_int_eq(officer_get(desk.store, officer.name, &now), OK);
    ck_assert_str_eq(now.password, officer.password);
    ck_assert(now.must_change);
    ck_assert_uint_eq(now.failures, 1);
    loop_free(web.setup.loop);
}
END_TEST

START_TEST(a_password_is_changed)
{
    const struct http_field form[] = {
        {"old", "old password"}, {"new", "another password"}, {"again", "another password"}};
    const struct http_request asked = {
        .method = HTTP_POST, .path = "/settings", .form = form, .form_count = COUNT_OF(form)};
    struct officer now;

    ck_assert_int_eq(loop_new(&web.setup.loop), OK);
    give("old password", &officer);
    visit(&asked, "", page_settings);
    wait_for_answer();
    ck_assert_uint_eq(got.status, 303);
    ck_assert_int_eq(officer_get(desk.store, officer.name, &now), OK);
    ck_assert(password_matches(span_text("another password"), now.password));
    ck_assert(!now.must_change);
    loop_free(web.setup.loop);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_web_page_message");
    TCase *all = tcase_create("all");

    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, what_was_refused_is_to_do_until_it_is_dealt_with);
    tcase_add_test(all, only_members_deal_with_what_was_refused);
    tcase_add_test(all, what_was_not_refused_cannot_be_dealt_with);
    tcase_add_loop_test(all, a_notice_with_absurd_numbers_ended_the_program, 0, COUNT_OF(told));
    tcase_add_test(all, a_late_answer_had_no_place_for_its_reason);
    tcase_add_test(all, a_change_of_password_undid_the_reset_that_came_meanwhile);
    tcase_add_test(all, a_password_is_changed);
    suite_add_tcase(suite, all);
    return suite_run(suite);
}
