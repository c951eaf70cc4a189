/* agent/web: why a date is what it is, drawn as window_trace computes it; and what a page sends,
 * with the act of its officer in the same transaction. */
#include <stdio.h>

#include "agent/web/web_parts.h"
#include "agent_support.h"

static struct realm realm;
static struct desk desk;
static struct session session;
static struct page page;
static struct json *why_json;

static void setup(void)
{
    realm_open(&realm);
    desk_open(&desk, &realm, "procuratorate");
    text_copy(session.officer.name, sizeof(session.officer.name), "gaowa");
    text_copy(session.officer.shown, sizeof(session.officer.shown), "高娃");
    page.agent = desk.agent;
    page.session = &session;
    page.now_ms = DESK_START_MS;
    buf_init(&page.text, WEB_VIEW_BYTES);
}

static void teardown(void)
{
    json_free(why_json);
    buf_free(&page.text);
    desk_close(&desk);
    realm_close(&realm);
}

/* --- persons --- */

static void shown_person(const struct body_person *person, const char *name, const char *masked)
{
    const struct body body = {.persons = person, .person_count = 1};
    const struct uuid id = {{1}};
    struct json_value root, persons, first, value;
    struct json *json;
    const char *text;

    buf_clear(&page.text);
    json_writer_init(&page.view, &page.text);
    json_object_begin(&page.view);
    view_persons(&page, &body, &id);
    json_object_end(&page.view);
    ck_assert_int_eq(json_writer_end(&page.view), OK);
    ck_assert_int_eq(json_open("view", span_buf(&page.text), &json, NULL), OK);
    root = json_root(json);
    persons = json_member(&root, "persons");
    first = json_item(&persons, 0);
    value = json_member(&first, name);
    ck_assert_int_eq(json_get_text(&value, LIMIT_TEXT_BYTES, &text, NULL), OK);
    ck_assert_str_eq(text, masked);
    json_free(json);
}

START_TEST(test_masking_cut_a_character_in_two)
{
    shown_person(&(struct body_person){.phone = "13900000000（母亲）"}, "phone",
                 "139************）");
    shown_person(&(struct body_person){.phone = "母亲的电话不详"}, "phone", "母************详");
    shown_person(&(struct body_person){.identity_number = "无身份证号码的老人"}, "identity",
                 "无身************人");
}
END_TEST

START_TEST(test_masked)
{
    shown_person(&(struct body_person){.phone = "13800000001"}, "phone", "138****0001");
    shown_person(&(struct body_person){.phone = "110"}, "phone", "****");
    shown_person(&(struct body_person){.identity_number = "11010519491231002X"}, "identity",
                 "110105********002X");
    shown_person(&(struct body_person){.address = "演示市演示区一号街坊"}, "address",
                 "演示市演示区****");
}
END_TEST

/* --- why --- */

static struct json_value why_of(const struct window *window)
{
    struct fault fault = {.code = ""};
    struct json_value root;
    json_free(why_json);
    why_json = NULL;
    buf_clear(&page.text);
    json_writer_init(&page.view, &page.text);
    json_object_begin(&page.view);
    view_why(&page, "教育体育局", window);
    json_object_end(&page.view);
    ck_assert_int_eq(json_writer_end(&page.view), OK);
    ck_assert_int_eq(json_open("view", span_buf(&page.text), &why_json, &fault), OK);
    root = json_root(why_json);
    return json_member(&root, "why");
}

static const char *member(const struct json_value *of, const char *name)
{
    struct json_value value = json_member(of, name);
    const char *text = NULL;
    ck_assert_int_eq(json_get_text(&value, LIMIT_TEXT_BYTES, &text, NULL), OK);
    return text;
}

static const struct calendar_day *traced(const struct window_trace *trace, int32_t day)
{
    for (size_t i = 0; i < trace->day_count; i++) {
        if (trace->days[i].day == day) {
            return &trace->days[i];
        }
    }
    return NULL;
}

struct drawn { /* counted over the cells */
    unsigned arrivals, ends, numbered;
};

static void judge_inside(const struct window_trace *trace, int32_t day, const struct json_value *at,
                         struct drawn *drawn)
{
    const struct calendar_day *special = traced(trace, day);
    const char *class = member(at, "class"), *text = member(at, "text");
    char number[32];
    if (day == trace->due_day) {
        ck_assert_str_eq(class, "end");
        ck_assert_ptr_nonnull(strstr(text, "届满"));
        drawn->ends++;
    } else if (special == NULL) {
        ck_assert_str_eq(class, "");
    } else if (special->reason == DAY_MAKE_UP) {
        ck_assert_str_eq(class, "mk");
    } else {
        ck_assert_str_eq(class, special->reason == DAY_WEEKEND ? "off" : "hol");
        ck_assert_str_eq(text, special->reason == DAY_WEEKEND ? "周末" : special->name);
    }
    if (special == NULL || special->reason == DAY_MAKE_UP) {
        (void)snprintf(number, sizeof(number), "第 %u 日", ++drawn->numbered);
        ck_assert_msg(strstr(text, number) != NULL, "%s, not %s", text, number);
    }
}

