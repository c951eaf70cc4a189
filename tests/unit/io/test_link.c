/* Links between honest ends: who is let in, what becomes of each request, what the client says when
 * there is nobody, and how both come back. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "link_support.h"

static const char *const tcp[] = {"tcp"};
static const char *const ipc[] = {"ipc"};
static const char *const tls[] = {"tls+tcp"};

/* --- options --- */

static const struct {
    const char *url;
    bool laboratory;
    enum err error;
    const char *code;
} url_rows[] = {
    {"", true, ERR_INVALID, "link.bad-url"},
    {"http://127.0.0.1:1", true, ERR_INVALID, "link.bad-url"},
    {"tcp://127.0.0.1", true, ERR_INVALID, "link.bad-url"},
    {"tcp://127.0.0.1:65536", true, ERR_INVALID, "link.bad-url"},
    {"tcp://:1", true, ERR_INVALID, "link.bad-url"},
    {"tcp://127.0.0.1:1/x", true, ERR_INVALID, "link.bad-url"},
    {"tcp://::1:1", true, ERR_INVALID, "link.bad-url"},
    {"tcp://[::1:1", true, ERR_INVALID, "link.bad-url"},
    {"ipc://relative", true, ERR_INVALID, "link.bad-url"},
    {"tcp://127.0.0.1:0", false, ERR_REFUSED, "link.plain-refused"},
    {"ipc:///tmp/x", false, ERR_REFUSED, "link.plain-refused"},
    {"tcp://0.0.0.0:0", true, ERR_REFUSED, "link.plain-refused"},
    {"tcp://127.example.org:0", true, ERR_REFUSED, "link.plain-refused"},
    {"tls+tcp://127.0.0.1:0", false, ERR_INVALID, "link.tls-missing"},
};

START_TEST(address_that_is_not_allowed_is_refused_with_a_reason)
{
    struct bench bench;
    struct fault fault = {.code = ""};
    bench_new(&bench);
    struct link_server_options options = bench_options(&bench);
    const char *urls[] = {url_rows[_i].url};
    options.urls = urls;
    options.url_count = 1;
    options.laboratory = url_rows[_i].laboratory;
    ck_assert_int_eq(link_server_open(bench.loop, &options, &fault, &bench.server),
                     url_rows[_i].error);
    ck_assert_str_eq(fault.code, url_rows[_i].code);
    ck_assert_ptr_null(bench.server);
    bench_free(&bench);
}
END_TEST

START_TEST(key_files_that_do_not_serve_are_refused_by_name)
{
    struct bench bench;
    struct fault fault = {.code = ""};
    struct tls_paths paths;
    const char *urls[] = {"tls+tcp://127.0.0.1:0"};
    bench_new(&bench);
    authority_make(bench.folder, "city");
    certificate_make(bench.folder, "city", "broker");
    struct link_server_options options = bench_options(&bench);
    options.urls = urls;
    options.url_count = 1;
    options.tls = tls_of(&paths, bench.folder, "nobody", "city", NULL);
    ck_assert_int_eq(link_server_open(bench.loop, &options, &fault, &bench.server), ERR_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(fault.place, "nobody.pem"));
    options.tls = tls_of(&paths, bench.folder, "broker", "city", NULL);
    file_write_text(paths.key, "not a key\n");
    ck_assert_int_eq(link_server_open(bench.loop, &options, &fault, &bench.server), ERR_INVALID);
    ck_assert_str_eq(fault.code, "link.tls-file");
    bench_free(&bench);
}
END_TEST

START_TEST(port_in_use_is_told)
{
    struct bench bench;
    struct fault fault = {.code = ""};
    struct link_server *second = NULL;
    bench_new(&bench);
    struct link_server_options options = bench_options(&bench);
    bench_listen(&bench, &options, tcp, 1);
    const char *urls[] = {bench_url(&bench, 0)};
    options.urls = urls;
    options.url_count = 1;
    ck_assert_int_eq(link_server_open(bench.loop, &options, &fault, &second), ERR_BUSY);
    ck_assert_str_eq(fault.place, urls[0]);
    bench_free(&bench);
}
END_TEST

