/* The HTTP server against those who mean no good, and against crowds: malformed requests, bodies
 * without end, clients that send or read a byte now and then, more connections than it takes, and
 * mutated requests. Whatever comes, it goes on serving the next. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "http_support.h"
#include "io/clock.h"
#include "io/loop.h"

#define FORM  "Content-Type: application/x-www-form-urlencoded\r\n"
#define PARTS "Content-Type: multipart/form-data; boundary=B\r\n"
#define POST  "POST /echo HTTP/1.1\r\n" HOST

static void still_serves(struct web *web)
{
    ck_assert_uint_eq(ask_status(web, "GET /echo HTTP/1.1\r\n" HOST "\r\n"), 200);
}

START_TEST(malformed_requests_are_refused)
{
    static const struct {
        const char *request;
        unsigned status;
    } cases[] = {
        /* targets */
        {"GET http://inbox/echo HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET echo HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET //echo HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /../echo HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a/%2e%2e/echo HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /a%2fecho HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /%00 HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /%ff HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /echo#part HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /echo?a=%00 HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /echo?a=%zz HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /echo?a=%ff HTTP/1.1\r\n" HOST "\r\n", 400},
        {"GET /echo?=1 HTTP/1.1\r\n" HOST "\r\n", 400},
        /* methods */
        {"PUT /echo HTTP/1.1\r\n" HOST "\r\n", 405},
        {"DELETE /echo HTTP/1.1\r\n" HOST "\r\n", 405},
        {"TRACE /echo HTTP/1.1\r\n" HOST "\r\n", 405},
        {"OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 405},
        {"CONNECT inbox:80 HTTP/1.1\r\n" HOST "\r\n", 405},
        {"get /echo HTTP/1.1\r\n" HOST "\r\n", 405},
        {"POST /style.css HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", 405},
        /* headers */
        {"GET /echo HTTP/1.1\r\n\r\n", 400},
        {"GET /echo HTTP/1.1\r\n" HOST HOST "\r\n", 400},
        {"GET /echo HTTP/1.0\r\n\r\n", 400},
        {"GET /echo HTTP/1.1\r\n" HOST "Cookie: a=1\r\nCookie: b=2\r\n\r\n", 400},
        {"GET /echo HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", 400},
        {"GET /echo HTTP/1.1\r\n" HOST "X y: 1\r\n\r\n", 400},
        {"GET /echo HTTP/1.1\r\n" HOST "X: \x01\r\n\r\n", 400},
        {POST "Content-Length : 1\r\n\r\nx", 400},
        {POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", 400},
        {POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
        {POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {POST "Content-Length: -1\r\n\r\n", 400},
        {POST "Content-Length: 1x\r\n\r\nx", 400},
        {POST "Transfer-Encoding: chunked\r\n\r\nx\r\n\r\n", 400},
        {POST FORM PARTS "Content-Length: 1\r\n\r\na", 400},
        /* bodies */
        {POST FORM "Content-Length: 4\r\n\r\na=%0", 400},
        {POST FORM "Content-Length: 5\r\n\r\na=%00", 400},
        {POST PARTS "Content-Length: 5\r\n\r\n--B\r\n", 400},
        {POST PARTS "\r\n", 400},
        {POST "Content-Type: multipart/form-data\r\nContent-Length: 5\r\n\r\n--B--", 400},
        {POST "Content-Length: 99999999999999999999999\r\n\r\n", 413},
        {POST "Content-Length: 999999999999\r\n\r\n", 413},
        {POST "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 413},
    };
    struct web web;
    web_open(&web, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        unsigned status = ask_status(&web, cases[i].request);
        ck_assert_msg(status == cases[i].status, "%s: %u", cases[i].request, status);
    }
    ck_assert_uint_eq(web.handled_count, 0);
    still_serves(&web);
    web_close(&web);
}
END_TEST

/* libmicrohttpd 0.9.75 answers a wrong length by itself and writes the head of that answer twice.
 * Behind a proxy that must lead to nothing: no byte of it is the client's, the connection ends with
 * it, and what came behind is read by nobody. */
START_TEST(a_wrong_length_is_answered_twice_and_the_connection_ends)
{
    static const char *const lengths[] = {"-1", "1x", "+5", "", "99999999999999999999999"};
    struct web web;
    web_open(&web, NULL);
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        char text[512];
        struct client client;
        client_open(&client, &web);
        (void)snprintf(text, sizeof text,
                       POST "X-Mark: client-mark\r\nContent-Length: %s\r\n\r\n"
                            "GET /echo?client-mark HTTP/1.1\r\n" HOST "\r\n",
                       lengths[i]);
        client_send(&client, text);
        ck_assert(client_ends(&client, 5000));
        ck_assert_int_eq(buf_append(&client.in, "", 1), OK);
        const char *all = (const char *)client.in.data;
        ck_assert_int_eq(strncmp(all, "HTTP/1.1 4", 10), 0);
        const char *close = strstr(all, "\r\nConnection: close\r\n");
        ck_assert_ptr_nonnull(close);
        ck_assert(close < strstr(all, "\r\n\r\n")); /* in the first head */
        ck_assert_ptr_null(strstr(all, "client-mark"));
        ck_assert_ptr_null(strstr(all, " 200 "));
        client_close(&client);
    }
    ck_assert_uint_eq(web.handled_count, 0);
    still_serves(&web);
    web_close(&web);
}
END_TEST

START_TEST(bytes_that_are_no_http_end_the_connection)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"\r\n\r\n\r\n\r\n", 8},
        {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11},
        {"GET\r\n\r\n", 7},
        {"GET /echo\r\n\r\n", 13},
        {"GET /echo HTTP/9.9\r\n\r\n", 22},
        {"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 30},
        {"\0\0\0\0\r\n\r\n", 8},
        {"GET /\0echo HTTP/1.1\r\nHost: x\r\n\r\n", 32},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24},
    };
    struct web web;
    web_open(&web, &(struct http_options){.idle_s = 5});
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct client client;
        client_open(&client, &web);
        client_send_bytes(&client, span_of(cases[i].bytes, cases[i].len));
        ck_assert_int_eq(shutdown(client.descriptor, SHUT_WR), 0);
        ck_assert_msg(client_ends(&client, 5000), "case %zu", i);
        client_close(&client);
    }
    ck_assert_uint_eq(web.handled_count, 0);
    still_serves(&web);
    web_close(&web);
}
END_TEST

