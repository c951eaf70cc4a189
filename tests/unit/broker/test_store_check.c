/* The daily look: what its child's end means, again and again, and that a stop ends it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "broker/store_check.h"
#include "unit/suite.h"

static struct loop *loop;
static char program[64];
static uint64_t looks_seen;

static uint64_t wall_ms(void *ctx)
{
    (void)ctx;
    return ++looks_seen; /* asked once a look */
}

static struct store_check check_with(const char *script)
{
    char text[256];
    int len = snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
    memcpy(program, "/tmp/store-check-XXXXXX", 24);
    int fd = mkstemp(program);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, (size_t)len), len);
    ck_assert_int_eq(fchmod(fd, 0700), 0);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(loop_new(&loop), OK);
    looks_seen = 0;
    return (struct store_check){.loop = loop,
                                .program = program,
                                .config = "/a/b.yaml",
                                .every_ms = 10,
                                .wall_ms = wall_ms};
}

static void end(struct store_check *check)
{
    store_check_stop(check);
    loop_free(loop);
    (void)unlink(program);
}

static void expect(const char *script, enum store_check_state state)
{
    struct store_check check = check_with(script);
    store_check_start(&check, 1);
    for (int i = 0; i < 3000 && looks_seen < 3; i++) {
        loop_turn(loop, 20);
    }
    ck_assert_uint_ge(looks_seen, 3); /* again and again */
    ck_assert_int_eq(check.state, state);
    ck_assert_uint_gt(check.done_ms, 0);
    end(&check);
}

START_TEST(the_end_of_the_child_says_how_the_store_is)
{
    expect("exit 0", STORE_CHECK_WHOLE);
    expect("exit 4", STORE_CHECK_DAMAGED);
    expect("exit 1", STORE_CHECK_FAILED);
    expect("kill -SEGV $$", STORE_CHECK_FAILED);
    expect("test \"$*\" = '--config /a/b.yaml --check-store' && exit 4; exit 1",
           STORE_CHECK_DAMAGED);
}
END_TEST

START_TEST(a_stop_ends_a_look_that_is_under_way)
{
    struct store_check check = check_with("exec sleep 600");
    store_check_start(&check, 1);
    for (int i = 0; i < 20; i++) {
        loop_turn(loop, 5);
    }
    end(&check);
    ck_assert_int_eq(check.state, STORE_CHECK_NEVER);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("store_check");
    TCase *cases = tcase_create("store_check");
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, the_end_of_the_child_says_how_the_store_is);
    tcase_add_test(cases, a_stop_ends_a_look_that_is_under_way);
    suite_add_tcase(suite, cases);
    return suite;
}

int main(void)
{
    log_init("test", LOG_ERROR_LEVEL, NULL);
    return suite_run(suite());
}
