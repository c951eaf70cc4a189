/* A loopback port for Prometheus: GET /metrics over HTTP/1.1, one answer a connection, nothing
 * else.
 *
 * Who may open a connection on this machine may read it: there is nothing personal in figures. At
 * most METRICS_HTTP_CLIENTS at once, a request of at most METRICS_HTTP_BYTES that comes within
 * METRICS_HTTP_MS; otherwise the connection ends. Loop thread. */
#ifndef REFERRAL_IO_METRICS_HTTP_H
#define REFERRAL_IO_METRICS_HTTP_H

#include "base/bytes.h"

#define METRICS_HTTP_CLIENTS 8u
#define METRICS_HTTP_BYTES   4096u
#define METRICS_HTTP_MS      5000u
#define METRICS_TEXT_BYTES   ((size_t)512 * 1024)

struct loop;
struct metrics_http;

struct metrics_http_options {
    const char *address; /* "127.0.0.1:9464"; 127.*, no other */
    enum err (*write)(void *ctx, struct buf *out);
    void *ctx;
};

/* Is it an address on the loopback with a port? */
bool metrics_http_address(const char *address);
/* Listening on return. ERR_BUSY with a fault: the port is taken. */
enum err metrics_http_open(struct loop *loop, const struct metrics_http_options *options,
                           struct metrics_http **ret_http, struct fault *fault) MUST_CHECK;
void metrics_http_close(struct metrics_http *http); /* NULL allowed */

#endif
