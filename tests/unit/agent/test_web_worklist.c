/* agent/web/worklist: what each officer finds in the lists while three agencies and a broker play,
 * from copies that follow the broker, from what waits, and from what was refused. */
#include <stdio.h>

#include "worklist_support.h"

#define NUMBER_X "11010519491231002X"

static const struct wanted named[] = {
    {"education", "", "",
     "{'name':'其其格','relation':'self','identity_number':'" NUMBER_X "'},"
     "{'name':'巴图孟克','relation':'child','identity_number':'150602201403050010'}"},
    {"education", "", "", "{'name':'乌其日','relation':'self'}"},
};

#define FIRST "JZ-2026-0001-01"

/* --- what is to do --- */

START_TEST(test_sign_for_then_feedback)
{
    open_all();
    ck_assert_str_eq(todo(E), "");
    refer_adult();
    ck_assert_str_eq(todo(P), "");
    ck_assert_str_eq(todo(E), FIRST "=sign-for");
    ck_assert_str_eq(list_of(P, WORK_SENT), FIRST);
    ck_assert_str_eq(list_of(E, WORK_SENT), "");
    say(E, "{'kind':'sign-for','referral':'" FIRST "','body':{'officer':'o'}}");
    ck_assert_str_eq(todo(E), FIRST "=feedback");
    say(E, "{'kind':'outbound-feedback','referral':'" FIRST "','facts':{'outcome':'not-eligible'},"
           "'body':{'officer':'o','reasons':'r'}}");
    ck_assert_str_eq(todo(E), "");
    ck_assert_str_eq(list_of(P, WORK_SENT), "");
    ck_assert_str_eq(list_of(E, WORK_DONE), FIRST);
    ck_assert_str_eq(list_of(P, WORK_DONE), ""); /* nobody has looked at it */
    ck_assert_str_eq(todo(P), FIRST "=news");
    judge_all_lists();
    look(P);
    ck_assert_str_eq(todo(P), "");
    ck_assert_str_eq(list_of(P, WORK_DONE), FIRST);
    judge_all_lists();
    close_all();
}
END_TEST

/* A page showed what was sent as still to do until the receipt was there and the page loaded anew.
 */
START_TEST(test_what_was_sent_was_still_to_do)
{
    struct work_query query = {.list = WORK_LEDGER, .text = "", .count = 1};
    struct work_result result;
    open_all();
    refer_adult();
    agent_connected(city.desks[E].agent, false);
    desk_say(&city.desks[E], "{'kind':'sign-for','referral':'" FIRST "','body':{'officer':'o'}}");
    ck_assert_str_eq(todo(E), FIRST "=feedback");
    desk_say(&city.desks[E], "{'kind':'outbound-feedback','referral':'" FIRST "','facts':{"
                             "'outcome':'not-eligible'},'body':{'officer':'o','reasons':'r'}}");
    ck_assert_str_eq(todo(E), "");
    ck_assert_int_eq(worklist_query(lists[E], &query, DESK_START_MS, &result), OK);
    ck_assert(result.rows[0].item->sending && !result.rows[0].item->waiting);
    free(result.rows);
    judge_all_lists();
    agent_connected(city.desks[E].agent, true);
    settle_city();
    ck_assert_int_eq(worklist_query(lists[E], &query, DESK_START_MS, &result), OK);
    ck_assert(!result.rows[0].item->sending);
    free(result.rows);
    judge_all_lists();
    close_all();
}
END_TEST

START_TEST(test_inform_and_papers)
{
    open_all();
    refer_adult();
    say(E, "{'kind':'outbound-feedback','referral':'" FIRST "','facts':{'outcome':"
           "'procedure-required','documents':[{'kind':'application-form'}],'tell_by':"
           "'procuratorate'},'body':{'officer':'o'}}");
    ck_assert_str_eq(todo(E), "");
    look(P);
    ck_assert_str_eq(todo(P), FIRST "=inform " FIRST "=papers");
    judge_all_lists();
    say(P, "{'kind':'applicant-informed','referral':'" FIRST "','facts':{'task':'tell-applicant',"
           "'how':'in-person'},'body':{'told_whom':'w','told_by':'b'}}");
    ck_assert_str_eq(todo(P), FIRST "=papers");
    say(P, "{'kind':'papers','referral':'" FIRST "','facts':{'documents':['application-form'],"
           "'received':'2026-03-02T09:00:00+08:00'},'body':{'officer':'o'}}");
    ck_assert_str_eq(todo(P), "");
    ck_assert_str_eq(todo(E), FIRST "=feedback"); /* the time runs again */
    judge_all_lists();
    close_all();
}
END_TEST

