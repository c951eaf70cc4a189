/* What suites about the broker's replies begin with: one realm a program, and for each test a desk
 * of the procuratorate with a broker that says what the test says. For tests only; one suite a
 * program includes it. */
#ifndef REFERRAL_TESTS_FAKE_DESK_H
#define REFERRAL_TESTS_FAKE_DESK_H

#include "fake_broker.h"

static struct realm realm;
static struct desk desk;
static struct fake fake;

static void realm_setup(void)
{
    realm_open(&realm);
}

static void realm_teardown(void)
{
    realm_close(&realm);
}

static void desk_setup(void)
{
    desk.with_hook = true;
    desk_open(&desk, &realm, "procuratorate");
    fake_open(&fake, &desk);
}

static void desk_teardown(void)
{
    fake_close(&fake);
    desk_close(&desk);
}

static inline void desk_fixture(TCase *tcase)
{
    tcase_add_unchecked_fixture(tcase, realm_setup, realm_teardown);
    tcase_add_checked_fixture(tcase, desk_setup, desk_teardown);
}

#endif
