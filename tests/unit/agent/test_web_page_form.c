/* agent/web/page_form: forms as an officer meets them, without a browser between: opening, what is
 * at fault, sending once, drafts, rows by buttons, and a form that comes after its session has
 * ended. */
#include <stdio.h>

#include "agent/web/form_page.h"
#include "page_support.h"

static void setup(void)
{
    visit_open("procuratorate");
}

static void teardown(void)
{
    visit_close();
}

/* --- one request --- */

static void request(enum http_method method, const char *path, void (*show)(struct page *page))
{
    const struct http_request asked = {.method = method,
                                       .path = path,
                                       .form = posted,
                                       .form_count = method == HTTP_POST ? posted_count : 0};

    visit(&asked, "", show);
}

static void get(const char *path)
{
    request(HTTP_GET, path, page_form);
}

static void post(const char *path)
{
    request(HTTP_POST, path, page_form);
    posted_count = 0;
}

static uint64_t waiting(void)
{
    return number_at(desk_must(&desk, "{'cmd':'status'}"), "outbox.waiting");
}

/* --- opening --- */

START_TEST(a_form_opens_with_its_mandatory_fields)
{
    get("/refer");
    ck_assert_uint_eq(got.status, 200);
    ck_assert(says("移送社会救助线索"));
    ck_assert(says("name=\"facts.ground\" aria-required=\"true\""));
    ck_assert(says("name=\"recipients\" value=\"education\""));
    ck_assert(!says("aria-invalid"));
    ck_assert(!says(" autofocus"));
    ck_assert(!says("style="));
}
END_TEST

START_TEST(what_is_no_form_is_not_found)
{
    static const char *const paths[] = {
        "/send/",
        "/send/nonsense",
        "/send/delivery",
        "/send/rejection",
        "/send/feedback",
        "/send/outbound-referral",
        "/send/papers",
        "/send/papers/JZ-1",
        "/send/reminder",
        "/send/papers/JZ-2026-0001-01",
        "/send/archive/JZ-2026-0001-01-01-01-01-01-01-01",
    };

    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        get(paths[i]);
        ck_assert_msg(got.status == 404, "%s: %u", paths[i], got.status);
    }
}
END_TEST

START_TEST(only_members_send)
{
    session->officer.roles = OFFICER_LEADER | OFFICER_MANAGER;
    get("/refer");
    ck_assert_uint_eq(got.status, 403);
    type_referral();
    post("/refer");
    ck_assert_uint_eq(got.status, 403);
    ck_assert_uint_eq(waiting(), 0);
}
END_TEST

START_TEST(kinds_of_another_class_are_not_offered)
{
    teardown();
    visit_open("civil-affairs");
    get("/send/archive/MZ-2026-0001");
    ck_assert_uint_ne(got.status, 200);
    get("/send/meeting-notice"); /* of the office only */
    ck_assert_uint_eq(got.status, 403);
    get("/send/consultation");
    ck_assert_uint_eq(got.status, 200);
    get("/refer");
    ck_assert(says("移送司法救助线索"));
}
END_TEST

/* --- faults --- */

START_TEST(all_that_is_at_fault_is_marked_at_once)
{
    type("body.persons[0].identity_number", "110105194912310021");
    type("facts.advance", "1");
    type("body.circumstances", "写过的话 <b>");
    post("/refer");
    ck_assert_uint_eq(got.status, 422);
    ck_assert(says("校验位不符"));
    ck_assert(says("href=\"#facts-ground\""));
    ck_assert(says("href=\"#body-persons-0-name\""));
    ck_assert(says("href=\"#body-advance_reason\""));
    ck_assert(says("href=\"#facts-materials-4-missing\""));
    ck_assert(says("id=\"e-facts-ground\""));
    ck_assert(says("aria-describedby=\"e-facts-ground h-facts-ground\""));
    ck_assert(says("写过的话 &lt;b&gt;"));
    ck_assert_uint_eq(count_in(&got.body, " autofocus"), 1);
    ck_assert_uint_eq(waiting(), 0);
}
END_TEST

START_TEST(a_fault_of_the_state_is_said_on_top)
{
    type_referral();
    type("case_number", "JZ-2031-0007");
    post("/refer");
    ck_assert_uint_eq(got.status, 422);
    ck_assert(says("本单位没有这个编号的案件"));
    ck_assert(says("href=\"#case_number\""));
    ck_assert_uint_eq(waiting(), 0);
}
END_TEST

