/* The server and the clients of http_support.h. */
#include "http_support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/loop.h"

#define WAIT_MS 5000u

/* --- pages --- */

static void answer_text(struct http_exchange *exchange, const char *text)
{
    http_answer(exchange, &(struct http_response){.status = 200,
                                                  .type = "text/plain; charset=utf-8",
                                                  .body = span_text(text)});
}

static void fields_print(struct buf *out, const char *kind, const struct http_field *fields,
                         size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(buf_printf(out, "%s[%s=%s]", kind, fields[i].name, fields[i].value), OK);
    }
}

/* All that the server understood, as text. */
static void page_echo(struct web *web, struct http_exchange *exchange,
                      const struct http_request *request)
{
    struct buf out;
    const char *note = http_header(exchange, "x-note");
    (void)web;
    buf_init(&out, 8u * 1024u * 1024u);
    ck_assert_int_eq(buf_printf(&out, "%s %s from %s%s",
                                request->method == HTTP_POST ? "POST" : "GET", request->path,
                                request->peer, request->secure ? " secure" : ""),
                     OK);
    fields_print(&out, " query", request->query, request->query_count);
    fields_print(&out, " cookie", request->cookies, request->cookie_count);
    fields_print(&out, " form", request->form, request->form_count);
    for (size_t i = 0; i < request->upload_count; i++) {
        const struct http_upload *upload = &request->uploads[i];
        ck_assert_int_eq(buf_printf(&out, " upload[%s %s %s %zu]", upload->field, upload->file_name,
                                    upload->type, upload->bytes.len),
                         OK);
    }
    ck_assert_int_eq(buf_printf(&out, " body[%zu]%s%s", request->body.len, note == NULL ? "" : " ",
                                note == NULL ? "" : note),
                     OK);
    ck_assert_int_eq(buf_append(&out, "", 1), OK);
    answer_text(exchange, (const char *)out.data);
    buf_free(&out);
}

static void page_later(struct web *web, struct http_exchange *exchange,
                       const struct http_request *request)
{
    (void)request;
    ck_assert_uint_lt(web->held_count, WEB_HELD_MAX);
    web->held[web->held_count++] = exchange;
}

static void work_cb(void *ctx)
{
    struct web *web = ctx;
    for (uint64_t i = 0; i < 1000; i++) {
        web->worked += i;
    }
}

static void work_done_cb(void *ctx)
{
    web_answer_held(ctx, "worked");
}

static void page_work(struct web *web, struct http_exchange *exchange,
                      const struct http_request *request)
{
    page_later(web, exchange, request);
    ck_assert_int_eq(loop_work(web->loop, work_cb, work_done_cb, web), OK);
}

static void page_tagged(struct web *web, struct http_exchange *exchange,
                        const struct http_request *request)
{
    (void)web;
    (void)request;
    http_answer(exchange, &(struct http_response){.status = 200,
                                                  .type = "text/css",
                                                  .etag = "v1",
                                                  .fresh_s = 60,
                                                  .body = span_text("p {}")});
}

static void page_login(struct web *web, struct http_exchange *exchange,
                       const struct http_request *request)
{
    (void)web;
    (void)request;
    http_answer(exchange, &(struct http_response){.status = 303,
                                                  .location = "/inbox",
                                                  .cookie = "session=abc; HttpOnly"});
}

static void page_split(struct web *web, struct http_exchange *exchange,
                       const struct http_request *request)
{
    const char *to = http_query(request, "to");
    (void)web;
    http_answer(exchange,
                &(struct http_response){.status = 303, .location = to == NULL ? "/" : to});
}

static void answer_rows(struct http_exchange *exchange, size_t size)
{
    struct buf out;
    uint8_t *rows = NULL;
    buf_init(&out, size);
    ck_assert_int_eq(buf_extend(&out, size, &rows), OK);
    memset(rows, 'r', out.len);
    http_answer(exchange, &(struct http_response){.status = 200, .body = span_buf(&out)});
    buf_free(&out);
}

static void page_large(struct web *web, struct http_exchange *exchange,
                       const struct http_request *request)
{
    (void)web;
    (void)request;
    answer_rows(exchange, 3u * 1024u * 1024u);
}

static void page_huge(struct web *web, struct http_exchange *exchange,
                      const struct http_request *request)
{
    (void)web;
    (void)request;
    answer_rows(exchange, WEB_HUGE_BYTES);
}