/* Each day of the calendar is what the trace says of it. */
static void judge(const struct window *window)
{
    struct window_trace trace;
    struct json_value why = why_of(window), weeks = json_member(&why, "weeks");
    struct drawn drawn = {.arrivals = 0};
    int32_t day;
    window_trace(realm.calendar, window, &trace);
    ck_assert_uint_eq(trace.omitted, 0);
    day = trace.day_0 - (civil_weekday(trace.day_0) - 1);
    for (size_t i = 0; i < json_count(&weeks); i++) {
        struct json_value week = json_item(&weeks, i), days = json_member(&week, "days");
        ck_assert_uint_eq(json_count(&days), 7);
        for (size_t k = 0; k < 7; k++, day++) {
            struct json_value at = json_item(&days, k);
            char date[16];
            (void)snprintf(date, sizeof(date), "%d", civil_date_of(day).day);
            ck_assert_ptr_nonnull(strstr(member(&at, "day"), date));
            if (day == trace.day_0) {
                ck_assert_str_eq(member(&at, "class"), "arr");
                drawn.arrivals++;
            } else if (day > trace.day_0 && day <= trace.due_day) {
                judge_inside(&trace, day, &at, &drawn);
            } else {
                ck_assert_ptr_null(strstr(member(&at, "text"), "日"));
            }
        }
    }
    ck_assert_int_gt(day, trace.due_day);
    ck_assert_int_le(day, trace.due_day + 7);
    ck_assert_uint_eq(drawn.arrivals, 1);
    ck_assert_uint_eq(drawn.ends, 1);
    ck_assert_uint_eq(drawn.numbered,
                      calendar_count_working_days(realm.calendar, trace.day_0, trace.due_day));
}

START_TEST(test_calendar_is_that_of_the_trace)
{
    static const enum clock_kind kinds[] = {CLOCK_FEEDBACK_OUTBOUND, CLOCK_FEEDBACK_INBOUND,
                                            CLOCK_INFORMATION};
    struct window window;
    for (unsigned day = 0; day < 330; day++) {
        window_open(&realm.policy->ladder, realm.calendar, kinds[day % COUNT_OF(kinds)],
                    DESK_START_MS + day * DAY_MS, &window);
        judge(&window);
        ck_assert_uint_eq(window.n,
                          calendar_count_working_days(realm.calendar, civil_day_at(window.start_ms),
                                                      window.due_day));
    }
}
END_TEST

/* A day that people chose may be one of rest: it is the end all the same. */
START_TEST(test_a_given_day_of_rest_is_the_end)
{
    struct window window;
    const int32_t today = civil_day_at(DESK_START_MS);
    for (int32_t ahead = 1; ahead < 60; ahead++) {
        window_open_dated(realm.calendar, DESK_START_MS, today + ahead, &window);
        judge(&window);
    }
}
END_TEST

START_TEST(test_sentences)
{
    struct window window;
    struct json_value why, sentences, one;
    window_open(&realm.policy->ladder, realm.calendar, CLOCK_FEEDBACK_OUTBOUND, DESK_START_MS,
                &window); /* Monday, 2 March 2026: 20 working days, no holiday */
    why = why_of(&window);
    ck_assert_str_eq(member(&why, "whom"), "教育体育局");
    ck_assert_str_eq(member(&why, "date"), "3月30日（周一）");
    ck_assert_str_eq(member(&why, "basis"), "");
    sentences = json_member(&why, "sentences");
    ck_assert_uint_eq(json_count(&sentences), 7); /* the start, 4 weekends, the check, the end */
    one = json_item(&sentences, 0);
    ck_assert_str_eq(member(&one, "result"), "3月3日（周二）");
    one = json_item(&sentences, 1);
    ck_assert_str_eq(member(&one, "what"), "跳过 周末 3月7日（周六） 至 3月8日（周日）");
    ck_assert_str_eq(member(&one, "result"), "2 天");
    one = json_item(&sentences, 5);
    ck_assert_str_eq(member(&one, "what"), "核对：共 28 天，其中工作日");
    ck_assert_str_eq(member(&one, "result"), "20 个工作日");
    one = json_item(&sentences, 6);
    ck_assert_str_eq(member(&one, "result"), "3月30日（周一）");
}
END_TEST

