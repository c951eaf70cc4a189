/* What the files of the HTTP server share: the server, its connections, its exchanges. Not for
 * others: http.h is the door. Loop thread. */
#ifndef REFERRAL_AGENT_WEB_HTTP_PARTS_H
#define REFERRAL_AGENT_WEB_HTTP_PARTS_H

#include <microhttpd.h>

#include "agent/web/http_form.h"
#include "io/loop.h"

/* One accepted connection, from accept to close. */
struct http_connection {
    struct http_connection *prev, *next;
    int descriptor;       /* libmicrohttpd's */
    uint64_t deadline_ms; /* boot clock: it is cut then; UINT64_MAX while we think */
    bool reading;         /* a request, or none: its end of sending ends all */
};

struct http_server {
    struct loop *loop;
    struct http_options options; /* its texts are used in http_open only */
    struct MHD_Daemon *daemon;   /* owned */
    struct loop_watch *watch;    /* of the daemon's epoll descriptor */
    struct loop_timer timer;
    struct http_connection connections; /* ring */
    uint64_t swept_ms;                  /* when they were looked through last */
    struct http_exchange *waiting;      /* first of those that have not been answered */
    size_t answered_count;              /* answers on their way */
    size_t bodies_bytes;                /* memory of all bodies */
    size_t answers_bytes;               /* and of answers that are not fetched yet */
    uint16_t port;
    bool secure;
    bool again;        /* libmicrohttpd has more to do than its descriptor and timeout tell */
    bool running;      /* within MHD_run: http_close would pull the rug */
    char started[256]; /* the last word of libmicrohttpd while it starts */
    bool starting;
};

enum exchange_state {
    EXCHANGE_BEGUN,    /* the request line is here */
    EXCHANGE_READING,  /* the body comes, and is kept or thrown away */
    EXCHANGE_WAITING,  /* handed out */
    EXCHANGE_ANSWERED, /* the response is made, and sent when libmicrohttpd asks */
};

struct http_exchange {
    struct http_server *server;
    struct http_connection *connection;
    struct MHD_Connection *mhd;
    struct http_exchange *prev, *next; /* in server->waiting */
    enum exchange_state state;
    bool handling;    /* within the handler: no need to suspend and resume */
    unsigned refused; /* status; 0: not refused */
    bool cut;         /* the connection ends with the answer */
    char *target;     /* owned, wiped: path and query; NULL: too long */
    size_t target_bytes;
    char *cookie; /* owned, wiped */
    size_t cookie_bytes;
    enum http_body_kind kind;
    uint8_t *body; /* owned, wiped; one byte more than body_room */
    size_t body_len, body_room;
    size_t body_max;
    size_t discarded;
    struct http_form query, form, cookies;
    struct http_request request;
    char peer[64];
    struct MHD_Response *response; /* owned; NULL: there was no memory for it */
    unsigned status;
};

/* http_request.c: libmicrohttpd's callbacks. */
void *http_target_cb(void *cls, const char *target, struct MHD_Connection *mhd);
enum MHD_Result http_request_cb(void *cls, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_len, void **ctx);
void http_completed_cb(void *cls, struct MHD_Connection *mhd, void **ctx,
                       enum MHD_RequestTerminationCode how);
/* When the next request of a connection must be here. */
void http_deadline_head(const struct http_server *server, struct http_connection *connection);
/* When a body must be here, or an answer must have been taken. */
void http_deadline_request(const struct http_server *server, struct http_connection *connection);
/* Wipes and frees all that the request brought. */
void http_exchange_forget(struct http_exchange *exchange);

/* http.c: libmicrohttpd is run in the next turn; without it, a resumed connection would wait. */
void http_run_soon(struct http_server *server);

/* http_answer.c: makes the answer of a refusal: 4xx or 503. Sets response and status. */
void http_refuse(struct http_exchange *exchange, unsigned status);

/* http_listen.c: the listening socket, -1 until it is there. */
enum err http_listen(const struct http_options *options, int *ret_descriptor, uint16_t *ret_port,
                     struct fault *fault) MUST_CHECK;
bool http_is_loopback(const char *address);

#endif
