/* The server itself: libmicrohttpd's daemon without threads of its own, run whenever its epoll
 * descriptor is ready or its next timeout has come. It knows idle connections only; those that are
 * slow all the same, a byte now and then, are found here once a second and shut down, which
 * libmicrohttpd sees as their end. */
#include "agent/web/http.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/web/http_parts.h"
#include "base/certificate.h"
#include "base/crypto.h"
#include "base/file.h"
#include "io/clock.h"

#define PUMP_ROUNDS  16u /* of a connection that has more: then the others' turn */
#define CLOSE_ROUNDS 64u /* for the last answers to leave */
#define SWEEP_MS     1000u
#define PEM_BYTES    (256u * 1024u)

/* --- running --- */

/* Has the client ended its sending before its request was whole? libmicrohttpd misses an end that
 * comes together with bytes: it waits for an edge that has passed. */
static bool has_left(const struct http_connection *connection)
{
    char byte = 0;
    return connection->reading &&
           recv(connection->descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void connections_sweep(struct http_server *server)
{
    uint64_t now_ms = clock_machine_ms();
    if (now_ms - server->swept_ms < SWEEP_MS) {
        return;
    }
    server->swept_ms = now_ms;
    struct http_connection *connection = server->connections.next;
    for (; connection != &server->connections; connection = connection->next) {
        if (connection->deadline_ms <= now_ms || has_left(connection)) {
            connection->deadline_ms = UINT64_MAX;
            (void)shutdown(connection->descriptor, SHUT_RDWR); /* may have ended by itself */
        }
    }
}

static void server_run(struct http_server *server)
{
    MHD_UNSIGNED_LONG_LONG wait_ms = UINT64_MAX;
    assert(!server->running);
    connections_sweep(server); /* here, not by the timer, which activity keeps postponing */
    server->running = true;
    server->again = true;
    for (unsigned round = 0; round < PUMP_ROUNDS && server->again; round++) {
        server->again = false;
        (void)MHD_run(server->daemon); /* fails for a daemon with threads only */
        if (MHD_get_timeout(server->daemon, &wait_ms) != MHD_YES) {
            wait_ms = UINT64_MAX;
        }
        server->again = server->again || wait_ms == 0;
    }
    server->running = false;
    if (server->again) {
        loop_timer_after(&server->timer, 0);
    } else if (server->connections.next == &server->connections) {
        loop_timer_clear(&server->timer);
    } else {
        loop_timer_after(&server->timer, wait_ms < SWEEP_MS ? wait_ms : SWEEP_MS);
    }
}

void http_run_soon(struct http_server *server)
{
    server->again = true;
    if (!server->running) {
        loop_timer_after(&server->timer, 0);
    }
}

static void run_cb(void *ctx)
{
    server_run(ctx);
}

/* --- libmicrohttpd's callbacks --- */

static void connection_cb(void *cls, struct MHD_Connection *mhd, void **ctx,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *server = cls;
    struct http_connection *connection = *ctx;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        connection = calloc(1, sizeof *connection);
        if (connection == NULL || info == NULL) {
            free(connection); /* without it, its first request ends the connection */
            return;
        }
        connection->descriptor = info->connect_fd;
        connection->reading = true;
        http_deadline_head(server, connection);
        connection->prev = server->connections.prev;
        connection->next = &server->connections;
        connection->prev->next = connection;
        connection->next->prev = connection;
        *ctx = connection;
    } else if (connection != NULL) {
        server->again = true; /* there may be one that waits for this one's end */
        connection->prev->next = connection->next;
        connection->next->prev = connection->prev;
        free(connection);
        *ctx = NULL;
    }
}

/* It would decode what http_target_cb has taken whole. */
static size_t unescape_cb(void *cls, struct MHD_Connection *mhd, char *text)
{
    (void)cls;
    (void)mhd;
    return strlen(text);
}

/* Its words about single connections are of no use to anybody; those about a start are. */
__attribute__((format(printf, 2, 0))) static void log_cb(void *cls, const char *fmt, va_list args)
{
    struct http_server *server = cls;
    if (server->starting) {
        (void)vsnprintf(server->started, sizeof server->started, fmt, args); /* may be cut */
    }
}

/* --- opening --- */

struct pem {
    struct buf certificate;
    struct buf key; /* secret */
};

static void pem_init(struct pem *pem)
{
    buf_init(&pem->certificate, PEM_BYTES);
    buf_init(&pem->key, PEM_BYTES);
}

static void pem_free(struct pem *pem)
{
    if (pem->key.data != NULL) {
        crypto_wipe(pem->key.data, pem->key.cap);
    }
    buf_free(&pem->key);
    buf_free(&pem->certificate);
}

static enum err pem_read(const struct http_options *options, struct pem *pem, struct fault *fault)
{
    struct certificate_files files = {.certificate = options->certificate, .key = options->key};
    uint64_t expiry_ms = 0;
    if (files.key == NULL || files.key[0] == '\0') {
        fault_set(fault, "web.key", options->certificate, "this certificate has no key");
        fault_hint(fault, "name the file of its private key, in PEM");
        return ERR_INVALID;
    }
    enum err error = certificate_files_check(&files, &expiry_ms, fault);
    if (error == OK) {
        error = file_read(files.certificate, &pem->certificate, fault);
    }
    if (error == OK) {
        error = file_read(files.key, &pem->key, fault);
    }
    if (error == OK) {
        error = buf_append(&pem->certificate, "", 1);
    }
    if (error == OK) {
        error = buf_append(&pem->key, "", 1);
    }
    return error;
}

static enum err daemon_start(struct http_server *server, int descriptor, struct pem *pem,
                             struct fault *fault)
{
    const struct http_options *options = &server->options;
    unsigned each = http_is_loopback(options->address) ? 0 : LIMIT_WEB_CONNECTIONS_EACH;
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem items[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)log_cb, server},
        {MHD_OPTION_LISTEN_SOCKET, descriptor, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, (intptr_t)options->connections_max, NULL},
        {MHD_OPTION_PER_IP_CONNECTION_LIMIT, (intptr_t)each, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)options->idle_s, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, LIMIT_WEB_HEADER_BYTES, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 1, NULL},
        {MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)connection_cb, server},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)http_completed_cb, server},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)http_target_cb, server},
        {MHD_OPTION_UNESCAPE_CALLBACK, (intptr_t)unescape_cb, NULL},
        {server->secure ? MHD_OPTION_HTTPS_MEM_CERT : MHD_OPTION_END, 0, pem->certificate.data},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, pem->key.data},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (char[]){"NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"}},
        {MHD_OPTION_END, 0, NULL},
    };
    server->starting = true;
    server->daemon =
        MHD_start_daemon(flags | (server->secure ? MHD_USE_TLS : 0), 0, NULL, NULL, http_request_cb,
                         server, MHD_OPTION_ARRAY, items, MHD_OPTION_END);
    server->starting = false;
    if (server->daemon == NULL) {
        server->started[strcspn(server->started, "\r\n")] = '\0';
        fault_set(fault, "web.start", server->secure ? options->certificate : options->address,
                  "the web server does not start: %s", server->started);
        return ERR_IO;
    }
    return OK;
}