START_TEST(test_no_date_no_why)
{
    struct window window = {.number = 0};
    struct json_value why = why_of(&window);
    ck_assert(json_absent(&why));
    window_open(&realm.policy->ladder, realm.calendar, CLOCK_UNDELIVERED, DESK_START_MS, &window);
    why = why_of(&window);
    ck_assert(json_absent(&why));
}
END_TEST

/* A day ends at its 24:00; 00:00 of the next was read as if there were a day more. */
START_TEST(the_end_of_a_day_was_shown_as_the_next_one)
{
    const int32_t day = civil_day_at(DESK_START_MS);
    char text[PAGE_DAY_BYTES];
    page_instant_text(&page, civil_end_ms(day), text);
    ck_assert_str_eq(text, "3月2日 24:00");
    page_instant_text(&page, civil_end_ms(day) - 1, text);
    ck_assert_str_eq(text, "3月2日 23:59");
    page_instant_text(&page, civil_end_ms(day) + 60000, text);
    ck_assert_str_eq(text, "3月3日 00:01");
}
END_TEST

/* --- lamps --- */

static const char *lamp_text(const struct lamp *lamp)
{
    static char text[PAGE_DAY_BYTES];
    struct fault fault = {.code = ""};
    struct json_value root, at;
    json_free(why_json);
    why_json = NULL;
    buf_clear(&page.text);
    json_writer_init(&page.view, &page.text);
    json_object_begin(&page.view);
    view_lamp(&page, lamp);
    json_object_end(&page.view);
    ck_assert_int_eq(json_writer_end(&page.view), OK);
    ck_assert_int_eq(json_open("view", span_buf(&page.text), &why_json, &fault), OK);
    root = json_root(why_json);
    at = json_member(&root, "lamp");
    text_copy(text, sizeof(text), member(&at, "text"));
    return text;
}

/* Due that many days after Monday, 2 March 2026. */
static struct lamp due_in(int32_t days)
{
    const int32_t day = civil_day_at(DESK_START_MS) + days;
    return (struct lamp){.due_before_ms = civil_end_ms(day), .due_day = day};
}

START_TEST(test_lamp)
{
    struct lamp lamp = due_in(2);
    ck_assert_str_eq(lamp_text(&lamp), "剩 2 个工作日");
    lamp = due_in(0);
    ck_assert_str_eq(lamp_text(&lamp), "今日到期");
    lamp = due_in(-1);
    ck_assert_str_eq(lamp_text(&lamp), "超期 1 个工作日");
    lamp.stopped_ms = DESK_START_MS;
    ck_assert_str_eq(lamp_text(&lamp), "按期");
    lamp.late = true;
    ck_assert_str_eq(lamp_text(&lamp), "已办，超期不足 1 个工作日");
    lamp.lateness_days = 3;
    ck_assert_str_eq(lamp_text(&lamp), "已办，超期 3 个工作日");
}
END_TEST

START_TEST(test_one_working_day_in_english)
{
    struct lamp lamp = due_in(1);
    page.language = LANGUAGE_EN;
    ck_assert_str_eq(lamp_text(&lamp), "1 working day left");
    lamp = due_in(2);
    ck_assert_str_eq(lamp_text(&lamp), "2 working days left");
    lamp = due_in(-1);
    ck_assert_str_eq(lamp_text(&lamp), "1 working day late");
}
END_TEST

/* --- sending --- */

static unsigned commits;

static void point_cb(struct desk *of, const char *name)
{
    (void)of;
    commits += strcmp(name, "store.after-commit") == 0;
}

static enum err send(const char *message, struct uuid *ret_id, struct fault *fault)
{
    char *text = strdup(message);
    ck_assert_ptr_nonnull(text);
    for (char *at = text; *at != '\0'; at++) {
        if (*at == '\'') {
            *at = '"';
        }
    }
    commits = 0;
    desk.on_point = point_cb;
    enum err error = page_send(&page, span_text(text), ret_id, fault);
    desk.on_point = NULL;
    free(text);
    return error;
}