/* --- requests --- */

START_TEST(every_verdict_does_what_it_says)
{
    struct bench bench;
    bench_new(&bench);
    struct link_server_options options = bench_options(&bench);
    bench_listen(&bench, &options, _i == 0 ? tcp : ipc, 1);
    struct link_client *client = client_new(&bench, 0, 4);
    struct answer answer = ask(&bench, client, "answered", 5000);
    ck_assert_int_eq(answer.result, OK);
    ck_assert_str_eq(answer.text, "answered");
    answer = ask(&bench, client, "looped", 5000);
    ck_assert_int_eq(answer.result, OK);
    ck_assert_str_eq(answer.text, "looped");
    answer = ask(&bench, client, "dropped", 300);
    ck_assert_int_eq(answer.result, ERR_TIMEOUT);
    answer = ask(&bench, client, "answered again", 5000); /* after the silent one it dials anew */
    ck_assert_int_eq(answer.result, OK);
    client_free(client);
    bench_free(&bench);
}
END_TEST

static bool held_one(void *ctx)
{
    const struct bench *bench = ctx;
    return bench->held_count > 0;
}

static bool came(void *ctx)
{
    const struct answer *answer = ctx;
    return answer->counts[0] >= answer->counts[1];
}

START_TEST(parked_request_is_answered_once_and_by_its_handle_only)
{
    struct bench bench;
    struct answer answer = {.counts = {0, 1}};
    struct buf reply;
    struct link_server_counts counts;
    bench_new(&bench);
    struct link_server_options options = bench_options(&bench);
    bench_listen(&bench, &options, tcp, 1);
    struct link_client *client = client_new(&bench, 0, 1);
    ck_assert_int_eq(link_client_request(client, span_text("park"), 9000, answer_cb, &answer), OK);
    ck_assert_int_eq(link_client_request(client, span_text("x"), 9000, answer_cb, &answer),
                     ERR_BUSY);
    ck_assert(loop_until(bench.loop, held_one, &bench, 5000));
    link_server_count(bench.server, &counts);
    ck_assert_uint_eq(counts.contexts_held, 1);
    ck_assert_uint_eq(counts.connections, 1);
    const uint64_t wrong[] = {0, 1, bench.held[0].handle + (1ull << 32), UINT64_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        buf_init(&reply, 64);
        ck_assert_int_eq(buf_append_text(&reply, "wrong"), OK);
        link_reply(bench.server, wrong[i], &reply);
    }
    for (int i = 0; i < 2; i++) { /* the second finds nobody */
        buf_init(&reply, 64);
        ck_assert_int_eq(buf_printf(&reply, "right %d", i), OK);
        link_reply(bench.server, bench.held[0].handle, &reply);
    }
    ck_assert(loop_until(bench.loop, came, &answer, 5000));
    ck_assert_str_eq(answer.text, "right 0");
    ck_assert_str_eq(ask(&bench, client, "after", 5000).text, "after");
    link_server_count(bench.server, &counts);
    ck_assert_uint_eq(counts.contexts_held, 0);
    client_free(client);
    bench_free(&bench);
}
END_TEST

static bool gone_one(void *ctx)
{
    const struct bench *bench = ctx;
    return bench->gone_count > 0;
}

