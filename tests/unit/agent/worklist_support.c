/* Three worklists beside the real broker core, as worklist_support.h says: each desk tells its own
 * list of each change. */
#include "worklist_support.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/web/act.h"

struct worklist *lists[DESKS];
unsigned told;

static size_t place_of(const struct desk *desk)
{
    return (size_t)(desk - city.desks);
}

static void changed_cb(struct desk *desk, const struct case_key *key)
{
    told++;
    ck_assert_int_eq(worklist_changed(lists[place_of(desk)], key), OK);
}

void read_in(size_t place)
{
    worklist_free(lists[place]);
    ck_assert_int_eq(worklist_new(city.desks[place].agent, &lists[place]), OK);
    while (worklist_fill(lists[place])) {
    }
    ck_assert_uint_eq(worklist_progress(lists[place]), 100);
    city.desks[place].on_changed = changed_cb;
}

void open_with(const char *agency, const char *line)
{
    city.seed = 7;
    city_open_edited(agency, line);
    for (size_t i = 0; i < DESKS; i++) {
        read_in(i);
    }
    settle_city();
}

void open_all(void)
{
    open_with(NULL, NULL);
}

void close_all(void)
{
    for (size_t i = 0; i < DESKS; i++) {
        city.desks[i].on_changed = NULL;
        worklist_free(lists[i]);
        lists[i] = NULL;
    }
    city_close();
}

/* --- what is said --- */

void refer(const struct wanted *wanted)
{
    char message[4096];
    (void)snprintf(
        message, sizeof(message),
        "{'kind':'outbound-referral','recipients':['%s'],'facts':{'ground':'art-4-1',%s"
        "'priority_groups':[%s],'needs':['temporary-aid'],'materials':["
        "{'kind':'transfer-letter','missing':'not-issued-yet'},"
        "{'kind':'application-approval','missing':'not-issued-yet'},"
        "{'kind':'identity-household','missing':'not-issued-yet'},"
        "{'kind':'hardship-proof','missing':'not-issued-yet'},"
        "{'kind':'investigation-record','missing':'not-issued-yet'}]},'body':{'officer':'O',"
        "'persons':[%s],'circumstances':'c','reasons':'r'}}",
        wanted->to, wanted->flags, wanted->groups, wanted->persons);
    desk_say(&city.desks[P], message);
}

const struct wanted adult = {
    .to = "education", .flags = "", .groups = "", .persons = "{'name':'丁一','relation':'self'}"};

void say(size_t place, const char *message)
{
    desk_say(&city.desks[place], message);
    settle_city();
}

void refer_adult(void)
{
    refer(&adult);
    settle_city();
}

/* --- what is found --- */

static const char *const act_names[WORK_ACT_COUNT] = {[WORK_SIGN_FOR] = "sign-for",
                                                      [WORK_FEEDBACK] = "feedback",
                                                      [WORK_INFORM] = "inform",
                                                      [WORK_PAPERS] = "papers",
                                                      [WORK_INFORMATION] = "information",
                                                      [WORK_FOLLOW_UP] = "follow-up",
                                                      [WORK_PROMISE] = "promise",
                                                      [WORK_PAYMENT] = "payment",
                                                      [WORK_LETTER] = "letter",
                                                      [WORK_ATTENDANCE] = "attendance",
                                                      [WORK_DOCUMENT] = "document",
                                                      [WORK_REFUSED] = "refused",
                                                      [WORK_NEWS] = "news"};

/* "NUMBER=act NUMBER=act" of a list; without acts where it is one of items. */
const char *found(size_t place, struct work_query query)
{
    static char text[4096];
    struct work_result result;
    size_t len = 0;
    query.count = query.count > 0 ? query.count : 100;
    query.text = query.text != NULL ? query.text : "";
    text[0] = '\0';
    ck_assert_int_eq(
        worklist_query(lists[place], &query, agent_wall_ms(city.desks[place].agent), &result), OK);
    ck_assert_uint_le(result.count, result.total);
    for (size_t i = 0; i < result.count; i++) {
        const struct work_row *row = &result.rows[i];
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s%s%s", i > 0 ? " " : "",
                                row->item->number, row->line != NULL ? "=" : "",
                                row->line != NULL ? act_names[row->line->act] : "");
        ck_assert_uint_lt(len, sizeof(text));
    }
    free(result.rows);
    return text;
}

const char *todo(size_t place)
{
    return found(place, (struct work_query){.list = WORK_TODO});
}

const char *list_of(size_t place, enum work_list list)
{
    return found(place, (struct work_query){.list = list});
}

const char *search(size_t place, const char *text)
{
    return found(place, (struct work_query){.list = WORK_LEDGER, .text = text});
}

size_t count_of(size_t place, enum work_list list)
{
    struct work_counts counts;
    worklist_counts(lists[place], agent_wall_ms(city.desks[place].agent), &counts);
    return counts.lists[list];
}

uint64_t generation(size_t place)
{
    struct work_counts counts;
    worklist_counts(lists[place], agent_wall_ms(city.desks[place].agent), &counts);
    return counts.generation;
}

/* The counts are those of the lists, and a list that is read anew from the store is the same. */
void judge_lists(size_t place)
{
    char before[WORK_LIST_COUNT][4096];
    for (size_t i = 0; i < WORK_LIST_COUNT; i++) {
        struct work_query query = {.list = (enum work_list)i, .text = "", .count = 1000};
        struct work_result result;
        ck_assert_int_eq(
            worklist_query(lists[place], &query, agent_wall_ms(city.desks[place].agent), &result),
            OK);
        ck_assert_msg(result.total == count_of(place, (enum work_list)i),
                      "list %zu of %s: %zu rows, %zu counted", i, city_names[place], result.total,
                      count_of(place, (enum work_list)i));
        free(result.rows);
        text_copy(before[i], sizeof(before[i]), list_of(place, (enum work_list)i));
    }
    read_in(place);
    for (size_t i = 0; i < WORK_LIST_COUNT; i++) {
        ck_assert_str_eq(list_of(place, (enum work_list)i), before[i]);
    }
}

void judge_all_lists(void)
{
    for (size_t i = 0; i < DESKS; i++) {
        judge_lists(i);
    }
}

/* What is to be looked at is a line until an officer was shown it, or says that it is dealt with.
 */
static void settle_line(size_t place, enum work_act line, enum act_kind kind)
{
    struct desk *desk = &city.desks[place];
    struct act act = {.kind = kind, .at_ms = DESK_START_MS, .officer = "o", .shown = "o"};
    struct work_query query = {.list = WORK_TODO, .act = line, .text = "", .count = 1};
    struct work_result result;
    struct store_txn *txn;
    ck_assert_int_eq(worklist_query(lists[place], &query, DESK_START_MS, &result), OK);
    ck_assert_uint_eq(result.count, 1);
    const struct case_key key = result.rows[0].item->key;
    act.about = key.referral_id;
    act.message_id = result.rows[0].line->message_id;
    free(result.rows);
    ck_assert_int_eq(store_begin(desk->store, &txn), OK);
    ck_assert_int_eq(act_add(txn, &act), OK);
    ck_assert_int_eq(store_commit(txn), OK);
    ck_assert_int_eq(worklist_changed(lists[place], &key), OK);
}

void handle(size_t place)
{
    settle_line(place, WORK_REFUSED, ACT_HANDLED);
}

void look(size_t place)
{
    settle_line(place, WORK_NEWS, ACT_SEEN);
}
