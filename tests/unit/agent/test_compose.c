/* agent/compose: what people say becomes messages: numbers, several recipients or none, register
 * numbers, what will be possible when all that waits has arrived, refusals with their place, and
 * every example of docs/messages.md. */
#include <stdio.h>

#include "base/file.h"
#include "fake_broker.h"
#include "model/instant_text.h"

static struct realm realm;

struct end { /* an agency and its side of the broker */
    struct desk desk;
    struct fake fake;
};

static struct end p, s;

static void end_open(struct end *end, const char *agency)
{
    desk_open(&end->desk, &realm, agency);
    fake_open(&end->fake, &end->desk);
}

static void end_close(struct end *end)
{
    fake_close(&end->fake);
    desk_close(&end->desk);
}

static void realm_setup(void)
{
    realm_open(&realm);
}

static void realm_teardown(void)
{
    realm_close(&realm);
}

static void setup(void)
{
    end_open(&p, "procuratorate");
    end_open(&s, "education");
}

static void teardown(void)
{
    end_close(&p);
    end_close(&s);
}

static void connect_both(void)
{
    fake_begin(&p.fake);
    fake_begin(&s.fake);
}

/* Everything that one end submits reaches the other; both know it. */
static void carry(struct end *from, struct end *to)
{
    const struct ask *ask = &from->desk.asks[SLOT_SUBMIT];
    while (ask->open) {
        static struct parcel parcels[LIMIT_BATCH_COUNT];
        size_t count = ask->request.message_count;
        for (size_t i = 0; i < count; i++) {
            fake_forward(&to->fake, &ask->request.messages[i], &parcels[i]);
        }
        ck_assert_uint_eq(fake_accept(&from->fake, SLOT_SUBMIT), count);
        fake_deliver(&to->fake, parcels, count, NULL);
        ck_assert_str_eq(desk_alarm(&to->desk), "");
        if (!to->desk.asks[SLOT_ACK].open) { /* it crossed with what that end sent */
            fake_deliver(&to->fake, parcels, count, NULL);
        }
        (void)fake_accept(&to->fake, SLOT_ACK);
        for (size_t i = 0; i < count; i++) {
            parcel_free(&parcels[i]);
        }
    }
}

static struct json_value send_line(struct desk *desk, const char *line, bool taken)
{
    struct json_value answer = desk_ask(desk, line);
    ck_assert_msg(!absent_at(answer, "messages") == taken, "%s: %.*s", line, (int)desk->answer.len,
                  (const char *)desk->answer.data);
    return answer;
}

/* About a referral, with a message of this text. */
static struct json_value speak(struct desk *desk, const char *number, const char *rest, bool taken)
{
    char line[2048];
    (void)snprintf(line, sizeof(line), "{'cmd':'send','referral':'%s',%s}", number, rest);
    return send_line(desk, line, taken);
}

static void last_number(struct desk *desk, char out[LIMIT_NUMBER_BYTES])
{
    text_copy(out, LIMIT_NUMBER_BYTES,
              text_at(desk_must(desk, "{'cmd':'outbox','after':0,'count':1}"), "rows.0.referral"));
}

#define SIGN_FOR "'kind':'sign-for','message':{'body':{'officer':'o'}}"
#define GRANTED                                                                                    \
    "'kind':'feedback','message':{'facts':{'outcome':'granted','measures':[{'measure':"            \
    "'student-aid','shape':'money','amount_fen':1,'unit':'term'}]},'body':{'officer':'o'}}"
#define PROCEDURE                                                                                  \
    "'kind':'feedback','message':{'facts':{'outcome':'procedure-required','documents':["           \
    "{'kind':'application-form'}],'tell_by':'procuratorate'},'body':{'officer':'o'}}"
#define WITHDRAW                                                                                   \
    "'kind':'withdrawal','message':{'facts':{'reason':'duplicate'},'body':{'officer':'o'}}"

/* --- numbers --- */

static void set_time(struct desk *desk, const char *text)
{
    uint64_t instant_ms = 0;
    ck_assert_int_eq(instant_parse(text, &instant_ms), OK);
    desk->wall_ms = instant_ms;
}

static void expect_next(const char *number)
{
    char line[4096];
    (void)snprintf(line, sizeof(line), "{'cmd':'send','message':%s}", SAY_OUTBOUND);
    ck_assert_str_eq(text_at(desk_must(&p.desk, line), "messages.0.case_number"), number);
}