START_TEST(connection_that_goes_is_told_and_late_replies_do_no_harm)
{
    struct bench bench;
    struct buf reply;
    bench_new(&bench);
    struct link_server_options options = bench_options(&bench);
    options.context_count = 1; /* a context that stayed held would stop everything */
    bench_listen(&bench, &options, tcp, 1);
    for (int i = 0; i < 4; i++) {
        bench.held_count = 0;
        bench.gone_count = 0;
        int fd = raw_tcp(link_server_port(bench.server, 0));
        ck_assert(raw_hello(fd));
        raw_request(fd, "park");
        ck_assert(loop_until(bench.loop, held_one, &bench, 5000));
        ck_assert_int_eq(close(fd), 0);
        ck_assert(loop_until(bench.loop, gone_one, &bench, 5000));
        ck_assert_uint_eq(bench.gone[0], bench.held[0].pipe);
        if (i % 2 == 0) {
            link_drop(bench.server, bench.held[0].handle);
        } else {
            buf_init(&reply, 64);
            ck_assert_int_eq(buf_append_text(&reply, "late"), OK);
            link_reply(bench.server, bench.held[0].handle, &reply);
        }
    }
    struct link_client *client = client_new(&bench, 0, 1);
    ck_assert_int_eq(ask(&bench, client, "after", 5000).result, OK);
    client_free(client);
    bench_free(&bench);
}
END_TEST

START_TEST(disconnect_ends_that_connection)
{
    struct bench bench;
    bench_new(&bench);
    struct link_server_options options = bench_options(&bench);
    bench_listen(&bench, &options, tcp, 1);
    int fd = raw_tcp(link_server_port(bench.server, 0));
    ck_assert(raw_hello(fd));
    raw_request(fd, "park");
    ck_assert(loop_until(bench.loop, held_one, &bench, 5000));
    link_disconnect(bench.server, bench.held[0].pipe);
    link_disconnect(bench.server, 4711);
    ck_assert(raw_closed(fd, 5000));
    ck_assert_int_eq(close(fd), 0);
    bench_free(&bench);
}
END_TEST

START_TEST(largest_request_passes_and_a_larger_one_does_not)
{
    struct bench bench;
    struct answer answer = {.counts = {0, 1}};
    uint8_t *bytes = malloc(LIMIT_REQUEST_BYTES + 1);
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, DO_LOOP, LIMIT_REQUEST_BYTES + 1);
    bench_new(&bench);
    struct link_server_options options = bench_options(&bench);
    bench_listen(&bench, &options, tcp, 1);
    struct link_client *client = client_new(&bench, 0, 1);
    ck_assert_int_eq(link_client_request(client, span_of(bytes, LIMIT_REQUEST_BYTES + 1), 5000,
                                         answer_cb, &answer),
                     ERR_TOO_LARGE);
    ck_assert_int_eq(link_client_request(client, span_of(bytes, LIMIT_REQUEST_BYTES - 4), 10000,
                                         answer_cb, &answer),
                     OK);
    ck_assert(loop_until(bench.loop, came, &answer, 12000));
    ck_assert_int_eq(answer.result, OK);
    ck_assert_uint_eq(answer.len, LIMIT_REQUEST_BYTES - 4);
    client_free(client);
    bench_free(&bench);
    free(bytes);
}
END_TEST

/* --- TLS --- */

/* City's authority, its broker and agency, and a stranger with an authority of his own. */
static void tls_bench_new(struct bench *bench, struct tls_paths *paths)
{
    bench_new(bench);
    authority_make(bench->folder, "city");
    authority_make(bench->folder, "stranger");
    certificate_make(bench->folder, "city", "broker");
    certificate_make(bench->folder, "city", "agency");
    certificate_make(bench->folder, "stranger", "stranger");
    struct link_server_options options = bench_options(bench);
    options.laboratory = false;
    options.tls = tls_of(paths, bench->folder, "broker", "city", NULL);
    bench_listen(bench, &options, tls, 1);
}

static enum err tls_ask(struct bench *bench, const char *name, const char *authority,
                        const char *server_name)
{
    struct tls_paths paths;
    struct fault fault = {.code = ""};
    struct link_client *client = NULL;
    struct link_client_options options = {
        .url = bench_url(bench, 0),
        .tls = tls_of(&paths, bench->folder, name, authority, server_name),
        .context_count = 1};
    ck_assert_int_eq(link_client_open(bench->loop, &options, &fault, &client), OK);
    enum err result =
        ask(bench, client, "looped", strcmp(name, "agency") == 0 ? 5000 : 1500).result;
    client_free(client);
    return result;
}