static const struct {
    const char *path;
    void (*page)(struct web *web, struct http_exchange *exchange,
                 const struct http_request *request);
    size_t body_max;
} pages[] = {
    {"/echo", page_echo, 512u * 1024u},
    {"/upload", page_echo, LIMIT_WEB_UPLOAD_BYTES + LIMIT_WEB_FORM_BYTES},
    {"/later", page_later, 64},
    {"/work", page_work, 64},
    {"/style.css", page_tagged, 0},
    {"/login", page_login, 256},
    {"/split", page_split, 0},
    {"/large", page_large, 0},
    {"/huge", page_huge, 0},
};

static void handle_cb(void *ctx, struct http_exchange *exchange, const struct http_request *request)
{
    struct web *web = ctx;
    web->handled_count++;
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        if (strcmp(request->path, pages[i].path) == 0) {
            pages[i].page(web, exchange, request);
            return;
        }
    }
    http_answer(exchange, &(struct http_response){.status = 404, .body = span_text(request->path)});
}

static size_t body_max_cb(void *ctx, const struct http_request *request)
{
    (void)ctx;
    ck_assert_int_eq(request->method, HTTP_POST);
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        if (strcmp(request->path, pages[i].path) == 0) {
            return pages[i].body_max;
        }
    }
    return 0;
}

static void refusal_cb(void *ctx, unsigned status, struct buf *page)
{
    struct web *web = ctx;
    web->refused = status;
    ck_assert_int_eq(buf_printf(page, "<p>refused %u</p>", status), OK);
}

/* --- the server --- */

void web_open(struct web *web, const struct http_options *options)
{
    struct fault fault = {0};
    struct http_options all = options == NULL ? (struct http_options){0} : *options;
    *web = (struct web){0};
    ck_assert_int_eq(loop_new(&web->loop), OK);
    all.address = all.address == NULL ? "127.0.0.1:0" : all.address;
    all.body_max = body_max_cb;
    all.handle = handle_cb;
    all.refusal = refusal_cb;
    all.ctx = web;
    enum err error = http_open(web->loop, &all, &web->server, &fault);
    ck_assert_msg(error == OK, "%s: %s", fault.place, fault.message);
    ck_assert_uint_ne(http_port(web->server), 0);
}

void web_close(struct web *web)
{
    http_close(web->server);
    loop_free(web->loop);
}

void web_turn(struct web *web, uint64_t wait_ms)
{
    uint64_t until_ms = clock_machine_ms() + wait_ms;
    do {
        loop_turn(web->loop, 1);
    } while (clock_machine_ms() < until_ms);
}

void web_answer_held(struct web *web, const char *text)
{
    ck_assert_uint_gt(web->held_count, 0);
    struct http_exchange *exchange = web->held[0];
    web->held_count--;
    memmove(web->held, web->held + 1, web->held_count * sizeof web->held[0]);
    answer_text(exchange, text);
}

static void wait_count(struct web *web, const size_t *have, size_t count)
{
    uint64_t until_ms = clock_machine_ms() + WAIT_MS;
    while (*have < count) {
        ck_assert_msg(clock_machine_ms() < until_ms, "%zu of %zu came", *have, count);
        loop_turn(web->loop, 1);
    }
}

void web_wait_held(struct web *web, size_t count)
{
    wait_count(web, &web->held_count, count);
}

void web_wait_handled(struct web *web, size_t count)
{
    wait_count(web, &web->handled_count, count);
}

/* --- clients --- */

void client_open(struct client *client, struct web *web)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(http_port(web->server))};
    *client = (struct client){.web = web};
    buf_init(&client->in, 64u * 1024u * 1024u);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(client->descriptor, 0);
    /* Blocking: the kernel accepts into the backlog without the server. */
    ck_assert_int_eq(connect(client->descriptor, (struct sockaddr *)&to, sizeof to), 0);
}

void client_close(struct client *client)
{
    buf_free(&client->in);
    if (client->descriptor >= 0) {
        ck_assert_int_eq(close(client->descriptor), 0);
    }
    client->descriptor = -1;
}

