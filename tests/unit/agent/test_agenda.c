/* agent/agenda: what reached the third rung stands on the agenda of the office's next meeting
 * notice until it is resolved; what reached a lower rung, or goes to others, does not. */
#include <stdio.h>

#include "fake_broker.h"

static struct realm realm;
static struct desk desk;
static struct fake fake;

#define NOTICE                                                                                     \
    "{'kind':'meeting-notice','facts':{'at':'2026-03-20T09:00:00+08:00'},"                         \
    "'body':{'officer':'\u7532','text':'\u4f1a\u8bae\u5ba4'}}"

static void setup(void)
{
    realm_open(&realm);
    desk_open(&desk, &realm, "procuratorate");
    fake_open(&fake, &desk);
    fake_begin(&fake);
}

static void teardown(void)
{
    fake_close(&fake);
    desk_close(&desk);
    realm_close(&realm);
}

/* The broker tells the office of a document; the referral is JY-2026-NNNN-01, NNNN counting up. */
static void tell(enum message_kind kind, const char *rung, const char *document, const char *number)
{
    struct parcel parcel;

    fake_parcel(&fake, "broker", &parcel);
    parcel.message.header.kind = kind;
    parcel.record.message_kind = kind;
    text_copy(parcel.message.header.referral_number, LIMIT_NUMBER_BYTES, number);
    text_copy(parcel.message.notice.rung, sizeof(parcel.message.notice.rung), rung);
    text_copy(parcel.message.notice.document_number, LIMIT_NUMBER_BYTES, document);
    parcel.message.notice.roles = ROLE_OFFICE;
    fake_deliver(&fake, &parcel, 1, NULL);
    parcel_free(&parcel);
    (void)fake_accept(&fake, SLOT_ACK);
}

/* Sends a meeting notice without an agenda of its own; answers its facts. */
static struct json_value facts_of_notice(void)
{
    struct json_value answer = desk_must(&desk, "{'cmd':'send','message':" NOTICE "}");
    char line[128];

    (void)snprintf(line, sizeof(line), "{'cmd':'show','id':'%s'}",
                   text_at(answer, "messages.0.id"));
    answer = desk_must(&desk, line);
    answer = json_member(&answer, "message");
    return json_member(&answer, "facts");
}

START_TEST(test_the_third_rung_is_on_the_agenda_until_it_is_resolved)
{
    struct json_value facts;

    tell(MESSAGE_ESCALATION, "due-2", "DB-2026-0001", "JY-2026-0001-01");
    tell(MESSAGE_ESCALATION, "due-3", "DB-2026-0002", "JY-2026-0002-01");
    tell(MESSAGE_ESCALATION, "due-3.1", "DB-2026-0003", "JY-2026-0002-01");
    tell(MESSAGE_ESCALATION, "due-3", "DB-2026-0004", "JY-2026-0003-01");
    facts = facts_of_notice();
    ck_assert_str_eq(text_at(facts, "agenda.0.number"), "JY-2026-0002-01");
    ck_assert_str_eq(text_at(facts, "agenda.0.why"), "third-rung");
    ck_assert_str_eq(text_at(facts, "agenda.1.number"), "JY-2026-0003-01");
    ck_assert(absent_at(facts, "agenda.2"));
    tell(MESSAGE_RESOLVED, "due-3", "DB-2026-0002", "JY-2026-0002-01");
    tell(MESSAGE_RESOLVED, "due-3", "DB-2026-0004", "JY-2026-0003-01");
    facts = facts_of_notice();
    ck_assert_str_eq(text_at(facts, "agenda.0.number"), "JY-2026-0002-01");
    ck_assert(absent_at(facts, "agenda.1"));
    tell(MESSAGE_RESOLVED, "due-3.1", "DB-2026-0003", "JY-2026-0002-01");
    facts = facts_of_notice();
    ck_assert(absent_at(facts, "agenda"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_agenda");
    TCase *tcase = tcase_create("agenda");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_the_third_rung_is_on_the_agenda_until_it_is_resolved);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
