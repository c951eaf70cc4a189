/* sd_notify against a socket of the test's own, file and abstract. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/sd_notify.h"
#include "io_support.h"

static char folder[PATH_BYTES];
static char where[PATH_BYTES];
static int receiver = -1;

/* Binds the manager's end and names it in the environment. */
static void manager_bind(bool abstract)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    folder_new(folder);
    if (abstract) {
        (void)snprintf(where, sizeof where, "@referral-test-%d", (int)getpid());
    } else {
        path_in(where, folder, "notify");
    }
    memcpy(address.sun_path, where, strlen(where));
    if (abstract) {
        address.sun_path[0] = '\0';
    }
    receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(receiver, 0);
    ck_assert_int_eq(bind(receiver, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(where))),
                     0);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", where, 1), 0);
}

static void manager_close(void)
{
    ck_assert_int_eq(close(receiver), 0);
    folder_remove(folder);
}

/* The next datagram as text; "" when none waits. */
static const char *datagram(char *out, size_t size)
{
    ssize_t len = recv(receiver, out, size - 1, MSG_DONTWAIT);
    out[len < 0 ? 0 : len] = '\0';
    return out;
}

START_TEST(messages_arrive_as_the_protocol_writes_them)
{
    struct sd_notify notify;
    char text[1024];
    manager_bind(_i == 1);
    sd_notify_init(&notify);
    ck_assert_int_eq(sd_notify_ready(&notify, NULL), OK);
    ck_assert_str_eq(datagram(text, sizeof text), "READY=1\n");
    ck_assert_int_eq(sd_notify_ready(&notify, "11 agencies"), OK);
    ck_assert_str_eq(datagram(text, sizeof text), "READY=1\nSTATUS=11 agencies");
    ck_assert_int_eq(sd_notify_stopping(&notify), OK);
    ck_assert_str_eq(datagram(text, sizeof text), "STOPPING=1\n");
    ck_assert_int_eq(sd_notify_watchdog(&notify), OK);
    ck_assert_str_eq(datagram(text, sizeof text), "WATCHDOG=1\n");
    ck_assert_int_eq(sd_notify_reloading(&notify), OK);
    unsigned long long since_us = 0;
    ck_assert_int_eq(
        sscanf(datagram(text, sizeof text), "RELOADING=1\nMONOTONIC_USEC=%llu\n", &since_us), 1);
    ck_assert_uint_gt(since_us, 0);
    manager_close();
}
END_TEST

/* The manager's end, which reads only when it was told that the daemon is about to say it. */
static void *read_until_ready(void *begin)
{
    char text[1024] = "";
    ck_assert_int_eq(sem_wait(begin), 0);
    while (strcmp(text, "READY=1\n") != 0) {
        ssize_t len = recv(receiver, text, sizeof text - 1, 0);
        ck_assert_int_ge(len, 0);
        text[len] = '\0';
    }
    return NULL;
}

/* It was sent without waiting: on a busy machine the manager never heard that a service is ready.
 */