START_TEST(tls_lets_in_by_the_authority_and_refuses_everyone_else)
{
    struct bench bench;
    struct tls_paths paths;
    tls_bench_new(&bench, &paths);
    /* The certificate is of another authority, of none that the client trusts, of another name. */
    ck_assert_int_ne(tls_ask(&bench, "stranger", "city", "broker"), OK);
    ck_assert_int_ne(tls_ask(&bench, "agency", "stranger", "broker"), OK);
    ck_assert_int_ne(tls_ask(&bench, "agency", "city", "other"), OK);
    ck_assert_int_eq(atomic_load(&bench.on_nng_threads), 0);
    ck_assert_int_eq(tls_ask(&bench, "agency", "city", "broker"), OK);
    ck_assert_int_eq(atomic_load(&bench.on_nng_threads), 1);
    bench_free(&bench);
}
END_TEST

START_TEST(tls_files_are_read_anew_on_reload)
{
    struct bench bench;
    struct tls_paths paths;
    struct fault fault = {.code = ""};
    tls_bench_new(&bench, &paths);
    ck_assert_int_eq(tls_ask(&bench, "agency", "city", "broker"), OK);
    certificate_make(bench.folder, "city", "renamed");
    struct tls_paths renamed, again;
    const struct link_tls files = tls_of(&again, bench.folder, "broker", "city", NULL);
    (void)tls_of(&renamed, bench.folder, "renamed", "city", NULL);
    file_write_text(paths.cert, "broken\n");
    ck_assert_int_eq(link_server_reload_tls(bench.server, &files, &fault), ERR_INVALID);
    ck_assert_int_eq(tls_ask(&bench, "agency", "city", "broker"), OK); /* the old one runs on */
    ck_assert_int_eq(rename(renamed.cert, paths.cert), 0);
    ck_assert_int_eq(rename(renamed.key, paths.key), 0);
    uint16_t port = link_server_port(bench.server, 0);
    ck_assert_int_eq(link_server_reload_tls(bench.server, &files, &fault), OK);
    ck_assert_uint_eq(link_server_port(bench.server, 0), port);
    ck_assert_int_ne(tls_ask(&bench, "agency", "city", "broker"), OK);
    ck_assert_int_eq(tls_ask(&bench, "agency", "city", "renamed"), OK);
    bench_free(&bench);
}
END_TEST

/* --- clients --- */

