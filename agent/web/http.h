/* The HTTP server of the officers' inbox: connections, limits, timeouts, forms and uploads.
 *
 * libmicrohttpd, wrapped: nothing outside http*.c sees its header. It runs on the agent's loop
 * thread, driven by readiness of its one descriptor; a handler sees a request only when all of it
 * is here, checked and decoded, and answers it at once or later. Every answer carries the security
 * headers. Knows no page, no officer and no message. Nothing here is durable, and no byte of a
 * request is written to disk: uploads lie in memory, and what is freed is wiped. Loop thread. */
#ifndef REFERRAL_AGENT_WEB_HTTP_H
#define REFERRAL_AGENT_WEB_HTTP_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/limits.h"

struct inherited;
struct loop;
struct http_server;
struct http_exchange; /* one request that waits for its answer */

enum http_method { HTTP_GET, HTTP_POST }; /* HEAD is answered as GET without its body */

struct http_field { /* of a query, a form or a cookie: decoded, valid UTF-8, without NUL */
    const char *name;
    const char *value;
};

struct http_upload {       /* a file in a multipart form */
    const char *field;     /* the form's name for it */
    const char *file_name; /* the last part of what the browser said; may be empty */
    const char *type;      /* as declared; may be empty */
    struct span bytes;
};

struct http_request { /* borrowed until it is answered */
    enum http_method method;
    const char *path; /* decoded; begins with '/'; without "." and ".." parts, doubled '/' or NUL */
    const char *peer; /* the address that it came from, as text */
    bool secure;      /* came by TLS */
    const struct http_field *query, *form, *cookies;
    size_t query_count, form_count, cookie_count;
    const struct http_upload *uploads;
    size_t upload_count;
    struct span body; /* of a POST that is no form: the raw bytes */
};

/* The first of that name; NULL: none. */
const char *http_query(const struct http_request *request, const char *name);
const char *http_form(const struct http_request *request, const char *name);
const char *http_cookie(const struct http_request *request, const char *name);
/* A header of the request by its name, whatever its case; NULL: none, or no valid UTF-8. There is
 * exactly one Host: whoever listens on the loopback address compares it, against DNS rebinding. */
const char *http_header(const struct http_exchange *exchange, const char *name);

#define HTTP_ETAG_BYTES 128

struct http_response { /* all borrowed during the call */
    unsigned status;
    const char *type;        /* Content-Type; NULL: text/html; charset=utf-8 */
    const char *location;    /* of a 303; NULL */
    const char *cookie;      /* Set-Cookie; NULL */
    const char *disposition; /* Content-Disposition; NULL */
    const char *etag; /* without its quotes, < HTTP_ETAG_BYTES; NULL; else If-None-Match is honoured
                       * for a 200 to a GET: the client gets a 304 without the body */
    uint32_t fresh_s; /* may be cached so long by the browser alone; 0: no-store */
    uint32_t retry_after_s; /* 0: none */
    struct span body;
};

/* Answers and forgets the exchange; the request's memory is wiped at once, the response may still
 * borrow from it. Exactly once for each, within the handler or any time later. A header with a
 * control character or an ETag with a quote makes it an empty 500. */
void http_answer(struct http_exchange *exchange, const struct http_response *response);

struct http_options {
    const char *address;     /* "127.0.0.1:8601", "[::1]:8601"; port 0: a free one */
    const char *certificate; /* PEM file; NULL or empty: plain HTTP */
    const char *key;
    struct inherited *inherited; /* its socket "web" goes from run to run; NULL: it does not */
    size_t connections_max;      /* 0: LIMIT_WEB_CONNECTIONS */
    uint32_t idle_s;    /* a silent connection is closed, and one whose headers take longer than
                         * twice that; 0: LIMIT_WEB_IDLE_S */
    uint32_t request_s; /* so long may a body take to come, or an answer to be fetched; 0:
                         * LIMIT_WEB_REQUEST_S */
    /* How large may the body of this request be? Asked when its headers are here: path, query and
     * cookies are known, nothing else of it. 0: a POST is refused with 405. An urlencoded form has
     * LIMIT_WEB_FORM_BYTES at most; for an upload answer LIMIT_WEB_UPLOAD_BYTES and
     * LIMIT_WEB_FORM_BYTES for the fields beside it. */
    size_t (*body_max)(void *ctx, const struct http_request *request);
    /* Each complete request, once. It may answer at once; if not, http_answer is due later. Not
     * http_close from here. */
    void (*handle)(void *ctx, struct http_exchange *exchange, const struct http_request *request);
    /* What a refused request (400, 405, 413, 414, 503) is answered with: writes a page. NULL: an
     * empty body. Bytes that are no HTTP, or headers beyond LIMIT_WEB_HEADER_BYTES, get a bare
     * answer of libmicrohttpd's and the end of the connection. */
    void (*refusal)(void *ctx, unsigned status, struct buf *page);
    void *ctx;
};

/* Listens. ERR_INVALID (address, certificate), ERR_BUSY (the port is taken), with a fault that
 * says what to do. */
enum err http_open(struct loop *loop, const struct http_options *options,
                   struct http_server **ret_server, struct fault *fault) MUST_CHECK;
/* The port it listens on. */
uint16_t http_port(const struct http_server *server);
/* Those that still wait are answered 503. Not from within `handle`. NULL allowed. */
void http_close(struct http_server *server);

#endif