/* What only the agent knows, today's date, leads to its field as well. */
START_TEST(days_that_are_past_are_marked)
{
    type("recipients", "education");
    type("facts.topic", "plan");
    type("facts.held", "2026-03-01T09:30");
    type("body.text", "方案");
    type("facts.promises[1].agency", "education");
    type("facts.promises[1].code", "provide");
    type("facts.promises[1].by_date", "2026-02-01");
    post("/send/case-conference");
    ck_assert_uint_eq(got.status, 422);
    ck_assert_msg(says("href=\"#facts-promises-1-by_date\""), "%.600s",
                  strstr((char *)got.body.data, "id=\"faults\""));
}
END_TEST

START_TEST(numbers_on_an_agenda_are_numbers)
{
    type("facts.at", "2026-04-01T09:30");
    type("body.text", "会议室");
    type("facts.agenda[0].number", "测试");
    type("facts.agenda[0].why", "proposed");
    post("/send/meeting-notice");
    ck_assert_uint_eq(got.status, 422);
    ck_assert_msg(says("每个编号只填一次"), "%.600s",
                  strstr((char *)got.body.data, "id=\"faults\""));
}
END_TEST

/* --- sending --- */

START_TEST(a_form_is_sent_once)
{
    static const char token[] = "0123456789abcdef0123456789abcdef";
    char first[128];

    type_referral();
    type("once", token);
    post("/refer");
    ck_assert_msg(got.status == 303, "%u: %s", got.status, (char *)got.body.data);
    ck_assert_str_eq(got.location, "/case/JZ-2026-0001-01");
    ck_assert_uint_eq(waiting(), 2);
    text_copy(first, sizeof(first), got.location);
    type_referral();
    type("once", token);
    post("/refer");
    ck_assert_uint_eq(got.status, 303);
    ck_assert_str_eq(got.location, first);
    ck_assert_uint_eq(waiting(), 2);
    type_referral();
    type("once", "fedcba9876543210fedcba9876543210");
    post("/refer");
    ck_assert_uint_eq(waiting(), 4);
}
END_TEST

/* With the line up, what was on its way was said to wait for the line. */
START_TEST(a_line_that_is_up_was_called_broken)
{
    type_referral();
    post("/refer");
    ck_assert_uint_eq(got.status, 303);
    get("/refer");
    ck_assert(says("已保存，线路恢复后自动发送"));
    ck_assert(!says("data-follow"));
    text_copy(desk.agent->distrust.text, sizeof(desk.agent->distrust.text), "caught");
    get("/refer"); /* nor is a broker that is not believed a broken line */
    ck_assert(says("已保存，恢复收发后自动发送") && !says("线路恢复"));
    desk.agent->distrust.text[0] = '\0';
    desk.agent->connected = desk.agent->greeted = true;
    get("/refer");
    ck_assert(!says("线路恢复"));
    ck_assert(says("已保存，正在发送"));
    ck_assert(says("data-follow=\""));
    desk.agent->connected = desk.agent->greeted = false;
}
END_TEST

START_TEST(forms_of_two_documents_shared_a_draft)
{
    const struct http_field first = {"document", "DB-2026-0001"}, hostile = {"document", "\"><b>"};
    struct http_request asked = {.method = HTTP_GET, .path = "/send/consultation"};
    char address[DRAFT_ADDRESS_MAX];

    form_address_of(&asked, address);
    ck_assert_str_eq(address, "/send/consultation");
    asked.query = &first;
    asked.query_count = 1;
    form_address_of(&asked, address);
    ck_assert_str_eq(address, "/send/consultation?document=DB-2026-0001");
    visit(&asked, "", page_form);
    ck_assert_uint_eq(got.status, 200);
    ck_assert(says("action=\"/send/consultation?document=DB-2026-0001\""));
    asked.query = &hostile;
    form_address_of(&asked, address);
    ck_assert_str_eq(address, "/send/consultation");
}
END_TEST

