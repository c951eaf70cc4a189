/* agent/web/worklist_query: what is read when a page asks for its rows, and when an export asks for
 * all of them. The store has none of these items: to look one up is enough to be seen here. */
#include "agent/web/worklist_parts.h"
#include "agent_support.h"

#define ROWS 1001u

static struct realm realm;
static struct desk desk;
static struct worklist *list;

static void setup(void)
{
    realm_open(&realm);
    desk_open(&desk, &realm, "procuratorate");
    ck_assert_int_eq(worklist_new(desk.agent, &list), OK);
    list->entries = calloc(ROWS, sizeof(struct work_entry *));
    ck_assert_ptr_nonnull(list->entries);
    for (; list->count < ROWS; list->count++) {
        list->entries[list->count] = calloc(1, sizeof(struct work_entry));
        ck_assert_ptr_nonnull(list->entries[list->count]);
        list->entries[list->count]->item.person.name = "";
    }
}

static void teardown(void)
{
    worklist_free(list);
    desk_close(&desk);
    realm_close(&realm);
}

static size_t persons_read(void)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        count += list->entries[i]->persons_read ? 1 : 0;
    }
    return count;
}

/* An export asks for all rows at once, and may while they are still being read in: the bodies of
 * all of them in one turn of the loop are seconds in which nobody else is served. */
START_TEST(an_export_during_the_start_read_all_bodies_at_once)
{
    struct work_query query = {.list = WORK_LEDGER, .text = "", .count = 50};
    struct work_result result;
    ck_assert_int_eq(worklist_query(list, &query, DESK_START_MS, &result), OK);
    ck_assert_uint_eq(result.total, ROWS);
    ck_assert_uint_eq(persons_read(), 50); /* a page has its names */
    free(result.rows);
    query.count = 1000000;
    ck_assert_int_eq(worklist_query(list, &query, DESK_START_MS, &result), OK);
    ck_assert_uint_eq(result.count, ROWS);
    ck_assert_uint_eq(persons_read(), 50);
    free(result.rows);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_web_export");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, an_export_during_the_start_read_all_bodies_at_once);
    suite_add_tcase(suite, all);
    return suite_run(suite);
}