/* The year is that of +08:00; a clock that goes back goes on where that year stood. */
START_TEST(test_numbers_begin_again_with_the_year)
{
    set_time(&p.desk, "2026-12-31T23:59:59+08:00");
    expect_next("JZ-2026-0001");
    expect_next("JZ-2026-0002");
    set_time(&p.desk, "2027-01-01T00:00:00+08:00");
    expect_next("JZ-2027-0001");
    set_time(&p.desk, "2026-12-31T12:00:00+08:00");
    expect_next("JZ-2026-0003");
    desk_restart(&p.desk);
    set_time(&p.desk, "2027-01-02T00:00:00+08:00");
    expect_next("JZ-2027-0002");
    expect_next("JZ-2027-0003");
}
END_TEST

/* A case has its suffixes whoever made them: those that came are taken. */
START_TEST(test_suffixes_of_a_case_that_another_agency_opened)
{
    char line[4096];
    connect_both();
    desk_say(&s.desk, SAY_INBOUND);
    carry(&s, &p);
    (void)snprintf(line, sizeof(line), "{'cmd':'send','message':{'case_number':'JY-2026-0001',%s}",
                   SAY_OUTBOUND + 1);
    ck_assert_str_eq(text_at(desk_must(&p.desk, line), "messages.0.referral"), "JY-2026-0001-02");
    ck_assert_str_eq(text_at(desk_must(&p.desk, line), "messages.0.referral"), "JY-2026-0001-03");
    struct json_value shown = desk_must(&p.desk, "{'cmd':'show','id':'JY-2026-0001'}");
    ck_assert_str_eq(text_at(shown, "referrals.0.number"), "JY-2026-0001-01");
    desk_restart(&p.desk);
    ck_assert_str_eq(text_at(desk_must(&p.desk, line), "messages.0.referral"), "JY-2026-0001-04");
}
END_TEST

/* After the loss of a store the count begins anew, and messages that come name old cases of this
 * agency: their numbers are taken, and the next free one is given. */
START_TEST(test_numbers_that_messages_brought_are_taken)
{
    struct parcel parcels[3];
    connect_both();
    for (unsigned i = 0; i < 3; i++) {
        struct message_header *header = &parcels[i].message.header;
        fake_parcel(&p.fake, "education", &parcels[i]);
        (void)snprintf(header->case_number, sizeof(header->case_number), "JZ-2026-%04u", i + 1);
        (void)snprintf(header->referral_number, sizeof(header->referral_number), "JZ-2026-%04u-07",
                       i + 1);
    }
    fake_deliver(&p.fake, parcels, 3, NULL);
    (void)fake_accept(&p.fake, SLOT_ACK);
    expect_next("JZ-2026-0004");
    expect_next("JZ-2026-0005");
    for (unsigned i = 0; i < 3; i++) {
        parcel_free(&parcels[i]);
    }
}
END_TEST

START_TEST(test_a_case_that_is_full)
{
    char line[4096];
    struct store_txn *txn = NULL;
    uint64_t value = 0;
    desk_say(&p.desk, SAY_OUTBOUND);
    ck_assert_int_eq(store_begin(p.desk.store, &txn), OK);
    while (value < NUMBER_SUFFIX_MAX - 1) {
        ck_assert_int_eq(number_count(txn, "JZ-2026-0001", &value), OK);
    }
    ck_assert_int_eq(store_commit(txn), OK);
    (void)snprintf(line, sizeof(line), "{'cmd':'send','message':{'case_number':'JZ-2026-0001',%s}",
                   SAY_OUTBOUND + 1);
    ck_assert_str_eq(text_at(desk_must(&p.desk, line), "messages.0.referral"), "JZ-2026-0001-9999");
    struct json_value answer = send_line(&p.desk, line, false);
    ck_assert_str_eq(text_at(answer, "code"), "case.full");
    ck_assert_str_eq(text_at(answer, "place"), "case_number");
}
END_TEST

/* --- several recipients --- */

static void recipients(char *line, size_t size, const char *list)
{
    const char *at = strstr(SAY_OUTBOUND, "['education']");
    (void)snprintf(line, size, "{'cmd':'send','message':%.*s%s%s}", (int)(at - SAY_OUTBOUND),
                   SAY_OUTBOUND, list, at + strlen("['education']"));
}

