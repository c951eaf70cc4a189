/* agent: whatever calendars the broker and the agencies have, and whenever they take them, a copy
 * has the dates that the broker counted. Three agent cores and the real broker core in one process.
 */
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "broker/turn.h"
#include "city_lives.h"
#include "io/calendar_folder.h"

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

/* --- a walk through very many referrals --- */

#define MANY 420u /* more than the broker re-dates in one turn */

static void refer_many(void)
{
    for (unsigned i = 1; i <= MANY; i++) {
        desk_say(&city.desks[0], SAY_OUTBOUND);
        if (i % 50 == 0) {
            settle_city();
        }
    }
    settle_city();
}

static struct case_key key_of_many(unsigned i)
{
    char number[64];
    (void)snprintf(number, sizeof(number), "JZ-2026-%04u-01", i);
    return key_of(number);
}

static void same_many(void)
{
    for (unsigned i = 1; i <= MANY; i++) {
        struct case_key key = key_of_many(i);
        same(0, &key);
        same(1, &key);
    }
}

static void nobody_is_alarmed(void)
{
    for (int i = 0; i < 8; i++) {
        city_pass(12 * HOUR_MS);
        settle_city();
        ck_assert_str_eq(desk_alarm(&city.desks[0]), "");
        ck_assert_str_eq(desk_alarm(&city.desks[1]), "");
    }
}

/* The evening of a day so many days before the first referral ends. */
static void pass_until_before_the_end(int32_t days, uint64_t evening_ms)
{
    struct referral referral;
    struct case_key key = key_of_many(1);
    get_copy(city.store, &key, &referral);
    city_pass(civil_end_ms(referral.clocks[0].due_day - days) - evening_ms - city.wall_ms);
    settle_city();
}

static void broker_begins_newer(void)
{
    city.calendar = city.newer;
    broker_use_calendar(city.broker, city.newer);
    broker_turn(city.broker);
    ck_assert(broker_redating(city.broker));
}

/* The process ended in the middle, and was started with the calendar of before. */
START_TEST(half_a_walk_was_forgotten_with_the_calendar_of_before)
{
    struct referral referral;
    city.seed = 4;
    city_open();
    make_newer("tests/scenario/calendars/local-2026-weekends-worked.json");
    refer_many();
    broker_begins_newer();
    city.calendar = city.realm.calendar;
    broker_restart();
    settle_city();
    for (unsigned i = 1; i <= MANY; i++) {
        struct case_key key = key_of_many(i);
        get_copy(city.store, &key, &referral);
        ck_assert_str_eq(referral.calendar_version, calendar_version(city.realm.calendar));
    }
    same_many();
    city_close();
}
END_TEST

/* Those that the walk had not reached were never counted by the calendar that was wrong. */
START_TEST(a_calendar_mended_at_once_made_a_liar_of_the_broker)
{
    city.seed = 4;
    city_open();
    make_newer("tests/scenario/calendars/local-2026-day-off.json");
    for (size_t i = 0; i < DESKS; i++) {
        desk_takes_newer(&city.desks[i]);
    }
    refer_many();
    pass_until_before_the_end(1, 8 * HOUR_MS);
    broker_begins_newer();
    city.calendar = city.realm.calendar;
    broker_use_calendar(city.broker, city.realm.calendar);
    settle_city();
    same_many();
    nobody_is_alarmed();
    city_close();
}
END_TEST

/* A date may not come too near: which that is hangs on the day on which each is counted. */
START_TEST(a_walk_over_midnight_made_a_liar_of_the_broker)
{
    city.seed = 5;
    city_open();
    make_newer("tests/scenario/calendars/local-2026-weekends-worked.json");
    refer_many();
    pass_until_before_the_end(5, 20000);
    for (size_t i = 0; i < DESKS; i++) {
        desk_takes_newer(&city.desks[i]);
    }
    broker_begins_newer();
    city.wall_ms += 60000;
    city.boot_ms += 60000;
    broker_restart();
    settle_city();
    nobody_is_alarmed();
    same_many();
    city_close();
}
END_TEST

/* --- what is told of it --- */