/* A request that begins with `head`, then `count` bytes, then `tail`. */
static unsigned long_status(struct web *web, const char *head, size_t count, const char *tail)
{
    struct client client;
    struct answer answer;
    struct buf text;
    uint8_t *to = NULL;
    buf_init(&text, 4u * 1024u * 1024u);
    ck_assert_int_eq(buf_append_text(&text, head), OK);
    ck_assert_int_eq(buf_extend(&text, count, &to), OK);
    memset(to, 'a', count);
    ck_assert_int_eq(buf_append_text(&text, tail), OK);
    client_open(&client, web);
    client_send_bytes(&client, span_buf(&text));
    client_answer(&client, false, &answer);
    unsigned status = answer.status;
    answer_free(&answer);
    client_close(&client);
    buf_free(&text);
    return status;
}

START_TEST(long_heads_are_refused)
{
    static const char rest[] = " HTTP/1.1\r\n" HOST "\r\n";
    struct web web;
    web_open(&web, NULL);
    ck_assert_uint_eq(long_status(&web, "GET /", LIMIT_WEB_TARGET_BYTES - 1, rest), 404);
    ck_assert_uint_eq(long_status(&web, "GET /", LIMIT_WEB_TARGET_BYTES, rest), 414);
    ck_assert_uint_eq(long_status(&web, "GET /", 20000, rest), 414);
    ck_assert_uint_eq(long_status(&web, "GET /", 2u * LIMIT_WEB_HEADER_BYTES, rest), 414);
    ck_assert_uint_eq(long_status(&web, "GET /echo HTTP/1.1\r\n" HOST "X: ", 20000, "\r\n\r\n"),
                      200);
    ck_assert_uint_eq(long_status(&web, "GET /echo HTTP/1.1\r\n" HOST "X: ",
                                  2u * LIMIT_WEB_HEADER_BYTES, "\r\n\r\n"),
                      431);
    ck_assert_uint_eq(long_status(&web, "GET /echo?", LIMIT_WEB_NAME_BYTES + 1, rest), 413);
    still_serves(&web);
    web_close(&web);
}
END_TEST