START_TEST(test_several_recipients_are_all_or_nothing)
{
    static const char *const wrong[][2] = {
        {"['education','nowhere']", "recipients[1]"},
        {"['education','health','procuratorate']", ""}, /* itself */
        {"['education','broker']", "recipients[1]"},
    };
    char line[4096];
    struct digest before = desk_digest(&p.desk);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        recipients(line, sizeof(line), wrong[i][0]);
        struct json_value answer = send_line(&p.desk, line, false);
        ck_assert_msg(strncmp(text_at(answer, "place"), wrong[i][1], strlen(wrong[i][1])) == 0,
                      "%s", text_at(answer, "place"));
        ck_assert_str_ne(text_at(answer, "place"), "");
        struct digest after = desk_digest(&p.desk);
        ck_assert(digest_equal(&before, &after));
    }
    recipients(line, sizeof(line), "['education','health','justice']");
    struct json_value answer = send_line(&p.desk, line, true);
    ck_assert_str_eq(text_at(answer, "messages.0.referral"), "JZ-2026-0001-01");
    ck_assert_str_eq(text_at(answer, "messages.1.referral"), "JZ-2026-0001-02");
    ck_assert_str_eq(text_at(answer, "messages.2.referral"), "JZ-2026-0001-03");
    ck_assert_str_eq(text_at(answer, "messages.2.recipient"), "justice");
}
END_TEST

/* --- register numbers --- */

START_TEST(test_register_numbers)
{
    connect_both();
    for (int i = 0; i < 4; i++) {
        desk_say(&p.desk, SAY_OUTBOUND);
    }
    carry(&p, &s);
    (void)speak(&s.desk, "JZ-2026-0001-01", SIGN_FOR, true);
    (void)speak(&s.desk, "JZ-2026-0001-01", GRANTED, true); /* signed for already: no number */
    (void)speak(&s.desk, "JZ-2026-0002-01", GRANTED, true);
    (void)speak(&s.desk, "JZ-2026-0003-01",
                "'kind':'sign-for','message':{'facts':{'register_number':'JY-DJ-2026-0077'},"
                "'body':{'officer':'o'}}",
                true);
    struct json_value answer =
        speak(&s.desk, "JZ-2026-0004-01",
              "'kind':'sign-for','message':{'facts':{'register_number':'MZ-DJ-2026-0077'},"
              "'body':{'officer':'o'}}",
              false);
    ck_assert_str_eq(text_at(answer, "code"), "register-number");
    carry(&s, &p);
    static const char *const expected[] = {"JY-DJ-2026-0001", "JY-DJ-2026-0002", "JY-DJ-2026-0077"};
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        char line[96];
        (void)snprintf(line, sizeof(line), "{'cmd':'show','id':'JZ-2026-000%zu-01'}", i + 1);
        ck_assert_str_eq(text_at(desk_must(&s.desk, line), "referral.register_number"),
                         expected[i]);
        ck_assert_str_eq(text_at(desk_must(&p.desk, line), "referral.register_number"),
                         expected[i]);
    }
    ck_assert_str_eq(
        text_at(desk_must(&p.desk, "{'cmd':'show','id':'JY-DJ-2026-0077'}"), "referral.number"),
        "JZ-2026-0003-01");
}
END_TEST

/* --- what will be possible --- */

/* Nothing has reached the broker; the rules hold already. */
START_TEST(test_offline_chains)
{
    char number[LIMIT_NUMBER_BYTES];
    desk_say(&p.desk, SAY_OUTBOUND);
    last_number(&p.desk, number);
    struct json_value answer = speak(&p.desk, number, SIGN_FOR, false);
    ck_assert_str_eq(text_at(answer, "code"), "referral.not-party");
    ck_assert_str_eq(text_at(answer, "place"), "header.sender");
    (void)speak(&p.desk, number, WITHDRAW, true);
    ck_assert_str_eq(text_at(speak(&p.desk, number, WITHDRAW, false), "code"), "referral.already");
    ck_assert_uint_eq(number_at(desk_must(&p.desk, "{'cmd':'status'}"), "outbox.waiting"), 2);
    /* of one referral one message travels at a time, in their order */
    fake_begin(&p.fake);
    ck_assert_uint_eq(p.desk.asks[SLOT_SUBMIT].request.message_count, 1);
    (void)fake_accept(&p.fake, SLOT_SUBMIT);
    ck_assert_uint_eq(p.desk.asks[SLOT_SUBMIT].request.message_count, 1);
    (void)fake_accept(&p.fake, SLOT_SUBMIT);
    char line[96];
    (void)snprintf(line, sizeof(line), "{'cmd':'show','id':'%s'}", number);
    ck_assert_str_eq(text_at(desk_must(&p.desk, line), "referral.state"), "withdrawn");
}
END_TEST

