/* Is our own listener still handing connections over? A connection to a port succeeds even when nng
 * has stopped: the kernel's backlog takes it, and nng's transport may even negotiate. Only the
 * listener's own count of connections tells, so the probe makes one and waits for the count to
 * rise; a connection of somebody else's in between says the same.
 *
 * tcp and ipc: a REQ peer's eight bytes of SP, which make a connection. tls: a handshake with our
 * own certificate first; where our certificate is not accepted for that (its purpose is
 * restricted), the refusal at least shows somebody there. Blocking; a pool thread. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <nng/nng.h>
#include <nng/supplemental/util/platform.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/link_internal.h"

#define COUNT_STEP_MS 2

union probe_address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
};

/* The listener's address as one can dial it: wildcards become loopback. Names are "localhost" or
 * the operator's; a name that is no literal is probed on loopback too, which a listener on one
 * address only would not answer, so such a listener is not probed (length 0). */
static socklen_t address_of(const struct link_url *url, union probe_address *address)
{
    memset(address, 0, sizeof *address);
    if (url->scheme == LINK_IPC) {
        address->un.sun_family = AF_UNIX;
        memcpy(address->un.sun_path, url->host, strlen(url->host));
        return sizeof address->un;
    }
    const char *host = strcmp(url->host, "localhost") == 0 ? "127.0.0.1" : url->host;
    if (inet_pton(AF_INET, host, &address->in.sin_addr) == 1) {
        address->in.sin_family = AF_INET;
        address->in.sin_port = htons(url->port);
        if (address->in.sin_addr.s_addr == htonl(INADDR_ANY)) {
            address->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        }
        return sizeof address->in;
    }
    if (inet_pton(AF_INET6, host, &address->in6.sin6_addr) == 1) {
        address->in6.sin6_family = AF_INET6;
        address->in6.sin6_port = htons(url->port);
        if (IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr)) {
            address->in6.sin6_addr = in6addr_loopback;
        }
        return sizeof address->in6;
    }
    return 0;
}

/* Whether our half of the negotiation has gone out. */
enum sent { SENT, SENT_NOT_TAKEN, SENT_NO_ANSWER };

static const uint8_t sp_hello[8] = {0, 'S', 'P', 0, 0, 0x30, 0, 0};

static enum sent hello_plain(int fd)
{
    /* A closed connection is an answer, too. */
    return send(fd, sp_hello, sizeof sp_hello, MSG_NOSIGNAL) < 0 ? SENT_NOT_TAKEN : SENT;
}

static enum sent hello_over(SSL *ssl)
{
    if (SSL_connect(ssl) != 1) {
        return errno == EAGAIN || errno == EINTR ? SENT_NO_ANSWER : SENT_NOT_TAKEN;
    }
    return SSL_write(ssl, sp_hello, sizeof sp_hello) == (int)sizeof sp_hello ? SENT
                                                                             : SENT_NOT_TAKEN;
}

/* The server need not be verified: it is ourselves, and nothing secret is said. */
static enum sent hello_tls(int fd, const struct link_probe_target *target)
{
    enum sent sent = SENT_NOT_TAKEN;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = NULL;
    errno = 0;
    if (context != NULL && SSL_CTX_use_certificate_chain_file(context, target->cert_file) == 1 &&
        SSL_CTX_use_PrivateKey_file(context, target->key_file, SSL_FILETYPE_PEM) == 1) {
        ssl = SSL_new(context);
    }
    if (ssl != NULL && SSL_set_fd(ssl, fd) == 1) {
        sent = hello_over(ssl);
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    ERR_clear_error(); /* the queue is the pool thread's, which others use */
    return sent;
}

bool link_probe_count_moves(const _Atomic uint64_t *count, uint64_t before, const atomic_bool *stop,
                            uint64_t wait_ms)
{
    uint64_t due_ms = clock_machine_ms() + wait_ms;
    while (atomic_load(count) == before && !atomic_load(stop)) {
        if (clock_machine_ms() >= due_ms) {
            return false;
        }
        nng_msleep(COUNT_STEP_MS);
    }
    return true;
}

static enum link_probe_result probe_connected(int fd, const struct link_probe_target *target,
                                              uint64_t before, uint64_t wait_ms)
{
    enum sent sent = target->url.scheme == LINK_TLS ? hello_tls(fd, target) : hello_plain(fd);
    if (sent != SENT) {
        return sent == SENT_NOT_TAKEN ? LINK_PROBE_UNKNOWN : LINK_PROBE_DEAD;
    }
    return link_probe_count_moves(target->accepted, before, target->stop, wait_ms)
               ? LINK_PROBE_ALIVE
               : LINK_PROBE_DEAD;
}

enum link_probe_result link_probe(const struct link_probe_target *target, uint64_t wait_ms)
{
    union probe_address address;
    struct timeval wait = {.tv_sec = (time_t)(wait_ms / 1000),
                           .tv_usec = (suseconds_t)(wait_ms % 1000) * 1000};
    enum link_probe_result result = LINK_PROBE_UNKNOWN;
    uint64_t before = atomic_load(target->accepted);
    socklen_t len = address_of(&target->url, &address);
    if (len == 0) {
        return result;
    }
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return result; /* out of descriptors says nothing about the listener */
    }
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) == 0) {
        result = connect(fd, &address.any, len) == 0 ? probe_connected(fd, target, before, wait_ms)
                                                     : LINK_PROBE_DEAD;
    }
    (void)close(fd); /* nothing is buffered in it */
    return result;
}
