/* agent/web/page_message, page_matter, page_meetings, page_statistics: what they show of what an
 * agency sent, to whom they offer what, and what they refuse. */
#include <stdio.h>

#include "agent/web/counted.h"
#include "page_support.h"

static void setup(void)
{
    visit_open("procuratorate");
}

static void teardown(void)
{
    counted_free(web.counted);
    visit_close();
}

static void get(const char *tail, const struct http_field query[2], void (*show)(struct page *page))
{
    const struct http_request asked = {
        .method = HTTP_GET, .path = "/", .query = query, .query_count = query != NULL ? 2 : 0};

    worklist_free(web.worklist); /* nobody tells it of changes here */
    ck_assert_int_eq(worklist_new(desk.agent, &web.worklist), OK);
    while (worklist_fill(web.worklist)) {
    }
    visit(&asked, tail, show);
}

static void get_form(const char *path)
{
    const struct http_request asked = {.method = HTTP_GET, .path = path};

    visit(&asked, "", page_form);
}

/* A message to civil affairs; its id and the number of its matter. */
static char message_id[UUID_TEXT_BYTES], number[LIMIT_NUMBER_BYTES];

static void say(const char *message)
{
    char line[2048];
    struct json_value answer;

    (void)snprintf(line, sizeof(line), "{'cmd':'send','message':%s}", message);
    answer = desk_must(&desk, line);
    text_copy(message_id, sizeof(message_id), text_at(answer, "messages.0.id"));
    text_copy(number, sizeof(number), text_at(answer, "messages.0.referral"));
}

static const char *const consultation =
    "{'kind':'consultation','recipients':['civil-affairs'],'facts':{'topic':'policy'},"
    "'body':{'officer':'检察官甲','text':'<b>认定口径</b>\\n请会商。'}}";

START_TEST(a_message_is_shown_whole)
{
    say(consultation);
    get(message_id, NULL, page_message);
    ck_assert_uint_eq(got.status, 200);
    ck_assert(says("工作会商") && says("会商主题") && says("政策适用"));
    ck_assert(says("承办") && says("检察官甲"));
    ck_assert(says("&lt;b&gt;认定口径&lt;/b&gt;") && !says("<b>认定口径"));
    ck_assert(says("民政局") && says("已保存，线路恢复后自动发送"));
    ck_assert(says(message_id));
}
END_TEST

START_TEST(no_message_of_that_id)
{
    get("019a0b7c-1d2e-7f30-8a4b-5c6d7e8f9012", NULL, page_message);
    ck_assert_uint_eq(got.status, 404);
    get("../etc/passwd", NULL, page_message);
    ck_assert_uint_eq(got.status, 404);
    get("JZ-SX-2026-0001", NULL, page_matter);
    ck_assert_uint_eq(got.status, 404);
    get("", NULL, page_matter);
    ck_assert_uint_eq(got.status, 404);
}
END_TEST

START_TEST(a_matter_offers_what_goes_on)
{
    char href[96];

    say(consultation);
    (void)snprintf(href, sizeof(href), "/send/consultation/%s", number);
    get(number, NULL, page_matter);
    ck_assert_uint_eq(got.status, 200);
    ck_assert(says("政策适用") && says("人民检察院") && says("民政局") && says(href));
    session->officer.roles = OFFICER_LEADER; /* reads */
    get(number, NULL, page_matter);
    ck_assert_uint_eq(got.status, 200);
    ck_assert(says("政策适用") && !says("/send/"));
    session->officer.roles = OFFICER_MANAGER; /* keeps accounts */
    get(number, NULL, page_matter);
    ck_assert_uint_eq(got.status, 403);
    ck_assert(!says("政策适用"));
}
END_TEST

START_TEST(the_office_calls_meetings_and_publishes)
{
    get("", NULL, page_meetings);
    ck_assert_uint_eq(got.status, 200);
    ck_assert(says("/send/meeting-notice") && says("/send/hearing-invitation"));
    ck_assert(says("/send/roster\"") && says("办公室尚未发布名册"));
    ck_assert(!says("/send/roster-change"));
    say("{'kind':'roster','facts':{'edition':1,'persons':1},'body':{'officer':'办公室','persons':"
        "[{'name':'联络员辛','phone':'0477-0000000','agency':'education','role':'liaison'}]}}");
    say("{'kind':'meeting-notice','facts':{'at':'2026-04-03T09:00:00+08:00','reply_by':"
        "'2026-03-30','agenda':[]},'body':{'officer':'办公室','text':'三楼会议室。'}}");
    get("", NULL, page_meetings);
    ck_assert(says("第 1 版") && says("联络员辛") && says("0477-0000000"));
    ck_assert(says("三楼会议室。") && says("4月3日 09:00"));
    get_form("/send/roster");
    ck_assert(says("value=\"2\"") && says("value=\"联络员辛\"") && says("value=\"0477-0000000\""));
    ck_assert(says("<option value=\"education\" selected>"));
    ck_assert(says("<option value=\"liaison\" selected>"));
    session->officer.roles = OFFICER_LEADER;
    get("", NULL, page_meetings);
    ck_assert(says("联络员辛") && !says("/send/"));
}
END_TEST

START_TEST(a_member_tells_of_its_own)
{
    teardown();
    visit_open("civil-affairs");
    get("", NULL, page_meetings);
    ck_assert(says("/send/roster-change") && says("/send/consultation"));
    ck_assert(!says("/send/meeting-notice") && !says("/send/hearing-invitation"));
    ck_assert(!says("/send/fund-plan") && !says("/send/roster\""));
}
END_TEST

START_TEST(statistics_of_whole_months)
{
    const struct http_field good[] = {{"from", "2026-01"}, {"until", "2026-12"}};
    const struct http_field wrong[][2] = {{{"from", "2026-12"}, {"until", "2026-01"}},
                                          {{"from", "2026-13"}, {"until", "2026-13"}},
                                          {{"from", "<b>"}, {"until", "2026-01"}},
                                          {{"from", "2026-01-01"}, {"until", "2026-01-01"}}};

    desk_refer(&desk, "education"); /* waits: it is in no figure */
    get("", good, page_statistics);
    ck_assert_uint_eq(got.status, 200);
    ck_assert(says("统计期间没有线索。") && says("作为联席会议办公室"));
    get("", good, page_statistics_csv);
    ck_assert_uint_eq(got.status, 200);
    ck_assert_int_eq(memcmp(got.body.data, "\xef\xbb\xbf", 3), 0);
    ck_assert(says("按期反馈率") && says("\r\n"));
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        get("", wrong[i], page_statistics);
        ck_assert_uint_eq(got.status, 400);
        get("", wrong[i], page_statistics_csv);
        ck_assert_uint_eq(got.status, 400);
    }
    session->officer.roles = OFFICER_MANAGER;
    get("", good, page_statistics);
    ck_assert_uint_eq(got.status, 403);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_web_page_matter");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_message_is_shown_whole);
    tcase_add_test(all, no_message_of_that_id);
    tcase_add_test(all, a_matter_offers_what_goes_on);
    tcase_add_test(all, the_office_calls_meetings_and_publishes);
    tcase_add_test(all, a_member_tells_of_its_own);
    tcase_add_test(all, statistics_of_whole_months);
    suite_add_tcase(suite, all);
    return suite_run(suite);
}