START_TEST(test_information_and_its_referral)
{
    open_all();
    refer_adult();
    say(E, "{'kind':'information-request','about':'" FIRST "','facts':{'asked':['income']}," O "}");
    ck_assert_str_eq(todo(P), "JY-SX-2026-0001=information");
    ck_assert_str_eq(list_of(E, WORK_SENT), "JY-SX-2026-0001");
    ck_assert_str_eq(todo(E), FIRST "=sign-for"); /* the question does not stop the clock */
    ck_assert_str_eq(search(P, "丁一"), "JY-SX-2026-0001 " FIRST);
    judge_all_lists();
    say(P,
        "{'kind':'information-reply','matter':'JY-SX-2026-0001','facts':{'answered':['income']}," O
        "}");
    ck_assert_str_eq(todo(P), "");
    ck_assert_str_eq(list_of(E, WORK_SENT), "");
    judge_all_lists();
    close_all();
}
END_TEST

START_TEST(test_follow_up)
{
    open_all();
    refer_adult();
    say(E, "{'kind':'outbound-feedback','referral':'" FIRST "','facts':{'outcome':'not-eligible'},"
           "'body':{'officer':'o','reasons':'r'}}");
    say(P, "{'kind':'archive','case_number':'JZ-2026-0001','facts':{'why':'not-assisted'}," O "}");
    look(P);
    ck_assert_str_eq(todo(P), "JZ-SX-2026-0001=follow-up");
    ck_assert_str_eq(list_of(P, WORK_SENT), "JZ-SX-2026-0001");
    ck_assert_str_eq(todo(E), "");
    judge_all_lists();
    say(P, "{'kind':'follow-up-report','matter':'JZ-SX-2026-0001','facts':{'duty':1,'hardship':"
           "'resolved','effect':'full','risk':'none'}," O "}");
    ck_assert_str_eq(todo(P), "");
    judge_all_lists();
    close_all();
}
END_TEST

/* --- groups and order --- */

static const struct wanted mixed[] = {
    {"education", "", "", "{'name':'一','relation':'self'}"},
    {"education", "'urgent':true,", "", "{'name':'二','relation':'self'}"},
    {"education", "", "'veteran'", "{'name':'三','relation':'self'}"},
    {"education", "'minor_marks':['minor'],", "'minor'",
     "{'name':'四','relation':'self','minor':true,'guardian':'g'}"},
    {"civil-affairs", "", "'disabled'", "{'name':'五','relation':'self'}"},
};

static void refer_mixed(void)
{
    for (size_t i = 0; i < COUNT_OF(mixed); i++) {
        refer(&mixed[i]);
        settle_city();
    }
}

START_TEST(test_minors_then_priority_then_others)
{
    open_all();
    refer_mixed();
    ck_assert_str_eq(todo(E), "JZ-2026-0004-01=sign-for JZ-2026-0002-01=sign-for "
                              "JZ-2026-0003-01=sign-for JZ-2026-0001-01=sign-for");
    ck_assert_str_eq(list_of(P, WORK_SENT), "JZ-2026-0004-01 JZ-2026-0005-01 JZ-2026-0003-01 "
                                            "JZ-2026-0002-01 JZ-2026-0001-01");
    judge_all_lists();
    close_all();
}
END_TEST

/* Within a group what ends first stands first, whatever came first. */
START_TEST(test_by_due_date)
{
    open_all();
    refer_adult();
    city_pass(3 * DAY_MS);
    refer_adult();
    say(P, "{'kind':'withdrawal','referral':'JZ-2026-0001-01','facts':{'reason':'duplicate'},"
           "'body':{'officer':'o'}}");
    refer_adult();
    say(E, "{'kind':'information-request','about':'JZ-2026-0003-01','facts':{'asked':['income']}," O
           "}");
    say(P, "{'kind':'information-request','about':'JZ-2026-0002-01','facts':{'asked':['school']}," O
           "}");
    look(E);
    /* five working days before twenty */
    ck_assert_str_eq(todo(E), "JZ-SX-2026-0001=information JZ-2026-0002-01=sign-for "
                              "JZ-2026-0003-01=sign-for");
    ck_assert_str_eq(list_of(E, WORK_DONE), "JZ-2026-0001-01");
    judge_all_lists();
    close_all();
}
END_TEST