static enum err daemon_watch(struct http_server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    assert(info != NULL);
    return loop_watch_start(server->loop, info->epoll_fd, run_cb, server, &server->watch);
}

static struct http_server *server_new(struct loop *loop, const struct http_options *options)
{
    struct http_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return NULL;
    }
    server->loop = loop;
    server->options = *options;
    server->options.connections_max =
        options->connections_max == 0 ? LIMIT_WEB_CONNECTIONS : options->connections_max;
    server->options.idle_s = options->idle_s == 0 ? LIMIT_WEB_IDLE_S : options->idle_s;
    server->options.request_s = options->request_s == 0 ? LIMIT_WEB_REQUEST_S : options->request_s;
    server->secure = options->certificate != NULL && options->certificate[0] != '\0';
    server->connections.prev = &server->connections;
    server->connections.next = &server->connections;
    loop_timer_init(loop, &server->timer, run_cb, server);
    return server;
}

enum err http_open(struct loop *loop, const struct http_options *options,
                   struct http_server **ret_server, struct fault *fault)
{
    assert(options->handle != NULL);
    struct pem pem;
    int descriptor = -1;
    struct http_server *server = server_new(loop, options);
    if (server == NULL) {
        return ERR_MEMORY;
    }
    pem_init(&pem);
    enum err error = server->secure ? pem_read(options, &pem, fault) : OK;
    if (error == OK) {
        error = http_listen(options, &descriptor, &server->port, fault);
    }
    if (error == OK) {
        error = daemon_start(server, descriptor, &pem, fault);
        if (error != OK) {
            (void)close(descriptor); /* nothing was sent */
        }
    }
    pem_free(&pem);
    if (error == OK) {
        error = daemon_watch(server);
    }
    if (error != OK) {
        http_close(server);
        return error;
    }
    server->options.address = NULL; /* the caller's texts end with this call */
    server->options.certificate = NULL;
    server->options.key = NULL;
    server->options.inherited = NULL;
    *ret_server = server;
    return OK;
}

uint16_t http_port(const struct http_server *server)
{
    return server->port;
}

/* --- closing --- */

static void waiting_answer(struct http_server *server)
{
    while (server->waiting != NULL) {
        struct http_exchange *exchange = server->waiting;
        struct buf page;
        buf_init(&page, LIMIT_WEB_REFUSAL_BYTES);
        if (server->options.refusal != NULL) {
            server->options.refusal(server->options.ctx, MHD_HTTP_SERVICE_UNAVAILABLE, &page);
        }
        exchange->cut = true;
        http_answer(exchange, &(struct http_response){.status = MHD_HTTP_SERVICE_UNAVAILABLE,
                                                      .retry_after_s = 5,
                                                      .body = span_buf(&page)});
        buf_free(&page);
    }
}

void http_close(struct http_server *server)
{
    if (server == NULL) {
        return;
    }
    assert(!server->running);
    loop_watch_stop(server->watch);
    if (server->daemon != NULL) {
        waiting_answer(server);
        for (unsigned i = 0; i < CLOSE_ROUNDS && server->answered_count > 0; i++) {
            (void)MHD_run(server->daemon); /* fails for a daemon with threads only */
            waiting_answer(server);        /* what came in meanwhile */
        }
        MHD_stop_daemon(server->daemon);
    }
    assert(server->connections.next == &server->connections);
    assert(server->bodies_bytes == 0);
    loop_timer_clear(&server->timer);
    free(server);
}