START_TEST(long_forms_are_refused)
{
    char head[256];
    struct web web;
    web_open(&web, NULL);
    for (size_t more = 0; more < 2; more++) {
        size_t count = LIMIT_WEB_VALUE_BYTES + more;
        (void)snprintf(head, sizeof head, POST FORM "Content-Length: %zu\r\n\r\nn=", count + 2);
        ck_assert_uint_eq(long_status(&web, head, count, ""), more == 0 ? 200 : 413);
    }
    size_t count = LIMIT_WEB_FORM_BYTES + 1; /* /upload allows more, but not for such a form */
    (void)snprintf(head, sizeof head,
                   "POST /upload HTTP/1.1\r\n" HOST FORM "Content-Length: %zu\r\n\r\n", count);
    ck_assert_uint_eq(long_status(&web, head, count, ""), 413);
    /* Without a length, the bound is met on the way. */
    ck_assert_uint_eq(long_status(&web, POST "Transfer-Encoding: chunked\r\n\r\n100000\r\n",
                                  0x100000, "\r\n0\r\n\r\n"),
                      413);
    still_serves(&web);
    web_close(&web);
}
END_TEST

START_TEST(a_body_without_end_is_cut)
{
    static uint8_t piece[1024u * 1024u];
    struct client client;
    struct web web;
    web_open(&web, NULL);
    client_open(&client, &web);
    client_send(&client, POST "Transfer-Encoding: chunked\r\n\r\n7fffffff\r\n");
    for (size_t sent = 0; sent < 2u * LIMIT_WEB_DISCARD_BYTES && !client.ended;) {
        client_send_bytes(&client, span_of(piece, sizeof piece));
        sent += sizeof piece;
        (void)client_ends(&client, 0);
    }
    ck_assert(client_ends(&client, 5000));
    client_close(&client);
    still_serves(&web);
    web_close(&web);
}
END_TEST

START_TEST(all_bodies_together_are_bounded)
{
    enum { EACH = 20u * 1024u * 1024u, COUNT = LIMIT_WEB_BODIES_BYTES / EACH + 2 };
    static uint8_t piece[1024u * 1024u];
    struct client clients[COUNT];
    size_t taken = 0, refused = 0;
    struct web web;
    web_open(&web, NULL);
    for (size_t i = 0; i < COUNT; i++) {
        char head[128];
        client_open(&clients[i], &web);
        (void)snprintf(head, sizeof head,
                       "POST /upload HTTP/1.1\r\n" HOST "Content-Length: %u\r\n\r\n", EACH);
        client_send(&clients[i], head);
        for (size_t sent = 0; sent < EACH - sizeof piece; sent += sizeof piece) {
            client_send_bytes(&clients[i], span_of(piece, sizeof piece));
        }
    }
    for (size_t i = 0; i < COUNT; i++) {
        struct answer answer;
        client_send_bytes(&clients[i], span_of(piece, sizeof piece));
        client_answer(&clients[i], false, &answer);
        taken += answer.status == 200 ? 1 : 0;
        if (answer.status == 503) {
            refused++;
            ck_assert_ptr_nonnull(answer_header(&answer, "Retry-After"));
        }
        answer_free(&answer);
        client_close(&clients[i]);
    }
    ck_assert_uint_ge(taken, 3);
    ck_assert_uint_ge(refused, 1);
    ck_assert_uint_eq(taken + refused, COUNT);
    still_serves(&web);
    web_close(&web); /* and the memory of all is back: the server asserts it */
}
END_TEST