START_TEST(test_pages)
{
    open_all();
    refer_mixed();
    ck_assert_str_eq(found(P, (struct work_query){.list = WORK_SENT, .offset = 1, .count = 2}),
                     "JZ-2026-0005-01 JZ-2026-0003-01");
    ck_assert_str_eq(found(P, (struct work_query){.list = WORK_SENT, .offset = 4, .count = 2}),
                     "JZ-2026-0001-01");
    ck_assert_str_eq(found(P, (struct work_query){.list = WORK_SENT, .offset = 5, .count = 2}), "");
    ck_assert_str_eq(found(P, (struct work_query){.list = WORK_SENT, .offset = 99, .count = 2}),
                     "");
    close_all();
}
END_TEST

/* Page after page is the whole list, whatever the size of a page. */
START_TEST(test_pages_are_the_whole)
{
    open_all();
    for (unsigned i = 0; i < 30; i++) {
        refer(&mixed[(i * 7) % COUNT_OF(mixed)]);
        city_pass(DAY_MS / 3);
    }
    settle_city();
    struct work_query query = {.list = WORK_LEDGER, .text = "", .count = 30};
    struct work_result whole, part;
    uint64_t now_ms = agent_wall_ms(city.desks[P].agent);
    ck_assert_int_eq(worklist_query(lists[P], &query, now_ms, &whole), OK);
    ck_assert_uint_eq(whole.count, 30);
    for (size_t i = 1; i < whole.count; i++) {
        ck_assert_uint_le(whole.rows[i - 1].item->due_before_ms, whole.rows[i].item->due_before_ms);
    }
    for (query.count = 1; query.count < 30; query.count++) {
        for (query.offset = 0; query.offset < 30; query.offset += query.count) {
            ck_assert_int_eq(worklist_query(lists[P], &query, now_ms, &part), OK);
            ck_assert_uint_eq(part.total, 30);
            for (size_t i = 0; i < part.count; i++) {
                ck_assert_ptr_eq(part.rows[i].item, whole.rows[query.offset + i].item);
            }
            free(part.rows);
        }
    }
    free(whole.rows);
    close_all();
}
END_TEST

/* --- filters --- */

START_TEST(test_filters)
{
    open_all();
    refer_mixed();
    const uint16_t civil = registry_find(city.realm.registry, "civil-affairs")->number;
    ck_assert_str_eq(found(P, (struct work_query){.list = WORK_SENT, .other = civil}),
                     "JZ-2026-0005-01");
    ck_assert_str_eq(found(P, (struct work_query){.list = WORK_SENT, .urgent = true}),
                     "JZ-2026-0002-01");
    ck_assert_str_eq(found(P, (struct work_query){.list = WORK_SENT, .minor = true}),
                     "JZ-2026-0004-01");
    ck_assert_str_eq(
        found(P, (struct work_query){.list = WORK_SENT, .priority_groups = 1u << 2 | 1u << 4}),
        "JZ-2026-0005-01 JZ-2026-0003-01");
    ck_assert_str_eq(found(E, (struct work_query){.list = WORK_TODO, .act = WORK_FEEDBACK}), "");
    say(E, "{'kind':'sign-for','referral':'JZ-2026-0003-01','body':{'officer':'o'}}");
    ck_assert_str_eq(found(E, (struct work_query){.list = WORK_TODO, .act = WORK_FEEDBACK}),
                     "JZ-2026-0003-01=feedback");
    ck_assert_str_eq(
        found(E, (struct work_query){.list = WORK_TODO, .act = WORK_FEEDBACK, .minor = true}), "");
    uint64_t now_ms = agent_wall_ms(city.desks[P].agent);
    ck_assert_str_eq(found(P, (struct work_query){.list = WORK_LEDGER, .from_ms = now_ms}), "");
    ck_assert_str_eq(found(P, (struct work_query){.list = WORK_LEDGER, .until_ms = DESK_START_MS}),
                     "");
    ck_assert_str_eq(found(P, (struct work_query){.list = WORK_LEDGER,
                                                  .from_ms = DESK_START_MS,
                                                  .until_ms = now_ms,
                                                  .other = civil}),
                     "JZ-2026-0005-01");
    close_all();
}
END_TEST

/* --- search --- */

