/* agent: a broker that lies, and how many honest agencies it takes to see it. Three agent cores and
 * the real broker core in one process, whose replies are bent (hostile/lies.h).
 *
 * The columns: alone, no countersignature reaches the victim and none is asked for; two, another
 * agency's countersignatures reach it; quorum, the broker keeps them back and the policy asks for
 * two of three. Every cell is played; so is the truth, which must leave no mark. */
#include <stdio.h>

#include "base/file.h"
#include "city_registry.h"
#include "hostile/lies.h"

#define HOUR_MS UINT64_C(3600000)
#define SENDER  0u /* the procuratorate: to the victim */
#define VICTIM  1u /* education */
#define LONG    8u /* days: a window of three working days ends */

enum seen { UNSEEN, WARNED, CAUGHT };
enum part { QUIET, RECEIVES, SENDS, PART_COUNT };
enum honest { ALONE, TWO, QUORUM, HONEST_COUNT };
static const char *const honest_names[] = {"alone", "two", "quorum"};

static const struct {
    const char *lie;
    enum seen seen[HONEST_COUNT];
    enum part part;   /* of the victim, in what goes on */
    unsigned days;    /* that pass then */
    enum part before; /* where days pass: its part before the lie */
    bool by_sender;   /* it is the victim's sender that sees it */
} table[] = {
    {.lie = "split", .seen = {UNSEEN, CAUGHT, WARNED}, .part = SENDS},
    {.lie = "denied", .seen = {CAUGHT, CAUGHT, CAUGHT}, .part = RECEIVES},
    {.lie = "frozen", .seen = {UNSEEN, CAUGHT, WARNED}, .part = QUIET},
    {.lie = "frozen",
     .seen = {CAUGHT, CAUGHT, CAUGHT},
     .part = SENDS}, /* its receipts are of no log that it knows */
    {.lie = "rollback", .seen = {CAUGHT, CAUGHT, CAUGHT}, .part = RECEIVES},
    {.lie = "truncated", .seen = {CAUGHT, CAUGHT, CAUGHT}, .part = RECEIVES},
    {.lie = "rewritten", .seen = {CAUGHT, CAUGHT, CAUGHT}, .part = RECEIVES},
    {.lie = "dropped", .seen = {CAUGHT, CAUGHT, CAUGHT}, .part = RECEIVES},
    {.lie = "unrecorded", .seen = {CAUGHT, CAUGHT, CAUGHT}, .part = SENDS},
    {.lie = "withheld", .seen = {CAUGHT, CAUGHT, CAUGHT}, .part = RECEIVES},
    {.lie = "reordered", .seen = {CAUGHT, CAUGHT, CAUGHT}, .part = RECEIVES},
    {.lie = "held", .seen = {CAUGHT, CAUGHT, CAUGHT}, .part = RECEIVES},
    {.lie = "false-witness", .seen = {UNSEEN, CAUGHT, WARNED}, .part = SENDS},
    {.lie = "registry", .seen = {CAUGHT, CAUGHT, CAUGHT}, .part = QUIET},
    {.lie = "early-rung", .seen = {CAUGHT, CAUGHT, CAUGHT}, .part = RECEIVES},
    {.lie = "no-rung",
     .seen = {CAUGHT, CAUGHT, CAUGHT},
     .part = RECEIVES,
     .days = LONG,
     .before = QUIET},
    {.lie = "starved",
     .seen = {UNSEEN, UNSEEN, WARNED},
     .part = RECEIVES,
     .days = LONG,
     .before = QUIET},
    {.lie = "starved",
     .seen = {CAUGHT, CAUGHT, CAUGHT},
     .part = RECEIVES,
     .days = LONG,
     .before = RECEIVES},
    {.lie = "starved",
     .seen = {CAUGHT, CAUGHT, CAUGHT},
     .part = RECEIVES,
     .days = 5,
     .before = QUIET,
     .by_sender = true},
};
#define LIES (sizeof(table) / sizeof(table[0]))

static bool is_late(size_t place)
{
    struct json_value status = desk_must(&city.desks[place], "{'cmd':'status'}");
    struct json_value confirmed = json_member(&status, "confirmed");
    struct json_value late = json_member(&confirmed, "late");
    bool is = false;
    ck_assert_int_eq(json_get_bool(&late, &is, NULL), OK);
    return is;
}

