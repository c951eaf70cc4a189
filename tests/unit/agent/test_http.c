/* The HTTP server as browsers use it: keep-alive, later answers, uploads, caching, TLS, closing. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crypto_start.h"
#include "base/certificate.h"
#include "base/crypto.h"
#include "base/file.h"
#include "http_support.h"
#include "io/clock.h"
#include "io/loop.h"

#define POST_FORM                                                                                  \
    "POST /echo HTTP/1.1\r\n" HOST "Content-Type: application/x-www-form-urlencoded\r\n"

static const char *text_of(const struct answer *answer)
{
    return (const char *)answer->body.data;
}

static void expect(struct web *web, const char *request, unsigned status, const char *body)
{
    struct answer answer;
    ask(web, request, &answer);
    ck_assert_uint_eq(answer.status, status);
    ck_assert_str_eq(text_of(&answer), body);
    answer_free(&answer);
}

START_TEST(requests_are_understood)
{
    struct web web;
    web_open(&web, NULL);
    expect(&web, "GET /echo HTTP/1.1\r\n" HOST "\r\n", 200, "GET /echo from 127.0.0.1 body[0]");
    expect(&web, "GET /echo?a=1&b=%E5%BE%85+%E5%8A%9E&a=2 HTTP/1.1\r\n" HOST "\r\n", 200,
           "GET /echo from 127.0.0.1 query[a=1] query[b=待 办] query[a=2] body[0]");
    expect(&web, "GET /echo HTTP/1.1\r\n" HOST "Cookie: s=ab==; theme=large\r\nX-Note: n\r\n\r\n",
           200, "GET /echo from 127.0.0.1 cookie[s=ab==] cookie[theme=large] body[0] n");
    expect(&web, POST_FORM "Content-Length: 14\r\n\r\nname=%E7%8E%8B", 200,
           "POST /echo from 127.0.0.1 form[name=王] body[0]");
    expect(&web, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", 200,
           "POST /echo from 127.0.0.1 body[3]");
    expect(&web, "POST /echo HTTP/1.1\r\n" HOST "\r\n", 200, "POST /echo from 127.0.0.1 body[0]");
    expect(&web, POST_FORM "\r\n", 200, "POST /echo from 127.0.0.1 body[0]");
    expect(&web, POST_FORM "Transfer-Encoding: chunked\r\n\r\n4\r\na=1&\r\n3\r\nb=2\r\n0\r\n\r\n",
           200, "POST /echo from 127.0.0.1 form[a=1] form[b=2] body[0]");
    expect(&web, "GET /%E5%BE%85%20a HTTP/1.1\r\n" HOST "\r\n", 404, "/待 a");
    expect(&web, "GET /echo HTTP/1.0\r\nHost: inbox\r\n\r\n", 200,
           "GET /echo from 127.0.0.1 body[0]");
    web_close(&web);
}
END_TEST

START_TEST(every_answer_has_the_security_headers)
{
    static const char *const requests[] = {
        "GET /echo HTTP/1.1\r\n" HOST "\r\n",
        "GET /none HTTP/1.1\r\n" HOST "\r\n",
        "GET /a//b HTTP/1.1\r\n" HOST "\r\n",
        "PUT /echo HTTP/1.1\r\n" HOST "\r\n",
        "HEAD /large HTTP/1.1\r\n" HOST "\r\n",
        "GET /split?to=%0d%0aX:1 HTTP/1.1\r\n" HOST "\r\n",
        "GET /style.css HTTP/1.1\r\n" HOST "If-None-Match: \"v1\"\r\n\r\n",
    };
    static const struct {
        const char *name;
        const char *value;
    } headers[] = {
        {"Content-Security-Policy",
         "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src "
         "'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "same-origin"},
        {"X-Frame-Options", "DENY"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
    };
    struct web web;
    web_open(&web, NULL);
    for (size_t i = 0; i < COUNT_OF(requests); i++) {
        struct answer answer;
        ask(&web, requests[i], &answer);
        ck_assert_uint_ne(answer.status, 0);
        for (size_t j = 0; j < COUNT_OF(headers); j++) {
            const char *value = answer_header(&answer, headers[j].name);
            ck_assert_msg(value != NULL, "%s: no %s", requests[i], headers[j].name);
            ck_assert_str_eq(value, headers[j].value);
        }
        ck_assert_ptr_nonnull(answer_header(&answer, "Permissions-Policy"));
        ck_assert_ptr_nonnull(answer_header(&answer, "Cache-Control"));
        ck_assert_ptr_null(answer_header(&answer, "Strict-Transport-Security"));
        ck_assert_ptr_null(answer_header(&answer, "Server"));
        answer_free(&answer);
    }
    web_close(&web);
}
END_TEST

START_TEST(what_a_page_says_is_sent)
{
    struct answer answer;
    struct web web;
    web_open(&web, NULL);
    ask(&web, "POST /login HTTP/1.1\r\n" HOST "\r\n", &answer);
    ck_assert_uint_eq(answer.status, 303);
    ck_assert_str_eq(answer_header(&answer, "Location"), "/inbox");
    ck_assert_str_eq(answer_header(&answer, "Set-Cookie"), "session=abc; HttpOnly");
    ck_assert_str_eq(answer_header(&answer, "Cache-Control"), "no-store");
    answer_free(&answer);
    ask(&web, "GET /style.css HTTP/1.1\r\n" HOST "\r\n", &answer);
    ck_assert_str_eq(answer_header(&answer, "Content-Type"), "text/css");
    ck_assert_str_eq(answer_header(&answer, "Cache-Control"), "private, max-age=60");
    ck_assert_str_eq(answer_header(&answer, "ETag"), "\"v1\"");
    answer_free(&answer);
    ask(&web, "GET /none HTTP/1.1\r\n" HOST "\r\n", &answer);
    ck_assert_str_eq(answer_header(&answer, "Content-Type"), "text/html; charset=utf-8");
    answer_free(&answer);
    web_close(&web);
}
END_TEST

START_TEST(a_header_is_never_split)
{
    struct web web;
    web_open(&web, NULL);
    ck_assert_uint_eq(ask_status(&web, "GET /split?to=/a HTTP/1.1\r\n" HOST "\r\n"), 303);
    ck_assert_uint_eq(ask_status(&web, "GET /split?to=/a%0d%0aX:+1 HTTP/1.1\r\n" HOST "\r\n"), 500);
    ck_assert_uint_eq(ask_status(&web, "GET /split?to=/a%0aX HTTP/1.1\r\n" HOST "\r\n"), 500);
    ck_assert_uint_eq(ask_status(&web, "GET /split?to= HTTP/1.1\r\n" HOST "\r\n"), 500);
    web_close(&web);
}
END_TEST

START_TEST(cached_copies_are_confirmed)
{
    static const struct {
        const char *list;
        unsigned status;
    } cases[] = {
        {"\"v1\"", 304},
        {"W/\"v1\"", 304},
        {"\"v0\", \"v1\"", 304},
        {"*", 304},
        {"\"v0\",W/\"v1\"", 304},
        {"\"v0\"", 200},
        {"v1", 200},
        {"\"v1", 200},
        {"\"v11\"", 200},
        {",,,", 200},
        {"\"v0\" \"v1\"", 200},
    };
    struct web web;
    web_open(&web, NULL);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char request[256];
        struct answer answer;
        (void)snprintf(request, sizeof request,
                       "GET /style.css HTTP/1.1\r\n" HOST "If-None-Match: %s\r\n\r\n",
                       cases[i].list);
        ask(&web, request, &answer);
        ck_assert_msg(answer.status == cases[i].status, "%s: %u", cases[i].list, answer.status);
        ck_assert_uint_eq(answer.body_bytes, answer.status == 200 ? 4 : 0);
        ck_assert_str_eq(answer_header(&answer, "ETag"), "\"v1\"");
        answer_free(&answer);
    }
    web_close(&web);
}
END_TEST

START_TEST(head_has_the_length_and_no_body)
{
    struct client client;
    struct answer answer;
    struct web web;
    web_open(&web, NULL);
    client_open(&client, &web);
    client_send(&client, "HEAD /style.css HTTP/1.1\r\n" HOST "\r\n");
    client_answer(&client, true, &answer);
    ck_assert_uint_eq(answer.status, 200);
    ck_assert_str_eq(answer_header(&answer, "Content-Length"), "4");
    answer_free(&answer);
    /* The next answer begins where the head ended. */
    client_send(&client, "GET /style.css HTTP/1.1\r\n" HOST "\r\n");
    client_answer(&client, false, &answer);
    ck_assert_str_eq(text_of(&answer), "p {}");
    answer_free(&answer);
    client_close(&client);
    web_close(&web);
}
END_TEST