static void refer_named(void)
{
    for (size_t i = 0; i < COUNT_OF(named); i++) {
        refer(&named[i]);
        settle_city();
    }
}

START_TEST(test_search_by_number)
{
    open_all();
    refer_named();
    ck_assert_str_eq(search(P, "JZ-2026-0001-01"), FIRST);
    ck_assert_str_eq(search(P, "jz-2026-0001"), FIRST);
    ck_assert_str_eq(search(P, "0002"), "JZ-2026-0002-01");
    ck_assert_str_eq(search(E, "2026"), "JZ-2026-0002-01 JZ-2026-0001-01");
    ck_assert_str_eq(search(E, "2027"), "");
    close_all();
}
END_TEST

START_TEST(test_a_register_number_was_not_found)
{
    open_all();
    refer_adult();
    refer_adult();
    say(E,
        "{'kind':'sign-for','referral':'" FIRST "','facts':{'register_number':'JY-DJ-2026-0007'},"
        "'body':{'officer':'o'}}");
    ck_assert_str_eq(search(E, "JY-DJ-2026-0007"), FIRST);
    ck_assert_str_eq(search(P, "jy-dj-2026-0007"), FIRST);
    ck_assert_str_eq(search(E, "DJ-2026-0008"), "");
    judge_all_lists();
    close_all();
}
END_TEST

START_TEST(test_search_by_name)
{
    open_all();
    refer_named();
    for (size_t place = P; place <= E; place++) {
        ck_assert_str_eq(search(place, "其其格"), FIRST);
        ck_assert_str_eq(search(place, "孟克"), FIRST); /* of a second person */
        ck_assert_str_eq(search(place, "其"), "JZ-2026-0002-01 JZ-2026-0001-01");
        ck_assert_str_eq(search(place, "格巴"), ""); /* not over two names */
        ck_assert_str_eq(search(place, "丁"), "");
    }
    ck_assert_str_eq(search(C, "其其格"), ""); /* no party */
    close_all();
}
END_TEST

/* Whole, with either x; no part of one finds anybody. */
START_TEST(test_search_by_identity_number)
{
    open_all();
    refer_named();
    for (size_t place = P; place <= E; place++) {
        ck_assert_str_eq(search(place, NUMBER_X), FIRST);
        ck_assert_str_eq(search(place, "11010519491231002x"), FIRST);
        ck_assert_str_eq(search(place, "150602201403050010"), FIRST);
        ck_assert_str_eq(search(place, "11010519491231002"), "");
        ck_assert_str_eq(search(place, "19491231"), "");
        ck_assert_str_eq(search(place, "110105194912310021"), ""); /* wrong check digit */
    }
    close_all();
}
END_TEST

/* As it is pasted from elsewhere. */
START_TEST(test_search_with_blanks_around)
{
    open_all();
    refer_named();
    ck_assert_str_eq(search(P, " 其其格 "), FIRST);
    ck_assert_str_eq(search(P, "　 其其格　"), FIRST);
    ck_assert_str_eq(search(P, "\t" NUMBER_X " "), FIRST);
    ck_assert_str_eq(search(P, "  "), "JZ-2026-0002-01 JZ-2026-0001-01");
    close_all();
}
END_TEST

/* What is asked about a referral is found by everything that finds the referral. */
START_TEST(test_a_matter_is_found_by_all_persons_of_its_referral)
{
    open_all();
    refer_named();
    say(E, "{'kind':'information-request','about':'" FIRST "','facts':{'asked':['income']}," O "}");
    for (size_t place = P; place <= E; place++) {
        ck_assert_str_eq(search(place, "其其格"), "JY-SX-2026-0001 " FIRST);
        ck_assert_str_eq(search(place, "巴图"), "JY-SX-2026-0001 " FIRST);
        ck_assert_str_eq(search(place, NUMBER_X), "JY-SX-2026-0001 " FIRST);
    }
    close_all();
}
END_TEST