/* A listening socket of the test's own, which never accepts by itself. */
static int raw_listen(uint16_t *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

/* The next connection within `limit_ms`, while the loop turns; -1 when none came. */
static int raw_accept(struct loop *loop, int listener, uint64_t limit_ms)
{
    uint64_t end_ms = now_ms() + limit_ms;
    while (now_ms() < end_ms) {
        struct pollfd ready = {.fd = listener, .events = POLLIN};
        loop_turn(loop, 5);
        if (poll(&ready, 1, 0) > 0) {
            return accept(listener, NULL, NULL);
        }
    }
    return -1;
}

static void states_cb(void *ctx, bool connected)
{
    char *states = ctx;
    size_t len = strlen(states);
    ck_assert_uint_lt(len, 63);
    states[len] = connected ? '+' : '-';
    states[len + 1] = '\0';
}

START_TEST(request_without_a_server_is_unreachable)
{
    struct bench bench;
    struct link_client *client = NULL;
    struct fault fault = {.code = ""};
    uint16_t port = 0;
    int taken = raw_listen(&port); /* bound, then closed: nobody listens there */
    ck_assert_int_eq(close(taken), 0);
    bench_new(&bench);
    (void)snprintf(bench.urls[0], sizeof bench.urls[0], "tcp://127.0.0.1:%u", (unsigned)port);
    struct link_client_options options = {
        .url = bench.urls[0], .laboratory = true, .context_count = 1};
    ck_assert_int_eq(link_client_open(bench.loop, &options, &fault, &client), OK);
    ck_assert_int_eq(ask(&bench, client, "a", 300).result, ERR_UNREACHABLE);
    ck_assert(!link_client_connected(client));
    client_free(client);
    bench_free(&bench);
}
END_TEST

static bool states_one(void *ctx)
{
    return strlen(ctx) >= 1;
}

static bool states_three(void *ctx)
{
    return strlen(ctx) >= 3;
}

START_TEST(client_comes_back_after_the_server_did)
{
    struct bench bench;
    struct link_client *client = NULL;
    struct fault fault = {.code = ""};
    struct answer answer = {.counts = {0, 1}};
    char states[64] = "";
    bench_new(&bench);
    struct link_server_options options = bench_options(&bench);
    bench_listen(&bench, &options, tcp, 1);
    struct link_client_options dial = {.url = bench_url(&bench, 0),
                                       .laboratory = true,
                                       .context_count = 2,
                                       .on_state = states_cb,
                                       .ctx = states};
    ck_assert_int_eq(link_client_open(bench.loop, &dial, &fault, &client), OK);
    ck_assert_int_eq(ask(&bench, client, "looped", 5000).result, OK);
    ck_assert(loop_until(bench.loop, states_one, states, 5000)); /* the answer may be first */
    ck_assert_str_eq(states, "+");
    ck_assert_int_eq(link_client_request(client, span_text("park"), 60000, answer_cb, &answer), OK);
    ck_assert(loop_until(bench.loop, held_one, &bench, 5000));
    ck_assert_int_eq(link_server_close(bench.server), OK);
    ck_assert(loop_until(bench.loop, came, &answer, 5000));
    ck_assert_int_eq(answer.result, ERR_CLOSED);
    const char *urls[] = {bench_url(&bench, 0)};
    options.urls = urls;
    options.url_count = 1;
    ck_assert_int_eq(link_server_open(bench.loop, &options, &fault, &bench.server), OK);
    ck_assert_int_eq(ask(&bench, client, "looped", 10000).result, OK);
    ck_assert(loop_until(bench.loop, states_three, states, 5000));
    ck_assert_str_eq(states, "+-+");
    client_free(client);
    bench_free(&bench);
}
END_TEST

START_TEST(closing_a_client_answers_its_open_requests)
{
    struct bench bench;
    struct answer answers[8];
    bench_new(&bench);
    struct link_server_options options = bench_options(&bench);
    bench_listen(&bench, &options, tcp, 1);
    struct link_client *client = client_new(&bench, 0, 8);
    for (int i = 0; i < 8; i++) {
        answers[i] = (struct answer){.counts = {0, 1}};
        ck_assert_int_eq(link_client_request(client, span_text(i % 2 ? "park" : "drop"), 60000,
                                             answer_cb, &answers[i]),
                         OK);
    }
    if (_i == 1) {
        ck_assert(loop_until(bench.loop, held_one, &bench, 5000));
    }
    client_free(client);
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(answers[i].counts[0], 1);
        ck_assert_int_eq(answers[i].result, ERR_CLOSED);
    }
    bench_free(&bench);
}
END_TEST

/* nng itself gives a silent server 10 s; the watchdog is what comes after 400 ms. */
START_TEST(watchdog_dials_anew_when_the_peer_never_speaks)
{
    struct bench bench;
    struct link_client *client = NULL;
    struct fault fault = {.code = ""};
    uint16_t port = 0;
    int listener = raw_listen(&port);
    bench_new(&bench);
    (void)snprintf(bench.urls[0], sizeof bench.urls[0], "tcp://127.0.0.1:%u", (unsigned)port);
    struct link_client_options options = {
        .url = bench.urls[0], .laboratory = true, .context_count = 1, .watchdog_ms = 400};
    ck_assert_int_eq(link_client_open(bench.loop, &options, &fault, &client), OK);
    int first = raw_accept(bench.loop, listener, 5000);
    ck_assert_int_ge(first, 0);
    int second = raw_accept(bench.loop, listener, 5000);
    ck_assert_int_ge(second, 0);
    client_free(client);
    bench_free(&bench);
    ck_assert_int_eq(close(first) + close(second) + close(listener), 0);
}
END_TEST