START_TEST(one_connection_serves_many_requests)
{
    struct client client;
    struct answer answer;
    struct web web;
    web_open(&web, NULL);
    client_open(&client, &web);
    for (int i = 0; i < 20; i++) {
        client_send(&client, POST_FORM "Content-Length: 3\r\n\r\na=1");
        client_answer(&client, false, &answer);
        ck_assert_uint_eq(answer.status, 200);
        answer_free(&answer);
        client_send(&client, "POST /none HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
        client_answer(&client, false, &answer);
        ck_assert_uint_eq(answer.status, 405); /* its body is thrown away, the connection stays */
        ck_assert_str_eq(answer_header(&answer, "Allow"), "GET, HEAD");
        answer_free(&answer);
    }
    client_send(&client, "GET /echo HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    client_answer(&client, false, &answer);
    ck_assert_uint_eq(answer.status, 200);
    answer_free(&answer);
    ck_assert(client_ends(&client, 2000));
    client_close(&client);
    web_close(&web);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_their_order)
{
    struct client client;
    struct answer answer;
    struct web web;
    web_open(&web, NULL);
    client_open(&client, &web);
    client_send(&client, "GET /a HTTP/1.1\r\n" HOST "\r\n"
                         "POST /later HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nxy"
                         "GET /b HTTP/1.1\r\n" HOST "\r\n"
                         "GET /later HTTP/1.1\r\n" HOST "\r\n"
                         "GET /c HTTP/1.1\r\n" HOST "\r\n");
    web_wait_held(&web, 1);
    ck_assert_uint_eq(web.handled_count, 2); /* what follows waits its turn */
    web_answer_held(&web, "first");
    web_wait_held(&web, 1);
    web_answer_held(&web, "second");
    static const char *const bodies[] = {"/a", "first", "/b", "second", "/c"};
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        client_answer(&client, false, &answer);
        ck_assert_str_eq(text_of(&answer), bodies[i]);
        answer_free(&answer);
    }
    client_close(&client);
    web_close(&web);
}
END_TEST

START_TEST(answers_may_come_later_and_in_any_order)
{
    struct client clients[20];
    struct answer answer;
    struct web web;
    web_open(&web, NULL);
    for (size_t i = 0; i < COUNT_OF(clients); i++) {
        client_open(&clients[i], &web);
        client_send(&clients[i], "GET /later HTTP/1.1\r\n" HOST "\r\n");
        web_wait_held(&web, i + 1);
    }
    ck_assert_uint_eq(ask_status(&web, "GET /echo HTTP/1.1\r\n" HOST "\r\n"), 200);
    for (size_t i = COUNT_OF(clients); i > 0; i--) {
        char text[16];
        struct http_exchange *newest = web.held[web.held_count - 1];
        memmove(web.held + 1, web.held, (web.held_count - 1) * sizeof web.held[0]);
        web.held[0] = newest;
        (void)snprintf(text, sizeof text, "number %zu", i - 1);
        web_answer_held(&web, text);
        client_answer(&clients[i - 1], false, &answer);
        ck_assert_str_eq(text_of(&answer), text);
        answer_free(&answer);
        client_close(&clients[i - 1]);
    }
    web_close(&web);
}
END_TEST

START_TEST(an_answer_may_come_from_the_pool)
{
    struct web web;
    web_open(&web, NULL);
    uint64_t begin_ms = clock_machine_ms();
    for (int i = 0; i < 5; i++) {
        expect(&web, "POST /work HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\nx", 200, "worked");
    }
    ck_assert_uint_lt(clock_machine_ms() - begin_ms, 4000); /* none waited for the next second */
    web_close(&web);
}
END_TEST

START_TEST(a_client_that_left_harms_nobody)
{
    struct client client;
    struct web web;
    web_open(&web, NULL);
    for (int i = 0; i < 5; i++) {
        client_open(&client, &web);
        client_send(&client, "GET /later HTTP/1.1\r\n" HOST "\r\n");
        web_wait_held(&web, 1);
        client_close(&client);
        web_turn(&web, 5);
        web_answer_held(&web, "too late");
        web_turn(&web, 5);
    }
    client_open(&client, &web);
    client_send(&client, "GET /large HTTP/1.1\r\n" HOST "\r\n");
    web_turn(&web, 5);
    client_close(&client); /* in the middle of the answer */
    web_turn(&web, 5);
    ck_assert_uint_eq(ask_status(&web, "GET /echo HTTP/1.1\r\n" HOST "\r\n"), 200);
    web_close(&web);
}
END_TEST

START_TEST(closing_answers_those_that_wait)
{
    struct client clients[3];
    struct answer answer;
    struct web web;
    web_open(&web, NULL);
    for (size_t i = 0; i < COUNT_OF(clients); i++) {
        client_open(&clients[i], &web);
        client_send(&clients[i], "GET /later HTTP/1.1\r\n" HOST "\r\n");
    }
    web_wait_held(&web, COUNT_OF(clients));
    http_close(web.server);
    for (size_t i = 0; i < COUNT_OF(clients); i++) {
        client_answer(&clients[i], false, &answer);
        ck_assert_uint_eq(answer.status, 503);
        ck_assert_str_eq(text_of(&answer), "<p>refused 503</p>");
        ck_assert_ptr_nonnull(answer_header(&answer, "Retry-After"));
        answer_free(&answer);
        ck_assert(client_ends(&clients[i], 2000));
        client_close(&clients[i]);
    }
    loop_free(web.loop);
}
END_TEST

/* A body of one upload of `size` bytes. */
static void upload_send(struct client *client, size_t size, const char *more)
{
    static const char before[] = "--B\r\nContent-Disposition: form-data; name=\"f\"; "
                                 "filename=\"scan.pdf\"\r\nContent-Type: application/pdf\r\n\r\n";
    static const char after[] = "\r\n--B--\r\n";
    static uint8_t piece[256u * 1024u];
    char head[512];
    (void)snprintf(head, sizeof head,
                   "POST /upload HTTP/1.1\r\n" HOST
                   "Content-Type: multipart/form-data; boundary=B\r\nContent-Length: %zu\r\n%s\r\n",
                   sizeof before - 1 + size + sizeof after - 1, more);
    client_send(client, head);
    client_send(client, before);
    for (size_t sent = 0; sent < size && !client->ended;) {
        size_t len = size - sent < sizeof piece ? size - sent : sizeof piece;
        client_send_bytes(client, span_of(piece, len));
        sent += len;
    }
    client_send(client, after);
}

START_TEST(large_files_come_and_go)
{
    struct client client;
    struct answer answer;
    struct web web;
    web_open(&web, NULL);
    client_open(&client, &web);
    upload_send(&client, LIMIT_WEB_UPLOAD_BYTES, "");
    client_answer(&client, false, &answer);
    ck_assert_uint_eq(answer.status, 200);
    ck_assert_str_eq(text_of(&answer), "POST /upload from 127.0.0.1 upload[f scan.pdf "
                                       "application/pdf 20971520] body[0]");
    answer_free(&answer);
    client_send(&client, "GET /large HTTP/1.1\r\n" HOST "\r\n");
    client_answer(&client, false, &answer);
    ck_assert_uint_ge(answer.body_bytes, 3u * 1024u * 1024u);
    answer_free(&answer);
    client_close(&client);
    web_close(&web);
}
END_TEST

START_TEST(a_file_that_is_too_large_gets_its_answer)
{
    struct client client;
    struct answer answer;
    struct web web;
    web_open(&web, NULL);
    client_open(&client, &web);
    upload_send(&client, LIMIT_WEB_UPLOAD_BYTES + LIMIT_WEB_FORM_BYTES, "");
    client_answer(&client, false, &answer);
    ck_assert_uint_eq(answer.status, 413);
    ck_assert_uint_eq(web.refused, 413);
    ck_assert_str_eq(text_of(&answer), "<p>refused 413</p>");
    answer_free(&answer);
    client_send(&client, "GET /echo HTTP/1.1\r\n" HOST "\r\n"); /* the connection goes on */
    client_answer(&client, false, &answer);
    ck_assert_uint_eq(answer.status, 200);
    answer_free(&answer);
    client_close(&client);
    web_close(&web);
}
END_TEST

START_TEST(a_client_that_asks_first_is_told)
{
    struct client client;
    struct answer answer;
    struct web web;
    web_open(&web, NULL);
    client_open(&client, &web);
    client_send(&client, POST_FORM "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    client_answer(&client, true, &answer);
    ck_assert_uint_eq(answer.status, 100);
    answer_free(&answer);
    client_send(&client, "a=1");
    client_answer(&client, false, &answer);
    ck_assert_uint_eq(answer.status, 200);
    answer_free(&answer);
    client_send(&client, POST_FORM "Content-Length: 3000000\r\nExpect: 100-continue\r\n\r\n");
    client_answer(&client, false, &answer);
    ck_assert_uint_eq(answer.status, 413); /* and not one byte of it is sent */
    answer_free(&answer);
    ck_assert(client_ends(&client, 2000));
    client_close(&client);
    web_close(&web);
}
END_TEST

/* --- TLS --- */

struct tls_files {
    char folder[64], certificate[96], key[96];
};

static void tls_files_make(struct tls_files *files)
{
    struct certificate_pair authority, pair;
    struct certificate_request request = {
        .name = "authority", .now_ms = 1700000000000, .days = 9999};
    struct fault fault = {0};
    ck_assert_int_eq(crypto_start(), OK);
    text_copy(files->folder, sizeof files->folder, "/tmp/web-tls-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(files->folder));
    (void)snprintf(files->certificate, sizeof files->certificate, "%s/web.pem", files->folder);
    (void)snprintf(files->key, sizeof files->key, "%s/web.key", files->folder);
    certificate_pair_init(&authority);
    certificate_pair_init(&pair);
    ck_assert_int_eq(certificate_authority_new(&request, &authority, &fault), OK);
    request.name = "civil";
    ck_assert_int_eq(certificate_issue(&authority, &request, &pair, &fault), OK);
    ck_assert_int_eq(file_write(files->certificate, span_buf(&pair.certificate), 0644, &fault), OK);
    ck_assert_int_eq(file_write(files->key, span_buf(&pair.key), 0600, &fault), OK);
    certificate_pair_free(&authority);
    certificate_pair_free(&pair);
}

static void tls_files_remove(const struct tls_files *files)
{
    (void)unlink(files->certificate); /* may be gone: what counts is the folder */
    (void)unlink(files->key);
    ck_assert_int_eq(rmdir(files->folder), 0);
}

/* True when the handshake comes about, in a version not above `version_max`. */
static bool tls_begin(struct client *client, SSL_CTX *context, int version_max)
{
    ck_assert_int_eq(fcntl(client->descriptor, F_SETFL, O_NONBLOCK), 0);
    client->tls = SSL_new(context);
    ck_assert_ptr_nonnull(client->tls);
    SSL_set_security_level(client->tls, 0); /* so that old versions are offered at all */
    ck_assert_int_eq(SSL_set_max_proto_version(client->tls, version_max), 1);
    ck_assert_int_eq(SSL_set_fd(client->tls, client->descriptor), 1);
    for (int i = 0; i < 5000; i++) {
        int result = SSL_connect(client->tls);
        if (result == 1) {
            return true;
        }
        if (SSL_get_error(client->tls, result) != SSL_ERROR_WANT_READ) {
            return false;
        }
        loop_turn(client->web->loop, 1);
    }
    return false;
}

START_TEST(tls_works_from_version_1_2_on)
{
    static const struct {
        int version;
        bool taken;
    } cases[] = {{TLS1_1_VERSION, false}, {TLS1_2_VERSION, true}, {TLS1_3_VERSION, true}};
    struct tls_files files;
    struct web web;
    tls_files_make(&files);
    web_open(&web, &(struct http_options){.certificate = files.certificate, .key = files.key});
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct client client;
        struct answer answer;
        client_open(&client, &web);
        ck_assert_int_eq(tls_begin(&client, context, cases[i].version), cases[i].taken);
        if (cases[i].taken) {
            client_send(&client, "GET /echo HTTP/1.1\r\n" HOST "\r\n");
            client_answer(&client, false, &answer);
            ck_assert_str_eq(text_of(&answer), "GET /echo from 127.0.0.1 secure body[0]");
            ck_assert_ptr_nonnull(answer_header(&answer, "Strict-Transport-Security"));
            answer_free(&answer);
            client_send(&client, "GET /work HTTP/1.1\r\n" HOST "\r\n");
            client_answer(&client, false, &answer);
            ck_assert_str_eq(text_of(&answer), "worked");
            answer_free(&answer);
            upload_send(&client, 3u * 1024u * 1024u, "");
            client_answer(&client, false, &answer);
            ck_assert_uint_eq(answer.status, 200);
            answer_free(&answer);
            client_send(&client, "GET /large HTTP/1.1\r\n" HOST "\r\n");
            client_answer(&client, false, &answer);
            ck_assert_uint_ge(answer.body_bytes, 3u * 1024u * 1024u);
            answer_free(&answer);
        }
        SSL_free(client.tls);
        client_close(&client);
    }
    ck_assert_uint_eq(ask_status(&web, "GET /echo HTTP/1.1\r\n" HOST "\r\n"), 0); /* plain */
    SSL_CTX_free(context);
    web_close(&web);
    tls_files_remove(&files);
}
END_TEST

/* --- opening --- */

static void never_cb(void *ctx, struct http_exchange *exchange, const struct http_request *request)
{
    (void)ctx;
    (void)exchange;
    (void)request;
    ck_abort_msg("nobody asked");
}

static enum err open_fails(struct loop *loop, struct http_options options, struct fault *fault)
{
    struct http_server *server = NULL;
    *fault = (struct fault){0};
    options.handle = never_cb;
    enum err error = http_open(loop, &options, &server, fault);
    ck_assert_ptr_null(server);
    ck_assert_str_ne(fault->message, "");
    return error;
}

START_TEST(a_wrong_address_is_told)
{
    static const char *const addresses[] = {
        "",
        "8601",
        "127.0.0.1",
        "localhost:8601",
        "127.0.0.1:",
        ":8601",
        "::1:8601",
        "[::1]",
        "[]:1",
        "[127.0.0.1]:1",
        "1.2.3:80",
        "127.0.0.1:x",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:0x10",
        "[::1:8601",
        "203.0.113.77:8601",
    };
    struct fault fault = {.code = ""};
    struct loop *loop = NULL;
    ck_assert_int_eq(loop_new(&loop), OK);
    for (size_t i = 0; i < COUNT_OF(addresses); i++) {
        enum err error = open_fails(loop, (struct http_options){.address = addresses[i]}, &fault);
        ck_assert_msg(error == ERR_INVALID, "%s: %s", addresses[i], err_text(error));
        ck_assert_str_ne(fault.hint, "");
    }
    loop_free(loop);
}
END_TEST

START_TEST(a_taken_port_is_told)
{
    char address[32];
    struct fault fault = {.code = ""};
    struct web web;
    web_open(&web, NULL);
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", http_port(web.server));
    ck_assert_int_eq(open_fails(web.loop, (struct http_options){.address = address}, &fault),
                     ERR_BUSY);
    ck_assert_str_eq(fault.code, "web.listen");
    web_close(&web);
}
END_TEST

START_TEST(a_wrong_certificate_is_told)
{
    struct http_options options = {.address = "127.0.0.1:0"};
    struct tls_files files, others;
    struct fault fault = {.code = ""};
    struct loop *loop = NULL;
    ck_assert_int_eq(loop_new(&loop), OK);
    tls_files_make(&files);
    tls_files_make(&others);
    options.certificate = files.certificate;
    ck_assert_int_eq(open_fails(loop, options, &fault), ERR_INVALID); /* without a key */
    options.key = "/none";
    ck_assert_int_eq(open_fails(loop, options, &fault), ERR_NOT_FOUND);
    options.key = others.key;
    ck_assert_int_eq(open_fails(loop, options, &fault), ERR_INVALID);
    options.key = files.certificate;
    ck_assert_int_eq(open_fails(loop, options, &fault), ERR_INVALID);
    options.certificate = "/dev/null";
    options.key = files.key;
    ck_assert_int_ne(open_fails(loop, options, &fault), OK);
    tls_files_remove(&files);
    tls_files_remove(&others);
    loop_free(loop);
}
END_TEST

START_TEST(it_listens_on_the_newer_protocol_too)
{
    struct web web;
    web_open(&web, &(struct http_options){.address = "[::1]:0"});
    web_close(&web);
    http_close(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent.http");
    TCase *tests = tcase_create("http");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, requests_are_understood);
    tcase_add_test(tests, every_answer_has_the_security_headers);
    tcase_add_test(tests, what_a_page_says_is_sent);
    tcase_add_test(tests, a_header_is_never_split);
    tcase_add_test(tests, cached_copies_are_confirmed);
    tcase_add_test(tests, head_has_the_length_and_no_body);
    tcase_add_test(tests, one_connection_serves_many_requests);
    tcase_add_test(tests, pipelined_requests_are_answered_in_their_order);
    tcase_add_test(tests, answers_may_come_later_and_in_any_order);
    tcase_add_test(tests, an_answer_may_come_from_the_pool);
    tcase_add_test(tests, a_client_that_left_harms_nobody);
    tcase_add_test(tests, closing_answers_those_that_wait);
    tcase_add_test(tests, large_files_come_and_go);
    tcase_add_test(tests, a_file_that_is_too_large_gets_its_answer);
    tcase_add_test(tests, a_client_that_asks_first_is_told);
    tcase_add_test(tests, tls_works_from_version_1_2_on);
    tcase_add_test(tests, a_wrong_address_is_told);
    tcase_add_test(tests, a_taken_port_is_told);
    tcase_add_test(tests, a_wrong_certificate_is_told);
    tcase_add_test(tests, it_listens_on_the_newer_protocol_too);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