/* The names were in memory: who was erased was found by them until the next start. */
START_TEST(test_who_was_erased_is_found_no_more)
{
    open_all();
    refer_named();
    say(E, "{'kind':'information-request','about':'" FIRST "','facts':{'asked':['income']}," O "}");
    ck_assert_str_eq(search(P, "其其格"), "JY-SX-2026-0001 " FIRST);
    (void)desk_must(&city.desks[P],
                    "{'cmd':'case-erase','id':'" FIRST "','order':'1','reason':'order'}");
    ck_assert_str_eq(search(P, "其其格"), "");
    ck_assert_str_eq(search(P, "孟克"), "");
    ck_assert_str_eq(search(P, NUMBER_X), "");
    ck_assert_str_eq(search(P, "其"), "JZ-2026-0002-01"); /* another case's */
    struct store_txn *read = NULL;
    struct case_key key;
    const struct work_item *items[8];
    ck_assert_int_eq(store_read_begin(city.desks[P].store, &read), OK);
    ck_assert_int_eq(number_find(read, FIRST, &key), OK);
    store_read_end(read);
    ck_assert_uint_eq(worklist_of_case(lists[P], &key.case_id, items, COUNT_OF(items)), 2);
    for (size_t i = 0; i < 2; i++) {
        ck_assert(items[i]->person.name == NULL || items[i]->person.name[0] == '\0');
        ck_assert_int_eq(items[i]->person.sex, 0);
    }
    ck_assert_str_eq(search(E, "其其格"), "JY-SX-2026-0001 " FIRST); /* has no order */
    close_all();
}
END_TEST

/* A page that is opened while the copies are read in knows a matter before its referral. */
START_TEST(test_a_matter_read_before_its_referral_gets_its_name)
{
    open_all();
    refer_named();
    say(E, "{'kind':'information-request','about':'" FIRST "','facts':{'asked':['income']}," O "}");
    const struct work_item *items[8];
    struct store_txn *read = NULL;
    struct case_key referral, matter;
    ck_assert_int_eq(store_read_begin(city.desks[P].store, &read), OK);
    ck_assert_int_eq(number_find(read, FIRST, &referral), OK);
    ck_assert_int_eq(number_find(read, "JY-SX-2026-0001", &matter), OK);
    store_read_end(read);
    worklist_free(lists[P]);
    ck_assert_int_eq(worklist_new(city.desks[P].agent, &lists[P]), OK);
    ck_assert_int_eq(worklist_changed(lists[P], &matter), OK);
    ck_assert_uint_eq(worklist_of_case(lists[P], &matter.case_id, items, COUNT_OF(items)), 1);
    ck_assert_int_eq(worklist_changed(lists[P], &referral), OK);
    ck_assert_uint_eq(worklist_of_case(lists[P], &matter.case_id, items, COUNT_OF(items)), 2);
    ck_assert_str_eq(items[0]->number, FIRST);
    ck_assert_str_eq(items[1]->number, "JY-SX-2026-0001");
    ck_assert_str_eq(items[1]->person.name, "其其格");
    close_all();
}
END_TEST

START_TEST(test_person)
{
    open_all();
    refer_named();
    struct work_query query = {.list = WORK_LEDGER, .text = "其其格", .count = 1};
    struct work_result result;
    ck_assert_int_eq(worklist_query(lists[E], &query, agent_wall_ms(city.desks[E].agent), &result),
                     OK);
    ck_assert_str_eq(result.rows[0].item->person.name, "其其格");
    ck_assert_uint_eq(result.rows[0].item->person.birth, 19491231);
    ck_assert_int_eq(result.rows[0].item->person.sex, 'f');
    free(result.rows);
    close_all();
}
END_TEST

/* --- time --- */