START_TEST(test_offline_answers)
{
    connect_both();
    desk_say(&p.desk, SAY_OUTBOUND);
    carry(&p, &s);
    (void)speak(&s.desk, "JZ-2026-0001-01", SIGN_FOR, true);
    ck_assert_str_eq(text_at(speak(&s.desk, "JZ-2026-0001-01", SIGN_FOR, false), "code"),
                     "referral.already");
    struct json_value answer = speak(&s.desk, "JZ-2026-0001-01", GRANTED, true);
    ck_assert_str_eq(text_at(answer, "messages.0.kind"), "outbound-feedback");
    ck_assert_str_eq(text_at(speak(&s.desk, "JZ-2026-0001-01", GRANTED, false), "code"),
                     "referral.already");
    desk_restart(&s.desk); /* what waits is known from the store alone */
    ck_assert_str_eq(text_at(speak(&s.desk, "JZ-2026-0001-01", GRANTED, false), "code"),
                     "referral.already");
    fake_settle_session(&s.fake);
    carry(&s, &p);
    ck_assert_str_eq(text_at(speak(&p.desk, "JZ-2026-0001-01", WITHDRAW, false), "place"), "state");
}
END_TEST

START_TEST(test_feedback_is_the_kind_that_answers)
{
    connect_both();
    desk_say(&s.desk, SAY_INBOUND);
    carry(&s, &p);
    struct json_value answer =
        speak(&p.desk, "JY-2026-0001-01",
              "'kind':'feedback','message':{'facts':{'outcome':'suitable'},'body':{'officer':'o',"
              "'opinion':'p'}}",
              true);
    ck_assert_str_eq(text_at(answer, "messages.0.kind"), "inbound-feedback");
    ck_assert_str_eq(text_at(answer, "messages.0.recipient"), "education");
}
END_TEST

/* A hundred wait, then more about one of them: batches of 64, all of it once, in order. */
START_TEST(test_many_that_wait)
{
    size_t sent = 0;
    for (int i = 0; i < 100; i++) {
        desk_say(&p.desk, SAY_OUTBOUND);
    }
    (void)speak(&p.desk, "JZ-2026-0001-01", WITHDRAW, true);
    (void)speak(&p.desk, "JZ-2026-0100-01", WITHDRAW, true);
    fake_begin(&p.fake);
    ck_assert_uint_eq(p.desk.asks[SLOT_SUBMIT].request.message_count, 64);
    while (p.desk.asks[SLOT_SUBMIT].open) {
        sent += fake_accept(&p.fake, SLOT_SUBMIT);
    }
    ck_assert_uint_eq(sent, 102);
    struct json_value status = desk_must(&p.desk, "{'cmd':'status'}");
    ck_assert_uint_eq(number_at(status, "outbox.accepted"), 102);
    struct json_value rows = desk_must(&p.desk, "{'cmd':'outbox','after':0,'count':102}");
    struct json_value more = json_member(&rows, "more");
    bool truth = true;
    ck_assert(json_get_bool(&more, &truth, NULL) == OK && !truth);
}
END_TEST

/* "more" says that there is more to show; the receipts that programs write are not. */
START_TEST(test_pages_end_where_nothing_more_is_shown)
{
    connect_both();
    desk_say(&p.desk, SAY_OUTBOUND);
    desk_say(&s.desk, SAY_INBOUND);
    carry(&s, &p);
    struct json_value rows = desk_must(&p.desk, "{'cmd':'outbox','after':0,'count':1}");
    struct json_value more = json_member(&rows, "more");
    bool truth = true;
    ck_assert(json_get_bool(&more, &truth, NULL) == OK && !truth);
}
END_TEST

/* --- refusals --- */