/* Files that nobody fetches lie in memory: what would be too many is told to come again, and pages
 * have room all the same. */
START_TEST(answers_that_nobody_fetched_took_all_memory)
{
    enum { COUNT = LIMIT_WEB_ANSWERS_BYTES / WEB_HUGE_BYTES };
    struct client clients[COUNT];
    struct answer answer;
    struct web web;
    web_open(&web, NULL);
    for (size_t i = 0; i < COUNT; i++) {
        client_open(&clients[i], &web);
        client_send(&clients[i], "GET /huge HTTP/1.1\r\n" HOST "\r\n");
        web_wait_handled(&web, i + 1);
    }
    ask(&web, "GET /huge HTTP/1.1\r\n" HOST "\r\n", &answer);
    ck_assert_uint_eq(answer.status, 503);
    ck_assert_ptr_nonnull(answer_header(&answer, "Retry-After"));
    answer_free(&answer);
    still_serves(&web);
    client_answer(&clients[0], false, &answer); /* one is fetched: there is room again */
    ck_assert_uint_eq(answer.body_bytes, WEB_HUGE_BYTES);
    answer_free(&answer);
    ck_assert_uint_eq(ask_status(&web, "GET /huge HTTP/1.1\r\n" HOST "\r\n"), 200);
    for (size_t i = 0; i < COUNT; i++) {
        client_close(&clients[i]);
    }
    web_close(&web);
}
END_TEST

/* --- slow ones --- */

/* Sends a byte every 100 ms until the server has had enough; the milliseconds that it bore. */
static uint64_t drip(struct web *web, const char *first, char byte)
{
    struct client client;
    uint64_t begin_ms = clock_machine_ms();
    client_open(&client, web);
    client_send(&client, first);
    while (!client.ended && clock_machine_ms() - begin_ms < 10000) {
        client_send_bytes(&client, span_of(&byte, 1));
        (void)client_ends(&client, 100);
    }
    ck_assert(client.ended);
    client_close(&client);
    return clock_machine_ms() - begin_ms;
}

START_TEST(slow_requests_are_cut)
{
    struct web web;
    web_open(&web, &(struct http_options){.idle_s = 1, .request_s = 1});
    ck_assert_uint_ge(drip(&web, "GET /echo HTTP/1.1\r\n" HOST "X: ", 'a'), 1000);
    ck_assert_uint_ge(drip(&web, POST "Content-Length: 1000\r\n\r\n", 'a'), 1000);
    still_serves(&web);
    web_close(&web);
}
END_TEST

START_TEST(silent_connections_are_closed)
{
    static const char *const begun[] = {
        "",
        "GET",
        "GET /echo HTTP/1.1\r\nHost",
        POST "Content-Length: 10\r\n\r\nabc",
        "GET /echo HTTP/1.1\r\n" HOST "\r\n", /* and then nothing more */
    };
    struct client clients[COUNT_OF(begun)];
    struct web web;
    web_open(&web, &(struct http_options){.idle_s = 1, .request_s = 60});
    for (size_t i = 0; i < COUNT_OF(begun); i++) {
        client_open(&clients[i], &web);
        client_send(&clients[i], begun[i]);
    }
    for (size_t i = 0; i < COUNT_OF(begun); i++) {
        ck_assert_msg(client_ends(&clients[i], 5000), "%s", begun[i]);
        client_close(&clients[i]);
    }
    still_serves(&web);
    web_close(&web);
}
END_TEST