/* The log grows by others' work, by messages to the victim, and by its own. */
static void work(enum part part)
{
    desk_say(&city.desks[2], SAY_INBOUND);
    if (part != QUIET) {
        desk_say(&city.desks[0], SAY_OUTBOUND);
        desk_say(&city.desks[0], SAY_OUTBOUND);
    }
    settle_city();
    if (part == SENDS) {
        desk_say(&city.desks[VICTIM], SAY_INBOUND);
        settle_city();
    }
    city_pass(120000);
    settle_city();
}

static void play(size_t row, const char *lie, enum honest honest)
{
    const enum part part = table[row].part;
    city.seed = 77;
    city_open();
    city.realm.policy->witness_quorum = honest == QUORUM ? 2 : 1;
    city_registry_begin();
    if (table[row].days > 0) {
        city.realm.policy->ladder.days[CLOCK_FEEDBACK_OUTBOUND] = 3;
    }
    work(table[row].days > 0 ? table[row].before : part);
    lies_set(lie, city_names[VICTIM], honest != TWO);
    work(part);
    if (lie == NULL || strcmp(lie, "registry") == 0) {
        city_registry_publish();
    }
    city_pass(25 * HOUR_MS);
    work(part);
    for (unsigned i = 0; table[row].days > 0 && i < 4; i++) { /* it is sure an hour later */
        city_pass(i == 0 ? table[row].days * DAY_MS : 2 * HOUR_MS);
        settle_city();
    }
}

static void judge(size_t row, enum honest honest)
{
    const char *lie = table[row].lie;
    const enum seen seen = table[row].seen[honest];
    const size_t seer = table[row].by_sender ? SENDER : VICTIM;
    struct desk *victim = &city.desks[seer];
    bool caught = events_of(victim, "alarm") > 0;
    ck_assert_msg(caught == (seen == CAUGHT), "%s, %s: alarm \"%s\"", lie, honest_names[honest],
                  desk_alarm(victim));
    ck_assert_msg((victim->evidence_files > 0) == caught, "%s, %s: %u files", lie,
                  honest_names[honest], victim->evidence_files);
    if (!caught) {
        ck_assert_msg(is_late(seer) == (seen == WARNED), "%s, %s: a warning", lie,
                      honest_names[honest]);
    }
    for (size_t i = 0; i < DESKS; i++) {
        bool starves = strcmp(lie, "starved") == 0 && i <= VICTIM; /* its sender waits, too */
        if (i != VICTIM && !starves) { /* nobody told them anything else */
            ck_assert_msg(events_of(&city.desks[i], "alarm") == 0, "%s, %s: %s", lie,
                          honest_names[honest], desk_alarm(&city.desks[i]));
            ck_assert_uint_eq(city.desks[i].evidence_files, 0);
        }
    }
}

START_TEST(test_cell)
{
    size_t row = (size_t)_i / HONEST_COUNT;
    enum honest honest = (enum honest)((size_t)_i % HONEST_COUNT);
    play(row, table[row].lie, honest);
    judge(row, honest);
    lies_set(NULL, NULL, false);
    city_registry_end();
    city_close();
}
END_TEST

/* --- what it cannot judge, it does not --- */

enum unsure { OTHER_POLICY, OTHER_CALENDAR, WITH_GAPS, SURE, UNSURE_COUNT };
static struct policy other_policy;
static struct calendar *other_calendar;

static void make_unsure(enum unsure unsure)
{
    struct desk *victim = &city.desks[VICTIM];
    if (unsure == OTHER_POLICY) {
        other_policy = *city.realm.policy;
        other_policy.digest.bytes[0] ^= 1;
        victim->agent->setup.policy = &other_policy;
    } else if (unsure == OTHER_CALENDAR) {
        ck_assert_int_eq(calendar_new(&other_calendar), OK);
        calendar_seal(other_calendar);
        victim->calendar = other_calendar;
        desk_restart(victim);
        agent_connected(victim->agent, true);
    } else if (unsure == WITH_GAPS) {
        victim->accept_gaps = true;
        desk_restart(victim);
        agent_connected(victim->agent, true);
    }
}

/* The broker raises nothing for the victim, or all too early; but it counts by other rules, or it
 * may have ended in a gap of the victim's store. */
