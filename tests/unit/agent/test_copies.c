/* agent: each party's copy of a referral or matter is what the broker decided, whatever their lives
 * and in whatever order requests and replies travel. Three agent cores and the real
 * broker core in one process; chance decides what happens next. The seed is printed when it fails.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "city_lives.h"
#include "io/calendar_folder.h"

static void life(uint64_t seed)
{
    city.seed = seed;
    (void)printf("seed %llu\n", (unsigned long long)city.seed);
    (void)fflush(stdout);
    city_open();
    for (unsigned i = 0; i < 1200; i++) {
        live_step();
    }
    settle_city();
    unsigned states = judge(), kinds = judge_matters();
    size_t held = 0;
    for (size_t i = 0; i < DESKS; i++) {
        held += judge_late(&city.desks[i]);
    }
    ck_assert_uint_gt(held, 0);
    (void)printf("seed %llu: states %x, %zu referrals, kinds %x, %zu matters, %u messages, %llu "
                 "went back\n",
                 (unsigned long long)city.seed, states, lives.number_count, kinds,
                 lives.matter_count, lives.taken, (unsigned long long)lives.rejected);
    city_close();
}

START_TEST(test_random_lives)
{
    life(1000 + (uint64_t)_i);
}
END_TEST

/* What it asked about was withdrawn while the request was on its way: its receipt came later. */
START_TEST(a_receipt_behind_the_withdrawal_began_a_window)
{
    life(1011);
}
END_TEST

/* An honest broker, keys that are wrong for a while, programs that restart: nothing is missed, and
 * nothing is early. */
START_TEST(test_nobody_is_alarmed_while_time_passes)
{
    city.seed = 3000 + (uint64_t)_i;
    city_open();
    city.realm.policy->ladder.days[CLOCK_FEEDBACK_OUTBOUND] = 6;
    city.realm.policy->ladder.days[CLOCK_FEEDBACK_INBOUND] = 3;
    for (unsigned i = 0; i < 300; i++) {
        live_step();
    }
    settle_city();
    ck_assert_uint_gt(live_on(25), 20);
    (void)judge();
    city_close();
}
END_TEST

/* --- a calendar that comes while all run --- */

