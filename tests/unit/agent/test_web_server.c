/* agent/web/web.c with a real server on a free port of loopback: a session ends after ten idle
 * minutes, and polls are idle; the inbox closes while requests come. */
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/web/draft.h"
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

/* --- idleness --- */

#define MINUTE_MS UINT64_C(60000)

static char answer[262144], cookie[256];

/* One request on a connection of its own; its status. */
static unsigned ask(const char *method, const char *path, const char *form)
{
    char text[2048];
    int descriptor = connect_to_it();
    size_t len = 0;
    ssize_t got;
    int size = snprintf(text, sizeof(text),
                        "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nOrigin: http://127.0.0.1:%u\r\n"
                        "Connection: close\r\n%s%s%s"
                        "Content-Type: application/x-www-form-urlencoded\r\n"
                        "Content-Length: %zu\r\n\r\n%s",
                        method, path, port, port, cookie[0] != '\0' ? "Cookie: " : "", cookie,
                        cookie[0] != '\0' ? "\r\n" : "", strlen(form), form);

    ck_assert_int_eq(send(descriptor, text, (size_t)size, MSG_NOSIGNAL), size);
    while ((got = recv(descriptor, answer + len, sizeof(answer) - 1 - len, MSG_DONTWAIT)) != 0) {
        len += got > 0 ? (size_t)got : 0;
        loop_turn(loop, 1);
    }
    answer[len] = '\0';
    ck_assert_int_eq(close(descriptor), 0);
    ck_assert_int_eq(strncmp(answer, "HTTP/1.1 ", 9), 0);
    return (unsigned)((answer[9] - '0') * 100 + (answer[10] - '0') * 10 + (answer[11] - '0'));
}

static void enter(void)
{
    struct officer officer = {.name = "gaowa", .shown = "高娃", .roles = OFFICER_MEMBER};
    const char *at;

    ck_assert_int_eq(password_hash(span_text("a long password"), officer.password), OK);
    ck_assert_int_eq(officer_put(desk.store, &officer), OK);
    ck_assert_uint_eq(ask("POST", "/login", "name=gaowa&password=a+long+password"), 303);
    at = strstr(answer, "Set-Cookie: ");
    ck_assert_ptr_nonnull(at);
    at += strlen("Set-Cookie: ");
    (void)snprintf(cookie, sizeof(cookie), "%.*s", (int)strcspn(at, ";"), at);
}

/* A form that is sent too late, with what the page gave it. */
static unsigned send_form(const char *words)
{
    char form[512];
    const char *at = strstr(answer, "name=\"csrf\" value=\"");

    ck_assert_ptr_nonnull(at);
    at += strlen("name=\"csrf\" value=\"");
    (void)snprintf(form, sizeof(form), "csrf=%.*s&body.reasons=%s", (int)strcspn(at, "\""), at,
                   words);
    return ask("POST", "/refer", form);
}

START_TEST(ten_idle_minutes_end_a_session)
{
    struct buf draft;
    uint64_t saved_ms = 0;

    enter();
    ck_assert_uint_eq(ask("GET", "/", ""), 200);
    desk.machine_ms += 9 * MINUTE_MS;
    ck_assert_uint_eq(ask("GET", "/refer", ""), 200); /* not idle: ten minutes more */
    desk.machine_ms += 9 * MINUTE_MS;
    char *kept = strdup(answer);
    ck_assert_uint_eq(ask("GET", "/counts", ""), 200); /* a poll of an open page */
    desk.machine_ms += 2 * MINUTE_MS;
    ck_assert_uint_eq(ask("GET", "/counts", ""), 401);
    ck_assert_uint_eq(ask("GET", "/", ""), 303);
    ck_assert_ptr_nonnull(strstr(answer, "Location: /login\r\n"));
    text_copy(answer, sizeof(answer), kept);
    free(kept);
    ck_assert_uint_eq(send_form("hardship"), 303);
    ck_assert_ptr_nonnull(strstr(answer, "Location: /login?again=1\r\n"));
    buf_init(&draft, DRAFT_BYTES_MAX);
    ck_assert_int_eq(draft_get(desk.store, "gaowa", "/refer", &draft, &saved_ms), OK);
    ck_assert_uint_eq(count_in(&draft, "hardship"), 1);
    buf_free(&draft);
    ck_assert_uint_eq(ask("GET", "/login?again=1", ""), 200);
    ck_assert_ptr_nonnull(strstr(answer, "登录已超时"));
    web_close(web);
    loop_free(loop);
}
END_TEST

/* --- closing --- */

static void is_told_to_come_again(int descriptor)
{
    memset(answer, 0, sizeof(answer));
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
    Suite *suite = suite_create("agent_web_server");
    TCase *all = tcase_create("all");

    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, ten_idle_minutes_end_a_session);
    tcase_add_test(all, a_job_begun_in_the_last_rounds_came_back_to_a_web_that_was_gone);
    suite_add_tcase(suite, all);
    return suite_run(suite);
}
