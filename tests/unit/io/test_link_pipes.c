/* The connections of a link: their bound, and what is known of each. */
#include "io/link_pipes.h"
#include "io_support.h"

/* One over the cap is refused and then taken down, in nng's own time: until it is gone it counts
 * neither among the others nor in their places. */
START_TEST(a_refused_connection_is_not_counted_while_it_goes)
{
    struct link_pipes pipes;
    ck_assert_int_eq(link_pipes_init(&pipes, 2), OK);
    ck_assert(link_pipes_add(&pipes, 1, 10, NULL));
    ck_assert(link_pipes_add(&pipes, 257, 10, NULL)); /* in the same chain */
    ck_assert(!link_pipes_add(&pipes, 3, 10, NULL));
    ck_assert_uint_eq(link_pipes_count(&pipes), 2);
    ck_assert(link_pipes_remove(&pipes, 1));
    ck_assert(link_pipes_add(&pipes, 4, 11, NULL)); /* the refused one is not gone yet */
    ck_assert(!link_pipes_remove(&pipes, 3));
    ck_assert_uint_eq(link_pipes_count(&pipes), 2);
    ck_assert(link_pipes_remove(&pipes, 257));
    ck_assert(link_pipes_remove(&pipes, 4));
    ck_assert(!link_pipes_remove(&pipes, 4));
    ck_assert_uint_eq(link_pipes_count(&pipes), 0);
    link_pipes_fini(&pipes);
}
END_TEST

START_TEST(idle_and_deaf)
{
    struct link_pipes pipes;
    uint32_t ids[2];
    struct link_peer peer;
    bool known;
    ck_assert_int_eq(link_pipes_init(&pipes, 2), OK);
    ck_assert(link_pipes_add(&pipes, 1, 10, NULL));
    ck_assert(link_pipes_add(&pipes, 2, 10, NULL));
    link_pipes_deafen(&pipes, 2, 30);
    ck_assert(link_pipes_heard(&pipes, 1, 20, &peer, &known));
    ck_assert(link_pipes_heard(&pipes, 9, 20, &peer, &known)); /* a stranger to the table */
    ck_assert_uint_eq(link_pipes_take_idle(&pipes, 15, ids, 2), 1);
    ck_assert_uint_eq(ids[0], 2);
    ck_assert_uint_eq(link_pipes_take_idle(&pipes, 15, ids, 2), 0);
    ck_assert(!link_pipes_heard(&pipes, 2, 29, &peer, &known));
    ck_assert(link_pipes_heard(&pipes, 2, 30, &peer, &known));
    link_pipes_fini(&pipes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io.link_pipes");
    TCase *tests = tcase_create("link_pipes");
    tcase_add_test(tests, a_refused_connection_is_not_counted_while_it_goes);
    tcase_add_test(tests, idle_and_deaf);
    suite_add_tcase(suite, tests);
    return suite_main(suite);
}