static const struct {
    const char *message, *code, *place;
} wrong[] = {
    {"7", "json.type", "the document"},
    {"{}", NULL, "kind"},
    {"{'kind':'delivery'}", NULL, "kind"},
    {"{'kind':'reminder'}", NULL, "kind"},
    {"{'kind':'sign-for','referral':'JZ-2026-0001','body':{'officer':'o'}}", "agent.unknown",
     "referral"},
    {"{'kind':'sign-for','referral':7}", "json.type", "referral"},
    {"{'kind':'sign-for','body':{'officer':'o'}}", NULL, "referral"},
    {"{'kind':'outbound-referral','recipients':[]}", NULL, "recipients"},
    {"{'kind':'outbound-referral','recipients':['education'],'facts':{'ground':'no'}}",
     "json.choice", "facts.ground"},
    {"{'kind':'outbound-referral','recipients':['education'],'facts':{'ground':'art-4-1',"
     "'materials':[{'kind':"
     "'no'}]}}",
     "json.choice", "facts.materials[0].kind"},
    {"{'kind':'outbound-referral','recipients':['education'],'case_number':'JZ-2026-0009',"
     "'facts':{'ground':'art-18-3'},'body':{'officer':'o'}}",
     "case.unknown", "case_number"},
    {"{'kind':'inbound-referral','recipients':['education'],'facts':{'ground':'art-4-1'},'body':{"
     "'officer':'o','persons':[{'name':'n'}],'circumstances':'c','reasons':'r'}}",
     "policy.not-allowed", "header.kind"},
    {"{'kind':'case-conference','recipients':['education'],'facts':{'topic':'plan','held':"
     "'2026-02-27T09:30:00+08:00','promises':[{'agency':'education','code':'visit','by_date':"
     "'2026-02-28'}]},'body':{'officer':'o','text':'t'}}",
     "fact.date", "facts.promises.by_date"}, /* a day that is past, before a number is used up */
};

START_TEST(test_refusals_have_their_place_and_change_nothing)
{
    char line[1024];
    struct digest before = desk_digest(&p.desk);
    (void)snprintf(line, sizeof(line), "{'cmd':'send','message':%s}", wrong[_i].message);
    struct json_value answer = send_line(&p.desk, line, false);
    struct digest after = desk_digest(&p.desk);
    ck_assert(digest_equal(&before, &after));
    ck_assert_msg(strcmp(text_at(answer, "place"), wrong[_i].place) == 0, "%s: %s: %s",
                  wrong[_i].message, text_at(answer, "place"), text_at(answer, "message"));
    ck_assert_str_ne(text_at(answer, "message"), "");
    ck_assert(wrong[_i].code == NULL || strcmp(text_at(answer, "code"), wrong[_i].code) == 0);
    ck_assert_int_eq(agent_failure(p.desk.agent), OK);
    ck_assert_uint_eq(p.desk.asked[SLOT_SUBMIT], 0);
}
END_TEST

/* A body of the longest texts travels; one byte more is refused by its place. */
START_TEST(test_the_largest_body)
{
    size_t len = _i == 0 ? LIMIT_TEXT_BYTES : LIMIT_TEXT_BYTES + 1;
    char *text = malloc(len + 1), *line = malloc(len + 4096);
    ck_assert(text != NULL && line != NULL);
    memset(text, 'a', len);
    text[len] = '\0';
    const char *at = strstr(SAY_OUTBOUND, "SECRET-TEXT");
    (void)snprintf(line, len + 4096, "{'cmd':'send','message':%.*s%s%s}", (int)(at - SAY_OUTBOUND),
                   SAY_OUTBOUND, text, at + strlen("SECRET-TEXT"));
    connect_both();
    struct json_value answer = desk_ask(&p.desk, line);
    if (_i == 0) {
        carry(&p, &s);
        char show[96];
        (void)snprintf(show, sizeof(show), "{'cmd':'show','id':'%s'}",
                       text_at(answer, "messages.0.id"));
        ck_assert_str_eq(text_at(desk_must(&s.desk, show), "message.body.circumstances"), text);
    } else {
        ck_assert_str_eq(text_at(answer, "place"), "body.circumstances");
    }
    free(text);
    free(line);
}
END_TEST

/* --- every example of the page --- */

