/* A link server that echoes, on a loop of the test's own, and raw sockets that speak a little SP or
 * nothing. For the link suites. The server's function sees what it shall do in the first byte. */
#ifndef REFERRAL_TESTS_LINK_SUPPORT_H
#define REFERRAL_TESTS_LINK_SUPPORT_H

#include <stdatomic.h>

#include "io/link.h"
#include "io/loop.h"
#include "io_support.h"

#define HELD_MAX 256

/* First byte of a request. */
#define DO_ANSWER 'a' /* echoed on the nng thread */
#define DO_LOOP   'l' /* echoed from the loop */
#define DO_PARK   'p' /* held until the test answers */
#define DO_DROP   'd' /* never answered */
#define DO_WHO    'w' /* answered with the agency of the certificate, "-" where none is known */

struct held {
    uint64_t handle;
    uint32_t pipe;
};

struct bench {
    struct loop *loop;
    struct link_server *server;
    char folder[PATH_BYTES];
    char urls[LINK_LISTENERS_MAX][PATH_BYTES + 16];
    struct held held[HELD_MAX]; /* parked, loop thread */
    size_t held_count;
    uint32_t gone[HELD_MAX];
    size_t gone_count;
    _Atomic int on_nng_threads;
};

/* Options for `count` listeners of these schemes on any port; change them before bench_listen. */
void bench_new(struct bench *bench);
struct link_server_options bench_options(struct bench *bench);
void bench_listen(struct bench *bench, const struct link_server_options *options,
                  const char *const *schemes, size_t count);
/* The address to dial listener `index`, in a buffer of the bench. */
const char *bench_url(struct bench *bench, size_t index);
/* Drains, closes, frees; asserts that it worked. */
void bench_free(struct bench *bench);

/* One request by a client, turning the loop; what came of it. */
struct answer {
    int counts[2]; /* called, expected */
    enum err result;
    char text[128];
    size_t len;
};

void answer_cb(void *ctx, enum err result, struct span reply);
struct answer ask(struct bench *bench, struct link_client *client, const char *text,
                  uint64_t timeout_ms);
/* A client with `contexts` contexts of listener `index`. */
struct link_client *client_new(struct bench *bench, size_t index, size_t contexts);
void client_free(struct link_client *client);

/* Raw descriptors; receive timeouts of 15 s are set. */
int raw_tcp(uint16_t port);
int raw_ipc(const char *url);
void raw_write(int fd, const void *bytes,
               size_t len); /* errors ignored: the peer may have closed */
void raw_reset(int fd);     /* closes with a RST */
/* SP: sends a REQ peer's hello and reads the server's. True when it came. */
bool raw_hello(int fd);
/* One tcp-framed REQ message. */
void raw_request(int fd, const char *text);
/* True when the other side closes within `limit_ms`. */
bool raw_closed(int fd, uint64_t limit_ms);

#endif