START_TEST(tokens_of_old_are_forgotten_one_by_one)
{
    char token[SESSION_ONCE_BYTES];

    for (unsigned i = 0; i < SESSION_ONCES_MAX + 1; i++) {
        (void)snprintf(token, sizeof(token), "%032u", i);
        session_once_put(session, token, "/case/X");
    }
    ck_assert_ptr_null(session_once_find(session, "00000000000000000000000000000000"));
    ck_assert_str_eq(session_once_find(session, "00000000000000000000000000000001"), "/case/X");
    ck_assert_ptr_null(session_once_find(session, ""));
    ck_assert_ptr_null(session_once_find(session, NULL));
    session_once_put(session, "short", "/x");
    ck_assert_ptr_null(session_once_find(session, "short"));
}
END_TEST

/* The officer's name is not typed, and cannot be. */
START_TEST(the_officer_is_who_is_logged_in)
{
    char line[128];

    type_referral();
    type("body.officer", "冒名");
    post("/refer");
    ck_assert_uint_eq(got.status, 303);
    (void)snprintf(line, sizeof(line), "{'cmd':'show','id':'%s'}",
                   text_at(desk_must(&desk, "{'cmd':'outbox'}"), "rows.0.id"));
    ck_assert_str_eq(text_at(desk_must(&desk, line), "message.body.officer"), "高娃");
    ck_assert_uint_eq(count_in(&desk.answer, "冒名"), 0);
}
END_TEST

/* --- rows and choices without a script --- */

START_TEST(buttons_add_and_drop_rows)
{
    type("body.persons[0].name", "甲");
    type("do", "add:body.persons");
    post("/refer");
    ck_assert_uint_eq(got.status, 200);
    ck_assert(says("name=\"body.persons[1].name\""));
    ck_assert(!says("name=\"body.persons[2].name\""));
    type("body.persons[0].name", "甲");
    type("body.persons[1].name", "乙");
    type("do", "drop:body.persons[0]");
    post("/refer");
    ck_assert(says("name=\"body.persons[0].name\" value=\"乙\""));
    ck_assert(!says("name=\"body.persons[1].name\""));
    type("do", "add:no.such.rows");
    post("/refer");
    ck_assert_uint_eq(got.status, 200);
    type("do", "drop:body.persons[99999]");
    post("/refer");
    ck_assert_uint_eq(got.status, 200);
    ck_assert_uint_eq(waiting(), 0);
}
END_TEST

/* Once any button of the form called it complete. */
START_TEST(only_a_check_calls_a_form_complete)
{
    static const char *const others[] = {"suggest", "add:body.persons", "drop:body.persons[0]"};

    for (size_t i = 0; i < COUNT_OF(others); i++) {
        type("do", others[i]);
        post("/refer");
        ck_assert_uint_eq(got.status, 200);
        ck_assert_msg(!says("齐全"), "%s", others[i]);
        ck_assert(!says("尚未提交"));
    }
    type("do", "check");
    post("/refer");
    ck_assert(!says("齐全"));
    ck_assert(says("还缺 "));
    ck_assert(says("id=\"e-facts-ground\""));
    ck_assert(says("id=\"e-body-circumstances\""));
    type_referral();
    type("do", "check");
    post("/refer");
    ck_assert_uint_eq(got.status, 200);
    ck_assert(says("齐全"));
    ck_assert(!says("还缺 "));
    ck_assert_uint_eq(waiting(), 0);
}
END_TEST

START_TEST(needs_suggest_agencies)
{
    type("facts.needs", "legal-aid");
    type("do", "suggest");
    post("/refer");
    ck_assert(says("name=\"recipients\" value=\"justice\" checked"));
    ck_assert(!says("name=\"recipients\" value=\"health\" checked"));
}
END_TEST

/* --- drafts --- */

START_TEST(a_draft_comes_back)
{
    type_referral();
    type("do", "draft");
    post("/refer");
    ck_assert_uint_eq(got.status, 303);
    ck_assert_str_eq(got.location, "/refer");
    get("/refer");
    ck_assert(says("保存的草稿"));
    ck_assert(says("value=\"巴图\""));
    ck_assert(says("name=\"recipients\" value=\"education\" checked"));
    request(HTTP_GET, "/drafts", page_drafts);
    ck_assert(says("href=\"/refer\""));
    type("address", "/refer");
    request(HTTP_POST, "/draft/discard", page_draft);
    posted_count = 0;
    get("/refer");
    ck_assert(!says("巴图"));
}
END_TEST