/* No message comes: what is near, then late, is counted so when the day ends. */
START_TEST(test_counts_change_when_a_deadline_passes)
{
    open_all();
    refer_adult();
    for (size_t i = 0; i < DESKS; i++) {
        city.desks[i].on_changed = NULL;
    }
    const struct work_item *items[1];
    struct store_txn *read = NULL;
    struct case_key key;
    ck_assert_int_eq(store_read_begin(city.desks[E].store, &read), OK);
    ck_assert_int_eq(number_find(read, FIRST, &key), OK);
    store_read_end(read);
    ck_assert_uint_eq(worklist_of_case(lists[E], &key.case_id, items, 1), 1);
    const uint64_t due_ms = items[0]->due_before_ms;
    struct desk *desk = &city.desks[E];
    ck_assert_uint_eq(count_of(E, WORK_SOON), 0);
    desk->wall_ms = due_ms - 9 * DAY_MS; /* five working days and two days of rest before */
    ck_assert_uint_eq(count_of(E, WORK_SOON), 0);
    desk->wall_ms = due_ms - 7 * DAY_MS;
    ck_assert_uint_eq(count_of(E, WORK_SOON), 1);
    ck_assert_str_eq(list_of(E, WORK_SOON), FIRST "=sign-for");
    desk->wall_ms = due_ms - 1;
    ck_assert_uint_eq(count_of(E, WORK_SOON), 1);
    ck_assert_uint_eq(count_of(E, WORK_LATE), 0);
    ck_assert_str_eq(list_of(E, WORK_LATE), "");
    desk->wall_ms = due_ms;
    ck_assert_uint_eq(count_of(E, WORK_SOON), 0);
    ck_assert_uint_eq(count_of(E, WORK_LATE), 1);
    ck_assert_str_eq(list_of(E, WORK_LATE), FIRST "=sign-for");
    ck_assert_uint_eq(count_of(E, WORK_OTHERS_LATE), 0);
    city.desks[P].wall_ms = due_ms - 1;
    ck_assert_uint_eq(count_of(P, WORK_OTHERS_LATE), 0);
    city.desks[P].wall_ms = due_ms; /* the time alone makes it late */
    ck_assert_uint_eq(count_of(P, WORK_OTHERS_LATE), 1);
    ck_assert_uint_eq(count_of(P, WORK_LATE), 0);
    ck_assert_str_eq(list_of(P, WORK_OTHERS_LATE), FIRST);
    desk->wall_ms = due_ms - 1; /* a clock that was ahead is set right */
    ck_assert_uint_eq(count_of(E, WORK_SOON), 1);
    ck_assert_uint_eq(count_of(E, WORK_LATE), 0);
    close_all();
}
END_TEST

/* Each numbered document is a line of whoever must act, and of nobody else, until its reply. */
static void answer_documents(size_t place, size_t other)
{
    struct work_query query = {.list = WORK_TODO, .act = WORK_DOCUMENT, .text = "", .count = 1};
    struct work_result result;
    unsigned answered = 0;
    ck_assert_str_eq(found(other, query), "");
    for (;; answered++) {
        char message[256];
        ck_assert_int_eq(
            worklist_query(lists[place], &query, agent_wall_ms(city.desks[place].agent), &result),
            OK);
        if (result.count == 0) {
            free(result.rows);
            break;
        }
        (void)snprintf(message, sizeof(message),
                       "{'kind':'escalation-reply','referral':'%s','facts':{'document_number':"
                       "'DB-%u-%04u','answer':'will-answer'}," O "}",
                       result.rows[0].item->number, result.rows[0].line->year,
                       result.rows[0].line->number);
        free(result.rows);
        say(place, message);
    }
    ck_assert_uint_gt(answered, 1);
}

START_TEST(test_supervised)
{
    open_all();
    refer_adult();
    ck_assert_str_eq(list_of(E, WORK_SUPERVISED), "");
    for (unsigned i = 0; i < 32; i++) {
        city_pass(DAY_MS);
        settle_city();
    }
    ck_assert_str_eq(list_of(E, WORK_SUPERVISED), FIRST);
    ck_assert_str_eq(list_of(E, WORK_LATE), FIRST "=sign-for");
    ck_assert_str_eq(todo(E), FIRST "=sign-for " FIRST "=document"); /* one line for all */
    answer_documents(E, P);
    ck_assert_str_eq(todo(E), FIRST "=sign-for"); /* the cause is not gone, but all have a reply */
    ck_assert_str_eq(list_of(E, WORK_SUPERVISED), FIRST);
    judge_all_lists();
    say(E, "{'kind':'outbound-feedback','referral':'" FIRST "','facts':{'outcome':'not-eligible'},"
           "'body':{'officer':'o','reasons':'r'}}");
    ck_assert_str_eq(list_of(E, WORK_SUPERVISED), "");
    ck_assert_str_eq(list_of(E, WORK_LATE), "");
    ck_assert_str_eq(search(E, "db-2026-0001"), FIRST); /* its cause is gone, its paper is not */
    ck_assert_str_eq(search(P, "DB-2026-0001"), "");    /* it was not told */
    ck_assert_str_eq(search(E, "DB-2026-9999"), "");
    ck_assert_str_eq(search(E, "DB-2026-000"), "");
    judge_all_lists();
    close_all();
}
END_TEST

/* --- each message --- */