/* Every message has its act, and every act its message. Answers how many. */
static size_t judge_acts(void)
{
    struct store_txn *read = NULL;
    struct row row = {.seq = 0};
    size_t count = 0;
    ck_assert_int_eq(store_read_begin(desk.store, &read), OK);
    while (row_next(read, ROW_OUT, row.seq, &row) == OK) {
        uint64_t position = 0;
        struct act act;
        ck_assert_int_eq(act_next(read, &row.header.referral_id, 0, &position, &act), OK);
        ck_assert_int_eq(act.kind, ACT_SENT);
        ck_assert(uuid_equal(&act.message_id, &row.header.message_id));
        ck_assert_str_eq(act.officer, "gaowa");
        ck_assert_str_eq(act.shown, "高娃");
        ck_assert_uint_eq(act.at_ms, page.now_ms);
        ck_assert_int_eq(act_next(read, &row.header.referral_id, position, &position, &act),
                         ERR_NOT_FOUND);
        count++;
    }
    uint64_t rows = 0;
    ck_assert_int_eq(store_count(read, STORE_OFFICE, &rows), OK);
    ck_assert_uint_eq(rows, count);
    store_read_end(read);
    return count;
}

START_TEST(test_message_and_act_are_one_transaction)
{
    struct uuid id;
    struct fault fault = {.code = ""};
    struct store_txn *read = NULL;
    struct row row;
    ck_assert_int_eq(send(SAY_OUTBOUND, &id, &fault), OK);
    ck_assert_uint_eq(commits, 1);
    ck_assert_uint_eq(judge_acts(), 1);
    ck_assert_int_eq(store_read_begin(desk.store, &read), OK);
    ck_assert_int_eq(row_find(read, &id, &row), OK);
    store_read_end(read);
}
END_TEST

START_TEST(test_one_act_for_each_of_several)
{
    const char *at = strstr(SAY_OUTBOUND, "'education'");
    char message[4096];
    struct fault fault = {.code = ""};
    (void)snprintf(message, sizeof(message), "%.*s'education','civil-affairs','youth-league'%s",
                   (int)(at - SAY_OUTBOUND), SAY_OUTBOUND, at + strlen("'education'"));
    ck_assert_int_eq(send(message, NULL, &fault), OK);
    ck_assert_uint_eq(commits, 1);
    ck_assert_uint_eq(judge_acts(), 3);
}
END_TEST

/* Of three recipients the third does not exist: nothing of the first two is left, and no act. */
START_TEST(test_refused_leaves_neither)
{
    const char *at = strstr(SAY_OUTBOUND, "'education'");
    char message[4096];
    struct fault fault = {.code = ""};
    (void)snprintf(message, sizeof(message), "%.*s'education','nobody'%s", (int)(at - SAY_OUTBOUND),
                   SAY_OUTBOUND, at + strlen("'education'"));
    ck_assert_int_ne(send(message, NULL, &fault), OK);
    ck_assert_uint_eq(commits, 0);
    ck_assert_uint_eq(judge_acts(), 0);
    ck_assert_str_eq(fault.message, "没有这个单位，请从列表中选择。");
    page.language = LANGUAGE_EN;
    ck_assert_int_ne(send(message, NULL, &fault), OK);
    ck_assert_str_eq(fault.message, "There is no such agency. Choose one of the list.");
    ck_assert_int_ne(send("{'kind':'sign-for'", NULL, &fault), OK);
    ck_assert_int_ne(send("[]", NULL, &fault), OK);
    ck_assert_uint_eq(judge_acts(), 0);
}
END_TEST

START_TEST(test_act_by_itself)
{
    struct act act = {.kind = ACT_REVEALED, .reason = "审查核实：回访"}, found;
    struct store_txn *read = NULL;
    uint64_t position;
    memset(act.about.bytes, 7, UUID_BYTES);
    ck_assert_int_eq(page_act(&page, &act), OK);
    ck_assert_int_eq(store_read_begin(desk.store, &read), OK);
    ck_assert_int_eq(act_next(read, &act.about, 0, &position, &found), OK);
    ck_assert_str_eq(found.officer, "gaowa");
    ck_assert_str_eq(found.reason, act.reason);
    ck_assert_uint_eq(found.at_ms, DESK_START_MS);
    store_read_end(read);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_web_page");
    TCase *tcase = tcase_create("why");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_calendar_is_that_of_the_trace);
    tcase_add_test(tcase, test_a_given_day_of_rest_is_the_end);
    tcase_add_test(tcase, test_sentences);
    tcase_add_test(tcase, test_no_date_no_why);
    tcase_add_test(tcase, the_end_of_a_day_was_shown_as_the_next_one);
    tcase_add_test(tcase, test_lamp);
    tcase_add_test(tcase, test_one_working_day_in_english);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("sending");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_message_and_act_are_one_transaction);
    tcase_add_test(tcase, test_one_act_for_each_of_several);
    tcase_add_test(tcase, test_refused_leaves_neither);
    tcase_add_test(tcase, test_act_by_itself);
    tcase_add_test(tcase, test_masking_cut_a_character_in_two);
    tcase_add_test(tcase, test_masked);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