START_TEST(a_script_keeps_drafts_and_sending_ends_them)
{
    type_referral();
    type("address", "/refer");
    request(HTTP_POST, "/draft", page_draft);
    ck_assert_uint_eq(got.status, 200);
    ck_assert(says("\"ok\":true"));
    posted_count = 0;
    get("/refer");
    ck_assert(says("巴图"));
    type_referral();
    post("/refer");
    ck_assert_uint_eq(got.status, 303);
    get("/refer");
    ck_assert(!says("巴图"));
    type("address", "/etc/passwd");
    request(HTTP_POST, "/draft", page_draft);
    ck_assert_uint_eq(got.status, 404);
}
END_TEST

/* Nobody sees what another officer has begun. */
START_TEST(drafts_are_an_officers_own)
{
    type_referral();
    type("do", "draft");
    post("/refer");
    text_copy(session->officer.name, sizeof(session->officer.name), "other");
    get("/refer");
    ck_assert(!says("巴图"));
}
END_TEST

/* --- a referral more of a case --- */

/* A case of one person, and the draft of another child's. */
static void refer_one_and_draft_another(void)
{
    type_referral();
    post("/refer");
    ck_assert_uint_eq(got.status, 303);
    while (worklist_fill(web.worklist)) {
    }
    type("body.persons[0].name", "别人家的孩子");
    type("do", "draft");
    post("/refer");
    ck_assert_uint_eq(got.status, 303);
}

START_TEST(the_form_of_a_case_opened_the_draft_of_another)
{
    refer_one_and_draft_another();
    get("/refer/JZ-2026-0001");
    ck_assert_uint_eq(got.status, 200);
    ck_assert(!says("别人家的孩子"));
    ck_assert(!says("保存的草稿"));
    ck_assert(says("value=\"巴图\""));
    ck_assert(says("110105********002X"));
    ck_assert(!says("11010519491231002X"));
    ck_assert(says("\n困难</textarea>"));
    ck_assert(says("value=\"art-4-2\" selected"));
    ck_assert_uint_eq(count_in(&got.body, "value=\"not-issued-yet\" selected"), 5);
    ck_assert(!says("name=\"recipients\" value=\"education\" checked"));
    ck_assert(!says("value=\"student-aid\" checked"));
    ck_assert(!says("name=\"case_number\""));
    ck_assert(says("已移送"));
    get("/refer");
    ck_assert(says("别人家的孩子"));
}
END_TEST

START_TEST(a_draft_is_of_one_case)
{
    refer_one_and_draft_another();
    type("body.reasons", "再移送一家");
    type("do", "draft");
    post("/refer/JZ-2026-0001");
    ck_assert_str_eq(got.location, "/refer/JZ-2026-0001");
    get("/refer/JZ-2026-0001");
    ck_assert(says("再移送一家"));
    get("/refer/JZ-2026-0001-01"); /* going on from one referral is another purpose */
    ck_assert_uint_eq(got.status, 200);
    ck_assert(!says("再移送一家"));
    request(HTTP_GET, "/drafts", page_drafts);
    ck_assert(says("href=\"/refer/JZ-2026-0001\""));
    ck_assert(says("向更多单位移送"));
    get("/refer/JZ-2026-0002");
    ck_assert_uint_eq(got.status, 404);
    get("/refer/");
    ck_assert_uint_eq(got.status, 404);
}
END_TEST

static void post_more(const char *path, const char *identity)
{
    static const char *const missing[] = {
        "facts.materials[0].missing", "facts.materials[1].missing", "facts.materials[2].missing",
        "facts.materials[3].missing", "facts.materials[4].missing"};

    type("recipients", "justice");
    type("facts.ground", "art-4-2");
    type("facts.needs", "legal-aid");
    type("body.persons[0].name", "巴图");
    type("body.persons[0].identity_number", identity);
    type("body.circumstances", "困难");
    type("body.reasons", "理由");
    for (size_t i = 0; i < COUNT_OF(missing); i++) {
        type(missing[i], "not-issued-yet");
    }
    post(path);
}