START_TEST(a_slow_reader_is_cut)
{
    enum { ANSWERS = 8 }; /* 24 MiB: more than the kernel keeps for both ends */
    struct client client;
    char byte = 0;
    struct web web;
    web_open(&web, &(struct http_options){.idle_s = 2, .request_s = 1});
    client_open(&client, &web);
    for (int i = 0; i < ANSWERS; i++) {
        client_send(&client, "GET /large HTTP/1.1\r\n" HOST "\r\n");
    }
    uint64_t begin_ms = clock_machine_ms();
    while (clock_machine_ms() - begin_ms < 2500) {
        web_turn(&web, 100);
        (void)recv(client.descriptor, &byte, 1, MSG_DONTWAIT); /* may be cut already */
    }
    ck_assert(client_ends(&client, 5000));
    ck_assert_uint_lt(client.in.len, ANSWERS * 3u * 1024u * 1024u);
    client_close(&client);
    still_serves(&web);
    web_close(&web);
}
END_TEST

START_TEST(a_long_thought_is_no_idleness)
{
    struct client client;
    struct answer answer;
    struct web web;
    web_open(&web, &(struct http_options){.idle_s = 1, .request_s = 1});
    client_open(&client, &web);
    client_send(&client, "GET /later HTTP/1.1\r\n" HOST "\r\n");
    web_wait_held(&web, 1);
    web_turn(&web, 2500);
    web_answer_held(&web, "at last");
    client_answer(&client, false, &answer);
    ck_assert_uint_eq(answer.status, 200);
    answer_free(&answer);
    client_close(&client);
    web_close(&web);
}
END_TEST

/* --- crowds --- */

START_TEST(three_hundred_connections_at_once)
{
    enum { CROWD = 300 };
    static struct client clients[CROWD];
    struct answer answer;
    struct web web;
    web_open(&web, NULL);
    for (size_t i = 0; i < CROWD; i++) {
        client_open(&clients[i], &web);
        client_send(&clients[i], "GET /echo HTTP/1.1\r\n" HOST "\r\n");
    }
    for (size_t i = 0; i < CROWD; i++) {
        client_answer(&clients[i], false, &answer);
        ck_assert_uint_eq(answer.status, 200);
        answer_free(&answer);
        client_close(&clients[i]); /* makes room for one of those beyond 256 */
    }
    still_serves(&web);
    web_close(&web);
}
END_TEST

START_TEST(those_beyond_the_limit_wait_their_turn)
{
    struct client clients[3];
    struct answer answer;
    struct web web;
    web_open(&web, &(struct http_options){.connections_max = 2});
    for (size_t i = 0; i < COUNT_OF(clients); i++) {
        client_open(&clients[i], &web);
        client_send(&clients[i], "GET /later HTTP/1.1\r\n" HOST "\r\n");
    }
    web_wait_held(&web, 2);
    web_turn(&web, 50);
    ck_assert_uint_eq(web.held_count, 2);
    web_answer_held(&web, "one");
    web_answer_held(&web, "two");
    for (size_t i = 0; i < 2; i++) {
        client_answer(&clients[i], false, &answer);
        ck_assert_uint_eq(answer.status, 200);
        answer_free(&answer);
        client_close(&clients[i]);
    }
    uint64_t begin_ms = clock_machine_ms();
    web_wait_held(&web, 1);
    ck_assert_uint_lt(clock_machine_ms() - begin_ms, 900); /* not at the next second's look */
    web_answer_held(&web, "three");
    client_answer(&clients[2], false, &answer);
    ck_assert_uint_eq(answer.status, 200);
    answer_free(&answer);
    client_close(&clients[2]);
    web_close(&web);
}
END_TEST

/* --- mutations --- */

