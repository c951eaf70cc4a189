/* A web server under test and raw clients against it, all on one loop in one thread: whoever waits
 * turns the loop. The server's pages are made for these tests; their names say what they do. */
#ifndef REFERRAL_TESTS_HTTP_SUPPORT_H
#define REFERRAL_TESTS_HTTP_SUPPORT_H

#include <openssl/ssl.h>

#include "agent/web/http.h"
#include "unit/suite.h"

#define WEB_HELD_MAX   64u
#define WEB_HUGE_BYTES (24u * 1024u * 1024u) /* of /huge: more than a socket's buffers hold */

struct web {
    struct loop *loop;
    struct http_server *server;
    struct http_exchange *held[WEB_HELD_MAX]; /* those of /later, oldest first */
    size_t held_count;
    size_t handled_count;
    unsigned refused; /* the last status that a page was wanted for */
    uint64_t worked;  /* by /work, on the pool */
};

/* On a free port of the loopback address; options NULL: all at their defaults. */
void web_open(struct web *web, const struct http_options *options);
void web_close(struct web *web);
/* Answers the oldest of those held. */
void web_answer_held(struct web *web, const char *text);
/* Turns the loop until there are so many held; fails after 5 s. */
void web_wait_held(struct web *web, size_t count);
/* The same for those that pages have seen. */
void web_wait_handled(struct web *web, size_t count);

struct client {
    struct web *web;
    int descriptor;
    SSL *tls; /* NULL: plain */
    struct buf in;
    bool ended; /* by the server */
};

/* One whole answer; wiped by answer_free. */
struct answer {
    unsigned status; /* 0: the connection ended without one */
    struct buf head; /* with a NUL */
    struct buf body; /* with a NUL that is not counted in body_bytes */
    size_t body_bytes;
};

void client_open(struct client *client, struct web *web);
void client_close(struct client *client);
/* Sends all, turning the loop; stops when the server has ended the connection. */
void client_send_bytes(struct client *client, struct span bytes);
void client_send(struct client *client, const char *text);
/* The next answer, within 5 s; without a body for HEAD. */
void client_answer(struct client *client, bool head_only, struct answer *ret);
/* Turns the loop until the server has ended the connection; false after `limit_ms`. */
bool client_ends(struct client *client, uint64_t limit_ms);
/* Turns the loop for so long. */
void web_turn(struct web *web, uint64_t wait_ms);

/* The value of a header, in place until the next call; NULL: none. */
const char *answer_header(const struct answer *answer, const char *name);
void answer_free(struct answer *answer);

/* Opens, sends, takes one answer, closes. */
void ask(struct web *web, const char *request, struct answer *ret);
/* The status alone. */
unsigned ask_status(struct web *web, const char *request);

#define HOST "Host: inbox\r\n"

#endif