static void install(const char *path)
{
    struct calendar_candidate candidate;
    struct calendar_installation done;
    struct fault fault = {.code = ""};
    struct buf text;
    buf_init(&text, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(file_read(path, &text, &fault), OK);
    ck_assert_int_eq(calendar_candidate_name(path, span_buf(&text), &candidate, &fault), OK);
    ck_assert_int_eq(calendar_folder_install(city.calendars, &candidate, &done, &fault), OK);
    buf_free(&text);
}

/* The shipped files and a local one. */
static void make_newer(const char *local)
{
    static const char *const shipped[] = {"config/calendars/2025.json",
                                          "config/calendars/2026.json",
                                          "config/calendars/2027-statutory.json"};
    struct fault fault = {.code = ""};
    (void)snprintf(city.calendars, sizeof(city.calendars), "%s/calendars", city.folder);
    ck_assert_int_eq(mkdir(city.calendars, 0700), 0);
    for (size_t i = 0; i < COUNT_OF(shipped); i++) {
        install(shipped[i]);
    }
    install(local);
    ck_assert_int_eq(calendar_folder_load(city.calendars, &city.newer, &fault), OK);
}

static void broker_takes_newer(void)
{
    city.calendar = city.newer;
    broker_use_calendar(city.broker, city.newer);
    broker_settle();
}

static void desk_takes_newer(struct desk *desk)
{
    desk->calendars = city.calendars;
    desk->calendar = city.newer;
    (void)desk_must(desk, "{'cmd':'reload'}");
}

/* What the broker took first, the agents later and each at another time; one before it. */
static void calendar_life(uint64_t seed)
{
    static const char *const locals[] = {"tests/scenario/calendars/local-2026-weekends-worked.json",
                                         "tests/scenario/calendars/local-2026-day-off.json"};
    city.seed = seed;
    (void)printf("seed %llu\n", (unsigned long long)city.seed);
    (void)fflush(stdout);
    city_open();
    make_newer(locals[seed % 2]);
    for (unsigned i = 0; i < 1200; i++) {
        if (i == 400) { /* time stands still for many steps: what came before is no later */
            city_pass(1);
            broker_takes_newer();
        } else if (i == 300 || i == 500 || i == 900) {
            desk_takes_newer(&city.desks[i == 500 ? 0 : i == 900 ? 1 : 2]);
        }
        live_step();
    }
    settle_city();
    for (size_t i = 0; i < DESKS; i++) {
        struct json_value status = desk_must(&city.desks[i], "{'cmd':'status'}");
        ck_assert_str_eq(text_at(status, "calendar"), calendar_version(city.newer));
        ck_assert_str_eq(text_at(status, "calendar_state"), "same");
        ck_assert(!counting_waits(city.desks[i].agent));
    }
    (void)judge();
    (void)judge_matters();
    city_close();
}

START_TEST(test_calendar_comes_later)
{
    calendar_life(2000 + (uint64_t)_i);
}
END_TEST

/* Receipts that came after the calendar, of what was recorded before it: all the copy's steps were
 * counted by the newer one. A referral's window, and a matter's duty. */
START_TEST(a_late_receipt_counted_all_steps_by_the_newer_calendar)
{
    calendar_life(_i == 0 ? 2011 : 2016);
}
END_TEST

static struct case_key key_of(const char *number)
{
    struct store_txn *read = NULL;
    struct case_key key;
    ck_assert_int_eq(store_read_begin(city.store, &read), OK);
    ck_assert_int_eq(number_find(read, number, &key), OK);
    store_read_end(read);
    return key;
}

/* The broker took the answer by the old calendar, the receipt got lost, and by the next greeting
 * the copy is counted anew while its clock still runs here. The agent was restarted between. */
START_TEST(test_an_answer_recorded_before_the_calendar_came)
{
    struct desk *holder = &city.desks[1];
    city.seed = 11;
    city_open();
    make_newer("tests/scenario/calendars/local-2026-weekends-worked.json");
    settle_city();
    desk_say(&city.desks[0], SAY_OUTBOUND);
    settle_city();
    struct case_key key = key_of("JZ-2026-0001-01");
    city_pass(24 * HOUR_MS);
    settle_city();
    desk_takes_newer(holder);
    desk_restart(holder);
    settle_city();
    desk_say(holder, "{'kind':'outbound-feedback','referral':'JZ-2026-0001-01','facts':{'outcome':"
                     "'not-eligible'},'body':{'officer':'o','reasons':'r'}}");
    ck_assert(hand_over(1, SLOT_SUBMIT));
    broker_settle();
    for (size_t i = 0; i < FLIGHTS; i++) {
        (void)arrive(&city.flights[i], true);
    }
    broker_restart();
    broker_takes_newer();
    settle_city();
    ck_assert_str_eq(text_at(desk_must(holder, "{'cmd':'status'}"), "calendar_state"), "same");
    same(1, &key);
    city_close();
}
END_TEST

/* A file that an agency takes before the broker does counts from the broker's change on; what had
 * begun before is counted anew there, and a restart forgets neither. */
START_TEST(a_file_that_is_early_waits_for_the_broker)
{
    struct desk *holder = &city.desks[1];
    city.seed = 12;
    city_open();
    make_newer("tests/scenario/calendars/local-2026-weekends-worked.json");
    settle_city();
    desk_takes_newer(holder);
    desk_takes_newer(&city.desks[2]);
    desk_say(&city.desks[0], SAY_OUTBOUND);
    settle_city();
    struct case_key first = key_of("JZ-2026-0001-01");
    same(1, &first);
    desk_restart(holder);
    settle_city();
    broker_takes_newer();
    settle_city();
    same(1, &first);
    desk_say(&city.desks[0], SAY_ADULT);
    settle_city();
    struct case_key second = key_of("JZ-2026-0001-02");
    same(1, &first);
    same(2, &second);
    desk_restart(holder);
    settle_city();
    same(1, &first);
    city_close();
}
END_TEST

/* A folder with a fault changes nothing and is told with its place; mended, it is taken. */
START_TEST(test_bad_calendar_changes_nothing)
{
    char path[96];
    struct fault fault = {.code = ""};
    struct desk *desk = &city.desks[0];
    city_open();
    make_newer("tests/scenario/calendars/local-2026-day-off.json");
    (void)snprintf(path, sizeof(path), "%s/local-bad.json", city.calendars);
    ck_assert_int_eq(file_write_new(path, span_text("{\"year\": 2026,\n oops"), 0600, &fault), OK);
    desk->calendars = city.calendars;
    struct json_value answer = desk_ask(desk, "{'cmd':'reload'}");
    ck_assert(strstr(text_at(answer, "place"), "local-bad.json:2:") != NULL);
    struct json_value status = desk_must(desk, "{'cmd':'status'}");
    ck_assert_str_eq(text_at(status, "calendar"), calendar_version(city.realm.calendar));
    ck_assert(strstr(text_at(status, "calendar_fault"), "local-bad.json:2:") != NULL);
    ck_assert_int_eq(remove(path), 0);
    desk_takes_newer(desk);
    status = desk_must(desk, "{'cmd':'status'}");
    ck_assert_str_eq(text_at(status, "calendar"), calendar_version(city.newer));
    ck_assert(absent_at(status, "calendar_fault"));
    city_close();
}
END_TEST

/* Who counts by another calendar than the broker, and who is the one that is behind. */
START_TEST(test_who_is_behind)
{
    struct desk *late = &city.desks[0], *early = &city.desks[2];
    city_open();
    make_newer("tests/scenario/calendars/local-2026-day-off.json");
    ck_assert_str_eq(text_at(desk_must(late, "{'cmd':'status'}"), "calendar_state"), "unknown");
    settle_city();
    ck_assert_str_eq(text_at(desk_must(late, "{'cmd':'status'}"), "calendar_state"), "same");
    desk_takes_newer(early);
    ck_assert_str_eq(text_at(desk_must(early, "{'cmd':'status'}"), "calendar_state"), "ahead");
    desk_say(late, SAY_OUTBOUND);
    settle_city();
    broker_takes_newer();
    settle_city(); /* the re-dating notice comes to both sides of what the first one sent */
    struct json_value status = desk_must(late, "{'cmd':'status'}");
    ck_assert_str_eq(text_at(status, "calendar_state"), "behind");
    ck_assert_str_eq(text_at(status, "calendar"), calendar_version(city.realm.calendar));
    ck_assert_str_eq(text_at(status, "broker_calendar"), calendar_version(city.newer));
    desk_restart(late);
    ck_assert_str_eq(text_at(desk_must(late, "{'cmd':'status'}"), "calendar_state"), "behind");
    desk_takes_newer(late);
    ck_assert_str_eq(text_at(desk_must(late, "{'cmd':'status'}"), "calendar_state"), "same");
    desk_restart(early); /* the greeting names it too */
    settle_city();
    ck_assert_str_eq(text_at(desk_must(early, "{'cmd':'status'}"), "calendar_state"), "same");
    city_close();
}
END_TEST

/* --- what one party knows and another does not --- */

/* One referral of the case concerns a minor, the other does not say so: whoever got that one learns
 * from the archive's lane that the visits come sooner. */
START_TEST(test_a_party_that_knows_of_no_minor_counts_the_visits_alike)
{
    struct desk *p = &city.desks[0];
    struct case_key key;
    struct store_txn *read = NULL;
    city.seed = 7;
    city_open();
    settle_city();
    desk_say(p, SAY_OUTBOUND);
    settle_city();
    desk_say(p, SAY_ADULT);
    settle_city();
    desk_say(&city.desks[1], "{'kind':'outbound-feedback','referral':'JZ-2026-0001-01','facts':{"
                             "'outcome':'not-eligible'},'body':{'officer':'o','reasons':'r'}}");
    settle_city();
    desk_say(&city.desks[2], "{'kind':'outbound-feedback','referral':'JZ-2026-0001-02','facts':{"
                             "'outcome':'not-eligible'},'body':{'officer':'o','reasons':'r'}}");
    settle_city();
    desk_say(p, "{'kind':'archive','case_number':'JZ-2026-0001','facts':{'why':'assisted'},'body':{"
                "'officer':'o','text':'t'}}");
    settle_city();
    ck_assert_int_eq(store_read_begin(city.store, &read), OK);
    ck_assert_int_eq(number_find(read, "JZ-SX-2026-0001", &key), OK);
    store_read_end(read);
    for (size_t i = 0; i < DESKS; i++) {
        same_matter(i, &key);
    }
    city_close();
}
END_TEST

int main(void)
{
    const bool longer = getenv("REFERRAL_LONG") != NULL;
    Suite *suite = suite_create("agent_copies");
    TCase *tcase = tcase_create("copies");
    tcase_set_timeout(tcase, 60);
    city_add_lives(tcase, test_random_lives, 1000, longer ? 60 : 5);
    city_add_lives(tcase, test_nobody_is_alarmed_while_time_passes, 3000, longer ? 60 : 2);
    tcase_add_test(tcase, a_receipt_behind_the_withdrawal_began_a_window);
    tcase_add_test(tcase, test_a_party_that_knows_of_no_minor_counts_the_visits_alike);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("calendar");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_bad_calendar_changes_nothing);
    tcase_add_test(tcase, test_who_is_behind);
    tcase_add_test(tcase, test_an_answer_recorded_before_the_calendar_came);
    tcase_add_test(tcase, a_file_that_is_early_waits_for_the_broker);
    city_add_lives(tcase, a_late_receipt_counted_all_steps_by_the_newer_calendar, 0, 2);
    city_add_lives(tcase, test_calendar_comes_later, 2000, longer ? 200 : 4);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