START_TEST(test_changed_after_each_message)
{
    open_all();
    uint64_t before = generation(E);
    ck_assert_uint_eq(generation(E), before);
    unsigned before_told = told;
    refer_adult();
    ck_assert_uint_gt(told, before_told);
    ck_assert_uint_gt(generation(E), before);
    ck_assert_uint_eq(count_of(E, WORK_TODO), 1);
    before = generation(P);
    say(E, "{'kind':'sign-for','referral':'" FIRST "','body':{'officer':'o'}}");
    ck_assert_uint_gt(generation(P), before); /* the sender's list shows it as well */
    before = generation(E);
    uint64_t other = generation(C);
    say(P, "{'kind':'withdrawal','referral':'" FIRST "','facts':{'reason':'duplicate'},'body':{"
           "'officer':'o'}}");
    ck_assert_uint_gt(generation(E), before);
    ck_assert_uint_eq(generation(C), other);
    ck_assert_str_eq(todo(E), FIRST "=news"); /* that it was withdrawn */
    look(E);
    ck_assert_uint_eq(count_of(E, WORK_TODO), 0);
    judge_all_lists();
    close_all();
}
END_TEST

START_TEST(test_what_waits_is_listed)
{
    open_all();
    agent_connected(city.desks[P].agent, false);
    refer(&adult);
    ck_assert_str_eq(list_of(P, WORK_SENT), FIRST);
    ck_assert_str_eq(search(P, "丁一"), FIRST);
    struct work_query query = {.list = WORK_LEDGER, .text = "", .count = 1};
    struct work_result result;
    ck_assert_int_eq(worklist_query(lists[P], &query, DESK_START_MS, &result), OK);
    ck_assert(result.rows[0].item->waiting);
    ck_assert(result.rows[0].item->due_before_ms == UINT64_MAX);
    free(result.rows);
    judge_lists(P);
    agent_connected(city.desks[P].agent, true);
    settle_city();
    ck_assert_int_eq(worklist_query(lists[P], &query, DESK_START_MS, &result), OK);
    ck_assert(!result.rows[0].item->waiting);
    ck_assert(result.rows[0].item->due_before_ms != UINT64_MAX);
    free(result.rows);
    ck_assert_str_eq(todo(E), FIRST "=sign-for");
    judge_all_lists();
    close_all();
}
END_TEST

/* It was withdrawn while education's line was down: the broker refuses what it asks. */
START_TEST(test_what_was_refused_is_to_do)
{
    open_all();
    refer(&named[0]);
    settle_city();
    agent_connected(city.desks[E].agent, false);
    desk_say(&city.desks[E], "{'kind':'information-request','about':'" FIRST "','facts':{"
                             "'asked':['income']}," O "}");
    ck_assert_str_eq(list_of(E, WORK_SENT), "JY-SX-2026-0001");
    say(P, "{'kind':'withdrawal','referral':'" FIRST "','facts':{'reason':'duplicate'},'body':{"
           "'officer':'o'}}");
    agent_connected(city.desks[E].agent, true);
    settle_city();
    look(E); /* at the withdrawal */
    ck_assert_str_eq(todo(E), "JY-SX-2026-0001=refused");
    ck_assert_str_eq(list_of(E, WORK_SENT), "");
    ck_assert_str_eq(list_of(E, WORK_DONE), FIRST);
    ck_assert_str_eq(search(E, "JY-SX"), "JY-SX-2026-0001");
    ck_assert_uint_eq(count_of(E, WORK_LATE), 0);
    ck_assert_str_eq(search(P, "JY-SX"), "");
    judge_all_lists();
    close_all();
}
END_TEST

/* The sign-for comes after the withdrawal: the broker refuses it, and nothing else would say so. */
START_TEST(test_a_later_message_that_was_refused_was_no_line)
{
    open_all();
    refer_adult();
    agent_connected(city.desks[E].agent, false);
    desk_say(&city.desks[E], "{'kind':'sign-for','referral':'" FIRST "','body':{'officer':'o'}}");
    say(P, "{'kind':'withdrawal','referral':'" FIRST "','facts':{'reason':'duplicate'},'body':{"
           "'officer':'o'}}");
    agent_connected(city.desks[E].agent, true);
    settle_city();
    look(E);
    ck_assert_str_eq(todo(E), FIRST "=refused");
    ck_assert_str_eq(list_of(E, WORK_DONE), "");
    judge_all_lists();
    handle(E);
    ck_assert_str_eq(todo(E), "");
    ck_assert_str_eq(list_of(E, WORK_DONE), FIRST);
    judge_all_lists();
    close_all();
}
END_TEST