START_TEST(silent_peer_is_left_after_a_timeout)
{
    static const uint8_t rep[8] = {0, 'S', 'P', 0, 0, 0x31, 0, 0};
    struct bench bench;
    struct link_client *client = NULL;
    struct fault fault = {.code = ""};
    struct answer answer = {.counts = {0, 1}};
    uint16_t port = 0;
    int listener = raw_listen(&port);
    bench_new(&bench);
    (void)snprintf(bench.urls[0], sizeof bench.urls[0], "tcp://127.0.0.1:%u", (unsigned)port);
    struct link_client_options options = {
        .url = bench.urls[0], .laboratory = true, .context_count = 1};
    ck_assert_int_eq(link_client_open(bench.loop, &options, &fault, &client), OK);
    int first = raw_accept(bench.loop, listener, 5000);
    ck_assert_int_ge(first, 0);
    raw_write(first, rep, sizeof rep);
    ck_assert_int_eq(link_client_request(client, span_text("hello?"), 500, answer_cb, &answer), OK);
    ck_assert(loop_until(bench.loop, came, &answer, 5000));
    ck_assert_int_eq(answer.result, ERR_TIMEOUT);
    int second = raw_accept(bench.loop, listener, 5000);
    ck_assert_int_ge(second, 0);
    client_free(client);
    bench_free(&bench);
    ck_assert_int_eq(close(first) + close(second) + close(listener), 0);
}
END_TEST

START_TEST(blocking_caller_asks_without_a_loop)
{
    struct bench bench;
    struct link_caller *caller = NULL;
    struct fault fault = {.code = ""};
    struct buf reply;
    bench_new(&bench);
    struct link_server_options options = bench_options(&bench);
    bench_listen(&bench, &options, tcp, 1);
    struct link_client_options dial = {.url = bench_url(&bench, 0), .laboratory = true};
    ck_assert_int_eq(link_caller_open(&dial, &fault, &caller), OK);
    buf_init(&reply, 64);
    ck_assert_int_eq(link_call(caller, span_text("drop"), 200, &reply), ERR_TIMEOUT);
    ck_assert_int_eq(link_call(caller, span_text("answer"), 5000, &reply), OK);
    ck_assert(span_equal(span_buf(&reply), span_text("answer")));
    ck_assert_int_eq(link_server_close(bench.server), OK);
    bench.server = NULL;
    ck_assert_int_ne(link_call(caller, span_text("answer"), 300, &reply), OK);
    buf_free(&reply);
    link_caller_close(caller);
    bench_free(&bench);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io.link");
    TCase *tests = tcase_create("link");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, address_that_is_not_allowed_is_refused_with_a_reason, 0,
                        sizeof url_rows / sizeof url_rows[0]);
    tcase_add_test(tests, key_files_that_do_not_serve_are_refused_by_name);
    tcase_add_test(tests, port_in_use_is_told);
    tcase_add_loop_test(tests, every_verdict_does_what_it_says, 0, 2);
    tcase_add_test(tests, parked_request_is_answered_once_and_by_its_handle_only);
    tcase_add_test(tests, connection_that_goes_is_told_and_late_replies_do_no_harm);
    tcase_add_test(tests, disconnect_ends_that_connection);
    tcase_add_test(tests, largest_request_passes_and_a_larger_one_does_not);
    tcase_add_test(tests, tls_lets_in_by_the_authority_and_refuses_everyone_else);
    tcase_add_test(tests, tls_files_are_read_anew_on_reload);
    tcase_add_test(tests, request_without_a_server_is_unreachable);
    tcase_add_test(tests, client_comes_back_after_the_server_did);
    tcase_add_loop_test(tests, closing_a_client_answers_its_open_requests, 0, 2);
    tcase_add_test(tests, watchdog_dials_anew_when_the_peer_never_speaks);
    tcase_add_test(tests, silent_peer_is_left_after_a_timeout);
    tcase_add_test(tests, blocking_caller_asks_without_a_loop);
    suite_add_tcase(suite, tests);
    return suite_main(suite);
}