static ssize_t client_write(const struct client *client, struct span bytes)
{
    if (client->tls == NULL) {
        return send(client->descriptor, bytes.data, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    int sent = SSL_write(client->tls, bytes.data, (int)bytes.len);
    errno = sent <= 0 && SSL_get_error(client->tls, sent) >= SSL_ERROR_WANT_READ ? EAGAIN : EIO;
    return sent;
}

void client_send_bytes(struct client *client, struct span bytes)
{
    uint64_t until_ms = clock_machine_ms() + WAIT_MS;
    while (bytes.len > 0) {
        ssize_t sent = client_write(client, bytes);
        if (sent > 0) {
            bytes = span_of(bytes.data + sent, bytes.len - (size_t)sent);
        } else if (errno != EAGAIN) {
            return; /* the server has ended it: the answer says why */
        }
        ck_assert_msg(clock_machine_ms() < until_ms, "nobody reads what is sent");
        loop_turn(client->web->loop, sent > 0 ? 0 : 1);
    }
}

void client_send(struct client *client, const char *text)
{
    client_send_bytes(client, span_text(text));
}

static void client_read(struct client *client)
{
    static uint8_t piece[65536];
    ssize_t got = 0;
    if (client->tls == NULL) {
        got = recv(client->descriptor, piece, sizeof piece, MSG_DONTWAIT);
        client->ended = client->ended || got == 0 || (got < 0 && errno != EAGAIN);
    } else {
        got = SSL_read(client->tls, piece, sizeof piece);
        client->ended = client->ended ||
                        (got <= 0 && SSL_get_error(client->tls, (int)got) != SSL_ERROR_WANT_READ);
    }
    if (got > 0) {
        ck_assert_int_eq(buf_append(&client->in, piece, (size_t)got), OK);
    }
}

bool client_ends(struct client *client, uint64_t limit_ms)
{
    uint64_t until_ms = clock_machine_ms() + limit_ms;
    while (!client->ended && clock_machine_ms() < until_ms) {
        loop_turn(client->web->loop, 1);
        client_read(client);
    }
    return client->ended;
}

/* The bytes of the first whole answer in `in`; 0: not yet. */
static size_t answer_take(struct client *client, bool head_only, struct answer *ret)
{
    const uint8_t *data = client->in.data;
    const uint8_t *end = client->in.len == 0 ? NULL : memmem(data, client->in.len, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }
    size_t head_bytes = (size_t)(end - data) + 4;
    buf_clear(&ret->head);
    ck_assert_int_eq(buf_append(&ret->head, data, head_bytes), OK);
    ck_assert_int_eq(buf_append(&ret->head, "", 1), OK);
    const char *length = answer_header(ret, "Content-Length");
    size_t body_bytes = 0;
    for (; length != NULL && *length >= '0' && *length <= '9'; length++) {
        body_bytes = body_bytes * 10 + (size_t)(*length - '0');
    }
    ck_assert_int_eq(memcmp(ret->head.data, "HTTP/1.", 7), 0);
    const char *status = (const char *)ret->head.data + 9;
    ret->status = (unsigned)((status[0] - '0') * 100 + (status[1] - '0') * 10 + (status[2] - '0'));
    body_bytes = head_only || ret->status == 304 || ret->status < 200 ? 0 : body_bytes;
    if (client->in.len < head_bytes + body_bytes) {
        return 0;
    }
    ck_assert_int_eq(buf_append(&ret->body, data + head_bytes, body_bytes), OK);
    ck_assert_int_eq(buf_append(&ret->body, "", 1), OK);
    ret->body_bytes = body_bytes;
    return head_bytes + body_bytes;
}

void client_answer(struct client *client, bool head_only, struct answer *ret)
{
    uint64_t until_ms = clock_machine_ms() + WAIT_MS;
    *ret = (struct answer){0};
    buf_init(&ret->head, 256u * 1024u);
    buf_init(&ret->body, 64u * 1024u * 1024u);
    while (true) {
        size_t taken = answer_take(client, head_only, ret);
        if (taken > 0) {
            memmove(client->in.data, client->in.data + taken, client->in.len - taken);
            client->in.len -= taken;
            return;
        }
        if (client->ended) {
            ret->status = 0;
            return;
        }
        ck_assert_msg(clock_machine_ms() < until_ms, "no answer comes");
        loop_turn(client->web->loop, 1);
        client_read(client);
    }
}

const char *answer_header(const struct answer *answer, const char *name)
{
    static char value[1024];
    const char *line = strstr((const char *)answer->head.data, "\r\n");
    size_t len = strlen(name);
    while (line != NULL && line[2] != '\0') {
        line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            const char *text = line + len + 1 + strspn(line + len + 1, " ");
            size_t text_len = strcspn(text, "\r");
            text_copy(value, text_len + 1 < sizeof value ? text_len + 1 : sizeof value, text);
            return value;
        }
        line = strstr(line, "\r\n");
    }
    return NULL;
}

void answer_free(struct answer *answer)
{
    buf_free(&answer->head);
    buf_free(&answer->body);
}

void ask(struct web *web, const char *request, struct answer *ret)
{
    struct client client;
    client_open(&client, web);
    client_send(&client, request);
    client_answer(&client, strncmp(request, "HEAD ", 5) == 0, ret);
    client_close(&client);
}

unsigned ask_status(struct web *web, const char *request)
{
    struct answer answer;
    ask(web, request, &answer);
    unsigned status = answer.status;
    answer_free(&answer);
    return status;
}
