/* How: a connection's request goes into a buffer of its own until the empty line; the answer is one
 * write, after which the connection is closed. See metrics_http.h. */
#include "io/metrics_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/loop.h"
#include "io/loop_internal.h"
#include "io/number.h"

#define PORT_MAX   65535u
#define HOST_BYTES 32u
#define BACKLOG    16

struct client {
    uv_tcp_t tcp; /* first */
    struct metrics_http *http;
    struct loop_timer limit;
    size_t used;
    char request[METRICS_HTTP_BYTES + 1];
    uv_write_t write;
    struct buf answer; /* owned: head and text */
};

struct metrics_http {
    uv_tcp_t tcp; /* first */
    struct loop *loop;
    struct metrics_http_options options;
    struct client *clients[METRICS_HTTP_CLIENTS]; /* NULL: free */
};

static bool parse(const char *address, char host[HOST_BYTES], uint64_t *ret_port)
{
    const char *colon = strrchr(address, ':');
    struct sockaddr_in probe;

    if (colon == NULL || strncmp(address, "127.", 4) != 0 ||
        (size_t)(colon - address) >= HOST_BYTES || !number_parse(colon + 1, PORT_MAX, ret_port) ||
        *ret_port == 0) {
        return false;
    }
    memcpy(host, address, (size_t)(colon - address));
    host[colon - address] = '\0';
    return uv_ip4_addr(host, (int)*ret_port, &probe) == 0;
}

bool metrics_http_address(const char *address)
{
    char host[HOST_BYTES];
    uint64_t port = 0;

    return parse(address, host, &port);
}

static void client_closed_cb(uv_handle_t *handle)
{
    struct client *client = (struct client *)handle;

    buf_free(&client->answer);
    free(client);
}

static void client_close(struct client *client)
{
    struct metrics_http *http = client->http;

    if (uv_is_closing((uv_handle_t *)&client->tcp)) {
        return;
    }
    for (size_t i = 0; i < METRICS_HTTP_CLIENTS; i++) {
        if (http->clients[i] == client) {
            http->clients[i] = NULL;
        }
    }
    loop_timer_clear(&client->limit);
    uv_close((uv_handle_t *)&client->tcp, client_closed_cb);
}

static void limit_cb(void *ctx)
{
    client_close(ctx);
}

static void written_cb(uv_write_t *write, int status)
{
    (void)status;
    client_close((struct client *)write->handle);
}

static const char *status_of(const char *request)
{
    if (strncmp(request, "GET /metrics HTTP/1.", 20) == 0) {
        return "200 OK";
    }
    return strncmp(request, "GET ", 4) == 0 ? "404 Not Found" : "405 Method Not Allowed";
}

static enum err make_answer(struct client *client)
{
    const char *status = status_of(client->request);
    struct buf text;
    enum err error = OK;

    buf_init(&text, METRICS_TEXT_BYTES);
    if (status[0] == '2') {
        error = client->http->options.write(client->http->options.ctx, &text);
    }
    if (error == OK) {
        error = buf_printf(&client->answer,
                           "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4; "
                           "charset=utf-8\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                           status, text.len);
    }
    if (error == OK && text.len > 0) {
        error = buf_append(&client->answer, text.data, text.len);
    }
    buf_free(&text);
    return error;
}

static void answer(struct client *client)
{
    uv_buf_t out;

    (void)uv_read_stop((uv_stream_t *)&client->tcp);
    if (make_answer(client) != OK) {
        client_close(client);
        return;
    }
    out = uv_buf_init((char *)client->answer.data, (unsigned)client->answer.len);
    if (uv_write(&client->write, (uv_stream_t *)&client->tcp, &out, 1, written_cb) != 0) {
        client_close(client);
    }
}

static void room_cb(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_room)
{
    struct client *client = (struct client *)handle;

    (void)suggested;
    *ret_room =
        uv_buf_init(client->request + client->used, (unsigned)(METRICS_HTTP_BYTES - client->used));
}

static void read_cb(uv_stream_t *stream, ssize_t count, const uv_buf_t *room)
{
    struct client *client = (struct client *)stream;

    (void)room;
    if (count < 0) { /* ended, or no room was left */
        client_close(client);
        return;
    }
    client->used += (size_t)count;
    client->request[client->used] = '\0';
    if (strstr(client->request, "\r\n\r\n") != NULL) {
        answer(client);
    } else if (client->used == METRICS_HTTP_BYTES ||
               strlen(client->request) < client->used) { /* a NUL is no HTTP */
        client_close(client);
    }
}

static void connection_cb(uv_stream_t *listener, int status)
{
    struct metrics_http *http = (struct metrics_http *)listener;
    struct client *client = status == 0 ? calloc(1, sizeof(*client)) : NULL;
    size_t place = 0;

    if (client == NULL) {
        return;
    }
    client->http = http;
    buf_init(&client->answer, METRICS_TEXT_BYTES + METRICS_HTTP_BYTES);
    loop_timer_init(http->loop, &client->limit, limit_cb, client);
    if (uv_tcp_init(&http->loop->uv, &client->tcp) != 0) {
        free(client);
        return;
    }
    while (place < METRICS_HTTP_CLIENTS && http->clients[place] != NULL) {
        place++;
    }
    if (uv_accept(listener, (uv_stream_t *)&client->tcp) != 0 || place == METRICS_HTTP_CLIENTS ||
        uv_read_start((uv_stream_t *)&client->tcp, room_cb, read_cb) != 0) {
        client_close(client);
        return;
    }
    http->clients[place] = client;
    loop_timer_after(&client->limit, METRICS_HTTP_MS);
}

static void closed_cb(uv_handle_t *handle)
{
    free(handle);
}

enum err metrics_http_open(struct loop *loop, const struct metrics_http_options *options,
                           struct metrics_http **ret_http, struct fault *fault)
{
    struct metrics_http *http = calloc(1, sizeof(*http));
    struct sockaddr_in address;
    char host[HOST_BYTES];
    uint64_t port = 0;

    if (http == NULL) {
        return ERR_MEMORY;
    }
    http->loop = loop;
    http->options = *options;
    if (!parse(options->address, host, &port) || uv_ip4_addr(host, (int)port, &address) != 0 ||
        uv_tcp_init(&loop->uv, &http->tcp) != 0) {
        free(http);
        fault_set(fault, "config.metrics", options->address, "expected 127.0.0.1:PORT");
        return ERR_INVALID;
    }
    if (uv_tcp_bind(&http->tcp, (const struct sockaddr *)&address, 0) != 0 ||
        uv_listen((uv_stream_t *)&http->tcp, BACKLOG, connection_cb) != 0) {
        uv_close((uv_handle_t *)&http->tcp, closed_cb);
        fault_set(fault, "metrics.port", options->address, "nothing can listen there");
        fault_hint(fault, "another program has the port: name another in metrics-listen");
        return ERR_BUSY;
    }
    *ret_http = http;
    return OK;
}

void metrics_http_close(struct metrics_http *http)
{
    if (http == NULL) {
        return;
    }
    for (size_t i = 0; i < METRICS_HTTP_CLIENTS; i++) {
        if (http->clients[i] != NULL) {
            client_close(http->clients[i]);
        }
    }
    uv_close((uv_handle_t *)&http->tcp, closed_cb);
}