static uint32_t random_next(uint32_t *state)
{
    *state ^= *state << 13; /* xorshift: the same mutations in every run */
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static size_t mutate(char *text, size_t len, uint32_t *state)
{
    static const char special[] = "\r\n\0:; %/?&=-B\xff\t,\"";
    uint32_t count = 1 + random_next(state) % 4;
    for (uint32_t i = 0; i < count && len > 1; i++) {
        size_t at = random_next(state) % len;
        switch (random_next(state) % 5) {
        case 0:
            text[at] = special[random_next(state) % (sizeof special - 1)];
            break;
        case 1:
            text[at] = (char)random_next(state);
            break;
        case 2:
            memmove(text + at, text + at + 1, len - at - 1);
            len--;
            break;
        case 3: /* a piece again, over what follows */
            memmove(text + at, text + at / 2, len - at);
            break;
        default:
            len = random_next(state) % 8 == 0 ? at + 1 : len;
            break;
        }
    }
    return len;
}

START_TEST(mutated_requests_break_nothing)
{
    static const char *const seeds[] = {
        "GET /echo?a=1&b=%E5%BE%85 HTTP/1.1\r\n" HOST "Cookie: s=1; t=2\r\nX-Note: n\r\n\r\n",
        POST FORM "Content-Length: 12\r\n\r\na=1&b=%41+%42GET /echo HTTP/1.1\r\n" HOST "\r\n",
        POST FORM
        "Transfer-Encoding: chunked\r\n\r\n4\r\na=1&\r\n3;x=y\r\nb=2\r\n0\r\nT: 1\r\n\r\n",
        POST PARTS "Content-Length: 127\r\n\r\n--B\r\nContent-Disposition: form-data; name=\"a\"; "
                   "filename=\"b.pdf\"\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\n--B--\r\n",
        "HEAD /style.css HTTP/1.1\r\n" HOST "If-None-Match: W/\"v0\", \"v1\"\r\nExpect: x\r\n\r\n",
        POST "Content-Length: 4\r\nExpect: 100-continue\r\nConnection: keep-alive\r\n\r\nabcd",
        "GET /work HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n folded: yes\r\n\r\n",
    };
    uint32_t state = 88172645u;
    struct web web;
    web_open(&web, NULL);
    for (size_t i = 0; i < 2000; i++) {
        char text[1024];
        struct client client;
        const char *seed = seeds[i % COUNT_OF(seeds)];
        size_t len = strlen(seed);
        memcpy(text, seed, len + 1);
        len = mutate(text, len, &state);
        client_open(&client, &web);
        (void)send(client.descriptor, text, len, MSG_NOSIGNAL); /* fits every socket's buffer */
        (void)shutdown(client.descriptor, i % 3 == 0 ? SHUT_RDWR : SHUT_WR);
        for (int turn = 0; turn < 3; turn++) {
            loop_turn(web.loop, 0);
        }
        client_close(&client);
    }
    web_turn(&web, 20);
    still_serves(&web);
    web_close(&web);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent.http_hostile");
    TCase *tests = tcase_create("http_hostile");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, malformed_requests_are_refused);
    tcase_add_test(tests, a_wrong_length_is_answered_twice_and_the_connection_ends);
    tcase_add_test(tests, bytes_that_are_no_http_end_the_connection);
    tcase_add_test(tests, long_heads_are_refused);
    tcase_add_test(tests, long_forms_are_refused);
    tcase_add_test(tests, a_body_without_end_is_cut);
    tcase_add_test(tests, all_bodies_together_are_bounded);
    tcase_add_test(tests, answers_that_nobody_fetched_took_all_memory);
    tcase_add_test(tests, slow_requests_are_cut);
    tcase_add_test(tests, silent_connections_are_closed);
    tcase_add_test(tests, a_slow_reader_is_cut);
    tcase_add_test(tests, a_long_thought_is_no_idleness);
    tcase_add_test(tests, three_hundred_connections_at_once);
    tcase_add_test(tests, those_beyond_the_limit_wait_their_turn);
    tcase_add_test(tests, mutated_requests_break_nothing);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