START_TEST(what_was_masked_goes_as_it_was)
{
    char line[128];

    refer_one_and_draft_another();
    post_more("/refer/JZ-2026-0001", "110105********002X");
    ck_assert_msg(got.status == 303, "%u: %s", got.status, (char *)got.body.data);
    ck_assert_str_eq(got.location, "/case/JZ-2026-0001-03");
    (void)snprintf(line, sizeof(line), "{'cmd':'show','id':'%s'}",
                   text_at(desk_must(&desk, "{'cmd':'outbox'}"), "rows.2.id"));
    ck_assert_str_eq(text_at(desk_must(&desk, line), "message.body.persons.0.identity_number"),
                     "11010519491231002X");
    post_more("/refer/JZ-2026-0001", "110105********0031"); /* of nobody there */
    ck_assert_uint_eq(got.status, 422);
    ck_assert(says("id=\"e-body-persons-0-identity_number\""));
    post_more("/refer", "110105********002X"); /* a new case carries nothing */
    ck_assert_uint_eq(got.status, 422);
}
END_TEST

/* A reminder and papers that follow are forms of their own, of messages that there are. */
START_TEST(a_purpose_has_a_form_and_a_draft)
{
    char line[512], opening[UUID_TEXT_BYTES];
    struct json_value shown;

    refer_one_and_draft_another();
    get("/send/urge/JZ-2026-0001-01");
    ck_assert_uint_eq(got.status, 200);
    ck_assert(says("<h1>催办</h1>"));
    ck_assert(!says("name=\"facts.asked\""));
    ck_assert(says("请告知办理进展"));
    type("body.text", "催一催");
    type("do", "draft");
    post("/send/urge/JZ-2026-0001-01");
    ck_assert_str_eq(got.location, "/send/urge/JZ-2026-0001-01");
    get("/send/information-request/JZ-2026-0001-01");
    ck_assert(!says("催一催"));
    request(HTTP_GET, "/drafts", page_drafts);
    ck_assert(says("催办"));
    get("/send/supplement/JZ-2026-0001-01");
    ck_assert(says("<h1>补充材料</h1>"));
    ck_assert(!says("name=\"facts.corrects\""));
    type("body.text", "后补的诊断书");
    type("refers_to", "019a0b7c-1d2e-7f30-8a4b-5c6d7e8f9012"); /* not for the browser to say */
    post("/send/supplement/JZ-2026-0001-01");
    ck_assert_msg(got.status == 303, "%u: %s", got.status, (char *)got.body.data);
    (void)snprintf(line, sizeof(line), "{'cmd':'show','id':'%s'}",
                   text_at(desk_must(&desk, "{'cmd':'outbox'}"), "rows.2.id"));
    shown = desk_must(&desk, line);
    ck_assert_str_eq(text_at(shown, "message.facts.corrects.0"), "other");
    text_copy(opening, sizeof(opening), text_at(shown, "message.header.refers_to"));
    ck_assert_str_eq(opening, text_at(desk_must(&desk, "{'cmd':'outbox'}"), "rows.0.id"));
}
END_TEST

START_TEST(a_late_autosave_brought_a_sent_form_back)
{
    char once[SESSION_ONCE_BYTES];
    const char *at;

    get("/refer");
    at = strstr((const char *)got.body.data, "name=\"once\" value=\"");
    ck_assert_ptr_nonnull(at);
    text_copy(once, sizeof(once), at + strlen("name=\"once\" value=\""));
    type_referral();
    type("once", once);
    post("/refer");
    ck_assert_uint_eq(got.status, 303);
    type_referral();
    type("once", once);
    type("address", "/refer");
    request(HTTP_POST, "/draft", page_draft);
    posted_count = 0;
    get("/refer");
    ck_assert(!says("巴图"));
}
END_TEST

/* --- after the session --- */

static bool keep_at(const char *path, const char *token, const char *csrf)
{
    char name[WEB_COOKIE_BYTES];
    struct http_request asked = {.method = HTTP_POST, .path = path};
    struct page page = {
        .web = &web, .agent = desk.agent, .request = &asked, .tail = "", .now_ms = desk.wall_ms};

    web_cookie_name(&web, name);
    const struct http_field cookie = {name, token};
    type_referral();
    type("csrf", csrf);
    asked.form = posted;
    asked.form_count = posted_count;
    asked.cookies = &cookie;
    asked.cookie_count = 1;
    bool kept = page_keep(&page);
    posted_count = 0;
    return kept;
}

static bool keep(const char *token, const char *csrf)
{
    return keep_at("/refer", token, csrf);
}