static void tell(struct desk *desk, const struct calendar_in_force *told, uint64_t log_size,
                 bool kept)
{
    struct store_txn *txn = NULL;
    ck_assert_int_eq(store_begin(desk->store, &txn), OK);
    ck_assert_int_eq(counting_told(desk->agent, txn, told, log_size), OK);
    if (kept) {
        ck_assert_int_eq(store_commit(txn), OK);
        eras_kept(desk->agent);
    } else {
        store_abort(txn);
        eras_not_kept(desk->agent);
    }
}

/* A place that the log does not have was taken, and no honest answer was behind it ever after. */
START_TEST(a_leaf_that_is_not_there_is_not_believed)
{
    struct desk *desk = &city.desks[0];
    struct calendar_in_force told = {"another", UINT64_MAX, 1};
    city_open();
    settle_city();
    tell(desk, &told, 100, true);
    told.leaf = 100;
    tell(desk, &told, 100, true);
    told.leaf = 0;
    tell(desk, &told, 100, true);
    ck_assert_uint_eq(desk->agent->eras.count, 1);
    told.leaf = 99;
    tell(desk, &told, 100, true);
    ck_assert_uint_eq(desk->agent->eras.count, 2);
    ck_assert_str_eq(text_at(desk_must(desk, "{'cmd':'status'}"), "calendar_state"), "behind");
    city_close();
}
END_TEST

/* In memory and never in the store, it was no news when it was said again. */
START_TEST(what_was_told_and_not_kept_is_told_again)
{
    struct desk *desk = &city.desks[0];
    const struct calendar_in_force told = {"another", 99, 1};
    city_open();
    settle_city();
    tell(desk, &told, 100, false);
    ck_assert_uint_eq(desk->agent->eras.count, 1);
    tell(desk, &told, 100, true);
    desk_restart(desk);
    ck_assert_uint_eq(desk->agent->eras.count, 2);
    ck_assert_str_eq(eras_newest(desk->agent)->version, "another");
    city_close();
}
END_TEST

/* The oldest makes room, and a copy of its time is counted by the oldest that is left. */
START_TEST(no_more_than_so_many_are_kept)
{
    struct desk *desk = &city.desks[0];
    struct calendar_in_force told = {.version = "", .leaf = 0, .since_ms = 1};
    city_open();
    settle_city();
    for (unsigned i = 0; i < ERAS_MAX + 10; i++) {
        (void)snprintf(told.version, sizeof(told.version), "c%u", i);
        told.leaf = 100 + i;
        tell(desk, &told, 1000, true);
    }
    ck_assert_uint_eq(desk->agent->eras.count, ERAS_MAX);
    desk_restart(desk);
    ck_assert_uint_eq(desk->agent->eras.count, ERAS_MAX);
    ck_assert_str_eq(eras_newest(desk->agent)->version, told.version);
    ck_assert_ptr_eq(eras_calendar(desk->agent, 1), desk->agent->setup.calendar);
    city_close();
}
END_TEST

int main(void)
{
    const bool longer = getenv("REFERRAL_LONG") != NULL;
    Suite *suite = suite_create("agent_calendars");
    TCase *tcase = tcase_create("calendars");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_bad_calendar_changes_nothing);
    tcase_add_test(tcase, test_who_is_behind);
    tcase_add_test(tcase, test_an_answer_recorded_before_the_calendar_came);
    tcase_add_test(tcase, a_file_that_is_early_waits_for_the_broker);
    city_add_lives(tcase, a_late_receipt_counted_all_steps_by_the_newer_calendar, 0, 2);
    city_add_lives(tcase, test_calendar_comes_later, 2000, longer ? 200 : 4);
    tcase_add_test(tcase, half_a_walk_was_forgotten_with_the_calendar_of_before);
    tcase_add_test(tcase, a_calendar_mended_at_once_made_a_liar_of_the_broker);
    tcase_add_test(tcase, a_walk_over_midnight_made_a_liar_of_the_broker);
    tcase_add_test(tcase, a_leaf_that_is_not_there_is_not_believed);
    tcase_add_test(tcase, what_was_told_and_not_kept_is_told_again);
    tcase_add_test(tcase, no_more_than_so_many_are_kept);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
