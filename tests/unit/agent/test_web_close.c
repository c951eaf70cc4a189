/* agent/web/web.c: the inbox closes while requests come: whoever waits is answered, and what was
 * begun in the last rounds has nobody to come back to. A real server on a free port of loopback. */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/web/officer.h"
#include "agent/web/web.h"
#include "agent_support.h"
#include "io/clock.h"
#include "io/loop.h"

static struct realm realm;
static struct desk desk;
static struct loop *loop;
static struct web *web;
static uint16_t port;

static void setup(void)
{
    struct web_setup with = {
        .address = "127.0.0.1:0", .certificate = "", .key = "", .proxy_header = ""};
    struct fault fault = {.code = ""};

    realm_open(&realm);
    desk_open(&desk, &realm, "procuratorate");
    ck_assert_int_eq(loop_new(&loop), OK);
    with.loop = loop;
    with.agent = desk.agent;
    ck_assert_int_eq(web_open(&with, &web, &fault), OK);
    port = web_port(web);
}

static void teardown(void)
{
    desk_close(&desk);
    realm_close(&realm);
}

static int connect_to_it(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(connect(descriptor, (struct sockaddr *)&to, sizeof(to)), 0);
    return descriptor;
}

/* Somebody logs in: the password is being hashed. */
static void log_in(int descriptor)
{
    char text[512];
    int len = snprintf(text, sizeof(text),
                       "POST /login HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                       "Origin: http://127.0.0.1:%u\r\n"
                       "Content-Type: application/x-www-form-urlencoded\r\n"
                       "Content-Length: 20\r\n\r\nname=a&password=bcde",
                       port, port);

    ck_assert_int_eq(send(descriptor, text, (size_t)len, MSG_NOSIGNAL), len);
}

static void turn(uint64_t ms)
{
    const uint64_t until_ms = clock_machine_ms() + ms;

    while (clock_machine_ms() < until_ms) {
        loop_turn(loop, 1);
    }
}

static void is_told_to_come_again(int descriptor)
{
    char answer[64] = "";

    ck_assert_int_gt(recv(descriptor, answer, sizeof(answer) - 1, 0), 0);
    ck_assert_msg(strncmp(answer, "HTTP/1.1 503", 12) == 0, "%s", answer);
    ck_assert_int_eq(close(descriptor), 0);
}

/* The first waits for its hash when all ends; the second's request is read in the rounds in which
 * the first gets its answer. Both hashes end after the inbox has. */
START_TEST(a_job_begun_in_the_last_rounds_came_back_to_a_web_that_was_gone)
{
    int first = connect_to_it(), second = connect_to_it();

    turn(20);
    log_in(first);
    turn(5);
    log_in(second);
    web_close(web);
    is_told_to_come_again(first);
    is_told_to_come_again(second);
    loop_free(loop); /* waits for both hashes */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_web_close");
    TCase *all = tcase_create("all");

    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_job_begun_in_the_last_rounds_came_back_to_a_web_that_was_gone);
    suite_add_tcase(suite, all);
    return suite_run(suite);
}