START_TEST(test_a_refused_first_message_could_not_be_dealt_with)
{
    open_all();
    refer(&named[0]);
    settle_city();
    agent_connected(city.desks[E].agent, false);
    desk_say(&city.desks[E], "{'kind':'information-request','about':'" FIRST "','facts':{"
                             "'asked':['income']}," O "}");
    say(P, "{'kind':'withdrawal','referral':'" FIRST "','facts':{'reason':'duplicate'},'body':{"
           "'officer':'o'}}");
    agent_connected(city.desks[E].agent, true);
    settle_city();
    look(E); /* at the withdrawal */
    ck_assert_str_eq(todo(E), "JY-SX-2026-0001=refused");
    handle(E);
    ck_assert_str_eq(todo(E), "");
    ck_assert_str_eq(list_of(E, WORK_DONE), "JY-SX-2026-0001 " FIRST);
    judge_all_lists();
    close_all();
}
END_TEST

/* --- agencies that took another's place --- */

static void confer(void)
{
    refer_adult();
    say(P,
        "{'kind':'case-conference','about':'" FIRST "','recipients':['education',"
        "'civil-affairs'],'facts':{'topic':'plan','held':'2026-03-01T09:30:00+08:00','promises':["
        "{'agency':'education','code':'provide','by_date':'2026-06-01'},{'agency':"
        "'civil-affairs','code':'visit','by_date':'2026-06-02'}]}," O "}");
}

/* No message comes at midnight of the day: the lists of both follow by themselves. */
START_TEST(test_the_day_of_a_successor_comes_by_itself)
{
    open_with("education", "    successor: civil-affairs\n    left: 2026-03-05\n");
    confer();
    ck_assert_str_eq(todo(E), "JZ-2026-0001-01=sign-for JZ-SX-2026-0001=promise");
    ck_assert_str_eq(todo(C), "JZ-SX-2026-0001=promise");
    for (size_t i = 0; i < DESKS; i++) {
        city.desks[i].on_changed = NULL;
        city.desks[i].wall_ms = DESK_START_MS + 3 * DAY_MS;
    }
    (void)todo(E); /* whoever looks first finds that it is another day */
    (void)todo(C);
    while (worklist_fill(lists[E]) || worklist_fill(lists[C])) {
    }
    ck_assert_str_eq(todo(E), "");
    ck_assert_str_eq(todo(C), "JZ-SX-2026-0001=promise JZ-SX-2026-0001=promise");
    ck_assert_uint_eq(count_of(E, WORK_TODO), 0);
    ck_assert_uint_eq(count_of(C, WORK_TODO), 2);
    ck_assert_uint_eq(worklist_progress(lists[C]), 100);
    close_all();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_web_worklist");
    TCase *tcase = tcase_create("acts");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_sign_for_then_feedback);
    tcase_add_test(tcase, test_what_was_sent_was_still_to_do);
    tcase_add_test(tcase, test_inform_and_papers);
    tcase_add_test(tcase, test_information_and_its_referral);
    tcase_add_test(tcase, test_follow_up);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("lists");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_minors_then_priority_then_others);
    tcase_add_test(tcase, test_by_due_date);
    tcase_add_test(tcase, test_pages);
    tcase_add_test(tcase, test_pages_are_the_whole);
    tcase_add_test(tcase, test_filters);
    tcase_add_test(tcase, test_counts_change_when_a_deadline_passes);
    tcase_add_test(tcase, test_supervised);
    tcase_add_test(tcase, test_changed_after_each_message);
    tcase_add_test(tcase, test_what_waits_is_listed);
    tcase_add_test(tcase, test_what_was_refused_is_to_do);
    tcase_add_test(tcase, test_a_later_message_that_was_refused_was_no_line);
    tcase_add_test(tcase, test_a_refused_first_message_could_not_be_dealt_with);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("search");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_search_by_number);
    tcase_add_test(tcase, test_a_register_number_was_not_found);
    tcase_add_test(tcase, test_search_by_name);
    tcase_add_test(tcase, test_who_was_erased_is_found_no_more);
    tcase_add_test(tcase, test_search_by_identity_number);
    tcase_add_test(tcase, test_search_with_blanks_around);
    tcase_add_test(tcase, test_a_matter_is_found_by_all_persons_of_its_referral);
    tcase_add_test(tcase, test_a_matter_read_before_its_referral_gets_its_name);
    tcase_add_test(tcase, test_person);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("successors");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_the_day_of_a_successor_comes_by_itself);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