START_TEST(a_draft_was_kept_for_an_address_that_is_no_form)
{
    char csrf[SESSION_TOKEN_BYTES];

    text_copy(csrf, sizeof(csrf), session->csrf);
    desk_pass(&desk, SESSION_IDLE_MS + 1);
    ck_assert_ptr_null(session_find(web.sessions, cookie_value, desk.machine_ms, true));
    type("address", "x");
    ck_assert(!keep_at("/draft", cookie_value, csrf));
}
END_TEST

START_TEST(what_comes_after_the_session_is_kept)
{
    char csrf[SESSION_TOKEN_BYTES];

    text_copy(csrf, sizeof(csrf), session->csrf);
    ck_assert(!keep(cookie_value, csrf)); /* it goes on */
    desk_pass(&desk, SESSION_IDLE_MS + 1);
    ck_assert_ptr_null(session_find(web.sessions, cookie_value, desk.machine_ms, true));
    ck_assert(
        !keep(cookie_value, "0000000000000000000000000000000000000000000000000000000000000000"));
    ck_assert(!keep("0000000000000000000000000000000000000000000000000000000000000000", csrf));
    ck_assert(keep(cookie_value, csrf));
    session = session_begin(web.sessions, &officer, desk.machine_ms, cookie_value);
    get("/refer");
    ck_assert(says("巴图"));
    ck_assert_uint_eq(waiting(), 0);
}
END_TEST

START_TEST(an_hour_later_it_is_not)
{
    char csrf[SESSION_TOKEN_BYTES];

    text_copy(csrf, sizeof(csrf), session->csrf);
    desk_pass(&desk, SESSION_IDLE_MS + 1);
    ck_assert_ptr_null(session_find(web.sessions, cookie_value, desk.machine_ms, true));
    desk_pass(&desk, SESSION_ENDED_MS + 1);
    ck_assert(!keep(cookie_value, csrf));
}
END_TEST

/* Who logs out leaves nothing behind. */
START_TEST(after_logging_out_it_is_not)
{
    char csrf[SESSION_TOKEN_BYTES];

    text_copy(csrf, sizeof(csrf), session->csrf);
    session_end(web.sessions, session);
    session = NULL;
    ck_assert(!keep(cookie_value, csrf));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("web_page_form");
    TCase *tests = tcase_create("pages");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, a_form_opens_with_its_mandatory_fields);
    tcase_add_test(tests, what_is_no_form_is_not_found);
    tcase_add_test(tests, only_members_send);
    tcase_add_test(tests, kinds_of_another_class_are_not_offered);
    tcase_add_test(tests, all_that_is_at_fault_is_marked_at_once);
    tcase_add_test(tests, a_fault_of_the_state_is_said_on_top);
    tcase_add_test(tests, days_that_are_past_are_marked);
    tcase_add_test(tests, numbers_on_an_agenda_are_numbers);
    tcase_add_test(tests, a_form_is_sent_once);
    tcase_add_test(tests, a_line_that_is_up_was_called_broken);
    tcase_add_test(tests, forms_of_two_documents_shared_a_draft);
    tcase_add_test(tests, tokens_of_old_are_forgotten_one_by_one);
    tcase_add_test(tests, the_officer_is_who_is_logged_in);
    tcase_add_test(tests, buttons_add_and_drop_rows);
    tcase_add_test(tests, only_a_check_calls_a_form_complete);
    tcase_add_test(tests, needs_suggest_agencies);
    tcase_add_test(tests, a_draft_comes_back);
    tcase_add_test(tests, a_script_keeps_drafts_and_sending_ends_them);
    tcase_add_test(tests, drafts_are_an_officers_own);
    tcase_add_test(tests, the_form_of_a_case_opened_the_draft_of_another);
    tcase_add_test(tests, a_draft_is_of_one_case);
    tcase_add_test(tests, what_was_masked_goes_as_it_was);
    tcase_add_test(tests, a_purpose_has_a_form_and_a_draft);
    tcase_add_test(tests, a_late_autosave_brought_a_sent_form_back);
    tcase_add_test(tests, a_draft_was_kept_for_an_address_that_is_no_form);
    tcase_add_test(tests, what_comes_after_the_session_is_kept);
    tcase_add_test(tests, an_hour_later_it_is_not);
    tcase_add_test(tests, after_logging_out_it_is_not);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
