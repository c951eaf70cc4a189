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
#define VICTIM  1u /* education */

enum seen { UNSEEN, WARNED, CAUGHT };
enum part { QUIET, RECEIVES, SENDS, PART_COUNT };
enum honest { ALONE, TWO, QUORUM, HONEST_COUNT };
static const char *const honest_names[] = {"alone", "two", "quorum"};

static const struct {
    const char *lie;
    enum seen seen[HONEST_COUNT];
    enum part part; /* of the victim, in what goes on */
} table[] = {
    {"split", {UNSEEN, CAUGHT, WARNED}, SENDS},
    {"denied", {CAUGHT, CAUGHT, CAUGHT}, RECEIVES},
    {"frozen", {UNSEEN, CAUGHT, WARNED}, QUIET},
    {"frozen", {CAUGHT, CAUGHT, CAUGHT}, SENDS}, /* its receipts are of no log that it knows */
    {"rollback", {CAUGHT, CAUGHT, CAUGHT}, RECEIVES},
    {"truncated", {CAUGHT, CAUGHT, CAUGHT}, RECEIVES},
    {"rewritten", {CAUGHT, CAUGHT, CAUGHT}, RECEIVES},
    {"dropped", {CAUGHT, CAUGHT, CAUGHT}, RECEIVES},
    {"unrecorded", {CAUGHT, CAUGHT, CAUGHT}, SENDS},
    {"withheld", {CAUGHT, CAUGHT, CAUGHT}, RECEIVES},
    {"reordered", {CAUGHT, CAUGHT, CAUGHT}, RECEIVES},
    {"held", {CAUGHT, CAUGHT, CAUGHT}, RECEIVES},
    {"false-witness", {UNSEEN, CAUGHT, WARNED}, SENDS},
    {"registry", {CAUGHT, CAUGHT, CAUGHT}, QUIET},
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

static void play(const char *lie, enum honest honest, enum part part)
{
    city.seed = 77;
    city_open();
    city.realm.policy->witness_quorum = honest == QUORUM ? 2 : 1;
    city_registry_begin();
    work(part);
    lies_set(lie, city_names[VICTIM], honest != TWO);
    work(part);
    if (lie == NULL || strcmp(lie, "registry") == 0) {
        city_registry_publish();
    }
    city_pass(25 * HOUR_MS);
    work(part);
}

static void judge(const char *lie, enum honest honest, enum seen seen)
{
    struct desk *victim = &city.desks[VICTIM];
    bool caught = events_of(victim, "alarm") > 0;
    ck_assert_msg(caught == (seen == CAUGHT), "%s, %s: alarm \"%s\"", lie, honest_names[honest],
                  desk_alarm(victim));
    ck_assert_msg((victim->evidence_files > 0) == caught, "%s, %s: %u files", lie,
                  honest_names[honest], victim->evidence_files);
    if (!caught) {
        ck_assert_msg(is_late(VICTIM) == (seen == WARNED), "%s, %s: a warning", lie,
                      honest_names[honest]);
    }
    for (size_t i = 0; i < DESKS; i++) {
        if (i != VICTIM) { /* nobody told them anything else */
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
    play(table[row].lie, honest, table[row].part);
    judge(table[row].lie, honest, table[row].seen[honest]);
    lies_set(NULL, NULL, false);
    city_registry_end();
    city_close();
}
END_TEST

START_TEST(test_the_truth)
{
    play(NULL, (enum honest)(_i / PART_COUNT), (enum part)(_i % PART_COUNT));
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
    tcase_add_loop_test(tcase, test_the_truth, 0, PART_COUNT * HONEST_COUNT);
    tcase_add_loop_test(tcase, test_cell, 0, (int)(LIES * HONEST_COUNT));
    tcase_add_test(tcase, test_every_lie_has_a_row);
    tcase_add_test(tcase, test_the_page_says_so);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
