/* agent: a broker that answers at once, and with nothing that moves anything on, is not asked ever
 * again at full speed; an honest one is asked as before. */
#include "fake_desk.h"

#define ROUND_MS  60000u
#define STEP_MS   5u
#define ASKED_MAX 120u /* in that minute; without end it is 12,000 and more */

static struct parcel parcel;

static void say_nothing(void)
{
    if (desk.asks[SLOT_FETCH].open) {
        fake_nothing(&fake, NULL);
    }
}

/* What was acknowledged long ago. */
static void say_the_same(void)
{
    if (desk.asks[SLOT_FETCH].open) {
        fake_deliver(&fake, &parcel, 1, NULL);
    }
    if (desk.asks[SLOT_ACK].open) {
        (void)fake_accept(&fake, SLOT_ACK);
    }
}

/* Another log, but not when it is greeted. */
static void say_another_log(void)
{
    if (desk.asks[SLOT_FETCH].open) {
        fake_refuse(&fake, SLOT_FETCH, REFUSAL_LOG_OTHER, 0);
    }
}

static void say_one_or_the_other(void)
{
    static unsigned turn;
    if (desk.asks[SLOT_FETCH].open && ++turn % 2 == 0) {
        fake_refuse(&fake, SLOT_FETCH, REFUSAL_SESSION, 0);
    }
    say_nothing();
}

static const struct {
    const char *name;
    void (*say)(void);
} tireless[] = {
    {"nothing", say_nothing},
    {"the same again", say_the_same},
    {"another log", say_another_log},
    {"nothing, and another session", say_one_or_the_other},
};

START_TEST(test_a_broker_that_answers_at_once_makes_nobody_spin)
{
    fake_begin(&fake);
    fake_parcel(&fake, "broker", &parcel);
    fake_deliver(&fake, &parcel, 1, NULL);
    (void)fake_accept(&fake, SLOT_ACK);
    fake_end_hooks(&fake);
    const unsigned asked = fake_asked(&fake);
    for (unsigned ms = 0; ms < ROUND_MS; ms += STEP_MS) {
        tireless[_i].say();
        if (desk.asks[SLOT_SESSION].open) {
            fake_settle_session(&fake);
        }
        desk_pass(&desk, STEP_MS);
    }
    ck_assert_msg(fake_asked(&fake) - asked < ASKED_MAX, "%s: %u requests", tireless[_i].name,
                  fake_asked(&fake) - asked);
    ck_assert_str_eq(desk_alarm(&desk), "");
    desk_pass(&desk, 30000); /* and it is still asked */
    fake_settle_session(&fake);
    ck_assert(desk.asks[SLOT_FETCH].open);
    parcel_free(&parcel);
}
END_TEST

static void deliver_one(void)
{
    struct parcel next;
    fake_parcel(&fake, "broker", &next);
    fake_deliver(&fake, &next, 1, NULL);
    parcel_free(&next);
    ck_assert(desk.asks[SLOT_ACK].open);
    (void)fake_accept(&fake, SLOT_ACK);
    ck_assert(desk.asks[SLOT_FETCH].open); /* at once */
}

/* One message behind the other, a poll that ends when its time is over, a sign of life that is
 * asked for every few seconds: the next poll is there at once. */
START_TEST(test_an_honest_broker_never_waits_for_a_poll)
{
    fake_begin(&fake);
    for (unsigned i = 0; i < 100; i++) {
        deliver_one();
    }
    for (unsigned i = 0; i < 100; i++) {
        desk_pass(&desk, LIMIT_FETCH_WAIT_MS);
        fake_nothing(&fake, NULL);
        ck_assert(desk.asks[SLOT_FETCH].open);
        fake_settle_session(&fake);
    }
    for (unsigned i = 0; i < 100; i++) {
        desk_pass(&desk, 2000);
        fake_nothing(&fake, NULL);
        ck_assert(desk.asks[SLOT_FETCH].open);
        fake_settle_session(&fake);
    }
    for (unsigned i = 0; i < 8; i++) { /* several newer registries, all at once */
        fake_nothing(&fake, NULL);
        ck_assert(desk.asks[SLOT_FETCH].open);
    }
    deliver_one();
    fake_end_hooks(&fake);
}
END_TEST

/* It came to its senses: what it brings is fetched as fast as ever. */
START_TEST(test_a_broker_that_recovers_is_asked_at_once_again)
{
    fake_begin(&fake);
    for (unsigned ms = 0; ms < ROUND_MS; ms += STEP_MS) {
        say_nothing();
        desk_pass(&desk, STEP_MS);
        fake_settle_session(&fake);
    }
    desk_pass(&desk, 10000);
    fake_settle_session(&fake);
    for (unsigned i = 0; i < 20; i++) {
        deliver_one();
    }
    fake_end_hooks(&fake);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_paces");
    TCase *tcase = tcase_create("all");
    tcase_set_timeout(tcase, 60);
    desk_fixture(tcase);
    tcase_add_loop_test(tcase, test_a_broker_that_answers_at_once_makes_nobody_spin, 0,
                        (int)(sizeof(tireless) / sizeof(tireless[0])));
    tcase_add_test(tcase, test_an_honest_broker_never_waits_for_a_poll);
    tcase_add_test(tcase, test_a_broker_that_recovers_is_asked_at_once_again);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