START_TEST(ready_is_not_lost_when_the_socket_is_full)
{
    const struct timeval patience = {.tv_sec = 20};
    struct sd_notify notify;
    pthread_t reader;
    sem_t begin;
    manager_bind(false);
    ck_assert_int_eq(setsockopt(receiver, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    sd_notify_init(&notify);
    while (sd_notify_status(&notify, "starting") == OK) {
    }
    ck_assert_int_eq(sem_init(&begin, 0, 0), 0);
    ck_assert_int_eq(pthread_create(&reader, NULL, read_until_ready, &begin), 0);
    ck_assert_int_eq(sem_post(&begin), 0);
    ck_assert_int_eq(sd_notify_ready(&notify, NULL), OK);
    ck_assert_int_eq(pthread_join(reader, NULL), 0);
    ck_assert_int_eq(sem_destroy(&begin), 0);
    manager_close();
}
END_TEST

START_TEST(status_cannot_smuggle_another_assignment)
{
    struct sd_notify notify;
    char text[2048];
    char lengthy[1500];
    manager_bind(false);
    sd_notify_init(&notify);
    ck_assert_int_eq(sd_notify_status(&notify, "fine\nSTOPPING=1\r\nx"), OK);
    ck_assert_str_eq(datagram(text, sizeof text), "STATUS=fine STOPPING=1  x");
    memset(lengthy, 'a', sizeof lengthy - 1);
    lengthy[sizeof lengthy - 1] = '\0';
    ck_assert_int_eq(sd_notify_status(&notify, lengthy), OK);
    ck_assert_uint_gt(strlen(datagram(text, sizeof text)), 100);
    manager_close();
}
END_TEST

START_TEST(without_a_manager_everything_succeeds_silently)
{
    struct sd_notify notify;
    ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
    sd_notify_init(&notify);
    ck_assert_int_eq(sd_notify_ready(&notify, NULL), OK);
    ck_assert_int_eq(sd_notify_status(&notify, "x"), OK);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", "relative/path", 1), 0);
    sd_notify_init(&notify);
    ck_assert_str_eq(notify.path, "");
}
END_TEST

START_TEST(a_manager_that_is_gone_is_an_error_not_a_wait)
{
    struct sd_notify notify;
    manager_bind(false);
    sd_notify_init(&notify);
    manager_close();
    ck_assert_int_eq(sd_notify_ready(&notify, NULL), ERR_IO);
}
END_TEST

START_TEST(a_full_manager_does_not_block)
{
    struct sd_notify notify;
    enum err last = OK;
    manager_bind(false);
    sd_notify_init(&notify);
    for (int i = 0; i < 100000 && last == OK; i++) {
        last = sd_notify_watchdog(&notify);
    }
    ck_assert_int_eq(last, ERR_IO);
    manager_close();
}
END_TEST

static const struct {
    const char *interval;
    const char *pid; /* "self": ours */
    uint64_t expected_ms;
} watchdog_rows[] = {
    {NULL, NULL, 0},
    {"x", NULL, 0},
    {"-5", NULL, 0},
    {"30000000", "1", 0},
    {"30000000", "zz", 0},
    {"30000000", NULL, 30000},
    {"30000000", "self", 30000},
    {"1500", "self", 1},
};

START_TEST(watchdog_interval_comes_from_the_environment)
{
    struct sd_notify notify;
    char self[16];
    const char *pid = watchdog_rows[_i].pid;
    (void)snprintf(self, sizeof self, "%d", (int)getpid());
    ck_assert_int_eq(unsetenv("WATCHDOG_USEC"), 0);
    ck_assert_int_eq(unsetenv("WATCHDOG_PID"), 0);
    if (watchdog_rows[_i].interval != NULL) {
        ck_assert_int_eq(setenv("WATCHDOG_USEC", watchdog_rows[_i].interval, 1), 0);
    }
    if (pid != NULL) {
        ck_assert_int_eq(setenv("WATCHDOG_PID", strcmp(pid, "self") == 0 ? self : pid, 1), 0);
    }
    sd_notify_init(&notify);
    ck_assert_uint_eq(notify.watchdog_ms, watchdog_rows[_i].expected_ms);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io.sd_notify");
    TCase *tests = tcase_create("sd_notify");
    tcase_add_loop_test(tests, messages_arrive_as_the_protocol_writes_them, 0, 2);
    tcase_add_test(tests, ready_is_not_lost_when_the_socket_is_full);
    tcase_add_test(tests, status_cannot_smuggle_another_assignment);
    tcase_add_test(tests, without_a_manager_everything_succeeds_silently);
    tcase_add_test(tests, a_manager_that_is_gone_is_an_error_not_a_wait);
    tcase_add_test(tests, a_full_manager_does_not_block);
    tcase_add_loop_test(tests, watchdog_interval_comes_from_the_environment, 0,
                        sizeof watchdog_rows / sizeof watchdog_rows[0]);
    suite_add_tcase(suite, tests);
    return suite_main(suite);
}