/* What must have happened before an example can be said. */
static void prepare(const char *kind, const char *example)
{
    const char *mark = strstr(example, "-DJ-");
    char prefix[3] = "MZ";
    if (strcmp(kind, "inbound-feedback") == 0 || strcmp(kind, "inbound-referral") == 0) {
        text_copy(prefix, sizeof(prefix), "FL");
    } else if (mark != NULL) {
        memcpy(prefix, mark - 2, 2);
    }
    end_close(&s);
    end_open(&s, registry_by_prefix(realm.registry, prefix)->id);
    connect_both();
    if (strcmp(kind, "inbound-feedback") == 0) {
        desk_say(&s.desk, SAY_INBOUND);
        carry(&s, &p);
    } else if (strstr(kind, "-referral") == NULL) {
        desk_refer(&p.desk, registry_by_prefix(realm.registry, prefix)->id);
        carry(&p, &s);
    }
    if (strcmp(kind, "applicant-informed") == 0 || strcmp(kind, "papers") == 0) {
        (void)speak(&s.desk, "JZ-2026-0001-01", PROCEDURE, true);
        carry(&s, &p);
    }
}

static void say_example(const char *example, size_t len)
{
    static const char *const of_social[] = {"inbound-referral", "sign-for", "outbound-feedback"};
    char line[8192], kind[32] = "";
    const char *number = strstr(example, "\"referral\": \"");
    const char *name = strstr(example, "\"kind\": \"");
    ck_assert_ptr_nonnull(name);
    ck_assert_int_eq(sscanf(name, "\"kind\": \"%31[a-z-]", kind), 1);
    prepare(kind, example);
    struct desk *desk = &p.desk;
    for (size_t i = 0; i < COUNT_OF(of_social); i++) {
        desk = strcmp(kind, of_social[i]) == 0 ? &s.desk : desk;
    }
    if (number != NULL) {
        const char *value = number + strlen("\"referral\": \"");
        const char *known =
            strcmp(kind, "inbound-feedback") == 0 ? "FL-2026-0001-01" : "JZ-2026-0001-01";
        (void)snprintf(line, sizeof(line), "{'cmd':'send','message':%.*s%s%.*s}",
                       (int)(value - example), example, known,
                       (int)(len - (size_t)(value - example) - strcspn(value, "\"")),
                       value + strcspn(value, "\""));
    } else {
        (void)snprintf(line, sizeof(line), "{'cmd':'send','message':%.*s}", (int)len, example);
    }
    struct json_value answer = send_line(desk, line, true);
    ck_assert_str_eq(text_at(answer, "messages.0.kind"), kind);
}

#define EXAMPLES                                                                                   \
    12 /* those of a referral's own life; the others are said by tests/process/agents.py */

START_TEST(test_every_example_of_a_referral)
{
    static const char *const fence = "```json\n";
    struct fault fault = {.code = ""};
    struct buf page;
    int count = 0;
    buf_init(&page, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(file_read("docs/messages.md", &page, &fault), OK);
    ck_assert_int_eq(buf_append(&page, "", 1), OK);
    char *matters = strstr((char *)page.data, "\n## Matters\n");
    ck_assert_ptr_nonnull(matters);
    *matters = '\0';
    char *at = strstr((char *)page.data, fence);
    while (at != NULL) {
        char *example = at + strlen(fence);
        char *end = strstr(example, "\n```");
        ck_assert_ptr_nonnull(end);
        *end = '\0';
        if (count++ == _i) {
            say_example(example, (size_t)(end - example));
        }
        at = strstr(end + 1, fence);
    }
    ck_assert_int_eq(count, EXAMPLES);
    buf_free(&page);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_compose");
    TCase *tcase = tcase_create("compose");
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, realm_setup, realm_teardown);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_numbers_begin_again_with_the_year);
    tcase_add_test(tcase, test_suffixes_of_a_case_that_another_agency_opened);
    tcase_add_test(tcase, test_numbers_that_messages_brought_are_taken);
    tcase_add_test(tcase, test_a_case_that_is_full);
    tcase_add_test(tcase, test_several_recipients_are_all_or_nothing);
    tcase_add_test(tcase, test_register_numbers);
    tcase_add_test(tcase, test_offline_chains);
    tcase_add_test(tcase, test_offline_answers);
    tcase_add_test(tcase, test_feedback_is_the_kind_that_answers);
    tcase_add_test(tcase, test_many_that_wait);
    tcase_add_test(tcase, test_pages_end_where_nothing_more_is_shown);
    tcase_add_loop_test(tcase, test_refusals_have_their_place_and_change_nothing, 0,
                        (int)COUNT_OF(wrong));
    tcase_add_loop_test(tcase, test_the_largest_body, 0, 2);
    tcase_add_loop_test(tcase, test_every_example_of_a_referral, 0, EXAMPLES);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