START_TEST(test_what_is_not_judged)
{
    static const char *const lies[] = {"no-rung", "early-rung"};
    const enum unsure unsure = (enum unsure)(_i % UNSURE_COUNT);
    const char *lie = lies[_i / UNSURE_COUNT];
    city.seed = 78;
    city_open();
    if (strcmp(lie, "no-rung") == 0) {
        city.realm.policy->ladder.days[CLOCK_FEEDBACK_OUTBOUND] = 3;
    }
    make_unsure(unsure);
    lies_set(lie, city_names[VICTIM], false);
    work(RECEIVES);
    city_pass(15 * 60000); /* the grace behind a start */
    settle_city();
    for (unsigned i = 0; i < 4 && strcmp(lie, "no-rung") == 0; i++) {
        city_pass(i == 0 ? LONG * DAY_MS : 2 * HOUR_MS);
        settle_city();
    }
    bool judged = unsure == SURE || (unsure == WITH_GAPS && strcmp(lie, "early-rung") == 0);
    ck_assert_msg((events_of(&city.desks[VICTIM], "alarm") > 0) == judged, "%s, %d: %s", lie,
                  (int)unsure, desk_alarm(&city.desks[VICTIM]));
    struct json_value status = desk_must(&city.desks[VICTIM], "{'cmd':'status'}");
    struct json_value differs = json_member(&status, "policy_differs");
    bool is = false;
    ck_assert_int_eq(json_get_bool(&differs, &is, NULL), OK);
    ck_assert_int_eq(is, unsure == OTHER_POLICY);
    lies_set(NULL, NULL, false);
    city_close();
    calendar_free(other_calendar);
    other_calendar = NULL;
}
END_TEST

/* One row of each course that things take. */
static const size_t truths[] = {0, 1, 2, 3, 4, 8, 16};

START_TEST(test_the_truth)
{
    play(truths[_i], NULL, (enum honest)((size_t)_i % HONEST_COUNT));
    for (size_t i = 0; i < DESKS; i++) {
        ck_assert_uint_eq(events_of(&city.desks[i], "alarm"), 0);
        ck_assert_uint_eq(city.desks[i].evidence_files, 0);
        ck_assert(!is_late(i));
        ck_assert_uint_eq(city_registry_at(i), 2);
    }
    city_registry_end();
    city_close();
}
END_TEST

/* Every lie that can be told is in the table. */
START_TEST(test_every_lie_has_a_row)
{
    for (size_t i = 0; i < lies_count; i++) {
        bool found = false;
        for (size_t row = 0; row < LIES; row++) {
            found = found || strcmp(table[row].lie, lies_known[i].name) == 0;
        }
        ck_assert_msg(found, "%s", lies_known[i].name);
    }
}
END_TEST

/* docs/security.md has these cells, row by row. */
START_TEST(test_the_page_says_so)
{
    static const char *const words[] = {"unseen", "warned", "caught"};
    struct buf page;
    struct fault fault = {.code = ""};
    char cells[64], name[32];
    buf_init(&page, LIMIT_CONFIG_BYTES);
    ck_assert_int_eq(file_read("docs/security.md", &page, &fault), OK);
    ck_assert_int_eq(buf_append(&page, "", 1), OK);
    const char *at = strstr((const char *)page.data, "| lie | alone | two | quorum |");
    ck_assert_ptr_nonnull(at);
    at = strstr(at, "|---|\n");
    ck_assert_ptr_nonnull(at);
    for (size_t row = 0; row < LIES; row++) {
        const enum seen *seen = table[row].seen;
        at = strchr(at, '\n') + 1;
        const char *end = strchr(at, '\n');
        (void)snprintf(name, sizeof(name), "| `%s`", table[row].lie);
        (void)snprintf(cells, sizeof(cells), "| %s | %s | %s |", words[seen[ALONE]],
                       words[seen[TWO]], words[seen[QUORUM]]);
        ck_assert_msg(strncmp(at, name, strlen(name)) == 0, "%s: %.60s", name, at);
        ck_assert_msg(strncmp(end - strlen(cells), cells, strlen(cells)) == 0, "%s: %s", name,
                      cells);
    }
    ck_assert_msg(strchr(at, '\n')[1] == '\n', "more rows than are played");
    buf_free(&page);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_hostile");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, test_the_truth, 0, (int)COUNT_OF(truths));
    tcase_add_loop_test(tcase, test_cell, 0, (int)(LIES * HONEST_COUNT));
    tcase_add_loop_test(tcase, test_what_is_not_judged, 0, 2 * UNSURE_COUNT);
    tcase_add_test(tcase, test_every_lie_has_a_row);
    tcase_add_test(tcase, test_the_page_says_so);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
